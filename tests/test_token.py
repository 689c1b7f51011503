"""The check of timestamp tokens: good ones of every kind pass, each fault is refused in words, nothing else escapes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc3161_client
import rfc3161ng
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.errors import CheckFailed, InputRefused
from custody.verify.certificate import safe
from custody.verify.token import MAX_TOKEN_SIZE, TEST_POLICY, Token, TokenError, check_token, read_roots

from . import tsa_faults as f
from .tsa_faults import AT, CA, DATA, NONCE, POLICY, TSA, certificate, der, key, make_pki, token

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
PKI = make_pki()
OTHER = make_pki(tag="B", number=1)
LONG = make_pki(intermediates=2, tag="C", number=2)
LONG_RSA = make_pki("rsa2048", intermediates=1, tag="R", number=3)


def check(tsr: bytes, pki: f.Pki = PKI, **changes: Any) -> Token:
    arguments: dict[str, Any] = {"roots": pki.roots, "now": AT + timedelta(hours=1), "nonce": NONCE}
    return check_token(tsr, changes.pop("data", DATA), **{**arguments, **changes})


def refused(tsr: bytes, words: str, pki: f.Pki = PKI, **changes: Any) -> TokenError:
    with pytest.raises(TokenError, match=words) as caught:
        check(tsr, pki, **changes)
    assert caught.value.exit_code == 1
    return caught.value


# -- good ones --------------------------------------------------------------------------------------------


def test_a_good_token_says_what_it_says() -> None:
    tsr = token(PKI, gen_time=f.time_text(AT.replace(microsecond=250_000)))
    assert check(tsr) == Token(
        gen_time=AT.replace(microsecond=250_000),
        policy=POLICY,
        serial=4711,
        accuracy_us=1_000_000,
        imprint_algorithm="sha256",
        imprint=hashlib.sha256(DATA).digest(),
        nonce=NONCE,
        signer="TSA A",
        certificate_sha256=hashlib.sha256(der(PKI.cert)).hexdigest(),
        root_sha256=hashlib.sha256(der(PKI.root)).hexdigest(),
        test=False,
        tsr_sha256=hashlib.sha256(tsr).hexdigest(),
    )


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa2048", "rsa3072"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_keys_and_digests(kind: str, digest: str) -> None:
    pki = make_pki(kind)
    assert check(token(pki, digest=digest, imprint=digest), pki).imprint_algorithm == digest
    if kind.startswith("rsa"):
        assert check(token(pki, digest=digest, pss=True), pki).root_sha256
        plain = f.seq(f.oid("1.2.840.113549.1.1.1"), f.NULL)
        assert check(token(pki, digest=digest, algorithm=plain), pki).root_sha256


def pss(
    *,
    digest: str = "sha256",
    mask: str = "sha256",
    generator: str = "1.2.840.113549.1.1.8",
    more: bytes = b"",
) -> bytes:
    """The identifier of RSASSA-PSS with these parameters (RFC 4055, 3.1)."""
    parts = (
        f.tlv(0xA0, f.seq(f.oid(f.SHA[digest]))),
        f.tlv(0xA1, f.seq(f.oid(generator), f.seq(f.oid(f.SHA[mask])))),
    )
    return f.seq(f.oid("1.2.840.113549.1.1.10"), f.seq(*parts, more))


SALT = f.tlv(0xA2, f.integer(32))


def test_what_pss_may_say() -> None:
    pki = make_pki("rsa2048")
    for more in (SALT, SALT + f.tlv(0xA3, f.integer(1))):
        assert check(token(pki, pss=True, algorithm=pss(more=more)), pki).root_sha256


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (f.seq(f.oid("1.2.840.113549.1.1.10")), "does not fit"),
        (f.seq(f.oid("1.2.840.113549.1.1.10"), f.seq()), "does not fit"),  # all left out: SHA-1
        (
            f.seq(f.oid("1.2.840.113549.1.1.10"), f.seq(f.tlv(0xA0, f.seq(f.oid(f.SHA["sha256"]))), SALT)),
            "does not fit",
        ),
        (
            f.seq(
                f.oid("1.2.840.113549.1.1.10"),
                f.seq(f.tlv(0xA1, f.seq(f.oid("1.2.840.113549.1.1.8"), f.seq(f.oid(f.SHA["sha256"])))), SALT),
            ),
            "does not fit",
        ),
        (pss(digest="sha512", more=SALT), "does not fit"),
        (pss(mask="sha512", more=SALT), "does not fit"),
        (pss(digest="sha1", more=SALT), "digest algorithm of the signature is not accepted"),
        (pss(mask="sha1", more=SALT), "digest algorithm of the signature is not accepted"),
        (pss(generator="1.2.840.113549.1.1.9", more=SALT), "does not fit"),
        (pss(), "signature of the time proof is wrong"),  # 20, when nothing is said
        (pss(more=f.tlv(0xA2, f.integer(31))), "signature of the time proof is wrong"),
        (pss(more=f.tlv(0xA2, f.integer(-1))), "does not fit"),
        (pss(more=f.tlv(0xA2, f.integer(513))), "does not fit"),
        (pss(more=SALT + f.tlv(0xA3, f.integer(2))), "does not fit"),
        (pss(more=SALT + f.NULL), "does not belong here"),
    ],
)
def test_what_pss_may_not_say(algorithm: bytes, words: str) -> None:
    """The signature itself is a right one: only what is said of it is another thing."""
    pki = make_pki("rsa2048")
    refused(token(pki, pss=True, algorithm=algorithm), words, pki)


@pytest.mark.parametrize(
    "algorithm",
    [
        f.seq(f.oid(f.RSA_WITH["sha512"]), f.NULL),
        f.seq(f.oid(f.ECDSA_WITH["sha256"])),
        f.seq(f.oid("1.3.101.112")),
        f.seq(f.oid(f.RSA_WITH["sha256"]), f.octets(b"")),
        f.seq(f.oid(f.RSA_WITH["sha256"]), f.seq()),
    ],
)
def test_a_good_rsa_signature_under_another_name(algorithm: bytes) -> None:
    pki = make_pki("rsa2048")
    refused(token(pki, algorithm=algorithm), "does not fit|DER of another type|does not belong", pki)


def test_ed25519_with_its_digest() -> None:
    pki = make_pki("ed25519")
    assert check(token(pki, digest="sha512"), pki).root_sha256
    refused(token(pki, digest="sha256"), "signature algorithm does not fit", pki)


@pytest.mark.parametrize("ess", [("v1",), ("v2",), ("v1", "v2"), ("v2-sha512",)])
@pytest.mark.parametrize("ess_serial", [None, 0])
def test_every_form_of_signing_certificate(ess: tuple[str, ...], ess_serial: int | None) -> None:
    assert check(token(PKI, ess=ess, ess_serial=ess_serial)).root_sha256


def test_a_chain_in_every_order_and_with_strangers() -> None:
    carried = (der(LONG.cert), *(der(c) for c in LONG.chain), der(LONG.root), der(OTHER.cert))
    for order in itertools.permutations(carried):
        assert check(token(LONG, certificates=order), LONG).root_sha256


def test_other_ways_to_say_the_same() -> None:
    assert check(token(PKI, by_key_id=True)).root_sha256
    for ordering in (b"\x01\x01\x00", b"\x01\x01\xff"):  # FALSE should be left out, but means the same
        assert check(token(PKI, accuracy=f.seq(f.integer(1)) + ordering)).accuracy_us == 1_000_000
    assert check(token(PKI, unsigned=f.tlv(0xA1, f.attribute("1.2.3", f.NULL)))).root_sha256
    assert check(token(PKI, crls=f.tlv(0xA1, f.seq()))).root_sha256
    assert check(token(PKI, accuracy=b"")).accuracy_us is None
    fine = f.seq(f.integer(2), f.tlv(0x80, b"\x05"), f.tlv(0x81, b"\x07"))
    assert check(token(PKI, accuracy=fine)).accuracy_us == 2_005_007
    most = f.seq(f.integer(1 << 31), *(f.integer(999, tag) for tag in (0x80, 0x81)))
    assert check(token(PKI, accuracy=most)).accuracy_us == (1 << 31) * 1_000_000 + 999_999
    assert check(token(PKI, nonce=None), nonce=None).nonce is None
    plain = f.tlv(0xA1, f.seq(f.oid("1.2.3"), f.octets(b"x")))
    hint = f.tlv(
        0xA0, f.tlv(0xA4, PKI.cert.subject.public_bytes())
    )  # the authority's name, which says nothing
    for extra in (plain, hint, hint + plain):
        assert check(token(PKI, info_extra=extra)).root_sha256


def test_the_test_policy_is_marked() -> None:
    assert check(token(PKI, policy=TEST_POLICY)).test
    assert not check(token(PKI)).test
    assert TEST_POLICY.startswith("2.25.")


def test_no_clock_no_judgement_of_the_future() -> None:
    tsr = token(PKI, gen_time=f.time_text(AT + timedelta(days=20)))
    assert check(tsr, now=None).gen_time == AT + timedelta(days=20)


def test_certificates_are_judged_at_the_time_of_the_token() -> None:
    assert check(token(PKI), now=AT + timedelta(days=36500)).root_sha256


def test_an_authority_that_is_not_known_is_no_failure() -> None:
    assert check(token(PKI), OTHER).root_sha256 is None
    assert check(token(PKI), roots=()).root_sha256 is None
    assert check(token(LONG), roots=()).root_sha256 is None


def test_an_unknown_authority_is_checked_all_the_same() -> None:
    refused(token(PKI), "other bytes", roots=(), data=DATA + b"x")
    refused(token(PKI), "future", roots=(), now=AT - timedelta(hours=1))
    refused(token(PKI, ess=()), "signing-certificate is missing", roots=())
    refused(token(PKI, sign_with=key("p256", 9)), "signature of the time proof is wrong", roots=())
    refused(token(late := make_pki(leaf={"ends": AT - timedelta(days=1)})), "not valid", late, roots=())


def test_the_authority_s_own_certificate_may_be_the_root() -> None:
    own = key("p256", 50)
    alone = certificate("Alone", own, "Alone", own, **TSA)
    pki = f.Pki(alone, (), alone, own, own)
    assert check(token(pki), pki).root_sha256 == hashlib.sha256(der(alone)).hexdigest()
    assert check(token(pki), pki, roots=()).root_sha256 is None
    assert check(token(PKI), roots=(der(PKI.cert),)).root_sha256


def test_a_second_root_of_the_same_name_does_not_disturb() -> None:
    twin = certificate("Root A", key("p256", 51), "Root A", key("p256", 51), **CA)
    assert (
        check(token(PKI), roots=(der(twin), der(PKI.root))).root_sha256
        == hashlib.sha256(der(PKI.root)).hexdigest()
    )
    refused(token(PKI), "was not signed by", roots=(der(twin),))


# -- one fault each ---------------------------------------------------------------------------------------

CRITICAL = f.tlv(0xA1, f.seq(f.oid("1.2.3"), b"\x01\x01\xff", f.octets(b"x")))
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "the ESSCertID names another certificate": ({"ess_of": der(OTHER.cert)}, "names another certificate"),
    "of two ESSCertIDs the old one is wrong": (
        {
            "ess": ("v2",),
            "attributes": lambda a: [
                *a,
                f.attribute("1.2.840.113549.1.9.16.2.12", f.seq(f.seq(f.seq(f.octets(b"\0" * 20))))),
            ],
        },
        "names another certificate",
    ),
    "the issuerSerial is another": ({"ess_serial": 12345}, "names another certificate"),
    "no signing-certificate": ({"ess": ()}, "signing-certificate is missing"),
    "an empty signing-certificate": (
        {"ess": (), "attributes": lambda a: [*a, f.attribute("1.2.840.113549.1.9.16.2.47", f.seq(f.seq()))]},
        "names no certificate",
    ),
    "SHA-1 imprint": ({"imprint": "sha1"}, "digest algorithm of the imprint is not accepted"),
    "SHA-1 signature": (
        {"digest": "sha1", "sign_with": None},
        "digest algorithm of the signature is not accepted",
    ),
    "future": ({"gen_time": f.time_text(AT + timedelta(days=20))}, "lies in the future"),
    "nonce": ({"nonce": NONCE + 1}, "nonce is another"),
    "no nonce": ({"nonce": None}, "nonce is another"),
    "granted with modifications": ({"status": 1}, "granted with modifications"),
    "rejection": ({"status": 2, "status_text": b"no \x1b[31mway"}, r"rejection \(no \\x1b\[31mway\)"),
    "unknown status": ({"status": 77}, "status 77"),
    "two signers": ({"signer_info": lambda s: [s, s]}, "exactly one signature"),
    "no signer": ({"signer_info": lambda s: []}, "exactly one signature"),
    "no certificate": ({"certificates": ()}, "does not carry the certificate"),
    "another certificate only": ({"certificates": (der(OTHER.cert),)}, "does not carry the certificate"),
    "a certificate that is none": (
        {"certificates": (der(PKI.cert), f.seq())},
        "a certificate in the time proof",
    ),
    "too many certificates": (
        {"certificates": tuple(f.seq(f.integer(i)) for i in range(17))},
        "too many certificates",
    ),
    "no content-type": ({"attributes": lambda a: a[1:]}, "content-type is missing"),
    "no message-digest": ({"attributes": lambda a: [a[0], a[2]]}, "message-digest is missing"),
    "another message-digest": (
        {"attributes": lambda a: [a[0], f.attribute("1.2.840.113549.1.9.4", f.octets(b"\0" * 32)), a[2]]},
        "signed digest does not fit",
    ),
    "an attribute twice": ({"attributes": lambda a: [*a, a[0]]}, "stands twice"),
    "an attribute with two values": (
        {"attributes": lambda a: [*a, f.attribute("1.2.3", f.NULL, f.integer(1))]},
        "expected one value",
    ),
    "attributes out of order": (
        {"attributes": lambda a: sorted(a, reverse=True), "sort_attributes": False},
        "not in DER order",
    ),
    "another signed content-type": (
        {"attribute_content_type": "1.2.840.113549.1.7.1"},
        "signed content-type",
    ),
    "another content": ({"content_type": "1.2.840.113549.1.7.1"}, "signed content is not a time proof"),
    "an old SignedData": ({"signed_data_version": 1}, "SignedData of an unexpected version"),
    "the digest is not declared": ({"declared": "sha512"}, "not declared"),
    "signed by another key": ({"sign_with": key("p256", 9)}, "signature of the time proof is wrong"),
    "signed by a key of another kind": (
        {"sign_with": key("p384", 9)},
        "signature of the time proof is wrong",
    ),
    "the signature's digest is another": (
        {"algorithm": f.seq(f.oid(f.ECDSA_WITH["sha512"]))},
        "signature algorithm does not fit",
    ),
    "the signature is called RSA": (
        {"algorithm": f.seq(f.oid(f.RSA_WITH["sha256"]), f.NULL)},
        "does not fit",
    ),
    "a critical extension": ({"info_extra": CRITICAL}, "critical extension that is not known"),
    "fields in disorder": ({"info_extra": f.seq()}, "does not belong here"),
    "accuracy out of range": ({"accuracy": f.seq(f.tlv(0x80, b"\x03\xe8"))}, "accuracy out of range"),
    "microseconds out of range": ({"accuracy": f.seq(f.integer(1000, 0x81))}, "accuracy out of range"),
    "seconds out of range": ({"accuracy": f.seq(f.integer((1 << 31) + 1))}, "accuracy out of range"),
    "negative milliseconds": ({"accuracy": f.seq(f.integer(-1, 0x80))}, "accuracy out of range"),
    "negative accuracy": ({"accuracy": f.seq(f.integer(-1))}, "accuracy out of range"),
    "time without seconds": ({"gen_time": b"202603040506Z"}, "time that is not in DER form"),
    "time with a zone": ({"gen_time": b"20260304050607+0000"}, "time that is not in DER form"),
    "too large": ({"unsigned": f.tlv(0xA1, b"\0" * MAX_TOKEN_SIZE)}, "too large"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_in_words(fault: str) -> None:
    changes, words = FAULTS[fault]
    error = refused(token(PKI, **changes), words)
    assert error.message.isascii()
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"data": DATA + b"\n"}, "about other bytes"),
        ({"data": b""}, "about other bytes"),
        ({"policies": ("1.2.3", "1.2.4")}, "policy of the time proof is not among"),
        ({"nonce": 1}, "nonce is another"),
        ({"now": AT - timedelta(minutes=5, seconds=1)}, "lies in the future"),
    ],
)
def test_a_good_token_for_something_else(arguments: dict[str, Any], words: str) -> None:
    refused(token(PKI), words, **arguments)


def test_the_edge_of_the_future() -> None:
    assert check(token(PKI), now=AT - timedelta(minutes=5))
    assert check(token(PKI), policies=("1.2.3", POLICY)).policy == POLICY


def test_trailing_bytes_and_nonsense() -> None:
    tsr = token(PKI)
    refused(tsr + b"\0", "follow the end")
    refused(tsr[:-1], "cut off")
    refused(b"", "cut off")
    refused(b"-----BEGIN", "not well formed")


def test_a_response_that_holds_something_else_than_signed_data() -> None:
    tsr = token(PKI)
    kind = f.oid("1.2.840.113549.1.7.2")
    assert tsr.count(kind) == 1
    refused(tsr.replace(kind, f.oid("1.2.840.113549.1.7.1")), "is not CMS SignedData")


def test_an_imprint_that_is_too_short() -> None:
    tsr = token(PKI)
    digest = hashlib.sha256(DATA).digest()
    assert tsr.count(digest) == 1
    refused(tsr.replace(digest, bytes(32)), "signed digest does not fit")


LEAF_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no EKU": ({"eku": None}, "extended key usage, critical, found none"),
    "EKU not critical": ({"eku_critical": False}, "found not critical"),
    "a second EKU": ({"eku": (TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}, "timeStamping and no other"),
    "another EKU": ({"eku": (ExtendedKeyUsageOID.CODE_SIGNING,)}, "timeStamping and no other"),
    "key usage without signatures": ({"key_usage": ("key_encipherment",)}, "key usage that does not fit"),
    "key usage of an issuer": (
        {"key_usage": ("digital_signature", "key_cert_sign")},
        "key usage that does not fit",
    ),
    **{
        f"key usage that is more than signing: {more}": (
            {"key_usage": ("digital_signature", more)},
            "key usage that does not fit",
        )
        for more in ("crl_sign", "key_encipherment", "data_encipherment", "key_agreement")
    },
    "expired": ({"ends": AT - timedelta(seconds=1)}, "not valid at the time"),
    "not yet valid": ({"begins": AT + timedelta(seconds=1)}, "not valid at the time"),
    "a critical extension": (
        {"extra": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
        "critical extension that is not known",
    ),
    "name constraints": (
        {"extra": [(x509.NameConstraints([x509.DNSName("a.example")], None), True)]},
        "critical extension that is not known",
    ),
}


@pytest.mark.parametrize("roots", ["known", "unknown"])
@pytest.mark.parametrize("fault", LEAF_FAULTS)
def test_a_signer_that_is_no_time_authority(fault: str, roots: str) -> None:
    changes, words = LEAF_FAULTS[fault]
    pki = make_pki(leaf=changes)
    refused(token(pki), words, pki, **({} if roots == "known" else {"roots": ()}))


def test_key_usage_may_be_absent_or_non_repudiation() -> None:
    for flags in (None, ("content_commitment",), ("digital_signature", "content_commitment")):
        pki = make_pki(leaf={"key_usage": flags})
        assert check(token(pki), pki).root_sha256


@pytest.mark.parametrize("kind", ["rsa1024", "k1"])
def test_keys_that_are_not_accepted(kind: str) -> None:
    pki = make_pki(kind)
    refused(token(pki), "key in a certificate is", pki)


@pytest.mark.parametrize("kind", ["rsa1024", "k1"])
def test_an_issuer_s_key_that_is_not_accepted(kind: str) -> None:
    """A good key under a root that anybody can forge for proves nothing."""
    weak, own = key(kind, 80), key("p256", 81)
    root = certificate("Weak root", weak, "Weak root", weak, **CA)
    pki = f.Pki(root, (), certificate("TSA", own, "Weak root", weak, **TSA), own, weak)
    refused(token(pki), "key in a certificate is", pki)


def test_a_chain_under_an_ed25519_root() -> None:
    above, own = key("ed25519", 82), key("p256", 83)
    root = certificate("Root", above, "Root", above, **CA)
    pki = f.Pki(root, (), certificate("TSA", own, "Root", above, **TSA), own, above)
    assert check(token(pki), pki).root_sha256


def test_a_certificate_is_valid_from_its_first_second_to_its_last() -> None:
    for leaf in ({"begins": AT}, {"ends": AT}):
        pki = make_pki(leaf=leaf)
        assert check(token(pki), pki).root_sha256


def test_what_a_trusted_root_is_for_is_for_those_to_say_who_trust_it() -> None:
    pki = make_pki(root={"eku": (ExtendedKeyUsageOID.SERVER_AUTH,)})
    assert check(token(pki), pki).root_sha256


PATH_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "root expired": ({"root": {"ends": AT - timedelta(days=1)}}, "not valid at the time"),
    "intermediate expired": ({"middle": {"ends": AT - timedelta(days=1)}}, "not valid at the time"),
    "intermediate not yet valid": ({"middle": {"begins": AT + timedelta(days=1)}}, "not valid at the time"),
    "intermediate is no CA": ({"middle": {"ca": False}}, "may not issue certificates"),
    "intermediate without basic constraints": ({"middle": {"ca": None}}, "may not issue certificates"),
    "root is no CA": ({"root": {"ca": False}}, "may not issue certificates"),
    "intermediate may not sign": ({"middle": {"key_usage": ("crl_sign",)}}, "may not sign certificates"),
    "root allows no intermediate": ({"root": {"path_length": 0}}, "longer than its issuer allows"),
    "root allows one": ({"root": {"path_length": 1}}, "longer than its issuer allows"),
    "intermediate allows none": ({"middle": {"path_length": 0}}, "longer than its issuer allows"),
    "intermediate for web servers": ({"middle": {"eku": (ExtendedKeyUsageOID.SERVER_AUTH,)}}, "not for time"),
    "critical extension in an intermediate": (
        {"middle": {"extra": [(x509.NameConstraints([x509.DNSName("a.example")], None), True)]}},
        "critical extension that is not known",
    ),
}


@pytest.mark.parametrize("fault", PATH_FAULTS)
def test_a_chain_to_a_known_root_that_does_not_hold(fault: str) -> None:
    changes, words = PATH_FAULTS[fault]
    pki = make_pki(intermediates=2, **changes)
    refused(token(pki), words, pki)
    assert check(token(pki), pki, roots=()).root_sha256 is None


def test_a_chain_that_keeps_its_limits() -> None:
    pki = make_pki(
        intermediates=2, root={"path_length": 2}, middle={"path_length": 1, "eku": (TIME_STAMPING,)}
    )
    assert check(token(pki), pki).root_sha256


def test_a_chain_with_a_forged_link() -> None:
    forged = certificate("Intermediate C0", LONG.chain_keys[1], "Root C", key("p256", 60), **CA)
    near = LONG.chain[0]
    refused(token(LONG, certificates=(der(LONG.cert), der(near), der(forged))), "was not signed by", LONG)
    # beside the true one it does no harm
    carried = (der(LONG.cert), der(forged), *(der(c) for c in LONG.chain))
    assert check(token(LONG, certificates=carried), LONG).root_sha256


def test_a_self_signed_certificate_in_the_token_is_no_anchor_and_no_link() -> None:
    # the token brings its own root along; the verifier trusts another
    carried = (der(PKI.cert), der(PKI.root))
    assert check(token(PKI, certificates=carried), OTHER).root_sha256 is None
    # a self-signed one under the trusted root's name
    fake = make_pki(tag="B", number=7)
    refused(token(fake, certificates=(der(fake.cert), der(fake.root))), "was not signed by", OTHER)


@pytest.mark.parametrize("by_key_id", [False, True])
def test_a_twin_of_the_signer_s_certificate_does_not_disturb(by_key_id: bool) -> None:
    twin = certificate("TSA A", PKI.key, "Root A", PKI.root_key, **TSA, serial=PKI.cert.serial_number)
    for order in ((der(twin), der(PKI.cert)), (der(PKI.cert), der(twin))):
        found = check(token(PKI, certificates=order, by_key_id=by_key_id, ess_serial=0))
        assert found.certificate_sha256 == hashlib.sha256(der(PKI.cert)).hexdigest()
    refused(token(PKI, certificates=(der(twin),), by_key_id=by_key_id), "names another certificate")


def test_look_alike_certificates_cost_little() -> None:
    own = key("p256", 70)
    ring = [
        certificate(f"N{a}", own, f"N{b}", own, **CA, serial=1 + a * 10 + b)
        for a in range(4)
        for b in range(4)
        if a != b
    ]
    leaf = certificate("Leaf", key("p256", 71), "N0", own, **TSA)
    root = certificate("N1", key("p256", 72), "N1", key("p256", 72), **CA)
    pki = f.Pki(root, tuple(ring), leaf, key("p256", 71), own)
    with pytest.raises(TokenError, match=r"too many possible|was not signed by"):
        check(token(pki), pki)
    assert check(token(pki), pki, roots=()).root_sha256 is None


def test_look_alike_certificates_without_a_root_are_given_up() -> None:
    """None of them leads anywhere, and each of eight can follow each of eight others: 100,000 chains."""
    own = key("p256", 73)
    ring = [
        certificate(one, own, other, own, **CA, serial=serial)
        for one, other in (("A", "B"), ("B", "A"))
        for serial in range(1, 8)
    ]
    leaf = certificate("Leaf", own, "A", own, **TSA)
    pki = f.Pki(PKI.root, tuple(ring), leaf, own, own)
    refused(token(pki), "too many possible certificate chains", pki)


def test_a_longer_chain_than_anybody_uses_is_not_followed() -> None:
    assert check(token(pki := make_pki(intermediates=6)), pki).root_sha256
    assert check(token(pki := make_pki(intermediates=7)), pki).root_sha256 is None


def test_a_certificate_signed_with_sha1() -> None:
    made = asn1_x509.Certificate.load(der(PKI.cert))
    body = made["tbs_certificate"]
    body["signature"] = made["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    made["signature_value"] = PKI.root_key.sign(body.dump(force=True), ec.ECDSA(hashes.SHA1()))
    pki = replace(PKI, cert=x509.load_der_x509_certificate(made.dump(force=True)))
    refused(token(pki), "digest that is not accepted", pki)


def test_a_certificate_signed_by_an_algorithm_that_nobody_knows() -> None:
    made = asn1_x509.Certificate.load(der(PKI.cert))
    body = made["tbs_certificate"]
    body["signature"] = made["signature_algorithm"] = {"algorithm": "1.2.3.4"}
    pki = replace(PKI, cert=x509.load_der_x509_certificate(made.dump(force=True)))
    error = refused(token(pki), "digest that is not accepted", pki)
    assert error.found == "an unknown one"


# -- one spelling -----------------------------------------------------------------------------------------

Node = tuple[int, "list[Node] | bytes"]


def parse(data: bytes) -> list[Node]:
    """The elements of DER that is known to be good."""
    found: list[Node] = []
    while data:
        tag, length, head = data[0], data[1], 2
        if length & 0x80:
            head += length & 0x7F
            length = int.from_bytes(data[2:head], "big")
        body = data[head : head + length]
        found.append((tag, parse(body) if tag & 0x20 else body))
        data = data[head + length :]
    return found


def encode(nodes: list[Node]) -> bytes:
    return b"".join(f.tlv(tag, body if isinstance(body, bytes) else encode(body)) for tag, body in nodes)


def variants(nodes: list[Node], *, free: bytes = b"\0") -> Iterator[bytes]:
    """The same with one element under another tag, or with one more element at the end of one.

    ``free``: an element that is left as it is, with all that it holds.
    """
    for place, (tag, body) in enumerate(nodes):
        if encode([nodes[place]]) == free:
            continue
        before, behind = nodes[:place], nodes[place + 1 :]
        yield encode([*before, (tag ^ 1, body), *behind])
        if isinstance(body, list):
            yield encode([*before, (tag, [*body, (0x05, b"")]), *behind])
            for inside in variants(body, free=free):
                yield encode([*before, (tag, parse(inside)), *behind])


def test_every_field_has_its_tag_and_nothing_follows_the_last() -> None:
    """What no signature covers: response, SignedData, SignerInfo. Two readers must not see two tokens in one."""
    carried = f.tlv(0xA0, der(PKI.cert))
    for by_key_id in (False, True):
        tried = 0
        for other in variants(parse(token(PKI, by_key_id=by_key_id)), free=carried):
            tried += 1
            with pytest.raises(TokenError):
                check(other)
        assert tried > 50


def test_a_key_identifier_names_the_certificate_that_has_it() -> None:
    """Certificates beside the signer's may have another, or none."""
    bare = certificate("Bare", key("p256", 84), "Root A", PKI.root_key, ski=False)
    for order in ((der(bare), der(PKI.cert)), (der(PKI.cert), der(bare)), (der(OTHER.cert), der(PKI.cert))):
        assert check(token(PKI, certificates=order, by_key_id=True)).root_sha256

    def other(info: bytes) -> list[bytes]:
        version, _, *rest = parse(info)[0][1]  # type: ignore[misc]
        return [f.seq(encode([version, (0x80, bytes(20)), *rest]))]

    refused(token(PKI, by_key_id=True, signer_info=other), "does not carry the certificate that signed it")


