"""Times as somebody wrote them, and the instants that follow from them; nothing is guessed.

The text is kept as it was typed. An instant follows only where the text and what a person stated settle
it: no offset means no instant, a 12-hour time without AM or PM means no instant, a date whose day and
month could be exchanged means no instant. Each reason is a flag. (A provider that went over to a 12-hour
clock without AM and PM has led police to the wrong home.)

Sources: RFC 3339 (4.3, 5.6), ISO 8601-1 for the order of the date, RFC 9557 2.2 for "-00:00".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from custody.errors import InputRefused

LONGEST = 128
"""The longest time that is taken as one, in characters."""

TIME_FLAGS = (
    "clock_contradiction",
    "date_order_ambiguous",
    "epoch_not_stated",
    "leap_second",
    "no_offset",
    "precision_day_or_minute",
    "time_not_understood",
    "twelve_hour_ambiguous",
    "zone_name",
)


Origin = Literal["in_value", "in_file_header", "provider_document", "stated_by_user", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """What a written time says.

    ``instant`` is UTC in RFC 3339 with as many decimals as were written, or None; ``precision`` is
    ``day``, ``min``, ``s``, ``ms``, ``us`` or ``ns``, or None where nothing was understood. ``offset`` is
    ``±hh:mm``; ``offset_origin`` says whether it stood in the text (``in_value``), at the head of the file
    (``in_file_header``) or in the provider's documents (``provider_document``), was stated beside it by a named
    person (``stated_by_user``), or is not known (``none``). ``flags`` are codes of doubt, sorted. ``local``: what
    the source's clock showed, where that was understood and is not UTC; ``readings``: both instants of an hour
    that came twice.
    """

    raw: str
    instant: str | None
    precision: str | None
    offset: str | None
    offset_origin: Origin
    flags: tuple[str, ...]
    local: str | None = None
    readings: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENDING = r"""
    (?: [ \t\u00a0\u202f]* (?P<half> [AaPp] (?: \.[Mm]\. | [Mm] ) ) )?
    (?: [ ]? (?P<utc> Z | UTC ) | [ ]? (?P<offset> [+-][0-9]{2}:?[0-9]{2} ) | [ ] (?P<zone> [A-Za-z]{2,5} ) )?
