"""custody picture: three files that say the same, nothing overwritten, nothing half written, what was not looked at."""

from __future__ import annotations

import csv
import dataclasses
import errno
import io
import json
import os
import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.keys import keyfile
from custody.machine import NewFile
from custody.procedure import picture
from tests.test_cli_errors import two_lines
from tests.test_cli_work import SMALL, done, run, value
from tests.test_records_work import LOG, TOY

HOSTILE = "</text><script>alert(1)</script>‮]]>"


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    monkeypatch.setattr(registry, "READERS", (TOY,))
    monkeypatch.setattr(chats, "READERS", ())


@pytest.fixture
def place(tmp_path: Path):
    here = SimpleNamespace(
        locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase", folder=tmp_path
    )
    here.out = tmp_path / "out"
    here.out.mkdir()
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    (tmp_path / "access.log").write_bytes(LOG)
    done(run(here, "collect", tmp_path / "access.log", "--case", "R-1", "--yes"))
    return here


def typed(place, *more):
    done(
        run(
            place, "add", "ip", "--case", "R-1", "--address", "203.0.113.9", "--time", "2026-03-04T01:02:03Z", *more
        )
    )  # fmt: skip


def paid(place, *more):
    words = ("--chain", "bitcoin", "--txid", "ab" * 32, "--to", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", *more)
    done(run(place, "add", "payment", "--case", "R-1", *words))


def draw(place, kind="logins", name="a.svg", *more):
    return run(place, "picture", kind, "--case", "R-1", "-o", place.out / name, "--purpose", "x", *more)


def cells(place, name="a.csv") -> list[list[str]]:
    return list(csv.reader(io.StringIO((place.out / name).read_text("utf-8"), newline="")))


def html_rows(place, name="a.html") -> int:
    return (place.out / name).read_text("utf-8").count("<tr>") - 1


def test_three_files_and_their_numbers_are_the_same(place):
    typed(place)
    told = value(draw(place, "logins", "a.svg", "--json"))
    assert told["files"] == [str(place.out / f"a.{ending}") for ending in ("svg", "html", "csv")]
    assert sorted(one.name for one in place.out.iterdir()) == ["a.csv", "a.html", "a.svg"]
    # three rows of kind "ip" in the log (one row of it was not understood), and the one that somebody typed
    assert told["rows"] == len(cells(place)) - 1 == html_rows(place) == 4
    assert (told["left_out"], told["items"]) == (0, ["A-1/01", "A-2/01"])
    root = ET.parse(place.out / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    drawn = "".join(root.itertext())
    shown = [row for row in cells(place)[1:] if row[0] == "yes"]
    assert len(shown) == 3
    for row in shown:
        assert row[7] in drawn


def test_for_people(place):
    typed(place)
    said = done(draw(place))
    assert "drew 4 rows from 2 items" in said.stderr
    assert said.stdout.splitlines() == [str(place.out / f"a.{ending}") for ending in ("svg", "html", "csv")]
    assert "readable by whoever gets them" in said.stderr


def test_transfers(place):
    paid(place)
    paid(place, "--amount", "0.5", "--asset", "BTC")
    told = value(draw(place, "transfers", "a.svg", "--json"))
    assert told["rows"] == len(cells(place)) - 1 == html_rows(place) == 2
    assert "1BoatSLRHtKNngkdXEeobR76b53LETtpyT" in (place.out / "a.csv").read_text("utf-8")


def test_filters_are_those_of_records(place):
    typed(place)
    told = value(draw(place, "logins", "a.svg", "--json", "--address", "203.0.113.0/24"))
    assert told["rows"] == 1
    told = value(draw(place, "logins", "b.svg", "--json", "--from", "2026-03-04"))
    # the row of the log without a time may be one of them
    assert [row[7] for row in cells(place, "b.csv")[1:]] == ["203.0.113.9", "198.51.100.9"]
    assert told["rows"] == 2


def test_a_case_without_such_rows_is_drawn_and_says_so(place):
    told = value(draw(place, "transfers", "a.svg", "--json"))
    assert (told["rows"], len(cells(place)), html_rows(place)) == (0, 1, 0)
    ET.parse(place.out / "a.svg")


def test_what_was_not_looked_at_is_told_and_stands_with_the_table(place):
    (place.folder / "other.log").write_bytes(LOG + b"x")
    done(run(place, "collect", place.folder / "other.log", "--case", "R-1", "--yes", "--no-derive"))
    (place.folder / "kept.log").write_bytes(LOG + b"y")
    done(run(place, "collect", place.folder / "kept.log", "--case", "R-1", "--yes", "--register"))
    told = value(draw(place, "logins", "a.svg", "--json"))
    assert told["without"] == ["A-2/01"]
    assert [one["label"] for one in told["not_opened"]] == ["A-3/01"]
    assert told["doubts"] == [{"label": "A-1/01", "what": "open: zone"}]
    page = (place.out / "a.html").read_text("utf-8")
    assert "not looked at: A-3/01; no records were made of: A-2/01; in doubt: A-1/01" in page
    said = done(draw(place, "logins", "b.svg"))
    assert "not looked at: A-3/01: only registered" in said.stderr
    assert "no records were made of 1 item that may hold some: A-2/01" in said.stderr


def test_more_rows_than_a_table_takes_are_counted(place, monkeypatch):
    monkeypatch.setattr(picture, "MOST", 2)
    told = value(draw(place, "logins", "a.svg", "--json"))
    assert (told["rows"], told["left_out"], html_rows(place)) == (2, 1, 2)
    assert "1 rows more than a table takes are not in it" in (place.out / "a.html").read_text("utf-8")
    paid(place)
    paid(place, "--amount", "1", "--asset", "BTC")
    paid(place, "--amount", "2", "--asset", "BTC")
    told = value(draw(place, "transfers", "b.svg", "--json"))
    assert (told["rows"], told["left_out"]) == (2, 1)


def test_hostile_names_are_text_in_all_three(place):
    typed(place, "--account", HOSTILE)
    typed(place, "--account", "=1+1")
    done(draw(place))
    for name in ("a.svg", "a.html"):
        text = (place.out / name).read_text("utf-8")
        assert "<script" not in text
        assert "‮" not in text
    ET.parse(place.out / "a.svg")
    assert not re.search(r'(^|,)"?=', (place.out / "a.csv").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("ending", ["svg", "html", "csv"])
def test_nothing_is_overwritten(place, ending):
    there = place.out / f"a.{ending}"
    there.write_text("mine")
    before = entries(place)
    two_lines(draw(place), 4)
    assert there.read_text() == "mine"
    assert [one.name for one in place.out.iterdir()] == [there.name]
    assert entries(place) == before  # nothing was opened for it


def entries(place) -> int:
    return len(value(run(place, "log", "--json"))["entries"])


def test_a_dangling_link_is_a_file_that_is_there(place):
    (place.out / "a.csv").symlink_to(place.out / "elsewhere")
    two_lines(draw(place), 4)
    assert not (place.out / "elsewhere").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("logins", "--case", "R-1", "-o", "{out}/a.png"), 4),
        (("logins", "--case", "R-9", "-o", "{out}/a.svg"), 4),
        (("logins", "--case", "R-1", "-o", "{out}/none/a.svg"), 5),
        (("logins", "--case", "R-1", "-o", "{locker}/a.svg"), 4),
        (("logins", "--case", "R-1", "-o", "{locker}/staging/a.svg"), 4),
        (("logins", "-o", "{out}/a.svg"), 2),
        (("logins", "--case", "R-1"), 2),
        (("nothing", "--case", "R-1", "-o", "{out}/a.svg"), 2),
        (("logins", "--case", "R-1", "-o", "{out}/a.svg", "--from", "yesterday"), 2),
        (("logins", "--case", "R-1", "-o", "{out}/a.svg", "--address", "192.0.2.7/24"), 2),
    ],
)
def test_what_can_not_be(place, words, code):
    given = [word.format(out=place.out, locker=place.locker) for word in words]
    two_lines(run(place, "picture", *given, "--purpose", "x"), code)
    assert list(place.out.iterdir()) == []
    assert list(place.locker.rglob("*.svg")) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("step", ["begin", "place"])
