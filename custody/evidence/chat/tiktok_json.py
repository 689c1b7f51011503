"""TikTok, "Download your data" as JSON: direct messages in `user_data.json` or `user_data_tiktok.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.chat import json_text, times
from custody.evidence.chat.json_slices import Element, Slices, Value
from custody.evidence.chat.model import Conversation, Message, Participant, Record, Time
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

PATTERNS = tuple(
    f"{first}.{second}.ChatHistory.*[*]"
    for first in ("Direct Messages", "Direct Message")
    for second in ("Chat History", "Direct Messages")
)
_NAME = re.compile(r"user_data(?:_tiktok)?\.json", re.IGNORECASE)
_KEY = re.compile(rb'"Direct Messages?"\s*:')
_CHAT = re.compile(rb'"(?:Chat History with|ChatHistory)')
_WITH = re.compile(r"(?:Chat History with )(.*?):?", re.DOTALL)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?: ?(?:UTC|Z))?", re.ASCII)
_KNOWN = frozenset({"Date", "From", "Content"})


def detect(export: Export) -> Detected | None:
    """By the name that TikTok gives, or the keys of its messages."""
    found, reasons, score = [], [], 0
    for member in export.members:
        named = _NAME.fullmatch(member.base) is not None
        if not named and export.zipped:
            continue
        first = member.head(1 << 20)
        if not first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            continue
        keyed = _KEY.search(first) is not None and _CHAT.search(first) is not None
        sections = b'"Activity"' in first or b'"Profile"' in first or b'"App Settings"' in first
        if keyed or (named and sections):
            found.append(member.index)
            score = max(score, 95 if keyed else 70)
            reasons.append("the keys of TikTok's messages" if keyed else "TikTok's file name and sections")
    if not found:
        return None
    return Detected(score=score, reasons=tuple(reasons), members=tuple(found))


def like(value: Mapping[str, Any]) -> bool:
    """Whether an object is a message, as far as its keys tell."""
    return {"Date", "From"} <= value.keys() and ("Content" in value or len(value) <= 4)


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands."""

    member: int
    start: int
    conversation: str
    place: str
    zone: ZoneInfo | None = None
    """What a person stated; it holds for times that do not say UTC themselves."""


def message(
    raw: bytes, value: Any, flags: tuple[str, ...], at: At
) -> tuple[tuple[Participant, ...], Message]:
    """The message in ``raw``, whose JSON is ``value``."""
    end = at.start + len(raw)
    if type(value) is not dict:
        whole = raw.decode("utf-8", "replace")
        marks = tuple(sorted({*flags, "not_a_message"}))
        made = Message(
            at.member, at.start, end, raw, at.conversation, "unknown", at.place, text=whole, flags=marks
        )
        return (), made
    found = set(flags)
    people: tuple[Participant, ...] = ()
    sender = value.get("From")
    if type(sender) is str and sender:
        people = (Participant(f"name:{sender}", sender, ({"type": "tiktok_name", "value": sender},)),)
    else:
        sender = None
        found.add("sender_unknown")
    time = _time(value.get("Date"), at.zone)
    if time is None or time.note == "not_read":
        found.add("time_not_read")
    text = value.get("Content")
    extra = {key: json_text.plain(one) for key, one in value.items() if key not in _KNOWN}
    if text is not None and type(text) is not str:
        extra["Content"] = json_text.plain(text)
        text = None
    if not text:
        found.add("no_content")
    made = Message(
        at.member,
        at.start,
        end,
        raw,
        at.conversation,
        "text" if text else "unknown",
        at.place,
        time=time,
        sender=people[0].id if people else None,
        sender_text=sender,
        text=text or None,
        extra=extra or None,
        flags=tuple(sorted(found)),
    )
    return people, made


def _time(value: Any, zone: ZoneInfo | None) -> Time | None:
    if type(value) is not str:
        return None if value is None else Time(str(json_text.plain(value))[:100], note="not_read")
    match = _TIME.fullmatch(value)
    if match is not None:
        try:
            local = times.local_time(*(int(match[at]) for at in range(1, 7)))
        except ValueError:
            match = None
    if match is None:
        return Time(value, note="not_read")
    # Only what says UTC itself is taken for it, as `tiktok-logins` does with the logins of the same file.
    if value.endswith(("UTC", "Z")):
        return Time(value, times.write(local.replace(tzinfo=UTC), "second") + "Z", basis="source_utc")
    return times.in_zone(value, local, "second", zone)


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """File by file, chat by chat."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if zone is not None:
        yield Decided("zone", settings.time_zone, "stated")
    for index in detected.members:
        yield from _member(export.members[index], zone)


def _member(member: Member, zone: ZoneInfo | None) -> Iterator[Record]:
    slices = Slices(member.open(), PATTERNS, like=like)
    current, unzoned = "", 0
    for piece in slices:
        if isinstance(piece, Element):
            key = piece.array.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            match = _WITH.fullmatch(key)
            chat = piece.array if match is None else match[1]
            identity = f"{member.index}:{chat}"
            if identity != current:
                current = identity
                yield Conversation(
                    identity, chat, "export" if match else "none", "unknown", "tiktok", None if match else key
                )
            place = f"{piece.array}/{piece.number}"
            people, made = message(
                piece.raw, piece.value, piece.flags, At(member.index, piece.start, identity, place, zone)
            )
            unzoned += made.time is not None and made.time.local is not None and made.time.basis == "unknown"
            yield from people
            if made.kind == "unknown":
                yield Notice("message_not_understood", "a message without text", member.index, place)
            yield made
        elif isinstance(piece, Value):
            yield Range(member.index, piece.start, piece.end, "outside", None, f"{piece.parent}/{piece.key}")
            if _holds_chats(piece):
                yield Notice(
                    "chats_in_unknown_place",
                    "what looks like chats stands where this reader does not look",
                    member.index,
                    f"{piece.parent}/{piece.key}",
                )
        else:
            yield Range(member.index, piece.start, piece.end, piece.what, piece.text)
            if piece.what == "unread":
                yield Notice("unread_bytes", f"bytes that are no JSON: {piece.why}", member.index)
    if unzoned:
        yield Decided("zone", None, "open", (f"{unzoned} times give no offset",), member.index)
    if not slices.whole:
        yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", member.index)


def _holds_chats(piece: Value) -> bool:
    """Messages in a section that is passed over: groups, or a newer form."""
    waiting = [piece.value]
    for _ in range(1_000):
        if not waiting:
            return False
        one = waiting.pop()
        if type(one) is dict:
            if {"Date", "From", "Content"} <= one.keys():
                return True
            waiting.extend(one.values())
        elif type(one) is list:
            waiting.extend(one[:2])
    return False


READER = Reader(
    name="tiktok-json",
    version=2,
    title="TikTok, JSON",
    zone="none, unless the times say UTC: no document of TikTok that says so is known to us",
    detect=detect,
    read=read,
    contains=("sender's name, text, time to the second",),
    never=(
        "ids of messages or people",
        "the zone of its times, unless they say UTC",
        "shared videos, other than as a link or as an empty message",
        "reactions, replies, edits, read receipts, deleted messages",
    ),
    asks=("time_zone",),
)
