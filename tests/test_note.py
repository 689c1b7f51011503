"""Log notes: one spelling, both lines, and the shape that Go's note package and C2SP describe."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custody.crypto import keys, notes
from custody.errors import FormatError
from custody.format import note
from tests.make_vectors import LOG_KEYS, ORIGIN, OTHER_ORIGIN, drawn

HEAD = note.Checkpoint(origin=ORIGIN, size=412, root=drawn("root"))
MADE = notes.sign(HEAD, LOG_KEYS)


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
@settings(max_examples=15)
def test_notes_go_round(size, root):
    made = notes.sign(note.Checkpoint(origin=ORIGIN, size=size, root=root), LOG_KEYS)
    read = note.LogNote.from_bytes(made.to_bytes(), where="x")
    assert read == made
    assert read.to_bytes() == made.to_bytes()
    checkpoint = notes.verify(read, LOG_KEYS.public, origin=ORIGIN, where="x")
    assert (checkpoint.size, checkpoint.root) == (size, root)


def test_the_lines_are_as_c2sp_lays_them_out():
    lines = MADE.to_bytes().decode().split("\n")
    assert lines[:4] == [ORIGIN, "412", base64.b64encode(HEAD.root).decode(), ""]
    assert lines[6:] == [""]
    for line, kind, public, size in (
        (lines[4], 1, LOG_KEYS.public["ed25519"], 64),
        (lines[5], 6, LOG_KEYS.public["ml-dsa-44"], 8 + 2420),
    ):
        dash, name, blob = line.split(" ")
        raw = base64.b64decode(blob)
        assert (dash, name) == ("—", ORIGIN)
        assert raw[:4] == hashlib.sha256(ORIGIN.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
        assert len(raw) == 4 + size
    text = "\n".join(lines[:3]) + "\n"
    keys.verify(
        LOG_KEYS.public["ed25519"], base64.b64decode(lines[4].split(" ")[2])[4:], text.encode(), where="x"
    )


def test_what_the_ml_dsa_line_signs():
    """C2SP tlog-cosignature, subtree message: label, name, time 0, origin, from 0 to size, root."""
    name = bytes([len(ORIGIN)]) + ORIGIN.encode()
    expected = b"subtree/v1\n\0" + name + bytes(8) + name + bytes(8) + (412).to_bytes(8, "big") + HEAD.root
    assert note.ml_dsa_message(HEAD) == expected
    stamp, signature = MADE.ml_dsa_44.signature[:8], MADE.ml_dsa_44.signature[8:]
    assert stamp == bytes(8)
    keys.verify_ml_dsa(LOG_KEYS.public["ml-dsa-44"], signature, expected, where="x")


def test_one_half_is_never_enough():
    thief = keys.LogKeys(drawn("thief a"), drawn("thief b"))
    other = notes.sign(HEAD, thief)
    for first, second in ((MADE.ed25519, other.ml_dsa_44), (other.ed25519, MADE.ml_dsa_44)):
        mixed = note.LogNote(checkpoint=HEAD, ed25519=first, ml_dsa_44=second)
        with pytest.raises(notes.NoteInvalid):
            notes.verify(mixed, LOG_KEYS.public, origin=ORIGIN, where="x")
    for kept in ("ed25519", "ml-dsa-44"):
        with pytest.raises(notes.NoteInvalid, match="no full set"):
            notes.verify(MADE, {kept: LOG_KEYS.public[kept]}, origin=ORIGIN, where="x")


def test_a_note_of_another_ledger_is_refused_though_well_signed():
    foreign = notes.sign(note.Checkpoint(origin=OTHER_ORIGIN, size=1, root=HEAD.root), LOG_KEYS)
    with pytest.raises(notes.NoteInvalid, match="another ledger"):
        notes.verify(foreign, LOG_KEYS.public, origin=ORIGIN, where="x")


def test_every_byte_of_a_note_counts():
    data = MADE.to_bytes()
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            read = note.LogNote.from_bytes(bytes(changed), where="x")
        except FormatError:
            continue
        assert read.to_bytes() == bytes(changed)
        with pytest.raises(notes.NoteInvalid):
            notes.verify(read, LOG_KEYS.public, origin=ORIGIN, where="x")


@given(st.data())
def test_cut_and_spliced_notes_have_one_spelling_or_none(data):
    text = MADE.to_bytes()
    start, stop = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    spliced = text[:start] + data.draw(st.binary(max_size=5)) + text[stop:]
    try:
        read = note.LogNote.from_bytes(spliced, where="x")
    except FormatError:
        return
    assert read.to_bytes() == spliced


@given(
    st.binary(max_size=400) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_note_or_our_own_error(data):
    with pytest.raises(FormatError):
        note.LogNote.from_bytes(data, where="x")


@given(st.text(st.sampled_from("0123456789+-_ \u0664"), max_size=18) | st.text(max_size=20))
@example("042")
@example("00")
@example("1" * 17)
def test_a_size_has_one_spelling(text):
    try:
        size = note.parse_size(text, where="x")
    except FormatError:
        return
    assert str(size) == text


def test_signing_again_gives_other_bytes():
    """Why notes are stored once: a token covers exactly these bytes."""
    assert notes.sign(HEAD, LOG_KEYS).to_bytes() != MADE.to_bytes()
    assert hashlib.sha256(MADE.to_bytes()).hexdigest() == MADE.sha256


@pytest.mark.parametrize("gap", ["\t", "\u00a0", "  ", "\u3000", "\x1f"])
def test_the_words_of_a_signature_line_stand_one_space_apart(gap):
    # Python's split() takes all of these for a space: one note would have many spellings.
    data = notes.sign(note.Checkpoint(origin=ORIGIN, size=1, root=bytes(32)), LOG_KEYS).to_bytes().decode()
    head, first, second = data.partition("\n— ")
    for changed in (
        head + "\n—" + gap + second,
        head + first + second.replace(" ", gap, 1),
        head + first + second.replace("\n", gap + "\n", 1),
        head + "\n" + gap + "— " + second,
    ):
        with pytest.raises(FormatError):
            note.LogNote.from_bytes(changed.encode(), where="x")
