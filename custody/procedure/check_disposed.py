"""What a check expects of items that the record says were disposed of: that nothing of them is here any more.

Entries come in their order, and an item's parts are looked for before the entry that tells of its disposal. So
what is missing is judged when all entries were read. The kind is a draft: this version makes none
(`docs/explanation/how-erasure-will-work.md`), and reads one all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from custody.format import names
from custody.format.entry import Entry
from custody.ledger.work import ItemRow
from custody.procedure.locker import Locker
from custody.verify.report import Findings

CHECK = "disposals"
"""What findings about them are called: `restore` does what they ask for by itself."""


class Disposed:
    """Fed with every entry that holds, and with every sealed part that was looked for and not found."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.items: set[str] = set()
        """Ids of the items that were disposed of."""
        self.missing: list[tuple[str, str, str]] = []
        """(where, compartment, subject) of sealed parts that are not there."""

    def take(self, body: Entry) -> None:
        """Look at an entry that holds and is in its place."""
        if body.kind == "item.disposed":
            self.items.add(body.subject.id)

    def parts(self) -> None:
        """Once all entries were read: what is missing of anything else is a failure."""
        for where, name, subject in self.missing:
            if subject not in self.items:
                self._findings.failed("parts", f"the sealed part “{name}” is missing", where=where)
        if self.missing and not self._findings.has_failed("entries", "rights", "parts"):
            gone = len(self.missing)
            self._findings.passed(
                "parts", f"{gone} sealed parts went with what was disposed of; the others are what was logged"
            )

    def kept(self, items: Iterable[ItemRow]) -> list[ItemRow]:
        """The items that must be there."""
        return [item for item in items if item.id not in self.items]

    def conclude(self, locker: Locker, items: Iterable[ItemRow]) -> None:
        """That nothing is left of those that were disposed of."""
        if not self.items:
            return
        rows = locker.erasable.left_of(sorted(self.items))
        objects = {item.id: item for item in items}
        for one in sorted(self.items):
            item = objects.get(one)
            found = ["sealed parts or keys"] * (one in rows)
            if item is not None and item.object is not None:
                found += ["its object"] * (locker.vault.size_of(item.object) is not None)
            if found:
                self._findings.failed(
                    CHECK,
                    "an item was disposed of, and something of it is still here or came back",
                    where=names.short(one) if item is None else item.label,
                    expected="nothing",
                    found=" and ".join(found),
                )
        if not self._findings.has_failed(CHECK):
            self._findings.passed(CHECK, f"of {len(self.items)} items that were disposed of nothing is here")
