"""The chains' encodings: there and back for anything, published vectors, and where a bad character stands."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.evidence.blockchain.encodings import (
    base58,
    bech32,
    bits,
    cashaddr,
    edwards,
    eip55,
    hashes,
    monero58,
)
from custody.evidence.blockchain.encodings.faults import Undecoded

anything = st.binary(max_size=70)
digests = st.sampled_from(cashaddr.SIZES).flatmap(lambda size: st.binary(min_size=size, max_size=size))
prefixes = st.text("".join(map(chr, range(33, 127))), min_size=1, max_size=10).map(str.lower)


def refused(read, *given, **named) -> Undecoded:
    with pytest.raises(Undecoded) as caught:
        read(*given, **named)
    return caught.value


# --- there and back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("alphabet", [base58.BITCOIN, base58.RIPPLE])
@given(raw=anything)
def test_base58_there_and_back(alphabet, raw):
    if raw:
        assert base58.decode(base58.encode(raw, alphabet), alphabet) == raw
    checked = base58.encode_check(raw, alphabet)
    if raw:
        assert base58.decode_check(checked, alphabet) == raw


@given(raw=anything)
def test_bits_there_and_back(raw):
    assert bits.to_bytes(bits.to_fives(raw)) == raw


@given(prefix=prefixes, raw=st.binary(max_size=40), variant=st.sampled_from(["bech32", "bech32m"]))
def test_bech32_there_and_back(prefix, raw, variant):
    fives = bits.to_fives(raw)
    text = bech32.encode(prefix, fives, variant)
    for spelling in (text, text.upper()):
        read = bech32.decode(spelling)
        assert (read.prefix, read.fives, read.variant) == (prefix, fives, variant)


@given(payload=digests, kind=st.integers(0, 15))
def test_cashaddr_there_and_back(payload, kind):
    text = cashaddr.encode("bitcoincash", kind, payload)
    for spelling in (text, text.upper(), text.partition(":")[2]):
        read = cashaddr.decode(spelling, "bitcoincash")
        assert (read.kind, read.payload) == (kind, payload)


@given(raw=st.binary(max_size=100))
def test_monero58_there_and_back(raw):
    assert monero58.decode(monero58.encode(raw)) == raw
    if raw:
        assert monero58.decode_check(monero58.encode_check(raw)) == raw


@given(raw=st.binary(min_size=20, max_size=20))
def test_eip55_there_and_back(raw):
    text = eip55.checksummed(raw)
    assert bytes.fromhex(text[2:]) == raw
    assert eip55.checksum_of(text) in ("ok", "none")
    assert eip55.checksum_of(text.lower()) == "none"
    assert eip55.checksum_of("0x" + text[2:].upper()) == "none"
    assert eip55.wrong_case(text) == ()


# --- one changed character is found ---------------------------------------------------------------------


@given(raw=st.binary(min_size=20, max_size=40), data=st.data())
def test_bech32_names_the_place_of_one_changed_character(raw, data):
    text = bech32.encode("bc", bits.to_fives(raw), data.draw(st.sampled_from(["bech32", "bech32m"])))
    at = data.draw(st.integers(3, len(text) - 1))
    other = data.draw(st.sampled_from([char for char in bits.CHARSET if char != text[at]]))
    fault = refused(bech32.decode, text[:at] + other + text[at + 1 :])
    assert fault.checksum
    assert fault.position == at


@given(payload=digests, data=st.data())
def test_cashaddr_finds_up_to_five_changed_characters(payload, data):
    text = cashaddr.encode("bitcoincash", 0, payload)
    chars = list(text)
    for at in data.draw(st.sets(st.integers(12, len(text) - 1), min_size=1, max_size=5)):
        chars[at] = data.draw(st.sampled_from([char for char in bits.CHARSET if char != chars[at]]))
    assert refused(cashaddr.decode, "".join(chars), "bitcoincash").checksum


@pytest.mark.parametrize("bad", ["0", "O", "I", "l", " ", "\u0430", "\u200b", "-"])
@pytest.mark.parametrize("read", [base58.decode, base58.decode_check, monero58.decode])
def test_a_character_that_base58_lacks_is_named_by_its_place(read, bad):
    text = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
    assert refused(read, text[:7] + bad + text[8:]).position == 7


@given(raw=st.binary(min_size=20, max_size=20), data=st.data())
def test_eip55_names_the_letters_in_the_wrong_case(raw, data):
    text = eip55.checksummed(raw)
    letters = [at for at, char in enumerate(text) if char.isalpha() and at > 1]
    if len({text[at].isupper() for at in letters}) < 2:
        return
    at = data.draw(st.sampled_from(letters))
    changed = text[:at] + text[at].swapcase() + text[at + 1 :]
    assert eip55.wrong_case(changed) == (at,)
    assert eip55.checksum_of(changed) in ("bad", "none")


# --- refusals -------------------------------------------------------------------------------------------


@given(st.text(max_size=150))
def test_any_text_decodes_or_is_refused_with_our_own_error(text):
    for read in (
        base58.decode,
        base58.decode_check,
        bech32.decode,
        monero58.decode,
        monero58.decode_check,
        lambda text: cashaddr.decode(text, "bitcoincash"),
        lambda text: base58.decode_check(text, base58.RIPPLE),
    ):
        try:
            read(text)
            continue
        except Undecoded as error:
            fault = error
        assert fault.position is None or 0 <= fault.position < len(text)


@given(st.text(bits.CHARSET + "1:", max_size=150))
def test_what_cashaddr_takes_is_written_the_same_again(text):
    try:
        read = cashaddr.decode(text, "bitcoincash")
    except Undecoded:
        return
    assert cashaddr.encode("bitcoincash", read.kind, read.payload).endswith(text.rpartition(":")[2])


def test_fillings_that_are_not_zero_are_refused():
    assert bits.to_bytes((31, 28)) == b"\xff"
    for fives in ((31, 29), (31, 30), (31, 31)):
        refused(bits.to_bytes, fives)
    refused(bits.to_bytes, (31, 28, 0))  # a whole group of filling
    refused(bits.to_bytes, (0,))


def test_cashaddr_holds_to_its_version_byte():
    def spelled(raw):
        fives = bits.to_fives(raw)
        left = cashaddr._polymod((*cashaddr._expand("bitcoincash"), *fives, *[0] * 8))
        return "".join(bits.CHARSET[five] for five in (*fives, *(left >> 5 * (7 - i) & 31 for i in range(8))))

    assert cashaddr.decode(spelled(bytes(21)), "bitcoincash").payload == bytes(20)
    refused(cashaddr.decode, spelled(b"\x80" + bytes(20)), "bitcoincash")
    refused(cashaddr.decode, spelled(b"\x01" + bytes(20)), "bitcoincash")
    refused(cashaddr.decode, "bchtest:" + spelled(bytes(21)), "bitcoincash")


def test_a_block_of_monero_can_not_overflow():
    assert monero58.encode(b"\xff" * 8) == "jpXCZedGfVQ"
    assert refused(monero58.decode, "jpXCZedGfVR").position == 0
    refused(monero58.decode, "1111")  # no number of bytes has four characters


def test_both_cases_in_one_bech32_text_are_refused_with_the_place():
    assert refused(bech32.decode, "bc1qW508").position == 4
    assert refused(cashaddr.decode, "qpm2qSznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bitcoincash").position == 5


def test_a_fault_travels_between_processes():
    fault = Undecoded("x", position=3, checksum=True)
    again = pickle.loads(pickle.dumps(fault))
    assert (again.what, again.position, again.checksum, again.where) == ("x", 3, True, "character 4")
    assert isinstance(again, FormatError)


# --- digests --------------------------------------------------------------------------------------------


def test_digests_are_the_published_ones():
    assert hashes.keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert (
        hashes.keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    )
    assert hashes.ripemd160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    assert hashes.crc16_xmodem(b"123456789").hex() == "31c3"
    assert hashes.sha256d(b"").hex() == hashlib.sha256(hashlib.sha256(b"").digest()).hexdigest()
    assert hashes.hash160(b"") == hashes.ripemd160(hashlib.sha256(b"").digest())
    assert hashes.sha512_half(b"abc") == hashlib.sha512(b"abc").digest()[:32]


# --- published vectors ----------------------------------------------------------------------------------


def vectors(samples: Path, name: str):
    return json.loads((samples / "blockchain" / name).read_text("utf-8"))


@pytest.mark.parametrize(("name", "variant"), [("bip173", "bech32"), ("bip350", "bech32m")])
def test_strings_of_bip_173_and_350(samples, name, variant):
    table = vectors(samples, f"{name}_vectors.json")
    assert len(table["valid_strings"]) == 7
    for text in table["valid_strings"]:
        read = bech32.decode(text)
        assert read.variant == variant
        assert bech32.encode(read.prefix, read.fives, read.variant) == text.lower()
    assert len(table["invalid_strings"]) >= 12
    for one in table["invalid_strings"]:
        refused(bech32.decode, one["string"])


def test_addresses_of_eip_55(samples):
    for text in vectors(samples, "eip55_vectors.json")["valid"]:
        digits = text[2:]
        expected = "none" if digits in (digits.lower(), digits.upper()) else "ok"
        assert eip55.checksum_of(text) == expected
        assert eip55.checksummed(bytes.fromhex(digits)) == text


def test_keys_of_bitcoin_core(samples):
    for text, payload, facts in vectors(samples, "bitcoinjs_core_base58_keys_valid.json"):
        body = base58.decode_check(text)
        assert body[1:33].hex()[: len(payload)] == payload, facts
        assert base58.encode_check(body) == text
    for (text,) in vectors(samples, "bitcoinjs_core_base58_keys_invalid.json"):
        try:
            body = base58.decode_check(text)
        except Undecoded:
            continue
        # the checksum is right; it is the version or the length that is no key's
        assert (body[0], len(body)) not in {
            *((version, 21) for version in (0x00, 0x05, 0x6F, 0xC4)),
            *((version, size) for version in (0x80, 0xEF) for size in (33,)),
        }


# Of the CashAddr specification: the same digests as Bitcoin's addresses beside them.
CASH = [
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", 0),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy", 0),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "bitcoincash:qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r", 0),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq", 1),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "bitcoincash:pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e", 1),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "bitcoincash:pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37", 1),
]


@pytest.mark.parametrize(("old", "new", "kind"), CASH)
def test_addresses_of_the_cashaddr_specification(old, new, kind):
    read = cashaddr.decode(new, "bitcoincash")
    assert (read.kind, read.payload) == (kind, base58.decode_check(old)[1:])
    assert cashaddr.encode("bitcoincash", kind, read.payload) == new


# --- points ---------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_points_are_those_that_another_library_finds(raw):
    from Cryptodome.Signature import eddsa

    if not int.from_bytes(raw, "little") & (1 << 255) - 1:
        return  # y = 0 is a point of order 4 (x² = -1), which that library does not know
    try:
        eddsa.import_public_key(raw)
        there = True
    except ValueError:
        there = False
    assert edwards.is_point(raw) == there


def test_points_have_one_spelling():
    assert edwards.is_point((1).to_bytes(32, "little"))  # the neutral element: x is 0
    assert not edwards.is_point((1 | 1 << 255).to_bytes(32, "little"))  # and has no sign
    assert not edwards.is_point((2**255 - 19 + 1).to_bytes(32, "little"))  # nor is y written otherwise
    assert not edwards.is_point(bytes(31))
    assert edwards.is_point(bytes(32))
