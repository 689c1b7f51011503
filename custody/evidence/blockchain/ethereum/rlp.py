"""RLP, strictly: one value has one spelling (Ethereum yellow paper, appendix B).

An item is bytes, or a list of items. Whole numbers stand as bytes, high ones first, without leading zeros.
"""

from __future__ import annotations

from typing import TypeAlias

from custody.errors import InputRefused

Item: TypeAlias = "bytes | list[Item]"

DEEPEST = 16
MOST_ITEMS = 200_000


def decode(data: bytes, *, where: str) -> Item:
    """The one item that takes up all of ``data``; InputRefused for another spelling, a cut or a rest."""
    reader = _Reader(data, where)
    item, end = reader.item(0, len(data), 0)
    if end != len(data):
        raise reader.refuse("something follows the end", end)
    return item


def encode(item: Item) -> bytes:
    """The bytes of an item."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _head(0x80, len(item)) + item
    body = b"".join(encode(one) for one in item)
    return _head(0xC0, len(body)) + body


def number(value: int) -> bytes:
    """A whole number as RLP holds it."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _head(first: int, size: int) -> bytes:
    if size < 56:
        return bytes([first + size])
    width = number(size)
    return bytes([first + 55 + len(width)]) + width


class _Reader:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.items = data, where, 0

    def refuse(self, what: str, at: int) -> InputRefused:
        return InputRefused(what, where=f"{self.where}, byte {at}")

    def item(self, at: int, end: int, depth: int) -> tuple[Item, int]:
        """The item at ``at``, which must end before ``end``; and where it ends."""
        self.items += 1
        if depth > DEEPEST or self.items > MOST_ITEMS:
            raise self.refuse("nested too deep, or too many parts", at)
        if at >= end:
            raise self.refuse("cut off", at)
        first = self.data[at]
        if first < 0x80:
            return self.data[at : at + 1], at + 1
        is_list, size = first >= 0xC0, (first & 0x3F if first >= 0xC0 else first - 0x80)
        start = at + 1
        if size > 55:
            width = size - 55
            start += width
            written = self.data[at + 1 : min(start, end)]
            size = int.from_bytes(written, "big")
            if len(written) < width:
                raise self.refuse("cut off", at)
            if written[0] == 0 or size < 56:
                raise self.refuse("a length is written longer than it need be", at)
        stop = start + size
        if stop > end:
            raise self.refuse("cut off", at)
        if not is_list:
            if size == 1 and self.data[start] < 0x80:
                raise self.refuse("a byte is written longer than it need be", at)
            return self.data[start:stop], stop
        found: list[Item] = []
        while start < stop:
            one, start = self.item(start, stop, depth + 1)
            found.append(one)
        return found, stop


class Fields:
    """The parts of a list, taken in order, each named for errors. InputRefused where one is not as it must be."""

    def __init__(self, item: Item, where: str, counts: tuple[int, ...] | range) -> None:
        self.where = where
        self.items = self._list(item, where)
        if len(self.items) not in counts:
            raise InputRefused(
                "another number of fields",
                where=where,
                expected=" or ".join(str(one) for one in counts),
                found=str(len(self.items)),
            )
        self.at = 0

    @staticmethod
    def _list(item: Item, where: str) -> list[Item]:
        if isinstance(item, bytes):
            raise InputRefused("not a list", where=where)
        return item

    def _next(self) -> Item:
        self.at += 1
        return self.items[self.at - 1]

    def list(self, name: str) -> list[Item]:
        """A list, as it is."""
        return self._list(self._next(), f"{self.where}, {name}")

    def bytes(self, name: str, *sizes: int) -> bytes:
        """Bytes, of one of ``sizes`` where some are given."""
        item = self._next()
        where = f"{self.where}, {name}"
        if not isinstance(item, bytes):
            raise InputRefused("a list where bytes must be", where=where)
        if sizes and len(item) not in sizes:
            raise InputRefused(
                "another length",
                where=where,
                expected=f"{' or '.join(map(str, sizes))} bytes",
                found=f"{len(item)}",
            )
        return item

    def number(self, name: str, bits: int = 256) -> int:
        """A whole number below ``2^bits``, without leading zeros."""
        raw = self.bytes(name)
        where = f"{self.where}, {name}"
        if raw[:1] == b"\x00":
            raise InputRefused("a number with leading zeros", where=where)
        if 8 * len(raw) > bits:
            raise InputRefused(f"a number of more than {bits} bits", where=where)
        return int.from_bytes(raw, "big")
