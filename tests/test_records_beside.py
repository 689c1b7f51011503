"""One reader of records reads an item: what it does not read of a zip, and another would, is told everywhere."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.evidence import registry
from custody.evidence.chat import whatsapp_text
from custody.evidence.export import Export
from custody.evidence.records import registry as records
from custody.keys import keyfile
from tests.records import harness
from tests.test_cli_records import LOOKED
from tests.test_cli_work import SMALL, done, run, value

ACCESS = b'192.0.2.7 - - [03/Mar/2026:20:14:05 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n' * 5
APACHE = (
    b"[Tue Mar 03 20:14:05.123456 2026] [core:error] [pid 1:tid 2] [client 192.0.2.7:4711] AH00124: made up\n"
    * 5
)
NGINX = (
    b'2026/03/03 20:14:05 [error] 1#1: *1 open() failed, client: 192.0.2.7, server: x, request: "GET / HTTP/1.1"\n'
    * 5
)
ALL = (
    ("access.log", ACCESS),
    ("logs/error.log", APACHE),
    ("readme.txt", b"made up"),
    ("nginx/error.log", NGINX),
)


def packed(*files: tuple[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        for name, data in files:
            file.writestr(name, data)
    return whole.getvalue()


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
    (tmp_path / "logs.zip").write_bytes(packed(*ALL))
    return here


def test_what_another_reader_would_take_is_told_at_every_step(place):
    took = ("collect", place.folder / "logs.zip", "--case", "R-1", "--yes", "--no-seal")
    said = done(run(place, *took)).stderr
    for text in (
        "A-1/01 holds records (access log of a web server",
        "NOT READ: logs/error.log in it: apache-error-log would take it; one reader of records reads an item",
        "NOT READ: nginx/error.log in it: nginx-error-log would take it",
        "Collect them as files of their own",
    ):
        assert text in said, said
    said = done(run(place, "records", "A-1/01", "--purpose", "x"))
    assert "5 of 5 rows shown" in said.stderr
    assert "and apache-error-log (" in said.stderr
    assert "look: logs/error.log: a file of this zip is not among these rows, and apache" in said.stderr
    assert "look: nginx/error.log: a file of this zip" in said.stderr
    assert "readme.txt" not in said.stderr

    said = done(run(place, "records", "--case", "R-1", "--purpose", "x"))
    assert (
        "look: A-1/01: 2 of its files were not read, which other readers take: custody records ITEM"
        in said.stderr
    )
    lines = done(run(place, "records", "--case", "R-1", "--purpose", "x", "--json")).stdout.splitlines()
    looked = json.loads(lines[-1])
    LOOKED.validate(looked)
    assert any("2 of its files were not read" in one["what"] for one in looked["doubts"])
    assert "other reader (2 times)" in done(run(place, "show", "A-1/01", "--purpose", "x")).stdout

    (place.folder / "logs.zip").write_bytes(packed(*ALL, ("more.txt", b"made up")))
    (item,) = value(run(place, *took, "--json"))["items"]
    assert item["derived"]["not_read"] == [
        {"name": "logs/error.log", "reader": "apache-error-log"},
        {"name": "nginx/error.log", "reader": "nginx-error-log"},
    ]


def test_who_names_a_reader_is_told_of_the_others(place):
    done(
        run(place, "collect", place.folder / "logs.zip", "--case", "R-1", "--yes", "--no-seal", "--no-derive")
    )
    words = ("derive", "A-1/01", "--format", "nginx-error-log", "--purpose", "x", "--no-seal", "--json")
    made = value(run(place, *words))["derived"]
    assert {one["name"] for one in made["not_read"]} == {"access.log", "logs/error.log"}


def test_where_all_is_read_nothing_is_told(place):
    (place.folder / "one.zip").write_bytes(
        packed(("access.log", ACCESS), ("other_access.log", ACCESS), ALL[2])
    )
    said = done(run(place, "collect", place.folder / "one.zip", "--case", "R-1", "--yes", "--no-seal"))
    assert "10 rows" in said.stderr
    assert "NOT READ" not in said.stderr


def test_readers_that_are_alike_sure_of_different_files_do_not_keep_each_other_out():
    export = harness.members(*ALL)
    chosen = registry.choose(export)
    assert chosen[1] is not None
    assert (chosen[1][0].name, chosen[1][1].members) == ("access-log", (0,))
    assert [(one.reader, one.members) for one in registry.beside(export, chosen)] == [
        ("apache-error-log", (1,)),
        ("nginx-error-log", (3,)),
    ]


def test_readers_that_are_alike_sure_of_the_same_file_are_not_believed(monkeypatch):
    one = records.named("access-log")
    other = records.named("apache-error-log")
    detected = one.detect(harness.members(*ALL))
    assert detected is not None
    monkeypatch.setattr(records, "READERS", (one, replace(other, detect=one.detect)))
    assert records.choose(harness.members(*ALL)) is None


def test_of_a_file_alone_and_of_a_chat_nothing_lies_beside():
    single = Export.of("access.log", ACCESS)
    assert registry.beside(single, registry.choose(single)) == ()
    chat = b"[01.02.22, 10:00:00] Made Up: hello there\n[01.02.22, 10:01:00] Other One: good evening\n"
    export = harness.members(("_chat.txt", chat), *ALL)
    detected = whatsapp_text.READER.detect(export)
    assert detected is not None
    rows = records.choose(export)
    assert rows is not None
    assert registry.beside(export, (None, rows))
    # they become items of their own, with forms of their own
    assert registry.beside(export, ((whatsapp_text.READER, detected), rows)) == ()
    assert registry.beside(export, ((whatsapp_text.READER, detected), None)) == ()
