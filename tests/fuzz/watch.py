"""Watches a reader while it is fuzzed: what came out of it, how long it took, what was new."""

from __future__ import annotations

import contextlib
import hashlib
import json
import resource
import signal
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.reader import Reader, attempt

SLOW = 1.0
"""Seconds of processor time for an input of at most 1 MiB: above it, an input is a finding."""

HANGS = 20
"""Seconds after which an input is broken off."""

_MOST_KEPT = 4000


class Hangs(Exception):
    """Broken off: it took far too long."""


def _break_off(_number: int, _frame: FrameType | None) -> None:
    raise Hangs


@dataclass(slots=True)
class Watch:
    """Counts and findings of one reader. Findings go to ``folder`` as the input and, beside it, what happened."""

    reader: Reader
    folder: Path
    executions: int = 0
    taken: int = 0
    slowest: float = 0.0
    began: float = field(default_factory=time.monotonic)
    spent: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, bytes] = field(default_factory=dict)
    """The smallest input for each distinct outcome."""

    def __call__(self, data: bytes) -> bool:
        """Read one input; True when its outcome had not been seen before."""
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
        start = time.process_time()
        try:
            outcome = attempt(self.reader, data)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - also what is no Exception: a panic in a library
            outcome = self._finding(data, error)
        finally:
            took = time.process_time() - start
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.executions += 1
        self.taken += outcome.startswith("taken")
        self.spent += took
        if took > self.slowest:
            if took > SLOW and not outcome.startswith("finding"):
                outcome = self._slow(data, took) or outcome
            else:
                self.slowest = took
                self._keep("slowest", data, f"{took:.4f} s")
        return self._new(outcome, data)

    def _new(self, outcome: str, data: bytes) -> bool:
        known = self.outcomes.get(outcome)
        if known is None and len(self.outcomes) < _MOST_KEPT:
            self.outcomes[outcome] = data
            return True
        if known is not None and len(data) < len(known):
            self.outcomes[outcome] = data
        return False

    def _finding(self, data: bytes, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/custody/" in frame.filename] or frames
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        key = f"finding {type(error).__name__} {where}"
        if key not in self.findings:
            text = "".join(traceback.format_exception(error))
            self.findings[key] = f"{type(error).__name__} at {where}: {str(error)[:300]}"
            self._keep(hashlib.sha256(key.encode()).hexdigest()[:12], data, text)
        return key

    def _slow(self, data: bytes, took: float) -> str:
        for _ in range(2):  # once more: the machine may have been busy with something else
            start = time.process_time()
            with contextlib.suppress(BaseException):  # only its time is asked for
                attempt(self.reader, data)
            took = min(took, time.process_time() - start)
        self.slowest = max(self.slowest, took)
        if took <= SLOW:
            return ""
        key = f"finding slow {int(took)}"
        self.findings.setdefault(key, f"slow: {took:.1f} s for {len(data)} bytes")
        self._keep(f"slow-{int(took)}", data, f"{took:.3f} s")
        return key

    def _keep(self, name: str, data: bytes, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)
        (self.folder / f"{name}.txt").write_text(text, encoding="utf-8", errors="backslashreplace")

    def result(self) -> dict[str, Any]:
        """The figures so far."""
        return {
            "reader": self.reader.name,
            "executions": self.executions,
            "taken": self.taken,
            "seconds": round(time.monotonic() - self.began, 1),
            "processor_seconds": round(time.process_time(), 1),
            "reader_seconds": round(self.spent, 1),
            "slowest_ms": round(self.slowest * 1000, 1),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "outcomes": len(self.outcomes),
            "findings": self.findings,
        }

    def write(self, path: Path, **more: Any) -> None:
        """The figures as a JSON file."""
        path.write_text(json.dumps({**self.result(), **more}, indent=1), encoding="utf-8")


def prepare() -> None:
    """Break off what hangs, and let no input take more than 3 GiB: MemoryError is a finding like any other.

    Time is the processor's own: neighbours don't spend it.
    """
    signal.signal(signal.SIGVTALRM, _break_off)
    resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))
