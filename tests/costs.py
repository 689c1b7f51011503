"""What a piece of work costs, in units of this machine at this moment: machines here are shared and noisy."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

UNIT = 1_000_000
"""Steps of a plain loop; some 30 ms of a quiet processor."""

TRIES = 3


def _took(work: Callable[[], object]) -> float:
    # The time of this thread alone: another test's thread may still be opening a key file beside it.
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _loop() -> None:
    for _ in range(UNIT):
        pass


def units(work: Callable[[], object]) -> float:
    """How many such loops as long as the work took, by processor time.

    Of three tries the least counts: neighbours only ever add. Garbage of the tests before is not collected in it.
    """
    gc.collect()
    gc.disable()
    try:
        return min(_took(work) / max(_took(_loop), _took(_loop)) for _ in range(TRIES))
    finally:
        gc.enable()


def seconds(work: Callable[[], object], *, limit: float) -> float:
    """Processor seconds of the whole process, its helper threads too; tried again while it takes ``limit`` or more."""
    took = limit
    for _ in range(TRIES):
        began = time.process_time()
        work()
        took = time.process_time() - began
        if took < limit:
            break
    return took
