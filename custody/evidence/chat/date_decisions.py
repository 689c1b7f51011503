"""What written dates mean: decided over all dates of an export, or left open with every reading.

Evidence are the months' names (of which languages are all of them?) and the numbers (which can be no month?).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.model import Reading, Time
from custody.evidence.chat.written_dates import LANGUAGES, Written
from custody.evidence.reading import Decided, Settings

MAX_KINDS = 4_096
"""Different words and days that are kept as evidence."""


@dataclass(slots=True)
class Dates:
    """Takes the dates of an export as evidence, and then gives times."""

    settings: Settings
    zone: ZoneInfo | None
    words: dict[str, None] = field(default_factory=dict)
    _candidates: set[str] | None = None
    _order: str | None = None
    _numbers: dict[tuple[int, int, int], None] = field(default_factory=dict)
    _year_first: bool = False
    _without_offset: bool = False
    unknown_month: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Dates:
        """With the zone that a person stated, if one did."""
        return cls(settings, None if settings.time_zone is None else times.zone(settings.time_zone))

    def take(self, date: Written) -> None:
        """One more date of the export."""
        self._without_offset = self._without_offset or date.offset is None
        if date.numbers is not None:
            self._year_first = self._year_first or date.year_first
            if len(self._numbers) < MAX_KINDS and not date.year_first:
                self._numbers[date.numbers] = None
        elif date.word is not None and len(self.words) < MAX_KINDS:
            self.words[date.word] = None
        elif date.month is None:
            self.unknown_month = True

    def decide(self, member: int | None = None) -> Iterator[Decided]:
        """What follows from the evidence: to be called once, after the last `take`."""
        yield from self._language(member)
        yield from self._number_order(member)
        if not self._without_offset:
            return
        if self.zone is not None:
            reason = "a named person stated it; the export has local times without a zone"
            yield Decided("zone", self.settings.time_zone, "stated", (reason,), member)
        else:
            yield Decided("zone", None, "open", ("the export has local times without a zone",), member)

    def _language(self, member: int | None) -> Iterator[Decided]:
        if not self.words and not self.unknown_month:
            return
        fit = {code for code, months in LANGUAGES.items() if all(word in months for word in self.words)}
        self._candidates = fit or set(LANGUAGES)
        several = sorted(word for word in self.words if len(self._months(word)) > 1)
        if several:
            reason = f"month names that differ by language: {', '.join(several[:8])}; languages: {_some(fit)}"
            yield Decided("language", None, "open", (reason,), member)
        elif self.words:
            reason = f"month names: {', '.join(itertools.islice(sorted(self.words), 12))}"
            how = (
                "they are of one language or mean the same in all that have them"
                if fit
                else "of several languages"
            )
            yield Decided("language", " ".join(sorted(fit)) or None, "decided", (reason, how), member)
        if self.unknown_month:
            yield Decided(
                "language", None, "open", ("dates with a month's name that no table here has",), member
            )

    def _months(self, word: str) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for code in sorted(self._candidates or LANGUAGES):
            if word in LANGUAGES[code]:
                found.setdefault(LANGUAGES[code][word], []).append(code)
        return found

    def _number_order(self, member: int | None) -> Iterator[Decided]:
        if self._year_first and not self._numbers:
            self._order = "YMD"
            yield Decided("date_order", "YMD", "decided", ("the year stands first",), member)
        if not self._numbers:
            return
        day_first = next((one for one in self._numbers if one[0] > 12), None)
        month_first = next((one for one in self._numbers if one[1] > 12), None)
        stated = self.settings.date_order
        if day_first and not month_first:
            self._order = "DMY"
            yield Decided(
                "date_order", "DMY", "decided", (f"a first number above 12: {_shown(day_first)}",), member
            )
        elif month_first and not day_first:
            self._order = "MDY"
            yield Decided(
                "date_order", "MDY", "decided", (f"a second number above 12: {_shown(month_first)}",), member
            )
        elif (order := self._by_the_last_day()) is not None:
            self._order = order
            yield Decided(
                "date_order", order, "decided", ("the other reading is later than the item came in",), member
            )
        elif stated in ("DMY", "MDY"):
            self._order = stated
            yield Decided("date_order", stated, "stated", ("a named person stated it",), member)
        else:
            reason = "no date tells whether the day or the month stands first"
            if day_first and month_first:
                reason = f"dates of both orders: {_shown(day_first)}, {_shown(month_first)}"
            yield Decided("date_order", None, "open", (reason,), member)

    def _by_the_last_day(self) -> str | None:
        last = self.settings.not_after
        if last is None:
            return None
        late = {
            order
            for order in ("DMY", "MDY")
            for numbers in self._numbers
            if (day := _ordered(numbers, order)) is not None and "{:04d}-{:02d}-{:02d}".format(*day) > last
        }
        return None if len(late) != 1 else "MDY" if late == {"DMY"} else "DMY"

    def time(self, text: str, date: Written) -> tuple[Time, tuple[str, ...]]:
        """The time that a text of the export says, and flags where it stays open."""
        readings = []
        flags: set[str] = set()
        for label, (year, month, day) in self._days(date):
            for half, hour in _hours(date):
                local = _local(year, month, day, hour, date)
                if local is not None:
                    readings.append((" ".join(filter(None, (label, half))), local))
        precision = "minute" if date.second is None else "second"
        if len({local for _, local in readings}) == 1:
            local = readings[0][1]
            if date.offset is not None:
                aware = local.replace(tzinfo=timezone(timedelta(minutes=date.offset)))
                return times.with_offset(text, aware, precision), ()
            return times.in_zone(text, local, precision, self.zone), ()
        if not readings:
            return Time(text, precision=precision, note="not_read"), ("time_not_read",)
        if date.numbers is not None:
            flags.add("date_order_open")
        if date.word is not None and len(self._months(date.word)) > 1:
            flags.add("month_open")
        if date.half == "?":
            flags.add("half_of_day_open")
        given = []
        for label, local in readings:
            one = times.in_zone(text, local, precision, self.zone)
            given.append(Reading(label, times.write(local, precision), one.utc))
        basis = "unknown" if self.zone is None else "stated"
        return Time(text, precision=precision, basis=basis, readings=tuple(given)), tuple(sorted(flags))

    def _days(self, date: Written) -> list[tuple[str, tuple[int, int, int]]]:
        if date.numbers is not None:
            if date.year_first:
                return [("", date.numbers)]
            orders = (self._order,) if self._order in ("DMY", "MDY") else ("DMY", "MDY")
            # One that can't be read so is read as it can: it was no evidence for another order.
            found = [(order, day) for order in orders if order and (day := _ordered(date.numbers, order))]
            return found or [
                (order, day) for order in ("DMY", "MDY") if (day := _ordered(date.numbers, order)) is not None
            ]
        if date.year is None or date.day is None:
            return []
        if date.month is not None:
            return [("", (date.year, date.month, date.day))]
        if date.word is None:
            return []
        months = self._months(date.word)
        return [
            (
                f"{date.word} = {month} ({_some(codes)})" if len(months) > 1 else "",
                (date.year, month, date.day),
            )
            for month, codes in sorted(months.items())
        ]


def _some(codes: object) -> str:
    found = sorted(codes)  # type: ignore[call-overload]
    return " ".join(found[:6]) + (" …" if len(found) > 6 else "")


def _shown(numbers: tuple[int, int, int]) -> str:
    return "/".join(map(str, numbers))


def _ordered(numbers: tuple[int, int, int], order: str) -> tuple[int, int, int] | None:
    first, second, year = numbers
    day, month = (first, second) if order == "DMY" else (second, first)
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    return (year if year > 99 else 2000 + year), month, day


def _hours(date: Written) -> list[tuple[str, int]]:
    morning, afternoon = date.hour % 12, date.hour % 12 + 12
    if date.half == "?":
        return [("am", morning), ("pm", afternoon)]
    return [("", date.hour if date.half is None else morning if date.half == "am" else afternoon)]


def _local(year: int, month: int, day: int, hour: int, date: Written) -> datetime | None:
    if not 1990 <= year <= 2200:
        return None  # another calendar, or no date: nothing is guessed
    try:
        return times.local_time(year, month, day, hour, date.minute, date.second or 0)
    except ValueError:
        return None
