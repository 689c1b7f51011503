"""The engine for Meta's records for investigators (HTML): fields one after the other, from one row's to the next's.

A row is what stands from a field to before the next that it already has, whichever comes first in it: Facebook and
Instagram write the address first, WhatsApp the time. Pages for printing break anywhere, also within a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from custody.evidence.chat import markup, times
from custody.evidence.chat.meta_return_fields import fields
from custody.evidence.chat.meta_return_parts import Part, parts
from custody.evidence.export import Export, Member
from custody.evidence.network import found_row
from custody.evidence.network.found_row import Found, Meaning, Place
from custody.evidence.network.profile import Profile, plain
from custody.evidence.network.written_times import Clock
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row

ENGINE_FLAGS: Mapping[str, str] = {
    "page_break_within": "a page for printing ends within this row; its halves were put together",
}
_CLOSING = re.compile(rb"</(?:div|td|tr|th|tbody|table|body|html)\s{0,20}>")
_PAGE = re.compile(rb'<div[^<>]{0,40}id="page_([0-9]{1,9})"')
_ACCOUNT = re.compile(rb'<div class="[^"<>]{1,80}"[^<>]{0,80}>\s{0,40}(?:Account Identifier|Target)\s{0,40}<')


def detect(profile: Profile, export: Export) -> Detected | None:
    """By the title and the names of the sections. The section of addresses may stand beyond the first bytes."""
    found, sure = [], False
    for member in export.members:
        if export.zipped and not profile.named(member.base):
            continue
        head = member.head(1 << 20)
        if b"Business Record" in head and b'id="property-' in head:
            found.append(member.index)
            sure |= any(f'id="property-{part.where}"'.encode() in head for part in profile.parts)
    if not found:
        return None
    reason = "titled Business Record, with Meta's sections (property-…)"
    return Detected(
        score=profile.score if sure else profile.score - 20, reasons=(reason,), members=tuple(found)
    )


def read(profile: Profile, export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """File by file, section by section."""
    yield Decided("profile", f"{profile.name} {profile.version}", "decided", profile.sources)
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if zone is not None:
        yield Decided("zone", settings.time_zone, "stated")
    clock = Clock(forms=profile.forms, zone=zone, minutes=profile.minutes)
    for at in detected.members:
        yield from _File(profile, export.members[at], clock).records()


class _File:
    def __init__(self, profile: Profile, member: Member, clock: Clock) -> None:
        self._profile, self._member, self._clock = profile, member, clock
        self._roles = {name: column.role for column in profile.columns for name in column.names}
        self._events = {part.where: part.event for part in profile.parts}
        self._account = _account(member.head(1 << 20))
        self._held: list[Part] = []
        """The parts of the row that is being put together."""
        self._labels: set[str] = set()
        self._event: str | None = None
        self._page = "page 1"
        self._rows = self._unzoned = 0

    def records(self) -> Iterator[Record]:
        member = self._member.index
        if self._account:
            yield Decided(
                "account", self._account, "decided", ("as the record's parameters name it",), member
            )
        for part in parts(self._member, frozenset(self._events), self._profile.labels):
            if part.kind and part.kind != "section":
                role = self._roles[plain(part.kind)]
                if role in self._labels:
                    yield from self._row()
                self._held.append(part)
                self._labels.add(role)
                continue
            yield from self._row()
            self._pages(part.raw)
            if part.kind == "section":
                if part.section:
                    self._event = self._events[part.section]
                text = None if part.raw is None else markup.plain(part.raw)
                yield Range(member, part.start, part.end, "header", text or None, self._page)
            else:
                yield Range(member, part.start, part.end, "outside", None, self._page)
        yield from self._row()
        if self._unzoned:
            yield Decided("zone", None, "open", (f"{self._unzoned} times give no offset",), member)
        if not self._rows:
            yield Notice("no_rows", "no address stands in the sections that are read", member)

    def _pages(self, raw: bytes | None) -> None:
        for match in _PAGE.finditer(raw or b""):
            self._page = f"page {match[1].decode('ascii')}"

    def _row(self) -> Iterator[Record]:
        held, self._held, self._labels = self._held, [], set()
        if not held:
            return
        member, start, end = self._member.index, held[0].start, held[-1].end
        if any(part.raw is None for part in held):
            yield Range(member, start, end, "unread", None, self._page)
            yield Notice("row_too_long", "a field is longer than can be read; its bytes are kept", member)
            return
        raw = b"".join(part.raw or b"" for part in held)
        stop = _own(raw)
        self._rows += 1
        at = Place(member=member, start=start, end=start + stop, raw=raw[:stop], words=self._page)
        yield self._made(raw[:stop], at)
        self._pages(raw)
        if stop < len(raw):
            yield Range(member, start + stop, end, "syntax")

    def _joined(self, role: str, text: str) -> str:
        """A value whose halves stand on two pages: broken between words, or within one."""
        apart, together = text.replace("\n", " "), text.replace("\n", "")
        if role == "time" and "time_not_understood" not in self._clock.read(apart).flags:
            return apart
        return together

    def _made(self, raw: bytes, at: Place) -> Row:
        found = Found()
        if b"pageBreak" in raw:
            found.flags.add("page_break_within")
        for label, text in fields(raw):
            role = self._roles.get(plain(label))
            if role is None or role in found.roles:
                if text:
                    found.beside(label, text)
                continue
            found.roles[role] = text
        for role in ("ip", "time"):
            if "\n" in found.roles.get(role, ""):  # a page break within the value
                found.roles[role] = self._joined(role, found.roles[role])
        profile = self._profile
        meaning = Meaning(
            clock=self._clock, event=self._event or profile.event, events=profile.events, ip_role=profile.ip_role,
            account=self._account,
        )  # fmt: skip
        row = found_row.made(found, at, meaning)
        self._unzoned += row.when is not None and "no_offset" in row.when.flags
        return row


def _own(raw: bytes) -> int:
    """Where a row's own bytes end: before the end tags behind it, of what it stands in."""
    stop = len(raw)
    while True:
        end = len(raw[:stop].rstrip()) if raw[stop - 1 : stop].isspace() else stop
        at = raw.rfind(b"</", max(0, end - 40), end)
        if at < 0 or _CLOSING.fullmatch(raw, at, end) is None:
            return end
        stop = at


def _account(head: bytes) -> str | None:
    match = _ACCOUNT.search(head)
    if match is None:
        return None
    found = fields(head[match.start() : match.start() + 2048])
    return found[0].text.partition("\n")[0].strip()[:300] or None if found else None
