"""Bitcoin's bytes: transactions as Core's vectors have them, partial trees, headers, and the traps of each."""

# ruff: noqa: E501 - tables read better with a row a line

from __future__ import annotations

import contextlib
import itertools
import json
from pathlib import Path

import pytest
from btclib.tx.tx import Tx
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.blockchain.bitcoin import header, inclusion, known, script, transaction
from custody.evidence.blockchain.encodings.hashes import sha256d
from tests.coins import GENESIS, allow_test_network, leaves_of, made, merkleblock, mine, partial, root_of

LIMIT = header.EASIEST_BITS


@pytest.fixture
def test_network(monkeypatch):
    allow_test_network(monkeypatch)


def vectors(samples: Path) -> list[str]:
    rows = json.loads((samples / "blockchain" / "bitcoinjs_core_tx_valid.json").read_text("utf-8"))
    return [row[1] for row in rows if len(row) == 3]


def test_the_transactions_of_core_have_the_ids_that_another_library_gives_them(samples):
    found = vectors(samples)
    assert len(found) >= 100
    for raw in found:
        ours, theirs = transaction.read_transaction(raw), Tx.parse(raw)
        assert ours.txid == theirs.id.hex()
        assert ours.wtxid == theirs.hash.hex()
        assert (ours.size, ours.version, ours.locktime) == (theirs.size, theirs.version, theirs.lock_time)
        assert [(one.txid, one.index) for one in ours.inputs] == [
            (one.prev_out.tx_id.hex(), one.prev_out.vout) for one in theirs.vin
        ]
        assert [(one.satoshis, one.script) for one in ours.outputs] == [
            (int(one.value), one.script_pub_key.script) for one in theirs.vout
        ]


def test_addresses_are_those_that_another_library_gives(samples):
    seen = set()
    for raw in vectors(samples):
        for ours, theirs in zip(transaction.read_transaction(raw).outputs, Tx.parse(raw).vout, strict=True):
            paid = ours.paid
            if paid.address is not None:
                seen.add(paid.kind)
                assert paid.address == theirs.script_pub_key.address
    assert seen == {"p2pkh", "p2sh"}


def test_scripts_of_bip_350_give_its_addresses(samples):
    rows = json.loads((samples / "blockchain" / "bip350_vectors.json").read_text("utf-8"))["valid_addresses"]
    kinds = set()
    for row in rows:
        if row["address"].lower().startswith("bc1"):
            paid = script.paid_to(bytes.fromhex(row["scriptPubKey"]))
            assert paid.address == row["address"].lower()
            kinds.add(paid.kind)
    assert kinds == {"p2wpkh", "p2tr", "witness_v1", "witness_v2", "witness_v16"}


@pytest.mark.parametrize(
    ("made", "kind", "address"),
    [
        # BIP-350's addresses
        ("5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c", "p2tr", "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"),
        ("00140279be667ef9dcbbac55a06295ce870b07029bfc"[:44], "p2wpkh", None),
        ("51024e73", "witness_v1", "bc1pfeessrawgf"),
        ("6a0548656c6c6f", "op_return", None),
        ("", "empty", None),
        ("21" + "02" * 33 + "ac", "p2pk", None),
        ("ff", "other", None),
        ("0003010203", "other", None),
    ],
)  # fmt: skip
def test_kinds_of_scripts(made, kind, address):
    paid = script.paid_to(bytes.fromhex(made))
    assert paid.kind == kind
    assert address is None or paid.address == address


@pytest.mark.parametrize("size", [0, 1, 2, 5, 40, 41, 59])
def test_a_transaction_that_is_cut_off_is_refused(samples, size):
    raw = bytes.fromhex(vectors(samples)[0])
    with pytest.raises(InputRefused, match=r"cut off|can't be right|empty"):
        transaction.read_transaction(raw[:size])
    with pytest.raises(InputRefused, match="something follows the end"):
        transaction.read_transaction(raw + b"\x00")


def test_one_transaction_has_one_spelling(samples):
    raw = bytes.fromhex(vectors(samples)[0])
    assert raw[4] == 1
    with pytest.raises(InputRefused, match="longer than it need be"):
        transaction.read_transaction(raw[:4] + b"\xfd\x01\x00" + raw[5:])
    with pytest.raises(InputRefused, match="witness flag without witnesses"):
        transaction.read_transaction(raw[:4] + b"\x00\x01" + raw[4:-4] + b"\x00" + raw[-4:])
    with pytest.raises(InputRefused, match="witness flag"):
        transaction.read_transaction(raw[:4] + b"\x00\x02" + raw[4:-4] + b"\x00" + raw[-4:])


