"""Files that lie inside messages: base64 read piece by piece, and what was read as size and SHA-256."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
_SPACE = b" \t\r\n"


def base64(source: Iterator[bytes], faults: set[str]) -> Iterator[bytes]:
    """The bytes that base64 text stands for, up to its padding; a torn end gives what is there."""
    rest = b""
    for piece in source:
        letters = piece.translate(None, _NOT_BASE64)
        if len(letters) + sum(map(piece.count, (b"\n", b"\r", b" ", b"\t"))) != len(piece):
            faults.add("base64_other_characters")
        letters = rest + letters
        stop = letters.find(b"=")
        if stop >= 0:
            behind = letters[stop:].lstrip(b"=")
            tail = letters[:stop]
            if behind or any(one.strip(b"=" + _SPACE) for one in source):
                faults.add("base64_behind_padding")
            yield _base64(tail, faults, padding=len(letters[stop:]) - len(behind))
            return
        whole = len(letters) - len(letters) % 4
        rest = letters[whole:]
        if whole:
            yield binascii.a2b_base64(letters[:whole])
    if rest:
        yield _base64(rest, faults, padding=0)


def _base64(letters: bytes, faults: set[str], *, padding: int) -> bytes:
    over = len(letters) % 4
    if (over + padding) % 4 and padding < (4 - over) % 4:
        faults.add("base64_torn")
    if over == 1:  # six bits are no byte
        faults.add("base64_torn")
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Size and SHA-256 of a part's content."""

    size: int
    sha256: str


def digest(source: Iterator[bytes]) -> Digest:
    """Read it all and keep nothing."""
    size, hashed = 0, hashlib.sha256()
    for piece in source:
        size += len(piece)
        hashed.update(piece)
    return Digest(size=size, sha256=hashed.hexdigest())
