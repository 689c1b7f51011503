"""An item with two forms in a package: it verifies, and shows no name where names stay at home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.keys import keyfile
from tests.test_cli_errors import two_lines
from tests.test_cli_work import REPO, SMALL, done, run, value
from tests.test_records_work import CHAT, LOG, TOY

NAME = "Anna Kovac phone.log"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    return here


def both(place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "READERS", (TOY,))
    monkeypatch.setattr(chats, "READERS", (CHAT,))
    (place.folder / NAME).write_bytes(LOG.replace(b"LOG", b"TWO"))
    done(run(place, "collect", place.folder / NAME, "--case", "R-1", "--yes"))


def package(place, *words) -> Path:
    out = place.folder / "package.zip"
    done(run(place, "export", "A-1", "--case", "R-1", "--no-seal", "--plain", "-o", out, *words))
    return out


def test_a_package_with_two_forms_of_one_item_verifies(place, monkeypatch):
    both(place, monkeypatch)
    out = package(place)
    found = value(
        run(place, "verify", out, "--json"), 6
    )  # no authority dated it: origin and time are not confirmed
    labels = json.dumps(found)
    for label in ("A-1/01", "A-1/01.1", "A-1/01.2"):
        assert label in labels
    done(run(place, "check", "--deep"))


def test_withheld_names_are_nowhere_in_the_package(place, monkeypatch):
    both(place, monkeypatch)
    out = package(place, "--withhold", "name,source")
    run(place, "verify", out)
    with zipfile.ZipFile(out) as packed:
        for member in packed.namelist():
            assert b"Kovac" not in packed.read(member), member
            assert "Kovac" not in member


def test_every_reader_keeps_the_name_of_its_item_out_of_the_form(place):
    """Samples of all formats, taken in under a name that nobody may see."""
    for folder in sorted((REPO / "tests" / "records").glob("*/*")):
        if (folder / "members").exists():
            continue
        for file in sorted(folder.iterdir()):
            if file.name == "expected.json" or file.is_dir():
                continue
            here = place.folder / "in" / folder.parent.name / folder.name
            here.mkdir(parents=True, exist_ok=True)
            (here / f"Kovac {file.name}").write_bytes(file.read_bytes())
    done(run(place, "collect", place.folder / "in", "--case", "R-1", "--yes", "--no-seal"))
    items = value(run(place, "list", "--case", "R-1", "--json", "--purpose", "x"))["items"]
    forms = [one["label"] for one in items if one["label"].count(".")]
    assert len(forms) > 10
    for label in forms:
        result = run(place, "read", label, "--purpose", "x")
        assert result.exit_code == 0
        assert b"Kovac" not in result.stdout_bytes, (label, result.stdout_bytes[:600])


def test_derive_collect_and_show_of_two_forms_are_as_their_schemas(place, monkeypatch):
    monkeypatch.setattr(registry, "READERS", (TOY,))
    monkeypatch.setattr(chats, "READERS", (CHAT,))
    (place.folder / NAME).write_bytes(LOG.replace(b"LOG", b"TWO"))
    made = value(run(place, "collect", place.folder / NAME, "--case", "R-1", "--yes", "--json"))
    (item,) = made["items"]
    assert (item["derived"]["form"], item["derived"]["records"]["form"]) == ("A-1/01.1", "A-1/01.2")
    again = value(run(place, "derive", "A-1/01", "--purpose", "x", "--json"))
    assert again["labels"] == ["A-1/01.3", "A-1/01.4"]
    assert again["derived"]["records"]["form"] == "A-1/01.4"
    shown = value(run(place, "show", "A-1/01", "--purpose", "x", "--json"))
    assert (shown["chat"]["reader"], shown["records"]["reader"]) == ("toy-chat", "toy-log")
    two_lines(run(place, "derive", "A-1/01.2", "--purpose", "x"), 4)
    two_lines(run(place, "derive", "A-1/01", "--format", "toy-none", "--purpose", "x"), 4)


def test_a_form_of_the_other_kind_on_the_command_line(place, monkeypatch):
    both(place, monkeypatch)
    two_lines(run(place, "records", "A-1/01.1", "--purpose", "x"), 4)
    two_lines(run(place, "messages", "A-1/01.2", "--purpose", "x"), 4)
    assert "192.0.2.7" in done(run(place, "records", "A-1/01.2", "--purpose", "x")).stdout
    assert "all of it" in done(run(place, "messages", "A-1/01", "--purpose", "x")).stdout


def test_what_is_typed_and_asked_for_is_as_the_schema(place):
    line = jsonschema.Draft202012Validator(
        json.loads((REPO / "schemas" / "record-line.schema.json").read_text("utf-8"))
    )
    done(run(place, "add", "ip", "--case", "R-1", "--address", "203.0.113.9", "--time", "2026-03-04 01:02"))
    words = ("--chain", "bitcoin", "--txid", "ab" * 32, "--to", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
    done(run(place, "add", "payment", "--case", "R-1", *words, "--amount", "1", "--asset", "BTC"))
    for item in ("A-1/01", "A-2/01"):
        _, row = done(run(place, "records", item, "--purpose", "x", "--json")).stdout.splitlines()
        line.validate(json.loads(row))
    _, *rows, last = done(
        run(place, "records", "--case", "R-1", "--purpose", "x", "--json")
    ).stdout.splitlines()
    for text in rows:
        row = json.loads(text)
        del row["item"], row["id"]
        line.validate(row)
    assert json.loads(last)["items"] == ["A-1/01", "A-2/01"]


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
@pytest.mark.parametrize("words", [("A-1/01",), ("A-1/01", "--json"), ("A-1/01", "--csv"), ("--case", "R-1")])
def test_who_stops_reading_gets_no_traceback(place, words):
    text = b"<34>1 2026-03-03T20:14:05Z host sshd 1 - - Accepted password for anna from 203.0.113.7 port 4711 ssh2\n"
    (place.folder / "auth.log").write_bytes(text * 3000)
    done(run(place, "collect", place.folder / "auth.log", "--case", "R-1", "--yes"))
    options = ["--key", place.key, "--passphrase-file", place.passphrase, "--locker", place.locker]
    command = [sys.executable, "-m", "custody", *map(str, options), "records", *words, "--purpose", "x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        told = process.stderr.read().decode()
        process.wait()
    assert "Traceback" not in told
    assert process.returncode != 120
    assert list((place.locker / "staging").glob("*/scratch-*")) == []
