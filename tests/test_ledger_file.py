"""The ledger as a file: how it is made and opened, what our own process may do with it, and what else is in it."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from custody.errors import CheckFailed, FormatError, InputRefused, MachineError
from custody.ledger import sqlite, tables
from tests.test_releases import RELEASES, unpacked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.sqlite"
    sqlite.create(made)
    return made


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of a stranger's program."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    yield connection
    connection.close()


WHOLE: list[Any] = [0, -1, 2**53, 1.0, b"1", "1"]
BYTES: list[Any] = [b"x", 1, "x"]
HASH: list[Any] = [bytes(32), bytes(31), bytes(33), b"", 32, "x" * 32]

ENTRY = "INSERT INTO entry VALUES (?, ?, ?, x'01')"


def pragma(connection: sa.Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_new_file_has_our_marks_tables_and_guards(path: Path, raw: sqlite3.Connection) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "journal_mode")}
    assert found == {"page_size": 16384, "journal_mode": "wal"}
    assert raw.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"CUST", "big")
    assert raw.execute("PRAGMA user_version").fetchone()[0] == tables.SCHEMA_VERSION
    engine = sqlite.engine(path, write=False)
    with engine.begin() as connection:
        assert list(sqlite.guard_names(connection).values()) == sqlite.GUARDS
        assert sqlite.missing_guards(connection) == []
        assert sqlite.strangers(connection) == []
        assert sqlite.integrity(connection) == []
    engine.dispose()


@pytest.mark.parametrize("release", RELEASES)
def test_the_ledger_of_each_release_has_the_tables_and_guards_of_today(release: str, tmp_path: Path) -> None:
    """Whatever is changed in a table would make every locker that is in use one with a stranger's table."""
    path = unpacked(release, tmp_path) / "L" / "ledger.sqlite"
    engine = sqlite.engine(path, write=False)
    with engine.begin() as connection:
        assert sqlite.missing_guards(connection) == []
        assert sqlite.strangers(connection) == []
    engine.dispose()


COLUMNS = {
    "entry": {"seq": WHOLE, "subject": BYTES, "n": WHOLE, "envelope": BYTES},
    "node": {"level": WHOLE, "position": WHOLE, "hash": HASH},
    "note": {"size": WHOLE, "note": BYTES},
    "token": {"size": WHOLE, "sha256": HASH, "tsr": BYTES},
    "witness": {"size": WHOLE, "sha256": HASH, "cosigned": BYTES},
    "issued": {"size": WHOLE},
    "root_certificate": {"sha256": HASH, "der": BYTES},
}
"""Of each column a value that it may hold, and ones of a stranger's file that are refused when they are read."""


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in COLUMNS.items() for c in columns])
def test_a_value_that_custody_did_not_write_is_refused_in_each_column(table: str, column: str) -> None:
    good, *bad = COLUMNS[table][column]
    assert list(COLUMNS[table]) == [one.name for one in tables.metadata.tables[table].columns]
    reads = tables.metadata.tables[table].columns[column].type.result_processor(None, None)
    assert reads(good) == good
    if f"{table}.{column}" in ("entry.seq", "node.hash"):
        assert (
            reads(None) is None
        )  # the largest of an empty table, and a leaf that is not there, are asked for
    else:
        bad.append(None)
    for value in bad:
        with pytest.raises(CheckFailed, match="a value that custody did not write there"):
            reads(value)


