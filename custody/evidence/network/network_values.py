"""What a registry says about a range of addresses, in the words of a row of kind "network"."""

from __future__ import annotations

import ipaddress
import itertools
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from custody.evidence.chat.times import local_time
from custody.evidence.network.ip import Address, canonical, seen_address
from custody.evidence.network.said import known
from custody.evidence.records.moments import moment

NETWORK_VALUES = (
    "cidrs", "country", "entities", "events", "form", "handle", "name", "network_type", "parent", "range", "range_raw",
    "registry", "status",
)  # fmt: skip
"""Keys of a row of kind "network". ``range``: [first, last] in canonical text, absent where it is not understood;
``events``: [{action, date, instant?, day?}], ``date`` as written; ``entities``: [{handle, name, roles, within}]."""

MOST = 64
"""Statuses, prefixes, events and entities of one network that are shown, of each."""

_STAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?(Z|z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"(?:.{0,100}[ \t])?([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})(?:T.{0,40})?", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Network:
    """One network while it is being read. All texts as written; ``first`` and ``last`` bound the range."""

    handle: str | None = None
    name: str | None = None
    country: str | None = None
    parent: str | None = None
    type: str | None = None
    registry: str | None = None
    first: str | None = None
    last: str | None = None
    version: str | None = None
    range_raw: str | None = None
    status: list[str] = field(default_factory=list)
    cidrs: list[str] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    cut: bool = False
    whole: bool = True

    def bounds(self) -> tuple[Address, Address] | None:
        """First and last address, where both are, of one version and in order."""
        if self.first is None or self.last is None:
            return None
        first, last = seen_address(self.first), seen_address(self.last)
        if first.ip is None or last.ip is None or first.version != last.version:
            return None
        if number(first.ip) > number(last.ip):
            return None
        return first, last

    def flags(self) -> tuple[str, ...]:
        """What is doubtful in it."""
        bounds = self.bounds()
        found = [
            *(("list_cut",) if self.cut or any(len(one) > MOST for one in self._lists()) else ()),
            *(() if self.whole else ("row_not_split",)),
        ]
        if bounds is None:
            return (*found, "range_not_read")
        first, last = bounds
        ends = (number(first.ip or ""), number(last.ip or ""))
        spans = [span(cidr) for cidr in self.cidrs]
        lies = self.version is not None and self.version != f"v{first.version}"
        if lies or (spans and _joined(spans) != ends):
            found.append("capture_inconsistent")
        return tuple(found)

    def _lists(self) -> tuple[list[Any], ...]:
        return (self.status, self.cidrs, self.events, self.entities)

    def values(self, form: str) -> dict[str, Any]:
        """The values of its row."""
        bounds = self.bounds()
        raw = self.range_raw or " - ".join(one for one in (self.first, self.last) if one)
        return known(
            {
                "cidrs": self.cidrs[:MOST] or None,
                "country": self.country,
                "entities": self.entities[:MOST] or None,
                "events": self.events[:MOST] or None,
                "form": form,
                "handle": self.handle,
                "name": self.name,
                "network_type": self.type,
                "parent": self.parent,
                "range": None if bounds is None else [bounds[0].ip, bounds[1].ip],
                "range_raw": raw or None,
                "registry": self.registry,
                "status": self.status[:MOST] or None,
            }
        )


def number(ip: str) -> int:
    """The number of an address in canonical text."""
    return int(ipaddress.ip_address(ip))


def span(cidr: str) -> tuple[int, int] | None:
    """First and last number of ``address/length``; None where it is none, or has bits behind its length."""
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError:
        return None
    return int(network[0]), int(network[-1])


def of_cidr(cidr: str) -> tuple[str, str] | None:
    """First and last address of ``address/length`` in canonical text."""
    found = span(cidr)
    if found is None:
        return None
    version: Literal[4, 6] = 6 if ":" in cidr else 4
    return canonical(version, found[0]), canonical(version, found[1])


def _joined(spans: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """What prefixes cover together, if they follow each other without a gap."""
    found = sorted(one for one in spans if one is not None)
    if len(found) != len(spans):
        return None
    for before, after in itertools.pairwise(found):
        if after[0] != before[1] + 1:
            return None
    return found[0][0], found[-1][1]


def event(action: str, date: str) -> dict[str, str]:
    """An event with its date as written; its instant where the date has an offset, else its day where it is one."""
    values = {"action": action, "date": date}
    stamp = _STAMP.fullmatch(date)
    if stamp is not None:
        written = stamp[8].upper()
        minutes = 0 if written == "Z" else int(written[1:3]) * 60 + int(written[4:6])
        try:
            local = local_time(*map(int, stamp.groups()[:6]))
        except ValueError:
            return values
        found = moment(
            date, local, fraction=stamp[7], minutes=-minutes if written[0] == "-" else minutes
        ).instant
        return values if found is None else {**values, "instant": found}
    day = _DAY.fullmatch(date)
    if day is None:
        return values
    try:
        local_time(int(day[1]), int(day[3]), int(day[4]))
    except ValueError:
        return values
    return {**values, "day": f"{day[1]}-{day[3]}-{day[4]}"}
