"""Parts of a Telegram message: formatted text, files, polls, places, contacts, reactions, what happened to a group."""

from __future__ import annotations

import re
from typing import Any

from custody.evidence.chat.json_rest import Files, text_of, whole_number
from custody.evidence.chat.json_text import plain
from custody.evidence.chat.model import Plain, attachment
from custody.evidence.export import Member

FILES = frozenset({"photo", "file", "thumbnail", "contact_vcard"})
MESSAGE = frozenset({
    "id", "type", "date", "date_unixtime", "edited", "edited_unixtime", "from", "from_id", "text", "text_entities",
    "reply_to_message_id", "reply_to_peer_id", "forwarded_from", "forwarded_from_id", "saved_from", "reactions", "poll",
    "location_information", "place_name", "address", "live_location_period_seconds", "contact_information",
    "self_destruct_period_seconds",
})  # fmt: skip
"""Keys of a message whose values stand in fields of the form; all others are kept in `extra`."""
MEDIA = MESSAGE | FILES | {
    "media_type", "mime_type", "duration_seconds", "width", "height", "file_name", "file_size", "photo_file_size",
    "thumbnail_file_size", "contact_vcard_file_size",
}  # fmt: skip
"""The same of a message with a file."""
SERVICE = frozenset({
    "id", "type", "date", "date_unixtime", "edited", "edited_unixtime", "actor", "actor_id", "action", "members",
    "text", "text_entities", "information_text", "photo", "photo_file_size", "reply_to_message_id", "reply_to_peer_id",
    "reactions",
})  # fmt: skip
"""The same of a service message."""

EVENTS = {
    "create_group": "group_created", "create_channel": "group_created", "edit_group_title": "subject_changed",
    "invite_members": "member_added", "remove_members": "member_removed", "join_group_by_link": "joined_by_link",
    "join_group_by_request": "joined_by_link", "pin_message": "pinned", "set_messages_ttl": "disappearing_timer",
    "group_call": "call", "invite_to_group_call": "call", "group_call_scheduled": "call", "phone_call": "call",
}  # fmt: skip

_SENTENCE = re.compile(
    r"(?:(?P<name>.*) )?\((?:File|Photo) (?:not included\.|exceeds maximum size\.|unavailable,)[^()]*\)",
    re.DOTALL,
)
_KINDS = {"sticker": "sticker", "voice_message": "voice"}


def kind(value: dict[str, Any]) -> str:
    """The form's word for what a message is."""
    type_ = value.get("type")
    if type_ == "service":
        return "call" if value.get("action") == "phone_call" else "system"
    if type_ != "message":
        return "unknown"
    if "media_type" in value or "file" in value or "photo" in value:
        media = value.get("media_type")
        return _KINDS.get(media, "media") if type(media) is str else "media"
    if "poll" in value:
        return "poll"
    if "location_information" in value or "place_name" in value:
        return "location"
    return "contact" if "contact_information" in value else "text"


def text_and_entities(text: Any, parts: Any) -> tuple[str | None, list[Plain] | None, str | None]:
    """(text, entities, flag): parts stand one after the other, with nothing between them."""
    whole, entities, odd = _joined(text)
    if parts is None or odd:
        return whole, entities, "text_not_understood" if odd else None
    again, others, odd = _joined(parts)
    if odd or again != whole:
        # Two accounts of one text: the older field leads, both are kept.
        return whole, entities, "text_and_entities_disagree"
    return whole, others or entities, None


def _joined(value: Any) -> tuple[str | None, list[Plain] | None, bool]:
    if type(value) is str or value is None:
        return value, None, False
    if type(value) is not list:
        return None, None, True
    texts: list[str] = []
    entities: list[Plain] = []
    at = 0
    odd = False
    for part in value:
        if type(part) is dict and type(part.get("text")) is str:
            piece = part["text"]
            type_ = part.get("type")
            if type_ != "plain":
                entity = {"type": text_of(type_) or "unknown", "offset": at, "length": len(piece)}
                for key, one in part.items():
                    if key not in ("type", "text"):
                        entity["url" if key == "href" else key] = plain(one, depth=6)
                entities.append(entity)
        elif type(part) is str:
            piece = part
        else:
            odd = True
            continue
        texts.append(piece)
        at += len(piece)
    return "".join(texts), entities or None, odd