def test_an_authority_without_one_common_name_is_told_by_its_whole_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for common, told in (((), "O=Synthetic"), (("A", "B"), "CN=B,CN=A,O=Synthetic")):
        names = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Synthetic")]
        names += [x509.NameAttribute(x509.NameOID.COMMON_NAME, one) for one in common]
        monkeypatch.setattr(f, "name", lambda cn, names=names: x509.Name(names))
        own = key("p256", 85)
        alone = certificate("", own, "", own, **TSA)
        assert check(token(f.Pki(alone, (), alone, own, own)), roots=()).signer == told


@pytest.mark.parametrize(("by_key_id", "version"), [(False, 3), (True, 1)])
def test_a_signer_info_has_the_version_of_its_identifier(by_key_id: bool, version: int) -> None:
    """RFC 5652, 5.3: 1 where it names issuer and serial number, 3 where it names a key."""

    def other(info: bytes) -> list[bytes]:
        fields = parse(info)[0][1]
        assert isinstance(fields, list)
        return [f.seq(f.integer(version), encode(fields[1:]))]

    refused(token(PKI, by_key_id=by_key_id, signer_info=other), "SignerInfo of an unexpected version")


def test_a_hostile_authority_must_keep_to_one_spelling_too() -> None:
    """The content of the token, signed anew by the authority itself."""
    accuracy = f.seq(f.integer(2), f.tlv(0x81, b"\x07"))
    knobs = f.Knobs(PKI, accuracy=accuracy)
    assert check(f.build(knobs)).accuracy_us == 2_000_007
    for info in variants(parse(f.info(knobs)), free=accuracy):
        with pytest.raises(TokenError):
            check(token(PKI, info=info))
    for inner in variants(parse(accuracy)):
        # Of millis and micros each is the other under its own tag.
        if inner != f.seq(f.integer(2), f.tlv(0x80, b"\x07")):
            with pytest.raises(TokenError):
                check(token(PKI, accuracy=inner))


