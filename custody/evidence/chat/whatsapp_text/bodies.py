"""What a message's text is when WhatsApp itself wrote it: media, deleted, edited, poll, place, call, event.

Works on the text with its marks; compares without them. Whatever is not known stays as it stands, flagged
where it looks like a sign of WhatsApp's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from custody.evidence.chat.model import attachment
from custody.evidence.chat.whatsapp_text import strings
from custody.evidence.chat.whatsapp_text.words import BARE

LRM = "\u200e"

Found = tuple[int | None, str, str | None]
"""A file of the export, or none; the attachment's state; the basis of the match (model.attachment)."""
Files = Callable[[str], tuple[Found, tuple[str, ...]]]
"""A file's name to what the export has of it, and flags of doubt."""


def bare(text: str) -> str:
    """A text as it is compared: without marks, with plain spaces."""
    return text if text.isascii() else text.translate(BARE)


WHOLE: dict[str, dict[str, Any]] = {}
"""What a whole text means, ready as fields of a message."""
for _table, _by in (
    (strings.DELETED_BY_OTHER, "sender"),
    (strings.DELETED_BY_ME, "exporter"),
    (strings.DELETED_BY_ADMIN, "admin"),
):
    for _one in _table:
        for _form in (_one, _one + "."):
            WHOLE[_form] = {"kind": "deleted", "deletion": {"is_deleted": True, "by": _by}}
for _one in strings.VIEW_ONCE:
    for _form in (_one, _one + "."):
        WHOLE[_form] = {
            "kind": "media",
            "attachments": [attachment(name=None, state="view_once", placeholder=_form)],
            "ephemeral": {"view_once": True},
        }
WHOLE[strings.VIEW_ONCE_BODY] = {
    "kind": "media",
    "attachments": [attachment(name=None, state="view_once", placeholder=strings.VIEW_ONCE_BODY)],
    "ephemeral": {"view_once": True},
    "flags": ("view_once_suspected",),
}

signs = re.compile("[<)\u200e\u200f]|://|" + re.escape(next(iter(strings.ATTACHED_BEFORE)))).search
"""A text in which this finds nothing is a person's own, unless all of it is in WHOLE."""

_STAMPED = (
    r"(?:(?:IMG|VID|AUD|PTT|STK|GIF|DOC)-[0-9]{8}-WA[0-9]{4,}\.\w{1,8}"
    r"|[0-9]{8}-(?:PHOTO|VIDEO|AUDIO|GIF|STICKER)-[0-9]{4}(?:-[0-9]{2}){5}\.\w{1,8})"
)
_STAMPED_NAME = re.compile(_STAMPED)
_ANGLE = re.compile(r"<([^<>\n]{1,1000})>")
_PLACEHOLDER = re.compile(r"<[^<>\n]{0,40}[^\W\d_][^<>\n]{0,40}>")
_MOST_FILES = 100
_IOS_BEFORE = tuple(strings.IOS_ATTACHED_BEFORE)
_IOS_AFTER = tuple(strings.IOS_ATTACHED_AFTER)
_MAP = re.compile(
    r"https?://(?:maps\.google\.com/\?q=|www\.google\.com/maps/search/\?api=1&query=)"
    r"(?P<lat>-?[0-9]{1,3}(?:\.[0-9]{1,20})?+)(?:,|%2C)(?P<lon>-?[0-9]{1,3}(?:\.[0-9]{1,20})?+)"
)
_MAP_LINE = re.compile(r"(?:(?P<label>[^\n:]{1,60}): )?(?P<url>https?://\S{1,500})")
_POLL_WORD = re.compile(r"([^\W\d_a-z]{2,30}):")
_OPTION = re.compile(r"(?P<word>[^\W\d_a-z]{2,30}): (?P<text>.*?)(?: \((?P<votes>[0-9]{1,9}) [^()]{1,30}\))?")


