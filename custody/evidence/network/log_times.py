"""Times as servers write them into their logs: strict patterns, and an instant only where an offset is known.

Each function takes the text as it stands and the zone that a named person stated, if anybody did; an offset in the
text wins over it. What does not match is kept with ``time_not_understood``. Second 60 gives no instant.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from custody.evidence.chat.times import local_time
from custody.evidence.instants import Instant, Origin
from custody.evidence.records.moments import moment, since_1970

_MONTHS = {
    name: at
    for at, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,30}))?"
_OFFSET = r"(?:(?P<utc>Z)|(?P<offset>[+-][0-9]{2}:?[0-9]{2}))"
_CLF = re.compile(
    rf"(?P<day>[0-9]{{2}})/(?P<name>[A-Z][a-z]{{2}})/(?P<year>[0-9]{{4}}):{_CLOCK}(?: {_OFFSET})?"
)
_ISO = re.compile(
    rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})[T ]{_CLOCK}(?: ?{_OFFSET})?"
)
_SLASHED = re.compile(rf"(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{2}})/(?P<day>[0-9]{{2}}) {_CLOCK}")
_CTIME = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<name>[A-Z][a-z]{{2}}) (?P<day>[ 0-9][0-9]) {_CLOCK} (?P<year>[0-9]{{4}})"
)
_SYSLOG = re.compile(r"[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}")
_EPOCH = re.compile(r"[0-9]{9,11}(?:\.[0-9]{1,30})?")
_FORMS = (_CLF, _ISO, _SLASHED, _CTIME)
_LONGEST = 96


@functools.lru_cache(1 << 14)
def log_time(text: str, zone: ZoneInfo | None = None, origin: Origin = "in_value") -> Instant:
    """The time of a log's row: ``01/Jan/2026:10:00:00 +0000``, ``2026-01-01T10:00:00.123Z``, ``2026/01/01 10:00:00``,
    ``Thu Jan 01 10:00:00.123456 2026``, each with its offset or without one.
    """
    if len(text) <= _LONGEST:
        for form in _FORMS:
            match = form.fullmatch(text)
            if match is not None:
                return _from_parts(text, match.groupdict(), zone, None, origin)
        if _SYSLOG.fullmatch(text):
            return moment(text, None, flags=("no_year",))
    return moment(text, None)


@functools.lru_cache(1 << 12)
def utc_time(text: str, zone: ZoneInfo | None, origin: Origin) -> Instant:
    """A time without offset whose format's documents say UTC (``origin``); what a person stated (``zone``) wins."""
    match = _ISO.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return moment(text, None)
    return _from_parts(text, match.groupdict(), zone, None if zone is not None else 0, origin)


def epoch(text: str) -> Instant:
    """Seconds since 1970 as a decimal text, every digit of it kept (as many as `moments` keeps)."""
    return since_1970(text, "s") if _EPOCH.fullmatch(text) else moment(text, None)


def _from_parts(
    text: str, part: dict[str, str | None], zone: ZoneInfo | None, minutes: int | None, origin: Origin
) -> Instant:
    flags: tuple[str, ...] = ()
    if part.get("utc"):
        minutes, origin = 0, "in_value"
    elif (written := part.get("offset")) is not None:
        minutes, known = _minutes(written)
        origin = "in_value"
        if not known:
            flags, zone = ("time_not_understood",), None
    second = int(part["second"] or 0)
    if second == 60:
        flags = (*flags, "leap_second")
    month = _MONTHS.get(part["name"] or "", 0) if "name" in part else int(part["month"] or 0)
    local = _local(
        int(part["year"] or 0),
        month,
        int(part["day"] or 0),
        int(part["hour"] or 0),
        int(part["minute"] or 0),
        59 if second == 60 else second,
    )
    if local is None:
        return moment(text, None, flags=(*flags, "time_not_understood"))
    return moment(
        text, local, fraction=part["fraction"], minutes=minutes, origin=origin, zone=zone, flags=flags
    )


def _local(*parts: int) -> datetime | None:
    try:
        return local_time(*parts)
    except ValueError:
        return None


def _minutes(written: str) -> tuple[int | None, bool]:
    """(minutes east of UTC, whether such an offset can be). ``-00:00`` says that it is not known (RFC 3339 4.3)."""
    hours, rest = int(written[1:3]), int(written[-2:])
    total = hours * 60 + rest
    if written[0] == "-":
        if total == 0:
            return None, True
        total = -total
    if rest > 59 or not -12 * 60 <= total <= 14 * 60:
        return None, False
    return total, True
