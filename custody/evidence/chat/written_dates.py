"""Dates as people read them, in many languages: `Sep 22, 2017 6:33 am`, `9 de octubre de 2020, 14:37`, `13/09/20`.

What a text says is read once (`written`); which month a word is and in which order bare numbers stand is
decided over all dates of an export, or left open with every reading.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.model import Decided, Reading, Time
from custody.evidence.chat.month_names import AFTERNOON, MONTHS, MORNING
from custody.evidence.chat.reader import Settings

MAX_TEXT = 100
"""Characters; a longer text is no date."""
MAX_WORDS = 5
"""Words of a date beside its month: weekday, `at`, `de` …"""
MAX_KINDS = 4_096
"""Different words and days that are kept as evidence."""


def _languages() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in MONTHS.strip("\n").split("\n"):
        fields = line.split(" ")
        if not line.startswith(" "):
            months = found.setdefault(fields[0], {})
            at = 0
        for names in filter(None, fields[1:]):
            at += 1
            months.update((name, at) for name in names.split(","))
    return found


LANGUAGES = _languages()
_ALL = frozenset(name for months in LANGUAGES.values() for name in months)
_PAIRS = {name.replace("_", " "): name for name in _ALL if "_" in name}
_BEFORE = frozenset({"午前", "午後", "上午", "下午", "오전", "오후", "öö", "ös", "de", "du"})
_NEUTRAL = frozenset({"uhr", "h", "น", "ч", "hs", "hrs", "klo", "kl", "pukul"})

_MARKS = {
    ord(mark): None for mark in "\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
}
_CLOCK = re.compile(
    r"(?<![\d:.])(\d{1,2})(?:(:)|\s?h\s?|\.(?=\d\d(?:\.\d\d)?\D{0,12}$))(\d\d)(?(2)(?::(\d\d))?|(?:\.(\d\d))?)(?![\d:])"
)
_OFFSET = re.compile(r"\b(?:utc|gmt)(?:\s?([+\-−])(\d{1,2})(?::?(\d\d))?)?(?!\w)")
_MARKED = re.compile(r"(\d{4})\s?[年년]|(\d{1,2})\s?[月월]|(\d{1,2})\s?[日일]|(?:tháng|thg)\s?(\d{1,2})")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_](?:[^\s\d,:;/()|–—-])*+")
_CJK = re.compile(r"(午前|午後|上午|下午|오전|오후)")


class Written(NamedTuple):
    """What a date's text says. ``numbers``: three bare ones in their order, when no month is named.

    ``half``: am, pm, None (a clock of 24 hours), or `?` for a word that may be either. ``offset``: minutes.
    """

    year: int | None
    month: int | None
    word: str | None
    day: int | None
    numbers: tuple[int, int, int] | None
    year_first: bool
    hour: int
    minute: int
    second: int | None
    half: str | None
    offset: int | None


def clean(text: str) -> str:
    """A date's text for reading: no invisible marks, plain digits and spaces, small letters."""
    text = unicodedata.normalize("NFC", text.translate(_MARKS))
    if not text.isascii():
        text = "".join(
            str(unicodedata.decimal(one)) if one.isdecimal() else " " if one.isspace() else one
            for one in text
        )
    return " ".join(text.casefold().split())


@functools.lru_cache(2048)
def written(text: str) -> Written | None:
    """What ``text`` says, if it is a date with a time of the day and nothing else."""
    if not 8 <= len(text) <= MAX_TEXT:
        return None
    text = clean(text)
    offset = None
    if (zone := _OFFSET.search(text)) is not None:
        offset = int(zone[2] or 0) * 60 + int(zone[3] or 0)
        if offset > 14 * 60:
            return None
        offset = -offset if zone[1] in ("-", "−") else offset
        text = (text[: zone.start()] + text[zone.end() :]).strip()
    clocks = list(_CLOCK.finditer(text))
    if not clocks:
        return None
    clock = clocks[-1]
    hour, minute, second = int(clock[1]), int(clock[3]), clock[4] or clock[5]
    if hour > 24 or minute > 59 or int(second or 0) > 60:
        return None
    before, after = text[: clock.start()], text[clock.end() :]
    half, before, after = _half(before, after, hour)
    rest = f"{before} {after}".strip()
    day = _day(rest)
    if day is None:
        return None
    return Written(*day, hour, minute, None if second is None else int(second), half, offset)


