"""Messenger and Instagram, the JSON form of Meta's "Download your information", and of end-to-end encrypted chats.

Files of one thread (`message_1.json`, `message_2.json` … `message_10.json`) are one conversation, read by
number; each of them is newest first. Broken text is mended (`mojibake`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from custody.evidence.chat import json_slices, json_text, mojibake, times
from custody.evidence.chat.meta_message import Made, encrypted, plain_message
from custody.evidence.chat.model import Conversation, Message, Participant, Record
from custody.evidence.chat.mojibake import Mending
from custody.evidence.chat.named_files import Files, Thread, platform, threads
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Member
from custody.evidence.reading import Detected, Notice, Range, Settings

PATTERNS = ("messages[*]",)
_NAME = re.compile(r"message_[0-9]{1,9}\.json", re.IGNORECASE)
_NUMBERED = re.compile(r".+_[0-9]{1,9}\.json", re.IGNORECASE | re.DOTALL)
_LOOKED = 10_000
_THREAD = frozenset({"participants", "title", "thread_path", "thread_type", "threadName"})


def detect(export: Export) -> Detected | None:
    """By the names that Meta gives and the keys of its messages."""
    named = [member for member in export.members if _NAME.fullmatch(member.base)]
    marked = [member for member in named[:20] if _form(member) is not None]
    wanted = {member.index for member in named} if marked else set()
    others = [one for one in export.members if not _NAME.fullmatch(one.base) and _maybe(export, one)]
    for member in others[:_LOOKED]:
        if _form(member) is not None:
            wanted.add(member.index)
    if not wanted:
        return None
    first = export.members[min(wanted)]
    reasons = [f"keys of Meta's messages: {_form(first) or _form(marked[0])}"]
    if named:
        reasons.append(f"named as Meta names its message files: {len(named)}")
    score = 95 if named else 90
    return Detected(score=score, reasons=tuple(reasons), members=tuple(sorted(wanted)))


def _maybe(export: Export, member: Member) -> bool:
    return not export.zipped or _NUMBERED.fullmatch(member.base) is not None


def _form(member: Member) -> str | None:
    head = member.head(64 << 10)
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or b'"messages"' not in head:
        return None
    if b'"sender_name"' in head and b'"timestamp_ms"' in head:
        return "sender_name, timestamp_ms"
    if b'"senderName"' in head and b'"threadName"' in head:
        return "senderName, threadName"
    return None


def like(value: Mapping[str, Any]) -> bool:
    """Whether an object is a message, as far as its keys tell."""
    return ("sender_name" in value and "timestamp_ms" in value) or (
        "senderName" in value and "timestamp" in value
    )


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands, and what was decided about its file."""

    member: int
    start: int
    conversation: str
    place: str
    path: str
    files: Files
    mending: Mending


def message(
    raw: bytes, value: Any, flags: tuple[str, ...], at: At
) -> tuple[tuple[Participant, ...], Message]:
    """The message in ``raw``, whose JSON is ``value``: None, and a flag, where it could not be read."""
    end = at.start + len(raw)
    if type(value) is not dict:
        text = raw.decode("utf-8", "replace")
        marks = tuple(sorted({*flags, "not_a_message"}))
        return (), Message(
            at.member, at.start, end, raw, at.conversation, "unknown", at.place, text=text, flags=marks
        )
    found = set(flags)
    value = at.mending.value(value, found)
    reader = encrypted if "senderName" in value else plain_message
    made: Made = reader(value, at.files, at.path, found)
    repair = mojibake.REPAIR if "mended" in found else None
    found.discard("mended")
    made.values["flags"] = tuple(sorted(found))
    return tuple(made.people.values()), Message(
        at.member, at.start, end, raw, at.conversation, made.kind, at.place, repair=repair, **made.values
    )


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Thread by thread, the files of a thread by their number."""
    if settings.time_zone is not None:
        times.zone(settings.time_zone)
    files = Files.of(export)
    for thread in threads(export, detected.members):
        yield from _thread(thread, files)


def _thread(thread: Thread, files: Files) -> Iterator[Record]:
    started = False
    for member in thread.members:
        mending, decided = mojibake.decide(member)
        yield decided
        if not started:
            around = json_slices.beside(member.open(), PATTERNS, like=like).get("", {})
            around = mending.value(around, set())
            if "/" not in thread.id and type(around.get("thread_path")) is str:
                thread = replace(thread, id=around["thread_path"])
            yield from _conversation(thread, member, around)
            started = True
        yield from _member(thread, member, files, mending)


def _member(thread: Thread, member: Member, files: Files, mending: Mending) -> Iterator[Record]:
    slices = json_slices.Slices(member.open(), PATTERNS, like=like)
    for piece in slices:
        if isinstance(piece, json_slices.Element):
            place = f"{piece.array}/{piece.number}"
            at = At(member.index, piece.start, thread.id, place, member.name, files, mending)
            people, made = message(piece.raw, piece.value, piece.flags, at)
            yield from people
            if made.kind == "unknown":
                yield Notice(
                    "message_not_understood", "a message without content that is known", member.index, place
                )
            yield made
        elif isinstance(piece, json_slices.Value):
            what = "metadata" if not piece.parent else "outside"
            yield Range(member.index, piece.start, piece.end, what, None, f"{piece.parent}/{piece.key}")
        else:
            yield Range(member.index, piece.start, piece.end, piece.what, piece.text)
            if piece.what == "unread":
                yield Notice("unread_bytes", f"bytes that are no JSON: {piece.why}", member.index)
    if not slices.whole:
        yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", member.index)


def _conversation(thread: Thread, member: Member, around: dict[str, Any]) -> Iterator[Record]:
    names = []
    for one in around.get("participants") or () if type(around.get("participants")) is list else ():
        name = one.get("name") if type(one) is dict else one
        if type(name) is str and name:
            names.append(name)
    title = around.get("title", around.get("threadName"))
    title = title if type(title) is str and title else None
    path = around.get("thread_path")
    kind = "unknown"
    if around.get("thread_type") == "RegularGroup" or len(names) > 2:
        kind = "group"
    elif len(names) == 2 and around.get("thread_type") in (None, "Regular"):
        kind = "direct"
    extra = {key: json_text.plain(one) for key, one in around.items() if key not in _THREAD}
    if around.get("thread_type") is not None:
        extra["thread_type"] = json_text.plain(around["thread_type"])
    yield Conversation(
        thread.id,
        title,
        "export" if title else "none",
        kind,
        platform(thread.path),
        path if type(path) is str else None,
        extra or None,
    )
    for name in names:
        yield Participant(f"name:{name}", name, ({"type": "display_name", "value": name},))


READER = Reader(
    name="meta-json",
    version=1,
    title="Messenger and Instagram, JSON",
    zone="UTC, to the millisecond",
    detect=detect,
    read=read,
    contains=(
        "sender's name, text, time to the millisecond, reactions, links, calls, photos and other files",
        "that a message was unsent, where the download still has it",
    ),
    never=(
        "ids of messages or people: two people of one name can't be told apart",
        "replies, earlier versions of edited messages, read receipts",
        "the text of messages that were unsent, most times",
    ),
)
