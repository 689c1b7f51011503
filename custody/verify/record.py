"""The record in a package: entries, their places, their signatures, their rights, their histories.

Entries are proven into one log note; the note is signed by keys that the ledger's own history names;
that history begins with the genesis, which the trust file or the twelve words confirm. So everything
hangs on one hash that somebody got through another channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from custody.crypto import envelopes, notes
from custody.errors import CheckFailed, CustodyError
from custody.format import entry as entries
from custody.format import envelope, names, package, proof
from custody.format.entry import Entry, NewerVersion
from custody.format.note import Checkpoint, LogNote
from custody.verify.bundle import Bundle
from custody.verify.report import Findings
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry that the package ships. ``body`` is None when it was made by a newer custody."""

    seq: int
    stored: bytes
    outer: envelope.Envelope
    body: Entry | None
    leaf: bytes

    @property
    def where(self) -> str:
        """How findings name it."""
        return f"entry {self.seq}" if self.body is None else f"entry {self.seq} ({self.body.kind})"


@dataclass(slots=True)
class Record:
    """What was read and proven of the record."""

    note: LogNote
    entries: dict[int, Placed] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    genesis_leaf: bytes | None = None
    newer: list[int] = field(default_factory=list)
    histories: dict[tuple[str, str], list[Placed]] = field(default_factory=dict)

    @property
    def checkpoint(self) -> Checkpoint:
        """The state that the package's log note describes."""
        return self.note.checkpoint

    def of_type(self, subject_type: str) -> dict[str, list[Placed]]:
        """Histories by id, of one type of subject."""
        return {
            identifier: items for (kind, identifier), items in self.histories.items() if kind == subject_type
        }


def read(bundle: Bundle, statement: package.Statement, findings: Findings) -> Record | None:
    """Read all entries and prove each into the package's note. None when there is nothing to go on."""
    name = f"{package.RECORD}log/{statement.size}.note"
    try:
        note = LogNote.from_bytes(bundle.read(name, 64 * 1024), where=name)
        paths = dict(proof.read_inclusion_lines(bundle.read(package.PROOFS, 2 << 30), where=package.PROOFS))
    except CustodyError as error:
        findings.error("note", error)
        return None
    record = Record(note=note)
    checkpoint = note.checkpoint
    facts = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    if facts != (statement.origin, statement.size, statement.root):
        findings.failed("note", "the log note is not the one that the exporter signed for", where=name)
    shipped = {int(match[1]) for match in map(package.ENTRY_NAME.fullmatch, bundle.names) if match}
    for seq in sorted(shipped | paths.keys()):
        if seq not in shipped:
            findings.failed("entries", "entry missing: there is a proof for it", where=f"entry {seq}")
        elif seq not in paths:
            findings.failed("entries", "an entry without a proof", where=f"entry {seq}")
        else:
            _place(bundle, record, seq, paths[seq], findings)
    _gather(record)
    return record


def _place(bundle: Bundle, record: Record, seq: int, path: tuple[bytes, ...], findings: Findings) -> None:
    where = f"entry {seq}"
    body: Entry | None = None
    try:
        stored = bundle.read(f"{package.RECORD}entries/{seq}.json", envelope.MAX_ENVELOPE)
        outer = envelope.from_bytes(stored, payload_type=envelope.ENTRY_TYPE, where=where)
        leaf, before = proof.check_inclusion(stored, seq, path, record.checkpoint)
        try:
            body = entries.read(stored, where=where)[0]
        except NewerVersion:
            record.newer.append(seq)
        if body is not None:
            if body.seq != seq:
                raise CheckFailed(
                    "an entry at another place than it says",
                    where=where,
                    expected=str(body.seq),
                    found=str(seq),
                )
            if body.ledger != record.checkpoint.origin:
                raise CheckFailed(
                    "an entry of another ledger",
                    where=where,
                    expected=record.checkpoint.origin,
                    found=body.ledger,
                )
            if body.root != before.hex():
                raise CheckFailed(
                    "the entry quotes another record before it",
                    where=where,
                    expected=before.hex(),
                    found=body.root,
                )
    except CustodyError as error:
        findings.error("entries", error)
        return
    record.entries[seq] = Placed(seq=seq, stored=stored, outer=outer, body=body, leaf=leaf)


def _gather(record: Record) -> None:
    for placed in record.entries.values():
        if placed.body is not None:
            subject = placed.body.subject
            record.histories.setdefault((subject.type, subject.id), []).append(placed)
    for history in record.histories.values():
        history.sort(key=lambda placed: placed.body.subject.n if placed.body else 0)


def check_histories(record: Record, findings: Findings) -> None:
    """Every history begins at 0, has every number once, and each entry names the one before."""
    for (kind, identifier), history in record.histories.items():
        label = f"{kind} {names.short(identifier)}"
        expected, previous = 0, None
        for placed in history:
            assert placed.body is not None
            subject = placed.body.subject
            if subject.n == expected - 1:
                findings.failed(
                    "histories",
                    "two entries under one number: a proof against who signed them",
                    where=f"{label}, number {subject.n}",
                )
                continue
            if subject.n != expected:
                findings.failed(
                    "histories",
                    "entries were left out of a history",
                    where=label,
                    expected=f"number {expected}",
                    found=f"number {subject.n}",
                )
            elif subject.prev != (None if previous is None else previous.hex()):
                findings.failed("histories", "an entry names another one before it", where=placed.where)
            expected, previous = subject.n + 1, placed.leaf
    if not findings.has_failed("histories"):
        count = len(record.histories)
        findings.passed("histories", f"no gap in the histories of {count} subjects, from their beginning")