def test_nothing_is_left_half_written(place, monkeypatch, error, at, step):
    calls = []
    name = {"begin": "__enter__", "place": "place"}[step]
    real = getattr(NewFile, name)

    def fails(self):
        # only the picture's own files: the locker has others
        if self.output.parent == place.out:
            calls.append(self.output)
            if len(calls) == at:
                raise error
        return real(self)

    monkeypatch.setattr(NewFile, name, fails)
    result = draw(place)
    assert len(calls) == at
    assert result.exit_code in (5, 130)
    assert list(place.out.iterdir()) == []
    monkeypatch.setattr(NewFile, name, real)
    done(draw(place))


def test_a_file_that_came_meanwhile_stays(place, monkeypatch):
    real = NewFile.place

    def late(self):
        if self.output.name == "a.csv":
            self.output.write_text("mine")
        return real(self)

    monkeypatch.setattr(NewFile, "place", late)
    assert "a.csv" in two_lines(draw(place), 4)[0]
    assert [(one.name, one.read_text()) for one in place.out.iterdir()] == [("a.csv", "mine")]


@pytest.mark.skipif(os.name == "nt", reason="no modes of files there")
def test_only_who_drew_it_can_read_it(place):
    done(draw(place))
    assert {stat.S_IMODE(one.stat().st_mode) for one in place.out.iterdir()} == {0o600}


