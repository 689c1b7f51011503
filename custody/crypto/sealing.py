"""Sealing: Cobblestone-256, the C2SP chunked encryption, committing to key and context.

A sealed part is salt (24), commitment (32), chunks of 16 KiB each with a tag (16). The commitment
binds key, salt and context at 2^128: showing the key proves what was logged.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Any

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from custody.crypto import derive
from custody.errors import CheckFailed
from custody.format import contexts, padding

CHUNK = 16 * 1024
OVERHEAD = 24 + 32
_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"

CLASSES = ("object", "record", "identity", "note")
"""The four independent class keys, in their fixed order."""

OTHER_CLASSES = ("record", "identity", "note")
"""The classes of a subject that is not an item: it has no object."""


class SealBroken(CheckFailed):
    """Sealed bytes do not open under this key and context: wrong key, or the bytes were changed."""


def class_of(compartment: str) -> str:
    """The class whose key opens a compartment: identity, note, or record for all others."""
    return compartment if compartment in ("identity", "note") else "record"


def seal(key: bytes, context: bytes, plain: bytes) -> bytes:
    """The sealed bytes of a short plaintext."""
    encryptor = Cobblestone256Encryptor(key, context)
    return bytes(encryptor.update(plain)) + bytes(encryptor.finalize())


def open_(key: bytes, context: bytes, sealed: bytes, *, where: str) -> bytes:
    """The plaintext, or SealBroken; nothing is released before the whole is checked."""
    try:
        decryptor = Cobblestone256Decryptor(key, context)
        return bytes(decryptor.update(sealed)) + bytes(decryptor.finalize())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("does not open: another key, or the bytes were changed", where=where) from error


def commits(key: bytes, context: bytes, sealed_head: bytes) -> bool:
    """True when the commitment in the first 56 bytes is of this key and context. Opens nothing."""
    salt, commitment = sealed_head[:24], sealed_head[24:OVERHEAD]
    material = HKDFExpand(hashes.SHA512(), 32 + 12 + 32, _LABEL + salt + context).derive(key)
    return len(commitment) == 32 and hmac.compare_digest(material[44:], commitment)


def compartment_key(class_key: bytes, origin: str, subject: str, n: int, name: str) -> bytes:
    """The key of one compartment; shown to disclose it, and it alone."""
    return derive.hkdf(class_key, contexts.compartment(origin, subject, n, name))


def seal_compartment(
    class_key: bytes, origin: str, subject: str, n: int, name: str, value: dict[str, Any]
) -> bytes:
    """The sealed bytes of a compartment's value."""
    plain = padding.pad_compartment(value, where=f"compartment {name}")
    return seal_padded(class_key, origin, subject, n, name, plain)


def seal_padded(class_key: bytes, origin: str, subject: str, n: int, name: str, plain: bytes) -> bytes:
    """As `seal_compartment`, of a value that was padded before: many items say the same in a part."""
    context = contexts.compartment(origin, subject, n, name)
    return seal(derive.hkdf(class_key, context), context, plain)


def open_compartment(
    key: bytes, origin: str, subject: str, n: int, name: str, sealed: bytes, *, where: str
) -> dict[str, Any]:
    """The value of a compartment under its own key (see `compartment_key`)."""
    plain = open_(key, contexts.compartment(origin, subject, n, name), sealed, where=where)
    return padding.unpad_compartment(plain, where=where)


def object_key(class_key: bytes, origin: str, item: str) -> bytes:
    """The key of an item's vault object."""
    return derive.hkdf(class_key, contexts.object_(origin, item))


def sealed_size(padded: int) -> int:
    """The size of the sealed bytes of ``padded`` plaintext bytes."""
    return OVERHEAD + padded + 16 * (padded // CHUNK + 1)


def padded_size(sealed: int) -> int | None:
    """The plaintext size of ``sealed`` bytes, or None when no plaintext has that size."""
    body = sealed - OVERHEAD
    full, rest = divmod(body, CHUNK + 16)
    return full * CHUNK + rest - 16 if body >= 16 and rest >= 16 else None


class Sealer:
    """Seals a stream piece by piece, with reused buffers (fresh ones cost half the time for large pieces)."""

    def __init__(self, key: bytes, context: bytes, piece: int) -> None:
        self._encryptor = Cobblestone256Encryptor(key, context)
        # A piece comes out with its tags, what was held back before, and the header once.
        self._buffer = bytearray(piece + CHUNK * 2 + 16 * (piece // CHUNK + 3) + OVERHEAD)

    def update(self, piece: bytes | memoryview) -> memoryview:
        """The sealed bytes that are ready; valid until the next call."""
        written = self._encryptor.update_into(piece, self._buffer)
        return memoryview(self._buffer)[:written]

    def finish(self) -> bytes:
        """The last sealed bytes."""
        return bytes(self._encryptor.finalize())


def open_stream(key: bytes, context: bytes, pieces: Iterable[bytes], *, where: str) -> Iterator[bytes]:
    """Plain pieces of sealed ones. Each is authentic when given; only the end proves that none is missing."""
    decryptor = Cobblestone256Decryptor(key, context)
    try:
        for piece in pieces:
            plain = bytes(decryptor.update(piece))
            if plain:
                yield plain
        last = bytes(decryptor.finalize())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("does not open: another key, or the bytes were changed", where=where) from error
    if last:
        yield last
