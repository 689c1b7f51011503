"""A time authority for tests and for `custody demo`: no network, no openssl program, no value in court.

Its tokens are real RFC 3161 tokens that every checker reads. What marks them is the policy
`custody.verify.token.TEST_POLICY`, and a certificate that says so in its name. Anyone can run one and set its
clock to any time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import secrets
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custody.anchor.authority import QUERY_TYPE, REPLY_TYPE
from custody.errors import InputRefused
from custody.verify.token import TEST_POLICY

NAME: Final = "custody test authority, not for court"
_MAX_REQUEST: Final = 64 * 1024
# Wide, so that the clock of a demonstration can stand anywhere.
_BEGINS: Final = datetime(2000, 1, 1, tzinfo=UTC)
_ENDS: Final = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    """Who signs, as asn1crypto's objects: the certificate, the signed attribute and the identifier that name it."""

    certificate: Any
    attribute: Any
    identifier: Any


class TestAuthority:
    """A certificate authority and a time authority under it, made in memory at construction.

    ``clock`` gives the aware time that tokens state (whole seconds); it may be set anew at any time. Each
    authority has a name of its own (a random number in it), so that two are never taken for one another.
    """

    __test__: ClassVar[bool] = False  # pytest would collect it for its name

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        number = secrets.token_hex(8)
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        root = _make_root(root_key, _name("root", number))
        certificate = _make_certificate(key.public_key(), _name("tokens", number), root, root_key)
        # The root's key is forgotten here: nothing more is to be issued under it.
        self._set(key=key, certificate=certificate, root=root, clock=clock)

    def _set(
        self,
        *,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        root: x509.Certificate,
        clock: Callable[[], datetime],
    ) -> None:
        self._key = key
        self._certificate = certificate
        self._root = root
        self.clock = clock
        self.url: str | None = None
        """The address while `serve` runs, else None."""

    @property
    def root_pem(self) -> bytes:
        """The root certificate in PEM: what a verifier is given as trusted."""
        return self._root.public_bytes(Encoding.PEM)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that signs the tokens, in PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    def to_pem(self) -> bytes:
        """The whole authority: signing key *in clear*, its certificate, the root certificate."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate_pem + self.root_pem

    @classmethod
    def from_pem(cls, pem: bytes, *, clock: Callable[[], datetime]) -> TestAuthority:
        """The authority that `to_pem` wrote. Raises `InputRefused` for anything else."""
        try:
            key = load_pem_private_key(pem, None)
            certificate, root = x509.load_pem_x509_certificates(pem)
        except (ValueError, TypeError) as error:
            raise InputRefused("not a test authority", expected="one key and two certificates") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise InputRefused("not a test authority", expected="the key of the first certificate")
        made = cls.__new__(cls)
        made._set(key=key, certificate=certificate, root=root, clock=clock)
        return made

    def answer(self, request_der: bytes) -> bytes:
        """The TimeStampResp (DER) to a TimeStampReq; a status *rejection* to what is not one."""
        from asn1crypto import tsp

        try:
            request = tsp.TimeStampReq.load(request_der, strict=True)
            imprint = request["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            digest = imprint["hashed_message"].native
            nonce = request["nonce"].native
            wants_certificate = request["cert_req"].native
            version = request["version"].native
        except (ValueError, TypeError, KeyError):
            return _rejection("bad_data_format", "the request can't be read")
        if version != "v1" or algorithm not in ("sha256", "sha384", "sha512"):
            return _rejection("bad_alg", "only SHA-256, SHA-384 and SHA-512")
        if len(digest) != hashlib.new(algorithm).digest_size:
            return _rejection("bad_data_format", "the digest has a wrong length")
        return self._grant(algorithm, digest, nonce, wants_certificate=wants_certificate)

    def _grant(self, algorithm: str, digest: bytes, nonce: int | None, *, wants_certificate: bool) -> bytes:
        from asn1crypto import algos, cms, core, tsp

        info: dict[str, Any] = {
            "version": "v1",
            "policy": TEST_POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest},
            # random, so that an authority that was stored and read back never repeats one
            "serial_number": secrets.randbits(63) + 1,
            "gen_time": self.clock().astimezone(UTC).replace(microsecond=0),
            "accuracy": {"seconds": 1},
        }
        if nonce is not None:
            info["nonce"] = nonce
        content = tsp.TSTInfo(info).dump()
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        who = self._who
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
                who.attribute,
            ]
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": who.identifier,
                "digest_algorithm": sha256,
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
            }
        )
        signed_data: dict[str, Any] = {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "signer_infos": [signer],
        }
        if wants_certificate:
            signed_data["certificates"] = [who.certificate]
        response = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": {"content_type": "signed_data", "content": cms.SignedData(signed_data)},
            }
        )
        return bytes(response.dump())

    @functools.cached_property
    def _who(self) -> _Who:
        """What is the same in all its tokens: to put it together took most of the time that a token took."""
        from asn1crypto import cms, tsp
        from asn1crypto import x509 as asn1_x509

        der = self._certificate.public_bytes(Encoding.DER)
        certificate = asn1_x509.Certificate.load(der)
        serial = {"serial_number": certificate.serial_number}
        one = {
            "hash_algorithm": {"algorithm": "sha256"},
            "cert_hash": hashlib.sha256(der).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", certificate.issuer)],
                **serial,
            },
        }
        attribute = cms.CMSAttribute(
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [one]})]}
        )
        issued = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, **serial})
        # Loaded again from their bytes, which are then written as they are.
        return _Who(
            certificate=cms.CertificateChoices("certificate", asn1_x509.Certificate.load(der)),
            attribute=cms.CMSAttribute.load(attribute.dump()),
            identifier=cms.SignerIdentifier(
                "issuer_and_serial_number", cms.IssuerAndSerialNumber.load(issued.dump())
            ),
        )

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Answer on 127.0.0.1 at a free port, in a thread, until the block ends; gives the address."""
        server = _Server(self)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"
        try:
            yield self.url
        finally:
            self.url = None
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    # Not http.server.HTTPServer: its server_bind asks the resolver for this machine's name, which can hang
    # for seconds without a network.
    daemon_threads = True
    block_on_close = False

    def __init__(self, authority: TestAuthority) -> None:
        self.authority = authority
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent where the asker went away before the answer; else as the library does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != QUERY_TYPE:
            self.send_error(415)
        elif not (length.isascii() and length.isdigit() and len(length) < 8 and int(length) <= _MAX_REQUEST):
            self.send_error(413)
        else:
            answer = self.server.authority.answer(self.rfile.read(int(length)))
            self.send_response(200)
            self.send_header("Content-Type", REPLY_TYPE)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Silent: standard error belongs to the command that runs the demonstration."""


def _rejection(failure: str, words: str) -> bytes:
    from asn1crypto import tsp

    # asn1crypto's TimeStampResp demands a token, which a rejection must not have (RFC 3161, 2.4.2); the
    # status is wrapped by hand, and is always shorter than 128 bytes.
    status = tsp.PKIStatusInfo(
        {"status": "rejection", "status_string": [words], "fail_info": {failure}}
    ).dump()
    return bytes((0x30, len(status))) + bytes(status)


def _name(part: str, number: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} ({part} {number})"),
        ]
    )


def _make_root(key: ec.EllipticCurvePrivateKey, name: x509.Name) -> x509.Certificate:
    return (
        _builder(key.public_key(), name, name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _make_certificate(
    key: ec.EllipticCurvePublicKey,
    name: x509.Name,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    return (
        _builder(key, name, root.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        # critical and alone: RFC 3161, 2.3
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )


def _builder(
    key: ec.EllipticCurvePublicKey, subject: x509.Name, issuer: x509.Name
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
