"""Bytes read from front to end, each once: what is cut off, left over or spelt in two ways is refused."""

from __future__ import annotations

from custody.errors import InputRefused


class Cursor:
    """A place in bytes. ``where`` names them in errors; numbers are little-endian, as Bitcoin and Solana write.

    All methods raise InputRefused where the bytes end too early.
    """

    __slots__ = ("at", "data", "where")

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.at = 0
        self.where = where

    def refuse(self, what: str, **facts: str) -> InputRefused:
        """The error for the place where the cursor stands; to be raised."""
        return InputRefused(what, where=f"{self.where}, byte {self.at}", **facts)

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self.data) - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes."""
        if count > self.left:
            raise self.refuse(f"cut off in {what}", expected=f"{count} more bytes", found=str(self.left))
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, what: str) -> int:
        """An unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size, what), "little")

    def signed(self, size: int, what: str) -> int:
        """A signed number of ``size`` bytes."""
        return int.from_bytes(self.take(size, what), "little", signed=True)

    def compact(self, what: str) -> int:
        """Bitcoin's CompactSize: 1, 3, 5 or 9 bytes; refused where fewer would have held it."""
        first = self.number(1, what)
        if first < 0xFD:
            return first
        size, least = {0xFD: (2, 0xFD), 0xFE: (4, 1 << 16), 0xFF: (8, 1 << 32)}[first]
        value = self.number(size, what)
        if value < least:
            raise self.refuse(f"{what} is written longer than it need be")
        return value

    def compact16(self, what: str) -> int:
        """Solana's compact-u16: groups of seven bits, low ones first; refused beyond 65535 or where a group is idle."""
        value = 0
        for position in range(3):
            byte = self.number(1, what)
            value |= (byte & 0x7F) << (7 * position)
            if not byte & 0x80:
                if (position and not byte) or value > 0xFFFF:
                    break
                return value
        raise self.refuse(f"{what} is not a compact number up to 65535 in its one spelling")

    def count(self, what: str, least_size: int, *, short: bool = False) -> int:
        """How many things follow, each of at least ``least_size`` bytes: refused where they can't all be there."""
        value = self.compact16(what) if short else self.compact(what)
        if value * least_size > self.left:
            raise self.refuse(
                f"{what} can't be right", expected=f"at most {self.left // least_size}", found=str(value)
            )
        return value

    def end(self) -> None:
        """Refuse what is left over."""
        if self.left:
            raise self.refuse("something follows the end", found=f"{self.left} bytes")


def from_hex(text: str | bytes, where: str, *, most: int) -> bytes:
    """Bytes given as bytes, or as hexadecimal with or without ``0x`` and white space around; never empty.

    InputRefused for other characters, half bytes, and more than ``most`` bytes.
    """
    if isinstance(text, str):
        digits = text.strip()
        digits = digits[2:] if digits[:2] in ("0x", "0X") else digits
        if len(digits) > 2 * most:
            raise InputRefused("too long", where=where, expected=f"at most {most} bytes")
        if len(digits) % 2:
            raise InputRefused("a hexadecimal digit is missing", where=where, found=f"{len(digits)} digits")
        bad = next((at for at, char in enumerate(digits) if char not in "0123456789abcdefABCDEF"), None)
        if bad is not None:
            raise InputRefused("not a hexadecimal digit", where=f"{where}, character {bad + 1}")
        data = bytes.fromhex(digits)
    else:
        data = text
    if not data:
        raise InputRefused("empty", where=where)
    if len(data) > most:
        raise InputRefused("too long", where=where, expected=f"at most {most} bytes", found=str(len(data)))
    return data
