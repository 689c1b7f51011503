"""Times of messages, made in one place: what the source says, what a person stated, and nothing more.

No local time of this machine, no float: integers and `zoneinfo` alone.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custody.errors import InputRefused
from custody.evidence.chat.model import Reading, Time
from custody.format.text import show

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": (1_000_000, 0, "second"), "ms": (1_000, 3, "millisecond"), "us": (1, 6, "microsecond")}
_LAST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z in microseconds since 1970."""


@functools.cache
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; InputRefused where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputRefused(
            "there is no time zone of this name",
            where="--time-zone",
            found=show(name, 64),
            hint="name it as Europe/Vienna or Asia/Manila",
        ) from error


def since_1970(count: int, unit: str, *, text: str, basis: str = "source_utc") -> Time:
    """An instant that the source counts from 1970: ``unit`` s, ms or us. Out of range it is text alone."""
    factor, digits, precision = _UNITS[unit]
    micro = count * factor
    if not -62_135_596_800_000_000 <= micro <= _LAST:
        return Time(text, precision=precision, basis="unknown", note="out_of_range")
    stamp = (_EPOCH + timedelta(microseconds=micro)).replace(tzinfo=None)
    utc = stamp.isoformat(timespec="seconds")
    if digits:
        utc += f".{stamp.microsecond:06d}"[: digits + 1]
    return Time(text, utc + "Z", precision=precision, basis=basis)


def milliseconds(utc: str) -> int:
    """Milliseconds since 1970 of an instant that `Time` gives (RFC 3339 with Z)."""
    return (datetime.fromisoformat(utc) - _EPOCH) // timedelta(milliseconds=1)


def local_time(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0
) -> datetime:
    """What a clock without a zone showed; ValueError for a time that does not exist (31 June, 25:00)."""
    return datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 — it has no zone: that is the fact


def with_offset(text: str, stamp: datetime, precision: str, *, basis: str = "source_offset") -> Time:
    """A time that the source gives with its offset: ``stamp`` is aware."""
    offset = stamp.utcoffset()
    assert offset is not None
    minutes = offset // timedelta(minutes=1)
    sign = "+" if minutes >= 0 else "-"
    written = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    local = stamp.replace(tzinfo=None)
    try:
        utc = stamp.astimezone(UTC).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return Time(text, precision=precision, basis="unknown", note="out_of_range")
    return Time(
        text, write(utc, precision) + "Z", write(local, precision), written, precision=precision, basis=basis
    )


def in_zone(
    text: str, local: datetime, precision: str, stated: ZoneInfo | None, *, calendar: str | None = None
) -> Time:
    """A local time without offset (``local`` naive): with a ``stated`` zone an instant follows, else none.

    An hour that the zone has twice is ambiguous: both instants are given as readings, none as `utc`. One
    that it skipped exists nowhere: no instant, note "gap".
    """
    written = write(local, precision)
    if stated is None:
        return Time(text, None, written, precision=precision, calendar=calendar)
    utc, fold, note, readings = _resolve(local.replace(second=0, microsecond=0), stated)
    rest = timedelta(seconds=local.second, microseconds=local.microsecond)
    return Time(
        text,
        None if utc is None else write(utc + rest, precision) + "Z",
        written,
        precision=precision,
        basis="stated",
        readings=tuple(
            Reading(f"fold {at}", written, write(one + rest, precision) + "Z") for at, one in readings
        ),
        fold=fold,
        calendar=calendar,
        note=note,
    )


Resolved = tuple[datetime | None, int | None, str | None, tuple[tuple[int, datetime], ...]]


@functools.lru_cache(4096)
def _resolve(minute: datetime, stated: ZoneInfo) -> Resolved:
    # Zones change at whole minutes since long: exports have many messages a minute, so this is asked once.
    found = []
    try:
        for fold in (0, 1):
            utc = minute.replace(tzinfo=stated, fold=fold).astimezone(UTC)
            back = utc.astimezone(stated).replace(tzinfo=None)
            found.append((fold, utc.replace(tzinfo=None), back == minute))
    except (OverflowError, ValueError):
        return None, None, "out_of_range", ()
    first, second = found
    if first[1] == second[1]:
        return first[1], None, None, ()
    if not first[2] and not second[2]:
        return None, None, "gap", ()
    return None, None, "doubled", ((0, first[1]), (1, second[1]))


def write(stamp: datetime, precision: str) -> str:
    """RFC 3339 without offset, to the precision of the source (seconds at least: minutes get :00)."""
    text = f"{stamp.year:04d}-{stamp.month:02d}-{stamp.day:02d}"
    if precision == "day":
        return text
    text += f"T{stamp.hour:02d}:{stamp.minute:02d}:{stamp.second:02d}"
    if precision == "millisecond":
        return f"{text}.{stamp.microsecond // 1000:03d}"
    return f"{text}.{stamp.microsecond:06d}" if precision == "microsecond" else text
