"""Deriving keys and keyed hashes: HKDF-SHA-256 (RFC 5869), HMAC-SHA-256, Argon2id (RFC 9106)."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hkdf(key: bytes, info: bytes, length: int = 32) -> bytes:
    """HKDF-SHA-256 with an empty salt; ``info`` says what the output is for."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(key)


def tag(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    return hmac.digest(key, message, "sha256")


def argon2id(passphrase: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
    """A 32-byte key of a passphrase. 256 MiB and 3 passes cost 0.8 s on the reference machine."""
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib).derive(
        passphrase
    )
