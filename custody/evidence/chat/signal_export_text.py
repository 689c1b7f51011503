"""The text that the program signal-export writes from Signal Desktop (docs/reference/chats/signal-export-text.md).

Its lines are those of a WhatsApp file in one layout, ``[2020-01-17, 21:49] Name: text``; its text is kept as it
stands, Markdown and all.
"""

from __future__ import annotations

from collections.abc import Iterator

from custody.evidence.chat.model import Record
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.whatsapp_text.detecting import head_of
from custody.evidence.chat.whatsapp_text.file import Dialect, read_as
from custody.evidence.chat.whatsapp_text.headers import Layout
from custody.evidence.chat.whatsapp_text.survey import find_layout
from custody.evidence.export import Export
from custody.evidence.reading import Detected, Settings

_DIALECT = Dialect(platform="signal", whatsapp=False)
_NAMES = (".md", ".txt")


def _is_ours(layout: Layout) -> bool:
    return (
        layout.bracket
        and layout.fields == ("y", "d")
        and layout.signs == ("-", "-")
        and layout.comma == ","
        and not (layout.seconds or layout.before or layout.after)
    )


def _detect(export: Export) -> Detected | None:
    texts = [one for one in export.members if one.base.lower().endswith(_NAMES)]
    for one in texts[:64] if export.zipped else export.members[:1]:
        found = find_layout(head_of(one).blocks)
        if found is not None and _is_ours(found[0]):
            reason = f"its lines begin {found[0]}, to the minute: as signal-export writes them"
            return Detected(score=70, reasons=(reason,), members=(one.index,))
    return None


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    yield from read_as(_DIALECT, export, detected, settings)


READER = Reader(
    name="signal-export-text",
    version=1,
    title="Signal, text written by the program signal-export",
    zone="none: the clock of the computer that made the export",
    detect=_detect,
    read=_read,
    contains=(
        "text, sender's name, date and time to the minute",
        "links to media, reactions and quotes as Markdown text",
    ),
    never=(
        "time zone",
        "an identity of a message, a person or the chat",
        "earlier versions of an edited message",
        "whether a message was delivered or read",
    ),
    asks=("time_zone",),
)
