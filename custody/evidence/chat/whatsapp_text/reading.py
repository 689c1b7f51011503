"""The second pass: a file's lines as messages, with everything decided that the first pass could decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
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
_DIGIT_FIRST = re.compile(rb"\n[0-9\[\x80-\xff]")
"""What a line that looks as a message line does begins with at least."""

_new = tuple.__new__
"""A message's own constructor takes three times as long, and is called a million times."""
_REST = Message(0, 0, 0, b"", "")[11:-1]
"""Nothing, for the fields between `text` and `flags`."""

Special = Callable[[str], dict[str, Any] | None]


Line = tuple[bytes, bytes, bytes, int, tuple[bytes, bytes] | None, bool]
"""A message as it stands in a file: its bytes; its stamp; the date with which that begins; how many bytes there
are up to the sender's name; the next line's stamp and date; whether it was cut off since it is too long."""


class Spill(NamedTuple):
    """Bytes that belong to no message: before the first, or beyond what a message can be."""

    raw: bytes


def cut(source: Source, pattern: headers.Pattern) -> Iterator[Line | Spill]:
    """A file as lines and what lies outside them, in its order: all bytes but the mark at its start."""
    parts: list[bytes] = []
    held = 0
    last: tuple[bytes, bytes, int] | None = None
    for block, fresh in source.blocks():
        # Offsets in `data`, which has one line end more at its start so that the first line is found as well.
        data = b"\n" + block if fresh else block
        found = list(pattern.finditer(data))
        at = 1 if fresh else 0
        first = found[0].start() + 1 if found else len(data)
        if first > at:
            if last is not None and held + first <= LARGEST:
                parts.append(data[at:first])
                held += first - at
            else:
                if last is not None:
                    yield (b"".join(parts), *last, None, True)
                    last = None
                yield Spill(data[at:first])
        if not found:
            continue
        if last is not None:
            yield (b"".join(parts), *last, (found[0][1], found[0][2]), False)
        one = found[0]
        start, stamp, day, head = one.start() + 1, one[1], one[2], one.end()
        for index in range(1, len(found)):
            one = found[index]
            end = one.start() + 1
            after: tuple[bytes, bytes] = (one[1], one[2])
            yield data[start:end], stamp, day, head - start, after, False
            start, head = end, one.end()
            stamp, day = after
        last = (stamp, day, head - start)
        parts = [data[start:]]
        held = len(data) - start
    if last is not None:
        yield (b"".join(parts), *last, None, False)


