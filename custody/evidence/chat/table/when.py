"""Times in cells: by a stated format, or by forms that can be read in one way only; else readings, or text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from custody.errors import InputRefused
from custody.evidence.chat import times
from custody.evidence.chat.model import Reading, Time
from custody.format.text import show

_NUMERIC = re.compile(
    r"(?P<a>[0-9]{1,4})(?P<sep>[./-])(?P<b>[0-9]{1,2})(?P=sep)(?P<c>[0-9]{1,4})\.?"
    r"(?:(?:T|,?[ \u00a0]+)(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})"
    r"(?:[:.](?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,6}))?)?"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"[ ]?(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_COUNTS = {"unix": "s", "unix_ms": "ms", "unix_us": "us"}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONG = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
]  # fmt: skip
_FIELDS = {
    "Y": r"(?P<Y>[0-9]{4})", "y": r"(?P<y>[0-9]{2})", "m": r"(?P<m>[0-9]{1,2})", "d": r"(?P<d>[0-9]{1,2})",
    "H": r"(?P<H>[0-9]{1,2})", "I": r"(?P<I>[0-9]{1,2})", "M": r"(?P<M>[0-9]{2})", "S": r"(?P<S>[0-9]{2})",
    "f": r"(?P<f>[0-9]{1,6})", "p": r"(?P<p>[AaPp])\.?[Mm]\.?", "z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "b": f"(?P<b>{'|'.join(_MONTHS)})", "B": f"(?P<b>{'|'.join(_LONG)})",
}  # fmt: skip
ORDERS = ("DMY", "MDY", "YMD")
_SERIAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,20})?(?:[Ee][+-]?[0-9]{1,2})?")


def compile_format(stated: str) -> re.Pattern[str] | None:
    """The pattern of a stated format: unix, unix_ms, unix_us or excel (None), or one of ``%``-fields in English."""
    if stated in _COUNTS or stated == "excel":
        return None
    pattern, at = "", 0
    used: list[str] = []
    while at < len(stated):
        char = stated[at]
        if char == "%" and at + 1 < len(stated) and stated[at + 1] in (*_FIELDS, "%"):
            name = stated[at + 1]
            pattern += "%" if name == "%" else _FIELDS[name]
            used.append(name.replace("B", "b"))
            at += 2
            continue
        pattern += re.escape(char)
        at += 1
    if (
        len(set(used)) != len(used)
        or not {"d"} <= set(used)
        or not {"Y", "y"} & set(used)
        or not {"m", "b"} & set(used)
    ):
        raise InputRefused(
            "not a format of a time",
            where="mapping, time_format",
            expected="a day, month and year once each as in %d.%m.%Y %H:%M:%S, or unix, unix_ms, unix_us, excel",
            found=show(stated, 60),
        )
    return re.compile(pattern, re.IGNORECASE)


@dataclass(slots=True)
class Evidence:
    """What all times of a table show together: which orders of day, month and year are left, and zones."""

    not_after: str | None = None
    orders: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(ORDERS))
    """For each order None, or the first text that rules it out."""
    numeric: bool = False
    without_zone: bool = False
    with_zone: bool = False

    def take(self, text: str) -> None:
        """One more time of the table."""
        match = _NUMERIC.fullmatch(text)
        if match is None:
            return
        self.numeric |= len(match["a"]) < 4
        self.with_zone |= match["zone"] is not None
        self.without_zone |= match["zone"] is None
        for order in ORDERS:
            if self.orders[order] is None and not _possible(match, order, self.not_after):
                self.orders[order] = text

    def left(self) -> list[str]:
        """The orders that nothing rules out."""
        return [order for order in ORDERS if self.orders[order] is None]


def _day(match: re.Match[str], order: str) -> tuple[int, int, int] | None:
    parts = dict(zip(order, (match["a"], match["b"], match["c"]), strict=True))
    year = parts["Y"]
    if len(year) not in (2, 4) or len(parts["D"]) > 2 or len(parts["M"]) > 2:
        return None
    return int(year) + (2000 if len(year) == 2 else 0), int(parts["M"]), int(parts["D"])


def _possible(match: re.Match[str], order: str, not_after: str | None) -> bool:
    day = _day(match, order)
    if day is None:
        return False
    try:
        local = times.local_time(*day)
    except ValueError:
        return False
    # A day of grace: the item came in on a UTC day, the table's clock may be ahead.
    return not_after is None or (local - timedelta(days=1)).date().isoformat() <= not_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Reads times as was stated or found. ``orders``: those that are possible; ``since_1904``: of a workbook."""

    stated: str | None
    pattern: re.Pattern[str] | None
    orders: tuple[str, ...]
    zone: ZoneInfo | None
    since_1904: bool = False

    def read(self, text: str, *, serial: bool = False) -> tuple[Time, tuple[str, ...]]:
        """The time that a cell states. ``serial``: the cell is a number that the workbook shows as a date."""
        if self.stated == "excel" or (serial and self.stated is None):
            return self._serial(text)
        if self.stated in _COUNTS:
            if re.fullmatch("[0-9]{1,18}", text):
                time = times.since_1970(int(text), _COUNTS[self.stated], text=text, basis="stated")
                return time, () if time.utc else ("time_out_of_range",)
            return Time(text), ("time_not_read",)
        if self.pattern is not None:
            match = self.pattern.fullmatch(text)
            return (Time(text), ("time_not_read",)) if match is None else self._by_format(text, match)
        match = _NUMERIC.fullmatch(text)
        if match is None:
            number = re.fullmatch(r"[0-9.]{5,30}", text) is not None
            return Time(text), ("time_is_a_number" if number else "time_not_read",)
        return self._numeric(text, match)

    def _numeric(self, text: str, match: re.Match[str]) -> tuple[Time, tuple[str, ...]]:
        found: list[tuple[str, Time]] = []
        flags: tuple[str, ...] = ()
        for order in ("YMD",) if len(match["a"]) == 4 else self.orders:
            day = _day(match, order)
            hour = _hour(match["hour"], match["half"])
            if day is None or hour is None:
                continue
            if len(match["a"] if order == "YMD" else match["c"]) == 2:
                flags = ("short_year",)
            micro = (match["part"] or "").ljust(6, "0") if match["part"] else "0"
            try:
                local = times.local_time(
                    *day, hour, int(match["minute"] or 0), int(match["second"] or 0), int(micro)
                )
            except ValueError:
                continue
            found.append(
                (
                    order,
                    self._finish(
                        text, local, _precision(match["hour"], match["second"], match["part"]), match["zone"]
                    ),
                )
            )
        if not found:
            return Time(text), ("time_not_read",)
        if len({one.local for _, one in found}) == 1:
            return found[0][1], flags
        readings = tuple(Reading(order, one.local or "", one.utc) for order, one in found)
        return Time(text, precision=found[0][1].precision, readings=readings), (*flags, "date_order_open")

    def _by_format(self, text: str, match: re.Match[str]) -> tuple[Time, tuple[str, ...]]:
        got = match.groupdict()
        short = got.get("y") is not None
        year = int(got["y"]) + 2000 if short else int(got["Y"])
        month = int(got["m"]) if got.get("m") else _MONTHS.index(got["b"].lower()[:3]) + 1
        hour = _hour(got.get("I") or got.get("H"), got.get("p"))
        micro = int((got.get("f") or "0").ljust(6, "0"))
        try:
            if hour is None:
                raise ValueError
            local = times.local_time(
                year, month, int(got["d"]), hour, int(got.get("M") or 0), int(got.get("S") or 0), micro
            )
        except ValueError:
            return Time(text), ("time_not_read",)
        precision = _precision(got.get("I") or got.get("H"), got.get("S"), got.get("f"))
        return self._finish(text, local, precision, got.get("z")), ("short_year",) if short else ()

    def _finish(self, text: str, local: datetime, precision: str, zone: str | None) -> Time:
        if zone in ("Z", "UTC"):
            return times.with_offset(text, local.replace(tzinfo=UTC), precision)
        if zone is not None:
            minutes = int(zone[1:3]) * 60 + int(zone[-2:])
            if minutes < 24 * 60 and int(zone[-2:]) < 60:
                apart = timedelta(minutes=-minutes if zone[0] == "-" else minutes)
                return times.with_offset(text, local.replace(tzinfo=timezone(apart)), precision)
        return times.in_zone(text, local, precision, self.zone)

    def _serial(self, text: str) -> tuple[Time, tuple[str, ...]]:
        """A workbook's day number with its fraction of a day, exact to the millisecond, without a float."""
        if not _SERIAL.fullmatch(text):
            return Time(text), ("time_not_read",)
        millis = int((Decimal(text) * 86_400_000).to_integral_value())
        days, rest = divmod(millis, 86_400_000)
        if self.since_1904:
            first = datetime(1904, 1, 1)  # noqa: DTZ001 — a workbook's clock has no zone
        elif days < 61:
            # Day 60 is 29 February 1900, which never was: before it the numbers mean two things.
            return Time(text), ("time_not_read",)
        else:
            first = datetime(1899, 12, 30)  # noqa: DTZ001
        try:
            local = first + timedelta(days=days, milliseconds=rest)
        except OverflowError:
            return Time(text), ("time_out_of_range",)
        precision = "millisecond" if rest % 1000 else "second"
        return times.in_zone(text, local, precision, self.zone), ()


def _hour(hour: str | None, half: str | None) -> int | None:
    if hour is None:
        return 0
    if half is None:
        return int(hour)
    return int(hour) % 12 + (12 if half.lower() == "p" else 0) if 1 <= int(hour) <= 12 else None


def _precision(hour: str | None, second: str | None, part: str | None) -> str:
    if hour is None:
        return "day"
    if second is None:
        return "minute"
    return "second" if not part else "millisecond" if len(part) <= 3 else "microsecond"
