"""The kinds of entries about an item: how it came in, who opened it, where it went."""

from __future__ import annotations

from custody.format.kind import Kind
from custody.format.shape import (
    BOOLEAN,
    DIGEST,
    ID,
    INTEGER,
    ITEM_LABEL,
    Shape,
    choice,
    list_of,
    or_null,
    record,
    text,
)

ITEM = ("item",)

PURPOSE_CODES = ("examination", "disclosure", "translation", "maintenance", "again", "other")

_ITEM: dict[str, Shape] = {
    "exhibit": ID,
    "acquisition": INTEGER,
    "label": ITEM_LABEL,
    "object": or_null(record({"id": DIGEST, "size": INTEGER})),
    "wrapped_to": list_of(DIGEST, most=512),
}
_ITEM_PARTS = ("capture", "source", "place", "identity", "legal", "note")

ABOUT_ITEM = (
    Kind(
        name="item.collected",
        subject=ITEM,
        public=record(_ITEM),
        required=("content", "name", "handling"),
        optional=_ITEM_PARTS,
        right=("collect",),
        about="one file or reference came in",
    ),
    Kind(
        name="item.registered",
        subject=ITEM,
        public=record({**_ITEM, "object": {"type": "null"}}),
        required=("content", "name", "handling"),
        optional=_ITEM_PARTS,
        right=("collect",),
        about="only the digest of a file was logged; its content was kept nowhere",
    ),
    Kind(
        name="item.derived",
        subject=ITEM,
        public=record({**_ITEM, "parent": ID, "part": or_null(INTEGER)}),
        required=("content", "name", "handling", "capture"),
        optional=tuple(name for name in _ITEM_PARTS if name != "capture"),
        right=("collect",),
        about="made from an item: its readable form (part null), or one of the files in it (part counts them from 0)",
    ),
    Kind(
        name="item.received",
        subject=ITEM,
        public=record(
            {
                "exhibit": ID,
                "acquisition": INTEGER,
                "label": ITEM_LABEL,
                "wrapped_to": list_of(DIGEST, most=512),
            }
        ),
        required=("content", "name", "source"),
        optional=("capture", "place", "identity", "legal", "handling", "note"),
        right=("collect",),
        about="the same bytes came in again, mostly from another source; nothing was stored twice",
    ),
    Kind(
        name="item.accessed",
        subject=ITEM,
        public=record(
            {
                "what": choice("content", "parts", "package"),
                "result": choice("opened", "refused", "closed"),
                "copy": BOOLEAN,
                "purpose": choice(*PURPOSE_CODES),
            }
        ),
        optional=("purpose",),
        right=("read",),
        about="somebody opened an item, was refused, or closed an open copy",
    ),
    Kind(
        name="item.noted",
        subject=ITEM,
        public=record({"type": choice("note", "relation", "search", "mark", "completes")}),
        required=("note",),
        right=("read",),
        draft=True,
        about="an examination note or a relation to another item",
    ),
    Kind(
        name="item.corrected",
        subject=ITEM,
        public=record({"fields": list_of(text(60), most=64)}),
        optional=("content", "name", "handling", *_ITEM_PARTS),
        right=("collect",),
        draft=True,
        about="a wrong statement is put right; the wrong entry stays legible",
    ),
    Kind(
        name="item.exported",
        subject=ITEM,
        right=("export",),
        about="the item is in the package of the same group",
    ),
    Kind(
        name="item.disposed",
        subject=ITEM,
        public=record({"ground": text(60), "provision": text(60), "method": text(60)}),
        right=("dispose",),
        draft=True,
        about="the item's keys were destroyed",
    ),
    Kind(
        name="transfer.offered",
        subject=ITEM,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is offered",
    ),
    Kind(
        name="transfer.received",
        subject=ITEM,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is acknowledged",
    ),
    Kind(
        name="transfer.refused",
        subject=ITEM,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is refused",
    ),
    Kind(
        name="transfer.closed",
        subject=ITEM,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over ends without receipt",
    ),
)
