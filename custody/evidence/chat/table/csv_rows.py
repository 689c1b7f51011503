"""Rows of a text table by their bytes: quoted line ends stay within a row; what is decided is decided by evidence."""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from custody.evidence.export import Bytes, pieces

WINDOW = 4 << 20
"""Bytes of the longest row; a quote that is not closed within so many is a character like any other."""
HEAD = 64 << 10
_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How the bytes are rows and cells. ``encoding`` None: not known, other bytes than ASCII show as ``\\x..``."""

    encoding: str | None
    delimiter: str | None
    quoted: bool = True
    bom: int = 0

    @property
    def wide(self) -> bool:
        """Whether characters take two bytes."""
        return self.encoding in ("utf-16-le", "utf-16-be")


class Row(NamedTuple):
    """A row: its bytes with its line end, its cells, its place for people and what was doubtful.

    ``serials``: indexes of cells that are numbers shown as dates (workbooks only).
    """

    start: int
    end: int
    cells: list[str]
    place: str
    flags: tuple[str, ...] = ()
    serials: frozenset[int] = frozenset()
    extra: dict[str, str] = {}  # noqa: RUF012 — a NamedTuple's default, never changed


class Unread(NamedTuple):
    """Bytes that are no row, with their text."""

    start: int
    end: int
    text: str
    code: str


_LINE_END = re.compile(r"\r\n|\n|\r")
_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'


@functools.cache
def _patterns(delimiter: str | None) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A row with quotes in it, line end included, and one cell of it.

    No group stands within a possessive part: the `re` of Python 3.11 and 3.12 may then fail or go wrong.
    """
    d = "" if delimiter is None else re.escape(delimiter)
    plain = rf"[^{d}\r\n]*+"
    cell = rf"(?:{_QUOTED}{plain}|{plain})"
    more = f"(?:{d}{cell})*+" if d else ""
    return (
        re.compile(rf"{cell}{more}(?:\r\n|\n|\r|\Z)"),
        re.compile(rf"(?P<quoted>{_QUOTED})(?P<behind>{plain})|(?P<cell>{plain})"),
    )


def rows(data: Bytes, dialect: Dialect, start: int, end: int) -> Iterator[Row | Unread]:
    """All rows from ``start`` to ``end``, empty ones too; what is longer than a window comes as Unread."""
    unit = dialect.encoding if dialect.wide and dialect.encoding else "latin-1"
    errors = "surrogatepass" if dialect.wide else "strict"
    number = 0
    at = start
    odd = (end - start) % 2 if dialect.wide else 0
    while at < end - odd:
        held = data.read(at, min(at + WINDOW, end - odd))
        if not held:
            return
        last = at + len(held) >= end - odd
        if dialect.wide and len(held) % 2:
            held = held[:-1]
        text = held.decode(unit, errors)
        place = 0
        while place < len(text):
            stop, bare = _end(text, place, dialect)
            row = text[place:bare]
            quoted = dialect.quoted and '"' in row
            cells = [*split(row, dialect)] if quoted else _cells(row, dialect.delimiter)
            torn = quoted and any(one.torn for one in cells)
            # "\r" may be half of a line end that the window cuts.
            cut = stop == len(text) and not last
            if (cut or (torn and not last)) and place > 0:
                break
            size = len(text[place:stop].encode(unit, errors)) if dialect.wide else stop - place
            number += 1
            if cut:
                yield Unread(at, at + size, _decode(row, dialect), "row_too_long")
            else:
                yield _row(cells, dialect, at, at + size, number)
            at += size
            place = stop
    if odd:
        yield Unread(
            end - odd, end, data.read(end - odd, end).decode("ascii", "backslashreplace"), "odd_byte"
        )


def _end(text: str, at: int, dialect: Dialect) -> tuple[int, int]:
    """Where the row that begins at ``at`` ends, with its line end and without."""
    line = _LINE_END.search(text, at)
    bare, stop = (len(text), len(text)) if line is None else line.span()
    if dialect.quoted and text.find('"', at, bare) >= 0:
        match = _patterns(dialect.delimiter)[0].match(text, at)
        assert match is not None  # plain cells match everywhere
        stop = match.end()
        bare = stop - (2 if match[0].endswith("\r\n") else 1 if match[0].endswith(("\n", "\r")) else 0)
    return stop, bare


class Cell(NamedTuple):
    """A cell, quotes taken off; what stands behind its closing quote; whether it has an opening quote alone."""

    text: str
    behind: str = ""
    torn: bool = False


