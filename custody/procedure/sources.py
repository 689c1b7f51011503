"""What is to be collected: files and folders in a fixed order, and everything that can't be taken, with why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

STANDARD_INPUT = b"-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file. ``path`` is absolute, as bytes: names need not be Unicode. ``size`` in bytes at the time of looking.

    ``told`` is what is kept of the path: from the folder or file on that was named. What lies above it is
    this machine's (a home folder has its user's name), and packages show paths.
    """

    path: bytes
    told: bytes
    size: int

    @property
    def name(self) -> bytes:
        """The last part of the path, exactly as found."""
        return os.path.basename(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something that was not taken, and why: a code for counting and words for people."""

    path: bytes
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies under the given paths, in order; ``given`` are those paths, absolute."""

    given: tuple[bytes, ...]
    sources: tuple[Source, ...]
    refused: tuple[Refused, ...]

    @property
    def size(self) -> int:
        """All bytes together."""
        return sum(source.size for source in self.sources)


_KINDS = {
    stat.S_IFLNK: (
        "symlink",
        "a symbolic link: it is not followed; collect what it points to by its own name",
    ),
    stat.S_IFSOCK: ("socket", "a socket: it has no content of its own"),
    stat.S_IFIFO: ("pipe", "a named pipe: reading it would wait for a writer; use standard input"),
    stat.S_IFBLK: ("device", "a block device: make an image of it with an imaging tool, and collect that"),
    stat.S_IFCHR: ("device", "a character device: it has no content of its own"),
}


def look(paths: Sequence[str | bytes | Path]) -> Found:
    """Walk the paths in the given order, folders by the bytes of their names; nothing is opened.

    Symbolic links, sockets, pipes and devices are reported, never followed or skipped in silence. A
    file that two paths lead to is taken once.
    """
    sources: list[Source] = []
    refused: list[Refused] = []
    seen: set[bytes] = set()
    roots = tuple(os.path.abspath(os.fsencode(path)) for path in paths)
    for root in roots:
        for found in _walk(root):
            if found.path in seen:
                continue
            seen.add(found.path)
            if isinstance(found, Source):
                sources.append(found)
            else:
                refused.append(found)
    return Found(given=roots, sources=tuple(sources), refused=tuple(refused))


def _walk(path: bytes) -> Iterator[Source | Refused]:
    above = os.path.dirname(path)
    pending = [path]
    while pending:
        here = pending.pop()
        try:
            status = os.lstat(here)
        except OSError as error:
            yield _unreadable(here, error)
            continue
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFREG:
            yield Source(path=here, told=os.path.relpath(here, above), size=status.st_size)
        elif kind == stat.S_IFDIR:
            try:
                names = sorted(os.listdir(here), reverse=True)
            except OSError as error:
                yield _unreadable(here, error)
                continue
            pending += (os.path.join(here, name) for name in names)
        else:
            code, reason = _KINDS.get(kind, ("special", "not a regular file"))
            yield Refused(path=here, code=code, reason=reason)


def _unreadable(path: bytes, error: OSError) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused(path=path, code="missing", reason="not there")
    return Refused(
        path=path, code="unreadable", reason=f"can't be read: {error.strerror or type(error).__name__}"
    )


def folders(paths: Iterable[bytes], limit: int = 20) -> tuple[bytes, ...]:
    """The folders in which files lie, each once, in order; at most ``limit``."""
    return tuple(dict.fromkeys(os.path.dirname(path) for path in paths))[:limit]
