"""Files that are packed as a whole: gzip, as logs are kept when they are rotated. Bounded, whatever they claim."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from custody.errors import InputRefused
from custody.evidence.export import Bytes, pieces

GZIP = b"\x1f\x8b"
"""How such a file begins (RFC 1952, 2.3.1)."""
MOST = 16 << 30
"""Bytes that are unpacked at most."""
RATIO = 400
"""So many times its own size a file may become, beyond the first MiB: text repeats itself some tens of times."""
_STEP = 1 << 20


def gunzip(data: Bytes, *, where: str) -> Iterator[bytes]:
    """The content of a gzip file, member after member (RFC 1952, 2.2), in pieces.

    InputRefused where it is broken, ends early, has something else behind it, or grows beyond MOST or RATIO.
    """
    limit = min(MOST, _STEP + RATIO * data.size)
    unpacked = 0
    unpacker = zlib.decompressobj(wbits=31)
    for piece in pieces(data, 0, data.size):
        rest = piece
        while rest:
            if unpacker.eof:
                if not rest.strip(b"\0"):
                    break  # padding, as tapes and some programs leave it
                unpacker = zlib.decompressobj(wbits=31)
            try:
                out = unpacker.decompress(rest, _STEP)
            except zlib.error as error:
                raise _broken(where, "is no whole gzip file") from error
            unpacked += len(out)
            if unpacked > limit:
                raise InputRefused(
                    "this packed file grows beyond all measure",
                    where=where,
                    expected=f"at most {limit} bytes",
                    hint="the file itself is in; nothing was read out of it",
                )
            if out:
                yield out
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise _broken(where, "ends in the middle of a gzip file")


def head(data: Bytes, *, where: str, count: int = 1 << 18) -> bytes:
    """The first ``count`` bytes of the content, or all of it where it is shorter. InputRefused as `gunzip`."""
    held = b""
    for piece in gunzip(data, where=where):
        held += piece
        if len(held) >= count:
            break
    return held[:count]


def is_tar(content: bytes) -> bool:
    """Whether content begins as a tar archive does (POSIX.1, ustar): files in it are no rows of a log."""
    return content[257:262] == b"ustar"


def _broken(where: str, what: str) -> InputRefused:
    return InputRefused(f"this {what}", where=where, hint="the file itself is in; nothing was read out of it")
