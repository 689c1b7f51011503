"""The message tree of a chat's normalised form: one root that commits to every field of every message.

The root stands in the derived item's `content` from the day that the form is made, so that single
messages, or only their time and sender, can later be shown and proven alone (docs/format/chat.md).

Leaf of message ``i`` (from 0) = SHA-256(00 ‖ label ‖ u64be i ‖ u32be member ‖ u64be start ‖ u64be end ‖
field hashes in the order of `FIELDS`); field hash = SHA-256(salt ‖ value), value = its RFC 8785 JSON, of
`source` the bytes of the range themselves. Nodes as RFC 6962. Every message has every field: what it does
not have is null, so that a leaf does not tell what there was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from custody.format import merkle

SCHEMA = "custody.chat/1"

FIELDS = (
    "attachments", "contact", "conversation", "details", "edit", "forward", "kind", "location", "reactions",
    "recipients", "reply_to", "sender", "sender_text", "source", "text", "time", "times",
)  # fmt: skip
"""What of a message can be shown alone, in the order of the hashes in its leaf. Another list is another version."""

DETAILS = (
    "call", "deletion", "direction", "entities", "ephemeral", "event", "extra", "flags", "native_id", "place", "poll",
    "repair",
)  # fmt: skip
"""The other fields of a message: they go into `details` together, an object of those that it has."""

SALT = 32
SALTS = SALT * len(FIELDS)
"""Bytes of salt that one message takes."""

SOURCE = FIELDS.index("source")
"""Its place among them, and that of its salt."""

_DETAILS_AT = FIELDS.index("details")
_DETAILS_SALT = SALT * _DETAILS_AT
_DETAILS = [(name, name.encode()) for name in DETAILS]
_LABEL = b"\0custody/1 message\0"
_NULL = b"null"
_CUTS = [(name, SALT * at, SALT * at + SALT) for at, name in enumerate(FIELDS)]


def leaf(
    index: int,
    member: int,
    start: int,
    end: int,
    salts: bytes,
    fields: Mapping[str, bytes],
    source: bytes = b"",
) -> bytes:
    """The leaf hash of a message: ``fields`` gives RFC 8785 bytes by name, null where one is absent.

    ``salts``: SALTS bytes. ``member``, ``start``, ``end``: where the message's bytes lie. ``source``: that
    field's hash where its bytes are too many to be given among ``fields``.
    """
    sha256 = hashlib.sha256
    get = fields.get
    hashes = [sha256(salts[at:to] + get(name, _NULL)).digest() for name, at, to in _CUTS]
    if source:
        hashes[SOURCE] = source
    details = b",".join([b'"%s":%s' % (name, fields[key]) for key, name in _DETAILS if key in fields])
    if details:
        hashes[_DETAILS_AT] = sha256(
            salts[_DETAILS_SALT : _DETAILS_SALT + SALT] + b"{" + details + b"}"
        ).digest()
    head = (
        index.to_bytes(8, "big")
        + member.to_bytes(4, "big")
        + start.to_bytes(8, "big")
        + end.to_bytes(8, "big")
    )
    return sha256(_LABEL + head + b"".join(hashes)).digest()


class Tree:
    """Takes leaves one by one and keeps only the peaks: log2(n) hashes in memory."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, hashed: bytes) -> None:
        """The next message's leaf."""
        merkle.push(self._peaks, self.size, hashed)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return merkle.fold_peaks(self._peaks)
