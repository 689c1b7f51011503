"""The list of what is in a locker: derived from entries alone, made anew whatever was done to it, never in the way."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custody.errors import CheckFailed, MachineError
from custody.format import entry as entries
from custody.ledger import work as works
from custody.ledger.work import (
    AcquisitionRow,
    Beside,
    CaseRow,
    ExhibitRow,
    ItemRow,
    PackageRow,
    ReceiptRow,
    Work,
)

OLD, NEW = "custody/old", "custody/new"


@dataclass(frozen=True, slots=True)
class Stood:
    """An entry at a position; None: one of a newer custody."""

    position: int
    entry: entries.Entry | None

    def read(self) -> entries.Entry:
        if self.entry is None:
            raise entries.NewerVersion("newer", where="entry")
        return self.entry


class Told:
    """A record as the list asks for one. ``grows``: what it is the next time that somebody asks."""

    def __init__(self, made: Sequence[entries.Entry | None], grows: Told | None = None) -> None:
        self.made, self.grows, self.asked = made, grows, 0

    @property
    def size(self) -> int:
        return len(self.made)

    def root(self, size: int) -> bytes:
        return hashlib.sha256(repr(self.made[:size]).encode()).digest()

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Stood]:
        for position, entry in list(enumerate(self.made))[start:stop]:
            self.asked += 1
            yield Stood(position, entry)

    def again(self) -> Told:
        return self.grows or self


class Teller:
    """Writes entries down, with positions as their times, so that a row tells which entry it came from."""

    def __init__(self) -> None:
        self.made: list[entries.Entry | None] = []
        self.ledger, self.base = OLD, 0
        self.numbers: dict[tuple[str, str], int] = {}

    def tell(self, kind: str, about: str, case: str | None = "K1", actor: str = "a", **public: Any) -> int:
        """The number of the new entry about its subject."""
        n = self.numbers.get((self.ledger, about), 0)
        self.numbers[self.ledger, about] = n + 1
        self.made.append(
            entries.Entry(
                ledger=self.ledger,
                seq=len(self.made) - self.base,
                root="",
                kind=kind,
                actor=actor,
                subject=entries.Subject(type=kind.partition(".")[0], id=about, n=n, prev=None),
                case=case,
                group=None,
                time=entries.Time(wall=f"t{len(self.made)}", session=None, mono=None),
                public=public,
                sealed={},
            )
        )
        return n

    def item(
        self, about: str, exhibit: str, n: int, label: str, kind: str = "item.collected", **more: Any
    ) -> None:
        sized = {"id": f"object of {about}", "size": 10 + len(self.made)}
        kept = None if kind == "item.registered" else sized
        self.tell(kind, about, exhibit=exhibit, acquisition=n, label=label, object=kept, **more)

    def extended(self, case: str = "K1", *, items: int = 0, registered: int = 0, derived: int = 0) -> None:
        self.tell("case.extended", case, case, items=items, registered=registered, derived=derived)


def story() -> list[entries.Entry | None]:
    """Two cases, three exhibits, items of every kind, in two volumes; kinds of which nothing is derived among them."""
    t = Teller()
    t.tell("ledger.created", "L1", None)
    t.tell("case.opened", "K1")
    t.tell("case.opened", "K2", "K2")
    n = t.tell("exhibit.acquired", "E1", label="A-1")
    t.item("I-aa1", "E1", n, "A-1/01")
    t.item("I-ab1", "E1", n, "A-1/02", "item.registered")
    t.extended(items=1, registered=1)
    t.item("I-ac1", "E1", n, "A-1/01.1", "item.derived", parent="I-aa1", part=None)
    t.item("I-ad1", "E1", n, "A-1/01.2", "item.derived", parent="I-aa1", part=1)
    t.extended(derived=2)
    t.tell("exhibit.completed", "E1", acquisition=n, interrupted=False)
    n = t.tell("exhibit.acquired", "E1", actor="b", label="A-1")
    t.item("I-ba2", "E1", n, "A-1/03")
    t.tell("item.received", "I-aa1", exhibit="E1", acquisition=n, label="A-1/04")
    t.extended(items=1)
    t.tell("exhibit.completed", "E1", acquisition=n, interrupted=True)
    t.made.append(None)
    t.tell("item.accessed", "I-aa1", copy=True, result="opened")
    t.tell("item.accessed", "I-ab1", copy=True, result="opened")
    t.tell("item.accessed", "I-ba2", copy=False, result="opened")
    t.tell("package.made", "K1", package="P1", items=2)
    t.tell("case.closed", "K2", "K2")
    t.ledger, t.base = NEW, len(t.made)
    t.tell("ledger.continued", "L2", None)
    n = t.tell("exhibit.acquired", "E1", label="A-1")
    t.item("I-ca3", "E1", n, "A-1/05")
    t.tell("item.accessed", "I-ab1", copy=False, result="closed")
    t.tell("item.accessed", "I-aa1", copy=False, result="refused")
    t.extended(items=1)
    n = t.tell("exhibit.acquired", "E2", label="B-1")
    t.item("I-cb3", "E2", n, "A-1/04")
    t.tell("item.received", "I-aa1", exhibit="E2", acquisition=n, label="B-1/02")
    t.extended(items=1)
    n = t.tell("exhibit.acquired", "E3", "K2", label="A-1")
    t.made.append(t.made[-1])
    t.made[-1] = None
    t.tell("package.made", "K2", "K2", package="P0", items=0)
    return t.made


STORY = story()


def at(kind: str, which: int = 0) -> int:
    """The position of an entry of a kind."""
    return [n for n, one in enumerate(STORY) if one is not None and one.kind == kind][which]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / works.FILE_NAME


@pytest.fixture
def work(path: Path) -> Iterator[Work]:
    made = Work(path)
    made.catch_up(Told(STORY))  # type: ignore[arg-type]
    yield made
    made.close()


def everything(work: Work) -> list[object]:
    return [
        work.cases(),
        [work.exhibits(case) for case in ("K1", "K2")],
        work.acquisitions(),
        work.items(),
        work.receipts(),
        work.packages(),
    ]


def ids(rows: Sequence[ItemRow]) -> list[str]:
    return [row.id for row in rows]


# What it says


def test_cases_with_how_many_items_they_have(work: Work) -> None:
    one, two = (f"t{at('case.opened', n)}" for n in (0, 1))
    assert work.cases() == [
        CaseRow(id="K1", opened=one, closed=False, items=7),
        CaseRow(id="K2", opened=two, closed=True, items=0),
    ]


def test_exhibits_of_a_case(work: Work) -> None:
    assert work.exhibits("K1") == [
        ExhibitRow(id="E1", case="K1", label="A-1"),
        ExhibitRow(id="E2", case="K1", label="B-1"),
    ]
    assert work.exhibits("K2") == [ExhibitRow(id="E3", case="K2", label="A-1")]
    assert work.exhibits("K3") == []


def test_acquisitions_and_how_they_ended(work: Work) -> None:
    """Numbers are counted anew in each volume: the third one of E1 is its number 0 again, and has no end."""

    def row(which: int, exhibit: str, ledger: str, n: int, actor: str, ended: str | None) -> AcquisitionRow:
        wall = f"t{at('exhibit.acquired', which)}"
        return AcquisitionRow(exhibit=exhibit, ledger=ledger, n=n, actor=actor, wall=wall, ended=ended)

    first = [
        row(0, "E1", OLD, 0, "a", "completed"),
        row(1, "E1", OLD, 2, "b", "interrupted"),
        row(2, "E1", NEW, 0, "a", None),
    ]
    second, third = row(3, "E2", NEW, 0, "a", None), row(4, "E3", NEW, 0, "a", None)
    assert work.acquisitions("E1") == first
    assert work.acquisitions("E2") == [second]
    assert work.acquisitions() == [*first, second, third]


def test_items_with_what_is_public_of_them(work: Work) -> None:
    (first, registered, form, part, *others) = work.items()
    seq = at("item.collected")
    assert first == ItemRow(
        id="I-aa1",
        case="K1",
        exhibit="E1",
        label="A-1/01",
        object="object of I-aa1",
        size=10 + seq,
        ledger=OLD,
        seq=seq,
        wall=f"t{seq}",
        copy_open=True,
    )
    assert (registered.object, registered.size, registered.copy_open) == (None, None, False)
    assert (form.parent, form.part) == ("I-aa1", None)
    assert (part.parent, part.part) == ("I-aa1", 1)
    assert ids(others) == ["I-ba2", "I-ca3", "I-cb3"]
    assert [row.ledger for row in others] == [OLD, NEW, NEW]
    assert [row.seq for row in others] == [at("item.collected", n) for n in (1, 2, 3)]


def test_items_are_found_by_what_people_call_them(work: Work) -> None:
    assert ids(work.items("K1")) == ids(work.items())
    assert work.items("K2") == []
    assert ids(work.items_of_exhibit("E2")) == ["I-cb3"]
    assert ids(work.derived("I-aa1")) == ["I-ac1", "I-ad1"]
    assert work.derived("I-ab1") == []
    assert ids(work.items_by_label("A-1/02")) == ["I-ab1"]
    # One has it as its own, the other was received again under it.
    assert ids(work.items_by_label("A-1/04")) == ["I-aa1", "I-cb3"]
    assert work.items_by_label("A-1") == []
    assert ids(work.items_by_ending("b1")) == ["I-ab1"]
    assert ids(work.items_by_ending("1")) == ["I-aa1", "I-ab1", "I-ac1", "I-ad1"]
    assert work.items_by_ending("%") == []
    assert work.item("I-ba2") == work.items_by_ending("I-ba2")[0]
    assert work.item("ba2") is None
    assert ids(work.open_copies()) == ["I-aa1"]


def test_the_same_bytes_received_again(work: Work) -> None:
    first, second = (at("item.received", n) for n in (0, 1))
    in_e1 = ReceiptRow(item="I-aa1", exhibit="E1", acquisition=2, label="A-1/04", seq=first, wall=f"t{first}")
    in_e2 = ReceiptRow(
        item="I-aa1", exhibit="E2", acquisition=0, label="B-1/02", seq=second, wall=f"t{second}"
    )
    assert work.receipts() == [in_e1, in_e2]
    assert work.receipts(item="I-aa1") == [in_e1, in_e2]
    assert work.receipts(exhibit="E2") == [in_e2]
    assert work.receipts(item="I-aa1", exhibit="E1") == [in_e1]
    assert work.receipts(item="I-ab1", exhibit="E1") == []


def test_labels_and_items_are_counted(work: Work) -> None:
    """What was derived takes no label of its exhibit's, and came in by no acquisition of its own."""
    assert [work.count_labels(exhibit) for exhibit in ("E1", "E2", "E3")] == [5, 2, 0]
    assert work.count_items("E1", OLD, 0) == 2
    assert work.count_items("E1", OLD, 2) == 1
    assert work.count_items("E1", NEW, 0) == 1
    assert work.count_items("E2", OLD, 0) == 0


