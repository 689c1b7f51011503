"""Who signed, and whether he could: every entry, the log note, and the exporter's statement."""

from __future__ import annotations

from custody.crypto import envelopes, notes
from custody.errors import CustodyError
from custody.format import package
from custody.format.entry import NewerVersion
from custody.format.envelope import Envelope
from custody.format.text import check_time
from custody.verify import replay
from custody.verify.record import Placed, Record
from custody.verify.report import Findings


def judge(record: Record, placed: Placed, outer: Envelope, findings: Findings) -> None:
    """Who signed the next entry, whether he could at that place, whether the table allows it.

    What it says of rights counts from the next entry on. A fault makes the entry *unsound*.
    """
    try:
        _judge(record, placed, outer, findings)
    except CustodyError as error:
        record.unsound.add(placed.seq)
        findings.error("signatures", error)


def conclude(record: Record, findings: Findings) -> None:
    """Say that all entries are signed and allowed, once each was judged."""
    if record.rights.origin is None:
        findings.failed("signatures", "the record's beginning is missing", where="entry 0")
    elif not findings.has_failed("signatures", "rights", "entries"):
        findings.passed(
            "signatures", f"all {len(record.entries)} entries are signed by custodians of the record"
        )
        known = len(record.entries) - len(set(record.newer))
        findings.passed("rights", f"{known} entries were made by somebody who had the right to at that place")


def _judge(record: Record, placed: Placed, outer: Envelope, findings: Findings) -> None:
    rights, body = record.rights, placed.body
    first = body is not None and body.seq == 0
    if first:
        record.beginnings[placed.volume] = placed.leaf
    if first and body is not None and not rights.custodians:
        # The genesis names the key that signs it: it is confirmed by its own hash, from outside.
        body.check_kind(where=placed.where)
        rights.apply(body)
    replay.check_signature(rights, outer, where=placed.where)
    if body is None or placed.seq == 0:
        return
    newer: list[str] = []
    try:
        body.check_kind(where=placed.where, newer=newer)
    except NewerVersion:
        record.newer.append(placed.seq)
        return
    if newer:
        record.newer.append(placed.seq)
    if body.kind == "custodian.compromised":
        check_time(body.public["since"], where=placed.where)
    reason = rights.why_not(body)
    if reason is None and body.kind != "ledger.continued" and body.ledger != rights.origin:
        reason = "its volume does not go on from the one before"
    if reason is not None:
        record.unsound.add(placed.seq)
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
        record.note_holds = not findings.has_failed("note")
        if record.note_holds:
            findings.passed("note", "the log note is signed by both log keys (Ed25519 and ML-DSA-44)")
        if not findings.has_failed("entries"):
            count, size = len(record.entries), record.size
            findings.passed("entries", f"{count} entries are proven to be in the record of {size} entries")


def check_statement(
    statement: package.Statement,
    signed: Envelope,
    record: Record,
    made: Placed | None,
    files: int,
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
    if made is None or made.body is None or made.seq in record.unsound:
        return
    if made.body.actor != signed.key_id:
        findings.failed(
            "statement",
            "signed by another custodian than the one who made the package",
            where=package.STATEMENT,
        )
    if (statement.package, statement.leaf) != (made.body.public["package"], made.leaf.hex()):
        findings.failed("statement", "about another package than this record's", where=package.STATEMENT)
    if not findings.has_failed("statement"):
        findings.passed("statement", f"the exporter signed for exactly these {files} files")
