"""The first pass over a file: which layout its lines have, and what all of them together say about the dates.

Nothing is kept by line: counts, a few dates, the senders' names. Memory is bounded whatever the file holds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from custody.evidence.chat.whatsapp_text import calendars, headers
from custody.evidence.chat.whatsapp_text.headers import Layout
from custody.evidence.chat.whatsapp_text.source import Source
from custody.evidence.chat.whatsapp_text.stamps import ORDERS, digits_of, numbers
from custody.evidence.chat.whatsapp_text.words import KOREAN

_ENOUGH = 400
"""So many message lines show the layout: a file that was written at once has one."""
_DATES = 1 << 16
_NAMES = 1 << 16
"""Names beyond so many are not counted: no chat has so many people."""
LONGEST_NAME = 400
"""Bytes of a sender's name; what stands before a colon farther off is no name."""


@dataclass(slots=True, kw_only=True)
class Order:
    """What a reading of the dates meets. Dates are counted once for as long as they are remembered."""

    impossible: int = 0
    example: str = ""
    odd_year: int = 0
    back: int = 0
    latest: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True, kw_only=True)
class Name:
    """What stood before a first ``: ``. ``second``: what stood between it and the next, if always the same."""

    count: int
    second: bytes | None


@dataclass(slots=True, kw_only=True)
class Survey:
    """What one file shows. ``lines``: message lines; ``steps``: changes of the date from line to line."""

    layout: Layout
    inner_marks: bool
    lines: int = 0
    steps: int = 0
    orders: dict[str, Order] = field(default_factory=lambda: {name: Order() for name in ORDERS})
    years: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in ORDERS})
    names: dict[bytes, Name] = field(default_factory=dict)
    too_many_names: bool = False
    crlf: int = 0
    lf: int = 0
    not_utf8: bool = False
    korean: bool = False
    examples: dict[str, str] = field(default_factory=dict)


def find_layout(blocks: Callable[[], Iterator[tuple[bytes, bool]]]) -> tuple[Layout, bool] | None:
    """The layout of most message lines, the first where two are as many; and whether marks stand inside.

    None where no line begins as a message does.
    """
    for pattern in (headers.ANY, headers.ANY_BARE):
        counts: Counter[Layout] = Counter()
        marks: set[Layout] = set()
        for block, fresh in blocks():
            for found in pattern.finditer(block, 0 if fresh else 1):
                if _possible(found):
                    layout = headers.layout_of(found)
                    counts[layout] += 1
                    if headers.marked(found):
                        marks.add(layout)
                    if counts[layout] >= _ENOUGH:
                        return layout, layout in marks
        if counts:
            layout = max(counts, key=counts.__getitem__)
            return layout, layout in marks
    return None


def _possible(found: re.Match[bytes]) -> bool:
    first, second, third, hour, minute = numbers(found["stamp"])[:5]
    small = sorted((first, second, third))
    return small[0] <= 12 and small[1] <= 31 and hour <= 24 and minute <= 59


def survey(source: Source) -> Survey | None:
    """Read a file whole, for its facts; None where no line begins as a message does."""
    layout = find_layout(source.blocks)
    if layout is None:
        return None
    facts = Survey(layout=layout[0], inner_marks=layout[1])
    lines = headers.survey(facts.layout, facts.inner_marks)
    dates = _Dates(facts)
    for block, fresh in source.blocks():
        found = lines.findall(b"\n" + block if fresh else block)
        facts.lines += len(found)
        facts.lf += block.count(b"\n")
        if b"\r" in block:
            facts.crlf += block.count(b"\r\n")
        if not facts.not_utf8 and not block.isascii():
            facts.not_utf8 = not _is_utf8(block)
        if found:
            stamps, days, firsts, seconds = zip(*found, strict=True)
            dates.take(days)
            _count(facts, firsts, seconds)
            if facts.layout.before and not facts.korean:
                facts.korean = any(word.encode() in stamps[0] for word in KOREAN)
    return facts


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _count(facts: Survey, firsts: Sequence[bytes], seconds: Sequence[bytes]) -> None:
    names = facts.names
    for first, second in zip(firsts, seconds, strict=True):
        known = names.get(first)
        if known is not None:
            known.count += 1
            if known.second is not None and known.second != second:
                known.second = None
        elif first and len(first) <= LONGEST_NAME:
            if len(names) >= _NAMES:
                facts.too_many_names = True
                continue
            names[first] = Name(count=1, second=second if 0 < len(second) <= LONGEST_NAME else None)