def test_packages_oldest_first(work: Work) -> None:
    first, second = (at("package.made", n) for n in (0, 1))
    one = PackageRow(id="P1", case="K1", seq=first, items=2, wall=f"t{first}")
    two = PackageRow(id="P0", case="K2", seq=second, items=0, wall=f"t{second}")
    assert work.packages() == [one, two]
    assert work.packages("K1") == [one]
    assert work.packages("K2") == [two]
    assert work.packages("K3") == []


def test_failed_tries_wait_until_a_token_covers_them(work: Work) -> None:
    work.attempted(5, "u1", "t1", "no answer")
    work.attempted(5, "u2", "t2", "no answer")
    work.attempted(5, "u1", "t3", "refused")
    work.attempted(9, "u1", "t4", "no answer")
    left = (9, "u1", "t4", "no answer")
    assert list(work.attempts()) == [(5, "u1", "t3", "refused"), (5, "u2", "t2", "no answer"), left]
    work.forget_attempts(4)
    assert len(list(work.attempts())) == 3
    work.forget_attempts(5)
    assert list(work.attempts()) == [left]


# How it keeps up


@pytest.mark.parametrize("step", [1, 3, 2000])
def test_it_is_the_same_however_it_came_to_be(
    path: Path, monkeypatch: pytest.MonkeyPatch, work: Work, step: int
) -> None:
    whole = everything(work)
    monkeypatch.setattr(works, "_STEP", step)
    slow = Work(path.with_name("slow.sqlite"))
    for size in range(0, len(STORY) + 1, 4):
        slow.catch_up(Told(STORY[:size]))  # type: ignore[arg-type]
    told = Told(STORY)
    slow.catch_up(told)  # type: ignore[arg-type]
    assert everything(slow) == whole
    assert told.asked == len(STORY) % 4
    again = Told(STORY)
    slow.catch_up(again)  # type: ignore[arg-type]
    assert again.asked == 0
    slow.close()
    quick = Work(path.with_name("quick.sqlite"))
    some = at("case.closed") - 1
    quick.catch_up(Told(STORY[:some]))  # type: ignore[arg-type]
    made = [one for one in STORY[some : some + 2] if one is not None]
    assert len(made) == 2
    quick.take_made(0, made, Told(STORY).root(some + 2).hex())
    told = Told(STORY)
    quick.catch_up(told)  # type: ignore[arg-type]
    assert everything(quick) == whole
    assert told.asked == len(STORY) - some - 2
    quick.close()


