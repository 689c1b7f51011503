"""Telegram Desktop, HTML export: `messages.html`, `messages2.html` …, in one folder per chat.

A message that follows another of the same sender within some minutes is written "joined", without a name: it
has the sender of the one before it. Times are those of the exporting computer, since June 2022 with its offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.chat import markup, times
from custody.evidence.chat.markup import Element
from custody.evidence.chat.model import Conversation, Message, Participant, Plain, Record, Time
from custody.evidence.chat.named_files import Files
from custody.evidence.chat.pieces import Piece, between, pieces, too_long
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.telegram_html_parts import Words, media, reactions, words
from custody.evidence.export import WINDOW, Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_NAME = re.compile(r"messages([0-9]{0,9})\.html", re.IGNORECASE)
_OPENS = re.compile(rb"""\bclass\s*=\s*["']message[\s"']""")
_TITLE = re.compile(
    r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d):(\d\d):(\d\d)(?: UTC(?:([+-])(\d\d):?(\d\d))?)?", re.ASCII
)
_ZONED = re.compile(rb'title="\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d( UTC)?')
_DIVIDER = re.compile(r"[0-9]{1,2} [A-Z][a-z]{2,8} [0-9]{4}")
_VIA = re.compile(r"(.+) via (@[A-Za-z0-9_]{1,64})", re.DOTALL)
_GO_TO = re.compile(r"go_to_message(-?[0-9]{1,18})")


def detect(export: Export) -> Detected | None:
    """By the class names that Telegram Desktop writes, in files of the names that it gives."""
    named = [member for member in export.members if _NAME.fullmatch(member.base)]
    wanted = named or ([] if export.zipped else list(export.members))
    marked = [member for member in wanted[:20] if _is_marked(member.head(64 << 10))]
    if not marked:
        return None
    reasons = ["class names of Telegram Desktop's pages"]
    if named:
        reasons.append(f"named as Telegram Desktop names them: {len(named)}")
    return Detected(
        score=95 if named else 85, reasons=tuple(reasons), members=tuple(member.index for member in wanted)
    )


def _is_marked(head: bytes) -> bool:
    page = b'class="page_wrap' in head or b'class="history' in head
    return page and re.search(rb'class="message (?:default|service)', head) is not None


@dataclass(frozen=True, slots=True)
class At:
    """Where a message stands and what it needs of those above it: the sender to inherit, the day."""

    member: int
    start: int
    conversation: str
    place: str
    path: str
    files: Files
    zone: ZoneInfo | None
    whole: bool = True
    inherited: str | None = None
    day: str | None = None


def message(raw: bytes, at: At) -> tuple[list[Participant], Message]:
    """The message in ``raw``."""
    flags = set() if at.whole else {"element_not_closed"}
    if b"\xef\xbf\xbd" not in raw and "\ufffd" in raw.decode("utf-8", "replace"):
        flags.add("broken_characters")
    root = markup.tree(raw)
    if root is None or not root.elements:
        return [], _made(
            raw, at, "unknown", text=markup.plain(raw) or None, flags=(*sorted(flags), "not_read")
        )
    element = root.elements[0]
    number = re.fullmatch(r"(?:message|service)(-?[0-9]{1,18})", element.attributes.get("id", ""))
    native = None if number is None else number[1]
    body = next((one for one in element.elements if "body" in one.classes), None)
    if "service" in element.classes:
        event: dict[str, Any] = {"kind": "other"}
        if at.day is not None:
            event["day"] = at.day
        text = (body or element).text()
        made = _made(
            raw, at, "system", native_id=native, text=text or None, event=event, flags=tuple(sorted(flags))
        )
        return [], made
    if body is None:
        text = element.text()
        return [], _made(
            raw, at, "unknown", native_id=native, text=text or None, flags=(*sorted(flags), "not_read")
        )
    return _default(raw, at, element, body, native, flags)


