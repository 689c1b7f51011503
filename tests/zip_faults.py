"""Zips written byte by byte, each with one fault, without a line of the code under test.

`build` makes a sound container unless it is told otherwise; `FAULTS` names one fault each, with the
words that the refusal must hold, so that a refusal for another reason does not count.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LOCAL = ("signature", "needed", "flags", "method", "time", "date", "crc", "stored", "size", "nlen", "xlen")
CENTRAL = (
    "signature", "made", "needed", "flags", "method", "time", "date", "crc", "stored", "size", "nlen", "xlen",
    "clen", "disk", "internal", "external", "offset",
)  # fmt: skip
END = ("signature", "disk", "first", "here", "count", "dsize", "doffset", "clen")
END64 = ("signature", "length", "made", "needed", "disk", "first", "here", "count", "dsize", "doffset")
LOCATOR = ("signature", "disk", "at", "disks")


@dataclass
class Entry:
    """One member; ``both`` overrides fields of both headers, ``local`` and ``central`` of one."""

    name: bytes
    data: bytes
    both: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    local_name: bytes | None = None
    after: bytes = b""  # bytes behind the content


def _pack(form: str, names: tuple[str, ...], values: dict[str, Any], overrides: dict[str, Any]) -> bytes:
    merged = values | {key: value for key, value in overrides.items() if key in names}
    return struct.pack(form, *(merged[name] for name in names))


def build(
    entries: list[Entry],
    *,
    end: dict[str, Any] | None = None,
    end64: dict[str, Any] | None = None,
    locator: dict[str, Any] | None = None,
    head: bytes = b"",
    before_directory: bytes = b"",
    after_directory: bytes = b"",
    before_end: bytes = b"",
    tail: bytes = b"",
    order: list[int] | None = None,
) -> bytes:
    """The bytes of a zip. With ``end64`` not None the zip64 records are written as well."""
    out = bytearray(head)
    records = []
    for entry in entries:
        offset = len(out)
        shared = {
            "needed": 10, "flags": 0, "method": 0, "time": 0, "date": 0x21, "crc": zlib.crc32(entry.data),
            "stored": len(entry.data), "size": len(entry.data),
        }  # fmt: skip
        name = entry.name if entry.local_name is None else entry.local_name
        local = shared | {"signature": b"PK\x03\x04", "nlen": len(name), "xlen": len(entry.local_extra)}
        out += _pack("<4s5H3I2H", LOCAL, local, entry.both | entry.local)
        out += name + entry.local_extra + entry.data + entry.after
        central = shared | {
            "signature": b"PK\x01\x02", "made": 45, "nlen": len(entry.name), "xlen": len(entry.central_extra),
            "clen": len(entry.comment), "disk": 0, "internal": 0, "external": 0, "offset": offset,
        }  # fmt: skip
        record = _pack("<4s6H3I5H2I", CENTRAL, central, entry.both | entry.central)
        records.append(record + entry.name + entry.central_extra + entry.comment)
    out += before_directory
    at = len(out)
    out += b"".join(records[index] for index in (order or range(len(records))))
    out += after_directory
    size = len(out) - at - len(after_directory)
    facts = {"disk": 0, "first": 0, "here": len(entries), "count": len(entries), "dsize": size, "doffset": at}
    if end64 is not None:
        where = len(out)
        wide = facts | {"signature": b"PK\x06\x06", "length": 44, "made": 45, "needed": 45}
        out += _pack("<4sQ2H2I4Q", END64, wide, end64)
        out += _pack(
            "<4sIQI", LOCATOR, {"signature": b"PK\x06\x07", "disk": 0, "at": where, "disks": 1}, locator or {}
        )
    out += before_end
    out += _pack("<4s4H2IH", END, facts | {"signature": b"PK\x05\x06", "clen": 0}, end or {})
    return bytes(out) + tail


def wide(*values: int) -> bytes:
    """A zip64 extra field."""
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def sound() -> list[Entry]:
    """A small, sound container's members."""
    return [
        Entry(b"mimetype", b"application/x-test"),
        Entry(b"bag/bagit.txt", b"hello"),
        Entry(b"bag/data/A-1/001.bin", b"\x00\x01PK\x05\x06" * 9),
        Entry(b"bag/data/A-1/002.bin", b""),
    ]


def with_names(*names: str) -> bytes:
    """A container that has these names behind mimetype, and is sound otherwise."""
    return build([sound()[0], *(Entry(name.encode("latin-1"), b"x") for name in names)])


def _members(change: Callable[[list[Entry]], Any], **options: Any) -> bytes:
    entries = sound()
    change(entries)
    return build(entries, **options)


