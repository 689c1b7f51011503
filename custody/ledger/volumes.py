"""The record over all volumes of a locker: closed ones beside the one that is written (decision 0021).

A closed volume is never written again: its file is opened so that SQLite can't change it, and makes no
file beside it. Its size is the one that its successor names, so that the number of an entry over all
volumes, its *position*, never changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.errors import CheckFailed
from custody.format import entry as entries
from custody.ledger.store import FILE_NAME, Head, Last, Ledger, Stored, View

HINT = "put the files of this locker back together as they were; nothing was changed"


def file_name(number: int) -> str:
    """The file of a closed volume, counted from 1."""
    return f"volume-{number}.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One volume: ``base`` entries stand in those before it; ``root`` is that of its own ``size`` entries."""

    number: int
    path: Path
    origin: str
    ledger: str
    base: int
    size: int
    root: bytes
    genesis_leaf: bytes


class Closed:
    """The closed volumes of a locker, opened for reading. Raises CheckFailed where they don't lead to the newest."""

    def __init__(self, folder: Path, newest: entries.Entry) -> None:
        self.volumes: tuple[Volume, ...] = ()
        self._ledgers: list[Ledger] = []
        try:
            self._open(folder, newest)
        except BaseException:
            self.close()
            raise

    def _open(self, folder: Path, newest: entries.Entry) -> None:
        paths: list[Path] = []
        while (path := folder / file_name(len(paths) + 1)).is_file():
            paths.append(path)
        if newest.kind != "ledger.continued":
            if paths:
                raise CheckFailed(
                    "a closed volume, and a record that does not go on from it",
                    where=str(folder / FILE_NAME),
                    hint=HINT,
                )
            return
        if not paths:
            raise CheckFailed(
                "the volume before is missing", where=str(folder), expected=file_name(1), hint=HINT
            )
        for path in paths:
            self._ledgers.append(Ledger(path, closed=True))
        beginnings: list[tuple[Stored, entries.Entry]] = []
        # All of them first: what follows asks each for what its successor says of it.
        for ledger in self._ledgers:
            with ledger.reading() as view:
                stored = view.entry(0)
            beginning = stored.read()
            if beginning.kind != ("ledger.continued" if beginnings else "ledger.created"):
                raise CheckFailed("not the beginning of a volume", where=ledger.path.name, hint=HINT)
            beginnings.append((stored, beginning))
        after = [*(beginning for _, beginning in beginnings[1:]), newest]
        base = 0
        found: list[Volume] = []
        for ledger, (stored, beginning), successor in zip(self._ledgers, beginnings, after, strict=True):
            root = _check_successor(ledger, beginning, successor)
            size: int = _named(successor)["size"]
            ledger.base, ledger.limit = base, size
            volume = Volume(
                number=len(found) + 1,
                path=ledger.path,
                origin=beginning.ledger,
                ledger=beginning.subject.id,
                base=base,
                size=size,
                root=root,
                genesis_leaf=stored.leaf,
            )
            found.append(volume)
            base += volume.size
        self.volumes = tuple(found)

    @property
    def files(self) -> tuple[Ledger, ...]:
        """Their files, opened for reading."""
        return tuple(self._ledgers)

    @property
    def size(self) -> int:
        """Entries in all closed volumes."""
        return sum(volume.size for volume in self.volumes)

    def close(self) -> None:
        """Let go of all files."""
        for ledger in self._ledgers:
            ledger.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[list[tuple[Volume, View]]]:
        """Each closed volume with what can be asked of it."""
        with contextlib.ExitStack() as stack:
            yield [
                (volume, stack.enter_context(ledger.reading()))
                for volume, ledger in zip(self.volumes, self._ledgers, strict=True)
            ]

    def last(self, subject: str) -> Last | None:
        """The last entry about a subject in the closed volumes, and the origin of its volume."""
        for volume, ledger in reversed(list(zip(self.volumes, self._ledgers, strict=True))):
            with ledger.reading() as view:
                head = view.head(subject)
            if head is not None:
                return Last(volume.origin, head.n, head.leaf)
        return None

    def first(self, subject: str) -> Stored | None:
        """The first entry about a subject in the closed volumes."""
        for ledger in self._ledgers:
            with ledger.reading() as view:
                found = view.history(subject, stop=1)
            if found:
                return found[0]
        return None


def _named(successor: entries.Entry) -> dict[str, Any]:
    successor.check_kind(where=f"entry 0 of {successor.ledger}")
    return dict(successor.public["predecessor"])


