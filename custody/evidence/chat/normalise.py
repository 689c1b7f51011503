"""From a reader's records to the written form `custody.chat/1`: JSON Lines, counted, covered, committed.

The lines are RFC 8785 JSON each, in the order of the export; the first says what was read and how, the last
holds the account. Nothing here guesses, and nothing of the machine or of now goes in: the same item, reader
and settings give the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from custody.errors import FormatError
from custody.evidence.chat.model import Conversation, Declared, Message, Participant, Time
from custody.evidence.chat.reader import Reader
from custody.evidence.coverage import MESSAGE, Covered
from custody.evidence.export import Cut, Export, pieces
from custody.evidence.reading import Detected, Notice, Settings
from custody.evidence.written import Written, accounts, line, mend, without_none
from custody.format import canonical, messages

MEDIA_TYPE = "application/vnd.custody.chat+jsonl;v=1"

_SOURCE = slice(messages.SALT * messages.SOURCE, messages.SALT * (messages.SOURCE + 1))
_text = encode_basestring
"""The JSON of a text, as RFC 8785 spells it: what must be escaped is, and nothing else."""
_NAMED = {name: f'"{name}":'.encode() for name in (*Message._fields, "id", "record", "sequence", "source")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a derivation counted. ``root``: of the message tree; ``covered``: accounts by member that was read."""

    messages: int
    events: int
    conversations: int
    participants: int
    attachments: Mapping[str, int]
    declared: int | None
    unread: int
    covered: Mapping[int, Covered]
    notices: Mapping[str, int]
    open_questions: tuple[str, ...]
    first_time: str | None
    last_time: str | None
    root: bytes

    @property
    def whole(self) -> bool:
        """True when every byte of every file that was read has a name."""
        return all(one.whole for one in self.covered.values())


