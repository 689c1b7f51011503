"""A picture's numbers as a table: for a spreadsheet, where nothing in it runs, and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from custody.export import csv_safe
from custody.export.svg.labels import clean, direction, escape

_LONGEST = 2000


def as_csv(table: Sequence[Sequence[str]]) -> str:
    """RFC 4180 with every cell in quotes; what a spreadsheet would run has an apostrophe before it."""
    return "".join(csv_safe.line(row) for row in table)


def as_html(table: Sequence[Sequence[str]], *, caption: str) -> str:
    """A fragment, its first row the head. Each cell is isolated and has its own direction, so that a name from
    right to left leaves its neighbours where they are."""
    head, *rows = table
    heads = "".join(f'<th scope="col">{escape(clean(cell))}</th>' for cell in head)
    lines = [
        f"<table>\n<caption>{escape(clean(caption, _LONGEST))}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    ]
    for row in rows:
        cells = "".join(
            f'<td><bdi dir="{direction(cell)}">{escape(clean(cell, _LONGEST))}</bdi></td>' for cell in row
        )
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</tbody>\n</table>\n")
    return "\n".join(lines)
