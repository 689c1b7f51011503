"""One sms, mms or call element: its attributes and parts, as a message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from custody.evidence.chat.attached import Attached
from custody.evidence.chat.content import base64, digest
from custody.evidence.chat.model import Conversation, Message, Participant, Plain, attachment
from custody.evidence.chat.sms import clock
from custody.evidence.chat.xml_tags import Attribute, Tag, Tags, text_of
from custody.evidence.export import Bytes, cut, pieces

OWNER = "owner"
MAX_VALUE = 1 << 20
MAX_TEXT = 4 << 20
MAX_PARTS = 1_000
_SHORT = 4 << 10
_NUMBER = re.compile(r"[+][0-9]{4,15}")
_ADDRESS_TYPES = {"129": "bcc", "130": "cc", "137": "from", "151": "to"}
_OUT = {"3": "draft", "4": "outbox", "5": "failed", "6": "queued"}
_CALLS = {"1": "incoming", "2": "outgoing", "3": "missed", "4": "voicemail", "5": "rejected", "6": "refused"}
_NO_NAME = frozenset({"(Unknown)", "Unknown", "null", ""})
PLATFORM = "sms"


@dataclass(slots=True)
class Element:
    """A whole element: its own tag, those of its parts and addresses, and what was off."""

    tag: Tag
    end: int
    parts: list[Tag] = field(default_factory=list)
    addresses: list[Tag] = field(default_factory=list)
    more: int = 0
    flags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Values:
    """Reads values of tags and keeps what was doubtful about them."""

    tags: Tags
    flags: set[str]
    repair: str | None = None
    left: int = MAX_TEXT
    room: int = MAX_TEXT

    def of(self, tag: Tag, name: str) -> str | None:
        """The value as text; None where it is absent or is the word null, by which the app writes "none"."""
        one = tag.attributes.get(name)
        if one is None:
            return None
        text = self.text(one)
        return None if text == "null" else text

    def text(self, one: Attribute) -> str:
        # Short values are always read; the long ones of a message share one allowance.
        limit = max(_SHORT, min(MAX_VALUE, self.left))
        raw = self.tags.read(one.start, min(one.end, one.start + limit))
        if one.end - one.start > limit:
            self.flags.add("text_cut")
            raw = raw[: max(raw.rfind(b"&"), raw.rfind(b" "), 0) or None]
        if len(raw) > _SHORT:
            self.left -= len(raw)
        found = text_of(raw)
        self.flags.update(found.flags)
        self.repair = self.repair or found.repair
        return found.text

    def rest(self, tag: Tag, used: frozenset[str]) -> dict[str, str]:
        """All other attributes that are not "null", as they stand."""
        found = {}
        for name in tag.attributes:
            if name in used:
                continue
            if self.room <= 0:
                self.flags.add("extra_cut")
                break
            if (value := self.of(tag, name)) is not None:
                found[name] = value
                self.room -= len(name) + len(value)
        return found


Given = Participant | Conversation | Message


def message(data: Bytes, tags: Tags, one: Element, member: int, place: str) -> Iterator[Given]:
    """The people and the conversation of an element, then its message."""
    values = _Values(tags, set(one.flags))
    if one.tag.odd:
        values.flags.add("attributes_odd")
    make = {"sms": _sms, "mms": _mms, "call": _call}[one.tag.name]
    people, chat, found = make(data, one, values)
    if chat is None:
        chat = Conversation("sms:unknown", None, "none", "unknown", PLATFORM)
        values.flags.add("no_address")
    yield chat
    yield from people
    yield Message(
        member,
        one.tag.start,
        one.end,
        cut(data, one.tag.start, one.end),
        chat.id,
        place=place,
        repair=values.repair,
        flags=tuple(sorted(values.flags)),
        **found,
    )


Made = tuple[list[Participant], Conversation | None, dict[str, Any]]


def _who(address: str, name: str | None = None) -> Participant:
    kind = "phone_e164" if _NUMBER.fullmatch(address) else "email" if "@" in address else "unknown"
    return Participant(f"phone:{address}", name, ({"type": kind, "value": address},))


def _owner() -> Participant:
    return Participant(OWNER, None, exporter=True)


def _chat(address: str | None, title: str | None) -> Conversation | None:
    if not address:
        return None
    # The app joins a group's numbers by "~", in an order that changes: one set of numbers is one conversation.
    numbers = sorted(set(address.split("~")))
    rcs = address.endswith("@rcs.google.com") and "~" not in address
    group = len(numbers) > 1 or (rcs and address.startswith("group"))
    extra = {"rcs": True} if rcs else None
    kind = "group" if group else "direct"
    source = "none" if title is None else "export"
    return Conversation("sms:" + "~".join(numbers), title, source, kind, PLATFORM, address, extra)


def _name(values: _Values, tag: Tag) -> str | None:
    name = values.of(tag, "contact_name")
    return None if name is None or name in _NO_NAME else name


def _direction(state: str | None, values: _Values) -> str | None:
    if state == "1":
        return "in"
    if state == "2":
        return "out"
    if state in _OUT:
        values.flags.add(f"not_sent_{_OUT[state]}")
        return "out"
    values.flags.add("direction_unknown")
    return None


_USED_SMS = frozenset({"address", "date", "date_sent", "type", "body", "contact_name"})


def _sms(data: Bytes, one: Element, values: _Values) -> Made:
    del data
    tag = one.tag
    address, name = values.of(tag, "address"), _name(values, tag)
    people = [_owner()] if not address else [_owner(), _who(address, name)]
    direction = _direction(state := values.of(tag, "type"), values)
    time, doubts = clock.milliseconds(values.of(tag, "date"), values.of(tag, "readable_date"))
    values.flags.update(doubts)
    sent = clock.sent(values.of(tag, "date_sent"), "ms")
    body = tag.attributes.get("body")
    text = None if body is None else values.text(body)
    if text == "null":
        text = None
        values.flags.add("body_null")
    if body is not None and not body.whole:
        values.flags.add("text_torn")
    other = None if not address else f"phone:{address}"
    found: dict[str, Any] = {
        "kind": "draft" if state == "3" else "text",
        "time": time,
        "times": None if sent is None else {"sent": sent},
        "text": text,
        "direction": direction,
        "sender": other if direction == "in" else OWNER if direction == "out" else None,
        "sender_text": address if direction == "in" else None,
        "recipients": [OWNER] if direction == "in" else [other] if direction == "out" and other else None,
        "extra": values.rest(tag, _USED_SMS) or None,
    }
    return people, _chat(address, name), found


_USED_MMS = frozenset({"address", "date", "date_sent", "msg_box", "m_id", "contact_name", "sub"})


def _mms(data: Bytes, one: Element, values: _Values) -> Made:
    tag = one.tag
    address, title = values.of(tag, "address"), _name(values, tag)
    single = address is not None and "~" not in address
    people = [_owner()]
    if single and address:
        people.append(_who(address, title))
    direction = _direction(state := values.of(tag, "msg_box"), values)
    time, doubts = clock.milliseconds(values.of(tag, "date"), values.of(tag, "readable_date"))
    values.flags.update(doubts)
    sent = clock.sent(values.of(tag, "date_sent"), "s")
    roles: list[tuple[str, str]] = []
    for line in one.addresses:
        who = values.of(line, "address")
        if who:
            kind = values.of(line, "type") or ""
            roles.append((_ADDRESS_TYPES.get(kind, kind), who))
    froms = [who for role, who in roles if role == "from" and who != "insert-address-token"]
    recipients = [f"phone:{who}" for role, who in roles if role in ("to", "cc", "bcc")]
    people += [_who(who) for role, who in roles if role != "from" or who in froms]
    sender, sender_text = _mms_sender(direction, froms, address if single else None, values)
    texts, attachments, smil = _parts(data, one, values)
    extra: dict[str, Any] = values.rest(tag, _USED_MMS)
    extra["subject"] = values.of(tag, "sub")
    extra["addresses"] = [{"role": role, "address": who} for role, who in roles] or None
    extra["layout"] = smil
    extra["parts_not_described"] = one.more or None
    found: dict[str, Any] = {
        "kind": "draft" if state == "3" else "media" if attachments else "text",
        "time": time,
        "times": None if sent is None else {"sent": sent},
        "text": "\n".join(texts) if texts else None,
        "direction": direction,
        "sender": sender,
        "sender_text": sender_text,
        "recipients": list(dict.fromkeys(recipients)) or None,
        "native_id": values.of(tag, "m_id"),
        "attachments": attachments or None,
        "extra": {name: value for name, value in extra.items() if value is not None} or None,
    }
    return people, _chat(address, title), found


def _mms_sender(
    direction: str | None, froms: list[str], address: str | None, values: _Values
) -> tuple[str | None, str | None]:
    if direction == "out":
        return OWNER, None
    if len(froms) == 1:
        if address is not None and froms[0] != address:
            values.flags.add("sender_is_not_the_address")
        return f"phone:{froms[0]}", froms[0]
    if direction == "in" and not froms and address is not None:
        return f"phone:{address}", address
    values.flags.add("sender_unknown")
    return None, None


def _is_text(values: _Values, part: Tag) -> bool:
    return (values.of(part, "ct") or "").lower() in (
        "text/plain",
        "application/smil",
    ) and "data" not in part.attributes


def _parts(data: Bytes, one: Element, values: _Values) -> tuple[list[str], list[Plain], str | None]:
    texts: list[str] = []
    attachments: list[Plain] = []
    smil = None
    for part in one.parts:
        if _is_text(values, part):
            text = values.of(part, "text")
            if (values.of(part, "ct") or "").lower() == "application/smil":
                smil = smil or text
            elif text is not None:
                texts.append(text)
            if any(not value.whole for value in part.attributes.values()):
                values.flags.add("text_torn")
        else:
            attachments.append(_attachment(data, one, part, values))
    return texts, attachments, smil


def _name_of(values: _Values, part: Tag) -> str | None:
    return values.of(part, "cl") or values.of(part, "name") or values.of(part, "fn")


def _attachment(data: Bytes, one: Element, part: Tag, values: _Values) -> Plain:
    encoded = part.attributes.get("data")
    extra: dict[str, Any] = values.rest(part, frozenset({"ct", "data"}))
    if (
        encoded is None
        or data.read(encoded.start, encoded.end if encoded.end - encoded.start < 9 else 0) == b"null"
    ):
        return attachment(
            name=_name_of(values, part),
            state="omitted",
            media_type=values.of(part, "ct"),
            extra=extra or None,
        )
    faults: set[str] = set()
    if not encoded.whole:
        faults.add("base64_torn")
        values.flags.add("attachment_torn")
    found = digest(base64(pieces(data, encoded.start, encoded.end), faults))
    origin = one.tag.start
    extra["encoded"] = {"start": encoded.start - origin, "end": encoded.end - origin}
    if faults:
        extra["faults"] = sorted(faults)
    return attachment(
        name=_name_of(values, part),
        state="undecodable" if faults & {"base64_torn", "base64_other_characters"} else "present",
        media_type=values.of(part, "ct"),
        declared={"size": found.size, "sha256": found.sha256},
        extra=extra,
    )


def attached(data: Bytes, tags: Tags, one: Element, number: int) -> Iterator[Attached]:
    """The files of an MMS, in the order of the message's `attachments`; those without bytes give none."""
    values = _Values(tags, set())
    for index, part in enumerate(part for part in one.parts if not _is_text(values, part)):
        encoded = part.attributes.get("data")
        if encoded is not None and tags.read(encoded.start, min(encoded.end, encoded.start + 8)) != b"null":
            yield Attached(
                message=number,
                index=index,
                name=_name_of(values, part),
                media_type=values.of(part, "ct"),
                pieces=partial(_pieces, data, encoded),
            )


