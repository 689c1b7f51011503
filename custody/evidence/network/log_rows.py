"""What readers of server logs share: lines with their text, claims by share of lines, one open zone, one address."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat.times import zone as iana
from custody.evidence.export import Cut, Export, Member
from custody.evidence.instants import Instant
from custody.evidence.network.ip import Address, seen_address
from custody.evidence.reading import Decided, Detected, Range, Settings
from custody.evidence.records.lines import lines
from custody.evidence.records.model import Record, Row

LOOKED_AT = 500
"""Files of a zip whose heads are looked at, at most."""
_SAMPLE = 200
"""Lines of a head that are held against a pattern."""
_LIKE_A_LOG = re.compile(
    r"(?:^|[^a-z])(?:log|logs|access|error|iis|u_ex|elb|json)|\.(?:log|txt|json|jsonl|ndjson|xml)$", re.I
)
BOM = b"\xef\xbb\xbf"
"""What some programs write before UTF-8; no part of a row."""
_PORT = re.compile("[1-9][0-9]{0,4}")
_MORE_ADDRESSES = 64
"""Addresses of one forwarding header that are kept."""


class Seen(NamedTuple):
    """What a line says: the fields of a `Row` that its reader knows."""

    when: Instant | None = None
    until: Instant | None = None
    address: Address | None = None
    dest: Address | None = None
    values: dict[str, Any] | None = None
    flags: tuple[str, ...] = ()


def text_of(line: bytes) -> str:
    """A line's text without its end; bytes that are no UTF-8 stand as ``\\x…``."""
    return line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def split(block: bytes) -> list[bytes]:
    """The lines of some bytes, each with its end; a carriage return alone ends none."""
    *whole, last = block.split(b"\n")
    found = [line + b"\n" for line in whole]
    return [*found, last] if last else found


def heads(member: Member, count: int = _SAMPLE) -> list[str]:
    """The first whole lines of a file that are not blank, without what holds the place of a byte order."""
    head = member.head()
    found = head.removeprefix(BOM).split(b"\n")
    if len(head) < member.size and len(found) > 1:
        found.pop()  # it may go on
    return [text_of(line) for line in found if line.strip()][:count]


def detected(
    export: Export, fits: Callable[[str], bool], reason: str, *, least: float = 0.5, surest: int = 94
) -> Detected | None:
    """A claim by the share of the first lines that fit: ``least`` of them at least; a zip by its best file."""
    best, counts = 0.0, (0, 0)
    members: list[int] = []
    for member in export.members[: LOOKED_AT if export.zipped else 1]:
        if export.zipped and not _LIKE_A_LOG.search(member.base):
            continue
        found = heads(member)
        fitting = sum(map(fits, found))
        share = fitting / len(found) if found else 0.0
        if share >= least and share > 0:
            members.append(member.index)
            if share > best:
                best, counts = share, (fitting, len(found))
    if not members:
        return None
    return Detected(
        score=60 + int(best * (surest - 60)),
        reasons=(f"{counts[0]} of the first {counts[1]} lines {reason}",),
        members=tuple(members),
    )


def stated(settings: Settings) -> ZoneInfo | None:
    """The zone that a named person stated for times without an offset."""
    return None if settings.time_zone is None else iana(settings.time_zone)


def asks_zone(when: Instant | None) -> bool:
    """Whether a time was understood and has no offset of its own, so that somebody has to state the zone."""
    if when is None or when.offset_origin == "in_value" or "time_not_understood" in when.flags:
        return False
    return when.offset_origin == "stated_by_user" or "no_offset" in when.flags or bool(when.readings)


def zone_decided(settings: Settings, member: int, reason: str) -> Decided:
    """The question in which zone the file's clock ran, or the answer that somebody gave."""
    if settings.time_zone is None:
        return Decided("zone", None, "open", (reason,), member)
    return Decided("zone", settings.time_zone, "stated", (reason,), member)


def rows(
    member: Member,
    understand: Callable[[str], Seen | None],
    beside: Callable[[str], str | None] | None = None,
) -> Iterator[Record]:
    """A row a line; a blank line and one that ``beside`` names (header …) are ranges.

    What ``understand`` gives None for is kept as a row of kind "unknown".
    """
    at = member.index
    number = 0
    for start, line in lines(member):
        number += 1
        end = start + (line.size if isinstance(line, Cut) else len(line))
        if isinstance(line, Cut):
            yield Row(at, start, end, line, "unknown", number, flags=("row_not_split",))
            continue
        if not number - 1 and line.startswith(BOM):
            yield Range(at, start, start + len(BOM), "syntax")
            start, line = start + len(BOM), line[len(BOM) :]
        if not line.strip():
            yield Range(at, start, end, "blank")
            continue
        text = text_of(line)
        what = beside(text) if beside is not None else None
        if what is not None:
            yield Range(at, start, end, what, text[:1000], f"line {number}")
            continue
        yield row(at, start, end, line, number, understand(text))


def row(at: int, start: int, end: int, raw: bytes, number: int, seen: Seen | None) -> Row:
    """The row of a line and of what it says."""
    if seen is None:
        return Row(at, start, end, raw, "unknown", number, flags=("row_not_split",))
    return Row(
        at, start, end, raw, "ip", number, seen.when, seen.until, seen.address, seen.dest, seen.values or {}, seen.flags
    )  # fmt: skip


@functools.lru_cache(1 << 14)
def with_port(text: str) -> Address:
    """The address of a field that holds address and port, ``a.b.c.d:port`` or IPv6 and port, with brackets or without.

    Without brackets the end of an IPv6 address is taken for a port only where it can't be anything else (more than
    four digits, or no address with it); where both readings are possible it is not split and flagged. Port 0 is none.
    """
    found = seen_address(text)
    if found.ip is not None or ":" not in text:
        return found
    front, _, end = text.rpartition(":")
    inner = seen_address(front)
    if inner.ip is None or inner.port is not None:
        return found
    if _PORT.fullmatch(end) and int(end) <= 65535:
        flags = {*inner.flags, "port_from_address"} - {"port_ambiguous"}
        return replace(inner, raw=text, port=int(end), flags=tuple(sorted(flags)))
    if end in ("0", "-", ""):
        return replace(inner, raw=text, flags=tuple(sorted({*inner.flags} - {"port_ambiguous"})))
    return found


def port_of(text: str) -> int | None:
    """A port that stands in a field of its own; None for anything else, and for 0."""
    return int(text) if _PORT.fullmatch(text) and int(text) <= 65535 else None


def claimed(text: str) -> list[str] | None:
    """The addresses that a forwarding header claims, as written; None where the text is anything else."""
    found = [one.strip() for one in text.split(",")]
    if (
        not text
        or len(found) > _MORE_ADDRESSES
        or any(seen_address(one).ip is None for one in found if one not in ("unknown", "-"))
    ):
        return None
    return found if any(one not in ("unknown", "-", "") for one in found) else None


def told(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are there: neither None nor the hyphen that logs write for nothing, nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "-", "", {})}
