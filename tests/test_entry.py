"""Entries: what is written is read back, and what is read re-encodes to itself."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.crypto import envelopes, keys
from custody.errors import CheckFailed, FormatError
from custody.format import canonical, entry, envelope, shape
from custody.format.envelope import APPROVAL_TYPE, KEY_TYPE
from tests.make_vectors import ADMIN, SECOND, begun, possession

RECORD = begun()
RECORD.item()
RECORD.custodian(SECOND, ["collect"])
STORED = RECORD.stored


@pytest.mark.parametrize("seq", range(len(STORED)))
def test_entries_go_round(seq):
    read, outer = entry.read(STORED[seq], where="x")
    assert read.to_bytes() == outer.payload
    assert read.seq == seq
    read.check_kind(where="x")
    envelopes.verify(outer, ADMIN.public, where="x")


def test_every_byte_of_an_entry_counts():
    data = STORED[3]
    for place in range(0, len(data), 2):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises((FormatError, CheckFailed)):
            read_and_verify(bytes(changed))


def read_and_verify(data):
    read, outer = entry.read(data, where="x")
    envelopes.verify(outer, ADMIN.public, where="x")
    read.check_kind(where="x")


GOOD = json.loads(base64.b64decode(json.loads(STORED[3])["payload"]))
FIELDS = [
    (field,) for field in GOOD
] + [("subject", name) for name in GOOD["subject"]] + [("time", name) for name in GOOD["time"]]  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**53 - 1) | st.text(max_size=5) | st.just("0" * 64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.sampled_from(FIELDS), ANY)
@settings(max_examples=300)
def test_any_value_in_any_field_is_our_own_error_or_goes_round(field, value):
    body = json.loads(json.dumps(GOOD))
    target = body
    for step in field[:-1]:
        target = target[step]
    target[field[-1]] = value
    data = canonical.encode(body)
    try:
        read = entry.Entry.from_bytes(data, where="x")
        read.check_kind(where="x")
    except FormatError:
        return
    assert read.to_bytes() == data


@given(st.sampled_from(FIELDS))
def test_no_field_may_be_missing(field):
    body = json.loads(json.dumps(GOOD))
    target = body
    for step in field[:-1]:
        target = target[step]
    del target[field[-1]]
    with pytest.raises(FormatError):
        entry.Entry.from_bytes(canonical.encode(body), where="x")


@given(st.binary(max_size=300) | ANY.map(canonical.encode))
def test_any_bytes_are_our_own_error(data):
    with pytest.raises(FormatError):
        entry.read(data, where="x")
    with pytest.raises(FormatError):
        entry.Entry.from_bytes(data, where="x")


def test_a_newer_version_is_told_apart_whatever_else_it_has():
    for body in ({"v": 2}, {"v": 2, "strange": {}}, {**GOOD, "v": 3}):
        with pytest.raises(entry.NewerVersion):
            entry.Entry.from_bytes(canonical.encode(body), where="x")
    for version in (True, False, "1", None, [1]):
        with pytest.raises(FormatError) as caught:
            entry.Entry.from_bytes(canonical.encode({**GOOD, "v": version}), where="x")
        assert not isinstance(caught.value, entry.NewerVersion) or version is False


def test_a_compartment_of_a_later_version_is_told_to_a_reader_and_refused_to_a_writer():
    with pytest.raises(FormatError, match="a compartment that does not exist"):
        entry.check_compartment("weather", {"rain": 1}, where="entry 3")
    newer: list[str] = []
    entry.check_compartment("weather", {"rain": 1}, where="entry 3", newer=newer)
    assert newer == ["entry 3, part weather"]


def test_an_entry_has_at_most_64_kib():
    body = {**GOOD, "public": {"x": "a" * 65536}}
    with pytest.raises(FormatError, match="too long"):
        entry.Entry.from_bytes(canonical.encode(body), where="x")
    read = entry.Entry.from_bytes(canonical.encode(GOOD), where="x")
    object.__setattr__(read, "public", body["public"])
    with pytest.raises(FormatError, match="too long"):
        read.to_bytes()


def test_approvals_are_of_the_type_that_is_asked_for():
    read, _ = entry.read(STORED[4], where="x")
    (approval,) = read.approval_envelopes(KEY_TYPE, where="x")
    assert approval.to_value() == possession(SECOND)
    with pytest.raises(FormatError, match="another type"):
        read.approval_envelopes(APPROVAL_TYPE, where="x")


def test_the_signer_is_the_actor():
    made = envelopes.sign("application/vnd.custody.entry+json;v=1", canonical.encode(GOOD), SECOND)
    with pytest.raises(FormatError, match="another key than the actor's"):
        entry.read(made.to_bytes(), where="x")
    forged = json.loads(STORED[3])
    forged["signatures"][0]["sig"] = json.loads(STORED[2])["signatures"][0]["sig"]
    with pytest.raises(keys.SignatureInvalid):
        read_and_verify(canonical.encode(forged))


@pytest.mark.parametrize(
    "wall", ["2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z"]
)
def test_a_time_that_no_calendar_has_is_refused(wall):
    body = {**GOOD, "time": {**GOOD["time"], "wall": wall}}
    with pytest.raises(FormatError, match=r"not a UTC time|another form"):
        entry.Entry.from_bytes(canonical.encode(body), where="x")


def the_long_way(data):
    value = canonical.decode_object(data, where="x")
    if isinstance(value.get("v"), int) and value["v"] != entry.VERSION:
        raise entry.NewerVersion("made by a newer custody", where="x", found=f"version {value['v']}")
    shape.check(value, entry.BODY_SHAPE, where="x")
    return value


def said(read, data):
    try:
        return read(data)
    except FormatError as error:
        return type(error), error.message


def check_both(data):
    """What is plain has passed the long way too, and whatever comes, what is said of it is the same."""
    long = said(the_long_way, data)
    short = said(lambda one: entry.Entry.from_bytes(one, where="x"), data)
    if isinstance(long, dict):
        read = entry.Entry.from_value(long)
        general = said(lambda _: read.check_general(where="x"), data)
        assert short == (read if general is None else general)
    else:
        assert short == long
        with contextlib.suppress(FormatError):
            assert not entry._is_plain(data, canonical.parse(data, where="x"), "x")


BODIES = [envelope.from_bytes(one, payload_type=envelope.ENTRY_TYPE, where="x").payload for one in STORED]
PLAIN = [body for body in BODIES if b'"approvals":[]' in body]
PIECES = [
    b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b" ", b"\n", b"0", b"00", b"-1", b"1.0", b"1e3", b"A", b"\xff",
    b"9007199254740992", b"null", b"true", b'"a":1', b'"public":{}', b'"root":"x"', b"\xc3\xa9", b"\\u0061",
    b"\\ud800", b'},"root":"' + b"0" * 64 + b'","sealed":{', b'"v":2', b'"v":1,', b'{},"q":{}',
]  # fmt: skip


def test_nearly_all_entries_are_plain():
    assert len(PLAIN) == 3
    for body in PLAIN:
        assert entry._is_plain(body, canonical.parse(body, where="x"), "x")
        check_both(body)


@given(
    st.sampled_from(BODIES),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 80), st.sampled_from(PIECES)), max_size=3),
)
@settings(max_examples=500)
def test_the_short_way_says_what_the_long_way_says(body, changes):
    for place, count, piece in changes:
        body = body[:place] + piece + body[place + count :]
    check_both(body)


@pytest.mark.parametrize("piece", PIECES)
def test_any_place_changed_is_the_same_both_ways(piece):
    body = PLAIN[-1]
    for place in range(len(piece) % 3, len(body), 3):
        for rest in (place, place + 1):
            check_both(body[:place] + piece + body[rest:])


@given(st.sampled_from([("public",), ("sealed",), *FIELDS]), ANY, st.booleans())
@settings(max_examples=200)
def test_any_value_is_the_same_both_ways_however_it_is_spelled(field, value, escaped):
    body = json.loads(json.dumps(GOOD))
    target = body
    for step in field[:-1]:
        target = target[step]
    target[field[-1]] = value
    check_both(canonical.encode(body))
    check_both(json.dumps(body, ensure_ascii=escaped, separators=(",", ":")).encode())
    check_both(json.dumps(body, ensure_ascii=escaped, separators=(",", ":"), sort_keys=True).encode())


def test_an_object_that_was_cut_out_wrongly_is_not_plain():
    frame = canonical.encode({**GOOD, "public": {}})
    for between in (
        b'"public":{},"q":{}',
        b'"public":{"a":1},"public":{}',
        b'"public":{"a":{}},"root":"' + GOOD["root"].encode() + b'","sealed":{},"x":{"y":{}}',
        b'"public":{"b":1,"a":2}',
        b'"public":{"a":1,"a":1}',
        b'"public":{"a": 1}',
        b'"public":{"a":1.0}',
    ):
        body = frame.replace(b'"public":{}', between)
        with pytest.raises(FormatError):
            entry.Entry.from_bytes(body, where="x")
        check_both(body)
    for sealed in (b'{"b":"%s","a":"%s"}', b'{"a":"%s","a":"%s"}', b'{"a":"%s", "b":"%s"}'):
        digests = sealed % (b"0" * 64, b"1" * 64)
        body = canonical.encode({**GOOD, "sealed": {}}).replace(b'"sealed":{}', b'"sealed":' + digests)
        with pytest.raises(FormatError, match="canonical"):
            entry.Entry.from_bytes(body, where="x")
    for digest in (b"null", b"1", b"[]", b'"0"', b'"' + b"A" * 64 + b'"'):
        body = canonical.encode({**GOOD, "sealed": {}}).replace(
            b'"sealed":{}', b'"sealed":{"a":' + digest + b"}"
        )
        with pytest.raises(FormatError):
            entry.Entry.from_bytes(body, where="x")
