"""Salts of a chat's message tree: drawn from the derived item's `object` key, so that nothing is stored for them.

Whoever is shown a field is given its 32 bytes of salt; they tell nothing of the other fields' salts, nor of
the key. With the item's keys the salts die too: what was not shown can't be confirmed by guessing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from custody.crypto.derive import hkdf
from custody.format.contexts import framed

_LABEL = b"custody/1 messages\0"


def message_salts(object_key: bytes, origin: str, item: str, length: int) -> Callable[[int], bytes]:
    """A function from a message's index to its ``length`` bytes of salt.

    The key is HKDF-SHA-256 of the class key `object` of ``item``; the salts of message i are
    SHAKE-256(key ‖ u64be i), FIPS 202: a sponge keyed by its prefix, as in KMAC.
    """
    keyed = hashlib.shake_256(hkdf(object_key, _LABEL + framed(origin, item), 64))

    def salts(index: int) -> bytes:
        one = keyed.copy()
        one.update(index.to_bytes(8, "big"))
        return one.digest(length)

    return salts
