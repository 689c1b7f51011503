"""Pictures put together byte by byte, all of them made up: what tests of `custody.evidence.image` read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

Value = tuple[int, int, bytes]
"""A TIFF field's type, count and bytes."""


def ascii_value(text: str) -> Value:
    data = text.encode() + b"\0"
    return 2, len(data), data


def short(*numbers: int, order: str = ">") -> Value:
    return 3, len(numbers), struct.pack(f"{order}{len(numbers)}H", *numbers)


def long(*numbers: int, order: str = ">") -> Value:
    return 4, len(numbers), struct.pack(f"{order}{len(numbers)}I", *numbers)


def rational(*pairs: tuple[int, int], order: str = ">") -> Value:
    return 5, len(pairs), b"".join(struct.pack(f"{order}II", *pair) for pair in pairs)


def opaque(data: bytes) -> Value:
    return 7, len(data), data


def tiff(
    ifd0: Mapping[int, Value],
    *,
    exif: Mapping[int, Value] | None = None,
    gps: Mapping[int, Value] | None = None,
    ifd1: Mapping[int, Value] | None = None,
    thumbnail: bytes = b"",
    order: str = ">",
) -> bytes:
    """A TIFF structure with the directories, their values behind each, and a thumbnail at the end."""

    def directory(fields: Mapping[int, Value], at: int, following: int) -> bytes:
        head = struct.pack(f"{order}H", len(fields))
        values = b""
        behind = at + 2 + 12 * len(fields) + 4
        for tag, (kind, count, data) in sorted(fields.items()):
            head += struct.pack(f"{order}HHI", tag, kind, count)
            if len(data) <= 4:
                head += data.ljust(4, b"\0")
            else:
                head += struct.pack(f"{order}I", behind + len(values))
                values += data + b"\0" * (len(data) % 2)
        return head + struct.pack(f"{order}I", following) + values

    def size(fields: Mapping[int, Value]) -> int:
        return len(directory(fields, 0, 0))

    first = dict(ifd0)
    if exif is not None:
        first[0x8769] = long(0, order=order)
    if gps is not None:
        first[0x8825] = long(0, order=order)
    at = 8 + size(first)
    if exif is not None:
        first[0x8769], at = long(at, order=order), at + size(exif)
    if gps is not None:
        first[0x8825], at = long(at, order=order), at + size(gps)
    second = dict(ifd1 or {})
    ifd1_at = at if second or thumbnail else 0
    if thumbnail:
        second[0x0201], second[0x0202] = long(0, order=order), long(len(thumbnail), order=order)
        second[0x0201] = long(at + size(second), order=order)
    data = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    data += directory(first, 8, ifd1_at)
    for fields in (exif, gps):
        if fields is not None:
            data += directory(fields, len(data), 0)
    if ifd1_at:
        data += directory(second, len(data), 0) + thumbnail
    return data


def gps_fields(latitude: Sequence[tuple[int, int]] = ((48, 1), (12, 1), (3012, 100))) -> dict[int, Value]:
    return {
        1: ascii_value("N"),
        2: rational(*latitude),
        3: ascii_value("E"),
        4: rational((16, 1), (22, 1), (0, 1)),
    }


# --- JPEG


def segment(code: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(data) + 2) + data


JFIF = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0")


