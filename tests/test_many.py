"""Many at once: processes that collect into one locker, and what is left of one that was killed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody import machine
from custody.errors import LockerBusy
from custody.procedure import access, cases, check, collect
from custody.procedure.locker import Desk, Locker
from custody.vault import store as vaults
from tests import desks
from tests.soak import many

REPO = Path(__file__).resolve().parent.parent

COLLECT = """
import os, sys
from pathlib import Path
from custody.keys import keyfile
from custody.procedure.locker import Desk, Locker
from tests import desks

if __name__ == "__main__":
    place, case, folder, workers = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    own = keyfile.open_(place / "keys" / "first", desks.PASSPHRASE, random=os.urandom)
    desk = Desk(Locker(place / "L"), own, desks.make_rim())
    print("ready", flush=True)
    sys.stdin.readline()
    done = desks.take_in(desk, case, folder, workers=workers, seal=True)
    print(len(done.items), done.already)
"""


def start(place: Path, case: str, folder: Path, workers: int) -> subprocess.Popen[str]:
    """A process that unlocked the key and waits for a line to begin collecting."""
    script = place / "collecting.py"
    script.write_text(COLLECT, "utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), str(place), case, str(folder), str(workers)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def begin(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def files(name: str, count: int) -> dict[str | bytes, bytes]:
    return {f"{name}-{n:04d}.bin": f"{name} {n}".encode() * (n % 50) for n in range(1, count + 1)}


def test_several_processes_collect_at_once_and_none_loses(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    shared = cases.open_case(desk, "REF-1")
    other = cases.open_case(desk, "REF-2")
    evidence = {name: files(name, 230) for name in ("one", "two", "three")}
    folders = {name: desks.put(tmp_path / name, data) for name, data in evidence.items()}
    running = [
        start(tmp_path, shared, folders["one"], 0),
        start(tmp_path, shared, folders["two"], 0),
        start(tmp_path, other, folders["three"], 0),
    ]
    begin(*running)
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err) == (0, "230 0\n", "")

    desk = desks.sit_down(desk)
    found = check.check(desk.locker, desk, deep=True)
    assert found.passed, found.first_failure
    assert (found.items, found.objects) == (690, 690)
    for case, names in ((shared, ("one", "two")), (other, ("three",))):
        items = desk.locker.work.items(case)
        assert len({item.label for item in items}) == len(items) == 230 * len(names)
        wanted = Counter(
            hashlib.sha256(data).hexdigest() for name in names for data in evidence[name].values()
        )
        opened = access.open_for_export(desk, case, {item.id: ("content",) for item in items})
        digests = Counter(
            parts.values["content"]["digests"]["sha256"]
            for parts in opened.parts
            if "content" in parts.values
        )
        assert digests == wanted


def test_a_staging_folder_is_never_there_unheld_for_a_neighbour_to_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    entered = []
    real = vaults.Staging.__enter__

    def enter(self: vaults.Staging) -> vaults.Staging:
        # Whoever sweeps holds this lock: he can't while the folder is made and not held yet.
        with pytest.raises(LockerBusy), machine.locked(tmp_path / "L" / "lock", wait=False):
            pass
        entered.append(self)
        return real(self)

    monkeypatch.setattr(vaults.Staging, "__enter__", enter)
    desks.take_in(desk, case, desks.put(tmp_path / "d", {"a": b"1"}))
    assert entered


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
def test_a_killed_collect_leaves_no_process_and_no_half_and_is_continued(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    folder = desks.put(tmp_path / "many", files("x", 1200))
    process = start(tmp_path, case, folder, 2)
    begin(process)
    vault = tmp_path / "L" / "vault"
    deadline = time.monotonic() + 60
    # More objects than a batch has: the first one is logged, and another begun.
    while sum(len(p.name) == 64 for p in vault.iterdir()) < collect.BATCH_ITEMS + 50:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    # Its workers hold the same standard output: the end of it comes when the last of them is gone.
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL

    desk = desks.sit_down(desk)
    before = len(desk.locker.work.items(case))
    assert before > 0
    assert before % collect.BATCH_ITEMS == 0
    assert check.check(desk.locker, desk).passed
    done = desks.take_in(desk, case, folder)
    assert done.continued
    assert (len(done.items), done.already) == (1200 - before, before)
    found = check.check(desk.locker, desk, deep=True)
    assert found.passed, found.first_failure
    assert found.items == 1200


def log_size(place: Path) -> int:
    """Bytes of the ledger's write-ahead log."""
    path = place / "L" / "ledger.sqlite-wal"
    return path.stat().st_size if path.exists() else 0


