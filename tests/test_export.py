"""Exporting: what goes in, what stays out, and what is left when it fails."""

from __future__ import annotations

import contextlib
import errno
import getpass
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.errors import InputRefused, MachineError, NoRight, UsageError
from custody.evidence.network.ip import ip_reference
from custody.export import container, encrypted
from custody.format import words
from custody.procedure import access, cases, check, custodians, export, typed
from custody.procedure.collect import Request
from custody.procedure.export import Choice, Exported
from custody.procedure.locker import Desk
from custody.verify.package import verify
from tests import desks

NAME = "Petition of Mira Example.txt"
CONTENT = b"the content that is shown\n"
OTHER_NAME = "Elsewhere of Nobody.txt"
RECORD = {
    "capture": {"method": "a method told"},
    "source": {"text": "the telephone of somebody"},
    "place": {"text": "a place not shown"},
    "identity": {"persons": [{"name": "a person not shown"}]},
    "note": {"text": "a note not shown"},
    "legal": {"basis": "consent"},
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk, tmp_path: Path) -> str:
    """A case with two exhibits of two and one items, and another case with one."""
    case = cases.open_case(desk, "REF-1", legal_basis="consent")
    first = desks.put(tmp_path / "evidence", {NAME: CONTENT, "x.png": b"\x89PNG\r\n\x1a\n" + bytes(40)})
    desks.take_in(desk, case, first, record=RECORD)
    desks.take_in(desk, case, desks.put(tmp_path / "evidence2", {"c.txt": b"third\n"}))
    other = cases.open_case(desk, "REF-OTHER")
    desks.take_in(desk, other, desks.put(tmp_path / "other", {OTHER_NAME: b"of another case\n"}))
    return case


def an_export(desk: Desk, output: Path, choice: Choice, **options: Any) -> Exported:
    return export.export(desk, choice, output, purpose="a test", **{"plain": True, **options})


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name.removeprefix("bag/"): file.read(name) for name in file.namelist()}


def shown_parts(desk: Desk, path: Path) -> set[tuple[str, str]]:
    """(kind, compartment) of every part that the package holds a key for."""
    files = files_of(path)
    rows = [json.loads(line) for line in files["custody/keys.jsonl"].splitlines()]
    with desk.locker.ledger.reading() as view:
        return {(view.entry(row["seq"]).read().kind, row["compartment"]) for row in rows}


def kinds_of(desk: Desk, start: int = 0) -> list[str]:
    with desk.locker.ledger.reading() as view:
        return [stored.read().kind for stored in view.entries(start)]


def size_of(desk: Desk) -> int:
    with desk.locker.ledger.reading() as view:
        return view.size


def labelled(desk: Desk, case: str, *labels: str) -> tuple[Any, ...]:
    return tuple(item for item in desk.locker.work.items(case) if item.label in labels)


def intact(path: Path) -> bool:
    with path.open("rb") as file:
        return verify(file, now=desks.START).intact


# --- what is shown --------------------------------------------------------------------------------------


def test_by_default_persons_places_notes_flags_and_purposes_stay_out(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case))
    assert {name for _, name in shown_parts(desk, done.path)} == {
        "content", "name", "capture", "source", "legal", "title",
    }  # fmt: skip
    assert (done.items, done.of_items, done.passphrase) == (3, 3, None)
    assert done.withheld == {"handling": 3, "place": 2, "identity": 2, "note": 1, "title": 1, "purpose": 1}
    assert intact(done.path)
    data = done.path.read_bytes()
    assert done.size == len(data)


def test_what_is_asked_for_is_shown(desk: Desk, case: str, tmp_path: Path) -> None:
    choice = Choice(case=case, show=("place", "handling", "custodians"))
    done = an_export(desk, tmp_path / "out.zip", choice)
    shown = shown_parts(desk, done.path)
    assert ("exhibit.acquired", "place") in shown
    assert ("item.collected", "handling") in shown
    assert ("ledger.created", "identity") in shown
    assert done.withheld == {"identity": 1, "note": 1, "purpose": 1}
    assert intact(done.path)


def test_what_is_withheld_is_not_there_even_sealed(desk: Desk, case: str, tmp_path: Path) -> None:
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case, withhold=("name", "source")))
    assert not {name for _, name in shown_parts(desk, done.path)} & {"name", "source"}
    assert done.withheld["name"] == 3
    files = files_of(done.path)
    for item in desk.locker.work.items(case):
        sealed = desk.locker.erasable.part(desk.origin, item.id, 0, "name")
        assert sealed is not None
        assert sealed not in files.values()
        assert not any(sealed in data for data in files.values())
    assert NAME.encode() not in done.path.read_bytes()
    assert intact(done.path)


