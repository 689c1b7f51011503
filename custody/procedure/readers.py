"""Reading and sealing many files in worker processes: results in the order of the files, memory bounded.

Small files go to the workers in handfuls, so that asking and answering cost little beside the work, and
one commit of the file system's journal makes many of them durable. Large ones are taken in this process,
which has threads for them. Where no worker can be started, this process does it all.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from custody.errors import MachineError
from custody.procedure.intake import SMALL, Job, NotTaken, Setting, Taken, ready, take, take_many
from custody.procedure.sources import Source
from custody.procedure.workers import begin_worker

HANDFUL = 50
_HANDFUL_BYTES = 4 << 20
_AHEAD = 9
"""So many handfuls are on their way or wait to be logged: two batches, so that workers never wait for a commit."""

_WORKERS_FROM = 64
"""So many small files are worth starting worker processes for (0.3 s)."""

Result = tuple[Job, Taken | NotTaken]
Read = Callable[[int], None]
"""Called with bytes as they are read."""


class Readers:
    """Worker processes that read and seal small files; none where these are few, or where none can be started.

    They need half a second to load what they need. Begun early, they do so beside the unlocking of a key.
    """

    def __init__(self, sources: Sequence[Source], count: int | None = None) -> None:
        """``count``: how many processes; None chooses, 0 is none."""
        if count is None:
            count = min(4, os.cpu_count() or 1)
        small = sum(source.size <= SMALL for source in sources)
        self.pool = _pool(count) if count > 0 and small >= _WORKERS_FROM else None

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)


def read_all(
    setting: Setting,
    sources: Sequence[Source],
    make_job: Callable[[Source], Job],
    read: Read,
    readers: Readers,
) -> Iterator[Result]:
    """Take all sources in, in their order. Raises MachineError when a worker is killed from outside."""
    if readers.pool is None or _ended(readers.pool):
        for source in sources:
            job = make_job(source)
            yield job, take(setting, job, read)
        return
    yield from _by_workers(readers.pool, setting, sources, make_job, read)


def _ended(pool: concurrent.futures.ProcessPoolExecutor) -> bool:
    """True where a worker is no more before anything was asked of it, while somebody typed: then we do without."""
    try:
        pool.submit(ready).result()
    except BrokenProcessPool:
        return True
    return False


def _pool(count: int) -> concurrent.futures.ProcessPoolExecutor | None:
    # Spawned, not forked: this process has threads, and a forked copy would hold their locks.
    context = multiprocessing.get_context("spawn")
    pool = None
    try:
        with _no_interrupt_to_the_new():
            pool = concurrent.futures.ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker)
            for _ in range(count):
                pool.submit(ready)  # each is begun when it is first asked for something
    except _NO_PROCESS:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        return None
    return pool


_NO_PROCESS = (OSError, ImportError, NotImplementedError, RuntimeError)
"""A system without semaphores, or with no room for one process or thread more."""


@contextlib.contextmanager
def _no_interrupt_to_the_new() -> Iterator[None]:
    """Hold Ctrl-C back while processes are begun, which inherit that: until they have loaded what ignores it
    (`begin_worker`) each would end with a screen full of Python. This process gets what came meanwhile.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _by_workers(
    pool: concurrent.futures.ProcessPoolExecutor,
    setting: Setting,
    sources: Sequence[Source],
    make_job: Callable[[Source], Job],
    read: Read,
) -> Iterator[Result]:
    waiting: deque[tuple[list[Source], list[Job], Any]] = deque()
    for handful in _handfuls(sources):
        jobs = [make_job(source) for source in handful]
        with _broken():
            future = pool.submit(take_many, setting, jobs) if handful[0].size <= SMALL else None
        waiting.append((handful, jobs, future))
        if len(waiting) > _AHEAD:
            yield from _results(setting, *waiting.popleft(), read)
    while waiting:
        yield from _results(setting, *waiting.popleft(), read)


def _handfuls(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Small files together, each large one alone, in the same order."""
    handful: list[Source] = []
    size = 0
    for source in sources:
        if handful and (
            source.size > SMALL or len(handful) >= HANDFUL or size + source.size > _HANDFUL_BYTES
        ):
            yield handful
            handful, size = [], 0
        if source.size > SMALL:
            yield [source]
            continue
        handful.append(source)
        size += source.size
    if handful:
        yield handful


def _results(
    setting: Setting, handful: Sequence[Source], jobs: Sequence[Job], future: Any, read: Read
) -> Iterator[Result]:
    if future is None:
        for job in jobs:
            yield job, take(setting, job, read)
        return
    with _broken():
        results = future.result()
    for source, job, result in zip(handful, jobs, results, strict=True):
        read(source.size)
        yield job, result


@contextlib.contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise MachineError(
            "a worker process was ended from outside (out of memory?)",
            hint="run the command again: it continues",
        ) from error
