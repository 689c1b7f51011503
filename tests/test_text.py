"""Text from outside: shown without leading a terminal astray, and spellings that are one."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import text

ANY = st.text(st.characters()) | st.text(st.sampled_from("\x00\x1b\x7f\x9b\u202e\u2066\u200b\ufeff\u2028\\a"))
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(ANY | st.binary(), st.integers(1, 100))
@example("\x1b[31mred", 100)
@example("a\u202egnp.exe", 100)
@example("\udc9b", 100)
@example("\ud800", 100)
def test_show_emits_no_control_no_bidi_mark_and_one_line(value, limit):
    shown = text.show(value, limit)
    assert not any(unicodedata.category(char)[0] == "C" for char in shown)
    assert not BIDI & set(shown)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(st.binary(max_size=50), st.binary(max_size=50))
@example(b"\\x0a", b"\n")
@example(b"\\", b"\\\\")
def test_two_names_are_never_shown_alike(a, b):
    def plain(raw):  # one undecodable byte and one control character below 0x100 share a spelling
        return all(not "\x80" <= char <= "\x9f" for char in raw.decode("utf-8", "surrogateescape"))

    if a != b and plain(a) and plain(b):
        assert text.show(a) != text.show(b)


def test_show_leaves_what_people_write():
    for plain in ("café", "Ελένη", "名前", "اسم", "naïve 👍🏽", "a b"):
        assert text.show(plain) == plain
    assert text.show("a\\nb") == "a\\\\nb"
    assert text.show("a\nb") == "a\\u000ab"
    assert text.show("x" * 10, 4) == "xxxx… (6 more)"
    assert text.show(b"caf\xe9") == "caf\\xe9"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x80\xff", "\\x80\\xff"),
        ("\udc7f\udd00", "\\udc7f\\udd00"),  # no undecodable bytes: lone surrogates beside them
        ("\uffff\U0001000c\U000e0001\U0010ffff", "\\uffff\\U0001000c\\U000e0001\\U0010ffff"),
        ("\U00010000", "\U00010000"),
    ],
)
def test_each_character_that_is_not_shown_has_its_number(value, shown):
    assert text.show(value) == shown


def test_lines_end_each():
    assert text.lines_of(b"", where="x") == []
    assert text.lines_of(b"\n", where="x") == [b""]
    assert text.lines_of(b"a\n\nb\n", where="x") == [b"a", b"", b"b"]
    for data in (b"a", b"a\nb", b"\n\r"):
        with pytest.raises(FormatError, match="the last line has no end") as caught:
            text.lines_of(data, where="this one")
        assert caught.value.where == "this one"


@given(st.binary(max_size=60))
def test_base64_goes_round(data):
    assert text.from_base64(text.to_base64(data), where="x") == data
    assert text.to_base64(data) == base64.b64encode(data).decode()


@given(st.text(st.sampled_from("AB+/=-_ \n0z"), max_size=12) | st.text(max_size=12))
@example("AB==")
@example("AAB=")
@example("AAAA====")
def test_base64_has_one_spelling(value):
    try:
        data = text.from_base64(value, where="x")
    except FormatError:
        return
    assert text.to_base64(data) == value


@given(st.text(max_size=70) | st.from_regex(r"[0-9a-fA-F]{63,65}", fullmatch=True))
def test_digests_are_64_small_hex_digits(value):
    good = len(value) == 64 and set(value) <= set("0123456789abcdef")
    if good:
        assert text.check_digest(value, where="x") == value
    else:
        with pytest.raises(FormatError):
            text.check_digest(value, where="x")


@pytest.mark.parametrize("value", [None, 1, b"2026-11-22T10:00:00.000Z", ["x"]])
def test_other_types_are_our_own_error(value):
    for check in (text.check_digest, text.check_time):
        with pytest.raises(FormatError):
            check(value, where="x")


@given(st.datetimes())
def test_times_have_one_spelling(moment):
    good = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    assert text.check_time(good, where="x") == good
    for bad in (good[:-1], good + "\n", good.replace("T", "t"), good.replace("Z", "+00:00"), good[:-2] + "Z"):
        with pytest.raises(FormatError):
            text.check_time(bad, where="x")
