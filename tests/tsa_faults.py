"""Timestamp tokens with one fault each, for the tests; written with an encoder of its own.

Nothing here uses the reader or asn1crypto: what encodes and what is tested must not share a mistake.
Synthetic: all keys and names are made here.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DATA = b"custody/abcdefghijklmnopqrstuvwxyz\n7\nbm90IGEgcmVhbCByb290IGhhc2ggYXQgYWxsISE=\n"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.99999.1"
NONCE = 0x0123456789ABCDEF

SHA = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
SHA["sha1"] = "1.3.14.3.2.26"
HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512, "sha1": hashes.SHA1}
RSA_WITH = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
ECDSA_WITH = {
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
RSA_WITH["sha1"], ECDSA_WITH["sha1"] = "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"


# -- DER --------------------------------------------------------------------------------------------------


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *sorted(parts))


def integer(value: int, tag: int = 2) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return tlv(6, out)


def octets(value: bytes) -> bytes:
    return tlv(4, value)


NULL = b"\x05\x00"


def time_text(at: datetime) -> bytes:
    text = at.strftime("%Y%m%d%H%M%S") + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "")
    return text.encode() + b"Z"


# -- certificates -----------------------------------------------------------------------------------------


@functools.cache
def key(kind: str, number: int = 0) -> Any:
    """A key of a kind; the same for the same number, so that RSA keys are made once."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "k1": ec.SECP256K1()}
    return ec.generate_private_key(curves[kind])


def name(cn: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Synthetic"),
            x509.NameAttribute(NameOID.COMMON_NAME, cn),
        ]
    )


def usage(*set_flags: str) -> x509.KeyUsage:
    flags = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    ]
    flags += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{flag: flag in set_flags for flag in flags})


def certificate(
    subject: str,
    subject_key: Any,
    issuer: str,
    issuer_key: Any,
    *,
    ca: bool | None = False,
    path_length: int | None = None,
    key_usage: Sequence[str] | None = ("digital_signature",),
    eku: Sequence[x509.ObjectIdentifier] | None = None,
    eku_critical: bool = True,
    begins: datetime = AT - timedelta(days=100),
    ends: datetime = AT + timedelta(days=100),
    digest: str = "sha256",
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
    serial: int | None = None,
    ski: bool = True,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(subject_key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if key_usage is not None:
        builder = builder.add_extension(usage(*key_usage), critical=True)
    if eku is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=eku_critical)
    if ski:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), critical=False
        )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    hash_ = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else HASHES[digest]()
    return builder.sign(issuer_key, hash_)


CA = {"ca": True, "key_usage": ("key_cert_sign", "crl_sign")}
TSA: dict[str, Any] = {"eku": (ExtendedKeyUsageOID.TIME_STAMPING,)}


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Pki:
    """A root, any intermediates (nearest to the signer first), the signer's certificate and key."""

    root: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    cert: x509.Certificate
    key: Any
    root_key: Any
    chain_keys: tuple[Any, ...] = ()

    @property
    def roots(self) -> tuple[bytes, ...]:
        return (der(self.root),)


def make_pki(
    kind: str = "p256",
    *,
    intermediates: int = 0,
    tag: str = "A",
    number: int = 0,
    root: dict[str, Any] | None = None,
    middle: dict[str, Any] | None = None,
    leaf: dict[str, Any] | None = None,
) -> Pki:
    """A PKI whose root, intermediates or signer's certificate take the given changes."""
    root_key = key("p256", 100 + number)
    above, above_key = f"Root {tag}", root_key
    root_cert = certificate(above, root_key, above, root_key, **{**CA, **(root or {})})
    chain: list[x509.Certificate] = []
    keys: list[Any] = []
    for i in range(intermediates):
        own_key = key("p384", 200 + number * 10 + i)
        own = f"Intermediate {tag}{i}"
        chain.insert(0, certificate(own, own_key, above, above_key, **{**CA, **(middle or {})}))
        keys.insert(0, own_key)
        above, above_key = own, own_key
    leaf_key = key(kind, number)
    leaf_cert = certificate(f"TSA {tag}", leaf_key, above, above_key, **{**TSA, **(leaf or {})})
    return Pki(root_cert, tuple(chain), leaf_cert, leaf_key, root_key, tuple(keys))


# -- tokens -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knobs:
    """Everything about a token that a test turns. The defaults make a good one."""

    pki: Pki
    data: bytes = DATA
    imprint: str = "sha256"
    digest: str = "sha256"
    algorithm: bytes | None = None  # AlgorithmIdentifier of the signature, None for the natural one
    pss: bool = False
    gen_time: bytes = field(default_factory=lambda: time_text(AT))
    policy: str = POLICY
    nonce: int | None = NONCE
    status: int = 0
    status_text: bytes | None = None
    ess: tuple[str, ...] = ("v2",)
    ess_of: bytes | None = None  # the certificate that the attribute names, None for the signer
    ess_serial: int | None = None  # None: no issuerSerial; 0: the right one
    certificates: tuple[bytes, ...] | None = None  # in this order; None: signer, then chain
    info_extra: bytes = b""
    info: bytes | None = None  # the TSTInfo itself, None for the one that these knobs make
    accuracy: bytes = field(default_factory=lambda: seq(integer(1)))
    attributes: Callable[[list[bytes]], list[bytes]] = lambda a: a
    sort_attributes: bool = True
    signed_data_version: int = 3
    signer_info: Callable[[bytes], list[bytes]] = lambda s: [s]
    content_type: str = "1.2.840.113549.1.9.16.1.4"
    attribute_content_type: str = "1.2.840.113549.1.9.16.1.4"
    declared: str | None = None
    by_key_id: bool = False
    unsigned: bytes = b""
    crls: bytes = b""
    sign_with: Any = None


