"""Directories of TIFF, read strictly: TIFF 6.0 (section 2), Exif 2.32 (4.6.2). Guards bounds, circles, counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from custody.evidence.image.window import Ranges

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIGNED = {6, 8, 9, 10}
MAX_DIRECTORIES = 64
MAX_FIELDS = 4_000
MAX_VALUE = 1 << 20
"""Bytes of one value that are read at most; of longer ones only the place is told."""
POINTERS = {0x8769: "exif", 0x8825: "gps", 0xA005: "interoperability"}
_SUB_DIRECTORIES = 0x014A


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its directory, tag, TIFF type and count, and where its value stands in the structure."""

    directory: str
    tag: int
    kind: int
    count: int
    start: int
    size: int


@dataclass(slots=True)
class Directory:
    """One directory: ``ifd0``, ``ifd1`` …, ``exif``, ``gps``, ``interoperability`` or ``sub``; with its place."""

    name: str
    start: int
    end: int
    fields: list[Field] = field(default_factory=list)


@dataclass(slots=True)
class Structure:
    """The directories of one TIFF structure, and what was not understood: (start, end, reason)."""

    data: Ranges
    order: str
    directories: list[Directory] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)

    def named(self, name: str) -> Directory | None:
        """The first directory of this name."""
        return next((one for one in self.directories if one.name == name), None)

    def find(self, name: str, tag: int) -> Field | None:
        """The first field of this tag in the directories of this name."""
        return next(
            (f for one in self.directories if one.name == name for f in one.fields if f.tag == tag), None
        )

    def raw(self, one: Field) -> bytes:
        """The bytes of a value, MAX_VALUE of them at most."""
        return self.data.take(one.start, min(one.size, MAX_VALUE))

    def numbers(self, one: Field, most: int = 1_000) -> list[Fraction]:
        """The values of a field of numbers, exact; those with the denominator 0 and all of floats are left out."""
        return [number for number in self._numbers(one, most) if number is not None]

    def whole(self, one: Field, most: int) -> list[int]:
        """The whole numbers of a field, as `numbers` and faster; nothing for fractions and texts."""
        size = _SIZES[one.kind]
        if one.kind in (2, 5, 10, 11, 12):
            return []
        data = self.data.take(one.start, min(one.size, most * size, MAX_VALUE))
        return [self._whole(data[at : at + size], one.kind) for at in range(0, len(data) - size + 1, size)]

    def all_numbers(self, one: Field, most: int = 16) -> list[Fraction] | None:
        """As `numbers`, or None if one of them is no number."""
        found = list(self._numbers(one, most))
        return None if not found or None in found else [number for number in found if number is not None]

    def _numbers(self, one: Field, most: int) -> Iterator[Fraction | None]:
        size = _SIZES[one.kind]
        if one.kind in (2, 11, 12):
            return
        data = self.data.take(one.start, min(one.size, most * size, MAX_VALUE))
        for at in range(0, len(data) - size + 1, size):
            piece = data[at : at + size]
            if one.kind in (5, 10):
                over, under = self._whole(piece[:4], one.kind), self._whole(piece[4:], one.kind)
                yield Fraction(over, under) if under else None
            else:
                yield Fraction(self._whole(piece, one.kind))

    def _whole(self, data: bytes, kind: int) -> int:
        order: str = self.order
        return int.from_bytes(data, "little" if order == "little" else "big", signed=kind in _SIGNED)

    def text(self, one: Field) -> str:
        """A value as text: letters up to the first NUL; numbers by blanks, fractions as written; else hex."""
        data = self.data.take(one.start, min(one.size, 4_100))
        if one.kind == 2:
            return data.split(b"\x00")[0].decode("utf-8", "backslashreplace").strip()
        size = _SIZES[one.kind]
        if one.kind in (5, 10):
            pieces = [data[at : at + 8] for at in range(0, len(data) - 7, 8)]
            return " ".join(
                f"{self._whole(p[:4], one.kind)}/{self._whole(p[4:], one.kind)}" for p in pieces[:64]
            )
        if one.kind in (7, 11, 12) or (one.kind == 1 and one.count > 16):
            return data[:64].hex()
        return " ".join(
            str(self._whole(data[at : at + size], one.kind))
            for at in range(0, min(len(data) - size + 1, 64 * size), size)
        )


def read_structure(data: Ranges) -> Structure | None:
    """The directories of a TIFF structure; None where it does not begin like one.

    Never raises; what breaks a rule is in ``faults`` and whatever else can be read is read.
    """
    head = data.take(0, 8)
    if head[:4] not in (b"II*\x00", b"MM\x00*") or len(head) < 8:
        return None
    found = Structure(data, "little" if head[:1] == b"I" else "big")
    seen: set[int] = set()
    total = 0
    # (name, offset) still to be read; the main chain names its directories by number
    waiting: list[tuple[str, int]] = [("ifd0", _number(found, 4, 4) or 0)]
    while waiting:
        name, start = waiting.pop(0)
        if start in seen:
            found.faults.append((start, start, f"directory {name} was read already: a circle"))
            continue
        if len(seen) >= MAX_DIRECTORIES or total >= MAX_FIELDS:
            found.faults.append((start, start, "more directories or fields than are read"))
            break
        seen.add(start)
        count = _number(found, start, 2) if start >= 8 else None
        if count is None:
            found.faults.append((start, start, f"directory {name} lies outside"))
            continue
        one = Directory(name, start, min(start + 2 + 12 * count + 4, data.size))
        found.directories.append(one)
        if start + 2 + 12 * count > data.size:
            found.faults.append(
                (start, data.size, f"directory {name} with {count} fields goes beyond the end")
            )
        for number in range(min(count, MAX_FIELDS - total)):
            at = start + 2 + 12 * number
            if at + 12 > data.size:
                break
            total += 1
            _field(found, one, at, waiting)
        if name.startswith("ifd"):
            following = _number(found, start + 2 + 12 * count, 4)
            if following:
                waiting.append((f"ifd{int(name[3:]) + 1}", following))
    return found


def _number(of: Structure, start: int, count: int) -> int | None:
    data = of.data.take(start, count)
    return int.from_bytes(data, "little" if of.order == "little" else "big") if len(data) == count else None


def _field(of: Structure, within: Directory, at: int, waiting: list[tuple[str, int]]) -> None:
    tag, kind = _number(of, at, 2) or 0, _number(of, at + 2, 2) or 0
    count = _number(of, at + 4, 4) or 0
    if kind not in _SIZES:
        of.faults.append((at, at + 12, f"tag {tag:04x} of an unknown type {kind}"))
        return
    size = count * _SIZES[kind]
    start = at + 8 if size <= 4 else _number(of, at + 8, 4) or 0
    if start + size > of.data.size:
        of.faults.append((at, at + 12, f"the value of tag {tag:04x} lies outside"))
        return
    if any(one.tag == tag for one in within.fields[-64:]):
        of.faults.append((at, at + 12, f"tag {tag:04x} stands twice in {within.name}"))
    one = Field(within.name, tag, kind, count, start, size)
    within.fields.append(one)
    if tag in POINTERS and kind in (4, 13) and count == 1:
        waiting.append((POINTERS[tag], _number(of, start, 4) or 0))
    elif tag == _SUB_DIRECTORIES and kind in (4, 13):
        for number in range(min(count, MAX_DIRECTORIES)):
            waiting.append(("sub", _number(of, start + 4 * number, 4) or 0))
