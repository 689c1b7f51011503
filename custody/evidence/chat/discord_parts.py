"""Parts of a Discord message: files, reactions, kinds, and a message of Discord's own data package."""

from __future__ import annotations

from typing import Any

from custody.evidence.chat.json_rest import Files, iso_time, text_of, whole_number
from custody.evidence.chat.json_slices import Element
from custody.evidence.chat.json_text import plain
from custody.evidence.chat.model import Message, Plain, attachment
from custody.evidence.export import Member

KINDS = {"DirectTextChat": "direct", "DirectGroupTextChat": "group"}
TALK = frozenset({"", "Default", "Reply", "ChatInputCommand", "ContextMenuCommand", "ThreadStarterMessage"})
EVENTS = {
    "RecipientAdd": "member_added", "RecipientRemove": "member_removed", "ChannelNameChange": "subject_changed",
    "ChannelIconChange": "other", "ChannelPinnedMessage": "pinned", "GuildMemberJoin": "member_added",
    "ThreadCreated": "other", "Call": "call",
}  # fmt: skip
KNOWN = frozenset({
    "id", "type", "timestamp", "timestampEdited", "callEndedTimestamp", "content", "author", "attachments", "reactions",
    "reference", "forwardedMessage",
})  # fmt: skip

SCALARS = frozenset({"id", "type", "timestamp", "timestampEdited", "callEndedTimestamp", "content"})


def attachments(
    value: dict[str, Any], member: Member, files: Files
) -> tuple[list[Plain] | None, tuple[str, ...]]:
    """Files and stickers; those that the exporter saved are found by their path."""
    found: list[Plain] = []
    flags: tuple[str, ...] = ()
    for key in ("attachments", "stickers"):
        listed = value.get(key)
        for one in listed if type(listed) is list else ():
            if type(one) is not dict:
                found.append(attachment(name=None, state="undecodable", extra={"value": plain(one)}))
                continue
            path = text_of(one.get("url" if key == "attachments" else "sourceUrl"))
            name = text_of(one.get("fileName" if key == "attachments" else "name"))
            size = whole_number(one.get("fileSizeBytes"))
            extra = {"role": "sticker"} if key == "stickers" else {}
            extra |= {
                at: plain(other) for at, other in one.items() if at not in ("fileName", "fileSizeBytes")
            }
            made, twice = _made(path, name, size, extra, member, files)
            flags += ("two_files_of_this_name",) if twice else ()
            found.append(made)
        if listed is not None and type(listed) is not list:
            found.append(attachment(name=None, state="undecodable", extra={"value": plain(listed)}))
    return found or None, flags


def _made(
    path: str | None, name: str | None, size: int | None, extra: dict[str, Any], member: Member, files: Files
) -> tuple[Plain, bool]:
    at, twice, state = None, False, "not_exported"
    if path is not None and "://" not in path:
        at, twice = files.find(member, path)
        state = "present" if at is not None else "missing" if files.zipped else "not_here"
    made = attachment(
        name=name if name is not None else path,
        state=state,
        member=at,
        basis="exact_name" if at is not None else None,
        declared={"size": size} if size is not None and size >= 0 else None,
        extra=extra or None,
    )
    return made, twice


def reactions(value: Any) -> list[Plain] | None:
    """Reactions by emoji: how many, and who where the exporter asked."""
    found: list[Plain] = []
    for one in value if type(value) is list else ():
        if type(one) is not dict:
            found.append({"not_understood": plain(one)})
            continue
        emoji = one.get("emoji")
        shown = text_of(emoji.get("name")) if type(emoji) is dict else text_of(emoji)
        more = {key: plain(other) for key, other in one.items() if key != "emoji" or type(other) is dict}
        if type(emoji) is dict:
            more["custom_emoji"] = plain(more.pop("emoji"))
        found.append({"emoji": shown, **more} if shown is not None else more)
    if value is not None and type(value) is not list:
        found.append({"not_understood": plain(value)})
    return found or None


def packed(piece: Element, member: Member, chat: str, files: Files) -> Message:
    """A message of the data package: ID, Timestamp, Contents, Attachments (addresses with spaces between)."""
    get = piece.value.get
    stamp = get("Timestamp")
    time = iso_time(stamp) if type(stamp) is str else None
    if time is not None and time.utc is None and time.local is not None:
        time = time._replace(utc=time.local + "Z", basis="assumed_utc")
    listed = get("Attachments")
    found = [
        attachment(
            name=address.partition("?")[0].rpartition("/")[2], state="not_exported", extra={"url": address}
        )
        for address in (listed.split() if type(listed) is str else ())
    ]
    known = {"ID", "Timestamp", "Contents", "Attachments"}
    extra = {key: one for key, one in piece.value.items() if key not in known or type(one) in (dict, list)}
    text = text_of(get("Contents"))
    return Message(
        member.index,
        piece.start,
        piece.end,
        piece.raw,
        chat,
        "media" if found and not text else "text",
        f"{piece.array}/{piece.number}",
        time,
        "me",
        None,
        text,
        "out",
        text_of(get("ID")),
        attachments=found or None,
        extra=plain(extra) or None,
        flags=tuple(one for one in piece.flags if one != "after_damage"),
    )
