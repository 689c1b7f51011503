"""A process that has imported everything, and runs each command line in a forked child of its own.

Reads orders from standard input, one JSON object a line; answers each with one line. A child is a real
process: SIGKILL ends it as it would any. Where the fault layer (`faulty.c`) is preloaded, a child can be
ended, or its disk fail, at the n-th call that changes a file, below Python and SQLite.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from custody import machine
from custody.cli import main as command_line
from custody.procedure import collect

POINTS = list(machine.POINTS)
PASSED, LAST, CALLS = 0, 8, 16
"""Places in the shared page: points passed, the last one's number, calls that changed a file."""


class Layer:
    """The preloaded fault layer, or nothing."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self.there = hasattr(self._library, "custody_arm")

    def arm(self, calls: int, error: int, *, stays: bool) -> None:
        self._library.custody_arm(ctypes.c_long(calls), error, int(stays))

    def seen(self) -> int:
        self._library.custody_seen.restype = ctypes.c_long
        return int(self._library.custody_seen()) if self.there else 0


def hook(page: mmap.mmap, order: dict[str, Any]) -> Callable[[str], None]:
    """Counts points; at the one that is ordered it ends the process or fails as a disk does."""
    die_at, fail_at, error = order.get("die_at"), order.get("fail_at"), order.get("error", 0)
    passed = 0

    def at(name: str) -> None:
        nonlocal passed
        passed += 1
        page[PASSED : PASSED + 8] = passed.to_bytes(8, "little")
        page[LAST : LAST + 8] = POINTS.index(name).to_bytes(8, "little")
        if passed == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        # A full disk stays full; a bad sector is met once.
        if fail_at is not None and (passed == fail_at or (passed > fail_at and order.get("stays"))):
            raise OSError(error, os.strerror(error))

    return at


def child(order: dict[str, Any], page: mmap.mmap, layer: Layer) -> int:
    random.seed(order["seed"])
    collect.BATCH_ITEMS = order.get("batch", collect.BATCH_ITEMS)
    if order.get("nice"):
        os.nice(order["nice"])
    machine.at_point = hook(page, order)
    if layer.there:
        layer.arm(order.get("call", -1), order.get("error", 0), stays=bool(order.get("stays")))
    try:
        command_line(order["args"])
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
        if layer.there:
            page[CALLS : CALLS + 8] = layer.seen().to_bytes(8, "little")
            layer.arm(-1, 0, stays=False)
        sys.stdout.flush()
        sys.stderr.flush()
        return code
    return 1


def run(order: dict[str, Any], layer: Layer) -> dict[str, Any]:
    page = mmap.mmap(-1, mmap.PAGESIZE)
    out, err = os.pipe(), os.pipe()
    begun = time.monotonic()
    process = os.fork()
    if process == 0:
        code = 99
        try:
            os.dup2(out[1], 1)
            os.dup2(err[1], 2)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            # Fresh streams: the parent's may stand on files, and remember their places.
            sys.stdin, sys.stdout, sys.stderr = (
                open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
                for number, mode in enumerate("rww")
            )
            code = child(order, page, layer)
        except Exception:  # noqa: BLE001 - whatever it was, the parent has to be told
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(out[1])
    os.close(err[1])
    texts = _drain(process, (out[0], err[0]), begun, order.get("after"))
    status = os.waitpid(process, 0)[1]
    passed = int.from_bytes(page[PASSED : PASSED + 8], "little")
    last = POINTS[int.from_bytes(page[LAST : LAST + 8], "little")] if passed else None
    return {
        "code": os.waitstatus_to_exitcode(status),
        "out": texts[0].decode("utf-8", "replace"),
        "err": texts[1].decode("utf-8", "replace"),
        "points": passed,
        "calls": int.from_bytes(page[CALLS : CALLS + 8], "little"),
        "last": last,
        "seconds": time.monotonic() - begun,
    }


def _drain(process: int, pipes: tuple[int, int], begun: float, after: float | None) -> list[bytes]:
    """Read both pipes to their ends; end the child when its time is up."""
    found = dict.fromkeys(pipes, b"")
    left = set(pipes)
    deadline = begun + (120.0 if after is None else after)
    while left:
        ready, _, _ = select.select(list(left), [], [], max(0.0, deadline - time.monotonic()))
        if not ready and time.monotonic() >= deadline:
            os.kill(process, signal.SIGKILL)
            deadline = time.monotonic() + 60
        for pipe in ready:
            data = os.read(pipe, 1 << 16)
            found[pipe] += data
            if not data:
                left.discard(pipe)
                os.close(pipe)
    return [found[pipe] for pipe in pipes]


def main() -> None:
    layer = Layer()
    _warm()
    print(json.dumps({"layer": layer.there}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), layer)), flush=True)


def _warm() -> None:
    """Import once what the commands import."""
    import cryptography.hazmat.primitives.asymmetric.mldsa  # noqa: F401
    import pyzipper  # noqa: F401
    import rfc3161_client  # noqa: F401

    from custody.anchor import authority  # noqa: F401
    from custody.cli import base
    from custody.procedure import cases, check, export, forms, items, lists, read, seal, sources  # noqa: F401

    for name in command_line._table:
        command_line.get_command(base.click.Context(command_line), name)


if __name__ == "__main__":
    main()
