"""Outside JSON as text with places: a moving window of bounded size, tolerant values, an end for every bracket.

The text is decoded in a way that can be undone (bytes that are no UTF-8 stand as halves of characters until a
value is made), so a slice of the text encoded again is exactly the bytes of the file.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from custody.evidence.export import WINDOW, Bytes

TEXT = 64 << 10
"""Bytes that are decoded at once. A failed parse counts lines from the start of its text: it must be short."""
LARGEST = 8 << 20
"""Bytes of the largest value that is taken into memory. No messenger writes messages of this size."""
DOUBLED = "(doubled)"
"""The key under which the earlier values of doubled keys stand: [{key: value}, …]."""
MAX_INTEGER = 2**53 - 1
DEPTH = 12
"""Levels that `plain` keeps; the written form may have 16 in all."""
DEEPEST = 300
"""Levels of a value that is read; what is deeper is kept as bytes."""
DEEPER = "(nested too deeply: see the bytes)"

_SPACE = " \t\r\n"
_ESCAPE_X = re.compile(r"(?<!\\)((?:\\\\)*+)\\x([0-9A-Fa-f]{2})")
_TOKEN = re.compile(r'["\[\]{}]')
_STRING_REST = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")

Scan = Callable[[str, int], tuple[Any, int]]


class Doubled(Exception):
    """An object has a key twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Doubled
    return found


def _all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    last = {key: at for at, (key, _) in enumerate(pairs)}
    earlier = [{key: value} for at, (key, value) in enumerate(pairs) if last[key] != at or key == DOUBLED]
    found[DOUBLED] = earlier
    return found


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= 4000 else text  # int() refuses more than 4,300 digits


def _scanner(**hooks: Any) -> Scan:
    decoder = json.JSONDecoder(strict=False, parse_float=str, parse_constant=str, **hooks)
    once: Scan = decoder.scan_once  # type: ignore[attr-defined]
    return once


scan: Scan = _scanner(object_pairs_hook=_once)
"""(value, end) of the JSON value at a place of a text. Raises StopIteration, ValueError, Doubled or RecursionError."""
_scan_all: Scan = _scanner(object_pairs_hook=_all, parse_int=_integer)


def load(text: str) -> tuple[Any, tuple[str, ...]]:
    """The value of a slice, read tolerantly, and flags; ``not_json`` with the value None if that fails.

    json_repaired: `\\xHH` (which Telegram writes and JSON does not have) was read as `\\u00HH`; doubled_key: see
    `DOUBLED`; broken_characters: bytes that are no UTF-8, or halves of characters, stand as U+FFFD; too_deep.
    """
    flags: tuple[str, ...] = ()
    text = text.strip(_SPACE)
    for attempt in (0, 1):
        try:
            value, end = _scan_all(text, 0)
        except RecursionError:
            return None, ("too_deep",)
        except (StopIteration, ValueError):
            end, value = -1, None
        if end == len(text):
            try:
                if has_doubled(value):
                    flags += ("doubled_key",)
                if halved(text):
                    mended = mend(value)
                    if mended != value:
                        value, flags = mended, (*flags, "broken_characters")
            except RecursionError:  # the scanner goes deeper than those who look through its values
                return None, ("too_deep",)
            return value, flags
        if attempt or "\\x" not in text:
            break
        text, count = _ESCAPE_X.subn(r"\1\\u00\2", text)
        if not count:
            break
        flags += ("json_repaired",)
    return None, ("not_json",)


def load_bytes(data: bytes) -> tuple[Any, tuple[str, ...]]:
    """`load` of bytes that were cut out of a file."""
    return load(data.decode("utf-8", "surrogateescape"))


def has_doubled(value: Any) -> bool:
    """Whether a value of `load` has the earlier values of a doubled key.

    RecursionError where it is nested deeper than DEEPEST; it does not go by the stack, which others may have set high.
    """
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if type(one) is dict:
                if DOUBLED in one:
                    return True
                below += one.values()
            elif type(one) is list:
                below += one
        level = [one for one in below if type(one) is dict or type(one) is list]
        if not level:
            return False
    raise RecursionError


def halved(text: str) -> bool:
    """Whether the value of this slice may hold halves of characters, so that `mend` is due."""
    # Both spellings of an escaped half, and bytes that were no UTF-8.
    return "\\ud" in text or "\\uD" in text or (not text.isascii() and _HALF.search(text) is not None)


