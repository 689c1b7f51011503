"""EIP-55: the case of an address's letters is its checksum."""

from __future__ import annotations

from typing import Literal

from custody.evidence.blockchain.encodings.hashes import keccak256

Checksum = Literal["ok", "none", "bad"]


def checksummed(raw: bytes) -> str:
    """The 20 bytes of an address as ``0x`` and 40 digits, with the case of its letters as checksum."""
    digits = raw.hex()
    return "0x" + "".join(
        char.upper() if int(turn, 16) >= 8 else char
        for char, turn in zip(digits, keccak256(digits.encode()).hex(), strict=False)
    )


def checksum_of(text: str) -> Checksum:
    """Of ``0x`` and 40 hexadecimal digits: ``none`` where all letters have one case, for that can't be told
    from a text that somebody put into that case."""
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return "none"
    return "ok" if digits == checksummed(bytes.fromhex(digits))[2:] else "bad"


def wrong_case(text: str) -> tuple[int, ...]:
    """The places, counted from 0 in the whole text, of the letters that are not in the checksum's case."""
    right = checksummed(bytes.fromhex(text[2:]))[2:]
    return tuple(at for at, (one, other) in enumerate(zip(text[2:], right, strict=True), 2) if one != other)
