"""Taking one file in: read it once, hash it, look at its type, seal it. Runs in worker processes too.

Nothing here knows the ledger. A worker gets the item's keys, gives back sealed parts and facts, and
forgets both; what it wrote lies in the staging folder until the main process publishes it. What is only
registered is read and hashed, and written nowhere.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from custody.crypto import sealing
from custody.errors import CustodyError, InputRefused, MachineError
from custody.evidence import sniff
from custody.format import compartments, contexts, padding
from custody.format import entry as entries
from custody.procedure.lookups import Seek, Tags
from custody.vault import writing

SMALL = 1 << 20
"""Files up to this size are read whole; larger ones stream with threads of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all files of one run have in common. ``keep`` False: digests only, the content is kept nowhere.

    ``seek`` makes the tags by which a file is found again; None without the case's index key.
    """

    origin: str
    staging: str
    digests: tuple[str, ...]
    handling: tuple[str, ...]
    expect: str | None = None
    keep: bool = True
    seek: Seek | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to take in. ``data`` instead of a path: content that was typed or is in memory.

    ``told`` is what the record keeps of the path; ``secret`` the item's class keys, 32 bytes each, in the
    order of `sealing.CLASSES`; ``about`` gives more fields of its first entry by part, once the content was
    read to its end.
    """

    item: str
    path: bytes | None
    told: bytes | None
    secret: bytes = field(repr=False)
    data: bytes | None = None
    name: bytes = b""
    media_type: str | None = None
    about: Callable[[], Mapping[str, Mapping[str, Any]]] | None = None

    @property
    def keys(self) -> dict[str, bytes]:
        """The item's class keys by class."""
        return {name: self.secret[32 * at : 32 * at + 32] for at, name in enumerate(sealing.CLASSES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that was read: its staged object (None when only registered), the sealed parts of its first entry.

    ``content`` and ``name`` are what those parts say: where the bytes turn out to be in already, they go
    into another item's entry, under that item's keys.
    """

    item: str
    path: bytes | None
    staged: writing.Staged | None
    parts: Mapping[str, bytes]
    content: Mapping[str, Any]
    name: Mapping[str, Any]
    tags: Tags | None = None

    @property
    def sha256(self) -> str:
        """The content's SHA-256 in hex."""
        return str(self.content["digests"]["sha256"])

    @property
    def size(self) -> int:
        """The content's bytes."""
        return int(self.content["size"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A file that could not be taken, why, and whether this machine is at fault (then all must stop)."""

    item: str
    path: bytes | None
    code: str
    reason: str
    machine: str | None = None
    hint: str | None = None


def ready() -> None:
    """Nothing. The worker that is asked for it has this module loaded, and the libraries that it needs."""


def take_many(setting: Setting, jobs: Sequence[Job]) -> list[Taken | NotTaken]:
    """Take small files in, one after the other, and make their objects durable together. For workers."""
    with writing.Flusher() as flusher:
        results = [take(setting, job, flusher=flusher) for job in jobs]
    if not flusher.failed:
        return results
    return [_not_durable(result, flusher.failed) for result in results]


def _not_durable(result: Taken | NotTaken, failed: Mapping[str, MachineError]) -> Taken | NotTaken:
    if isinstance(result, NotTaken) or result.staged is None or result.staged.path not in failed:
        return result
    Path(result.staged.path).unlink(missing_ok=True)
    return _machine(result.item, result.path, failed[result.staged.path])


def take(
    setting: Setting,
    job: Job,
    progress: Callable[[int], None] | None = None,
    flusher: writing.Flusher | None = None,
) -> Taken | NotTaken:
    """Take one file in, or say why not. Raises nothing of the file's; the setting's staging must exist.

    With a ``flusher`` the object of a small file is durable only once that is left.
    """
    try:
        if job.data is not None:
            return _take_bytes(setting, job, job.data, None, None)
        return _take_file(setting, job, progress, flusher)
    except MachineError as error:
        return _machine(job.item, job.path, error)
    except CustodyError as error:
        return NotTaken(item=job.item, path=job.path, code="refused", reason=error.message, hint=error.hint)
    except OSError as error:
        return NotTaken(
            item=job.item,
            path=job.path,
            code=_code(error),
            reason=f"can't be read: {error.strerror or type(error).__name__}",
        )


def _machine(item: str, path: bytes | None, error: MachineError) -> NotTaken:
    return NotTaken(
        item=item, path=path, code="machine", reason=error.message, machine=error.what, hint=error.hint
    )


def take_stream(
    setting: Setting, job: Job, stream: BinaryIO, progress: Callable[[int], None] | None = None
) -> Taken:
    """Take what a stream gives to its end (standard input)."""
    return _finish(setting, job, _seal(setting, job, stream, None, progress), None)


def _code(error: OSError) -> str:
    return "missing" if error.errno == errno.ENOENT else "unreadable"


# The file may have been exchanged since it was looked at: never follow a link, never block on a pipe.
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


def _open(path: bytes) -> int:
    """A descriptor of the file: without a file object around it, since there are many."""
    descriptor = os.open(path, _FLAGS)
    if not hasattr(os, "O_NOFOLLOW"):
        named = os.lstat(path)
        opened = os.fstat(descriptor)
        if (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino):
            os.close(descriptor)
            raise InputRefused("a link, or exchanged while it was opened: it is not followed")
    return descriptor


def _take_file(
    setting: Setting,
    job: Job,
    progress: Callable[[int], None] | None,
    flusher: writing.Flusher | None,
) -> Taken:
    assert job.path is not None
    descriptor = _open(job.path)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise InputRefused("no longer a regular file")
        if before.st_size > SMALL:
            return _take_large(setting, job, descriptor, before, progress)
        # One byte more than it should have: a file that grew is noticed.
        data = os.read(descriptor, before.st_size + 1)
        while len(data) <= before.st_size and (more := os.read(descriptor, SMALL + 1)):
            data += more
        _check_unchanged(before, os.fstat(descriptor), len(data))
    finally:
        os.close(descriptor)
    taken = _take_bytes(setting, job, data, before, flusher)
    if progress is not None:
        progress(len(data))
    return taken


def _take_large(
    setting: Setting,
    job: Job,
    descriptor: int,
    before: os.stat_result,
    progress: Callable[[int], None] | None,
) -> Taken:
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        read = _seal(setting, job, file, before.st_size, progress)
    try:
        _check_unchanged(before, os.fstat(descriptor), read.size)
        return _finish(setting, job, read, before)
    except BaseException:
        _drop(read.staged)
        raise


def _drop(staged: writing.Staged | None) -> None:
    if staged is not None:
        Path(staged.path).unlink(missing_ok=True)


def _check_unchanged(before: os.stat_result, after: os.stat_result, read: int) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or read != before.st_size:
        raise InputRefused(
            "changed while it was read",
            expected=f"{before.st_size} bytes",
            found=f"{read}",
            hint="collect it when nothing writes it",
        )


class _Keeping(io.RawIOBase):
    """A stream that keeps the first and the last bytes that went through it, for sniffing."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = b""
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size) or b""
        if len(self.head) < sniff.HEAD_SIZE:
            self.head += piece[: sniff.HEAD_SIZE - len(self.head)]
        self.tail = (self.tail + piece[-sniff.TAIL_SIZE :])[-sniff.TAIL_SIZE :]
        return piece


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What reading a content gave: where it lies sealed, its digests, and its ends for telling its type."""

    staged: writing.Staged | None
    digests: Mapping[str, str]
    size: int
    head: bytes
    tail: bytes


def _seal(
    setting: Setting, job: Job, stream: BinaryIO, size: int | None, progress: Callable[[int], None] | None
) -> _Read:
    keeping = _Keeping(stream)
    staged = None
    if setting.keep:
        staged = writing.seal_stream(
            keeping,  # type: ignore[arg-type]
            Path(_target(setting)),
            size=size,
            digests=setting.digests,
            progress=progress,
            **object_keys(setting.origin, job),
        )
        digests, read = staged.digests, staged.size
    else:
        digests, read = writing.hash_stream(keeping, setting.digests, progress)  # type: ignore[arg-type]
    return _Read(staged=staged, digests=digests, size=read, head=keeping.head, tail=keeping.tail)


def _take_bytes(
    setting: Setting,
    job: Job,
    data: bytes,
    status: os.stat_result | None,
    flusher: writing.Flusher | None,
) -> Taken:
    staged = None
    digests = {name: hashlib.new(name, data).hexdigest() for name in setting.digests}
    _check_expected(setting, digests["sha256"])
    if setting.keep:
        staged = writing.seal_bytes(
            data, _target(setting), digests=digests, flusher=flusher, **object_keys(setting.origin, job)
        )
    head, tail = data[: sniff.HEAD_SIZE], data[-sniff.TAIL_SIZE :]
    read = _Read(staged=staged, digests=digests, size=len(data), head=head, tail=tail)
    return _finish(setting, job, read, status)


def object_keys(origin: str, job: Job) -> dict[str, bytes]:
    """Key and context of a file's vault object, by name."""
    return {
        "key": sealing.object_key(job.keys["object"], origin, job.item),
        "context": contexts.object_(origin, job.item),
    }


def _target(setting: Setting) -> str:
    return f"{setting.staging}{os.sep}{secrets.token_hex(8)}"


def _check_expected(setting: Setting, sha256: str) -> None:
    if setting.expect is not None and sha256 != setting.expect:
        raise InputRefused(
            "not the bytes that the sender describes",
            expected=f"sha256:{setting.expect}",
            found=f"sha256:{sha256}",
            hint="ask for the file again; or collect it as it is, without --expect, and say so in its note",
        )


def _finish(setting: Setting, job: Job, read: _Read, status: os.stat_result | None) -> Taken:
    try:
        _check_expected(setting, read.digests["sha256"])
        handling = {"flags": list(setting.handling)}
        values: dict[str, dict[str, Any]] = {
            "content": _content(setting, job, read),
            "name": _name(job, status),
            "handling": handling,
        }
        for part, fields in (job.about() if job.about is not None else {}).items():
            values[part] = {**values.get(part, {}), **fields}
        keys = job.keys
        parts = {}
        for part, value in values.items():
            plain = _handling(setting.handling) if value is handling else _padded(part, value)
            class_key = keys[sealing.class_of(part)]
            parts[part] = sealing.seal_padded(class_key, setting.origin, job.item, 0, part, plain)
    except BaseException:
        _drop(read.staged)
        raise
    seek, sha256 = setting.seek, bytes.fromhex(read.digests["sha256"])
    return Taken(
        item=job.item,
        path=job.path,
        staged=read.staged,
        parts=parts,
        content=values["content"],
        name=values["name"],
        tags=None if seek is None else seek.tags(sha256, job.path),
    )


def _padded(part: str, value: dict[str, Any]) -> bytes:
    entries.check_compartment(part, value, where="item.collected")
    return padding.pad_compartment(value, where=f"compartment {part}")


@functools.lru_cache(maxsize=4)
def _handling(flags: tuple[str, ...]) -> bytes:
    """The padded part `handling`, which all files of a run have the same."""
    return _padded("handling", {"flags": list(flags)})


def _file_name(job: Job) -> bytes:
    return job.name if job.path is None else os.path.basename(job.path)


def _content(setting: Setting, job: Job, read: _Read) -> dict[str, Any]:
    flags: tuple[str, ...] = ()
    if job.media_type is None:
        kind = sniff.sniff(read.head, read.size, tail=read.tail)
        extension = os.path.splitext(_file_name(job))[1].lstrip(b".").decode("ascii", "replace").lower()
        flags = sniff.flags(read.head, read.tail, read.size, kind.media_type, extension)
    else:
        # What we made ourselves has no doubts about its type; no list has our own types' extensions.
        kind = sniff.Sniffed(media_type=job.media_type, how="structure")
    content: dict[str, Any] = {
        "digests": dict(read.digests),
        "size": read.size,
        "media_type": kind.media_type,
        "media_type_from": kind.how,
        "flags": list(flags),
    }
    if setting.expect is not None:
        content["expected"] = {"sha256": setting.expect, "match": True}
    return content


def _name(job: Job, status: os.stat_result | None) -> dict[str, Any]:
    named: dict[str, Any] = {"name": compartments.name_value(_file_name(job))}
    if job.told is not None:
        named["path"] = compartments.name_value(job.told)
    if status is not None:
        named["times"] = {"modified": str(status.st_mtime_ns), "changed": str(status.st_ctime_ns)}
    return named
