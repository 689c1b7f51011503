"""Collecting: files become items, each sealed under keys of its own, logged in batches.

The shape is the measured one: worker processes read, hash and seal (`readers`); every batch of 200 items has
four batch keys, wrapped once per custodian; its objects are made durable, then its rows, then its entries,
in one go (`batch`). What was reported as in, is in. What is in already is told by `known`; how an exhibit's
acquisition begins, ends and goes on stands in `acquisition`.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from custody import machine
from custody.errors import InputRefused, MachineError, NoRight
from custody.format import compartments
from custody.format.text import show
from custody.procedure import cases
from custody.procedure.acquisition import Acquisition, ExhibitFull, Request
from custody.procedure.batch import ItemIn, ReceivedAgain, log_batch
from custody.procedure.derive import Deriver, NotRead, may_be_read
from custody.procedure.intake import Job, NotTaken, Setting, Taken, object_keys, take, take_stream
from custody.procedure.known import Known, Pair
from custody.procedure.locker import Desk
from custody.procedure.readers import Readers, read_all
from custody.procedure.seal import Sealed, seal
from custody.procedure.sources import Found, Refused, Source, folders
from custody.procedure.sweep import sweep
from custody.vault.store import just_sealed

__all__ = [
    "BATCH_ITEMS", "MANY", "Collected", "ItemIn", "Progress", "ReceivedAgain", "Request", "check_request", "collect",
    "collect_bytes",
]  # fmt: skip

BATCH_ITEMS = 200
"""What a batch costs beside its items (commits, wraps, the key file) is 15 to 20 ms: as much as 40 of them."""
BATCH_BYTES = 256 << 20
MANY = 50
"""Above so many files the command shows a summary and asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a collect did. ``digest`` is over the SHA-256 of all that was logged: printed, never stored.

    ``received``: files whose bytes were in, from another source (or from the same, with ``again``);
    ``already``: files whose same bytes from the same source were in, and nothing was logged; ``elsewhere``:
    by label of a new item, labels of items with the same bytes that it could not be received on;
    ``no_lookup``: this custodian has no key to tell what is in already.
    """

    exhibit: str | None
    items: tuple[ItemIn, ...]
    received: tuple[ReceivedAgain, ...]
    already: int
    elsewhere: Mapping[str, tuple[str, ...]]
    refused: tuple[Refused, ...]
    originals: tuple[bytes, ...]
    interrupted: bool
    continued: bool
    no_lookup: bool
    not_stated: tuple[str, ...]
    seconds: float
    digest: str
    sealed: Sealed | None

    @property
    def size(self) -> int:
        """The items' bytes together."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collect is: files and bytes done of all."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    seconds: float


def collect(
    desk: Desk,
    found: Found,
    request: Request,
    *,
    stream: BinaryIO | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int | Readers | None = None,
) -> Collected:
    """Take all of ``found`` (or ``stream``, standard input) into the case.

    ``workers``: those that were begun already, or how many are to be; None chooses.
    Ctrl-C ends it after the batch in hand: what was reported as in stays in, the rest is untouched,
    and the acquisition is closed as interrupted. Raises InputRefused when nothing could be taken.
    """
    check_request(desk, request, found, stream)
    return _Run(desk, request, found, stream, progress, workers).run()


def collect_bytes(desk: Desk, request: Request, data: bytes, *, name: str, media_type: str) -> Collected:
    """Take content that is in memory (a hand-entered reference) as one item of an exhibit of its own."""
    empty = Found(given=(), sources=(), refused=())
    check_request(desk, request, empty, None)
    run = _Run(desk, request, empty, None, None, None)
    run.typed = (data, name.encode(), media_type)
    return run.run()


