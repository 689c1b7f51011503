"""Whether `package.made` states the histories that stood there: `shown`, recomputed at its place.

It binds the last entry of every subject that a package ships, items aside: the ledgers of the volumes that
there were, the case, and the exhibits by the rule of `export_plan.choose`. Somebody with a key and a changed
program could state an earlier end of an exhibit's history; the package alone would verify.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from custody.format import package
from custody.format.entry import Entry
from custody.verify.report import Findings

Heads = Mapping[str, tuple[int, bytes]]
"""n and leaf of the last entry about each subject in the volume that is read."""


class Shown:
    """Fed with every entry that holds, in order, over all volumes."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._ledgers: list[str] = []
        self._ends: dict[str, tuple[int, bytes]] = {}
        """Of the volumes that were read to their end."""
        self._exhibits: dict[str, list[str]] = {}
        """By case."""
        self._inside: dict[str, set[str]] = {}
        """The items that came in as an exhibit's, and those that were received in it again."""
        self._own: dict[str, str] = {}
        """The exhibit that an item came in with."""
        self._exported: dict[str | None, list[str]] = {}
        self.checked = 0
        """Packages of which it was recomputed."""

    def begin(self, ledger: str) -> None:
        """The next volume."""
        self._ledgers.append(ledger)

    def end(self, heads: Heads) -> None:
        """The volume is read to its end."""
        self._ends.update(heads)

    def take(self, body: Entry, heads: Heads, where: str) -> None:
        """Look at an entry; ``heads`` include it."""
        subject, case = body.subject.id, body.case
        match body.kind:
            case "exhibit.acquired":
                if case is not None and subject not in self._inside:
                    self._exhibits.setdefault(case, []).append(subject)
                    self._inside[subject] = set()
            case "item.collected" | "item.registered" | "item.derived" | "item.received":
                exhibit = body.public["exhibit"]
                self._own.setdefault(subject, exhibit)
                self._inside.setdefault(exhibit, set()).add(subject)
            case "item.exported":
                self._exported.setdefault(body.group, []).append(subject)
            case "package.made":
                items = self._exported.pop(body.group, [])
                if case is not None:
                    self._package(body, case, items, heads, where)

    def _package(self, body: Entry, case: str, items: list[str], heads: Heads, where: str) -> None:
        chosen = set(items)
        exhibits = {self._own[item] for item in items if item in self._own}
        for exhibit in self._exhibits.get(case, ()):
            inside = self._inside[exhibit]
            if inside and len(inside) <= len(chosen) and inside <= chosen:
                exhibits.add(exhibit)
        subjects = [(ledger, "ledger") for ledger in self._ledgers]
        subjects += [(case, "case"), *((exhibit, "exhibit") for exhibit in exhibits)]
        rows: list[package.Row] = []
        for subject, kind in subjects:
            head = heads.get(subject)
            if subject == case:  # the package's own entry came after what it binds
                known = body.subject.n > 0 and body.subject.prev is not None
                head = (body.subject.n - 1, bytes.fromhex(body.subject.prev or "")) if known else None
            head = head or self._ends.get(subject)
            if head is None:
                self._findings.not_checked(
                    "packages", "a history that the package names has an entry that was not read", where=where
                )
                return
            rows.append((kind, subject, head[0], head[1].hex()))
        self.checked += 1
        digest = hashlib.sha256(package.shown_bytes(rows)).hexdigest()
        if digest != body.public["shown"]:
            self._findings.failed(
                "packages",
                "a package states other ends of the histories that it shows than there were: a proof against who"
                " signed it",
                where=where,
                expected=digest,
                found=body.public["shown"],
            )
