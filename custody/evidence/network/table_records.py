"""The engine for tables: CSV, workbooks and HTML tables of a profile, row by row."""

from __future__ import annotations

import functools
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from custody.evidence.chat import times
from custody.evidence.chat.table.csv_rows import Row as TableRow
from custody.evidence.chat.table.csv_rows import Unread
from custody.evidence.export import Export, Member, cut
from custody.evidence.network import found_row, table_layout, table_source
from custody.evidence.network.found_row import Meaning, Place
from custody.evidence.network.ip import seen_address
from custody.evidence.network.profile import Profile
from custody.evidence.network.table_layout import Layout
from custody.evidence.network.table_source import Beside, HtmlTable, Source, TextTable
from custody.evidence.network.written_times import Clock, Evidence
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record

LOOKED = 100
"""Rows in which a header is looked for when a format is told."""
_CANDIDATES = 200
_OTHER = re.compile(rb"[^a-z0-9]+")
_WORDS = {
    "row_too_long": "a row is longer than can be read; its bytes are kept",
    "odd_byte": "the file ends in half a character",
    "unknown_element": "something in the sheet is out of form",
}


# --- telling ----------------------------------------------------------------------------------------------------


def detect(profile: Profile, export: Export) -> Detected | None:
    """By the header that the profile asks for, which must stand in the first rows."""
    if profile.engine == "workbook":
        found = table_source.sheets(export, head=True)
        fitting = [one for one in found[:20] if _has_header(profile, one)]
        if not fitting:
            return None
        return Detected(
            score=profile.score,
            reasons=(f"a workbook with the columns of: {profile.title}",),
            members=table_source.workbook_members(export, found),
            document=True,
        )
    members: list[int] = []
    by_name = False
    for member in export.members:
        named = profile.named(member.base)
        if (export.zipped and not named) or len(members) >= _CANDIDATES:
            continue
        if profile.engine == "html_table":
            fits = _has_words(profile, member.head())
        elif (
            b"\0" in member.head(4096) and member.head(2) not in (b"\xff\xfe", b"\xfe\xff")
        ) or not _may_have_header(profile, member.head()):
            fits = False
        else:
            fits = _has_header(profile, _text(profile, member, head=True))
        if fits:
            members.append(member.index)
            by_name |= named
    if not members:
        return None
    reasons = [f"the columns of: {profile.title}", *(["its file name"] if by_name else [])]
    return Detected(score=profile.score, reasons=tuple(reasons), members=tuple(members))


def _text(profile: Profile, member: Member, *, head: bool = False) -> TextTable:
    delimiter = (profile.delimiter, "decided", ("as this format has it",))
    return TextTable(member, delimiter=delimiter, head=head)


def _may_have_header(profile: Profile, head: bytes) -> bool:
    """Whether the letters of the columns' names stand in the bytes at all: most files are none of these tables, and
    taking them apart costs milliseconds."""
    if profile.delimiter is not None and profile.delimiter.encode() not in head:
        return False
    letters = squeezed(head)
    return all(any(squeezed(name.encode()) in letters for name in names) for names in profile.required)


@functools.lru_cache(1 << 10)
def squeezed(text: bytes) -> bytes:
    """The Latin letters and digits alone, in small: the same of UTF-8 and of UTF-16."""
    return _OTHER.sub(b"", text.lower())


def _has_words(profile: Profile, head: bytes) -> bool:
    low = head.lower()
    return b"<" in low and all(word.lower().encode() in low for word in profile.head)


def _has_header(profile: Profile, source: Source) -> bool:
    rows = 0
    for row in source.rows():
        if rows >= LOOKED:
            break
        if not isinstance(row, TableRow) or not any(row.cells):
            continue
        rows += 1
        if profile.header == "none":
            return _fits_places(profile, row)
        if table_layout.fits(profile, row.cells):
            return True
    return False


