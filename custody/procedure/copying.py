"""Copying a locker's folder as it lies: what `restore` takes in place of a backup file."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from custody import machine
from custody.errors import InputRefused
from custody.format.text import show
from custody.keys import erasable
from custody.ledger import store as ledgers
from custody.ledger import volumes
from custody.procedure.locker import LOCK_NAME, UNFINISHED
from custody.vault import store as vaults

_OBJECT_NAME = 64


def copy_locker(source: Path, building: Path, tell: Callable[[str, int, int], None]) -> None:
    """Copy a locker's folder into an empty one: its known files alone, and no link out of it; durable on return.

    InputRefused where there is no locker, or a file of it is missing; OSError for this machine's faults.
    """
    if not (source / ledgers.FILE_NAME).is_file():
        raise InputRefused(
            "neither a backup nor a copy of a locker",
            where=show(str(source)),
            hint="name the file that custody backup wrote, or the folder with ledger.sqlite in it",
        )
    if (source / UNFINISHED).exists():
        raise InputRefused("a restore that was cut short, not a locker", where=show(str(source)))
    vault = vaults.Vault.create(building / vaults.DIRECTORY)
    with _held(source):
        names = [ledgers.FILE_NAME, erasable.FILE_NAME]
        number = 1
        while (source / volumes.file_name(number)).is_file():
            names.append(volumes.file_name(number))
            number += 1
        for name in names:
            _copy_file(source / name, building / name)
            log = source / f"{name}-wal"
            if log.is_file():
                _copy_file(log, building / log.name)
        folder = source / vaults.DIRECTORY
        objects = (
            sorted(entry.name for entry in os.scandir(folder) if _is_object(entry)) if folder.is_dir() else []
        )
        for done, name in enumerate(objects, 1):
            _copy_file(folder / name, vault.directory / name)
            tell("objects copied", done, len(objects))
    machine.sync_directory(vault.directory)
    machine.sync_directory(building)


@contextlib.contextmanager
def _held(source: Path) -> Iterator[None]:
    """Hold the lock of a locker that is copied, where it is there and may be held: it may be somebody's desk."""
    with contextlib.ExitStack() as stack:
        lock = source / LOCK_NAME
        if lock.is_file() and os.access(lock, os.R_OK | os.W_OK):
            stack.enter_context(machine.locked(lock))
        yield


def _is_object(entry: os.DirEntry[str]) -> bool:
    return len(entry.name) == _OBJECT_NAME and entry.is_file(follow_symlinks=False)


def _copy_file(source: Path, target: Path) -> None:
    if source.is_symlink() or not source.is_file():
        raise InputRefused("a file of the locker is missing, or a link", where=show(str(source)))
    with source.open("rb") as given, target.open("xb") as file:
        target.chmod(0o600)
        shutil.copyfileobj(given, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