def test_what_this_process_made_is_taken_in_by_its_place_over_all_volumes(path: Path, work: Work) -> None:
    base = at("ledger.continued")
    made = STORY[base : base + 6]
    quick = Work(path.with_name("quick.sqlite"))
    quick.catch_up(Told(STORY[:base]))  # type: ignore[arg-type]
    quick.take_made(base, made, Told(STORY).root(base + 6).hex())  # type: ignore[arg-type]
    told = Told(STORY)
    quick.catch_up(told)  # type: ignore[arg-type]
    assert told.asked == len(STORY) - base - 6
    assert everything(quick) == everything(work)
    quick.close()


def test_what_does_not_come_next_is_left_to_be_read(path: Path) -> None:
    base = at("ledger.continued")
    for seen in (base - 1, base + 1):
        work = Work(path.with_name(f"{seen}.sqlite"))
        work.catch_up(Told(STORY[:seen]))  # type: ignore[arg-type]
        before = everything(work)
        work.take_made(base, STORY[base : base + 3], "00")  # type: ignore[arg-type]
        work.take_made(base, [], "00")
        assert everything(work) == before
        told = Told(STORY[:seen])
        work.catch_up(told)  # type: ignore[arg-type]
        assert told.asked == 0
        work.close()


def test_a_file_that_can_not_be_written_hinders_nobody_who_just_wrote(work: Work) -> None:
    """The entries are committed: to say now that it failed would be false."""
    work._connection.execute("PRAGMA query_only=ON")
    made = Teller()
    made.made = list(STORY)
    made.tell("case.opened", "K9", "K9")
    work.take_made(0, made.made[-1:], "00")  # type: ignore[arg-type]
    assert len(work.cases()) == 2


