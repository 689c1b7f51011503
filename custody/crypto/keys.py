"""Keys: Ed25519 to sign, ML-KEM-768+X25519 to be wrapped to, the log's pair, all from raw bytes.

Public keys from outside are refused when they are not canonical or of small order: the library
accepts the identity point, under which one fixed signature fits every message, so that whoever is
enrolled with it could deny everything (Chalkias et al., "Taming the many EdDSAs", 2020).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from custody.crypto import derive
from custody.errors import CheckFailed, FormatError
from custody.format.names import key_id

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


class SignatureInvalid(CheckFailed):
    """A signature does not fit the key and the bytes."""


def check_sign_key(raw: bytes, *, where: str) -> bytes:
    """``raw`` is a canonical Ed25519 public key, on the curve and not of small order; else FormatError."""
    if len(raw) != 32:
        raise FormatError("not an Ed25519 key", where=where, expected="32 bytes", found=f"{len(raw)}")
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        raise FormatError("an Ed25519 key that is not canonical", where=where)
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
        if v * x * x % _P != u:
            raise FormatError("an Ed25519 key that is not on the curve", where=where)
    if x == 0 and sign:
        raise FormatError("an Ed25519 key that is not canonical", where=where)
    # Small order: eight times the point is the neutral element (0, 1). Three doublings tell.
    for _ in range(3):
        x, y = _double(x, y)
    if x == 0 and y == 1:
        raise FormatError("an Ed25519 key of small order", where=where)
    return raw


def _double(x: int, y: int) -> tuple[int, int]:
    t = _D * x * x * y * y % _P
    return 2 * x * y * pow(1 + t, -1, _P) % _P, (y * y + x * x) * pow(1 - t, -1, _P) % _P


@dataclass(frozen=True, slots=True)
class SignKey:
    """A custodian's signing key, from its 32-byte seed."""

    seed: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return _public(self.seed)

    @property
    def key_id(self) -> str:
        """The key id: hex SHA-256 of the raw public key."""
        return key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (RFC 8032), 64 bytes."""
        return _private(self.seed).sign(message)


# Each costs a multiplication on the curve, and every entry asked for three: a third of an append.
@functools.lru_cache(maxsize=4)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@functools.lru_cache(maxsize=4)
def _public(seed: bytes) -> bytes:
    return _private(seed).public_key().public_bytes_raw()


def verify(public: bytes, signature: bytes, message: bytes, *, where: str) -> None:
    """Raise SignatureInvalid unless the Ed25519 signature fits."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid("the signature does not fit", where=where) from error


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The log's two signing keys, from two 32-byte seeds. A note needs both."""

    ed25519_seed: bytes = field(repr=False)
    ml_dsa_seed: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> LogKeys:
        """From the 64 bytes that are wrapped."""
        return cls(data[:32], data[32:])

    def to_bytes(self) -> bytes:
        """The 64 bytes that are wrapped."""
        return self.ed25519_seed + self.ml_dsa_seed

    @property
    def public(self) -> dict[str, bytes]:
        """The public keys by algorithm."""
        return {
            "ed25519": SignKey(self.ed25519_seed).public,
            "ml-dsa-44": MLDSA44PrivateKey.from_seed_bytes(self.ml_dsa_seed).public_key().public_bytes_raw(),
        }

    def sign_ed25519(self, message: bytes) -> bytes:
        """64 bytes."""
        return SignKey(self.ed25519_seed).sign(message)

    def sign_ml_dsa(self, message: bytes) -> bytes:
        """2,420 bytes (FIPS 204, hedged: another signature each time)."""
        return MLDSA44PrivateKey.from_seed_bytes(self.ml_dsa_seed).sign(message)


def verify_ml_dsa(public: bytes, signature: bytes, message: bytes, *, where: str) -> None:
    """Raise SignatureInvalid unless the ML-DSA-44 signature fits (FIPS 204)."""
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid("the ML-DSA-44 signature does not fit", where=where) from error


@dataclass(frozen=True, slots=True)
class CustodianKeys:
    """All of a custodian's secrets: they stand in the key file, or come from a recovery sheet."""

    sign: SignKey
    wrap_seed: bytes | None = field(repr=False)
    """64 bytes ML-KEM-768 seed and 32 bytes X25519; None for a collector, who can't be wrapped to."""

    @classmethod
    def from_recovery_seed(cls, seed: bytes) -> CustodianKeys:
        """All keys as HKDF outputs of a recovery sheet's 32 bytes (formats, section 3)."""
        return cls(
            SignKey(derive.hkdf(seed, b"custody/1 recovery\0sign", 32)),
            derive.hkdf(seed, b"custody/1 recovery\0wrap", 96),
        )
