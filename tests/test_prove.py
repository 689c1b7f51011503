"""The ladder: from bytes to what they show, for every chain; each trap keeps the strength where it belongs."""

# ruff: noqa: E501 - tables read better with a row a line

from __future__ import annotations

import dataclasses
import hashlib
import json

import coincurve
import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.blockchain.bitcoin import inclusion, known, transaction
from custody.evidence.blockchain.bitcoin.script import paid_to
from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.encodings.hashes import keccak256, sha256d
from custody.evidence.blockchain.ethereum import rlp, token
from custody.evidence.blockchain.payment import payment_reference
from custody.evidence.blockchain.proof.ladder import NOT_SHOWN, ORDER, STRENGTHS, TITLES, Ladder, Step
from custody.evidence.blockchain.proof.work import same_address
from custody.evidence.blockchain.prove import Claim, Evidence, Outcome, Statement, prove
from custody.evidence.blockchain.tron import transaction as tron_transaction
from custody.format import canonical
from tests.coins import (
    FIRST_BLOCK,
    FIRST_COINBASE,
    FIRST_TXID,
    GENESIS,
    SOLANA_FROM,
    SOLANA_TO,
    allow_test_network,
    as_json,
    build,
    call,
    header_of,
    instruction,
    lamports,
    made,
    merkleblock,
    mine,
    partial,
    proof_of,
    raw_data,
    receipt_of,
    root_of,
    transfer,
    tron_signed,
    wire,
    word,
)  # fmt: skip
from tests.coins import TO as TRON_TO
from tests.test_ethereum_proof import ADDRESS, signed
from tests.test_ethereum_proof import TO as EVM_TO


@pytest.fixture
def test_network(monkeypatch):
    allow_test_network(monkeypatch)


def outcome(ladder: Ladder, name: str) -> list[str]:
    return [step.outcome.value for step in ladder.steps if step.name == name]


def told(ladder: Ladder) -> str:
    """All words; and what must hold of every ladder."""
    canonical.encode(ladder.to_json())
    lines = ladder.words()
    assert all(line.isprintable() for line in lines)
    assert not any(" valid" in line.lower() for line in lines)
    names = [step.name for step in ladder.steps]
    assert names == sorted(names, key=ORDER.index)
    assert set(NOT_SHOWN) <= set(ladder.not_shown)
    return "\n".join(lines)


# --- the ladder itself ----------------------------------------------------------------------------------


def ladder_of(*steps: tuple[str, Outcome]) -> Ladder:
    return Ladder(
        chain="bitcoin",
        steps=tuple(Step(name=name, outcome=one, what="x") for name, one in steps),
        facts=(),
        not_shown=NOT_SHOWN,
        inputs=(),
    )


PASSED, FAILED, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_CHECKED


def test_a_failed_step_keeps_the_strength_below_it_and_not_checked_is_not_passed():
    assert ladder_of().strength == "nothing"
    assert ladder_of(("typed", OPEN)).strength == "nothing"
    assert (
        ladder_of(("form_ok", PASSED), ("hash_matches", FAILED), ("included_in_given_block", PASSED)).strength
        == "form_ok"
    )
    assert (
        ladder_of(("form_ok", PASSED), ("hash_matches", OPEN), ("included_in_given_block", PASSED)).strength
        == "included_in_given_block"
    )
    assert (
        ladder_of(("included_in_given_block", OPEN), ("block_on_known_chain", PASSED)).strength == "nothing"
    )
    assert (
        ladder_of(
            ("hash_matches", PASSED),
            ("work_enough", FAILED),
            ("included_in_given_block", PASSED),
            ("block_on_known_chain", PASSED),
        ).strength
        == "hash_matches"
    )
    assert ladder_of(("hash_matches", PASSED), ("content_agrees", PASSED)).strength == "hash_matches"
    assert (
        ladder_of(("included_in_given_block", PASSED), ("carried_out", FAILED)).strength
        == "included_in_given_block"
    )


def test_names_are_told_everywhere():
    assert set(TITLES) == set(ORDER)
    assert [name for name in ORDER if name in STRENGTHS] == [name for name in STRENGTHS if name != "nothing"]


# --- Bitcoin --------------------------------------------------------------------------------------------


def test_the_first_block_is_known():
    ladder = prove(
        Claim(chain="bitcoin", txid=FIRST_TXID, amount_units=50 * 10**8, height=0),
        Evidence(block=FIRST_BLOCK),
    )
    words = told(ladder)
    assert ladder.strength == "block_on_known_chain"
    assert not ladder.failed
    assert "difficulty 1.00000000" in words
    assert ladder.flags == ("cheap_header",)
    assert "This does not show:" in words


def test_a_block_between_known_ones_needs_its_headers(samples):
    raw = (samples / "blockchain" / "block_1.bin").read_bytes()
    txid = inclusion.read_block(raw)[0].txids[0]
    claim = Claim(chain="bitcoin", txid=txid, height=1)
    ladder = prove(claim, Evidence(block=raw))
    assert ladder.strength == "included_in_given_block"
    assert outcome(ladder, "block_on_known_chain") == ["not checked"]
    ladder = prove(claim, Evidence(block=raw, headers=bytes.fromhex(GENESIS) + raw[:80]))
    assert ladder.strength == "included_in_given_block"
    assert "builds on known block 0 (1 headers, 4295032833 hashes on average)" in told(ladder)