def _cells(row: str, delimiter: str | None) -> list[Cell]:
    return [Cell(row)] if delimiter is None else [Cell(one) for one in row.split(delimiter)]


def _row(found: list[Cell], dialect: Dialect, start: int, end: int, number: int) -> Row:
    flags: set[str] = set()
    cells = []
    for cell in found:
        text = cell.text + cell.behind if cell.behind else cell.text
        if cell.behind:
            flags.add("text_behind_quote")
        if cell.torn:
            flags.add("quote_not_closed")
        if not text.isascii():
            raw, text = text, _decode(text, dialect)
            if dialect.encoding is None:
                flags.add("encoding_open")
            elif "\\x" in text and "\\x" not in raw:
                flags.add("encoding_lie")
        cells.append(text)
    return Row(start, end, cells, f"row {number}", tuple(sorted(flags)))


def split(row: str, dialect: Dialect) -> Iterator[Cell]:
    """The cells of a row with quotes in it."""
    _, pattern = _patterns(dialect.delimiter)
    at = 0
    while True:
        match = pattern.match(row, at)
        assert match is not None  # an empty cell matches everywhere
        if match["quoted"] is not None:
            yield Cell(match["quoted"][1:-1].replace('""', '"'), match["behind"])
        else:
            yield Cell(match["cell"], torn=match["cell"].startswith('"'))
        if match.end() >= len(row):
            return
        at = match.end() + 1  # behind the delimiter


def _decode(text: str, dialect: Dialect) -> str:
    if dialect.wide or text.isascii():
        return text
    raw = text.encode("latin-1")
    if dialect.encoding is None:
        return raw.decode("ascii", "backslashreplace")
    return raw.decode(dialect.encoding, "backslashreplace")


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# --- deciding -------------------------------------------------------------------------------------------

Found = tuple[str | None, str, tuple[str, ...]]
"""A value, its state and the reasons, as in `Decided`."""


def find_encoding(data: Bytes, stated: str | None) -> tuple[Found, int]:
    """The encoding and the length of the mark at the beginning."""
    head = data.read(0, 4)
    for mark, name in _MARKS:
        if head.startswith(mark) and not head.startswith(codecs.BOM_UTF32_LE):
            return (name, "decided", ("the byte order mark at the beginning",)), len(mark)
    if stated is not None:
        return (stated, "stated", ("by the mapping",)), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces(data, 0, data.size):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return (None, "open", ("no byte order mark, and the bytes are no UTF-8",)), 0
    return ("utf-8", "decided", ("all bytes are UTF-8",)), 0


@dataclass(slots=True)
class Trial:
    """What a delimiter makes of the first rows."""

    counts: list[int] = field(default_factory=list)
    header: list[str] = field(default_factory=list)

    @property
    def consistent(self) -> bool:
        """All rows have the same number of cells, and more than one."""
        return bool(self.counts) and min(self.counts) == max(self.counts) > 1


def find_delimiter(data: Bytes, dialect: Dialect, names: list[str]) -> Found:
    """The delimiter: the only one by which the first rows have the same number of cells, or the named columns."""
    trials: dict[str, Trial] = {}
    end = min(data.size, HEAD)
    for delimiter in ("\t", ",", ";", "|"):
        one = Dialect(encoding=dialect.encoding, delimiter=delimiter, quoted=dialect.quoted)
        trial = trials[delimiter] = Trial()
        for row in rows(data, one, dialect.bom, end):
            if isinstance(row, Unread) or (row.end >= end and end < data.size) or len(trial.counts) >= _ROWS:
                break
            if any(row.cells):
                trial.header = trial.header or [cell.strip() for cell in row.cells]
                trial.counts.append(len(row.cells))
    by_name = [
        one for one, trial in trials.items() if names and all(name.strip() in trial.header for name in names)
    ]
    if len(by_name) == 1:
        return by_name[0], "decided", ("the header has the named columns by it alone",)
    fitting = [one for one, trial in trials.items() if trial.consistent]
    if len(fitting) == 1:
        count = len(trials[fitting[0]].counts)
        state = "decided" if count > 2 else "inferred"
        return fitting[0], state, (f"the first {count} rows have the same number of cells by it alone",)
    return (
        None,
        "open",
        ("several delimiters fit" if fitting else "no delimiter gives rows of the same length",),
    )
