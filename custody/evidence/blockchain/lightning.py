"""The preimage of a Lightning payment: 32 bytes whose SHA-256 is the payment hash of the invoice (BOLT 11, BOLT 2).

It passes from the payee to the payer as the payment is settled. Whoever has it shows that somebody settled, or that
they were given it by somebody who knew it: payee and payer both do, and so may nodes in between.
"""

from __future__ import annotations

import hashlib

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import from_hex


def payment_hash_of(preimage: bytes | str, *, where: str = "preimage") -> bytes:
    """The payment hash that follows from a preimage; InputRefused where it is not 32 bytes."""
    raw = from_hex(preimage, where, most=32)
    if len(raw) != 32:
        raise InputRefused("not 32 bytes", where=where, found=str(len(raw)))
    return hashlib.sha256(raw).digest()
