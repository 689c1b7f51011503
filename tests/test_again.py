"""A package that is written once more: the same bytes, logged after it, and only for who may."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from custody import machine
from custody.cli import main
from custody.errors import CheckFailed, InputRefused, MachineError, NoRight
from custody.export import container, encrypted
from custody.format import kinds, words
from custody.procedure import (
    access,
    again,
    backup,
    cases,
    check,
    custodians,
    export,
    items,
    restore,
    seal,
    todo,
)
from custody.procedure.export import Choice, Exported
from custody.procedure.locker import Desk, Locker
from custody.verify.package import verify
from tests import crash, desks
from tests.conftest import REPO

FILES: dict[str | bytes, bytes] = {"a.txt": b"content one\n", "b.bin": bytes(range(256)) * 40}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk, tmp_path: Path) -> str:
    found, _ = desks.case_with(desk, tmp_path / "src", FILES)
    return found


def an_export(desk: Desk, case: str, output: Path, **options: Any) -> Exported:
    choice = Choice(case=case, show=("handling",), withhold=("name",))
    return export.export(desk, choice, output, purpose="a test", recipient="the first", **options)


def once_more(desk: Desk, package: str, output: Path, **options: Any) -> Exported:
    return again.again(desk, again.find(desk, package[-8:]), output, purpose="a copy", **options)


def without_file(desk: Desk, case: str, output: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    """An export whose file fails to be written; gives the package's id."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(container.ContainerWriter, "close", full)
        with pytest.raises(MachineError, match="can't be written"):
            an_export(desk, case, output, **options)
    return desk.locker.work.packages()[-1].id


def colleague(desk: Desk, case: str, folder: Path, *rights: str) -> Desk:
    own, person = desks.add_person(desk, folder / "keys" / "second", rights=("seal",))
    custodians.grant(desk, person, case, rights=list(rights), classes=list(kinds.CLASSES))
    return desks.sit_down(desk, own)


def entries_from(desk: Desk, start: int) -> list[Any]:
    with desk.locker.ledger.reading() as view:
        return [stored.read() for stored in view.entries(start)]


def size_of(desk: Desk) -> int:
    with desk.locker.ledger.reading() as view:
        return view.size


def intact(path: Path, passphrase: str | None = None) -> bool:
    if passphrase is None:
        with path.open("rb") as file:
            return verify(file, now=desks.START).intact
    with encrypted.unwrap(path, passphrase) as inner:
        return verify(inner, now=desks.START).intact


# --- the same bytes -------------------------------------------------------------------------------------