class Normalised(Written):
    """One derivation. Iterate `lines` to its end, then ask for the `summary`."""

    def __init__(
        self,
        export: Export,
        reader: Reader,
        detected: Detected,
        settings: Settings,
        *,
        item: str,
        salts: Callable[[int], bytes],
        children: Mapping[int, str] | None = None,
        attached: Mapping[tuple[int, int], str] | None = None,
    ) -> None:
        """``children``: items that files of the export became, by member; ``attached``: those that lie in messages,
        by the message's number and the place among its attachments.
        """
        super().__init__(export, reader, detected, settings, item=item)
        self._reader = reader
        self._salts = salts
        self._children = children or {}
        self._attached = attached or {}
        self._tree = messages.Tree()
        self._tallies: dict[str, _Tally] = {}
        self._participants: set[str] = set()
        self._attachments: Counter[str] = Counter()
        self._declared: int | None = None
        self._used: set[int] = set()

    def _records(self) -> Iterator[bytes]:
        for record in self._reader.read(self._export, self._detected, self._settings):
            yield from self._record(record)

    def _after(self) -> Iterator[bytes]:
        for at in self._unmatched():
            yield from self._notice(Notice("unmatched_file", "a file that no message names", member=at))
        for tally in self._tallies.values():
            yield line(tally.record())

    def _unmatched(self) -> list[int]:
        if self._detected.document:
            return []
        names = {member.index for member in self._export.members if not member.name.endswith("/")}
        return sorted(names - set(self._detected.members) - self._used)

    @property
    def summary(self) -> Summary:
        """The counts, after the last line."""
        times = [tally for tally in self._tallies.values() if tally.first is not None]
        return Summary(
            messages=sum(tally.messages for tally in self._tallies.values()),
            events=sum(tally.events for tally in self._tallies.values()),
            conversations=len(self._tallies),
            participants=len(self._participants),
            attachments=dict(sorted(self._attachments.items())),
            declared=self._declared,
            unread=self._unread,
            covered=self._covered(),
            notices=dict(sorted(self._notices.items())),
            open_questions=tuple(dict.fromkeys(self._open)),
            first_time=min((tally.first for tally in times if tally.first), default=None),
            last_time=max((tally.last for tally in times if tally.last), default=None),
            root=self._tree.root() if self._tree.size else hashlib.sha256().digest(),
        )

    def _beginning(self) -> dict[str, Any]:
        return self._import(messages.SCHEMA, self._children)

    def _record(self, record: object) -> Iterator[bytes]:
        if type(record) is Message:
            yield from self._claim(record.member, record.start, record.end, MESSAGE)
            yield self._message(record)
        elif type(record) is Participant:
            if record.id not in self._participants:
                self._participants.add(record.id)
                yield line(_participant(record))
        elif type(record) is Conversation:
            if record.id not in self._tallies:
                self._tallies[record.id] = _Tally(record.id)
                yield line(_conversation(self._without_own_name(record)))
        elif type(record) is Declared:
            self._declared = (self._declared or 0) + record.messages
            values = {"record": "declared", "messages": record.messages, "conversation": record.conversation}
            yield line(without_none(values))
        else:
            yield from self._beside(record)

    def _without_own_name(self, one: Conversation) -> Conversation:
        """The item's own file name stands in its `name` part, which a package may withhold: never in the form."""
        if one.title is None or one.title_from not in ("file_name", "own_name"):
            return one
        if one.title_from == "own_name":
            return one._replace(title=None, title_from="none")
        inside = self._export.zipped and any(one.title in member.name for member in self._export.members)
        return one if inside else one._replace(title=None, title_from="none")

    def _message(self, message: Message) -> bytes:
        fields = self._fields(message)
        index = self._tree.size
        salts = self._salts(index)
        digest, hashed = _source(message.raw, salts[_SOURCE])
        self._tree.add(
            messages.leaf(index, message.member, message.start, message.end, salts, fields, source=hashed)
        )
        tally = self._tallies[message.conversation]
        tally.take(message)
        source = (
            f'{{"end":{message.end},"member":{message.member},"sha256":"{digest}","start":{message.start}}}'
        )
        sequence = index + 1
        fields["id"] = f'"{self._item}:{sequence}"'.encode()
        fields["record"] = b'"message"'
        fields["sequence"] = b"%d" % sequence
        fields["source"] = source.encode()
        return b"{" + b",".join([_NAMED[name] + fields[name] for name in sorted(fields)]) + b"}\n"

    def _fields(self, message: Message) -> dict[str, bytes]:
        """RFC 8785 bytes of the fields that the message has."""
        flags = message.flags
        if message.attachments is not None:
            number = self._tree.size + 1
            linked = [self._attachment(one, (number, at)) for at, one in enumerate(message.attachments)]
            message = message._replace(attachments=linked)
        try:
            return _encode(message)
        except (UnicodeEncodeError, FormatError):
            # Halves of characters have no place in JSON text: the bytes of the range still hold them.
            mended = {name: mend(value) for name, value in message._asdict().items()}
            return _encode(Message(**{**mended, "flags": (*flags, "broken_characters")}))

    def _attachment(self, value: Mapping[str, Any], place: tuple[int, int]) -> Mapping[str, Any]:
        self._attachments[value["state"]] += 1
        member = value.get("member")
        child = self._attached.get(place)
        if member is not None:
            self._used.add(member)
            child = self._children.get(member)
        return value if child is None else {**value, "item": child}

    def _account(self) -> dict[str, Any]:
        summary = self.summary
        return without_none(
            {
                "record": "account",
                "messages": summary.messages,
                "events": summary.events,
                "declared": summary.declared,
                "conversations": summary.conversations,
                "participants": summary.participants,
                "attachments": dict(summary.attachments),
                "unread": summary.unread,
                "members": accounts(summary.covered),
                "notices": dict(summary.notices),
                "open": list(summary.open_questions),
            }
        )


class _Tally:
    """Counts of one conversation."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.messages = 0
        self.events = 0
        self.first: str | None = None
        self.last: str | None = None
        self._senders: dict[str, int] = {}

    def take(self, message: Message) -> None:
        if message.kind == "system":
            self.events += 1
        else:
            self.messages += 1
            if message.sender is not None:
                self._senders[message.sender] = self._senders.get(message.sender, 0) + 1
        time = message.time
        if time is None:
            return
        # Texts of one form sort as their times do; where there is no instant, local times are compared.
        written = time.utc or (None if time.readings else time.local)
        if written is None:
            return
        if self.first is None or written < self.first:
            self.first = written
        if self.last is None or written > self.last:
            self.last = written

    def record(self) -> dict[str, Any]:
        return without_none(
            {
                "record": "tally",
                "conversation": self.conversation,
                "messages": self.messages,
                "events": self.events,
                "senders": self._senders,
                "first_time": self.first,
                "last_time": self.last,
            }
        )


def _source(raw: bytes | Cut, salt: bytes) -> tuple[str, bytes]:
    """The SHA-256 of a message's bytes in hexadecimal, and the hash of its salted field `source`."""
    if isinstance(raw, bytes):
        return hashlib.sha256(raw).hexdigest(), hashlib.sha256(salt + raw).digest()
    plain, salted = hashlib.sha256(), hashlib.sha256(salt)
    for piece in pieces(raw, 0, raw.size):
        plain.update(piece)
        salted.update(piece)
    return plain.hexdigest(), salted.digest()


