"""WARC files: what a crawler or a browser's extension captured from the web, record by record.

Plain, or packed with gzip record by record as the standard asks (ISO 28500, annex A), or packed in any other way: a
range of compressed bytes is a row's range. Every record's digests are checked. Nothing is fetched or rendered.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.export import Export, Member, cut
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader
from custody.evidence.web import values
from custody.evidence.web.header import Head, read_head
from custody.evidence.web.record import Content, facts, read_content, row_values
from custody.evidence.web.source import GZIP, Budget, Near, Plain, Search, Source, Unpacked, starts

MAX_MEMBERS = 10_000
_ENDINGS = (".warc", ".warc.gz")
_HEAD = 8192


def detect(export: Export) -> Detected | None:
    """By the first record, never by the name alone; in a zip, those of its files that are WARC files."""
    found = []
    for member in export.members[:MAX_MEMBERS]:
        if export.zipped and not member.name.lower().endswith(_ENDINGS):
            continue
        if starts(member.head(_HEAD)):
            found.append(member.index)
    if not found:
        return None
    return Detected(
        score=80 if export.zipped else 95,
        reasons=("begins with a WARC record",),
        members=tuple(found),
    )


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Rows of kind "page", one a record, in the order of the bytes."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for times without an offset",))
    for at in detected.members:
        member = export.members[at]
        yield from read_member(member, zone, f"{member.name}, " if export.zipped else "")


def read_member(
    member: Member, zone: ZoneInfo | None, prefix: str, flags: frozenset[str] = frozenset()
) -> Iterator[Record]:
    """The rows of one WARC file. ``prefix`` stands before each place; ``flags`` are those of the whole file."""
    yield from _Walk(member, zone, prefix, flags).records()


_Step = Generator[Record, None, int]
"""Records, and the place in the file where the next begin."""


class _Walk:
    def __init__(self, member: Member, zone: ZoneInfo | None, prefix: str, flags: frozenset[str]) -> None:
        self._data = Near(member.open())
        self._size = member.size
        self._at = member.index
        self._zone = zone
        self._prefix = prefix
        self._flags = flags
        self._budget = Budget()
        self._search = Search(self._data)
        self._number = 0
        self._lost = False
        self._open_zone = False

    def records(self) -> Iterator[Record]:
        at = 0
        while at < self._size:
            head = self._data.read(at, min(at + _HEAD, self._size))
            if not head:
                return  # fewer bytes than were promised: the account shows it
            blank = len(head) - len(head.lstrip(b"\r\n"))
            if blank:
                yield Range(self._at, at, at + blank, "blank")
                at += blank
            elif head.startswith(GZIP):
                at = yield from self._packed(at)
            else:
                at = yield from self._plain(at)

        if self._search.given_up:
            yield Notice("search_given_up", "too many places looked like a record and were none", self._at)

    # --- plain ----------------------------------------------------------------------------------------

    def _plain(self, at: int) -> _Step:
        source = Plain(self._data, at)
        head = read_head(source)
        if head is None:
            return (yield from self._unknown(at, at + 1, "not_a_record"))
        length = head.length
        if length is None:
            return (yield from self._unknown(at, source.used, "length_unusable", head))
        end = source.used + length
        ending, usual, plausible = self._ending(end)
        if not plausible:
            inside = self._search.next(source.used, min(end, self._size))
            if inside is not None:
                return (yield from self._unknown(at, source.used, "length_wrong", head, inside))
        content = read_content(source, head, length, self._spend)
        flags = set() if usual else {"row_truncated" if content.missing else "record_end_missing"}
        stop = min(end + ending, self._size)
        yield from self._row(at, stop, head, content, flags)
        return stop

    def _ending(self, at: int) -> tuple[int, bool, bool]:
        """Bytes of the line ends behind a block; whether they are the standard's; whether a record may end so."""
        if at > self._size:
            return 0, False, False
        behind = self._data.read(at, min(at + 256, self._size))
        if behind[:4] == b"\r\n\r\n":
            return 4, True, True
        bare = behind.lstrip(b"\r\n")
        length = len(behind) - len(bare)
        # others write one line end, none, or three; what follows must be a record or nothing
        next_one = self._data.read(at + length, min(at + length + _HEAD, self._size))
        return length, False, not bare or starts(next_one)

    # --- packed ---------------------------------------------------------------------------------------

    def _packed(self, at: int) -> _Step:
        source = Unpacked(self._data, at, self._budget)
        first = at
        several = False
        while True:
            head = read_head(source)
            if head is None:
                return (yield from self._packed_rest(first, source, several))
            length = head.length
            if length is None:
                return (yield from self._packed_rest(first, source, several, "length_unusable", head))
            content = read_content(source, head, length, self._spend)
            flags: set[str] = set()
            ending = source.peek(4)
            if ending != b"\r\n\r\n" and not content.missing:
                flags.add("record_end_missing")
                if content.record_within:
                    return (yield from self._packed_rest(first, source, several, "length_wrong", head))
            for _ in range(len(ending) - len(ending.lstrip(b"\r\n"))):
                source.take(1)
            more = source.peek(1)
            several = several or bool(more)
            if several:
                flags.add("not_record_wise")
            if content.missing:
                flags.add("row_truncated")
            flags |= _fault(source)
            if source.problem is None and not more:
                yield from self._row(first, source.used, head, content, flags)
                return source.used
            if source.problem is not None and not more:
                stop = self._search.next(max(first + 1, source.used), self._size) or self._size
                yield from self._row(first, stop, head, content, flags)
                self._lost = True
                return stop
            yield from self._row(first, source.used, head, content, flags)
            first = source.used

    def _packed_rest(
        self, at: int, source: Unpacked, several: bool, flag: str = "not_a_record", head: Head | None = None
    ) -> _Step:
        """What is left of a compressed piece and is no record: one unknown row, up to the piece's end."""
        while source.take(1 << 20):
            pass
        stop = source.used
        if source.problem is not None:
            stop = self._search.next(max(at + 1, source.used), self._size) or self._size
        flags = {flag, *_fault(source), *(("not_record_wise",) if several else ())}
        yield from self._unknown_row(at, stop, flags, head)
        return stop

    # --- rows -----------------------------------------------------------------------------------------

    def _spend(self, count: int) -> bool:
        return self._budget.spend(count, self._size)

    def _place(self) -> str:
        self._number += 1
        return f"{self._prefix}record {self._number}"

    def _row(self, at: int, stop: int, head: Head, content: Content, flags: set[str]) -> Iterator[Record]:
        moment, address = facts(head, self._zone)
        if moment is not None and "no_offset" in moment.flags and not self._open_zone:
            self._open_zone = True
            yield Decided(
                "zone", None, "open", ("a time has no offset, which the standard asks for",), self._at
            )
        flags |= head.flags | content.flags | self._flags
        found = row_values(head, content, flags)
        if "truncated" in found:
            flags.add("capture_truncated")
        if self._lost:
            flags.add("after_resync")
            self._lost = False
        yield Row(
            self._at,
            at,
            stop,
            cut(self._data, at, stop),
            "page",
            self._place(),
            moment,
            address=address,
            values=found,
            flags=tuple(sorted(flags)),
        )

    def _unknown(
        self, at: int, after: int, flag: str, head: Head | None = None, stop: int | None = None
    ) -> _Step:
        """A row of what can't be read, up to the next record or the end."""
        if stop is None:
            stop = self._search.next(after, self._size) or self._size
        yield from self._unknown_row(at, stop, {flag}, head)
        self._lost = True
        return stop

    def _unknown_row(self, at: int, stop: int, flags: set[str], head: Head | None) -> Iterator[Record]:
        moment = None if head is None else facts(head, self._zone)[0]
        flags |= self._flags
        if self._lost:
            flags.add("after_resync")
            self._lost = False
        if "unpacks_too_large" in flags:
            yield Notice("unpacks_too_large", values.FLAGS["unpacks_too_large"], self._at)
        yield Row(
            self._at,
            at,
            stop,
            cut(self._data, at, stop),
            "unknown",
            self._place(),
            moment,
            flags=tuple(sorted(flags)),
        )


def _fault(source: Source) -> set[str]:
    if source.problem is None:
        return set()
    return {
        {"damaged": "gzip_damaged", "cut_off": "row_truncated", "too_large": "unpacks_too_large"}[
            source.problem
        ]
    }


READER = RecordReader(
    name="warc",
    version=1,
    title="WARC, pages captured from the web (plain or gzip)",
    recorder="capture",
    zone="UTC, by the clock of the computer that captured",
    detect=detect,
    read=read,
    contains=(
        "each request and answer with its address, the time of capture, the server's IP address and status",
        "digests that the capture states about itself, each checked: passed, failed, or not checked with the reason",
        "what the capture says about the program that made it",
    ),
    never=(
        "what a visitor saw: scripts ran or did not run, and other visitors may have been shown another page",
        "proof that the server sent this: whoever makes a capture can write anything into it, digests included",
        "who uploaded what the page shows, unless the page says so",
    ),
    asks=("time_zone",),
    flags=values.FLAGS,
    shows_raw=False,
)