def test_some_items_and_their_exhibits_alone(desk: Desk, case: str, tmp_path: Path) -> None:
    chosen = labelled(desk, case, "A-1/01")
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case, items=chosen))
    assert (done.items, done.of_items) == (1, 3)
    files = files_of(done.path)
    assert [name for name in files if name.startswith("data/")] == ["data/A-1/001.txt"]
    assert files["data/A-1/001.txt"] == CONTENT
    with done.path.open("rb") as file:
        report = verify(file, now=desks.START)
    assert report.intact
    assert any("1 of 3 items" in finding.text for finding in report.findings)


def test_payload_files_have_neutral_ascii_names(desk: Desk, case: str, tmp_path: Path) -> None:
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case))
    payload = sorted(name for name in files_of(done.path) if name.startswith("data/"))
    assert payload == ["data/A-1/001.txt", "data/A-1/002.png", "data/A-2/001.txt"]


def test_the_last_entries_are_the_export_itself(desk: Desk, case: str, tmp_path: Path) -> None:
    before = size_of(desk)
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case), stamped=False)
    assert kinds_of(desk, before) == ["item.exported"] * 3 + ["package.made"]
    with desk.locker.ledger.reading() as view:
        made = view.entry(view.size - 1).read()
    assert made.public["package"] == done.package
    assert made.public["withheld"] == done.withheld


def test_a_preview_opens_logs_and_writes_nothing(
    desk: Desk, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "open_for_export", lambda *_: pytest.fail("opened"))
    before = size_of(desk)
    found = export.preview(desk, Choice(case=case, withhold=("name",)))
    assert (found.items, found.of_items, found.exhibits) == (3, 3, ("A-1", "A-2"))
    assert found.withheld["name"] == 3
    assert size_of(desk) == before


