"""Lists of Etherscan and its kin: all values are texts, and the chain stands nowhere in them.

Names and symbols of tokens are whatever their makers wrote: a token is known by its contract, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.captures.likeness import token_flags
from custody.evidence.blockchain.captures.shape import (
    Coin,
    Shape,
    coin_of,
    moment_of,
    number,
    small,
    text,
    transfer,
)
from custody.format.text import show

_SYMBOL = 64
_TWO_FEES = ("optimism", "base")
"""Chains that take a fee besides gas: gas times price is not what was paid."""
CHAIN = "which chain: the same addresses and ids are those of many; say it with --mapping"


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One row of ``txlist``, ``txlistinternal``, ``tokentx`` and its kin."""
    txid = text(value.get("hash")) or text(value.get("transactionHash"))
    if txid is None or "timeStamp" not in value or not ("from" in value or "to" in value):
        return None
    coin = Coin(chain=chain)
    coin.name(txid, "ethereum")
    coin.when = moment_of(value["timeStamp"], "s")
    coin.block_height, coin.block_hash = small(value.get("blockNumber")), text(value.get("blockHash"))
    coin.confirmations = small(value.get("confirmations"))
    is_token = any(name in value for name in ("tokenSymbol", "tokenName", "tokenID"))
    _status(coin, value, is_token=is_token)
    if is_token:
        token(coin, value)
    else:
        asset, decimals = coin_of(chain)
        units = number(value.get("value"))
        coin.transfers.append(
            transfer(
                sender=text(value.get("from")), receiver=text(value.get("to")) or text(value.get("contractAddress")),
                units=units, decimals=decimals, asset=asset, flags=("zero_transfer",) if units == 0 else (),
            )
        )  # fmt: skip
    gas, price = number(value.get("gasUsed")), number(value.get("gasPrice"))
    if gas is not None and price is not None and chain is not None and chain not in _TWO_FEES:
        coin.fee_units = str(gas * price)
    for name in ("nonce", "functionName", "methodId", "traceId", "type", "errCode"):
        if (said := text(value.get(name))) is not None:
            coin.details[name] = said
    return coin


def _status(coin: Coin, value: Mapping[str, Any], *, is_token: bool) -> None:
    """Texts of "0" and "1" in two fields of opposite meaning; numbers and booleans are not what this form has."""
    said = {
        name: value[name] for name in ("isError", "txreceipt_status") if value.get(name) not in (None, "")
    }
    coin.status_raw = ", ".join(f"{name} {show(str(one), 20)}" for name, one in said.items()) or None
    failed = [
        _is(said[name], failure)
        for name, failure in (("isError", 1), ("txreceipt_status", 0))
        if name in said
    ]
    if True in failed:
        coin.status = "failed"
        if False in failed:
            coin.contradict(
                "one of isError and txreceipt_status says that it failed, the other that it did not"
            )
    elif coin.block_height is None:
        coin.status = "unknown"
    elif None in failed:
        coin.status = "in_block"
    else:
        # A token's transfer is read from a report, and what failed reports nothing.
        coin.status = "confirmed" if failed or is_token else "in_block"


def _is(said: Any, failure: int) -> bool | None:
    """Whether a field says failure (0 or 1); None where it says neither."""
    word = number(said) if not isinstance(said, bool) else None
    return word == failure if word in (0, 1) else None


def token(coin: Coin, value: Mapping[str, Any]) -> None:
    """The transfer of a token that a row tells of."""
    contract = text(value.get("contractAddress"))
    symbol = (text(value.get("tokenSymbol")) or text(value.get("tokenName")) or "")[:_SYMBOL]
    units = number(value.get("value"))
    if units is None:
        units = number(value.get("tokenValue"))
    move(
        coin, sender=text(value.get("from")), receiver=text(value.get("to")), units=units, contract=contract,
        symbol=symbol, places=value.get("tokenDecimal"),
    )  # fmt: skip
    if (one := text(value.get("tokenID"))) is not None:
        coin.details["token_id"] = one


def move(
    coin: Coin,
    *,
    sender: str | None,
    receiver: str | None,
    units: int | None,
    contract: str | None,
    symbol: str,
    places: Any,
) -> None:
    """Add a transfer of a token, by what its contract is known as, and by what is shown beside."""
    chain = coin.chain
    known = None if contract is None or chain is None else tokens.token_of(chain, contract)
    shown = small(places)
    if known is not None and shown is not None and shown != known.decimals:
        coin.contradict(f"{known.symbol} has {known.decimals} decimals, and {shown} is shown")
    decimals = known.decimals if known is not None else shown if shown is not None and shown <= 77 else None
    flags = [*token_flags(chain, contract, symbol), *(["zero_transfer"] if units == 0 else [])]
    named = tokens.called(chain or "", contract, symbol) if symbol else None
    coin.transfers.append(
        transfer(
            sender=sender, receiver=receiver, units=units, decimals=decimals,
            asset=known.symbol if known is not None else named, contract=contract, flags=tuple(flags),
        )
    )  # fmt: skip


SHAPE = Shape(
    name="etherscan-json",
    title="Lists of transactions and token transfers of Etherscan and its kin",
    zone="UTC (seconds since 1970)",
    keys=("timeStamp", "blockNumber", "from", "to"),
    lists=("result[*]",),
    score=92,
    read=read,
    single=(),
    flags=("chain_ambiguous", "counterfeit_token", "outcome_not_told", "token_not_known", "zero_transfer"),
    contains=("each transfer with its whole addresses, amount in the smallest unit, block and time",),
    never=(CHAIN, "a proof of anything: it is what a website stated"),
)
