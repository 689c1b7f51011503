"""Taking one file in: read it once, hash it, look at its type, seal it. Runs in worker processes too.

Nothing here knows the ledger. A worker gets the item's keys, gives back sealed bytes and facts, and
forgets both; what it wrote lies in the staging folder until the main process publishes it.
"""

from __future__ import annotations

import errno
import hashlib
import io
import multiprocessing
import os
import secrets
import signal
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from custody.crypto import sealing
from custody.errors import CustodyError, InputRefused, MachineError
from custody.evidence import sniff
from custody.format import compartments, contexts
from custody.format import entry as entries
from custody.vault import store as vaults

SMALL = 1 << 20
"""Files up to this size are read whole; larger ones stream with threads of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to take in. ``data`` instead of a path: content that was typed or is in memory.

    ``told`` is what the record keeps of the path.
    """

    item: str
    path: bytes | None
    told: bytes | None
    keys: Mapping[str, bytes]
    origin: str
    staging: str
    digests: tuple[str, ...]
    handling: tuple[str, ...]
    expect: str | None = None
    data: bytes | None = None
    name: bytes = b""
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sealed file: its staged object, the sealed parts of its first entry, and what was found."""

    item: str
    path: bytes | None
    staged: vaults.Staged
    parts: Mapping[str, bytes]
    media_type: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A file that could not be taken, why, and whether this machine is at fault (then all must stop)."""

    item: str
    path: bytes | None
    code: str
    reason: str
    machine: str | None = None
    hint: str | None = None


def begin_worker() -> None:
    """For workers: Ctrl-C is the main process's business, which lets a batch end well; its end is theirs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed main process (SIGKILL, out of memory) says nothing to its workers: they would wait for work
    # for ever, with items' keys in memory.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def take(job: Job, progress: Callable[[int], None] | None = None) -> Taken | NotTaken:
    """Take one file in, or say why not. Raises nothing of the file's; the job's staging must exist."""
    try:
        if job.data is not None:
            return _take_bytes(job, job.data, None)
        return _take_file(job, progress)
    except MachineError as error:
        return NotTaken(
            item=job.item,
            path=job.path,
            code="machine",
            reason=error.message,
            machine=error.what,
            hint=error.hint,
        )
    except CustodyError as error:
        return NotTaken(item=job.item, path=job.path, code="refused", reason=error.message, hint=error.hint)
    except OSError as error:
        return NotTaken(
            item=job.item,
            path=job.path,
            code=_code(error),
            reason=f"can't be read: {error.strerror or type(error).__name__}",
        )


def take_stream(job: Job, stream: BinaryIO, progress: Callable[[int], None] | None = None) -> Taken:
    """Take what a stream gives to its end (standard input)."""
    staged, head, tail = _seal(job, stream, None, progress)
    return _finish(job, staged, head, tail, None)


def _code(error: OSError) -> str:
    return "missing" if error.errno == errno.ENOENT else "unreadable"


def _open(path: bytes) -> BinaryIO:
    # The file may have been exchanged since it was looked at: never follow a link, never block on a pipe.
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    if not hasattr(os, "O_NOFOLLOW"):
        named = os.lstat(path)
        opened = os.fstat(file.fileno())
        if (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino):
            file.close()
            raise InputRefused("a link, or exchanged while it was opened: it is not followed")
    return file


def _take_file(job: Job, progress: Callable[[int], None] | None) -> Taken:
    assert job.path is not None
    with _open(job.path) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise InputRefused("no longer a regular file")
        if before.st_size <= SMALL:
            data = file.read(SMALL + 1)
            while len(data) <= SMALL and (more := file.read(SMALL + 1)):
                data += more
            _check_unchanged(before, os.fstat(file.fileno()), len(data))
            taken = _take_bytes(job, data, before)
            if progress is not None:
                progress(len(data))
            return taken
        staged, head, tail = _seal(job, file, before.st_size, progress)
        try:
            _check_unchanged(before, os.fstat(file.fileno()), staged.size)
            return _finish(job, staged, head, tail, before)
        except BaseException:
            Path(staged.path).unlink(missing_ok=True)
            raise


def _check_unchanged(before: os.stat_result, after: os.stat_result, read: int) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or read != before.st_size:
        raise InputRefused(
            "changed while it was read",
            expected=f"{before.st_size} bytes",
            found=f"{read}",
            hint="collect it when nothing writes it",
        )


class _Keeping(io.RawIOBase):
    """A stream that keeps the first and the last bytes that went through it, for sniffing."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = b""
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size) or b""
        if len(self.head) < sniff.HEAD_SIZE:
            self.head += piece[: sniff.HEAD_SIZE - len(self.head)]
        self.tail = (self.tail + piece[-sniff.TAIL_SIZE :])[-sniff.TAIL_SIZE :]
        return piece


