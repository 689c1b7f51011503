"""A sealed archive: a locker's files as one tar stream (POSIX.1-2001 pax) under one key, for backups.

Written and read in one pass and bounded memory. The tar inside is an ordinary one: whoever has the key
and any Cobblestone-256 program can unpack it with tools that have nothing to do with us.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from custody.crypto import sealing
from custody.errors import CheckFailed, FormatError, InputRefused
from custody.format.text import show

PIECE = 1 << 20


class _Sealing(io.RawIOBase):
    """What tarfile writes into: seals and passes on."""

    def __init__(self, put: Callable[[bytes | memoryview], object], key: bytes, context: bytes) -> None:
        self._put = put
        self._sealer = sealing.Sealer(key, context, PIECE)
        self.abandoned = False

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        for start in range(0, 0 if self.abandoned else len(view), PIECE):
            self._put(self._sealer.update(view[start : start + PIECE]))
        return len(view)

    def finish(self) -> None:
        self._put(self._sealer.finish())


class ArchiveWriter:
    """Seals files into an archive, in a ``with`` block; an exception leaves an archive that does not open."""

    def __init__(self, put: Callable[[bytes | memoryview], object], *, key: bytes, context: bytes) -> None:
        self._target = _Sealing(put, key, context)
        self._tar = tarfile.open(  # noqa: SIM115 — closed at the end of the block
            fileobj=self._target, mode="w|", format=tarfile.PAX_FORMAT, bufsize=PIECE
        )

    def add(self, name: str, source: BinaryIO, size: int) -> None:
        """Add ``size`` bytes under ``name``. InputRefused when the source has fewer.

        No owner, no time and no mode of this machine goes in.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        try:
            self._tar.addfile(info, source)
        except OSError as error:
            if error.errno is None:  # tarfile's own word for a source that ended early
                raise InputRefused(
                    "changed while it was read", where=name, expected=f"{size} bytes", hint="run it again"
                ) from error
            raise

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._target.abandoned = kind is not None
        self._tar.close()
        if kind is None:
            self._target.finish()


class _Opening(io.RawIOBase):
    """What tarfile reads from: opened pieces as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def drain(self) -> None:
        """Read to the end: only then is it sure that nothing is missing."""
        for _ in self._pieces:
            pass


MAX_HEADER = 4096
"""Bytes of one extended header: ours hold a size above 8 GiB and nothing else."""

# What tarfile raises for hostile headers, its own error aside: numbers that are none, and far too long ones.
_DAMAGED = (tarfile.TarError, ValueError, OverflowError)


class _Info(tarfile.TarInfo):
    """A header as our writer makes them. tarfile would read an extended one of any size into memory, and follow a
    chain of them by calling itself."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        extended = self.type == tarfile.XHDTYPE
        if not (extended or self.isreg()) or (
            extended and (self.size > MAX_HEADER or _Info._is_inside(archive))
        ):
            raise FormatError("a member that no backup has", where="backup", found=show(self.name, 80))
        archive.custody_inside = extended  # type: ignore[attr-defined]
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        archive.custody_inside = False  # type: ignore[attr-defined]
        return found

    @staticmethod
    def _is_inside(archive: tarfile.TarFile) -> bool:
        return bool(getattr(archive, "custody_inside", False))


class _Member(io.RawIOBase):
    """A member's content; a damaged archive is an error of ours here too, where its reader meets it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except _DAMAGED as error:
            raise _damaged(error) from error


def _damaged(error: Exception) -> FormatError:
    return FormatError("the archive in the backup is damaged", where="backup", found=show(str(error), 80))


def members(
    source: Iterator[bytes], *, key: bytes, context: bytes, allowed: re.Pattern[str]
) -> Iterator[tuple[str, int, BinaryIO]]:
    """(name, size, file) of each member in order; to be read before the next one is asked for.

    Only plain files with names that ``allowed`` matches, each once. Only when the iteration ends
    without an error is the archive whole. Raises CheckFailed (SealBroken) for sealed bytes that do not
    open, FormatError for an archive that is not like this.
    """
    opened = _Opening(sealing.open_stream(key, context, source, where="backup"))
    seen: set[str] = set()
    try:
        with tarfile.open(
            fileobj=io.BufferedReader(opened, PIECE), mode="r|", bufsize=PIECE, tarinfo=_Info
        ) as tar:
            for info in tar:
                if not info.isreg() or info.sparse is not None or not allowed.fullmatch(info.name):
                    raise FormatError(
                        "a member that no backup has", where="backup", found=show(info.name, 80)
                    )
                if info.name in seen:
                    raise FormatError("a member twice", where="backup", found=show(info.name, 80))
                seen.add(info.name)
                file = tar.extractfile(info)
                assert file is not None  # a plain file always has one
                yield info.name, info.size, _Member(file)  # type: ignore[misc]
                tar.members = []  # type: ignore[attr-defined] # else every header stays in memory
    except _DAMAGED as error:
        raise _damaged(error) from error
    opened.drain()


def unpack(name: str, size: int, source: BinaryIO, target: Path) -> None:
    """Write one member to a new file, whole. CheckFailed when it is shorter than stated."""
    left = size
    with target.open("xb") as file:
        while left and (piece := source.read(min(PIECE, left))):
            file.write(piece)
            left -= len(piece)
        if left:
            raise CheckFailed("the archive ends too early", where=name)
        file.flush()
