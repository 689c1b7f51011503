"""Tables of addresses from anybody (CSV, XLSX): read by a mapping that a person states, never by a guess.

Access providers answer in tables of no standard. Which column is what is asked once; what the headers suggest is
proposed, and nothing is read by a proposal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.chat import times
from custody.evidence.chat.table import csv_rows, plan, when, xlsx
from custody.evidence.chat.table.csv_rows import Row as TableRow
from custody.evidence.chat.table.plan import Plan
from custody.evidence.export import Export, Member, cut
from custody.evidence.network import found_row, ip, ip_table_roles, table_layout, table_source
from custody.evidence.network.found_row import Meaning
from custody.evidence.network.profile import Profile
from custody.evidence.network.table_layout import Layout, unquoted
from custody.evidence.network.table_records import ByProfile, Table
from custody.evidence.network.table_source import Beside, SheetTable, Source, TextTable
from custody.evidence.network.written_times import Clock
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader
from custody.format.text import show

ROLES = (
    "ip", "port", "port_range", "port_first", "port_last", "time", "date", "clock", "time_end", "date_end",
    "clock_end", "offset", "dest_ip", "dest_port", "transport", "account", "subscriber", "event", "device",
    "user_agent", "session", "host", "city", "region", "country",
)  # fmt: skip
"""What a column can be in a mapping."""
OWN_KEYS = ("hours", "ip_role")
"""``hours``: 24 or 12, to what hours count; ``ip_role``: what the addresses are (assigned, nat_external …)."""
_TEXTS = (".csv", ".tsv", ".tab")
_COUNTS = {"unix": "unix_s", "unix_ms": "unix_ms", "unix_us": "unix_us", "excel": "serial"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody is shown to name the columns of one table: its header and first rows, and what names suggest."""

    member: int
    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    roles: Mapping[str, str]
    delimiter: csv_rows.Found | None = None


# --- telling ----------------------------------------------------------------------------------------------------


def detect(export: Export) -> Detected | None:
    """A claim only where a header or all cells of a column are plainly addresses; else any table, without a claim."""
    if xlsx.find(export) is not None:
        found: list[Source] = [*table_source.sheets(export, head=True)]
        members = table_source.workbook_members(export, found)  # type: ignore[arg-type]
        if not found:
            return None
        score, reason = max(ip_table_roles.looks(source) for source in found[:20])
        return Detected(score=score, reasons=(reason,), members=members, document=True)
    best, reasons = 0, ""
    at: list[int] = []
    for member in export.members:
        if len(at) >= 200 or not _may_be(export, member):
            continue
        score, reason = ip_table_roles.NO_CLAIM, "a table"
        if ip_table_roles.may_hold_addresses(member.head()):
            source = TextTable(member, head=True, wants=ip_table_roles.names_an_address)
            score, reason = ip_table_roles.looks(source)
        if export.zipped and score < 50:
            continue
        if not member.base.lower().endswith(_TEXTS) and score < 50:
            score = 10
        at.append(member.index)
        if score > best:
            best, reasons = score, reason
    return Detected(score=best, reasons=(reasons,), members=tuple(at)) if at else None


def _may_be(export: Export, member: Member) -> bool:
    if export.zipped and not member.base.lower().endswith(_TEXTS):
        return False
    head = member.head(4096)
    return bool(head) and (b"\0" not in head or head[:2] in (b"\xff\xfe", b"\xfe\xff"))


def _has_all(one: Plan, cells: Sequence[str]) -> bool:
    """Whether a row has all columns that the mapping names, or as many as it numbers."""
    return (
        len(cells) > 1
        and not plan.places(one.columns, [unquoted(cell) for cell in cells])[1]
        and (max((plan.number(column) or 0) for column in one.columns.values()) < len(cells))
    )


def propose(export: Export, settings: Settings | None = None) -> list[Proposal]:
    """For each table its header, some rows and the roles that its names suggest: for asking a person."""
    detected = detect(export)
    if detected is None:
        return []
    stated = _stated(settings.mapping) if settings is not None and settings.mapping else None
    found = []
    for source in _sources(export, detected, None if stated is None else stated.plan):
        rows = ip_table_roles.first(source, ip_table_roles.LOOKED)
        if not rows:
            continue
        at = ip_table_roles.header_at(rows) or 0
        header, *below = [tuple(cell[:200] for cell in row.cells[:100]) for row in rows[at : at + 6]]
        found.append(
            Proposal(
                member=source.member.index,
                name=source.name,
                header=header,
                rows=tuple(below),
                roles=ip_table_roles.proposed(header),
                delimiter=source.delimiter if isinstance(source, TextTable) else None,
            )
        )
    return found


