"""The bytes of a WARC file read forwards, plain or unpacked, each with its place in the file.

A gzip bomb is never refused as evidence. It is unpacked only so far: the whole file may give FREE bytes, and RATIO
bytes more for each of its own. So the time that a file can take grows with its size and with nothing else.
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from typing import Protocol

from custody.evidence.export import Bytes

FREE = 256 << 20
RATIO = 100
GZIP = b"\x1f\x8b\x08"
_WINDOW = 1 << 20
_BLOCK = 256 << 10
_BLOCKS = 8
_FED = 16 << 10
_SMALL = 256
TRIES = 10_000
"""So many places that look like a gzip member are tried when the next record is searched for."""

VERSION = rb"WARC/[0-9]{1,2}\.[0-9]{1,2}\r?\n"
START = re.compile(VERSION + rb"[A-Za-z][A-Za-z0-9-]{0,63}[ \t]*:")
"""What every record begins with: its version, and the first of its named fields."""
_SOUGHT = re.compile(rb"WARC/[0-9]|\x1f\x8b\x08")
_REACH = 256
"""Bytes that tell whether a record starts at a place."""


class Budget:
    """How many bytes may still be unpacked, of one file."""

    def __init__(self) -> None:
        self._given = 0

    def spend(self, count: int, used: int) -> bool:
        """Count unpacked bytes; False once they are too many for a file of which ``used`` bytes were read."""
        self._given += count
        return self._given <= FREE + RATIO * used


class Source(Protocol):
    """Bytes that come one after another. ``used``: the place in the file up to which they are made of it."""

    @property
    def used(self) -> int:
        """Bytes of the file that were needed for what was given out."""
        ...

    @property
    def problem(self) -> str | None:
        """Why no more comes: damaged, cut_off or too_large; None at a proper end, or while more comes."""
        ...

    def peek(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer only at the end."""
        ...

    def take(self, count: int) -> bytes:
        """At most ``count`` of the next bytes; none only at the end."""
        ...


class Near:
    """Bytes of a file, of which the last few blocks are held: records are small, and are looked at more than once."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self.size = data.size
        self._held: OrderedDict[int, bytes] = OrderedDict()

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``; fewer only at the end."""
        if end - start > _BLOCK:
            return self._data.read(start, end)
        first, last = start // _BLOCK, max(start, end - 1) // _BLOCK
        whole = (
            b"".join(self._block(at) for at in range(first, last + 1)) if first < last else self._block(first)
        )
        return whole[start - first * _BLOCK : end - first * _BLOCK]

    def _block(self, at: int) -> bytes:
        found = self._held.get(at)
        if found is None:
            found = self._data.read(at * _BLOCK, min((at + 1) * _BLOCK, self.size))
            self._held[at] = found
            if len(self._held) > _BLOCKS:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(at)
        return found


class Plain:
    """Bytes of the file itself from ``at`` on."""

    problem: str | None = None

    def __init__(self, data: Bytes, at: int) -> None:
        self._data = data
        self.used = at

    def peek(self, count: int) -> bytes:
        """The next bytes."""
        return self._data.read(self.used, min(self.used + count, self._data.size))

    def take(self, count: int) -> bytes:
        """The next bytes, as many as are at hand."""
        piece = self.peek(min(count, _WINDOW))
        self.used += len(piece)
        return piece


class Unpacked:
    """What one gzip member that begins at ``at`` holds; its checksum is checked where it ends."""

    def __init__(self, data: Bytes, at: int, budget: Budget) -> None:
        self._data = data
        self._fed = at
        self._waiting = b""
        self._ready = b""
        self._object = zlib.decompressobj(wbits=31)
        self._budget = budget
        self.used = at
        self.problem: str | None = None
        self.ended = False

    def peek(self, count: int) -> bytes:
        """The next bytes: no more is unpacked than is asked for, so that ``used`` stays near."""
        while len(self._ready) < count and not self.ended:
            self._more(count - len(self._ready))
        return self._ready[:count]

    def take(self, count: int) -> bytes:
        """The next bytes."""
        piece = self.peek(min(count, _WINDOW))
        self._ready = self._ready[len(piece) :]
        return piece

    def _more(self, count: int) -> None:
        try:
            piece = self._object.decompress(self._waiting, count)
        except zlib.error:
            self._stop("damaged")
            return
        # at the member's end both of zlib's rests are the same bytes
        self._waiting = b"" if self._object.eof else self._object.unconsumed_tail
        self._ready += piece
        self.used = self._fed - len(self._waiting) - len(self._object.unused_data)
        if piece and not self._budget.spend(len(piece), self.used):
            self._stop("too_large")
        elif self._object.eof:
            self.ended = True
        elif not piece and not self._waiting:
            self._waiting = self._data.read(self._fed, min(self._fed + _FED, self._data.size))
            self._fed += len(self._waiting)
            if not self._waiting:
                self._stop("cut_off")

    def _stop(self, problem: str) -> None:
        self.problem = problem
        self.ended = True


def packed_start(head: bytes) -> bool:
    """Whether these first bytes of a gzip member are those of a record, as far as they can be unpacked."""
    try:
        return START.match(zlib.decompressobj(wbits=31).decompress(head, _SMALL)) is not None
    except zlib.error:
        return False


def starts(head: bytes) -> bool:
    """Whether a record starts here, plain or packed. ``head``: some hundred bytes, or all that there are."""
    return START.match(head) is not None or (head.startswith(GZIP) and packed_start(head))


class Search:
    """Looks for the next record where one was lost, and gives up after TRIES places of one file."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._tries = TRIES

    @property
    def given_up(self) -> bool:
        """Whether no place is tried any more."""
        return self._tries <= 0

    def next(self, at: int, end: int) -> int | None:
        """Where a record starts behind ``at`` and before ``end``; None where none is found."""
        while at < end and self._tries > 0:
            window = self._data.read(at, min(at + _WINDOW, end))
            for match in _SOUGHT.finditer(window):
                place = at + match.start()
                self._tries -= 1
                if starts(self._data.read(place, min(place + _REACH + 4096, self._data.size))):
                    return place
                if self._tries <= 0:
                    return None
            if at + len(window) >= end:
                return None
            at += max(1, len(window) - 16)
        return None
