"""Answers of an EVM node (JSON-RPC): transactions and receipts.

A transaction has all that was signed: its bytes are put together again, its hash and its signer worked out and
compared, and the chain's number read from what was signed. A receipt is the node's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custody.errors import InputRefused
from custody.evidence.blockchain.addresses.evm import possible
from custody.evidence.blockchain.captures.etherscan import CHAIN, move
from custody.evidence.blockchain.captures.shape import Coin, Shape, coin_of, number, small, text, transfer
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.encodings.eip55 import checksummed
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import rlp
from custody.evidence.blockchain.ethereum.token import read_call, read_event
from custody.evidence.blockchain.ethereum.transaction import read_transaction
from custody.format.text import show

_LOGS = 5_000
_NUMBERS = {one.caip2: name for name, one in CHAINS.items() if one.caip2}


def read(value: Mapping[str, Any], chain: str | None) -> Coin | None:
    """A transaction (``eth_getTransactionByHash``) or a receipt (``eth_getTransactionReceipt``)."""
    if text(value.get("transactionHash")) is not None and isinstance(value.get("logs"), list):
        return _receipt(value, chain)
    txid = text(value.get("hash"))
    if (
        txid is None
        or not isinstance(value.get("input"), str)
        or "nonce" not in value
        or "timeStamp" in value
    ):
        return None
    coin = Coin(chain=chain)
    coin.name(txid, "ethereum")
    _signed(coin, value)
    _block(coin, value)
    coin.status = (
        "in_block" if coin.block_height is not None else "unconfirmed" if _waits(value) else "unknown"
    )
    asset, decimals = coin_of(coin.chain)
    units = number(value.get("value"))
    sender, receiver = text(value.get("from")), text(value.get("to"))
    data = _data(value["input"])
    call = None if data is None else read_call(data)
    if units != 0 or call is None:
        coin.transfers.append(
            transfer(
                sender=sender, receiver=receiver, units=units, decimals=decimals, asset=asset,
                flags=("zero_transfer",) if units == 0 else (),
            )
        )  # fmt: skip
    if call is not None:
        owner = sender if call.owner is None else checksummed(call.owner)
        if call.owner is not None and (sender or "").lower() != (owner or "").lower():
            coin.flags.add("caller_is_not_owner")
            coin.details["caller"] = sender or ""
        coin.details["asks"] = "a contract to move tokens; whether it did stands in the receipt"
        move(
            coin, sender=owner, receiver=checksummed(call.to), units=call.units, contract=receiver, symbol="",
            places=None,
        )  # fmt: skip
    if value["input"] not in ("", "0x"):
        coin.details["input"] = value["input"][:400]
    return coin


def _waits(value: Mapping[str, Any]) -> bool:
    """A node gives a waiting transaction the block null; one without the key says nothing of it."""
    return "blockNumber" in value and value["blockNumber"] is None and value.get("blockHash") is None


def _block(coin: Coin, value: Mapping[str, Any]) -> None:
    coin.block_hash, coin.block_height = text(value.get("blockHash")), small(value.get("blockNumber"))


def _receipt(value: Mapping[str, Any], chain: str | None) -> Coin:
    coin = Coin(chain=chain)
    coin.name(text(value.get("transactionHash")), "ethereum")
    _block(coin, value)
    said = value.get("status")
    status = number(said)
    coin.status_raw = None if said is None else f"status {show(str(said), 20)}"
    coin.status = {1: "confirmed", 0: "failed"}.get(-1 if status is None else status, "in_block")
    if coin.status != "failed" and coin.block_height is None:
        coin.status = "unknown"
    coin.details["what"] = "receipt"
    for name in ("from", "to", "contractAddress"):
        if (one := text(value.get(name))) is not None:
            coin.details[name] = one
    logs = value["logs"]
    for one in logs[:_LOGS]:
        _log(coin, one)
    if len(logs) > _LOGS:
        coin.flags.add("row_not_split")
    return coin


def _log(coin: Coin, one: Any) -> None:
    topics = one.get("topics") if isinstance(one, dict) else None
    if not isinstance(topics, list):
        coin.flags.add("row_not_split")
        return
    words, data = [_data(topic) for topic in topics[:5]], _data(one.get("data"))
    if data is None or None in words:
        coin.flags.add("row_not_split")
        return
    found = read_event(tuple(word for word in words if word is not None), data)
    if found is not None and found.owner is not None:
        move(
            coin, sender=checksummed(found.owner), receiver=checksummed(found.to), units=found.units,
            contract=text(one.get("address")), symbol="", places=None,
        )  # fmt: skip


def _data(value: Any) -> bytes | None:
    if not isinstance(value, str) or value[:2] != "0x" or len(value) % 2:
        return None
    try:
        return bytes.fromhex(value[2:]) if value.isalnum() and value.isascii() else None
    except ValueError:
        return None


def _signed(coin: Coin, value: Mapping[str, Any]) -> None:
    """Put the signed bytes together, and hold hash, sender and chain against them."""
    try:
        raw = signed_bytes(value)
    except (KeyError, TypeError, ValueError):
        raw = None
    if raw is None:
        coin.flags.add("not_checked_again")
        return
    own = "0x" + keccak256(raw).hex()
    if own != coin.txid:
        coin.contradict(f"the fields give the hash {own}, and {show(coin.txid or '')} is shown")
        return
    coin.hash_matches()
    try:
        found = read_transaction(raw)
    except InputRefused as error:
        coin.contradict(f"its signature is not what the network takes: {error.message}")
        return
    signer, sender = checksummed(found.signer), text(value.get("from"))
    coin.signers.append(signer)
    if sender is not None and sender.lower() == signer.lower() and any(one.level for one in possible(sender)):
        coin.verdicts.append({"of": "address_from", "level": "signature_matches"})
    elif sender is not None:
        coin.contradict(f"signed by {signer}, and {show(sender)} is shown as the sender")
    if found.chain_id is None:
        coin.details["chain_number"] = "none: the signature holds on any chain"
        return
    coin.details["chain_number"] = str(found.chain_id)
    coin.own_chain = _NUMBERS.get(f"eip155:{found.chain_id}", "")
    if coin.chain is not None and coin.chain != coin.own_chain:
        coin.contradict(f"signed for chain number {found.chain_id}, which is not {coin.chain}")
        coin.chain = None
    coin.chain = coin.own_chain or None


def _amounts(of: Mapping[str, Any], *names: str) -> list[rlp.Item]:
    found = [number(of[name]) for name in names]
    if None in found:
        raise ValueError
    return [rlp.number(one) for one in found if one is not None]


def _bytes(found: Any, *sizes: int) -> bytes:
    made = _data(found)
    if made is None or (sizes and len(made) not in sizes):
        raise ValueError
    return made


def _access(one: Mapping[str, Any]) -> rlp.Item:
    return [_bytes(one["address"], 20), [_bytes(key, 32) for key in one["storageKeys"]]]


def _delegation(one: Mapping[str, Any]) -> rlp.Item:
    return [
        *_amounts(one, "chainId"),
        _bytes(one["address"], 20),
        *_amounts(one, "nonce", "yParity", "r", "s"),
    ]


def signed_bytes(value: Mapping[str, Any]) -> bytes | None:
    """The signed transaction of types 0 to 4 from its fields.

    None, or KeyError, TypeError or ValueError, where one of them is missing or can't be.
    """
    kind = number(value.get("type", 0))
    to = b"" if value["to"] is None else _bytes(value["to"], 20)
    call: list[rlp.Item] = [*_amounts(value, "gas"), to, *_amounts(value, "value"), _bytes(value["input"])]
    if kind == 0:
        return rlp.encode([*_amounts(value, "nonce", "gasPrice"), *call, *_amounts(value, "v", "r", "s")])
    if kind not in (1, 2, 3, 4):
        return None
    prices = ("gasPrice",) if kind == 1 else ("maxPriorityFeePerGas", "maxFeePerGas")
    lists: list[rlp.Item] = [[_access(one) for one in value["accessList"]]]
    if kind == 3:
        blobs: rlp.Item = [_bytes(one, 32) for one in value["blobVersionedHashes"]]
        lists += [*_amounts(value, "maxFeePerBlobGas"), blobs]
    if kind == 4:
        lists.append([_delegation(one) for one in value["authorizationList"]])
    parity = "yParity" if "yParity" in value else "v"
    body = [*_amounts(value, "chainId", "nonce", *prices), *call, *lists, *_amounts(value, parity, "r", "s")]
    return bytes([kind]) + rlp.encode(body)


SHAPE = Shape(
    name="evm-node-json",
    title="A transaction or receipt as an EVM node gives it (JSON-RPC)",
    zone="none: a node gives no time with a transaction",
    keys=("blockHash", "transactionIndex", "from"),
    near=("input|logs",),
    lists=("[*]", "result[*]", "transactions[*]", "result.transactions[*]"),
    score=93,
    read=read,
    single=((), ("result",)),
    flags=(
        "caller_is_not_owner",
        "chain_ambiguous",
        "not_checked_again",
        "outcome_not_told",
        "zero_transfer",
    ),
    contains=(
        "of a transaction: all that was signed; hash, signer and the chain's number are worked out from it again",
        "of a receipt: how it ended and which transfers of tokens it reports, as the node states it",
    ),
    never=(
        CHAIN + " (a receipt, and a transaction whose signature names no chain)",
        "the block's time",
        "a proof that it is in that block: save the raw transaction and the header with its proofs too",
    ),
)
