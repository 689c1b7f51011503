"""What binds one volume to those before it: the end that its beginning names, and from where histories go on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from custody.errors import CheckFailed
from custody.format.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The volume that is looked at, and the ends of those before it.

    ``ends``: what a first entry about each subject must say that it goes on from; ``before``: what the
    beginning of this volume must say of the one before, None for the first.
    """

    origin: str
    ledger: str
    ends: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, Any] | None = None

    def begin(self, *, origin: str, ledger: str) -> Place:
        """The next volume."""
        return replace(self, origin=origin, ledger=ledger)

    def check_links(self, body: Entry, where: str) -> None:
        """Raise CheckFailed unless an entry names what it goes on from, exactly where it goes on from something."""
        if body.kind == "ledger.continued" and body.public["predecessor"] != self.before:
            raise CheckFailed(
                "the volume before is not the one that this record goes on from",
                where=where,
                expected=_words(body.public["predecessor"]),
                found=_words(self.before),
            )
        due = self.ends.get(body.subject.id) if body.subject.n == 0 else None
        if body.public.get("from") != due:
            raise CheckFailed(
                "it does not go on from the last entry of an earlier volume about this"
                if due is not None
                else "it says that it goes on from an earlier volume, which has nothing about this",
                where=where,
            )

    def end(
        self,
        heads: Mapping[str, tuple[int, bytes]],
        size: int,
        root: bytes,
        note: tuple[int, bytes] | None,
    ) -> Place:
        """The volume is read to its end."""
        ledger = heads.get(self.ledger)
        before = {
            "origin": self.origin,
            "size": size,
            "root": root.hex(),
            "note": None if note is None else hashlib.sha256(note[1]).hexdigest(),
            "n": -1 if ledger is None else ledger[0],
            "leaf": "" if ledger is None else ledger[1].hex(),
        }
        ends = {
            subject: {"ledger": self.origin, "n": n, "leaf": leaf.hex()}
            for subject, (n, leaf) in heads.items()
            if subject != self.ledger
        }
        return replace(self, ends={**self.ends, **ends}, before=before)


def _words(named: Mapping[str, Any] | None) -> str:
    return "nothing" if named is None else f"{named['size']} entries, root {named['root'][:16]}"
