"""Contexts: no two different tuples of texts have one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import contexts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SHORT = st.text(st.sampled_from("/1a\0,"), max_size=4)
N = st.integers(0, 2**53 - 1)
ANY = TEXT | SHORT


def unframe(data):
    """The texts that were framed, read back by lengths alone."""
    found = []
    while data:
        length = int.from_bytes(data[:2], "big")
        assert len(data) >= 2 + length
        found.append(data[2 : 2 + length].decode())
        data = data[2 + length :]
    return found


@given(st.lists(ANY, max_size=5))
def test_framing_can_be_read_back(texts):
    assert unframe(contexts.framed(*texts)) == texts


@given(st.tuples(ANY, ANY, N, ANY), st.tuples(ANY, ANY, N, ANY))
def test_two_compartments_never_have_one_context(a, b):
    assert (contexts.compartment(*a) == contexts.compartment(*b)) == (a == b)


def test_what_ran_together_unframed_does_not():
    assert contexts.compartment("x/1", "2", 3, "note") != contexts.compartment("x/12", "", 3, "note")


@given(ANY, ANY, ANY, st.lists(st.sampled_from(["object", "record", "note"]), max_size=3))
def test_no_use_has_the_context_of_another(a, b, c, classes):
    made = [
        contexts.compartment(a, b, 0, c),
        contexts.object_(a, b),
        contexts.wrap(a, b, c, classes),
        contexts.row(a, b, c, "note"),
    ]
    assert len(set(made)) == 4
    labels = [context.split(b"\0", 1)[0] for context in made]
    assert labels == [b"custody/1 " + word for word in (b"compartment", b"object", b"wrap", b"row")]


def test_the_order_of_classes_counts():
    assert contexts.wrap("o", "s", "r", ["record", "note"]) != contexts.wrap(
        "o", "s", "r", ["note", "record"]
    )


def test_the_longest_text_is_65535_bytes():
    assert len(contexts.framed("é" * 32767 + "a")) == 2 + 65535
    with pytest.raises(FormatError, match="too long for a context"):
        contexts.framed("é" * 32768)


def test_the_bytes_of_each_context_in_full():
    # As docs/format/contexts.md has them: a key is derived from these bytes, for ever.
    two = b"\0\1o" + b"\0\1s"
    assert contexts.compartment("o", "s", 258, "note") == (
        b"custody/1 compartment\0" + two + b"\0\0\0\0\0\0\1\2" + b"\0\4note"
    )
    assert contexts.object_("o", "s") == b"custody/1 object\0" + two
    assert contexts.wrap("o", "s", "r", ["record", "note"]) == (
        b"custody/1 wrap\0" + two + b"\0\1r" + b"\0\x0brecord,note"
    )
    assert contexts.row("o", "s", "r", "note") == b"custody/1 row\0" + two + b"\0\1r" + b"\0\4note"
    assert contexts.index("o", "s") == b"custody/1 index\0" + two
