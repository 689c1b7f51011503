"""A line's date and time: its numbers, its readings, and what follows once the order is decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
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
_CACHED = 1 << 16


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


class Stamps:
    """Stamps as times; asked a million times with few different ones."""

    def __init__(self, how: Reckoning) -> None:
        self.how = how
        self._cache: dict[bytes, Stamp] = {}
        self._years = [digits_of(how.layout, order) for order in ("DMY", "YMD")]

    def read(self, stamp: bytes) -> Stamp:
        """What a stamp says."""
        known = self._cache.get(stamp)
        if known is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            known = self._cache[stamp] = self._read(stamp)
        return known

    def _read(self, stamp: bytes) -> Stamp:
        how = self.how
        text = stamp.decode()
        plain = text.translate(PLAIN)
        values = [int(one) for one in _NUMBERS.findall(plain)]
        precision = "second" if how.layout.seconds else "minute"
        calendar = None if how.calendar == calendars.GREGORIAN else how.calendar
        flags: list[str] = []
        hour, odd = self._hour(plain, values[3])
        if odd:
            flags.append("time_of_day_odd")
        clock = (hour, values[4], values[5] if how.layout.seconds else 0)
        added = self._era(plain)
        readings = []
        for order in how.orders:
            local = self._local(values, added, order, clock)
            if local is not None:
                readings.append((order, local))
        if how.inferred and readings:
            others = {self._local(values, added, order, clock) for order in how.others} - {None}
            if others - {readings[0][1]}:
                flags.append("date_order_inferred")
        if not readings:
            flags.append("date_not_read")
            return Time(text, precision=precision, calendar=calendar, note="not_read"), tuple(flags), ""
        if len({local for _, local in readings}) == 1 and (len(readings) == len(how.orders)):
            local = readings[0][1]
            if not calendars.FIRST_YEAR <= local.year <= 2100:
                flags.append("year_implausible")
            time = times.in_zone(text, local, precision, how.zone, calendar=calendar)
            return time, tuple(flags), time.local or ""
        flags.append("date_order_open")
        both = []
        for order, local in readings:
            one = times.in_zone(text, local, precision, how.zone, calendar=calendar)
            both.append(Reading(order, one.local or "", one.utc))
        basis = "unknown" if how.zone is None else "stated"
        time = Time(text, precision=precision, basis=basis, readings=tuple(both), calendar=calendar)
        return time, tuple(flags), ""

    def _era(self, plain: str) -> int:
        if "e" not in self.how.layout.fields:
            return 0
        found = _ERA.search(plain)
        return ERAS[found[0]] if found else 0

    def _hour(self, plain: str, hour: int) -> tuple[int, bool]:
        """The hour of 24, and whether the stamp's own is none of 0 to 12 though it names a half of the day."""
        if not (self.how.layout.before or self.how.layout.after):
            return hour, False
        third = list(_NUMBERS.finditer(plain))[2]
        found = _HALF.search(plain[third.end() :].replace(self.how.layout.word, "", 1))
        half = MERIDIEM.get(squeezed(found[0])) if found else None
        if half is None or hour > 12:
            return hour, True
        if half == NOON:
            return hour + 12 if hour < 6 else hour, False
        return hour % 12 + (0 if half == AM else 12), False

    def _local(
        self, values: list[int], added: int, order: str, clock: tuple[int, int, int]
    ) -> datetime | None:
        at_year, at_month, at_day = ORDERS[order]
        calendar = self.how.calendar
        year = values[at_year]
        if added:
            year += added
        else:
            year = calendars.whole_year(year, self._years[order == "YMD"], calendar)
        try:
            day = calendars.to_ours(calendar, year, values[at_month], values[at_day])
            return times.local_time(day.year, day.month, day.day, *clock)
        except (ValueError, OverflowError):
            return None
