"""What lies behind the end of a picture, and what it announces there itself (CIPA DC-007, Google's containers)."""

from __future__ import annotations

from custody.evidence import sniff
from custody.evidence.image import jpeg
from custody.evidence.image.ifd import read_structure
from custody.evidence.image.model import Behind, Thumbnail
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Window

_MPF_ENTRIES = 0xB002
_MAX_PICTURES = 64
_PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_SCAN = 1 << 20


def multi_pictures(out: Walk) -> None:
    """The pictures that a JPEG's multi-picture index names: previews are thumbnails, all are announced."""
    for data in out.mpf:
        found = read_structure(data)
        start, end = data.place(0, data.size)
        entry = None if found is None else found.find("ifd0", _MPF_ENTRIES)
        if found is None or entry is None:
            out.fault(start, end, "a multi-picture index without its list")
            continue
        raw, order = found.raw(entry), found.order
        for at in range(0, min(len(raw) - 15, 16 * _MAX_PICTURES), 16):
            attribute, size, offset = (
                int.from_bytes(raw[at + n : at + n + 4], "little" if order == "little" else "big")
                for n in (0, 4, 8)
            )
            if offset == 0:  # the picture itself
                continue
            first, last = start + offset, start + offset + size
            if last > out.window.size:
                out.fault(first, out.window.size, "a further picture lies beyond the end", flag="truncated")
                continue
            out.announced.append((first, last, "mpf"))
            if attribute >> 16 & 0xFF == 1:  # type 0x01….: a large thumbnail
                width, height = jpeg.dimensions(out.window, first, last)
                out.thumbnails.append(
                    Thumbnail(kind="mpf preview", start=first, end=last, width=width, height=height)
                )


def motion(out: Walk, lengths: list[int]) -> None:
    """What XMP says of a film or further pictures that end the file, the last one last."""
    end = out.window.size
    for length in reversed(lengths):
        if 0 < length <= end and (out.end is None or end - length >= out.end):
            out.announced.append((end - length, end, "motion"))
            end -= length


def look(out: Walk) -> tuple[Behind, ...]:
    """The bytes behind the end, cut where something announced begins or ends."""
    window = out.window
    if out.end is None or out.end >= window.size:
        return ()
    announced = sorted(one for one in out.announced if one[0] >= out.end)
    found: list[Behind] = []
    at = out.end
    for start, end, how in announced:
        if start < at:
            continue
        if start > at:
            found.append(_one(window, at, start, None))
        found.append(_one(window, start, end, how))
        at = end
    if at < window.size:
        found.append(_one(window, at, window.size, None))
    for one in found:
        out.flags.add("trailing_data" if one.announced is None else "announced_data_behind")
    return tuple(found)


def _one(window: Window, start: int, end: int, announced: str | None) -> Behind:
    head = window.take(start, min(sniff.HEAD_SIZE, end - start))
    tail_at = max(start, end - sniff.TAIL_SIZE)
    found = sniff.sniff(head, end - start, tail=window.take(tail_at, end - tail_at), use_libmagic=False)
    return Behind(
        start=start,
        end=end,
        media_type=found.media_type,
        how=found.how,
        announced=announced,
        zeros=_zeros(window, start, end),
    )


def _zeros(window: Window, start: int, end: int) -> bool:
    while start < end:
        piece = window.take(start, min(_SCAN, end - start))
        if not piece or piece.count(0) != len(piece):
            return False
        start += len(piece)
    return True


def crop_remains(window: Window, format_name: str, behind: tuple[Behind, ...]) -> bool:
    """Whether what lies behind ends as the picture's format does: a larger picture was overwritten and not cut.

    Editors of some phones and systems saved a cropped picture into the longer old file (CVE-2023-21036,
    CVE-2023-28303): what was cropped away can be brought back in part.
    """
    last = next((one for one in reversed(behind) if one.announced is None and not one.zeros), None)
    if last is None or last.media_type.startswith(("image/", "video/")):
        return False  # a whole file behind another is no remains
    tail = window.take(max(last.start, last.end - 12), 12)
    return tail == _PNG_END if format_name == "png" else format_name == "jpeg" and tail[-2:] == b"\xff\xd9"
