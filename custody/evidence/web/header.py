"""The head of a WARC record: its version and named fields (ISO 28500, 4 and 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from custody.evidence.web.source import START, Source

LONGEST = 256 << 10
"""Bytes of a head that are read; what is longer is no record."""
_FIRST = 512
_STOP = re.compile(rb"\n(?:\r?\n|(WARC/[0-9]))")
"""The empty line behind the fields; or the first line of another record, which no head has in it."""
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_MANY = frozenset({"warc-concurrent-to"})
_LENGTH = re.compile("[0-9]{1,19}")
_LARGEST = 2**53 - 1


@dataclass(slots=True)
class Head:
    """``version`` is text such as 1.1; ``fields`` by lower-case name, as often as they are written."""

    version: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def get(self, name: str) -> str | None:
        """The first field of that name."""
        found = self.fields.get(name)
        return found[0] if found else None

    @property
    def length(self) -> int | None:
        """The stated size of the block in bytes; None where it is missing, no number, or stated twice."""
        found = set(self.fields.get("content-length", ()))
        if len(found) != 1 or _LENGTH.fullmatch(text := found.pop()) is None or int(text) > _LARGEST:
            return None
        return int(text)


def read_head(source: Source) -> Head | None:
    """The head that comes next, taken from the source; None, with nothing taken, where there is none."""
    count = _FIRST
    held = source.peek(count)
    if START.match(held) is None:
        return None
    seen = 0
    while (stop := _STOP.search(held, seen)) is None:
        if len(held) < count or count >= LONGEST:
            return None
        seen = max(0, len(held) - 8)
        count = min(LONGEST, count + count // 2)
        held = source.peek(count)
    if stop[1] is not None:
        return None
    left = stop.end()
    while left:
        left -= len(source.take(left))
    return _parsed(held[: stop.start()])


def _parsed(data: bytes) -> Head:
    version, *lines = data.split(b"\n")
    head = Head(version=version.strip().decode("ascii", "replace")[5:])
    if head.version not in ("1.0", "1.1"):
        head.flags.add("version_unknown")
    if not version.endswith(b"\r") or any(not line.endswith(b"\r") for line in lines):
        head.flags.add("line_ends_lf")
    name: str | None = None
    for name, value in _fields(lines, head.flags):
        found = head.fields.setdefault(name, [])
        if found and name not in _MANY:
            head.flags.add("header_repeated")
        if len(found) < 100:
            found.append(value)
    return head


def _fields(lines: list[bytes], flags: set[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        text = _text(line.rstrip(b"\r"), flags)
        if text[:1] in (" ", "\t"):  # a line that goes on (4: folding)
            if found:
                found[-1][1].append(text.strip())
            continue
        name, colon, value = text.partition(":")
        name = name.strip()
        if not colon or _NAME.fullmatch(name) is None:
            flags.add("header_not_understood")
            continue
        found.append((name.lower(), [value.strip()]))
    return [(name, " ".join(values)) for name, values in found]


def _text(line: bytes, flags: set[str]) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        flags.add("encoding_replaced")
        return line.decode("utf-8", "backslashreplace")
