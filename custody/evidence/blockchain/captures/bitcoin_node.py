"""What a Bitcoin node says of a transaction (``getrawtransaction`` with details): all its bytes, and JSON beside.

Ids, amounts and addresses are worked out from ``hex``; the JSON is compared with it, and both are shown. Amounts of
coins stand in it as decimal numbers: they are read as text, digit by digit, and never become floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from custody.errors import InputRefused
from custody.evidence.blockchain.bitcoin.transaction import Transaction, read_transaction
from custody.evidence.blockchain.captures.esplora import MOST, NEW_COINS, fits
from custody.evidence.blockchain.captures.shape import (
    Coin,
    Shape,
    coin_of,
    digits,
    moment_of,
    number,
    small,
    text,
    transfer,
)
from custody.format.text import show

_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?")
_PLACES = 8


def units_of(value: Any) -> int | None:
    """Satoshis of an amount in whole coins, exactly; None where it is no amount, or finer than a satoshi."""
    raw = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    found = _DECIMAL.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        return None
    whole, fraction, power = found[1], (found[2] or "").rstrip("0"), int(found[3] or 0)
    shift = _PLACES + power - len(fraction)
    count = int(whole + fraction)
    if shift >= 0:
        return count * int("1" + "0" * shift)
    divisor = int("1" + "0" * -shift)
    return None if count % divisor else count // divisor


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One transaction with its ``hex``."""
    raw, txid = value.get("hex"), text(value.get("txid"))
    inputs, outputs = value.get("vin"), value.get("vout")
    if (
        not isinstance(raw, str)
        or txid is None
        or not isinstance(inputs, list)
        or not isinstance(outputs, list)
    ):
        return None
    coin = Coin(chain=chain)
    coin.name(txid, "bitcoin")
    _block(coin, value)
    try:
        found = read_transaction(raw, where="hex")
    except InputRefused as error:
        coin.contradict(f"hex is no transaction: {error.message}")
        coin.flags.add("not_checked_again")
        _stated(coin, outputs)
        return coin
    if found.txid == coin.txid:
        coin.hash_matches()
    else:
        coin.contradict(f"the bytes give the id {found.txid}, and {show(txid)} is shown")
    _compare(coin, "version", value.get("version"), found.version)
    _compare(coin, "locktime", value.get("locktime"), found.locktime)
    _compare(coin, "hash", value.get("hash"), found.wtxid)
    coin.details["wtxid"] = found.wtxid
    if found.problems:
        coin.details["problems"] = list(found.problems)
    paid_in = _inputs(coin, inputs, found)
    _outputs(coin, outputs, found)
    _fee(coin, value.get("fee"), paid_in, found)
    return coin


def _block(coin: Coin, value: Mapping[str, Any]) -> None:
    coin.block_hash = text(value.get("blockhash"))
    coin.confirmations = small(value.get("confirmations"))
    coin.when = moment_of(value.get("blocktime", value.get("time")), "s")
    said = value.get("confirmations")
    if isinstance(said, int) and not isinstance(said, bool):
        coin.status_raw = f"confirmations {said}"
        if said > 0 and coin.block_hash is not None:
            coin.status = "confirmed"
        elif said <= 0:
            # Fewer than none: the block that held it is not on the node's best chain.
            coin.status = "unconfirmed"
            coin.flags |= {"block_abandoned"} if said < 0 else set()


def _compare(coin: Coin, name: str, shown: Any, own: int | str) -> None:
    if shown is None:
        return
    same = shown.lower() == own if isinstance(shown, str) and isinstance(own, str) else shown == own
    if isinstance(own, int) and (isinstance(shown, bool) or not isinstance(shown, int)):
        same = isinstance(shown, str) and shown == str(own)
    # The version is signed in the bytes, and older nodes show it unsigned.
    if (
        name == "version"
        and isinstance(own, int)
        and shown == own % (1 << 32)
        and not isinstance(shown, bool)
    ):
        same = True
    if not same:
        coin.contradict(f"{name}: {show(str(shown), 80)} is shown, and the bytes say {own}")


