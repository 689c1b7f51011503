"""What can be derived from the ledger's public parts, kept so that lists are quick.

`work.sqlite` may be deleted at any time: it is rebuilt from the entries. It holds no sealed value,
and nothing that is proven rests on it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from custody import machine
from custody.format import entry as entries
from custody.ledger.store import View

FILE_NAME = "work.sqlite"
APPLICATION_ID = 0x43555357  # "CUSW"
SCHEMA_VERSION = 2

_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cases (id TEXT PRIMARY KEY, opened TEXT NOT NULL, closed INTEGER NOT NULL, items INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE exhibit (id TEXT PRIMARY KEY, "case" TEXT NOT NULL, label TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE acquisition (exhibit TEXT, n INTEGER, actor TEXT NOT NULL, wall TEXT NOT NULL, ended TEXT,
  PRIMARY KEY (exhibit, n)) STRICT, WITHOUT ROWID;
CREATE TABLE item (id TEXT PRIMARY KEY, "case" TEXT NOT NULL, exhibit TEXT NOT NULL, acquisition INTEGER NOT NULL,
  label TEXT NOT NULL,
  object TEXT, size INTEGER, seq INTEGER NOT NULL, wall TEXT NOT NULL, copy_open INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX item_by_case ON item ("case", label);
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
    """One acquisition: ``ended`` is None (not finished), "completed" or "interrupted"."""

    exhibit: str
    n: int
    actor: str
    wall: str
    ended: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An item's public side: its object (None when there is no content) and the object's padded size."""

    id: str
    case: str
    exhibit: str
    label: str
    object: str | None
    size: int | None
    seq: int
    wall: str
    copy_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """A package that was made."""

    id: str
    case: str
    seq: int
    items: int
    wall: str


