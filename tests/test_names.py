"""Names and numbers: origins, ids that grow, labels that can hardly be a name."""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import names


@given(st.binary(min_size=17, max_size=20))
def test_origins_hold_130_of_the_drawn_bits(random):
    origin = names.new_origin(random)
    assert names.check_origin(origin, where="x") == origin
    number = 0
    for char in origin.removeprefix("custody/"):
        number = number << 5 | "abcdefghijklmnopqrstuvwxyz234567".index(char)
    assert number == int.from_bytes(random[:17], "big") >> 6


@given(st.lists(st.integers(0, 2**48 - 2), min_size=1, max_size=30), st.data())
def test_ids_grow_whatever_the_clock_does(clock, data):
    times = iter(clock)
    make = names.IdMaker(lambda: next(times), lambda n: data.draw(st.binary(min_size=n, max_size=n)))
    made = [make() for _ in clock]
    assert all(a < b for a, b in itertools.pairwise(made))
    for text in made:
        assert names.check_id(text, where="x") == text
        value = uuid.UUID(text)
        assert str(value) == text
        assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_an_id_begins_with_its_time_and_ends_at_random():
    make = names.IdMaker(lambda: 0x0123456789AB, lambda n: b"\xff" * n)
    assert make() == "01234567-89ab-77ff-bfff-ffffffffffff"
    assert make() == "01234567-89ab-7800-bfff-ffffffffffff"
    assert names.short(make()) == "ffffffff"


def test_five_thousand_ids_of_one_millisecond_are_different():
    make = names.IdMaker(lambda: 5, lambda n: bytes(n))
    made = [make() for _ in range(5000)]
    assert made == sorted(set(made))


CHECKS = {
    "check_origin": r"custody/[a-z2-7]{26}",
    "check_id": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "check_exhibit_label": r"[A-Z0-9][A-Z0-9.-]{0,23}",
    "check_item_label": r"[A-Z0-9][A-Z0-9.-]{0,23}/([0-9]{2}|[1-9][0-9]{2,5})(\.[1-9][0-9]{0,5})*",
}


@pytest.mark.parametrize("name", CHECKS)
@given(st.data())
def test_names_are_matched_whole(name, data):
    check = getattr(names, name)
    good = data.draw(st.from_regex(re.compile(CHECKS[name], re.ASCII), fullmatch=True))
    assert check(good, where="x") == good
    for bad in (good + "\n", "\n" + good, good + " ", "\u202e" + good):
        with pytest.raises(FormatError):
            check(bad, where="x")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("value", [None, 1, b"A-3", [], {}, ""])
def test_other_types_are_our_own_error(name, value):
    with pytest.raises(FormatError):
        getattr(names, name)(value, where="x")


def test_key_ids():
    assert names.key_id(bytes(32)) == hashlib.sha256(bytes(32)).hexdigest()
