"""What a reader of outside bytes is to a fuzzer: a function, where it starts from, and what must hold.

What must hold, whatever the bytes: it gives a value that goes back into the same bytes (or the same value,
where several spellings are allowed), or it refuses with an error of our own, whose message is one line that
a terminal can show. Nothing else may come out of it, and not after a second.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custody.errors import CustodyError

LONGEST_MESSAGE = 4000


class NotTheSame(AssertionError):
    """What was read does not go back into what it was read from, or another promise of a reader is broken."""


class Way(str):
    """What a reader may give to tell ways through it apart, where it took the input in several."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader. ``covers`` names the functions of custody that it goes through, as ``module:function``.

    ``read`` raises `CustodyError` to refuse, `NotTheSame` where a round trip fails; a `Way` that it gives
    tells ways through it apart. ``limit``: the longest
    input in bytes that a fuzzer makes. ``shape``: the mutators that fit (see mutate). ``slow``: milliseconds
    rather than microseconds an input.
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


# Controls, bidirectional and other format characters, halves of characters, what has no meaning, line ends.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, what: str) -> None:
    """Raise NotTheSame unless a terminal shows ``text`` as one line and is not led astray by it."""
    if not text.isprintable() and any(unicodedata.category(char) in _UNSAFE for char in text):
        raise NotTheSame(f"{what} with control characters: {text[:300]!r}")


def attempt(reader: Reader, data: bytes) -> str:
    """Read one input; gives what came of it in words: ``taken…``, or the refusal. Raises what is a finding.

    The words tell ways through a reader apart, so they hold neither places nor what was found.
    """
    try:
        result = reader.read(data)
    except CustodyError as error:
        one_line(error.message, "a message")
        same(len(error.message) <= LONGEST_MESSAGE, True, "a message too long for a terminal")
        return f"{type(error).__name__}: {error.what}"
    return f"taken: {result}" if isinstance(result, Way) else "taken"
