"""Entries: what is written is read back, and what is read re-encodes to itself."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.crypto import envelopes, keys
from custody.errors import CheckFailed, FormatError
from custody.format import canonical, entry
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
