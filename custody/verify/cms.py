"""The one signature of a CMS SignedData (RFC 5652): what it covers, who made it, whether it fits.

The signed attributes are strict: in DER order, each once, with one value, and with a signing-certificate
attribute (RFC 5035, RFC 5816) that names the signer's certificate by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from custody.errors import InputRefused
from custody.verify import der
from custody.verify.algorithms import (
    SHA256,
    Signature,
    TokenError,
    algorithm,
    check_signature,
    digest_of,
    expect_digest,
)
from custody.verify.certificate import Certificate, read_certificate
from custody.verify.der import Element

# A token stuffed with certificates, none of which any signature covers, must stay cheap.
MAX_CERTIFICATES: Final = 16

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """The one SignerInfo (RFC 5652, 5.3)."""

    sid: Element
    attributes: Element
    signature: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """A SignedData with one signer. ``content``: the encapsulated octets, whose type is ``content_type``."""

    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    signer: SignerInfo


def check_signed_data(signed: SignedData) -> Certificate:
    """The certificate that signed the content. Raises `TokenError` and `FormatError`."""
    info = signed.signer
    attributes = _read_attributes(info.attributes)
    _check_attributes(attributes, signed)
    signer = _find_signer(signed.certificates, info.sid, attributes)
    # RFC 5652, 5.4: the signature covers the attributes under the tag of a SET, not under the [0] they carry
    check_signature(info.signature, bytes((der.SET,)) + info.attributes.raw[1:], signer)
    return signer


def read_signed_data(signed_data: Element) -> SignedData:
    """SignedData (RFC 5652, 5.1): encapsulated content, certificates, the one signer. Nothing is checked yet."""
    fields = signed_data.fields()
    expect_version(fields.take(der.INTEGER), 3, "SignedData")
    declared = {algorithm(one)[0] for one in fields.take(der.SET).children()}
    encapsulated = fields.take(der.SEQUENCE).fields()
    content_type = encapsulated.take(der.OID).oid()
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
    if signer.signature.digest not in declared:
        raise TokenError(
            "the digest algorithm of the signature is not declared", expected=signer.signature.digest
        )
    return SignedData(content_type=content_type, content=content, certificates=certificates, signer=signer)


def _read_certificates(carried: Element) -> tuple[Certificate, ...]:
    # Order and uniqueness are not held: the signature does not cover this SET, and openssl writes it in the
    # order of its configuration. Other choices than Certificate (attribute certificates) are passed over.
    found = [one for one in carried.children() if one.tag == der.SEQUENCE]
    if len(found) > MAX_CERTIFICATES:
        raise TokenError(
            "too many certificates", expected=f"at most {MAX_CERTIFICATES}", found=str(len(found))
        )
    try:
        return tuple(read_certificate(one, "certificate") for one in dict.fromkeys(e.raw for e in found))
    except InputRefused as error:
        raise TokenError("a certificate in the time proof can't be read", found=error.message) from error


def _read_signer_info(element: Element) -> SignerInfo:
    fields = element.fields()
    version = fields.take(der.INTEGER)
    sid = fields.take()
    if sid.tag not in (der.SEQUENCE, der.context(0, constructed=False)):
        sid.fail("a signer identifier of an unknown kind", found=der.tag_name(sid.tag))
    # RFC 5652, 5.3: 1 with issuer and serial number, 3 with a subject key identifier
    expect_version(version, 1 if sid.tag == der.SEQUENCE else 3, "SignerInfo")
    digest, digest_parameters = algorithm(fields.take(der.SEQUENCE))
    expect_digest(digest, digest_parameters, "the signature")
    attributes = fields.take_if(der.context(0))
    if attributes is None:
        raise TokenError("the signed attributes are missing")
    used, parameters = algorithm(fields.take(der.SEQUENCE))
    value = fields.take(der.OCTET_STRING).octets()
    fields.take_if(der.context(1))  # unsigned attributes: covered by nothing, not used
    fields.end()
    signature = Signature(digest=digest, algorithm=used, parameters=parameters, value=value)
    return SignerInfo(sid=sid, attributes=attributes, signature=signature)


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


def expect_version(element: Element, version: int, what: str) -> None:
    """Raise `TokenError` unless the INTEGER is that version."""
    found = element.integer()
    if found != version:
        raise TokenError(f"{what} of an unexpected version", expected=str(version), found=str(found))


def _check_attributes(attributes: dict[str, Element], signed: SignedData) -> None:
    content_type = _attribute(attributes, _CONTENT_TYPE, "content-type").oid()
    if content_type != signed.content_type:
        raise TokenError(
            "the signed content-type is another", expected=signed.content_type, found=content_type
        )
    stated = _attribute(attributes, _MESSAGE_DIGEST, "message-digest").octets()
    found = digest_of(signed.signer.signature.digest, signed.content)
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
    certificates: Sequence[Certificate], sid: Element, attributes: dict[str, Element]
) -> Certificate:
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


def _is_identified(certificate: Certificate, sid: Element) -> bool:
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


def _is_named(certificate: Certificate, certificate_id: Element, *, is_v2: bool) -> bool:
    """Whether an ESSCertID (SHA-1, by definition) or ESSCertIDv2 names this certificate."""
    fields = certificate_id.fields()
    if is_v2:
        given = fields.take_if(der.SEQUENCE)
        digest, parameters = (SHA256, None) if given is None else algorithm(given)
        expect_digest(digest, parameters, "the signing-certificate attribute")
        computed = digest_of(digest, certificate.der)
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
