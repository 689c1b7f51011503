"""Answers about TRON: nodes and TronGrid, which give the bytes and signatures, and Tronscan, which does not.

Where ``raw_data_hex`` is there, everything is worked out from it again; the JSON beside it is compared, and both shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.errors import InputRefused
from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.captures.shape import Coin, Shape, number, small, text, transfer
from custody.evidence.blockchain.tron.shown import differences
from custody.evidence.blockchain.tron.transaction import Transaction, address_text, read_transaction, signer
from custody.evidence.records.moments import since_1970

_TRX = ("TRX", 6)
_MOST = 64


def read_node(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One transaction with ``raw_data_hex``, as nodes and TronGrid give it."""
    raw, txid = text(value.get("raw_data_hex")), text(value.get("txID"))
    if raw is None or txid is None:
        return None
    coin = Coin(txid=txid, chain="tron")
    _status(coin, value)
    if (time := small(value.get("block_timestamp"))) is not None:
        coin.when = since_1970(str(time), "ms")
    coin.block_height = small(value.get("blockNumber"))
    try:
        found = read_transaction(raw)
    except InputRefused as error:
        coin.contradictions.append(f"raw_data_hex is no transaction: {error.message}")
        return coin
    if found.txid != txid.lower():
        coin.contradictions.append(f"the bytes give the id {found.txid}, and {txid} is shown")
    else:
        coin.verdicts.append({"of": "transaction", "level": "hash_matches"})
    for one in differences({**value, "txID": None}, found):
        coin.contradictions.append(f"{one.field}: {one.shown} is shown, and the bytes say {one.proven}")
    _movement(coin, found)
    _signers(coin, found, value.get("signature"))
    return coin


def _status(coin: Coin, value: Mapping[str, Any]) -> None:
    results = value.get("ret")
    said = (
        [one.get("contractRet") for one in results if isinstance(one, dict)]
        if isinstance(results, list)
        else []
    )
    told = [one for one in said if isinstance(one, str)]
    coin.status_raw = ", ".join(told) or None
    if told:
        coin.status = "confirmed" if all(one == "SUCCESS" for one in told) else "failed"
    fees = (
        [number(one.get("fee")) for one in results if isinstance(one, dict)]
        if isinstance(results, list)
        else []
    )
    if fees and fees[0] is not None:
        coin.fee_units = str(fees[0])


def _movement(coin: Coin, found: Transaction) -> None:
    if found.owner is None or found.to is None:
        coin.details["kind"] = found.kind
        return
    owner, to = address_text(found.owner), address_text(found.to)
    if found.token is not None:
        sender = owner if found.token.owner is None else address_text(b"\x41" + found.token.owner)
        known = tokens.token_of("tron", to)
        flags = () if found.token.units else ("zero_transfer",)
        coin.transfers.append(
            transfer(
                sender=sender, receiver=address_text(b"\x41" + found.token.to), units=found.token.units,
                decimals=None if known is None else known.decimals,
                asset=known.symbol if known else "a token that is not known here", contract=to, flags=flags,
            )
        )  # fmt: skip
        coin.flags.update(flags)
        if sender != owner:
            coin.flags.add("caller_is_not_owner")
            coin.details["caller"] = owner
        return
    coin.details["kind"] = found.kind
    own = found.asset is None and found.kind == "TransferContract"
    coin.transfers.append(
        transfer(
            sender=owner, receiver=to, units=found.amount, decimals=_TRX[1] if own else None,
            asset=_TRX[0] if own else None,
        )
    )  # fmt: skip


def _signers(coin: Coin, found: Transaction, given: Any) -> None:
    signatures = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    for one in signatures[:_MOST]:
        try:
            coin.signers.append(address_text(signer(found.txid, one)))
        except InputRefused as error:
            coin.contradictions.append(f"a signature that fits no key: {error.message}")
    if not coin.signers or found.owner is None:
        return
    if address_text(found.owner) in coin.signers:
        coin.verdicts.append({"of": "address_from", "level": "signature_matches"})
    else:
        # An account's owner can give the right to sign to other keys: no contradiction, and no proof either.
        coin.flags.add("signer_is_not_owner")


