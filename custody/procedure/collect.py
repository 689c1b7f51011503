"""Collecting: files become items, each sealed under keys of its own, logged in batches.

The shape is the measured one: worker processes read, hash and seal; every batch of 100 items has four
batch keys, wrapped once per custodian; its objects are made durable, then its rows, then its entries,
in one go. What was reported as in, is in.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from custody import __version__, machine
from custody.crypto import sealing, wrapping
from custody.errors import InputRefused, MachineError, NoRight, UsageError
from custody.format import canonical, compartments, contexts, names
from custody.format.entry import check_compartment
from custody.format.text import show
from custody.keys.erasable import ItemKeys, Part
from custody.procedure import cases
from custody.procedure.intake import Job, NotTaken, Taken, begin_worker, take, take_stream
from custody.procedure.keyring import lookup, lookup_tag, wraps_for_readers
from custody.procedure.locker import Desk, Writer
from custody.procedure.seal import Sealed, seal
from custody.procedure.sources import Found, Refused, Source, folders
from custody.procedure.sweep import sweep

BATCH_ITEMS = 100
BATCH_BYTES = 256 << 20
MANY = 50
"""Above so many files the command shows a summary and asks."""

_WORKERS_FROM = 64
"""So many small files are worth starting worker processes for (0.3 s)."""

MUST_STATE = (
    ("capture", "description"),
    ("capture", "method"),
    ("capture", "collector_role"),
    ("capture", "original_untouched"),
    ("capture", "completeness"),
    ("source", "kind"),
    ("source", "text"),
    ("place", "text"),
    ("legal", "basis"),
)
"""What an acquisition record must say (ISO/IEC 27037, SWGDE, Berkeley Protocol); unsaid ones are listed as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person says about an acquisition.

    ``record``: stated fields by compartment (see `compartments.form_fields`); ``handling``: flags;
    ``expect``: the sender's SHA-256 (hex) of the one file; ``digests``: further algorithms.
    """

    case: str
    exhibit: str | None = None
    record: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    handling: tuple[str, ...] = ("unassessed",)
    expect: str | None = None
    digests: tuple[str, ...] = ("sha256",)
    act: str = "files"
    seal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemIn:
    """An item that is in."""

    id: str
    label: str
    sha256: str
    size: int
    media_type: str
    flags: tuple[str, ...]
    path: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a collect did. ``digest`` is over all items' digests: printed, never stored.

    ``already``: files whose same bytes from the same source were in; ``elsewhere``: labels of items
    with the same bytes from another source, by label of the new item; ``no_lookup``: this custodian
    has no key to tell what is in already.
    """

    exhibit: str | None
    items: tuple[ItemIn, ...]
    already: int
    elsewhere: Mapping[str, tuple[str, ...]]
    refused: tuple[Refused, ...]
    originals: tuple[bytes, ...]
    interrupted: bool
    continued: bool
    no_lookup: bool
    not_stated: tuple[str, ...]
    seconds: float
    sealed: Sealed | None

    @property
    def size(self) -> int:
        """The items' bytes together."""
        return sum(item.size for item in self.items)

    @property
    def digest(self) -> str:
        """SHA-256 over the items' SHA-256, in order, one lower-case hex line each."""
        return hashlib.sha256("".join(f"{item.sha256}\n" for item in self.items).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collect is: files and bytes done of all."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    seconds: float


@dataclass(slots=True)
class _Exhibit:
    """The exhibit that items go into, and the acquisition in it."""

    id: str
    label: str
    keys: dict[str, bytes]
    acquisition: int
    begun: bool
    new: bool
    items_before: int
    continued: bool = False
    to_end: bool = False
    """An earlier volume left it open, with all its items in: it is begun again only to be ended."""


def collect(
    desk: Desk,
    found: Found,
    request: Request,
    *,
    stream: BinaryIO | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
) -> Collected:
    """Take all of ``found`` (or ``stream``, standard input) into the case.

    Ctrl-C ends it after the batch in hand: what was reported as in stays in, the rest is untouched,
    and the acquisition is closed as interrupted. Raises InputRefused when nothing could be taken.
    """
    check_request(desk, request, found, stream)
    return _Run(desk, request, found, stream, progress, workers).run()


def check_request(desk: Desk, request: Request, found: Found, stream: BinaryIO | None) -> None:
    """Raise for a request that can't be carried out; nothing is opened or written."""
    desk.need("collect", request.case, what="collect")
    cases.check_open(desk, request.case)
    for flag in request.handling:
        if flag not in compartments.HANDLING_FLAGS:
            raise UsageError(
                "not a handling flag", found=show(flag, 40), expected=", ".join(compartments.HANDLING_FLAGS)
            )
    for name in request.digests:
        if name not in ("sha256", "sha512", "sha1", "md5", "sha3_256", "blake2b"):
            raise UsageError("not a digest that is offered", found=show(name, 40))
    if request.exhibit is not None:
        try:
            names.check_exhibit_label(request.exhibit, where="--exhibit")
        except InputRefused as error:
            raise UsageError(
                error.what,
                where="--exhibit",
                expected=error.expected,
                found=error.found,
                hint="a label is public: neutral, never a name",
            ) from error
    for part, values in request.record.items():
        check_compartment(part, dict(values), where="acquisition record")
    if request.expect is not None and (stream is not None) + len(found.sources) != 1:
        raise UsageError("--expect is about one file", found=f"{len(found.sources)} files")
    if not desk.rights.readers(request.case):
        raise NoRight("nobody could read what would be collected: no custodian has a right to read this case")


class _Run:
    """One run of `collect`."""

    def __init__(
        self,
        desk: Desk,
        request: Request,
        found: Found,
        stream: BinaryIO | None,
        progress: Callable[[Progress], None] | None,
        workers: int | None,
    ) -> None:
        self.desk = desk
        self.request = request
        self.found = found
        self.stream = stream
        self.progress = progress
        self.workers = workers
        self.index_key = desk.ring.index_key(request.case)
        self.started = desk.rim.now()
        self.clock = time.monotonic()
        self.items: list[ItemIn] = []
        self.refused = list(found.refused)
        self.already = 0
        self.elsewhere: dict[str, tuple[str, ...]] = {}
        self.exhibit: _Exhibit | None = None
        self.size_after = 0
        self.done_files = 0
        self.done_bytes = 0
        self.failure: NotTaken | None = None
        self.interrupted = False
        self.typed: tuple[bytes, bytes, str] | None = None

    def run(self) -> Collected:
        vault = self.desk.locker.vault
        with contextlib.ExitStack() as stack:
            with self.desk.locker.lock():
                sweep(self.desk.locker)  # what crashed work left; a neighbour's is held by its lock
                # Under the same lock: a folder that is made and not yet held looks like a leftover to others.
                staging = stack.enter_context(vault.staging())
            try:
                for batch in self._batches(str(staging.directory)):
                    with machine.uninterrupted():
                        self._commit(batch)
                    if self.failure is not None:
                        break
            except KeyboardInterrupt:
                self.interrupted = True
        with machine.uninterrupted():
            if self.already and self.exhibit is None and not (self.interrupted or self.failure):
                self.exhibit = self._crashed_at_the_end()
            self._complete()
        if self.failure is not None:
            raise MachineError(
                self.failure.reason,
                hint=f"{len(self.items)} items are in and stay in; {self.failure.hint or 'mend it and run it again'}",
            )
        sealed = None
        if self.items and self.request.seal and not self.interrupted:
            sealed = seal(self.desk)
        if not self.items and not self.already and not self.interrupted:
            self._nothing_taken()
        return Collected(
            exhibit=self.exhibit.label if self.exhibit and self.exhibit.begun else None,
            items=tuple(self.items),
            already=self.already,
            elsewhere=self.elsewhere,
            refused=tuple(self.refused),
            originals=folders(item.path for item in self.items if item.path is not None),
            interrupted=self.interrupted,
            continued=bool(self.exhibit and self.exhibit.continued),
            no_lookup=self.index_key is None,
            not_stated=self._not_stated(),
            seconds=time.monotonic() - self.clock,
            sealed=sealed,
        )

    def _nothing_taken(self) -> None:
        if not self.refused:
            raise InputRefused(
                "there is no file to take",
                hint="an empty folder has no content; name files or folders with files",
            )
        first = self.refused[0]
        more = f" (and {len(self.refused) - 1} more)" if len(self.refused) > 1 else ""
        raise InputRefused(
            f"{first.reason}{more}; nothing was taken",
            where=show(first.path),
            hint="mend it and run the command again",
        )

    # Reading and sealing

    def _jobs(self, staging: str) -> Iterator[tuple[Source, Job]]:
        for source in self.found.sources:
            yield source, self._job(staging, path=source.path, told=source.told)

    def _job(
        self,
        staging: str,
        *,
        path: bytes | None,
        told: bytes | None = None,
        name: bytes = b"",
        data: bytes | None = None,
        media_type: str | None = None,
    ) -> Job:
        rim = self.desk.rim
        return Job(
            item=rim.new_id(),
            path=path,
            told=told,
            keys={class_name: rim.random(32) for class_name in sealing.CLASSES},
            origin=self.desk.origin,
            staging=staging,
            digests=tuple(dict.fromkeys(("sha256", *self.request.digests))),
            handling=self.request.handling,
            expect=self.request.expect,
            data=data,
            name=name,
            media_type=media_type,
        )

    def _batches(self, staging: str) -> Iterator[list[tuple[Job, Taken]]]:
        batch: list[tuple[Job, Taken]] = []
        size = 0
        for job, result in self._results(staging):
            self.done_files += 1
            if isinstance(result, NotTaken):
                if result.machine is not None:
                    self.failure = result
                    break
                self.refused.append(Refused(path=result.path or b"-", code=result.code, reason=result.reason))
                continue
            batch.append((job, result))
            size += result.staged.size
            if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _results(self, staging: str) -> Iterator[tuple[Job, Taken | NotTaken]]:
        if self.stream is not None:
            job = self._job(staging, path=None, name=b"standard input")
            yield job, take_stream(job, self.stream, self._read)
            return
        if self.typed is not None:
            data, name, media_type = self.typed
            job = self._job(staging, path=None, name=name, data=data, media_type=media_type)
            yield job, take(job)
            return
        small = [source for source in self.found.sources if source.size <= 1 << 20]
        count = self.workers if self.workers is not None else min(4, os.cpu_count() or 1)
        if count < 1 or len(small) < _WORKERS_FROM:
            for _, job in self._jobs(staging):
                yield job, take(job, self._read)
            return
        yield from self._with_workers(staging, count)

    def _with_workers(self, staging: str, count: int) -> Iterator[tuple[Job, Taken | NotTaken]]:
        """Small files go to processes, in order; large ones are taken here, with threads of their own."""
        # Spawned, not forked: this process has threads, and a forked copy would hold their locks.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(
            count, mp_context=context, initializer=begin_worker
        ) as pool:
            waiting: list[tuple[Source, Job, concurrent.futures.Future[Taken | NotTaken] | None]] = []
            try:
                for source, job in self._jobs(staging):
                    future = pool.submit(take, job) if source.size <= 1 << 20 else None
                    waiting.append((source, job, future))
                    if len(waiting) >= 2 * BATCH_ITEMS:
                        yield self._result(*waiting.pop(0))
                while waiting:
                    yield self._result(*waiting.pop(0))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _result(
        self, source: Source, job: Job, future: concurrent.futures.Future[Taken | NotTaken] | None
    ) -> tuple[Job, Taken | NotTaken]:
        if future is None:
            return job, take(job, self._read)
        try:
            result = future.result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise MachineError(
                "a worker process was ended from outside (out of memory?)",
                hint="run the command again: it continues",
            ) from error
        self._read(source.size)
        return job, result

    def _read(self, count: int) -> None:
        self.done_bytes += count
        if self.progress is not None:
            total = self.found.size
            seconds = time.monotonic() - self.clock
            self.progress(Progress(self.done_files, len(self.found.sources), self.done_bytes, total, seconds))

    # Logging

    def _commit(self, batch: list[tuple[Job, Taken]]) -> None:
        fresh, elsewhere = self._without_known(batch)
        if not fresh:
            return
        desk, store = self.desk, self.desk.locker
        group = desk.rim.new_id()
        batch_keys = {name: desk.rim.random(32) for name in sealing.CLASSES}
        late: set[str] = set()
        writer: Writer | None = None
        try:
            with desk.write() as writer:
                # Under the lock: a neighbour may have taken the same files in, closed the case, or
                # granted it to somebody, since our files were read.
                cases.check_open(desk, self.request.case)
                late = self._taken_meanwhile(fresh)
                fresh = [pair for pair in fresh if pair[0].item not in late]
                machine.at_point("before objects")
                store.vault.publish([taken.staged for _, taken in fresh])
                machine.at_point("after objects")
                new = []
                if fresh:
                    readers = desk.rights.readers(self.request.case)
                    exhibit = self._exhibit(writer)
                    new = self._append(
                        writer, exhibit, fresh, group, batch_keys, [c.key_id for c, _ in readers]
                    )
                    writer.rows.wraps += wraps_for_readers(desk.origin, group, "batch", batch_keys, readers)
        except BaseException:
            if writer is None or not writer.unsure:
                self._withdraw(fresh)
            raise
        self.already += len(late)
        if not fresh:
            return
        self.size_after = writer.append.size
        exhibit.begun = True
        exhibit.items_before += len(new)
        self.items += new
        labels = {item.id: item.label for item in new}
        self.elsewhere |= {
            labels[item]: tuple(labels.get(one, one) for one in same) for item, same in elsewhere.items()
        }

    def _taken_meanwhile(self, fresh: Sequence[tuple[Job, Taken]]) -> set[str]:
        """Jobs whose same bytes from the same source somebody else took in since they were read."""
        if self.index_key is None:
            return set()
        tags = {lookup_tag(self.index_key, *self._tag_values(taken)[1]): job.item for job, taken in fresh}
        known = self.desk.locker.erasable.find(self.request.case, list(tags))
        work = self.desk.locker.work if known else None
        return {tags[tag] for tag, subjects in known.items() if work and any(map(work.item, subjects))}

    def _withdraw(self, fresh: Sequence[tuple[Job, Taken]]) -> None:
        """Take objects back whose entries did not come; never one that an entry names.

        Runs while another error is on its way up: where the ledger can't be asked, all objects stay, and
        the next sweep takes those that nothing names.
        """
        with contextlib.suppress(Exception), self.desk.locker.record() as view:
            self.desk.locker.vault.withdraw(
                [taken.staged for job, taken in fresh if view.head(job.item) is None]
            )

    def _append(
        self,
        writer: Writer,
        exhibit: _Exhibit,
        fresh: Sequence[tuple[Job, Taken]],
        group: str,
        batch_keys: Mapping[str, bytes],
        wrapped_to: list[str],
    ) -> list[ItemIn]:
        case = self.request.case
        new = []
        for place, (job, taken) in enumerate(fresh, exhibit.items_before + 1):
            label = f"{exhibit.label}/{place:02d}"
            sealed = {name: hashlib.sha256(data).hexdigest() for name, data in taken.parts.items()}
            writer.add_sealed(
                "item.collected",
                "item",
                job.item,
                n=0,
                fresh=True,
                case=case,
                group=group,
                sealed=sealed,
                public={
                    "exhibit": exhibit.id,
                    "acquisition": exhibit.acquisition,
                    "label": label,
                    "object": {"id": taken.staged.object_id, "size": taken.staged.padded},
                    "wrapped_to": wrapped_to,
                },
            )
            writer.rows.parts += [
                Part(origin=self.desk.origin, subject=job.item, n=0, compartment=name, sealed=data)
                for name, data in taken.parts.items()
            ]
            writer.rows.items.append(self._wrapped(job, group, batch_keys))
            if self.index_key is not None:
                for kind, value in self._tag_values(taken):
                    writer.rows.lookups.append(lookup(self.index_key, case, kind, value, job.item))
            new.append(
                ItemIn(
                    id=job.item,
                    label=label,
                    sha256=taken.staged.sha256,
                    size=taken.staged.size,
                    media_type=taken.media_type,
                    flags=taken.flags,
                    path=taken.path,
                )
            )
        public = {"exhibit": exhibit.id, "items": len(new), "derived": 0, "received": 0, "registered": 0}
        writer.add("case.extended", "case", case, case=case, group=group, public=public)
        return new

    def _wrapped(self, job: Job, batch: str, batch_keys: Mapping[str, bytes]) -> ItemKeys:
        origin = self.desk.origin
        wrapped = {
            name: wrapping.wrap_row(
                batch_keys[name],
                contexts.row(origin, batch, job.item, name),
                job.keys[name],
                self.desk.rim.random(wrapping.NONCE),
            )
            for name in sealing.CLASSES
        }
        return ItemKeys(origin=origin, subject=job.item, batch=batch, wrapped=wrapped)

    # What is in already

    def _tag_values(self, taken: Taken) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        digest = bytes.fromhex(taken.staged.sha256)
        source = canonical.encode(dict(self.request.record.get("source", {})))
        origin = hashlib.sha256(source).digest() + hashlib.sha256(taken.path or b"-").digest()
        return ("content", digest), ("origin", digest + origin)

    def _without_known(
        self, batch: list[tuple[Job, Taken]]
    ) -> tuple[list[tuple[Job, Taken]], dict[str, list[str]]]:
        """Those whose same bytes from the same source are not in yet; what is, is counted.

        Also, by the id of each that stays, where the same bytes are: labels of items that are in, ids
        of items of this batch.
        """
        elsewhere: dict[str, list[str]] = {}
        if self.index_key is None:
            return batch, elsewhere
        key, case = self.index_key, self.request.case
        values = [self._tag_values(taken) for _, taken in batch]
        tags = [(lookup_tag(key, *content), lookup_tag(key, *origin)) for content, origin in values]
        known = self.desk.locker.erasable.find(case, [tag for pair in tags for tag in pair])
        # A crash leaves look-ups of items that never came in: only what the ledger has counts.
        work = self.desk.locker.work if known else None
        rows = {s: work.item(s) for subjects in known.values() for s in subjects} if work else {}
        known = {tag: [s for s in subjects if rows[s] is not None] for tag, subjects in known.items()}
        fresh = []
        here: dict[bytes, list[str]] = {}
        for (job, taken), (content, origin) in zip(batch, tags, strict=True):
            if known.get(origin):
                self.already += 1
                Path(taken.staged.path).unlink(missing_ok=True)
                continue
            fresh.append((job, taken))
            same = [row.label for s in known.get(content, ()) if (row := rows[s]) is not None]
            if same or content in here:
                elsewhere[job.item] = same + here.get(content, [])
            here.setdefault(content, []).append(job.item)
        return fresh, elsewhere

    # The exhibit and its acquisitions

    def _paths_value(self) -> bytes:
        """What tells an acquisition again: who, which paths, and what was stated about it."""
        paths = b"".join(hashlib.sha256(path).digest() for path in sorted(self.found.given))
        stated = canonical.encode({name: dict(values) for name, values in self.request.record.items()})
        return self.desk.key_id.encode() + hashlib.sha256(paths).digest() + hashlib.sha256(stated).digest()

    def _exhibit(self, writer: Writer) -> _Exhibit:
        if self.exhibit is None:
            self.exhibit = self._choose_exhibit()
        exhibit = self.exhibit
        if exhibit.begun and writer.append.size != self.size_after:
            # Somebody else wrote since our last batch, perhaps into this exhibit: labels stay unique.
            exhibit.items_before = len(self.desk.locker.work.items_of_exhibit(exhibit.id))
        if not exhibit.begun:
            self._begin(writer, exhibit)
        return exhibit

    def _choose_exhibit(self) -> _Exhibit:
        work, case = self.desk.locker.work, self.request.case
        exhibits = {row.label: row for row in work.exhibits(case)}
        unfinished = self._unfinished()
        wanted = exhibits.get(self.request.exhibit) if self.request.exhibit else unfinished
        if wanted is None:
            label = self.request.exhibit or _next_label(exhibits)
            keys = {name: self.desk.rim.random(32) for name in sealing.OTHER_CLASSES}
            return _Exhibit(self.desk.rim.new_id(), label, keys, 0, begun=False, new=True, items_before=0)
        keys = cases.need_keys(self.desk, wanted.id, what=f"exhibit {wanted.label}")
        count = len(work.items_of_exhibit(wanted.id))
        exhibit = _Exhibit(wanted.id, wanted.label, keys, 0, begun=False, new=False, items_before=count)
        # Only the same paths under the same record are the same acquisition; all else begins another.
        if unfinished is not None and unfinished.id == wanted.id:
            last = work.acquisitions(wanted.id)[-1]
            exhibit.continued = True
            # Numbers are counted anew in each volume: what an earlier one left open is gone on with in a new one.
            exhibit.begun = last.ended is None and last.ledger == self.desk.origin
            exhibit.acquisition = last.n
        return exhibit

    def _crashed_at_the_end(self) -> _Exhibit | None:
        """The exhibit of an acquisition whose items are all in, and only its end was never logged."""
        wanted = self._unfinished()
        if wanted is None or self.desk.locker.work.acquisitions(wanted.id)[-1].ended is not None:
            return None
        keys = cases.need_keys(self.desk, wanted.id, what=f"exhibit {wanted.label}")
        last = self.desk.locker.work.acquisitions(wanted.id)[-1]
        here = last.ledger == self.desk.origin
        return _Exhibit(
            wanted.id,
            wanted.label,
            keys,
            last.n,
            begun=here,
            new=False,
            items_before=0,
            continued=True,
            to_end=not here,
        )

    def _unfinished(self) -> Any:
        """The exhibit of an acquisition of the same paths by the same custodian that did not end well."""
        if self.index_key is None:
            return None
        case, work = self.request.case, self.desk.locker.work
        tag = lookup_tag(self.index_key, "paths", self._paths_value())
        rows = {row.id: row for row in work.exhibits(case)}
        for subject in sorted(self.desk.locker.erasable.find(case, [tag]).get(tag, []), reverse=True):
            if subject in rows:
                last = work.acquisitions(subject)[-1]
                if last.actor == self.desk.key_id and last.ended in (None, "interrupted"):
                    return rows[subject]
        return None

    def _begin(self, writer: Writer, exhibit: _Exhibit) -> None:
        desk, case = self.desk, self.request.case
        exhibit.acquisition = writer.append.next_n(exhibit.id)
        parts = {name: dict(values) for name, values in self.request.record.items() if values}
        capture = parts.setdefault("capture", {})
        capture |= {
            "tool": f"custody {__version__}",
            "started": desk.rim.wall(),
            "offset": _offset(self.started),
            "not_stated": list(self._not_stated()),
        }
        given = list(dict.fromkeys(os.path.dirname(path) for path in self.found.given))[:256]
        if given:
            parts.setdefault("place", {})["folders"] = [compartments.name_value(folder) for folder in given]
        writer.add(
            "exhibit.acquired",
            "exhibit",
            exhibit.id,
            case=case,
            public={"label": exhibit.label, "act": self.request.act},
            parts=parts,
            keys=exhibit.keys,
        )
        if exhibit.new:
            readers = desk.rights.readers(case)
            writer.rows.wraps += wraps_for_readers(desk.origin, exhibit.id, "keys", exhibit.keys, readers)
        if self.index_key is not None and self.found.sources:
            writer.rows.lookups.append(lookup(self.index_key, case, "paths", self._paths_value(), exhibit.id))

    def _complete(self) -> None:
        """Close the acquisition: what came in, what was refused and why, whether it was cut short."""
        exhibit = self.exhibit
        if exhibit is None or not (exhibit.begun or exhibit.to_end):
            return
        reasons: dict[str, int] = {}
        for refused in self.refused:
            reasons[refused.code] = reasons.get(refused.code, 0) + 1
        parts: dict[str, dict[str, Any]] = {
            "capture": {"ended": self.desk.rim.wall(), "refused": len(self.refused), "reasons": reasons}
        }
        if self.refused:
            parts["note"] = _refused_note(self.refused)
        with self.desk.write() as writer:
            if not exhibit.begun:
                self._begin(writer, exhibit)
            writer.add(
                "exhibit.completed",
                "exhibit",
                exhibit.id,
                case=self.request.case,
                public={
                    "acquisition": exhibit.acquisition,
                    "items": self.desk.locker.work.count_items(
                        exhibit.id, self.desk.origin, exhibit.acquisition
                    ),
                    "refused": len(self.refused),
                    "interrupted": self.interrupted or self.failure is not None,
                },
                parts=parts,
                keys=exhibit.keys,
            )

    def _not_stated(self) -> tuple[str, ...]:
        return tuple(
            f"{part}.{name}" for part, name in MUST_STATE if not self.request.record.get(part, {}).get(name)
        )


