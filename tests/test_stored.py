"""Values that are judged a column at a time are judged as strictly as one by one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from custody.errors import CheckFailed
from custody.stored import Blob, Whole, select

TABLE = sa.Table(
    "thing", sa.MetaData(), sa.Column("number", Whole()), sa.Column("any", Blob()), sa.Column("hash", Blob(2))
)
QUERY = (
    sa.select(TABLE.c.number, TABLE.c.any, TABLE.c.hash)
    .where(TABLE.c.number != sa.bindparam("other"))
    .order_by(sa.text("rowid"))
    .limit(sa.bindparam("most"))
)
GOOD = (3, b"abc", b"xy")


def asked(*rows: tuple[object, ...]) -> tuple[object, object]:
    """What both ways say of the rows: in a table without kinds, as somebody else's file may have one."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql('CREATE TABLE thing (number, "any", hash)')
        connection.exec_driver_sql("INSERT INTO thing VALUES (?, ?, ?)", list(rows))
        said: list[object] = []
        for ask in (
            lambda: select(connection, QUERY, other=99, most=100),
            lambda: connection.execute(QUERY, {"other": 99, "most": 100}).all(),
        ):
            try:
                said.append([tuple(row) for row in ask()])
            except CheckFailed as error:
                said.append(error.message)
        return said[0], said[1]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((0, value) for value in (-1, 2**53, 3.0, "3", b"3", None)),
        *((1, value) for value in (4_000_000_000, 1.5, "abc", None)),
        *((2, value) for value in (b"", b"x", b"xyz", "xy", 2, None)),
    ],
)
def test_what_was_not_written_by_us_is_refused_in_the_same_words(place, column, value):
    rows = [GOOD] * 3
    rows[place] = (*GOOD[:column], value, *GOOD[column + 1 :])
    columnwise, one_by_one = asked(*rows)
    assert columnwise == one_by_one
    assert isinstance(columnwise, str) or (column, value) == (0, None)  # NULL is not unlike 99: no row


def test_what_is_ours_is_given_as_it_is():
    rows = [GOOD, (0, b"", b"\0\0"), (2**53 - 1, b"abc", b"xy")]
    assert asked(*rows) == (rows, rows)
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql('CREATE TABLE thing (number, "any", hash)')
        assert list(select(connection, QUERY, other=99, most=100)) == []
