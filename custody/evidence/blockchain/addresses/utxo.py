"""Addresses of Bitcoin and of the chains that came from it: base58check, segwit, CashAddr, MWEB.

Test networks share their prefixes: a text of Bitcoin's says "a test network", and not which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from custody.evidence.blockchain import caip
from custody.evidence.blockchain.encodings import base58, bech32, bits, cashaddr
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Network, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What a version byte of base58check stands for; ``first``: the letters that such an address begins with."""

    script_type: str
    network: Network
    chains: tuple[str, ...]
    first: str
    old: bool = False


_ALL = ("bitcoin", "bitcoin-cash", "litecoin")
_VERSIONS = {
    0x00: _Version(script_type="p2pkh", network="main", chains=_ALL[:2], first="1"),
    0x05: _Version(script_type="p2sh", network="main", chains=_ALL, first="3", old=True),
    0x6F: _Version(script_type="p2pkh", network="test", chains=(*_ALL, "dogecoin"), first="mn"),
    0xC4: _Version(script_type="p2sh", network="test", chains=(*_ALL, "dogecoin"), first="2", old=True),
    0x30: _Version(script_type="p2pkh", network="main", chains=("litecoin",), first="L"),
    0x32: _Version(script_type="p2sh", network="main", chains=("litecoin",), first="M"),
    0x3A: _Version(script_type="p2sh", network="test", chains=("litecoin",), first="Q"),
    0x1E: _Version(script_type="p2pkh", network="main", chains=("dogecoin",), first="D"),
    0x16: _Version(script_type="p2sh", network="main", chains=("dogecoin",), first="9A"),
    0x71: _Version(script_type="p2pkh", network="test", chains=("dogecoin",), first="n"),
}
_SEGWIT: dict[str, tuple[str, Network]] = {
    "bc": ("bitcoin", "main"),
    "tb": ("bitcoin", "test"),
    "bcrt": ("bitcoin", "regtest"),
    "ltc": ("litecoin", "main"),
    "tltc": ("litecoin", "test"),
    "rltc": ("litecoin", "regtest"),
}
_MWEB: dict[str, Network] = {"ltcmweb": "main", "tmweb": "test"}
_MWEB_LONGEST = 140
_CASH: dict[str, Network] = {"bitcoincash": "main", "bchtest": "test", "bchreg": "regtest"}
_CASH_KINDS = ("p2pkh", "p2sh", "p2pkh_tokens", "p2sh_tokens")
_ANCHOR = bytes.fromhex("4e73")  # of pay-to-anchor, the one witness program of version 1 that is no key


def possible(text: str) -> Iterator[Reading]:
    """What the text can be on these chains, sound or not."""
    yield from _base58(text)
    yield from _segwit(text)
    yield from _mweb(text)
    yield from _cash(text)


def _made(
    chains: tuple[str, ...],
    canonical: str,
    network: Network,
    script_type: str | None,
    payload: bytes,
    flags: tuple[str, ...] = (),
) -> Reading:
    only = len(chains) == 1
    account = canonical.rpartition(":")[2]  # CAIP-10 has no room for CashAddr's prefix
    found = caip.account_id(chains[0], account) if only and network == "main" else None
    more = () if network == "main" else ("test_network",)
    return Reading(
        kind="address",
        chains=chains,
        origin="in_value" if only else None,
        network=network,
        canonical=canonical,
        script_type=script_type,
        payload_hex=payload.hex(),
        level="checksum_ok",
        checksum="ok",
        caip=() if found is None else (str(found),),
        flags=tuple(sorted({*flags, *more, *(() if only else ("chain_ambiguous",))})),
    )


def _bad(
    chains: tuple[str, ...], text: str, fault: Undecoded, network: Network | None, script_type: str | None
) -> Reading:
    flags = {"checksum_bad" if fault.checksum or fault.position is None else "bad_character"}
    if len(chains) > 1:
        flags.add("chain_ambiguous")
    return Reading(
        kind="address",
        chains=chains,
        network=network,
        canonical=text,
        script_type=script_type,
        level=None,
        checksum="bad",
        position=fault.position,
        reason=fault.what,
        flags=tuple(sorted(flags)),
    )


