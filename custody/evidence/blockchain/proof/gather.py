"""From files to evidence: which of them is the transaction, which the proof, which the headers.

Whoever knows says so (``role``). Else a file is taken for what it can be read as to its last byte, or for the bytes of
the claimed id; nothing is guessed beyond that: what is neither is handed on as not used, with what it failed as.
"""

from __future__ import annotations

import base64
import binascii
import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from custody.errors import InputRefused
from custody.evidence.blockchain import solana, xrp
from custody.evidence.blockchain.bitcoin.header import read_headers
from custody.evidence.blockchain.bitcoin.inclusion import read_block, read_merkleblock
from custody.evidence.blockchain.bitcoin.transaction import Transaction, read_transaction
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import block as evm_block
from custody.evidence.blockchain.ethereum import transaction as evm_transaction
from custody.evidence.blockchain.proof.claim import Claim, Evidence, Statement
from custody.evidence.blockchain.proof.others import BITCOIN_KIN
from custody.evidence.blockchain.tron import transaction as tron_transaction
from custody.evidence.chat import json_text

LONGEST = 16_000_000
"""Bytes of the largest file: twice a headers' list in hexadecimal."""

Role = Literal[
    "transaction",
    "signature",
    "merkleblock",
    "block",
    "headers",
    "previous",
    "header",
    "preimage",
    "payment_hash",
]
_MANY = {"signature": "signatures", "previous": "previous"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file: where it is from (an item's label), its bytes (or hexadecimal, or JSON), and what it is, if known."""

    label: str
    data: bytes
    role: Role | None = None


def gather(claim: Claim, pieces: Sequence[Piece]) -> Evidence:
    """The evidence in these files. Never an error: what can't be used is in ``unread``, with the reason."""
    found = _Found()
    for piece in pieces:
        if len(piece.data) > LONGEST:
            found.unread.append((piece.label, f"larger than {LONGEST} bytes"))
            continue
        data = _without_mark(piece.data)
        if data.lstrip()[:1] in (b"{", b"["):
            _json(found, claim, data, piece.label)
            continue
        raw = _bytes(data)
        if piece.role is not None:
            found.put(piece.role, raw, piece.label)
        else:
            _try(found, _readers(claim), raw, piece.label)
    return _evidence(found, claim)


class _Found:
    def __init__(self) -> None:
        self.given: dict[str, list[tuple[bytes | str, str]]] = {}
        self.statements: list[Statement] = []
        self.unread: list[tuple[str, str]] = []
        self.lists: dict[str, tuple[str, ...]] = {}
        self.index: int | None = None

    @property
    def size(self) -> int:
        """How much was found, or told as not used."""
        return sum(map(len, self.given.values())) + len(self.lists) + len(self.unread)

    def put(self, role: str, raw: bytes | str, label: str) -> None:
        self.given.setdefault(role, []).append((raw, label))


def _without_mark(data: bytes) -> bytes:
    """Text as editors and shells of Windows save it, without its mark and in UTF-8; anything else as it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode("ascii")
        except UnicodeError:
            return data
    return data.removeprefix(codecs.BOM_UTF8)


def _bytes(data: bytes) -> bytes:
    """Hexadecimal as its bytes (lines and spaces between are left out); anything else as it is."""
    digits = b"".join(data.split()).removeprefix(b"0x").removeprefix(b"0X")
    try:
        return bytes.fromhex(digits.decode("ascii")) if digits else data
    except ValueError:
        return data


_Read = Callable[[bytes], object]


def _readers(claim: Claim) -> dict[str, _Read]:
    chain, wanted = claim.chain, (claim.txid or "").strip().lower()

    def claimed_or(read: _Read, digest: Callable[[bytes], str]) -> _Read:
        # the bytes of the id are its bytes, also where they hold what is not read here
        return lambda raw: digest(raw) == wanted or read(raw)

    if chain in CHAINS and CHAINS[chain].family == "evm":
        transaction = claimed_or(evm_transaction.read_transaction, lambda raw: "0x" + keccak256(raw).hex())
        return {"header": evm_block.read_header, "transaction": transaction}
    if chain == "tron":
        transaction = claimed_or(tron_transaction.read_transaction, tron_transaction.transaction_id)
        return {"signature": _tron_signature, "transaction": transaction}
    if chain == "solana":
        return {"transaction": solana.read_transaction}
    if chain == "bitcoin":
        return {
            "headers": read_headers,
            "transaction": read_transaction,
            "merkleblock": read_merkleblock,
            "block": read_block,
        }
    if chain in BITCOIN_KIN:
        return {"transaction": read_transaction}
    if chain == "xrp":
        return {"transaction": claimed_or(_nothing, lambda raw: xrp.transaction_hash(raw).lower())}
    return {}


def _nothing(raw: bytes) -> object:
    raise InputRefused("not the bytes of the claimed id, and their fields are not read here")


def _tron_signature(raw: bytes) -> object:
    return tron_transaction.signer("11" * 32, raw)  # of this form: whether it fits is another matter


def _try(found: _Found, readers: Mapping[str, _Read], raw: bytes, label: str) -> None:
    failed = []
    for role, read in readers.items():
        try:
            read(raw)
        except InputRefused as error:
            failed.append(f"as {role}: {error.what}")
        else:
            found.put(role, raw, label)
            return
    found.unread.append((label, "; ".join(failed) or "no bytes of this chain are read here"))


def _json(found: _Found, claim: Claim, data: bytes, label: str) -> None:
    value, flags = json_text.load_bytes(data)
    if flags:
        found.unread.append((label, f"not plain JSON ({', '.join(flags)})"))
        return
    before = found.size
    for one in _objects(value, 0):
        _take(found, one, claim, label)
    if found.size == before:
        found.unread.append((label, "no bytes of a transaction are in this JSON"))


def _objects(value: Any, depth: int) -> list[dict[str, Any]]:
    """The objects of a JSON answer down to its third level: answers wrap what was asked for."""
    if depth > 3 or not isinstance(value, dict | list):
        return []
    inner = list(value.values()) if isinstance(value, dict) else value[:1000]
    return ([value] if isinstance(value, dict) else []) + [
        one for each in inner for one in _objects(each, depth + 1)
    ]


def _take(found: _Found, value: Mapping[str, Any], claim: Claim, label: str) -> None:
    """What one object brings, by the names that nodes and explorers use."""
    for name in ("result", "hex"):  # a node's answer to a question for raw bytes
        text = _text(value, name)
        if text is not None:
            _try(found, _readers(claim), _bytes(text.encode("utf-8", "replace")), f"{label}, {name}")
    raw = _text(value, "raw_data_hex")
    if raw is not None:
        wanted = (claim.txid or "").strip().lower()
        shown = value.get("txID")
        if not wanted or not isinstance(shown, str) or shown.lower() == wanted:
            found.put("transaction", raw, label)
            signatures = value.get("signature")
            for one in signatures if isinstance(signatures, list) else [signatures]:
                if isinstance(one, str):
                    found.put("signature", one, label)
            found.statements.append(Statement(kind="node", label=label, tron=value))
    for role, names in (
        ("transaction", ("tx_blob", "rawTransaction", "raw_transaction")),
        ("header", ("header", "headerRlp")),
        ("preimage", ("payment_preimage", "preimage")),
        ("payment_hash", ("payment_hash",)),
    ):
        for name in names:
            text = _text(value, name)
            if text is not None:
                found.put(role, text, label)
                break
    packed = value.get("transaction")
    if isinstance(packed, list) and len(packed) == 2 and packed[1] == "base64" and isinstance(packed[0], str):
        try:
            found.put("transaction", base64.b64decode(packed[0], validate=True), label)
        except (binascii.Error, ValueError):
            found.unread.append((label, "its transaction is no base64"))
    for role, name in (("transaction_proof", "transactionProof"), ("receipt_proof", "receiptProof")):
        nodes = value.get(name)
        if isinstance(nodes, list) and nodes and all(isinstance(one, str) for one in nodes):
            found.lists[role] = tuple(nodes)
            index = value.get("transactionIndex", value.get("index"))
            if isinstance(index, str) and len(index) <= 20:
                try:
                    index = int(index, 16 if index.startswith("0x") else 10)
                except ValueError:
                    index = None
            found.index = index if isinstance(index, int) and not isinstance(index, bool) else None


def _text(value: Mapping[str, Any], name: str) -> str | None:
    text = value.get(name)
    return text if isinstance(text, str) and len(text) >= 2 else None


def _evidence(found: _Found, claim: Claim) -> Evidence:
    _choose(found, claim)
    fields: dict[str, Any] = {}
    labels = {}
    for role, given in found.given.items():
        labels[_MANY.get(role, role)] = given[0][1]
        if role in _MANY:
            fields[_MANY[role]] = tuple(raw for raw, _ in given)
            continue
        fields[role] = given[0][0]
        found.unread += [(label, f"another {role} was given already") for _, label in given[1:]]
    fields.update(found.lists)
    return Evidence(
        statements=tuple(found.statements),
        labels=labels,
        index=found.index,
        unread=tuple(found.unread),
        **fields,
    )


def _choose(found: _Found, claim: Claim) -> None:
    """Of several Bitcoin transactions, the claimed one first; the others are those that it may spend from."""
    given = found.given.get("transaction", [])
    if claim.chain != "bitcoin" or len(given) < 2:
        return
    wanted = (claim.txid or "").strip().lower()
    read: list[tuple[Transaction | None, bytes | str, str]] = []
    for raw, label in given:
        try:
            read.append((read_transaction(raw), raw, label))
        except InputRefused:
            read.append((None, raw, label))
    spent = {one.txid for tx, _, _ in read if tx is not None for one in tx.inputs}
    main = next((row for row in read if row[0] is not None and row[0].txid == wanted), None)
    if main is None and not wanted:
        main = next((row for row in read if row[0] is not None and row[0].txid not in spent), None)
    if main is None or main[0] is None:
        return
    found.given["transaction"] = [(main[1], main[2])]
    before = {one.txid for one in main[0].inputs}
    for tx, raw, label in read:
        if tx is not None and tx.txid in before:
            found.put("previous", raw, label)
        elif tx is not main[0]:
            found.unread.append((label, "a transaction that the claimed one does not spend from"))
