"""What the shapes of captured answers share: one transaction's values, amounts as texts, and how each is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.ids import canonical_txid
from custody.evidence.chat.json_text import DOUBLED
from custody.evidence.instants import Instant
from custody.evidence.records.moments import since_1970
from custody.format.text import show

COIN_VALUES = (
    "block_hash", "block_height", "chain", "chain_origin", "coin_kind", "confirmations", "contradictions", "details",
    "fee_units", "signers", "status", "status_raw", "transfers", "txid", "verdicts",
)  # fmt: skip
"""Keys of a captured row of kind "coin"."""

STATUS = ("confirmed", "in_block", "unconfirmed", "failed", "unknown")
"""confirmed: a block holds it, and (on chains where it can fail there) it was carried out; in_block: a block holds it,
and how it ended is not said; unknown: not said, or not in words that are understood."""
LONGEST = 200
"""Characters of a text that goes into a row; no address and no id is as long."""
_CONTRADICTIONS = 50
_DIGITS = re.compile("0|[1-9][0-9]{0,77}")
_HEX = re.compile("0x[0-9a-fA-F]{1,64}")
_BYTES = re.compile("(?:[0-9a-fA-F]{2})*+")
ENDS = ("from", "to", "contract")
"""The keys of a transfer under which an address stands."""


@dataclass(slots=True)
class Coin:
    """One transaction while it is read. ``transfers``: see `transfer`; ``contradictions``: in words."""

    txid: str | None = None
    chain: str | None = None
    own_chain: str | None = None
    """The chain that its signed bytes name; "" for one that is not known here."""
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
        return [one[end] for one in self.transfers for end in ENDS if one.get(end)]

    def contradict(self, text: str) -> None:
        """Two things in it that can't both be so."""
        self.flags.add("capture_inconsistent")
        if len(self.contradictions) < _CONTRADICTIONS:
            self.contradictions.append(text)
        elif len(self.contradictions) == _CONTRADICTIONS:
            self.contradictions.append("and more, which are not listed here")

    def hash_matches(self) -> None:
        """The bytes have the id that is shown."""
        self.verdicts.append({"of": "transaction", "level": "hash_matches"})

    def name(self, txid: str | None, chain: str | None) -> None:
        """Take the id that is shown, in its chain's one spelling; one that has no such form stays as it is, flagged."""
        self.txid = txid
        if txid is None:
            return
        spelled = next(
            (
                found
                for one in ((chain,) if chain else ("bitcoin", "ethereum"))
                if (found := canonical_txid(one, txid))
            ),
            None,
        )
        if spelled is None:
            self.flags.add("txid_form_unknown")
        else:
            self.txid = spelled

    def values(self, origin: str | None) -> dict[str, Any]:
        """What goes into the row; ``origin``: where the file's chain is from."""
        if self.own_chain:
            origin = "in_value"
        found = {
            "coin_kind": "transaction",
            "chain": self.chain,
            "chain_origin": origin if self.chain is not None else None,
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
    these stand in a transaction's own object (one of those that ``|`` parts); ``near``: and these somewhere in the
    first bytes; ``chain``: where the form belongs to one chain alone."""

    name: str
    title: str
    zone: str
    keys: tuple[str, ...]
    lists: tuple[str, ...]
    score: int
    """How sure it is that a file with such an element is of this form; no two shapes have the same."""
    read: Read
    near: tuple[str, ...] = ()
    single: tuple[tuple[str, ...], ...] = ((),)
    """Ways to the one transaction of a file without a list: () is the file's own object."""
    chain: str | None = None
    flags: tuple[str, ...] = ()
    """Of `captures.flags`, beside the common ones."""
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
    """A text that holds something, of at most LONGEST characters: the rest of a longer one stands in the bytes only."""
    return value[:LONGEST] if isinstance(value, str) and value else None


def digits(value: Any) -> bytes | None:
    """Bytes written as hexadecimal, without 0x; b"" for ""; None for all else."""
    if not isinstance(value, str) or not _BYTES.fullmatch(value):
        return None
    return bytes.fromhex(value)


def moment_of(value: Any, unit: str) -> Instant | None:
    """The time that a number since 1970 says; None where none is given. Other things are no instant, and flagged."""
    if value is None or value == "":
        return None
    known = small(value)
    raw = str(known) if isinstance(value, int) and known is not None else ascii_text(value)
    return since_1970(raw, unit)


def ascii_text(value: Any) -> str:
    """Any JSON value as a short text."""
    return (
        value[:40]
        if isinstance(value, str)
        else ascii(value)[:40]
        if not isinstance(value, dict | list)
        else "(no number)"
    )


def doubled(value: Any, depth: int = 32) -> Iterator[str]:
    """In words, each key that stands twice in an object: whoever reads one value only can be shown either."""
    if depth <= 0:
        return
    if isinstance(value, dict):
        for earlier in value.get(DOUBLED, ()) if isinstance(value.get(DOUBLED), list) else ():
            for key, one in earlier.items() if isinstance(earlier, dict) else ():
                taken, other = ascii(value.get(key))[:LONGEST], ascii(one)[:LONGEST]
                yield f"the key {show(key, 60)} stands twice: {other} first, and {taken}, which was taken"
        for key, one in value.items():
            if key != DOUBLED:
                yield from doubled(one, depth - 1)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                yield from doubled(one, depth - 1)


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
