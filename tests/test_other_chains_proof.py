"""Solana's transactions, Lightning's preimages, the XRP ledger's hashes."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.blockchain import lightning, solana, xrp
from custody.evidence.blockchain.cursor import Cursor
from custody.evidence.blockchain.encodings import base58
from tests.coins import SOLANA_FROM as FROM
from tests.coins import SOLANA_OTHER as OTHER
from tests.coins import SOLANA_TO as TO
from tests.coins import instruction, lamports, wire

MINT = b"\xcc" * 32


def test_a_transfer_of_sol():
    raw = wire(instruction(2, b"\0\1", lamports(42)))
    found = solana.read_transaction(raw)
    assert found.transfers == (solana.Transfer(FROM, TO, 42, False),)
    assert found.signers == (FROM,)
    assert found.txid == base58.encode(raw[1:65])
    assert (found.version, found.instructions, found.looked_up) == (None, 1, 0)
    assert solana.read_transaction(raw.hex()) == found


def test_transfers_of_tokens_and_what_is_not_understood():
    accounts = (FROM, TO, MINT, solana.TOKENS)
    units = (9).to_bytes(8, "little")
    found = solana.read_transaction(
        wire(
            instruction(3, b"\0\1\0", b"\x03" + units),
            instruction(3, b"\0\2\1\0", b"\x0c" + units + b"\x06"),
            instruction(3, b"\0\1\0", b"\x03" + units + b"\0"),
            instruction(3, b"\0\1", b"\x03" + units),
            instruction(3, b"", b""),
            accounts=accounts,
        )
    )
    assert found.instructions == 5
    assert found.transfers == (
        solana.Transfer(FROM, TO, 9, True),
        solana.Transfer(FROM, TO, 9, True, MINT),
    )


def test_accounts_named_by_a_table_are_not_guessed():
    table = b"\x01" + b"\x99" * 32 + b"\x01\x05" + b"\x00"
    raw = wire(instruction(2, b"\0\3", lamports(1)), version=b"\x80", tables=table)
    found = solana.read_transaction(raw)
    assert (found.version, found.looked_up, found.transfers) == (0, 1, ())


def test_every_signature_must_fit():
    raw = wire(instruction(2, b"\0\1", lamports(42)), accounts=(FROM, OTHER, solana.SYSTEM), signers=2)
    assert solana.read_transaction(raw).signers == (FROM, OTHER)
    for at in (1, 70, 140, len(raw) - 1):
        broken = bytearray(raw)
        broken[at] ^= 1
        with pytest.raises(InputRefused):
            solana.read_transaction(bytes(broken))
    swapped = raw[:1] + raw[65:129] + raw[1:65] + raw[129:]
    with pytest.raises(InputRefused, match="does not fit"):
        solana.read_transaction(swapped)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (wire(signatures=0), "do not fit"),
        (wire(signers=1, signatures=2), "do not fit"),
        (wire(header=b"\x00\0\0", signatures=0), "do not fit"),
        (wire(header=b"\x01\x01\0"), "do not fit"),
        (wire(header=b"\x01\0\x03"), "do not fit"),
        (wire(accounts=(FROM, FROM)), "twice"),
        (wire(instruction(3, b"", b"")), "not there"),
        (wire(instruction(2, b"\3", b"")), "not there"),
        (wire(version=b"\x81"), "version"),
        (wire() + b"\0", "follows"),
        (wire()[:-1], r"cut off|can't be right"),
        (bytes(1_300), "too long"),
        (b"\xff\xff\xff", "compact number"),
        (b"\x81\x00" + wire()[1:], "compact number"),
    ],
)
def test_what_is_no_signed_transaction_is_refused(raw, words):
    with pytest.raises(InputRefused, match=words):
        solana.read_transaction(raw)


def test_compact_numbers_have_one_spelling():
    for raw, value in ((b"\x00", 0), (b"\x7f", 127), (b"\x80\x01", 128), (b"\xff\xff\x03", 65535)):
        assert Cursor(raw, "x").compact16("n") == value
    for raw in (b"\x80\x00", b"\x80\x80\x00", b"\xff\xff\x04", b"\x80\x80\x80\x01", b"\x80"):
        with pytest.raises(InputRefused):
            Cursor(raw, "x").compact16("n")


def test_a_preimage_gives_its_payment_hash():
    assert lightning.payment_hash_of(bytes(32)).hex() == hashlib.sha256(bytes(32)).hexdigest()
    for bad in (bytes(31), bytes(33), b"", "zz"):
        with pytest.raises(InputRefused):
            lightning.payment_hash_of(bad)


def test_the_hash_of_a_transaction_of_the_xrp_ledger():
    # on the ledger's test network; bytes and hash as trustwallet/wallet-core's tests have them
    blob = (
        "12000022000000002401ec5fd8201b01ec5fed61400000000000000a68400000000000000a732103d13e1152965a51a4a9fd9a8b4ea3dd82"
        "a4eba6b25fcad5f460a2342bb650333f74463044022037d32835c9394f39b2cfd4eaf5b0a80e0db397ace06630fa2b099ff73e425dbc0220"
        "5288f780330b7a88a1980fa83c647b5908502ad7de9a44500c08f0750b0d9e8481144c55f5a78067206507580be7bb2686c8460adff98314"
        "8132e4e20aecf29090ac428a9c43f230a829220d"
    )
    assert xrp.transaction_hash(blob) == "A202034796F37F38D1D20F2025DECECB1623FC801F041FC694199C0D0E49A739"


@given(st.binary(max_size=200), st.data())
def test_damage_gives_our_own_error(data, more):
    with contextlib.suppress(InputRefused):
        solana.read_transaction(data)
    raw = bytearray(wire(instruction(2, b"\0\1", lamports(42))))
    at = more.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= more.draw(st.integers(1, 255))
    with pytest.raises(InputRefused):
        solana.read_transaction(bytes(raw))
