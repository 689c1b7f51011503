"""Digests that the chains use and the standard library lacks, or may lack (RIPEMD-160 under OpenSSL 3)."""

from __future__ import annotations

import binascii
import hashlib


def keccak256(data: bytes) -> bytes:
    """Keccak-256 with its old padding, as Ethereum, TRON and Monero use it; SHA3-256 is another function."""
    from Cryptodome.Hash import keccak

    return bytes(keccak.new(digest_bits=256, data=data).digest())


def ripemd160(data: bytes) -> bytes:
    """RIPEMD-160, 20 bytes."""
    from Cryptodome.Hash import RIPEMD160

    return bytes(RIPEMD160.new(data).digest())


def sha256d(data: bytes) -> bytes:
    """SHA-256 twice: Bitcoin's digest of transactions, headers and base58check."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256: what stands in an address for a key or a script."""
    return ripemd160(hashlib.sha256(data).digest())


def sha512_half(data: bytes) -> bytes:
    """The first 32 bytes of SHA-512: the XRP ledger's digest."""
    return hashlib.sha512(data).digest()[:32]


def crc16_xmodem(data: bytes) -> bytes:
    """CRC-16/XMODEM (polynomial 0x1021, start 0), two bytes, high byte first: TON's addresses."""
    return binascii.crc_hqx(data, 0).to_bytes(2, "big")
