"""The ledger file: its guards, the holes that SQLite has, its order, and what an append costs."""

from __future__ import annotations

import math
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from custody.crypto.keys import LogKeys
from custody.errors import CheckFailed, CustodyError, MachineError, NoRight
from custody.format import merkle
from custody.format.names import IdMaker
from custody.ledger import sqlite, tables
from custody.ledger.store import Append, Draft, Ledger, View
from custody.procedure import cases, seal
from custody.procedure.locker import Desk
from tests import desks

TABLES = [table.name for table in tables.INSERT_ONLY]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A locker with a row in every table."""
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        seal.seal(desk)
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        append.connection.execute(
            sa.insert(tables.witness), {"size": 1, "sha256": bytes(32), "cosigned": b"x"}
        )
    return desk


@pytest.fixture
def raw(desk: Desk) -> Iterator[sqlite3.Connection]:
    """A connection of a stranger's program: no authorizer, no pragmas of ours, only the file's guards."""
    desk.locker.close()
    connection = sqlite3.connect(desk.locker.path / "ledger.sqlite", isolation_level=None)
    yield connection
    connection.close()


def rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"SELECT * FROM {table}").fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_not_changed_removed_or_replaced(raw: sqlite3.Connection, table: str) -> None:
    before = rows(raw, table)
    assert before
    columns = [column.name for column in tables.metadata.tables[table].columns]
    first = ", ".join(columns)
    attempts = [
        f"UPDATE {table} SET {columns[-1]} = {columns[-1]}",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT {first} FROM {table} LIMIT 1",
        f"REPLACE INTO {table} SELECT {first} FROM {table} LIMIT 1",
        f"UPDATE OR REPLACE {table} SET {columns[0]} = {columns[0]}",
        f"INSERT INTO {table} SELECT {first} FROM {table} WHERE true LIMIT 1 "
        f"ON CONFLICT DO UPDATE SET {columns[-1]} = excluded.{columns[-1]}",
    ]
    for statement in attempts:
        for recursive in ("ON", "OFF"):  # REPLACE's implicit deletes fire triggers only with it on
            raw.execute(f"PRAGMA recursive_triggers={recursive}")
            with pytest.raises(sqlite3.IntegrityError, match=r"ledger: |append-only|exists"):
                raw.execute(statement)
    assert rows(raw, table) == before


def test_an_entry_is_not_replaced_by_its_second_unique_key(raw: sqlite3.Connection) -> None:
    """REPLACE deletes the row that holds (subject, n), even where the primary key is new."""
    before = rows(raw, "entry")
    with pytest.raises(sqlite3.IntegrityError, match="ledger: "):
        raw.execute(
            "INSERT OR REPLACE INTO entry SELECT (SELECT max(seq) + 1 FROM entry), subject, n, envelope "
            "FROM entry WHERE seq = 0"
        )
    assert rows(raw, "entry") == before


@pytest.mark.parametrize("table", TABLES)
def test_no_table_has_a_rowid_that_blobopen_needs(raw: sqlite3.Connection, table: str) -> None:
    column = tables.metadata.tables[table].columns.keys()[-1]
    with pytest.raises(sqlite3.OperationalError, match="without rowid"):
        raw.blobopen(table, column, 1)


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_strict(raw: sqlite3.Connection, table: str) -> None:
    found = {row[1]: (row[4], row[5]) for row in raw.execute("PRAGMA table_list")}
    assert found[table] == (1, 1)  # WITHOUT ROWID, STRICT


@pytest.mark.parametrize("seq", ["max(seq)", "max(seq) + 2", "-1", "NULL"])
def test_entries_are_appended_in_order(raw: sqlite3.Connection, seq: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"INSERT INTO entry SELECT {seq}, ?, 0, x'00' FROM entry", (uuid.uuid4().bytes,))


@pytest.mark.parametrize("change", [-1, 0, 1])
def test_a_note_covers_all_entries_and_grows(raw: sqlite3.Connection, change: int) -> None:
    """The newest note is of 2 entries (genesis, policy); the token's entry came after it."""
    (size,) = raw.execute("SELECT max(seq) + 1 FROM entry").fetchone()
    if change == 0:
        raw.execute("INSERT INTO note VALUES (?, x'00')", (size,))
        return
    with pytest.raises(sqlite3.IntegrityError, match="a note covers all entries"):
        raw.execute("INSERT INTO note VALUES (?, x'00')", (size + change,))


