"""Times in pictures: EXIF writes the hands of a clock, mostly without the zone. An instant only where it says it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from custody.errors import InputRefused
from custody.evidence.image.model import Time
from custody.evidence.instants import read_instant

_EXIF = re.compile(r"([0-9]{4}):([0-9]{2}):([0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})")
_UNSET = re.compile(r"[ 0:]*")
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}|Z")

_Origin = Literal["in_value", "field_beside", "by_the_format", "none"]


def _nothing(origin: str, name: str, raw: str, *flags: str) -> Time:
    return Time(
        origin=origin,
        name=name,
        raw=raw,
        instant=None,
        precision=None,
        offset=None,
        offset_origin="none",
        flags=flags,
    )


def _read(origin: str, name: str, raw: str, text: str, offset: str | None, beside: _Origin) -> Time:
    try:
        found = read_instant(text, offset=offset)
    except InputRefused:
        return _nothing(origin, name, raw, "time_not_understood")
    how: _Origin = "none"
    if found.offset is not None:
        how = "in_value" if found.offset_origin == "in_value" else beside
    return Time(
        origin=origin,
        name=name,
        raw=raw,
        instant=found.instant,
        precision=found.precision,
        offset=found.offset,
        offset_origin=how,
        flags=found.flags,
    )


def exif_time(name: str, raw: str, fraction: str, offset: str) -> Time:
    """A time of EXIF (``YYYY:MM:DD HH:MM:SS``) with what its SubSec and Offset fields say."""
    if _UNSET.fullmatch(raw):
        return _nothing("exif", name, raw, "time_unset")
    match = _EXIF.fullmatch(raw)
    if match is None:
        return _nothing("exif", name, raw, "time_not_understood")
    text = f"{match[1]}-{match[2]}-{match[3]} {match[4]}"
    if re.fullmatch("[0-9]{1,9}", fraction):
        text += f".{fraction}"
        raw += f".{fraction}"
    beside = offset if _OFFSET.fullmatch(offset) else None
    if beside is not None:
        raw += f" {beside}"
    return _read("exif", name, raw, text, beside, "field_beside")


def gps_time(date: str, parts: list[Fraction] | None) -> Time | None:
    """The time of a GPS fix: GPSDateStamp and GPSTimeStamp are UTC by their definition (Exif 2.32, 4.6.6)."""
    if not date and parts is None:
        return None
    written = " ".join(str(part) for part in parts or ())
    raw = f"{date} {written}".strip()
    day = re.fullmatch("([0-9]{4})[:-]([0-9]{2})[:-]([0-9]{2})", date)
    if day is None or parts is None or len(parts) != 3 or any(part < 0 for part in parts):
        return _nothing("gps", "GPSTimeStamp", raw, "time_not_understood")
    hour, minute, second = parts
    if hour.denominator != 1 or minute.denominator != 1 or hour > 23 or minute > 59 or second >= 60:
        return _nothing("gps", "GPSTimeStamp", raw, "time_not_understood")
    whole = int(second)
    rest = (second - whole) * 10**9
    text = f"{day[1]}-{day[2]}-{day[3]} {int(hour):02}:{int(minute):02}:{whole:02}"
    if rest:
        if rest.denominator != 1:
            return _nothing("gps", "GPSTimeStamp", raw, "time_not_understood")
        text += "." + f"{int(rest):09}".rstrip("0")
    return _read("gps", "GPSTimeStamp", raw, text, "Z", "by_the_format")


def text_time(origin: str, name: str, raw: str) -> Time:
    """A time of XMP (ISO 8601) or of a container's own field, with an offset only where it is written in it."""
    text = raw.strip()
    if _EXIF.fullmatch(text):
        return exif_time(name, text, "", "")
    return _read(origin, name, raw[:200], text, None, "none")
