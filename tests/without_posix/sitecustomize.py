"""Take away from this interpreter what only POSIX systems have, as far as custody's own code can see.

With ``CUSTODY_TEST_WITHOUT_POSIX=1`` the tests run under this (``tests/conftest.py``), and so do the Python processes
that they start (this folder stands first in their PYTHONPATH): a call without its guard fails here, on Linux,
instead of on somebody's Windows laptop. The standard library goes on seeing the real system, or pytest itself
could not run.
"""

from __future__ import annotations

import builtins
import errno
import os
import sys
import time
import types
from typing import Any

# Names that Windows does not have (CPython's documentation, "Availability: Unix").
MODULES = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog"}
OS_NAMES = {
    "O_DIRECTORY", "O_NOFOLLOW", "O_TMPFILE", "O_NOATIME", "O_CLOEXEC", "posix_fadvise", "sync_file_range",
    "posix_fallocate", "copy_file_range", "fchmod", "fchown", "chown", "geteuid", "getuid", "getgid", "fork", "setsid",
    "killpg", "mkfifo", "pread", "pwrite", "sched_getaffinity", "statvfs", "fstatvfs", "fdatasync", "sync", "sendfile",
    "memfd_create", "nice", "getxattr", "uname",
}  # fmt: skip
TIME_NAMES = {
    "CLOCK_BOOTTIME",
    "CLOCK_MONOTONIC_RAW",
    "CLOCK_MONOTONIC",
    "clock_gettime",
    "clock_gettime_ns",
    "tzset",
}


def _asked_by_custody(depth: int = 2) -> bool:
    try:
        name = str(sys._getframe(depth).f_globals.get("__name__", ""))
    except ValueError:  # python -m: the import comes from outside any frame of ours
        return False
    return name == "custody" or name.startswith("custody.")


class _Without(types.ModuleType):
    """A module as custody sees it: some names are absent, the others are looked up in the real one.

    Looked up each time, so that a test which puts a fault into ``os.fsync`` reaches custody here too.
    """

    def __init__(self, real: types.ModuleType, absent: set[str], instead: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(instead, _real=real, _absent=absent)

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        return getattr(self._real, name)


def _locks() -> types.ModuleType:
    """Enough of ``msvcrt`` to lock a file: the lock belongs to the open file, as on Windows."""
    import fcntl

    msvcrt = types.ModuleType("msvcrt")
    msvcrt.LK_LOCK, msvcrt.LK_NBLCK, msvcrt.LK_UNLCK = 1, 2, 0  # type: ignore[attr-defined]

    def locking(fd: int, mode: int, nbytes: int) -> None:
        if mode == 0:
            fcntl.flock(fd, fcntl.LOCK_UN)
            return
        for attempt in range(10 if mode == 1 else 1):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if mode == 1 and attempt < 9:
                    time.sleep(1)
                continue
            return
        raise OSError(errno.EACCES, "Permission denied")

    msvcrt.locking = locking  # type: ignore[attr-defined]
    return msvcrt


def _open(path: Any, flags: int, *rest: Any, **more: Any) -> int:
    # Windows opens no folder as a file: this is where the guard of every "fsync the folder" must hold.
    if isinstance(path, str | bytes | os.PathLike) and os.path.isdir(path):  # noqa: PTH112
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
    return os.open(path, flags, *rest, **more)


def install() -> None:
    """Put the lesser modules in place of the real ones, for importers within custody only."""
    if getattr(builtins, "_custody_without_posix", False):
        return
    builtins._custody_without_posix = True  # type: ignore[attr-defined]
    lesser = {
        "os": _Without(os, OS_NAMES, {"name": "nt", "open": _open, "O_BINARY": 0}),
        "time": _Without(time, TIME_NAMES, {}),
        "msvcrt": _locks(),
    }
    real_import = builtins.__import__

    def lesser_import(name: str, *rest: Any, **more: Any) -> Any:
        if _asked_by_custody():
            if name in MODULES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if name == "msvcrt":
                return lesser[name]
        found = real_import(name, *rest, **more)
        # `import os.path` gives os, `from os.path import x` gives os.path: so ask what came back.
        if _asked_by_custody() and isinstance(found, types.ModuleType) and found in (os, time):
            return lesser[found.__name__]
        return found

    builtins.__import__ = lesser_import


if os.environ.get("CUSTODY_TEST_WITHOUT_POSIX"):
    install()
