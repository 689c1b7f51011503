"""What the record itself names: read from its entries, never from a list that was derived from them.

Whatever is deleted, or left out of a backup, because "nothing names it" must be judged by this. The list
of items in `work.sqlite` may lose a row to a power cut or to anybody who can write the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import CheckFailed
from custody.format import kinds
from custody.format.entry import NewerVersion
from custody.ledger.volumes import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Ids of a record's subjects, objects and items; ``whole`` is False where entries can't tell."""

    subjects: frozenset[str]
    objects: frozenset[str]
    items: frozenset[str]
    whole: bool
    """False when an entry was damaged, is missing, or was made by a newer custody: more may be named than is here."""


def of(record: Record) -> Named:
    """Read every entry of the record. 0.1 ms an entry: for what happens rarely."""
    subjects, objects, items = set(), set(), set()
    whole, seen = True, 0
    for stored in record.entries():
        seen += 1
        try:
            body = stored.read()
        except (NewerVersion, CheckFailed):
            whole = False
            continue
        whole &= kinds.known(body.kind)
        subjects.add(body.subject.id)
        if body.subject.type == "item":
            items.add(body.subject.id)
        held = body.public.get("object")
        if isinstance(held, dict) and isinstance(held.get("id"), str):
            objects.add(held["id"])
    return Named(
        subjects=frozenset(subjects),
        objects=frozenset(objects),
        items=frozenset(items),
        whole=whole and seen == record.size,
    )
