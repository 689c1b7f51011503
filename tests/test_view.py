"""What a view of the ledger answers: all of it, as it stood, and nothing that somebody else put there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from custody.errors import CheckFailed, CustodyError, MachineError
from custody.format import merkle
from custody.ledger import store, tables
from custody.ledger.store import Ledger, View
from custody.procedure import access, cases, seal
from custody.procedure.locker import Desk
from tests import desks
from tests.test_check import LEDGER, unguarded
from tests.test_ledger import draft, naive_root


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A locker with two items, of which one was read twice, and a case of no items beside."""
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        desks.case_with(desk, tmp_path / "src", {"a": b"1", "b": b"2"})
        seal.seal(desk)
        grow(desk)
        clock.forward(hours=1)
        seal.seal(desk)
    return desk


def grow(desk: Desk) -> None:
    """An entry about an item, two about a case."""
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)
    cases.close_case(desk, cases.open_case(desk, f"REF-{desk.rim.new_id()}"), note="x")


def raw(desk: Desk, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(desk.locker.path / LEDGER)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def change(desk: Desk, *statements: tuple[Any, ...]) -> Ledger:
    """The ledger, opened anew after somebody changed its file; the guards are put back."""
    desk.locker.close()
    with unguarded(desk.locker.path / LEDGER) as connection:
        for sql, *values in statements:
            assert connection.execute(sql, values).rowcount, sql
    return Ledger(desk.locker.path / LEDGER)


def everything(view: View) -> list[object]:
    """All that can be asked of a view, but what a check or an export asks for by name."""
    subjects = sorted({stored.read().subject.id for stored in view.entries()})
    newest = view.newest_note()
    assert newest is not None
    return [
        view.size,
        view.root(),
        list(view.entries()),
        list(view.entries_and_leaves(0)),
        list(view.rows()),
        sorted(view.nodes()),
        view.notes(),
        newest,
        view.tokens(),
        [(s, view.history(s), view.whole_history(s), view.head(s)) for s in subjects],
    ]


# All of it


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_nothing_is_lost_between_two_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(store, "_ROWS", page)
    monkeypatch.setattr(store, "_SMALL_ROWS", page)
    rows = raw(desk, "SELECT seq, envelope, subject, n FROM entry ORDER BY seq")
    with desk.locker.ledger.reading() as view:
        assert view.size == len(rows)
        plain = [(stored.seq, stored.envelope) for stored in view.entries()]
        assert plain == [row[:2] for row in rows]
        for start in range(len(rows) + 2):
            for stop in (None, *range(len(rows) + 2)):
                found = [stored.seq for stored in view.entries(start, stop)]
                assert found == list(range(len(rows)))[start:stop]
            pairs = list(view.entries_and_leaves(start))
            assert [stored.seq for stored, _ in pairs] == list(range(len(rows)))[start:]
            assert all(leaf == stored.leaf for stored, leaf in pairs)
        assert [(row.seq, row.envelope, row.subject, row.n) for row in view.rows()] == rows
        nodes = raw(desk, "SELECT level, position, hash FROM node ORDER BY level, position")
        assert list(view.nodes()) == nodes
        assert view.root() == naive_root([stored.leaf for stored in view.entries()])
        for size in range(1, len(rows) + 1):
            assert view.root(size) == naive_root([merkle.leaf_hash(row[1]) for row in rows[:size]])


@pytest.mark.parametrize("ask", ["entries", "entries_and_leaves", "rows", "nodes"])
def test_a_page_bounds_what_one_question_gives(desk: Desk, monkeypatch: pytest.MonkeyPatch, ask: str) -> None:
    """A record of millions of entries is read in the memory of a few."""
    monkeypatch.setattr(store, "_ROWS", 3)
    monkeypatch.setattr(store, "_SMALL_ROWS", 3)
    with desk.locker.ledger.reading() as view:
        asked: list[str] = []
        sa.event.listen(view.connection, "before_cursor_execute", lambda *a: asked.append(a[2]))
        run = getattr(view, ask)
        total = len(list(run(0) if ask == "entries_and_leaves" else run()))
    assert total > 9
    assert len(asked) >= total // 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ledger: entries are appended in order", CheckFailed),
        ("database disk image is malformed", CheckFailed),
        ("file is not a database", CheckFailed),
        ("no such table: entry", CheckFailed),
        ("database or disk is full", MachineError),
        ("disk I/O error", MachineError),
    ],
)
def test_a_file_that_was_changed_is_told_from_a_machine_that_fails(
    desk: Desk, text: str, kind: type[CustodyError]
) -> None:
    def fail() -> None:
        with desk.locker.ledger.reading():
            raise sa.exc.OperationalError("SELECT", {}, sqlite3.OperationalError(text))

    with pytest.raises(CustodyError, match=text) as caught:
        fail()
    assert type(caught.value) is kind
    assert caught.value.where == LEDGER
    assert ("free some space" in str(caught.value.hint)) is ("full" in text)


