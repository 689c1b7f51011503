"""Digests that a capture states about itself, held against the bytes that are there.

A digest that agrees says that the bytes are those for which it was written. It does not say who wrote it: whoever
changes a capture can write a new one. None that was not checked is called passed.

Source: ISO 28500 (WARC 1.0, 1.1), WARC-Block-Digest and WARC-Payload-Digest: an algorithm's name, a colon, and a
value that writers spell in base32, hexadecimal or base64.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Protocol

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
LONGEST = 256
_HEX = re.compile("[0-9A-Fa-f]+")


class Hash(Protocol):
    """A running digest."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        ...

    def digest(self) -> bytes:
        """The digest of what came so far."""
        ...


class Stated:
    """A digest as it was written. ``algorithm`` is None where it can't be checked; ``reason`` says why."""

    def __init__(self, text: str) -> None:
        self.text = text
        name, colon, self._value = text.partition(":")
        name = name.strip().lower().replace("-", "").replace("_", "")
        self._value = self._value.strip()
        self.algorithm: str | None = None
        self.reason: str | None = None
        self._spelling = ""
        if len(text) > LONGEST or not colon:
            self.reason = "it is not written as an algorithm, a colon and a value"
        elif name not in ALGORITHMS:
            self.reason = "this algorithm is not computed here"
        else:
            self._spelling = _spelling(self._value, len(hashlib.new(name, usedforsecurity=False).digest()))
            if self._spelling:
                self.algorithm = name
            else:
                self.reason = "its value has not the length of this algorithm's"

    def start(self) -> Hash | None:
        """A digest to be computed, or None."""
        # MD5 and SHA-1 are what captures state; what they are worth stands on the page about them.
        return None if self.algorithm is None else hashlib.new(self.algorithm, usedforsecurity=False)

    def write(self, digest: bytes) -> str:
        """Another digest in the same spelling."""
        return f"{self.text.partition(':')[0]}:{_spell(digest, self._spelling)}"

    def agrees(self, digest: bytes) -> bool:
        """Whether it is that digest."""
        wanted, found = self._value.rstrip("="), _spell(digest, self._spelling).rstrip("=")
        return wanted == found if self._spelling == "base64" else wanted.lower() == found.lower()


def _spelling(value: str, size: int) -> str:
    bare = len(value.rstrip("="))
    if len(value) == 2 * size and _HEX.fullmatch(value):
        return "hex"
    if bare == -(-size * 8 // 5):
        return "base32"
    if bare == -(-size * 8 // 6):
        return "base64"
    return ""


def _spell(digest: bytes, spelling: str) -> str:
    if spelling == "hex":
        return digest.hex()
    if spelling == "base32":
        return base64.b32encode(digest).decode()
    return base64.b64encode(digest).decode()


def checked(stated: Stated, digest: bytes) -> dict[str, Any]:
    """The result of a check: passed, or failed with what was found instead."""
    if stated.agrees(digest):
        return {"stated": stated.text, "result": "passed"}
    return {"stated": stated.text, "result": "failed", "found": stated.write(digest)}


def unchecked(stated: str | None, reason: str) -> dict[str, Any]:
    """The result where nothing was checked, with the reason."""
    values = {"result": "not_checked", "reason": reason}
    return values if stated is None else {"stated": stated[:LONGEST], **values}
