"""Keys in OpenSSH's and PKCS#8's spelling; ssh-keygen and openssl are the judges where they are here."""

from __future__ import annotations

import base64
import importlib.util
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from custody.crypto.keys import SignKey
from custody.errors import CustodyError, FormatError, InputRefused, MachineError, WrongPassphrase
from custody.keys import exchange
from tests.conftest import REPO

KEY = SignKey(bytes(range(32)))
PASS = b"correct horse"
HAS_BCRYPT = importlib.util.find_spec("bcrypt") is not None
needs_bcrypt = pytest.mark.skipif(not HAS_BCRYPT, reason="the package bcrypt is not here")


def program(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not here")
    return name


def pem(private, form, passphrase=None):
    guard = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return private.private_bytes(Encoding.PEM, form, guard)


PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(KEY.seed)


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
@pytest.mark.parametrize("passphrase", [None, b"", b"not needed"])
def test_a_key_in_the_clear_comes_in(form, passphrase):
    data = pem(PRIVATE, form)
    assert not exchange.needs_passphrase(data, where="file")
    assert exchange.import_key(data, passphrase, where="file") == KEY


def test_pkcs8_goes_out_and_comes_in():
    data = exchange.export_pkcs8(KEY, PASS)
    assert data.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert exchange.needs_passphrase(data, where="file")
    assert exchange.import_key(data, PASS, where="file") == KEY
    assert exchange.import_key(b"a line before\n" + data, PASS, where="file") == KEY
    assert "2,048" in exchange.PKCS8_NOTE


def test_openssl_reads_what_goes_out(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(exchange.export_pkcs8(KEY, PASS))
    done = subprocess.run(
        [program("openssl"), "pkey", "-in", str(path), "-passin", "pass:correct horse", "-outform", "DER"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert KEY.seed in done.stdout


@needs_bcrypt
def test_openssh_goes_out_and_comes_in(tmp_path):
    data = exchange.export_openssh(KEY, PASS)
    assert exchange.needs_passphrase(data, where="file")
    assert exchange.import_key(data, PASS, where="file") == KEY
    path = tmp_path / "key"
    path.write_bytes(data)
    path.chmod(0o600)
    done = subprocess.run(
        [program("ssh-keygen"), "-y", "-P", "correct horse", "-f", str(path)],
        capture_output=True,
        check=False,
    )
    assert KEY.public in base64.b64decode(done.stdout.split()[1])


def test_without_bcrypt_it_says_so():
    # In a process of its own: cryptography looks for the package once, when it is loaded.
    code = """
import sys
sys.modules["bcrypt"] = None
from custody.crypto.keys import SignKey
from custody.errors import MachineError
from custody.keys import exchange
try:
    exchange.export_openssh(SignKey(bytes(range(32))), b"correct horse")
except MachineError as error:
    sys.exit(0 if "bcrypt" in error.hint else "another hint")
sys.exit("it was written")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPO, check=False)
    assert done.returncode == 0, done.stderr


def test_what_ssh_keygen_made_comes_in(tmp_path):
    path = tmp_path / "id"
    for passphrase in ("", "correct horse"):
        path.unlink(missing_ok=True)
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", "ed25519", "-C", "x", "-N", passphrase, "-f", str(path)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        data = path.read_bytes()
        assert exchange.needs_passphrase(data, where="file") == bool(passphrase)
        public = base64.b64decode(path.with_suffix(".pub").read_bytes().split()[1])
        if passphrase and not HAS_BCRYPT:
            with pytest.raises(MachineError, match="encrypted OpenSSH"):
                exchange.import_key(data, passphrase.encode(), where="file")
        else:
            assert exchange.import_key(data, passphrase.encode(), where="file").public == public[-32:]
        path.with_suffix(".pub").unlink()


@pytest.mark.parametrize("passphrase", [None, b""])
def test_an_encrypted_key_asks_for_its_passphrase(passphrase):
    with pytest.raises(WrongPassphrase, match="needs its passphrase"):
        exchange.import_key(exchange.export_pkcs8(KEY, PASS), passphrase, where="file")


def test_a_wrong_passphrase():
    with pytest.raises(WrongPassphrase, match="does not open"):
        exchange.import_key(exchange.export_pkcs8(KEY, PASS), b"wrong", where="file")


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1024])
def test_no_export_without_a_passphrase_that_works(passphrase):
    for export in (exchange.export_openssh, exchange.export_pkcs8):
        with pytest.raises(InputRefused):
            export(KEY, passphrase)


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("private", "form", "named"),
    [
        (RSA, PrivateFormat.PKCS8, "RSA"),
        (RSA, PrivateFormat.OpenSSH, "ssh-rsa"),
        (P256, PrivateFormat.PKCS8, "EC"),
        (P256, PrivateFormat.OpenSSH, "ecdsa-sha2-nistp256"),
        (x25519.X25519PrivateKey.generate(), PrivateFormat.PKCS8, "X25519"),
    ],
)
def test_another_type_is_refused_and_named(private, form, named):
    with pytest.raises(InputRefused) as caught:
        exchange.import_key(pem(private, form), None, where="file")
    assert caught.value.found == named
    assert not isinstance(caught.value, FormatError)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"ssh-ed25519 AAAA", None),
        (pem(RSA, PrivateFormat.TraditionalOpenSSL), "RSA PRIVATE KEY"),
        (b"-----BEGIN CERTIFICATE-----\n", "CERTIFICATE"),
        (b"-----BEGIN \x1b[31m-----", None),
        (b"x" * 100_000, None),
    ],
)
def test_what_is_no_private_key_is_refused(data, found):
    with pytest.raises(FormatError) as caught:
        exchange.import_key(data, None, where="file")
    assert caught.value.found == found


def openssh(*, kind=b"ssh-ed25519", kdf=b"bcrypt", rounds=16, count=1):
    def string(data):
        return len(data).to_bytes(4, "big") + data

    options = string(bytes(16)) + rounds.to_bytes(4, "big")
    raw = b"openssh-key-v1\0" + string(b"aes256-ctr") + string(kdf) + string(options)
    raw += count.to_bytes(4, "big") + string(string(kind) + string(KEY.public)) + string(bytes(160))
    text = base64.b64encode(raw)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + text + b"\n-----END OPENSSH PRIVATE KEY-----\n"


def test_a_key_that_takes_years_to_open_is_refused_at_once():
    assert exchange.needs_passphrase(openssh(rounds=1024), where="file")
    for rounds in (0, 1025, 2**32 - 1):
        with pytest.raises(FormatError, match="too costly"):
            exchange.import_key(openssh(rounds=rounds), PASS, where="file")


def test_other_oddities_of_openssh_are_refused():
    with pytest.raises(FormatError, match="exactly one key"):
        exchange.import_key(openssh(count=2), PASS, where="file")
    with pytest.raises(InputRefused) as caught:
        exchange.import_key(openssh(kind=b"ssh-\x1b[2J"), PASS, where="file")
    assert "\x1b" not in str(caught.value)


CLEAR = pem(PRIVATE, PrivateFormat.OpenSSH)


@given(st.integers(0, len(CLEAR) - 1), st.integers(1, 255))
def test_a_damaged_openssh_key_is_refused_or_another_spelling(place, flip):
    data = CLEAR[:place] + bytes([CLEAR[place] ^ flip]) + CLEAR[place + 1 :]
    try:
        key = exchange.import_key(data, PASS, where="file")
    except CustodyError:
        return
    assert key == KEY


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_right_words_are_refused(data):
    for words in (b"OPENSSH PRIVATE KEY", b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"):
        text = base64.encodebytes(data)
        for body in (data, text):
            with pytest.raises(CustodyError):
                exchange.import_key(
                    b"-----BEGIN " + words + b"-----\n" + body + b"-----END " + words + b"-----\n",
                    PASS,
                    where="file",
                )