@dataclass(slots=True, kw_only=True)
class Maker:
    """Makes messages of lines by the decisions of the whole file; a line alone gives the same message.

    ``whole`` and ``signs``: which texts ``special`` is to be asked about: those in the one, or in which the
    other finds something.
    """

    member: int
    conversation: str
    stamps: Stamps
    names: Names
    whole: Mapping[str, object]
    signs: Callable[[str], object]
    special: Special
    event: Callable[[str], str | None]
    mark_means_system: bool
    new: list[Participant] = field(default_factory=list)

    def message(self, line: Line, start: int, raw: bytes, number: int, before: str) -> tuple[Message, str]:
        """The message, and its sorting time, "" where that is not known.

        ``start`` and ``raw`` as in the file; ``number``: of its line; ``before``: the sorting time of the
        message before.
        """
        data, stamp, day, head, after, cut_off = line
        time, flags, local = self.stamps.read(stamp, day)
        stop = data.find(b"\n", head)
        if stop < 0:
            stop = len(data)
        colon = data.find(b": ", head, stop)
        sender = self.names.known.get(data[head:colon]) if colon > 0 else None
        if sender is not None:
            at = head + sender.length + 2
        else:
            sender, at = self._find(data, head, colon, stop)
        try:
            text = data[at:].decode()
        except UnicodeDecodeError:
            text = data[at:].decode("utf-8", "backslashreplace")
            flags = (*flags, "bytes_not_utf8")
        if text[-1:] == "\n":
            text = text[:-2].replace("\r\n", "\n") if text[-2:] == "\r\n" else text[:-1]
        end = start + len(raw)
        place = f"line {number}"
        if stop + 1 < len(data):
            if "\r\n" in text:
                text = text.replace("\r\n", "\n")
            if _DIGIT_FIRST.search(data, stop) and headers.ANY.search(data, stop):
                flags = (*flags, "header_like_line_inside")
        if cut_off:
            flags = (*flags, "cut_off")
        if sender is None:
            what = {"kind": self.event(text) or "other"}
            return self._system(start, end, raw, place, time, flags, None, text, what), ""
        special = None
        if text in self.whole or self.signs(text):
            special = self.special(text)
        plain = special is None
        kind = "text" if special is None else special.get("kind", "text")
        marked = self.mark_means_system and text[:1] == LRM and (plain or kind == "unknown")
        if marked or sender.unsure or (local and local < before):
            flags = (*flags, *sender.flags)
            known = self._event(sender, text, plain, marked)
            if known is not None:
                label: str | None = sender.text
                if not marked:
                    label, text, flags = None, f"{sender.text}: {text}", (*flags, "system_suspected")
                return self._system(start, end, raw, place, time, flags, label, text, {"kind": known}), ""
            if marked:
                flags = (*flags, "system_suspected")
            flags = (*flags, *self._lookalike(after, sender, local, before))
        if sender.id is None and not sender.refused:
            new = self.names.participant(sender)
            if new is not None:
                self.new.append(new)
        if special is None:
            values = (
                self.member, start, end, raw, self.conversation, "text", place, time, sender.id, sender.text, text,
                *_REST, flags,
            )  # fmt: skip
            return _new(Message, values), local
        fields = {**special, "flags": (*flags, *special.get("flags", ())), "kind": kind}
        return (
            Message(
                self.member, start, end, raw, self.conversation, place=place, time=time, sender=sender.id,
                sender_text=sender.text, text=text, **fields,
            ),
            local,
        )  # fmt: skip

    def _system(
        self,
        start: int,
        end: int,
        raw: bytes,
        place: str,
        time: Time,
        flags: tuple[str, ...],
        label: str | None,
        text: str,
        event: dict[str, str],
    ) -> Message:
        return Message(
            self.member, start, end, raw, self.conversation, "system", place, time, None, label, text, event=event,
            flags=flags,
        )  # fmt: skip

    def _find(self, data: bytes, head: int, colon: int, stop: int) -> tuple[Sender | None, int]:
        """The sender of a line and where its body begins, the slow way; None where there is no sender."""
        if colon < 0:
            return self._bare_colon(data, head, stop)
        name = data[head:colon]
        if not is_name(name):
            return None, head
        sender = self.names.find(name)
        return sender, head + sender.length + 2

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

    def _event(self, sender: Sender, text: str, plain: bool, marked: bool) -> str | None:
        """The kind of event where WhatsApp itself speaks under a sender's label, or a colon stands in an event."""
        if marked:
            return self.event(text)
        if self.mark_means_system or not plain or not sender.once:
            return None
        return self.event(sender.text)

    def _lookalike(
        self, next_line: tuple[bytes, bytes] | None, sender: Sender, local: str, before: str
    ) -> tuple[str, ...]:
        """Doubt whether the line is a message at all: an island in time, or by a sender seen once out of time.

        A line that was pasted into a message and looks as a message line does can't be told from one.
        """
        if not local or not before:
            return ()
        after = "" if next_line is None else self.stamps.read(*next_line)[2]
        if sender.once and (local < before or "" < after < local):
            return ("lookalike_suspected",)
        # An earlier day, and the next line is back where the one before was.
        if local[:10] < before[:10] and (not after or after >= before):
            return ("lookalike_suspected",)
        return ()


def alone(
    raw: bytes, pattern: headers.Pattern, after: tuple[bytes, bytes] | None = None, *, cut_off: bool = False
) -> Line:
    """A message's bytes, cut out of a file, as the line that they are; ``after`` as in `Line`."""
    found = pattern.match(b"\n" + raw)
    assert found is not None
    return raw, found[1], found[2], found.end() - 1, after, cut_off
