"""Bringing a locker back from a backup, or from a copy of its folder: it goes on in a new volume.

What was copied is never written again: it could be older than what others hold, and two records under one
name would contradict each other. It becomes a closed volume, checked whole, beside a new one that names it.
All is built beside the place where the locker shall be; until the last step it is refused as a locker, so a
restore that breaks off leaves nothing that anybody could take for one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto import envelopes
from custody.errors import CheckFailed, CustodyError, InputRefused, MachineError, NoRight
from custody.format import backup as formats
from custody.format import words
from custody.format.entry import NewerVersion
from custody.format.names import new_origin
from custody.format.text import show
from custody.keys import erasable
from custody.keys.keyfile import KeyFile
from custody.ledger import histories, volumes
from custody.ledger import store as ledgers
from custody.ledger import work as works
from custody.procedure import access, backup, check, check_disposed, setup, successor
from custody.procedure.copying import copy_locker
from custody.procedure.locker import LOCK_NAME, UNFINISHED, Desk, Locker
from custody.procedure.rim import Rim
from custody.vault import store as vaults
from custody.verify.report import Outcome
from custody.verify.rights import Custodian, Rights

Progress = Callable[[str, int, int], None]
"""(what is being done, how many done, how many in all)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has rights in the restored locker; the name is None where this key can't open it."""

    key_id: str
    name: str | None
    rights: tuple[str, ...]
    all_cases: bool
    recovery: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back. ``until``: the stated time of the last entry; what was done after it is lost.

    ``missing``: entries that this key remembers beyond it, None when it remembers nothing. ``disposed``:
    items that were deleted again, since the record says that they were disposed of.
    """

    directory: Path
    origin: str
    fingerprint: tuple[str, ...]
    volume: int
    entries: int
    cases: int
    items: int
    until: str
    backup: str | None
    made: str | None
    missing: int | None
    disposed: int
    people: tuple[Person, ...]
    restorer: str


def restore(
    source: Path,
    directory: Path,
    key_file: KeyFile,
    rim: Rim,
    progress: Progress | None = None,
) -> Restored:
    """Bring the locker in ``source``, a backup file or a copied folder, back in ``directory`` (absent or empty).

    Nothing is put in place before the whole of it was checked. Raises InputRefused, FormatError or CheckFailed
    for a source that is damaged, incomplete or of a newer custody; NoRight for a key that may not restore it;
    MachineError for a full disk. ``source`` is only read.
    """
    tell = progress or (lambda _what, _done, _total: None)
    directory = directory.absolute()
    setup.check_place(directory)
    if source.is_dir() and _inside(directory, source):
        raise InputRefused(
            "the place to restore to lies inside of what is restored", where=show(str(directory))
        )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk(error, directory) from error
    _sweep(directory)
    building = directory.parent / f".{directory.name}.restoring-{secrets.token_hex(4)}"
    try:
        with contextlib.ExitStack() as stack:
            building.mkdir(mode=0o700)
            # Held while we live: what another restore left, when it was ended, can be told from work.
            stack.enter_context(machine.locked(building / LOCK_NAME))
            (building / UNFINISHED).touch(mode=0o600)
            machine.at_point("restore begun")
            run = _Run(building, key_file, rim, tell)
            head = run.take(source)
            machine.at_point("restore unpacked")
            done = run.go_on(directory, head)
            machine.at_point("restore built")
            _place(building, directory, run.remember)
        return done
    except OSError as error:
        _remove(building)
        raise _disk(error, directory) from error
    except BaseException:
        _remove(building)
        raise


def _place(building: Path, directory: Path, remember: Callable[[Path], None]) -> None:
    """Give what was built its name; it is a locker once the mark is gone, and not before."""
    if directory.is_dir():
        directory.rmdir()  # empty, as was checked; what came in meanwhile is not written over
    building.rename(directory)
    try:
        machine.sync_directory(directory.parent)
        machine.at_point("restore renamed")
        remember(directory)
        machine.at_point("restore remembered")
        (directory / UNFINISHED).unlink()
        machine.sync_directory(directory)
        machine.at_point("restore done")
    except BaseException:
        if (directory / UNFINISHED).exists():
            _remove(directory)
        raise


def _inside(path: Path, folder: Path) -> bool:
    resolved = path.resolve()
    return folder.resolve() == resolved or folder.resolve() in resolved.parents


def _disk(error: OSError, directory: Path) -> MachineError:
    return MachineError(
        "the locker can't be restored here",
        where=show(str(directory)),
        found=(error.strerror or type(error).__name__).lower(),
        hint="make room or name another place, then run the command again; the backup is as it was",
    )


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(directory: Path) -> None:
    """Remove what restores to the same place left when they were ended; a neighbour's work is held by its lock."""
    for left in sorted(directory.parent.glob(f".{directory.name}.restoring-????????")):
        try:
            with machine.locked(left / LOCK_NAME, wait=False):
                pass
        except (CustodyError, OSError):
            continue
        _remove(left)


