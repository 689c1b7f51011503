"""From the first bytes of a packet to its two ends: link layer, IPv4 or IPv6, ports. Tunnels are not opened."""

from __future__ import annotations

import struct
from typing import NamedTuple

_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_V4, _V6, _PPPOE = 0x0800, 0x86DD, 0x8864
_RAW = frozenset({12, 14, 101, 228, 229})
_FAMILIES = {2: _V4, 10: _V6, 24: _V6, 28: _V6, 30: _V6}
_WITH_PORTS = frozenset({6, 17, 33, 132, 136})
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_MOST_EXTENSIONS = 8

NOT_IP = "not_ip"
LINK_UNKNOWN = "link_unknown"
TOO_SHORT = "too_short"

REASONS = {
    NOT_IP: "are no IP packets (ARP and the like): they have no address of the internet",
    LINK_UNKNOWN: "have a link layer that is not read",
    TOO_SHORT: "were captured too short, or are damaged: their addresses or ports are not there",
}


class Ends(NamedTuple):
    """Who sends to whom. Addresses: 4 or 16 bytes; ports: None where the protocol has none, or another packet has them.

    ``flags``: TCP's flags; ``sequence``: TCP's number; ``fragment``: a part behind the first of a divided packet.
    """

    protocol: int
    source: bytes
    source_port: int | None
    target: bytes
    target_port: int | None
    flags: int = 0
    sequence: int = 0
    fragment: bool = False


def ends(link: int, data: bytes) -> Ends | str:
    """The two ends of a packet, or a word of REASONS."""
    try:
        found = _network(link, data)
        if isinstance(found, str):
            return found
        kind, at = found
        return _v4(data, at) if kind == _V4 else _v6(data, at)
    except (struct.error, IndexError):
        return TOO_SHORT


def _network(link: int, data: bytes) -> tuple[int, int] | str:
    """Which of IPv4 and IPv6 it is, and where its header begins."""
    if link == 1:
        return _ether(data, 12)
    if link in _RAW:
        version = data[0] >> 4
        return (_V4, 0) if version == 4 else (_V6, 0) if version == 6 else NOT_IP
    if link in (0, 108):
        (family,) = struct.unpack(">I" if link == 108 or data[:2] == b"\0\0" else "<I", data[:4])
        kind = _FAMILIES.get(family)
        return NOT_IP if kind is None else (kind, 4)
    if link == 113:
        return _ether(data, 14)
    if link == 276:
        (kind,) = struct.unpack(">H", data[:2])
        return (kind, 20) if kind in (_V4, _V6) else NOT_IP
    return LINK_UNKNOWN


def _ether(data: bytes, at: int) -> tuple[int, int] | str:
    (kind,) = struct.unpack_from(">H", data, at)
    at += 2
    for _ in range(4):
        if kind not in _TAGS:
            break
        (kind,) = struct.unpack_from(">H", data, at + 2)
        at += 4
    if kind == _PPPOE:
        (kind,) = struct.unpack_from(">H", data, at + 6)
        return {0x0021: (_V4, at + 8), 0x0057: (_V6, at + 8)}.get(kind, NOT_IP)
    return (kind, at) if kind in (_V4, _V6) else NOT_IP


def _v4(data: bytes, at: int) -> Ends | str:
    if data[at] >> 4 != 4:
        return TOO_SHORT
    size = (data[at] & 15) * 4
    part = struct.unpack_from(">H", data, at + 6)[0] & 0x1FFF
    source, target = data[at + 12 : at + 16], data[at + 16 : at + 20]
    if size < 20 or len(target) < 4:
        return TOO_SHORT
    return _ports(data[at + 9], source, target, data, at + size, part > 0)


def _v6(data: bytes, at: int) -> Ends | str:
    if data[at] >> 4 != 6:
        return TOO_SHORT
    source, target = data[at + 8 : at + 24], data[at + 24 : at + 40]
    if len(target) < 16:
        return TOO_SHORT
    following, at, part = data[at + 6], at + 40, 0
    for _ in range(_MOST_EXTENSIONS):
        if following in _EXTENSIONS:
            following, at = data[at], at + 8 + data[at + 1] * 8
        elif following == 44:
            part = struct.unpack_from(">H", data, at + 2)[0] >> 3
            following, at = data[at], at + 8
        elif following == 51:
            following, at = data[at], at + 8 + data[at + 1] * 4
        else:
            break
    return _ports(following, source, target, data, at, part > 0)


def _ports(protocol: int, source: bytes, target: bytes, data: bytes, at: int, fragment: bool) -> Ends:
    if protocol not in _WITH_PORTS or fragment:
        return Ends(protocol, source, None, target, None, fragment=fragment)
    source_port, target_port = struct.unpack_from(">HH", data, at)
    if protocol != 6:
        return Ends(protocol, source, source_port, target, target_port)
    (sequence,) = struct.unpack_from(">I", data, at + 4)
    return Ends(protocol, source, source_port, target, target_port, data[at + 13], sequence)
