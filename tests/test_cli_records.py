"""Records on the command line: what collect, derive, show and records print, to people, as JSON and as a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from custody.cli import records as command
from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.export import csv_safe
from custody.keys import keyfile
from tests.test_cli_errors import Person, two_lines
from tests.test_cli_work import REPO, SMALL, done, run, value
from tests.test_records_work import LOG, PICTURE, TOY

LINE = jsonschema.Draft202012Validator(
    json.loads((REPO / "schemas" / "record-line.schema.json").read_text("utf-8"))
)
_FIRST = json.loads((REPO / "schemas" / "custody.records.schema.json").read_text("utf-8"))
LOOKED = jsonschema.Draft202012Validator(_FIRST["$defs"]["looked"])
FIRST = jsonschema.Draft202012Validator(_FIRST)


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    monkeypatch.setattr(registry, "READERS", (TOY, PICTURE))
    monkeypatch.setattr(chats, "READERS", ())


@pytest.fixture
def place(tmp_path: Path):
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    (tmp_path / "access.log").write_bytes(LOG)
    return here


def collect(place, *more):
    return run(place, "collect", place.folder / "access.log", "--case", "R-1", "--yes", *more)


def records(place, *words):
    return run(place, "records", *words, "--purpose", "x")


def test_collect_says_what_balances_and_what_is_open(place):
    said = done(collect(place))
    for text in (
        "A-1/01 holds records (Toy log); they are in A-1/01.1",
        "told by: it begins so",
        "4 rows = 0 without flags + 3 with flags + 1 not understood and kept as they stand",
        "from 2026-03-03T20:14:04Z to 2026-03-03T20:14:05Z",
        "in which time zone",
        "derive A-1/01 --time-zone",
    ):
        assert text in said.stderr, said.stderr


def test_collect_says_what_it_kept_and_did_not_read(place):
    assert "\nkept, " not in done(collect(place)).stderr
    mixed = place.folder / "mixed"
    mixed.mkdir()
    (mixed / "a.log").write_bytes(LOG)  # received again
    (mixed / "b.txt").write_bytes(b"nothing that a reader takes\n")
    (mixed / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"made up" * 4)
    said = done(run(place, "collect", mixed, "--case", "R-1", "--yes")).stderr
    assert "kept, and not read as a chat or as records: A-2/02; custody formats" in said
    assert "kept, pictures: A-2/03;" in said
    assert "records A-2/03" in said


def test_the_log_of_an_item_points_to_what_was_made_of_it(place):
    """Reading rows opens the form, and is logged with that: an item's own log must not look like all of it."""
    done(collect(place))
    said = done(run(place, "log", "--item", "A-1/01"))
    assert "opened and logged under its own labels" in said.stderr
    assert "log --item A-1/01.1" in said.stderr
    before = done(run(place, "log", "--item", "A-1/01.1")).stdout.count("item.accessed")
    done(records(place, "A-1/01"))
    again = done(run(place, "log", "--item", "A-1/01.1"))
    assert again.stdout.count("item.accessed") == before + 1
    assert "its own labels" not in again.stderr


def test_collect_as_json(place):
    (item,) = value(collect(place, "--json"))["items"]
    made = item["derived"]
    assert (made["form"], made["counts"], made["files"]) == (None, None, 0)
    counts = made["records"]["counts"]
    assert made["records"]["form"] == "A-1/01.1"
    assert counts["rows"] == counts["plain"] + counts["flagged"] + counts["kept_raw"] == 4


def test_records_for_people(place):
    done(collect(place))
    shown = done(records(place, "A-1/01"))
    assert "[1] 2026-03-03T20:14:05Z  192.0.2.7 port 4711  login  anna  (line 2)" in shown.stdout
    assert "[3] no time  not understood  (line 4)\n    as it stands: not a row" in shown.stdout
    for text in (
        "4 of 4 rows shown",
        "4 rows = 0 without flags + 3 with flags + 1 not understood",
        "no_source_port: no source port is recorded",
        "ip_reserved:private: an address of the class private",
        "An IP address identifies a connection, not a person.",
        "IANA registries as of",
        "cite one as: row N of A-1/01",
        "open: zone: no zone in it (custody derive … --time-zone",
    ):
        assert text in shown.stderr, shown.stderr


