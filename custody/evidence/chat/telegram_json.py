"""Telegram Desktop's JSON: `result.json` of one chat, or of an account with all its chats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from custody.evidence.chat import times
from custody.evidence.chat.json_rest import Files, rest, short, text_of, unreadable, whole_number
from custody.evidence.chat.json_slices import Element, Gap, Slices, Value, beside
from custody.evidence.chat.json_text import plain
from custody.evidence.chat.model import Conversation, Message, Participant, Reading, Record, Time
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.telegram_parts import (
    EVENTS,
    FILES,
    MEDIA,
    MESSAGE,
    SERVICE,
    attachments,
    contact,
    forward,
    kind,
    location,
    poll,
    reactions,
    text_and_entities,
)
from custody.evidence.export import Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

ARRAYS = ("messages[*]", "chats.list[*].messages[*]", "left_chats.list[*].messages[*]")
SECRET = frozenset({"sessions", "web_sessions"})
SIMPLE = frozenset({"id", "type", "date", "date_unixtime", "from", "from_id", "text", "text_entities"})
FACTS = frozenset({"name", "type", "id"})
NESTED = frozenset({dict, list})
PARTS = frozenset(
    {"text", "text_entities", "reactions", "poll", "location_information", "contact_information", "members"}
)
"""Keys whose values are lists or objects; what others have of these is kept in `extra`."""
_TYPES = {
    "saved_messages": "saved",
    "personal_chat": "direct",
    "bot_chat": "bot",
    "private_group": "group",
    "private_supergroup": "group",
    "public_supergroup": "group",
    "private_channel": "channel",
    "public_channel": "channel",
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_CLOCK = tuple(f":{second // 60:02d}:{second % 60:02d}" for second in range(3600))
_new = tuple.__new__
"""A NamedTuple of all its values, in a third of the time."""
_NOTHING_MORE = (*(None,) * (len(Message._fields) - 14), ())
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 — naive on both sides of the difference
_MESSAGES = re.compile(rb'"messages"\s*+:\s*+\[')
_MESSAGE = re.compile(rb'"type"\s*+:\s*+"(?:message|service)"')
_DATED = re.compile(rb'"(?:date|date_unixtime)"\s*+:\s*+"[0-9]')
_SURE = re.compile(rb'"(?:date_unixtime|text_entities|from_id|actor_id)"\s*+:')
_ACCOUNT = re.compile(rb'"personal_information"\s*+:|"about"\s*+:\s*+"[^"]{0,40}Telegram')


def like(value: Mapping[str, Any]) -> bool:
    """Whether an object is a message (asked after damage)."""
    return value.get("type") in ("message", "service") and ("date" in value or "date_unixtime" in value)


def detect(export: Export) -> Detected | None:
    """By the first bytes: messages of Telegram's own types and fields."""
    best: list[tuple[int, str, int]] = []
    for member in export.members:
        base = member.base.lower()
        if export.zipped and (
            not base.endswith(".json") or (len(export.members) > 50 and base != "result.json")
        ):
            continue
        found = _judge(member.head(256 << 10))
        if found is not None:
            best.append((*found, member.index))
    if not best:
        return None
    score = max(one[0] for one in best)
    return Detected(
        score=score,
        reasons=tuple(dict.fromkeys(one[1] for one in best)),
        members=tuple(sorted(one[2] for one in best)),
    )


def _judge(head: bytes) -> tuple[int, str] | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"{"):
        return None
    if _MESSAGES.search(head) and _MESSAGE.search(head) and _DATED.search(head):
        if _SURE.search(head):
            return 95, "JSON with messages of the types and fields that Telegram Desktop writes"
        return 85, "JSON with messages of Telegram's types, each with a date"
    if _ACCOUNT.search(head) and (b'"contacts"' in head or b'"chats"' in head or b'"left_chats"' in head):
        return 75, "JSON that begins as Telegram Desktop's export of an account does"
    if _MESSAGES.search(head) and re.search(
        rb'"type"\s*+:\s*+"(?:saved_messages|personal_chat|bot_chat)"', head
    ):
        return 75, "JSON of a chat with one of Telegram's chat types"
    return None


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """All records of all files."""
    run = _Run(export, settings)
    for at in detected.members:
        yield from run.file(export.members[at])


