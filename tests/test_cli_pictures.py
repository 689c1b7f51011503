"""Pictures on the command line: rows in words, groups of those that look alike, what is not compared."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from custody.keys import keyfile
from tests import pictures
from tests.test_cli_errors import two_lines
from tests.test_cli_work import SMALL, done, run
from tests.test_picture_hashes import drawn, saved


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    shots = tmp_path / "shots"
    shots.mkdir()
    (shots / "1.png").write_bytes(saved(drawn(1)))
    (shots / "2.jpg").write_bytes(saved(drawn(1).resize((160, 120)), "JPEG"))
    (shots / "3.jpg").write_bytes(pictures.samples()["jpeg"])
    done(run(here, "collect", shots, "--case", "R-1", "--yes"))
    marked = tmp_path / "marked.png"
    marked.write_bytes(saved(drawn(2)))
    done(run(here, "collect", marked, "--case", "R-1", "--yes", "--handling", "intimate-image"))
    return here


def records(place, *words):
    return run(place, "records", *words, "--purpose", "x")


def test_a_picture_is_told_in_words(place):
    said = done(records(place, "A-1/03"))
    for text in (
        "position (exif): 48.208366667, 16.366666667",
        "exif BodySerialNumber: SERIAL-MADE-UP",
        "flags: content_credentials, device_serial, embedded_thumbnail, gps_position, trailing_data",
    ):
        assert text in said.stdout, said.stdout
    assert "gps_position: a position is inside" in said.stderr


def test_pictures_that_look_alike_are_groups(place):
    said = done(records(place, "--case", "R-1", "--alike"))
    assert "A-1/01, A-1/02" in said.stdout
    assert "2 pictures in 1 group, 0 like no other, 2 not compared" in said.stderr
    assert "not compared: A-2/01: marked intimate-image: never decoded, rendered or hashed" in said.stderr
    assert "not compared: A-1/03" in said.stderr


def test_pictures_that_look_alike_as_json(place):
    lines = [
        json.loads(line)
        for line in done(records(place, "--case", "R-1", "--alike", "--json")).stdout.splitlines()
    ]
    assert lines[0]["schema"] == "custody.records/1"
    assert lines[1]["items"] == ["A-1/01", "A-1/02"]
    assert lines[2]["alone"] == []
    assert [one["item"] for one in lines[2]["not_compared"]] == ["A-1/03", "A-2/01"]
    named = [name for line in lines[1:2] for name in line["items"]]
    assert sorted(named + [one["item"] for one in lines[2]["not_compared"]]) == [
        "A-1/01",
        "A-1/02",
        "A-1/03",
        "A-2/01",
    ]


@pytest.mark.parametrize("words", [("A-1/01", "--alike"), ("--case", "R-1", "--alike", "--csv")])
def test_alike_is_asked_of_a_whole_case(place, words):
    refused = records(place, *words)
    assert "pictures are compared over a whole case" in two_lines(refused, 2)[0]


@pytest.mark.parametrize("name", ["picture", "mail-received"])
def test_what_is_read_on_asking_is_stored_by_no_command(place, name):
    for words in (
        ("derive", "A-1/01", "--format", name, "--purpose", "x"),
        ("collect", place.folder / "shots", "--case", "R-1", "--yes", "--format", name),
    ):
        refused = run(place, *words)
        two_lines(refused, 4)
        assert "stored nowhere" in refused.stderr
        assert "hint: custody records ITEM shows them" in refused.stderr
    assert "A-1/01.1" not in done(run(place, "list")).stdout
    assert "A-3" not in done(run(place, "list")).stdout
    assert "perceptual" in done(records(place, "A-1/01", "--json")).stdout
