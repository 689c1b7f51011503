"""DSSE envelopes, in one spelling: a payload, its type and exactly one signature.

The envelope is canonical JSON {payload, payloadType, signatures: [{keyid, sig}]}; the signature covers
PAE(type, payload), so no canonicalisation is trusted when checking (Dead Simple Signing Envelope v1).
"""

from __future__ import annotations

import binascii
import functools
from dataclasses import dataclass
from typing import Any

from custody.errors import FormatError
from custody.format import canonical
from custody.format.text import check_digest, from_base64, show, to_base64

ENTRY_TYPE = "application/vnd.custody.entry+json;v=1"
KEY_TYPE = "application/vnd.custody.key+json;v=1"
PACKAGE_TYPE = "application/vnd.custody.package+json;v=1"
APPROVAL_TYPE = "application/vnd.custody.approval+json;v=1"

MAX_ENVELOPE = 128 * 1024


@functools.lru_cache(maxsize=64)
def _quoted(text: str) -> str:
    return canonical.encode(text, where="envelope").decode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A signed payload. ``key_id`` is the hex SHA-256 of the raw Ed25519 key that signed."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    def to_value(self) -> dict[str, Any]:
        """The envelope as a JSON value."""
        return {
            "payload": to_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": self.key_id, "sig": to_base64(self.signature)}],
        }

    def to_bytes(self) -> bytes:
        """The bytes that are stored and hashed: `to_value` in canonical JSON, written out, as every entry is one."""
        payload, signature = to_base64(self.payload), to_base64(self.signature)
        kind, key_id = _quoted(self.payload_type), _quoted(self.key_id)
        text = f'{{"payload":"{payload}","payloadType":{kind},"signatures":[{{"keyid":{key_id},"sig":"{signature}"}}]}}'
        return text.encode("utf-8")

    @property
    def signed(self) -> bytes:
        """The bytes under the signature: PAE(type, payload)."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the lengths and bytes of type and payload."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def from_value(value: object, *, payload_type: str, where: str) -> Envelope:
    """The envelope of a JSON value, or FormatError. The signature is not checked here."""
    fields = canonical.check_fields(value, where=where, required={"payload", "payloadType", "signatures"})
    if fields["payloadType"] != payload_type:
        raise FormatError(
            "another type of payload",
            where=where,
            expected=payload_type,
            found=show(repr(fields["payloadType"]), 80),
        )
    signatures = fields["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise FormatError("not exactly one signature", where=where)
    signature = canonical.check_fields(signatures[0], where=f"{where}, signature", required={"keyid", "sig"})
    if not isinstance(fields["payload"], str) or not isinstance(signature["sig"], str):
        raise FormatError("payload and signature must be text", where=where)
    sig = from_base64(signature["sig"], where=f"{where}, signature")
    if len(sig) != 64:
        raise FormatError(
            "a signature of another length", where=where, expected="64 bytes", found=f"{len(sig)}"
        )
    return Envelope(
        payload_type=payload_type,
        payload=from_base64(fields["payload"], where=f"{where}, payload"),
        key_id=check_digest(signature["keyid"], where=f"{where}, keyid"),
        signature=sig,
    )


def from_bytes(data: bytes, *, payload_type: str, where: str, max_bytes: int = MAX_ENVELOPE) -> Envelope:
    """The envelope in its one spelling, or FormatError. The signature is not checked here."""
    if len(data) <= max_bytes and (found := _as_written(data, payload_type)) is not None:
        return found
    value = canonical.decode(data, where=where, max_bytes=max_bytes)
    return from_value(value, payload_type=payload_type, where=where)


def _as_written(data: bytes, payload_type: str) -> Envelope | None:
    """The envelope whose bytes are ``data``, found by places: all but type and payload has one length. Else None.

    As it is written again and compared, nothing passes that the long way refuses. That takes four times as long,
    and says what is wrong.
    """
    end = len(data) - 165
    try:
        payload = binascii.a2b_base64(data[12 : end - 43 - len(payload_type)])
        signature = binascii.a2b_base64(data[end + 73 : end + 161])
        key_id = check_digest(data[end : end + 64].decode("ascii"), where="keyid")
    except (ValueError, FormatError):
        return None
    found = Envelope(payload_type=payload_type, payload=payload, key_id=key_id, signature=signature)
    return found if len(signature) == 64 and found.to_bytes() == data else None
