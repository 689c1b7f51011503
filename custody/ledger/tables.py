"""The ledger's tables, in SQLAlchemy Core: the same definitions are to run on PostgreSQL.

Measured at a million entries: 16 KiB pages hold four entries where 4 KiB hold one (2.3 GB against
4.0 GB), and a unique index on a random hash slows append by a third, so there is none.
"""

from __future__ import annotations

import sqlalchemy as sa

from custody.stored import Blob, Whole

APPLICATION_ID = 0x43555354  # "CUST"
SCHEMA_VERSION = 1

metadata = sa.MetaData()


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    # WITHOUT ROWID: SQLite's blobopen writes past triggers and authorizer, and needs a rowid.
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False, sqlite_strict=True)


entry = _table(
    "entry",
    sa.Column("seq", Whole(missing=True), primary_key=True, autoincrement=False),
    sa.Column("subject", Blob(), nullable=False),
    sa.Column("n", Whole(), nullable=False),
    sa.Column("envelope", Blob(), nullable=False),
    sa.UniqueConstraint("subject", "n"),
)
"""``subject``: the 16 bytes of the subject's id. Ids are in time order, so the unique index stays cheap."""

node = _table(
    "node",
    sa.Column("level", Whole(), primary_key=True, autoincrement=False),
    sa.Column("position", Whole(), primary_key=True, autoincrement=False),
    sa.Column("hash", Blob(32, missing=True), nullable=False),
)

note = _table(
    "note",
    sa.Column("size", Whole(), primary_key=True, autoincrement=False),
    sa.Column("note", Blob(), nullable=False),
)

token = _table(
    "token",
    sa.Column("size", Whole(), primary_key=True, autoincrement=False),
    sa.Column("sha256", Blob(32), primary_key=True),
    sa.Column("tsr", Blob(), nullable=False),
)

witness = _table(
    "witness",
    sa.Column("size", Whole(), primary_key=True, autoincrement=False),
    sa.Column("sha256", Blob(32), primary_key=True),
    sa.Column("cosigned", Blob(), nullable=False),
)

issued = _table("issued", sa.Column("size", Whole(), primary_key=True, autoincrement=False))
"""Sizes of the checkpoints that left the locker: every package proves its tree from each of them."""

root_certificate = _table(
    "root_certificate",
    sa.Column("sha256", Blob(32), primary_key=True),
    sa.Column("der", Blob(), nullable=False),
)

INSERT_ONLY = (entry, node, note, token, witness, issued, root_certificate)
