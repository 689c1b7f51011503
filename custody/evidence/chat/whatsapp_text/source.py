"""A member's bytes in blocks of whole lines, as UTF-8, in bounded memory.

Files that a computer saved again as UTF-16 are turned into UTF-8 on the way; `Source.own` turns a piece back
into exactly the bytes that it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from custody.evidence.export import Member

BLOCK = 1 << 18
UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """``encoding``: utf-8, utf-16-le or utf-16-be, as the ``mark`` at its start says, else utf-8."""

    member: Member
    encoding: str
    mark: int

    @property
    def end(self) -> int:
        """The first byte after the last whole unit."""
        size = self.member.size
        return size if self.encoding == "utf-8" else size - (size - self.mark) % 2

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """(UTF-8 bytes, whether they begin at the start of a line), to the end.

        A block ends with a line end, but for the last one and inside a line longer than BLOCK.
        """
        data = self.member.open()
        at, rest, fresh = self.mark, b"", True
        while at < self.end:
            piece = data.read(at, min(at + BLOCK, self.end))
            if not piece:
                return
            at += len(piece)
            held = rest + piece
            cut = len(held) if at >= self.end else self._cut(held)
            rest = held[cut:]
            if cut:
                block = self._utf8(held[:cut])
                yield block, fresh
                fresh = block.endswith(b"\n")

    def _cut(self, held: bytes) -> int:
        """Where a block may end: behind its last line end, else before the last character that may go on."""
        if self.encoding == "utf-8":
            cut = held.rfind(b"\n") + 1
            if cut:
                return cut
            cut = len(held)
            for back in range(1, min(4, cut)):
                if held[-back] & 0xC0 != 0x80:
                    # A lead byte, whose character may not be whole yet; a plain one is.
                    return cut - back if held[-back] >= 0xC0 else cut
            return cut
        wide = "\n".encode(self.encoding)
        whole = len(held) - len(held) % 2
        cut = whole
        while (cut := held.rfind(wide, 0, cut)) > 0 and cut % 2:
            cut += 1  # half of one sign and half of the next
        if cut >= 0 and cut % 2 == 0:
            return cut + 2
        high = held[whole - 1] if self.encoding == "utf-16-le" else held[whole - 2]
        return whole - 2 if 0xD8 <= high <= 0xDB else whole

    def _utf8(self, piece: bytes) -> bytes:
        if self.encoding == "utf-8":
            return piece
        return piece.decode(self.encoding, "surrogatepass").encode("utf-8", "surrogatepass")

    def own(self, piece: bytes) -> bytes:
        """The bytes that this piece of a block is in the file."""
        if self.encoding == "utf-8":
            return piece
        return piece.decode("utf-8", "surrogatepass").encode(self.encoding, "surrogatepass")


def source(member: Member) -> Source:
    """A member as a source, by the mark at its start."""
    head = member.head(3)
    if head == UTF8_MARK:
        return Source(member=member, encoding="utf-8", mark=3)
    encoding = _UTF16_MARKS.get(head[:2])
    return Source(member=member, encoding=encoding or "utf-8", mark=2 if encoding else 0)
