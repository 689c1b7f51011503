"""Both digests of a large file in one pass: two threads that live as long as the file, since hashlib lets go of
the GIL. With a thread a piece, waited for before the next was read, the two never ran side by side for long.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterable
from typing import Any

PIECE = 2 << 20
"""Bytes a piece: large enough that handing it over (20 µs) is nothing beside hashing it (2 ms)."""

_WAITING = 4
"""Pieces that wait for a thread: with those in work and the one being read, 20 MiB at most."""


_THREADED = 4 << 20
"""Files below this are hashed as they come: two threads cost 0.1 ms."""


def both_digests(pieces: Iterable[bytes], size: int) -> tuple[str, str]:
    """SHA-256 and SHA-512 of the pieces of a file of ``size`` bytes, in hex. What ``pieces`` raises passes through."""
    hashes = hashlib.sha256(), hashlib.sha512()
    beside: list[tuple[threading.Thread, queue.Queue[bytes | None]]] = []
    try:
        if size >= _THREADED:
            for one in hashes:
                waiting: queue.Queue[bytes | None] = queue.Queue(_WAITING)
                thread = threading.Thread(target=_update, args=(one, waiting), daemon=True)
                thread.start()
                beside.append((thread, waiting))
        for piece in pieces:
            if beside:
                for _, waiting in beside:
                    waiting.put(piece)
            else:
                for one in hashes:
                    one.update(piece)
    finally:
        for thread, waiting in beside:
            waiting.put(None)
            thread.join()
    return hashes[0].hexdigest(), hashes[1].hexdigest()


def _update(digest: Any, waiting: queue.Queue[bytes | None]) -> None:
    while (piece := waiting.get()) is not None:
        digest.update(piece)