def check_rights(record: Record, findings: Findings) -> None:
    """Replay the entries in order: who signed, whether he could, whether the table allows it."""
    rights = record.rights
    for seq in sorted(record.entries):
        placed = record.entries[seq]
        try:
            _check_one(record, placed, findings)
        except CustodyError as error:
            findings.error("signatures", error)
    if rights.origin is None:
        findings.failed("signatures", "the record's beginning is missing", where="entry 0")
    elif not findings.has_failed("signatures", "rights"):
        findings.passed(
            "signatures", f"all {len(record.entries)} entries are signed by custodians of the record"
        )
        findings.passed("rights", "every entry was made by somebody who had the right to at that place")


def _check_one(record: Record, placed: Placed, findings: Findings) -> None:
    rights, body = record.rights, placed.body
    if placed.seq == 0 and body is not None and body.kind in ("ledger.created", "ledger.continued"):
        record.genesis_leaf = placed.leaf
        body.check_kind(where=placed.where)
        rights.apply(body)
    signer = rights.custodians.get(placed.outer.key_id)
    if signer is None:
        raise CheckFailed(
            "signed by a key that the record does not name",
            where=placed.where,
            found=placed.outer.key_id[:16],
        )
    envelopes.verify(placed.outer, signer.sign_key, where=placed.where)
    if body is None or placed.seq == 0:
        return
    try:
        body.check_kind(where=placed.where)
    except NewerVersion:
        record.newer.append(placed.seq)
        return
    reason = rights.why_not(body)
    if reason is not None:
        findings.failed("rights", f"an entry that its maker had no right to: {reason}", where=placed.where)
        return
    rights.apply(body)


def check_note(record: Record, findings: Findings) -> None:
    """The package's note is signed by every log key that the record names."""
    try:
        notes.verify(record.note, record.rights.log_keys, origin=record.checkpoint.origin, where="log note")
    except CustodyError as error:
        findings.error("note", error)
    else:
        findings.passed("note", "the log note is signed by both log keys (Ed25519 and ML-DSA-44)")
        if not findings.has_failed("entries"):
            count, size = len(record.entries), record.checkpoint.size
            findings.passed("entries", f"{count} entries are proven to be in the record of {size} entries")


def check_signature(
    statement: package.Statement,
    signed: envelope.Envelope,
    record: Record,
    made: Placed | None,
    findings: Findings,
) -> None:
    """The statement is by who made the package, and about this package."""
    custodian = record.rights.custodians.get(signed.key_id)
    if custodian is None:
        findings.failed("statement", "signed by a key that the record does not name", where=package.STATEMENT)
        return
    try:
        envelopes.verify(signed, custodian.sign_key, where=package.STATEMENT)
    except CustodyError as error:
        findings.error("statement", error)
    if made is None or made.body is None:
        return
    if made.body.actor != signed.key_id:
        findings.failed(
            "statement",
            "signed by another custodian than the one who made the package",
            where=package.STATEMENT,
        )
    if (statement.package, statement.leaf) != (made.body.public["package"], made.leaf.hex()):
        findings.failed("statement", "about another package than this record's", where=package.STATEMENT)


def check_heads(
    record: Record, made: Placed, shown: Iterable[package.Row], shown_digest: str, findings: Findings
) -> None:
    """The histories of ledger, case and exhibits end exactly where `package.made` says that they stood."""
    assert made.body is not None
    public = made.body.public
    rows = list(shown)
    if shown_digest != public["shown"]:
        findings.failed(
            "histories", "the list of histories is not the one that was logged", where=package.SHOWN
        )
    heads: dict[str, Mapping[str, object]] = {row[1]: {"n": row[2], "leaf": row[3]} for row in rows}
    case = made.body.subject.id
    ledger = record.rights.ledger
    expected = {ledger: public["heads"]["ledger"], case: public["heads"]["case"]}
    for identifier, head in expected.items():
        if identifier is None or heads.get(identifier) != head:
            findings.failed(
                "histories", "the heads that were logged and those listed differ", where=package.SHOWN
            )
    for (kind, identifier), history in record.histories.items():
        if kind == "item":
            continue
        before = [placed for placed in history if placed is not made]
        last = before[-1] if before else None
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        if heads.get(identifier) != found:
            findings.failed(
                "histories",
                "a history does not end where it stood when the package was made: entries were left out",
                where=f"{kind} {names.short(identifier)}",
                expected=_number(heads.get(identifier)),
                found=_number(found),
            )
    for row in rows:
        if (row[0], row[1]) not in record.histories:
            findings.failed(
                "histories", "a history that is listed is not here", where=f"{row[0]} {names.short(row[1])}"
            )


def _number(head: Mapping[str, object] | None) -> str:
    return "nothing" if head is None else f"number {head['n']}"
