"""The kinds of entries: one table, from which docs, schemas and what `append` accepts are made.

For each kind: what it is about, its public fields, its compartments, and the right that its actor
needs. Kinds marked ``draft`` are reserved: `append` refuses them, and `verify` reads them as made by
a newer custody. The rows stand in a module a subject: `kinds_ledger`, `kinds_case`, `kinds_item`; what
is about a case, an exhibit or an item may also have `from`, where a volume goes on from another.
"""

from __future__ import annotations

from custody.format.kind import (
    ALL_RIGHTS,
    BEGINNINGS,
    CASE_RIGHTS,
    CLASSES,
    INTAKES,
    LEDGER_RIGHTS,
    SUBJECTS,
    Kind,
    going_on,
)
from custody.format.kinds_case import ABOUT_CASE
from custody.format.kinds_item import ABOUT_ITEM, PURPOSE_CODES
from custody.format.kinds_ledger import ABOUT_LEDGER

__all__ = [
    "ALL_RIGHTS", "BEGINNINGS", "CASE_RIGHTS", "CLASSES", "INTAKES", "KINDS", "LEDGER_RIGHTS", "PURPOSE_CODES",
    "SUBJECTS", "Kind", "known",
]  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: going_on(kind) for kind in (*ABOUT_LEDGER, *ABOUT_CASE, *ABOUT_ITEM)}


def known(name: str) -> bool:
    """True for the kinds that this version writes and checks."""
    return name in KINDS and not KINDS[name].draft
