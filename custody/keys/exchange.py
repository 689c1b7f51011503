"""Signing keys in other people's spellings: OpenSSH private keys and PKCS#8, in and out.

Only the Ed25519 signing key travels: neither format has room for our wrapping key, and a key file made
of an imported key gets a wrapping seed of its own or none. Both formats guard a key less well than our
key file does; what is exported should live no longer than the move takes.
"""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_der_private_key,
    load_ssh_private_key,
)

from custody.crypto.keys import SignKey
from custody.errors import FormatError, InputRefused, MachineError, WrongPassphrase
from custody.format.text import show
from custody.verify import der

MAX_FILE = 64 * 1024
MAX_BCRYPT_ROUNDS = 1024
"""OpenSSH writes 16 or 24; 64 take 0.7 s. A hostile file could ask for 2^32 − 1."""
MAX_PBKDF2_ROUNDS = 4_000_000
"""0.7 s; common are 2,048 to 600,000. A hostile file could ask for 2^63."""
MAX_SCRYPT_BLOCKS = 1 << 20
"""N × r × p, 128 bytes each: 128 MiB and 0.4 s at most. OpenSSL writes 2^17."""
OPENSSH_NOTE = (
    "bcrypt with 16 rounds or so guards it: weaker than the key file; delete it when it has arrived"
)
PKCS8_NOTE = "PBKDF2 with 2,048 rounds guards it: far weaker than the key file; delete it when it has arrived"

# Possessive: what they took is not given back, so a file of 64 KiB of spaces costs one pass, not one for each.
_OPENSSH = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----(?=\s)([A-Za-z0-9+/=\s]++)-----END OPENSSH PRIVATE KEY-----"
)
_PKCS8 = re.compile(
    rb"-----BEGIN ((?:ENCRYPTED )?PRIVATE KEY)-----(?=\s)([A-Za-z0-9+/=\s]++)-----END \1-----"
)
_MAGIC = b"openssh-key-v1\0"
_NO_BCRYPT = "install the package bcrypt, or use PKCS#8"

_PBES2 = "1.2.840.113549.1.5.13"
_SCRYPT = "1.3.6.1.4.1.11591.4.11"


def needs_passphrase(data: bytes, *, where: str) -> bool:
    """True when the key in ``data`` is encrypted; FormatError when it is in neither format."""
    if _is_openssh(data, where):
        return _openssh_head(data, where)[0] != b"none"
    return _pkcs8(data, where)[0]


