"""The erasable store: sealed parts, wrapped keys, look-ups. What the law may order gone lies here.

Its own SQLite file with ``secure_delete``, beside the ledger, which keeps only digests. Losing a row
here is losing evidence, so it commits before the ledger does; a row without an entry is an orphan of
a crash and opens nothing that is evidence.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from custody import machine
from custody.errors import CheckFailed, LockerBusy, MachineError
from custody.format.names import id_bytes
from custody.format.text import show
from custody.keys import erasable_tables as tables
from custody.stored import insert

FILE_NAME = "erasable.sqlite"

_CLASSES = ("object", "record", "identity", "note")
"""In the order of the table's columns."""

_EPOCH = 0

USES = ("keys", "batch", "log")
"""What a wrap holds: a subject's class keys, a batch's keys, the log keys."""

_PREPARED, _PACKAGE = "prepared/", "package/"
_REACHED, _CUT_SHORT = "reached", "cut short"


_ASKED = 125
"""Entries whose sealed parts one question asks for."""

# As text, which is put together once: with its values in it, SQLAlchemy would do that for each question, which
# took two thirds of a check.
_DIGESTS = sa.text(
    f"""WITH asked (subject, n) AS (VALUES {", ".join(f"(:s{place}, :n{place})" for place in range(_ASKED))})
    SELECT part.subject, part.n, part.compartment, part.sealed FROM asked
    JOIN part ON part.subject = asked.subject AND part.n = asked.n
    WHERE part.origin = (SELECT number FROM origin WHERE origin = :origin)"""  # noqa: S608 — our own numbers
).columns(*(tables.part.c[name] for name in ("subject", "n", "compartment", "sealed")))


def _id(data: bytes) -> str:
    if len(data) != 16:
        raise CheckFailed("an id of another length", found=f"{len(data)} bytes")
    text = data.hex()  # as `uuid` would write it, in a quarter of its time
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A sealed compartment of entry ``n`` about a subject, in the volume of ``origin``, which counts from 0."""

    origin: str
    subject: str
    n: int
    compartment: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrap:
    """One HPKE message with keys of ``subject`` (a subject or a batch) for one custodian, made under ``origin``."""

    origin: str
    subject: str
    recipient: str
    use: str
    classes: tuple[str, ...]
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKeys:
    """An item's class keys, each wrapped under the batch key of its class (60 bytes each), under ``origin``."""

    origin: str
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
    span: tuple[int, int] | None = None
    """The ledger's size before this write and after it: how a write that broke off here is seen later."""


