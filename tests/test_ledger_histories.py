"""Who may do what follows from histories that are whole: none is hidden, and no row that nobody signed counts."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from custody.errors import CheckFailed, InputRefused
from custody.format import entry as entries
from custody.ledger import histories, store
from custody.ledger.histories import Histories
from custody.ledger.store import Head, Stored
from custody.ledger.volumes import Record
from custody.procedure import access, cases, custodians, restore
from custody.procedure.locker import Desk, Locker
from custody.verify.rights import Rights
from tests import desks
from tests.test_volumes import change


@dataclass(frozen=True, slots=True)
class Made:
    """A locker that was restored once, with a colleague who came, was let into a case, and went."""

    folder: Path
    cases: tuple[str, str, str]
    colleague: str
    gone: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("histories")
    desk = desks.new_locker(folder)
    first, _ = desks.case_with(desk, folder / "src", {"a.txt": b"a"})
    _, person = desks.add_person(desk, folder / "keys" / "second")
    custodians.grant(desk, person, first, rights=["read"], classes=["record"])
    desk.locker.close()
    restore.restore(folder / "L", folder / "L2", desk.key_file, desk.rim)
    desk = Desk(Locker(folder / "L2"), desk.key_file, desk.rim)
    second = cases.open_case(desk, "REF-2")
    custodians.revoke(desk, person, first, rights=["read"], classes=["record"])
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)
    cases.close_case(desk, second, note="x")
    # A third custodian does something in the second case, and is retired: in another order he could not have.
    own, gone = desks.add_person(desk, folder / "keys" / "third", rights=["collect"], all_cases=True)
    other = desks.sit_down(desk, own)
    cases.open_case(other, "REF-3")
    third = other.locker.work.cases()[-1].id
    other.locker.close()
    desk = desks.sit_down(desk)
    custodians.retire(desk, gone)
    desk.locker.close()
    return Made(folder=folder / "L2", cases=(first, second, third), colleague=person.key_id, gone=gone.key_id)


@pytest.fixture
def place(made: Made, tmp_path: Path) -> Path:
    return shutil.copytree(made.folder, tmp_path / "L")


@pytest.fixture
def record(made: Made) -> Iterator[Record]:
    locker = Locker(made.folder)
    with locker.record() as found:
        yield found
    locker.close()


def naive(record: Record, subjects: tuple[str, ...]) -> Histories:
    """By the bodies alone."""
    found: dict[str, list[Stored]] = {}
    for stored in record.entries():
        subject = stored.read().subject.id
        if subject in subjects:
            found.setdefault(subject, []).append(stored)
    return found


def test_histories_are_those_of_every_ledger_and_of_the_cases(made: Made, record: Record) -> None:
    wanted = (*record.ledgers(), *made.cases)
    nobody = desks.make_rim().new_id()
    found = histories.histories_of(record, [*made.cases, nobody])
    assert found == naive(record, wanted)
    assert set(found) == set(wanted)
    assert histories.histories_of(record) == naive(record, tuple(record.ledgers()))


def test_histories_of_a_file_with_rows_gone_are_not_given(made: Made, place: Path) -> None:
    locker = Locker(place)
    (item,) = locker.work.items()
    with locker.record() as record:
        last = record.newest.history(item.id)[-1]
    locker.close()
    change(place / store.FILE_NAME, f"DELETE FROM entry WHERE seq = {last.seq}")
    locker = Locker(place)
    with locker.record() as record, pytest.raises(CheckFailed, match="entries are missing"):
        histories.histories_of(record, made.cases)
    locker.close()


def test_heads_and_ends_at_every_size(made: Made, record: Record) -> None:
    found = histories.histories_of(record, made.cases)
    assert histories.heads_of(found) == histories.heads_of(found, record.size)
    for size in range(record.size + 1):
        heads, ends = histories.heads_of(found, size), histories.last_of(found, size)
        expected = {
            subject: history
            for subject, every in found.items()
            if (history := [stored for stored in every if stored.position < size])
        }
        assert set(heads) == set(ends) == set(expected)
        for subject, history in expected.items():
            end = history[-1].read()
            assert heads[subject] == Head(end.subject.n, history[-1].leaf)
            last = ends[subject]
            assert (last.origin, last.n, last.leaf) == (end.ledger, end.subject.n, history[-1].leaf)


def test_the_digest_of_heads_is_what_the_page_says() -> None:
    """id (16 bytes), n (u64be), leaf (32) of each, in the order of the ids."""
    ids = sorted(str(uuid.UUID(int=n << 100)) for n in (3, 1, 2))
    heads = {identifier: Head(n + 256, bytes([n]) * 32) for n, identifier in enumerate(ids)}
    data = b"".join(
        uuid.UUID(identifier).bytes + head.n.to_bytes(8, "big") + head.leaf
        for identifier, head in heads.items()
    )
    assert histories.heads_digest(heads) == hashlib.sha256(data).hexdigest()
    assert histories.heads_digest(dict(reversed(heads.items()))) == histories.heads_digest(heads)
    assert histories.heads_digest({}) == hashlib.sha256().hexdigest()


def test_rights_follow_the_records_order_over_volumes(made: Made, record: Record) -> None:
    rights = histories.rights_of(histories.histories_of(record, made.cases))
    assert rights.base == record.base
    assert not rights.holds(made.colleague, "read", made.cases[0])
    assert rights.closed == {made.cases[1]}
    assert rights.custodians[made.gone].retired is not None
    # Before the revocation he had it.
    before = Rights()
    for stored in record.entries(0, record.base):
        histories.take_in(before, stored)
    assert before.holds(made.colleague, "read", made.cases[0])


def test_only_what_is_about_the_ledger_or_a_case_is_taken_in(record: Record) -> None:
    rights = Rights()
    for stored in record.entries():
        subject = stored.read().subject
        found = histories.take_in(rights, stored)
        assert found == (subject if subject.type in ("ledger", "case") else None)


def test_an_entry_that_nobody_signed_says_nothing(made: Made, record: Record) -> None:
    found = histories.histories_of(record, made.cases)
    last = found[made.cases[1]][-1]
    at = last.envelope.index(b'"sig":"') + 12
    other = b"A" if last.envelope[at : at + 1] != b"A" else b"B"
    spoiled = Stored(last.seq, last.envelope[:at] + other + last.envelope[at + 1 :], last.base)
    with pytest.raises(CheckFailed) as caught:
        histories.rights_of({**found, made.cases[1]: [*found[made.cases[1]][:-1], spoiled]})
    assert f"entry {last.position}" in caught.value.message


def test_a_newer_custodys_entry_is_no_reason_to_go_on(
    made: Made, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have taken a right away: not knowing is refused, whatever it is about."""
    stored = record.entry(record.size - 1)

    def newer(data: bytes, *, where: str) -> None:
        raise entries.NewerVersion("newer", where=where)

    monkeypatch.setattr(histories.entries, "read", newer)
    with pytest.raises(InputRefused, match="made by a newer custody") as caught:
        histories.take_in(Rights(), stored)
    assert caught.value.where == f"entry {stored.position}"
    assert caught.value.hint == "install the newer custody"


