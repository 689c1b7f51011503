"""What the XMP of a picture says, taken into a walk: camera, persons, times, position, what lies behind, thumbnails."""

from __future__ import annotations

from custody.evidence.export import Held
from custody.evidence.image import jpeg, moments, position, xmp
from custody.evidence.image.model import Position, Thumbnail, Time
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges, Window

_TIMES = (
    "exif:DateTimeOriginal",
    "photoshop:DateCreated",
    "xmp:CreateDate",
    "xmp:ModifyDate",
    "xmp:MetadataDate",
)
_OWNERS = {
    "aux:OwnerName",
    "exifEX:CameraOwnerName",
    "dc:creator",
    "dc:rights",
    "photoshop:Credit",
    "tiff:Artist",
}
_SERIALS = {"aux:SerialNumber", "aux:LensSerialNumber", "exifEX:BodySerialNumber", "exifEX:LensSerialNumber"}
_STATED = {
    "tiff:Make", "tiff:Model", "tiff:Software", "xmp:CreatorTool", "aux:Lens", "dc:description", "dc:title",
    "exif:UserComment",
    "Iptc4xmpExt:DigitalSourceType", "xmpMM:DocumentID", "xmpMM:OriginalDocumentID", "xmpMM:InstanceID",
    "stEvt:softwareAgent", "stEvt:action", "stEvt:when", "GCamera:MotionPhoto", "GCamera:MicroVideo",
    "GCamera:MicroVideoOffset", "xmpNote:HasExtendedXMP",
}  # fmt: skip
_PLACES = {
    "photoshop:City", "photoshop:State", "photoshop:Country", "Iptc4xmpCore:Location", "Iptc4xmpExt:Sublocation",
    "Iptc4xmpExt:City", "Iptc4xmpExt:LocationName",
}  # fmt: skip
_PERSONS = {"mwg-rs:Name", "MPReg:PersonDisplayName", "Iptc4xmpExt:PersonInImage"}
_FLAGS = {
    **dict.fromkeys(_OWNERS, "owner_name"),
    **dict.fromkeys(_SERIALS, "device_serial"),
    **dict.fromkeys(_PLACES, "place_named"),
    **dict.fromkeys(_PERSONS, "person_named"),
}
_MAX_TIMES = 100


def take(out: Walk, times: list[Time], positions: list[Position]) -> list[int]:
    """Read every packet; gives the lengths of what they say lies behind the picture, in order. Never raises."""
    lengths: list[int] = []
    for block in [*out.xmp, *_extended(out)]:
        start, end = block.place(0, block.size)
        packet = xmp.read_packet(block.take(0, min(block.size, xmp.LONGEST + 1)))
        if packet.fault is not None:
            out.fault(start, end, packet.fault, what="xmp", flag="xmp_not_understood")
        _values(out, packet, start, end, times)
        _position(out, packet, positions)
        lengths += _lengths(packet)
    return lengths


def _values(out: Walk, packet: xmp.Packet, start: int, end: int, times: list[Time]) -> None:
    for name, value in packet.values:
        if name in _STATED or name in _FLAGS:
            out.says("xmp", name, value, start, end)
        if name in _FLAGS:
            out.flags.add(_FLAGS[name])
        elif name == "xmpGImg:image" and len(out.thumbnails) < _MAX_TIMES:
            data = xmp.thumbnail_bytes(value) or b""
            width, height = jpeg.dimensions(Window(Held(data)), 0, len(data))
            out.thumbnails.append(Thumbnail(kind="xmp", start=start, end=end, width=width, height=height))
        elif name in _TIMES and len(times) < _MAX_TIMES:
            times.append(moments.text_time("xmp", name, value))


def _position(out: Walk, packet: xmp.Packet, positions: list[Position]) -> None:
    latitude, longitude = packet.first("exif:GPSLatitude"), packet.first("exif:GPSLongitude")
    if latitude is None and longitude is None:
        return
    north, east = position.from_xmp(latitude or "", 90), position.from_xmp(longitude or "", 180)
    out.flags.add("gps_position")
    if north is None or east is None:
        out.flags.add("gps_not_understood")
    texts = [None if one is None else position.decimal_text(one) for one in (north, east)]
    altitude = packet.first("exif:GPSAltitude")
    positions.append(
        Position(
            origin="xmp",
            latitude_raw=(latitude or "")[:100],
            longitude_raw=(longitude or "")[:100],
            latitude=None if texts[0] is None else texts[0][0],
            longitude=None if texts[1] is None else texts[1][0],
            exact=all(text is not None and text[1] for text in texts),
            altitude_raw=None if altitude is None else altitude[:100],
        )
    )


def _lengths(packet: xmp.Packet) -> list[int]:
    """Lengths that Google's camera writes: a list of items, the first of which is the picture; or one film's."""
    numbers = [_number(value) for value in packet.every("Item:Length")]
    films = numbers or [_number(value) for value in packet.every("GCamera:MicroVideoOffset")]
    return [number for number in films[:64] if number]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _extended(out: Walk) -> list[Ranges]:
    """The continued packets of JPEG, by their GUID, in the order of their offsets (XMP part 3, 1.1.3.1)."""
    groups: dict[bytes, list[tuple[int, int, int]]] = {}
    for guid, offset, start, end in out.extended:
        groups.setdefault(guid, []).append((offset, start, end))
    found = []
    for pieces in groups.values():
        pieces.sort()
        at = 0
        for offset, start, end in pieces:
            if offset != at:
                out.fault(start, end, "a continued packet with a gap", what="xmp", flag="xmp_not_understood")
                break
            at += end - start
        else:
            found.append(Ranges.of(out.window, [(start, end) for _, start, end in pieces]))
    return found
