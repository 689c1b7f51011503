"""What a text is read as: published vectors come out as their sources say, and nothing is chosen or repaired."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.blockchain import caip, reading, recognise, secrets
from custody.evidence.blockchain.chains import CHAINS, EVM
from custody.evidence.blockchain.encodings import base58, bech32, bits, eip55, hashes, monero58

read = recognise.recognise


def only(text):
    found = read(text)
    assert len(found.readings) == 1, found
    return found.readings[0]


def of(text, kind, chain):
    return next(one for one in read(text).readings if one.kind == kind and chain in one.chains)


def vectors(samples: Path, name: str):
    return json.loads((samples / "blockchain" / name).read_text("utf-8"))


# --- published vectors ----------------------------------------------------------------------------------


def test_segwit_addresses_of_bip_350(samples):
    table = vectors(samples, "bip350_vectors.json")
    assert len(table["valid_addresses"]) == 8
    for one in table["valid_addresses"]:
        found = only(one["address"])
        script = bytes.fromhex(one["scriptPubKey"])
        assert (found.level, found.checksum, found.chains) == ("checksum_ok", "ok", ("bitcoin",))
        assert found.payload_hex == script[2:].hex()
        assert found.canonical == one["address"].lower()
        assert found.network == ("test" if one["address"].lower().startswith("tb") else "main")
    assert len(table["invalid_addresses"]) == 15
    for one in table["invalid_addresses"]:
        assert all(found.level is None for found in read(one["string"]).readings), one


def test_of_bip_173_the_addresses_that_bip_350_withdrew_are_not_sound(samples):
    table = vectors(samples, "bip173_vectors.json")
    sound = [only(one["address"]).level == "checksum_ok" for one in table["valid_addresses"]]
    versions = [int(one["scriptPubKey"][:2], 16) for one in table["valid_addresses"]]
    assert sound == [version == 0 for version in versions]
    assert sound.count(True) == 3
    for one in table["invalid_addresses"]:
        assert all(found.level is None for found in read(one["string"]).readings), one


def test_bitcoin_cores_base58_keys(samples):
    addresses = keys = 0
    for text, payload, facts in vectors(samples, "bitcoinjs_core_base58_keys_valid.json"):
        found = only(text)
        if facts["isPrivkey"]:
            keys += 1
            assert (found.kind, found.script_type) == ("secret", "wif")
            assert text not in repr(read(text))
            assert text not in read(text).shown
            continue
        addresses += 1
        assert (found.level, found.payload_hex) == ("checksum_ok", payload)
        assert found.network == ("test" if facts["isTestnet"] else "main")
        assert found.script_type == {"pubkey": "p2pkh", "script": "p2sh"}[facts["addrType"]]
        assert "bitcoin" in found.chains
        assert "chain_ambiguous" in found.flags
    assert (addresses, keys) == (26, 24)
    for (text,) in vectors(samples, "bitcoinjs_core_base58_keys_invalid.json"):
        sound = [one for one in read(text).readings if one.level and "bitcoin" in one.chains]
        assert sound == [], text


def test_accounts_in_trons_transactions(samples):
    found = set()
    for transaction in vectors(samples, "tron_transactions.json"):
        value = transaction["raw_data"]["contract"][0]["parameter"]["value"]
        found |= {text for text in value.values() if re.fullmatch("41[0-9a-f]{40}", str(text))}
        assert of(transaction["txID"], "tx", "tron").canonical == transaction["txID"]
    assert len(found) == 2
    for text in found:
        one = only(text)
        assert (one.chains, one.level, one.payload_hex) == (("tron",), "form_ok", text[2:])
        again = only(one.canonical)
        assert (again.level, again.payload_hex) == ("checksum_ok", text[2:])


def test_checksummed_addresses_of_eip_55(samples):
    for text in vectors(samples, "eip55_vectors.json")["valid"]:
        found = only(text)
        same_case = text[2:] in (text[2:].lower(), text[2:].upper())
        assert (found.checksum, found.level) == (("none", "form_ok") if same_case else ("ok", "checksum_ok"))
        assert ("no_checksum" in found.flags) == same_case
        assert found.canonical == text
        assert found.chains == EVM
        assert found.chain is None
        assert "chain_ambiguous" in found.flags
        assert only(text.lower()).payload_hex == found.payload_hex


def test_lightning_invoices_of_bolt_11(samples):
    table = vectors(samples, "bolt11_vectors.json")
    payee = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
    for text in table["valid"]:
        found = only(text)
        facts = dict(found.facts)
        assert (found.kind, found.level, found.script_type) == ("invoice", "checksum_ok", "bolt11")
        # the last one's signature has its S in the upper half: it recovers, and to another key
        assert (facts["payee"] == payee) == (text != table["valid"][-1])
        assert only(text.upper()) == found
    amounts = [dict(only(text).facts).get("amount_millisatoshi") for text in table["valid"]]
    assert amounts == [
        None,
        *["250000000"] * 2,
        *["2000000000"] * 6,
        "967878534",
        *["2500000000"] * 2,
        "1000000000",
        None,
    ]
    assert [dict(only(text).facts).get("fallback") for text in table["valid"][4:9]] == [
        "mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP",
        "1RustyRX2oai4EYYDpQGWvEL62BBGqN9T",
        "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
    ]
    assert dict(only(table["valid"][1]).facts)["description"] == "1 cup coffee"
    assert len(table["invalid"]) == 7
    expected = {
        "Bech32 checksum is invalid.": ("bad", "checksum"),
        "Signature is not recoverable.": ("ok", "no key follows"),
        "String is too short.": ("ok", "too short"),
        "Invalid multiplier": ("ok", "letter that means nothing"),
        "Invalid sub-millisatoshi precision.": ("ok", "finer than"),
        "Missing required `s` field.": ("ok", "payment secret is missing"),
        "Non canonical signature (high-S) with 'n' field defined": ("ok", "one spelling"),
    }
    for one in table["invalid"]:
        found = only(one["invoice"])
        checksum, reason = expected[one["reason"]]
        assert (found.level, found.checksum) == (None, checksum)
        assert reason in (found.reason or "")


KEY = bytes(range(1, 33))  # synthetic


def field(letter, fives):
    return (bits.CHARSET.index(letter), len(fives) >> 5, len(fives) & 31, *fives)


def invoice_text(*fields, prefix="lnbc20u", key=KEY, seconds=1_700_000_000):
    """An invoice of our own, signed with ``key``."""
    coincurve = pytest.importorskip("coincurve")
    fives = (
        *(seconds >> 5 * place & 31 for place in range(6, -1, -1)),
        *(five for one in fields for five in one),
    )
    spare = -len(fives) * 5 % 8
    number = 0
    for five in fives:
        number = number << 5 | five
    signed = prefix.encode() + (number << spare).to_bytes((len(fives) * 5 + spare) // 8, "big")
    signature = coincurve.PrivateKey(key).sign_recoverable(signed)
    return bech32.encode(prefix, (*fives, *bits.to_fives(signature)))


def sound_fields():
    return [
        field("p", bits.to_fives(bytes(range(32)))),
        field("s", bits.to_fives(bytes(32))),
        field("d", bits.to_fives("für Miete".encode())),
    ]


def public(key=KEY):
    return pytest.importorskip("coincurve").PrivateKey(key).public_key.format()


def test_an_invoice_of_our_own():
    found = only(invoice_text(*sound_fields()))
    facts = dict(found.facts)
    assert (found.level, found.payload_hex) == ("checksum_ok", bytes(range(32)).hex())
    assert facts["asked"] == "2023-11-14T22:13:20Z"
    assert facts["expires"] == "2023-11-14T23:13:20Z"
    assert (facts["amount_millisatoshi"], facts["description"]) == ("2000000", "für Miete")
    assert (facts["payee"], facts["payee_origin"]) == (public().hex(), "from_signature")


def test_a_payee_that_is_named_must_have_signed():
    named = only(invoice_text(*sound_fields(), field("n", bits.to_fives(public()))))
    assert (named.level, dict(named.facts)["payee_origin"]) == ("checksum_ok", "in_value")
    other = only(invoice_text(*sound_fields(), field("n", bits.to_fives(public(bytes(range(2, 34)))))))
    assert (other.level, other.flags) == (None, ("invoice_unsound",))
    assert "not by the payee" in (other.reason or "")


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_an_invoice_lacks_nothing_that_it_must_have(left_out):
    fields = sound_fields()
    del fields[left_out]
    assert only(invoice_text(*fields)).level is None


@pytest.mark.parametrize("more", [(0,), (1, 0), (1, 0, 5, 1)])
def test_an_invoice_whose_last_field_is_cut_off(more):
    assert only(invoice_text(*sound_fields(), more)).level is None


def test_an_invoice_that_no_calendar_dates():
    far = only(invoice_text(*sound_fields(), field("x", (31,) * 12)))
    assert "expires" not in dict(far.facts)
    assert far.level == "checksum_ok"


@pytest.mark.parametrize("prefix", ["lnbc0", "lnbc01m", "lnbc1x", "lnbc" + "9" * 21])
def test_amounts_that_no_invoice_has(prefix):
    assert only(invoice_text(*sound_fields(), prefix=prefix)).level is None


def test_accounts_of_the_caip_tables_are_recognised(samples):
    table = vectors(samples, "caip_vectors.json")
    for name, chain in (("solana", "solana"), ("monero", "monero")):
        for text in table[f"{name}/caip10"]:
            found = of(text.rpartition(":")[2], "address", chain)
            # the tables show forms only: three of the texts have no checksum that matches
            assert found.level is not None or found.checksum == "bad", text
    classic = [text.rpartition(":")[2] for text in table["xrpl/caip10"] if ":r" in text]
    assert of(classic[-1], "address", "xrp").tag == "495"


# Of the XRP ledger's X-address codec: one account with and without tags, on both networks.
ACCOUNT = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
X_ADDRESSES = [
    (None, "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb", "main"),
    ("0", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc", "main"),
    ("1", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC", "main"),
    ("65591", "XVLhHMPHU98es4dbozjVtdWzVrDjtVozpjdhPQVdt3ghaWw", "main"),
    ("4294967295", "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi", "main"),
    (None, "TVE26TYGhfLC7tQDno7G8dGtxSkYQn49b3qD26PK7FcGSKE", "test"),
    ("0", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnSy8RHqGHoGJ59spi2", "test"),
]


@pytest.mark.parametrize(("tag", "text", "network"), X_ADDRESSES)
def test_an_x_address_is_an_account_a_tag_and_a_network(tag, text, network):
    found = only(text)
    assert (found.canonical, found.tag, found.network) == (ACCOUNT, tag, network)
    assert found.level == "checksum_ok"
    assert ("no_tag" in found.flags) == (tag is None)
    assert found.payload_hex == only(ACCOUNT).payload_hex
    assert only(ACCOUNT).network is None


def test_a_tag_behind_a_classic_address_is_part_of_the_reference():
    for between in ":-":
        assert only(f"{ACCOUNT}{between}495").tag == "495"
    assert only(f"{ACCOUNT}:4294967296").level is None
    assert only(f"{ACCOUNT}:007").level is None


def x_address(body):
    return base58.encode_check(body, base58.RIPPLE)


def test_an_x_address_that_contradicts_itself_is_not_sound():
    account = bytes.fromhex(only(ACCOUNT).payload_hex)
    none_and_one = x_address(b"\x05\x44" + account + b"\x00\x01" + bytes(7))
    long_tag = x_address(b"\x05\x44" + account + b"\x01" + bytes(4) + b"\x01" + bytes(3))
    assert only(none_and_one).level is None
    assert only(long_tag).level is None
    reserved = only(x_address(b"\x05\x44" + account + b"\x02" + bytes(8)))
    assert (reserved.tag, reserved.flags) == (None, ("tag_unsupported",))


# Published by their own projects: Monero's donation subaddress, an integrated address of the CAIP table.
MONERO = {
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H": (
        "subaddress",
        None,
    ),
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK": (
        "integrated",
        16,
    ),
}


@pytest.mark.parametrize("text", MONERO)
def test_moneros_addresses(text):
    found = only(text)
    script_type, tag = MONERO[text]
    assert (found.chains, found.network, found.script_type) == (("monero",), "main", script_type)
    assert found.level == "checksum_ok"
    assert (None if found.tag is None else len(found.tag)) == tag


def test_keys_of_monero_must_be_points():
    body = bytes([18]) + (2).to_bytes(32, "little") + bytes(32)
    found = only(monero58.encode_check(body))
    assert found.checksum == "ok"
    assert found.level is None
    assert "key_not_a_point" in found.flags


# One account of TON in its four spellings, as published beside each other.
TON = [
    ("EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N", "main", "bounceable"),
    ("UQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqEBI", "main", "non_bounceable"),
    ("kQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqKYH", "test", "bounceable"),
    ("0:83dfd552e63729b472fcbcc8c45ebcc6691702558b68ec7527e1ba403a0f31a8", None, "raw"),
]


@pytest.mark.parametrize(("text", "network", "script_type"), TON)
def test_tons_spellings_are_one_account(text, network, script_type):
    found = of(text, "address", "ton")
    assert (found.network, found.script_type) == (network, script_type)
    assert found.canonical == TON[3][0]
    assert found.checksum == ("none" if script_type == "raw" else "ok")


def test_a_changed_character_of_ton_is_seen():
    assert of("UQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N", "address", "ton").checksum == "bad"


def test_the_contracts_of_the_notes():
    ethereum = only("0xdAC17F958D2ee523a2206206994597C13D831ec7")
    assert (ethereum.kind, ethereum.chain) == ("contract", None)
    facts = dict(ethereum.facts)
    assert facts["token_on_ethereum"] == "USDT"
    assert facts["same_key_bytes_on_tron"].startswith("TVut7P")
    assert facts["same_key_bytes_on_tron"].endswith("CMyj")
    tron = only("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
    assert (tron.kind, tron.chain, dict(tron.facts)["token_on_tron"]) == ("contract", "tron", "USDT")


# --- ambiguity is kept ----------------------------------------------------------------------------------


def checked(version, raw=bytes(range(20))):
    return base58.encode_check(bytes([version]) + raw)


@pytest.mark.parametrize(
    ("version", "chains", "network"),
    [
        (0x00, {"bitcoin", "bitcoin-cash"}, "main"),
        (0x05, {"bitcoin", "bitcoin-cash", "litecoin"}, "main"),
        (0x6F, {"bitcoin", "bitcoin-cash", "litecoin", "dogecoin"}, "test"),
        (0xC4, {"bitcoin", "bitcoin-cash", "litecoin", "dogecoin"}, "test"),
        (0x30, {"litecoin"}, "main"),
        (0x32, {"litecoin"}, "main"),
        (0x1E, {"dogecoin"}, "main"),
        (0x16, {"dogecoin"}, "main"),
        (0x41, {"tron"}, None),
    ],
)
def test_what_one_form_fits(version, chains, network):
    found = only(checked(version))
    assert (set(found.chains), found.network) == (chains, network)
    assert ("chain_ambiguous" in found.flags) == (len(chains) > 1)
    assert (found.chain is None) == (len(chains) > 1)
    assert ("test_network" in found.flags) == (network == "test")


def test_no_test_network_is_guessed():
    for prefix in ("tb", "tltc"):
        found = only(bech32.encode(prefix, (0, *bits.to_fives(bytes(20)))))
        assert found.network == "test"
        assert "signet" not in str(found)


@pytest.mark.parametrize("text", ["ab" * 32, "0x" + "AB" * 32])
def test_an_id_fits_many_chains_and_a_private_key(text):
    found = read(text)
    assert {one.kind for one in found.readings} == {"tx", "block"}
    for one in found.readings:
        assert one.chain is None or one.chain == "xrp"
        assert {"chain_ambiguous", "may_be_private_key", "no_checksum"} <= set(one.flags)
        assert one.level == "form_ok"
    assert not found.secret  # only a warning: it is shown, or no id could be
    assert found.shown == text


def test_the_same_bytes_on_tron_are_another_chain():
    raw = bytes(range(1, 21))
    tron, hexadecimal, evm = checked(0x41, raw), "41" + raw.hex(), eip55.checksummed(raw)
    assert only(hexadecimal).canonical == tron
    assert dict(only(tron).facts)["same_key_bytes_on_evm"] == evm
    assert dict(only(evm).facts)["same_key_bytes_on_tron"] == tron
    assert not set(only(tron).chains) & set(only(evm).chains)


def test_solana_tells_wallets_from_what_programs_own():
    on = "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv"
    assert of(on, "address", "solana").script_type == "on_curve"
    off = base58.encode((2).to_bytes(32, "little"))
    assert of(off, "address", "solana").script_type == "program_derived"
    assert "no_checksum" in of(on, "address", "solana").flags
    assert {one.kind for one in read(on).readings} == {"address", "block"}  # both have this form


def test_cashaddr_with_and_without_prefix_is_one_address():
    whole = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
    for text in (whole, whole.upper(), whole.partition(":")[2]):
        found = only(text)
        assert (found.canonical, found.chains, found.script_type) == (whole, ("bitcoin-cash",), "p2pkh")
    assert only("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu").payload_hex == only(whole).payload_hex


def test_litecoins_long_form():
    text = (
        "ltcmweb1qq20e2arnhvxw97katjkmsd35agw3capxjkrkh7dk8d30rczm8ypxuq329nwh2twmchhqn3jqh7ua4ps539f6aazh79"
        "jy76urqht4qa59ts3at6gf"
    )
    found = only(text)
    assert (found.chains, found.script_type, found.level) == (("litecoin",), "mweb", "checksum_ok")
    assert len(found.payload_hex or "") == 132
    assert only(text[:-1] + "q").level is None


# --- what is wrong is said, and kept --------------------------------------------------------------------


@pytest.mark.parametrize("bad", "0OIl")
def test_a_letter_that_base58_lacks_is_named_by_its_place(bad):
    text = checked(0x00)
    found = only(text[:9] + bad + text[10:])
    assert (found.checksum, found.position, found.level) == ("bad", 9, None)
    assert "bad_character" in found.flags
    assert found.canonical == text[:9] + bad + text[10:]


def test_one_wrong_letter_of_bech32_is_named_by_its_place():
    found = only("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
    assert (found.position, found.flags) == (41, ("checksum_bad",))
    found = only("bc1qw508d6qejxtdg1y5r3zarvary0c5xw7kv8f3t4")  # a 1 in the data must not hide the prefix
    assert (found.chains, found.position) == (("bitcoin",), 17)


def test_a_wrong_case_is_told_and_not_put_right():
    good = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
    text = good[:-2] + "C7"
    found = only(text)
    assert (found.checksum, found.level, found.canonical) == ("bad", None, text)
    assert found.position == 40
    assert "checksum_bad" in found.flags
    assert found.kind == "address"  # and no longer taken for the token's contract
    assert found.facts == ()


@pytest.mark.parametrize(
    ("char", "code"),
    [("а", "U+0430"), ("\u200b", "U+200B"), ("\u202e", "U+202E"), ("\ufeff", "U+FEFF"), ("１", "U+FF11")],
)
def test_what_looks_like_another_letter_has_no_reading_and_is_named(char, code):
    text = checked(0x00)
    changed = text[:5] + char + text[6:]
    found = read(changed)
    assert found.readings == ()
    assert found.flags == ("homoglyph",)
    assert [(at, name) for at, name, _ in found.odd] == [(5, code)]
    assert found.raw == changed
    inserted = text[:5] + char + text[5:]
    assert read(inserted).readings == ()


@pytest.mark.parametrize(
    "text", ["", "hello", "0x1234", "ab" * 31, "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "x" * 9000]
)
def test_what_is_no_reference_is_kept_with_the_reason(text):
    found = read(text)
    assert found.raw == text
    assert found.readings == ()
    assert found.reason


def test_spaces_around_are_no_part_of_it():
    assert read(f"  {ACCOUNT}\n").readings == read(ACCOUNT).readings


def test_a_secret_is_the_only_reading_and_is_not_shown():
    key = base58.encode_check(b"\x80" + bytes(range(32)))
    for text in (key, f"send it with {key} please", key[:20] + " " + key[20:]):
        found = read(text)
        assert found.secret
        assert {one.kind for one in found.readings} == {"secret"}
        for piece in (key, key[:12], key[-12:]):
            assert piece not in found.shown
            assert piece not in repr(found)


# --- any text -------------------------------------------------------------------------------------------


texts = (
    st.text(max_size=120)
    | st.from_regex("[13mn2LMDTrX][1-9A-HJ-NP-Za-km-z]{25,47}", fullmatch=True)
    | st.from_regex("(bc|tb|ltc)1[02-9ac-hj-np-z]{8,87}", fullmatch=True)
    | st.from_regex("(0x)?[0-9a-fA-F]{38,66}", fullmatch=True)
    | st.from_regex("[A-Za-z0-9+/_-]{43,48}=?", fullmatch=True)
    | st.from_regex("(bitcoin|ethereum|ton|lightning):[ -~]{0,80}", fullmatch=True)
    | st.from_regex("lnbc[0-9]{0,4}[munp]?1[02-9ac-hj-np-z]{8,300}", fullmatch=True)
)


@given(texts)
def test_any_text_is_read_or_kept_with_a_reason(text):
    found = read(text)
    assert found.raw == text
    assert bool(found.readings) != bool(found.reason)
    for one in found.readings:
        assert set(one.flags) <= set(reading.FLAGS)
        assert set(one.chains) <= set(CHAINS)
        assert (one.level == "checksum_ok") <= (one.checksum == "ok")
        assert one.level is not None or one.reason
        assert one.level is not None or one.flags
        assert "valid" not in str(one).lower().replace("validity", "") or "valid" in text.lower()


@given(
    st.sampled_from(sorted({0, 5, 0x6F, 0x30, 0x1E, 0x41})), st.binary(min_size=20, max_size=20), st.data()
)
def test_a_slip_of_the_hand_is_never_sound(version, raw, data):
    text = checked(version, raw)
    at = data.draw(st.integers(1, len(text) - 1))
    other = data.draw(st.sampled_from([char for char in base58.BITCOIN if char != text[at]]))
    for one in read(text[:at] + other + text[at + 1 :]).readings:
        assert one.level is None


@given(st.binary(min_size=20, max_size=20))
def test_the_canonical_spelling_reads_as_itself(raw):
    for text in (
        checked(0, raw),
        checked(0x41, raw),
        base58.encode_check(b"\0" + raw, base58.RIPPLE),
        eip55.checksummed(raw),
        bech32.encode("ltc", (0, *bits.to_fives(raw))),
    ):
        (one,) = [one for one in read(text).readings if one.kind == "address"]
        again = [two for two in read(one.canonical).readings if two.kind == "address"]
        assert [two.canonical for two in again] == [one.canonical]
        assert one.payload_hex == raw.hex()


# --- other people's programs as judges ------------------------------------------------------------------


@given(st.binary(min_size=20, max_size=20))
def test_btclib_reads_bitcoins_addresses_the_same(raw):
    b32 = pytest.importorskip("btclib.b32", reason="btclib is not installed: it is a judge for tests only")
    b58 = pytest.importorskip("btclib.b58", reason="btclib is not installed: it is a judge for tests only")
    kind, found, network = b58.h160_from_address(checked(0, raw))
    assert (kind, bytes(found), network) == ("p2pkh", raw, "mainnet")
    text = bech32.encode("bc", (0, *bits.to_fives(raw)))
    version, program, _ = b32.witness_from_address(text)
    assert (version, bytes(program).hex()) == (0, only(text).payload_hex)


@given(st.binary(min_size=20, max_size=20))
def test_eth_utils_spells_ethereums_addresses_the_same(raw):
    utils = pytest.importorskip(
        "eth_utils", reason="eth-account is not installed: it is a judge for tests only"
    )
    assert utils.to_checksum_address(raw) == eip55.checksummed(raw)


def test_an_address_follows_from_its_key():
    coincurve = pytest.importorskip("coincurve")
    account = pytest.importorskip(
        "eth_account", reason="eth-account is not installed: it is a judge for tests only"
    )
    key = bytes(range(1, 33))
    public = coincurve.PrivateKey(key).public_key.format(compressed=False)
    raw = hashes.keccak256(public[1:])[-20:]
    assert account.Account.from_key(key).address == only(eip55.checksummed(raw)).canonical


def test_the_page_names_every_chain_flag_and_secret():
    page = (Path(__file__).parent.parent / "docs" / "reference" / "coin-references.md").read_text("utf-8")
    for word in (*CHAINS, *reading.FLAGS, *secrets.KINDS, *caip.TRON_DRAFTS.values()):
        assert f"`{word}`" in page, word
