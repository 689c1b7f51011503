"""Sealed bytes and wrapped keys: nothing opens but what was sealed."""

from __future__ import annotations

import contextlib

from custody.crypto import sealing, wrapping
from custody.crypto.keys import check_sign_key
from custody.errors import CheckFailed, CustodyError
from custody.format import contexts
from tests.fuzz.reader import NotTheSame, Reader, same

KEY = bytes(range(32))
ORIGIN = "custody/aebagbafaydqqcikbmga2dqpca"
SUBJECT = "019cb6d0-0000-7000-8000-00000000000a"
CONTEXT = contexts.object_(ORIGIN, SUBJECT)
VALUE = {"text": "what stands in a compartment"}
CONTENT = b"content " * 4096
SEED = bytes(range(96))
NONCE = bytes(12)


def _sealed_compartment(data: bytes) -> object:
    key = sealing.compartment_key(KEY, ORIGIN, SUBJECT, 3, "note")
    sealing.commits(key, contexts.compartment(ORIGIN, SUBJECT, 3, "note"), data[:56])
    found = sealing.open_compartment(key, ORIGIN, SUBJECT, 3, "note", data, where="part")
    same(found, VALUE, "something opens that nobody sealed")
    return found


def _object(data: bytes) -> object:
    sealing.padded_size(len(data))
    pieces = [data[at : at + 5000] for at in range(0, len(data), 5000)]
    plain = b""
    try:
        for piece in sealing.open_stream(KEY, CONTEXT, iter(pieces), where="object"):
            plain += piece
            if not CONTENT.startswith(plain):
                raise NotTheSame("a piece opens that nobody sealed")
    except CustodyError:
        with contextlib.suppress(CheckFailed):
            sealing.open_(KEY, CONTEXT, data, where="object")
            raise NotTheSame("opens whole and not in pieces") from None
        raise
    same(plain, CONTENT, "something opens that nobody sealed")
    same(sealing.open_(KEY, CONTEXT, data, where="object"), plain)
    return plain


def _wraps(data: bytes) -> object:
    """An HPKE message, a row of an item's keys, a sealed key file: one of them, told by its first byte."""
    which, data = data[:1], data[1:]
    if which == b"h":
        found = wrapping.unwrap(SEED, b"info", data, where="wrap")
    elif which == b"r":
        found = wrapping.unwrap_row(KEY, CONTEXT, data, where="row")
    else:
        found = wrapping.decrypt(KEY, NONCE, data, CONTEXT, where="sealed")
    same(found, KEY, "a key unwraps that nobody wrapped")
    return found


def _public_keys(data: bytes) -> object:
    try:
        return check_sign_key(data, where="key")
    except CustodyError:
        return wrapping.check_wrap_key(data, where="key")


READERS = (
    Reader(
        name="sealed-compartment",
        about="a sealed compartment: opens only as it was sealed",
        covers=("custody.crypto.sealing:open_compartment", "custody.crypto.sealing:commits"),
        read=_sealed_compartment,
        seeds=lambda: [sealing.seal_compartment(KEY, ORIGIN, SUBJECT, 3, "note", VALUE)],
        limit=2_000,
    ),
    Reader(
        name="object",
        about="a vault object, whole and in pieces: opens only as it was sealed",
        covers=(
            "custody.crypto.sealing:open_stream",
            "custody.crypto.sealing:open_",
            "custody.crypto.sealing:padded_size",
            "custody.vault.store:Vault.content",
            "custody.vault.store:Vault.sealed_pieces",
        ),
        read=_object,
        seeds=lambda: [sealing.seal(KEY, CONTEXT, CONTENT)],
        limit=70_000,
    ),
    Reader(
        name="wraps",
        about="wrapped keys: unwrap only as they were wrapped",
        covers=(
            "custody.crypto.wrapping:unwrap",
            "custody.crypto.wrapping:unwrap_row",
            "custody.crypto.wrapping:decrypt",
        ),
        read=_wraps,
        limit=2_000,
        seeds=lambda: [
            b"h" + wrapping.wrap(wrapping.wrap_key_of(SEED), b"info", KEY),
            b"r" + wrapping.wrap_row(wrapping.RowKey(KEY), CONTEXT, KEY, NONCE),
            b"d" + wrapping.encrypt(KEY, NONCE, KEY, CONTEXT),
        ],
    ),
    Reader(
        name="raw-keys",
        about="raw public keys: sound ones only",
        covers=("custody.crypto.keys:check_sign_key", "custody.crypto.wrapping:check_wrap_key"),
        read=_public_keys,
        seeds=lambda: [wrapping.wrap_key_of(SEED), b"\x01" + bytes(31), bytes(32), b"\xff" * 32],
        limit=1_300,
    ),
)
