"""The strict reader of a package's zip (docs/format/container.md; PKWARE APPNOTE 6.3.10 for the records).

Common zip readers repair what they are given: they search for an end record, take the last of two
equal names, skip bytes that nothing accounts for, believe one of two headers that disagree. Each of
these lets two programs see two different packages in one file. This reader accepts exactly the one
spelling that our writer makes and refuses all else: for a list of names and contents there is one zip.

Trusted base: the standard library and ``custody.errors`` only. Reads, never writes.
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, NoReturn

from custody.errors import CheckFailed, InputRefused, MachineError

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
MAX_PATH = 240  # with a folder in front still within the 260 characters of Windows
MAX_COMPONENT = 100
MIMETYPE = "mimetype"

_NAME = re.compile(r"mimetype|(?:bag|META-INF)(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+", re.ASCII)
# Device names: Windows opens the console or a port for them, whatever the extension (COM0 and LPT0 too).
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE | re.ASCII)

_LOCAL_FIELDS = (
    "signature",
    "version needed",
    "flags",
    "method",
    "time",
    "date",
    "CRC-32",
    "stored size",
    "size",
    "length of the name",
    "length of the extra fields",
)


class ContainerError(InputRefused):
    """The file is not a package's zip in the one spelling that is allowed."""


class Truncated(ContainerError):
    """The container is incomplete: its end, or bytes before its end, are missing."""


class ChecksumMismatch(CheckFailed):
    """A member's content does not have the CRC-32 of its header: the copy is damaged, or was changed."""


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
        return cls(file, _Reader(file).members())

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
            piece = _read_at(self._file, member.offset + at, min(size, member.size - at))
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
    head = _read_at(file, 0, min(LOCAL.size, _length(file)))
    file.seek(0)
    return _says_encrypted(head)