def special(text: str, files: Files, *, phone: str) -> dict[str, Any] | None:
    """Fields of the message that this text makes it, or None for a person's own text.

    ``phone``: "ios" or "android", by the layout of the file's lines.
    """
    whole = WHOLE.get(text)
    if whole is not None:
        # iPhones have no body of this word: there it is what somebody wrote.
        return None if text == strings.VIEW_ONCE_BODY and phone == "ios" else whole
    if not signs(text):
        return None
    clean = bare(text)
    whole = WHOLE.get(clean)
    if whole is not None:
        return whole
    first, _, rest = text.partition("\n")
    line = bare(first)
    marked, angle = text.startswith(LRM), "<" in text
    fields = (
        _attached(line, rest, files)
        or (_in_angles(clean, files) if angle else None)
        or (_omitted(first, line, rest) if angle or LRM in first else None)
        or (_location(clean) if "://" in clean else None)
        or (_poll(text) or _call(text, clean) if marked else None)
        or {}
    )
    if not angle:
        return fields or None
    edited = _edited(text)
    if edited:
        fields = {**fields, "edit": {"is_edited": True, "history_complete": False}}
    elif not fields and _PLACEHOLDER.fullmatch(clean):
        fields = {"kind": "unknown", "flags": ("placeholder_unknown",)}
    return fields or None


def event(text: str) -> str | None:
    """The kind of event that a text of WhatsApp's tells of; None when it is none that we know."""
    clean = bare(text)
    for kind, parts in strings.EVENTS:
        for part in parts:
            if part in clean:
                return kind
    return None


def _kind(name: str) -> str:
    upper = name.upper()
    if upper.endswith(".VCF"):
        return "contact"
    if (
        upper.startswith("STK-")
        or "-STICKER-" in upper
        or (upper.endswith(".WEBP") and not upper.startswith("IMG"))
    ):
        return "sticker"
    if upper.startswith("PTT-") or (upper.endswith(".OPUS")):
        return "voice"
    return "media"


