"""Hints and the flags that follow from several facts together. Each hint has its reason; none is a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from custody.evidence.image import names
from custody.evidence.image.exif import EXPOSURE
from custody.evidence.image.model import Hint, Statement, Thumbnail, Time
from custody.evidence.image.walk import Walk

HINTS = (
    "application_named",
    "editor_named",
    "facebook_mark",
    "generator_named",
    "messenger_name",
    "messenger_size",
    "screen_size",
    "screenshot_name",
    "screenshot_software",
    "thumbnail_turned",
)


def hints(out: Walk, format_name: str, name: str) -> list[Hint]:
    """What speaks for a messenger, a screenshot, an editor, a program that makes pictures."""
    found: list[Hint] = []
    stated = out.statements
    has_camera = any(one.name in ("Make", "Model") for one in stated)
    for messenger, pattern in names.MESSENGER_NAMES:
        if pattern.search(name):
            found.append(Hint("messenger_name", f"the file is named as {messenger} names pictures"))
    if names.SCREENSHOT_NAME.search(name):
        found.append(Hint("screenshot_name", "the file's name says that it is a screenshot"))
    _by_size(out, format_name, has_camera, found)
    for one in stated:
        _by_statement(one, found)
    unique = list(dict.fromkeys(found))
    for hint in unique:
        if hint.code == "editor_named":
            out.flags.add("editor_named")
        elif hint.code in ("screenshot_name", "screenshot_software", "screen_size"):
            out.flags.add("screenshot_possible")
    exposed = any(one.name in EXPOSURE for one in stated)
    codes = {hint.code for hint in unique}
    if exposed and has_camera and codes & {"screenshot_name", "screenshot_software"}:
        out.flags.add("photo_of_screen_possible")
    return unique


def _by_size(out: Walk, format_name: str, has_camera: bool, found: list[Hint]) -> None:
    if not out.width or not out.height:
        return
    size = (min(out.width, out.height), max(out.width, out.height))
    bare = not out.exif and not out.xmp and not out.iptc
    if format_name == "jpeg" and bare and size[1] in names.LONG_EDGES:
        out.flags.add("metadata_stripped_likely")
        seen = names.LONG_EDGES[size[1]]
        reason = f"a JPEG without EXIF, XMP or IPTC, its longer edge {size[1]} pixels: as seen with {seen}"
        found.append(Hint("messenger_size", reason))
    if not has_camera:
        for kind, sizes in (
            ("an iPhone's", names.IPHONE_SCREENS),
            ("an Android phone's", names.ANDROID_SCREENS),
        ):
            if size in sizes:
                found.append(
                    Hint("screen_size", f"{size[0]} × {size[1]} pixels is {kind} screen; no camera is named")
                )


def _by_statement(one: Statement, found: list[Hint]) -> None:
    field, value = one.name, one.value
    if field in ("UserComment", "exif:UserComment", "ImageDescription") and value.lower() == "screenshot":
        found.append(Hint("screenshot_software", f"{field} says “Screenshot”, as iPhones and Macs write it"))
    if field in ("Software", "xmp:CreatorTool", "ImageEditor", "ImageEditingSoftware", "stEvt:softwareAgent", "comment",
                 "OriginatingProgram"):  # fmt: skip
        if names.SCREENSHOT_SOFTWARE.search(value):
            found.append(Hint("screenshot_software", f"{field} names a program for screenshots"))
        elif names.EDITOR.search(value):
            found.append(Hint("editor_named", f"{field} names a program for changing pictures"))
        elif one.name == "Software":
            found.append(Hint("application_named", "Software names a program or the system of a phone"))
    if one.origin == "text" and field in names.GENERATOR_TEXTS:
        found.append(Hint("generator_named", names.GENERATOR_TEXTS[field]))
    if field == "SpecialInstructions" and value.startswith("FBMD"):
        found.append(
            Hint("facebook_mark", "Facebook and Instagram write such a mark into pictures they store")
        )


def generator_flags(out: Walk) -> None:
    """Presence of prompts, and of a stated source that is a program."""
    for one in out.statements:
        if one.origin == "text" and one.name in names.GENERATOR_TEXTS:
            out.flags.add("generator_text")
        if (
            one.name == "Iptc4xmpExt:DigitalSourceType"
            and one.value.rpartition("/")[2] in names.GENERATED_SOURCES
        ):
            out.flags.add("stated_as_generated")


def compared(out: Walk, found: list[Hint]) -> list[Thumbnail]:
    """Thumbnails with whether their shape is the picture's: more than 2 % off, and more than a pixel."""
    thumbnails = []
    for one in out.thumbnails:
        differs: bool | None = None
        if one.width and one.height and out.width and out.height:
            differs = not _alike(one.width, one.height, out.width, out.height)
            if differs and _alike(one.height, one.width, out.width, out.height):
                differs = False
                found.append(
                    Hint("thumbnail_turned", f"the {one.kind} thumbnail is turned against the picture")
                )
        thumbnails.append(replace(one, differs=differs))
    if thumbnails:
        out.flags.add("embedded_thumbnail")
    if any(one.differs for one in thumbnails):
        out.flags.add("thumbnail_differs")
    return thumbnails


def _alike(width: int, height: int, of_width: int, of_height: int) -> bool:
    # width / height against of_width / of_height, without dividing; a small picture is rounded to its pixels
    off = abs(width * of_height - height * of_width)
    return off * 50 <= width * of_height or off <= max(of_width, of_height)


def size_and_times(out: Walk, times: Sequence[Time]) -> None:
    """EXIF's own dimensions against the picture's; times that are without an offset or run backwards."""
    stated = {one.name: one.value for one in reversed(out.statements) if one.origin == "exif"}
    width, height = stated.get("PixelXDimension", ""), stated.get("PixelYDimension", "")
    if (
        width.isdecimal()
        and height.isdecimal()
        and width.isascii()
        and height.isascii()
        and out.width
        and out.height
    ):
        pair = {int(width[:9]), int(height[:9])}
        # Some turn the picture and leave the fields; 0 stands for not known.
        if 0 not in pair and pair != {out.width, out.height}:
            out.flags.add("exif_size_differs")
    for one in times:
        out.flags.update({"no_offset", "time_not_understood", "time_unset"}.intersection(one.flags))
    digits = {
        one.name: one.raw[:19]
        for one in times
        if one.origin == "exif" and not set(one.flags) & {"time_unset", "time_not_understood"}
    }
    taken, changed = digits.get("DateTimeOriginal"), digits.get("DateTime")
    if taken and changed and changed < taken:
        out.flags.add("dates_contradict")