def _refused_note(refused: Sequence[Refused]) -> dict[str, Any]:
    """Names of what was refused, for the exhibit's sealed note; cut where it would grow past its limit."""
    listed: list[dict[str, Any]] = []
    size = 0
    for item in refused:
        row = {"name": compartments.name_value(item.path), "reason": item.reason[:400]}
        size += len(item.path) * 2 + len(row["reason"]) * 2
        if size > 256 * 1024 or len(listed) >= 4096:
            break
        listed.append(row)
    note: dict[str, Any] = {"refused": listed}
    if len(listed) < len(refused):
        note["refused_more"] = len(refused) - len(listed)
    return note


def _next_label(taken: Mapping[str, object]) -> str:
    numbers = [int(label[2:]) for label in taken if label.startswith("A-") and label[2:].isdigit()]
    return f"A-{max(numbers, default=0) + 1}"


def _offset(moment: Any) -> str:
    seconds = int(moment.astimezone().utcoffset().total_seconds())
    sign = "+" if seconds >= 0 else "-"
    return f"{sign}{abs(seconds) // 3600:02d}:{abs(seconds) // 60 % 60:02d}"


def collect_bytes(desk: Desk, request: Request, data: bytes, *, name: str, media_type: str) -> Collected:
    """Take content that is in memory (a hand-entered reference) as one item of an exhibit of its own."""
    empty = Found(given=(), sources=(), refused=())
    check_request(desk, request, empty, None)
    run = _Run(desk, request, empty, None, None, None)
    run.typed = (data, name.encode(), media_type)
    return run.run()
