"""Backups: everything of a locker in one sealed file, for each custodian to open; and reading one through.

What is inside was sealed before, and the file is sealed once more as a whole: a disk that is lost shows how
many items there are and whose keys open it, and nothing else. A backup is no package: it goes to our own
people, and is brought back with `restore`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from custody import machine
from custody.crypto import envelopes, wrapping
from custody.crypto.keys import CustodianKeys
from custody.errors import CheckFailed, FormatError, InputRefused, MachineError, NoRight
from custody.format import backup as formats
from custody.format.envelope import Envelope
from custody.keys import erasable
from custody.ledger import store as ledgers
from custody.ledger.work import ItemRow
from custody.procedure import place
from custody.procedure.locker import Desk, Locker
from custody.vault import archive
from custody.vault import store as vaults

PIECE = 1 << 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A backup that was written. ``sha256`` and ``bytes`` are of the file; ``recipients`` are key ids."""

    head: formats.Head
    path: Path
    bytes: int
    sha256: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A backup whose head was read and whose key this custodian holds. The maker is checked by `restore`."""

    head: formats.Head
    signed: Envelope
    key: bytes
    context: bytes


def write(desk: Desk, output: Path, progress: Progress | None = None) -> Written:
    """Log that a backup begins, write it, log that it was written.

    The locker is locked while its two databases are copied, not while the objects are: those never change.
    Raises before anything is logged where it can. A backup that could not be written stays logged as begun.
    """
    place.check_new_file(desk.locker.path, output, inside="a backup inside the locker would be lost with it")
    backup_id = desk.rim.new_id()
    _log(desk, backup_id, "started", None)
    try:
        with machine.NewFile(output) as new:
            target = _Hashed(new.file)
            head = _write(desk, backup_id, target, progress)
            new.file.flush()
            machine.at_point("before backup synced")
            os.fsync(new.file.fileno())
            machine.at_point("before backup renamed")
            new.place()
    except FileExistsError as error:
        raise InputRefused("there is a file of this name already", where=output.name) from error
    except OSError as error:
        raise MachineError(
            "the backup can't be written",
            where=output.name,
            found=error.strerror,
            hint="make room, then run the command again; the locker itself is as it was",
        ) from error
    try:
        machine.sync_directory(output.absolute().parent)
        machine.at_point("after backup renamed")
    except OSError as error:
        raise MachineError(
            "the backup's file is there and whole, but its folder was not confirmed to be on the disk: a power cut"
            " may take the file's name away, and it does not count as made",
            where=output.name,
            found=error.strerror,
            hint="make another one on another disk; this one can be looked at with custody backup --check",
        ) from error
    sha256 = target.hexdigest()
    _log(desk, backup_id, "written", sha256)
    return Written(
        head=head, path=output, bytes=target.count, sha256=sha256, recipients=tuple(sorted(head.keys))
    )


def _log(desk: Desk, backup_id: str, result: str, sha256: str | None) -> None:
    with desk.write() as writer:
        public = {"backup": backup_id, "size": writer.append.size, "result": result, "sha256": sha256}
        writer.add("ledger.backed_up", "ledger", desk.locker.ledger_id, public=public)


class _Hashed:
    """A file that is hashed and counted as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.count = 0

    def put(self, piece: bytes | memoryview) -> None:
        self._file.write(piece)
        self._digest.update(piece)
        self.count += len(piece)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _write(desk: Desk, backup_id: str, target: _Hashed, progress: Progress | None) -> formats.Head:
    with contextlib.ExitStack() as stack:
        with desk.locker.lock():
            # Nobody appends now: with the write-ahead logs folded in, the files themselves are the state.
            desk.locker.ledger.settle()
            desk.locker.erasable.settle()
            objects = sorted(
                {
                    item.object
                    for item in desk.locker.work.items()
                    if item.object is not None and not _gone(desk.locker, item)
                }
            )
            head, writer = _begin(desk, backup_id, target)
            stack.enter_context(writer)
            closed = [volume.path for volume in desk.locker.closed.volumes]
            files = (ledgers.FILE_NAME, erasable.FILE_NAME)
            for path in (*closed, *(desk.locker.path / name for name in files)):
                _add(writer, path.name, path)
        machine.at_point("backup databases written")
        for done, name in enumerate(objects, 1):
            _add(writer, f"{vaults.DIRECTORY}/{name}", desk.locker.vault.directory / name)
            if progress is not None:
                progress(done, len(objects))
    return head


def _gone(locker: Locker, item: ItemRow) -> bool:
    """True when an item's object is not there because it was disposed of; else it is missing, and that is told."""
    if item.object is None or locker.vault.size_of(item.object) is not None:
        return False
    return any(stored.read().kind == "item.disposed" for stored in locker.history(item.id))


def _begin(desk: Desk, backup_id: str, target: _Hashed) -> tuple[formats.Head, archive.ArchiveWriter]:
    """Write the head of a backup of the state as it stands, and begin the archive behind it."""
    key = desk.rim.random(32)
    head = formats.Head(
        backup=backup_id,
        made=desk.rim.wall(),
        volumes=tuple(
            formats.Volume(origin=volume.origin, size=volume.size, root=volume.root.hex())
            for volume in desk.locker.volumes
        ),
        items=len(desk.locker.work.items()),
        keys=_wrapped(desk, backup_id, key),
    )
    data = envelopes.sign(formats.BACKUP_TYPE, head.to_bytes(), desk.keys.sign).to_bytes()
    target.put(formats.MAGIC + len(data).to_bytes(4, "big") + data)
    context = formats.archive_context(hashlib.sha256(data).digest())
    return head, archive.ArchiveWriter(target.put, key=key, context=context)


