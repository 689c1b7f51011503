"""Made-up captures: packets built byte by byte, in both containers."""

from __future__ import annotations

import ipaddress
import struct


def ether(kind: int, body: bytes, *tags: int) -> bytes:
    inner = b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags)
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + inner + struct.pack(">H", kind) + body


def v4(source: str, target: str, protocol: int, body: bytes, *, fragment: int = 0, options: int = 0) -> bytes:
    head = struct.pack(
        ">BBHHHBBH4s4s",
        0x45 + options,
        0,
        20 + 4 * options + len(body),
        1,
        fragment,
        64,
        protocol,
        0,
        ipaddress.IPv4Address(source).packed,
        ipaddress.IPv4Address(target).packed,
    )
    return head + b"\x01" * 4 * options + body


def v6(source: str, target: str, protocol: int, body: bytes) -> bytes:
    ends = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(target).packed
    return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + ends + body


def tcp(source: int, target: int, flags: int, sequence: int = 1, body: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", source, target, sequence, 0, 0x50, flags, 1000, 0, 0) + body


def udp(source: int, target: int, body: bytes = b"") -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(body), 0) + body


def classic(
    *packets: tuple[int, int, bytes],
    link: int = 1,
    order: str = "<",
    nano: bool = False,
    kept: int = 1 << 18,
    shift: int = 0,
) -> bytes:
    """Packets are (seconds, parts of a second, bytes)."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    found = [struct.pack(f"{order}IHHiIII", magic, 2, 4, shift, 0, kept, link)]
    for seconds, part, data in packets:
        found.append(struct.pack(f"{order}IIII", seconds, part, len(data[:kept]), len(data)) + data[:kept])
    return b"".join(found)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    total = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + total + body + total


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(link: int = 1, options: bytes = b"", order: str = "<", kept: int = 0) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, kept) + options, order)


def enhanced(ticks: int, data: bytes, number: int = 0, order: str = "<", length: int | None = None) -> bytes:
    head = struct.pack(
        f"{order}IIIII",
        number,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        len(data),
        len(data) if length is None else length,
    )
    return block(6, head + data, order)


def simple(data: bytes, order: str = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", len(data)) + data, order)
