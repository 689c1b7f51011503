"""The check of an RFC 3161 timestamp token, with the standard library and `cryptography` alone.

What a token proves: somebody who held the authority's key saw the digest of these bytes at ``gen_time``.
The order of the checks, and what each refuses, is `docs/format/time.md`. Sources: RFC 3161 (protocol),
RFC 5652 (CMS), RFC 5816 (ESSCertIDv2), RFC 5035 and RFC 2634 (signing-certificate attributes), RFC 5280
(certificates), RFC 4055 (RSA-PSS), RFC 8419 (Ed25519), RFC 8933 (one digest algorithm for both uses).

Other checkers leave gaps that were measured: rfc3161-client 1.0.9 accepts a token whose signing-certificate
attribute is missing or names another certificate; `openssl ts -verify` accepts SHA-1 imprints, "granted with
modifications" and a time in the future. All of these are refused here.

Revocation is not looked at: it needs the network. The certificates are judged at ``gen_time``, so that a
token is still good when the authority's certificate has long expired.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from custody.errors import CheckFailed, FormatError, InputRefused
from custody.verify import der
from custody.verify.der import Element

TEST_POLICY: Final = "2.25.228624628577238166034103515594323584218"
"""The policy of the test authority (2.25.<UUID>, X.667): every output about such a token says so."""

MAX_TOKEN_SIZE: Final = 64 * 1024
MAX_ROOTS_SIZE: Final = 1 << 20
MAX_FUTURE: Final = timedelta(minutes=5)
# Real chains have one or two intermediates. The other bounds keep a token stuffed with look-alike
# certificates, none of which any signature covers, from costing more than a few hundred operations.
MAX_CERTIFICATES: Final = 16
MAX_INTERMEDIATES: Final = 6
MAX_PATHS: Final = 32
MAX_STEPS: Final = 512
MIN_RSA_BITS: Final = 2048
# Authorities use up to 4,096; a hostile chain of 16,384-bit keys would cost seconds of verifying.
MAX_RSA_BITS: Final = 8192

_DIGESTS: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_DIGEST_NAMES: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_CERTIFICATE_HASHES: Final = ("sha256", "sha384", "sha512")

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"

_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_ED25519: Final = "1.3.101.112"
_SHA512: Final = "2.16.840.1.101.3.4.2.3"
# signature algorithm -> the digest that its name fixes
_RSA_WITH: Final = {
    "1.2.840.113549.1.1.11": "2.16.840.1.101.3.4.2.1",
    "1.2.840.113549.1.1.12": "2.16.840.1.101.3.4.2.2",
    "1.2.840.113549.1.1.13": "2.16.840.1.101.3.4.2.3",
}
_ECDSA_WITH: Final = {
    "1.2.840.10045.4.3.2": "2.16.840.1.101.3.4.2.1",
    "1.2.840.10045.4.3.3": "2.16.840.1.101.3.4.2.2",
    "1.2.840.10045.4.3.4": "2.16.840.1.101.3.4.2.3",
}
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

# Certificate policies constrain nothing here: no policy of the *certificate* is demanded (RFC 5280, 6.1.1
# with any-policy). Name and policy constraints are not implemented, so that a critical one is refused.
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)

# Everything that `cryptography` is known to raise for a certificate or key that it does not like.
_LIBRARY_ERRORS: Final = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

_STATUS: Final = {
    0: "granted",
    1: "granted with modifications",
    2: "rejection",
    3: "waiting",
    4: "revocation warning",
    5: "revocation notification",
}


class TokenError(CheckFailed):
    """A timestamp token that does not hold: which check failed, and what was found instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a checked token says. Times are aware and in UTC; texts are safe to print.

    ``accuracy_us``: microseconds either way, None where the authority states none. ``signer``: subject of
    the authority's certificate (RFC 4514, escaped). ``root_sha256``: SHA-256 of the trusted root's DER, None
    where the authority is not known: such a token never makes a time confirmed. ``test``: issued under
    `TEST_POLICY`, not for court.
    """

    gen_time: datetime
    policy: str
    serial: int
    accuracy_us: int | None
    imprint_algorithm: str
    imprint: bytes
    nonce: int | None
    signer: str
    certificate_sha256: str
    root_sha256: str | None
    test: bool
    tsr_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Certificate:
    """A certificate with the parts that are compared as bytes."""

    der: bytes
    x: x509.Certificate
    extensions: x509.Extensions
    serial: int
    issuer: bytes
    subject: bytes

    @property
    def name(self) -> str:
        try:
            common = self.x.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            return _safe(str(common[0].value) if len(common) == 1 else self.x.subject.rfc4514_string())
        except _LIBRARY_ERRORS:
            return "(a name that can't be read)"

    def extension(self, oid: x509.ObjectIdentifier) -> x509.Extension[x509.ExtensionType] | None:
        return next((e for e in self.extensions if e.oid == oid), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TstInfo:
    """The fields of TSTInfo (RFC 3161, 2.4.2) that are used."""

    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    gen_time: datetime
    accuracy_us: int | None
    nonce: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignerInfo:
    """The one SignerInfo (RFC 5652, 5.3)."""

    sid: Element
    digest: str
    attributes: Element
    algorithm: str
    parameters: Element | None
    signature: bytes


def check_token(
    tsr: bytes,
    data: bytes,
    *,
    roots: Sequence[bytes],
    now: datetime | None,
    policies: Collection[str] = (),
    nonce: int | None = None,
    max_future: timedelta = MAX_FUTURE,
) -> Token:
    """Check a TimeStampResp (DER, at most 64 KiB) over ``data`` and return what it says.

    ``roots``: trusted root certificates, each as DER; certificates in the token are never trusted. ``now``:
    the checker's clock (aware), or None where it has none to trust: then a time in the future is not seen.
    ``policies``: the policies that are allowed, empty for any. ``nonce``: what the request had, if known.

    A token whose chain ends in none of the roots is *not* an error: `Token.root_sha256` is None. One whose
    chain leads to a given root by name and then does not hold is.

    Raises `TokenError` for every fault of the token, `InputRefused` where a root is not a certificate.
    """
    trusted = [_certificate(root, "trusted root") for root in dict.fromkeys(roots)]
    try:
        return _check(
            tsr, data, roots=trusted, now=now, policies=policies, nonce=nonce, max_future=max_future
        )
    except FormatError as error:
        raise TokenError(
            f"the time proof is not well formed: {error.what}",
            where=error.where,
            expected=error.expected,
            found=error.found,
        ) from error


def read_roots(pem_or_der: bytes, where: str) -> tuple[bytes, ...]:
    """The certificates of a PEM bundle, or the one in DER, each as DER, in order and without duplicates.

    ``where`` names the source in errors. Raises `InputRefused`: too large, no certificate, not readable, or
    a private key among them.
    """
    if len(pem_or_der) > MAX_ROOTS_SIZE:
        raise InputRefused(
            "too large for root certificates", where=where, expected=f"at most {MAX_ROOTS_SIZE} bytes"
        )
    if b"-----BEGIN" not in pem_or_der:
        return (_certificate(pem_or_der, where).der,)
    if b"PRIVATE KEY-----" in pem_or_der:
        raise InputRefused(
            "a private key stands among the root certificates",
            where=where,
            hint="give only the certificate; a private key belongs to the authority alone",
        )
    try:
        found = [c.public_bytes(Encoding.DER) for c in _quiet_load_pem(pem_or_der)]
    except _LIBRARY_ERRORS:
        raise InputRefused(
            "not a readable bundle of certificates", where=where, expected="PEM, or one certificate in DER"
        ) from None
    return tuple(_certificate(one, where).der for one in dict.fromkeys(found))


def _check(
    tsr: bytes,
    data: bytes,
    *,
    roots: Sequence[_Certificate],
    now: datetime | None,
    policies: Collection[str],
    nonce: int | None,
    max_future: timedelta,
) -> Token:
    signed_data = _read_response(der.read(tsr, max_size=MAX_TOKEN_SIZE))
    content, certificates, signer_info = _read_signed_data(signed_data)
    info = _read_tst_info(der.read(content, max_size=MAX_TOKEN_SIZE))
    attributes = _read_attributes(signer_info.attributes)

    _check_attributes(attributes, content, signer_info.digest)
    signer = _find_signer(certificates, signer_info.sid, attributes)
    _check_signature(signer_info, signer)
    _check_imprint(info, data)
    _check_claims(info, now=now, policies=policies, nonce=nonce, max_future=max_future)
    _check_signer_certificate(signer, info.gen_time)
    root = _find_root(signer, certificates, roots, info.gen_time)

    return Token(
        gen_time=info.gen_time,
        policy=info.policy,
        serial=info.serial,
        accuracy_us=info.accuracy_us,
        imprint_algorithm=info.imprint_algorithm,
        imprint=info.imprint,
        nonce=info.nonce,
        signer=signer.name,
        certificate_sha256=hashlib.sha256(signer.der).hexdigest(),
        root_sha256=None if root is None else hashlib.sha256(root.der).hexdigest(),
        test=info.policy == TEST_POLICY,
        tsr_sha256=hashlib.sha256(tsr).hexdigest(),
    )


# -- reading ----------------------------------------------------------------------------------------------


def _read_response(response: Element) -> Element:
    """TimeStampResp (RFC 3161, 2.4.2): the SignedData inside, when the status is *granted*."""
    fields = response.fields()
    status_info = fields.take(der.SEQUENCE).fields()
    status = status_info.take(der.INTEGER).integer()
    said = status_info.take_if(der.SEQUENCE)
    status_info.take_if(der.BIT_STRING)
    status_info.end()
    if status != 0:
        # "granted with modifications" (1) means that the authority stamped something else than was asked
        words = b" ".join(text.expect(der.UTF8_STRING).body for text in said.children()) if said else b""
        raise TokenError(
            "the authority did not grant the time proof",
            expected="status granted",
            found=_STATUS.get(status, f"status {status}")
            + (f" ({_safe(words.decode('utf-8', 'replace'))})" if words else ""),
        )
    token = fields.take(der.SEQUENCE).fields()
    fields.end()
    kind = token.take(der.OID).oid()
    if kind != _SIGNED_DATA:
        raise TokenError("the time proof is not CMS SignedData", expected=_SIGNED_DATA, found=kind)
    signed_data = token.take(der.context(0)).explicit()
    token.end()
    return signed_data


def _read_signed_data(signed_data: Element) -> tuple[bytes, tuple[_Certificate, ...], _SignerInfo]:
    """SignedData (RFC 5652, 5.1): encapsulated content, certificates, the one signer."""
    fields = signed_data.fields()
    _expect_version(fields.take(der.INTEGER), 3, "SignedData")
    declared = {_algorithm(one)[0] for one in fields.take(der.SET).children()}
    encapsulated = fields.take(der.SEQUENCE).fields()
    content_type = encapsulated.take(der.OID).oid()
    if content_type != _TST_INFO:
        raise TokenError("the signed content is not a time proof", expected=_TST_INFO, found=content_type)
    content = encapsulated.take(der.context(0)).explicit().octets()
    encapsulated.end()
    carried = fields.take_if(der.context(0))
    certificates = _read_certificates(carried) if carried else ()
    fields.take_if(der.context(1))  # revocation lists: not covered by the signature, not used
    signers = fields.take(der.SET).children()
    fields.end()
    if len(signers) != 1:
        raise TokenError("a time proof has exactly one signature", expected="1", found=str(len(signers)))
    signer = _read_signer_info(signers[0])
    if signer.digest not in declared:
        raise TokenError("the digest algorithm of the signature is not declared", expected=signer.digest)
    return content, certificates, signer


def _read_certificates(carried: Element) -> tuple[_Certificate, ...]:
    # Order and uniqueness are not held: the signature does not cover this SET, and openssl writes it in the
    # order of its configuration. Other choices than Certificate (attribute certificates) are passed over.
    found = [one for one in carried.children() if one.tag == der.SEQUENCE]
    if len(found) > MAX_CERTIFICATES:
        raise TokenError(
            "too many certificates", expected=f"at most {MAX_CERTIFICATES}", found=str(len(found))
        )
    try:
        return tuple(_certificate(one, "certificate") for one in dict.fromkeys(e.raw for e in found))
    except InputRefused as error:
        raise TokenError("a certificate in the time proof can't be read", found=error.message) from error


def _read_signer_info(element: Element) -> _SignerInfo:
    fields = element.fields()
    version = fields.take(der.INTEGER)
    sid = fields.take()
    if sid.tag not in (der.SEQUENCE, der.context(0, constructed=False)):
        sid.fail("a signer identifier of an unknown kind", found=der.tag_name(sid.tag))
    # RFC 5652, 5.3: 1 with issuer and serial number, 3 with a subject key identifier
    _expect_version(version, 1 if sid.tag == der.SEQUENCE else 3, "SignerInfo")
    digest, parameters = _algorithm(fields.take(der.SEQUENCE))
    _expect_digest(digest, parameters, "the signature")
    attributes = fields.take_if(der.context(0))
    if attributes is None:
        raise TokenError("the signed attributes are missing")
    algorithm, algorithm_parameters = _algorithm(fields.take(der.SEQUENCE))
    signature = fields.take(der.OCTET_STRING).octets()
    fields.take_if(der.context(1))  # unsigned attributes: covered by nothing, not used
    fields.end()
    return _SignerInfo(
        sid=sid,
        digest=digest,
        attributes=attributes,
        algorithm=algorithm,
        parameters=algorithm_parameters,
        signature=signature,
    )


def _read_attributes(attributes: Element) -> dict[str, Element]:
    """Signed attributes by type. Each once, with one value (RFC 5652, 11; RFC 5035, 3)."""
    found: dict[str, Element] = {}
    for attribute in attributes.sorted_children():
        fields = attribute.fields()
        kind = fields.take(der.OID).oid()
        values = fields.take(der.SET).children()
        fields.end()
        if kind in found:
            raise TokenError("a signed attribute stands twice", found=kind)
        if len(values) != 1:
            raise TokenError(f"signed attribute {kind}", expected="one value", found=str(len(values)))
        found[kind] = values[0]
    return found


def _read_tst_info(element: Element) -> _TstInfo:
    fields = element.fields()
    _expect_version(fields.take(der.INTEGER), 1, "TSTInfo")
    policy = fields.take(der.OID).oid()
    imprint = fields.take(der.SEQUENCE).fields()
    algorithm, parameters = _algorithm(imprint.take(der.SEQUENCE))
    _expect_digest(algorithm, parameters, "the imprint")
    digest = imprint.take(der.OCTET_STRING).octets()
    imprint.end()
    serial = fields.take(der.INTEGER).integer()
    gen_time = fields.take(der.GENERALIZED_TIME).generalized_time()
    accuracy = fields.take_if(der.SEQUENCE)
    # DER leaves out a FALSE that is the default; authorities that write it all the same say nothing else
    ordering = fields.take_if(der.BOOLEAN)
    if ordering is not None:
        ordering.boolean()
    nonce = fields.take_if(der.INTEGER)
    fields.take_if(der.context(0))  # tsa: a hint only; the signing-certificate attribute names the signer
    extensions = fields.take_if(der.context(1))
    if extensions is not None:
        _refuse_critical(extensions)
    fields.end()
    return _TstInfo(
        policy=policy,
        imprint_algorithm=_DIGEST_NAMES[algorithm],
        imprint=digest,
        serial=serial,
        gen_time=gen_time,
        accuracy_us=None if accuracy is None else _accuracy(accuracy),
        nonce=None if nonce is None else nonce.integer(),
    )


def _accuracy(element: Element) -> int:
    """Accuracy in microseconds (RFC 3161, 2.4.2). A zero, which should be left out, is let pass."""
    fields = element.fields()
    seconds = fields.take_if(der.INTEGER)
    millis = fields.take_if(der.context(0, constructed=False))
    micros = fields.take_if(der.context(1, constructed=False))
    fields.end()
    total = 0
    for part, tag, unit, most in (
        (seconds, der.INTEGER, 1_000_000, 1 << 31),
        (millis, der.context(0, constructed=False), 1_000, 999),
        (micros, der.context(1, constructed=False), 1, 999),
    ):
        value = 0 if part is None else part.integer(tag)
        if not 0 <= value <= most:
            element.fail("an accuracy out of range", expected=f"0 to {most}", found=str(value))
        total += value * unit
    return total


def _refuse_critical(extensions: Element) -> None:
    """TSTInfo extensions (RFC 3161, 2.4.2): an unknown critical one is refused; none is known."""
    for one in extensions.children():
        fields = one.fields()
        kind = fields.take(der.OID).oid()
        critical = fields.take_if(der.BOOLEAN)
        fields.take(der.OCTET_STRING)
        fields.end()
        if critical is not None and critical.boolean():
            raise TokenError("the time proof has a critical extension that is not known", found=kind)


def _algorithm(element: Element) -> tuple[str, Element | None]:
    """AlgorithmIdentifier: identifier, and parameters if there are any (RFC 5280, 4.1.1.2)."""
    fields = element.fields()
    oid = fields.take(der.OID).oid()
    parameters = fields.take_if(der.NULL, der.SEQUENCE, der.OID)
    fields.end()
    return oid, parameters


def _expect_version(element: Element, version: int, what: str) -> None:
    found = element.integer()
    if found != version:
        raise TokenError(f"{what} of an unexpected version", expected=str(version), found=str(found))


def _expect_digest(oid: str, parameters: Element | None, what: str) -> None:
    if oid not in _DIGESTS:
        raise TokenError(
            f"the digest algorithm of {what} is not accepted",
            expected="SHA-256, SHA-384 or SHA-512",
            found=oid,
        )
    if parameters is not None:
        parameters.null()


# -- attributes, signature, claims ------------------------------------------------------------------------


def _check_attributes(attributes: dict[str, Element], content: bytes, digest: str) -> None:
    content_type = _attribute(attributes, _CONTENT_TYPE, "content-type").oid()
    if content_type != _TST_INFO:
        raise TokenError("the signed content-type is another", expected=_TST_INFO, found=content_type)
    stated = _attribute(attributes, _MESSAGE_DIGEST, "message-digest").octets()
    found = _hash(digest, content)
    if stated != found:
        raise TokenError(
            "the signed digest does not fit the content of the time proof",
            expected=stated.hex()[:128],
            found=found.hex(),
        )


def _attribute(attributes: dict[str, Element], oid: str, name: str) -> Element:
    if oid not in attributes:
        raise TokenError(f"the signed attribute {name} is missing")
    return attributes[oid]


def _find_signer(
    certificates: Sequence[_Certificate], sid: Element, attributes: dict[str, Element]
) -> _Certificate:
    """The certificate that the signer identifier *and* every signing-certificate attribute name.

    The identifier alone is outside the signature, and two certificates can carry one issuer and serial.
    """
    named = [one for one in certificates if _is_identified(one, sid)]
    if not named:
        raise TokenError(
            "the time proof does not carry the certificate that signed it",
            hint="ask the authority again; a request by custody always asks for the certificate",
        )
    v1, v2 = attributes.get(_SIGNING_CERTIFICATE), attributes.get(_SIGNING_CERTIFICATE_V2)
    if v1 is None and v2 is None:
        raise TokenError("the signed attribute signing-certificate is missing")
    for attribute, is_v2 in ((v1, False), (v2, True)):
        if attribute is not None:
            first = _first_certificate_id(attribute)
            named = [one for one in named if _is_named(one, first, is_v2=is_v2)]
    if not named:
        raise TokenError("the signed attribute signing-certificate names another certificate")
    return named[0]


def _is_identified(certificate: _Certificate, sid: Element) -> bool:
    if sid.tag == der.SEQUENCE:
        fields = sid.fields()
        issuer = fields.take(der.SEQUENCE).raw
        serial = fields.take(der.INTEGER).integer()
        fields.end()
        return (issuer, serial) == (certificate.issuer, certificate.serial)
    extension = certificate.extension(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    return (
        extension is not None
        and isinstance(extension.value, x509.SubjectKeyIdentifier)
        and extension.value.digest == sid.body
    )


def _first_certificate_id(attribute: Element) -> Element:
    """SigningCertificate(V2): the first ESSCertID names the signer (RFC 5035, 3; RFC 2634, 5.4)."""
    fields = attribute.fields()
    listed = fields.take(der.SEQUENCE).children()
    fields.take_if(der.SEQUENCE)  # certificate policies: a narrowing that nobody asks for here
    fields.end()
    if not listed:
        raise TokenError("the signed attribute signing-certificate names no certificate")
    return listed[0]


def _is_named(certificate: _Certificate, certificate_id: Element, *, is_v2: bool) -> bool:
    """Whether an ESSCertID (SHA-1, by definition) or ESSCertIDv2 names this certificate."""
    fields = certificate_id.fields()
    if is_v2:
        given = fields.take_if(der.SEQUENCE)
        digest, parameters = ("2.16.840.1.101.3.4.2.1", None) if given is None else _algorithm(given)
        _expect_digest(digest, parameters, "the signing-certificate attribute")
        computed = _hash(digest, certificate.der)
    else:
        # A second preimage of SHA-1 is out of reach; and the name, the chain and the key are checked besides.
        computed = hashlib.sha1(certificate.der, usedforsecurity=False).digest()
    stated = fields.take(der.OCTET_STRING).octets()
    issuer_serial = fields.take_if(der.SEQUENCE)
    fields.end()
    if stated != computed:
        return False
    if issuer_serial is None:
        return True
    fields = issuer_serial.fields()
    names = fields.take(der.SEQUENCE).children()
    serial = fields.take(der.INTEGER).integer()
    fields.take_if(der.BIT_STRING)  # issuerUID, which only the v1 syntax of RFC 3281 knows
    fields.end()
    if len(names) != 1 or names[0].tag != der.context(4):
        return False
    return names[0].explicit().raw == certificate.issuer and serial == certificate.serial


def _check_signature(info: _SignerInfo, signer: _Certificate) -> None:
    # RFC 5652, 5.4: the signature covers the attributes under the tag of a SET, not under the [0] they carry
    signed = bytes((der.SET,)) + info.attributes.raw[1:]
    digest = _DIGESTS[info.digest]()
    key = _public_key(signer)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(info.signature, signed, _rsa_padding(info), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if _ECDSA_WITH.get(info.algorithm) != info.digest or info.parameters is not None:
                _refuse_algorithm(info)
            key.verify(info.signature, signed, ec.ECDSA(digest))
        else:
            # RFC 8419, 3.1: with signed attributes the digest is SHA-512
            if info.algorithm != _ED25519 or info.digest != _SHA512 or info.parameters is not None:
                _refuse_algorithm(info)
            key.verify(info.signature, signed)
    except (InvalidSignature, *_LIBRARY_ERRORS):
        raise TokenError("the signature of the time proof is wrong", where=signer.name) from None


def _public_key(
    certificate: _Certificate,
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    try:
        key = certificate.x.public_key()
    except _LIBRARY_ERRORS:
        raise TokenError("the key in a certificate can't be read", where=certificate.name) from None
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise TokenError(
                "the RSA key in a certificate is too short or too long",
                where=certificate.name,
                expected=f"{MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
                found=f"{key.key_size} bits",
            )
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    raise TokenError(
        "the key in a certificate is of a kind that is not accepted",
        where=certificate.name,
        expected="RSA, P-256, P-384, P-521 or Ed25519",
    )


def _rsa_padding(info: _SignerInfo) -> padding.PKCS1v15 | padding.PSS:
    if info.algorithm == _RSA_PSS:
        return _pss(info)
    if info.algorithm != _RSA and _RSA_WITH.get(info.algorithm) != info.digest:
        _refuse_algorithm(info)
    if info.parameters is not None:
        info.parameters.null()
    return padding.PKCS1v15()


def _pss(info: _SignerInfo) -> padding.PSS:
    """RSASSA-PSS parameters (RFC 4055, 3.1): one digest throughout; the SHA-1 defaults are refused."""
    if info.parameters is None:
        _refuse_algorithm(info)
    fields = info.parameters.fields()
    hashed, mask, salt, trailer = (fields.take_if(der.context(n)) for n in range(4))
    fields.end()
    if hashed is None or mask is None:
        _refuse_algorithm(info)
    digest, parameters = _algorithm(hashed.explicit())
    generator, generator_parameters = _algorithm(mask.explicit())
    if generator_parameters is None or generator != _MGF1:
        _refuse_algorithm(info)
    mask_digest, mask_parameters = _algorithm(generator_parameters)
    for oid, given in ((digest, parameters), (mask_digest, mask_parameters)):
        _expect_digest(oid, given, "the signature")
        if oid != info.digest:
            _refuse_algorithm(info)
    length = 20 if salt is None else salt.explicit().integer()
    if not 0 <= length <= 512 or (trailer is not None and trailer.explicit().integer() != 1):
        _refuse_algorithm(info)
    return padding.PSS(mgf=padding.MGF1(_DIGESTS[digest]()), salt_length=length)


def _refuse_algorithm(info: _SignerInfo) -> NoReturn:
    raise TokenError(
        "the signature algorithm does not fit the key or the digest, or is not accepted",
        expected="RSA (PKCS #1 v1.5 or PSS) or ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519",
        found=f"{info.algorithm} with digest {info.digest}",
    )


def _check_imprint(info: _TstInfo, data: bytes) -> None:
    computed = hashlib.new(info.imprint_algorithm, data).digest()
    if info.imprint != computed:
        raise TokenError(
            "the time proof is about other bytes",
            expected=computed.hex(),
            found=info.imprint[:64].hex(),
            hint="the log note was changed, or the proof belongs to another one",
        )


def _check_claims(
    info: _TstInfo,
    *,
    now: datetime | None,
    policies: Collection[str],
    nonce: int | None,
    max_future: timedelta,
) -> None:
    if nonce is not None and info.nonce != nonce:
        raise TokenError(
            "the nonce is another: an old answer was played again, or two were mixed up",
            expected=str(nonce),
            found="none" if info.nonce is None else str(info.nonce),
        )
    if policies and info.policy not in policies:
        raise TokenError(
            "the policy of the time proof is not among those that are trusted",
            expected=" or ".join(sorted(policies)),
            found=info.policy,
        )
    if now is not None and info.gen_time > now + max_future:
        raise TokenError(
            "the time proof lies in the future",
            expected=f"not later than {(now + max_future).isoformat()}",
            found=info.gen_time.isoformat(),
            hint="check this machine's clock first",
        )


# -- certificates -----------------------------------------------------------------------------------------


def _certificate(encoded: bytes, where: str) -> _Certificate:
    """Read one certificate: our own walk for what is compared as bytes, `cryptography` for the rest."""
    try:
        outer = der.read(encoded, max_size=MAX_TOKEN_SIZE).fields()
        body = outer.take(der.SEQUENCE).fields()
        body.take_if(der.context(0))
        serial = body.take(der.INTEGER).integer()
        body.take(der.SEQUENCE)
        issuer = body.take(der.SEQUENCE).raw
        body.take(der.SEQUENCE)
        subject = body.take(der.SEQUENCE).raw
    except FormatError as error:
        raise InputRefused("not a certificate", where=where, found=error.message) from error
    try:
        # The library warns about oddities of old certificates (a serial of zero); a reader of the report
        # could do nothing with that.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = x509.load_der_x509_certificate(encoded)
            extensions = x.extensions
            # read now what is read later, so that an odd certificate fails here and nowhere else
            _ = x.not_valid_before_utc, x.not_valid_after_utc
    except _LIBRARY_ERRORS:
        raise InputRefused("a certificate that can't be read", where=where) from None
    return _Certificate(
        der=encoded, x=x, extensions=extensions, serial=serial, issuer=issuer, subject=subject
    )


def _quiet_load_pem(pem: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(pem)


def _check_signer_certificate(signer: _Certificate, at: datetime) -> None:
    """What the signer's certificate must be, whoever issued it (RFC 3161, 2.3)."""
    _check_valid_at(signer, at)
    _check_extensions(signer)
    usage = signer.extension(ExtensionOID.EXTENDED_KEY_USAGE)
    if usage is None or not usage.critical:
        raise TokenError(
            "the signer's certificate is not for time proofs alone",
            where=signer.name,
            expected="extended key usage, critical",
            found="none" if usage is None else "not critical",
        )
    if not isinstance(usage.value, x509.ExtendedKeyUsage) or list(usage.value) != [
        ExtendedKeyUsageOID.TIME_STAMPING
    ]:
        raise TokenError(
            "the signer's certificate is not for time proofs alone",
            where=signer.name,
            expected="extended key usage timeStamping and no other",
        )
    key_usage = signer.extension(ExtensionOID.KEY_USAGE)
    if key_usage is None:
        return
    value = key_usage.value
    if (
        not isinstance(value, x509.KeyUsage)
        or not (value.digital_signature or value.content_commitment)
        or value.key_cert_sign
        or value.crl_sign
        or value.key_encipherment
        or value.data_encipherment
        or value.key_agreement
    ):
        raise TokenError(
            "the signer's certificate has a key usage that does not fit a time authority",
            where=signer.name,
            expected="digitalSignature, nonRepudiation or both",
        )


