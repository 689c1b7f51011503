"""Reading an export: what was decided and why, then its messages, then what the user should know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from custody.evidence.chat import times
from custody.evidence.chat.model import Conversation, Record
from custody.evidence.chat.whatsapp_text import bodies, headers, order
from custody.evidence.chat.whatsapp_text.detecting import title_of
from custody.evidence.chat.whatsapp_text.names import Names
from custody.evidence.chat.whatsapp_text.reading import Maker, Spill, cut
from custody.evidence.chat.whatsapp_text.source import source
from custody.evidence.chat.whatsapp_text.stamps import Reckoning, Stamps
from custody.evidence.chat.whatsapp_text.survey import FileDates, Survey, file_dates, survey
from custody.evidence.export import Export, Member
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings

_CAPS = (10_000, 40_000)
"""Messages after which exports were once cut off: with media, without."""
_NEAR = 50
_PIECE = 64 << 10
"""Bytes of a range that was not read: its text is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a program that writes such lines does its own way. ``whatsapp``: its sentences have a meaning."""

    platform: str
    whatsapp: bool


WHATSAPP = Dialect(platform="whatsapp", whatsapp=True)


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """See `reader.Reader`."""
    yield from read_as(WHATSAPP, export, detected, settings)


def read_as(dialect: Dialect, export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """Read the chats of an export, each its own conversation."""
    many = len(detected.members) > 1
    if many:
        yield Notice("several_chats", "the zip holds several texts that are chats: each is a conversation")
    for at, index in enumerate(detected.members, 1):
        reading = Reading(
            dialect, export, export.members[index], settings, f"c{at}", f"c{at}" if many else ""
        )
        yield from reading.records()


class Reading:
    """One text of an export. `prepare` gives what the whole file decides; `records` all that is in it."""

    def __init__(
        self,
        dialect: Dialect,
        export: Export,
        member: Member,
        settings: Settings,
        conversation: str,
        prefix: str,
    ) -> None:
        self._dialect = dialect
        self._export = export
        self._member = member
        self._settings = settings
        self._conversation = conversation
        self._prefix = prefix
        self.source = source(member)
        self.maker: Maker | None = None
        self.pattern: headers.Pattern | None = None

    def records(self) -> Iterator[Record]:
        """Everything, in the order of the bytes."""
        size, mark = self._member.size, self.source.mark
        yield from self.prepare()
        if mark:
            yield Range(self._member.index, 0, mark, "syntax")
        if self.maker is None or self.pattern is None:
            yield from self._unread(mark, self.source.end)
        else:
            yield from self._lines(self.maker, self.pattern)
        if self.source.end < size:
            yield Range(self._member.index, self.source.end, size, "unread", place="the last byte")
            yield Notice("half_a_character", "the file ends inside a character of UTF-16", self._member.index)

    def prepare(self) -> Iterator[Record]:
        """The first pass: decisions, the conversation and what speaks against the whole."""
        at = self._member.index
        facts = survey(self.source)
        if facts is None:
            yield Decided("layout", None, "open", ("no line begins as a message does",), at)
            yield Conversation(self._conversation, None, "none", "unknown", self._dialect.platform)
            yield Notice("no_messages", "no line of the text begins as a message does", at)
            return
        yield from self._about_bytes(facts)
        yield Decided("layout", str(facts.layout), "decided", (f"{facts.lines} lines begin so",), at)
        decision = order.order(facts, self._settings, lambda orders: self._file_dates(facts, orders))
        yield Decided("date_order", decision.value, decision.state, decision.reasons, at)
        if decision.contradicted:
            text = f"{decision.contradicted} dates can't be in the order that was stated"
            yield Notice("stated_order_contradicted", text, at)
        calendar, state, reasons = order.calendar(facts, decision.orders)
        yield Decided("calendar", calendar, state, reasons, at)
        stated = self._settings.time_zone
        zone = None if stated is None else times.zone(stated)
        if stated is None:
            reason = "the format has none; it is the clock of the phone that made the export"
            yield Decided("zone", None, "open", (reason,), at)
        else:
            yield Decided("zone", stated, "stated", ("a person stated it",), at)
        title = self._title()
        names = Names(facts, title[0] if title else None, self._prefix)
        yield from self._exporter(facts, names, title[0] if title else None)
        if title is not None and title[1]:
            yield Decided("language", title[1], "inferred", ("the file's name is written so",), at)
        reckoning = Reckoning(
            layout=facts.layout,
            orders=decision.orders,
            inferred=decision.state == "inferred",
            others=decision.others,
            calendar=calendar,
            zone=zone,
        )
        self.pattern = headers.header(facts.layout, facts.inner_marks)
        files = self._files()
        phone = "ios" if facts.layout.bracket else "android"
        whatsapp = self._dialect.whatsapp
        self.maker = Maker(
            member=at,
            conversation=self._conversation,
            stamps=Stamps(reckoning),
            names=names,
            whole=bodies.WHOLE if whatsapp else {},
            signs=bodies.signs if whatsapp else (lambda text: None),
            special=lambda text: bodies.special(text, files, phone=phone),
            event=bodies.event if whatsapp else (lambda text: None),
            mark_means_system=whatsapp and facts.layout.bracket,
        )
        kind = self._kind(facts, title[0] if title else None)
        yield Conversation(
            self._conversation,
            title[0] if title else None,
            "none" if title is None else "file_name" if title_of(self._member.base) else "own_name",
            kind,
            self._dialect.platform,
        )

    def _about_bytes(self, facts: Survey) -> Iterator[Record]:
        at = self._member.index
        if facts.not_utf8:
            reason = "bytes that are not UTF-8: they stand as \\xNN, and were not taken for another encoding"
            yield Decided("encoding", None, "open", (reason,), at)
        else:
            how = "a mark at its start" if self.source.mark else "all bytes are valid in it"
            yield Decided("encoding", self.source.encoding, "decided", (how,), at)
        ends = "lf" if not facts.crlf else "crlf" if facts.crlf == facts.lf else "mixed"
        reason = f"{facts.lf - facts.crlf} line ends LF, {facts.crlf} CR LF"
        yield Decided("line_ending", ends, "decided", (reason,), at)

    def _file_dates(self, facts: Survey, orders: tuple[str, ...]) -> FileDates:
        if not self._dialect.whatsapp:
            return FileDates()
        return file_dates(self.source, facts, orders, order.calendar(facts, orders)[0])

    def _title(self) -> tuple[str, str] | None:
        if not self._dialect.whatsapp:
            return None
        return title_of(self._member.base) or (title_of(self._export.name) if self._export.zipped else None)

    def _exporter(self, facts: Survey, names: Names, title: str | None) -> Iterator[Record]:
        """Who made the export, where the file shows it: never proven, since all of it can be typed."""
        at = self._member.index
        if not self._dialect.whatsapp:
            return
        found = self._deleters(facts)
        reasons = []
        if len(found) == 1:
            reasons.append("a deleted message of theirs reads as the exporter's own do")
        people = {
            bodies.bare(name.decode("utf-8", "backslashreplace"))
            for name in facts.names
            if facts.names[name].count > 1
        }
        if not found and title is not None and title in people and len(people) == 2:
            found = people - {title}
            reasons.append("of two people, the chat is named after the other")
        if len(found) == 1:
            (names.exporter,) = found
            yield Decided("exporter", names.exporter, "inferred", tuple(reasons), at)
        else:
            reason = (
                "several people's messages read as the exporter's own"
                if found
                else "nothing in the file shows it"
            )
            yield Decided("exporter", None, "open", (reason,), at)

    def _deleters(self, facts: Survey) -> set[str]:
        found: set[str] = set()
        marks = bodies.exporter_marks()
        pattern = headers.deleted(facts.layout, facts.inner_marks, marks)
        for block, fresh in self.source.blocks():
            if any(mark in block for mark in marks):
                data = b"\n" + block if fresh else block
                for one in pattern.finditer(data):
                    found.add(bodies.bare(one[3].decode("utf-8", "backslashreplace")))
                    if len(found) > 1:
                        return found
        return found

    def _kind(self, facts: Survey, title: str | None) -> str:
        regular = [
            bodies.bare(name.decode("utf-8", "backslashreplace"))
            for name, one in facts.names.items()
            if one.count > 1
        ]
        if len(regular) > 2:
            return "group"
        return "direct" if title is not None and title in regular else "unknown"

    def _files(self) -> bodies.Files:
        if not self._export.zipped:
            return bodies.no_files("not_here")
        folder = self._member.name.replace("\\", "/").rpartition("/")[0]
        names: dict[str, tuple[int, ...]] = {}
        for one in self._export.members:
            if one.index == self._member.index or one.name.endswith("/"):
                continue
            same_folder = one.name.replace("\\", "/").rpartition("/")[0] == folder
            for key in {one.base, "\0" + bodies.same_name(one.base)} if same_folder else ():
                names[key] = (*names.get(key, ()), one.index)
        return bodies.in_zip(names)

    def _unread(self, start: int, end: int) -> Iterator[Record]:
        """Bytes outside all messages, with their text; blank ones as such."""
        place = start
        for block, _ in self.source.blocks():
            own = self.source.own(block)
            yield from self._outside(place, block, None)
            place += len(own)

    def _outside(self, start: int, block: bytes, number: int | None) -> Iterator[Record]:
        at = self._member.index
        if not block.strip(b" \t\r\n"):
            yield Range(at, start, start + len(self.source.own(block)), "blank")
            return
        where = None if number is None else f"line {number}"
        while block:
            piece = _piece(block)
            block = block[len(piece) :]
            end = start + len(self.source.own(piece))
            yield Range(at, start, end, "unread", piece.decode("utf-8", "backslashreplace"), where)
            start = end

    def _lines(self, maker: Maker, pattern: headers.Pattern) -> Iterator[Record]:
        at, mark = self._member.index, self.source.mark
        own = None if self.source.encoding == "utf-8" else self.source.own
        make, new = maker.message, maker.new
        number, before = 1, ""
        place = mark
        messages = events = 0
        back = 0
        for one in cut(self.source, pattern):
            data: bytes = one[0]
            raw = data if own is None else own(data)
            start = place
            place += len(raw)
            if isinstance(one, Spill):
                if one.raw.strip(b" \t\r\n"):
                    code = "beyond_a_message" if messages or events else "before_the_first"
                    yield Notice(code, _TOLD[code], at, f"line {number}")
                yield from self._outside(start, one.raw, number)
                number += one.raw.count(b"\n")
                continue
            message, local = make(one, start, raw, number, before)
            number += data.count(b"\n")
            if new:
                yield from new
                new.clear()
            if message.kind == "system":
                events += 1
            else:
                messages += 1
            if local:
                if local < before:
                    back += 1
                    yield Notice("out_of_order", "earlier than the message before it", at, message.place)
                before = local
            if message.flags:
                for flag in message.flags:
                    if flag in _TOLD:
                        yield Notice(flag, _TOLD[flag], at, message.place)
            yield message
        yield from self._about_all(messages, events, maker.names)

    def _about_all(self, messages: int, events: int, names: Names) -> Iterator[Record]:
        at = self._member.index
        if not messages and events:
            text = (
                "only events, no messages: phones that are linked to another can export a chat as if it were empty; "
                "ask for an export from the phone itself"
            )
            yield Notice("only_events", text, at)
        for cap in _CAPS if self._dialect.whatsapp else ():
            if cap - _NEAR <= messages + events <= cap + _NEAR:
                text = f"about {cap} messages: exports were once cut off there; this may be only the end of the chat"
                yield Notice("may_be_the_tail", text, at)
        if names.full:
            yield Notice("too_many_senders", "more senders than any chat has: not all are told apart", at)


_TOLD = {
    "before_the_first": "text before the first message",
    "beyond_a_message": "text too long for the message that it follows",
    "lookalike_suspected": "may be a line inside the message before it that looks as a message does",
    "header_like_line_inside": "a line inside looks as a message of another layout does",
    "sender_split_ambiguous": "the sender's name may end at another colon",
    "bytes_not_utf8": "bytes that are not UTF-8 stand as \\xNN",
    "date_not_read": "its date does not exist in the order and calendar of the file",
    "cut_off": "longer than a message can be: the rest stands behind it as unread",
    "attachment_name_not_unique": "several files of the zip have the attachment's name",
    "placeholder_unknown": "WhatsApp seems to have written this, in words that we do not know",
    "system_suspected": "may be an event rather than a message, or the other way round",
}


def _piece(block: bytes) -> bytes:
    """The beginning of a block that is shown at once: whole characters, whole lines if there are."""
    if len(block) <= _PIECE:
        return block
    end = block.rfind(b"\n", 0, _PIECE) + 1
    if not end:
        end = _PIECE
        while end > _PIECE - 4 and block[end] & 0xC0 == 0x80:
            end -= 1
    return block[:end]
