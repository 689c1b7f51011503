"""What is claimed of a payment, what others state about it, and the bytes that may prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Bytes = bytes | str
"""Bytes, or their hexadecimal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said of one payment; None for what nobody said. Texts as they were typed.

    ``chain``: a name of `chains.CHAINS`, ``lightning`` or ``other:…``. ``amount_units``: whole smallest units;
    ``amount_text``: an amount as it was typed, where its units are not known. ``contract``: a token's. ``typed``: how
    it was entered, in words; None where nobody typed it.
    """

    chain: str
    txid: str | None = None
    sender: str | None = None
    receiver: str | None = None
    amount_units: int | None = None
    amount_text: str | None = None
    contract: str | None = None
    height: int | None = None
    block_hash: str | None = None
    typed: str | None = None

    @classmethod
    def of_reference(cls, record: Mapping[str, object]) -> Claim:
        """From a payment reference (``custody.payment-reference``), which somebody typed."""

        def text(key: str) -> str | None:
            value = record.get(key)
            return value if isinstance(value, str) else None

        height, units = record.get("block_height"), text("amount_units") or ""
        amount = int(units) if units.isascii() and units.isdigit() and len(units) <= 100 else None
        read_from = ", ".join(
            f"{words} {value}"
            for words, value in (
                ("read from", text("source")),
                ("item", text("source_item")),
                ("at", text("source_place")),
                ("checked by", text("checked_by")),
            )
            if value is not None
        )
        return cls(
            chain=text("chain") or "",
            txid=text("txid") or text("txid_raw"),
            sender=text("address_from_raw"),
            receiver=text("address_to_raw"),
            amount_units=amount,
            amount_text=text("amount_raw") if amount is None else None,
            contract=text("contract_raw"),
            height=height if isinstance(height, int) and not isinstance(height, bool) else None,
            block_hash=text("block_hash") or text("block_hash_raw"),
            typed="entered by hand" + (f", {read_from}" if read_from else ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a picture, an explorer or a node says of the payment. Nobody vouches for it.

    ``label``: where it is from, for people (an item's label). ``says``: values by the names of Claim's fields, as
    texts. ``outcome``: what it says became of the payment, ``confirmations`` by how many blocks when it was captured.
    ``tron``: the JSON of a TRON transaction, as it was captured.
    """

    kind: Literal["screenshot", "explorer", "node"]
    label: str
    says: Mapping[str, str] = field(default_factory=dict)
    outcome: Literal["succeeded", "failed", "pending"] | None = None
    confirmations: int | None = None
    tron: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The bytes that are there; all optional.

    ``transaction``: the raw transaction (TRON: ``raw_data_hex``; XRP: the signed blob). ``signatures``: TRON's, 65
    bytes each. Bitcoin: ``merkleblock`` or a whole ``block``; ``headers``: 80 bytes each, one after the other, among
    them the block's, and on to a known one; ``previous``: transactions whose outputs are spent. EVM: ``header``,
    and for place ``index`` in the block the nodes of ``transaction_proof`` and ``receipt_proof``. Lightning:
    ``preimage`` and ``payment_hash``. ``labels``: by these names, where each is from. ``unread``: what was given as
    well and could not be used, as (label, why).
    """

    transaction: Bytes | None = None
    signatures: tuple[Bytes, ...] = ()
    merkleblock: Bytes | None = None
    block: Bytes | None = None
    headers: Bytes | None = None
    previous: tuple[Bytes, ...] = ()
    header: Bytes | None = None
    index: int | None = None
    transaction_proof: tuple[Bytes, ...] = ()
    receipt_proof: tuple[Bytes, ...] = ()
    preimage: Bytes | None = None
    payment_hash: Bytes | None = None
    statements: tuple[Statement, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()
