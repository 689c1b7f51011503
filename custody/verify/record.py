"""The record in a package: entries and their places, and what was found out about them.

Entries are proven into one log note; the note is signed by keys that the ledger's own history names;
that history begins with the genesis, which the trust file or the twelve words confirm. So everything
hangs on one hash that somebody got through another channel. `reading` fills it, `signers` says who
signed and whether he could, `histories` whether anything was left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from custody.errors import FormatError
from custody.format import kinds
from custody.format.entry import Entry
from custody.format.note import Checkpoint, LogNote
from custody.format.text import check_time, show
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry that the package ships; of its bytes only what later checks need is kept.

    ``key_id``: who signed. ``body``: None when it was made by a newer custody; where the entry failed or its
    kind is not known, the body's public fields and approvals are empty: nothing reads them.
    """

    seq: int
    key_id: str
    body: Entry | None
    leaf: bytes

    @property
    def where(self) -> str:
        """How findings name it."""
        return f"entry {self.seq}" if self.body is None else f"entry {self.seq} ({show(self.body.kind, 60)})"


@dataclass(slots=True)
class Record:
    """What was read and proven of the record."""

    note: LogNote
    entries: dict[int, Placed] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    genesis_leaf: bytes | None = None
    newer: list[int] = field(default_factory=list)
    histories: dict[tuple[str, str], list[Placed]] = field(default_factory=dict)
    note_holds: bool = False
    """True once the package's note is signed by both log keys and is the one of the statement."""
    unsound: set[int] = field(default_factory=set)
    """Entries that failed: what they say is used for nothing, and may not even have the shape of their kind."""

    def sound(self, kind: str, history: Iterable[Placed]) -> Iterator[tuple[Placed, Entry]]:
        """The entries of one kind that hold, so that their public fields are as the table has them."""
        for placed in history:
            body = placed.body
            if body is not None and body.kind == kind and placed.seq not in self.unsound:
                yield placed, body

    @property
    def checkpoint(self) -> Checkpoint:
        """The state that the package's log note describes."""
        return self.note.checkpoint

    def of_type(self, subject_type: str) -> dict[str, list[Placed]]:
        """Histories by id, of one type of subject."""
        return {
            identifier: items for (kind, identifier), items in self.histories.items() if kind == subject_type
        }


def moment(text: str, where: str) -> dt.datetime:
    """The time that an entry states; FormatError for one that no clock can show, such as 30 February."""
    try:
        return dt.datetime.strptime(check_time(text, where=where), "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=dt.UTC
        )
    except ValueError as error:
        raise FormatError("not a UTC time", where=where, found=show(text, 60)) from error


def can_begin(beginning: Placed) -> bool:
    """False when entry 0 is of a version or kind that a newer custody may begin records with."""
    body = beginning.body
    return body is not None and kinds.known(body.kind)
