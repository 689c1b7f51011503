"""Hostile input: every reader of outside bytes refuses with our own error or gives back what it read, and soon.

The readers and what each must hold are in tests/fuzz/registry.py; `python -m tests.fuzz` looks for more than
these tests do (docs/reference/fuzzing.md). What it found is kept in tests/fuzz/corpus and read again here.
"""

# ruff: noqa: E501 - tables of hostile inputs read better with a row a line

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.errors import CustodyError, FormatError
from custody.format import canonical
from custody.format.trust import Trust
from custody.keys import exchange
from custody.procedure import forms
from custody.verify.container import Container
from custody.verify.package import verify
from tests import costs, tsa_faults, zip_faults
from tests.fuzz import mutate
from tests.fuzz.found import found
from tests.fuzz.reader import NotTheSame, Reader, attempt
from tests.fuzz.readers import backups, stores
from tests.fuzz.registry import READERS

CORPUS = Path(__file__).resolve().parent / "fuzz" / "corpus"
REPO = CORPUS.parents[2]

# What looks like a reader by its name and is none: it reads what another reader gave, or only the locker's own.
NOT_READERS = {
    "custody.anchor.test_authority:TestAuthority.from_pem": "the test authority's own key, made by the demo",
    "custody.crypto.envelopes:verify": "of an envelope that was read",
    "custody.crypto.keys:LogKeys.from_bytes": "of wrapped keys that opened",
    "custody.crypto.keys:verify": "of a signature and a key of checked lengths; under every signed reader",
    "custody.evidence.blockchain.captures.bitcoin_node:read": "under records-bitcoin-node-json",
    "custody.evidence.blockchain.captures.esplora:read": "under records-esplora-json",
    "custody.evidence.blockchain.captures.etherscan:read": "under records-etherscan-json",
    "custody.evidence.blockchain.captures.evm_node:read": "under records-evm-node-json",
    "custody.evidence.blockchain.captures.tron:read": "under records-tron-node-json",
    "custody.evidence.blockchain.captures.tronscan:read": "under records-tronscan-json",
    "custody.evidence.blockchain.proof.work:check_id": "of a digest of ours and a claim",
    "custody.evidence.chat.json_text:load": "under chat-telegram-json and the other readers of JSON",
    "custody.evidence.chat.json_text:load_bytes": "under chat-signal-jsonl and the other readers of JSON",
    "custody.evidence.chat.mail.dates:read": "under chat-email",
    "custody.evidence.chat.mail.decode:decoded": "under chat-email",
    "custody.evidence.chat.mail.headers:read": "under chat-email",
    "custody.evidence.chat.table.plan:parse": "under chat-table",
    "custody.evidence.chat.table.when:Clock.read": "under chat-table",
    "custody.evidence.chat.whatsapp_text.stamps:Stamps.read": "under chat-whatsapp-text",
    "custody.evidence.network.access_line:read_lead": "under records-access-log",
    "custody.evidence.network.access_line:read_line": "under records-access-log",
    "custody.evidence.network.profile:parse": "our own data files, checked again when they are loaded",
    "custody.evidence.network.written_times:Clock.read": "under the readers of returns and ip-table",
    "custody.evidence.records.wanted:check_times": "words that a person types",
    "custody.evidence.registry:check_name": "a word that a person types",
    "custody.evidence.web.package:parse": "under records-wacz, whose packages tests/test_records_web.py damages",
    "custody.evidence.web.transfer:parse_head": "under records-warc",
    "custody.evidence.web.warc:read_member": "under records-warc and records-wacz",
    "custody.format.canonical:parse": "under canonical-json, envelope and entry-body",
    "custody.format.entry:Entry.from_value": "of a value that has its shape",
    "custody.keys.erasable_tables:open_engine": "under erasable-file",
    "custody.procedure.access:open_for_export": "an item of the locker",
    "custody.procedure.cases:open_case": "opens a case",
    "custody.procedure.read:read_to_file": "an item of the locker",
    "custody.procedure.read:read_to_stream": "an item of the locker",
    "custody.procedure.read_ahead:read_ahead": "entries of the ledger, by entry-stored's reader",
    "custody.procedure.read_ahead:read_chunk": "entries of the ledger, by entry-stored's reader",
    "custody.procedure.readable:lines_of": "a form of the locker",
    "custody.procedure.readable:opened": "a form of the locker",
    "custody.procedure.setup:open_desk": "a locker's folder, under the three files' readers",
    "custody.procedure.trust:read": "a file for the reader trust",
    "custody.verify.bundle:Bundle.read": "under package",
    "custody.verify.bundle:Bundle.read_list": "under package",
    "custody.verify.certificate:read_certificate": "under certificate",
    "custody.verify.certificate:read_roots": "under roots",
    "custody.verify.container:Container.read": "under container",
    "custody.verify.rights:Rights.readers": "who may read",
    "custody.verify.zip_directory:read_at": "under container",
}

