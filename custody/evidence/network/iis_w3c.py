"""Logs in the W3C extended form, as Microsoft's IIS writes them: what the columns are, the file says, and says anew.

``#Fields`` may change in the middle of a file. Rows without a date of their own are of the day of ``#Date``, which is
sure only until the clock passes midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.evidence.export import Export, Member
from custody.evidence.instants import Instant
from custody.evidence.network import iis_fields, log_rows
from custody.evidence.network.log_rows import Seen
from custody.evidence.reading import Decided, Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.moments import moment
from custody.evidence.records.reader import RecordReader

_FIELDS = re.compile(r"#Fields:[ \t]*(.*)")
_DATE = re.compile(
    r"#(?:Start-)?Date:[ \t]*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}:[0-9]{2}))?.*"
)
_LOCAL = re.compile(r"#Time Format:[ \t]*Local", re.I)
_MOST_COLUMNS = 200
_HALF_A_DAY = 12
_OF_A_WEB_SERVER = frozenset({"c-ip", "cs-method", "cs-uri-stem", "sc-status", "s-ip"})


class _Columns:
    """What the file has said so far of the rows that follow."""

    def __init__(self, settings: Settings) -> None:
        self.zone = log_rows.stated(settings)
        self.names: tuple[str, ...] = ()
        self.local = False
        self.day: str | None = None
        self._latest: int | None = None
        self._past_midnight = False

    def directive(self, text: str) -> str | None:
        """Take in a line that begins with ``#``; it is a header."""
        if not text.startswith("#"):
            return None
        if match := _FIELDS.fullmatch(text):
            names = tuple(match[1].split())
            self.names = names if len(names) <= _MOST_COLUMNS else ()
        elif match := _DATE.fullmatch(text):
            self.day = match[1]
            self._latest = int(match[2][:2]) if match[2] else None
            self._past_midnight = False
        elif _LOCAL.match(text):
            self.local = True
        return "header"

    def understand(self, text: str) -> Seen | None:
        """A row, by the columns that were named last."""
        words = text.split("\t" if "\t" in text else " ")
        if not self.names or len(words) != len(self.names):
            return None
        column: dict[str, str] = {}
        for name, word in zip(self.names, words, strict=True):
            column.setdefault(name, word)
        if not {"c-ip", "s-ip", "cs-username"} & column.keys():
            return None
        flags: tuple[str, ...] = ()
        when = iis_fields.instant(column, self.day, self.zone, local=self.local)
        if when is not None and column.get("date", "-") == "-":
            when, flags = self._of_header(when, column["time"])
        return iis_fields.seen(column, when, flags)

    def _of_header(self, when: Instant, time: str) -> tuple[Instant, tuple[str, ...]]:
        """The day was taken from the header: told, and given up once the clock has passed midnight."""
        if self.day is None:
            return moment(when.raw, None), ()
        hour = int(time[:2]) if time[:2].isascii() and time[:2].isdigit() else None
        if hour is not None:
            if self._latest is not None and hour + _HALF_A_DAY < self._latest:
                self._past_midnight = True
            self._latest = hour if self._latest is None else max(self._latest, hour)
        if self._past_midnight:
            return moment(when.raw, None, flags=("day_not_sure",)), ("day_from_header",)
        return when, ("day_from_header",)


def _detect(export: Export) -> Detected | None:
    members = []
    for member in export.members[: log_rows.LOOKED_AT if export.zipped else 1]:
        for text in log_rows.heads(member, 20):
            match = _FIELDS.fullmatch(text)
            if match is not None and len(_OF_A_WEB_SERVER & set(match[1].split())) >= 2:
                members.append(member.index)
                break
            if not text.startswith("#"):
                break
    if not members:
        return None
    return Detected(score=96, reasons=("#Fields names columns of a web server",), members=tuple(members))


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    for at in detected.members:
        yield from _member(export.members[at], settings)


def _member(member: Member, settings: Settings) -> Iterator[Record]:
    columns = _Columns(settings)
    local = any(_LOCAL.match(text) for text in log_rows.heads(member, 20))
    if settings.time_zone is not None or local:
        why = "the header says local time" if local else iis_fields.UTC_BY_DOCUMENTS
        yield log_rows.zone_decided(settings, member.index, why)
    else:
        yield Decided("zone", "UTC", "inferred", (iis_fields.UTC_BY_DOCUMENTS,), member.index)
    yield from log_rows.rows(member, columns.understand, columns.directive)


READER = RecordReader(
    name="iis-w3c",
    version=1,
    title="W3C extended log of a web server (Microsoft IIS, Amazon CloudFront)",
    recorder="server_log",
    zone="UTC by the form's own documents; a stated zone wins",
    detect=_detect,
    read=_read,
    contains=(
        "the client's address, and its source port where the server was told to log it (c-port)",
        "when, by the server's clock",
        "the account of the web server's own log-in",
        "method, path and query, the status, the browser's own name with + for blanks",
        "the address of the server that the client connected to",
    ),
    never=(
        "the offset from UTC: that the times are UTC is what the form's documents say",
        "who the person was: an address tells a connection",
        "the source port, unless the server was told to log it",
    ),
    asks=("time_zone",),
    flags={
        "day_from_header": "the row has no date; the day is that of the header #Date before it",
        "day_not_sure": "the clock passed midnight after the header #Date: which day it was is not sure, no instant",
        "no_address": "no address of a client is recorded in this line",
    },
)
