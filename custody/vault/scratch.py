"""Scratch: bytes that can be read anywhere, for a moment; in memory while small, else encrypted on the disk.

Plain content must not reach a disk, not even deleted: whoever steals the machine could read it there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from custody.crypto import scratch
from custody.errors import MachineError
from custody.vault.writing import machine_error, write_all

IN_MEMORY = 32 << 20
"""Up to this size nothing is written."""
_STEP = 1 << 20


class Scratch:
    """Bytes taken from ``pieces``; they are gone when it is closed, or with the process.

    ``key``: 32 random bytes, for this scratch alone. ``folder``: where the nameless file may lie. Raises
    MachineError when that can't be written; what ``pieces`` raises comes through, and nothing is left.
    """

    def __init__(self, pieces: Iterable[bytes], *, folder: Path, key: bytes) -> None:
        self._key = key
        self._held = bytearray()
        self._descriptor: int | None = None
        self._path: Path | None = None
        self.size = 0
        try:
            for piece in pieces:
                self._held += piece
                self.size += len(piece)
                if self.size > IN_MEMORY:
                    self._spill(folder)
            if self._descriptor is not None:
                self._write(len(self._held))
        except OSError as error:
            self.close()
            raise machine_error(error, "scratch space can't be written") from error
        except BaseException:
            self.close()
            raise

    def _spill(self, folder: Path) -> None:
        if self._descriptor is None:
            # Not the key's own bytes: where names of open files stay, a crash leaves them beside what it opens.
            path = folder / f"scratch-{hashlib.sha256(self._key).hexdigest()[:8]}"
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
            )
            self._path = path
            self._unlink()
            self._written = 0
        self._write(len(self._held) // _STEP * _STEP)

    def _unlink(self) -> None:
        # Where a system keeps the names of open files, it goes when it is closed; it is encrypted either way.
        with contextlib.suppress(OSError):
            if self._path is not None:
                self._path.unlink()
                self._path = None

    def _write(self, count: int) -> None:
        if not count:
            return
        assert self._descriptor is not None
        data = scratch.crypt(self._key, self._written, bytes(self._held[:count]))
        with os.fdopen(os.dup(self._descriptor), "wb", buffering=0) as file:
            file.seek(self._written)
            write_all(file, data)
        self._written += count
        del self._held[:count]

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``; fewer only at the end."""
        end = min(end, self.size)
        if start >= end:
            return b""
        if self._descriptor is None:
            return bytes(self._held[start:end])
        begin = start // scratch.BLOCK * scratch.BLOCK
        try:
            data = b""
            while len(data) < end - begin:
                piece = _read_at(self._descriptor, end - begin - len(data), begin + len(data))
                if not piece:
                    raise MachineError("scratch space can't be read", found="it ends too early")
                data += piece
        except OSError as error:
            raise machine_error(error, "scratch space can't be read") from error
        return scratch.crypt(self._key, begin, data)[start - begin :]

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._unlink()
        self._held.clear()
        self.size = 0

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_at(descriptor: int, count: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, count, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)  # one reader at a time: a scratch belongs to one derivation
    return os.read(descriptor, count)
