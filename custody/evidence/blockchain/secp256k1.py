"""Who signed: the public key that a signature on secp256k1 was made with, recovered from signature and digest.

The curve is libsecp256k1's, through coincurve. A key that comes out is the only one that fits; it says who signed, not
that what was signed was ever sent, accepted or carried out.
"""

from __future__ import annotations

import coincurve

from custody.errors import InputRefused
from custody.evidence.blockchain.encodings.hashes import keccak256

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def recover_address(digest: bytes, r: int, s: int, parity: int, *, where: str, low_s: bool) -> bytes:
    """The 20 bytes of the signer's address: the end of the Keccak-256 of the public key.

    ``digest``: 32 bytes that were signed; ``parity`` 0 or 1. InputRefused where r or s are out of range, where
    ``low_s`` is asked for and s is high (EIP-2), and where no key fits.
    """
    if not (0 < r < ORDER and 0 < s < ORDER) or parity not in (0, 1):
        raise InputRefused("not a signature: a number in it is out of range", where=where)
    if low_s and s > ORDER // 2:
        raise InputRefused(
            "not a signature that the network takes: s is high",
            where=where,
            hint="since March 2016 the network refuses the higher of the two forms of a signature (EIP-2)",
        )
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # coincurve raises a bare Exception where no key fits
        raise InputRefused("no key fits this signature", where=where) from error
    return keccak256(key.format(compressed=False)[1:])[-20:]