@pytest.fixture
def btcd(samples):
    row = json.loads((samples / "blockchain" / "merkleblock_btcd.json").read_text("utf-8"))
    block = bytes.fromhex(row["block_hex"])
    return row["matched_txid"], block[81:], bytes.fromhex(row["merkleblock_hex"])


def test_a_transaction_and_its_merkleblock_end_in_the_block_given(btcd):
    txid, raw, proof = btcd
    claim = Claim(chain="bitcoin", txid=txid, amount_units=50 * 10**8, typed="entered by hand")
    ladder = prove(claim, Evidence(transaction=raw, merkleblock=proof, labels={"merkleblock": "A-1/002"}))
    words = told(ladder)
    assert ladder.strength == "included_in_given_block"
    assert not ladder.failed
    assert "difficulty 14484.16236122" in words
    assert "merkleblock (A-1/002): " in words
    assert "(stated beside the proof; the header does not cover this number)" in words
    assert outcome(ladder, "signature_matches") == outcome(ladder, "block_on_known_chain") == ["not checked"]


def test_with_one_byte_changed_it_says_what_failed(btcd):
    txid, raw, proof = btcd
    claim = Claim(chain="bitcoin", txid=txid)
    for at in range(len(raw)):
        broken = bytearray(raw)
        broken[at] ^= 0x20
        ladder = prove(claim, Evidence(transaction=bytes(broken), merkleblock=proof))
        assert ladder.failed[0].name == "hash_matches", at
        assert ladder.strength == "form_ok"
    for at in range(len(proof)):
        broken = bytearray(proof)
        broken[at] ^= 0x20
        ladder = prove(claim, Evidence(transaction=raw, merkleblock=bytes(broken)))
        assert {step.name for step in ladder.failed} & {"included_in_given_block", "work_enough"}, at
        assert ladder.strength == "hash_matches"


def test_without_the_raw_transaction_an_id_in_a_proof_shows_nothing(btcd):
    """What stands in a partial tree can be a hash inside it: only the bytes tell."""
    txid, _, proof = btcd
    ladder = prove(Claim(chain="bitcoin", txid=txid), Evidence(merkleblock=proof))
    assert outcome(ladder, "included_in_given_block") == ["not checked"]
    assert ladder.strength == "form_ok"


def small_block(transactions: list[bytes], wanted: set[int]) -> bytes:
    leaves = [sha256d(one) for one in transactions]
    return merkleblock(root_of(leaves), len(leaves), *partial(leaves, wanted))


def allow(monkeypatch, *headers: bytes, heights: tuple[int, ...] = ()) -> None:
    """The network asks for no work, and these headers are known."""
    monkeypatch.setattr(known, "floor", lambda header, height: known.Floor(True, "anything"))
    hashes = {sha256d(one)[::-1].hex(): height for one, height in zip(headers, heights, strict=True)}
    monkeypatch.setattr(known, "known_heights", lambda: hashes)
    monkeypatch.setattr(known, "known_blocks", lambda: {height: one for one, height in hashes.items()})


def test_headers_lead_to_a_known_block(test_network, monkeypatch):
    bodies = [made(amounts=(n,)) for n in range(1, 4)]
    proof = small_block(bodies, {1})
    chain = [proof[:80]]
    for _ in range(3):
        chain.append(mine(bytes(32), sha256d(chain[-1])[::-1].hex()))
    allow(monkeypatch, chain[2], heights=(500_000,))
    txid = sha256d(bodies[1])[::-1].hex()
    claim = Claim(chain="bitcoin", txid=txid, height=499_998)
    good = Evidence(transaction=bodies[1], merkleblock=proof, headers=b"".join(chain))
    ladder = prove(claim, good)
    assert ladder.strength == "block_on_known_chain"
    assert "2 headers lead from it to block 500000" in told(ladder)
    assert "3, 6 hashes on average" in told(ladder)
    for headers, words in (
        (b"".join(chain[:2]), "no header given leads"),
        (b"".join([chain[0], chain[2]]), "does not follow"),
        (chain[1] + chain[2], "those of other blocks"),
        (b"".join(chain)[:-1], "not whole headers"),
    ):
        ladder = prove(claim, Evidence(transaction=bodies[1], merkleblock=proof, headers=headers))
        assert ladder.strength == "included_in_given_block"
        assert words in told(ladder)
    ladder = prove(Claim(chain="bitcoin", txid=txid, height=499_999), good)
    assert ladder.strength == "included_in_given_block"
    assert "another height than was stated" in told(ladder)


def test_a_block_that_the_network_did_not_take_at_its_height(test_network, monkeypatch):
    proof = small_block([made()], {0})
    allow(monkeypatch, mine(b"\1" * 32), heights=(7,))
    ladder = prove(Claim(chain="bitcoin", height=7), Evidence(transaction=made(), merkleblock=proof))
    assert "the network's block at height 7 is another" in told(ladder)
    assert ladder.strength == "included_in_given_block"


def test_a_header_of_less_work_than_the_network_asked_for_proves_nothing(btcd):
    """Difficulty of 2010 for a height of 2012: cheap to make today."""
    txid, raw, proof = btcd
    evidence = Evidence(transaction=raw, merkleblock=proof)
    assert prove(Claim(chain="bitcoin", txid=txid), evidence).strength == "included_in_given_block"
    ladder = prove(Claim(chain="bitcoin", txid=txid, height=200_000), evidence)
    assert ladder.strength == "hash_matches"
    assert [step.name for step in ladder.failed] == ["work_enough"]
    assert "difficulty 14484" in told(ladder)


