"""The reader `picture`: one row for each picture, made when somebody asks and never stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from custody.evidence.export import Bytes, Cut, Export, Member
from custody.evidence.image import form, grade, perceptual
from custody.evidence.image.facts import facts, format_of
from custody.evidence.image.model import FLAGS, Picture, Time
from custody.evidence.image.window import Window
from custody.evidence.instants import Instant
from custody.evidence.reading import Detected, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_HEAD = 4096
# The time that says best when the picture was taken comes first; GPS times are of the last fix.
_TAKEN = (
    "DateTimeOriginal",
    "exif:DateTimeOriginal",
    "photoshop:DateCreated",
    "DateTimeDigitized",
    "xmp:CreateDate",
)


def _known(member: Member) -> str | None:
    head = member.head(_HEAD)
    return format_of(Window(_Head(head, member.size)))


class _Head:
    """The first bytes of a file, with the size of all of it."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head = head
        self.size = size

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``, as far as they are here."""
        return self._head[start:end]


def detect(export: Export) -> Detected | None:
    """A single picture, or a zip that holds nothing else."""
    known = [_known(member) for member in export.members]
    if not known or None in known:
        return None
    if not export.zipped:
        return Detected(score=90, reasons=(f"begins like {known[0]}",), members=(0,))
    members = tuple(member.index for member in export.members)
    return Detected(score=50, reasons=("every file of the zip begins like a picture",), members=members)


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row for each picture, with all that its bytes say; what is none is a row of its own kind."""
    for at in detected.members:
        member = export.members[at]
        data = member.open()
        if data.size == 0:
            continue
        picture = facts(data, member.base)
        values = form.to_json(picture)
        del values["flags"]
        said = grade.beside(settings.copy_grade, picture)
        values["grade_stated"] = said.stated
        values["grade_hints"] = [{"grade": one.code, "reason": one.reason} for one in said.hints]
        values["grade_against"] = list(said.against)
        values["perceptual"] = _hash(data, picture, settings)
        if picture.format is None:
            yield Range(at, 0, data.size, "unread", "does not begin like a picture that is known here")
            continue
        yield Row(
            member=at,
            start=0,
            end=data.size,
            raw=Cut(data, 0, data.size),
            kind="picture",
            place=f"file {at + 1} of the zip" if export.zipped else None,
            when=_taken(picture.times),
            values={name: value for name, value in values.items() if value not in (None, [])},
            flags=picture.flags,
        )


def _hash(data: Bytes, picture: Picture, settings: Settings) -> dict[str, Any]:
    # Refused before a byte is read: the handling flags decide, not the picture.
    found: perceptual.Hashed | perceptual.NotHashed | None = perceptual.refusal(settings.handling)
    if found is None:
        whole = data.read(0, data.size) if data.size <= perceptual.LONGEST else b""
        if len(whole) < data.size:
            found = perceptual.NotHashed("too_large_to_render", f"more than {perceptual.LONGEST} bytes")
        else:
            found = perceptual.perceptual_hash(
                whole,
                format_name=picture.format,
                handling=settings.handling,
                orientation=picture.orientation,
            )
    return perceptual.to_json(found)


def _taken(times: tuple[Time, ...]) -> Instant | None:
    for name in _TAKEN:
        for one in times:
            if one.name == name and "time_unset" not in one.flags:
                return Instant(
                    raw=one.raw,
                    instant=one.instant,
                    precision=one.precision,
                    offset=one.offset,
                    offset_origin="none" if one.offset is None else "in_value",
                    flags=tuple(flag for flag in one.flags if flag != "time_unset"),
                )
    return None


READER = RecordReader(
    name="picture",
    version=1,
    title="pictures: JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC, AVIF",
    recorder="device",
    zone="the clock of the camera or phone; an instant only where the file states the offset",
    detect=detect,
    read=read,
    contains=(
        "size, frames, and every part of the file with its place",
        "what EXIF, XMP, IPTC and texts say: camera, programs, persons, times, position",
        "small pictures inside, what lies behind the end, damage",
        "hints at messengers, screenshots and editors, each with its reason",
        "hashes for finding pictures that look alike, unless the item's handling forbids it",
    ),
    never=(
        "whether what the picture shows is true, or whether it was changed",
        "whether the camera's clock was right; mostly not in which zone it was",
        "the camera maker's own notes; a judgement of content credentials",
        "what a messenger took out before it came here",
    ),
    flags=FLAGS,
    shows_raw=False,
    on_asking=True,
)
