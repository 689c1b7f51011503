"""Our own formats: canonical JSON and all that is made of it, notes, proofs, lists, words, names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from custody.crypto import envelopes, notes, public_keys
from custody.crypto.keys import CustodianKeys, LogKeys
from custody.errors import CustodyError
from custody.format import (
    canonical,
    entry,
    envelope,
    merkle,
    names,
    note,
    package,
    padding,
    proof,
    text,
    words,
)
from custody.format.compartments import COMPARTMENTS, name_bytes, name_value
from custody.format.envelope import ENTRY_TYPE, KEY_TYPE, PACKAGE_TYPE
from custody.format.note import Checkpoint, LogNote
from custody.format.public_key import from_payload
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from tests.fuzz import world
from tests.fuzz.reader import NotTheSame, Reader, one_line, same

PERSON = CustodianKeys.from_recovery_seed(bytes(range(32)))
LOG = LogKeys(b"\x01" * 32, b"\x02" * 32)
ORIGIN = "custody/aebagbafaydqqcikbmga2dqpca"
WALL = "2026-03-04T05:06:07.890Z"
LEAVES = tuple(b"entry %d" % n for n in range(13))


def _tree() -> dict[tuple[int, int], bytes]:
    nodes: dict[tuple[int, int], bytes] = {}
    for seq, leaf in enumerate(LEAVES):
        for level, index, digest in merkle.new_nodes(seq, merkle.leaf_hash(leaf), lambda a, b: nodes[a, b]):
            nodes[level, index] = digest
    return nodes


NODES = _tree()
HEAD = Checkpoint(origin=ORIGIN, size=13, root=merkle.root(13, lambda a, b: NODES[a, b]))
NOTE = notes.sign(HEAD, LOG)


# --- canonical JSON, envelopes, entries -----------------------------------------------------------------


def _canonical(data: bytes) -> object:
    value = canonical.decode(data, where="value")
    same(canonical.encode(value), data)
    return value


def _envelope(data: bytes) -> object:
    found = envelope.from_bytes(data, payload_type=ENTRY_TYPE, where="envelope")
    same(found.to_bytes(), data)
    return found


def _entry(data: bytes) -> object:
    found = entry.Entry.from_bytes(data, where="entry")
    same(found.to_bytes(), data)
    found.check_kind(where="entry", newer=[])
    found.check_kind(where="entry")
    found.approval_envelopes(KEY_TYPE, where="entry")
    return found


def _stored_entry(data: bytes) -> object:
    found, outer = entry.read(data, where="entry")
    same(outer.to_bytes(), data)
    same(outer.payload, found.to_bytes())
    return found


def _compartment(data: bytes) -> object:
    if data.startswith(b"{"):  # JSON is padded here, so that changes of the value get past the padding
        data = len(data).to_bytes(4, "big") + data
        data += bytes(-len(data) % padding.COMPARTMENT_STEP)
    value = padding.unpad_compartment(data, where="part")
    same(padding.pad_compartment(value, where="part"), data)
    for name in (*COMPARTMENTS, "of-a-later-version"):
        try:
            entry.check_compartment(name, value, where="part", newer=[])
            entry.check_compartment(name, value, where="part")
        except CustodyError:
            continue
        if name == "name":
            raw = name_bytes(value["name"])
            if "text" in value["name"]:
                same(name_value(raw), value["name"])
    return value


# --- keys, notes, proofs --------------------------------------------------------------------------------


def _public_key_file(data: bytes) -> object:
    file, signed = public_keys.read(data, "public key file")
    same(signed.to_bytes(), data.removesuffix(b"\n").removesuffix(b"\r"))
    return file


def _public_key_payload(data: bytes) -> object:
    same(from_payload(data, "payload").to_payload(), data)
    return public_keys.check(envelopes.sign(KEY_TYPE, data, PERSON.sign), "public key file")


def _log_note(data: bytes) -> object:
    found = LogNote.from_bytes(data, where="note")
    same(found.to_bytes(), data)
    same(Checkpoint.from_text(found.checkpoint.to_text(), where="note"), found.checkpoint)
    checkpoint = notes.verify(found, LOG.public, origin=ORIGIN, where="note")
    same(checkpoint, HEAD, "a note that nobody signed holds")
    return found


def _proof_lines(data: bytes) -> object:
    lines = text.lines_of(data, where="proofs")
    found = list(proof.read_inclusion_lines(iter(lines), where="proofs"))
    same(proof.inclusion_lines(found), data)
    for index, path in found:
        try:
            proof.check_inclusion(LEAVES[index % 13], index, path, HEAD)
        except CustodyError:
            continue
        same(list(path), merkle.inclusion(index, 13, lambda a, b: NODES[a, b]), "a second path for an entry")
    return found


def _consistency(data: bytes) -> object:
    size, hashes = proof.read_consistency(data, where="consistency")
    same(proof.consistency_text(size, hashes), data)
    for root in (merkle.root(min(size, 13), lambda a, b: NODES[a, b]), HEAD.root):
        proof.check_consistency(Checkpoint(origin=ORIGIN, size=size, root=root), HEAD, hashes)
    return hashes


def _statement(data: bytes) -> object:
    found = package.Statement.from_bytes(data, where="statement")
    if b'"certificate":null' in data:  # the bundle's reader refuses those that name one
        same(found.to_bytes(), data)
    return found


def _statement_file(data: bytes) -> object:
    found = envelope.from_bytes(data, payload_type=PACKAGE_TYPE, where="statement", max_bytes=len(data))
    same(found.to_bytes(), data)
    envelopes.verify(found, PERSON.sign.public, where="statement")
    return _statement(found.payload)


def _shown(data: bytes) -> object:
    rows = package.read_shown(data, where="shown")
    same(package.shown_bytes(rows), data)
    return rows


def _key_lines(data: bytes) -> object:
    rows = package.read_key_lines(data, where="keys")
    same(package.key_lines(rows), data)
    return rows


def _manifest(data: bytes) -> object:
    digits = 64 if len(data.partition(b" ")[0]) == 64 else 128
    found = package.read_manifest(data, digits=digits, where="manifest")
    same(package.manifest_lines([(path, digest) for path, digest in found.items()]), data)
    return found


def _trust(data: bytes) -> object:
    found = Trust.from_bytes(data, where="trust file")
    same(Trust.from_bytes(found.to_bytes(), where="trust file"), found)
    same(found.ledger(ORIGIN) is None, ORIGIN not in {ledger.origin for ledger in found.ledgers})
    return found


# --- short texts ----------------------------------------------------------------------------------------


def _words(data: bytes) -> object:
    typed = data.decode("utf-8", "surrogateescape")
    found = None
    for count in (12, 24):
        try:
            found = words.decode(typed, count=count, where="words")
        except CustodyError:
            if count == 24 and found is None:
                raise
        else:
            same(words.decode(" ".join(words.encode(found)), count=count, where="words"), found)
            return found
    return found


def _names(data: bytes) -> object:
    typed = data.decode("utf-8", "surrogateescape")
    taken = []
    checks: tuple[Callable[..., Any], ...] = (
        names.check_origin,
        names.check_id,
        names.check_exhibit_label,
        names.check_item_label,
        text.check_digest,
        text.check_time,
        note.parse_size,
    )
    for check in checks:
        try:
            taken.append(str(check(typed, where="text")))
        except CustodyError as error:
            refusal = error
    if not taken:
        raise refusal
    for value in taken:
        same(value, typed)
        if not value.isascii() or not value.isprintable():
            raise NotTheSame(f"a name that is not plain: {value!r}")
        if "/" in value and not value.startswith("custody/"):
            package.payload_path(value, "text/plain")
    return taken


def _base64(data: bytes) -> object:
    typed = data.decode("utf-8", "surrogateescape")
    found = text.from_base64(typed, where="text")
    same(text.to_base64(found), typed)
    return found


def _file_name(data: bytes) -> object:
    same(name_bytes(name_value(data)), data)
    shown = (
        text.show(data),
        text.show(data.decode("utf-8", "surrogateescape"), 5),
        text.show(data.decode("latin-1")),
    )
    for line in shown:
        one_line(line, "a name shown")
    return shown


# --- seeds ----------------------------------------------------------------------------------------------


def _entries() -> list[bytes]:
    return [stored for path, stored in sorted(world.files().items()) if path.startswith("custody/entries/")]


def _bodies() -> list[bytes]:
    found = {}
    for stored in _entries():
        outer = envelope.from_bytes(stored, payload_type=ENTRY_TYPE, where="entry")
        found.setdefault(entry.Entry.from_bytes(outer.payload, where="entry").kind, outer.payload)
    return list(found.values())


def _parts() -> list[bytes]:
    values: list[dict[str, Any]] = [plain for line in world.lines() for plain in line.plain.values()]
    distinct = {hashlib.sha256(canonical.encode(v)).digest(): v for v in values}
    found = [canonical.encode(value) for value in list(distinct.values())[:24]]
    return [*found, padding.pad_compartment(next(iter(distinct.values())), where="part")]


def _public_key_seeds() -> list[bytes]:
    collector = CustodianKeys(PERSON.sign, None)
    return [public_keys.make(keys, WALL).to_bytes() for keys in (PERSON, collector)]


def _proof_seeds() -> list[bytes]:
    read = lambda a, b: NODES[a, b]  # noqa: E731
    every = [(n, merkle.inclusion(n, 13, read)) for n in range(13)]
    return [proof.inclusion_lines(every), proof.inclusion_lines(every[5:6]), b""]


def _consistency_seeds() -> list[bytes]:
    read = lambda a, b: NODES[a, b]  # noqa: E731
    return [proof.consistency_text(n, merkle.consistency(n, 13, read)) for n in (1, 6, 8, 12, 13)]


def _statements() -> list[bytes]:
    one = package.Statement(
        package="019cb6d0-0000-7000-8000-00000000000a",
        origin=ORIGIN,
        size=13,
        root="0" * 64,
        leaf="1" * 64,
        files=(("READ-ME-FIRST.txt", 7, "2" * 64), ("data/A-1/001.txt", 0, "3" * 64)),
    )
    return [one.to_bytes()]


def _trust_seeds() -> list[bytes]:
    root = world.root()
    full = Trust(
        ledgers=(TrustedLedger(origin=ORIGIN, genesis="0" * 64, notes=(NOTE.to_bytes(),)),),
        authorities=(TrustedAuthority(roots=(root,), policies=("1.2.3",), source="by hand", test=True),),
        require=("connected",),
    )
    return [full.to_bytes(), Trust().to_bytes(), b' {"v" : 1, "ledgers": [], "authorities": []}']


def _shown_seeds() -> list[bytes]:
    rows = [
        ("ledger", "019cb6d0-0000-7000-8000-00000000000a", 3, "0" * 64),
        ("case", "019cb6d0-0000-7000-8000-00000000000b", 2**53 - 1, "f" * 64),
    ]
    return [package.shown_bytes(rows), b"[]", world.files()[package.SHOWN]]


def _manifest_seeds() -> list[bytes]:
    return [world.files()[name] for name in (*package.MANIFESTS, package.TAG_MANIFESTS[0])] + [b""]


JSON_SEEDS = (
    b'{"":[],"\xc3\xa9":"\\u001f\\n\\\\\\"","a":{"b":[0,9007199254740991,true,false,null]}}',
    b'[[[[[[[[[[[[[[[["sixteen"]]]]]]]]]]]]]]]]',
    '{"\U0001f600":1,"\ufb00":2}'.encode(),
    b'"' + b"\\n" * 200 + b'"',
)
NAME_SEEDS = tuple(
    value.encode()
    for value in (
        ORIGIN,
        "019cb6d0-0000-7000-8000-00000000000a",
        "A-3",
        "A-3/01",
        "COM1./100.1.2",
        "0" * 64,
        WALL,
        "0",
        "9" * 16,
    )
)


def _list(*seeds: bytes) -> Callable[[], Sequence[bytes]]:
    return lambda: seeds


READERS = (
    Reader(
        name="canonical-json",
        about="RFC 8785 JSON, narrowed: the same bytes again",
        covers=(
            "custody.format.canonical:decode",
            "custody.format.canonical:decode_object",
            "custody.format.canonical:check_fields",
        ),
        read=_canonical,
        seeds=_list(*JSON_SEEDS),
        shape="json",
    ),
    Reader(
        name="envelope",
        about="a DSSE envelope: the same bytes again",
        covers=("custody.format.envelope:from_bytes", "custody.format.envelope:from_value"),
        read=_envelope,
        seeds=lambda: _entries()[:4],
        shape="json",
    ),
    Reader(
        name="entry-body",
        about="an entry's body, its kind and its approvals: the same bytes again",
        covers=(
            "custody.format.entry:Entry.from_bytes",
            "custody.format.entry:Entry.check_kind",
            "custody.format.entry:Entry.check_general",
            "custody.format.shape:check",
        ),
        read=_entry,
        seeds=_bodies,
        shape="json",
    ),
    Reader(
        name="entry-stored",
        about="an entry as it is stored, envelope and body: the same bytes again",
        covers=("custody.format.entry:read",),
        read=_stored_entry,
        seeds=lambda: _entries()[:6],
        shape="json",
        limit=128 * 1024,
    ),
    Reader(
        name="compartment",
        about="an opened compartment: the same bytes again, and every compartment's shape",
        covers=(
            "custody.format.padding:unpad_compartment",
            "custody.format.entry:check_compartment",
            "custody.format.compartments:name_bytes",
        ),
        read=_compartment,
        seeds=_parts,
        shape="json",
    ),
    Reader(
        name="public-key-file",
        about="a public key file, its keys and signature: the same bytes again",
        covers=("custody.crypto.public_keys:read",),
        read=_public_key_file,
        seeds=_public_key_seeds,
        shape="json",
        limit=10_000,
    ),
    Reader(
        name="public-key-payload",
        about="what a public key file signs, under a good signature: keys that are none",
        covers=(
            "custody.format.public_key:from_payload",
            "custody.format.public_key:PublicKeyFile.from_payload",
            "custody.crypto.public_keys:check",
            "custody.crypto.keys:check_sign_key",
            "custody.crypto.wrapping:check_wrap_key",
        ),
        read=_public_key_payload,
        seeds=lambda: [public_keys.make(PERSON, WALL).payload],
        shape="json",
        limit=6_000,
    ),
    Reader(
        name="log-note",
        about="a log note and its two signatures: the same bytes again, and only the signed note holds",
        covers=(
            "custody.format.note:LogNote.from_bytes",
            "custody.format.note:Checkpoint.from_text",
            "custody.crypto.notes:verify",
        ),
        read=_log_note,
        seeds=_list(NOTE.to_bytes()),
        shape="lines",
        limit=20_000,
    ),
    Reader(
        name="proof-lines",
        about="proofs.jsonl: the same bytes again, and no second path to an entry",
        covers=(
            "custody.format.proof:read_inclusion_lines",
            "custody.format.proof:read_hashes",
            "custody.format.proof:check_inclusion",
            "custody.format.text:lines_of",
        ),
        read=_proof_lines,
        seeds=_proof_seeds,
        shape="lines",
    ),
    Reader(
        name="consistency",
        about="a consistency file: the same bytes again",
        covers=(
            "custody.format.proof:read_consistency",
            "custody.format.proof:check_consistency",
            "custody.format.merkle:check_consistency",
        ),
        read=_consistency,
        seeds=_consistency_seeds,
        shape="lines",
        limit=10_000,
    ),
    Reader(
        name="statement",
        about="what package.dsse signs: the same bytes again",
        covers=("custody.format.package:Statement.from_bytes",),
        read=_statement,
        seeds=_statements,
        shape="json",
    ),
    Reader(
        name="statement-file",
        about="package.dsse whole: the same bytes again, signed by the one key",
        covers=("custody.format.envelope:from_bytes",),
        read=_statement_file,
        seeds=lambda: [envelopes.sign(PACKAGE_TYPE, one, PERSON.sign).to_bytes() for one in _statements()],
        shape="json",
    ),
    Reader(
        name="shown",
        about="shown.json: the same bytes again",
        covers=("custody.format.package:read_shown",),
        read=_shown,
        seeds=_shown_seeds,
        shape="json",
    ),
    Reader(
        name="key-lines",
        about="keys.jsonl: the same bytes again",
        covers=("custody.format.package:read_key_lines",),
        read=_key_lines,
        seeds=lambda: [world.files()[package.KEYS], b""],
        shape="lines",
    ),
    Reader(
        name="manifest",
        about="a bag's manifest: the same bytes again",
        covers=("custody.format.package:read_manifest",),
        read=_manifest,
        seeds=_manifest_seeds,
        shape="lines",
    ),
    Reader(
        name="trust",
        about="a trust file, in any JSON spelling: the same value again",
        covers=("custody.format.trust:Trust.from_bytes",),
        read=_trust,
        seeds=_trust_seeds,
        shape="json",
    ),
    Reader(
        name="words",
        about="twelve and twenty-four words as somebody typed them: the same bytes again",
        covers=("custody.format.words:decode", "custody.procedure.trust:fingerprint_of"),
        read=_words,
        seeds=lambda: [
            " ".join(words.encode(bytes(range(16)))).encode(),
            " ".join(words.encode(bytes(32))).encode(),
            b"1. ABAN, 2. abil",
        ],
        limit=10_000,
    ),
    Reader(
        name="names",
        about="origins, ids, labels, digests, times, sizes: the same plain text again",
        covers=(
            "custody.format.names:check_origin",
            "custody.format.names:check_id",
            "custody.format.names:check_exhibit_label",
            "custody.format.names:check_item_label",
            "custody.format.text:check_digest",
            "custody.format.text:check_time",
            "custody.format.note:parse_size",
        ),
        read=_names,
        seeds=_list(*NAME_SEEDS),
        limit=400,
    ),
    Reader(
        name="base64",
        about="base64 in its one spelling",
        covers=("custody.format.text:from_base64",),
        read=_base64,
        seeds=_list(b"", b"AA==", b"AAA=", b"AAAA", b"+/+/"),
        limit=4_000,
    ),
    Reader(
        name="file-name",
        about="a file name of any bytes: the same bytes again, and shown without control characters",
        covers=("custody.format.compartments:name_value", "custody.format.text:show"),
        read=_file_name,
        seeds=_list(
            b"chat.txt", "Zo\u00eb \U0001f600.txt".encode(), b"\xff\xfe", b"\x1b[2J", "\u202egpj.exe".encode()
        ),
        limit=4_000,
    ),
)
