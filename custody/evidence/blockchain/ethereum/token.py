"""Transfers of tokens: what a call asks of a token's contract (ERC-20), and what a contract wrote into a receipt.

A call says what its signer asked for. Whether tokens moved, only a receipt says, and what "tokens" are, the contract
alone: anybody can write one that calls itself USDT or reports transfers that nobody made.
"""

from __future__ import annotations

from typing import NamedTuple

TRANSFER = bytes.fromhex("a9059cbb")
TRANSFER_FROM = bytes.fromhex("23b872dd")
TRANSFER_EVENT = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


class TokenTransfer(NamedTuple):
    """``owner``: whose tokens are to move, 20 bytes; None: the caller's own (``transfer``). ``units``: smallest ones.

    With ``transferFrom`` caller and owner are two: the owner did not sign this call; for 0 units anybody can make it.
    """

    owner: bytes | None
    to: bytes
    units: int


def read_call(data: bytes, *, tron: bool = False) -> TokenTransfer | None:
    """The transfer that a call's data asks for, or None where it is not exactly one of the two.

    Addresses must stand in their word with zeros in front; on TRON also with the 41 that its addresses begin
    with, which its machine ignores.
    """
    words = [data[at : at + 32] for at in range(4, len(data), 32)]
    if data[:4] == TRANSFER and len(data) == 68:
        to = _address(words[0], tron)
        return None if to is None else TokenTransfer(None, to, int.from_bytes(words[1], "big"))
    if data[:4] == TRANSFER_FROM and len(data) == 100:
        owner, to = _address(words[0], tron), _address(words[1], tron)
        if owner is not None and to is not None:
            return TokenTransfer(owner, to, int.from_bytes(words[2], "big"))
    return None


def read_event(topics: tuple[bytes, ...], data: bytes) -> TokenTransfer | None:
    """The transfer that an event of a receipt reports, or None where it is not an ERC-20 Transfer."""
    if len(topics) != 3 or topics[0] != TRANSFER_EVENT or len(data) != 32:
        return None
    owner, to = _address(topics[1], tron=False), _address(topics[2], tron=False)
    if owner is None or to is None:
        return None
    return TokenTransfer(owner, to, int.from_bytes(data, "big"))


def _address(word: bytes, tron: bool) -> bytes | None:
    return word[12:] if word[:12] == bytes(12) or (tron and word[:12] == bytes(11) + b"\x41") else None
