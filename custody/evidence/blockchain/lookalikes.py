"""Addresses made to be taken for others, and how an address is shown so that they can't be.

A thief makes addresses until one begins and ends like the one his victim pays to, sends a tiny amount from it,
and waits to be copied from the list of past payments. So: the whole address always, and all of a case compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from custody.evidence.blockchain.reading import Reading
from custody.evidence.blockchain.recognise import recognise

ENDS = 3
"""So many characters at the start and at the end of what is not the same for all addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalikes:
    """Different addresses of one form that begin and end alike. Which of them was meant nobody can tell from this."""

    start: str
    end: str
    addresses: tuple[str, ...]


def blocks(address: str) -> str:
    """The whole address in blocks of four, for reading against another; never shortened."""
    prefix = "0x" if address[:2] in ("0x", "0X") else ""
    rest = address[len(prefix) :]
    return " ".join(
        [*([address[:2]] if prefix else []), *(rest[at : at + 4] for at in range(0, len(rest), 4))]
    )


def lookalikes(addresses: Iterable[str]) -> tuple[Lookalikes, ...]:
    """Groups of two and more different addresses that begin and end alike, in the order in which they came.

    Two spellings of one account (with and without checksum, on both of TON's forms) are no look-alikes.
    Texts that are no addresses are compared as they stand: a mistyped one may be the look-alike.
    """
    groups: dict[tuple[str, str, str], dict[str, str]] = {}
    for address in dict.fromkeys(addresses):
        form, same, shape = _comparable(address)
        if len(shape) >= 2 * ENDS:
            groups.setdefault((form, shape[:ENDS], shape[-ENDS:]), {}).setdefault(same, address)
    return tuple(
        Lookalikes(start=start, end=end, addresses=tuple(members.values()))
        for (_, start, end), members in groups.items()
        if len(members) > 1
    )


def lookalikes_of(address: str, others: Iterable[str]) -> tuple[str, ...]:
    """Those of ``others`` that look like ``address`` and are another one."""
    form, same, shape = _comparable(address)
    found = []
    for other in dict.fromkeys(others):
        its_form, its_same, its_shape = _comparable(other)
        alike = its_shape[:ENDS] == shape[:ENDS] and its_shape[-ENDS:] == shape[-ENDS:]
        if alike and its_form == form and its_same != same and len(its_shape) >= 2 * ENDS:
            found.append(other)
    return tuple(found)


def _comparable(address: str) -> tuple[str, str, str]:
    """Its form, what makes it the same as another, and the characters that are not the same for all of its form."""
    word = address.strip()
    reading: Reading | None = next(
        (one for one in recognise(word).readings if one.kind in ("address", "contract")), None
    )
    if reading is None or reading.level is None:
        return _shape(word, reading.chains if reading else ())
    form, _, shape = _shape(word, reading.chains)
    same = reading.payload_hex if form in ("evm", "ton") else f"{reading.canonical} {reading.tag}"
    return form, same or "", shape


def _shape(word: str, chains: tuple[str, ...]) -> tuple[str, str, str]:
    lower = word.lower()
    if lower.startswith("0x"):
        return "evm", lower, lower[2:]
    for prefix in ("bcrt1", "bc1", "tb1", "ltc1", "tltc1"):
        if lower.startswith(prefix):
            return prefix, lower, lower[len(prefix) + 1 :]  # and the witness version behind it
    if "bitcoin-cash" in chains and len(chains) == 1:
        rest = lower.rpartition(":")[2]
        return "cash", rest, rest[1:]
    if chains == ("ton",) and ":" not in word:
        return "ton", word, word[2:]
    return "other", word, word[1:]


def one_edit(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Addresses of the case that are one slip away from ``text``: a suggestion to look again, never a repair."""
    return tuple(one for one in dict.fromkeys(known) if one != text and _one_slip(text, one))


def _one_slip(one: str, other: str) -> bool:
    """Whether one character was changed, left out, doubled or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    if len(one) == len(other):
        swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
        return one[at + 1 :] == other[at + 1 :] or (len(one) - at >= 2 and swapped == other[at:])
    short, long = sorted((one, other), key=len)
    return short[at:] == long[at + 1 :]


def possible_poisoning(units: int, *, dust: int, looks_alike: bool) -> bool:
    """Whether a transfer may only be there to put a look-alike into somebody's list.

    ``units`` and ``dust``: whole numbers of the asset's smallest unit. A transfer of nothing, or of no more
    than ``dust``, whose other side looks like another address of the case.
    """
    return looks_alike and units <= dust
