"""custody list: the items of a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command
from custody.cli.output import count_text, size_text, table
from custody.cli.session import Session
from custody.errors import NoRight
from custody.format.names import short
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.lists import ItemLine, NamedItem


@click.command(
    "list",
    cls=Command,
    unlocks=lambda given: given["names"] or given["ref"] is not None,
    short_help="what is in: labels, or names too",
)
@click.option("--case", "ref", metavar="REF", help="This case alone.")
@click.option("--names", is_flag=True, help="Open file names, types and flags; it is logged in each case.")
@click.option("--purpose", metavar="TEXT", help="Why you open them; asked for when absent or “-”.")
def list_(session: Session, ref: str | None, names: bool, purpose: str | None) -> None:
    """The items of a case, or of all. Without --names nothing is opened: labels are neutral and public."""
    from custody.procedure import cases, lists

    if not names:
        place = session.locker() if ref is None else session.desk()
        lines = lists.list_items(place, None if ref is None else cases.find(session.desk(), ref).id)
        session.out.result({"named": False, "items": [_line(line) for line in lines]})
        _say_none(session, lines)
        session.out.data(
            *table(
                [
                    (
                        line.label,
                        short(line.id),
                        short(line.case),
                        line.wall,
                        _remarks(line),
                    )
                    for line in lines
                ],
                ("ITEM", "ID", "CASE", "IN SINCE (STATED)", ""),
            )
        )
        return
    desk = session.desk()
    chosen = (
        [cases.find(desk, ref).id]
        if ref is not None
        else [line.id for line in lists.case_lines(desk) if lists.may_open(desk, line.id)]
    )
    if not chosen and lists.case_lines(desk):
        raise NoRight(
            "your key may open names in no case",
            where="list --names",
            hint="custody list shows labels and times, which need no right; an administrator can grant more",
        )
    why = session.purpose(purpose)
    found = [item for case in chosen for item in lists.list_names(desk, case, why)]
    session.out.result({"named": True, "items": [_named(item) for item in found]})
    _say_none(session, [item.line for item in found])
    session.out.data(
        *table(
            [
                (
                    item.line.label,
                    short(item.line.id),
                    "?" if item.size is None else size_text(item.size),
                    item.media_type or "?",
                    ", ".join(item.handling),
                    "(not for your key)" if item.name is None else show(item.name),
                )
                for item in found
            ],
            ("ITEM", "ID", "SIZE", "TYPE", "HANDLING", "NAME"),
        )
    )
    for item in found:
        if remarks := _remarks(item.line):
            session.out.say(f"{item.line.label}: {remarks}")
        for flag in item.flags:
            session.out.say(f"look at {item.line.label}: {flag}")


def _remarks(line: ItemLine) -> str:
    said = ["open copy"] * line.open_copy + ["only registered, content not kept"] * line.registered
    said += ["derived"] * (line.parent is not None)
    return ", ".join([*said, *([f"again as {', '.join(line.received)}"] if line.received else [])])


def _say_none(session: Session, lines: Sequence[ItemLine]) -> None:
    if not lines:
        session.out.say("no items")
        session.out.next(f"custody{session.locker_words} collect PATH… --case REF")
    else:
        derived = sum(line.parent is not None for line in lines)
        more = f", {derived} of them derived from others" if derived else ""
        session.out.say(f"{count_text(len(lines), 'item')}{more}")


def _line(line: ItemLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "label": line.label,
        "case": line.case,
        "exhibit": line.exhibit,
        "padded_size": line.size,
        "time": line.wall,
        "open_copy": line.open_copy,
        "registered": line.registered,
        "received": list(line.received),
        "parent": line.parent,
    }


def _named(item: NamedItem) -> dict[str, Any]:
    from custody.format.compartments import name_value

    return {
        **_line(item.line),
        "name": None if item.name is None else name_value(item.name),
        "media_type": item.media_type,
        "size": item.size,
        "flags": list(item.flags),
        "handling": list(item.handling),
        "closed": list(item.closed),
    }
