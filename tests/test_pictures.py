"""What pictures say of themselves: each flag, place, instant and position; and nothing that they don't say."""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import subprocess
import zlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.export import Bytes, Held
from custody.evidence.image import form, position
from custody.evidence.image.facts import facts
from custody.evidence.image.model import FLAGS, RENDER_PIXELS, Picture
from custody.evidence.image.walk import MAX_BLOCKS, MAX_PARTS
from tests import pictures
from tests.pictures import (
    JFIF,
    Value,
    ascii_value,
    chunk,
    exif_segment,
    gps_fields,
    jpeg,
    long,
    opaque,
    packet,
    png,
    rational,
    segment,
    short,
    text_chunk,
    tiff,
    xmp_segment,
)

SHARED = {"no_offset", "time_not_understood"}
"""Flags of all times, explained in custody.evidence.records.flags."""


def look(data: bytes, name: str = "") -> Picture:
    picture = facts(Held(data), name)
    accounted(picture)
    return picture


def accounted(picture: Picture) -> None:
    """Every byte has one part, every place lies in the file, every flag is explained, the form is plain JSON."""
    at = 0
    for part in picture.parts:
        assert part.start == at
        assert part.end > part.start
        at = part.end
    assert at == picture.size
    places: list[Any] = [*picture.statements, *picture.thumbnails, *picture.behind, *picture.unread]
    for one in places:
        assert 0 <= one.start <= one.end <= picture.size, one
    assert set(picture.flags) <= set(FLAGS) | SHARED
    assert list(picture.flags) == sorted(set(picture.flags))
    no_float(form.to_json(picture))
    json.dumps(form.to_json(picture))


def no_float(value: Any) -> None:
    assert not isinstance(value, float)
    if isinstance(value, Mapping):
        for one in value.values():
            no_float(one)
    elif isinstance(value, list):
        for one in value:
            no_float(one)
    else:
        assert value is None or isinstance(value, str | int)


def with_exif(block: bytes, width: int = 640, height: int = 480) -> Picture:
    return look(jpeg(width, height, segments=(JFIF, exif_segment(block))))


# --- containers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [
        ("jpeg", (640, 480), 1),
        ("png", (4, 3), 1),
        ("gif", (2, 2), 2),
        ("webp", (64, 48), 1),
        ("bmp", (3, 2), 1),
        ("tiff", (2, 2), 1),
        ("heic", (4032, 3024), 1),
        ("avif", (64, 48), 1),
    ],
)
def test_size_and_frames(name: str, size: tuple[int, int], frames: int) -> None:
    picture = look(pictures.samples()[name])
    assert picture.format == name
    assert (picture.width, picture.height) == size
    assert picture.frames == frames
    assert picture.media_type == f"image/{name}"
    assert "truncated" not in picture.flags
    assert "damaged" not in picture.flags
    assert picture.unread == ()


def test_parts_are_cut_where_the_segments_are() -> None:
    data = jpeg(segments=(JFIF,))
    assert [(part.name, part.about) for part in look(data).parts] == [
        ("SOI", "marker"),
        ("APP0", "jfif"),
        ("SOF0", "dimensions"),
        ("SOS", "coding"),
        ("scan", "picture"),
        ("EOI", "marker"),
    ]
    parts = look(png(chunks=(text_chunk("a", "b"),))).parts
    assert [part.name for part in parts] == ["signature", "IHDR", "tEXt", "IDAT", "IEND"]
    assert png(chunks=(text_chunk("a", "b"),))[parts[2].start : parts[2].end] == text_chunk("a", "b")


def test_a_scan_goes_on_over_stuffing_and_restarts_and_windows() -> None:
    filler = b"\x01\xff\x00\xff\xd3" * 300_000
    data = jpeg(end=False) + filler + b"\xff\xd9"
    picture = look(data)
    assert "truncated" not in picture.flags
    assert [part.name for part in picture.parts][-2:] == ["scan", "EOI"]
    # a marker whose FF is the last byte of a window of the search, the first of which has 512 bytes
    for length in (*range(500, 520), *range(1530, 1540)):
        cut = jpeg(end=False)[:-7] + b"\x01" * length + b"\xff\xd9"
        end = look(cut).parts[-1]
        assert (end.name, end.end - end.start) == ("EOI", 2), length


def test_items_that_lie_beyond_the_end_are_missed() -> None:
    whole = pictures.heic()
    assert whole[-21:-13] == b"\0\0\0\x15mdat"
    picture = look(whole[:-21])  # every box is whole, and the picture itself is gone
    assert [part.name for part in picture.parts][-1].startswith("meta")
    assert "truncated" in picture.flags


def test_frames_of_animations() -> None:
    assert look(png(chunks=(chunk(b"acTL", struct.pack(">II", 7, 0)),))).frames == 7
    assert look(pictures.gif(frames=3)).frames == 3
    frame = pictures.riff_chunk(b"ANMF", bytes(24))
    assert look(pictures.webp(pictures.vp8x(9, 8), frame, frame)).frames == 2
    assert look(pictures.webp(pictures.vp8x(9, 8), frame, frame)).width == 9


def test_sizes_that_stand_elsewhere() -> None:
    lines = jpeg(8, 0, end=False) + segment(0xDC, struct.pack(">H", 99)) + b"\xff\xd9"
    assert look(lines).height == 99
    assert look(pictures.bmp(3, -2)).height == 2
    lossy = pictures.riff_chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 33, 22))
    picture = look(pictures.webp(lossy))
    assert (picture.width, picture.height) == (33, 22)


