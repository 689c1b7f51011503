"""Key files, recovery sheets, passphrase files, and signing keys in other people's spellings."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from custody.crypto import derive, wrapping
from custody.crypto.keys import CustodianKeys, SignKey
from custody.errors import CustodyError
from custody.format import canonical
from custody.format.text import from_base64, to_base64
from custody.keys import exchange, keyfile, recovery
from tests.fuzz.reader import NotTheSame, Reader, same

PERSON = CustodianKeys.from_recovery_seed(bytes(range(32)))
COLLECTOR = CustodianKeys(SignKey(b"\x07" * 32), None)
ORIGIN = "custody/aebagbafaydqqcikbmga2dqpca"
KEY = bytes(range(32))
WALL = "2026-03-04T05:06:07.890Z"
PASSPHRASE = b"a passphrase for fuzzing"


@functools.cache
def folder() -> Path:
    """A folder of this process; whoever starts the fuzzer sets TMPDIR and removes all of it."""
    return Path(tempfile.mkdtemp(prefix="custody-fuzz-"))


@contextlib.contextmanager
def _cheap() -> Iterator[None]:
    """Argon2id gives a fixed key: what stands behind it is to be read a million times."""
    true = derive.argon2id
    derive.argon2id = lambda *_, **__: KEY  # type: ignore[assignment]
    try:
        yield
    finally:
        derive.argon2id = true


# --- key files ------------------------------------------------------------------------------------------


def _key_file(data: bytes) -> object:
    path = folder() / "key"
    path.write_bytes(data)
    with _cheap():
        sealed = keyfile.needs_passphrase(path)
        opened = keyfile.open_(path, PASSPHRASE if sealed else None)
    opened.head(ORIGIN)
    return opened


HEADER = {
    "format": keyfile.FORMAT,
    "v": 1,
    "nonce": to_base64(bytes(12)),
    "kdf": {"name": "argon2id", "memory_kib": 64, "passes": 1, "lanes": 1, "salt": to_base64(bytes(16))},
}


def _key_file_inside(data: bytes) -> object:
    """The input is what is sealed: it is sealed well, whatever it says."""
    sealed = wrapping.encrypt(KEY, bytes(12), data, canonical.encode(HEADER))
    path = folder() / "inside"
    path.write_bytes(canonical.encode({**HEADER, "sealed": to_base64(sealed)}))
    with _cheap():
        opened = keyfile.open_(path, PASSPHRASE)
    same(canonical.encode(opened._inside.to_value()), data)
    opened.head(ORIGIN)
    return opened


@functools.cache
def _made() -> tuple[bytes, bytes]:
    """A person's key file, sealed under the fixed key, and a collector's in the clear."""
    found = []
    for keys, passphrase in ((PERSON, PASSPHRASE), (COLLECTOR, None)):
        path = folder() / f"seed-{len(found)}"
        with _cheap():
            small = keyfile.KdfParams(memory_kib=64, passes=1, lanes=1)
            made = keyfile.create(
                path, passphrase, keys, now=WALL, random=lambda count: KEY[:count], params=small
            )
            made.remember(ORIGIN, 7, "1" * 64)
        found.append(path.read_bytes())
    return found[0], found[1]


def _insides() -> list[bytes]:
    sealed, clear = (canonical.decode(one, where="seed", max_bytes=1 << 20) for one in _made())
    header = {name: value for name, value in sealed.items() if name != "sealed"}
    nonce, inside = (from_base64(sealed[name], where="seed") for name in ("nonce", "sealed"))
    return [
        wrapping.decrypt(KEY, nonce, inside, canonical.encode(header), where="seed"),
        canonical.encode(clear["clear"]),
    ]


def _passphrase_file(data: bytes) -> object:
    path = folder() / "passphrase"
    path.write_bytes(data)
    found = keyfile.read_passphrase_file(path)
    same(data.startswith(found) and len(data) - len(found) <= 2, True, "more than a line end was taken away")
    return found


# --- recovery -------------------------------------------------------------------------------------------


def _recovery(data: bytes) -> object:
    sheet = recovery.from_words(data.decode("utf-8", "surrogateescape"))
    same(recovery.from_words(" ".join(sheet.words)).seed, sheet.seed)
    if sheet.origin is not None and sheet.ledger_words is not None:
        again = recovery.from_words(recovery.qr_text(sheet, sheet.origin, sheet.ledger_words))
        same((again.seed, again.origin, again.ledger_words), (sheet.seed, sheet.origin, sheet.ledger_words))
    sheet.fits(3, data[:20].decode("latin-1"))
    return sheet


def _sheets() -> list[bytes]:
    sheet = recovery.new_sheet(bytes(range(32)))
    ledger = tuple(["abandon"] * 11 + ["about"])
    numbered = ", ".join(f"{n} {word[:4].upper()}" for n, word in enumerate(sheet.words, 1))
    return [
        " ".join(sheet.words).encode(),
        recovery.qr_text(sheet, ORIGIN, ledger).encode(),
        numbered.encode(),
    ]


# --- other people's spellings ---------------------------------------------------------------------------


def _armoured(data: bytes) -> tuple[bytes, ...]:
    """DER and OpenSSH's binary in PEM, so that mutators work on what is inside; PEM as it is."""
    spelled = base64.b64encode(data)
    lines = b"\n".join(spelled[at : at + 64] for at in range(0, len(spelled), 64))
    if data.startswith(b"openssh-key-v1"):
        return (b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + lines + b"\n-----END OPENSSH PRIVATE KEY-----\n",)
    if data.startswith(b"0"):
        return tuple(
            b"-----BEGIN %s-----\n" % label + lines + b"\n-----END %s-----\n" % label
            for label in (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY")
        )
    return (data,)


@contextlib.contextmanager
def _few_rounds() -> Iterator[None]:
    """At most 32 rounds of bcrypt: how long its maker lets a key take (1,024, 11 s) says nothing of the reader."""
    most = exchange.MAX_BCRYPT_ROUNDS
    exchange.MAX_BCRYPT_ROUNDS = 32
    try:
        yield
    finally:
        exchange.MAX_BCRYPT_ROUNDS = most


def _import(data: bytes) -> object:
    with _few_rounds():
        return _imported(data)


def _imported(data: bytes) -> object:
    problem: CustodyError | None = None
    for pem in _armoured(data):
        try:
            exchange.needs_passphrase(pem, where="key")
            found = exchange.import_key(pem, PASSPHRASE, where="key")
        except CustodyError as error:
            problem = error
            continue
        if len(found.public) != 32:
            raise NotTheSame("a key of another length")
        return found
    assert problem is not None
    raise problem


def _unarmoured(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(line for line in pem.split(b"\n") if not line.startswith(b"-----")))


@functools.cache
def _imports() -> tuple[bytes, ...]:
    own = PERSON.sign
    private = ed25519.Ed25519PrivateKey.from_private_bytes(own.seed)
    plain = [
        private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        exchange.export_pkcs8(own, PASSPHRASE),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ]
    with contextlib.suppress(UnsupportedAlgorithm):  # without the package bcrypt
        one_round = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(PASSPHRASE)
        plain.append(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, one_round))
    others = (
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256R1()),
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
        dsa.generate_private_key(1024),
    )
    plain += [one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for one in others]
    return (*(_unarmoured(pem) for pem in plain), plain[0], plain[1])


