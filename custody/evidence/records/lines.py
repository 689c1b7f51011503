"""Lines of a file with their places, in bounded memory: for readers of logs and other line by line formats."""

from __future__ import annotations

from collections.abc import Iterator

from custody.evidence.export import HELD, Cut, Member

LONGEST = HELD
"""Bytes of a line that are held; what is longer comes as a `Cut`, and is no row of any log."""


def lines(member: Member) -> Iterator[tuple[int, bytes | Cut]]:
    """(start, line with its line end) of every line; the last may have no line end. Empty files have none.

    A line ends with ``\\n`` (a ``\\r`` before it belongs to the line's end). One longer than LONGEST is a `Cut`.
    """
    start = 0
    rest = b""
    long_from: int | None = None
    for offset, window in member.windows():
        first = window.find(b"\n")
        if first < 0:
            if long_from is None:
                rest += window
                if len(rest) > LONGEST:
                    long_from, rest = start, b""
            continue
        if long_from is not None:
            start = offset + first + 1
            yield long_from, Cut(member.open(), long_from, start)
            long_from, window, rest = None, window[first + 1 :], b""
        *whole, tail = (rest + window).split(b"\n")
        for line in whole:
            length = len(line) + 1
            if length > LONGEST:
                yield start, Cut(member.open(), start, start + length)
            else:
                yield start, line + b"\n"
            start += length
        rest = tail
        if len(rest) > LONGEST:
            long_from, rest = start, b""
    if long_from is not None:
        yield long_from, Cut(member.open(), long_from, member.size)
    elif rest:
        yield start, rest


BLOCK = 16 << 10
"""Bytes of a block of lines: so few that what is made of them stays in the processor's caches."""


def blocks(member: Member) -> Iterator[tuple[int, bytes | Cut]]:
    """(start, some whole lines) of a file, for readers that take in many lines at once.

    Only the last block may not end with a line's end. A line longer than LONGEST is a `Cut` of its own.
    """
    start = 0
    rest = b""
    long_from: int | None = None
    for offset, window in member.windows():
        if long_from is not None:
            first = window.find(b"\n") + 1
            if not first:
                continue
            start = offset + first
            yield long_from, Cut(member.open(), long_from, start)
            long_from, window = None, window[first:]
        held = rest + window
        at = 0
        while (end := held.rfind(b"\n", at, at + BLOCK) + 1 or held.find(b"\n", at + BLOCK) + 1) > 0:
            if end - at > LONGEST:
                yield start, Cut(member.open(), start, start + end - at)
            else:
                yield start, held[at:end]
            start += end - at
            at = end
        rest = held[at:]
        if len(rest) > LONGEST:
            long_from, rest = start, b""
    if long_from is not None:
        yield long_from, Cut(member.open(), long_from, member.size)
    elif rest:
        yield start, rest
