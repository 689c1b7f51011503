"""Perceptual hashes and near-duplicates: what is never decoded, what is refused, what is alike; nothing is dropped."""

from __future__ import annotations

import io
import random
import resource
import struct
import zlib
from collections.abc import Callable
from typing import Any

import PIL.Image
import PIL.ImageDraw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import UsageError
from custody.evidence.export import Export, Held
from custody.evidence.image import grade, perceptual
from custody.evidence.image import picture as reader
from custody.evidence.image.facts import facts
from custody.evidence.image.model import RENDER_PIXELS
from custody.evidence.image.near import MOST, near
from custody.evidence.image.perceptual import Hashed, NotHashed, perceptual_hash
from custody.evidence.reading import Settings
from custody.format.compartments import COPY_GRADES, HANDLING_FLAGS
from tests import pictures
from tests.pictures import chunk, png
from tests.records import harness

LOOKED_AT = ("unassessed",)


def drawn(seed: int, width: int = 320, height: int = 240) -> PIL.Image.Image:
    """A made-up picture of rectangles."""
    chance = random.Random(seed)
    image = PIL.Image.new("RGB", (width, height), (chance.randrange(256),) * 3)
    draw = PIL.ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.randrange(width), chance.randrange(height)
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        draw.rectangle((x, y, x + chance.randrange(20, 160), y + chance.randrange(20, 120)), fill=colour)
    return image


