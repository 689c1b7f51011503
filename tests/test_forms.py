"""The acquisition form: every field explained, read strictly, nothing filled in."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused, UsageError
from custody.format.compartments import COMPARTMENTS, form_fields
from custody.format.entry import check_compartment
from custody.procedure import forms


def some_value(table: str, name: str) -> str:
    shape = COMPARTMENTS[table]["properties"][name]
    return str(shape["enum"][0]) if "enum" in shape else f"{table} {name}"


def test_the_empty_template_states_nothing() -> None:
    assert forms.read_form(forms.template().encode(), "form.toml") == {}


def test_a_filled_template_gives_back_every_field() -> None:
    values = iter([some_value(table, name) for table, names in form_fields().items() for name in names])
    filled = re.sub(r'(?m)^#(\w+) = ""$', lambda match: f'{match[1]} = "{next(values)}"', forms.template())
    record = forms.read_form(filled.encode(), "form.toml")
    assert record == {
        table: {name: some_value(table, name) for name in names} for table, names in form_fields().items()
    }
    for table, value in record.items():
        check_compartment(table, value, where="form")


def test_every_field_of_the_template_is_explained() -> None:
    lines = forms.template().splitlines()
    for position, line in enumerate(lines):
        if re.fullmatch(r'#\w+ = ""', line):
            assert re.match(r"# \S.{8,}", lines[position - 1])


def test_blank_fields_are_not_stated() -> None:
    assert forms.read_form(b'[capture]\nmethod = ""\nclock = "  "\n', "f") == {}


def test_windows_text_is_read() -> None:
    data = b'\xef\xbb\xbf[capture]\r\nmethod = "x"\r\n'
    assert forms.read_form(data, "f") == {"capture": {"method": "x"}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[captures]\n", "f, captures: a table that the form does not have"),
        (b'[capture]\nmethods = "x"\n', "f, capture.methods: a field that the form does not have"),
        (b"[capture]\nmethod = 1\n", "f, capture.method: not text"),
        (b"[capture]\nmethod = 2026-01-01\n", "f, capture.method: not text"),
        (b'capture = "x"\n', "f, capture: not a table"),
        (b'[source]\nkind = "phone"\n', "f, source.kind: a value that is not in the list"),
        (b'[capture]\nmethod = "' + b"x" * 9000 + b'"\n', "f, capture.method: a text too short or too long"),
        (b"[capture\n", "f: not a form: its TOML can't be read"),
        (b"\xff\xfe[\0", "f: not a form: it is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "f: not a form: its TOML can't be read"),
        (b"#" * 300_000, "f: too long for a form"),
        (b'[capture]\ntool = "mine"\n', "f, capture.tool: a field that the form does not have"),
    ],
)
def test_what_is_no_form_is_refused_naming_the_place(data: bytes, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        forms.read_form(data, "f")
    assert caught.value.message.startswith(words)
    assert len(caught.value.message) < 1000
    assert "\n" not in caught.value.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_read_or_refused_with_our_own_error(data: bytes) -> None:
    try:
        record = forms.read_form(data, "f")
    except InputRefused:
        return
    for table, value in record.items():
        check_compartment(table, value, where="form")


def test_single_fields_are_set_over_the_form() -> None:
    form = {"capture": {"method": "old", "clock": "exact"}}
    merged = forms.merge(form, ["method=photographed", "source.text=a=b", "legal.basis=consent"])
    assert merged == {
        "capture": {"method": "photographed", "clock": "exact"},
        "source": {"text": "a=b"},
        "legal": {"basis": "consent"},
    }
    assert form == {"capture": {"method": "old", "clock": "exact"}}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ("method", "--set needs a field and its text"),
        ("metod=x", "a field that the form does not have"),
        ("capture.text=x", "a field that the form does not have"),
        ("text=x", "more than one table has this field"),
        ("method= ", "this is empty"),
        ("source.kind=phone", "a value that is not in the list"),
        ("method=\udcff", "this is not Unicode text"),
        ("\x1b[31m=x", "a field that the form does not have"),
    ],
)
def test_a_field_that_cant_be_set_is_refused(one: str, words: str) -> None:
    with pytest.raises((UsageError, InputRefused)) as caught:
        forms.merge({}, [one])
    assert caught.value.what == words
    assert "\x1b" not in caught.value.message
