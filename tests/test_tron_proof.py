"""TRON's bytes: ids, signers and amounts from the hex, and the JSON beside it against them."""

# ruff: noqa: E501 - tables read better with a row a line

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from pathlib import Path

import pytest
from eth_keys.datatypes import PrivateKey, Signature
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.blockchain import protobuf
from custody.evidence.blockchain.ethereum.token import TRANSFER, TRANSFER_FROM
from custody.evidence.blockchain.secp256k1 import ORDER
from custody.evidence.blockchain.tron import shown, transaction
from tests.coins import OWNER, TO, as_json, call, field, raw_data, transfer

KEY = PrivateKey(b"\x11" * 32)


def rows(samples: Path) -> list[dict]:
    return json.loads((samples / "blockchain" / "tron_transactions.json").read_text("utf-8"))


def test_the_transactions_of_wallet_core(samples):
    signed = 0
    for row in rows(samples):
        found = transaction.read_transaction(row["raw_data_hex"])
        assert found.txid == row["txID"] == transaction.transaction_id(row["raw_data_hex"])
        assert found.kind == row["raw_data"]["contract"][0]["type"]
        assert shown.differences(row, found) == ()
        value = row["raw_data"]["contract"][0]["parameter"]["value"]
        if found.understood:
            assert found.owner.hex() == value["owner_address"]
            assert found.to.hex() == value.get("to_address", value.get("contract_address"))
            assert found.amount == value.get("amount", value.get("call_value", 0))
        for one in row.get("signature", []):
            who = transaction.signer(found.txid, one)
            raw = bytes.fromhex(one)
            other = Signature(raw[:64] + bytes([raw[64] % 27])).recover_public_key_from_msg_hash(
                bytes.fromhex(found.txid)
            )
            assert who == b"\x41" + other.to_canonical_address()
            signed += 1
    assert (len(rows(samples)), signed) == (7, 6)


def test_amounts_of_tokens_are_read_from_the_call(samples):
    tokens = [
        found.token
        for row in rows(samples)
        if (found := transaction.read_transaction(row["raw_data_hex"])).token
    ]
    assert [one.units for one in tokens] == [1000, 10_000 * 10**18]
    assert {one.owner for one in tokens} == {None}


# --- made-up transactions -------------------------------------------------------------------------------


def test_a_transfer():
    raw = raw_data(transfer(), permission=field(5, 2))
    found = transaction.read_transaction(raw)
    assert found.txid == hashlib.sha256(raw).hexdigest()
    assert (found.owner, found.to, found.amount, found.permission) == (OWNER, TO, 5, 2)
    assert (found.expiration, found.time, found.not_read) == (1_700_000_060_000, 1_700_000_000_000, ())
    assert transaction.address_text(OWNER).startswith("T")


def test_a_call_of_a_token():
    words = [bytes(12) + TO[1:], (7).to_bytes(32, "big")]
    found = transaction.read_transaction(call(TRANSFER + b"".join(words)))
    assert (found.token.to, found.token.units, found.token.owner, found.amount) == (TO[1:], 7, None, 0)
    found = transaction.read_transaction(call(TRANSFER_FROM + bytes(12) + OWNER[1:] + b"".join(words)))
    assert found.token.owner == OWNER[1:]
    found = transaction.read_transaction(call(TRANSFER + words[0]))
    assert found.token is None
    assert found.understood


def test_the_json_beside_the_bytes_is_not_believed():
    """An explorer, or whoever made the capture, can show another amount or receiver than the bytes carry."""
    found = transaction.read_transaction(raw_data(transfer()))
    good = as_json(found)
    assert shown.differences(good, found) == ()
    value = good["raw_data"]["contract"][0]["parameter"]["value"]
    for name, other in (
        ("amount", 500),
        ("amount", True),
        ("amount", 5.0),
        ("amount", "6"),
        ("to_address", OWNER.hex()),
        ("owner_address", transaction.address_text(TO)),
        ("to_address", "T" * 34),
        ("to_address", 7),
        ("to_address", "1" * 5000),
    ):
        changed = copy.deepcopy(good)
        changed["raw_data"]["contract"][0]["parameter"]["value"][name] = other
        assert [one.field for one in shown.differences(changed, found)] == [name]
    value["amount"] = "5"
    assert shown.differences(good, found) == ()
    for changed in (
        {**good, "txID": "00" * 32},
        {**good, "raw_data": {**good["raw_data"], "timestamp": 1}},
        {"raw_data": {"contract": []}},
        {"raw_data": {"contract": [{"type": "VoteWitnessContract"}]}},
    ):
        assert len(shown.differences(changed, found)) == 1
    assert shown.differences({}, found) == shown.differences({"raw_data": []}, found) == ()