def import_key(data: bytes, passphrase: bytes | None, *, where: str) -> SignKey:
    """The Ed25519 key of an OpenSSH or PKCS#8 private key file (PEM).

    FormatError for other bytes, InputRefused for a key of another type (it is named), WrongPassphrase
    when it does not open or needs a passphrase, MachineError when OpenSSH's encryption needs the package
    bcrypt and it is not here. A passphrase for a key that needs none is ignored.
    """
    openssh = _is_openssh(data, where)
    if not needs_passphrase(data, where=where):
        passphrase = None
    elif not passphrase:
        raise WrongPassphrase("the key needs its passphrase", where=where)
    key: object
    try:
        if openssh:
            key = load_ssh_private_key(_OPENSSH_ALONE % _body(_OPENSSH.search(data), 1), passphrase)
        else:
            # The checks of an RSA key cost more than the refusal that it ends in.
            bare = _pkcs8(data, where)[1]
            key = load_der_private_key(bare, passphrase, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm as error:
        if "bcrypt" in str(error):
            raise MachineError(
                "an encrypted OpenSSH key can't be read here", where=where, hint=_NO_BCRYPT
            ) from error
        raise InputRefused(
            "a key or cipher that is not known here", where=where, expected="Ed25519"
        ) from error
    except (ValueError, TypeError, InternalError) as error:
        # The library says in words alone whether the passphrase was wrong or the bytes are broken; an
        # encrypted key that parses so far is nearly always the former.
        if passphrase is not None:
            raise WrongPassphrase(
                "the key does not open with this passphrase", where=where, hint="or its file is damaged"
            ) from error
        raise FormatError("not a private key that can be read", where=where) from error
    if not isinstance(key, Ed25519PrivateKey):
        found = (
            type(key)
            .__name__.lstrip("_")
            .removesuffix("PrivateKey")
            .replace("EllipticCurve", "elliptic curve")
        )
        raise InputRefused("a key of another type", where=where, expected="Ed25519", found=found)
    found_key = SignKey(key.private_bytes_raw())
    # The library compares the file's public keys with each other, not with the seed: one flipped bit of
    # a seed would come in as another key, and everything signed with it would be nobody's.
    if openssh and found_key.public != _openssh_head(data, where)[1]:
        raise FormatError("private and public key do not belong together", where=where)
    return found_key


def export_openssh(key: SignKey, passphrase: bytes) -> bytes:
    """The key as an encrypted OpenSSH private key (PEM); MachineError without the package bcrypt.

    Say `OPENSSH_NOTE` when it is written. InputRefused for an empty passphrase: there is no export in
    the clear.
    """
    try:
        return _export(key, passphrase, PrivateFormat.OpenSSH)
    except UnsupportedAlgorithm as error:
        raise MachineError("an encrypted OpenSSH key can't be written here", hint=_NO_BCRYPT) from error


def export_pkcs8(key: SignKey, passphrase: bytes) -> bytes:
    """The key as encrypted PKCS#8 (PEM, PBES2: PBKDF2-HMAC-SHA256 with 2,048 rounds, AES-256-CBC).

    Say `PKCS8_NOTE` when it is written. InputRefused for an empty passphrase.
    """
    return _export(key, passphrase, PrivateFormat.PKCS8)


def _export(key: SignKey, passphrase: bytes, form: PrivateFormat) -> bytes:
    if not passphrase:
        raise InputRefused("the passphrase is empty", hint="a key is exported under a passphrase only")
    if len(passphrase) > 1023:  # OpenSSL's limit for PKCS#8
        raise InputRefused("the passphrase is too long", expected="at most 1023 bytes")
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    return private.private_bytes(Encoding.PEM, form, BestAvailableEncryption(passphrase))


def _is_openssh(data: bytes, where: str) -> bool:
    if len(data) > MAX_FILE:
        raise FormatError("not a private key", where=where, expected=f"at most {MAX_FILE} bytes")
    if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data:
        return True
    if b"-----BEGIN PRIVATE KEY-----" in data or b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data:
        return False
    other = re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", data)
    raise FormatError(
        "not a private key that can be read",
        where=where,
        expected="OpenSSH or PKCS#8, in PEM",
        found=show(other[1]) if other else None,
    )


def _openssh_head(data: bytes, where: str) -> tuple[bytes, bytes]:
    """Cipher and raw public key, once type and cost have been judged from what is not encrypted.

    Layout (OpenSSH's PROTOCOL.key): magic, then strings with u32be lengths: cipher, kdf, kdf options
    (salt, u32be rounds), u32be number of keys, public key (which begins with its type).
    """
    raw = _decoded(_body(_OPENSSH.search(data), 1))
    if not raw.startswith(_MAGIC):
        raise FormatError("not an OpenSSH private key", where=where)
    cipher, rest = _string(raw[len(_MAGIC) :], where)
    kdf, rest = _string(rest, where)
    options, rest = _string(rest, where)
    if int.from_bytes(rest[:4], "big") != 1:
        raise FormatError("not exactly one key in the file", where=where)
    public, _ = _string(rest[4:], where)
    kind, public = _string(public, where)
    if kind != b"ssh-ed25519":
        raise InputRefused("a key of another type", where=where, expected="ssh-ed25519", found=show(kind, 60))
    if kdf == b"bcrypt":
        _, rounds = _string(options, where)
        if not 1 <= int.from_bytes(rounds[:4], "big") <= MAX_BCRYPT_ROUNDS:
            raise FormatError(
                "too costly to open",
                where=where,
                expected=f"at most {MAX_BCRYPT_ROUNDS} rounds",
                found=str(int.from_bytes(rounds[:4], "big")),
            )
    return cipher, _string(public, where)[0]


# The library is given what was judged here and nothing else: it may take another block of the file for the key.
_OPENSSH_ALONE = b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"


def _body(match: re.Match[bytes] | None, group: int) -> bytes:
    return b"".join(match[group].split()) if match else b""


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _pkcs8(data: bytes, where: str) -> tuple[bool, bytes]:
    """Whether the key is encrypted, and its DER, once what opening it costs has been judged."""
    match = _PKCS8.search(data)
    bare = _decoded(_body(match, 2))
    if match is None or not bare:
        raise FormatError("not a private key that can be read", where=where, expected="one PKCS#8 key in PEM")
    encrypted = match[1].startswith(b"ENCRYPTED")
    if encrypted:
        _check_cost(bare, where)
    return encrypted, bare


def _check_cost(bare: bytes, where: str) -> None:
    """Refuse an EncryptedPrivateKeyInfo (RFC 5958, 3) that would take more time or memory than any tool asks for."""
    try:
        algorithm = der.read(bare, max_size=MAX_FILE).fields().take(der.SEQUENCE).fields()
        scheme, parameters = algorithm.take(der.OID).oid(), algorithm.take(der.SEQUENCE).fields()
        if scheme == _PBES2:  # RFC 8018, appendix A.4
            derivation = parameters.take(der.SEQUENCE).fields()
            scheme, parameters = derivation.take(der.OID).oid(), derivation.take(der.SEQUENCE).fields()
        # In the older schemes too, salt and rounds come first (RFC 8018, A.3; RFC 7292, C).
        parameters.take(der.OCTET_STRING)
        rounds = parameters.take(der.INTEGER).integer()
        blocks = 0
        if scheme == _SCRYPT:  # RFC 7914, 7.1
            blocks = rounds * parameters.take(der.INTEGER).integer() * parameters.take(der.INTEGER).integer()
    except FormatError as error:
        raise FormatError("not a private key that can be read", where=where, found=error.message) from error
    if scheme != _SCRYPT and not 1 <= rounds <= MAX_PBKDF2_ROUNDS:
        raise FormatError(
            "too costly to open",
            where=where,
            expected=f"at most {MAX_PBKDF2_ROUNDS} rounds",
            found=str(rounds),
        )
    if scheme == _SCRYPT and not 1 <= blocks <= MAX_SCRYPT_BLOCKS:
        raise FormatError(
            "too costly to open",
            where=where,
            expected=f"at most {MAX_SCRYPT_BLOCKS} blocks",
            found=str(blocks),
        )


def _string(data: bytes, where: str) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 + length or len(data) < 4:
        raise FormatError("not an OpenSSH private key", where=where)
    return data[4 : 4 + length], data[4 + length :]