names = pytest.mark.parametrize("name", sorted(READERS))


def seeds_of(reader: Reader) -> list[bytes]:
    return list(reader.seeds()) or [b""]


# --- the registry ---------------------------------------------------------------------------------------


def test_every_reader_of_outside_bytes_is_in_the_registry() -> None:
    covered = {one for reader in READERS.values() for one in reader.covers}
    looks = set(found())
    assert sorted(looks - covered - NOT_READERS.keys()) == [], (
        "a new reader: give it a place in tests/fuzz/readers"
    )
    assert sorted(NOT_READERS.keys() - looks) == [], "gone, or called otherwise"


def test_what_the_registry_covers_exists() -> None:
    for reader in READERS.values():
        for one in reader.covers:
            module, _, name = one.partition(":")
            here = importlib.import_module(module)
            for part in name.split("."):
                assert hasattr(here, part), one
                here = getattr(here, part)


def test_names_are_told_apart_and_every_reader_takes_one_of_its_seeds() -> None:
    assert len({reader.name for reader in READERS.values()}) == len(READERS)
    for reader in READERS.values():
        assert any(attempt(reader, seed).startswith("taken") for seed in reader.seeds()), reader.name


def test_a_finding_is_seen() -> None:
    def breaks(data: bytes) -> object:
        raise ValueError(data)

    def shouts(data: bytes) -> object:
        raise FormatError("bad", found="\x1b[2J")

    for read, kind in ((breaks, ValueError), (shouts, NotTheSame)):
        reader = Reader(name="x", about="", covers=(), read=read, seeds=lambda: [b""])
        with pytest.raises(kind):
            attempt(reader, b"x")


# --- mutations, a few of each in every run --------------------------------------------------------------


@names
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_changed_input_is_refused_or_the_same_again(name: str, data: st.DataObject) -> None:
    reader = READERS[name]
    seeds = seeds_of(reader)
    changed = seeds[data.draw(st.integers(0, len(seeds) - 1), label="seed")]
    for number in data.draw(
        st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3 if reader.slow else 6), label="changes"
    ):
        changed = mutate.mutate(Random(number), changed, reader.shape, seeds, reader.limit)
    attempt(reader, changed)


@pytest.mark.parametrize("name", sorted(name for name, reader in READERS.items() if not reader.slow))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    data=st.one_of(
        st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_bytes_are_refused_or_the_same_again(name: str, data: bytes) -> None:
    attempt(READERS[name], data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=25,
)


@pytest.mark.parametrize("name", sorted(name for name, reader in READERS.items() if reader.shape == "json"))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(value=_JSON)
def test_any_json_is_refused_or_the_same_again(name: str, value: object) -> None:
    attempt(READERS[name], mutate.spell(value))


# --- what was found before ------------------------------------------------------------------------------


def _kept() -> list[Path]:
    return sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_the_corpus_is_small_and_of_readers_that_exist() -> None:
    kept = _kept()
    assert {path.parent.name for path in kept} <= READERS.keys()
    assert sum(path.stat().st_size for path in kept) < 300_000
    assert kept, "no corpus"


@pytest.mark.parametrize("name", sorted({path.parent.name for path in _kept()}))
def test_kept_inputs_are_refused_or_the_same_again(name: str) -> None:
    for path in _kept():
        if path.parent.name == name:
            data = path.read_bytes()
            assert costs.seconds(lambda data=data: attempt(READERS[name], data), limit=1) < 1, path.name


# --- bounded time ---------------------------------------------------------------------------------------


def _pem(label: bytes, data: bytes) -> bytes:
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(data), label)


