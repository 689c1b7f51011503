"""The record in a package: entries, their places, their signatures, their rights, their histories.

Entries are proven into one log note; the note is signed by keys that the ledger's own history names;
that history begins with the genesis, which the trust file or the twelve words confirm. So everything
hangs on one hash that somebody got through another channel.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from custody.crypto import envelopes, notes
from custody.errors import CheckFailed, CustodyError, FormatError
from custody.format import entry as entries
from custody.format import envelope, names, package, proof
from custody.format.entry import Entry, NewerVersion
from custody.format.note import Checkpoint, LogNote
from custody.format.text import check_time, show
from custody.verify.bundle import LINE_OF_PROOFS, Bundle
from custody.verify.report import Findings
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry that the package ships; its bytes are not kept. ``body`` is None when it was made by a newer custody."""

    seq: int
    outer: envelope.Envelope
    body: Entry | None
    leaf: bytes

    @property
    def where(self) -> str:
        """How findings name it."""
        return f"entry {self.seq}" if self.body is None else f"entry {self.seq} ({show(self.body.kind, 60)})"


@dataclass(slots=True)
class Record:
    """What was read and proven of the record."""

    note: LogNote
    entries: dict[int, Placed] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    genesis_leaf: bytes | None = None
    newer: list[int] = field(default_factory=list)
    histories: dict[tuple[str, str], list[Placed]] = field(default_factory=dict)
    note_holds: bool = False
    """True once the package's note is signed by both log keys and is the one of the statement."""
    unsound: set[int] = field(default_factory=set)
    """Entries that failed: what they say is used for nothing, and may not even have the shape of their kind."""

    def sound(self, kind: str, history: Iterable[Placed]) -> Iterator[tuple[Placed, Entry]]:
        """The entries of one kind that hold, so that their public fields are as the table has them."""
        for placed in history:
            body = placed.body
            if body is not None and body.kind == kind and placed.seq not in self.unsound:
                yield placed, body

    @property
    def checkpoint(self) -> Checkpoint:
        """The state that the package's log note describes."""
        return self.note.checkpoint

    def of_type(self, subject_type: str) -> dict[str, list[Placed]]:
        """Histories by id, of one type of subject."""
        return {
            identifier: items for (kind, identifier), items in self.histories.items() if kind == subject_type
        }


def moment(text: str, where: str) -> dt.datetime:
    """The time that an entry states; FormatError for one that no clock can show, such as 30 February."""
    try:
        return dt.datetime.strptime(check_time(text, where=where), "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=dt.UTC
        )
    except ValueError as error:
        raise FormatError("not a UTC time", where=where, found=show(text, 60)) from error


def read(bundle: Bundle, statement: package.Statement, findings: Findings) -> Record | None:
    """Read all entries and prove each into the package's note. None when there is nothing to go on."""
    name = f"{package.RECORD}log/{statement.size}.note"
    try:
        note = LogNote.from_bytes(bundle.read(name, 64 * 1024), where=name)
    except CustodyError as error:
        findings.error("note", error)
        return None
    record = Record(note=note)
    checkpoint = note.checkpoint
    facts = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    if facts != (statement.origin, statement.size, statement.root):
        findings.failed("note", "the log note is not the one that the exporter signed for", where=name)
    try:
        _place_all(bundle, record, findings)
    except CustodyError as error:
        findings.error("entries", error)
        return None
    _gather(record)
    return record


def _place_all(bundle: Bundle, record: Record, findings: Findings) -> None:
    """Entries and proofs side by side, both in the order of their numbers; no proof is kept."""
    shipped = sorted(int(match[1]) for match in map(package.ENTRY_NAME.fullmatch, bundle.names) if match)
    at = 0
    lines = bundle.lines(package.PROOFS, LINE_OF_PROOFS)
    for seq, path in proof.read_inclusion_lines(lines, where=package.PROOFS):
        while at < len(shipped) and shipped[at] < seq:
            findings.failed("entries", "an entry without a proof", where=f"entry {shipped[at]}")
            at += 1
        if at == len(shipped) or shipped[at] != seq:
            findings.failed("entries", "entry missing: there is a proof for it", where=f"entry {seq}")
            continue
        at += 1
        _place(bundle, record, seq, path, findings)
    for seq in shipped[at:]:
        findings.failed("entries", "an entry without a proof", where=f"entry {seq}")


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
            moment(body.time.wall, where)
    except CustodyError as error:
        findings.error("entries", error)
        return
    record.entries[seq] = Placed(seq=seq, outer=outer, body=body, leaf=leaf)