class _Run:
    """One restore, in the folder where it is built."""

    def __init__(self, building: Path, key_file: KeyFile, rim: Rim, tell: Progress) -> None:
        self.building = building
        self.key_file = key_file
        self.rim = rim
        self.tell = tell
        self.new_origin = new_origin(rim.random(17))

    # What is there

    def take(self, source: Path) -> backup.Opened | None:
        """Copy everything of the source into the folder; durable on return."""
        if source.is_dir():
            copy_locker(source, self.building, self.tell)
            return None
        try:
            with source.open("rb") as file:
                where = show(source.name)
                opened = backup.open_head(file, self.key_file.keys, where=where)
                backup.unpack(
                    file,
                    opened,
                    self.building,
                    lambda done, total: self.tell("objects unpacked", done, total),
                )
        except FileNotFoundError:
            raise InputRefused("there is no such backup", where=show(str(source))) from None
        return opened

    # What comes of it

    def go_on(self, directory: Path, head: backup.Opened | None) -> Restored:
        """Check what was copied, close it, and begin the volume that names it."""
        old = Locker(self.building, unfinished=True)
        try:
            self._check(old, head)
            desk = self._desk(old)
            made = self._gather(desk, old, directory, head)
            old.ledger.settle()
            old.erasable.settle()
            last = old.volumes[-1]
            rights = desk.rights
            title = _title(desk)
            with old.record() as record:
                disposed = _disposed(record)
                predecessor = successor.predecessor(record, last)
                certificates = record.newest.root_certificates()
            objects = [item.object for item in old.work.items() if item.id in disposed and item.object]
        finally:
            old.close()
        self._close_volume(last.number)
        self._dispose(disposed, objects)
        names = {person.key_id: person.name for person in made.people}
        leaf = successor.begin(
            self.building,
            self.key_file,
            self.rim,
            rights,
            predecessor,
            certificates,
            origin=self.new_origin,
            name=names.get(self.key_file.key_id) or "not stated",
            title=title,
        )
        return self._finish(made, rights, leaf, names, len(disposed))

    def _check(self, old: Locker, head: backup.Opened | None) -> None:
        """Everything that can be checked without opening content; and that it is what the backup's maker signed."""
        done = check.check(old, None, progress=self.tell)
        # What is left of an item that was disposed of goes with `_dispose`.
        failures = (
            f for f in done.findings if f.outcome is Outcome.FAILED and f.check != check_disposed.CHECK
        )
        failure = next(failures, None)
        if failure is not None or (done.first_failure is None and not done.passed):
            raise CheckFailed(
                "what the backup holds does not match itself"
                + ("" if failure is None else f": {failure.text}"),
                where=None if failure is None else failure.where,
                expected=None if failure is None else failure.expected,
                found=None if failure is None else failure.found,
                hint="nothing was restored; try another backup, or a copy of the locker's folder",
            )
        if head is None:
            return
        stated = head.head.volumes
        found = tuple(
            formats.Volume(origin=volume.origin, size=volume.size, root=volume.root.hex())
            for volume in old.volumes
        )
        if stated != found:
            raise CheckFailed(
                "the record in the backup is not the one that its head states",
                where="backup",
                expected=f"{stated[-1].size} entries",
                found=f"{found[-1].size} entries",
            )
        items = len(old.work.items())
        if items != head.head.items:
            raise CheckFailed(
                "another number of items than the backup's head states",
                where="backup",
                expected=str(head.head.items),
                found=str(items),
            )
        maker = old.rights().custodians.get(head.signed.key_id)
        if maker is None:
            raise CheckFailed(
                "the backup was made by a key that its record does not name",
                where="backup",
                found=head.signed.key_id[:16],
            )
        envelopes.verify(head.signed, maker.sign_key, where="backup")

    def _desk(self, old: Locker) -> Desk:
        desk = Desk(old, self.key_file, self.rim, older=True)
        own = desk.rights.custodians[desk.key_id]
        if not own.in_force:
            raise NoRight(
                "this key is out of force: it can't restore", where="custody restore", found=own.key_id[:16]
            )
        if "admin" not in own.rights and not own.recovery:
            raise NoRight(
                "your key has no right to restore this locker",
                where="custody restore",
                hint="an administrator's key can, or the recovery sheet: custody custodian recover -o KEYFILE",
            )
        if own.wrap_key is None:
            raise NoRight("a collector's key can restore nothing: it could read nothing back")
        return desk

    def _gather(self, desk: Desk, old: Locker, directory: Path, head: backup.Opened | None) -> Restored:
        newest = old.volumes[-1]
        with old.record() as record:
            until = record.entry(record.size - 1).read().time.wall
        known = self.key_file.head(old.origin)
        names = access.roster_names(desk)
        return Restored(
            directory=directory,
            origin=self.new_origin,
            fingerprint=(),
            volume=newest.number + 1,
            entries=newest.base + newest.size,
            cases=len(old.work.cases()),
            items=len(old.work.items()),
            until=until,
            backup=None if head is None else head.head.backup,
            made=None if head is None else head.head.made,
            missing=None if known is None else max(known[0] - newest.size, 0),
            disposed=0,
            people=tuple(_person(one, names) for one in desk.rights.custodians.values() if one.in_force),
            restorer=self.key_file.key_id,
        )

    def _close_volume(self, number: int) -> None:
        """The newest file becomes a closed one, byte for byte; what SQLite and we put beside it goes."""
        (self.building / ledgers.FILE_NAME).rename(self.building / volumes.file_name(number))
        for name in (ledgers.FILE_NAME, works.FILE_NAME):
            for suffix in ("", "-wal", "-shm"):
                (self.building / f"{name}{suffix}").unlink(missing_ok=True)
        (self.building / works.LOCK_NAME).unlink(missing_ok=True)
        machine.at_point("restore volume closed")

    def _dispose(self, disposed: Sequence[str], objects: list[str]) -> None:
        """A backup brings back what was disposed of after it, or before, by whoever made it: it goes again."""
        vault = vaults.Vault(self.building / vaults.DIRECTORY)
        store = erasable.ErasableStore(self.building / erasable.FILE_NAME)
        try:
            store.forget(disposed)
            vault.remove(objects)
        finally:
            store.close()

    def _finish(
        self, made: Restored, rights: Rights, leaf: bytes, names: Mapping[str, str | None], disposed: int
    ) -> Restored:
        people = tuple(_person(one, names) for one in rights.custodians.values() if one.in_force)
        _sync_tree(self.building)
        return Restored(
            directory=made.directory,
            origin=made.origin,
            fingerprint=words.encode(leaf[:16]),
            volume=made.volume,
            entries=made.entries,
            cases=made.cases,
            items=made.items - disposed,
            until=made.until,
            backup=made.backup,
            made=made.made,
            missing=made.missing,
            disposed=disposed,
            people=people,
            restorer=made.restorer,
        )

    def remember(self, directory: Path) -> None:
        """The key file remembers the new volume's head, so that it can't be rolled back either."""
        locker = Locker(directory, unfinished=True)
        try:
            with locker.record() as record:
                heads = histories.heads_of(locker.histories(record))
                view = record.newest
                digest = histories.heads_digest(heads)
                self.key_file.remember(self.new_origin, view.size, view.root().hex(), digest)
        finally:
            locker.close()


def _person(custodian: Custodian, names: Mapping[str, str | None]) -> Person:
    return Person(
        key_id=custodian.key_id,
        name=names.get(custodian.key_id),
        rights=tuple(sorted(custodian.rights)),
        all_cases=custodian.all_cases,
        recovery=custodian.recovery,
    )


def _title(desk: Desk) -> dict[str, Any] | None:
    """The organisation's name, which the new volume's beginning says again; None where none was said."""
    keys = desk.ring.class_keys(desk.locker.ledger_id)
    return access.ledger_title(desk) if "record" in keys else None


def _disposed(record: volumes.Record) -> list[str]:
    """Items that the record says were disposed of."""
    found = set()
    for stored in record.entries():
        # The kind is a draft: this version makes none, and does what one says all the same.
        with contextlib.suppress(NewerVersion):
            body = stored.read()
            if body.kind == "item.disposed" and body.subject.type == "item":
                found.add(body.subject.id)
    return sorted(found)


def _sync_tree(folder: Path) -> None:
    """What SQLite and we wrote is durable, and so are the names."""
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False):
            descriptor = os.open(entry.path, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    machine.sync_directory(folder / vaults.DIRECTORY)
    machine.sync_directory(folder)
