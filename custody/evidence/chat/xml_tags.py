"""XML by its tags and their bytes, where a parser would stop: illegal references, raw line ends, torn files.

Entities and document types are never resolved, nothing is fetched, values are read only when asked: a value of any
length costs a window of memory. What is no well-formed tag is given as "broken", never passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from custody.evidence.export import Bytes

SIZE = 1 << 20
_NEAR = 4 << 10
"""A broken tag of so many bytes is looked through again from its second byte on: a whole tag may lie in it."""

MAX_ATTRIBUTES = 1_000

_NAME = re.compile(rb"<(?:[A-Za-z_][-\w.]{0,100}:)?([A-Za-z_][-\w.]{0,100})(?=[\s/>])")
_CLOSE = re.compile(rb"</(?:[A-Za-z_][-\w.]{0,100}:)?([A-Za-z_][-\w.]{0,100})\s{0,100}>")
_ATTRIBUTE = re.compile(rb"\s*+([A-Za-z_:][-\w:.]*+)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
_LONG = re.compile(rb"\s*+([A-Za-z_:][-\w:.]*+)\s*+=\s*+([\"'])")
_END = re.compile(rb"\s*+(/?)>")
_TORN = re.compile(rb"\s*+[-\w:.]*+\s*+=?+\s*+/?+\Z")
_BREAK = re.compile(rb"[\s/><]")
_DOCTYPE = b"<!DOCTYPE"
_SUBSET = re.compile(rb"\]\s{0,1000}>")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,8})|#x([0-9A-Fa-f]{1,8})|(amp|lt|gt|quot|apos));")
_PREDEFINED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_HALF = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Attribute(NamedTuple):
    """A value's bytes between its quotes; not ``whole`` when the file ends within it."""

    start: int
    end: int
    whole: bool = True


class Tag(NamedTuple):
    """A tag's bytes. ``name`` without prefix.

    ``kind``: open, empty, close, comment, instruction, doctype, cdata, broken, or cut (the file ends in it).
    ``odd``: an attribute stands twice (the first is kept), or there are more than MAX_ATTRIBUTES.
    """

    kind: str
    name: str
    start: int
    end: int
    attributes: dict[str, Attribute] = {}  # noqa: RUF012 — a NamedTuple's default, never changed
    odd: bool = False


