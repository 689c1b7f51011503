"""How worker processes begin and end. Imports little: a worker loads it before anything else."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading

from custody.machine import COLLECT_EVERY


def begin_worker() -> None:
    """For workers: Ctrl-C is the main process's business, which lets a batch end well; its end is theirs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is imported stays, and what a worker makes goes without a look for cycles: see `machine.few_collections`.
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    # A killed main process (SIGKILL, out of memory) says nothing to its workers: they would wait for work
    # for ever, with items' keys in memory.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
