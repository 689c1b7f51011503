"""Which 32 bytes are a point of the curve Ed25519: keys of Monero and Solana are, made-up bytes are by halves."""

from __future__ import annotations

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def is_point(raw: bytes) -> bool:
    """Whether 32 bytes are a compressed point in its one spelling (RFC 8032 5.1.3)."""
    if len(raw) != 32:
        return False
    number = int.from_bytes(raw, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if square == 0:  # x is 0, which is never odd
        return not odd
    return pow(square, (_P - 1) // 2, _P) == 1
