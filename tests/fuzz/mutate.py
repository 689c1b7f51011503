"""Seeded mutators: plain bytes, and the shapes that plain bytes never get past (JSON, DER, zip, lines).

A reader that wants one spelling refuses nearly every flipped bit at its door. So the mutators for shapes
take the input apart, change one thing in it, and put it together again with lengths, order and base64
right; and sometimes wrong. All take a `random.Random`, so that a run is repeated by its seed.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Mutator = Callable[[Random, bytes], bytes]

MOST = 1 << 20
_BYTES = (0, 1, 9, 10, 13, 0x20, 0x22, 0x2F, 0x30, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x7F, 0x80, 0xFE, 0xFF)
_WIDE = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63,
    2**64 - 1,
)


# --- bytes ----------------------------------------------------------------------------------------------


def _flip(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _set(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.choice(_BYTES)]) + data[at + 1 :]


def _number(rng: Random, data: bytes) -> bytes:
    size = rng.choice((2, 4, 8))
    at = rng.randrange(len(data))
    value = rng.choice(_WIDE) & (1 << 8 * size) - 1
    return (data[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :])[
        : len(data) + 8
    ]


def _cut(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def _span(rng: Random, data: bytes) -> tuple[int, int]:
    at = rng.randrange(len(data))
    return at, min(len(data), at + rng.choice((1, 1, 2, 4, 16, 64, 1024)))


def _drop(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def _double(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 1, 2, 2, 40)) + data[end:]


def _insert(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    new = rng.choice(
        (
            rng.randbytes(rng.choice((1, 2, 8, 64))),
            bytes([rng.choice(_BYTES)]) * rng.choice((1, 1, 4, 4, 16, 300, 5000)),
        )
    )
    return data[:at] + new + data[at:]


def _move(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    rest = data[:start] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


_PLAIN: tuple[Mutator, ...] = (_flip, _set, _number, _cut, _drop, _double, _insert, _move)


def plain(rng: Random, data: bytes) -> bytes:
    """One change of bytes."""
    return rng.choice(_PLAIN)(rng, data) if data else rng.randbytes(rng.randrange(1, 40))


def splice(rng: Random, data: bytes, other: bytes) -> bytes:
    """The beginning of one input and the end of another."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


# --- JSON -----------------------------------------------------------------------------------------------

_LEAVES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**31,
    2**53 - 1,
    2**53,
    2**64,
    10**30,
    1.5,
    "",
    "0",
    "a" * 600,
    "\0",
    "\ud800",
    "\ue000\U0001f600",
    "ﬀ",
    "é",
    "\u202eabc",
    "\x1b[2J",
    "../../x",
    "=",
    "====",
    "AA==",
    "AB==",
    [],
    {},
    [[]],
    {"": {}},
)
_TEXTS = (
    '"',
    "\\",
    "\\u0000",
    "\\ud800",
    " ",
    "\n",
    "1e400",
    "-0",
    "0.0",
    "NaN",
    "Infinity",
    "00",
    "1" * 5000,
    "[" * 17,
    "[" * 2000,
    '{"a":' * 17,
    "\ufeff",
    ",",
    "true",
    "\\n" * 99,
    '"' + "\\ta" * 99 + '"',
    "{}",
    "[],",
    "\u2028",
)
_NAMES = (
    "v",
    "kind",
    "public",
    "sealed",
    "case",
    "group",
    "time",
    "",
    "a",
    "\U0001f600",
    "\ue000",
    "__class__",
    "x" * 300,
)


