"""Bytes of coins: transactions, headers, trees, tries, and the ladder that is made from them.

What must hold: a transaction that was read goes back into its bytes or accounts for each of them; whatever is given to
`prove`, a ladder comes out whose words a terminal shows, and in which nothing passed that was not checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from custody.evidence.blockchain import cursor, lightning, solana, xrp
from custody.evidence.blockchain.bitcoin import header, inclusion, transaction
from custody.evidence.blockchain.encodings.hashes import keccak256, sha256d
from custody.evidence.blockchain.ethereum import block as evm_block
from custody.evidence.blockchain.ethereum import rlp, token, trie
from custody.evidence.blockchain.ethereum import transaction as evm_transaction
from custody.evidence.blockchain.proof.gather import Piece, gather
from custody.evidence.blockchain.proof.ladder import Outcome
from custody.evidence.blockchain.prove import Claim, Evidence, prove
from custody.evidence.blockchain.tron import transaction as tron_transaction
from custody.format import canonical
from tests import coins
from tests.fuzz.reader import NotTheSame, Reader, Way, one_line, same


def _list(*seeds: bytes) -> Callable[[], Sequence[bytes]]:
    return lambda: seeds


def _compact(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    size, first = (2, b"\xfd") if number < 1 << 16 else (4, b"\xfe")
    return first + number.to_bytes(size, "little")


def _sized(data: bytes) -> bytes:
    return _compact(len(data)) + data


def _bitcoin(data: bytes) -> object:
    found = transaction.read_transaction(data)
    spent = b"".join(
        bytes.fromhex(one.txid)[::-1]
        + one.index.to_bytes(4, "little")
        + _sized(one.script)
        + one.sequence.to_bytes(4, "little")
        for one in found.inputs
    )
    paid = b"".join(
        one.satoshis.to_bytes(8, "little", signed=True) + _sized(one.script) for one in found.outputs
    )
    witnesses = b"".join(
        _compact(len(one.witness)) + b"".join(map(_sized, one.witness)) for one in found.inputs
    )
    has = any(one.witness for one in found.inputs)
    again = found.version.to_bytes(4, "little", signed=True) + (b"\0\1" if has else b"")
    again += _compact(len(found.inputs)) + spent + _compact(len(found.outputs)) + paid
    again += (witnesses if has else b"") + found.locktime.to_bytes(4, "little")
    same(again, data)
    same(found.wtxid, sha256d(data)[::-1].hex())
    return Way(f"{has}, {found.problems}, {sorted({one.paid.kind for one in found.outputs})}")


def _headers(data: bytes) -> object:
    if len(data) == header.SIZE:
        header.read_header(data)
    return Way(str(len(header.read_headers(data))))


def _block(data: bytes) -> object:
    # The first byte chooses which of both it is read as.
    if data[:1] == b"\0":
        found, held = inclusion.read_block(data[1:])
        same(sum(one.size for one in held) < len(data), True)
        return Way(f"block of {len(held)}")
    found = inclusion.read_merkleblock(data[1:])
    return Way(f"proof of {len(found.txids)}")


def _evm(data: bytes) -> object:
    found = evm_transaction.read_transaction(data)
    same(found.hash, keccak256(data))
    call = token.read_call(found.data)
    return Way(f"type {found.type}, {found.chain_id is None}, {found.to is None}, {call is None}")


def _rlp(data: bytes) -> object:
    same(rlp.encode(rlp.decode(data, where="rlp")), data)
    return Way(str(data[:1] >= b"\xc0"))


def _evm_block(data: bytes) -> object:
    if data[:1] == b"\0":
        return Way(f"header {evm_block.read_header(data[1:]).difficulty > 0}")
    found = evm_block.read_receipt(data[1:])
    events = [token.read_event(one.topics, one.data) is not None for one in found.logs]
    return Way(f"receipt {found.type}, {found.succeeded}, {events[:3]}")


def _trie(data: bytes) -> object:
    """The first byte: how many bytes of key; then nodes, each behind two bytes of length. The root is the first's."""
    size = data[0] % 34 if data else 0
    key, rest, nodes = data[1 : 1 + size], data[1 + size :], []
    while rest and len(nodes) < 8:
        length = int.from_bytes(rest[:2], "big")
        nodes.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    root = keccak256(nodes[0]) if nodes else trie.EMPTY_ROOT
    return Way(str(trie.prove(root, key, nodes) is None))


