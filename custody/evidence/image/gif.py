"""GIF, block by block: the GIF89a specification (17 to 27). A picture's data is not unpacked."""

from __future__ import annotations

from custody.evidence.image.walk import MAX_STEPS, Walk

MAGIC = (b"GIF87a", b"GIF89a")
_XMP = b"XMP DataXMP"
_XMP_END = 258
"""Bytes of the trailer by which a reader of blocks finds out of an XMP packet, which stands in no blocks."""
_LABELS = {0xF9: "graphic control", 0xFE: "comment", 0xFF: "application", 0x01: "plain text"}


def walk(out: Walk) -> None:
    """Walk the file from its header to its trailer."""
    window, parts = out.window, out.parts
    head = window.take(0, 13)
    if len(head) < 13:
        out.fault(0, window.size, "the header is cut off", flag="truncated")
        return
    out.width, out.height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    out.frames = 0
    parts.add(13, "header", "dimensions")
    at = 13 + _table(head[10])
    parts.add(at, "colour table", "palette")
    steps = 0
    while True:
        if parts.full or steps > 40 * MAX_STEPS:
            out.flags.add("too_many_parts")
            out.fault(at, window.size, "more blocks than are walked")
            return
        kind = window.take(at, 11)
        if not kind:
            return
        if kind[0] == 0x3B:
            out.end = at + 1
            parts.add(out.end, "trailer", "marker")
            return
        if kind[0] == 0x2C and len(kind) >= 10:
            out.frames += 1
            start = at + 10 + _table(kind[9])
            end, used = _blocks(out, start + 1)
            parts.add(end, "image", "picture")
        elif kind[0] == 0x21 and len(kind) >= 2:
            start = at + 2
            end, used = _blocks(out, start)
            about = _extension(out, kind[1], start, end)
            parts.add(end, _LABELS.get(kind[1], f"extension {kind[1]:02X}"), about)
        elif kind[0] in (0x2C, 0x21):
            out.fault(at, window.size, "a block is cut off", flag="truncated")
            return
        else:
            out.fault(at, window.size, "no block where one should begin")
            return
        steps += used
        if end >= window.size:
            return
        at = end


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(out: Walk, at: int) -> tuple[int, int]:
    """Where the blocks that begin here end, and how many there were."""
    count = 0
    while True:
        length = out.window.number(at, 1)
        if length is None:
            out.fault(at, out.window.size, "blocks without an end", flag="truncated")
            return out.window.size, count
        at += 1 + length
        count += 1
        if length == 0:
            return at, count


def _extension(out: Walk, label: int, start: int, end: int) -> str:
    window = out.window
    first = window.number(start, 1) or 0
    if label == 0xFE:
        out.says("container", "comment", _joined(out, start, end), start, end)
        return "comment"
    if label != 0xFF:
        return "control"
    name = window.take(start + 1, first)
    inner = start + 1 + first
    if name == _XMP:
        out.block(out.xmp, [(inner, max(inner, end - _XMP_END))])
        return "xmp"
    if name.startswith(b"C2PA_GIF"):
        ranges: list[tuple[int, int]] = []
        at = inner
        while (length := window.number(at, 1)) and len(ranges) < 10_000:
            ranges.append((at + 1, at + 1 + length))
            at += 1 + length
        out.block(out.claims, ranges)
        return "content credentials"
    return "animation" if name.startswith((b"NETSCAPE", b"ANIMEXTS")) else "application data"


def _joined(out: Walk, start: int, end: int) -> str:
    found = b""
    while start < end and len(found) < 4096 and (length := out.window.number(start, 1)):
        found += out.window.take(start + 1, length)
        start += 1 + length
    return found.decode("utf-8", "backslashreplace")
