"""Many at once: four processes collect into one locker while others read, export, list and check it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from custody.procedure.check import check
from tests.soak.world import REF, REPO, Tally, World

COMMAND = """
import json, os, sys, time
from custody import machine
from custody.cli import main

longest, real = 0.0, machine._wait
def wait(path, descriptor, timeout):
    global longest
    begun = time.monotonic()
    try:
        return real(path, descriptor, timeout)
    finally:
        if path.name == "lock":
            longest = max(longest, time.monotonic() - begun)
machine._wait = wait
if __name__ == "__main__":  # workers import this file
    try:
        main(sys.argv[2:])
    finally:
        with open(sys.argv[1], "a") as file:
            file.write(f"{longest}\\n")
"""


@dataclass
class Result:
    """What came of it."""

    items: int = 0
    seconds: float = 0.0
    longest_wait: float = 0.0
    log_bytes: dict[str, int] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        logs = ", ".join(
            f"{name} {size / (1 << 20):.1f} MiB" for name, size in sorted(self.log_bytes.items())
        )
        others = ", ".join(f"{count} × {name}" for name, count in sorted(self.others.items()))
        lines = [
            "\n| many at once | |\n|---|---|",
            f"| items | {self.items} |\n| meanwhile | {others} |",
            f"| longest wait for the lock | {self.longest_wait:.2f} s |",
            f"| largest write-ahead logs | {logs} |\n| seconds | {self.seconds:.1f} |",
            f"| failed or lost | {len(self.problems)} |",
        ]
        return "\n".join([*lines, *(f"BAD {problem}" for problem in self.problems)])


def run(folder: Path, *, files: int, collectors: int = 4, others: bool = True) -> Result:
    """``collectors`` processes of ``files`` files each; the others go on for as long as they do."""
    result = Result()
    folder.mkdir(parents=True)
    world = World(folder / "w", folder / "src", Tally(), None)
    waits = folder / "waits"
    wanted = Counter[str]()
    collecting = []
    begun = time.monotonic()
    for number in range(collectors):
        source = folder / "src" / f"{number}"
        source.mkdir(parents=True)
        for place in range(files):
            data = f"{number} {place}".encode() * (1 + place % 300)
            (source / f"{place:05d}.bin").write_bytes(data)
            wanted[sha256(data).hexdigest()] += 1
        args = ["--json", "collect", str(source), "--case", REF, "--yes"]
        collecting.append(_start(world, waits, args))
    stop = threading.Event()
    watching = [threading.Thread(target=_watch, args=(world, result, stop))]
    if others:
        watching += [
            threading.Thread(target=_again, args=(world, waits, result, stop, name, words))
            for name, words in {
                "check": ["check", "--deep"],
                "list": ["list", "--case", REF, "--names", "--purpose", "a test"],
                "export": ["export", "A-1", "--case", REF, "--plain", "--purpose", "a test", "-o"],
                "read": ["read", "A-1/01", "--case", REF, "--purpose", "a test", "-o"],
            }.items()
        ]
    for thread in watching:
        thread.start()
    digests = Counter[str]()
    for process in collecting:
        out, err = process.communicate(timeout=3600)
        if process.returncode != 0:
            result.problems.append(f"collect: exit {process.returncode}: {err[-300:]}")
            continue
        digests.update(item["sha256"] for item in json.loads(out)["items"])
    result.seconds = time.monotonic() - begun
    stop.set()
    for thread in watching:
        thread.join()
    if digests != wanted:
        result.problems.append(f"{sum(digests.values())} items were reported of {sum(wanted.values())} files")
    with world.desk() as desk:
        done = check(desk.locker, desk, deep=True)
        items = desk.locker.work.items(world.case)
        result.items = len(items)
        if not done.passed or done.items != sum(wanted.values()):
            result.problems.append(f"check: {done.items} items, {done.first_failure}")
        if len({item.label for item in items}) != len(items):
            result.problems.append("two items have one label")
    result.longest_wait = max((float(line) for line in waits.read_text("ascii").split()), default=0.0)
    return result


def _start(world: World, waits: Path, args: list[str]) -> subprocess.Popen[str]:
    script = waits.with_name("command.py")
    if not script.exists():
        script.write_text(COMMAND, "utf-8")
    environment: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith("CUSTODY_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(REPO), environment.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(script), str(waits), *world.globals, *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _again(
    world: World, waits: Path, result: Result, stop: threading.Event, name: str, words: list[str]
) -> None:
    """One command over and over; each must succeed. Nothing to read or to export yet is no failure."""
    while not stop.is_set():
        made = world.folder / "out" / f"{name}-{result.others[name]}"
        process = _start(world, waits, [*words, str(made)] if words[-1] == "-o" else words)
        _, err = process.communicate(timeout=600)
        if process.returncode == 4 and "no " in err:
            time.sleep(0.2)
            continue
        result.others[name] += 1
        if process.returncode != 0:
            result.problems.append(f"{name}: exit {process.returncode}: {err[-300:]}")
        made.unlink(missing_ok=True)


def _watch(world: World, result: Result, stop: threading.Event) -> None:
    """How large the write-ahead logs grow."""
    while not stop.wait(0.02):
        for path in world.locker.glob("*-wal"):
            try:
                size = path.stat().st_size
            except OSError:
                continue
            result.log_bytes[path.name] = max(size, result.log_bytes.get(path.name, 0))
