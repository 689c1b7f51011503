"""Made-up bytes of coins for tests: transactions, blocks, tries. No key, address or payment in them is anybody's."""

# ruff: noqa: E501 - long calls read better whole

from __future__ import annotations

import hashlib

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody.errors import InputRefused
from custody.evidence.blockchain import solana
from custody.evidence.blockchain.bitcoin import header
from custody.evidence.blockchain.encodings.hashes import keccak256, sha256d
from custody.evidence.blockchain.ethereum import rlp, trie
from custody.evidence.blockchain.tron import transaction as tron_transaction

# --- Bitcoin --------------------------------------------------------------------------------------------

GENESIS = (
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)
"""The header of Bitcoin's first block."""

FIRST_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65"
    "732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f72206261"
    "6e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38"
    "c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
FIRST_BLOCK = bytes.fromhex(GENESIS) + b"\x01" + FIRST_COINBASE
FIRST_TXID = sha256d(FIRST_COINBASE)[::-1].hex()


def with_witness() -> bytes:
    """A transaction with a witness."""
    plain = made()
    return plain[:4] + b"\0\1" + plain[4:-4] + b"\2\1\x01\x21\x02" + b"\x11" * 32 + plain[-4:]


def made(
    inputs: int = 1, amounts: tuple[int, ...] = (5,), out: bytes = b"\x51", again: bool = False
) -> bytes:
    """A made-up transaction."""
    spent = b"".join(
        bytes([7 if again else n + 1]) * 32 + bytes(4) + b"\x01\x51" + b"\xff" * 4 for n in range(inputs)
    )
    paid = b"".join(one.to_bytes(8, "little", signed=True) + bytes([len(out)]) + out for one in amounts)
    return b"\x02\0\0\0" + bytes([inputs]) + spent + bytes([len(amounts)]) + paid + bytes(4)


def mine(root: bytes, previous: str = "0" * 64, bits: int = 0x207FFFFF, time: int = 1_700_000_000) -> bytes:
    """A header of the least work (test networks'), found at once."""
    target = (bits & 0x7FFFFF) << (8 * ((bits >> 24) - 3))
    for nonce in range(1 << 20):
        raw = b"".join((
            (1).to_bytes(4, "little"), bytes.fromhex(previous)[::-1], root,
            time.to_bytes(4, "little"), bits.to_bytes(4, "little"), nonce.to_bytes(4, "little"),
        ))  # fmt: skip
        if int.from_bytes(sha256d(raw), "little") <= target:
            return raw
    raise AssertionError


def allow_test_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The easiest target of test networks is allowed, so that headers can be made here."""
    monkeypatch.setattr(header, "_EASIEST", 0x7FFFFF << 232)


def root_of(leaves: list[bytes]) -> bytes:
    row = list(leaves)
    while len(row) > 1:
        row += row[-1:] * (len(row) % 2)
        row = [sha256d(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def partial(leaves: list[bytes], wanted: set[int]) -> tuple[list[bytes], list[int]]:
    """BIP-37's partial tree, made from the whole: its hashes and its bits."""
    hashes: list[bytes] = []
    flags: list[int] = []

    def width(height: int) -> int:
        return (len(leaves) + (1 << height) - 1) >> height

    def node(height: int, place: int) -> bytes:
        if not height:
            return leaves[place]
        left = node(height - 1, 2 * place)
        right = node(height - 1, 2 * place + 1) if 2 * place + 1 < width(height - 1) else left
        return sha256d(left + right)

    def walk(height: int, place: int) -> None:
        below = any(place << height <= one < (place + 1) << height for one in wanted)
        flags.append(int(below))
        if not height or not below:
            hashes.append(node(height, place))
            return
        walk(height - 1, 2 * place)
        if 2 * place + 1 < width(height - 1):
            walk(height - 1, 2 * place + 1)

    walk((len(leaves) - 1).bit_length(), 0)
    return hashes, flags


def merkleblock(root: bytes, count: int, hashes: list[bytes], flags: list[int]) -> bytes:
    size = (len(flags) + 7) // 8
    bits = sum(bit << at for at, bit in enumerate(flags)).to_bytes(size, "little")
    return (
        mine(root)
        + count.to_bytes(4, "little")
        + bytes([len(hashes)])
        + b"".join(hashes)
        + bytes([size])
        + bits
    )


def leaves_of(count: int) -> list[bytes]:
    return [sha256d(bytes([n, n >> 8])) for n in range(count)]


# --- Ethereum -------------------------------------------------------------------------------------------

EVM_KEY = coincurve.PrivateKey(b"\x11" * 32)


def evm_signed(
    chain_id: int | None = 1, to: bytes = b"\x22" * 20, value: int = 5, data: bytes = b"", nonce: int = 7
) -> bytes:
    """A transaction of type 0."""
    body: list[rlp.Item] = [rlp.number(nonce), b"\x03", rlp.number(21_000), to, rlp.number(value), data]
    tail: list[rlp.Item] = [] if chain_id is None else [rlp.number(chain_id), b"", b""]
    made = EVM_KEY.sign_recoverable(keccak256(rlp.encode([*body, *tail])), hasher=None)
    v = made[64] + (27 if chain_id is None else 35 + 2 * chain_id)
    r, s = (rlp.number(int.from_bytes(part, "big")) for part in (made[:32], made[32:64]))
    return rlp.encode([*body, rlp.number(v), r, s])


def word(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal.rjust(64, "0"))


