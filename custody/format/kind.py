"""What a row of the table of kinds is, and the closed lists of words that the rows use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from custody.errors import FormatError
from custody.format import shape
from custody.format.shape import DIGEST, INTEGER, ORIGIN, Shape, record
from custody.format.text import show

SUBJECTS = ("ledger", "case", "exhibit", "item", "person", "request")

LEDGER_RIGHTS = ("admin", "seal", "collect", "audit")
CASE_RIGHTS = ("collect", "read", "export", "transfer", "dispose")
ALL_RIGHTS = ("admin", "seal", "collect", "audit", "read", "export", "transfer", "dispose")
CLASSES = ("object", "record", "identity", "note")

FROM = record({"ledger": ORIGIN, "n": INTEGER, "leaf": DIGEST})
"""Where a subject's history goes on from: the last entry about it in an earlier volume (decision 0021)."""

INTAKES = ("item.collected", "item.registered", "item.derived")
"""Kinds by which an item begins."""

BEGINNINGS = ("case.opened", *INTAKES)
"""Kinds with which a case or an item begins: they never go on from an earlier volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table."""

    name: str
    subject: tuple[str, ...]
    public: Shape = field(default_factory=lambda: record({}))
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    """Rights that the actor needs, all of them; "any" = every custodian in force; () = the genesis."""
    approvals: int = 0
    """How many approvals stand in the entry."""
    draft: bool = False
    about: str = ""

    def check(
        self,
        *,
        subject: str,
        public: Mapping[str, Any],
        sealed: Mapping[str, Any],
        approvals: int,
        where: str,
        newer: list[str] | None = None,
    ) -> None:
        """Raise FormatError unless fields and compartments are exactly what the table has.

        A reader gives ``newer`` (see `shape.check`): what only a later version can have put there goes
        into it instead of being an error.
        """
        if subject not in self.subject:
            raise FormatError(
                "another subject than this kind has",
                where=where,
                expected=" or ".join(self.subject),
                found=subject,
            )
        shape.check(dict(public), self.public, where=f"{where}, public", newer=newer)
        for name in self.required:
            if name not in sealed:
                raise FormatError("a compartment is missing", where=where, expected=name)
        for name in sealed:
            if name not in self.required and name not in self.optional:
                if newer is None:
                    raise FormatError(
                        "a compartment that this kind does not have", where=where, found=show(name, 40)
                    )
                newer.append(f"{where}, part {show(name, 40)}")
        if approvals != self.approvals:
            raise FormatError(
                "another number of approvals", where=where, expected=str(self.approvals), found=str(approvals)
            )


def going_on(kind: Kind) -> Kind:
    """The row with an optional public ``from``, where what it is about can be older than its volume."""
    if kind.subject == ("ledger",) or kind.name in BEGINNINGS:
        return kind
    properties = {**kind.public["properties"], "from": FROM}
    return replace(kind, public={**kind.public, "properties": properties})