def append_much(desk: Desk, case: str, entries: int) -> int:
    """Append entries in writes of ten; gives the largest size of the write-ahead log meanwhile."""
    largest = 0
    for _ in range(entries // 10):
        with desk.write() as writer:
            for _ in range(10):
                public = {"what": "names", "result": "refused", "exhibits": "all"}
                writer.add("case.consulted", "case", case, case=case, public=public)
        largest = max(largest, log_size(desk.locker.path.parent))
    return largest


@pytest.mark.parametrize("reader", ["view", "entries", "nodes", "parts"])
def test_no_reader_of_ours_holds_the_log_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    """However long it stands still: a check of a million entries, or a program put to sleep with Ctrl-Z."""
    monkeypatch.setattr(machine, "LOG_LIMIT", 1 << 20)
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    append_much(desk, case, 20)
    slow = Locker(tmp_path / "L")
    with slow.ledger.reading() as view:
        size = view.size
        match reader:
            case "entries":
                rows: Iterator[object] = view.entries(0)
            case "nodes":
                rows = view.nodes()
            case "parts":
                rows = slow.erasable.parts()
            case _:
                rows = iter([None])
        next(rows)
        largest = append_much(desk, case, 700)
        # The limit, and one write on top of it.
        assert largest < (1 << 20) + (1 << 19), f"{largest} bytes"
        assert view.size == size
        assert len(list(view.entries(0))) == size  # and what it reads is still what it was
        assert sum(1 for _ in view.nodes()) < 2 * size
    assert check.check(desk.locker, desk).passed


def test_a_strangers_reader_lets_the_log_grow_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database browser that somebody left open: writers go on without waiting for it each time."""
    monkeypatch.setattr(machine, "LOG_LIMIT", 1 << 20)
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    with contextlib.closing(sqlite3.connect(tmp_path / "L" / "ledger.sqlite")) as browser:
        browser.execute("BEGIN")
        browser.execute("SELECT count(*) FROM entry").fetchone()
        tried = []
        real = machine.fold_log

        def fold(connection: object, path: Path, stuck_at: int) -> int:
            found = real(connection, path, stuck_at)
            if found != stuck_at:
                tried.append(found)
            return found

        monkeypatch.setattr(machine, "fold_log", fold)
        largest = append_much(desk, case, 700)
        assert largest > 1 << 20
        assert 1 <= len(tried) <= largest // (1 << 20)
    append_much(desk, case, 300)
    assert log_size(tmp_path) < (1 << 20) + (1 << 19)
    assert check.check(desk.locker, desk).passed


@pytest.mark.skipif(not machine._HAS_QUEUE, reason="no queue of locks here: who waits asks again and again")
def test_who_waits_for_the_lock_is_served_before_who_comes_back_for_it(tmp_path: Path) -> None:
    """A writer that lets go and takes it again at once, over and over, as a collect of many files does.

    Counted in its turns, not in seconds: without a queue it has two thousand before the other has one, measured.
    """
    lock, turns = tmp_path / "lock", tmp_path / "turns"
    turns.touch()
    stop = threading.Event()

    def greedy() -> None:
        while not stop.is_set() and turns.stat().st_size < 1000:
            with machine.locked(lock), turns.open("ab") as file:
                file.write(b".")
                time.sleep(0.002)

    # Its own process: one process's threads share the queue's lock. Each turn begins when the other has had one.
    code = (
        "import sys, time; from pathlib import Path; from custody import machine\n"
        "lock, turns, seen = Path(sys.argv[1]), Path(sys.argv[2]), 0\n"
        "for _ in range(20):\n"
        "    while turns.stat().st_size == seen < 1000: time.sleep(0.0005)\n"
        "    with machine.locked(lock): seen = turns.stat().st_size\n"
        "print(seen)"
    )
    thread = threading.Thread(target=greedy)
    thread.start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(lock), str(turns)],
            cwd=REPO,
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        stop.set()
        thread.join()
    assert 20 <= int(done.stdout) < 1000


def test_who_waits_too_long_for_the_lock_is_told_and_takes_it_from_nobody(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with machine.locked(lock), pytest.raises(LockerBusy), machine.locked(lock, timeout=0.1):
        pass
    # The one who gave up does not stand in the queue any more.
    for _ in range(3):
        with machine.locked(lock, timeout=5):
            pass


@pytest.mark.skipif(os.name != "posix", reason="the soak's world is POSIX")
def test_many_at_once_with_readers_exporters_and_checks(tmp_path: Path) -> None:
    """The soak's four processes of 250 files, made small."""
    done = many.run(tmp_path / "many", files=12, collectors=3)
    assert done.problems == []
    assert done.items == 36
    assert done.longest_wait < 60
    assert max(done.log_bytes.values(), default=0) < machine.LOG_LIMIT + (8 << 20)
