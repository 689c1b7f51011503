"""Certificates as timestamp tokens and trust files carry them (RFC 5280), and reading trusted roots.

Our own walk for what is compared as bytes, `cryptography` for the rest.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from custody.errors import FormatError, InputRefused
from custody.verify import der

MAX_CERTIFICATE_SIZE: Final = 64 * 1024
MAX_ROOTS_SIZE: Final = 1 << 20

# Everything that `cryptography` is known to raise for a certificate or key that it does not like.
LIBRARY_ERRORS: Final = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with the parts that are compared as bytes."""

    der: bytes
    x: x509.Certificate
    extensions: x509.Extensions
    serial: int
    issuer: bytes
    subject: bytes

    @property
    def name(self) -> str:
        """Whose it is, for messages: the common name, else the whole subject."""
        try:
            common = self.x.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            return safe(str(common[0].value) if len(common) == 1 else self.x.subject.rfc4514_string())
        except LIBRARY_ERRORS:
            return "(a name that can't be read)"

    def extension(self, oid: x509.ObjectIdentifier) -> x509.Extension[x509.ExtensionType] | None:
        """The extension of that kind, or None."""
        return next((e for e in self.extensions if e.oid == oid), None)


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
        return (read_certificate(pem_or_der, where).der,)
    if b"PRIVATE KEY-----" in pem_or_der:
        raise InputRefused(
            "a private key stands among the root certificates",
            where=where,
            hint="give only the certificate; a private key belongs to the authority alone",
        )
    try:
        found = [c.public_bytes(Encoding.DER) for c in _quiet_load_pem(pem_or_der)]
    except LIBRARY_ERRORS:
        raise InputRefused(
            "not a readable bundle of certificates", where=where, expected="PEM, or one certificate in DER"
        ) from None
    return tuple(read_certificate(one, where).der for one in dict.fromkeys(found))


def read_certificate(encoded: bytes, where: str) -> Certificate:
    """One certificate from its DER. ``where`` names it in errors. Raises `InputRefused`."""
    try:
        outer = der.read(encoded, max_size=MAX_CERTIFICATE_SIZE).fields()
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
    except LIBRARY_ERRORS:
        raise InputRefused("a certificate that can't be read", where=where) from None
    return Certificate(der=encoded, x=x, extensions=extensions, serial=serial, issuer=issuer, subject=subject)


def _quiet_load_pem(pem: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(pem)


def safe(text: str) -> str:
    """Text from outside, made printable: at most 200 characters of ASCII, everything else escaped.

    A backslash stands as it is: RFC 4514, where nearly all of this comes from, doubles its own.
    """
    shown = "".join(
        c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
    return shown if len(shown) <= 200 else shown[:197] + "..."
