"""The histories that say who may do what: each whole, none hidden, and the rights that follow from them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from custody.errors import CheckFailed, InputRefused
from custody.format import entry as entries
from custody.format.names import id_bytes
from custody.ledger.store import Head, Last, Stored
from custody.ledger.volumes import Record
from custody.verify import replay
from custody.verify.rights import Rights

Histories = Mapping[str, Sequence[Stored]]
"""All entries about the ledger and about each case, by subject: what says who may do what."""


def histories_of(record: Record, cases: Sequence[str] = ()) -> Histories:
    """The histories of every volume's ledger and of ``cases``, each whole by itself and of the tree's entries."""
    ledgers = record.ledgers()
    record.check_count()
    found = {}
    for subject in dict.fromkeys((*ledgers, *cases)):
        history = record.whole_history(subject)
        if history:
            found[subject] = history
    return found


def rights_of(histories: Histories) -> Rights:
    """The rights after all entries of these histories, in the record's order.

    Every one of them is checked first: a row that somebody put into the file without a key must not
    say who may do what. Raises InputRefused for entries made by a newer custody.
    """
    rights = Rights()
    for item in sorted(
        (item for history in histories.values() for item in history), key=lambda item: item.position
    ):
        take_in(rights, item)
    return rights


def heads_of(histories: Histories, size: int | None = None) -> dict[str, Head]:
    """The last entry of each history, among the first ``size`` positions where that is said."""
    return {subject: Head(last.n, last.leaf) for subject, last in _ends(histories, size).items()}


def last_of(histories: Histories, size: int) -> dict[str, Last]:
    """The last entry of each history among the first ``size`` positions, with the origin of its volume."""
    ends = _ends(histories, size)
    return {subject: Last(end.stored.read().ledger, end.n, end.leaf) for subject, end in ends.items()}


@dataclass(frozen=True, slots=True)
class _End:
    stored: Stored
    n: int

    @property
    def leaf(self) -> bytes:
        return self.stored.leaf


def _ends(histories: Histories, size: int | None) -> dict[str, _End]:
    found = {}
    for subject, history in histories.items():
        before = [item for item in history if size is None or item.position < size]
        if before:
            # Numbers are counted anew in each volume.
            n = sum(item.base == before[-1].base for item in before) - 1
            found[subject] = _End(before[-1], n)
    return found


def heads_digest(heads: Mapping[str, Head]) -> str:
    """Hex SHA-256 over the heads in the order of their subjects: id (16 bytes), n (u64be), leaf (32) of each."""
    digest = hashlib.sha256()
    for subject in sorted(heads):
        head = heads[subject]
        digest.update(id_bytes(subject) + head.n.to_bytes(8, "big") + head.leaf)
    return digest.hexdigest()


def check_none_hidden(record: Record, histories: Histories, start: int) -> None:
    """Raise CheckFailed unless every entry from ``start`` on that is about the ledger or a case is in ``histories``.

    Histories are found by a column that nobody signs. Who may write the file can hide a history's *last*
    entry by changing it; in the middle the next one would tell. So the bodies are asked.
    """
    known = {item.position for history in histories.values() for item in history}
    for stored, leaf in record.entries_and_leaves(start):
        if stored.position in known:
            continue
        where = f"entry {stored.position}"
        if stored.leaf != leaf:
            raise CheckFailed("an entry is not the one that the tree has", where=where)
        if not _may_be_of_ledger_or_case(stored.envelope):
            continue
        try:
            body = stored.read()
        except entries.NewerVersion:
            continue  # `take_in` refuses those that are found; of others nothing is read
        if body.subject.type in ("ledger", "case"):
            raise CheckFailed("the table's columns are not what the entry says", where=where)


def check_all_there(record: Record, subjects: Collection[str]) -> None:
    """Raise CheckFailed unless every entry about ``subjects`` is found by its column. Reads all bodies, 13 µs each.

    An item's last entry that was hidden gives its number away again: what is exported then has no gap, and
    a reading of the evidence is not in it. So an export asks the bodies.
    """
    expected = {subject: len(record.history(subject)) for subject in subjects}
    found = dict.fromkeys(expected, 0)
    for stored, leaf in record.entries_and_leaves(0):
        where = f"entry {stored.position}"
        if stored.leaf != leaf:
            raise CheckFailed("an entry is not the one that the tree has", where=where)
        subject = _subject_of(stored)
        if subject in found:
            found[subject] += 1
            if found[subject] > expected[subject]:
                raise CheckFailed("the table's columns are not what the entry says", where=where)


_SUBJECT = b'"subject":{"id":"'


def _subject_of(stored: Stored) -> str | None:
    """The subject's id, out of the one spelling that a body has; None for a version that this custody can't read."""
    payload = _payload(stored.envelope) or b""
    at = payload.rfind(_SUBJECT)  # what stands behind it has no such field
    if at >= 0:
        return payload[at + len(_SUBJECT) :][:36].decode("ascii", "replace")
    try:
        return stored.read().subject.id
    except entries.NewerVersion:
        return None


_PAYLOAD = b'{"payload":"'


def _payload(envelope: bytes) -> bytes | None:
    if not envelope.startswith(_PAYLOAD):
        return None
    try:
        return base64.b64decode(envelope[len(_PAYLOAD) : envelope.index(b'"', len(_PAYLOAD))])
    except ValueError:
        return None


def _may_be_of_ledger_or_case(envelope: bytes) -> bool:
    """False only where a body can't be about the ledger or a case: a tenth of the time of reading it.

    An entry has one spelling, so a subject's type always stands in these bytes; elsewhere they may stand too.
    """
    payload = _payload(envelope)
    return payload is None or b'"type":"ledger"' in payload or b'"type":"case"' in payload


def take_in(rights: Rights, stored: Stored) -> entries.Subject | None:
    """Check an entry about the ledger or a case, and take it into account; other entries are passed over.

    Gives its subject, or None for an entry that was passed over.
    """
    where = f"entry {stored.position}"
    try:
        entry, outer = entries.read(stored.envelope, where=where)
        if entry.subject.type in ("ledger", "case"):
            replay.admit(rights, entry, outer, where=where)
            return entry.subject
        return None
    except entries.NewerVersion as error:
        # It may have taken a right away, or ordered something kept: not knowing is no reason to go on.
        raise InputRefused(
            "this locker has entries made by a newer custody", where=where, hint="install the newer custody"
        ) from error
