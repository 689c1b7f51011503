"""Meta's broken text: each byte of UTF-8 written as a character of its own (`Ã©` for é), and how it is undone.

Whether a file is written so is decided once for the file, from all of it; then each of its strings is mended,
or kept. The mending can be undone: the bytes of a message are still those of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from custody.evidence.export import Member
from custody.evidence.reading import Decided

REPAIR = "latin1_utf8"

_PIECES = re.compile(
    rb"\\[^u]"
    rb"|((?:\\u00[89A-Fa-f][0-9A-Fa-f]|[\xc2\xc3][\x80-\xbf])++)"
    rb"|(\\u(?!00)[0-9A-Fa-f]{4}|[\xc4-\xf4][\x80-\xbf])",
    re.DOTALL,
)
_ONE = re.compile(rb"\\u00([0-9A-Fa-f]{2})|([\xc2\xc3][\x80-\xbf])")
_LONGEST = 64 << 10


@dataclass(slots=True)
class Evidence:
    """What the non-ASCII characters of a file's strings look like."""

    whole: int = 0
    """Runs of characters that are whole UTF-8 when each is a byte."""
    partial: int = 0
    """Runs of which a part is, and the rest is not."""
    cut: int = 0
    """The begin of a character at the end of a string: a cut one, or a letter such as é."""
    other: int = 0
    """Runs that are no UTF-8."""
    beyond: bool = False
    """A character above U+00FF: the file is proper."""
    raw: bool = False
    """Characters of this kind stand in the file as themselves, not as escapes: Meta writes escapes."""

    def take(self, run: bytes, ends: bool) -> None:
        """One run; ``ends``: its string ends after it."""
        if run.isascii():
            data = bytes.fromhex(run.replace(b"\\u00", b"").decode("ascii"))
        else:
            self.raw = True
            data = bytes(
                int(one[1], 16) if one[1] is not None else ord(one[2].decode()) for one in _ONE.finditer(run)
            )
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            kept = data.decode("utf-8", "ignore")
            if kept:
                self.partial += 1
            elif ends and 0xC2 <= data[0] <= 0xF4 and all(0x80 <= byte <= 0xBF for byte in data[1:]):
                self.cut += 1
            else:
                self.other += 1
        else:
            self.whole += 1


def evidence(member: Member) -> Evidence:
    """Looks through a whole file; stops at the first character that proves it proper."""
    found = Evidence()
    held = b""
    size = member.open().size
    for start, window in member.windows():
        held += window
        last = start + len(window) >= size
        done = max(len(held) - 6, 0)  # the longest piece has six bytes: one may go on in the next window
        for match in _PIECES.finditer(held):
            if match.end() + 6 > len(held) and not last and match.end() - match.start() < _LONGEST:
                done = match.start()
                break
            done = max(len(held) - 6, match.end())
            if match[2] is not None:
                found.beyond = True
                return found
            if match[1] is not None:
                found.take(match[1], held[match.end() : match.end() + 1] == b'"')
        held = held[done:]
    return found


@dataclass(frozen=True, slots=True)
class Mending:
    """The decision about one file: its strings are mended, or not; ``open``: strings may be broken, and stay."""

    mends: bool
    open: bool = False

    def text(self, text: str, flags: set[str]) -> str:
        """The text of a string of the file; ``flags`` get what happened: mended, mojibake_partial, mojibake_open."""
        if text.isascii():
            return text
        try:
            data = text.encode("latin-1")
        except UnicodeEncodeError:
            if self.mends:
                flags.add("mixed_encoding")
            return text
        if not self.mends:
            if self.open and _looks_broken(data):
                flags.add("mojibake_open")
            return text
        try:
            mended = data.decode("utf-8")
        except UnicodeDecodeError:
            flags.add("mojibake_partial")
            mended = data.decode("utf-8", "replace")
        flags.add("mended")
        return mended

    def value(self, value: Any, flags: set[str]) -> Any:
        """A value of JSON with its strings mended, keys left alone."""
        if type(value) is str:
            return self.text(value, flags)
        if type(value) is list:
            return [self.value(one, flags) for one in value]
        if type(value) is dict:
            return {key: self.value(one, flags) for key, one in value.items()}
        return value


def _looks_broken(data: bytes) -> bool:
    return not data.decode("utf-8", "ignore").isascii()


def decide(member: Member) -> tuple[Mending, Decided]:
    """Whether the file's strings are broken in Meta's way, and why."""
    found = evidence(member)
    mending, value, state, reason = _judged(found)
    return mending, Decided("mojibake", value, state, (reason,), member.index)


def _judged(found: Evidence) -> tuple[Mending, str, str, str]:
    if found.beyond:
        return Mending(False), "none", "decided", "a character above U+00FF: the file is proper UTF-8"
    sure = found.whole + found.partial
    counts = f"{sure} runs of characters are UTF-8 when each is a byte, {found.other} are not"
    if not sure and not found.other and not found.cut:
        return Mending(False), "none", "decided", "the file's strings are ASCII"
    if not sure:
        state = "inferred" if found.cut else "decided"
        return Mending(False), "none", state, counts
    if found.other:
        return Mending(False, open=True), "none", "open", counts
    if found.raw:
        return (
            Mending(True),
            REPAIR,
            "inferred",
            counts + "; they are not written as escapes, as Meta writes them",
        )
    return Mending(True), REPAIR, "decided", counts