def read_scan(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """A transaction or a token transfer as Tronscan shows it."""
    txid = text(value.get("hash")) or text(value.get("transaction_id")) or text(value.get("transactionHash"))
    if txid is None:
        return None
    coin = Coin(txid=txid, chain="tron")
    time = small(value.get("timestamp")) or small(value.get("block_ts"))
    if time is not None:
        coin.when = since_1970(str(time), "ms")
    coin.block_height = small(value.get("block"))
    result = text(value.get("contractRet")) or text(value.get("finalResult"))
    coin.status_raw = result
    reverted = value.get("revert") is True
    if result is not None or reverted:
        coin.status = "failed" if reverted or result != "SUCCESS" else "confirmed"
    if value.get("confirmed") is False:
        coin.status = "unconfirmed"
    if "quant" in value:
        _token(coin, value, "quant", value.get("tokenInfo"))
    listed = value.get("trc20TransferInfo")
    for one in listed[:_MOST] if isinstance(listed, list) else ():
        if isinstance(one, dict):
            _token(coin, one, "amount_str", one)
    if not coin.transfers and text(value.get("ownerAddress")) is not None:
        data = value.get("contractData")
        units = number(data.get("amount")) if isinstance(data, dict) else None
        coin.transfers.append(
            transfer(
                sender=text(value.get("ownerAddress")), receiver=text(value.get("toAddress")), units=units,
                decimals=_TRX[1] if units is not None else None, asset=_TRX[0] if units is not None else None,
            )
        )  # fmt: skip
    return coin


def _token(coin: Coin, one: Mapping[str, Any], amount: str, about: Any) -> None:
    about = about if isinstance(about, dict) else {}
    contract = text(one.get("contract_address")) or text(about.get("tokenId"))
    symbol = (text(one.get("symbol")) or text(about.get("tokenAbbr")) or "")[:64]
    known = None if contract is None else tokens.token_of("tron", contract)
    shown = small(one.get("decimals"))
    places = shown if shown is not None else small(about.get("tokenDecimal"))
    if known is not None and places is not None and places != known.decimals:
        coin.contradictions.append(f"{known.symbol} has {known.decimals} decimals, and {places} is shown")
    units = number(one.get(amount))
    flags = ["zero_transfer"] if units == 0 else []
    if contract is not None and symbol and tokens.counterfeit("tron", contract, symbol):
        flags.append("counterfeit_token")
    decimals = (
        known.decimals if known is not None else places if places is not None and places <= 77 else None
    )
    coin.transfers.append(
        transfer(
            sender=text(one.get("from_address")), receiver=text(one.get("to_address")), units=units,
            decimals=decimals, asset=tokens.called("tron", contract, symbol) if symbol else None, contract=contract,
            flags=tuple(flags),
        )
    )  # fmt: skip
    coin.flags.update(flags)


NODE = Shape(
    name="tron-node-json",
    title="TRON transactions with their bytes, as nodes and TronGrid give them",
    zone="UTC (milliseconds since 1970)",
    keys=("txID", "raw_data_hex"),
    lists=("data[*]", "[*]"),
    read=read_node,
    single=((), ("transaction",)),
    chain="tron",
    contains=(
        "the bytes that were signed, and the signatures: id, amounts and signers are worked out from them",
    ),
    never=("a proof that it came into a block: inclusion is the node's statement",),
)
SCAN = Shape(
    name="tronscan-json",
    title="TRON transactions and token transfers as Tronscan shows them",
    zone="UTC (milliseconds since 1970)",
    keys=("contractRet|finalResult", "ownerAddress|from_address", "hash|transaction_id"),
    lists=("token_transfers[*]", "data[*]", "[*]"),
    read=read_scan,
    chain="tron",
    contains=("what a website stated of transfers, with whole addresses",),
    never=("the signed bytes: nothing in it can be worked out again; save the node's JSON too",),
)
