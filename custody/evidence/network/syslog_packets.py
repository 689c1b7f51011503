"""Packets as filters and routers log them: iptables, nftables, ufw; ulogd and MikroTik, with what they translated.

A translation has two addresses for one end of a connection: the row's address is the one that the internet saw,
since other people's records have that one; the inner one stands in the details as ``nat_internal``.
"""

from __future__ import annotations

import re
from typing import Any

from custody.evidence.network.ip import seen_address
from custody.evidence.network.said import Said, known, port_of

_KEY = re.compile(r"\b([A-Z]{2,5})=([^\s\]]*)")
_FILTER = re.compile(r"\bSRC=([0-9A-Fa-f.:]++) DST=([0-9A-Fa-f.:]++) ")
_REPLY = re.compile(r" , REPLY: (SRC=.*)", re.DOTALL)
_TRACKED = re.compile(r"\[(NEW|UPDATE|DESTROY)\]")
_TRACKED_EVENTS = {"NEW": "session_start", "DESTROY": "session_stop"}
_PREFIX = re.compile(r"(?:\[ *[0-9]+\.[0-9]+\] )?(.{0,128}?)\s*IN=", re.DOTALL)
_PROTO = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "6": "tcp", "17": "udp", "132": "sctp"}

_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_END = rf"(?:{_V4}(?::[0-9]{{1,5}})?|\[[0-9A-Fa-f:.]{{2,45}}\](?::[0-9]{{1,5}})?|[0-9A-Fa-f:]{{2,39}})"
_ROUTED = re.compile(
    rf"\bproto (?P<proto>[A-Za-z0-9-]{{1,16}})(?: \((?P<bits>[^()]{{0,64}})\))?, "
    rf"(?P<src>{_END})->(?P<dst>{_END})(?P<nat>, NAT [^ ]{{1,200}})?(?:, len (?P<len>[0-9]{{1,9}}))?[ \t]*\Z"
)
_WAY = re.compile(
    r"(?:(?P<prefix>.{0,128}?): ?)?\bin:(?P<in>[^,]{0,64}?) out:(?P<out>[^,]{0,64}),", re.DOTALL
)
_MAC = re.compile(r"\bsrc-mac ([0-9a-fA-F:]{17})")
_NAT = re.compile(
    rf", NAT (?:\((?P<si>{_END})->(?P<so>{_END})\)|(?P<s>{_END}))->(?:\((?P<do>{_END})->(?P<di>{_END})\)|(?P<d>{_END}))"
)
_ENDPOINT = re.compile(
    rf"({_V4})(?::([0-9]{{1,5}}))?|\[([^\]]*)\](?::([0-9]{{1,5}}))?|([0-9A-Fa-f:]{{2,39}})"
)


def packet(message: str) -> Said | None:
    """The packet that a message tells of; None where it tells of none."""
    if "DST=" in message:
        return _filtered(message)
    return _routed(message) if "->" in message and "proto " in message else None


def _filtered(message: str) -> Said | None:
    # an ICMP error carries the packet that it is about, in brackets: its ports are not those of this one
    message = message.partition(" [SRC=")[0]
    ends = _FILTER.search(message)
    if ends is None:
        return None
    reply = _REPLY.search(message)
    if reply is not None:
        return _tracked(message[: reply.start()], reply[1])
    found = _keys(message)
    prefix = _PREFIX.match(message)
    details: dict[str, Any] = {
        name: found[key]
        for name, key in (
            ("in", "IN"),
            ("out", "OUT"),
            ("mac", "MAC"),
            ("length", "LEN"),
            ("icmp_type", "TYPE"),
        )
        if found.get(key)
    }
    proto = found.get("PROTO", "")
    values = {
        "dest_port": port_of(found.get("DPT")),
        "details": details or None,
        "event": "other:packet",
        "event_raw": (prefix[1].strip() or None) if prefix else None,
        "ip_role": "peer",
        "port": port_of(found.get("SPT")),
        "transport": _PROTO.get(proto, f"other:{proto.lower()}") if proto else None,
    }
    return Said(seen_address(ends[1]), seen_address(ends[2]), values)


def _keys(message: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in _KEY.findall(message):
        found.setdefault(key, value)
    return found


def _tracked(original: str, reply: str) -> Said | None:
    """A connection as the kernel's tracking tells it (ulogd): where answers go is what the outside saw."""
    there, back = _keys(original), _keys(reply)
    if not {"SRC", "DST"} <= set(there) & set(back):
        return None
    tracked = _TRACKED.search(original)
    source, port, role = there["SRC"], port_of(there.get("SPT")), "peer"
    target, dest_port = there["DST"], port_of(there.get("DPT"))
    details: dict[str, Any] = {}
    if (back["DST"], back.get("DPT")) != (source, there.get("SPT")):
        details |= known({"nat_internal": source, "nat_internal_port": port})
        source, port, role = back["DST"], port_of(back.get("DPT")), "nat_external"
    if (back["SRC"], back.get("SPT")) != (target, there.get("DPT")):
        name = "nat_internal_dest" if details else "nat_internal"
        details |= known({name: back["SRC"], f"{name}_port": port_of(back.get("SPT"))})
    proto = there.get("PROTO", "")
    values = {
        "dest_port": dest_port,
        "details": details or None,
        "event": _TRACKED_EVENTS.get(tracked[1] if tracked else "", "other:packet"),
        "event_raw": tracked[0] if tracked else None,
        "ip_role": role,
        "port": port,
        "transport": _PROTO.get(proto, f"other:{proto.lower()}") if proto else None,
    }
    return Said(seen_address(source), seen_address(target), values)


def _routed(message: str) -> Said | None:
    match = _ROUTED.search(message)
    way = None if match is None else _WAY.match(message)
    if match is None or way is None or way.end() > match.start():
        return None
    mac = _MAC.search(message, way.end(), match.start())
    source, port = _split(match["src"])
    target, dest_port = _split(match["dst"])
    role = "peer"
    flags: tuple[str, ...] = ()
    said = {
        "in": way["in"],
        "out": way["out"],
        "mac": None if mac is None else mac[1],
        "tcp_flags": match["bits"],
        "length": match["len"],
    }
    details: dict[str, Any] = {name: value for name, value in said.items() if value}
    if match["nat"]:
        nat = _NAT.fullmatch(match["nat"])
        if nat is None:
            flags = ("row_not_split",)
            details["nat"] = match["nat"].removeprefix(", NAT ")
        elif nat["si"]:
            details |= _inner(nat["si"])
            (source, port), role = _split(nat["so"]), "nat_external"
        if nat is not None and nat["do"]:
            # what came in from outside: the sender is as it was, the target has an inner address
            details |= _inner(nat["di"], "nat_internal_dest" if nat["si"] else "nat_internal")
            target, dest_port = _split(nat["do"])
    proto = match["proto"]
    values = {
        "dest_port": dest_port,
        "details": details or None,
        "event": "other:packet",
        "event_raw": way["prefix"] or None,
        "ip_role": role,
        "port": port,
        "transport": _PROTO.get(proto.upper(), f"other:{proto.lower()}"),
    }
    return Said(seen_address(source), seen_address(target), values, flags)


def _inner(end: str, name: str = "nat_internal") -> dict[str, Any]:
    address, port = _split(end)
    return {name: address, **({} if port is None else {f"{name}_port": port})}


def _split(end: str) -> tuple[str, int | None]:
    match = _ENDPOINT.fullmatch(end)
    if match is None:
        return end, None
    return match[1] or match[3] or match[5] or "", port_of(match[2] or match[4])
