"""Who a line is from: its text up to a ``: ``, where a name may hold one itself."""

from __future__ import annotations

from dataclasses import dataclass

from custody.evidence.chat.model import Participant
from custody.evidence.chat.whatsapp_text.bodies import bare
from custody.evidence.chat.whatsapp_text.survey import LONGEST_NAME, Survey

_SURE = 10
"""So many lines of one beginning that all go on alike show a name with a colon in it."""
_MOST = 50_000
"""People of one chat beyond whom no participants are made: the text of the sender stays."""


@dataclass(slots=True)
class Sender:
    """A sender as a file spells it. ``id`` None: not made yet, or there are too many.

    ``length``: of the name in bytes; ``once``: it stands before one line only; ``flags``: doubts about its
    end; ``unsure``: either of these.
    """

    text: str
    length: int
    once: bool
    flags: tuple[str, ...]
    id: str | None = None
    refused: bool = False
    unsure: bool = False

    def __post_init__(self) -> None:
        self.unsure = self.once or bool(self.flags)


class Names:
    """The senders of one file. ``prefix``: of the ids that are made; ``title``: the chat's name, if known."""

    def __init__(self, facts: Survey, title: str | None, prefix: str) -> None:
        self._facts = facts
        self._title = title
        self._prefix = prefix
        self.known: dict[bytes, Sender] = {}
        """Those that were met, by what stands before the first ``: ``."""
        self._ids: dict[str, str] = {}
        self.exporter: str | None = None
        """The name of who made the export, bare, if it was found out."""

    def find(self, first: bytes) -> Sender:
        """The sender of a line, where ``first`` stands before its first ``: ``."""
        known = self.known.get(first)
        if known is None:
            known = self._make(first)
            if len(self.known) < _MOST:
                self.known[first] = known
        return known

    def has(self, name: bytes) -> bool:
        """Whether a name is known from other lines."""
        return name in self._facts.names

    def _make(self, first: bytes) -> Sender:
        counted = self._facts.names.get(first)
        flags: tuple[str, ...] = ()
        name = first
        if counted is not None and counted.second is not None:
            # All its lines go on alike up to a second colon: the name may end there.
            longer = first + b": " + counted.second
            text = longer.decode("utf-8", "backslashreplace")
            if self._title is not None and bare(text) == self._title:
                name = longer
            else:
                flags = ("sender_split_ambiguous",)
                if counted.count >= _SURE:
                    name = longer
        return Sender(
            text=name.decode("utf-8", "backslashreplace"),
            length=len(name),
            once=counted is None or counted.count == 1,
            flags=flags,
        )

    def participant(self, sender: Sender) -> Participant | None:
        """Make the sender's id; gives the participant to be told of, once."""
        name = bare(sender.text)
        known = self._ids.get(name)
        if known is not None:
            sender.id = known
            return None
        if len(self._ids) >= _MOST:
            sender.refused = True
            return None
        sender.id = self._ids[name] = f"{self._prefix}p{len(self._ids) + 1}"
        phone = name.replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
        native = [{"type": "phone", "value": name}] if phone[:1] == "+" and phone[1:].isdecimal() else []
        exporter = True if self.exporter is not None and name == self.exporter else None
        return Participant(sender.id, name, native, exporter)

    @property
    def full(self) -> bool:
        """True when there were more people than are kept apart."""
        return len(self._ids) >= _MOST or self._facts.too_many_names


def is_name(part: bytes) -> bool:
    """Whether what stands before a colon is short enough for a name."""
    return 0 < len(part) <= LONGEST_NAME
