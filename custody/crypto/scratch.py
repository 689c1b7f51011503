"""The cipher of scratch files: plain bytes that must lie on a disk for a moment, and mean nothing there.

AES-256-CTR under a key that is drawn for one file and never leaves memory: any range can be read alone. It
hides, and proves nothing: a scratch file is read only by the process that wrote it, through a file that
has no name.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

BLOCK = 16


def crypt(key: bytes, offset: int, data: bytes) -> bytes:
    """Encrypt or decrypt ``data``, which lies at ``offset`` (a multiple of 16) of the file of this key."""
    encryptor = Cipher(AES256(key), CTR((offset // BLOCK).to_bytes(16, "big"))).encryptor()
    return encryptor.update(data) + encryptor.finalize()
