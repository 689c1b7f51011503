"""Amounts as people type them: exact decimal text, and whole numbers of the smallest unit. Never a float."""

from __future__ import annotations

import re

from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.tokens import counterfeit, token_of

FLAGS = (
    "amount_finer_than_unit",
    "amount_not_understood",
    "amount_separator_ambiguous",
    "asset_by_name_only",
    "asset_contradicts_contract",
    "token_name_unproven",
)


def plain(text: str | None, found: set[str]) -> str | None:
    """Exact decimal text, or None with a flag: "1,234" is a thousand here and a bit over one there."""
    if text is None:
        return None
    value = text.strip()
    if re.fullmatch(r"(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?", value):
        return value
    grouped = re.fullmatch(r"[0-9][0-9.,' \u00a0\u202f]*", value) is not None
    found.add("amount_separator_ambiguous" if grouped else "amount_not_understood")
    return None


def decimals(chain: str, asset: str | None, contract: str | None, found: set[str]) -> int | None:
    """How many decimals an asset has: of a chain's own coin, or of a token whose contract we know; else None."""
    named = None if asset is None else asset.strip().upper()
    if contract is not None:
        known = token_of(chain, contract)
        if known is None:
            if named is not None and counterfeit(chain, contract, named):
                found.add("token_name_unproven")
            return None
        if named is not None and named != known.symbol:
            found.add("asset_contradicts_contract")
            return None
        return known.decimals
    if named is None or chain not in CHAINS:
        return None
    if named in CHAINS[chain].coins:
        return CHAINS[chain].decimals
    found.add("asset_by_name_only")
    return None


def units(amount: str | None, places: int | None, found: set[str]) -> str | None:
    """The amount in the smallest unit, as text; None where it or the number of decimals is not known."""
    if amount is None or places is None:
        return None
    whole, _, fraction = amount.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > places:
        found.add("amount_finer_than_unit")
        return None
    return str(int(whole + fraction.ljust(places, "0")))
