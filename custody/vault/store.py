"""The vault: sealed bytes at rest, each named by the SHA-256 of what is stored.

An object appears whole or not at all: temporary file in a folder of this process, fsync, rename,
fsync of the directory. Anyone can scrub it without a key. One flat directory: fanning out into 256
cost six times the directory fsyncs at 10,000 objects and gained nothing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from custody import machine
from custody.crypto import sealing
from custody.errors import CheckFailed
from custody.format.padding import padme
from custody.vault.writing import PIECE, Staged, machine_error

DIRECTORY = "vault"
_TEMPORARY = "unfinished-"


class Staging:
    """A temporary folder in the vault, held by a lock so that a crash's leftovers can be told from work."""

    def __init__(self, vault: Path) -> None:
        self.directory = vault / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}"
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Staging:
        try:
            self.directory.mkdir(mode=0o700)
        except OSError as error:
            raise machine_error(error, "the vault can't be written") from error
        self._stack.enter_context(machine.locked(self.directory / "lock"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _empty(self.directory)
        self._stack.close()
        with contextlib.suppress(OSError):
            (self.directory / "lock").unlink(missing_ok=True)
            self.directory.rmdir()

    def new_path(self) -> Path:
        """A fresh name for one object."""
        return self.directory / secrets.token_hex(8)


class Vault:
    """The objects of one locker."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(cls, directory: Path) -> Vault:
        """Make an empty vault."""
        directory.mkdir(mode=0o700)
        return cls(directory)

    def staging(self) -> Staging:
        """A temporary folder to seal objects into."""
        return Staging(self.directory)

    def publish(self, staged: list[Staged]) -> None:
        """Give sealed, fsynced objects their names; durable on return."""
        try:
            folder = str(self.directory)
            for item in staged:
                os.replace(item.path, os.path.join(folder, item.object_id))  # noqa: PTH105, PTH118 - one of many
                machine.at_point("object renamed")
            machine.sync_directory(self.directory)
        except OSError as error:
            raise machine_error(error, "the vault can't be written") from error

    @contextlib.contextmanager
    def publishing(self, staged: list[Staged]) -> Iterator[None]:
        """As `publish`, in a thread beside the block; durable once the block is left."""
        with concurrent.futures.ThreadPoolExecutor(1, "publish") as beside:
            try:
                done = beside.submit(self.publish, staged)
            except RuntimeError:  # no room for one thread more
                self.publish(staged)
                yield
                return
            yield
            done.result()

    def withdraw(self, staged: list[Staged]) -> None:
        """Take back objects whose entries were never committed."""
        self.remove([item.object_id for item in staged])

    def remove(self, object_ids: list[str]) -> None:
        """Remove objects that no entry names."""
        for object_id in object_ids:
            with contextlib.suppress(OSError):
                (self.directory / object_id).unlink(missing_ok=True)

    def size_of(self, object_id: str) -> int | None:
        """The sealed size in bytes, or None when it isn't there."""
        try:
            return (self.directory / object_id).stat().st_size
        except OSError:
            return None

    def head(self, object_id: str, count: int) -> bytes:
        """The first ``count`` sealed bytes, not compared with the name; empty where there is no object."""
        try:
            with (self.directory / object_id).open("rb") as file:
                return file.read(count)
        except OSError:
            return b""

    def objects(self) -> Iterator[str]:
        """The names of all objects, in order."""
        yield from sorted(entry.name for entry in os.scandir(self.directory) if len(entry.name) == 64)

    def strangers(self) -> tuple[list[str], list[str]]:
        """(leftovers of crashed work, other files that are no objects)."""
        leftovers, others = [], []
        for entry in os.scandir(self.directory):
            if entry.name.startswith(_TEMPORARY):
                if not _held(Path(entry.path)):
                    leftovers.append(entry.name)
            elif len(entry.name) != 64 or entry.is_symlink() or not entry.is_file():
                others.append(entry.name)
        return sorted(leftovers), sorted(others)

    def sweep(self) -> int:
        """Remove what crashed work left behind; call it under the locker's lock. Gives the number of folders."""
        leftovers, _ = self.strangers()
        for name in leftovers:
            folder = self.directory / name
            _empty(folder)
            with contextlib.suppress(OSError):
                (folder / "lock").unlink(missing_ok=True)
                folder.rmdir()
        return len(leftovers)

    def sealed_pieces(self, object_id: str) -> Iterator[bytes]:
        """The sealed bytes, piece by piece; CheckFailed when their SHA-256 is not their name."""
        digest = hashlib.sha256()
        try:
            with (self.directory / object_id).open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    yield piece
        except FileNotFoundError as error:
            raise CheckFailed(
                "the object is missing from the vault", where=f"object {object_id[:16]}"
            ) from error
        except OSError as error:
            raise machine_error(error, f"object {object_id[:16]} can't be read") from error
        if digest.hexdigest() != object_id:
            raise CheckFailed("the object is not what was stored", where=f"object {object_id[:16]}")

    def scrub(self, object_id: str) -> int:
        """Read an object whole and compare it with its name. Gives its sealed size."""
        return sum(len(piece) for piece in self.sealed_pieces(object_id))

    def content(
        self, object_id: str, *, key: bytes, context: bytes, size: int, sha256: str
    ) -> Iterator[bytes]:
        """The content's pieces. Only when the iteration ends without an error is it whole and as logged."""
        where = f"object {object_id[:16]}"
        digest = hashlib.sha256()
        left, padded = size, 0
        for piece in sealing.open_stream(key, context, self.sealed_pieces(object_id), where=where):
            plain, rest = piece[:left], piece[left:]
            left -= len(plain)
            padded += len(piece)
            if rest.count(0) != len(rest):
                raise CheckFailed("padding that is not zero", where=where)
            if plain:
                digest.update(plain)
                yield plain
        if padded != padme(size):
            raise CheckFailed("padded to another length than Padmé's", where=where, found=f"{padded} bytes")
        if left or digest.hexdigest() != sha256:
            raise CheckFailed(
                "the content is not what was logged",
                where=where,
                expected=f"sha256:{sha256}",
                found=f"sha256:{digest.hexdigest()}",
            )


def just_sealed(staged: Staged, *, key: bytes, context: bytes) -> Iterator[bytes]:
    """The content that this process has just sealed, opened again to work on it: what is read is what is kept.

    No opening in the sense of the record: whoever seals it had it plain a moment ago. MachineError where it
    can't be read; SealBroken where the disk gives other bytes back.
    """
    left = staged.size
    try:
        with Path(staged.path).open("rb") as file:
            pieces = iter(lambda: file.read(PIECE), b"")
            for piece in sealing.open_stream(key, context, pieces, where="what was just sealed"):
                yield piece[:left]
                left -= len(piece[:left])
    except OSError as error:
        raise machine_error(error, "what was just sealed can't be read") from error


def _held(folder: Path) -> bool:
    lock = folder / "lock"
    if not lock.exists():
        return False
    try:
        with machine.locked(lock, wait=False):
            return False
    except Exception:  # noqa: BLE001 — busy, or not ours to open: then it is somebody's
        return True


def _empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name != "lock":
                Path(entry.path).unlink(missing_ok=True)