class ErasableStore:
    """The erasable store of one locker."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = tables.open_engine(path)
        self._log_stuck_at = 0

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
            connection.exec_driver_sql(f"PRAGMA application_id={tables.APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={tables.SCHEMA_VERSION}")
            tables.metadata.create_all(connection)
            connection.execute(sa.insert(tables.meta), [{"name": "secret", "value": secret}])
            connection.execute(sa.insert(tables.origin), [{"number": 0, "origin": origin}])
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
            text = show(str(error.orig))
            if "malformed" in text or "not a database" in text:
                raise CheckFailed(f"the erasable store is damaged: {text}", where=self.path.name) from error
            hint = "free some space, then run the command again" if "full" in text else None
            raise MachineError(
                f"the erasable store can't be used: {text}", where=self.path.name, hint=hint
            ) from error

    def add(self, rows: Rows) -> None:
        """Commit rows; durable on return. A row that a crash left behind is replaced."""
        with self._begin() as connection:
            number = {origin: at for at, origin in _origins(connection).items()}
            insert(
                connection,
                tables.part,
                [(id_bytes(p.subject), number[p.origin], p.n, p.compartment, p.sealed) for p in rows.parts],
                replace=True,
            )
            insert(
                connection,
                tables.wrap,
                [
                    (
                        id_bytes(w.subject),
                        bytes.fromhex(w.recipient),
                        w.use,
                        ",".join(w.classes),
                        w.message,
                        number[w.origin],
                        _EPOCH,
                    )
                    for w in rows.wraps
                ],
                replace=True,
            )
            insert(
                connection,
                tables.row,
                [
                    (
                        id_bytes(i.subject),
                        id_bytes(i.batch),
                        *(i.wrapped[name] for name in _CLASSES),
                        number[i.origin],
                        _EPOCH,
                    )
                    for i in rows.items
                ],
            )
            insert(
                connection,
                tables.lookup,
                [(id_bytes(x.case), x.tag, id_bytes(x.subject)) for x in rows.lookups],
                replace=True,
            )
            if rows.prepared:
                connection.execute(
                    sa.insert(tables.meta).prefix_with("OR REPLACE"),
                    [{"name": _PREPARED + package, "value": b""} for package in rows.prepared],
                )
            if rows.span is not None:
                begun, reached = rows.span
                marks = [{"name": _REACHED, "value": reached.to_bytes(8, "big")}]
                # The write before this one never came into the ledger: its rows wait to be swept.
                marks += [{"name": _CUT_SHORT, "value": b""}] * (self._reached(connection) > begun)
                connection.execute(sa.insert(tables.meta).prefix_with("OR REPLACE"), marks)
            machine.at_point("erasable rows inserted")
        raw = self._engine.raw_connection()
        try:
            self._log_stuck_at = machine.fold_log(raw.driver_connection, self.path, self._log_stuck_at)
        finally:
            raw.close()

    @staticmethod
    def _reached(connection: sa.Connection) -> int:
        found = connection.execute(
            sa.select(tables.meta.c.value).where(tables.meta.c.name == _REACHED)
        ).scalar()
        return 0 if found is None else int.from_bytes(found, "big")

    def cut_short(self, size: int) -> bool:
        """True when a write committed here never came into the ledger, whose size is ``size``."""
        mark = sa.select(tables.meta.c.name).where(tables.meta.c.name == _CUT_SHORT)
        with self._begin() as connection:
            return self._reached(connection) > size or connection.execute(mark).scalar() is not None

    # Packages: here, since a reminder that a crash could lose, or that anybody may delete, reminds of nothing

    def prepared(self) -> list[str]:
        """Ids of packages whose files were not seen to be written; one that the ledger has not is nothing."""
        query = (
            sa.select(tables.meta.c.name)
            .where(tables.meta.c.name.startswith(_PREPARED))
            .order_by(tables.meta.c.name)
        )
        with self._begin() as connection:
            return [name.removeprefix(_PREPARED) for name in connection.execute(query).scalars()]

    def end_prepared(self, packages: Sequence[str], kept: bytes | None = None) -> None:
        """The files of these packages are written, or not wanted. ``kept``: see `kept`."""
        with self._begin() as connection:
            for package in packages:
                connection.execute(sa.delete(tables.meta).where(tables.meta.c.name == _PREPARED + package))
                if kept is not None:
                    connection.execute(
                        sa.insert(tables.meta).prefix_with("OR REPLACE"),
                        {"name": _PACKAGE + package, "value": kept},
                    )

    def kept(self, package: str) -> bytes | None:
        """What was kept of a written package, so that it can be written again; opens nothing."""
        with self._begin() as connection:
            found = connection.execute(
                sa.select(tables.meta.c.value).where(tables.meta.c.name == _PACKAGE + package)
            ).scalar()
        return None if found is None else bytes(found)

    @property
    def secret(self) -> bytes:
        """The locker secret, in clear: it hides boot times, it opens nothing."""
        with self._begin() as connection:
            found = connection.execute(
                sa.select(tables.meta.c.value).where(tables.meta.c.name == "secret")
            ).scalar()
        if found is None:
            raise CheckFailed("the locker secret is missing", where=self.path.name)
        return bytes(found)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the locker's volumes, in their order; CheckFailed where one is missing."""
        with self._begin() as connection:
            found = _origins(connection)
        if not found or list(found) != list(range(len(found))):
            raise CheckFailed("the store does not know its ledger", where=self.path.name)
        return tuple(found.values())

    @property
    def origin(self) -> str:
        """The origin of the locker's newest volume, as this store knows it."""
        return self.origins[-1]

    def add_origin(self, origin: str) -> None:
        """The locker goes on in a volume of this origin; rows of the others keep theirs."""
        with self._begin() as connection:
            number = len(_origins(connection))
            connection.execute(sa.insert(tables.origin), [{"number": number, "origin": origin}])
            # How far the record had come is counted anew.
            connection.execute(sa.delete(tables.meta).where(tables.meta.c.name.in_((_REACHED, _CUT_SHORT))))

    def part(self, origin: str, subject: str, n: int, compartment: str) -> bytes | None:
        """The sealed bytes of a compartment of the volume of ``origin``, or None where they are gone."""
        known = sa.select(tables.origin.c.number).where(tables.origin.c.origin == origin).scalar_subquery()
        query = sa.select(tables.part.c.sealed).where(
            tables.part.c.subject == id_bytes(subject),
            tables.part.c.origin == known,
            tables.part.c.n == n,
            tables.part.c.compartment == compartment,
        )
        with self._begin() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)

    def part_digests(self, origin: str, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int, str], str]:
        """SHA-256 in hex of all sealed parts of some (subject, n), by subject, n and compartment.

        One question for some hundred entries: one for each part took check most of its time.
        """
        found: list[Any] = []
        if wanted:
            # Asked for in steps of one size, the last pair repeated, so that the question is put together once.
            pairs = list(wanted) + [wanted[-1]] * (-len(wanted) % _ASKED)
            with self._begin() as connection:
                for start in range(0, len(pairs), _ASKED):
                    values: dict[str, Any] = {"origin": origin}
                    for place, (subject, n) in enumerate(pairs[start : start + _ASKED]):
                        values[f"s{place}"], values[f"n{place}"] = id_bytes(subject), n
                    found += connection.execute(_DIGESTS, values).all()
        return {
            (_id(subject), n, compartment): hashlib.sha256(sealed).hexdigest()
            for subject, n, compartment, sealed in found
        }

    def parts(self) -> Iterator[Part]:
        """All sealed parts."""
        with self._begin() as connection:
            origins = _origins(connection)
        for row in self._all(tables.part):
            yield Part(
                origin=_named(origins, row.origin),
                subject=_id(row.subject),
                n=row.n,
                compartment=row.compartment,
                sealed=bytes(row.sealed),
            )

    def _all(self, table: sa.Table) -> Iterator[Any]:
        """All rows in the order of their key, 500 read at once: an open read would hold the log back."""
        key = tuple(table.primary_key)
        last: tuple[object, ...] = ()
        while True:
            query = sa.select(table).order_by(*key).limit(500)
            if last:
                query = query.where(sa.tuple_(*key) > last)
            with self._begin() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield from rows
            last = tuple(getattr(rows[-1], column.name) for column in key)

    def wraps(
        self, *, recipient: str | None = None, subject: str | None = None, use: str | None = None
    ) -> list[Wrap]:
        """Wraps, narrowed by recipient, subject and use."""
        query = sa.select(tables.wrap).order_by(tables.wrap.c.subject)
        if recipient is not None:
            query = query.where(tables.wrap.c.recipient == bytes.fromhex(recipient))
        if subject is not None:
            query = query.where(tables.wrap.c.subject == id_bytes(subject))
        if use is not None:
            query = query.where(tables.wrap.c.use == use)
        with self._begin() as connection:
            origins = _origins(connection)
            return [
                Wrap(
                    origin=_named(origins, row.origin),
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
            origins = _origins(connection)
            row = connection.execute(
                sa.select(tables.row).where(tables.row.c.subject == id_bytes(subject))
            ).first()
        return None if row is None else _item_keys(row, origins)

    def all_item_keys(self) -> Iterator[ItemKeys]:
        """The wrapped class keys of all items, in the order of their ids."""
        with self._begin() as connection:
            origins = _origins(connection)
        for row in self._all(tables.row):
            yield _item_keys(row, origins)

    def find(self, case: str, tags: Sequence[bytes]) -> dict[bytes, list[str]]:
        """Subjects by tag, for those of ``tags`` that are in the store."""
        found: dict[bytes, list[str]] = {}
        with self._begin() as connection:
            for start in range(0, len(tags), 500):
                query = sa.select(tables.lookup.c.tag, tables.lookup.c.subject).where(
                    tables.lookup.c.case == id_bytes(case), tables.lookup.c.tag.in_(tags[start : start + 500])
                )
                for tag, subject in connection.execute(query):
                    found.setdefault(bytes(tag), []).append(_id(subject))
        return found

    def subjects_with_rows(self) -> set[str]:
        """Every subject that has a part or keys here, to be held against the ledger of the newest volume.

        Not those that an earlier volume knows: whatever broke off since, its rows are evidence.
        """
        with self._begin() as connection:
            newest = max(_origins(connection), default=0)
            part, row = tables.part.c, tables.row.c
            parts = sa.select(part.subject).group_by(part.subject).having(sa.func.min(part.origin) >= newest)
            older = {
                _id(x)
                for x in connection.execute(sa.select(row.subject).where(row.origin < newest)).scalars()
            }
            keys = sa.select(row.subject).where(row.origin >= newest)
            found = {_id(x) for query in (parts, keys) for x in connection.execute(query).scalars()}
            return found - older

    def left_of(self, subjects: Sequence[str]) -> set[str]:
        """Those of ``subjects`` of which any row is here: a part, keys, or a look-up."""
        found: set[str] = set()
        with self._begin() as connection:
            for start in range(0, len(subjects), 500):
                keys = [id_bytes(subject) for subject in subjects[start : start + 500]]
                for table in (tables.part, tables.row, tables.wrap, tables.lookup):
                    query = sa.select(table.c.subject).where(table.c.subject.in_(keys)).distinct()
                    found |= {_id(subject) for subject in connection.execute(query).scalars()}
        return found

    def forget(self, subjects: Sequence[str]) -> int:
        """Delete every row of subjects that never came into the ledger, and batches that nothing is left of.

        Gives the number of subjects; what was deleted is wiped from the file and its write-ahead log. After
        it nothing counts as cut short.
        """
        with self._begin() as connection:
            connection.execute(sa.delete(tables.meta).where(tables.meta.c.name.in_((_REACHED, _CUT_SHORT))))
            for subject in subjects:
                for table in (tables.part, tables.row, tables.wrap, tables.lookup):
                    connection.execute(sa.delete(table).where(table.c.subject == id_bytes(subject)))
            used = sa.select(tables.row.c.batch)
            connection.execute(
                sa.delete(tables.wrap).where(tables.wrap.c.use == "batch", tables.wrap.c.subject.not_in(used))
            )
        raw = self._engine.raw_connection()
        try:
            with contextlib.suppress(LockerBusy):  # a later checkpoint empties it, when nobody reads
                machine.empty_log(raw.driver_connection, self.path)
        finally:
            raw.close()
        return len(subjects)

    def settle(self) -> None:
        """Fold the write-ahead log into the file, so that the file alone is the state.

        The caller holds the locker's lock. Raises LockerBusy when a reader does not let go in time.
        """
        raw = self._engine.raw_connection()
        try:
            machine.empty_log(raw.driver_connection, self.path)
        finally:
            raw.close()

    def count_parts(self) -> int:
        """How many sealed parts there are."""
        with self._begin() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(tables.part)).scalar_one())

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
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    return {(kind, name): of + "".join((sql or "").split()).replace('"', "") for kind, name, of, sql in rows}


@functools.cache
def _ours() -> dict[tuple[str, str], str]:
    fresh = sa.create_engine("sqlite://")
    with fresh.begin() as connection:
        tables.metadata.create_all(connection)
        return _schema(connection)


def _origins(connection: sa.Connection) -> dict[int, str]:
    table = tables.origin
    rows = connection.execute(sa.select(table.c.number, table.c.origin).order_by(table.c.number)).all()
    return {row.number: row.origin for row in rows}


def _named(origins: dict[int, str], number: int) -> str:
    if number not in origins:
        raise CheckFailed("a row of a volume that the erasable store does not know", found=f"number {number}")
    return origins[number]


def _item_keys(row: Any, origins: dict[int, str]) -> ItemKeys:
    wrapped = {name: bytes(getattr(row, name)) for name in _CLASSES}
    return ItemKeys(
        origin=_named(origins, row.origin), subject=_id(row.subject), batch=_id(row.batch), wrapped=wrapped
    )
