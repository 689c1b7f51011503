"""custody prove on the command line: the ladder of a payment from items of a locker, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.evidence.blockchain.bitcoin import script
from custody.keys import keyfile
from tests import coins
from tests.test_cli_errors import two_lines
from tests.test_cli_work import SMALL, done, run, value

TXID = coins.FIRST_TXID


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
    return here


def take(place, *files: tuple[str, bytes]) -> None:
    for name, data in files:
        (place.folder / name).write_bytes(data)
        done(run(place, "collect", place.folder / name, "--case", "R-1", "--yes", "--no-derive"))


def typed(place, *more: str) -> None:
    done(run(place, "add", "payment", "--case", "R-1", "--chain", "bitcoin", "--txid", TXID, *more))


def prove(place, *words, code=0):
    return done(run(place, "prove", *words, "--purpose", "x"), code)


def strength(place, *words, code=0) -> dict:
    result = run(place, "prove", *words, "--purpose", "x", "--json")
    return value(result, code)["proof"]


BLOCK = coins.FIRST_BLOCK.hex().encode() + b"\n"


def test_a_whole_block_of_the_public_chain(place):
    typed(place)
    take(place, ("block.hex", BLOCK))
    shown = prove(place, "A-1/01", "--with", "A-2/01")
    assert "(block_on_known_chain)" in shown.stdout
    assert "[passed] in the block given" in shown.stdout
    assert "This does not show:" in shown.stdout
    assert "who owns or controls an address" in shown.stdout
    assert "valid" not in shown.stdout.replace("invalid", "")
    proof = strength(place, "A-1/01", "--with", "A-2/01")
    assert proof["strength"] == "block_on_known_chain"
    assert any(one["label"] == "A-2/01" for one in proof["inputs"])


def test_a_bare_signature_is_no_script():
    signature = b"\x30\x44" + bytes(68) + b"\x01"
    assert script.shown_keys(bytes([len(signature)]) + signature, ()) == ()


def test_typed_alone_is_typed(place):
    typed(place)
    proof = strength(place, "A-1/01")
    assert proof["strength"] == "form_ok"
    assert {one["outcome"] for one in proof["steps"] if one["name"] == "hash_matches"} == {"not checked"}


def test_with_one_byte_changed_it_says_what_failed(place):
    typed(place)
    broken = bytearray(coins.FIRST_BLOCK)
    broken[-1] ^= 1
    take(place, ("block.bin", bytes(broken)))
    result = run(place, "prove", "A-1/01", "--as", "block=A-2/01", "--purpose", "x")
    done(result, 1)
    assert result.stdout.startswith("FAILED: ")
    assert "custody: error: A-1/01: a step failed" in result.stderr


def test_without_a_typed_payment_the_chain_is_asked_for(place):
    take(place, ("block.hex", BLOCK))
    two_lines(run(place, "prove", "A-1/01", "--purpose", "x"), 4)
    proof = strength(place, "A-1/01", "--chain", "bitcoin", "--txid", TXID)
    assert proof["strength"] == "block_on_known_chain"


def test_a_picture_is_a_picture(place):
    typed(place)
    take(place, ("a.png", b"\x89PNG\r\n\x1a\n made up"))
    proof = strength(place, "A-1/01", "--as", "screenshot=A-2/01")
    (seen,) = [one for one in proof["steps"] if one["name"] == "seen_on_screenshot"]
    assert (seen["outcome"], "A-2/01" in seen["what"]) == ("not checked", True)
    assert proof["strength"] == "form_ok"


def test_what_is_not_used_is_told(place):
    typed(place)
    take(place, ("a.txt", b"hello"))
    shown = prove(place, "A-1/01", "--with", "A-2/01")
    assert "NOT USED: A-2/01" in shown.stdout


def test_an_exhibit_is_all_of_its_items(place):
    typed(place, "--exhibit", "P-1")
    (place.folder / "block.hex").write_bytes(BLOCK)
    done(run(place, "collect", place.folder / "block.hex", "--case", "R-1", "--exhibit", "P-1", "--yes"))
    assert strength(place, "P-1")["strength"] == "block_on_known_chain"


def test_every_opening_is_logged(place):
    typed(place)
    take(place, ("block.hex", BLOCK))
    prove(place, "A-1/01", "--with", "A-2/01")
    kinds = [one["kind"] for one in value(run(place, "log", "--item", "A-2/01", "--json"))["entries"]]
    assert kinds == ["item.collected", "item.accessed"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("A-1/01", "--as", "nothing=A-1/01"), 2),
        (("A-1/01", "--as", "block"), 2),
        (("A-9/01",), 4),
        (("A-1/01", "--chain", "tron"), 4),
        (("A-1/01", "--with", "A-2/01"), 4),
    ],
)
def test_what_can_not_be(place, words, code):
    typed(place)
    typed(place, "--block-height", "1")
    two_lines(run(place, "prove", *words, "--purpose", "x"), code)


def test_the_json_of_the_ladder_is_plain(place):
    typed(place)
    result = run(place, "prove", "A-1/01", "--purpose", "x", "--json")
    done(result)
    json.loads(result.stdout, parse_float=lambda text: pytest.fail(f"a float: {text}"))


def test_the_transaction_that_is_stated_must_be_the_typed_one(place):
    typed(place)
    refused = run(place, "prove", "A-1/01", "--txid", "ab" * 32, "--purpose", "x")
    assert "not the one of the typed payment" in two_lines(refused, 4)[0]
    assert strength(place, "A-1/01", "--txid", TXID.upper())["strength"] == "form_ok"


def test_one_item_is_one_thing(place):
    typed(place)
    take(place, ("block.hex", BLOCK))
    words = ("A-1/01", "--as", "block=A-2/01", "--as", "headers=A-2/01", "--purpose", "x")
    assert "two things" in two_lines(run(place, "prove", *words), 2)[0]


def test_a_readable_form_proves_nothing(place):
    log = b"<34>1 2026-03-03T20:14:05Z host sshd 1 - - Accepted password for anna from 203.0.113.7 port 4711 ssh2\n"
    (place.folder / "auth.log").write_bytes(log * 3)
    done(run(place, "collect", place.folder / "auth.log", "--case", "R-1", "--yes"))
    refused = run(place, "prove", "A-1/01.1", "--chain", "bitcoin", "--purpose", "x")
    assert "readable form" in two_lines(refused, 4)[0]


def test_a_failed_step_as_json_is_one_object_and_its_schema(place):
    typed(place)
    broken = bytearray(coins.FIRST_BLOCK)
    broken[-1] ^= 1
    take(place, ("block.bin", bytes(broken)))
    proof = strength(place, "A-1/01", "--as", "block=A-2/01", code=1)
    assert any(one["outcome"] == "failed" for one in proof["steps"])


@pytest.mark.parametrize("chain", ["Bitcoin", "nochain", ""])
def test_a_chain_that_is_not_known_is_refused(place, chain):
    take(place, ("block.hex", BLOCK))
    two_lines(run(place, "prove", "A-1/01", "--chain", chain, "--purpose", "x"), 4)


def test_an_item_that_was_only_registered_proves_nothing(place):
    typed(place)
    (place.folder / "block.hex").write_bytes(BLOCK)
    done(run(place, "collect", place.folder / "block.hex", "--case", "R-1", "--yes", "--register"))
    two_lines(run(place, "prove", "A-1/01", "--with", "A-2/01", "--purpose", "x"), 4)
