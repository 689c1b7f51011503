"""The second pass: a file's lines as messages, with everything decided that the first pass could decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from custody.evidence.chat.model import Message, Participant, Time
from custody.evidence.chat.whatsapp_text import headers
from custody.evidence.chat.whatsapp_text.bodies import LRM
from custody.evidence.chat.whatsapp_text.names import Names, Sender, is_name
from custody.evidence.chat.whatsapp_text.source import Source
from custody.evidence.chat.whatsapp_text.stamps import Stamps

LARGEST = 2 << 20
"""Bytes that a message may have; WhatsApp's own limit is 65,536 characters."""
Special = Callable[[str], dict[str, Any] | None]


class Line(NamedTuple):
    """A message as it stands in a file. ``head``: bytes up to its sender; ``after``: the next line's stamp."""

    start: int
    raw: bytes
    stamp: bytes
    head: int
    after: bytes | None
    cut_off: bool


class Spill(NamedTuple):
    """Bytes that belong to no message: before the first, or beyond what a message can be."""

    start: int
    raw: bytes


def cut(source: Source, pattern: headers.Pattern) -> Iterator[Line | Spill]:
    """A file as lines and what lies outside them, in its order; all bytes but the mark at its start.

    Places count UTF-8 bytes from the end of that mark.
    """
    parts: list[bytes] = []
    held = 0
    open_line: tuple[int, bytes, int] | None = None
    at = 0
    for block, fresh in source.blocks():
        data = b"\n" + block if fresh else block
        shift = 1 if fresh else 0
        found = list(pattern.finditer(data))
        first = found[0].start() + 1 - shift if found else len(block)
        if first:
            # What comes before the block's first line goes on with the line that is open.
            if open_line is not None and held + first <= LARGEST:
                parts.append(block[:first])
                held += first
            else:
                if open_line is not None:
                    yield Line(open_line[0], b"".join(parts), open_line[1], open_line[2], None, True)
                    open_line = None
                yield Spill(at, block[:first])
        if not found:
            at += len(block)
            continue
        if open_line is not None:
            yield Line(open_line[0], b"".join(parts), open_line[1], open_line[2], found[0][1], False)
        starts = [one.start() + 1 - shift for one in found]
        for index in range(len(found) - 1):
            start = starts[index]
            one = found[index]
            yield Line(
                at + start,
                block[start : starts[index + 1]],
                one[1],
                one.end() - shift - start,
                found[index + 1][1],
                False,
            )
        start = starts[-1]
        one = found[-1]
        open_line = (at + start, one[1], one.end() - shift - start)
        parts = [block[start:]]
        held = len(block) - start
        at += len(block)
    if open_line is not None:
        yield Line(open_line[0], b"".join(parts), open_line[1], open_line[2], None, False)