FORBIDDEN = [
    "DROP TRIGGER entry_no_update",
    "DROP TABLE entry",
    "ALTER TABLE entry RENAME TO other",
    "UPDATE entry SET n = 5",
    "DELETE FROM entry",
    "ATTACH ':memory:' AS other",
    "CREATE TEMP TRIGGER t BEFORE INSERT ON entry BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER t BEFORE INSERT ON entry BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TEMP TABLE entry (seq)",
    "CREATE VIEW v AS SELECT 1",
    "PRAGMA writable_schema=ON",
    "PRAGMA recursive_triggers=OFF",
    "PRAGMA synchronous=OFF",
    "PRAGMA journal_mode=DELETE",
    "PRAGMA query_only=OFF",
    "PRAGMA ignore_check_constraints=ON",
    "PRAGMA user_version=9",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_our_own_process_may_not_switch_a_guard_off(desk: Desk, statement: str) -> None:
    def run() -> None:
        with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
            append.connection.exec_driver_sql(statement)

    with pytest.raises((MachineError, CheckFailed), match=r"not authorized|prohibited"):
        run()


def test_a_reader_writes_nothing(desk: Desk) -> None:
    def run() -> None:
        with desk.locker.ledger.reading() as view:
            view.connection.exec_driver_sql("INSERT INTO issued VALUES (99)")

    with pytest.raises(CustodyError, match=r"readonly|read-only|query_only"):
        run()


def test_guards_that_are_gone_are_named(desk: Desk, raw: sqlite3.Connection) -> None:
    raw.execute("DROP TRIGGER entry_no_update")
    raw.execute("DROP TRIGGER note_grows")
    raw.execute("CREATE TRIGGER note_grows BEFORE INSERT ON note BEGIN SELECT 1; END")
    ledger = Ledger(desk.locker.path / "ledger.sqlite")
    assert ledger.file_checks() == [
        "guard missing or changed: entry_no_update",
        "guard missing or changed: note_grows",
    ]
    ledger.close()


def test_every_table_has_its_guards() -> None:
    for table in TABLES:
        for guard in ("no_replace", "no_update", "no_delete"):
            assert any(statement.split()[2] == f"{table}_{guard}" for statement in sqlite.GUARDS)


# Appending


def draft(desk: Desk, **changes: object) -> Draft:
    values: dict[str, object] = {
        "kind": "case.opened",
        "subject_type": "case",
        "subject": desk.rim.new_id(),
        "public": {},
        "sealed": {"title": "0" * 64},
        "n": 0,
    } | changes
    values.setdefault("case", values["subject"])
    return Draft(**values)  # type: ignore[arg-type]


def add(desk: Desk, *drafts: Draft) -> None:
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        for one in drafts:
            append.add(one, desk.keys.sign, desk.origin)


def test_a_batch_is_one_transaction(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        before = view.size
    good = [draft(desk) for _ in range(100)]
    with pytest.raises(CustodyError):
        add(desk, *good, draft(desk, kind="case.unheard-of"))
    fresh = desks.sit_down(desk)
    with fresh.locker.ledger.reading() as view:
        assert view.size == before
    add(fresh, *good)
    with fresh.locker.ledger.reading() as view:
        assert view.size == before + 100
        leaves = [stored.leaf for stored in view.entries()]
        assert view.root() == naive_root(leaves)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as written."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "case.unheard-of"}, "a kind of entry that this version does not make"),
        ({"kind": "item.disposed"}, "a kind of entry that this version does not make"),
        ({"n": 1}, "the history moved"),
        ({"public": {"name": "Ms Example"}}, "a field that this format does not have"),
        ({"sealed": {}}, "a compartment is missing"),
        ({"sealed": {"title": "0" * 64, "identity": "0" * 64}}, "a compartment that this kind does not have"),
        ({"subject_type": "item"}, "another subject than this kind has"),
        ({"case": None}, "names another case"),
        ({"case": "019cb6d0-0000-7000-8000-0000000000a1"}, "names another case"),
    ],
)
def test_what_the_table_does_not_have_is_refused(desk: Desk, changes: dict[str, object], words: str) -> None:
    with desk.locker.ledger.reading() as view:
        before = view.size
    with pytest.raises(CustodyError, match=words):
        add(desk, draft(desk, **changes))
    with desk.locker.ledger.reading() as view:
        assert view.size == before


def test_a_clock_that_gives_no_time_is_not_written_down(desk: Desk) -> None:
    def run() -> None:
        time = replace(desk.time(), wall="tomorrow")
        with desk.locker.ledger.append(rights=desk.rights, clock=lambda: time) as append:
            append.add(draft(desk), desk.keys.sign, desk.origin)

    with pytest.raises(CustodyError, match="time"):
        run()


