"""The messages in what Meta gives to investigators: the HTML "Meta Platforms Business Record", "Unified Messages".

A record is fields one after the other: a label and a value, which may hold further fields. A message is what
stands from one `Author` to the next. Pages for printing break anywhere, also within a value: it goes on in a
field without a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from custody.evidence.chat import markup, times
from custody.evidence.chat.meta_return_fields import Field, fields, grouped, person_of
from custody.evidence.chat.meta_return_parts import Part, parts
from custody.evidence.chat.model import Conversation, Message, Participant, Plain, Record, Time
from custody.evidence.chat.named_files import Files
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Member
from custody.evidence.reading import Detected, Notice, Range, Settings

SECTIONS = frozenset({"unified_messages"})
LABELS = ("Author", "Thread")
_NAME = re.compile(r"(?:records|index|preservation.{0,200})\.html?", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(rb'<div[^<>]{0,40}id="page_([0-9]{1,9})"')
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)\s+(\d\d):(\d\d):(\d\d)\s+UTC", re.ASCII)
_THREAD = re.compile(r"(.*?)\s*\((\d{1,25})\)", re.DOTALL)
_REST = re.compile(rb"(?:\s++|</(?:div|td|tr|th|tbody|table)\s*+>)++\Z")
_CLOSING = re.compile(rb"\s*+</div\s*+>")
_GIVEN = frozenset({"Author", "Sent", "Body"})
_OTHERS = frozenset(
    {"threads_unified_messages", "reported_conversations", "reported_disappearing_messages", "direct_stories"}
)
"""Sections that may hold messages too, and whose fields are not known to us."""


def detect(export: Export) -> Detected | None:
    """By its title and the names of its sections."""
    found = []
    for member in export.members:
        if export.zipped and _NAME.fullmatch(member.base) is None:
            continue
        head = member.head(1 << 20)
        if b"Business Record" in head and b'id="property-' in head:
            found.append(member.index)
    if not found:
        return None
    return Detected(
        score=95, reasons=("titled Business Record, with Meta's sections (property-…)",), members=tuple(found)
    )


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands."""

    member: int
    start: int
    conversation: str
    place: str
    path: str
    files: Files


def message(raw: bytes, at: At) -> tuple[tuple[Participant, ...], Message]:
    """The message in ``raw``, from its `Author` to before the next."""
    found = fields(raw)
    flags: set[str] = set()
    people: dict[str, Participant] = {}
    own, groups = grouped(found)
    values: dict[str, Any] = {}
    if b"pageBreak" in raw:
        flags.add("page_break_within")
    if b"\xef\xbf\xbd" not in raw and "\ufffd" in raw.decode("utf-8", "replace"):
        flags.add("broken_characters")

    def person(text: str) -> str | None:
        one = person_of(text)
        if one is not None:
            people.setdefault(one.id, one)
        return None if one is None else one.id

    author = _value(own, "Author")
    values["sender"] = person(author)
    values["sender_text"] = author or None
    if values["sender"] is None:
        flags.add("sender_unknown")
    time = _time(_value(own, "Sent"))
    if time is None or time.utc is None:
        flags.add("time_not_read")
    body = _value(own, "Body")
    kind = "text" if body else "unknown"
    if (share := _share(groups.get("Share", []))) is not None:
        kind, values["entities"] = "link", [share]
    attachments = _attachments(own, groups, at)
    if attachments:
        kind, values["attachments"] = "media", attachments
    if "Call Record" in groups:
        kind, values["call"] = "call", {label: text for label, text in groups["Call Record"] if text}
    if "Subscription Event" in groups:
        kind, values["event"] = "system", _event(groups["Subscription Event"], person)
    if _value(own, "Removed by Sender").lower() in ("true", "yes", "removed by sender"):
        kind, values["deletion"] = "deleted", {"is_deleted": True, "by": "sender"}
    rest: Plain = {
        label: text for label, text in own if label not in _GIVEN and text and label != "Linked Media File:"
    }
    others = {
        name: [list(one) for one in given]
        for name, given in groups.items()
        if name not in ("Share", "Call Record")
    }
    extra = {**({"fields": rest} if rest else {}), **({"groups": others} if others else {})}
    if kind == "unknown":
        flags.add("no_content")
    made = Message(
        at.member,
        at.start,
        at.start + len(raw),
        raw,
        at.conversation,
        kind,
        at.place,
        time=time,
        text=body or None,
        extra=extra or None,
        flags=tuple(sorted(flags)),
        **values,
    )
    return tuple(people.values()), made


def _value(own: list[Field], label: str) -> str:
    return next((text for name, text in own if name == label), "")


def _time(text: str) -> Time | None:
    if not text:
        return None
    # A page break may stand in it.
    for tried in (text, text.replace("\n", ""), text.replace("\n", " ")):
        match = _TIME.fullmatch(tried)
        if match is not None:
            try:
                local = times.local_time(*(int(match[at]) for at in range(1, 7)))
            except ValueError:
                break
            utc = times.write(local.replace(tzinfo=UTC), "second") + "Z"
            return Time(text, utc, precision="second", basis="source_utc")
    return Time(text, note="not_read")


