"""A picture's row in plain lines: nothing that could harm is left out of it, and nothing raises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from custody.cli.records import row_lines
from custody.evidence.export import Held
from custody.evidence.image import form, words
from custody.evidence.image.facts import facts
from tests import pictures


def lines(data: bytes, **more: object) -> list[str]:
    row = {name: value for name, value in form.to_json(facts(Held(data))).items() if value not in (None, [])}
    return list(words.lines({**row, **more}))


def test_what_to_look_at_is_told() -> None:
    told = "\n".join(
        lines(
            pictures.samples()["jpeg"],
            perceptual={"reason": "handling_forbids", "text": "marked so: never decoded"},
            grade_stated="on-the-device",
            grade_hints=[{"grade": "print", "reason": "made up"}],
            grade_against=["made up too"],
        )
    )
    for part in (
        "to be turned for looking (orientation 6)",
        "position (exif): 48.208366667, 16.366666667; as written: 48/1 12/1 3012/100 N, 16/1 22/1 0/1 E",
        "time DateTimeOriginal: 2026:11:03 20:14:05.250 +01:00 = 2026-11-03T19:14:05.250Z",
        "exif BodySerialNumber: SERIAL-MADE-UP",
        "small picture inside (exif): 160 × 120, bytes ",
        "behind the end: text/plain, bytes ",
        "grade of copy, as somebody stated it: on-the-device",
        "speaks for the grade of copy print: made up",
        "speaks against what was stated: made up too",
        "not compared with other pictures: marked so: never decoded",
        "parts account for every byte",
    ):
        assert part in told, part


def test_that_nobody_stated_a_grade_is_told_where_the_file_hints_at_one() -> None:
    data = pictures.samples()["jpeg"]
    assert "grade of copy" not in "\n".join(lines(data))
    hinted = lines(data, grade_hints=[{"grade": "print", "reason": "made up"}])
    assert "grade of copy: nobody stated one" in hinted
    stated = lines(data, grade_stated="print")
    assert "grade of copy, as somebody stated it: print; nothing in the file hints at one" in stated


def test_no_instant_is_said_to_be_none() -> None:
    block = pictures.tiff({}, exif={0x9003: pictures.ascii_value("2026:11:03 20:14:05")})
    told = lines(pictures.jpeg(segments=(pictures.exif_segment(block),)))
    assert "time DateTimeOriginal: 2026:11:03 20:14:05 (no instant: the zone is not in the file)" in told


def test_texts_of_a_picture_are_made_safe_on_the_terminal() -> None:
    data = pictures.png(chunks=(pictures.text_chunk("note", "\x1b[2Jgone"),))
    values = form.to_json(facts(Held(data)))
    row = {
        **{name: value for name, value in values.items() if value not in (None, [])},
        "kind": "picture",
        "number": 1,
    }
    told = "\n".join(row_lines(row))
    assert "gone" in told
    assert "\x1b" not in told
    assert "parts account for every byte" in told
    assert "{" not in told  # words, not JSON


def test_what_is_left_out_is_counted() -> None:
    many = [pictures.text_chunk("note", str(number)) for number in range(50)]
    told = lines(pictures.png(chunks=many))
    assert "10 more of the kind statement; --json has all" in told


@given(st.sampled_from(sorted(pictures.samples().values())), st.binary(max_size=20), st.integers(0, 2000))
def test_damaged_pictures_have_lines_too(data: bytes, piece: bytes, at: int) -> None:
    assert lines(data[:at] + piece + data[at:])
