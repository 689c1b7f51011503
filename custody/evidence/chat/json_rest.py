"""What the readers of JSON exports share: names for bytes that are no message, places of files, times in ISO form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime

from custody.evidence.chat.json_slices import Element, Gap, Value
from custody.evidence.chat.model import Message, Record, Time
from custody.evidence.chat.times import with_offset
from custody.evidence.export import Export, Member
from custody.evidence.reading import Notice, Range

_WHY = {
    "not_json": "bytes that are no JSON stand where messages should: they are kept as they are, and not read",
    "truncated": "the file ends in the middle of a message: what is left of it is kept as it is, and not read",
    "too_long": "something longer than any message was not read",
}
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2}| ?UTC)?"
)


def rest(piece: Gap | Value, member: int, secret: frozenset[str] = frozenset()) -> Iterator[Record]:
    """The range that a piece is, and a notice where a message may be lost in it. ``secret``: keys at the root."""
    if type(piece) is Value:
        what = "secret" if piece.parent == "" and piece.key in secret else "metadata"
        if piece.flags and piece.value is None:
            what = what if what == "secret" else "unread"
            yield Notice(
                "unread_metadata", "a fact about the chat could not be read", member, piece.parent or "/"
            )
        place = f"{piece.parent}/{piece.key}"[:200]
        yield Range(member, piece.start, piece.end, what, None, place)
        return
    assert type(piece) is Gap
    yield Range(member, piece.start, piece.end, piece.what, piece.text)
    if piece.what == "unread":
        why = piece.why or "not_json"
        yield Notice(f"unread_{why}", _WHY[why], member, f"byte {piece.start}")


def unreadable(piece: Element, member: int, conversation: str) -> Message:
    """An element that could not be read, or is no object: a message all the same, with its text as it stands."""
    flags = tuple(one for one in piece.flags if one != "after_damage") or ("not_a_message",)
    return Message(
        member,
        piece.start,
        piece.end,
        piece.raw,
        conversation,
        "unknown",
        f"{piece.array}/{piece.number}",
        text=piece.raw.decode("utf-8", "replace"),
        flags=flags,
    )


class Files:
    """The other files of a zip by name, to which messages point by paths beside the file that names them."""

    def __init__(self, export: Export) -> None:
        self.zipped = export.zipped
        self._found: dict[str, int] = {}
        self._twice: set[str] = set()
        for member in export.members if export.zipped else ():
            name = member.name.replace("\\", "/")
            if name in self._found:
                self._twice.add(name)
            self._found.setdefault(name, member.index)

    def at(self, name: str) -> int | None:
        """The member of exactly this name."""
        return self._found.get(name)

    def find(self, beside: Member, path: str) -> tuple[int | None, bool]:
        """(the member at ``path`` from the folder of ``beside``, or None; whether two have this name)."""
        folder = beside.name.replace("\\", "/").rpartition("/")[0]
        name = path.replace("\\", "/").removeprefix("./")
        name = f"{folder}/{name}" if folder else name
        return self._found.get(name), name in self._twice


def iso_time(text: str) -> Time:
    """A time in ISO form with an offset (or Z); without one it has no instant."""
    match = _ISO.fullmatch(text)
    if match is None:
        return Time(text, basis="unknown", note="not_understood")
    day, clock, fraction, offset = match.groups()
    digits = len(fraction) - 1 if fraction else 0
    precision = "microsecond" if digits > 3 else "millisecond" if digits else "second"
    micro = f"{(fraction or '.')[1:]:0<6.6}"
    try:
        if offset is None:
            stamp = datetime.fromisoformat(f"{day}T{clock}.{micro}")
            local = stamp.isoformat(
                timespec="microseconds" if digits > 3 else "milliseconds" if digits else "seconds"
            )
            return Time(text, None, local, precision=precision)
        zone = "+00:00" if offset.strip() in ("Z", "UTC") else offset
        return with_offset(text, datetime.fromisoformat(f"{day}T{clock}.{micro}{zone}"), precision)
    except (ValueError, OverflowError):
        return Time(text, precision=precision, basis="unknown", note="does_not_exist")


def whole_number(value: object) -> int | None:
    """A count or an id that the source writes as a number or as digits; None for all else."""
    if type(value) is int:
        return value if abs(value) < 1 << 63 else None
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return None


def text_of(value: object) -> str | None:
    """A text that should be one: numbers as they stand, nothing of lists and objects."""
    if type(value) is str:
        return value
    return str(value) if type(value) is int else None


def short(text: str) -> str:
    """An id of a length that can be held for every sender: longer ones, which nobody has, by their digest."""
    if len(text) <= 300:
        return text
    return f"{text[:200]}… sha256:{hashlib.sha256(text.encode()).hexdigest()}"