@pytest.mark.parametrize("ess", ["v1", "v2", "v2-sha512"])
def test_a_hostile_authority_must_keep_to_one_spelling_in_what_it_signs_besides(ess: str) -> None:
    made: list[bytes] = []
    token(PKI, ess=(ess,), ess_serial=0, attributes=lambda a: made.extend(a) or a)
    kind, (_, [(_, [(_, [(_, one)])])]) = parse(made[2])[0][1]  # type: ignore[misc,has-type]
    # More certificates behind the signer's may be named, and a digest may have NULL as its parameters.
    may = [f.seq(f.seq(encode([(0x30, one)]), f.NULL))]
    if ess == "v2-sha512":
        may.append(f.seq(f.seq(f.seq(f.seq(f.oid(f.SHA["sha512"]), f.NULL), encode(one[1:])))))
    accepted = []
    for place in range(3):
        for changed in variants(parse(made[place])):
            attributes = [*made[:place], changed, *made[place + 1 :]]
            try:
                check(token(PKI, ess=(), attributes=lambda _, attributes=attributes: attributes))
            except TokenError:
                continue
            accepted.append(changed)
    assert sorted(accepted) == sorted(f.seq(encode([kind]), f.set_of(value)) for value in may)


# -- bit flips and fuzz -----------------------------------------------------------------------------------