def test_what_costs_little_is_said_to(btcd):
    txid, raw, proof = btcd
    ladder = prove(Claim(chain="bitcoin", txid=txid), Evidence(transaction=raw, merkleblock=proof))
    assert ladder.flags == ("cheap_header",)
    assert "one machine can make such a header" in told(ladder)


def test_a_transaction_of_64_bytes_is_in_no_block(test_network, monkeypatch):
    allow(monkeypatch)
    small = made(out=b"\x51\x51\x51")
    assert len(small) == 64
    ladder = prove(Claim(chain="bitcoin"), Evidence(transaction=small, merkleblock=small_block([small], {0})))
    assert outcome(ladder, "included_in_given_block") == ["failed"]
    assert "CVE-2017-12842" in told(ladder)


def test_proofs_about_others(test_network, monkeypatch):
    allow(monkeypatch)
    bodies = [made(amounts=(n,)) for n in range(1, 6)]
    claim = Claim(chain="bitcoin", txid=sha256d(bodies[2])[::-1].hex())
    for wanted in (set(), {0, 1}):
        ladder = prove(claim, Evidence(transaction=bodies[2], merkleblock=small_block(bodies, wanted)))
        assert outcome(ladder, "included_in_given_block") == ["failed"]
        assert "proves nothing here" in told(ladder)
        assert ladder.strength == "hash_matches"
    assert (
        prove(claim, Evidence(transaction=bodies[2], merkleblock=small_block(bodies, {2}))).strength
        == "included_in_given_block"
    )


def test_a_block_without_a_transaction_to_look_for():
    ladder = prove(Claim(chain="bitcoin"), Evidence(block=FIRST_BLOCK))
    assert outcome(ladder, "included_in_given_block") == ["not checked"]
    assert ladder.strength == "nothing"
    ladder = prove(Claim(chain="bitcoin", txid="11" * 32), Evidence(block=FIRST_BLOCK))
    assert "does not hold this transaction" in told(ladder)
    ladder = prove(Claim(chain="bitcoin", txid=FIRST_TXID), Evidence(block=FIRST_BLOCK, transaction=made()))
    assert outcome(ladder, "hash_matches") == ["failed"]
    assert outcome(ladder, "included_in_given_block") == ["not checked"]


def test_a_block_that_is_not_the_stated_one(btcd):
    txid, raw, proof = btcd
    block = sha256d(proof[:80])[::-1].hex()
    for stated, strength in (
        (block, "included_in_given_block"),
        (block.upper(), "included_in_given_block"),
        ("11" * 32, "hash_matches"),
    ):
        ladder = prove(
            Claim(chain="bitcoin", txid=txid, block_hash=stated), Evidence(transaction=raw, merkleblock=proof)
        )
        assert ladder.strength == strength
    assert "the block is not the stated one" in told(ladder)


def test_block_and_merkleblock_of_two_blocks(btcd):
    ladder = prove(Claim(chain="bitcoin", txid=FIRST_TXID), Evidence(block=FIRST_BLOCK, merkleblock=btcd[2]))
    assert "not the same block's" in told(ladder)
    assert ladder.strength == "hash_matches"


def test_what_a_bitcoin_transaction_says_is_compared():
    out = b"\x76\xa9\x14" + b"\x33" * 20 + b"\x88\xac"
    to = paid_to(out).address
    raw = made(amounts=(700, 300), out=out)
    found = transaction.read_transaction(raw)
    good = Claim(chain="bitcoin", txid=found.txid, receiver=to, amount_units=300)
    assert prove(good, Evidence(transaction=raw)).strength == "hash_matches"
    for amount, agrees in ((700, True), (300, True), (1000, True), (400, False)):
        ladder = prove(
            Claim(chain="bitcoin", txid=found.txid, receiver=to, amount_units=amount),
            Evidence(transaction=raw),
        )
        assert (outcome(ladder, "content_agrees") == ["passed"]) == agrees
    other = base58.encode_check(b"\x00" + b"\x44" * 20)
    ladder = prove(
        Claim(chain="bitcoin", txid=found.txid, receiver=other, amount_units=300),
        Evidence(transaction=raw, block=FIRST_BLOCK),
    )
    assert "another receiver" in told(ladder)
    assert ladder.strength == "hash_matches"


def test_the_same_bytes_in_another_script_are_another_receiver():
    script = b"\xa9\x14" + b"\x33" * 20 + b"\x87"
    key = base58.encode_check(b"\x00" + b"\x33" * 20)
    ladder = prove(Claim(chain="bitcoin", receiver=key), Evidence(transaction=made(out=script)))
    assert "another receiver" in told(ladder)
    ladder = prove(
        Claim(chain="bitcoin", receiver=paid_to(script).address), Evidence(transaction=made(out=script))
    )
    assert outcome(ladder, "content_agrees") == ["passed"]


