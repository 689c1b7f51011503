"""What this machine may or may not have, each with a guard: locks, directory fsync, the boot clock.

Linux is promised; elsewhere a missing call is done without, in the way each function says.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import os
import secrets
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from custody.errors import LockerBusy, MachineError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

HAS_DIRECTORY_FSYNC = os.name == "posix"
HAS_BOOT_CLOCK = hasattr(time, "CLOCK_BOOTTIME")

_POLL = 0.02


def _nothing(_point: str) -> None:
    """What happens at a named point of a write: nothing, except in tests."""


at_point: Callable[[str], None] = _nothing
"""Called with a name of `POINTS` as that step is reached; tests put a kill or a failing disk in its place."""

POINTS = {
    # an object
    "object written": "a sealed object stands in a temporary file, not yet synced",
    "object synced": "it is on the disk, still under its temporary name",
    "before objects": "a batch has the lock; its objects have no names yet",
    "object renamed": "an object has its name, which is not yet on the disk",
    "after objects": "the batch's objects are durable; nothing names them yet",
    # an append
    "entries inserted": "entries stand in the open transaction of the ledger",
    "note stored": "a log note too",
    "token stored": "a time proof too",
    "before erasable commit": "all is inserted in the ledger, nothing in the erasable store",
    "erasable rows inserted": "sealed parts and keys stand in the open transaction of the erasable store",
    "after erasable commit": "they are durable; the ledger's transaction is open",
    "before ledger commit": "the last moment in which nothing has happened",
    "after ledger commit": "the entries are durable; the key file does not know of them",
    "after key file": "the key file remembers the new head",
    # small files written whole: the key file, public keys, recovery sheets
    "file written": "a small file's temporary is synced; the old file still has the name",
    "file renamed": "the new file has the name, which is not yet on the disk",
    # what can be derived
    "work rows inserted": "the projection has taken in new entries, not yet committed",
    "after work commit": "the projection is up to date",
    "leftovers swept": "what a crash left was removed",
    # a readable copy
    "copy begun": "an empty temporary file stands beside the copy's place; nothing is logged",
    "copy written": "the plain content stands in it, not yet synced",
    "copy renamed": "the copy has its name",
    # a package
    "package written": "the whole package stands in a temporary file, not yet synced",
    "before package file": "it is on the disk, still under its temporary name",
    "package renamed": "it has its name, which is not yet on the disk",
    # a backup
    "backup databases written": "the databases stand in the temporary file, the objects follow",
    "before backup synced": "the whole backup stands in it, not yet synced",
    "before backup renamed": "it is on the disk, still under its temporary name",
    "after backup renamed": "it has its name; that it was written is not logged yet",
    # a backup brought back
    "restore begun": "a folder stands beside the place, held by a lock",
    "restore unpacked": "everything of the backup lies in it, checked",
    "restore volume closed": "the old record has its name as a closed volume",
    "restore ledger commit": "the new volume's first entries are durable",
    "restore erasable commit": "so are their parts and keys",
    "restore built": "all is there, under another name",
    "restore renamed": "the folder has its name, and a mark in it says that it is not finished",
    "restore remembered": "the key file remembers the new head",
    "restore done": "the mark is gone",
    # a new locker
    "locker built": "all its files stand in a folder of another name",
    "locker part placed": "a part of it has its place",
}
"""Every step of a write at which a crash or a failing disk leaves something else behind than at the one before.

