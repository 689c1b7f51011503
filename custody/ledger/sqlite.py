"""All SQL that only SQLite has: guards, pragmas, the authorizer, how transactions begin.

The guards stop accidents and our own bugs; people who may write the file can drop them. The tree
finds people.
"""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from custody import machine, stored
from custody.errors import FormatError, InputRefused, MachineError
from custody.ledger import tables

PAGE_SIZE = 16 * 1024

_DENIED = {
    sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
    sqlite3.SQLITE_CREATE_TEMP_TABLE,
    sqlite3.SQLITE_CREATE_VIEW,
}
_READ_PRAGMAS = {"wal_checkpoint", "integrity_check", "quick_check", "busy_timeout"}


def authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None
) -> int:
    """Deny, in our own process, whatever could switch the guards off or change what is written."""
    if action in _DENIED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and second is not None and (first or "").lower() not in _READ_PRAGMAS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _guards() -> list[str]:
    statements = []
    for table in tables.INSERT_ONLY:
        key = " AND ".join(f"{column.name} = NEW.{column.name}" for column in table.primary_key)
        statements.append(
            # (No input is in these strings: all names are our own tables'.)
            # REPLACE deletes the old row without firing DELETE triggers, unless a setting of the
            # connection says otherwise: so every unique key is guarded on INSERT too.
            f"CREATE TRIGGER {table.name}_no_replace BEFORE INSERT ON {table.name} "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {key}) "
            f"BEGIN SELECT RAISE(ABORT, 'ledger: this row of {table.name} exists'); END"
        )
        statements += [
            f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, 'ledger: {table.name} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    statements += [
        "CREATE TRIGGER entry_in_order BEFORE INSERT ON entry "
        "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entry) "
        "BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END",
        "CREATE TRIGGER entry_subject_once BEFORE INSERT ON entry "
        "WHEN EXISTS (SELECT 1 FROM entry WHERE subject = NEW.subject AND n = NEW.n) "
        "BEGIN SELECT RAISE(ABORT, 'ledger: this number of the subject exists'); END",
        "CREATE TRIGGER note_grows BEFORE INSERT ON note "
        "WHEN NEW.size <= (SELECT coalesce(max(size), -1) FROM note) "
        "OR NEW.size IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entry) "
        "BEGIN SELECT RAISE(ABORT, 'ledger: a note covers all entries and never shrinks'); END",
    ]
    return statements


GUARDS = _guards()


def create(path: Path) -> None:
    """Make an empty ledger file with its tables and guards. Raises FileExistsError."""
    path.touch(mode=0o600, exist_ok=False)
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={tables.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={tables.SCHEMA_VERSION}")
        tables.metadata.create_all(connection)
        for guard in GUARDS:
            connection.exec_driver_sql(guard)


def engine(path: Path, *, write: bool) -> sa.Engine:
    """An engine on an existing ledger file. A writer's transactions begin with the write lock.

    A reader has no transactions: each statement is one, so that no reader holds the log back for longer.
    """
    check_file(path)
    # A URI with mode=rw never creates a file: a mistyped path can't begin a second history.
    made = sa.create_engine(
        "sqlite://",
        poolclass=sa.pool.QueuePool,
        pool_size=1,
        max_overflow=2,
        creator=lambda: sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=30,
            check_same_thread=False,
            isolation_level=None,
        ),
    )

    @sa.event.listens_for(made, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        stored.guard(connection, tables.metadata.tables, where=path.name)
        for pragma in (
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "recursive_triggers=ON",
            "synchronous=FULL",
            # Each row that a guard could refuse can be taken back: the pages for that went through a file on
            # the disk, 90 KiB an entry.
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        if not write:
            connection.execute("PRAGMA query_only=ON")
        connection.set_authorizer(authorize)

    if write:

        @sa.event.listens_for(made, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made


def closed_engine(path: Path) -> sa.Engine:
    """An engine on a closed volume: read, never written, and no file is made beside it.

    ``immutable`` also means that SQLite takes no lock and looks at no write-ahead log: what a closed volume
    has is in its file, or it is not what its successor names.
    """
    check_file(path)
    made = sa.create_engine(
        "sqlite://",
        poolclass=sa.pool.QueuePool,
        pool_size=1,
        max_overflow=2,
        creator=lambda: sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        ),
    )

    @sa.event.listens_for(made, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        stored.guard(connection, tables.metadata.tables, where=path.name)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_authorizer(authorize)

    return made


def check_file(path: Path) -> None:
    """Raise unless the file is an SQLite database with our mark and a schema that we know."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise MachineError("can't be read", where=path.name, found=error.strerror) from error
    if head[:16] != b"SQLite format 3\0" or int.from_bytes(head[68:72], "big") != tables.APPLICATION_ID:
        raise FormatError("not a custody ledger", where=path.name)
    version = int.from_bytes(head[60:64], "big")
    if version > tables.SCHEMA_VERSION:
        raise InputRefused(
            "a ledger made by a newer custody",
            where=path.name,
            expected=f"schema {tables.SCHEMA_VERSION} or older",
            found=f"schema {version}",
            hint="install the newer custody",
        )


def fold_log(engine: sa.Engine, path: Path, stuck_at: int) -> int:
    """See `machine.fold_log`."""
    raw = engine.raw_connection()
    try:
        return machine.fold_log(raw.driver_connection, path, stuck_at)
    finally:
        raw.close()


def settle(engine: sa.Engine, path: Path) -> None:
    """Fold the whole write-ahead log into the file. LockerBusy when a reader stands in the way for too long."""
    raw = engine.raw_connection()
    try:
        machine.empty_log(raw.driver_connection, path)
    finally:
        raw.close()


def guard_names(connection: sa.Connection) -> dict[str, str]:
    """The triggers of the file as they stand: SQL text by name."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    return {row[0]: row[1] for row in rows}


def missing_guards(connection: sa.Connection) -> list[str]:
    """Names of guards that are gone or were changed."""
    found = guard_names(connection)
    return [name for guard in GUARDS if found.get(name := guard.split()[2]) != guard]


def strangers(connection: sa.Connection) -> list[str]:
    """Tables, views, indexes and triggers that are gone, changed, or not ours: what else is in the file acts in it.

    Guards are asked for by name in `missing_guards`.
    """
    found = _schema(connection)
    ours = _ours()
    problems = [
        f"{kind} that custody did not make: {name}" for kind, name in sorted(found.keys() - ours.keys())
    ]
    for key in sorted(ours):
        guard = key[0] == "trigger"  # its text is compared by `missing_guards`, here only whose it is
        have = found.get(key)
        if guard and have is None:
            continue
        if have is None or have[0] != ours[key][0] or (not guard and have != ours[key]):
            problems.append(f"{key[0]} missing or changed: {key[1]}")
    return problems


def _schema(connection: sa.Connection) -> dict[tuple[str, str], tuple[str, str]]:
    """What the file holds, by (kind, name): its table, and SQL without spaces and quotes, which are SQLAlchemy's."""
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    return {(kind, name): (of, "".join((sql or "").split()).replace('"', "")) for kind, name, of, sql in rows}


@functools.cache
def _ours() -> dict[tuple[str, str], tuple[str, str]]:
    fresh = sa.create_engine("sqlite://")
    with fresh.begin() as connection:
        tables.metadata.create_all(connection)
        for guard in GUARDS:
            connection.exec_driver_sql(guard)
        return _schema(connection)


def integrity(connection: sa.Connection) -> list[str]:
    """What SQLite itself finds wrong with the file; empty when nothing."""
    rows = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
    return [] if rows == ["ok"] else rows
