"""The commands of a working day, on one locker; what they print as JSON is what the schemas say."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from click.testing import CliRunner

from custody.anchor.test_authority import TestAuthority
from custody.cli import main
from custody.cli import session as sessions
from custody.errors import MachineError
from custody.keys import keyfile
from custody.keys.keyfile import KdfParams
from tests.test_cli_errors import Person, two_lines

REPO = Path(__file__).resolve().parent.parent
SMALL = KdfParams(memory_kib=64, passes=1, lanes=1)
CONTENT = b"hello, this is evidence\n"


@pytest.fixture(scope="module", autouse=True)
def _quick_keys():
    """Key files made here cost nothing to open; the real cost is test_keyfile's matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
        yield


def run(place, *args, **kwargs):
    options = ["--key", place.key, "--passphrase-file", place.passphrase, "--locker", place.locker]
    return CliRunner().invoke(main, [*map(str, options), *map(str, args)], **kwargs)


def done(result, code=0):
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.stderr
    return result


def value(result, code=0):
    """The one JSON object on standard output, which the command's schema describes."""
    done(result, code)
    found = json.loads(result.stdout)
    name = found["schema"].removesuffix("/1")
    schema = json.loads((REPO / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A locker with a test authority, a case and two items, made by the command line."""
    folder = tmp_path_factory.mktemp("work")
    made = SimpleNamespace(
        folder=folder, key=folder / "key", passphrase=folder / "passphrase", locker=folder / "locker"
    )
    made.passphrase.write_text("a passphrase for tests only\n")
    made.passphrase.chmod(0o600)
    evidence = folder / "evidence"
    evidence.mkdir()
    (evidence / "one.txt").write_bytes(CONTENT)
    Path(os.fsdecode(bytes(evidence) + b"/we\nird\xff.txt")).write_bytes(b"two")
    authority = TestAuthority(clock=lambda: dt.datetime.now(dt.UTC))
    root = folder / "root.pem"
    root.write_bytes(authority.root_pem)
    with authority.serve() as url:
        made.url = url
        args = [
            "init",
            "--name",
            "A. Investigator",
            "--no-recovery",
            "--tsa",
            url,
            "--tsa-root",
            root,
            "--json",
        ]
        made.init = value(run(made, *args))
        made.case = value(run(made, "case", "open", "REF-1", "--json"))
        made.collected = run(made, "collect", evidence, "--case", "REF-1", "--yes", "--json")
        made.sealed = run(made, "seal", "--json")
    return made


def test_init_says_what_it_made(place):
    assert place.init["key_made"] is True
    assert place.init["recovery"] == "none"
    assert len(place.init["fingerprint"].split()) == 12
    assert (place.key.stat().st_mode & 0o777) == 0o600


def test_collect_says_what_came_in_and_that_the_authority_is_a_test(place):
    found = value(place.collected)
    assert [item["label"] for item in found["items"]] == ["A-1/01", "A-1/02"]
    assert found["items"][0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert "bytes" in found["items"][1]["path"]
    lines = "".join(f"{item['sha256']}\n" for item in found["items"])
    assert found["digest"] == hashlib.sha256(lines.encode()).hexdigest()
    assert "test authority, not for court" in place.collected.stderr
    assert found["sealed"]["tokens"][0]["note"] == "test authority, not for court"
    assert str(place.folder / "evidence") in place.collected.stderr


def test_seal_has_nothing_more_to_do(place):
    assert value(place.sealed)["why_not"] is None


@pytest.fixture
def opened_in(monkeypatch):
    """The names of the threads in which key files are opened from here on."""
    threads = []
    real = keyfile.open_

    def open_(*args, **kwargs):
        threads.append(threading.current_thread().name)
        return real(*args, **kwargs)

    monkeypatch.setattr(keyfile, "open_", open_)
    return threads


@pytest.mark.parametrize(
    ("words", "opens"),
    [
        (("custodian", "list"), True),
        (("list", "--names", "--purpose", "x"), True),
        (("list",), False),
        (("check", "--no-key"), False),
        (("check",), True),
        (("todo",), False),
    ],
)
def test_a_key_file_whose_passphrase_is_in_a_file_is_opened_once_and_beside_the_loading(
    place, opened_in, words, opens
):
    done(run(place, *words))
    assert len(opened_in) == opens
    assert "MainThread" not in opened_in


def test_what_is_wrong_with_the_key_is_told_as_without_the_thread(place, opened_in, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase than that\n")
    wrong.chmod(0o600)
    options = ["--locker", str(place.locker), "--key", str(place.key), "--passphrase-file"]
    result = CliRunner().invoke(main, [*options, str(wrong), "custodian", "list"])
    assert result.exit_code == 12
    assert "the key file does not open with this passphrase" in result.stderr
    assert len(opened_in) == 1, "a wrong passphrase is tried once, and costs once"
    result = CliRunner().invoke(main, [*options, str(tmp_path / "none"), "custodian", "list"])
    assert result.exit_code == 4
    assert "there is no such passphrase file" in result.stderr
    options[3] = str(tmp_path / "no key")
    result = CliRunner().invoke(main, [*options, str(wrong), "custodian", "list"])
    assert result.exit_code == 4
    assert "there is no key file" in result.stderr
    assert len(opened_in) == 1


def test_a_passphrase_that_is_typed_is_not_waited_for_in_a_thread(place, opened_in, monkeypatch):
    monkeypatch.setattr(sessions, "terminal", Person("a passphrase for tests only"))
    options = ["--locker", str(place.locker), "--key", str(place.key)]
    done(CliRunner().invoke(main, [*options, "custodian", "list"]))
    assert opened_in == ["MainThread"]


def test_list_opens_nothing_and_asks_for_no_passphrase(place):
    result = CliRunner().invoke(main, ["list", "--locker", str(place.locker), "--json"])
    found = value(result)
    assert [item["label"] for item in found["items"]] == ["A-1/01", "A-1/02"]
    assert "one.txt" not in result.output
    before = value(run(place, "log", "--json"))
    assert before["entries"] == value(run(place, "log", "--json"))["entries"]


def test_list_by_case_and_with_names_is_logged_first(place):
    assert len(value(run(place, "list", "--case", "REF-1", "--json"))["items"]) == 2
    before = len(value(run(place, "log", "--json"))["entries"])
    result = done(run(place, "list", "--case", "REF-1", "--names", "--purpose", "a test"))
    assert "one.txt" in result.stdout
    assert "we\\u000aird\\xff.txt" in result.stdout
    entries = value(run(place, "log", "--json"))["entries"]
    assert [entry["kind"] for entry in entries[before:]] == ["case.consulted"]
    named = value(run(place, "list", "--names", "--json"))
    assert named["items"][0]["name"] == {"text": "one.txt"}


def test_show_log_todo_and_the_case(place):
    shown = value(run(place, "show", "A-1/01", "--purpose", "a test", "--json"))
    assert shown["item"][0]["parts"]["name"]["name"] == {"text": "one.txt"}
    text = done(run(place, "show", "A-1/02")).stdout
    assert "content.size: 3" in text
    assert "\n  record" in text
    assert re.search(r"name\.times: changed 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, modified 20\d\d-", text)
    item = value(run(place, "log", "--item", "A-1/01", "--json"))
    assert item["entries"][0]["kind"] == "item.collected"
    opened = value(run(place, "log", "--case", "REF-1", "--names", "--json"))
    assert any(entry["parts"] for entry in opened["entries"])
    assert "case.opened" in done(run(place, "log", "--case", "REF-1")).stdout
    todo = value(run(place, "todo", "--fields", "--json"))
    assert todo["fields"][0]["unassessed"] == 2
    assert "nobody has said what to be careful of with 2 items" in done(run(place, "todo", "--fields")).stdout
    assert value(run(place, "todo", "--json"))["fields"] is None
    assert "no way back" in done(run(place, "todo")).stdout
    assert value(run(place, "case", "show", "REF-1", "--json"))["case"]["reference"] == "REF-1"
    assert value(run(place, "case", "list", "--names", "--json"))["cases"][0]["reference"] == "REF-1"
    assert value(run(place, "case", "list", "--json"))["cases"][0]["reference"] is None


def test_read_gives_identical_bytes_and_counts_the_copy(place, tmp_path):
    back = tmp_path / "back"
    found = value(run(place, "read", "A-1/01", "-o", back, "--purpose", "a test", "--json"))
    assert back.read_bytes() == CONTENT
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert value(run(place, "todo", "--json"))["open_copies"][0]["label"] == "A-1/01"
    two_lines(run(place, "read", "A-1/01", "-o", back), 4)
    assert value(run(place, "read", "--done", "A-1/01", "--json"))["done"] is True
    assert value(run(place, "todo", "--json"))["open_copies"] == []
    two_lines(run(place, "read", "--done", "A-1/01"), 4)
    assert done(run(place, "read", "A-1/01", "--purpose", "a test")).stdout_bytes == CONTENT
    by_id = value(place.collected)["items"][1]["id"]
    assert done(run(place, "read", by_id)).stdout_bytes == b"two"


def test_evidence_is_not_written_to_a_terminal(place, monkeypatch):
    from custody.cli import read as reading

    class Tty:
        stdout = SimpleNamespace(isatty=lambda: True)

    monkeypatch.setattr(reading, "sys", Tty())
    two_lines(run(place, "read", "A-1/01"), 2)


def test_check_names_nothing_wrong_and_then_what_is(place, tmp_path):
    assert value(run(place, "check", "--json"))["with_key"] is True
    assert value(run(place, "check", "--no-key", "--json"))["with_key"] is False
    assert value(run(place, "check", "--deep", "--json"))["deep"] is True
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(place.locker, copy)
    victim = next(
        path for path in sorted((copy / "vault").rglob("*")) if path.is_file() and path.stat().st_size > 64
    )
    data = bytearray(victim.read_bytes())
    data[40] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    broken = SimpleNamespace(**{**vars(place), "locker": copy})
    two = [line for line in run(broken, "check").stderr.splitlines() if line.startswith("custody: ")]
    assert run(broken, "check").exit_code == 1
    assert len(two) == 2
    assert value(run(broken, "check", "--json"), 1)["passed"] is False


def test_export_trust_and_verify(place, tmp_path):
    package, trust = tmp_path / "out.zip", tmp_path / "trust.json"
    preview = value(run(place, "export", "--case", "REF-1", "--preview", "--json"))
    assert (preview["items"], preview["of_items"]) == (2, 2)
    assert "--withhold name" in done(run(place, "export", "--case", "REF-1", "--preview")).stderr
    less = done(run(place, "export", "--case", "REF-1", "--withhold", "name", "--preview")).stderr
    assert "--withhold name" not in less
    plain = value(run(place, "export", "--case", "REF-1", "-o", package, "--plain", "--no-seal", "--json"))
    assert plain["passphrase"] is None
    made = value(run(place, "trust", "init", "--from-locker", "-o", trust, "--json"))
    assert made["ledgers"][0]["fingerprint"] == place.init["fingerprint"]
    assert made["authorities"][0]["test"] is True
    report = value(CliRunner().invoke(main, ["verify", str(package), "--trust", str(trust), "--json"]), 0)
    assert report["record"] == "INTACT"
    assert report["test_authority"] is True
    unknown = CliRunner().invoke(main, ["verify", str(package)])
    assert (unknown.exit_code, unknown.stderr) == (6, "")
    assert "NOT CONFIRMED" in unknown.stdout
    words = place.init["fingerprint"]
    assert value(CliRunner().invoke(main, ["verify", str(package), "--fingerprint", words, "--json"]), 6)[
        "origin_confirmed"
    ]
    other = tmp_path / "other.json"
    args = ["trust", "add", str(package), "--trust", str(other), "--fingerprint", words, "--json"]
    value(CliRunner().invoke(main, ["trust", "init", "-o", str(other), "--json"]))
    added = value(CliRunner().invoke(main, args))
    assert added["ledgers"][0]["fingerprint"] == words
    shown = CliRunner().invoke(main, ["trust", "show", "--trust", str(trust)])
    assert "test authority, not for court" in done(shown).stdout
    value(CliRunner().invoke(main, ["trust", "show", "--trust", str(trust), "--json"]))


def test_a_changed_package_is_1_and_two_lines(place, tmp_path):
    package = tmp_path / "out.zip"
    done(run(place, "export", "A-1/01", "--case", "REF-1", "-o", package, "--plain", "--no-seal"))
    data = bytearray(package.read_bytes())
    data[data.index(CONTENT)] ^= 1
    package.write_bytes(data)
    result = CliRunner().invoke(main, ["verify", str(package)])
    two_lines(result, 1)
    assert result.stdout.startswith("DOES NOT MATCH\n")


def test_an_encrypted_package_opens_with_its_printed_passphrase(place, tmp_path):
    package, words = tmp_path / "out.zip", tmp_path / "words"
    made = value(run(place, "export", "--case", "REF-1", "-o", package, "--no-seal", "--json"))
    assert CONTENT not in package.read_bytes()
    two_lines(CliRunner().invoke(main, ["verify", str(package)]), 12)
    words.write_text(made["passphrase"] + "\n")
    words.chmod(0o600)
    opened = CliRunner().invoke(main, ["verify", str(package), "--passphrase-file", str(words)])
    assert done(opened, 6).stdout.startswith("INTACT\n")
    words.write_text("abandon ability able about above absent absorb abstract absurd abuse\n")
    two_lines(CliRunner().invoke(main, ["--passphrase-file", str(words), "verify", str(package)]), 12)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_withheld_names_are_not_in_the_report(place, tmp_path):
    package = tmp_path / "out.zip"
    done(
        run(
            place,
            "export",
            "--case",
            "REF-1",
            "-o",
            package,
            "--plain",
            "--no-seal",
            "--withhold",
            "name, source",
        )
    )
    result = done(CliRunner().invoke(main, ["verify", str(package)]), 6)
    assert "one.txt" not in result.stdout
    two_lines(run(place, "export", "--case", "REF-1", "-o", tmp_path / "x", "--withhold", "faces"), 2)


# --- adding by hand -------------------------------------------------------------------------------------


def test_an_address_and_a_payment(place):
    args = ["--case", "REF-1", "--json", "--no-seal", "--source", "a letter"]
    ip = run(place, "add", "ip", "--address", "203.0.113.7:51234", "--time", "2026-11-03 20:14:05", *args)
    found = value(ip)
    assert found["items"][0]["media_type"] == "application/vnd.custody.ip-reference+json;v=1"
    assert "203.0.113.7:51234" in ip.stderr
    assert "instant      not stated" in ip.stderr
    value(run(place, "add", "payment", "--chain", "tron", "--txid", "5a0e", *args))
    said = done(run(place, "add", "payment", "--chain", "tron", "--txid", "5a0e", *args)).stderr
    assert "look at: txid_form_unknown: the id has not the form of its chain's ids" in said
    two_lines(run(place, "add", "payment", "--chain", "nonsense chain", "--txid", " ", *args), 4)


def test_a_payment_tells_what_its_texts_are_worth(place):
    args = ["--case", "REF-1", "--json", "--no-seal", "--source", "a letter"]
    good = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    bad = good[:-1] + "u"
    made = run(
        place, "add", "payment", "--chain", "tron", "--txid", "ab" * 32, "--to", good, "--from", bad, *args
    )
    value(made)
    assert "the receiver: checksum matches" in made.stderr
    assert "the receiver in blocks: TR7N HqjeKQxG".replace("eKQxG", "e KQxG") in made.stderr
    assert "the sender: the checksum does not match" in made.stderr
    open_chain = run(place, "add", "payment", "--chain", "unknown", "--txid", "ab" * 32, *args)
    value(open_chain)
    assert "the chain is an open question; the texts fit: bitcoin, tron, " in open_chain.stderr


def test_a_secret_is_refused_before_anything_else_and_not_repeated(place):
    secret = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    result = run(
        place, "add", "payment", "--case", "REF-1", "--chain", "btc", "--txid", "ab" * 32, "--to", secret
    )
    two_lines(result, 4)
    assert "the words of a wallet" in result.stderr
    assert "collect" in result.stderr
    for word in secret.split():
        assert f" {word} " not in result.output


# --- people ---------------------------------------------------------------------------------------------


def test_every_flag_of_what_is_typed_has_words():
    from custody.cli.add import flag_words
    from custody.evidence.blockchain.payment import PAYMENT_FLAGS
    from custody.evidence.network.ip import IP_FLAGS, TIME_FLAGS

    unexplained = [flag for flag in (*PAYMENT_FLAGS, *IP_FLAGS, *TIME_FLAGS) if "docs/" in flag_words(flag)]
    assert unexplained == []
    assert "docs/reference/typed-items.md" in flag_words("a-flag-of-later")


def test_a_second_custodian_comes_reads_and_goes(place, tmp_path):
    second = SimpleNamespace(**{**vars(place), "key": tmp_path / "second"})
    new = value(run(place, "custodian", "new", "-o", second.key, "--json"))
    two_lines(run(place, "custodian", "new", "-o", second.key), 4)
    added = value(run(place, "custodian", "add", new["public_file"], "--name", "B. Colleague", "--json"))
    assert added["key_id"] == new["key_id"]
    two_lines(run(second, "read", "A-1/01"), 12)
    key = new["key_id"][:8]
    value(run(place, "custodian", "grant", key, "--case", "REF-1", "--right", "read", "--json"))
    assert done(run(second, "read", "A-1/01")).stdout_bytes == CONTENT
    people = value(run(place, "custodian", "list", "--json"))["custodians"]
    assert [person["name"] for person in people] == ["A. Investigator", "B. Colleague"]
    assert "B. Colleague" in done(run(place, "custodian", "list")).stdout
    value(run(place, "custodian", "revoke", key, "--case", "REF-1", "--right", "read", "--json"))
    two_lines(run(second, "read", "A-1/01"), 12)
    value(run(place, "custodian", "retire", key, "--json"))
    states = [person["state"] for person in value(run(place, "custodian", "list", "--json"))["custodians"]]
    assert states == ["in force", "retired"]
    two_lines(run(place, "custodian", "retire", "abcdefabcdef"), 4)
    two_lines(run(place, "custodian", "retire", place.init["custodian"][:10]), 4)


def test_another_passphrase_opens_the_key_file_and_the_old_one_does_not(place, tmp_path, monkeypatch):
    monkeypatch.setitem(keyfile.KeyFile.rekey.__kwdefaults__, "params", SMALL)
    own = SimpleNamespace(**{**vars(place), "key": tmp_path / "own"})
    made = value(run(own, "custodian", "new", "-o", own.key, "--json"))
    copy = SimpleNamespace(**{**vars(place), "key": tmp_path / "copy"})
    copy.key.write_bytes(own.key.read_bytes())
    # --passphrase-file holds the old one: it is never taken for the new one too
    two_lines(run(own, "custodian", "passphrase"), 2)
    new = tmp_path / "new"
    new.write_text("another one, for tests only\n")
    new.chmod(0o600)
    told = value(run(own, "custodian", "passphrase", "--new-passphrase-file", new, "--json"))
    assert told["key_id"] == made["key_id"]
    two_lines(run(own, "custodian", "passphrase", "--new-passphrase-file", new), 12)
    own.passphrase = new
    said = done(run(own, "custodian", "passphrase", "--new-passphrase-file", place.passphrase)).stderr
    assert "Copies of it that were made before still open with the old one" in said
    done(run(copy, "custodian", "passphrase", "--new-passphrase-file", new))
    unattended = SimpleNamespace(**{**vars(place), "key": tmp_path / "machine"})
    done(run(unattended, "custodian", "new", "--unattended", "-o", unattended.key))
    before = unattended.key.read_bytes()
    two_lines(run(unattended, "custodian", "passphrase", "--new-passphrase-file", new), 4)
    assert unattended.key.read_bytes() == before


def test_a_compromised_key(place, tmp_path):
    lost = SimpleNamespace(**{**vars(place), "key": tmp_path / "lost"})
    new = value(run(lost, "custodian", "new", "--public", tmp_path / "lost.public", "--json"))
    done(run(place, "custodian", "add", tmp_path / "lost.public", "--right", "collect"))
    told = value(
        run(
            place,
            "custodian",
            "compromised",
            new["key_id"][:9],
            "--since",
            "2026-03-04T05:06:07+01:00",
            "--json",
        )
    )
    assert told["since"] == "2026-03-04T04:06:07Z"


def test_an_unattended_key_has_no_passphrase_and_reads_nothing(tmp_path):
    result = CliRunner().invoke(
        main, ["custodian", "new", "-o", str(tmp_path / "k"), "--unattended", "--json"]
    )
    assert value(result)["unattended"] is True
    assert keyfile.needs_passphrase(tmp_path / "k") is False


def test_a_signing_key_can_be_brought_along(place, tmp_path):
    from custody.crypto.keys import SignKey
    from custody.keys import exchange

    own = SignKey(bytes(range(32)))
    private = tmp_path / "private.pem"
    private.write_bytes(exchange.export_pkcs8(own, b"its own passphrase"))
    args = ["custodian", "new", "-o", tmp_path / "k", "--import", private, "--json"]
    two_lines(run(place, *args), 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "terminal", Person("its own passphrase"))
        assert value(run(place, *args))["key_id"] == own.key_id


def test_a_recovery_sheet_is_asked_back_and_makes_a_key_that_reads(place, tmp_path, monkeypatch):
    sheet, locker = tmp_path / "sheet.txt", tmp_path / "locker"
    mine = SimpleNamespace(**{**vars(place), "locker": locker})

    class Reader(Person):
        """Reads the words off the paper."""

        def line(self, question):
            self.questions.append(question)
            if not question.startswith("Word "):
                return ""
            number = int(question.removeprefix("Word ").removesuffix(": "))
            return words_of(sheet)[number - 1]

    reader = Reader()
    monkeypatch.setattr(sessions, "terminal", reader)
    made = done(run(mine, "init", "--recovery-sheet", sheet))
    assert sum(question.startswith("Word ") for question in reader.questions) == 3
    assert "The sheet can be read" in made.stderr
    assert (sheet.stat().st_mode & 0o777) == 0o600
    assert " ".join(words_of(sheet)[:3]) not in made.stdout + made.stderr
    monkeypatch.setattr(sessions, "terminal", sessions.Terminal())
    done(run(mine, "case", "open", "REF-2"))
    done(run(mine, "collect", place.folder / "evidence" / "one.txt", "--case", "REF-2", "--yes", "--no-seal"))
    typed = tmp_path / "typed"
    typed.write_text(" ".join(words_of(sheet)))
    back = SimpleNamespace(**{**vars(mine), "key": tmp_path / "recovered"})
    result = run(back, "custodian", "recover", "-o", back.key, "--words-file", typed, "--json")
    assert value(result)["remembers_head"] is False
    assert "It remembers nothing" in result.stderr
    assert done(run(back, "read", "A-1/01")).stdout_bytes == CONTENT
    two_lines(run(back, "custodian", "recover", "-o", tmp_path / "r2"), 2)


def words_of(sheet):
    import re

    text = sheet.read_text("utf-8")
    grid = text[text.index("THE 24 WORDS") : text.index("HOW TO USE IT")]
    found = {int(number): word for number, word in re.findall(r"(\d+) ([a-z]+)", grid)}
    return [found[number] for number in range(1, 25)]


def test_init_leaves_nothing_when_it_fails(place, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").write_text("x")
    there = SimpleNamespace(**{**vars(place), "locker": taken})
    sheet = tmp_path / "sheet"
    two_lines(run(there, "init", "--name", "x", "--recovery-sheet", sheet), 4)
    assert not sheet.exists()
    inside = tmp_path / "inside"
    there.locker = inside
    two_lines(run(there, "init", "--name", "x", "--recovery-sheet", inside / "sheet"), 2)
    from custody.procedure import setup

    def refuses(*_args, **_options):
        assert sheet.exists()  # its place is held before the locker is made
        raise MachineError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "init", refuses)
        two_lines(run(there, "init", "--name", "x", "--recovery-sheet", sheet), 5)
    assert not sheet.exists()
    sheet.write_text("mine")
    two_lines(run(there, "init", "--name", "x", "--recovery-sheet", sheet), 4)
    assert sheet.read_text() == "mine"
    assert not inside.exists()


# --- the errors of a working day ------------------------------------------------------------------------


def test_errors_of_a_working_day(place, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("not the passphrase\n")
    wrong.chmod(0o600)
    two_lines(run(SimpleNamespace(**{**vars(place), "passphrase": wrong}), "list", "--case", "REF-1"), 12)
    two_lines(run(SimpleNamespace(**{**vars(place), "locker": tmp_path / "none"}), "list"), 10)
    two_lines(run(SimpleNamespace(**{**vars(place), "key": tmp_path / "none"}), "list", "--case", "REF-1"), 4)
    two_lines(run(place, "list", "--case", "NO-SUCH"), 4)
    two_lines(run(place, "collect", tmp_path / "none", "--case", "REF-1", "--yes"), 4)
    two_lines(run(place, "show", "Z-9/01"), 4)
    text = tmp_path / "text.zip"
    text.write_text("no package at all")
    two_lines(CliRunner().invoke(main, ["verify", str(text)]), 4)
    value(CliRunner().invoke(main, ["verify", str(text), "--json"]), 4)
    two_lines(CliRunner().invoke(main, ["verify", str(tmp_path / "none.zip")]), 4)
    two_lines(CliRunner().invoke(main, ["verify", str(tmp_path)]), 4)
    two_lines(CliRunner().invoke(main, ["verify", str(text), "--fingerprint", "one two"]), 4)
    two_lines(CliRunner().invoke(main, ["trust", "show", "--trust", str(text)]), 4)


def test_what_is_refused_is_listed_and_the_rest_is_in(place, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("aaa")
    (tmp_path / "in" / "link").symlink_to("/nowhere")
    result = run(place, "collect", tmp_path / "in", "--case", "REF-1", "--yes", "--no-seal")
    assert result.exit_code == 3
    assert "a symbolic link" in result.stderr
    assert "count    1" in result.stdout
    assert result.stderr.count("custody: error: ") == 1


def test_many_files_need_a_yes(place, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for number in range(51):
        (tmp_path / "in" / str(number)).write_text(str(number))
    two = run(place, "collect", tmp_path / "in", "--case", "REF-1")
    assert two.exit_code == 2
    assert "51 files" in two.stderr
    monkeypatch.setattr(sessions, "terminal", Person("n"))
    assert run(place, "collect", tmp_path / "in", "--case", "REF-1").exit_code == 130


def test_standard_input_a_form_and_the_senders_digest(place, tmp_path):
    form = tmp_path / "form.toml"
    form.write_text('[capture]\nmethod = "exported"\n[source]\nkind = "device"\n', "utf-8")
    digest = hashlib.sha256(b"from a pipe").hexdigest()
    args = ["--case", "REF-1", "--no-seal", "--form", form, "--set", "place.text=an office", "--json"]
    found = value(run(place, "collect", "-", *args, "--expect", f"sha256:{digest}", input="from a pipe"))
    assert found["items"][0]["sha256"] == digest
    assert "capture.method" not in found["not_stated"]
    assert "place.text" not in found["not_stated"]
    form.write_text("[capture]\nnonsense = 1\n", "utf-8")
    two_lines(run(place, "collect", "-", *args, input="x"), 4)
    assert "[capture]" in done(CliRunner().invoke(main, ["collect", "--blank-form"])).stdout


def test_a_person_is_asked_what_must_be_known(place, tmp_path, monkeypatch):
    file = tmp_path / "asked.txt"
    file.write_text("asked")
    person = Person("a diary", "copied", "case worker", "", "", "file", "her phone", "", "consent")
    monkeypatch.setattr(sessions, "terminal", person)
    found = value(run(place, "collect", file, "--case", "REF-1", "--no-seal", "--json"))
    assert person.answers == []
    assert set(found["not_stated"]) == {"capture.original_untouched", "capture.completeness", "place.text"}


# --- whole processes ------------------------------------------------------------------------------------


def test_the_issues_own_words_in_real_processes(tmp_path):
    """Init to verify with nothing but the environment, in the issue's words; the real key derivation."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "f.txt").write_bytes(CONTENT)
    (tmp_path / "p").write_text("a passphrase for tests only\n")
    (tmp_path / "p").chmod(0o600)
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPO),
        "CUSTODY_PASSPHRASE_FILE": str(tmp_path / "p"),
        "CUSTODY_KEY": str(tmp_path / "key"),
        "PYTHONIOENCODING": "cp852",
    }

    def custody(line, code=0):
        ended = subprocess.run(
            [sys.executable, "-m", "custody", *line.split()],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == code, ended.stderr
        assert b"Traceback" not in ended.stderr
        return ended.stdout

    custody("init L --name Đorđe --no-recovery")
    custody("--locker L case open REF-1")
    custody("--locker L collect dir --case REF-1 --yes")
    custody("--locker L check")
    custody("--locker L export --case REF-1 -o out.zip --plain")
    custody("--locker L trust init --from-locker -o trust.json")
    assert b"NOT CONFIRMED" in custody("verify out.zip --trust trust.json", 6)
    items = json.loads(custody("--locker L list --case REF-1 --json"))["items"]
    assert [item["label"] for item in items] == ["A-1/01"]
    custody(f"--locker L read {items[0]['id']} -o back --purpose test")
    assert (tmp_path / "back").read_bytes() == CONTENT


def test_the_demo_and_the_formats(tmp_path):
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo"), "--json"])
    found = value(result)
    assert (found["verdict"], found["tampered_verdict"]) == (0, 1)
    assert "test authority, not for court" in result.stderr
    two_lines(CliRunner().invoke(main, ["demo", str(tmp_path / "demo")]), 4)
    assert value(CliRunner().invoke(main, ["formats", "--json"]))["formats"]


def test_every_command_has_its_schema():
    import click

    def leaves(command, words):
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from leaves(command.get_command(context, name), [*words, name])
        else:
            yield "-".join(words)

    names = set(leaves(main, []))
    schemas = {path.name.split(".")[1] for path in (REPO / "schemas").glob("custody.*.schema.json")}
    assert names | {"verify-compare"} == schemas  # `verify` of several packages
    for name in names:
        schema = json.loads((REPO / f"schemas/custody.{name}.schema.json").read_text("utf-8"))
        assert schema["$id"] == f"urn:custody:cli:{name}:1"
        assert schema["title"]