def _pbes2(derivation: str, *parameters: bytes) -> bytes:
    kdf = tsa_faults.seq(tsa_faults.oid(derivation), tsa_faults.seq(*parameters))
    cipher = tsa_faults.seq(tsa_faults.oid("2.16.840.1.101.3.4.1.42"), tsa_faults.octets(bytes(16)))
    scheme = tsa_faults.seq(tsa_faults.oid("1.2.840.113549.1.5.13"), tsa_faults.seq(kdf, cipher))
    return _pem(b"ENCRYPTED PRIVATE KEY", tsa_faults.seq(scheme, tsa_faults.octets(bytes(64))))


_SALT = tsa_faults.octets(bytes(16))
_PBKDF2, _SCRYPT = "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"
_numbers = [tsa_faults.integer(value) for value in (2**40, 2**20, 8, 1, 2**31)]

COSTLY: dict[str, tuple[str, Callable[[], bytes]]] = {
    "JSON of escapes": ("canonical-json", lambda: b'"' + b"\\na" * 21_000 + b'"'),
    "JSON of escapes, 1 MiB": ("compartment", lambda: b'{"text":"' + b"\\na" * 340_000 + b'"}'),
    "JSON of brackets": ("canonical-json", lambda: b"[" * 65_000),
    "JSON of pairs of brackets": ("canonical-json", lambda: b"[" + b"[]," * 21_000 + b"[]]"),
    "JSON of objects, 1 MiB": ("shown", lambda: b"[" + b"{}," * 340_000 + b"{}]"),
    "JSON with a long number": ("canonical-json", lambda: b"9" * 65_000),
    "trust file of objects, 1 MiB": ("trust", lambda: b"[" + b"{}," * 340_000 + b"{}]"),
    "trust file of brackets, 1 MiB": ("trust", lambda: b"[" * (1 << 20)),
    "trust file with a long number": ("trust", lambda: b"[" + b"9" * (1 << 20) + b"]"),
    "form of one dotted name": ("form", lambda: b".".join([b"a"] * 100_000) + b"=1"),
    "form of dotted tables": ("form", lambda: b"\n".join(b"[" + b"a." * 400 + b"b%d]" % n for n in range(300))),
    "form of brackets": ("form", lambda: b"a=" + b"[" * 250_000),
    "form of braces": ("form", lambda: b"a=" + b"{a=" * 80_000),
    "form of an array": ("form", lambda: b"a=[" + b"1," * 120_000 + b"]"),
    "form of a long number": ("form", lambda: b"a=" + b"9" * 250_000),
    "form of escapes": ("form", lambda: b'[note]\ntext="' + b"\\n" * 120_000 + b'"'),
    "form of quotes": ("form", lambda: b'[note]\ntext="""' + b'""a' * 80_000 + b'"""'),
    "form of comments": ("form", lambda: b"#\n" * 125_000),
    "OpenSSH key of spaces": ("key-import", lambda: b"-----BEGIN OPENSSH PRIVATE KEY-----" + b" " * 65_000),
    "OpenSSH key of beginnings": ("key-import", lambda: b"-----BEGIN OPENSSH PRIVATE KEY-----\n" * 1_800),
    "PKCS#8 of spaces": ("key-import", lambda: b"-----BEGIN PRIVATE KEY-----" + b" " * 65_000),
    "PKCS#8 of PBKDF2 rounds": ("key-import", lambda: _pbes2(_PBKDF2, _SALT, _numbers[0])),
    "PKCS#8 of scrypt memory": ("key-import", lambda: _pbes2(_SCRYPT, _SALT, _numbers[1], _numbers[2], _numbers[3])),
    "PKCS#8 of scrypt lanes": ("key-import", lambda: _pbes2(_SCRYPT, _SALT, _numbers[2], _numbers[2], _numbers[4])),
    "words, 1 MiB": ("words", lambda: b"a " * 500_000),
    "recovery words": ("recovery", lambda: b"abandon " * 500),
    "DER, deep": ("der", lambda: _deep(200)),
    "DER, wide": ("der", lambda: tsa_faults.seq(b"\x05\x00" * 500_000)),
    "DER, a long integer": ("der", lambda: tsa_faults.tlv(2, b"\x7f" * 1_000_000)),
    "DER, a long identifier": ("der", lambda: tsa_faults.tlv(6, b"\x81" * 1_000_000)),
    "certificates, 1 MiB of beginnings": ("roots", lambda: b"-----BEGIN CERTIFICATE-----\n" * 37_000),
    "keys.jsonl of empty lines, 1 MiB": ("key-lines", lambda: b"\n" * (1 << 20)),
    "proofs.jsonl of empty lines, 1 MiB": ("proof-lines", lambda: b"\n" * (1 << 20)),
    "manifest of one line, 1 MiB": ("manifest", lambda: b"0" * 64 + b"  " + b"a" * (1 << 20)),
    "zip of end records, 1 MiB": ("container", lambda: b"PK\x03\x04" + b"PK\x05\x06" * 260_000),
    "file of brackets": ("sniff", lambda: b"\0" + b"[" * 70_000),
    "file of comments": ("sniff", lambda: b"\0" + b"<!--" * 17_000),
    "file of mail headers": ("sniff", lambda: b"\0" + b"a:\n" * 23_000),
    "time of digits": ("instant", lambda: b"1" * 128),
    "backup of long names, 1 MiB": ("backup-archive", lambda: _tar_of_long_names(1_000)),
    "backup of many files": ("backup-archive", lambda: _tar_of_many(2_000)),
    "paper of labels": ("paper", lambda: b"record " * 1_100),
    "file name, 1 MiB": ("file-name", lambda: b"\xff" * 200_000),
}  # fmt: skip


