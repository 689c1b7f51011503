"""Padding against its definitions: Padmé as its authors state it, compartments in steps of 256."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import canonical, padding

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


def by_definition(length):
    """PURBs (2019), algorithm 1, with floor(log2) taken from the digits."""
    if length < 2:
        return length
    e = len(bin(length)) - 3
    s = len(bin(e)) - 2
    last = e - s
    mask = 2**last - 1 if last > 0 else 0
    return (length + mask) & ~mask


@given(st.integers(0, 2**60))
def test_padme_is_its_definition(length):
    assert padding.padme(length) == by_definition(length)


def test_padme_of_small_lengths():
    for length in range(5000):
        padded = padding.padme(length)
        assert padded == by_definition(length)
        assert padded >= length
        assert padding.padme(padded) == padded


@given(st.integers(2, 2**50))
def test_padme_costs_at_most_12_percent_and_never_shrinks(length):
    padded = padding.padme(length)
    assert padded >= length
    assert Fraction(padded - length, length) < Fraction(12, 100)
    assert padding.padme(length + 1) >= padded


def test_padme_leaves_few_sizes():
    sizes = {padding.padme(length) for length in range(1 << 20, 1 << 21)}
    assert len(sizes) <= 2 ** (math.floor(math.log2(20)) + 1) + 1


@given(st.dictionaries(TEXT, TEXT, max_size=3))
def test_compartments_go_round(value):
    plain = padding.pad_compartment(value, where="x")
    assert len(plain) % 256 == 0
    assert len(plain) - (4 + len(canonical.encode(value))) in range(256)
    assert padding.unpad_compartment(plain, where="x") == value


@given(st.dictionaries(TEXT, TEXT, max_size=2), st.data())
def test_no_padding_byte_can_hold_anything(value, data):
    plain = bytearray(padding.pad_compartment(value, where="x"))
    start = 4 + int.from_bytes(plain[:4], "big")
    if start < len(plain):
        plain[data.draw(st.integers(start, len(plain) - 1))] = data.draw(st.integers(1, 255))
        with pytest.raises(FormatError, match="not zero"):
            padding.unpad_compartment(bytes(plain), where="x")


@given(st.binary(max_size=1024))
def test_from_any_bytes_comes_a_value_or_our_own_error(plain):
    try:
        value = padding.unpad_compartment(plain, where="x")
    except FormatError:
        return
    assert padding.pad_compartment(value, where="x") == plain


def test_the_largest_compartment():
    value = {"a": "x" * (padding.MAX_COMPARTMENT - 4 - len('{"a":""}'))}
    plain = padding.pad_compartment(value, where="x")
    assert len(plain) == padding.MAX_COMPARTMENT
    assert padding.unpad_compartment(plain, where="x") == value
    with pytest.raises(FormatError, match="too long"):
        padding.pad_compartment({"a": value["a"] + "x"}, where="x")
    with pytest.raises(FormatError, match="length"):
        padding.unpad_compartment(plain + bytes(256), where="x")