def attribute(kind: str, *values: bytes) -> bytes:
    return seq(oid(kind), set_of(*values))


def token(pki: Pki, **changes: Any) -> bytes:
    """A TimeStampResp in DER."""
    return build(replace(Knobs(pki), **changes))


def info(k: Knobs) -> bytes:
    """The TSTInfo that the knobs make."""
    return seq(
        integer(1),
        oid(k.policy),
        seq(seq(oid(SHA[k.imprint]), NULL), octets(hashlib.new(k.imprint, k.data).digest())),
        integer(4711),
        tlv(0x18, k.gen_time),
        k.accuracy,
        b"" if k.nonce is None else integer(k.nonce),
        k.info_extra,
    )


def build(k: Knobs) -> bytes:
    content = info(k) if k.info is None else k.info
    signer = der(k.pki.cert)
    issuer = k.pki.cert.issuer.public_bytes()
    named = k.ess_of or signer
    issuer_serial = b""
    if k.ess_serial is not None:
        issuer_serial = seq(seq(tlv(0xA4, issuer)), integer(k.ess_serial or k.pki.cert.serial_number))
    attributes = [
        attribute("1.2.840.113549.1.9.3", oid(k.attribute_content_type)),
        attribute("1.2.840.113549.1.9.4", octets(hashlib.new(k.digest, content).digest())),
    ]
    if "v1" in k.ess:
        listed = seq(seq(octets(hashlib.sha1(named).digest()), issuer_serial))
        attributes.append(attribute("1.2.840.113549.1.9.16.2.12", seq(listed)))
    if "v2" in k.ess:
        listed = seq(seq(octets(hashlib.sha256(named).digest()), issuer_serial))
        attributes.append(attribute("1.2.840.113549.1.9.16.2.47", seq(listed)))
    if "v2-sha512" in k.ess:
        algorithm = seq(oid(SHA["sha512"]))
        listed = seq(seq(algorithm, octets(hashlib.sha512(named).digest()), issuer_serial))
        attributes.append(attribute("1.2.840.113549.1.9.16.2.47", seq(listed)))
    attributes = k.attributes(attributes)
    attribute_body = b"".join(sorted(attributes) if k.sort_attributes else attributes)
    natural, signature = sign(k, tlv(0x31, attribute_body))
    if k.by_key_id:
        ski = k.pki.cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        version, sid = 3, tlv(0x80, ski)
    else:
        version, sid = 1, seq(issuer, integer(k.pki.cert.serial_number))
    signer_info = seq(
        integer(version),
        sid,
        seq(oid(SHA[k.digest]), NULL),
        tlv(0xA0, attribute_body),
        k.algorithm or natural,
        octets(signature),
        k.unsigned,
    )
    carried = k.certificates
    if carried is None:
        carried = (signer, *(der(c) for c in k.pki.chain))
    signed_data = seq(
        integer(k.signed_data_version),
        set_of(seq(oid(SHA[k.declared or k.digest]), NULL)),
        seq(oid(k.content_type), tlv(0xA0, octets(content))),
        tlv(0xA0, *carried) if carried else b"",
        k.crls,
        set_of(*k.signer_info(signer_info)),
    )
    status = [integer(k.status)]
    if k.status_text is not None:
        status.append(seq(tlv(0x0C, k.status_text)))
    if k.status > 1:
        return seq(seq(*status))
    return seq(seq(*status), seq(oid("1.2.840.113549.1.7.2"), tlv(0xA0, signed_data)))


def sign(k: Knobs, message: bytes) -> tuple[bytes, bytes]:
    own = k.sign_with or k.pki.key
    hash_ = HASHES[k.digest]()
    if isinstance(own, rsa.RSAPrivateKey) and k.pss:
        size = hash_.digest_size
        inner = seq(oid(SHA[k.digest]), NULL)
        parameters = seq(
            tlv(0xA0, inner), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), inner)), tlv(0xA2, integer(size))
        )
        return (
            seq(oid("1.2.840.113549.1.1.10"), parameters),
            own.sign(message, padding.PSS(padding.MGF1(hash_), size), hash_),
        )
    if isinstance(own, rsa.RSAPrivateKey):
        return seq(oid(RSA_WITH[k.digest]), NULL), own.sign(message, padding.PKCS1v15(), hash_)
    if isinstance(own, ed25519.Ed25519PrivateKey):
        return seq(oid("1.3.101.112")), own.sign(message)
    return seq(oid(ECDSA_WITH[k.digest])), own.sign(message, ec.ECDSA(hash_))
