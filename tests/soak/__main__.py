"""``python -m tests.soak [--kills 1000] [--full 200] [--errors 200] [--many 250] [--seed N] [--minutes M]``

Prints a table; exits with 1 if an item was lost, something was half, or an error was not clear.
"""

from __future__ import annotations

import argparse
import datetime as dt
import errno
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from custody import machine
from tests import desks
from tests.soak import blows, many
from tests.soak.world import Server, Tally, compile_layer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--full", type=int, default=200, help="full disks")
    parser.add_argument("--errors", type=int, default=200, help="disks that fail with EIO")
    parser.add_argument("--many", type=int, default=250, help="files of each of four processes; 0: none")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so long, and say so")
    parser.add_argument("--folder", type=Path, default=None, help="a folder to work in")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else int.from_bytes(os.urandom(4), "big")
    begun = time.monotonic()

    def more() -> bool:
        return asked.minutes is None or time.monotonic() - begun < asked.minutes * 60

    if asked.folder is not None:
        asked.folder.mkdir(parents=True, exist_ok=True)
    tallies: list[tuple[str, Tally, float, str]] = []
    print(f"seed {seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="custody-soak-", dir=asked.folder) as name:
        base = Path(name)
        server = Server(compile_layer(base))
        try:
            with desks.authority(_now) as (_, named):
                random_ = random.Random(seed)
                if asked.kills:
                    start, tally = time.monotonic(), Tally()
                    blows.kills(server, base, asked.kills, random_, tally, tsa=named, more=more)
                    how = "points, calls, times" if server.layer else "points, times"
                    tallies.append(("kills", tally, time.monotonic() - start, how))
                    _progress(tally)
                for title, error, count in (
                    ("full disks", errno.ENOSPC, asked.full),
                    ("failing disks", errno.EIO, asked.errors),
                ):
                    if count:
                        start, tally = time.monotonic(), Tally()
                        how = blows.failing_disks(
                            server, base, count, random_, tally, error=error, tsa=named, more=more
                        )
                        tallies.append((title, tally, time.monotonic() - start, how))
                        _progress(tally)
        finally:
            server.close()
        table(tallies, seed)
        bad = sum(len(tally.bad) for _, tally, _, _ in tallies)
        if asked.many:
            result = many.run(base / "many", files=asked.many)
            print(result.table())
            bad += len(result.problems)
    return 1 if bad else 0


class _Now:
    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


_now: desks.Clock = _Now()  # type: ignore[assignment]


def _progress(tally: Tally) -> None:
    for line in tally.bad:
        print(f"BAD {line}", file=sys.stderr, flush=True)


def table(tallies: list[tuple[str, Tally, float, str]], seed: int) -> None:
    print(f"\nseed {seed}\n")
    print("| | blows | commands | retries | items | lost | halves | unclear errors | seconds | by |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for title, tally, seconds, how in tallies:
        done = tally.kills or tally.full
        runs = sum(tally.commands.values()) or tally.full
        print(
            f"| {title} | {done} | {runs} | {tally.retries} | {tally.items} | {len(tally.lost)} "
            f"| {len(tally.halves)} | {len(tally.unclear)} | {seconds:.0f} | {how} |"
        )
    hit: dict[str, int] = {}
    for _, tally, _, _ in tallies:
        for point, count in tally.points.items():
            hit[point] = hit.get(point, 0) + count
    if hit:
        print("\n| Last point before a kill | times |\n|---|---|")
        order = ["before any", *machine.POINTS]
        for point in sorted(hit, key=order.index):
            print(f"| {point} | {hit[point]} |")
    for _, tally, _, _ in tallies:
        for line in tally.bad:
            print(f"BAD {line}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
