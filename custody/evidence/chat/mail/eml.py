"""Single mails: files of RFC 5322, usually named .eml, alone or in a zip."""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.evidence.chat import times
from custody.evidence.chat.attached import Attached
from custody.evidence.chat.mail import message
from custody.evidence.chat.mail.children import of_mail
from custody.evidence.chat.mail.facts import CONTAINS, NEVER, ZONE
from custody.evidence.chat.model import Conversation, Message, Record
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export
from custody.evidence.reading import Decided, Detected, Settings

_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:|[ \t]|(\r?\n)")
_KNOWN = frozenset(
    b"from to cc subject date message-id received return-path delivered-to mime-version content-type reply-to sender "
    b"in-reply-to references x-mailer dkim-signature content-transfer-encoding".split()
)


def looks_like(head: bytes) -> tuple[int, int]:
    """How many known mail headers the first lines have, and how many of From, Date, Received and To."""
    names: set[bytes] = set()
    for line in head.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)[:200]:
        match = _LINE.match(line)
        if match is None or match[2]:
            break
        if match[1]:
            names.add(match[1].lower())
    known = names & _KNOWN
    return len(known), len(known & {b"from", b"date", b"received", b"to"})


def detect(export: Export) -> Detected | None:
    """Claims files that begin with headers of a mail; in a zip, those of them that are named .eml."""
    if not export.zipped:
        known, strong = looks_like(export.members[0].head(16 << 10))
        named = export.name.lower().endswith(".eml")
        if known >= 3 and strong >= 2:
            return Detected(score=92 if named else 88, reasons=(f"begins with {known} headers of a mail",))
        if known >= 2 and strong and named:
            return Detected(score=75, reasons=("named .eml, begins with headers of a mail",))
        return None
    names = [member for member in export.members if member.base.lower().endswith(".eml")]
    mails = tuple(member.index for member in names if looks_like(member.head(16 << 10))[0] >= 2)
    if not mails:
        return None
    rest = len(export.members) - len(mails)
    return Detected(
        score=55 if rest else 91, reasons=(f"{len(mails)} files are named .eml and are mails",), members=mails
    )


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One message for each file."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for dates that give no offset",))
    yield Conversation("mailbox", export.name, "own_name", "mailbox", "email")
    asked = False
    for at in detected.members:
        for record in message.read(export.members[at].open(), _place(export, at), zone):
            if isinstance(record, Message) and not asked and "date_without_zone" in record.flags:
                asked = zone is None
                if asked:
                    yield Decided("zone", None, "open", ("a Date gives no offset",), member=at)
            yield record


def _place(export: Export, at: int) -> message.Place:
    member = export.members[at]
    bom = 3 if member.head(3) == b"\xef\xbb\xbf" else 0
    return message.Place(
        member=member.index,
        start=0,
        content=bom,
        end=member.size,
        conversation="mailbox",
        place=(member.base or None) if export.zipped else None,
    )


def attached(export: Export, detected: Detected, settings: Settings) -> Iterator[Attached]:
    """What is attached to the mails of an export (see `custody.evidence.chat.attached`)."""
    del settings
    for count, at in enumerate(detected.members, 1):
        yield from of_mail(export.members[at].open(), _place(export, at), count)


READER = Reader(
    name="email",
    version=1,
    title="E-mail, single messages (.eml)",
    zone=ZONE,
    detect=detect,
    read=read,
    contains=CONTAINS,
    never=NEVER,
    asks=("time_zone",),
    attached=attached,
)
