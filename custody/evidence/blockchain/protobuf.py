"""Protocol Buffers' wire format, read strictly: fields by number, in the order of the bytes, every byte accounted for.

Readers of the format take several spellings and let the last of repeated fields win; a display that takes the first
would then show something else than the network carried out. So what is written longer than it need be is refused
here, and who asks for a field that can be there once gets an error where it is there twice.
"""

from __future__ import annotations

from typing import NamedTuple

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import Cursor

MOST_FIELDS = 10_000


class Field(NamedTuple):
    """One field: its number, and an unsigned number (wire type 0) or bytes (2; 8 or 4 bytes for 1 and 5)."""

    number: int
    value: int | bytes


class Message:
    """The fields of one message."""

    def __init__(self, data: bytes, where: str) -> None:
        self.where = where
        self.fields = _fields(data, where)

    def numbers(self) -> set[int]:
        """Which fields are there."""
        return {one.number for one in self.fields}

    def all(self, number: int) -> list[int | bytes]:
        """All values of a field."""
        return [one.value for one in self.fields if one.number == number]

    def _one(self, number: int, name: str) -> int | bytes | None:
        found = self.all(number)
        if len(found) > 1:
            raise InputRefused(f"{name} is there {len(found)} times", where=self.where, expected="once")
        return found[0] if found else None

    def bytes(self, number: int, name: str) -> bytes:
        """A field of bytes; empty where it is not there."""
        found = self._one(number, name)
        if isinstance(found, int):
            raise InputRefused("a number where bytes must be", where=f"{self.where}, {name}")
        return found or b""

    def int64(self, number: int, name: str) -> int:
        """A signed number of 64 bits; 0 where it is not there."""
        found = self._one(number, name)
        if isinstance(found, bytes):
            raise InputRefused("bytes where a number must be", where=f"{self.where}, {name}")
        return (found or 0) - (1 << 64 if found and found >> 63 else 0)


def _fields(data: bytes, where: str) -> list[Field]:
    cursor = Cursor(data, where)
    found: list[Field] = []
    while cursor.left:
        if len(found) >= MOST_FIELDS:
            raise cursor.refuse("too many fields")
        key = _varint(cursor)
        number, wire = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise cursor.refuse("not a field's number", found=str(number))
        value: int | bytes
        if wire == 0:
            value = _varint(cursor)
        elif wire == 2:
            value = cursor.take(_varint(cursor), f"field {number}")
        elif wire in (1, 5):
            value = cursor.take(8 if wire == 1 else 4, f"field {number}")
        else:
            raise cursor.refuse("not a kind of field that is in use", found=f"wire type {wire}")
        found.append(Field(number, value))
    return found


def _varint(cursor: Cursor) -> int:
    value = 0
    for position in range(10):
        byte = cursor.number(1, "a number")
        value |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            if position and not byte:
                raise cursor.refuse("a number is written longer than it need be")
            if value >> 64:
                break
            return value
    raise cursor.refuse("a number of more than 64 bits")
