"""Public key files: what proves possession, and everything that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.crypto import envelopes, public_keys, wrapping
from custody.crypto.keys import CustodianKeys, SignatureInvalid, SignKey
from custody.errors import CheckFailed, CustodyError, FormatError
from custody.format import canonical
from custody.format.envelope import ENTRY_TYPE, KEY_TYPE, Envelope
from custody.format.public_key import PublicKeyFile, from_payload

MADE = "2026-11-22T10:00:00.000Z"
KEYS = CustodianKeys.from_recovery_seed(bytes(range(32)))
COLLECTOR = CustodianKeys(SignKey(b"\x07" * 32), None)


@pytest.mark.parametrize("keys", [KEYS, COLLECTOR], ids=["both keys", "collector"])
def test_what_is_made_is_read(keys):
    made = public_keys.make(keys, MADE)
    public, envelope = public_keys.read(made.to_bytes(), "file")
    assert envelope == made
    assert public.key_id == keys.sign.key_id == envelope.key_id
    assert public.made == MADE
    assert (public.wrap_key is None) == (keys.wrap_seed is None)
    if keys.wrap_seed is not None:
        message = wrapping.wrap(public.wrap_key, b"info", b"secret")
        assert wrapping.unwrap(keys.wrap_seed, b"info", message, where="x") == b"secret"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_end_behind_it_is_forgiven(end):
    data = public_keys.make(KEYS, MADE).to_bytes()
    assert public_keys.read(data + end, "file") == public_keys.read(data, "file")
    with pytest.raises(FormatError):
        public_keys.read(data + end + b"\n", "file")


def test_no_secret_is_in_it():
    data = public_keys.make(KEYS, MADE).payload
    assert set(canonical.decode(data, where="x")) == {"v", "sign_key", "wrap_key", "made"}
    body = public_keys.read(public_keys.make(KEYS, MADE).to_bytes(), "x")[0]
    assert KEYS.sign.seed not in body.sign_key
    assert KEYS.wrap_seed[:32] not in body.wrap_key


def test_signed_by_another_key_it_proves_nothing():
    payload = public_keys.make(KEYS, MADE).payload
    with pytest.raises(CheckFailed, match="another key"):
        public_keys.check(envelopes.sign(KEY_TYPE, payload, COLLECTOR.sign), "file")


def test_another_signature_does_not_fit():
    envelope = public_keys.make(KEYS, MADE)
    later = public_keys.make(KEYS, "2026-11-22T10:00:00.001Z")
    with pytest.raises(SignatureInvalid):
        public_keys.check(replace(envelope, signature=later.signature), "file")
    with pytest.raises(SignatureInvalid):
        public_keys.check(replace(later, signature=envelope.signature), "file")


def test_the_type_is_under_the_signature():
    payload = public_keys.make(KEYS, MADE).payload
    entry = envelopes.sign(ENTRY_TYPE, payload, KEYS.sign)
    with pytest.raises(FormatError, match="another type"):
        public_keys.check(entry, "file")
    with pytest.raises(SignatureInvalid):
        public_keys.check(replace(entry, payload_type=KEY_TYPE), "file")


def test_a_key_under_which_one_signature_fits_all_is_refused():
    # The neutral element: R = A = neutral, S = 0 verifies for any message in a naive verifier.
    neutral = b"\x01" + bytes(31)
    public = PublicKeyFile(sign_key=neutral, wrap_key=None, made=MADE)
    forged = Envelope(
        payload_type=KEY_TYPE,
        payload=public.to_payload(),
        key_id=public.key_id,
        signature=neutral + bytes(32),
    )
    with pytest.raises(FormatError, match="small order"):
        public_keys.check(forged, "file")


def signed(wrap_key: bytes) -> Envelope:
    public = PublicKeyFile(sign_key=KEYS.sign.public, wrap_key=wrap_key, made=MADE)
    return envelopes.sign(KEY_TYPE, public.to_payload(), KEYS.sign)


@pytest.mark.parametrize("x25519", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_a_wrapping_key_that_nobody_can_wrap_to_is_refused(x25519):
    good = wrapping.wrap_key_of(KEYS.wrap_seed)
    assert public_keys.check(signed(good), "file").wrap_key == good
    with pytest.raises(FormatError):
        public_keys.check(signed(good[:1184] + x25519), "file")


def test_ml_kem_numbers_out_of_the_field_are_refused():
    good = wrapping.wrap_key_of(KEYS.wrap_seed)
    with pytest.raises(FormatError, match="wrapping key"):
        public_keys.check(signed(b"\xff" * 1152 + good[1152:]), "file")


BODY = canonical.decode(public_keys.make(KEYS, MADE).payload, where="x")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"v": 2}, "newer custody"),
        ({"v": 2, "more": 1}, "newer custody"),
        ({"v": True}, "not a number"),
        ({"v": "1"}, "not a number"),
        ({"name": "A"}, "does not have"),
        ({"sign_key": None}, "not base64"),
        ({"sign_key": ["x"]}, "nested too deeply"),
        ({"sign_key": "AAAA"}, "another length"),
        ({"sign_key": "****"}, "not base64"),
        ({"wrap_key": ""}, "another length"),
        ({"wrap_key": False}, "not base64"),
        ({"made": "2026-11-22T10:00:00Z"}, "not a UTC time"),
        ({"made": None}, "not a UTC time"),
    ],
)
def test_a_payload_of_another_form_is_refused(change, what):
    with pytest.raises(FormatError) as caught:
        from_payload(canonical.encode({**BODY, **change}), "file")
    assert what in caught.value.what


@pytest.mark.parametrize("missing", ["v", "sign_key", "wrap_key", "made"])
def test_a_payload_with_a_field_missing_is_refused(missing):
    with pytest.raises(FormatError, match="missing"):
        from_payload(canonical.encode({k: v for k, v in BODY.items() if k != missing}), "file")


def test_a_long_payload_or_file_is_refused_before_reading():
    with pytest.raises(FormatError, match="too long"):
        from_payload(b" " * 5000, "file")
    with pytest.raises(FormatError, match="too long"):
        public_keys.read(b"[" * 100_000, "file")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_our_own_error(data):
    for reader in (from_payload, public_keys.read):
        with pytest.raises(CustodyError):
            reader(data, "file")


def test_every_flipped_byte_is_found():
    data = public_keys.make(COLLECTOR, MADE).to_bytes()
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(CustodyError):
            public_keys.read(changed, "file")


def test_the_example_in_the_docs_is_what_is_made():
    page = Path(__file__).resolve().parent.parent / "docs" / "format" / "key-file.md"
    example = page.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0].replace("\n", "")
    public, envelope = public_keys.read(example.encode(), "docs")
    assert envelope == public_keys.make(COLLECTOR, MADE)
    assert public.key_id == COLLECTOR.sign.key_id