class _Dates:
    """Takes the dates of a file's lines in their order."""

    def __init__(self, facts: Survey) -> None:
        self._facts = facts
        self._known: dict[bytes, tuple[int, ...]] = {}
        self._last: bytes | None = None
        self._previous: tuple[int, ...] | None = None
        self._orders = [(facts.orders[name], *ORDERS[name]) for name in ORDERS]

    def take(self, days: Sequence[bytes]) -> None:
        last = self._last
        for day in days:
            if day != last:
                self._step(day)
                last = day
        self._last = last

    def _step(self, day: bytes) -> None:
        values = self._known.get(day)
        if values is None:
            if len(self._known) >= _DATES:
                self._known.clear()
            values = self._known[day] = tuple(numbers(day)[:3])
            self._new(day, values)
        before = self._previous
        self._previous = values
        if before is None:
            return
        self._facts.steps += 1
        for order, year, month, at in self._orders:
            if (values[year], values[month], values[at]) < (before[year], before[month], before[at]):
                order.back += 1

    def _new(self, day: bytes, values: tuple[int, ...]) -> None:
        facts = self._facts
        text = day.decode()
        possible = [
            name
            for name, (_, month, at) in ORDERS.items()
            if 1 <= values[month] <= 12 and 1 <= values[at] <= 31
        ]
        for name, (year, month, at) in ORDERS.items():
            order = facts.orders[name]
            if name not in possible:
                # A date that is none in any order says nothing about theirs.
                if possible:
                    order.impossible += 1
                    order.example = order.example or text
                continue
            calendar = calendars.of_year(values[year], digits_of(facts.layout, name))
            facts.years[name][calendar or ""] += 1
            order.odd_year += calendar != calendars.GREGORIAN
            order.latest = max(order.latest, (values[year], values[month], values[at]))


_FILE_SIGNS = (b"-WA", b"-PHOTO-", b"-VIDEO-", b"-AUDIO-", b"-STICKER-", b"-GIF-")
_FILE_DATES = re.compile(
    rb"[^\n]*?(?:(?:IMG|VID|AUD|PTT|STK|GIF|DOC)-([0-9]{8})-WA[0-9]"
    rb"|[0-9]{8}-(?:PHOTO|VIDEO|AUDIO|GIF|STICKER)-([0-9]{4}-[0-9]{2}-[0-9]{2})-[0-9]{2}-[0-9]{2}-[0-9]{2})"
)


@dataclass(slots=True, kw_only=True)
class FileDates:
    """Messages whose attachment's name bears their own date in one reading only, by reading.

    ``strong``: names that bear the time to the second too (iPhones).
    """

    hits: Counter[str] = field(default_factory=Counter)
    strong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


def file_dates(source: Source, facts: Survey, orders: tuple[str, ...], calendar: str) -> FileDates:
    """What the names of attachments say about the order of the dates."""
    found = FileDates()
    start = headers.header(facts.layout, facts.inner_marks)
    for block, fresh in source.blocks():
        if not any(sign in block for sign in _FILE_SIGNS):
            continue
        data = b"\n" + block if fresh else block
        for line in start.finditer(data):
            named = _FILE_DATES.match(data, line.end())
            if named is None:
                continue
            stamp = (named[1] or named[2]).replace(b"-", b"").decode()
            values = numbers(line[2])
            same = [order for order in orders if _day(facts.layout, values, order, calendar) == stamp]
            if len(same) == 1:
                found.hits[same[0]] += 1
                found.strong[same[0]] += named[2] is not None
                found.examples.setdefault(same[0], f"{line[2].decode()} bears {stamp}")
    return found


def _day(layout: Layout, values: list[int], order: str, calendar: str) -> str | None:
    year, month, at = ORDERS[order]
    try:
        whole = calendars.whole_year(values[year], digits_of(layout, order), calendar)
        day = calendars.to_ours(calendar, whole, values[month], values[at])
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
