"""Parts of a Signal frame: persons, texts, files by their hash, versions, calls; and what must never be copied."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from bisect import bisect_left
from typing import Any
from uuid import UUID

from custody.evidence.chat import times
from custody.evidence.chat.json_rest import text_of, whole_number
from custody.evidence.chat.json_text import plain
from custody.evidence.chat.model import Message, Plain, Time, attachment
from custody.evidence.export import Export

_HIDDEN = (
    r"[A-Za-z]*[Kk]eys?|key|[A-Za-z]*[Pp]in|entropy|usernameLink|[A-Za-z]*[Pp]assword|[A-Za-z]*[Ss]ecret|"
    r"[A-Za-z]*[Tt]oken|[A-Za-z]*[Cc]redential[A-Za-z]*|[A-Za-z]*SubscriberData|subscriberId|originalTransactionId"
)
_NAME = re.compile(_HIDDEN)
SECRET_NAMES = re.compile(rb'"(?:' + _HIDDEN.encode() + rb')"\s*+:|"account"\s*+:')
"""In a line that can't be parsed: the name of something that must not be copied."""

_ITEMS = (
    "standardMessage", "contactMessage", "stickerMessage", "remoteDeletedMessage", "adminDeletedMessage",
    "updateMessage", "paymentNotification", "giftBadge", "viewOnceMessage", "directStoryReplyMessage", "poll",
)  # fmt: skip
_EVENTS = {
    "expirationTimerChange": "disappearing_timer", "pinMessage": "pinned",
    "IDENTITY_UPDATE": "security_code_changed", "CHANGE_NUMBER": "number_changed",
    "groupCreationUpdate": "group_created", "groupNameUpdate": "subject_changed",
    "groupMemberLeftUpdate": "member_left", "groupMemberRemovedUpdate": "member_removed",
    "groupMemberAddedUpdate": "member_added", "groupMemberJoinedUpdate": "member_added",
    "groupMemberJoinedByLinkUpdate": "joined_by_link", "groupAdminStatusUpdate": "admin_changed",
    "groupExpirationTimerUpdate": "disappearing_timer",
}  # fmt: skip


def _bare(value: Any, depth: int = 40) -> Any:
    """The value without anything whose name tells that it is secret."""
    if type(value) is dict:
        if depth <= 0:
            return None
        return {key: _bare(one, depth - 1) for key, one in value.items() if not _NAME.fullmatch(key)}
    if type(value) is list:
        return [_bare(one, depth - 1) for one in value] if depth > 0 else None
    return value


def public(value: Any) -> Any:
    """The value for `extra`: plain, and without secrets at any depth."""
    return plain(_bare(value), depth=10)


def has_secret(value: Any, depth: int = 40) -> bool:
    """Whether a frame holds something that must not be copied (or is too deep to tell)."""
    if type(value) is dict:
        return depth <= 0 or any(
            _NAME.fullmatch(key) or has_secret(one, depth - 1) for key, one in value.items()
        )
    if type(value) is list:
        return depth <= 0 or any(has_secret(one, depth - 1) for one in value)
    return False


def names(value: dict[str, Any], *keys: str) -> str | None:
    """Given and family name, as far as there are."""
    found = [one for key in keys if type(one := value.get(key)) is str and one]
    return " ".join(found) or None


def _uuid(value: Any) -> str | None:
    """A service id: 16 bytes in base64 as the UUID that they are; other texts as they stand."""
    if type(value) is not str or len(value) > 64:
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value
    return str(UUID(bytes=data)) if len(data) == 16 else value


class ByHash:
    """The other files of a zip by SHA-256; they are read once, when the first attachment asks."""

    def __init__(self, export: Export, own: tuple[int, ...]) -> None:
        self.zipped = export.zipped
        self._members = [one for one in export.members if one.index not in own] if export.zipped else []
        self._found: dict[str, int] | None = None

    def find(self, sha256: str) -> int | None:
        """The member of this digest (hex)."""
        if self._found is None:
            self._found = {}
            for member in self._members:
                digest = hashlib.sha256()
                for _, piece in member.windows():
                    digest.update(piece)
                self._found.setdefault(digest.hexdigest(), member.index)
        return self._found.get(sha256)


