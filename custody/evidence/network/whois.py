"""WHOIS answers as text: objects of "attribute: value" lines, an empty line between them (RIPE, ARIN, LACNIC …).

Objects about ranges of addresses are networks; objects about persons, organisations and routes are left where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from custody.evidence.export import Cut, Member
from custody.evidence.network.network_values import Network, event, of_cidr
from custody.evidence.records.lines import lines

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}):[ \t]*(.*)", re.DOTALL)
_RANGE = frozenset({"inetnum", "inet6num", "netrange"})
_KNOWN = frozenset({
    "inetnum", "inet6num", "netrange", "cidr", "netname", "nethandle", "nettype", "parent", "originas",
    "organization", "regdate", "updated", "country", "org", "admin-c", "tech-c", "abuse-c", "status",
    "mnt-by", "created", "last-modified", "source", "owner", "ownerid", "responsible", "owner-c", "changed",
    "descr", "mnt-lower", "mnt-routes", "mnt-irt",
})  # fmt: skip
_EVENTS = {
    "created": "registration",
    "regdate": "registration",
    "last-modified": "last changed",
    "updated": "last changed",
    "changed": "last changed",
}
_ENTITIES = frozenset({
    "org", "organization", "owner", "responsible", "admin-c", "tech-c", "abuse-c", "owner-c", "mnt-by",
    "mnt-lower", "mnt-routes", "mnt-irt",
})  # fmt: skip
_MOST = 500
"""Lines of an object that are read."""
_LONGEST = 1000


class Block(NamedTuple):
    """An object: its first line's number, its place, its attributes in order; ``whole``: all of its lines are in it."""

    line: int
    start: int
    end: int
    attributes: tuple[tuple[str, str], ...]
    whole: bool


def known_attributes(head: str) -> int:
    """How many attributes of networks the first object about a range has; 0 where there is none."""
    best = 0
    for block in re.split(r"\r?\n[ \t]*\r?\n", head):
        names = {match[1].lower() for line in block.splitlines()[:_MOST] if (match := _LINE.match(line))}
        if names & _RANGE:
            best = max(best, len(names & _KNOWN))
    return best


def blocks(member: Member) -> Iterator[Block]:
    """The objects of a file, in order; comments (% and #) and empty lines lie between them."""
    number, start, end = 0, 0, 0
    found: list[tuple[str, str]] = []
    whole = True
    for at, (begin, line) in enumerate(lines(member), 1):
        text = None if isinstance(line, Cut) else line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        if text is not None and begin == 0:
            text = text.removeprefix("\ufeff")
        if text is None or not text.strip() or text.startswith(("%", "#")):
            if found:
                yield Block(number, start, end, tuple(found), whole)
            found, whole = [], True
            continue
        match = _LINE.fullmatch(text)
        if match is not None and len(found) < _MOST:
            if not found:
                number, start = at, begin
            found.append((match[1].lower(), match[2].strip()[:_LONGEST]))
        elif found and match is None and text[0] in " \t+":
            name, value = found[-1]
            found[-1] = (name, f"{value}\n{text[1:].strip()}"[:_LONGEST])
        else:
            whole = False
        end = begin + len(line if isinstance(line, bytes) else b"")
    if found:
        yield Block(number, start, end, tuple(found), whole)


def network(block: Block) -> Network | None:
    """The network that an object describes; None where it describes something else."""
    wanted = [value for name, value in block.attributes if name in _RANGE]
    if not wanted:
        return None
    found = Network(range_raw=wanted[0], whole=block.whole)
    if len(wanted) == 1:
        found.first, found.last = _range(wanted[0])
    countries: list[str] = []
    for name, value in block.attributes:
        if not value:
            continue
        if name == "cidr":
            found.cidrs += [part.strip() for part in value.split(",") if part.strip()]
        elif name == "country":
            countries.append(value)
        elif name == "status":
            found.status.append(value)
        elif name in _EVENTS:
            found.events.append(event(_EVENTS[name], value))
        elif name in _ENTITIES:
            found.entities.append(
                {"name" if name in ("organization", "owner") else "handle": value, "roles": [name]}
            )
    found.country = ", ".join(dict.fromkeys(countries)) or None
    one = dict(reversed(block.attributes))
    found.name = one.get("netname") or None
    found.handle = one.get("nethandle") or None
    found.parent = one.get("parent") or None
    found.type = one.get("nettype") or None
    found.registry = one.get("source") or None
    return found


def _range(text: str) -> tuple[str | None, str | None]:
    first, dash, last = text.partition(" - ")
    if dash:
        return first.strip(), last.strip()
    return of_cidr(text.strip()) or (None, None)
