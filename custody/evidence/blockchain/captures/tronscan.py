"""What websites state of TRON: Tronscan's transactions and token transfers, and TronGrid's lists of token transfers.

The signed bytes are not in them: nothing can be worked out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain.captures.etherscan import move
from custody.evidence.blockchain.captures.shape import Coin, Shape, moment_of, number, small, text, transfer
from custody.evidence.blockchain.captures.tron import MOST, TRX, result
from custody.format.text import show

_SYMBOL = 64
_TRANSFER = 1  # the number of TransferContract: only its amount is TRX


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """A transaction or a token transfer."""
    txid = text(value.get("hash")) or text(value.get("transaction_id")) or text(value.get("transactionHash"))
    grid = isinstance(value.get("token_info"), dict)
    told = "quant" in value or "ownerAddress" in value or "trc20TransferInfo" in value or grid
    if txid is None or not told or "raw_data_hex" in value:
        return None
    coin = Coin(chain="tron")
    coin.name(txid, "tron")
    coin.when = next(
        (
            moment_of(value[name], "ms")
            for name in ("timestamp", "block_ts", "block_timestamp")
            if value.get(name)
        ),
        None,
    )
    coin.block_height = small(value.get("block"))
    _status(coin, value)
    if grid:
        _grid(coin, value)
    elif "quant" in value:
        _token(coin, value, "quant", value.get("tokenInfo"))
    listed = value.get("trc20TransferInfo")
    rows = listed if isinstance(listed, list) else []
    for one in rows[:MOST]:
        if isinstance(one, dict):
            _token(coin, one, "amount_str", one)
    if len(rows) > MOST or not all(isinstance(one, dict) for one in rows):
        coin.flags.add("row_not_split")
    _coins(coin, value)
    return coin


def _status(coin: Coin, value: Mapping[str, Any]) -> None:
    """Failed if anything in it says so; confirmed only if it says that too."""
    said = [value[name] for name in ("contractRet", "finalResult") if value.get(name) is not None]
    confirmed, reverted = value.get("confirmed"), value.get("revert")
    held = confirmed is True or (confirmed is None and coin.block_height is not None)
    result(coin, said, held=held)
    names = ("contractRet", "finalResult", "confirmed", "revert")
    words = [f"{name} {show(str(value[name]), 40)}" for name in names if value.get(name) is not None]
    coin.status_raw = ", ".join(words) or None
    if reverted not in (None, False) or (reverted is not None and not isinstance(reverted, bool)):
        if reverted is True and coin.status == "confirmed":
            coin.contradict("it is said to have succeeded, and to have been reverted")
        coin.status = "failed" if reverted is True else "unknown"
    if len(said) == 2 and said[0] != said[1]:
        coin.contradict("contractRet and finalResult differ")
    if confirmed is False:
        coin.flags.discard("block_not_told")
        if coin.status == "failed":
            coin.flags.add("transaction_failed")
        coin.status = "unconfirmed"


def _coins(coin: Coin, value: Mapping[str, Any]) -> None:
    """TRX that a transaction moves itself."""
    owner, data = text(value.get("ownerAddress")), value.get("contractData")
    if owner is None:
        return
    data = data if isinstance(data, dict) else {}
    kind = number(value.get("contractType"))
    units = number(data.get("amount"))
    trx = kind == _TRANSFER and "asset_name" not in data and "tokenInfo" not in data
    if coin.transfers and not trx:
        return
    coin.transfers.append(
        transfer(
            sender=owner, receiver=text(value.get("toAddress")), units=units, decimals=TRX[1] if trx else None,
            asset=TRX[0] if trx else None, flags=("zero_transfer",) if units == 0 else (),
        )
    )  # fmt: skip
    if (asset := text(data.get("asset_name"))) is not None:
        coin.details["asset_id"] = asset
    if kind is not None and kind < 1 << 16:
        coin.details["contract_type"] = kind


def _token(coin: Coin, one: Mapping[str, Any], amount: str, about: Any) -> None:
    about = about if isinstance(about, dict) else {}
    shown = one.get("decimals")
    move(
        coin, sender=text(one.get("from_address")), receiver=text(one.get("to_address")), units=number(one.get(amount)),
        contract=text(one.get("contract_address")) or text(about.get("tokenId")),
        symbol=(text(one.get("symbol")) or text(about.get("tokenAbbr")) or "")[:_SYMBOL],
        places=shown if shown is not None else about.get("tokenDecimal"),
    )  # fmt: skip


def _grid(coin: Coin, value: Mapping[str, Any]) -> None:
    """A row of TronGrid's list of an account's TRC-20 transfers. It names no block and no result."""
    about = value["token_info"]
    kind = text(value.get("type"))
    if kind is not None:
        coin.details["type"] = kind
    if kind not in (None, "Transfer"):
        # An approval moves nothing: it allows somebody to.
        coin.flags.add("not_a_transfer")
        coin.details.update(
            {name: one for name in ("from", "to", "value") if (one := text(value.get(name))) is not None}
        )
        return
    move(
        coin, sender=text(value.get("from")), receiver=text(value.get("to")), units=number(value.get("value")),
        contract=text(about.get("address")), symbol=(text(about.get("symbol")) or "")[:_SYMBOL],
        places=about.get("decimals"),
    )  # fmt: skip


SHAPE = Shape(
    name="tronscan-json",
    title="TRON transactions and token transfers as Tronscan (and TronGrid's TRC-20 lists) show them",
    zone="UTC (milliseconds since 1970)",
    keys=("contractData|contractRet|finalResult|token_info", "hash|transaction_id|transactionHash"),
    lists=("token_transfers[*]", "data[*]", "[*]"),
    score=91,
    read=read,
    chain="tron",
    flags=(
        "block_not_told",
        "counterfeit_token",
        "not_a_transfer",
        "outcome_not_told",
        "token_not_known",
        "zero_transfer",
    ),
    contains=("what a website stated of transfers, with whole addresses",),
    never=("the signed bytes: nothing in it can be worked out again; save the node's JSON too",),
)