def show_name(name: str | bytes) -> str:
    """A name from outside, safe on every console: ASCII with escapes, cut at 80 characters."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    shown = ascii(text[:81])[1:-1]
    return shown if len(shown) <= 80 else shown[:79] + "~"


def check_name(name: str) -> None:
    """Refuse, with `ContainerError`, a member name that some system could take for something else."""
    if not _NAME.fullmatch(name):
        raise ContainerError(
            "a file name in the package is not allowed",
            where=show_name(name),
            expected="mimetype, bag/… or META-INF/… of ASCII letters, digits and . _ -",
        )
    if len(name) > MAX_PATH:
        raise ContainerError(
            "a path in the package is too long",
            where=show_name(name),
            expected=f"at most {MAX_PATH} characters",
            found=str(len(name)),
        )
    for component in name.split("/"):
        if len(component) > MAX_COMPONENT:
            raise ContainerError(
                "a part of a path in the package is too long",
                where=show_name(name),
                expected=f"at most {MAX_COMPONENT} characters",
                found=str(len(component)),
            )
        if component.endswith("."):
            # Windows drops the dot: two names would become one.
            raise ContainerError("a part of a path in the package ends in a dot", where=show_name(name))
        if _RESERVED.match(component):
            raise ContainerError(
                "a part of a path in the package is a device name on Windows", where=show_name(name)
            )


def check_names(names: list[str]) -> None:
    """Refuse, with `ContainerError`, names that can't all stand beside each other on every file system.

    No name twice, none that differs from another only in case, none that is also a folder, and no
    folder in two spellings. Sorting keeps memory at one key a name; a set of all parent folders would
    let 256 MiB of deep paths fill tens of gigabytes.
    """
    # With 00 for "/", a name sorts directly before everything that lies in a folder of that name.
    ordered = sorted(names, key=_folded)
    for one, other in itertools.pairwise(ordered):
        left, right = _folded(one), _folded(other)
        where = show_name(other)
        if one == other:
            raise ContainerError("a file name stands twice in the package", where=where)
        if left == right:
            raise ContainerError("two file names differ only in case", where=where, found=show_name(one))
        if right.startswith(left + "\0"):
            raise ContainerError(
                "a file name is also the name of a folder", where=where, found=show_name(one)
            )
        for mine, its in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
            if mine.lower() != its.lower():
                break
            if mine != its:
                raise ContainerError("a folder stands in two spellings", where=where, found=show_name(one))


def narrow(value: int) -> int:
    """What a 32-bit field holds for ``value``: itself, or the sentinel when it stands in zip64."""
    return SENTINEL32 if value >= ZIP64_SIZE else value


def narrow_count(value: int) -> int:
    """What a 16-bit count holds for ``value``: itself, or the sentinel when it stands in zip64."""
    return SENTINEL16 if value >= ZIP64_COUNT else value


def _folded(name: str) -> str:
    # Names are ASCII by now, or are refused for it: lower() is the whole of case folding.
    return name.lower().replace("/", "\0")


def _says_encrypted(head: bytes) -> bool:
    if len(head) < LOCAL.size or not head.startswith(LOCAL_SIGNATURE):
        return False
    flags, method = struct.unpack_from("<2H", head, 6)
    return bool(flags & 1) or method == 99


def _length(file: BinaryIO) -> int:
    try:
        return file.seek(0, 2)
    except OSError as error:
        raise _cannot_read(error) from None


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    try:
        file.seek(offset)
        data = file.read(size)
        while len(data) < size:  # an unbuffered file may give less than it has
            more = file.read(size - len(data))
            if not more:
                raise Truncated(
                    "the package became shorter while it was read",
                    expected=f"{size} bytes at {offset}",
                    found=str(len(data)),
                )
            data += more
    except OSError as error:
        raise _cannot_read(error) from None
    return data


def _cannot_read(error: OSError) -> MachineError:
    return MachineError(
        "the package can't be read",
        found=error.strerror or type(error).__name__,
        hint="copy it from its medium again, or try another reader",
    )


@dataclass(frozen=True, slots=True)
class _Directory:
    count: int
    offset: int
    size: int


class _Reader:
    """Reads and checks all headers of one container, once."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.length = _length(file)

    def members(self) -> dict[str, Member]:
        self._check_head()
        directory = self._directory()
        members: list[Member] = []
        position = 0
        for name, size, crc in self._central_records(directory):
            header = self._check_local(len(members), name, size, crc, position)
            members.append(Member(name, size, crc, position + header))
            position += header + size
        if position != directory.offset:
            raise ContainerError(
                "there are bytes between the last file and the directory",
                where="zip directory",
                expected=f"directory at {position}",
                found=f"{directory.offset}",
            )
        check_names([member.name for member in members])
        return {member.name: member for member in members}

    def _check_head(self) -> None:
        head = _read_at(self.file, 0, min(LOCAL.size, self.length))
        if not head:
            raise ContainerError("not a package: the file is empty")
        if head.startswith(END_SIGNATURE):
            raise ContainerError("not a package: the zip holds no file")
        if not head.startswith(LOCAL_SIGNATURE):
            if len(head) < 4 and LOCAL_SIGNATURE.startswith(head):
                raise Truncated("the package is incomplete: almost nothing of it is here")
            if self.length >= END.size and _read_at(self.file, self.length - END.size, 4) == END_SIGNATURE:
                raise ContainerError("there are bytes before the first file of the zip")
            raise ContainerError(
                "not a package: the file does not begin as a zip does", hint="is this the right file?"
            )
        if _says_encrypted(head):
            raise ContainerError(
                "the package is encrypted", hint="it opens with the passphrase that its sender gave you"
            )

    def _directory(self) -> _Directory:
        end_at = self.length - END.size
        raw = _read_at(self.file, end_at, END.size) if end_at >= 0 else b""
        if not raw.startswith(END_SIGNATURE):
            raise self._why_no_end()
        _, disk, first_disk, here, count, size, offset, comment = END.unpack(raw)
        where = "zip end record"
        if comment:
            raise ContainerError(
                "the zip claims a comment", where=where, expected="none", found=f"{comment} bytes"
            )
        if disk or first_disk:
            raise ContainerError("the zip spans several disks", where=where, expected="disk 0")
        if here != count:
            raise ContainerError(
                "the zip's two counts of files differ", where=where, expected=str(count), found=str(here)
            )
        directory_end = end_at
        narrow_form = (count, size, offset)
        wide = count == SENTINEL16 or SENTINEL32 in (size, offset)
        if wide:
            directory_end, count, size, offset = self._end64(end_at)
        if narrow_form != (narrow_count(count), narrow(size), narrow(offset)):
            raise ContainerError("the zip's end record and its zip64 record do not agree", where=where)
        if offset + size > directory_end:
            raise Truncated(
                "the package is incomplete: bytes are missing before its end",
                where=where,
                expected=f"a directory that ends at {offset + size}",
                found=str(directory_end),
                hint="copy or download it again",
            )
        if offset + size < directory_end:
            gap = directory_end - offset - size
            if not wide and self._has_locator(end_at):
                raise ContainerError("the zip has zip64 records that it does not need", where=where)
            raise ContainerError(
                "there are bytes between the directory and the end record",
                where=where,
                expected="none",
                found=f"{gap}",
            )
        if count == 0:
            raise ContainerError("not a package: the zip holds no file", where=where)
        if count > MAX_MEMBERS:
            raise ContainerError(
                "too many files in the zip", where=where, expected=f"at most {MAX_MEMBERS}", found=f"{count}"
            )
        if size > MAX_DIRECTORY:
            raise ContainerError(
                "the zip's directory is too large",
                where=where,
                expected=f"at most {MAX_DIRECTORY} bytes",
                found=f"{size}",
            )
        if size > count * (CENTRAL.size + MAX_PATH + 28):
            # Before the directory is read: its size alone must not decide how much memory it takes.
            raise ContainerError(
                "the zip's directory is larger than its records can be", where=where, found=f"{size}"
            )
        return _Directory(count, offset, size)

    def _end64(self, end_at: int) -> tuple[int, int, int, int]:
        """Start of the zip64 record, and from it: count, directory size, directory offset."""
        if not self._has_locator(end_at):
            raise ContainerError("the zip64 locator is missing", where="zip end record")
        locator_at = end_at - LOCATOR.size
        _, disk, record_at, disks = LOCATOR.unpack(_read_at(self.file, locator_at, LOCATOR.size))
        where = "zip64 locator"
        if (disk, disks) != (0, 1):
            raise ContainerError("the zip spans several disks", where=where, expected="disk 0 of 1")
        expected_at = locator_at - END64.size
        if record_at > expected_at:
            raise Truncated(
                "the package is incomplete: bytes are missing before its end",
                where=where,
                expected=f"the zip64 record at {record_at}",
                found=str(expected_at),
            )
        if record_at != expected_at:
            raise ContainerError(
                "the zip64 record is not where it must be",
                where=where,
                expected=str(expected_at),
                found=str(record_at),
            )
        record = END64.unpack(_read_at(self.file, record_at, END64.size))
        signature, length, made_by, needed, disk, first_disk, here, count, size, offset = record
        where = "zip64 end record"
        if signature != END64_SIGNATURE:
            raise ContainerError("the zip64 end record is missing", where=where)
        if length != END64.size - 12:  # counted after the length itself, APPNOTE 4.3.14.1
            raise ContainerError(
                "the zip64 end record has another length",
                where=where,
                expected=str(END64.size - 12),
                found=str(length),
            )
        if (made_by, needed) != (MADE_BY, VERSION_ZIP64):
            raise ContainerError(
                "the zip64 end record names another version", where=where, expected=str(VERSION_ZIP64)
            )
        if disk or first_disk:
            raise ContainerError("the zip spans several disks", where=where, expected="disk 0")
        if here != count:
            raise ContainerError(
                "the zip's two counts of files differ", where=where, expected=str(count), found=str(here)
            )
        return record_at, count, size, offset

    def _has_locator(self, end_at: int) -> bool:
        at = end_at - LOCATOR.size
        return at >= END64.size and _read_at(self.file, at, 4) == LOCATOR_SIGNATURE

    def _why_no_end(self) -> ContainerError:
        """No end record in the last 22 bytes: was something put behind it, or is the end missing?"""
        start = max(0, self.length - END.size - SENTINEL16)
        window = _read_at(self.file, start, self.length - start)
        found = window.rfind(END_SIGNATURE)
        while found >= 0:
            at = start + found
            # Evidence may itself hold zips: an end record counts only if it stands where it says.
            if at + END.size <= self.length:
                *_, size, offset, comment = END.unpack_from(window, found)
                if offset + size == at or self._has_locator(at):
                    rest = self.length - at - END.size
                    if comment == rest:
                        return ContainerError(
                            "the zip has a comment",
                            where="zip end record",
                            expected="none",
                            found=f"{rest} bytes",
                        )
                    return ContainerError(
                        "there are bytes behind the end of the zip",
                        where="zip end record",
                        expected="none",
                        found=f"{rest}",
                    )
            found = window.rfind(END_SIGNATURE, 0, found)
        return Truncated(
            "the package is incomplete: its end is missing",
            expected="an end record in the last 22 bytes",
            hint="copy or download it again",
        )

    def _central_records(self, directory: _Directory) -> Iterator[tuple[str, int, int]]:
        """Name, size and CRC-32 of each record, every other field checked but the offset's place."""
        data = _read_at(self.file, directory.offset, directory.size)
        at = 0
        position = 0
        for index in range(directory.count):
            where = f"zip directory, record {index + 1}"
            if at + CENTRAL.size > len(data):
                raise ContainerError("the zip's directory ends too early", where=where)
            fields = CENTRAL.unpack_from(data, at)
            signature, made_by, needed, flags, method, time, date, crc, stored, size = fields[:10]
            name_length, extra_length, comment_length, disk, internal, external, offset = fields[10:]
            if signature != CENTRAL_SIGNATURE:
                raise ContainerError("the zip's directory has no record here", where=where)
            name_at = at + CENTRAL.size
            extra_at = name_at + name_length
            at = extra_at + extra_length + comment_length
            if at > len(data):
                raise ContainerError("the zip's directory ends too early", where=where)
            raw_name = data[name_at:extra_at]
            where = f"{where}, {show_name(raw_name)}"
            _check_flags(flags, where)
            if method != 0:
                raise ContainerError(
                    "a file in the zip is compressed", where=where, expected="method 0", found=f"{method}"
                )
            if comment_length:
                raise ContainerError("a file in the zip has a comment", where=where)
            if disk:
                raise ContainerError(
                    "the zip spans several disks", where=where, expected="disk 0", found=str(disk)
                )
            if (time, date) != (DOS_TIME, DOS_DATE):
                raise ContainerError(
                    "a file in the zip has a time of its own", where=where, expected="1980-01-01 00:00:00"
                )
            if internal or external:
                raise ContainerError("a file in the zip has attributes", where=where, expected="0")
            if made_by != MADE_BY:
                raise ContainerError(
                    "the zip names another maker's version",
                    where=where,
                    expected=str(MADE_BY),
                    found=str(made_by),
                )
            name = raw_name.decode("latin-1")  # any byte above 7F is refused by the pattern
            check_name(name)
            if index == 0 and name != MIMETYPE:
                raise ContainerError("the first file of the zip is not mimetype", where=where)
            size, stored, offset = _widen(
                size, stored, offset, data[extra_at : extra_at + extra_length], where
            )
            if size != stored:
                raise ContainerError(
                    "the two sizes of a stored file differ",
                    where=where,
                    expected=str(size),
                    found=str(stored),
                )
            version = _version(size, offset)
            if needed != version:
                raise ContainerError(
                    "a file in the zip asks for another version",
                    where=where,
                    expected=str(version),
                    found=str(needed),
                )
            if offset != position:
                # Neither a gap nor an overlap: each file begins where the one before it ends.
                raise ContainerError(
                    "a file of the zip is not where the one before it ends",
                    where=where,
                    expected=str(position),
                    found=str(offset),
                )
            position += LOCAL.size + name_length + (20 if narrow(size) == SENTINEL32 else 0) + size
            if position > directory.offset:
                raise ContainerError("a file of the zip reaches into the directory", where=where)
            yield name, size, crc
        if at != len(data):
            raise ContainerError(
                "the zip's directory holds more than it counts",
                where="zip directory",
                expected=f"{directory.count} records",
                found=f"{len(data) - at} bytes more",
            )

    def _check_local(self, index: int, name: str, size: int, crc: int, offset: int) -> int:
        """The length of the local header at ``offset``, after comparing it with the directory's facts."""
        raw_name = name.encode("ascii")
        field = narrow(size)
        extra = struct.pack("<2H2Q", ZIP64_ID, 16, size, size) if field == SENTINEL32 else b""
        fields = (
            LOCAL_SIGNATURE, _version(size, offset), 0, 0, DOS_TIME, DOS_DATE, crc, field, field,
            len(raw_name), len(extra),
        )  # fmt: skip
        expected = LOCAL.pack(*fields) + raw_name + extra
        found = _read_at(self.file, offset, len(expected))
        if found != expected:
            _refuse_local(index, name, fields, found)
        return len(expected)


