"""Trust files: what is taken into them, from where, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from custody.errors import CheckFailed, InputRefused
from custody.format import words
from custody.format.trust import Trust
from custody.procedure import cases, export, trust
from custody.procedure.export import Choice
from custody.procedure.locker import Desk
from custody.verify.package import verify
from custody.verify.report import Report
from tests import desks


@pytest.fixture
def clock() -> desks.Clock:
    return desks.Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: desks.Clock) -> Desk:
    """A locker with an authority, a case and a sealed item."""
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        case = cases.open_case(desk, "REF-1")
        desks.take_in(desk, case, desks.put(tmp_path / "DIR", {"a.txt": b"first\n"}), seal=True)
        package(desk, tmp_path / "out.zip")
    return desk


def package(desk: Desk, output: Path) -> Path:
    case = desk.locker.work.cases()[0].id
    return export.export(desk, Choice(case=case), output, purpose="a test", plain=True).path


def report(path: Path, believed: Trust | None, clock: desks.Clock, **more: bytes) -> Report:
    with path.open("rb") as file:
        return verify(file, trust=believed, now=clock.now, **more)


def twelve(desk: Desk) -> bytes:
    return desk.locker.genesis_leaf[:16]


def test_from_the_locker_it_confirms_its_own_packages(desk: Desk, clock: desks.Clock, tmp_path: Path) -> None:
    believed = trust.from_locker(desk.locker)
    assert [ledger.origin for ledger in believed.ledgers] == [desk.origin]
    (authority,) = believed.authorities
    assert authority.test
    assert report(tmp_path / "out.zip", believed, clock).exit_code == 0


def test_from_the_locker_appends_no_entry_and_remembers_what_left(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        size, notes = view.size, set(view.notes())
    trust.from_locker(desk.locker)
    with desk.locker.ledger.reading() as view:
        assert view.size == size
        assert set(view.notes()) == notes
        assert notes <= set(view.issued())


def test_a_written_trust_file_is_read_as_it_was(desk: Desk, tmp_path: Path) -> None:
    believed = trust.from_locker(desk.locker)
    trust.write(tmp_path / "trust.json", believed, replace=False)
    assert trust.read(tmp_path / "trust.json") == believed
    with pytest.raises(InputRefused, match="already"):
        trust.write(tmp_path / "trust.json", believed, replace=False)
    trust.write(tmp_path / "trust.json", Trust(), replace=True)
    assert trust.read(tmp_path / "trust.json") == Trust()


@pytest.mark.parametrize("data", [b"", b"{}", b"text", b"[1]", b'{"v":1,"v":1}', b"\xff", b"{" * 100_000])
def test_what_is_no_trust_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "trust.json").write_bytes(data)
    with pytest.raises(InputRefused):
        trust.read(tmp_path / "trust.json")
    with pytest.raises(InputRefused, match="can't be read"):
        trust.read(tmp_path / "none.json")


def add_package(believed: Trust, path: Path, words: bytes) -> tuple[Trust, str, int]:
    with path.open("rb") as file:
        return trust.add_package(believed, file, words, where=path.name)


def test_first_contact_by_twelve_words(desk: Desk, clock: desks.Clock, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    believed, origin, size = add_package(Trust(), path, twelve(desk))
    assert origin == desk.origin
    with desk.locker.ledger.reading() as view:
        assert size in view.notes()
    found = report(path, believed, clock)
    # The record is believed now; who tells the time is another question, and never in the package.
    assert found.exit_code == 6
    assert any(by.startswith("origin: ") for by in found.confirmed_by)
    assert believed.authorities == ()
    again, _, _ = add_package(believed, path, twelve(desk))
    assert again == believed


def test_with_the_words_of_another_nothing_is_believed(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="nothing of it is believed"):
        add_package(Trust(), tmp_path / "out.zip", bytes(16))


def test_a_tampered_package_is_not_believed(desk: Desk, tmp_path: Path) -> None:
    data = bytearray((tmp_path / "out.zip").read_bytes())
    data[data.index(b"first\n")] ^= 1
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(CheckFailed):
        add_package(Trust(), tmp_path / "bad.zip", twelve(desk))
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(InputRefused):
        add_package(Trust(), tmp_path / "text.zip", twelve(desk))


def test_an_older_package_than_what_is_held_is_told(desk: Desk, clock: desks.Clock, tmp_path: Path) -> None:
    newer = package(desk, tmp_path / "newer.zip")
    believed, _, _ = add_package(Trust(), newer, twelve(desk))
    assert report(newer, believed, clock).intact
    found = report(tmp_path / "out.zip", believed, clock)
    assert any("older" in f.text for f in found.findings)
    # And the other way: the newer one connects to what was seen first.
    believed, _, _ = add_package(Trust(), tmp_path / "out.zip", twelve(desk))
    assert any("continues" in f.text for f in report(newer, believed, clock).findings)


def test_an_authority_is_believed_once(desk: Desk) -> None:
    believed = trust.from_locker(desk.locker)
    roots = believed.authorities[0].roots
    assert trust.add_authority(believed, roots, "again") == believed
    added = trust.add_authority(Trust(), roots, "http://tsa.example/")
    assert added.authorities[0].test
    (digest,) = trust.root_digests(added.authorities[0])
    assert len(digest) == 64


def test_twelve_words_as_people_type_them(desk: Desk) -> None:
    spoken = words.encode(twelve(desk))
    assert trust.fingerprint_of("  " + "  ".join(spoken).upper() + "\n") == twelve(desk)
    with pytest.raises(InputRefused):
        trust.fingerprint_of(" ".join(spoken[:11]))


def test_a_trust_file_holds_nothing_of_any_case(desk: Desk, tmp_path: Path) -> None:
    data = trust.from_locker(desk.locker).to_bytes()
    json.loads(data)
    for secret in (b"REF-1", b"a.txt", b"A-1", b"A. Investigator", str(tmp_path).encode()):
        assert secret not in data