# --- a stated mapping -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A mapping, checked."""

    plan: Plan
    forms: tuple[str, ...]
    hours: str | None = None
    ip_role: str | None = None


def _stated(mapping: Mapping[str, str]) -> Stated:
    """InputRefused where the mapping names what there is not, or no column of addresses."""
    own = {key: mapping[key] for key in OWN_KEYS if mapping.get(key)}
    if own.get("hours") not in (None, "24", "12"):
        raise InputRefused("hours count to one of two", where="mapping, hours", expected="24 or 12")
    if own.get("ip_role") not in (None, *ip.ROLES):
        raise InputRefused(
            "there is no such role of an address", where="mapping, ip_role", expected=", ".join(ip.ROLES),
            found=show(own["ip_role"], 40),
        )  # fmt: skip
    rest = {key: value for key, value in mapping.items() if key not in OWN_KEYS and key != "profile"}
    made = plan.parse(rest, ROLES)
    if "ip" not in made.columns:
        raise InputRefused("the mapping names no column of addresses", where="mapping", expected="ip: …")
    forms: tuple[str, ...] = ("iso", "ctime", "named", "numeric")
    if made.time_format in _COUNTS:
        forms = (_COUNTS[made.time_format],)
    return Stated(plan=made, forms=forms, hours=own.get("hours"), ip_role=own.get("ip_role"))


def check(export: Export, settings: Settings) -> list[str]:
    """Columns that the mapping names and a table of the export does not have: for asking again before anything is
    derived. InputRefused where the mapping itself is off."""
    detected, one = detect(export), _stated(dict(settings.mapping or {}))
    if detected is None:
        return []
    missing: list[str] = []
    for source in _sources(export, detected, one.plan):
        columns = ByMapping(one, ip_table_roles.first(source, table_layout.LOOKED))
        missing += columns.missing
    return list(dict.fromkeys(missing))


class ByMapping(ByProfile):
    """The columns of one table as a person stated them, under the first row that has all their names."""

    def __init__(self, stated: Stated, rows: list[TableRow]) -> None:
        super().__init__(_profile(stated))
        self._stated, self._rows = stated, rows
        self.hours = stated.hours
        form = stated.plan.time_format
        self.pattern = None if form is None or form in _COUNTS else when.compile_format(form)
        self.missing: list[str] = []
        self._start = self._find()
        self.layout = None

    def again(self) -> ByMapping:
        """The same, before the first row."""
        return ByMapping(self._stated, self._rows)

    def _find(self) -> int | None:
        """Where the rows of data are from: the start of the header, or of the first row where there is none."""
        columns = self._stated.plan.columns
        numbered = all(plan.number(one) is not None for one in columns.values())
        if not self._stated.plan.header:
            self._layout = self._placed(None)
            return -1
        for row in self._rows:
            names = [unquoted(cell) for cell in row.cells]
            places, missing = plan.places(columns, names)
            if numbered and not missing:
                at = places["ip"]
                if at < len(names) and ip_table_roles.is_address(names[at]):
                    self._layout = self._placed(None)
                    return row.start - 1
                self._header = row
            elif not missing:
                self._layout = self._placed(names)
                return row.start
            elif not self.missing or len(missing) < len(self.missing):
                self.missing = missing
        if not self._rows:
            return None
        self.missing = self.missing or ["ip"]
        return None

    def _placed(self, header: list[str] | None) -> Layout:
        places, _ = plan.places(self._stated.plan.columns, header)
        roles = {at: role for role, at in places.items()}
        headers = {}
        names = header or []
        for at, role in roles.items():
            if at < len(names) and (minutes := table_layout.header_minutes(names[at])) is not None:
                headers[role] = minutes
        self.missing = []
        return Layout(max(len(names), max(roles) + 1), roles, names, headers)

    def header(self, row: TableRow) -> bool:
        """Whether the row stands above the data, or is the header itself."""
        if self._start is None or row.start <= self._start:
            return True
        self.layout = self._layout
        return False

    def close(self) -> None:
        """Tables of this kind do not end before their file does."""

    def meaning(self, clock: Clock) -> Meaning:
        """What all rows are."""
        return Meaning(clock=clock, ip_role=self._stated.ip_role)


