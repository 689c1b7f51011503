"""Identifiers for machines, payment links, tokens, look-alikes, amounts: small pure things about coins."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody.evidence.blockchain
from custody.errors import FormatError
from custody.evidence.blockchain import amounts, caip, lookalikes, tokens, uri
from custody.evidence.blockchain.chains import CHAINS, EVM
from custody.evidence.blockchain.encodings import base58, eip55
from custody.evidence.blockchain.recognise import recognise

ROOM = Path(custody.evidence.blockchain.__file__).parent


# --- CAIP -----------------------------------------------------------------------------------------------


def test_identifiers_of_the_caip_tables(samples):
    table = json.loads((samples / "blockchain" / "caip_vectors.json").read_text("utf-8"))
    kinds = {"2": caip.ChainId, "10": caip.AccountId, "19": caip.AssetId}
    count = 0
    for name, texts in table.items():
        kind = kinds[name.rpartition("caip")[2].lstrip("-")]
        for text in texts:
            found = caip.parse(text)
            assert type(found) is kind, text
            assert str(found) == text
            count += 1
    assert count >= 86


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eip155",
        "eip155:",
        "ab:1",
        "toolongname:1",
        "eip155:" + "1" * 33,
        "EIP155:1",
        "eip155:1:",
        "eip155:1/a:1",
    ],
)
def test_what_is_no_identifier_is_refused(text):
    with pytest.raises(FormatError):
        caip.parse(text)


def test_ours_are_in_their_form_and_tron_names_its_draft():
    for name, chain in CHAINS.items():
        found = caip.chain_id(name)
        assert (found is None) == (name == "tron")
        if found is not None:
            assert caip.parse(str(found)) == found
            assert str(caip.coin_id(name)) == f"{chain.caip2}/slip44:{chain.slip44}"
    for draft, text in caip.TRON_DRAFTS.items():
        assert str(caip.chain_id("tron", tron=draft)) == text
        assert str(caip.account_id("tron", "TR7N", tron=draft)) == f"{text}:TR7N"
    assert caip.account_id("tron", "TR7N") is None
    assert caip.chain_id("other:x") is None


def test_accounts_are_compared_as_their_chain_does():
    one = caip.parse("eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d")
    other = caip.parse("eip155:1:0x22227a31dd842196a246d8f3b775998560eaa61d")
    assert one != other
    assert one.same_as(other)
    assert not one.same_as(caip.parse(str(one).replace("eip155:1:", "eip155:56:")))
    assert not caip.parse("xrpl:0:rABC").same_as(caip.parse("xrpl:0:rabc"))


def test_a_token_has_an_identifier_where_one_is_registered():
    contract = tokens.KNOWN[0].contract
    assert str(caip.token_id("ethereum", contract)) == f"eip155:1/erc20:{contract}"
    assert caip.token_id("tron", tokens.KNOWN[2].contract) is None


# --- links ----------------------------------------------------------------------------------------------

BTC = base58.encode_check(b"\x00" + bytes(range(20)))
EVM_TEXT = eip55.checksummed(bytes(range(0xA0, 0xB4)))


def test_a_bitcoin_link():
    link = uri.parse(f"bitcoin:{BTC}?amount=20.3&label=Luke%20Jr&req-new=50&amountX=1")
    assert (link.target, link.chain, link.amount, link.units) == (BTC, "bitcoin", "20.3", None)
    assert link.parameters == (("amount", "20.3"), ("label", "Luke Jr"), ("req-new", "50"), ("amountX", "1"))
    assert link.unknown_required == ("req-new",)
    (found,) = recognise(f"BITCOIN:{BTC}?amount=20.3").readings
    assert (found.chain, found.origin, found.level) == ("bitcoin", "in_value", "checksum_ok")
    assert "chain_ambiguous" not in found.flags
    assert ("amount", "20.3") in found.facts


@pytest.mark.parametrize("amount", ["1,5", "1e3", "-1", "0x10", "", "1.", "٣"])
def test_an_amount_that_is_not_plain_is_kept_and_not_read(amount):
    link = uri.parse(f"bitcoin:{BTC}?amount={amount}")
    assert link.amount is None
    assert link.parameters == (("amount", amount),)


def test_an_amount_that_stands_there_twice_is_not_read():
    assert uri.parse(f"bitcoin:{BTC}?amount=1&amount=2").amount is None


@pytest.mark.parametrize(
    ("value", "units"),
    [
        ("2.014e18", "2014000000000000000"),
        ("1", "1"),
        ("2.5", None),
        ("1.10e1", "11"),
        ("1e99", "1" + "0" * 99),
        ("1e100", None),
        ("x", None),
    ],
)
def test_a_value_of_eip_681_is_exact(value, units):
    assert uri.parse(f"ethereum:{EVM_TEXT}?value={value}").units == units


def test_an_ethereum_link_names_its_chain_by_number_or_leaves_it_open():
    link = uri.parse(f"ethereum:pay-{EVM_TEXT}@137/transfer?uint256=1")
    assert (link.target, link.chain, link.chain_number, link.call) == (EVM_TEXT, "polygon", "137", "transfer")
    assert uri.parse(f"ethereum:{EVM_TEXT}").chain is None
    assert uri.parse(f"ethereum:{EVM_TEXT}@31337").chain is None
    (found,) = recognise(f"ethereum:{EVM_TEXT}").readings
    assert found.chain is None
    assert "chain_ambiguous" in found.flags
    (found,) = recognise(f"ethereum:{EVM_TEXT}@56").readings
    assert found.chain == "bnb-smart-chain"


def test_other_links():
    assert uri.parse("ton://transfer/EQAB?amount=1000").units == "1000"
    assert uri.parse("lightning:LNBC1").target == "LNBC1"
    assert uri.parse("mailto:a@example.org") is None
    assert uri.parse("monero:4A?tx_amount=0.1").amount == "0.1"


@given(st.text(max_size=100) | st.text(st.characters(categories=["Cs", "Nd", "Po"]), max_size=20))
def test_no_link_is_an_error(text):
    for scheme in uri.SCHEMES:
        uri.parse(f"{scheme}:{text}")


# --- tokens and amounts ---------------------------------------------------------------------------------


def test_a_token_is_its_contract():
    usdt = tokens.KNOWN[0]
    assert tokens.token_of("ethereum", usdt.contract.lower()) == usdt
    assert tokens.token_of("polygon", usdt.contract) is None
    assert tokens.token_of("tron", tokens.KNOWN[2].contract.lower()) is None
    assert tokens.called("ethereum", usdt.contract, "SCAM") == "USDT"
    assert tokens.called("ethereum", EVM_TEXT, "USDT") == "token calling itself USDT"
    assert tokens.called("ethereum", None, "USDT") == "token calling itself USDT"
    assert tokens.counterfeit("ethereum", EVM_TEXT, " usdt ")
    assert tokens.counterfeit("tron", EVM_TEXT, "BTC")
    assert not tokens.counterfeit("ethereum", usdt.contract, "USDT")
    assert not tokens.counterfeit("ethereum", EVM_TEXT, "FINE")
    for token in tokens.KNOWN:
        found = recognise(token.contract).readings[0]
        assert (found.kind, found.level) == ("contract", "checksum_ok")


@given(st.integers(0, 10**40), st.integers(0, 18))
def test_amounts_are_exact(number, places):
    digits = str(number).rjust(places + 1, "0")
    text = digits[: len(digits) - places] + ("." + digits[len(digits) - places :] if places else "")
    flags: set[str] = set()
    assert amounts.units(amounts.plain(text, flags), places, flags) in (str(number), None)
    if len(text) < 40:
        assert amounts.units(amounts.plain(text, flags), places, flags) == str(number)


def test_no_float_stands_anywhere_near_an_amount():
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
            assert not (isinstance(node, ast.Name) and node.id in ("float", "Decimal")), where
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)) or "Path" in where, (
                where
            )
            assert not (
                isinstance(node, ast.Attribute) and node.attr in ("fromtimestamp", "utcfromtimestamp")
            ), where


# --- look-alikes ----------------------------------------------------------------------------------------


def evm(start, end, middle="0"):
    return "0x" + start + middle * (40 - len(start) - len(end)) + end


def test_addresses_that_begin_and_end_alike_are_a_group():
    one, two, other = evm("abc", "def"), evm("abc", "def", "1"), evm("abd", "def", "2")
    (found,) = lookalikes.lookalikes([one, other, two, one])
    assert found.addresses == (one, two)
    assert lookalikes.lookalikes_of(one, [one, two, other]) == (two,)


def test_two_spellings_of_one_account_are_no_look_alikes():
    assert lookalikes.lookalikes([EVM_TEXT, EVM_TEXT.lower(), "0x" + EVM_TEXT[2:].upper()]) == ()
    ton = [
        "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N",
        "UQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqEBI",
    ]
    assert lookalikes.lookalikes(ton) == ()


def test_a_mistyped_address_can_be_the_look_alike():
    at = len(BTC) // 2
    changed = BTC[:at] + ("2" if BTC[at] != "2" else "3") + BTC[at + 1 :]
    assert recognise(changed).readings[0].checksum == "bad"
    (found,) = lookalikes.lookalikes([BTC, changed])
    assert found.addresses == (BTC, changed)


def test_two_ends_are_needed():
    assert lookalikes.lookalikes([evm("abc", "def"), evm("abc", "dee", "1")]) == ()
    assert lookalikes.lookalikes([evm("abc", "def"), evm("bbc", "def", "1")]) == ()
    assert lookalikes.lookalikes([]) == ()
    assert lookalikes.lookalikes(["", "a", "b"]) == ()


def test_the_letter_that_all_addresses_of_a_form_begin_with_does_not_count():
    one, two = ("Tab" + third + "9" * 27 + "xyz" for third in "12")
    assert [recognise(text).readings[0].chains for text in (one, two)] == [("tron",), ("tron",)]
    assert lookalikes.lookalikes([one, two]) == ()
    assert lookalikes.lookalikes([one, one[:10] + "8" + one[11:]]) != ()


def test_where_no_letter_is_the_same_for_all_the_first_three_count():
    one, two = ("abc" + middle * 37 + "xyz" for middle in "23")
    assert recognise(one).readings[0].chains == ("solana",)
    (found,) = lookalikes.lookalikes([one, two])
    assert (found.start, found.addresses) == ("abc", (one, two))


def test_blocks_of_four():
    assert lookalikes.blocks("0x1234567890") == "0x 1234 5678 90"
    assert lookalikes.blocks("TR7NHqje") == "TR7N Hqje"


@given(st.text("abc", min_size=1, max_size=6), st.data())
def test_one_slip_is_suggested(text, data):
    at = data.draw(st.integers(0, len(text) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                text[:at] + "x" + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + "x" + text[at:],
                text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
            ]
        )
    )
    assert lookalikes.one_edit(changed, [text]) == (() if changed == text else (text,))


def test_two_slips_are_not():
    assert lookalikes.one_edit("abcdef", ["xbcdey", "abcd", "abcdefgh", "badcef"]) == ()


def test_a_transfer_of_dust_from_a_look_alike_is_only_possibly_poisoning():
    assert lookalikes.possible_poisoning(0, dust=0, looks_alike=True)
    assert lookalikes.possible_poisoning(5, dust=5, looks_alike=True)
    assert not lookalikes.possible_poisoning(6, dust=5, looks_alike=True)
    assert not lookalikes.possible_poisoning(0, dust=5, looks_alike=False)


def test_every_evm_chain_has_the_same_addresses():
    assert recognise(EVM_TEXT).readings[0].chains == EVM
