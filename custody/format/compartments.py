"""Compartments: the closed list of sealed parts, and the shape of what stands in each.

What could harm or tell stands only here. Every fact that somebody states is a field that may be
absent: absent reads as "not stated", never as a default.
"""

from __future__ import annotations

from typing import Any

from custody.format.shape import BOOLEAN, DIGEST, ID, INTEGER, Shape, choice, list_of, record, text
from custody.format.text import from_base64, to_base64

HANDLING_FLAGS = (
    "unassessed",
    "victim-identity",
    "child",
    "suspected-csam",
    "intimate-image",
    "special-category",
    "privileged",
    "may-incriminate-survivor",
    "shelter-location",
    "distressing",
)

SOURCE_KINDS = (
    "device",
    "account",
    "url",
    "provider-reply",
    "person",
    "public-ledger",
    "file",
    "hand-entered",
)

COPY_GRADES = (
    "on-the-device",
    "exported-by-the-app",
    "received-through-a-messenger",
    "photo-of-a-screen",
    "print",
)

SERIES_ORDERS = ("by-name", "by-the-times-shown", "as-handed-over", "not-known")
"""How the pictures of a series follow each other: somebody's claim, never the program's."""

NAME_TEXT = {
    "description": "a name exactly as found: text when it is Unicode, else its bytes and the encoding they came in",
    "anyOf": [
        record({"text": {"type": "string", "maxLength": 65_536}}),
        record(
            {
                "bytes": {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$", "maxLength": 90_000},
                "encoding": text(40),
            }
        ),
    ],
}

_FACT = text(8_192)

COMPARTMENTS: dict[str, Shape] = {
    "content": record(
        {
            "digests": {
                "type": "object",
                "properties": {"sha256": DIGEST},
                "required": ["sha256"],
                "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{32,128}$"},
                "description": "digests at intake, over the bytes as found; sha256 always",
            },
            "size": INTEGER,
            "media_type": text(200),
            "media_type_from": text(
                80, description="signature, structure, libmagic and its version, or unknown"
            ),
        },
        {
            "flags": list_of(text(60), most=32),
            "expected": record({"sha256": DIGEST, "match": BOOLEAN}),
            "trees": {"type": "object", "description": "roots of content trees (messages, records), by name"},
        },
    ),
    "name": record(
        {"name": NAME_TEXT},
        {
            "path": {
                **NAME_TEXT,
                "description": "from the folder or file on that was named; what lies above it stands in `place`",
            },
            "times": {
                "type": "object",
                "properties": {"modified": text(40), "changed": text(40), "created": text(40)},
                "additionalProperties": False,
                "description": "file times as the file system states them, nanoseconds since 1970 as text",
            },
        },
    ),
    "capture": record(
        {},
        {
            "method": _FACT,
            "tool": _FACT,
            "tool_settings": _FACT,
            "started": text(40),
            "ended": text(40),
            "offset": text(10, description="local offset from UTC while collecting, ±hh:mm"),
            "clock": _FACT,
            "changes": _FACT,
            "original_untouched": _FACT,
            "completeness": _FACT,
            "encryption": _FACT,
            "copy_grade": choice(*COPY_GRADES),
            "taken_by_role": _FACT,
            "taken_at": _FACT,
            "shown_in": _FACT,
            "series_order": choice(*SERIES_ORDERS),
            "series_order_by": _FACT,
            "description": _FACT,
            "count": INTEGER,
            "refused": INTEGER,
            "reasons": {"type": "object", "additionalProperties": INTEGER, "maxProperties": 64},
            "collector_role": _FACT,
            "collector_training": _FACT,
            "others_present": _FACT,
            "time_zone": text(64),
            "format": text(64),
            "sealed_at": text(40),
            "sealed_by": text(200),
            "egress": _FACT,
            "not_stated": list_of(text(60), most=64),
        },
    ),
    "source": record(
        {},
        {
            "kind": choice(*SOURCE_KINDS),
            "text": _FACT,
            "device": _FACT,
            "account": _FACT,
            "number": _FACT,
            "url": _FACT,
            "txid": _FACT,
            "time_zone": text(64),
            "clock": _FACT,
        },
    ),
    "place": record(
        {},
        {
            "text": _FACT,
            "egress": _FACT,
            "folders": {
                **list_of(NAME_TEXT, most=256, unique=False),
                "description": "folders on the collecting machine that the items' paths begin in",
            },
        },
    ),
    "identity": record(
        {},
        {
            "name": _FACT,
            "role": _FACT,
            "organisation": _FACT,
            "taken_by": _FACT,
            "persons": list_of(record({"name": _FACT}, {"role": _FACT, "text": _FACT}), most=256),
            "text": _FACT,
        },
    ),
    "legal": record(
        {},
        {
            "basis": _FACT,
            "authority": _FACT,
            "reference": _FACT,
            "consent": _FACT,
            "data_category": _FACT,
            "court_exhibit": _FACT,
            "decision": _FACT,
            "text": _FACT,
        },
    ),
    "handling": record({"flags": list_of(choice(*HANDLING_FLAGS), most=len(HANDLING_FLAGS), least=1)}),
    "title": record({}, {"ref": text(200), "title": _FACT, "organisation": _FACT}),
    "purpose": record(
        {},
        {
            "text": _FACT,
            "recipient": _FACT,
            "passphrase": text(200),
            "package": {**ID, "description": "the package that was written again"},
            "path": NAME_TEXT,
            "shown": list_of(text(40), most=32),
        },
    ),
    "note": record(
        {},
        {
            "text": text(16_384),
            "refused": list_of(record({"name": NAME_TEXT, "reason": text(400)}), most=4_096, unique=False),
            "refused_more": INTEGER,
        },
    ),
}


def form_fields() -> dict[str, tuple[str, ...]]:
    """The fields of an acquisition that a person states, by compartment, in the order they are asked."""
    return {
        "capture": (
            "description",
            "method",
            "collector_role",
            "collector_training",
            "others_present",
            "original_untouched",
            "changes",
            "completeness",
            "clock",
            "time_zone",
            "encryption",
            "copy_grade",
            "taken_by_role",
            "taken_at",
            "shown_in",
            "series_order",
            "series_order_by",
        ),
        "source": ("kind", "text", "device", "account", "number", "url", "time_zone", "clock"),
        "place": ("text", "egress"),
        "legal": ("basis", "authority", "reference", "consent", "data_category"),
        "identity": ("text", "taken_by"),
        "note": ("text",),
    }


def name_value(raw: bytes, encoding: str = "filesystem bytes") -> dict[str, Any]:
    """A name as found: {text} when the bytes are UTF-8, else {bytes, encoding}."""
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"bytes": to_base64(raw), "encoding": encoding}


def name_bytes(value: dict[str, Any]) -> bytes:
    """The bytes of a name as found."""
    if "text" in value:
        return str(value["text"]).encode("utf-8")
    return from_base64(value["bytes"], where="name")