def test_no_dimensions() -> None:
    assert "no_dimensions" in look(b"\xff\xd8\xff\xe0\x00\x02\xff\xd9").flags
    assert "no_dimensions" in look(pictures.heic(0, 0)).flags
    assert "no_dimensions" not in look(jpeg()).flags


def test_not_a_picture() -> None:
    for data in (b"", b"%PDF-1.7 made up", b"BM is a word", b"RIFF\0\0\0\0WAVE", b"\0" * 20):
        picture = look(data)
        assert picture.format is None
        assert "not_a_picture" in picture.flags
    assert look(b"%PDF-1.7 made up").media_type == "application/pdf"
    assert "not_a_picture" not in look(jpeg()).flags


def test_extension_differs() -> None:
    assert "extension_differs" in look(png(), "photo.JPG").flags
    assert "extension_differs" in look(jpeg(), "folder/IMG_0001.heic").flags
    for name in ("photo.png", "photo", "photo.madeup", ""):
        assert "extension_differs" not in look(png(), name).flags


@pytest.mark.parametrize("name", sorted(pictures.samples()))
def test_truncated(name: str) -> None:
    data = pictures.samples()[name].removesuffix(b"behind it")
    assert "truncated" not in look(data).flags
    for keep in (len(data) - 1, len(data) * 2 // 3):
        picture = look(data[:keep])
        assert "truncated" in picture.flags, keep


def test_damaged() -> None:
    data = bytearray(jpeg())
    data[20:22] = b"ab"  # where a marker should stand
    assert "damaged" in look(bytes(data)).flags
    assert "damaged" in look(png(chunks=(b"\0\0\0\0\xff\xff\xff\xff",))).flags
    assert "damaged" in look(png(chunks=(chunk(b"IHDR", bytes(13)),))).flags
    assert "damaged" in look(pictures.gif(extensions=b"\x77")).flags
    assert "damaged" not in look(png()).flags


def test_checksum_wrong() -> None:
    data = bytearray(png(chunks=(text_chunk("note", "one"),)))
    at = data.index(b"one")
    data[at] = ord("x")
    picture = look(bytes(data))
    assert "checksum_wrong" in picture.flags
    assert [(one.start, one.end) for one in picture.unread] == [(at - 13, at + 7)]
    assert "checksum_wrong" not in look(png()).flags


def test_too_many_parts() -> None:
    many = (text_chunk("a", "b"), chunk(b"prVt")) * MAX_PARTS
    picture = look(png(chunks=many))
    assert "too_many_parts" in picture.flags
    assert len(picture.parts) == MAX_PARTS
    assert picture.parts[-1].count > MAX_PARTS
    assert "truncated" not in picture.flags
    assert "too_many_parts" not in look(png(chunks=many[:100])).flags


def test_too_large_to_render() -> None:
    side = 1 << 16
    picture = look(png(side, side))
    assert "too_large_to_render" in picture.flags
    assert picture.width == side
    edge = look(png(1000, RENDER_PIXELS // 1000))
    assert "too_large_to_render" not in edge.flags
    assert "too_large_to_render" in look(png(1000, RENDER_PIXELS // 1000 + 1)).flags


class _Counted:
    """Bytes that note what is asked of them: a huge picture that nobody could hold."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.head, self.size, self.tail = head, size, tail
        self.longest = 0

    def read(self, start: int, end: int) -> bytes:
        end = min(end, self.size)
        self.longest = max(self.longest, end - start)
        piece = bytearray(max(0, end - start))
        for at, data in ((0, self.head), (self.size - len(self.tail), self.tail)):
            first, last = max(start, at), min(end, at + len(data))
            if first < last:
                piece[first - start : last - start] = data[first - at : last - at]
        return bytes(piece)


def test_a_large_file_is_read_in_ranges() -> None:
    data: Bytes = _Counted(jpeg(end=False), 64 << 20, b"\xff\xd9")
    picture = facts(data)
    accounted(picture)
    assert "truncated" not in picture.flags
    assert isinstance(data, _Counted)
    assert data.longest <= 1 << 20


# --- behind the end -------------------------------------------------------------------------------------


def test_trailing_data() -> None:
    for data in (
        jpeg(),
        png(),
        pictures.gif(),
        pictures.webp(pictures.vp8l(3, 3)),
        pictures.bmp(),
        pictures.heic(),
    ):
        assert look(data).behind == ()
        picture = look(data + b"PK\x03\x04" + bytes(26) + b"name")
        assert "trailing_data" in picture.flags
        (behind,) = picture.behind
        assert (behind.start, behind.end) == (len(data), picture.size)
        assert behind.media_type == "application/zip"
        assert not behind.zeros
    assert look(jpeg() + bytes(9)).behind[0].zeros


def test_announced_data_behind() -> None:
    further = jpeg(1600, 1200, segments=())
    data = pictures.with_further(jpeg(), (0x010001, further))
    picture = look(data)
    assert "announced_data_behind" in picture.flags
    assert "trailing_data" not in picture.flags
    assert [(one.announced, one.media_type) for one in picture.behind] == [("mpf", "image/jpeg")]
    preview = picture.thumbnails[-1]
    assert (preview.kind, preview.width, preview.height) == ("mpf preview", 1600, 1200)
    assert data[preview.start : preview.end] == further
    more = look(data + b"not announced")
    assert {"announced_data_behind", "trailing_data"} <= set(more.flags)
    assert more.behind[1].start == len(data)
    film = b"\0\0\0\x18ftypmp42" + bytes(12)
    for inner in (f'GCamera:MicroVideoOffset="{len(film)}"', f'Item:Length="{len(film)}"'):
        moving = look(jpeg(segments=(JFIF, xmp_segment(packet("", inner)))) + film)
        assert "trailing_data" not in moving.flags
        assert [(one.announced, one.media_type) for one in moving.behind] == [("motion", "video/mp4")]
    # what is announced and not there
    assert "truncated" in look(data[:-5]).flags


def test_crop_remains_possible() -> None:
    remains = png()[20:]
    assert "crop_remains_possible" in look(png() + remains).flags
    assert "crop_remains_possible" in look(jpeg() + jpeg()[30:]).flags
    assert "crop_remains_possible" not in look(png() + png()).flags  # a whole picture, not remains
    assert "crop_remains_possible" not in look(png() + remains[:-3]).flags
    assert "crop_remains_possible" not in look(png()).flags


# --- EXIF -----------------------------------------------------------------------------------------------


def test_camera_and_orientation_in_both_byte_orders() -> None:
    for order in "<>":
        block = tiff(
            {
                0x010F: ascii_value("Made Up"),
                0x0110: ascii_value("MU-1"),
                0x0112: short(6, order=order),
                0x0131: ascii_value("17.6"),
            },
            order=order,
        )
        picture = with_exif(block)
        assert picture.stated("Make") == "Made Up"
        assert picture.stated("Software") == "17.6"
        assert picture.orientation == 6
        model = next(one for one in picture.statements if one.name == "Model")
        data = jpeg(segments=(JFIF, exif_segment(block)))
        assert data[model.start : model.end] == b"MU-1\0"
        assert "exif_not_understood" not in picture.flags
    assert with_exif(tiff({0x0112: short(9)})).orientation is None


def test_exif_stands_in_every_container_at_its_place() -> None:
    block = tiff({0x0110: ascii_value("MADE-UP-1")})
    for data in (
        jpeg(segments=(exif_segment(block),)),
        png(chunks=(chunk(b"eXIf", block),)),
        pictures.webp(pictures.vp8l(2, 2), pictures.riff_chunk(b"EXIF", b"Exif\0\0" + block)),
        pictures.webp(pictures.vp8l(2, 2), pictures.riff_chunk(b"EXIF", block)),
        pictures.heic(exif=block),
        block,
    ):
        picture = look(data)
        one = next(one for one in picture.statements if one.name == "Model")
        assert data[one.start : one.end] == b"MADE-UP-1\0"


def test_device_serial() -> None:
    assert "device_serial" in with_exif(tiff({}, exif={0xA431: ascii_value("S-1")})).flags
    assert "device_serial" in with_exif(tiff({0xC62F: ascii_value("S-1")})).flags
    assert "device_serial" in look(jpeg(segments=(xmp_segment(packet("", 'aux:SerialNumber="S-1"')),))).flags
    assert "device_serial" not in with_exif(tiff({}, exif={0xA431: ascii_value("")})).flags
    assert "device_serial" not in with_exif(tiff({0x0110: ascii_value("S-1")})).flags


def test_owner_name() -> None:
    assert "owner_name" in with_exif(tiff({0x013B: ascii_value("Person A")})).flags
    wide = "Person B".encode("utf-16-le") + b"\0\0"
    picture = with_exif(tiff({0x9C9D: (1, len(wide), wide)}))
    assert "owner_name" in picture.flags
    assert picture.stated("XPAuthor") == "Person B"
    creator = "<dc:creator><rdf:Seq><rdf:li>Person C</rdf:li></rdf:Seq></dc:creator>"
    picture = look(jpeg(segments=(xmp_segment(packet(creator)),)))
    assert "owner_name" in picture.flags
    assert picture.stated("dc:creator") == "Person C"
    picture = look(jpeg(segments=(pictures.iptc_segment((80, b"Person D")),)))
    assert "owner_name" in picture.flags
    assert picture.stated("By-line") == "Person D"
    assert "owner_name" not in with_exif(tiff({0x010F: ascii_value("Made Up")})).flags


def test_place_named() -> None:
    assert "place_named" in look(jpeg(segments=(pictures.iptc_segment((90, b"Madeupville")),))).flags
    said = packet(
        "<photoshop:City xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'>Madeupville</photoshop:City>"
    )
    assert "place_named" in look(jpeg(segments=(xmp_segment(said),))).flags
    assert "place_named" not in look(jpeg(segments=(pictures.iptc_segment((90, b" ")),))).flags


def test_person_named() -> None:
    for space, name in (
        ("http://www.metadataworkinggroup.com/schemas/regions/", "Name"),
        ("http://ns.microsoft.com/photo/1.2/t/Region#", "PersonDisplayName"),
        ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "PersonInImage"),
    ):
        said = packet(f"<a:{name} xmlns:a='{space}'>Person E</a:{name}>")
        picture = look(jpeg(segments=(xmp_segment(said),)))
        assert "person_named" in picture.flags
        assert any(one.value == "Person E" for one in picture.statements)
    other = packet("<a:Name xmlns:a='urn:made-up'>Person E</a:Name>")
    assert "person_named" not in look(jpeg(segments=(xmp_segment(other),))).flags


def test_what_pictures_inside_and_behind_tell_is_told() -> None:
    with_position = jpeg(160, 120, segments=(exif_segment(tiff({}, gps=gps_fields())),))
    inside = with_exif(tiff({}, thumbnail=with_position))
    assert "gps_position" in inside.flags
    assert inside.positions == ()
    assert inside.thumbnails[0].flags == ("gps_position",)
    further = look(pictures.with_further(jpeg(), (0, with_position)))
    assert "gps_position" in further.flags
    assert further.behind[0].flags == ("gps_position",)
    assert "gps_position" in look(png() + with_position).flags
    # but not what lies inside of what lies inside, without end
    assert "gps_position" not in look(png() + png() + b"\0").flags


def test_profiles_spelled_in_hex_are_read() -> None:
    block = b"Exif\0\0" + tiff({0x0110: ascii_value("MU-1")}, gps=gps_fields())
    for kind in ("exif", "APP1"):
        text = f"\n{kind}\n{len(block):8}\n{block.hex()}\n".encode()
        data = png(
            chunks=(chunk(b"zTXt", f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(text)),)
        )
        picture = look(data)
        assert "gps_position" in picture.flags
        assert picture.stated("Model") == "MU-1"
        model = next(one for one in picture.statements if one.name == "Model")
        assert (model.start, model.end) == (41, 41 + len(data) - len(png()) - 12)  # all of the chunk's data
    said = packet("", 'xmp:CreatorTool="Made Up 3"')
    text = f"\nxmp\n{len(said):8}\n{said.hex()}\n".encode()
    assert look(png(chunks=(text_chunk("Raw profile type xmp", text.decode()),))).stated("xmp:CreatorTool")
    iptc = pictures.iptc_segment((80, b"Person F"))[18:]
    text = f"\niptc\n{len(iptc):8}\n{iptc.hex()}\n".encode()
    assert "owner_name" in look(png(chunks=(text_chunk("Raw profile type iptc", text.decode()),))).flags
    broken = look(png(chunks=(text_chunk("Raw profile type exif", "\nexif\n3\nzz"),)))
    assert [one.what for one in broken.unread] == ["text"]
    packed = pictures.international("XML:com.adobe.xmp", said, packed=True)
    assert look(png(chunks=(packed,))).stated("xmp:CreatorTool") == "Made Up 3"


def test_pages_of_a_tiff_are_no_thumbnails() -> None:
    stream = io.BytesIO()
    pages = [PIL.Image.linear_gradient("L").resize(size) for size in ((8, 8), (30, 8))]
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    picture = look(stream.getvalue())
    assert picture.frames == 2
    assert picture.thumbnails == ()


def test_maker_note_not_read() -> None:
    picture = with_exif(tiff({}, exif={0x927C: opaque(b"maker's own")}))
    assert "maker_note_not_read" in picture.flags
    assert "maker_note_not_read" not in with_exif(tiff({0x010F: ascii_value("x")})).flags


def test_comments_by_their_character_set() -> None:
    for order, codec in ((">", "utf-16-be"), ("<", "utf-16-le")):
        block = tiff({}, exif={0x9286: opaque(b"UNICODE\0" + "ž made up".encode(codec))}, order=order)
        assert with_exif(block).stated("UserComment") == "ž made up"
    assert with_exif(tiff({}, exif={0x9286: opaque(b"ASCII\0\0\0plain")})).stated("UserComment") == "plain"


@pytest.mark.parametrize(
    "block",
    [
        b"MM\0*\0\0\0\x08",  # the directory lies outside
        b"MM\0+\0\0\0\x08\0\0",
        b"not a TIFF",
        tiff({0x0110: ascii_value("long enough")})[:-4],  # a value lies outside
        b"MM\0*\0\0\0\x08\0\x09" + bytes(12),  # more fields than there are
        b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x0110, 99, 1, 0) + bytes(4),  # an unknown type
        b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x8769, 4, 1, 8) + bytes(4),  # a circle
        b"MM\0*\0\0\0\x08\0\x01"
        + struct.pack(">HHII", 0x0100, 4, 1, 8)
        + b"\0\0\0\x08",  # a circle by the chain
        b"MM\0*\0\0\0\x08\0\x02" + struct.pack(">HHII", 0x0112, 3, 1, 1 << 16) * 2 + bytes(4),  # twice
    ],
)
def test_exif_not_understood(block: bytes) -> None:
    picture = with_exif(block)
    assert "exif_not_understood" in picture.flags
    assert any(one.what == "exif" for one in picture.unread)


def test_a_circle_of_directories_ends() -> None:
    # each directory points to the next, the last to the first; and one that names itself 64 times
    fields = struct.pack(">HHII", 0x014A, 4, 64, 26)
    block = b"MM\0*\0\0\0\x08\0\x01" + fields + bytes(4) + struct.pack(">I", 8) * 64
    picture = with_exif(block)
    assert "exif_not_understood" in picture.flags


# --- times ----------------------------------------------------------------------------------------------


def exif_times(exif: Mapping[int, Value], gps: Mapping[int, Value] | None = None) -> dict[str, Any]:
    picture = with_exif(tiff({}, exif=exif, gps=gps))
    return {one.name: one for one in picture.times} | {"flags": set(picture.flags)}


def test_no_instant_without_an_offset() -> None:
    times = exif_times({0x9003: ascii_value("2026:11:03 20:14:05")})
    taken = times["DateTimeOriginal"]
    assert taken.instant is None
    assert taken.offset is None
    assert taken.raw == "2026:11:03 20:14:05"
    assert "no_offset" in times["flags"]


def test_the_offset_of_the_same_time_gives_an_instant() -> None:
    times = exif_times(
        {
            0x9003: ascii_value("2026:11:03 20:14:05"),
            0x9011: ascii_value("+01:00"),
            0x9291: ascii_value("007"),
            0x9004: ascii_value("2026:11:03 20:14:05"),
        }
    )
    taken = times["DateTimeOriginal"]
    assert taken.instant == "2026-11-03T19:14:05.007Z"
    assert taken.offset_origin == "field_beside"
    # the offset of another field says nothing of this one
    assert times["DateTimeDigitized"].instant is None


@pytest.mark.parametrize("offset", ["+99:00", "-00:00", "CET", "+1:00", ""])
def test_what_is_no_offset_gives_no_instant(offset: str) -> None:
    times = exif_times({0x9003: ascii_value("2026:11:03 20:14:05"), 0x9011: ascii_value(offset)})
    assert times["DateTimeOriginal"].instant is None


def test_gps_time_is_utc_by_its_definition() -> None:
    gps = {7: rational((19, 1), (14, 1), (515, 100)), 0x1D: ascii_value("2026:11:03")}
    stamp = exif_times({}, gps)["GPSTimeStamp"]
    assert stamp.instant == "2026-11-03T19:14:05.15Z"
    assert stamp.offset_origin == "by_the_format"
    for bad in (
        {7: gps[7]},
        {**gps, 7: rational((25, 1), (0, 1), (0, 1))},
        {**gps, 7: rational((1, 0), (0, 1), (0, 1))},
    ):
        times = exif_times({}, bad)
        assert times["GPSTimeStamp"].instant is None
        assert "time_not_understood" in times["flags"]


def test_time_unset() -> None:
    for raw in ("0000:00:00 00:00:00", "    :  :     :  :  "):
        assert "time_unset" in exif_times({0x9003: ascii_value(raw)})["flags"]
    assert "time_unset" not in exif_times({0x9003: ascii_value("2026:11:03 20:14:05")})["flags"]
    assert "time_not_understood" in exif_times({0x9003: ascii_value("yesterday")})["flags"]


def test_times_of_xmp_and_png() -> None:
    inner = 'xmp:CreateDate="2026-11-03T20:14:05+01:00" xmp:ModifyDate="2026-11-03T20:15:00"'
    picture = look(jpeg(segments=(xmp_segment(packet("", inner)),)))
    times = {one.name: one for one in picture.times}
    assert times["xmp:CreateDate"].instant == "2026-11-03T19:14:05Z"
    assert times["xmp:ModifyDate"].instant is None
    picture = look(png(chunks=(chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 3, 20, 14, 5)),)))
    assert [(one.name, one.raw, one.instant) for one in picture.times] == [
        ("tIME", "2026-11-03 20:14:05", None)
    ]


def test_dates_contradict() -> None:
    exif = {0x9003: ascii_value("2026:11:03 20:14:05")}
    later = with_exif(tiff({0x0132: ascii_value("2026:11:03 20:14:04")}, exif=exif))
    assert "dates_contradict" in later.flags
    same = with_exif(tiff({0x0132: ascii_value("2026:11:03 20:14:05")}, exif=exif))
    assert "dates_contradict" not in same.flags


# --- positions ------------------------------------------------------------------------------------------


def test_gps_position_is_exact() -> None:
    picture = with_exif(tiff({}, gps={**gps_fields(), 5: (1, 1, b"\x01"), 6: rational((314, 10))}))
    assert "gps_position" in picture.flags
    assert "gps_not_understood" not in picture.flags
    (where,) = picture.positions
    assert where.latitude == "48.208366667"
    assert where.longitude == "16.366666667"
    assert not where.exact
    assert where.latitude_raw == "48/1 12/1 3012/100 N"
    assert where.altitude == "-31.4"
    south = {
        **gps_fields(((33, 1), (30, 1), (0, 1))),
        1: ascii_value("S"),
        3: ascii_value("W"),
        4: rational((70, 1), (45, 1), (0, 1)),
    }
    (where,) = with_exif(tiff({}, gps=south)).positions
    assert (where.latitude, where.longitude, where.exact) == ("-33.5", "-70.75", True)
    assert "gps_position" not in with_exif(tiff({}, gps={0: (1, 4, b"\x02\x03\0\0")})).flags


def test_more_digits_than_a_float_holds() -> None:
    fields = gps_fields(((4_294_967_291, 4_294_967_279), (0, 1), (0, 1)))
    (where,) = with_exif(tiff({}, gps=fields)).positions
    expected = Fraction(4_294_967_291, 4_294_967_279)
    assert where.latitude == position.decimal_text(expected)[0] == "1.000000003"
    assert position.decimal_text(Fraction(-1, 3)) == ("-0.333333333", False)
    assert position.decimal_text(Fraction(1, 10**10)) == ("0", False)
    assert position.decimal_text(Fraction(90)) == ("90", True)


@pytest.mark.parametrize(
    "changed",
    [
        {1: ascii_value("")},
        {1: ascii_value("X")},
        {2: rational((91, 1), (0, 1), (0, 1))},
        {2: rational((48, 1), (60, 1), (0, 1))},
        {2: rational((48, 0), (12, 1), (0, 1))},
        {2: rational((48, 1), (12, 1), (0, 0))},
        {4: ascii_value("16.3")},
        {3: ascii_value("N")},
    ],
)
def test_gps_not_understood(changed: dict[int, Value]) -> None:
    picture = with_exif(tiff({}, gps={**gps_fields(), **changed}))
    assert {"gps_position", "gps_not_understood"} <= set(picture.flags)
    (where,) = picture.positions
    assert where.latitude is None or where.longitude is None
    assert where.latitude_raw or where.longitude_raw


def test_positions_of_xmp() -> None:
    inner = 'exif:GPSLatitude="48,12.502N" exif:GPSLongitude="16,22,30W"'
    picture = look(jpeg(segments=(xmp_segment(packet("", inner)),)))
    assert "gps_position" in picture.flags
    (where,) = picture.positions
    assert (where.latitude, where.longitude) == ("48.208366667", "-16.375")
    bad = look(jpeg(segments=(xmp_segment(packet("", 'exif:GPSLatitude="north"')),)))
    assert {"gps_position", "gps_not_understood"} <= set(bad.flags)


# --- XMP ------------------------------------------------------------------------------------------------


def test_xmp_in_every_container() -> None:
    data = packet("", 'xmp:CreatorTool="Made Up 1"')
    for one in (
        jpeg(segments=(xmp_segment(data),)),
        png(chunks=(pictures.international("XML:com.adobe.xmp", data),)),
        pictures.gif(extensions=pictures.gif_xmp(data)),
        pictures.webp(pictures.vp8l(2, 2), pictures.riff_chunk(b"XMP ", data)),
        pictures.heic(xmp=data),
        tiff({700: (1, len(data), data)}),
    ):
        picture = look(one)
        assert picture.stated("xmp:CreatorTool") == "Made Up 1"
        assert "xmp_not_understood" not in picture.flags


def test_xmp_that_is_continued() -> None:
    whole = packet("", 'xmp:CreatorTool="Made Up 2"')
    lead = b"http://ns.adobe.com/xmp/extension/\0" + b"0123456789ABCDEF" * 2 + struct.pack(">I", len(whole))
    first = segment(0xE1, lead + struct.pack(">I", 0) + whole[:200])
    second = segment(0xE1, lead + struct.pack(">I", 200) + whole[200:])
    assert look(jpeg(segments=(second, first))).stated("xmp:CreatorTool") == "Made Up 2"
    assert "xmp_not_understood" in look(jpeg(segments=(second,))).flags
    assert "with a gap" in look(jpeg(segments=(second,))).unread[0].reason


@pytest.mark.parametrize(
    "data",
    [
        b"<x",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        packet("").replace(b"<rdf:RDF", b"<rdf:RDF>" * 3 + b"<rdf:RDF"),
        packet("<dc:title>" * 200 + "</dc:title>" * 200),
        packet("<dc:title>a</dc:title>" * 5000),
    ],
)
def test_xmp_not_understood(data: bytes) -> None:
    picture = look(png(chunks=(pictures.international("XML:com.adobe.xmp", data),)))
    assert "xmp_not_understood" in picture.flags


def test_an_entity_is_never_taken() -> None:
    data = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + packet("<dc:title>&a;</dc:title>")
    picture = look(png(chunks=(pictures.international("XML:com.adobe.xmp", data),)))
    assert picture.stated("dc:title") is None
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]><x>&b;</x>'
    assert (
        "xmp_not_understood" in look(png(chunks=(pictures.international("XML:com.adobe.xmp", bomb),))).flags
    )


# --- thumbnails -----------------------------------------------------------------------------------------


def test_embedded_thumbnail() -> None:
    small = jpeg(160, 120, segments=())
    data = jpeg(segments=(JFIF, exif_segment(tiff({}, thumbnail=small))))
    picture = look(data)
    assert "embedded_thumbnail" in picture.flags
    assert "thumbnail_differs" not in picture.flags
    (one,) = picture.thumbnails
    assert data[one.start : one.end] == small
    assert (one.kind, one.width, one.height, one.differs) == ("exif", 160, 120, False)
    assert "embedded_thumbnail" not in look(jpeg()).flags


def test_thumbnails_elsewhere() -> None:
    jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x04\x03" + bytes(36))
    jfxx = segment(0xE0, b"JFXX\0\x10" + jpeg(80, 60, segments=()))
    encoded = base64.b64encode(jpeg(256, 192, segments=())).decode()
    inside = packet(
        f"<xmp:Thumbnails><rdf:Alt><rdf:li><xmpGImg:image>{encoded}</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>"
    )
    resource = bytes(28) + jpeg(64, 48, segments=())
    shop = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x0c\0\0" + struct.pack(">I", len(resource)) + resource)
    found = look(jpeg(segments=(jfif, jfxx, xmp_segment(inside), shop))).thumbnails
    assert {(one.kind, one.width, one.height) for one in found} == {
        ("jfif", 4, 3),
        ("jfxx", 80, 60),
        ("xmp", 256, 192),
        ("photoshop", 64, 48),
    }
    heic = look(pictures.heic(thumbnail=(320, 240))).thumbnails
    assert [(one.kind, one.width, one.height, one.differs) for one in heic] == [
        ("heif item", 320, 240, False)
    ]


@pytest.mark.parametrize(
    ("thumbnail", "picture", "differs"),
    [
        ((160, 120), (4000, 3000), False),
        ((160, 107), (6000, 4000), False),
        ((10, 7), (4000, 3000), False),  # rounded to a pixel
        ((160, 120), (4000, 2000), True),
        ((160, 120), (3000, 4000), False),  # turned, which is a hint
        ((160, 120), (3000, 3000), True),
        ((1, 1), (3000, 3000), False),
    ],
)
def test_thumbnail_differs(thumbnail: tuple[int, int], picture: tuple[int, int], differs: bool) -> None:
    found = with_exif(tiff({}, thumbnail=jpeg(*thumbnail, segments=())), *picture)
    assert ("thumbnail_differs" in found.flags) is differs
    assert ("thumbnail_turned" in {hint.code for hint in found.hints}) is (picture == (3000, 4000))


# --- claims, texts, hints -------------------------------------------------------------------------------


def test_content_credentials_and_proofmode() -> None:
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    blocks = [pictures.jumbf()[at : at + 200] for at in range(0, len(pictures.jumbf()), 200)]
    for data in (
        jpeg(segments=(pictures.claim_segment(),)),
        png(chunks=(chunk(b"caBX", pictures.jumbf()),)),
        pictures.webp(pictures.vp8l(2, 2), pictures.riff_chunk(b"C2PA", pictures.jumbf())),
        pictures.gif(extensions=pictures.gif_extension(0xFF, b"C2PA_GIF\x01\0\0", *blocks)),
        pictures.heic(behind=pictures.box(b"uuid", uuid, pictures.jumbf())),
        tiff({0xCD41: opaque(pictures.jumbf())}),
    ):
        picture = look(data)
        assert "content_credentials" in picture.flags
        assert (picture.stated("content_credentials") or "").startswith("JUMBF, C2PA")
        assert "proofmode_mentioned" not in picture.flags
    assert "proofmode_mentioned" in look(jpeg(segments=(pictures.claim_segment(b"ProofMode 2"),))).flags
    assert "content_credentials" not in look(jpeg(segments=(segment(0xEB, b"other"),))).flags


def test_generator_text() -> None:
    for keyword in ("parameters", "prompt", "workflow", "Dream"):
        assert "generator_text" in look(png(chunks=(text_chunk(keyword, "made up"),))).flags
    assert "generator_text" in look(png(chunks=(pictures.international("prompt", b"{}", packed=True),))).flags
    assert "generator_text" not in look(png(chunks=(text_chunk("Comment", "prompt"),))).flags


def test_packed_texts_are_unpacked_within_bounds() -> None:
    packed = chunk(b"zTXt", b"note\0\0" + zlib.compress(b"made up"))
    assert look(png(chunks=(packed,))).stated("note") == "made up"
    bomb = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(50 << 20)))
    picture = look(png(chunks=(bomb,)))
    assert picture.stated("note") is None
    assert [one.what for one in picture.unread] == ["text"]


def test_what_a_file_can_make_us_unpack_and_read_is_bounded() -> None:
    packed = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes((1 << 20) - 1)))
    picture = look(png(chunks=(packed,) * 12))
    assert "text" in {one.what for one in picture.unread}
    assert len(picture.unread) == 12 - 9  # nine times a MiB less a byte is the first to reach 8 MiB
    blocks = [xmp_segment(packet("", f'xmp:CreatorTool="{number}"')) for number in range(MAX_BLOCKS + 2)]
    many = look(jpeg(segments=blocks))
    assert "too_many_parts" in many.flags
    assert len([one for one in many.statements if one.name == "xmp:CreatorTool"]) == MAX_BLOCKS
    assert "too_many_parts" not in look(jpeg(segments=blocks[:MAX_BLOCKS])).flags


def test_stated_as_generated() -> None:
    address = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    said = packet("", f'Iptc4xmpExt:DigitalSourceType="{address}"')
    assert "stated_as_generated" in look(jpeg(segments=(xmp_segment(said),))).flags
    other = said.replace(b"trainedAlgorithmicMedia", b"digitalCapture")
    assert "stated_as_generated" not in look(jpeg(segments=(xmp_segment(other),))).flags


def test_metadata_stripped_likely() -> None:
    assert "metadata_stripped_likely" in look(jpeg(1600, 1200)).flags
    assert "metadata_stripped_likely" in look(jpeg(900, 1600)).flags
    assert "metadata_stripped_likely" not in look(jpeg(1601, 1200)).flags
    assert "metadata_stripped_likely" not in look(png(1600, 3)).flags
    camera = tiff({0x010F: ascii_value("Made Up")})
    assert "metadata_stripped_likely" not in with_exif(camera, 1600, 1200).flags


def test_names_of_messengers_are_hints() -> None:
    for name in ("IMG-20261103-WA0007.jpg", "photo_2026-11-03_20-14-05.jpg", "received_1234567890123.jpeg"):
        assert "messenger_name" in {hint.code for hint in look(jpeg(), name).hints}
    assert look(jpeg(), "IMG_0007.jpg").hints == ()
    mark = look(jpeg(segments=(pictures.iptc_segment((40, b"FBMD0a000a")),)))
    assert "facebook_mark" in {hint.code for hint in mark.hints}


def test_screenshot_possible() -> None:
    for picture in (
        look(jpeg(), "Screenshot_20261103-201405.jpg"),
        look(png(chunks=(text_chunk("Software", "gnome-screenshot"),))),
        look(png(1170, 2532)),
        look(png(2400, 1080)),
        with_exif(tiff({}, exif={0x9286: opaque(b"ASCII\0\0\0Screenshot")})),
    ):
        assert "screenshot_possible" in picture.flags
        assert all(hint.reason for hint in picture.hints)
    assert "screenshot_possible" not in look(png(1171, 2532)).flags
    named = with_exif(tiff({0x010F: ascii_value("Made Up")}), 1080, 2400)
    assert "screenshot_possible" not in named.flags


def test_photo_of_screen_possible() -> None:
    exposed = tiff({0x0110: ascii_value("MU-1")}, exif={0x829A: rational((1, 60))})
    data = jpeg(segments=(exif_segment(exposed),))
    assert "photo_of_screen_possible" in look(data, "Screenshot 1.jpg").flags
    assert "photo_of_screen_possible" not in look(data, "IMG_0001.jpg").flags
    assert "photo_of_screen_possible" not in look(jpeg(), "Screenshot 1.jpg").flags
    no_exposure = jpeg(segments=(exif_segment(tiff({0x0110: ascii_value("MU-1")})),))
    assert "photo_of_screen_possible" not in look(no_exposure, "Screenshot 1.jpg").flags


def test_editor_named() -> None:
    assert "editor_named" in with_exif(tiff({0x0131: ascii_value("Adobe Photoshop 27.0")})).flags
    assert (
        "editor_named" in look(jpeg(segments=(xmp_segment(packet("", 'xmp:CreatorTool="GIMP 3.0"')),))).flags
    )
    assert "editor_named" not in with_exif(tiff({0x0131: ascii_value("17.6.1")})).flags


def test_exif_size_differs() -> None:
    size = {0xA002: long(4000), 0xA003: long(3000)}
    assert "exif_size_differs" in with_exif(tiff({}, exif=size), 1600, 1200).flags
    assert "exif_size_differs" not in with_exif(tiff({}, exif=size), 4000, 3000).flags
    assert "exif_size_differs" not in with_exif(tiff({}, exif=size), 3000, 4000).flags


def test_every_flag_is_given_by_a_test_and_explained_on_the_page() -> None:
    page = Path(__file__).parent.parent / "docs" / "reference" / "pictures.md"
    tests = Path(__file__).read_text("utf-8")
    told = page.read_text("utf-8")
    for flag in FLAGS:
        assert f"`{flag}`" in told, flag
        assert f'"{flag}"' in tests, flag


# --- judges ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("size", [(1, 1), (33, 17), (300, 200)])
def test_pillow_agrees_on_what_it_wrote(kind: str, size: tuple[int, int]) -> None:
    image = PIL.Image.linear_gradient("L").resize(size).convert("RGB")
    stream = io.BytesIO()
    more: dict[str, Any] = {}
    if kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        exif = PIL.Image.Exif()
        exif[0x010F] = "Made Up"
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.5), 3: "E", 4: (16.0, 22.0, 0.0)})
        more["exif"] = exif
    try:
        image.save(stream, kind, **more)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {kind}")
    picture = look(stream.getvalue())
    assert (picture.width, picture.height) == size
    assert picture.frames == 1
    assert not {"truncated", "damaged", "checksum_wrong", "trailing_data", "exif_not_understood"} & set(
        picture.flags
    )
    assert picture.unread == ()
    with PIL.Image.open(io.BytesIO(stream.getvalue())) as again:
        assert picture.stated("Make") == again.getexif().get(0x010F)
        if again.getexif().get_ifd(0x8825):
            assert picture.positions[0].latitude == "48.208472222"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_pillow_agrees_on_frames(kind: str) -> None:
    frames = [PIL.Image.new("RGB", (8, 8), (40 * n, 0, 0)) for n in range(5)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], duration=50)
    picture = look(stream.getvalue())
    with PIL.Image.open(io.BytesIO(stream.getvalue())) as again:
        assert picture.frames == getattr(again, "n_frames", None) == 5


def place_of(picture: Picture, name: str) -> int:
    return next(part.start for part in picture.parts if part.name == name)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed; it is a judge only")
@pytest.mark.parametrize("name", ["jpeg", "png", "heic"])
def test_exiftool_agrees(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"made-up.{name}"
    file.write_bytes(pictures.samples()[name])
    arguments = ["exiftool", "-json", "-n", "-a", "-G1", str(file)]
    told = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)[0]
    picture = look(file.read_bytes(), file.name)
    assert picture.stated("Model") == told["IFD0:Model"]
    assert picture.orientation == told["IFD0:Orientation"]
    taken = next(one for one in picture.times if one.name == "DateTimeOriginal")
    assert taken.raw.startswith(told["ExifIFD:DateTimeOriginal"])
    north = picture.positions[0].latitude
    assert north is not None
    assert abs(Fraction(north) - Fraction(str(told["GPS:GPSLatitude"]))) < Fraction(1, 10**6)
    # exiftool counts from the file's first byte, in a PNG from the EXIF block's
    base = place_of(picture, "eXIf") + 8 if name == "png" else 0
    (small,) = (one for one in picture.thumbnails if one.kind == "exif")
    assert small.start == base + told["IFD1:ThumbnailOffset"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed; it is a judge only")
@pytest.mark.parametrize("name", sorted(pictures.samples()))
def test_exiftool_agrees_on_sizes_and_finds_no_fault_in_what_we_made(name: str, tmp_path: Path) -> None:
    file = tmp_path / "made-up"
    file.write_bytes(pictures.samples()[name].removesuffix(b"behind it"))
    arguments = ["exiftool", "-json", "-n", "-ImageSize", "-Warning", "-Error", str(file)]
    told = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)[0]
    picture = look(file.read_bytes())
    assert told["ImageSize"] == f"{picture.width} {picture.height}"
    assert "Error" not in told


# --- damage ---------------------------------------------------------------------------------------------

_SOUND = sorted(pictures.samples().values())


@given(st.binary(max_size=400))
def test_any_bytes_are_accounted_for(data: bytes) -> None:
    look(data)


@given(
    st.sampled_from(_SOUND),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 1 << 16),
)
def test_damaged_pictures_are_accounted_for(data: bytes, edits: list[tuple[int, bytes]], cut: int) -> None:
    changed = bytearray(data)
    for at, piece in edits:
        at %= len(changed)
        changed[at : at + len(piece)] = piece
    look(bytes(changed[: len(changed) if cut > len(changed) else cut]))


def test_a_small_picture_that_lies_beyond_the_end_has_a_place_in_the_file() -> None:
    whole = pictures.samples()["heic"]
    found = [one for cut in range(300, len(whole), 20) for one in look(whole[:cut]).thumbnails]
    assert any(one.start == one.end for one in found), "none of it is there"
    assert any(one.start < one.end for one in found)


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["<", ">"]))
def test_damaged_directories_are_accounted_for(rest: bytes, order: str) -> None:
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    look(head + rest)
    with_exif(head + rest)


@pytest.mark.parametrize("begin", [b"II+\x00", b"MM\x00+"])
@pytest.mark.parametrize("more", [b"", b"made up" * 9])
def test_a_big_tiff_is_accounted_for_and_not_walked(begin: bytes, more: bytes) -> None:
    picture = facts(Held(begin + more))
    assert [(part.start, part.end) for part in picture.parts] == [(0, 4 + len(more))]
    assert "damaged" in picture.flags
