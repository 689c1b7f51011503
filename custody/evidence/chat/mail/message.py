"""A mail as a message of a mailbox: what it says of itself, its text, what is attached, what is doubtful."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.chat.content import digest
from custody.evidence.chat.mail import dates, decode, headers, html, mime
from custody.evidence.chat.mail.headers import Field, Headers
from custody.evidence.chat.mail.mime import Mail, Part
from custody.evidence.chat.model import Message, Participant, Plain, Time, attachment
from custody.evidence.export import Bytes, cut

MAX_TEXT = 4 << 20
"""Bytes of text that one message shows; longer text is cut, flagged, and whole in the message's bytes."""
MAX_OUTSIDE = 2_000
MAX_REFERENCES = 200
OFTEN = frozenset(
    {"from", "date", "subject", "message-id", "to", "cc", "content-type", "in-reply-to", "references"}
)
"""Headers that RFC 5322 has once at most: twice is told, and the first one is read."""

_ID = re.compile(r"<[^<>\s]++>")
_QUOTED = re.compile(r"^>++From ", re.MULTILINE)


@dataclass(slots=True)
class _Notes:
    flags: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    people: list[Participant] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mail lies: its range, where its own headers begin, and what it is called by people."""

    member: int
    start: int
    content: int
    end: int
    conversation: str
    place: str | None = None
    flags: tuple[str, ...] = ()
    envelope: str | None = None


def read(data: Bytes, at: Place, zone: ZoneInfo | None) -> Iterator[Participant | Message]:
    """The people of a mail, then the mail."""
    mail = mime.walk(data, at.content, at.end)
    notes = _Notes(flags=set(at.flags), faults={*mail.faults, *mail.headers.faults})
    if at.envelope is not None:
        notes.extra["envelope"] = at.envelope
    sender, sender_text = _sender(mail.headers, notes)
    recipients = _recipients(mail.headers, notes)
    time, others = _times(mail.headers, zone, notes)
    text, whole = _text(data, mail, notes)
    attached = [_attachment(data, part, at.start) for part in mail.parts if part.number not in whole]
    _facts(data, mail, notes)
    yield from notes.people
    yield Message(
        at.member,
        at.start,
        at.end,
        cut(data, at.start, at.end),
        at.conversation,
        kind="email",
        place=at.place,
        time=time,
        times=others,
        sender=sender,
        sender_text=sender_text,
        recipients=recipients or None,
        text=text,
        native_id=_first_id(mail.headers, "message-id"),
        attachments=attached or None,
        reply_to=_reply(mail.headers),
        extra=notes.extra,
        flags=tuple(sorted(notes.flags)),
    )


def person(mailbox: headers.Mailbox) -> Participant:
    """An address as a participant. What stands before the @ is left as it is: only its host knows if case counts."""
    local, sign, domain = mailbox.address.rpartition("@")
    address = f"{local}{sign}{domain.lower()}"
    if not address:
        return Participant(f"name:{mailbox.name}", mailbox.name)
    return Participant(f"mail:{address}", mailbox.name or None, ({"type": "email", "value": address},))


def _sender(read_headers: Headers, notes: _Notes) -> tuple[str | None, str | None]:
    one = read_headers.first("from")
    if one is None:
        notes.flags.add("no_sender")
        return None, None
    found, faults = headers.addresses(one)
    notes.faults.update(faults)
    text, _ = headers.decoded(one)
    if not found:
        notes.flags.add("no_sender")
        return None, text
    if len(found) > 1:
        notes.flags.add("several_senders")
    people = [person(mailbox) for mailbox in found]
    notes.people += people
    return people[0].id, text


def _recipients(read_headers: Headers, notes: _Notes) -> list[str]:
    ids: dict[str, None] = {}
    for name in ("to", "cc", "bcc"):
        for one in read_headers.all(name):
            found, faults = headers.addresses(one)
            notes.faults.update(faults)
            for someone in map(person, found):
                notes.people.append(someone)
                ids[someone.id] = None
    return list(ids)


def _times(
    read_headers: Headers, zone: ZoneInfo | None, notes: _Notes
) -> tuple[Time | None, dict[str, Time] | None]:
    """Date is what the sender says; the topmost Received is what the last mail server wrote."""
    time = arrived = None
    if (one := read_headers.first("date")) is None:
        notes.flags.add("no_date")
    else:
        time, doubts = dates.read(one.text, zone)
        notes.flags.update(doubts)
    top = read_headers.first("received")
    stamp = None if top is None else dates.received(top.text)
    if stamp is not None:
        arrived, doubts = dates.read(stamp, None)
        if doubts:
            notes.flags.add("received_doubtful")
    if time is not None and arrived is not None and time.utc and arrived.utc:
        apart = datetime.fromisoformat(arrived.utc) - datetime.fromisoformat(time.utc)
        if abs(apart.days * 86_400 + apart.seconds) > 86_400:
            notes.flags.add("date_far_from_received")
    return time, None if arrived is None else {"server_received": arrived}


def _text(data: Bytes, mail: Mail, notes: _Notes) -> tuple[str, set[str]]:
    """The mail's text and the numbers of the parts that it holds whole."""
    texts: list[str] = []
    shown: set[str] = set()
    others: list[dict[str, str]] = []
    charsets: list[dict[str, str]] = []
    parts = [part for part in mail.parts if part.is_text]
    plain = {part.alternative for part in parts if part.media_type == "text/plain"}
    left = MAX_TEXT
    for part in parts:
        raw, whole = _collect(decode.decoded(data, part.start, part.end, part.encoding, notes.faults), left)
        left -= len(raw)
        if whole:
            shown.add(part.number)
        else:
            notes.flags.add("text_cut")
        declared = part.content.parameters.get("charset")
        found = decode.characters(raw, declared)
        notes.flags.update(found.flags)
        if found.flags:
            facts = {"part": part.number, "declared": declared, "read_as": found.read_as}
            charsets.append({name: value for name, value in facts.items() if value is not None})
        text = found.text
        if part.media_type == "text/html":
            text = html.to_text(text)
        if part.alternative is not None and part.alternative in plain and part.media_type != "text/plain":
            others.append({"part": part.number, "media_type": part.media_type, "text": text})
            continue
        if part.media_type == "text/html":
            notes.flags.add("html_to_text")
        texts.append(text)
    if len(texts) > 1:
        notes.flags.add("text_of_several_parts")
    whole_text = "\n".join(texts)
    if others:
        # Two forms of one mail can say two things; which one was seen, nobody knows from here.
        if any(_words(one["text"]) != _words(whole_text) for one in others):
            notes.flags.add("alternatives_differ")
            notes.extra["alternatives"] = others
        else:
            notes.extra["alternatives"] = [
                {"part": one["part"], "media_type": one["media_type"]} for one in others
            ]
    if charsets:
        notes.extra["charsets"] = charsets
    if ">From " in whole_text and _QUOTED.search(whole_text):
        notes.flags.add("from_line_quoted")
    return whole_text, shown


