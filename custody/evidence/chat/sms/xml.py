"""Files of SMS Backup & Restore, tag by tag: illegal references, raw line ends and a torn end are read too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from custody.evidence.chat.attached import Attached
from custody.evidence.chat.model import Declared, Message, Record
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.sms import element
from custody.evidence.chat.sms.element import Element
from custody.evidence.chat.xml_tags import Tag, Tags, text_of
from custody.evidence.export import Bytes, Export, Member, pieces
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_ROOTS = frozenset({"smses", "calls"})
_RECORDS = frozenset({"sms", "mms", "call"})
_INNER = frozenset({"parts", "addrs"})
_HEAD = re.compile(rb"<(smses|calls)[\s>]")
_RECORD = re.compile(rb"<(sms|mms|call)\s")
_SHOWN = 64 << 10


def detect(export: Export) -> Detected | None:
    """Claims XML whose root is ``smses`` or ``calls``."""
    found = []
    for member in export.members:
        if export.zipped and not member.base.lower().endswith(".xml"):
            continue
        head = member.head(16 << 10)
        if _HEAD.search(head):
            found.append((95, member.index, "the root element is smses or calls"))
        elif not export.zipped and _RECORD.match(head.lstrip()):
            found.append((60, member.index, "begins with an element sms, mms or call, without a root"))
    if not found:
        return None
    score = max(one[0] for one in found)
    reasons = tuple(dict.fromkeys(one[2] for one in found))
    return Detected(score=score, reasons=reasons, members=tuple(one[1] for one in found))


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """The messages and calls of each file, in the order in which they stand."""
    del settings
    reason = "the app writes milliseconds since 1970"
    yield Decided("zone", "UTC", "decided", (reason,))
    yield Decided("exporter", element.OWNER, "decided", ("type and msg_box tell what the phone itself sent",))
    for at in detected.members:
        yield from _File(export.members[at]).records()


class _File:
    def __init__(self, member: Member) -> None:
        self._member = member.index
        self._data: Bytes = member.open()
        self._tags = Tags(self._data)
        self._at = 0
        self._counts: Counter[str] = Counter()
        self._declared: int | None = None
        self._root: str | None = None
        self._closed = False

    def records(self) -> Iterator[Record]:
        for one in self._elements():
            if not isinstance(one, Element):
                yield one
                continue
            self._counts[one.tag.name] += 1
            place = f"{one.tag.name} {self._counts[one.tag.name]}"
            for record in element.message(self._data, self._tags, one, self._member, place):
                yield record
                if isinstance(record, Message) and "not_whole" in record.flags:
                    yield self._notice(
                        "not_whole", "the file ends, or goes on with another, within an element", place
                    )
        yield from self._end()

    def attached(self, before: int) -> Iterator[Attached]:
        """Files within the messages; ``before``: how many messages stand in files before this one."""
        for one in self._elements():
            if isinstance(one, Element):
                self._counts[one.tag.name] += 1
                yield from element.attached(self._data, self._tags, one, before + self.count)

    @property
    def count(self) -> int:
        """How many elements were read."""
        return sum(self._counts.values())

    def _notice(self, code: str, text: str, place: str | None = None) -> Notice:
        return Notice(code, text, member=self._member, place=place)

    def _elements(self) -> Iterator[Element | Record]:
        if self._tags.read(0, 3) == b"\xef\xbb\xbf":
            yield Range(self._member, 0, 3, "syntax")
            self._at = 3
        while (tag := self._tags.next(self._at)) is not None:
            yield from self._between(tag.start)
            self._at = tag.end
            if tag.name in _RECORDS and tag.kind in ("open", "empty", "cut"):
                one = self._element(tag)
                self._at = one.end
                yield one
            else:
                yield from self._other(tag)
        yield from self._between(self._tags.size)

    def _other(self, tag: Tag) -> Iterator[Record]:
        span = (self._member, tag.start, tag.end)
        if tag.kind == "open" and tag.name in _ROOTS and self._root is None:
            self._root = tag.name
            text = self._text(tag.start, min(tag.end, tag.start + _SHOWN))
            if (count := tag.attributes.get("count")) is not None:
                stated = text_of(self._tags.read(count.start, min(count.end, count.start + 100))).text
                if re.fullmatch("[0-9]{1,15}", stated):
                    self._declared = int(stated)
                    yield Declared(self._declared)
            yield Range(*span, "header", text)
        elif tag.kind == "close" and tag.name == self._root:
            self._closed = True
            yield Range(*span, "syntax")
        elif tag.kind == "instruction":
            yield Range(*span, "syntax")
        elif tag.kind == "comment":
            yield from self._spelled(tag.start, tag.end, "metadata")
        else:
            if tag.kind == "doctype":
                yield self._notice(
                    "doctype_not_resolved", "the file declares a document type; nothing of it is followed"
                )
            else:
                yield self._notice(
                    "unknown_element", "an element that no message is made of, or a tag out of form"
                )
            yield from self._spelled(tag.start, tag.end, "unread")

    def _between(self, end: int) -> Iterator[Record]:
        start = self._at
        while start < end:
            piece = self._tags.read(start, min(start + _SHOWN, end))
            if not piece:
                return
            stop = start + len(piece)
            if piece.strip():
                yield self._notice("text_between", "text stands between the elements")
                yield Range(self._member, start, stop, "unread", piece.decode("utf-8", "backslashreplace"))
            else:
                yield Range(self._member, start, stop, "blank")
            start = stop

    def _spelled(self, start: int, end: int, what: str) -> Iterator[Range]:
        for piece in pieces(self._data, start, end, _SHOWN):
            yield Range(
                self._member, start, start + len(piece), what, piece.decode("utf-8", "backslashreplace")
            )
            start += len(piece)

    def _text(self, start: int, end: int) -> str:
        return self._tags.read(start, end).decode("utf-8", "backslashreplace")

    def _element(self, tag: Tag) -> Element:
        """The element that ``tag`` begins, up to its closing tag, or to where another one begins."""
        one = Element(tag, tag.end)
        if tag.kind == "cut":
            one.flags.add("not_whole")
        if tag.kind != "open":
            return one
        while (inner := self._tags.next(one.end)) is not None:
            begins = inner.kind in ("open", "empty", "cut") and inner.name in _RECORDS
            if begins or (inner.kind == "close" and inner.name in _ROOTS):
                one.end = inner.start
                one.flags.add("not_whole")
                return one
            if self._tags.read(one.end, min(inner.start, one.end + _SHOWN)).strip():
                one.flags.add("text_inside")
            one.end = inner.end
            if inner.kind == "close" and inner.name == tag.name:
                return one
            _take(one, inner)
        one.end = self._tags.size
        one.flags.add("not_whole")
        return one

    def _end(self) -> Iterator[Record]:
        found = self.count
        if self._root is not None and not self._closed:
            yield self._notice("truncated", f"the file ends before </{self._root}>: its end is missing")
        if self._declared is not None and self._declared != found:
            code = "fewer_than_declared" if found < self._declared else "more_than_declared"
            yield self._notice(
                code, f"the file declares {self._declared} messages or calls, {found} were found"
            )
        if not self._counts and self._root is not None:
            yield self._notice("empty", "the file holds no message")


def _take(one: Element, inner: Tag) -> None:
    if inner.kind == "cut":
        one.flags.add("not_whole")
    if inner.kind in ("open", "empty", "cut") and inner.name in ("part", "addr"):
        kept = one.parts if inner.name == "part" else one.addresses
        if len(kept) < element.MAX_PARTS:
            kept.append(inner)
        else:
            one.more += 1
            one.flags.add("too_many_parts")
    elif inner.kind == "broken":
        one.flags.add("broken_tag")
    elif inner.name not in _INNER and inner.name not in ("part", "addr") and inner.kind != "comment":
        one.flags.add("unknown_child")


def attached(export: Export, detected: Detected, settings: Settings) -> Iterator[Attached]:
    """The files within the MMS of an export (see `custody.evidence.chat.attached`)."""
    del settings
    count = 0
    for at in detected.members:
        file = _File(export.members[at])
        yield from file.attached(count)
        count += file.count


READER = Reader(
    name="sms-xml",
    version=1,
    title="SMS Backup & Restore (XML)",
    zone="UTC, milliseconds; the phone's own offset where its clock is shown in English",
    detect=detect,
    read=read,
    contains=(
        "SMS",
        "MMS with their files",
        "RCS messages kept as MMS",
        "calls, in files of their own",
        "drafts",
    ),
    never=(
        "deleted messages",
        "messages of other apps (WhatsApp, Signal, Messenger)",
        "the phone's own number, but where an MMS names it",
        "proof that nothing was left out: people choose what is backed up, and the file can be edited",
    ),
    attached=attached,
)