def other_record() -> list[entries.Entry | None]:
    made = Teller()
    made.tell("ledger.created", "X", None)
    made.tell("case.opened", "KX", "KX")
    while len(made.made) < len(STORY):
        made.tell("ledger.checked", "X", None)
    return made.made


@pytest.mark.parametrize("size", [2, len(STORY) - 1, len(STORY)])
def test_of_another_record_it_is_made_anew(work: Work, size: int) -> None:
    """A shorter one or one as long: a restored locker, or a file that was put there from another."""
    work.attempted(5, "u1", "t1", "no answer")
    work.catch_up(Told(other_record()[:size]))  # type: ignore[arg-type]
    assert [row.id for row in work.cases()] == ["KX"]
    assert work.items() == []
    assert list(work.attempts()) == []


def test_a_shorter_record_of_the_same_is_another_record(work: Work) -> None:
    """Somebody cut the ledger: the list does not go on naming what is no longer there."""
    cut = at("case.closed")
    work.catch_up(Told(STORY[:cut]))  # type: ignore[arg-type]
    assert ids(work.items()) == ["I-aa1", "I-ab1", "I-ac1", "I-ad1", "I-ba2"]
    assert not work.cases()[1].closed


def test_a_neighbour_who_is_ahead_is_not_undone(work: Work) -> None:
    """Our view is older than what he took in, and the record has grown to that since."""
    before = everything(work)
    told = Told(STORY[:9], grows=Told(STORY))
    work.catch_up(told)  # type: ignore[arg-type]
    assert everything(work) == before
    assert told.asked == 0
    # But where the record has grown otherwise, the list is of another one.
    told = Told(other_record()[:9], grows=Told(other_record()))
    work.catch_up(told)  # type: ignore[arg-type]
    assert [row.id for row in work.cases()] == ["KX"]


