"""The erasable store's tables, how its file is opened, and how an older file becomes one of today."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect

from custody.errors import CheckFailed, FormatError, InputRefused, MachineError
from custody.stored import Blob, Whole, Word, guard

APPLICATION_ID = 0x43555345  # "CUSE"
SCHEMA_VERSION = 2
"""1: one origin. 2: parts are kept by origin, since a volume counts the entries about a subject anew."""

metadata = sa.MetaData()


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False, sqlite_strict=True)


meta = _table(
    "meta",
    sa.Column("name", Word(), primary_key=True),
    sa.Column("value", Blob(), nullable=False),
)
origin = _table(
    "origin",
    sa.Column("number", Whole(), primary_key=True, autoincrement=False),
    sa.Column("origin", Word(), nullable=False),
)
part = _table(
    "part",
    sa.Column("subject", Blob(16), primary_key=True),
    sa.Column("origin", Whole(), primary_key=True, autoincrement=False),
    sa.Column("n", Whole(), primary_key=True, autoincrement=False),
    sa.Column("compartment", Word(), primary_key=True),
    sa.Column("sealed", Blob(), nullable=False),
)
wrap = _table(
    "wrap",
    sa.Column("subject", Blob(16), primary_key=True),
    sa.Column("recipient", Blob(), primary_key=True),
    sa.Column("use", Word(), primary_key=True),
    sa.Column("classes", Word(), nullable=False),
    sa.Column("message", Blob(), nullable=False),
    sa.Column("origin", Whole(), nullable=False),
    sa.Column("epoch", Whole(), nullable=False),
)
row = _table(
    "item_keys",
    sa.Column("subject", Blob(16), primary_key=True),
    sa.Column("batch", Blob(16), nullable=False),
    sa.Column("object", Blob(), nullable=False),
    sa.Column("record", Blob(), nullable=False),
    sa.Column("identity", Blob(), nullable=False),
    sa.Column("note", Blob(), nullable=False),
    sa.Column("origin", Whole(), nullable=False),
    sa.Column("epoch", Whole(), nullable=False),
)
lookup = _table(
    "lookup",
    sa.Column("case", Blob(16), primary_key=True),
    sa.Column("tag", Blob(), primary_key=True),
    sa.Column("subject", Blob(16), primary_key=True),
)


def open_engine(path: Path) -> sa.Engine:
    """An engine on an existing store; a file of an older version is brought to today's first.

    FormatError for another file, InputRefused for one of a newer custody, MachineError when it can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise MachineError("can't be read", where=path.name, found=error.strerror) from error
    if head[:16] != b"SQLite format 3\0" or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise FormatError("not a custody erasable store", where=path.name)
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
        guard(connection, metadata.tables, where=path.name)
        for pragma in (
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "secure_delete=ON",
            "synchronous=FULL",
            "temp_store=MEMORY",  # what is deleted here stands in no other file either
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    try:
        _migrate(made, path)
    except BaseException:
        made.dispose()
        raise
    return made


def _migrate(made: sa.Engine, path: Path) -> None:
    try:
        with made.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        if version == SCHEMA_VERSION:
            return
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise InputRefused(
                "an erasable store made by a newer custody",
                where=path.name,
                expected=f"schema {SCHEMA_VERSION} or older",
                found=f"schema {version}",
                hint="install the newer custody",
            )
        raw = made.raw_connection()
        try:
            cursor = raw.cursor()
            # All or nothing: after a crash the file is the old one, and the next opening does it again.
            cursor.execute("BEGIN IMMEDIATE")
            try:
                # A neighbour may have been quicker.
                if cursor.execute("PRAGMA user_version").fetchone()[0] == 1:
                    _from_1(cursor)
                cursor.execute("COMMIT")
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
        finally:
            raw.close()
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        text = str(getattr(error, "orig", error))
        if "malformed" in text or "not a database" in text:
            raise CheckFailed(f"the erasable store is damaged: {text}", where=path.name) from error
        raise MachineError(
            f"the erasable store can't be brought to today's version: {text}",
            where=path.name,
            hint="free some space, then run the command again; nothing was changed"
            if "full" in text
            else None,
        ) from error


def _from_1(cursor: Any) -> None:
    """Version 1 had one origin, number 0, and parts without one."""
    cursor.execute("ALTER TABLE part RENAME TO part_1")
    cursor.execute(str(sa.schema.CreateTable(part).compile(dialect=dialect())))
    columns = "subject, n, compartment, sealed"
    cursor.execute(f"INSERT INTO part (origin, {columns}) SELECT 0, {columns} FROM part_1")  # noqa: S608 — ours
    cursor.execute("DROP TABLE part_1")
    cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
