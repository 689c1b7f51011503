"""What is printed, and where: data on standard output, words and progress on standard error.

Nothing here colours or animates unless a person looks at a terminal. What a console can't encode is
escaped: a name in another script must never end a command half way (UnicodeEncodeError).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TextIO

DEFAULT_HINTS = {
    1: "keep everything as it is, and compare with another copy: a bad copy looks the same",
    2: "custody --help lists the commands and what each takes",
    3: "deal with what is listed, then run the same command again",
    4: "mend what is named, or name another one, and run the command again; nothing was changed",
    5: "mend that on this machine, then run the command again",
    6: "the report says what is missing and how to get it",
    10: "name the locker with --locker DIR or CUSTODY_LOCKER, or make one: custody init DIR",
    11: "wait until the other command is done, then run this one again",
    12: "check --key and the passphrase, or ask an administrator of the locker for the right",
}
"""A hint by exit code, for errors that bring none."""

FAULT = 70
"""Exit code of a fault in custody itself (EX_SOFTWARE of sysexits.h)."""

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escape_what_consoles_cannot() -> None:
    """Make both streams write ``\\x…`` or ``\\u…`` for what their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def one_line(text: str) -> str:
    """A message as one line: white space folded, and whatever could lead a terminal astray escaped.

    Unlike `custody.format.text.show` it doubles no backslash: parts of a message are escaped already.
    """
    out = []
    for char in " ".join(text.split()):
        if unicodedata.category(char) in _UNSAFE:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
        else:
            out.append(char)
    return "".join(out)


def print_error(message: str, hint: str | None) -> None:
    """``custody: error: …`` and, where there is one, ``custody: hint: …``: exactly one line each."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()  # what was said before stands before, in a pipe too
    _line(sys.stderr, f"custody: error: {one_line(message)}")
    if hint:
        _line(sys.stderr, f"custody: hint: {one_line(hint)}")


def _line(stream: TextIO, text: str) -> None:
    # Where nobody listens any more there is nobody to tell.
    with contextlib.suppress(BrokenPipeError, ValueError):
        stream.write(text + "\n")
        stream.flush()


def flush() -> None:
    """Write out what is buffered now, so that a full disk is an error and not a silent loss at exit."""
    sys.stdout.flush()


def settle() -> None:
    """After an error: write out what is buffered, or send it nowhere when nobody takes it.

    What is left in the buffer would fail once more at the interpreter's exit, with a traceback and exit
    code 120.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.dup2(descriptor, sys.stdout.fileno())
            os.close(descriptor)


class Output:
    """One command's ways to speak. With ``as_json`` exactly one object goes to standard output."""

    def __init__(self, command: str, *, as_json: bool) -> None:
        self.schema = f"custody.{command}/1"
        self.as_json = as_json
        self._warnings: list[str] = []

    def data(self, *lines: str) -> None:
        """Lines that were asked for; left out under --json, where `result` says the same."""
        if not self.as_json:
            sys.stdout.write("".join(line + "\n" for line in lines))

    def raw(self, piece: bytes) -> None:
        """Bytes of a content, as they are."""
        sys.stdout.buffer.write(piece)

    def result(self, value: Mapping[str, Any]) -> None:
        """The command's object, under --json only. ASCII: bidi marks and line ends come out escaped."""
        if self.as_json:
            sys.stdout.write(json.dumps(self._named(value), indent=2) + "\n")

    def _named(self, value: Mapping[str, Any]) -> dict[str, Any]:
        warned = {"warnings": self._warnings} if self._warnings else {}
        return {"schema": self.schema, **value, **warned}

    def first_line(self, value: Mapping[str, Any]) -> None:
        """Of a command whose --json is many lines: the first, which names what follows."""
        self.line(self._named(value))

    def line(self, value: Mapping[str, Any]) -> None:
        """One record a line, under --json only; ASCII as `result`."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n")

    def say(self, *lines: str) -> None:
        """Words for the person: what was done."""
        sys.stdout.flush()  # so that both streams in one file tell the story in its order
        for line in lines:
            sys.stderr.write(line + "\n")

    def advise(self, text: str) -> None:
        """One line of advice about something that is not wrong, and not well either."""
        sys.stderr.write(f"custody: advice: {one_line(text)}\n")

    def warn(self, text: str) -> None:
        """One line about something that may cost evidence; under --json it is in the object too."""
        self._warnings.append(text)
        sys.stderr.write(f"custody: warning: {one_line(text)}\n")

    def next(self, *commands: str) -> None:
        """What comes after this command."""
        sys.stdout.flush()
        for number, command in enumerate(commands):
            sys.stderr.write(f"{'next' if number == 0 else '  or'}: {command}\n")


class ProgressLine:
    """One line on standard error that is written over itself, five times a second; nothing off a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0
        self._begun = time.monotonic()

    def update(self, text: Callable[[], str]) -> None:
        """Show a text, unless one was shown just now."""
        now = time.monotonic()
        if self._shown and now - self._last >= 0.2:
            self._last = now
            sys.stderr.write(f"\r\x1b[K{text()}")
            sys.stderr.flush()

    def bytes_done(self, done: int, total: int, *, before: str = "") -> None:
        """So many bytes of all, with rate and time left."""
        self.update(lambda: before + self._rate(done, total))

    def _rate(self, done: int, total: int) -> str:
        seconds = time.monotonic() - self._begun
        rate = done / seconds if seconds > 0 else 0.0
        left = f", {(total - done) / rate:.0f} s left" if rate > 0 and seconds > 1 and total > done else ""
        return f"{size_text(done)} of {size_text(total)}, {size_text(int(rate))}/s{left}"

    def clear(self) -> None:
        """Take the line away: what follows begins at the left."""
        if self._shown and self._last:
            sys.stderr.write("\r\x1b[K")

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


def table(rows: list[tuple[str, ...]], head: tuple[str, ...]) -> list[str]:
    """Rows under a head, in columns that are as wide as they need; the last one is not filled up."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]


def size_text(count: int) -> str:
    """A number of bytes for people: exact below 10,000, else with two or three figures."""
    if count < 10_000:
        return count_text(count, "byte")
    for unit, power in (("KiB", 1), ("MiB", 2), ("GiB", 3)):
        if count < 1000 * 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return f"{count / 1024**4:.1f} TiB"


def count_text(count: int, one: str, many: str | None = None) -> str:
    """``1 item``, ``2 items``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
