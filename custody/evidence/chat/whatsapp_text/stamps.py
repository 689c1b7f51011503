"""A line's date and time: its numbers, its readings, and what follows once the order is decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.model import Reading, Time
from custody.evidence.chat.whatsapp_text import calendars
from custody.evidence.chat.whatsapp_text.headers import Layout
from custody.evidence.chat.whatsapp_text.words import (
    AM,
    ERAS,
    MERIDIEM,
    MERIDIEM_WORDS,
    NOON,
    PLAIN,
    squeezed,
)

ORDERS = {"DMY": (2, 1, 0), "MDY": (2, 0, 1), "YMD": (0, 1, 2)}
"""Where year, month and day stand among the three numbers of a date."""

_NUMBERS = re.compile(r"[0-9]+")
_ERA = re.compile("|".join(map(re.escape, sorted(ERAS, key=len, reverse=True))))
_HALF = re.compile("|".join(re.escape(word).replace("\\ ", " ?") for word in MERIDIEM_WORDS))
_CACHED = 1 << 17
_LAST_YEAR = 2100


def numbers(part: bytes) -> list[int]:
    """The numbers of a stamp or date, in any digits."""
    return [int(one) for one in _NUMBERS.findall(part.decode().translate(PLAIN))]


def digits_of(layout: Layout, order: str) -> int:
    """With how many digits the year is written; that of an era counts as four, it is made whole."""
    return 2 if layout.fields[0 if order == "YMD" else 1] == "d" else 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """How the stamps of one file are to be read.

    ``orders``: one when it is decided, inferred or stated; several when it is open. ``inferred``: flag the
    stamps whose other readings differ. ``zone``: as a person stated it.
    """

    layout: Layout
    orders: tuple[str, ...]
    inferred: bool
    others: tuple[str, ...]
    calendar: str
    zone: ZoneInfo | None


Stamp = tuple[Time, tuple[str, ...], str]
"""The time, the flags of doubt, and a text that sorts as the times do ("" where there is no single one)."""


class _Day(NamedTuple):
    """A date in all readings that are left. ``text``: RFC 3339, where they are one; ``around``: with the zone
    stated, the days before and after too, where one offset (in minutes) holds all day."""

    readings: tuple[tuple[str, date], ...]
    text: str | None
    flags: tuple[str, ...]
    around: tuple[str, str, str] | None
    offset: int


class _Clock(NamedTuple):
    """A time of day: ``text`` is ``THH:MM:SS``, ``minutes`` and ``seconds`` count from midnight."""

    hour: int
    minute: int
    second: int
    text: str
    minutes: int
    seconds: str
    flags: tuple[str, ...]


class Stamps:
    """Stamps as times. Days and times of day are worked out once each: a million stamps have few of them."""

    def __init__(self, how: Reckoning) -> None:
        self.how = how
        self._days: dict[bytes, _Day] = {}
        self._clocks: dict[bytes, _Clock] = {}
        self._years = [digits_of(how.layout, order) for order in ("DMY", "YMD")]
        self._precision = "second" if how.layout.seconds else "minute"
        self._calendar = None if how.calendar == calendars.GREGORIAN else how.calendar

    def read(self, stamp: bytes, day: bytes) -> Stamp:
        """What a stamp says; ``day`` is its date, with which it begins."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _CACHED:
                self._days.clear()
            known = self._days[day] = self._day(day)
        clock = self._clocks.get(stamp[len(day) :])
        if clock is None:
            if len(self._clocks) >= _CACHED:
                self._clocks.clear()
            clock = self._clocks[stamp[len(day) :]] = self._clock(stamp[len(day) :])
        text = stamp.decode()
        flags = known.flags
        if clock.flags:
            flags = (*flags, *clock.flags)
        if known.text is not None:
            local = known.text + clock.text
            if self.how.zone is None:
                return Time(text, None, local, None, self._precision, calendar=self._calendar), flags, local
            if known.around is not None:
                at, minutes = divmod(clock.minutes - known.offset, 1440)
                hours, minutes = divmod(minutes, 60)
                utc = f"{known.around[at + 1]}T{hours:02d}:{minutes:02d}:{clock.seconds}Z"
                return (
                    Time(text, utc, local, None, self._precision, "stated", calendar=self._calendar),
                    flags,
                    local,
                )
        return self._slowly(text, known, clock, flags)

    def _slowly(self, text: str, day: _Day, clock: _Clock, flags: tuple[str, ...]) -> Stamp:
        """Stamps with several readings or none, and those of a day on which the zone's offset changed."""
        how = self.how
        if not day.readings or clock.hour > 23 or clock.minute > 59 or clock.second > 59:
            note = Time(text, precision=self._precision, calendar=self._calendar, note="not_read")
            return note, (*flags, "date_not_read"), ""
        made = []
        for order, one in day.readings:
            local = times.local_time(one.year, one.month, one.day, clock.hour, clock.minute, clock.second)
            made.append(
                (order, times.in_zone(text, local, self._precision, how.zone, calendar=self._calendar))
            )
        if day.text is not None:
            return made[0][1], flags, made[0][1].local or ""
        time = Time(
            text,
            precision=self._precision,
            basis="unknown" if how.zone is None else "stated",
            readings=tuple(Reading(order, one.local or "", one.utc) for order, one in made),
            calendar=self._calendar,
        )
        return time, (*flags, "date_order_open"), ""

    def _day(self, day: bytes) -> _Day:
        how = self.how
        plain = day.decode().translate(PLAIN)
        values = [int(one) for one in _NUMBERS.findall(plain)]
        added = self._era(plain)
        readings = [
            (order, one) for order in how.orders if (one := self._date(values, added, order)) is not None
        ]
        flags: list[str] = []
        same = {one for _, one in readings}
        if how.inferred and readings:
            others = {self._date(values, added, order) for order in how.others} - {None}
            if others - same:
                flags.append("date_order_inferred")
        text, around, offset = None, None, 0
        if len(same) == 1 and len(readings) == len(how.orders):
            (only,) = same
            text = only.isoformat()
            if not calendars.FIRST_YEAR <= only.year <= _LAST_YEAR:
                flags.append("year_implausible")
            steady = _steady(only, how.zone)
            if steady is not None:
                around, offset = steady
        return _Day(tuple(readings), text, tuple(flags), around, offset)

    def _clock(self, rest: bytes) -> _Clock:
        plain = rest.decode().translate(PLAIN)
        values = [int(one) for one in _NUMBERS.findall(plain)]
        hour, odd = self._hour(plain, values[0])
        minute = values[1]
        second = values[2] if self.how.layout.seconds else 0
        text = f"T{hour:02d}:{minute:02d}:{second:02d}"
        flags = ("time_of_day_odd",) if odd else ()
        return _Clock(hour, minute, second, text, hour * 60 + minute, f"{second:02d}", flags)

    def _era(self, plain: str) -> int:
        """What an era's name adds to the year."""
        if "e" not in self.how.layout.fields:
            return 0
        found = _ERA.search(plain)
        return ERAS[found[0]] if found else 0

    def _hour(self, plain: str, hour: int) -> tuple[int, bool]:
        """The hour of 24, and whether the stamp's own is none of 0 to 12 though it names a half of the day."""
        if not (self.how.layout.before or self.how.layout.after):
            return hour, False
        found = _HALF.search(plain.replace(self.how.layout.word, "", 1))
        half = MERIDIEM.get(squeezed(found[0])) if found else None
        if half is None or hour > 12:
            return hour, True
        if half == NOON:
            return hour + 12 if hour < 6 else hour, False
        return hour % 12 + (0 if half == AM else 12), False

    def _date(self, values: list[int], added: int, order: str) -> date | None:
        at_year, at_month, at_day = ORDERS[order]
        calendar = self.how.calendar
        year = values[at_year]
        if added:
            year += added
        else:
            year = calendars.whole_year(year, self._years[order == "YMD"], calendar)
        try:
            return calendars.to_ours(calendar, year, values[at_month], values[at_day])
        except (ValueError, OverflowError):
            return None


def _steady(day: date, zone: ZoneInfo | None) -> tuple[tuple[str, str, str], int] | None:
    """The days around, and the zone's offset in minutes, where it is the same at every hour of the day."""
    if zone is None:
        return None
    try:
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        start = datetime(day.year, day.month, day.day, tzinfo=zone)
        hours = [start + timedelta(hours=hour) for hour in range(-1, 26)]
        offsets = {one.replace(fold=fold).utcoffset() for one in hours for fold in (0, 1)}
    except (OverflowError, ValueError):
        return None
    offset = offsets.pop()
    if offsets or offset is None or offset % timedelta(minutes=1):
        return None
    return (before.isoformat(), day.isoformat(), after.isoformat()), offset // timedelta(minutes=1)
