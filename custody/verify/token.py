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
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from custody.errors import FormatError
from custody.verify import der
from custody.verify.algorithms import DIGESTS, TokenError, algorithm, expect_digest
from custody.verify.certificate import Certificate, read_certificate, read_roots, safe
from custody.verify.chain import check_signer, find_root
from custody.verify.cms import check_signed_data, expect_version, read_signed_data
from custody.verify.der import Element

__all__ = ["MAX_FUTURE", "MAX_TOKEN_SIZE", "TEST_POLICY", "Token", "TokenError", "check_token", "read_roots"]

TEST_POLICY: Final = "2.25.228624628577238166034103515594323584218"
"""The policy of the test authority (2.25.<UUID>, X.667): every output about such a token says so."""

MAX_TOKEN_SIZE: Final = 64 * 1024
MAX_FUTURE: Final = timedelta(minutes=5)

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_STATUS: Final = {
    0: "granted",
    1: "granted with modifications",
    2: "rejection",
    3: "waiting",
    4: "revocation warning",
    5: "revocation notification",
}


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
class _TstInfo:
    """The fields of TSTInfo (RFC 3161, 2.4.2) that are used."""

    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    gen_time: datetime
    accuracy_us: int | None
    nonce: int | None


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
    trusted = [read_certificate(root, "trusted root") for root in dict.fromkeys(roots)]
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


def _check(
    tsr: bytes,
    data: bytes,
    *,
    roots: Sequence[Certificate],
    now: datetime | None,
    policies: Collection[str],
    nonce: int | None,
    max_future: timedelta,
) -> Token:
    signed = read_signed_data(_read_response(der.read(tsr, max_size=MAX_TOKEN_SIZE)))
    if signed.content_type != _TST_INFO:
        raise TokenError(
            "the signed content is not a time proof", expected=_TST_INFO, found=signed.content_type
        )
    info = _read_tst_info(der.read(signed.content, max_size=MAX_TOKEN_SIZE))
    signer = check_signed_data(signed)
    _check_imprint(info, data)
    _check_claims(info, now=now, policies=policies, nonce=nonce, max_future=max_future)
    check_signer(signer, info.gen_time)
    root = find_root(signer, signed.certificates, roots, info.gen_time)

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
            + (f" ({safe(words.decode('utf-8', 'replace'))})" if words else ""),
        )
    token = fields.take(der.SEQUENCE).fields()
    fields.end()
    kind = token.take(der.OID).oid()
    if kind != _SIGNED_DATA:
        raise TokenError("the time proof is not CMS SignedData", expected=_SIGNED_DATA, found=kind)
    signed_data = token.take(der.context(0)).explicit()
    token.end()
    return signed_data


def _read_tst_info(element: Element) -> _TstInfo:
    fields = element.fields()
    expect_version(fields.take(der.INTEGER), 1, "TSTInfo")
    policy = fields.take(der.OID).oid()
    imprint = fields.take(der.SEQUENCE).fields()
    hashed, parameters = algorithm(imprint.take(der.SEQUENCE))
    expect_digest(hashed, parameters, "the imprint")
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
        imprint_algorithm=DIGESTS[hashed].name,
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
