"""Access logs of web servers: Apache and nginx in their common and combined forms, with what people put around them.

A million lines are ordinary, so lines of the usual form are read many at once: one pattern over some kilobytes, whose
matches are the lines if and only if there is one for each. All else goes line by line through `access_line`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate, chain, count, repeat
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.export import Cut, Export, Member
from custody.evidence.instants import Instant
from custody.evidence.network import access_line, log_rows
from custody.evidence.network.ip import Address, seen_address
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Detected, Notice, Range, Settings
from custody.evidence.records.lines import blocks
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

# Groups are single excluded characters, which the engine runs through fastest; they may therefore cross a line's
# end, and a match may take a quote for another's: _usual() accepts a block only where neither can have happened.
_START = r'^([^ ]+) - ([^ ]+) \[([^]]+)\] "([^"]*)" ([0-9]{3}) ([0-9]+|-)'
_COMBINED = re.compile(_START + r' "([^"]*)" "([^"]*)"\r?\n', re.MULTILINE)
_COMMON = re.compile(_START + r"()()\r?\n", re.MULTILINE)
_USUAL = (_COMBINED, _COMMON)
_ADDRESSES = 1 << 16
_TIMES = 1 << 9
"""So many are remembered: times come in order, and few things that are near are found faster than many."""
_WRITTEN = len("01/Jan/2026:10:00:59 +0000")
_SECONDS = frozenset(f"{second:02d}" for second in range(60))
_ZONE = "times of this log have no offset from UTC"


class _Addresses(dict[str, Address | None]):
    """Addresses by their text; None for what `access_line` must look at."""

    def __missing__(self, text: str) -> Address | None:
        if len(self) >= _ADDRESSES:
            self.clear()
        found = seen_address(text)
        self[text] = one = found if found.ip is not None else None
        return one


class _Times(dict[str, Instant | None]):
    """Instants by their text; None for what `access_line` must look at."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self.zone = zone
        self.open = False
        """Whether a time without an offset was seen."""
        self._minutes: dict[str, Instant] = {}

    def __missing__(self, text: str) -> Instant | None:
        if len(self) >= _TIMES:
            self.clear()
            self._minutes.clear()
        found = self._of_minute(text) if len(text) == _WRITTEN else None
        if found is None:
            found = log_time(text, self.zone)
            self.open |= log_rows.asks_zone(found)
        self[text] = one = None if found.precision is None else found
        return one

    def _of_minute(self, text: str) -> Instant | None:
        """``01/Jan/2026:10:00:59 +0000`` by its minute, since offsets are whole minutes: less work a line."""
        second = text[18:20]
        if second not in _SECONDS:
            return None
        written = text[:18] + "00" + text[20:]
        minute = self._minutes.get(written)
        if minute is None:
            self._minutes[written] = minute = log_time(written, self.zone)
        if minute.instant is None or minute.offset_origin != "in_value":
            return None
        return Instant(
            raw=text,
            instant=f"{minute.instant[:17]}{second}Z",
            precision="s",
            offset=minute.offset,
            offset_origin="in_value",
            flags=minute.flags,
            local=None if minute.local is None else minute.local[:17] + second,
        )


def _detect(export: Export) -> Detected | None:
    return log_rows.detected(export, _fits, "have an address, a time in brackets and a request")


def _fits(text: str) -> bool:
    seen = access_line.read_line(text, None)
    if (
        seen is None
        or seen.when is None
        or seen.when.precision is None
        or "request" not in (seen.values or ())
    ):
        return False
    return seen.address is not None or bool({"no_address", "address_ambiguous"} & set(seen.flags))


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    found = (_member(export.members[at], settings) for at in detected.members)
    return chain.from_iterable(chain.from_iterable(found))  # no step of Python's own for each row


def _member(member: Member, settings: Settings) -> Iterator[Iterable[Record]]:
    zone = log_rows.stated(settings)
    shape = _shape(member)
    if shape == access_line.PORT_BEHIND:
        yield [
            Notice("port_by_place", "a number behind the address was taken for its source port", member.index)
        ]
    times, addresses = _Times(zone), _Addresses()
    number = 1
    for start, block in blocks(member):
        if isinstance(block, Cut):
            end = start + block.size
            yield [Row(member.index, start, end, block, "unknown", number, flags=("row_not_split",))]
            number += 1
            continue
        if start == 0 and block.startswith(log_rows.BOM):
            yield [Range(member.index, 0, len(log_rows.BOM), "syntax")]
            start, block = len(log_rows.BOM), block[len(log_rows.BOM) :]
        lines = block.splitlines(keepends=True)
        found = _usual(block, len(lines)) if shape == access_line.PLAIN else None
        if found is None:
            lines = log_rows.split(block)
            yield _slowly(member.index, start, lines, number, shape, times)
        else:
            yield _quickly(member.index, start, lines, number, times, addresses, found)
        number += len(lines)
    if times.open:
        yield [log_rows.zone_decided(settings, member.index, _ZONE)]


