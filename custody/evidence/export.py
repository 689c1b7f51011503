"""What a reader is given: the bytes of an export, by ranges, and nothing of the machine that they lie on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

WINDOW = 4 << 20
"""Bytes that a reader should ask for at once: any export must be read in bounded memory."""


class Bytes(Protocol):
    """Bytes that can be read anywhere, in ranges."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.data)

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``."""
        return self.data[start:end]


HELD = 1 << 20
"""Bytes of one message that may be in memory; what is longer is a `Cut`."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A range of other bytes, read only when asked: for a message that is too long to hold."""

    of: Bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.end - self.start

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``, counted from the first of the range."""
        return self.of.read(self.start + start, min(self.start + end, self.end))


def cut(of: Bytes, start: int, end: int) -> bytes | Cut:
    """The bytes of a range for `Message.raw`: themselves, or a `Cut` where they are many."""
    return of.read(start, end) if end - start <= HELD else Cut(of, start, end)


def pieces(data: Bytes, start: int, end: int, size: int = HELD) -> Iterator[bytes]:
    """The bytes of a range, ``size`` of them at a time."""
    while start < end and (piece := data.read(start, min(start + size, end))):
        yield piece
        start += len(piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of an export: the only one, or one of a zip. Its name is outside text, never a path to open.

    ``modified``: the time that the zip states for it (`YYYY-MM-DD HH:MM:SS`, in nobody's zone), or None.
    """

    index: int
    name: str
    size: int
    open: Callable[[], Bytes] = field(repr=False, compare=False)
    modified: str | None = None

    @property
    def base(self) -> str:
        """The last part of the name."""
        return self.name.replace("\\", "/").rstrip("/").rpartition("/")[2]

    def head(self, count: int = 64 << 10) -> bytes:
        """Its first bytes, for telling what it is."""
        return self.open().read(0, min(count, self.size))

    def windows(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of all of it from ``start`` on, a window at a time."""
        data = self.open()
        while start < data.size and (piece := data.read(start, min(start + WINDOW, data.size))):
            yield start, piece
            start += len(piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An item that may be a chat's export. ``name``: its file name as found, shown to a reader only.

    ``unpacked``: "gzip" where places are those of what a packed file holds. ``zipped``: whether the members lie in a
    zip; a single file is its own only member, of its own name.
    """

    name: str
    members: tuple[Member, ...]
    zipped: bool = False
    unpacked: str | None = None

    @classmethod
    def of(cls, name: str, data: bytes) -> Export:
        """An export of one file in memory."""
        held = Held(data)
        return cls(name=name, members=(Member(index=0, name=name, size=len(data), open=lambda: held),))
