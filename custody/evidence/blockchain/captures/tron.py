"""Answers of TRON's nodes and of TronGrid, which give the bytes and signatures.

Everything is worked out from ``raw_data_hex`` again; the JSON beside it is compared, and both are shown. What a call
asks a token's contract for is no report that tokens moved: that stands in the contract's own report only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.errors import InputRefused
from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.captures.shape import Coin, Shape, moment_of, number, small, text, transfer
from custody.evidence.blockchain.tron.shown import differences
from custody.evidence.blockchain.tron.transaction import Transaction, address_text, read_transaction, signer
from custody.format.text import show

TRX = ("TRX", 6)
MOST = 64
_FAILED = frozenset({
    "BAD_JUMP_DESTINATION", "FAIL", "FAILED", "ILLEGAL_OPERATION", "INVALID_CODE", "JVM_STACK_OVER_FLOW",
    "OUT_OF_ENERGY", "OUT_OF_MEMORY", "OUT_OF_TIME", "PRECOMPILED_CONTRACT", "REVERT", "STACK_OVERFLOW",
    "STACK_TOO_LARGE", "STACK_TOO_SMALL", "TRANSFER_FAILED",
})  # fmt: skip
"""Words of TRON's protocol (contractResult) and its nodes; DEFAULT and UNKNOWN say neither."""


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One transaction with ``raw_data_hex``, as nodes and TronGrid give it."""
    raw, txid = value.get("raw_data_hex"), text(value.get("txID"))
    if not isinstance(raw, str) or not raw or txid is None:
        return None
    coin = Coin(chain="tron")
    coin.name(txid, "tron")
    coin.when = moment_of(value.get("block_timestamp"), "ms")
    coin.block_height = small(value.get("blockNumber"))
    _status(coin, value.get("ret"))
    try:
        found = read_transaction(raw)
    except InputRefused as error:
        coin.contradict(f"raw_data_hex is no transaction that is read here: {error.message}")
        coin.flags.add("not_checked_again")
        return coin
    if found.txid == coin.txid:
        coin.hash_matches()
    else:
        coin.contradict(f"the bytes give the id {found.txid}, and {show(txid)} is shown")
        coin.details["txid_of_bytes"] = found.txid
    for one in differences({**value, "txID": None}, found):
        coin.contradict(f"{one.field}: {show(one.shown)} is shown, and the bytes say {one.proven}")
    _movements(coin, found)
    if found.not_read:
        coin.flags.add("row_not_split")
        coin.details["fields_not_read"] = ", ".join(map(str, found.not_read))
    _signers(coin, found, value.get("signature"))
    return coin


def _status(coin: Coin, results: Any) -> None:
    rows = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    said = [one.get("contractRet") for one in rows[:MOST] if one.get("contractRet") is not None]
    result(coin, said, held=coin.block_height is not None)
    if rows and (fee := number(rows[0].get("fee"))) is not None:
        coin.fee_units = str(fee)


def result(coin: Coin, said: list[Any], *, held: bool) -> None:
    """The state that these words leave it in; ``held``: whether a block is said to hold it."""
    words = [one if isinstance(one, str) else ascii(one) for one in said]
    coin.status_raw = ", ".join(show(one, 40) for one in words) or None
    if any(one in _FAILED for one in words):
        coin.status = "failed"
    elif words and all(one == "SUCCESS" for one in words):
        coin.status = "confirmed" if held else "unknown"
    elif held:
        coin.status = "in_block"
    if not held:
        coin.flags.add("block_not_told")


def _movements(coin: Coin, found: Transaction) -> None:
    coin.details["kind"] = found.kind
    if found.time:
        coin.details["time_of_sender_ms"] = str(found.time)
    if found.owner is None or found.to is None:
        coin.flags.add("not_read_to_the_end")
        return
    owner, to = address_text(found.owner), address_text(found.to)
    is_call = found.kind == "TriggerSmartContract"
    if found.token is not None:
        _call(coin, found, owner, to)
    elif is_call:
        coin.details["contract"] = to
    if is_call and not found.amount:
        return
    flags = () if found.amount else ("zero_transfer",)
    if found.asset is not None:
        coin.details["asset_id"] = show(found.asset, 40)
        coin.transfers.append(transfer(sender=owner, receiver=to, units=found.amount, flags=flags))
    else:
        coin.transfers.append(
            transfer(
                sender=owner, receiver=to, units=found.amount, decimals=TRX[1], asset=TRX[0], flags=flags
            )
        )


def _call(coin: Coin, found: Transaction, owner: str, contract: str) -> None:
    assert found.token is not None
    sender = owner if found.token.owner is None else address_text(b"\x41" + found.token.owner)
    known = tokens.token_of("tron", contract)
    coin.transfers.append(
        transfer(
            sender=sender, receiver=address_text(b"\x41" + found.token.to), units=found.token.units,
            decimals=None if known is None else known.decimals,
            asset=known.symbol if known else "a token that is not known here", contract=contract,
            flags=() if found.token.units else ("zero_transfer",),
        )
    )  # fmt: skip
    coin.details["asks"] = "a contract to move tokens; whether it did stands in its own report"
    if sender != owner:
        coin.flags.add("caller_is_not_owner")
        coin.details["caller"] = owner


def _signers(coin: Coin, found: Transaction, given: Any) -> None:
    rows = given if isinstance(given, list) else [] if given is None else [given]
    if not rows:
        coin.flags.add("not_signed")
    if len(rows) > MOST:
        coin.flags.add("row_not_split")
    for one in rows[:MOST]:
        if not isinstance(one, str):
            coin.contradict("a signature that is no text")
            continue
        try:
            own = address_text(signer(found.txid, one))
        except InputRefused as error:
            coin.contradict(f"a signature that fits no key: {error.message}")
            continue
        if own not in coin.signers:
            coin.signers.append(own)
    if not coin.signers or found.owner is None:
        return
    if address_text(found.owner) in coin.signers:
        coin.verdicts.append({"of": "address_from", "level": "signature_matches"})
    else:
        # An account's owner can give the right to sign to other keys: no contradiction, and no proof either.
        coin.flags.add("signer_is_not_owner")


SHAPE = Shape(
    name="tron-node-json",
    title="TRON transactions with their bytes, as nodes and TronGrid give them",
    zone="UTC (milliseconds since 1970)",
    keys=("txID", "raw_data_hex"),
    lists=("data[*]", "[*]", "transactions[*]"),
    score=96,
    read=read,
    single=((), ("transaction",)),
    chain="tron",
    flags=(
        "block_not_told",
        "caller_is_not_owner",
        "not_checked_again",
        "not_read_to_the_end",
        "not_signed",
        "outcome_not_told",
        "signer_is_not_owner",
        "zero_transfer",
    ),
    contains=(
        "the bytes that were signed, and the signatures: id, amounts and signers are worked out from them",
    ),
    never=(
        "a proof that it came into a block: inclusion is the node's statement",
        "whether a token's contract did what it was asked for",
    ),
)
