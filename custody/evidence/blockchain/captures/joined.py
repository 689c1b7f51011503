"""Look-alikes over the captured rows of a whole case: the address that is imitated may stand in another file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from custody.evidence.blockchain.captures.likeness import alike, judge
from custody.evidence.blockchain.captures.shape import ENDS, LONGEST

MOST_ADDRESSES = 200_000
PLACES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One address. ``places``: the first of the rows that have it, (item or None, row's number); ``count``: of all."""

    address: str
    sound: bool
    places: tuple[tuple[str | None, int], ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Different addresses that begin and end alike. Which of them was meant nobody can tell from this."""

    start: str
    end: str
    addresses: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """``compared``: addresses that were; ``left_out``: those beyond what is compared, which are not *not alike*."""

    groups: tuple[Group, ...]
    compared: int
    left_out: int


class _Places:
    __slots__ = ("count", "first")

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[str | None, int]] = []


def lookalikes_in(rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> Joined:
    """Groups of look-alikes in rows of kind "coin" (lines of `records.form`, each with its item), in their order.

    Rows of other kinds, and what has not the form of a row, are passed over. Bounded in memory: at most
    MOST_ADDRESSES addresses, and PLACES rows of each.
    """
    found: dict[str, _Places] = {}
    beyond: set[int] = set()
    for item, row in rows:
        if row.get("kind") != "coin":
            continue
        number = row.get("number")
        for address in dict.fromkeys(_addresses(row)):
            places = found.get(address)
            if places is None:
                if len(found) >= MOST_ADDRESSES:
                    if len(beyond) < MOST_ADDRESSES:
                        beyond.add(hash(address))
                    continue
                places = found[address] = _Places()
            places.count += 1
            if len(places.first) < PLACES:
                places.first.append((item, number if isinstance(number, int) else 0))
    groups, left_out = alike(found)
    made = tuple(
        Group(
            start=one.start,
            end=one.end,
            addresses=tuple(_seen(address, found[address]) for address in one.addresses),
        )
        for one in groups
    )
    return Joined(groups=made, compared=len(found) - left_out, left_out=left_out + len(beyond))


def _addresses(row: Mapping[str, Any]) -> Iterable[str]:
    transfers = row.get("transfers")
    for one in transfers if isinstance(transfers, list) else ():
        for end in ENDS if isinstance(one, dict) else ():
            address = one.get(end)
            if isinstance(address, str) and 0 < len(address) <= LONGEST:
                yield address


def _seen(address: str, places: _Places) -> Seen:
    return Seen(address=address, sound=judge(address).sound, places=tuple(places.first), count=places.count)
