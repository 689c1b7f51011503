"""Logging a batch of files that were read: objects durable, then rows, then entries, all in one group.

New items get keys under batch keys that are drawn here, wrapped once per custodian, and forgotten. What is
in already from another source becomes an `item.received` on the item that it is.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto import sealing, wrapping
from custody.format import contexts
from custody.keys.erasable import ItemKeys, Part
from custody.procedure import cases
from custody.procedure.acquisition import Acquisition, Exhibit, Request
from custody.procedure.derive import Child, Derived, NotRead, discard
from custody.procedure.intake import Job, Taken
from custody.procedure.keyring import wraps_for_readers
from custody.procedure.known import Known, Pair
from custody.procedure.locker import Desk, Writer
from custody.vault.writing import Staged


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemIn:
    """An item that is in. ``registered``: its digest is, its content was kept nowhere."""

    id: str
    label: str
    sha256: str
    size: int
    media_type: str
    flags: tuple[str, ...]
    path: bytes | None
    registered: bool = False
    derived: Derived | NotRead | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAgain:
    """The same bytes once more. ``label``: its place in this exhibit; ``item``, ``id``: the item that it is."""

    id: str
    item: str
    label: str
    sha256: str
    size: int
    path: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What a batch became, in the order of the files. ``elsewhere``: by label of a new item, labels of its twins."""

    items: tuple[ItemIn, ...]
    received: tuple[ReceivedAgain, ...]
    already: int
    elsewhere: Mapping[str, tuple[str, ...]]
    digests: tuple[str, ...]
    """SHA-256 of all that was logged."""


def log_batch(
    desk: Desk, request: Request, known: Known, acquisition: Acquisition, batch: Sequence[Pair]
) -> Logged:
    """Log a batch; all of it is durable on return, and after an exception none of it is left."""
    with desk.locker.ledger.reading() as view:
        size = view.size
    known.judge(batch)
    if any(pair.item for pair in batch):
        logged = _log(desk, request, known, acquisition, batch, size)
    else:
        logged = Logged(items=(), received=(), already=len(batch), elsewhere={}, digests=())
    for pair in batch:
        if not pair.fresh:
            if pair.taken.staged is not None:
                Path(pair.taken.staged.path).unlink(missing_ok=True)
            discard(pair.made)
    return logged


def _log(
    desk: Desk, request: Request, known: Known, acquisition: Acquisition, batch: Sequence[Pair], size: int
) -> Logged:
    vault = desk.locker.vault
    group = desk.rim.new_id()
    items: list[ItemIn] = []
    received: list[ReceivedAgain] = []
    elsewhere: dict[str, tuple[str, ...]] = {}
    exhibit: Exhibit | None = None
    writer: Writer | None = None
    try:
        with desk.write() as writer:
            # Under the lock: a neighbour may have taken the same files in, closed the case, or
            # granted it to somebody, since our files were read.
            cases.check_open(desk, request.case)
            if writer.append.size != size:
                known.judge(batch)
            machine.at_point("before objects")
            with vault.publishing(_staged(batch)):
                wanted = [pair for pair in batch if pair.item is not None]
                if wanted:
                    exhibit = acquisition.ensure(writer)
                    exhibit.check_room(len(wanted))
                    adding = Adding(
                        desk,
                        writer,
                        case=request.case,
                        exhibit=exhibit.id,
                        acquisition=exhibit.acquisition,
                        group=group,
                        register=request.register,
                    )
                    for place, pair in enumerate(wanted, exhibit.labels + 1):
                        label = f"{exhibit.label}/{place:02d}"
                        if pair.fresh:
                            items.append(adding.item(pair, label))
                            if pair.elsewhere:
                                elsewhere[label] = pair.elsewhere
                        else:
                            received.append(adding.received(request, pair, label, items))
                        writer.rows.lookups += known.lookups(pair)
                    adding.end(len(items), len(received), sum(len(pair.children) for pair in wanted))
            machine.at_point("after objects")
    except BaseException:
        if writer is None or not writer.unsure:
            _withdraw(desk, batch)
        raise
    if exhibit is not None:
        acquisition.size_after = writer.append.size
        exhibit.begun = True
        exhibit.labels += len(wanted)
    return Logged(
        items=tuple(items),
        received=tuple(received),
        already=len(batch) - len(wanted),
        elsewhere=elsewhere,
        digests=tuple(pair.taken.sha256 for pair in wanted),
    )


def _staged(batch: Sequence[Pair]) -> list[Staged]:
    """The sealed objects of the items that a batch becomes, and of what was derived from them."""
    takens = [
        taken
        for pair in batch
        if pair.fresh
        for taken in (pair.taken, *(child.taken for child in pair.children))
    ]
    return [taken.staged for taken in takens if taken.staged is not None]


def _withdraw(desk: Desk, batch: Sequence[Pair]) -> None:
    """Take objects back whose entries did not come; never one that an entry names.

    Runs while another error is on its way up: where the ledger can't be asked, all objects stay, and
    the next sweep takes those that nothing names.
    """
    with contextlib.suppress(Exception), desk.locker.record() as view:
        desk.locker.vault.withdraw(_staged([pair for pair in batch if view.head(pair.job.item) is None]))


