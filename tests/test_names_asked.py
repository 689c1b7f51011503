"""Free text that could name a person is asked for, so that no shell remembers it: every option of every command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import click
import pytest

from custody.cli import main
from custody.cli import session as sessions
from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.keys import keyfile
from tests.test_cli_errors import Person, two_lines
from tests.test_cli_work import SMALL, done, run, value
from tests.test_records_work import LOG, TOY

ASKED = {
    "--account", "--address of a filter", "--checked-by", "--custodian-name", "--fingerprint", "--grep",
    "--legal-basis", "--name", "--note", "--organisation", "--place", "--purpose", "--read-from",
    "--recipient", "--sender", "--set", "--source", "--title",
}  # fmt: skip
"""Free text that could name a person, its place or its shelter: “-” asks."""
NOT_FREE = {
    "--again", "--amount", "--as", "--asset", "--block-hash", "--block-height", "--case", "--chain", "--class",
    "--contract", "--dest-address", "--dest-port", "--digest", "--done", "--event", "--exhibit", "--expect", "--flag",
    "--format", "--from", "--from-item", "--handling", "--item", "--offset", "--port", "--require", "--right", "--role",
    "--show", "--since", "--time", "--time-end", "--time-zone", "--to", "--transport", "--tsa", "--txid", "--until",
    "--with", "--withhold", "--address of a reference",
}  # fmt: skip
"""Numbers, times, addresses of machines and chains, words of closed lists, labels and references of cases."""


def options(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Option]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, (*path, name))
        return
    for one in command.params:
        if isinstance(one, click.Option) and isinstance(one.type, click.types.StringParamType):
            yield path, one


def test_every_option_that_takes_text_is_asked_for_or_is_no_free_text():
    seen = set()
    for path, option in options(main):
        name = option.opts[0]
        if name == "--address":
            name += " of a reference" if path[0] == "add" else " of a filter"
        seen.add(name)
        assert (name in ASKED) != (name in NOT_FREE), (path, name, "say which of both it is")
        if name in ASKED:
            assert "“-”" in (option.help or ""), (path, name)
    assert seen == ASKED | NOT_FREE


@pytest.fixture
def place(tmp_path, monkeypatch):
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
    (tmp_path / "access.log").write_bytes(LOG)
    done(run(here, "collect", tmp_path / "access.log", "--case", "R-1", "--yes", "--no-seal"))
    return here


def answering(monkeypatch, *answers):
    person = Person(*answers)
    monkeypatch.setattr(sessions, "terminal", person)
    return person


@pytest.mark.parametrize("option", ["--account", "--address"])
def test_what_is_looked_for_is_asked_for(place, monkeypatch, option):
    person = answering(monkeypatch, "anna" if option == "--account" else "10.0.0.0/8")
    shown = done(run(place, "records", "A-1/01", option, "-", "--json", "--purpose", "x"))
    numbers = [
        one["number"] for one in map(json.loads, shown.stdout.splitlines()[1:]) if one["record"] == "row"
    ]
    assert numbers == ([1, 4] if option == "--account" else [2])
    assert len(person.questions) == 1


def test_enter_looks_for_nothing_and_shows_all(place, monkeypatch):
    answering(monkeypatch, "")
    assert (
        "4 of 4 rows shown"
        in done(run(place, "records", "A-1/01", "--account", "-", "--purpose", "x")).stderr
    )


@pytest.mark.parametrize(
    "words",
    [
        ("records", "A-1/01", "--account", "-"),
        ("records", "A-1/01", "--address", "-"),
        ("messages", "A-1/01", "--sender", "-"),
        ("messages", "A-1/01", "--grep", "-"),
        ("picture", "logins", "--case", "R-1", "-o", "new.svg", "--account", "-"),
        ("picture", "logins", "--case", "R-1", "-o", "new.svg", "--address", "-"),
    ],
)
def test_where_nobody_can_be_asked_all_is_not_shown_instead(place, words):
    result = run(place, *words, "--purpose", "x")
    two_lines(result, 2)
    assert "nobody is there to be asked" in result.stderr
    assert "anna" not in result.stdout


@pytest.mark.parametrize("option", ["--sender", "--grep"])
def test_a_chat_is_searched_for_what_is_typed(place, monkeypatch, option):
    from custody.evidence.chat import whatsapp_text

    monkeypatch.setattr(chats, "READERS", (whatsapp_text.READER,))
    chat = "[01.02.22, 10:00:00] Made Up: hello there\n[01.02.22, 10:01:00] Other One: good evening\n"
    (place.folder / "WhatsApp Chat.txt").write_text(chat, "utf-8")
    done(run(place, "collect", place.folder / "WhatsApp Chat.txt", "--case", "R-1", "--yes", "--no-seal"))
    person = answering(monkeypatch, "other" if option == "--sender" else "evening")
    shown = done(run(place, "messages", "A-2/01", option, "-", "--purpose", "x"))
    assert "good evening" in shown.stdout
    assert "hello" not in shown.stdout
    assert len(person.questions) == 1


def test_who_read_it_back_and_where_it_stands_are_asked_for(place, monkeypatch):
    args = ("--case", "R-1", "--no-seal", "--source", "a letter", "--place", "-", "--checked-by", "-")
    answering(monkeypatch, "page 2", "B. Reader", "", "")
    words = ("--address", "203.0.113.9", "--time", "2026-03-04T01:02:03Z")
    value(run(place, "add", "ip", *words, *args, "--json"))
    monkeypatch.setattr(sessions, "terminal", sessions.Terminal())
    (row,) = rows_of(place, "A-2/01")
    assert (row["source_place"], row["checked_by"]) == ("page 2", "B. Reader")

    answering(monkeypatch, "an explorer", "", "B. Reader")
    paid = ("--chain", "bitcoin", "--txid", "11" * 32, "--read-from", "-")
    value(run(place, "add", "payment", *paid, *args, "--json"))
    monkeypatch.setattr(sessions, "terminal", sessions.Terminal())
    (row,) = rows_of(place, "A-3/01")
    assert (row["source_text"], row["checked_by"]) == ("an explorer", "B. Reader")
    assert "source_place" not in row

    # nobody is there: “-” is not what somebody said
    value(run(place, "add", "ip", *words, *args, "--json"))
    (row,) = rows_of(place, "A-4/01")
    assert "checked_by" not in row


def rows_of(place, item):
    lines = done(run(place, "records", item, "--json", "--purpose", "x")).stdout.splitlines()[1:]
    return [one for one in map(json.loads, lines) if one["record"] == "row"]


def test_whose_it_is_is_asked_for_where_an_address_is_typed(place, monkeypatch):
    person = answering(monkeypatch, "", "", "her phone")
    args = ("--case", "R-1", "--no-seal", "--address", "203.0.113.9", "--time", "2026-03-04T01:02:03Z")
    found = value(run(place, "add", "ip", *args, "--json"))
    assert person.answers == []
    assert "source.text" not in found["not_stated"]


def test_an_organisation_is_asked_for(place, monkeypatch, tmp_path):
    person = answering(monkeypatch, "A shelter")
    there = SimpleNamespace(**{**vars(place), "locker": tmp_path / "L2"})
    words = ("--name", "A. Tester", "--organisation", "-", "--no-recovery")
    done(run(there, "init", there.locker, *words))
    assert person.answers == []
    assert any("organisation" in one.lower() for one in person.questions)
