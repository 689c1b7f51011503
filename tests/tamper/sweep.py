"""One bit is flipped at places all over a package or a locker; each flip is found, or changes nothing that is held.

SQLite is the honest exception: free pages, unused bytes within pages and counters of its own header hold nothing of
the record. A flip there is *same*: every row of every table reads as before, and SQLite finds its indexes sound.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custody.errors import CustodyError
from tests.packages import take_apart
from tests.tamper.page import SWEEP
from tests.tamper.world import ERASABLE, LEDGER, Place, by_check, by_verify, world

FULL = 1_000
"""Flips of each thing in the sweep that the page tells of; a thing of fewer bytes has every byte flipped."""

PRIME = 7
"""The bit is the place times this modulo 8, so that all eight come."""


@dataclass(slots=True, kw_only=True)
class Done:
    """What came of the flips of one thing; ``missed`` names their places."""

    bytes: int
    flips: int = 0
    found: int = 0
    same: int = 0
    derived: int = 0
    """In look-ups or the locker secret, of which nothing is promised (rows of the matrix)."""
    missed: list[int] = field(default_factory=list)


def places(size: int, flips: int) -> Iterator[int]:
    """So many places, evenly over ``size`` bytes, the first and the last among them."""
    count = min(size, flips)
    for nth in range(count):
        yield nth * (size - 1) // max(count - 1, 1)


def flip(data: bytes, at: int) -> bytes:
    """One bit of the byte at a place."""
    return data[:at] + bytes([data[at] ^ (1 << at * PRIME % 8)]) + data[at + 1 :]


def _package(_: Path, flips: int) -> Done:
    honest = world().second
    held = take_apart(honest)
    done = Done(bytes=len(honest))
    for at in places(len(honest), flips):
        data = flip(honest, at)
        done.flips += 1
        if by_verify(data, world().older).code != 0:
            done.found += 1
        elif _same_files(data, held):
            done.same += 1
        else:
            done.missed.append(at)
    return done


def _same_files(data: bytes, held: dict[str, bytes]) -> bool:
    try:
        return take_apart(data) == held
    except Exception:  # noqa: BLE001 — another reader's own error: then it is not the same
        return False


def _file(folder: Path, flips: int, which: Callable[[Place], Path], sqlite: bool) -> Done:
    place = world().copy(folder / "sweep")
    path = which(place)
    if sqlite:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode=DELETE")  # one file is all there is
            db.execute("PRAGMA journal_mode=WAL")
    honest = path.read_bytes()
    before = _dump(path) if sqlite else honest
    done = Done(bytes=len(honest))
    for at in places(len(honest), flips):
        for left in path.parent.glob(f"{path.name}-*"):
            left.unlink()
        path.write_bytes(flip(honest, at))
        done.flips += 1
        if sqlite and _dump(path) == before:
            done.same += 1
        elif _found(place):
            done.found += 1
        elif sqlite and _dump(path, but_derived=True) == _dump_of(honest, folder):
            done.derived += 1
        else:
            done.missed.append(at)
    shutil.rmtree(folder / "sweep")
    return done


def _found(place: Place) -> bool:
    """By the owner's key, or by the colleague's: whether a wrapped key opens, only who it is for can tell."""
    saved = place.key.read_bytes()
    for own in (saved, (place.folder / "keys" / "second").read_bytes()):
        place.key.write_bytes(own)
        try:
            if any(told.code != 0 for told in by_check(place, key=True)):
                return True
        except CustodyError:
            return True
        finally:
            place.key.write_bytes(saved)  # a check that went through would remember its own entry
    return False


def _dump_of(data: bytes, folder: Path) -> object:
    (folder / "honest.sqlite").write_bytes(data)
    return _dump(folder / "honest.sqlite", but_derived=True)


DERIVED = (b"lookup", b"meta")


def _dump(path: Path, *, but_derived: bool = False) -> object:
    """All that the file holds; None where SQLite finds anything wrong with it."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            db.execute("PRAGMA cell_size_check=ON")
            if db.execute("PRAGMA integrity_check").fetchall() != [(b"ok",)]:
                return None
            schema = db.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
            ).fetchall()
            marks = [db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
            rows = [
                db.execute(f"SELECT * FROM {name.decode()}").fetchall()
                for kind, name, *_ in schema
                if kind == b"table" and not (but_derived and name in DERIVED)
            ]
            return schema, marks, rows
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _object(place: Place) -> Path:
    return min((place.locker / "vault").iterdir(), key=lambda p: p.stat().st_size)


THINGS: dict[str, Callable[[Path, int], Done]] = {
    "package": _package,
    "ledger.sqlite": lambda folder, flips: _file(folder, flips, lambda p: p.locker / LEDGER, sqlite=True),
    "erasable.sqlite": lambda folder, flips: _file(folder, flips, lambda p: p.locker / ERASABLE, sqlite=True),
    "vault object": lambda folder, flips: _file(folder, flips, _object, sqlite=False),
    "key file": lambda folder, flips: _file(folder, flips, lambda p: p.key, sqlite=False),
}
"""What is swept, by the name that the page has."""


def sweep(name: str, folder: Path, *, flips: int) -> Done:
    """Flip so many bits of one thing."""
    return THINGS[name](folder, flips)


def write_all(names: Sequence[str] = (), flips: int = FULL) -> None:
    """The figures of the page, measured now; those of things that are not named stay as they were."""
    what = json.loads(SWEEP.read_text("utf-8"))["what"] if SWEEP.exists() else {}
    for name in names or THINGS:
        with tempfile.TemporaryDirectory(prefix="custody-sweep-") as folder:
            done = sweep(name, Path(folder), flips=flips)
        what[name] = {
            "bytes": done.bytes, "flips": done.flips, "found": done.found, "same": done.same,
            "derived": done.derived, "missed": len(done.missed),
        }  # fmt: skip
        sys.stdout.write(f"{name}: {what[name]} {done.missed[:20]}\n")
    value = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "note": (
            "*Same* stands for free pages, unused bytes within pages and counters in the header of SQLite files, "
            "which hold nothing of the record. A flip in keys that are wrapped to a colleague is found by that "
            "colleague's key."
        ),
        "what": what,
    }
    SWEEP.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