def _deep(levels: int) -> bytes:
    body = b""
    for _ in range(levels):
        body = tsa_faults.seq(body)
    return body


def _header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def _tar_of_long_names(count: int) -> bytes:
    return (_header("x", 512, b"L") + b"n" * 511 + b"\0") * count


def _tar_of_many(count: int) -> bytes:
    return b"".join(_header(f"vault/{number:064x}", 0, b"0") for number in range(count))


@pytest.mark.parametrize("case", sorted(COSTLY))
def test_a_costly_input_is_dealt_with_in_a_second(case: str) -> None:
    name, make = COSTLY[case]
    data = make()
    reader = READERS[name]
    attempt(reader, b"x")  # what is made once, such as tables of words, is not the input's cost
    assert costs.seconds(lambda: attempt(reader, data), limit=1) < 1


def test_keys_are_still_opened_at_the_costs_that_tools_ask_for() -> None:
    key = exchange.SignKey(bytes(range(32)))
    assert exchange.import_key(exchange.export_pkcs8(key, b"words"), b"words", where="key") == key


def test_the_costs_of_private_keys_are_named() -> None:
    for case in ("PKCS#8 of PBKDF2 rounds", "PKCS#8 of scrypt memory", "PKCS#8 of scrypt lanes"):
        with pytest.raises(FormatError, match="too costly to open"):
            exchange.import_key(COSTLY[case][1](), b"words", where="key")


def test_only_the_key_that_was_judged_is_given_to_the_library() -> None:
    """Another block in front, which our search passes over and the library's would not, is not what is opened."""
    key = exchange.SignKey(bytes(range(32)))
    good = exchange.export_pkcs8(key, b"words")
    costly = COSTLY["PKCS#8 of PBKDF2 rounds"][1]().replace(b"\n", b"\n!", 2)
    assert exchange.import_key(costly + good, b"words", where="key") == key


