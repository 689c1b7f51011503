"""What a database file gives is judged before it is used: whoever can write the file can put anything in it.

SQLite checks the kinds of values, STRICT or not, only when they are written. A file made by somebody else can
have a number where we keep bytes (``bytes(4_000_000_000)`` is four gigabytes of zeros), a view without an end
where we keep a table, or a value larger than the machine's memory. Here each of these becomes an error of ours.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect

from custody.errors import CheckFailed, MachineError
from custody.format.text import show

MAX_VALUE = 4 << 20
"""Bytes of one value or row. The longest that custody keeps is a sealed part of 1 MiB."""

_LARGEST = 2**53 - 1
_HINT = "change nothing in the locker, make a copy of it, and run custody check"


def guard(connection: sqlite3.Connection, tables: Iterable[str], *, where: str) -> None:
    """Bound what a query can cost, and refuse a file with a view or a virtual table in a table's place.

    To be asked before anything else of a connection.
    Raises CheckFailed for such a file and for a damaged one, MachineError when it can't be read now.
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.text_factory = _text
    ours = set(tables)
    try:
        found = connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    except sqlite3.OperationalError as error:
        raise MachineError(f"can't be used: {show(str(error))}", where=where) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter for a message of SQLite's own
        raise CheckFailed(f"the file is damaged: {show(str(error))}", where=where, hint=_HINT) from error
    for kind, name, sql in found:
        if name in ours and (kind != "table" or "VIRTUAL" in str(sql)[:40].upper()):
            raise CheckFailed(
                "something else stands in a table's place", where=where, found=show(str(name), 60), hint=_HINT
            )


def insert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[object, ...]], *, replace: bool = False
) -> None:
    """Insert rows, each with a value for every column, in the order of the columns; none is no statement.

    The short way to the driver: SQLAlchemy's own makes and converts a dictionary for each row, which took
    three times as long as SQLite needs to insert it.
    """
    if rows:
        connection.exec_driver_sql(_statement(table, replace), list(rows))


@functools.cache
def _statement(table: sa.Table, replace: bool) -> str:
    statement = sa.insert(table)
    if replace:
        statement = statement.prefix_with("OR REPLACE")
    return str(statement.compile(dialect=dialect()))


def select(connection: sa.Connection, query: sa.Select[Any], **values: int) -> Sequence[tuple[Any, ...]]:
    """The rows of a query that was put together once, with ``values`` for what it leaves open.

    Each value is judged as in any other query, but a column at a time: value by value that took as long as SQLite
    needs to find them.
    """
    text, names, others, kinds = _asked(query)
    rows = connection.exec_driver_sql(text, tuple((others | values)[name] for name in names)).all()
    if not all(kind.all_fit(column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=False)):
        checks = [kind.result_processor(None, None) for kind in kinds]
        for row in rows:
            for check, value in zip(checks, row, strict=True):
                check(value)
    return rows


@functools.cache
def _asked(query: sa.Select[Any]) -> tuple[str, Sequence[str], dict[str, Any], Sequence[Any]]:
    compiled: Any = query.compile(dialect=dialect())
    kinds = [column.type for column in query.selected_columns]
    return str(compiled), compiled.positiontup, dict(compiled.params), kinds


def _text(raw: bytes) -> str:
    # The module's own reading fails with the raw bytes in its message, or fails to make the message.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckFailed(
            "a database file holds text that is not UTF-8", found=show(raw, 40), hint=_HINT
        ) from error


def _checked(
    kind: type, fits: Callable[[Any], bool], what: str, *, missing: bool
) -> Callable[[object], object]:
    def check(value: object) -> object:
        if (type(value) is kind and fits(value)) or (missing and value is None):
            return value
        raise CheckFailed(
            "a database file holds a value that custody did not write there",
            expected=what,
            found=type(value).__name__,
            hint=_HINT,
        )

    return check


# SQLAlchemy copies types and tells them apart by public attributes that are named as positional arguments of
# their constructors.


class Blob(sa.LargeBinary):
    """Bytes, ``exactly`` so many where that is given; ``missing``: a query may find no row and give None."""

    cache_ok = True

    def __init__(self, exactly: int | None = None, missing: bool = False) -> None:
        super().__init__()
        self.exactly = exactly
        self.missing = missing

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        """As SQLAlchemy asks; never ``bytes(value)``, which takes a number for a length."""
        length = self.exactly
        what = "bytes" if length is None else f"{length} bytes"
        return _checked(bytes, lambda v: length is None or len(v) == length, what, missing=self.missing)

    def all_fit(self, column: Sequence[object]) -> bool:
        """True where all values of a column are such bytes; False says nothing yet."""
        if set(map(type, column)) != {bytes}:
            return False
        return self.exactly is None or set(map(len, column)) == {self.exactly}  # type: ignore[arg-type]


class Whole(sa.Integer):
    """A number from 0 to 2^53−1; ``missing``: the largest one of an empty table is asked for, and is None."""

    cache_ok = True

    def __init__(self, missing: bool = False) -> None:
        super().__init__()
        self.missing = missing

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        """As SQLAlchemy asks."""
        return _checked(int, lambda v: 0 <= v <= _LARGEST, "a whole number", missing=self.missing)

    def all_fit(self, column: Sequence[Any]) -> bool:
        """As for `Blob`."""
        return set(map(type, column)) == {int} and min(column) >= 0 and max(column) <= _LARGEST


class Word(sa.Text):
    """Text."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        """As SQLAlchemy asks."""
        return _checked(str, lambda _: True, "text", missing=False)
