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


def is_newer(found: str, media_type: str) -> bool:
    """True for a media type of that kind of form in a version that is not known here."""
    return found != media_type and found.partition(";")[0] == media_type.partition(";")[0]


def refuse_newer(form: Form, media_type: str) -> None:
    """InputRefused for a form of that kind in a version that is not known here: an older one beside it is not all."""
    if is_newer(form.media_type, media_type):
        raise InputRefused(
            "this readable form was made by a newer custody",
            where=form.row.label,
            expected=media_type,
            found=form.media_type,
            hint="read it with a newer custody; an older form of the same item is shown when its own label is named",
        )


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
                lines=records_of(opened.content(), form.label),
            )


def opened(
    desk: Desk, item: ItemRow, purpose: Purpose, media_type: str, *, what: str, hint: str
) -> tuple[ItemRow, Lines]:
    """The newest form of one media type. InputRefused where there is none: ``what`` it is, and what to do."""
    for form in each(desk, item, purpose):
        if form.media_type == media_type:
            return form.row, form.lines
        refuse_newer(form, media_type)
        if is_form(item):
            raise InputRefused(
                f"this is no readable form of {what}",
                where=item.label,
                found=form.media_type,
                hint=hint,
            )
    raise InputRefused(f"no readable form of {what} was made of this item", where=item.label, hint=hint)


def records_of(pieces: Iterator[bytes], where: str) -> Lines:
    """The lines of a form with what each says. At the end its own account must count what was there.

    CheckFailed where a line is no record, or the account is missing or of another number: bytes are as they were
    logged, so whoever made the form did not make it as custody does.
    """
    counted = 0
    record: dict[str, Any] = {}
    for line in lines_of(pieces, where):
        record = record_of(line, where)
        counted += record["record"] in _COUNTED
        yield line, record
    stated = [one for name in ("messages", "events", "rows") if isinstance(one := record.get(name), int)]
    if record.get("record") != "account" or not stated:
        raise CheckFailed("a readable form without the account that ends it", where=where)
    if sum(stated) != counted:
        raise CheckFailed(
            "a readable form whose account counts others than are in it",
            where=where,
            expected=str(sum(stated)),
            found=str(counted),
        )


_COUNTED = frozenset({"message", "row"})


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
