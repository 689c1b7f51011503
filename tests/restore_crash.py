"""Restores a backup and ends the process at named points, as a power cut would.

``restore_crash.run()`` in a process of its own, with the arguments BASE and POINTS (JSON): BASE holds a backup B
and the key of who restores. Each point works in a copy of the key and a folder of its own, in a forked child that
is gone without unwinding anything. Prints the children's exit codes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from custody import machine
from custody.keys import keyfile
from custody.procedure import restore
from tests import desks

GONE = 42


def die_at(point: str) -> Callable[[str], None]:
    def hook(name: str) -> None:
        if name == point:
            os._exit(GONE)

    return hook


def main(base: Path, folder: Path, points: list[str]) -> None:
    codes = []
    for number, point in enumerate(points):
        place = folder / str(number)
        place.mkdir(parents=True)
        shutil.copyfile(base / "key", place / "key")
        child = os.fork()
        if child == 0:
            machine.at_point = die_at(point)
            code = 1
            try:
                own = keyfile.open_(place / "key", desks.PASSPHRASE)
                restore.restore(base / "B", place / "L", own, desks.make_rim())
                code = 0
            finally:
                os._exit(code)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


def run() -> None:
    """With the arguments of the process."""
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