def test_dots_within_texts_and_comments_of_a_form_are_text() -> None:
    dots = "." * 500
    form = f"# {dots}\n[note]\ntext = \"{dots}\"\n[source]\ntext = '''{dots}\n'''\nurl = '{dots}' # {dots}\n"
    assert forms.read_form(form.encode(), "form")["note"]["text"] == dots


def test_a_trust_file_of_the_largest_size_is_read() -> None:
    many = {"ledgers": [{"origin": "custody/" + "a" * 26, "genesis": "0" * 64, "notes": []}] * 4_096}
    with pytest.raises(FormatError, match=r"one origin twice|same thing twice"):
        Trust.from_bytes(
            canonical.encode({**canonical.decode(Trust().to_bytes()[:-1], where="x"), **many}), where="trust"
        )


# --- bounded memory -------------------------------------------------------------------------------------


def _many_members(count: int) -> bytes:
    return zip_faults.build(
        [
            zip_faults.sound()[0],
            *(zip_faults.Entry(b"bag/data/A-1/%06d.txt" % n, b"x") for n in range(count)),
        ],
        **({"end64": {}, "end": {"count": 0xFFFF, "here": 0xFFFF}} if count >= 0xFFFF else {}),
    )


def test_70_000_members_are_read_in_bounded_memory_and_time() -> None:
    data = _many_members(70_000)
    script = (
        "import io, sys, time, resource; from custody.verify.container import Container\n"
        "data = sys.stdin.buffer.read(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "start = time.process_time(); found = Container.open(io.BytesIO(data)).members\n"
        "print(len(found), time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, cwd=REPO, check=True
    ).stdout
    count, seconds, kib = out.split()
    assert int(count) == 70_001
    assert float(seconds) < 5
    assert int(kib) < 120 * 1024


def test_a_bomb_of_compressed_members_is_refused_before_a_byte_of_it_is_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", b"x")
        archive.writestr("bag/data/A-1/001.txt", bytes(200 << 20))
    spent = time.process_time()
    assert verify(io.BytesIO(out.getvalue())).unreadable is not None
    entries = zip_faults.sound()
    entries[1].both |= {"method": 8, "size": 0xFFFFFFF0}
    with pytest.raises(CustodyError, match="is compressed"):
        Container.open(io.BytesIO(zip_faults.build(entries)))
    assert time.process_time() - spent < 1


def test_a_bomb_of_overlapping_members_is_refused() -> None:
    """Every record names the same kernel (Fifield, 2019): 70,000 files in the bytes of one."""
    kernel = zip_faults.Entry(b"bag/data/A-1/000.txt", bytes(100_000))
    first = 30 + len(b"mimetype") + len(zip_faults.sound()[0].data)
    entries = [zip_faults.sound()[0], kernel]
    data = bytearray(zip_faults.build(entries))
    record = zip_faults.build(entries)[-22 - 46 - 20 : -22]
    assert record.startswith(b"PK\x01\x02")
    directory = data[-22 - (46 + 8) - len(record) : -22] + record * 60_000
    end = zip_faults.struct.pack(
        "<4s4H2IH",
        b"PK\x05\x06",
        0,
        0,
        60_002,
        60_002,
        len(directory),
        len(data) - 22 - (46 + 8) - len(record),
        0,
    )
    whole = bytes(data[: -22 - (46 + 8) - len(record)]) + bytes(directory) + end
    assert first < len(whole) < 6_000_000
    with pytest.raises(CustodyError, match=r"not where the one before it ends|stands twice"):
        Container.open(io.BytesIO(whole))


def test_directories_that_claim_to_be_huge_cost_nothing() -> None:
    for count, size in ((0xFFFF, 0xFFFFFFF0), (3, 0x7FFFFFFF), (0, 0xFFFFFFFF)):
        data = zip_faults.build(zip_faults.sound(), end={"here": count, "count": count, "dsize": size})
        with pytest.raises(CustodyError):
            Container.open(io.BytesIO(data))


