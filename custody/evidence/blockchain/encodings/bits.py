"""Groups of five bits to bytes and back, as bech32 and CashAddr pack them."""

from __future__ import annotations

from collections.abc import Iterable

from custody.evidence.blockchain.encodings.faults import Undecoded

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def to_fives(raw: bytes) -> tuple[int, ...]:
    """Groups of five bits, the last one filled up with zeros."""
    number = int.from_bytes(raw, "big") << -len(raw) * 8 % 5
    count = (len(raw) * 8 + 4) // 5
    return tuple(number >> 5 * (count - 1 - index) & 31 for index in range(count))


def to_bytes(fives: Iterable[int]) -> bytes:
    """Bytes of groups of five bits; Undecoded where the filling is a whole group or holds a one."""
    groups = tuple(fives)
    number = 0
    for five in groups:
        number = number << 5 | five
    spare = len(groups) * 5 % 8
    if spare >= 5:
        raise Undecoded("there is a character too many")
    if number & (1 << spare) - 1:
        raise Undecoded("the bits behind the last byte are not zero")
    return (number >> spare).to_bytes(len(groups) * 5 // 8, "big")


def values(text: str, start: int) -> tuple[int, ...]:
    """The values of characters in lower case; ``start`` is where they stand, for what is said of a bad one."""
    out = []
    for position, char in enumerate(text, start):
        value = CHARSET.find(char)
        if value < 0:
            raise Undecoded("this character is not one of bech32", position=position)
        out.append(value)
    return tuple(out)


def one_case(text: str) -> str:
    """The text in lower case; Undecoded where both cases are mixed, with the first letter of the second."""
    lower = text.lower()
    if text not in (lower, text.upper()):
        cases = [(at, char.isupper()) for at, char in enumerate(text) if char.isupper() or char.islower()]
        change = next(at for at, upper in cases if upper != cases[0][1])
        raise Undecoded("upper and lower case are mixed", position=change)
    return lower
