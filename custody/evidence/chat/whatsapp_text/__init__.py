"""WhatsApp's "Export chat": a text file, alone or in a zip with its media (docs/reference/chats/whatsapp-text.md)."""

from __future__ import annotations

from custody.evidence.chat.reader import Reader
from custody.evidence.chat.whatsapp_text.detecting import detect
from custody.evidence.chat.whatsapp_text.file import read

READER = Reader(
    name="whatsapp-text",
    version=1,
    title="WhatsApp, exported chat (text, or zip with media)",
    zone="none: the clock of the phone that made the export",
    detect=detect,
    read=read,
    contains=(
        "text, sender's name as the phone showed it, date and time to the minute (Android) or second (iPhone)",
        "media that were exported with it, by name; polls with their votes, places, calls, deleted messages' marks",
        "events: members, names, numbers and settings that changed",
    ),
    never=(
        "time zone",
        "replies and what they quote",
        "reactions",
        "whether a message was delivered, read, starred or forwarded",
        "what an edited message said before, and when it was edited",
        "what a deleted message said",
        "phone numbers of people who are in the exporter's contacts",
        "an identity of the chat, of a message or of the exporter",
    ),
    asks=("time_zone", "date_order"),
)
