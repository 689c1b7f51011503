"""The append-only ledger: read entries, prove them, append under the write lock.

Write order (held by the caller, `custody.procedure.locker`): vault objects are durable, then the
erasable store commits, then the ledger commits. What is committed here is evidence.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from custody import machine
from custody.crypto import envelopes, keys, notes
from custody.errors import CheckFailed, FormatError, MachineError, NoRight
from custody.format import entry as entries
from custody.format import kinds, merkle, note
from custody.format.envelope import ENTRY_TYPE
from custody.format.names import id_bytes
from custody.format.text import show
from custody.ledger import sqlite, tables
from custody.stored import insert, select
from custody.verify.rights import Rights

FILE_NAME = "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it stands in the ledger. ``base`` entries stand in the volumes before it."""

    seq: int
    envelope: bytes
    base: int = 0

    @property
    def position(self) -> int:
        """Its number over all volumes."""
        return self.base + self.seq

    @property
    def leaf(self) -> bytes:
        """Its leaf hash."""
        return merkle.leaf_hash(self.envelope)

    def read(self) -> entries.Entry:
        """Its body. CheckFailed when the stored bytes are no entry: they were once, so they were changed."""
        try:
            return entries.read(self.envelope, where=f"entry {self.position}")[0]
        except entries.NewerVersion:
            raise
        except FormatError as error:
            raise CheckFailed(
                f"the stored entry was damaged or changed: {error.what}",
                where=error.where,
                expected=error.expected,
                found=error.found,
                hint="change nothing in the locker, make a copy of it, and run custody check",
            ) from error


@dataclass(frozen=True, slots=True)
class Row(Stored):
    """An entry with what the columns beside it say: its subject's 16 bytes, and the number there."""

    subject: bytes = b""
    n: int = -1


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry about a subject."""

    n: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Last:
    """The last entry about a subject in an earlier volume, of which ``origin`` is the origin."""

    origin: str
    n: int
    leaf: bytes


class Earlier(Protocol):
    """What an append asks of the volumes before it."""

    def last(self, subject: str) -> Last | None:
        """The last entry about a subject there."""

    def first(self, subject: str) -> Stored | None:
        """The first entry about a subject there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry before it has its place: what `Append.add` completes and signs."""

    kind: str
    subject_type: str
    subject: str
    case: str | None = None
    group: str | None = None
    public: Mapping[str, Any]
    sealed: Mapping[str, str]
    """SHA-256 (hex) of the sealed bytes by compartment; they were sealed for number ``n``."""
    n: int
    approvals: tuple[Mapping[str, Any], ...] = ()
    fresh: bool = False
    """The subject's id was just drawn: no history is looked for. The table's unique key holds it all the same."""


class Ledger:
    """One ledger file. Readers may be many; `append` takes the file's write lock.

    A ``closed`` one is only read, and its file can't be changed by it. ``base`` counts the entries of
    the volumes before this one; ``limit`` is the size that a successor names, None for the newest.
    """

    def __init__(self, path: Path, *, closed: bool = False) -> None:
        self.path = path
        self.base = 0
        self.limit: int | None = None
        self._readers = sqlite.closed_engine(path) if closed else sqlite.engine(path, write=False)
        self._writers = None if closed else sqlite.engine(path, write=True)
        self._log_stuck_at = 0

    @classmethod
    def create(cls, path: Path) -> Ledger:
        """Make an empty ledger; its first entry must be the genesis. Raises FileExistsError."""
        sqlite.create(path)
        return cls(path)

    def close(self) -> None:
        """Let go of all connections."""
        self._readers.dispose()
        if self._writers is not None:
            self._writers.dispose()

    # Reading

    @contextlib.contextmanager
    def reading(self) -> Iterator[View]:
        """The ledger as it stands now, for as long as it is needed: what is appended later is not seen."""
        try:
            with self._readers.begin() as connection:
                yield View(connection, self.base, self.limit)
        except sa.exc.DBAPIError as error:
            raise _machine_error(error, self.path) from error

    @contextlib.contextmanager
    def append(
        self, *, rights: Rights, clock: Callable[[], entries.Time], earlier: Earlier | None = None
    ) -> Iterator[Append]:
        """A transaction that appends; committed at the end, nothing of it kept after an exception.

        ``rights`` is brought up to date with what others appended meanwhile, and with what is
        appended here; after an exception it must be thrown away. ``earlier`` are the volumes before.
        """
        if self._writers is None:
            raise CheckFailed("a closed volume is never written", where=self.path.name)
        try:
            with self._writers.begin() as connection:
                work = Append(connection, rights, clock, self.base, earlier)
                yield work
                work.flush()
            self._log_stuck_at = sqlite.fold_log(self._writers, self.path, self._log_stuck_at)
        except sa.exc.DBAPIError as error:
            raise _machine_error(error, self.path) from error

    def settle(self) -> None:
        """Fold the write-ahead log into the file, so that the file alone is the state.

        The caller holds the locker's lock. Raises LockerBusy when a reader does not let go in time.
        """
        sqlite.settle(self._readers, self.path)

    def strangers(self) -> list[str]:
        """What stands in the file beside our tables and guards, differs from them, or is gone. No row is read."""
        with self.reading() as view:
            problems = [
                f"guard missing or changed: {name}" for name in sqlite.missing_guards(view.connection)
            ]
            return problems + sqlite.strangers(view.connection)

    def file_checks(self) -> list[str]:
        """What is wrong with the file as a database: SQLite's own check and our guards."""
        with self.reading() as view:
            problems = [f"SQLite: {line}" for line in sqlite.integrity(view.connection)]
        return problems + self.strangers()


