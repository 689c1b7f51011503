"""What is tampered with: a locker with a history, its owner's key, an older state of both, and its packages."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.errors import CheckFailed, CustodyError
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from custody.keys import keyfile
from custody.keys.keyfile import KeyFile
from custody.ledger.work import ItemRow
from custody.procedure import access, cases, check, export, seal, trust
from custody.procedure.check import Checked
from custody.procedure.locker import Desk, Locker
from custody.verify.report import Finding, Outcome
from tests import desks, packages

LEDGER, ERASABLE, WORK = "ledger.sqlite", "erasable.sqlite", "work.sqlite"
EXHIBIT = "A-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A closed locker, keys, an older state of both, and what a verifier holds."""

    folder: Path
    case: str
    other_case: str
    sheet: str
    root: bytes
    first: bytes
    """The older package."""
    second: bytes
    """The newer package."""
    trust: Trust
    """Origin and authority."""
    older: Trust
    """The same, and the older package's note."""
    newer: Trust
    """The same, and the newer package's note."""
    colleague: str

    @property
    def locker(self) -> Path:
        return self.folder / "L"

    @property
    def key(self) -> Path:
        return self.folder / "keys" / "first"

    def own(self) -> KeyFile:
        """The owner's key file, opened."""
        return keyfile.open_(self.key, desks.PASSPHRASE, random=os.urandom)

    def desk(self, clock: desks.Clock | None = None) -> Desk:
        """The owner's desk, as a command would have it."""
        own = self.own()
        return Desk(Locker(self.locker), own, desks.make_rim(clock or later()))

    def copy(self, target: Path) -> Place:
        """The same in another folder, to tamper with."""
        shutil.copytree(self.folder, target, symlinks=True)
        return Place(**{name: getattr(self, name) for name in self.__slots__} | {"folder": target})

    def put_back_older(self) -> None:
        """The locker as it was before the second package."""
        shutil.rmtree(self.locker)
        shutil.copytree(self.folder / "old" / "L", self.locker)


def later() -> desks.Clock:
    """A clock that stands after all that happened in the world."""
    clock = desks.Clock()
    clock.forward(days=1)
    return clock


@functools.cache
def world() -> Place:
    """Made once a process, changed by nobody."""
    return make(Path(tempfile.mkdtemp(prefix="custody-tamper-")))


def make(folder: Path) -> Place:
    """Two exhibits and two cases, readings, stamped notes, one unstamped, two packages, a colleague."""
    clock = desks.Clock()
    files: dict[str | bytes, bytes] = {
        "a.txt": b"first\n" * 9,
        "b.bin": bytes(range(256)) * 20,
        "c.txt": b"third\n",
    }
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(folder, tsa=[named], clock=clock)
        colleague, _ = desks.add_person(desk, folder / "keys" / "second", rights=["seal"])
        case = cases.open_case(desk, "REF-1")
        desks.take_in(desk, case, desks.put(folder / "in1", files), exhibit=EXHIBIT)
        read(desk, case)
        seal.seal(desk)
        clock.forward(hours=1)
        first = packed(desk, case, folder / "first.zip")
        desk.locker.close()
        (folder / "old").mkdir()
        for name in ("L", "keys"):
            shutil.copytree(folder / name, folder / "old" / name)
        desk = desks.sit_down(desk, keyfile.open_(folder / "keys" / "first", desks.PASSPHRASE))
        clock.forward(hours=1)
        desks.take_in(desk, case, desks.put(folder / "in2", {"d.txt": b"fourth\n"}), exhibit="B-7")
        other_case, _ = desks.case_with(desk, folder / "in3", {"x.txt": b"of another case"}, ref="REF-2")
        read(desk, case)
        clock.forward(hours=1)
        seal.seal(desk)
        second = packed(desk, case, folder / "second.zip")
    clock.forward(hours=1)
    read(desk, case)
    seal.seal(desk)  # the authority is gone: this note waits
    read(desk, case)
    origin, genesis = desk.origin, desk.locker.genesis_leaf.hex()
    desk.locker.close()
    for name in ("in1", "in2", "in3"):
        shutil.rmtree(folder / name)
    authority = TrustedAuthority(roots=named.roots, policies=(), source="by hand", test=True)
    plain = Trust(ledgers=(TrustedLedger(origin=origin, genesis=genesis),), authorities=(authority,))
    return Place(
        folder=folder, case=case, other_case=other_case, sheet="", root=named.roots[0], first=first, second=second,
        trust=plain, older=seen(plain, first), newer=seen(plain, second), colleague=colleague.key_id,
    )  # fmt: skip