def _half(before: str, after: str, hour: int) -> tuple[str | None, str, str]:
    """(am, pm, `?` or None, what stood before and after the clock without it)."""
    if not 1 <= hour <= 12:
        # A clock that shows 0 or 13 has no halves; a word for one may still stand there.
        for words in (MORNING, AFTERNOON):
            word = _first(after)
            if word.replace(" ", "").replace(".", "") in words:
                return None, before, after.removeprefix(word)
        return None, before, after
    word = _first(after)
    key = word.replace(" ", "").strip(".").replace(".", "")
    dotted = word.replace(" ", "").strip(".")
    for name, words in (("am", MORNING), ("pm", AFTERNOON)):
        if key in words or dotted in words:
            return name, before, after.lstrip().removeprefix(word)
    last = before.rstrip(" ,.").rsplit(" ", 1)[-1]
    found = _CJK.search(before)
    last = found[1] if found is not None else last
    if last in _BEFORE and not (last == "de" and not before.rstrip(" ,").endswith(".")):
        cut = before.rfind(last)
        return ("am" if last in MORNING else "pm"), before[:cut] + " " + before[cut + len(last) :], after
    if word and key not in _NEUTRAL and key not in _ALL and not after.lstrip().startswith((",", "-", "(")):
        return "?", before, after
    return None, before, after


def _first(after: str) -> str:
    """The word right after the clock, with its stops: `a. m.` is one."""
    text = after.lstrip()
    halves = re.match(r"([^\W\d_]\.?) ?(m\.?)(?!\w)", text)
    if halves is not None:
        return halves[0]
    found = re.match(r"[^\W\d_][^\s\d,;()|]*+", text)
    return "" if found is None else found[0]


Day = tuple[int | None, int | None, str | None, int | None, tuple[int, int, int] | None, bool]


def _day(rest: str) -> Day | None:
    year = month = day = None
    for match in _MARKED.finditer(rest):
        year = int(match[1]) if match[1] else year
        month = int(match[2] or match[4]) if match[2] or match[4] else month
        day = int(match[3]) if match[3] else day
    rest = _MARKED.sub(" ", rest)
    for pair, joined in _PAIRS.items():
        if pair in rest:
            rest = rest.replace(pair, joined)
    numbers = _NUMBER.findall(rest)
    words = _WORD.findall(rest)
    named = [name for word in words if (name := _named(word)) is not None]
    if len(words) - len(named[:1]) > MAX_WORDS or any(len(number) > 4 for number in numbers):
        return None
    if month is not None:
        for number in numbers:
            if len(number) == 4 and year is None:
                year = int(number)
            elif len(number) <= 2 and day is None:
                day = int(number)
            else:
                return None
        return None if year is None or day is None else (year, month, None, day, None, False)
    if len(numbers) == 3 and not named and not words:
        first, second, third = map(int, numbers)
        if any(len(number) == 3 for number in numbers):
            return None
        return None, None, None, None, (first, second, third), len(numbers[0]) == 4 or first > 31
    if len(numbers) == 2 and words:
        years = [number for number in numbers if len(number) == 4]
        days = [number for number in numbers if len(number) <= 2]
        if len(years) == 1 and len(days) == 1:
            word = named[0] if named else None
            return int(years[0]), None, word, int(days[0]), None, False
    return None


def _named(word: str) -> str | None:
    name = word.replace(".", "")
    if name in _ALL:
        return name
    # Hebrew writes "in" as the first letter of the word.
    return name[1:] if name.startswith("ב") and name[1:] in _ALL else None


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