class _Run:
    """What is known while reading."""

    def __init__(self, export: Export, settings: Settings) -> None:
        self._files = Files(export)
        self._zone = times.zone(settings.time_zone) if settings.time_zone else None
        self._chats = 0
        self._people: set[str] = set()
        self._exporter: str | None = None
        self._told: set[str] = set()
        self._before: list[Record] = []
        """Records that must stand before the message that is being made."""
        self._beside: dict[str, dict[str, Any]] | None = None
        self._hours: dict[tuple[str, int], tuple[str, str]] = {}
        """(local day and hour, hours since 1970) → (offset, the day and hour in UTC): most messages share them."""
        self._offset: str | None = None
        self._offsets: dict[int, str | None] = {}

    def file(self, member: Member) -> Iterator[Record]:
        """One file's records."""
        slices = Slices(member.open(), ARRAYS, like=like)
        facts: dict[str, dict[str, Any]] = {}
        array: str | None = None
        chat = ""
        at = member.index
        quick = self._quick
        self._beside = None
        for piece in slices:
            kind_ = type(piece)
            if kind_ is Gap and piece.what == "syntax":  # type: ignore[union-attr]
                yield _new(Range, (at, piece.start, piece.end, "syntax", None, None))
            elif kind_ is Element:
                if piece.array != array:  # type: ignore[union-attr]
                    array = piece.array  # type: ignore[union-attr]
                    chat = f"c{self._chats + 1}"
                    self._chats += 1
                    yield from self._conversation(member, array, facts, chat)
                message = quick(piece, at, chat) or self._message(piece, at, member, chat)  # type: ignore[arg-type]
                if self._before:
                    yield from self._before
                    self._before = []
                yield message
            elif kind_ is Value:
                if piece.key in FACTS:  # type: ignore[union-attr]
                    facts.setdefault(piece.parent, {})[piece.key] = piece.value  # type: ignore[union-attr]
                if piece.parent == "" and piece.key == "personal_information":  # type: ignore[union-attr]
                    self._account(piece.value)  # type: ignore[union-attr]
                if len(facts) > 4:
                    facts.pop(next(iter(facts)))
                yield from rest(piece, at, SECRET)  # type: ignore[arg-type]
            else:
                yield from rest(piece, at)  # type: ignore[arg-type]
        if not slices.whole:
            yield Notice("not_whole", "this file is no whole JSON: it was cut off or changed", at)

    def _account(self, value: Any) -> None:
        if type(value) is dict and (number := whole_number(value.get("user_id"))) is not None:
            self._exporter = f"user{number}"

    def _conversation(
        self, member: Member, array: str, facts: dict[str, dict[str, Any]], chat: str
    ) -> Iterator[Record]:
        parent = array.rpartition("/")[0]
        known = facts.get(parent, {})
        if not known and "?" not in parent:
            # Other tools write a chat's name after its messages: then the file is read once more.
            if self._beside is None:
                self._beside = beside(member.open(), ARRAYS, like=like, keys=FACTS)
            known = self._beside.get(parent, {})
        name, type_ = text_of(known.get("name")), text_of(known.get("type"))
        yield Conversation(
            chat,
            name,
            "export" if name is not None else "none",
            _TYPES.get(type_ or "", "unknown"),
            "telegram",
            text_of(known.get("id")),
            None if type_ is None else {"type": type_},
        )

    def _quick(self, piece: Element, at: int, chat: str) -> Message | None:
        """A message of plain text from a person who is known already: nine of ten. None for all others."""
        value = piece.value
        if type(value) is not dict or not SIMPLE.issuperset(value):
            return None
        get = value.get
        sender, name, text, number, parts = (
            get("from_id"), get("from"), get("text"), get("id"), get("text_entities")
        )  # fmt: skip
        if (
            get("type") != "message"
            or type(text) is not str
            or type(sender) is not str
            or sender not in self._people
            or type(name) is not str
            or type(number) is not int
            or piece.flags
            or "zone" not in self._told
            or not (
                parts is None
                or (type(parts) is list and len(parts) == 1 and parts[0] == {"type": "plain", "text": text})
            )
        ):
            return None
        date, count = get("date"), get("date_unixtime")
        if type(date) is not str or type(count) is not str or not count.isdigit() or len(count) > 12:
            return None
        hour, rest_ = divmod(int(count), 3600)
        clock = _CLOCK[rest_]
        known = self._hours.get((date[:13], hour))
        if known is None or date[13:] != clock:
            time = self._time(date, count)
            if time.utc is None:
                return None
        else:
            time = _new(
                Time,
                (date, known[1] + clock + "Z", date, known[0], "second", "source_utc", (), None, None, None),
            )
        out = None if self._exporter is None else "out" if sender == self._exporter else "in"
        place = f"{piece.array}/{piece.number}"
        head = (
            at,
            piece.start,
            piece.end,
            piece.raw,
            chat,
            "text",
            place,
            time,
            sender,
            name,
            text,
            out,
            str(number),
        )
        return _new(Message, (*head, *_NOTHING_MORE))

    def _message(self, piece: Element, at: int, member: Member, chat: str) -> Message:
        value = piece.value
        if "after_damage" in piece.flags:
            place = f"{piece.array}/{piece.number}"
            self._before.append(
                Notice("after_damage", "the first message after bytes that were not read", at, place)
            )
            piece = piece._replace(flags=tuple(one for one in piece.flags if one != "after_damage"))
        if type(value) is not dict:
            return unreadable(piece, at, chat)
        get = value.get
        service = get("type") == "service"
        name, native = (get("actor"), get("actor_id")) if service else (get("from"), get("from_id"))
        sender = self._sender(name, native)
        if sender is not None and sender not in self._people:
            self._before.append(self._participant(sender, name, native))
        time = None
        if "date" in value or "date_unixtime" in value:
            time = self._time(get("date"), get("date_unixtime"))
            if "zone" not in self._told or (time.utc is None and "open" not in self._told):
                self._before += self._tell(time, at)
        flags = piece.flags
        text, entities = get("text"), None
        parts = get("text_entities")
        if type(text) is str and (
            parts is None
            or (not parts and not text)
            or (type(parts) is list and len(parts) == 1 and parts[0] == {"type": "plain", "text": text})
        ):
            odd = None
        else:
            text, entities, odd = text_and_entities(text, parts)
            if odd:
                flags = (*flags, odd)
        extra = None
        known = SERVICE if service else MESSAGE if FILES.isdisjoint(value) else MEDIA
        nested = [key for key, one in value.items() if type(one) in NESTED and key not in PARTS]
        if nested or odd or not known.issuperset(value):
            extra = {key: one for key, one in value.items() if key not in known or key in nested}
            if odd:
                extra |= {key: value[key] for key in ("text", "text_entities") if key in value}
            extra = plain(extra)
        message = Message(
            at,
            piece.start,
            piece.end,
            piece.raw,
            chat,
            kind(value),
            f"{piece.array}/{piece.number}",
            time,
            sender,
            name if type(name) is str else None,
            text,
            None if self._exporter is None or sender is None else "out" if sender == self._exporter else "in",
            text_of(get("id")),
            repair="json_x_escape" if "json_repaired" in flags else None,
            entities=entities,
            extra=extra,
            flags=flags,
        )
        if message.kind != "unknown" and SPECIAL.isdisjoint(value):
            return message
        return self._more(message, value, member, service)

    def _more(self, message: Message, value: dict[str, Any], member: Member, service: bool) -> Message:
        """What only some messages have."""
        get = value.get
        fields: dict[str, Any] = {}
        flags = message.flags
        if service:
            fields |= _service(value)
        if not FILES.isdisjoint(value):
            fields["attachments"], more = attachments(value, member, self._files)
            flags += more
        if "edited" in value or "edited_unixtime" in value:
            fields["edit"] = {"is_edited": True, "history_complete": False}
            fields["times"] = {"edited": self._time(get("edited"), get("edited_unixtime"))}
        if "reply_to_message_id" in value:
            reply = {
                "native_id": text_of(get("reply_to_message_id")),
                "peer": text_of(get("reply_to_peer_id")),
            }
            fields["reply_to"] = {key: one for key, one in reply.items() if one is not None}
        if "self_destruct_period_seconds" in value:
            fields["ephemeral"] = {"expires_after_seconds": plain(get("self_destruct_period_seconds"))}
        fields |= {
            name: found
            for name, found in (
                ("forward", forward(value)),
                ("reactions", reactions(get("reactions"))),
                ("poll", poll(get("poll"))),
                ("location", location(value)),
                ("contact", contact(get("contact_information"))),
            )
            if found
        }
        if get("type") == "unsupported":
            flags += ("unsupported_by_the_exporter",)
        return message._replace(flags=flags, **fields)

    def _sender(self, name: Any, native: Any) -> str | None:
        if native is not None and (found := text_of(native)) is not None:
            return short(found)
        return short(f"name:{name}") if type(name) is str else None

    def _participant(self, sender: str, name: Any, native: Any) -> Participant:
        self._people.add(sender)
        native_ids = [] if native is None else [{"type": "telegram_id", "value": sender}]
        return Participant(
            sender,
            name if type(name) is str else None,
            native_ids,
            True if sender == self._exporter else None,
            True if name is None and native is not None else None,
        )

    def _time(self, date: Any, unixtime: Any) -> Time:
        local = None
        if type(date) is str and _DATE.fullmatch(date):
            try:
                local = datetime.fromisoformat(date)
            except ValueError:
                local = None
        count = whole_number(unixtime)
        if count is None or not 0 <= count < 253_402_300_800:
            text = text_of(date) or text_of(unixtime) or ""
            if local is None:
                return Time(text, note="not_understood")
            if self._zone is not None:
                return times.in_zone(text, local, "second", self._zone)
            if self._offset is None:
                return Time(text, None, date)
            return self._inferred(text, local)
        utc = _EPOCH + timedelta(seconds=count)
        written = utc.isoformat() + "Z"
        if local is None:
            return Time(text_of(unixtime) or "", written, basis="source_utc")
        seconds = (local - utc) // timedelta(seconds=1)
        offset = self._offsets.get(seconds, "")
        if offset == "":
            offset = self._offsets[seconds] = _offset(seconds) if len(self._offsets) < 4096 else None
        if offset is None:
            return Time(date, written, date, basis="source_utc", note="date_and_unixtime_disagree")
        self._offset = offset
        hour, rest_ = divmod(count, 3600)
        if date[13:] == _CLOCK[rest_] and len(self._hours) < 1 << 16:
            self._hours[date[:13], hour] = (offset, written[:13])
        return Time(date, written, date, offset, basis="source_utc")

    def _inferred(self, text: str, local: datetime) -> Time:
        """Another message shows the clock's offset: a likely reading, no instant."""
        assert self._offset is not None
        sign = -1 if self._offset[0] == "-" else 1
        shift = sign * timedelta(hours=int(self._offset[1:3]), minutes=int(self._offset[4:]))
        written = times.write(local, "second")
        try:
            utc = times.write(local - shift, "second") + "Z"
        except OverflowError:
            return Time(text, None, written)
        return Time(text, None, written, readings=(Reading(f"inferred offset {self._offset}", written, utc),))

    def _tell(self, time: Time, at: int) -> Iterator[Decided]:
        if time.utc is not None and "zone" not in self._told and time.basis == "source_utc":
            self._told.add("zone")
            yield Decided("zone", "UTC", "decided", ("date_unixtime counts seconds in UTC",), at)
            if time.offset is not None:
                why = "date minus date_unixtime of the first message: the clock of the computer that exported"
                yield Decided("offset", time.offset, "inferred", (why,), at)
        elif time.basis == "stated" or self._zone is not None:
            if "open" not in self._told:
                self._told |= {"zone", "open"}
                why = "date has no offset; a person stated the zone of the computer that exported"
                yield Decided("zone", str(self._zone), "stated", (why,), at)
        elif time.utc is None and "open" not in self._told:
            self._told |= {"zone", "open"}
            why = "date is the local time of the computer that exported, without offset; there is no date_unixtime"
            yield Decided("zone", None, "open", (why,), at)