def test_records_as_json_are_as_their_schema_and_balance(place):
    done(collect(place))
    result = done(records(place, "A-1/01", "--json"))
    first, *rest = [json.loads(line) for line in result.stdout.splitlines()]
    FIRST.validate(first)
    for line in rest:
        LINE.validate(line)
    account = rest[-1]
    rows = [one for one in rest if one["record"] == "row"]
    assert account["rows"] == len(rows) == account["plain"] + account["flagged"] + account["kept_raw"]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--address", "10.0.0.0/8"), [2]),
        (("--account", "ANNA"), [1, 4]),
        (("--from", "2026-03-03T20:14:05"), [1, 3, 4]),
        (("--row", "2", "--row", "4"), [2, 4]),
        (("--kind", "unknown"), [3]),
        (("--flag", "ip_reserved:private"), [2]),
    ],
)
def test_filters(place, options, numbers):
    done(collect(place))
    result = done(records(place, "A-1/01", "--json", *options))
    rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    assert [one["number"] for one in rows if one["record"] == "row"] == numbers


def test_a_case_by_time(place):
    done(collect(place))
    done(run(place, "add", "ip", "--case", "R-1", "--address", "1.1.1.1", "--time", "2026-03-03T20:14:04.5Z"))
    shown = done(records(place, "--case", "R-1"))
    heads = [line.split("]")[0] for line in shown.stdout.splitlines() if line.startswith("[")]
    assert heads == ["[A-1/01 2", "[A-2/01 1", "[A-1/01 1", "[A-1/01 3", "[A-1/01 4"]
    assert "from 2 items: A-1/01, A-2/01" in shown.stderr
    result = done(records(place, "--case", "R-1", "--json"))
    first, *rows, last = [json.loads(line) for line in result.stdout.splitlines()]
    FIRST.validate(first)
    LOOKED.validate(last)
    assert (last["rows"], last["shown"], last["items"]) == (5, 5, ["A-1/01", "A-2/01"])
    assert last["doubts"] == [{"label": "A-1/01", "what": "open: zone"}]
    assert [one["item"] for one in rows] == ["A-1/01", "A-2/01", "A-1/01", "A-1/01", "A-1/01"]


def test_a_table_for_a_spreadsheet(place):
    (place.folder / "access.log").write_bytes(LOG.replace(b"not a row", b'=cmd|" /C calc"!A0,"x'))
    done(collect(place))
    shown = done(records(place, "A-1/01", "--csv"))
    rows = list(csv.reader(io.StringIO(shown.stdout, newline="")))
    assert tuple(rows[0]) == command.CSV_COLUMNS
    assert len(rows) == 5
    raw = rows[0].index("raw")
    assert rows[3][raw] == '\'=cmd|" /C calc"!A0,"x'
    assert rows[1][rows[0].index("port")] == "4711"


def test_show_tells_the_counts(place):
    done(collect(place))
    shown = done(run(place, "show", "A-1/01", "--purpose", "x"))
    assert "records, read by toy-log, version 2" in shown.stdout
    assert "4 rows = 0 without flags" in shown.stdout
    assert "open: zone" in shown.stdout
    assert "records A-1/01" in shown.stderr
    assert value(run(place, "show", "A-1/01", "--purpose", "x", "--json"))["records"]["rows"] == 4


def test_derive_names_what_comes_next(place):
    done(collect(place, "--no-derive"))
    two_lines(records(place, "A-1/01"), 4)
    said = done(run(place, "derive", "A-1/01", "--purpose", "x"))
    assert "records A-1/01.1" in said.stderr
    assert "messages A-1/01.1" not in said.stderr


def test_formats_lists_both_kinds_of_readers(place):
    told = {one["name"]: one["how"] for one in value(run(place, "formats", "--json"))["evidence"]}
    assert told["toy-log"].startswith("custody collect: ")
    assert told["toy-picture"].startswith("custody records: "), "read when somebody asks"


@pytest.mark.parametrize(
    ("words", "code"),
    [((), 2), (("A-9/01",), 4), (("A-1/01", "--csv", "--json"), 2), (("A-1/01", "--kind", "nothing"), 2)],
)
def test_what_can_not_be(place, words, code):
    done(collect(place))
    two_lines(records(place, *words), code)


