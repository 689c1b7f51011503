"""Wrapping keys: HPKE to a custodian (RFC 9180, ML-KEM-768+X25519), AES-256-GCM under a batch key."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from custody.errors import CheckFailed, FormatError

WRAP_KEY_BYTES = 1184 + 32
WRAP_SEED_BYTES = 64 + 32
NONCE = 12
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class WrapBroken(CheckFailed):
    """Wrapped keys do not open: another recipient or purpose, or the bytes were changed."""


def wrap_key_of(seed: bytes) -> bytes:
    """The raw public wrapping key (ML-KEM-768 ‖ X25519, 1,216 bytes) of a 96-byte seed."""
    ml_kem = MLKEM768PrivateKey.from_seed_bytes(seed[:64]).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(seed[64:]).public_key().public_bytes_raw()
    return ml_kem + x25519


def check_wrap_key(raw: bytes, *, where: str) -> bytes:
    """``raw`` is a public wrapping key, or FormatError."""
    if len(raw) != WRAP_KEY_BYTES:
        raise FormatError(
            "not a wrapping key", where=where, expected=f"{WRAP_KEY_BYTES} bytes", found=f"{len(raw)}"
        )
    try:
        # A trial: an X25519 half of small order loads, and would only fail at the first real wrap.
        wrap(raw, b"custody/1 trial", bytes(32))
    except ValueError as error:
        raise FormatError("not a wrapping key, or one of small order", where=where) from error
    return raw


def _public(raw: bytes) -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:1184]), X25519PublicKey.from_public_bytes(raw[1184:])
    )


def wrap(wrap_key: bytes, info: bytes, secret: bytes) -> bytes:
    """One HPKE message to the holder of ``wrap_key``; opens only with the same ``info``. 0.2 ms."""
    return bytes(_SUITE.encrypt(secret, _public(wrap_key), info=info))


def unwrap(seed: bytes, info: bytes, message: bytes, *, where: str) -> bytes:
    """The secret of an HPKE message, or WrapBroken."""
    private = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(seed[:64]), X25519PrivateKey.from_private_bytes(seed[64:])
    )
    try:
        return bytes(_SUITE.decrypt(message, private, info=info))
    except (InvalidTag, ValueError) as error:
        raise WrapBroken("wrapped keys do not open", where=where) from error


RowKey = AESGCM
"""A batch key, made ready once for the many rows that are wrapped under it."""


def wrap_row(batch_key: RowKey, context: bytes, class_key: bytes, nonce: bytes) -> bytes:
    """A class key under the batch key of its class: nonce, ciphertext, tag; 60 bytes."""
    return nonce + batch_key.encrypt(nonce, class_key, context)


def unwrap_row(batch_key: bytes, context: bytes, row: bytes, *, where: str) -> bytes:
    """The class key of a row, or WrapBroken."""
    try:
        return AESGCM(batch_key).decrypt(row[:NONCE], row[NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise WrapBroken("a wrapped key does not open", where=where) from error


def encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """AES-256-GCM."""
    return AESGCM(key).encrypt(nonce, plain, associated)


def decrypt(key: bytes, nonce: bytes, sealed: bytes, associated: bytes, *, where: str) -> bytes:
    """AES-256-GCM, or WrapBroken."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError) as error:
        raise WrapBroken("does not open: another key, or the bytes were changed", where=where) from error
