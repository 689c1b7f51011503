"""Rows of a workbook's sheets (XLSX) by their bytes in the sheet's XML. Nothing is calculated, nothing fetched.

The members of the workbook's zip are the export's members. A row's bytes are its ``row`` element; texts that the
writer keeps apart (sharedStrings.xml) are looked up there.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from custody.evidence.chat.table.csv_rows import Row, Unread
from custody.evidence.chat.xml_tags import Tag, Tags, text_of
from custody.evidence.export import Export, Member

WORKBOOK = "xl/workbook.xml"
MAX_CELLS = 16_384
MAX_VALUE = 1 << 20
MAX_ROW = 8 << 20
_PARTS = 100_000
_EACH = 64
_KEPT = 256
_ITEM = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,30}:)?si[\s/>]")
_CELL = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Number formats that every workbook has and that show dates or times (ECMA-376, 18.8.30)."""
_NOT_CODE = re.compile(r'"[^"]*+"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*+\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet: its name in the workbook and the member that holds it."""

    name: str
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """What is known of a workbook before its sheets are read."""

    sheets: tuple[Sheet, ...]
    strings: Member | None
    dates: frozenset[int]
    since_1904: bool


def find(export: Export) -> dict[str, Member] | None:
    """The members by their names, if they are those of a workbook."""
    if not export.zipped:
        return None
    named = {member.name: member for member in export.members}
    return named if WORKBOOK in named else None


def workbook(named: dict[str, Member]) -> Workbook:
    """The sheets in the workbook's order, and how its numbers are meant."""
    targets = {
        ident: target
        for tag in _all(named.get("xl/_rels/workbook.xml.rels"))
        if tag[0].name == "Relationship" and (ident := tag[1].get("Id")) and (target := tag[1].get("Target"))
    }
    sheets: list[Sheet] = []
    since_1904 = False
    for tag, values in _all(named.get(WORKBOOK)):
        if tag.name == "workbookPr":
            since_1904 = values.get("date1904", "0") in ("1", "true")
        elif tag.name == "sheet":
            ident = next((value for key, value in values.items() if key.rpartition(":")[2] == "id"), "")
            target = targets.get(ident, "")
            path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            if (member := named.get(path)) is not None and all(one.member != member for one in sheets):
                sheets.append(Sheet(name=values.get("name", ""), member=member))
    for name, member in named.items():  # a sheet that the workbook does not name is read too
        if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name) and all(one.member != member for one in sheets):
            sheets.append(Sheet(name=member.base, member=member))
    return Workbook(
        sheets=tuple(sheets),
        strings=named.get("xl/sharedStrings.xml"),
        dates=_date_styles(named.get("xl/styles.xml")),
        since_1904=since_1904,
    )


def _all(member: Member | None) -> Iterator[tuple[Tag, dict[str, str]]]:
    """Tags with their values, of a small file; of a large one the first."""
    if member is None:
        return
    tags = Tags(member.open())
    at = 0
    for _ in range(_PARTS):
        tag = tags.next(at)
        if tag is None:
            return
        at = tag.end
        if tag.kind in ("open", "empty", "close"):
            yield tag, {name: _value(tags, tag, name) or "" for name in tag.attributes}


def _value(tags: Tags, tag: Tag, name: str) -> str | None:
    one = tag.attributes.get(name)
    return None if one is None else text_of(tags.read(one.start, min(one.end, one.start + 4096))).text


def _date_styles(member: Member | None) -> frozenset[int]:
    """Indexes of cell styles that show a number as a date."""
    codes: dict[str, str] = {}
    found: set[int] = set()
    within, index = False, 0
    for tag, values in _all(member):
        if tag.name == "numFmt":
            codes[values.get("numFmtId", "")] = values.get("formatCode", "")
        elif tag.name == "cellXfs":
            within = tag.kind == "open"
        elif tag.name == "xf" and within and tag.kind != "close":
            ident = values.get("numFmtId", "")
            code = _NOT_CODE.sub("", codes.get(ident, ""))
            if re.search("[dmyhsDMYHS]", code) or (
                re.fullmatch("[0-9]{1,4}", ident) and int(ident) in _DATES
            ):
                found.add(index)
            index += 1
    return frozenset(found)


class Strings:
    """Texts that the workbook keeps apart: found again by their places, a few blocks held."""

    def __init__(self, member: Member | None) -> None:
        self._starts = array("Q")
        self.count = 0
        self._blocks: OrderedDict[int, list[str]] = OrderedDict()
        if member is None:
            return
        self._tags = Tags(member.open())
        data = member.open()
        at = 0
        while at < data.size and (held := data.read(at, min(at + (1 << 20), data.size))):
            for match in _ITEM.finditer(held):
                if self.count % _EACH == 0:
                    self._starts.append(at + match.start())
                self.count += 1
            # An item that the window cuts is whole in the next one: its tag is short, so is the overlap.
            step = len(held) if at + len(held) >= data.size else max(1, _last(held))
            at += step

    def get(self, index: int) -> str | None:
        """The text of that index, or None."""
        if index >= self.count:
            return None
        block = index // _EACH
        if block not in self._blocks:
            self._blocks[block] = self._read(self._starts[block])
            if len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(block)
        texts = self._blocks[block]
        return texts[index % _EACH] if index % _EACH < len(texts) else None

    def _read(self, at: int) -> list[str]:
        texts: list[str] = []
        room = MAX_VALUE
        while len(texts) < _EACH and (tag := self._tags.next(at)) is not None:
            at = tag.end
            if tag.name == "si" and tag.kind == "empty":
                texts.append("")
            elif tag.name == "si" and tag.kind == "open":
                text, at = rich_text(self._tags, at, "si", room)
                texts.append(text)
                room = max(4096, room - len(text))
        return texts


