"""custody show: what is known of one item."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command
from custody.cli.session import Session
from custody.format.text import show as safe

if TYPE_CHECKING:
    from custody.procedure.access import Parts


@click.command("show", cls=Command, short_help="all that is recorded of one item")
@click.argument("item", metavar="ITEM")
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def show(session: Session, item: str, ref: str | None, purpose: str | None) -> None:
    """What is recorded of an item and of its exhibit, entry by entry. Opening it is logged; its content stays shut."""
    from custody.cli.words import quoted
    from custody.procedure import cases, items, lists

    desk = session.desk()
    row = items.find_item(desk, item, None if ref is None else cases.find(desk, ref).id)
    opened = lists.show_item(desk, row, session.purpose(purpose))
    session.out.result(
        {
            "id": row.id,
            "label": row.label,
            "case": row.case,
            "registered": row.object is None,
            "item": [parts_value(parts) for parts in opened.parts],
            "exhibit": [parts_value(parts) for parts in opened.exhibit],
        }
    )
    session.out.data(f"item {row.label}, id {row.id}", *parts_lines(opened.parts))
    session.out.data("", "its exhibit", *parts_lines(opened.exhibit))
    if row.object is None:
        session.out.say("only registered: its digest was logged, its content was never kept")
        return
    session.out.next(f"custody{session.locker_words} read {quoted(item)} -o FILE")


def parts_value(parts: Parts) -> dict[str, Any]:
    """An entry with its opened parts, for --json."""
    return {
        "seq": parts.seq,
        "kind": parts.entry.kind,
        "time": parts.entry.time.wall,
        "actor": parts.entry.actor,
        "parts": {name: dict(value) for name, value in parts.values.items()},
        "closed": list(parts.closed),
    }


def parts_lines(history: Sequence[Parts]) -> Iterator[str]:
    """Entries with their opened parts, for people."""
    for parts in history:
        yield f"  record {parts.seq}  {parts.entry.time.wall}  {parts.entry.kind}"
        yield from value_lines(parts.values, parts.closed)


def value_lines(values: Any, closed: Sequence[str]) -> Iterator[str]:
    """Opened parts, one field a line, everything from outside escaped; then what this key can't open."""
    for name, value in values.items():
        for field, content in value.items():
            yield f"    {name}.{field}: {_text(content)}"
    if closed:
        yield f"    not for your key: {', '.join(closed)}"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return safe(content, 2000)
    if isinstance(content, dict) and set(content) == {"text"}:
        return safe(str(content["text"]), 2000)
    if isinstance(content, list) and all(isinstance(one, str) for one in content):
        return safe(", ".join(content), 2000)
    return safe(json.dumps(content, ensure_ascii=False, sort_keys=True), 2000)