def _check_successor(ledger: Ledger, beginning: entries.Entry, successor: entries.Entry) -> bytes:
    """The root of a closed volume, once its successor names exactly this one, as large as it is."""
    named = _named(successor)
    where = ledger.path.name
    with ledger.reading() as view:
        if named["origin"] != beginning.ledger:
            raise CheckFailed(
                "not the volume that its successor goes on from",
                where=where,
                expected=str(named["origin"]),
                found=beginning.ledger,
                hint=HINT,
            )
        if view.size != named["size"]:
            raise CheckFailed(
                "another number of entries than its successor names",
                where=where,
                expected=str(named["size"]),
                found=str(view.size),
                hint=HINT,
            )
        root, head = view.root(), view.head(beginning.subject.id)
        if root.hex() != named["root"]:
            raise CheckFailed("another record than its successor names", where=where, hint=HINT)
        if head is None or (head.n, head.leaf.hex()) != (named["n"], named["leaf"]):
            raise CheckFailed(
                "the history of its ledger does not end where its successor says", where=where, hint=HINT
            )
    return root


class Record:
    """All volumes as one, entries counted over all of them. Like a `View`, it never changes."""

    def __init__(self, closed: Sequence[tuple[Volume, View]], newest: View) -> None:
        self.closed = tuple(closed)
        self.newest = newest

    @property
    def views(self) -> tuple[View, ...]:
        """What can be asked of each volume, in their order."""
        return (*(view for _, view in self.closed), self.newest)

    @property
    def base(self) -> int:
        """Entries in the closed volumes."""
        return self.newest.base

    @property
    def size(self) -> int:
        """Entries in all volumes."""
        return self.base + self.newest.size

    def again(self) -> Record:
        """The record as it stands now."""
        return Record(self.closed, self.newest.again())

    def root(self, size: int) -> bytes:
        """The root of the volume in which the entry before ``size`` stands, as large as it is there."""
        for view in reversed(self.views):
            if size > view.base or not view.base:
                return view.root(size - view.base)
        raise CheckFailed("no such size", found=str(size))

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Stored]:
        """Entries from position ``start`` up to and without ``stop``."""
        for view in self.views:
            until = view.size if stop is None else stop - view.base
            if until > 0:
                yield from view.entries(max(start - view.base, 0), min(until, view.size))

    def entries_and_leaves(self, start: int) -> Iterator[tuple[Stored, bytes | None]]:
        """Entries from position ``start`` on, each with the leaf hash that the tree's table has."""
        for view in self.views:
            if start < view.base + view.size:
                yield from view.entries_and_leaves(max(start - view.base, 0))

    def entry(self, position: int) -> Stored:
        """One entry; CheckFailed where there is none."""
        for stored in self.entries(position, position + 1):
            return stored
        raise CheckFailed("an entry is missing", where=f"entry {position}")

    def history(self, subject: str) -> list[Stored]:
        """All entries about a subject, over all volumes."""
        return [stored for view in self.views for stored in view.history(subject)]

    def first(self, subject: str) -> tuple[View, Stored] | None:
        """The first entry about a subject, and the volume that it stands in."""
        for view in self.views:
            found = view.history(subject, stop=1)
            if found:
                return view, found[0]
        return None

    def head(self, subject: str) -> Head | None:
        """The last entry about a subject; its number is counted in its own volume."""
        for view in reversed(self.views):
            head = view.head(subject)
            if head is not None:
                return head
        return None

    def check_count(self) -> None:
        """As `View.check_count`, for every volume."""
        for view in self.views:
            view.check_count()

    def ledgers(self) -> list[str]:
        """The ledger subjects of all volumes."""
        return [view.entry(0).read().subject.id for view in self.views]

    def whole_history(self, subject: str) -> list[Stored]:
        """As `View.whole_history`, over all volumes: each begins anew and says from where it goes on."""
        found: list[Stored] = []
        for view in self.views:
            origin = view.entry(0).read().ledger
            here = view.whole_history(subject)
            for stored in here:
                with contextlib.suppress(entries.NewerVersion):
                    _check_origin(stored, origin)
            if here and found:
                check_goes_on(here[0], found)
            found += here
        return found


def _check_origin(stored: Stored, origin: str) -> None:
    entry = stored.read()
    if entry.ledger != origin:
        raise CheckFailed("an entry of another ledger", where=f"entry {stored.position}", found=entry.ledger)


def check_goes_on(first: Stored, before: Sequence[Stored]) -> None:
    """Raise CheckFailed unless the first entry of a volume about a subject names the last one before it."""
    last = before[-1]
    in_volume = [stored for stored in before if stored.base == last.base]
    with contextlib.suppress(entries.NewerVersion):
        said = first.read().public.get("from")
        named = {"ledger": last.read().ledger, "n": len(in_volume) - 1, "leaf": last.leaf.hex()}
        if said != named:
            raise CheckFailed(
                "it does not go on from the last entry of an earlier volume about this",
                where=f"entry {first.position}",
            )
