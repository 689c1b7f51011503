"""Zip files that somebody else made: their members, and each member's bytes, with every promise of theirs doubted.

Names are texts to show, never paths. Nothing is unpacked to a place of the archive's choosing. What can't
be opened (encrypted, damaged, overlapping, too large, of an unknown method) is said, and the archive is kept
byte for byte all the same.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from custody.errors import InputRefused
from custody.evidence.export import Bytes
from custody.format.text import show

MAX_MEMBERS = 100_000
MAX_DIRECTORY = 64 << 20
"""Bytes of the central directory: it is read into memory."""
MAX_MEMBER = 8 << 30
MAX_RATIO = 1100
"""Deflate can't do better than 1,032 to 1; what states more lies."""
MAX_ALL = 64 << 30
_PIECE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_END = b"PK\x05\x06"


class _File(io.RawIOBase):
    """Bytes as the file that `zipfile` wants."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._data.size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = self._data.read(self._at, self._at + len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member as the central directory states it. ``problem``: why its bytes can't be had, or None.

    ``index`` counts all members from 0, folders included; ``modified`` is the stated DOS time, in no zone.
    """

    index: int
    name: str
    size: int
    folder: bool
    modified: str | None
    problem: str | None


class Archive:
    """An outside zip. InputRefused when it is none, or its list of members can't be trusted at all."""

    def __init__(self, data: Bytes, *, where: str) -> None:
        self._where = where
        _check_end(data, where)
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(_File(data), 1 << 16))
            infos = self._zip.infolist()
        except (
            zipfile.BadZipFile,
            ValueError,
            OverflowError,
            OSError,
            EOFError,
            NotImplementedError,
        ) as error:
            raise _refused("not a zip that can be read", where, str(error)) from error
        if len(infos) > MAX_MEMBERS:
            raise _refused("a zip of too many members", where, f"{len(infos)}")
        self._infos = infos
        crowded = _overlapping(infos, data.size)
        total = 0
        entries = []
        for index, info in enumerate(infos):
            total += info.file_size
            entries.append(
                Entry(
                    index=index,
                    name=_name(info),
                    size=info.file_size,
                    folder=info.filename.endswith("/"),
                    modified=_modified(info),
                    problem="overlaps another member" if index in crowded else _problem(info, total),
                )
            )
        self.entries = tuple(entries)

    def pieces(self, index: int) -> Iterator[bytes]:
        """A member's bytes, checked against its stated size and checksum; InputRefused where they differ."""
        entry, info = self.entries[index], self._infos[index]
        where = f"{self._where}: {show(entry.name, 120)}"
        if entry.problem is not None:
            raise _refused(f"can't be unpacked: {entry.problem}", where)
        left = entry.size
        try:
            with self._zip.open(info) as member:
                while piece := member.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise _refused("longer than the zip states", where, f"more than {entry.size} bytes")
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise _refused("damaged inside the zip", where, str(error)) from error
        except NotImplementedError as error:
            raise _refused("can't be unpacked here", where, str(error)) from error
        if left:
            raise _refused("shorter than the zip states", where, f"{entry.size - left} of {entry.size} bytes")


def _refused(what: str, where: str, found: str | None = None) -> InputRefused:
    return InputRefused(
        what,
        where=where,
        found=None if found is None else show(found, 120),
        hint="it is kept as it is; only reading what is in it was given up",
    )


def _check_end(data: Bytes, where: str) -> None:
    """Refuse a central directory that would take too much memory, before anything reads it."""
    tail = data.read(max(0, data.size - (66 << 10)), data.size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise _refused("not a zip: it has no end record", where)
    size, count = (
        int.from_bytes(tail[at + 12 : at + 16], "little"),
        int.from_bytes(tail[at + 10 : at + 12], "little"),
    )
    if size == 0xFFFFFFFF or count == 0xFFFF:
        record = tail.rfind(b"PK\x06\x06", 0, at)
        if record < 0 or at < record + 56:
            raise _refused("a zip64 without its own end record", where)
        size = int.from_bytes(tail[record + 40 : record + 48], "little")
        count = int.from_bytes(tail[record + 32 : record + 40], "little")
    if size > MAX_DIRECTORY or count > MAX_MEMBERS:
        raise _refused(
            "a zip with too large a list of members", where, f"{count} members, {size} bytes of list"
        )


def _overlapping(infos: list[zipfile.ZipInfo], size: int) -> set[int]:
    """Members whose packed bytes lie over another's: one kilobyte can so be a thousand files."""
    crowded: set[int] = set()
    ordered = sorted(range(len(infos)), key=lambda at: infos[at].header_offset)
    end, last = -1, -1
    for at in ordered:
        info = infos[at]
        # 30 bytes of local header and the name at least; its extra field is not known before it is read.
        stop = info.header_offset + 30 + info.compress_size
        if info.header_offset < end:
            crowded |= {at, last}
        if stop > size:
            crowded.add(at)
        if stop > end:
            end, last = stop, at
    return crowded


def _problem(info: zipfile.ZipInfo, total: int) -> str | None:
    if info.flag_bits & 0x41:
        return "encrypted"
    if info.compress_type not in _METHODS:
        return f"packed by method {info.compress_type}, which is not read here"
    if info.file_size > MAX_MEMBER:
        return "larger than 8 GiB"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return "its sizes contradict each other"
    if info.file_size > (1 << 20) and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return "a zip bomb: it states more than any packing can hold"
    if total > MAX_ALL:
        return "the members together are larger than 64 GiB"
    return None


def _name(info: zipfile.ZipInfo) -> str:
    # zipfile cuts a name at its first zero byte; what was before it is what others show too.
    return info.filename.encode("utf-8", "backslashreplace").decode("utf-8")


def _modified(info: zipfile.ZipInfo) -> str | None:
    year, month, day, hour, minute, second = info.date_time
    if (year, month, day) == (1980, 1, 1) or not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}"
