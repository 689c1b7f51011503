"""BMP: the file header, the information header, the palette and the pixels ([MS-WMF] 2.2.2, [MS-RRASM])."""

from __future__ import annotations

import struct

from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Window

_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def is_bmp(window: Window) -> bool:
    """Whether a file begins like a BMP: two letters alone would be chance."""
    head = window.take(0, 18)
    return len(head) == 18 and head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _HEADERS


def walk(out: Walk) -> None:
    """Account for the headers and the pixels."""
    window, parts = out.window, out.parts
    declared, _, offset, length = struct.unpack("<IIII", window.take(2, 16))
    parts.add(14, "file header", "marker")
    head = window.take(14, length)
    parts.add(14 + length, "information header", "dimensions")
    if len(head) < length:
        out.fault(14, window.size, "the header is cut off", flag="truncated")
        return
    bits = compression = image = 0
    if length == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", head, 4)
    elif length == 16:
        width, height, _, bits = struct.unpack_from("<IIHH", head, 4)
    else:
        width, height, _, bits, compression, image = struct.unpack_from("<iiHHII", head, 4)
    if width <= 0 or height == 0:
        out.fault(14, 14 + length, "impossible dimensions")
    else:
        out.width, out.height = width, abs(height)  # negative: the first row stands first
    out.frames = 1
    if offset < 14 + length:
        out.fault(10, 14, "the pixels are said to begin inside the header")
        offset = 14 + length
    parts.add(offset, "palette and what lies before the pixels", "palette")
    if compression in (0, 3, 6):
        image = (width * bits + 31) // 32 * 4 * abs(height) if width > 0 else 0
    end = max(offset + image, declared)
    if end > window.size:
        out.fault(offset, window.size, "fewer bytes than the header says", flag="truncated")
    else:
        out.end = end
    parts.add(end, "pixels", "picture")
