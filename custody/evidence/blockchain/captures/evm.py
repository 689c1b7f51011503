"""Answers about EVM chains: lists of Etherscan and its kin, transactions and receipts of a node (JSON-RPC).

The chain stands nowhere in them: it is asked for. Names and symbols of tokens are whatever their makers wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.captures.shape import Coin, Shape, coin_of, number, small, text, transfer
from custody.evidence.records.moments import since_1970

_SHORT = 64


def read_list(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One row of ``txlist``, ``txlistinternal`` or ``tokentx``: all values are texts."""
    if text(value.get("hash")) is None or "timeStamp" not in value:
        return None
    coin = Coin(txid=text(value["hash"]), chain=chain)
    if (time := small(value["timeStamp"])) is not None:
        coin.when = since_1970(str(time), "s")
    coin.block_height = small(value.get("blockNumber"))
    coin.block_hash = text(value.get("blockHash"))
    coin.confirmations = small(value.get("confirmations"))
    failed = value.get("isError") == "1" or value.get("txreceipt_status") == "0"
    coin.status = "failed" if failed else "confirmed" if coin.block_height is not None else "unknown"
    said = [
        f"{name} {value[name]}"
        for name in ("isError", "txreceipt_status")
        if isinstance(value.get(name), str)
    ]
    coin.status_raw = ", ".join(said) or None
    if "tokenSymbol" in value or "tokenName" in value:
        _token(coin, value)
    else:
        asset, decimals = coin_of(chain)
        units = number(value.get("value"))
        flags = () if units else ("zero_transfer",)
        coin.transfers.append(
            transfer(
                sender=text(value.get("from")), receiver=text(value.get("to")) or text(value.get("contractAddress")),
                units=units, decimals=decimals, asset=asset, flags=flags if units == 0 else (),
            )
        )  # fmt: skip
        coin.flags.update(flags if units == 0 else ())
    gas, price = number(value.get("gasUsed")), number(value.get("gasPrice"))
    if gas is not None and price is not None:
        coin.fee_units = str(gas * price)
    for name in ("nonce", "functionName", "methodId"):
        if (said_ := text(value.get(name))) is not None:
            coin.details[name] = said_[:200]
    return coin


def _token(coin: Coin, value: Mapping[str, Any]) -> None:
    contract, symbol = text(value.get("contractAddress")), (text(value.get("tokenSymbol")) or "")[:_SHORT]
    chain = coin.chain or ""
    known = None if contract is None else tokens.token_of(chain, contract)
    places = small(value.get("tokenDecimal"))
    flags = []
    if known is not None and places is not None and places != known.decimals:
        coin.contradictions.append(f"{known.symbol} has {known.decimals} decimals, and {places} is shown")
    if contract is not None and chain and tokens.counterfeit(chain, contract, symbol):
        flags.append("counterfeit_token")
    units = number(value.get("value"))
    if units == 0:
        flags.append("zero_transfer")
    decimals = (
        known.decimals if known is not None else places if places is not None and places <= 77 else None
    )
    coin.transfers.append(
        transfer(
            sender=text(value.get("from")), receiver=text(value.get("to")), units=units, decimals=decimals,
            asset=tokens.called(chain, contract, symbol) if symbol else None, contract=contract, flags=tuple(flags),
        )
    )  # fmt: skip
    coin.flags.update(flags)


def read_node(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """A transaction (``eth_getTransactionByHash``) or a receipt (``eth_getTransactionReceipt``) of a node."""
    receipt = text(value.get("transactionHash")) is not None and "logs" in value
    txid = text(value.get("transactionHash")) if receipt else text(value.get("hash"))
    if txid is None or not (receipt or "input" in value):
        return None
    coin = Coin(txid=txid, chain=chain)
    coin.block_hash, coin.block_height = text(value.get("blockHash")), small(value.get("blockNumber"))
    if receipt:
        status = number(value.get("status"))
        coin.status = {1: "confirmed", 0: "failed"}.get(status if status is not None else -1, "unknown")
        coin.status_raw = text(value.get("status"))
        coin.details["what"] = "receipt"
        coin.details["from"], coin.details["to"] = text(value.get("from")), text(value.get("to"))
        coin.details = {name: one for name, one in coin.details.items() if one is not None}
        return coin
    coin.status = "confirmed" if coin.block_height is not None else "unconfirmed"
    asset, decimals = coin_of(chain)
    units = number(value.get("value"))
    coin.transfers.append(
        transfer(
            sender=text(value.get("from")), receiver=text(value.get("to")), units=units, decimals=decimals,
            asset=asset, flags=("zero_transfer",) if units == 0 else (),
        )
    )  # fmt: skip
    data = text(value.get("input"))
    if data is not None and len(data) > 2:
        coin.details["input"] = data[:400]
    return coin


_CHAIN = "which chain: the same addresses and ids are those of many; say it with --mapping"
ETHERSCAN = Shape(
    name="etherscan-json",
    title="Lists of transactions and token transfers of Etherscan and its kin",
    zone="UTC (seconds since 1970)",
    keys=("result", "hash", "timeStamp", "from", "value"),
    lists=("result[*]",),
    read=read_list,
    single=(),
    family="evm",
    contains=("each transfer with its whole addresses, amount in the smallest unit, block and time",),
    never=(_CHAIN, "a proof of anything: it is what a website stated"),
)
NODE = Shape(
    name="evm-node-json",
    title="A transaction or receipt as an EVM node gives it (JSON-RPC)",
    zone="none: a node gives no time with a transaction",
    keys=("blockHash", "transactionIndex", "from"),
    lists=("[*]", "result[*]"),
    read=read_node,
    single=((), ("result",)),
    family="evm",
    contains=("what a node said of one transaction, or of how it ended",),
    never=(
        _CHAIN,
        "the block's time",
        "a proof: save the raw transaction and the header with its proofs too",
    ),
)
