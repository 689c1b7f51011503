"""A TRON transaction by its ``raw_data_hex``: its id, what it asks for, and who signed it.

The id is the SHA-256 of these bytes, and a signature is made over the id; fields as in TRON's protocol
(``Transaction.raw``, ``Contract``). An explorer shows the same as JSON beside them: that is what somebody wrote, and
only what is read from the bytes counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.ethereum.token import TokenTransfer, read_call
from custody.evidence.blockchain.protobuf import Message
from custody.evidence.blockchain.secp256k1 import recover_address

LONGEST = 600_000
"""TRON's nodes take transactions of at most 500 KiB."""

KINDS = {1: "TransferContract", 2: "TransferAssetContract", 31: "TriggerSmartContract"}
"""What is read here to the end; other kinds keep their number and name only."""

_URL = "type.googleapis.com/protocol."


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Addresses are 21 bytes beginning with 41; amounts whole numbers of the smallest unit (1 TRX is 1,000,000 sun).

    ``kind``: the contract's name, as the bytes give it. ``owner``: whose account it acts for, which need not be the
    signer's. ``to``: the receiver, or the contract that is called; ``amount``: sun for TransferContract, units of
    ``asset`` for TransferAssetContract, the sun that come along for TriggerSmartContract; ``token``: the transfer
    that a call asks a token's contract for. None and "" where the bytes do not say, or ``understood`` is False.
    ``expiration`` and ``time``: milliseconds since 1970, as the sender's program wrote them.
    """

    txid: str
    kind: str
    understood: bool
    owner: bytes | None
    to: bytes | None
    amount: int | None
    asset: bytes | None
    data: bytes
    token: TokenTransfer | None
    permission: int
    expiration: int
    time: int
    fee_limit: int
    not_read: tuple[int, ...]


def address_text(raw: bytes) -> str:
    """The address as people know it (T...)."""
    return base58.encode_check(raw)


def transaction_id(data: bytes | str, *, where: str = "raw_data_hex") -> str:
    """The id of these bytes, whatever they hold."""
    return hashlib.sha256(from_hex(data, where, most=LONGEST)).hexdigest()


def read_transaction(data: bytes | str, *, where: str = "raw_data_hex") -> Transaction:
    """Read the raw data of one transaction; InputRefused where the bytes are not that, or say one thing twice."""
    raw = from_hex(data, where, most=LONGEST)
    outer = Message(raw, where)
    contracts = outer.all(11)
    if len(contracts) != 1 or isinstance(contracts[0], int):
        raise InputRefused("not exactly one contract", where=where, found=str(len(contracts)))
    contract = Message(contracts[0], f"{where}, contract")
    parameter = Message(contract.bytes(2, "parameter"), f"{where}, parameter")
    number = contract.int64(1, "type")
    url = parameter.bytes(1, "type_url").decode("latin-1")
    kind = url.removeprefix(_URL)
    known = KINDS.get(number)
    # The machine goes by the number, explorers like to show the name.
    understood = known is not None and kind == known
    if not understood and (known is not None or kind in KINDS.values()):
        raise InputRefused(
            "type and type_url of the contract differ",
            where=where,
            expected=str(known),
            found=ascii(kind[:100]),
        )
    body = Message(parameter.bytes(2, "value"), f"{where}, {kind}") if understood else None
    not_read = outer.numbers() - {1, 3, 4, 8, 11, 14, 18}
    owner = to = amount = asset = token = None
    call = b""
    if body is not None:
        fields, owner_at, to_at, amount_at = {
            1: ({1, 2, 3}, 1, 2, 3),
            2: ({1, 2, 3, 4}, 2, 3, 4),
            31: ({1, 2, 3, 4, 5, 6}, 1, 2, 3),
        }[number]
        if body.numbers() - fields:
            raise InputRefused(
                "fields that this kind does not have",
                where=body.where,
                found=str(sorted(body.numbers() - fields)),
            )
        owner = _address(body, owner_at, "owner_address")
        to = _address(body, to_at, "contract_address" if number == 31 else "to_address")
        amount = body.int64(amount_at, "amount")
        if amount < 0:
            raise InputRefused("a negative amount", where=body.where, found=str(amount))
        if number == 2:
            asset = body.bytes(1, "asset_name")
        if number == 31:
            call = body.bytes(4, "data")
            token = read_call(call, tron=True)
            if body.int64(5, "call_token_value") or body.int64(6, "token_id"):
                not_read |= {5, 6}
    return Transaction(
        txid=hashlib.sha256(raw).hexdigest(),
        kind=kind if kind.isprintable() and kind.isascii() and kind else f"type {number}",
        understood=understood,
        owner=owner,
        to=to,
        amount=amount,
        asset=asset,
        data=call,
        token=token,
        permission=contract.int64(5, "Permission_id"),
        expiration=outer.int64(8, "expiration"),
        time=outer.int64(14, "timestamp"),
        fee_limit=outer.int64(18, "fee_limit"),
        not_read=tuple(sorted(not_read)),
    )


def _address(body: Message, number: int, name: str) -> bytes:
    raw = body.bytes(number, name)
    if len(raw) != 21 or raw[0] != 0x41:
        raise InputRefused("not an address of 21 bytes beginning with 41", where=f"{body.where}, {name}")
    return raw


def signer(txid: str, signature: bytes | str, *, where: str = "signature") -> bytes:
    """The address (21 bytes) whose key made this signature of 65 bytes over the id; InputRefused where none did."""
    raw = from_hex(signature, where, most=65)
    if len(raw) != 65 or raw[64] not in (0, 1, 27, 28):
        raise InputRefused(
            "not a signature of 65 bytes",
            where=where,
            expected="r, s and 0, 1, 27 or 28",
            found=f"{len(raw)} bytes",
        )
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    # TRON's nodes take both forms of s.
    found = recover_address(bytes.fromhex(txid), r, s, raw[64] % 27, where=where, low_s=False)
    return b"\x41" + found