def test_what_no_block_may_hold_is_told():
    assert transaction.read_transaction(made()).problems == ()
    for amounts in ((-1,), (21_000_001 * 10**8,), (20_000_000 * 10**8, 2_000_000 * 10**8)):
        assert transaction.read_transaction(made(amounts=amounts)).problems == ("value_out_of_range",)
    assert transaction.read_transaction(made(inputs=2, again=True)).problems == ("same_output_twice",)
    small = made(out=b"\x51\x51\x51")
    assert len(small) == 64
    assert transaction.read_transaction(small).problems == ("sixty_four_bytes",)


def test_hexadecimal_is_read_strictly():
    for bad, words in (
        ("0", "digit is missing"),
        ("zz", "character 1"),
        ("", "empty"),
        ("٠٠", "character 1"),
        ("0 0 ", "missing|character 2"),
    ):
        with pytest.raises(InputRefused, match=words):
            transaction.read_transaction(bad)
    assert transaction.read_transaction("0x" + made().hex().upper() + "\n").size == len(made())


# --- headers --------------------------------------------------------------------------------------------


def test_the_first_block():
    found = header.read_header(GENESIS)
    assert found.hash == known.known_blocks()[0]
    assert (found.difficulty, found.work, found.bits) == ("1.00000000", 4295032833, LIMIT)


def test_a_hash_above_its_target_is_refused():
    raw = bytearray(bytes.fromhex(GENESIS))
    for at in (0, 4, 36, 68, 76):
        raw[at] ^= 1
        with pytest.raises(InputRefused, match="above its target"):
            header.read_header(bytes(raw))
        raw[at] ^= 1


def test_bits_easier_than_the_main_network_allows_are_refused():
    """Replaced bits 207fffff pass a check of the hash alone."""
    raw = mine(bytes(32))
    with pytest.raises(InputRefused, match="easier than the main network allows"):
        header.read_header(raw)


@pytest.mark.parametrize(
    "bits", [0, 0x1D000000, 0x1D80FFFF, 0x04923456, 0x01003456, 0x1D010000, 0xFF123456, 0x2100FFFF]
)
def test_targets_that_are_none(bits):
    with pytest.raises(InputRefused, match=r"zero or negative|easier than"):
        header.target_of(bits, "here")


def test_headers_of_another_length_are_refused():
    with pytest.raises(InputRefused, match="cut off"):
        header.read_header(GENESIS[:-2])
    with pytest.raises(InputRefused, match="too long"):
        header.read_header(GENESIS + "00")
    with pytest.raises(InputRefused, match="not whole headers"):
        header.read_headers(GENESIS + "00")


def test_headers_must_follow_one_another(test_network):
    one = mine(bytes(32))
    first = header.read_header(one)
    two = mine(bytes(32), first.hash)
    assert [each.previous for each in header.read_headers(one + two)] == ["0" * 64, first.hash]
    with pytest.raises(InputRefused, match="does not follow"):
        header.read_headers(one + one)


def test_block_1_follows_the_first(samples):
    block = (samples / "blockchain" / "block_1.bin").read_bytes()
    assert [one.hash for one in header.read_headers(bytes.fromhex(GENESIS) + block[:80])][1].startswith(
        "00000000839a8e68"
    )


# --- what is known --------------------------------------------------------------------------------------


