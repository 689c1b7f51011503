"""The readable forms of an item: opened like any item, logged first, checked to their end.

Which kind of form a derived item is stands in its sealed `content`: the newest is opened first, and one of the
other kind is an opening too, and logged as such.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from custody.errors import CheckFailed, CustodyError, InputRefused, MachineError
from custody.format.text import show
from custody.ledger.work import ItemRow
from custody.procedure import access
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk

MAX_LINE = 64 << 20

Lines = Iterator[tuple[bytes, dict[str, Any]]]
"""(line, record) in the order of a form. Its end proves that it is whole; CheckFailed where it is not as logged."""


class Damaged(NamedTuple):
    """An item, or a form of it, that can't be read whole: nothing of it is shown where many are looked at.

    ``label``, ``id``: of the item that was looked for. ``what`` is wrong with which item or form; ``to_do``.
    """

    label: str
    id: str
    what: str
    to_do: str


def damaged(item: ItemRow, row: ItemRow, error: CustodyError) -> Damaged:
    """What is told of ``row``, the item itself or a form of it, that ``error`` kept from being read whole."""
    if isinstance(error, MachineError):
        to_do = "this machine could not read it: mend that, then run the command again"
    elif is_form(row) and row.id != item.id:
        to_do = (
            f"custody derive {item.label} makes a new form; custody check --deep tells what else is damaged"
        )
    else:
        to_do = "custody check --deep tells what else is damaged; custody restore gets it back from a backup"
    return Damaged(item.label, item.id, f"{row.label}: {error.message}", to_do)


def is_form(item: ItemRow) -> bool:
    """True for an item that is a readable form itself."""
    return item.parent is not None and item.part is None


def forms(desk: Desk, item: ItemRow) -> list[ItemRow]:
    """The readable forms of an item, the newest first; the item alone when it is one. Opens nothing."""
    if is_form(item):
        return [item]
    return [row for row in reversed(desk.locker.work.derived(item.id)) if row.part is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An opened form. ``trees``: what its `content` says of it, by the kind of form."""

    row: ItemRow
    media_type: str
    trees: dict[str, Any]
    lines: Lines


def each(desk: Desk, item: ItemRow, purpose: Purpose) -> Iterator[Form]:
    """An item's forms, the newest first, each opened and logged when it is reached."""
    for form in forms(desk, item):
        opened = access.open_item(desk, form, purpose=purpose)
        if opened.content is not None:
            content = opened.first("content") or {}
            yield Form(
                row=form,
                media_type=str(content.get("media_type")),
                trees=content.get("trees", {}),
                lines=_records(opened.content(), form.label),
            )


def opened(
    desk: Desk, item: ItemRow, purpose: Purpose, media_type: str, *, what: str, hint: str
) -> tuple[ItemRow, Lines]:
    """The newest form of one media type. InputRefused where there is none: ``what`` it is, and what to do."""
    for form in each(desk, item, purpose):
        if form.media_type == media_type:
            return form.row, form.lines
        if is_form(item):
            raise InputRefused(
                f"this is no readable form of {what}",
                where=item.label,
                found=form.media_type,
                hint=hint,
            )
    raise InputRefused(f"no readable form of {what} was made of this item", where=item.label, hint=hint)


def _records(pieces: Iterator[bytes], where: str) -> Lines:
    for line in lines_of(pieces, where):
        yield line, record_of(line, where)


def record_of(line: bytes, where: str) -> dict[str, Any]:
    """The record in a line of a form; CheckFailed where it is none: only another program can have made that."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("record"), str):
        raise CheckFailed("a line of a readable form that is no record", where=where, found=show(line, 80))
    if value["record"] == "row" and not (
        isinstance(value.get("number"), int) and isinstance(value.get("kind"), str)
    ):
        raise CheckFailed("a row without number or kind", where=where, found=show(line, 80))
    return value


def lines_of(pieces: Iterator[bytes], where: str) -> Iterator[bytes]:
    """The lines of a form, without their line ends."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > MAX_LINE:
            raise CheckFailed("a line of a readable form that is too long", where=where)
    if rest:
        raise CheckFailed("a readable form that ends within a line", where=where)
