"""Exports of any size for the bench: made up, the same bytes every time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

_TEXTS = (
    "ok",
    "Where are you?",
    "I am at the station, the train is late again, they say twenty minutes",
    "Čekaj me kod pošte 🙏",
    "Note: bring the keys (both)",
    "tomorrow then",
    "https://example.org/a/page?with=parameters",
    "First line of a longer message\nsecond line, after which nothing comes\n\nbut this",
    "<Media omitted>",
    "IMG-20220323-WA0002.jpg (file attached)\nthe house from outside",
    "😀😀😀",
    "You know that he said: never call this number. I have it written down somewhere, wait",
)
_PEOPLE = ("Synthetic Anna", "Synthetic Boris", "+00 000 000 0001", "Synthetic Đula")
_BLOCK = 20_000


def whatsapp_text(
    folder: Path, messages: int, *, name: str = "WhatsApp Chat with Synthetic Group.txt"
) -> Path:
    """An Android export of so many messages, ``DD.MM.YYYY, HH:MM - Name: text``: about 76 bytes a message."""
    path = folder / name
    start = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for first in range(0, messages, _BLOCK):
            file.write(
                "".join(
                    f"{start + dt.timedelta(minutes=3 * at):%d.%m.%Y, %H:%M} - "
                    f"{_PEOPLE[at * 7 // 3 % len(_PEOPLE)]}: {_TEXTS[at * 5 % len(_TEXTS)]}\n"
                    for at in range(first, min(first + _BLOCK, messages))
                )
            )
    return path
