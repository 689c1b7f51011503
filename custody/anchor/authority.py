"""Ask an RFC 3161 time authority for a token over a log note, and check it before it is kept.

Nothing is contacted that the user did not name. Two checkers of different origin must agree where a root was
named with the authority: our own (`custody.verify.token`) and rfc3161-client. What fails is told apart in two
kinds: `Unreachable` (the network, a busy server: the note waits in the queue) and `Refused` (the answer is
bad: asking again will not help by itself).
"""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn
from urllib.parse import urlsplit

from custody.errors import CheckFailed, FormatError, MachineError, UsageError
from custody.verify import der
from custody.verify.token import MAX_TOKEN_SIZE, TokenError, check_token

QUERY_TYPE: Final = "application/timestamp-query"  # RFC 3161, 3.4
REPLY_TYPE: Final = "application/timestamp-reply"
_CHUNK: Final = 8192
# Answers that ask for patience; every other one but 200 says that this address is not the right one.
_TRY_LATER: Final = frozenset({407, 408, 425, 429})
_POLICY = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+\Z", re.ASCII)


class Unreachable(MachineError):
    """The authority did not answer: no network, a server out of order. Queue the note and try later."""


class Refused(CheckFailed):
    """The authority answered, and the answer is not a token that can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A time authority that the user named: address, trusted roots (DER; may be none), allowed policies.

    ``policies`` are dotted object identifiers, empty for any. Raises `UsageError` for an address that is not
    plain http or https, or that carries a user name or password (it would be logged with the policy).
    """

    url: str
    roots: tuple[bytes, ...]
    policies: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_url(self.url)
        for policy in self.policies:
            if not _POLICY.match(policy):
                raise UsageError(
                    "not a policy identifier", expected="numbers with dots, like 1.3.6.1", found=ascii(policy)
                )


def request_token(
    authority: Authority,
    note: bytes,
    *,
    now: Callable[[], datetime],
    nonce: int,
    timeout: float = 15.0,
) -> bytes:
    """A TimeStampResp over SHA-256 of the note's exact bytes, in DER as the authority sent it.

    ``now``: the aware clock that the token's time is held against. ``nonce``: fresh and random, 1 to 2**64-1;
    an answer without it is refused. ``timeout``: seconds for each step of the connection, and for reading the
    whole answer.

    Raises `Unreachable` (try later) or `Refused` (bad answer; not the authority's root, policy or nonce).
    """
    answer = _post(authority.url, make_request(note, nonce), timeout)
    try:
        token = check_token(
            answer, note, roots=authority.roots, now=now(), policies=authority.policies, nonce=nonce
        )
    except TokenError as error:
        raise Refused(
            f"the answer of the time authority is not good: {error.what}",
            where=authority.url,
            expected=error.expected,
            found=error.found,
            hint=error.hint,
        ) from error
    if authority.roots:
        if token.root_sha256 is None:
            raise Refused(
                "the time proof does not come from the authority whose root was given",
                where=authority.url,
                expected="a certificate chain that ends in a given root",
                found=f"a time proof signed by {token.signer}",
                hint="get the root certificate that this authority uses now, from its own publication",
            )
        _check_with_library(authority, answer, note, nonce)
    return answer


