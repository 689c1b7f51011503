"""Blocks of Bitcoin's main network that several public projects name alike, and the difficulty of each period.

The two files beside this module are dated and name their sources. They are how a proof leaves the paper: a header
alone shows that work was done, not that the network went on from there.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

from custody.evidence.blockchain.bitcoin.header import Header, target_of

DATE = "2026-11-28"
"""When the two files were put together."""

PERIOD = 2016
"""Blocks between two changes of the difficulty."""

CHEAP_WORK = 1 << 72
"""Hashes below which a header is cheap to make: machines of 2026 try some 2 x 10^14 a second, so this is less than
a year of one machine. Above it the header itself has cost something; below it only the list can tell."""

_DAY = 86_400


class Period(NamedTuple):
    """A difficulty period: height of its first block, its bits, and the time which that block states."""

    height: int
    bits: int
    time: int


@functools.cache
def known_blocks() -> Mapping[int, str]:
    """Height to hash (shown form)."""
    return MappingProxyType({int(row[0]): row[1] for row in _rows("known_blocks.txt")})


@functools.cache
def known_heights() -> Mapping[str, int]:
    """Hash (shown form) to height."""
    return MappingProxyType({found: height for height, found in known_blocks().items()})


@functools.cache
def periods() -> Sequence[Period]:
    """All known periods in order, from the first block on."""
    return tuple(Period(int(row[0]), int(row[1], 16), int(row[2])) for row in _rows("periods.txt"))


def _rows(name: str) -> list[list[str]]:
    text = resources.files("custody.evidence.blockchain.bitcoin").joinpath(name).read_text("ascii")
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


class Floor(NamedTuple):
    """What a header must be for its claimed place: ``ok``, and in words what was expected."""

    ok: bool
    expected: str


def floor(header: Header, height: int | None) -> Floor:
    """Judge a header's work for the height that is claimed, or, without one, for the time that it states.

    Within the known periods the bits must be those of the period in which the height lies and the stated time can
    (a day allowed on either side). Beyond the last one at least a quarter of its work is asked for: by the rules it
    can't fall further within one period, and in all known ones it never fell to less than half of what it had been.
    """
    known = periods()
    if height is not None and height < 0:
        return Floor(False, "a height of 0 or more")
    if height is not None and height < known[-1].height + PERIOD:
        number = height // PERIOD
        bits = known[number].bits
        return Floor(
            header.bits == bits and known[number] in _at(header.time),
            f"bits {bits:08x} and a time of those days, the network's at height {height}",
        )
    if height is None and header.time < known[-1].time + 14 * _DAY:
        fitting = {one.bits for one in _at(header.time)}
        names = " or ".join(f"{bits:08x}" for bits in sorted(fitting)) or "none, for there was no network yet"
        return Floor(
            header.bits in fitting, f"bits {names}, the network's at the time that the header states"
        )
    last = target_of(known[-1].bits, "known periods")
    return Floor(
        header.target <= 4 * last,
        f"at least a quarter of the work of the last known period (from height {known[-1].height})",
    )


def _at(time: int) -> list[Period]:
    """The periods in which a block can state this time."""
    known = periods()
    return [
        one
        for one, after in zip(known, (*known[1:], None), strict=True)
        if time >= one.time - _DAY and (after is None or time <= after.time + _DAY)
    ]
