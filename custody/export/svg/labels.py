"""Text from outside as it may stand in a picture: escaped, of one line, of a width that is known.

Renderers of SVG differ in what they can write. Browsers join and order Arabic; WeasyPrint writes it letter by letter,
unjoined and mirrored. A court must not be shown a broken name, so names in scripts that need joining, reordering or
stacking are not drawn: the picture has their key (K1), and the table beside it, which is HTML, has the name.
"""

from __future__ import annotations

import unicodedata

from custody.format.text import show

# what is written from right to left, and scripts whose letters join, stack or are reordered: Arabic, Hebrew, Syriac,
# Indic, Thai, Lao, Tibetan, Myanmar, Khmer, Mongolian and others
_SHAPED = (
    (0x0590, 0x10A0), (0x1700, 0x1900), (0x1A00, 0x1C80), (0xA800, 0xAAE0), (0xABC0, 0xAC00), (0xFB1D, 0xFE00),
    (0xFE70, 0xFF00), (0x10800, 0x12000), (0x16000, 0x16FFF), (0x1E800, 0x1F000),
)  # fmt: skip


def escape(text: str) -> str:
    """For XML and HTML, in elements and in quoted attributes. The text has no character that XML forbids."""
    out = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return out.replace('"', "&quot;").replace("'", "&#39;")


def clean(text: str, limit: int = 200) -> str:
    """One line; controls and marks that reorder text come out as escapes that are seen."""
    return show(text, limit)


def drawable(text: str) -> bool:
    """Whether every renderer writes it as it should be, once cleaned: letter after letter, from left to right."""
    return not any(
        unicodedata.category(char) in ("Mn", "Me")
        or any(first <= ord(char) < last for first, last in _SHAPED)
        for char in clean(text)
    )


def drawn(text: str, limit: int) -> str:
    """A text as it may be drawn: cleaned, or where to find it."""
    return clean(text, limit) if drawable(text) else "(in the table)"


def direction(text: str) -> str:
    """``rtl`` or ``ltr``, by the first letter that has one (UAX 9, P2 and P3)."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


def units(text: str) -> int:
    """How wide it is, in halves of a wide character."""
    return sum(2 if unicodedata.east_asian_width(char) in ("W", "F") else 1 for char in text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` units, cut at spaces where there are any."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if units(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        while units(word) > width:
            cut = width
            while units(word[:cut]) > width:
                cut -= 1
            lines.append(word[: max(1, cut)])
            word = word[max(1, cut) :]
        line = word
    lines.append(line)
    return lines


def blocks(address: str, each: int = 6) -> list[str]:
    """A whole address in blocks of 4, ``each`` blocks a line: short forms are what poisoning lives on."""
    parts = [address[at : at + 4] for at in range(0, len(address), 4)]
    return [" ".join(parts[at : at + each]) for at in range(0, len(parts), each)] or [""]
