"""Replaying entries: nothing is believed of one whose signature, fields and rights were not checked first.

One function for the desk, for `check` and for the verifier, so that none of them can be told by an
unsigned row who may do what, or to whom keys are wrapped.
"""

from __future__ import annotations

from custody.crypto import envelopes
from custody.errors import CheckFailed
from custody.format.entry import Entry
from custody.format.envelope import Envelope
from custody.verify.rights import Custodian, Rights


def admit(rights: Rights, entry: Entry, outer: Envelope | None, *, where: str) -> None:
    """Check an entry against the rights so far, then take it into account.

    Raises CheckFailed (signature, rights, contradiction), FormatError (fields) or NewerVersion, each
    before anything of the entry is believed; a newer entry's signature was checked all the same.
    """
    if outer is not None and not rights.custodians and entry.kind == "ledger.created":
        # The genesis names the key that signs it: it is confirmed by its own hash, from outside.
        entry.check_kind(where=where)
        rights.apply(entry)
        check_signature(rights, outer, where=where)
        return
    if not rights.custodians and entry.kind == "ledger.continued":
        raise CheckFailed("the volume that the record goes on from is missing", where=where)
    hold(rights, entry, outer, where=where)
    rights.apply(entry)


def hold(rights: Rights, entry: Entry, outer: Envelope | None, *, where: str) -> None:
    """The checks of `admit`, for entries that change no rights.

    Without its envelope an entry is one whose signature, under its actor's key, and whose fields the caller has
    found to hold; whether that key is one of the record's at this place is looked at all the same.
    """
    if outer is None:
        _signer(rights, entry.actor, where)
    else:
        check_signature(rights, outer, where=where)
        entry.check_kind(where=where)
    reason = rights.why_not(entry)
    if reason is not None:
        raise CheckFailed(f"an entry that its maker had no right to: {reason}", where=where)


def check_signature(rights: Rights, outer: Envelope, *, where: str) -> None:
    """Raise unless a custodian of the record signed the envelope."""
    envelopes.verify(outer, _signer(rights, outer.key_id, where).sign_key, where=where)


def _signer(rights: Rights, key_id: str, where: str) -> Custodian:
    signer = rights.custodians.get(key_id)
    if signer is None:
        raise CheckFailed("signed by a key that the record does not name", where=where, found=key_id[:16])
    return signer