def _spots(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        here = waiting.pop()
        places = here if isinstance(here, dict) else range(len(here))
        for place in places:
            found.append((here, place))
            if isinstance(here[place], dict | list):
                waiting.append(here[place])
    return found


def _leaf(rng: Random, old: Any) -> Any:
    if isinstance(old, str) and old and rng.random() < 0.7:
        inner = _inside(rng, old)
        if inner is not None:
            return inner
        text = plain(rng, old.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        return text if rng.random() < 0.8 else old * rng.choice((2, 2, 2, 20))
    if type(old) is int and rng.random() < 0.7:
        return max(0, old + rng.choice((-1, 1, 2, 1000)))
    return rng.choice(_LEAVES)


def _inside(rng: Random, text: str) -> str | None:
    """A text that is base64 of something of a shape: that thing is changed, and the spelling stays right."""
    if len(text) < 12 or len(text) % 4:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if data.startswith((b"{", b"[")):
        data = as_json(rng, data)
    elif data.startswith(b"0"):
        data = as_der(rng, data)
    elif rng.random() < 0.5:
        data = _flip(rng, data)
    else:
        data = plain(rng, data)
    return base64.b64encode(data).decode("ascii")


def _deep(rng: Random, value: Any) -> Any:
    for _ in range(rng.choice((1, 1, 15, 16, 17, 40, 900)) if rng.random() < 0.2 else 1):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def spell(value: Any) -> bytes:
    """Nearly canonical JSON, of anything."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def as_json(rng: Random, data: bytes) -> bytes:
    """One change within a JSON value, spelled canonically again; now and then a change of its text."""
    if rng.random() < 0.15:
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(_TEXTS).encode() + data[at + rng.choice((0, 0, 1, 5)) :]
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return plain(rng, data)
    spots = _spots(value) if isinstance(value, dict | list) else []
    if not spots:
        return spell(_deep(rng, value) if rng.random() < 0.3 else rng.choice(_LEAVES))
    holder, place = rng.choice(spots)
    chance = rng.random()
    if chance < 0.45:
        holder[place] = _leaf(rng, holder[place])
    elif chance < 0.55:
        del holder[place]
    elif chance < 0.63:
        other, its = rng.choice(spots)
        holder[place] = (
            other[its] if rng.random() < 0.5 and other is not holder else json.loads(json.dumps(other[its]))
        )
    elif chance < 0.70:
        holder[place] = _deep(rng, holder[place])
    elif chance < 0.80 and isinstance(holder, dict):
        holder[rng.choice(_NAMES)] = holder.pop(place) if rng.random() < 0.5 else _leaf(rng, holder[place])
    elif isinstance(holder, list):
        holder.insert(place, _leaf(rng, holder[place]) if rng.random() < 0.5 else holder[place])
        if rng.random() < 0.1:
            holder *= 20
        elif rng.random() < 0.3:
            rng.shuffle(holder)
    else:
        holder[place] = rng.choice(_LEAVES)
    try:
        out = spell(value)
    except (ValueError, RecursionError):  # moved into itself, or a surrogate in a key
        return plain(rng, data)
    return out.replace(b",", b", ", 1) if rng.random() < 0.02 else out


# --- DER ------------------------------------------------------------------------------------------------


_Element = tuple[int, int, int, int]
"""Where an element stands: its identifier, its start, the start of its contents, its end."""


def _elements(data: bytes, at: int, end: int) -> list[_Element]:
    """The elements between two places, those in them left out; none where there is no DER."""
    found: list[_Element] = []
    while at < end:
        if end - at < 2 or data[at] & 0x1F == 0x1F:
            return []
        length, body = data[at + 1], at + 2
        if length >= 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4 or end < body + octets:
                return []
            length, body = int.from_bytes(data[body : body + octets], "big"), body + octets
        if body + length > end:
            return []
        found.append((data[at], at, body, body + length))
        at = body + length
    return found


def _way_down(rng: Random, data: bytes) -> list[_Element]:
    """Elements, each in the one before, down to any that has none in it or to one before that: only these are
    taken apart, in a tenth of the time that all take. A large element is gone into more often.
    """
    way: list[_Element] = []
    at, end = 0, len(data)
    while found := _elements(data, at, end):
        evenly = rng.random() < 0.2
        here = rng.choices(found, None if evenly else [end - start for _, start, _, end in found])[0]
        way.append(here)
        tag, _, at, end = here
        # An OCTET STRING in a token often wraps more DER: TSTInfo, certificate extensions.
        wraps = tag & 0x20 or (tag == 4 and at < end and data[at] in b"0\x03\x04")
        if not wraps or rng.random() < 0.1:
            break
    return way


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = (size.bit_length() + 7) // 8
    return bytes([0x80 | octets]) + size.to_bytes(octets, "big")


def _element(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + _length(len(body)) + body


def _in_place_of(data: bytes, way: Sequence[_Element], new: bytes) -> bytes:
    """DER with ``new`` where the last element of a way stood, and the lengths of all around it right."""
    _, start, _, end = way[-1]
    for tag, outer, body, after in reversed(way[:-1]):
        new = _element(tag, data[body:start] + new + data[end:after])
        start, end = outer, after
    return data[:start] + new + data[end:]


_TAGS = (
    1,
    2,
    3,
    4,
    5,
    6,
    0x0C,
    0x13,
    0x17,
    0x18,
    0x30,
    0x31,
    0x80,
    0x81,
    0xA0,
    0xA1,
    0xA4,
    0x10,
    0x1F,
    0x24,
    0x3F,
    0,
)
_CONTENTS = (
    b"",
    b"\0",
    b"\xff",
    b"\x80",
    b"\x00\x01",
    b"\xff\xff",
    bytes(65),
    b"\x7f" * 64,
    b"\x80" * 65,
    b"\x2a\x86\x48",
    b"20261122101112Z",
    b"99991231235959Z",
    b"00000101000000Z",
    b"20260230000000Z",
    b"20261122101160Z",
    b"*",
    b"20261122101112.0Z",
    b"20261122101112.999999999999Z",
    b"2" * 5000,
    b"\x55\x1d\xff\xff\xff\xff\x7f",
)


def as_der(rng: Random, data: bytes) -> bytes:
    """One change of an element somewhere in DER, all lengths right again (or one of them wrong)."""
    way = _way_down(rng, data)
    if not way or rng.random() < 0.1:
        return plain(rng, data)
    tag, start, at, end = way[-1]
    whole, body = data[start:end], data[at:end]
    match rng.randrange(9):
        case 0:
            new = _element(rng.choice(_TAGS), body)
        case 1:
            new = _element(tag, rng.choice(_CONTENTS))
        case 2 | 3:
            new = _element(tag, plain(rng, body))
        case 4:
            new = b""
        case 5:
            new = whole * (2 if rng.random() >= 0.1 else rng.choice((22, 1102)))
        case 6:
            _, start, _, end = _way_down(rng, data)[-1]
            new = data[start:end]
        case 7:
            new = whole
            for _ in range(rng.choice((1, 5, 23, 24, 25, 60))):
                new = _element(rng.choice((0x30, 0x31, 0xA0)), new)
        case _:
            size = bytes([len(body) + 1 & 0x7F])
            lie = rng.choice((b"\x80", b"\x84\xff\xff\xff\xff", b"\x81\x05", b"\x85" + bytes(5), size, b""))
            new = bytes([tag]) + lie + body
    return _in_place_of(data, way, new)


# --- lines ----------------------------------------------------------------------------------------------


def as_lines(rng: Random, data: bytes) -> bytes:
    """One line taken away, doubled, exchanged with another, or changed within."""
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = rng.choice((b"", b"\r", b" ", b"\t" * 200, b"x" * 9000))
        case _:
            lines[at] = (
                as_json(rng, lines[at]) if lines[at].startswith((b"{", b"[")) else plain(rng, lines[at])
            )
    return rng.choice((b"\n", b"\n", b"\n", b"\n", b"\r\n", b"\n\n")).join(lines)


# --- zip ------------------------------------------------------------------------------------------------

_RECORDS = {
    b"PK\x03\x04": (4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2),
    b"PK\x01\x02": (4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4),
    b"PK\x05\x06": (4, 2, 2, 2, 2, 4, 4, 2),
    b"PK\x06\x06": (4, 8, 2, 2, 4, 4, 8, 8, 8, 8),
    b"PK\x06\x07": (4, 4, 8, 4),
}


def as_zip(rng: Random, data: bytes) -> bytes:
    """One field of one record of a zip, or one record moved, doubled or dropped."""
    signature = rng.choice(tuple(_RECORDS))
    places = []
    at = data.find(signature)
    while at >= 0 and len(places) < 400:
        places.append(at)
        at = data.find(signature, at + 4)
    if not places or rng.random() < 0.3:
        return plain(rng, data)
    widths = _RECORDS[signature]
    start = rng.choice(places)
    record = data[start : start + sum(widths)]
    match rng.randrange(8):
        case 0:
            return data[:start] + data[start + len(record) :]
        case 1:
            other = rng.choice(places)
            return data[:start] + data[other : other + len(record)] + data[start + len(record) :]
        case _:
            field = rng.randrange(len(widths))
            at, width = start + sum(widths[:field]), widths[field]
            old = int.from_bytes(data[at : at + width], "little")
            value = rng.choice((*_WIDE, old + 1, max(0, old - 1), old * 2)) & (1 << 8 * width) - 1
            return data[:at] + value.to_bytes(width, "little") + data[at + width :]


# --- patches --------------------------------------------------------------------------------------------


def patches(*changes: tuple[int, bytes]) -> bytes:
    """Changes of a base that is too large or too random to be an input: (offset, bytes) each."""
    return b"".join(struct.pack("<IB", at, len(new)) + new for at, new in changes)


def apply_patches(base: bytes, data: bytes) -> bytes:
    """The base with all changes in it; every input is a list of changes of some sort."""
    out = bytearray(base)
    at = 0
    while at + 5 <= len(data):
        where, length = struct.unpack_from("<IB", data, at)
        new = data[at + 5 : at + 5 + length]
        where %= len(base) + 1
        out[where : where + len(new)] = new
        at += 5 + length
    return bytes(out)


def as_patches(rng: Random, data: bytes) -> bytes:
    """One more change, near a page's head more often than not, or a change of the list."""
    if data and rng.random() < 0.3:
        return plain(rng, data)
    page = 16_384 * rng.randrange(40) if rng.random() < 0.7 else rng.randrange(1 << 20)
    at = page + rng.choice((rng.randrange(24), rng.randrange(110), rng.randrange(16_384)))
    return data[-200:] + patches(
        (at, rng.choice((bytes([rng.choice(_BYTES)]), rng.randbytes(rng.randrange(1, 9)))))
    )


SHAPES: dict[str, tuple[Mutator, ...]] = {
    "bytes": (plain,),
    "json": (as_json, as_json, as_json, plain),
    "der": (as_der, as_der, as_der, plain),
    "lines": (as_lines, as_lines, plain),
    "zip": (as_zip, as_zip, plain),
    "patches": (as_patches,),
}


def mutate(rng: Random, data: bytes, shape: str, pool: Sequence[bytes] = (), most: int = MOST) -> bytes:
    """A few changes in a row; at most ``most`` bytes come out."""
    if pool and rng.random() < 0.05:
        data = splice(rng, data, rng.choice(pool))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        data = rng.choice(SHAPES[shape])(rng, data)[:most]
    return data


def as_framed(rng: Random, data: bytes) -> bytes:
    """What stands behind the first zero byte, by the shape that it seems to have; seldom what stands before."""
    name, zero, content = data.partition(b"\0")
    if rng.random() < 0.05 or not zero:
        return plain(rng, name) + zero + content
    if content.startswith(b"{"):
        shape: Mutator = as_lines if b"\n" in content else as_json
    elif content.startswith(b"0"):
        shape = as_der
    elif b"\n" in content[:200]:
        shape = as_lines
    else:
        shape = plain
    return name + zero + shape(rng, content)


SHAPES["framed"] = (as_framed,)