def _tron(data: bytes) -> object:
    found = tron_transaction.read_transaction(data)
    same(found.txid, hashlib.sha256(data).hexdigest())
    return Way(f"{found.kind if found.understood else ''}, {found.token is None}, {found.not_read}")


def _solana(data: bytes) -> object:
    found = solana.read_transaction(data)
    return Way(f"{found.version}, {len(found.transfers)}, {found.looked_up}")


def _hex(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    found = cursor.from_hex(text, "hexadecimal", most=64)
    same(found.hex(), text.strip().lower().removeprefix("0x"))
    for read in (lightning.payment_hash_of, xrp.transaction_hash):
        read(text)
    return None


_CHAINS = ("bitcoin", "ethereum", "tron", "solana", "xrp", "litecoin", "lightning", "monero", "other:x")


def _prove(data: bytes) -> object:
    """Lines: the chain's number, an id, an address, then bytes in hexadecimal, each given as everything it could be."""
    lines = data.decode("utf-8", "surrogateescape").split("\n") + [""] * 6
    chain = _CHAINS[len(lines[0]) % len(_CHAINS)]
    claim = Claim(
        chain=chain,
        txid=lines[1] or None,
        receiver=lines[2] or None,
        sender=lines[2] or None,
        amount_units=5,
        height=170,
    )
    evidence = Evidence(
        transaction=lines[3] or None,
        merkleblock=lines[4] or None,
        headers=lines[5] or None,
        header=lines[4] or None,
        signatures=(lines[4],) if lines[4] else (),
        index=0,
        transaction_proof=(lines[5],) if lines[5] else (),
        preimage=lines[4] or None,
        payment_hash=lines[5] or None,
    )
    ladder = prove(claim, evidence)
    canonical.encode(ladder.to_json())
    for line in ladder.words():
        one_line(line, "a line of a ladder")
    if ladder.strength == "included_in_given_block" and not any(
        one.name == "included_in_given_block" and one.outcome is Outcome.PASSED for one in ladder.steps
    ):
        raise NotTheSame("a strength whose step did not pass")
    return Way(f"{chain}, {ladder.strength}, {[one.name for one in ladder.failed]}")


_TRANSFER = coins.raw_data(coins.transfer())
_SOLANA = coins.wire(coins.instruction(2, b"\0\1", coins.lamports(42)))
_LEAF = rlp.encode([b"\x20", b"some value that is longer than thirty-two bytes"])
_RECEIPT = coins.receipt_of(logs=[[b"\xcc" * 20, [token.TRANSFER_EVENT, bytes(32), bytes(32)], bytes(32)]])


def _lines(chain: int, *rest: bytes | str) -> bytes:
    texts = ["." * chain, *(one if isinstance(one, str) else one.hex() for one in rest)]
    return "\n".join(texts).encode()


def _gather(data: bytes) -> object:
    """The first byte chooses the chain; files are parted by a mark."""
    chain = _CHAINS[data[0] % len(_CHAINS)] if data else "bitcoin"
    pieces = [Piece(label=str(at), data=one) for at, one in enumerate(data[1:].split(b"~~~~"))][:8]
    evidence = gather(Claim(chain=chain), pieces)
    for _, why in evidence.unread:
        one_line(why, "why a file was not used")
    return Way(f"{chain}, {sorted(evidence.labels)}, {len(evidence.unread)}")


READERS: list[Reader] = [
    Reader(
        name="coin-files",
        about="files that may prove a payment",
        covers=("custody.evidence.blockchain.proof.gather:gather",),
        read=_gather,
        seeds=_list(
            b"\0" + coins.made() + b"~~~~" + coins.GENESIS.encode(),
            b"\2"
            + b'{"data": [{"txID": "11", "raw_data_hex": "'
            + _TRANSFER.hex().encode()
            + b'", "signature": ["22"]}]}',
            b"\1" + b'{"header": "0xc0", "transactionIndex": "0x1", "transactionProof": ["0x80"]}',
        ),
        limit=4096,
    ),
    Reader(
        name="coin-bitcoin-transaction",
        about="a raw Bitcoin transaction",
        covers=("custody.evidence.blockchain.bitcoin.transaction:read_transaction",),
        read=_bitcoin,
        seeds=_list(coins.made(), coins.made(inputs=2, amounts=(1, 2)), coins.with_witness()),
        limit=4096,
    ),
    Reader(
        name="coin-bitcoin-headers",
        about="Bitcoin's headers",
        covers=(
            "custody.evidence.blockchain.bitcoin.header:read_header",
            "custody.evidence.blockchain.bitcoin.header:read_headers",
        ),
        read=_headers,
        seeds=_list(bytes.fromhex(coins.GENESIS)),
        limit=1024,
    ),
    Reader(
        name="coin-bitcoin-block",
        about="a Bitcoin block, or a proof that it holds a transaction",
        covers=(
            "custody.evidence.blockchain.bitcoin.inclusion:read_block",
            "custody.evidence.blockchain.bitcoin.inclusion:read_merkleblock",
        ),
        read=_block,
        seeds=_list(
            b"\0" + coins.FIRST_BLOCK,
            b"\1" + coins.FIRST_BLOCK[:80] + b"\1\0\0\0\1" + coins.FIRST_BLOCK[36:68] + b"\1\1",
        ),
        limit=4096,
    ),
    Reader(
        name="coin-rlp",
        about="Ethereum's encoding",
        covers=("custody.evidence.blockchain.ethereum.rlp:decode",),
        read=_rlp,
        seeds=_list(coins.evm_signed(), b"\xc0", b"\x80", b"a"),
        limit=4096,
    ),
    Reader(
        name="coin-ethereum-transaction",
        about="a signed transaction of Ethereum",
        covers=(
            "custody.evidence.blockchain.ethereum.transaction:read_transaction",
            "custody.evidence.blockchain.ethereum.token:read_call",
        ),
        read=_evm,
        seeds=_list(coins.evm_signed(), coins.evm_signed(None), coins.evm_signed(to=b"", data=b"\x60\x01")),
        limit=4096,
    ),
    Reader(
        name="coin-ethereum-block",
        about="a header or a receipt of Ethereum",
        covers=(
            "custody.evidence.blockchain.ethereum.block:read_header",
            "custody.evidence.blockchain.ethereum.block:read_receipt",
            "custody.evidence.blockchain.ethereum.token:read_event",
        ),
        read=_evm_block,
        seeds=_list(b"\0" + coins.header_of(), b"\1" + _RECEIPT),
        limit=4096,
    ),
    Reader(
        name="coin-trie",
        about="a proof that a trie holds a value",
        covers=("custody.evidence.blockchain.ethereum.trie:prove",),
        read=_trie,
        seeds=_list(b"\0" + len(_LEAF).to_bytes(2, "big") + _LEAF, b"\0"),
        limit=4096,
    ),
    Reader(
        name="coin-tron-transaction",
        about="TRON's raw data",
        covers=("custody.evidence.blockchain.tron.transaction:read_transaction",),
        read=_tron,
        seeds=_list(_TRANSFER, coins.call(token.TRANSFER + bytes(64))),
        limit=4096,
    ),
    Reader(
        name="coin-solana-transaction",
        about="a Solana transaction",
        covers=("custody.evidence.blockchain.solana:read_transaction",),
        read=_solana,
        seeds=_list(_SOLANA),
        limit=2048,
    ),
    Reader(
        name="coin-hex",
        about="hexadecimal, a preimage, a blob",
        covers=("custody.evidence.blockchain.cursor:from_hex",),
        read=_hex,
        seeds=_list(b"0x" + b"11" * 32, b"ab"),
        limit=256,
    ),
    Reader(
        name="coin-prove",
        about="what is claimed of a payment, and bytes that may prove it",
        covers=("custody.evidence.blockchain.prove:prove",),
        read=_prove,
        seeds=_list(
            _lines(0, coins.FIRST_TXID, "", coins.FIRST_BLOCK[81:], "", coins.GENESIS),
            _lines(1, "", "0x" + "22" * 20, coins.evm_signed(), coins.header_of(), b"\x80"),
            _lines(2, "", "", _TRANSFER, coins.tron_signed(_TRANSFER)),
            _lines(3, "", "", _SOLANA),
            _lines(6, "", "", "", "11" * 32, "22" * 32),
        ),
        shape="bytes",
        limit=8192,
        slow=True,
    ),
]
