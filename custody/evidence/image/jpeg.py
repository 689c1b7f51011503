"""JPEG, segment by segment: ITU-T T.81 (B.1, B.2), JFIF 1.02, Exif 2.32 (4.7), CIPA DC-007 (MPF), XMP part 3.

The coded picture itself is not decoded: a scan is the bytes up to the next marker.
"""

from __future__ import annotations

import re

from custody.evidence.image.model import Thumbnail
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges, Window

MAGIC = b"\xff\xd8\xff"
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD8)}
# In a scan, FF stands before 00 (stuffing), a restart marker, or another FF; anything else is a marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FIRST_STEP, _STEP = 1 << 9, 1 << 20

_NAMES = {
    **{0xE0 + number: f"APP{number}" for number in range(16)},
    **{0xC0 + number: f"SOF{number}" for number in range(16)},
    0xC4: "DHT",
    0xC8: "JPG",
    0xCC: "DAC",
    0xD8: "SOI",
    0xD9: "EOI",
    0xDA: "SOS",
    0xDB: "DQT",
    0xDC: "DNL",
    0xDD: "DRI",
    0xFE: "COM",
}
_EXIF = (b"Exif\x00\x00", b"Exif\x00\xff")
_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\x00"
_PHOTOSHOP = b"Photoshop 3.0\x00"


def walk(out: Walk) -> None:
    """Walk the file from its first marker to its end of image."""
    window, parts = out.window, out.parts
    parts.add(2, "SOI", "marker")
    out.frames = 1
    claims: list[tuple[int, int]] = []
    at = 2
    while True:
        if parts.full:
            out.flags.add("too_many_parts")
            out.fault(at, window.size, "more segments than are walked")
            break
        head = window.take(at, 4)
        if len(head) < 2:
            break  # no end of image: cut off
        if head[0] != 0xFF:
            found = _next(window, at)
            out.fault(at, window.size if found is None else found, "bytes where a marker should stand")
            if found is None:
                break
            parts.add(found, "stray bytes", "not understood")
            at = found
            continue
        code = head[1]
        if code == 0xFF:  # fill bytes before a marker (B.1.1.2)
            filled = window.take(at, 4096)
            at += max(1, len(filled) - len(filled.lstrip(b"\xff")) - 1)
            parts.add(at, "fill", "filling")
            continue
        if code == 0xD9:
            out.end = at + 2
            parts.add(out.end, "EOI", "marker")
            break
        name = _NAMES.get(code, f"marker {code:02X}")
        if code in _ALONE or code in (0x00, 0xD8):
            if code in (0x00, 0xD8):
                out.fault(at, at + 2, f"a marker that can't stand here: {code:02X}")
            at += 2
            parts.add(at, name, "marker")
            continue
        length = int.from_bytes(head[2:4], "big")
        end = at + 2 + length
        if len(head) < 4 or end > window.size:
            out.fault(at, window.size, f"{name} goes beyond the end of the file", flag="truncated")
            break
        if length < 2:
            out.fault(at, at + 4, f"{name} with an impossible length")
            end = at + 4
        about = _segment(out, code, at + 4, end, claims)
        parts.add(end, name, about)
        at = end
        if code == 0xDA:
            found = _next(window, at)
            at = window.size if found is None else found
            parts.add(at, "scan", "picture")
    if claims:
        out.block(out.claims, claims)


def _next(window: Window, at: int) -> int | None:
    """Where the next marker stands that ends a scan, or None."""
    step = _FIRST_STEP  # small at first: a file of tiny scans must not be copied again and again
    while at < window.size:
        piece = window.take(at, step)
        match = _MARKER.search(piece)
        if match:
            return at + match.start()
        if len(piece) < step:
            return None
        at += step - 1  # an FF may be the last byte
        step = min(2 * step, _STEP)
    return None


