"""Discord: a channel as DiscordChatExporter writes it, and the messages of Discord's own data package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from custody.evidence.chat import times
from custody.evidence.chat.discord_parts import (
    EVENTS,
    KINDS,
    KNOWN,
    SCALARS,
    TALK,
    attachments,
    packed,
    reactions,
)
from custody.evidence.chat.json_rest import Files, iso_time, rest, short, text_of, unreadable, whole_number
from custody.evidence.chat.json_slices import Element, Slices, Value, beside
from custody.evidence.chat.json_text import load_bytes, plain
from custody.evidence.chat.model import Conversation, Declared, Message, Participant, Record, Time
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Settings

ARRAYS = ("messages[*]",)
PACKAGE = ("[*]",)
_ABOUT = frozenset({"guild", "channel", "dateRange", "exportedAt"})
_SNOWFLAKES = 1_420_070_400_000
"""Discord counts its ids' milliseconds from 2015."""
_DAY = 86_400_000
_TOLERANCE = 1_000
_FOLDER = re.compile(r"(?:.*/)?c?([0-9]{15,20})/messages\.json", re.DOTALL)
_DCE = re.compile(rb'"channel"\s*+:\s*+\{')
_GUILD = re.compile(rb'"guild"\s*+:\s*+\{')
_AUTHOR = re.compile(rb'"author"\s*+:\s*+\{')
_TIMESTAMP = re.compile(rb'"timestamp"\s*+:\s*+"[0-9]{4}-')
_ARRAY = re.compile(rb'"messages"\s*+:\s*+\[')
_PACKED = re.compile(rb'\s*+\[\s*+\{\s*+"ID"\s*+:\s*+"?[0-9]++"?\s*+,\s*+"Timestamp"\s*+:')


def like(value: Mapping[str, Any]) -> bool:
    """Whether an object is a message (asked after damage)."""
    return ("timestamp" in value and "author" in value) or ("Timestamp" in value and "Contents" in value)


def detect(export: Export) -> Detected | None:
    """By the first bytes: guild, channel, messages with author and timestamp; or ID, Timestamp, Contents."""
    full, package = [], []
    for member in export.members:
        if export.zipped and not member.base.lower().endswith(".json"):
            continue
        head = member.head()
        if _PACKED.match(head):
            package.append(member.index)
        elif _DCE.search(head) and _ARRAY.search(head) and (_GUILD.search(head) or _AUTHOR.search(head)):
            full.append(
                (member.index, bool(_GUILD.search(head) and _AUTHOR.search(head) and _TIMESTAMP.search(head)))
            )
    if full:
        sure = any(one[1] for one in full)
        why = "JSON with guild, channel and messages with author and timestamp, as DiscordChatExporter writes"
        return Detected(score=95 if sure else 70, reasons=(why,), members=tuple(one[0] for one in full))
    if package:
        why = "JSON lists of ID, Timestamp, Contents, as Discord's own data package has them"
        return Detected(score=92, reasons=(why,), members=tuple(package))
    return None


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """All records of all files."""
    run = _Run(export)
    for at in detected.members:
        member = export.members[at]
        if _PACKED.match(member.head()):
            yield from run.package(member)
        else:
            yield from run.channel(member)


