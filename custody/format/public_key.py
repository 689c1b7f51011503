"""The public key file's payload: what a custodian hands to the one who adds them.

RFC 8785 object {v, sign_key, wrap_key, made} in a DSSE envelope of type `KEY_TYPE`, signed by the very
key that it names (docs/format/key-file.md). It holds no name: names are told to the admin and sealed.
Whether the keys are sound is asked by `custody.crypto.public_keys`: that takes arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import FormatError
from custody.format import canonical
from custody.format.envelope import KEY_TYPE
from custody.format.names import key_id
from custody.format.text import check_time, from_base64, show, to_base64

__all__ = ["KEY_TYPE", "MAX_PAYLOAD", "PublicKeyFile", "from_payload"]

SIGN_KEY_BYTES = 32
WRAP_KEY_BYTES = 1184 + 32
MAX_PAYLOAD = 4 * 1024
"""Bytes; the payload with both keys takes 1,800."""

_FIELDS = frozenset({"v", "sign_key", "wrap_key", "made"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeyFile:
    """A custodian's public keys.

    ``sign_key`` is a raw Ed25519 key (32 bytes), ``wrap_key`` a raw ML-KEM-768 ‖ X25519 key (1,216
    bytes) or None for a collector who can't be wrapped to, ``made`` a UTC time to the millisecond, as
    the maker's clock said it.
    """

    sign_key: bytes
    wrap_key: bytes | None
    made: str

    @property
    def key_id(self) -> str:
        """The key id: hex SHA-256 of the raw signing key."""
        return key_id(self.sign_key)

    def to_payload(self) -> bytes:
        """The RFC 8785 bytes that are signed."""
        return canonical.encode(
            {
                "v": 1,
                "sign_key": to_base64(self.sign_key),
                "wrap_key": None if self.wrap_key is None else to_base64(self.wrap_key),
                "made": self.made,
            },
            where="public key file",
        )

    @classmethod
    def from_payload(cls, data: bytes, where: str) -> PublicKeyFile:
        """As `from_payload`, the function."""
        return from_payload(data, where)


def from_payload(data: bytes, where: str) -> PublicKeyFile:
    """The value of a payload in its one spelling, or FormatError. Neither signature nor keys are checked."""
    body = canonical.decode_object(data, where=where, max_bytes=MAX_PAYLOAD, max_depth=1)
    # Before the fields: a later version may have others, and the reader should hear the true reason.
    if type(body.get("v")) is int and body["v"] != 1:
        raise FormatError(
            "a public key file made by a newer custody", where=where, expected="v 1", found=f"v {body['v']}"
        )
    canonical.check_fields(body, where=where, required=_FIELDS)
    if type(body["v"]) is not int:
        raise FormatError("a version that is not a number", where=where, found=show(repr(body["v"]), 40))
    wrap_key = body["wrap_key"]
    return PublicKeyFile(
        sign_key=_raw(body["sign_key"], SIGN_KEY_BYTES, f"{where}, sign_key"),
        wrap_key=None if wrap_key is None else _raw(wrap_key, WRAP_KEY_BYTES, f"{where}, wrap_key"),
        made=check_time(body["made"], where=f"{where}, made"),
    )


def _raw(value: object, length: int, where: str) -> bytes:
    if not isinstance(value, str):
        raise FormatError("not base64", where=where, found=type(value).__name__)
    data = from_base64(value, where=where)
    if len(data) != length:
        raise FormatError(
            "a key of another length", where=where, expected=f"{length} bytes", found=f"{len(data)}"
        )
    return data
