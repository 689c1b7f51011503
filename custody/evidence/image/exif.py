"""What EXIF says: camera, software, persons, times, position, orientation, thumbnail (Exif 2.32, 4.6; DNG 1.6)."""

from __future__ import annotations

from fractions import Fraction

from custody.evidence.image import jpeg, moments, position
from custody.evidence.image.ifd import Field, Structure, read_structure
from custody.evidence.image.model import Position, Thumbnail, Time
from custody.evidence.image.walk import Walk
from custody.evidence.image.window import Ranges

_MAIN = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0112: "Orientation",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x8298: "Copyright",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    0xC614: "UniqueCameraModel",
    0xC62F: "CameraSerialNumber",
}
_EXIF = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "PhotographicSensitivity",
    0x9000: "ExifVersion",
    0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized",
    0x9010: "OffsetTime",
    0x9011: "OffsetTimeOriginal",
    0x9012: "OffsetTimeDigitized",
    0x9290: "SubSecTime",
    0x9291: "SubSecTimeOriginal",
    0x9292: "SubSecTimeDigitized",
    0x920A: "FocalLength",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0xA002: "PixelXDimension",
    0xA003: "PixelYDimension",
    0xA405: "FocalLengthIn35mmFilm",
    0xA420: "ImageUniqueID",
    0xA430: "CameraOwnerName",
    0xA431: "BodySerialNumber",
    0xA433: "LensMake",
    0xA434: "LensModel",
    0xA435: "LensSerialNumber",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA43A: "RawDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
_GPS = {
    0x0001: "GPSLatitudeRef",
    0x0002: "GPSLatitude",
    0x0003: "GPSLongitudeRef",
    0x0004: "GPSLongitude",
    0x0005: "GPSAltitudeRef",
    0x0006: "GPSAltitude",
    0x0007: "GPSTimeStamp",
    0x0010: "GPSImgDirectionRef",
    0x0011: "GPSImgDirection",
    0x0012: "GPSMapDatum",
    0x001B: "GPSProcessingMethod",
    0x001C: "GPSAreaInformation",
    0x001D: "GPSDateStamp",
    0x001F: "GPSHPositioningError",
}
_TIMES = (
    ("DateTimeOriginal", 0x9003, 0x9291, 0x9011),
    ("DateTimeDigitized", 0x9004, 0x9292, 0x9012),
    ("DateTime", 0x0132, 0x9290, 0x9010),
)
SERIALS = {"CameraSerialNumber", "BodySerialNumber", "LensSerialNumber"}
OWNERS = {"CameraOwnerName", "Artist", "Copyright", "XPAuthor", "Photographer", "ImageEditor"}
EXPOSURE = {"ExposureTime", "FNumber", "PhotographicSensitivity", "FocalLength"}
_CHARSETS = {b"ASCII\x00\x00\x00": "ascii", b"UNICODE\x00": "utf-16", b"\x00" * 8: "utf-8"}
_MAKER_NOTE = 0x927C


def take(out: Walk, data: Ranges, times: list[Time], positions: list[Position]) -> None:
    """Read one block of EXIF into the statements, times, positions and thumbnails of a walk. Never raises."""
    found = read_structure(data)
    if found is None:
        start, end = data.place(0, data.size)
        out.fault(start, end, "not a TIFF structure", what="exif", flag="exif_not_understood")
        return
    for begin, stop, reason in found.faults:
        start, end = data.place(min(begin, data.size), max(0, min(stop, data.size) - begin))
        out.fault(start, end, reason, what="exif", flag="exif_not_understood")
    for directory in found.directories:
        names = _GPS if directory.name == "gps" else {**_MAIN, **_EXIF}
        if directory.name not in ("ifd0", "exif", "gps"):
            continue
        for one in directory.fields:
            if one.tag in names:
                _state(out, found, one, names[one.tag])
    times += _times(found)
    where = _position(out, found)
    if where is not None:
        positions.append(where)
    if not out.pages:
        _thumbnail(out, found)


def _state(out: Walk, found: Structure, one: Field, name: str) -> None:
    start, end = found.data.place(one.start, one.size)
    if one.tag == _MAKER_NOTE:
        out.flags.add("maker_note_not_read")
        out.says("exif", name, f"{one.size} bytes in the maker's own form, not read", start, end)
        return
    text = value_text(found, one)
    if one.tag == 0x0112:
        numbers = found.numbers(one, 1)
        if numbers and 1 <= numbers[0] <= 8 and out.orientation is None:
            out.orientation = int(numbers[0])
    out.says("gps" if one.directory == "gps" else "exif", name, text, start, end)
    if text and name in SERIALS:
        out.flags.add("device_serial")
    if text and name in OWNERS:
        out.flags.add("owner_name")