EVIL_NAMES = (
    "bag/..", "bag/../../etc/passwd", "/etc/passwd", "bag//etc", "bag/./x", "bag\\..\\x", "C:\\x", "C:x", "\\\\server\\share",
    "bag/x:stream", "bag/CON", "bag/con.txt", "bag/aux/x", "bag/LPT1", "bag/COM0.x", "bag/x.", "bag/x ", " bag/x", "bag/ x",
    "bag/\x00", "bag/a\x00.txt", "bag/\n", "bag/\r", "bag/\x1b[2J", "bag/\x7f", "bag/\u202egpj.exe", "bag/é", "bag/e\u0301", "bag/ﬁ",
    "bag/ａ", "bag/%2e%2e/x", "bag/~", "bag/$HOME", "bag/`id`", "bag/-rf", "bag/.hidden", "bag/*", "bag/?", "bag/|", "bag/<x>",
    'bag/"', "bag/'", "bag/;", "bag/&", "bag/" + "a" * 101, "bag/" + "a/" * 130 + "x", "bag", "bag/", "BAG/x", "", "mimetype/x", "META-INF",
    "META-INF/../x", "bag/\u2028", "bag/\ufeff", "bag/x/", "bag/..\\x", "bag/x\\y", "bag/....", "bag/Thumbs.db:x", "bag/nul.", "bag/prn",
)  # fmt: skip


@pytest.mark.parametrize("name", EVIL_NAMES, ids=ascii)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    raw = name.encode("utf-8", "surrogateescape").decode("latin-1")
    with pytest.raises(CustodyError) as refused:
        Container.open(io.BytesIO(zip_faults.with_names(raw)))
    assert refused.value.message.isprintable()


# --- a locker's files by somebody who can write them ----------------------------------------------------

_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT"

