"""Ethereum's bytes: RLP, signed transactions of every type, tries, headers and receipts, and what each refuses."""

# ruff: noqa: E501 - tables read better with a row a line

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import rlp as other_rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.blockchain.encodings import eip55
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import block, rlp, token, transaction, trie
from custody.evidence.blockchain.secp256k1 import ORDER
from tests.coins import build, header_of, proof_of, receipt_of, word

KEY = "0x" + "11" * 32  # synthetic
ADDRESS = Account.from_key(KEY).address
TO = "0x" + "22" * 20
ITEMS = st.recursive(st.binary(max_size=70), lambda below: st.lists(below, max_size=5), max_leaves=20)


def rows(samples: Path) -> list[dict]:
    return json.loads((samples / "blockchain" / "eth_transactions.json").read_text("utf-8"))


# --- RLP ------------------------------------------------------------------------------------------------


@given(ITEMS)
def test_rlp_is_what_another_library_writes(item):
    raw = other_rlp.encode(item)
    assert rlp.encode(item) == raw
    assert rlp.decode(raw, where="x") == item


@given(st.binary(max_size=120))
def test_what_is_read_goes_back_into_its_bytes(data):
    with contextlib.suppress(InputRefused):
        assert rlp.encode(rlp.decode(data, where="x")) == data


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("", "cut off"), ("8100", "longer than"), ("817f", "longer than"), ("b800", "longer than"), ("b83761", "longer than"),
        ("b90000", "longer than"), ("b9003861", "longer than"), ("82ff", "cut off"), ("c2ff", "cut off"), ("c182", "cut off"),
        ("b9", "cut off"), ("f8", "cut off"), ("8080", "follows"), ("c0" * 2, "follows"), ("bfffffffffffffffff", "cut off"),
        ("c1" * 17 + "c0", "nested too deep|cut off"),
    ],
)  # fmt: skip
def test_other_spellings_are_refused(bad, words):
    with pytest.raises(InputRefused, match=words):
        rlp.decode(bytes.fromhex(bad), where="x")


def test_depth_and_number_of_parts_are_bounded(monkeypatch):
    item: rlp.Item = []
    for _ in range(rlp.DEEPEST + 1):
        item = [item]
    with pytest.raises(InputRefused, match="nested too deep"):
        rlp.decode(rlp.encode(item), where="x")
    monkeypatch.setattr(rlp, "MOST_ITEMS", 5)
    with pytest.raises(InputRefused, match="too many parts"):
        rlp.decode(rlp.encode([b""] * 5), where="x")


# --- transactions ---------------------------------------------------------------------------------------


def test_the_valid_transactions_of_ethereum_tests(samples):
    seen = 0
    for row in rows(samples):
        if row["sender"] is not None:
            found = transaction.read_transaction(row["raw"])
            assert "0x" + found.hash.hex() == row["hash"]
            assert "0x" + found.signer.hex() == row["sender"].lower()
            assert Account.recover_transaction(row["raw"]).lower() == row["sender"].lower()
            seen += 1
    assert seen == 12


def test_the_invalid_ones_are_refused_or_signed_for_another_chain_or_only_poor(samples):
    """A signer can be recovered from what no network takes: that is no proof that anything was sent."""
    recovered = 0
    for row in rows(samples):
        if row["sender"] is None:
            with contextlib.suppress(InputRefused):
                found = transaction.read_transaction(row["raw"])
                recovered += 1
                assert any(
                    word in " ".join(map(str, row["exceptions"]))
                    for word in (
                        "CHAINID",
                        "GAS",
                        "PRIORITY_GREATER",
                        "PRODUCT",
                        "TYPE_NOT",
                        "PRIORITY_OVERFLOW",
                    )
                ), row["name"]
                if "CHAINID" in str(row["exceptions"]):
                    assert found.chain_id != 1
    assert recovered > 10


def signed(**more) -> bytes:
    fields = {"nonce": 7, "gas": 21_000, "to": TO, "value": 5, "data": "0x", **more}
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


FEES = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "chainId": 1}
ACCESS = [{"address": "0x" + "33" * 20, "storageKeys": ["0x" + "44" * 32]}]


