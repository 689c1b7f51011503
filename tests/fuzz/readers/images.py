"""Pictures: what they say of themselves, with an account of every byte; and their hashes, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence

from custody.evidence.export import Held
from custody.evidence.image import form, perceptual, position, xmp
from custody.evidence.image.facts import FORMATS, facts
from custody.evidence.image.model import FLAGS
from custody.evidence.image.perceptual import Hashed, perceptual_hash
from custody.format import canonical
from tests import pictures
from tests.fuzz.reader import NotTheSame, Reader, Way, same

_SHARED = {"no_offset", "time_not_understood"}


def _facts(data: bytes) -> object:
    picture = facts(Held(data), "made-up.jpg")
    at = 0
    for part in picture.parts:
        same((part.start, part.end > part.start), (at, True), "parts that overlap or leave a gap")
        at = part.end
    same(at, len(data), "bytes without a part")
    for one in (*picture.unread, *picture.behind):
        same(0 <= one.start <= one.end <= len(data), True, "a place outside")
    if not set(picture.flags) <= set(FLAGS) | _SHARED:
        raise NotTheSame(f"a flag that is not explained: {picture.flags}")
    canonical.encode(form.to_json(picture), where="picture")
    same(form.to_json(facts(Held(data), "made-up.jpg")), form.to_json(picture), "the same bytes, other facts")
    return Way(f"{picture.format}, {', '.join(picture.flags)}")


def _packet(data: bytes) -> object:
    packet = xmp.read_packet(data)
    for name, value in packet.values:
        value.encode()
        if name.endswith("GPSLatitude"):
            position.from_xmp(value, 90)
    return Way("with a fault" if packet.fault else "whole")


def _hash(data: bytes) -> object:
    # The first byte chooses the decoder.
    decoder = FORMATS[data[0] % len(FORMATS)] if data else "png"
    found = perceptual_hash(data[1:], format_name=decoder, handling=("unassessed",))
    for flag in perceptual.NEVER_DECODED:
        refused = perceptual_hash(data[1:], format_name=decoder, handling=("child", flag))
        same(getattr(refused, "reason", None), "handling_forbids", "what is never decoded")
    return Way("hashed" if isinstance(found, Hashed) else found.reason)


def _seeds() -> Sequence[bytes]:
    return sorted(pictures.samples().values(), key=len)


def _decodable() -> Sequence[bytes]:
    return [
        bytes([FORMATS.index("png")]) + pictures.png(16, 9),
        bytes([FORMATS.index("bmp")]) + pictures.bmp(),
    ]


READERS: list[Reader] = [
    Reader(
        name="picture",
        about="a picture's facts: every byte has a part, every place lies inside, the same bytes give the same",
        covers=("custody.evidence.image.facts:facts",),
        read=_facts,
        seeds=_seeds,
        limit=32 * 1024,
        slow=True,
    ),
    Reader(
        name="picture-xmp",
        about="an XMP packet: values that are Unicode, or a fault that is named",
        covers=("custody.evidence.image.xmp:read_packet", "custody.evidence.image.position:from_xmp"),
        read=_packet,
        seeds=lambda: [pictures.packet("<dc:title>made up</dc:title>", 'exif:GPSLatitude="48,12.5N"')],
        limit=16 * 1024,
    ),
    Reader(
        name="picture-hash",
        about="a picture's hashes, or the reason why there are none",
        covers=("custody.evidence.image.perceptual:perceptual_hash",),
        read=_hash,
        seeds=_decodable,
        limit=16 * 1024,
        slow=True,
    ),
]