def _gather(record: Record) -> None:
    for placed in record.entries.values():
        if placed.body is not None:
            subject = placed.body.subject
            record.histories.setdefault((subject.type, subject.id), []).append(placed)
    for history in record.histories.values():
        history.sort(key=lambda placed: placed.body.subject.n if placed.body else 0)


def _unread(record: Record) -> frozenset[str]:
    """Leaves of entries in a version that this custody can't read: what they are about is not known."""
    return frozenset(placed.leaf.hex() for placed in record.entries.values() if placed.body is None)


def check_histories(record: Record, findings: Findings) -> None:
    """Every history begins at 0, has every number once, and each entry names the one before."""
    unread = _unread(record)
    for (kind, identifier), history in record.histories.items():
        if kind == "ledger" and identifier != record.rights.ledger:
            findings.failed(
                "histories", "an entry about another ledger than the record's own", where=history[0].where
            )
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
            if expected < subject.n <= expected + len(unread) and subject.prev in unread:
                findings.not_checked(
                    "histories", "a history goes through entries made by a newer custody", where=label
                )
            elif subject.n != expected:
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


def conclude_histories(record: Record, findings: Findings) -> None:
    """Say that no history has a gap, once beginnings, gaps and ends were all looked at."""
    if not findings.has_failed("histories", "entries"):
        count = len(record.histories)
        findings.passed("histories", f"no gap in the histories of {count} subjects, from beginning to end")


def check_rights(record: Record, findings: Findings) -> None:
    """Replay the entries in order: who signed, whether he could, whether the table allows it."""
    rights = record.rights
    for seq in sorted(record.entries):
        placed = record.entries[seq]
        try:
            _check_one(record, placed, findings)
        except CustodyError as error:
            record.unsound.add(seq)
            findings.error("signatures", error)
    if rights.origin is None:
        findings.failed("signatures", "the record's beginning is missing", where="entry 0")
    elif not findings.has_failed("signatures", "rights", "entries"):
        findings.passed(
            "signatures", f"all {len(record.entries)} entries are signed by custodians of the record"
        )
        known = len(record.entries) - len(set(record.newer))
        findings.passed("rights", f"{known} entries were made by somebody who had the right to at that place")


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
    newer: list[str] = []
    try:
        body.check_kind(where=placed.where, newer=newer)
    except NewerVersion:
        record.newer.append(placed.seq)
        return
    if newer:
        record.newer.append(placed.seq)
    if body.kind == "custodian.compromised":
        moment(body.public["since"], placed.where)
    reason = rights.why_not(body)
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
            count, size = len(record.entries), record.checkpoint.size
            findings.passed("entries", f"{count} entries are proven to be in the record of {size} entries")


def check_signature(
    statement: package.Statement,
    signed: envelope.Envelope,
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
    unread = _unread(record)
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
        head = heads.get(identifier)
        if head is not None and head["leaf"] in unread:
            findings.not_checked(
                "histories",
                "a history ends with an entry made by a newer custody",
                where=f"{kind} {names.short(identifier)}",
            )
            continue
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        if head != found:
            findings.failed(
                "histories",
                "a history does not end where it stood when the package was made: entries were left out",
                where=f"{kind} {names.short(identifier)}",
                expected=_number(head),
                found=_number(found),
            )
    for row in rows:
        if (row[0], row[1]) not in record.histories:
            findings.failed(
                "histories", "a history that is listed is not here", where=f"{row[0]} {names.short(row[1])}"
            )


def check_earlier_packages(record: Record, made: Placed, findings: Findings) -> None:
    """What each package of the case said of the ledger's and the case's history is what they show now.

    Who makes a package with a changed program can state a head that is not the newest, and no reader of
    that package alone can tell. The next package shows both: it is a proof against who signed the first.
    """
    assert made.body is not None
    ledger = list(record.histories.get(("ledger", record.rights.ledger or ""), ()))
    seqs = [placed.seq for placed in ledger]
    history = record.histories.get(("case", made.body.subject.id), ())
    for placed, body in record.sound("package.made", history):
        before = bisect.bisect_left(seqs, placed.seq) - 1
        stated = body.public["heads"]
        last = ledger[before] if before >= 0 else None
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        own = {"n": body.subject.n - 1, "leaf": body.subject.prev}
        if stated["case"] != own or (stated["ledger"] != found and not record.newer):
            findings.failed(
                "histories",
                "a package was made as if entries before it were not there: a proof against who signed it",
                where=placed.where,
            )


def _number(head: Mapping[str, object] | None) -> str:
    return "nothing" if head is None else f"number {head['n']}"
