"""Dates as people read them, in many languages: `Sep 22, 2017 6:33 am`, `9 de octubre de 2020, 14:37`, `13/09/20`.

Here is what a text says; which month a word is and in which order bare numbers stand is decided over all dates
of an export (`date_decisions`).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

from custody.evidence.chat.month_names import AFTERNOON, MONTHS, MORNING

MAX_TEXT = 100
"""Characters; a longer text is no date."""
MAX_WORDS = 5
"""Words of a date beside its month: weekday, `at`, `de` …"""


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
