"""The readers of chats: one line each. What is here is tested and documented (tests/test_chats.py holds it)."""

from __future__ import annotations

from custody.errors import InputRefused
from custody.evidence.chat import (
    discord_json,
    meta_html,
    meta_json,
    meta_return,
    signal_jsonl,
    snapchat_json,
    telegram_html,
    telegram_json,
    tiktok_json,
)
from custody.evidence.chat.mail import eml, mbox
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.signal_export_text import READER as SIGNAL_EXPORT_TEXT
from custody.evidence.chat.sms import xml as sms_xml
from custody.evidence.chat.table import reader as table
from custody.evidence.chat.whatsapp_text import READER as WHATSAPP_TEXT
from custody.evidence.claims import claims as all_claims
from custody.evidence.claims import surest
from custody.evidence.export import Export
from custody.evidence.reading import Detected

READERS: tuple[Reader, ...] = (
    WHATSAPP_TEXT,
    meta_json.READER,
    meta_html.READER,
    telegram_json.READER,
    telegram_html.READER,
    signal_jsonl.READER,
    SIGNAL_EXPORT_TEXT,
    sms_xml.READER,
    eml.READER,
    mbox.READER,
    meta_return.READER,
    discord_json.READER,
    tiktok_json.READER,
    snapchat_json.READER,
    table.READER,
)
UNMISTAKABLE = 90


def named(name: str) -> Reader:
    """The reader of that name, or InputRefused."""
    for reader in READERS:
        if reader.name == name:
            return reader
    raise InputRefused(
        "there is no reader of this name",
        where="--format",
        expected=", ".join(reader.name for reader in READERS),
        found=name,
        hint="custody formats tells what each reads",
    )


def claims(export: Export) -> list[tuple[Reader, Detected]]:
    """The readers that claim an export, the surest first; see `custody.evidence.claims`."""
    return all_claims(READERS, export)


def choose(export: Export) -> tuple[Reader, Detected] | None:
    """The one reader whose claim is surer than all others'; None where nobody claims it, or two alike."""
    return surest(READERS, export)