def attachments(
    value: dict[str, Any], member: Member, files: Files
) -> tuple[list[Plain] | None, tuple[str, ...]]:
    """The files of a message, each matched by its path, and flags."""
    found: list[Plain] = []
    flags: tuple[str, ...] = ()
    for key in ("photo", "file", "thumbnail", "contact_vcard"):
        path = value.get(key)
        if path is None:
            continue
        if type(path) is not str:
            flags += ("path_not_understood",)
            found.append(attachment(name=None, state="undecodable", extra={key: plain(path)}))
            continue
        main = key in ("photo", "file")
        facts = {
            "size": value.get("file_size" if key == "file" else f"{key}_file_size"),
            "duration_seconds": value.get("duration_seconds") if main else None,
            "width": value.get("width") if main else None,
            "height": value.get("height") if main else None,
            "name": value.get("file_name") if key == "file" else None,
            "mime_type": None if key == "file" else value.get("mime_type") if main else None,
        }
        declared = {name: plain(one) for name, one in facts.items() if one is not None}
        media = text_of(value.get("mime_type")) if key == "file" else None
        extra: dict[str, Any] = {} if main else {"role": key}
        if key == "file" and "media_type" in value:
            extra["media_type"] = plain(value["media_type"])
        sentence = _SENTENCE.fullmatch(path) if path.endswith(")") else None
        if sentence is not None:
            one = attachment(
                name=sentence["name"],
                state="not_exported",
                placeholder=path,
                media_type=media,
                declared=declared or None,
                extra=extra or None,
            )
        else:
            at, twice = files.find(member, path)
            if twice:
                flags += ("two_files_of_this_name",)
            one = attachment(
                name=path,
                state="present" if at is not None else "missing" if files.zipped else "not_here",
                member=at,
                basis="exact_name" if at is not None else None,
                media_type=media,
                declared=declared or None,
                extra=extra or None,
            )
        found.append(one)
    return found or None, flags


def forward(value: dict[str, Any]) -> Plain | None:
    """From where a message was forwarded or saved; a null name is a deleted account's."""
    if not {"forwarded_from", "forwarded_from_id", "saved_from"} & value.keys():
        return None
    found = {
        "from_raw": text_of(value.get("forwarded_from")),
        "from_id": text_of(value.get("forwarded_from_id")),
        "saved_from": text_of(value.get("saved_from")),
    }
    if "forwarded_from" in value and value["forwarded_from"] is None:
        return {**{key: one for key, one in found.items() if one is not None}, "from_deleted_account": True}
    return {key: one for key, one in found.items() if one is not None}


def reactions(value: Any) -> list[Plain] | None:
    """Reactions by emoji, with the few reactors that the export names."""
    if type(value) is not list:
        return None if value is None else [{"not_understood": plain(value)}]
    found: list[Plain] = []
    for one in value:
        if type(one) is not dict:
            found.append({"not_understood": plain(one)})
            continue
        known = {"emoji": text_of(one.get("emoji")), "count": whole_number(one.get("count"))}
        rest = {key: plain(other) for key, other in one.items() if known.get(key) is None}
        found.append({**{key: plain(other) for key, other in known.items() if other is not None}, **rest})
    return found or None


def poll(value: Any) -> Plain | None:
    """A poll with its options and votes; who voted how is not in the export."""
    if type(value) is not dict:
        return None if value is None else {"not_understood": plain(value)}
    answers = value.get("answers")
    options = []
    for one in answers if type(answers) is list else ():
        if type(one) is not dict:
            options.append({"not_understood": plain(one)})
            continue
        options.append({("votes" if key == "voters" else key): plain(other) for key, other in one.items()})
    found = {key: plain(one) for key, one in value.items() if key != "answers"}
    return {**found, "options": options}


def location(value: dict[str, Any]) -> Plain | None:
    """A place: coordinates as the source writes them."""
    point = value.get("location_information")
    found: dict[str, Any] = dict(plain(point)) if type(point) is dict else {}
    for key, name in (
        ("place_name", "label"), ("address", "address"), ("live_location_period_seconds", "live_period_seconds"),
    ):  # fmt: skip
        if value.get(key) is not None:
            found[name] = plain(value[key])
    return found or None


def contact(value: Any) -> Plain | None:
    """A contact that was sent."""
    if type(value) is dict:
        return {key: plain(one) for key, one in value.items()}
    return None if value is None else {"not_understood": plain(value)}
