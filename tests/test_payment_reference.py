from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.blockchain import payment

SCHEMA = json.loads(
    (Path(__file__).parent.parent / "schemas" / "payment-reference.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ID = "Ab" * 32  # synthetic
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(raw: bytes) -> str:
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = ALPHABET[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + out


def base58check(body: bytes) -> str:
    return base58(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4])


def reference(chain="bitcoin", txid=ID, **more):
    made = payment.payment_reference(chain, txid, **more)
    VALIDATOR.validate(made)
    return made


def test_the_schema_is_one_and_lists_what_the_code_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    properties = SCHEMA["properties"]
    assert properties["schema"]["const"] == payment.SCHEMA
    assert properties["flags"]["items"]["enum"] == list(payment.PAYMENT_FLAGS)
    assert properties["chain"]["anyOf"][0]["enum"] == list(payment.CHAINS)
    assert set(SCHEMA["required"]) == set(properties)


def test_the_page_lists_every_field_and_flag():
    page = (Path(__file__).parent.parent / "docs" / "reference" / "typed-items.md").read_text("utf-8")
    words = set(re.findall(r"`([^`]+)`", page))
    for flag in payment.PAYMENT_FLAGS:
        assert flag in words or (flag.startswith("ip_reserved:") and "ip_reserved:CLASS" in words), flag
    assert set(SCHEMA["properties"]) <= words
    assert set(payment.CHAINS) <= words


def test_a_whole_reference():
    made = reference(
        "BTC",
        address_from="1" + "B" * 32,
        address_to="bc1q" + "w" * 38,
        amount="0.01500000",
        asset="BTC",
        time="2026-11-03 20:14:05",
        offset="+01:00",
        block_height="123456",
        block_hash="00" * 32,
        source="explorer page, printed",
        source_item="A-4/02",
    )
    assert (made["chain_raw"], made["chain"], made["chain_origin"], made["kind"]) == (
        "BTC",
        "bitcoin",
        "stated",
        "tx",
    )
    assert (made["txid_raw"], made["txid"]) == (ID, ID.lower())
    assert (made["amount"], made["amount_units"], made["decimals"]) == ("0.01500000", "1500000", 8)
    assert made["instant"] == "2026-11-03T19:14:05Z"
    assert made["block_height"] == 123456
    assert made["flags"] == []
    assert {verdict["of"] for verdict in made["verdicts"]} == {
        "txid",
        "block_hash",
        "address_from",
        "address_to",
    }
    assert {verdict["level"] for verdict in made["verdicts"]} == {"form_ok"}


def test_nothing_is_called_valid():
    assert "valid" not in json.dumps(reference(amount="1", asset="BTC")).lower()


def test_what_is_not_stated_is_null():
    made = reference()
    assert made["flags"] == ["no_time"]
    for name in (
        "amount",
        "amount_units",
        "asset",
        "decimals",
        "block_height",
        "block_hash",
        "time_raw",
        "source",
    ):
        assert made[name] is None


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("btc", "bitcoin"),
        ("ETH", "ethereum"),
        ("trx", "tron"),
        ("TRC20", "tron"),
        ("bsc", "bnb-smart-chain"),
        ("matic", "polygon"),
        ("Ripple", "xrp"),
        (" sol ", "solana"),
        ("other: Nano", "other:Nano"),
    ],
)
def test_short_names_of_chains(typed, name):
    assert reference(typed)["chain"] == name


@pytest.mark.parametrize("chain", ["", "bitcoinn", "other:", "b\x00", "\udc80"])
def test_other_chains_are_refused(chain):
    with pytest.raises(InputRefused) as caught:
        reference(chain)
    assert caught.value.where == "chain"


TON = bytes(range(224, 256))


@pytest.mark.parametrize(
    ("chain", "txid", "canonical"),
    [
        ("bitcoin", ID, ID.lower()),
        ("tron", ID, ID.lower()),
        ("monero", ID, ID.lower()),
        ("ethereum", "0x" + ID, "0x" + ID.lower()),
        ("polygon", "0X" + ID, "0x" + ID.lower()),
        ("xrp", ID, ID.upper()),
        ("solana", base58(bytes(range(1, 65))), base58(bytes(range(1, 65)))),
        ("ton", ID, ID.lower()),
        ("ton", base64.b64encode(TON).decode(), TON.hex()),
        ("ton", base64.urlsafe_b64encode(TON).decode().rstrip("="), TON.hex()),
        ("bitcoin", f" {ID} ", ID.lower()),
    ],
)
def test_ids_of_the_right_form(chain, txid, canonical):
    made = reference(chain, txid)
    assert made["txid"] == canonical
    assert {"of": "txid", "level": "form_ok"} in made["verdicts"]


@pytest.mark.parametrize(
    ("chain", "txid"),
    [
        ("bitcoin", ID[:-1]),
        ("bitcoin", "0x" + ID),
        ("bitcoin", ID[:-1] + "g"),
        ("ethereum", ID),
        ("solana", base58(bytes(range(1, 64)))),
        ("solana", ID),
        ("ton", base64.b64encode(TON).decode()[:-2] + "9="),  # unused bits set
        ("other:nano", ID),
    ],
)
def test_ids_of_another_form_are_kept_and_flagged(chain, txid):
    made = reference(chain, txid)
    assert made["txid_raw"] == txid
    assert made["txid"] is None
    assert "txid_form_unknown" in made["flags"]
    assert made["verdicts"] == []