def test_senders_stand_in_the_transactions_before():
    out = b"\x76\xa9\x14" + b"\x33" * 20 + b"\x88\xac"
    before = made(amounts=(900, 100), out=out)
    spending = (
        b"\x02\0\0\0\x01"
        + sha256d(before)
        + bytes(4)
        + b"\x01\x51"
        + b"\xff" * 4
        + b"\x01"
        + (850).to_bytes(8, "little")
        + b"\x01\x51"
        + bytes(4)
    )
    sender = paid_to(out).address
    claim = Claim(chain="bitcoin", sender=sender)
    assert "not all given" in told(prove(claim, Evidence(transaction=spending)))
    ladder = prove(claim, Evidence(transaction=spending, previous=(before,)))
    assert outcome(ladder, "content_agrees") == ["passed"]
    assert ("fee", "50 satoshis") in ladder.facts
    other = Claim(chain="bitcoin", sender=base58.encode_check(b"\x00" + b"\x44" * 20))
    assert outcome(prove(other, Evidence(transaction=spending, previous=(before,))), "content_agrees") == [
        "failed"
    ]
    for previous, words in ((made(amounts=(1,)), "not one that this spends"), (before[:-1], "cut off")):
        assert words in told(prove(claim, Evidence(transaction=spending, previous=(previous,))))
    poor = spending.replace((850).to_bytes(8, "little"), (950).to_bytes(8, "little"))
    assert "pays more than it spends" in told(prove(claim, Evidence(transaction=poor, previous=(before,))))


def test_drafts_and_impossible_transactions():
    draft = made().replace(b"\x01\x51" + b"\xff" * 4, b"\x00" + b"\xff" * 4)
    assert "a draft: input 0 shows no signature" in told(
        prove(Claim(chain="bitcoin"), Evidence(transaction=draft))
    )
    ladder = prove(Claim(chain="bitcoin"), Evidence(transaction=made(amounts=(-5,))))
    assert "no block may hold this transaction" in told(ladder)


def test_a_witness_id_is_recognised(samples):
    rows = json.loads((samples / "blockchain" / "bitcoinjs_core_tx_valid.json").read_text("utf-8"))
    for row in rows:
        if len(row) == 3:
            found = transaction.read_transaction(row[1])
            if found.wtxid != found.txid:
                ladder = prove(Claim(chain="bitcoin", txid=found.wtxid), Evidence(transaction=row[1]))
                assert "is the witness id of these bytes" in told(ladder)
                return
    raise AssertionError


# --- what is stated -------------------------------------------------------------------------------------


def test_statements_are_told_and_do_not_prove():
    txid = FIRST_TXID
    claim = Claim(chain="bitcoin", txid=txid, amount_units=5, typed="entered by hand, read from a page")
    screenshot = Statement(
        kind="screenshot", label="A-1/004", says={"txid": txid.upper(), "amount_units": "5"}
    )
    explorer = Statement(kind="explorer", label="A-1/005", says={"amount_units": "6"})
    ladder = prove(
        claim, Evidence(statements=(screenshot, explorer, Statement(kind="node", label="\x1b[2Jx")))
    )
    words = told(ladder)
    assert ladder.strength == "form_ok"
    assert outcome(ladder, "seen_on_screenshot") == ["passed"]
    assert outcome(ladder, "explorer_statement") == ["failed", "not checked"]
    assert "A-1/005 states another amount units (expected 5, found 6)" in words
    assert ladder.flags == ("capture_inconsistent",)


def test_what_a_capture_says_became_of_it_is_its_word():
    claim = Claim(chain="bitcoin", txid=FIRST_TXID)
    for outcome_, expected, words in (
        ("succeeded", "passed", "6 confirmations when it was captured; a node's word, and not final"),
        ("failed", "failed", "states that the payment failed"),
        ("pending", "not checked", "in no block yet"),
    ):
        page = Statement(
            kind="explorer", label="A-1/005", says={"txid": FIRST_TXID}, outcome=outcome_, confirmations=6
        )
        ladder = prove(claim, Evidence(statements=(page,), block=FIRST_BLOCK))
        assert outcome(ladder, "explorer_statement") == ["passed", expected]
        assert words in told(ladder)
        assert ladder.strength == "block_on_known_chain"


def test_an_amount_whose_units_are_not_known_is_not_checked():
    record = payment_reference("ethereum", "0x" + "11" * 32, amount="5", asset="USDT")
    claim = Claim.of_reference(record)
    assert (claim.amount_units, claim.amount_text) == (None, "5")
    raw = signed(gasPrice=3, chainId=1)
    ladder = prove(dataclasses.replace(claim, txid=None), Evidence(transaction=raw))
    assert "not checked: amount (typed as 5: units not known)" in told(ladder)
    assert Claim.of_reference({"amount_units": "9" * 5000, "block_height": True}).amount_units is None


def test_labels_are_shown_safely():
    ladder = prove(
        Claim(chain="bitcoin", typed="\u202egpj.exe"),
        Evidence(block=FIRST_BLOCK, labels={"block": "\x1b[2J"}),
    )
    assert "\\u001b[2J" in told(ladder)
    assert "\\u202egpj.exe" in told(ladder)


HOSTILE = "\x1b[2J\u202e\n" + "/" * 5000
RAW = {
    "bitcoin": made(),
    "ethereum": signed(gasPrice=3, chainId=1),
    "tron": raw_data(transfer()),
    "solana": wire(instruction(2, b"\0\1", lamports(42))),
    "xrp": made(),
    "litecoin": made(),
    "lightning": made(),
    "monero": made(),
}


