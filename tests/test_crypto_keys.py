"""Signing keys: RFC 8032's vectors, and every spelling of the eight torsion points refused."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.crypto import keys
from custody.crypto.keys import CustodianKeys, LogKeys, SignatureInvalid, SignKey
from custody.errors import FormatError

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def recover_x(y: int, sign: int) -> int | None:
    """RFC 8032, section 5.1.3, written apart from the code under test (square root by both candidates)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return (P - x) % P if x & 1 != sign else x
    return None


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def torsion() -> list[tuple[int, int]]:
    """All eight points of small order, grown from one of order eight."""
    order = 2**252 + 27742317777372353535851937790883648493
    y = 2
    while True:
        x = recover_x(y, 0)
        y += 1
        if x is None:
            continue
        point, factor, total = (x, y - 1), order, (0, 1)
        while factor:
            if factor & 1:
                total = add(total, point)
            point, factor = add(point, point), factor >> 1
        multiples = [(0, 1)]
        while len(multiples) == 1 or multiples[-1] != (0, 1):
            multiples.append(add(multiples[-1], total))
        if len(multiples) == 9:
            return multiples[:8]


def spellings(point: tuple[int, int]) -> set[bytes]:
    """The canonical spelling and all others that decoders are known to take for the same point."""
    x, y = point
    signs = {x & 1} | ({1 - (x & 1)} if x == 0 else set())
    return {
        (number | sign << 255).to_bytes(32, "little")
        for number in (y, y + P)
        if number < 2**255
        for sign in signs
    }


TORSION = torsion()


def test_there_are_eight_torsion_points_and_fourteen_spellings():
    assert len(set(TORSION)) == 8
    assert len(set.union(*map(spellings, TORSION))) == 14


@pytest.mark.parametrize("raw", sorted(set.union(*map(spellings, TORSION))), ids=bytes.hex)
def test_no_spelling_of_a_torsion_point_is_a_key(raw):
    with pytest.raises(FormatError) as caught:
        keys.check_sign_key(raw, where="key")
    canonical = int.from_bytes(raw, "little") % 2**255 < P and not (raw[31] >> 7 and raw[0] in (1, 0xEC))
    expected = "of small order" if canonical else "not canonical"
    assert expected in caught.value.what


def test_doubling_is_adding_to_itself():
    # That small order is found does not show it: there a wrong denominator meets a zero each time.
    base = (recover_x(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)
    for point in [base, add(base, base), *TORSION]:
        assert keys._double(*point) == add(point, point)


@pytest.mark.parametrize("number", range(P, 2**255))
@pytest.mark.parametrize("sign", [0, 1])
def test_no_number_beyond_the_field_is_a_key(number, sign):
    with pytest.raises(FormatError, match="not canonical"):
        keys.check_sign_key((number | sign << 255).to_bytes(32, "little"), where="key")


def test_a_number_that_is_no_point_is_no_key():
    numbers = [y for y in range(2, 40) if recover_x(y, 0) is None]
    assert len(numbers) > 10
    for y in numbers:
        with pytest.raises(FormatError, match="not on the curve"):
            keys.check_sign_key(y.to_bytes(32, "little"), where="key")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_another_length_is_no_key(size):
    with pytest.raises(FormatError, match="not an Ed25519 key"):
        keys.check_sign_key(bytes([9]) * size, where="key")


@given(st.binary(min_size=32, max_size=32))
def test_a_made_key_is_taken(seed):
    public = SignKey(seed).public
    assert keys.check_sign_key(public, where="key") == public


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_point_or_refused(raw):
    y, sign = int.from_bytes(raw, "little") % 2**255, raw[31] >> 7
    on_curve = y < P and recover_x(y, sign) is not None
    try:
        keys.check_sign_key(raw, where="key")
    except FormatError:
        assert not on_curve or raw in set.union(*map(spellings, TORSION))
    else:
        assert on_curve


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_rfc_8032(secret, public, message, signature):
    key = SignKey(bytes.fromhex(secret))
    assert key.public.hex() == public
    assert keys.check_sign_key(key.public, where="key")
    assert key.sign(bytes.fromhex(message)).hex() == signature
    keys.verify(key.public, bytes.fromhex(signature), bytes.fromhex(message), where="key")


def test_a_changed_message_signature_or_key_does_not_fit():
    key = SignKey(bytes(32))
    signature = key.sign(b"message")
    for public, sig, message in [
        (key.public, signature, b"massage"),
        (key.public, bytes([signature[0] ^ 1]) + signature[1:], b"message"),
        (key.public, signature[:-1], b"message"),
        (SignKey(b"\x01" * 32).public, signature, b"message"),
        (b"", signature, b"message"),
    ]:
        with pytest.raises(SignatureInvalid):
            keys.verify(public, sig, message, where="key")


def test_secrets_do_not_show():
    seed = bytes(range(32))
    secrets = [SignKey(seed), LogKeys(seed, seed), CustodianKeys.from_recovery_seed(seed)]
    for secret in secrets:
        assert repr(seed)[2:20] not in repr(secret)
        assert "seed" not in repr(secret)


def test_the_two_log_keys_travel_as_64_bytes():
    pair = LogKeys(b"\x01" * 32, b"\x02" * 32)
    assert pair.to_bytes() == b"\x01" * 32 + b"\x02" * 32
    assert LogKeys.from_bytes(pair.to_bytes()) == pair
    keys.verify_ml_dsa(pair.public["ml-dsa-44"], pair.sign_ml_dsa(b"m"), b"m", where="key")
    with pytest.raises(SignatureInvalid):
        keys.verify_ml_dsa(pair.public["ml-dsa-44"], pair.sign_ml_dsa(b"m"), b"n", where="key")


def test_a_recovery_seed_gives_the_same_keys_for_ever():
    # Pinned: sheets are printed, and read again in ten years.
    made = CustodianKeys.from_recovery_seed(bytes(range(32)))
    assert made.sign.seed.hex() == "bb4f131a72162be663373cd495a369061d4f5cd933ed54c08c7f2e58b67e01ba"
    assert made.wrap_seed is not None
    assert len(made.wrap_seed) == 64 + 32
    assert hashlib.sha256(made.wrap_seed).hexdigest() == (
        "35db4f4c17ba427fd93b380d47a0a6c83e0a01119966d8433b6c5f2c08d80936"
    )
