"""custody show: what is known of one item."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command, always
from custody.cli.deriving import balance_text, gap_lines, span_text
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.format.text import show as safe

if TYPE_CHECKING:
    from custody.ledger.work import ItemRow
    from custody.procedure.access import Parts
    from custody.procedure.messages import About

_SENDERS = 50
_1970 = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@click.command("show", cls=Command, unlocks=always, short_help="all that is recorded of one item")
@click.argument("item", metavar="ITEM")
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def show(session: Session, item: str, ref: str | None, purpose: str | None) -> None:
    """What is recorded of an item and of its exhibit, entry by entry. Opening it is logged; its content stays shut."""
    from custody.cli.words import quoted
    from custody.procedure import cases, items, lists, messages

    desk = session.desk()
    row = items.find_item(desk, item, None if ref is None else cases.find(desk, ref).id)
    why = session.purpose(purpose)
    opened = lists.show_item(desk, row, why)
    derived = desk.locker.work.derived(row.id)
    newer: list[str] = []
    about, rows = messages.about_forms(desk, row, why, newer)
    if newer:
        session.out.warn(f"made by a newer custody, and not read here: {', '.join(newer)}")
    session.out.result(
        {
            "id": row.id,
            "label": row.label,
            "case": row.case,
            "registered": row.object is None,
            "item": [parts_value(parts) for parts in opened.parts],
            "exhibit": [parts_value(parts) for parts in opened.exhibit],
            "parent": row.parent,
            "derived": [{"id": one.id, "label": one.label, "part": one.part} for one in derived],
            "chat": None if about is None else _about_value(about),
            "records": rows,
        }
    )
    session.out.data(f"item {row.label}, id {row.id}", *parts_lines(opened.parts))
    session.out.data("", "its exhibit", *parts_lines(opened.exhibit))
    if derived:
        session.out.data("", "derived from it", *(f"  {_derived_text(one)}" for one in derived))
    if about is not None:
        session.out.data(*_about_lines(about))
    if rows is not None:
        session.out.data(*_rows_lines(rows))
    if about is not None or rows is not None:
        read = ["messages"] * (about is not None) + ["records"] * (rows is not None)
        session.out.next(*(f"custody{session.locker_words} {verb} {quoted(item)}" for verb in read))
        return
    if row.object is None:
        session.out.say("only registered: its digest was logged, its content was never kept")
        return
    session.out.next(f"custody{session.locker_words} read {quoted(item)} -o FILE")


def _derived_text(one: ItemRow) -> str:
    return f"{one.label}  {'the readable form' if one.part is None else f'file {one.part} in it'}"


def _rows_lines(rows: dict[str, Any]) -> Iterator[str]:
    """The counts of an item's rows, as the form's own `content` says them."""
    yield ""
    yield f"records, read by {rows['reader']}, version {rows['version']}"
    yield f"  {balance_text(rows['rows'], rows['plain'], rows['flagged'], rows['kept_raw'])}"
    if "first_time" in rows:
        yield f"  {span_text(rows['first_time'], rows['last_time'])}"
    for flag, count in rows["flags"].items():
        yield f"  {count:>7}  {flag}"
    for code, count in rows["notices"].items():
        yield f"  look: {code.replace('_', ' ')}{f' ({count} times)' if count > 1 else ''}"
    for what in rows["open"]:
        yield f"  open: {what.replace('_', ' ')}"


def _about_value(about: About) -> dict[str, Any]:
    value = asdict(about)
    for chat in value["chats"]:
        chat["senders"] = [{"name": name, "messages": count} for name, count in chat["senders"]]
    return value


def _about_lines(about: About) -> Iterator[str]:
    for chat in about.chats:
        yield ""
        yield f"chat {safe(_masked(chat.title or 'without a title'), 200)} ({chat.platform}, {chat.kind})"
        events = f", {count_text(chat.events, 'event')}" if chat.events else ""
        yield f"  {count_text(chat.messages, 'message')}{events}"
        if chat.first_time is not None:
            yield f"  {span_text(chat.first_time, chat.last_time)}"
        for name, count in chat.senders[:_SENDERS]:
            yield f"  {count:>7}  {safe(_masked(name), 200)}"
        if len(chat.senders) > _SENDERS:
            yield f"  and {len(chat.senders) - _SENDERS} more who wrote"
    yield ""
    yield f"read by {about.reader}, version {about.version}"
    yield from gap_lines(about.attachments, about.unread, about.notices)
    for what in about.open:
        yield f"  open: {what.replace('_', ' ')}"
    for line in about.never:
        yield f"  this format never contains {line}"


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
            said = _moments(content) if (name, field) == ("name", "times") else _text(content)
            yield f"    {name}.{field}: {said}"
    if closed:
        yield f"    not for your key: {', '.join(closed)}"


def _moments(content: Any) -> str:
    """A file's times, counted in nanoseconds since 1970 in the record, as UTC to the second; else as they stand."""
    try:
        at = {name: _1970 + dt.timedelta(seconds=int(count) // 10**9) for name, count in content.items()}
    except (AttributeError, ValueError, OverflowError):
        return _text(content)
    return ", ".join(f"{safe(name, 40)} {when:%Y-%m-%dT%H:%M:%SZ}" for name, when in sorted(at.items()))


def _masked(value: Any) -> Any:
    """What may be shown to people: a name or a title out of a file can be a wallet's secret."""
    from custody.evidence.blockchain import secrets

    return secrets.masked(value)[0]


def _text(content: Any) -> str:
    content = _masked(content)
    if isinstance(content, str):
        return safe(content, 2000)
    if isinstance(content, dict) and set(content) == {"text"}:
        return safe(str(content["text"]), 2000)
    if isinstance(content, list) and all(isinstance(one, str) for one in content):
        return safe(", ".join(content), 2000)
    return safe(json.dumps(content, ensure_ascii=False, sort_keys=True), 2000)