@pytest.mark.parametrize("chain", RAW)
@pytest.mark.parametrize(
    "field", ["txid", "sender", "receiver", "contract", "block_hash", "amount_text", "typed"]
)
def test_what_somebody_claims_is_shown_safely_and_short(chain, field):
    ladder = prove(
        Claim(chain=chain, **{field: HOSTILE}),
        Evidence(
            transaction=RAW[chain],
            block=FIRST_BLOCK,
            previous=tuple(made(amounts=(n,)) for n in range(30)),
            statements=(Statement(kind="node", label=HOSTILE, says={field: "5"}, tron={"txID": HOSTILE}),),
            unread=((HOSTILE, "no reason"),),
        ),
    )
    told(ladder)
    assert all(len(line) < 600 for line in ladder.words())


def test_a_kind_of_contract_that_is_not_known_is_shown_short():
    raw = raw_data(transfer(), 99, "\\" * 3000)
    ladder = prove(Claim(chain="tron", amount_units=5), Evidence(transaction=raw))
    assert "kind: \\\\" in told(ladder)
    assert all(len(line) < 600 for line in ladder.words())


def test_a_payment_reference_makes_the_claim():
    record = payment_reference(
        "btc",
        FIRST_TXID,
        address_to="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        amount="50",
        asset="BTC",
        block_height=0,
        source="a page",
        source_item="A-1/003",
    )
    claim = Claim.of_reference(record)
    assert claim == Claim(
        chain="bitcoin", txid=FIRST_TXID, receiver="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", amount_units=5_000_000_000, height=0,
        typed="entered by hand, read from a page, item A-1/003",
    )  # fmt: skip
    ladder = prove(claim, Evidence(block=FIRST_BLOCK))
    # the first block pays to a bare key: explorers show the address of the key's hash, which is not in the bytes
    assert ladder.strength == "block_on_known_chain"
    assert "pays to the bare key of: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa" in told(ladder)
    other = dataclasses.replace(claim, receiver=base58.encode_check(b"\x00" + b"\x44" * 20))
    assert "another receiver" in told(prove(other, Evidence(block=FIRST_BLOCK)))
    assert Claim.of_reference({}) == Claim(chain="", typed="entered by hand")


def test_an_address_of_a_test_network_is_another():
    main = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    test = base58.encode_check(b"\x6f" + base58.decode_check(main)[1:])
    assert same_address("bitcoin", main, main)
    assert not same_address("bitcoin", test, main)
    ladder = prove(Claim(chain="bitcoin", txid=FIRST_TXID, receiver=test), Evidence(block=FIRST_BLOCK))
    assert "another receiver" in told(ladder)
    assert "receiver (of a test network, where coins have no value)" in told(ladder)
    assert outcome(ladder, "form_ok") == ["failed"]


def test_forms_and_checksums():
    for address, form, checksum in (
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "passed", "passed"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "passed", "failed"),
        ("0x" + "ab" * 20, "failed", "not checked"),
        ("nonsense", "failed", "not checked"),
    ):
        ladder = prove(Claim(chain="bitcoin", receiver=address), Evidence())
        assert (outcome(ladder, "form_ok"), outcome(ladder, "checksum_ok")) == ([form], [checksum]), address
    ladder = prove(Claim(chain="ethereum", receiver="0x" + "ab" * 20), Evidence())
    assert (outcome(ladder, "form_ok"), outcome(ladder, "checksum_ok")) == (["passed"], ["not checked"])
    assert outcome(prove(Claim(chain="bitcoin"), Evidence()), "form_ok") == ["not checked"]
    assert outcome(prove(Claim(chain="bitcoin", txid="0x12"), Evidence()), "form_ok") == ["failed"]


# --- EVM ------------------------------------------------------------------------------------------------


def evm(raw: bytes, **more) -> Claim:
    return Claim(**{"chain": "ethereum", "txid": "0x" + keccak256(raw).hex(), **more})


def test_an_ethereum_transfer_is_signed_by_its_sender():
    raw = signed(gasPrice=3, chainId=1)
    ladder = prove(
        evm(raw, sender=ADDRESS, receiver=EVM_TO, amount_units=5), Evidence(transaction="0x" + raw.hex())
    )
    assert ladder.strength == "signature_matches"
    assert not ladder.failed
    assert "that does not say that it was sent" in told(ladder)
    for more, step in (
        ({"sender": EVM_TO}, "signature_matches"), ({"receiver": ADDRESS}, "content_agrees"), ({"amount_units": 6}, "content_agrees"),
        ({"chain": "bnb-smart-chain"}, "content_agrees"), ({"txid": "0x" + "11" * 32}, "hash_matches"), ({"contract": ADDRESS}, "content_agrees"),
    ):  # fmt: skip
        ladder = prove(evm(raw, **more), Evidence(transaction=raw))
        assert [one.name for one in ladder.failed] == [step], more
    unbound = signed(gasPrice=3)
    assert "holds on any of them" in told(prove(evm(unbound, chain="polygon"), Evidence(transaction=unbound)))


