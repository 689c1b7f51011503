"""Esplora's answers (mempool.space, blockstream.info): whole numbers, every field of the transaction, what it spends.

Since all fields are there, the id can be worked out from them again: a captured page then proves its own outputs.
What the inputs had been paid stands in other transactions: it is stated, and only the fee is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.evidence.blockchain.bitcoin.script import paid_to
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
from custody.evidence.blockchain.encodings.hashes import sha256d
from custody.format.text import show

MOST = 20_000
"""Inputs, and outputs, of one transaction that are told one by one."""
NEW_COINS = ("0" * 64, 0xFFFFFFFF)
"""What the input of a coinbase names as spent."""
_LIQUID = ("asset", "assetcommitment", "valuecommitment")


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """One transaction of ``/tx/:txid`` or of a list of them."""
    inputs, outputs = value.get("vin"), value.get("vout")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or text(value.get("txid")) is None:
        return None
    if not any(isinstance(one, dict) and "scriptpubkey" in one for one in outputs):
        return None
    liquid = _is_liquid(inputs, outputs)
    coin = Coin(chain=None if liquid else chain)
    coin.name(text(value["txid"]), "bitcoin")
    paid_in = _all(coin, inputs, "input")
    paid_out = _all(coin, outputs, "output")
    _fee(coin, value.get("fee"), paid_in, paid_out, is_coinbase(coin, inputs))
    _status(coin, value.get("status"))
    if liquid:
        coin.flags |= {"not_checked_again", "other_network"}
    else:
        _id(coin, value)
    return coin


def _is_liquid(inputs: list[Any], outputs: list[Any]) -> bool:
    """Liquid's transactions name the asset of each output, or hide it; Bitcoin's never do."""
    rows = [one for one in (*inputs, *outputs) if isinstance(one, dict)]
    rows += [
        one["prevout"] for one in inputs if isinstance(one, dict) and isinstance(one.get("prevout"), dict)
    ]
    return any(name in one for one in rows for name in _LIQUID) or any(
        one.get("is_pegin") is True for one in rows
    )


def _all(coin: Coin, rows: list[Any], what: str) -> int | None:
    """Tell inputs or outputs one by one; gives their sum where all are known."""
    asset, decimals = coin_of(coin.chain)
    total: int | None = 0
    for index, one in enumerate(rows[:MOST]):
        output = one.get("prevout") if what == "input" and isinstance(one, dict) else one
        if not isinstance(output, dict):
            total = None
            if what == "output":
                coin.flags.add("row_not_split")
            continue
        units = number(output.get("value"))
        shown = text(output.get("scriptpubkey_address"))
        total = None if total is None or units is None else total + units
        fits(coin, digits(output.get("scriptpubkey")), shown, f"{what} {index}")
        coin.transfers.append(
            transfer(
                sender=shown if what == "input" else None, receiver=shown if what == "output" else None, units=units,
                decimals=decimals, asset=asset, index=index,
            )
        )  # fmt: skip
    if len(rows) > MOST:
        coin.flags.add("row_not_split")
        total = None
    return total


def fits(coin: Coin, script: bytes | None, shown: str | None, what: str) -> None:
    """Whether an address is that of its script, on the one chain whose addresses are worked out here."""
    if script is None or coin.chain != "bitcoin":
        return
    own = paid_to(script).address
    if own == shown or (own and shown and own.startswith("bc1") and shown.isupper() and own == shown.lower()):
        return
    if own is None:
        coin.contradict(f"{what}: the script has no address, and {show(shown or '')} is shown")
    else:
        coin.contradict(
            f"{what}: the script pays {own}, and {show(shown) if shown else 'no address'} is shown"
        )


def is_coinbase(coin: Coin, inputs: list[Any]) -> bool:
    """Whether it makes new coins, by what it spends; what is said beside is compared."""
    rows = [one for one in inputs if isinstance(one, dict)]
    made = len(inputs) == 1 and bool(rows) and (rows[0].get("txid"), rows[0].get("vout")) == NEW_COINS
    if any(one.get("is_coinbase") is not made for one in rows if "is_coinbase" in one):
        coin.contradict(f"it {'makes' if made else 'does not make'} new coins, and the opposite is shown")
    if made:
        coin.details["what"] = "coinbase"
        if rows[0].get("prevout") is not None:
            coin.contradict("new coins spend nothing, and an output that they spend is shown")
    return made


def _fee(coin: Coin, said: Any, paid_in: int | None, paid_out: int | None, made: bool) -> None:
    fee = number(said)
    if fee is not None:
        coin.fee_units = str(fee)
    if fee is None or paid_in is None or paid_out is None or made:
        return
    if paid_in - paid_out != fee:
        coin.contradict(f"inputs of {paid_in} less outputs of {paid_out} is not the fee of {fee}")


def _status(coin: Coin, status: Any) -> None:
    if not isinstance(status, dict):
        return
    held = text(status.get("block_hash"))
    if status.get("confirmed") is True:
        coin.status = "confirmed"
        coin.block_hash, coin.block_height = held, small(status.get("block_height"))
        coin.when = moment_of(status.get("block_time"), "s")
    elif status.get("confirmed") is False:
        coin.status = "unconfirmed"
        if held is not None or small(status.get("block_height")) is not None:
            coin.contradict("it is said to be in no block, and a block is named")


def _id(coin: Coin, value: Mapping[str, Any]) -> None:
    """Work the id out from the fields (BIP-144: without witness), and compare."""
    made = serialised(value)
    if made is None:
        coin.flags.add("not_checked_again")
        return
    own = sha256d(made)[::-1].hex()
    if own == coin.txid:
        coin.hash_matches()
    else:
        coin.contradict(f"the fields give the id {own}, and {show(coin.txid or '')} is shown")


def serialised(value: Mapping[str, Any]) -> bytes | None:
    """The transaction's bytes without witness, from its fields; None where one of them is missing or can't be."""
    parts = [_version(value.get("version")), _compact(len(value["vin"]))]
    for one in value["vin"]:
        if not isinstance(one, dict):
            return None
        txid, script = digits(one.get("txid")), digits(one.get("scriptsig"))
        parts += [
            None if txid is None or len(txid) != 32 else txid[::-1],
            _little(one.get("vout"), 4),
            None if script is None else _compact(len(script)) + script,
            _little(one.get("sequence"), 4),
        ]
    parts.append(_compact(len(value["vout"])))
    for one in value["vout"]:
        if not isinstance(one, dict):
            return None
        script = digits(one.get("scriptpubkey"))
        parts += [_little(one.get("value"), 8), None if script is None else _compact(len(script)) + script]
    parts.append(_little(value.get("locktime"), 4))
    whole = [part for part in parts if part is not None]
    return b"".join(whole) if len(whole) == len(parts) else None


def _version(value: Any) -> bytes | None:
    """Signed in the protocol, and shown either way."""
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 0:
        return value.to_bytes(4, "little", signed=True)
    return _little(value, 4)


def _little(value: Any, size: int) -> bytes | None:
    found = number(value)
    return None if found is None or found >= 1 << (8 * size) else found.to_bytes(size, "little")


def _compact(count: int) -> bytes:
    if count < 0xFD:
        return bytes([count])
    return b"\xfd" + count.to_bytes(2, "little") if count < 1 << 16 else b"\xfe" + count.to_bytes(4, "little")


SHAPE = Shape(
    name="esplora-json",
    title="Transactions as Esplora shows them (mempool.space, blockstream.info)",
    zone="UTC (seconds since 1970)",
    keys=("txid", "vin", "vout", "status"),
    near=("scriptpubkey",),
    lists=("[*]",),
    score=94,
    read=read,
    flags=("chain_ambiguous", "not_checked_again", "other_network"),
    contains=(
        "every field of the transaction, so that its id is worked out again and compared",
        "what its inputs spend, as the explorer states it",
        "the block that holds it, as the explorer states it",
    ),
    never=("a proof that it is in that block: save the merkleblock proof and the header too",),
)