def test_hostile_texts_do_not_reach_the_terminal(place):
    (place.folder / "access.log").write_bytes(LOG.replace(b"not a row", b"\x1b[2J\xe2\x80\xae evil \xff"))
    done(collect(place))
    shown = done(records(place, "A-1/01"))
    assert "\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\t=1", "'\t=1"), (" =1", "' =1"),
        ("\r=1", "'\r=1"), ("＝1", "'＝1"), ("a=1", "a=1"), ("", ""), ("1.2.3.4", "1.2.3.4"), ("\u00a0=1", "'\u00a0=1"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(text, cell):
    assert csv_safe.cell(text) == cell


def test_a_table_of_addresses_asks_once_for_its_columns(place, monkeypatch):
    from custody.cli import session as sessions
    from custody.evidence.network import ip_table

    monkeypatch.setattr(registry, "READERS", (ip_table.READER,))
    data = b"Start;Address;Source port;User\n2026-03-03 20:14:05+01:00;192.0.2.7;51234;anna\n"
    (place.folder / "answer.csv").write_bytes(data)
    done(run(place, "collect", place.folder / "answer.csv", "--case", "R-1", "--yes"))
    refused = run(place, "derive", "A-1/01", "--format", "ip-table", "--purpose", "x")
    two_lines(refused, 4)
    assert '{"ip": "Address"' in refused.stderr
    person = Person("Address", "3", "Start", "", "", "", "", "", "", "User", "", "", "")
    monkeypatch.setattr(sessions, "terminal", person)
    kept = place.folder / "columns.json"
    done(run(place, "derive", "A-1/01", "--format", "ip-table", "--mapping", kept, "--purpose", "x"))
    assert json.loads(kept.read_text()) == {"ip": "Address", "port": "#3", "time": "Start", "account": "User"}
    assert any("perhaps" in question for question in person.questions)
    rows = [json.loads(line) for line in done(records(place, "A-1/01", "--json")).stdout.splitlines()[1:]]
    (row,) = [one for one in rows if one["record"] == "row"]
    assert (row["ip"], row["port"], row["account"]) == ("192.0.2.7", 51234, "anna")
    assert row["instant"] == "2026-03-03T19:14:05Z"


def test_what_is_typed_names_the_item_and_the_place_that_it_was_read_from(place):
    done(collect(place))
    typed = ("add", "ip", "--case", "R-1", "--address", "1.1.1.1", "--time", "2026-03-03T20:14:04Z")
    two_lines(run(place, *typed, "--from", "A-9/01"), 4)
    done(run(place, *typed, "--from", "A-1/01", "--place", "page 2, row 3", "--checked-by", "B. Example"))
    rows = [json.loads(line) for line in done(records(place, "A-2/01", "--json")).stdout.splitlines()[1:]]
    assert (rows[0]["source_item"], rows[0]["source_place"]) == ("A-1/01", "page 2, row 3")
    assert rows[0]["checked_by"] == "B. Example"
    paid = ("add", "payment", "--case", "R-1", "--chain", "bitcoin", "--txid", "0" * 63 + "1")
    two_lines(run(place, *paid, "--from-item", "A-9/01"), 4)
    done(run(place, *paid, "--from-item", "A-1/01", "--place", "line 3"))


def test_addresses_of_a_case_that_look_alike_are_told_whole(place):
    from custody.evidence.blockchain.encodings.eip55 import checksummed

    real, other = bytes.fromhex("dac1" + "7f" * 16 + "1ec7"), bytes.fromhex("dac1" + "2b" * 16 + "1ec7")
    for number, one in enumerate((real, other), 1):
        words = ("--chain", "ethereum", "--txid", f"0x{number:064x}", "--to", checksummed(one))
        done(run(place, "add", "payment", "--case", "R-1", *words))
    shown = done(records(place, "--case", "R-1"))
    assert "look alike and are not the same" in shown.stderr
    result = done(records(place, "--case", "R-1", "--json"))
    looked = json.loads(result.stdout.splitlines()[-1])
    LOOKED.validate(looked)
    (group,) = looked["lookalikes"]
    assert {one["address"].lower() for one in group["addresses"]} == {f"0x{real.hex()}", f"0x{other.hex()}"}