@dataclass(slots=True, kw_only=True)
class Maker:
    """Makes messages of lines by the decisions of the whole file; a line alone gives the same message.

    ``before``: the sorting time of the message before, "" where there is none.
    """

    member: int
    conversation: str
    stamps: Stamps
    names: Names
    special: Special
    event: Callable[[str], str | None]
    mark_means_system: bool
    new: list[Participant] = field(default_factory=list)

    def message(self, line: Line, start: int, raw: bytes, number: int, before: str) -> tuple[Message, str]:
        """The message, and its sorting time. ``start`` and ``raw`` as in the file; ``number``: of its line."""
        data = line.raw
        head = line.head
        time, flags, local = self.stamps.read(line.stamp)
        stop = data.find(b"\n", head)
        if stop < 0:
            stop = len(data)
        if line.cut_off:
            flags = (*flags, "cut_off")
        if stop + 1 < len(data) and headers.ANY.search(data, stop):
            flags = (*flags, "header_like_line_inside")
        colon = data.find(b": ", head, stop)
        if colon < 0:
            sender, at = self._bare_colon(data, head, stop)
        else:
            sender = self.names.find(data[head:colon]) if is_name(data[head:colon]) else None
            at = head + sender.length + 2 if sender is not None else head
        text, whole = _text(data[at:])
        if not whole:
            flags = (*flags, "bytes_not_utf8")
        place = f"line {number}"
        if sender is None:
            event = {"kind": self.event(text) or "other"}
            end = start + len(raw)
            return (
                Message(
                    self.member, start, end, raw, self.conversation, "system", place, time, text=text, event=event,
                    flags=flags,
                ),
                "",
            )  # fmt: skip
        special = self.special(text)
        kind = "text"
        if special is not None:
            kind = special.get("kind", kind)
            flags = (*flags, *special.get("flags", ()))
        marked = self.mark_means_system and text.startswith(LRM) and kind in ("text", "unknown")
        if marked or sender.once or sender.flags or (local and local < before):
            flags = (*flags, *sender.flags)
            event = self._event(data, head, sender, text, special, marked)
            if event is not None:
                return self._system(line, start, raw, place, time, flags, sender, text, event, marked)
            if marked:
                flags = (*flags, "system_suspected")
            flags = (*flags, *self._lookalike(line, sender, local, before))
        if sender.id is None and not sender.refused:
            new = self.names.participant(sender)
            if new is not None:
                self.new.append(new)
        message = Message(
            self.member, start, start + len(raw), raw, self.conversation, kind, place, time, sender.id, sender.text,
            text, flags=flags,
        )  # fmt: skip
        if special is not None:
            message = message._replace(
                **{name: value for name, value in special.items() if name not in ("kind", "flags")}
            )
        return message, local

    def _bare_colon(self, data: bytes, head: int, stop: int) -> tuple[Sender | None, int]:
        """A line without ``: ``: its sender where nothing, or a full stop alone, follows a known name's colon."""
        rest = data[head:stop].rstrip(b"\r")
        for end in (b":.", b":"):
            name = rest[: -len(end)]
            if rest.endswith(end) and is_name(name):
                if self.names.has(name):
                    sender = self.names.find(name)
                    if sender.length == len(name):
                        return sender, head + len(name) + 1
                return None, head
        return None, head

    def _event(
        self, data: bytes, head: int, sender: Sender, text: str, special: dict[str, Any] | None, marked: bool
    ) -> str | None:
        """The kind of event where WhatsApp itself speaks under a sender's label, or a colon stands in an event."""
        if marked:
            return self.event(text)
        if self.mark_means_system or special is not None or not sender.once:
            return None
        return self.event(sender.text)

    def _system(
        self,
        line: Line,
        start: int,
        raw: bytes,
        place: str,
        time: Time,
        flags: tuple[str, ...],
        sender: Sender,
        text: str,
        event: str,
        marked: bool,
    ) -> tuple[Message, str]:
        if not marked:
            text = f"{sender.text}: {text}"
            flags = (*flags, "system_suspected")
        return (
            Message(
                self.member, start, start + len(raw), raw, self.conversation, "system", place, time, None,
                sender.text if marked else None, text, event={"kind": event}, flags=flags,
            ),
            "",
        )  # fmt: skip

    def _lookalike(self, line: Line, sender: Sender, local: str, before: str) -> tuple[str, ...]:
        """Doubt whether the line is a message at all: an island in time, or by a sender seen once out of time.

        A line that was pasted into a message and looks as a message line does can't be told from one.
        """
        if not local or not before:
            return ()
        after = "" if line.after is None else self.stamps.read(line.after)[2]
        if sender.once and (local < before or "" < after < local):
            return ("lookalike_suspected",)
        # An earlier day, and the next line is back where the one before was.
        if local[:10] < before[:10] and (not after or after >= before):
            return ("lookalike_suspected",)
        return ()


def _text(body: bytes) -> tuple[str, bool]:
    """A body as text without its last line end, and whether all of it was UTF-8."""
    whole = True
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("utf-8", "backslashreplace")
        whole = False
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    return text[:-1] if text.endswith("\n") else text, whole


def alone(raw: bytes, pattern: headers.Pattern, after: bytes | None, cut_off: bool) -> Line:
    """A message's bytes, cut out of a file, as the line that they are; ``after``: the next line's stamp."""
    found = pattern.match(b"\n" + raw)
    assert found is not None
    return Line(0, raw, found[1], found.end() - 1, after, cut_off)