def _machine_error(error: sa.exc.DBAPIError, path: Path) -> Exception:
    text = show(str(error.orig))
    if "ledger:" in text or "malformed" in text or "not a database" in text or "no such" in text:
        return CheckFailed(f"the ledger file refused: {text}", where=path.name)
    hint = "free some space, then run the command again: nothing was lost" if "full" in text else None
    return MachineError(f"the ledger can't be used: {text}", where=path.name, hint=hint)


_ROWS = 500
"""So many rows are read at a time."""

_NODE = sa.select(tables.node.c.hash).where(
    tables.node.c.level == sa.bindparam("level"), tables.node.c.position == sa.bindparam("position")
)
"""Made once: to put it together took longer than to ask it, and a proof asks it twenty times."""

_LAST = sa.select(sa.func.max(tables.entry.c.seq))

_SMALL_ROWS = 5000
"""The same, of rows that are 50 bytes."""

_ENTRIES = (
    sa.select(tables.entry.c.seq, tables.entry.c.envelope, tables.entry.c.subject, tables.entry.c.n)
    .where(tables.entry.c.seq >= sa.bindparam("start"), tables.entry.c.seq < sa.bindparam("size"))
    .order_by(tables.entry.c.seq)
    .limit(sa.bindparam("most"))
)
_NODES = (
    sa.select(tables.node.c.level, tables.node.c.position, tables.node.c.hash)
    .where(
        sa.tuple_(tables.node.c.level, tables.node.c.position)
        > sa.tuple_(sa.bindparam("level"), sa.bindparam("position"))
    )
    .order_by(tables.node.c.level, tables.node.c.position)
    .limit(sa.bindparam("most"))
)


