"""Chats on the command line: what collect, derive, messages and show print, to people and as JSON."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from custody.cli import session as sessions
from custody.keys import keyfile
from tests.test_cli_errors import Person, two_lines
from tests.test_cli_work import REPO, SMALL, done, run, value

RECORD = jsonschema.Draft202012Validator(
    json.loads((REPO / "schemas" / "chat-record.schema.json").read_text("utf-8"))
)
CHAT = (
    b"03/04/2022, 21:41 - Messages and calls are end-to-end encrypted.\n"
    b"03/04/2022, 21:42 - Anna Example: IMG-A.jpg (file attached)\n"
    b"the ticket\n"
    b"05/04/2022, 07:00 - Ben Example: meet at the station\n"
)
TABLE = b'When,Who,What\n2022-03-01 10:00:00,Anna,hello\n2022-03-01 10:05:00,Ben,"two\nlines"\n'


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)


@pytest.fixture
def place(tmp_path: Path):
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("WhatsApp Chat with Ben Example.txt", CHAT)
        file.writestr("IMG-A.jpg", b"\xff\xd8\xff made up")
    (tmp_path / "of Ben.zip").write_bytes(held.getvalue())
    (tmp_path / "table.csv").write_bytes(TABLE)
    return here


def collected(place, name="of Ben.zip", *more):
    return value(run(place, "collect", place.folder / name, "--case", "R-1", "--yes", "--json", *more))


def lines(result) -> list[dict]:
    done(result)
    first, *records = [json.loads(line) for line in result.stdout.splitlines()]
    schema = json.loads((REPO / "schemas" / "custody.messages.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(first)
    for record in records:
        RECORD.validate(record)
    return records


def test_collect_tells_what_it_found_and_what_is_open(place):
    said = done(run(place, "collect", place.folder / "of Ben.zip", "--case", "R-1", "--yes"))
    for text in (
        "A-1/01 is a chat (WhatsApp",
        "its readable form is A-1/01.1",
        "2 messages, 1 event",
        "1 present",
        "A-1/01.2",
        "whether day or month comes first",
        "derive A-1/01 --date-order DMY",
        "in which time zone",
    ):
        assert text in said.stderr, said.stderr
    assert "count    1" in said.stdout


def test_collect_as_json(place):
    (item,) = collected(place)["items"]
    made = item["derived"]
    assert made["form"] == "A-1/01.1"
    assert made["files"] == 1
    assert made["counts"]["messages"] == 2
    assert set(made["counts"]["open"]) >= {"date_order", "zone"}


def test_without_deriving_nothing_is_made(place):
    (item,) = collected(place, "of Ben.zip", "--no-derive")["items"]
    assert item["derived"] is None
    two_lines(run(place, "messages", "A-1/01", "--purpose", "x"), 4)
    assert value(run(place, "derive", "A-1/01", "--purpose", "x", "--json"))["labels"] == [
        "A-1/01.1",
        "A-1/01.2",
    ]


def test_messages_for_people(place):
    collected(place)
    shown = done(run(place, "messages", "A-1/01", "--purpose", "x"))
    assert "== Ben Example (whatsapp, unknown)" in shown.stdout
    assert "[1] 2022-04-03T21:41:00 or 2022-03-04T21:41:00  * Messages and calls" in shown.stdout
    assert (
        "Anna Example: IMG-A.jpg (file attached)\n    the ticket\n    + IMG-A.jpg (present)" in shown.stdout
    )
    assert "3 of 3 messages shown" in shown.stderr
    assert "cite one as: message N of A-1/01" in shown.stderr


def test_a_statement_settles_what_was_open(place):
    collected(place)
    made = value(
        run(
            place,
            "derive",
            "A-1/01",
            "--date-order",
            "DMY",
            "--time-zone",
            "Europe/Vienna",
            "--purpose",
            "x",
            "--json",
        )
    )
    assert made["labels"] == ["A-1/01.3"]
    records = lines(run(place, "messages", "A-1/01", "--purpose", "x", "--json"))
    said = [one for one in records if one["record"] == "message"]
    assert [one["time"]["utc"] for one in said] == [
        "2022-04-03T19:41:00Z", "2022-04-03T19:42:00Z", "2022-04-05T05:00:00Z",
    ]  # fmt: skip
    assert {one["time"]["basis"] for one in said} == {"stated"}
    older = lines(run(place, "messages", "A-1/01.1", "--purpose", "x", "--json"))
    assert not [one for one in older if one["record"] == "message" and "utc" in one["time"]]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--sender", "ben"], [3]),
        (["--grep", "STATION"], [3]),
        (["--message", "2", "--message", "3"], [2, 3]),
        (["--from", "2022-04-04"], [3]),
        (["--until", "2022-04-03"], [1, 2]),
        (["--sender", "nobody"], []),
    ],
)
def test_filters(place, options, numbers):
    collected(place, "of Ben.zip", "--date-order", "DMY")
    records = lines(run(place, "messages", "A-1/01", "--purpose", "x", "--json", *options))
    assert [one["sequence"] for one in records if one["record"] == "message"] == numbers


def test_show_tells_who_wrote_and_what_the_format_never_contains(place):
    collected(place)
    shown = done(run(place, "show", "A-1/01", "--purpose", "x"))
    for text in ("derived from it", "A-1/01.2  file 1 in it", "1  Anna Example", "never contains replies"):
        assert text in shown.stdout, shown.stdout
    found = value(run(place, "show", "A-1/01", "--purpose", "x", "--json"))
    assert found["chat"]["chats"][0]["senders"] == [
        {"name": "Anna Example", "messages": 1}, {"name": "Ben Example", "messages": 1},
    ]  # fmt: skip
    assert value(run(place, "show", "A-1/01.2", "--purpose", "x", "--json"))["parent"] == found["id"]


def test_every_opening_is_in_the_log(place):
    collected(place)
    before = len(value(run(place, "log", "--json"))["entries"])
    done(run(place, "messages", "A-1/01", "--purpose", "why it is read"))
    entries = value(run(place, "log", "--json"))["entries"][before:]
    assert [one["kind"] for one in entries] == ["item.accessed"]


def test_a_table_asks_once_for_its_columns_and_keeps_the_answers(place, monkeypatch):
    collected(place, "table.csv")
    two_lines(run(place, "derive", "A-1/01", "--format", "table", "--purpose", "x"), 4)
    person = Person("When", "", "7", "2", "What", "", "", "", "")
    monkeypatch.setattr(sessions, "terminal", person)
    kept = place.folder / "columns.json"
    asked = done(run(place, "derive", "A-1/01", "--format", "table", "--mapping", kept, "--purpose", "x"))
    assert json.loads(kept.read_text()) == {"time": "When", "sender": "#2", "text": "What"}
    assert "there is no such column" in asked.stderr
    assert "kept as" in asked.stderr
    records = lines(run(place, "messages", "A-1/01", "--purpose", "x", "--json"))
    assert [one["text"] for one in records if one["record"] == "message"] == ["hello", "two\nlines"]
    asked_before = len(person.questions)
    again = run(place, "derive", "A-1/01", "--format", "table", "--mapping", kept, "--purpose", "x", "--json")
    assert value(again)["labels"] == ["A-1/01.2"]
    assert len(person.questions) == asked_before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["derive", "A-1/01", "--format", "no such reader"], 4),
        (["derive", "A-1/01", "--time-zone", "Nowhere/City"], 2),
        (["derive", "A-1/01", "--date-order", "XYZ"], 2),
        (["derive", "A-1/01.1"], 4),
        (["derive", "A-1/01", "--format", "sms-xml"], 4),
        (["messages", "A-1/01.2"], 4),
        (["messages", "A-9/01"], 4),
        (["messages", "A-1/01", "--message", "0"], 2),
    ],
)
def test_what_can_not_be(place, words, code):
    collected(place)
    two_lines(run(place, *words, "--purpose", "x"), code)


def test_a_mapping_that_is_none(place):
    collected(place, "table.csv")
    bad = place.folder / "bad.json"
    for text in ("[1]", '{"time": 3}', "not json"):
        bad.write_text(text)
        two_lines(run(place, "derive", "A-1/01", "--format", "table", "--mapping", bad, "--purpose", "x"), 2)


def test_hostile_texts_do_not_reach_the_terminal(place):
    (place.folder / "evil.txt").write_bytes(
        CHAT + "06/04/2022, 07:00 - Ben Example: \x1b[2J\u202egpj\n".encode()
    )
    collected(place, "evil.txt")
    shown = done(run(place, "messages", "A-1/01", "--purpose", "x"))
    assert "\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout
