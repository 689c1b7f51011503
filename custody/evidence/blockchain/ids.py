"""Ids of transactions and blocks. Sixty-four bare hexadecimal digits fit many chains, and a private key as well."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from custody.evidence.blockchain.chains import CHAINS, EVM
from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Kind, Reading

_LOWER = ("bitcoin", "tron", "litecoin", "bitcoin-cash", "dogecoin", "monero", "ton")
"""Chains that write an id as 64 hexadecimal digits in lower case."""
BARE_HEX = tuple(name for name in CHAINS if name in _LOWER or name == "xrp")
"""Chains whose ids can be 64 bare hexadecimal digits."""


def canonical_txid(chain: str, text: str) -> str | None:
    """A transaction's id in its chain's one spelling, or None where its form is not that chain's.

    Hexadecimal in lower case (XRP: upper case); 0x in front on EVM chains; base58 of 64 bytes on Solana;
    on TON base64 is turned into hexadecimal.
    """
    value = text.strip(" \t")
    is_hex = re.fullmatch("[0-9a-fA-F]{64}", value) is not None
    if chain in EVM:
        return value.lower() if re.fullmatch("0[xX][0-9a-fA-F]{64}", value) else None
    if chain == "xrp":
        return value.upper() if is_hex else None
    if chain == "solana":
        return value if _base58_length(value) == 64 else None
    if chain == "ton" and not is_hex:
        return _ton(value)
    return value.lower() if is_hex and chain in _LOWER else None


def canonical_block(chain: str, text: str) -> str | None:
    """A block's hash in its chain's one spelling, or None: as a transaction's, but 32 bytes on Solana."""
    if chain == "solana":
        value = text.strip(" \t")
        return value if _base58_length(value) == 32 else None
    return canonical_txid(chain, text)


def possible(text: str) -> Iterator[Reading]:
    """What the text can be as an id of a transaction or block."""
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        kinds: tuple[Kind, ...] = ("tx", "block")
        # so many zeros in front are work that was done for a block
        for kind in reversed(kinds) if text.startswith("00000000") else kinds:
            yield _bare(kind, text, tuple(name for name in BARE_HEX if name != "xrp"), text.lower())
            yield _bare(kind, text, ("xrp",), text.upper())
    elif re.fullmatch("0[xX][0-9a-fA-F]{64}", text):
        for kind in ("tx", "block"):
            yield _bare(kind, text, EVM, text.lower())
    elif re.fullmatch("[1-9A-HJ-NP-Za-km-z]{32,90}", text):
        size = _base58_length(text)
        if size in (32, 64):
            yield _made("tx" if size == 64 else "block", ("solana",), text, base58.decode(text), ())
    elif (spelled := _ton(text)) is not None:
        yield _made("tx", ("ton",), spelled, bytes.fromhex(spelled), ())


def _bare(kind: Kind, text: str, chains: tuple[str, ...], canonical: str) -> Reading:
    return _made(
        kind, chains, canonical, bytes.fromhex(text[-64:]), ("chain_ambiguous", "may_be_private_key")
    )


def _made(kind: Kind, chains: tuple[str, ...], canonical: str, raw: bytes, flags: tuple[str, ...]) -> Reading:
    return Reading(
        kind=kind,
        chains=chains,
        origin="inferred_unique" if len(chains) == 1 and "chain_ambiguous" not in flags else None,
        canonical=canonical,
        payload_hex=raw.hex(),
        level="form_ok",
        checksum="none",
        flags=tuple(sorted({*flags, "no_checksum"})),
    )


def _base58_length(text: str) -> int | None:
    try:
        return len(base58.decode(text))
    except Undecoded:
        return None


def _ton(text: str) -> str | None:
    if not re.fullmatch("[A-Za-z0-9+/_-]{43}=?", text):
        return None
    standard = text.rstrip("=").replace("-", "+").replace("_", "/") + "="
    try:
        raw = base64.b64decode(standard, validate=True)
    except binascii.Error:
        return None
    # the last character has two bits too many; they must be zero, or one id has four spellings
    return raw.hex() if len(raw) == 32 and base64.b64encode(raw).decode() == standard else None