def value_text(found: Structure, one: Field) -> str:
    """A value as text; comments by the character set that they name, Windows' fields as UTF-16."""
    if 0x9C9B <= one.tag <= 0x9C9F and one.kind in (1, 7):
        return found.raw(one)[:4100].decode("utf-16-le", "backslashreplace").rstrip("\x00").strip()
    if one.tag in (0x9286, 0x001B, 0x001C) and one.kind == 7:
        raw = found.raw(one)[:4100]
        charset = _CHARSETS.get(raw[:8])
        if charset is None:
            return raw[:64].hex()
        if charset == "utf-16":
            charset = "utf-16-le" if found.order == "little" else "utf-16-be"
        return raw[8:].decode(charset, "backslashreplace").rstrip("\x00").strip()
    if one.tag == 0x9000 and one.kind == 7:
        return found.raw(one)[:8].decode("ascii", "backslashreplace")
    return found.text(one)


def _any(found: Structure, tag: int) -> str:
    one = found.find("exif", tag) or found.find("ifd0", tag)
    return found.text(one) if one is not None and one.kind == 2 else ""


def _times(found: Structure) -> list[Time]:
    times = []
    for name, tag, fraction, offset in _TIMES:
        one = found.find("exif", tag) or found.find("ifd0", tag)
        if one is not None and one.size > 1:
            raw = found.text(one)
            times.append(moments.exif_time(name, raw, _any(found, fraction), _any(found, offset)))
    stamp = found.find("gps", 0x0007)
    date = found.find("gps", 0x001D)
    parts = None if stamp is None else found.all_numbers(stamp, 3)
    if stamp is not None or date is not None:
        gps = moments.gps_time("" if date is None else found.text(date), parts)
        if gps is not None:
            times.append(gps)
    return times


def _position(out: Walk, found: Structure) -> Position | None:
    latitude, longitude = found.find("gps", 0x0002), found.find("gps", 0x0004)
    if latitude is None and longitude is None:
        return None
    north, north_raw = _degrees(found, latitude, 0x0001, 90)
    east, east_raw = _degrees(found, longitude, 0x0003, 180)
    out.flags.add("gps_position")
    if north is None or east is None:
        out.flags.add("gps_not_understood")
    height, reference = found.find("gps", 0x0006), found.find("gps", 0x0005)
    altitude = None
    if height is not None and (metres := found.all_numbers(height, 1)):
        below = reference is not None and found.text(reference) == "1"
        altitude = position.decimal_text(-metres[0] if below else metres[0])[0]
    datum = found.find("gps", 0x0012)
    texts = [None if one is None else position.decimal_text(one) for one in (north, east)]
    return Position(
        origin="exif",
        latitude_raw=north_raw,
        longitude_raw=east_raw,
        latitude=None if texts[0] is None else texts[0][0],
        longitude=None if texts[1] is None else texts[1][0],
        exact=all(text is not None and text[1] for text in texts),
        altitude_raw=None if height is None else found.text(height),
        altitude=altitude,
        datum=None if datum is None else found.text(datum) or None,
    )


def _degrees(found: Structure, one: Field | None, reference: int, most: int) -> tuple[Fraction | None, str]:
    """Degrees if they can be told, and what is written."""
    ref = found.find("gps", reference)
    letter = "" if ref is None else found.text(ref)
    if one is None:
        return None, letter
    raw = f"{found.text(one)} {letter}".strip()
    return position.degrees(found.all_numbers(one, 4), letter, most), raw


def _thumbnail(out: Walk, found: Structure) -> None:
    for directory in found.directories:
        if directory.name != "ifd1":
            continue
        values = {
            f.tag: found.numbers(f, 1) for f in directory.fields if f.tag in (256, 257, 273, 279, 513, 514)
        }
        whole = {tag: int(numbers[0]) for tag, numbers in values.items() if numbers}
        begin, length = whole.get(513, whole.get(273)), whole.get(514, whole.get(279))
        if begin is None or length is None or length == 0:
            continue
        if begin + length > found.data.size:
            start, end = found.data.place(begin, max(0, found.data.size - begin))
            out.fault(start, end, "the thumbnail lies outside", what="exif", flag="exif_not_understood")
            continue
        start, end = found.data.place(begin, length)
        width, height = whole.get(256), whole.get(257)
        if 513 in whole:
            width, height = jpeg.dimensions(found.data, begin, begin + length)
        out.thumbnails.append(Thumbnail(kind="exif", start=start, end=end, width=width, height=height))
