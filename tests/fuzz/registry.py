"""The list of all readers of outside bytes. A reader that is not here fails tests/test_fuzz.py."""

from __future__ import annotations

from tests.fuzz.reader import Reader
from tests.fuzz.readers import (
    backups,
    chats,
    coins,
    containers,
    crypto,
    formats,
    images,
    keys,
    packages,
    records,
    stores,
    texts,
    tokens,
)

READERS: dict[str, Reader] = {
    reader.name: reader
    for room in (
        backups,
        chats,
        coins,
        formats,
        images,
        crypto,
        tokens,
        containers,
        packages,
        records,
        keys,
        stores,
        texts,
    )
    for reader in room.READERS
}
