"""Entries: what one signed line of the ledger says (docs/format/entry.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.errors import FormatError
from custody.format import canonical, envelope, kinds, shape
from custody.format.compartments import COMPARTMENTS
from custody.format.envelope import Envelope
from custody.format.shape import DIGEST, ID, INTEGER, ORIGIN, TIME, list_of, or_null, record, text
from custody.format.text import check_time, show

VERSION = 1

ENVELOPE_SHAPE = record(
    {
        "payload": shape.BASE64,
        "payloadType": text(200),
        "signatures": list_of(record({"keyid": DIGEST, "sig": shape.BASE64}), least=1, most=1),
    }
)

BODY_SHAPE = record(
    {
        "v": {"const": VERSION},
        "ledger": ORIGIN,
        "seq": INTEGER,
        "root": DIGEST,
        "kind": text(60),
        "actor": DIGEST,
        "subject": record(
            {"type": {"enum": list(kinds.SUBJECTS)}, "id": ID, "n": INTEGER, "prev": or_null(DIGEST)}
        ),
        "case": or_null(ID),
        "group": or_null(ID),
        "time": record(
            {
                "wall": TIME,
                "session": or_null({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
                "mono": or_null({"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})$"}),
            }
        ),
        "public": {"type": "object"},
        "sealed": {"type": "object", "additionalProperties": DIGEST},
        "approvals": list_of(ENVELOPE_SHAPE, most=16, unique=False),
    }
)


def _form(shape: shape.Shape) -> str:
    """How a text is spelled that can be null or has a form without quotes, backslashes and letters beyond ASCII."""
    null, text = shape.get("anyOf", (None, shape))
    return f'(?:{"" if null is None else "null|"}"{text["pattern"][1:-1]}")'


_NUMBER, _TIME = "(?:0|[1-9][0-9]{0,14})", BODY_SHAPE["properties"]["time"]["properties"]
_PLAIN = re.compile(
    rf"""\{{"actor":{_form(DIGEST)},"approvals":\[\],"case":{_form(or_null(ID))},"group":{_form(or_null(ID))},"""
    rf""""kind":"[a-z_.]{{1,60}}","ledger":{_form(ORIGIN)},"public":(?P<public>\{{.*\}}),"root":{_form(DIGEST)},"""
    rf""""sealed":(?P<sealed>\{{(?:"[a-z_]+":{_form(DIGEST)},?)*\}}),"seq":{_NUMBER},"subject":\{{"id":{_form(ID)},"n":{_NUMBER},"""
    rf""""prev":{_form(or_null(DIGEST))},"type":"(?:{"|".join(kinds.SUBJECTS)})"\}},"time":\{{"""
    rf""""mono":{_form(_TIME["mono"])},"session":{_form(_TIME["session"])},"wall":{_form(TIME)}\}},"v":{VERSION}\}}"""
)
"""Nearly all bodies as they are spelled: what does not stand in `public` or `sealed` has a form of its own."""


class NewerVersion(FormatError):
    """An entry whose ``v`` this version does not know: not checked, made by a newer custody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an entry is about: ``n`` counts the entries about it, ``prev`` is the leaf of the one before (hex)."""

    type: str
    id: str
    n: int
    prev: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The device's clocks: UTC to the millisecond, the boot session's tag, milliseconds in that session."""

    wall: str
    session: str | None
    mono: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The body of an entry. ``root``: hex root of the tree before it. ``sealed``: SHA-256 by compartment."""

    ledger: str
    seq: int
    root: str
    kind: str
    actor: str
    subject: Subject
    case: str | None
    group: str | None
    time: Time
    public: Mapping[str, Any]
    sealed: Mapping[str, str]
    approvals: tuple[Mapping[str, Any], ...] = ()

    def to_bytes(self) -> bytes:
        """The canonical JSON body, at most 64 KiB."""
        body = canonical.encode(self.to_value(), where=f"entry {self.seq}")
        if len(body) > canonical.MAX_BYTES:
            raise FormatError("an entry too long", where=f"entry {self.seq}", found=f"{len(body)} bytes")
        return body

    def to_value(self) -> dict[str, Any]:
        """The body as a JSON value."""
        subject, time = self.subject, self.time
        return {
            "v": VERSION,
            "ledger": self.ledger,
            "seq": self.seq,
            "root": self.root,
            "kind": self.kind,
            "actor": self.actor,
            "subject": {"type": subject.type, "id": subject.id, "n": subject.n, "prev": subject.prev},
            "case": self.case,
            "group": self.group,
            "time": {"wall": time.wall, "session": time.session, "mono": time.mono},
            "public": dict(self.public),
            "sealed": dict(self.sealed),
            "approvals": list(self.approvals),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Entry:
        """The entry of a value that has `BODY_SHAPE`; nothing is checked."""
        subject, time = value["subject"], value["time"]
        return cls(
            ledger=value["ledger"],
            seq=value["seq"],
            root=value["root"],
            kind=value["kind"],
            actor=value["actor"],
            subject=Subject(type=subject["type"], id=subject["id"], n=subject["n"], prev=subject["prev"]),
            case=value["case"],
            group=value["group"],
            time=Time(wall=time["wall"], session=time["session"], mono=time["mono"]),
            public=value["public"],
            sealed=value["sealed"],
            approvals=tuple(value["approvals"]),
        )

    @classmethod
    def from_bytes(cls, body: bytes, *, where: str) -> Entry:
        """The entry of a canonical body; FormatError, or NewerVersion when ``v`` is unknown.

        Only what holds for every kind of version 1 is checked here; `check_kind` holds the table.
        """
        value = canonical.parse(body, where=where)
        if not _is_plain(body, value, where):
            value = canonical.decode_object(body, where=where)
            if isinstance(value.get("v"), int) and value["v"] != VERSION:
                raise NewerVersion("made by a newer custody", where=where, found=f"version {value['v']}")
            shape.check(value, BODY_SHAPE, where=where)
        entry = cls.from_value(value)
        entry.check_general(where=where)
        return entry

    def check_general(self, *, where: str) -> None:
        """Raise FormatError unless what holds for every kind holds: the time is one; prev, case and subject fit."""
        check_time(self.time.wall, where=where)
        if (self.subject.n == 0) != (self.subject.prev is None):
            raise FormatError("prev must be null exactly where n is 0", where=where)
        if self.subject.type == "ledger" and self.case is not None:
            raise FormatError("an entry about the ledger names a case", where=where)
        if self.subject.type == "case" and self.case != self.subject.id:
            raise FormatError("an entry about a case names another case", where=where)
        if self.subject.type not in ("ledger", "case") and self.case is None:
            raise FormatError("an entry without its case", where=where)

    def check_kind(self, *, where: str, newer: list[str] | None = None) -> None:
        """Raise FormatError unless kind, public fields and compartments are as the table has them.

        A reader gives ``newer``: fields and words that only a later version can have put there go into it.
        """
        if not kinds.known(self.kind):
            raise NewerVersion(
                "a kind that this version does not know", where=where, found=show(self.kind, 60)
            )
        kinds.KINDS[self.kind].check(
            subject=self.subject.type,
            public=self.public,
            sealed=self.sealed,
            approvals=len(self.approvals),
            where=f"{where} ({self.kind})",
            newer=newer,
        )

    def approval_envelopes(self, payload_type: str, *, where: str) -> tuple[Envelope, ...]:
        """The approvals as envelopes of one type."""
        return tuple(
            envelope.from_value(dict(value), payload_type=payload_type, where=f"{where}, approval {place}")
            for place, value in enumerate(self.approvals)
        )


def _is_plain(body: bytes, value: Any, where: str) -> bool:
    """True where a body has its one spelling and its shape, told in half the time that asking for each takes.

    Nothing is plain that the long way refuses. What `_PLAIN` fits has its shape, and is canonical where the two
    objects in it are. Wherever they were cut out of the text: if the two cuts are the spellings of two of the
    values that were read, then the whole is a spelling too, and a spelling can be read in one way only.
    """
    match = _PLAIN.fullmatch(body.decode("utf-8"))
    parts = {} if match is None else match.groupdict()
    return bool(parts) and all(canonical.spells(parts[name], value[name], where=where) for name in parts)


def read(stored: bytes, *, where: str) -> tuple[Entry, Envelope]:
    """Entry and envelope of the stored bytes; the envelope's key must be the actor. Signature not checked here."""
    outer = envelope.from_bytes(stored, payload_type=envelope.ENTRY_TYPE, where=where)
    return body_of(outer, where=where), outer


def body_of(outer: Envelope, *, where: str) -> Entry:
    """The entry in an envelope of `ENTRY_TYPE`, whose key must be the actor. Signature not checked here."""
    entry = Entry.from_bytes(outer.payload, where=where)
    if outer.key_id != entry.actor:
        raise FormatError("signed by another key than the actor's", where=where)
    return entry


def check_compartment(
    name: str, value: dict[str, Any], *, where: str, newer: list[str] | None = None
) -> None:
    """Raise FormatError unless a compartment's value has the shape of its name; ``newer`` as in `shape.check`."""
    if name not in COMPARTMENTS:
        if newer is None:
            raise FormatError("a compartment that does not exist", where=where, found=show(name, 40))
        newer.append(f"{where}, part {show(name, 40)}")
        return
    shape.check(value, COMPARTMENTS[name], where=f"{where}, {name}", newer=newer)
