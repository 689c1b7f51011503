"""Numbers that must fit: what the case counted, and whether each shown item and receipt stands where it was counted."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from custody.format import names
from custody.format.entry import Entry
from custody.verify.record import Placed, Record
from custody.verify.report import Findings

Opened = Mapping[tuple[int, str], dict[str, Any]]
"""Opened parts by entry and compartment."""

Acquired = Mapping[tuple[int, str, int], str]
"""Exhibits' labels, by volume, exhibit and number of the acquisition in it."""

_COUNTED = {
    "item.collected": "items",
    "item.derived": "derived",
    "item.received": "received",
    "item.registered": "registered",
}
"""Kinds of entries that a `case.extended` counts, and under which name."""


@dataclass(slots=True, kw_only=True)
class Shown:
    """A shown item: its history, its opened parts by compartment of its first entry, and where its file lies."""

    first: Placed
    history: tuple[Placed, ...]
    parts: Mapping[str, dict[str, Any]]
    path: str = ""
    received: list[str] = field(default_factory=list)
    """Labels under which the same bytes were received again."""

    @property
    def registered(self) -> bool:
        """True when only its digest was logged: its content was kept nowhere, so none can be here."""
        return self.first.body is not None and self.first.body.kind == "item.registered"

    @property
    def parent(self) -> str | None:
        """The id of the item that it was derived from; None for what came from outside."""
        return self.first.body.public.get("parent") if self.first.body else None

    @property
    def label(self) -> str:
        """Its label, such as A-3/01."""
        return str(self.first.body.public["label"]) if self.first.body else "?"


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of item entries, from ``start`` up to the `case.extended` at ``end`` that counts them, of one group."""

    start: int
    end: int
    exhibit: str
    group: str | None
    counts: Mapping[str, int]
    """By kind of entry."""


class Batches:
    """The batches of a case, in their order."""

    def __init__(self) -> None:
        self.all: list[Batch] = []

    def of(self, seq: int) -> Batch | None:
        """The batch that counts an entry, or None where none does."""
        at = bisect.bisect_right(self.all, seq, key=lambda batch: batch.end)
        return self.all[at] if at < len(self.all) and self.all[at].start <= seq else None


def check(record: Record, made: Placed, items: Sequence[Shown], opened: Opened, findings: Findings) -> int:
    """Hold counts, receipts, exhibits and acquisitions against each other; gives how many items the case has."""
    batches, total = _batches(record, made, findings)
    _check_places(record, batches, items, findings)
    _check_kinds(record, batches, findings)
    acquired = _acquired(record)
    for item in items:
        _check_receipts(record, batches, acquired, item, opened, findings)
    if len(items) > total:
        findings.failed(
            "counts",
            "more items than the case has",
            expected=f"at most {total}",
            found=str(len(items)),
        )
    if not findings.has_failed("counts"):
        findings.passed("counts", f"{len(items)} of {total} items of this case are here")
    _check_exhibits(record, acquired, items, findings)
    _check_parents(items, findings)
    _check_acquisitions(record, findings)
    return total


def _batches(record: Record, made: Placed, findings: Findings) -> tuple[Batches, int]:
    """A batch is a run of item entries and then its `case.extended`: two runs never share a place."""
    assert made.body is not None
    batches, total = Batches(), 0
    for placed, body in record.sound("case.extended", record.of_type("case").get(made.body.subject.id, ())):
        public = body.public
        counts = {kind: public[name] for kind, name in _COUNTED.items()}
        start = placed.seq - sum(counts.values())
        total += public["items"] + public["registered"] + public["derived"]
        if start <= (batches.all[-1].end if batches.all else 0):
            findings.failed("counts", "the case counts more items than there is room for", where=placed.where)
        batches.all.append(Batch(start, placed.seq, public["exhibit"], body.group, counts))
    return batches, total


def _check_places(record: Record, batches: Batches, items: Sequence[Shown], findings: Findings) -> None:
    """Nothing but items of its group lies within a batch, and each shown item came in by one."""
    shown = {item.first.seq: item for item in items}
    for seq, placed in record.entries.items():
        entry, batch = placed.body, batches.of(seq)
        if entry is None:
            continue
        if batch is not None and (entry.subject.type != "item" or entry.group != batch.group):
            findings.failed("counts", "an entry among the items that the case counted", where=placed.where)
        item = shown.get(seq)
        if item is not None and not _counted(batch, entry):
            findings.failed("counts", "an item that the case's own count does not have", where=item.label)


def _counted(batch: Batch | None, entry: Entry) -> bool:
    """True when an item's entry stands in a batch of its own group and exhibit."""
    return (
        batch is not None
        and batch.group is not None
        and (entry.group, entry.public["exhibit"]) == (batch.group, batch.exhibit)
    )


