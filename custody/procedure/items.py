"""Naming items: by label, by exhibit, or by the end of their id."""

from __future__ import annotations

import re

from custody.errors import InputRefused
from custody.format import names
from custody.format.text import show
from custody.ledger.work import ItemRow
from custody.procedure.locker import Desk, Locker

LEAST_DIGITS = 6
"""So many digits of an id must be given: fewer would name another item as soon as more come in."""

_ENDING = re.compile(r"[0-9a-f-]{1,36}")


def find_items(place: Desk | Locker, wanted: str, case: str | None = None) -> list[ItemRow]:
    """The items that a person names, in the order they came in; never an empty list.

    ``wanted``: an item's label (``A-3/01``), an exhibit's label (all of its items), or at least six
    digits of the end of an item's id. ``case``: a case's id, to look in that case alone. Labels and
    ids are public, so nothing is opened. Raises InputRefused for what names nothing or too much.
    """
    locker = place.locker if isinstance(place, Desk) else place
    work = locker.work
    found = _by_label(locker, wanted, case)
    if _digits(wanted) >= LEAST_DIGITS:
        endings = [row for row in work.items_by_ending(wanted.lower()) if case in (None, row.case)]
        if found and endings:
            raise InputRefused(
                "this is a label and also the end of another item's id",
                where=show(wanted, 60),
                hint="give the item's label, or more digits of its id",
            )
        if len(endings) > 1:
            raise InputRefused(
                "more than one item has an id that ends so",
                where=show(wanted, 60),
                found=f"{len(endings)} items",
                hint="give more digits of the id",
            )
        found = found or endings
    if not found:
        raise InputRefused(
            "no such item",
            where=show(wanted, 60),
            expected=f"a label like A-3/01, an exhibit like A-3, or {LEAST_DIGITS} digits of the end of an id",
            hint="custody list shows the items of this locker",
        )
    return found


def find_item(place: Desk | Locker, wanted: str, case: str | None = None) -> ItemRow:
    """The one item that a person names; InputRefused when it is none or more than one (an exhibit of many)."""
    found = find_items(place, wanted, case)
    if len(found) > 1:
        raise InputRefused(
            "an exhibit of more than one item",
            where=show(wanted, 60),
            expected="one item",
            found=f"{len(found)} items",
            hint=f"name one of them, {found[0].label} for example",
        )
    return found[0]


def _of_exhibit(locker: Locker, exhibit: str) -> list[ItemRow]:
    """What was found in an exhibit: its own items, and those of others whose bytes were in it too."""
    found = {row.id: row for row in locker.work.items_of_exhibit(exhibit)}
    for receipt in locker.work.receipts(exhibit=exhibit):
        row = locker.work.item(receipt.item)
        if row is not None:
            found.setdefault(row.id, row)
    return sorted(found.values(), key=lambda row: row.seq)


def _digits(wanted: str) -> int:
    return len(wanted.replace("-", "")) if _ENDING.fullmatch(wanted.lower()) else 0


def _by_label(locker: Locker, wanted: str, case: str | None) -> list[ItemRow]:
    work = locker.work
    if names.ITEM_LABEL.fullmatch(wanted):
        rows = work.items_by_label(wanted)
    elif names.EXHIBIT_LABEL.fullmatch(wanted):
        chosen = [case] if case is not None else [row.id for row in work.cases()]
        exhibits = [row.id for one in chosen for row in work.exhibits(one) if row.label == wanted]
        rows = [item for exhibit in exhibits for item in _of_exhibit(locker, exhibit)]
    else:
        return []
    rows = [row for row in rows if case in (None, row.case)]
    cases = dict.fromkeys(row.case for row in rows)
    if len(cases) > 1:
        endings = ", ".join(names.short(identifier) for identifier in cases)
        raise InputRefused(
            "more than one case has this label",
            where=show(wanted, 60),
            found=f"cases whose ids end in {endings}",
            hint="say which with --case",
        )
    return rows
