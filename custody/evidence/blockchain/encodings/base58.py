"""Base58 and base58check, in Bitcoin's alphabet and in the XRP ledger's."""

from __future__ import annotations

from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.encodings.hashes import sha256d

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
LONGEST = 128
"""Longer than any id, address or key; the work of decoding grows with the square of the length."""


def encode(raw: bytes, alphabet: str = BITCOIN) -> str:
    """Bytes as base58; every leading zero byte is one first letter of the alphabet."""
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = alphabet[rest] + out
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\x00"))) + out


def decode(text: str, alphabet: str = BITCOIN) -> bytes:
    """The bytes of a base58 text; Undecoded, with the place, where a character is not of the alphabet."""
    if not text:
        raise Undecoded("this is empty")
    if len(text) > LONGEST:
        raise Undecoded("this is longer than any base58 text that a chain uses")
    number = 0
    for position, char in enumerate(text):
        value = alphabet.find(char)
        if value < 0:
            raise Undecoded("this character is not one of base58", position=position)
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_check(body: bytes, alphabet: str = BITCOIN) -> str:
    """Bytes as base58check: with the first four bytes of their double SHA-256 behind them."""
    return encode(body + sha256d(body)[:4], alphabet)


def decode_check(text: str, alphabet: str = BITCOIN) -> bytes:
    """What a base58check text holds, version byte first; Undecoded where its checksum does not match."""
    raw = decode(text, alphabet)
    if len(raw) < 5:
        raise Undecoded("this is too short for a checksum")
    body, check = raw[:-4], raw[-4:]
    if sha256d(body)[:4] != check:
        raise Undecoded("the checksum does not match", checksum=True)
    return body
