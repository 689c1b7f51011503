"""Times as providers and access providers write them in tables and exports: strict forms, and nothing guessed.

A profile or a stated mapping says which forms a file has. What no form takes is kept with `time_not_understood`;
a date that can be read two ways gives an instant only when the whole file, or a person, settles the order.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.instants import Instant, Origin
from custody.evidence.records.moments import moment, since_1970

FORMS = ("iso", "ctime", "named", "numeric", "unix", "unix_s", "unix_ms", "unix_us", "serial")
"""iso: 2026-03-01 12:00:00, T between or not; ctime: Sun Mar 01 12:00:00 UTC 2026; named: the month by its English
name; numeric: 1/3/2026, 1.3.2026, its order to be settled; unix: a count since 1970 whose unit its size tells (a flag);
unix_s, unix_ms, unix_us: its unit is documented; serial: a workbook's day number."""
ORDERS = ("DMY", "MDY", "YMD")
LONGEST = 128

_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,12}))?)?"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_ZONE = (
    r"(?:[ ]?(?P<utc>Z|UTC)|[ ]?(?P<offset>(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2})|[ ](?P<zone>[A-Za-z]{2,5}))?"
)
_AFTER = rf"(?:(?:T|:|(?:,| at)?[ \u00a0]{{1,4}}){_CLOCK}{_ZONE})?"
_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONG = {name[:3]: name for name in (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)}  # fmt: skip
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_YEAR, _DAY = r"(?P<year>[0-9]{4})", r"(?P<day>[0-9]{1,2})"
_WEEKDAY = r"(?:[A-Za-z]{3,9},?[ ])?"
_PATTERNS = {
    "iso": (re.compile(rf"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:[Tt ]{_CLOCK}{_ZONE})?"),),
    "ctime": (
        re.compile(
            rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ ]{_MONTH}[ ]{{1,2}}{_DAY}[ ](?P<hour>[0-9]{{2}})"
            r":(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?P<part>)(?P<half>)"
            rf"(?:[ ](?P<utc>UTC|Z)|[ ](?P<offset>[+-][0-9]{{4}})|[ ](?P<zone>[A-Z]{{2,5}}))?[ ]{_YEAR}"
        ),
    ),
    "named": (
        re.compile(rf"{_WEEKDAY}{_DAY}[ /-]{_MONTH}[ /-]?,?[ ]?{_YEAR}{_AFTER}"),
        re.compile(rf"{_WEEKDAY}{_MONTH}[ ]{_DAY},?[ ]{_YEAR}{_AFTER}"),
    ),
    "numeric": (
        re.compile(
            r"(?P<a>[0-9]{1,4})(?P<by>[./-])(?P<b>[0-9]{1,2})(?P=by)(?P<c>[0-9]{1,4})\.?"
            rf"(?:(?:T|,?[ \u00a0]{{1,4}}){_CLOCK}{_ZONE})?"
        ),
    ),
}
_OFFSET = re.compile(r"(?:UTC|GMT)?[ ]?([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_SERIAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,20})?(?:[Ee][+-]?[0-9]{1,2})?")
_UNITS = {"unix": None, "unix_s": "s", "unix_ms": "ms", "unix_us": "us"}
_SIZES = {"s": (10**8, 10**10), "ms": (10**11, 10**13), "us": (10**14, 10**16)}


def minutes_of(text: str) -> int | None:
    """Minutes east of UTC that a text states (``+01:00``, ``UTC+1``, ``Z``); None for a name and for all else."""
    text = text.strip()
    if text in ("Z", "UTC"):
        return 0
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    # "-00:00" says that the offset is not known (RFC 3339 4.3); those in use lie between -12:00 and +14:00
    if int(match[3] or 0) > 59 or minutes > 14 * 60 or (match[1] == "-" and not 0 < minutes <= 12 * 60):
        return None
    return -minutes if match[1] == "-" else minutes


@dataclass(slots=True)
class Evidence:
    """What all times of a table show together: the order of day and month, and whether hours go beyond 12.

    ``not_after``: the day on which the item came in: an order by which a row would be younger is ruled out.
    """

    not_after: str | None = None
    out: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(ORDERS))
    """For each order None, or the first row that rules it out."""
    numeric: bool = False
    hours: str | None = None
    """The first row with an hour that no 12-hour clock shows."""
    short: bool = False
    """A one-digit hour without AM or PM: a 24-hour clock may have written it, or a 12-hour one."""

    def take(self, text: str, place: str) -> None:
        """One more time of the table, and its row."""
        text = text.strip()
        if len(text) > LONGEST:
            return
        (numeric,) = _PATTERNS["numeric"]
        match = numeric.fullmatch(text)
        if match is None:
            match = next((found for one in _PATTERNS["named"] if (found := one.fullmatch(text))), None)
            if match is None:
                return
        elif len(match["a"]) < 4:
            self.numeric = True
            for order in ORDERS:
                if self.out[order] is None and not _possible(match, order, self.not_after):
                    self.out[order] = place
        if match["hour"] and not match["half"]:
            if self.hours is None and not 1 <= int(match["hour"]) <= 12:
                self.hours = place
            self.short |= len(match["hour"]) == 1 and match["hour"] != "0"

    def left(self) -> tuple[str, ...]:
        """The orders that nothing rules out."""
        return tuple(order for order in ORDERS if self.out[order] is None)


