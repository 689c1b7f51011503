"""Reading back: an item's bytes exactly as found, into a file or a stream, logged before the first byte."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from custody import machine
from custody.errors import CustodyError, InputRefused, MachineError
from custody.format.text import show
from custody.ledger.work import ItemRow
from custody.procedure import access
from custody.procedure.access import OpenedItem, Purpose
from custody.procedure.locker import Desk

HOLD_BACK = 64 << 20
"""Content up to this size reaches a stream only when all of it was checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readback:
    """What was read: ``size`` in bytes, ``sha256`` in hex, both as logged and found so. ``path``: None for a stream."""

    label: str
    path: Path | None
    size: int
    sha256: str
    media_type: str


def read_to_file(desk: Desk, item: ItemRow, output: Path, purpose: Purpose) -> Readback:
    """Write an item's content to a new file (mode 0600), checked to its end; it counts as an open copy.

    Nothing is overwritten. Where the file can't be written, that is said before the access is logged.
    After a failure nothing is left of the file, and the open copy that was logged is closed again.
    Raises InputRefused, MachineError, NoRight (the try is logged), CheckFailed.
    """
    _check_content(item)
    _check_output(desk, output)
    new = machine.NewFile(output)
    logged = False
    try:
        # Without a name where the system can: readable content that a power cut left would lie there unseen.
        with new:
            machine.at_point("copy begun")
            opened = access.open_item(desk, item, purpose=purpose, copy=True)
            logged = True
            for piece in _pieces(opened):
                new.file.write(piece)
            new.file.flush()
            machine.at_point("copy written")
            os.fsync(new.file.fileno())
            new.place()
        machine.at_point("copy renamed")
        machine.sync_directory(output.parent)
    except BaseException as error:
        if new.placed:
            output.unlink(missing_ok=True)
        # An earlier copy of the same item stays open.
        if logged and not item.copy_open:
            # Best effort: the disk that failed may be the ledger's too. Then todo goes on naming the copy.
            with contextlib.suppress(CustodyError):
                access.close_copy(desk, item, purpose=Purpose(text="the copy was not written"))
        if isinstance(error, FileExistsError):
            raise _exists(output) from error
        if isinstance(error, OSError):
            raise _cant_write(output, error) from error
        raise
    return _readback(opened, output)


def read_to_stream(desk: Desk, item: ItemRow, stream: BinaryIO, purpose: Purpose) -> Readback:
    """Write an item's content to a stream (standard output).

    Content up to `HOLD_BACK` is checked whole before its first byte goes out. Of larger content each
    piece is authentic, but only the end proves that it is complete: an error then means that what was
    written is a part. Raises as `read_to_file`.
    """
    _check_content(item)
    opened = access.open_item(desk, item, purpose=purpose)
    pieces = _pieces(opened)
    if _readback(opened, None).size <= HOLD_BACK:
        pieces = iter(list(pieces))
    try:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
    except OSError as error:
        raise MachineError(
            "the output can't be written", where=item.label, found=error.strerror or type(error).__name__
        ) from error
    return _readback(opened, None)


def read_done(desk: Desk, item: ItemRow, purpose: Purpose) -> None:
    """Log that the readable copies of an item are gone. Raises InputRefused when none is known."""
    if not item.copy_open:
        raise InputRefused(
            "no open copy is known of this item",
            where=item.label,
            hint="custody todo lists the copies that are open",
        )
    access.close_copy(desk, item, purpose=purpose)


def _check_content(item: ItemRow) -> None:
    if item.object is None:
        raise InputRefused(
            "only registered, content was never kept: there is nothing to read",
            where=item.label,
            hint=f"what is known of it, its digest too: custody show {item.label}",
        )


def _check_output(desk: Desk, output: Path) -> None:
    if os.path.lexists(output):
        raise _exists(output)
    locker = desk.locker.path.resolve()
    folder = output.parent.resolve()
    if folder == locker or locker in folder.parents:
        raise InputRefused(
            "a readable copy may not lie inside the locker",
            where=show(str(output)),
            hint="name a place outside of it",
        )


def _pieces(opened: OpenedItem) -> Iterator[bytes]:
    assert opened.content is not None  # asked before
    return opened.content()


def _readback(opened: OpenedItem, path: Path | None) -> Readback:
    content = opened.first("content") or {}
    return Readback(
        label=opened.item.label,
        path=path,
        size=content["size"],
        sha256=content["digests"]["sha256"],
        media_type=content["media_type"],
    )


def _exists(output: Path) -> InputRefused:
    return InputRefused(
        "there is a file already, and it is kept",
        where=show(str(output)),
        hint="name a file that does not exist",
    )


def _cant_write(output: Path, error: OSError) -> MachineError:
    return MachineError(
        "the output can't be written",
        where=show(str(output)),
        found=(error.strerror or type(error).__name__).lower(),
        hint="name a folder that exists, in which you may write, on a disk with room",
    )
