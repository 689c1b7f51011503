"""The writer of a package's zip (docs/format/container.md): same names and contents, same bytes.

It makes the one spelling that the verifier accepts, from the same records (`custody.verify.zip_records`).
Nothing in it comes from the machine: no clock, no owner, no mode, no path, no name of a program.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

from custody.errors import CheckFailed, MachineError
from custody.verify import zip_records as shape
from custody.verify.zip_names import MIMETYPE, check_name, check_names
from custody.verify.zip_records import ContainerError

_CRC_AT = 14  # within the local header, APPNOTE 4.3.7


class ContainerWriter:
    """Writes members one after the other, then the directory.

    ``file`` is seekable, writable, empty and at its start; it stays the caller's (fsync and rename are
    his). The zip is whole only after `close`. After any error the writer takes nothing more, and the
    half-written file is the caller's to remove.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self._names: list[str] = []
        self._directory = bytearray()
        self._open = True

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a member whose content is at hand. Raises as `add_stream` does."""
        self._begin(name)
        self._write(self._local_header(name, len(data), zlib.crc32(data)))
        self._write(data)
        self._end(name, len(data), zlib.crc32(data))

    def add_stream(self, name: str, chunks: Iterable[bytes], size: int) -> None:
        """Add a member of exactly ``size`` bytes from ``chunks``, in the memory of one chunk.

        Sizes stand before the content (no data descriptors), so the size is needed beforehand; the
        CRC-32 is patched in afterwards. Raises `CheckFailed` when the chunks give more or fewer bytes,
        `ContainerError` for a name that readers refuse or a member out of place, `MachineError` when the
        file can't be written. What ``chunks`` raises passes through.
        """
        self._begin(name)
        # Random, for a file that is encrypted as it is written: an overwritten block that a medium keeps
        # would tell the CRC if zeros had stood there, and a CRC confirms a guess (decision 0026).
        holder = int.from_bytes(os.urandom(4), "little")
        self._write(self._local_header(name, size, holder))
        crc = 0
        written = 0
        for chunk in chunks:
            written += len(chunk)
            if written > size:
                break
            crc = zlib.crc32(chunk, crc)
            self._write(chunk)
        if written != size:
            raise CheckFailed(
                "the content does not have the size that was announced",
                where=name,
                expected=f"{size} bytes",
                found=f"{written}" if written < size else f"more than {size}",
            )
        if crc != holder:
            self._patch(self._position + _CRC_AT, struct.pack("<I", crc))
        self._end(name, size, crc)

    def close(self) -> None:
        """Write the directory and the end records. Raises `ContainerError` when names collide."""
        if not self._open:
            raise ContainerError("the package's zip was closed, or broken off by an error")
        self._open = False
        check_names(self._names)
        if not self._names:
            raise ContainerError("a package holds at least the file mimetype")
        count, size, offset = len(self._names), len(self._directory), self._position
        if size > shape.MAX_DIRECTORY:
            raise ContainerError(
                "the zip's directory is too large", expected=f"at most {shape.MAX_DIRECTORY} bytes"
            )
        end = shape.end_fields(count, size, offset)
        records = b""
        # Compared with the sentinels: the value 65,535 itself can't stand in its own field.
        if shape.is_wide(*end[4:7]):
            records = shape.END64.pack(*shape.end64_fields(count, size, offset))
            records += shape.LOCATOR.pack(shape.LOCATOR_SIGNATURE, 0, offset + size, 1)
        self._write(self._directory)
        self._write(records + shape.END.pack(*end))
        try:
            self._file.flush()
        except OSError as error:
            raise _cannot_write(error) from None

    def _begin(self, name: str) -> None:
        if not self._open:
            raise ContainerError("the package's zip was closed, or broken off by an error", where=name)
        self._open = False  # until the member is whole
        check_name(name)
        if (not self._names) != (name == MIMETYPE):
            raise ContainerError("mimetype must be the first file of a package, and only that", where=name)
        if len(self._names) == shape.MAX_MEMBERS:
            raise ContainerError(
                "too many files for one package", where=name, expected=f"at most {shape.MAX_MEMBERS}"
            )

    def _end(self, name: str, size: int, crc: int) -> None:
        raw, at = name.encode("ascii"), self._position
        self._directory += shape.CENTRAL.pack(*shape.central_fields(raw, size, crc, at)) + raw
        self._directory += shape.central_extra(size, at)
        self._position += len(self._local_header(name, size, crc)) + size
        self._names.append(name)
        self._open = True

    def _local_header(self, name: str, size: int, crc: int) -> bytes:
        return shape.local_header(name.encode("ascii"), size, crc, self._position)

    def _write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        try:
            while view:  # an unbuffered file may take less than it is given
                view = view[self._file.write(view) :]
        except OSError as error:
            raise _cannot_write(error) from None

    def _patch(self, offset: int, data: bytes) -> None:
        try:
            self._file.seek(offset)
            self._write(data)
            self._file.seek(0, 2)
        except OSError as error:
            raise _cannot_write(error) from None


def _cannot_write(error: OSError) -> MachineError:
    return MachineError(
        "the package can't be written",
        found=error.strerror or type(error).__name__,
        hint="is the disk full, or limited to files of 4 GiB?",
    )
