"""The published schemas are made from the tables, and take and refuse what the readers do."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jsonschema
import pytest
import referencing

from custody.errors import FormatError
from custody.format import entry as entries
from tests import make_schemas
from tests.make_vectors import ADMIN, ITEM, SECOND, begun

REPO = Path(__file__).resolve().parent.parent
SCHEMAS = {
    path.name: json.loads(path.read_text("utf-8")) for path in (REPO / "schemas").glob("*.schema.json")
}
REGISTRY = referencing.Registry().with_resources(
    (schema["$id"], referencing.Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def validator(name):
    return jsonschema.Draft202012Validator(SCHEMAS[f"{name}.schema.json"], registry=REGISTRY)


def test_the_schemas_are_what_the_tables_make(capsys):
    assert make_schemas.run(["--check"]) == 0, capsys.readouterr().out


def test_drift_is_seen(tmp_path, capsys):
    assert make_schemas.run(["--check"], tmp_path) == 1
    assert make_schemas.run([], tmp_path) == 0
    assert make_schemas.run(["--check"], tmp_path) == 0
    (tmp_path / "envelope.schema.json").write_text("{}")
    assert make_schemas.run(["--check"], tmp_path) == 1
    assert "envelope" in capsys.readouterr().out


def payload(stored):
    return json.loads(base64.b64decode(json.loads(stored)["payload"]))


def bodies():
    record = begun()
    record.item()
    record.custodian(SECOND, ["collect"])
    record.read()
    record.add("item.exported", "item", ITEM, case=record_case(record))
    return [(stored, payload(stored)) for stored in record.stored]


def record_case(record):
    return payload(record.stored[1])["case"]


@pytest.mark.parametrize(("stored", "body"), bodies(), ids=lambda x: x["kind"] if isinstance(x, dict) else "")
def test_good_entries_are_valid(stored, body):
    assert list(validator("entry-body").iter_errors(body)) == []
    assert list(validator("envelope").iter_errors(json.loads(stored))) == []
    assert validator("entry-body").is_valid({**body, "kind": "item.of-the-future"})


def test_the_schema_of_bodies_holds_each_kind_to_its_row():
    good = bodies()[3][1]
    assert good["kind"] == "item.collected"
    for change in (
        {"public": {**good["public"], "name": "chat.txt"}},
        {"public": {key: good["public"][key] for key in ("exhibit", "label")}},
        {"sealed": {**good["sealed"], "title": "0" * 64}},
        {"sealed": {"name": "0" * 64}},
        {"subject": {**good["subject"], "type": "case"}},
        {"approvals": bodies()[4][1]["approvals"]},
        {"more": 1},
        {"v": 2},
    ):
        assert not validator("entry-body").is_valid({**good, **change})


def folder(name):
    for path in sorted((REPO / "tests/vectors" / name).glob("*.json")):
        yield path.stem, json.loads(path.read_bytes())


def test_vectors_of_entries_that_are_about_shape_are_refused_by_the_schema_too():
    """What a schema can't say is named: spelling, signatures, and what holds between fields."""
    beyond = {
        "prev-at-first", "prev-missing-later", "case-missing", "case-on-ledger", "case-of-another",
        "actor-of-another", "unknown-kind", "draft-kind",
    }  # fmt: skip
    checked = 0
    for name, vector in folder("entry"):
        if vector["run"] != "entry" or name.startswith("envelope-"):
            continue
        body = payload(vector["given"]["data"]["utf8"])
        refused = "error" in vector["expect"]
        valid = validator("entry-body").is_valid(body)
        assert valid != refused or (name in beyond and valid), name
        checked += 1
    assert checked > 25


def test_vectors_of_compartments_agree_with_their_schema():
    for name, vector in folder("entry"):
        if vector["run"] == "compartment":
            given = vector["given"]
            value = {given["compartment"]: given["value"]}
            assert validator("compartments").is_valid(value) == ("ok" in vector["expect"]), name
            if "ok" in vector["expect"]:
                entries.check_compartment(given["compartment"], given["value"], where="x")
            else:
                with pytest.raises(FormatError):
                    entries.check_compartment(given["compartment"], given["value"], where="x")


@pytest.mark.parametrize(
    ("schema", "form", "run"),
    [
        ("public-key", "key-file", "public-key-file"),
        ("package-statement", "package", "statement"),
        ("package-shown", "package", "shown"),
        ("trust-file", "trust-file", "trust-file"),
    ],
)
def test_good_vectors_are_valid_by_the_schema(schema, form, run):
    found = 0
    for _, vector in folder(form):
        if vector["run"] == run and "ok" in vector["expect"]:
            text = vector["given"]["data"]["utf8"]
            value = payload(text) if schema == "public-key" else json.loads(text)
            assert list(validator(schema).iter_errors(value)) == []
            found += 1
    assert found


def test_the_schema_of_public_keys_takes_both_kinds_of_custodian():
    from custody.crypto import keys, public_keys
    from tests.make_vectors import WALL, drawn

    for seed in (None, drawn("wrap seed", 96)):
        made = public_keys.make(keys.CustodianKeys(ADMIN, seed), WALL)
        assert validator("public-key").is_valid(json.loads(made.payload))
        assert not validator("public-key").is_valid({**json.loads(made.payload), "name": "Anna"})
