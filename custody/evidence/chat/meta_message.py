"""What a message object of Meta's JSON says: of the download, and of the one for end-to-end encrypted chats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.evidence.chat import json_text, times
from custody.evidence.chat.model import Participant, Plain, Time, attachment
from custody.evidence.chat.named_files import Files

_MEDIA = {"photos": "media", "videos": "media", "audio_files": "voice", "files": "media", "gifs": "media"}
_KNOWN = frozenset(
    {
        "sender_name", "timestamp_ms", "content", "type", "reactions", "share", "sticker", "call_duration", "missed",
        "is_unsent", "users", *_MEDIA,
    }
)  # fmt: skip
_KNOWN_ENCRYPTED = frozenset({"senderName", "timestamp", "text", "type", "isUnsent", "media", "reactions"})
_NO_MEDIA = "Failed to download media"


@dataclass(slots=True)
class Made:
    """Fields of a `Message`, and the people in it."""

    kind: str = "unknown"
    values: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Participant] = field(default_factory=dict)

    def person(self, name: Any) -> str | None:
        """The id of who has this name: names are all that the format has."""
        if type(name) is not str or not name:
            return None
        key = f"name:{name}"
        self.people.setdefault(key, Participant(key, name, ({"type": "display_name", "value": name},)))
        return key


def plain_message(value: dict[str, Any], files: Files, path: str, flags: set[str]) -> Made:
    """A message of the download."""
    made = Made()
    values = made.values
    extra = _extra(value, _KNOWN)
    _common(made, value.get("sender_name"), value.get("timestamp_ms"), flags)
    text = value.get("content")
    if type(text) is str and text:
        made.kind, values["text"] = "text", text
    elif text is not None and type(text) is not str:
        extra["content"] = json_text.plain(text)
    entities = _share(value.get("share"), extra)
    if entities:
        made.kind, values["entities"] = "link", entities
    found: list[Plain] = []
    for key, kind in _MEDIA.items():
        listed = value.get(key)
        if listed is None:
            continue
        given = [_attachment(one, files, path) for one in listed] if type(listed) is list else []
        if not given or None in given:
            extra[key] = json_text.plain(listed)
        new = [one for one in given if one is not None]
        if new:
            made.kind = kind if not found else "media"
            found += new
    sticker = value.get("sticker")
    if sticker is not None:
        one = _attachment(sticker, files, path)
        if one is None:
            extra["sticker"] = json_text.plain(sticker)
        else:
            made.kind = "sticker"
            found.append(one)
    if found:
        values["attachments"] = found
    _reactions(made, value.get("reactions"), extra)
    kind_of = value.get("type")
    if kind_of is not None and kind_of != "Generic":
        extra["type"] = json_text.plain(kind_of)
    if kind_of == "Call" or "call_duration" in value or "missed" in value:
        made.kind = "call"
        values["call"] = _call(value)
    elif kind_of in ("Subscribe", "Unsubscribe"):
        made.kind = "system"
        values["event"] = _event(made, kind_of, value.get("users"))
    elif value.get("users") is not None:
        extra["users"] = json_text.plain(value["users"])
    _ended(made, value.get("is_unsent"), "is_unsent", extra, flags)
    return made


def encrypted(value: dict[str, Any], files: Files, path: str, flags: set[str]) -> Made:
    """A message of the download from secure storage."""
    made = Made()
    values = made.values
    extra = _extra(value, _KNOWN_ENCRYPTED)
    _common(made, value.get("senderName"), value.get("timestamp"), flags)
    text = value.get("text")
    if type(text) is str and text:
        made.kind, values["text"] = "text", text
    elif text is not None and type(text) is not str:
        extra["text"] = json_text.plain(text)
    listed = value.get("media")
    if listed:
        given = [_attachment(one, files, path) for one in listed] if type(listed) is list else [None]
        if None in given:
            extra["media"] = json_text.plain(listed)
        found = [one for one in given if one is not None]
        if found:
            made.kind, values["attachments"] = "media", found
    _reactions(made, value.get("reactions"), extra)
    if value.get("type") not in (None, "Generic", "text", "Text"):
        extra["type"] = json_text.plain(value["type"])
    _ended(made, value.get("isUnsent"), "isUnsent", extra, flags)
    return made


def _extra(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What this form has no place for; `false`, nothing and empty lists are the usual state and say nothing."""
    return {
        key: json_text.plain(one)
        for key, one in value.items()
        if key not in known and one is not None and one is not False and one not in ([], {}, "")
    }