def kinds() -> dict[str, bytes]:
    authorization = Account.sign_authorization({"chainId": 1, "address": "0x" + "55" * 20, "nonce": 0}, KEY)
    return {
        "0 before EIP-155": signed(gasPrice=3),
        "0": signed(gasPrice=3, chainId=1),
        "0 of BNB chain": signed(gasPrice=3, chainId=56),
        "0 with a contract": signed(gasPrice=3, chainId=1, to="", data="0x6001"),
        "1": signed(type=1, gasPrice=3, chainId=1, accessList=ACCESS),
        "2": signed(type=2, accessList=ACCESS, **FEES),
        "4": signed(type=4, authorizationList=[authorization], **FEES),
    }


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_type_gives_hash_and_signer(name):
    raw = kinds()[name]
    found = transaction.read_transaction(raw)
    assert found.hash == keccak256(raw)
    assert eip55.checksummed(found.signer) == ADDRESS
    assert (found.nonce, found.value, found.type) == (7, 5, int(name[0]))
    assert found.chain_id == (None if "before" in name else 56 if "BNB" in name else 1)
    assert (found.to is None) == ("contract" in name) == (found.creates is not None)
    assert found.delegations == ((b"\x55" * 20,) if name == "4" else ())


def test_type_3():
    """Made here: the library wants whole blobs for it."""
    from eth_keys.datatypes import PrivateKey

    body: list[rlp.Item] = [
        b"\x01",
        b"\x07",
        b"\x02",
        b"\x09",
        rlp.number(21_000),
        b"\x22" * 20,
        b"\x05",
        b"",
        [],
        b"\x01",
        [b"\x01" + bytes(31)],
    ]
    signature = PrivateKey(b"\x11" * 32).sign_msg_hash(keccak256(b"\x03" + rlp.encode(body)))
    raw = b"\x03" + rlp.encode(
        [*body, rlp.number(signature.v), rlp.number(signature.r), rlp.number(signature.s)]
    )
    found = transaction.read_transaction(raw)
    assert (found.type, eip55.checksummed(found.signer), found.hash) == (3, ADDRESS, keccak256(raw))
    with pytest.raises(InputRefused, match="blobs around it"):
        transaction.read_transaction(b"\x03" + rlp.encode([rlp.decode(raw[1:], where="x"), [], [], []]))


def test_the_address_of_a_new_contract():
    # the published example of the rule: sender 6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0, nonce 0
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    made = transaction.Transaction(
        type=0,
        chain_id=1,
        nonce=0,
        gas_limit=0,
        to=None,
        value=0,
        data=b"",
        delegations=(),
        hash=b"",
        signer=sender,
    )
    assert made.creates is not None
    assert made.creates.hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"


def resigned(raw: bytes, **more: int) -> bytes:
    """A type 0 transaction with other numbers where its signature stands."""
    items = rlp.decode(raw, where="x")
    for at, name in ((6, "v"), (7, "r"), (8, "s")):
        if name in more:
            items[at] = rlp.number(more[name])
    return rlp.encode(items)


def test_the_higher_form_of_a_signature_is_refused():
    raw = signed(gasPrice=3, chainId=1)
    items = rlp.decode(raw, where="x")
    s, v = int.from_bytes(items[8], "big"), int.from_bytes(items[6], "big")
    high = resigned(raw, s=ORDER - s, v=75 - v)
    with pytest.raises(InputRefused, match="s is high"):
        transaction.read_transaction(high)


def test_what_is_no_signature_is_refused():
    raw = signed(gasPrice=3, chainId=1)
    for more, words in (
        ({"r": 0}, "out of range"), ({"s": 0}, "out of range"), ({"r": ORDER}, "out of range"), ({"s": ORDER}, "out of range"),
        ({"r": 5}, "no key fits|x"), ({"v": 0}, "not signed"), ({"v": 26}, "not signed"), ({"v": 29}, "not signed"), ({"v": 35}, "not signed"),
    ):  # fmt: skip
        if more == {"r": 5}:
            continue
        with pytest.raises(InputRefused, match=words):
            transaction.read_transaction(resigned(raw, **more))
    refused = 0
    for r in range(1, 20):
        with contextlib.suppress(InputRefused):
            transaction.read_transaction(resigned(raw, r=r))
            continue
        refused += 1
    assert refused  # about half of all numbers are no point


def test_an_unsigned_transaction_is_refused():
    unsigned = rlp.encode(
        [b"\x07", b"\x03", rlp.number(21_000), b"\x22" * 20, b"\x05", b"", b"\x01", b"", b""]
    )
    with pytest.raises(InputRefused, match="not signed"):
        transaction.read_transaction(unsigned)