class View:
    """The first ``size`` entries. They never change, so every question is a short read of its own.

    An open snapshot would keep the write-ahead log from being emptied: beside a reader that took its time
    (or was put to sleep with Ctrl-Z) it grew to 81 MiB in seconds, measured.
    """

    def __init__(self, connection: sa.Connection, base: int = 0, limit: int | None = None) -> None:
        self.connection = connection
        self.base = base
        self._limit = limit
        self._size = self._size_now() if limit is None else min(limit, self._size_now())

    def again(self) -> View:
        """The ledger as it stands now."""
        return View(self.connection, self.base, self._limit)

    def _size_now(self) -> int:
        ((last,),) = select(self.connection, _LAST)
        return 0 if last is None else int(last) + 1

    def _of_later(self, size: int) -> bool:
        """True for what belongs to a size that was reached since. What no size accounts for is not hidden."""
        return size > self.size and size <= self._size_now()

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._size

    def node(self, level: int, position: int) -> bytes:
        """A stored hash of the tree; CheckFailed where there is none."""
        found = select(self.connection, _NODE, level=level, position=position)
        if not found or found[0][0] is None:
            raise CheckFailed("a node of the tree is missing", where=f"node {level}/{position}")
        return bytes(found[0][0])

    def root(self, size: int | None = None) -> bytes:
        """The root of the first ``size`` entries."""
        return merkle.root(self.size if size is None else size, self.node)

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The inclusion path of an entry in the tree of ``size``."""
        return merkle.inclusion(seq, size, self.node)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof that the tree only grew from ``first`` to ``second``."""
        return merkle.consistency(first, second, self.node)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Stored]:
        """Entries in order, from ``start`` up to and without ``stop``."""
        table = tables.entry
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            query = (
                sa.select(table.c.seq, table.c.envelope)
                .where(table.c.seq >= start, table.c.seq < stop)
                .order_by(table.c.seq)
                .limit(_ROWS)
            )
            rows = self.connection.execute(query).all()
            for seq, stored in rows:
                yield Stored(seq, bytes(stored), self.base)
            if not rows:
                return
            start = rows[-1].seq + 1

    def entries_and_leaves(self, start: int) -> Iterator[tuple[Stored, bytes | None]]:
        """Entries in order from ``start`` on, each with the leaf hash that the tree's table has."""
        entry, node = tables.entry, tables.node
        leaf = sa.and_(node.c.level == 0, node.c.position == entry.c.seq)
        query = sa.select(entry.c.seq, entry.c.envelope, node.c.hash).outerjoin_from(entry, node, leaf)
        query = query.where(entry.c.seq < self.size).order_by(entry.c.seq).limit(_ROWS)
        while rows := self.connection.execute(query.where(entry.c.seq >= start)).all():
            for seq, stored, digest in rows:
                yield Stored(seq, bytes(stored), self.base), None if digest is None else bytes(digest)
            start = rows[-1].seq + 1

    def entry(self, seq: int) -> Stored:
        """One entry; CheckFailed where there is none."""
        for stored in self.entries(seq, seq + 1):
            return stored
        raise CheckFailed("an entry is missing", where=f"entry {seq}")

    def history(self, subject: str, start: int = 0, stop: int | None = None) -> list[Stored]:
        """All entries about a subject from number ``start`` up to and without ``stop``, in order."""
        table = tables.entry
        query = (
            sa.select(table.c.seq, table.c.envelope)
            .where(table.c.subject == id_bytes(subject), table.c.n >= start, table.c.seq < self.size)
            .order_by(table.c.n)
        )
        if stop is not None:
            query = query.where(table.c.n < stop)
        return [Stored(seq, bytes(stored), self.base) for seq, stored in self.connection.execute(query)]

    def check_count(self) -> None:
        """Raise CheckFailed when rows of entries are gone. Counts the small index, not the entries."""
        table = tables.entry
        # Both in one statement: a neighbour may append between two.
        count, last = self.connection.execute(sa.select(sa.func.count(), sa.func.max(table.c.seq))).one()
        size = 0 if last is None else last + 1
        if count != size or size < self.size:
            numbers = self.connection.execute(sa.select(table.c.seq).order_by(table.c.seq)).scalars()
            first = next((n for n, seq in enumerate(numbers) if n != seq), count)
            raise CheckFailed(
                "entries are missing from the ledger file",
                where=f"entry {first}",
                expected=f"{max(size, self.size)} entries",
                found=str(count),
            )

    def whole_history(self, subject: str) -> list[Stored]:
        """All entries about a subject, once it is sure that none is missing among them, and each is the tree's."""
        found = self.history(subject)
        previous: bytes | None = None
        for n, stored in enumerate(found):
            where = f"entry {stored.position}"
            if self.node(0, stored.seq) != stored.leaf:
                raise CheckFailed("an entry is not the one that the tree has", where=where)
            try:
                entry = stored.read()
            except entries.NewerVersion:
                previous = stored.leaf
                continue
            body = entry.subject
            if entry.seq != stored.seq:
                raise CheckFailed("an entry of another place", where=where, found=f"entry {entry.seq}")
            if (body.id, body.n, body.prev) != (subject, n, None if previous is None else previous.hex()):
                raise CheckFailed("the history of its subject has a gap", where=where, expected=f"number {n}")
            previous = stored.leaf
        return found

    def head(self, subject: str) -> Head | None:
        """The last entry about a subject, or None where there is none."""
        table = tables.entry
        query = (
            sa.select(table.c.seq, table.c.n)
            .where(table.c.subject == id_bytes(subject), table.c.seq < self.size)
            .order_by(table.c.n.desc())
            .limit(1)
        )
        row = self.connection.execute(query).first()
        return None if row is None else Head(row.n, self.node(0, row.seq))

    def rows(self) -> Iterator[Row]:
        """All entries in order, with what the columns beside them say, for `check` to compare with the bodies."""
        start, base = 0, self.base
        while rows := select(self.connection, _ENTRIES, start=start, size=self.size, most=_ROWS):
            for seq, stored, subject, n in rows:
                yield Row(seq, stored, base, subject, n)
            start = rows[-1][0] + 1

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        """All stored hashes of the tree of this size."""
        level, position, size = -1, -1, self.size
        grown = size
        while rows := select(self.connection, _NODES, level=level, position=position, most=_SMALL_ROWS):
            for level, position, digest in rows:
                end = (position + 1) << min(level, 64)
                if end > size:
                    grown = self._size_now() if end > grown else grown
                    if end <= grown:
                        continue  # of an entry that came since
                yield level, position, digest

    def notes(self) -> dict[int, bytes]:
        """All log notes by size."""
        table = tables.note
        rows = self.connection.execute(sa.select(table.c.size, table.c.note).order_by(table.c.size)).all()
        return {size: bytes(stored) for size, stored in rows if not self._of_later(size)}

    def newest_note(self) -> tuple[int, bytes] | None:
        """The newest log note and its size."""
        table = tables.note
        sizes = self.connection.execute(sa.select(table.c.size).order_by(table.c.size.desc())).scalars()
        for size in sizes:
            if not self._of_later(size):
                sizes.close()
                return size, self.note_at(size)
        return None

    def note_at(self, size: int) -> bytes:
        """The log note of a size; CheckFailed where there is none."""
        table = tables.note
        found = self.connection.execute(sa.select(table.c.note).where(table.c.size == size)).scalar()
        if found is None:
            raise CheckFailed("a log note is missing", where=f"note {size}")
        return bytes(found)

    def count_witnesses(self) -> int:
        """How many witness files are kept."""
        return int(
            self.connection.execute(sa.select(sa.func.count()).select_from(tables.witness)).scalar_one()
        )

    def tokens(self) -> list[tuple[int, bytes]]:
        """All tokens with the size of the note that they cover."""
        table = tables.token
        query = sa.select(table.c.size, table.c.tsr).order_by(table.c.size, table.c.sha256)
        rows = self.connection.execute(query).all()
        return [(size, bytes(tsr)) for size, tsr in rows if not self._of_later(size)]

    def misnamed_tokens(self) -> list[int]:
        """Sizes of the notes whose token does not have the digest that it is kept under."""
        rows = self.connection.execute(sa.select(tables.token)).all()
        return [row.size for row in rows if hashlib.sha256(row.tsr).digest() != bytes(row.sha256)]

    def issued(self) -> list[int]:
        """Sizes of the checkpoints that left the locker."""
        return list(
            self.connection.execute(sa.select(tables.issued.c.size).order_by(tables.issued.c.size)).scalars()
        )

    def root_certificates(self) -> dict[str, bytes]:
        """Root certificates (DER) of the authorities in the policy, by hex SHA-256."""
        found = {}
        for row in self.connection.execute(sa.select(tables.root_certificate)):
            digest = hashlib.sha256(row.der).hexdigest()
            if digest != bytes(row.sha256).hex():
                raise CheckFailed(
                    "a root certificate is not the one that was named", where=f"root {digest[:16]}"
                )
            found[digest] = bytes(row.der)
        return found