def _find_root(
    signer: _Certificate,
    carried: Sequence[_Certificate],
    roots: Sequence[_Certificate],
    at: datetime,
) -> _Certificate | None:
    """The trusted root in which a chain from the signer ends, or None where none is reached by name."""
    if not roots:
        return None
    failure: TokenError | None = None
    for number, path in enumerate(_paths(signer, carried, roots)):
        if number == MAX_PATHS:
            raise TokenError("too many possible certificate chains", expected=f"at most {MAX_PATHS}")
        try:
            _check_path(path, at)
        except TokenError as error:
            failure = failure or error
        else:
            return path[-1]
    if failure is not None:
        raise failure
    return None


def _paths(
    signer: _Certificate, carried: Sequence[_Certificate], roots: Sequence[_Certificate]
) -> Iterator[tuple[_Certificate, ...]]:
    """Chains from the signer to a trusted root, by names alone, shortest first.

    A certificate in the token that names itself as issuer is no link: only ``roots`` are anchors.
    """
    # Somebody who names the signer's own certificate as trusted has said all there is to say.
    if any(root.der == signer.der for root in roots):
        yield (signer,)
    links = [one for one in carried if one.issuer != one.subject]
    waiting: list[tuple[_Certificate, ...]] = [(signer,)]
    steps = 0
    while waiting:
        path, *waiting = waiting
        last = path[-1]
        for root in roots:
            if root.subject == last.issuer:
                yield (*path, root)
        if len(path) > MAX_INTERMEDIATES:
            continue
        for link in links:
            steps += 1
            if steps > MAX_STEPS:
                raise TokenError("too many possible certificate chains")
            if link.subject == last.issuer and link not in path:
                waiting.append((*path, link))


