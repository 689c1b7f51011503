"""A picture's facts as plain JSON values: texts, whole numbers, true and false, lists, null; never a float."""

from __future__ import annotations

from typing import Any

from custody.evidence.image.model import Picture, Time

VERSION = "1"


def to_json(picture: Picture) -> dict[str, Any]:
    """The facts with their names as in `Picture`; all keys are always there."""
    return {
        "size": picture.size,
        "format": picture.format,
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "orientation": picture.orientation,
        "frames": picture.frames,
        "parts": [
            {"start": one.start, "end": one.end, "name": one.name, "about": one.about, "count": one.count}
            for one in picture.parts
        ],
        "statements": [
            {
                "origin": one.origin,
                "name": one.name,
                "value": one.value,
                "start": one.start,
                "end": one.end,
                "cut": one.cut,
            }
            for one in picture.statements
        ],
        "times": [time_value(one) for one in picture.times],
        "positions": [
            {
                "origin": one.origin,
                "latitude_raw": one.latitude_raw,
                "longitude_raw": one.longitude_raw,
                "latitude": one.latitude,
                "longitude": one.longitude,
                "exact": one.exact,
                "altitude_raw": one.altitude_raw,
                "altitude": one.altitude,
                "datum": one.datum,
            }
            for one in picture.positions
        ],
        "thumbnails": [
            {
                "kind": one.kind,
                "start": one.start,
                "end": one.end,
                "width": one.width,
                "height": one.height,
                "differs": one.differs,
                "flags": list(one.flags),
            }
            for one in picture.thumbnails
        ],
        "behind": [
            {
                "start": one.start,
                "end": one.end,
                "media_type": one.media_type,
                "how": one.how,
                "announced": one.announced,
                "zeros": one.zeros,
                "flags": list(one.flags),
            }
            for one in picture.behind
        ],
        "unread": [
            {"start": one.start, "end": one.end, "what": one.what, "reason": one.reason}
            for one in picture.unread
        ],
        "hints": [{"code": one.code, "reason": one.reason} for one in picture.hints],
        "flags": list(picture.flags),
    }


def time_value(one: Time) -> dict[str, Any]:
    """One time as a JSON object."""
    return {
        "origin": one.origin,
        "name": one.name,
        "raw": one.raw,
        "instant": one.instant,
        "precision": one.precision,
        "offset": one.offset,
        "offset_origin": one.offset_origin,
        "flags": list(one.flags),
    }
