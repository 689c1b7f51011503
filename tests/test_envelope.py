"""Envelopes: one spelling, one signature, over type and payload."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.crypto import envelopes, keys
from custody.errors import CheckFailed, FormatError
from custody.format import canonical, envelope
from tests.make_vectors import ADMIN, SECOND

TYPES = (envelope.ENTRY_TYPE, envelope.KEY_TYPE, envelope.PACKAGE_TYPE, envelope.APPROVAL_TYPE)


@given(st.binary(max_size=300), st.sampled_from(TYPES))
def test_envelopes_go_round(payload, kind):
    made = envelopes.sign(kind, payload, ADMIN)
    read = envelope.from_bytes(made.to_bytes(), payload_type=kind, where="x")
    assert read == made
    envelopes.verify(read, ADMIN.public, where="x")
    for other in set(TYPES) - {kind}:
        with pytest.raises(FormatError, match="another type"):
            envelope.from_bytes(made.to_bytes(), payload_type=other, where="x")


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.binary(max_size=64))
def test_what_is_written_out_is_canonical_json(payload, kind, key_id, signature):
    made = envelope.Envelope(payload_type=kind, payload=payload, key_id=key_id, signature=signature)
    try:
        assert made.to_bytes() == canonical.encode(made.to_value())
    except FormatError:
        with pytest.raises(FormatError):
            canonical.encode(made.to_value())


def test_pae_is_dsse_s_example():
    """DSSE v1, protocol.md: PAE("http://example.com/HelloWorld", "hello world")."""
    assert envelope.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.text(max_size=9), st.binary(max_size=9), st.text(max_size=9), st.binary(max_size=9))
def test_no_two_payloads_have_one_pae(a, b, c, d):
    assert (envelope.pae(a, b) == envelope.pae(c, d)) == ((a, b) == (c, d))


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_signature_fits_its_payload_only(payload, other):
    made = envelopes.sign(envelope.ENTRY_TYPE, payload, ADMIN)
    moved = envelope.Envelope(
        payload_type=envelope.KEY_TYPE, payload=payload, key_id=made.key_id, signature=made.signature
    )
    with pytest.raises(keys.SignatureInvalid):
        envelopes.verify(moved, ADMIN.public, where="x")
    if other != payload:
        moved = envelope.Envelope(
            payload_type=made.payload_type, payload=other, key_id=made.key_id, signature=made.signature
        )
        with pytest.raises(keys.SignatureInvalid):
            envelopes.verify(moved, ADMIN.public, where="x")


def test_the_key_must_be_the_one_that_the_envelope_names():
    made = envelopes.sign(envelope.ENTRY_TYPE, b"{}", ADMIN)
    with pytest.raises(CheckFailed, match="another key than it names"):
        envelopes.verify(made, SECOND.public, where="x")


def read_and_verify(data):
    read = envelope.from_bytes(data, payload_type=envelope.ENTRY_TYPE, where="x")
    envelopes.verify(read, ADMIN.public, where="x")


def test_every_byte_of_an_envelope_counts():
    data = envelopes.sign(envelope.ENTRY_TYPE, b'{"a":"bc"}', ADMIN).to_bytes()
    for place in range(len(data)):
        for change in (1, 2, 32):
            changed = bytearray(data)
            changed[place] ^= change
            with pytest.raises((FormatError, CheckFailed)):
                read_and_verify(bytes(changed))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig"]), inner)
    ),
)


@given(VALUES)
def test_any_json_is_refused_with_our_own_error(value):
    with pytest.raises(FormatError):
        envelope.from_value(value, payload_type=envelope.ENTRY_TYPE, where="x")


@given(VALUES, st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig"]))
def test_any_value_in_a_field_is_refused_or_goes_round(value, field):
    good = json.loads(envelopes.sign(envelope.ENTRY_TYPE, b"{}", ADMIN).to_bytes())
    target = good if field in good else good["signatures"][0]
    target[field] = value
    try:
        read = envelope.from_value(good, payload_type=envelope.ENTRY_TYPE, where="x")
    except FormatError:
        return
    assert read.to_value() == good


def test_the_longest_envelope():
    data = canonical.encode({"payload": "A" * envelope.MAX_ENVELOPE, "payloadType": "", "signatures": []})
    with pytest.raises(FormatError, match="too long"):
        envelope.from_bytes(data, payload_type=envelope.ENTRY_TYPE, where="x")


def test_an_envelope_is_as_long_as_its_reader_allows():
    made = envelopes.sign(envelope.ENTRY_TYPE, bytes(60 * 1024), ADMIN)
    data = made.to_bytes()
    assert canonical.MAX_BYTES < len(data) <= envelope.MAX_ENVELOPE
    assert envelope.from_bytes(data, payload_type=envelope.ENTRY_TYPE, where="x") == made
    with pytest.raises(FormatError, match="too long"):
        envelope.from_bytes(data, payload_type=envelope.ENTRY_TYPE, where="x", max_bytes=len(data) - 1)


def the_long_way(data):
    value = canonical.decode(data, where="x", max_bytes=envelope.MAX_ENVELOPE)
    return envelope.from_value(value, payload_type=envelope.ENTRY_TYPE, where="x")


def judged(read, data):
    try:
        return read(data)
    except FormatError as error:
        return error.message


SHORT = envelopes.sign(envelope.ENTRY_TYPE, b'{"a":"bc"}', ADMIN).to_bytes()
PIECES = [
    b"",
    b'"',
    b"\\",
    b"=",
    b"A",
    b"+",
    b"-",
    b" ",
    b"\n",
    b"\0",
    b"F",
    b"\xc3\xa9",
    b"\xff",
    b'","sig":"',
    b"}]}",
]


@given(
    st.binary(max_size=20),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90), st.sampled_from(PIECES)), max_size=3),
)
@settings(max_examples=500)
def test_the_short_way_says_what_the_long_way_says(payload, changes):
    data = envelopes.sign(envelope.ENTRY_TYPE, payload, ADMIN).to_bytes()
    for place, count, piece in changes:
        data = data[:place] + piece + data[place + count :]
    check_both(data)


def check_both(data):
    found = envelope._as_written(data, envelope.ENTRY_TYPE)
    expected = judged(the_long_way, data)
    assert (
        judged(lambda one: envelope.from_bytes(one, payload_type=envelope.ENTRY_TYPE, where="x"), data)
        == expected
    )
    assert found == (expected if isinstance(expected, envelope.Envelope) else None)


@pytest.mark.parametrize("piece", PIECES)
def test_any_place_changed_is_the_same_both_ways(piece):
    for place in range(len(SHORT)):
        for rest in (place, place + 1):
            check_both(SHORT[:place] + piece + SHORT[rest:])


def test_all_short_beginnings_and_ends_are_refused():
    for place in range(len(SHORT)):
        for data in (SHORT[:place], SHORT[place + 1 :]):
            assert envelope._as_written(data, envelope.ENTRY_TYPE) is None


@given(st.binary(max_size=200), st.sampled_from(TYPES))
def test_an_envelope_is_written_as_canonical_json_spells_it(payload, kind):
    made = envelopes.sign(kind, payload, SECOND)
    assert made.to_bytes() == canonical.encode(made.to_value())