def meaning(found: Token) -> Token:
    """A token without what may change: the file's own digest, and a root that is no longer reached."""
    return replace(found, tsr_sha256="", root_sha256=None)


@pytest.mark.parametrize("pki", [PKI, LONG_RSA], ids=["p256", "rsa-chain"])
def test_no_flipped_bit_changes_what_a_token_says(pki: f.Pki) -> None:
    tsr = token(pki, ess=("v1", "v2"), ess_serial=0)
    true = check(tsr, pki)
    accepted = 0
    for at in range(len(tsr)):
        for mask in (0x01, 0x80, 0x20):
            changed = tsr[:at] + bytes((tsr[at] ^ mask,)) + tsr[at + 1 :]
            try:
                found = check(changed, pki)
            except CheckFailed:
                continue
            accepted += 1
            assert meaning(found) == meaning(true)
            assert found.root_sha256 in (true.root_sha256, None)
    # what no signature covers: intermediates, whose root is then not reached, and little else
    assert accepted < len(tsr) * 3 // 4


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(TokenError):
        check(noise)


@settings(max_examples=300)
@given(st.data())
def test_cut_doubled_and_moved_bytes(draw: st.DataObject) -> None:
    tsr = TSR_LONG
    begin = draw.draw(st.integers(0, len(tsr)))
    end = draw.draw(st.integers(begin, min(len(tsr), begin + 300)))
    put = draw.draw(
        st.one_of(st.binary(max_size=40), st.just(tsr[begin:end] * 2), st.just(b"\x30\x80" * 100))
    )
    changed = tsr[:begin] + put + tsr[end:]
    try:
        found = check(changed, LONG)
    except TokenError:
        return
    assert meaning(found) == meaning(check(tsr, LONG))


