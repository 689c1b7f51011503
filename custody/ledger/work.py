"""What can be derived from the ledger's public parts, kept so that lists are quick.

`work.sqlite` may be deleted at any time: it is rebuilt from the entries. It holds no sealed value,
and nothing that is proven rests on it.
"""

from __future__ import annotations

import contextlib
import errno
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from custody import machine
from custody.errors import CheckFailed, CustodyError, MachineError
from custody.format import entry as entries
from custody.format.text import show
from custody.ledger.volumes import Record
from custody.stored import guard

FILE_NAME = "work.sqlite"
LOCK_NAME = "work.lock"
APPLICATION_ID = 0x43555357  # "CUSW"
SCHEMA_VERSION = 5

_STEP = 2000
"""Entries taken in by one transaction."""

_DERIVED = ("cases", "exhibit", "acquisition", "item", "receipt", "package")
_TABLE_NAMES = ("state", "attempt", *_DERIVED)

_ITEM_COLUMNS = 'id, "case", exhibit, label, object, size, ledger, seq, wall, copy_open, parent, part'

_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cases (id TEXT PRIMARY KEY, opened TEXT NOT NULL, closed INTEGER NOT NULL, items INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE exhibit (id TEXT PRIMARY KEY, "case" TEXT NOT NULL, label TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE acquisition (exhibit TEXT, ledger TEXT, n INTEGER, seq INTEGER NOT NULL, actor TEXT NOT NULL,
  wall TEXT NOT NULL, ended TEXT, PRIMARY KEY (exhibit, ledger, n)) STRICT, WITHOUT ROWID;
CREATE TABLE item (id TEXT PRIMARY KEY, "case" TEXT NOT NULL, exhibit TEXT NOT NULL, acquisition INTEGER NOT NULL,
  label TEXT NOT NULL,
  object TEXT, size INTEGER, ledger TEXT NOT NULL, seq INTEGER NOT NULL, wall TEXT NOT NULL,
  copy_open INTEGER NOT NULL, parent TEXT, part INTEGER)
  STRICT, WITHOUT ROWID;
CREATE INDEX item_by_case ON item ("case", label);
CREATE INDEX item_by_parent ON item (parent) WHERE parent IS NOT NULL;
CREATE TABLE receipt (item TEXT, ledger TEXT, n INTEGER, exhibit TEXT NOT NULL, acquisition INTEGER NOT NULL,
  label TEXT NOT NULL, seq INTEGER NOT NULL, wall TEXT NOT NULL, PRIMARY KEY (item, ledger, n)) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_by_exhibit ON receipt (exhibit, label);
CREATE TABLE package (id TEXT PRIMARY KEY, "case" TEXT NOT NULL, seq INTEGER NOT NULL, items INTEGER NOT NULL,
  wall TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (size INTEGER, url TEXT, wall TEXT NOT NULL, problem TEXT NOT NULL, PRIMARY KEY (size, url))
  STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case. ``items`` counts those in it, ``opened`` is the stated time."""

    id: str
    opened: str
    closed: bool
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhibitRow:
    """An exhibit and its label."""

    id: str
    case: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionRow:
    """One acquisition: ``ended`` is None (not finished), "completed" or "interrupted".

    ``n`` is the number of the entry that began it, in the volume whose origin is ``ledger``.
    """

    exhibit: str
    ledger: str
    n: int
    actor: str
    wall: str
    ended: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An item's public side: its object (None when there is no content) and the object's padded size.

    It came in at ``seq`` over all volumes, in the one whose origin is ``ledger``: its keys and its object
    are bound to that. ``parent``: the item that it was derived from, None for what came from outside; ``part``:
    which of the files in that it is, None for a readable form.
    """

    id: str
    case: str
    exhibit: str
    label: str
    object: str | None
    size: int | None
    ledger: str
    seq: int
    wall: str
    copy_open: bool
    parent: str | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """The same bytes once more: ``item`` came in again as ``label`` of another acquisition, or of its own.

    ``seq`` counts over all volumes.
    """

    item: str
    exhibit: str
    acquisition: int
    label: str
    seq: int
    wall: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """A package that was made."""

    id: str
    case: str
    seq: int
    items: int
    wall: str


class Beside:
    """A projection that is derived anew, in a nameless file of SQLite's own, for `Work.rebuild` to compare."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect("", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=OFF")
        _empty(self.connection)
        self.connection.execute("BEGIN")
        self.size = 0
        """How many entries it has taken in, from the first on."""

    def take(self, position: int, entry: entries.Entry | None) -> None:
        """Take in the next entry (None: one of a newer custody, of which nothing is derived).

        What is not the next, or contradicts what was derived, is left for `Work.rebuild` to read and refuse.
        """
        if position == self.size:
            try:
                if entry is not None:
                    _apply(self.connection, position, entry)
                self.size += 1
            except (sqlite3.Error, LookupError, TypeError):
                pass


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError("text that is not UTF-8") from error


class Work:
    """The projection, brought up to date by `catch_up` before each use.

    Neighbours have the same file open, so it is never unlinked under them: what does not fit is emptied
    and filled again in one transaction. Only a file that is no database is replaced, under a lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._as_ours():
            self._connection = self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _as_ours(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise CheckFailed(
                    "two entries of the record say the same thing of one subject, or this list was changed",
                    where=self.path.name,
                    found=str(error).lower(),
                    hint="delete this file, which is made anew, and run custody check",
                ) from error
            if "full" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                hint = "free some space, then run the command again: nothing was lost"
            else:
                hint = "run the command again; should it stay so, delete this file: it is made anew"
            raise MachineError(
                f"the list of what is in the locker can't be used: {show(str(error).lower())}",
                where=self.path.name,
                hint=hint,
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._sound()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            # Damaged, or something else: it is derived, so it is made anew. The lock is for neighbours who
            # found the same: two who replace it after each other would take the file from under a third.
            with machine.locked(self.path.with_name(LOCK_NAME)):
                try:
                    return self._sound()
                except sqlite3.OperationalError:
                    raise
                except sqlite3.DatabaseError:
                    for suffix in ("", "-wal", "-shm"):
                        self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
                    return self._sound()

    def _sound(self) -> sqlite3.Connection:
        """A connection to a projection with our tables; DatabaseError where the file is none."""
        # SQLite would make it by the umask; labels and ids are for this user. Its -wal and -shm follow it.
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            try:
                guard(connection, _TABLE_NAMES, where=self.path.name)
            except CheckFailed as error:
                raise sqlite3.DatabaseError(error.message) from error
            connection.text_factory = _text
            connection.execute("PRAGMA synchronous=OFF")  # losing it costs a rebuild, nothing else
            if not self._fits(connection):
                connection.execute("PRAGMA journal_mode=WAL")
                with _writing(connection):
                    if not self._fits(connection):  # a neighbour may have been quicker
                        _empty(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _fits(connection: sqlite3.Connection) -> bool:
        pragmas = ("application_id", "user_version")
        found = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas)
        return found == (APPLICATION_ID, SCHEMA_VERSION)

    def rebuild(self, view: Record, beside: Beside | None = None) -> None:
        """Derive everything anew, beside the file; write it only where the file has something else.

        A neighbour's next question may come at any time, so what is right is left as it is. ``beside``: what
        the caller derived already, from the first entries on; it is used up.
        """
        with self._as_ours():
            self._catch_up(view)
            beside = beside or Beside()
            with contextlib.closing(beside.connection) as fresh:
                for position, entry in _readable(view, beside.size, view.size):
                    _apply(fresh, position, entry)
                with _writing(self._connection):
                    # Neighbours went on meanwhile; now they wait.
                    seen = self._seen()
                    newer = view.again()
                    for position, entry in _readable(newer, view.size, seen):
                        _apply(fresh, position, entry)
                    if not all(_same(fresh, self._connection, table) for table in _DERIVED):
                        _empty(self._connection)
                        self._take(newer, 0, max(view.size, seen))

    def catch_up(self, view: Record) -> None:
        """Apply the entries that came since; start anew when what was derived is of another record."""
        with self._as_ours():
            try:
                self._catch_up(view)
            except sqlite3.OperationalError as error:
                if "no such" not in str(error):
                    raise
                self._refill(view)  # our mark, and not our tables
            except sqlite3.DatabaseError:
                self._connection.close()
                self._connection = self._open()
                self._refill(view)

    def take_made(self, base: int, made: Sequence[entries.Entry], root: str) -> None:
        """Take in entries that this process has just made and committed, without reading them again.

        ``base``: entries of the volumes before theirs; ``root``: of their volume's tree after them (hex). Where
        the file stands elsewhere, or can't be written, nothing happens: `catch_up` reads them. Reading cost half
        of what making them did.
        """
        if not made:
            return
        with contextlib.suppress(CustodyError), self._as_ours(), _writing(self._connection):
            if self._seen() != base + made[0].seq:
                return
            for entry in made:
                _apply(self._connection, base + entry.seq, entry)
            for name, value in (("size", str(base + made[-1].seq + 1)), ("root", root)):
                self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _catch_up(self, view: Record) -> None:
        size = view.size
        seen = self._seen()
        if seen > size or (seen and self._state("root") != view.root(seen).hex()):
            # A neighbour may be ahead of our view; then it is his newer view that the file has to fit.
            if not (seen > size and self._fits_record(view, seen)):
                self._refill(view)
            return
        # In short transactions: a neighbour waits for each, and may have gone on in between.
        while seen < size:
            with _writing(self._connection):
                seen = self._seen()
                if seen < size:
                    self._take(view, seen, min(size, seen + _STEP))
                seen = max(seen, min(size, seen + _STEP))
                machine.at_point("work rows inserted")
            machine.at_point("after work commit")

    def _fits_record(self, view: Record, seen: int) -> bool:
        """True when the record has grown to ``seen`` entries since the view was taken, and is the same."""
        newer = view.again()
        return newer.size >= seen and self._state("root") == newer.root(seen).hex()

    def _refill(self, view: Record) -> None:
        """Empty it and take everything in again, in one transaction: nobody sees it half."""
        with _writing(self._connection):
            _empty(self._connection)
            self._take(view, 0, view.size)

    def _take(self, view: Record, start: int, stop: int) -> None:
        for position, entry in _readable(view, start, stop):
            _apply(self._connection, position, entry)
        for name, value in (("size", str(stop)), ("root", view.root(stop).hex())):
            self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _state(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _seen(self) -> int:
        """How many entries were taken in."""
        text = self._state("size") or "0"
        if not re.fullmatch("[0-9]{1,16}", text):
            raise sqlite3.DatabaseError("no number of entries")
        return int(text)

    def _ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._as_ours():
            return self._connection.execute(query, values).fetchall()

    # Lists

    def cases(self) -> list[CaseRow]:
        """All cases, oldest first."""
        rows = self._ask("SELECT id, opened, closed, items FROM cases ORDER BY id")
        return [CaseRow(id=a, opened=b, closed=bool(c), items=d) for a, b, c, d in rows]

    def exhibits(self, case: str) -> list[ExhibitRow]:
        """A case's exhibits, oldest first."""
        rows = self._ask('SELECT id, "case", label FROM exhibit WHERE "case" = ? ORDER BY id', (case,))
        return [ExhibitRow(id=a, case=b, label=c) for a, b, c in rows]

    def acquisitions(self, exhibit: str | None = None) -> list[AcquisitionRow]:
        """Acquisitions of an exhibit, or all."""
        query = "SELECT exhibit, ledger, n, actor, wall, ended FROM acquisition"
        rows = self._ask(
            f"{query} WHERE exhibit = ? ORDER BY seq" if exhibit else f"{query} ORDER BY exhibit, seq",
            (exhibit,) if exhibit else (),
        )
        return [
            AcquisitionRow(exhibit=a, ledger=b, n=c, actor=d, wall=e, ended=f) for a, b, c, d, e, f in rows
        ]

    def _items(self, where: str, *values: object) -> list[ItemRow]:
        rows = self._ask(
            # ``where`` is one of our own seven below; values go in as parameters.
            f"SELECT {_ITEM_COLUMNS} FROM item {where} ORDER BY seq",  # noqa: S608
            values,
        )
        return [
            ItemRow(
                id=a,
                case=b,
                exhibit=c,
                label=d,
                object=e,
                size=f,
                ledger=g,
                seq=h,
                wall=i,
                copy_open=bool(j),
                parent=k,
                part=m,
            )
            for a, b, c, d, e, f, g, h, i, j, k, m in rows
        ]

    def items(self, case: str | None = None) -> list[ItemRow]:
        """Items of a case, or all, in the order they came in."""
        return self._items('WHERE "case" = ?', case) if case else self._items("")

    def items_of_exhibit(self, exhibit: str) -> list[ItemRow]:
        """An exhibit's own items, in the order they came in; see `receipts` for those received in it again."""
        return self._items("WHERE exhibit = ?", exhibit)

    def derived(self, parent: str) -> list[ItemRow]:
        """What was derived from an item: readable forms and files in it, in the order they were made."""
        return self._items("WHERE parent = ?", parent)

    def receipts(self, *, item: str | None = None, exhibit: str | None = None) -> list[ReceiptRow]:
        """When the same bytes came in again: of an item, of an exhibit, or all, in the order they came in."""
        wanted = {"item": item, "exhibit": exhibit}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in chosen) or "1"
        rows = self._ask(
            # ``where`` is made of our own two names; values go in as parameters.
            f"SELECT item, exhibit, acquisition, label, seq, wall FROM receipt WHERE {where} ORDER BY seq",  # noqa: S608
            tuple(chosen.values()),
        )
        return [
            ReceiptRow(item=a, exhibit=b, acquisition=c, label=d, seq=e, wall=f) for a, b, c, d, e, f in rows
        ]

    def count_labels(self, exhibit: str) -> int:
        """How many labels an exhibit has given out: to items, and to the same bytes received again.

        What was derived has its label from the item that it is of, and takes none.
        """
        row = self._ask(
            "SELECT (SELECT count(*) FROM item WHERE exhibit = ? AND parent IS NULL)"
            " + (SELECT count(*) FROM receipt WHERE exhibit = ?)",
            (exhibit, exhibit),
        )[0]
        return int(row[0])

    def count_items(self, exhibit: str, ledger: str, acquisition: int) -> int:
        """How many items came in by one acquisition, in the volume whose origin is ``ledger``."""
        row = self._ask(
            "SELECT count(*) FROM item"
            " WHERE exhibit = ? AND ledger = ? AND acquisition = ? AND parent IS NULL",
            (exhibit, ledger, acquisition),
        )[0]
        return int(row[0])

    def items_by_label(self, label: str) -> list[ItemRow]:
        """Items with a label, their own or one they were received again under, over all cases."""
        where = "WHERE label = ? OR id IN (SELECT item FROM receipt WHERE label = ?)"
        return self._items(where, label, label)

    def items_by_ending(self, ending: str) -> list[ItemRow]:
        """Items whose id ends so."""
        return self._items("WHERE substr(id, -length(?)) = ?", ending, ending)

    def item(self, identifier: str) -> ItemRow | None:
        """One item."""
        rows = self._items("WHERE id = ?", identifier)
        return rows[0] if rows else None

    def open_copies(self) -> list[ItemRow]:
        """Items of which a readable copy was written and not reported as gone."""
        return self._items("WHERE copy_open = 1")

    def packages(self, case: str | None = None) -> list[PackageRow]:
        """Packages that were made, oldest first."""
        rows = self._ask('SELECT id, "case", seq, items, wall FROM package ORDER BY seq')
        found = [PackageRow(id=a, case=b, seq=c, items=d, wall=e) for a, b, c, d, e in rows]
        return [row for row in found if case is None or row.case == case]

    # The queue: which authority was asked for which note, and why there is no token yet

    def attempted(self, size: int, url: str, wall: str, problem: str) -> None:
        """Remember that asking ``url`` about the note of ``size`` failed."""
        self._ask("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)", (size, url, wall, problem))

    def attempts(self) -> Iterator[tuple[int, str, str, str]]:
        """(size, url, when, problem) of failed tries."""
        yield from self._ask("SELECT size, url, wall, problem FROM attempt ORDER BY size, url")

    def forget_attempts(self, size: int) -> None:
        """Drop failed tries up to ``size``: a token over it covers them all."""
        self._ask("DELETE FROM attempt WHERE size <= ?", (size,))


@contextlib.contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _empty(connection: sqlite3.Connection) -> None:
    """Drop whatever tables there are and make ours."""
    found = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    for (name,) in found.fetchall():
        quoted = name.replace('"', '""')
        connection.execute(f'DROP TABLE "{quoted}"')
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _readable(view: Record, start: int, stop: int) -> Iterator[tuple[int, entries.Entry]]:
    """Entries with their positions, but those that only a newer custody can read."""
    for stored in view.entries(start, stop):
        try:
            entry = stored.read()
        except entries.NewerVersion:
            continue
        yield stored.position, entry


def _same(fresh: sqlite3.Connection, kept: sqlite3.Connection, table: str) -> bool:
    """True when a derived table has the same rows in both; both give them in the order of the key."""
    query = f'SELECT * FROM "{table}"'  # noqa: S608 - one of our own names
    with contextlib.closing(kept.execute(query)) as rows:
        return all(one == other for one, other in zip_longest(fresh.execute(query), rows))


def _apply(connection: sqlite3.Connection, position: int, entry: entries.Entry) -> None:
    run, subject, public = connection.execute, entry.subject, entry.public
    match entry.kind:
        case "case.opened":
            run("INSERT INTO cases VALUES (?, ?, 0, 0)", (subject.id, entry.time.wall))
        case "case.closed":
            run("UPDATE cases SET closed = 1 WHERE id = ?", (subject.id,))
        case "case.extended":
            more = public["items"] + public["registered"] + public["derived"]
            run("UPDATE cases SET items = items + ? WHERE id = ?", (more, subject.id))
        case "exhibit.acquired":
            run(
                "INSERT OR IGNORE INTO exhibit VALUES (?, ?, ?)",
                (subject.id, entry.case, public["label"]),
            )
            row = (subject.id, entry.ledger, subject.n, position, entry.actor, entry.time.wall)
            run("INSERT INTO acquisition VALUES (?, ?, ?, ?, ?, ?, NULL)", row)
        case "exhibit.completed":
            ended = "interrupted" if public["interrupted"] else "completed"
            where = (ended, subject.id, entry.ledger, public["acquisition"])
            run("UPDATE acquisition SET ended = ? WHERE exhibit = ? AND ledger = ? AND n = ?", where)
        case "item.collected" | "item.registered" | "item.derived":
            stored = public["object"] or {"id": None, "size": None}
            row_item = (
                subject.id,
                entry.case,
                public["exhibit"],
                public["acquisition"],
                public["label"],
                stored["id"],
                stored["size"],
            )
            run(
                "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
                (
                    *row_item,
                    entry.ledger,
                    position,
                    entry.time.wall,
                    public.get("parent"),
                    public.get("part"),
                ),
            )
        case "item.received":
            of = (subject.id, entry.ledger, subject.n)
            row_receipt = (
                *of,
                public["exhibit"],
                public["acquisition"],
                public["label"],
                position,
                entry.time.wall,
            )
            run("INSERT INTO receipt VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row_receipt)
        case "item.accessed" if public["copy"]:
            run("UPDATE item SET copy_open = 1 WHERE id = ?", (subject.id,))
        case "item.accessed" if public["result"] == "closed":
            run("UPDATE item SET copy_open = 0 WHERE id = ?", (subject.id,))
        case "package.made":
            row_package = (public["package"], subject.id, position, public["items"], entry.time.wall)
            run("INSERT INTO package VALUES (?, ?, ?, ?, ?)", row_package)