def jpeg(
    width: int = 640, height: int = 480, *, segments: Sequence[bytes] = (JFIF,), end: bool = True
) -> bytes:
    """Markers and lengths as in a JPEG; the scan holds stuffed bytes and a restart marker, and is no picture."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
    scan = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + b"".join(segments) + frame + scan + (b"\xff\xd9" if end else b"")


def exif_segment(data: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + data)


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def packet(inner: str, attributes: str = "") -> bytes:
    spaces = {
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "aux": "http://ns.adobe.com/exif/1.0/aux/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
        "GCamera": "http://ns.google.com/photos/1.0/camera/",
        "Item": "http://ns.google.com/photos/1.0/container/item/",
    }
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {names} {attributes}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def jumbf(text: bytes = b"made up") -> bytes:
    inner = struct.pack(">I4s", 8 + 16 + 1 + 5, b"jumd") + bytes.fromhex("63327061001100108000 00aa00389b71")
    inner += b"\x03c2pa\0" + text
    return struct.pack(">I4s", 8 + len(inner), b"jumb") + inner


def claim_segment(text: bytes = b"made up") -> bytes:
    return segment(0xEB, b"JP\0\x01\0\0\0\x01" + jumbf(text))


def iptc_segment(*records: tuple[int, bytes]) -> bytes:
    data = b"".join(
        b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text for number, text in records
    )
    return segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data)


def with_further(first: bytes, *others: tuple[int, bytes]) -> bytes:
    """A JPEG with a multi-picture index of further ones behind it, each with its type."""

    def built(offsets: Sequence[int]) -> bytes:
        entries = struct.pack(">IIIHH", 0x030000, 0, 0, 0, 0)
        for (kind, data), offset in zip(others, offsets, strict=True):
            entries += struct.pack(">IIIHH", kind, len(data), offset, 0, 0)
        index = tiff({0xB000: opaque(b"0100"), 0xB001: long(1 + len(others)), 0xB002: opaque(entries)})
        return first[:2] + segment(0xE2, b"MPF\0" + index) + first[2:]

    length = len(built([0] * len(others)))
    at, offsets = length, []
    for _, data in others:
        offsets.append(at - 10)  # counted from the index's own header
        at += len(data)
    return built(offsets) + b"".join(data for _, data in others)


# --- PNG


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int = 4, height: int = 3, *, chunks: Sequence[bytes] = (), after: Sequence[bytes] = ()
) -> bytes:
    """A whole grey PNG that decoders take (unless it says to be larger than its data)."""
    rows = zlib.compress(
        b"".join(b"\0" + bytes(range(min(width, 255)))[:width] for _ in range(min(height, 64)))
    )
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + b"".join(chunks)
        + chunk(b"IDAT", rows)
        + b"".join(after)
        + chunk(b"IEND")
    )


def text_chunk(keyword: str, text: str) -> bytes:
    return chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))


def international(keyword: str, text: bytes, *, packed: bool = False) -> bytes:
    data = zlib.compress(text) if packed else text
    return chunk(b"iTXt", keyword.encode() + (b"\0\x01\0\0\0" if packed else b"\0\0\0\0\0") + data)


# --- GIF, WebP, BMP


def gif(*, frames: int = 1, extensions: bytes = b"", end: bool = True) -> bytes:
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 2, 2, 0) + b"\x02\x02\x4c\x01\0"
    head = b"GIF89a" + struct.pack("<HHBBB", 2, 2, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + extensions + image * frames + (b"\x3b" if end else b"")


def gif_extension(label: int, *blocks: bytes) -> bytes:
    return b"\x21" + bytes([label]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif_xmp(data: bytes) -> bytes:
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return b"\x21\xff\x0bXMP DataXMP" + data + trailer


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp(*chunks: bytes) -> bytes:
    inner = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def vp8x(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", b"\0\0\0\0" + sizes)


def vp8l(width: int, height: int) -> bytes:
    return riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0\0\0")


def bmp(width: int = 3, height: int = 2) -> bytes:
    pixels = bytes((width * 24 + 31) // 32 * 4 * abs(height))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


# --- HEIF


def box(kind: bytes, *inner: bytes) -> bytes:
    data = b"".join(inner)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def full_box(kind: bytes, version: int, *inner: bytes) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *inner)


def heic(
    width: int = 4032,
    height: int = 3024,
    *,
    exif: bytes = b"",
    xmp: bytes = b"",
    thumbnail: tuple[int, int] | None = None,
    behind: bytes = b"",
    brand: bytes = b"heic",
) -> bytes:
    """Items 1 (the picture), 2 (its thumbnail), 3 (EXIF), 4 (XMP) with their places in one mdat."""
    contents = {1: b"coded picture", 2: b"coded thumbnail" if thumbnail else b""}
    contents[3] = b"\0\0\0\x06Exif\0\0" + exif if exif else b""
    contents[4] = xmp
    contents = {number: data for number, data in contents.items() if data}
    kinds = {1: b"hvc1", 2: b"hvc1", 3: b"Exif", 4: b"mime"}

    def entry(number: int) -> bytes:
        tail = b"application/rdf+xml\0" if number == 4 else b""
        return full_box(b"infe", 2, struct.pack(">HH4s", number, 0, kinds[number]), b"\0", tail)

    def meta(base: int) -> bytes:
        places, at = b"", base
        for number, data in contents.items():
            places += struct.pack(">HHHII", number, 0, 1, at, len(data))
            at += len(data)
        sizes = [full_box(b"ispe", 0, struct.pack(">II", width, height))]
        links = struct.pack(">HBB", 1, 1, 1)
        if thumbnail:
            sizes.append(full_box(b"ispe", 0, struct.pack(">II", *thumbnail)))
            links += struct.pack(">HBB", 2, 1, 2)
        parts = [
            full_box(b"hdlr", 0, b"\0\0\0\0pict", bytes(13)),
            full_box(b"pitm", 0, struct.pack(">H", 1)),
            full_box(b"iloc", 0, b"\x44\x00", struct.pack(">H", len(contents)), places),
            full_box(b"iinf", 0, struct.pack(">H", len(contents)), *map(entry, contents)),
        ]
        if thumbnail:
            parts.append(full_box(b"iref", 0, box(b"thmb", struct.pack(">HHH", 2, 1, 1))))
        properties = box(b"ipco", *sizes), full_box(b"ipma", 0, struct.pack(">I", 1 + bool(thumbnail)), links)
        return full_box(b"meta", 0, *parts, box(b"iprp", *properties))

    lead = box(b"ftyp", brand, b"\0\0\0\0", b"mif1", brand)
    start = len(lead) + len(meta(0)) + 8
    return lead + meta(start) + box(b"mdat", *contents.values()) + behind


def samples() -> dict[str, bytes]:
    """One rich made-up picture of each format."""
    block = tiff(
        {0x010F: ascii_value("Made Up Cameras"), 0x0110: ascii_value("MU-1"), 0x0112: short(6)},
        exif={
            0x9003: ascii_value("2026:11:03 20:14:05"),
            0x9011: ascii_value("+01:00"),
            0x9291: ascii_value("250"),
            0x829A: rational((1, 60)),
            0xA431: ascii_value("SERIAL-MADE-UP"),
        },
        gps=gps_fields(),
        thumbnail=jpeg(160, 120, segments=()),
    )
    small = tiff({0x0110: ascii_value("MU-1")})
    strip = tiff(
        {
            256: short(2, order="<"),
            257: short(2, order="<"),
            273: long(200, order="<"),
            279: long(4, order="<"),
        },
        order="<",
    )
    return {
        "jpeg": jpeg(segments=(JFIF, exif_segment(block), xmp_segment(packet("")), claim_segment()))
        + b"behind it",
        "png": png(chunks=(chunk(b"eXIf", block), text_chunk("parameters", "a made-up prompt"))),
        "gif": gif(frames=2, extensions=gif_extension(0xFE, b"made up") + gif_xmp(packet(""))),
        "webp": webp(vp8x(64, 48), vp8l(64, 48), riff_chunk(b"EXIF", small), riff_chunk(b"XMP ", packet(""))),
        "bmp": bmp(),
        "tiff": strip.ljust(200, b"\0") + b"abcd",
        "heic": heic(exif=block, xmp=packet(""), thumbnail=(320, 240)),
        "avif": heic(64, 48, brand=b"avif"),
    }