class Adding:
    """The entries and rows of one batch, which goes into one acquisition of one exhibit (its id)."""

    def __init__(
        self,
        desk: Desk,
        writer: Writer,
        *,
        case: str,
        exhibit: str,
        acquisition: int,
        group: str,
        register: bool = False,
    ) -> None:
        self._desk = desk
        self._writer = writer
        self._case = case
        self._group = group
        self._register = register
        self._batch_keys = {name: desk.rim.random(32) for name in sealing.CLASSES}
        self._row_keys = {name: wrapping.RowKey(key) for name, key in self._batch_keys.items()}
        self._readers = desk.rights.readers(case)
        self._wrapped_to = [custodian.key_id for custodian, _ in self._readers]
        self._kind = "item.registered" if register else "item.collected"
        self._public = {"exhibit": exhibit, "acquisition": acquisition}

    def item(self, pair: Pair, label: str) -> ItemIn:
        """A new item: its entry, its sealed parts, its keys."""
        job, taken = pair.job, pair.taken
        staged = taken.staged
        self._writer.add_sealed(
            self._kind,
            "item",
            job.item,
            n=0,
            fresh=True,
            case=self._case,
            group=self._group,
            sealed=_digests(taken),
            public={
                **self._public,
                "label": label,
                "object": None if staged is None else {"id": staged.object_id, "size": staged.padded},
                "wrapped_to": self._wrapped_to,
            },
        )
        self._rows(job, taken)
        for at, child in enumerate(pair.children, 1):
            self.derived(child, job.item, f"{label}.{at}")
        return ItemIn(
            id=job.item,
            label=label,
            sha256=taken.sha256,
            size=taken.size,
            media_type=taken.content["media_type"],
            flags=tuple(taken.content["flags"]),
            path=taken.path,
            registered=staged is None,
            derived=pair.derived,
        )

    def derived(self, child: Child, parent: str, label: str) -> None:
        """What was made of an item: an item of its own, with keys of its own."""
        job, staged = child.job, child.taken.staged
        assert staged is not None
        self._writer.add_sealed(
            "item.derived",
            "item",
            job.item,
            n=0,
            fresh=True,
            case=self._case,
            group=self._group,
            sealed=_digests(child.taken),
            public={
                **self._public,
                "label": label,
                "object": {"id": staged.object_id, "size": staged.padded},
                "wrapped_to": self._wrapped_to,
                "parent": parent,
                "part": child.part,
            },
        )
        self._rows(job, child.taken)

    def _rows(self, job: Job, taken: Taken) -> None:
        rows = self._writer.rows
        rows.parts += [
            Part(subject=job.item, n=0, compartment=name, sealed=data, origin=self._desk.origin)
            for name, data in taken.parts.items()
        ]
        rows.items.append(self._wrapped(job.item, job.keys))

    def _wrapped(self, item: str, keys: Mapping[str, bytes]) -> ItemKeys:
        nonces = self._desk.rim.random(wrapping.NONCE * len(sealing.CLASSES))
        wrapped = {
            name: wrapping.wrap_row(
                self._row_keys[name],
                contexts.row(self._desk.origin, self._group, item, name),
                keys[name],
                nonces[wrapping.NONCE * at : wrapping.NONCE * (at + 1)],
            )
            for at, name in enumerate(sealing.CLASSES)
        }
        return ItemKeys(subject=item, batch=self._group, wrapped=wrapped, origin=self._desk.origin)

    def received(self, request: Request, pair: Pair, label: str, new: Sequence[ItemIn]) -> ReceivedAgain:
        """The same bytes on the item that they are, with their own name, source and flags, under its keys."""
        assert pair.item is not None
        taken, item = pair.taken, pair.item
        parts: dict[str, dict[str, Any]] = {
            "content": dict(taken.content),
            "name": dict(taken.name),
            "source": dict(request.record.get("source", {})),
        }
        if request.handling != ("unassessed",):
            # "Nobody has looked" about the second copy takes nothing back of what is known of the first.
            parts["handling"] = {"flags": list(request.handling)}
        self._writer.add(
            "item.received",
            "item",
            item,
            case=self._case,
            group=self._group,
            public={**self._public, "label": label, "wrapped_to": []},
            parts=parts,
            keys=pair.keys,
        )
        row = self._desk.locker.work.item(item)
        first = row.label if row is not None else next(one.label for one in new if one.id == item)
        return ReceivedAgain(
            id=item, item=first, label=label, sha256=taken.sha256, size=taken.size, path=taken.path
        )

    def end(self, new: int, received: int, derived: int = 0) -> None:
        """The count in the case's history, and the batch keys for those who may read."""
        registered = new if self._register else 0
        self._writer.add(
            "case.extended",
            "case",
            self._case,
            case=self._case,
            group=self._group,
            public={
                "exhibit": self._public["exhibit"],
                "items": new - registered,
                "derived": derived,
                "received": received,
                "registered": registered,
            },
        )
        if new or derived:
            self._writer.rows.wraps += wraps_for_readers(
                self._desk.origin, self._group, "batch", self._batch_keys, self._readers
            )


def _digests(taken: Taken) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in taken.parts.items()}
