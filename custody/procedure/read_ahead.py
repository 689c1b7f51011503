"""Reading many entries with several processes: parsing and signatures beside, everything else in order here.

An entry costs 40 µs to parse strictly and 130 to verify; what hangs on the entries before it (rights,
histories, the tree) costs a quarter of the two. A worker says only that an entry is sound by itself. Whatever
it can't say that of, for whatever reason, is read again here, in the one way that there is without workers:
so the findings are the same, and where no process can be started it only takes longer.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import operator
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from custody.crypto import envelopes
from custody.errors import CustodyError
from custody.format import entry as entries
from custody.format import envelope, merkle
from custody.format.entry import Entry, Subject, Time
from custody.format.envelope import Envelope
from custody.procedure.workers import begin_worker

if TYPE_CHECKING:
    from custody.ledger.store import Stored  # a worker has no use for a database library

WORKERS_FROM = 4096
"""Entries below which starting processes (0.5 s each) is not worth it."""

_CHUNK_ENTRIES = 256
_CHUNK_BYTES = 1 << 20
_WAITING = 3
"""Chunks a worker that are under way: with the largest entries there are, some MiB in all."""

_Line = TypeVar("_Line", bound="Stored")

Sound = tuple[Entry, bytes]
"""An entry that is sound by itself, and its leaf hash."""

_FIELDS = (
    "ledger", "seq", "root", "kind", "actor", "case", "group", "public", "sealed", "approvals",
    "subject.type", "subject.id", "subject.n", "subject.prev", "time.wall", "time.session", "time.mono",
)  # fmt: skip
"""What a worker sends of an entry, in this order: plain values cross in half the time that objects take."""

_fields: Callable[[Entry], tuple[Any, ...]] = operator.attrgetter(*_FIELDS)

_Result = tuple[tuple[Any, ...], bytes] | None
_Future = concurrent.futures.Future[list[_Result]]


def read_ahead(
    stored: Iterable[_Line], size: int, keys: Callable[[], Mapping[str, bytes]], workers: int | None = None
) -> Iterator[tuple[_Line, Sound | None]]:
    """Each entry in order, with what it says where it is sound by itself; None where that must be found out.

    Sound: canonical, of a kind and shape that is known, and signed by the key of its actor. ``size``: how many
    come. ``keys``: the raw signing keys by key id as far as they are known when it is called; whether an actor
    may sign at his place is not looked at. ``workers``: processes beside this one, by default one a processor.
    """
    count = min(4, os.cpu_count() or 1) if workers is None else workers
    chunks = _chunks(stored)
    if size < WORKERS_FROM or count < 1:
        for chunk in chunks:
            yield from _unread(chunk)
        return
    # The first entries name the keys.
    yield from _unread(next(chunks, []))
    with _Pool(count) as pool:
        waiting: deque[tuple[list[_Line], _Future | None]] = deque()
        for chunk in chunks:
            waiting.append((chunk, pool.submit(chunk, keys())))
            if len(waiting) > _WAITING * count:
                yield from _results(*waiting.popleft())
        while waiting:
            yield from _results(*waiting.popleft())


def _chunks(stored: Iterable[_Line]) -> Iterator[list[_Line]]:
    chunk: list[_Line] = []
    size = 0
    for one in stored:
        chunk.append(one)
        size += len(one.envelope)
        if len(chunk) == _CHUNK_ENTRIES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _unread(chunk: Iterable[_Line]) -> Iterator[tuple[_Line, None]]:
    return ((one, None) for one in chunk)


def _results(chunk: list[_Line], future: _Future | None) -> Iterator[tuple[_Line, Sound | None]]:
    try:
        found = None if future is None else future.result()
    except (OSError, concurrent.futures.BrokenExecutor):  # ended from outside, or never started
        found = None
    for one, result in zip(chunk, found or [None] * len(chunk), strict=True):
        yield one, None if result is None else (_entry(*result[0]), result[1])


class _Pool:
    """Worker processes, or none where they can't be started."""

    def __init__(self, count: int) -> None:
        # Spawned, not forked: this process has threads, and a forked copy would hold their locks.
        context = multiprocessing.get_context("spawn")
        try:
            self._pool: concurrent.futures.ProcessPoolExecutor | None = (
                concurrent.futures.ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker)
            )
        except (OSError, ImportError, NotImplementedError):  # no semaphores here, or none allowed
            self._pool = None

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, chunk: Sequence[Stored], keys: Mapping[str, bytes]) -> _Future | None:
        """The chunk's results to come, or None where nobody can be asked."""
        if self._pool is None:
            return None
        try:
            return self._pool.submit(read_chunk, [one.envelope for one in chunk], dict(keys))
        except (OSError, RuntimeError):
            return None


def read_chunk(chunk: Sequence[bytes], keys: Mapping[str, bytes]) -> list[_Result]:
    """For a worker: the value and the leaf of each entry that is sound by itself, else None."""
    # All are read, then all signatures checked: each of the two finds the processor's caches as it left them.
    found = [_read(stored) for stored in chunk]
    return [_result(stored, read, keys) for stored, read in zip(chunk, found, strict=True)]


def _read(stored: bytes) -> tuple[Envelope, Entry] | None:
    try:
        outer = envelope.from_bytes(stored, payload_type=envelope.ENTRY_TYPE, where="entry")
        body = entries.body_of(outer, where="entry")
        body.check_kind(where="entry")
    except CustodyError:
        return None
    return outer, body


def _result(stored: bytes, read: tuple[Envelope, Entry] | None, keys: Mapping[str, bytes]) -> _Result:
    key = None if read is None else keys.get(read[0].key_id)
    if read is None or key is None:
        return None
    outer, body = read
    try:
        envelopes.verify(outer, key, where="entry")
    except CustodyError:
        return None
    return _fields(body), merkle.leaf_hash(stored)


def _entry(*fields: Any) -> Entry:
    """The entry of its `_FIELDS`."""
    ledger, seq, root, kind, actor, case, group, public, sealed, approvals, *rest = fields
    about, subject, n, prev, wall, session, mono = rest
    return Entry(
        ledger=ledger,
        seq=seq,
        root=root,
        kind=kind,
        actor=actor,
        subject=Subject(type=about, id=subject, n=n, prev=prev),
        case=case,
        group=group,
        time=Time(wall=wall, session=session, mono=mono),
        public=public,
        sealed=sealed,
        approvals=approvals,
    )
