"""A block's header and a transaction's receipt, and the proof that the header's tries hold a transaction or receipt.

Since the Merge (September 2022) no work goes into a header of Ethereum: anybody can write one whose hash is right. A
header says only which transactions belong to *it*; that it is a block of the chain must come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import rlp, trie
from custody.evidence.blockchain.ethereum.rlp import Fields

LONGEST_HEADER = 4_096
LONGEST_RECEIPT = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """``time``: seconds since 1970 as its maker states; roots of 32 bytes; ``difficulty`` 0 since the Merge."""

    hash: bytes
    parent: bytes
    number: int
    time: int
    difficulty: int
    transactions_root: bytes
    receipts_root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a contract wrote: its address, up to four topics of 32 bytes, data."""

    contract: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """``succeeded``: None before 2017 (Byzantium), when receipts did not say so."""

    type: int
    succeeded: bool | None
    logs: tuple[Log, ...]


def read_header(data: bytes | str, *, where: str = "block header") -> Header:
    """Read a header, every byte; InputRefused where it is none.

    15 fields at first; later ones (base fee and on) only ever stand behind them.
    """
    raw = from_hex(data, where, most=LONGEST_HEADER)
    fields = Fields(rlp.decode(raw, where=where), where, range(15, 25))
    parent = fields.bytes("parent", 32)
    fields.bytes("uncles", 32)
    fields.bytes("beneficiary", 20)
    fields.bytes("state root", 32)
    transactions, receipts = fields.bytes("transactions' root", 32), fields.bytes("receipts' root", 32)
    fields.bytes("bloom", 256)
    difficulty, number = fields.number("difficulty"), fields.number("number", 64)
    fields.number("gas limit", 64)
    fields.number("gas used", 64)
    time = fields.number("time", 64)
    fields.bytes("extra data")
    fields.bytes("mix hash", 32)
    fields.bytes("nonce", 8)
    if any(not isinstance(one, bytes) for one in fields.items[15:]):
        raise InputRefused("a list where bytes must be", where=where)
    return Header(
        hash=keccak256(raw),
        parent=parent,
        number=number,
        time=time,
        difficulty=difficulty,
        transactions_root=transactions,
        receipts_root=receipts,
    )


def read_receipt(data: bytes | str, *, where: str = "receipt") -> Receipt:
    """Read a receipt as it stands in the receipts' trie; InputRefused where it is none."""
    raw = from_hex(data, where, most=LONGEST_RECEIPT)
    kind = raw[0] if raw[0] < 0x80 else 0
    if kind > 4 or raw[0] == 0:
        raise InputRefused("a type of receipt that is not known here", where=where, found=str(raw[0]))
    fields = Fields(rlp.decode(raw[1:] if kind else raw, where=where), where, (4,))
    outcome = fields.bytes("status", 0, 1, 32)
    if len(outcome) == 1 and outcome != b"\x01":
        raise InputRefused("neither success nor failure", where=f"{where}, status")
    fields.number("gas used", 64)
    fields.bytes("bloom", 256)
    return Receipt(
        type=kind,
        succeeded=None if len(outcome) == 32 else outcome == b"\x01",
        logs=tuple(_log(one, f"{where}, log {at + 1}") for at, one in enumerate(fields.list("logs"))),
    )


def _log(item: rlp.Item, where: str) -> Log:
    fields = Fields(item, where, (3,))
    contract = fields.bytes("contract", 20)
    topics = Fields(fields.list("topics"), f"{where}, topics", range(5))
    found = tuple(topics.bytes(f"topic {n + 1}", 32) for n in range(len(topics.items)))
    return Log(contract=contract, topics=found, data=fields.bytes("data"))


def prove_place(root: bytes, index: int, nodes: Sequence[bytes], *, where: str) -> bytes | None:
    """The transaction or receipt at place ``index`` (from 0) under a header's root; None: proven to be none there."""
    return trie.prove(root, rlp.encode(rlp.number(index)), nodes, where=where)
