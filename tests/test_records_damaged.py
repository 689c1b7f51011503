"""A case with something that can't be read whole: it is told, nothing of it is shown, and all else is."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.format.names import id_bytes
from custody.keys import keyfile
from custody.procedure import readable
from custody.procedure.locker import Locker
from tests.test_check import flipped
from tests.test_cli_records import FIRST, LOOKED
from tests.test_cli_work import REPO, SMALL, done, run, value
from tests.test_picture_hashes import drawn, saved
from tests.test_records_work import LOG, TOY

_SCHEMA = json.loads((REPO / "schemas" / "custody.records.schema.json").read_text("utf-8"))
DAMAGED = jsonschema.Draft202012Validator(_SCHEMA["$defs"]["damaged"])
LONG = b"TOY LOG\n" + b"".join(b"192.0.2.7:%d 20:14:05 anna\n" % (n % 60_000 + 1) for n in range(900))
"""Its form is longer than a piece: rows of it are read before the damage at its end is."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    monkeypatch.setattr(registry, "READERS", (TOY,))
    monkeypatch.setattr(chats, "READERS", ())
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    for name, data in (("first.log", LOG), ("long.log", LONG), ("third.log", LOG + b"y")):
        (tmp_path / name).write_bytes(data)
        done(run(here, "collect", tmp_path / name, "--case", "R-1", "--yes", "--no-seal"))
    return here


def row(place, label):
    locker = Locker(place.locker)
    try:
        return next(one for one in locker.work.items() if one.label == label)
    finally:
        locker.close()


def change_object(place, label, change):
    path = next((place.locker / "vault").rglob(row(place, label).object))
    path.write_bytes(change(path.read_bytes()))


def last_byte(place, label):
    change_object(place, label, lambda data: flipped(data, len(data) - 1))


def first_byte(place, label):
    change_object(place, label, lambda data: flipped(data, 100))


def cut(place, label):
    change_object(place, label, lambda data: data[:-1])


def gone(place, label):
    next((place.locker / "vault").rglob(row(place, label).object)).unlink()


def part(place, label):
    """The sealed part that says what the form is."""
    subject = row(place, label).id
    with closing(sqlite3.connect(place.locker / "erasable.sqlite")) as store, store:
        table = store.execute("SELECT subject, n, sealed FROM part WHERE compartment = 'content'").fetchall()
        (found,) = [one for one in table if bytes(one[0]) == id_bytes(subject)]
        store.execute(
            "UPDATE part SET sealed = ? WHERE subject = ? AND n = ? AND compartment = 'content'",
            (flipped(bytes(found[2]), 100), found[0], found[1]),
        )


def records(place, *words):
    return run(place, "records", "--case", "R-1", *words, "--purpose", "x")


@pytest.mark.parametrize("damage", [last_byte, first_byte, cut, gone, part])
def test_one_damaged_form_is_told_and_all_else_is_read(place, damage):
    damage(place, "A-2/01.1")
    shown = done(records(place), 3)
    assert "[A-1/01 1]" in shown.stdout
    assert "[A-3/01 4]" in shown.stdout
    assert "[A-2/01" not in shown.stdout, "rows that nobody has shown to be as they were logged"
    (told,) = [line for line in shown.stderr.splitlines() if "DAMAGED" in line]
    assert told.startswith("DAMAGED, and nothing of it is shown: A-2/01: ")
    assert "to do: custody derive A-2/01 makes a new form" in shown.stderr
    assert "from 2 items: A-1/01, A-3/01" in shown.stderr
    assert "custody: error: A-2/01: 1 item could not be read whole" in shown.stderr
    assert "rows shown" in shown.stderr

    first, *rest = [json.loads(line) for line in done(records(place, "--json"), 3).stdout.splitlines()]
    FIRST.validate(first)
    rows, damaged, looked = rest[:-2], rest[-2], rest[-1]
    assert {one["item"] for one in rows} == {"A-1/01", "A-3/01"}
    DAMAGED.validate(damaged)
    LOOKED.validate(looked)
    assert (damaged["item"], damaged["id"]) == ("A-2/01", row(place, "A-2/01").id)
    assert "A-2/01.1" in damaged["what"]
    assert looked["damaged"] == ["A-2/01"]
    assert (looked["rows"], looked["shown"], looked["items"]) == (9, 9, ["A-1/01", "A-3/01"])

    table = list(csv.reader(io.StringIO(done(records(place, "--csv"), 3).stdout, newline="")))
    columns = table[0]
    (line,) = [
        dict(zip(columns, one, strict=True)) for one in table if one[columns.index("kind")] == "damaged"
    ]
    assert line["item"] == "A-2/01"
    assert "to do: custody derive A-2/01" in line["more"]
    assert len(table) == 11


