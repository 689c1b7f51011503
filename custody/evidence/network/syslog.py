"""System logs line by line: sshd's auth.log, mail servers, packet filters, routers, WireGuard; in all forms of syslog.

A line is a row. Where the words of its program are known, the row is of kind "ip"; every other line is kept as it
stands (kind "unknown", with its time), and flagged where something in it looks like an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.export import Cut, Export, Member
from custody.evidence.network import syslog_heads, syslog_sentences
from custody.evidence.network.said import known
from custody.evidence.network.syslog_heads import Head
from custody.evidence.reading import Decided, Detected, Range, Settings
from custody.evidence.records.lines import lines
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_NAME = re.compile(
    r"(?:.*\.log(?:\.[0-9]{1,8}|-[0-9]{8})?|(?:auth|syslog|secure|messages|maillog|kern|daemon)(?:[.-][0-9]{1,8})?)",
    re.IGNORECASE | re.DOTALL,
)
_WEB = frozenset({"haproxy", "nginx", "apache", "apache2", "httpd", "traefik", "caddy", "varnishncsa"})
_JOURNAL = re.compile(r"-- (?:Logs begin|Journal begins|No entries|Boot|Reboot)\b[^\n]{0,200}")
_LOOKED_AT = 200
_ASKED = {
    "zone": "a time such as 'Feb 12 14:10:21' or '2024-02-12T14:10:21' has no offset",
    "year": "a time such as 'Feb 12 14:10:21' has no year",
}


@dataclass(slots=True)
class _Looked:
    """What the first lines of a file showed."""

    lines: int = 0
    heads: int = 0
    known: int = 0
    web: int = 0
    forms: set[str] = field(default_factory=set)

    @property
    def is_syslog(self) -> bool:
        return self.heads > 0 and self.heads * 10 >= self.lines * 7 and self.web * 2 < self.heads


def _look(member: Member) -> _Looked:
    head = member.head()
    found = _Looked()
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    whole = text.split("\n")
    if member.size > len(head):
        whole = whole[:-1]
    for line in whole[:_LOOKED_AT]:
        bare = line.rstrip("\r")
        if not bare.strip() or _JOURNAL.fullmatch(bare):
            continue
        found.lines += 1
        one = syslog_heads.head(bare)
        if one is None or (one.form != "rfc5424" and one.program is None and " " not in one.message):
            continue
        found.heads += 1
        found.forms.add(one.form)
        found.web += (one.program or "").lower() in _WEB
        found.known += syslog_sentences.said(one.program, one.message) is not None
    return found


def detect(export: Export) -> Detected | None:
    """Claims files most of whose lines begin as syslog does; surely where known sentences are in them."""
    members = (
        [member for member in export.members if _NAME.fullmatch(member.base)]
        if export.zipped
        else list(export.members[:1])
    )
    looked = [(member, found) for member in members if (found := _look(member)).is_syslog]
    if not looked:
        return None
    sure = sum(found.known for _, found in looked)
    forms = sorted({form for _, found in looked for form in found.forms})
    reasons = [
        f"{sum(found.heads for _, found in looked)} of the first {sum(found.lines for _, found in looked)} lines "
        f"begin as syslog lines do ({', '.join(forms)})"
    ]
    if sure:
        reasons.append(f"{sure} of them are sentences of known programs that name an address")
    score = 90 if sure else 55
    return Detected(
        score=score - 20 if export.zipped and sure else score,
        reasons=tuple(reasons),
        members=tuple(member.index for member, _ in looked),
    )


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row a line, in the order of the file."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for times that have a year and no offset",))
    if settings.year is not None:
        yield Decided("year", str(settings.year), "stated", ("of the first line that has none",))
    for at in detected.members:
        yield from _member(export.members[at], zone, settings.year)


def _member(member: Member, zone: ZoneInfo | None, year: int | None) -> Iterator[Record]:
    years = syslog_heads.Years(year)
    asked: set[str] = set()
    form: str | None = None
    at = 0
    for number, (start, line) in enumerate(lines(member), 1):
        if isinstance(line, Cut):
            at = line.end
            yield Row(member.index, start, at, line, "unknown", number)
            continue
        at = start + len(line)
        if start == 0 and line.startswith(b"\xef\xbb\xbf"):
            yield Range(member.index, 0, 3, "syntax")
            start, line = 3, line[3:]
        if not line.strip():
            yield Range(member.index, start, at, "blank")
            continue
        text = line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        if _JOURNAL.fullmatch(text):
            yield Range(member.index, start, at, "header", text)
            continue
        head = syslog_heads.head(text)
        if head is None:
            yield _unknown(member, start, line, number, text)
            continue
        mixed = () if form in (None, head.form) else ("format_mixed",)
        form = head.form
        year = None if head.time is None else years.of(head.time)
        row = _row(member, start, line, number, head, (zone, year), mixed)
        for what in _questions(row, zone):
            if what not in asked:
                asked.add(what)
                yield Decided(what, None, "open", (_ASKED[what],), member.index)
        yield row


def _questions(row: Row, zone: ZoneInfo | None) -> Iterator[str]:
    flags = () if row.when is None else row.when.flags
    if "no_offset" in flags and zone is None:
        yield "zone"
    if "no_year" in flags:
        yield "year"


def _unknown(member: Member, start: int, line: bytes, number: int, text: str) -> Row:
    flags = _doubts(text)
    return Row(member.index, start, start + len(line), line, "unknown", number, flags=flags)


def _row(
    member: Member,
    start: int,
    line: bytes,
    number: int,
    head: Head,
    stated: tuple[ZoneInfo | None, int | None],
    flags: tuple[str, ...],
) -> Row:
    when = None
    if head.time is not None:
        when, more = syslog_heads.instant(head.time, *stated)
        flags += more
    end = start + len(line)
    said = syslog_sentences.said(head.program, head.message)
    if said is None:
        flags += _doubts(head.message)
        return Row(member.index, start, end, line, "unknown", number, when, flags=flags)
    if syslog_sentences.holds_secret(head.message):
        flags += ("password_in_line",)
    details = {
        **(said.values.get("details") or {}),
        **known({"pid": head.pid, "priority": head.priority, "structured_data": head.data}),
    }
    values = known({**said.values, "host": head.host, "program": head.program, "details": details or None})
    return Row(
        member.index,
        start,
        end,
        line,
        "ip",
        number,
        when,
        None,
        said.address,
        said.dest,
        values,
        flags + said.flags,
    )


def _doubts(message: str) -> tuple[str, ...]:
    found = []
    if syslog_sentences.holds_address(message):
        found.append("address_not_read")
    if syslog_sentences.holds_secret(message):
        found.append("password_in_line")
    if syslog_sentences.repeats(message):
        found.append("repeats_row_before")
    return tuple(found)


READER = RecordReader(
    name="syslog",
    version=1,
    title="System logs: sshd, mail servers, packet filters, routers, WireGuard (syslog)",
    recorder="server_log",
    zone="RFC 5424 and ISO lines: the offset in each; classic lines: the machine's own zone, and no year",
    detect=detect,
    read=read,
    contains=(
        "logins and failed logins with address, port and account",
        "packets that a filter or router logged, with ports and what NAT made of them",
        "handshakes of WireGuard, addresses that DHCP gave out",
        "every other line, kept as it stands",
    ),
    never=(
        "who sat at the other end of the connection",
        "the year and the zone of classic lines",
        "what was done in a session",
        "proof that the machine's clock was right",
    ),
    asks=("time_zone", "year"),
    flags={
        "address_not_read": (
            "something in the line looks like an address; its sentence is not known, so nothing was taken from it"
        ),
        "name_like_log": "the name of the account holds words of a log line: somebody may have tried to forge one",
        "password_in_line": "the line seems to show a password or its digest: whoever sees the raw text sees it",
        "repeats_row_before": "it says that the line before came again so many times; those times are not rows",
    },
    ordered=True,
)