HOSTILE_SQL: dict[str, tuple[str, tuple[str, ...]]] = {
    "a view without an end": (
        "ledger", ("DROP TABLE entry", f"CREATE VIEW entry AS {_ENDLESS} x AS seq, x'00' AS subject, x AS n, x'00' AS envelope FROM c"),
    ),
    "a view of endless parts": (
        "erasable",
        ("DROP TABLE part", f"CREATE VIEW part AS {_ENDLESS} zeroblob(16) AS subject, 0 AS origin, x AS n, 'a' AS compartment, "
         "x'00' AS sealed FROM c"),
    ),
    "a view of the list's state": ("work", ("DROP TABLE state", f"CREATE VIEW state AS {_ENDLESS} 'size' AS name, x AS value FROM c")),
    "a view of gigabytes": (
        "ledger", ("DROP TABLE entry", "CREATE VIEW entry AS SELECT 0 AS seq, x'00' AS subject, 0 AS n, zeroblob(900000000) AS envelope"),
    ),
    "a virtual table": ("ledger", ("DROP TABLE note", "CREATE VIRTUAL TABLE note USING rtree(size, note, x)")),
    "a number for bytes": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                      "INSERT INTO entry VALUES (0, x'00', 0, 4000000000)")),
    "text for a number": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                     "INSERT INTO entry VALUES ('abc', x'00', 'x', 'text')")),
    "text for bytes": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                  "INSERT INTO entry VALUES (0, x'00', 0, 'text')")),
    "nothing for bytes": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                     "INSERT INTO entry VALUES (0, NULL, NULL, NULL)")),
    "fractions": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                             "INSERT INTO entry VALUES (1e300, x'00', 1.5, 2.5)")),
    "a number beyond all": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                       "INSERT INTO entry VALUES (9223372036854775807, x'00', 0, x'00')")),
    "bytes beyond all": ("ledger", ("DROP TABLE entry", "CREATE TABLE entry(seq, subject, n, envelope)",
                                    "INSERT INTO entry VALUES (0, x'00', 0, zeroblob(50000000))")),
    "a note that is a number": ("ledger", ("DROP TABLE note", "CREATE TABLE note(size, note)", "INSERT INTO note VALUES ('x', 5)")),
    "a root that is text": ("ledger", ("DROP TABLE root_certificate", "CREATE TABLE root_certificate(sha256, der)",
                                       "INSERT INTO root_certificate VALUES (5, 'abc')")),
    "a table gone": ("ledger", ("DROP TABLE node",)),
    "a column gone": ("ledger", ("DROP TABLE node", "CREATE TABLE node(level, position)")),
    "a secret gone": ("erasable", ("DELETE FROM meta",)),
    "an origin gone": ("erasable", ("DELETE FROM origin",)),
    "keys that are numbers": ("erasable", ("DROP TABLE item_keys", "CREATE TABLE item_keys(subject, batch, object, record, identity, note, "
                                           "origin, epoch)", "INSERT INTO item_keys VALUES (x'00', 1, 2, 3, 4, 5, 6, 7)")),
    "parts of short ids": ("erasable", ("DROP TABLE part", "CREATE TABLE part(subject, origin, n, compartment, sealed)",
                                        "INSERT INTO part VALUES (x'00', 0, 1, 'a', x'00')")),
    "wraps of numbers": ("erasable", ("DROP TABLE wrap", "CREATE TABLE wrap(subject, recipient, use, classes, message, origin, epoch)",
                                      "INSERT INTO wrap VALUES (zeroblob(16), 1, 2, 3, 4, 5, 6)")),
}  # fmt: skip


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Ends the whole process where SQLite itself does not come back: no signal reaches its loops."""
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


@pytest.mark.skipif(os.name != "posix", reason="alarms are POSIX's")
@pytest.mark.parametrize("case", sorted(HOSTILE_SQL))
def test_a_database_file_that_is_hostile_by_its_sql_is_refused(case: str) -> None:
    name, statements = HOSTILE_SQL[case]
    read = {"ledger": stores.read_ledger, "erasable": stores.read_erasable, "work": stores.read_work}[name]
    with stores._patched(name, b"") as path:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        spent, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with _within(60):
            if name == "work":
                read(path)  # derived: made anew
            else:
                with pytest.raises(CustodyError) as refused:
                    read(path)
                assert refused.value.message.isprintable()
        assert time.process_time() - spent < 3
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


# --- hostile tars, each found once ----------------------------------------------------------------------


def _pax(body: bytes) -> bytes:
    return _header("p", len(body), b"x") + body + bytes(-len(body) % 512)


TARS = {
    "a size beyond the end": _pax(b"26 size=99999999999999999\n") + _header("ledger.sqlite", 0, b"0"),
    "a sparse file": _pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n")
    + _header("ledger.sqlite", 512, b"0")
    + b"9\n" * 256,
    "a sparse map": _pax(b"30 GNU.sparse.map=1,2,3,a,b,c\n")
    + _header("ledger.sqlite", 512, b"0")
    + bytes(512),
    "a number of 5,000 digits": _pax(b"9" * 3_000 + b" a=b\n"),
    "a chain of headers": _pax(b"11 path=ab\n") * 1_500,
    "a link": _header("ledger.sqlite", 0, b"2"),
    "a device": _header("ledger.sqlite", 0, b"3"),
    "a folder": _header("vault", 0, b"5"),
    "a name that leads elsewhere": _header("../ledger.sqlite", 0, b"0"),
    "a file twice": _header("ledger.sqlite", 0, b"0") * 2,
    "an end too early": _header("ledger.sqlite", 5_000, b"0") + bytes(512),
}


@pytest.mark.parametrize("case", sorted(TARS))
def test_a_backup_whose_archive_is_hostile_is_refused(case: str) -> None:
    with pytest.raises(CustodyError) as refused:
        backups._archive(TARS[case])
    assert refused.value.message.isprintable()


# --- the command ----------------------------------------------------------------------------------------


def test_the_fuzzer_runs_with_its_own_mutators_and_finds_nothing_here(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--reader", "base64", "--engine", "own", "--executions", "400", "--work", str(tmp_path)],
        capture_output=True, text=True, cwd=REPO, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400 inputs" in done.stdout