def check_request(desk: Desk, request: Request, found: Found, stream: BinaryIO | None) -> None:
    """Raise for a request that can't be carried out; nothing is opened or written."""
    desk.need("collect", request.case, what="collect")
    cases.check_open(desk, request.case)
    request.check((stream is not None) + len(found.sources))
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
        workers: int | Readers | None,
    ) -> None:
        self.desk = desk
        self.request = request
        self.found = found
        self.stream = stream
        self.progress = progress
        self.workers = workers
        self.known = Known(
            desk,
            request.case,
            request.record.get("source", {}),
            keep=not request.register,
            again=request.again,
        )
        self.acquisition = Acquisition(desk, request, found, self.known.key)
        self.clock = time.monotonic()
        self.items: list[ItemIn] = []
        self.received: list[ReceivedAgain] = []
        self.refused = list(found.refused)
        self.already = 0
        self.elsewhere: dict[str, tuple[str, ...]] = {}
        self.digest = hashlib.sha256()
        self.done_files = 0
        self.done_bytes = 0
        self.of_bytes = found.size
        self.failure: NotTaken | None = None
        self.interrupted = False
        self.typed: tuple[bytes, bytes, str] | None = None

    def run(self) -> Collected:
        with contextlib.ExitStack() as stack:
            stack.enter_context(machine.few_collections())
            with self.desk.locker.lock():
                sweep(self.desk.locker)  # what crashed work left; a neighbour's is held by its lock
                # Under the same lock: a folder that is made and not yet held looks like a leftover to others.
                staging = stack.enter_context(self.desk.locker.vault.staging())
            try:
                for batch in self._batches(str(staging.directory)):
                    with machine.uninterrupted():
                        try:
                            self._commit(batch)
                        except ExhibitFull as error:
                            self._refuse_rest(batch, error)
                            break
                    if self.failure is not None:
                        break
            except KeyboardInterrupt:
                self.interrupted = True
        with machine.uninterrupted():
            if self.already and not self.acquisition.begun and not (self.interrupted or self.failure):
                self.acquisition.find_crashed_at_the_end()
            self.acquisition.complete(self.refused, interrupted=self.interrupted or self.failure is not None)
        logged = len(self.items) + len(self.received)
        if self.failure is not None:
            raise MachineError(
                self.failure.reason,
                hint=f"{logged} items are in and stay in; {self.failure.hint or 'mend it and run it again'}",
            )
        sealed = None
        if logged and self.request.seal and not self.interrupted:
            sealed = seal(self.desk)
        if not logged and not self.already and not self.interrupted:
            self._nothing_taken()
        return self._collected(sealed)

    def _refuse_rest(self, batch: list[Pair], full: ExhibitFull) -> None:
        """Tell each file that has no room: of a batch, what is not in already; all that were still to come."""
        reason = full.message
        here = [pair.taken.path for pair in batch if pair.item is not None]
        self.already += len(batch) - len(here)
        rest = [one.path for one in self.found.sources[self.done_files :]]
        self.refused += [Refused(path=path or b"-", code="full", reason=reason) for path in here]
        self.refused += [Refused(path=path, code="full", reason=f"not read: {reason}") for path in rest]

    def _collected(self, sealed: Sealed | None) -> Collected:
        exhibit = self.acquisition.exhibit
        paths = [one.path for one in self.items] + [one.path for one in self.received]
        return Collected(
            exhibit=exhibit.label if exhibit and exhibit.begun else None,
            items=tuple(self.items),
            received=tuple(self.received),
            already=self.already,
            elsewhere=self.elsewhere,
            refused=tuple(self.refused),
            originals=folders(path for path in paths if path is not None),
            interrupted=self.interrupted,
            continued=bool(exhibit and exhibit.continued),
            no_lookup=self.known.key is None,
            not_stated=self.request.not_stated,
            seconds=time.monotonic() - self.clock,
            digest=self.digest.hexdigest(),
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

    def _batches(self, staging: str) -> Iterator[list[Pair]]:
        batch: list[Pair] = []
        size = 0
        for job, result in self._results(staging):
            self.done_files += 1
            if isinstance(result, NotTaken):
                if result.machine is not None:
                    self.failure = result
                    break
                self.refused.append(Refused(path=result.path or b"-", code=result.code, reason=result.reason))
                continue
            pair = Pair(job, result)
            self._derive(staging, pair)
            batch.append(pair)
            size += result.size + sum(child.taken.size for child in pair.made)
            if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _derive(self, staging: str, pair: Pair) -> None:
        """Make the readable forms of a file that a reader takes and that is not in already.

        A disk that is full for that is no reason to lose the export itself: it is told, and can be made up for.
        """
        job, taken, wish = pair.job, pair.taken, self.request.derive
        staged = taken.staged
        name = compartments.name_bytes(taken.name["name"])
        if wish.off or staged is None or not may_be_read(taken.content["media_type"], name):
            if wish.reader is not None and not wish.off:
                pair.derived = NotRead(reason="this is no file that a reader takes", hint=None)
            return
        self.known.judge([pair])
        if not pair.fresh:
            return
        try:
            pair.derived = Deriver(self.desk.rim, self._setting(staging)).derive(
                just_sealed(staged, **object_keys(self.desk.origin, job)),
                name=name.decode("utf-8", "backslashreplace"),
                media_type=taken.content["media_type"],
                item=job.item,
                wish=wish.on(self.desk.rim.wall()),
            )
        except MachineError as error:
            pair.derived = NotRead(reason=error.message, hint=error.hint)

    def _setting(self, staging: str) -> Setting:
        request = self.request
        return Setting(
            origin=self.desk.origin,
            staging=staging,
            digests=tuple(dict.fromkeys(("sha256", *request.digests))),
            handling=request.handling,
            expect=request.expect,
            keep=not request.register,
            seek=self.known.seek,
        )

    def _results(self, staging: str) -> Iterator[tuple[Job, Taken | NotTaken]]:
        setting = self._setting(staging)
        if self.stream is not None:
            job = self._job(None, name=b"standard input")
            yield job, take_stream(setting, job, self.stream, self._read)
        elif self.typed is not None:
            data, name, media_type = self.typed
            job = self._job(None, name=name, data=data, media_type=media_type)
            yield job, take(setting, job)
        else:
            yield from self._read_all(setting)

    def _read_all(self, setting: Setting) -> Iterator[tuple[Job, Taken | NotTaken]]:
        sources, begun = self.found.sources, self.workers
        with Readers(sources, begun) if begun is None or isinstance(begun, int) else begun as readers:
            yield from read_all(setting, sources, self._job, self._read, readers)

    def _job(
        self,
        source: Source | None,
        *,
        name: bytes = b"",
        data: bytes | None = None,
        media_type: str | None = None,
    ) -> Job:
        return Job(
            item=self.desk.rim.new_id(),
            path=None if source is None else source.path,
            told=None if source is None else source.told,
            secret=self.desk.rim.random(32 * 4),
            name=name,
            data=data,
            media_type=media_type,
        )

    def _read(self, count: int) -> None:
        self.done_bytes += count
        if self.progress is not None:
            seconds = time.monotonic() - self.clock
            self.progress(
                Progress(self.done_files, len(self.found.sources), self.done_bytes, self.of_bytes, seconds)
            )

    def _commit(self, batch: list[Pair]) -> None:
        logged = log_batch(self.desk, self.request, self.known, self.acquisition, batch)
        self.items += logged.items
        self.received += logged.received
        self.already += logged.already
        self.elsewhere |= logged.elsewhere
        for sha256 in logged.digests:
            self.digest.update(f"{sha256}\n".encode())
