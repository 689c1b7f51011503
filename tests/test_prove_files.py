"""From files to evidence: each is taken for what it can be read as to its last byte, or told as not used."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.blockchain import xrp
from custody.evidence.blockchain.encodings.hashes import keccak256, sha256d
from custody.evidence.blockchain.proof.gather import Piece, gather
from custody.evidence.blockchain.prove import Claim, Evidence, prove
from tests import coins


def files(claim: Claim, *data: bytes, **roles: bytes) -> Evidence:
    pieces = [Piece(label=f"A-1/{number:03}", data=one) for number, one in enumerate(data, 1)]
    pieces += [Piece(label=role, data=one, role=role) for role, one in roles.items()]
    return gather(claim, pieces)


def test_the_files_of_a_bitcoin_payment(samples: Path) -> None:
    row = json.loads((samples / "blockchain" / "merkleblock_btcd.json").read_text("utf-8"))
    raw = bytes.fromhex(row["block_hex"])[81:]
    claim = Claim(chain="bitcoin", txid=row["matched_txid"])
    evidence = files(claim, row["merkleblock_hex"].encode() + b"\n", raw, raw[:-1])
    assert (evidence.transaction, evidence.merkleblock) == (raw, bytes.fromhex(row["merkleblock_hex"]))
    assert dict(evidence.labels) == {"merkleblock": "A-1/001", "transaction": "A-1/002"}
    assert [label for label, _ in evidence.unread] == ["A-1/003"]
    assert "as transaction: cut off in the lock time" in evidence.unread[0][1]
    ladder = prove(claim, evidence)
    assert ladder.strength == "included_in_given_block"
    assert any(line.startswith("NOT USED: A-1/003: ") for line in ladder.words())
    assert ladder.to_json()["unread"] == [list(one) for one in evidence.unread]


def test_whole_blocks_and_headers_in_lines() -> None:
    claim = Claim(chain="bitcoin", txid=coins.FIRST_TXID)
    lines = f"{coins.GENESIS[:80]}\n{coins.GENESIS[80:]}\n".encode()
    evidence = files(claim, coins.FIRST_BLOCK, lines)
    assert (evidence.block, evidence.headers) == (coins.FIRST_BLOCK, bytes.fromhex(coins.GENESIS))
    assert prove(claim, evidence).strength == "block_on_known_chain"


def test_a_role_that_was_stated_is_kept_and_its_fault_told() -> None:
    """With one byte changed a proof must fail as what it was given for, not vanish."""
    claim = Claim(chain="bitcoin", txid=coins.FIRST_TXID)
    broken = bytearray(coins.FIRST_BLOCK)
    broken[50] ^= 1
    evidence = files(claim, block=bytes(broken))
    assert evidence.block == bytes(broken)
    assert "above its target" in "\n".join(prove(claim, evidence).words())


def test_transactions_before_are_told_from_the_claimed_one() -> None:
    before, other = coins.made(amounts=(900,)), coins.made(amounts=(1,))
    spending = (
        b"\x02\0\0\0\x01"
        + sha256d(before)
        + bytes(4)
        + b"\x01\x51"
        + b"\xff" * 4
        + b"\x01"
        + bytes(8)
        + b"\x01\x51"
        + bytes(4)
    )
    txid = sha256d(spending)[::-1].hex()
    for claim in (Claim(chain="bitcoin", txid=txid.upper()), Claim(chain="bitcoin")):
        evidence = files(claim, before, spending)
        assert (evidence.transaction, evidence.previous) == (spending, (before,))
    evidence = files(Claim(chain="bitcoin", txid=txid), other, before, spending)
    assert evidence.unread == (("A-1/001", "a transaction that the claimed one does not spend from"),)
    evidence = files(Claim(chain="bitcoin", txid="11" * 32), before, spending)
    assert evidence.unread == (("A-1/002", "another transaction was given already"),)


def test_the_json_of_tron_nodes(samples: Path) -> None:
    rows = json.loads((samples / "blockchain" / "tron_transactions.json").read_text("utf-8"))
    for wanted in rows:
        claim = Claim(chain="tron", txid=wanted["txID"])
        evidence = files(claim, json.dumps({"data": rows, "success": True}).encode())
        assert evidence.transaction == wanted["raw_data_hex"]
        assert evidence.signatures == tuple(wanted.get("signature", ()))
        ladder = prove(claim, evidence)
        assert {"capture_inconsistent"}.isdisjoint(ladder.flags)
        assert [one.name for one in ladder.failed] == []
    raw = coins.raw_data(coins.transfer())
    evidence = files(Claim(chain="tron"), raw, coins.tron_signed(raw).hex().encode())
    assert (evidence.transaction, evidence.signatures) == (raw, (coins.tron_signed(raw),))


def test_other_chains() -> None:
    raw = coins.evm_signed()
    claim = Claim(chain="ethereum", txid="0x" + keccak256(raw).hex())
    evidence = files(claim, ("0x" + raw.hex()).encode(), coins.header_of())
    assert (evidence.transaction, evidence.header) == (raw, coins.header_of())
    answer = {
        "header": "0x" + coins.header_of().hex(),
        "transactionIndex": "0x1",
        "transactionProof": ["0x80"],
        "receiptProof": ["0x81"],
    }
    evidence = files(claim, json.dumps({"result": answer}).encode())
    assert (evidence.index, evidence.transaction_proof, evidence.receipt_proof) == (1, ("0x80",), ("0x81",))
    wire = coins.wire(coins.instruction(2, b"\0\1", coins.lamports(42)))
    packed = {"result": {"transaction": [base64.b64encode(wire).decode(), "base64"]}}
    assert files(Claim(chain="solana"), json.dumps(packed).encode()).transaction == wire
    paid = {"payment_preimage": "11" * 32, "payment_hash": "22" * 32}
    evidence = files(Claim(chain="lightning"), json.dumps(paid).encode())
    assert (evidence.preimage, evidence.payment_hash) == ("11" * 32, "22" * 32)
    assert files(Claim(chain="xrp"), b'{"tx_blob": "1200"}').transaction == "1200"


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[1, 2]",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"{}",
        b'{"transaction": ["?", "base64"]}',
        b"\xff\xfe",
        b"",
    ],
)
def test_what_is_nothing_is_not_used(data: bytes) -> None:
    assert files(Claim(chain="tron"), data).unread


def test_the_bytes_of_the_id_are_taken_though_they_are_not_read_here() -> None:
    evm, tron = b"\x7e\xc0", b"\x08\x01"
    assert files(Claim(chain="base", txid="0x" + keccak256(evm).hex()), evm).transaction == evm
    assert files(Claim(chain="tron", txid=hashlib.sha256(tron).hexdigest()), tron).transaction == tron
    assert files(Claim(chain="tron", txid="11" * 32), tron).unread


def test_answers_of_nodes_and_files_of_windows() -> None:
    claim = Claim(chain="bitcoin", txid=coins.FIRST_TXID)
    answer = json.dumps({"result": coins.FIRST_BLOCK.hex(), "error": None}).encode()
    verbose = json.dumps({"result": {"txid": coins.FIRST_TXID, "hex": coins.FIRST_COINBASE.hex()}}).encode()
    for data in (answer, b"\xef\xbb\xbf" + answer, answer.decode().encode("utf-16")):
        assert prove(claim, files(claim, data, verbose)).strength == "block_on_known_chain"
    evidence = files(claim, coins.FIRST_COINBASE.hex().encode("utf-16"), b'{"result": "nothing"}')
    assert evidence.transaction == coins.FIRST_COINBASE
    assert [label for label, _ in evidence.unread] == ["A-1/002, result"]


def test_files_are_not_taken_for_what_nobody_reads() -> None:
    picture = b"\x89PNG" + bytes(90)
    for chain in (
        "monero",
        "ton",
        "unknown",
        "other:x",
        "xrp",
        "litecoin",
        "bitcoin",
        "ethereum",
        "tron",
        "solana",
        "lightning",
    ):
        evidence = files(Claim(chain=chain, txid="11" * 32), picture)
        assert evidence.transaction is None
        assert evidence.unread[0][1]
    txid = xrp.transaction_hash(b"\x12\x00").lower()
    assert files(Claim(chain="xrp", txid=txid), b"1200").transaction == b"\x12\x00"
    assert files(Claim(chain="dogecoin"), coins.made()).transaction == coins.made()


def test_json_that_says_one_thing_twice_is_not_used() -> None:
    evidence = files(Claim(chain="tron"), b'{"raw_data_hex": "0801", "raw_data_hex": "0802"}')
    assert evidence.transaction is None
    assert evidence.unread == (("A-1/001", "not plain JSON (doubled_key)"),)


def test_huge_files_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custody.evidence.blockchain.proof.gather.LONGEST", 10)
    assert files(Claim(chain="bitcoin"), bytes(11)).unread == (("A-1/001", "larger than 10 bytes"),)


@given(
    st.sampled_from(["bitcoin", "ethereum", "tron", "solana", "xrp", "lightning", ""]),
    st.lists(st.binary(max_size=90) | st.text(max_size=60).map(str.encode), max_size=3),
)
def test_whatever_the_files_hold_evidence_comes_out(chain: str, data: list[bytes]) -> None:
    claim = Claim(chain=chain, txid="11" * 32)
    prove(claim, files(claim, *data))