def _default(
    raw: bytes, at: At, element: Element, body: Element, native: str | None, flags: set[str]
) -> tuple[list[Participant], Message]:
    people: list[Participant] = []
    extra: dict[str, Any] = {}
    values: dict[str, Any] = {}

    def person(name: str) -> str:
        people.append(Participant(f"name:{name}", name, ({"type": "display_name", "value": name},)))
        return people[-1].id

    time = _time(_child(body, "date"), at.zone)
    if time is None or (time.local is None and time.utc is None):
        flags.add("time_not_read")
    named = _child(body, "from_name")
    if named is not None:
        written = _name(named)
        sender, via = _without_bot(written)
        if via is not None:
            extra["via_bot"] = via
            flags.add("via_bot_split")
        values["sender_text"] = written
        values["sender"] = person(sender) if sender else None
    elif "joined" in element.classes and at.inherited is not None:
        values["sender"] = at.inherited
        extra["joined"] = True
    else:
        flags.add("sender_unknown")
    holder = body
    forwarded = next((one for one in body.elements if one.classes >= {"forwarded", "body"}), None)
    if forwarded is not None:
        values["forward"] = _forward(forwarded, at.zone)
        holder = forwarded
    if (reply := _child(body, "reply_to") or _child(holder, "reply_to")) is not None:
        values["reply_to"] = _reply(reply)
    if (signature := _child(holder, "signature") or _child(body, "signature")) is not None:
        extra["author"] = signature.text()
    said = _child(holder, "text") or _child(body, "text")
    spoken = words(said) if said is not None else Words("", ())
    kind = "text" if spoken.text else "unknown"
    if (wrapped := _child(holder, "media_wrap") or _child(body, "media_wrap")) is not None:
        found = media(wrapped, at.files, at.path)
        kind = found.kind
        values.update(found.values)
        extra.update(found.extra)
    if (given := reactions(body)) is not None:
        values["reactions"] = given
    if (buttons := _others(body, holder)) is not None:
        extra["other"] = buttons
    if kind == "unknown":
        flags.add("no_content")
    made = _made(
        raw,
        at,
        kind,
        time=time,
        native_id=native,
        text=spoken.text or None,
        entities=spoken.entities or None,
        extra=extra or None,
        flags=tuple(sorted(flags)),
        **values,
    )
    return people, made


def _made(raw: bytes, at: At, kind: str, **values: Any) -> Message:
    return Message(at.member, at.start, at.start + len(raw), raw, at.conversation, kind, at.place, **values)


def _child(above: Element, name: str) -> Element | None:
    return next((one for one in above.elements if name in one.classes), None)


_KNOWN = frozenset(
    {
        "date",
        "from_name",
        "forwarded",
        "reply_to",
        "signature",
        "text",
        "media_wrap",
        "reactions",
        "userpic_wrap",
    }
)


def _others(body: Element, holder: Element) -> str | None:
    """The text of parts that this reader does not know, buttons of a bot among them."""
    texts = [
        one.text()
        for above in ((body,) if body is holder else (body, holder))
        for one in above.elements
        if not one.classes & _KNOWN
    ]
    return "\n".join(filter(None, texts)) or None


def _name(named: Element) -> str:
    return named.text(skip=lambda one: "details" in one.classes)


def _without_bot(name: str) -> tuple[str, str | None]:
    match = _VIA.fullmatch(name)
    return (name, None) if match is None else (match[1], match[2])


def _time(one: Element | None, zone: ZoneInfo | None) -> Time | None:
    if one is None:
        return None
    text = one.attributes.get("title", "")
    match = _TITLE.fullmatch(text)
    if match is None:
        return Time(text, note="not_read") if text else None
    day, month, year, hour, minute, second = (int(match[at]) for at in range(1, 7))
    try:
        local = times.local_time(year, month, day, hour, minute, second)
        if " UTC" not in text:
            return times.in_zone(text, local, "second", zone)
        offset = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0))
        aware = local.replace(tzinfo=timezone(-offset if match[7] == "-" else offset))
        return times.with_offset(text, aware, "second")
    except ValueError:
        return Time(text, note="not_read")


def _forward(one: Element, zone: ZoneInfo | None) -> Plain:
    value: dict[str, Any] = {}
    named = _child(one, "from_name")
    if named is not None:
        name, via = _without_bot(_name(named))
        value["from_text"] = name
        if via is not None:
            value["via_bot"] = via
        time = _time(_child(named, "date"), zone)
        if time is not None:
            known = {"text": time.text, "local": time.local, "utc": time.utc}
            value["time"] = {key: found for key, found in known.items() if found is not None}
    return value


