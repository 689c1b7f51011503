"""The line that begins a message: its grammar, and the one layout of it that a file keeps from end to end.

Everything works on bytes, so that a message's place needs no translation. `ANY` knows all layouts at once
and is slow; a file is read with the pattern of its own `Layout`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from custody.evidence.chat.whatsapp_text.words import (
    AFTER_TIME,
    AFTER_YEAR,
    BARE,
    BETWEEN,
    DIGIT,
    ERAS,
    MARK,
    MERIDIEM_WORDS,
    PLAIN,
    SPACE,
)

Pattern = re.Pattern[bytes]


def _spelled(word: str) -> bytes:
    """A word; a space inside may be any space, or none."""
    return (
        rb"%s?" % SPACE if word == " " else (rb"%s?" % SPACE).join(map(re.escape, word.encode().split(b" ")))
    )


def _words(words: tuple[str, ...]) -> bytes:
    longest = sorted(dict.fromkeys(words), key=lambda word: -len(word))
    return b"(?:" + b"|".join(map(_spelled, longest)) + b")"


_MARKS = MARK + rb"{0,4}+"
"""So many marks may stand between two signs of a header."""
_LEAD = MARK + rb"{0,8}+"
_START = rb"\n(?:(?=[\xd8\xe2\xef])" + _LEAD + rb")?+"
_HALF = _words(MERIDIEM_WORDS)
_ERA = _words(tuple(ERAS))
_DASH = rb"%s(?:-|\xe2\x80\x93)%s" % (SPACE, SPACE)

_PARTS: Mapping[bytes, bytes] = {
    b"f1": rb"(?:%s{4}+|%s{1,2}+|%s%s{1,2}+)" % (DIGIT, DIGIT, _ERA, DIGIT),
    b"f2": rb"%s{1,2}+" % DIGIT,
    b"f3": rb"(?:%s{4}+|%s{1,2}+|%s%s{1,2}+)" % (DIGIT, DIGIT, _ERA, DIGIT),
    b"s1": rb"(?:[/.-]%s?|\xd8\x8d)" % SPACE,
    b"s2": rb"(?:[/.-]%s?|\xd8\x8d)" % SPACE,
    b"tail": rb"\.?+(?:%s?%s(?![A-Za-z]))?+" % (SPACE, _words(AFTER_YEAR)),
    b"comma": rb"(?:,|\xd8\x8c|:)?+",
    b"word": rb"(?:%s(?=%s)%s)?+" % (_words(BETWEEN), SPACE, SPACE),
    b"before": rb"(?:%s%s?)?+" % (_HALF, SPACE),
    b"hour": rb"%s{1,2}+" % DIGIT,
    b"sign": rb"(?:[:.]|%s?h%s?)" % (SPACE, SPACE),
    b"minute": rb"%s{2}" % DIGIT,
    b"seconds": rb"(?:%s[:.]%s%s{2})?+" % (_MARKS, _MARKS, DIGIT),
    b"after": rb"(?:%s%s?%s%s)?+" % (_MARKS, SPACE, _MARKS, _HALF),
    b"time_tail": rb"(?:%s?%s)?+" % (SPACE, _words(AFTER_TIME)),
}

# `~` stands for the marks that may be between two parts.
_STAMP = (
    rb"(?P<stamp>(?P<date>(?P<f1>%(f1)s)~(?P<s1>%(s1)s)~(?P<f2>%(f2)s)~(?P<s2>%(s2)s)~(?P<f3>%(f3)s)~"
    rb"(?P<tail>%(tail)s))~(?P<comma>%(comma)s)~" + SPACE + rb"~(?P<word>%(word)s)~(?P<before>%(before)s)~"
    rb"(?P<hour>%(hour)s)~(?P<sign>%(sign)s)~(?P<minute>%(minute)s)(?P<seconds>%(seconds)s)(?P<after>%(after)s)"
    rb"(?P<time_tail>%(time_tail)s)~)"
)
_UNNAMED = re.compile(rb"\(\?P<(?!stamp|date)\w+>")
_NAMED = re.compile(rb"\(\?P<\w+>")


def _any(end: bytes) -> Pattern:
    stamp = _STAMP.replace(b"~", _MARKS) % _PARTS
    return re.compile(
        rb"^%s(?P<open>\[%s)?%s(?P<end>(?(open)\]%s?|%s))" % (_LEAD, _MARKS, stamp, SPACE, end), re.MULTILINE
    )


ANY = _any(rb"(?:%s|: )" % _DASH)
"""A line that begins a message, in any layout that ends in a bracket, a dash or a colon."""
ANY_BARE = _any(SPACE)
"""The same where nothing but a space ends the time (REPORTED): asked only where ``ANY`` finds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What all message lines of one file have alike. Spaces are plain here, marks left out.

    ``fields``: first and third number of the date: "d" for one or two digits, "y" for four, "e" with the
    name of an era. ``digits``: "ascii" or "other". ``end``: "]", "-", "–", ":" or "" (a space alone).
    """

    fields: tuple[str, str]
    signs: tuple[str, str]
    tail: str
    comma: str
    word: str
    before: bool
    sign: str
    seconds: bool
    after: bool
    time_tail: str
    end: str
    digits: str

    @property
    def bracket(self) -> bool:
        """True for the lines that iPhones write."""
        return self.end == "]"

    def __str__(self) -> str:
        """The layout as people write it: ``[d/d/yyyy, hh:mm:ss AM]``."""
        names = {"d": "n", "y": "yyyy", "e": "era n"}
        first, third = (names[one] for one in self.fields)
        clock = (
            f"{'AM ' * self.before}hh{self.sign}mm{':ss' * self.seconds}{' AM' * self.after}{self.time_tail}"
        )
        word = f"{self.word} " if self.word else ""
        text = f"{first}{self.signs[0]}n{self.signs[1]}{third}{self.tail}{self.comma} {word}{clock}"
        return (
            f"[{text}]" if self.bracket else f"{text}:" if self.end == ":" else f"{text} {self.end}".rstrip()
        )


def _plain(part: bytes) -> str:
    return part.decode().translate(PLAIN)


def _field(part: bytes) -> str:
    text = _plain(part)
    return "e" if not text.isdigit() else "y" if len(text) == 4 else "d"


def layout_of(found: re.Match[bytes]) -> Layout:
    """The layout that a match of `ANY` or `ANY_BARE` shows."""
    part = {name: _plain(value or b"") for name, value in found.groupdict().items()}
    return Layout(
        fields=(_field(found["f1"]), _field(found["f3"])),
        signs=(part["s1"], part["s2"]),
        tail=part["tail"],
        comma=part["comma"],
        word=part["word"].strip(),
        before=bool(part["before"]),
        sign=part["sign"],
        seconds=bool(part["seconds"]),
        after=bool(part["after"]),
        time_tail=part["time_tail"],
        end="]" if found["open"] else part["end"].strip(),
        digits="ascii" if found["hour"].isdigit() and found["f2"].isdigit() else "other",
    )


def marked(found: re.Match[bytes]) -> bool:
    """Whether marks stand inside the stamp (iPhones in languages written from the right)."""
    text = found["stamp"].decode()
    return text.translate(BARE) != text.translate({160: " ", 0x2009: " ", 0x202F: " "})


def _parts(layout: Layout) -> dict[bytes, bytes]:
    digit = rb"[0-9]" if layout.digits == "ascii" else DIGIT
    pair = digit + rb"{1,2}+"
    fields = {"d": pair, "y": digit + rb"{4}+", "e": _ERA + pair}
    sixty = rb"[0-5][0-9]" if layout.digits == "ascii" else DIGIT + rb"{2}"
    return {
        b"f1": fields[layout.fields[0]],
        b"f2": pair,
        b"f3": fields[layout.fields[1]],
        b"s1": _sign(layout.signs[0]),
        b"s2": _sign(layout.signs[1]),
        b"tail": _spelled(layout.tail),
        b"comma": re.escape(layout.comma.encode()),
        b"word": _spelled(layout.word) + SPACE if layout.word else b"",
        b"before": _HALF + SPACE + b"?" if layout.before else b"",
        b"hour": rb"(?:[01]?[0-9]|2[0-3])(?![0-9])" if layout.digits == "ascii" else pair,
        b"sign": _sign(layout.sign),
        b"minute": sixty,
        b"seconds": _MARKS + rb"[:.]" + _MARKS + sixty if layout.seconds else b"",
        b"after": _MARKS + SPACE + b"?" + _MARKS + _HALF if layout.after else b"",
        b"time_tail": _spelled(layout.time_tail) if layout.time_tail else b"",
    }


def _sign(sign: str) -> bytes:
    return re.escape(sign.strip().encode()).join((SPACE * sign.startswith(" "), SPACE * sign.endswith(" ")))


@functools.lru_cache(64)
def header_text(layout: Layout, inner_marks: bool) -> bytes:
    """The pattern of a layout's message lines, from the line end before to the sender's first letter.

    Groups: 1 the stamp (date and time), 2 its date. ``inner_marks``: whether marks may stand inside. It
    begins with the line end since that is found ten times faster than a line's start.
    """
    stamp = _STAMP.replace(b"~", _MARKS if inner_marks else b"") % _parts(layout)
    stamp = _NAMED.sub(b"(", _UNNAMED.sub(b"(?:", stamp))
    if layout.bracket:
        return _START + rb"\[" + _MARKS + stamp + rb"\]" + SPACE + rb"?"
    ends = {"": SPACE, ":": b": "}
    return _START + stamp + ends.get(layout.end, SPACE + re.escape(layout.end.encode()) + SPACE)


@functools.lru_cache(64)
def header(layout: Layout, inner_marks: bool) -> Pattern:
    """`header_text`, compiled."""
    return re.compile(header_text(layout, inner_marks))


_NAME = rb"([^\n:]*+(?::(?! )[^\n:]*+)*+): "


@functools.lru_cache(64)
def survey(layout: Layout, inner_marks: bool) -> Pattern:
    """Groups: stamp, date, what stands before the first ``: `` of the line, and between it and the second."""
    return re.compile(header_text(layout, inner_marks) + rb"(?:" + _NAME + rb"(?=" + _NAME + rb")?+)?+")


def deleted(layout: Layout, inner_marks: bool, sentences: tuple[bytes, ...]) -> Pattern:
    """Lines whose whole body is one of the sentences. Group 3: their sender."""
    body = rb"(?:%s){0,4}(?:%s)\.?(?:%s){0,4}\r?(?:\n|\Z)" % (
        MARK,
        b"|".join(map(re.escape, sentences)),
        MARK,
    )
    return re.compile(header_text(layout, inner_marks) + _NAME + rb"(?=" + body + rb")")