def saved(image: PIL.Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def hashed(data: bytes, **more: Any) -> Hashed:
    found = perceptual_hash(data, format_name=facts(Held(data)).format, handling=LOOKED_AT, **more)
    assert isinstance(found, Hashed), found
    return found


def apart(one: Hashed, other: Hashed) -> tuple[int, int]:
    return (
        (int(one.dhash, 16) ^ int(other.dhash, 16)).bit_count(),
        (int(one.phash, 16) ^ int(other.phash, 16)).bit_count(),
    )


# --- what is never decoded ------------------------------------------------------------------------------


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a picture was opened by the decoder")

    monkeypatch.setattr(PIL.Image, "open", opened)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(
    "handling", [(), ("a-later-flag",), ("unassessed", "a-later-flag"), ("suspected-csam",)]
)
def test_handling_decides_before_a_byte_is_decoded(handling: tuple[str, ...]) -> None:
    found = perceptual_hash(png(), format_name="png", handling=handling)
    assert isinstance(found, NotHashed)
    assert found.reason.startswith("handling_")


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("flag", ["suspected-csam", "intimate-image"])
def test_what_is_marked_so_is_refused_among_other_flags(flag: str) -> None:
    for handling in ([flag], ["child", flag], {flag, "distressing", "victim-identity"}):
        found = perceptual_hash(png(), format_name="png", handling=handling)
        assert isinstance(found, NotHashed)
        assert found.reason == "handling_forbids"
        assert flag in found.text


def test_the_other_flags_forbid_nothing() -> None:
    for flag in set(HANDLING_FLAGS) - perceptual.NEVER_DECODED:
        hashed_here = perceptual_hash(saved(drawn(1)), format_name="png", handling=[flag])
        assert isinstance(hashed_here, Hashed)
    assert {"suspected-csam", "intimate-image"} == perceptual.NEVER_DECODED


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("flag", sorted(perceptual.NEVER_DECODED))
def test_the_reader_never_decodes_what_is_marked(flag: str) -> None:
    export = Export.of("photo.png", saved(drawn(2)))
    read = harness.run(reader.READER, export, Settings(handling=("child", flag)))
    assert read.rows[0]["perceptual"]["reason"] == "handling_forbids"
    assert not {"dhash", "phash"} & set(read.rows[0]["perceptual"])


def test_the_reader_hashes_what_may_be_hashed() -> None:
    data = saved(drawn(2))
    read = harness.run(reader.READER, Export.of("photo.png", data), Settings(handling=("unassessed",)))
    assert read.rows[0]["perceptual"] == perceptual.to_json(hashed(data))


# --- what is refused ------------------------------------------------------------------------------------


def reason(data: bytes, format_name: str | None = "png") -> str:
    found = perceptual_hash(data, format_name=format_name, handling=LOOKED_AT)
    assert isinstance(found, NotHashed), found
    assert found.text
    return found.reason


def bomb(side: int) -> bytes:
    """A small file of many pixels, which a decoder would unpack."""
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(side + 1)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND")


@pytest.mark.parametrize("side", [8000, 20_000])
def test_a_decompression_bomb_is_refused_to_render_and_kept_as_evidence(side: int) -> None:
    data = bomb(side)
    assert side * side > RENDER_PIXELS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(data) == "too_large_to_render"
    picture = facts(Held(data))
    assert "too_large_to_render" in picture.flags
    assert (picture.width, picture.height) == (side, side)
    assert sum(part.end - part.start for part in picture.parts) == len(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_size_that_contradicts_the_container_is_looked_at_again() -> None:
    # The limit is held by what the decoder says, too: the walker can be led astray, a GIF's frame is one way.
    wide = saved(PIL.Image.new("P", (9000, 9000)), "GIF")
    assert reason(wide, "gif") == "too_large_to_render"


def test_what_is_not_decoded() -> None:
    assert reason(pictures.heic(), "heic") == "not_decoded_here"
    assert reason(saved(drawn(1), "TIFF"), "tiff") == "not_decoded_here"
    assert reason(b"", None) == "not_decoded_here"
    assert reason(saved(drawn(1))[:200]) == "can_not_be_decoded"
    # only the named decoder is tried
    assert reason(saved(drawn(1), "JPEG"), "png") == "can_not_be_decoded"
    assert reason(saved(PIL.Image.new("RGB", (90, 90), (7, 7, 7)))) == "too_plain"


@given(st.sampled_from(["png", "gif", "webp", "bmp", "jpeg"]), st.binary(max_size=40), st.integers(0, 4000))
def test_damage_gives_a_reason_or_a_hash(name: str, piece: bytes, at: int) -> None:
    data = bytearray(_SOUND[name])
    at %= len(data)
    data[at : at + len(piece)] = piece
    found = perceptual_hash(bytes(data), format_name=name, handling=LOOKED_AT)
    assert isinstance(found, Hashed | NotHashed)


_SOUND = {name: saved(drawn(3, 64, 48), name.upper()) for name in ("png", "gif", "webp", "bmp", "jpeg")}


# --- what is alike --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: saved(image, "JPEG", quality=60),
        lambda image: saved(image.resize((160, 120)), "JPEG", quality=75),
        lambda image: saved(image, "WEBP", quality=50),
        lambda image: saved(image.quantize(64), "GIF"),
        lambda image: saved(image.convert("RGBA")),
        lambda image: saved(image, "BMP"),
    ],
    ids=["jpeg", "shrunk", "webp", "gif", "rgba", "bmp"],
)
def test_the_same_picture_saved_again_is_near(changed: Callable[[PIL.Image.Image], bytes]) -> None:
    for seed in range(8):
        image = drawn(seed)
        assert max(apart(hashed(saved(image)), hashed(changed(image)))) <= 6, seed


def test_other_pictures_are_not_near() -> None:
    all_of_them = [hashed(saved(drawn(seed))) for seed in range(20)]
    distances = [max(apart(one, other)) for at, one in enumerate(all_of_them) for other in all_of_them[:at]]
    assert min(distances) > 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_orientation_says(orientation: int) -> None:
    image = drawn(5)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    with PIL.Image.open(io.BytesIO(saved(image, exif=exif))) as stored:
        from PIL import ImageOps

        shown = saved(ImageOps.exif_transpose(stored))
    turned = hashed(saved(image), orientation=orientation)
    assert max(apart(turned, hashed(shown))) <= 4


def test_the_hashes_are_as_they_are_written_down() -> None:
    # By hand: a ramp from dark to light has no point lighter than its right neighbour; turned round, every one.
    ramp = PIL.Image.linear_gradient("L").transpose(PIL.Image.Transpose.ROTATE_90).convert("RGB")
    assert hashed(saved(ramp)).dhash == "0" * 16
    back = ramp.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    assert hashed(saved(back)).dhash == "f" * 16
    assert hashed(saved(ramp)).by == f"pillow {PIL.__version__}"


