"""Four other programs judge every token of the tests: what is good passes all of them, what one refuses we refuse.

`docs/reference/token-judges.md` is the table, made here by ``python -m tests.test_token_judges``.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
import rfc3161_client
import rfc3161ng
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding

from custody.verify.token import TokenError, check_token
from tests import desks
from tests import tsa_faults as f
from tests.test_token import FAULTS, LEAF_FAULTS, PATH_FAULTS
from tests.tsa_faults import AT, DATA, NONCE, der, make_pki, token

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "token-judges.md"
NOW = AT + timedelta(hours=1)
Judge = Callable[[bytes, bytes, f.Pki], bool]

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")


def ours(tsr: bytes, data: bytes, pki: f.Pki) -> bool:
    try:
        return check_token(tsr, data, roots=pki.roots, now=NOW, nonce=NONCE).root_sha256 is not None
    except TokenError:
        return False


def openssl(tsr: bytes, data: bytes, pki: f.Pki) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "note").write_bytes(data)
        (folder / "tsr").write_bytes(tsr)
        (folder / "root.pem").write_bytes(pki.root.public_bytes(Encoding.PEM))
        command = ["openssl", "ts", "-verify", "-data", "note", "-in", "tsr", "-CAfile", "root.pem"]
        done = subprocess.run(
            [*command, "-attime", str(int(AT.timestamp()))],
            cwd=folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
    return done.returncode == 0 and b"Verification: OK" in done.stdout + done.stderr


def client(tsr: bytes, data: bytes, pki: f.Pki) -> bool:
    try:
        response = rfc3161_client.decode_timestamp_response(tsr)
        verifier = rfc3161_client.VerifierBuilder(roots=[pki.root], nonce=NONCE).build()
        return bool(verifier.verify_message(response, data))
    except (rfc3161_client.VerificationError, ValueError):
        return False


def timestamper(tsr: bytes, data: bytes, pki: f.Pki) -> bool:
    """rfc3161ng is given the signer's certificate: it knows no chains, and RSA alone."""
    try:
        signed = tsp.TimeStampResp.load(tsr)["time_stamp_token"].dump()
        pem = pki.cert.public_bytes(Encoding.PEM)
        return bool(
            rfc3161ng.check_timestamp(signed, certificate=pem, data=data, hashname="sha256", nonce=NONCE)
        )
    except Exception:  # noqa: BLE001 — it lets through whatever its parts raise
        return False


def hanko(tsr: bytes, data: bytes, pki: f.Pki) -> bool:
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko_certvalidator import ValidationContext

    try:
        root = asn1_x509.Certificate.load(der(pki.root))
        trust = ValidationContext(trust_roots=[root], allow_fetching=False, moment=AT)
        signed = tsp.TimeStampResp.load(tsr)["time_stamp_token"]["content"]
        found = asyncio.run(validate_tst_signed_data(signed, trust, lambda *_: hashlib.sha256(data).digest()))
    except Exception:  # noqa: BLE001 — it lets through whatever its parts raise
        return False
    return bool(found["intact"] and found["valid"] and not found.get("trust_problem_indic"))


JUDGES: dict[str, Judge] = {
    "openssl ts": openssl,
    "rfc3161-client": client,
    "rfc3161ng": timestamper,
    "pyHanko": hanko,
}


@functools.cache
def rows() -> dict[str, tuple[bytes, bytes, f.Pki]]:
    """Every fault by its words, on RSA keys, which all four know: token, what it is held against, authority."""
    found = {}
    base = make_pki("rsa2048", number=4)
    for name, (changes, _) in FAULTS.items():
        if name == "signed by a key of another kind":
            continue  # the faults are written for an EC authority; here this is "signed by another key"
        changed = dict(changes)
        if name == "signed by another key":
            changed["sign_with"] = f.key("rsa2048", 9)
        elif name == "the signature's digest is another":
            changed["algorithm"] = f.seq(f.oid(f.RSA_WITH["sha512"]), f.NULL)
        elif name == "the signature is called RSA":
            name, changed["algorithm"] = "the signature is called ECDSA", f.seq(f.oid(f.ECDSA_WITH["sha256"]))
        elif name == "a certificate that is none":
            changed["certificates"] = (der(base.cert), f.seq())
        found[name] = (token(base, **changed), DATA, base)
    found["over other bytes"] = (token(base), DATA + b"\n", base)
    found["bytes behind its end"] = (token(base) + b"\0", DATA, base)
    for name, (leaf, _) in LEAF_FAULTS.items():
        pki = make_pki("rsa2048", number=4, leaf=leaf)
        found[f"signer: {name}"] = (token(pki), DATA, pki)
    for name, (links, _) in PATH_FAULTS.items():
        pki = make_pki("rsa2048", number=4, intermediates=2, **links)
        found[f"chain: {name}"] = (token(pki), DATA, pki)
    other = make_pki("rsa2048", number=6, tag="B")
    found["an authority that is not trusted"] = (
        token(base),
        DATA,
        f.Pki(other.root, (), base.cert, base.key, other.key),
    )
    return found