def _common(made: Made, name: Any, count: Any, flags: set[str]) -> None:
    made.values["sender"] = made.person(name)
    if type(name) is str and name:
        made.values["sender_text"] = name
    else:
        flags.add("sender_unknown")
    if type(count) is int:
        made.values["time"] = time = times.since_1970(count, "ms", text=str(count))
        if time.utc is None:
            flags.add("time_not_read")
    else:
        if count is not None:
            made.values["time"] = Time(_written(count), note="not_read")
        flags.add("time_not_read")


def _written(value: Any) -> str:
    return value if type(value) is str else str(json_text.plain(value))[:100]


def _share(value: Any, extra: dict[str, Any]) -> list[Plain]:
    if value is None:
        return []
    if type(value) is not dict:
        extra["share"] = json_text.plain(value)
        return []
    known = {"link": "url", "share_text": "text", "original_content_owner": "owner"}
    entity: dict[str, Any] = {"type": "share"}
    for key, one in value.items():
        if key in known and type(one) is str:
            entity[known[key]] = one
        else:
            extra.setdefault("share", {})[key] = json_text.plain(one)
    return [entity] if len(entity) > 1 else []


def _attachment(value: Any, files: Files, path: str) -> Plain | None:
    """The attachment that an object with a `uri` names; None where it is no such object."""
    uri = value.get("uri") if type(value) is dict else None
    if type(uri) is not str or not uri:
        return None
    rest = {
        key: json_text.plain(one) for key, one in value.items() if key != "uri" and one not in (None, "", [])
    }
    if uri == _NO_MEDIA:
        return attachment(name=None, state="not_exported", placeholder=uri, extra=rest or None)
    declared = {key: rest.pop(key) for key in ("creation_timestamp", "backup_uri") if key in rest}
    if uri.startswith(("http://", "https://")):
        return attachment(name=uri, state="not_exported", declared=declared or None, extra=rest or None)
    return files.attachment(uri, path, declared=declared or None, extra=rest or None)


def _reactions(made: Made, value: Any, extra: dict[str, Any]) -> None:
    if value is None or value == []:
        return
    found: list[Plain] = []
    for one in value if type(value) is list else ():
        if type(one) is not dict or type(one.get("reaction")) is not str:
            extra["reactions"] = json_text.plain(value)
            continue
        given: dict[str, Any] = {"emoji": one["reaction"]}
        actor = made.person(one.get("actor"))
        if actor is not None:
            given["actor"] = actor
        count = one.get("timestamp")
        if type(count) is int:
            # Seconds in newer downloads; a count of milliseconds would be a year above 5,000.
            time = times.since_1970(count, "s" if abs(count) < 10**11 else "ms", text=str(count))
            given["time"] = {key: text for key, text in (("text", time.text), ("utc", time.utc)) if text}
        rest = {
            key: json_text.plain(inner)
            for key, inner in one.items()
            if key not in ("reaction", "actor", "timestamp")
        }
        if rest:
            given["extra"] = rest
        found.append(given)
    if type(value) is not list:
        extra["reactions"] = json_text.plain(value)
    if found:
        made.values["reactions"] = found


def _call(value: Mapping[str, Any]) -> Plain:
    given: dict[str, Any] = {}
    duration = value.get("call_duration")
    if duration is not None:
        given["duration_seconds"] = json_text.plain(duration)
    if value.get("missed") is not None:
        given["missed"] = json_text.plain(value["missed"])
    return given


def _event(made: Made, kind: str, users: Any) -> Plain:
    targets = (
        [made.person(one.get("name")) for one in users if type(one) is dict] if type(users) is list else []
    )
    given: dict[str, Any] = {"kind": "member_added" if kind == "Subscribe" else "member_removed"}
    named = [one for one in targets if one is not None]
    if named:
        given["targets"] = named
    return given


def _ended(made: Made, unsent: Any, key: str, extra: dict[str, Any], flags: set[str]) -> None:
    if unsent is True:
        made.kind = "deleted"
        made.values["deletion"] = {"is_deleted": True}
    elif unsent is not None and unsent is not False:
        extra[key] = json_text.plain(unsent)
    if made.kind == "unknown":
        flags.add("no_content")
    if extra:
        made.values["extra"] = extra