def test_deep_grey_is_scaled_and_not_cut() -> None:
    deep = PIL.Image.new("I;16", (64, 64))
    for x in range(64):
        for y in range(64):
            deep.putpixel((x, y), (63 - x) * 1000)
    assert hashed(saved(deep)).dhash == "f" * 16


# --- near -----------------------------------------------------------------------------------------------


def of(difference: int, frequencies: int = 0) -> Hashed:
    return Hashed(f"{difference:016x}", f"{frequencies:016x}", "made up")


def test_groups_are_shown_and_nothing_is_dropped() -> None:
    refused = NotHashed("too_plain", "made up")
    found = near(
        [
            ("A-1/01", of(0)),
            ("A-1/02", refused),
            ("A-1/03", of(0b11)),
            ("A-1/04", of(1 << 40 | 0xFFFF)),
            ("A-1/05", of(0b1111)),
        ],
        2,
    )
    assert [(group.names, group.widest) for group in found.groups] == [(("A-1/01", "A-1/03", "A-1/05"), 2)]
    assert found.alone == ("A-1/04",)
    assert found.not_compared == (("A-1/02", refused),)


def test_both_hashes_must_be_near() -> None:
    assert near([("a", of(0, 0)), ("b", of(0, 0xFFF))], 6).groups == ()
    assert near([("a", of(0, 0)), ("b", of(0xFFF, 0))], 6).groups == ()
    assert len(near([("a", of(0, 0)), ("b", of(0x3F, 0x3F))], 6).groups) == 1


def test_the_distance_is_bounded_and_names_are_told_apart() -> None:
    for wrong in (-1, MOST + 1):
        with pytest.raises(UsageError):
            near([], wrong)
    with pytest.raises(UsageError):
        near([("a", of(0)), ("a", of(1))])


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=9)), max_size=12),
    st.integers(0, MOST),
)
def test_near_is_what_comparing_every_pair_gives(
    hashes: list[tuple[int, int]], changed: list[tuple[int, set[int]]], distance: int
) -> None:
    for number, bits in changed:
        if number < len(hashes):
            flipped = sum(1 << bit for bit in bits)
            hashes.append((hashes[number][0] ^ flipped, hashes[number][1]))
    named = [(str(at), of(*pair)) for at, pair in enumerate(hashes)]
    found = near(named, distance)
    members = [name for group in found.groups for name in group.names] + list(found.alone)
    assert sorted(members) == sorted(name for name, _ in named)
    group_of = {name: at for at, group in enumerate(found.groups) for name in group.names}
    for at, (name, one) in enumerate(named):
        for other_name, other in named[:at]:
            if max(apart(one, other)) <= distance:
                assert group_of[name] == group_of[other_name]


def test_thousands_of_copies_and_of_others_are_compared_soon() -> None:
    chance = random.Random(1)
    named: list[tuple[str, Hashed | NotHashed]] = [(f"copy {at}", of(77, 77)) for at in range(3000)]
    named += [(f"other {at}", of(chance.getrandbits(64), chance.getrandbits(64))) for at in range(2000)]
    found = near(named)
    assert len(found.groups[0].names) == 3000
    assert len(found.alone) == 2000


# --- grade of copy --------------------------------------------------------------------------------------


def test_the_grade_is_a_claim_with_hints_beside_it() -> None:
    shrunk = facts(Held(pictures.jpeg(1600, 1200)), "IMG-20261103-WA0001.jpg")
    said = grade.beside("on-the-device", shrunk)
    assert said.stated == "on-the-device"
    assert {hint.code for hint in said.hints} == {"received-through-a-messenger"}
    assert said.against
    assert grade.beside("received-through-a-messenger", shrunk).against == ()
    nobody = grade.beside(None, shrunk)
    assert nobody.stated is None
    assert nobody.hints == said.hints
    assert nobody.against == ()
    assert all(hint.code in COPY_GRADES for hint in said.hints)
    plain = grade.beside("print", facts(Held(pictures.jpeg())))
    assert (plain.hints, plain.against) == ((), ())
    screenshot = facts(Held(png()), "Screenshot_1.png")
    assert grade.beside("photo-of-a-screen", screenshot).against
    assert not grade.beside("on-the-device", screenshot).against
