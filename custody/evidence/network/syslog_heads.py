"""The beginning of a syslog line: its time, its machine and its program, in the forms that are written.

RFC 5424 and the ISO form of rsyslog and journald have year and offset; the classic form (RFC 3164) has neither,
so it gives no instant until somebody states both. MikroTik's own log has a form of its own, with topics in place of
machine and program.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat.times import local_time
from custody.evidence.instants import Instant
from custody.evidence.records.moments import moment

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_IN = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # February: no year says that it has fewer
_HALF_A_YEAR = 6

_CLASSIC = re.compile(
    rf"(?:<([0-9]{{1,3}})>)?"
    rf"((?:{'|'.join(MONTHS)}) {{1,2}}[0-9]{{1,2}}(?: [0-9]{{4}})? [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}"
    r"(?:\.[0-9]{1,9})?) ([!-~]{1,255}) (.*)",
    re.DOTALL,
)
_STAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ISO = re.compile(rf"(?:<([0-9]{{1,3}})>)?({_STAMP}) ([!-~]{{1,255}}) (.*)", re.DOTALL)
_RFC5424 = re.compile(
    rf"<([0-9]{{1,3}})>1 (-|{_STAMP}) ([!-~]{{1,255}}) ([!-~]{{1,48}}) ([!-~]{{1,128}}) ([!-~]{{1,32}}) (.*)",
    re.DOTALL,
)
_DATA = re.compile(r"-|(?:\[[^\"\]]*+(?:\"(?:[^\"\\]|\\.)*+\"[^\"\]]*+)*+\])++", re.DOTALL)
_TAG = re.compile(r"([^\s:\[\]]{1,128})(?:\[([^\]\s]{1,64})\])?:(?: (.*)|)", re.DOTALL)
_ROUTER = re.compile(
    r"((?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[a-z]{3}/[0-9]{2}(?:/[0-9]{4})?) [0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"([a-z0-9]+(?:,[a-z0-9!]+)+) (.*)",
    re.DOTALL,
)
_TOPICS = re.compile(r"([a-z0-9]+(?:,[a-z0-9!]+)+) (.*)", re.DOTALL)

_CLASSIC_TIME = re.compile(
    r"([A-Z][a-z]{2}) {1,2}([0-9]{1,2})(?: ([0-9]{4}))? ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
)
_ROUTER_TIME = re.compile(r"([a-z]{3})/([0-9]{2})(?:/([0-9]{4}))? ([0-9]{2}):([0-9]{2}):([0-9]{2})()")
_ISO_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


class Head(NamedTuple):
    """A line's beginning. ``form``: classic, iso, rfc5424 or router; ``time``: as written, None where it has none.

    ``program``: its tag without the number in brackets (MikroTik: its topics); None where there is none.
    """

    form: str
    priority: int | None
    time: str | None
    host: str | None
    program: str | None
    pid: str | None
    data: str | None
    message: str


def head(line: str) -> Head | None:
    """The parts of a line without its end; None where it does not begin as a syslog line does."""
    match = _RFC5424.match(line)
    if match is not None:
        return _rfc5424(match)
    form, match = "iso", _ISO.match(line)
    if match is None:
        form, match = "classic", _CLASSIC.match(line)
    if match is None:
        router = _ROUTER.match(line)
        return (
            None
            if router is None
            else Head("router", None, router[1], None, router[2], None, None, router[3])
        )
    priority, time, host, rest = match.groups()
    tag = _TAG.fullmatch(rest)
    if tag is not None:
        return Head(form, _priority(priority), time, host, tag[1], tag[2], None, tag[3] or "")
    topics = _TOPICS.fullmatch(rest)
    if topics is not None:
        return Head(form, _priority(priority), time, host, topics[1], None, None, topics[2])
    return Head(form, _priority(priority), time, host, None, None, None, rest)


def _rfc5424(match: re.Match[str]) -> Head | None:
    priority, time, host, program, pid, _, rest = match.groups()
    data = _DATA.match(rest)
    if data is None:
        return None
    message = rest[data.end() :]
    if message and not message.startswith(" "):
        return None
    return Head(
        "rfc5424",
        _priority(priority),
        _said(time),
        _said(host),
        _said(program),
        _said(pid),
        _said(data[0]),
        message[1:].removeprefix("\ufeff"),
    )


def _said(text: str) -> str | None:
    return None if text == "-" else text


def _priority(text: str | None) -> int | None:
    return int(text) if text is not None and int(text) <= 191 else None


@functools.lru_cache(1 << 12)
def instant(raw: str, zone: ZoneInfo | None, year: int | None = None) -> tuple[Instant, tuple[str, ...]]:
    """The instant of a head's time, with flags of its row.

    ``zone``: what a person stated for times without offset; ``year``: for those without one, as `Years` gives it.
    """
    match = _CLASSIC_TIME.fullmatch(raw) or _ROUTER_TIME.fullmatch(raw)
    if match is not None:
        stated = ("year_stated",) if match[3] is None and year is not None else ()
        return _classic(raw, match, zone, year), stated
    match = _ISO_TIME.fullmatch(raw)
    if match is None:
        return moment(raw, None), ()
    fraction, written = match[7], match[8]
    local, leap = _local(int(match[1]), int(match[2]), int(match[3]), match[4], match[5], match[6])
    minutes = None if written is None else _minutes(written)
    if local is None or leap or (written is not None and minutes is None):
        return moment(raw, local, fraction=fraction, flags=leap or ("time_not_understood",)), ()
    # RFC 3339 4.3: the time is UTC, and the writer's own zone is not told
    flags = ("offset_minus_zero",) if written and re.fullmatch("-00:?00", written) else ()
    return moment(raw, local, fraction=fraction, minutes=minutes, zone=zone), flags


class Years:
    """The year of each time that has none, from the one that a person stated for the first, line after line.

    From November or December to January and February it goes on; a line of December after one of January was only
    written late, and belongs to the year before.
    """

    def __init__(self, first: int | None) -> None:
        self._year = first
        self._month: int | None = None

    def of(self, raw: str) -> int | None:
        """The year of the next time in the file; None where none was stated, or the time has its own."""
        match = None if self._year is None else _CLASSIC_TIME.fullmatch(raw) or _ROUTER_TIME.fullmatch(raw)
        if match is None or match[3] is not None or match[1].title() not in MONTHS:
            return None
        assert self._year is not None
        month, before = MONTHS.index(match[1].title()) + 1, self._month
        if before is not None and month - before > _HALF_A_YEAR:
            return self._year - 1
        if before is not None and before - month > _HALF_A_YEAR:
            self._year += 1
        self._month = month
        return self._year


def _classic(raw: str, match: re.Match[str], zone: ZoneInfo | None, stated: int | None) -> Instant:
    name = match[1].title()
    month = MONTHS.index(name) + 1 if name in MONTHS else 0
    day, year, fraction = int(match[2]), match[3], match[7] or None
    if year is None and stated is not None:
        year = str(stated)
    if year is not None:
        local, leap = _local(int(year), month, day, match[4], match[5], match[6])
        return moment(raw, local, fraction=fraction, zone=zone, flags=leap)
    exists = (
        month and 1 <= day <= _DAYS_IN[month - 1] and match[4] < "24" and match[5] < "60" and match[6] < "61"
    )
    flags = ("no_offset", "no_year", *(() if exists else ("time_not_understood",)))
    return Instant(
        raw=raw,
        instant=None,
        precision="s" if fraction is None else ("ms", "us", "ns")[(len(fraction) - 1) // 3],
        offset=None,
        offset_origin="none",
        flags=tuple(sorted({*flags, *(("leap_second",) if match[6] == "60" else ())})),
    )


def _local(
    year: int, month: int, day: int, hour: str, minute: str, second: str
) -> tuple[datetime | None, tuple[str, ...]]:
    """What the clock showed, or None; second 60 is a flag, and the second before stands for it."""
    leap = ("leap_second",) if second == "60" else ()
    try:
        return local_time(year, month, day, int(hour), int(minute), 59 if leap else int(second)), leap
    except ValueError:
        return None, ()


def _minutes(written: str) -> int | None:
    if written == "Z":
        return 0
    hours, minutes = int(written[1:3]), int(written[-2:])
    if minutes > 59 or hours > 14:
        return None
    return (hours * 60 + minutes) * (-1 if written[0] == "-" else 1)