class Work:
    """The projection, brought up to date by `catch_up` before each use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = self._connect()
            row = connection.execute("PRAGMA application_id").fetchone()
            version = connection.execute("PRAGMA user_version").fetchone()
            if (row[0], version[0]) == (APPLICATION_ID, SCHEMA_VERSION):
                return connection
            connection.close()
        except sqlite3.DatabaseError:
            pass  # damaged or something else: it is derived, so it is made anew
        return self._fresh()

    def _connect(self) -> sqlite3.Connection:
        # SQLite would make it by the umask; labels and ids are for this user. Its -wal and -shm follow it.
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")  # losing it costs a rebuild, nothing else
        return connection

    def _fresh(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).unlink()
        connection = self._connect()
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        return connection

    def rebuild(self, view: View) -> None:
        """Drop everything and derive it again."""
        self._connection.close()
        self._connection = self._fresh()
        self.catch_up(view)

    def _state(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def catch_up(self, view: View) -> None:
        """Apply the entries that came since; start anew when what was derived is of another record."""
        size = view.size
        seen = int(self._state("size") or 0)
        if seen > size or (seen and self._state("root") != view.root(seen).hex()):
            self._connection.close()
            self._connection = self._fresh()
            seen = 0
        if seen == size:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have caught up while we waited for the lock.
            seen = int(self._state("size") or 0)
            for stored in view.entries(seen, size):
                with contextlib.suppress(entries.NewerVersion):
                    self._apply(stored.read())
            self._connection.execute(
                "INSERT OR REPLACE INTO state VALUES ('size', ?)", (str(max(size, seen)),)
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO state VALUES ('root', ?)", (view.root(max(size, seen)).hex(),)
            )
            machine.at_point("work rows inserted")
            self._connection.execute("COMMIT")
            machine.at_point("after work commit")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _apply(self, entry: entries.Entry) -> None:
        run, subject, public = self._connection.execute, entry.subject, entry.public
        match entry.kind:
            case "case.opened":
                run("INSERT INTO cases VALUES (?, ?, 0, 0)", (subject.id, entry.time.wall))
            case "case.closed":
                run("UPDATE cases SET closed = 1 WHERE id = ?", (subject.id,))
            case "case.extended":
                run("UPDATE cases SET items = items + ? WHERE id = ?", (public["items"], subject.id))
            case "exhibit.acquired":
                run(
                    "INSERT OR IGNORE INTO exhibit VALUES (?, ?, ?)",
                    (subject.id, entry.case, public["label"]),
                )
                row = (subject.id, subject.n, entry.actor, entry.time.wall)
                run("INSERT INTO acquisition VALUES (?, ?, ?, ?, NULL)", row)
            case "exhibit.completed":
                ended = "interrupted" if public["interrupted"] else "completed"
                where = (ended, subject.id, public["acquisition"])
                run("UPDATE acquisition SET ended = ? WHERE exhibit = ? AND n = ?", where)
            case "item.collected":
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
                    "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                    (*row_item, entry.seq, entry.time.wall),
                )
            case "item.accessed" if public["copy"]:
                run("UPDATE item SET copy_open = 1 WHERE id = ?", (subject.id,))
            case "item.accessed" if public["result"] == "closed":
                run("UPDATE item SET copy_open = 0 WHERE id = ?", (subject.id,))
            case "package.made":
                row_package = (public["package"], subject.id, entry.seq, public["items"], entry.time.wall)
                run("INSERT INTO package VALUES (?, ?, ?, ?, ?)", row_package)

    # Lists

    def cases(self) -> list[CaseRow]:
        """All cases, oldest first."""
        rows = self._connection.execute("SELECT id, opened, closed, items FROM cases ORDER BY id")
        return [CaseRow(id=a, opened=b, closed=bool(c), items=d) for a, b, c, d in rows]

    def exhibits(self, case: str) -> list[ExhibitRow]:
        """A case's exhibits, oldest first."""
        rows = self._connection.execute(
            'SELECT id, "case", label FROM exhibit WHERE "case" = ? ORDER BY id', (case,)
        )
        return [ExhibitRow(id=a, case=b, label=c) for a, b, c in rows]

    def acquisitions(self, exhibit: str | None = None) -> list[AcquisitionRow]:
        """Acquisitions of an exhibit, or all."""
        query = "SELECT exhibit, n, actor, wall, ended FROM acquisition"
        rows = self._connection.execute(
            f"{query} WHERE exhibit = ? ORDER BY n" if exhibit else f"{query} ORDER BY exhibit, n",
            (exhibit,) if exhibit else (),
        )
        return [AcquisitionRow(exhibit=a, n=b, actor=c, wall=d, ended=e) for a, b, c, d, e in rows]

    def _items(self, where: str, *values: object) -> list[ItemRow]:
        rows = self._connection.execute(
            # ``where`` is one of our own five below; values go in as parameters.
            f'SELECT id, "case", exhibit, label, object, size, seq, wall, copy_open FROM item {where} ORDER BY seq',  # noqa: S608
            values,
        )
        return [
            ItemRow(id=a, case=b, exhibit=c, label=d, object=e, size=f, seq=g, wall=h, copy_open=bool(i))
            for a, b, c, d, e, f, g, h, i in rows
        ]

    def items(self, case: str | None = None) -> list[ItemRow]:
        """Items of a case, or all, in the order they came in."""
        return self._items('WHERE "case" = ?', case) if case else self._items("")

    def items_of_exhibit(self, exhibit: str) -> list[ItemRow]:
        """An exhibit's items, in the order they came in."""
        return self._items("WHERE exhibit = ?", exhibit)

    def count_items(self, exhibit: str, acquisition: int) -> int:
        """How many items came in by one acquisition."""
        row = self._connection.execute(
            "SELECT count(*) FROM item WHERE exhibit = ? AND acquisition = ?", (exhibit, acquisition)
        ).fetchone()
        return int(row[0])

    def items_by_label(self, label: str) -> list[ItemRow]:
        """Items with a label, over all cases."""
        return self._items("WHERE label = ?", label)

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
        rows = self._connection.execute('SELECT id, "case", seq, items, wall FROM package ORDER BY seq')
        found = [PackageRow(id=a, case=b, seq=c, items=d, wall=e) for a, b, c, d, e in rows]
        return [row for row in found if case is None or row.case == case]

    # The queue: which authority was asked for which note, and why there is no token yet

    def attempted(self, size: int, url: str, wall: str, problem: str) -> None:
        """Remember that asking ``url`` about the note of ``size`` failed."""
        self._connection.execute(
            "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)", (size, url, wall, problem)
        )

    def attempts(self) -> Iterator[tuple[int, str, str, str]]:
        """(size, url, when, problem) of failed tries."""
        yield from self._connection.execute("SELECT size, url, wall, problem FROM attempt ORDER BY size, url")

    def forget_attempts(self, size: int) -> None:
        """Drop failed tries up to ``size``: a token over it covers them all."""
        self._connection.execute("DELETE FROM attempt WHERE size <= ?", (size,))