def mend(value: Any) -> Any:
    """The value with whole characters only: halves, which no UTF-8 can hold, become U+FFFD."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() or _HALF.search(value) is None else _HALF.sub("\ufffd", value)
    if kind is dict:
        return {mend(key): mend(one) for key, one in value.items()}
    if kind is list:
        return [mend(one) for one in value]
    return value


def plain(value: Any, *, secrets: frozenset[str] = frozenset(), depth: int = DEPTH) -> Any:
    """The value for `extra`: integers outside 0 … 2^53-1 as texts, no deeper than ``depth``, keys in ``secrets`` gone.

    Secrets are removed at every level, with all that is in them.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if 0 <= value <= MAX_INTEGER else str(value)
    if depth <= 0:
        return DEEPER
    if kind is dict:
        return {
            key: plain(one, secrets=secrets, depth=depth - 1)
            for key, one in value.items()
            if key not in secrets
        }
    if kind is list:
        return [plain(one, secrets=secrets, depth=depth - 1) for one in value]
    return str(value)


class Text:
    """A file's text from ``at`` on, a window at a time. ``byte``: the offset in the file of ``text[at]``."""

    __slots__ = ("_data", "_decode", "_held", "_next", "_start", "at", "byte", "ended", "halved", "text")

    def __init__(self, data: Bytes, start: int = 0) -> None:
        self._data = data
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = b""
        self._start = self._next = start
        self.text = ""
        self.at = 0
        self.byte = start
        self.ended = False
        self.halved = False
        """Whether anything in `text` may be half a character."""
        self.more()

    def more(self) -> bool:
        """Take in as much again as there is (at least TEXT bytes), letting go what lies before ``at``."""
        if self.ended:
            return False
        rest = self.text[self.at :]
        want = max(TEXT, len(rest))
        if self._next + want > self._start + len(self._held) or not self._held:
            self._start = self._next
            self._held = self._data.read(self._next, min(self._next + max(WINDOW, want), self._data.size))
        piece = self._held[self._next - self._start : self._next - self._start + want]
        self._next += len(piece)
        self.ended = not piece or self._next >= self._data.size
        if self.ended:
            self._held = b""
        self.text = rest + self._decode.decode(piece, self.ended)
        self.halved = halved(self.text)
        self.at = 0
        return True

    def pass_to(self, end: int) -> int:
        """Move to ``text[end]``; gives the offset of it."""
        self.byte += len(self.text[self.at : end].encode("utf-8", "surrogateescape"))
        self.at = end
        return self.byte


class Ends:
    """Looks for the end of the value at a text's place by brackets and quotes alone, in one pass, at any depth."""

    def __init__(self, at: int) -> None:
        self.at = at
        """Where to go on; move it back by as many characters as the text lost at its start."""
        self._depth = 0
        self._quoted = False

    def find(self, text: str) -> int | None:
        """The place after the value; None when ``text`` ends before it."""
        while True:
            if self._quoted:
                match = _STRING_REST.match(text, self.at)
                assert match is not None
                self.at = match.end()
                if self.at >= len(text) or text[self.at] == "\\":
                    return None
                self.at += 1
                self._quoted = False
                if not self._depth:
                    return self.at
                continue
            found = _TOKEN.search(text, self.at)
            if found is None:
                self.at = len(text)
                return None
            self.at = found.end()
            mark = found[0]
            if mark == '"':
                self._quoted = True
            elif mark in "[{":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    return self.at


def lines(data: Bytes, largest: int = LARGEST) -> Iterator[tuple[int, int, bytes | None]]:
    """(start, end, bytes) of each line, its line end with it; bytes None for one longer than ``largest``."""
    start = at = 0
    kept: list[bytes] = []
    held = 0
    while at < data.size and (piece := data.read(at, min(at + WINDOW, data.size))):
        place = 0
        while (cut := piece.find(b"\n", place)) >= 0:
            end = at + cut + 1
            if held + cut + 1 - place > largest:
                yield start, end, None
            else:
                yield (
                    start,
                    end,
                    b"".join((*kept, piece[place : cut + 1])) if kept else piece[place : cut + 1],
                )
            kept, held, start, place = [], 0, end, cut + 1
        held += len(piece) - place
        kept = [*kept, piece[place:]] if held <= largest else []
        at += len(piece)
    if start < at:
        yield start, at, b"".join(kept) if held <= largest else None