def _participant(one: Participant) -> dict[str, Any]:
    return without_none(
        {
            "record": "participant",
            "id": mend(one.id),
            "name": mend(one.name),
            "native_ids": [mend(dict(value)) for value in one.native_ids],
            "exporter": one.exporter,
            "deleted_account": one.deleted_account,
        }
    )


def _conversation(one: Conversation) -> dict[str, Any]:
    return without_none(
        {
            "record": "conversation",
            "id": mend(one.id),
            "title": mend(one.title),
            "title_from": one.title_from,
            "kind": one.kind,
            "platform": one.platform,
            "native_id": mend(one.native_id),
            "extra": mend(one.extra),
        }
    )


_VALUES = (
    "attachments", "call", "contact", "deletion", "edit", "entities", "ephemeral", "event", "extra", "forward",
    "location", "poll", "reactions", "recipients", "reply_to",
)  # fmt: skip
_OTHERS = tuple(
    Message._fields.index(name) for name in ("direction", "native_id", "repair", "times", *_VALUES)
)


@functools.lru_cache(4096)
def _word(text: str) -> bytes:
    """The JSON of a text that comes again and again: an id, a kind, a name."""
    return _text(text).encode()


def _encode(message: Message) -> dict[str, bytes]:
    """A message's fields as RFC 8785 JSON. Most have but the first few, and there are a million of them."""
    fields = {"conversation": _word(message.conversation), "kind": _word(message.kind)}
    if message.text is not None:
        fields["text"] = _text(message.text).encode()
    if message.sender is not None:
        fields["sender"] = _word(message.sender)
    if message.sender_text is not None:
        fields["sender_text"] = _word(message.sender_text)
    if message.place is not None:
        fields["place"] = _text(message.place).encode()
    if message.time is not None:
        fields["time"] = _time(message.time)
    if message.flags:
        fields["flags"] = canonical.encode(sorted(set(message.flags)), where="flags")
    if any(message[at] is not None for at in _OTHERS):
        _encode_others(message, fields)
    return fields


def _encode_others(message: Message, fields: dict[str, bytes]) -> None:
    for name in ("direction", "native_id", "repair"):
        text = getattr(message, name)
        if text is not None:
            fields[name] = _text(text).encode()
    for name in _VALUES:
        value = getattr(message, name)
        if value is not None:
            fields[name] = canonical.encode(value, where=name)
    if message.times:
        inner = (b"%s:%s" % (_text(name).encode(), _time(one)) for name, one in sorted(message.times.items()))
        fields["times"] = b"{" + b",".join(inner) + b"}"


def _time(time: Time) -> bytes:
    """RFC 8785 bytes of a time: what is not known is absent."""
    parts = [f'"basis":"{time.basis}"']
    if time.calendar is not None:
        parts.append(f'"calendar":{_text(time.calendar)}')
    if time.fold is not None:
        parts.append(f'"fold":{time.fold}')
    if time.local is not None:
        parts.append(f'"local":"{time.local}"')
    if time.note is not None:
        parts.append(f'"note":{_text(time.note)}')
    if time.offset is not None:
        parts.append(f'"offset":"{time.offset}"')
    parts.append(f'"precision":"{time.precision}"')
    if time.readings:
        readings = [without_none(one._asdict()) for one in time.readings]
        parts.append(f'"readings":{canonical.encode(readings).decode()}')
    parts.append(f'"text":{_text(time.text)}')
    if time.utc is not None:
        parts.append(f'"utc":"{time.utc}"')
    return ("{" + ",".join(parts) + "}").encode()
