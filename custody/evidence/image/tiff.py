"""TIFF as a container: its directories, values, strips and tiles accounted for; the rest is not referenced.

TIFF 6.0; a file of many pages has a directory for each. BigTIFF is recognised and not walked.
"""

from __future__ import annotations

from custody.evidence.image.ifd import Field, Structure, read_structure
from custody.evidence.image.model import Thumbnail
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges

MAGIC = (b"II*\x00", b"MM\x00*")
BIG = (b"II+\x00", b"MM\x00+")
_DATA = ((273, 279), (324, 325), (513, 514))
MAX_STRIPS = 20_000
"""Strips and tiles of a file that are placed; a picture of a scanner has a few hundred."""


def walk(out: Walk) -> None:
    """Account for every byte that a directory refers to."""
    window = out.window
    if window.take(0, 4) in BIG:
        out.parts.add(window.size, "not walked", "not understood")
        out.fault(0, window.size, "a BigTIFF: it is not walked")
        out.end = window.size
        return
    whole = Ranges.of(window, [(0, window.size)])
    out.exif.append(whole)
    out.pages = True
    found = read_structure(whole)
    if found is None:
        return
    ranges: list[tuple[int, int, str, str]] = [(0, 8, "header", "marker")]
    pages = placed = 0
    for one in found.directories:
        ranges.append((one.start, one.end, f"directory {one.name}", "directory"))
        main = one.name.startswith("ifd")
        reduced = _first(found, one.fields, 254)
        width, height = (_first(found, one.fields, tag) for tag in (256, 257))
        strips = [p for pair in _DATA for p in _strips(out, found, one.fields, pair, MAX_STRIPS - placed)]
        placed += len(strips)
        if main and not (reduced or 0) & 1:
            pages += 1
            if out.width is None:
                out.width, out.height = width, height
        elif strips and one.name not in ("exif", "gps", "interoperability"):
            start, end = min(strips)[0], max(strips, key=lambda place: place[1])[1]
            out.thumbnails.append(
                Thumbnail(kind="tiff directory", start=start, end=end, width=width, height=height)
            )
        ranges += [(start, end, "strips", "picture") for start, end in strips]
        for field in one.fields:
            if field.size > 4:
                ranges.append((field.start, field.start + field.size, f"value {field.tag:04x}", "value"))
            _known(out, field)
    out.frames = pages or None
    end = max(end for _, end, _, _ in ranges)
    if end > window.size:
        out.flags.add("truncated")
    else:
        out.end = end
    crowded = "too_many_parts" in out.flags
    for start, stop, name, about in sorted(ranges):
        if start > out.parts.end:
            out.parts.add(start, "not placed" if crowded else "not referenced", "not understood")
        out.parts.add(stop, name, about)
    if out.parts.shortened:
        out.flags.add("too_many_parts")


def _known(out: Walk, field: Field) -> None:
    place = [(field.start, field.start + field.size)]
    if field.tag == 700:
        out.block(out.xmp, place)
    elif field.tag == 0xCD41:
        out.block(out.claims, place)
    elif field.tag == 33723:
        out.block(out.iptc, place)


def _first(found: Structure, fields: list[Field], tag: int) -> int | None:
    for field in fields:
        if field.tag == tag and (numbers := found.numbers(field, 1)):
            return int(numbers[0])
    return None


def _strips(
    out: Walk, found: Structure, fields: list[Field], pair: tuple[int, int], most: int
) -> list[tuple[int, int]]:
    """Where the strips or tiles stand that a directory names."""
    starts = next((f for f in fields if f.tag == pair[0]), None)
    sizes = next((f for f in fields if f.tag == pair[1]), None)
    if starts is None or sizes is None:
        return []
    if starts.count > most:
        out.flags.add("too_many_parts")
    most = min(most, starts.count, sizes.count)
    numbers = zip(found.whole(starts, most), found.whole(sizes, most), strict=False)
    places = []
    for start, size in numbers:
        if start + size > out.window.size:
            out.fault(
                int(start), out.window.size, "a strip goes beyond the end of the file", flag="truncated"
            )
        places.append((int(start), int(start + size)))
    return places