def _pieces(data: Bytes, encoded: Attribute) -> Iterator[bytes]:
    return base64(pieces(data, encoded.start, encoded.end), set())


_USED_CALL = frozenset({"number", "date", "type", "duration", "contact_name"})


def _call(data: Bytes, one: Element, values: _Values) -> Made:
    del data
    tag = one.tag
    number, name = values.of(tag, "number"), _name(values, tag)
    people = [_owner()] if not number else [_owner(), _who(number, name)]
    time, doubts = clock.milliseconds(values.of(tag, "date"), values.of(tag, "readable_date"))
    values.flags.update(doubts)
    state, length = values.of(tag, "type"), values.of(tag, "duration")
    outcome = _CALLS.get(state or "")
    if outcome is None:
        values.flags.add("direction_unknown")
    call: dict[str, Any] = {"media": "audio", "outcome": outcome}
    if length is not None and re.fullmatch("[0-9]{1,9}", length):
        call["duration_seconds"] = int(length)
    direction = None if outcome is None else "out" if state == "2" else "in"
    other = None if not number else f"phone:{number}"
    found: dict[str, Any] = {
        "kind": "call",
        "time": time,
        "direction": direction,
        "sender": OWNER if direction == "out" else other if direction == "in" else None,
        "sender_text": number if direction == "in" else None,
        "call": {name: value for name, value in call.items() if value is not None},
        "extra": values.rest(tag, _USED_CALL if "duration_seconds" in call else _USED_CALL - {"duration"})
        or None,
    }
    return people, _chat(number, name), found
