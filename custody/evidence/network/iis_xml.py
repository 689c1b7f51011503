"""Web requests that Microsoft's IIS wrote as Windows events, exported as XML: one <Event> a request.

Events are cut out by their tags and their fields by name, without an XML parser: nothing is expanded or fetched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from custody.evidence.export import HELD, Cut, Export, Member
from custody.evidence.network import iis_fields, log_rows
from custody.evidence.network.log_rows import Seen
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Decided, Detected, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_BEGIN = re.compile(rb"<Event(?=[ \t\r\n>])")
_END = b"</Event>"
_DATA = re.compile(r"<Data Name=(?:\"([^\"<]{1,100})\"|'([^'<]{1,100})')[ \t]*>([^<]*+)</Data>")
_SYSTEM_TIME = re.compile(r"<TimeCreated[ \t]+SystemTime=(?:\"([^\"<]{1,64})\"|'([^'<]{1,64})')")
_PROVIDER = re.compile(r"<Provider[^>]{0,500}[ \t]Name=[\"']Microsoft-Windows-IIS-Logging[\"']")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")


def _understand(event: bytes, settings: Settings) -> Seen | None:
    text = event.decode("utf-8", "backslashreplace")
    if _PROVIDER.search(text) is None:
        return None
    column: dict[str, str] = {}
    for one, other, value in _DATA.findall(text):
        if (one or other) in column:
            return None  # a name that comes twice: which is the server's own can't be told
        column[one or other] = _REFERENCE.sub(lambda match: html.unescape(match[0]), value)
    if "c-ip" not in column:
        return None
    seen = iis_fields.seen(column, iis_fields.instant(column, None, log_rows.stated(settings)))
    written = _SYSTEM_TIME.search(text)
    if seen.values is not None and written is not None:
        raw = written[1] or written[2]
        details = {**seen.values.get("details", {}), "event_time": raw}
        if (instant := log_time(raw).instant) is not None:
            details["event_instant"] = instant
        seen.values["details"] = details
    return seen


def _detect(export: Export) -> Detected | None:
    members = []
    for member in export.members[: log_rows.LOOKED_AT if export.zipped else 1]:
        head = member.head()
        if _BEGIN.search(head) and _PROVIDER.search(head.decode("utf-8", "replace")):
            members.append(member.index)
    if not members:
        return None
    return Detected(score=95, reasons=("events of Microsoft-Windows-IIS-Logging",), members=tuple(members))


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    for at in detected.members:
        if settings.time_zone is not None:
            yield log_rows.zone_decided(settings, at, iis_fields.UTC_BY_DOCUMENTS)
        else:
            yield Decided("zone", "UTC", "inferred", (iis_fields.UTC_BY_DOCUMENTS,), at)
        yield from _member(export.members[at], settings)


def _member(member: Member, settings: Settings) -> Iterator[Record]:
    at = member.index
    number = 0
    for what, start, piece in _pieces(member):
        end = start + (piece.size if isinstance(piece, Cut) else len(piece))
        if what == "event":
            number += 1
            seen = None if isinstance(piece, Cut) else _understand(piece, settings)
            place = f"event {number}"
            if seen is None:
                yield Row(at, start, end, piece, "unknown", place, flags=("row_not_split",))
            else:
                assert isinstance(piece, bytes)
                yield log_rows.row(at, start, end, piece, number, seen)._replace(place=place)
        elif isinstance(piece, bytes) and not piece.strip():
            yield Range(at, start, end, "blank")
        else:
            shown = piece.read(0, 1000) if isinstance(piece, Cut) else piece[:1000]
            yield Range(at, start, end, what, shown.decode("utf-8", "backslashreplace"))


def _pieces(member: Member) -> Iterator[tuple[str, int, bytes | Cut]]:
    """("event", start, bytes) and what lies between events ("syntax"), in order; what is too long as a `Cut`.

    An event without an end goes up to where the next begins.
    """
    data = member.open()
    base = at = 0  # the offset of held[0], and the place in it up to which all has been given
    held = b""
    ended = False
    while True:
        found = _BEGIN.search(held, at)
        if found is not None:
            if found.start() > at:
                yield "syntax", base + at, held[at : found.start()]
                at = found.start()
            following = _BEGIN.search(held, found.end())
            until = len(held) if following is None else following.start()
            end = held.find(_END, found.end(), until) + len(_END)
            if end < len(_END) and following is not None:
                end = until  # it has no end: the next begins before
            if end >= len(_END):
                yield "event", base + at, held[at:end]
                at = end
                continue
        if ended:
            if at < len(held):
                yield ("syntax" if found is None else "event"), base + at, held[at:]
            return
        if len(held) - at > HELD:
            if found is None:
                end = len(held) - len(_END)  # a tag may lie across the end
                yield "syntax", base + at, held[at:end]
                at = end
            else:
                after = _next_event(member, base + len(held) - len(_END))
                yield "event", base + at, Cut(data, base + at, after)
                base, at, held = after, 0, b""
        piece = data.read(base + len(held), base + len(held) + HELD)
        ended = not piece
        base, at, held = base + at, 0, held[at:] + piece


def _next_event(member: Member, start: int) -> int:
    """The offset where an event ends or the next begins, from ``start`` on; the file's size where none does."""
    before = b""
    for offset, window in member.windows(start):
        held = before + window
        base = offset - len(before)
        ends = held.find(_END)
        begins = _BEGIN.search(held)
        places = [
            place
            for place in (ends + len(_END) if ends >= 0 else -1, begins.start() if begins else -1)
            if place >= 0
        ]
        if places:
            return base + min(places)
        before = held[-len(_END) :]
    return member.size


READER = RecordReader(
    name="iis-xml",
    version=1,
    title="web requests of Microsoft IIS as Windows events, in XML",
    recorder="server_log",
    zone="UTC by the form's own documents; a stated zone wins",
    detect=_detect,
    read=_read,
    contains=(
        "the client's address, the account of the web server's own log-in",
        "when, by the server's clock, and when Windows wrote the event",
        "method, path and query, the status, the browser's own name",
        "the address and port of the server that the client connected to",
    ),
    never=(
        "the offset from UTC of the request's time: that it is UTC is what the form's documents say",
        "who the person was: an address tells a connection",
        "the source port, unless the server was told to log it",
    ),
    asks=("time_zone",),
    flags={"no_address": "no address of a client is recorded in this line"},
)
