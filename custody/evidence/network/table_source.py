"""Tables as rows with places, whatever they are written in: CSV and TSV, sheets of a workbook, tables of HTML.

One shape for all three, so that what a column means is decided in one place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from custody.evidence.chat import markup, pieces
from custody.evidence.chat.table import csv_rows, xlsx
from custody.evidence.chat.table.csv_rows import Dialect, Row, Unread
from custody.evidence.export import Bytes, Cut, Export, Member
from custody.evidence.reading import Decided, Range

HEAD = 64 << 10
"""Bytes in which a header is looked for when a format is told."""
STRINGS = 1 << 20
"""Bytes of a workbook's texts that are looked at then."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Bytes that are no row: what holds the table together, or text around it."""

    start: int
    end: int
    what: str
    text: str | None = None
    closes: bool = False
    """A table ends in it: what follows has another header."""


class Source:
    """A table of one member: its rows again and again, and what was decided about it.

    ``name``: of a sheet, for places; ``since_1904``: how a workbook's numbers are meant.
    """

    name = ""
    since_1904 = False

    def __init__(self, member: Member) -> None:
        self.member = member

    def decided(self) -> Iterator[Decided]:
        """What was decided about the writing."""
        return iter(())

    def rows(self) -> Iterator[Row | Unread | Beside]:
        """All of the member, in order."""
        raise NotImplementedError


class TextTable(Source):
    """CSV, TSV and the like. ``found``: encoding and delimiter with their reasons."""

    def __init__(
        self, member: Member, *, delimiter: csv_rows.Found | None = None, encoding: str | None = None,
        quoted: bool = True, head: bool = False, wants: Callable[[Sequence[str]], bool] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(member)
        whole = member.open()
        self._data: Bytes = Cut(whole, 0, min(HEAD, member.size)) if head else whole
        self.encoding, self.start = _mark(self._data) if head else csv_rows.find_encoding(whole, encoding)
        dialect = Dialect(encoding=self.encoding[0], delimiter=None, quoted=quoted, bom=self.start)
        self.delimiter = delimiter or _delimiter(self._data, dialect, wants)
        self.dialect = Dialect(
            encoding=self.encoding[0], delimiter=self.delimiter[0], quoted=quoted, bom=self.start
        )

    def decided(self) -> Iterator[Decided]:
        """Encoding and delimiter."""
        for what, found in (("encoding", self.encoding), ("delimiter", self.delimiter)):
            yield Decided(what, found[0], found[1], found[2], member=self.member.index)

    def rows(self) -> Iterator[Row | Unread | Beside]:
        """The rows, after the mark at the beginning."""
        if self.start:
            yield Beside(0, self.start, "syntax")
        yield from csv_rows.rows(self._data, self.dialect, self.start, self._data.size)


def _delimiter(
    data: Bytes, dialect: Dialect, wants: Callable[[Sequence[str]], bool] | None
) -> csv_rows.Found:
    """The only delimiter by which one of the first rows is the header that is wanted, whatever stands above it; else
    the only one by which all first rows have the same number of cells."""
    fitting = []
    for delimiter in ("\t", ",", ";", "|") if wants is not None else ():
        one = Dialect(encoding=dialect.encoding, delimiter=delimiter, quoted=dialect.quoted, bom=dialect.bom)
        rows = csv_rows.rows(data, one, dialect.bom, min(data.size, HEAD))
        if any(isinstance(row, Row) and wants(row.cells) for row in itertools.islice(rows, 100)):  # type: ignore[misc]
            fitting.append(delimiter)
    if len(fitting) == 1:
        return fitting[0], "decided", ("a header that names the columns stands there by it alone",)
    return csv_rows.find_delimiter(data, dialect, [])


def _mark(data: Bytes) -> tuple[csv_rows.Found, int]:
    """The encoding as far as the first bytes tell: for telling a format only."""
    found, size = csv_rows.find_encoding(Cut(data, 0, min(4, data.size)), None)
    return (found, size) if size else (("utf-8", "inferred", ()), 0)


class SheetTable(Source):
    """A sheet of a workbook."""

    def __init__(self, sheet: xlsx.Sheet, book: xlsx.Workbook, strings: xlsx.Strings) -> None:
        super().__init__(sheet.member)
        self.name = f"sheet {sheet.name}"
        self.since_1904 = book.since_1904
        self._sheet, self._book, self._strings = sheet, book, strings

    def rows(self) -> Iterator[Row | Unread | Beside]:
        """The rows, and the XML between them."""
        at = 0
        for row in xlsx.rows(self._sheet, self._book, self._strings):
            if row.start > at:
                yield Beside(at, row.start, "syntax")
            at = row.end
            yield row
        if at < self.member.size:
            yield Beside(at, self.member.size, "syntax")


class HtmlTable(Source):
    """The rows (`tr`) of all tables of an HTML page; text around them is kept as such."""

    def rows(self) -> Iterator[Row | Unread | Beside]:
        """Each `tr` as a row; a long one, or one with too much in it, is unread."""
        number = 0
        for piece in pieces.pieces(self.member, b"tr", lambda attributes: True):
            tree = markup.tree(piece.raw) if piece.block and piece.raw is not None else None
            if tree is not None:
                number += 1
                cells = [one.text() for one in tree.walk() if one.name in ("td", "th")]
                yield Row(
                    piece.start, piece.end, cells, f"row {number}", () if piece.whole else ("row_truncated",)
                )
            elif piece.block:
                text = "" if piece.raw is None else markup.plain(piece.raw)
                yield Unread(piece.start, piece.end, text[:HEAD], "row_too_long")
            else:
                text = "" if piece.raw is None else markup.plain(piece.raw)
                closes = piece.raw is None or b"</table" in piece.raw.lower()
                what = "metadata" if text else "syntax"
                yield Beside(piece.start, piece.end, what, text[:HEAD] or None, closes)


def sheets(export: Export, *, head: bool = False) -> list[SheetTable]:
    """The sheets of a workbook, in the order of their members; none where the export is no workbook."""
    named = xlsx.find(export)
    if named is None:
        return []
    book = xlsx.workbook(named)
    texts = book.strings
    if head and texts is not None and texts.size > STRINGS:
        held = Cut(texts.open(), 0, STRINGS)
        texts = Member(index=texts.index, name=texts.name, size=STRINGS, open=lambda: held)
    strings = xlsx.Strings(texts)
    return [SheetTable(one, book, strings) for one in sorted(book.sheets, key=lambda one: one.member.index)]


def workbook_members(export: Export, found: list[SheetTable]) -> tuple[int, ...]:
    """The members that a workbook's rows are read from: its sheets, and the texts that it keeps apart."""
    apart = {member.index for member in export.members if member.name == "xl/sharedStrings.xml"}
    return tuple(sorted({one.member.index for one in found} | apart))


def aside(source: Source, one: Beside) -> Range:
    """The range of bytes that are no row."""
    return Range(source.member.index, one.start, one.end, one.what, one.text)