def test_who_has_no_right_appends_nothing(desk: Desk, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["seal"])
    with pytest.raises(NoRight, match="no right to collect"):
        add(desks.sit_down(desk, other), draft(desk))


def test_a_stranger_appends_nothing(desk: Desk) -> None:
    def run() -> None:
        with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
            append.add(draft(desk), desks.new_keys().sign, desk.origin)

    with pytest.raises(NoRight, match="not one of this record's custodians"):
        run()


def test_histories_are_chained_and_read_back(desk: Desk) -> None:
    case = cases.open_case(desk, "REF-1")
    cases.close_case(desk, case, note="x")
    with desk.locker.ledger.reading() as view:
        first, second = (stored for stored in view.history(case))
        assert (first.read().subject.n, first.read().subject.prev) == (0, None)
        assert (second.read().subject.n, second.read().subject.prev) == (1, first.leaf.hex())
        head = view.head(case)
        assert head is not None
        assert (head.n, head.leaf) == (1, second.leaf)
        assert view.history(case, start=1) == [second]
        assert view.head(IdMaker(lambda: 0, desk.rim.random)()) is None


def test_a_note_of_the_same_size_is_given_back(desk: Desk) -> None:
    log_keys = desk.log_keys()
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        first = append.add_note(log_keys, desk.origin)
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        # ML-DSA signs differently each time: the same bytes mean that it was not signed again.
        assert append.add_note(LogKeys(bytes(32), bytes(32)), desk.origin) == first


# What it costs


class Counter:
    """Counts reads of stored nodes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = View.node

        def node(view: View, level: int, position: int) -> bytes:
            self.count += 1
            return real(view, level, position)

        monkeypatch.setattr(View, "node", node)

    def during(self) -> int:
        count, self.count = self.count, 0
        return count


def test_append_and_proofs_read_only_logarithmically_many_nodes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch)
    checked = 0
    for size in (50, 300, 1100):
        with desk.locker.ledger.reading() as view:
            missing = size - view.size
        add(desk, *(draft(desk, fresh=True) for _ in range(missing)))
        bound = 2 * math.ceil(math.log2(size)) + 2
        counter.during()
        with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
            append.add(draft(desk, fresh=True), desk.keys.sign, desk.origin)
        assert counter.during() <= bound
        with desk.locker.ledger.reading() as view:
            for seq in (0, size // 2, size - 1):
                path = view.inclusion(seq, size)
                assert counter.during() <= bound * 2
                assert len(path) <= math.ceil(math.log2(size))
            view.consistency(size // 3, size)
            assert counter.during() <= bound * 2
            view.root()
            assert counter.during() <= bound
        checked += 1
    assert checked == 3


def test_a_batch_reads_no_more_nodes_than_one_entry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    add(desk, *(draft(desk, fresh=True) for _ in range(200)))
    counter = Counter(monkeypatch)
    add(desk, *(draft(desk, fresh=True) for _ in range(100)))
    assert counter.during() <= 2 * 9 + 2


def test_an_append_at_the_tree_of_each_size_is_right(desk: Desk) -> None:
    for _ in range(20):
        add(desk, draft(desk))
        with desk.locker.ledger.reading() as view:
            assert view.root() == naive_root([stored.leaf for stored in view.entries()])
            stored_nodes = {(level, position): digest for level, position, digest in view.nodes()}
        size = max(position for level, position in stored_nodes if level == 0) + 1
        # Every full subtree is stored once, and nothing else.
        assert len(stored_nodes) == sum(size >> level for level in range(size.bit_length()))


def test_a_missing_node_is_named(desk: Desk, raw: sqlite3.Connection) -> None:
    raw.execute("DROP TRIGGER node_no_delete")
    raw.execute("DELETE FROM node WHERE level = 0 AND position = 0")
    ledger = Ledger(desk.locker.path / "ledger.sqlite")
    with ledger.reading() as view, pytest.raises(CheckFailed, match="node 0/0"):
        view.node(0, 0)
    ledger.close()


def test_append_sees_its_own_entries(desk: Desk) -> None:
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time) as append:
        assert isinstance(append, Append)
        one = draft(desk)
        size = append.size
        append.add(one, desk.keys.sign, desk.origin)
        assert (append.size, append.next_n(one.subject)) == (size + 1, 1)
        root = append.root()
    with desk.locker.ledger.reading() as view:
        assert view.root() == root