Whoever adds a write adds its points here and a step to `tests/crash.py` that reaches them.
"""


def sync_directory(path: Path) -> None:
    """Make names in a directory durable; where directories can't be opened, the system orders it itself."""
    if not HAS_DIRECTORY_FSYNC:
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that can't
            raise
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int = 0o600, replace: bool = False) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the directory.

    Without ``replace`` an existing file raises FileExistsError and stays as it was.
    """
    # Under a fixed name, so that a crash's rest is swept away by the next writing.
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        at_point("file written")
        if replace:
            temporary.replace(path)
        else:
            rename_new(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    at_point("file renamed")
    sync_directory(path.parent)


def rename_new(source: Path, target: Path) -> None:
    """Give a file its name; FileExistsError, with nothing changed, where the name is taken."""
    try:
        os.link(source, target)  # unlike a rename, refuses to overwrite
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network folders have no hard links: hold the place with an empty file first.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            source.replace(target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    else:
        source.unlink()


def unnamed_file(folder: Path) -> int | None:
    """A file in a folder that has no name yet, mode 0600: a power cut leaves nothing of it.

    None where the system or the file system has no such thing, and where the folder can't be written.
    """
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_RDWR, 0o600)
    except OSError:
        return None


def name_file(descriptor: int, target: Path) -> None:
    """Give a file of `unnamed_file` its name; FileExistsError where that is taken."""
    # With a folder's descriptor, since Python follows links only then (linkat).
    root = os.open("/", os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{descriptor}", target.absolute(), src_dir_fd=root, follow_symlinks=True)
    finally:
        os.close(root)


class NewFile:
    """A new file (mode 0600) that has no name before it is whole: `place` gives it, else nothing is left of it.

    Where the system has no files without names it stands beside its place, under a hidden one, and a power
    cut leaves that. Raises OSError.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.placed = False
        self._temporary: Path | None = None

    def __enter__(self) -> NewFile:
        folder = self.output.absolute().parent
        descriptor = unnamed_file(folder)
        if descriptor is None:
            self._temporary = folder / f".custody-{secrets.token_hex(6)}.part"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            descriptor = os.open(self._temporary, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self.file = os.fdopen(descriptor, "w+b")
        return self

    def place(self) -> None:
        """Give the synced file its name; FileExistsError, with nothing changed, where that is taken."""
        if self._temporary is None:
            name_file(self.file.fileno(), self.output)
        else:
            self.file.close()  # Windows renames no open file
            rename_new(self._temporary, self.output)
        self.placed = True

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as stack:
            if not self.placed:
                stack.enter_context(contextlib.suppress(OSError))  # what is still buffered is not wanted
            self.file.close()
        if self._temporary is not None and not self.placed:
            self._temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, so that nobody has to guess whether a commit happened."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[tuple[int, FrameType | None]] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append((number, frame)))
    except ValueError:  # an embedding program runs us in a sub-interpreter
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed and callable(before):
        before(*pressed[0])


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Let Python look for cycles less often while very many small records are made, and leave out what is there now.

    Records go away without that; it is only for cycles, of which ours make none in number. Every 700 of them
    it looked, through all that was imported in the end: a tenth of the time of taking in small files.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(before[0], COLLECT_EVERY) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


COLLECT_EVERY = 10_000
"""So many objects more before Python looks for cycles, where it makes them by the hundred thousand."""


@contextlib.contextmanager
def locked(path: Path, *, timeout: float = 300.0, wait: bool = True) -> Iterator[None]:
    """Hold an advisory lock on a file that stands for something else; LockerBusy when it isn't free in time.

    On Linux who comes first is served first: a writer that lets go and comes back at once stands behind
    all who wait. (SQLite's own busy wait has no queue: 5 s of a 7 s run, measured; nor has polling.) The
    system lets go when the process ends, however it ends. A file system without locks is used without.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try(descriptor, queue=_HAS_QUEUE) and not (wait and _wait(path, descriptor, timeout)):
            raise _busy(path)
        # Closing lets go; unlinking would let two processes hold two locks of one name.
        yield
    finally:
        os.close(descriptor)


_HAS_QUEUE = sys.platform == "linux" and fcntl is not None
"""Two kinds of lock on one file that know nothing of each other: elsewhere flock and lockf may be the same."""


def _try(descriptor: int, *, queue: bool) -> bool:
    """Take the lock if nobody holds it and, with ``queue``, nobody stands in the queue for it."""
    try:
        if fcntl is None:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            return True
        if queue:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            if queue:
                fcntl.lockf(descriptor, fcntl.LOCK_UN)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True


_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def _wait(path: Path, descriptor: int, timeout: float) -> bool:
    """Wait for the lock, at most ``timeout`` seconds. True when it is ours."""
    deadline = time.monotonic() + timeout
    if _HAS_QUEUE:
        return _queue(path, descriptor, timeout)
    while not _try(descriptor, queue=False):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def _queue(path: Path, descriptor: int, timeout: float) -> bool:
    """Stand in the kernel's queue, in a thread, since such a wait can't be given an end.

    Only who has the file's other lock (lockf) may wait for the lock itself, so whoever let go of it can't
    take it again before the one who waits has had it. The kernel wakes those who wait for a lock in the
    order in which they came.
    """
    # A descriptor of its own: who gave up closes his, and the thread must not take a stranger's lock.
    own = os.dup(descriptor)
    taken, given_up = threading.Event(), threading.Event()
    guard = threading.Lock()
    failed: list[OSError] = []

    def stand() -> None:
        try:
            fcntl.lockf(own, fcntl.LOCK_EX)
            try:
                fcntl.flock(own, fcntl.LOCK_EX)
            finally:
                fcntl.lockf(own, fcntl.LOCK_UN)
        except OSError as error:
            failed.append(error)
        with guard:
            taken.set()
            if given_up.is_set():
                fcntl.flock(own, fcntl.LOCK_UN)
        os.close(own)

    threading.Thread(target=stand, name=f"waits for {path.name}", daemon=True).start()
    try:
        taken.wait(timeout)
    finally:
        with guard:
            if not taken.is_set():
                given_up.set()
    if failed and failed[0].errno not in _NO_LOCKS:
        raise failed[0]
    return taken.is_set()


def _busy(path: Path) -> LockerBusy:
    return LockerBusy(
        "another process holds this and did not let go in time",
        where=path.name,
        hint="wait until the other command is done; if none is running, see docs/how-to/busy-locker.md",
    )


LOG_LIMIT = 32 << 20
"""Bytes of a database's write-ahead log above which a writer folds it into the file."""


def fold_log(connection: Any, path: Path, stuck_at: int) -> int:
    """Fold a database's write-ahead log into the file when it has grown past `LOG_LIMIT`.

    ``connection`` is sqlite3's own, and the caller holds the locker's lock, so only readers can be in the
    way. SQLite's automatic checkpoint never waits: among readers who overlap it may never come to its end.
    This one waits half a second, for ours read no longer; where somebody else's holds on, it is tried again
    when the log has grown by as much again. Gives the size at which it got stuck, 0 when it did not: the
    next call's ``stuck_at``. A log that can't be folded is no failed write.
    """
    try:
        size = path.with_name(path.name + "-wal").stat().st_size
    except OSError:
        return 0
    if size < stuck_at + LOG_LIMIT:
        return stuck_at
    try:
        connection.execute("PRAGMA busy_timeout=500")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        busy = True
    finally:
        connection.execute("PRAGMA busy_timeout=30000")
    return size if busy else 0


def empty_log(connection: Any, path: Path) -> None:
    """Fold the whole write-ahead log into the file and empty it; ``connection`` is sqlite3's own.

    LockerBusy when a reader stands in the way for too long, MachineError when the disk fails.
    """
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        raise MachineError("can't be written", where=path.name, found=str(error).lower()) from error
    if busy:
        raise LockerBusy(
            "somebody reads this file and does not let go",
            where=path.name,
            hint="run the command again later",
        )


@functools.cache
def _boot_id() -> bytes | None:
    # No process outlives a boot, and every entry asks.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return None


def boot_clock() -> tuple[bytes, int] | None:
    """(the boot's id, milliseconds since boot), or None where the system does not tell."""
    if not HAS_BOOT_CLOCK:
        return None
    boot_id = _boot_id()
    if boot_id is None:
        return None
    return boot_id, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 if sys.platform == "linux" else 0
