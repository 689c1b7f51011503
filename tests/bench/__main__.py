"""Measure what the design promises of speed and size, each against its peer in the same run.

``python -m tests.bench --quick`` takes about a minute; without ``--quick`` the sizes are the design's,
save the number of entries (``--entries``). Prints a table. Never part of the tests: a shared machine
would report the neighbour.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custody.keys import keyfile
from custody.procedure import cases, collect, export, sources
from custody.procedure.collect import Request
from custody.procedure.export import Choice
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import Rim
from tests import desks

REPO = Path(__file__).resolve().parent.parent.parent
MIB = 1 << 20


@dataclass
class Bench:
    """Sizes, a folder to work in, and the rows so far."""

    folder: Path
    quick: bool
    entries: int
    rounds: int
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def row(self, work: str, ours: str, peer: str, ratio: str, bar: str) -> None:
        self.rows.append((work, ours, peer, ratio, bar))
        sys.stderr.write(f"{work}: {ours} against {peer}: {ratio} (bar {bar})\n")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(*words: object, env: dict[str, str] | None = None, code: Sequence[int] = (0,)) -> str:
    done = subprocess.run(
        [*map(str, words)],
        env={**os.environ, "PYTHONPATH": str(REPO), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in code:
        sys.exit(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def custody(*words: object, env: dict[str, str] | None = None, code: Sequence[int] = (0,)) -> str:
    return run(sys.executable, "-m", "custody", *words, env=env, code=code)


def median_of(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Medians of several works, interleaved: what slows the machine slows all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for place, work in enumerate(works):
            times[place].append(timed(work))
    return [statistics.median(found) for found in times]


def a_desk(place: Path) -> Desk:
    own = keyfile.open_(place / "keys" / "first", desks.PASSPHRASE, random=os.urandom)
    return Desk(Locker(place / "L"), own, Rim())


def random_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    return path


# --- the works ------------------------------------------------------------------------------------------


def start(bench: Bench) -> None:
    python = sys.executable
    ours, peer = median_of(
        max(bench.rounds, 5),
        lambda: run(python, "-m", "custody", "--help"),
        lambda: run(python, "-c", "import click"),
    )
    bench.row("custody --help", f"{ours:.2f} s", f"import click: {peer:.2f} s", f"{ours / peer:.2f}", "1.5")
    folder = bench.folder / "start"
    folder.mkdir()
    (folder / "pw").write_text("a passphrase of the bench\n", "utf-8")
    env = {"CUSTODY_PASSPHRASE_FILE": str(folder / "pw"), "CUSTODY_KEY": str(folder / "key")}
    custody("init", folder / "L", "--name", "Bench", "--no-recovery", env=env)
    (ours,) = median_of(
        max(bench.rounds, 3), lambda: custody("--locker", folder / "L", "custodian", "list", env=env)
    )
    bench.row("start and unlock", f"{ours:.2f} s", "–", "–", "1.2 s")


def one_file(bench: Bench) -> None:
    size = (256 if bench.quick else 1024) * MIB
    folder = bench.folder / "one"
    desks.new_locker(folder).locker.close()
    data = random_file(folder / "data.bin", size)
    desk = a_desk(folder)
    number = iter(range(100))

    def ours() -> None:
        # The same path again is the same source: a case of its own for each round.
        case = cases.open_case(desk, f"REF-{next(number)}")
        collect.collect(desk, sources.look([data]), Request(case=case, seal=False))

    def copied() -> None:
        # A new file each time, as ours is: blocks that were just set free are written five times as fast.
        copy = folder / f"copy-{next(number)}.bin"
        run("cp", "--reflink=never", data, copy)
        run("sync", copy)

    took, hashed, cp = median_of(bench.rounds, ours, lambda: run("openssl", "dgst", "-sha256", data), copied)
    slower = max(hashed, cp)
    peer = f"dgst {hashed:.2f} s, cp and sync {cp:.2f} s"
    bench.row(f"collect one file of {size // MIB} MiB", f"{took:.2f} s", peer, f"{took / slower:.2f}", "1.3")
    desk.locker.close()
    memory = run(sys.executable, "-m", "tests.bench", "--memory-of-collect", folder)
    bench.row(f"  memory beyond the start, {size // MIB} MiB", f"{memory.strip()} MiB", "–", "–", "120 MiB")
    for copy in folder.glob("copy-*.bin"):
        copy.unlink()

    desk = a_desk(folder)
    case = desk.locker.work.cases()[0].id
    package = folder / "out.zip"
    writing = timed(lambda: export.export(desk, Choice(case=case), package, purpose="bench", plain=True))
    bench.row(f"  export it, plain, {size // MIB} MiB", f"{writing:.2f} s", "–", "–", "none")
    desk.locker.close()
    run("sync", package)

    def verify() -> None:
        run(sys.executable, "-m", "custody.verify", package, code=(6,))

    took, hashed = median_of(bench.rounds, verify, lambda: run("openssl", "dgst", "-sha512", package))
    bench.row(
        f"verify a package of {size // MIB} MiB, with start",
        f"{took:.2f} s",
        f"dgst -sha512 {hashed:.2f} s",
        f"{took / hashed:.2f}",
        "1.3",
    )


def memory_of_collect(folder: Path) -> None:
    """In a process of its own: MiB of peak memory that a collect adds to what was there before."""
    desk = a_desk(folder)
    case = cases.open_case(desk, "REF-MEMORY")
    before = peak()
    collect.collect(desk, sources.look([folder / "data.bin"]), Request(case=case, seal=False))
    sys.stdout.write(f"{(peak() - before) / 1024:.0f}\n")


def peak() -> int:
    """Peak memory of this process in KiB. getrusage would tell the parent's, from before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text("ascii"))[1])  # type: ignore[index]