@settings(max_examples=300)
@given(st.data())
def test_noise_inside_what_is_signed_is_refused_with_our_own_error(draw: st.DataObject) -> None:
    """The authority itself is hostile: it signs attributes and contents of any shape."""
    kind = draw.draw(st.sampled_from(["1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"]))
    value = draw.draw(
        st.one_of(
            st.binary(max_size=60),
            st.binary(max_size=40).map(lambda b: f.seq(f.seq(f.seq(b)))),
            st.binary(max_size=40).map(lambda b: f.seq(f.seq(f.seq(f.octets(b), f.seq(f.seq(b)))))),
        )
    )
    extra = draw.draw(st.binary(max_size=60))
    accuracy = draw.draw(st.one_of(st.just(b""), st.binary(max_size=12).map(lambda b: f.tlv(0x30, b))))
    tsr = token(
        PKI, ess=(), attributes=lambda a: [*a, f.attribute(kind, value)], info_extra=extra, accuracy=accuracy
    )
    with pytest.raises(TokenError):
        check(tsr)


TSR_LONG = token(LONG)


# -- roots ------------------------------------------------------------------------------------------------


def test_roots_from_pem_and_der() -> None:
    a, b = PKI.root, OTHER.root
    bundle = b"a comment\n" + b"\n".join(c.public_bytes(Encoding.PEM) for c in (a, b, a))
    assert read_roots(bundle, "roots.pem") == (der(a), der(b))
    assert read_roots(der(a), "root.der") == (der(a),)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "not a certificate"),
        (b"hello", "not a certificate"),
        (der(PKI.root) + b"\0", "not a certificate"),
        (f.seq(f.seq(f.integer(1), f.seq(), f.seq(), f.seq(), f.seq())), "can't be read"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "readable bundle"),
        (b"-----BEGIN NONSENSE-----\n", "readable bundle"),
        (
            PKI.root.public_bytes(Encoding.PEM)
            + PKI.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "private key",
        ),
        (b"\0" * (1 << 21), "too large"),
    ],
    ids=itertools.count(),  # the bytes have random keys in them, and workers must agree on names
)
def test_roots_that_are_none(bad: bytes, words: str) -> None:
    with pytest.raises(InputRefused, match=words) as caught:
        read_roots(bad, "roots.pem")
    assert caught.value.where == "roots.pem"


