"""The end and the directory of a package's zip, in the one spelling of `zip_records`, read from outside.

Common zip readers repair what they are given: they search for an end record, skip bytes that nothing
accounts for, believe one of two numbers that disagree. Here the end stands in the last 22 bytes and every
byte from the directory's first on is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from custody.errors import MachineError
from custody.verify import zip_records as records
from custody.verify.zip_names import MAX_PATH, MIMETYPE, check_name, show_name
from custody.verify.zip_records import (
    CENTRAL,
    END,
    END64,
    LOCAL,
    LOCATOR,
    SENTINEL32,
    ContainerError,
    Truncated,
)

_DISKS = "the zip spans several disks"
_COUNTS = "the zip's two counts of files differ"
_AGREE = "the zip's end record and its zip64 record do not agree"
_MAKER = "the zip64 end record names another version"
_SIZES = "the two sizes of a stored file differ"
_TIME = "a file in the zip has a time of its own"
_ATTRIBUTES = "a file in the zip has attributes"
# What it means when a field of a record is another than it must be, in the order of the fields.
_END_WORDS = ("", _DISKS, _DISKS, _AGREE, _AGREE, _AGREE, _AGREE, "the zip claims a comment")
_END64_WORDS = (
    "the zip64 end record is missing", "the zip64 end record has another length", _MAKER, _MAKER,
    _DISKS, _DISKS, _COUNTS, _COUNTS, _AGREE, _AGREE,
)  # fmt: skip
_CENTRAL_WORDS = (
    "the zip's directory has no record here", "the zip names another maker's version",
    "a file in the zip asks for another version", "a file in the zip has flags",
    "a file in the zip is compressed", _TIME, _TIME, "", _SIZES, _SIZES, "",
    "a file in the zip has extra fields that it does not need", "a file in the zip has a comment",
    _DISKS, _ATTRIBUTES, _ATTRIBUTES, "a file of the zip is not where the one before it ends",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory lies: how many records, offset of its first byte, size in bytes."""

    count: int
    offset: int
    size: int