def test_the_lists_are_whole_and_fit_each_other():
    blocks, periods = known.known_blocks(), known.periods()
    assert list(blocks) == sorted(blocks)
    assert len(set(blocks.values())) == len(blocks) == 455
    assert [one.height for one in periods] == [n * 2016 for n in range(len(periods))]
    assert periods[0].bits == LIMIT
    for height, found in blocks.items():
        period = periods[min(height // 2016, len(periods) - 1)]
        slack = 1 if height // 2016 < len(periods) else 4
        # a hash must be below its period's target: a wrong digit at the front is seen
        assert int(found, 16) <= header.target_of(period.bits, "x") * slack, height
    assert all(one.time < after.time for one, after in itertools.pairwise(periods))
    for one, after in itertools.pairwise(periods):  # the rule: by a factor of four at most
        before, behind = header.target_of(one.bits, "x"), header.target_of(after.bits, "x")
        assert before // 4 <= behind + (behind >> 15)
        assert behind <= before * 4


def test_every_row_names_two_sources():
    for row in known._rows("known_blocks.txt"):
        assert len(row) == 3
        assert len(set(row[2])) == len(row[2]) >= 2
        assert set(row[2]) <= set("bcejw")


def header_with(bits: int, time: int = 1_700_000_000) -> header.Header:
    return header.Header(version=1, previous="", merkle_root=b"", time=time, bits=bits, nonce=0, hash="", target=header.target_of(bits, "x"))  # fmt: skip


def test_a_difficulty_that_the_network_did_not_ask_for_is_told():
    assert known.floor(header_with(LIMIT, 1_231_731_025), 170).ok
    assert not known.floor(header_with(LIMIT, 1_700_000_000), 170).ok  # made today for that height
    assert not known.floor(
        header_with(LIMIT, 1_348_310_759), 200_000
    ).ok  # cheap to make, at a height where it was not
    assert not known.floor(header_with(0x1A05DB8B, 1_231_731_025), 170).ok
    assert known.floor(header_with(0x1A05DB8B, 1_348_310_759), 200_000).ok
    assert known.floor(header_with(0x1A05DB8B, 1_348_310_759), None).ok
    assert not known.floor(header_with(LIMIT, 1_348_310_759), None).ok
    assert not known.floor(header_with(LIMIT, 1_000_000_000), None).ok  # before there was a network
    assert not known.floor(header_with(LIMIT, 1_231_731_025), -1).ok


def test_beyond_the_list_a_quarter_of_the_last_work_is_asked_for():
    last = known.periods()[-1].bits
    later = known.periods()[-1].time + 100 * 86_400
    easier = last + 0x010000
    assert header.target_of(easier, "x") < 4 * header.target_of(last, "x")
    for height in (None, 950_000):
        assert known.floor(header_with(last, later), height).ok
        assert known.floor(header_with(easier, later), height).ok
        assert not known.floor(header_with(LIMIT, later), height).ok
        assert not known.floor(header_with(last + 0x01000000, later), height).ok


# --- trees ----------------------------------------------------------------------------------------------


def test_the_merkleblock_of_btcd(samples):
    row = json.loads((samples / "blockchain" / "merkleblock_btcd.json").read_text("utf-8"))
    found = inclusion.read_merkleblock(row["merkleblock_hex"])
    assert found.txids == (row["matched_txid"],)
    whole, transactions = inclusion.read_block(row["block_hex"])
    assert whole.txids == found.txids == tuple(one.txid for one in transactions)
    assert whole.header == found.header
    assert known.floor(found.header, None).ok


@pytest.mark.parametrize(("name", "height", "count"), [("block_1.bin", 1, 1), ("block_170.bin", 170, 2)])
def test_whole_blocks(samples, name, height, count):
    raw = (samples / "blockchain" / name).read_bytes()
    found, transactions = inclusion.read_block(raw)
    assert found.whole
    assert len(transactions) == count == found.stated_count
    assert known.floor(found.header, height).ok
    for at in range(0, len(raw), 7):
        broken = bytearray(raw)
        broken[at] ^= 1
        with pytest.raises(InputRefused):
            inclusion.read_block(bytes(broken))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 33])
