"""Contexts: what a key, a wrap or a sealed part is for, framed so that no two can read alike.

A context is a label, a zero byte, then for each text its length (u16be) and its bytes
(docs/format/contexts.md). Unframed, ("x/1", 23) and ("x/12", 3) would be the same string.
"""

from __future__ import annotations

from collections.abc import Sequence

from custody.errors import FormatError

LABEL_COMPARTMENT = b"custody/1 compartment"
LABEL_OBJECT = b"custody/1 object"
LABEL_WRAP = b"custody/1 wrap"
LABEL_ROW = b"custody/1 row"
LABEL_INDEX = b"custody/1 index"


def framed(*texts: str | bytes) -> bytes:
    """Each text as u16be length and bytes (UTF-8), one after the other."""
    parts = [text.encode("utf-8") if isinstance(text, str) else text for text in texts]
    try:
        return b"".join([len(part).to_bytes(2, "big") + part for part in parts])
    except OverflowError:
        raise FormatError("a text too long for a context", found=f"{max(map(len, parts))} bytes") from None


def compartment(origin: str, subject: str, n: int, name: str) -> bytes:
    """HKDF info and Cobblestone context of the sealed part ``name`` of entry ``n`` about ``subject``."""
    return LABEL_COMPARTMENT + b"\0" + framed(origin, subject) + n.to_bytes(8, "big") + framed(name)


def object_(origin: str, item: str) -> bytes:
    """HKDF info and Cobblestone context of an item's vault object."""
    return LABEL_OBJECT + b"\0" + framed(origin, item)


def wrap(origin: str, subject: str, recipient: str, classes: Sequence[str]) -> bytes:
    """HPKE info of class keys or batch keys for one custodian; classes in the order that they stand in."""
    return LABEL_WRAP + b"\0" + framed(origin, subject, recipient, ",".join(classes))


def row(origin: str, batch: str, subject: str, class_name: str) -> bytes:
    """Associated data of one class key under the batch key of its class."""
    return LABEL_ROW + b"\0" + framed(origin, batch, subject, class_name)


def index(origin: str, case: str) -> bytes:
    """HKDF info of the key of a case's look-ups, derived from the case's `record` key."""
    return LABEL_INDEX + b"\0" + framed(origin, case)
