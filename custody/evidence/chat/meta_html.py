"""Messenger and Instagram, the HTML form of Meta's "Download your information".

A message is an element with a heading (the sender), a body and a time. Its class names change over the years:
which element it is, is found out from each file. Times are local times without a zone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from custody.evidence.chat import markup
from custody.evidence.chat.date_decisions import Dates
from custody.evidence.chat.markup import Element
from custody.evidence.chat.meta_html_layout import Layout, layout
from custody.evidence.chat.model import Conversation, Message, Participant, Plain, Record, Time
from custody.evidence.chat.named_files import Files, Thread, platform, threads
from custody.evidence.chat.pieces import Piece, between, pieces, too_long
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.written_dates import MAX_TEXT, Written, written
from custody.evidence.export import WINDOW, Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_NAME = re.compile(r"message_[0-9]{1,9}\.html?", re.IGNORECASE)
_MARKS = (b"uiBoxWhite noborder", b'"_a72d"', b"_3-94 _a6-o", b"_a6-g", b"_3-94 _2lem", b"_3-95 _2pi0")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_INNER = frozenset({"div", "section", "p", "table", "ul", "blockquote"})


def detect(export: Export) -> Detected | None:
    """By the names that Meta gives (`message_1.html`) and the class names of its pages."""
    named = [member for member in export.members if _NAME.fullmatch(member.base)]
    wanted = named or ([] if export.zipped else [one for one in export.members if _is_html(one.head(1024))])
    looked = wanted[:20]
    marked = [member for member in looked if any(mark in member.head(1 << 20) for mark in _MARKS)]
    if not marked:
        return None
    reasons = ["class names of Meta's pages"]
    score = 55
    if named:
        score = 90
        reasons.append(f"named as Meta names its message pages: {len(named)}")
    else:
        reasons.append("its name is not that of a message page: Meta's other pages look the same")
    return Detected(score=score, reasons=tuple(reasons), members=tuple(member.index for member in wanted))


def _is_html(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and b"<html" in head.lower()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message's element holds."""

    sender: str | None
    body: tuple[Element | str, ...]
    time: str | None
    date: Written | None


def parts(element: Element) -> Parts:
    """Heading, body and time of a message's element; without a time at its end there is no time."""
    children = [child for child in element.children if not (isinstance(child, str) and not child.strip())]
    time, date = None, None
    if children and isinstance(children[-1], Element):
        text = children[-1].only_text() or ""
        date = written(text)
        if date is not None:
            time = text
            children = children[:-1]
    sender = None
    if children and isinstance(head := children[0], Element):
        inner = next((one for one in head.walk() if one is not head and one.name in _INNER), None)
        plain = head.name in _HEADINGS or "_a6-h" in head.classes or "_2lel" in head.classes
        if plain or (len(children) > 1 and date is not None) or (inner is None and date is not None):
            sender = head.text()
            children = children[1:]
    return Parts(sender, tuple(children), time, date)