def test_a_token_transfer_on_ethereum():
    usdt = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
    data = token.TRANSFER + word("bb" * 20) + word("0f4240")
    raw = signed(gasPrice=3, chainId=1, to=usdt, value=0, data="0x" + data.hex())
    receiver = "0x" + "bb" * 20
    good = {"sender": ADDRESS, "receiver": receiver, "amount_units": 1_000_000, "contract": usdt.lower()}
    ladder = prove(evm(raw, **good), Evidence(transaction=raw))
    assert ladder.strength == "signature_matches"
    assert "to move 1000000 units of USDT" in told(ladder)
    for more in ({"receiver": usdt}, {"amount_units": 1}, {"contract": receiver}):
        assert (
            outcome(prove(evm(raw, **{**good, **more}), Evidence(transaction=raw)), "content_agrees")[0]
            == "failed"
        )
    ladder = prove(evm(raw, **{**good, "contract": None}), Evidence(transaction=raw))
    assert "no token's contract was stated" in told(ladder)
    other = signed(gasPrice=3, chainId=1, to=usdt, value=0, data="0x1234")
    ladder = prove(evm(other, receiver=receiver, amount_units=1, contract=usdt), Evidence(transaction=other))
    assert "not a plain transfer" in told(ladder)


def test_an_owner_did_not_sign_a_transfer_from():
    """Poisoners move nothing "from" their victim: caller and owner are two."""
    owner = "0x" + "aa" * 20
    data = token.TRANSFER_FROM + word("aa" * 20) + word("bb" * 20) + word("0")
    raw = signed(gasPrice=3, chainId=1, to="0x" + "33" * 20, value=0, data="0x" + data.hex())
    ladder = prove(
        evm(raw, sender=owner, receiver="0x" + "bb" * 20, amount_units=0, contract="0x" + "33" * 20),
        Evidence(transaction=raw),
    )
    words = told(ladder)
    assert outcome(ladder, "content_agrees") == ["passed"]
    assert outcome(ladder, "signature_matches") == ["failed"]
    assert "the stated sender did not sign this" in words
    assert "(owner), by the signer (caller)" in words
    assert ladder.flags == ("zero_transfer",)


def evm_block(bodies: list[bytes], receipts: list[bytes], at: int) -> Evidence:
    root, nodes = build({rlp.encode(rlp.number(n)): one for n, one in enumerate(bodies)})
    receipts_root, receipt_nodes = build({rlp.encode(rlp.number(n)): one for n, one in enumerate(receipts)})
    key = rlp.encode(rlp.number(at))
    return Evidence(
        transaction=bodies[at], header=header_of(transactions=root, receipts=receipts_root), index=at,
        transaction_proof=tuple(proof_of(root, nodes, key)), receipt_proof=tuple(proof_of(receipts_root, receipt_nodes, key)),
    )  # fmt: skip


def replaced(evidence: Evidence, **more) -> Evidence:
    return dataclasses.replace(evidence, **more)


def test_an_ethereum_block_holds_it_and_nothing_went_into_the_header():
    bodies = [signed(gasPrice=3 + n, chainId=1) for n in range(20)]
    receipts = [receipt_of(kind=0, outcome=b"\x01" if n != 4 else b"") for n in range(20)]
    evidence = evm_block(bodies, receipts, 7)
    assert isinstance(evidence.header, bytes)
    claim = evm(
        bodies[7], sender=ADDRESS, height=17_000_000, block_hash="0x" + keccak256(evidence.header).hex()
    )
    ladder = prove(claim, evidence)
    assert ladder.strength == "included_in_given_block"
    assert not ladder.failed
    assert outcome(ladder, "carried_out") == ["passed"]
    assert outcome(ladder, "work_enough") == outcome(ladder, "block_on_known_chain") == ["not checked"]
    assert "anybody can write one" in told(ladder)
    assert prove(claim, replaced(evidence, transaction=None)).strength == "included_in_given_block"
    for more, words in (
        ({"transaction": bodies[8]}, "not those of the stated id"), ({"index": 8}, "not the node"), ({"index": None}, "place in its block"),
        ({"header": header_of()}, "not the stated block's"), ({"header": b"\x80"}, "not a list"), ({"transaction_proof": evidence.transaction_proof[:-1]}, "ends before"),
    ):  # fmt: skip
        ladder = prove(claim, replaced(evidence, **more))
        assert ladder.failed, more
        assert any(one in told(ladder) for one in words.split("|")), more
        assert ladder.strength in ("form_ok", "checksum_ok", "signature_matches"), more
    assert "another height" in told(prove(evm(bodies[7], height=5), evidence))
    ladder = prove(Claim(chain="ethereum"), replaced(evidence, transaction=bodies[8]))
    assert "the block holds another transaction at place 7" in told(ladder)
    assert outcome(ladder, "included_in_given_block") == ["failed"]
    other = evm_block(bodies, [receipt_of(kind=2)] * 20, 7)
    assert "receipt is of another type" in told(prove(evm(bodies[7]), other))
    failed = evm_block(bodies, receipts, 4)
    ladder = prove(evm(bodies[4]), failed)
    assert "it failed: nothing was paid by it" in told(ladder)
    assert outcome(ladder, "carried_out") == ["failed"]


def test_the_report_of_a_token_transfer_stands_in_the_receipt():
    data = token.TRANSFER + word("bb" * 20) + word("05")
    body = signed(gasPrice=3, chainId=1, to="0x" + "33" * 20, value=0, data="0x" + data.hex())
    report = [b"\x33" * 20, [token.TRANSFER_EVENT, word(ADDRESS[2:]), word("bb" * 20)], word("05")]
    fake = [b"\xdd" * 20, *report[1:]]
    for logs, expected in (([report], "passed"), ([fake], "failed"), ([], "failed")):
        ladder = prove(evm(body), evm_block([body], [receipt_of(kind=0, logs=logs)], 0))
        assert outcome(ladder, "carried_out") == [expected]