def test_the_data_of_a_call_is_compared_too():
    found = transaction.read_transaction(call(b"\x01\x02"))
    value = {"data": "0102", "contract_address": TO.hex()}
    good = {"raw_data": {"contract": [{"type": "TriggerSmartContract", "parameter": {"value": value}}]}}
    assert shown.differences(good, found) == ()
    value["data"] = "0103"
    assert shown.differences(good, found)[0].field == "data"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (raw_data(transfer() + field(3, 6)), "there 2 times"),  # the last one wins on the network, the first one in a display
        (raw_data(transfer() + field(2, OWNER)), "there 2 times"),
        (raw_data(transfer()) + field(11, b""), "not exactly one contract"),
        (raw_data(transfer())[:-1], "cut off|number"),
        (raw_data(transfer(), name="TransferAssetContract"), "differ"),
        (raw_data(transfer(), number=4), "differ"),
        (raw_data(transfer(), number=31), "differ"),
        (raw_data(transfer(amount=-1)), "negative"),
        (raw_data(transfer(to=TO[1:])), "not an address"),
        (raw_data(transfer(to=b"\x42" + TO[1:])), "not an address"),
        (raw_data(transfer() + field(9, 1)), "does not have"),
        (raw_data(field(1, 5) + field(2, TO)), "a number where bytes"),
        (raw_data(field(1, OWNER) + field(2, TO) + field(3, b"a")), "bytes where a number"),
        (raw_data(transfer()) + b"\x80\x80\x00", "longer than it need be"),
        (raw_data(transfer()) + b"\xf8\x01\x85\x00", "longer than it need be"),
        (raw_data(transfer()) + b"\x70" + b"\xff" * 10, "more than 64 bits|64"),
        (raw_data(transfer()) + b"\x00\x01", "field's number"),
        (raw_data(transfer()) + b"\x0b", "wire type 3"),
        (b"\x0a\x05ab", "cut off"),
        (b"", "empty"),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused(raw, words):
    with pytest.raises(InputRefused, match=words):
        transaction.read_transaction(raw)


def test_other_kinds_keep_their_name_only():
    found = transaction.read_transaction(raw_data(b"\xff\xff", number=4, name="VoteWitnessContract"))
    assert (found.kind, found.understood, found.owner, found.amount) == (
        "VoteWitnessContract",
        False,
        None,
        None,
    )
    assert transaction.read_transaction(raw_data(b"", number=99, name="\n")).kind == "type 99"


def test_fields_that_are_not_read_are_named():
    assert transaction.read_transaction(raw_data(transfer(), more=field(10, b"memo"))).not_read == (10,)


def test_signatures():
    found = transaction.read_transaction(raw_data(transfer()))
    made = KEY.sign_msg_hash(bytes.fromhex(found.txid))
    who = b"\x41" + KEY.public_key.to_canonical_address()
    plain = made.to_bytes()
    for raw in (plain, plain[:64] + bytes([plain[64] + 27])):
        assert transaction.signer(found.txid, raw) == who
    high = plain[:32] + (ORDER - made.s).to_bytes(32, "big") + bytes([1 - plain[64]])
    assert transaction.signer(found.txid, high) == who
    for at in (0, 33, 64):
        broken = bytearray(plain)
        broken[at] ^= 1
        with contextlib.suppress(InputRefused):
            assert transaction.signer(found.txid, bytes(broken)) != who
    for bad in (plain[:64], plain[:64] + b"\x02", bytes(65), b"\xff" * 64 + b"\x00"):
        with pytest.raises(InputRefused, match=r"not a signature"):
            transaction.signer(found.txid, bad)


@given(st.data())
def test_damage_gives_our_own_error_or_another_id(data):
    whole = raw_data(transfer())
    raw = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputRefused):
        found = transaction.read_transaction(bytes(raw))
        assert (found.txid == hashlib.sha256(whole).hexdigest()) == (bytes(raw) == whole)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["txID", "raw_data", "contract", "parameter", "value", "type", "amount", "owner_address"]
            ),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=150), st.dictionaries(st.sampled_from(["txID", "raw_data"]), JSON))
def test_random_bytes_and_json_give_our_own_error(data, json_value):
    with contextlib.suppress(InputRefused):
        transaction.read_transaction(data)
    with contextlib.suppress(InputRefused):
        protobuf.Message(data, "x")
    with contextlib.suppress(InputRefused):
        transaction.signer("11" * 32, data)
    shown.differences(json_value, transaction.read_transaction(raw_data(transfer())))
