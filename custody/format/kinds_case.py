"""The kinds of entries about a case, its exhibits, and the persons and requests in it."""

from __future__ import annotations

from custody.format.compartments import COMPARTMENTS
from custody.format.kind import CASE_RIGHTS, CLASSES, Kind
from custody.format.shape import (
    BOOLEAN,
    DIGEST,
    EXHIBIT_LABEL,
    ID,
    INTEGER,
    TIME,
    choice,
    list_of,
    or_null,
    record,
)

CASE = ("case",)
EXHIBIT = ("exhibit",)
PERSON = ("person",)
_HEAD = record({"n": INTEGER, "leaf": DIGEST})
_GRANT = record(
    {
        "key_id": DIGEST,
        "rights": list_of(choice(*CASE_RIGHTS), most=5, least=1),
        "classes": list_of(choice(*CLASSES), most=4),
    }
)

ABOUT_CASE = (
    Kind(
        name="case.opened",
        subject=CASE,
        required=("title",),
        optional=("legal", "note"),
        right=("collect",),
        about="a case begins; who opens it has all rights in it",
    ),
    Kind(
        name="case.closed",
        subject=CASE,
        optional=("note",),
        right=("collect",),
        about="nothing more is expected; the case stays readable",
    ),
    Kind(
        name="case.extended",
        subject=CASE,
        public=record(
            {"exhibit": ID, "items": INTEGER, "derived": INTEGER, "received": INTEGER, "registered": INTEGER}
        ),
        right=("collect",),
        about="how many items the entries just before it added to an exhibit",
    ),
    Kind(
        name="case.reduced",
        subject=CASE,
        public=record({"exhibit": ID, "items": INTEGER}),
        required=("legal",),
        right=("dispose",),
        draft=True,
        about="how many items were disposed of, and on whose decision",
    ),
    Kind(
        name="case.consulted",
        subject=CASE,
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
        subject=CASE,
        public=_GRANT,
        optional=("note",),
        right=("admin",),
        about="a custodian may do more in this case",
    ),
    Kind(
        name="access.revoked",
        subject=CASE,
        public=_GRANT,
        optional=("note",),
        right=("admin",),
        about="a custodian may do less in this case from now on",
    ),
    Kind(
        name="exhibit.acquired",
        subject=EXHIBIT,
        public=record({"label": EXHIBIT_LABEL, "act": choice("files", "standard-input", "hand-entered")}),
        required=("capture",),
        optional=("source", "place", "identity", "legal", "note"),
        right=("collect",),
        about="an acquisition begins: how, from where, by whom, on what ground",
    ),
    Kind(
        name="exhibit.completed",
        subject=EXHIBIT,
        public=record({"acquisition": INTEGER, "items": INTEGER, "refused": INTEGER, "interrupted": BOOLEAN}),
        required=("capture",),
        optional=("note",),
        right=("collect",),
        about="an acquisition ends: which one, how many items came in by it, what was refused",
    ),
    Kind(
        name="package.made",
        subject=CASE,
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
        name="hold.placed",
        subject=("case", "item"),
        optional=("legal", "note"),
        right=("dispose",),
        draft=True,
        about="a do-not-delete order",
    ),
    Kind(
        name="hold.released",
        subject=("case", "item"),
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
        name="person.recorded",
        subject=PERSON,
        optional=("identity", "note"),
        right=("collect",),
        draft=True,
        about="a person that items refer to",
    ),
    Kind(
        name="consent.recorded",
        subject=PERSON,
        optional=("identity", "legal", "note"),
        right=("collect",),
        draft=True,
        about="what a person agreed to",
    ),
    Kind(
        name="consent.withdrawn",
        subject=PERSON,
        optional=("identity", "legal", "note"),
        right=("collect",),
        draft=True,
        about="what a person takes back",
    ),
    Kind(
        name="request.recorded",
        subject=("request",),
        optional=("legal", "note"),
        right=("collect",),
        draft=True,
        about="a question to a provider or an authority",
    ),
)