def _day(match: re.Match[str], order: str) -> tuple[int, int, int] | None:
    parts = dict(zip(order, (match["a"], match["b"], match["c"]), strict=True))
    if len(parts["Y"]) not in (2, 4) or len(parts["D"]) > 2 or len(parts["M"]) > 2:
        return None
    return int(parts["Y"]) + (2000 if len(parts["Y"]) == 2 else 0), int(parts["M"]), int(parts["D"])


def _possible(match: re.Match[str], order: str, not_after: str | None) -> bool:
    day = _day(match, order)
    if day is None:
        return False
    try:
        local = times.local_time(*day)
    except ValueError:
        return False
    # A day of grace: the item came in on a UTC day, the table's clock may be ahead.
    return not_after is None or local.year < 2 or (local - timedelta(days=1)).date().isoformat() <= not_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Reads times of one file. ``forms``: those that it has, tried in this order.

    ``minutes`` with ``origin``: the offset that the file's head or the provider's document gives to times without
    one; ``zone``: what a person stated. ``orders``: of day and month, those that are left; ``hours``: "24" or "12"
    where it is known; ``since_1904``: of a workbook; ``pattern``: of a stated format, alone.
    """

    forms: tuple[str, ...]
    zone: ZoneInfo | None = None
    minutes: int | None = None
    origin: Origin = "provider_document"
    orders: tuple[str, ...] = ()
    hours: str | None = None
    since_1904: bool = False
    pattern: re.Pattern[str] | None = None

    def read(
        self, raw: str, *, column: int | None = None, header: int | None = None, serial: bool = False
    ) -> Instant:
        """The time that a text is. ``column``: minutes of an offset beside it; ``header``: those of its column's
        header; ``serial``: a number that a workbook shows as a date. Never raises."""
        return _read(self, raw, column, header, serial)


@functools.lru_cache(1 << 12)
def _read(clock: Clock, raw: str, column: int | None, header: int | None, serial: bool) -> Instant:
    text = raw.strip()
    if len(text) > LONGEST:
        return moment(raw[:LONGEST], None, flags=("time_not_understood",))
    if serial:
        return _serial(clock, raw, text, column, header)
    if clock.pattern is not None:
        match = clock.pattern.fullmatch(text)
        return moment(raw, None) if match is None else _stated(clock, raw, match, column, header)
    for form in clock.forms:
        if form in _UNITS:
            if re.fullmatch(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?", text):
                return _count(raw, text, _UNITS[form])
        elif form == "serial":
            if _SERIAL.fullmatch(text):
                return _serial(clock, raw, text, column, header)
        else:
            for pattern in _PATTERNS[form]:
                match = pattern.fullmatch(text)
                if match is not None:
                    return _from(clock, form, raw, match, column, header)
    flags: tuple[str, ...] = ("time_not_understood",)
    if re.fullmatch(r"[0-9]{9,19}(?:\.[0-9]{1,9})?", text):
        flags += ("epoch_not_stated",)
    return moment(raw, None, flags=flags)


def _count(raw: str, text: str, unit: str | None) -> Instant:
    """A count since 1970. One that does not fit the documented unit is told by its size, and flagged."""
    if unit is not None:
        whole = text.partition(".")[0]
        first, last = _SIZES[unit]
        if not (whole.isdigit() and first <= int(whole) < last):
            unit = None
    found = since_1970(text, unit)
    return found if found.raw == raw else _again(found, raw)


def _again(found: Instant, raw: str) -> Instant:
    return Instant(
        raw=raw, instant=found.instant, precision=found.precision, offset=found.offset,
        offset_origin=found.offset_origin, flags=found.flags, local=found.local, readings=found.readings,
    )  # fmt: skip


def _offset(
    clock: Clock, got: dict[str, str | None], column: int | None, header: int | None
) -> tuple[int | None, Origin, tuple[str, ...]]:
    """(minutes, where they come from, flags) of a time with these parts."""
    flags: tuple[str, ...] = ()
    if got.get("utc"):
        return 0, "in_value", ()
    if written := got.get("offset"):
        minutes = minutes_of(written)
        return minutes, "in_value", () if minutes is not None else ("time_not_understood",)
    if got.get("zone"):  # "IST" is three zones; "GMT" is written in summer too
        return None, "none", ("zone_name",)
    if column is not None:
        return column, "in_value", flags
    if header is not None:
        return header, "in_file_header", flags
    return (None, "none", flags) if clock.minutes is None else (clock.minutes, clock.origin, flags)


def _from(
    clock: Clock, form: str, raw: str, match: re.Match[str], column: int | None, header: int | None
) -> Instant:
    got = match.groupdict()
    minutes, origin, flags = _offset(clock, got, column, header)
    precision = None if got["second"] else "min" if got["hour"] else "day"
    hour, doubt = _hour(got["hour"], got["half"], "24" if form in ("iso", "ctime") else clock.hours)
    flags += doubt
    if got["second"] == "60":
        return moment(raw, None, precision=precision, flags=(*flags, "leap_second"))
    days = _days(clock, match)
    if not days:
        return moment(raw, None, flags=("time_not_understood",))
    found: list[datetime] = []
    for day in days:
        try:
            clock_shown = (hour or 0, int(got["minute"] or 0), int(got["second"] or 0))
            found.append(times.local_time(*day, *clock_shown))
        except ValueError:
            continue
    if not found:
        return moment(raw, None, flags=(*flags, "time_not_understood"))
    if len(set(found)) > 1:
        return moment(raw, None, precision=precision, flags=(*flags, "date_order_ambiguous"))
    if hour is None and got["hour"]:
        return moment(raw, None, precision=precision, flags=flags or ("time_not_understood",))
    zone = None if "zone_name" in flags else clock.zone
    return moment(
        raw, found[0], fraction=got["part"] or None, precision=precision, minutes=minutes, origin=origin, zone=zone,
        flags=flags,
    )  # fmt: skip


def _days(clock: Clock, match: re.Match[str]) -> list[tuple[int, int, int]]:
    got = match.groupdict()
    if "a" in got:
        orders = ("YMD",) if len(match["a"]) == 4 else clock.orders or ORDERS
        return [day for order in orders if (day := _day(match, order)) is not None]
    month = got.get("month")
    number = int(month) if month else _month(got.get("name") or "")
    return [(int(match["year"]), number, int(match["day"]))] if number else []


def _month(name: str) -> int:
    name = name.lower()
    known = name in _NAMES or name == "sept" or _LONG.get(name[:3]) == name
    return _NAMES.index(name[:3]) + 1 if known else 0


def _hour(hour: str | None, half: str | None, clock: str | None) -> tuple[int | None, tuple[str, ...]]:
    """The hour of 24, or None with why. ``clock``: what the file's hours count to, where that is known."""
    if hour is None:
        return None, ()
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            return None, ("time_not_understood",)
        return number % 12 + (12 if half.lower() == "p" else 0), ()
    if number > 23:
        return None, ("time_not_understood",)
    if clock == "12":
        return None, ("twelve_hour_ambiguous" if 1 <= number <= 12 else "clock_contradiction",)
    if clock is None and len(hour) == 1 and number:
        return None, ("twelve_hour_ambiguous",)
    return number, ()


