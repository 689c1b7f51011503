"""Paper as a witness: what is printed of the record's state, and what it proves when it is typed back.

A checkpoint in a dated letter or a newspaper can't be changed afterwards by anybody, the makers of
the record included. Whoever types it back learns whether a package or a locker continues that very
state: then nothing before it was changed, removed or put into another order since the paper's date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from custody.anchor import paper
from custody.errors import CheckFailed, CustodyError, FormatError, InputRefused, NoRight
from custody.format import entry as entries
from custody.format import merkle, package, proof, words
from custody.format.envelope import MAX_ENVELOPE
from custody.format.note import Checkpoint, LogNote
from custody.ledger.store import View
from custody.procedure.locker import Desk, Locker
from custody.procedure.seal import Sealed, seal
from custody.verify.bundle import Bundle, read_statement
from custody.verify.package import verify
from custody.verify.reading import volumes_of
from custody.verify.record import Volume
from custody.verify.report import Report

SAME = "same"
CONTINUES = "continues"
OLDER = "older"
NO_PROOF = "no proof"
CONTRADICTS = "contradicts"
ANOTHER = "another record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A checkpoint to print: its lines, the twelve words of the record, and how many entries came since."""

    checkpoint: Checkpoint
    lines: tuple[str, ...]
    fingerprint: tuple[str, ...]
    newer: int
    sealed: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a typed checkpoint says of a package or a locker.

    ``outcome`` is one of the words above; ``size``: how many entries there are now. ``covered`` and
    ``later``: labels of a package's items whose first entries stand before and behind the paper.
    """

    typed: Checkpoint
    outcome: str
    size: int
    covered: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    report: Report | None = None

    @property
    def holds(self) -> bool | None:
        """True when the paper's state is in this record, False when it is not, None when nothing says."""
        if self.outcome in (SAME, CONTINUES):
            return True
        return None if self.outcome in (OLDER, NO_PROOF) else False


def print_newest(desk: Desk, *, renew: bool = False, timeout: float = 15.0) -> Printed:
    """Seal what is not sealed, and give the newest log note's essentials. Remembered as issued.

    Who has no right to seal gets the newest note that there is; NoRight when there is none.
    """
    done = seal(desk, renew=renew, timeout=timeout)
    note = done.note
    if note is None:
        with desk.locker.ledger.reading() as view:
            newest = view.newest_note()
        if newest is None:
            raise NoRight(
                "nothing of this record was sealed yet, and your key has no right to seal",
                hint="ask a custodian who has it to run: custody seal --paper",
            )
        note = LogNote.from_bytes(newest[1], where=f"note {newest[0]}")
    with desk.write() as writer:
        # From now on somebody outside may hold it: later packages prove that they continue it.
        writer.append.add_issued(note.checkpoint.size)
    with desk.locker.ledger.reading() as view:
        newer = view.size - note.checkpoint.size
    return Printed(
        checkpoint=note.checkpoint,
        lines=paper.lines(note.checkpoint),
        fingerprint=words.encode(desk.locker.genesis_leaf[:16]),
        newer=newer,
        sealed=done,
    )


def read(text: str, *, where: str) -> Checkpoint:
    """The checkpoint that somebody typed, or FormatError naming the line that is off."""
    return paper.read(text, where=where)


def compare_locker(locker: Locker, typed: Checkpoint) -> Compared:
    """Hold a typed checkpoint against a locker's own record, over all its volumes. Opens and logs nothing."""
    with locker.record() as record:
        size = record.size
        known = [(volume.origin, view) for volume, view in record.closed] + [(locker.origin, record.newest)]
        view = next((view for origin, view in known if origin == typed.origin), None)
        root = _root_of(view, typed.size) if view is not None and typed.size <= view.size else None
        newest = view is record.newest
    if view is None:
        outcome = ANOTHER
    elif root is None:
        # The record only grows: one that is shorter than what was printed lost entries, or is an old copy.
        outcome = OLDER
    elif root != typed.root:
        outcome = CONTRADICTS
    else:
        outcome = SAME if newest and record.base + typed.size == size else CONTINUES
    return Compared(typed=typed, outcome=outcome, size=size)


def _root_of(view: View, size: int) -> bytes:
    """The root of the first entries as they stand now. Not the stored tree: who changes entries can leave that."""
    peaks: list[bytes] = []
    count = 0
    for stored in view.entries(0, size):
        if stored.seq != count:
            break
        merkle.push(peaks, count, stored.leaf)
        count += 1
    return merkle.fold_peaks(peaks) if count == size else b""


def compare_package(
    file: BinaryIO, typed: Checkpoint, *, now: dt.datetime | None = None, where: str
) -> Compared:
    """Verify a package, then hold a typed checkpoint against its record.

    Raises InputRefused for what can't be read, CheckFailed for a package that does not match: what its
    record says is then worth nothing.
    """
    report = verify(file, now=now)
    if report.unreadable is not None:
        raise InputRefused(report.unreadable, where=where)
    if not report.intact:
        raise CheckFailed(
            "the package does not match, so it is compared with nothing",
            where=where,
            hint="custody verify shows what differs",
        )
    bundle = Bundle(file)
    statement, _ = read_statement(bundle)
    newest = Checkpoint(origin=statement.origin, size=statement.size, root=bytes.fromhex(statement.root))
    volumes = volumes_of(bundle, newest)
    own = next((volume for volume in volumes if volume.checkpoint.origin == typed.origin), None)
    outcome = ANOTHER if own is None else _outcome(bundle, typed, own)
    covered: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    if own is not None and outcome in (SAME, CONTINUES):
        covered, later = _labels(bundle, volumes, report, own.base + typed.size)
    size = volumes[-1].base + newest.size
    return Compared(typed=typed, outcome=outcome, size=size, covered=covered, later=later, report=report)


def _outcome(bundle: Bundle, typed: Checkpoint, volume: Volume) -> str:
    newest = volume.checkpoint
    if typed.size > newest.size:
        return OLDER
    if typed.size == newest.size:
        return (CONTINUES if volume.closed else SAME) if typed.root == newest.root else CONTRADICTS
    name = f"{volume.folder}consistency/{typed.size}.txt"
    if name not in bundle:
        return NO_PROOF
    try:
        _, hashes = proof.read_consistency(bundle.read(name, 64 * 1024), where=name)
    except FormatError:
        return NO_PROOF
    try:
        proof.check_consistency(typed, newest, hashes)
    except CustodyError:
        return CONTRADICTS
    return CONTINUES


def _labels(
    bundle: Bundle, volumes: Sequence[Volume], report: Report, size: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The package's items that were among the first ``size`` entries, over all volumes, and those that came later."""
    begun: dict[str, int] = {}
    for volume in volumes:
        for name, match in volume.files(bundle, package.ENTRY_NAME):
            try:
                body, _ = entries.read(bundle.read(name, MAX_ENVELOPE), where=name)
            except CustodyError:  # made by a newer custody; the verifier said so
                continue
            if body.subject.type == "item" and body.subject.n == 0:
                begun.setdefault(body.subject.id, volume.base + int(match[2]))
    known = [item for item in report.items if item.id in begun]
    return (
        tuple(item.label for item in known if begun[item.id] < size),
        tuple(item.label for item in known if begun[item.id] >= size),
    )
