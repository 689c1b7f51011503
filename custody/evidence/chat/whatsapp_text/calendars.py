"""Years and days of the calendars that phones write, as days of ours. Integers only; nothing is looked up."""

from __future__ import annotations

from datetime import date, timedelta

GREGORIAN, BUDDHIST, JAPANESE, PERSIAN, ISLAMIC = "gregorian", "buddhist", "japanese", "persian", "islamic"

FIRST_YEAR = 2009
"""WhatsApp's first: no message is older, so an older year is another calendar's or a wrong clock's."""
_LAST_YEAR = 2051

_PERSIAN_LEAP = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
_PERSIAN_ANCHOR = (1400, date(2021, 3, 21))


def of_year(year: int, digits: int) -> str | None:
    """The calendar in which this year, written with so many digits, lies in WhatsApp's time; None if in none.

    Two digits: 09 to 51 are ours (2009 to 2051), 52 to 87 Buddhist (2552 to 2587), 88 to 99 and 00 to 08
    Persian (1388 to 1408). Of four digits the years of WhatsApp's time lie apart in all calendars but from
    1430 on, which Persian phones reach in 2051 and Islamic ones had in 2009.
    """
    if digits == 4:
        if FIRST_YEAR <= year <= _LAST_YEAR:
            return GREGORIAN
        if FIRST_YEAR + 543 <= year <= _LAST_YEAR + 543:
            return BUDDHIST
        if 1387 <= year < 1430:
            return PERSIAN
        return ISLAMIC if 1430 <= year <= 1475 else None
    if 9 <= year <= 51:
        return GREGORIAN
    return BUDDHIST if 52 <= year <= 87 else PERSIAN


def whole_year(year: int, digits: int, calendar: str) -> int:
    """The year with its century."""
    if digits == 4:
        return year
    if calendar == BUDDHIST:
        return 2500 + year
    if calendar == PERSIAN:
        return (1300 if year >= 50 else 1400) + year
    return (1400 if calendar == ISLAMIC else 2000) + year


def _persian_year_days(year: int) -> int:
    return 366 if year % 33 in _PERSIAN_LEAP else 365


def _persian(year: int, month: int, day: int) -> date:
    length = 31 if month <= 6 else 30 if month <= 11 else 29 + _persian_year_days(year) - 365
    # The rule of 33 years holds for the years that a message can have; others are not worth a guess.
    if not (1300 <= year <= 1470 and 1 <= month <= 12 and 1 <= day <= length):
        raise ValueError("no such Persian date")
    start_year, start = _PERSIAN_ANCHOR
    if year >= start_year:
        days = sum(map(_persian_year_days, range(start_year, year)))
    else:
        days = -sum(map(_persian_year_days, range(year, start_year)))
    return start + timedelta(days=days + 31 * min(month - 1, 6) + 30 * max(month - 7, 0) + day - 1)


def to_ours(calendar: str, year: int, month: int, day: int) -> date:
    """The day in our calendar; ValueError for one that does not exist or a calendar that we can't convert.

    ``year``: whole; of the Japanese calendar already ours.
    """
    if calendar == BUDDHIST:
        return date(year - 543, month, day)
    if calendar == PERSIAN:
        return _persian(year, month, day)
    if calendar == ISLAMIC:
        raise ValueError("days of the Islamic calendar follow announcements: they are not worked out")
    return date(year, month, day)
