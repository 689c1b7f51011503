"""Tables for spreadsheets: a cell that came from outside is never run as a formula.

A cell that begins with one of ``= + - @``, a tab or a line end gets an apostrophe before it (OWASP, CSV
injection); the apostrophe shows that, and the JSON form has the cell as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str) -> str:
    """A cell that no spreadsheet runs."""
    # Some programs strip blanks, and take full-width signs for signs.
    first = text.lstrip(" \u00a0")[:1]
    return f"'{text}" if first in _RISKY or (first in "＝＋－＠" and first) else text


def line(cells: Sequence[str]) -> str:
    """One line of RFC 4180 with its line end: every cell in quotes."""
    return ",".join('"' + cell(one).replace('"', '""').replace("\0", "\\0") + '"' for one in cells) + "\r\n"
