"""A package's zip, opened: every header of it checked, its contents read on demand (docs/format/container.md).

Common zip readers repair what they are given: they take the last of two equal names, believe one of two
headers that disagree. Each of these lets two programs see two different packages in one file. This reader
accepts exactly the one spelling that our writer makes and refuses all else.

Trusted base: the standard library and ``custody.errors`` only. Reads, never writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from custody.errors import CheckFailed
from custody.verify import zip_directory
from custody.verify.zip_directory import length_of, read_at
from custody.verify.zip_names import check_names, show_name
from custody.verify.zip_records import (
    END,
    END_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    ChecksumMismatch,
    ContainerError,
    Truncated,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the container.

    ``size`` in bytes; ``crc32`` as an unsigned number; ``offset`` of the content's first byte, counted
    from the start of the container.
    """

    name: str
    size: int
    crc32: int
    offset: int


class Container:
    """A package's zip, every header of it checked; contents are read on demand.

    Made by `open`. The file stays the caller's and must stay open and unchanged. One thread at a time;
    several `chunks` may be under way in turns.
    """

    __slots__ = ("_file", "_members")

    def __init__(self, file: BinaryIO, members: dict[str, Member]) -> None:
        self._file = file
        self._members = members

    @classmethod
    def open(cls, file: BinaryIO) -> Container:
        """Check the shape of the whole container and list its members, reading no content.

        ``file`` is seekable and starts with the container's first byte. Time and memory grow with the
        number of members, at most `MAX_MEMBERS`. Raises `Truncated` when bytes are missing,
        `ContainerError` for every other departure from docs/format/container.md, `MachineError` when
        the medium can't be read.
        """
        return cls(file, _members(file))

    @property
    def members(self) -> Mapping[str, Member]:
        """All members by name, in the order of the file; the first is ``mimetype``."""
        return MappingProxyType(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """The whole content of a member of at most ``limit`` bytes.

        Raises `ContainerError` above the limit (before anything is read), and what `chunks` raises.
        """
        size = self._member(name).size
        if size > limit:
            raise ContainerError(
                "the file in the package is too large",
                where=name,
                expected=f"at most {limit} bytes",
                found=f"{size}",
            )
        return b"".join(self.chunks(name, max(size, 1)))

    def chunks(self, name: str, size: int = 1 << 20) -> Iterator[bytes]:
        """The content of a member, in order, in pieces of ``size`` bytes (the last may be shorter).

        Each piece is its own bytes object, so it may be handed to another thread. After the last one the
        CRC-32 is compared: `ChecksumMismatch` comes when every piece has been given, so a caller that
        also computes digests has them. Raises `CheckFailed` at once when there is no such member,
        `Truncated` when the file became shorter meanwhile, `MachineError` when the medium can't be read.
        """
        return self._chunks(self._member(name), size)

    def _chunks(self, member: Member, size: int) -> Iterator[bytes]:
        crc = 0
        for at in range(0, member.size, size):
            piece = read_at(self._file, member.offset + at, min(size, member.size - at))
            crc = zlib.crc32(piece, crc)
            yield piece
        if crc != member.crc32:
            raise ChecksumMismatch(
                "the content does not match its checksum",
                where=member.name,
                expected=f"CRC-32 {member.crc32:08x}",
                found=f"{crc:08x}",
                hint="a bad copy looks like this too: copy the package again and compare",
            )

    def _member(self, name: str) -> Member:
        try:
            return self._members[name]
        except KeyError:
            raise CheckFailed("the file is missing from the package", where=show_name(name)) from None


def is_encrypted_wrapper(file: BinaryIO) -> bool:
    """Whether the file begins as an encrypted zip: flag bit 0, or method 99 (AES), in its first header.

    A cheap look at 30 bytes, no promise that the rest is in order. Leaves the file at its start.
    """
    head = read_at(file, 0, min(LOCAL.size, length_of(file)))
    file.seek(0)
    return _says_encrypted(head)


def _members(file: BinaryIO) -> dict[str, Member]:
    length = length_of(file)
    _check_head(file, length)
    found = {}
    names = []
    for name, size, crc, offset in zip_directory.members(file, zip_directory.find(file, length)):
        names.append(name)
        found[name] = Member(name, size, crc, zip_directory.check_local(file, name, size, crc, offset))
    check_names(names)
    return found


def _check_head(file: BinaryIO, length: int) -> None:
    head = read_at(file, 0, min(LOCAL.size, length))
    if not head:
        raise ContainerError("not a package: the file is empty")
    if head.startswith(END_SIGNATURE):
        raise ContainerError("not a package: the zip holds no file")
    if not head.startswith(LOCAL_SIGNATURE):
        if len(head) < 4 and LOCAL_SIGNATURE.startswith(head):
            raise Truncated("the package is incomplete: almost nothing of it is here")
        if length >= END.size and read_at(file, length - END.size, 4) == END_SIGNATURE:
            raise ContainerError("there are bytes before the first file of the zip")
        raise ContainerError(
            "not a package: the file does not begin as a zip does", hint="is this the right file?"
        )
    if _says_encrypted(head):
        raise ContainerError(
            "the package is encrypted", hint="it opens with the passphrase that its sender gave you"
        )


def _says_encrypted(head: bytes) -> bool:
    if len(head) < LOCAL.size or not head.startswith(LOCAL_SIGNATURE):
        return False
    _, _, flags, method, *_ = LOCAL.unpack_from(head)
    return bool(flags & 1) or method == 99
