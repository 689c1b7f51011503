"""A picture while it is drawn. Whole numbers only, so that its bytes are the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from custody.export.svg.labels import escape, units

SANS = "sans-serif"
MONO = "monospace"
# No family is named: a named emoji font makes some renderers take digits and spaces from it.
CHAR = 7
"""Pixels that a unit of text of size 13 takes at most, by experience with common fonts."""


class Canvas:
    """Shapes in black on white, and a text of each that screen readers read."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._parts: list[str] = []

    def text(
        self,
        x: int,
        y: int,
        text: str,
        *,
        size: int = 13,
        anchor: str = "start",
        mono: bool = False,
        bold: bool = False,
    ) -> None:
        """One line of text whose baseline is at ``y``."""
        family = MONO if mono else SANS
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x}" y="{y}" font-family="{family}" font-size="{size}" text-anchor="{anchor}"{weight}'
            f' fill="#000" xml:space="preserve">{escape(text)}</text>'
        )

    def label(self, x: int, y: int, lines: Sequence[str], *, anchor: str = "start", step: int = 16) -> None:
        """Lines on a white ground, so that what runs behind them does not cross them out."""
        for at, line in enumerate(lines):
            wide = units(line) * CHAR + 4
            left = x - 2 if anchor == "start" else x - wide + 2
            self.rect(left, y + at * step - 12, wide, step, stroke="none")
            self.text(x, y + at * step, line, anchor=anchor)

    def line(
        self,
        points: Sequence[tuple[int, int]],
        *,
        width: int = 1,
        dash: str | None = None,
        grey: bool = False,
    ) -> None:
        """A line through points; ``dash``: lengths of strokes and spaces."""
        path = " ".join(f"{x},{y}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        stroke = "#777" if grey else "#000"
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashed}/>'
        )

    def polygon(
        self, points: Sequence[tuple[int, int]], *, filled: bool = False, dash: str | None = None
    ) -> None:
        """A closed shape."""
        path = " ".join(f"{x},{y}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        fill = "#000" if filled else "#fff"
        self._parts.append(f'<polygon points="{path}" fill="{fill}" stroke="#000" stroke-width="1"{dashed}/>')

    def rect(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        *,
        stroke: str = "#000",
        dash: str | None = None,
        line: int = 1,
    ) -> None:
        """A white rectangle."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff" stroke="{stroke}"'
            f' stroke-width="{line}"{dashed}/>'
        )

    def circle(self, x: int, y: int, radius: int, *, filled: bool = False, dash: str | None = None) -> None:
        """A circle."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        fill = "#000" if filled else "#fff"
        self._parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" stroke="#000" stroke-width="1"{dashed}/>'
        )

    def begin(self, about: str) -> None:
        """A group with a text that is read out, and shown where the pointer rests."""
        self._parts.append(f"<g><title>{escape(about)}</title>")

    def end(self) -> None:
        """The end of a group."""
        self._parts.append("</g>")

    def finish(self, height: int, *, title: str, description: str) -> str:
        """The whole file."""
        body = "\n".join(self._parts)
        # ids of several pictures on one page must differ, and be the same each time
        ident = hashlib.sha256(f"{title}\0{description}\0{body}".encode()).hexdigest()[:12]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t{ident} d{ident}"'
            f' width="{self.width}" height="{height}" viewBox="0 0 {self.width} {height}">\n'
            f'<title id="t{ident}">{escape(title)}</title>\n<desc id="d{ident}">{escape(description)}</desc>\n'
            f'<rect x="0" y="0" width="{self.width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
        )