class Append(View):
    """An open append: entries get their place, are checked against the table and the rights, and signed."""

    def __init__(
        self,
        connection: sa.Connection,
        rights: Rights,
        clock: Callable[[], entries.Time],
        base: int = 0,
        earlier: Earlier | None = None,
    ) -> None:
        super().__init__(connection, base)
        self.rights = rights
        self._clock = clock
        self._earlier = earlier
        self._last: dict[str, Last] = {}
        self._size = super().size
        self._peaks = [super(Append, self).node(*place) for place in merkle.peaks(self._size)]
        self._heads: dict[str, Head] = {}
        self.made: list[entries.Entry] = []
        """The entries of this append, in their order."""
        self.moved: dict[str, Head] = {}
        """Heads of the ledger's and the cases' histories that this append moved."""
        self._subjects: dict[str, tuple[str, str | None]] = {}
        self._entry_rows: list[tuple[int, bytes, int, bytes]] = []
        self._node_rows: list[tuple[int, int, bytes]] = []
        self._fresh: dict[merkle.Node, bytes] = {}

    @property
    def size(self) -> int:
        """The number of entries, those of this append included."""
        return self._size

    def node(self, level: int, position: int) -> bytes:
        """As `View.node`, those of this append included."""
        return self._fresh.get((level, position)) or super().node(level, position)

    def head(self, subject: str) -> Head | None:
        """As `View.head`, entries of this append included."""
        return self._heads.get(subject) or super().head(subject)

    def know(self, heads: Mapping[str, Head]) -> None:
        """Take these heads for true, whatever the file's columns say: who keeps them read the entries."""
        self._heads |= heads

    def know_earlier(self, last: Mapping[str, Last]) -> None:
        """The same for the ends of histories in the volumes before."""
        self._last |= last

    def last_before(self, subject: str) -> Last | None:
        """The last entry about a subject in the volumes before this one."""
        known = self._last.get(subject)
        if known is None and self._earlier is not None:
            known = self._earlier.last(subject)
        return known

    def next_n(self, subject: str) -> int:
        """The number that the next entry about a subject will have."""
        head = self.head(subject)
        return 0 if head is None else head.n + 1

    def add(self, draft: Draft, sign_key: keys.SignKey, origin: str) -> Stored:
        """Give the draft its place, check it, sign it. Refused entries leave the transaction unusable."""
        where = f"entry {self.base + self._size} ({draft.kind})"
        if not kinds.known(draft.kind):
            raise CheckFailed("a kind of entry that this version does not make", where=where)
        head = None if draft.fresh else self.head(draft.subject)
        expected = 0 if head is None else head.n + 1
        if draft.n != expected:
            # Somebody else appended about this subject between sealing and the lock.
            raise CheckFailed(
                "the history moved", where=where, expected=f"number {expected}", found=f"{draft.n}"
            )
        public = draft.public
        if head is None and not draft.fresh and draft.subject_type != "ledger":
            last = self.last_before(draft.subject)
            if last is not None:
                public = {**public, "from": {"ledger": last.origin, "n": last.n, "leaf": last.leaf.hex()}}
        entry = entries.Entry(
            ledger=origin,
            seq=self._size,
            root=merkle.fold_peaks(self._peaks).hex(),
            kind=draft.kind,
            actor=sign_key.key_id,
            subject=entries.Subject(
                type=draft.subject_type,
                id=draft.subject,
                n=draft.n,
                prev=None if head is None else head.leaf.hex(),
            ),
            case=draft.case,
            group=draft.group,
            time=self._clock(),
            public=public,
            sealed=draft.sealed,
            approvals=draft.approvals,
        )
        entry.check_general(where=where)
        entry.check_kind(where=where)
        self._check_same_subject(entry, where)
        reason = self.rights.why_not(entry)
        if reason is None and self.rights.custodians and not self.rights.custodians[entry.actor].in_force:
            reason = "the key is reported as compromised"
        if reason is not None:
            raise NoRight(
                f"not allowed: {reason}",
                where=draft.kind,
                hint="custody custodian list shows who may do what",
            )
        envelope = envelopes.sign(ENTRY_TYPE, entry.to_bytes(), sign_key).to_bytes()
        stored = Stored(self._size, envelope, self.base)
        self._place(entry, stored)
        self.made.append(entry)
        self.rights.apply(entry)
        return stored

    def _check_same_subject(self, entry: entries.Entry, where: str) -> None:
        """A subject's type and case are those of its first entry, for ever."""
        known = self._subjects.get(entry.subject.id)
        stored: Stored | None = None
        if known is None and self._earlier is not None and (entry.subject.n or "from" in entry.public):
            stored = self._earlier.first(entry.subject.id)
        if known is None and stored is None and entry.subject.n:
            self.flush()
            stored = self.history(entry.subject.id, stop=1)[0]
        if stored is not None:
            first = stored.read()
            known = (first.subject.type, first.case)
        if known is None:
            known = (entry.subject.type, entry.case)
        if (entry.subject.type, entry.case) != known:
            raise CheckFailed("another type or case than this subject has", where=where)
        self._subjects[entry.subject.id] = known

    def _place(self, entry: entries.Entry, stored: Stored) -> None:
        leaf = stored.leaf
        self._entry_rows.append((stored.seq, id_bytes(entry.subject.id), entry.subject.n, stored.envelope))
        for level, position, digest in merkle.new_nodes(self._size, leaf, self.node):
            self._node_rows.append((level, position, digest))
            self._fresh[level, position] = digest
        merkle.push(self._peaks, self._size, leaf)
        head = self._heads[entry.subject.id] = Head(entry.subject.n, leaf)
        if entry.subject.type in ("ledger", "case"):
            self.moved[entry.subject.id] = head
        self._size += 1

    def flush(self) -> None:
        """Write the rows gathered so far into the transaction."""
        if self._entry_rows:
            insert(self.connection, tables.entry, self._entry_rows)
            insert(self.connection, tables.node, self._node_rows)
            self._entry_rows, self._node_rows = [], []
            machine.at_point("entries inserted")

    def add_note(self, log_keys: keys.LogKeys, origin: str) -> note.LogNote:
        """Sign and store the log note of the tree as it stands; a note of this size that exists is given back."""
        self.flush()
        newest = self.newest_note()
        if newest is not None and newest[0] == self._size:
            return note.LogNote.from_bytes(newest[1], where=f"note {self._size}")
        checkpoint = note.Checkpoint(origin=origin, size=self._size, root=merkle.fold_peaks(self._peaks))
        made = notes.sign(checkpoint, log_keys)
        self.connection.execute(sa.insert(tables.note), {"size": self._size, "note": made.to_bytes()})
        machine.at_point("note stored")
        return made

    def add_token(self, size: int, sha256: bytes, tsr: bytes) -> None:
        """Keep a token over the note of ``size``."""
        self.flush()
        self.connection.execute(sa.insert(tables.token), {"size": size, "sha256": sha256, "tsr": tsr})
        machine.at_point("token stored")

    def add_issued(self, size: int) -> None:
        """Remember that the checkpoint of ``size`` leaves the locker."""
        if size not in self.issued():
            self.connection.execute(sa.insert(tables.issued), {"size": size})

    def add_root_certificates(self, certificates: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep root certificates as (SHA-256, DER); those that are there already are left."""
        have = self.root_certificates()
        for sha256, der in certificates:
            if sha256.hex() not in have:
                self.connection.execute(sa.insert(tables.root_certificate), {"sha256": sha256, "der": der})
