"""Timestamps: DER, tokens, what a token signs, certificates in and around it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools

from cryptography.hazmat.primitives.serialization import Encoding

from custody.anchor.authority import sort_certificates
from custody.errors import CustodyError, FormatError
from custody.verify import der
from custody.verify.der import Element
from custody.verify.token import Token, check_token, read_roots
from tests import tsa_faults
from tests.fuzz.reader import NotTheSame, Reader, same
from tests.tsa_faults import AT, DATA, Pki

NOW = AT + dt.timedelta(days=1)


@functools.cache
def pki() -> Pki:
    """The authority whose tokens are read: Ed25519, since a token is signed anew for each input of some readers."""
    return tsa_faults.make_pki("ed25519", intermediates=1)


@functools.cache
def others() -> tuple[Pki, ...]:
    """Authorities with other kinds of keys."""
    return (tsa_faults.make_pki("p256", tag="B", number=1), tsa_faults.make_pki("rsa2048", tag="C", number=2))


def _walk(element: Element) -> int:
    """Ask every element for what its tag says, and a few for everything; gives how many there are."""
    asks = [
        element.integer,
        element.boolean,
        element.octets,
        element.null,
        element.oid,
        element.generalized_time,
        element.explicit,
        element.sorted_children,
        element.fields,
    ]
    own = {2: 0, 1: 1, 4: 2, 5: 3, 6: 4, 0x18: 5, 0xA0: 6, 0x31: 7, 0x30: 8}.get(element.tag)
    for ask in asks if element.start < 16 else [] if own is None else [asks[own]]:
        with contextlib.suppress(CustodyError):
            ask()
    count = 1
    if element.tag & 0x20:
        inner = element.children()
        same(b"".join(one.raw for one in inner), element.body)
        count += sum(_walk(one) for one in inner)
    return count


def _der(data: bytes) -> object:
    found = der.read(data)
    same(found.raw, data)
    return _walk(found)


def _judge(token: Token) -> Token:
    for shown in (token.signer, token.policy):
        if not shown.isprintable() or not shown.isascii():
            raise NotTheSame(f"a token's text that is not plain: {shown!r}")
    return token


def _token(data: bytes) -> object:
    with contextlib.suppress(FormatError):
        same(len(sort_certificates(data)), len(data))
    roots = [pki().roots[0], *(other.roots[0] for other in others())]
    found = _judge(check_token(data, DATA, roots=roots, now=NOW))
    if found.gen_time != AT:
        raise NotTheSame("a token with another time than the one that was signed holds")
    return found


def _info_of(tsr: bytes) -> bytes:
    """The TSTInfo inside a token, found by our own walk."""
    signed = der.read(tsr).children()[1].children()[1].explicit()
    return signed.children()[2].children()[1].explicit().octets()


def _token_info(data: bytes) -> object:
    """The input is what is signed: whatever it says, it is signed well."""
    tsr = tsa_faults.token(pki(), digest="sha512", info=data)
    return _judge(check_token(tsr, DATA, roots=pki().roots, now=NOW))


def _certificate(data: bytes) -> object:
    """The input is a certificate: as root, as the signer's issuer in the token, and as the signer's own."""
    (root,) = read_roots(data, "certificate")
    same(root, data)
    signer, middle = tsa_faults.der(pki().cert), tsa_faults.der(pki().chain[0])
    for roots, carried in (
        ((root,), (signer, middle)),
        ((pki().roots[0],), (signer, root)),
        ((pki().roots[0],), (root, middle)),
        ((root, pki().roots[0]), (signer, root, middle, root)),
    ):
        with contextlib.suppress(CustodyError):
            _judge(check_token(_carrying(carried), DATA, roots=roots, now=NOW))
    return root


def _carrying(certificates: tuple[bytes, ...]) -> bytes:
    """The token with other certificates: no signature covers them."""
    fields = der.read(_plain()).children()
    signed = list(fields[1].children()[1].explicit().children())
    carried = tsa_faults.tlv(0xA0, *certificates)
    body = b"".join(carried if one.tag == 0xA0 else one.raw for one in signed)
    content = tsa_faults.seq(fields[1].children()[0].raw, tsa_faults.tlv(0xA0, tsa_faults.tlv(0x30, body)))
    return tsa_faults.seq(fields[0].raw, content)


@functools.cache
def _plain() -> bytes:
    return tsa_faults.token(pki(), digest="sha512")


def _roots(data: bytes) -> object:
    found = read_roots(data, "roots")
    for one in found:
        same(read_roots(one, "roots"), (one,))
    return found


def _pem() -> list[bytes]:
    certificates = (pki().root, pki().cert, others()[1].root)
    return [
        b"".join(one.public_bytes(Encoding.PEM) for one in certificates),
        certificates[0].public_bytes(Encoding.PEM),
    ]


def _token_seeds() -> list[bytes]:
    rsa = others()[1]
    return [
        _plain(),
        tsa_faults.token(others()[0]),
        tsa_faults.token(rsa, pss=True),
        tsa_faults.token(rsa, ess=("v1", "v2")),
        tsa_faults.token(pki(), digest="sha512", by_key_id=True),
        tsa_faults.token(pki(), status=2, status_text=b"no"),
    ]


def _certificate_seeds() -> list[bytes]:
    chosen = (pki().root, pki().chain[0], pki().cert, others()[0].root, others()[1].root)
    return [tsa_faults.der(one) for one in chosen]


READERS = (
    Reader(
        name="der",
        about="DER: the same bytes again, and no element that answers with anything but its value or a refusal",
        covers=("custody.verify.der:read",),
        read=_der,
        seeds=lambda: [_plain(), *_certificate_seeds()[:2]],
        shape="der",
    ),
    Reader(
        name="token",
        about="a timestamp token: only what was signed holds",
        covers=("custody.verify.token:check_token", "custody.anchor.authority:sort_certificates"),
        read=_token,
        seeds=_token_seeds,
        shape="der",
        limit=70_000,
        slow=True,
    ),
    Reader(
        name="token-info",
        about="what a token signs, signed well whatever it says",
        covers=("custody.verify.token:check_token",),
        read=_token_info,
        seeds=lambda: [_info_of(_plain()), _info_of(_token_seeds()[3])],
        shape="der",
        limit=40_000,
        slow=True,
    ),
    Reader(
        name="certificate",
        about="a certificate as root, as link and as signer of a token",
        covers=("custody.verify.token:read_roots", "custody.verify.token:check_token"),
        read=_certificate,
        seeds=_certificate_seeds,
        shape="der",
        limit=40_000,
        slow=True,
    ),
    Reader(
        name="roots",
        about="root certificates, PEM or DER: each gives itself again",
        covers=("custody.verify.token:read_roots",),
        read=_roots,
        seeds=_pem,
        shape="lines",
    ),
)
