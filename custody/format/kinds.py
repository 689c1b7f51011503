"""The kinds of entries: one table, from which docs, schemas and what `append` accepts are made.

For each kind: what it is about, its public fields, its compartments, and the right that its actor
needs. Kinds marked ``draft`` are reserved: `append` refuses them, and `verify` reads them as made by
a newer custody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.errors import FormatError
from custody.format import shape
from custody.format.compartments import COMPARTMENTS
from custody.format.shape import (
    BASE64,
    BOOLEAN,
    DIGEST,
    EXHIBIT_LABEL,
    ID,
    INTEGER,
    ITEM_LABEL,
    ORIGIN,
    TIME,
    Shape,
    choice,
    list_of,
    or_null,
    record,
    text,
)
from custody.format.text import show

SUBJECTS = ("ledger", "case", "exhibit", "item", "person", "request")

LEDGER_RIGHTS = ("admin", "seal", "collect", "audit")
CASE_RIGHTS = ("collect", "read", "export", "transfer", "dispose")
ALL_RIGHTS = ("admin", "seal", "collect", "audit", "read", "export", "transfer", "dispose")
CLASSES = ("object", "record", "identity", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table."""

    name: str
    subject: tuple[str, ...]
    public: Shape
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    """Rights that the actor needs, all of them; "any" = every custodian in force; () = the genesis."""
    approvals: int = 0
    """How many approvals stand in the entry."""
    draft: bool = False
    about: str = ""

    def check(
        self,
        *,
        subject: str,
        public: Mapping[str, Any],
        sealed: Mapping[str, Any],
        approvals: int,
        where: str,
        newer: list[str] | None = None,
    ) -> None:
        """Raise FormatError unless fields and compartments are exactly what the table has.

        A reader gives ``newer`` (see `shape.check`): what only a later version can have put there goes
        into it instead of being an error.
        """
        if subject not in self.subject:
            raise FormatError(
                "another subject than this kind has",
                where=where,
                expected=" or ".join(self.subject),
                found=subject,
            )
        shape.check(dict(public), self.public, where=f"{where}, public", newer=newer)
        for name in self.required:
            if name not in sealed:
                raise FormatError("a compartment is missing", where=where, expected=name)
        for name in sealed:
            if name not in self.required and name not in self.optional:
                if newer is None:
                    raise FormatError(
                        "a compartment that this kind does not have", where=where, found=show(name, 40)
                    )
                newer.append(f"{where}, part {show(name, 40)}")
        if approvals != self.approvals:
            raise FormatError(
                "another number of approvals", where=where, expected=str(self.approvals), found=str(approvals)
            )


_CUSTODIAN: dict[str, Shape] = {
    "sign_key": BASE64,
    "wrap_key": or_null(BASE64),
    "rights": list_of(choice(*ALL_RIGHTS), most=8),
}
_LOG_KEY = record({"alg": choice("ed25519", "ml-dsa-44"), "key": BASE64})
_HEAD = record({"n": INTEGER, "leaf": DIGEST})
_FROM = {"from": record({"ledger": ORIGIN, "n": INTEGER, "leaf": DIGEST})}
_ITEM: dict[str, Shape] = {
    "exhibit": ID,
    "acquisition": INTEGER,
    "label": ITEM_LABEL,
    "object": or_null(record({"id": DIGEST, "size": INTEGER})),
    "wrapped_to": list_of(DIGEST, most=512),
}
_ITEM_PARTS = ("capture", "source", "place", "identity", "legal", "note")
_GENESIS: dict[str, Shape] = {
    "rules": {"const": 1},
    "log_keys": list_of(_LOG_KEY, least=2, most=2),
    "custodian": record(_CUSTODIAN),
    "recovery": choice("sheet", "custodian", "none"),
    "certificate": or_null(DIGEST),
    "predecessor": or_null(record({"origin": ORIGIN, "size": INTEGER, "root": DIGEST, "note": DIGEST})),
}
_STAMP: dict[str, Shape] = {
    "size": INTEGER,
    "note": DIGEST,
    "token": DIGEST,
    "root": or_null(DIGEST),
    "test": BOOLEAN,
}
_AUTHORITY = record(
    {"url": text(2048), "roots": list_of(DIGEST, most=16), "policies": list_of(text(128), most=16)}
)
_NOTHING = record({})

PURPOSE_CODES = ("examination", "disclosure", "translation", "maintenance", "again", "other")

