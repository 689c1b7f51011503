"""IPTC-IIM in Photoshop's image resources: IIM 4.2 (chapter 3), Photoshop File Formats (image resources)."""

from __future__ import annotations

from custody.evidence.image import jpeg
from custody.evidence.image.model import Thumbnail
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges

_NAMES = {
    5: "ObjectName",
    40: "SpecialInstructions",
    55: "DateCreated",
    60: "TimeCreated",
    65: "OriginatingProgram",
    80: "By-line",
    85: "By-lineTitle",
    90: "City",
    92: "Sub-location",
    101: "Country",
    103: "OriginalTransmissionReference",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "CopyrightNotice",
    118: "Contact",
    120: "Caption",
    122: "Writer",
}
OWNERS = {"By-line", "Credit", "CopyrightNotice", "Contact", "Writer"}
PLACES = {"City", "Sub-location", "Country"}
_MAX = 1_000


def take(out: Walk, data: Ranges) -> None:
    """Read image resources (or bare IPTC, as TIFF has it) into the statements of a walk. Never raises."""
    if data.take(0, 1) == b"\x1c":
        _records(out, data, 0, data.size)
        return
    at = 0
    for _ in range(_MAX):
        head = data.take(at, 7)
        if head[:4] != b"8BIM" or len(head) < 7:
            break
        number = int.from_bytes(head[4:6], "big")
        named = 1 + head[6]
        at += 6 + named + (named & 1)
        size = int.from_bytes(data.take(at, 4), "big")
        start, at = at + 4, at + 4 + size + (size & 1)
        if start + size > data.size:
            _outside(out, data, start)
            return
        if number == 0x0404:
            _records(out, data, start, start + size)
        elif number in (0x0409, 0x040C):  # 28 bytes of header before the picture
            first, last = data.place(start + 28, max(0, size - 28))
            width, height = jpeg.dimensions(data, start + 28, start + size)
            out.thumbnails.append(
                Thumbnail(kind="photoshop", start=first, end=last, width=width, height=height)
            )


def _outside(out: Walk, data: Ranges, at: int) -> None:
    start, end = data.place(min(at, data.size), max(0, data.size - at))
    out.fault(start, end, "a resource goes beyond its segment", what="iptc")


def _records(out: Walk, data: Ranges, at: int, end: int) -> None:
    for _ in range(_MAX):
        head = data.take(at, 5)
        if at >= end or len(head) < 5 or head[0] != 0x1C:
            return
        record, name = head[1], _NAMES.get(head[2])
        size = int.from_bytes(head[3:5], "big")
        if size & 0x8000 or at + 5 + size > end:
            _outside(out, data, at)
            return
        if record == 2 and name is not None:
            start, stop = data.place(at + 5, size)
            value = data.take(at + 5, min(size, 4100)).decode("utf-8", "backslashreplace").strip()
            out.says("iptc", name, value, start, stop)
            if value and name in OWNERS:
                out.flags.add("owner_name")
            if value and name in PLACES:
                out.flags.add("place_named")
        at += 5 + size
