"""What entries say of other entries, held against the record: counts, heads, checkpoints that left, roots.

Each of these entries is signed by somebody who had the right to make it, so only somebody with a key and
a changed program can have written what is found here; what is missing beside them, anybody can have removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from custody.errors import CustodyError
from custody.format.entry import Entry
from custody.ledger.store import View
from custody.verify.report import Findings

Heads = Mapping[str, tuple[int, bytes]]
"""n and leaf of the last entry about each subject, the entry that is looked at included."""

COUNTED = {
    "item.collected": "items",
    "item.derived": "derived",
    "item.received": "received",
    "item.registered": "registered",
}
"""Which count of `case.extended` an entry about an item belongs to."""


class Claims:
    """Fed with every entry in order, then asked to conclude."""

    def __init__(self, findings: Findings, ledger: str) -> None:
        self._findings = findings
        self._ledger = ledger
        self._batches: dict[str | None, Counter[tuple[str, str]]] = {}
        """Items of groups whose `case.extended` has not come: one group at a time in an honest record."""
        self._exported: Counter[str | None] = Counter()
        self._left: list[tuple[str, int]] = []
        """(entry, size) of the checkpoints that left with a package or were seen by an authority."""
        self._roots: dict[str, str] = {}
        """Hex SHA-256 of each root certificate that a policy names, and the entry."""
        self.packages = 0

    def take(self, body: Entry, heads: Heads, where: str) -> None:
        """Look at an entry that holds and is in its place."""
        public = body.public
        match body.kind:
            case "item.collected" | "item.derived" | "item.received" | "item.registered":
                batch = self._batches.setdefault(body.group, Counter())
                batch[COUNTED[body.kind], public["exhibit"]] += 1
            case "case.extended":
                self._batch(body, where)
            case "item.exported":
                self._exported[body.group] += 1
            case "package.made":
                self._package(body, heads, where)
            case "checkpoint.timestamped":
                self._left.append((where, public["size"]))
            case "policy.set":
                for authority in public["authorities"]:
                    self._roots |= dict.fromkeys(authority["roots"], where)

    def _batch(self, body: Entry, where: str) -> None:
        found = self._batches.pop(body.group, Counter())
        exhibit = body.public["exhibit"]
        stated = Counter({(name, exhibit): body.public[name] for name in COUNTED.values()})
        if stated != found:
            self._findings.failed(
                "counts",
                "a batch of items is not what the case counted of it",
                where=where,
                expected=_words(stated),
                found=_words(found),
            )

    def _package(self, body: Entry, heads: Heads, where: str) -> None:
        self.packages += 1
        public = body.public
        exported = self._exported.pop(body.group, 0)
        if exported != public["items"]:
            self._findings.failed(
                "packages",
                "a package states another number of items than were exported with it",
                where=where,
                expected=str(public["items"]),
                found=str(exported),
            )
        stated: Mapping[str, Mapping[str, Any]] = public["heads"]
        ledger = heads.get(self._ledger)
        true = {"ledger": None if ledger is None else (ledger[0], ledger[1].hex())}
        if body.subject.n:  # in a new volume the case's head stands in the one before
            true["case"] = (body.subject.n - 1, body.subject.prev or "")
        for name, head in true.items():
            if head != (stated[name]["n"], stated[name]["leaf"]):
                self._findings.failed(
                    "packages",
                    "a package was made as if entries before it were not there: a proof against who signed it",
                    where=where,
                    expected=None if head is None else f"the {name}'s entry number {head[0]}",
                    found=f"number {stated[name]['n']}",
                )
        self._left.append((where, body.seq + 1))

    def conclude(self, view: View, notes: Mapping[int, bytes]) -> None:
        """What no entry accounts for, and what was named and is not kept."""
        findings = self._findings
        for batch in self._batches.values():
            findings.failed("counts", "items that the case never counted", found=_words(batch))
        if self._exported:
            findings.failed(
                "packages", "items were exported with no package", found=str(self._exported.total())
            )
        issued = set(view.issued())
        for where, size in self._left:
            if size not in issued or size not in notes:
                findings.failed("notes", "a checkpoint that left the locker is not kept", where=where)
        for size in sorted(issued - notes.keys()):
            findings.failed(
                "notes", "a checkpoint is listed as given out and was never signed", where=f"{size}"
            )
        self._certificates(view)
        if not findings.has_failed("counts", "packages", "entries"):
            findings.passed(
                "counts",
                f"every batch is as its case counted it; packages that state what was there: {self.packages}",
            )

    def _certificates(self, view: View) -> None:
        try:
            kept = view.root_certificates()
        except CustodyError as error:
            self._findings.error("roots", error)
            return
        for digest, where in self._roots.items():
            if digest not in kept:
                self._findings.failed(
                    "roots",
                    "a root certificate that the policy names is missing",
                    where=where,
                    found=digest[:16],
                )
        for digest in kept.keys() - self._roots.keys():
            self._findings.failed(
                "roots", "a root certificate that no policy names", where=f"root {digest[:16]}"
            )


def _words(counts: Counter[tuple[str, str]]) -> str:
    named: Counter[str] = Counter()
    for (name, _), count in counts.items():
        named[name] += count
    exhibits = len({exhibit for (_, exhibit), count in counts.items() if count})
    told = ", ".join(f"{count} {name}" for name, count in sorted(named.items()) if count) or "nothing"
    return told if exhibits < 2 else f"{told}, of {exhibits} exhibits"
