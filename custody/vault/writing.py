"""Writing sealed objects: in one pass over the source, in bounded memory, durable before they count.

Large content is hashed in threads beside the sealing and written back early; small files are sealed in
memory and made durable together. All of it lies in a staging folder until `store` gives it a name.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import functools
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from custody import machine
from custody.crypto import sealing
from custody.errors import InputRefused, MachineError
from custody.format.padding import padme

PIECE = 1 << 20
_WRITE_BACK = 64 << 20
"""Every so many bytes the kernel is told to start writing: without it the last fsync waits for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A sealed object that lies in the temporary folder, not yet evidence.

    ``object_id`` is the hex SHA-256 of the sealed bytes, ``padded`` the padded plaintext size,
    ``size`` and ``sha256`` those of the content.
    """

    object_id: str
    path: str
    padded: int
    size: int
    sha256: str
    digests: dict[str, str]


def seal_stream(
    source: BinaryIO,
    target: Path,
    *,
    key: bytes,
    context: bytes,
    size: int | None,
    digests: tuple[str, ...] = ("sha256",),
    progress: Callable[[int], None] | None = None,
) -> Staged:
    """Read ``source`` once, to its end: hash the plain bytes, seal, hash and write the sealed ones, fsync.

    ``size`` is what the source said that it is, or None (a pipe); when the bytes read differ from
    it, the source changed meanwhile and InputRefused is raised. Memory is bounded at any size.
    """
    plain_hash = _Hashing(*digests)
    sealed_hash = _Hashing("sha256")
    sealer = sealing.Sealer(key, context, PIECE)
    read = 0
    try:
        with target.open("xb", buffering=0) as file, plain_hash, sealed_hash, _WriteBack(file) as write_back:

            def put(piece: bytes | memoryview) -> None:
                data = bytes(piece)
                sealed_hash.update(data)
                write_all(file, data)
                write_back.wrote(len(data))

            while piece := source.read(PIECE):
                plain_hash.update(piece)
                read += len(piece)
                put(sealer.update(piece))
                if progress is not None:
                    progress(len(piece))
            padded = padme(read)
            rest = padded - read
            while rest:
                zeros = min(rest, PIECE)
                put(sealer.update(bytes(zeros)))
                rest -= zeros
            put(sealer.finish())
            machine.at_point("object written")
            write_back.finish()
            machine.at_point("object synced")
    except OSError as error:
        target.unlink(missing_ok=True)
        raise machine_error(error, "the vault can't be written") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if size is not None and read != size:
        target.unlink(missing_ok=True)
        raise InputRefused(
            "changed while it was read",
            expected=f"{size} bytes",
            found=f"{read}",
            hint="collect it when nothing writes it",
        )
    plain = plain_hash.hexdigests()
    return Staged(
        object_id=sealed_hash.hexdigests()["sha256"],
        path=str(target),
        padded=padded,
        size=read,
        sha256=plain["sha256"],
        digests=plain,
    )


def hash_stream(
    source: BinaryIO, digests: tuple[str, ...], progress: Callable[[int], None] | None = None
) -> tuple[dict[str, str], int]:
    """Digests (hex) and size of what ``source`` gives to its end; nothing is written anywhere."""
    read = 0
    with _Hashing(*digests) as hashing:
        while piece := source.read(PIECE):
            hashing.update(piece)
            read += len(piece)
            if progress is not None:
                progress(len(piece))
    return hashing.hexdigests(), read


class Flusher:
    """Makes small files durable together: all are written first, then synced beside each other.

    One commit of the file system's journal then serves many: on a busy disk 0.3 ms a file instead of 2 to 3
    (ext4, files of 22 KiB). `syncfs` is no faster, reports no failed write before Linux 5.8, and waits for
    everybody else's writes. What was added is durable when the block is left, but for what `failed` names
    (by path).
    """

    def __init__(self) -> None:
        self.failed: dict[str, MachineError] = {}
        self._files: list[tuple[int, str]] = []

    def __enter__(self) -> Flusher:
        return self

    def add(self, descriptor: int, path: str) -> None:
        """Take over an open, written file: it is synced and closed at the end."""
        self._files.append((descriptor, path))

    def __exit__(self, *_: object) -> None:
        if hasattr(os, "posix_fadvise"):
            # On Linux this begins to write a file back (and only begins). All have their places on the disk
            # when the first is synced, and one commit of the journal has all of them. Begun here, one after
            # the other, it costs half of what it does between the writing of two files.
            for descriptor, _path in self._files:
                with contextlib.suppress(OSError):
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        # A share for each thread, not a task for each file, which took as long again as the syncing.
        for failed in _syncers().map(_sync, [self._files[at::_SYNCERS] for at in range(_SYNCERS)]):
            for path, error in failed:
                self.failed[path] = machine_error(error, "the vault can't be written")


_SYNCERS = 4


@functools.cache
def _syncers() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(_SYNCERS, "sync")


def _sync(files: Sequence[tuple[int, str]]) -> list[tuple[str, OSError]]:
    """Sync and close these files, each whatever became of the others; gives those that failed."""
    failed = []
    for descriptor, path in files:
        try:
            try:
                os.fsync(descriptor)
                machine.at_point("object synced")
            finally:
                os.close(descriptor)
        except OSError as error:
            failed.append((path, error))
    return failed


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def seal_bytes(
    data: bytes,
    target: str,
    *,
    key: bytes,
    context: bytes,
    digests: Mapping[str, str],
    flusher: Flusher | None = None,
) -> Staged:
    """As `seal_stream` for content in memory whose ``digests`` (hex) are known, without threads: small files are many.

    Durable on return; with a ``flusher``, once that is left.
    """
    padded = padme(len(data))
    sealed = sealing.seal(key, context, data + bytes(padded - len(data)))
    try:
        descriptor = os.open(target, _NEW, 0o600)
        try:
            write_whole(descriptor, sealed)
            machine.at_point("object written")
            if flusher is None:
                os.fsync(descriptor)
                machine.at_point("object synced")
        except BaseException:
            os.close(descriptor)
            raise
        if flusher is None:
            os.close(descriptor)
        else:
            flusher.add(descriptor, target)
    except OSError as error:
        Path(target).unlink(missing_ok=True)
        raise machine_error(error, "the vault can't be written") from error
    return Staged(
        object_id=hashlib.sha256(sealed).hexdigest(),
        path=target,
        padded=padded,
        size=len(data),
        sha256=digests["sha256"],
        digests=dict(digests),
    )


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write all of ``data``: one call may write less."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def write_whole(descriptor: int, data: bytes) -> None:
    """As `write_all` to a descriptor, without a file object around it: small files are many."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def machine_error(error: OSError, what: str) -> MachineError:
    """A failed call of the system in words; ``what`` is the fact where it is not a full disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MachineError(
            "the disk is full",
            hint="free some space, then run the command again: what was reported as in, is in",
        )
    return MachineError(what, found=error.strerror or type(error).__name__)


class _Hashing:
    """Hashes pieces in a thread for each algorithm, beside sealing and writing (hashlib lets go of the GIL)."""

    def __init__(self, *algorithms: str) -> None:
        self._hashes = {name: hashlib.new(name) for name in algorithms}
        self._queues: list[queue.Queue[bytes | None]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> _Hashing:
        for digest in self._hashes.values():
            pieces: queue.Queue[bytes | None] = queue.Queue(4)
            thread = threading.Thread(target=self._run, args=(digest.update, pieces), daemon=True)
            thread.start()
            self._queues.append(pieces)
            self._threads.append(thread)
        return self

    @staticmethod
    def _run(update: Callable[[bytes], None], pieces: queue.Queue[bytes | None]) -> None:
        while (piece := pieces.get()) is not None:
            update(piece)

    def update(self, piece: bytes) -> None:
        for pieces in self._queues:
            pieces.put(piece)

    def __exit__(self, *_: object) -> None:
        for pieces in self._queues:
            pieces.put(None)
        for thread in self._threads:
            thread.join()

    def hexdigests(self) -> dict[str, str]:
        """After the block: the digests in hex."""
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}


class _WriteBack:
    """Starts writing to the disk early, in a helper thread; `finish` makes all durable."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def __enter__(self) -> _WriteBack:
        return self

    def wrote(self, count: int) -> None:
        self._pending += count
        if self._pending >= _WRITE_BACK and (self._thread is None or not self._thread.is_alive()):
            self._pending = 0
            self._thread = threading.Thread(target=self._flush, daemon=True)
            self._thread.start()

    def _flush(self) -> None:
        try:
            # fdatasync where there is one: no metadata needs writing while the file grows
            getattr(os, "fdatasync", os.fsync)(self._file.fileno())
        except OSError as error:
            self._error = error

    def finish(self) -> None:
        self._join()
        if self._error is not None:
            # A failed write-back is reported once by the kernel: a later fsync would say all is well.
            raise self._error
        os.fsync(self._file.fileno())

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def __exit__(self, *_: object) -> None:
        self._join()
