"""The kinds of entries about the ledger: its keys, its custodians, its policy, its times."""

from __future__ import annotations

from custody.format.kind import ALL_RIGHTS, Kind
from custody.format.shape import (
    BASE64,
    BOOLEAN,
    DIGEST,
    ID,
    INTEGER,
    ORIGIN,
    TIME,
    Shape,
    choice,
    list_of,
    or_null,
    record,
    text,
)

LEDGER = ("ledger",)
_CUSTODIAN: dict[str, Shape] = {
    "sign_key": BASE64,
    "wrap_key": or_null(BASE64),
    "rights": list_of(choice(*ALL_RIGHTS), most=8),
}
_KEY: dict[str, Shape] = {"alg": choice("ed25519", "ml-dsa-44"), "key": BASE64}
_GENESIS: dict[str, Shape] = {
    "rules": {"const": 1},
    "log_keys": list_of(record(_KEY), least=2, most=2),
    "custodian": record(_CUSTODIAN),
    "recovery": choice("sheet", "custodian", "none"),
    "certificate": or_null(DIGEST),
}
_PREDECESSOR: dict[str, Shape] = {
    "origin": ORIGIN,
    "size": INTEGER,
    "root": DIGEST,
    "note": or_null(DIGEST),
    "n": INTEGER,
    "leaf": DIGEST,
}
"""The volume before: its tree, its newest log note, and the last entry about its ledger."""
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

ABOUT_LEDGER = (
    Kind(
        name="ledger.created",
        subject=LEDGER,
        public=record({**_GENESIS, "predecessor": {"type": "null"}}),
        required=("identity",),
        optional=("title",),
        approvals=1,
        about="entry 0: the log keys, the first custodian, and how the locker can be recovered",
    ),
    Kind(
        name="ledger.continued",
        subject=LEDGER,
        public=record({**_GENESIS, "predecessor": record(_PREDECESSOR)}),
        required=("identity",),
        optional=("title",),
        approvals=1,
        about="entry 0 of a volume that goes on from a restored one, which it names; by whom, with which rights",
    ),
    Kind(
        name="ledger.key_added",
        subject=LEDGER,
        public=record(_KEY),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key joins the set",
    ),
    Kind(
        name="ledger.key_retired",
        subject=LEDGER,
        public=record(_KEY),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key leaves the set",
    ),
    Kind(
        name="ledger.key_compromised",
        subject=LEDGER,
        public=record({**_KEY, "since": TIME}),
        optional=("note",),
        right=("admin",),
        draft=True,
        about="a log key is in other hands since a time",
    ),
    Kind(
        name="ledger.checked",
        subject=LEDGER,
        public=record({"size": INTEGER, "root": DIGEST, "result": choice("started", "passed", "failed")}),
        optional=("note",),
        right=("any",),
        about="somebody checks the whole locker",
    ),
    Kind(
        name="ledger.backed_up",
        subject=LEDGER,
        public=record(
            {
                "backup": ID,
                "size": INTEGER,
                "result": choice("started", "written"),
                "sha256": or_null(DIGEST),
            }
        ),
        right=("any",),
        about="a copy of everything, encrypted, left the locker",
    ),
    Kind(
        name="recovery.tried",
        subject=LEDGER,
        right=("any",),
        about="the recovery sheet's words were typed in and opened something; by the sheet's own key",
    ),
    Kind(
        name="custodian.added",
        subject=LEDGER,
        public=record({**_CUSTODIAN, "all_cases": BOOLEAN, "unattended": BOOLEAN, "recovery": BOOLEAN}),
        required=("identity",),
        optional=("note",),
        right=("admin",),
        approvals=1,
        about="a person's key joins, with ledger-wide rights; the key's own public key file stands in the approvals",
    ),
    Kind(
        name="custodian.retired",
        subject=LEDGER,
        public=record({"key_id": DIGEST}),
        optional=("note",),
        right=("admin",),
        about="a person's key is no longer used",
    ),
    Kind(
        name="custodian.compromised",
        subject=LEDGER,
        public=record({"key_id": DIGEST, "since": TIME}),
        optional=("note",),
        right=("admin",),
        about="a person's key is in other hands since a time",
    ),
    Kind(
        name="policy.set",
        subject=LEDGER,
        public=record(
            {"authorities": list_of(_AUTHORITY, most=16), "settings": {"type": "object", "maxProperties": 64}}
        ),
        right=("admin",),
        about="which timestamp authorities are asked, and other settings",
    ),
    Kind(
        name="checkpoint.timestamped",
        subject=LEDGER,
        public=record(_STAMP),
        right=("seal",),
        about="a token over a log note was received and checked",
    ),
    Kind(
        name="timestamp.renewed",
        subject=LEDGER,
        public=record(_STAMP),
        right=("seal",),
        draft=True,
        about="older tokens are renewed before they weaken",
    ),
)