def build(pairs: dict[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """The trie of these pairs: its root, and its nodes by their hash."""
    nodes: dict[bytes, bytes] = {}

    def refer(node: rlp.Item) -> rlp.Item:
        raw = rlp.encode(node)
        if len(raw) < 32:
            return node
        nodes[keccak256(raw)] = raw
        return keccak256(raw)

    def way(steps: list[int], leaf: bool) -> bytes:
        flag = 2 * leaf + len(steps) % 2
        nibbles = [flag, *([] if len(steps) % 2 else [0]), *steps]
        return bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))

    def make(rows: list[tuple[list[int], bytes]]) -> rlp.Item:
        if not rows:
            return b""
        if len(rows) == 1:
            return [way(rows[0][0], True), rows[0][1]]
        first, last = rows[0][0], rows[-1][0]
        shared = 0
        while shared < min(len(first), len(last)) and first[shared] == last[shared]:
            shared += 1
        if shared:
            return [
                way(first[:shared], False),
                refer(make([(steps[shared:], value) for steps, value in rows])),
            ]
        branch: list[rlp.Item] = []
        for nibble in range(16):
            below = [(steps[1:], value) for steps, value in rows if steps and steps[0] == nibble]
            branch.append(refer(make(below)) if below else b"")
        return [*branch, next((value for steps, value in rows if not steps), b"")]

    root = make(sorted((trie._nibbles(key), value) for key, value in pairs.items()))
    raw = rlp.encode(root)
    nodes[keccak256(raw)] = raw
    return keccak256(raw), nodes


def proof_of(root: bytes, nodes: dict[bytes, bytes], key: bytes) -> list[bytes]:
    """The nodes on the way to a key, in order: whatever the prover asks for next."""
    given: list[bytes] = []
    while True:
        try:
            trie.prove(root, key, given)
        except InputRefused as error:
            if "ends before" not in error.what:
                raise
        else:
            return given
        # the next node is the only one that fits
        for raw in nodes.values():
            try:
                trie.prove(root, key, [*given, raw])
            except InputRefused as error:
                if "ends before" not in error.what:
                    continue
            given.append(raw)
            break
        else:
            raise AssertionError


def header_of(**more: rlp.Item) -> bytes:
    fields: dict[str, rlp.Item] = {
        "parent": bytes(32), "uncles": bytes(32), "beneficiary": bytes(20), "state": bytes(32), "transactions": bytes(32),
        "receipts": bytes(32), "bloom": bytes(256), "difficulty": b"", "number": rlp.number(17_000_000), "limit": b"\x01",
        "used": b"", "time": rlp.number(1_680_000_000), "extra": b"", "mix": bytes(32), "nonce": bytes(8), "base": b"\x07",
        **more,
    }  # fmt: skip
    return rlp.encode(list(fields.values()))


def receipt_of(outcome: bytes = b"\x01", logs: list[rlp.Item] | None = None, kind: int = 2) -> bytes:
    body = rlp.encode([outcome, b"\x05", bytes(256), logs or []])
    return bytes([kind]) + body if kind else body


# --- TRON -----------------------------------------------------------------------------------------------

OWNER, TO = b"\x41" + b"\xaa" * 20, b"\x41" + b"\xbb" * 20


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def raw_data(
    body: bytes, number: int = 1, name: str = "TransferContract", permission: bytes = b"", more: bytes = b""
) -> bytes:
    any_value = field(1, f"type.googleapis.com/protocol.{name}".encode()) + field(2, body)
    contract = field(1, number) + field(2, any_value) + permission
    return (
        field(1, b"\x01\x02")
        + field(4, b"12345678")
        + field(8, 1_700_000_060_000)
        + field(11, contract)
        + field(14, 1_700_000_000_000)
        + more
    )


def transfer(amount: int = 5, to: bytes = TO, owner: bytes = OWNER) -> bytes:
    return field(1, owner) + field(2, to) + field(3, amount)


def call(data: bytes, value: bytes = b"", contract: bytes = TO) -> bytes:
    return raw_data(
        field(1, OWNER) + field(2, contract) + value + field(4, data),
        31,
        "TriggerSmartContract",
        more=field(18, 30_000_000),
    )


def as_json(found: tron_transaction.Transaction) -> dict:
    return {
        "txID": found.txid,
        "raw_data": {
            "contract": [{"type": found.kind, "parameter": {"value": {"owner_address": OWNER.hex(), "to_address": tron_transaction.address_text(TO), "amount": found.amount}}}],
            "expiration": found.expiration, "timestamp": found.time,
        },
    }  # fmt: skip


def tron_signed(raw: bytes) -> bytes:
    """A signature of 65 bytes over these bytes' id."""
    return coincurve.PrivateKey(b"\x11" * 32).sign_recoverable(hashlib.sha256(raw).digest(), hasher=None)


# --- Solana ---------------------------------------------------------------------------------------------

SOLANA_KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2)]
SOLANA_FROM, SOLANA_OTHER = (key.public_key().public_bytes_raw() for key in SOLANA_KEYS)
SOLANA_TO = b"\xbb" * 32


def instruction(program: int, accounts: bytes, data: bytes) -> bytes:
    return bytes([program, len(accounts)]) + accounts + bytes([len(data)]) + data


def wire(
    *asked: bytes,
    accounts: tuple[bytes, ...] = (SOLANA_FROM, SOLANA_TO, solana.SYSTEM),
    signers: int = 1,
    version: bytes = b"",
    tables: bytes = b"",
    header: bytes | None = None,
    signatures: int | None = None,
) -> bytes:
    message = version + (header or bytes([signers, 0, 1])) + bytes([len(accounts)]) + b"".join(accounts)
    message += b"\x77" * 32 + bytes([len(asked)]) + b"".join(asked) + tables
    made = [key.sign(message) for key in SOLANA_KEYS][: signers if signatures is None else signatures]
    return bytes([len(made)]) + b"".join(made) + message


def lamports(units: int) -> bytes:
    return b"\x02\0\0\0" + units.to_bytes(8, "little")