def _share(given: list[Field]) -> Plain | None:
    names = {
        "Url": "url",
        "Text": "text",
        "Title": "title",
        "Summary": "summary",
        "Date Created": "date_text",
    }
    found = {names[label]: text for label, text in given if label in names and text}
    known = {key: text for key, text in found.items() if not (key == "date_text" and text == "Unknown")}
    return {"type": "share", **known} if known else None


def _attachments(own: list[Field], groups: dict[str, list[Field]], at: At) -> list[Plain]:
    given = [*own, *(one for listed in groups.values() for one in listed)]
    paths = [text for label, text in given if label == "Linked Media File:" and text]
    declared = {
        label: text for label, text in groups.get("Attachments", []) if text and label in ("Type", "Size")
    }
    if len(paths) != 1:
        declared = {}  # which of several files it is said of, isn't told
    return [at.files.attachment(path, at.path, declared=declared or None) for path in paths]


def _event(given: list[Field], person: Any) -> Plain:
    kinds = {"subscribe": "member_added", "unsubscribe": "member_removed"}
    kind = next((kinds.get(text.lower(), "other") for label, text in given if label == "Type"), "other")
    targets = [
        found
        for label, text in given
        if label == "Users"
        for line in text.split("\n")
        if (found := person(line))
    ]
    return {"kind": kind, **({"targets": targets} if targets else {})}


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """File by file, thread by thread."""
    files = Files.of(export)
    for index in detected.members:
        yield from _member(export.members[index], files)


def _member(member: Member, files: Files) -> Iterator[Record]:
    at = At(member.index, 0, "", "", member.name, files)
    page = "page 1"
    count = 0
    for part in parts(member, SECTIONS, LABELS):
        where = page
        if part.raw is not None:
            for match in _PAGE.finditer(part.raw):
                page = f"page {match[1].decode('ascii')}"
        if part.kind == "Author" and part.raw is not None:
            if not at.conversation:
                at = replace(at, conversation=f"{member.index}:no thread")
                yield Conversation(at.conversation, None, "none", "unknown", "meta")
            raw = _own(part.raw)
            here = replace(at, start=part.start, place=where)
            people, made = message(raw, here)
            count += 1
            yield from people
            if made.kind == "unknown":
                yield Notice(
                    "message_not_understood", "a message without content that is known", member.index, where
                )
            yield made
            if len(raw) < len(part.raw):
                yield Range(member.index, part.start + len(raw), part.end, "syntax")
        elif part.kind == "Author":
            yield Range(member.index, part.start, part.end, "unread")
            size = part.end - part.start
            yield Notice(
                "message_too_long", f"a message of {size} bytes was kept, and not read", member.index, where
            )
        elif part.kind == "Thread":
            conversation, listed = _thread(part, member)
            at = replace(at, conversation=conversation.id)
            yield conversation
            yield from listed
            text = None if part.raw is None else markup.plain(part.raw)
            yield Range(member.index, part.start, part.end, "metadata", text, where)
        elif part.kind == "section":
            text = None if part.raw is None else markup.plain(part.raw)
            yield Range(member.index, part.start, part.end, "header", text or None, where)
        else:
            yield Range(member.index, part.start, part.end, "outside", None, where)
            if (
                part.section in _OTHERS
                and part.raw is not None
                and b"No responsive records" not in part.raw[:8192]
            ):
                yield Notice(
                    "messages_in_other_section",
                    f"the section {part.section} may hold messages: it is not read",
                    member.index,
                    where,
                )
    if not count:
        yield Notice("no_messages", "there is no message in the section Unified Messages", member.index)


def _own(raw: bytes) -> bytes:
    """Without the end tags behind the message that close what it stands in."""
    rest = _REST.search(raw, max(0, len(raw) - 4096))
    if rest is None or b"<table" in raw[:200]:
        return raw
    open_ = raw.count(b"<div", 0, rest.start()) - raw.count(b"</div", 0, rest.start())
    end = rest.start()
    while open_ > 0 and (closing := _CLOSING.match(raw, end)) is not None:
        end = closing.end()
        open_ -= 1
    return raw[:end]


def _thread(part: Part, member: Member) -> tuple[Conversation, list[Participant]]:
    if part.raw is None:
        return Conversation(f"{member.index}:{part.start}", None, "none", "unknown", "meta"), []
    found = fields(part.raw)
    own = dict(reversed(found))
    match = _THREAD.match(own.get("Thread", "")[:500])
    number = match[2] if match is not None else None
    title = own.get("Thread Name") or (match[1] if match is not None else "") or None
    people: list[Participant] = []
    for label in ("Current Participants", "Past Participants"):
        for line in re.split(r"\n|(?<=\)),\s*", own.get(label, "")):
            one = person_of(line)
            if one is not None:
                people.append(one)
    kind = "direct" if len(people) == 2 else "group" if len(people) > 2 else "unknown"
    identity = f"{member.index}:{number or part.start}"
    return Conversation(identity, title, "export" if title else "none", kind, "meta", number), people


READER = Reader(
    name="meta-return",
    version=1,
    title="Meta, record for investigators (HTML)",
    zone="UTC, to the second",
    detect=detect,
    read=read,
    contains=(
        "sender with the number of the account, text, time to the second, shares, calls, files, removals",
    ),
    never=("sections other than the messages: they stay in the item, and are not read here",),
)
