"""The way of a mail, hop by hop: each Received header of .eml files and mailboxes, and what webmail wrote beside them.

Rows stand in the order of the file, which is the order of time backwards: the topmost Received was written last, by
the server that the mailbox is on. Everything below a server that somebody has verified may have been written by the
sender; custody does not know which server that is, and says so at every row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.chat import times
from custody.evidence.chat.mail import eml, headers, mbox
from custody.evidence.chat.mail.window import Window
from custody.evidence.export import Bytes, Export, Held, Member, cut
from custody.evidence.network import mail_hops
from custody.evidence.network.ip import seen_address
from custody.evidence.network.said import known
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_HOPS = frozenset({"received", "x-received"})
_CLAIMS = frozenset(
    {
        "x-client-ip",
        "x-mdremoteip",
        "x-original-ip",
        "x-originating-ip",
        "x-remote-ip",
        "x-sender-ip",
        "x-source-ip",
    }
)
_WANTED = re.compile(
    rb"^(?:x-)?received[ \t]*:|^x-(?:client|original|originating|remote|sender|source)-ip[ \t]*:|^x-mdremoteip[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = re.compile(rb"[!-9;-~]+[ \t]*:")
_BRACKETS = re.compile(r"\s*\[?\s*([^\[\]\s]{2,255})\s*\]?\s*")


class _Field(NamedTuple):
    name: str
    start: int
    value: int
    """Where its value begins."""
    end: int


def detect(export: Export) -> Detected | None:
    """Claims mails with a Received or an address of webmail in their headers, and mailboxes, which may have some."""
    boxes, mails = mbox.detect(export), eml.detect(export)
    box = () if boxes is None else boxes.members
    single = () if mails is None else tuple(at for at in mails.members if _has_hops(export.members[at]))
    if not box and not single:
        return None
    seen = bool(single) or any(_WANTED.search(export.members[at].head()) for at in box)
    members = tuple(sorted({*box, *single}))
    return Detected(
        score=55 if not seen else 90 if len(members) == len(export.members) else 75,
        reasons=("headers that mail servers write on the way",) if seen else ("mails, perhaps with hops",),
        members=members,
    )


def _has_hops(member: Member) -> bool:
    head = member.head()
    fields, _ = _fields(Held(head), _begin(member), len(head))
    return any(field.name.lower() in _HOPS | _CLAIMS for field in fields)


def _begin(member: Member) -> int:
    return 3 if member.head(3) == b"\xef\xbb\xbf" else 0


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row for each Received, and for each header in which a sender's address is claimed."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for hops whose date gives no offset",))
    for at in detected.members:
        yield from _member(export.members[at], zone)


def _member(member: Member, zone: ZoneInfo | None) -> Iterator[Record]:
    data = member.open()
    asked = zone is not None
    at = 0
    for number, content, end in _mails(member, data):
        for record in _mail(member, data, content, end, number, zone):
            if isinstance(record, Row):
                if not asked and record.when is not None and "no_offset" in record.when.flags:
                    asked = True
                    yield Decided("zone", None, "open", ("the date of a hop gives no offset",), member.index)
                if record.start > at:
                    yield Range(member.index, at, record.start, "outside")
                at = record.end
            yield record
    if at < member.size:
        yield Range(member.index, at, member.size, "outside")


def _mails(member: Member, data: Bytes) -> Iterator[tuple[int | None, int, int]]:
    """(number, first byte of the headers, end) of each mail; a single mail has no number."""
    if mbox.begins(member):
        for number, (_, content, end, _) in enumerate(mbox.Split(data), 1):
            yield number, content, end
    else:
        yield None, _begin(member), member.size


def _fields(data: Bytes, at: int, end: int) -> tuple[list[_Field], bool]:
    """The headers with their places, and whether there are more than are read."""
    window = Window(data, at, end)
    first = at
    fields: list[_Field] = []
    whole = True  # the piece before ended a line
    while line := window.line(at):
        if whole:
            if line in (b"\n", b"\r\n"):
                break
            match = _NAME.match(line)
            if match is not None:
                name = line[: match.end() - 1].rstrip(b" \t").decode("ascii")
                fields.append(_Field(name, at, at + match.end(), at))
            elif not fields and line.startswith((b">From ", b"From ")):
                at += len(line)  # an envelope line in front of the headers
                whole = line.endswith(b"\n")
                continue
            elif not (fields and line[:1] in (b" ", b"\t")):
                break
        at += len(line)
        if at - first > headers.MAX_HEADER:
            return fields[:-1], True
        if fields:
            fields[-1] = fields[-1]._replace(end=at)
        whole = line.endswith(b"\n")
    return fields, False


def _mail(
    member: Member, data: Bytes, content: int, end: int, number: int | None, zone: ZoneInfo | None
) -> Iterator[Record]:
    fields, more = _fields(data, content, end)
    if more:
        yield Notice(
            "headers_too_long",
            "the headers go on for more than is read: rows of what stands behind are missing",
            member=member.index,
            place=None if number is None else f"mail {number}",
        )
    message_id = None
    for field in fields:
        if field.name.lower() == "message-id":
            message_id = _text(data, field).strip()[:998] or None
            break
    hop = 0
    above: str | None = None
    for field in fields:
        name = field.name.lower()
        if name not in _HOPS and name not in _CLAIMS:
            continue
        place = field.name
        if name == "received":
            hop += 1
            place = f"Received {hop}"
        if number is not None:
            place = f"mail {number}, {place}"
        raw = cut(data, field.start, field.end)
        base = Row(member.index, field.start, field.end, raw, "unknown", place)
        text = _text(data, field)
        if name in _CLAIMS:
            yield _claim(base, field.name, text, message_id)
            continue
        row = _hop(base, text, zone, message_id, hop if name == "received" else None)
        instant = None if row.when is None else row.when.instant
        if name == "received" and instant is not None:
            if above is not None and instant[:19] > above[:19]:
                row = row._replace(flags=(*row.flags, "hop_after_next"))
            above = instant
        yield row


def _text(data: Bytes, field: _Field) -> str:
    value = data.read(field.value, min(field.end, field.value + 2 * mail_hops.LONGEST))
    value = value.replace(b"\r\n", b"").replace(b"\n", b"").replace(b"\r", b"")
    return headers.Field(field.name, value.strip(b" \t")).text


def _hop(base: Row, text: str, zone: ZoneInfo | None, message_id: str | None, number: int | None) -> Row:
    found = mail_hops.hop(text, zone)
    doubt = "receiver_not_verified" if number == 1 else "client_from_header"
    address, dest, role = found.address, found.by, "peer" if number == 1 else "reported_client"
    if address is None and dest is not None:
        address, dest, role = dest, None, "server"
    if address is None:
        return base._replace(when=found.when, flags=found.flags)
    details = known({"hop": number, **found.details})
    values = known(
        {
            "details": details or None,
            "event": "other:relayed",
            "host": found.host,
            "ip_role": role,
            "message_id": message_id,
            "port": found.port,
        }
    )
    return base._replace(
        kind="ip", when=found.when, address=address, dest=dest, values=values, flags=(*found.flags, doubt)
    )


def _claim(base: Row, name: str, text: str, message_id: str | None) -> Row:
    match = _BRACKETS.fullmatch(text)
    address = seen_address(match[1] if match else text)
    values = known({"details": {"header": name}, "ip_role": "reported_client", "message_id": message_id})
    return base._replace(kind="ip", address=address, values=values, flags=("client_from_header",))


READER = RecordReader(
    name="mail-received",
    version=1,
    title="The way of e-mails: Received headers of .eml files and mailboxes",
    recorder="mail_header",
    zone="the offset that each server wrote; names of zones other than UTC give no instant",
    detect=detect,
    read=read,
    contains=(
        "each server on the way with the address that it saw, as written",
        "the time of each hop",
        "addresses that webmail wrote into headers (X-Originating-IP)",
    ),
    never=(
        "proof of what stands below the last server that somebody has verified: the sender may have written it",
        "who sat at the sending end",
        "hops that a server left out or took away, as many providers do for their users",
    ),
    asks=("time_zone",),
    flags={
        "addresses_several": "several addresses stand where the server writes the one that it saw; none was taken",
        "client_names_itself": "the address stands where the client names itself, and may be its own invention",
        "hop_after_next": "later than the hop above, which took the mail afterwards: a clock is off, or it is made up",
        "receiver_not_verified": "written by the mailbox's own server, if the file comes from there: verify that first",
    },
    on_asking=True,
)
