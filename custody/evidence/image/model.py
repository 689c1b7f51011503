"""What is said of one picture: places, dimensions, statements of its metadata, flags and hints.

All places are bytes of the file, counted from 0, the end not included. A *flag* is a word of FLAGS: a
finding for a person, never a reason to refuse a file. A *hint* is a word of HINTS with the reason for it:
it speaks for something and proves nothing. docs/reference/pictures.md explains each in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "announced_data_behind": "behind its end lies what it announces itself: a film of the moment, a second picture",
        "checksum_wrong": "a checksum inside does not fit its bytes: damaged, or changed without mending it",
        "content_credentials": "a signed statement of origin (C2PA) is inside; it was not judged here",
        "crop_remains_possible": "remains of a picture lie behind the end: what was cropped away may be there",
        "damaged": "the file breaks its format's rules at the places that are listed",
        "dates_contradict": "it is said to be changed before it was taken",
        "device_serial": "the serial number of a camera or lens is inside",
        "editor_named": "a program for changing pictures is named; that says not what was changed, if anything",
        "embedded_thumbnail": "a small picture is inside; it can show what the picture no longer shows",
        "exif_not_understood": "parts of the camera's data could not be read; they are listed",
        "exif_size_differs": "the camera's data name another size: shrunk, cropped or turned later",
        "extension_differs": "the name promises another kind of file",
        "generator_text": "a text is inside as programs that make pictures from words write it",
        "gps_not_understood": "a position is inside that can't be told as degrees; it is shown as written",
        "gps_position": "a position is inside: where it was taken, perhaps where somebody lives or hides",
        "maker_note_not_read": "data in the camera maker's own form were not read; they can hold serial numbers",
        "metadata_stripped_likely": "no camera data, and a size that messengers shrink to: likely not the original",
        "no_dimensions": "width or height is not to be found",
        "not_a_picture": "it does not begin like any picture that is known here",
        "owner_name": "a field for a person's name is filled in: owner, author, rights",
        "person_named": "somebody is named as seen in the picture",
        "photo_of_screen_possible": "a camera's exposure is inside, and name or program say screenshot",
        "place_named": "a field names a town, a country or another place",
        "proofmode_mentioned": "ProofMode is named inside; it was not judged here",
        "screenshot_possible": "name, program or size are as of a screenshot; each reason is a hint",
        "stated_as_generated": "the file itself says that a program made it or parts of it",
        "thumbnail_differs": "the small picture inside has another shape: perhaps cropped after it was made",
        "time_unset": "a field for a time is there and holds only zeros or blanks",
        "too_large_to_render": "so many pixels that it is not shown or compared here; it is kept like every file",
        "too_many_parts": "more parts than are listed one by one; all bytes are accounted for",
        "trailing_data": "bytes lie behind the end of the picture, and nothing in it says why",
        "truncated": "its end is missing, or it names bytes that are not there",
        "xmp_not_understood": "parts of the descriptive data (XMP) could not be read; they are listed",
    }
)
"""What each flag means, in plain words. ``no_offset`` and ``time_not_understood`` are those of all times."""

TELLING = (
    "device_serial",
    "gps_position",
    "owner_name",
    "person_named",
    "place_named",
)
"""Flags of a picture inside or behind another that the outer one has, too: they can tell who or where somebody is."""

RENDER_PIXELS = 20_000_000
JPEG_PIXELS = 50_000_000
"""Pixels of a picture that is decoded here at most; a JPEG is shrunk while it is decoded. Measured at these sizes with
Pillow 13: at most 330 MiB (WebP), 180 MiB for a PNG with transparency, 165 MiB for a progressive JPEG."""


def render_pixels(format_name: str | None) -> int:
    """The most pixels of a picture of this format that is decoded here."""
    return JPEG_PIXELS if format_name == "jpeg" else RENDER_PIXELS


@dataclass(frozen=True, slots=True)
class Part:
    """One range of the file. ``name`` as the format calls it; ``about``: what it is for, in a word.

    ``count``: how many of that name follow each other and are told as one.
    """

    start: int
    end: int
    name: str
    about: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Unread:
    """A range that was not understood, and why. ``what`` is ``container``, ``exif``, ``xmp``, ``iptc`` or ``text``."""

    start: int
    end: int
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that the file says of itself: ``value`` as text (at most 1,000 characters), and where it stands.

    ``origin``: ``exif``, ``gps``, ``thumbnail`` (EXIF's directory of the thumbnail), ``xmp``, ``iptc``,
    ``text`` (text of the container) or ``container``. ``cut``: whether the value is longer.
    """

    origin: str
    name: str
    value: str
    start: int
    end: int
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A time as it is written in the file.

    ``instant`` (UTC, RFC 3339) stands only where the offset is in the file: ``offset_origin`` is ``in_value``
    (in the same text), ``field_beside`` (EXIF's OffsetTime fields), ``by_the_format`` (GPS times are UTC by
    their definition) or ``none``. ``flags`` are those of custody.evidence.instants, and ``time_unset``.
    """

    origin: str
    name: str
    raw: str
    instant: str | None
    precision: str | None
    offset: str | None
    offset_origin: Literal["in_value", "field_beside", "by_the_format", "none"]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position that the file states. ``…_raw``: as written; ``latitude``, ``longitude``: decimal degrees as text.

    North and east are positive. The decimals are made from exact fractions and rounded to nine places;
    ``exact`` says whether nothing was rounded. None where the written value is not understood. ``altitude``:
    metres as text, negative below the sea.
    """

    origin: str
    latitude_raw: str
    longitude_raw: str
    latitude: str | None
    longitude: str | None
    exact: bool
    altitude_raw: str | None = None
    altitude: str | None = None
    datum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A smaller picture inside the file, made when this program can't know. ``kind``: where it belongs to.

    ``differs``: whether its shape is not that of the picture (None where one of both is not known). ``flags``:
    those of TELLING that the small picture has itself.
    """

    kind: str
    start: int
    end: int
    width: int | None
    height: int | None
    differs: bool | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Bytes behind the end of the picture, and what they look like (by custody.evidence.sniff).

    ``announced``: what inside the picture says that they are there (``mpf``, ``motion``), or None.
    ``zeros``: whether they are nothing but zeros. ``flags``: those of TELLING that a picture there has itself.
    """

    start: int
    end: int
    media_type: str
    how: str
    announced: str | None
    zeros: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that speaks for ``code``, and why. Proves nothing."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a file says of itself as a picture. ``format`` is None where it is none that is known here.

    ``parts`` cover the file from 0 to ``size`` without gap or overlap. ``width`` and ``height`` are as
    stored; ``orientation`` is EXIF's (1 to 8), by which a viewer turns it. ``frames``: how many pictures one
    after the other, None where it is not known.
    """

    size: int
    format: str | None
    media_type: str
    width: int | None
    height: int | None
    orientation: int | None
    frames: int | None
    parts: tuple[Part, ...]
    statements: tuple[Statement, ...]
    times: tuple[Time, ...]
    positions: tuple[Position, ...]
    thumbnails: tuple[Thumbnail, ...]
    behind: tuple[Behind, ...]
    unread: tuple[Unread, ...]
    hints: tuple[Hint, ...]
    flags: tuple[str, ...]

    def stated(self, name: str) -> str | None:
        """The first statement of this name, or None."""
        return next((one.value for one in self.statements if one.name == name), None)
