"""HEIF and AVIF, box by box: ISO/IEC 14496-12 (4.2, 8.11), ISO/IEC 23008-12 (6, 9), the AVIF specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from custody.evidence.image.model import Thumbnail
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges, Window

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "heic"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), "heif"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
}
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_CHILDREN = {b"iprp", b"ipco", b"dinf"}
MAX_ITEMS = 10_000
_MAX_PLACES = 20_000


@dataclass(slots=True)
class _Items:
    """What the meta box says of the items: kinds, places, references, properties."""

    primary: int | None = None
    kinds: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    links: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    properties: list[tuple[bytes, int, int]] = field(default_factory=list)
    has: dict[int, list[int]] = field(default_factory=dict)
    idat: int | None = None


def brand(window: Window) -> str | None:
    """``heic``, ``heif`` or ``avif`` for a file that begins with such a brand, else None."""
    length = window.number(0, 4) or 0
    if window.take(4, 4) != b"ftyp" or length < 16:
        return None
    names = [window.take(8, 4), *(window.take(at, 4) for at in range(16, min(length, 256) - 3, 4))]
    found = [_BRANDS[name] for name in names if name in _BRANDS]
    if not found or names[0] not in _BRANDS:
        return None
    return next((one for one in found if one != "heif"), "heif")


def walk(out: Walk) -> None:
    """Walk the boxes of the file and those of its meta box."""
    window, items = out.window, _Items()
    at = 0
    seen: set[bytes] = set()
    while at < window.size:
        if out.parts.full:
            out.flags.add("too_many_parts")
            out.fault(at, window.size, "more boxes than are walked")
            return
        box = _box(window, at, window.size)
        if box is None or (not box[3] and {b"ftyp", b"meta"} <= seen):
            break  # no box: what follows lies behind the picture
        kind, start, end, known = box
        if not known:
            out.fault(at, window.size, "no box where one should begin")
            break
        if end > window.size:
            out.fault(
                at, window.size, f"box {kind.decode()} goes beyond the end of the file", flag="truncated"
            )
            out.parts.add(window.size, kind.decode(), "cut off")
            _finish(out, items)
            return
        seen.add(kind)
        if kind == b"meta":
            _meta(out, items, at, start, end)
        elif kind == b"uuid" and window.take(start, 16) == _C2PA:
            out.block(out.claims, [(start + 16, end)])
        elif kind == b"mpvd":
            out.announced.append((at, end, "motion"))
        out.parts.add(end, kind.decode(), "picture" if kind in (b"mdat", b"idat") else "box")
        at = end
    if {b"ftyp", b"meta"} <= seen or {b"ftyp", b"moov"} <= seen:
        out.end = at
    _finish(out, items)


def _box(window: Window, at: int, limit: int) -> tuple[bytes, int, int, bool] | None:
    """(kind, start of its content, end, whether it can be a box) of the box that begins here."""
    head = window.take(at, 16)
    if len(head) < 8:
        return None
    length, kind, start = int.from_bytes(head[:4], "big"), head[4:8], at + 8
    if length == 1 and len(head) == 16:
        length, start = int.from_bytes(head[8:], "big"), at + 16
    elif length == 0:
        length = limit - at
    known = length >= start - at and kind.isascii() and kind.decode("ascii", "replace").isprintable()
    return kind, start, at + length, known


def _inner(out: Walk, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, place of the box, start of its content, end) of the boxes in a range."""
    at = start
    while at < end and not out.parts.full:
        box = _box(out.window, at, end)
        if box is None or not box[3] or box[2] > end:
            out.fault(at, end, "no whole box where one should begin")
            return
        yield box[0], at, box[1], box[2]
        at = box[2]


def _meta(out: Walk, items: _Items, at: int, start: int, end: int) -> None:
    out.parts.add(start + 4, "meta", "box")
    for kind, _, inner, stop in _inner(out, start + 4, end):
        name = f"meta/{kind.decode()}"
        _child(out, items, kind, inner, stop)
        if kind in _CHILDREN:
            out.parts.add(inner, name, "box")
            for child, _, first, last in _inner(out, inner, stop):
                if child == b"ipco":
                    for prop, _, begin, done in _inner(out, first, last):
                        items.properties.append((prop, begin, done))
                elif child == b"ipma":
                    _associations(out, items, first, last)
                out.parts.add(last, f"{name}/{child.decode()}", "box")
        out.parts.add(stop, name, "box")


