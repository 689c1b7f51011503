"""The hash of a signed transaction of the XRP ledger: half a SHA-512 over ``TXN``, a zero, and its bytes."""

from __future__ import annotations

from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings.hashes import sha512_half

LONGEST = 1_000_000
_PREFIX = b"TXN\x00"


def transaction_hash(blob: bytes | str, *, where: str = "transaction blob") -> str:
    """The hash in upper case, as the ledger writes it. The blob's fields and signature are not read."""
    return sha512_half(_PREFIX + from_hex(blob, where, most=LONGEST)).hex().upper()
