"""What mail contains and never contains, in words for the table of formats."""

from __future__ import annotations

ZONE = "the sender's offset, written in each Date; the topmost Received as a second time"
CONTAINS = (
    "all headers, doubled ones too",
    "text and HTML as text",
    "attachments",
    "message ids and references",
    "facts about signatures (DKIM, ARC): checkable, not checked",
)
NEVER = (
    "whether a mail was read, or by whom",
    "blind copies in what recipients got",
    "proof that the sender named in From sent it: anybody can write any name there",
    "proof that Date is true: it is what the sender's machine said",
)
