"""A package's file: written beside its place under another name, made durable, then named. Never half.

An encrypted one is encrypted as it is written: its plain bytes are on no disk, also not for a moment
(decision 0026).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from custody import machine
from custody.errors import InputRefused, MachineError
from custody.export.beside import Beside, EarlySync
from custody.export.wrapper import CHUNK, SALT, Wrapper


def write_file(
    output: Path,
    write: Callable[[BinaryIO], None],
    *,
    passphrase: str | None,
    bound: int,
    random: Callable[[int], bytes],
) -> tuple[int, str]:
    """Write a new file with what ``write`` puts into the file that it is given. Gives (size, SHA-512 in hex).

    ``bound``: a size in bytes that the package will not exceed. Raises InputRefused when there is a file
    of this name, MachineError when it can't be written; what ``write`` raises passes through. Nothing is
    left of the file then; but for a MachineError that says that the file is whole, and only its name not durable.
    """
    try:
        with machine.NewFile(output) as new:
            with EarlySync(new.file.fileno()) as sync:
                watched = cast(BinaryIO, _Watched(new.file, sync))
                if passphrase is None:
                    write(watched)
                    new.file.flush()
                    sync.start()
                    sha512 = _digest(new.file)
                else:
                    wrapper = Wrapper(watched, passphrase, salt=random(SALT), bound=bound)
                    write(cast(BinaryIO, wrapper))
                    new.file.flush()
                    sync.start()
                    sha512 = wrapper.finish()
                machine.at_point("package written")
                sync.finish()
            machine.at_point("before package file")
            new.place()
    except FileExistsError as error:
        raise InputRefused("there is a file of this name already", where=output.name) from error
    except OSError as error:
        raise MachineError(
            "the package can't be written",
            where=output.name,
            found=error.strerror,
            hint="the export is logged, and stays prepared: make room, then see custody todo",
        ) from error
    try:
        machine.at_point("package renamed")
        machine.sync_directory(output.absolute().parent)
        return output.stat().st_size, sha512
    except OSError as error:
        raise MachineError(
            "the package's file is there and whole, but its folder was not confirmed to be on the disk: a power cut"
            " may take the file's name away",
            where=output.name,
            found=error.strerror,
            hint="the export stays prepared, and custody todo names it: write it to another disk with custody export"
            " --again NUMBER -o FILE; if this file is what you want, custody verify it, copy it, then --done NUMBER",
        ) from error


class _Watched:
    """A file that tells how much was written."""

    def __init__(self, file: BinaryIO, sync: EarlySync) -> None:
        self._sync = sync
        self._write = file.write
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell
        self.flush = file.flush

    def write(self, data: bytes) -> int:
        count = self._write(data)
        self._sync.wrote(count)
        return count


def _digest(file: BinaryIO) -> str:
    """SHA-512 of a whole file. A pass of its own: a package's checksums stand before what they cover."""
    digest = hashlib.sha512()
    file.seek(0)
    with Beside(digest.update) as beside:
        while piece := file.read(CHUNK):
            beside.put(piece)
    return digest.hexdigest()
