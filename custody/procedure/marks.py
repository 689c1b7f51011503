"""How an item is to be handled, all in all: what was said of it, of what it lay in, and of the same bytes elsewhere.

A mark can come after the items that it concerns: on an archive whose files are items by then, or on another copy
of a picture. Whoever is about to decode one asks here.
"""

from __future__ import annotations

from collections.abc import Mapping

from custody.errors import CustodyError, NoRight
from custody.ledger.work import ItemRow
from custody.procedure import access, lists
from custody.procedure.access import OpenedItem, Parts, Purpose
from custody.procedure.locker import Desk
from custody.procedure.lookups import lookup_tag

Flags = tuple[str, ...]
"""Handling flags; empty where they can't be told, which forbids as much as any."""


def said(history: tuple[Parts, ...] | list[Parts]) -> Flags:
    """What an item's own entries say; nothing where one of them can't be opened: it may forbid."""
    closed = not history or any("handling" in parts.closed for parts in history)
    return () if closed else lists.handling_flags(history)


def together(*flags: Flags) -> Flags:
    """All of them; nothing where one can't be told."""
    if not all(flags):
        return ()
    known = dict.fromkeys(flag for some in flags for flag in some)
    return tuple(flag for flag in known if flag != "unassessed") or tuple(known)


def above(item: ItemRow, rows: Mapping[str, ItemRow], own: Mapping[str, Flags]) -> Flags:
    """An item's flags with those of all that it lay in. ``own``: flags by id."""
    found = own.get(item.id, ())
    while item.parent is not None:
        found = together(found, own.get(item.parent, ()))
        if item.parent not in rows:
            return ()
        item = rows[item.parent]
    return found


def of_opened(desk: Desk, opened: OpenedItem, purpose: Purpose) -> Flags:
    """All flags that concern an opened item. What else is opened for it is logged, each as an access of its own.

    Found by its bytes are items that were collected themselves, not files in an archive.
    """
    found = said(opened.parts)
    item = opened.item
    content = opened.first("content") or {}
    for row in [*_above(desk, item), *_same(desk, item, content)]:
        try:
            other = access.open_item(desk, row, purpose=purpose, what="parts")
        except NoRight:
            return ()
        found = together(found, said(other.parts))
    return found


def _above(desk: Desk, item: ItemRow) -> list[ItemRow]:
    rows: list[ItemRow] = []
    parent = item.parent
    while parent is not None and (row := desk.locker.work.item(parent)) is not None:
        rows.append(row)
        parent = row.parent
    return rows


def _same(desk: Desk, item: ItemRow, content: Mapping[str, object]) -> list[ItemRow]:
    """Other items of the case with the same bytes, as far as the index of contents knows them."""
    digests = content.get("digests")
    try:
        key = desk.ring.index_key(item.case)
    except CustodyError:
        key = None
    if key is None or not isinstance(digests, dict):
        return []
    tag = lookup_tag(key, "content", bytes.fromhex(digests["sha256"]))
    rows = (desk.locker.work.item(one) for one in desk.locker.erasable.find(item.case, [tag]).get(tag, ()))
    return [row for row in rows if row is not None and row.id != item.id and row.case == item.case]
