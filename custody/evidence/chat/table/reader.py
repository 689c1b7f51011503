"""Tables of messages, CSV or XLSX, by a mapping that somebody states."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from custody.evidence.chat import times
from custody.evidence.chat.model import Record
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.table import csv_rows, plan, record, when, xlsx
from custody.evidence.chat.table.csv_rows import Dialect, Row, Unread
from custody.evidence.chat.table.plan import Plan
from custody.evidence.export import Bytes, Export, Held, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.format.text import show

NO_CLAIM = 30
VIBER_CLAIM = 60
_TEXTS = (".csv", ".tsv", ".tab")
_VIBER = re.compile(r'="?[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}"?\t="?[0-9]{1,2}:[0-9]{2}|'
                    r'="[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}"\t[0-9]{1,2}:[0-9]{2}')  # fmt: skip


def detect(export: Export) -> Detected | None:
    """Any text or workbook can be a table: that alone is no claim. Viber's way of writing is one, not a sure one."""
    if (named := xlsx.find(export)) is not None:
        members = tuple(
            member.index
            for name, member in named.items()
            if name.startswith(("xl/worksheets/", "xl/sharedStrings"))
        )
        if not members:
            return None
        return Detected(score=NO_CLAIM, reasons=("a workbook",), members=members, document=True)
    found = [
        member
        for member in export.members
        if not export.zipped or member.base.lower().endswith((*_TEXTS, ".txt"))
    ]
    found = [member for member in found if b"\0" not in member.head(4096) or _wide(member)]
    if not found:
        return None
    viber = tuple(member.index for member in found if _is_viber(member))
    if viber:
        return Detected(
            score=VIBER_CLAIM, reasons=('rows as Viber writes them: ="day", tab, time',), members=viber
        )
    if export.zipped:
        found = [member for member in found if member.base.lower().endswith(_TEXTS)]
        if not found:
            return None
    score = NO_CLAIM if found[0].base.lower().endswith(_TEXTS) else 10
    return Detected(
        score=score, reasons=("text that may be a table",), members=tuple(one.index for one in found)
    )


def _wide(member: Member) -> bool:
    return member.head(2) in (b"\xff\xfe", b"\xfe\xff")