def _of_file(
    name: str, placeholder: str, rest: str, files: Files, flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    (member, state, basis), doubts = files(name)
    one = attachment(
        name=name, state=state, member=member, basis=basis, placeholder=placeholder, caption=rest or None
    )
    return {"kind": _kind(name), "attachments": [one], "flags": (*flags, *doubts)}


def _attached(line: str, rest: str, files: Files) -> dict[str, Any] | None:
    if line.endswith(")") and len(line) <= 1100:
        name, _, words = line.rpartition(" (")
        words = f"({words}"
        if name and words in strings.ATTACHED_AFTER:
            return _of_file(name, line, rest, files)
        if _STAMPED_NAME.fullmatch(name) or (name and files(name)[0][0] is not None):
            return _of_file(name, line, rest, files, ("placeholder_unknown",))
    for words in strings.ATTACHED_BEFORE:
        if line.startswith(words + " ") and len(line) <= 1000:
            return _of_file(line[len(words) + 1 :].strip(), line, rest, files)
    return None


def _in_angles(clean: str, files: Files) -> dict[str, Any] | None:
    """iPhones: ``<attached: NAME>`` behind a title on its line, with the caption on lines around it."""
    fields: dict[str, Any] | None = None
    for angle in _ANGLE.finditer(clean):
        name, flags = _name_in(angle[1].strip())
        if name is None:
            continue
        start = clean.rfind("\n", 0, angle.start()) + 1
        end = clean.find("\n", angle.end())
        around = [clean[: start - 1] if start else "", "" if end < 0 else clean[end + 1 :]]
        one = _of_file(name, angle[0], "\n".join(filter(None, around)), files, flags)
        title = clean[start : angle.start()].strip()
        if title:
            one["attachments"][0]["extra"] = {"title": title}
        if fields is None:
            fields = one
        elif len(fields["attachments"]) < _MOST_FILES:
            fields["attachments"] += one["attachments"]
            fields["flags"] += one["flags"]
    return fields


def _name_in(inner: str) -> tuple[str | None, tuple[str, ...]]:
    for words in _IOS_BEFORE:
        if inner.startswith(words):
            return inner[len(words) :].strip(), ()
    for words in _IOS_AFTER:
        if inner.endswith(" " + words):
            return inner[: -len(words)].strip(), ()
    stamped = _STAMPED_NAME.search(inner)
    return (None, ()) if stamped is None else (stamped[0], ("placeholder_unknown",))


def _omitted(first: str, line: str, rest: str) -> dict[str, Any] | None:
    caption = rest or None
    if line in strings.MEDIA_OMITTED:
        one = attachment(name=None, state="omitted", placeholder=line, caption=caption)
        return {"kind": "media", "attachments": [one]}
    if LRM not in first:
        return None
    for words, (kind, media, _) in strings.IOS_OMITTED.items():
        if line.endswith(words):
            title = line[: -len(words)].strip()
            one = attachment(
                name=None,
                state="omitted",
                placeholder=words,
                media_type=media,
                caption=caption,
                extra={"title": title} if title else None,
            )
            return {"kind": kind, "attachments": [one]}
    return None


def _edited(text: str) -> bool:
    at = text.rfind("<")
    return at > 0 and text[at - 1] == LRM and bare(text[at:]).strip() in strings.EDITED


def _poll(text: str) -> dict[str, Any] | None:
    lines = text.split("\n")
    if len(lines) < 3 or not lines[0].startswith(LRM):
        return None
    head = _POLL_WORD.fullmatch(bare(lines[0]).rstrip())
    if head is None or not head[1].isupper():
        return None
    options = []
    question = []
    for line in lines[1:]:
        found = _OPTION.fullmatch(bare(line)) if line.startswith(LRM) else None
        if found is not None and found["word"].isupper():
            option: dict[str, Any] = {"text": found["text"]}
            if found["votes"] is not None:
                option["votes"] = int(found["votes"])
            options.append(option)
        elif options:
            options[-1]["text"] += "\n" + line
        else:
            question.append(line)
    if not options:
        return None
    return {"kind": "poll", "poll": {"question": "\n".join(question), "options": options}}


def _location(clean: str) -> dict[str, Any] | None:
    lines = clean.split("\n", 3)
    if len(lines) > 3:
        return None
    found = _MAP_LINE.fullmatch(lines[-1])
    if found is None:
        return None
    at = _MAP.match(found["url"])
    if at is None:
        if len(lines) > 1 or found["label"] is None or "foursquare.com/v/" not in found["url"]:
            return None
        return {"kind": "location", "location": {"label": found["label"], "url": found["url"]}}
    location: dict[str, Any] = {"latitude": at["lat"], "longitude": at["lon"], "url": found["url"]}
    label = "\n".join(lines[:-1])
    if label:
        location["label"] = label
    if found["label"] is None and not label:
        return {"location": location}  # a bare link: somebody may have pasted it
    return {"kind": "location", "location": location}


def _call(text: str, clean: str) -> dict[str, Any] | None:
    if not text.startswith(LRM):
        return None
    for words, media, outcome in strings.CALLS:
        if clean.startswith(words) and clean[len(words) : len(words) + 1] in ("", ",", ".", " ", "\n"):
            call: dict[str, Any] = {"media": media}
            if outcome:
                call["outcome"] = outcome
            length = clean[len(words) :].strip(" ,.\n")
            if length:
                call["detail"] = length
            return {"kind": "call", "call": call}
    return None


def same_name(name: str) -> str:
    """A file's name in the one form that names of one file share (NFC)."""
    return unicodedata.normalize("NFC", name)


def exporter_marks() -> tuple[bytes, ...]:
    """What only the exporter's own deleted messages say, as bytes to look for."""
    return tuple(one.encode() for one in strings.DELETED_BY_ME)


def no_files(state: str) -> Files:
    """Of an export that is one file alone: nothing that it names can be here."""

    def find(name: str) -> tuple[Found, tuple[str, ...]]:
        return (None, state, None), ()

    return find


def in_zip(names: Mapping[str, tuple[int, ...]]) -> Files:
    """Of a zip: by exact name; ``names`` gives the members by name and by NFC name."""

    def find(name: str) -> tuple[Found, tuple[str, ...]]:
        found = names.get(name)
        flags: tuple[str, ...] = ()
        if found is None:
            found = names.get("\0" + same_name(name))
            flags = ("attachment_name_spelled_otherwise",) if found else ()
        if not found:
            return (None, "missing", None), ()
        if len(found) > 1:
            return (None, "present", "none"), (*flags, "attachment_name_not_unique")
        return (found[0], "present", "exact_name"), flags

    return find
