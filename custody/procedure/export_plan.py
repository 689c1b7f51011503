"""What goes into a package: which items and parts, and what its `package.made` binds.

Everything here is known before a package's entries are appended, or read back from them when the
package is written again: the same functions make both, so both are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.errors import CheckFailed, InputRefused, NoRight
from custody.format import kinds, names, package
from custody.format.text import to_base64
from custody.ledger import histories
from custody.ledger.work import ItemRow
from custody.procedure import access
from custody.procedure.locker import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a package is about. ``exhibits``: labels by id; ``of_items``: how many items the case had.

    ``ledgers``: the ledgers of the volumes that there were, the one that was written last.
    """

    ledgers: tuple[str, ...]
    case: str
    items: tuple[ItemRow, ...]
    exhibits: Mapping[str, str]
    of_items: int

    def subjects(self) -> dict[str, str]:
        """Subjects whose whole histories are shipped, with their type; the ledgers of all volumes among them."""
        return {
            **dict.fromkeys(self.ledgers, "ledger"),
            self.case: "case",
            **dict.fromkeys(self.exhibits, "exhibit"),
            **{item.id: "item" for item in self.items},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of a package but its place in the record.

    ``heads``: (type, n, leaf) by subject, as the histories were read; ``contents``: the content part by
    item, ``paths``: where its file lies in the bag, unless it is only registered; ``withheld``: counts by compartment.
    """

    chosen: Chosen
    heads: Mapping[str, tuple[str, int, bytes]]
    opened: access.ForExport
    contents: Mapping[str, dict[str, Any]]
    paths: Mapping[str, str]
    withheld: Mapping[str, int]

    @property
    def items(self) -> tuple[ItemRow, ...]:
        """The items, in the order they came in."""
        return self.chosen.items

    @property
    def kept(self) -> tuple[ItemRow, ...]:
        """Those of the items that have a content."""
        return tuple(item for item in self.items if item.id in self.paths)

    @property
    def keys(self) -> list[tuple[int, str, str]]:
        """What is shown: (position, compartment, key in base64)."""
        return [(seq, name, to_base64(key)) for (seq, name), key in self.opened.keys.items()]

    @property
    def rows(self) -> list[package.Row]:
        """The rows of `shown.json`."""
        return [
            (kind, subject, n, leaf.hex())
            for subject, (kind, n, leaf) in self.heads.items()
            if kind != "item"
        ]

    def bound(self) -> dict[str, Any]:
        """The fields of `package.made` that bind what the package contains."""
        files = [(self.paths[item.id], self.contents[item.id]["digests"]["sha256"]) for item in self.kept]
        heads = {"ledger": self.heads[self.chosen.ledgers[-1]], "case": self.heads[self.chosen.case]}
        return {
            "contents": package.contents_digest(files, self.keys),
            "items": len(self.items),
            "withheld": dict(self.withheld),
            "heads": {name: {"n": head[1], "leaf": head[2].hex()} for name, head in heads.items()},
            "shown": hashlib.sha256(package.shown_bytes(self.rows)).hexdigest(),
        }


def choose(desk: Desk, case: str, items: Sequence[ItemRow], *, stop: int | None = None) -> Chosen:
    """The items of a case that go in (all when none is named) with their exhibits.

    ``stop``: as the case was before this position. Raises InputRefused for none, or for items of another case.
    """
    work = desk.locker.work
    everything = [item for item in work.items(case) if stop is None or item.seq < stop]
    chosen = tuple(sorted(items or everything, key=lambda item: item.seq))
    if not chosen:
        raise InputRefused(
            "there is nothing to export: the case has no items", hint="custody collect PATH --case REF"
        )
    if any(item.case != case for item in chosen):
        raise InputRefused("an item of another case", hint="a package is about one case")
    labels = {row.id: row.label for row in work.exhibits(case)}
    own = dict.fromkeys(item.exhibit for item in chosen)
    ids = {item.id for item in chosen}
    # An exhibit in which chosen items were received again goes along only when nothing else is in it: its
    # record tells of another source, perhaps of another person. A package of the whole case has them all.
    for exhibit in labels:
        inside = {item.id for item in work.items_of_exhibit(exhibit) if stop is None or item.seq < stop}
        inside |= {one.item for one in work.receipts(exhibit=exhibit) if stop is None or one.seq < stop}
        if inside and inside <= ids:
            own.setdefault(exhibit)
    exhibits = {identifier: labels[identifier] for identifier in own}
    volumes = desk.locker.volumes
    ledgers = tuple(volume.ledger for volume in volumes if stop is None or volume.base < stop)
    return Chosen(ledgers=ledgers, case=case, items=chosen, exhibits=exhibits, of_items=len(everything))


def shown_of(kind: str, shown: frozenset[str]) -> frozenset[str]:
    """The compartments shown of a subject: of the ledger's own history only names, and only when asked for."""
    if kind == "ledger":
        return frozenset({"identity", "title"}) if "custodians" in shown else frozenset()
    return shown - {"custodians"}


def make(
    desk: Desk,
    chosen: Chosen,
    shown: frozenset[str],
    *,
    asked: frozenset[str] = frozenset(),
    stop: int | None = None,
) -> Plan:
    """Open what a package shows, in memory. ``shown``: compartments; ``stop``: only entries before this position.

    Raises NoRight for what this custodian has no keys for: the content of every item, and what of
    ``asked`` stands somewhere (other parts that can't be opened count as withheld).
    """
    subjects = chosen.subjects()
    heads = _heads(desk, subjects, stop)
    wanted = {subject: shown_of(kind, shown) for subject, kind in subjects.items()}
    opened = access.open_for_export(desk, chosen.case, wanted, exhibits=frozenset(chosen.exhibits), stop=stop)
    withheld: dict[str, int] = {"purpose": 1}  # package.made's own
    contents: dict[str, dict[str, Any]] = {}
    for parts in opened.parts:
        body = parts.entry
        for name in body.sealed:
            if (parts.seq, name) not in opened.keys:
                withheld[name] = withheld.get(name, 0) + 1
        missed = set(parts.closed) & asked
        if missed:
            raise NoRight("your key was not given the keys to show this", found=", ".join(sorted(missed)))
        if body.kind in kinds.INTAKES and "content" in parts.values:
            contents[body.subject.id] = parts.values["content"]
    missing = [item.label for item in chosen.items if item.id not in contents]
    if missing:
        raise NoRight("your key can't open what is known of an item", where=missing[0])
    paths = {
        item.id: package.payload_path(item.label, contents[item.id]["media_type"])
        for item in chosen.items
        if item.object is not None
    }
    return Plan(chosen=chosen, heads=heads, opened=opened, contents=contents, paths=paths, withheld=withheld)


def _heads(desk: Desk, subjects: Mapping[str, str], stop: int | None) -> dict[str, tuple[str, int, bytes]]:
    found = {}
    with desk.locker.record() as record:
        histories.check_all_there(record, subjects)
        for subject, kind in subjects.items():
            if stop is None:
                head = record.head(subject)
                last = None if head is None else (kind, head.n, head.leaf)
            else:
                before = [one for one in record.history(subject) if one.position < stop]
                last = (kind, before[-1].read().subject.n, before[-1].leaf) if before else None
            if last is None:
                raise CheckFailed("a subject without entries", where=names.short(subject))
            found[subject] = last
    return found
