"""What stands in a message of Telegram's HTML export: its words with their marks, its media, its reactions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from custody.evidence.chat.markup import Element
from custody.evidence.chat.model import Plain, attachment
from custody.evidence.chat.named_files import Files

_TYPES = {
    "strong": "bold",
    "em": "italic",
    "code": "code",
    "pre": "pre",
    "u": "underline",
    "s": "strikethrough",
    "blockquote": "blockquote",
    "a": "link",
}
_CALLS = (
    ("ShowHashtag", "hashtag"),
    ("ShowBotCommand", "bot_command"),
    ("ShowMentionName", "mention_name"),
    ("ShowCashtag", "cashtag"),
    ("Emoji", "custom_emoji"),
)
_KINDS = {
    "media_call": "call",
    "media_contact": "contact",
    "media_location": "location",
    "media_live_location": "location",
    "media_venue": "location",
    "media_voice_message": "voice",
}
_STATES = (
    ("Not included", "not_exported"),
    ("Exceeds maximum size", "not_exported"),
    ("Unavailable", "not_exported"),
    ("Expired", "expired"),
    ("Please view it on your mobile", "view_once"),
)
_POINT = re.compile(r"[?&]q=(-?[0-9]{1,3}(?:\.[0-9]{1,20})?),(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)(?:&|$)")


class Words(NamedTuple):
    """A message's text, and what is marked in it: offsets in characters (code points)."""

    text: str
    entities: tuple[Plain, ...]


def words(said: Element) -> Words:
    """The text as it was typed: line ends are written `<br>`, those of the file stand around it as layout."""
    parts: list[str] = []
    marks: list[tuple[str, str | None, int, int]] = []
    at = 0
    waiting: list[Element | str | tuple[str, str | None, int]] = [*reversed(said.children)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if not parts:
                one = one.removeprefix("\n")
            parts.append(one)
            at += len(one)
        elif isinstance(one, tuple):
            marks.append((*one, at))
        elif one.name == "br":
            parts.append("\n")
            at += 1
        else:
            mark = _mark(one)
            if mark is not None:
                waiting.append((*mark, at))
            waiting.extend(reversed(one.children))
    text = "".join(parts)
    end = (
        re.search(r"\n *+$(?![\s\S])", text) if said.children and isinstance(said.children[-1], str) else None
    )
    text = text if end is None else text[: end.start()]
    found = []
    for kind, url, start, stop in sorted(marks, key=lambda mark: (mark[2], -mark[3])):
        value: dict[str, Any] = {"type": kind, "offset": start, "length": min(stop, len(text)) - start}
        if url:
            value["url"] = url
        if value["length"] >= 0:
            found.append(value)
    return Words(text, tuple(found))


def _mark(one: Element) -> tuple[str, str | None] | None:
    kind = _TYPES.get(one.name)
    if one.name == "span" and "spoiler" in one.classes:
        return "spoiler", None
    if kind != "link":
        return None if kind is None else (kind, None)
    attributes = one.attributes
    called = attributes.get("onclick", "")
    for name, meant in _CALLS:
        if name in called:
            return meant, None
    return "link", attributes.get("href") or None


@dataclass(frozen=True, slots=True)
class Media:
    """What a message carries beside its text."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def media(wrapped: Element, files: Files, path: str) -> Media:
    """The media of a message: a file that is linked, or what stands in its place."""
    inner = wrapped.elements[0] if wrapped.elements else wrapped
    title = _text(inner, "title")
    status = _text(inner, "status")
    description = _text(inner, "description")
    link = inner.attributes.get("href", "") if inner.name == "a" else ""
    classes = inner.classes
    kind = next((meant for name, meant in _KINDS.items() if name in classes), None)
    extra = {
        key: text
        for key, text in (("title", title), ("status", status), ("description", description))
        if text
    }
    if "media_poll" in classes:
        return Media("poll", {"poll": _poll(inner)})
    if kind == "call":
        return Media("call", {"call": {"status": status, "success": "success" in classes}}, extra)
    if kind == "contact" and not link:
        return Media("contact", {"contact": {"name": title, "phone": status}})
    if kind == "location":
        return Media("location", {"location": _location(link, title, description)}, extra)
    if link.startswith(("http:", "https:")):
        return Media("link", {}, {**extra, "url": link})
    if "media_game" in classes or "media_invoice" in classes:
        return Media("text", {}, extra)
    if "sticker_wrap" in classes or title == "Sticker":
        kind = "sticker"
    thumb = inner.first(lambda one: one.name == "img")
    if thumb is not None and (source := thumb.attributes.get("src", "")) not in ("", link):
        extra["thumb"] = source
    kind = kind or "media"
    if link:
        name = title if "media_file" in classes else None
        given = files.attachment(link, path, **({"caption": None, "extra": {"title": name}} if name else {}))
        values: dict[str, Any] = {"attachments": [given]}
    else:
        placeholder = description or status or title or inner.text()
        state = next((meant for start, meant in _STATES if placeholder.startswith(start)), "not_exported")
        name = title if "media_file" in classes else None
        values = {"attachments": [attachment(name=name, state=state, placeholder=placeholder or None)]}
    if kind == "contact":
        values["contact"] = {"name": title, "phone": status}
    return Media(kind, values, extra)


def _text(above: Element, name: str) -> str:
    found = above.first(lambda one: name in one.classes)
    return "" if found is None else found.text()


def _poll(one: Element) -> Plain:
    answers = []
    for answer in one.elements:
        if "answer" in answer.classes:
            votes = answer.first(lambda inner: "details" in inner.classes)
            text = answer.text(skip=lambda inner: "details" in inner.classes)
            value = {"text": text.removeprefix("- ").rstrip()}
            if votes is not None:
                value["votes_text"] = votes.text()
            answers.append(value)
    totals = _text(one, "total")
    value_of: dict[str, Any] = {"question": _text(one, "question"), "options": answers}
    if totals:
        value_of["total_text"] = totals
    state = next((child.text() for child in one.elements if child.classes == {"details"}), "")
    if state:
        value_of["closed"] = state == "Final results"
        value_of["state_text"] = state
    return value_of


def _location(link: str, title: str, description: str) -> Plain:
    value: dict[str, Any] = {}
    point = _POINT.search(link)
    if point is not None:
        value["latitude"], value["longitude"] = point[1], point[2]
    for key, text in (("label", title), ("address", description), ("url", link)):
        if text:
            value[key] = text
    return value


def reactions(body: Element) -> list[Plain] | None:
    """Reactions, as newer exports write them: the sign, a count or those who gave it."""
    holder = body.first(lambda one: "reactions" in one.classes)
    if holder is None:
        return None
    found: list[Plain] = []
    for one in holder.elements:
        value: dict[str, Any] = {"text": one.text()}
        sign = one.first(lambda inner: "emoji" in inner.classes)
        if sign is not None:
            value["emoji"] = sign.text()
        count = _text(one, "count")
        if re.fullmatch(r"[0-9]{1,9}", count):
            value["count"] = int(count)
        names = [inner.attributes["title"] for inner in one.walk() if "title=" in inner.written]
        if names:
            value["actors_text"] = names
        found.append(value)
    return found
