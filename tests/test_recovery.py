"""The recovery sheet: what stands on it brings back the same keys, and only it."""

from __future__ import annotations

import os
import re
import stat

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from custody.crypto import public_keys
from custody.errors import FormatError, InputRefused, MachineError
from custody.format import words
from custody.keys import recovery

ORIGIN = "custody/abcdefghijklmnopqrstuvwx23"
LEDGER = words.encode(bytes(range(16)))
MADE = "2026-11-22T10:00:00.000Z"
SEED = bytes(range(32))
SHEET = recovery.new_sheet(SEED)

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


def page(sheet=SHEET):
    return recovery.render(sheet, ORIGIN, LEDGER, MADE)


def test_the_keys_are_the_documented_derivations():
    def hkdf(info, length):
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(SEED)

    assert SHEET.keys.sign.seed == hkdf(b"custody/1 recovery\0sign", 32)
    assert SHEET.keys.wrap_seed == hkdf(b"custody/1 recovery\0wrap", 96)
    # Pinned: a sheet that was printed must bring back the same keys in ten years.
    assert SHEET.keys.sign.seed.hex() == "bb4f131a72162be663373cd495a369061d4f5cd933ed54c08c7f2e58b67e01ba"
    assert SHEET.keys.sign.key_id == "b95e8a12dbdfe27c9a23afca33ee6d797922b4f5c8af448b16aaa00e644dfbdb"
    public_keys.read(public_keys.make(SHEET.keys, MADE).to_bytes(), "file")


@given(st.binary(min_size=32, max_size=32))
def test_words_bring_back_the_sheet(seed):
    sheet = recovery.new_sheet(seed)
    assert len(sheet.words) == 24
    read = recovery.from_words(" ".join(sheet.words))
    assert read == sheet
    assert read.keys == sheet.keys
    assert (read.origin, read.ledger_words) == (None, None)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16))
def test_the_qr_text_brings_back_all(seed, ledger):
    sheet = recovery.new_sheet(seed)
    text = recovery.qr_text(sheet, ORIGIN, words.encode(ledger))
    assert re.fullmatch(r"[0-9A-Z $%*+\-./:]+", text), "beyond the QR code's alphanumeric mode"
    for spelling in (text, text.lower(), f"\n{text} \r\n"):
        read = recovery.from_words(spelling)
        assert (read.seed, read.words) == (sheet.seed, sheet.words)
        assert (read.origin, read.ledger_words) == (ORIGIN, words.encode(ledger))


@given(st.binary(min_size=32, max_size=32))
def test_the_words_read_off_the_page_bring_back_the_sheet(seed):
    grid = re.findall(
        r"(\d+) ([a-z]+)", page(recovery.new_sheet(seed)).split("THE 24 WORDS")[1].split("HOW")[0]
    )
    assert sorted(int(number) for number, _ in grid) == list(range(1, 25))
    read = [word for _, word in sorted(grid, key=lambda pair: int(pair[0]))]
    assert recovery.from_words(" ".join(read)).seed == seed


def test_four_letters_are_enough_and_numbers_are_forgiven():
    typed = "\n".join(f"{place:2}. {word[:4].upper()}," for place, word in enumerate(SHEET.words, 1))
    assert recovery.from_words(typed) == SHEET


def test_three_letters_or_five_are_not_a_word():
    for word in ("aban"[:3], "aband"):
        with pytest.raises(FormatError, match="word 1 is not in the list"):
            recovery.from_words(" ".join([word, *SHEET.words[1:]]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ".join(SHEET.words[:23]),
        " ".join((*SHEET.words, "zoo")),
        " ".join(reversed(SHEET.words)),
        "x" * 5000,
        "custody-recovery:",
        "custody-recovery:2:" + ORIGIN,
        "custody-recovery:1:" + ORIGIN,
        recovery.qr_text(SHEET, ORIGIN, LEDGER).replace("ABAN", "ABLE", 1),
        recovery.qr_text(SHEET, ORIGIN, LEDGER) + " ZOO",
        recovery.qr_text(SHEET, ORIGIN, LEDGER) + ":",
        recovery.qr_text(SHEET, ORIGIN[:-1] + "1", LEDGER),
        recovery.qr_text(SHEET, ORIGIN, LEDGER[::-1]),
    ],
)
def test_what_is_not_a_sheet_is_refused(text):
    with pytest.raises(FormatError):
        recovery.from_words(text)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_seed_is_32_bytes(size):
    with pytest.raises(FormatError):
        recovery.new_sheet(bytes(size))


