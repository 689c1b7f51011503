"""The parts of a mail by their bytes: one walk along the boundary lines, in bounded memory and time.

A part's bytes end where the boundary line of any open multipart begins, as in RFC 2046; a mail inside the
mail (message/rfc822) is a part like an attachment and not walked into: it becomes an item of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from custody.evidence.chat.mail import headers
from custody.evidence.chat.mail.headers import Headers, Value
from custody.evidence.chat.mail.window import Window
from custody.evidence.export import Bytes

MAX_PARTS = 1_000
"""Parts that are described; what a mail has more is counted."""
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that holds content. ``number`` as IMAP counts ("1", "2.1"); ``start``, ``end``: its encoded bytes.

    ``alternative``: the number of the multipart/alternative that it is one form of, or None.
    """

    number: str
    headers: Headers
    content: Value
    disposition: Value
    encoding: str
    start: int
    end: int
    alternative: str | None = None

    @property
    def media_type(self) -> str:
        """Its content type, lower case."""
        return self.content.word

    @property
    def name(self) -> str | None:
        """The file name that the mail gives it: outside text, never a path."""
        return self.disposition.parameters.get("filename") or self.content.parameters.get("name") or None

    @property
    def is_text(self) -> bool:
        """Whether it is text that a mail program would show in the mail itself."""
        shown = self.disposition.word != "attachment" and self.name is None
        return self.media_type.startswith("text/") and shown


@dataclass(slots=True)
class Mail:
    """A mail taken apart. ``outside``: ranges of text before, between and behind the parts."""

    headers: Headers
    body: int
    parts: list[Part] = field(default_factory=list)
    more: int = 0
    outside: list[tuple[int, int]] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Open:
    boundary: bytes
    part: Part
    digest: bool
    children: int = 0


def walk(data: Bytes, start: int, end: int) -> Mail:
    """Take the mail apart that lies in ``data`` from ``start`` to ``end``."""
    return _Walk(data, start, end).run()


class _Walk:
    def __init__(self, data: Bytes, start: int, end: int) -> None:
        self._window = Window(data, start, end)
        self._end = end
        self._open: list[_Open] = []
        self._known: dict[bytes, list[int]] = {}
        self._leaf: Part | None = None
        self._outside: int | None = None
        read, body = headers.read(self._window, start, ())
        self._mail = Mail(read, body)
        self._begin(read, body, "", None, digest=False)

    def run(self) -> Mail:
        at = self._mail.body
        while self._open:
            hit = self._window.boundary(at, self._known)
            if hit is None:
                break
            stop = self._window.before_line_end(at, hit.start)
            self._finish(stop)
            depth = self._known[hit.boundary][-1]
            self._close(depth + 1, stop)
            if hit.closes:
                self._pop(stop)
                self._outside = at = hit.end
            else:
                at = self._next(hit.end)
        self._finish(self._end)
        self._close(0, self._end)
        return self._mail

    def _next(self, start: int) -> int:
        """Begin the part behind a boundary line; give where its body begins."""
        parent = self._open[-1]
        parent.children += 1
        if len(self._mail.parts) + len(self._open) > MAX_PARTS:
            self._mail.more += 1
            return start
        read, body = headers.read(self._window, start, self._known)
        self._mail.faults.update(read.faults)
        prefix = parent.part.number
        number = f"{prefix}.{parent.children}" if prefix else str(parent.children)
        self._begin(read, body, number, parent.part, digest=parent.digest)
        return body

    def _begin(self, read: Headers, body: int, number: str, parent: Part | None, *, digest: bool) -> None:
        content = headers.structured(read.first("content-type"), "Content-Type")
        if not content.word:
            content = content._replace(word="message/rfc822" if digest else "text/plain")
        disposition = headers.structured(read.first("content-disposition"), "Content-Disposition")
        encoding = read.first("content-transfer-encoding")
        self._mail.faults.update(content.faults, disposition.faults)
        part = Part(
            number=number,
            headers=read,
            content=content,
            disposition=disposition,
            encoding="" if encoding is None else encoding.text.partition(";")[0].strip().lower()[:100],
            start=body,
            end=body,
            alternative=_alternative(parent),
        )
        boundary = content.parameters.get("boundary", "").encode("utf-8", "surrogateescape").rstrip(b" \t")
        if not content.word.startswith("multipart/"):
            self._leaf = part
        elif not boundary:
            self._mail.faults.add("multipart_without_boundary")
            self._leaf = _as_text(part, body)
        elif len(self._open) >= MAX_DEPTH:
            self._mail.faults.add("nested_too_deep")
            self._leaf = part
        else:
            self._known.setdefault(boundary, []).append(len(self._open))
            self._open.append(_Open(boundary, part, content.word == "multipart/digest"))
            self._outside = body

    def _finish(self, stop: int) -> None:
        """What is open at ``stop`` ends there: a part, or the text between parts."""
        if self._leaf is not None:
            self._mail.parts.append(_until(self._leaf, max(stop, self._leaf.start)))
        elif self._outside is not None and stop > self._outside:
            self._mail.outside.append((self._outside, stop))
        self._leaf = self._outside = None

    def _close(self, depth: int, stop: int) -> None:
        """Close the multiparts at ``depth`` and deeper that have no closing line."""
        while len(self._open) > depth:
            self._mail.faults.add("multipart_not_closed")
            self._pop(stop)

    def _pop(self, stop: int) -> None:
        one = self._open.pop()
        depths = self._known[one.boundary]
        depths.pop()
        if not depths:
            del self._known[one.boundary]
        if one.children == 0:
            # Its boundary was promised and never came: what it holds is read as text, not passed over.
            self._mail.faults.add("boundary_never_found")
            self._mail.outside = [span for span in self._mail.outside if span[0] != one.part.start]
            self._mail.parts.append(_as_text(one.part, max(stop, one.part.start)))


def _alternative(parent: Part | None) -> str | None:
    if parent is None:
        return None
    # An inner multipart (related pictures of an HTML form) is itself one form of the outer one.
    if parent.media_type == "multipart/alternative" and parent.alternative is None:
        return parent.number or "0"
    return parent.alternative


def _until(part: Part, end: int) -> Part:
    return replace(part, number=part.number or "1", end=end)


def _as_text(part: Part, end: int) -> Part:
    plain = part.content._replace(word="text/plain")
    return replace(_until(part, end), content=plain, disposition=Value("", {}, ()), encoding="")
