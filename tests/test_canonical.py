"""Canonical JSON: the oracle is the rfc8785 package; whatever comes in, only our own error comes out."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Around the edge where UTF-16 order and code point order part.
EDGE = st.text(st.sampled_from("aZé\u0000\ud7ff\ue000\uffff\U00010000\U0010ffff😀ﬀ"), max_size=3)
KEYS = TEXT | EDGE
LEAVES = st.none() | st.booleans() | st.integers(0, canonical.MAX_INTEGER) | TEXT | EDGE
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(VALUES)
def test_encode_is_rfc_8785(value):
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(VALUES)
def test_decode_gives_back_what_was_encoded(value):
    data = canonical.encode(value)
    if depth(value) > canonical.MAX_DEPTH:
        with pytest.raises(FormatError, match="nested too deeply"):
            canonical.decode(data, where="value")
    else:
        assert canonical.decode(data, where="value") == value


@given(st.dictionaries(EDGE, st.integers(0, 9), max_size=8))
def test_keys_are_ordered_by_utf_16_code_units(value):
    found = list(json.loads(canonical.encode(value)))
    assert found == sorted(value, key=lambda key: key.encode("utf-16-be"))


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b"9" * 6000)
@example(b'"\\')
@example(b'"\\ud800"')
def test_from_any_bytes_comes_a_value_or_our_own_error(data):
    try:
        value = canonical.decode(data, where="value")
    except FormatError:
        return
    assert canonical.encode(value) == data


@given(st.text(st.sampled_from('{}[]",:\\u0019eE.-+ntfalsr \n"'), max_size=30))
def test_from_nearly_json_comes_a_value_or_our_own_error(text):
    test_from_any_bytes_comes_a_value_or_our_own_error.hypothesis.inner_test(text.encode())


@given(VALUES, st.data())
def test_no_second_spelling_is_taken(value, data):
    canonical_bytes = canonical.encode(value)
    spelling = data.draw(
        st.sampled_from(
            [
                json.dumps(value),
                json.dumps(value, indent=1, ensure_ascii=False),
                json.dumps(value, ensure_ascii=False) + "\n",
                json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            ]
        )
    ).encode()
    if spelling != canonical_bytes and depth(value) <= canonical.MAX_DEPTH:
        with pytest.raises(FormatError):
            canonical.decode(spelling, where="value")


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), -1, 2**53, {1: 2}, {None: 1}, b"x", {1, 2}, "\ud800", {"\udfff": 1}, object()],
)
def test_what_our_json_does_not_have_is_not_written(value):
    for whole in ([value], {"a": value}, {"é": [{"a": {"b": [value]}}, 1]}, ({"é": 1}, value)):
        with pytest.raises(FormatError) as caught:
            canonical.encode(whole, where="this one")
        assert caught.value.where == "this one"


@pytest.mark.parametrize(
    "text",
    ["-1", "-0", "9007199254740992", "99999999999999999", "9" * 5000, "1.0", "1e2", "-Infinity", "NaN", "01"],
)
def test_numbers_that_our_json_does_not_have_are_not_read(text):
    for whole in (text, f"[{text}]", f'{{"a":{text}}}'):
        with pytest.raises(FormatError) as caught:
            canonical.parse(whole.encode(), where="this one")
        assert caught.value.where == "this one"
        assert len(str(caught.value.found)) < 80


@pytest.mark.parametrize("number", [0, 9, 10, 2**53 - 1])
def test_numbers_that_it_has_are_read(number):
    assert canonical.decode(b"[%d]" % number, where="x") == [number]


def test_a_list_that_holds_itself_is_our_own_error():
    value = []
    value.append(value)
    with pytest.raises(FormatError, match="nested too deeply"):
        canonical.encode(value)


@pytest.mark.parametrize(
    "text", ['"[[[[[[[[[[[[[[[[[[[["', '"\\"[[[[[[[[[[[[[[[[[[[["', '"\\\\"', '["\\\\",[]]']
)
def test_brackets_in_texts_are_no_levels(text):
    assert canonical.decode(text.encode(), where="value") == json.loads(text)


@given(VALUES)
def test_depth_is_counted_as_a_parser_would(value):
    data = canonical.encode(value)
    assert canonical._depth(data, 1000) == depth(value)
    assert canonical._depth(data, 2) == min(depth(value), 3)


def test_limits_are_where_they_are_said_to_be():
    assert canonical.decode(b'"' + b"a" * (65536 - 2) + b'"', where="value")
    with pytest.raises(FormatError, match="too long"):
        canonical.decode(b'"' + b"a" * (65536 - 1) + b'"', where="value")


def test_fields_are_exactly_the_named_ones():
    assert canonical.check_fields({"a": 1}, where="x", required={"a"}) == {"a": 1}
    for value, says in (({}, "missing"), ({"a": 1, "b": 2}, "does not have"), ([], "not an object")):
        with pytest.raises(FormatError, match=says):
            canonical.check_fields(value, where="x", required={"a"})


def test_many_brackets_as_deep_as_allowed_are_read():
    # More brackets than levels: the exact count decides, and the deepest level is still allowed.
    inner = b"[" * 15 + b"]" * 15
    data = b"[" + inner + b"," + inner + b"]"
    assert canonical.decode(data, where="x", max_depth=16) is not None
    with pytest.raises(FormatError, match="nested too deeply"):
        canonical.decode(data, where="x", max_depth=15)
