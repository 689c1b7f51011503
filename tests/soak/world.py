"""A locker for the soak, its files, and the questions that are asked of it after each blow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custody.errors import CustodyError
from custody.keys import keyfile
from custody.procedure import access, cases, setup
from custody.procedure.authorities import Named
from custody.procedure.check import check
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import Rim
from custody.procedure.setup import Recovery
from custody.procedure.sweep import cut_short
from tests import desks

REPO = Path(__file__).resolve().parent.parent.parent
REF = "REF-1"
BROKEN = 99
"""A child's exit code where the soak itself is at fault."""


class Server:
    """The forking server, started once; ``layer`` is the compiled fault layer, or None."""

    def __init__(self, layer: Path | None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTODY_")}
        environment["PYTHONPATH"] = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
        if layer is not None:
            environment["LD_PRELOAD"] = str(layer)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.server"],
            cwd=REPO,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.layer = bool(self._answer()["layer"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server is gone")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def run(self, args: list[str], **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"args": args, "seed": 0, **order}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer["code"] == BROKEN:
            raise RuntimeError(answer["err"])
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()


def compile_layer(folder: Path) -> Path | None:
    """The fault layer, compiled; None where there is no compiler, or no way to preload (Linux alone)."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = folder / "faulty.so"
    source = Path(__file__).with_name("faulty.c")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"]
    return made if subprocess.run(words, check=False, capture_output=True).returncode == 0 else None


@dataclass
class Tally:
    """What the table says."""

    kills: int = 0
    survived: int = 0
    full: int = 0
    refused: int = 0
    retries: int = 0
    items: int = 0
    lost: list[str] = field(default_factory=list)
    halves: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    commands: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    told: int = 0

    @property
    def bad(self) -> list[str]:
        return [*self.lost, *self.halves, *self.unclear]


class World:
    """One locker with one case, and everything that was ever reported as in."""

    def __init__(self, folder: Path, sources: Path, tally: Tally, tsa: Named | None) -> None:
        self.folder = folder
        self.sources = sources
        self.tally = tally
        self.locker = folder / "L"
        self.key = folder / "key"
        self.words = folder / "words"
        self.reported: dict[str, str] = {}
        """SHA-256 by id, as commands reported them or as they were seen in the locker once."""
        self.read: set[str] = set()
        self.wanted: list[Path] = []
        """Folders of collects that were begun."""
        self.collected: set[Path] = set()
        """Those that a command took in to its end."""
        folder.mkdir(parents=True)
        (folder / "out").mkdir()
        self.words.write_bytes(desks.PASSPHRASE)
        self.words.chmod(0o600)
        rim = Rim()
        own = keyfile.create(
            self.key,
            desks.PASSPHRASE,
            desks.new_keys(),
            now=rim.wall(),
            random=os.urandom,
            params=desks.SMALL,
        )
        setup.init(
            self.locker,
            own,
            rim,
            name="A. Investigator",
            organisation=None,
            how=Recovery(),
            tsa=[] if tsa is None else [tsa],
        )
        desk = Desk(Locker(self.locker), own, rim)
        self.case = cases.open_case(desk, REF)
        desk.locker.close()

    @property
    def globals(self) -> list[str]:
        return ["--locker", str(self.locker), "--key", str(self.key), "--passphrase-file", str(self.words)]

    def put(self, random_: random.Random, number: int) -> Path:
        """A folder of a few files of random sizes, one of them sometimes large enough to be streamed."""
        folder = self.sources / f"{number:05d}"
        folder.mkdir(parents=True)
        for place in range(random_.randint(1, 5)):
            size = random_.choice((0, 1, 300, 5_000, 60_000))
            if random_.random() < 0.03:
                size = (1 << 20) + 4096
            (folder / f"{place}.bin").write_bytes(f"{number} {place} ".encode() + random_.randbytes(size))
        return folder

    @contextlib.contextmanager
    def desk(self) -> Iterator[Desk]:
        own = keyfile.open_(self.key, desks.PASSPHRASE)
        locker = Locker(self.locker)
        try:
            yield Desk(locker, own, Rim())
        finally:
            locker.close()

    def report(self, out: str) -> None:
        """Take in what a command printed with --json."""
        try:
            items = json.loads(out).get("items")
        except ValueError:
            return  # ended before it said anything
        for item in items if isinstance(items, list) else ():
            if "sha256" in item:
                self.reported[item["id"]] = item["sha256"]

    def look(self, what: str, *, deep: bool = False) -> None:
        """After a blow: the locker opens, `check` passes, everything reported is there with its digest."""
        try:
            with self.desk() as desk:
                done = check(desk.locker, desk, deep=deep)
                if not done.passed:
                    self.tally.halves.append(f"{what}: check: {done.first_failure}")
                self._items(desk, what)
        except CustodyError as error:
            self.tally.halves.append(f"{what}: {error.message}")

    def _items(self, desk: Desk, what: str) -> None:
        rows = {row.id: row for row in desk.locker.work.items(self.case)}
        for identifier in sorted(self.reported.keys() - rows.keys()):
            self.tally.lost.append(f"{what}: item {identifier} is gone")
        new = {identifier: row for identifier, row in rows.items() if identifier not in self.read}
        if not new:
            return
        open_parts = access.consult(desk, self.case, what="names", exhibits=None, purpose=desks.WHY)
        for identifier, row in new.items():
            first = next(iter(open_parts(identifier, ("content",))))
            sha256 = first.values["content"]["digests"]["sha256"]
            if self.reported.setdefault(identifier, sha256) != sha256:
                self.tally.lost.append(f"{what}: {row.label} has another digest than was reported")
            access.check_content(desk, row)  # raises where the content is not what was logged
            self.read.add(identifier)

    def settled(self, what: str) -> None:
        """After a clean collect at the end: each file is in once, nothing is left over, all reads back."""
        self.look(what, deep=True)
        with self.desk() as desk:
            names = {row.object for row in desk.locker.work.items()}
            more = [name for name in desk.locker.vault.objects() if name not in names]
            if more or cut_short(desk.locker):
                self.tally.halves.append(f"{what}: {len(more)} objects or keys without an entry")
            with desk.locker.ledger.reading() as view:
                lost = [s for s in desk.locker.erasable.subjects_with_rows() if view.head(s) is None]
            if lost:
                self.tally.halves.append(f"{what}: rows of {len(lost)} subjects without an entry")
            if any(row.ended is None for row in desk.locker.work.acquisitions()):
                self.tally.halves.append(f"{what}: an acquisition that nothing can finish")
        wanted = sorted(
            hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in self.wanted
            for path in folder.iterdir()
        )
        if wanted != sorted(self.reported.values()):
            self.tally.halves.append(f"{what}: {len(wanted)} files, {len(self.reported)} items")
        hidden = [path.name for path in (self.folder / "out").iterdir() if path.name.startswith(".")]
        self.tally.items += len(self.reported)
        if len(hidden) > self.tally.kills + self.tally.full:
            self.tally.halves.append(f"{what}: more hidden files than commands that were ended")
