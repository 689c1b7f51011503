"""Reading the record of a package: each entry is proven into the note, judged, and cut to what is needed.

Entry by entry, in the order of their numbers: who may sign at a place follows from the entries before it,
and a package of a million hostile entries must not cost the memory of all that stands in them.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from custody.errors import CheckFailed, CustodyError
from custody.format import entry as entries
from custody.format import envelope, kinds, package, proof, shape
from custody.format.entry import Entry, NewerVersion
from custody.format.envelope import Envelope
from custody.format.note import Checkpoint, LogNote
from custody.verify import signers
from custody.verify.bundle import LINE_OF_PROOFS, Bundle
from custody.verify.record import Placed, Record, Volume, can_begin
from custody.verify.report import Findings

_LARGE = 4096
"""Entries that custody writes are smaller, but for lists of many keys; only what is larger is worth cutting."""


def read(bundle: Bundle, statement: package.Statement, findings: Findings) -> Record | None:
    """Read all entries, prove each into its volume's state, judge it. None when there is nothing to go on.

    Stops at an entry 0 with which this version can't begin, see `can_begin`: nothing else can be judged. Raises
    NewerVersion where even the number of its volumes can't be told.
    """
    name = f"{package.RECORD}log/{statement.size}.note"
    try:
        note = LogNote.from_bytes(bundle.read(name, 64 * 1024), where=name)
    except CustodyError as error:
        findings.error("note", error)
        return None
    checkpoint = note.checkpoint
    facts = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    if facts != (statement.origin, statement.size, statement.root):
        findings.failed("note", "the log note is not the one that the exporter signed for", where=name)
    try:
        record = Record(note=note, volumes=volumes_of(bundle, checkpoint))
        for volume in record.volumes:
            if not _place_all(bundle, record, volume, findings):
                return record
    except NewerVersion:
        raise
    except CustodyError as error:
        findings.error("entries", error)
        return None
    _gather(record)
    signers.conclude(record, findings)
    return record


def volumes_of(bundle: Bundle, newest: Checkpoint) -> tuple[Volume, ...]:
    """The volumes that are here, oldest first. What a closed one's state is, its successor's entry 0 says.

    That entry is judged later like any other; if it lied, nothing would be proven by it.
    """
    closed = {match[1] for match in map(package.PROOFS_NAME.fullmatch, bundle.names) if match} - {
        package.RECORD
    }
    folders = [package.volume_folder(number) for number in range(1, len(closed) + 1)]
    if closed != set(folders):
        raise CheckFailed("a volume is missing", where=package.RECORD, expected=", ".join(folders))
    folders.append(package.RECORD)
    states = [newest]
    for number in range(len(folders), 1, -1):
        name = f"{folders[number - 1]}entries/0.json"
        outer = envelope.from_bytes(
            bundle.read(name, envelope.MAX_ENVELOPE), payload_type=envelope.ENTRY_TYPE, where=name
        )
        body = entries.body_of(outer, where=name)
        if body.kind != "ledger.continued":
            raise CheckFailed("a volume that does not go on from the one before it", where=name)
        body.check_kind(where=name, newer=[])
        before = body.public["predecessor"]
        if before is None:
            raise CheckFailed("a volume that names no other before it", where=name)
        states.append(
            Checkpoint(origin=before["origin"], size=before["size"], root=bytes.fromhex(before["root"]))
        )
    states.reverse()
    bases = [0, *itertools.accumulate(state.size for state in states)]
    return tuple(
        Volume(number=number, folder=folder, base=base, checkpoint=state)
        for number, (folder, base, state) in enumerate(zip(folders, bases, states, strict=False), 1)
    )


def _place_all(bundle: Bundle, record: Record, volume: Volume, findings: Findings) -> bool:
    """A volume's entries and proofs side by side, both in the order of their numbers; no proof is kept.

    False when the volume begins in a way that this version does not know.
    """
    several = len(record.volumes) > 1
    shipped = sorted(int(match[2]) for _, match in volume.files(bundle, package.ENTRY_NAME))
    at = 0
    proofs = f"{volume.folder}proofs.jsonl"
    for seq, path in proof.read_inclusion_lines(bundle.lines(proofs, LINE_OF_PROOFS), where=proofs):
        where = volume.entry(seq, several=several)
        while at < len(shipped) and shipped[at] < seq:
            findings.failed(
                "entries", "an entry without a proof", where=volume.entry(shipped[at], several=several)
            )
            at += 1
        if at == len(shipped) or shipped[at] != seq:
            findings.failed("entries", "entry missing: there is a proof for it", where=where)
            continue
        at += 1
        _place(bundle, record, volume, seq, path, where, findings)
        begun = record.entries.get(volume.base)
        if seq == 0 and begun is not None and not can_begin(begun):
            return False
    for seq in shipped[at:]:
        findings.failed("entries", "an entry without a proof", where=volume.entry(seq, several=several))
    return True


def _place(
    bundle: Bundle,
    record: Record,
    volume: Volume,
    seq: int,
    path: tuple[bytes, ...],
    where: str,
    findings: Findings,
) -> None:
    body: Entry | None = None
    position = volume.base + seq
    try:
        stored = bundle.read(f"{volume.folder}entries/{seq}.json", envelope.MAX_ENVELOPE)
        outer = envelope.from_bytes(stored, payload_type=envelope.ENTRY_TYPE, where=where)
        leaf, before = proof.check_inclusion(stored, seq, path, volume.checkpoint)
        try:
            body = entries.body_of(outer, where=where)
        except NewerVersion:
            record.newer.append(position)
        else:
            _check_place(body, seq, before, volume, where)
    except CustodyError as error:
        findings.error("entries", error)
        return
    placed = Placed(seq=position, volume=volume.number, name=where, key_id=outer.key_id, body=body, leaf=leaf)
    signers.judge(record, placed, outer, findings)
    record.entries[position] = (
        placed if body is None else replace(placed, body=_needed(record, position, body, outer))
    )


def _check_place(body: Entry, seq: int, before: bytes, volume: Volume, where: str) -> None:
    origin = volume.checkpoint.origin
    for what, expected, found in (
        ("an entry at another place than it says", str(body.seq), str(seq)),
        ("an entry of another ledger", origin, body.ledger),
        ("the entry quotes another record before it", before.hex(), body.root),
    ):
        if expected != found:
            raise CheckFailed(what, where=where, expected=expected, found=found)


def _needed(record: Record, position: int, body: Entry, outer: Envelope) -> Entry:
    """The entry without what nothing reads later: 64 KiB of hostile JSON take twenty times that when parsed."""
    if position in record.unsound or not kinds.known(body.kind):
        return replace(body, public={}, approvals=())
    if position in record.newer[-1:] or len(outer.payload) > _LARGE:
        return replace(body, public=shape.known_part(body.public, kinds.KINDS[body.kind].public))
    return body


def _gather(record: Record) -> None:
    for placed in record.entries.values():
        if placed.body is not None:
            subject = placed.body.subject
            record.histories.setdefault((subject.type, subject.id), []).append(placed)
    for history in record.histories.values():
        history.sort(key=lambda placed: (placed.volume, placed.body.subject.n if placed.body else 0))