def test_the_preview_counts_what_the_package_will_withhold(desk: Desk, case: str, tmp_path: Path) -> None:
    choice = Choice(case=case, withhold=("source",), show=("place",))
    wanted = export.preview(desk, choice).withheld
    assert an_export(desk, tmp_path / "out.zip", choice).withheld == wanted


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"show": ("everything",)}, "not a part"),
        ({"withhold": ("object",)}, "not a part"),
        ({"show": ("name",), "withhold": ("name",)}, "same part"),
        ({"withhold": ("content",)}, "prove nothing"),
    ],
)
def test_choices_that_cant_be_carried_out(
    desk: Desk, case: str, tmp_path: Path, choice: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        an_export(desk, tmp_path / "out.zip", Choice(case=case, **choice))


def test_an_empty_case_and_an_item_of_another_case_are_refused(desk: Desk, case: str, tmp_path: Path) -> None:
    empty = cases.open_case(desk, "REF-EMPTY")
    with pytest.raises(InputRefused, match="nothing to export"):
        an_export(desk, tmp_path / "out.zip", Choice(case=empty))
    with pytest.raises(InputRefused, match="another case"):
        an_export(desk, tmp_path / "out.zip", Choice(case=empty, items=labelled(desk, case, "A-1/01")))
    assert not (tmp_path / "out.zip").exists()


# --- encrypted ------------------------------------------------------------------------------------------


def test_encrypted_is_the_default_with_ten_words_and_one_opaque_member(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    done = export.export(desk, Choice(case=case), tmp_path / "out.zip", purpose="a test")
    assert done.passphrase is not None
    spoken = done.passphrase.split(" ")
    assert len(spoken) == 10
    assert set(spoken) <= set(words.english())
    with zipfile.ZipFile(done.path) as outer:
        (member,) = outer.infolist()
    assert member.flag_bits & 1
    assert not any(word in member.filename for word in ("A-1", "REF", done.package))
    assert CONTENT.strip() not in done.path.read_bytes()
    with encrypted.unwrap(done.path, done.passphrase) as inner:
        assert verify(inner, now=desks.START).intact
    assert done.path.stat().st_mode & 0o077 == 0


def test_the_passphrase_is_kept_sealed_and_nowhere_else(desk: Desk, case: str, tmp_path: Path) -> None:
    done = export.export(desk, Choice(case=case), tmp_path / "out.zip", purpose="a test")
    assert done.passphrase is not None
    for path, data in desks.all_bytes(desk.locker.path):
        assert done.passphrase.encode() not in data, path
    with desk.locker.ledger.reading() as view:
        made = view.head(case)
        assert made is not None
    # No export can open it, whatever it asks to show: an earlier package's passphrase would travel.
    opened = access.open_for_export(desk, case, {case: ("purpose",)})
    assert not any("purpose" in parts.values for parts in opened.parts)
    look = access.consult(desk, case, what="log", exhibits=None, purpose=access.Purpose(text="a test"))
    (purpose,) = [p.values["purpose"] for p in look(case, ["purpose"]) if p.entry.kind == "package.made"]
    assert purpose["passphrase"] == done.passphrase


# --- where it is written --------------------------------------------------------------------------------


def test_what_is_there_already_is_kept(desk: Desk, case: str, tmp_path: Path) -> None:
    output = tmp_path / "out.zip"
    output.write_bytes(b"mine")
    before = size_of(desk)
    with pytest.raises(InputRefused, match="already"):
        an_export(desk, output, Choice(case=case))
    assert output.read_bytes() == b"mine"
    assert size_of(desk) == before
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere.zip")
    with pytest.raises(InputRefused, match="already"):
        an_export(desk, tmp_path / "link.zip", Choice(case=case))


def test_nothing_is_written_into_the_locker(desk: Desk, case: str, tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(desk.locker.path / "vault")
    for output in (desk.locker.path / "out.zip", desk.locker.path / "vault" / "o", tmp_path / "door" / "o"):
        with pytest.raises(InputRefused, match="locker itself"):
            an_export(desk, output, Choice(case=case))
    with pytest.raises(InputRefused, match="no such folder"):
        an_export(desk, tmp_path / "none" / "out.zip", Choice(case=case))


@pytest.mark.parametrize("plain", [True, False])
def test_a_full_disk_leaves_no_file_and_the_export_is_reported(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(container.ContainerWriter, "close", full)
        with pytest.raises(MachineError, match="can't be written") as caught:
            an_export(desk, folder / "out.zip", Choice(case=case), plain=plain)
    assert "logged" in (caught.value.hint or "")
    assert list(folder.iterdir()) == []
    assert kinds_of(desk)[-4:] == ["item.exported"] * 3 + ["package.made"]
    # The record is whole, and a second try is an export of its own.
    assert check.check(desk.locker, desk).passed
    done = an_export(desk, folder / "out.zip", Choice(case=case), plain=plain)
    assert done.path.exists()


def test_an_interruption_while_writing_leaves_no_file(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        an_export(desk, folder / "out.zip", Choice(case=case), progress=stop)
    assert list(folder.iterdir()) == []


def test_a_damaged_object_is_never_packaged(desk: Desk, case: str, tmp_path: Path) -> None:
    item = labelled(desk, case, "A-2/01")[0]
    path = desk.locker.path / "vault" / item.object
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(Exception, match=r"not what was|does not open|wrong"):
        an_export(desk, folder / "out.zip", Choice(case=case))
    assert list(folder.iterdir()) == []


# --- others at work meanwhile ---------------------------------------------------------------------------


def test_a_history_that_moves_while_it_is_read_is_read_again(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = desks.sit_down(desk)
    real, times = access.open_for_export, []

    def and_somebody_reads(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        times.append(1)
        if len(times) == 1:
            access.open_item(neighbour, labelled(neighbour, case, "A-1/01")[0], purpose=desks.WHY)
        return found

    monkeypatch.setattr(access, "open_for_export", and_somebody_reads)
    done = an_export(desk, tmp_path / "out.zip", Choice(case=case))
    assert len(times) == 2
    entries = [json.loads(data) for name, data in files_of(done.path).items() if "/entries/" in name]
    assert entries
    assert intact(done.path)
    with desk.locker.ledger.reading() as view:
        seq = next(s.seq for s in view.entries() if s.read().kind == "item.accessed")
    assert f"custody/entries/{seq}.json" in files_of(done.path)


def test_a_case_that_never_rests_is_given_up_without_a_trace(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = desks.sit_down(desk)
    real = access.open_for_export

    def and_somebody_reads(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        access.open_item(neighbour, labelled(neighbour, case, "A-1/01")[0], purpose=desks.WHY)
        return found

    monkeypatch.setattr(access, "open_for_export", and_somebody_reads)
    with pytest.raises(MachineError, match="changed all the time"):
        an_export(desk, tmp_path / "out.zip", Choice(case=case))
    assert "package.made" not in kinds_of(desk)
    assert not (tmp_path / "out.zip").exists()


# --- who may --------------------------------------------------------------------------------------------


def test_without_the_right_nothing_leaves(desk: Desk, case: str, tmp_path: Path) -> None:
    own, person = desks.add_person(desk, tmp_path / "keys" / "second", rights=("seal",))
    custodians.grant(desk, person, case, rights=["read"], classes=["object", "record"])
    other = desks.sit_down(desk, own)
    before = size_of(other)
    with pytest.raises(NoRight, match="export"):
        an_export(other, tmp_path / "out.zip", Choice(case=case))
    assert size_of(other) == before + 1  # the try is logged
    assert not (tmp_path / "out.zip").exists()


def test_export_takes_the_right_to_seal(desk: Desk, case: str, tmp_path: Path) -> None:
    own, person = desks.add_person(desk, tmp_path / "keys" / "second")
    custodians.grant(desk, person, case, rights=["export"], classes=["object", "record"])
    with pytest.raises(NoRight, match="seal"):
        an_export(desks.sit_down(desk, own), tmp_path / "out.zip", Choice(case=case))


def test_an_exporter_without_the_class_cant_show_it(desk: Desk, case: str, tmp_path: Path) -> None:
    own, person = desks.add_person(desk, tmp_path / "keys" / "second", rights=("seal",))
    custodians.grant(desk, person, case, rights=["export"], classes=["object", "record"])
    other = desks.sit_down(desk, own)
    with pytest.raises(NoRight, match="to show this"):
        an_export(other, tmp_path / "a.zip", Choice(case=case, show=("identity",)))
    done = an_export(other, tmp_path / "b.zip", Choice(case=case))
    assert intact(done.path)


# --- promise 6 ------------------------------------------------------------------------------------------


def every_layer(data: bytes) -> Iterator[bytes]:
    """The bytes themselves, and every member of every zip in them."""
    yield data
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in file.namelist():
            yield name.encode()
            yield from every_layer(file.read(name))


def test_a_package_tells_nothing_of_the_machine_other_cases_or_what_is_withheld(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    reference = ip_reference("203.0.113.7", time="2026-03-03 20:14:05", offset="+01:00")
    typed.add_ip(desk, Request(case=case, seal=False), reference)
    other = next(row.id for row in desk.locker.work.cases() if row.id != case)
    (theirs,) = desk.locker.work.items(other)
    left_out = labelled(desk, case, "A-2/01")[0]
    chosen = labelled(desk, case, "A-1/01", "A-1/02")
    choice = Choice(case=case, items=chosen, withhold=("name",))
    done = an_export(desk, tmp_path / "out.zip", choice, recipient="a recipient not shown")
    secrets = {
        "the locker's place": str(tmp_path).encode(),
        "another case": other.encode(),
        "another case's item": theirs.id.encode(),
        "another case's exhibit": theirs.exhibit.encode(),
        "an item that was left out": left_out.id.encode(),
        "its object": left_out.object.encode(),
        "the object of another case": theirs.object.encode(),
        "a name that was withheld": NAME.encode(),
        "a name of another case": OTHER_NAME.encode(),
        "the recipient": b"a recipient not shown",
        "the place": b"a place not shown",
        "the person": b"a person not shown",
        "the note": b"a note not shown",
        "the custodian": b"A. Investigator",
        "the organisation": b"An organisation",
        "content of another case": b"of another case",
    }
    user, host = getpass.getuser(), socket.gethostname()
    if len(user) > 4:
        secrets["the user"] = user.encode()
    if len(host) > 4:
        secrets["the machine"] = host.encode()
    layers = list(every_layer(done.path.read_bytes()))
    assert len(layers) > 50
    for what, secret in secrets.items():
        assert not any(secret in layer for layer in layers), what
    # The search finds what is there.
    assert any(CONTENT in layer for layer in layers)
    assert any(case.encode() in layer for layer in layers)


def test_what_a_package_opens_tells_no_place_on_the_collecting_machine(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    """Names are shown by default; the folder under somebody's home that the files lay in is not a name."""
    an_export(desk, tmp_path / "out.zip", Choice(case=case))
    opened = access.open_for_export(desk, case, {i.id: ("name",) for i in desk.locker.work.items(case)})
    told = json.dumps([parts.values for parts in opened.parts])
    assert NAME in told
    assert json.dumps(f"evidence/{NAME}") in told
    assert str(tmp_path) not in told
