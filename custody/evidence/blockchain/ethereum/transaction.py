"""A signed transaction of an EVM chain: its hash, who signed it, what it asks for.

Types: 0 (without and with a chain's number, EIP-155), 1 (EIP-2930), 2 (EIP-1559), 3 (EIP-4844), 4 (EIP-7702). The hash
is the Keccak-256 of the bytes. Whoever signed need never have sent it, and what was sent may have failed or be waiting:
a signature can be recovered from transactions that no network would take.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import rlp
from custody.evidence.blockchain.ethereum.rlp import Fields, Item
from custody.evidence.blockchain.secp256k1 import recover_address

LONGEST = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """``signer``, ``to``: 20 bytes; ``to`` None where a contract is made, then at ``creates``. ``value`` in wei.

    ``chain_id``: None where the signature binds to no chain: it then holds on any of them. ``delegations``: accounts
    that a type 4 transaction names; their own signatures are not looked at.
    """

    type: int
    chain_id: int | None
    nonce: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    delegations: tuple[bytes, ...]
    hash: bytes
    signer: bytes

    @property
    def creates(self) -> bytes | None:
        """The address of the contract that this makes, should it be carried out."""
        if self.to is not None:
            return None
        return keccak256(rlp.encode([self.signer, rlp.number(self.nonce)]))[-20:]


def read_transaction(data: bytes | str, *, where: str = "raw transaction") -> Transaction:
    """Read one signed transaction, every byte; InputRefused where it is none in its one spelling."""
    raw = from_hex(data, where, most=LONGEST)
    if raw[0] >= 0xC0:
        return _legacy(raw, where)
    if raw[0] not in (1, 2, 3, 4):
        raise InputRefused(
            "a type of transaction that is not known here", where=where, expected="0 to 4", found=str(raw[0])
        )
    return _typed(raw, where)


def _legacy(raw: bytes, where: str) -> Transaction:
    item = rlp.decode(raw, where=where)
    fields = Fields(item, where, (9,))
    nonce = fields.number("nonce", 64)
    fields.number("gas price")
    gas = fields.number("gas limit", 64)
    to, value, payload = _call(fields, may_create=True)
    v = fields.number("v")
    r, s = fields.number("r"), fields.number("s")
    signed = fields.items[:6]
    chain_id = None
    if v in (27, 28):
        parity = v - 27
    elif v >= 37:  # 35 and 36 would be chain 0, which is none
        chain_id, parity = (v - 35) // 2, (v - 35) % 2
        signed = [*signed, rlp.number(chain_id), b"", b""]
    else:
        raise InputRefused(
            "not signed, or not in a known way",
            where=f"{where}, v",
            expected="27, 28 or 37 and more",
            found=str(v),
        )
    signer = recover_address(
        keccak256(rlp.encode(signed)), r, s, parity, where=f"{where}, signature", low_s=True
    )
    return Transaction(
        type=0,
        chain_id=chain_id,
        nonce=nonce,
        gas_limit=gas,
        to=to,
        value=value,
        data=payload,
        delegations=(),
        hash=keccak256(raw),
        signer=signer,
    )


def _call(fields: Fields, *, may_create: bool) -> tuple[bytes | None, int, bytes]:
    to = fields.bytes("to", *((0, 20) if may_create else (20,)))
    return to or None, fields.number("value"), fields.bytes("data")


def _typed(raw: bytes, where: str) -> Transaction:
    kind = raw[0]
    item = rlp.decode(raw[1:], where=where)
    if kind == 3 and isinstance(item, list) and item and isinstance(item[0], list):
        raise InputRefused(
            "a transaction with its blobs around it",
            where=where,
            hint="give the transaction alone: its hash does not cover the blobs",
        )
    fields = Fields(item, where, {1: (11,), 2: (12,), 3: (14,), 4: (13,)}[kind])
    chain_id, nonce = fields.number("chain"), fields.number("nonce", 64)
    for name in ("gas price",) if kind == 1 else ("priority fee", "highest fee"):
        fields.number(name)
    gas = fields.number("gas limit", 64)
    to, value, payload = _call(fields, may_create=kind in (1, 2))
    _access_list(fields.list("access list"), f"{where}, access list")
    delegations: tuple[bytes, ...] = ()
    if kind == 3:
        fields.number("highest blob fee")
        blobs = fields.list("blobs' hashes")
        if not blobs or any(not isinstance(one, bytes) or len(one) != 32 or one[0] != 1 for one in blobs):
            raise InputRefused("not hashes of blobs", where=where)
    elif kind == 4:
        delegations = _delegations(fields.list("delegations"), f"{where}, delegations")
    parity, r, s = fields.number("parity", 8), fields.number("r"), fields.number("s")
    digest = keccak256(bytes([kind]) + rlp.encode(fields.items[:-3]))
    signer = recover_address(digest, r, s, parity, where=f"{where}, signature", low_s=True)
    return Transaction(
        type=kind,
        chain_id=chain_id,
        nonce=nonce,
        gas_limit=gas,
        to=to,
        value=value,
        data=payload,
        delegations=delegations,
        hash=keccak256(raw),
        signer=signer,
    )


def _access_list(items: list[Item], where: str) -> None:
    for item in items:
        fields = Fields(item, where, (2,))
        fields.bytes("address", 20)
        for key in fields.list("keys"):
            if not isinstance(key, bytes) or len(key) != 32:
                raise InputRefused("not a storage key of 32 bytes", where=where)


def _delegations(items: list[Item], where: str) -> tuple[bytes, ...]:
    found = []
    for item in items:
        fields = Fields(item, where, (6,))
        fields.number("chain")
        found.append(fields.bytes("address", 20))
        fields.number("nonce", 64)
        fields.number("parity", 8)
        fields.number("r")
        fields.number("s")
    if not found:
        raise InputRefused("none, though the type asks for one", where=where)
    return tuple(found)
