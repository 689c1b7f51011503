"""custody verify --history: what the record in a package says, each event as it was stated."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from custody.cli import main
from tests.packages import Forger, put_together, take_apart, world

REPO = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((REPO / "schemas" / "custody.verify.schema.json").read_text("utf-8"))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package.zip"
    path.write_bytes(world().honest)
    return path


def run(*words: str | Path, code: int = 6) -> Result:
    result = CliRunner().invoke(main, ["verify", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


def events(*words: str | Path, code: int = 6) -> list[dict[str, object]]:
    found = json.loads(run(*words, "--history", "--json", code=code).stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    history: list[dict[str, object]] = found["history"]
    return history


def test_every_event_that_the_package_has_is_told_in_order(package: Path) -> None:
    told = events(package)
    numbers = sorted(
        int(name.removeprefix("custody/entries/").removesuffix(".json"))
        for name in take_apart(world().honest)
        if name.startswith("custody/entries/")
    )
    assert [one["seq"] for one in told] == numbers
    assert told[0]["kind"] == "ledger.created"
    assert told[-1]["kind"] == "package.made"
    opened = [one for one in told if one["kind"] == "item.accessed"]
    assert {one["label"] for one in opened} == {"A-1/01"}
    assert all(one["public"]["result"] == "opened" for one in opened)  # type: ignore[index]


def test_parts_that_are_shown_are_told_and_the_others_only_named(package: Path) -> None:
    keys = [json.loads(line) for line in take_apart(world().honest)["custody/keys.jsonl"].splitlines()]
    told = events(package)
    parts = {(one["seq"], name): value for one in told for name, value in one["parts"].items()}  # type: ignore[attr-defined]
    assert len(parts) == len(keys)
    names = [value["name"] for (_, name), value in parts.items() if name == "name"]
    assert {"text": "Ivan Second.vcf"} in names
    withheld = {name for one in told for name in one["withheld"]}  # type: ignore[attr-defined]
    assert {"handling", "place", "identity"} <= withheld
    assert not withheld & {name for _, name in parts if name in ("handling", "place", "identity")}
    text = run(package, "--history").stdout
    assert "name.name: Ivan Second.vcf" in text
    assert "not shown: handling" in text
    assert "stated.result: opened" in text
    assert not [line for line in text.splitlines() if len(line) > 400], "keys and tables are for machines"
    assert "_key" not in text
    assert ": null" not in text
    assert "whether it\n  is true is not" in text


def test_without_the_option_nothing_of_it_is_told(package: Path) -> None:
    assert "history" not in json.loads(run(package, "--json").stdout)
    assert "What the record says" not in run(package).stdout


def test_of_a_package_that_does_not_match_nothing_is_told(tmp_path: Path) -> None:
    files = dict(take_apart(world().honest))
    path = next(name for name in files if name.startswith("data/"))
    files[path] += b"x"
    changed = tmp_path / "changed.zip"
    changed.write_bytes(put_together(files))
    assert events(changed, code=1) == []
    result = run(changed, "--history", code=1)
    assert "What the record says" not in result.stdout
    assert "what the record says is not printed" in result.stderr


def test_what_came_from_outside_is_escaped(tmp_path: Path) -> None:
    forger = Forger(world())
    for line in forger.lines:
        if "name" in line.plain:
            line.plain["name"] = {"name": {"text": "a\u202eb\n\x1b[2Jc.txt"}}
    forger.build()
    hostile = tmp_path / "hostile.zip"
    hostile.write_bytes(put_together(forger.pack()))
    text = run(hostile, "--history").stdout
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "a\\u202eb" in text


def test_more_than_fits_into_one_object_is_refused(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custody.cli.verify.MOST_HISTORY", 5000)
    result = run(package, "--history", "--json", code=4)
    assert "too long for one JSON object" in result.stderr
    assert result.stdout == ""
    assert "package.made" in run(package, "--history").stdout


def test_it_tells_of_one_package(package: Path) -> None:
    assert "--history tells of one package" in run(package, package, "--history", code=2).stderr