_ALL = (
    Kind(
        name="ledger.created",
        subject=("ledger",),
        public=record(_GENESIS),
        required=("identity",),
        optional=("title",),
        approvals=1,
        about="entry 0: the log keys, the first custodian, and how the locker can be recovered",
    ),
    Kind(
        name="ledger.continued",
        subject=("ledger",),
        public=record(_GENESIS),
        required=("identity",),
        optional=("title",),
        approvals=1,
        draft=True,
        about="entry 0 of a successor, which names its predecessor",
    ),
    Kind(
        name="ledger.key_added",
        subject=("ledger",),
        public=record({"alg": choice("ed25519", "ml-dsa-44"), "key": BASE64}),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key joins the set",
    ),
    Kind(
        name="ledger.key_retired",
        subject=("ledger",),
        public=record({"alg": choice("ed25519", "ml-dsa-44"), "key": BASE64}),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key leaves the set",
    ),
    Kind(
        name="ledger.key_compromised",
        subject=("ledger",),
        public=record({"alg": choice("ed25519", "ml-dsa-44"), "key": BASE64, "since": TIME}),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key is in other hands since a time",
    ),
    Kind(
        name="ledger.checked",
        subject=("ledger",),
        public=record({"size": INTEGER, "root": DIGEST, "result": choice("started", "passed", "failed")}),
        optional=("note",),
        right=("any",),
        about="somebody checks the whole locker",
    ),
    Kind(
        name="custodian.added",
        subject=("ledger",),
        public=record({**_CUSTODIAN, "all_cases": BOOLEAN, "unattended": BOOLEAN, "recovery": BOOLEAN}),
        required=("identity",),
        optional=("note",),
        right=("admin",),
        approvals=1,
        about="a person's key joins, with ledger-wide rights; the key's own public key file stands in the approvals",
    ),
    Kind(
        name="custodian.retired",
        subject=("ledger",),
        public=record({"key_id": DIGEST}),
        optional=("note",),
        right=("admin",),
        about="a person's key is no longer used",
    ),
    Kind(
        name="custodian.compromised",
        subject=("ledger",),
        public=record({"key_id": DIGEST, "since": TIME}),
        optional=("note",),
        right=("admin",),
        about="a person's key is in other hands since a time",
    ),
    Kind(
        name="policy.set",
        subject=("ledger",),
        public=record(
            {"authorities": list_of(_AUTHORITY, most=16), "settings": {"type": "object", "maxProperties": 64}}
        ),
        right=("admin",),
        about="which timestamp authorities are asked, and other settings",
    ),
    Kind(
        name="checkpoint.timestamped",
        subject=("ledger",),
        public=record(_STAMP),
        right=("seal",),
        about="a token over a log note was received and checked",
    ),
    Kind(
        name="timestamp.renewed",
        subject=("ledger",),
        public=record(_STAMP),
        right=("seal",),
        draft=True,
        about="older tokens are renewed before they weaken",
    ),
    Kind(
        name="case.opened",
        subject=("case",),
        public=_NOTHING,
        required=("title",),
        optional=("legal", "note"),
        right=("collect",),
        about="a case begins; who opens it has all rights in it",
    ),
    Kind(
        name="case.closed",
        subject=("case",),
        public=_NOTHING,
        optional=("note",),
        right=("collect",),
        about="nothing more is expected; the case stays readable",
    ),
    Kind(
        name="case.extended",
        subject=("case",),
        public=record(
            {"exhibit": ID, "items": INTEGER, "derived": INTEGER, "received": INTEGER, "registered": INTEGER}
        ),
        right=("collect",),
        about="how many items the entries just before it added to an exhibit",
    ),
    Kind(
        name="case.reduced",
        subject=("case",),
        public=record({"exhibit": ID, "items": INTEGER}),
        required=("legal",),
        right=("dispose",),
        draft=True,
        about="how many items were disposed of, and on whose decision",
    ),
    Kind(
        name="case.consulted",
        subject=("case",),
        public=record(
            {
                "what": choice("names", "log", "todo", "titles", "export"),
                "result": choice("opened", "refused"),
                "exhibits": {"anyOf": [{"const": "all"}, list_of(ID, most=512)]},
            }
        ),
        optional=("purpose",),
        right=("read",),
        about="somebody opened compartments of many subjects of this case",
    ),
    Kind(
        name="access.granted",
        subject=("case",),
        public=record(
            {
                "key_id": DIGEST,
                "rights": list_of(choice(*CASE_RIGHTS), most=5, least=1),
                "classes": list_of(choice(*CLASSES), most=4),
            }
        ),
        optional=("note",),
        right=("admin",),
        about="a custodian may do more in this case",
    ),
    Kind(
        name="access.revoked",
        subject=("case",),
        public=record(
            {
                "key_id": DIGEST,
                "rights": list_of(choice(*CASE_RIGHTS), most=5, least=1),
                "classes": list_of(choice(*CLASSES), most=4),
            }
        ),
        optional=("note",),
        right=("admin",),
        about="a custodian may do less in this case from now on",
    ),
    Kind(
        name="exhibit.acquired",
        subject=("exhibit",),
        public=record({"label": EXHIBIT_LABEL, "act": choice("files", "standard-input", "hand-entered")}),
        required=("capture",),
        optional=("source", "place", "identity", "legal", "note"),
        right=("collect",),
        about="an acquisition begins: how, from where, by whom, on what ground",
    ),
    Kind(
        name="exhibit.completed",
        subject=("exhibit",),
        public=record({"acquisition": INTEGER, "items": INTEGER, "refused": INTEGER, "interrupted": BOOLEAN}),
        required=("capture",),
        optional=("note",),
        right=("collect",),
        about="an acquisition ends: which one, how many items came in by it, what was refused",
    ),
    Kind(
        name="item.collected",
        subject=("item",),
        public=record(_ITEM, _FROM),
        required=("content", "name", "handling"),
        optional=_ITEM_PARTS,
        right=("collect",),
        about="one file or reference came in",
    ),
    Kind(
        name="item.registered",
        subject=("item",),
        public=record(_ITEM, _FROM),
        required=("content", "name", "handling"),
        optional=_ITEM_PARTS,
        right=("collect",),
        draft=True,
        about="a digest was logged; the content was not kept",
    ),
    Kind(
        name="item.derived",
        subject=("item",),
        public=record(_ITEM, _FROM),
        required=("content", "name", "handling"),
        optional=_ITEM_PARTS,
        right=("collect",),
        draft=True,
        about="a working copy, translation or parsed form of an item",
    ),
    Kind(
        name="item.received",
        subject=("item",),
        public=record(
            {
                "exhibit": ID,
                "acquisition": INTEGER,
                "label": ITEM_LABEL,
                "wrapped_to": list_of(DIGEST, most=512),
            }
        ),
        optional=("content", "name", "handling", *_ITEM_PARTS),
        right=("collect",),
        draft=True,
        about="the same bytes came in again from another source",
    ),
    Kind(
        name="item.accessed",
        subject=("item",),
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
        subject=("item",),
        public=record({"type": choice("note", "relation", "search", "mark", "completes")}),
        required=("note",),
        right=("read",),
        draft=True,
        about="an examination note or a relation to another item",
    ),
    Kind(
        name="item.corrected",
        subject=("item",),
        public=record({"fields": list_of(text(60), most=64)}),
        optional=("content", "name", "handling", *_ITEM_PARTS),
        right=("collect",),
        draft=True,
        about="a wrong statement is put right; the wrong entry stays legible",
    ),
    Kind(
        name="item.exported",
        subject=("item",),
        public=_NOTHING,
        right=("export",),
        about="the item is in the package of the same group",
    ),
    Kind(
        name="package.made",
        subject=("case",),
        public=record(
            {
                "package": ID,
                "form": choice("bag/1", "asic/1"),
                "contents": DIGEST,
                "items": INTEGER,
                "withheld": {
                    "type": "object",
                    "propertyNames": choice(*COMPARTMENTS),
                    "additionalProperties": INTEGER,
                },
                "heads": record({"ledger": _HEAD, "case": _HEAD}),
                "shown": DIGEST,
            }
        ),
        required=("purpose",),
        right=("export", "seal"),
        about="a package was made: what it contains, what it withholds, where the histories stood",
    ),
    Kind(
        name="item.disposed",
        subject=("item",),
        public=record({"ground": text(60), "provision": text(60), "method": text(60)}),
        right=("dispose",),
        draft=True,
        about="the item's keys were destroyed",
    ),
    Kind(
        name="hold.placed",
        subject=("case", "item"),
        public=_NOTHING,
        optional=("legal", "note"),
        right=("dispose",),
        draft=True,
        about="a do-not-delete order",
    ),
    Kind(
        name="hold.released",
        subject=("case", "item"),
        public=_NOTHING,
        optional=("legal", "note"),
        right=("dispose",),
        draft=True,
        about="a do-not-delete order ends",
    ),
    Kind(
        name="retention.set",
        subject=("case", "item"),
        public=record({"until": or_null(TIME)}),
        optional=("legal", "note"),
        right=("dispose",),
        draft=True,
        about="how long something is kept",
    ),
    Kind(
        name="transfer.offered",
        subject=("item",),
        public=_NOTHING,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is offered",
    ),
    Kind(
        name="transfer.received",
        subject=("item",),
        public=record({}, _FROM),
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is acknowledged",
    ),
    Kind(
        name="transfer.refused",
        subject=("item",),
        public=_NOTHING,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over is refused",
    ),
    Kind(
        name="transfer.closed",
        subject=("item",),
        public=_NOTHING,
        optional=("purpose", "note"),
        right=("transfer",),
        draft=True,
        about="a hand-over ends without receipt",
    ),
    Kind(
        name="person.recorded",
        subject=("person",),
        public=_NOTHING,
        optional=("identity", "note"),
        right=("collect",),
        draft=True,
        about="a person that items refer to",
    ),
    Kind(
        name="consent.recorded",
        subject=("person",),
        public=_NOTHING,
        optional=("identity", "legal", "note"),
        right=("collect",),
        draft=True,
        about="what a person agreed to",
    ),
    Kind(
        name="consent.withdrawn",
        subject=("person",),
        public=_NOTHING,
        optional=("identity", "legal", "note"),
        right=("collect",),
        draft=True,
        about="what a person takes back",
    ),
    Kind(
        name="request.recorded",
        subject=("request",),
        public=_NOTHING,
        optional=("legal", "note"),
        right=("collect",),
        draft=True,
        about="a question to a provider or an authority",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}


def known(name: str) -> bool:
    """True for the kinds that this version writes and checks."""
    return name in KINDS and not KINDS[name].draft
