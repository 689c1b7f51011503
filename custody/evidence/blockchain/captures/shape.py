"""What the shapes of captured answers share: one transaction's values, amounts as texts, and how each is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.recognise import recognise
from custody.evidence.instants import Instant

COIN_VALUES = (
    "block_hash", "block_height", "chain", "chain_origin", "coin_kind", "confirmations", "contradictions", "details",
    "fee_units", "signers", "status", "status_raw", "transfers", "txid", "verdicts",
)  # fmt: skip
"""Keys of a captured row of kind "coin"."""

STATUS = ("confirmed", "unconfirmed", "failed", "unknown")
_DIGITS = re.compile("0|[1-9][0-9]{0,77}")
_HEX = re.compile("0x[0-9a-fA-F]{1,64}")


@dataclass(slots=True)
class Coin:
    """One transaction while it is read. ``transfers``: see `transfer`; ``contradictions``: in words."""

    txid: str | None = None
    chain: str | None = None
    when: Instant | None = None
    block_hash: str | None = None
    block_height: int | None = None
    confirmations: int | None = None
    status: str = "unknown"
    status_raw: str | None = None
    fee_units: str | None = None
    transfers: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    signers: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    details: dict[str, Any] = field(default_factory=dict)

    def addresses(self) -> list[str]:
        """All addresses in its transfers."""
        return [one[end] for one in self.transfers for end in ("from", "to", "contract") if one.get(end)]

    def values(self, origin: str | None) -> dict[str, Any]:
        """What goes into the row."""
        if self.contradictions:
            self.flags.add("capture_inconsistent")
        found = {
            "coin_kind": "transaction",
            "chain": self.chain,
            "chain_origin": origin,
            "txid": self.txid,
            "block_hash": self.block_hash,
            "block_height": self.block_height,
            "confirmations": self.confirmations,
            "status": self.status,
            "status_raw": self.status_raw,
            "fee_units": self.fee_units,
            "transfers": self.transfers or None,
            "verdicts": self.verdicts or None,
            "signers": self.signers or None,
            "contradictions": self.contradictions or None,
            "details": self.details or None,
        }
        return {name: value for name, value in found.items() if value is not None}


Read = Callable[[Mapping[str, Any], str | None], Coin | None]
"""From a JSON object to a transaction; None where it is none. The second argument is the chain, where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One form of captured answers. ``lists``: arrays of transactions (`json_slices.pattern`); ``keys``: all of
    these stand in the first bytes of such a file; ``chain``: where the form belongs to one chain alone."""

    name: str
    title: str
    zone: str
    keys: tuple[str, ...]
    lists: tuple[str, ...]
    read: Read
    single: tuple[tuple[str, ...], ...] = ((),)
    """Ways to the one transaction of a file without a list: () is the file's own object."""
    chain: str | None = None
    family: str | None = None
    contains: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def number(value: Any) -> int | None:
    """A whole number that is not negative, as JSON number, decimal text, or hexadecimal with 0x; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 1 << 256 else None
    if isinstance(value, str):
        if _DIGITS.fullmatch(value):
            return int(value)
        if _HEX.fullmatch(value):
            return int(value, 16)
    return None


def small(value: Any) -> int | None:
    """A `number` that JSON can hold exactly."""
    found = number(value)
    return found if found is not None and found < 1 << 53 else None


def text(value: Any) -> str | None:
    """A text that holds something."""
    return value if isinstance(value, str) and value else None


def decimal(units: int, places: int) -> str:
    """``units`` of the smallest unit as exact decimal text."""
    if not places:
        return str(units)
    whole, rest = divmod(units, 10**places)
    fraction = f"{rest:0{places}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def transfer(
    *,
    sender: str | None,
    receiver: str | None,
    units: int | None,
    decimals: int | None = None,
    asset: str | None = None,
    contract: str | None = None,
    index: int | None = None,
    flags: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One movement. On chains of outputs ``sender`` or ``receiver`` is None: an output of the transaction, or an input.

    ``asset`` is a name as people may be told it: that of a known coin or contract, else "token calling itself …".
    """
    values = {
        "from": sender,
        "to": receiver,
        "amount_units": None if units is None else str(units),
        "amount": None if units is None or decimals is None else decimal(units, decimals),
        "decimals": decimals,
        "asset": asset,
        "contract": contract,
        "index": index,
        "flags": sorted(flags) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def coin_of(chain: str | None) -> tuple[str | None, int | None]:
    """(short name, decimals) of a chain's own coin."""
    if chain is None or chain not in CHAINS:
        return None, None
    return CHAINS[chain].coins[0], CHAINS[chain].decimals


def chains_of(addresses: list[str]) -> frozenset[str]:
    """The chains on which all of these could be addresses; none where there is none to judge by."""
    found: frozenset[str] | None = None
    for address in addresses:
        own = frozenset(
            chain
            for reading in recognise(address).readings
            if reading.kind in ("address", "contract")
            and reading.level is not None
            and reading.network == "main"
            for chain in reading.chains
        )
        found = own if found is None else found & own
    return found or frozenset()
