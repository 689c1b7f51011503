"""What a reader of outside bytes is to a fuzzer: a function, where it starts from, and what must hold.

What must hold, whatever the bytes: it gives a value that goes back into the same bytes (or the same value,
where several spellings are allowed), or it refuses with an error of our own, whose message is one line that
a terminal can show. Nothing else may come out of it, and not after a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custody.errors import CustodyError

LONGEST_MESSAGE = 4000


class NotTheSame(AssertionError):
    """What was read does not go back into what it was read from, or another promise of a reader is broken."""


class UnsafeMessage(AssertionError):
    """An error of our own that would write control characters, or pages, to a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader. ``covers`` names the functions of custody that it goes through, as ``module:function``.

    ``read`` raises `CustodyError` to refuse, `NotTheSame` where a round trip fails. ``limit``: the longest
    input in bytes that a fuzzer makes. ``shape``: the mutators that fit (see mutate). ``slow``: milliseconds
    rather than microseconds an input. ``frozen``: the corpus is whole inputs; else it belongs to seeds that
    are made anew in each process (random keys), and a kept input is read against those.
    """

    name: str
    about: str
    covers: tuple[str, ...]
    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    shape: str = "bytes"
    limit: int = 64 * 1024
    slow: bool = False


def same(one: object, other: object, what: str = "what was read goes back into other bytes") -> None:
    """Raise NotTheSame unless both are equal."""
    if one != other:
        raise NotTheSame(f"{what}: {str(one)[:200]!r} and {str(other)[:200]!r}")


def attempt(reader: Reader, data: bytes) -> bool:
    """Read one input: True when it was taken, False when it was refused as it should be; else raises."""
    try:
        reader.read(data)
    except CustodyError as error:
        message = error.message
        if not message.isprintable() or len(message) > LONGEST_MESSAGE:
            raise UnsafeMessage(f"{type(error).__name__}: {message[:300]!r} ({len(message)} characters)") from error
        return False
    return True
