"""Snapchat, "My Data": `chat_history.json`, in the form since 2022 and in the older one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from html import unescape
from typing import Any

from custody.evidence.chat import json_text, times
from custody.evidence.chat.json_slices import Element, Slices, Value
from custody.evidence.chat.model import Conversation, Message, Participant, Plain, Record, Time, attachment
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Member
from custody.evidence.reading import Detected, Notice, Range, Settings

PATTERNS = ("*[*]",)
OLD = {"Received Saved Chat History": "in", "Sent Saved Chat History": "out"}
_NAME = re.compile(r"(?:chat|snap)_history\.json", re.IGNORECASE)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) UTC", re.ASCII)
_KNOWN = frozenset(
    {
        "From",
        "To",
        "Media Type",
        "Created",
        "Content",
        "Text",
        "IsSender",
        "Created(microseconds)",
        "Media IDs",
    }
)
_TITLE = "Conversation Title"
_KINDS = {"TEXT": "text", "MEDIA": "media", "STICKER": "sticker", "NOTE": "voice", "LOCATION": "location"}
_EVENTS = {
    "STATUSERASEDMESSAGE": "message_erased",
    "STATUSPARTICIPANTREMOVED": "member_removed",
    "STATUSSAVETOCAMERAROLL": "saved_to_camera_roll",
}


def detect(export: Export) -> Detected | None:
    """By the keys of Snapchat's messages; its name, `chat_history.json`, alone is not enough."""
    found = []
    for member in export.members:
        if export.zipped and _NAME.fullmatch(member.base) is None:
            continue
        head = member.head(256 << 10)
        new = b'"Media Type"' in head and b'"Created"' in head and b'"From"' in head
        old = any(key.encode() in head for key in OLD)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and (new or old):
            found.append(member)
    if not found:
        return None
    named = any(_NAME.fullmatch(member.base) is not None for member in found)
    # A single file's own name is not told: it may be withheld.
    where = f" in {found[0].base}" if export.zipped else ""
    reasons = (f"keys of Snapchat's messages{where}", *(("its name is Snapchat's",) if named else ()))
    return Detected(
        score=95 if named else 85, reasons=reasons, members=tuple(member.index for member in found)
    )


def like(value: Mapping[str, Any]) -> bool:
    """Whether an object is a message, as far as its keys tell."""
    return "Created" in value and ("Media Type" in value or "From" in value or "To" in value)


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands; ``array``: the key of its list, which in the older form tells the direction."""

    member: int
    start: int
    conversation: str
    place: str
    array: str
    snaps: bool = False


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
    people: dict[str, Participant] = {}

    def person(name: Any, exporter: bool | None) -> str | None:
        if type(name) is not str or not name:
            return None
        key = f"snapchat:{name}"
        people.setdefault(key, Participant(key, name, ({"type": "snapchat_user", "value": name},), exporter))
        return key

    old = OLD.get(at.array)
    sending = value.get("IsSender")
    direction = old or ("out" if sending is True else "in" if sending is False else None)
    values: dict[str, Any] = {"direction": direction}
    values["sender"] = person(value.get("From"), True if sending is True else None)
    values["sender_text"] = value.get("From") if values["sender"] is not None else None
    if (to := person(value.get("To"), None)) is not None:
        values["recipients"] = [to]
    if values["sender"] is None and old != "out":
        found.add("sender_unknown")
    time = _time(value.get("Created"), value.get("Created(microseconds)"), found)
    if time is None or time.utc is None:
        found.add("time_not_read")
    text, repair = _text(value, old is not None)
    media_type = value.get("Media Type")
    kind, event = _kind(media_type, text)
    if at.snaps:
        kind = "media"
    extra = {key: json_text.plain(one) for key, one in value.items() if key not in _KNOWN and one is not None}
    if type(media_type) is str:
        extra["media_type"] = media_type
    attachments = _media(value.get("Media IDs"))
    if attachments and kind in ("text", "unknown"):
        kind = "media"
    for key in ("Content", "Text"):
        if value.get(key) is not None and type(value[key]) is not str:
            extra[key] = json_text.plain(value[key])
    if kind == "unknown":
        found.add("no_content")
    made = Message(
        at.member,
        at.start,
        end,
        raw,
        at.conversation,
        kind,
        at.place,
        time=time,
        text=text,
        repair=repair,
        event=event,
        attachments=attachments or None,
        extra=extra or None,
        flags=tuple(sorted(found)),
        **values,
    )
    return tuple(people.values()), made


def _text(value: dict[str, Any], old: bool) -> tuple[str | None, str | None]:
    """The text, and how it was mended: the older form writes it with HTML's character references."""
    for key in ("Content", "Text"):
        text = value.get(key)
        if type(text) is str and text:
            mended = unescape(text) if old or key == "Text" else text
            return mended, "html_unescape" if mended != text else None
    return None, None


