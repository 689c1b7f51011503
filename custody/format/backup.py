"""Backup files: the head of one, which says what is in it and holds its key for each custodian.

A backup file is `MAGIC`, the head's length (u32be), the head, and the sealed archive. The head is a DSSE
envelope of type `BACKUP_TYPE`; its payload is an RFC 8785 object (docs/format/backup.md). The archive is
sealed under a key of its own and bound to the head's bytes, so that neither can be exchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from custody.errors import FormatError
from custody.format import canonical, contexts, shape
from custody.format.envelope import Envelope
from custody.format.envelope import from_bytes as read_envelope
from custody.format.shape import BASE64, DIGEST, ID, INTEGER, ORIGIN, TIME, list_of, record
from custody.format.text import from_base64, to_base64

BACKUP_TYPE = "application/vnd.custody.backup+json;v=1"
MAGIC = b"custody backup 1\n"
MAX_HEAD = 4 << 20
"""Bytes; a head with 512 recipients takes about 1.5 MiB."""

MEMBER = re.compile(r"(?:ledger|erasable|volume-[1-9][0-9]{0,2})\.sqlite|vault/[0-9a-f]{64}")
"""Names that an archive may have."""

HEAD_SHAPE = record(
    {
        "v": {"const": 1},
        "backup": ID,
        "made": TIME,
        "volumes": list_of(record({"origin": ORIGIN, "size": INTEGER, "root": DIGEST}), least=1, most=999),
        "items": INTEGER,
        "keys": list_of(record({"key_id": DIGEST, "message": BASE64}), least=1, most=512),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The state of one volume: its origin, its number of entries, their root in hex."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a backup states of itself. ``volumes``: the newest last; ``keys``: HPKE messages by key id."""

    backup: str
    made: str
    volumes: tuple[Volume, ...]
    items: int
    keys: dict[str, bytes]

    @property
    def newest(self) -> Volume:
        """The volume that was being written when the backup was made."""
        return self.volumes[-1]

    def to_bytes(self) -> bytes:
        """The canonical JSON payload."""
        return canonical.encode(
            {
                "v": 1,
                "backup": self.backup,
                "made": self.made,
                "volumes": [{"origin": v.origin, "size": v.size, "root": v.root} for v in self.volumes],
                "items": self.items,
                "keys": [{"key_id": k, "message": to_base64(m)} for k, m in sorted(self.keys.items())],
            }
        )


def read_head(data: bytes, *, where: str) -> tuple[Head, Envelope]:
    """The head of its envelope's bytes, or FormatError. Whose signature it is, is for the record to say."""
    outer = read_envelope(data, payload_type=BACKUP_TYPE, where=where, max_bytes=MAX_HEAD)
    value = canonical.decode_object(outer.payload, where=where, max_bytes=MAX_HEAD)
    if isinstance(value.get("v"), int) and value["v"] != 1:
        raise FormatError("made by a newer custody", where=where, found=f"version {value['v']}")
    shape.check(value, HEAD_SHAPE, where=where)
    names = [row["key_id"] for row in value["keys"]]
    if names != sorted(set(names)):
        raise FormatError("keys that are not sorted, each once", where=where)
    head = Head(
        backup=value["backup"],
        made=value["made"],
        volumes=tuple(Volume(**row) for row in value["volumes"]),
        items=value["items"],
        keys={row["key_id"]: from_base64(row["message"], where=where) for row in value["keys"]},
    )
    return head, outer


def wrap_context(origin: str, backup: str, recipient: str) -> bytes:
    """HPKE info of the archive's key for one custodian."""
    return b"custody/1 backup key\0" + contexts.framed(origin, backup, recipient)


def archive_context(head_digest: bytes) -> bytes:
    """Cobblestone context of the archive: bound to the SHA-256 (32 bytes) of the head as it stands in the file."""
    return b"custody/1 backup\0" + contexts.framed(head_digest)