def test_a_history_is_what_the_bodies_say(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        bodies = [(stored, stored.read().subject) for stored in view.entries()]
        for wanted in {subject.id for _, subject in bodies}:
            history = [stored for stored, subject in bodies if subject.id == wanted]
            for start in range(len(history) + 1):
                for stop in (None, *range(len(history) + 2)):
                    assert view.history(wanted, start, stop) == history[start:stop]
            head = view.head(wanted)
            assert head is not None
            assert (head.n, head.leaf) == (len(history) - 1, history[-1].leaf)


def test_notes_and_tokens_are_given_back_by_size(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        notes = dict(raw(desk, "SELECT size, note FROM note"))
        assert len(notes) == 2
        assert view.notes() == notes
        assert list(view.notes()) == sorted(notes)
        assert view.newest_note() == (max(notes), notes[max(notes)])
        for size, note in notes.items():
            assert view.note_at(size) == note
        with pytest.raises(CheckFailed, match="a log note is missing") as caught:
            view.note_at(max(notes) + 1)
        assert caught.value.where == f"note {max(notes) + 1}"
        assert view.tokens() == raw(desk, "SELECT size, tsr FROM token ORDER BY size, sha256")
        assert len(view.tokens()) == 2
        assert view.misnamed_tokens() == []
        assert view.count_witnesses() == 0
        ((digest, der),) = raw(desk, "SELECT sha256, der FROM root_certificate")
        assert view.root_certificates() == {digest.hex(): der}


# As it stood


def test_a_view_shows_nothing_that_came_later(desk: Desk) -> None:
    """Answers are short reads of their own: only the size that was taken at its beginning holds them together."""
    with desk.locker.ledger.reading() as view:
        before = everything(view)
        other = desks.sit_down(desk)
        grow(other)
        seal.seal(other)
        assert everything(view) == before
        later = view.again()
        assert later.size > view.size
        assert everything(later) != before
        assert later.root(view.size) == view.root()
        assert later.newest_note() != view.newest_note()
        view.check_count()
        later.check_count()
        assert list(later.entries(0, view.size)) == list(view.entries())
        assert list(view.entries(0, later.size)) == list(view.entries())


def test_a_limit_is_never_more_than_there_is(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        for limit in range(view.size + 3):
            shorter = View(view.connection, limit=limit)
            assert shorter.size == min(limit, view.size)
            assert shorter.again().size == shorter.size
            assert [stored.seq for stored in shorter.entries()] == list(range(shorter.size))


# Nothing that somebody else put there


def item_history(desk: Desk) -> tuple[str, list[int]]:
    """An item, and the places of its three entries."""
    item = desk.locker.work.items()[0]
    access.open_item(desk, item, purpose=desks.WHY)
    with desk.locker.ledger.reading() as view:
        places = [stored.seq for stored in view.history(item.id)]
    assert len(places) >= 3
    return item.id, places


Fault = Callable[[Desk, list[int]], tuple[Ledger, str, int]]


def one_in_the_middle_gone(desk: Desk, places: list[int]) -> tuple[Ledger, str, int]:
    return (
        change(desk, ("DELETE FROM entry WHERE seq = ?", places[1])),
        "the history of its subject has a gap",
        places[2],
    )


def the_first_gone(desk: Desk, places: list[int]) -> tuple[Ledger, str, int]:
    return (
        change(desk, ("DELETE FROM entry WHERE seq = ?", places[0])),
        "the history of its subject has a gap",
        places[1],
    )


def of_another_subject(desk: Desk, places: list[int]) -> tuple[Ledger, str, int]:
    """Another item's first entry stands in the column where this one's would."""
    ((other,),) = raw(desk, f"SELECT seq FROM entry WHERE n = 0 AND seq > {places[0]} ORDER BY seq LIMIT 1")
    return (
        change(
            desk,
            ("CREATE TEMP TABLE was AS SELECT subject FROM entry WHERE seq = ?", places[0]),
            ("UPDATE entry SET n = 99 WHERE seq = ?", places[0]),
            ("UPDATE entry SET subject = (SELECT subject FROM was) WHERE seq = ?", other),
        ),
        "the history of its subject has a gap",
        other,
    )


def changed(desk: Desk, places: list[int]) -> tuple[Ledger, str, int]:
    return (
        change(
            desk,
            ("UPDATE entry SET envelope = CAST(envelope || ' ' AS BLOB) WHERE seq = ?", places[1]),
        ),
        "an entry is not the one that the tree has",
        places[1],
    )


def moved(desk: Desk, places: list[int]) -> tuple[Ledger, str, int]:
    """An entry, its columns and its leaf at another place, whose own entry is gone."""
    ((target,),) = raw(desk, f"SELECT seq FROM entry WHERE seq > {places[-1]} LIMIT 1")
    return (
        change(
            desk,
            ("DELETE FROM entry WHERE seq = ?", target),
            ("UPDATE entry SET seq = ? WHERE seq = ?", target, places[-1]),
            (
                "UPDATE node SET hash = (SELECT hash FROM node WHERE level = 0 AND position = ?)"
                " WHERE level = 0 AND position = ?",
                places[-1],
                target,
            ),
        ),
        "an entry of another place",
        target,
    )


@pytest.mark.parametrize(
    "fault",
    [one_in_the_middle_gone, the_first_gone, of_another_subject, changed, moved],
    ids=lambda f: f.__name__,
)
def test_a_history_that_is_not_whole_is_not_given(desk: Desk, fault: Fault) -> None:
    item, places = item_history(desk)
    cases.open_case(desk, "REF-behind")
    ledger, says, at = fault(desk, places)
    with ledger.reading() as view:
        with pytest.raises(CheckFailed, match=says) as caught:
            view.whole_history(item)
        assert caught.value.where == f"entry {at}"
    ledger.close()


@pytest.mark.parametrize("gone", ["the first", "the middle", "the last"])
def test_entries_that_are_gone_are_counted(desk: Desk, gone: str) -> None:
    with desk.locker.ledger.reading() as view:
        size = view.size
    seq = {"the first": 0, "the middle": 3, "the last": size - 1}[gone]
    ledger = Ledger(desk.locker.path / LEDGER)
    with ledger.reading() as view:
        change(desk, ("DELETE FROM entry WHERE seq = ?", seq)).close()
        with pytest.raises(CheckFailed, match="entries are missing") as caught:
            view.check_count()
        assert (caught.value.where, caught.value.expected, caught.value.found) == (
            f"entry {seq}",
            f"{size} entries",
            f"{size - 1}",
        )
    ledger.close()


def test_an_entry_that_is_gone_is_named(desk: Desk) -> None:
    ledger = change(desk, ("DELETE FROM entry WHERE seq = 3",))
    with ledger.reading() as view:
        with pytest.raises(CheckFailed, match="an entry is missing") as caught:
            view.entry(3)
        assert caught.value.where == "entry 3"
        assert view.entry(4).seq == 4
        assert 3 not in [stored.seq for stored in view.entries()]
    ledger.close()


def test_a_leaf_that_the_tree_has_not_is_told_from_one_that_differs(desk: Desk) -> None:
    ledger = change(
        desk,
        ("DELETE FROM node WHERE level = 0 AND position = 2",),
        ("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND position = 3",),
    )
    with ledger.reading() as view:
        leaves = {stored.seq: leaf for stored, leaf in view.entries_and_leaves(0)}
        assert leaves[2] is None
        assert leaves[3] == bytes(32)
        assert sorted(leaves) == list(range(view.size))
    ledger.close()


def test_what_no_size_accounts_for_is_not_hidden_from_a_check(desk: Desk) -> None:
    """A note, a token, a node of more entries than there are: somebody put it there, or entries are gone."""
    ledger = change(
        desk,
        ("INSERT INTO note VALUES (999, x'01')",),
        ("INSERT INTO token VALUES (999, zeroblob(32), x'01')",),
        ("INSERT INTO node VALUES (0, 999, zeroblob(32))",),
        ("INSERT INTO node VALUES (70, 0, zeroblob(32))",),
    )
    with ledger.reading() as view:
        assert 999 in view.notes()
        assert view.newest_note() == (999, b"\x01")
        assert (999, b"\x01") in view.tokens()
        assert {(0, 999, bytes(32)), (70, 0, bytes(32))} < set(view.nodes())
        assert view.misnamed_tokens() == [999]
    ledger.close()


def test_a_root_certificate_under_anothers_name_is_not_given(desk: Desk) -> None:
    ledger = change(desk, ("UPDATE root_certificate SET der = CAST(der || x'00' AS BLOB)",))
    with ledger.reading() as view, pytest.raises(CheckFailed, match="not the one that was named"):
        view.root_certificates()
    ledger.close()


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("UPDATE entry SET envelope = x'7b7d' WHERE seq = ?", (2,)),
        ("UPDATE entry SET envelope = CAST(envelope || ' ' AS BLOB) WHERE seq = ?", (2,)),
    ],
)
def test_stored_bytes_that_are_no_entry_were_changed(desk: Desk, sql: str, values: tuple[int]) -> None:
    """They were one when they were stored: this is a failed check, not an input that is refused."""
    ledger = change(desk, (sql, *values))
    with ledger.reading() as view:
        with pytest.raises(CheckFailed, match="damaged or changed") as caught:
            view.entry(2).read()
        assert (caught.value.where or "").startswith("entry 2")
        assert caught.value.exit_code == 1
    ledger.close()


# Appending


@pytest.fixture
def nodes_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    found: list[tuple[int, int]] = []
    real = View.node

    def node(view: View, level: int, position: int) -> bytes:
        found.append((level, position))
        return real(view, level, position)

    monkeypatch.setattr(View, "node", node)
    return found


def test_what_an_append_knows_is_not_looked_up(desk: Desk, nodes_read: list[tuple[int, int]]) -> None:
    """Heads that the caller read from the bodies go before the file's columns."""
    case = cases.open_case(desk, "REF-known")
    with desk.locker.ledger.reading() as view:
        head = view.head(case)
    assert head is not None
    change(desk, ("UPDATE entry SET n = 7 WHERE n = 0 AND seq = (SELECT max(seq) FROM entry)",)).close()
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        assert append.next_n(case) == 8
        append.know({case: head})
        assert append.next_n(case) == 1
        nodes_read.clear()
        assert append.head(case) == head
        assert not nodes_read


def test_a_failed_append_leaves_nothing(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        before, issued = everything(view), view.issued()
    log_keys = desk.log_keys()

    def fail() -> None:
        with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
            append.add(draft(desk), desk.keys.sign, desk.origin)
            append.add_note(log_keys, desk.origin)
            append.add_issued(append.size)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with desk.locker.ledger.reading() as view:
        assert everything(view) == before
        assert view.issued() == issued


def test_an_issued_size_and_a_root_certificate_are_kept_once(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        before = view.issued()
    assert not {2, 5} & set(before)
    for _ in range(2):
        with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
            kept = append.root_certificates()
            append.add_root_certificates([(bytes.fromhex(name), der) for name, der in kept.items()])
            for size in (5, 2):
                append.add_issued(size)
    with desk.locker.ledger.reading() as view:
        assert view.issued() == sorted([2, 5, *before])
        assert view.root_certificates() == kept


def test_the_tree_and_its_table_are_written_in_one_statement_each(desk: Desk) -> None:
    """Rows wait until they are asked for, and are asked for at the end."""
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        count = sa.select(sa.func.count()).select_from(tables.entry)
        before = append.connection.execute(count).scalar_one()
        append.add(draft(desk), desk.keys.sign, desk.origin)
        assert append.connection.execute(count).scalar_one() == before
        append.flush()
        assert append.connection.execute(count).scalar_one() == before + 1
        append.flush()
        assert append.connection.execute(count).scalar_one() == before + 1
        append.add(draft(desk), desk.keys.sign, desk.origin)
    with desk.locker.ledger.reading() as view:
        assert view.size == before + 2
        assert sorted(view.nodes()) == sorted(raw(desk, "SELECT level, position, hash FROM node"))
