"""Work beside the main thread: hashing, reading ahead, writing back. Order and errors stay as without it.

hashlib, ciphers and file calls let go of the interpreter's lock, so on two cores a package of 1 GiB
takes about as long as the slower half of its work.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

DEPTH = 4
"""Pieces that wait between two threads: with pieces of 1 MiB that bounds the memory."""

_END = object()


class Beside:
    """Calls a function on pieces, in their order, in a thread of its own. What it raises comes out at the end."""

    def __init__(self, work: Callable[[bytes], object]) -> None:
        self._work = work
        self._pieces: queue.Queue[Any] = queue.Queue(DEPTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def put(self, piece: bytes) -> None:
        """Hand over a piece, which nobody may change afterwards."""
        self._pieces.put(piece)

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not _END:
            if self._error is None:
                try:
                    self._work(piece)
                except BaseException as error:  # noqa: BLE001 - raised again where the thread is waited for
                    self._error = error

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pieces.put(_END)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error


def ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, made in a thread of their own a few ahead of who takes them.

    What their making raises is raised in its place. Whoever stops early stops the thread too.
    """
    made: queue.Queue[Any] = queue.Queue(DEPTH)
    stopped = threading.Event()
    problem: list[BaseException] = []

    def run() -> None:
        try:
            for piece in pieces:
                made.put(piece)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by who takes the pieces
            problem.append(error)
        finally:
            made.put(_END)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (piece := made.get()) is not _END:
            yield piece
    finally:
        stopped.set()
        while thread.is_alive():
            # Somebody may be waiting for room: take what is there until the thread has seen the sign.
            try:
                made.get(timeout=0.05)
            except queue.Empty:
                continue
        thread.join()
    if problem:
        raise problem[0]


class EarlySync:
    """Starts writing a file to the disk while it grows, so that the last fsync does not wait for all of it."""

    EVERY = 64 << 20

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def wrote(self, count: int) -> None:
        """So many bytes were written."""
        self._pending += count
        if self._pending >= self.EVERY and (self._thread is None or not self._thread.is_alive()):
            self.start()

    def start(self) -> None:
        """Begin now."""
        self._join()
        self._pending = 0
        self._thread = threading.Thread(target=self._sync, daemon=True)
        self._thread.start()

    def _sync(self) -> None:
        try:
            # fdatasync where there is one: no metadata needs writing while the file grows
            getattr(os, "fdatasync", os.fsync)(self._descriptor)
        except OSError as error:
            self._error = error

    def finish(self) -> None:
        """Make all durable. A write-back that failed is reported once by the kernel, so it is kept and raised."""
        self._join()
        if self._error is not None:
            raise self._error
        os.fsync(self._descriptor)

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> EarlySync:
        return self

    def __exit__(self, *_: object) -> None:
        self._join()