def test_a_file_that_is_there_is_not_made_again(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        sqlite.create(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
def test_how_it_is_opened(path: Path, write: bool) -> None:
    engine = sqlite.engine(path, write=write)
    with engine.begin() as connection:
        found = {
            name: pragma(connection, name)
            for name in (
                "trusted_schema",
                "cell_size_check",
                "recursive_triggers",
                "synchronous",
                "temp_store",
                "query_only",
                "busy_timeout",
            )
        }
    engine.dispose()
    assert found == {
        "trusted_schema": 0,
        "cell_size_check": 1,
        "recursive_triggers": 1,
        "synchronous": 2,  # FULL: a power cut after a commit takes nothing back
        "temp_store": 2,  # in memory
        "query_only": 0 if write else 1,
        "busy_timeout": 30_000,
    }


def test_a_writer_has_the_lock_from_its_beginning(path: Path, raw: sqlite3.Connection) -> None:
    writers, readers = sqlite.engine(path, write=True), sqlite.engine(path, write=False)
    with writers.begin() as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            raw.execute("BEGIN IMMEDIATE")
        connection.exec_driver_sql(ENTRY, (0, bytes(16), 0))
        with readers.begin() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 0
    assert raw.execute("SELECT count(*) FROM entry").fetchone() == (1,)

    def fail() -> None:
        with writers.begin() as connection:
            connection.exec_driver_sql(ENTRY, (1, b"\1" * 16, 0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert raw.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    writers.dispose()
    readers.dispose()


def test_a_reader_holds_nobody_back(path: Path, raw: sqlite3.Connection) -> None:
    """It has no transaction: what comes in between two questions is seen, and the log can be folded."""
    engine = sqlite.engine(path, write=False)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 0
        raw.execute(ENTRY, (0, bytes(16), 0))
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 1
        assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    engine.dispose()


@pytest.mark.parametrize("closed", [False, True])
def test_three_may_ask_at_once_from_any_thread(path: Path, raw: sqlite3.Connection, closed: bool) -> None:
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine = sqlite.closed_engine(path) if closed else sqlite.engine(path, write=False)
    found: list[object] = []
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:

        def ask() -> None:
            found.extend(c.exec_driver_sql("SELECT count(*) FROM entry").scalar() for c in (one, two, three))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert found == [0, 0, 0]
    engine.dispose()


@pytest.mark.parametrize("write", [False, True])
def test_a_file_that_is_gone_is_not_begun_anew(path: Path, write: bool) -> None:
    engine = sqlite.engine(path, write=write)
    path.unlink()
    with pytest.raises(sa.exc.OperationalError), engine.begin():
        pass
    assert not path.exists()


OPEN: list[Callable[[Path], object]] = [
    lambda path: sqlite.engine(path, write=False),
    lambda path: sqlite.engine(path, write=True),
    sqlite.closed_engine,
]


@pytest.mark.parametrize("open_", OPEN)
def test_what_is_no_ledger_is_not_opened(tmp_path: Path, path: Path, open_: Callable[[Path], object]) -> None:
    with pytest.raises(MachineError, match="can't be read") as caught:
        open_(tmp_path / "none")
    assert caught.value.where == "none"
    assert not (tmp_path / "none").exists()
    good = path.read_bytes()
    for data in (b"", good[:50], b"x" + good[1:], good[:68] + b"CUSX" + good[72:]):
        path.write_bytes(data)
        with pytest.raises(FormatError, match="not a custody ledger") as refused:
            open_(path)
        assert refused.value.where == path.name
    path.write_bytes(good[:60] + (tables.SCHEMA_VERSION + 1).to_bytes(4, "big") + good[64:])
    with pytest.raises(InputRefused, match="newer custody") as newer:
        open_(path)
    assert (newer.value.expected, newer.value.found) == ("schema 1 or older", "schema 2")
    assert newer.value.hint == "install the newer custody"


@pytest.mark.parametrize("open_", OPEN)
def test_a_view_in_a_tables_place_is_refused(
    path: Path, raw: sqlite3.Connection, open_: Callable[[Path], Any]
) -> None:
    raw.execute("DROP TABLE issued")
    raw.execute("CREATE VIEW issued AS SELECT 1 AS size")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(CheckFailed, match="in a table's place") as caught, open_(path).connect():
        pass
    assert caught.value.where == path.name


def test_a_closed_volume_is_read_and_nothing_is_made_beside_it(path: Path, raw: sqlite3.Connection) -> None:
    raw.execute(ENTRY, (0, bytes(16), 0))
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    path.chmod(0o400)
    before = path.read_bytes()
    engine = sqlite.closed_engine(path)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 1
        found = {n: pragma(connection, n) for n in ("trusted_schema", "cell_size_check", "query_only")}
        assert found == {"trusted_schema": 0, "cell_size_check": 1, "query_only": 1}
        for statement in ("INSERT INTO issued VALUES (1)", "DELETE FROM entry", "PRAGMA query_only=OFF"):
            with pytest.raises(sa.exc.DBAPIError):
                connection.exec_driver_sql(statement)
        assert [one.name for one in path.parent.iterdir()] == [path.name]
    engine.dispose()
    assert path.read_bytes() == before


# What our own process may do

DENIED = {
    "DROP_TRIGGER", "DROP_TABLE", "DROP_INDEX", "ALTER_TABLE", "ATTACH", "DETACH", "DELETE", "UPDATE",
    "CREATE_TRIGGER", "CREATE_TEMP_TRIGGER", "CREATE_TEMP_TABLE", "CREATE_VIEW",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DENIED))
def test_what_could_switch_a_guard_off_is_denied(name: str) -> None:
    action = getattr(sqlite3, f"SQLITE_{name}")
    assert sqlite.authorize(action, None, None, None, None) == sqlite3.SQLITE_DENY
    assert sqlite.authorize(action, "entry", "x", "main", "t") == sqlite3.SQLITE_DENY


@pytest.mark.parametrize(
    ("first", "second", "denied"),
    [
        ("query_only", None, False),
        ("user_version", None, False),
        ("query_only", "OFF", True),
        ("QUERY_ONLY", "OFF", True),
        (None, "OFF", True),
        ("", "OFF", True),
        ("wal_checkpoint", "TRUNCATE", False),
        ("WAL_Checkpoint", "TRUNCATE", False),
        ("integrity_check", "20", False),
        ("quick_check", "1", False),
        ("busy_timeout", "50", False),
        ("journal_mode", "DELETE", True),
    ],
)
def test_settings_are_read_and_not_made(first: str | None, second: str | None, denied: bool) -> None:
    found = sqlite.authorize(sqlite3.SQLITE_PRAGMA, first, second, None, None)
    assert found == (sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK)


@pytest.mark.parametrize("action", [sqlite3.SQLITE_INSERT, sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT])
def test_to_read_and_to_insert_is_allowed(action: int) -> None:
    assert sqlite.authorize(action, "entry", "x", "main", None) == sqlite3.SQLITE_OK


@pytest.mark.parametrize("open_", OPEN)
def test_every_connection_of_ours_is_under_that_guard(
    path: Path, raw: sqlite3.Connection, open_: Callable[[Path], Any]
) -> None:
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine = open_(path)
    with engine.connect() as connection:
        for statement in ("DROP TRIGGER note_grows", "PRAGMA query_only=OFF", "ATTACH ':memory:' AS other"):
            with pytest.raises(sa.exc.DBAPIError, match=r"not authorized|prohibited"):
                connection.exec_driver_sql(statement)
    engine.dispose()


# What else is in the file


@pytest.mark.parametrize(
    ("statements", "problems"),
    [
        (["CREATE TABLE extra (x)"], ["table that custody did not make: extra"]),
        (["CREATE VIEW extra AS SELECT 1"], ["view that custody did not make: extra"]),
        (["CREATE INDEX extra ON entry (n)"], ["index that custody did not make: extra"]),
        (
            ["CREATE TRIGGER extra AFTER INSERT ON entry BEGIN SELECT 1; END"],
            ["trigger that custody did not make: extra"],
        ),
        (["DROP TABLE issued"], ["table missing or changed: issued"]),
        (
            ["DROP TABLE issued", "CREATE TABLE issued (size INTEGER PRIMARY KEY)"],
            ["table missing or changed: issued"],
        ),
        (
            [
                "DROP TRIGGER note_grows",
                "CREATE TRIGGER note_grows BEFORE INSERT ON token BEGIN SELECT 1; END",
            ],
            ["trigger missing or changed: note_grows"],
        ),
        (["DROP TRIGGER note_grows"], []),
        (
            [
                "DROP TRIGGER note_grows",
                "CREATE TRIGGER note_grows BEFORE INSERT ON note BEGIN SELECT 1; END",
            ],
            [],
        ),
    ],
)
def test_what_is_not_ours_is_named(
    path: Path, raw: sqlite3.Connection, statements: list[str], problems: list[str]
) -> None:
    for statement in statements:
        raw.execute(statement)
    engine = sqlite.engine(path, write=False)
    with engine.connect() as connection:
        assert sqlite.strangers(connection) == problems
        gone = [name for name in ("note_grows",) if any(name in one for one in statements)]
        gone += [
            f"issued_no_{verb}"
            for verb in ("replace", "update", "delete")
            if any("DROP TABLE issued" in one for one in statements)
        ]
        assert sorted(sqlite.missing_guards(connection)) == sorted(gone)
    engine.dispose()


def test_a_damaged_page_is_told(path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    data = bytearray(path.read_bytes())
    data[sqlite.PAGE_SIZE + 7] = 9  # a page that says how many bytes in it are free, and they are not
    path.write_bytes(data)
    engine = sqlite.engine(path, write=False)
    with engine.connect() as connection:
        (problem,) = sqlite.integrity(connection)
        assert "free space" in problem
    engine.dispose()


# The write-ahead log


def test_a_settled_file_alone_is_the_state(path: Path) -> None:
    writers, readers = sqlite.engine(path, write=True), sqlite.engine(path, write=False)
    with writers.begin() as connection:
        connection.exec_driver_sql(ENTRY, (0, bytes(16), 0))
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size
    sqlite.settle(readers, path)
    assert log.stat().st_size == 0
    alone = path.with_name("copy.sqlite")
    alone.write_bytes(path.read_bytes())
    with sqlite.closed_engine(alone).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 1
    # What was borrowed is given back: else the third would wait for ever.
    for _ in range(4):
        sqlite.settle(readers, path)
        sqlite.fold_log(writers, path, 0)
    writers.dispose()
    readers.dispose()


def test_a_log_is_folded_where_it_grew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, Path, int]] = []

    def fold(connection: Any, where: Path, stuck_at: int) -> int:
        asked.append((connection, where, stuck_at))
        return 17

    monkeypatch.setattr(sqlite.machine, "fold_log", fold)
    engine = sqlite.engine(path, write=True)
    assert sqlite.fold_log(engine, path, 9) == 17
    ((connection, where, stuck_at),) = asked
    assert isinstance(connection, sqlite3.Connection)
    assert (where, stuck_at) == (path, 9)
    engine.dispose()
