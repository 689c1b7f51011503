"""The record in a package: entries and their places, and what was found out about them.

Entries are proven into one log note; the note is signed by keys that the ledger's own history names;
that history begins with the genesis, which the trust file or the twelve words confirm. A record that goes on in a
new volume names the one before by its root, so the older entries are proven by that. So everything
hangs on one hash that somebody got through another channel. `reading` fills it, `signers` says who
signed and whether he could, `histories` whether anything was left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from custody.format import kinds, package
from custody.format.entry import Entry
from custody.format.note import Checkpoint, LogNote
from custody.format.text import show
from custody.verify.bundle import Bundle
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One volume of the record: where its files lie, and the state of it that its entries are proven into.

    ``number`` counts from 1, ``base`` the entries of the volumes before it. The newest volume's state is the
    package's log note; a closed one's is what its successor names (decision 0021).
    """

    number: int
    folder: str
    base: int
    checkpoint: Checkpoint

    @property
    def closed(self) -> bool:
        """True for all but the newest."""
        return self.folder != package.RECORD

    def entry(self, seq: int, *, several: bool) -> str:
        """How findings name an entry by its place in this volume."""
        return f"volume {self.number}, entry {seq}" if several else f"entry {seq}"

    def files(self, bundle: Bundle, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """This volume's files whose names match one of the patterns of `custody.format.package`."""
        for name in bundle.names:
            match = pattern.fullmatch(name)
            if match is not None and match[1] == self.folder:
                yield name, match


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry that the package ships; of its bytes only what later checks need is kept.

    ``seq``: its position over all volumes. ``name``: how findings name it. ``key_id``: who signed. ``body``:
    None when it was made by a newer custody; where the entry failed or its kind is not known, the body's
    public fields and approvals are empty: nothing reads them.
    """

    seq: int
    volume: int
    name: str
    key_id: str
    body: Entry | None
    leaf: bytes

    @property
    def where(self) -> str:
        """How findings name it, with its kind."""
        return self.name if self.body is None else f"{self.name} ({show(self.body.kind, 60)})"


@dataclass(slots=True)
class Record:
    """What was read and proven of the record."""

    note: LogNote
    volumes: tuple[Volume, ...]
    """The newest is the last."""
    entries: dict[int, Placed] = field(default_factory=dict)
    """By position: the number of an entry over all volumes."""
    rights: Rights = field(default_factory=Rights)
    beginnings: dict[int, bytes] = field(default_factory=dict)
    """Leaf hash of entry 0 by volume."""
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
        """The state of the newest volume, that the package's log note describes."""
        return self.note.checkpoint

    @property
    def size(self) -> int:
        """The number of entries in all volumes."""
        return self.volumes[-1].base + self.checkpoint.size

    @property
    def genesis_leaf(self) -> bytes | None:
        """Leaf hash of the newest volume's entry 0: what the trust file and the twelve words name."""
        return self.beginnings.get(self.volumes[-1].number)

    def log_keys(self, volume: Volume) -> Mapping[str, bytes]:
        """The keys that sign a volume's notes, as its entry 0 names them; none when that failed."""
        origin = volume.checkpoint.origin
        for before in self.rights.before:
            if before.origin == origin:
                return before.log_keys
        return self.rights.log_keys if self.rights.origin == origin else {}

    def name(self, seq: int) -> str:
        """How findings name an entry by its position."""
        volume = next((one for one in reversed(self.volumes) if one.base <= seq), self.volumes[0])
        return volume.entry(seq - volume.base, several=len(self.volumes) > 1)

    def of_type(self, subject_type: str) -> dict[str, list[Placed]]:
        """Histories by id, of one type of subject."""
        return {
            identifier: items for (kind, identifier), items in self.histories.items() if kind == subject_type
        }


def can_begin(beginning: Placed) -> bool:
    """False when an entry 0 is of a version or kind that a newer custody may begin volumes with."""
    body = beginning.body
    return body is not None and kinds.known(body.kind)
