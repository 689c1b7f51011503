"""Instants on an axis: whole seconds since 1970, and ticks at round times of UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_INSTANT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
_STEPS = (
    1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY,
    90 * DAY, 180 * DAY, 360 * DAY, 720 * DAY, 1800 * DAY, 3600 * DAY, 36_000 * DAY, 360_000 * DAY,
)  # fmt: skip


def seconds(instant: str | None) -> int | None:
    """Seconds since 1970 of an RFC 3339 instant that ends in Z; None for anything else."""
    match = None if instant is None else _INSTANT.fullmatch(instant)
    if match is None:
        return None
    try:
        moment = datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1)


def ticks(first: int, last: int, most: int = 8) -> tuple[list[int], int]:
    """Round times between two, at most ``most``, and the step between them."""
    step = next((one for one in _STEPS if (last - first) // one < most), _STEPS[-1])
    start = -(-first // step) * step
    return list(range(start, last + 1, step)), step


def written(moment: int) -> tuple[str, str]:
    """(date, time) in UTC."""
    text = (_EPOCH + timedelta(seconds=moment)).replace(tzinfo=None).isoformat()
    return text[:10], text[11:19]


def span(count: int) -> str:
    """A length of time in its two largest units."""
    units = (("d", DAY), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        if count >= size or parts:
            parts.append(f"{count // size} {name}")
            count %= size
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"
