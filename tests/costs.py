"""What a piece of work costs, in units of this machine at this moment: machines here are shared and noisy."""

from __future__ import annotations

import time
from collections.abc import Callable

UNIT = 1_000_000
"""Steps of a plain loop; some 30 ms of a quiet processor."""


def _loop() -> float:
    began = time.process_time()
    for _ in range(UNIT):
        pass
    return time.process_time() - began


def units(work: Callable[[], object]) -> float:
    """How many such loops as long as the work took, by processor time; of two, the slower counts."""
    before = _loop()
    began = time.process_time()
    work()
    took = time.process_time() - began
    return took / max(before, _loop())
