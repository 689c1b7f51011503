"""Pictures made to cost: a MiB of them is read within seconds, in bounded memory, and accounted for."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from custody.evidence.export import Held
from custody.evidence.image.facts import facts
from tests import costs, pictures
from tests.pictures import box, chunk, exif_segment, full_box, segment

MIB = 1 << 20
_HEIF = box(b"ftyp", b"heic\0\0\0\0mif1")


def _filled(head: bytes, unit: bytes) -> bytes:
    return head + unit * ((MIB - len(head)) // len(unit))


def _arrays_of_many_directories() -> bytes:
    count = 64
    base = 8 + 2 + 12 + 4 + 4 * count
    size = 2 + 2 * 12 + 4
    arrays = base + count * size
    data = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x014A, 4, count, 26, 0)
    data += b"".join(struct.pack(">I", base + number * size) for number in range(count))
    for _ in range(count):
        data += struct.pack(">HHHIIHHIII", 2, 273, 4, 200_000, arrays, 279, 4, 200_000, arrays, 0)
    return data.ljust(MIB, b"\0")


def _one_packet_many_times() -> bytes:
    count = 4_000
    field = struct.pack(">HHII", 700, 1, MIB - 60_000, 60_000)
    data = b"MM\0*" + struct.pack(">IH", 8, count) + field * count
    return (data.ljust(60_000, b"\0") + b"<a>" + b"<b/>" * (MIB // 4))[:MIB]


COSTLY: dict[str, Callable[[], bytes]] = {
    "JPEG of stray bytes": lambda: _filled(b"\xff\xd8\xff\xe0\0\2", b"\0\xff\xe0\0\2"),
    "JPEG of tiny scans": lambda: _filled(b"\xff\xd8\xff\xe0\0\2", b"\xff\xda\0\2\1"),
    "JPEG of comments": lambda: _filled(b"\xff\xd8", segment(0xFE, b"a")),
    "JPEG of EXIF": lambda: _filled(
        b"\xff\xd8",
        exif_segment(b"MM\0*\0\0\0\x08\x0f\xa0" + struct.pack(">HHII", 0x9C9B, 1, 4000, 8) * 4000),
    ),
    "PNG of empty chunks": lambda: _filled(pictures.png()[:33], chunk(b"aaAa") + chunk(b"bbBb")),
    "PNG of packed zeros": lambda: _filled(
        pictures.png()[:33], chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    ),
    "GIF of empty extensions": lambda: _filled(pictures.gif()[:19], b"\x21\xfe\0"),
    "GIF of one-byte blocks": lambda: _filled(pictures.gif()[:19] + b"\x21\xfe", b"\1a"),
    "WebP of empty EXIF": lambda: pictures.webp(pictures.riff_chunk(b"EXIF", b"") * (MIB // 8)),
    "HEIF of empty boxes": lambda: _HEIF + full_box(b"meta", 0, box(b"free") * (MIB // 8)),
    "HEIF of places without bytes": lambda: (
        _HEIF + full_box(b"meta", 0, full_box(b"iloc", 0, b"\0\0\xff\xff" + b"\0\1\0\0\xff\xff" * (MIB // 6)))
    ),
    "TIFF of shared arrays": _arrays_of_many_directories,
    "TIFF of one packet many times": _one_packet_many_times,
}


@pytest.mark.parametrize("case", sorted(COSTLY))
def test_a_costly_picture_is_read_in_bounded_time_and_memory(case: str) -> None:
    data = COSTLY[case]()
    assert len(data) <= 2 * MIB
    facts(Held(pictures.png()))
    read = []
    # Most take half a second; without its guard each takes ten times as long, or for ever.
    assert costs.units(lambda: read.append(facts(Held(data)))) < 103
    picture = read[-1]
    assert sum(part.end - part.start for part in picture.parts) == len(data)


def test_a_long_scan_is_read_in_bounded_memory() -> None:
    data = pictures.jpeg(end=False) + bytes(48 * MIB) + b"\xff\xd9"
    held = Held(data)
    tracemalloc.start()
    try:
        picture = facts(held)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()
    assert "truncated" not in picture.flags