def make_request(note: bytes, nonce: int) -> bytes:
    """A TimeStampReq (RFC 3161, 2.4.1) in DER: SHA-256 of the note, the nonce, certificate asked for.

    rfc3161-client's builder draws the nonce itself and can't be given one; tests and retries need one.
    """
    import hashlib

    from asn1crypto import tsp

    if not 0 < nonce < 1 << 64:
        raise ValueError("a nonce is 1 to 2**64-1")
    request = tsp.TimeStampReq(
        {
            "version": 1,
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": hashlib.sha256(note).digest(),
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    return bytes(request.dump())


def sort_certificates(tsr: bytes) -> bytes:
    """The same response with its SET of certificates in DER order (X.690, 11.6).

    The signature does not cover that SET and its length stays, so that nothing else changes. Raises
    `FormatError` when the bytes are not a TimeStampResp with SignedData.
    """
    fields = der.read(tsr, max_size=MAX_TOKEN_SIZE).fields()
    fields.take(der.SEQUENCE)
    token = fields.take(der.SEQUENCE).fields()
    token.take(der.OID)
    signed_data = token.take(der.context(0)).explicit().fields()
    for tag in (der.INTEGER, der.SET, der.SEQUENCE):
        signed_data.take(tag)
    carried = signed_data.take_if(der.context(0))
    if carried is None:
        return tsr
    begin, end = carried.body_start, carried.body_start + len(carried.body)
    return tsr[:begin] + b"".join(sorted(one.raw for one in carried.children())) + tsr[end:]


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    fits = (
        url.isascii()
        and url.isprintable()
        and " " not in url
        and parts.scheme in ("http", "https")
        and parts.hostname
        and port != 0
        and not parts.fragment
    )
    if "@" in url:
        # The address goes into the ledger and into packages; this message must not repeat the password.
        raise UsageError(
            "the address of a time authority carries a user name or password",
            hint="name the address without them; authorities that need a login are not supported",
        )
    if not fits:
        raise UsageError(
            "not the address of a time authority",
            expected="an http:// or https:// address",
            found=ascii(url)[:200],
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could lead to another scheme, a machine inside the house, or an authority nobody named."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    # Built by hand: the usual opener also reads file:, ftp: and data: addresses. Proxies as urllib has them.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _NoRedirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _post(url: str, query: bytes, timeout: float) -> bytes:
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked in Authority)
        url, query, {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
    )
    deadline = time.monotonic() + timeout
    try:
        with _opener().open(request, timeout=timeout) as response:
            kind = response.headers.get_content_type()
            if kind != REPLY_TYPE:
                raise Refused(
                    "the answer is not a time proof",
                    where=url,
                    expected=REPLY_TYPE,
                    found=ascii(kind)[1:101],
                    hint="a sign-in page of the network, or a wrong address, answers like this",
                )
            return _read_capped(response, url, deadline)
    except urllib.error.HTTPError as error:
        with error:
            _raise_status(error.code, url, error)
    # ValueError: a host name or proxy setting that urllib can't use
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Unreachable(
            "the time authority can't be reached",
            where=url,
            found=ascii(str(reason))[1:-1][:200] or type(reason).__name__,
            hint="the note waits in the queue; seal again when there is a network",
        ) from error


def _raise_status(code: int, url: str, error: Exception) -> NoReturn:
    if code >= 500 or code in _TRY_LATER:
        raise Unreachable(
            "the time authority does not answer now",
            where=url,
            expected="HTTP status 200",
            found=str(code),
            hint="the note waits in the queue; seal again later",
        ) from error
    if 300 <= code < 400:
        raise Refused(
            "the time authority sends to another address, which is not followed",
            where=url,
            found=f"HTTP status {code}",
            hint="a sign-in page of the network answers like this; or the authority has a new address",
        ) from error
    raise Refused(
        "the time authority refuses the request",
        where=url,
        expected="HTTP status 200",
        found=str(code),
        hint="check the address of the authority",
    ) from error


def _read_capped(response: http.client.HTTPResponse, url: str, deadline: float) -> bytes:
    """The body, at most 64 KiB and not beyond the deadline: a server may send one byte a second for ever."""
    body = b""
    while piece := response.read1(_CHUNK):
        body += piece
        if len(body) > MAX_TOKEN_SIZE:
            raise Refused(
                "the answer is too large for a time proof",
                where=url,
                expected=f"at most {MAX_TOKEN_SIZE} bytes",
            )
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")
    if response.length:
        # read1 ends quietly where the connection was cut; a cut answer says nothing about the authority
        raise http.client.IncompleteRead(body, response.length)
    return body


def _check_with_library(authority: Authority, answer: bytes, note: bytes, nonce: int) -> None:
    """A second opinion by a checker that shares no code with ours (it rests on OpenSSL's PKCS #7)."""
    import rfc3161_client
    from cryptography import x509

    try:
        try:
            response = rfc3161_client.decode_timestamp_response(answer)
        except ValueError:
            # It can't read a SET that is out of order, which openssl's own authorities write.
            response = rfc3161_client.decode_timestamp_response(sort_certificates(answer))
        verifier = rfc3161_client.VerifierBuilder(
            roots=[x509.load_der_x509_certificate(root) for root in authority.roots], nonce=nonce
        ).build()
        verifier.verify_message(response, note)
    except (rfc3161_client.VerificationError, ValueError, TypeError, FormatError) as error:
        raise Refused(
            "a second checker (rfc3161-client) does not accept the time proof",
            where=authority.url,
            found=ascii(str(error))[1:-1][:200],
            hint="the authority's answer is unusual; keep it for an expert, and name another authority",
        ) from error