def _seal(
    job: Job, stream: BinaryIO, size: int | None, progress: Callable[[int], None] | None
) -> tuple[vaults.Staged, bytes, bytes]:
    keeping = _Keeping(stream)
    staged = vaults.seal_stream(
        keeping,  # type: ignore[arg-type]
        _target(job),
        key=sealing.object_key(job.keys["object"], job.origin, job.item),
        context=contexts.object_(job.origin, job.item),
        size=size,
        digests=job.digests,
        progress=progress,
    )
    return staged, keeping.head, keeping.tail


def _take_bytes(job: Job, data: bytes, status: os.stat_result | None) -> Taken:
    if job.expect is not None:
        _check_expected(job, hashlib.sha256(data).hexdigest())
    staged = vaults.seal_bytes(
        data,
        _target(job),
        key=sealing.object_key(job.keys["object"], job.origin, job.item),
        context=contexts.object_(job.origin, job.item),
        digests=job.digests,
    )
    return _finish(job, staged, data[: sniff.HEAD_SIZE], data[-sniff.TAIL_SIZE :], status)


def _target(job: Job) -> Path:
    return Path(job.staging) / secrets.token_hex(8)


def _check_expected(job: Job, sha256: str) -> None:
    if job.expect is not None and sha256 != job.expect:
        raise InputRefused(
            "not the bytes that the sender describes",
            expected=f"sha256:{job.expect}",
            found=f"sha256:{sha256}",
            hint="ask for the file again; or collect it as it is, without --expect, and say so in its note",
        )


def _finish(
    job: Job, staged: vaults.Staged, head: bytes, tail: bytes, status: os.stat_result | None
) -> Taken:
    try:
        _check_expected(job, staged.sha256)
        if job.media_type is None:
            kind = sniff.sniff(head, staged.size, tail=tail)
        else:
            kind = sniff.Sniffed(media_type=job.media_type, how="structure")
        name = job.name if job.path is None else os.path.basename(job.path)
        extension = os.path.splitext(name)[1].lstrip(b".").decode("ascii", "replace").lower()
        # What we made ourselves has no doubts about its type; no list has our own types' extensions.
        flags = (
            sniff.flags(head, tail, staged.size, kind.media_type, extension) if job.media_type is None else ()
        )
        content: dict[str, Any] = {
            "digests": staged.digests,
            "size": staged.size,
            "media_type": kind.media_type,
            "media_type_from": kind.how,
            "flags": list(flags),
        }
        if job.expect is not None:
            content["expected"] = {"sha256": job.expect, "match": True}
        named: dict[str, Any] = {"name": compartments.name_value(name)}
        if job.told is not None:
            named["path"] = compartments.name_value(job.told)
        if status is not None:
            named["times"] = {"modified": str(status.st_mtime_ns), "changed": str(status.st_ctime_ns)}
        values = {"content": content, "name": named, "handling": {"flags": list(job.handling)}}
        parts = {}
        for part, value in values.items():
            entries.check_compartment(part, value, where="item.collected")
            parts[part] = sealing.seal_compartment(
                job.keys[sealing.class_of(part)], job.origin, job.item, 0, part, value
            )
    except BaseException:
        Path(staged.path).unlink(missing_ok=True)
        raise
    return Taken(
        item=job.item, path=job.path, staged=staged, parts=parts, media_type=kind.media_type, flags=flags
    )
