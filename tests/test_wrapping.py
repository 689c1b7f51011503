"""Wrapping keys: opens for the one recipient, for the one purpose, unchanged; nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.crypto import wrapping
from custody.errors import FormatError
from custody.format import contexts
from tests.make_vectors import drawn

SEED, OTHER = drawn("seed", 96), drawn("other", 96)
PUBLIC = wrapping.wrap_key_of(SEED)
INFO = contexts.wrap("origin", "subject", "recipient", ["record"])


@given(st.binary(min_size=32, max_size=128))
@settings(max_examples=30)
def test_wraps_go_round(secret):
    message = wrapping.wrap(PUBLIC, INFO, secret)
    assert wrapping.unwrap(SEED, INFO, message, where="x") == secret
    assert len(message) == len(secret) + 1136


def broken(seed, info, message):
    with pytest.raises(wrapping.WrapBroken):
        wrapping.unwrap(seed, info, message, where="x")


@pytest.mark.parametrize(
    "info",
    [
        contexts.wrap("origi", "nsubject", "recipient", ["record"]),
        contexts.wrap("origin", "subject", "recipient", ["identity"]),
        contexts.wrap("origin", "subject", "recipient", ["record", "note"]),
        contexts.wrap("origin", "other", "recipient", ["record"]),
        contexts.wrap("origin", "subject", "other", ["record"]),
        INFO + b"\0",
        b"",
    ],
)
def test_another_purpose_opens_nothing(info):
    broken(SEED, info, wrapping.wrap(PUBLIC, INFO, bytes(32)))


def test_another_recipient_opens_nothing():
    broken(OTHER, INFO, wrapping.wrap(PUBLIC, INFO, bytes(32)))
    mixed = SEED[:64] + OTHER[64:]
    broken(mixed, INFO, wrapping.wrap(PUBLIC, INFO, bytes(32)))
    mixed = OTHER[:64] + SEED[64:]
    broken(mixed, INFO, wrapping.wrap(PUBLIC, INFO, bytes(32)))


def test_every_byte_of_a_message_counts():
    message = wrapping.wrap(PUBLIC, INFO, bytes(32))
    for place in range(0, len(message), 7):
        changed = bytearray(message)
        changed[place] ^= 0x10
        broken(SEED, INFO, bytes(changed))
    for length in (0, 1, 16, 1120, len(message) - 1):
        broken(SEED, INFO, message[:length])
    broken(SEED, INFO, message + b"\0")


@given(st.binary(max_size=1300))
@settings(max_examples=40)
def test_any_message_is_refused_with_our_own_error(message):
    broken(SEED, INFO, message)


def test_two_wraps_of_one_secret_differ():
    assert wrapping.wrap(PUBLIC, INFO, bytes(32)) != wrapping.wrap(PUBLIC, INFO, bytes(32))


@pytest.mark.parametrize(
    "raw",
    [b"", PUBLIC[:-1], PUBLIC + b"\0", b"\xff" * 1184 + PUBLIC[1184:], PUBLIC[:1184] + bytes(32)],
    ids=["empty", "short", "long", "ml-kem-out-of-range", "x25519-zero"],
)
def test_what_is_no_wrapping_key(raw):
    with pytest.raises(FormatError, match="not a wrapping key"):
        wrapping.check_wrap_key(raw, where="x")
    assert wrapping.check_wrap_key(PUBLIC, where="x") == PUBLIC


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=12, max_size=12),
    st.binary(min_size=32, max_size=32),
)
def test_rows_go_round(batch_key, nonce, class_key):
    context = contexts.row("o", "b", "s", "record")
    row = wrapping.wrap_row(wrapping.RowKey(batch_key), context, class_key, nonce)
    assert len(row) == 60
    assert row[:12] == nonce
    assert wrapping.unwrap_row(batch_key, context, row, where="x") == class_key


def test_every_bit_of_a_row_and_its_place_count():
    context, key = contexts.row("o", "b", "s", "record"), drawn("batch")
    row = wrapping.wrap_row(wrapping.RowKey(key), context, drawn("class"), drawn("nonce", 12))
    for place in range(60):
        for bit in range(8):
            changed = bytearray(row)
            changed[place] ^= 1 << bit
            with pytest.raises(wrapping.WrapBroken):
                wrapping.unwrap_row(key, context, bytes(changed), where="x")
    for other in (
        ("o", "b", "s", "note"),
        ("o", "b", "t", "record"),
        ("o", "c", "s", "record"),
        ("p", "b", "s", "record"),
    ):
        with pytest.raises(wrapping.WrapBroken):
            wrapping.unwrap_row(key, contexts.row(*other), row, where="x")
    for length in range(60):
        with pytest.raises(wrapping.WrapBroken):
            wrapping.unwrap_row(key, context, row[:length], where="x")


def test_aes_gcm_binds_its_associated_data():
    sealed = wrapping.encrypt(bytes(32), bytes(12), b"x", b"a")
    assert wrapping.decrypt(bytes(32), bytes(12), sealed, b"a", where="x") == b"x"
    for key, nonce, data, associated in (
        (b"\1" * 32, bytes(12), sealed, b"a"),
        (bytes(32), b"\1" * 12, sealed, b"a"),
        (bytes(32), bytes(12), sealed[:-1], b"a"),
        (bytes(32), bytes(12), sealed, b"b"),
    ):
        with pytest.raises(wrapping.WrapBroken):
            wrapping.decrypt(key, nonce, data, associated, where="x")