def _fits_places(profile: Profile, row: TableRow) -> bool:
    """Whether the first row of a table without a header has an address and a time where the profile says."""
    where = table_layout.placed(profile)
    by_role = {role: row.cells[at].strip() for at, role in where.roles.items() if at < len(row.cells)}
    when = Clock(forms=profile.forms).read(by_role.get("time", ""))
    return (
        len(row.cells) >= where.width
        and seen_address(by_role.get("ip", "")).ip is not None
        and when.instant is not None
    )


# --- reading ----------------------------------------------------------------------------------------------------


def read(profile: Profile, export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Each row under the header as a record; what stands around the tables is kept as such."""
    yield Decided("profile", f"{profile.name} {profile.version}", "decided", profile.sources)
    sources: list[Source] = []
    if profile.engine == "workbook":
        sources += [one for one in table_source.sheets(export) if one.member.index in detected.members]
    elif profile.engine == "html_table":
        sources += [HtmlTable(export.members[at]) for at in detected.members]
    else:
        sources += [_text(profile, export.members[at]) for at in detected.members]
    done = {source.member.index for source in sources}
    for at in detected.members:
        if at not in done:
            yield Range(at, 0, export.members[at].size, "metadata", None, "texts of the workbook's cells")
    for source in sources:
        yield from Table(source, settings, ByProfile(profile)).records()


class ByProfile:
    """How one table's header and columns are found, as its profile has it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.layout = table_layout.placed(profile) if profile.header == "none" else None
        self._expected = False
        self.pattern: re.Pattern[str] | None = None
        """Of a stated format of times."""
        self.hours: str | None = None
        """To what hours count, as somebody stated."""

    def again(self) -> ByProfile:
        """The same, before the first row."""
        return ByProfile(self.profile)

    def header(self, row: TableRow) -> bool:
        """Whether the row is no data but a header, or a line that announces one; keeps the columns it gives."""
        if self.profile.header == "none":
            return False
        if self.profile.header == "after_rule":
            if any(cell and set(cell.strip()) == {"="} for cell in row.cells):
                self._expected, self.layout = True, None
                return True
            if self._expected:
                self._expected = False
                self.layout = table_layout.layout(self.profile, row.cells)
                return True
            # A legend is one cell; no row of these tables is.
            return self.layout is None or len([cell for cell in row.cells if cell.strip()]) < 2
        if self.layout is not None and table_layout.has_address(self.layout, row.cells):
            return False  # most rows: no header holds an address where the others have theirs
        if table_layout.fits(self.profile, row.cells):
            self.layout = table_layout.layout(self.profile, row.cells)
            return True
        return self.layout is None

    def close(self) -> None:
        """A table ended."""
        if self.profile.header == "named":
            self.layout = None

    def meaning(self, clock: Clock) -> Meaning:
        """What all rows are."""
        one = self.profile
        return Meaning(clock=clock, event=one.event, events=one.events, ip_role=one.ip_role)


@dataclass(slots=True)
class Table:
    """One table of a file, read twice where its times need it."""

    source: Source
    settings: Settings
    columns: ByProfile
    unzoned: int = 0
    rows: int = 0
    _zones: set[str] = field(default_factory=set)

    def records(self) -> Iterator[Record]:
        """All bytes of the member."""
        source, member = self.source, self.source.member.index
        yield from source.decided()
        clock = yield from self._clock()
        meaning = self.columns.meaning(clock)
        data = source.member.open()
        at = 0
        for row in source.rows():
            at = row.end
            if isinstance(row, Beside):
                if row.closes:
                    self.columns.close()
                yield Range(member, row.start, row.end, row.what, row.text)
            elif isinstance(row, Unread):
                yield Notice(row.code, _WORDS.get(row.code, "bytes that were not read"), member)
                yield Range(member, row.start, row.end, "unread", row.text)
            elif not any(row.cells):
                yield Range(member, row.start, row.end, "blank")
            elif self.columns.header(row):
                text = " | ".join(cell.strip() for cell in row.cells)[:4096]
                yield Range(member, row.start, row.end, "header", text, self._place(row.place))
            else:
                assert self.columns.layout is not None
                yield self._row(row, self.columns.layout, meaning, Place(
                    member=member, start=row.start, end=row.end, raw=cut(data, row.start, row.end),
                    words=self._place(row.place),
                ))  # fmt: skip
        if at < source.member.size:
            yield Range(member, at, source.member.size, "syntax")
        yield from self._ending()

    def _place(self, place: str) -> str:
        return f"{self.source.name}, {place}" if self.source.name else place

    def _row(self, row: TableRow, where: Layout, meaning: Meaning, at: Place) -> Record:
        found = where.found(row, workbook=bool(self.source.name))
        made = found_row.made(found, at, meaning)
        self.rows += 1
        for when in (made.when, made.until):
            if when is not None:
                self.unzoned += "no_offset" in when.flags
                self._zones.add(when.offset_origin)
        return made

    def _clock(self) -> Generator[Record, None, Clock]:
        profile, member = self.columns.profile, self.source.member.index
        zone = None if self.settings.time_zone is None else times.zone(self.settings.time_zone)
        orders: tuple[str, ...] = ()
        hours = None
        if {"numeric", "named"} & set(profile.forms):
            evidence = self._evidence()
            orders, decided = settled(evidence, self.settings.date_order, member)
            hours, clock = hours_of(evidence, self.columns.hours, member)
            yield from (*decided, *clock)
        if zone is not None:
            yield Decided("zone", self.settings.time_zone, "stated", (), member)
        return Clock(
            forms=profile.forms, zone=zone, minutes=profile.minutes, orders=orders, hours=hours,
            since_1904=self.source.since_1904, pattern=self.columns.pattern,
        )  # fmt: skip

    def _evidence(self) -> Evidence:
        evidence = Evidence(not_after=self.settings.not_after)
        columns = self.columns.again()
        for row in self.source.rows():
            if isinstance(row, TableRow) and any(row.cells) and not columns.header(row):
                assert columns.layout is not None
                for text in table_layout.times_of(row, columns.layout):
                    evidence.take(text, row.place)
        return evidence

    def _ending(self) -> Iterator[Record]:
        member = self.source.member.index
        if self.unzoned:
            yield Decided("zone", None, "open", (f"{self.unzoned} times give no offset",), member)
        elif self.settings.time_zone is None and (origins := self._zones - {"none"}):
            yield Decided(
                "zone", ", ".join(sorted(origins)), "decided", (self.columns.profile.zone_words,), member
            )
        if not self.rows:
            yield Notice("no_rows", "no row of addresses stands here", member)


def settled(evidence: Evidence, stated: str | None, member: int) -> tuple[tuple[str, ...], list[Decided]]:
    """The orders of day and month that are possible, and what is said of it."""
    if not evidence.numeric:
        return (), []
    if stated is not None:
        return (stated,), [Decided("date_order", stated, "stated", (), member)]
    left = evidence.left()
    out = [f"{order} is ruled out by {place}" for order, place in evidence.out.items() if place is not None]
    if len(left) == 1:
        # Between day and month first: that is the question. The year's place is seldom in doubt.
        by = next((evidence.out[order] for order in ("DMY", "MDY", "YMD") if evidence.out[order]), None)
        reason = f"order_settled_by_{by}"
        return left, [Decided("date_order", left[0], "decided", (reason, *out), member)]
    reason = "no day is above 12" if left else "no order fits all times"
    return left or (), [Decided("date_order", None, "open", (reason, *out), member)]


def hours_of(evidence: Evidence, stated: str | None, member: int) -> tuple[str | None, list[Decided]]:
    """Whether hours count to 24, where one-digit hours without AM or PM leave it open."""
    if stated is not None:
        return stated, [Decided("clock", stated, "stated", ("by the mapping",), member)]
    if not evidence.short:
        return None, []
    if evidence.hours is not None:
        return "24", [Decided("clock", "24", "decided", (f"clock_settled_by_{evidence.hours}",), member)]
    return None, [Decided("clock", None, "open", ("no hour is above 12, and none has AM or PM",), member)]
