"""From a reader's rows to the written form `custody.rows/1`: JSON Lines, counted, covered, balanced.

The lines are RFC 8785 JSON each, in the order of the file; the first says what was read and how, the last holds
the account: rows = without flags + with flags + kept as they stand. Nothing here guesses, and nothing of the
machine or of now goes in: the same item, reader and settings give the same bytes; of a zip, where the other readers
are the same, which are told where they take what this one leaves.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, Generic, TypeVar

from custody.evidence.coverage import Covered
from custody.evidence.export import Cut, Export, pieces
from custody.evidence.instants import Instant
from custody.evidence.network.ip import TABLE_DATE, Address
from custody.evidence.reading import Detected, Notice, Settings
from custody.evidence.records.model import Row
from custody.evidence.records.reader import RecordReader
from custody.evidence.written import Written, accounts, mend, without_none
from custody.format import canonical

SCHEMA = "custody.rows/1"
MEDIA_TYPE = "application/vnd.custody.rows+jsonl;v=1"

LONGEST_RAW = 4096
"""Bytes of a row that are shown beside its values; its range has all."""
NEAR = 4096
"""A row's bytes are compared with so many rows before it."""
_ROW = "row"
_PORTLESS = frozenset({"server", "nat_internal"})
_SIMPLE = re.compile("[a-z][a-z_-]*")
_text = encode_basestring
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSummary:
    """What a reading counted: ``rows`` = ``plain`` + ``flagged`` + ``kept_raw``.

    ``covered``: accounts by member that was read; ``flags``: how many rows have each.
    """

    rows: int
    plain: int
    flagged: int
    kept_raw: int
    kinds: Mapping[str, int]
    flags: Mapping[str, int]
    unread: int
    covered: Mapping[int, Covered]
    notices: Mapping[str, int]
    open_questions: tuple[str, ...]
    first_time: str | None
    last_time: str | None

    @property
    def whole(self) -> bool:
        """True when every byte of every file that was read has a name."""
        return all(one.whole for one in self.covered.values())


