"""Meta's records for investigators cut at the labels that a reader asks for, every byte of them in one part."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from custody.evidence.chat.pieces import MAX_BLOCK
from custody.evidence.export import Member

_LONGEST = 2 << 10
"""More bytes than a mark can have."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that begins with a mark: ``kind`` section, one of the labels, or nothing (another section)."""

    kind: str
    start: int
    end: int
    raw: bytes | None
    section: str = ""
    """The section's name, in the part that begins with it."""


@functools.cache
def _mark(labels: tuple[str, ...]) -> re.Pattern[bytes]:
    words = "|".join(re.escape(label) for label in labels).encode()
    return re.compile(
        rb'<div[^<>]{0,80}id="property-(?P<section>[A-Za-z_]{1,80})"[^<>]{0,200}>'
        rb"|(?:"
        rb'<div class="(?:t o|[a-z_ ]{0,40}outer[a-z_ ]{0,40})"[^<>]{0,80}>\s{0,40}'
        rb'<div class="(?:t i|[a-z_ ]{0,40}inner)"[^<>]{0,80}>'
        rb"|<table[^<>]{0,80}>\s{0,40}(?:<tbody[^<>]{0,80}>\s{0,40})?<tr[^<>]{0,80}>\s{0,40}<th[^<>]{0,80}>"
        rb")\s{0,40}(?P<label>" + words + rb")\s{0,40}<"
    )


def parts(member: Member, sections: frozenset[str], labels: tuple[str, ...]) -> Iterator[Part]:
    """The file cut at its sections and, within ``sections``, at ``labels``.

    Outside of them, and where a part is too long, in smaller pieces, or without their bytes.
    """
    mark = _mark(labels)
    held = b""
    base = 0  # of the held bytes
    start = 0  # of the part
    kind = section = ""
    inside = False
    looked = 0
    size = member.open().size
    for offset, window in member.windows():
        held += window
        last = offset + len(window) >= size
        while (match := mark.search(held, looked)) is not None:
            looked = match.end()
            if match["section"] is None and not inside:
                continue
            at = base + match.start()
            if at > start:
                yield Part(
                    kind, start, at, held[start - base : at - base] if start >= base else None, section
                )
            start, section = at, ""
            if match["section"] is not None:
                section = match["section"].decode("ascii")
                inside = section in sections
                kind = "section" if inside else ""
            else:
                kind = match["label"].decode()
        looked = max(looked, len(held) - _LONGEST)
        if kind not in labels and not last:
            cut = base + looked
            if cut > start:
                yield Part(
                    kind, start, cut, held[start - base : cut - base] if start >= base else None, section
                )
                start, section = cut, ""
        keep = max(start - base, 0)
        if len(held) - keep > MAX_BLOCK:
            keep = looked
        held, base, looked = held[keep:], base + keep, looked - keep
    end = base + len(held)
    if end > start:
        yield Part(kind, start, end, held[start - base :] if start >= base else None, section)
