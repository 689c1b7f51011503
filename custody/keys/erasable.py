"""The erasable store: sealed parts, wrapped keys, look-ups. What the law may order gone lies here.

Its own SQLite file with ``secure_delete``, beside the ledger, which keeps only digests. Losing a row
here is losing evidence, so it commits before the ledger does; a row without an entry is an orphan of
a crash and opens nothing that is evidence.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from custody import machine
from custody.errors import CheckFailed, FormatError, LockerBusy, MachineError

FILE_NAME = "erasable.sqlite"
APPLICATION_ID = 0x43555345  # "CUSE"
SCHEMA_VERSION = 1

metadata = sa.MetaData()


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False, sqlite_strict=True)


_meta = _table(
    "meta",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
_origin = _table(
    "origin",
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
)
_part = _table(
    "part",
    sa.Column("subject", sa.LargeBinary, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("compartment", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
_wrap = _table(
    "wrap",
    sa.Column("subject", sa.LargeBinary, primary_key=True),
    sa.Column("recipient", sa.LargeBinary, primary_key=True),
    sa.Column("use", sa.Text, primary_key=True),
    sa.Column("classes", sa.Text, nullable=False),
    sa.Column("message", sa.LargeBinary, nullable=False),
    sa.Column("origin", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
)
_row = _table(
    "item_keys",
    sa.Column("subject", sa.LargeBinary, primary_key=True),
    sa.Column("batch", sa.LargeBinary, nullable=False),
    sa.Column("object", sa.LargeBinary, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("identity", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sa.Column("origin", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
)
_lookup = _table(
    "lookup",
    sa.Column("case", sa.LargeBinary, primary_key=True),
    sa.Column("tag", sa.LargeBinary, primary_key=True),
    sa.Column("subject", sa.LargeBinary, primary_key=True),
)

USES = ("keys", "batch", "log")
"""What a wrap holds: a subject's class keys, a batch's keys, the log keys."""

_PREPARED, _PACKAGE = "prepared/", "package/"


def _key(identifier: str) -> bytes:
    return uuid.UUID(identifier).bytes


def _id(data: bytes) -> str:
    return str(uuid.UUID(bytes=bytes(data)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A sealed compartment of entry ``n`` about a subject."""

    subject: str
    n: int
    compartment: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrap:
    """One HPKE message with keys of ``subject`` (a subject or a batch) for one custodian."""

    subject: str
    recipient: str
    use: str
    classes: tuple[str, ...]
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKeys:
    """An item's class keys, each wrapped under the batch key of its class (60 bytes each)."""

    subject: str
    batch: str
    wrapped: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A keyed hash by which something can be found again without opening anything."""

    case: str
    tag: bytes
    subject: str


@dataclass(slots=True)
class Rows:
    """What one write adds."""

    parts: list[Part] = field(default_factory=list)
    wraps: list[Wrap] = field(default_factory=list)
    items: list[ItemKeys] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    """Packages (ids) that this write logs, whose files are written after it."""


class ErasableStore:
    """The erasable store of one locker."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)

    @classmethod
    def create(cls, path: Path, *, origin: str, secret: bytes) -> ErasableStore:
        """Make an empty store that knows its locker's origin and secret. Raises FileExistsError."""
        path.touch(mode=0o600, exist_ok=False)
        made = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)

        @sa.event.listens_for(made, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA page_size=16384")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA journal_mode=WAL")

        with made.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
            metadata.create_all(connection)
            connection.execute(sa.insert(_meta), [{"name": "secret", "value": secret}])
            connection.execute(sa.insert(_origin), [{"number": 0, "origin": origin}])
        made.dispose()
        return cls(path)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            text = str(error.orig)
            if "malformed" in text or "not a database" in text:
                raise CheckFailed(f"the erasable store is damaged: {text}", where=self.path.name) from error
            hint = "free some space, then run the command again" if "full" in text else None
            raise MachineError(
                f"the erasable store can't be used: {text}", where=self.path.name, hint=hint
            ) from error

    def add(self, rows: Rows) -> None:
        """Commit rows; durable on return. A row that a crash left behind is replaced."""
        with self._begin() as connection:
            if rows.parts:
                connection.execute(
                    sa.insert(_part).prefix_with("OR REPLACE"),
                    [
                        {
                            "subject": _key(p.subject),
                            "n": p.n,
                            "compartment": p.compartment,
                            "sealed": p.sealed,
                        }
                        for p in rows.parts
                    ],
                )
            if rows.wraps:
                connection.execute(
                    sa.insert(_wrap).prefix_with("OR REPLACE"),
                    [
                        {
                            "subject": _key(w.subject),
                            "recipient": bytes.fromhex(w.recipient),
                            "use": w.use,
                            "classes": ",".join(w.classes),
                            "message": w.message,
                            "origin": 0,
                            "epoch": 0,
                        }
                        for w in rows.wraps
                    ],
                )
            if rows.items:
                connection.execute(
                    sa.insert(_row),
                    [
                        {
                            "subject": _key(i.subject),
                            "batch": _key(i.batch),
                            "origin": 0,
                            "epoch": 0,
                            **i.wrapped,
                        }
                        for i in rows.items
                    ],
                )
            if rows.lookups:
                connection.execute(
                    sa.insert(_lookup).prefix_with("OR REPLACE"),
                    [{"case": _key(x.case), "tag": x.tag, "subject": _key(x.subject)} for x in rows.lookups],
                )
            machine.at_point("erasable rows inserted")

            if rows.prepared:
                connection.execute(
                    sa.insert(_meta).prefix_with("OR REPLACE"),
                    [{"name": _PREPARED + package, "value": b""} for package in rows.prepared],
                )

    # Packages: here, since a reminder that a crash could lose, or that anybody may delete, reminds of nothing

    def prepared(self) -> list[str]:
        """Ids of packages whose files were not seen to be written; one that the ledger has not is nothing."""
        query = sa.select(_meta.c.name).where(_meta.c.name.startswith(_PREPARED)).order_by(_meta.c.name)
        with self._begin() as connection:
            return [name.removeprefix(_PREPARED) for name in connection.execute(query).scalars()]

    def end_prepared(self, packages: Sequence[str], kept: bytes | None = None) -> None:
        """The files of these packages are written, or not wanted. ``kept``: see `kept`."""
        with self._begin() as connection:
            for package in packages:
                connection.execute(sa.delete(_meta).where(_meta.c.name == _PREPARED + package))
                if kept is not None:
                    connection.execute(
                        sa.insert(_meta).prefix_with("OR REPLACE"),
                        {"name": _PACKAGE + package, "value": kept},
                    )

    def kept(self, package: str) -> bytes | None:
        """What was kept of a written package, so that it can be written again; opens nothing."""
        with self._begin() as connection:
            found = connection.execute(
                sa.select(_meta.c.value).where(_meta.c.name == _PACKAGE + package)
            ).scalar()
        return None if found is None else bytes(found)

    @property
    def secret(self) -> bytes:
        """The locker secret, in clear: it hides boot times, it opens nothing."""
        with self._begin() as connection:
            found = connection.execute(sa.select(_meta.c.value).where(_meta.c.name == "secret")).scalar()
        if found is None:
            raise CheckFailed("the locker secret is missing", where=self.path.name)
        return bytes(found)

    @property
    def origin(self) -> str:
        """The origin of the locker's own ledger, as this store knows it."""
        with self._begin() as connection:
            found = connection.execute(sa.select(_origin.c.origin).where(_origin.c.number == 0)).scalar()
        if found is None:
            raise CheckFailed("the store does not know its ledger", where=self.path.name)
        return str(found)

    def part(self, subject: str, n: int, compartment: str) -> bytes | None:
        """The sealed bytes of a compartment, or None where they are gone."""
        query = sa.select(_part.c.sealed).where(
            _part.c.subject == _key(subject), _part.c.n == n, _part.c.compartment == compartment
        )
        with self._begin() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)

    def parts(self) -> Iterator[Part]:
        """All sealed parts."""
        with self._begin() as connection:
            for row in connection.execute(sa.select(_part), execution_options={"yield_per": 500}):
                yield Part(
                    subject=_id(row.subject), n=row.n, compartment=row.compartment, sealed=bytes(row.sealed)
                )

    def wraps(
        self, *, recipient: str | None = None, subject: str | None = None, use: str | None = None
    ) -> list[Wrap]:
        """Wraps, narrowed by recipient, subject and use."""
        query = sa.select(_wrap).order_by(_wrap.c.subject)
        if recipient is not None:
            query = query.where(_wrap.c.recipient == bytes.fromhex(recipient))
        if subject is not None:
            query = query.where(_wrap.c.subject == _key(subject))
        if use is not None:
            query = query.where(_wrap.c.use == use)
        with self._begin() as connection:
            return [
                Wrap(
                    subject=_id(row.subject),
                    recipient=bytes(row.recipient).hex(),
                    use=row.use,
                    classes=tuple(row.classes.split(",")),
                    message=bytes(row.message),
                )
                for row in connection.execute(query)
            ]

    def item_keys(self, subject: str) -> ItemKeys | None:
        """The wrapped class keys of an item, or None where they are gone."""
        with self._begin() as connection:
            row = connection.execute(sa.select(_row).where(_row.c.subject == _key(subject))).first()
        return None if row is None else _item_keys(row)

    def all_item_keys(self) -> Iterator[ItemKeys]:
        """The wrapped class keys of all items, in the order of their ids."""
        with self._begin() as connection:
            for row in connection.execute(
                sa.select(_row).order_by(_row.c.subject), execution_options={"yield_per": 500}
            ):
                yield _item_keys(row)

    def find(self, case: str, tags: Sequence[bytes]) -> dict[bytes, list[str]]:
        """Subjects by tag, for those of ``tags`` that are in the store."""
        found: dict[bytes, list[str]] = {}
        with self._begin() as connection:
            for start in range(0, len(tags), 500):
                query = sa.select(_lookup.c.tag, _lookup.c.subject).where(
                    _lookup.c.case == _key(case), _lookup.c.tag.in_(tags[start : start + 500])
                )
                for tag, subject in connection.execute(query):
                    found.setdefault(bytes(tag), []).append(_id(subject))
        return found

    def subjects_with_rows(self) -> set[str]:
        """Every subject that has a part or keys here, to be held against the ledger."""
        with self._begin() as connection:
            found = {_id(x) for x in connection.execute(sa.select(_part.c.subject).distinct()).scalars()}
            return found | {_id(x) for x in connection.execute(sa.select(_row.c.subject)).scalars()}

    def forget(self, subjects: Sequence[str]) -> int:
        """Delete every row of subjects that never came into the ledger, and batches that nothing is left of.

        Gives the number of subjects; what was deleted is wiped from the file and its write-ahead log.
        """
        if not subjects:
            return 0
        with self._begin() as connection:
            for subject in subjects:
                for table in (_part, _row, _wrap, _lookup):
                    connection.execute(sa.delete(table).where(table.c.subject == _key(subject)))
            used = sa.select(_row.c.batch)
            connection.execute(sa.delete(_wrap).where(_wrap.c.use == "batch", _wrap.c.subject.not_in(used)))
        raw = self._engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()
        return len(subjects)

    def settle(self) -> None:
        """Fold the write-ahead log into the file, so that the file alone is the state.

        The caller holds the locker's lock. Raises LockerBusy when a reader does not let go in time.
        """
        raw = self._engine.raw_connection()
        try:
            busy, _, _ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()
        if busy:
            raise LockerBusy(
                "somebody reads this file and does not let go",
                where=self.path.name,
                hint="run the command again later",
            )

    def strangers(self) -> list[str]:
        """Tables, views, indexes and triggers in the file that are not ours, or differ from ours."""
        with self._begin() as connection:
            found = _schema(connection)
        ours = _ours()
        problems = [
            f"{kind} that custody did not make: {name}" for kind, name in sorted(found.keys() - ours.keys())
        ]
        return problems + [
            f"{kind} missing or changed: {name}"
            for kind, name in sorted(ours)
            if found.get((kind, name)) != ours[kind, name]
        ]

    def integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when nothing."""
        with self._begin() as connection:
            rows = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
        return [] if rows == ["ok"] else rows


def _schema(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """What the file holds: SQL without spaces and quotes by (kind, name), since those are SQLAlchemy's to choose."""
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_schema")
    return {(kind, name): "".join((sql or "").split()).replace('"', "") for kind, name, sql in rows}


@functools.cache
def _ours() -> dict[tuple[str, str], str]:
    fresh = sa.create_engine("sqlite://")
    with fresh.begin() as connection:
        metadata.create_all(connection)
        return _schema(connection)


def _item_keys(row: Any) -> ItemKeys:
    wrapped = {name: bytes(getattr(row, name)) for name in ("object", "record", "identity", "note")}
    return ItemKeys(subject=_id(row.subject), batch=_id(row.batch), wrapped=wrapped)


def _engine(path: Path) -> sa.Engine:
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
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "secure_delete=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return made
