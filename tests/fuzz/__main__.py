"""Fuzz the readers of outside bytes: ``python -m tests.fuzz --reader NAME --executions N``.

With atheris installed, coverage of custody leads the search; without it, our own seeded mutators search alone.
Each reader runs in a process of its own. A finding (an error that is not ours, a round trip that fails, more
than a second or 3 GiB for an input) is kept as a file, and the command ends with 1.

    python -m tests.fuzz --list
    python -m tests.fuzz --reader envelope --executions 1000000
    python -m tests.fuzz --all --executions 100000 --seconds 60 --figures figures.json
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).resolve().parent / "corpus"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when nothing was found, 1 when something was."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="name the readers and what each must hold")
    parser.add_argument("--reader", action="append", default=[], metavar="NAME")
    parser.add_argument("--all", action="store_true", help="every reader")
    parser.add_argument(
        "--executions", type=int, default=100_000, metavar="N", help="inputs for each reader (100,000)"
    )
    parser.add_argument(
        "--seconds", type=int, default=86_400, metavar="S", help="at most so long for each reader"
    )
    parser.add_argument("--engine", choices=("auto", "atheris", "own"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time (1)")
    parser.add_argument(
        "--corpus", type=Path, default=CORPUS, help="folder of kept inputs, a folder for each reader"
    )
    parser.add_argument(
        "--work", type=Path, help="folder for what was found and what was new (a temporary one)"
    )
    parser.add_argument("--figures", type=Path, help="write all figures there as JSON")
    given = parser.parse_args(argv)
    if given.list:
        from tests.fuzz.registry import READERS

        for reader in READERS.values():
            print(f"{reader.name:20} {reader.about}")
        return 0
    engine = given.engine
    if engine == "auto":
        engine = "atheris" if importlib.util.find_spec("atheris") else "own"
        print(
            f"engine: {engine}" + ("" if engine == "atheris" else " mutators (atheris is not installed)"),
            flush=True,
        )
    names = given.reader or (_names() if given.all else parser.error("name a --reader, or --all"))
    work = given.work or Path(tempfile.mkdtemp(prefix="custody-fuzzing-"))
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        figures = []
        for one in pool.map(lambda name: run(name, engine, given, work), names):
            figures.append(one)
            print(line(one), flush=True)
            if given.figures is not None:
                given.figures.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    found = [text for one in figures for text in one["findings"].values()]
    if found:
        print(f"{len(found)} findings, kept under {work}")
    elif given.work is None:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if found else 0


def _names() -> list[str]:
    # In a process of its own: this one only starts others, and needs nothing of custody.
    out = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--list"], cwd=REPO, capture_output=True, text=True, check=True
    )
    return [row.split()[0] for row in out.stdout.splitlines()]


def run(name: str, engine: str, given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Fuzz one reader in a process, and give its figures."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    figures = folder / "figures.json"
    figures.unlink(missing_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="custody-fuzz-") as temporary,
        (folder / "log.txt").open("w") as log,
    ):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.child",
                "--reader",
                name,
                "--engine",
                engine,
                "--executions",
                str(given.executions),
                "--seconds",
                str(given.seconds),
                "--seed",
                str(given.seed),
                "--figures",
                str(figures),
                "--findings",
                str(folder / "findings"),
                "--work",
                str(folder / "new"),
                "--corpus",
                str(given.corpus),
            ],
            cwd=REPO,
            env={**os.environ, "TMPDIR": temporary},
            stdout=log,
            stderr=log,
            check=False,
        )
    log_text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    if not figures.exists():
        return {"reader": name, "executions": 0, "findings": {"started": f"did not start: {log_text[-600:]}"}}
    result: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8"))
    if done.returncode:
        result["findings"]["ended"] = f"ended with {done.returncode}: {log_text[-600:]}"
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log_text)
    if coverage:
        result["edges"], result["features"], result["corpus"] = map(int, coverage[-1])
    return result


def line(one: dict[str, Any]) -> str:
    """One reader's figures, for a terminal."""
    if not one["executions"]:
        return f"{one['reader']:20} {one['findings']}"
    rate = one["executions"] / max(one["seconds"], 0.1)
    text = (
        f"{one['reader']:20} {one['executions']:>9} inputs {one['seconds']:>8} s {rate:>8.0f}/s, taken {one['taken']}, "
        f"slowest {one['slowest_ms']} ms, peak {one['peak_mib']} MiB, ways {one['outcomes']}, "
        f"edges {one.get('edges', '-')}"
    )
    return "\n".join([text, *(f"    FINDING {found}" for found in one["findings"].values())])


if __name__ == "__main__":
    sys.exit(main())
