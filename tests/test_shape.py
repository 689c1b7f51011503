"""Shapes: they are JSON Schemas, and the small checker says what the jsonschema library says."""

from __future__ import annotations

import contextlib
import json
import re

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import canonical, entry, kinds, package, shape, trust
from custody.format.compartments import COMPARTMENTS

SHAPES = {f"compartment {name}": value for name, value in COMPARTMENTS.items()}
SHAPES |= {f"kind {kind.name}": kind.public for kind in kinds.KINDS.values()}
SHAPES |= {
    "entry body": entry.BODY_SHAPE,
    "envelope": entry.ENVELOPE_SHAPE,
    "statement": package.STATEMENT_SHAPE,
    "key line": package.KEY_SHAPE,
    "trust file": trust.SHAPE,
}
KNOWN_WORDS = {
    "type", "const", "enum", "anyOf", "properties", "required", "additionalProperties", "propertyNames",
    "maxProperties", "items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern",
    "minimum", "maximum", "description",
}  # fmt: skip
ODD = (
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=4) | st.just([]) | st.just({})
    | st.just({"text": "x"}) | st.just([1, True]) | st.just(["a", "a"])
)  # fmt: skip


def words_of(value):
    yield from value
    for name in ("properties",):
        for inner in value.get(name, {}).values():
            yield from words_of(inner)
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(value.get(name), dict):
            yield from words_of(value[name])
    for inner in value.get("anyOf", []):
        yield from words_of(inner)


def of(value):
    """Values that a shape is likely to take."""
    if "anyOf" in value:
        return st.one_of([of(inner) for inner in value["anyOf"]])
    if "const" in value:
        return st.just(value["const"])
    if "enum" in value:
        return st.sampled_from(value["enum"])
    match value.get("type"):
        case "object":
            required = {name: of(value["properties"][name]) for name in value.get("required", ())}
            optional = {
                name: of(inner) for name, inner in value.get("properties", {}).items() if name not in required
            }
            return st.fixed_dictionaries(required, optional=optional)
        case "array":
            low, high = value.get("minItems", 0), min(value.get("maxItems", 3), value.get("minItems", 0) + 2)
            return st.lists(
                of(value["items"]) if "items" in value else st.just("x"),
                min_size=low,
                max_size=high,
                unique_by=repr if value.get("uniqueItems") else None,
            )
        case "string" if "pattern" in value:
            return st.from_regex(re.compile(value["pattern"][1:-1], re.ASCII), fullmatch=True).filter(
                lambda text: len(text) <= value.get("maxLength", len(text))
            )
        case "string":
            low = value.get("minLength", 0)
            return st.text(st.characters(exclude_categories=["Cs"]), min_size=low, max_size=low + 8)
        case "integer":
            return st.integers(value.get("minimum", 0), value.get("maximum", 9))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return ODD


@st.composite
def nearly(draw, value):
    """A likely value with one thing wrong in it, or with nothing."""
    made = draw(of(value))
    places = []

    def walk(inner):
        if isinstance(inner, dict):
            places.append((inner, "a strange field"))
            places.extend((inner, name) for name in inner)
            for item in inner.values():
                walk(item)
        elif isinstance(inner, list):
            places.extend((inner, number) for number in range(len(inner)))
            for item in inner:
                walk(item)

    walk(made)
    if places and draw(st.booleans()):
        target, place = draw(st.sampled_from(places))
        if isinstance(target, dict) and draw(st.booleans()):
            target.pop(place, None)
        else:
            target[place] = draw(ODD)
    return made


ORACLES = {name: jsonschema.Draft202012Validator(form) for name, form in SHAPES.items()}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_a_schema_and_uses_only_words_that_are_checked(name):
    jsonschema.Draft202012Validator.check_schema(SHAPES[name])
    assert set(words_of(SHAPES[name])) <= KNOWN_WORDS


@pytest.mark.parametrize("name", SHAPES)
def test_every_object_of_a_shape_is_closed_or_says_of_what_it_is(name):
    def walk(value, place):
        if value.get("type") == "object" and "additionalProperties" not in value:
            # What another check looks into, or what is reserved: named one by one.
            assert place.rsplit(".", 1)[-1] in {"public", "settings", "trees"}, place
        for key, inner in value.get("properties", {}).items():
            walk(inner, f"{place}.{key}")
        for inner in value.get("anyOf", []):
            walk(inner, place)
        if "items" in value:
            walk(value["items"], place)

    walk(SHAPES[name], name)


