"""`facts`: what a file says of itself as a picture, from its bytes alone. Pure, in bounded memory; never raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from custody.evidence import sniff
from custody.evidence.export import Bytes, Cut
from custody.evidence.image import (
    behind,
    bmp,
    boxes,
    claims,
    exif,
    gif,
    hints,
    iptc,
    jpeg,
    moments,
    png,
    tiff,
    webp,
    xmp_facts,
)
from custody.evidence.image.model import TELLING, Behind, Picture, Position, Time, render_pixels
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Window

_MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
}
_WALKS: dict[str, Callable[[Walk], None]] = {
    "jpeg": jpeg.walk,
    "png": png.walk,
    "gif": gif.walk,
    "webp": webp.walk,
    "bmp": bmp.walk,
    "tiff": tiff.walk,
    "heic": boxes.walk,
    "heif": boxes.walk,
    "avif": boxes.walk,
}
FORMATS = tuple(_WALKS)
_MOST_INNER = 8


def format_of(window: Window) -> str | None:
    """The format of a picture by how it begins, or None."""
    head = window.take(0, 16)
    if head.startswith(jpeg.MAGIC):
        return "jpeg"
    if head.startswith(png.MAGIC):
        return "png"
    if head.startswith(gif.MAGIC):
        return "gif"
    if webp.is_webp(head):
        return "webp"
    if head.startswith((*tiff.MAGIC, *tiff.BIG)):
        return "tiff"
    if bmp.is_bmp(window):
        return "bmp"
    return boxes.brand(window)


def facts(data: Bytes, name: str = "") -> Picture:
    """What the bytes of a picture say, with every byte's place.

    ``name`` is the file name as found: it gives hints only (how messengers name pictures, a wrong ending).
    What is no picture known here gives a `Picture` without a format, flagged ``not_a_picture``. Reads
    ranges of 1 MiB at most and holds no more than some MiB, whatever the size.
    """
    return _look(data, name, inner=True)


def _look(data: Bytes, name: str, *, inner: bool) -> Picture:
    window = Window(data)
    out = Walk.over(window)
    format_name = format_of(window)
    times: list[Time] = []
    positions: list[Position] = []
    found_behind: tuple[Behind, ...] = ()
    if format_name is None:
        out.flags.add("not_a_picture")
        out.fault(0, window.size, "does not begin like a picture that is known here", flag="not_a_picture")
        out.parts.add(window.size, "file", "not understood")
    else:
        _WALKS[format_name](out)
        for block in out.exif:
            exif.take(out, block, times, positions)
        lengths = xmp_facts.take(out, times, positions)
        for block in out.iptc:
            iptc.take(out, block)
        times += [moments.text_time("container", label, raw) for label, raw in out.raw_times]
        behind.multi_pictures(out)
        behind.motion(out, lengths)
        found_behind = behind.look(out)
        if behind.crop_remains(window, format_name, found_behind):
            out.flags.add("crop_remains_possible")
        if out.end is None:
            out.flags.add("truncated")
            out.parts.add(window.size, "rest", "not understood")
        for one in found_behind:
            out.parts.add(one.end, "behind the picture", "trailing data")
        claims.look(out)
    picture = _picture(out, format_name, name, times, positions, found_behind)
    return _with_inner(data, picture) if inner else picture


def _with_inner(data: Bytes, picture: Picture) -> Picture:
    """With what pictures inside and behind this one tell of persons and places: whoever has it, has them."""
    told: dict[tuple[int, int], tuple[str, ...]] = {}
    at = 0
    places = {(one.start, one.end) for one in picture.thumbnails}
    places |= {(one.start, one.end) for one in picture.behind}
    for start, end in sorted(places):
        # Those that overlap would be looked at again and again.
        if start >= at and len(told) < _MOST_INNER and format_of(Window(Cut(data, start, end))) is not None:
            flags = _look(Cut(data, start, end), "", inner=False).flags
            told[start, end] = tuple(flag for flag in TELLING if flag in flags)
            at = end
    return replace(
        picture,
        thumbnails=tuple(
            replace(one, flags=told.get((one.start, one.end), ())) for one in picture.thumbnails
        ),
        behind=tuple(replace(one, flags=told.get((one.start, one.end), ())) for one in picture.behind),
        flags=tuple(sorted({*picture.flags, *(flag for flags in told.values() for flag in flags)})),
    )


def _picture(
    out: Walk,
    format_name: str | None,
    name: str,
    times: list[Time],
    positions: list[Position],
    found_behind: tuple[Behind, ...],
) -> Picture:
    window = out.window
    media_type = (
        _MEDIA_TYPES.get(format_name or "")
        or sniff.sniff(window.take(0, sniff.HEAD_SIZE), window.size, use_libmagic=False).media_type
    )
    found_hints = [] if format_name is None else hints.hints(out, format_name, name)
    thumbnails = hints.compared(out, found_hints)
    hints.generator_flags(out)
    hints.size_and_times(out, times)
    stem, dot, ending = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    if dot and stem and "extension-differs" in sniff.flags(b"", b"", max(1, window.size), media_type, ending):
        out.flags.add("extension_differs")
    if format_name is not None:
        if not out.width or not out.height:
            out.flags.add("no_dimensions")
        elif out.width * out.height > render_pixels(format_name):
            out.flags.add("too_large_to_render")
    if out.parts.shortened:
        out.flags.add("too_many_parts")
    return Picture(
        size=window.size,
        format=format_name,
        media_type=media_type,
        width=out.width,
        height=out.height,
        orientation=out.orientation,
        frames=out.frames,
        parts=out.parts.all(),
        statements=tuple(out.statements),
        times=tuple(times),
        positions=tuple(positions),
        thumbnails=tuple(thumbnails),
        behind=found_behind,
        unread=tuple(out.unread),
        hints=tuple(found_hints),
        flags=tuple(sorted(out.flags)),
    )