def test_the_page_fits_a_printer_and_says_what_matters():
    text = page()
    lines = text.split("\n")
    assert max(map(len, lines)) <= recovery.WIDTH <= 80
    assert len(lines) <= 66  # one sheet at 12 points
    assert text.endswith("\n")
    for needed in (
        ORIGIN,
        MADE,
        "EVERYTHING",
        "seal",
        "Delete the file",
        "custody custodian recover",
        *LEDGER,
    ):
        assert needed in text
    above, code = text.split("THE SAME FOR A CAMERA")
    assert above.isascii(), "what must be readable needs no font"
    assert re.fullmatch(r"[^\n]*\n(?:[ █▀▄]*\n)+", code)


def test_the_code_on_the_page_is_the_code_that_segno_made():
    segno = pytest.importorskip("segno")
    matrix = segno.make_qr(recovery.qr_text(SHEET, ORIGIN, LEDGER), error="m").matrix
    drawn = page().split("THE SAME FOR A CAMERA")[1].split("\n")[2:-1]
    upper, lower = "▀█", "▄█"
    rows = []
    for line in drawn:
        cells = line[4:].ljust(len(matrix))
        rows += [[c in upper for c in cells], [c in lower for c in cells]]
    # Not asserted side by side: pytest would take minutes to explain the difference of two such lists.
    same = [[bool(module) for module in row] for row in matrix] == rows[: len(matrix)]
    assert same
    assert len(matrix) + 4 + 4 <= 80  # with its quiet zone


@pytest.mark.parametrize(
    ("origin", "ledger", "made"),
    [("x", LEDGER, MADE), (ORIGIN, LEDGER[:11], MADE), (ORIGIN, LEDGER[::-1], MADE), (ORIGIN, LEDGER, "now")],
)
def test_a_sheet_that_could_not_be_read_back_is_not_printed(origin, ledger, made):
    with pytest.raises(FormatError):
        recovery.render(SHEET, origin, ledger, made)


def test_a_sheet_with_other_words_than_its_seed_is_not_printed():
    other = recovery.RecoverySheet(seed=SEED, words=words.encode(bytes(32)))
    with pytest.raises(FormatError):
        page(other)


def test_secrets_do_not_show():
    assert SHEET.words[0] not in repr(SHEET)
    assert repr(SEED) not in repr(SHEET)


@posix
def test_the_file_is_the_owners_and_never_overwritten(tmp_path):
    path = tmp_path / "sheet.txt"
    old = os.umask(0)
    try:
        recovery.write(path, page())
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8") == page()
    with pytest.raises(InputRefused):
        recovery.write(path, "other")
    assert path.read_text(encoding="utf-8") == page()
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.txt"]
    with pytest.raises(MachineError):
        recovery.write(tmp_path / "none" / "sheet.txt", page())


def test_questions_are_three_places_in_order():
    # 0 is the first place, 255 is beyond the even ones, 24 is the first again, 23 the last.
    feed = iter([b"\x00", b"\xff", b"\x18", b"\x17", b"\x01"])
    assert recovery.questions(lambda _: next(feed)) == (1, 2, 24)
    seen = set()
    for _ in range(400):
        places = recovery.questions(os.urandom)
        assert list(places) == sorted(set(places))
        assert len(places) == 3
        seen.update(places)
    assert seen == set(range(1, 25))


def test_answers_are_forgiven_spelling_but_not_another_word():
    word = SHEET.words[4]
    for typed in (word, word.upper(), f" 5. {word} ", word[:4]):
        assert SHEET.fits(5, typed)
    for typed in ("", word[:3] if len(word) > 3 else "x", SHEET.words[5], "zoo"):
        assert not SHEET.fits(5, typed)