@pytest.mark.parametrize("name", SHAPES)
@given(st.data())
@settings(max_examples=25)
def test_check_says_what_jsonschema_says(name, data):
    form = SHAPES[name]
    # As a reader gets it: fields in their one order.
    value = json.loads(canonical.encode(data.draw(nearly(form))))
    try:
        shape.check(value, form, where="x")
    except FormatError:
        assert not ORACLES[name].is_valid(value)
    else:
        assert ORACLES[name].is_valid(value)


@given(
    st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
)
def test_any_value_is_taken_or_refused_with_our_own_error(value):
    for form in SHAPES.values():
        with contextlib.suppress(FormatError):
            shape.check(value, form, where="x")
            canonical.encode(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (True, {"const": 1}),
        (1, {"const": True}),
        (True, shape.INTEGER),
        (1, shape.BOOLEAN),
        (1.0, shape.INTEGER),
        ("a" * 64 + "\n", shape.DIGEST),
        ("٣" * 64, shape.DIGEST),
        (2**53, shape.INTEGER),
        (-1, shape.INTEGER),
        ("", shape.text()),
        ("x" * 5, shape.text(4)),
        (["a", "a"], shape.list_of(shape.text(), most=3)),
        ([], shape.list_of(shape.text(), most=3, least=1)),
        (["a"] * 4, shape.list_of(shape.text(), most=3, unique=False)),
        ({"a": 1, "b": 2}, {"type": "object", "maxProperties": 1}),
        ({"b": 1}, {"type": "object", "propertyNames": {"enum": ["a"]}}),
        ({"b": "x"}, {"type": "object", "additionalProperties": shape.INTEGER}),
        ({}, shape.record({"a": shape.INTEGER})),
        ("z", shape.choice("a", "b")),
        (3, shape.or_null(shape.text())),
        ("2026-13-01T00:00:00.000Z", shape.TIME),
        ("2026-00-01T00:00:00.000Z", shape.TIME),
        ("2026-01-32T00:00:00.000Z", shape.TIME),
        ("2026-01-01T24:00:00.000Z", shape.TIME),
        ("2026-01-01T00:60:00.000Z", shape.TIME),
        ("2026-01-01T00:00:60.000Z", shape.TIME),
    ],
)
def test_what_is_refused(value, form):
    with pytest.raises(FormatError):
        shape.check(value, form, where="x")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("x", shape.text(4)),
        ("x" * 4, shape.text(4)),
        ("", {"type": "string"}),
        ([], shape.list_of(shape.text(), most=3)),
        (["a"], shape.list_of(shape.text(), most=3, least=1)),
        (["a", "b", "c"], shape.list_of(shape.text(), most=3)),
        (["a", "a"], shape.list_of(shape.text(), most=3, unique=False)),
        (0, shape.INTEGER),
        (2**53 - 1, shape.INTEGER),
        ({"a": 1}, {"type": "object", "maxProperties": 1}),
        (None, shape.or_null(shape.text())),
    ],
)
def test_what_just_fits_is_taken(value, form):
    shape.check(value, form, where="x")
    jsonschema.Draft202012Validator(form).validate(value)


def test_every_word_of_a_shape_is_asked():
    """Our shapes have one or two words each; a shape with several is as strict as all of them."""
    form = {"type": "string", "enum": ["a", "bb", "ccc"], "minLength": 2, "pattern": "^[ab]+$"}
    assert jsonschema.Draft202012Validator(form).is_valid("bb")
    shape.check("bb", form, where="x")
    for value in ("a", "ccc", "ab", 2):
        assert not jsonschema.Draft202012Validator(form).is_valid(value)
        with pytest.raises(FormatError) as caught:
            shape.check({"f": value}, shape.record({"f": form}), where="x")
        assert caught.value.where == "x.f"
    newer: list[str] = []
    shape.check("ab", {"type": "string", "enum": ["a"]}, where="x", newer=newer)
    assert newer == ["x: ab"]
    for value in (None, 1.5, {"a": []}):
        shape.check(value, {}, where="x")


