"""One Received header: who took the mail from whom, when, as the server wrote it (RFC 5321 4.4, and what is written).

The part after "from" has up to three kinds of words: the name that the client gave itself (anything), the name that
the address resolves to, and the address that the server saw, mostly in brackets within parentheses. Only the last is
worth something, so an address that stands where the client names itself is never taken in its place unflagged.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat.times import local_time
from custody.evidence.instants import Instant
from custody.evidence.network.ip import Address, seen_address
from custody.evidence.records.moments import moment

LONGEST = 8 << 10
"""Characters of a header that is taken apart; a longer one is kept as it stands."""

_CLAUSE = re.compile(r"(?:^|\s)(from|by|via|with|id|for)\s", re.IGNORECASE)
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_V6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.[0-9]{1,3}){0,3}"
_BRACKETED = re.compile(rf"\[((?:IPv6:)?(?:{_V4}|{_V6}))\](?::([0-9]{{1,5}}))?", re.IGNORECASE)
_BARE = re.compile(rf"\(\s*((?:IPv6:)?(?:{_V4}|{_V6}))(?::([0-9]{{1,5}}))?\s*\)", re.IGNORECASE)
_QMAIL = re.compile(rf"\(((?:[!-~]{{1,64}}@)?)({_V4}|{_V6})\)")
_PORT = re.compile(r"\bport=([0-9]{1,5})\b")
_HELO = re.compile(r"\bhelo[= ]([^\s)]{1,255})", re.IGNORECASE)
_DATE = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun),?\s++)?([0-9]{1,2})\s++(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s++"
    r"([0-9]{4})\s++([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:\s*+([+-][0-9]{4}|[a-z]{1,5})\b)?\s*+",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\([^()]*+\)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UTC = frozenset({"ut", "utc", "gmt", "z"})


class Hop(NamedTuple):
    """What a Received says. ``address``: what the server saw; ``by``: the server's own address, where it wrote one."""

    address: Address | None
    by: Address | None
    port: int | None
    when: Instant | None
    details: dict[str, Any]
    host: str | None
    flags: tuple[str, ...]


def hop(text: str, zone: ZoneInfo | None) -> Hop:
    """Read a header's value, unfolded. ``zone``: what a person stated for times without an offset."""
    if len(text) > LONGEST:
        return Hop(None, None, None, None, {}, None, ("row_not_split",))
    body, _, date = text.rpartition(";")
    when, flags = (None, ()) if not date.strip() else instant(date.strip(), zone)
    if not body:
        # no semicolon: either there is no date, or this is no Received as such are written
        body, when, flags = text, None, ("row_not_split",)
    parts = dict(_clauses(body))
    source = parts.pop("from", "")
    helo, address, port, more = _seen(source)
    by = parts.pop("by", "")
    by_name = by.split(None, 1)[0].strip("[]()") if by.strip() else None
    details: dict[str, Any] = {name: value for name, value in parts.items() if value}
    if source:
        details["from"] = source
    if helo:
        details["helo"] = helo
    return Hop(address, _server(by), port, when, details, by_name, flags + more)


def _clauses(body: str) -> Iterator[tuple[str, str]]:
    """(word, text) of each clause, comments left in; a word within parentheses begins none."""
    masked = _mask(body)
    found = [(match.start(1), match[1].lower()) for match in _CLAUSE.finditer(masked)]
    seen: set[str] = set()
    for at, (start, word) in enumerate(found):
        end = found[at + 1][0] if at + 1 < len(found) else len(body)
        if word not in seen:
            seen.add(word)
            yield word, " ".join(body[start + len(word) : end].split())


def _mask(text: str) -> str:
    """The text with what stands in parentheses overwritten, of the same length; brackets may be nested."""
    depth = 0
    kept = []
    for char in text:
        depth += char == "("
        kept.append("x" if depth else char)
        depth -= char == ")" and depth > 0
    return "".join(kept)


def _seen(source: str) -> tuple[str | None, Address | None, int | None, tuple[str, ...]]:
    """(the name that the client gave itself, the address that the server saw, its port, flags)."""
    name, _, rest = source.partition(" ")
    comments = source[len(source.partition("(")[0]) :]
    told = _HELO.search(comments)
    comments = _HELO.sub(" ", comments)  # the client's own words may be an address in brackets
    port = _port(match[1]) if (match := _PORT.search(comments)) else None
    found = {match[1]: match[2] for match in _BRACKETED.finditer(comments)}
    if not found:
        found = {match[1]: match[2] for match in _BARE.finditer(comments)}
    if not found:
        found = {match[2]: None for match in _QMAIL.finditer(comments)}
    own = _BRACKETED.match(name)
    helo = told[1] if told else (name or None)
    if len(found) > 1:
        return helo, None, None, ("addresses_several",)
    if found:
        ((text, written),) = found.items()
        return helo, seen_address(text), port or _port(written), ()
    if own is not None:
        # Exim writes "[address] (helo=name)" where there is no name: then the client's own words follow
        seen = told is not None or "helo" in rest.lower()
        return (
            told[1] if told else None,
            seen_address(own[1]),
            port or _port(own[2]),
            () if seen else ("client_names_itself",),
        )
    return helo, None, None, ()


def _server(by: str) -> Address | None:
    match = _BRACKETED.search(by) or _BARE.search(by) or re.match(rf"({_V4}|{_V6})(?=[\s;]|$)", by)
    return None if match is None else seen_address(match[1])


def _port(text: str | None) -> int | None:
    return int(text) if text is not None and 0 < int(text) <= 65535 else None


@functools.lru_cache(1 << 12)
def instant(raw: str, zone: ZoneInfo | None) -> tuple[Instant, tuple[str, ...]]:
    """The instant of a hop's date, with flags of its row.

    ``-0000`` is an instant in UTC whose writer tells nothing of its own clock (RFC 5322 3.3). Names of zones other
    than UTC's give none, though RFC 5322 4.3 has a meaning for a few: writers use them for others too.
    """
    bare = raw[:200]
    for _ in range(3):
        bare = _COMMENT.sub(" ", bare)
    match = _DATE.fullmatch(bare.strip())
    if match is None or len(raw) > 200:
        return moment(raw, None), ()
    try:
        leap = match[6] == "60"
        local = local_time(
            int(match[3]), _MONTHS.index(match[2].lower()) + 1, int(match[1]),
            int(match[4]), int(match[5]), 59 if leap else int(match[6] or 0),
        )  # fmt: skip
    except ValueError:
        return moment(raw, None), ()
    precision = None if match[6] else "min"
    doubt: tuple[str, ...] = ("leap_second",) if leap else ()
    written = (match[8] or "").lower()
    minutes: int | None = None
    row: tuple[str, ...] = ()
    if written[:1] in ("+", "-"):
        minutes = _minutes(written)
        if minutes is None:
            doubt += ("time_not_understood",)
        if written == "-0000":
            row = ("offset_minus_zero",)
    elif written in _UTC:
        minutes = 0
    elif written:
        doubt += ("zone_name",)
    return (
        moment(raw, local, fraction=match[7], precision=precision, minutes=minutes, zone=zone, flags=doubt),
        row,
    )


def _minutes(written: str) -> int | None:
    hours, minutes = int(written[1:3]), int(written[3:5])
    if minutes > 59 or hours > 14:
        return None
    return (hours * 60 + minutes) * (-1 if written[0] == "-" else 1)