def shown(data: Bytes, mail: Mail) -> set[str]:
    """The numbers of the parts that the message's text holds whole: all others are attachments."""
    return _text(data, mail, _Notes())[1]


def _words(text: str) -> list[str]:
    return text.split()


def _collect(source: Iterator[bytes], limit: int) -> tuple[bytes, bool]:
    held = bytearray()
    for piece in source:
        held += piece
        if len(held) > limit:
            line = held.rfind(b"\n", 0, limit) + 1
            stop = line if line > limit - (1 << 16) else limit
            while stop > max(0, limit - 4) and held[stop] & 0xC0 == 0x80:  # not inside a character of UTF-8
                stop -= 1
            return bytes(held[:stop]), False
    return bytes(held), True


def _attachment(data: Bytes, part: Part, origin: int) -> Plain:
    faults: set[str] = set()
    found = digest(decode.decoded(data, part.start, part.end, part.encoding, faults))
    extra: dict[str, Any] = {
        "part": part.number,
        "encoded": {"start": part.start - origin, "end": part.end - origin},
        "encoding": part.encoding or None,
        "disposition": part.disposition.word or None,
        "content_id": _first_id(part.headers, "content-id"),
        "faults": sorted(faults) or None,
    }
    return attachment(
        name=part.name,
        state="undecodable" if "transfer_encoding_unknown" in faults else "present",
        media_type=part.media_type,
        declared={"size": found.size, "sha256": found.sha256},
        extra={name: value for name, value in extra.items() if value is not None},
    )