class Recorded(Written):
    """One reading. Iterate `lines` to its end, then ask for the `summary`."""

    def __init__(
        self,
        export: Export,
        reader: RecordReader,
        detected: Detected,
        settings: Settings,
        *,
        item: str,
        beside: Sequence[Notice] = (),
    ) -> None:
        """``beside``: what is to be known of files of the export that this reader does not read."""
        super().__init__(export, reader, detected, settings, item=item)
        self._reader = reader
        self._told_beside = beside
        self._rows = self._plain = self._kept_raw = 0
        self._kinds: Counter[str] = Counter()
        self._flags: Counter[tuple[str, ...]] = Counter()
        self._first: str | None = None
        self._last: str | None = None
        self._before: dict[int, str] = {}
        self._near: set[bytes] = set()
        self._nearby: deque[bytes] = deque()

    def _records(self) -> Iterator[bytes]:
        for record in self._reader.read(self._export, self._detected, self._settings):
            if type(record) is Row:
                gap = self._coverage[record.member].claim(record.start, record.end, _ROW)
                if gap is not None:
                    yield from self._uncovered(record.member, gap)
                yield self._row(record)
            else:
                yield from self._beside(record)

    def _after(self) -> Iterator[bytes]:
        for notice in self._told_beside:
            yield from self._notice(notice)

    @property
    def summary(self) -> RecordsSummary:
        """The counts, after the last line."""
        return RecordsSummary(
            rows=self._rows,
            plain=self._plain,
            flagged=self._rows - self._plain - self._kept_raw,
            kept_raw=self._kept_raw,
            kinds=dict(sorted(self._kinds.items())),
            flags=dict(sorted(self._each_flag().items())),
            unread=self._unread,
            covered=self._covered(),
            notices=dict(sorted(self._notices.items())),
            open_questions=tuple(dict.fromkeys(self._open)),
            first_time=self._first,
            last_time=self._last,
        )

    def _beginning(self) -> dict[str, Any]:
        return self._import(SCHEMA, {}, recorder=self._reader.recorder, ip_table_date=TABLE_DATE)

    def _row(self, row: Row) -> bytes:
        more: list[str] = []
        digest, raw = _digest(row.raw)
        fields: dict[str, str] = {
            "kind": f'"{row.kind}"',
            "number": str(self._rows + 1),
            "record": '"row"',
            "source": f'{{"end":{row.end},"member":{row.member},"sha256":"{digest.hex()}","start":{row.start}}}',
        }
        if row.place is not None:
            fields["place"] = f'"line {row.place}"' if type(row.place) is int else _quoted(str(row.place))
        if self._reader.shows_raw:
            fields["raw"] = self._raw(raw, row.end - row.start, more)
        if digest in self._near:
            more.append("duplicate_row")
        else:
            self._near.add(digest)
            self._nearby.append(digest)
            if len(self._nearby) > NEAR:
                self._near.discard(self._nearby.popleft())
        values = row.values
        when, until, address = row.when, row.until, row.address
        if when is not None:
            fields.update(_WHEN.of(when))
            if when.instant is not None:
                self._time(row, when.instant, more)
        if until is not None:
            fields.update(_UNTIL.of(until))
            if _before(until, when):
                more.append("time_end_before_start")
        if address is not None:
            fields.update(_ADDRESS.of(address))
        if row.kind == "ip" and values.get("port") is None and values.get("port_range") is None:
            if address is not None and address.port is not None:
                fields["port"] = str(address.port)
            elif values.get("ip_role") not in _PORTLESS:
                more.append("no_source_port")
        if row.dest is not None:
            fields.update(_DEST.of(row.dest))
        for name, value in values.items():
            if value is not None:
                fields[name] = _text(value) if type(value) is str and value.isascii() else _value(value)
        flags, written = _all_flags(
            row.flags,
            () if when is None else when.flags,
            () if until is None else until.flags,
            () if address is None else address.flags,
            tuple(more),
        )
        if flags:
            fields["flags"] = written
        pattern, in_order = _order(tuple(fields))
        line: bytes = (pattern % in_order(fields)).encode()
        # Counted only now: a row that can't be written is none, and the balance is of the rows that are there.
        self._rows += 1
        self._kinds[row.kind] += 1
        if row.kind == "unknown":
            self._kept_raw += 1
        elif not flags:
            self._plain += 1
        if flags:
            self._flags[flags] += 1
        return line

    def _raw(self, raw: bytes, size: int, more: list[str]) -> str:
        if size > len(raw):
            more.append("raw_cut")
            raw = raw[: len(raw) - _begun(raw)]
        text = raw.rstrip(b"\r\n")
        try:
            return _text(text.decode())
        except UnicodeDecodeError:
            more.append("encoding_replaced")
            return _text(text.decode("utf-8", "backslashreplace"))

    def _each_flag(self) -> Counter[str]:
        each: Counter[str] = Counter()
        for flags, count in self._flags.items():
            for flag in flags:
                each[flag] += count
        return each

    def _time(self, row: Row, instant: str, more: list[str]) -> None:
        # without Z: a second with decimals is behind the same second without
        bare = instant.rstrip("Z")
        if self._first is None or bare < self._first.rstrip("Z"):
            self._first = instant
        if self._last is None or bare > self._last.rstrip("Z"):
            self._last = instant
        if self._reader.ordered:
            before = self._before.get(row.member)
            if before is not None and instant[:19] < before[:19]:
                more.append("time_goes_backwards")
            self._before[row.member] = instant

    def _account(self) -> dict[str, Any]:
        summary = self.summary
        return without_none(
            {
                "record": "account",
                "rows": summary.rows,
                "plain": summary.plain,
                "flagged": summary.flagged,
                "kept_raw": summary.kept_raw,
                "kinds": dict(summary.kinds),
                "flags": dict(summary.flags),
                "unread": summary.unread,
                "members": accounts(summary.covered),
                "notices": dict(summary.notices),
                "open": list(summary.open_questions),
                "first_time": summary.first_time,
                "last_time": summary.last_time,
            }
        )


def _digest(raw: bytes | Cut) -> tuple[bytes, bytes]:
    """SHA-256 of a row's bytes, and as many of them as are shown."""
    if isinstance(raw, bytes):
        return hashlib.sha256(raw).digest(), raw[:LONGEST_RAW]
    hashed = hashlib.sha256()
    for piece in pieces(raw, 0, raw.size):
        hashed.update(piece)
    return hashed.digest(), raw.read(0, LONGEST_RAW)