def _reply(one: Element) -> Plain:
    for link in one.walk():
        if link.name == "a" and (match := _GO_TO.search(link.attributes.get("href", ""))) is not None:
            return {"native_id": match[1]}
    return {"text": one.text()}


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Chat by chat, the files of a chat by their number."""
    files = Files.of(export)
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    chats: dict[str, list[Member]] = {}
    for at in detected.members:
        member = export.members[at]
        chats.setdefault(member.name.replace("\\", "/").rpartition("/")[0], []).append(member)
    yield from _zone([export.members[at] for at in detected.members], settings)
    for folder, members in chats.items():
        members.sort(key=_number)
        yield from _chat(folder, members, files, zone)


def _number(member: Member) -> tuple[int, int]:
    match = _NAME.fullmatch(member.base)
    return (int(match[1] or 1) if match is not None else 0, member.index)


def _zone(members: list[Member], settings: Settings) -> Iterator[Decided]:
    zoned = bare = False
    for member in members:
        for match in _ZONED.finditer(member.open().read(0, WINDOW)):
            zoned, bare = zoned or match[1] is not None, bare or match[1] is None
            if zoned and bare:
                break
    if zoned:
        yield Decided("zone", "source_offset", "decided", ("times have their offset from UTC",))
    if bare and settings.time_zone is not None:
        yield Decided(
            "zone", settings.time_zone, "stated", ("a named person stated it; times have no offset",)
        )
    elif bare:
        yield Decided("zone", None, "open", ("times have no offset: the export is from before June 2022",))


def _chat(folder: str, members: list[Member], files: Files, zone: ZoneInfo | None) -> Iterator[Record]:
    name = folder or "chat"
    at = At(0, 0, name, "", "", files, zone)
    titled = False
    for member in members:
        at = replace(at, member=member.index, path=member.name)
        count = 0
        for piece in pieces(member, b"div", lambda attributes: _OPENS.search(attributes) is not None):
            if not titled:
                yield _conversation(name, None if piece.block else piece)
                titled = True
            if not piece.block:
                yield from between(piece, member.index)
                continue
            if piece.raw is None:
                yield from too_long(piece, member.index)
                at = replace(at, inherited=None)
                continue
            count += 1
            here = replace(at, start=piece.start, place=f"message {count}", whole=piece.whole)
            people, made = message(piece.raw, here)
            if made.kind == "system":
                at = replace(at, inherited=None)
                if (
                    made.text is not None
                    and (made.native_id or "-").startswith("-")
                    and _DIVIDER.fullmatch(made.text)
                ):
                    at = replace(at, day=made.text)
                    yield Range(member.index, piece.start, piece.end, "metadata", made.text, made.place)
                    continue
            else:
                at = replace(at, inherited=made.sender)
            yield from people
            if made.kind == "unknown":
                yield Notice(
                    "message_not_understood",
                    "a message whose content was not found",
                    member.index,
                    made.place,
                )
            yield made


def _conversation(name: str, head: Piece | None) -> Conversation:
    title = None
    if head is not None and head.raw is not None and (root := markup.tree(head.raw)) is not None:
        named = root.first(lambda one: one.classes >= {"text", "bold"})
        title = None if named is None else named.text() or None
    return Conversation(name, title, "export" if title else "none", "unknown", "telegram")


READER = Reader(
    name="telegram-html",
    version=1,
    title="Telegram Desktop, HTML",
    zone="the exporting computer's, to the second: with its offset since June 2022, without before",
    detect=detect,
    read=read,
    contains=("sender's name, text, time to the second, replies, forwards, media, polls, service messages",),
    never=(
        "ids of people: two of one name can't be told apart, and one who changed the name is two",
        "messages that were deleted, and earlier versions of edited ones: they leave no trace",
        "the time of service messages, other than the day that stands above them",
        "whether a message was edited",
    ),
    asks=("time_zone",),
)
