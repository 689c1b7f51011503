"""The kinds table holds together, and its page and schemas are what it says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from custody.crypto import sealing
from custody.errors import FormatError
from custody.format import compartments, entry, kinds
from custody.format import kind as kind_table
from tests import make_format_docs

REPO = Path(__file__).resolve().parent.parent
KINDS = kinds.KINDS.values()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_holds_together(kind):
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind.name)
    assert set(kind.subject) <= set(kinds.SUBJECTS)
    assert kind.subject
    assert set(kind.required) | set(kind.optional) <= set(compartments.COMPARTMENTS)
    assert not set(kind.required) & set(kind.optional)
    assert set(kind.right) <= {*kinds.ALL_RIGHTS, "any"}
    assert bool(kind.right) != (kind.name in ("ledger.created", "ledger.continued"))
    assert kind.about
    assert kind.public["additionalProperties"] is False


def test_the_words_are_the_same_everywhere():
    assert kinds.CLASSES == sealing.CLASSES
    assert set(kinds.LEDGER_RIGHTS) | set(kinds.CASE_RIGHTS) == set(kinds.ALL_RIGHTS)
    assert {sealing.class_of(name) for name in compartments.COMPARTMENTS} == set(sealing.OTHER_CLASSES)


def test_what_could_name_a_person_stands_in_no_public_field():
    """Free text is public in three places, none of which a person fills in about somebody."""

    def texts(shape, place):
        if shape.get("type") == "string" and "pattern" not in shape:
            yield place
        for name, inner in shape.get("properties", {}).items():
            yield from texts(inner, f"{place}.{name}")
        for inner in [*shape.get("anyOf", []), *([shape["items"]] if "items" in shape else [])]:
            yield from texts(inner, place)

    found = {place for kind in KINDS if not kind.draft for place in texts(kind.public, kind.name)}
    assert found == {"policy.set.authorities.url", "policy.set.authorities.policies"}


def test_drafts_are_not_known_and_what_formats_promise_is():
    assert not kinds.known("item.noted")
    assert not kinds.known("item.dreamt")
    known = {kind.name for kind in KINDS if kinds.known(kind.name)}
    assert {"ledger.created", "item.collected", "item.accessed", "package.made", "case.extended"} <= known
    assert all(kind.draft for kind in KINDS if kind.name.startswith(("transfer.", "hold.", "consent.")))


def test_check_refuses_what_the_table_does_not_have():
    kind = kinds.KINDS["case.opened"]
    good = {"subject": "case", "public": {}, "sealed": {"title": "0" * 64}, "approvals": 0, "where": "x"}
    kind.check(**good)
    for change in (
        {"subject": "item"},
        {"public": {"title": "x"}},
        {"sealed": {}},
        {"sealed": {"title": "0" * 64, "place": "0" * 64}},
        {"approvals": 1},
    ):
        with pytest.raises(FormatError):
            kind.check(**{**good, **change})


def test_check_tells_a_reader_what_only_a_later_version_can_have_put_there():
    kind = kinds.KINDS["item.collected"]
    public = {
        "exhibit": "019cb6d0-0000-7000-8000-00000000000a", "acquisition": 0, "label": "A-1/01", "object": None,
        "wrapped_to": [],
    }  # fmt: skip
    sealed = dict.fromkeys((*kind.required, *kind.optional), "0" * 64)
    good = {"subject": "item", "public": public, "sealed": sealed, "approvals": 0, "where": "x"}
    newer: list[str] = []
    kind.check(**good, newer=newer)
    assert newer == []
    later = {**good, "public": {**public, "more": 1}, "sealed": {**sealed, "scent\u202e": "0" * 64}}
    kind.check(**later, newer=newer)
    assert newer == ["x, public.more", "x, part scent\\u202e"]
    with pytest.raises(FormatError):
        kind.check(**later)
    for change in (
        {"subject": "case"},
        {"approvals": 1},
        {"sealed": {name: sealed[name] for name in kind.optional}},
        {"public": {**public, "acquisition": -1}},
    ):
        with pytest.raises(FormatError) as caught:
            kind.check(**{**good, **change}, newer=[])
        assert str(caught.value.where).startswith("x")


def test_what_can_be_older_than_its_volume_may_say_from_where_it_goes_on():
    for name, subject, going_on in (
        ("item.weighed", ("item",), True),
        ("case.weighed", ("case",), True),
        ("x.weighed", ("ledger", "item"), True),
        ("ledger.weighed", ("ledger",), False),
        ("case.opened", ("case",), False),
        *((name, ("item",), False) for name in kind_table.INTAKES),
    ):
        row = kind_table.Kind(name=name, subject=subject, about="x")
        found = kind_table.going_on(row)
        if not going_on:
            assert found is row
            continue
        assert found == dataclasses.replace(
            row, public={**row.public, "properties": {"from": kind_table.FROM}}
        )
        public = {"from": {"ledger": f"custody/{'a' * 26}", "n": 1, "leaf": "0" * 64}}
        for fits in (public, {}):
            found.check(subject=subject[0], public=fits, sealed={}, approvals=0, where="x")


def test_every_compartment_is_used_and_every_stated_field_exists():
    used = {name for kind in KINDS for name in (*kind.required, *kind.optional)}
    assert used == set(compartments.COMPARTMENTS)
    for name, fields in compartments.form_fields().items():
        assert set(fields) <= set(compartments.COMPARTMENTS[name]["properties"])


@pytest.mark.parametrize(
    "raw", [b"plain.txt", "café".encode(), b"caf\xe9", b"\xff\x00\n", b"", b"\xed\xa0\x80"]
)
def test_a_name_is_kept_as_it_was(raw):
    value = {"name": compartments.name_value(raw)}
    assert compartments.name_bytes(value["name"]) == raw
    entry.check_compartment("name", value, where="x")


def test_the_generated_pages_are_what_the_tables_say(capsys):
    assert make_format_docs.run(["--check"]) == 0, capsys.readouterr().out


def test_drift_of_a_generated_page_is_seen(tmp_path, capsys):
    for name in make_format_docs.PAGES:
        text = (REPO / "docs/format" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("item.collected", "item.gathered"), encoding="utf-8")
    assert make_format_docs.run(["--check"], tmp_path) == 1
    assert "kinds.md" in capsys.readouterr().out
    assert make_format_docs.run([], tmp_path) == 0
    assert make_format_docs.run(["--check"], tmp_path) == 0
