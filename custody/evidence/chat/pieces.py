"""A file of HTML cut at its message elements, in bounded memory, every byte of it in one piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from custody.evidence.chat.markup import HIDDEN, plain
from custody.evidence.chat.model import Record
from custody.evidence.export import Member
from custody.evidence.reading import Notice, Range

MAX_BLOCK = 8 << 20
"""Bytes of one message's element; a longer one is not read, only named."""
MAX_GAP = 1 << 20
MAX_TAG = 64 << 10

_RAW_END = {name: re.compile(rb"</" + name.encode() + rb"(?=[\s/>])", re.IGNORECASE) for name in HIDDEN}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file. ``block``: it is a message's element; ``raw``: its bytes, None where it is too long.

    ``whole``: its end tag is there. ``where``: of what lies between blocks: before, between or after them.
    """

    start: int
    end: int
    raw: bytes | None
    block: bool = False
    whole: bool = True
    where: str = ""


def pieces(member: Member, name: bytes, opens: Callable[[bytes], bool]) -> Iterator[Piece]:
    """A file cut at its messages: elements ``name`` whose attributes ``opens`` accepts, and what lies between.

    Messages do not stand in messages: where another opens, one that was not closed ends. All pieces together
    are the file, in its order; none has more than MAX_BLOCK bytes in memory.
    """
    cutter = _Cutter(name, opens)
    pending: Piece | None = None
    seen = False
    for piece in cutter.cut(member):
        if piece.block:
            if pending is not None:
                yield _placed(pending, "between" if seen else "before")
                pending = None
            seen = True
            yield piece
            continue
        if pending is not None:
            yield _placed(pending, "between" if seen else "before")
        pending = piece
    if pending is not None:
        yield _placed(pending, "after" if seen else "before")


def _placed(piece: Piece, where: str) -> Piece:
    return Piece(piece.start, piece.end, piece.raw, where=where)


class _Cutter:
    """Holds the bytes from the piece's start on; positions are in them until a piece is given."""

    def __init__(self, name: bytes, opens: Callable[[bytes], bool]) -> None:
        self._opens = opens
        word = re.escape(name)
        self._mark = re.compile(
            rb"<!--|<(?:(script|style)(?=[\s/>])[^<>]*+|(/?)" + word + rb"(?=[\s/>])([^<>]*+))>"
        )
        self._held = b""
        self._base = 0
        """Where the held bytes begin in the file."""
        self._start = 0
        """Where the piece begins: there, unless it is too long and its bytes were let go of."""
        self._looked = 0
        """How much of the held bytes was looked at."""
        self._depth = 0
        self._ending: re.Pattern[bytes] | None = None
        """In a comment or hidden text: what ends it."""

    def cut(self, member: Member) -> Iterator[Piece]:
        for _, window in member.windows():
            self._held += window
            yield from self._marks()
            # The window may end within a mark: that is looked at again with the next.
            size = len(self._held)
            if self._ending is _COMMENT_END:
                self._looked = max(self._looked, size - 2)
            else:
                sign = self._held.rfind(b"<", self._looked)
                self._looked = sign if sign >= max(size - MAX_TAG, 0) else size
            yield from self._bounded()
        end = self._base + len(self._held)
        if end > self._start:
            yield self._piece(end, self._depth > 0, whole=not self._depth)

    def _marks(self) -> Iterator[Piece]:
        while True:
            if self._ending is not None:
                ended = self._ending.search(self._held, self._looked)
                if ended is None:
                    return
                self._ending, self._looked = None, ended.end()
            for match in self._mark.finditer(self._held, self._looked):
                self._looked = match.end()
                hidden, closing, attributes = match.groups()
                if attributes is None:
                    self._ending = (
                        _COMMENT_END if hidden is None else _RAW_END[hidden.decode("ascii").lower()]
                    )
                    break
                if closing:
                    if self._depth:
                        self._depth -= 1
                        if not self._depth:
                            yield self._piece(self._base + match.end(), True)
                elif self._opens(attributes):
                    start = self._base + match.start()
                    if start > self._start:
                        yield self._piece(start, self._depth > 0, whole=not self._depth)
                    self._depth = 1
                elif self._depth and not attributes.endswith(b"/"):
                    self._depth += 1
            else:
                self._let_go(self._start if self._start > self._base else self._base)
                return

    def _piece(self, end: int, block: bool, *, whole: bool = True) -> Piece:
        raw = None if self._start < self._base else self._held[self._start - self._base : end - self._base]
        piece = Piece(self._start, end, raw, block, whole)
        self._start = end
        return piece

    def _let_go(self, position: int) -> None:
        """The bytes before ``position`` are not needed any more."""
        count = position - self._base
        if count:
            self._held = self._held[count:]
            self._base = position
            self._looked = max(self._looked - count, 0)

    def _bounded(self) -> Iterator[Piece]:
        """Lets go of what grew too long: parts of what lies between, the bytes of a block."""
        self._let_go(max(self._start, self._base))
        if self._depth:
            if len(self._held) > MAX_BLOCK or self._start < self._base:
                self._let_go(self._base + self._looked)
            return
        while len(self._held) > MAX_GAP + MAX_TAG:
            cut = self._held.rfind(b">", 0, MAX_GAP) + 1 or MAX_GAP
            while cut > MAX_GAP - 4 and self._held[cut] & 0xC0 == 0x80:
                cut -= 1  # a character is not cut
            yield self._piece(self._base + cut, False)
            self._let_go(self._start)


_COMMENT_END = re.compile(rb"-->")


def between(piece: Piece, member: int) -> Iterator[Record]:
    """The record of bytes outside of messages: text between them is unread, and told."""
    assert piece.raw is not None
    text = plain(piece.raw)
    if not text:
        what = "blank" if not piece.raw.strip() else "syntax"
        yield Range(member, piece.start, piece.end, what)
    elif piece.where == "between":
        yield Range(member, piece.start, piece.end, "unread", text)
        yield Notice(
            "text_between_messages", "text that belongs to no message was found between them", member
        )
    else:
        yield Range(member, piece.start, piece.end, "header", text)


def too_long(piece: Piece, member: int) -> Iterator[Record]:
    """The record of a message that is too long to be read."""
    yield Range(member, piece.start, piece.end, "unread")
    yield Notice(
        "message_too_long", f"a message of {piece.end - piece.start} bytes was kept, and not read", member
    )
