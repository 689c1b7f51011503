"""Secrets of wallets: refused where somebody types them, hidden where people read, whole where programs do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.evidence.blockchain.encodings import base58
from custody.evidence.chat import registry as chats
from custody.evidence.records import registry
from custody.keys import keyfile
from tests.test_cli_errors import two_lines
from tests.test_cli_work import SMALL, done, run
from tests.test_records_work import LOG, TOY

WIF = base58.encode_check(b"\x80" + bytes(range(1, 33)))
"""Made up: nobody's key."""
CHAT = f"03/14/2022, 21:42 - Anna Example: my key is {WIF}\n"


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
    return here


@pytest.mark.parametrize(
    "words",
    [
        ("add", "ip", "--address", "1.1.1.1", "--time", "2026-03-03", "--account", f"key {WIF}"),
        ("add", "ip", "--address", "1.1.1.1", "--time", "2026-03-03", "--checked-by", WIF),
        ("add", "payment", "--chain", "bitcoin", "--txid", WIF),
        ("collect", "FILE", "--yes", "--source", f"his key was {WIF}"),
        ("collect", "FILE", "--yes", "--set", f"capture.description={WIF}"),
    ],
)
def test_a_typed_secret_is_refused_and_not_repeated(place, words):
    (place.folder / "a.txt").write_text("hello")
    words = [str(place.folder / "a.txt") if word == "FILE" else word for word in words]
    result = run(place, *words, "--case", "R-1")
    two_lines(result, 4)
    assert "whoever reads it can take the money" in result.stderr
    assert WIF not in result.stderr + result.stdout
    assert done(run(place, "list")).stdout.count("A-1") == 0


def test_rows_hide_it_from_people(place, monkeypatch):
    monkeypatch.setattr(registry, "READERS", (TOY,))
    monkeypatch.setattr(chats, "READERS", ())
    (place.folder / "a.log").write_bytes(LOG.replace(b"not a row", f"GET /?k={WIF}".encode()))
    done(run(place, "collect", place.folder / "a.log", "--case", "R-1", "--yes"))
    for form in ((), ("--csv",)):
        shown = done(run(place, "records", "A-1/01", "--purpose", "x", *form))
        assert WIF not in shown.stdout
        assert "[hidden: " in shown.stdout
        assert "hidden: what looks like a wallet's secret" in shown.stderr
    assert WIF in done(run(place, "records", "A-1/01", "--purpose", "x", "--json")).stdout


def test_messages_hide_it_from_people(place):
    (place.folder / "WhatsApp Chat with Anna.txt").write_text(CHAT * 3)
    done(run(place, "collect", place.folder / "WhatsApp Chat with Anna.txt", "--case", "R-1", "--yes"))
    shown = done(run(place, "messages", "A-1/01", "--purpose", "x"))
    assert WIF not in shown.stdout
    assert "my key is [hidden: " in shown.stdout
    assert "3 times" in shown.stderr
    assert WIF in done(run(place, "messages", "A-1/01", "--purpose", "x", "--json")).stdout
