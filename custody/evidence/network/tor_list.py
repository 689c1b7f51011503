"""Lists of Tor exits as somebody saved them: ``exit-addresses``, and the bulk list with one address a line.

Entries of the first have a time, in UTC by the documents of the Tor project: when that exit was last seen to use the
address. Lines of the second have none; whoever saved it knows the day. `tor_match` holds records against them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from custody.evidence.chat.times import local_time
from custody.evidence.export import Cut, Export, Member, cut
from custody.evidence.instants import Instant
from custody.evidence.network.ip import seen_address
from custody.evidence.reading import Detected, Range, Settings
from custody.evidence.records.lines import lines
from custody.evidence.records.model import Record, Row
from custody.evidence.records.moments import moment
from custody.evidence.records.reader import RecordReader

LISTED_VALUES = ("fingerprint", "last_status", "list", "published")
"""Keys of a row of kind "listed". ``list``: exit-addresses or bulk; the times as written, in UTC."""

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_NODE = re.compile(r"ExitNode ([0-9A-Fa-f]{40})\s*")
_FACT = re.compile(rf"(Published|LastStatus) ({_TIME})\s*")
_ADDRESS = re.compile(rf"ExitAddress ([0-9A-Fa-f:.]{{2,45}}) ({_TIME})\s*")
_HEADER = re.compile(rf"@type tordnsel [0-9.]{{1,8}}\s*|Downloaded {_TIME}\s*|#.{{0,500}}", re.DOTALL)
_BULK = re.compile(r"\s*([0-9A-Fa-f:.]{2,45})\s*")
_NAMED = re.compile(r"tor.{0,20}(?:bulk|exit)|exit.?(?:list|addresses|nodes)", re.IGNORECASE)
_CLOCK = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")
_LONGEST_BLOCK = 16 << 10
_FACTS = {"Published": "published", "LastStatus": "last_status"}


def detect(export: Export) -> Detected | None:
    """Claims files of ExitNode blocks; lists of bare addresses only where the file's name says what they are."""
    if export.zipped:
        return None
    member = export.members[0]
    text = member.head().decode("utf-8", "replace").removeprefix("\ufeff")
    found = [line for line in text.split("\n") if line.strip() and not _HEADER.fullmatch(line)]
    if member.size > len(member.head()):
        found = found[:-1]
    if not found:
        return None
    if _NODE.fullmatch(found[0]) and any(_ADDRESS.fullmatch(line) for line in found):
        return Detected(score=95, reasons=("blocks of ExitNode and ExitAddress",))
    if all(_BULK.fullmatch(line) and seen_address(line.strip()).ip for line in found[:1000]):
        if _NAMED.search(export.name):
            return Detected(
                score=80, reasons=("one address a line, and the file is named as a list of Tor exits",)
            )
        return Detected(score=40, reasons=("one address a line; what list it is, only a person can say",))
    return None


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row for each address of each exit."""
    del settings
    for at in detected.members:
        yield from _List(export.members[at]).rows()


class _List:
    """Reads one file. A block's lines belong to the row of its first address."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._data = member.open()
        self._since: int | None = None  # where the lines of a block begin that are in no row yet
        self._at = 0
        self._values: dict[str, str] = {}

    def rows(self) -> Iterator[Record]:
        for number, (start, line) in enumerate(lines(self._member), 1):
            end = line.end if isinstance(line, Cut) else start + len(line)
            if isinstance(line, Cut):
                yield from self._left(start)
                yield Row(self._member.index, start, end, line, "unknown", number)
            else:
                text = line.decode("utf-8", "backslashreplace")
                yield from self._line(number, start, end, text.removeprefix("\ufeff") if start == 0 else text)
            self._at = end
        yield from self._left(self._at)

    def _line(self, number: int, start: int, end: int, text: str) -> Iterator[Record]:
        index = self._member.index
        match = _ADDRESS.fullmatch(text)
        if match is not None:
            first = start if self._since is None else self._since
            self._since = None
            yield Row(
                index, first, end, cut(self._data, first, end), "listed", number, _utc(match[2]),
                address=seen_address(match[1]), values={**self._values, "list": "exit-addresses"},
                flags=() if "fingerprint" in self._values else ("exit_unnamed",),
            )  # fmt: skip
            return
        node, fact = _NODE.fullmatch(text), _FACT.fullmatch(text)
        if node is not None:
            yield from self._left(start)
            self._since, self._values = start, {"fingerprint": node[1].upper()}
        elif fact is not None and self._since is not None and end - self._since <= _LONGEST_BLOCK:
            self._values[_FACTS[fact[1]]] = fact[2]
        else:
            yield from self._left(start)
            yield from self._other(number, start, end, text)

    def _other(self, number: int, start: int, end: int, text: str) -> Iterator[Record]:
        index = self._member.index
        self._values = {}
        bulk = _BULK.fullmatch(text)
        if not text.strip():
            yield Range(index, start, end, "blank")
        elif _HEADER.fullmatch(text):
            yield Range(index, start, end, "header", text.strip())
        elif bulk is not None and (address := seen_address(bulk[1])).ip is not None:
            raw = self._data.read(start, end)
            yield Row(
                index, start, end, raw, "listed", number, address=address, values={"list": "bulk"},
                flags=("list_day_unknown",),
            )  # fmt: skip
        else:
            yield Row(index, start, end, self._data.read(start, end), "unknown", number)

    def _left(self, until: int) -> Iterator[Record]:
        """The lines of a block that has no address."""
        if self._since is not None and self._since < until:
            raw = cut(self._data, self._since, until)
            yield Row(self._member.index, self._since, until, raw, "unknown", "an exit without an address")
        self._since = None


@functools.lru_cache(1 << 10)
def _utc(raw: str) -> Instant:
    match = _CLOCK.fullmatch(raw)
    try:
        local = None if match is None else local_time(*map(int, match.groups()))
    except ValueError:
        local = None
    return moment(raw, local, minutes=0, origin="provider_document")


READER = RecordReader(
    name="tor-exit-list",
    version=1,
    title="Lists of Tor exits (exit-addresses, bulk list)",
    recorder="public_list",
    zone="UTC, by the documents of the Tor project; the bulk list has no times",
    detect=detect,
    read=read,
    contains=(
        "addresses of Tor exits, with the time at which each was last seen",
        "fingerprints of the relays",
    ),
    never=(
        "that an address was no Tor exit: one that is not listed may have been one all the same",
        "who used Tor, or what for",
        "what was true on other days",
    ),
    flags={
        "exit_unnamed": "the address stands outside a block: which relay it belongs to is not known",
        "list_day_unknown": "the list has no times: when it was saved must be known from elsewhere",
    },
)
