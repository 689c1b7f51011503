"""Signal's own plaintext export: `main.jsonl`, one frame a line, with the files of its attachments beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from custody.evidence.chat import times
from custody.evidence.chat.json_rest import text_of, whole_number
from custody.evidence.chat.json_text import lines, load_bytes
from custody.evidence.chat.model import Conversation, Message, Participant, Record
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.signal_parts import SECRET_NAMES, ByHash, Parts, has_secret, names, public
from custody.evidence.export import Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_FRAMES = frozenset({
    "account", "recipient", "chat", "chatItem", "stickerPack", "adHocCall", "notificationProfile", "chatFolder",
})  # fmt: skip
_INFO = re.compile(rb'"backupTimeMs"\s*+:')
_FRAME = re.compile(rb'\s*+\{\s*+"(?:account|recipient|chat|chatItem|stickerPack)"\s*+:\s*+\{')
_ITEM = re.compile(rb'\s*+\{\s*+"chatItem"')
SHOWN = 64 << 10


def detect(export: Export) -> Detected | None:
    """By the first lines: a backup's facts, then frames."""
    for member in export.members:
        if export.zipped and not member.base.lower().endswith(".jsonl"):
            continue
        head = member.head()
        first, _, more = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
        folder = member.name.replace("\\", "/").rpartition("/")[0]
        beside = f"{folder}/metadata.json" if folder else "metadata.json"
        found = [member.index]
        found += [
            one.index for one in export.members if export.zipped and one.name.replace("\\", "/") == beside
        ][:1]
        if first.lstrip().startswith(b"{") and _INFO.search(first) and _FRAME.match(more):
            why = "the first line is a Signal backup's facts, the second one of its frames"
            return Detected(score=97, reasons=(why,), members=tuple(sorted(found)))
        if _FRAME.match(first) and (b'"chatItem"' in head or b'"recipient"' in head):
            return Detected(
                score=80, reasons=("lines are frames of a Signal backup",), members=tuple(sorted(found))
            )
    return None


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """All records of main.jsonl; metadata.json beside it is named, not copied."""
    for at in detected.members:
        member = export.members[at]
        if member.base.lower() == "metadata.json" and len(detected.members) > 1:
            yield Range(at, 0, member.size, "metadata", None, member.base)
        else:
            yield from _Run(export, member, detected.members).all()


