"""Dates of mail headers (RFC 5322, with its old forms), read strictly: what is not such a date stays text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.model import Time

_DATE = re.compile(
    r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\s*+,?\s*+)?"
    r"(?P<day>[0-9]{1,2})[ \t-]++(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[ \t.-]++"
    r"(?P<year>[0-9]{2,4})[ \t,]++(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    r"(?:\s*+(?P<zone>[+-][0-9]{4}|[a-z]{1,5})\b)?\s*+",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\([^()]*+\)")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# RFC 5322, 4.3: these names mean these offsets in mail; all others mean nothing certain.
_NAMES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420,
}  # fmt: skip


def read(text: str, zone: ZoneInfo | None) -> tuple[Time, tuple[str, ...]]:
    """A Date's time and the doubts about it. ``zone``: what a person stated for dates that have none."""
    bare = text[:200]
    for _ in range(3):
        bare = _COMMENT.sub(" ", bare)
    match = _DATE.fullmatch(bare.strip())
    if match is None:
        return Time(text), ("date_unreadable",)
    flags: list[str] = []
    year = int(match["year"])
    if len(match["year"]) < 4:
        flags.append("short_year")
        year += 2000 if len(match["year"]) == 2 and year < 50 else 1900
    try:
        local = times.local_time(
            year,
            _MONTHS.index(match["month"].lower()) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"] or 0),
        )
    except ValueError:
        return Time(text), ("date_unreadable",)
    precision = "second" if match["second"] else "minute"
    if match["weekday"] and _DAYS[local.weekday()] != match["weekday"].lower():
        flags.append("weekday_differs")
    stated = (match["zone"] or "").lower()
    if stated == "-0000":
        # RFC 5322: an instant in UTC, and nothing said about the sender's own clock.
        return _utc(text, local, precision), tuple(flags)
    if stated[:1] in ("+", "-"):
        minutes = int(stated[1:3]) * 60 + int(stated[3:5])
        if int(stated[3:5]) < 60 and minutes < 24 * 60:
            return _offset(text, local, precision, -minutes if stated[0] == "-" else minutes), tuple(flags)
        flags.append("offset_impossible")
    elif stated in _NAMES:
        return _offset(text, local, precision, _NAMES[stated]), tuple(flags)
    else:
        flags.append("zone_name_unknown" if stated else "date_without_zone")
    return times.in_zone(text, local, precision, zone), tuple(flags)


def _offset(text: str, local: datetime, precision: str, minutes: int) -> Time:
    return times.with_offset(text, local.replace(tzinfo=timezone(timedelta(minutes=minutes))), precision)


def _utc(text: str, local: datetime, precision: str) -> Time:
    written = times.with_offset(text, local.replace(tzinfo=UTC), precision, basis="source_utc")
    return written._replace(local=None, offset=None)


def received(text: str) -> str | None:
    """The date part of a Received header: what stands behind its last semicolon."""
    return text.rpartition(";")[2].strip() if ";" in text else None