def _begun(raw: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character that is not whole."""
    for count in range(1, min(4, len(raw)) + 1):
        byte = raw[-count]
        if byte & 0xC0 != 0x80:
            return count if byte >= 0xC0 and count < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
    return 0


def _before(end: Instant, start: Instant | None) -> bool:
    """Only where both are known; whole seconds are compared, so that precisions may differ."""
    if start is None or end.instant is None or start.instant is None:
        return False
    return end.instant[:19] < start.instant[:19]


def _instant(when: Instant) -> dict[str, str]:
    return _encoded(
        {
            "time_raw": when.raw,
            "instant": when.instant,
            "local": when.local,
            "readings": list(when.readings) or None,
            "precision": when.precision,
            "offset": when.offset,
            "offset_origin": when.offset_origin,
        }
    )


def _end(until: Instant) -> dict[str, str]:
    return _encoded({"time_end_raw": until.raw, "instant_end": until.instant, "local_end": until.local})


def _address(address: Address) -> dict[str, str]:
    embedded = address.embedded
    return _encoded(
        {
            "ip_raw": address.raw,
            "ip": address.ip,
            "ip_version": address.version,
            "ip_class": address.kind,
            "ip_embedded": None if embedded is None else {"ip": embedded[0], "ip_class": embedded[1]},
        }
    )


def _destination(address: Address) -> dict[str, str]:
    return _encoded(
        {
            "dest_ip_raw": address.raw,
            "dest_ip": address.ip,
            "dest_ip_class": address.kind,
            "dest_flags": list(address.flags) or None,
        }
    )


def _encoded(values: dict[str, Any]) -> dict[str, str]:
    return {name: _value(value) for name, value in values.items() if value is not None}


class _Remembered(Generic[T]):
    """What is written of an object, by the object itself: readers give the same one again and again.

    The object is held, so that its number is nobody else's; all are forgotten when there are many.
    """

    def __init__(self, made: Callable[[T], dict[str, str]], most: int) -> None:
        self._made = made
        self._most = most
        self._held: dict[int, tuple[T, dict[str, str]]] = {}

    def of(self, one: T) -> dict[str, str]:
        """The fields of the object, encoded."""
        held = self._held.get(id(one))
        if held is not None:
            return held[1]
        if len(self._held) >= self._most:
            self._held.clear()
        fields = self._made(one)
        self._held[id(one)] = (one, fields)
        return fields


_WHEN = _Remembered(_instant, 1 << 10)
_UNTIL = _Remembered(_end, 1 << 10)
_ADDRESS = _Remembered(_address, 1 << 14)
_DEST = _Remembered(_destination, 1 << 12)


@functools.lru_cache(1 << 10)
def _all_flags(*among: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """All flags, each once and in order, and how they are written."""
    flags = tuple(sorted({flag for some in among for flag in some}))
    return flags, canonical.encode(list(flags), where="flags").decode()


@functools.lru_cache(1 << 10)
def _order(names: tuple[str, ...]) -> tuple[str, Callable[[dict[str, str]], tuple[str, ...]]]:
    """The line of a row that has these fields, with places for them, and what takes them out in that order."""
    in_order = sorted(names)
    pattern = "{" + ",".join(f'"{name}":%s' for name in in_order) + "}\n"
    return pattern, operator.itemgetter(*in_order)


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if (
        kind is dict
        and all(type(one) is str and one.isascii() for one in value.values())
        and _simple(tuple(value))
    ):
        # As the canonical encoder writes it, without its steps.
        return "{" + ",".join([f'"{name}":{_text(value[name])}' for name in sorted(value)]) + "}"
    return canonical.encode(mend(value), where="row").decode()


@functools.lru_cache(1 << 10)
def _simple(names: tuple[object, ...]) -> bool:
    return all(type(name) is str and _SIMPLE.fullmatch(name) for name in names)


def _quoted(text: str) -> str:
    if text.isascii():
        return _text(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = mend(text)
    return _text(text)
