"""PNG and APNG, chunk by chunk: the PNG specification, third edition (4.8, 5, 11); each checksum is compared."""

from __future__ import annotations

import zlib

from custody.evidence.image.walk import MAX_UNPACKED, Walk
from custody.evidence.image.window import Ranges, Window

MAGIC = b"\x89PNG\r\n\x1a\n"
LONGEST_TEXT = 1 << 20
"""Bytes of a text that is unpacked at most."""
_PIECE = 1 << 20
_RAW_PROFILE = "Raw profile type "
_ABOUT = {
    b"IHDR": "dimensions",
    b"PLTE": "palette",
    b"IDAT": "picture",
    b"fdAT": "picture",
    b"fcTL": "frame",
    b"acTL": "animation",
    b"IEND": "marker",
    b"tEXt": "text",
    b"zTXt": "text",
    b"iTXt": "text",
    b"eXIf": "exif",
    b"caBX": "content credentials",
    b"tIME": "time",
    b"iCCP": "colour profile",
    b"iDOT": "apple",
}


def walk(out: Walk) -> None:
    """Walk the file from its signature to its IEND chunk."""
    window, parts = out.window, out.parts
    parts.add(8, "signature", "marker")
    out.frames = 1
    at = 8
    while True:
        if parts.full:
            out.flags.add("too_many_parts")
            out.fault(at, window.size, "more chunks than are walked")
            return
        head = window.take(at, 8)
        if not head:
            return
        kind = head[4:8]
        if len(head) < 8 or not (kind.isalpha() and kind.isascii()):
            out.fault(at, window.size, "no chunk where one should begin")
            return
        length = int.from_bytes(head[:4], "big")
        end = at + 12 + length
        if length > 0x7FFF_FFFF or end > window.size:
            out.fault(
                at, window.size, f"chunk {kind.decode()} goes beyond the end of the file", flag="truncated"
            )
            if kind == b"IDAT":
                parts.add(window.size, "IDAT", "picture")
            return
        if _checksum(window, at + 4, end - 4) != window.number(end - 4, 4):
            out.fault(
                at, end, f"the checksum of {kind.decode()} is not that of its bytes", flag="checksum_wrong"
            )
        _chunk(out, kind, at + 8, end - 4)
        # an ancillary private chunk is named as it stands
        parts.add(end, kind.decode(), _ABOUT.get(kind, "other"))
        at = end
        if kind == b"IEND":
            out.end = end
            return


def _checksum(window: Window, start: int, end: int) -> int:
    found = 0
    while start < end:
        piece = window.take(start, min(_PIECE, end - start))
        if not piece:
            break
        found = zlib.crc32(piece, found)
        start += len(piece)
    return found


def _chunk(out: Walk, kind: bytes, start: int, end: int) -> None:
    window = out.window
    if kind == b"IHDR" and end - start >= 8:
        if out.width is None:
            out.width, out.height = window.number(start, 4), window.number(start + 4, 4)
        else:
            out.fault(start, end, "dimensions stand twice")
    elif kind == b"acTL" and end - start >= 4:
        out.frames = window.number(start, 4)
    elif kind == b"eXIf":
        out.block(out.exif, [(start, end)])
    elif kind == b"caBX":
        out.block(out.claims, [(start, end)])
    elif kind == b"tIME" and end - start == 7:
        year = int.from_bytes(window.take(start, 2), "big")
        month, day, hour, minute, second = window.take(start + 2, 5)
        raw = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        out.raw_times.append(("tIME", raw))
    elif kind in (b"tEXt", b"zTXt", b"iTXt"):
        _text(out, kind, start, end)


def _text(out: Walk, kind: bytes, start: int, end: int) -> None:
    data = out.window.take(start, min(end - start, LONGEST_TEXT))
    keyword, separated, rest = data.partition(b"\x00")
    if not separated or not 1 <= len(keyword) <= 79:
        out.fault(start, end, "a text without its keyword", what="text")
        return
    name = keyword.decode("latin-1")
    at = start + len(keyword) + 1
    packed = kind == b"zTXt"
    encoding = "latin-1"
    if kind == b"iTXt":
        encoding = "utf-8"
        packed = rest[:1] == b"\x01"
        language, _, later = rest[2:].partition(b"\x00")
        translated, found, rest = later.partition(b"\x00")
        if not found:
            out.fault(start, end, "an international text without its fields", what="text")
            return
        at += 2 + len(language) + 1 + len(translated) + 1
    elif packed:
        at, rest = at + 1, rest[1:]
    if name == "XML:com.adobe.xmp" and not packed:
        out.block(out.xmp, [(at, end)])
        return
    if packed:
        unpacked = _unpacked(rest) if out.unpacked < MAX_UNPACKED else None
        out.unpacked += LONGEST_TEXT if unpacked is None else len(unpacked)
        if unpacked is None:
            out.fault(start, end, "a packed text that can't be unpacked, or is too long for it", what="text")
            return
        rest = unpacked
    if name == "XML:com.adobe.xmp":
        out.block(out.xmp, Ranges.unpacked(rest, start, end))
        return
    if name.startswith(_RAW_PROFILE) and _profile(out, name.removeprefix(_RAW_PROFILE), rest, start, end):
        return
    out.says("text", name, rest[:4100].decode(encoding, "backslashreplace"), start, end)


def _profile(out: Walk, kind: str, text: bytes, start: int, end: int) -> bool:
    """A profile that ImageMagick and others spell in hex digits behind its name and length: True if it is taken."""
    lines = text.strip().split(b"\n", 2)
    try:
        data = bytes.fromhex(lines[2].decode("ascii")) if len(lines) == 3 else b""
    except ValueError:
        data = b""
    if not data:
        out.fault(start, end, f"a profile that is not spelled in hex digits: {kind[:20]!r}", what="text")
    elif kind in ("exif", "APP1") and data.startswith(b"Exif\x00\x00"):
        out.block(out.exif, Ranges.unpacked(data[6:], start, end))
    elif kind in ("xmp", "APP1") and b"<" in data[:100]:
        out.block(out.xmp, Ranges.unpacked(data[data.index(b"<") :], start, end))
    elif kind == "iptc":
        out.block(out.iptc, Ranges.unpacked(data, start, end))
    else:
        return False
    return True


def _unpacked(data: bytes) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, LONGEST_TEXT)
    except zlib.error:
        return None
    return found if unpacker.eof else None