# Hidden by a column that nobody signs


def checks(place: Path, made: Made, *, start: int = 0) -> None:
    """What a desk asks before it believes the histories, and an export before it believes an item's."""
    locker = Locker(place)
    try:
        with locker.record() as record:
            found = histories.histories_of(record, made.cases)
            histories.check_none_hidden(record, found, start)
    finally:
        locker.close()


def test_an_entry_whose_bytes_only_look_like_it_is_no_hidden_one(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that are searched may stand elsewhere in an entry, too: its body decides."""
    monkeypatch.setattr(histories, "_may_be_of_ledger_or_case", lambda envelope: True)
    checks(made.folder, made)


def last_about(place: Path, subject: str) -> Stored:
    locker = Locker(place)
    with locker.record() as record:
        found = record.history(subject)[-1]
    locker.close()
    return found


def test_whole_histories_pass(made: Made) -> None:
    checks(made.folder, made)


def test_the_last_entry_of_a_case_that_is_hidden_is_found(made: Made, place: Path) -> None:
    for case, beyond in ((made.cases[1], 0), (made.cases[1], 1)):
        last = last_about(made.folder, case)
        if not beyond:
            change(place / store.FILE_NAME, f"UPDATE entry SET subject = zeroblob(16) WHERE seq = {last.seq}")
            for start in (0, last.position):
                with pytest.raises(CheckFailed, match="columns are not what the entry says") as caught:
                    checks(place, made, start=start)
                assert caught.value.where == f"entry {last.position}"
        else:
            checks(place, made, start=last.position + 1)  # what lies before is for the key file to remember


def test_an_entry_that_is_not_the_trees_is_found_whatever_it_is_about(made: Made, place: Path) -> None:
    locker = Locker(made.folder)
    item = locker.work.items()[0].id
    locker.close()
    last = last_about(made.folder, item)
    change(
        place / store.FILE_NAME,
        f"UPDATE entry SET envelope = CAST(envelope || ' ' AS BLOB) WHERE seq = {last.seq}",
    )
    with pytest.raises(CheckFailed, match="not the one that the tree has") as caught:
        checks(place, made)
    assert caught.value.where == f"entry {last.position}"
    locker = Locker(place)
    with locker.record() as record, pytest.raises(CheckFailed, match="not the one that the tree has"):
        histories.check_all_there(record, [item])
    locker.close()


def test_an_items_last_reading_that_is_hidden_is_found_before_an_export(made: Made, place: Path) -> None:
    locker = Locker(made.folder)
    item = locker.work.items()[0].id
    with locker.record() as record:
        histories.check_all_there(record, [item, *made.cases])
        histories.check_all_there(record, [])
    locker.close()
    last = last_about(made.folder, item)
    change(place / store.FILE_NAME, f"UPDATE entry SET subject = zeroblob(16) WHERE seq = {last.seq}")
    locker = Locker(place)
    with locker.record() as record:
        histories.check_all_there(record, made.cases)
        with pytest.raises(CheckFailed, match="columns are not what the entry says") as caught:
            histories.check_all_there(record, [item])
        assert caught.value.where == f"entry {last.position}"
    locker.close()


def test_a_subject_is_read_out_of_the_one_spelling_or_out_of_the_body(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stored in record.entries():
        subject = stored.read().subject
        assert histories._subject_of(stored) == subject.id
        may_be = histories._may_be_of_ledger_or_case(stored.envelope)
        assert may_be or subject.type not in ("ledger", "case")
    # In another spelling of the envelope nothing is guessed: the body is read, or it may be of any subject.
    for strange in (
        b" " + stored.envelope,
        b"",
        b'{"payload":"',
        b'{"payload":"AAAAA"}',
    ):
        assert histories._payload(strange) is None
        assert histories._may_be_of_ledger_or_case(strange)
    with pytest.raises(CheckFailed):
        histories._subject_of(Stored(3, b'{"payload":"e30="}'))

    def newer(self: Stored) -> entries.Entry:
        raise entries.NewerVersion("newer", where="entry")

    monkeypatch.setattr(Stored, "read", newer)
    assert histories._subject_of(Stored(3, b'{"payload":"e30="}')) is None


def test_every_entry_is_looked_at_from_the_first_on(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    cases.open_case(desk, "REF-1")
    desk.locker.close()
    change(
        tmp_path / "L" / store.FILE_NAME,
        "UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND position = 0",
    )
    locker = Locker(tmp_path / "L")
    with locker.record() as record:
        for check in (
            lambda: histories.check_all_there(record, []),
            lambda: histories.check_none_hidden(record, {}, 0),
        ):
            with pytest.raises(CheckFailed, match="not the one that the tree has") as caught:
                check()
            assert caught.value.where == "entry 0"
    locker.close()