def _time(value: Any) -> Time | None:
    count = whole_number(value)
    return None if count is None else times.since_1970(count, "ms", text=text_of(value) or "")


def _points(text: str) -> tuple[list[int], int]:
    """Where characters of two UTF-16 units begin, counted in units, and all units."""
    found: list[int] = []
    at = 0
    if text and max(text) > "\uffff":
        for at_point, one in enumerate(text):
            if one > "\uffff":
                found.append(at_point + len(found))
    at = len(text) + len(found)
    return found, at


class Parts:
    """Makes messages; ``told`` collects what the user should know of the last one."""

    def __init__(self, files: ByHash) -> None:
        self._files = files
        self.told: list[tuple[str, str]] = []

    def person(self, contact: dict[str, Any]) -> tuple[str | None, list[Plain]]:
        """(the name that Signal shows, all ids and names)."""
        nickname = contact.get("nickname")
        shown = {
            "nickname": names(nickname, "given", "family") if type(nickname) is dict else None,
            "system_name": names(contact, "systemGivenName", "systemFamilyName"),
            "profile_name": names(contact, "profileGivenName", "profileFamilyName"),
        }
        number = text_of(contact.get("e164"))
        ids = {
            "signal_aci": _uuid(contact.get("aci")),
            "signal_pni": _uuid(contact.get("pni")),
            "phone_e164": f"+{number.removeprefix('+')}" if number else None,
            "signal_username": text_of(contact.get("username")) or None,
        }
        name = next((one for one in shown.values() if one), None)
        return name, [{"type": key, "value": one} for key, one in {**ids, **shown}.items() if one]

    def group_title(self, group: dict[str, Any]) -> str | None:
        """The group's title."""
        snapshot = group.get("snapshot")
        title = snapshot.get("title") if type(snapshot) is dict else None
        return text_of(title.get("title")) if type(title) is dict else None

    def message(self, message: Message, value: dict[str, Any]) -> Message:
        """The message that a chatItem is."""
        get = value.get
        extra = {
            key: one
            for key, one in value.items()
            if key not in ("chatId", "authorId", "dateSent", "revisions", "expiresInMs", *_ITEMS)
        }
        fields = self._content(value, extra)
        others: dict[str, Time] = {}
        incoming, outgoing = get("incoming"), get("outgoing")
        for source, key, name in (
            (incoming, "dateReceived", "received"),
            (incoming, "dateServerSent", "server_received"),
            (outgoing, "dateReceived", "received"),
            (value, "expireStartDate", "expiry_started"),
        ):
            if type(source) is dict and (one := _time(source.get(key))) is not None:
                others[name] = one
        if get("expiresInMs") is not None:
            fields.setdefault("ephemeral", {})
            fields["ephemeral"] = {
                **fields["ephemeral"],
                "expires_after_milliseconds": plain(get("expiresInMs")),
            }
        if type(outgoing) is dict and type(outgoing.get("sendStatus")) is list:
            to = [text_of(one.get("recipientId")) for one in outgoing["sendStatus"] if type(one) is dict]
            fields["recipients"] = [f"r{one[:40]}" for one in to if one is not None] or None
        revisions = get("revisions")
        if type(revisions) is list and revisions:
            fields["edit"] = {
                "is_edited": True,
                "history_complete": True,
                "versions": [self._version(one) for one in revisions],
            }
        direction = "in" if type(incoming) is dict else "out" if type(outgoing) is dict else None
        return message._replace(
            time=_time(get("dateSent")),
            native_id=text_of(get("dateSent")),
            direction=direction,
            times=others or None,
            extra=public(extra) or None,
            **fields,
        )

    def _version(self, value: Any) -> Plain:
        """An earlier version: its text, when it was sent, and what else it had."""
        if type(value) is not dict:
            return {"not_understood": public(value)}
        item = value.get("standardMessage")
        text = item.get("text") if type(item) is dict else None
        body = text_of(text.get("body")) if type(text) is dict else None
        sent = _time(value.get("dateSent"))
        found = {
            "text": body,
            "sent": None if sent is None else sent.utc,
            "sent_text": text_of(value.get("dateSent")),
        }
        rest = {key: one for key, one in value.items() if key not in ("chatId", "authorId", "dateSent")}
        return {
            **{key: one for key, one in found.items() if one is not None},
            "item": plain(_bare(rest), depth=8),
        }

    def _content(self, value: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        """Kind, text and all else of the one thing that the item is; what has no field goes to ``extra``."""
        found = [key for key in _ITEMS if key in value]
        if len(found) != 1 or type(value[found[0]]) is not dict:
            extra.update({key: value[key] for key in found})
            return {"kind": "unknown"}
        name = found[0]
        item: dict[str, Any] = dict(value[name])
        fields: dict[str, Any] = {"kind": "unknown"}
        if type(item.get("reactions")) is list:
            fields["reactions"] = [self._reaction(one) for one in item.pop("reactions")] or None
        if name == "standardMessage":
            fields |= self._standard(item)
        elif name == "directStoryReplyMessage":
            reply = item.pop("textReply", None)
            fields |= self._standard(dict(reply)) if type(reply) is dict else {"kind": "text"}
            fields |= {"text": text_of(item.pop("emoji"))} if type(item.get("emoji")) is str else {}
            fields["reply_to"] = {"story": True}
        elif name == "stickerMessage":
            sticker = item.pop("sticker", None)
            pointer = sticker.get("data") if type(sticker) is dict else None
            fields |= {"kind": "sticker", "attachments": [self._file(pointer, {"role": "sticker"})]}
            item["sticker"] = (
                {k: v for k, v in sticker.items() if k != "data"} if type(sticker) is dict else sticker
            )
        elif name == "viewOnceMessage":
            one = item.pop("attachment", None)
            pointer = one.get("pointer") if type(one) is dict else None
            seen = (
                self._file(pointer, {}) if pointer is not None else attachment(name=None, state="view_once")
            )
            fields |= {"kind": "media", "attachments": [seen], "ephemeral": {"view_once": True}}
        elif name == "contactMessage":
            contact = item.pop("contact", None)
            fields |= {"kind": "contact", "contact": public(contact) if type(contact) is dict else None}
        elif name in ("remoteDeletedMessage", "adminDeletedMessage"):
            by = "sender" if name == "remoteDeletedMessage" else "admin"
            fields |= {"kind": "deleted", "deletion": {"is_deleted": True, "by": by}}
        elif name == "poll":
            fields |= {"kind": "poll", "poll": public(item)}
            item = {}
        elif name == "updateMessage":
            fields |= self._update(item)
        else:
            fields |= {"kind": "system", "event": {"kind": "other", "action": name}}
        if item:
            extra[name] = item
        return fields

    def _standard(self, item: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {"kind": "text"}
        text = item.pop("text", None)
        if type(text) is dict:
            body = text_of(text.get("body"))
            fields["text"] = body
            if type(text.get("bodyRanges")) is list:
                fields["entities"] = _entities(body or "", text["bodyRanges"])
        files: list[Plain] = []
        voice = False
        listed = item.pop("attachments", None)
        for one in listed if type(listed) is list else ():
            if type(one) is not dict:
                files.append(attachment(name=None, state="undecodable", extra={"value": public(one)}))
                continue
            rest = {key: public(other) for key, other in one.items() if key != "pointer"}
            voice = voice or one.get("flag") == "VOICE_MESSAGE"
            files.append(self._file(one.get("pointer"), rest))
        if files and not fields.get("text"):
            fields["kind"] = "voice" if voice else "media"
        if item.get("longText") is not None:
            self.told.append(
                ("long_text_in_file", "a text goes on in a file of the export: see its attachment")
            )
            files.append(self._file(item.pop("longText"), {"role": "long_text"}))
        fields["attachments"] = files or None
        quote = item.pop("quote", None)
        if type(quote) is dict:
            inner = quote.get("text")
            author = text_of(quote.get("authorId"))
            shown = {
                "native_id": text_of(quote.get("targetSentTimestamp")),
                "author": None if author is None else f"r{author[:40]}",
                "quoted_text": text_of(inner.get("body")) if type(inner) is dict else None,
            }
            rest = {k: v for k, v in quote.items() if k not in ("targetSentTimestamp", "authorId")}
            fields["reply_to"] = {**{k: v for k, v in shown.items() if v is not None}, "quote": public(rest)}
        elif quote is not None:
            item["quote"] = quote
        return fields

    def _file(self, pointer: Any, extra: dict[str, Any]) -> Plain:
        """A file, found by the SHA-256 that its pointer states."""
        if type(pointer) is not dict:
            return attachment(name=None, state="missing", extra=extra or None)
        locator = pointer.get("locatorInfo")
        locator = locator if type(locator) is dict else {}
        size = whole_number(locator.get("size"))
        declared: dict[str, Any] = {"size": size} if size is not None and 0 <= size < 1 << 53 else {}
        declared |= {key: plain(pointer[key]) for key in ("width", "height") if pointer.get(key) is not None}
        member = None
        stated = locator.get("plaintextHash")
        if type(stated) is str:
            try:
                digest = base64.b64decode(stated, validate=True).hex()
            except (binascii.Error, ValueError):
                digest = stated
            declared["sha256"] = digest
            member = self._files.find(digest)
        state = "present" if member is not None else "missing" if self._files.zipped else "not_here"
        known = ("contentType", "fileName", "caption", "width", "height")
        rest = public({key: one for key, one in pointer.items() if key not in known})
        return attachment(
            name=text_of(pointer.get("fileName")),
            state=state,
            member=member,
            basis="hash" if member is not None else None,
            media_type=text_of(pointer.get("contentType")),
            declared=declared or None,
            caption=text_of(pointer.get("caption")),
            extra={**extra, **({"pointer": rest} if rest else {})} or None,
        )

    def _reaction(self, value: Any) -> Plain:
        if type(value) is not dict:
            return {"not_understood": public(value)}
        author, sent = text_of(value.get("authorId")), _time(value.get("sentTimestamp"))
        found = {
            "emoji": text_of(value.get("emoji")),
            "actor_id": None if author is None else f"r{author[:40]}",
            "time": None if sent is None else sent.utc,
        }
        rest = {k: v for k, v in value.items() if k not in ("emoji", "authorId", "sentTimestamp")}
        return {
            **{k: v for k, v in found.items() if v is not None},
            **({"extra": public(rest)} if rest else {}),
        }

    def _update(self, item: dict[str, Any]) -> dict[str, Any]:
        """Calls and changes of groups and persons."""
        for key in ("individualCall", "groupCall"):
            if type(call := item.get(key)) is dict:
                media = {"AUDIO_CALL": "audio", "VIDEO_CALL": "video"}.get(text_of(call.get("type")) or "")
                shown = {"media": media, "outcome": text_of(call.get("state")), "group": key == "groupCall"}
                return {"kind": "call", "call": {k: v for k, v in shown.items() if v is not None}}
        action = next(iter(item), None)
        simple = item.get("simpleUpdate")
        if type(simple) is dict:
            action = text_of(simple.get("type")) or action
        change = item.get("groupChange")
        if type(change) is dict and type(change.get("updates")) is list and len(change["updates"]) == 1:
            only = change["updates"][0]
            action = next(iter(only), action) if type(only) is dict else action
        event = {"kind": _EVENTS.get(action or "", "other"), "action": action}
        return {"kind": "system", "event": {k: v for k, v in event.items() if v is not None}}


def _entities(text: str, ranges: list[Any]) -> list[Plain] | None:
    """Formatting, its places turned from UTF-16 units into characters."""
    wide, units = _points(text)
    found: list[Plain] = []
    for one in ranges:
        start = whole_number(one.get("start", 0)) if type(one) is dict else None
        length = whole_number(one.get("length", 0)) if type(one) is dict else None
        if start is None or length is None or not 0 <= start <= start + length <= units:
            found.append({"type": "unknown", "not_understood": public(one)})
            continue
        first, last = (at - bisect_left(wide, at) for at in (start, start + length))
        mention = _uuid(one.get("mentionAci"))
        kind = "mention" if mention is not None else (text_of(one.get("style")) or "unknown").lower()
        entity = {"type": kind, "offset": first, "length": last - first}
        found.append({**entity, "ref": mention} if mention is not None else entity)
    return found or None
