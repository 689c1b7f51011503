"""A picture's row in plain lines, for people: what to look at first stands first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_MOST = 40
"""Statements and parts that are shown; the JSON form has all."""


def lines(row: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a row of kind "picture" behind its first one. Texts are as they stand in the file: not yet safe."""
    yield f"{row['size']} bytes, {row['media_type']}{_frames(row)}{_turned(row)}"
    for one in row.get("positions", ()):
        yield f"position ({one['origin']}): {_position(one)}"
    for one in row.get("times", ()):
        yield f"time {one['name']}: {one['raw']}{_instant(one)}"
    yield from _some(row.get("statements", ()), _statement, "statement")
    for one in row.get("thumbnails", ()):
        yield f"small picture inside ({one['kind']}): {_size(one)}, bytes {_place(one)}{_shape(one)}{_tells(one)}"
    for one in row.get("behind", ()):
        yield f"behind the end: {_behind(one)}, bytes {_place(one)}{_tells(one)}"
    for one in row.get("hints", ()):
        yield f"hint {one['code']}: {one['reason']}"
    stated, hints = row.get("grade_stated"), row.get("grade_hints", ())
    if stated is not None:
        yield f"grade of copy, as somebody stated it: {stated}{'' if hints else '; nothing in the file hints at one'}"
    elif hints:
        yield "grade of copy: nobody stated one"
    for one in hints:
        yield f"speaks for the grade of copy {one['grade']}: {one['reason']}"
    for reason in row.get("grade_against", ()):
        yield f"speaks against what was stated: {reason}"
    perceptual = row.get("perceptual", {})
    if "reason" in perceptual:
        yield f"not compared with other pictures: {perceptual['text']}"
    elif perceptual:
        yield f"hashes for comparing: dhash {perceptual['dhash']}, phash {perceptual['phash']} ({perceptual['by']})"
    yield from _some(row.get("unread", ()), _unread, "place that was not understood")
    parts = row.get("parts", ())
    yield f"{sum(one['count'] for one in parts)} parts account for every byte; --json lists them"


def _frames(row: Mapping[str, Any]) -> str:
    frames = row.get("frames")
    return "" if frames is None or frames == 1 else f", {frames} pictures one after the other"


def _turned(row: Mapping[str, Any]) -> str:
    orientation = row.get("orientation")
    return "" if orientation in (None, 1) else f", to be turned for looking (orientation {orientation})"


def _position(one: Mapping[str, Any]) -> str:
    raw = f"{one['latitude_raw']}, {one['longitude_raw']}"
    if one["latitude"] is None or one["longitude"] is None:
        return f"not understood; as written: {raw}"
    height = f", altitude {one['altitude']} m" if one.get("altitude") else ""
    return f"{one['latitude']}, {one['longitude']}{height}; as written: {raw}"


def _instant(one: Mapping[str, Any]) -> str:
    if one["instant"] is not None:
        return f" = {one['instant']}"
    return " (no instant: the zone is not in the file)" if "no_offset" in one["flags"] else " (no instant)"


def _statement(one: Mapping[str, Any]) -> str:
    cut = " …" if one["cut"] else ""
    return f"{one['origin']} {one['name']}: {one['value']}{cut}"


def _unread(one: Mapping[str, Any]) -> str:
    return f"not understood ({one['what']}): {one['reason']}, bytes {_place(one)}"


def _behind(one: Mapping[str, Any]) -> str:
    what = "only zeros" if one["zeros"] else one["media_type"]
    return f"{what}, announced ({one['announced']})" if one["announced"] else what


def _shape(one: Mapping[str, Any]) -> str:
    return "; another shape than the picture" if one["differs"] else ""


def _tells(one: Mapping[str, Any]) -> str:
    return f"; in it: {', '.join(one['flags'])}" if one["flags"] else ""


def _size(one: Mapping[str, Any]) -> str:
    known = one["width"] is not None and one["height"] is not None
    return f"{one['width']} × {one['height']}" if known else "size not known"


def _place(one: Mapping[str, Any]) -> str:
    return f"{one['start']} to {one['end']}"


def _some(
    values: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any]], str], what: str
) -> Iterator[str]:
    for one in values[:_MOST]:
        yield told(one)
    if len(values) > _MOST:
        yield f"{len(values) - _MOST} more of the kind {what}; --json has all"
