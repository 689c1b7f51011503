"""Promise 5 where it is newest: what was read of chats, logs and pictures is nowhere in a locker's files, key aside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.test_carried import place as place
from tests.test_cli_work import done, run

COMMANDS = (
    ("messages", "A-1/02"),
    ("messages", "A-1/01", "--json"),
    ("records", "A-1/03"),
    ("records", "A-1/01.2"),
    ("records", "--case", "R-1", "--csv"),
    ("records", "--case", "R-1", "--alike"),
    ("show", "A-1/01"),
    ("derive", "A-1/02", "--time-zone", "Europe/Vienna", "--no-seal"),
    ("derive", "A-1/01.3"),
)


def contents(place) -> Iterator[bytes]:
    """What was taken in and what was made of it, as it is when it is read back."""
    for one in json.loads(run(place, "list", "--json").stdout)["items"]:
        yield done(run(place, "read", one["label"], "--purpose", "x")).stdout_bytes


def spellings(digest: bytes) -> list[bytes]:
    """A digest as a file could hold it."""
    coded = base64.b64encode(digest).rstrip(b"="), base64.urlsafe_b64encode(digest).rstrip(b"=")
    return [digest, digest.hex().encode(), digest.hex().upper().encode(), *coded]


def layers(path: Path) -> Iterator[bytes]:
    """A file's bytes, and the payloads of the entries in it."""
    yield path.read_bytes()
    if path.name == "ledger.sqlite":
        for (stored,) in sqlite3.connect(path).execute("SELECT envelope FROM entry"):
            yield base64.b64decode(json.loads(stored)["payload"])


def numbers(value: object) -> Iterator[int]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    elif isinstance(value, int):
        yield value


def test_no_name_account_address_digest_or_size_of_what_was_read_is_in_the_locker(place) -> None:
    for words in COMMANDS:
        run(place, *words, "--purpose", "Zzpurposezz")
    found = list(contents(place))
    assert len(found) >= 9
    digests = [hashlib.sha256(data).digest() for data in found]
    for data in found:
        if data.startswith(b'{"'):
            records = [json.loads(line) for line in data.splitlines()]
            digests += [
                bytes.fromhex(one["source"]["sha256"]) for one in records if "sha256" in one.get("source", {})
            ]
    assert len(digests) > 30
    wanted = [text for digest in digests for text in spellings(digest)]
    words = re.findall(rb"Zz[a-z]+zz", b" ".join(found)) + re.findall(rb"Zz[a-z]+zz", place.form.read_bytes())
    assert len(set(words)) >= 9
    wanted += [*set(words), b"Zzkeeperzz", b"Zzarchivezz", b"Zzpurposezz"]
    wanted += [b"203.0.113.", b"IMG-20220327", b"messages.jsonl", b"records.jsonl", b"shelter-location"]
    files = [path for path in place.locker.rglob("*") if path.is_file()] + [place.key]
    assert {"ledger.sqlite", "erasable.sqlite", "work.sqlite"} <= {path.name for path in files}
    for path in files:
        for layer in layers(path):
            for text in wanted:
                assert text not in layer, (path.name, text)
    sizes = {len(data) for data in found if len(data) > 300}
    for name in ("ledger.sqlite", "erasable.sqlite", "work.sqlite"):
        connection = sqlite3.connect(place.locker / name)
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                assert not sizes & set(numbers(list(row))), (name, table)
    for layer in list(layers(place.locker / "ledger.sqlite"))[1:]:
        assert not sizes & set(numbers(json.loads(layer)))