def message(raw: bytes, at: At) -> tuple[list[Participant], Message]:
    """The message in ``raw``, an element of the layout; ``at`` is all that it needs of its surroundings."""
    root = markup.tree(raw)
    flags: set[str] = set() if at.whole else {"element_not_closed"}
    if b"\xef\xbf\xbd" not in raw and "\ufffd" in raw.decode("utf-8", "replace"):
        flags.add("broken_characters")
    if root is None or not root.elements:
        text = markup.plain(raw)
        return [], _message(raw, at, "unknown", text=text, flags=(*sorted(flags), "not_read_as_message"))
    found = parts(root.elements[0])
    people: dict[str, Participant] = {}

    def person(name: str | None) -> str | None:
        if not name:
            return None
        key = f"name:{name}"
        people.setdefault(key, Participant(key, name, ({"type": "display_name", "value": name},)))
        return key

    sender = person(found.sender)
    time: Time | None = None
    if found.time is not None and found.date is not None:
        time, open_flags = at.dates.time(found.time, found.date)
        flags.update(open_flags)
    body = Element("div", children=list(found.body))
    content = _Content(body, at, person)
    text = body.text(skip=lambda one: one.name == "ul")
    if time is None:
        flags.add("time_not_found")
    kind = content.kind or ("text" if text else "unknown")
    if kind == "unknown":
        flags.add("no_content")
    if time is None:
        kind = "unknown"
    made = _message(
        raw,
        at,
        kind,
        time=time,
        sender=sender,
        sender_text=found.sender or None,
        text=text or None,
        attachments=content.attachments or None,
        entities=content.entities or None,
        reactions=content.reactions or None,
        flags=tuple(sorted(flags)),
    )
    return list(people.values()), made


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands, and what was decided about its export."""

    member: int
    start: int
    conversation: str
    place: str
    dates: Dates
    files: Files
    path: str
    whole: bool = True


def _message(raw: bytes, at: At, kind: str, **values: Any) -> Message:
    return Message(at.member, at.start, at.start + len(raw), raw, at.conversation, kind, at.place, **values)


class _Content:
    """Media, links and reactions of a body."""

    def __init__(self, body: Element, at: At, person: Callable[[str | None], str | None]) -> None:
        self.attachments: list[Plain] = []
        self.entities: list[Plain] = []
        self.reactions: list[Plain] = []
        self.kind: str | None = None
        seen: set[str] = set()
        for one in body.walk():
            if one.name == "li":
                self.reactions.append(_reaction(one, at, person))
            link = _target(one)
            if link is None or link in seen:
                continue
            seen.add(link)
            if _is_global(link):
                self.entities.append({"type": "link", "url": link})
                continue
            self.attachments.append(at.files.attachment(link, at.path))
            folder = link.rsplit("/", 2)[-2] if link.count("/") else ""
            kind = "sticker" if "stickers_used" in link else "voice" if folder == "audio" else "media"
            self.kind = kind if self.kind in (None, kind) else "media"


def _target(one: Element) -> str | None:
    if one.name == "a":
        link = one.attributes.get("href", "")
    elif one.name in ("img", "video", "audio", "source"):
        link = one.attributes.get("src", "")
    else:
        return None
    return None if not link or link.startswith(("#", "data:", "javascript:")) else link


def _is_global(link: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:|//", link) is not None


def _reaction(one: Element, at: At, person: Callable[[str | None], str | None]) -> Plain:
    """`👍Name`, or `👍Name (time)`: the sign in front is what has no letter or digit in it."""
    whole = one.text()
    value: dict[str, Any] = {"text": whole}
    rest = whole
    timed = _TIMED.fullmatch(whole) if len(whole) <= 4 * MAX_TEXT else None
    date = None if timed is None else written(timed[2])
    if timed is not None and date is not None:
        rest = timed[1]
        time, _ = at.dates.time(timed[2], date)
        known = {"text": timed[2], "local": time.local, "utc": time.utc}
        value["time"] = {key: found for key, found in known.items() if found is not None}
    end = 0
    while end < len(rest) and unicodedata.category(rest[end])[0] not in "LN":
        end += 1
    emoji, name = rest[:end].strip(), rest[end:].strip()
    if emoji:
        value["emoji"] = emoji
        if name:
            value["actor"] = person(name)
    return value


_TIMED = re.compile(r"(.*)[(\n]([^()\n]*)\)?", re.DOTALL)


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Thread by thread, the files of a thread by their number."""
    files = Files.of(export)
    found = threads(export, detected.members)
    layouts: dict[int, Layout] = {}
    dates = Dates.of(settings)
    for thread in found:
        for member in thread.members:
            shape = layout(member)
            if shape is None:
                continue
            layouts[member.index] = shape[0]
            yield Decided(
                "layout",
                f"{shape[0].name} class={shape[0].classes}",
                "decided",
                (f"a heading, a body and a time in {shape[1]} such elements at the file's begin",),
                member.index,
            )
            _sample(member, shape[0], dates)
    yield from dates.decide()
    for thread in found:
        yield from _thread(thread, layouts, dates, files)


def _sample(member: Member, shape: Layout, dates: Dates) -> None:
    """The dates of the file's first window are evidence for all files: an account has one language."""
    for piece in pieces(member, shape.name.encode(), shape.begins):
        if piece.block and piece.raw is not None:
            root = markup.tree(piece.raw)
            if root is not None and root.elements and (date := parts(root.elements[0]).date) is not None:
                dates.take(date)
        if piece.end >= WINDOW:
            return


def _thread(thread: Thread, layouts: dict[int, Layout], dates: Dates, files: Files) -> Iterator[Record]:
    started = False
    for member in thread.members:
        shape = layouts.get(member.index)
        if shape is None:
            yield Notice("no_messages", "no element with a sender, a body and a time was found", member.index)
        found = pieces(member, *((shape.name.encode(), shape.begins) if shape else (b"div", lambda _: False)))
        number = 0
        for piece in found:
            if not started and not piece.block:
                yield _conversation(thread, piece)
                started = True
            if not started:
                yield _conversation(thread, None)
                started = True
            if not piece.block:
                yield from between(piece, member.index)
                continue
            if piece.raw is None:
                yield from too_long(piece, member.index)
                continue
            number += 1
            at = At(
                member.index,
                piece.start,
                thread.id,
                f"message {number}",
                dates,
                files,
                member.name,
                piece.whole,
            )
            people, made = message(piece.raw, at)
            if made.time is None and number == 1 and made.attachments is None:
                # The list of participants looks like a message without a time.
                yield Range(member.index, piece.start, piece.end, "metadata", markup.plain(piece.raw))
                number = 0
                continue
            yield from people
            if made.kind == "unknown":
                yield Notice(
                    "message_not_understood",
                    "a message whose parts were not all found",
                    member.index,
                    at.place,
                )
            yield made


def _conversation(thread: Thread, head: Piece | None) -> Conversation:
    title = None
    if head is not None and head.raw is not None and (root := markup.tree(head.raw)) is not None:
        named = root.first(lambda one: one.name == "title") or root.first(lambda one: one.name == "h1")
        title = None if named is None else named.text() or None
    return Conversation(
        thread.id,
        title,
        "export" if title else "none",
        "unknown",
        platform(thread.path),
        thread.id,
    )


READER = Reader(
    name="meta-html",
    version=1,
    title="Messenger and Instagram, HTML",
    zone="none: local time without a zone, to the minute or second",
    detect=detect,
    read=read,
    contains=(
        "sender's name, text, time to the minute or second, photos, videos and other files, reactions",
    ),
    never=(
        "a time zone",
        "ids of messages or people: two people of one name can't be told apart",
        "replies, edits, read receipts, and what was unsent before the download",
        "whether a call was missed, other than in the words of its line",
    ),
    asks=("time_zone", "date_order"),
)