def _check_path(path: Sequence[_Certificate], at: datetime) -> None:
    """A chain, signer first and trusted root last, as of ``at`` (RFC 5280, 6.1, without revocation)."""
    for below, (child, parent) in enumerate(pairwise(path)):
        _check_valid_at(parent, at)
        _check_extensions(parent)
        _check_may_issue(parent, intermediates_below=below, is_root=below == len(path) - 2)
        _check_issued(child, parent)


def _check_valid_at(certificate: _Certificate, at: datetime) -> None:
    begins, ends = certificate.x.not_valid_before_utc, certificate.x.not_valid_after_utc
    if not begins <= at <= ends:
        raise TokenError(
            "a certificate was not valid at the time of the time proof",
            where=certificate.name,
            expected=f"{begins.isoformat()} to {ends.isoformat()}",
            found=at.isoformat(),
        )


def _check_extensions(certificate: _Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise TokenError(
                "a certificate has a critical extension that is not known",
                where=certificate.name,
                found=extension.oid.dotted_string,
            )


def _check_may_issue(issuer: _Certificate, *, intermediates_below: int, is_root: bool) -> None:
    constraints = issuer.extension(ExtensionOID.BASIC_CONSTRAINTS)
    if (
        constraints is None
        or not isinstance(constraints.value, x509.BasicConstraints)
        or not constraints.value.ca
    ):
        raise TokenError("a certificate in the chain may not issue certificates", where=issuer.name)
    most = constraints.value.path_length
    if most is not None and intermediates_below > most:
        raise TokenError(
            "the certificate chain is longer than its issuer allows",
            where=issuer.name,
            expected=f"at most {most} between",
            found=str(intermediates_below),
        )
    usage = issuer.extension(ExtensionOID.KEY_USAGE)
    if usage is not None and not (isinstance(usage.value, x509.KeyUsage) and usage.value.key_cert_sign):
        raise TokenError(
            "a certificate in the chain may not sign certificates",
            where=issuer.name,
            expected="key usage keyCertSign",
        )
    extended = None if is_root else issuer.extension(ExtensionOID.EXTENDED_KEY_USAGE)
    # An issuer that is limited to, say, web servers must not make time authorities.
    if extended is not None and not (
        isinstance(extended.value, x509.ExtendedKeyUsage)
        and {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        & set(extended.value)
    ):
        raise TokenError("a certificate in the chain is not for time authorities", where=issuer.name)


def _check_issued(child: _Certificate, parent: _Certificate) -> None:
    _public_key(parent)
    try:
        digest = child.x.signature_hash_algorithm
    except _LIBRARY_ERRORS:
        digest = None
        known = False
    else:
        known = digest is None or digest.name in _CERTIFICATE_HASHES
    if not known:
        raise TokenError(
            "a certificate is signed with a digest that is not accepted",
            where=child.name,
            expected="SHA-256, SHA-384 or SHA-512",
            found="an unknown one" if digest is None else digest.name,
        )
    try:
        child.x.verify_directly_issued_by(parent.x)
    except (InvalidSignature, *_LIBRARY_ERRORS):
        raise TokenError(
            "a certificate was not signed by the one that it names", where=child.name, expected=parent.name
        ) from None


def _hash(oid: str, data: bytes) -> bytes:
    return hashlib.new(_DIGEST_NAMES[oid], data).digest()


def _safe(text: str) -> str:
    """Text from outside, made printable: at most 200 characters of ASCII, everything else escaped.

    A backslash stands as it is: RFC 4514, where nearly all of this comes from, doubles its own.
    """
    shown = "".join(
        c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
    return shown if len(shown) <= 200 else shown[:197] + "..."