def _is_viber(member: Member) -> bool:
    head = member.head(4096)
    text = head.decode("utf-16", "ignore") if _wide(member) else head.decode("utf-8-sig", "ignore")
    return _VIBER.match(text.lstrip()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the user is shown to name the columns: for each table its header and first rows, and what is open."""

    member: int
    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: csv_rows.Found
    delimiter: csv_rows.Found


def propose(export: Export, settings: Settings | None = None) -> list[Proposal]:
    """The first row and some that follow, of each table of an export; `Settings.mapping` may state how it is read."""
    detected = detect(export)
    if detected is None:
        return []
    stated = dict(settings.mapping) if settings is not None and settings.mapping else {}
    one = _plan({"text": "#1", **stated})
    found: list[Proposal] = []
    for table in _tables(export, detected, one):
        shown = [row for row in table.first(12) if any(row.cells)][:6]
        if not shown:
            continue
        header, *rows = [tuple(cell[:200] for cell in row.cells[:100]) for row in shown]
        found.append(
            Proposal(
                member=table.member.index,
                name=table.name,
                header=header,
                rows=tuple(rows),
                encoding=table.encoding,
                delimiter=table.delimiter,
            )
        )
    return found


def check(export: Export, settings: Settings) -> list[str]:
    """What the mapping names and no table of the export has; InputRefused where the mapping itself is off.

    For asking again before anything is derived.
    """
    detected, one = detect(export), _plan(dict(settings.mapping or {}))
    if detected is None or one is None or not one.header:
        return []
    missing: list[str] = []
    for table in _tables(export, detected, one):
        header = next((row.cells for row in table.first(12) if any(row.cells)), None)
        missing += plan.places(one.columns, header)[1]
    return list(dict.fromkeys(missing))


def _plan(mapping: dict[str, str]) -> Plan | None:
    return plan.parse(mapping) if mapping else None


class _Table:
    """One table: its rows again and again, and what was decided about it."""

    def __init__(
        self, member: Member, name: str, encoding: csv_rows.Found, delimiter: csv_rows.Found
    ) -> None:
        self.member = member
        self.name = name
        self.encoding = encoding
        self.delimiter = delimiter
        self.start = 0
        self.since_1904 = False
        self.quoting: csv_rows.Found | None = None

    def rows(self) -> Iterator[Row | Unread]:
        raise NotImplementedError

    def first(self, count: int) -> list[Row]:
        """Some of the first rows."""
        found: list[Row] = []
        for row in self.rows():
            if isinstance(row, Row):
                found.append(row)
            if len(found) >= count:
                break
        return found


class _Text(_Table):
    def __init__(self, member: Member, stated: Plan | None) -> None:
        self._data: Bytes = member.open()
        encoding, bom = csv_rows.find_encoding(self._data, None if stated is None else stated.encoding)
        quoted = stated is None or stated.quoting != "none"
        dialect = Dialect(encoding=encoding[0], delimiter=None, quoted=quoted, bom=bom)
        names = [] if stated is None else [one for one in stated.columns.values() if plan.number(one) is None]
        delimiter: csv_rows.Found
        if stated is not None and stated.delimiter is not None:
            delimiter = (stated.delimiter, "stated", ("by the mapping",))
        else:
            delimiter = csv_rows.find_delimiter(self._data, dialect, names)
        super().__init__(member, member.base, encoding, delimiter)
        self.start = bom
        self.dialect = Dialect(encoding=encoding[0], delimiter=delimiter[0], quoted=quoted, bom=bom)
        self.quoting = ("double" if quoted else "none", "stated" if stated and stated.quoting else "inferred",
                        ("by the mapping" if stated and stated.quoting else "as RFC 4180 has it",))  # fmt: skip

    def rows(self) -> Iterator[Row | Unread]:
        return csv_rows.rows(self._data, self.dialect, self.start, self._data.size)


class _Sheet(_Table):
    def __init__(self, sheet: xlsx.Sheet, book: xlsx.Workbook, strings: xlsx.Strings) -> None:
        fixed = (None, "decided", ("a workbook",))
        super().__init__(sheet.member, sheet.name, fixed, fixed)
        self._sheet, self._book, self._strings = sheet, book, strings
        self.since_1904 = book.since_1904

    def rows(self) -> Iterator[Row | Unread]:
        return xlsx.rows(self._sheet, self._book, self._strings)


def _tables(export: Export, detected: Detected, stated: Plan | None) -> Iterator[_Table]:
    if (named := xlsx.find(export)) is not None:
        book = xlsx.workbook(named)
        strings = xlsx.Strings(book.strings)
        wanted = None if stated is None else stated.sheet
        for sheet in sorted(book.sheets, key=lambda one: one.member.index):
            if sheet.member.index in detected.members and wanted in (None, sheet.name):
                yield _Sheet(sheet, book, strings)
        return
    for at in detected.members:
        yield _Text(export.members[at], stated)


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Each row as a message, by the mapping; without one, as text of unknown kind."""
    mapping = dict(settings.mapping or {})
    if not mapping and detected.score == VIBER_CLAIM:
        mapping = {"profile": plan.VIBER}
    stated = _plan(mapping)
    if stated is None:
        yield Decided("mapping", None, "open", ("nobody has said which column is what",))
    else:
        state = "stated" if settings.mapping else "inferred"
        yield Decided(
            "mapping",
            stated.profile or "columns",
            state,
            tuple(f"{k}: {v}" for k, v in sorted(mapping.items())),
        )
    done: set[int] = set()
    for table in _tables(export, detected, stated):
        done.add(table.member.index)
        yield from _One(export, table, stated, settings).records()
    for at in detected.members:
        if at not in done:
            yield Range(at, 0, export.members[at].size, "outside", place=export.members[at].base or None)


class _One:
    def __init__(self, export: Export, table: _Table, stated: Plan | None, settings: Settings) -> None:
        self._export = export
        self._table = table
        self._plan = stated
        self._settings = settings
        self._member = table.member.index
        self._data = table.member.open()
        self._header: Row | None = None
        self._places: dict[str, int] | None = None

    def records(self) -> Iterator[Record]:
        table = self._table
        for what, found in (
            ("encoding", table.encoding),
            ("delimiter", table.delimiter),
            ("quoting", table.quoting),
        ):
            if found is not None:
                yield Decided(what, found[0], found[1], found[2], member=self._member)
        if table.start:
            yield Range(self._member, 0, table.start, "syntax")
        yield from self._columns()
        clock = yield from self._clock()
        made = record.Made(
            export=self._export,
            member=self._member,
            title=self._export.name,
            plan=self._plan,
            places=self._places,
            header=None if self._header is None else self._header.cells,
            clock=clock,
            files=_files(self._export),
            prefix=f"{table.name}, " if isinstance(table, _Sheet) else "",
        )
        at = table.start
        for row in table.rows():
            if row.start > at:
                yield Range(self._member, at, row.start, "syntax")
            at = row.end
            if isinstance(row, Unread):
                yield Notice(row.code, _WORDS[row.code], member=self._member)
                yield Range(self._member, row.start, row.end, "unread", row.text)
            elif not any(row.cells):
                yield Range(self._member, row.start, row.end, "blank")
            elif self._header is not None and row.start == self._header.start:
                yield Range(self._member, row.start, row.end, "header", "\t".join(row.cells), row.place)
            else:
                yield from record.message(self._data, row, made)
        if at < table.member.size:
            yield Range(self._member, at, table.member.size, "syntax")

    def _columns(self) -> Iterator[Record]:
        """Find the header row and the columns that the mapping names."""
        if self._plan is None:
            return
        if self._plan.header:
            self._header = next((row for row in self._table.first(1000) if any(row.cells)), None)
        header = None if self._header is None else self._header.cells
        places, missing = plan.places(self._plan.columns, header)
        if missing or self._table.delimiter[1] == "open":
            # Not one row is read by half of a mapping: which half would be a guess.
            self._header = None
            reason = (
                f"there is no one column {show(missing[0], 100)}" if missing else "the delimiter is not known"
            )
            yield Decided("columns", None, "open", (reason,), member=self._member)
            # The item's own name is no part of what is read: only files within it are named.
            which = show(self._table.name, 100) if self._export.zipped else "the table"
            yield Notice(
                "column_not_found", f"the mapping does not fit {which}: {reason}", member=self._member
            )
            return
        self._places = places

    def _clock(self) -> Generator[Record, None, when.Clock]:
        """Ask all rows together which order of day and month is possible, and whether they have zones."""
        stated = None if self._plan is None else self._plan.time_format
        pattern = None if stated is None else when.compile_format(stated)
        zone_name = self._settings.time_zone or (None if self._plan is None else self._plan.zone)
        zone = None if zone_name is None else times.zone(zone_name)
        orders: tuple[str, ...] = ()
        if self._places is not None and {"time", "date"} & set(self._places):
            evidence = self._evidence() if stated is None else None
            if evidence is not None and evidence.numeric:
                decided = self._order(evidence)
                orders = tuple(evidence.left()) if decided.value is None else (decided.value,)
                yield decided
            if zone_name is not None:
                yield Decided("zone", zone_name, "stated", (), member=self._member)
            elif evidence is not None and evidence.with_zone and not evidence.without_zone:
                yield Decided(
                    "zone", "in each time", "decided", ("each time gives its offset",), member=self._member
                )
            elif stated not in ("unix", "unix_ms", "unix_us") and "%z" not in (stated or ""):
                yield Decided("zone", None, "open", ("the times give no offset",), member=self._member)
        return when.Clock(
            stated=stated, pattern=pattern, orders=orders, zone=zone, since_1904=self._table.since_1904
        )

    def _evidence(self) -> when.Evidence:
        assert self._places is not None
        evidence = when.Evidence(not_after=self._settings.not_after)
        for row in self._table.rows():
            if isinstance(row, Unread) or (self._header is not None and row.start == self._header.start):
                continue
            values = {
                role: record.unquoted(row.cells[at], self._plan)
                for role, at in self._places.items()
                if role in ("time", "date") and at < len(row.cells)
            }
            if text := record.time_text(values):
                evidence.take(text)
        return evidence

    def _order(self, evidence: when.Evidence) -> Decided:
        if self._settings.date_order is not None:
            return Decided("date_order", self._settings.date_order, "stated", (), member=self._member)
        left = evidence.left()
        out = tuple(
            f"{order} is ruled out by {text}" for order, text in evidence.orders.items() if text is not None
        )
        if len(left) == 1:
            return Decided("date_order", left[0], "decided", out, member=self._member)
        reason = "no day is above 12" if left else "no order fits all times"
        return Decided("date_order", None, "open", (reason, *out), member=self._member)


_WORDS = {
    "row_too_long": "a row is longer than can be read; its text is given and not its cells",
    "odd_byte": "the file ends in half a character",
    "unknown_element": "something in the sheet is out of form",
}


def _files(export: Export) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for member in export.members:
        found[member.base] = None if member.base in found else member.index
    return found


def slice_of(export: Export, member: int, start: int, end: int) -> Export:
    """The export with one row alone in that member: for reading a row's bytes again by themselves."""
    held = Held(export.members[member].open().read(start, end))
    members = tuple(
        Member(index=one.index, name=one.name, size=held.size, open=lambda: held, modified=one.modified)
        if one.index == member
        else one
        for one in export.members
    )
    return Export(name=export.name, members=members, zipped=export.zipped)


READER = Reader(
    name="table",
    version=1,
    title="Table of messages (CSV, XLSX), by a stated mapping",
    zone="none, unless its times give offsets or the mapping states one",
    detect=detect,
    read=read,
    contains=("whatever its columns hold, once somebody has said which is what",),
    never=(
        "proof of where it comes from: anybody can write a table",
        "what the program that wrote it left out",
    ),
    asks=("mapping", "time_zone", "date_order"),
)
