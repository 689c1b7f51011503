"""Log notes: a checkpoint and the log's two signature lines, as C2SP signed-note lays them out.

::

    custody/aebagbafaydqqcikbmga2dqpca
    412
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — custody/aebagbafaydqqcikbmga2dqpca <base64: key id, Ed25519 signature>
    — custody/aebagbafaydqqcikbmga2dqpca <base64: key id, u64be 0, ML-DSA-44 signature>

Exactly this order, stored once, never signed again: a token covers these bytes (docs/format/note.md).
Signature types: 0x01 Ed25519 over the text (signed-note), 0x06 ML-DSA-44 over the message of
tlog-cosignature. This module handles bytes; `custody.crypto.notes` signs and checks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from custody.errors import FormatError
from custody.format import names
from custody.format.text import from_base64, show, to_base64

ED25519 = 0x01
ML_DSA_44 = 0x06
ALGORITHMS = {"ed25519": ED25519, "ml-dsa-44": ML_DSA_44}
KEY_BYTES = {"ed25519": 32, "ml-dsa-44": 1312}
SIGNATURE_BYTES = {ED25519: 64, ML_DSA_44: 8 + 2420}
MAX_NOTE = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a ledger: its origin, its size and its Merkle root (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Three lines, each ended by a newline."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def from_text(cls, text: str, *, where: str) -> Checkpoint:
        """The checkpoint of exactly three lines, or FormatError. Extension lines are refused."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] != "":
            raise FormatError(
                "not a checkpoint", where=where, expected="three lines, each ended by a newline"
            )
        origin = names.check_origin(lines[0], where=f"{where}, line 1")
        size = parse_size(lines[1], where=f"{where}, line 2")
        root = from_base64(lines[2], where=f"{where}, line 3")
        if len(root) != 32:
            raise FormatError(
                "not a root", where=f"{where}, line 3", expected="32 bytes", found=f"{len(root)}"
            )
        return cls(origin=origin, size=size, root=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One signature line: the type and key id that it claims, and the signature bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def to_text(self) -> str:
        """The line, ended by a newline."""
        return f"— {self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNote:
    """A checkpoint with its Ed25519 line and its ML-DSA-44 line."""

    checkpoint: Checkpoint
    ed25519: SignatureLine
    ml_dsa_44: SignatureLine

    def to_bytes(self) -> bytes:
        """The bytes that are stored, shown and timestamped."""
        text = self.checkpoint.to_text() + "\n" + self.ed25519.to_text() + self.ml_dsa_44.to_text()
        return text.encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> LogNote:
        """The note in its one spelling, or FormatError. Signatures are not checked here."""
        if len(data) > MAX_NOTE:
            raise FormatError("a log note too long", where=where, found=f"{len(data)} bytes")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("not UTF-8", where=where) from error
        head, blank, tail = text.partition("\n\n")
        if not blank:
            raise FormatError("a log note without signatures", where=where)
        checkpoint = Checkpoint.from_text(head + "\n", where=where)
        lines = tail.split("\n")
        if len(lines) != 3 or lines[2] != "":
            raise FormatError(
                "not the signature lines of a log note",
                where=where,
                expected="one Ed25519 line, then one ML-DSA-44 line",
                found=f"{len(lines) - 1} lines",
            )
        first = _signature_line(lines[0], ED25519, where=f"{where}, line 5")
        second = _signature_line(lines[1], ML_DSA_44, where=f"{where}, line 6")
        note = cls(checkpoint=checkpoint, ed25519=first, ml_dsa_44=second)
        for line in (first, second):
            if line.name != checkpoint.origin:
                raise FormatError("a signature line of another name", where=where, found=show(line.name, 60))
        return note

    @property
    def sha256(self) -> str:
        """What `checkpoint.timestamped` quotes: lower-case hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def _signature_line(line: str, algorithm: int, *, where: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not parts[1]:
        raise FormatError("not a signature line", where=where, found=show(line, 40))
    raw = from_base64(parts[2], where=where)
    expected = 4 + SIGNATURE_BYTES[algorithm]
    if len(raw) != expected:
        raise FormatError(
            "a signature of another length", where=where, expected=f"{expected} bytes", found=f"{len(raw)}"
        )
    return SignatureLine(name=parts[1], key_id=raw[:4], signature=raw[4:])


def parse_size(text: str, *, where: str) -> int:
    """A plain decimal number in its one spelling."""
    # int() would also take "042", "+42", "4_2" and other alphabets' digits: one size, one spelling.
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or (text[0] == "0" and text != "0"):
        raise FormatError("not a plain decimal number", where=where, found=show(text, 24))
    return int(text)


def key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The four bytes that tell a line's key: SHA-256 of name, newline, type and key (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:4]


def ml_dsa_message(checkpoint: Checkpoint) -> bytes:
    """What the ML-DSA-44 line signs: the cosigned message of C2SP tlog-cosignature, timestamp 0.

    The log states no time in its own line: a device clock proves nothing, tokens do.
    """
    name = checkpoint.origin.encode()
    framed = bytes([len(name)]) + name
    return (
        b"subtree/v1\n\0"
        + framed
        + bytes(8)
        + framed
        + bytes(8)
        + checkpoint.size.to_bytes(8, "big")
        + checkpoint.root
    )