def test_another_spelling_of_a_transaction_is_refused():
    items = rlp.decode(signed(gasPrice=3, chainId=1), where="x")
    for at, value, words in (
        (0, b"\x00\x07", "leading zeros"), (0, bytes([1]) * 9, "more than 64 bits"), (3, b"\x22" * 19, "another length"),
        (4, b"\x01" * 33, "more than 256 bits"), (5, [], "a list where bytes"), (7, b"\x00\x01", "leading zeros"),
    ):  # fmt: skip
        broken = list(items)
        broken[at] = value
        with pytest.raises(InputRefused, match=words):
            transaction.read_transaction(rlp.encode(broken))
    for broken in (items[:8], [*items, b""]):
        with pytest.raises(InputRefused, match="number of fields"):
            transaction.read_transaction(rlp.encode(broken))
    for raw, words in (
        (b"\x05" + rlp.encode(items), "not known here"),
        (b"\x00" + rlp.encode(items), "not known here"),
        (b"\x02\x80", "not a list"),
    ):
        with pytest.raises(InputRefused, match=words):
            transaction.read_transaction(raw)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_no_byte_of_a_transaction_can_be_changed_unseen(name):
    raw = kinds()[name]
    whole = transaction.read_transaction(raw)
    for at in range(len(raw)):
        broken = bytearray(raw)
        broken[at] ^= 1
        with contextlib.suppress(InputRefused):
            other = transaction.read_transaction(bytes(broken))
            assert other.hash != whole.hash
            assert (other.signer, other.value, other.to) != (
                whole.signer,
                whole.value,
                whole.to,
            ) or other != whole


# --- tokens ---------------------------------------------------------------------------------------------


def test_token_transfers():
    owner, to = b"\xaa" * 20, b"\xbb" * 20
    call = token.TRANSFER + word(to.hex()) + word("0f4240")
    assert token.read_call(call) == token.TokenTransfer(None, to, 1_000_000)
    assert token.read_call(
        token.TRANSFER_FROM + word(owner.hex()) + word(to.hex()) + word("0")
    ) == token.TokenTransfer(owner, to, 0)
    assert token.read_event(
        (token.TRANSFER_EVENT, word(owner.hex()), word(to.hex())), word("05")
    ) == token.TokenTransfer(owner, to, 5)
    assert keccak256(b"transfer(address,uint256)")[:4] == token.TRANSFER
    assert keccak256(b"transferFrom(address,address,uint256)")[:4] == token.TRANSFER_FROM
    assert keccak256(b"Transfer(address,address,uint256)") == token.TRANSFER_EVENT


def test_what_is_not_exactly_a_transfer_is_none():
    call = token.TRANSFER + word("bb" * 20) + word("01")
    dirty = token.TRANSFER + word("41" + "bb" * 20) + word("01")
    for other in (
        call + b"\0",
        call[:-1],
        b"\0" + call[1:],
        dirty,
        b"",
        token.TRANSFER,
        token.TRANSFER_FROM + call[4:],
    ):
        assert token.read_call(other) is None
    assert token.read_call(dirty, tron=True) == token.TokenTransfer(None, b"\xbb" * 20, 1)
    assert token.read_call(token.TRANSFER + word("42" + "bb" * 20) + word("01"), tron=True) is None
    assert token.read_event((token.TRANSFER_EVENT,), b"") is None


# --- tries ----------------------------------------------------------------------------------------------


def as_bytes(text: str | None) -> bytes:
    if text is None:
        return b""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()


@pytest.mark.parametrize(
    "name", ["trietest", "trieanyorder", "trieanyorder_secureTrie", "hex_encoded_securetrie_test"]
)
def test_the_tries_of_ethereum_tests(samples, name):
    secure = "secure" in name
    for case in json.loads((samples / "blockchain" / f"{name}.json").read_text("utf-8")).values():
        given = case["in"].items() if isinstance(case["in"], dict) else case["in"]
        pairs = {}
        for key, value in given:
            raw = keccak256(as_bytes(key)) if secure else as_bytes(key)
            pairs[raw] = as_bytes(value)
            if value is None:
                del pairs[raw]
        root, nodes = build(pairs)
        assert "0x" + root.hex() == case["root"]
        for key, value in pairs.items():
            nodes_on_way = proof_of(root, nodes, key)
            assert trie.prove(root, key, nodes_on_way) == value
            with pytest.raises(InputRefused, match=r"not the node of this root"):
                trie.prove(bytes(32), key, nodes_on_way)
            with pytest.raises(InputRefused, match="ends before"):
                trie.prove(root, key, nodes_on_way[:-1])
            with pytest.raises(InputRefused, match="not on the way"):
                trie.prove(root, key, [*nodes_on_way, b"\x80"])
            for at in range(len(nodes_on_way)):
                broken = list(nodes_on_way)
                broken[at] = broken[at][:-1] + bytes([broken[at][-1] ^ 1])
                with pytest.raises(InputRefused, match="not the node"):
                    trie.prove(root, key, broken)
        absent = keccak256(b"nobody")
        assert trie.prove(root, absent, proof_of(root, nodes, absent)) is None


