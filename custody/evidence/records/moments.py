"""Instants of rows, made in one place: from the parts that a reader's own strict pattern found, and nothing more.

No local time of this machine, no float. Readers cache by the raw text, since logs write many rows a second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.instants import Instant, Origin, offset_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_RANGES = (("s", 10**8, 10**10), ("ms", 10**11, 10**13), ("us", 10**14, 10**16))
"""Numbers that count from 1973 to 2286 in each unit: no number is in two."""


def moment(
    raw: str,
    local: datetime | None,
    *,
    fraction: str | None = None,
    precision: str | None = None,
    minutes: int | None = None,
    origin: Origin = "in_value",
    zone: ZoneInfo | None = None,
    flags: tuple[str, ...] = (),
) -> Instant:
    """The instant of a time whose parts are known.

    ``local``: what the clock showed, naive and to the second (None: not understood); ``fraction``: decimals of
    the second as written; ``precision``: ``day`` or ``min`` where seconds are not written. ``minutes``: its offset
    east of UTC, known from ``origin``; else ``zone``: what a person stated; with neither there is no instant. Any
    of ``flags`` but those that only lessen precision says that there is none either.
    """
    kept = None if fraction is None else fraction[:9]
    more = ["subsecond_truncated"] if fraction is not None and len(fraction) > 9 else []
    if precision is None:
        precision = ("s", "ms", "us", "ns")[(len(kept) + 2) // 3] if kept else "s"
    if precision in ("day", "min"):
        more.append("precision_day_or_minute")
    if local is None:
        return _none(
            raw, None, None, None, "none", (*flags, *more, *(() if flags else ("time_not_understood",)))
        )
    shown = local.isoformat(timespec="seconds")
    if precision == "day":
        shown = shown[:10]
    elif kept:
        shown += f".{kept}"
    if minutes is None and zone is None:
        more.append("no_offset")
    blocked = bool(set(flags) - {"epoch_unit_inferred"}) or precision == "day"
    readings: tuple[str, ...] = ()
    utc: datetime | None = None
    if minutes is not None:
        try:
            utc = local - timedelta(minutes=minutes)
        except OverflowError:
            more.append("time_not_understood")
    elif zone is not None:
        origin = "stated_by_user"
        found = times.in_zone(raw, local, "second", zone)
        if found.utc is not None:
            utc = times.local_time(*map(int, _parts(found.utc)))
            minutes = (local - utc) // timedelta(minutes=1)
        elif found.readings:
            more.append("dst_ambiguous")
            readings = tuple(_written(one.utc[:-1], kept) for one in found.readings if one.utc)
        else:
            more.append("dst_nonexistent" if found.note == "gap" else "time_not_understood")
    if utc is None or blocked:
        return _none(raw, precision, shown, minutes, origin, (*flags, *more), readings)
    return Instant(
        raw=raw,
        instant=_written(utc.isoformat(timespec="seconds"), kept),
        precision=precision,
        offset=None if minutes is None else offset_text(minutes),
        offset_origin=origin,
        flags=tuple(sorted({*flags, *more})),
        local=shown if minutes else None,
    )


def since_1970(raw: str, unit: str | None, *, flags: tuple[str, ...] = ()) -> Instant:
    """The instant of a whole or decimal number that counts from 1970.

    ``unit``: s, ms, us or ns as the format's own documents say; None: told by its size, and flagged.
    """
    text = raw.strip()
    whole, _, fraction = text.partition(".")
    if not whole.removeprefix("-").isascii() or not whole.removeprefix("-").isdigit() or len(whole) > 20:
        return _none(raw, None, None, None, "none", (*flags, "time_not_understood"))
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        return _none(raw, None, None, None, "none", (*flags, "time_not_understood"))
    count = int(whole)
    if unit is None:
        unit = next((name for name, first, last in _RANGES if first <= count < last), None)
        if unit is None:
            return _none(raw, None, None, None, "none", (*flags, "epoch_not_stated"))
        flags = (*flags, "epoch_unit_inferred")
    if (unit != "s" or count < 0) and fraction:
        return _none(raw, None, None, None, "none", (*flags, "time_not_understood"))
    digits = _DIGITS[unit]
    seconds, rest = divmod(count, 10**digits)
    kept = f"{rest:0{digits}d}" if digits else fraction or None
    try:
        stamp = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
    except OverflowError:
        return _none(raw, None, None, None, "none", (*flags, "time_not_understood"))
    return moment(raw, stamp, fraction=kept, minutes=0, flags=flags)


def _parts(utc: str) -> tuple[str, str, str, str, str, str]:
    return utc[:4], utc[5:7], utc[8:10], utc[11:13], utc[14:16], utc[17:19]


def _written(seconds: str, fraction: str | None) -> str:
    return f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"


def _none(
    raw: str,
    precision: str | None,
    shown: str | None,
    minutes: int | None,
    origin: Origin,
    flags: tuple[str, ...],
    readings: tuple[str, ...] = (),
) -> Instant:
    return Instant(
        raw=raw,
        instant=None,
        precision=precision,
        offset=None if minutes is None else offset_text(minutes),
        offset_origin="none" if minutes is None and not readings else origin,
        flags=tuple(sorted(set(flags))),
        local=shown,
        readings=readings,
    )
