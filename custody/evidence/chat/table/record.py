"""A row as a message, by the stated mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.evidence.chat.model import Conversation, Message, Participant, Plain, Time, attachment
from custody.evidence.chat.table.csv_rows import Row
from custody.evidence.chat.table.plan import Plan
from custody.evidence.chat.table.when import Clock
from custody.evidence.export import Bytes, Export, cut

PLATFORM = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What rows of one table have in common. ``places``: the index of each role's column, None without a mapping."""

    export: Export
    member: int
    title: str
    plan: Plan | None
    places: Mapping[str, int] | None
    header: Sequence[str] | None
    clock: Clock
    files: Mapping[str, int | None]
    """Members by the last part of their name; None where several have it."""
    prefix: str = ""


def unquoted(text: str, plan: Plan | None) -> str:
    """Without ``="..."`` where the profile says that the writer puts it there."""
    if plan is not None and plan.formula_quotes:
        if text.startswith('="') and text.endswith('"') and len(text) >= 3:
            return text[2:-1]
        if text.startswith("=") and len(text) > 1:
            return text[1:]
    return text


def message(data: Bytes, row: Row, made: Made) -> Iterator[Participant | Conversation | Message]:
    """The people and the conversation of a row, then its message."""
    flags = set(row.flags)
    place = f"{made.prefix}{row.place}"
    raw = cut(data, row.start, row.end)
    if made.places is None:
        yield _table(made)
        yield Message(
            made.member, row.start, row.end, raw, "table", kind="unknown", place=place,
            text="\t".join(row.cells), flags=tuple(sorted({*flags, "no_mapping"})),
        )  # fmt: skip
        return
    if made.header is not None and len(row.cells) != len(made.header):
        flags.add("cell_count")
    values = {
        role: unquoted(row.cells[at], made.plan) for role, at in made.places.items() if at < len(row.cells)
    }
    if len(values) < len(made.places):
        flags.add("cell_missing")
    time, doubts = _time(values, made, row)
    flags.update(doubts)
    sender = _person(values.get("sender"), values.get("sender_id"))
    recipient = _person(values.get("recipient"), None)
    chat = _table(made)
    if values.get("conversation"):
        chat = Conversation(
            f"table:{values['conversation']}", values["conversation"], "export", "unknown", PLATFORM
        )
    yield chat
    yield from (one for one in (sender, recipient) if one is not None)
    attached = _attachment(values.get("attachment"), made)
    extra = {**_rest(row, made), **row.extra}
    yield Message(
        made.member,
        row.start,
        row.end,
        raw,
        chat.id,
        kind="media" if attached is not None and not values.get("text") else "text",
        place=place,
        time=time,
        sender=None if sender is None else sender.id,
        sender_text=values.get("sender") or None,
        recipients=None if recipient is None else [recipient.id],
        text=values.get("text"),
        native_id=values.get("id") or None,
        attachments=None if attached is None else [attached],
        extra={"cells": extra} if extra else None,
        flags=tuple(sorted(flags)),
    )


def _table(made: Made) -> Conversation:
    platform = "viber" if made.plan is not None and made.plan.formula_quotes else PLATFORM
    return Conversation("table", made.title, "own_name", "unknown", platform)


def _person(name: str | None, ident: str | None) -> Participant | None:
    if ident:
        return Participant(f"id:{ident}", name or None, ({"type": "unknown", "value": ident},))
    return Participant(f"name:{name}", name) if name else None


def time_text(values: Mapping[str, str]) -> str:
    """The characters of a row's time: the day's column, a space, the time's column; or the one that there is."""
    return " ".join(one.strip() for one in (values.get("date"), values.get("time")) if one and one.strip())


def _time(values: Mapping[str, str], made: Made, row: Row) -> tuple[Time | None, tuple[str, ...]]:
    assert made.places is not None
    text = time_text(values)
    if not text:
        return None, ("no_time",) if {"time", "date"} & set(made.places) else ()
    alone = "date" not in made.places or "time" not in made.places
    serial = alone and made.places.get("time", made.places.get("date", -1)) in row.serials
    return made.clock.read(text, serial=serial)


def _rest(row: Row, made: Made) -> dict[str, str]:
    """Cells that the mapping does not name, by their header or number."""
    assert made.places is not None
    used = set(made.places.values())
    found: dict[str, str] = {}
    for at, cell in enumerate(row.cells):
        if at in used or not cell:
            continue
        name = made.header[at].strip() if made.header is not None and at < len(made.header) else ""
        found[name if name and name not in found else f"#{at + 1}"] = cell
    return found


def _attachment(name: str | None, made: Made) -> Plain | None:
    if not name:
        return None
    if not made.export.zipped:
        return attachment(name=name, state="not_here")
    member = made.files.get(name.replace("\\", "/").rpartition("/")[2])
    values: dict[str, Any] = {"state": "missing"}
    if member is not None:
        values = {"state": "present", "member": member, "basis": "exact_name"}
    return attachment(name=name, **values)