def _check_kinds(record: Record, batches: Batches, findings: Findings) -> None:
    """No batch has more entries of a kind than the case counted: an item can't pass for a mere receipt."""
    here: Counter[tuple[int, str]] = Counter()
    for seq, placed in record.entries.items():
        batch = batches.of(seq)
        if batch is not None and placed.body is not None:
            here[batch.end, placed.body.kind] += 1
    for batch in batches.all:
        for kind, most in batch.counts.items():
            if here[batch.end, kind] > most:
                findings.failed(
                    "counts",
                    "more entries of a kind than the case counted",
                    where=f"entry {batch.end}",
                    expected=f"{most} × {kind}",
                    found=str(here[batch.end, kind]),
                )


def _check_receipts(
    record: Record,
    batches: Batches,
    acquired: Acquired,
    item: Shown,
    opened: Opened,
    findings: Findings,
) -> None:
    """Each time that an item's bytes were received again.

    The exhibit that they came in with may be another one, whose history need not be here: it can be somebody
    else's. Where it is here, number and label must be its own.
    """
    exhibits = record.of_type("exhibit")
    first = item.parts.get("content", {}).get("digests", {}).get("sha256")
    for placed, body in record.sound("item.received", item.history):
        label, exhibit = body.public["label"], body.public["exhibit"]
        if not _counted(batches.of(placed.seq), body):
            findings.failed("counts", "a receipt that the case's own count does not have", where=placed.where)
        own = acquired.get((placed.volume, exhibit, body.public["acquisition"]))
        if exhibit in exhibits and own != label.partition("/")[0]:
            findings.failed("exhibits", "a receipt that is not of its exhibit", where=placed.where)
        again = opened.get((placed.seq, "content"), {}).get("digests", {}).get("sha256")
        if again is not None and first is not None and again != first:
            findings.failed(
                "content",
                "received as the same bytes, and its digest is another",
                where=placed.where,
                expected=first,
                found=again,
            )
        item.received.append(label)


def _acquired(record: Record) -> Acquired:
    return {
        (placed.volume, identifier, body.subject.n): body.public["label"]
        for identifier, history in record.of_type("exhibit").items()
        for placed, body in record.sound("exhibit.acquired", history)
    }


def _check_exhibits(record: Record, acquired: Acquired, items: Sequence[Shown], findings: Findings) -> None:
    """Each shown item belongs to an exhibit whose history is here, by number of acquisition and by label."""
    exhibits = record.of_type("exhibit")
    for item in items:
        body = item.first.body
        assert body is not None
        exhibit = body.public["exhibit"]
        label = _acquired_as(acquired, item, exhibit, body.public["acquisition"])
        if exhibit not in exhibits:
            findings.failed("exhibits", "the history of an item's exhibit is not here", where=item.label)
        elif label is None:
            findings.failed("exhibits", "an item of an acquisition that was not logged", where=item.label)
        elif label != item.label.partition("/")[0]:
            findings.failed(
                "exhibits", "an item's label is not of its exhibit", where=item.label, expected=label
            )
    if not findings.has_failed("exhibits"):
        findings.passed(
            "exhibits", f"every item belongs to an exhibit whose history is here ({len(exhibits)})"
        )


def _acquired_as(acquired: Acquired, item: Shown, exhibit: str, acquisition: int) -> str | None:
    """The exhibit's label by that acquisition. What was derived may stand in a later volume than its exhibit."""
    volumes = [item.first.volume] if item.parent is None else range(item.first.volume, 0, -1)
    found = (acquired.get((volume, exhibit, acquisition)) for volume in volumes)
    return next((label for label in found if label is not None), None)


def _check_parents(items: Sequence[Shown], findings: Findings) -> None:
    """What was derived is of one case, exhibit and label with the item that it says it was made from."""
    by_id = {item.first.body.subject.id: item for item in items if item.first.body is not None}
    for item in items:
        body = item.first.body
        if body is None or item.parent is None:
            continue
        parent = by_id.get(item.parent)
        if parent is None:
            findings.not_checked(
                "derived", "derived from an item that is not in this package", where=item.label
            )
            continue
        assert parent.first.body is not None
        same = parent.first.body.public["exhibit"] == body.public["exhibit"]
        if not (same and item.label.startswith(f"{parent.label}.") and parent.first.seq < item.first.seq):
            findings.failed(
                "derived",
                "an item that says it was derived from one that it does not belong to",
                where=item.label,
                expected=f"a label that begins with {parent.label}.",
            )
    # To read a chat or a log is not the verifier's work: it would have to trust every reader.
    if here := sum(item.parent in by_id for item in items):
        findings.not_checked("derived", f"derived items not compared with their originals here: {here}")


def _check_acquisitions(record: Record, findings: Findings) -> None:
    for identifier, history in record.of_type("exhibit").items():
        begun = {
            (placed.volume, body.subject.n) for placed, body in record.sound("exhibit.acquired", history)
        }
        ended = {
            (placed.volume, body.public["acquisition"])
            for placed, body in record.sound("exhibit.completed", history)
        }
        if begun - ended:
            findings.not_checked(
                "acquisitions",
                "acquisition not finished: nobody logged that collecting ended, so items may be missing at its end",
                where=f"exhibit {names.short(identifier)}",
            )
