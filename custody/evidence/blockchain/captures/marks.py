"""Marks on the addresses of one transaction: unsound ones, look-alikes, and what poisoners do with them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain import secrets
from custody.evidence.blockchain.captures.likeness import dust, judge
from custody.evidence.blockchain.captures.shape import ENDS, Coin

_SHOWN = 5
_NO_SECRET = re.compile("(?:0x)?[0-9a-fA-F]*+|.{0,24}", re.DOTALL)
"""Ids, data, and what is too short for any secret."""
_MOST_ODD = 20


def mark(coin: Coin, alike: Mapping[str, tuple[str, ...]]) -> None:
    """Flag each address, each transfer and the transaction; a secret in an address's place is taken out."""
    odd: list[str] = []
    for one in coin.transfers:
        flags = set(one.get("flags", ()))
        looks = False
        for end in ENDS:
            address = one.get(end)
            if address is None:
                continue
            found = judge(address)
            own = set(found.flags)
            if found.sound and coin.chain is not None and coin.chain not in (found.chains or ()):
                own.add("address_of_other_chain")
            if found.shown != address:
                one[end] = found.shown
                own.add("secret_hidden")
            odd += [f"{end}, {text}" for text in found.odd]
            coin.flags |= own
            others = alike.get(address, ())
            if others:
                looks = True
                coin.flags.add("lookalike_address")
                own |= {f"lookalike_of:{judge(other).shown}" for other in others[:_SHOWN]}
            if own:
                one[f"{end}_flags"] = sorted(own)
        units = one.get("amount_units")
        small = units is not None and int(units) <= dust(coin.chain, one.get("decimals"), one.get("contract"))
        if looks and (small or "counterfeit_token" in flags):
            flags.add("possible_poisoning")
        if flags:
            one["flags"] = sorted(flags)
            coin.flags |= flags
    if odd:
        coin.details["odd_characters"] = odd[:_MOST_ODD]


def hide(coin: Coin) -> None:
    """Take secrets out of all other texts: whoever made the file may have put anything anywhere."""
    for name in ("txid", "block_hash", "status_raw", "contradictions", "details"):
        value = getattr(coin, name)
        hidden = _hidden(value)
        if hidden != value:
            setattr(coin, name, hidden)
            coin.flags.add("secret_hidden")
    for one in coin.transfers:
        if "asset" in one and (hidden := _masked(one["asset"])) != one["asset"]:
            one["asset"] = hidden
            coin.flags.add("secret_hidden")


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return _masked(value)
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    return value


@functools.lru_cache(1 << 12)
def _masked(text: str) -> str:
    return text if _NO_SECRET.fullmatch(text) else secrets.mask(text)
