"""Times of the app: milliseconds since 1970 in UTC, beside them the phone's own clock in words."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from custody.evidence.chat import times
from custody.evidence.chat.model import Time

_COUNT = re.compile("[0-9]{1,18}")
_READABLE = re.compile(
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6} ([0-9]{1,2}), ([0-9]{4}),? "
    r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[ \u202f]?(am|pm))?",
    re.IGNORECASE,
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_QUARTER = 15 * 60
MILLISECONDS = 10**11
"""A count from here on is milliseconds: as seconds it would lie after the year 5138."""


def milliseconds(count: str | None, readable: str | None) -> tuple[Time | None, tuple[str, ...]]:
    """The instant of a ``date``; with the offset of the phone's clock where ``readable_date`` proves it."""
    if count is None:
        return None, ("no_date",)
    if not _COUNT.fullmatch(count):
        return Time(count), ("date_unreadable",)
    time = times.since_1970(int(count), "ms", text=count)
    if time.utc is None:
        return time, ("date_out_of_range",)
    shown = None if readable is None else _local(readable)
    if shown is None:
        return time, ()
    utc = datetime.fromisoformat(time.utc).replace(tzinfo=None)
    apart = shown - utc.replace(microsecond=0)
    seconds = apart.days * 86_400 + apart.seconds
    if seconds % _QUARTER or not -12 * 3600 <= seconds <= 14 * 3600:
        return time, ("readable_date_differs",)
    zone = timezone(timedelta(seconds=seconds))
    written = times.with_offset(count, (utc + apart).replace(tzinfo=zone), "millisecond")
    # The millisecond is the instant's own: the clock in words has whole seconds.
    local = times.write(shown.replace(microsecond=utc.microsecond), "millisecond")
    return time._replace(local=local, offset=written.offset), ()


def sent(count: str | None, unit: str) -> Time | None:
    """A ``date_sent``: 0 and below mean that it is not known. An MMS has seconds, some versions milliseconds."""
    if count is None or not _COUNT.fullmatch(count) or not int(count):
        return None
    return times.since_1970(int(count), "ms" if int(count) >= MILLISECONDS else unit, text=count)


def _local(readable: str) -> datetime | None:
    match = _READABLE.fullmatch(readable.strip())
    if match is None:
        return None  # another language or another form: it stays in `extra`
    hour = int(match[4])
    if match[7]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[7].lower() == "pm" else 0)
    try:
        return times.local_time(
            int(match[3]),
            _MONTHS.index(match[1].lower()) + 1,
            int(match[2]),
            hour,
            int(match[5]),
            int(match[6]),
        )
    except ValueError:
        return None
