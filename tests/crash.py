"""Runs steps of the work and lets the disk fail, or ends the process, at named points of a write.

``crash.run()`` in a process of its own, with the arguments BASE and CASES: BASE holds a locker L, keys
and files; CASES is a JSON list of [folder, step, point, how many times the point is passed]. Each case
works on a copy of BASE in its folder, in a forked child that ends itself with SIGKILL. Prints how the
children ended.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from custody import machine
from custody.crypto import public_keys
from custody.keys import keyfile
from custody.procedure import (
    backup,
    cases,
    collect,
    custodians,
    export,
    items,
    lists,
    read,
    restore,
    seal,
    setup,
)
from custody.procedure.derive import Wish
from custody.procedure.export import Choice
from custody.procedure.locker import Desk, Locker
from custody.procedure.setup import Recovery
from tests import desks

FILES: dict[str | bytes, bytes] = {f"{number}.txt": f"content {number}".encode() for number in range(3)} | {
    "2.txt": b"03/04/2022, 21:42 - Anna Example: made up\n14/04/2022, 21:43 - Ben Example: yes\n",
    "3.bin": b"large" + bytes(range(256)) * 4200,
}
"""Collected in two batches of two; the third is a chat, of which a form is derived; the last is streamed."""

LATER = desks.START.replace(hour=12)


def desk_of(folder: Path) -> Desk:
    """A desk at the locker in a folder, its clock on from where the base was made."""
    own = keyfile.open_(folder / "keys" / "first", desks.PASSPHRASE)
    return Desk(Locker(folder / "L"), own, desks.make_rim(desks.Clock(LATER)))


def first_case(desk: Desk) -> str:
    return desk.locker.work.cases()[0].id


def do_init(folder: Path) -> None:
    own = keyfile.open_(folder / "keys" / "other", desks.PASSPHRASE)
    setup.init(folder / "M", own, desks.make_rim(), name="B.", organisation=None, how=Recovery())


def do_new_key(folder: Path) -> None:
    desks.new_key_file(folder / "keys" / "third")


def do_collect(folder: Path) -> None:
    desk = desk_of(folder)
    desks.take_in(desk, first_case(desk), folder / "src", derive=Wish())


def do_collect_again(folder: Path) -> None:
    """After work that broke off: leftovers are swept first."""
    left = folder / "L" / "vault" / "unfinished-1-00000000"
    left.mkdir(exist_ok=True)
    (left / "lock").touch()
    do_collect(folder)


def do_open_case(folder: Path) -> None:
    cases.open_case(desk_of(folder), "REF-2")


def do_read(folder: Path) -> None:
    desk = desk_of(folder)
    read.read_to_file(desk, items.find_item(desk, "OLD-1/01"), folder / "out", desks.WHY)


def do_names(folder: Path) -> None:
    desk = desk_of(folder)
    lists.list_names(desk, first_case(desk), desks.WHY)


def do_lost_list(folder: Path) -> None:
    """What is derived was deleted, and is made anew."""
    for path in (folder / "L").glob("work.sqlite*"):
        path.unlink()
    do_names(folder)


def do_seal(folder: Path) -> None:
    seal.seal(desk_of(folder))


def do_stamp(folder: Path) -> None:
    """Sealed, with a time proof; the authority is named first."""
    desk = desk_of(folder)
    with desks.authority(desks.Clock(LATER + dt.timedelta(seconds=1))) as (_, named):
        seal.name_authorities(desk, [named])
        seal.seal(desk)


def do_export(folder: Path) -> None:
    desk = desk_of(folder)
    choice = Choice(case=first_case(desk))
    export.export(desk, choice, folder / "out.zip", purpose="a test", plain=True, stamped=False)


def do_backup(folder: Path) -> None:
    backup.write(desk_of(folder), folder / "out.backup")


def do_restore(folder: Path) -> None:
    own = keyfile.open_(folder / "keys" / "first", desks.PASSPHRASE)
    restore.restore(folder / "L", folder / "R", own, desks.make_rim(desks.Clock(LATER)))


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
    "new key": do_new_key,
    "init": do_init,
    "collect": do_collect,
    "collect again": do_collect_again,
    "open case": do_open_case,
    "read": do_read,
    "names": do_names,
    "lost list": do_lost_list,
    "seal": do_seal,
    "stamp": do_stamp,
    "export": do_export,
    "backup": do_backup,
    "restore": do_restore,
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


def do_at(point: str, times: int, do: Callable[[], None]) -> Callable[[str], None]:
    """A hook that does something when a point is passed for the n-th time."""
    passed = 0

    def hook(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == times:
            do()

    return hook


def main(base: Path, todo: list[tuple[str, str, str, int]]) -> None:
    codes = []
    for folder, step, point, times in todo:
        shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            collect.BATCH_ITEMS = 2
            machine.at_point = do_at(point, times, lambda: os.kill(os.getpid(), signal.SIGKILL))
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
