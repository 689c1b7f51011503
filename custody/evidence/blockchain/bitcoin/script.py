"""What an output's script pays to: the kind of script, and the address of the main network where there is one.

Sources: BIP-13, BIP-16, BIP-141, BIP-173, BIP-350; P2A as Bitcoin Core names it. Bare keys have no address:
explorers show that of the key's hash, which is another script.
"""

from __future__ import annotations

from typing import NamedTuple

from custody.evidence.blockchain.encodings import base58, bech32, bits
from custody.evidence.blockchain.encodings.hashes import hash160

_NUMBERS = {0x00: 0, **{0x50 + n: n for n in range(1, 17)}}


class Paid(NamedTuple):
    """``kind``: p2pkh, p2sh, p2wpkh, p2wsh, p2tr, witness_vN, p2pk, op_return, empty, other; the address or None."""

    kind: str
    address: str | None


def paid_to(script: bytes) -> Paid:
    """What a script pays to, by its form alone. Takes any bytes."""
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return Paid("p2pkh", base58.encode_check(b"\x00" + script[3:23]))
    if len(script) == 23 and script[:2] == b"\xa9\x14" and script[22:] == b"\x87":
        return Paid("p2sh", base58.encode_check(b"\x05" + script[2:22]))
    if 4 <= len(script) <= 42 and script[0] in _NUMBERS and script[1] == len(script) - 2:
        version, program = _NUMBERS[script[0]], script[2:]
        if version or len(program) in (20, 32):
            kinds = {(0, 20): "p2wpkh", (0, 32): "p2wsh", (1, 32): "p2tr"}
            variant: bech32.Variant = "bech32m" if version else "bech32"
            address = bech32.encode("bc", (version, *bits.to_fives(program)), variant)
            return Paid(kinds.get((version, len(program)), f"witness_v{version}"), address)
    if script[-1:] == b"\xac" and (len(script), script[:1]) in ((35, b"\x21"), (67, b"\x41")):
        return Paid("p2pk", None)
    if script[:1] == b"\x6a":
        return Paid("op_return", None)
    return Paid("other" if script else "empty", None)


def shown_keys(script_sig: bytes, witness: tuple[bytes, ...]) -> tuple[str, ...]:
    """Addresses that the last thing an input shows would fit, were it a key or a script: a hint, and no proof.

    What an input really spends stands in the transaction before.
    """
    found: list[str] = []
    last = _last_push(script_sig)
    if last is not None and not _is_signature(last):
        version = b"\x00" if _is_key(last) else b"\x05"
        found.append(base58.encode_check(version + hash160(last)))
    if not script_sig and len(witness) == 2 and _is_key(witness[1]):
        found.append(bech32.encode("bc", (0, *bits.to_fives(hash160(witness[1])))))
    return tuple(found)


def _is_signature(data: bytes) -> bool:
    # DER and one byte of hash type: what an input shows that spends a bare key's output, and no script
    return data[:1] == b"\x30" and 9 <= len(data) <= 73 and data[1] == len(data) - 3


def _is_key(data: bytes) -> bool:
    return (len(data), data[:1]) in ((33, b"\x02"), (33, b"\x03"), (65, b"\x04"))


def _last_push(script: bytes) -> bytes | None:
    at, last = 0, None
    while at < len(script):
        op = script[at]
        width = {0x4C: 1, 0x4D: 2, 0x4E: 4}.get(op, 0)
        if not width and op > 0x4B:
            return None
        size = int.from_bytes(script[at + 1 : at + 1 + width], "little") if width else op
        at += 1 + width
        last = script[at : at + size]
        if len(last) < size:
            return None
        at += size
    return last or None