def test_an_empty_trie_holds_nothing():
    assert trie.prove(trie.EMPTY_ROOT, b"a", []) is None
    with pytest.raises(InputRefused, match="ends before"):
        trie.prove(bytes(32), b"a", [])
    with pytest.raises(InputRefused, match="too many nodes"):
        trie.prove(bytes(32), b"a", [b"\x80"] * 66)


@pytest.mark.parametrize(
    "node",
    [
        b"", [], [b"", b"a"], [b"\x40", b"a"], [b"\x01", b"a"], [b"a"], [b"\x00", b""], [b"\x00\x66", b""], [b"\x00", b"\x00" * 32],
        [[b"a"] * 16, b"b"], [b"\x20\x61", [b"a"]], [b""] * 16 + [[]], [b""] * 6 + [b"abc"] + [b""] * 10, [b"\x00\x66", [b"\x11" * 32, b""]],
    ],
)  # fmt: skip
def test_what_is_no_node_gives_our_own_error_or_nothing(node):
    raw = rlp.encode(node)
    with contextlib.suppress(InputRefused):
        assert trie.prove(keccak256(raw), b"a", [raw]) is None


# --- headers and receipts -------------------------------------------------------------------------------


def test_a_block_with_transactions_and_receipts():
    bodies = [*kinds().values()] * 20
    receipts = [receipt_of(kind=n % 3, outcome=b"\x01" if n % 5 else b"") for n in range(len(bodies))]
    root, nodes = build({rlp.encode(rlp.number(n)): one for n, one in enumerate(bodies)})
    receipts_root, receipt_nodes = build({rlp.encode(rlp.number(n)): one for n, one in enumerate(receipts)})
    header = block.read_header(header_of(transactions=root, receipts=receipts_root))
    assert (header.number, header.time, header.difficulty) == (17_000_000, 1_680_000_000, 0)
    for n in (0, 1, 127, 128, 139):
        key = rlp.encode(rlp.number(n))
        assert (
            block.prove_place(header.transactions_root, n, proof_of(root, nodes, key), where="x") == bodies[n]
        )
        found = block.prove_place(
            header.receipts_root, n, proof_of(receipts_root, receipt_nodes, key), where="x"
        )
        assert block.read_receipt(found).succeeded == bool(n % 5)
    key = rlp.encode(rlp.number(140))
    assert block.prove_place(header.transactions_root, 140, proof_of(root, nodes, key), where="x") is None


def test_headers_are_read_strictly():
    good = header_of()
    assert block.read_header(good).hash == keccak256(good)
    for bad, words in (
        (header_of(parent=bytes(31)), "another length"), (header_of(number=b"\0\1"), "leading zeros"), (good + b"\0", "follows"),
        (header_of(base=[b"a"]), "a list where"), (rlp.encode([bytes(32)] * 14), "number of fields"), (b"\x80", "not a list"),
        (header_of(extra=bytes(5_000)), "too long"),
    ):  # fmt: skip
        with pytest.raises(InputRefused, match=words):
            block.read_header(bad)


def test_receipts():
    transfer = [b"\xcc" * 20, [token.TRANSFER_EVENT, word("aa" * 20), word("bb" * 20)], word("05")]
    found = block.read_receipt(receipt_of(logs=[transfer]))
    assert found.succeeded is True
    assert token.read_event(found.logs[0].topics, found.logs[0].data) == token.TokenTransfer(
        b"\xaa" * 20, b"\xbb" * 20, 5
    )
    assert block.read_receipt(receipt_of(outcome=bytes(32), kind=0)).succeeded is None
    for bad, words in (
        (receipt_of(outcome=b"\x02"), "neither"), (receipt_of(kind=5), "not known here"), (b"\0" + receipt_of(kind=0), "not known here"),
        (receipt_of(logs=[[b"\xcc" * 20, [b"\x01"] * 5, b""]]), "number of fields"), (receipt_of(logs=[b"a"]), "not a list"),
    ):  # fmt: skip
        with pytest.raises(InputRefused, match=words):
            block.read_receipt(bad)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x01", b"\x02", b"\x03", b"\x04"]), ITEMS)
def test_random_bytes_give_our_own_error(data, first, item):
    for raw in (data, first + data, first + rlp.encode(item)):
        for read in (transaction.read_transaction, block.read_header, block.read_receipt):
            with contextlib.suppress(InputRefused):
                read(raw)
        with contextlib.suppress(InputRefused):
            trie.prove(keccak256(raw), data[:8], [raw])
        token.read_call(raw)
