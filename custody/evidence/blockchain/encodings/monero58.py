"""Monero's base58: blocks of eight bytes are eleven characters each, so the length says how many bytes there are."""

from __future__ import annotations

from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.encodings.hashes import keccak256

_BLOCK = 8
_WIDTHS = (0, 2, 3, 5, 6, 7, 9, 10, 11)
"""How many characters a block of so many bytes has."""
_LONGEST = 300


def encode(raw: bytes) -> str:
    """Bytes as Monero writes them."""
    return "".join(_block(raw[at : at + _BLOCK]) for at in range(0, len(raw), _BLOCK))


def _block(raw: bytes) -> str:
    number, out = int.from_bytes(raw, "big"), ""
    for _ in range(_WIDTHS[len(raw)]):
        number, rest = divmod(number, 58)
        out = base58.BITCOIN[rest] + out
    return out


def decode(text: str) -> bytes:
    """The bytes of a text; Undecoded, with the place, for a bad character or a block too large for its bytes."""
    if len(text) > _LONGEST:
        raise Undecoded("this is longer than any text of Monero's")
    out = b""
    for at in range(0, len(text), _WIDTHS[_BLOCK]):
        block = text[at : at + _WIDTHS[_BLOCK]]
        number = 0
        for position, char in enumerate(block, at):
            value = base58.BITCOIN.find(char)
            if value < 0:
                raise Undecoded("this character is not one of base58", position=position)
            number = number * 58 + value
        if len(block) not in _WIDTHS:
            raise Undecoded("the last block has a length that no bytes give")
        size = _WIDTHS.index(len(block))
        if number >> 8 * size:
            raise Undecoded("a block holds more than its bytes can", position=at)
        out += number.to_bytes(size, "big")
    return out


def encode_check(body: bytes) -> str:
    """Bytes with the first four bytes of their Keccak-256 behind them."""
    return encode(body + keccak256(body)[:4])


def decode_check(text: str) -> bytes:
    """What a text with a checksum holds; Undecoded where it does not match."""
    raw = decode(text)
    if len(raw) < 5:
        raise Undecoded("this is too short for a checksum")
    body, check = raw[:-4], raw[-4:]
    if keccak256(body)[:4] != check:
        raise Undecoded("the checksum does not match", checksum=True)
    return body
