"""The records of a package's zip in their one spelling (docs/format/container.md; PKWARE APPNOTE 6.3.10).

For a list of names and contents there is one zip. The writer writes these bytes; the reader makes them
again from what it read, and refuses whatever differs.
"""

from __future__ import annotations

import struct

from custody.errors import CheckFailed, InputRefused

# APPNOTE 4.3.7, 4.3.12, 4.3.16, 4.3.14, 4.3.15. All numbers are little-endian.
LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")
LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR_SIGNATURE = b"PK\x06\x07"

VERSION_PLAIN = 10  # 1.0: stored files
VERSION_ZIP64 = 45  # 4.5: zip64
# High byte 0: MS-DOS, whose attributes have no owner, mode or umask to tell of the exporting machine.
MADE_BY = 45
DOS_TIME = 0
DOS_DATE = 0x0021  # 1980-01-01, the earliest that the field can say
ZIP64_ID = 0x0001
SENTINEL16 = 0xFFFF
SENTINEL32 = 0xFFFFFFFF
# From these values on a number stands in the zip64 record and its own field holds the sentinel.
# (The sentinel itself can't be a value.) Named apart from the sentinels so that a test can lower them.
ZIP64_SIZE = 0xFFFFFFFF
ZIP64_COUNT = 0xFFFF

# What a hostile package can cost: a record of 46 + 240 + 28 bytes a member, names kept in memory.
MAX_MEMBERS = 1_000_000
MAX_DIRECTORY = 256 << 20


class ContainerError(InputRefused):
    """The file is not a package's zip in the one spelling that is allowed."""


class Truncated(ContainerError):
    """The container is incomplete: its end, or bytes before its end, are missing."""


class ChecksumMismatch(CheckFailed):
    """A member's content does not have the CRC-32 of its header: the copy is damaged, or was changed."""


def narrow(value: int) -> int:
    """What a 32-bit field holds for ``value``: itself, or the sentinel when it stands in zip64."""
    return SENTINEL32 if value >= ZIP64_SIZE else value


def narrow_count(value: int) -> int:
    """What a 16-bit count holds for ``value``: itself, or the sentinel when it stands in zip64."""
    return SENTINEL16 if value >= ZIP64_COUNT else value


def version_needed(size: int, offset: int) -> int:
    """The version of the format that a reader of such a member needs."""
    return VERSION_ZIP64 if SENTINEL32 in (narrow(size), narrow(offset)) else VERSION_PLAIN


def local_fields(name: bytes, size: int, crc: int, offset: int) -> tuple[bytes | int, ...]:
    """The fields of the header in front of a member."""
    field = narrow(size)
    extra = len(_local_extra(size))
    version = version_needed(size, offset)
    return (LOCAL_SIGNATURE, version, 0, 0, DOS_TIME, DOS_DATE, crc, field, field, len(name), extra)


def local_header(name: bytes, size: int, crc: int, offset: int) -> bytes:
    """The header in front of a member, with name and zip64 field."""
    return LOCAL.pack(*local_fields(name, size, crc, offset)) + name + _local_extra(size)


def _local_extra(size: int) -> bytes:
    # The local field, where there is one, always holds both sizes (APPNOTE 4.5.3).
    return struct.pack("<2H2Q", ZIP64_ID, 16, size, size) if narrow(size) == SENTINEL32 else b""


def central_fields(name: bytes, size: int, crc: int, offset: int) -> tuple[bytes | int, ...]:
    """The fields of a member's record in the directory: no comment, no disk, no attributes."""
    field, version = narrow(size), version_needed(size, offset)
    lengths = (len(name), len(central_extra(size, offset)), 0)
    front = (CENTRAL_SIGNATURE, MADE_BY, version, 0, 0, DOS_TIME, DOS_DATE, crc, field, field)
    return (*front, *lengths, 0, 0, 0, narrow(offset))


def central_extra(size: int, offset: int) -> bytes:
    """The zip64 field of a member's record in the directory, or nothing."""
    wide: tuple[int, ...] = (size, size) if narrow(size) == SENTINEL32 else ()
    wide += (offset,) if narrow(offset) == SENTINEL32 else ()
    return struct.pack(f"<2H{len(wide)}Q", ZIP64_ID, 8 * len(wide), *wide) if wide else b""


def end_fields(count: int, size: int, offset: int) -> tuple[bytes | int, ...]:
    """The fields of the end record: one disk, no comment."""
    few = narrow_count(count)
    return (END_SIGNATURE, 0, 0, few, few, narrow(size), narrow(offset), 0)


def end64_fields(count: int, size: int, offset: int) -> tuple[bytes | int, ...]:
    """The fields of the zip64 end record. Its length is counted behind the length itself (APPNOTE 4.3.14.1)."""
    return (END64_SIGNATURE, END64.size - 12, MADE_BY, VERSION_ZIP64, 0, 0, count, count, size, offset)


def is_wide(count: object, size: object, offset: object) -> bool:
    """Whether the fields of an end record, as they stand, say that the zip64 records hold the numbers."""
    return count == SENTINEL16 or SENTINEL32 in (size, offset)
