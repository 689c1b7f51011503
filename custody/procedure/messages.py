"""Reading a chat's readable form: opened like any item, logged first, checked to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from custody.errors import CheckFailed
from custody.evidence.chat.normalise import MEDIA_TYPE
from custody.evidence.records.form import MEDIA_TYPE as ROWS
from custody.evidence.records.form import SCHEMA as ROWS_SCHEMA
from custody.evidence.records.wanted import FIRST, LAST, check_times, padded
from custody.ledger.work import ItemRow
from custody.procedure import readable
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.readable import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which messages are wanted; everything that is stated must hold. Texts are compared without case.

    ``since``, ``until``: RFC 3339 beginnings such as 2022-03-27 or 2022-03-27T21:41, compared with the instant
    of a message where it has one, else with its local time; a message with neither is given, since it may be
    one. ``numbers``: messages by their number.
    """

    since: str | None = None
    until: str | None = None
    sender: str | None = None
    text: str | None = None
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_times(self.since, self.until)

    def takes(self, message: dict[str, Any], names: dict[str, str]) -> bool:
        """True for a message that is wanted. ``names``: participants' names by id."""
        if self.numbers and message["sequence"] not in self.numbers:
            return False
        if self.sender is not None:
            shown = names.get(message.get("sender", ""), "") + "\n" + message.get("sender_text", "")
            if self.sender.casefold() not in shown.casefold():
                return False
        if self.text is not None and self.text.casefold() not in message.get("text", "").casefold():
            return False
        if self.since is None and self.until is None:
            return True
        time = message.get("time", {})
        written = time.get("utc") or time.get("local")
        if written is None:
            return True
        # Of a time to the minute or day, and of one with decimals: what it may be counts.
        first, last = padded(written, FIRST), padded(written, LAST)
        after = self.since is None or last >= padded(self.since, FIRST)
        return after and (self.until is None or first <= padded(self.until, LAST))


def records(desk: Desk, item: ItemRow, purpose: Purpose) -> tuple[ItemRow, Lines]:
    """The newest readable form of a chat, and its (line, record)s in order: opened and logged."""
    return readable.opened(
        desk,
        item,
        purpose,
        MEDIA_TYPE,
        what="a chat",
        hint=f"if it is a chat: custody derive {item.label}; custody records shows what is no chat",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A readable form in short. ``never``: what its format never contains; the rest as its last line counts it."""

    reader: str
    version: int
    chats: tuple[Chat, ...]
    attachments: dict[str, int]
    declared: int | None
    unread: int
    notices: dict[str, int]
    open: tuple[str, ...]
    never: tuple[str, ...]


def about_forms(
    desk: Desk, item: ItemRow, purpose: Purpose, newer: list[str] | None = None
) -> tuple[About | None, dict[str, Any] | None]:
    """What the newest forms of an item say in short: of a chat, and the counts of records. Opened and logged.

    ``newer`` takes the labels of forms that only a newer custody can read.
    """
    chat: About | None = None
    rows: dict[str, Any] | None = None
    for form in readable.each(desk, item, purpose):
        if form.media_type == MEDIA_TYPE:
            chat = chat or about(form.lines, form.row.label)
        elif form.media_type == ROWS:
            rows = rows or _counts(form)
        elif newer is not None:
            newer.append(form.row.label)
        if chat is not None and rows is not None:
            break
    return chat, rows


def _counts(form: readable.Form) -> dict[str, Any]:
    counts = form.trees.get("records")
    if not isinstance(counts, dict) or counts.get("schema") != ROWS_SCHEMA:
        raise CheckFailed("a readable form of records whose content part has no counts", where=form.row.label)
    return counts


def about(given: Lines, where: str) -> About:
    """What the lines of a readable form say beside its messages. CheckFailed where its first line is missing."""
    from custody.evidence.chat import registry

    lines = [record for _, record in given if record["record"] != "message"]
    if lines[0]["record"] != "import":
        raise CheckFailed("a readable form that does not say first what was read", where=where)
    made, account = lines[0]["reader"], lines[-1]
    known = [reader for reader in registry.READERS if reader.name == made["name"]]
    return About(
        reader=made["name"],
        version=made["version"],
        chats=tuple(chats(lines)),
        attachments=account["attachments"],
        declared=account.get("declared"),
        unread=account["unread"],
        notices=account["notices"],
        open=tuple(account["open"]),
        never=known[0].never if known else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation in short. ``senders``: (name, messages) by those who wrote."""

    title: str | None
    kind: str
    platform: str
    messages: int
    events: int
    senders: tuple[tuple[str, int], ...]
    first_time: str | None
    last_time: str | None


def chats(lines: Sequence[dict[str, Any]]) -> list[Chat]:
    """The conversations that `records` told of, from all its records but the messages."""
    names = {one["id"]: one.get("name") or one["id"] for one in lines if one["record"] == "participant"}
    tallies = {one["conversation"]: one for one in lines if one["record"] == "tally"}
    found = []
    for one in lines:
        if one["record"] != "conversation":
            continue
        tally = tallies.get(one["id"], {})
        senders = sorted(tally.get("senders", {}).items(), key=lambda pair: (-pair[1], pair[0]))
        found.append(
            Chat(
                title=one.get("title"),
                kind=one["kind"],
                platform=one["platform"],
                messages=tally.get("messages", 0),
                events=tally.get("events", 0),
                senders=tuple((names.get(sender, sender), count) for sender, count in senders),
                first_time=tally.get("first_time"),
                last_time=tally.get("last_time"),
            )
        )
    return found
