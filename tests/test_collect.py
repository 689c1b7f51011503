"""Collecting: what is found, what is refused, what comes in, what an interruption leaves."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custody.errors import FormatError, InputRefused, MachineError, NoRight, UsageError
from custody.format import compartments, names
from custody.procedure import (
    access,
    acquisition,
    cases,
    collect,
    intake,
    lists,
    readers,
    sources,
    todo,
    typed,
)
from custody.procedure.collect import Collected, Request
from custody.procedure.locker import Desk
from custody.vault import store as vaults
from custody.vault import writing
from tests import desks

NO_FILES = sources.Found(given=(), sources=(), refused=())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def content(desk: Desk, item: str) -> bytes:
    row = desk.locker.work.item(item)
    assert row is not None
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.content is not None
    return b"".join(opened.content())


def base_name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def names_in(done: Collected) -> list[bytes]:
    return [base_name(item.path or b"-") for item in done.items]


def kinds_of(desk: Desk, start: int = 0) -> list[str]:
    with desk.locker.ledger.reading() as view:
        return [stored.read().kind for stored in view.entries(start)]


def check_whole(desk: Desk) -> None:
    """Every item has its object and its keys, every object its item, and nothing temporary is left."""
    fresh = desks.sit_down(desk)
    items = fresh.locker.work.items()
    assert sorted(item.object for item in items if item.object) == list(fresh.locker.vault.objects())
    assert fresh.locker.vault.strangers() == ([], [])
    for item in items:
        content(fresh, item.id)
    labels = [(item.case, item.label) for item in items]
    assert len(set(labels)) == len(labels)
    with fresh.locker.ledger.reading() as view:
        counted = sum(
            entry.public["items"]
            for entry in (stored.read() for stored in view.entries())
            if entry.kind == "case.extended"
        )
    assert counted == len(items)


# What is found


def test_folders_come_in_the_order_of_their_names_bytes(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(
        tmp_path / "src",
        {"b/2": b"1", "b/1": b"2", "B": b"3", "a.txt": b"4", "ä": b"5", "b-": b"6", "a/z": b"7"},
    )
    done = desks.take_in(desk, case, folder)
    relative = [os.path.relpath(item.path or b"", os.fsencode(folder)) for item in done.items]
    assert relative == [b"B", b"a/z", b"a.txt", b"b/1", b"b/2", b"b-", "ä".encode()]
    assert [item.label for item in done.items] == [f"A-1/{n:02d}" for n in range(1, 8)]


def test_paths_come_in_the_order_given_each_file_once(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"b": b"1", "a": b"2"})
    done = desks.take_in(desk, case, folder / "b", folder, folder / ".." / "src" / "a")
    assert names_in(done) == [b"b", b"a"]


@pytest.mark.skipif(os.name != "posix", reason="needs links, sockets and pipes")
def test_what_is_no_file_is_reported_never_followed(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = desks.put(tmp_path / "src", {"good": b"1", "outside/x": b"secret"})
    inside = folder / "in"
    inside.mkdir()
    (inside / "file").write_bytes(b"2")
    (inside / "link").symlink_to(folder / "good")
    (inside / "folder-link").symlink_to(folder / "outside")
    (inside / "dangling").symlink_to("nowhere")
    os.mkfifo(inside / "pipe")
    monkeypatch.chdir(inside)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        done = desks.take_in(desk, case, inside, tmp_path / "missing", "/dev/null")
    assert names_in(done) == [b"file"]
    reported = {base_name(refused.path): refused.code for refused in done.refused}
    assert reported == {
        b"link": "symlink",
        b"folder-link": "symlink",
        b"dangling": "symlink",
        b"pipe": "pipe",
        b"socket": "socket",
        b"missing": "missing",
        b"null": "device",
    }
    # Number and reasons are in the record, names in the sealed note.
    (line,) = (
        line for line in lists.log(desk, case=case, purpose=desks.WHY) if line.kind == "exhibit.completed"
    )
    assert line.public["refused"] == 7
    assert line.parts["capture"]["reasons"]["symlink"] == 3
    names = {base_name(compartments.name_bytes(row["name"])) for row in line.parts["note"]["refused"]}
    assert names == set(reported)


def _unreadable(monkeypatch: pytest.MonkeyPatch, name: bytes, number: int) -> None:
    # By a stub: root reads every file, and tests run as root in containers.
    real = intake._open

    def opening(path: bytes) -> Any:
        if base_name(path) == name:
            raise OSError(number, os.strerror(number))
        return real(path)

    monkeypatch.setattr(intake, "_open", opening)


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, "unreadable"), (errno.EIO, "unreadable")])
def test_a_file_that_cant_be_read_is_reported_the_rest_comes_in(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    _unreadable(monkeypatch, b"b", number)
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1", "b": b"2", "c": b"3"}))
    assert names_in(done) == [b"a", b"c"]
    assert [(base_name(r.path), r.code) for r in done.refused] == [(b"b", code)]
    check_whole(desk)


def test_a_file_that_vanishes_after_the_look_is_reported(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1", "b": b"2"})
    found = sources.look([folder])
    (folder / "a").unlink()
    done = collect.collect(desk, found, Request(case=case, seal=False), workers=0)
    assert names_in(done) == [b"b"]
    assert [r.code for r in done.refused] == ["missing"]


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
@pytest.mark.parametrize("exchange", ["link", "pipe", "folder"])
def test_a_file_that_was_exchanged_after_the_look_is_refused(
    desk: Desk, case: str, tmp_path: Path, exchange: str
) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1", "b": b"2"})
    (tmp_path / "elsewhere").write_bytes(b"secret")
    found = sources.look([folder])
    (folder / "a").unlink()
    match exchange:
        case "link":
            (folder / "a").symlink_to(tmp_path / "elsewhere")
        case "pipe":
            os.mkfifo(folder / "a")
        case _:
            (folder / "a").mkdir()
    done = collect.collect(desk, found, Request(case=case, seal=False), workers=0)
    assert names_in(done) == [b"b"]
    assert len(done.refused) == 1


@pytest.mark.parametrize("size", [10, (1 << 20) + 10])
def test_a_file_that_changes_while_it_is_read_is_refused(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"x" * size, "b": b"2"})
    monkeypatch.setattr(intake, "_check_unchanged", _grown(intake._check_unchanged, folder / "a"))
    done = desks.take_in(desk, case, folder)
    assert names_in(done) == [b"b"]
    assert "changed while it was read" in done.refused[0].reason
    check_whole(desk)


def _grown(real: Callable[..., None], path: Path) -> Callable[..., None]:
    def check(before: os.stat_result, after: os.stat_result, read: int) -> None:
        if before.st_ino == path.stat().st_ino:
            with path.open("ab") as other:
                other.write(b"more")
            after = path.stat()
        real(before, after, read)

    return check


NAMES = [
    b"new\nline",
    b"tab\tbell\x07esc\x1b[31m",
    b"not unicode \xff\xfe",
    "right-to-left \u202egpj.exe".encode(),
    b"n" * 255,
    ("é" * 127).encode() + b"x",
    "e\u0301 decomposed".encode(),
    "é composed".encode(),
    b" leading and trailing ",
    b"back\\slash",
    b"'quotes\"",
    b"-rf",
]


@pytest.mark.skipif(os.name != "posix", reason="needs names that are bytes")
def test_names_are_kept_exactly(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {name: name for name in NAMES})
    done = desks.take_in(desk, case, folder)
    assert sorted(names_in(done)) == sorted(NAMES)
    kept = {named.name: named.line.id for named in lists.list_names(desks.sit_down(desk), case, desks.WHY)}
    assert set(kept) == set(NAMES)
    for name, item in kept.items():
        assert name is not None
        assert content(desk, item) == name


# The same bytes again


def test_the_same_bytes_from_the_same_source_are_not_taken_twice(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1", "b": b"2"})
    desks.take_in(desk, case, folder)
    desks.put(folder, {"c": b"3"})
    done = desks.take_in(desks.sit_down(desk), case, folder)
    assert (names_in(done), done.already) == ([b"c"], 2)
    again = desks.take_in(desks.sit_down(desk), case, folder)
    assert (again.items, again.already, again.exhibit) == ((), 3, None)
    check_whole(desk)


def test_changed_bytes_at_the_same_path_are_taken(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1"})
    desks.take_in(desk, case, folder)
    desks.put(folder, {"a": b"2"})
    done = desks.take_in(desk, case, folder)
    assert (len(done.items), done.already, done.elsewhere) == (1, 0, {})


def test_another_case_knows_nothing_of_the_bytes(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"same"})
    desks.take_in(desk, case, folder)
    done = desks.take_in(desk, cases.open_case(desk, "REF-2"), folder)
    assert (len(done.items), done.already, done.received) == (1, 0, ())


# What a person says


def test_what_is_expected_is_compared(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1"})
    right = hashlib.sha256(b"1").hexdigest()
    with pytest.raises(InputRefused, match="not the bytes that the sender describes"):
        desks.take_in(desk, case, folder / "a", expect="0" * 64)
    assert desk.locker.work.items() == []
    assert list(desk.locker.vault.objects()) == []
    done = desks.take_in(desk, case, folder / "a", expect=right)
    (row,) = desk.locker.work.items()
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.first("content")["expected"] == {"sha256": right, "match": True}  # type: ignore[index]
    assert done.items[0].sha256 == right
    desks.put(folder, {"b": b"2"})
    with pytest.raises(UsageError, match="about one file"):
        desks.take_in(desk, case, folder, expect=right)


def test_a_large_file_is_compared_too(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "src", {"a": b"1" * (3 << 20)})
    with pytest.raises(InputRefused, match="not the bytes"):
        desks.take_in(desk, case, folder / "a", expect="0" * 64)
    check_whole(desk)


def test_what_is_said_and_what_is_not_is_kept(desk: Desk, case: str, tmp_path: Path) -> None:
    record = {"capture": {"method": "photographed"}, "source": {"text": "a phone"}, "note": {"text": "n"}}
    done = desks.take_in(
        desk, case, desks.put(tmp_path / "src", {"a": b"1"}), record=record, handling=("child", "distressing")
    )
    (line,) = (
        line for line in lists.log(desk, case=case, purpose=desks.WHY) if line.kind == "exhibit.acquired"
    )
    assert line.parts["capture"]["method"] == "photographed"
    assert line.parts["source"] == {"text": "a phone"}
    assert "capture.method" not in done.not_stated
    assert "source.kind" in done.not_stated
    assert tuple(line.parts["capture"]["not_stated"]) == done.not_stated
    (named,) = lists.list_names(desk, case, desks.WHY)
    assert named.handling == ("child", "distressing")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"handling": ("secret",)}, "not a handling flag"),
        ({"digests": ("sha256", "crc32")}, "not a digest that is offered"),
        ({"exhibit": "Ms Example"}, "not an exhibit label"),
        ({"exhibit": "A/1"}, "not an exhibit label"),
        ({"record": {"capture": {"metod": "x"}}}, "a field that this format does not have"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_before_anything_is_read(
    desk: Desk, case: str, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    before = len(kinds_of(desk))
    with pytest.raises((UsageError, InputRefused), match=words):
        desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1"}), **options)
    assert len(kinds_of(desk)) == before


def test_more_digests_on_request(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1"}), digests=("md5", "sha512"))
    (row,) = desk.locker.work.items()
    opened = access.open_item(desk, row, purpose=desks.WHY)
    digests = opened.first("content")["digests"]  # type: ignore[index]
    assert digests == {name: hashlib.new(name, b"1").hexdigest() for name in ("sha256", "md5", "sha512")}


def test_items_are_added_to_a_named_exhibit(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "one", {"a": b"1"}), exhibit="B-7")
    done = desks.take_in(desk, case, desks.put(tmp_path / "two", {"b": b"2"}), exhibit="B-7")
    assert [item.label for item in done.items] == ["B-7/02"]
    assert not done.continued
    other = desks.take_in(desk, case, desks.put(tmp_path / "three", {"c": b"3"}))
    assert other.exhibit == "A-1"


def test_the_digest_over_all_is_reproducible_and_stored_nowhere(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1", "b": b"2"}))
    lines = "".join(hashlib.sha256(data).hexdigest() + "\n" for data in (b"1", b"2"))
    assert done.digest == hashlib.sha256(lines.encode()).hexdigest()
    for path, data in desks.all_bytes(desk.locker.path):
        assert done.digest.encode() not in data, path
        assert bytes.fromhex(done.digest) not in data, path


def test_where_readable_originals_still_lie_is_said(desk: Desk, case: str, tmp_path: Path) -> None:
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1", "in/b": b"2"}))
    assert done.originals == (os.fsencode(tmp_path / "src"), os.fsencode(tmp_path / "src" / "in"))


def test_nothing_to_take_is_an_error(desk: Desk, case: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = len(kinds_of(desk))
    with pytest.raises(InputRefused, match="no file to take"):
        desks.take_in(desk, case, tmp_path / "empty")
    with pytest.raises(InputRefused, match="not there; nothing was taken"):
        desks.take_in(desk, case, tmp_path / "missing")
    assert len(kinds_of(desk)) == before
    check_whole(desk)


def test_collecting_needs_the_right(desk: Desk, case: str, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["seal"])
    with pytest.raises(NoRight, match="no right to collect"):
        desks.take_in(desks.sit_down(desk, other), case, desks.put(tmp_path / "src", {"a": b"1"}))


# Large, piped, typed


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20) + 17])
def test_content_comes_back_at_every_size(desk: Desk, case: str, tmp_path: Path, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a.bin": data}))
    assert content(desks.sit_down(desk), done.items[0].id) == data
    assert (done.items[0].size, done.items[0].sha256) == (size, hashlib.sha256(data).hexdigest())
    if size == 0:
        assert "empty" in done.items[0].flags
    check_whole(desk)


def test_standard_input_is_one_item(desk: Desk, case: str) -> None:
    data = b"piped" * 400_000
    request = Request(case=case, act="standard-input", seal=False, expect=hashlib.sha256(data).hexdigest())
    done = collect.collect(desk, NO_FILES, request, stream=io.BytesIO(data))
    (item,) = done.items
    assert content(desk, item.id) == data
    (line,) = (line for line in lists.log(desk, case=case) if line.kind == "exhibit.acquired")
    assert line.public["act"] == "standard-input"


def test_standard_input_that_is_not_what_was_expected_is_refused(desk: Desk, case: str) -> None:
    request = Request(case=case, act="standard-input", seal=False, expect="0" * 64)
    with pytest.raises(InputRefused, match="not the bytes"):
        collect.collect(desk, NO_FILES, request, stream=io.BytesIO(b"piped"))
    assert desk.locker.work.items() == []
    check_whole(desk)


def test_typed_items_hold_their_record_in_one_spelling(desk: Desk, case: str) -> None:
    from custody.evidence.blockchain.payment import payment_reference
    from custody.evidence.network.ip import ip_reference
    from custody.format import canonical

    ip = ip_reference("192.0.2.7", time="2026-01-02 03:04:05", offset="+01:00")
    request = Request(case=case, seal=False)
    done = typed.add_ip(desk, request, ip)
    (item,) = done.items
    assert content(desk, item.id) == canonical.encode(dict(ip))
    assert (item.media_type, item.flags) == (typed.IP_REFERENCE, ())
    payment = payment_reference("bitcoin", "ab" * 32)
    second = typed.add_payment(desk, request, payment)
    assert second.exhibit == "A-2"
    third = typed.add_payment(desk, Request(case=case, seal=False, exhibit="A-1"), {**payment, "asset": "x"})
    assert third.items[0].label == "A-1/02"
    names = [named.name for named in lists.list_names(desk, case, desks.WHY)]
    assert names == [b"ip-reference.json", b"payment-reference.json", b"payment-reference.json"]
    acts = [line.public["act"] for line in lists.log(desk, case=case) if line.kind == "exhibit.acquired"]
    assert acts == ["hand-entered"] * 3
    with pytest.raises(InputRefused, match="a record of another kind"):
        typed.add_ip(desk, request, payment)
    again = typed.add_ip(desk, request, ip)
    assert (again.items, again.already) == ((), 1)


# Many, and worker processes


def test_many_small_files_with_worker_processes_and_a_large_one_between(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    files: dict[str | bytes, bytes] = {f"{n:03d}.txt": f"file {n}".encode() for n in range(230)}
    files["050-large.bin"] = b"L" * ((1 << 20) + 5)
    progress: list[collect.Progress] = []
    found = sources.look([desks.put(tmp_path / "src", files)])
    done = collect.collect(desk, found, Request(case=case, seal=False), workers=2, progress=progress.append)
    assert names_in(done) == sorted(os.fsencode(name) for name in files)
    assert [item.label for item in done.items] == [f"A-1/{n:02d}" for n in range(1, 232)]
    assert progress[-1].bytes == found.size
    assert content(desk, done.items[70].id) == b"file 69"
    extended = [line.public["items"] for line in lists.log(desk, case=case) if line.kind == "case.extended"]
    assert extended == [200, 31]
    check_whole(desk)
    batches = {row.batch for row in desk.locker.erasable.all_item_keys()}
    assert len(batches) == 2


def test_an_exhibit_that_is_full_says_so_and_the_rest_goes_into_another(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "BATCH_ITEMS", 2)
    monkeypatch.setattr(acquisition, "MOST_ITEMS", 5)
    folder = desks.put(tmp_path / "src", {f"{n}": b"%d" % n for n in range(7)})
    done = desks.take_in(desk, case, folder, exhibit="A-1")
    assert [item.label for item in done.items] == [f"A-1/{n:02d}" for n in range(1, 5)]
    assert [(one.path[-1:], one.code) for one in done.refused] == [
        (b"4", "full"),
        (b"5", "full"),
        (b"6", "full"),
    ]
    assert "room for 5 items: take this into another, with --exhibit" in done.refused[0].reason
    completed = [line.public for line in lists.log(desk, case=case) if line.kind == "exhibit.completed"]
    assert [(one["interrupted"], one["items"], one["refused"]) for one in completed] == [(False, 4, 3)]
    assert todo.todo(desk).unfinished == ()
    check_whole(desk)
    again = desks.take_in(desk, case, folder, exhibit="A-1")
    assert (len(again.items), again.already, len(again.refused)) == (0, 4, 3)
    assert len(desks.take_in(desk, case, folder / "4", exhibit="A-1").items) == 1
    mixed = desks.take_in(desk, case, folder / "3", folder / "5", folder / "0", exhibit="A-1")
    assert (len(mixed.items), mixed.already) == (0, 1), "what is in already is not told as left out"
    assert [(one.path[-1:], one.reason.startswith("not read: ")) for one in mixed.refused] == [
        (b"5", False),
        (b"0", True),
    ]
    other = desks.put(tmp_path / "other", {"x": b"x", "y": b"y"})
    with pytest.raises(InputRefused, match=r"room for 5 items.*\(and 1 more\); nothing was taken"):
        desks.take_in(desk, case, other, exhibit="A-1")
    rest = desks.take_in(desk, case, folder, exhibit="A-2")
    assert (len(rest.items), rest.already) == (2, 5)
    check_whole(desk)


def test_a_label_numbers_as_many_items_as_an_exhibit_may_have() -> None:
    assert names.check_item_label(f"A-1/{acquisition.MOST_ITEMS}", where="label")
    with pytest.raises(FormatError):
        names.check_item_label(f"A-1/{acquisition.MOST_ITEMS + 1}", where="label")


def test_workers_that_were_begun_early_are_used_and_end(desk: Desk, case: str, tmp_path: Path) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": b"%d" % n for n in range(70)})])
    with readers.Readers(found.sources, 2) as begun:
        assert begun.pool is not None
        workers = list(begun.pool._processes.values())
        assert len(workers) == 2
        done = collect.collect(desk, found, Request(case=case, seal=False), workers=begun)
    assert len(done.items) == 70
    assert not any(worker.is_alive() for worker in workers)
    again = collect.collect(desk, found, Request(case=case, seal=False), workers=0)
    assert (len(again.items), again.already) == (0, 70), "a worker's look-ups are those of this process"
    check_whole(desk)


def _kill(pool: Any) -> None:
    workers = list(pool._processes.values())
    workers[0].kill()
    workers[0].join(10)


def test_a_worker_that_is_ended_before_it_was_asked_is_done_without(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": b"%d" % n for n in range(70)})])
    with readers.Readers(found.sources, 2) as begun:
        _kill(begun.pool)
        done = collect.collect(desk, found, Request(case=case, seal=False), workers=begun)
    assert len(done.items) == 70
    check_whole(desk)


@pytest.mark.parametrize("at", [1, 450])
def test_a_worker_that_is_ended_in_between_is_an_error_of_ours(
    desk: Desk, case: str, tmp_path: Path, at: int
) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n:04d}": b"%d" % n for n in range(900)})])
    with readers.Readers(found.sources, 2) as begun:

        def kill(progress: collect.Progress) -> None:
            if progress.files == at:
                _kill(begun.pool)

        with pytest.raises(MachineError, match="a worker process was ended from outside"):
            collect.collect(desk, found, Request(case=case, seal=False), workers=begun, progress=kill)
    check_whole(desk)
    again = collect.collect(desk, found, Request(case=case, seal=False), workers=0)
    assert len(again.items) + again.already == 900
    check_whole(desk)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="POSIX's")
def test_ctrl_c_does_not_meet_workers_that_are_just_begun(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = readers.concurrent.futures.ProcessPoolExecutor.submit

    def submit(*args: Any) -> Any:
        seen.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return real(*args)

    monkeypatch.setattr(readers.concurrent.futures.ProcessPoolExecutor, "submit", submit)
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": b"x" for n in range(70)})])
    with readers.Readers(found.sources, 2):
        assert seen == [True, True]
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_where_no_thread_can_be_started_objects_get_their_names_without_one(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(vaults.concurrent.futures.ThreadPoolExecutor, "submit", fail)
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"a", "b": b"b"}))
    assert len(done.items) == 2
    monkeypatch.undo()
    check_whole(desk)


def test_few_files_begin_no_worker(desk: Desk, tmp_path: Path) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": b"x" for n in range(63)})])
    assert readers.Readers(found.sources, 2).pool is None


@pytest.mark.parametrize("error", [OSError(errno.EAGAIN, "no room"), RuntimeError("can't start new thread")])
@pytest.mark.parametrize("where", ["__init__", "submit"])
def test_where_no_worker_can_be_started_this_process_does_it_all(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(readers.concurrent.futures.ProcessPoolExecutor, where, fail)
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": b"%d" % n for n in range(70)})])
    done = collect.collect(desk, found, Request(case=case, seal=False), workers=2)
    assert len(done.items) == 70
    check_whole(desk)


def test_two_desks_collect_into_one_exhibit_and_labels_stay_unique(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "BATCH_ITEMS", 2)
    folder = desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(6)})
    other = desks.put(tmp_path / "other", {"x": b"x", "y": b"y", "z": b"z"})
    neighbour = desks.sit_down(desk)
    real = collect._Run._commit
    done_by_neighbour: list[Collected] = []

    def commit(self: Any, batch: Any) -> None:
        real(self, batch)
        if self.desk is desk and not done_by_neighbour:
            monkeypatch.setattr(collect._Run, "_commit", real)
            done_by_neighbour.append(desks.take_in(neighbour, case, other, exhibit="B-1"))

    monkeypatch.setattr(collect._Run, "_commit", commit)
    done = desks.take_in(desk, case, folder, exhibit="B-1")
    labels = [item.label for item in done.items + done_by_neighbour[0].items]
    assert sorted(labels) == [f"B-1/{n:02d}" for n in range(1, 10)]
    check_whole(desk)


# Interrupted, failed, continued


def _interrupt_at(number: int) -> Callable[[collect.Progress], None]:
    calls = iter(range(1, 1000))

    def progress(_: collect.Progress) -> None:
        if next(calls) == number:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "BATCH_ITEMS", 2)


@pytest.mark.usefixtures("small_batches")
def test_ctrl_c_leaves_in_what_was_reported_and_the_rest_untouched(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(7)})])
    done = collect.collect(desk, found, Request(case=case), workers=0, progress=_interrupt_at(6))
    assert done.interrupted
    assert names_in(done) == [b"0", b"1", b"2", b"3"]
    assert done.sealed is None
    check_whole(desk)
    (open_one,) = lists.todo(desk).unfinished
    assert (open_one.label, open_one.interrupted) == ("A-1", True)

    # The same paths again continue it, in the same exhibit.
    again = collect.collect(desks.sit_down(desk), found, Request(case=case, seal=False), workers=0)
    assert again.continued
    assert again.exhibit == "A-1"
    assert names_in(again) == [b"4", b"5", b"6"]
    assert [item.label for item in again.items] == ["A-1/05", "A-1/06", "A-1/07"]
    assert again.already == 4
    assert lists.todo(desk).unfinished == ()
    check_whole(desk)
    third = collect.collect(desks.sit_down(desk), found, Request(case=case, seal=False), workers=0)
    assert (third.items, third.already) == ((), 7)


@pytest.mark.usefixtures("small_batches")
def test_ctrl_c_before_anything_is_in_leaves_nothing(desk: Desk, case: str, tmp_path: Path) -> None:
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(3)})])
    before = len(kinds_of(desk))
    done = collect.collect(desk, found, Request(case=case), workers=0, progress=_interrupt_at(1))
    assert (done.interrupted, done.items, done.exhibit) == (True, (), None)
    assert len(kinds_of(desk)) == before
    check_whole(desk)


@pytest.mark.usefixtures("small_batches")
def test_somebody_elses_unfinished_acquisition_is_not_continued(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    other, _ = desks.add_person(
        desk, tmp_path / "keys" / "other", rights=["collect", "read", "admin"], all_cases=True
    )
    found = sources.look([desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(5)})])
    collect.collect(desk, found, Request(case=case), workers=0, progress=_interrupt_at(4))
    done = collect.collect(desks.sit_down(desk, other), found, Request(case=case, seal=False), workers=0)
    assert not done.continued
    assert done.exhibit == "A-2"
    check_whole(desk)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("where", ["seal_bytes", "publish"])
def test_a_full_disk_in_the_middle_leaves_earlier_batches_in_and_the_vault_clean(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(6)})
    calls = iter(range(1, 100))
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patched:
        if where == "seal_bytes":
            real_write = writing.write_whole

            def write(descriptor: int, data: bytes) -> None:
                if next(calls) == 4:
                    os.write(descriptor, data[:10])
                    raise full
                real_write(descriptor, data)

            patched.setattr(writing, "write_whole", write)
        else:
            real_sync = vaults.machine.sync_directory

            def sync(path: Path) -> None:
                if path.name == "vault" and next(calls) == 2:
                    raise full
                real_sync(path)

            patched.setattr(vaults.machine, "sync_directory", sync)
        with pytest.raises(MachineError, match="the disk is full"):
            desks.take_in(desk, case, folder)
    fresh = desks.sit_down(desk)
    assert len(fresh.locker.work.items()) == 2 + (where == "seal_bytes")
    check_whole(desk)
    again = desks.take_in(fresh, case, folder)
    assert again.exhibit == "A-1"
    assert len(fresh.locker.work.items()) == 6
    check_whole(desk)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("store", ["erasable", "ledger"])
def test_when_a_database_cant_commit_the_objects_are_taken_back(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    folder = desks.put(tmp_path / "src", {f"{n}": str(n).encode() for n in range(4)})
    calls = iter(range(1, 100))
    with monkeypatch.context() as patched:
        if store == "erasable":
            real = desk.locker.erasable.add

            def add(rows: Any) -> None:
                if next(calls) == 2:
                    raise MachineError("the erasable store can't be used: full")
                real(rows)

            patched.setattr(desk.locker.erasable, "add", add)
        else:

            def point(name: str) -> None:
                if name == "after erasable commit" and next(calls) == 2:
                    raise MachineError("the ledger can't be used: full")

            patched.setattr(collect.machine, "at_point", point)
        with pytest.raises(MachineError):
            desks.take_in(desk, case, folder)
    assert len(desks.sit_down(desk).locker.work.items()) == 2
    check_whole(desk)
    again = desks.take_in(desks.sit_down(desk), case, folder)
    assert (len(again.items), again.already) == (2, 2)
    check_whole(desk)