def test_with_one_byte_changed_an_ethereum_proof_says_what_failed():
    bodies = [signed(gasPrice=3 + n, chainId=1) for n in range(3)]
    evidence = evm_block(bodies, [receipt_of(kind=0)] * 3, 1)
    claim = evm(bodies[1], sender=ADDRESS, block_hash="0x" + keccak256(evidence.header).hex())
    assert not prove(claim, evidence).failed
    for name in ("transaction", "header", "transaction_proof", "receipt_proof"):
        given = getattr(evidence, name)
        whole = given if isinstance(given, bytes) else given[-1]
        for at in range(0, len(whole), 3):
            broken = whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]
            value = broken if isinstance(given, bytes) else (*given[:-1], broken)
            assert prove(claim, replaced(evidence, **{name: value})).failed, (name, at)


def test_the_id_of_a_transaction_that_is_not_read_here_is_still_worked_out():
    for raw, words in ((b"\x7e\xc0", "not known here"), (signed(gasPrice=3, chainId=1)[:-1], "cut off")):
        ladder = prove(evm(raw), Evidence(transaction=raw))
        assert ladder.strength == "hash_matches"
        assert outcome(ladder, "content_agrees") == ["failed"]
        assert words in told(ladder)


def test_a_changed_signature_is_another_signer():
    raw = signed(gasPrice=3, chainId=1)
    broken = raw[:-1] + bytes([raw[-1] ^ 1])
    ladder = prove(Claim(chain="ethereum", sender=ADDRESS), Evidence(transaction=broken))
    assert ladder.failed


# --- TRON -----------------------------------------------------------------------------------------------

TRON_OWNER = (
    b"\x41" + keccak256(coincurve.PrivateKey(b"\x11" * 32).public_key.format(compressed=False)[1:])[-20:]
)


def text(address: bytes) -> str:
    return tron_transaction.address_text(address)


def test_a_tron_transfer():
    raw = raw_data(transfer(owner=TRON_OWNER))
    claim = Claim(
        chain="tron",
        txid=hashlib.sha256(raw).hexdigest(),
        sender=text(TRON_OWNER),
        receiver=text(TRON_TO),
        amount_units=5,
    )
    shown = as_json(tron_transaction.read_transaction(raw))
    shown["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"] = TRON_OWNER.hex()
    page = Statement(kind="explorer", label="A-1/006", tron=shown)
    good = Evidence(transaction=raw.hex(), signatures=(tron_signed(raw),), statements=(page,))
    ladder = prove(claim, good)
    assert ladder.strength == "signature_matches"
    assert not ladder.failed
    assert outcome(ladder, "explorer_statement")[-1] == "passed"
    shown["raw_data"]["contract"][0]["parameter"]["value"]["amount"] = 500_000
    ladder = prove(claim, good)
    assert ladder.strength == "signature_matches"
    assert ladder.flags == ("capture_inconsistent",)
    assert "A-1/006 shows another amount than the bytes beside it (expected 5, found 500000)" in told(ladder)
    for more, step in (
        ({"amount_units": 6}, "content_agrees"),
        ({"receiver": text(TRON_OWNER)}, "content_agrees"),
        ({"sender": text(TRON_TO)}, "content_agrees"),
        ({"txid": "0" * 64}, "hash_matches"),
    ):
        assert step in {one.name for one in prove(replaced(claim, **more), Evidence(transaction=raw)).failed}


def test_with_one_byte_changed_a_tron_proof_says_what_failed():
    raw = raw_data(transfer(owner=TRON_OWNER))
    signature = tron_signed(raw)
    claim = Claim(chain="tron", txid=hashlib.sha256(raw).hexdigest(), sender=text(TRON_OWNER))
    for at in range(len(raw)):
        broken = raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :]
        assert (
            prove(claim, Evidence(transaction=broken, signatures=(signature,))).failed[0].name
            == "hash_matches"
        )
    for at in range(65):
        broken = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert (
            prove(claim, Evidence(transaction=raw, signatures=(broken,))).failed[0].name
            == "signature_matches"
        )


def test_owner_and_signer_are_two():
    raw = raw_data(transfer())
    ladder = prove(Claim(chain="tron"), Evidence(transaction=raw, signatures=(tron_signed(raw),)))
    assert outcome(ladder, "signature_matches") == ["failed"]
    assert "signed by another key than the owner's" in told(ladder)
    raw = raw_data(transfer(), permission=b"\x28\x02")
    ladder = prove(Claim(chain="tron"), Evidence(transaction=raw, signatures=(tron_signed(raw),)))
    assert outcome(ladder, "signature_matches") == ["not checked"]
    assert "under permission 2" in told(ladder)
    both = raw_data(transfer(owner=TRON_OWNER))
    other = Account.from_key("0x" + "22" * 32).unsafe_sign_hash(hashlib.sha256(both).digest()).signature
    ladder = prove(
        Claim(chain="tron"), Evidence(transaction=both, signatures=(bytes(other), tron_signed(both)))
    )
    assert outcome(ladder, "signature_matches") == ["passed"]
    assert len([name for name, _ in ladder.facts if name == "signed by"]) == 2


