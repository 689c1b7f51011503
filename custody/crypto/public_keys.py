"""Public key files: made from a custodian's secrets, and checked before anybody is added.

The envelope is signed by the key that it names, so nobody can be added under a key that they do not
hold. That proves possession of the *signing* key; the wrapping key stands under its signature.
"""

from __future__ import annotations

from custody.crypto import envelopes, keys, wrapping
from custody.errors import CheckFailed, FormatError
from custody.format import envelope as envelope_format
from custody.format.envelope import KEY_TYPE, Envelope
from custody.format.public_key import PublicKeyFile, from_payload
from custody.format.text import check_time

MAX_FILE = 8 * 1024
"""Bytes of a whole public key file; with both keys it takes 2,700."""


def make(custodian: keys.CustodianKeys, made: str) -> Envelope:
    """The signed public key file of a custodian; ``made`` is a UTC time to the millisecond."""
    public = PublicKeyFile(
        sign_key=custodian.sign.public,
        wrap_key=None if custodian.wrap_seed is None else wrapping.wrap_key_of(custodian.wrap_seed),
        made=check_time(made, where="public key file, made"),
    )
    return envelopes.sign(KEY_TYPE, public.to_payload(), custodian.sign)


def read(data: bytes, where: str) -> tuple[PublicKeyFile, Envelope]:
    """The keys and the envelope of a public key file from outside, all checked as by `check`.

    One line end behind the envelope is forgiven: editors and mail programs add it.
    """
    bare = data.removesuffix(b"\n").removesuffix(b"\r")
    envelope = envelope_format.from_bytes(bare, payload_type=KEY_TYPE, where=where, max_bytes=MAX_FILE)
    return check(envelope, where), envelope


def check(envelope: Envelope, where: str) -> PublicKeyFile:
    """The keys of an envelope that is signed by its own key, with sound keys in it.

    Raises FormatError for another payload, or a key that is not canonical, not on the curve or of small
    order; CheckFailed when the signature is by another key or does not fit.
    """
    if envelope.payload_type != KEY_TYPE:
        raise FormatError("another type of payload", where=where, expected=KEY_TYPE)
    public = from_payload(envelope.payload, where)
    # Before the signature: under a key of small order one fixed signature fits every message.
    keys.check_sign_key(public.sign_key, where=f"{where}, sign_key")
    if public.wrap_key is not None:
        wrapping.check_wrap_key(public.wrap_key, where=f"{where}, wrap_key")
    try:
        envelopes.verify(envelope, public.sign_key, where=where)
    except CheckFailed as error:
        raise type(error)(
            error.what,
            where=where,
            hint="this file does not prove that its maker holds the key; ask for a new one",
        ) from error
    return public