def _segment(out: Walk, code: int, start: int, end: int, claims: list[tuple[int, int]]) -> str:
    """Take what a segment says; gives what it is for."""
    window = out.window
    head = window.take(start, min(end - start, 64))
    if code in _SIZES:
        if out.width is None and len(head) >= 6:
            out.height, out.width = int.from_bytes(head[1:3], "big"), int.from_bytes(head[3:5], "big")
        elif out.width is not None:
            out.fault(start, end, "dimensions stand twice")
        return "dimensions"
    if code == 0xDC and out.height == 0 and len(head) >= 2:
        out.height = int.from_bytes(head[:2], "big")  # DNL: the number of lines comes after the scan
        return "dimensions"
    if code == 0xE0:
        return _application0(out, start, end, head)
    if code == 0xE1 and head.startswith(_EXIF):
        out.block(out.exif, [(start + 6, end)])
        return "exif"
    if code == 0xE1 and head.startswith(_XMP):
        out.block(out.xmp, [(start + len(_XMP), end)])
        return "xmp"
    if code == 0xE1 and head.startswith(_EXTENDED):
        lead = window.take(start + len(_EXTENDED), 40)
        if len(lead) == 40 and start + len(_EXTENDED) + 40 <= end:
            offset = int.from_bytes(lead[36:40], "big")
            out.extended.append((lead[:32], offset, start + len(_EXTENDED) + 40, end))
        return "xmp"
    if code == 0xE2 and head.startswith(b"MPF\x00"):
        out.block(out.mpf, [(start + 4, end)])
        return "multi-picture index"
    if code == 0xE2 and head.startswith(b"ICC_PROFILE\x00"):
        return "colour profile"
    if code == 0xEB and head.startswith(b"JP") and head[12:16] == b"jumb":
        # Each segment: 2 bytes "JP", box instance, packet number; LBox and TBox are repeated in each.
        first = head[4:8] == b"\x00\x00\x00\x01"
        claims.append((start + 8 if first else start + 16, end))
        return "content credentials"
    if code == 0xED and head.startswith(_PHOTOSHOP):
        out.block(out.iptc, [(start + len(_PHOTOSHOP), end)])
        return "photoshop, iptc"
    if code == 0xFE:
        out.says("container", "comment", _text(window.take(start, min(end - start, 4096))), start, end)
        return "comment"
    return "application data" if 0xE0 <= code <= 0xEF else "coding"


def _application0(out: Walk, start: int, end: int, head: bytes) -> str:
    if head.startswith(b"JFIF\x00") and len(head) >= 14:
        out.says("container", "jfif_version", f"{head[5]}.{head[6]:02}", start + 5, start + 7)
        width, height = head[12], head[13]
        if width and height:
            out.thumbnails.append(
                Thumbnail(
                    kind="jfif",
                    start=start + 14,
                    end=min(end, start + 14 + 3 * width * height),
                    width=width,
                    height=height,
                )
            )
        return "jfif"
    if head.startswith(b"JFXX\x00") and len(head) >= 8:
        if head[5] == 0x10:
            width_height = dimensions(out.window, start + 6, end)
        else:
            width_height = (head[6], head[7]) if head[5] in (0x11, 0x13) else (None, None)
        out.thumbnails.append(
            Thumbnail(kind="jfxx", start=start + 6, end=end, width=width_height[0], height=width_height[1])
        )
        return "jfif"
    return "application data"


def _text(data: bytes) -> str:
    return data.rstrip(b"\x00").decode("utf-8", "backslashreplace")


def dimensions(window: Window | Ranges, start: int, end: int) -> tuple[int | None, int | None]:
    """Width and height of the JPEG that stands at a place of the file, or (None, None); 64 segments at most."""
    if window.take(start, 2) != b"\xff\xd8":
        return None, None
    at = start + 2
    for _ in range(64):
        head = window.take(at, 10)
        if len(head) < 10 or at + 10 > end or head[0] != 0xFF:
            break
        if head[1] == 0xFF:
            at += 1
            continue
        if head[1] in _SIZES:
            return int.from_bytes(head[7:9], "big"), int.from_bytes(head[5:7], "big")
        if head[1] in (0xD9, 0xDA):
            break
        at += 2 + (0 if head[1] in _ALONE else int.from_bytes(head[2:4], "big"))
    return None, None