def test_a_tron_token_transfer():
    data = token.TRANSFER + bytes(12) + TRON_TO[1:] + (7).to_bytes(32, "big")
    contract = b"\x41" + b"\xcc" * 20
    raw = call(data, contract=contract)
    claim = Claim(chain="tron", contract=text(contract), receiver=text(TRON_TO), amount_units=7)
    assert outcome(prove(claim, Evidence(transaction=raw)), "content_agrees") == ["passed"]
    for more in ({"amount_units": 8}, {"contract": text(TRON_TO)}, {"receiver": text(contract)}):
        assert (
            outcome(prove(replaced(claim, **more), Evidence(transaction=raw)), "content_agrees")[0]
            == "failed"
        )
    ladder = prove(replaced(claim, contract=None), Evidence(transaction=raw))
    assert "no token's contract was stated" in told(ladder)


def test_a_tron_call_that_moves_another_accounts_tokens():
    data = token.TRANSFER_FROM + bytes(12) + b"\xdd" * 20 + bytes(12) + TRON_TO[1:] + bytes(32)
    raw = call(data).replace(b"\x41" + b"\xaa" * 20, TRON_OWNER)
    victim = text(b"\x41" + b"\xdd" * 20)
    ladder = prove(
        Claim(chain="tron", sender=victim), Evidence(transaction=raw, signatures=(tron_signed(raw),))
    )
    assert outcome(ladder, "signature_matches") == ["failed"]
    assert "did not sign this" in told(ladder)
    assert ladder.flags == ("zero_transfer",)


# --- the others -----------------------------------------------------------------------------------------


def test_solana():
    raw = wire(instruction(2, b"\0\1", lamports(42)))
    claim = Claim(
        chain="solana",
        txid=base58.encode(raw[1:65]),
        sender=base58.encode(SOLANA_FROM),
        receiver=base58.encode(SOLANA_TO),
        amount_units=42,
    )
    assert prove(claim, Evidence(transaction=raw)).strength == "signature_matches"
    for more in (
        {"amount_units": 43},
        {"receiver": claim.sender},
        {"sender": claim.receiver},
        {"txid": base58.encode(b"\1" * 64)},
    ):
        assert prove(replaced(claim, **more), Evidence(transaction=raw)).failed
    for at in range(len(raw)):
        assert prove(claim, Evidence(transaction=raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])).failed


def test_lightning():
    preimage = b"\x42" * 32
    good = hashlib.sha256(preimage).hexdigest()
    ladder = prove(Claim(chain="other:lightning"), Evidence(preimage=preimage, payment_hash=good))
    assert ladder.strength == "hash_matches"
    assert "who paid and who was paid" in told(ladder)
    ladder = prove(Claim(chain="lightning"), Evidence(preimage=preimage, payment_hash="00" * 32))
    assert [one.name for one in ladder.failed] == ["hash_matches"]
    assert not prove(Claim(chain="lightning"), Evidence(preimage=preimage)).failed


@pytest.mark.parametrize(
    "chain", ["xrp", "litecoin", "dogecoin", "bitcoin-cash", "monero", "ton", "other:thing", "", "lightning"]
)
def test_of_other_chains_less_is_shown_and_said(chain):
    ladder = prove(Claim(chain=chain, txid="11" * 32), Evidence(transaction=made()))
    assert ladder.strength in ("nothing", "form_ok")
    told(ladder)
    ladder = prove(Claim(chain=chain, txid=sha256d(made())[::-1].hex()), Evidence(transaction=made()))
    assert (ladder.strength == "hash_matches") == (chain in ("litecoin", "dogecoin", "bitcoin-cash"))


# --- nothing else comes out -----------------------------------------------------------------------------

BYTES = st.one_of(
    st.none(),
    st.binary(max_size=120),
    st.text(max_size=40),
    st.sampled_from([FIRST_COINBASE, FIRST_BLOCK, made(), bytes.fromhex(GENESIS), raw_data(transfer())]),
)
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=60),
    st.sampled_from([FIRST_TXID, ADDRESS, text(TRON_TO), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]),
)


@settings(max_examples=150)
@given(st.data())
def test_whatever_is_given_a_ladder_comes_out(data):
    draw = data.draw
    claim = Claim(
        chain=draw(st.sampled_from(["bitcoin", "ethereum", "tron", "solana", "xrp", "litecoin", "lightning", "monero", "other:x"])),
        txid=draw(TEXTS), sender=draw(TEXTS), receiver=draw(TEXTS), contract=draw(TEXTS), block_hash=draw(TEXTS),
        amount_units=draw(st.none() | st.integers()), height=draw(st.none() | st.integers(-5, 10**12)),
    )  # fmt: skip
    some = st.lists(BYTES.filter(lambda one: one is not None), max_size=2).map(tuple)
    evidence = Evidence(
        transaction=draw(BYTES), signatures=draw(some), merkleblock=draw(BYTES), block=draw(BYTES), headers=draw(BYTES), previous=draw(some),
        header=draw(BYTES), index=draw(st.none() | st.integers()), transaction_proof=draw(some), receipt_proof=draw(some),
        preimage=draw(BYTES), payment_hash=draw(BYTES),
        statements=(Statement(kind="explorer", label=draw(st.text(max_size=9)), says={"txid": draw(st.text(max_size=70)), "sender": draw(st.text(max_size=50))}, tron={"txID": draw(st.text())}),),
    )  # fmt: skip
    told(prove(claim, evidence))