def _add(writer: archive.ArchiveWriter, name: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            writer.add(name, file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError as error:
        raise CheckFailed(
            "a file of the locker is missing",
            where=name[:40],
            hint="run custody check; if something was disposed of just now, run the backup again",
        ) from error


def _wrapped(desk: Desk, backup_id: str, key: bytes) -> dict[str, bytes]:
    """The archive's key for everybody in force who can be wrapped to, the recovery sheet among them."""
    found = {
        custodian.key_id: wrapping.wrap(
            custodian.wrap_key, formats.wrap_context(desk.origin, backup_id, custodian.key_id), key
        )
        for custodian in desk.rights.custodians.values()
        if custodian.wrap_key is not None and custodian.in_force
    }
    if not found:
        raise NoRight("nobody could open this backup: no custodian in force has a key to be given it")
    return found


# Reading


def open_head(file: BinaryIO, keys: CustodianKeys, *, where: str) -> Opened:
    """Read a backup's head and unwrap its key. FormatError, NoRight, WrapBroken; ``file`` stands at the archive."""
    if file.read(len(formats.MAGIC)) != formats.MAGIC:
        raise FormatError("not a backup of custody", where=where, hint="custody backup FILE makes one")
    length = int.from_bytes(file.read(4), "big")
    if not 0 < length <= formats.MAX_HEAD:
        raise FormatError("the backup's head has no sensible length", where=where, found=f"{length} bytes")
    data = file.read(length)
    if len(data) != length:
        raise FormatError("the backup ends too early", where=where)
    head, signed = formats.read_head(data, where=where)
    me = keys.sign.key_id
    message = head.keys.get(me)
    if message is None or keys.wrap_seed is None:
        raise NoRight(
            "this backup was not made for your key",
            where=where,
            found=me[:16],
            hint="use the key of somebody who was a custodian then, or the recovery sheet: "
            "custody custodian recover -o KEYFILE",
        )
    info = formats.wrap_context(head.newest.origin, head.backup, me)
    key = wrapping.unwrap(keys.wrap_seed, info, message, where=where)
    context = formats.archive_context(hashlib.sha256(data).digest())
    return Opened(head=head, signed=signed, key=key, context=context)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def read_through(file: BinaryIO, opened: Opened, progress: Progress | None = None) -> int:
    """Open every byte of a backup and compare each object with its name; writes nothing. Gives the number of objects.

    Raises CheckFailed or FormatError at the first thing that is wrong. That the record inside holds is
    for `restore` to check.
    """
    found: set[str] = set()
    objects = 0
    for name, size, source in _members(file, opened):
        digest, left = hashlib.sha256(), size
        while left and (piece := source.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
        if left:
            raise CheckFailed("the archive ends too early", where=name)
        found.add(name)
        if name.startswith(vaults.DIRECTORY):
            objects += 1
            if digest.hexdigest() != name.partition("/")[2]:
                raise CheckFailed("an object in the backup is not what was stored", where=name[:22])
            if progress is not None:
                progress(objects, opened.head.items)
    _check_complete(found, opened.head)
    return objects


def _members(file: BinaryIO, opened: Opened) -> Iterator[tuple[str, int, BinaryIO]]:
    return archive.members(_pieces(file), key=opened.key, context=opened.context, allowed=formats.MEMBER)


def _check_complete(found: set[str], head: formats.Head) -> None:
    closed = {f"volume-{number}.sqlite" for number in range(1, len(head.volumes))}
    needed = {ledgers.FILE_NAME, erasable.FILE_NAME, *closed}
    missing = sorted(needed - found)
    if missing:
        raise FormatError("a file is missing from the backup", where="backup", expected=missing[0])


def unpack(file: BinaryIO, opened: Opened, directory: Path, progress: Progress | None = None) -> None:
    """Write a backup's files into a new, empty folder: the ledgers, the erasable store, the vault.

    Everything is durable on return. Raises CheckFailed or FormatError for a backup that is not whole, and
    MachineError for a disk that is full; what was written then is for the caller to remove.
    """
    vault = vaults.Vault.create(directory / vaults.DIRECTORY)
    found: set[str] = set()
    objects = 0
    try:
        for name, size, source in _members(file, opened):
            target = directory / name  # the pattern of names leaves no way out of the folder
            archive.unpack(name, size, source, target)
            target.chmod(0o600)
            found.add(name)
            if name.startswith(vaults.DIRECTORY):
                objects += 1
                if progress is not None:
                    progress(objects, opened.head.items)
        _sync(directory, vault.directory)
    except OSError as error:
        raise MachineError(
            "the backup can't be unpacked",
            where=str(directory),
            found=error.strerror,
            hint="make room, then run the command again",
        ) from error
    _check_complete(found, opened.head)


def _sync(*folders: Path) -> None:
    """Files one by one, then their names: an fsync while unpacking would wait for each alone."""
    for folder in folders:
        for entry in os.scandir(folder):
            if entry.is_file(follow_symlinks=False):
                descriptor = os.open(entry.path, os.O_RDWR)
                with contextlib.ExitStack() as stack:
                    stack.callback(os.close, descriptor)
                    os.fsync(descriptor)
        machine.sync_directory(folder)
