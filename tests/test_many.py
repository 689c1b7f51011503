"""Many at once: processes that collect into one locker, and what is left of one that was killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from custody import machine
from custody.errors import LockerBusy
from custody.procedure import access, cases, check
from custody.vault import store as vaults
from tests import desks

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
    while sum(len(p.name) == 64 for p in vault.iterdir()) < 150:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    # Its workers hold the same standard output: the end of it comes when the last of them is gone.
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL

    desk = desks.sit_down(desk)
    before = len(desk.locker.work.items(case))
    assert before % 100 == 0
    assert check.check(desk.locker, desk).passed
    done = desks.take_in(desk, case, folder)
    assert done.continued
    assert (len(done.items), done.already) == (1200 - before, before)
    found = check.check(desk.locker, desk, deep=True)
    assert found.passed, found.first_failure
    assert found.items == 1200
