"""Runs steps of the work and ends the process at named points of a write, as a power cut would.

``crash.run()`` in a process of its own, with the arguments BASE and CASES: BASE holds a locker L, keys
and files; CASES is a JSON list of [folder, step, point, how many times the point is passed]. Each case
works on a copy of BASE in its folder, in a forked child that is gone without unwinding anything. Prints
the children's exit codes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from custody import machine
from custody.crypto import public_keys
from custody.keys import keyfile
from custody.procedure import cases, collect, custodians, items, lists, read, seal
from custody.procedure.locker import Desk, Locker
from tests import desks

GONE = 42
FILES = {f"{number}.txt": f"content {number}".encode() for number in range(4)}
"""Collected in two batches of two."""


def desk_of(folder: Path) -> Desk:
    """A desk at the locker in a folder, its clock on from where the base was made."""
    own = keyfile.open_(folder / "keys" / "first", desks.PASSPHRASE)
    return Desk(Locker(folder / "L"), own, desks.make_rim(desks.Clock(desks.START.replace(hour=12))))


def first_case(desk: Desk) -> str:
    return desk.locker.work.cases()[0].id


def do_collect(folder: Path) -> None:
    desk = desk_of(folder)
    desks.take_in(desk, first_case(desk), folder / "src")


def do_open_case(folder: Path) -> None:
    cases.open_case(desk_of(folder), "REF-2")


def do_read(folder: Path) -> None:
    desk = desk_of(folder)
    read.read_to_file(desk, items.find_item(desk, "OLD-1/01"), folder / "out", desks.WHY)


def do_names(folder: Path) -> None:
    desk = desk_of(folder)
    lists.list_names(desk, first_case(desk), desks.WHY)


def do_seal(folder: Path) -> None:
    seal.seal(desk_of(folder))


def do_grant(folder: Path) -> None:
    desk = desk_of(folder)
    file, envelope = public_keys.read((folder / "other.pub").read_bytes(), "public key file")
    if file.key_id not in desk.rights.custodians:
        custodians.add(desk, file, envelope, name="B.", rights=["collect"])
    custodians.grant(
        desk,
        desk.rights.custodians[file.key_id],
        first_case(desk),
        rights=["read"],
        classes=["object", "record"],
    )


STEPS: dict[str, Callable[[Path], None]] = {
    "collect": do_collect,
    "open case": do_open_case,
    "read": do_read,
    "names": do_names,
    "seal": do_seal,
    "grant": do_grant,
}


def make_base(folder: Path) -> None:
    """A locker with one case and one item, a colleague's key, and files to collect."""
    desk = desks.new_locker(folder)
    case = cases.open_case(desk, "REF-1")
    desks.take_in(desk, case, desks.put(folder / "old", {"old.txt": b"old"}), exhibit="OLD-1")
    other = desks.new_key_file(folder / "keys" / "other")
    (folder / "other.pub").write_bytes(other.public_file(desk.rim.wall()).to_bytes())
    desks.put(folder / "src", dict(FILES))
    desk.locker.close()


def die_at(point: str, times: int) -> Callable[[str], None]:
    passed = 0

    def hook(name: str) -> None:
        nonlocal passed
        passed += name == point
        if passed == times:
            os._exit(GONE)

    return hook


def main(base: Path, todo: list[tuple[str, str, str, int]]) -> None:
    codes = []
    for folder, step, point, times in todo:
        shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            collect.BATCH_ITEMS = 2
            machine.at_point = die_at(point, times)
            code = 1
            try:
                STEPS[step](Path(folder))
                code = 0
            finally:
                os._exit(code)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


def run() -> None:
    """With the arguments of the process."""
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