def _inputs(coin: Coin, rows: list[Any], found: Transaction) -> int | None:
    asset, decimals = coin_of(coin.chain)
    if len(rows) != len(found.inputs):
        coin.contradict(f"{len(rows)} inputs are shown, and the bytes have {len(found.inputs)}")
    total: int | None = 0
    for index, (one, own) in enumerate(zip(rows[:MOST], found.inputs, strict=False)):
        if not isinstance(one, dict):
            coin.contradict(f"input {index} is shown as something else")
            total = None
            continue
        if own.is_coinbase:
            coin.details["what"] = "coinbase"
        spent = NEW_COINS if "coinbase" in one else (one.get("txid"), one.get("vout"))
        if isinstance(spent[1], bool) or spent != (own.txid, own.index):
            coin.contradict(
                f"input {index}: the bytes spend output {own.index} of {own.txid}, and another is shown"
            )
        before = one.get("prevout")
        units = units_of(before.get("value")) if isinstance(before, dict) else None
        total = None if total is None or units is None else total + units
        if isinstance(before, dict):
            script, shown = _script(before)
            fits(coin, script, shown, f"input {index}")
            coin.transfers.append(
                transfer(
                    sender=shown, receiver=None, units=units, decimals=decimals, asset=asset, index=index
                )
            )
    return total


def _outputs(coin: Coin, rows: list[Any], found: Transaction) -> None:
    asset, decimals = coin_of(coin.chain)
    if len(rows) != len(found.outputs):
        coin.contradict(f"{len(rows)} outputs are shown, and the bytes have {len(found.outputs)}")
    if len(found.outputs) > MOST:
        coin.flags.add("row_not_split")
    for index, own in enumerate(found.outputs[:MOST]):
        one = rows[index] if index < len(rows) else None
        script, shown = _script(one) if isinstance(one, dict) else (None, None)
        if isinstance(one, dict):
            units = units_of(one.get("value"))
            if units != own.satoshis:
                what = show(str(one.get("value")), 60)
                coin.contradict(
                    f"output {index}: {what} is shown, and the bytes pay {own.satoshis} smallest units"
                )
            if script is not None and script != own.script:
                coin.contradict(f"output {index}: another script is shown than the bytes have")
            if number(one.get("n", index)) != index:
                coin.contradict(f"output {index} is shown as number {show(str(one.get('n')), 20)}")
            fits(coin, own.script, shown, f"output {index}")
        address = own.paid.address if coin.chain == "bitcoin" else shown
        coin.transfers.append(
            transfer(
                sender=None, receiver=address, units=own.satoshis, decimals=decimals, asset=asset, index=index
            )
        )  # fmt: skip


def _stated(coin: Coin, rows: list[Any]) -> None:
    """Outputs as they are shown, where the bytes can't be read."""
    asset, decimals = coin_of(coin.chain)
    for index, one in enumerate(rows[:MOST]):
        if isinstance(one, dict):
            coin.transfers.append(
                transfer(
                    sender=None, receiver=_script(one)[1], units=units_of(one.get("value")), decimals=decimals,
                    asset=asset, index=index,
                )
            )  # fmt: skip


def _script(one: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """(script, address) as shown; older nodes give a list of addresses, which is one where there is an address."""
    inner = one.get("scriptPubKey")
    if not isinstance(inner, dict):
        return None, None
    listed = inner.get("addresses")
    old = (
        listed[0] if isinstance(listed, list) and len(listed) == 1 and inner.get("type") != "pubkey" else None
    )
    return digits(inner.get("hex")), text(inner.get("address")) or text(old)


def _fee(coin: Coin, said: Any, paid_in: int | None, found: Transaction) -> None:
    fee = units_of(said)
    if fee is not None:
        coin.fee_units = str(fee)
    if fee is None or paid_in is None or not found.inputs or found.inputs[0].is_coinbase:
        return
    paid_out = sum(one.satoshis for one in found.outputs)
    if paid_in - paid_out != fee:
        coin.contradict(f"inputs of {paid_in} less outputs of {paid_out} is not the fee of {fee}")


SHAPE = Shape(
    name="bitcoin-node-json",
    title="Transactions with their bytes, as a Bitcoin node gives them (getrawtransaction, getblock)",
    zone="UTC (seconds since 1970)",
    keys=("txid", "vin", "vout", "hex"),
    near=("scriptPubKey",),
    lists=("[*]", "result[*]", "tx[*]", "result.tx[*]"),
    score=95,
    read=read,
    single=((), ("result",)),
    flags=("block_abandoned", "chain_ambiguous", "not_checked_again"),
    contains=(
        "the transaction's bytes: id, amounts and scripts are worked out from them, and the rest is compared",
        "the block that holds it and how many follow, as the node states it",
    ),
    never=(
        "what its inputs spend, unless the node was asked for it: then as it states it",
        "a proof that it is in that block: save the proof (gettxoutproof) and the header too",
    ),
)
