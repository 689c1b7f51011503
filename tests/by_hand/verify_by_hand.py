#!/usr/bin/env python3
"""Check a package of custody without custody: Python's library and `cryptography`, written from docs/format/ alone.

`verify_by_hand.py PACKAGE.zip --wordlist BIP-39.txt --words "…" --root AUTHORITY.pem`. Exit 0: no fault, 1: some.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import re
import subprocess
import tempfile
import zipfile

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

ORIGIN, ID = "custody/[a-z2-7]{26}", "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
NAMES = (
    r"(bagit|bag-info|READ-ME-FIRST|(tag)?manifest-sha(256|512))\.txt|data/.+|(?!custody/|fetch).+|custody/("
)
NAMES += r"package\.dsse|shown\.json|(proofs|keys)\.jsonl|trust-is-elsewhere\.txt|parts/[0-9a-f]{64}|"
NAMES += r"log/N\.note|log/N(\.([2-9]|[1-9]\d))?\.tsr|consistency/N\.txt|entries/N\.json)"
NAMES = NAMES.replace("N", r"(0|[1-9]\d{0,15})").replace(r"\d", "[0-9]")
BODY = "actor approvals case group kind ledger public root sealed seq subject time v".split()


def need(good, text):
    if not good:
        raise ValueError(text)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def b64(text, size=None):  # names.md
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text and size in (None, len(raw)), "base64 in another spelling")
    return raw


def jcs(value):  # canonical-json.md
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{jcs(key)}:{jcs(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    need(value is None or isinstance(value, bool | str) or 0 <= value < 2**53, "a number out of range")
    return json.dumps(value, ensure_ascii=False)


def canonical(data, limit=65536, kind=dict):
    bare, depth = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data[: limit + 1], flags=re.DOTALL), 0
    for bracket in re.findall(rb"[][{}]", bare):
        depth += 1 if bracket in b"[{" else -1
        need(depth <= 16, "nested too deeply")
    need(len(data) <= limit, "too long")
    value = json.loads(data.decode())
    need(jcs(value).encode() == data and isinstance(value, kind), "not in its one spelling")
    return value


def lines(data):
    need(data[-1:] in (b"\n", b""), "the last line has no end")
    return data.split(b"\n")[:-1]


def envelope(
    data, kind, limit=131072
):  # entry.md: gives the payload, the signer's key id, and a check by key
    outer, name = canonical(data, limit), f"application/vnd.custody.{kind}+json;v=1".encode()
    need(sorted(outer) == ["payload", "payloadType", "signatures"], "fields of the envelope")
    (signed,) = outer["signatures"]
    payload, sig = b64(outer["payload"]), b64(signed["sig"], 64)
    need(sorted(signed) == ["keyid", "sig"] and outer["payloadType"].encode() == name, "signature or type")
    message = b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)

    def check(key):
        need(sha(key) == signed["keyid"], "signed by another key")
        Ed25519PublicKey.from_public_bytes(key).verify(sig, message)

    return payload, signed["keyid"], check


def entry(stored):  # entry.md: gives the body (None when of a newer version), and the check of its signature
    payload, signer, check = envelope(stored, "entry")
    body = canonical(payload)
    need(type(body["v"]) is int and 1 <= body["v"], "version")
    if body["v"] > 1:
        return None, check
    about = body["subject"]
    need(sorted(body) == BODY and sorted(about) == ["id", "n", "prev", "type"], "fields of the body")
    need(
        all(type(n) is int for n in (body["seq"], about["n"])) and body["actor"] == signer, "numbers, signer"
    )
    need(re.fullmatch(ID, about["id"]) and (about["prev"] is None) == (about["n"] == 0), "subject, prev")
    own = {"ledger": None, "case": about["id"]}.get(about["type"], body["case"] or "")
    need(body["case"] == own and about["type"] in "ledger case exhibit item person request".split(), "case")
    return body, check


def node(left, right):  # tree-and-note.md
    return hashlib.sha256(b"\1" + left + right).digest()


def climb(leaf, index, size, path):  # RFC 9162, 2.1.3: the root that the path leads to, and the root before
    if size == 1:
        return need(not path, "too many hashes") or (leaf, None)
    (*rest, last), half = path, 1 << (size - 1).bit_length() - 1
    if index < half:
        root, before = climb(leaf, index, half, rest)
        return node(root, last), before
    root, before = climb(leaf, index - half, size - half, rest)
    return node(last, root), node(last, before) if before else last


def included(stored, index, path, size, root):
    need(0 <= index < size, "no such leaf")
    found, before = climb(hashlib.sha256(b"\0" + stored).digest(), index, size, path)
    need(found == root, "not in the record")
    return before or hashlib.sha256(b"").digest()


def grow(
    old, new, path, old_root=None
):  # RFC 9162, 2.1.4: the two roots; old_root while the old tree is whole
    if old == new:
        (known,) = [old_root] if old_root and not path else path
        return known, known
    (*rest, last), half = path, 1 << (new - 1).bit_length() - 1
    if old <= half:
        was, now = grow(old, half, rest, old_root)
        return was, node(now, last)
    was, now = grow(old - half, new - half, rest)
    return node(last, was), node(last, now)


def consistent(old, old_root, new, new_root, path):
    need(0 < old <= new and grow(old, new, path, old_root) == (old_root, new_root), "not a growth of the old")


def proof_lines(data):
    found = [canonical(line) for line in lines(data)]
    need(all(sorted(row) == ["index", "path"] and type(row["index"]) is int for row in found), "fields")
    numbers = [row["index"] for row in found]
    need(numbers == sorted(set(numbers)), "order of the proofs")
    return {row["index"]: [b64(digest, 32) for digest in row["path"]] for row in found}


def consistency_file(data):
    found = re.fullmatch(rb"old ([1-9][0-9]{0,15})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n", data)
    return int(found[1]), [b64(line.decode(), 32) for line in lines(found[2])]


def note(data, keys, origin):
    two = rb"\xe2\x80\x94 (?P=o) ([A-Za-z0-9+/]+=*)\n" * 2
    found = re.fullmatch(rb"((?P<o>%s)\n(0|[1-9][0-9]{0,15})\n(.{44})\n)\n" % ORIGIN.encode() + two, data)
    name, size, root = found["o"], int(found[3]), b64(found[4].decode(), 32)
    need(name.decode() == origin, "a note of another record")
    first, second = b64(found[5].decode(), 68), b64(found[6].decode(), 2432)
    for line, kind, key in ((first, b"\1", keys["ed25519"]), (second, b"\6", keys["ml-dsa-44"])):
        need(line[:4] == hashlib.sha256(name + b"\n" + kind + key).digest()[:4], "another log's key")
    Ed25519PublicKey.from_public_bytes(keys["ed25519"]).verify(first[4:], found[1])
    named = bytes([len(name)]) + name + bytes(8)
    message = b"subtree/v1\n\0" + named + named + size.to_bytes(8, "big") + root
    need(second[4:12] == bytes(8), "the second line states a time")
    MLDSA44PublicKey.from_public_bytes(keys["ml-dsa-44"]).verify(second[12:], message)
    return size, root


def context(origin, subject, n, part):  # contexts.md
    one, two, three = (len(t.encode()).to_bytes(2, "big") + t.encode() for t in (origin, subject, part))
    return b"custody/1 compartment\0" + one + two + n.to_bytes(8, "big") + three


def unseal(key, about, sealed):  # sealing.md
    opener = Cobblestone256Decryptor(key, about)
    return unpad(opener.update(sealed) + opener.finalize())


def unpad(plain):  # padding.md
    size = int.from_bytes(plain[:4], "big")
    need(len(plain) == -(-(4 + size) // 256) * 256 <= 1 << 20 and not any(plain[4 + size :]), "padding")
    return canonical(plain[4 : 4 + size], 1 << 20)