@pytest.mark.parametrize(
    ("chain", "asset", "amount", "units", "flag"),
    [
        ("bitcoin", "btc", "21000000", "2100000000000000", None),
        ("ethereum", "ETH", "1.000000000000000001", "1000000000000000001", None),
        ("bitcoin", "BTC", "0", "0", None),
        ("bitcoin", "BTC", "0.123456789", None, "amount_finer_than_unit"),
        ("bitcoin", "BTC", "0.1234567800", "12345678", None),
        ("tron", "USDT", "12.5", None, "asset_by_name_only"),
        ("bitcoin", "BTC", "1,234", None, "amount_separator_ambiguous"),
        ("bitcoin", "BTC", "1.234,56", None, "amount_separator_ambiguous"),
        ("bitcoin", "BTC", "0.5 BTC", None, "amount_not_understood"),
        ("bitcoin", "BTC", "-1", None, "amount_not_understood"),
        ("bitcoin", "BTC", "1e3", None, "amount_not_understood"),
        ("bitcoin", "BTC", "٣", None, "amount_not_understood"),
        ("other:x", "X", "1.5", None, "chain_unknown"),
    ],
)
def test_amounts_are_exact_or_not_counted(chain, asset, amount, units, flag):
    made = reference(chain, asset=asset, amount=amount)
    assert made["amount_raw"] == amount
    assert made["amount_units"] == units
    assert flag is None or flag in made["flags"]


def test_a_token_is_known_by_its_contract():
    contract = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    made = reference("tron", asset="USDT", contract=contract, amount="12.5")
    assert (made["decimals"], made["amount_units"]) == (6, "12500000")
    other = reference("tron", asset="TRX", contract=contract, amount="12.5")
    assert other["amount_units"] is None
    assert "asset_contradicts_contract" in other["flags"]
    unknown = reference("tron", asset="USDT", contract="T" + "A" * 33, amount="12.5")
    assert unknown["amount_units"] is None
    upper = reference(
        "ethereum", "0x" + ID, contract="0xDAC17F958D2EE523A2206206994597C13D831EC7", amount="1"
    )
    assert upper["amount_units"] == "1000000"


def test_addresses_get_a_look_at_their_form_only():
    made = reference(address_from="not an address", address_to="1" + "В" * 32)  # Cyrillic letters
    assert {"address_from_form_unknown", "address_to_form_unknown", "homoglyph"} <= set(made["flags"])
    assert made["address_from_raw"] == "not an address"


@pytest.mark.parametrize(
    "secret",
    [
        base58check(b"\x80" + bytes(range(32))),
        base58check(b"\x80" + bytes(range(32)) + b"\x01"),
        base58check(bytes.fromhex("0488ade4") + bytes(41) + b"\x00" + bytes(range(1, 33))),
    ],
)
def test_private_keys_are_refused_and_not_repeated(secret):
    for change in ({"txid": secret}, {"address_to": f" {secret}"}, {"source": f"note: {secret}"}):
        with pytest.raises(InputRefused) as caught:
            reference(**change)
        assert caught.value.what.startswith("this is a private key")
        assert secret not in str(caught.value) + (caught.value.hint or "")


def test_a_public_extended_key_is_not_taken_for_a_private_one():
    public = base58check(bytes.fromhex("0488b21e") + bytes(41) + b"\x02" + bytes(range(1, 33)))
    assert "address_to_form_unknown" in reference(address_to=public)["flags"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"txid": " "}, "txid"),
        ({"txid": "a\nb"}, "txid"),
        ({"address_from": ""}, "sender"),
        ({"amount": ""}, "amount"),
        ({"block_height": "-1"}, "block height"),
        ({"block_height": "1.5"}, "block height"),
        ({"time": ""}, "time"),
        ({"offset": "+01:00"}, "offset"),
        ({"clock": "24"}, "clock"),
        ({"epoch": "s"}, "epoch"),
        ({"source": "x" * 1001}, "source"),
    ],
)
def test_what_can_be_typed_again_is_refused(change, where):
    with pytest.raises(InputRefused) as caught:
        reference(**change)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1.5},
        {"amount": "1,5"},
        {"amount_units": "1.5"},
        {"chain": "btc"},
        {"chain_origin": "inferred"},
        {"txid": None},
        {"verdicts": [{"of": "txid", "level": "valid"}]},
        {"flags": ["checked"]},
        {"instant": "2026-11-03T20:14:05+01:00"},
        {"schema": "custody.payment-reference/0"},
        {"more": 1},
    ],
)
def test_the_schema_refuses_what_the_code_never_makes(change):
    made = reference(amount="1", asset="BTC", time="2026-11-03T20:14:05Z")
    assert not VALIDATOR.is_valid({**made, **change})
    for name in made:
        assert not VALIDATOR.is_valid({key: value for key, value in made.items() if key != name})


@given(
    st.sampled_from([*payment.CHAINS, "other:x"]),
    st.text(max_size=90) | st.from_regex("(0x)?[0-9a-fA-F]{60,66}", fullmatch=True),
    st.none() | st.text(max_size=40) | st.from_regex(r"[0-9]{0,30}[.,]?[0-9]{0,30}", fullmatch=True),
    st.none() | st.text(max_size=60),
    st.none() | st.sampled_from(["BTC", "ETH", "USDT"]),
)
def test_any_text_is_a_valid_record_or_refused(chain, txid, amount, address, asset):
    try:
        made = payment.payment_reference(chain, txid, amount=amount, address_to=address, asset=asset)
    except InputRefused:
        return
    VALIDATOR.validate(made)
    assert made["txid_raw"] == txid