class _Run:
    """What is known while reading."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._files = Files(export)
        self._chats = 0
        self._people: set[str] = set()
        self._told: set[str] = set()
        self._before: list[Record] = []
        self._last: dict[str, None] = {}

    def channel(self, member: Member) -> Iterator[Record]:
        """A file of DiscordChatExporter."""
        at = member.index
        facts: dict[str, Any] = {}
        chat = ""
        slices = Slices(member.open(), ARRAYS, like=like)
        for piece in slices:
            if type(piece) is Element:
                if not chat:
                    if "channel" not in facts:
                        facts |= beside(member.open(), ARRAYS, like=like, keys=_ABOUT).get("", {})
                    conversation = self._conversation(facts)
                    chat = conversation.id
                    yield conversation
                message = self._message(piece, member, chat)
                yield from self._before
                self._before = []
                yield message
                continue
            if type(piece) is Value:
                if piece.parent == "" and piece.key in _ABOUT:
                    facts[piece.key] = piece.value
                if (
                    piece.key == "messageCount"
                    and (count := whole_number(piece.value)) is not None
                    and count >= 0
                ):
                    yield Declared(min(count, 2**53 - 1), chat or None)
            yield from rest(piece, at)  # type: ignore[arg-type]
        if not slices.whole:
            yield Notice("not_whole", "this file is no whole JSON: it was cut off or changed", at)

    def _conversation(self, facts: dict[str, Any]) -> Conversation:
        self._chats += 1
        channel = facts.get("channel")
        channel = channel if type(channel) is dict else {}
        name = text_of(channel.get("name"))
        kind = text_of(channel.get("type")) or ""
        extra = plain({key: facts[key] for key in sorted(facts) if facts[key] is not None})
        return Conversation(
            f"c{self._chats}",
            name,
            "export" if name is not None else "none",
            KINDS.get(kind, "group" if kind.startswith("Guild") else "unknown"),
            "discord",
            text_of(channel.get("id")),
            extra or None,
        )

    def _message(self, piece: Element, member: Member, chat: str) -> Message:
        value, at = piece.value, member.index
        place = f"{piece.array}/{piece.number}"
        if "after_damage" in piece.flags:
            self._before.append(
                Notice("after_damage", "the first message after bytes that were not read", at, place)
            )
            piece = piece._replace(flags=tuple(one for one in piece.flags if one != "after_damage"))
        if type(value) is not dict:
            return unreadable(piece, at, chat)
        get = value.get
        flags = piece.flags
        author = get("author")
        author = author if type(author) is dict else {}
        sender, name = text_of(author.get("id")), text_of(author.get("name"))
        sender = short(sender) if sender is not None else None
        if sender is not None and sender not in self._people:
            self._people.add(sender)
            self._before.append(Participant(sender, name, [{"type": "discord_user", "value": sender}]))
        time, others, odd = self._times(value, at)
        flags += odd
        type_ = text_of(get("type")) or ""
        content = text_of(get("content"))
        files, more = attachments(value, member, self._files)
        flags += more
        talk = type_ in TALK or (bool(content) and type_ not in EVENTS)
        kind = "text"
        if type_ == "Call":
            kind = "call"
        elif not talk:
            kind = "system"
        elif not content and get("stickers"):
            kind = "sticker"
        elif not content and files:
            kind = "media"
        self._seen(text_of(get("id")), at, place)
        extra = {
            key: one
            for key, one in value.items()
            if (key not in KNOWN or (key in SCALARS and type(one) in (dict, list)))
            and one is not None
            and one != []
        }
        if type(get("author")) is not dict and get("author") is not None:
            extra["author"] = get("author")
        if rest_ := {key: one for key, one in author.items() if key not in ("id", "name")}:
            extra["author"] = rest_
        if type_ not in ("", "Default"):
            extra["type"] = type_
        reference, forwarded = get("reference"), get("forwardedMessage")
        forward = reply = None
        if type(reference) is dict:
            shown = {
                name: plain(reference[key])
                for key, name in (
                    ("messageId", "native_id"),
                    ("channelId", "channel_id"),
                    ("guildId", "guild_id"),
                    ("type", "type"),
                )
                if reference.get(key) is not None
            }
            if reference.get("type") == "Forward" or forwarded is not None:
                forward = shown
            elif talk:
                reply = shown
            else:
                extra["reference"] = reference
        elif reference is not None:
            extra["reference"] = reference
        if forwarded is not None:
            forward = {**(forward or {}), "message": plain(forwarded, depth=8)}
        return Message(
            at,
            piece.start,
            piece.end,
            piece.raw,
            chat,
            kind,
            place,
            time,
            sender,
            name,
            content if content or kind == "text" else None,
            native_id=text_of(get("id")),
            times=others or None,
            repair="json_x_escape" if "json_repaired" in flags else None,
            attachments=files,
            reactions=reactions(get("reactions")),
            edit={"is_edited": True, "history_complete": False} if "edited" in others else None,
            reply_to=reply,
            forward=forward,
            call={"media": "audio"} if kind == "call" else None,
            event={"kind": EVENTS.get(type_, "other"), "action": type_} if kind == "system" else None,
            extra=plain(extra) or None,
            flags=flags,
        )

    def _times(self, value: dict[str, Any], at: int) -> tuple[Time | None, dict[str, Time], tuple[str, ...]]:
        get = value.get
        others: dict[str, Time] = {}
        flags: tuple[str, ...] = ()
        stamp = get("timestamp")
        time = iso_time(stamp) if type(stamp) is str else None
        if time is not None and "zone" not in self._told:
            self._told.add("zone")
            why = "each timestamp has its offset; with the exporter's --utc it is +00:00"
            if time.utc is not None:
                self._before.append(Decided("zone", time.offset, "decided", (why,), at))
        for key, name in (("timestampEdited", "edited"), ("callEndedTimestamp", "call_ended")):
            if type(stamp := get(key)) is str:
                others[name] = iso_time(stamp)
        number = whole_number(get("id"))
        if number is not None and number >= 0:
            milliseconds = number >> 22
            if milliseconds < _DAY:
                flags = ("id_without_time",)
            else:
                flake = times.since_1970(milliseconds + _SNOWFLAKES, "ms", text=str(number))
                others["snowflake"] = flake
                if (
                    time is not None
                    and time.utc is not None
                    and flake.utc is not None
                    and _apart(time.utc, flake.utc)
                ):
                    flags = ("id_and_timestamp_disagree",)
        return time, others, flags

    def _seen(self, native: str | None, at: int, place: str) -> None:
        if native is None or len(native) > 40:
            return
        if native in self._last:
            why = "two messages with one number: the exporter repeats some at the borders of its pages; both are kept"
            self._before.append(Notice("doubled_id", why, at, place))
        self._last[native] = None
        if len(self._last) > 1000:
            del self._last[next(iter(self._last))]

    # --- Discord's own data package --------------------------------------------------------------------

    def package(self, member: Member) -> Iterator[Record]:
        """One channel's `messages.json`: own messages only."""
        at = member.index
        match = _FOLDER.fullmatch(member.name.replace("\\", "/"))
        native = match[1] if match is not None else None
        self._chats += 1
        chat = f"c{self._chats}"
        title = self._title(member, native)
        yield Conversation(chat, title, "export" if title else "none", "unknown", "discord", native)
        if "me" not in self._people:
            self._people.add("me")
            yield Participant("me", None, (), True)
            why = "the package has no zone; Discord writes its times in UTC"
            yield Decided("zone", "UTC", "inferred", (why,), at)
        slices = Slices(member.open(), PACKAGE, like=like)
        for piece in slices:
            if type(piece) is not Element:
                yield from rest(piece, at)  # type: ignore[arg-type]
            elif type(piece.value) is dict:
                yield packed(piece, member, chat, self._files)
            else:
                yield unreadable(piece, at, chat)
        if not slices.whole:
            yield Notice("not_whole", "this file is no whole JSON: it was cut off or changed", at)

    def _title(self, member: Member, native: str | None) -> str | None:
        """From `channel.json` beside it, or `index.json` above."""
        for path, key in (("channel.json", "name"), ("../index.json", native)):
            folder = member.name.replace("\\", "/").rpartition("/")[0]
            if path.startswith("../"):
                folder, path = folder.rpartition("/")[0], path[3:]
            at = self._files.at(f"{folder}/{path}" if folder else path)
            if at is None or self._export.members[at].size > 1 << 20:
                continue
            value, _ = load_bytes(self._export.members[at].open().read(0, 1 << 20))
            if type(value) is dict and key is not None and type(value.get(key)) is str:
                return str(value[key])
        return None


def _apart(one: str, other: str) -> bool:
    """Whether two instants are more than a second apart."""
    return abs(times.milliseconds(one) - times.milliseconds(other)) > _TOLERANCE


READER = Reader(
    name="discord-json",
    version=1,
    title="Discord (DiscordChatExporter's JSON, or Discord's own data package)",
    zone="UTC or local time, each with its offset; the data package has none and is taken as UTC",
    detect=detect,
    read=read,
    contains=(
        "message numbers (which hold a time of their own), authors, texts, replies, reactions, time of the last edit",
        "attachments by name and address, as files where the exporter saved them",
        "the data package: the account's own messages only",
    ),
    never=(
        "deleted messages, and the text before an edit",
        "who read a message",
        "mentions as they were typed: the exporter may have rewritten them",
        "in the data package: anybody else's messages, replies and reactions",
    ),
)