def length_of(file: BinaryIO) -> int:
    """How many bytes the file has. Raises `MachineError`."""
    try:
        return file.seek(0, 2)
    except OSError as error:
        raise cannot_read(error) from None


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Exactly ``size`` bytes from ``offset`` on. Raises `Truncated`, `MachineError`."""
    try:
        file.seek(offset)
        data = file.read(size)
        while len(data) < size:  # an unbuffered file may give less than it has
            more = file.read(size - len(data))
            if not more:
                raise became_shorter(offset, size, len(data))
            data += more
    except OSError as error:
        raise cannot_read(error) from None
    return data


def became_shorter(offset: int, size: int, found: int) -> Truncated:
    """The error for a file that ends before bytes that were there when its shape was checked."""
    return Truncated(
        "the package became shorter while it was read",
        expected=f"{size} bytes at {offset}",
        found=str(found),
    )


def cannot_read(error: OSError) -> MachineError:
    """The error for a medium that fails."""
    return MachineError(
        "the package can't be read",
        found=error.strerror or type(error).__name__,
        hint="copy it from its medium again, or try another reader",
    )


def find(file: BinaryIO, length: int) -> Directory:
    """The directory that the end records name, once these are what they must be."""
    end_at = length - END.size
    raw = read_at(file, end_at, END.size) if end_at >= 0 else b""
    if not raw.startswith(records.END_SIGNATURE):
        raise _why_no_end(file, length)
    found = END.unpack(raw)
    here, count, size, offset = found[3:7]
    directory_end, where = end_at, "zip end record"
    _hold((_COUNTS,), (count,), (here,), where)
    wide = records.is_wide(count, size, offset)
    if wide:
        directory_end, count, size, offset = _end64(file, end_at)
    _hold(_END_WORDS, records.end_fields(count, size, offset), found, where)
    if offset + size > directory_end:
        raise Truncated(
            "the package is incomplete: bytes are missing before its end",
            where=where,
            expected=f"a directory that ends at {offset + size}",
            found=str(directory_end),
            hint="copy or download it again",
        )
    if offset + size < directory_end:
        if not wide and _has_locator(file, end_at):
            raise ContainerError("the zip has zip64 records that it does not need", where=where)
        raise ContainerError(
            "there are bytes between the directory and the end record",
            where=where,
            expected="none",
            found=f"{directory_end - offset - size}",
        )
    if count == 0:
        raise ContainerError("not a package: the zip holds no file", where=where)
    for what, most, number in (
        ("too many files in the zip", records.MAX_MEMBERS, count),
        ("the zip's directory is too large", records.MAX_DIRECTORY, size),
        # Before the directory is read: its size alone must not decide how much memory it takes.
        (
            "the zip's directory is larger than its records can be",
            count * (CENTRAL.size + MAX_PATH + 28),
            size,
        ),
    ):
        if number > most:
            raise ContainerError(what, where=where, expected=f"at most {most}", found=f"{number}")
    return Directory(count, offset, size)


def _end64(file: BinaryIO, end_at: int) -> tuple[int, int, int, int]:
    """Start of the zip64 record, and from it: count, directory size, directory offset."""
    if not _has_locator(file, end_at):
        raise ContainerError("the zip64 locator is missing", where="zip end record")
    locator_at = end_at - LOCATOR.size
    _, disk, stated_at, disks = LOCATOR.unpack(read_at(file, locator_at, LOCATOR.size))
    record_at = locator_at - END64.size
    if stated_at > record_at:
        raise Truncated(
            "the package is incomplete: bytes are missing before its end",
            where="zip64 locator",
            expected=f"the zip64 record at {stated_at}",
            found=str(record_at),
        )
    words = (_DISKS, "the zip64 record is not where it must be", _DISKS)
    _hold(words, (0, record_at, 1), (disk, stated_at, disks), "zip64 locator")
    found = END64.unpack(read_at(file, record_at, END64.size))
    count, size, offset = found[-3:]
    _hold(_END64_WORDS, records.end64_fields(count, size, offset), found, "zip64 end record")
    return record_at, count, size, offset


def _has_locator(file: BinaryIO, end_at: int) -> bool:
    at = end_at - LOCATOR.size
    return at >= END64.size and read_at(file, at, 4) == records.LOCATOR_SIGNATURE


def _why_no_end(file: BinaryIO, length: int) -> ContainerError:
    """No end record in the last 22 bytes: was something put behind it, or is the end missing?"""
    start = max(0, length - END.size - records.SENTINEL16)
    window = read_at(file, start, length - start)
    found = window.rfind(records.END_SIGNATURE)
    while found >= 0:
        at = start + found
        # Evidence may itself hold zips: an end record counts only if it stands where it says.
        if at + END.size <= length:
            *_, size, offset, comment = END.unpack_from(window, found)
            if offset + size == at or _has_locator(file, at):
                rest = length - at - END.size
                what = (
                    "the zip has a comment"
                    if comment == rest
                    else "there are bytes behind the end of the zip"
                )
                return ContainerError(what, where="zip end record", expected="none", found=f"{rest} bytes")
        found = window.rfind(records.END_SIGNATURE, 0, found)
    return Truncated(
        "the package is incomplete: its end is missing",
        expected="an end record in the last 22 bytes",
        hint="copy or download it again",
    )


def members(file: BinaryIO, directory: Directory) -> Iterator[tuple[str, int, int, int]]:
    """Name, size, CRC-32 and offset of each member, every field of its record in the directory checked."""
    data = read_at(file, directory.offset, directory.size)
    at = position = 0
    for index in range(directory.count):
        where = f"zip directory, record {index + 1}"
        name_at = at + CENTRAL.size
        if name_at > len(data):
            raise ContainerError("the zip's directory ends too early", where=where)
        found = CENTRAL.unpack_from(data, at)
        flags, crc, stored, size = found[3], *found[7:10]
        if found[0] != records.CENTRAL_SIGNATURE:
            raise ContainerError("the zip's directory has no record here", where=where)
        extra_at = name_at + found[10]
        at = extra_at + found[11] + found[12]
        if at > len(data):
            raise ContainerError("the zip's directory ends too early", where=where)
        raw_name, extra = data[name_at:extra_at], data[extra_at : extra_at + found[11]]
        where = f"{where}, {show_name(raw_name)}"
        _check_flags(flags, where)
        name = raw_name.decode("latin-1")  # any byte above 7F is refused by the pattern
        check_name(name)
        if index == 0 and name != MIMETYPE:
            raise ContainerError("the first file of the zip is not mimetype", where=where)
        if size == SENTINEL32:
            size = _wide_size(stored, found[16], extra, where)
        _hold(_CENTRAL_WORDS, records.central_fields(raw_name, size, crc, position), found, where)
        if extra != records.central_extra(size, position):
            raise ContainerError("the zip64 field of a file is missing or malformed", where=where)
        yield name, size, crc, position
        # Neither a gap nor an overlap: each file begins where the one before it ends.
        position += len(records.local_header(raw_name, size, crc, position)) + size
        if position > directory.offset:
            raise ContainerError("a file of the zip reaches into the directory", where=where)
    if at != len(data):
        raise ContainerError(
            "the zip's directory holds more than it counts",
            where="zip directory",
            expected=f"{directory.count} records",
            found=f"{len(data) - at} bytes more",
        )
    if position != directory.offset:
        raise ContainerError(
            "there are bytes between the last file and the directory",
            where="zip directory",
            expected=f"directory at {position}",
            found=f"{directory.offset}",
        )


def _wide_size(stored: int, offset: int, extra: bytes, where: str) -> int:
    """The size of a member whose size stands in its zip64 field (APPNOTE 4.5.3)."""
    wanted = 1 + (stored == SENTINEL32) + (offset == SENTINEL32)
    if len(extra) != 4 + 8 * wanted:
        raise ContainerError("the zip64 field of a file is missing or malformed", where=where)
    size = int.from_bytes(extra[4:12], "little")
    if records.narrow(size) != SENTINEL32:
        # One number, one spelling: zip64 from the threshold on, and never below it.
        raise ContainerError("zip64 is used where it is not needed", where=where)
    return size


def _check_flags(flags: int, where: str) -> None:
    if flags & 0x2041:  # bits 0 and 6: encryption; 13: a masked directory
        raise ContainerError("a file in the zip is encrypted", where=where)
    if flags & 0x0008:
        raise ContainerError(
            "a file in the zip has a data descriptor", where=where, hint="sizes stand in front"
        )
    if flags & 0x0800:
        raise ContainerError("a file in the zip is flagged as having a Unicode name", where=where)


def _hold(words: Sequence[str], expected: Sequence[object], found: Sequence[object], where: str) -> None:
    """Refuse, with the words for it, the first field that is not as it must be."""
    for text, mine, its in zip(words, expected, found, strict=True):
        if mine != its:
            raise ContainerError(text, where=where, expected=str(mine), found=str(its))


_LOCAL_WORDS = tuple(
    f"a file's own header and the zip's directory differ: {label}"
    for label in (
        "signature", "version needed", "flags", "method", "time", "date", "CRC-32", "stored size", "size",
        "length of the name", "length of the extra fields",
    )
)  # fmt: skip


def check_local(file: BinaryIO, name: str, size: int, crc: int, offset: int) -> int:
    """The offset of a member's content, once its own header says what the directory does."""
    raw_name = name.encode("ascii")
    expected = records.local_header(raw_name, size, crc, offset)
    found = read_at(file, offset, len(expected))
    if found != expected:
        where = f"zip file header at {offset}, {show_name(name)}"
        _hold(
            _LOCAL_WORDS, records.local_fields(raw_name, size, crc, offset), LOCAL.unpack_from(found), where
        )
        what = "name" if found[LOCAL.size :][: len(name)] != raw_name else "zip64 sizes"
        raise ContainerError(f"a file's own header and the zip's directory differ: {what}", where=where)
    return offset + len(expected)
