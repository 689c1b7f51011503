"""CashAddr: Bitcoin Cash's addresses, with a prefix that may be left out and a checksum of 40 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from custody.evidence.blockchain.encodings import bits
from custody.evidence.blockchain.encodings.faults import Undecoded

SIZES = (20, 24, 28, 32, 40, 48, 56, 64)
"""The digest's length in bytes, by the low three bits of the version byte."""

_GENERATOR = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_CHECK = 8
_LONGEST = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class CashAddr:
    """An address that decoded. ``kind``: the four bits of its type (0 key, 1 script, 2 and 3 with tokens)."""

    prefix: str
    kind: int
    payload: bytes


def encode(prefix: str, kind: int, payload: bytes) -> str:
    """The whole text with its prefix, in lower case; ``payload`` of one of SIZES."""
    fives = bits.to_fives(bytes([kind << 3 | SIZES.index(len(payload))]) + payload)
    left = _polymod((*_expand(prefix), *fives, *[0] * _CHECK))
    check = (left >> 5 * (_CHECK - 1 - index) & 31 for index in range(_CHECK))
    return prefix + ":" + "".join(bits.CHARSET[five] for five in (*fives, *check))


def decode(text: str, prefix: str) -> CashAddr:
    """The parts of a text under ``prefix``, which may stand in front of it; Undecoded for anything else."""
    if len(text) > _LONGEST:
        raise Undecoded("this is longer than any CashAddr text")
    lower = bits.one_case(text)
    before, colon, data = lower.rpartition(":")
    if colon and before != prefix:
        raise Undecoded("this has another prefix")
    if len(data) < _CHECK + 2:
        raise Undecoded("this is too short for a checksum")
    fives = bits.values(data, len(lower) - len(data))
    if _polymod((*_expand(prefix), *fives)):
        raise Undecoded("the checksum does not match", checksum=True)
    raw = bits.to_bytes(fives[:-_CHECK])
    version, payload = raw[0], raw[1:]
    if version & 0x80:
        raise Undecoded("the version byte's first bit is reserved")
    if len(payload) != SIZES[version & 7]:
        raise Undecoded("the digest does not have the length that the version byte says")
    return CashAddr(prefix=prefix, kind=version >> 3, payload=payload)


def _expand(prefix: str) -> tuple[int, ...]:
    return (*(code & 31 for code in prefix.encode("ascii")), 0)


def _polymod(values: Iterable[int]) -> int:
    state = 1
    for value in values:
        top = state >> 35
        state = (state & 0x07FFFFFFFF) << 5 ^ value
        for index, factor in enumerate(_GENERATOR):
            if top >> index & 1:
                state ^= factor
    return state ^ 1