def _kind(media_type: Any, text: str | None) -> tuple[str, Plain | None]:
    if type(media_type) is str and media_type.upper() in _EVENTS:
        return "system", {"kind": _EVENTS[media_type.upper()]}
    if type(media_type) is str and media_type.upper().startswith("STATUS"):
        return "system", {"kind": "other"}
    kind = _KINDS.get(media_type.upper()) if type(media_type) is str else None
    if kind == "text" or kind is None:
        return ("text" if text else "unknown"), None
    return kind, None


def _media(value: Any) -> list[Plain]:
    """Ids of media. Which file they are is not said anywhere: only an id in a file's name could tell."""
    if type(value) is not str or not value.strip():
        return []
    ids = [one.strip() for one in value[:100_000].split("|")]
    # The files that may be theirs lie in `chat_media` without a link: none is claimed.
    return [
        attachment(name=None, state="missing", basis="none", extra={"media_id": one}) for one in ids if one
    ]


def _time(text: Any, count: Any, flags: set[str]) -> Time | None:
    match = _TIME.fullmatch(text) if type(text) is str else None
    utc = None
    if match is not None:
        try:
            local = times.local_time(*(int(match[at]) for at in range(1, 7)))
            utc = times.write(local.replace(tzinfo=UTC), "second")
        except ValueError:
            utc = None
    if type(count) is int:
        # The field is called microseconds and holds milliseconds: the second must be that of `Created`.
        for unit in ("ms", "us"):
            exact = times.since_1970(count, unit, text=text if type(text) is str else str(count))
            if utc is not None and exact.utc is not None and exact.utc.startswith(utc):
                return exact
        flags.add("times_differ")
    if utc is not None:
        return Time(text, utc + "Z", precision="second", basis="source_utc")
    if text is None:
        return None
    return Time(text if type(text) is str else str(json_text.plain(text))[:100], note="not_read")


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """File by file, list by list."""
    for index in detected.members:
        yield from _member(export.members[index])


def _member(member: Member) -> Iterator[Record]:
    snaps = member.base.lower().startswith("snap_")
    slices = Slices(member.open(), PATTERNS, like=like)
    current = None
    for piece in slices:
        if isinstance(piece, Element):
            key = piece.array[1:].replace("~1", "/").replace("~0", "~")
            identity = f"{member.index}:{key}"
            if identity != current:
                current = identity
                yield _conversation(identity, key, piece.value, snaps)
            place = f"{piece.array}/{piece.number}"
            at = At(member.index, piece.start, identity, place, key, snaps)
            people, made = message(piece.raw, piece.value, piece.flags, at)
            yield from people
            if made.kind == "unknown":
                yield Notice(
                    "message_not_understood", "a message without content that is known", member.index, place
                )
            yield made
        elif isinstance(piece, Value):
            yield Range(member.index, piece.start, piece.end, "metadata", None, f"{piece.parent}/{piece.key}")
        else:
            yield Range(member.index, piece.start, piece.end, piece.what, piece.text)
            if piece.what == "unread":
                yield Notice("unread_bytes", f"bytes that are no JSON: {piece.why}", member.index)
    if not slices.whole:
        yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", member.index)


def _conversation(identity: str, key: str, value: Any, snaps: bool) -> Conversation:
    title = value.get(_TITLE) if type(value) is dict else None
    if type(title) is str and title:
        return Conversation(identity, title, "export", "unknown", "snapchat", key)
    derived = key if key in OLD or snaps else None
    return Conversation(identity, derived, "derived" if derived else "none", "unknown", "snapchat", key)


READER = Reader(
    name="snapchat-json",
    version=1,
    title="Snapchat, JSON",
    zone="UTC, to the second, in newer downloads to the millisecond",
    detect=detect,
    read=read,
    contains=("sender's user name, kind, saved text, time, ids of media",),
    never=(
        "which file of `chat_media` belongs to which message",
        "the text of chats that were not saved, and what snaps showed",
        "ids of messages, replies, reactions",
    ),
)
