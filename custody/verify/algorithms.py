"""The algorithms that a time proof may use: digests, keys, signatures, each in its few allowed spellings.

Sources: RFC 4055 (RSA, RSA-PSS), RFC 5758 (ECDSA), RFC 8419 (Ed25519), RFC 8933 (one digest for both uses).
SHA-1, short keys and mixed digests are refused; so is whatever is not named here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from custody.errors import CheckFailed
from custody.verify import der
from custody.verify.certificate import LIBRARY_ERRORS, Certificate
from custody.verify.der import Element

MIN_RSA_BITS: Final = 2048
# Authorities use up to 4,096; a hostile chain of 16,384-bit keys would cost seconds of verifying.
MAX_RSA_BITS: Final = 8192

SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SHA384: Final = "2.16.840.1.101.3.4.2.2"
_SHA512: Final = "2.16.840.1.101.3.4.2.3"
DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    SHA256: hashes.SHA256(),
    _SHA384: hashes.SHA384(),
    _SHA512: hashes.SHA512(),
}
_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_ED25519: Final = "1.3.101.112"
# signature algorithm -> the digest that its name fixes
_RSA_WITH: Final = {
    "1.2.840.113549.1.1.11": SHA256,
    "1.2.840.113549.1.1.12": _SHA384,
    "1.2.840.113549.1.1.13": _SHA512,
}
_ECDSA_WITH: Final = {
    "1.2.840.10045.4.3.2": SHA256,
    "1.2.840.10045.4.3.3": _SHA384,
    "1.2.840.10045.4.3.4": _SHA512,
}
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class TokenError(CheckFailed):
    """A timestamp token that does not hold: which check failed, and what was found instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature value with the identifiers of its digest and of its algorithm (with parameters, if any)."""

    digest: str
    algorithm: str
    parameters: Element | None
    value: bytes


def algorithm(element: Element) -> tuple[str, Element | None]:
    """AlgorithmIdentifier: identifier, and parameters if there are any (RFC 5280, 4.1.1.2)."""
    fields = element.fields()
    oid = fields.take(der.OID).oid()
    parameters = fields.take_if(der.NULL, der.SEQUENCE, der.OID)
    fields.end()
    return oid, parameters


def expect_digest(oid: str, parameters: Element | None, what: str) -> None:
    """Raise `TokenError` unless a digest is one of `DIGESTS`, without parameters or with NULL."""
    if oid not in DIGESTS:
        raise TokenError(
            f"the digest algorithm of {what} is not accepted",
            expected="SHA-256, SHA-384 or SHA-512",
            found=oid,
        )
    if parameters is not None:
        parameters.null()


def digest_of(oid: str, data: bytes) -> bytes:
    """The digest of the data by the algorithm of that identifier, one of `DIGESTS`."""
    return hashlib.new(DIGESTS[oid].name, data).digest()


def public_key(
    certificate: Certificate,
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """The key of a certificate, if it is of a kind and size that is accepted; else `TokenError`."""
    try:
        key = certificate.x.public_key()
    except LIBRARY_ERRORS:
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


def check_signature(info: Signature, signed: bytes, signer: Certificate) -> None:
    """Raise `TokenError` unless the key of ``signer`` signed the bytes, by an algorithm that is accepted."""
    digest = DIGESTS[info.digest]
    key = public_key(signer)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(info.value, signed, _rsa_padding(info), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if _ECDSA_WITH.get(info.algorithm) != info.digest or info.parameters is not None:
                _refuse_algorithm(info)
            key.verify(info.value, signed, ec.ECDSA(digest))
        else:
            # RFC 8419, 3.1: with signed attributes the digest is SHA-512
            if info.algorithm != _ED25519 or info.digest != _SHA512 or info.parameters is not None:
                _refuse_algorithm(info)
            key.verify(info.value, signed)
    except (InvalidSignature, *LIBRARY_ERRORS):
        raise TokenError("the signature of the time proof is wrong", where=signer.name) from None


def _rsa_padding(info: Signature) -> padding.PKCS1v15 | padding.PSS:
    if info.algorithm == _RSA_PSS:
        return _pss(info)
    if info.algorithm != _RSA and _RSA_WITH.get(info.algorithm) != info.digest:
        _refuse_algorithm(info)
    if info.parameters is not None:
        info.parameters.null()
    return padding.PKCS1v15()


def _pss(info: Signature) -> padding.PSS:
    """RSASSA-PSS parameters (RFC 4055, 3.1): one digest throughout; the SHA-1 defaults are refused."""
    if info.parameters is None:
        _refuse_algorithm(info)
    fields = info.parameters.fields()
    hashed, mask, salt, trailer = (fields.take_if(der.context(n)) for n in range(4))
    fields.end()
    if hashed is None or mask is None:
        _refuse_algorithm(info)
    digest, parameters = algorithm(hashed.explicit())
    generator, generator_parameters = algorithm(mask.explicit())
    if generator_parameters is None or generator != _MGF1:
        _refuse_algorithm(info)
    mask_digest, mask_parameters = algorithm(generator_parameters)
    for oid, given in ((digest, parameters), (mask_digest, mask_parameters)):
        expect_digest(oid, given, "the signature")
        if oid != info.digest:
            _refuse_algorithm(info)
    length = 20 if salt is None else salt.explicit().integer()
    if not 0 <= length <= 512 or (trailer is not None and trailer.explicit().integer() != 1):
        _refuse_algorithm(info)
    return padding.PSS(mgf=padding.MGF1(DIGESTS[digest]), salt_length=length)


def _refuse_algorithm(info: Signature) -> NoReturn:
    raise TokenError(
        "the signature algorithm does not fit the key or the digest, or is not accepted",
        expected="RSA (PKCS #1 v1.5 or PSS) or ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519",
        found=f"{info.algorithm} with digest {info.digest}",
    )
