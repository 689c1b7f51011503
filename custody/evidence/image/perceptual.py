"""Perceptual hashes: two numbers of 64 bits that stay alike when a picture is shrunk or saved again.

They help a person to find pictures that may show the same. They prove nothing: different screenshots of one
chat are alike, and a small change that matters can leave them equal.

Here alone a picture is decoded. So the caller must say how the item is to be handled, and what is marked
``suspected-csam`` or ``intimate-image`` is refused before a byte of it is read: no rendering, no hash.

The 64-bit difference hash (dHash) compares neighbours of 9 × 8 grey points; the other (pHash) is the signs of
the 8 × 8 lowest frequencies of a cosine transform of 32 × 32 grey points against their median. All of it
is in whole numbers, so that it is the same on every machine that decodes and shrinks the same.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from custody.evidence.image.model import render_pixels
from custody.format.compartments import HANDLING_FLAGS

if TYPE_CHECKING:
    from PIL.Image import Image

NEVER_DECODED = frozenset({"suspected-csam", "intimate-image"})
"""Handling flags whose items are never decoded, rendered or hashed perceptually."""
LONGEST = 128 << 20
"""Bytes of a file that is decoded at most."""
_PLAIN = 8
"""Steps of grey between the darkest and the lightest of 32 × 32 points: with less there is nothing to compare."""
# Decoders that are used; TIFF's can ask for memory that its header alone decides.
DECODED = {"jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "avif": "AVIF"}

Reason = Literal[
    "handling_forbids",
    "handling_not_stated",
    "handling_not_known",
    "not_decoded_here",
    "too_large_to_render",
    "can_not_be_decoded",
    "too_plain",
]


@dataclass(frozen=True, slots=True)
class Hashed:
    """Both hashes as 16 hex digits, and the program and version that decoded the picture."""

    dhash: str
    phash: str
    by: str


@dataclass(frozen=True, slots=True)
class NotHashed:
    """Why there is no hash, as a code and in words."""

    reason: Reason
    text: str


_TOO_MANY_PIXELS = NotHashed("too_large_to_render", "more pixels than are decoded here: kept, not rendered")


def refusal(handling: Collection[str]) -> NotHashed | None:
    """Why an item of these handling flags may not be decoded, or None. No flag at all is not "nothing to fear"."""
    if not handling:
        return NotHashed("handling_not_stated", "how the item is to be handled was not stated")
    unknown = sorted(set(handling) - set(HANDLING_FLAGS))
    if unknown:
        return NotHashed("handling_not_known", "a handling flag that is not known: it may forbid this")
    forbidding = sorted(NEVER_DECODED & set(handling))
    if forbidding:
        return NotHashed(
            "handling_forbids", f"marked {', '.join(forbidding)}: never decoded, rendered or hashed"
        )
    return None


def perceptual_hash(
    data: bytes, *, format_name: str | None, handling: Collection[str], orientation: int | None = None
) -> Hashed | NotHashed:
    """The hashes of a picture's first frame, turned as its ``orientation`` says; or why there are none.

    ``format_name`` is `Picture.format`: only that decoder is tried. ``handling``: the item's flags, all of
    them. Never raises for what stands in the file; what it holds at most stands with RENDER_PIXELS.
    """
    refused = refusal(handling)
    if refused is not None:
        return refused
    decoder = DECODED.get(format_name or "")
    if decoder is None:
        return NotHashed("not_decoded_here", f"{format_name or 'no picture known here'}: not decoded here")
    if len(data) > LONGEST:
        return NotHashed("too_large_to_render", f"more than {LONGEST} bytes: kept, not rendered")
    return _hashed(data, decoder, render_pixels(format_name), orientation)


def _grey(image: Image) -> Image:
    """At most 512 × 512 grey points, on white where the picture lets through what is behind it."""
    import PIL.Image

    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode.startswith("I"):  # 16 bits of grey would be cut at 255 and not scaled
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    size = (min(image.width, 512), min(image.height, 512))
    image = image.resize(size, PIL.Image.Resampling.BOX)
    if image.mode == "RGBA":
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", size, (255, 255, 255, 255)), image)
    return image.convert("L")


def _hashed(data: bytes, decoder: str, most: int, orientation: int | None) -> Hashed | NotHashed:
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is below the one that Pillow warns at
            with PIL.Image.open(io.BytesIO(data), formats=[decoder]) as image:
                if image.width * image.height > most:
                    return _TOO_MANY_PIXELS
                image.draft("L", (256, 256))  # a JPEG is decoded smaller
                grey = _grey(image)
        turn = {
            2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
            3: PIL.Image.Transpose.ROTATE_180,
            4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
            5: PIL.Image.Transpose.TRANSPOSE,
            6: PIL.Image.Transpose.ROTATE_270,
            7: PIL.Image.Transpose.TRANSVERSE,
            8: PIL.Image.Transpose.ROTATE_90,
        }.get(orientation or 1)
        small = grey.resize((32, 32), PIL.Image.Resampling.BOX)
        nine = grey.resize(
            (9, 8) if turn is None or orientation in (2, 3, 4) else (8, 9), PIL.Image.Resampling.BOX
        )
        if turn is not None:
            small, nine = small.transpose(turn), nine.transpose(turn)
        points, row = list(small.tobytes()), list(nine.tobytes())
    except PIL.Image.DecompressionBombError:
        return _TOO_MANY_PIXELS
    # Whatever a decoder of hostile bytes raises is its answer: that it can't decode them.
    except Exception as error:  # noqa: BLE001
        return NotHashed("can_not_be_decoded", f"the decoder gave up: {type(error).__name__}")
    if max(points) - min(points) < _PLAIN:
        return NotHashed("too_plain", "nearly one colour: nothing to compare")
    return Hashed(f"{_difference(row):016x}", f"{_frequencies(points):016x}", f"pillow {PIL.__version__}")


def _difference(points: list[int]) -> int:
    """64 comparisons of a point with its right neighbour, over 8 rows of 9 points."""
    found = 0
    for row in range(8):
        for column in range(8):
            at = 9 * row + column
            found = found << 1 | (points[at] > points[at + 1])
    return found


_COSINES = [[round(math.cos((2 * x + 1) * u * math.pi / 64) * 4096) for x in range(32)] for u in range(8)]


def _frequencies(points: list[int]) -> int:
    """64 comparisons of the lowest frequencies with their median; the mean grey is left out of it."""
    rows = [
        [sum(points[32 * y + x] * _COSINES[u][x] for x in range(32)) for u in range(8)] for y in range(32)
    ]
    found = [sum(rows[y][u] * _COSINES[v][y] for y in range(32)) for v in range(8) for u in range(8)]
    middle = sorted(found[1:])[31]
    bits = 0
    for value in found:
        bits = bits << 1 | (value > middle)
    return bits


def to_json(found: Hashed | NotHashed) -> dict[str, str]:
    """The hashes, or the reason why there are none, as a JSON object."""
    if isinstance(found, Hashed):
        return {"dhash": found.dhash, "phash": found.phash, "by": found.by}
    return {"reason": found.reason, "text": found.text}
