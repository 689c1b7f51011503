"""The blows: random commands killed at random moments, or on a disk that is full or fails."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.errors import CustodyError
from custody.procedure.authorities import Named
from custody.verify.package import verify
from tests.soak.world import REF, Server, Tally, World

SEGMENT = 12
"""So many blows hit one locker; then it is settled, looked through to the bottom, and another begins."""

WEIGHTS = {"collect": 45, "export": 18, "read": 18, "seal": 9, "names": 5, "open case": 5}


@dataclass
class Command:
    """A command line, what file it makes, and which exit codes a retry may have."""

    name: str
    args: list[str]
    makes: Path | None = None
    sha256: str | None = None
    again: tuple[int, ...] = (0,)


def choose(world: World, random_: random.Random, number: int) -> Command:
    names = [name for name in WEIGHTS if world.reported or name in ("collect", "seal", "open case")]
    name = random_.choices(names, [WEIGHTS[one] for one in names])[0]
    words: list[str] = []
    made = Command(name, words)
    match name:
        case "collect":
            folder = world.put(random_, number)
            world.wanted.append(folder)
            words += ["collect", str(folder), "--case", REF, "--yes"]
        case "read":
            item = random_.choice(sorted(world.reported))
            made.makes, made.sha256 = world.folder / "out" / f"{number}.bin", world.reported[item]
            words += ["read", item[-12:], "-o", str(made.makes), "--purpose", "a test"]
            made.again = (0, 4)  # the copy may be there, whole
        case "export":
            some = random_.sample(sorted(world.reported), min(len(world.reported), random_.randint(1, 4)))
            made.makes = world.folder / "out" / f"{number}.zip"
            words += ["export", *(item[-12:] for item in some), "--case", REF, "-o", str(made.makes)]
            words += ["--purpose", "a test", "--recipient", "nobody"]
            words += ["--plain"] if random_.random() < 0.7 else []
            made.again = (0, 4)
        case "seal":
            words += ["seal", *(["--again"] if random_.random() < 0.5 else [])]
        case "names":
            words += ["list", "--case", REF, "--names", "--purpose", "a test"]
        case _:
            words += ["case", "open", f"REF-{number + 10}", "--title", "a test"]
            made.again = (0, 4)  # the case may be there
    made.args = [*world.globals, "--json", *words]
    return made


class Typical:
    """What a command does when nothing happens to it: points, calls and seconds, as last seen."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}

    def learn(self, name: str, done: dict[str, Any]) -> None:
        if done["code"] == 0:
            self.known[name] = done

    def blow(self, name: str, random_: random.Random, *, layer: bool) -> dict[str, Any]:
        """Where a command of this name is ended: at a point, at a call, or after a time."""
        usual = self.known.get(name, {"points": 30, "calls": 60, "seconds": 0.3})
        kind = random_.choice(("die_at", "call", "after") if layer else ("die_at", "after"))
        match kind:
            case "die_at":
                return {"die_at": random_.randint(1, max(1, usual["points"]))}
            case "call":
                return {"call": random_.randint(0, max(1, usual["calls"] - 1)), "error": 0}
        return {"after": random_.uniform(0.0, usual["seconds"] * 1.1)}


def worlds(base: Path, tally: Tally, tsa: Named | None) -> Iterator[World]:
    for number in range(10**9):
        folder = base / f"{number:04d}"
        yield World(folder, base / f"{number:04d}-src", tally, tsa)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(base / f"{number:04d}-src", ignore_errors=True)


def after_blow(world: World, command: Command, done: dict[str, Any], what: str) -> None:
    """Whatever the command made is whole; whatever it reported is in; the locker is sound."""
    world.report(done["out"])
    if command.name == "collect" and done["code"] == 0:
        world.collected.add(world.wanted[-1])
    if command.makes is not None and command.makes.exists():
        if command.name == "read" and _sha256(command.makes) != command.sha256:
            world.tally.halves.append(f"{what}: half a copy")
        if command.name == "export" and not _verifies(command.makes):
            world.tally.halves.append(f"{what}: half a package")
    world.look(what)


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verifies(path: Path) -> bool:
    import datetime as dt

    from custody.verify.container import is_encrypted_wrapper

    with path.open("rb") as file:
        if is_encrypted_wrapper(file):
            # Whole, if its directory is: that is written last, and the file gets its name after it.
            return path.read_bytes()[-22:-18] == b"PK\5\6"
        file.seek(0)
        try:
            return verify(file, now=dt.datetime.now(dt.UTC)).exit_code in (0, 6)
        except CustodyError:
            return False


def retry(world: World, server: Server, command: Command, what: str) -> None:
    done = server.run(command.args)
    world.tally.retries += 1
    if done["code"] not in command.again or "fault in custody" in done["err"]:
        world.tally.unclear.append(f"{what}: again: exit {done['code']}: {done['err'][-300:]}")
    after_blow(world, command, done, f"{what}, again")