def _shape(member: Member) -> str:
    """How most lines at the head begin."""
    shapes = Counter(shape for line in log_rows.heads(member) if (shape := access_line.shape_of(line)))
    return shapes.most_common(1)[0][0] if shapes else access_line.PLAIN


def _usual(block: bytes, count: int) -> list[tuple[str, ...]] | None:
    """The fields of the lines of a block, if each of its ``count`` lines is of one usual form.

    A match begins at a line's begin and ends with a line's end: with as many matches as lines, each is one line. A
    backslash before a quote, where a field could seem to end, is left to `access_line`.
    """
    if b'\\"' in block:
        return None
    text = block.decode("utf-8", "backslashreplace")
    for form in _USUAL:
        found: list[tuple[str, ...]] = form.findall(text)
        if len(found) == count:
            return found
    return None


class _Values(Mapping[str, Any]):
    """What a usual line says, taken apart when somebody asks: most who read a log ask for a few rows of it."""

    __slots__ = ("_fields", "_made")

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def _all(self) -> dict[str, Any]:
        try:
            return self._made
        except AttributeError:
            _, user, _, request, status, size, referer, agent = self._fields
            details = {
                "referer": referer if referer not in ("-", "") else None,
                "size": size if size != "-" else None,
            }
            values: dict[str, Any] = {
                "account": user if user != "-" else None,
                "details": {name: value for name, value in details.items() if value is not None} or None,
                "event": "request",
                "ip_role": "peer",
                "request": request if request not in ("-", "") else None,
                "status": status,
                "user_agent": agent if agent not in ("-", "") else None,
            }
            self._made: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
            return self._made

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


_as_row = partial(tuple.__new__, Row)
"""A Row as Row(...) makes it, of its fields in order, without the steps of that call: the bench's bar is here."""


def _quickly(
    at: int, start: int, lines: list[bytes], number: int,
    times: _Times, addresses: _Addresses, found: list[tuple[str, ...]],
) -> Iterable[Record]:  # fmt: skip
    hosts, _, written, *_ = zip(*found, strict=True)
    when = list(map(times.__getitem__, written))
    address = list(map(addresses.__getitem__, hosts))
    if None in when or None in address:
        return _one_by_one(at, start, lines, number, times, addresses, found)
    # All of it runs below Python's own steps.
    ends = list(accumulate(map(len, lines), initial=start))
    fields = zip(
        repeat(at), ends, ends[1:], lines, repeat("ip"), count(number), when, repeat(None), address, repeat(None),
        map(_Values, found), repeat(()),
    )  # fmt: skip
    rows: Iterable[Record] = map(_as_row, fields)
    return rows


def _one_by_one(
    at: int, start: int, lines: list[bytes], number: int,
    times: _Times, addresses: _Addresses, found: list[tuple[str, ...]],
) -> list[Record]:  # fmt: skip
    rows: list[Record] = []
    add = rows.append
    last, when = "", None
    for line, fields in zip(lines, found, strict=True):
        host, time = fields[0], fields[2]
        end = start + len(line)
        if time != last:
            last, when = time, times[time]
        address = addresses[host]
        if when is None or address is None:
            add(_one(at, start, line, number, access_line.PLAIN, times))
        else:
            add(Row(at, start, end, line, "ip", number, when, None, address, None, _Values(fields)))
        start = end
        number += 1
    return rows


def _slowly(
    at: int, start: int, lines: list[bytes], number: int, shape: str, times: _Times
) -> Iterator[Record]:
    for line in lines:
        if line.strip():
            yield _one(at, start, line, number, shape, times)
        else:
            yield Range(at, start, start + len(line), "blank")
        start += len(line)
        number += 1


def _one(at: int, start: int, line: bytes, number: int, shape: str, times: _Times) -> Row:
    seen = access_line.read_line(log_rows.text_of(line), times.zone, shape)
    times.open |= seen is not None and log_rows.asks_zone(seen.when)
    return log_rows.row(at, start, start + len(line), line, number, seen)


READER = RecordReader(
    name="access-log",
    version=1,
    title="access log of a web server (Apache, nginx, Traefik): common, combined, vhost_combined",
    recorder="server_log",
    zone="the offset in each line; lines without one: open",
    detect=_detect,
    read=_read,
    contains=(
        "who connected (address, and the source port where the server was told to log it)",
        "when, with the offset from UTC",
        "the request line, the status, the referring page and the browser's own name, as the client sent them",
        "the account of HTTP authentication",
        "what a forwarding header claimed, where it stands behind or before the usual fields",
    ),
    never=(
        "who the person was: an address tells a connection",
        "the source port, unless the server was told to log it",
        "what was sent or shown: only the first line of a request",
        "whether the address was replaced by the server (mod_remoteip, real_ip) before it was written",
    ),
    asks=("time_zone",),
    flags={
        "address_ambiguous": "two addresses stand before the time, and the line does not tell which is the client's",
        "client_may_be_header": (
            "Traefik writes here what a forwarding header claims, if one came: peer or claim can't be told"
        ),
        "no_address": "no address of a client is recorded in this line",
        "two_times": (
            "more than one time stands before the request, the last was taken; a user name may hold the others"
        ),
    },
)