def test_what_to_do_mends_it(place):
    gone(place, "A-2/01.1")
    done(run(place, "derive", "A-2/01", "--purpose", "x"))
    shown = done(records(place))
    assert "[A-2/01 900]" in shown.stdout
    assert "DAMAGED" not in shown.stderr


def test_a_newer_form_that_is_damaged_is_told_and_an_older_one_read(place):
    done(run(place, "derive", "A-1/01", "--purpose", "x", "--no-seal"))
    part(place, "A-1/01.2")
    shown = done(records(place), 3)
    assert "[A-1/01 1]" in shown.stdout
    assert "look: A-1/01: a newer form of it is damaged: an older one is read" in shown.stderr
    assert "DAMAGED, and nothing of it is shown: A-1/01: A-1/01.2: " in shown.stderr


def test_a_typed_reference_that_is_gone_is_told(place):
    done(
        run(place, "add", "ip", "--case", "R-1", "--address", "1.1.1.1", "--time", "2026-03-03", "--no-seal")
    )
    gone(place, "A-4/01")
    shown = done(records(place), 3)
    assert "DAMAGED, and nothing of it is shown: A-4/01: A-4/01: " in shown.stderr
    assert "custody restore" in shown.stderr
    assert "[A-1/01 1]" in shown.stdout


def test_a_line_that_is_no_record_is_damage_and_no_fault_of_ours(place, monkeypatch):
    """Only another program, with a key of this locker, can have made such a form: it is as it was logged."""
    lines_of = readable.lines_of

    def other(pieces, where):
        for line in lines_of(pieces, where):
            yield b'{"record":"row"}' if where == "A-2/01.1" and b'"row"' in line else line

    monkeypatch.setattr(readable, "lines_of", other)
    shown = done(records(place), 3)
    assert "A-2/01.1: a row without number or kind" in shown.stderr
    monkeypatch.setattr(readable, "lines_of", lambda pieces, where: iter([b"[1,"]))
    assert "that is no record" in done(records(place), 3).stderr


def test_what_is_drawn_says_that_something_is_damaged(place):
    last_byte(place, "A-2/01.1")
    file = place.folder / "a.svg"
    words = ("picture", "logins", "--case", "R-1", "--purpose", "x")
    assert "DAMAGED" in done(run(place, *words, "-o", file), 3).stderr
    assert "damaged, and not read: A-2/01" in file.with_suffix(".html").read_text("utf-8")
    assert "not everything was looked at" in file.read_text("utf-8")
    assert value(run(place, *words, "-o", place.folder / "b.svg", "--json"), 3)["damaged"] == ["A-2/01"]


def test_pictures_beside_a_damaged_one_are_compared(place):
    shots = place.folder / "shots"
    shots.mkdir()
    for name in ("1.png", "2.png", "3.png"):
        (shots / name).write_bytes(saved(drawn(1)) + name.encode())
    done(run(place, "collect", shots, "--case", "R-1", "--yes", "--no-seal"))
    last_byte(place, "A-4/02")
    shown = done(records(place, "--alike"), 3)
    assert "A-4/01, A-4/03" in shown.stdout
    assert "DAMAGED, and nothing of it is shown: A-4/02" in shown.stderr
    lines = [json.loads(line) for line in done(records(place, "--alike", "--json"), 3).stdout.splitlines()]
    DAMAGED.validate(lines[1])
    assert lines[-1]["damaged"] == ["A-4/02"]