def _stated(clock: Clock, raw: str, match: re.Match[str], column: int | None, header: int | None) -> Instant:
    """By a format that a person stated (`table.when.compile_format`)."""
    got = match.groupdict()
    year = int(got["y"]) + 2000 if got.get("y") else int(got["Y"])
    month = int(got["m"]) if got.get("m") else _NAMES.index(got["b"].lower()[:3]) + 1
    written = got.get("I") or got.get("H")
    hour, flags = _hour(written, got.get("p"), "24" if got.get("H") else "12")
    minutes, origin, more = _offset(clock, {"offset": _colon(got.get("z"))}, column, header)
    precision = None if got.get("S") else "min" if written else "day"
    try:
        local = times.local_time(
            year, month, int(got["d"]), hour or 0, int(got.get("M") or 0), int(got.get("S") or 0)
        )
    except ValueError:
        return moment(raw, None)
    if hour is None and written:
        return moment(raw, None, precision=precision, flags=flags)
    return moment(
        raw, local, fraction=got.get("f"), precision=precision, minutes=minutes, origin=origin, zone=clock.zone,
        flags=more,
    )  # fmt: skip


def _colon(zone: str | None) -> str | None:
    return "+00:00" if zone in ("Z", "z") else zone


def _serial(clock: Clock, raw: str, text: str, column: int | None, header: int | None) -> Instant:
    """A workbook's day number with its fraction of a day, to the millisecond, without a float."""
    if not _SERIAL.fullmatch(text):
        return moment(raw, None)
    try:
        millis = int((Decimal(text) * 86_400_000).to_integral_value())
    except (InvalidOperation, OverflowError):
        return moment(raw, None)
    days, rest = divmod(millis, 86_400_000)
    if clock.since_1904:
        first = times.local_time(1904, 1, 1)
    elif days < 61:
        # Day 60 is 29 February 1900, which never was: before it the numbers mean two things.
        return moment(raw, None)
    else:
        first = times.local_time(1899, 12, 30)
    try:
        local = first + timedelta(days=days, milliseconds=rest - rest % 1000)
    except OverflowError:
        return moment(raw, None)
    fraction = f"{rest % 1000:03d}" if rest % 1000 else None
    minutes, origin, _ = _offset(clock, {}, column, header)
    precision = None if rest or "." in text or "e" in text.lower() else "day"
    return moment(
        raw, local, fraction=fraction, precision=precision, minutes=minutes, origin=origin, zone=clock.zone
    )