def test_a_second_copy_is_byte_for_byte_the_first(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip", plain=True)
    # The record, the case, its items and what may be shown all go on meanwhile.
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"c.txt": b"later\n"}), seal=True)
    access.open_item(desk, items.find_item(desk, "A-1/01"), purpose=desks.WHY)
    desks.add_person(desk, tmp_path / "keys" / "third")
    second = once_more(desks.sit_down(desk), first.package, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (second.again, second.sha512, second.package) == ("same", first.sha512, first.package)
    assert (second.items, second.of_items, second.withheld) == (first.items, first.of_items, first.withheld)
    assert first.again is None
    assert intact(tmp_path / "b.zip")


def test_an_encrypted_one_keeps_its_passphrase(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    second = once_more(desk, first.package, tmp_path / "b.zip")
    assert second.passphrase is not None
    assert second.passphrase == first.passphrase
    assert (tmp_path / "a.zip").read_bytes() != (tmp_path / "b.zip").read_bytes()  # another salt
    with (
        encrypted.unwrap(first.path, second.passphrase) as one,
        encrypted.unwrap(second.path, second.passphrase) as two,
    ):
        assert one.read() == two.read()
    assert second.again == "same"
    assert intact(second.path, second.passphrase)


def test_tokens_that_came_later_do_not_change_a_second_copy(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        case, _ = desks.case_with(desk, tmp_path / "src", FILES)
        first = an_export(desk, case, tmp_path / "a.zip", plain=True, stamped=False)
        assert seal.seal(desk).tokens  # over the package's own note: nothing came since
        second = once_more(desk, first.package, tmp_path / "b.zip")
        assert first.sha512 == second.sha512
        assert not any(name.endswith(".tsr") for name in zipfile.ZipFile(second.path).namelist())


def test_one_that_was_never_written_asks_for_the_time_proof_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        case, _ = desks.case_with(desk, tmp_path / "src", FILES)
        lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch, plain=True, stamped=False)
        cases.open_case(desk, "REF-2")  # the package's note is not the newest any more
        seal.seal(desk)
        size = desk.locker.work.packages()[0].seq + 1
        done = once_more(desk, lost, tmp_path / "b.zip")
        assert len(done.tokens) == 1
        assert f"bag/custody/log/{size}.tsr" in zipfile.ZipFile(done.path).namelist()
        assert intact(done.path)
        # and from now on every copy has that one
        assert once_more(desk, lost, tmp_path / "c.zip").sha512 == done.sha512


def test_the_copy_is_logged_after_the_package_for_every_item(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip", plain=True)
    before = size_of(desk)
    once_more(desk, first.package, tmp_path / "b.zip", recipient="the second")
    new = entries_from(desk, before)
    assert [entry.kind for entry in new] == ["item.accessed"] * 2 + ["case.consulted"]
    assert {entry.group for entry in new} == {new[0].group}
    assert new[0].group is not None
    assert new[0].public == {"what": "package", "result": "opened", "copy": False, "purpose": "again"}
    look = access.consult(desk, case, what="log", exhibits=None, purpose=desks.WHY)
    told = [parts.values["purpose"] for parts in look(case, ["purpose"]) if parts.seq == size_of(desk) - 2]
    assert told == [{"text": "a copy", "recipient": "the second", "package": first.package}]
    assert check.check(desk.locker, desk).passed


def test_nothing_is_open_before_it_is_logged(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    real, before = access._open_part, size_of(desk)

    def and_logged(*args: Any) -> Any:
        assert size_of(desk) == before + 3
        return real(*args)

    monkeypatch.setattr(access, "_open_part", and_logged)
    once_more(desk, first.package, tmp_path / "b.zip")


# --- prepared -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [True, False])
def test_an_export_without_a_file_stays_prepared_until_it_is_written(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch, plain=plain)
    (waiting,) = todo.todo(desk.locker).prepared  # without a key
    assert (waiting.package, waiting.case, waiting.items) == (lost, case, 2)
    assert not todo.todo(desk.locker).nothing
    done = once_more(desk, lost, tmp_path / "a.zip")
    assert done.again == "first"
    assert (done.passphrase is None) == plain
    assert intact(done.path, done.passphrase)
    assert todo.todo(desk.locker).prepared == ()
    assert once_more(desk, lost, tmp_path / "b.zip").again == "same"


def test_one_that_is_written_is_not_prepared(desk: Desk, case: str, tmp_path: Path) -> None:
    an_export(desk, case, tmp_path / "a.zip")
    assert todo.todo(desk.locker).prepared == ()
    assert desk.locker.erasable.prepared() == []


def test_a_projection_that_is_lost_does_not_lose_the_reminder(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_export(desk, case, tmp_path / "a.zip")
    lost = without_file(desk, case, tmp_path / "b.zip", monkeypatch)
    desk.locker.close()
    (desk.locker.path / "work.sqlite").unlink()
    assert [one.package for one in again.prepared(desks.sit_down(desk).locker)] == [lost]


def test_a_reminder_can_be_ended(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch)
    again.not_wanted(desk, again.find(desk, lost))
    assert todo.todo(desk.locker).prepared == ()
    with pytest.raises(InputRefused, match="was written"):
        again.not_wanted(desk, again.find(desk, lost))
    assert intact((done := once_more(desk, lost, tmp_path / "b.zip")).path, done.passphrase)


def test_a_second_failure_leaves_it_prepared(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch)

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        once_more(desk, lost, folder / "b.zip", progress=stop)
    assert list(folder.iterdir()) == []
    assert [one.package for one in again.prepared(desk.locker)] == [lost]


# --- power cuts -----------------------------------------------------------------------------------------

GONE = 42
POINTS = ("before erasable commit", "after erasable commit", "after ledger commit", "before package file")


def do_export(folder: Path) -> None:
    desk = crash.desk_of(folder)
    export.export(desk, Choice(case=crash.first_case(desk)), folder / "out.zip", purpose="a test")


def die_at(point: str) -> Callable[[str], None]:
    def hook(name: str) -> None:
        if name == point:
            os._exit(GONE)

    return hook


def run_crash() -> None:
    """In a process of its own, with the base and [[folder, point]…]: each in a child that is gone at its point."""
    gone = []
    for folder, point in json.loads(sys.argv[2]):
        shutil.copytree(sys.argv[1], folder)
        child = os.fork()
        if child == 0:
            machine.at_point = die_at(point)
            try:
                do_export(Path(folder))
            finally:
                os._exit(1)
        gone.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == GONE)
    print(json.dumps(gone))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_power_cut_the_package_is_written_again(tmp_path: Path) -> None:
    crash.make_base(tmp_path / "base")
    jobs = [[str(tmp_path / str(n)), point] for n, point in enumerate(POINTS)]
    code = "from tests.test_again import run_crash; run_crash()"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "base"), json.dumps(jobs)],
        cwd=REPO,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, json.dumps([True] * len(POINTS))), ran.stderr
    for n, point in enumerate(POINTS):
        folder = tmp_path / str(n)
        desk = crash.desk_of(folder)
        assert check.check(desk.locker, desk, deep=True).passed, point
        assert not (folder / "out.zip").exists()
        waiting = todo.todo(desk.locker).prepared
        if point in POINTS[:2]:
            assert waiting == (), point  # the record does not have it
            done = export.export(
                desk, Choice(case=crash.first_case(desk)), folder / "out.zip", purpose="a test"
            )
            assert desk.locker.erasable.prepared() == [], point
        else:
            done = once_more(desk, waiting[0].package, folder / "out.zip")
            assert done.again == "first"
        assert intact(done.path, done.passphrase), point
        assert todo.todo(desk.locker).prepared == (), point


# --- who may, and what is refused -----------------------------------------------------------------------


def test_a_colleague_writes_the_same_bytes_with_the_signature_of_who_made_it(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip", plain=True)
    theirs = colleague(desk, case, tmp_path, "export")  # without the right to read
    second = once_more(theirs, first.package, tmp_path / "b.zip")
    assert second.again == "same"
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    # A later package has the colleague's entries, and they hold.
    third = an_export(desks.sit_down(desk), case, tmp_path / "c.zip", plain=True)
    assert intact(third.path)


def test_a_colleague_cant_sign_what_its_maker_never_signed(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch)
    theirs = colleague(desk, case, tmp_path, "export", "read")
    before = size_of(desk)
    with pytest.raises(InputRefused, match="only who made this package"):
        once_more(theirs, lost, tmp_path / "b.zip")
    assert size_of(desk) == before
    assert not (tmp_path / "b.zip").exists()


def test_without_the_right_the_try_is_logged(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    theirs = colleague(desk, case, tmp_path, "read")
    before = size_of(desk)
    with pytest.raises(NoRight):
        once_more(theirs, first.package, tmp_path / "b.zip")
    (entry,) = entries_from(desk, before)
    assert (entry.kind, entry.public["what"], entry.public["result"]) == (
        "case.consulted",
        "export",
        "refused",
    )
    assert not (tmp_path / "b.zip").exists()


def test_who_lacks_a_class_that_is_shown_is_refused(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(
        desk,
        case,
        desks.put(tmp_path / "with", {"p.txt": b"p"}),
        record={"identity": {"persons": [{"name": "somebody"}]}},
    )
    choice = Choice(case=case, show=("identity",))
    first = export.export(desk, choice, tmp_path / "a.zip", purpose="a test", plain=True)
    own, person = desks.add_person(desk, tmp_path / "keys" / "second", rights=("seal",))
    custodians.grant(desk, person, case, rights=["export"], classes=["object", "record"])
    with pytest.raises(NoRight, match="can't open all"):
        once_more(desks.sit_down(desk, own), first.package, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def forget_keys(desk: Desk, item: Any) -> None:
    desk.locker.erasable.forget([item.id])


def lose_object(desk: Desk, item: Any) -> None:
    (desk.locker.path / "vault" / item.object).unlink()


@pytest.mark.parametrize("lose", [forget_keys, lose_object])
def test_when_parts_are_gone_nothing_is_logged_or_written(
    desk: Desk, case: str, tmp_path: Path, lose: Callable[[Desk, Any], None]
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    lose(desk, items.find_item(desk, "A-1/02"))
    fresh = desks.sit_down(desk)
    before = size_of(desk)
    with pytest.raises(InputRefused, match="are gone"):
        once_more(fresh, first.package, tmp_path / "b.zip")
    assert size_of(desk) == before
    assert not (tmp_path / "b.zip").exists()


def test_after_a_disposal_it_is_refused(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    known = dataclasses.replace(kinds.KINDS["item.disposed"], draft=False)
    monkeypatch.setitem(kinds.KINDS, "item.disposed", known)
    item = items.find_item(desk, "A-1/01")
    public = {"ground": "a ground", "provision": "a provision", "method": "keys destroyed"}
    with desk.write() as writer:
        writer.add("item.disposed", "item", item.id, case=case, public=public)
    with pytest.raises(InputRefused, match="disposed of"):
        once_more(desk, first.package, tmp_path / "b.zip")


def test_what_is_not_the_package_that_was_logged_is_never_written(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    real = access.open_again
    monkeypatch.setattr(access, "open_again", lambda *a, **o: {**real(*a, **o), "shown": ["content", "name"]})
    with pytest.raises(NoRight, match="differently"):
        once_more(desk, first.package, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_kept_signature_that_does_not_fit_is_not_used(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip", plain=True)
    kept = json.loads(desk.locker.erasable.kept(first.package) or b"")
    other = an_export(desk, case, tmp_path / "other.zip", plain=True)
    wrong = json.loads(desk.locker.erasable.kept(other.package) or b"")["signature"]
    value = json.dumps({"signature": wrong, "tokens": kept["tokens"]}, separators=(",", ":"))
    desk.locker.erasable.end_prepared([first.package], value.encode())
    theirs = colleague(desk, case, tmp_path, "export")
    with pytest.raises(InputRefused, match="other pages"):
        once_more(theirs, first.package, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
    # Who made it is here to sign: the bytes come out the same.
    done = once_more(desk, first.package, tmp_path / "b.zip")
    assert (done.again, done.sha512) == ("changed", first.sha512)


@pytest.mark.parametrize("wanted", ["", "12345", "zzzzzz", "%", "A-1", "0" * 40])
def test_what_names_no_package_is_refused(desk: Desk, case: str, tmp_path: Path, wanted: str) -> None:
    an_export(desk, case, tmp_path / "a.zip")
    with pytest.raises(InputRefused, match="no such package"):
        again.find(desk, wanted)


def test_a_file_that_is_there_is_kept(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    before = size_of(desk)
    with pytest.raises(InputRefused, match="already"):
        once_more(desk, first.package, tmp_path / "a.zip")
    with pytest.raises(InputRefused, match="locker itself"):
        once_more(desk, first.package, desk.locker.path / "b.zip")
    assert size_of(desk) == before


def test_a_record_that_was_changed_gives_no_package(desk: Desk, case: str, tmp_path: Path) -> None:
    first = an_export(desk, case, tmp_path / "a.zip")
    row = again.find(desk, first.package)
    with pytest.raises(CheckFailed, match="does not have this package"):
        again.again(desk, dataclasses.replace(row, seq=row.seq - 1), tmp_path / "b.zip", purpose="x")


def test_a_power_cut_after_the_file_has_its_name_costs_a_reminder_and_nothing_else(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class GoneError(Exception):
        pass

    def die(point: str) -> None:
        if point == "package renamed":
            raise GoneError

    monkeypatch.setattr(machine, "at_point", die)
    with pytest.raises(GoneError):
        an_export(desk, case, tmp_path / "a.zip", plain=True)
    monkeypatch.undo()
    (waiting,) = again.prepared(desk.locker)
    assert once_more(desk, waiting.package, tmp_path / "b.zip").again == "first"


# --- made before the locker was restored ----------------------------------------------------------------


def restored(desk: Desk, folder: Path, name: str) -> Desk:
    """The locker, lost and restored from a backup: what was made before lies in a closed volume."""
    backup.write(desk, folder / f"{name}.backup")
    restore.restore(folder / f"{name}.backup", folder / name, desk.key_file, desk.rim)
    return Desk(Locker(folder / name), desk.key_file, desk.rim)


def test_a_package_of_a_closed_volume_is_written_again_byte_for_byte(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    first = an_export(desk, case, tmp_path / "a.zip", plain=True)
    second = restored(desk, tmp_path, "L2")
    desks.take_in(second, case, desks.put(tmp_path / "more", {"new.txt": b"from after"}))
    middle = an_export(second, case, tmp_path / "m.zip", plain=True)
    third = restored(second, tmp_path, "L3")
    for made, file in ((first, "a.zip"), (middle, "m.zip")):
        done = once_more(third, made.package, tmp_path / f"again-{file}")
        assert (done.again, done.fingerprint) == ("same", made.fingerprint)
        assert (tmp_path / f"again-{file}").read_bytes() == (tmp_path / file).read_bytes()
    assert check.check(third.locker, third, workers=0).passed


def test_a_package_of_a_closed_volume_whose_file_failed_is_written(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = without_file(desk, case, tmp_path / "a.zip", monkeypatch, plain=True)
    second = restored(desk, tmp_path, "L2")
    assert [one.package for one in todo.todo(second).prepared] == [package]
    done = once_more(second, package, tmp_path / "b.zip")
    assert (done.again, done.authorities, done.fingerprint) == (
        "first",
        0,
        words.encode(desk.locker.genesis_leaf[:16]),
    )
    with (tmp_path / "b.zip").open("rb") as file:
        report = verify(file, fingerprint=desk.locker.genesis_leaf[:16])
    assert (report.record_line, report.origin) == ("INTACT", "the twelve words")
    assert todo.todo(second).prepared == ()


# --- on the command line --------------------------------------------------------------------------------


def run(desk: Desk, folder: Path, *words: object) -> tuple[int, str, str]:
    secret = folder / "secret"
    secret.write_bytes(desks.PASSPHRASE)
    env = {
        "CUSTODY_KEY": str(desk.key_file.path),
        "CUSTODY_PASSPHRASE_FILE": str(secret),
        "CUSTODY_LOCKER": str(desk.locker.path),
    }
    done = CliRunner().invoke(main, [str(word) for word in words], env=env)
    return done.exit_code, done.stdout, done.stderr


def value(told: tuple[int, str, str]) -> dict[str, Any]:
    """The JSON of a command that succeeded, once it is what its schema says."""
    code, out, err = told
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    name = found["schema"].partition("/")[0]
    jsonschema.validate(found, json.loads((REPO / "schemas" / f"{name}.schema.json").read_text()))
    return found


def test_todo_names_the_command_and_it_works(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch)
    code, told, _ = run(desk, tmp_path, "todo")
    (line,) = [line for line in told.splitlines() if "has no file" in line]
    assert code == 0
    assert case[-8:] in line
    words = line.partition("custody ")[2].partition(" -o FILE")[0].split()
    assert words == ["export", "--again", lost[-8:]]
    assert value(run(desk, tmp_path, "todo", "--json"))["prepared"][0]["package"] == lost
    made = value(run(desk, tmp_path, *words, "-o", tmp_path / "a.zip", "--json"))
    assert (made["again"], made["package"]) == ("first", lost)
    assert intact(tmp_path / "a.zip", made["passphrase"])
    code, told, err = run(desk, tmp_path, *words, "-o", tmp_path / "b.zip")
    assert code == 0
    assert made["passphrase"] in told
    assert "byte for byte" in err
    assert "the one that the package always had" in err
    assert value(run(desk, tmp_path, "todo", "--json"))["prepared"] == []


def test_a_reminder_is_ended_on_the_command_line(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = without_file(desk, case, tmp_path / "a.zip", monkeypatch)
    assert value(run(desk, tmp_path, "export", "--done", lost[-8:], "--json"))["not_wanted"] is True
    assert "has no file" not in run(desk, tmp_path, "todo")[1]
    assert run(desk, tmp_path, "export", "--done", lost[-8:])[0] == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--again", "12345678"], 2),  # no file named
        (["--again", "12345678", "-o", "x", "--plain"], 2),
        (["--again", "12345678", "-o", "x", "--case", "REF-1"], 2),
        (["--again", "12345678", "-o", "x", "--show", "name"], 2),
        (["--again", "12345678", "-o", "x", "A-1/01"], 2),
        (["--again", "12345678", "--preview"], 2),
        (["--again", "12345678", "--done", "12345678"], 2),
        (["--again", "12345678", "-o", "x"], 4),
        (["-o", "x"], 2),
    ],
)
def test_words_that_do_not_go_together(
    desk: Desk, case: str, tmp_path: Path, words: list[str], code: int
) -> None:
    found, out, err = run(desk, tmp_path, "export", *words)
    assert (found, out) == (code, "")
    assert "custody: error: " in err


def test_a_new_package_says_that_it_is_new(desk: Desk, case: str, tmp_path: Path) -> None:
    made = value(run(desk, tmp_path, "export", "--case", "REF-1", "-o", tmp_path / "a.zip", "--json"))
    assert made["again"] is None
