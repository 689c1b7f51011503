"""What is said of one picture: places, dimensions, statements of its metadata, flags and hints.

All places are bytes of the file, counted from 0, the end not included. A *flag* is a word of FLAGS: a
finding for a person, never a reason to refuse a file. A *hint* is a word of HINTS with the reason for it:
it speaks for something and proves nothing. docs/reference/pictures.md explains each in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FLAGS = (
    "announced_data_behind",
    "checksum_wrong",
    "content_credentials",
    "crop_remains_possible",
    "damaged",
    "dates_contradict",
    "device_serial",
    "editor_named",
    "embedded_thumbnail",
    "exif_not_understood",
    "exif_size_differs",
    "extension_differs",
    "generator_text",
    "gps_not_understood",
    "gps_position",
    "maker_note_not_read",
    "metadata_stripped_likely",
    "no_dimensions",
    "not_a_picture",
    "owner_name",
    "photo_of_screen_possible",
    "proofmode_mentioned",
    "screenshot_possible",
    "stated_as_generated",
    "thumbnail_differs",
    "time_without_offset",
    "too_large_to_render",
    "too_many_parts",
    "trailing_data",
    "truncated",
    "xmp_not_understood",
)

RENDER_PIXELS = 64_000_000
"""Pixels of a picture that is decoded here at most: about 256 MiB with four bytes a pixel."""


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

    ``differs``: whether its shape is not that of the picture (None where one of both is not known).
    """

    kind: str
    start: int
    end: int
    width: int | None
    height: int | None
    differs: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Bytes behind the end of the picture, and what they look like (by custody.evidence.sniff).

    ``announced``: what inside the picture says that they are there (``mpf``, ``motion``), or None.
    ``zeros``: whether they are nothing but zeros.
    """

    start: int
    end: int
    media_type: str
    how: str
    announced: str | None
    zeros: bool


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
