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
ADDED = {  # since checksums are checked; records that were made before have none of these
    "chain_candidates",
    "address_from",
    "address_to",
    "tag_from",
    "tag_to",
    "contract",
    "caip",
    "faults",
}
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(raw: bytes) -> str:
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = ALPHABET[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + out


def base58check(body: bytes) -> str:
    return base58(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4])


BTC = base58check(b"\x00" + bytes(range(20)))  # of nobody's key
SEGWIT = "bc1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysn4v0345"
TRON = base58check(b"\x41" + bytes(range(20)))
EVM = "0x" + bytes(range(0xA0, 0xB4)).hex()


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
    assert set(SCHEMA["required"]) | ADDED == set(properties)
    assert not set(SCHEMA["required"]) & ADDED


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
        address_from=BTC,
        address_to=SEGWIT.upper(),
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
    levels = {verdict["of"]: verdict["level"] for verdict in made["verdicts"]}
    assert levels["txid"] == levels["block_hash"] == "form_ok"
    assert levels["address_from"] == levels["address_to"] == "checksum_ok"
    assert (made["address_to"], made["address_to_raw"]) == (SEGWIT, SEGWIT.upper())
    assert made["caip"]["address_to"] == f"bip122:000000000019d6689c085ae165831e93:{SEGWIT}"
    assert (made["faults"], made["chain_candidates"]) == ([], [])


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
        ("arbitrum", "arbitrum-one"),
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
    unknown = reference("tron", asset="USDT", contract=TRON, amount="12.5")
    assert unknown["amount_units"] is None
    assert "token_name_unproven" in unknown["flags"]
    nameless = reference("tron", asset="Fine Coin", contract=TRON, amount="12.5")
    assert "token_name_unproven" not in nameless["flags"]
    upper = reference(
        "ethereum", "0x" + ID, contract="0xDAC17F958D2EE523A2206206994597C13D831EC7", amount="1"
    )
    assert upper["amount_units"] == "1000000"


def test_what_is_no_address_is_kept_as_typed():
    made = reference(address_from="not an address", address_to="1" + "В" * 32)  # Cyrillic letters
    assert {"address_from_form_unknown", "address_to_form_unknown", "homoglyph"} <= set(made["flags"])
    assert made["address_from_raw"] == "not an address"
    assert (made["address_from"], made["address_to"]) == (None, None)
    (fault,) = made["faults"]
    assert fault["of"] == "address_to"
    assert len(fault["code_points"]) == 32
    assert fault["code_points"][0] == "2: U+0412 CYRILLIC CAPITAL LETTER VE"


@pytest.mark.parametrize(
    ("chain", "address", "character"),
    [
        ("bitcoin", BTC[:-1] + ("2" if BTC[-1] != "2" else "3"), None),
        ("bitcoin", BTC[:4] + "0" + BTC[5:], 5),
        ("bitcoin", SEGWIT[:-1] + "q", 42),
        ("tron", TRON[:-1] + ("2" if TRON[-1] != "2" else "3"), None),
        ("ethereum", "0xdAC17F958D2ee523a2206206994597C13D831eC7", 41),
    ],
)
def test_a_checksum_that_does_not_match_is_said_and_nothing_is_put_right(chain, address, character):
    txid = "0x" + ID if chain == "ethereum" else ID
    made = reference(chain, txid, address_to=address)
    assert "checksum_bad" in made["flags"]
    assert "address_to_form_unknown" not in made["flags"]
    assert made["address_to_raw"] == address
    assert made["address_to"] is None
    assert [verdict["of"] for verdict in made["verdicts"]] == ["txid"]
    (fault,) = made["faults"]
    assert (fault["of"], fault["character"]) == ("address_to", character)


def test_an_address_without_a_checksum_is_told_from_one_that_matched():
    made = reference("ethereum", "0x" + ID, address_to=EVM)
    assert {"of": "address_to", "level": "form_ok"} in made["verdicts"]
    assert "no_checksum" in made["flags"]
    whole = reference("ethereum", "0x" + ID, address_to=made["address_to"])
    assert {"of": "address_to", "level": "checksum_ok"} in whole["verdicts"]
    assert whole["caip"]["address_to"] == f"eip155:1:{made['address_to']}"


def test_an_address_of_another_chain_contradicts_the_one_that_was_stated():
    made = reference("bitcoin", address_to=TRON)
    assert {"address_to_form_unknown", "chain_contradiction"} <= set(made["flags"])
    assert made["faults"][0]["reason"].endswith(": tron")
    assert (made["chain"], made["chain_origin"]) == ("bitcoin", "stated")


@pytest.mark.parametrize("chain", ["bitcoin-cash", "litecoin"])
def test_an_old_address_that_looks_like_bitcoins_is_flagged(chain):
    script = base58check(b"\x05" + bytes(range(20)))
    assert "old_form" in reference(chain, address_to=script)["flags"]
    assert "old_form" not in reference("bitcoin", address_to=script)["flags"]


def test_a_contract_whose_checksum_is_off_is_not_taken_for_the_one_it_resembles():
    wrong = "0xdAC17F958D2ee523a2206206994597C13D831eC7"
    made = reference("ethereum", "0x" + ID, contract=wrong, asset="USDT", amount="1")
    assert (made["decimals"], made["contract"]) == (None, None)
    assert {"checksum_bad", "token_name_unproven"} <= set(made["flags"])


