"""The elements of chosen arrays in a JSON file of any size, each with its exact bytes, and a name for all other bytes.

`Slices` walks a file once, a window at a time, and gives pieces that follow each other without a gap:

- `Element`: an element of an array that was asked for (its value, its bytes, its place);
- `Value`: a member of the objects around those arrays (a chat's name, type, id), from its key to its end;
- `Gap`: syntax, blank, header (a byte order mark), or unread, which has its text and why.

Damage costs what is damaged: after bytes that are no JSON, the walk goes on at the next thing that looks like an
element (``like``) or like the beginning or the end of an array that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from custody.evidence.chat.json_text import LARGEST, TEXT, Doubled, Ends, Text, halved, load, mend, scan
from custody.evidence.export import Bytes

SHOWN = 64 << 10
"""So many characters of unread bytes stand in their gap's text."""

_SEPARATOR = re.compile(r"[ \t\r\n]*+,[ \t\r\n]*+")
_BLANK = re.compile(r"[ \t\r\n]*+")
_KEY = re.compile(r'("(?:[^"\\]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
_OBJECT = re.compile(r'\{[ \t\r\n]*+"')
_CLOSED = re.compile(r"[ \t\r\n]*+(?:[,}\]]|\Z)")
_SURE = frozenset('{["')
"""A value that begins so has an end of its own; a number at the end of a window may go on in the next."""
_ATTEMPT = 4 << 10
"""What an attempt costs in itself, in characters that could be looked at in the same time."""
_new = tuple.__new__
_NEAR = 1 << 20
"""A value that has no end after so many characters may be a broken one: the next element is looked for."""


class Element(NamedTuple):
    """An element of the array at JSON pointer ``array`` (RFC 6901), its ``number``-th from 0.

    ``value`` is None and a flag tells why where its brackets close and yet it can't be read: not_json,
    too_deep. Other flags: json_repaired, doubled_key, broken_characters, and after_damage for the first
    element after unread bytes.
    """

    start: int
    end: int
    raw: bytes
    value: Any
    array: str
    number: int
    flags: tuple[str, ...] = ()


class Value(NamedTuple):
    """A member of an object around the arrays, or an element of a list on the way: ``parent`` + ``key``.

    Its bytes are key, colon and value. ``value`` None and a flag: not_json, too_deep, too_long (then its bytes
    were not kept).
    """

    start: int
    end: int
    parent: str
    key: str
    value: Any
    flags: tuple[str, ...] = ()


class Gap(NamedTuple):
    """Bytes that hold the rest together, or could not be read: ``what`` syntax, blank, header or unread.

    ``why``, of unread only: not_json, truncated, too_long. ``text``: of unread only, at most SHOWN characters.
    """

    start: int
    end: int
    what: str
    text: str | None = None
    why: str | None = None


Piece = Element | Value | Gap


@dataclass(slots=True)
class _Frame:
    """A container that is open; ``steps``: its path in the words of the patterns."""

    pointer: str
    is_list: bool
    steps: tuple[str, ...]
    wanted: bool = False
    outer: str = ""
    """The line break and spaces before the line that opened it, if it has a line: so its end stands."""
    indent: str = ""
    """The same of its first element."""
    index: int = 0
    fresh: bool = True
    """Nothing stands in it yet, so that no comma is due."""


def pattern(text: str) -> tuple[str, ...]:
    """A path's steps: ``chats.list[*].messages[*]`` → chats, list, [], messages, []; ``*`` is any key."""
    return tuple(part for part in text.replace("[*]", ".[]").split(".") if part)


class Slices:
    """The pieces of one file. ``patterns``: the arrays that are asked for. ``like``: what an element looks like.

    ``like`` is asked only after damage, for objects that stand where elements may: be strict. After the last
    piece, ``whole`` tells whether the file was JSON from its first to its last byte.
    """

    def __init__(
        self, data: Bytes, patterns: Sequence[str], *, like: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> None:
        self.whole = True
        self._text = Text(data)
        self._patterns = tuple(pattern(one) for one in patterns)
        self._like = like or (lambda value: False)
        self._frames: list[_Frame] = []
        self._last: list[_Frame] = []
        """The frames as they were in the array that was last asked for: damage may have closed it early."""
        self._damaged = False
        self._lost = 0
        self._break = ""
        """The last line break before the cursor and the spaces after it."""
        self._patience = 12 * data.size + (64 << 20)
        """Characters that may be looked at twice; without it, hostile bytes could take quadratic time."""
        keys = {steps[-2] for steps in self._patterns if len(steps) > 1 and steps[-2] not in ("*", "[]")}
        names = "|".join(re.escape(key) for key in sorted(keys))
        self._opener = re.compile(rf'"({names})"[ \t\r\n]*+:[ \t\r\n]*+(?=\[)') if names else None

    def __iter__(self) -> Iterator[Piece]:
        text = self._text
        if text.text.startswith("\ufeff"):
            yield Gap(0, text.pass_to(1), "header")
        yield from self._blank("blank")
        if self._more_than(0):
            yield from self._value(None, "", 0)
        while True:
            while self._frames:
                frame = self._frames[-1]
                if frame.wanted and not frame.fresh:
                    yield from self._elements(frame)
                yield from self._step(frame)
            yield from self._blank("blank")
            if not self._more_than(0):
                return
            yield from self._regain("not_json")

    # --- the usual way ---------------------------------------------------------------------------------

    def _elements(self, frame: _Frame) -> Iterator[Piece]:
        """As many elements as stand in the text one after the other; the odd ones are left to `_step`."""
        text = self._text
        whole, at, byte, array, index = text.text, text.at, text.byte, frame.pointer, frame.index
        size, suspect = len(whole), text.halved
        while True:
            match = _SEPARATOR.match(whole, at)
            if match is None or (start := match.end()) >= size or whole[start] not in _SURE:
                break
            try:
                value, end = scan(whole, start)
            except (StopIteration, ValueError, RecursionError, Doubled):
                break
            cut = whole[start:end]
            flags: tuple[str, ...] = ()
            try:
                if suspect and halved(cut) and (mended := mend(value)) != value:
                    value, flags = mended, ("broken_characters",)
            except RecursionError:
                break
            raw = cut.encode("utf-8", "surrogateescape")
            begin = byte + start - at
            yield _new(Gap, (byte, begin, "syntax", None, None))
            byte = begin + len(raw)
            at = end
            yield _new(Element, (begin, byte, raw, value, array, index, flags))
            index += 1
        text.at, text.byte, frame.index = at, byte, index

    def _step(self, frame: _Frame) -> Iterator[Piece]:
        """One member of the innermost container, or its end, or damage."""
        text = self._text
        yield from self._blank()
        if not frame.fresh and self._here() == ",":
            yield Gap(text.byte, text.pass_to(text.at + 1), "syntax")
            yield from self._blank()
            frame.fresh = True
        here = self._here()
        if not here:
            self._frames.clear()
            self.whole = False
        elif here == ("]" if frame.is_list else "}"):
            self._frames.pop()
            yield Gap(text.byte, text.pass_to(text.at + 1), "syntax")
        elif not frame.fresh:
            yield from self._regain("not_json")
        elif frame.is_list:
            frame.indent = frame.indent or self._break
            yield from self._value(frame, str(frame.index), 0)
        else:
            frame.indent = frame.indent or self._break
            found = self._key()
            if found is None:
                yield from self._regain("not_json")
            else:
                yield from self._value(frame, *found)

    def _value(self, frame: _Frame | None, name: str, lead: int) -> Iterator[Piece]:
        """The value that stands ``lead`` characters after the cursor, which is at its key or at itself."""
        text = self._text
        opened = text.text[text.at + lead]
        steps: tuple[str, ...] = ()
        if frame is not None:
            steps = (*frame.steps, "[]" if frame.is_list else name)
        wanted = frame is not None and frame.wanted
        if not wanted and opened in "{[" and self._leads((*steps, "[]" if opened == "[" else "")):
            pointer = "" if frame is None else f"{frame.pointer}/{_escape(name)}"
            inner = _Frame(pointer, opened == "[", steps, outer=self._break)
            inner.wanted = opened == "[" and self._asked((*steps, "[]"))
            self._used(frame)
            self._frames.append(inner)
            if inner.wanted:
                self._last = list(self._frames)
            yield Gap(text.byte, text.pass_to(text.at + lead + 1), "syntax")
            return
        value, length, flags = self._take(lead)
        if not length:
            yield from self._regain(flags[0])
            return
        self._used(frame)
        start, cut = text.byte, text.text[text.at : text.at + length]
        end = text.pass_to(text.at + length)
        if wanted:
            assert frame is not None
            if self._damaged:
                self._damaged, flags = False, (*flags, "after_damage")
            raw = cut.encode("utf-8", "surrogateescape")
            yield Element(start, end, raw, value, frame.pointer, frame.index - 1, flags)
        else:
            yield Value(start, end, "" if frame is None else frame.pointer, name, value, flags)

    def _take(self, lead: int) -> tuple[Any, int, tuple[str, ...]]:
        """(value, characters from the cursor to its end, flags); 0 characters where it has no end, and why."""
        text = self._text
        ends = Ends(text.at + lead)
        sure = text.text[ends.at] in _SURE
        while True:
            at = text.at + lead
            held = len(text.text) - at
            try:
                value, end = scan(text.text, at)
            except (StopIteration, ValueError, RecursionError, Doubled):
                pass
            else:
                if sure or end < len(text.text) or text.ended:
                    cut = text.text[at:end]
                    try:
                        if halved(cut) and (mended := mend(value)) != value:
                            return mended, end - text.at, ("broken_characters",)
                    except RecursionError:
                        return None, end - text.at, ("too_deep",)
                    return value, end - text.at, ()
            found = None
            if sure:
                found = ends.find(text.text)
            if found is not None:
                value, flags = load(text.text[at:found])
                if flags == ("not_json",):
                    self.whole = False
                    if self._candidate(lead + 1, found) is not None:
                        return None, 0, flags
                return value, found - text.at, flags
            self._patience -= held
            if text.ended:
                return None, 0, ("truncated" if sure else "not_json",)
            if self._patience <= 0 or (
                held >= _NEAR and self._candidate(lead + 1, len(text.text)) is not None
            ):
                return None, 0, ("not_json",)
            if held > (LARGEST if sure else TEXT):
                return None, 0, ("too_long" if sure else "not_json",)
            ends.at -= text.at
            text.more()

    def _key(self) -> tuple[str, int] | None:
        """(key, characters from the cursor to the value), or None where no key stands."""
        text = self._text
        if self._here() != '"':
            return None
        while True:
            match = _KEY.match(text.text, text.at)
            if match is not None and match.end() < len(text.text):
                value, _ = load(match[1])
                return (value, match.end() - text.at) if isinstance(value, str) else None
            if len(text.text) - text.at > TEXT or not text.more():
                return None

    # --- after damage ----------------------------------------------------------------------------------

    def _regain(self, why: str) -> Iterator[Piece]:
        """Names what can't be read, up to the next place that is known for sure."""
        text = self._text
        self.whole = False
        ahead = 1
        while True:
            while len(text.text) - text.at < 2 * TEXT and text.more():
                pass
            limit = min(len(text.text), text.at + 2 * TEXT)
            found = self._candidate(ahead, limit)
            last = text.ended and limit == len(text.text)
            if found is not None and (found[1] < TEXT or last):
                break
            if last:
                yield self._unread(limit, why)
                self._frames.clear()
                return
            yield self._unread(text.at + TEXT, why)
            ahead = 0
        kind, length, key = found
        if length:
            yield self._unread(text.at + length, why)
        self._damaged = True
        if kind == "opener":
            self._reopen(key)
            return
        self._frames = list(self._last)
        frame = self._frames[-1]
        if kind == "element":
            frame.fresh = True
            frame.index += 1
        else:
            frame.fresh = False

    def _candidate(self, ahead: int, limit: int) -> tuple[str, int, str] | None:
        """The first sure place from ``ahead`` characters after the cursor to ``limit``: (kind, characters, key)."""
        text = self._text
        whole, start = text.text, text.at + ahead
        best: tuple[str, int, str] | None = None
        frame = self._last[-1] if self._last else None
        if frame is not None and (at := self._sibling(frame, start, limit)) is not None:
            best, limit = ("element", at - text.at, ""), at
        self._patience -= max(limit - start, 0)
        if self._patience <= 0:
            return best
        if self._opener is not None and (match := self._opener.search(whole, start, limit)):
            best, limit = ("opener", match.start() - text.at, match[1]), match.start()
        if frame is not None and frame.indent and frame.outer and frame.indent != frame.outer:
            closer = f"{frame.outer}]"
            at = whole.find(closer, start, limit)
            if at >= 0 and _CLOSED.match(whole, at + len(closer)):
                best = ("closer", at + len(closer) - 1 - text.at, "")
        return best

    def _sibling(self, frame: _Frame, start: int, limit: int) -> int | None:
        """Where the next object begins that stands as the array's elements do and is like them."""
        whole = self._text.text
        while start < limit and self._patience > 0:
            if frame.indent:
                found = whole.find(frame.indent + "{", start, limit)
                at = found + len(frame.indent) if found >= 0 else -1
            else:
                match = _OBJECT.search(whole, start, limit)
                at = match.start() if match else -1
            self._patience -= (limit if at < 0 else at) - start
            if at < 0:
                return None
            piece = whole[at : at + TEXT]
            try:
                value, end = scan(piece, 0)
            except (StopIteration, ValueError, RecursionError, Doubled) as error:
                self._patience -= getattr(error, "pos", len(piece)) + _ATTEMPT
            else:
                self._patience -= end + _ATTEMPT
                if type(value) is dict and self._like(value):
                    return at
            start = at + 1
        return None

    def _reopen(self, key: str) -> None:
        """An array that was asked for begins here; in which object it stands, the damage has hidden."""
        self._lost += 1
        if self._last and self._last[-1].steps[-1:] == (key,):
            above, steps = self._last[:-2], self._last[-1].steps[:-1]
        else:
            above, steps = [], next(one[:-2] for one in self._patterns if one[-2:-1] == (key,))
        if above and above[-1].is_list:
            above[-1].index += 1
        pointer = f"{above[-1].pointer if above else ''}/?{self._lost}"
        self._frames = [*above, _Frame(pointer, False, steps)]

    # --- small things ----------------------------------------------------------------------------------

    def _more_than(self, count: int) -> bool:
        text = self._text
        while len(text.text) - text.at <= count:
            if not text.more():
                return False
        return True

    def _here(self) -> str:
        return self._text.text[self._text.at] if self._more_than(0) else ""

    def _blank(self, what: str = "syntax") -> Iterator[Piece]:
        """Passes over spaces and line breaks."""
        text = self._text
        while self._more_than(0):
            match = _BLANK.match(text.text, text.at)
            assert match is not None
            if match.end() == text.at:
                return
            blank = match[0]
            cut = blank.rfind("\n")
            self._break = blank[cut:] if cut >= 0 else ""
            yield Gap(text.byte, text.pass_to(match.end()), what)
            if text.at < len(text.text):
                return

    def _unread(self, end: int, why: str) -> Gap:
        text = self._text
        shown = mend(text.text[text.at : min(end, text.at + SHOWN)])
        return Gap(text.byte, text.pass_to(end), "unread", shown, why)

    def _used(self, frame: _Frame | None) -> None:
        if frame is not None:
            frame.fresh = False
            frame.index += 1

    def _leads(self, steps: tuple[str, ...]) -> bool:
        """Whether an array that is asked for lies in the container with these steps and this kind."""
        *path, kind = steps
        return any(
            len(one) > len(path)
            and _fits(one[: len(path)], path)
            and ((one[len(path)] == "[]") == (kind == "[]"))
            for one in self._patterns
        )

    def _asked(self, steps: tuple[str, ...]) -> bool:
        return any(len(one) == len(steps) and _fits(one, steps) for one in self._patterns)


def _fits(pattern_: Sequence[str], steps: Sequence[str]) -> bool:
    return all(
        wanted == step or (wanted == "*" and step != "[]")
        for wanted, step in zip(pattern_, steps, strict=True)
    )


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def beside(
    data: Bytes,
    patterns: Sequence[str],
    *,
    like: Callable[[Mapping[str, Any]], bool] | None = None,
    keys: frozenset[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """What stands in the objects around the arrays, by the pointer of the object: {key: value}.

    Reads the file once more, for formats that write a chat's name after its messages. The first of a doubled
    key stays. ``keys``: those that are asked for, all others are let go.
    """
    found: dict[str, dict[str, Any]] = {}
    for piece in Slices(data, patterns, like=like):
        if type(piece) is Value and piece.value is not None and (keys is None or piece.key in keys):
            found.setdefault(piece.parent, {}).setdefault(piece.key, piece.value)
    return found