class Tags:
    """Reads ``data`` tag by tag."""

    def __init__(self, data: Bytes) -> None:
        self.size = data.size
        self._data = data
        self._from = 0
        self._held = b""
        self._never: set[bytes] = set()

    def _load(self, at: int) -> None:
        self._from = at
        self._held = self._data.read(at, min(at + SIZE, self.size))
        if len(self._held) < min(SIZE, self.size - at):
            self.size = at + len(self._held)  # fewer bytes than were promised: that is where it ends

    @property
    def _to(self) -> int:
        return self._from + len(self._held)

    def find(self, needle: bytes, at: int) -> int:
        """Where ``needle`` (a few bytes) stands next, at or behind ``at``; -1 if nowhere."""
        if needle in self._never:
            return -1
        while at < self.size:
            if not self._from <= at < self._to:
                self._load(at)
            found = self._held.find(needle, at - self._from)
            if found >= 0:
                return self._from + found
            if self._to >= self.size:
                break
            self._load(max(at, self._to - len(needle) + 1))
            at = self._from
        return -1

    def read(self, start: int, end: int) -> bytes:
        """Bytes of a range."""
        if self._from <= start and end <= self._to:
            return self._held[start - self._from : end - self._from]
        return self._data.read(start, end)

    def next(self, at: int) -> Tag | None:
        """The first tag at or behind ``at``."""
        start = self.find(b"<", at)
        if start < 0:
            return None
        if self._to - start < 512 and self._to < self.size:
            self._load(start)
        here = start - self._from
        lead = self._held[here + 1 : here + 2]
        if lead == b"!":
            return self._declaration(start, here)
        if lead == b"?":
            return self._until(start, b"?>", "instruction")
        if lead == b"/":
            match = _CLOSE.match(self._held, here)
            if match is not None:
                return Tag("close", match[1].decode("utf-8", "replace"), start, self._from + match.end())
            return self._broken(start, start + 2)
        match = _NAME.match(self._held, here)
        if match is None:
            if self._to >= self.size and not _BREAK.search(self._held, here + 1):
                return Tag("cut", "", start, self.size)
            return self._broken(start, start + 1)
        return self._element(start, match[1].decode("utf-8", "replace"), self._from + match.end())

    def _element(self, start: int, name: str, at: int) -> Tag:
        attributes: dict[str, Attribute] = {}
        odd = False
        while True:
            here = at - self._from
            match = _ATTRIBUTE.match(self._held, here)
            if match is not None:
                span = match.span(2) if match[2] is not None else match.span(3)
                found = match[1].decode("ascii", "replace")
                odd |= found in attributes or len(attributes) >= MAX_ATTRIBUTES
                if not odd or len(attributes) < MAX_ATTRIBUTES:
                    attributes.setdefault(found, Attribute(self._from + span[0], self._from + span[1]))
                at = self._from + match.end()
                continue
            end = _END.match(self._held, here)
            if end is not None:
                kind = "empty" if end[1] else "open"
                return Tag(kind, name, start, self._from + end.end(), attributes, odd)
            if at > self._from and self._to < self.size:
                self._load(at)
                continue
            long = _LONG.match(self._held, here)
            if long is not None:
                quote, value = long[2], self._from + long.end()
                stop = self.find(quote, value)
                found = long[1].decode("ascii", "replace")
                odd |= found in attributes
                if stop < 0:
                    self._never.add(quote)
                    if self.find(b"<", value) >= 0:  # it was never closed, and the file goes on
                        return self._broken(start, start + 1 if at - start <= _NEAR else at)
                    attributes.setdefault(found, Attribute(value, self.size, False))
                    return Tag("cut", name, start, self.size, attributes, odd)
                attributes.setdefault(found, Attribute(value, stop))
                at = stop + 1
                if not self._from <= at < self._to:
                    self._load(at)
                continue
            if self._to >= self.size and _TORN.match(self._held, here):
                return Tag("cut", name, start, self.size, attributes, odd)
            return self._broken(start, start + 1 if at - start <= _NEAR else at)

    def _broken(self, start: int, resume: int) -> Tag:
        """From ``start`` to before the next tag's beginning."""
        end = self.find(b"<", resume)
        return Tag("broken", "", start, self.size if end < 0 else end)

    def _declaration(self, start: int, here: int) -> Tag:
        if self._held.startswith(b"<!--", here):
            return self._until(start, b"-->", "comment", skip=4)
        if self._held.startswith(b"<![CDATA[", here):
            return self._until(start, b"]]>", "cdata", skip=9)
        if not self._held[here : here + 9].upper().startswith(_DOCTYPE):
            return self._broken(start, start + 2)
        held = self.read(start, min(start + SIZE, self.size))
        end = held.find(b">") + 1
        if 0 <= held.find(b"[") < end and _DOCTYPE not in self._never:
            close = _SUBSET.search(held)
            end = 0 if close is None else close.end()
        if not end:
            self._never.add(_DOCTYPE)
            return self._broken(start, start + 2)
        return Tag("doctype", "", start, start + end)

    def _until(self, start: int, needle: bytes, kind: str, skip: int = 2) -> Tag:
        end = self.find(needle, start + skip)
        if end < 0:
            # What never ends is asked for once: a file may begin it a million times.
            self._never.add(needle)
            return self._broken(start, start + skip)
        return Tag(kind, "", start, end + len(needle))


class Text(NamedTuple):
    """A value as characters. ``repair``: "xml_surrogates" where halves written as two references were joined."""

    text: str
    repair: str | None = None
    flags: tuple[str, ...] = ()


def text_of(raw: bytes) -> Text:
    """The characters that a value's bytes stand for: references read, halves joined, line ends as ``\\n``.

    A reference that XML does not know stays as it stands, as does a byte that is no UTF-8 (``\\x..``); both flagged.
    """
    flags: list[str] = []
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "backslashreplace")
        flags.append("not_utf8")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" not in text:
        return Text(text, None, tuple(flags))
    text = _REFERENCE.sub(_resolve, text)
    repair = None
    if _HALF.search(text):
        text = _HALF.sub(_join, text)
        repair = "xml_surrogates"
    if re.search(
        r"&(?:#x?[0-9A-Fa-f]|[A-Za-z][A-Za-z0-9]{0,30};)", _REFERENCE.sub("", raw.decode("latin-1"))
    ):
        flags.append("entity_not_resolved")
    return Text(text, repair, tuple(flags))


def _resolve(match: re.Match[str]) -> str:
    if match[3]:
        return _PREDEFINED[match[3]]
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _join(match: re.Match[str]) -> str:
    pair = match[0]
    return chr(0x10000 + ((ord(pair[0]) - 0xD800) << 10) + (ord(pair[1]) - 0xDC00))
