"""Positions as they are written, and decimal degrees from exact fractions; no number is ever rounded to a float."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

_PLACES = 9
_XMP = re.compile(r"([0-9]{1,3}),([0-9]{1,2})(?:\.([0-9]{1,12})|,([0-9]{1,2}))?([NSEW])")


def decimal_text(value: Fraction) -> tuple[str, bool]:
    """A fraction as decimal text with at most nine places, and whether that is exactly it."""
    scaled = value * 10**_PLACES
    whole = round(scaled)  # half to even, exact arithmetic
    sign = "-" if whole < 0 else ""
    before, after = divmod(abs(whole), 10**_PLACES)
    decimals = f"{after:0{_PLACES}}".rstrip("0")
    return f"{sign}{before}{'.' + decimals if decimals else ''}", whole == scaled


def degrees(parts: Sequence[Fraction] | None, reference: str, most: int) -> Fraction | None:
    """Degrees from degrees, minutes and seconds with N, S, E or W; None where they are no place on earth."""
    if parts is None or not 1 <= len(parts) <= 3 or any(part < 0 for part in parts):
        return None
    if any(part >= 60 for part in parts[1:]):
        return None
    letters = "NS" if most == 90 else "EW"
    if len(reference) != 1 or reference not in letters:
        return None
    total = Fraction(0)
    for number, part in enumerate(parts):
        total += part / 60**number
    if total > most:
        return None
    return -total if reference in "SW" else total


def from_xmp(text: str, most: int) -> Fraction | None:
    """Degrees from XMP's ``DDD,MM,SSk`` or ``DDD,MM.mmk`` (ISO 16684-2, GPSCoordinate)."""
    match = _XMP.fullmatch(text.strip())
    if match is None:
        return None
    minutes = Fraction(int(match[2]))
    if match[3]:
        minutes += Fraction(int(match[3]), 10 ** len(match[3]))
    parts = [Fraction(int(match[1])), minutes]
    if match[4]:
        parts.append(Fraction(int(match[4])))
    return degrees(parts, match[5], most)