def test_how_shapes_are_put_together():
    text = {"type": "string", "minLength": 1, "maxLength": 4096}
    assert shape.text() == text
    assert shape.text(9, description="a word") == {**text, "maxLength": 9, "description": "a word"}
    assert shape.choice("b", "a") == {"enum": ["b", "a"]}
    assert shape.or_null(text) == {"anyOf": [{"type": "null"}, text]}
    assert shape.record({"b": text, "a": text}, {"c": shape.BOOLEAN}) == {
        "type": "object",
        "properties": {"b": text, "a": text, "c": {"type": "boolean"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert shape.list_of(text, most=3) == {
        "type": "array", "items": text, "minItems": 0, "maxItems": 3, "uniqueItems": True,
    }  # fmt: skip
    assert shape.list_of(text, most=3, least=2, unique=False) == {
        "type": "array", "items": text, "minItems": 2, "maxItems": 3,
    }  # fmt: skip


def test_an_error_names_its_place():
    form = shape.record({"a": shape.list_of(shape.record({"b\u202e": shape.INTEGER}), most=3)})
    with pytest.raises(FormatError) as caught:
        shape.check({"a": [{"b\u202e": 1}, {"b\u202e": "x"}]}, form, where="entry 3")
    assert caught.value.where == "entry 3.a[1].b\\u202e"
    newer: list[str] = []
    shape.check({"a": [{"b\u202e": 1, "c": 1}], "d": 1}, form, where="entry 3", newer=newer)
    assert newer == ["entry 3.a[0].c", "entry 3.d"]


def test_many_shapes_that_are_made_up_on_the_way_are_not_kept_for_ever():
    for number in range(3000):
        shape.check(number, {"type": "integer", "minimum": number}, where="x")
        with pytest.raises(FormatError):
            shape.check(number - 1, {"type": "integer", "minimum": number}, where="x")
    assert len(shape._known) <= shape._MOST_KNOWN


HOSTILE = {
    "a": [1],
    "b": {"c": 1, "d": {"e": "x" * 9}, "free": {}},
    "names": {"content": 1, "later": 2},
    "h": None,
}
FORM = shape.record(
    {
        "a": shape.list_of(shape.INTEGER, most=3),
        "b": shape.or_null(shape.record({"c": shape.INTEGER, "free": {"type": "object"}})),
        "names": {
            "type": "object", "propertyNames": shape.choice("content"), "additionalProperties": shape.INTEGER,
        },
        "h": shape.or_null(shape.INTEGER),
    }
)  # fmt: skip


def test_of_what_a_later_version_put_in_only_the_known_part_is_kept():
    newer: list[str] = []
    shape.check(HOSTILE, FORM, where="x", newer=newer)
    assert newer == ["x.b.d", "x.names, a field's name: later"]
    kept = shape.known_part(HOSTILE, FORM)
    assert kept == {"a": [1], "b": {"c": 1, "free": {}}, "names": {"content": 1}, "h": None}
    shape.check(kept, FORM, where="x")


def test_of_several_objects_the_one_that_it_is_is_kept_whole():
    """A file name is text, or bytes with the encoding that was tried."""
    for name in ({"text": "a.txt"}, {"bytes": "AAEC", "encoding": "utf-8"}):
        value = {"name": name}
        shape.check(value, COMPARTMENTS["name"], where="x")
        assert shape.known_part(value, COMPARTMENTS["name"]) == value


def test_lists_of_objects_are_cut_to_their_known_part_too():
    """A hostile list could else keep megabytes of fields that nobody reads."""
    one = shape.record({"a": shape.INTEGER})
    form = shape.record(
        {"list": shape.list_of(one, most=9), "kept": shape.or_null(shape.list_of(one, most=9))}
    )
    value = {"list": [{"a": 1, "b": "x" * 99}, {"a": 2}], "kept": [{"a": 3, "c": [1]}]}
    newer: list[str] = []
    shape.check(value, form, where="x", newer=newer)
    assert newer == ["x.list[0].b", "x.kept[0].c"]
    assert shape.known_part(value, form)["list"] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("name", SHAPES)
@given(st.data())
@settings(max_examples=10)
def test_the_known_part_of_what_fits_fits(name, data):
    form = SHAPES[name]
    value = json.loads(canonical.encode(data.draw(nearly(form))))
    with contextlib.suppress(FormatError):
        shape.check(value, form, where="x", newer=[])
        shape.check(shape.known_part(value, form), form, where="x", newer=[])


@pytest.mark.parametrize("name", SHAPES)
def test_words_that_are_for_one_type_stand_beside_it(name):
    """A shape without its type would be taken as it is by `check`, and its other words with it."""
    of = {
        "string": {"minLength", "maxLength", "pattern"}, "integer": {"minimum", "maximum"},
        "array": {"items", "minItems", "maxItems", "uniqueItems"},
        "object": {"properties", "required", "additionalProperties", "propertyNames", "maxProperties"},
    }  # fmt: skip

    def walk(form):
        for kind, words in of.items():
            assert not words & set(form) or form.get("type") == kind, form
        for inner in [*form.get("anyOf", []), *form.get("properties", {}).values()]:
            walk(inner)
        for word in ("items", "additionalProperties", "propertyNames"):
            if isinstance(form.get(word), dict):
                walk(form[word])

    walk(SHAPES[name])