"""
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
_FORMS = tuple(
    re.compile(rf"{date} (?: {joint} {_CLOCK} {_ENDING} )?", re.VERBOSE)
    for date, joint in (
        (r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})", "[Tt ]"),
        (r"(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})", "[ ]"),
        (r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})\.?", ",?[ ]"),
        (r"(?P<one>[0-9]{1,2})(?P<by>[/-])(?P<two>[0-9]{1,2})(?P=by)(?P<year>[0-9]{4})", ",?[ ]"),
        # the access logs of Apache and nginx; the name settles which number is the month
        (r"(?P<day>[0-9]{2})/(?P<name>[A-Za-z]{3})/(?P<year>[0-9]{4})", "[: ]"),
    )
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_EPOCH = {
    "s": re.compile(r"(-?[0-9]{1,11})(?:\.([0-9]{1,9}))?"),
    "ms": re.compile(r"(-?[0-9]{1,14})()"),
}
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def read_instant(
    raw: str,
    *,
    offset: str | None = None,
    clock: Literal["24", "12"] | None = None,
    epoch: Literal["s", "ms"] | None = None,
    where: str = "time",
) -> Instant:
    """Read a written time.

    Taken: ``YYYY-MM-DD[T ]HH:MM[:SS[.fraction]]``, the same with ``/``, ``DD.MM.YYYY HH:MM[:SS]``,
    ``dd/mm/yyyy`` and ``mm/dd/yyyy`` where one number is above 12, ``DD/Mon/YYYY:HH:MM:SS``; each with AM
    or PM and with ``Z``, ``UTC`` or ``±hh:mm`` behind it; a number only where ``epoch`` says that it counts
    seconds or milliseconds since 1970. Everything else is kept with flags and without an instant.

    ``offset`` is what a person states for a text that has none; ``clock`` says whether the source
    writes hours to 12 or to 24. A one-digit hour without AM or PM reads like a 12-hour clock and
    gives an instant only with ``clock="24"``.

    InputRefused if the text is empty, too long or holds control characters, or if what is stated
    beside it is no offset, clock or unit, or contradicts the offset in the text.
    """
    if not raw.strip():
        raise InputRefused("the time is empty", where=where, hint="leave it out where none is recorded")
    if len(raw) > LONGEST or _UNPRINTABLE.search(raw):
        raise InputRefused(
            "this can't be a time", where=where, expected=f"one line of at most {LONGEST} characters"
        )
    # A word that is not known must not pass for "nothing was stated".
    if clock not in (None, "12", "24"):
        raise InputRefused("this clock is not known", where="clock", expected="12 or 24")
    if epoch not in (None, "s", "ms"):
        raise InputRefused("this unit is not known", where="epoch", expected="s or ms")
    stated = None if offset is None else offset_minutes(offset, where="offset")
    text = raw.strip()
    if epoch is not None:
        if stated:
            raise InputRefused(
                "a count since 1970 is in UTC and has no other offset",
                where="offset",
                found=offset_text(stated),
            )
        return _from_epoch(raw, text, epoch)
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _from_parts(raw, match, stated, clock, where)
    found = ["time_not_understood"]
    if re.fullmatch(r"-?[0-9]{9,14}(\.[0-9]+)?", text):
        found.append("epoch_not_stated")
    return _without(raw, None, None, stated, found)


def offset_minutes(text: str, *, where: str = "offset") -> int:
    """The minutes of ``±hh:mm``, ``±hhmm``, ``Z`` or ``UTC`` east of UTC, as a person stated them.

    InputRefused for anything else, for more than 14 hours, and for ``-00:00``, which says that the
    offset is not known (RFC 3339 4.3).
    """
    if text.strip() in ("Z", "UTC"):
        return 0
    match = _OFFSET.fullmatch(text.strip())
    minutes = _minutes(match) if match else None
    if minutes is None:
        raise InputRefused(
            "this is not an offset from UTC",
            where=where,
            expected="±hh:mm such as +01:00, or Z",
            hint="state it only if the source says it; without one the time is kept and no instant is made",
        )
    return minutes


def offset_text(minutes: int) -> str:
    """``±hh:mm`` for minutes east of UTC."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _minutes(match: re.Match[str]) -> int | None:
    hours, minutes = int(match[2]), int(match[3])
    total = hours * 60 + minutes
    if minutes > 59 or total > 14 * 60 or (match[1] == "-" and (total == 0 or total > 12 * 60)):
        return None  # offsets in use lie between -12:00 and +14:00
    return -total if match[1] == "-" else total


def _from_parts(raw: str, match: re.Match[str], stated: int | None, clock: str | None, where: str) -> Instant:
    part = {"utc": None, "half": None, "zone": None, "offset": None, **match.groupdict()}
    found: list[str] = []
    in_value: int | None = None
    if part["utc"]:
        in_value = 0
    elif part["offset"] and not re.fullmatch("-00:?00", part["offset"]):
        written = _OFFSET.fullmatch(part["offset"])
        in_value = None if written is None else _minutes(written)
        if in_value is None:
            found.append("time_not_understood")
    if part["zone"]:  # "IST" is three zones; "GMT" is written in summer too
        found.append("zone_name")
    if in_value is not None and stated is not None and in_value != stated:
        raise InputRefused(
            "the stated offset contradicts the one in the time",
            where=where,
            expected=offset_text(in_value),
            found=offset_text(stated),
            hint="leave --offset out: the time has its own",
        )
    precision = _precision(part)
    date = _date(part, found)
    if precision == "day":
        found.append("precision_day_or_minute")
        if in_value is None and stated is None:
            found.append("no_offset")
        return _without(raw, precision, in_value, stated, found)
    if precision == "min":
        found.append("precision_day_or_minute")
    hour = _hour(part, clock, found)
    second = int(part["second"] or 0)
    if second == 60:
        found.append("leap_second")
    minutes = in_value if in_value is not None else stated
    if minutes is None:
        found.append("no_offset")
    blocking = set(found) - {"precision_day_or_minute", "zone_name"}
    if hour is None or date is None:
        return _without(raw, precision, in_value, stated, found)
    try:
        # a leap second is taken as :59 only to learn whether the rest exists
        local = datetime(*date, hour, int(part["minute"] or 0), 59 if second == 60 else second, tzinfo=UTC)
        moment = local - timedelta(minutes=minutes or 0)
    except (ValueError, OverflowError):
        found.append("time_not_understood")
        return _without(raw, precision, in_value, stated, found)
    if blocking:
        return _without(raw, precision, in_value, stated, found)
    return Instant(
        raw=raw,
        instant=_rfc3339(moment, part["fraction"]),
        precision=precision,
        offset=None if minutes is None else offset_text(minutes),
        offset_origin="in_value" if in_value is not None else "stated_by_user",
        flags=tuple(sorted(set(found))),
    )


