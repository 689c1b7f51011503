"""A Solana transaction as it goes over the wire: its id, who signed it, and the plain transfers that it asks for.

The id is the first signature. All signatures are Ed25519 over the message; the message lists the accounts, the first of
which sign. The blockhash in it is a recent block's, and no proof that the transaction came into a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from custody.crypto import keys
from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import Cursor, from_hex
from custody.evidence.blockchain.encodings import base58

LONGEST = 1_232
"""What fits into a packet: larger ones are none."""

SYSTEM = bytes(32)
TOKENS = base58.decode("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")


class Transfer(NamedTuple):
    """Asked for by one instruction. ``sender``, ``to``: 32 bytes, of accounts that hold tokens where ``is_token``.

    An account that holds tokens is not the address of its owner. ``units``: lamports, or the token's smallest unit.
    ``mint``: which token, where the instruction says so.
    """

    sender: bytes
    to: bytes
    units: int
    is_token: bool
    mint: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """``txid`` in base58; ``signers``: 32 bytes each, all of whose signatures fit.

    ``instructions``: how many there are; ``transfers``: those that are understood. ``looked_up``: accounts named by a
    table on the chain, so that the bytes do not say which they are.
    """

    txid: str
    signers: tuple[bytes, ...]
    accounts: tuple[bytes, ...]
    recent_block: bytes
    version: int | None
    instructions: int
    transfers: tuple[Transfer, ...]
    looked_up: int


class _Instruction(NamedTuple):
    program: int
    accounts: bytes
    data: bytes


def read_transaction(data: bytes | str, *, where: str = "transaction") -> Transaction:
    """Read one signed transaction, every byte (bytes or hexadecimal); InputRefused where a signature does not fit."""
    raw = from_hex(data, where, most=LONGEST)
    cursor = Cursor(raw, where)
    count = cursor.count("the number of signatures", 64, short=True)
    signatures = [cursor.take(64, "a signature") for _ in range(count)]
    message = raw[cursor.at :]
    version = None
    needed = cursor.number(1, "the number of signers")
    if needed & 0x80:
        version = needed & 0x7F
        if version:
            raise cursor.refuse(
                "a version of message that is not known here", expected="0", found=str(version)
            )
        needed = cursor.number(1, "the number of signers")
    read_only = cursor.number(1, "the number of read-only signers"), cursor.number(1, "of read-only others")
    accounts = tuple(
        cursor.take(32, "an account") for _ in range(cursor.count("the number of accounts", 32, short=True))
    )
    if (
        not 0 < needed == count <= len(accounts)
        or read_only[0] >= needed
        or read_only[1] > len(accounts) - needed
    ):
        raise cursor.refuse("signers, signatures and accounts do not fit each other")
    if len(set(accounts)) < len(accounts):
        raise cursor.refuse("an account is named twice")
    recent = cursor.take(32, "the recent blockhash")
    asked = [_instruction(cursor) for _ in range(cursor.count("the number of instructions", 3, short=True))]
    looked_up = 0
    if version is not None:
        for _ in range(cursor.count("the number of tables", 34, short=True)):
            cursor.take(32, "a table's address")
            for name in ("written", "read"):
                looked_up += len(_bytes(cursor, f"the accounts {name} by table"))
    cursor.end()
    highest = len(accounts) + looked_up
    if any(one.program >= len(accounts) or max(one.accounts, default=0) >= highest for one in asked):
        raise InputRefused("an instruction names an account that is not there", where=where)
    for number, (public, signature) in enumerate(zip(accounts, signatures, strict=False)):
        try:
            keys.verify(public, signature, message, where=where)
        except keys.SignatureInvalid as error:
            raise InputRefused(
                "a signature does not fit the message and its signer",
                where=f"{where}, signature {number + 1}",
            ) from error
    transfers = tuple(found for one in asked if (found := _transfer(one, accounts)) is not None)
    return Transaction(
        txid=base58.encode(signatures[0]),
        signers=accounts[:needed],
        accounts=accounts,
        recent_block=recent,
        version=version,
        instructions=len(asked),
        transfers=transfers,
        looked_up=looked_up,
    )


def _bytes(cursor: Cursor, what: str) -> bytes:
    return cursor.take(cursor.count(what, 1, short=True), what)


def _instruction(cursor: Cursor) -> _Instruction:
    return _Instruction(
        cursor.number(1, "a program"), _bytes(cursor, "an instruction's accounts"), _bytes(cursor, "its data")
    )


def _transfer(one: _Instruction, accounts: tuple[bytes, ...]) -> Transfer | None:
    """The transfer that an instruction asks for: the system program's, or that of the token program; else None."""
    program = accounts[one.program]
    named = [accounts[at] if at < len(accounts) else None for at in one.accounts]
    found: tuple[bytes | None, ...] = ()
    units, mint_at = one.data[1:9], None
    if program == SYSTEM and one.data[:4] == b"\x02\0\0\0" and len(one.data) == 12 and len(named) == 2:
        found, units = tuple(named), one.data[4:]
    elif program == TOKENS and one.data[:1] == b"\x03" and len(one.data) == 9 and len(named) >= 3:
        found = (named[0], named[1])
    elif program == TOKENS and one.data[:1] == b"\x0c" and len(one.data) == 10 and len(named) >= 4:
        found, mint_at = (named[0], named[2]), 1
    if len(found) != 2 or found[0] is None or found[1] is None:
        return None
    mint = None if mint_at is None else named[mint_at]
    return Transfer(found[0], found[1], int.from_bytes(units, "little"), program == TOKENS, mint)
