"""Signing and checking log notes: both lines are needed, always."""

from __future__ import annotations

from collections.abc import Mapping

from custody.crypto import keys
from custody.errors import CheckFailed
from custody.format import note


class NoteInvalid(CheckFailed):
    """A log note is not signed by the log's keys in force."""


def sign(checkpoint: note.Checkpoint, log_keys: keys.LogKeys) -> note.LogNote:
    """The log note of a checkpoint."""
    public = log_keys.public
    ed25519 = log_keys.sign_ed25519(checkpoint.to_text().encode())
    ml_dsa = bytes(8) + log_keys.sign_ml_dsa(note.ml_dsa_message(checkpoint))
    return note.LogNote(
        checkpoint=checkpoint,
        ed25519=_line(checkpoint.origin, note.ED25519, public["ed25519"], ed25519),
        ml_dsa_44=_line(checkpoint.origin, note.ML_DSA_44, public["ml-dsa-44"], ml_dsa),
    )


def _line(origin: str, algorithm: int, public: bytes, signature: bytes) -> note.SignatureLine:
    return note.SignatureLine(name=origin, key_id=note.key_id(origin, algorithm, public), signature=signature)


def verify(
    log_note: note.LogNote, log_keys: Mapping[str, bytes], *, origin: str, where: str
) -> note.Checkpoint:
    """The note's checkpoint, once *every* key of the set in force has signed it, or NoteInvalid.

    ``log_keys`` are the raw public keys by algorithm. With one valid line enough, the post-quantum
    line could be stripped or the other forged: the pair would be as weak as its weaker half.
    """
    checkpoint = log_note.checkpoint
    if checkpoint.origin != origin:
        raise NoteInvalid("a note of another ledger", where=where, expected=origin, found=checkpoint.origin)
    if set(log_keys) != set(note.ALGORITHMS):
        raise NoteInvalid("the ledger names no full set of log keys", where=where)
    for algorithm, line in (("ed25519", log_note.ed25519), ("ml-dsa-44", log_note.ml_dsa_44)):
        expected = note.key_id(origin, note.ALGORITHMS[algorithm], log_keys[algorithm])
        if line.key_id != expected:
            raise NoteInvalid(f"the {algorithm} line is by a key that is not the log's", where=where)
    try:
        keys.verify(
            log_keys["ed25519"], log_note.ed25519.signature, checkpoint.to_text().encode(), where=where
        )
        if log_note.ml_dsa_44.signature[:8] != bytes(8):
            raise NoteInvalid("the ML-DSA-44 line states a time", where=where)
        message = note.ml_dsa_message(checkpoint)
        keys.verify_ml_dsa(log_keys["ml-dsa-44"], log_note.ml_dsa_44.signature[8:], message, where=where)
    except keys.SignatureInvalid as error:
        raise NoteInvalid(error.what, where=where) from error
    return checkpoint