def _offset(seconds: int) -> str | None:
    """±hh:mm, if a clock can differ so much from UTC."""
    minutes, odd = divmod(seconds, 60)
    if odd or minutes % 15 or not -14 * 60 <= minutes <= 14 * 60:
        return None
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _service(value: dict[str, Any]) -> dict[str, Any]:
    action = text_of(value.get("action"))
    actor, members = text_of(value.get("actor")), value.get("members")
    event: dict[str, Any] = {"kind": EVENTS.get(action or "", "other"), "action": action, "actor_raw": actor}
    if type(members) is list:
        event["target_raw"] = plain(members)
        if action == "remove_members" and actor is not None and members == [actor]:
            event["kind"] = "member_left"
    found: dict[str, Any] = {"event": {key: one for key, one in event.items() if one is not None}}
    if action == "phone_call":
        call = {"outcome": value.get("discard_reason"), "duration_seconds": value.get("duration_seconds")}
        found["call"] = {key: plain(one) for key, one in call.items() if one is not None}
    if type(value.get("information_text")) is str and not value.get("text"):
        found["text"] = value["information_text"]
    return found


SPECIAL = FILES | {
    "edited", "edited_unixtime", "reply_to_message_id", "self_destruct_period_seconds", "forwarded_from", "saved_from",
    "forwarded_from_id", "reactions", "poll", "location_information", "place_name", "address", "contact_information",
    "action", "actor", "information_text", "live_location_period_seconds",
}  # fmt: skip

READER = Reader(
    name="telegram-json",
    version=1,
    title="Telegram Desktop, JSON (one chat or an account)",
    zone="UTC since Telegram Desktop 3.7.6 (June 2022); before, local time without offset",
    detect=detect,
    read=read,
    contains=(
        "message numbers, senders with their account numbers, texts with formatting, replies, forwards, edits' times",
        "service messages, polls, places, contacts, reactions (new exports), paths of files",
        "for an account: contacts, sessions and the account's own name (named as ranges, not copied)",
    ),
    never=(
        "deleted messages, and that there were any",
        "the text before an edit",
        "secret chats, read receipts, who saw a message",
        "the zone of `date` (in exports before June 2022 the only time)",
    ),
    asks=("time_zone",),
)
