"""A block's header of 80 bytes: its hash, the work that went into it, and headers that follow one another.

The target is the number that a hash must not exceed; ``bits`` is its short form. Expected work is the number of
hashes that one must try on average to find such a header: 2^256 / (target + 1), rounded down as Bitcoin Core does.
A header of little work can be made by anybody in a moment, so a hash that is low enough proves nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import Cursor, from_hex
from custody.evidence.blockchain.encodings.hashes import sha256d

SIZE = 80
MOST_HEADERS = 100_000

EASIEST_BITS = 0x1D00FFFF
"""The main network's limit: difficulty 1. Test networks allow more, and are no proof of anything."""

_EASIEST = 0xFFFF << 208


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header whose hash is not above its target, and whose target is allowed on the main network.

    Hashes in their shown form. ``time``: seconds since 1970 that its maker states: may be two hours ahead of the
    truth, and may be earlier than that of the block before.
    """

    version: int
    previous: str
    merkle_root: bytes
    time: int
    bits: int
    nonce: int
    hash: str
    target: int

    @property
    def work(self) -> int:
        """Hashes to be tried on average."""
        return (1 << 256) // (self.target + 1)

    @property
    def difficulty(self) -> str:
        """How many times harder than the easiest block: decimal text, cut (not rounded) after eight digits."""
        whole, rest = divmod(_EASIEST * 10**8 // self.target, 10**8)
        return f"{whole}.{rest:08}"


def target_of(bits: int, where: str) -> int:
    """The target that ``bits`` stands for; InputRefused where it is zero, negative or above the main limit."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    target = mantissa << (8 * (exponent - 3)) if exponent >= 3 else mantissa >> (8 * (3 - exponent))
    if not target or bits & 0x800000:
        raise InputRefused("the target is zero or negative", where=where, found=f"bits {bits:08x}")
    if exponent > 0x20 or target > _EASIEST:
        raise InputRefused(
            "the target is easier than the main network allows",
            where=where,
            expected=f"at most that of bits {EASIEST_BITS:08x}",
            found=f"bits {bits:08x}",
            hint="headers of test networks can be made by anybody and prove nothing",
        )
    return target


def read_header(data: bytes | str, *, where: str = "block header") -> Header:
    """Read a header of exactly 80 bytes (or 160 hexadecimal digits) and check its work against its own target.

    InputRefused for another length, a target that the main network does not allow, and a hash above the target.
    """
    raw = from_hex(data, where, most=SIZE)
    cursor = Cursor(raw, where)
    version = cursor.signed(4, "the version")
    previous = cursor.take(32, "the hash of the block before")[::-1].hex()
    root = cursor.take(32, "the root of the transactions")
    time, bits, nonce = (cursor.number(4, name) for name in ("the time", "the bits", "the nonce"))
    cursor.end()
    target = target_of(bits, where)
    digest = sha256d(raw)[::-1]
    if int.from_bytes(digest, "big") > target:
        raise InputRefused(
            "the header's hash is above its target: no work went into these bytes",
            where=where,
            expected=f"a hash of at most {target:064x}",
            found=digest.hex(),
        )
    return Header(
        version=version,
        previous=previous,
        merkle_root=root,
        time=time,
        bits=bits,
        nonce=nonce,
        hash=digest.hex(),
        target=target,
    )


def read_headers(data: bytes | str, *, where: str = "block headers") -> tuple[Header, ...]:
    """Read headers that stand one after the other, each naming the one before it; InputRefused otherwise."""
    raw = from_hex(data, where, most=SIZE * MOST_HEADERS)
    if len(raw) % SIZE:
        raise InputRefused("not whole headers of 80 bytes", where=where, found=f"{len(raw)} bytes")
    found: list[Header] = []
    for at in range(0, len(raw), SIZE):
        here = f"{where}, header {at // SIZE + 1}"
        header = read_header(raw[at : at + SIZE], where=here)
        if found and header.previous != found[-1].hash:
            raise InputRefused(
                "does not follow the header before it",
                where=here,
                expected=found[-1].hash,
                found=header.previous,
            )
        found.append(header)
    return tuple(found)
