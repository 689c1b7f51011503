"""Which column of a table is what: by the header's names, never by fixed places (unless there is no header)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from custody.evidence.chat.table.csv_rows import Row
from custody.evidence.network.found_row import Found
from custody.evidence.network.ip import seen_address
from custody.evidence.network.profile import Profile, plain
from custody.evidence.network.written_times import minutes_of

LOOKED = 1000
"""Rows in which the header of a table is looked for."""
_UTC = re.compile(r"(?<![a-z])(utc|gmt)[ ]?([+-][0-9]{1,2}(?::?[0-9]{2})?)?(?![a-z0-9])", re.IGNORECASE)
_TIMES = frozenset({"time", "date", "clock", "time_end", "date_end", "clock_end", "port_time"})
_QUOTED = re.compile(r'="([^"]*+)"')
_ROW_FLAGS = {
    "encoding_open": "encoding_replaced",
    "encoding_lie": "encoding_replaced",
    "text_behind_quote": "row_not_split",
    "quote_not_closed": "row_not_split",
    "cells_out_of_order": "row_not_split",
    "broken_tag": "row_not_split",
    "not_whole": "row_truncated",
    "row_cut": "raw_cut",
}
"""What the readers of the bytes say, in the words that all records share."""
ENGINE_FLAGS: Mapping[str, str] = {
    "cell_error": "a cell holds an error of the spreadsheet in place of a value",
    "formula": "a cell is calculated: what is shown is what the spreadsheet last made of it",
    "hidden_row": "the row is hidden when the spreadsheet is opened",
    "text_not_found": "the cell points at a text that the workbook does not have",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one table. ``roles``: by their place; ``headers``: minutes that a time's header states."""

    width: int
    roles: Mapping[int, str]
    names: Sequence[str] = ()
    headers: Mapping[str, int] = field(default_factory=dict)

    def found(self, row: Row, *, workbook: bool) -> Found:
        """The texts of a row by their roles, all others by the names of their columns."""
        found = Found(headers=self.headers, flags={_ROW_FLAGS.get(flag, flag) for flag in row.flags})
        serials = set()
        for at, cell in enumerate(row.cells):
            text = unquoted(cell)
            role = self.roles.get(at)
            if role is not None and role not in found.roles:
                found.roles[role] = text
                if at in row.serials:
                    serials.add(role)
            elif role != "unused" and text.strip():
                found.beside(self.names[at] if at < len(self.names) else f"column {at + 1}", text)
        found.serials = frozenset(serials)
        for place, formula in list(row.extra.items())[:20]:
            found.beside(place, formula)
        if len(row.cells) > self.width and any(cell.strip() for cell in row.cells[self.width :]):
            found.flags.add("row_not_split")
        elif len(row.cells) < self.width and not workbook:
            found.flags.add("row_truncated")
        return found


def unquoted(cell: str) -> str:
    """The text of a cell that is written as ``="text"``, so that a spreadsheet leaves it alone."""
    if not cell.startswith('="'):
        return cell
    match = _QUOTED.fullmatch(cell)
    return cell if match is None else match[1]


def header_minutes(name: str) -> int | None:
    """Minutes east of UTC that a header states (``Time (UTC)``, ``UTC+02:00``). GMT alone is what Britons say in
    summer too, and states nothing."""
    if re.search(r"(?:not|non)[ -]?(?:in )?(?:utc|gmt)", name, re.IGNORECASE):
        return None
    match = _UTC.search(name.replace("_", " "))
    if match is None or (match[1].lower() == "gmt" and match[2] is None):
        return None
    return 0 if match[2] is None else minutes_of(f"UTC{match[2]}")


def fits(profile: Profile, cells: Sequence[str]) -> bool:
    """Whether a row is the header that the profile asks for."""
    names = {plain(unquoted(cell)) for cell in cells[:1000]}
    return bool(profile.required) and all(names & spellings for spellings in profile.required)


def has_address(where: Layout, cells: Sequence[str]) -> bool:
    """Whether an address stands in the column of addresses."""
    at = next((at for at, role in where.roles.items() if role == "ip"), None)
    return at is not None and at < len(cells) and seen_address(unquoted(cells[at])).ip is not None


def layout(profile: Profile, cells: Sequence[str]) -> Layout:
    """The columns under a header, each role once: the first of two that could have it."""
    roles: dict[int, str] = {}
    headers: dict[str, int] = {}
    for at, cell in enumerate(cells):
        name = plain(unquoted(cell))
        for column in profile.columns:
            if name in column.names and column.role not in roles.values():
                roles[at] = column.role
                minutes = header_minutes(cell) if column.role in _TIMES else None
                if minutes is not None:
                    headers[column.role] = minutes
                break
    return Layout(len(cells), roles, [unquoted(cell).strip() for cell in cells], headers)


def placed(profile: Profile) -> Layout:
    """The columns of a table without a header."""
    roles = {column.at: column.role for column in profile.columns if column.at is not None}
    return Layout(max(roles) + 1, roles)


def times_of(row: Row, where: Layout) -> list[str]:
    """The texts of a row that are times, for learning from all of them together; numbers of a workbook are none."""
    by_role = {
        role: unquoted(row.cells[at]).strip()
        for at, role in where.roles.items()
        if role in _TIMES and at < len(row.cells) and at not in row.serials
    }
    found = [text for role, text in by_role.items() if role in ("time", "time_end", "port_time") and text]
    for date, clock in (("date", "clock"), ("date_end", "clock_end")):
        text = f"{by_role.get(date, '')} {by_role.get(clock, '')}".strip()
        if by_role.get(date):
            found.append(text)
    return found
