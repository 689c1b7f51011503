"""Bech32 (BIP-173) and bech32m (BIP-350): texts with a prefix, groups of five bits and a checksum of 30 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from custody.evidence.blockchain.encodings import bits
from custody.evidence.blockchain.encodings.faults import Undecoded

Variant = Literal["bech32", "bech32m"]
LONGEST = 90
"""Of an address. Lightning's invoices are longer; their checksum finds fewer errors the longer they are."""

_CONSTANTS: dict[Variant, int] = {"bech32": 1, "bech32m": 0x2BC830A3}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bech32:
    """A text that decoded: its prefix in lower case, the groups of five bits between it and the checksum."""

    prefix: str
    fives: tuple[int, ...]
    variant: Variant


def encode(prefix: str, fives: Iterable[int], variant: Variant = "bech32") -> str:
    """The text in lower case."""
    data = tuple(fives)
    left = _polymod((*_expand(prefix), *data, *[0] * _CHECK)) ^ _CONSTANTS[variant]
    check = (left >> 5 * (_CHECK - 1 - index) & 31 for index in range(_CHECK))
    return prefix + "1" + "".join(bits.CHARSET[five] for five in (*data, *check))


def decode(text: str, *, longest: int = LONGEST) -> Bech32:
    """The parts of a text; Undecoded, with the place where it can be told.

    Where only the checksum does not match, and changing one single character would make it match, that
    character's place is given. What it ought to be is not said: it is not ours to repair an address.
    """
    if len(text) > longest:
        raise Undecoded(f"this is longer than {longest} characters")
    for position, char in enumerate(text):
        if not "!" <= char <= "~":
            raise Undecoded("this character can't stand in bech32", position=position)
    lower = bits.one_case(text)
    prefix, one, data = lower.rpartition("1")
    if not one:
        raise Undecoded("there is no 1 between prefix and data")
    if not prefix:
        raise Undecoded("the prefix is empty")
    if len(data) < _CHECK:
        raise Undecoded("this is too short for a checksum")
    fives = bits.values(data, len(prefix) + 1)
    found = _polymod((*_expand(prefix), *fives))
    for variant, constant in _CONSTANTS.items():
        if found == constant:
            return Bech32(prefix=prefix, fives=fives[:-_CHECK], variant=variant)
    place = _one_wrong(found, len(fives))
    raise Undecoded(
        "the checksum does not match",
        position=None if place is None else len(prefix) + 1 + place,
        checksum=True,
    )


def _expand(prefix: str) -> tuple[int, ...]:
    codes = prefix.encode("ascii")
    return (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes))


def _step(state: int) -> int:
    """One place further: times x, in the field of the code."""
    top = state >> 25
    state = (state & 0x1FFFFFF) << 5
    for index, factor in enumerate(_GENERATOR):
        if top >> index & 1:
            state ^= factor
    return state


def _polymod(values: Iterable[int]) -> int:
    state = 1
    for value in values:
        state = _step(state) ^ value
    return state


def _one_wrong(found: int, count: int) -> int | None:
    """Where one changed group explains the checksum, in exactly one place and variant; counted from 0.

    The code is linear: a change of ``e`` at a place adds e·x^k to what is found, whatever the text is.
    """
    if count > LONGEST:  # beyond that length two places can explain the same
        return None
    places = set()
    for constant in _CONSTANTS.values():
        wanted = found ^ constant
        for change in range(1, 32):
            state = change
            for back in range(count):
                if state == wanted:
                    places.add(count - 1 - back)
                state = _step(state)
    return places.pop() if len(places) == 1 else None
