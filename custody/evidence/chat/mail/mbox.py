"""Mailboxes: many mails in one file, each behind a line that begins with "From ".

Such a line may also stand in a mail's own text, where most writers, not all, put a ``>`` before it. So a mail begins
only at a "From " line that ends with a date, stands behind an empty line (or at the beginning) and has a header in
the next line; a Content-Length is believed only where it lands on such a line or on the end.
Every other "From " line is counted and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.attached import Attached
from custody.evidence.chat.mail import headers, message
from custody.evidence.chat.mail.children import of_mail
from custody.evidence.chat.mail.eml import looks_like
from custody.evidence.chat.mail.facts import CONTAINS, NEVER, ZONE
from custody.evidence.chat.mail.window import Window
from custody.evidence.chat.model import Conversation, Message, Record
from custody.evidence.chat.reader import Reader
from custody.evidence.export import WINDOW, Bytes, Export, Member, pieces
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_FROM = re.compile(rb"^From ", re.MULTILINE)
_ENVELOPE = re.compile(
    rb"From [^\r\n]*?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[^\r\n]{0,40}\b[0-9]{4}\b[^\r\n]{0,40}\r?\n"
)
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")
_LONGEST = 1_000
_SHOWN = 64 << 10


def detect(export: Export) -> Detected | None:
    """Claims files that begin with an envelope line and headers; in a zip, those of them that are named .mbox."""
    if not export.zipped:
        if not begins(export.members[0]):
            return None
        return Detected(score=95, reasons=("begins with an envelope line and headers of a mail",))
    boxes = tuple(
        member.index
        for member in export.members
        if member.base.lower().endswith((".mbox", ".mbx", "mbox")) and begins(member)
    )
    if not boxes:
        return None
    return Detected(score=80, reasons=(f"{len(boxes)} files are mailboxes",), members=boxes)


def begins(member: Member) -> bool:
    """Whether a file begins as a mailbox does."""
    head = member.head(16 << 10)
    match = _ENVELOPE.match(head.lstrip(b"\r\n"))
    return match is not None and looks_like(head.lstrip(b"\r\n")[match.end() :])[0] >= 2


class Split:
    """Where the mails of a mailbox lie. Iterate it: (start, content, end, flags); ends hold no empty lines behind."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._window = Window(data, 0, data.size)
        self._from = 0
        self._held = b""

    def __iter__(self) -> Iterator[tuple[int, int, int, tuple[str, ...]]]:
        start = self._begin(0, set(), first=True)
        while start is not None:
            content = self._window.next_line(start)
            doubts: set[str] = set()
            stated, limit = self._by_length(content)
            following = self._begin(content, doubts, until=limit)
            end = self._data.size if following is None else following
            kept = content if limit is None else stated
            yield start, content, self._trim(kept, end), tuple(sorted(doubts))
            start = following

    def _begin(
        self, at: int, doubts: set[str], *, first: bool = False, until: int | None = None
    ) -> int | None:
        """Where the next mail begins, at or behind ``at``. What only looks like it goes into ``doubts``."""
        while (found := self._candidate(at)) is not None:
            if until is not None and found < until:
                doubts.add("from_line_within_length")
            elif self._is_beginning(found):
                return found
            elif not first:
                doubts.add("from_line_not_split")
            at = found + 5
        return None

    def _candidate(self, at: int) -> int | None:
        """The first line from ``at`` on that begins with "From "."""
        while at < self._data.size:
            # One byte before ``at`` is held too, so that the pattern knows a line's beginning.
            if not self._from < at + (at == 0) <= self._from + len(self._held) - 5:
                self._from = max(0, at - 1)
                self._held = self._data.read(self._from, min(self._from + WINDOW, self._data.size))
            for match in _FROM.finditer(self._held, at - self._from):
                if match.start() > 0 or self._from == 0:
                    return self._from + match.start()
            end = self._from + len(self._held)
            if end >= self._data.size:
                return None
            at = end - 4  # one that begins before is whole in this window
        return None

    def _is_beginning(self, at: int) -> bool:
        before = self._data.read(max(0, at - 3), at)
        if at > 0 and not (before.endswith((b"\n\n", b"\n\r\n")) or before in (b"\n", b"\r\n")):
            return False
        line = self._window.bytes_at(at, 2 * _LONGEST)
        match = _ENVELOPE.match(line, 0, _LONGEST)
        return match is not None and _HEADER.match(line, match.end()) is not None

    def _by_length(self, content: int) -> tuple[int, int | None]:
        """Where a Content-Length says that the mail ends, and where the next one or the end of the file is then.

        (0, None) where it says nothing, or where there is neither.
        """
        read, body = headers.read(self._window, content, ())
        field = read.first("content-length")
        if field is None or not re.fullmatch(rb"[0-9]{1,15}", field.value):
            return 0, None
        stated = body + int(field.value)
        if stated > self._data.size:
            return 0, None
        behind = self._data.read(stated, stated + 4)
        at = stated + len(behind) - len(behind.lstrip(b"\r\n"))
        if at >= self._data.size or (self._data.read(at, at + 5) == b"From " and self._is_beginning(at)):
            return stated, at
        return 0, None

    def _trim(self, start: int, end: int) -> int:
        """``end`` without the empty lines before it; the last line keeps its own end."""
        at = end
        while at > start:
            piece = self._data.read(max(start, at - _SHOWN), at)
            kept = len(piece.rstrip(b"\r\n"))
            if kept:
                at = at - len(piece) + kept
                tail = self._data.read(at, min(at + 3, end))
                match = re.match(rb"\r*\n", tail)
                return at if match is None else at + match.end()
            at -= len(piece)
        return start


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """The mails of each mailbox, in the order in which they stand."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for dates that give no offset",))
    for at in detected.members:
        yield from _box(export.members[at], zone)


def _conversation(member: Member) -> str:
    return f"mailbox-{member.index}"


def _box(member: Member, zone: ZoneInfo | None) -> Iterator[Record]:
    data = member.open()
    yield Conversation(_conversation(member), member.base or None, "file_name", "mailbox", "email")
    split = Split(data)
    at = 0
    asked = False
    for number, (start, content, end, doubts) in enumerate(split, 1):
        yield from _between(member, data, at, start, first=number == 1)
        for record in message.read(data, _place(member, data, number, start, content, end, doubts), zone):
            if isinstance(record, Message):
                if "date_without_zone" in record.flags and zone is None and not asked:
                    asked = True
                    yield Decided("zone", None, "open", ("a Date gives no offset",), member=member.index)
                for code in doubts:
                    yield Notice(code, _WORDS[code], member=member.index, place=record.place)
            yield record
        at = end
    yield from _between(member, data, at, member.size, first=at == 0)


_WORDS = {
    "from_line_not_split": 'a line begins with "From " and was not taken for the beginning of a mail',
    "from_line_within_length": 'a line begins with "From " and lies within the length that the mail states',
}


def _place(
    member: Member, data: Bytes, number: int, start: int, content: int, end: int, flags: tuple[str, ...]
) -> message.Place:
    envelope = data.read(start, min(content, start + _LONGEST)).decode("utf-8", "backslashreplace").strip()
    return message.Place(
        member=member.index,
        start=start,
        content=content,
        end=end,
        conversation=_conversation(member),
        place=f"mail {number}",
        flags=flags,
        envelope=envelope,
    )


def _between(member: Member, data: Bytes, start: int, end: int, *, first: bool) -> Iterator[Record]:
    """Empty lines between mails; before the first, or where there is none, perhaps text that is no mail."""
    told = False
    for piece in pieces(data, start, end, _SHOWN):
        if piece.strip(b"\r\n \t"):
            if not told:
                told = True
                where = "before the first mail" if first else "between mails"
                yield Notice(
                    "text_outside_mails", f"text that is no mail stands {where}", member=member.index
                )
            text = piece.decode("utf-8", "backslashreplace")
            yield Range(member.index, start, start + len(piece), "unread", text)
        else:
            yield Range(member.index, start, start + len(piece), "blank")
        start += len(piece)


def attached(export: Export, detected: Detected, settings: Settings) -> Iterator[Attached]:
    """What is attached to the mails of an export (see `custody.evidence.chat.attached`)."""
    del settings
    count = 0
    for at in detected.members:
        data = export.members[at].open()
        for number, (start, content, end, doubts) in enumerate(Split(data), 1):
            count += 1
            place = _place(export.members[at], data, number, start, content, end, doubts)
            yield from of_mail(data, place, count)


READER = Reader(
    name="mbox",
    version=1,
    title="Mailbox (.mbox)",
    zone=ZONE,
    detect=detect,
    read=read,
    contains=CONTAINS,
    never=(*NEVER, "mails that were deleted from the mailbox before it was exported"),
    asks=("time_zone",),
    attached=attached,
)
