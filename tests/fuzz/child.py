"""One reader, one process: fuzzed by atheris (coverage of custody leads it) or by our own mutators alone.

Started by `python -m tests.fuzz`, which gives it a folder for temporary files and reads its figures.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.watch import Watch

_EVERY = 5.0
"""Seconds between two writings of the figures: libFuzzer ends the process without coming back to us."""


def main(argv: Sequence[str] | None = None) -> None:
    """Fuzz one reader; figures go to ``--figures``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reader", required=True)
    parser.add_argument("--engine", required=True, choices=("atheris", "own"))
    parser.add_argument("--executions", required=True, type=int)
    parser.add_argument("--seconds", required=True, type=int)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--figures", required=True, type=Path)
    parser.add_argument("--findings", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--corpus", required=True, type=Path)
    given = parser.parse_args(argv)
    (_with_atheris if given.engine == "atheris" else _with_own)(given)


def _watch(given: argparse.Namespace) -> Watch:
    from tests.fuzz.registry import READERS
    from tests.fuzz.watch import Watch, prepare

    prepare()
    reader = READERS[given.reader]
    with contextlib.suppress(Exception):
        reader.read(b"")  # what is made or imported once is no input's cost
    return Watch(reader, given.findings)


def _inputs(watch: Watch, given: argparse.Namespace) -> list[bytes]:
    """Seeds, and the inputs that are kept."""
    kept = sorted((given.corpus / watch.reader.name).glob("*")) if given.corpus.is_dir() else []
    return [*watch.reader.seeds(), *(path.read_bytes() for path in kept)]


def _finish(watch: Watch, given: argparse.Namespace, engine: str) -> None:
    given.work.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(watch.outcomes.values()):
        (given.work / f"outcome-{number:04}").write_bytes(data)
    watch.write(given.figures, engine=engine)


def _with_own(given: argparse.Namespace) -> None:
    from tests.fuzz import mutate

    watch = _watch(given)
    pool = _inputs(watch, given)
    reader = watch.reader
    rng = Random(given.seed)
    for data in pool:
        watch(data)
    ends = time.monotonic() + given.seconds
    while watch.executions < given.executions:
        data = mutate.mutate(rng, rng.choice(pool), reader.shape, pool, reader.limit)
        if watch(data) and len(pool) < 2_000:
            pool.append(data)  # another outcome: a place to go on from
        if watch.executions % 64 == 0 and time.monotonic() > ends:
            break
    _finish(watch, given, "own mutators")


def _with_atheris(given: argparse.Namespace) -> None:
    import atheris

    with atheris.instrument_imports(include=["custody"]):
        watch = _watch(given)
    from tests.fuzz import mutate

    pool = _inputs(watch, given)
    reader = watch.reader
    corpus = given.work / "libfuzzer"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(pool):
        (corpus / f"seed-{number}").write_bytes(data)

    written = time.monotonic()

    def one(data: bytes) -> None:
        nonlocal written
        watch(data)
        if watch.executions >= given.executions or time.monotonic() > written + _EVERY:
            _finish(watch, given, f"atheris {_version()}")
            written = time.monotonic()

    def own(data: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        # Mutators that know the shape get through the door; libFuzzer's own find what nobody thought of.
        if (reader.shape == "bytes" and rng.random() < 0.6) or rng.random() < 0.25:
            return atheris.Mutate(data, most)
        return mutate.mutate(rng, data, reader.shape, pool, most)

    arguments = [
        sys.argv[0],
        str(corpus),
        f"-runs={given.executions}",
        f"-max_total_time={given.seconds}",
        f"-max_len={reader.limit}",
        f"-seed={given.seed}",
        "-timeout=120",
        "-rss_limit_mb=6000",
        "-print_final_stats=1",
        "-len_control=0",
        f"-artifact_prefix={given.findings}/libfuzzer-",
    ]
    given.findings.mkdir(parents=True, exist_ok=True)
    atheris.Setup(arguments, one, custom_mutator=own)
    try:
        atheris.Fuzz()
    finally:
        _finish(watch, given, f"atheris {_version()}")


def _version() -> str:
    from importlib.metadata import version

    return version("atheris")


if __name__ == "__main__":
    main()
