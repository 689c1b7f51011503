"""A small strict reader of DER (ITU-T X.690, clauses 8 to 11), for timestamp tokens and CMS signatures.

Why our own: the verifier rests on the standard library and `cryptography` alone, and `cryptography` reads
neither CMS SignedData nor TSTInfo. What it takes is one spelling per value: definite lengths in the fewest
octets, low tag numbers, shortest integers and object identifiers, booleans 00 or FF. Size and depth are
bounded, so that a hostile file costs little.

The order of a SET is left to the caller: `certificates` in real tokens is often out of DER order (openssl's
own `ts -reply` writes it in the order of its configuration) and no signature covers it; signed attributes
must be in order, and `Element.sorted_children` holds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, NoReturn

from custody.errors import FormatError

MAX_SIZE: Final = 1 << 20
MAX_DEPTH: Final = 24
MAX_CHILDREN: Final = 1024
# 20 octets is the longest serial number of RFC 5280, 4.1.2.2; nonces and version numbers are shorter still
MAX_INTEGER_OCTETS: Final = 64
# 2.25.<UUID> needs 19 octets for one arc; the longest identifiers in use stay far below this
MAX_OID_OCTETS: Final = 64

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTF8_STRING: Final = 0x0C
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_NAMES: Final = {
    BOOLEAN: "BOOLEAN",
    INTEGER: "INTEGER",
    BIT_STRING: "BIT STRING",
    OCTET_STRING: "OCTET STRING",
    NULL: "NULL",
    OID: "OBJECT IDENTIFIER",
    UTF8_STRING: "UTF8String",
    GENERALIZED_TIME: "GeneralizedTime",
    SEQUENCE: "SEQUENCE",
    SET: "SET",
}


def context(number: int, *, constructed: bool = True) -> int:
    """The identifier octet of the context-specific tag ``[number]``, 0 to 30."""
    if not 0 <= number <= 30:
        raise ValueError(number)
    return (0xA0 if constructed else 0x80) | number


def tag_name(tag: int) -> str:
    """A tag in words, for messages: ``SEQUENCE``, ``[0]``, or its octet in hex."""
    if tag in _NAMES:
        return _NAMES[tag]
    return f"[{tag & 0x1F}]" if tag & 0xC0 == 0x80 else f"tag 0x{tag:02x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One DER element: identifier octet, contents, and its whole encoding as it stood.

    ``start`` is the offset of the identifier octet in the outermost buffer, ``depth`` the number of
    elements around it. Every method raises `FormatError` where the bytes are not what it is asked for.
    """

    tag: int
    body: bytes
    raw: bytes
    start: int
    depth: int

    @property
    def body_start(self) -> int:
        """Offset of the contents in the outermost buffer."""
        return self.start + len(self.raw) - len(self.body)

    def fail(self, what: str, *, expected: str | None = None, found: str | None = None) -> NoReturn:
        """Raise `FormatError` that names this element's place."""
        raise FormatError(what, where=f"byte {self.start}", expected=expected, found=found)

    def expect(self, tag: int) -> Element:
        """This element, if it has the tag."""
        if self.tag != tag:
            self.fail("DER of another type", expected=tag_name(tag), found=tag_name(self.tag))
        return self

    def children(self) -> tuple[Element, ...]:
        """The elements of a constructed element, at most `MAX_CHILDREN`."""
        if not self.tag & 0x20:
            self.fail("a primitive DER element where a constructed one belongs", found=tag_name(self.tag))
        return tuple(_elements(self.body, self.body_start, self.depth + 1))

    def sorted_children(self) -> tuple[Element, ...]:
        """The elements of a SET OF, in the ascending order that X.690, 11.6 asks for."""
        found = self.children()
        # X.690 pads the shorter with zeros before comparing; no element is a prefix of another, as each
        # carries its length, so that plain comparison gives the same order.
        if any(a.raw > b.raw for a, b in pairwise(found)):
            self.fail("a SET that is not in DER order")
        return found

    def fields(self, tag: int = SEQUENCE) -> Cursor:
        """A cursor over the fields of a SEQUENCE (or of what has the given tag)."""
        return Cursor(self.expect(tag))

    def explicit(self) -> Element:
        """The one element inside an explicit tag."""
        found = self.children()
        if len(found) != 1:
            self.fail("an explicit tag holds one element", expected="1", found=str(len(found)))
        return found[0]

    def integer(self, tag: int = INTEGER) -> int:
        """An INTEGER (or what is implicitly one), negative ones included, of at most 64 octets."""
        body = self.expect(tag).body
        if not body or len(body) > MAX_INTEGER_OCTETS:
            self.fail("an integer of a size that is not allowed", found=f"{len(body)} octets")
        if len(body) > 1 and (body[0], body[1] >> 7) in ((0x00, 0), (0xFF, 1)):
            self.fail("an integer that is not in its shortest form")
        return int.from_bytes(body, "big", signed=True)

    def boolean(self) -> bool:
        """A BOOLEAN: 00 or FF (X.690, 11.1)."""
        body = self.expect(BOOLEAN).body
        if body not in (b"\x00", b"\xff"):
            self.fail("a boolean that is neither 00 nor ff", found=body[:4].hex())
        return body == b"\xff"

    def octets(self) -> bytes:
        """The contents of a primitive OCTET STRING."""
        return self.expect(OCTET_STRING).body

    def null(self) -> None:
        """A NULL, which is empty."""
        if self.expect(NULL).body:
            self.fail("a NULL with contents")

    def oid(self) -> str:
        """An OBJECT IDENTIFIER in dotted form (X.690, 8.19)."""
        body = self.expect(OID).body
        if not body or len(body) > MAX_OID_OCTETS or body[-1] & 0x80:
            self.fail("an object identifier that is empty, too long or cut off")
        arcs: list[int] = []
        value, begins = 0, True
        for octet in body:
            if begins and octet == 0x80:
                self.fail("an object identifier that is not in its shortest form")
            value = value << 7 | octet & 0x7F
            begins = not octet & 0x80
            if begins:
                arcs.append(value)
                value = 0
        top = min(arcs[0] // 40, 2)
        return ".".join(str(arc) for arc in (top, arcs[0] - 40 * top, *arcs[1:]))

    def generalized_time(self) -> datetime:
        """A GeneralizedTime as RFC 3161, 2.4.2 has it: with seconds, ``Z``, no fraction that ends in 0.

        Aware, in UTC. A fraction finer than a microsecond is rounded up: the time is used as a bound
        ("existed no later than"), and rounding must not make it stronger.
        """
        body = self.expect(GENERALIZED_TIME).body
        whole, point, fraction = body.removesuffix(b"Z").partition(b".")
        well_formed = (
            body.endswith(b"Z")
            and len(whole) == 14
            and whole.isdigit()
            and (not point or (0 < len(fraction) <= 12 and fraction.isdigit() and fraction[-1:] != b"0"))
        )
        if not well_formed:
            self.fail("a time that is not in DER form", expected="YYYYMMDDhhmmss[.f]Z")
        numbers = [int(whole[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))]
        microseconds = int(fraction[:6].ljust(6, b"0")) + (len(fraction) > 6)
        try:
            return datetime(*numbers, tzinfo=UTC) + timedelta(microseconds=microseconds)  # type: ignore[misc,arg-type]
        except (ValueError, OverflowError):
            self.fail("a time that no calendar has", found=whole.decode("ascii"))


class Cursor:
    """Reads the fields of a SEQUENCE in turn; nothing may be left over when `end` is called."""

    __slots__ = ("_at", "_fields", "_of")

    def __init__(self, of: Element) -> None:
        self._of = of
        self._fields = of.children()
        self._at = 0

    def take(self, tag: int | None = None) -> Element:
        """The next field; `FormatError` when there is none or it has another tag."""
        if self._at == len(self._fields):
            self._of.fail(
                "a field is missing",
                expected="one more field" if tag is None else tag_name(tag),
                found="the end",
            )
        field = self._fields[self._at]
        if tag is not None:
            field.expect(tag)
        self._at += 1
        return field

    def take_if(self, *tags: int) -> Element | None:
        """The next field if it has one of the tags, else None and nothing is read."""
        if self._at < len(self._fields) and self._fields[self._at].tag in tags:
            return self.take()
        return None

    def end(self) -> None:
        """Nothing may follow."""
        if self._at < len(self._fields):
            self._fields[self._at].fail("a field that does not belong here")


def read(data: bytes, *, max_size: int = MAX_SIZE) -> Element:
    """The one element that the bytes hold, from the first octet to the last.

    Raises `FormatError`: empty, larger than ``max_size`` octets, not DER, or followed by more bytes.
    """
    if len(data) > max_size:
        raise FormatError("too large", expected=f"at most {max_size} bytes", found=f"{len(data)} bytes")
    element = _element(data, 0, 0, 0)
    if len(element.raw) != len(data):
        raise FormatError(
            "bytes follow the end of the DER",
            expected=f"{len(element.raw)} bytes",
            found=f"{len(data)} bytes",
        )
    return element


def _elements(data: bytes, base: int, depth: int) -> Iterator[Element]:
    if depth > MAX_DEPTH:
        raise FormatError("DER nested too deep", where=f"byte {base}", expected=f"at most {MAX_DEPTH} levels")
    at = count = 0
    while at < len(data):
        if count == MAX_CHILDREN:
            raise FormatError(
                "too many DER elements", where=f"byte {base}", expected=f"at most {MAX_CHILDREN} in one"
            )
        element = _element(data, at, base, depth)
        yield element
        at += len(element.raw)
        count += 1


def _element(data: bytes, at: int, base: int, depth: int) -> Element:
    """The element that begins at ``at``; ``base`` is where ``data`` begins in the outermost buffer."""
    where = f"byte {base + at}"
    if len(data) - at < 2:
        raise FormatError("DER is cut off", where=where)
    tag, length, head = data[at], data[at + 1], 2
    if tag & 0x1F == 0x1F:
        raise FormatError("a DER tag of more than one octet", where=where)
    if tag in (SEQUENCE & ~0x20, SET & ~0x20) or not tag:
        raise FormatError("a DER tag that can't stand here", where=where, found=f"0x{tag:02x}")
    if length >= 0x80:
        octets = length & 0x7F
        # 80 is the indefinite form of BER; four octets reach 4 GiB, far beyond every bound here
        if not 1 <= octets <= 4:
            raise FormatError("a DER length that is indefinite or far too large", where=where)
        coded = data[at + 2 : at + 2 + octets]
        if len(coded) != octets:
            raise FormatError("DER is cut off", where=where)
        length, head = int.from_bytes(coded, "big"), 2 + octets
        if length < 0x80 or not coded[0]:
            raise FormatError("a DER length that is not in its shortest form", where=where)
    if length > len(data) - at - head:
        raise FormatError(
            "DER is cut off",
            where=where,
            expected=f"{length} bytes of contents",
            found=f"{len(data) - at - head} bytes",
        )
    raw = data[at : at + head + length]
    return Element(tag=tag, body=raw[head:], raw=raw, start=base + at, depth=depth)
