"""Signing and checking envelopes."""

from __future__ import annotations

from custody.crypto import keys
from custody.errors import CheckFailed
from custody.format import names
from custody.format.envelope import Envelope, pae


def sign(payload_type: str, payload: bytes, key: keys.SignKey) -> Envelope:
    """The envelope of a payload, signed over PAE(type, payload)."""
    signature = key.sign(pae(payload_type, payload))
    return Envelope(payload_type=payload_type, payload=payload, key_id=key.key_id, signature=signature)


def verify(envelope: Envelope, public: bytes, *, where: str) -> None:
    """Raise unless ``public`` is the key that the envelope names and its signature fits."""
    if names.key_id(public) != envelope.key_id:
        raise CheckFailed("signed by another key than it names", where=where)
    keys.verify(public, envelope.signature, envelope.signed, where=where)