def _precision(part: dict[str, str | None]) -> str:
    if not part["hour"]:
        return "day"
    if not part["second"]:
        return "min"
    fraction = part["fraction"]
    return ("s", "ms", "us", "ns")[(len(fraction) + 2) // 3] if fraction else "s"


def _date(part: dict[str, str | None], found: list[str]) -> tuple[int, int, int] | None:
    year = int(part["year"] or 0)
    if part.get("name"):
        name = (part["name"] or "").lower()
        if name not in _MONTHS:
            found.append("time_not_understood")
            return None
        month, day = _MONTHS.index(name) + 1, int(part["day"] or 0)
    elif part.get("one"):
        one, two = int(part["one"] or 0), int(part["two"] or 0)
        if one <= 12 and two <= 12 and one != two:
            found.append("date_order_ambiguous")
            return None
        day, month = (one, two) if two <= 12 else (two, one)
    else:
        month, day = int(part["month"] or 0), int(part["day"] or 0)
    try:
        datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        found.append("time_not_understood")
        return None
    return year, month, day


def _hour(part: dict[str, str | None], clock: str | None, found: list[str]) -> int | None:
    """The hour of 24, or None with a flag."""
    text = part["hour"] or ""
    hour = int(text)
    if part["half"]:
        if clock == "24":
            found.append("clock_contradiction")
            return None
        if not 1 <= hour <= 12:
            found.append("time_not_understood")
            return None
        return hour % 12 + (12 if part["half"][0] in "Pp" else 0)
    if clock == "12":
        found.append("twelve_hour_ambiguous" if 1 <= hour <= 12 else "clock_contradiction")
        return None
    if hour > 23:
        found.append("time_not_understood")
        return None
    if len(text) == 1 and clock is None and hour != 0:
        found.append("twelve_hour_ambiguous")
        return None
    return hour


def _from_epoch(raw: str, text: str, unit: str) -> Instant:
    match = _EPOCH[unit].fullmatch(text)
    # a fraction of a negative count runs backwards; nobody writes that
    if match is None or (match[1].startswith("-") and match[2]):
        return _without(raw, None, None, None, ["time_not_understood"])
    count, fraction = int(match[1]), match[2] or None
    if unit == "ms":
        count, thousandths = divmod(count, 1000)
        fraction = f"{thousandths:03}"
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=count)
    except OverflowError:
        return _without(raw, None, None, None, ["time_not_understood"])
    return Instant(
        raw=raw,
        instant=_rfc3339(moment, fraction),
        precision=_precision({"hour": "0", "second": "0", "fraction": fraction}),
        offset="+00:00",
        offset_origin="in_value",
        flags=(),
    )


def _rfc3339(moment: datetime, fraction: str | None) -> str:
    # strftime("%Y") drops leading zeros on some platforms; the fraction never passes through a float
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def _without(
    raw: str, precision: str | None, in_value: int | None, stated: int | None, found: list[str]
) -> Instant:
    minutes = in_value if in_value is not None else stated
    return Instant(
        raw=raw,
        instant=None,
        precision=precision,
        offset=None if minutes is None else offset_text(minutes),
        offset_origin="none" if minutes is None else "in_value" if in_value is not None else "stated_by_user",
        flags=tuple(sorted(set(found))),
    )
