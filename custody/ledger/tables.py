"""The ledger's tables, in SQLAlchemy Core: the same definitions are to run on PostgreSQL.

Measured at a million entries: 16 KiB pages hold four entries where 4 KiB hold one (2.3 GB against
4.0 GB), and a unique index on a random hash slows append by a third, so there is none.
"""

from __future__ import annotations

import sqlalchemy as sa

APPLICATION_ID = 0x43555354  # "CUST"
SCHEMA_VERSION = 1

metadata = sa.MetaData()


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    # WITHOUT ROWID: SQLite's blobopen writes past triggers and authorizer, and needs a rowid.
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False, sqlite_strict=True)


entry = _table(
    "entry",
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("subject", "n"),
)
"""``subject``: the 16 bytes of the subject's id. Ids are in time order, so the unique index stays cheap."""

node = _table(
    "node",
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

note = _table(
    "note",
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)

token = _table(
    "token",
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.LargeBinary, primary_key=True),
    sa.Column("tsr", sa.LargeBinary, nullable=False),
)

witness = _table(
    "witness",
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.LargeBinary, primary_key=True),
    sa.Column("cosigned", sa.LargeBinary, nullable=False),
)

issued = _table("issued", sa.Column("size", sa.Integer, primary_key=True, autoincrement=False))
"""Sizes of the checkpoints that left the locker: every package proves its tree from each of them."""

root_certificate = _table(
    "root_certificate",
    sa.Column("sha256", sa.LargeBinary, primary_key=True),
    sa.Column("der", sa.LargeBinary, nullable=False),
)

INSERT_ONLY = (entry, node, note, token, witness, issued, root_certificate)