READERS = (
    Reader(
        name="key-file",
        about="a key file, with Argon2id replaced by a fixed key",
        covers=(
            "custody.keys.keyfile:open_",
            "custody.keys.keyfile:needs_passphrase",
            "custody.keys.keyfile:KdfParams",
        ),
        read=_key_file,
        seeds=_made,
        shape="json",
    ),
    Reader(
        name="key-file-inside",
        about="what a key file seals, sealed well: the same bytes again",
        covers=("custody.keys.keyfile:open_",),
        read=_key_file_inside,
        seeds=_insides,
        shape="json",
    ),
    Reader(
        name="passphrase-file",
        about="a passphrase file: its bytes without one line end",
        covers=("custody.keys.keyfile:read_passphrase_file", "custody.keys.keyfile:passphrase_bytes"),
        read=_passphrase_file,
        seeds=lambda: [b"words\n", b"words\r\n", b"\xef\xbb\xbfwords", os.fsencode("ë")],
        limit=2_000,
    ),
    Reader(
        name="recovery",
        about="a recovery sheet's words or its code: the same seed again",
        covers=(
            "custody.keys.recovery:from_words",
            "custody.keys.recovery:new_sheet",
            "custody.crypto.keys:CustodianKeys.from_recovery_seed",
        ),
        read=_recovery,
        seeds=_sheets,
        limit=5_000,
    ),
    Reader(
        name="key-import",
        about="OpenSSH and PKCS#8: an Ed25519 key, or a refusal",
        covers=("custody.keys.exchange:import_key", "custody.keys.exchange:needs_passphrase"),
        read=_import,
        seeds=_imports,
        shape="der",
        limit=64 * 1024,
        slow=True,
    ),
)
