"""Bytes by their lines, through one window in memory: whatever the lines are, no more is held."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from custody.evidence.export import Bytes

SIZE = 1 << 20
LONGEST_LINE = 64 << 10
"""Of a longer line, `Window.line` gives pieces: only the last of them has a line end."""

_DASHED = re.compile(rb"^--[^\n]*", re.MULTILINE)
_LONGEST_BOUNDARY = 1_000


class Hit(NamedTuple):
    """A boundary line: where it begins, where the next line does, which boundary, and whether it closes."""

    start: int
    end: int
    boundary: bytes
    closes: bool


class Window:
    """Lines of ``data`` from ``start`` to before ``end``."""

    def __init__(self, data: Bytes, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self._data = data
        self._from = self._to = start
        self._held = b""

    def _load(self, at: int) -> None:
        self._held = self._data.read(at, min(at + SIZE, self.end))
        self._from = at
        self._to = at + len(self._held)
        if not self._held:
            self.end = min(self.end, at)  # fewer bytes than were promised: that is where it ends

    def bytes_at(self, at: int, count: int) -> bytes:
        """Up to ``count`` bytes (at most `SIZE`) from ``at`` on."""
        if not (self._from <= at and (at + count <= self._to or self._to >= self.end)):
            self._load(at)
        return self._held[at - self._from : at - self._from + count]

    def line(self, at: int) -> bytes:
        """The line that begins at ``at``, with its end; a piece of it when it is longer than LONGEST_LINE."""
        if at >= self.end:
            return b""
        if not self._from <= at < self._to:
            self._load(at)
        stop = self._held.find(b"\n", at - self._from, at - self._from + LONGEST_LINE)
        if stop < 0 and self._to < self.end and self._to - at < LONGEST_LINE:
            self._load(at)
            stop = self._held.find(b"\n", 0, LONGEST_LINE)
        if stop < 0:
            return self._held[at - self._from : at - self._from + LONGEST_LINE]
        return self._held[at - self._from : stop + 1]

    def next_line(self, at: int) -> int:
        """Where the line after the one that holds ``at`` begins."""
        while at < self.end:
            if not self._from <= at < self._to:
                self._load(at)
            stop = self._held.find(b"\n", at - self._from)
            if stop >= 0:
                return self._from + stop + 1
            at = max(self._to, at + 1)
        return self.end

    def boundary(self, at: int, known: Collection[bytes]) -> Hit | None:
        """The first boundary line of a ``known`` boundary at or behind ``at``, which begins a line."""
        while at < self.end:
            if not (self._from <= at < self._to):
                self._load(at)
            for match in _DASHED.finditer(self._held, at - self._from):
                if match.end() == len(self._held) and self._to < self.end:
                    break
                hit = self._judge(match.start(), match.end(), known)
                if hit is not None:
                    return hit
            if self._to >= self.end:
                return None
            # The next window begins with the last line of this one, which may be cut.
            last = self._from + self._held.rfind(b"\n") + 1
            at = max(last, at) if last > self._from else self.next_line(self._to)
            if at < self.end:
                self._load(at)
        return None

    def _judge(self, start: int, stop: int, known: Collection[bytes]) -> Hit | None:
        if stop - start > _LONGEST_BOUNDARY + 4:
            return None
        found = judge(self._held[start:stop], known)
        if found is None:
            return None
        return Hit(self._from + start, min(self._from + stop + 1, self.end), *found)

    def before_line_end(self, start: int, at: int) -> int:
        """``at``, or before the line end that stands right in front of it (not before ``start``)."""
        tail = self._data.read(max(start, at - 2), at)
        if tail.endswith(b"\r\n"):
            return at - 2
        return at - 1 if tail.endswith(b"\n") else at


def judge(line: bytes, known: Collection[bytes]) -> tuple[bytes, bool] | None:
    """Which of the ``known`` boundaries a line is the boundary line of, and whether it closes; else None."""
    if not line.startswith(b"--") or len(line) > _LONGEST_BOUNDARY + 4:
        return None
    text = line[2:].rstrip(b" \t\r\n")
    if text in known:
        return text, False
    if text.endswith(b"--") and (text := text[:-2].rstrip(b" \t")) in known:
        return text, True
    return None
