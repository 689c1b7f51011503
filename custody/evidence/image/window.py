"""Bytes read by ranges with a small window kept, and ranges of a file put together as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from custody.evidence.export import Bytes, Held

_KEPT = 32 << 10


class Window:
    """A file of any size: small reads are answered from one window of it that is kept."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self.size = data.size
        self._start = 0
        self._held = b""

    def take(self, start: int, count: int) -> bytes:
        """The bytes from ``start`` on, ``count`` of them or as many as there are."""
        if start < 0 or count <= 0 or start >= self.size:
            return b""
        end = min(start + count, self.size)
        if end - start > _KEPT:
            return self._data.read(start, end)
        if start < self._start or end > self._start + len(self._held):
            self._start = start
            self._held = self._data.read(start, min(start + _KEPT, self.size))
        return self._held[start - self._start : end - self._start]

    def number(self, start: int, count: int, order: str = "big") -> int | None:
        """An unsigned number of ``count`` bytes, or None where the file ends before."""
        data = self.take(start, count)
        if len(data) < count:
            return None
        return int.from_bytes(data, "big" if order == "big" else "little")

    def read(self, start: int, end: int) -> bytes:
        """As `Bytes.read`, so that a window is one."""
        return self.take(start, end - start)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of a file, read as if they were one after the other; tells each byte's place in the file."""

    window: Window
    ranges: tuple[tuple[int, int], ...]
    before: tuple[int, ...]
    """How many bytes lie before each range."""
    size: int
    fixed: tuple[int, int] | None = None
    """Where all of it stands in the file, if it had to be unpacked and single bytes have no place."""

    @classmethod
    def unpacked(cls, data: bytes, start: int, end: int) -> Ranges:
        """Bytes that stand packed at one place of the file."""
        return cls(
            Window(Held(data)),
            ((0, len(data)),) if data else (),
            (0,) if data else (),
            len(data),
            (start, end),
        )

    @classmethod
    def of(cls, window: Window, ranges: Sequence[tuple[int, int]]) -> Ranges:
        """Ranges cut to the file; empty ones left out."""
        kept: list[tuple[int, int]] = []
        before: list[int] = []
        total = 0
        for start, end in ranges:
            start, end = max(0, start), min(end, window.size)
            if start < end:
                kept.append((start, end))
                before.append(total)
                total += end - start
        return cls(window, tuple(kept), tuple(before), total)

    def take(self, start: int, count: int) -> bytes:
        """The bytes from ``start`` on, ``count`` of them or as many as there are."""
        if start < 0 or count <= 0 or start >= self.size:
            return b""
        count = min(count, self.size - start)
        if len(self.ranges) == 1:
            return self.window.take(self.ranges[0][0] + start, count)
        found = []
        at = bisect_right(self.before, start) - 1
        while count > 0 and at < len(self.ranges):
            first, end = self.ranges[at]
            first += start - self.before[at]
            piece = self.window.take(first, min(count, end - first))
            found.append(piece)
            start += len(piece)
            count -= len(piece)
            at += 1
        return b"".join(found)

    def place(self, start: int, count: int = 0) -> tuple[int, int]:
        """Where the bytes stand in the file; for bytes in several ranges, from the first of them to the last."""
        if self.fixed is not None:
            return self.fixed
        if not self.ranges:
            return 0, 0
        first, last = self._at(start), self._at(start + max(count, 1) - 1)
        begin, end = self._one(first, start), self._one(last, start + max(count, 1) - 1)
        if first == last:
            return begin, end + (1 if count else 0)
        between = self.ranges[first + 1 : last]
        starts = [begin, self.ranges[last][0], *(one[0] for one in between)]
        ends = [self.ranges[first][1], end + 1, *(one[1] for one in between)]
        return min(starts), max(ends)

    def _at(self, at: int) -> int:
        return max(0, bisect_right(self.before, max(0, min(at, self.size - 1))) - 1)

    def _one(self, number: int, at: int) -> int:
        return self.ranges[number][0] + max(0, min(at, self.size - 1)) - self.before[number]