def many_files(bench: Bench) -> None:
    count = 1000 if bench.quick else 10_000
    folder = bench.folder / "many"
    data = folder / "data"
    data.mkdir(parents=True)
    for n in range(count):
        size = 4096 + int.from_bytes(hashlib.sha256(b"%d" % n).digest()[:4], "big") % (36 * 1024)
        (data / f"{n:05d}.bin").write_bytes(os.urandom(size))
    (folder / "pw").write_text("a passphrase of the bench\n", "utf-8")
    env = {"CUSTODY_PASSPHRASE_FILE": str(folder / "pw"), "CUSTODY_KEY": str(folder / "key")}
    locker = folder / "L"
    custody("init", locker, "--name", "Bench", "--no-recovery", env=env)
    custody("--locker", locker, "case", "open", "REF", env=env)
    took = timed(lambda: custody("--locker", locker, "collect", data, "--case", "REF", "--yes", env=env))
    peer, ratio = "restic is not installed", "–"
    if shutil.which("restic"):
        repository = {"RESTIC_REPOSITORY": str(folder / "repository"), "RESTIC_PASSWORD": "bench"}
        run("restic", "init", env=repository)
        theirs = timed(lambda: run("restic", "backup", data, env=repository))
        peer, ratio = f"restic {theirs:.2f} s", f"{took / theirs:.2f}"
    bench.row(f"collect {count} files of 4–40 KiB, whole command", f"{took:.2f} s", peer, ratio, "2.5")


