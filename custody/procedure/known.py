"""What is in already: the same bytes, from the same source or from another, told by keyed hashes.

Nothing is opened for it. A custodian without the case's `record` key (a collector) can't tell, and takes
everything as new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.crypto import sealing
from custody.errors import CustodyError
from custody.format import canonical
from custody.keys.erasable import Lookup
from custody.ledger.work import ItemRow
from custody.procedure.derive import Child, Derived, NotRead
from custody.procedure.intake import Job, Taken
from custody.procedure.locker import Desk
from custody.procedure.lookups import Seek, Tags


@dataclass(slots=True)
class Pair:
    """A file that was read, and what becomes of it.

    ``item``: the item that it is or, when its bytes are in, is received again on; None when the same bytes
    from the same source are in, and nothing is to be logged. ``keys``: that item's class keys.
    ``elsewhere``: items with the same bytes that it could not be received on. ``derived``: what was made of it,
    logged with it where it becomes an item.
    """

    job: Job
    taken: Taken
    item: str | None = None
    keys: Mapping[str, bytes] | None = None
    elsewhere: tuple[str, ...] = ()
    derived: Derived | NotRead | None = None

    @property
    def tags(self) -> Tags | None:
        """How it is found again; None without the case's index key."""
        return self.taken.tags

    @property
    def made(self) -> tuple[Child, ...]:
        """All that was derived from it and lies in the staging folder."""
        return self.derived.children if isinstance(self.derived, Derived) else ()

    @property
    def children(self) -> tuple[Child, ...]:
        """The derived items that go with it; none where it is no item of its own."""
        return self.made if self.fresh else ()

    @property
    def fresh(self) -> bool:
        """True when it becomes an item of its own."""
        return self.item == self.job.item


class Known:
    """Tells of each file whether it is in already, in one case."""

    def __init__(self, desk: Desk, case: str, source: Mapping[str, Any], *, keep: bool, again: bool) -> None:
        self._desk = desk
        self._case = case
        self._keep = keep
        self._again = again
        self.key = desk.ring.index_key(case)
        stated = hashlib.sha256(canonical.encode(dict(source))).digest()
        self.seek = None if self.key is None else Seek(self.key, stated)
        """What the files' tags are made with; None without the index key."""

    def lookups(self, pair: Pair) -> list[Lookup]:
        """The rows by which a file is found again as its item."""
        if pair.tags is None or pair.item is None:
            return []
        tags = (pair.tags.content, pair.tags.origin) if pair.fresh else (pair.tags.origin,)
        return [Lookup(case=self._case, tag=tag, subject=pair.item) for tag in tags]

    def judge(self, batch: Sequence[Pair]) -> None:
        """Say of each file of a batch what becomes of it, in their order: of two in it, the second is known."""
        tags = [tag for pair in batch if pair.tags for tag in (pair.tags.content, pair.tags.origin)]
        rows = self._rows(tags)
        here: dict[bytes, Pair] = {}
        """Those of this batch that become items, by content."""
        seen: set[bytes] = set()
        for pair in batch:
            pair.item, pair.keys, pair.elsewhere = pair.job.item, pair.job.keys, ()
            if pair.tags is None:
                continue
            same_source = [row for row in rows.get(pair.tags.origin, ()) if self._holds(row)]
            if (same_source or pair.tags.origin in seen) and not self._again:
                pair.item, pair.keys = None, None
                continue
            seen.add(pair.tags.origin)
            # That two files are empty says nothing of where they come from, and keeping both costs nothing.
            same_as = pair.tags.content if pair.taken.size else pair.tags.origin
            twin = here.get(same_as)
            if twin is not None:
                pair.item, pair.keys = twin.item, twin.keys
                continue
            same = rows.get(same_as, ())
            for row in same:
                keys = self._keys(row) if self._holds(row) else None
                if keys is not None:
                    pair.item, pair.keys = row.id, keys
                    break
            else:
                pair.elsewhere = tuple(row.label for row in same)
            here[same_as] = pair

    def _rows(self, tags: Sequence[bytes]) -> dict[bytes, list[ItemRow]]:
        found = self._desk.locker.erasable.find(self._case, tags) if tags else {}
        if not found:
            return {}
        work = self._desk.locker.work
        # A crash leaves look-ups of items that never came in: only what the ledger has counts.
        rows = {one: work.item(one) for subjects in found.values() for one in subjects}
        return {
            tag: [row for one in subjects if (row := rows[one]) is not None and row.case == self._case]
            for tag, subjects in found.items()
        }

    def _holds(self, row: ItemRow) -> bool:
        """True when nothing is lost by not keeping the same bytes once more.

        An item that is only registered has no content, and an object that is missing or cut off is one that
        somebody is glad to get again. Whether it is whole, only reading it would tell: that is for `check`.
        """
        if not self._keep:
            return True
        if row.object is None or row.size is None:
            return False
        return self._desk.locker.vault.size_of(row.object) == sealing.sealed_size(row.size)

    def _keys(self, row: ItemRow) -> dict[str, bytes] | None:
        """The item's class keys, where this custodian can write about it; else it is taken as new."""
        try:
            keys = self._desk.ring.item_keys(row.id)
        except CustodyError:
            return None
        return keys if "record" in keys else None