def _last(held: bytes) -> int:
    """Where the last "<" of a window stands, if its tag may go on behind the window; else the window's length."""
    last = held.rfind(b"<", max(0, len(held) - 40))
    return last if last >= 0 and _ITEM.match(held, last) is None else len(held)


def rich_text(tags: Tags, at: int, until: str, room: int = MAX_VALUE) -> tuple[str, int]:
    """The text of all ``t`` up to the end of ``until``, pronunciations left out; and where that ends."""
    texts: list[str] = []
    silent = 0
    while (tag := tags.next(at)) is not None:
        if tag.kind == "close" and tag.name == until:
            return "".join(texts), tag.end
        if tag.name in ("si", "row") or (tag.kind in ("open", "empty") and tag.name == "c"):
            return "".join(texts), tag.start
        if tag.name == "rPh":
            silent += 1 if tag.kind == "open" else -1 if tag.kind == "close" else 0
        at = tag.end
        if tag.kind == "open" and tag.name == "t" and silent <= 0:
            end = tags.find(b"<", at)
            end = tags.size if end < 0 else end
            piece = text_of(tags.read(at, min(end, at + room))).text
            room = max(0, room - len(piece))
            texts.append(piece)
            at = end
    return "".join(texts), tags.size


def rows(sheet: Sheet, book: Workbook, strings: Strings) -> Iterator[Row | Unread]:
    """The rows of a sheet, in order."""
    tags = Tags(sheet.member.open())
    at = 0
    while (tag := tags.next(at)) is not None:
        at = tag.end
        if tag.name == "row" and tag.kind in ("open", "empty"):
            row = _Row(tags, tag, book, strings).read()
            at = row.end
            yield row
        elif tag.kind in ("broken", "doctype", "cut"):
            yield from _unread(tags, tag)


def _unread(tags: Tags, tag: Tag) -> Iterator[Unread]:
    start = tag.start
    while start < tag.end:
        end = min(tag.end, start + (64 << 10))
        yield Unread(start, end, tags.read(start, end).decode("utf-8", "backslashreplace"), "unknown_element")
        start = end


class _Row:
    def __init__(self, tags: Tags, tag: Tag, book: Workbook, strings: Strings) -> None:
        self._tags = tags
        self._tag = tag
        self._book = book
        self._strings = strings
        self._cells: list[str] = []
        self._serials: set[int] = set()
        self._flags: set[str] = set()
        self._formulas: dict[str, str] = {}
        self._room = MAX_ROW

    def read(self) -> Row:
        number = _value(self._tags, self._tag, "r") or ""
        if (_value(self._tags, self._tag, "hidden") or "0") not in ("0", "false"):
            self._flags.add("hidden_row")
        end = self._tag.end
        if self._tag.kind == "open":
            end = self._inside(end)
        return Row(
            self._tag.start,
            end,
            self._cells,
            f"row {number}" if re.fullmatch("[0-9]{1,7}", number) else "row",
            tuple(sorted(self._flags)),
            frozenset(self._serials),
            self._formulas,
        )

    def _inside(self, at: int) -> int:
        while (tag := self._tags.next(at)) is not None:
            if tag.kind == "close" and tag.name == "row":
                return tag.end
            if tag.name == "row" or (tag.kind == "close" and tag.name == "sheetData"):
                self._flags.add("not_whole")
                return tag.start
            at = tag.end
            if tag.name == "c" and tag.kind in ("open", "empty"):
                at = self._cell(tag)
            elif tag.kind in ("broken", "cut"):
                self._flags.add("broken_tag")
        self._flags.add("not_whole")
        return self._tags.size

    def _cell(self, tag: Tag) -> int:
        place = _value(self._tags, tag, "r") or ""
        match = _CELL.fullmatch(place)
        column = len(self._cells) if match is None else _column(match[1])
        kind = _value(self._tags, tag, "t") or "n"
        style = _value(self._tags, tag, "s") or ""
        text, end = ("", tag.end) if tag.kind == "empty" else self._content(tag.end, kind, place)
        if not len(self._cells) <= column < MAX_CELLS:
            self._flags.add("cells_out_of_order")
            return end
        if self._room <= 0:
            self._flags.add("row_cut")
            return end
        self._room -= len(text)
        self._cells += [""] * (column - len(self._cells))
        self._cells.append(text)
        if kind == "n" and text and re.fullmatch("[0-9]{1,6}", style) and int(style) in self._book.dates:
            self._serials.add(column)
        if kind == "e":
            self._flags.add("cell_error")
        return end

    def _content(self, at: int, kind: str, place: str) -> tuple[str, int]:
        text = ""
        while (tag := self._tags.next(at)) is not None:
            if tag.kind == "close" and tag.name == "c":
                return text, tag.end
            if tag.name in ("row", "c"):
                self._flags.add("not_whole")
                return text, tag.start
            at = tag.end
            if tag.kind != "open":
                continue
            if tag.name == "is":
                text, at = rich_text(self._tags, at, "is")
            elif tag.name in ("v", "f"):
                end = self._tags.find(b"<", at)
                end = self._tags.size if end < 0 else end
                value = text_of(self._tags.read(at, min(end, at + MAX_VALUE))).text
                at = end
                if tag.name == "f":
                    self._flags.add("formula")
                    self._formulas[f"formula {place}"] = value[:8192]
                else:
                    text = self._shared(value) if kind == "s" else value
        return text, self._tags.size

    def _shared(self, value: str) -> str:
        found = self._strings.get(int(value)) if re.fullmatch("[0-9]{1,9}", value) else None
        if found is None:
            self._flags.add("text_not_found")
            return ""
        return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
