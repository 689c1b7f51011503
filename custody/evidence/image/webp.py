"""WebP, chunk by chunk: RFC 9649 (2), RFC 6386 (9.1) for VP8, and the VP8L header."""

from __future__ import annotations

from custody.evidence.image.walk import Walk

_ABOUT = {
    b"VP8 ": "picture",
    b"VP8L": "picture",
    b"VP8X": "dimensions",
    b"ANIM": "animation",
    b"ANMF": "picture",
    b"ALPH": "picture",
    b"EXIF": "exif",
    b"XMP ": "xmp",
    b"ICCP": "colour profile",
    b"C2PA": "content credentials",
}


def is_webp(head: bytes) -> bool:
    """Whether a file begins like a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def walk(out: Walk) -> None:
    """Walk the chunks of the RIFF form."""
    window, parts = out.window, out.parts
    declared = window.number(4, 4, "little") or 0
    end = 8 + declared + (declared & 1)
    parts.add(12, "RIFF header", "marker")
    if end > window.size and 8 + declared <= window.size:
        end = window.size  # an odd length whose filling byte was left out
    if end > window.size:
        out.flags.add("truncated")
    else:
        out.end = end
    stop = min(end, window.size)
    frames = 0
    at = 12
    while at < stop:
        if parts.full:
            out.flags.add("too_many_parts")
            out.fault(at, stop, "more chunks than are walked")
            break
        head = window.take(at, 8)
        kind = head[:4]
        if len(head) < 8 or not (kind.isascii() and kind.decode().isprintable()):
            out.fault(at, stop, "no chunk where one should begin")
            break
        length = int.from_bytes(head[4:8], "little")
        after = at + 8 + length + (length & 1)
        if at + 8 + length > stop:
            flag = "truncated" if stop == window.size else "damaged"
            out.fault(at, stop, f"chunk {kind.decode()!r} goes beyond the end", flag=flag)
            if flag == "truncated":
                out.end = None
        _chunk(out, kind, at + 8, min(at + 8 + length, stop))
        frames += kind in (b"ANMF", b"VP8 ", b"VP8L")
        parts.add(min(after, stop), kind.decode(), _ABOUT.get(kind, "other"))
        at = after
    parts.add(stop, "rest of the form", "not understood")
    out.frames = frames or None


def _chunk(out: Walk, kind: bytes, start: int, end: int) -> None:
    window = out.window
    head = window.take(start, min(10, end - start))
    if kind == b"VP8X" and len(head) >= 10:
        out.width = int.from_bytes(head[4:7], "little") + 1
        out.height = int.from_bytes(head[7:10], "little") + 1
    elif kind == b"VP8 " and len(head) >= 10 and head[3:6] == b"\x9d\x01\x2a" and out.width is None:
        out.width = int.from_bytes(head[6:8], "little") & 0x3FFF
        out.height = int.from_bytes(head[8:10], "little") & 0x3FFF
    elif kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F and out.width is None:
        bits = int.from_bytes(head[1:5], "little")
        out.width, out.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"EXIF":
        # Some writers put JPEG's lead before it.
        start += 6 if head.startswith(b"Exif\x00\x00") else 0
        out.block(out.exif, [(start, end)])
    elif kind == b"XMP ":
        out.block(out.xmp, [(start, end)])
    elif kind == b"C2PA":
        out.block(out.claims, [(start, end)])
