"""Packets of a capture with their places: classic pcap, and pcapng, in bounded memory.

Sources: the IETF drafts draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from custody.evidence.chat.mail.window import Window
from custody.evidence.export import Bytes

SHOWN = 512
"""Bytes of a packet that are looked at: enough for its headers."""
_LONGEST = 16 << 20
"""Bytes of a packet or block that can be one."""

_MOST_INTERFACES = 1 << 16

_CLASSIC = {
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\x3c\x4d": (">", 9),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
}
_SECTION = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_PACKETS = {2, 3, 6}
_SECRETS = 0xA


class Packet(NamedTuple):
    """One packet. ``seconds`` and ``fraction`` (decimals) count from 1970; None where it has no time that can be one.

    ``data``: its first bytes; ``length``: bytes on the wire; ``link``: the number of its link type.
    """

    start: int
    end: int
    seconds: int | None
    fraction: str
    link: int
    data: bytes
    length: int


class Other(NamedTuple):
    """What is no packet. ``what``: a word of `reading.WHAT`, or "cut": a packet that ends early; ``why`` says more."""

    start: int
    end: int
    what: str
    why: str


def is_capture(head: bytes) -> bool:
    """Whether a file begins as a capture does."""
    return head[:4] in _CLASSIC or (head[:4] == _SECTION and head[8:12] in _ORDERS)


def packets(data: Bytes) -> Iterator[Packet | Other]:
    """Packets and everything else of a capture, in order; together they are all of its bytes."""
    window = Window(data, 0, data.size)
    magic = window.bytes_at(0, 4)
    if magic in _CLASSIC:
        yield from _classic(window, data.size, *_CLASSIC[magic])
    elif magic == _SECTION:
        yield from _Blocks(window, data.size).read()
    elif data.size:
        yield Other(0, data.size, "unread", "this does not begin as a capture does")


def _classic(window: Window, size: int, order: str, digits: int) -> Iterator[Packet | Other]:
    if size < 24:
        yield Other(0, size, "unread", "the header of the file ends early")
        return
    shift, link = struct.unpack(f"{order}8xi8xI", window.bytes_at(0, 24))
    yield Other(
        0, 24, "header", "" if shift == 0 else f"an offset of {shift} s stands in it, and was not applied"
    )
    at = 24
    head = struct.Struct(f"{order}IIII")
    while at < size:
        if size - at < 16:
            yield Other(at, size, "cut", "the file ends within a packet")
            return
        seconds, part, kept, length = head.unpack(window.bytes_at(at, 16))
        end = at + 16 + kept
        if kept > _LONGEST:
            yield Other(at, size, "unread", f"a packet of {kept} bytes can't be one: nothing behind is read")
            return
        if end > size:
            yield Other(at, size, "cut", "the file ends within a packet")
            return
        shown = window.bytes_at(at + 16, min(kept, SHOWN))
        stated = seconds if part < 10**digits else None
        yield Packet(at, end, stated, f"{part:0{digits}d}", link & 0xFFFF, shown, length)
        at = end


class _Interface(NamedTuple):
    link: int
    kept: int
    resolution: int
    offset: int


class _Blocks:
    """pcapng: sections of blocks, each with its own order of bytes and its own interfaces."""

    def __init__(self, window: Window, size: int) -> None:
        self._window = window
        self._size = size
        self._order = "<"
        self._interfaces: list[_Interface] = []

    def read(self) -> Iterator[Packet | Other]:
        at = 0
        while at < self._size:
            head = self._window.bytes_at(at, 12)
            if head[:4] == _SECTION:
                order = _ORDERS.get(head[8:12])
                if order is None:
                    yield Other(at, self._size, "unread", "a section whose order of bytes is not known")
                    return
                self._order, self._interfaces = order, []
            if len(head) < 12:
                yield Other(at, self._size, "cut", "the file ends within a block")
                return
            kind, total = struct.unpack(f"{self._order}II", head[:8])
            end = at + total
            if total < 12 or total % 4 or total > _LONGEST:
                yield Other(
                    at, self._size, "unread", f"a block of {total} bytes can't be one: nothing behind is read"
                )
                return
            if end > self._size:
                yield Other(at, self._size, "cut", "the file ends within a block")
                return
            if struct.unpack(f"{self._order}I", self._window.bytes_at(end - 4, 4))[0] != total:
                yield Other(at, self._size, "unread", "a block's two lengths differ: nothing behind is read")
                return
            yield self._block(kind, at, end)
            at = end

    def _block(self, kind: int, at: int, end: int) -> Packet | Other:
        body = self._window.bytes_at(at + 8, min(end - at - 12, SHOWN + 24))
        if kind in _PACKETS:
            return self._packet(kind, at, end, body)
        if kind == 1 and len(body) >= 8:
            if len(self._interfaces) >= _MOST_INTERFACES:
                return Other(at, end, "metadata", "more interfaces than are kept in mind")
            self._interfaces.append(
                self._interface(self._window.bytes_at(at + 8, min(end - at - 12, 64 << 10)))
            )
            return Other(at, end, "header", "")
        if kind == _SECRETS:
            return Other(at, end, "secret", "")
        return Other(at, end, "header" if kind == 0x0A0D0D0A else "metadata", "")

    def _interface(self, body: bytes) -> _Interface:
        link, kept = struct.unpack(f"{self._order}HxxI", body[:8])
        resolution, offset = 6, 0
        at = 8
        while at + 4 <= len(body):
            code, length = struct.unpack(f"{self._order}HH", body[at : at + 4])
            value = body[at + 4 : at + 4 + length]
            if code == 0:
                break
            if code == 9 and len(value) == 1:
                resolution = value[0]
            elif code == 14 and len(value) == 8:
                (offset,) = struct.unpack(f"{self._order}q", value)
            at += 4 + length + -length % 4
        return _Interface(link, kept, resolution, offset)

    def _packet(self, kind: int, at: int, end: int, body: bytes) -> Packet | Other:
        head = {2: f"{self._order}HxxIIII", 3: f"{self._order}I", 6: f"{self._order}IIIII"}[kind]
        size = struct.calcsize(head)
        if len(body) < size:
            return Other(at, end, "cut", "a packet's block is too short")
        fields = struct.unpack(head, body[:size])
        number = 0 if kind == 3 else fields[0]
        if number >= len(self._interfaces):
            return Other(at, end, "cut", "a packet of an interface that was not described")
        interface = self._interfaces[number]
        room = end - at - 12 - size
        if kind == 3:
            length = fields[0]
            kept = min(length, room, interface.kept or room)
            seconds, fraction = None, ""
        else:
            high, low, kept, length = fields[1:]
            seconds, fraction = _time(high << 32 | low, interface)
        if kept > room:
            return Other(at, end, "cut", "a packet says that it is longer than its block")
        return Packet(
            at, end, seconds, fraction, interface.link, body[size : size + min(kept, SHOWN)], length
        )


def _time(ticks: int, interface: _Interface) -> tuple[int, str]:
    """Seconds and decimals of a count of ticks; a resolution is a power of ten, or of two where its top bit is set."""
    power = interface.resolution & 0x7F
    if interface.resolution & 0x80:
        seconds, rest = ticks >> power, ticks & ((1 << power) - 1)
        return seconds + interface.offset, f"{(rest * 10**9) >> power:09d}" if power else ""
    seconds, rest = divmod(ticks, 10**power)
    return seconds + interface.offset, f"{rest:0{power}d}" if power else ""
