"""The strict DER reader: what it takes, what it refuses, and that nothing else escapes from it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.verify import der

from .tsa_faults import integer, octets, oid, seq, tlv


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "cut off"),
        (b"\x30", "cut off"),
        (b"\x04\x02a", "cut off"),
        (b"\x04\x82\x01", "cut off"),
        (b"\x04\x00\x00", "follow the end"),
        (b"\x30\x80\x00\x00", "indefinite"),
        (b"\x04\x85\x00\x00\x00\x00\x01a", "indefinite or far too large"),
        (b"\x04\xff" + b"a" * 200, "indefinite or far too large"),
        (b"\x04\x84\xff\xff\xff\xff", "cut off"),
        (b"\x04\x81\x01a", "shortest"),
        (b"\x04\x82\x00\x80" + b"a" * 128, "shortest"),
        (b"\x1f\x81\x01\x00", "more than one octet"),
        (b"\x10\x00", "can't stand here"),
        (b"\x11\x00", "can't stand here"),
        (b"\x00\x00", "can't stand here"),
    ],
)
def test_what_is_not_der_is_refused(bad: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        der.read(bad)


def test_lengths_of_every_form_are_read() -> None:
    for size in (0, 1, 127, 128, 255, 256, 65535, 65536):
        assert der.read(octets(b"x" * size)).octets() == b"x" * size


def test_size_is_bounded() -> None:
    with pytest.raises(FormatError, match="too large"):
        der.read(octets(b"x" * 10), max_size=11)
    assert der.read(octets(b"x" * 10), max_size=12).octets() == b"x" * 10


def test_depth_is_bounded() -> None:
    nested = b""
    for _ in range(der.MAX_DEPTH + 2):
        nested = seq(nested)
    element = der.read(nested)
    for _ in range(der.MAX_DEPTH):
        (element,) = element.children()
    with pytest.raises(FormatError, match="too deep"):
        element.children()


def test_number_of_children_is_bounded() -> None:
    assert len(der.read(seq(b"\x05\x00" * der.MAX_CHILDREN)).children()) == der.MAX_CHILDREN
    with pytest.raises(FormatError, match="too many"):
        der.read(seq(b"\x05\x00" * (der.MAX_CHILDREN + 1))).children()


def test_offsets_point_into_the_outermost_bytes() -> None:
    data = seq(integer(1), seq(octets(b"a" * 200), tlv(0xA0, integer(7))))
    _, second = der.read(data).children()
    first, explicit = second.children()
    for element in (second, first, explicit, explicit.explicit()):
        assert data[element.start :].startswith(element.raw)
        assert data[element.body_start :].startswith(element.body)


@given(st.integers(-(2**500), 2**500))
def test_integers_as_asn1crypto_writes_them(value: int) -> None:
    assert der.read(core.Integer(value).dump()).integer() == value
    assert integer(abs(value)) == core.Integer(abs(value)).dump()


@pytest.mark.parametrize("bad", [b"\x02\x00", b"\x02\x02\x00\x7f", b"\x02\x02\xff\x80", tlv(2, b"\x01" * 65)])
def test_odd_integers_are_refused(bad: bytes) -> None:
    with pytest.raises(FormatError, match="integer"):
        der.read(bad).integer()


@pytest.mark.parametrize(
    "dotted",
    ["0.0", "0.39", "1.2.840.113549", "2.5.29.37", "2.25.340282366920938463463374607431768211455", "2.999.1"],
)
def test_object_identifiers(dotted: str) -> None:
    assert der.read(oid(dotted)).oid() == dotted
    assert der.read(core.ObjectIdentifier(dotted).dump()).oid() == dotted


@pytest.mark.parametrize(
    "bad", [b"\x06\x00", b"\x06\x01\x80", b"\x06\x02\x80\x01", b"\x06\x03\x2a\x80\x01", b"\x06\x02\x2a\x81"]
)
def test_odd_object_identifiers_are_refused(bad: bytes) -> None:
    with pytest.raises(FormatError, match="object identifier"):
        der.read(bad).oid()


def test_booleans_and_null() -> None:
    assert der.read(b"\x01\x01\xff").boolean() is True
    assert der.read(b"\x01\x01\x00").boolean() is False
    for bad in (b"\x01\x01\x01", b"\x01\x00", b"\x01\x02\xff\xff"):
        with pytest.raises(FormatError, match="boolean"):
            der.read(bad).boolean()
    der.read(b"\x05\x00").null()
    with pytest.raises(FormatError, match="NULL"):
        der.read(b"\x05\x01\x00").null()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (b"20260304050607Z", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)),
        (b"20260304050607.5Z", datetime(2026, 3, 4, 5, 6, 7, 500000, tzinfo=UTC)),
        (b"20260304050607.000001Z", datetime(2026, 3, 4, 5, 6, 7, 1, tzinfo=UTC)),
        # finer than a microsecond: up, never down
        (b"20260304050607.0000011Z", datetime(2026, 3, 4, 5, 6, 7, 2, tzinfo=UTC)),
        (b"20261231235959.9999999Z", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(text: bytes, at: datetime) -> None:
    assert der.read(tlv(0x18, text)).generalized_time() == at


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Z",
        b"20260304050607",
        b"202603040506Z",
        b"20260304050607z",
        b"20260304050607.Z",
        b"20260304050607.50Z",
        b"20260304050607.0Z",
        b"20260304050607,5Z",
        b"20260304050607.1234567890123Z",
        b"20260304050607+0100",
        b"20260304050607ZZ",
        b"2026030405060 Z",
        b"20261304050607Z",
        b"20260230050607Z",
        b"20260304240000Z",
        b"20260304050660Z",
        b"00000101000000Z",
        b"99991231235959.9999999Z",
        "2026030405060٧Z".encode(),
    ],
)
def test_odd_times_are_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match="time"):
        der.read(tlv(0x18, text)).generalized_time()


def test_order_of_a_set() -> None:
    assert len(der.read(tlv(0x31, integer(1), integer(2))).sorted_children()) == 2
    with pytest.raises(FormatError, match="DER order"):
        der.read(tlv(0x31, integer(2), integer(1))).sorted_children()
    for one in ((1, 3, 2), (2, 1, 3), (1, 2, 4, 3)):  # one of them in the wrong place is enough
        with pytest.raises(FormatError, match="DER order"):
            der.read(tlv(0x31, *map(integer, one))).sorted_children()
    assert len(der.read(tlv(0x31, integer(2), integer(1))).children()) == 2


def test_the_cursor_leaves_nothing_unread() -> None:
    fields = der.read(seq(integer(1), octets(b"x"))).fields()
    assert fields.take_if(der.OCTET_STRING) is None
    assert fields.take(der.INTEGER).integer() == 1
    with pytest.raises(FormatError, match="does not belong"):
        fields.end()
    with pytest.raises(FormatError, match="another type"):
        fields.take(der.SEQUENCE)
    fields.take()
    fields.end()
    with pytest.raises(FormatError, match="missing"):
        fields.take()


def test_primitive_where_constructed_belongs() -> None:
    with pytest.raises(FormatError, match="primitive"):
        der.read(octets(b"")).children()
    with pytest.raises(FormatError, match="holds one"):
        der.read(tlv(0xA0, integer(1), integer(2))).explicit()
    with pytest.raises(FormatError, match="another type"):
        der.read(octets(b"")).fields()


def walk(element: der.Element) -> bytes:
    """Read everything, and write it again from the parts."""
    for reading in (
        element.integer,
        element.oid,
        element.boolean,
        element.null,
        element.octets,
        element.generalized_time,
        element.explicit if element.tag & 0x20 else element.octets,
    ):
        with contextlib.suppress(FormatError):
            reading()
    if element.tag & 0x20:
        return tlv(element.tag, *(walk(child) for child in element.children()))
    return tlv(element.tag, element.body)


nested = st.recursive(
    st.builds(tlv, st.sampled_from([1, 2, 3, 4, 5, 6, 0x0C, 0x18, 0x80]), st.binary(max_size=200)),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: seq(*parts)),
    max_leaves=20,
)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=300), nested))
def test_refused_with_our_own_error_or_written_again_the_same(data: bytes) -> None:
    try:
        again = walk(der.read(data))
    except FormatError:
        return
    assert again == data


@settings(max_examples=300)
@given(nested, st.data())
def test_a_changed_octet_never_raises_anything_else(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    changed = data[:at] + bytes((draw.draw(st.integers(0, 255)),)) + data[at + 1 :]
    try:
        again = walk(der.read(changed))
    except FormatError:
        return
    assert again == changed
