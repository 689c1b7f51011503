"""What goes out in a package by way of something else: an original in its readable form, a file in its archive.

Told before anything is logged, from public parts alone: labels, and what was derived from what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from custody.ledger.work import ItemRow
from custody.procedure import readable
from custody.procedure.export import Choice
from custody.procedure.locker import Desk

_SHOWN = 6


def carried(desk: Desk, choice: Choice) -> Iterator[str]:
    """In words: which items that were left out, or names that were withheld, go out all the same, and in what."""
    # One question for all: each brings the list up to date first.
    everything = desk.locker.work.items(choice.case)
    rows = choice.items or tuple(everything)
    chosen = {row.id for row in rows}
    files: dict[str, list[ItemRow]] = {}
    for row in everything:
        if row.parent is not None and row.part is not None:
            files.setdefault(row.parent, []).append(row)
    forms, of_archives = [], []
    for row in rows:
        inside = [one for one in files.get(row.id, ()) if one.id not in chosen]
        if inside:
            yield f"{row.label} holds {_labels(inside)}, left out as items of their own: they go out inside it"
        if readable.is_form(row):
            if row.parent not in chosen:
                forms.append(row)
            if row.parent in files:
                of_archives.append(row)
    if forms:
        yield (
            f"readable forms of items that are left out: {_labels(forms)}: what those say, and the names and sizes of"
            " files in them, goes out all the same"
        )
    if "name" in choice.withhold and of_archives:
        yield (
            f"readable forms of archives: {_labels(of_archives)}: they repeat the names of the files inside, which"
            " --withhold name does not take out"
        )


def _labels(rows: Sequence[ItemRow]) -> str:
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return ", ".join(row.label for row in rows[:_SHOWN]) + more
