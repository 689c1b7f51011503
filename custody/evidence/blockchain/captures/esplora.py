"""Esplora's answers (mempool.space, blockstream.info): whole numbers, every field of the transaction, what it spends.

Since all fields are there, the id can be worked out from them again: a captured page then proves its own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain.bitcoin.script import paid_to
from custody.evidence.blockchain.captures.shape import Coin, Shape, coin_of, number, small, text, transfer
from custody.evidence.blockchain.encodings.hashes import sha256d
from custody.evidence.records.moments import since_1970

_MOST = 20_000


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One transaction of ``/tx/:txid`` or of a list of them."""
    inputs, outputs = value.get("vin"), value.get("vout")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or text(value.get("txid")) is None:
        return None
    coin = Coin(txid=text(value["txid"]), chain=chain)
    asset, decimals = coin_of(chain)
    paid_in: int | None = 0
    for index, one in enumerate(inputs[:_MOST]):
        before = one.get("prevout") if isinstance(one, dict) else None
        if not isinstance(before, dict):
            paid_in = None
            continue
        units = _output(coin, before, "input", index)
        paid_in = None if paid_in is None or units is None else paid_in + units
        coin.transfers.append(
            transfer(
                sender=text(before.get("scriptpubkey_address")), receiver=None, units=units, decimals=decimals,
                asset=asset, index=index,
            )
        )  # fmt: skip
    paid_out: int | None = 0
    for index, one in enumerate(outputs[:_MOST]):
        if not isinstance(one, dict):
            paid_out = None
            continue
        units = _output(coin, one, "output", index)
        paid_out = None if paid_out is None or units is None else paid_out + units
        coin.transfers.append(
            transfer(
                sender=None, receiver=text(one.get("scriptpubkey_address")), units=units, decimals=decimals,
                asset=asset, index=index,
            )
        )  # fmt: skip
    if len(inputs) > _MOST or len(outputs) > _MOST:
        coin.flags.add("row_not_split")
        paid_in = paid_out = None
    _fee(coin, number(value.get("fee")), paid_in, paid_out, inputs)
    _status(coin, value.get("status"))
    _id(coin, value)
    return coin


def _output(coin: Coin, one: Mapping[str, Any], what: str, index: int) -> int | None:
    """The units of an output, after its address was compared with its script."""
    units = number(one.get("value"))
    script = _hex(one.get("scriptpubkey"))
    shown = text(one.get("scriptpubkey_address"))
    if script is not None and coin.chain == "bitcoin":
        own = paid_to(script).address
        if own != shown and own is not None:
            coin.contradictions.append(
                f"{what} {index}: the script pays {own}, and {shown or 'no address'} is shown"
            )
        elif own is None and shown is not None:
            coin.contradictions.append(f"{what} {index}: the script has no address, and {shown} is shown")
    return units


def _fee(coin: Coin, fee: int | None, paid_in: int | None, paid_out: int | None, inputs: list[Any]) -> None:
    if fee is not None:
        coin.fee_units = str(fee)
    made = any(isinstance(one, dict) and one.get("is_coinbase") is True for one in inputs)
    if fee is None or paid_in is None or paid_out is None or made:
        return
    if paid_in - paid_out != fee:
        coin.contradictions.append(f"inputs of {paid_in} less outputs of {paid_out} is not the fee of {fee}")


def _status(coin: Coin, status: Any) -> None:
    if not isinstance(status, dict):
        return
    if status.get("confirmed") is True:
        coin.status = "confirmed"
        coin.block_hash = text(status.get("block_hash"))
        coin.block_height = small(status.get("block_height"))
        if (time := small(status.get("block_time"))) is not None:
            coin.when = since_1970(str(time), "s")
    elif status.get("confirmed") is False:
        coin.status = "unconfirmed"


def _hex(value: Any) -> bytes | None:
    if not isinstance(value, str) or len(value) % 2:
        return None
    try:
        return bytes.fromhex(value) if value.isascii() and (value.isalnum() or not value) else None
    except ValueError:
        return None


def _id(coin: Coin, value: Mapping[str, Any]) -> None:
    """Work the id out from the fields (BIP-144: without witness), and compare."""
    made = serialised(value)
    if made is None:
        return
    own = sha256d(made)[::-1].hex()
    if coin.txid is not None and own == coin.txid.lower():
        coin.verdicts.append({"of": "transaction", "level": "hash_matches"})
    else:
        coin.contradictions.append(f"the fields give the id {own}, and {coin.txid} is shown")


def serialised(value: Mapping[str, Any]) -> bytes | None:
    """The transaction's bytes without witness, from its fields; None where one of them is missing or can't be."""
    version, lock = number(value.get("version")), number(value.get("locktime"))
    parts = [_little(version, 4), _compact(len(value["vin"]))]
    for one in value["vin"]:
        if not isinstance(one, dict):
            return None
        txid, script = _hex(one.get("txid")), _hex(one.get("scriptsig"))
        parts += [
            None if txid is None or len(txid) != 32 else txid[::-1],
            _little(number(one.get("vout")), 4),
            None if script is None else _compact(len(script)) + script,
            _little(number(one.get("sequence")), 4),
        ]
    parts.append(_compact(len(value["vout"])))
    for one in value["vout"]:
        if not isinstance(one, dict):
            return None
        script = _hex(one.get("scriptpubkey"))
        parts += [
            _little(number(one.get("value")), 8),
            None if script is None else _compact(len(script)) + script,
        ]
    parts.append(_little(lock, 4))
    whole = [part for part in parts if part is not None]
    return b"".join(whole) if len(whole) == len(parts) else None


def _little(value: int | None, size: int) -> bytes | None:
    return None if value is None or value >= 1 << (8 * size) else value.to_bytes(size, "little")


def _compact(count: int) -> bytes:
    if count < 0xFD:
        return bytes([count])
    return b"\xfd" + count.to_bytes(2, "little") if count < 1 << 16 else b"\xfe" + count.to_bytes(4, "little")


SHAPE = Shape(
    name="esplora-json",
    title="Transactions as Esplora shows them (mempool.space, blockstream.info)",
    zone="UTC (seconds since 1970)",
    keys=("txid", "vin", "vout", "scriptpubkey", "status"),
    lists=("[*]",),
    read=read,
    contains=(
        "every field of the transaction, so that its id is worked out again and compared",
        "what its inputs spend, as the explorer states it",
        "the block that holds it, as the explorer states it",
    ),
    never=("a proof that it is in that block: save the merkleblock proof and the header too",),
)
