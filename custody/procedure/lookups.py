"""Keyed hashes by which what is in a locker is found again, nothing opened. Imports little: workers make them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from custody.crypto import derive
from custody.format import contexts


@dataclass(frozen=True, slots=True)
class Tags:
    """How a file's bytes are found again, and the same bytes from the same source and path."""

    content: bytes
    origin: bytes


@dataclass(frozen=True, slots=True)
class Seek:
    """What the tags of a run's files are made with: the case's index key, and the SHA-256 of their stated source."""

    key: bytes = field(repr=False)
    source: bytes

    def tags(self, digest: bytes, path: bytes | None) -> Tags:
        """The tags of a file with this SHA-256; ``path`` is None for standard input."""
        origin = digest + self.source + hashlib.sha256(path or b"-").digest()
        return Tags(lookup_tag(self.key, "content", digest), lookup_tag(self.key, "origin", origin))


def lookup_tag(key: bytes, kind: str, value: bytes) -> bytes:
    """The tag of a value; kinds are ref, content, origin and paths. Long values go in by their SHA-256."""
    return derive.tag(key, contexts.framed(kind) + value)