class _Run:
    """What is known while reading one file."""

    def __init__(self, export: Export, member: Member, own: tuple[int, ...]) -> None:
        self._member = member
        self._parts = Parts(ByHash(export, own))
        self._titles: dict[str, tuple[str, str | None, str | None]] = {}
        """Recipient → (kind of a conversation with it, its name, its own id)."""
        self._people: set[str] = set()
        self._chats: set[str] = set()
        self._self_name: str | None = None
        self._zone_told = False

    def all(self) -> Iterator[Record]:
        """Every line is a message or a range."""
        at = self._member.index
        for number, (start, end, data) in enumerate(lines(self._member.open()), 1):
            place = f"line {number}"
            if data is None:
                yield Range(at, start, end, "unread", None, place)
                yield Notice("unread_too_long", "a line longer than any message was not read", at, place)
            elif not data.strip(b" \t\r\n\xef\xbb\xbf"):
                yield Range(at, start, end, "blank")
            else:
                yield from self._line(start, end, data, place, first=number == 1)

    def _line(self, start: int, end: int, data: bytes, place: str, *, first: bool) -> Iterator[Record]:
        at = self._member.index
        value, flags = load_bytes(data.removeprefix(b"\xef\xbb\xbf").strip())
        if type(value) is not dict:
            # What can't be read may hold a key all the same: then its text is not copied.
            open_ = _ITEM.match(data) is not None and SECRET_NAMES.search(data) is None
            shown = data.decode("utf-8", "replace")[:SHOWN] if open_ else None
            yield Range(at, start, end, "unread", shown, place)
            yield Notice("unread_not_json", "a line that is no JSON object was not read", at, place)
            return
        frames = [key for key in value if key in _FRAMES and type(value[key]) is dict]
        name = frames[0] if len(frames) == 1 else None
        if name == "chatItem":
            yield from self._item(start, end, data, value, flags, place)
            return
        if name == "adHocCall":
            yield from self._call(start, end, data, value["adHocCall"], flags, place)
            return
        yield Range(
            at, start, end, "secret" if name == "account" or has_secret(value) else "metadata", None, place
        )
        if name == "account":
            self._self_name = names(value["account"], "givenName", "familyName")
        elif name == "recipient":
            yield from self._recipient(value["recipient"])
        elif name == "chat":
            yield from self._chat(value["chat"])
        elif name is None and "backupTimeMs" in value:
            stamp = whole_number(value["backupTimeMs"])
            if stamp is not None:
                when = times.since_1970(stamp, "ms", text=str(stamp))
                yield Decided("exported_at", when.utc, "decided", ("backupTimeMs of the first line",), at)
        elif name is None:
            yield Notice(
                "unknown_frame", "a line of a kind that this reader does not know was not copied", at, place
            )

    def _recipient(self, value: dict[str, Any]) -> Iterator[Record]:
        key = text_of(value.get("id"))
        if key is None or len(key) > 40:
            return
        person = None
        if type(value.get("self")) is dict:
            person = Participant(f"r{key}", self._self_name, (), True)
            self._titles[key] = ("saved", None, None)
        elif type(contact := value.get("contact")) is dict:
            name, native_ids = self._parts.person(contact)
            person = Participant(f"r{key}", name, native_ids, False)
            native = next(
                (one["value"] for one in native_ids if one["type"] in ("signal_aci", "phone_e164")), None
            )
            self._titles[key] = ("direct", name, native)
        elif type(group := value.get("group")) is dict:
            self._titles[key] = ("group", self._parts.group_title(group), None)
        elif type(value.get("releaseNotes")) is dict:
            person = Participant(f"r{key}", None, ({"type": "signal_release_notes", "value": key},))
            self._titles[key] = ("channel", None, None)
        if person is not None:
            self._people.add(key)
            yield person

    def _chat(self, value: dict[str, Any]) -> Iterator[Record]:
        key = text_of(value.get("id"))
        if key is None or len(key) > 40:
            return
        kind, title, native = self._titles.get(
            text_of(value.get("recipientId")) or "", ("unknown", None, None)
        )
        self._chats.add(key)
        extra = {one: other for one, other in value.items() if one not in ("id", "style")}
        yield Conversation(
            f"chat{key}", title, "export" if title else "none", kind, "signal", native, public(extra) or None
        )

    def _item(
        self, start: int, end: int, data: bytes, frame: dict[str, Any], flags: tuple[str, ...], place: str
    ) -> Iterator[Record]:
        at = self._member.index
        value = frame["chatItem"]
        chat, author = text_of(value.get("chatId")) or "?", text_of(value.get("authorId"))
        chat = chat[:40]
        if chat not in self._chats:
            self._chats.add(chat)
            yield Conversation(f"chat{chat}", None, "none", "unknown", "signal", None)
            yield Notice(
                "unknown_chat", "a message names a chat that the export does not describe", at, place
            )
        if author is not None and author[:40] not in self._people:
            self._people.add(author[:40])
            yield Participant(f"r{author[:40]}", None)
        if not self._zone_told:
            self._zone_told = True
            yield Decided("zone", "UTC", "decided", ("dates count milliseconds since 1970 in UTC",), at)
        message = Message(
            at,
            start,
            end,
            data,
            f"chat{chat}",
            place=place,
            sender=None if author is None else f"r{author[:40]}",
            repair="json_x_escape" if "json_repaired" in flags else None,
            flags=flags,
        )
        made = self._parts.message(message, value)
        others = {key: one for key, one in frame.items() if key != "chatItem"}
        if others:
            made = made._replace(extra={**(made.extra or {}), "frame": public(others)})
        for code, why in self._parts.told:
            yield Notice(code, why, at, place)
        self._parts.told.clear()
        yield made

    def _call(
        self, start: int, end: int, data: bytes, value: dict[str, Any], flags: tuple[str, ...], place: str
    ) -> Iterator[Record]:
        if "calls" not in self._chats:
            self._chats.add("calls")
            yield Conversation("calls", None, "none", "unknown", "signal", None)
        stamp = whole_number(value.get("callTimestamp"))
        time = (
            None
            if stamp is None
            else times.since_1970(stamp, "ms", text=text_of(value["callTimestamp"]) or "")
        )
        yield Message(
            self._member.index,
            start,
            end,
            data,
            "calls",
            "call",
            place,
            time,
            call={"by_link": True},
            extra=public({key: one for key, one in value.items() if key != "callTimestamp"}) or None,
            flags=flags,
        )


READER = Reader(
    name="signal-jsonl",
    version=1,
    title="Signal's plaintext export (main.jsonl)",
    zone="UTC, in milliseconds",
    detect=detect,
    read=read,
    contains=(
        "messages with the time sent, received and at the server, who wrote them, quotes, reactions, formatting",
        "earlier versions of edited messages, all of them",
        "delivery and reading of sent messages, calls, changes of groups",
        "attachments, found by the SHA-256 of the plain file",
    ),
    never=(
        "the text of deleted messages (that there was one is kept)",
        "messages that disappeared before the export",
        "the content of view-once media that was opened",
        "keys and PINs: the export has them, this form never",
    ),
)