def test_a_trusted_root_that_is_none() -> None:
    with pytest.raises(InputRefused):
        check(token(PKI), roots=(b"junk",))


def test_a_certificate_has_a_size() -> None:
    with pytest.raises(InputRefused, match="not a certificate") as caught:
        read_roots(f.seq(f.octets(bytes(70_000))), "roots.pem")
    assert "too large" in str(caught.value.found)


def test_what_certificates_say_is_shown_in_ascii_and_not_at_length() -> None:
    assert safe("Zeitbehörde \u202e\x1b[2J\\,") == "Zeitbeh\\xf6rde \\u202e\\x1b[2J\\,"
    assert safe("a" * 200) == "a" * 200
    assert safe("a" * 201) == "a" * 197 + "..."


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_as_roots(noise: bytes, at: int, octet: int) -> None:
    root = bytearray(der(PKI.root))
    root[at % len(root)] = octet
    for data in (noise, b"-----BEGIN CERTIFICATE-----\n" + noise, bytes(root)):
        try:
            read_roots(data, "here")
        except InputRefused:
            continue


# -- other people's tools ---------------------------------------------------------------------------------


def openssl(tmp_path: Path, tsr: bytes, pki: f.Pki) -> bool:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program")
    (tmp_path / "7.note").write_bytes(DATA)
    (tmp_path / "7.tsr").write_bytes(tsr)
    (tmp_path / "root.pem").write_bytes(pki.root.public_bytes(Encoding.PEM))
    command = [program, "ts", "-verify", "-data", "7.note", "-in", "7.tsr", "-CAfile", "root.pem"]
    done = subprocess.run(
        [*command, "-attime", str(int(AT.timestamp()))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and "Verification: OK" in done.stdout + done.stderr


def client(tsr: bytes, pki: f.Pki) -> bool:
    try:
        response = rfc3161_client.decode_timestamp_response(tsr)
        verifier = rfc3161_client.VerifierBuilder(roots=[pki.root], nonce=NONCE).build()
        return bool(verifier.verify_message(response, DATA))
    except (rfc3161_client.VerificationError, ValueError):
        return False


def hanko(tsr: bytes, pki: f.Pki) -> bool:
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko_certvalidator import ValidationContext

    trust = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der(pki.root))], allow_fetching=False, moment=AT
    )
    signed = tsp.TimeStampResp.load(tsr)["time_stamp_token"]["content"]
    found = asyncio.run(validate_tst_signed_data(signed, trust, lambda *_: hashlib.sha256(DATA).digest()))
    return bool(found["intact"] and found["valid"] and not found.get("trust_problem_indic"))