def _child(out: Walk, items: _Items, kind: bytes, start: int, end: int) -> None:
    window = out.window
    version = window.number(start, 1) or 0
    wide = 4 if version else 2
    if kind == b"pitm":
        items.primary = window.number(start + 4, wide)
    elif kind == b"idat":
        items.idat = start
    elif kind == b"iinf":
        for child, _, first, _ in _inner(out, start + 4 + wide, end):
            number = window.number(first, 1) or 0
            size = 4 if number == 3 else 2
            if child == b"infe" and number >= 2 and len(items.kinds) < MAX_ITEMS:
                name = window.take(first + 4 + size + 2, 4)
                if name == b"mime":
                    name += b" " + window.take(first + 4 + size + 6, 128)
                items.kinds[window.number(first + 4, size) or 0] = name
    elif kind == b"iloc":
        _locations(out, items, start, end, version)
    elif kind == b"iref":
        size = 4 if version else 2
        for child, _, first, last in _inner(out, start + 4, end):
            origin, count = window.number(first, size), window.number(first + size, 2)
            at = first + size + 2
            targets = [
                window.number(at + size * n, size) or 0 for n in range(min(count or 0, (last - at) // size))
            ]
            if origin is not None and len(items.links) < MAX_ITEMS:
                items.links.append((child, origin, targets))


def _locations(out: Walk, items: _Items, start: int, end: int, version: int) -> None:
    window = out.window
    sizes = window.take(start + 4, 2)
    if len(sizes) < 2 or version > 2:
        out.fault(start, end, "places of items in a form that is not known")
        return
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    wide = 4 if version == 2 else 2
    if {offset_size, length_size, base_size, index_size} - {0, 4, 8}:
        out.fault(start, end, "places of items in fields of a size that is not known")
        return
    count, at, left = window.number(start + 6, wide) or 0, start + 6 + wide, _MAX_PLACES
    for _ in range(min(count, MAX_ITEMS)):
        item = window.number(at, wide)
        at += wide
        method = (window.number(at, 2) or 0) & 15 if version else 0
        at += (2 if version else 0) + 2
        base = window.number(at, base_size) or 0 if base_size else 0
        at += base_size
        extents = window.number(at, 2)
        at += 2
        step = index_size + offset_size + length_size
        # fields of no bytes would let 65,535 places stand in none
        if item is None or extents is None or at + extents * step > end or (extents > 1 and not step):
            out.fault(start, end, "the places of the items are cut off")
            return
        left -= extents
        if left < 0:
            out.fault(start, end, "more places of items than are read", flag="too_many_parts")
            return
        places = []
        for number in range(extents):
            here = at + number * step + index_size
            first = base + (window.number(here, offset_size) or 0 if offset_size else 0)
            length = window.number(here + offset_size, length_size) or 0 if length_size else 0
            places.append((first, first + length if length else max(first, window.size)))
        at += extents * step
        if method == 1:
            places = [(p + (items.idat or 0), q + (items.idat or 0)) for p, q in places] if items.idat else []
        if method <= 1:
            items.places[item] = places


def _associations(out: Walk, items: _Items, start: int, end: int) -> None:
    window = out.window
    version, flags = window.number(start, 1) or 0, window.number(start + 3, 1) or 0
    wide, size = (4 if version else 2), (2 if flags & 1 else 1)
    count, at = window.number(start + 4, 4) or 0, start + 8
    for _ in range(min(count, MAX_ITEMS)):
        item, many = window.number(at, wide), window.number(at + wide, 1)
        at += wide + 1
        if item is None or many is None or at + many * size > end:
            out.fault(start, end, "the properties of the items are cut off")
            return
        mask = 0x7FFF if size == 2 else 0x7F
        items.has[item] = [(window.number(at + size * n, size) or 0) & mask for n in range(many)]
        at += many * size


def _size(out: Walk, items: _Items, item: int) -> tuple[int | None, int | None]:
    """Width and height that an item's properties state."""
    for number in items.has.get(item, ()):
        if 1 <= number <= len(items.properties):
            kind, start, _ = items.properties[number - 1]
            if kind == b"ispe":
                return out.window.number(start + 4, 4), out.window.number(start + 8, 4)
    return None, None


def _finish(out: Walk, items: _Items) -> None:
    window = out.window
    out.frames = 1 if items.primary is not None else None
    if items.primary is not None:
        out.width, out.height = _size(out, items, items.primary)
    for item, kind in items.kinds.items():
        places = items.places.get(item, [])
        if any(end > window.size for _, end in places):
            out.fault(0, window.size, f"item {item} lies beyond the end of the file", flag="truncated")
        if kind == b"Exif" and places:
            whole = Ranges.of(window, places)
            lead = int.from_bytes(whole.take(0, 4), "big")  # 23008-12 annex A: bytes before the TIFF header
            out.block(out.exif, _after(whole, 4 + lead))
        elif kind.startswith(b"mime application/rdf+xml") or b"application/rdf+xml" in kind:
            out.block(out.xmp, places)
    for kind, origin, targets in items.links:
        if kind == b"thmb" and items.primary in targets and (found := items.places.get(origin)):
            width, height = _size(out, items, origin)
            start, end = (min(at, window.size) for at in (found[0][0], found[-1][1]))
            out.thumbnails.append(
                Thumbnail(kind="heif item", start=start, end=max(start, end), width=width, height=height)
            )


def _after(whole: Ranges, count: int) -> list[tuple[int, int]]:
    """The ranges without their first bytes."""
    kept = []
    for start, end in whole.ranges:
        left = min(count, end - start)
        count -= left
        if start + left < end:
            kept.append((start + left, end))
    return kept
