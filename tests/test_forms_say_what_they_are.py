"""What commands say of readable forms: never more than was looked at, whoever made the form and however."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.evidence.chat import registry as chats
from custody.evidence.chat.model import Conversation, Message
from custody.evidence.chat.normalise import MEDIA_TYPE as CHAT
from custody.evidence.chat.reader import Reader
from custody.evidence.reading import Detected, Notice, Range
from custody.evidence.records import registry
from custody.evidence.records.form import MEDIA_TYPE as ROWS
from custody.keys import keyfile
from custody.procedure.items import find_item
from custody.procedure.locker import Desk, Locker
from tests import desks
from tests.forged import forge
from tests.test_cli_errors import two_lines
from tests.test_cli_work import SMALL, done, run, value
from tests.test_records_work import LOG, TOY

SEED = "abandon " * 11 + "about"


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
    return here


def collect(place, name: str, data: bytes, *more: str) -> None:
    (place.folder / name).write_bytes(data)
    done(run(place, "collect", place.folder / name, "--case", "R-1", "--yes", *more))


def forged(place, label: str, data: bytes, media_type: str, **more) -> str:
    """A form of the item that custody did not make; its label."""
    own = keyfile.open_(place.key, b"a passphrase for tests")
    desk = Desk(Locker(place.locker), own, desks.make_rim())
    return forge(desk, find_item(desk, label), data, media_type, **more).label


def lines(*records: dict) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


NEWER = lines({"record": "import", "schema": "custody.chat/2"}, {"record": "something new"})


# --- reading that was not whole ---------------------------------------------------------------------------


def trouble(*, error: bool) -> Reader:
    def read(export, detected, settings) -> Iterator:
        data = export.members[0].open()
        yield Conversation("c", SEED, "export", "direct", "toy")
        yield Message(
            0, 0, 4, data.read(0, 4), "c", text="one", reply_to={"text": SEED},
            edit={"before": [SEED]}, sender_text=SEED,
        )  # fmt: skip
        yield Range(0, 4, 8, "unread", f"an unread {SEED}")
        yield Notice("odd", "something odd")
        if error:
            raise ValueError("a fault")
        yield Range(0, 8, data.size, "header")

    return Reader(
        name="toy", version=1, title="Toy", zone="none", read=read,
        detect=lambda _: Detected(score=95, reasons=("toy",)),
    )  # fmt: skip


@pytest.mark.parametrize("words", [(), ("--message", "1"), ("--grep", "nothing")])
def test_messages_say_that_reading_them_was_not_whole(place, monkeypatch, words):
    monkeypatch.setattr(chats, "READERS", (trouble(error=True),))
    collect(place, "chat.txt", b"one\ntwo\nthree\n")
    said = done(run(place, "messages", "A-1/01", "--purpose", "x", *words)).stderr
    assert "look: broken off" in said
    assert "look: odd" in said
    assert "1 range could not be read" in said
    assert "bytes were passed over" in said


def test_what_quotes_or_edits_a_wallet_s_secret_hides_it_too(place, monkeypatch):
    monkeypatch.setattr(chats, "READERS", (trouble(error=False),))
    collect(place, "chat.txt", b"one\ntwo\nthree\n")
    shown = done(run(place, "messages", "A-1/01", "--purpose", "x"))
    assert "abandon" not in shown.output
    assert shown.stdout.count("[hidden: ") == 5
    assert "hidden: what looks like a wallet's secret, 5 times" in shown.stderr
    assert "abandon" not in done(run(place, "show", "A-1/01", "--purpose", "x")).output


@pytest.mark.parametrize("words", [(), ("--csv",), ("--row", "1")])
def test_records_say_that_reading_them_was_not_whole(place, monkeypatch, words):
    def read(export, detected, settings):
        yield Range(0, 0, 8, "unread", "a line")
        raise ValueError("a fault")

    monkeypatch.setattr(registry, "READERS", (dataclasses.replace(TOY, read=read),))
    collect(place, "a.log", LOG)
    said = done(run(place, "records", "A-1/01", "--purpose", "x", *words)).stderr
    assert "1 range could not be read; their text is kept beside the rows" in said
    assert "broken off" in said or "reading ended early" in said
    assert "bytes were passed over" in said


# --- forms of a newer custody -------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "kind"), [("messages", CHAT), ("records", ROWS)])
def test_a_form_of_a_newer_version_is_not_passed_over_in_silence(place, monkeypatch, verb, kind):
    if kind == CHAT:
        monkeypatch.setattr(chats, "READERS", (trouble(error=False),))
        monkeypatch.setattr(registry, "READERS", ())
    collect(place, "a.log", LOG)
    older = "A-1/01.1"
    label = forged(place, "A-1/01", NEWER, kind.replace("v=1", "v=2"))
    for named in ("A-1/01", label):
        error, _ = two_lines(run(place, verb, named, "--purpose", "x"), 4)
        assert f"{label}: this readable form was made by a newer custody" in error
    done(run(place, verb, older, "--purpose", "x"))
    shown = run(place, "show", "A-1/01", "--purpose", "x")
    assert f"made by a newer custody, and not read here: {label}" in done(shown).stderr
    assert any(
        label in one for one in value(run(place, "show", "A-1/01", "--purpose", "x", "--json"))["warnings"]
    )


def test_over_a_case_a_form_of_a_newer_version_is_told_and_nothing_is_called_done(place):
    collect(place, "a.log", LOG)
    collect(place, "b.log", LOG + b"192.0.2.8 20:14:06 cara\n")
    label = forged(place, "A-2/01", NEWER, ROWS.replace("v=1", "v=2"))
    result = run(place, "records", "--case", "R-1", "--purpose", "x")
    said = done(result, 3).stderr
    assert f"not looked at: A-2/01: its rows in {label} were made by a newer custody" in said
    assert "from 1 item: A-1/01" in said
    lines_ = done(run(place, "records", "--case", "R-1", "--purpose", "x", "--json"), 3).stdout.splitlines()
    assert [one["label"] for one in json.loads(lines_[-1])["not_opened"]] == ["A-2/01"]
    drawn = run(place, "picture", "logins", "--case", "R-1", "-o", place.folder / "a.svg", "--purpose", "x")
    assert "not looked at: A-2/01" in done(drawn, 3).stderr
    assert "not everything was looked at" in (place.folder / "a.svg").read_text("utf-8")


def test_a_chat_whose_reader_was_named_was_not_asked_for_records(place, monkeypatch):
    """With --format one reader alone looks at an item: that it has no rows was found out by nobody."""
    monkeypatch.setattr(chats, "READERS", (trouble(error=False),))
    collect(place, "a.log", LOG, "--format", "toy")
    collect(place, "b.log", LOG + b"192.0.2.8 20:14:06 cara\n")
    said = done(run(place, "records", "--case", "R-1", "--purpose", "x")).stderr
    assert "no records were made of 1 item that may hold some: A-1/01" in said


# --- forms that custody did not make ------------------------------------------------------------------------


def form_of(place, label: str) -> bytes:
    return done(run(place, "read", label, "--purpose", "x")).stdout_bytes


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.replace(b'"rows":4', b'"rows":3'), "counts others than are in it"),
        (lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n", "without the account"),
        (lambda data: b"\n".join([*data.split(b"\n")[:3], *data.split(b"\n")[4:]]), "counts others"),
        (lambda data: b"not JSON\n" + data, "no record"),
        (lambda data: b"[1]\n" + data, "no record"),
        (lambda data: b"[" * 200_000 + b"\n" + data, "no record"),
        (lambda data: data[:-1], "ends within a line"),
    ],
)
@pytest.mark.parametrize("words", [("A-1/01",), ("--case", "R-1")])
def test_a_form_that_does_not_fit_itself_is_not_shown_as_one(place, change, why, words):
    collect(place, "a.log", LOG)
    changed = change(form_of(place, "A-1/01.1"))
    assert changed != form_of(place, "A-1/01.1")
    forged(place, "A-1/01", changed, ROWS)
    result = run(place, "records", *words, "--purpose", "x")
    # Over a case the others are shown, and the command ends as partly done.
    assert result.exit_code == (3 if "--case" in words else 1)
    assert why in result.stderr
    assert "Traceback" not in result.stderr


def test_that_a_form_says_what_its_item_says_is_not_claimed_by_anybody(place, tmp_path):
    """Somebody with a key and a changed program logs a form of his own: sealed, signed, counted, and not true."""
    collect(place, "a.log", LOG)
    changed = form_of(place, "A-1/01.1").replace(b"192.0.2.7", b"192.0.2.9")
    forged(place, "A-1/01", changed, ROWS, trees={"records": {"schema": "custody.rows/1"}})
    for words in ((), ("--deep",)):
        found = value(run(place, "check", *words, "--json"))
        (told,) = [one for one in found["findings"] if one["check"] == "derived"]
        assert told["outcome"] == "not checked"
        assert told["text"].startswith("whether what was derived (2 items) says what its originals say")
    out = tmp_path / "out.zip"
    done(run(place, "export", "--case", "R-1", "--plain", "--no-seal", "-o", out))
    found = value(run(place, "verify", out, "--json"), 6)
    (told,) = [one for one in found["findings"] if one["check"] == "derived"]
    assert (told["outcome"], told["text"]) == (
        "not checked",
        "derived items not compared with their originals here: 2",
    )
    done(
        run(place, "export", "A-1/01.1", "--case", "R-1", "--plain", "--no-seal", "-o", tmp_path / "form.zip")
    )
    found = value(run(place, "verify", tmp_path / "form.zip", "--json"), 6)
    (told,) = [one for one in found["findings"] if one["check"] == "derived"]
    assert (told["outcome"], told["where"]) == ("not checked", "A-1/01.1")
    # What the bytes say comes out when the item is read again.
    done(run(place, "derive", "A-1/01", "--purpose", "x", "--no-seal"))
    assert form_of(place, "A-1/01.3") == form_of(place, "A-1/01.1") != changed
