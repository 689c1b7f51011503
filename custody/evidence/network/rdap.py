"""Who holds a range of addresses, as a registry answered: RDAP in JSON (RFC 9083) and WHOIS as text, saved by somebody.

The values are what the registry wrote. Of the entities, the handle, the roles and the name as it stands are shown;
addresses, telephones and mailboxes of persons stay in the bytes. `network_match` asks whether a record's address
lies in the range, and how far apart the dates are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from custody.evidence.export import Cut, Export, Member, cut
from custody.evidence.network import whois
from custody.evidence.network.network_values import MOST, NETWORK_VALUES, Network, event
from custody.evidence.reading import Detected, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

LARGEST = 4 << 20
"""Bytes of an answer that is taken apart. Registries write some thousand."""
_DEEPEST = 3
_LONGEST = 1000

__all__ = ["NETWORK_VALUES", "READER"]


def detect(export: Export) -> Detected | None:
    """Claims RDAP objects of class "ip network", and texts with the attributes of a registry's answer."""
    if export.zipped:
        return None
    head = export.members[0].head()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"{":
        if b'"objectClassName"' in head and re.search(rb'"ip network"|"startAddress"', head):
            return Detected(score=92, reasons=('an RDAP object of class "ip network"',))
        return None
    known = whois.known_attributes(start.decode("utf-8", "replace"))
    if known < 3:
        return None
    return Detected(
        score=85, reasons=(f"{known} attributes of a registry's answer about a range of addresses",)
    )


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row for each network that the answer describes."""
    del settings
    for at in detected.members:
        member = export.members[at]
        if member.head(512).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
            yield from _json(member)
        else:
            yield from _text(member)


def _json(member: Member) -> Iterator[Record]:
    data = member.open()
    row = Row(member.index, 0, member.size, cut(data, 0, member.size), "unknown", "the whole answer")
    if member.size > LARGEST:
        yield row._replace(flags=("answer_too_long",))
        return
    doubled: list[str] = []
    try:
        found = json.loads(
            data.read(0, member.size).decode("utf-8-sig", "backslashreplace"),
            object_pairs_hook=lambda pairs: _first(pairs, doubled),
            parse_float=str,
            parse_int=lambda text: int(text) if len(text) < 16 else text,
            parse_constant=str,
        )
    except (ValueError, RecursionError):
        yield row._replace(flags=("row_not_split",))
        return
    if not isinstance(found, dict) or found.get("objectClassName") != "ip network":
        yield row._replace(flags=("row_not_split",))
        return
    network = _network(found)
    flags = (*network.flags(), *(("doubled_keys",) if doubled else ()))
    yield row._replace(kind="network", place=None, values=network.values("rdap"), flags=flags)


def _first(pairs: list[tuple[str, Any]], doubled: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            doubled.append(name)
        else:
            found[name] = value
    return found


def _network(found: Mapping[str, Any]) -> Network:
    network = Network(
        handle=_said(found.get("handle")),
        name=_said(found.get("name")),
        country=_said(found.get("country")),
        parent=_said(found.get("parentHandle")),
        type=_said(found.get("type")),
        registry=_said(found.get("port43")),
        first=_said(found.get("startAddress")),
        last=_said(found.get("endAddress")),
        version=_said(found.get("ipVersion")),
    )
    network.status += [text for one in _list(found.get("status")) if (text := _said(one))]
    for one in _list(found.get("cidr0_cidrs")):
        if isinstance(one, dict):
            prefix, length = one.get("v4prefix") or one.get("v6prefix"), one.get("length")
            if isinstance(prefix, str) and type(length) is int:
                network.cidrs.append(f"{prefix[:64]}/{length}")
    for one in _list(found.get("events")):
        if isinstance(one, dict) and (date := _said(one.get("eventDate"))):
            network.events.append(event(_said(one.get("eventAction")) or "", date))
    _entities(found, network, None, 0)
    return network


def _entities(found: Mapping[str, Any], network: Network, within: str | None, depth: int) -> None:
    for one in _list(found.get("entities")):
        if not isinstance(one, dict) or len(network.entities) >= MOST or depth > _DEEPEST:
            network.cut = True
            continue
        handle = _said(one.get("handle"))
        said = {
            "handle": handle,
            "name": _name(one.get("vcardArray")),
            "roles": [text for role in _list(one.get("roles")) if (text := _said(role))] or None,
            "within": within,
        }
        network.entities.append({name: value for name, value in said.items() if value is not None})
        _entities(one, network, handle, depth + 1)


def _name(card: object) -> str | None:
    """The name of a jCard (RFC 7095): the text of its property "fn"."""
    if not (isinstance(card, list) and len(card) > 1):
        return None
    for one in _list(card[1]):
        if isinstance(one, list) and len(one) > 3 and one[0] == "fn":
            return _said(one[3])
    return None


def _said(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value.strip() else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(member: Member) -> Iterator[Record]:
    data = member.open()
    at = 0
    for block in whois.blocks(member):
        network = whois.network(block)
        if network is None:
            continue
        if block.start > at:
            yield Range(member.index, at, block.start, "outside")
        at = block.end
        raw: bytes | Cut = cut(data, block.start, block.end)
        yield Row(
            member.index, block.start, block.end, raw, "network", f"line {block.line}",
            values=network.values("whois"), flags=network.flags(),
        )  # fmt: skip
    if at < member.size:
        yield Range(member.index, at, member.size, "outside")


READER = RecordReader(
    name="rdap",
    version=1,
    title="Who holds a range of addresses: RDAP and WHOIS answers",
    recorder="capture",
    zone="RDAP dates have their offset; WHOIS dates are often days only",
    detect=detect,
    read=read,
    contains=(
        "range, handle, name, country and status of a network, as the registry wrote them",
        "dates of registration and of the last change",
        "who the registry names as holder and contacts",
    ),
    never=(
        "who used an address: the holder of a range is mostly a provider",
        "who held the range on another day than that of the answer",
        "where a machine stood: the country is that of the registration",
    ),
    flags={
        "answer_too_long": "longer than any registry's answer; kept as it stands",
        "doubled_keys": "the JSON has a key twice in one object; the first is shown",
        "list_cut": "a list in the answer is longer, or more deeply nested, than is shown",
        "range_not_read": "first and last address are no range that is understood",
    },
    shows_raw=False,
)