def _set(index: int, **what: Any) -> bytes:
    def change(entries: list[Entry]) -> None:
        for key, value in what.items():
            setattr(entries[index], key, value)

    return _members(change)


def _overlap() -> bytes:
    # Two records for one place: the zip-bomb trick of overlapping files.
    entries = sound()
    first = len(build(entries[:1])) - len(build(entries[:1], before_directory=b"")) + 30 + 8 + 18
    entries[2].central["offset"] = first
    return build(entries)


SOUND = build(sound())
BIG = 0xFFFFFFFF

# name: (bytes, is it Truncated, words of the message)
FAULTS: dict[str, tuple[bytes, bool, str]] = {
    "empty file": (b"", False, "file is empty"),
    "plain text": (b"Dear colleague,\nthe package is attached.\n" * 9, False, "does not begin as a zip"),
    "two bytes": (b"PK", True, "almost nothing"),
    "two other bytes": (b"ab", False, "does not begin as a zip"),
    "header only": (SOUND[:30], True, "its end is missing"),
    "last byte missing": (SOUND[:-1], True, "its end is missing"),
    "end record missing": (SOUND[:-22], True, "its end is missing"),
    "half": (SOUND[: len(SOUND) // 2], True, "its end is missing"),
    "cut behind an inner end record": (SOUND[: SOUND.index(b"PK\x05\x06") + 30], True, "its end is missing"),
    "middle missing": (SOUND[:60] + SOUND[70:], True, "bytes are missing before its end"),
    "no member": (build([]), False, "the zip holds no file"),
    "count zero": (
        build(sound(), end={"here": 0, "count": 0}), False, "the zip holds no file",
    ),
    "comment": (build(sound(), end={"clen": 5}, tail=b"hello"), False, "has a comment"),
    "comment claimed": (build(sound(), end={"clen": 5}), False, "claims a comment"),
    "trailing byte": (SOUND + b"\0", False, "bytes behind the end"),
    "trailing newline": (SOUND + b"\r\n", False, "bytes behind the end"),
    "leading bytes": (b"#!/bin/sh\n" + SOUND, False, "bytes before the first file"),
    "leading bytes, offsets right": (build(sound(), head=b"MZ\0\0"), False, "bytes before the first file"),
    "gap, zip header in front": (
        build(sound(), head=b"PK\x03\x04" + bytes(26)), False, "not where the one before it ends",
    ),
    "disk number": (build(sound(), end={"disk": 1}), False, "several disks"),
    "first disk": (build(sound(), end={"first": 1}), False, "several disks"),
    "counts differ": (build(sound(), end={"here": 3}), False, "two counts"),
    "one record more": (build(sound(), end={"here": 3, "count": 3}), False, "more than it counts"),
    "one record less": (build(sound(), end={"here": 5, "count": 5}), False, "ends too early"),
    "directory far too large": (
        build(sound(), after_directory=bytes(4000), end={"dsize": 4000 + 200, "doffset": len(SOUND) - 22 - 200}),
        False, "larger than its records can be",
    ),
    "hidden bytes before the directory": (
        build(sound(), before_directory=b"hidden"), False, "between the last file and the directory",
    ),
    "hidden bytes behind the directory": (
        build(sound(), after_directory=b"hidden"), False, "between the directory and the end record",
    ),
    "hidden bytes between members": (_set(1, after=b"hidden"), False, "not where the one before it ends"),
    "overlap": (_overlap(), False, "not where the one before it ends"),
    "records in another order": (
        build(sound(), order=[0, 2, 1, 3]), False, "not where the one before it ends",
    ),
    "member reaches into the directory": (
        _set(3, both={"size": 5000, "stored": 5000}), False, "reaches into the directory",
    ),
    "record signature": (_set(1, central={"signature": b"PK\x01\x03"}), False, "no record here"),
    "record longer than the directory": (_set(3, central={"nlen": 900}), False, "ends too early"),
    "deflated": (_set(1, both={"method": 8}), False, "is compressed"),
    "AES": (_set(1, both={"method": 99}), False, "is compressed"),
    "encrypted, first": (_set(0, both={"flags": 1}), False, "the package is encrypted"),
    "encrypted, second": (_set(1, both={"flags": 1}), False, "is encrypted"),
    "strong encryption": (_set(1, both={"flags": 0x40}), False, "is encrypted"),
    "data descriptor": (_set(1, both={"flags": 8}), False, "data descriptor"),
    "UTF-8 flag": (_set(1, both={"flags": 0x800}), False, "Unicode name"),
    "other flag": (_set(1, both={"flags": 2}), False, "has flags"),
    "time": (_set(1, both={"time": 1}), False, "time of its own"),
    "date": (_set(1, both={"date": 0x22}), False, "time of its own"),
    "Unix mode": (_set(1, central={"external": 0o100644 << 16}), False, "attributes"),
    "text attribute": (_set(1, central={"internal": 1}), False, "attributes"),
    "made on Unix": (_set(1, central={"made": 0x032D}), False, "maker's version"),
    "version needed": (_set(1, both={"needed": 20}), False, "another version"),
    "zip64 version without need": (_set(1, both={"needed": 45}), False, "another version"),
    "member comment": (_set(1, comment=b"hi"), False, "has a comment"),
    "member disk": (_set(1, central={"disk": 1}), False, "several disks"),
    "extra field, directory": (_set(1, central_extra=b"\x55\x54\x01\0\0"), False, "extra fields"),
    "extra field, local": (_set(1, local_extra=b"\x55\x54\x01\0\0"), False, "differ: length of the extra"),
    "extra field, last local": (_set(3, local_extra=b"\x55\x54\x01\0\0"), False, "differ: length of the extra"),
    "extra field in place of content": (
        _set(1, data=b"", local_extra=b"\x99\x99\x01\0x", central={"size": 5, "stored": 5, "crc": 1}),
        False, "directory differ: CRC",
    ),
    "extra field, zip64 without need": (
        _set(1, central_extra=wide(5, 5), central={"size": BIG, "stored": BIG}), False, "not needed",
    ),
    "zip64 field beside plain sizes": (_set(1, central_extra=wide(5, 5)), False, "extra fields"),
    "zip64 field missing": (_set(1, central={"size": BIG, "stored": BIG}), False, "missing or malformed"),
    "zip64 field of another length": (
        _set(1, central={"size": BIG, "stored": BIG}, central_extra=wide(5, 5, 5)), False, "missing or malformed",
    ),
    "sizes differ": (_set(1, both={"size": 6}), False, "two sizes of a stored file differ"),
    "local signature": (_set(1, local={"signature": b"PK\x03\x05"}), False, "differ: signature"),
    "local version": (_set(1, local={"needed": 20}), False, "differ: version"),
    "local flags": (_set(1, local={"flags": 8}), False, "differ: flags"),
    "local method": (_set(1, local={"method": 8}), False, "differ: method"),
    "local time": (_set(1, local={"time": 1}), False, "differ: time"),
    "local date": (_set(1, local={"date": 1}), False, "differ: date"),
    "local CRC": (_set(1, local={"crc": 1}), False, "differ: CRC"),
    "local stored size": (_set(1, local={"stored": 4}), False, "differ: stored size"),
    "local size": (_set(1, local={"size": 4}), False, "differ: size"),
    "local name length": (_set(1, local={"nlen": 12}), False, "differ: length of the name"),
    "local extra length": (_set(1, local={"xlen": 1}), False, "differ: length of the extra"),
    "local name": (_set(1, local_name=b"bag/BAGIT.txt"), False, "differ: name"),
    "mimetype second": (build([*sound()[1:2], *sound()[:1]]), False, "not mimetype"),
    "mimetype missing": (build(sound()[1:]), False, "not mimetype"),
    "zip64 records without need": (build(sound(), end64={}), False, "does not need"),
    "zip64 count without need": (
        build(sound(), end64={}, end={"count": 0xFFFF, "here": 0xFFFF}), False, "do not agree",
    ),
    "zip64 offset without need": (build(sound(), end64={}, end={"doffset": BIG}), False, "do not agree"),
    "zip64 locator missing": (
        build(sound(), end={"count": 0xFFFF, "here": 0xFFFF}), False, "locator is missing",
    ),
    "zip64 locator's disks": (
        build(sound(), end64={}, locator={"disks": 2}, end={"doffset": BIG}), False, "several disks",
    ),
    "zip64 locator too far": (
        build(sound(), end64={}, locator={"at": len(SOUND)}, end={"doffset": BIG}), True, "bytes are missing",
    ),
    "zip64 locator too near": (
        build(sound(), end64={}, locator={"at": 7}, end={"doffset": BIG}), False, "not where it must be",
    ),
    "zip64 signature": (
        build(sound(), end64={"signature": b"PK\x06\x05"}, end={"doffset": BIG}), False, "record is missing",
    ),
    "zip64 length": (build(sound(), end64={"length": 45}, end={"doffset": BIG}), False, "another length"),
    "zip64 version": (build(sound(), end64={"made": 20}, end={"doffset": BIG}), False, "another version"),
    "zip64 disk": (build(sound(), end64={"disk": 1}, end={"doffset": BIG}), False, "several disks"),
    "zip64 counts": (build(sound(), end64={"here": 1}, end={"doffset": BIG}), False, "two counts"),
    "too many members": (
        build(
            sound(), end64={"here": 1_000_001, "count": 1_000_001},
            end={"here": 0xFFFF, "count": 0xFFFF},
        ), False, "too many files",
    ),
}  # fmt: skip

# name list: words of the message
BAD_NAMES: dict[str, tuple[tuple[str, ...], str]] = {
    "outside": (("data/x",), "not allowed"),
    "no folder": (("bag",), "not allowed"),
    "folder entry": (("bag/data/",), "not allowed"),
    "absolute": (("/bag/x",), "not allowed"),
    "parent": (("bag/../x",), "not allowed"),
    "own folder": (("bag/./x",), "not allowed"),
    "hidden": (("bag/.x",), "not allowed"),
    "empty component": (("bag//x",), "not allowed"),
    "backslash": (("bag\\x",), "not allowed"),
    "backslash within": (("bag/a\\..\\x",), "not allowed"),
    "drive": (("C:/bag/x",), "not allowed"),
    "stream": (("bag/x:ads",), "not allowed"),
    "space": (("bag/a b",), "not allowed"),
    "option": (("bag/-rf",), "not allowed"),
    "NUL byte": (("bag/a\0.txt",), "not allowed"),
    "newline": (("bag/a\n",), "not allowed"),
    "newline at the end of mimetype": (("mimetype\n",), "not allowed"),
    "escape sequence": (("bag/\x1b[2J",), "not allowed"),
    "Latin-1": (("bag/\xe9",), "not allowed"),
    "UTF-8": (("bag/\xc3\xa9",), "not allowed"),
    "percent": (("bag/a%0A",), "not allowed"),
    "empty": (("",), "not allowed"),
    "mimetype in a folder of its own": (("mimetype/x",), "not allowed"),
    "long path": (("bag/" + "/".join(["a" * 80] * 3),), "path in the package is too long"),
    "long component": (("bag/" + "a" * 101,), "part of a path in the package is too long"),
    "dot at the end": (("bag/a.",), "ends in a dot"),
    "dot at a folder's end": (("bag/a./b",), "ends in a dot"),
    "CON": (("bag/CON",), "device name"),
    "nul.txt": (("bag/nul.txt",), "device name"),
    "Com1.tar.gz": (("bag/Com1.tar.gz",), "device name"),
    "lpt9 as a folder": (("bag/lpt9/x",), "device name"),
    "aux in META-INF": (("META-INF/aux",), "device name"),
    "twice": (("bag/a", "bag/b", "bag/a"), "stands twice"),
    "mimetype twice": (("mimetype",), "stands twice"),
    "case": (("bag/a.txt", "bag/b", "bag/A.txt"), "differ only in case"),
    "case of a folder's file": (("bag/x/a", "bag/X/a"), "differ only in case"),
    "folder in two spellings": (("bag/x/a", "bag/X/b"), "two spellings"),
    "folder in two spellings, apart": (("bag/x/a", "bag/x-1/a", "bag/X/b"), "two spellings"),
    # What lies in folders before them must not end the search.
    "twice, behind other folders": (("bag/a/1", "bag/b/2", "bag/c/x", "bag/c/x"), "stands twice"),
    "case, behind other folders": (("bag/a/1", "bag/b/2", "bag/c/x", "bag/c/X"), "differ only in case"),
    "spellings, behind other folders": (("bag/a/1", "bag/b/2", "bag/c/x", "bag/C/y"), "two spellings"),
    "file and folder, behind other folders": (
        ("bag/a/1", "bag/b/2", "bag/c", "bag/c/y"),
        "also the name of a folder",
    ),
    "file and folder": (("bag/a", "bag/a/b"), "also the name of a folder"),
    "file and folder, apart": (("bag/a/b/c", "bag/a-b", "bag/a.b", "bag/a"), "also the name of a folder"),
    "file and folder, other case": (("bag/A", "bag/a/b"), "also the name of a folder"),
}
GOOD_NAMES = (
    "bag/console", "bag/com10", "bag/a..b", "bag/a", "bag/a-b/c", "bag/a.b/c", "bag/data/A-3/01.1.jpeg",
    "META-INF/manifest.xml", "bag/custody/parts/" + "0f" * 32, "bag/" + "a" * 100 + "/" + "b" * 100 + "/" + "c" * 34,
    "bag/xCON", "bag/COM", "bag/mimetype", "bag/META-INF/x", "bag/0", "bag/a_", "bag/a-",
)  # fmt: skip