def _profile(stated: Stated) -> Profile:
    return Profile(
        name="ip-table", version=1, title=READER.title, provider="", recorder=READER.recorder, engine="table",
        score=ip_table_roles.NO_CLAIM, sources=(), contains=(), never=(), forms=stated.forms, zone="unknown",
        zone_words="as the times, their column or its header say", columns=(),
    )  # fmt: skip


def _sources(export: Export, detected: Detected, one: Plan | None) -> Iterator[Source]:
    sheets: list[SheetTable] = table_source.sheets(export)
    for sheet in sheets:
        if one is None or one.sheet in (None, sheet.name.removeprefix("sheet ")):
            yield sheet
    if sheets or xlsx.find(export) is not None:
        return
    for at in detected.members:
        member = export.members[at]
        delimiter: csv_rows.Found | None = None
        wants: Callable[[Sequence[str]], bool] = ip_table_roles.names_an_address
        quoted = True
        if one is not None:
            if one.delimiter is not None:
                delimiter = (one.delimiter, "stated", ("by the mapping",))
            wants = functools.partial(_has_all, one)
            quoted = one.quoting != "none"
        yield TextTable(
            member,
            delimiter=delimiter,
            encoding=None if one is None else one.encoding,
            quoted=quoted,
            wants=wants,
        )


# --- reading ----------------------------------------------------------------------------------------------------


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Each row by the mapping; without one, or where it does not fit, each row as it stands (kind "unknown")."""
    stated = _stated(settings.mapping) if settings.mapping else None
    if stated is not None:
        mapping = tuple(f"{key}: {value}" for key, value in sorted((settings.mapping or {}).items()))
        yield Decided("mapping", "columns", "stated", mapping)
        if settings.time_zone is None and stated.plan.zone is not None:
            settings = Settings(
                time_zone=stated.plan.zone, date_order=settings.date_order, mapping=settings.mapping,
                not_after=settings.not_after,
            )  # fmt: skip
            times.zone(stated.plan.zone)
    done: set[int] = set()
    for source in _sources(export, detected, None if stated is None else stated.plan):
        done.add(source.member.index)
        if stated is None:
            yield from _as_it_stands(source, _open(source))
            continue
        columns = ByMapping(stated, ip_table_roles.first(source, table_layout.LOOKED))
        if columns.missing:
            reason = f"there is no one column {show(columns.missing[0], 100)}"
            yield Notice(
                "column_not_found", f"the mapping does not fit a table: {reason}", source.member.index
            )
            yield from _as_it_stands(
                source, [Decided("mapping", None, "open", (reason,), source.member.index)]
            )
            continue
        yield from Table(source, settings, columns).records()
    for at in detected.members:
        if at not in done:
            yield Range(
                at, 0, export.members[at].size, "metadata", None, "texts, or sheets that nobody named"
            )


def _open(source: Source) -> list[Decided]:
    rows = ip_table_roles.first(source, ip_table_roles.LOOKED)
    at = ip_table_roles.header_at(rows)
    reasons = ["nobody has said which column is what"]
    if at is not None:
        roles = ip_table_roles.proposed(rows[at].cells)
        reasons += [f"perhaps {role}: {show(name, 100)}" for role, name in sorted(roles.items())]
    return [Decided("mapping", None, "open", tuple(reasons), source.member.index)]


def _as_it_stands(source: Source, decided: list[Decided]) -> Iterator[Record]:
    yield from source.decided()
    yield from decided
    member, data, at = source.member.index, source.member.open(), 0
    for row in source.rows():
        at = row.end
        place = f"{source.name}, " if source.name else ""
        if isinstance(row, Beside):
            yield table_source.aside(source, row)
        elif not isinstance(row, TableRow):
            yield Notice(row.code, "bytes that were not read", member)
            yield Range(member, row.start, row.end, "unread", row.text)
        elif not any(row.cells):
            yield Range(member, row.start, row.end, "blank")
        else:
            yield Row(member, row.start, row.end, cut(data, row.start, row.end), "unknown", place + row.place)
    if at < source.member.size:
        yield Range(member, at, source.member.size, "syntax")


READER = RecordReader(
    name="ip-table",
    version=1,
    title="Table of addresses (CSV, XLSX), by a stated mapping",
    recorder="isp_return",
    zone="none, unless the times, their column or its header give an offset, or the mapping states a zone",
    detect=detect,
    read=read,
    contains=("whatever its columns hold, once somebody has said which is what",),
    never=(
        "proof of who wrote it: anybody can write a table",
        "the person: an address, even with its port and time, is a connection",
    ),
    asks=("mapping", "time_zone", "date_order"),
    flags={**found_row.FLAGS, **table_layout.ENGINE_FLAGS},
)