@pytest.mark.parametrize("intermediates", [0, 2])
@pytest.mark.parametrize("judge", JUDGES)
def test_a_good_token_passes_everywhere(judge: str, intermediates: int) -> None:
    pki = make_pki("rsa2048", number=4, intermediates=intermediates)
    carried = tuple(sorted((der(pki.cert), *map(der, pki.chain))))
    good = token(pki, certificates=carried)
    assert ours(good, DATA, pki)
    assert JUDGES[judge](good, DATA, pki)


def test_what_anybody_refuses_we_refuse() -> None:
    """And what nobody else refuses, too: being stricter costs nothing, being laxer would."""
    assert [name for name, row in rows().items() if ours(*row)] == []


MUST = (
    "signed by another key",
    "another message-digest",
    "another content",
    "no message-digest",
)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("row", MUST)
def test_the_judges_are_awake(row: str, judge: str) -> None:
    assert not JUDGES[judge](*rows()[row])


@pytest.mark.parametrize("judge", ["openssl ts", "rfc3161-client", "pyHanko"])
def test_what_the_test_authority_makes(judge: str) -> None:
    """The tokens of `custody demo`; their key is no RSA key, so rfc3161ng can't judge them."""
    from cryptography import x509

    from custody.anchor.authority import make_request

    clock = desks.Clock()
    with desks.authority(clock) as (authority, _):
        authority.clock = lambda: AT
        tsr = authority.answer(make_request(DATA, NONCE))
        root = x509.load_pem_x509_certificate(authority.root_pem)
    pki = f.Pki(root, (), root, None, None)  # type: ignore[arg-type]
    assert ours(tsr, DATA, pki)
    assert JUDGES[judge](tsr, DATA, pki)
    assert not JUDGES[judge](tsr, DATA + b"x", pki)


def versions() -> str:
    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"OpenSSL ([0-9.]+)", said)
    rest = ", ".join(f"{name} {version(name)}" for name in ("rfc3161-client", "rfc3161ng", "pyHanko"))
    return f"OpenSSL {found[1] if found else said.strip()}, {rest}"


def page() -> str:
    head = f"""# Who refuses a faulted time proof

Every faulted token of the tests, judged by custody and by four programs that are not ours: `openssl ts -verify`,
rfc3161-client, rfc3161ng and pyHanko. ● refused, ○ accepted. custody refuses all of them. Good tokens are
accepted by all five. What is refused here, and why: [time proofs](../format/time.md).

rfc3161ng is given the signer's certificate and follows no chain. openssl and pyHanko are not asked about the nonce, and
pyHanko is given the digest of the bytes. None of this is a fault of theirs: a program that fetches a stamp needs to
check less than one on which a court relies.

Made with {versions()}, by `python -m tests.test_token_judges`; a test holds it.

| Fault | custody | {" | ".join(JUDGES)} |
|---|---|{"---|" * len(JUDGES)}
"""
    lines = []
    for name, row in rows().items():
        marks = " | ".join("○" if judge(*row) else "●" for judge in (ours, *JUDGES.values()))
        lines.append(f"| {name} | {marks} |\n")
    return head + "".join(lines)


def test_the_page_is_of_these_judges() -> None:
    text = PAGE.read_text("utf-8")
    if f"Made with {versions()}," not in text:
        pytest.skip("the page was made with other versions of these programs")
    assert text == page(), "out of date: run python -m tests.test_token_judges"


if __name__ == "__main__":
    logging.disable()
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
