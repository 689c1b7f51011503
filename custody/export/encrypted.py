"""The encrypted wrapper of a package: one AES-256 zip with the package as its only member.

The format is WinZip's AE-2 (method 99, PBKDF2-HMAC-SHA1 with 1,000 rounds, AES-256-CTR,
HMAC-SHA1-80), which 7-Zip and others open; written by `custody.export.wrapper`, opened with pyzipper.
Its key derivation is weak, so the passphrase must be a machine-made one; and its MAC does not cover
names or the end record, so nothing about the evidence rests on it: the package inside is checked like
any other.

What stays visible without the passphrase: that it is a custody package, the exact size of the package
inside, the random salt. The size is not padded: the package inside stays byte-identical, and bytes
behind it in the wrapper would have to be accounted for by every reader. No time, owner, path or
program of the exporting machine is in it (docs/format/container.md).
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from custody.errors import CheckFailed, CustodyError, MachineError, UsageError, WrongPassphrase
from custody.export.wrapper import AES_EXTRA, CHUNK, MEMBER, PASSPHRASE, SALT, Wrapper
from custody.verify import zip_records as shape
from custody.verify.zip_names import show_name
from custody.verify.zip_records import ContainerError, Truncated

MAX_IN_MEMORY = 120 << 20

# All headers of a wrapper fit into this many bytes at either end.
_LOOK = 2048
_OVERHEAD = 16 + 2 + 10  # salt, passphrase check, MAC
_AES_ID = 0x9901


def wrap(
    package: Path | BinaryIO,
    out: Path | BinaryIO,
    passphrase: str,
    *,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Encrypt a package (a path, or an open file from its start) into ``out``, in bounded memory.

    For a package that lies on a disk already; `Wrapper` is for one that is being made. ``out`` is a path
    that must not exist yet (removed again on failure; no fsync), or a seekable, readable, empty file, which
    stays the caller's. Two wraps of one package differ in salt and all that follows from it.
    Raises `UsageError` for a passphrase that is empty, longer than 64 bytes or not printable ASCII,
    `MachineError` when a file can't be read or written, `CheckFailed` when the package changes meanwhile.
    """
    if not PASSPHRASE.fullmatch(passphrase):
        raise UsageError("the passphrase of a package must be 1 to 64 printable ASCII characters")
    try:
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(package.open("rb")) if isinstance(package, Path) else package
            source.seek(0)
            if not isinstance(out, Path):
                _encrypt(source, out, passphrase, random(SALT))
                return
            with out.open("x+b") as file:
                try:
                    _encrypt(source, file, passphrase, random(SALT))
                except BaseException:  # Ctrl-C too leaves no half-written package
                    file.close()
                    out.unlink(missing_ok=True)
                    raise
    except OSError as error:
        raise MachineError(
            "the encrypted package can't be made",
            found=error.strerror or type(error).__name__,
            hint="is the place writable, and is there room for the whole package once more?",
        ) from None


