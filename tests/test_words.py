"""Words: facts that BIP-39 publishes, and what people do to words when they dictate them."""

from __future__ import annotations

import hashlib
import os
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import words

HALF = "legal winner thank year wave sausage worth useful legal winner thank "
HALF_24 = (
    "legal winner thank year wave sausage worth useful " * 2 + "legal winner thank year wave sausage worth "
)
HIGH = "letter advice cage absurd amount doctor acoustic avoid letter advice cage "
HIGH_24 = (
    "letter advice cage absurd amount doctor acoustic avoid " * 2
    + "letter advice cage absurd amount doctor acoustic "
)
PUBLISHED = [
    (bytes(16), "abandon " * 11 + "about"),
    (b"\x7f" * 16, HALF + "yellow"),
    (b"\x80" * 16, HIGH + "above"),
    (b"\xff" * 16, "zoo " * 11 + "wrong"),
    (bytes(32), "abandon " * 23 + "art"),
    (b"\x7f" * 32, HALF_24 + "title"),
    (b"\x80" * 32, HIGH_24 + "bless"),
    (b"\xff" * 32, "zoo " * 23 + "vote"),
]


def test_the_list_is_the_published_one():
    data = resources.files("custody.format").joinpath("words_english.txt").read_bytes()
    assert (
        hashlib.sha256(data).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )
    assert len(words.english()) == 2048
    assert list(words.english()) == sorted(set(words.english()))


def test_four_letters_tell_each_word_from_all_others():
    assert len({word[:4] for word in words.english()}) == 2048


@pytest.mark.parametrize(("data", "text"), PUBLISHED)
def test_published_vectors(data, text):
    assert " ".join(words.encode(data)) == text
    assert words.decode(text, count=len(data) * 3 // 4, where="x") == data


@given(st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)))
def test_round_trip(data):
    spelled = words.encode(data)
    assert len(spelled) == len(data) * 3 // 4
    assert words.decode(" ".join(spelled), count=len(spelled), where="x") == data


@given(st.binary(min_size=32, max_size=32))
def test_capitals_numbers_commas_and_lines_are_forgiven(data):
    spelled = words.encode(data)
    text = ",\r\n".join(f"{place}. {word.upper()}" for place, word in enumerate(spelled, 1))
    assert words.decode(text, count=24, where="x") == data


@given(st.binary(min_size=16, max_size=16))
def test_the_first_four_letters_are_taken_for_the_word_and_no_other_piece_is(data):
    spelled = words.encode(data)
    assert words.decode(" ".join(word[:4] for word in spelled), count=12, where="x") == data
    for place, word in enumerate(spelled):
        for length in {3, *range(5, len(word))}:
            if word[:length] in words.english():
                continue
            text = " ".join([*spelled[:place], word[:length], *spelled[place + 1 :]])
            with pytest.raises(FormatError, match=f"word {place + 1} is not in the list"):
                words.decode(text, count=12, where="x")


def test_one_wrong_word_in_a_row_of_all_is_nearly_always_found():
    right = words.encode(bytes(range(32)))
    missed = 0
    for word in words.english():
        try:
            words.decode(" ".join([word, *right[1:]]), count=24, where="x")
            missed += word != right[0]
        except FormatError:
            pass
    assert missed <= 24  # 8 check bits: 2,047 / 256 = 8 expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("abandon " * 23, "another number of words"),
        ("abandon " * 25, "another number of words"),
        ("", "another number of words"),
        ("abandon " * 23 + "arts", "word 24 is not in the list"),
        ("abandon " * 24, "the check in the last word does not fit"),
        ("art " + "abandon " * 23, "the check in the last word does not fit"),
    ],
)
def test_what_is_off_is_said(text, what):
    with pytest.raises(FormatError) as caught:
        words.decode(text, count=24, where="the sheet")
    assert caught.value.what == what
    assert caught.value.where == "the sheet"


@pytest.mark.parametrize("size", [0, 15, 17, 20, 31, 33, 64])
def test_other_lengths_have_no_spelling(size):
    with pytest.raises(FormatError):
        words.encode(bytes(size))


def test_a_passphrase_is_ten_words_of_the_low_110_bits():
    assert words.passphrase(lambda n: b"\xff" * n) == " ".join(["zoo"] * 10)
    draws = iter([bytes(19) + b"\x01", b"\xff" * 20])
    assert words.passphrase(lambda n: next(draws)) == " ".join(["zoo"] * 10)  # the first is 79 bytes long
    assert len(words.passphrase(os.urandom)) <= 64


def spelled_number(places):
    """The 20 bytes whose low 110 bits are these places in the list, the first word lowest."""
    return sum(place << 11 * position for position, place in enumerate(places)).to_bytes(20, "big")


def test_each_word_of_a_passphrase_has_eleven_bits_of_its_own():
    places = [3, 3, 5, 9, 17, 33, 65, 129, 257, 513]
    expected = " ".join(words.english()[place] for place in places)
    assert words.passphrase(lambda n: spelled_number(places)[-n:]) == expected


def test_a_passphrase_may_have_64_bytes_and_not_65():
    by_length = {len(word): place for place, word in enumerate(words.english())}
    just = [by_length[5]] * 5 + [by_length[6]] * 5
    over = [by_length[5]] * 4 + [by_length[6]] * 6
    draws = iter([spelled_number(over), spelled_number(just)])
    made = words.passphrase(lambda n: next(draws))
    assert len(made) == 64
    assert next(draws, None) is None
    # At once, where it fits: a phrase drawn again would be a smaller choice than is said.
    draws = iter([spelled_number(just), spelled_number([2047] * 10)])
    assert words.passphrase(lambda n: next(draws)) == made