def test_a_neighbour_who_takes_in_the_same_meanwhile_takes_it_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(works, "_STEP", 4)
    one, other = Work(path), Work(path)
    begun = works.machine.at_point
    turn = []

    def meanwhile(point: str) -> None:
        begun(point)
        if point == "after work commit" and not turn:
            turn.append(point)
            other.catch_up(Told(STORY[:10]))  # type: ignore[arg-type]

    monkeypatch.setattr(works.machine, "at_point", meanwhile)
    one.catch_up(Told(STORY))  # type: ignore[arg-type]
    assert turn
    assert everything(one) == everything(other)
    assert one.cases()[0].items == 7
    one.close()
    other.close()


# Whatever was done to it


def with_file(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "the state gone": lambda p: with_file(p, "DROP TABLE state"),
    "another version": lambda p: with_file(p, "PRAGMA user_version=4", "DELETE FROM item"),
    "another's mark": lambda p: with_file(p, "PRAGMA application_id=7", "DELETE FROM item"),
    "another's tables": lambda p: with_file(
        p, "PRAGMA user_version=99", 'CREATE TABLE "a""b" (x)', "DROP TABLE cases"
    ),
    "a view in a table's place": lambda p: with_file(
        p, "DROP TABLE receipt", "CREATE VIEW receipt AS SELECT 1 AS item"
    ),
    "no number of entries": lambda p: with_file(p, "UPDATE state SET value = 'many' WHERE name = 'size'"),
    "another spelling of a number": lambda p: with_file(
        p, "UPDATE state SET value = '0_9' WHERE name = 'size'"
    ),
    "more than there can be": lambda p: with_file(p, "UPDATE state SET value = '99999999999999999999'"),
    "more entries than there are": lambda p: with_file(
        p, "UPDATE state SET value = '999' WHERE name = 'size'"
    ),
    "another root": lambda p: with_file(
        p, "UPDATE state SET value = '00' WHERE name = 'root'", "DELETE FROM item"
    ),
    "no root": lambda p: with_file(p, "DELETE FROM state WHERE name = 'root'", "DELETE FROM item"),
    "nothing in it": lambda p: p.write_bytes(b""),
    "not a database": lambda p: p.write_bytes(b"x" * 9000),
    "half of it": lambda p: os.truncate(p, 5000),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_it_is_made_anew_whatever_was_done_to_it(
    path: Path, work: Work, damage: Callable[[Path], object]
) -> None:
    before = everything(work)
    work.close()
    for left in path.parent.glob(path.name + "-*"):
        left.unlink()
    damage(path)
    fresh = Work(path)
    fresh.catch_up(Told(STORY))  # type: ignore[arg-type]
    assert everything(fresh) == before
    fresh.attempted(5, "u1", "t1", "no answer")
    assert len(list(fresh.attempts())) == 1
    fresh.close()


def test_a_table_that_is_gone_is_told_and_made_anew_with_what_comes_in_next(path: Path, work: Work) -> None:
    work.close()
    with_file(path, "DROP TABLE item")
    fresh = Work(path)
    fresh.catch_up(Told(STORY))  # type: ignore[arg-type]
    with pytest.raises(MachineError, match="no such table") as caught:
        fresh.items()
    assert "delete this file" in str(caught.value.hint)
    made = Teller()
    made.made = list(STORY)
    made.item("I-zz9", "E2", 0, "B-1/03")
    fresh.catch_up(Told(made.made))  # type: ignore[arg-type]
    assert ids(fresh.items())[-1] == "I-zz9"
    assert len(fresh.items()) == 8
    fresh.close()


def test_only_its_owner_reads_it(path: Path, work: Work) -> None:
    old = os.umask(0)
    try:
        other = Work(path.with_name("other.sqlite"))
        other.catch_up(Told(STORY))  # type: ignore[arg-type]
    finally:
        os.umask(old)
    assert {stat.S_IMODE(p.stat().st_mode) for p in path.parent.glob("other.sqlite*")} == {0o600}
    other.close()


@pytest.mark.parametrize("table", works._DERIVED)
def test_a_rebuild_finds_any_row_that_is_not_derived(path: Path, work: Work, table: str) -> None:
    before = everything(work)
    work.attempted(5, "u1", "t1", "no answer")
    with_file(path, f"DELETE FROM {table}")
    assert everything(work) != before
    work.rebuild(Told(STORY))  # type: ignore[arg-type]
    assert everything(work) == before


def test_a_rebuild_finds_a_row_too_many_and_one_that_was_changed(path: Path, work: Work) -> None:
    before = everything(work)
    for change in (
        "INSERT INTO package VALUES ('P9', 'K1', 999, 1, 't')",
        "UPDATE item SET label = 'Z-9/99' WHERE id = 'I-cb3'",
        "UPDATE acquisition SET ended = 'completed' WHERE ended IS NULL",
    ):
        with_file(path, change)
        assert everything(work) != before
        work.rebuild(Told(STORY))  # type: ignore[arg-type]
        assert everything(work) == before


def test_a_rebuild_leaves_alone_what_is_right(work: Work) -> None:
    """Failed tries are derived from nothing: they would be lost."""
    work.attempted(5, "u1", "t1", "no answer")
    work.rebuild(Told(STORY))  # type: ignore[arg-type]
    assert len(list(work.attempts())) == 1
    # A neighbour has gone on: his newer entries are part of what is right.
    work.rebuild(Told(STORY[:9], grows=Told(STORY)))  # type: ignore[arg-type]
    assert len(list(work.attempts())) == 1
    assert work.cases()[0].items == 7


def test_a_rebuild_compares_what_the_list_has_seen(path: Path) -> None:
    """The record grew while it was derived, and nobody has taken that in yet."""
    work = Work(path)
    work.attempted(5, "u1", "t1", "no answer")
    work.catch_up(Told(STORY[:9]))  # type: ignore[arg-type]
    work.rebuild(Told(STORY[:9], grows=Told(STORY)))  # type: ignore[arg-type]
    assert len(list(work.attempts())) == 1
    work.close()


@pytest.mark.parametrize("derived", [0, 7, len(STORY)])
def test_a_rebuild_goes_on_from_what_was_derived_beside_it(path: Path, work: Work, derived: int) -> None:
    before = everything(work)
    for spoil in (False, True):
        beside = Beside()
        for position, entry in enumerate(STORY[:derived]):
            beside.take(position, entry)
            beside.take(position, entry)  # not the next one: left alone
        assert beside.size == derived
        if spoil:
            with_file(path, "UPDATE cases SET items = 99")
        told = Told(STORY)
        work.rebuild(told, beside)  # type: ignore[arg-type]
        assert everything(work) == before
        assert told.asked == len(STORY) - derived + (len(STORY) if spoil else 0)


def test_what_contradicts_itself_is_an_error_with_its_reason(work: Work) -> None:
    made = Teller()
    made.made = list(STORY)
    made.tell("case.opened", "K1")
    with pytest.raises(CheckFailed, match="two entries of the record say the same") as caught:
        work.catch_up(Told(made.made))  # type: ignore[arg-type]
    assert caught.value.where == works.FILE_NAME
    assert "custody check" in str(caught.value.hint)
    # And nothing of it is half in.
    assert len(work.cases()) == 2
    beside = Beside()
    for position, entry in enumerate(made.made):
        beside.take(position, entry)
    assert beside.size == len(STORY)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "free some space"),
        (sqlite3.OperationalError("database or disk is full"), "free some space"),
        (OSError(errno.EIO, "Input/output error"), "run the command again"),
        (sqlite3.OperationalError("disk I/O error"), "run the command again"),
    ],
)
def test_a_machine_that_fails_is_told_with_what_to_do(work: Work, error: Exception, hint: str) -> None:
    def fail(point: str) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(works.machine, "at_point", fail)
        made = Teller()
        made.made = list(STORY)
        made.tell("case.opened", "K9", "K9")
        with pytest.raises(MachineError, match="can't be used") as caught:
            work.catch_up(Told(made.made))  # type: ignore[arg-type]
    assert caught.value.where == works.FILE_NAME
    assert (caught.value.hint or "").startswith(hint)
    assert len(work.cases()) == 2
    work.catch_up(Told(made.made))  # type: ignore[arg-type]
    assert len(work.cases()) == 3
