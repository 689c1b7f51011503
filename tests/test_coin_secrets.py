"""Secrets of wallets are found before anything is stored, and no character of them is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.blockchain import secrets
from custody.evidence.blockchain.encodings import base58, bech32, bits, hashes
from custody.format import words
from tests import costs

KEY = bytes(range(1, 33))  # synthetic: everybody's key, and nobody's money


def solana():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return KEY + Ed25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw()


def extended(version, key=b"\x00" + KEY):
    return base58.encode_check(bytes.fromhex(version) + bytes(41) + key)


SECRETS = {
    "wif": [
        base58.encode_check(b"\x80" + KEY),
        base58.encode_check(b"\x80" + KEY + b"\x01"),
        base58.encode_check(b"\xef" + KEY + b"\x01"),
        base58.encode_check(b"\xb0" + KEY + b"\x01"),
        base58.encode_check(b"\x9e" + KEY),
    ],
    "extended_private_key": [
        extended(v) for v in ("0488ade4", "049d7878", "04b2430c", "04358394", "045f18bc")
    ],
    "encrypted_key": [base58.encode_check(b"\x01\x42\xc0" + bytes(range(36)))],
    "xrp_seed": [
        base58.encode_check(b"\x21" + bytes(range(16)), base58.RIPPLE),
        base58.encode_check(b"\x01\xe1\x4b" + bytes(range(16)), base58.RIPPLE),
    ],
    "solana_key": [base58.encode(solana()), json.dumps(list(solana())), str(list(solana())).replace(" ", "")],
    "seed_phrase": [
        " ".join(words.encode(bytes(range(16)))),
        "\n".join(f"{n}. {word}" for n, word in enumerate(words.encode(KEY), 1)),
        ", ".join(words.encode(KEY)).upper(),
        json.dumps(words.encode(bytes(16))),
        "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful "
        "legal will",
    ],
    "keystore": [
        json.dumps(
            {
                "version": 3,
                "address": "00" * 20,
                "Crypto": {"ciphertext": "ab" * 32, "kdf": "scrypt", "kdfparams": {"n": 2}, "mac": "cd" * 32},
            }
        ),
        json.dumps(
            {"crypto": {"kdf": "pbkdf2", "ciphertext": "ab" * 32, "mac": "cd" * 32}, "id": "x"}, indent=2
        ),
    ],
}
CASES = [(kind, text) for kind, texts in SECRETS.items() for text in texts]
around = pytest.mark.parametrize(
    "around", ["{}", "my key: {}.", '{{"a":"{}"}}', "Schlüssel\n\n{}\n\n", "=({})="]
)


@around
@pytest.mark.parametrize(("kind", "secret"), CASES, ids=[f"{kind}{n}" for n, (kind, _) in enumerate(CASES)])
def test_each_kind_is_found_with_its_place(kind, secret, around):
    if kind in ("keystore", "solana_key") and around.startswith('{{"a"'):
        around = '{{"a":{}}}'
    text = around.format(secret)
    spans = [span for span in secrets.find(text) if span.strength == "certain"]
    assert [span.kind for span in spans] == [kind]
    found = text[spans[0].start : spans[0].end]
    assert found in secret or secret in found or secret.strip('[]"') in found
    hidden = secrets.mask(text)
    for piece in (found, found[:9], found[-9:]):
        assert piece not in hidden
    assert secrets.KINDS[kind] in hidden
    assert text[: spans[0].start] in hidden
    assert text[spans[0].end :] in hidden


@pytest.mark.parametrize(
    "text",
    [
        "account_secret: sEdNoChecksumOfAnyKindButLabelled",
        '{"privateKey": "' + "ab" * 32 + '"}',
        "private key = 0x" + "cd" * 32,
        "Secret spend key: " + "ef" * 32,
        "master_seed_hex: " + "0" * 32,
        # words of another list, behind a label
        "seed phrase: ábaco abdomen abeja abierto abogado abono aborto abrazo abrir abuelo abuso acabar",
        "mnemonic:\n1. aaa 2. bbb 3. ccc 4. ddd 5. eee 6. fff 7. ggg 8. hhh 9. iii 10. jjj 11. kkk 12. lll",
    ],
)
def test_what_a_label_calls_a_secret_is_one(text):
    spans = secrets.find(text)
    assert [span.strength for span in spans] == ["likely"]
    assert text[spans[0].start : spans[0].end] not in secrets.mask(text)


def test_a_seed_with_one_wrong_word_is_hidden_too():
    phrase = list(words.encode(bytes(range(16))))
    phrase[3] = "zoo" if phrase[3] != "zoo" else "zone"
    (span,) = secrets.find(" ".join(phrase))
    assert (span.kind, span.strength) == ("seed_phrase", "likely")


def test_words_of_the_list_around_a_seed_are_hidden_with_it():
    phrase = " ".join(words.encode(bytes(range(16))))
    (span,) = secrets.find(f"phrase {phrase} zoo")
    assert (span.start, span.end) == (0, len(phrase) + 11)


@pytest.mark.parametrize(
    "text",
    [
        base58.encode_check(b"\x00" + bytes(20)),  # an address
        extended("0488b21e", b"\x02" + KEY),  # a public extended key
        base58.encode(bytes(range(64))),  # a signature
        "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf",
        bech32.encode("bc", (0, *bits.to_fives(bytes(20)))),
        "my seed is in the ground and all of them will grow when the rain comes back",
        "the key is under the mat and the private key is lost",
        "the victim said that she wrote about any other person when people could not make their own choice",
        json.dumps({"crypto": "bitcoin", "amount": "1"}),
        base58.encode_check(b"\x80" + KEY)[:-1] + "1",  # a slip: no key any more, nor by its label
        "[" + ", ".join(["300"] * 64) + "]",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    assert [span for span in secrets.find(text) if span.strength != "possible"] == []
    assert secrets.mask(text) == text


def test_64_digits_are_only_a_warning():
    for text in ("ab" * 32, "0x" + "AB" * 32):
        (span,) = secrets.find(f"tx {text}.")
        assert (span.kind, span.strength) == ("hex_64", "possible")
        assert secrets.mask(text) == text
        assert secrets.kind_of(text) is None
    assert secrets.find("ab" * 33) == ()


def test_a_key_that_is_broken_up_is_found_where_a_value_is_typed():
    key = base58.encode_check(b"\x80" + KEY)
    for text in (f"{key[:10]} {key[10:]}", f"{key[:10]}\u200b{key[10:]}", "-".join((key[:30], key[30:]))):
        assert secrets.kind_of(text) == "wif"


def test_a_sentence_about_secrets_is_none():
    for text in (
        "seed: see page 12 of the notebook that she gave us",
        "the private key is on a stick, item A-3/07",
    ):
        assert secrets.kind_of(text) is None


def test_several_secrets_in_one_text_and_nothing_between_is_lost():
    one, two = base58.encode_check(b"\x80" + KEY), extended("0488ade4")
    text = f"a {one} b {'ab' * 32} c {two} d"
    assert [span.kind for span in secrets.find(text)] == ["wif", "hex_64", "extended_private_key"]
    hidden = secrets.mask(text)
    assert hidden.startswith("a [hidden: ")
    assert f" b {'ab' * 32} c [hidden" in hidden
    assert hidden.endswith("] d")


def test_the_label_and_the_secret_behind_it_are_one():
    phrase = " ".join(words.encode(KEY))
    (span,) = secrets.find(f"seed phrase: {phrase}")
    assert (span.kind, span.strength) == ("seed_phrase", "certain")
    assert phrase.split()[0] not in secrets.mask(f"seed phrase: {phrase}")


def test_an_electrum_seed():
    for number in range(10_000):
        phrase = [words.english()[(number * k * 31 + k) % 2048] for k in range(1, 13)]
        if secrets._is_electrum(phrase) and not secrets._is_seed(phrase):
            break
    (span,) = secrets.find(" ".join(phrase))
    assert (span.kind, span.strength) == ("electrum_seed", "certain")


@given(st.text(max_size=300))
def test_spans_are_in_order_and_apart(text):
    at = 0
    for span in secrets.find(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end
    secrets.mask(text)


@given(st.binary(min_size=32, max_size=32), st.text(" .,;:!\n\"'()=", min_size=1, max_size=4))
def test_no_key_is_missed(key, between):
    text = between.join(["x", base58.encode_check(b"\x80" + key), " ".join(words.encode(key)), "y"])
    assert {"wif", "seed_phrase"} <= {span.kind for span in secrets.find(text)}


@pytest.mark.parametrize(
    "unit",
    [
        "abandon ",
        "5" * 51 + " ",
        "s" * 30 + " ",
        "5" * 120,
        "z" * 88 + " ",
        '{"crypto":{',
        '{"crypto":{"ciphertext":1,"kdf":1,"mac":1 ',
        "seed: ",
        "seed phrase: aaa " + "bbb " * 30,
        "[" + "1," * 63,
        "[" + "1," * 63 + "1]",
        "ab" * 32 + " ",
        "private key ",
        "\u0430" * 20,
        "[[[[",
        "zoo zebra " * 99 + "a ",
    ],
)
def test_time_grows_with_the_length_and_no_faster(unit):
    text = (unit * (2**18 // len(unit) + 1))[: 2**18]
    assert costs.units(lambda: secrets.find(text)) < 69


def test_eth_account_knows_the_same_phrases():
    hd = pytest.importorskip(
        "eth_account.hdaccount", reason="eth-account is not installed: a judge for tests only"
    )
    judge = hd.Mnemonic()
    for size in (16, 32):
        phrase = words.encode(hashes.keccak256(bytes([size]))[:size])
        assert judge.is_mnemonic_valid(" ".join(phrase))
        assert secrets._is_seed(list(phrase))
        for last in words.english()[:64]:
            changed = [*phrase[:-1], last]
            assert judge.is_mnemonic_valid(" ".join(changed)) == secrets._is_seed(changed)
