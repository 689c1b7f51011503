"""Addresses of Ethereum and the chains like it, and of TRON, which spells the same twenty bytes otherwise.

One key has the same twenty bytes on all of these: that two texts share them says something about a key,
and nothing about which chain a payment was made on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.evidence.blockchain.chains import EVM
from custody.evidence.blockchain.encodings import base58, eip55
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Kind, Level, Reading
from custody.evidence.blockchain.tokens import token_of

TRON_VERSION = 0x41


def possible(text: str) -> Iterator[Reading]:
    """What the text can be on these chains, sound or not."""
    yield from _evm(text)
    yield from _tron(text)


def tron_text(account: bytes) -> str:
    """The base58check spelling of TRON for an account's 20 bytes."""
    return base58.encode_check(bytes([TRON_VERSION]) + account)


def _evm(text: str) -> Iterator[Reading]:
    found = re.fullmatch("(0[xX])?([0-9a-fA-F]{40})", text)
    if found is None:
        return
    raw = bytes.fromhex(found[2])
    spelled = "0x" + found[2]
    checksum = eip55.checksum_of(spelled)
    flags = {"chain_ambiguous"}
    level: Level | None = "form_ok"
    position, reason = None, None
    if found[1] is None:
        flags.add("no_prefix")
    if checksum == "ok":
        level = "checksum_ok"
    elif checksum == "none":
        flags.add("no_checksum")
    else:
        level, reason = None, "the case of the letters is not that of the checksum (EIP-55)"
        flags.add("checksum_bad")
        wrong = eip55.wrong_case(spelled)
        # one single letter: its case was changed; more: any other slip changes half of all letters
        position = wrong[0] - (0 if found[1] else 2) if len(wrong) == 1 else None
    tokens = [token for chain in EVM if (token := token_of(chain, spelled)) is not None]
    kind: Kind = "contract" if tokens and level else "address"
    yield Reading(
        kind=kind,
        chains=EVM,
        canonical=eip55.checksummed(raw) if level else spelled,
        payload_hex=raw.hex(),
        level=level,
        checksum=checksum,
        position=position,
        reason=reason,
        flags=tuple(sorted(flags)),
        facts=(
            *((f"token_on_{token.chain}", token.symbol) for token in tokens if level),
            *((("same_key_bytes_on_tron", tron_text(raw)),) if level else ()),
        ),
    )


def _tron(text: str) -> Iterator[Reading]:
    if re.fullmatch("41[0-9a-fA-F]{40}", text):
        yield _of_tron(bytes.fromhex(text[2:]), hexadecimal=True)
    elif re.fullmatch("T[0-9A-Za-z]{33}", text):
        try:
            body = base58.decode_check(text)
            if len(body) != 21 or body[0] != TRON_VERSION:
                raise Undecoded("this is not the form of a TRON address")
        except Undecoded as fault:
            flag = "checksum_bad" if fault.checksum or fault.position is None else "bad_character"
            yield Reading(
                kind="address",
                chains=("tron",),
                canonical=text,
                level=None,
                checksum="bad",
                position=fault.position,
                reason=fault.what,
                flags=(flag,),
            )
        else:
            yield _of_tron(body[1:], hexadecimal=False)


def _of_tron(account: bytes, *, hexadecimal: bool) -> Reading:
    spelled = tron_text(account)
    token = token_of("tron", spelled)
    return Reading(
        kind="address" if token is None else "contract",
        chains=("tron",),
        origin="inferred_unique",
        canonical=spelled,
        script_type="hexadecimal" if hexadecimal else None,
        payload_hex=account.hex(),
        level="form_ok" if hexadecimal else "checksum_ok",
        checksum="none" if hexadecimal else "ok",
        flags=("no_checksum",) if hexadecimal else (),
        facts=(
            *(() if token is None else (("token_on_tron", token.symbol),)),
            ("same_key_bytes_on_evm", eip55.checksummed(account)),
        ),
    )