def unwrap(path: Path, passphrase: str) -> BinaryIO:
    """Decrypt the package in the wrapper at ``path`` into a nameless temporary file, and give that.

    The file lies in the wrapper's own folder, never in the system's temporary folder (which may be on
    another disk, backed up, or shared), has no name there (on Windows: vanishes when closed), and is at
    its start. Where the folder can't be written, packages up to 120 MiB are opened in memory. Nothing is
    returned before the MAC was checked; the temporary file goes away on every failure, and when the
    caller closes it.

    Raises `ContainerError` when it is not such a wrapper, `Truncated` when bytes are missing,
    `WrongPassphrase`, `CheckFailed` when the content does not match its MAC (one wrong passphrase in
    65,536 looks like that too), `MachineError`.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _machine("the package can't be opened", error) from None
    with file:
        size = _check_shape(file)
        if not PASSPHRASE.fullmatch(passphrase):
            raise WrongPassphrase(
                "this can't be the passphrase of a package",
                expected="1 to 64 printable ASCII characters",
                hint="look for a line break or a special character that came along when copying",
            )
        target = _temporary_beside(path, size)
        try:
            for chunk in _decrypt(file, size, passphrase):
                target.write(chunk)
            target.seek(0)
        except BaseException as error:
            with contextlib.suppress(OSError):  # closing flushes: a full disk would speak up again
                target.close()
            if isinstance(error, OSError):
                raise _machine("the package can't be decrypted beside itself", error) from None
            raise
    return target


def _encrypt(package: BinaryIO, out: BinaryIO, passphrase: str, salt: bytes) -> None:
    size = os.fstat(package.fileno()).st_size
    wrapper = Wrapper(out, passphrase, salt=salt, bound=size)
    written = 0
    while chunk := package.read(CHUNK):
        written += len(chunk)
        if written > size:
            break
        wrapper.write(chunk)
    if written != size:
        raise CheckFailed(
            "the package changed while it was encrypted",
            expected=f"{size} bytes",
            found=f"{written}" if written < size else f"more than {size}",
        )
    wrapper.finish()


def _decrypt(file: BinaryIO, size: int, passphrase: str) -> Iterator[bytes]:
    """The content, in chunks; at the end the MAC was checked, or `CheckFailed` raised."""
    import pyzipper

    given = 0
    try:
        file.seek(0)
        with pyzipper.AESZipFile(file) as archive:
            (info,) = archive.infolist()
            archive.setpassword(passphrase.encode("ascii"))
            try:
                member = archive.open(info)
            except RuntimeError:  # the shape is known by now: only the passphrase check is left to fail
                raise WrongPassphrase(
                    "the package does not open with this passphrase",
                    hint="compare it with the sender, word by word",
                ) from None
            with member:
                while chunk := member.read(CHUNK):
                    given += len(chunk)
                    yield chunk
    except (CustodyError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - a third-party parser on hostile bytes: nothing else may escape
        raise _tampered(type(error).__name__) from None
    if given != size:
        raise _tampered(f"{given} of {size} bytes")


def _tampered(found: str) -> CheckFailed:
    return CheckFailed(
        "the encrypted package was changed or damaged",
        expected="content that matches its MAC",
        found=found,
        hint="a bad copy looks the same, and so does one wrong passphrase in 65,536: copy it again and retry",
    )


def _temporary_beside(path: Path, size: int) -> BinaryIO:
    try:
        # Nameless where the system can (O_TMPFILE), else unlinked at once, else deleted on close.
        return cast(BinaryIO, tempfile.TemporaryFile(dir=path.parent, prefix=".custody-"))
    except OSError as error:
        if size <= MAX_IN_MEMORY:
            return io.BytesIO()
        raise _machine("the package is too large to open here: its folder can't be written", error) from None


def _machine(what: str, error: OSError) -> MachineError:
    return MachineError(
        what,
        found=error.strerror or type(error).__name__,
        hint="copy the package to a folder of your own with room for it once more, and try there",
    )


@dataclass(frozen=True, slots=True)
class _Header:
    """The fields of a local or directory header that both have."""

    flags: int
    method: int
    crc: int
    stored: int
    size: int
    name: bytes


def _check_shape(file: BinaryIO) -> int:
    """Check the wrapper's headers by hand and give the size of the package inside.

    pyzipper reads as leniently as zipfile, and would cut the content at a false size without a word.
    After this there is one stored AES-256 member from the first byte to the directory, whose size is the
    file's own size less the headers: nothing can be larger than what is on the disk.
    """
    try:
        length = file.seek(0, 2)
        file.seek(0)
        head = file.read(_LOOK)
        tail_at = max(0, length - _LOOK)
        file.seek(tail_at)
        tail = file.read()
    except OSError as error:
        raise _machine("the package can't be read", error) from None
    if not head:
        raise ContainerError("not a package: the file is empty")
    if not head.startswith(shape.LOCAL_SIGNATURE):
        raise ContainerError("not an encrypted package: the file does not begin as a zip does")
    try:
        return _measure(length, head, tail, tail_at)
    except struct.error:
        raise Truncated("the encrypted package is incomplete") from None


def _measure(length: int, head: bytes, tail: bytes, tail_at: int) -> int:
    local, content_at = _local(head)
    end_at = len(tail) - shape.END.size
    if end_at < 0 or tail[end_at : end_at + 4] != shape.END_SIGNATURE:
        raise Truncated(
            "the encrypted package is incomplete, or something was put behind it",
            expected="an end record in the last 22 bytes",
            hint="copy or download it again",
        )
    _, disk, first_disk, here, count, directory_size, directory_at, comment = shape.END.unpack_from(
        tail, end_at
    )
    directory_end = end_at
    locator_at = end_at - shape.LOCATOR.size
    # Asked for by its signature, not by sentinels: pyzipper writes zip64 records from 2 GiB on, and
    # leaves the true numbers in the end record up to 4 GiB.
    if locator_at >= shape.END64.size and tail.startswith(shape.LOCATOR_SIGNATURE, locator_at):
        directory_end = locator_at - shape.END64.size
        fields = shape.END64.unpack_from(tail, directory_end)
        _, locator_disk, record_at, disks = shape.LOCATOR.unpack_from(tail, locator_at)
        signature, _, _, _, disk64, first64, here64, count64, size64, at64 = fields
        if (signature, record_at) != (shape.END64_SIGNATURE, tail_at + directory_end):
            raise ContainerError("the zip64 records of the encrypted package are malformed")
        if (locator_disk, disks, disk64, first64, here64, count64) != (0, 1, 0, 0, here, count):
            raise ContainerError("the zip64 records of the encrypted package are malformed")
        if directory_size not in (shape.SENTINEL32, size64) or directory_at not in (shape.SENTINEL32, at64):
            raise ContainerError("the zip64 records of the encrypted package contradict its end record")
        directory_size, directory_at = size64, at64
    if (here, count) != (1, 1):
        raise ContainerError("an encrypted package holds exactly one file", found=str(count))
    if disk or first_disk or comment:
        raise ContainerError("the encrypted package has a comment or spans several disks")
    if directory_at + directory_size > tail_at + directory_end:
        raise Truncated("the encrypted package is incomplete: bytes are missing before its end")
    start = directory_at - tail_at
    if directory_at + directory_size != tail_at + directory_end or start < 0:
        raise ContainerError("there are bytes in the encrypted package that nothing accounts for")
    central = _central(tail[start:directory_end])
    if central != local:
        raise ContainerError("the two headers of the encrypted package differ")
    if local.name != MEMBER.encode("ascii"):
        raise ContainerError(
            "the file in the encrypted package has another name", expected=MEMBER, found=show_name(local.name)
        )
    if local.stored != local.size + _OVERHEAD:
        raise ContainerError(
            "the sizes of the encrypted package contradict each other",
            expected=f"{local.size + _OVERHEAD} bytes",
            found=str(local.stored),
        )
    if content_at + local.stored != directory_at:
        raise ContainerError(
            "the encrypted package does not fill its place",
            expected=str(directory_at),
            found=f"{content_at + local.stored}",
        )
    return local.size


def _local(head: bytes) -> tuple[_Header, int]:
    _, _, flags, method, _, _, crc, stored, size, name_length, extra_length = shape.LOCAL.unpack_from(head)
    extra_at = shape.LOCAL.size + name_length
    if extra_at + extra_length > len(head):
        if len(head) < _LOOK:
            raise Truncated("the encrypted package is incomplete")
        raise ContainerError("the header of the encrypted package is too long")
    name = head[shape.LOCAL.size : extra_at]
    wide = _extras(head[extra_at : extra_at + extra_length], flags, method)
    if wide is not None:
        # The local field always holds both sizes; pyzipper writes it from 0.95 × 2 GiB on, needed or not.
        true_size, true_stored = struct.unpack("<2Q", wide)
        if size not in (shape.SENTINEL32, true_size) or stored not in (shape.SENTINEL32, true_stored):
            raise ContainerError("the sizes of the encrypted package contradict each other")
        size, stored = true_size, true_stored
    return _Header(flags, method, crc, stored, size, name), extra_at + extra_length


def _central(record: bytes) -> _Header:
    fields = shape.CENTRAL.unpack_from(record)
    signature, _, _, flags, method, _, _, crc, stored, size = fields[:10]
    name_length, extra_length, comment_length, disk, _, _, offset = fields[10:]
    extra_at = shape.CENTRAL.size + name_length
    if signature != shape.CENTRAL_SIGNATURE or len(record) != extra_at + extra_length + comment_length:
        raise ContainerError("the directory of the encrypted package is malformed")
    if comment_length or disk or offset:
        raise ContainerError("the file in the encrypted package has a comment, or is not at its start")
    wide = _extras(record[extra_at:], flags, method)
    if wide is not None:
        values = iter(struct.unpack(f"<{len(wide) // 8}Q", wide))
        size = next(values, -1) if size == shape.SENTINEL32 else size
        stored = next(values, -1) if stored == shape.SENTINEL32 else stored
        if next(values, None) is not None:
            raise ContainerError("the sizes of the encrypted package contradict each other")
    return _Header(flags, method, crc, stored, size, record[shape.CENTRAL.size : extra_at])


def _extras(extra: bytes, flags: int, method: int) -> bytes | None:
    """The zip64 field's content, if there is one, after the AES field was found and is AE-2 with 256 bits."""
    if flags != 1 or method != 99:
        raise ContainerError(
            "the file in the zip is not encrypted with AES", hint="a plain package needs no passphrase"
        )
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind in fields or kind not in (_AES_ID, shape.ZIP64_ID) or at + 4 + length > len(extra):
            raise ContainerError("the extra fields of the encrypted package are malformed")
        fields[kind] = extra[at + 4 : at + 4 + length]
        at += 4 + length
    if fields.get(_AES_ID) != AES_EXTRA:
        raise ContainerError("the package is encrypted in another way", expected="AES-256, AE-2, stored")
    return fields.get(shape.ZIP64_ID)