def in_der_order(pki: f.Pki) -> tuple[bytes, ...]:
    return tuple(sorted((der(pki.cert), *(der(c) for c in pki.chain))))


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048"])
@pytest.mark.parametrize("intermediates", [0, 2])
@pytest.mark.parametrize("ess", [("v2",), ("v1",)])
def test_others_agree_about_good_tokens(
    kind: str, intermediates: int, ess: tuple[str, ...], tmp_path: Path
) -> None:
    pki = make_pki(kind, intermediates=intermediates, number=4)
    tsr = token(pki, certificates=in_der_order(pki), ess=ess, ess_serial=0)
    assert check(tsr, pki).root_sha256
    assert client(tsr, pki)
    if ess == ("v2",):
        assert hanko(tsr, pki)
    assert openssl(tmp_path, tsr, pki)


def test_others_agree_about_unsorted_certificates(tmp_path: Path) -> None:
    tsr = token(LONG, certificates=tuple(reversed(in_der_order(LONG))), ess_serial=0)
    assert check(tsr, LONG).root_sha256
    assert not client(tsr, LONG), "rfc3161-client reads unsorted SETs now: the repair in anchor can go"
    assert openssl(tmp_path, tsr, LONG)


@pytest.mark.parametrize(
    "fault",
    ["signed by another key", "another message-digest", "two signers", "rejection", "another content"],
)
def test_others_refuse_what_we_refuse(fault: str, tmp_path: Path) -> None:
    tsr = token(PKI, **FAULTS[fault][0])
    refused(tsr, FAULTS[fault][1])
    assert not client(tsr, PKI)
    assert not openssl(tmp_path, tsr, PKI)