def _base58(text: str) -> Iterator[Reading]:
    if not re.fullmatch("[0-9A-Za-z]{25,36}", text):
        return
    try:
        body = base58.decode_check(text)
        fault = None
    except Undecoded as error:
        body, fault = b"", error
    if fault is None:
        of = _VERSIONS.get(body[0])
        if of is not None and len(body) == 21:
            old = ("old_form",) if of.old else ()
            yield _made(of.chains, text, of.network, of.script_type, body[1:], old)
        return
    for of in _VERSIONS.values():
        if text[0] in of.first and len(text) <= 35:
            yield _bad(of.chains, text, fault, of.network, of.script_type)


def _segwit(text: str) -> Iterator[Reading]:
    prefix = text.lower().rpartition("1")[0]
    # a 1 is no letter of bech32: one that was typed into the data must not hide the prefix
    known = next((hrp for hrp in _SEGWIT if text.lower().startswith(f"{hrp}1")), None)
    if known is None:
        return
    chain, network = _SEGWIT[known]
    try:
        if prefix != known:
            raise Undecoded("this character is not one of bech32", position=len(prefix))
        version, program = witness(text)
    except Undecoded as fault:
        yield _bad((chain,), text, fault, network, None)
        return
    flags: tuple[str, ...] = ("witness_unknown",)
    script_type = f"witness_v{version}"
    if version == 0:
        script_type, flags = "p2wpkh" if len(program) == 20 else "p2wsh", ()
    elif version == 1 and (len(program) == 32 or program == _ANCHOR):
        script_type, flags = "p2tr" if len(program) == 32 else "p2a", ()
    yield _made((chain,), text.lower(), network, script_type, program, flags)


def witness(text: str) -> tuple[int, bytes]:
    """Version and program of a segwit address under any prefix (BIP-350); Undecoded for all else."""
    found = bech32.decode(text)
    if not found.fives:
        raise Undecoded("there is nothing between prefix and checksum")
    version = found.fives[0]
    if version > 16:
        raise Undecoded("there is no such witness version")
    wanted = "bech32" if version == 0 else "bech32m"
    if found.variant != wanted:
        raise Undecoded(f"the checksum is {found.variant}'s, not {wanted}'s", checksum=True)
    program = bits.to_bytes(found.fives[1:])
    if not 2 <= len(program) <= 40:
        raise Undecoded("the witness program has a length that there is not")
    if version == 0 and len(program) not in (20, 32):
        raise Undecoded("a witness program of version 0 has 20 or 32 bytes")
    return version, program


def _mweb(text: str) -> Iterator[Reading]:
    known = next((hrp for hrp in _MWEB if text.lower().startswith(f"{hrp}1")), None)
    if known is None:
        return
    network = _MWEB[known]
    try:
        found = bech32.decode(text, longest=_MWEB_LONGEST)
        keys = bits.to_bytes(found.fives[1:])
        if found.prefix != known or found.variant != "bech32" or found.fives[:1] != (0,) or len(keys) != 66:
            raise Undecoded("this is not the form of an MWEB address")
        if keys[0] not in (2, 3) or keys[33] not in (2, 3):
            raise Undecoded("the keys of this MWEB address are none")
    except Undecoded as fault:
        yield _bad(("litecoin",), text, fault, network, "mweb")
        return
    yield _made(("litecoin",), text.lower(), network, "mweb", keys)


def _cash(text: str) -> Iterator[Reading]:
    given, colon, _ = text.lower().rpartition(":")
    if colon and given not in _CASH:
        return
    if not colon and not re.fullmatch("[qpzr][0-9a-z]{41,111}", text.lower()):
        return
    fault = None
    for prefix, network in _CASH.items():
        try:
            found = cashaddr.decode(text, prefix)
        except Undecoded as error:
            if given in ("", prefix):
                fault = fault or error
            continue
        known = found.kind < len(_CASH_KINDS) and len(found.payload) in (20, 32)
        yield _made(
            ("bitcoin-cash",),
            cashaddr.encode(prefix, found.kind, found.payload),
            network,
            _CASH_KINDS[found.kind] if known else f"kind_{found.kind}",
            found.payload,
            () if known else ("witness_unknown",),
        )
        return
    if fault is not None and (colon or len(text) in (42, 61)):
        yield _bad(("bitcoin-cash",), text, fault, _CASH[given] if colon else None, None)