def _check_flags(flags: int, where: str) -> None:
    if flags & 0x2041:  # bits 0 and 6: encryption; 13: a masked directory
        raise ContainerError("a file in the zip is encrypted", where=where)
    if flags & 0x0008:
        raise ContainerError(
            "a file in the zip has a data descriptor", where=where, hint="sizes stand in front"
        )
    if flags & 0x0800:
        raise ContainerError("a file in the zip is flagged as having a Unicode name", where=where)
    if flags:
        raise ContainerError("a file in the zip has flags", where=where, expected="0", found=f"{flags:#06x}")


def _version(size: int, offset: int) -> int:
    return VERSION_ZIP64 if SENTINEL32 in (narrow(size), narrow(offset)) else VERSION_PLAIN


def _widen(size: int, stored: int, offset: int, extra: bytes, where: str) -> tuple[int, int, int]:
    """The true values from a directory record's fields and its zip64 field (APPNOTE 4.5.3)."""
    fields = (size, stored, offset)
    wanted = sum(value == SENTINEL32 for value in fields)
    if not wanted:
        if extra:
            raise ContainerError("a file in the zip has extra fields that it does not need", where=where)
        values = fields
    else:
        if len(extra) != 4 + 8 * wanted or struct.unpack_from("<2H", extra) != (ZIP64_ID, 8 * wanted):
            raise ContainerError("the zip64 field of a file is missing or malformed", where=where)
        wide = iter(struct.unpack_from(f"<{wanted}Q", extra, 4))
        values = (
            next(wide) if size == SENTINEL32 else size,
            next(wide) if stored == SENTINEL32 else stored,
            next(wide) if offset == SENTINEL32 else offset,
        )
    if tuple(narrow(value) for value in values) != fields:
        # One number, one spelling: zip64 from the threshold on, and never below it.
        raise ContainerError("zip64 is used where it is not needed, or missing where it is", where=where)
    return values


def _refuse_local(index: int, name: str, fields: tuple[object, ...], found: bytes) -> NoReturn:
    where = f"zip file header {index + 1}, {show_name(name)}"
    for label, mine, its in zip(_LOCAL_FIELDS, fields, LOCAL.unpack_from(found), strict=True):
        if mine != its:
            raise ContainerError(
                f"a file's own header and the zip's directory differ: {label}",
                where=where,
                expected=str(mine),
                found=str(its),
            )
    if found[LOCAL.size : LOCAL.size + len(name)] != name.encode("ascii"):
        raise ContainerError("a file's own header and the zip's directory differ: name", where=where)
    raise ContainerError("a file's own header and the zip's directory differ: zip64 sizes", where=where)