def test_every_opening_is_logged(place):
    done(draw(place))
    kinds = [one["kind"] for one in value(run(place, "log", "--item", "A-1/01.1", "--json"))["entries"]]
    assert kinds == ["item.derived", "item.accessed"]
    assert json.dumps(value(run(place, "check", "--json")))


@pytest.mark.parametrize(
    ("row", "strengths"),
    [
        ({"status": "confirmed"}, ["stated", "proven"]),
        ({"status": "in_block"}, ["stated", "proven"]),
        ({"status": "failed"}, ["stated", "stated"]),
        ({"status": "unconfirmed"}, ["stated", "stated"]),
        ({"status": "unknown"}, ["stated", "stated"]),
        ({}, ["stated", "stated"]),
        ({"status": "confirmed", "details": {"asks": "a contract"}}, ["stated", "stated"]),
        ({"status": "confirmed", "verdicts": []}, ["stated", "stated"]),
    ],
)
def test_solid_is_only_what_the_bytes_say_of_a_payment_that_nobody_calls_failed(row, strengths):
    from custody.procedure.picture import transfers_of

    bitcoin = {
        "item": "A-1/01", "number": 1, "chain": "bitcoin", "verdicts": [{"of": "transaction", "level": "hash_matches"}],
        "transfers": [{"from": "a", "amount_units": "3"}, {"to": "b", "amount_units": "2"}],
    }  # fmt: skip
    assert [one.strength for one in transfers_of({**bitcoin, **row})] == strengths


def test_a_picture_says_that_not_all_was_looked_at():
    from custody.procedure.picture import _partly
    from custody.procedure.records import CaseRows

    assert _partly(CaseRows(), 0) == ""
    assert "not everything" in _partly(CaseRows(), 1)
    assert "not everything" in _partly(CaseRows(not_opened=[("A-1/01", "no key")]), 0)


def test_a_picture_of_chosen_rows_says_so(place):
    """It goes round alone: who gets it must not take a choice for all that there is."""
    typed(place)
    value(draw(place, "logins", "all.svg", "--json"))
    assert "chosen rows" not in (place.out / "all.svg").read_text("utf-8")
    value(draw(place, "logins", "some.svg", "--json", "--address", "203.0.113.0/24", "--from", "2026-03-01"))
    assert "chosen rows: see the table" in (place.out / "some.svg").read_text("utf-8")
    page = (place.out / "some.html").read_text("utf-8")
    assert "only rows that may be of: from 2026-03-01, address 203.0.113.0/24" in page


def test_no_secret_of_a_wallet_is_drawn(place, monkeypatch):
    seed = "abandon " * 11 + "about"

    def read(export, detected, settings):
        for row in TOY.read(export, detected, settings):
            yield row._replace(values={**row.values, "account": seed}) if hasattr(row, "values") else row

    monkeypatch.setattr(registry, "READERS", (dataclasses.replace(TOY, read=read),))
    (place.folder / "seeds.log").write_bytes(LOG + b"z")
    done(run(place, "collect", place.folder / "seeds.log", "--case", "R-1", "--yes"))
    value(draw(place, "logins", "a.svg", "--json"))
    for ending in ("svg", "html", "csv"):
        assert "abandon" not in (place.out / f"a.{ending}").read_text("utf-8")
    assert "[hidden: the words of a wallet" in (place.out / "a.csv").read_text("utf-8")