def seen(held: Trust, data: bytes) -> Trust:
    """The trust file after `trust add` of a package."""
    genesis = bytes.fromhex(held.ledgers[0].genesis)[:16]
    return trust.add_package(held, io.BytesIO(data), genesis, where="package")[0]


def read(desk: Desk, case: str) -> None:
    """Somebody reads the first item."""
    opened = access.open_item(desk, desk.locker.work.items(case)[0], purpose=desks.WHY)
    assert opened.content is not None
    for _ in opened.content():
        pass


def packed(desk: Desk, case: str, output: Path, items: tuple[ItemRow, ...] = ()) -> bytes:
    """A plain package of the whole case, or of some of its items."""
    export.export(desk, export.Choice(case=case, items=items), output, purpose="disclosure", plain=True)
    return output.read_bytes()


# What a locker runs into


@dataclass(frozen=True, slots=True)
class Told:
    """An exit code, and what was said with it."""

    code: int
    text: str


def by_check(place: Place, *, key: bool) -> tuple[Told, Told]:
    """`custody check` and `check --deep`: a desk that refuses does not keep the command from looking.

    One run for both: deep is the same, and contents besides.
    """
    refused: CustodyError | None = None
    desk: Desk | None = None
    try:
        if key:
            try:
                desk = place.desk()
            except CheckFailed as error:
                refused = error
        locker = desk.locker if desk is not None else Locker(place.locker)
        try:
            found: Checked = check.check(locker, desk, deep=desk is not None)
        finally:
            locker.close()
    except CustodyError as error:
        return (told := Told(error.exit_code, error.message)), told
    contents = [f for f in found.findings if f.check == "contents"]
    others = [f for f in found.findings if f.check != "contents"]
    return _told(others, found.pending, refused), _told([*others, *contents], found.pending, refused)


def _told(findings: list[Finding], pending: tuple[str, ...], refused: CustodyError | None) -> Told:
    lines = [f"{f.check}: {f.text} {f.where or ''}" for f in findings if f.outcome is Outcome.FAILED]
    if lines:
        return Told(1, "\n".join(lines))
    if refused is not None:
        return Told(refused.exit_code, refused.message)
    return Told(0, "\n".join((*pending, *(f.text for f in findings if f.outcome is Outcome.NOT_CHECKED))))


def by_work(place: Place) -> tuple[Told, bytes | None]:
    """A day's work: sit down, read, take in, seal, export. Gives the package when all of it was done."""
    try:
        desk = place.desk()
        try:
            read(desk, place.case)
            taken = desks.take_in(
                desk, place.case, desks.put(place.folder / "more", {"e.txt": b"fifth\n"}), exhibit=EXHIBIT
            )
            seal.seal(desk)
            # Without the new item, which no authority has stamped: that alone would not be confirmed.
            new = {item.id for item in taken.items}
            stamped = tuple(item for item in desk.locker.work.items(place.case) if item.id not in new)
            data = packed(desk, place.case, place.folder / "day.zip", stamped)
        finally:
            desk.locker.close()
    except CustodyError as error:
        return Told(error.exit_code, error.message), None
    return Told(3 if taken.refused else 0, ""), data


def by_verify(data: bytes, held: Trust | None) -> Told:
    """`custody verify`."""
    report = packages.look(data, held)
    return Told(report.exit_code, packages.summary(report))


# What a hand can do to SQLite files


@contextlib.contextmanager
def unguarded(place: Place, name: str) -> Iterator[sqlite3.Connection]:
    """A plain connection, the guards dropped, and put back at the end."""
    with contextlib.closing(sqlite3.connect(place.locker / name)) as db:
        db.row_factory = sqlite3.Row
        guards = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for guard in guards:
            db.execute(f"DROP TRIGGER {guard['name']}")
        yield db
        for guard in guards:
            db.execute(guard["sql"])
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def put_row(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    """Insert a row by the names of its columns."""
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" for _ in values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def flipped(data: bytes, at: int) -> bytes:
    """One bit of one byte."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