def settle(world: World, server: Server, what: str) -> None:
    for folder in (*world.wanted[-1:], *(one for one in world.wanted if one not in world.collected)):
        done = server.run([*world.globals, "--json", "collect", str(folder), "--case", REF, "--yes"])
        if done["code"] != 0:
            world.tally.unclear.append(f"{what}: at the end: exit {done['code']}: {done['err'][-300:]}")
        world.report(done["out"])
    world.settled(what)


def kills(
    server: Server,
    base: Path,
    count: int,
    random_: random.Random,
    tally: Tally,
    *,
    tsa: Named | None,
    more: Callable[[], bool],
    segment: int = SEGMENT,
) -> None:
    """Kill ``count`` commands, or until ``more`` says no."""
    typical = Typical()
    made = worlds(base / "kills", tally, tsa)
    number = 0
    while tally.kills < count and more():
        world = next(made)
        goal = min(count, tally.kills + segment)
        while tally.kills < goal and more():
            number += 1
            command = choose(world, random_, number)
            order = (
                {}
                if command.name not in typical.known
                else typical.blow(command.name, random_, layer=server.layer)
            )
            done = server.run(command.args, batch=random_.choice((1, 2, 100)), **order)
            typical.learn(command.name, done)
            what = f"{number} {command.name} {order} at {done['last']}"
            tally.commands[command.name] = tally.commands.get(command.name, 0) + 1
            if done["code"] == -9:
                tally.kills += 1
                tally.points[done["last"] or "before any"] = (
                    tally.points.get(done["last"] or "before any", 0) + 1
                )
            else:
                tally.survived += 1
                if done["code"] != 0:
                    tally.unclear.append(f"{what}: exit {done['code']}: {done['err'][-300:]}")
            after_blow(world, command, done, what)
            if done["code"] == -9 and random_.random() < 0.5:
                retry(world, server, command, what)
        settle(world, server, f"after {number}")
        progress(f"{tally.kills} kills, {number} commands, {len(tally.bad)} bad", tally)


def progress(text: str, tally: Tally) -> None:
    for line in tally.bad[tally.told :]:
        sys.stderr.write(f"BAD {line}\n")
    tally.told = len(tally.bad)
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


# Full disks


def can_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def small_disk(place: Path, mib: int) -> Iterator[bool]:
    """A tmpfs of so many MiB at ``place``; False where this machine does not let us."""
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "custody-soak", str(place)]
    if not can_mount() or subprocess.run(words, check=False, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(place)], check=False)


def fill(place: Path, leave: int) -> Path:
    """Fill a disk up to ``leave`` bytes."""
    filler = place / "filler"
    free = os.statvfs(place)
    size = max(0, free.f_bavail * free.f_frsize - leave)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, size))
    return filler


def failing_disks(
    server: Server,
    base: Path,
    count: int,
    random_: random.Random,
    tally: Tally,
    *,
    error: int,
    tsa: Named | None,
    more: Callable[[], bool],
    segment: int = SEGMENT,
) -> str:
    """Let the disk of ``count`` commands fail; gives how that was done.

    ENOSPC on a small tmpfs of its own, which is filled up to a random rest; where that can't be mounted,
    and for EIO, by the fault layer at a random call; without it, at a random point.
    """
    typical = Typical()
    number = 100_000
    hit = 0
    with small_disk(base / f"disk-{error}", 96) as mounted:
        real = mounted and error == errno.ENOSPC
        how = "a tmpfs" if real else "the fault layer" if server.layer else "fault points"
        home = base / f"disk-{error}" if real else base / f"failing-{error}"
        made = worlds(home, tally, tsa)
        while hit < count and more():
            world = next(made)
            world.sources = base / f"src-{error}-{number}"
            goal = min(count, hit + segment)
            while hit < goal and more():
                number += 1
                command = choose(world, random_, number)
                order: dict[str, Any] = {}
                filler = None
                if command.name in typical.known:
                    if real:
                        filler = fill(home, random_.randrange(0, 500_000))
                    else:
                        order = {"error": error, "stays": error == errno.ENOSPC}
                        usual = typical.known[command.name]
                        place = "call" if server.layer else "fail_at"
                        most = usual["calls"] if server.layer else usual["points"]
                        order[place] = random_.randint(1, max(1, most))
                done = server.run(command.args, batch=random_.choice((1, 2, 100)), **order)
                if filler is not None:
                    filler.unlink()
                typical.learn(command.name, done)
                what = f"{number} {command.name} {order or 'full'} at {done['last']}"
                clear = done["code"] in (0, 5) and "fault in custody" not in done["err"]
                if not clear or "Traceback" in done["err"]:
                    tally.unclear.append(f"{what}: exit {done['code']}: {done['err'][-400:]}")
                if done["code"] != 0:
                    hit += 1
                    tally.full += 1
                after_blow(world, command, done, what)
                if done["code"] != 0:
                    retry(world, server, command, what)
            settle(world, server, f"after {number}")
            progress(f"{hit} disks that failed, {len(tally.bad)} bad", tally)
            shutil.rmtree(world.sources, ignore_errors=True)
    return how
