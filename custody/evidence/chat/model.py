"""What a reader gives: records in the order of the export. Values are ready for JSON (docs/format/chat.md).

Text that comes from outside is given as found (line ends as ``\\n``, invisible marks kept). Quantities that
are no counts (coordinates, amounts) are texts, never floats. What a format does not say is None, and is
absent in the written form: absent is "not known", never a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from custody.evidence.export import Cut
from custody.evidence.reading import Decided, Notice, Range

Plain = Mapping[str, Any]
"""A JSON object: texts, integers from 0 to 2^53 - 1, booleans, None, lists and objects of these."""

KINDS = (
    "text", "media", "sticker", "voice", "location", "contact", "poll", "call", "link", "email", "deleted", "system",
    "draft", "unknown",
)  # fmt: skip

STATES = (
    "present", "omitted", "not_exported", "not_here", "missing", "undecodable", "view_once", "expired",
)  # fmt: skip
"""Of an attachment: there (a member of this export); left out by the exporter; the export says it wasn't
exported; named, and this item is a single file that can't hold it; named, should be in this zip and is not;
there, and not decodable; to be seen once; gone at the source."""

BASES = ("source_utc", "source_offset", "stated", "derived", "assumed_utc", "unknown")
"""How a time's zone is known: the source is in UTC; it gives an offset; a named person stated the zone;
worked out from the export itself (the reason stands in its `reading`); no proof, the format's usage; not known."""


class Reading(NamedTuple):
    """One reading of an undecided time, e.g. {reading: "MDY"}."""

    reading: str
    local: str
    utc: str | None = None


class Time(NamedTuple):
    """A time as the export writes it, and what follows from it.

    ``text``: the characters of the source. ``utc`` RFC 3339 with Z, ``local`` without offset, ``offset``
    ``±hh:mm``; ``precision`` day, minute, second, millisecond or microsecond; ``basis`` of BASES. There is no
    ``utc`` where the basis is unknown or several ``readings`` are left. ``fold``: which one of a doubled
    hour, 0 or 1. ``note``: "gap" for a local time that the zone skipped.
    """

    text: str
    utc: str | None = None
    local: str | None = None
    offset: str | None = None
    precision: str = "second"
    basis: str = "unknown"
    readings: tuple[Reading, ...] = ()
    fold: int | None = None
    calendar: str | None = None
    note: str | None = None


class Message(NamedTuple):
    """One message, or one event that stands among them (kind "system", with ``event``), in file order.

    A NamedTuple, since exports have a million of them. ``raw``: the bytes of the range (a `Cut` where they are
    too many to hold: `export.cut` gives either), which cut out of the member are exactly this message.
    ``place``: where people find it ("line 12", "/messages/3").
    ``sender`` and ``recipients`` are ids of `Participant`, ``conversation`` one of `Conversation`; both were
    given before. ``repair``: how the text was mended, in a way that can be undone. ``flags``: codes of doubt,
    each explained on the reader's page. ``extra``: what the source has and this form does not, without secrets.
    """

    member: int
    start: int
    end: int
    raw: bytes | Cut
    conversation: str
    kind: str = "text"
    place: str | None = None
    time: Time | None = None
    sender: str | None = None
    sender_text: str | None = None
    text: str | None = None
    direction: str | None = None
    native_id: str | None = None
    recipients: Sequence[str] | None = None
    times: Mapping[str, Time] | None = None
    repair: str | None = None
    entities: Sequence[Plain] | None = None
    attachments: Sequence[Plain] | None = None
    reactions: Sequence[Plain] | None = None
    edit: Plain | None = None
    deletion: Plain | None = None
    reply_to: Plain | None = None
    forward: Plain | None = None
    poll: Plain | None = None
    location: Plain | None = None
    call: Plain | None = None
    contact: Plain | None = None
    ephemeral: Plain | None = None
    event: Plain | None = None
    extra: Plain | None = None
    flags: tuple[str, ...] = ()


class Participant(NamedTuple):
    """Somebody in a conversation. Never merged with another by us: two ids may be one person.

    ``native_ids``: [{type, value}]. ``exporter``: True when the export shows that it is the person who made
    it. ``name`` None where the source has none (a deleted account).
    """

    id: str
    name: str | None
    native_ids: Sequence[Plain] = ()
    exporter: bool | None = None
    deleted_account: bool | None = None


class Conversation(NamedTuple):
    """A chat, group, channel, thread or mailbox; given before its first message.

    ``title_from``: export, file_name, own_name, derived or none. ``own_name``: of the item's own name, which a package
    may withhold: it never gets into the form. ``kind``: direct, group, channel, saved, bot, mailbox or unknown.
    """

    id: str
    title: str | None
    title_from: str
    kind: str
    platform: str
    native_id: str | None = None
    extra: Plain | None = None


class Declared(NamedTuple):
    """How many messages the export itself says that it has."""

    messages: int
    conversation: str | None = None


Record = Message | Participant | Conversation | Range | Decided | Notice | Declared


def attachment(
    *,
    name: str | None,
    state: str,
    member: int | None = None,
    basis: str | None = None,
    placeholder: str | None = None,
    media_type: str | None = None,
    declared: Plain | None = None,
    caption: str | None = None,
    extra: Plain | None = None,
) -> Plain:
    """An attachment of a message. ``member``: the file in the zip that it is, found by ``basis``.

    ``basis``: exact_name, hash, or none; never by time alone. ``declared``: what the source says of it
    ({size, sha256, media_type …}, texts and integers).
    """
    values = {
        "name": name,
        "state": state,
        "member": member,
        "basis": basis,
        "placeholder": placeholder,
        "media_type": media_type,
        "declared": declared,
        "caption": caption,
        "extra": extra,
    }
    return {key: value for key, value in values.items() if value is not None}
