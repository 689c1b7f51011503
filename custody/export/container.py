"""The writer of a package's zip (docs/format/container.md): same names and contents, same bytes.

It makes the one spelling that ``custody.verify.container`` accepts. Nothing in it comes from the
machine: no clock, no owner, no mode, no path, no name of a program.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

from custody.errors import CheckFailed, MachineError
from custody.verify import container as shape
from custody.verify.container import ContainerError, check_name, check_names

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
        self._write(self._local_header(name, size, 0))
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
        if crc:
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
        narrow = (shape.narrow_count(count), shape.narrow(size), shape.narrow(offset))
        records = b""
        # Compared with the sentinels: the value 65,535 itself can't stand in its own field.
        if narrow[0] == shape.SENTINEL16 or shape.SENTINEL32 in narrow[1:]:
            records = shape.END64.pack(
                shape.END64_SIGNATURE,
                shape.END64.size - 12,
                shape.MADE_BY,
                shape.VERSION_ZIP64,
                0,
                0,
                count,
                count,
                size,
                offset,
            ) + shape.LOCATOR.pack(shape.LOCATOR_SIGNATURE, 0, offset + size, 1)
        end = shape.END.pack(shape.END_SIGNATURE, 0, 0, narrow[0], narrow[0], narrow[1], narrow[2], 0)
        self._write(self._directory)
        self._write(records + end)
        try:
            self._file.flush()
        except OSError as error:
            raise _cannot_write(error) from None

    def _begin(self, name: str) -> None:
        if not self._open:
            raise ContainerError("the package's zip was closed, or broken off by an error", where=name)
        self._open = False  # until the member is whole
        check_name(name)
        if (not self._names) != (name == shape.MIMETYPE):
            raise ContainerError("mimetype must be the first file of a package, and only that", where=name)
        if len(self._names) == shape.MAX_MEMBERS:
            raise ContainerError(
                "too many files for one package", where=name, expected=f"at most {shape.MAX_MEMBERS}"
            )

    def _end(self, name: str, size: int, crc: int) -> None:
        offset = self._position
        raw = name.encode("ascii")
        field, place = shape.narrow(size), shape.narrow(offset)
        wide = b""
        if field == shape.SENTINEL32:
            wide += struct.pack("<2Q", size, size)
        if place == shape.SENTINEL32:
            wide += struct.pack("<Q", offset)
        extra = struct.pack("<2H", shape.ZIP64_ID, len(wide)) + wide if wide else b""
        self._directory += shape.CENTRAL.pack(
            shape.CENTRAL_SIGNATURE,
            shape.MADE_BY,
            self._version(size),
            0,  # flags
            0,  # method: stored
            shape.DOS_TIME,
            shape.DOS_DATE,
            crc,
            field,
            field,
            len(raw),
            len(extra),
            0,  # comment
            0,  # disk
            0,  # internal attributes
            0,  # external attributes
            place,
        )
        self._directory += raw + extra
        self._position += len(self._local_header(name, size, crc)) + size
        self._names.append(name)
        self._open = True

    def _version(self, size: int) -> int:
        wide = shape.SENTINEL32 in (shape.narrow(size), shape.narrow(self._position))
        return shape.VERSION_ZIP64 if wide else shape.VERSION_PLAIN

    def _local_header(self, name: str, size: int, crc: int) -> bytes:
        raw = name.encode("ascii")
        field = shape.narrow(size)
        # The local field, where there is one, always holds both sizes (APPNOTE 4.5.3).
        extra = struct.pack("<2H2Q", shape.ZIP64_ID, 16, size, size) if field == shape.SENTINEL32 else b""
        header = shape.LOCAL.pack(
            shape.LOCAL_SIGNATURE,
            self._version(size),
            0,
            0,
            shape.DOS_TIME,
            shape.DOS_DATE,
            crc,
            field,
            field,
            len(raw),
            len(extra),
        )
        return header + raw + extra

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
