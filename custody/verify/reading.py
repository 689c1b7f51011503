"""Reading the record of a package: each entry is proven into the note, judged, and cut to what is needed.

Entry by entry, in the order of their numbers: who may sign at a place follows from the entries before it,
and a package of a million hostile entries must not cost the memory of all that stands in them.
"""

from __future__ import annotations

from dataclasses import replace

from custody.errors import CheckFailed, CustodyError
from custody.format import entry as entries
from custody.format import envelope, kinds, package, proof, shape
from custody.format.entry import Entry, NewerVersion
from custody.format.envelope import Envelope
from custody.format.note import LogNote
from custody.verify import signers
from custody.verify.bundle import LINE_OF_PROOFS, Bundle
from custody.verify.record import Placed, Record, can_begin, moment
from custody.verify.report import Findings

_LARGE = 4096
"""Entries that custody writes are smaller, but for lists of many keys; only what is larger is worth cutting."""


def read(bundle: Bundle, statement: package.Statement, findings: Findings) -> Record | None:
    """Read all entries, prove each into the package's note, judge it. None when there is nothing to go on.

    Stops at an entry 0 with which this version can't begin, see `can_begin`: nothing else can be judged.
    """
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
    signers.conclude(record, findings)
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
        if seq == 0 and seq in record.entries and not can_begin(record.entries[seq]):
            return
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
            body = entries.body_of(outer, where=where)
        except NewerVersion:
            record.newer.append(seq)
        else:
            _check_place(body, seq, before, record, where)
    except CustodyError as error:
        findings.error("entries", error)
        return
    placed = Placed(seq=seq, key_id=outer.key_id, body=body, leaf=leaf)
    signers.judge(record, placed, outer, findings)
    record.entries[seq] = placed if body is None else replace(placed, body=_needed(record, body, outer))


def _check_place(body: Entry, seq: int, before: bytes, record: Record, where: str) -> None:
    origin = record.checkpoint.origin
    for what, expected, found in (
        ("an entry at another place than it says", str(body.seq), str(seq)),
        ("an entry of another ledger", origin, body.ledger),
        ("the entry quotes another record before it", before.hex(), body.root),
    ):
        if expected != found:
            raise CheckFailed(what, where=where, expected=expected, found=found)
    moment(body.time.wall, where)


def _needed(record: Record, body: Entry, outer: Envelope) -> Entry:
    """The entry without what nothing reads later: 64 KiB of hostile JSON take twenty times that when parsed."""
    if body.seq in record.unsound or not kinds.known(body.kind):
        return replace(body, public={}, approvals=())
    if body.seq in record.newer[-1:] or len(outer.payload) > _LARGE:
        return replace(body, public=shape.known_part(body.public, kinds.KINDS[body.kind].public))
    return body


def _gather(record: Record) -> None:
    for placed in record.entries.values():
        if placed.body is not None:
            subject = placed.body.subject
            record.histories.setdefault((subject.type, subject.id), []).append(placed)
    for history in record.histories.values():
        history.sort(key=lambda placed: placed.body.subject.n if placed.body else 0)
