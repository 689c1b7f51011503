"""An HTTP message inside a capture: its head, and its body in the forms of which a digest can have been made.

The standard means the body without its transfer coding and with its content coding (ISO 28500: the payload is the
entity-body of RFC 2616 7.2). Programs also wrote digests of the body as it stands, and of the unpacked content.
All three are computed, and the result says which it was.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from custody.evidence.web.digests import Hash, Stated

LONGEST_HEAD = 256 << 10
MAX_CHUNKS = 4_000_000
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LONGEST_LINE = 4096
HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/[0-9]{1,2}(?:\.[0-9]{1,2})?[ \t]+([0-9]{3})(?:[ \t][^\r\n]*)?\r?\n")
_REQUEST = re.compile(rb"([A-Z]{1,20}) ([^ \r\n]{1,65536}) HTTP/[0-9.]{1,5}\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128})[ \t]*:[ \t]*([^\r\n]*)")
_KEPT = frozenset(
    {"content-type", "content-encoding", "content-length", "date", "location", "transfer-encoding"}
)


@dataclass(slots=True)
class HttpHead:
    """``status`` of a response, ``method`` of a request, and the few fields that are kept; first of each name."""

    status: int | None = None
    method: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


def parse_head(data: bytes) -> HttpHead | None:
    """The head of a message, up to its empty line; None where it is none."""
    head = HttpHead()
    if (status := _STATUS.match(data)) is not None:
        head.status = int(status[1])
        at = status.end()
    elif (request := _REQUEST.match(data)) is not None:
        head.method = request[1].decode()
        at = request.end()
    else:
        return None
    for match in _FIELD.finditer(data, at):
        name = match[1].decode().lower()
        if name in _KEPT and name not in head.fields:
            head.fields[name] = match[2].rstrip().decode("utf-8", "backslashreplace")
    return head


class Chunks:
    """Takes the chunked transfer coding off (RFC 9112 7.1). ``state``: size, data, ending, trailer, done, broken."""

    def __init__(self) -> None:
        self.state = "size"
        self.count = 0
        self._held = b""
        self._left = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The content of what comes; nothing once the coding is broken or done."""
        data = self._held + piece
        at = 0
        while at < len(data) and self.state not in ("done", "broken"):
            if self.state == "data":
                part = data[at : at + self._left]
                at += len(part)
                self._left -= len(part)
                if not self._left:
                    self.state = "ending"
                yield part
                continue
            stop = data.find(b"\n", at, at + _LONGEST_LINE) + 1
            if not stop:
                if len(data) - at >= _LONGEST_LINE:
                    self.state = "broken"
                break
            self._line(data[at:stop])
            at = stop
        if self.state == "done" and data[at:].strip(b"\r\n"):
            self.state = "broken"  # bytes behind the last chunk
        self._held = data[at:] if self.state not in ("done", "broken") else b""

    def _line(self, line: bytes) -> None:
        if self.state == "ending":
            self.state = "size" if line in (b"\r\n", b"\n") else "broken"
        elif self.state == "trailer":
            if line in (b"\r\n", b"\n"):
                self.state = "done"
        elif (match := _SIZE.fullmatch(line)) is None or self.count >= MAX_CHUNKS:
            self.state = "broken"
        else:
            self.count += 1
            self._left = int(match[1], 16)
            self.state = "data" if self._left else "trailer"

    @property
    def whole(self) -> bool:
        """Whether the last chunk came. Its closing empty line may be missing."""
        return self.state in ("done", "trailer")


class Unpacking:
    """Takes one content coding off. ``broken``: it is damaged, of another kind, or gives too much."""

    def __init__(self, coding: str, spend: Callable[[int], bool]) -> None:
        self._spend = spend
        self._object = zlib.decompressobj(wbits=31 if coding in ("gzip", "x-gzip") else 15)
        self._raw = coding == "deflate"
        self.broken = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The content of what comes, a mebibyte at most at once."""
        while not self.broken and not self._object.eof:
            try:
                out = self._object.decompress(piece, 1 << 20)
            except zlib.error:
                if not self._raw:  # "deflate" means zlib's form, and half the servers left its two bytes out
                    self.broken = True
                    return
                self._raw, self._object = False, zlib.decompressobj(wbits=-15)
                continue
            self._raw = False
            piece = self._object.unconsumed_tail
            if out:
                if not self._spend(len(out)):
                    self.broken = True
                    return
                yield out
            elif not piece:
                return

    @property
    def whole(self) -> bool:
        """Whether it came to its end."""
        return not self.broken and self._object.eof and not self._object.unused_data


class Body:
    """The body of an HTTP message, fed piece by piece; ``length`` counts it without its transfer coding."""

    def __init__(self, head: HttpHead, stated: Stated | None, spend: Callable[[int], bool]) -> None:
        codings = head.fields.get("transfer-encoding", "").lower().replace(" ", "")
        content = head.fields.get("content-encoding", "").lower().strip()
        self._chunks = Chunks() if codings == "chunked" else None
        self.other_coding = codings not in ("", "identity", "chunked")
        self._unpacking: Unpacking | None = None
        self._as_stored: Hash | None = None
        self._entity: Hash | None = None
        self._content: Hash | None = None
        self.stored = self.length = 0
        if stated is not None and (entity := stated.start()) is not None:
            self._entity = entity
            if self._chunks is not None:
                self._as_stored = stated.start()
            if content in ("gzip", "x-gzip", "deflate"):
                self._unpacking, self._content = Unpacking(content, spend), stated.start()

    def feed(self, piece: bytes) -> None:
        """Take more of the body in."""
        self.stored += len(piece)
        if self._as_stored is not None:
            self._as_stored.update(piece)
        for part in self._chunks.feed(piece) if self._chunks is not None else (piece,):
            self.length += len(part)
            if self._entity is not None:
                self._entity.update(part)
            if self._unpacking is not None and self._content is not None:
                for unpacked in self._unpacking.feed(part):
                    self._content.update(unpacked)

    @property
    def damaged(self) -> bool:
        """The transfer coding begins as it should and then breaks off."""
        return self._chunks is not None and self._chunks.count > 0 and not self._chunks.whole

    @property
    def unchunked(self) -> bool:
        """A transfer coding is named and was taken off before it was stored."""
        return self._chunks is not None and self._chunks.count == 0

    def digests(self) -> Iterator[tuple[str, bytes]]:
        """(form, digest), the standard's own form first: entity, as_stored, content."""
        chunked = self._chunks is not None
        if self._entity is not None and not self.unchunked and not self.damaged:
            yield "entity", self._entity.digest()
        if chunked and self._as_stored is not None:
            yield ("entity" if self.unchunked else "as_stored"), self._as_stored.digest()
        if self._unpacking is not None and self._content is not None and self._unpacking.whole:
            yield "content", self._content.digest()