def test_partial_trees_of_every_shape(test_network, count):
    leaves = leaves_of(count)
    for wanted in ({0}, {count - 1}, {count // 2, 0}, set(range(count)), set()):
        found = inclusion.read_merkleblock(merkleblock(root_of(leaves), count, *partial(leaves, wanted)))
        assert found.txids == tuple(leaves[n][::-1].hex() for n in sorted(wanted))
        assert not found.whole


def test_the_number_of_transactions_is_only_stated(test_network):
    """389 for 388 fits the same header: it is not under the root."""
    leaves = leaves_of(5)
    raw = merkleblock(root_of(leaves), 5, *partial(leaves, {1}))
    other = raw[:80] + (6).to_bytes(4, "little") + raw[84:]
    first, second = inclusion.read_merkleblock(raw), inclusion.read_merkleblock(other)
    assert first.txids == second.txids
    assert (first.stated_count, second.stated_count) == (5, 6)
    assert not hasattr(first, "count")


def test_equal_halves_are_refused(test_network):
    """CVE-2012-2459: the list with its last transaction doubled has the same root."""
    leaves = leaves_of(3)
    doubled = [*leaves, leaves[2]]
    assert root_of(leaves) == root_of(doubled)
    inclusion.read_merkleblock(merkleblock(root_of(leaves), 3, *partial(leaves, {2})))
    with pytest.raises(InputRefused, match="CVE-2012-2459"):
        inclusion.read_merkleblock(merkleblock(root_of(leaves), 4, *partial(doubled, {3})))


def test_equal_halves_of_a_whole_block_are_refused(test_network):
    bodies = [made(amounts=(n,)) for n in (1, 2, 3)]
    root = root_of([sha256d(one) for one in bodies])
    inclusion.read_block(mine(root) + b"\x03" + b"".join(bodies))
    with pytest.raises(InputRefused, match="CVE-2012-2459"):
        inclusion.read_block(mine(root) + b"\x04" + b"".join([*bodies, bodies[2]]))


def test_a_pair_that_reads_as_a_transaction_is_refused(test_network, monkeypatch):
    """CVE-2017-12842: 64 bytes that are a transaction in the block and two hashes in the tree."""
    right = bytes(9) + b"\x03" + b"\x51\x51\x51" + b"\xff" * 4 + b"\x01" + bytes(8) + b"\x01\x51" + bytes(4)
    left = b"\x01\0\0\0\x01" + b"\x11" * 27
    assert len(left + right) == 64
    assert transaction.read_transaction(left + right).problems == ("sixty_four_bytes",)
    leaf = sha256d(left + right)
    with pytest.raises(InputRefused, match="CVE-2017-12842"):
        inclusion.read_merkleblock(merkleblock(leaf, 2, [left, right], [1, 0, 1]))
    monkeypatch.setattr(inclusion, "could_be_transaction", lambda pair: False)
    found = inclusion.read_merkleblock(merkleblock(leaf, 2, [left, right], [1, 0, 1]))
    assert found.txids == (
        right[::-1].hex(),
    )  # whatever the right half is the hash of would be "in the block"


def test_what_is_left_over_or_missing_is_refused(test_network):
    leaves = leaves_of(6)
    root = root_of(leaves)
    hashes, flags = partial(leaves, {4})
    good = merkleblock(root, 6, hashes, flags)
    inclusion.read_merkleblock(good)
    for raw, words in (
        (good + b"\0", "something follows"),
        (good[:-1], "cut off"),
        (good[:79], "shorter than"),
        (merkleblock(root, 6, [*hashes, bytes(32)], flags), "hashes are left over"),
        (merkleblock(root, 6, hashes[:-1], flags), "too few hashes"),
        (merkleblock(root, 6, hashes, flags + [0] * 8), "bits are left over"),
        (merkleblock(root, 6, hashes, flags + [0] * (-len(flags) % 8 - 1) + [1]), "bits are left over"),
        (merkleblock(root, 6, hashes, flags[:3]), r"too few bits|left over|not the header's"),
        (merkleblock(root, 0, hashes, flags), "that many transactions"),
        (merkleblock(root, 16_667, hashes, flags), "that many transactions"),
        (merkleblock(root, 2, hashes, flags), "more hashes than"),
        (merkleblock(root, 6, [bytes(32), *hashes[1:]], flags), "not the header's"),
    ):
        with pytest.raises(InputRefused, match=words):
            inclusion.read_merkleblock(raw)


@given(st.binary(max_size=300))
def test_random_bytes_give_our_own_error_or_are_taken_whole(data):
    for read in (
        transaction.read_transaction,
        header.read_header,
        header.read_headers,
        inclusion.read_merkleblock,
        inclusion.read_block,
    ):
        with contextlib.suppress(InputRefused):
            read(data)


@given(st.data())
def test_damage_gives_our_own_error_or_a_transaction_that_accounts_for_every_byte(data):
    raw = bytearray(made(inputs=2, amounts=(1, 2)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputRefused):
        found = transaction.read_transaction(bytes(raw))
        assert found.size == len(raw)
        assert found.wtxid == sha256d(bytes(raw))[::-1].hex()