def _facts(data: Bytes, mail: Mail, notes: _Notes) -> None:
    """What goes into `extra`: all headers, what is signed, faults of form, text outside of parts."""
    fields = []
    seen: set[str] = set()
    for one in mail.headers.fields:
        value, faults = headers.decoded(one)
        notes.faults.update(faults)
        fields.append({"name": one.name, "value": value})
        name = one.name.lower()
        if name == "subject":
            notes.extra.setdefault("subject", value)
        if name in seen and name in OFTEN:
            notes.flags.add("duplicate_headers")
        seen.add(name)
    notes.extra["headers"] = fields
    if (facts := _authentication(mail.headers)) is not None:
        notes.extra["authentication"] = facts
    outside = [text for start, end in mail.outside[:100] if (text := _short(data, start, end))]
    if outside:
        notes.extra["outside_parts"] = outside
    if mail.more:
        notes.flags.add("too_many_parts")
        notes.extra["parts_not_described"] = mail.more
    if notes.faults:
        notes.flags.add("mime_defects")
        notes.extra["defects"] = sorted(notes.faults)


def _short(data: Bytes, start: int, end: int) -> str:
    text = decode.characters(data.read(start, min(end, start + 4 * MAX_OUTSIDE)), None).text.strip()
    return text[:MAX_OUTSIDE]


_KEPT = {
    "a": "algorithm", "d": "domain", "h": "headers", "i": "identity", "l": "body_length", "s": "selector", "t": "time",
    "x": "expires",
}  # fmt: skip


def _authentication(read_headers: Headers) -> Plain | None:
    """What the headers say of signatures. Nothing of it is checked here, and a "pass" is a server's claim."""
    signatures = [
        {
            _KEPT[name.strip()]: value.strip()
            for name, _, value in (tag.partition("=") for tag in one.text.split(";"))
            if name.strip() in _KEPT
        }
        for one in read_headers.all("dkim-signature")
    ]
    seals = len(read_headers.all("arc-seal"))
    results = [
        headers.decoded(one)[0]
        for name in ("authentication-results", "arc-authentication-results")
        for one in read_headers.all(name)
    ]
    if not (signatures or seals or results):
        return None
    facts: dict[str, Any] = {"state": "checkable, not checked"}
    if signatures:
        facts["dkim"] = signatures
    if seals:
        facts["arc_seals"] = seals
    if results:
        facts["claimed_results"] = results
    return facts


def _ids(one: Field | None) -> list[str]:
    return [] if one is None else _ID.findall(one.text)[:MAX_REFERENCES]


def _first_id(read_headers: Headers, name: str) -> str | None:
    one = read_headers.first(name)
    if one is None or not one.value:
        return None
    found = _ids(one)
    return found[0] if found else one.text


def _reply(read_headers: Headers) -> Plain | None:
    answered, references = _ids(read_headers.first("in-reply-to")), _ids(read_headers.first("references"))
    if not (answered or references):
        return None
    reply: dict[str, Any] = {}
    if answered or references:
        reply["native_id"] = (answered or references[-1:])[0]
    if references:
        reply["references"] = references
    return reply