def test_rfc3161ng_agrees() -> None:
    pki = make_pki("rsa2048", number=4)
    response = token(pki)
    signed = bytes(tsp.TimeStampResp.load(response)["time_stamp_token"].dump())
    pem = pki.cert.public_bytes(Encoding.PEM)
    assert rfc3161ng.check_timestamp(signed, certificate=pem, data=DATA, hashname="sha256", nonce=NONCE)
    assert rfc3161ng.get_timestamp(signed, naive=False).astimezone(UTC) == check(response, pki).gen_time


def test_tokens_that_openssl_makes(tmp_path: Path) -> None:
    """The other way round: an authority that is none of ours, with its certificates in any order."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program")
    began = datetime.now(UTC)
    life = {"begins": began - timedelta(days=1), "ends": began + timedelta(days=1)}
    pki = make_pki("rsa2048", intermediates=1, number=5, root=life, middle=life, leaf=life)
    (tmp_path / "cert.pem").write_bytes(pki.cert.public_bytes(Encoding.PEM))
    (tmp_path / "chain.pem").write_bytes(
        b"".join(c.public_bytes(Encoding.PEM) for c in (*pki.chain, pki.root, pki.cert))
    )
    (tmp_path / "key.pem").write_bytes(
        pki.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "note").write_bytes(DATA)
    for ess in ("sha1", "sha256"):
        (tmp_path / "tsa.cnf").write_text(
            "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = cert.pem\ncerts = chain.pem\n"
            "signer_key = key.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256, sha512\n"
            "accuracy = secs:1, millisecs:500, microsecs:100\nclock_precision_digits = 6\nordering = yes\n"
            f"tsa_name = yes\ness_cert_id_chain = yes\ness_cert_id_alg = {ess}\n"
        )
        for command in (
            ["-query", "-data", "note", "-sha512", "-cert", "-out", "q"],
            ["-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "a"],
        ):
            subprocess.run([program, "ts", *command], cwd=tmp_path, capture_output=True, check=True)
        found = check_token(
            (tmp_path / "a").read_bytes(), DATA, roots=pki.roots, now=datetime.now(UTC), policies=("1.2.3.4",)
        )
        assert found.root_sha256 == hashlib.sha256(der(pki.root)).hexdigest()
        assert found.accuracy_us == 1_500_100
        assert found.imprint_algorithm == "sha512"
        assert abs(found.gen_time - began) < timedelta(minutes=2)


def test_the_check_rests_on_little() -> None:
    code = "import sys, custody.verify.token; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    loaded = set(done.stdout.split())
    assert not {"asn1crypto", "rfc3161_client", "pyhanko", "sqlalchemy", "click", "urllib.request"} & loaded
    ours = {name for name in loaded if name.startswith("custody.")}
    assert all(
        name.startswith(("custody.verify", "custody.format", "custody.crypto", "custody.errors"))
        for name in ours
    )
