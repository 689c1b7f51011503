"""Byte conservation: every byte of a file is in a message or in a named other range, or it is told.

Ranges are claimed in the order of the bytes. What lies between two claims is uncovered, and never passed
over in silence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The account of one file: ``size`` = bytes of all ``ranges`` + ``uncovered``, unless ranges ``overlap``."""

    size: int
    ranges: dict[str, int]
    uncovered: int
    overlaps: int

    @property
    def whole(self) -> bool:
        """True when no byte is without a name and none has two."""
        return not (self.uncovered or self.overlaps)


class Coverage:
    """Counts the claims on one file of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.position = 0
        """The first byte that nothing has claimed yet."""
        self._ranges: Counter[str] = Counter()
        self._uncovered = 0
        self._overlaps = 0

    def claim(self, start: int, end: int, what: str) -> tuple[int, int] | None:
        """Claim ``start`` to before ``end``. Gives the gap before it, if there is one."""
        gap = None
        if start > self.position:
            gap = (self.position, start)
            self._uncovered += start - self.position
            self.position = start
        if start < self.position or end < start or end > self.size:
            self._overlaps += 1
            start = max(start, self.position)
            end = min(end, self.size)
        if end > start:
            self._ranges[what] += end - start
            self.position = end
        return gap

    def finish(self) -> tuple[int, int] | None:
        """Nothing more is claimed. Gives the gap at the end, if there is one."""
        if self.position >= self.size:
            return None
        gap = (self.position, self.size)
        self._uncovered += self.size - self.position
        self.position = self.size
        return gap

    def account(self) -> Covered:
        """The account so far."""
        return Covered(
            size=self.size,
            ranges=dict(sorted(self._ranges.items())),
            uncovered=self._uncovered,
            overlaps=self._overlaps,
        )