def test_test_networks_have_no_identifier_of_the_main_one():
    made = reference(address_to="tb1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnl25zw8")
    assert {"of": "address_to", "level": "checksum_ok"} in made["verdicts"]
    assert "test_network" in made["flags"]
    assert set(made["caip"].values()) == {None}


def test_the_tag_is_part_of_who_is_paid():
    x = "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"
    made = reference("xrp", address_to=x)
    assert (made["address_to"], made["tag_to"]) == ("rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "1")
    assert made["caip"]["address_to"] == "xrpl:0:rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf-1"
    assert "no_tag" in reference("xrp", address_to="rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf")["flags"]


def test_tron_has_no_settled_identifier():
    made = reference("tron", address_to=TRON)
    assert set(made["caip"].values()) == {None}


def test_look_alikes_in_one_payment():
    first = "0x" + "abc" + "0" * 34 + "def"
    second = "0x" + "abc" + "1" * 34 + "def"
    flags = reference("ethereum", "0x" + ID, address_from=first, address_to=second)["flags"]
    assert "addresses_look_alike" in flags
    flags = reference("ethereum", "0x" + ID, address_from=first, address_to=first.upper().replace("X", "x"))[
        "flags"
    ]
    assert "addresses_look_alike" not in flags


def test_a_chain_that_nobody_knows_is_an_open_question():
    made = reference("unknown", address_to=BTC)
    assert (made["chain"], made["chain_origin"]) == ("unknown", "none")
    assert made["chain_candidates"] == ["bitcoin", "bitcoin-cash"]
    assert "chain_ambiguous" in made["flags"]
    assert (made["txid"], made["address_to"]) == (None, BTC)
    assert made["caip"]["chain"] is None
    bare = reference("unknown")
    assert len(bare["chain_candidates"]) == 8
    assert {"of": "txid", "level": "form_ok"} in bare["verdicts"]


def test_a_chain_that_alone_fits_is_inferred_and_said_to_be():
    made = reference("unknown", address_to=TRON, amount="1", asset="TRX")
    assert (made["chain_raw"], made["chain"], made["chain_origin"]) == ("unknown", "tron", "inferred_unique")
    assert "chain_inferred" in made["flags"]
    assert made["amount_units"] == "1000000"


def test_texts_that_fit_no_chain_together_contradict_each_other():
    made = reference("unknown", address_from=BTC, address_to=TRON)
    assert made["chain_candidates"] == []
    assert {"chain_contradiction", "chain_ambiguous"} <= set(made["flags"])
    assert made["chain"] == "unknown"


def test_digits_that_may_be_a_key_are_warned_of_where_no_id_belongs():
    assert "may_be_private_key" not in reference()["flags"]
    assert "may_be_private_key" in reference(address_to="cd" * 32)["flags"]
    assert "may_be_private_key" in reference(source="page with " + "cd" * 32)["flags"]
    assert "may_be_private_key" not in reference(source=f"https://example.org/tx/{ID.lower()}")["flags"]


def test_records_from_before_the_checksums_are_still_readable():
    made = reference(amount="1", asset="BTC")
    old = {name: value for name, value in made.items() if name not in ADDED}
    VALIDATOR.validate(old)


@pytest.mark.parametrize(
    "secret",
    [
        base58check(b"\x80" + bytes(range(32))),
        base58check(b"\x80" + bytes(range(32)) + b"\x01"),
        base58check(bytes.fromhex("0488ade4") + bytes(41) + b"\x00" + bytes(range(1, 33))),
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "account_secret: abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_private_keys_are_refused_and_not_repeated(secret):
    for change in (
        {"txid": secret},
        {"address_to": f" {secret}"},
        {"source": f"note: {secret}"},
        {"source_place": secret},
        {"amount": secret},
        {"checked_by": secret},
        {"chain": f"other:{secret}"},
    ):
        with pytest.raises(InputRefused) as caught:
            reference(**change)
        assert caught.value.what.startswith("this looks like ")
        assert caught.value.hint
        said = f"{caught.value} {caught.value.hint} {caught.value!r}"
        assert not any(piece in said for piece in (secret, secret[:9], secret[-9:]))


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
        {"faults": [{"of": "txid"}]},
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
    for name in SCHEMA["required"]:
        assert not VALIDATOR.is_valid({key: value for key, value in made.items() if key != name})


@given(
    st.sampled_from([*payment.CHAINS, "other:x", "unknown"]),
    st.text(max_size=90) | st.from_regex("(0x)?[0-9a-fA-F]{60,66}", fullmatch=True),
    st.none() | st.text(max_size=40) | st.from_regex(r"[0-9]{0,30}[.,]?[0-9]{0,30}", fullmatch=True),
    st.none() | st.text(max_size=60) | st.sampled_from([BTC, TRON, EVM, SEGWIT]),
    st.none() | st.sampled_from(["BTC", "ETH", "USDT"]),
)
def test_any_text_is_a_valid_record_or_refused(chain, txid, amount, address, asset):
    try:
        made = payment.payment_reference(chain, txid, amount=amount, address_to=address, asset=asset)
    except InputRefused:
        return
    VALIDATOR.validate(made)
    assert made["txid_raw"] == txid