def append(bench: Bench) -> None:
    desk = desks.new_locker(bench.folder / "append")
    case = cases.open_case(desk, "REF")
    exhibit = desk.rim.new_id()
    with desk.write() as writer:
        keys = {name: os.urandom(32) for name in ("record", "identity", "note")}
        public = {"label": "A-1", "act": "files"}
        writer.add(
            "exhibit.acquired", "exhibit", exhibit, case=case, public=public, parts={"capture": {}}, keys=keys
        )
    sealed = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("content", "handling", "name")}
    number = iter(range(10**9))

    def batch() -> None:
        group = desk.rim.new_id()
        with desk.write() as writer:
            for _ in range(100):
                public = {
                    "exhibit": exhibit,
                    "acquisition": 0,
                    # An exhibit has at most 999,999 items; more stand in the next.
                    "label": f"A-{(at := next(number)) // 900_000 + 1}/{at % 900_000 + 1:02d}",
                    "object": {"id": "0" * 64, "size": 4096},
                    "wrapped_to": [desk.key_id],
                }
                writer.add_sealed(
                    "item.collected", "item", desk.rim.new_id(), n=0, fresh=True, case=case, group=group,
                    sealed=sealed, public=public,
                )  # fmt: skip

    def rate(batches: int = 20) -> float:
        return batches * 100 / timed(lambda: [batch() for _ in range(batches)])

    for _ in range(10):
        batch()
    early = rate()
    while next(number) < bench.entries:
        batch()
    late = rate()
    bench.row(
        f"append in batches of 100, at {bench.entries} entries",
        f"{late:.0f}/s",
        f"at 1,000: {early:.0f}/s",
        f"{early / late:.2f}",
        "1.2, and 5,000/s",
    )
    path = desk.locker.ledger.path
    run("sqlite3", path, "PRAGMA wal_checkpoint(TRUNCATE)") if shutil.which(
        "sqlite3"
    ) else desk.locker.close()
    with desk.locker.ledger.reading() as view:
        size = view.size
        each = sum(p.stat().st_size for p in path.parent.glob(path.name + "*")) / size
        proofs = timed(lambda: [view.inclusion(seq, size) for seq in range(0, size, size // 100)])
    bench.row("  on disk, an entry", f"{each / 1024:.2f} KiB", "–", "–", "2.6 KiB")
    bench.row(f"inclusion proof at {size} entries", f"{proofs * 10:.2f} ms", "–", "–", "10 ms")


def checking(bench: Bench) -> None:
    desk = desks.new_locker(bench.folder / "check")
    count = min(bench.entries, 100_000)
    made = 0
    few = bench.folder / "few"
    desks.new_locker(few).locker.close()
    while made < count:
        with desk.write() as writer:
            for _ in range(500):
                public = {"size": writer.append.size, "root": writer.append.root().hex(), "result": "started"}
                writer.add("ledger.checked", "ledger", desk.locker.ledger_id, public=public)
        made += 500
    desk.locker.close()

    def checked(folder: Path) -> tuple[float, float]:
        before = cpu_seconds()
        took = timed(lambda: custody("--locker", folder / "L", "check", "--no-key"))
        return took, cpu_seconds() - before

    # As a person runs it; what starting costs is known from a locker with next to nothing in it.
    start_took, start_spent = min(checked(few) for _ in range(3))
    whole_took, whole_spent = checked(bench.folder / "check")
    took, spent = whole_took - start_took, whole_spent - start_spent
    peers = []
    for words in (("-multi", "2"), ()):
        said = run("openssl", "speed", "-seconds", "2", *words, "ed25519")
        found = re.findall(r"Ed25519\)?\s.*?([\d.]+)\s*$", said, re.M)
        peers.append(float(found[-1]) if found else float("nan"))
    both, one = peers
    bench.row(
        f"check of {made} entries, a process for each processor, start left out",
        f"{made / took:.0f}/s",
        f"openssl speed -multi 2: {both:.0f}/s",
        f"{made / took / both:.0%}",
        "50 %",
    )
    # What neighbours take away does not count here: each side by the processor time that it had itself.
    bench.row(
        "  by processor time, start left out",
        f"{made / spent:.0f}/s",
        f"openssl speed: {one:.0f}/s",
        f"{made / spent / one:.0%}",
        "50 %",
    )


def cpu_seconds() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    found = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in found)


def reading_chats(bench: Bench) -> None:
    from tests.bench import reading

    folder = bench.folder / "chats"
    folder.mkdir()
    reading.work(bench.row, folder, 50_000 if bench.quick else 1_000_000)


def reading_records(bench: Bench) -> None:
    from tests.bench import records

    folder = bench.folder / "records"
    folder.mkdir()
    records.work(bench.row, folder, 50_000 if bench.quick else 1_000_000)


WORKS = {
    "start": start,
    "one": one_file,
    "many": many_files,
    "append": append,
    "check": checking,
    "chats": reading_chats,
    "records": reading_records,
}


def main() -> None:
    """Run the works and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: a first look, about a minute")
    parser.add_argument("--entries", type=int, help="how far the ledger grows (100,000; with --quick 10,000)")
    parser.add_argument("--only", choices=WORKS, action="append", help="one work alone; repeatable")
    parser.add_argument("--in", dest="place", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--memory-of-collect", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of_collect:
        memory_of_collect(options.memory_of_collect)
        return
    entries = options.entries or (10_000 if options.quick else 100_000)
    with tempfile.TemporaryDirectory(dir=options.place) as folder:
        bench = Bench(Path(folder), options.quick, entries, 3 if options.quick else 5)
        for name, work in WORKS.items():
            if not options.only or name in options.only:
                work(bench)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    sys.stdout.write(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()},"
        f" load at the end {load:.1f}\n\n"
    )
    table = [("Work", "custody", "Peer", "Ratio", "Bar"), ("---",) * 5, *bench.rows]
    sys.stdout.write("".join(f"| {' | '.join(cells)} |\n" for cells in table))


if __name__ == "__main__":
    main()
