"""The engine for exports in JSON: elements of the arrays that a profile names, each with its bytes.

All else in the file is claimed and passed over. Meta's maps of labelled values (`string_map_data`) have their labels in
the language of the account: a value is told by its label where we know it, else by what it looks like, and said so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from custody.evidence.chat import mojibake, times
from custody.evidence.chat.json_slices import Element, Slices, pattern
from custody.evidence.chat.json_text import plain as as_plain
from custody.evidence.chat.mojibake import Mending
from custody.evidence.export import Export, Member
from custody.evidence.network import found_row
from custody.evidence.network.found_row import Found, Meaning, Place
from custody.evidence.network.ip import seen_address
from custody.evidence.network.profile import Part, Profile, plain
from custody.evidence.network.written_times import Clock
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row

ENGINE_FLAGS: Mapping[str, str] = {
    "after_damage": "bytes before this record could not be read",
    "doubled_key": "a key stands twice in the record: the later value was taken",
    "json_repaired": "the record is no JSON as it stands, and was read by mending one kind of slip",
    "labels_by_shape": "the labels are in a language that we don't know: values were told by what they look like",
    "mended": "letters that Meta writes as broken bytes were put together again",
    "mixed_encoding": "some letters are written as broken bytes and others not: left as they stand",
    "mojibake_open": "letters may be written as broken bytes: left as they stand",
    "mojibake_partial": "some of the broken letters could not be put together again",
}
_HEAD = 1 << 20
_ANY = ("*[*]", "*.*[*]", "*.*.*[*]", "*.*.*.*[*]")
"""All other lists are walked too: none of them may be too long to step over."""
_FLAGS = {"broken_characters": "encoding_replaced", "too_deep": "row_not_split", "not_json": "row_not_split"}
_AGENT = re.compile(r"Mozilla/|Instagram [0-9]|\[FBAN/|.{2,60}/[0-9].{0,400}\(.{3,}", re.DOTALL)
_COOKIE = re.compile(r"\*{4,}.{0,64}", re.DOTALL)
_PORT = re.compile("[0-9]{1,5}")


def detect(profile: Profile, export: Export) -> Detected | None:
    """By the lists that the profile names, in the first bytes of files of its names (of a single file: of any name).

    A large file of its name and with its sections may have the list beyond the first bytes: a lesser claim.
    """
    members, sure = [], False
    keys = "|".join(re.escape(key) for key in profile.head).encode()
    listed = re.compile(rb'"(?:' + keys + rb')"[ \t\r\n]{0,20}:[ \t\r\n]{0,20}\[')
    for member in export.members:
        named = profile.named(member.base)
        if export.zipped and not named:
            continue
        head = member.head(_HEAD)
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            continue
        if listed.search(head) and all(f'"{key}"'.encode() in head for key in profile.like):
            members.append(member.index)
            sure = True
        elif named and member.size > _HEAD and any(f'"{key}"'.encode() in head for key in profile.beyond):
            members.append(member.index)
    if not members:
        return None
    score = profile.score if sure else profile.score - 30
    return Detected(score=score, reasons=(f"the keys of: {profile.title}",), members=tuple(members))


def read(profile: Profile, export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """File by file, record by record."""
    yield Decided("profile", f"{profile.name} {profile.version}", "decided", profile.sources)
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if zone is not None:
        yield Decided("zone", settings.time_zone, "stated")
    clock = Clock(forms=profile.forms, zone=zone, minutes=profile.minutes)
    for at in detected.members:
        member = export.members[at]
        mending = Mending(False)
        if profile.mojibake:
            mending, decided = mojibake.decide(member)
            yield decided
        yield from _File(profile, member, clock, mending).records()


class _File:
    def __init__(self, profile: Profile, member: Member, clock: Clock, mending: Mending) -> None:
        self._profile, self._member, self._clock, self._mending = profile, member, clock, mending
        self._wanted = [(pattern(part.where), part) for part in profile.parts]
        self._from = self._to = 0
        """The bytes beside that are not yet given."""
        self._rows = self._unzoned = self._by_shape = 0

    def records(self) -> Iterator[Record]:
        member = self._member.index
        patterns = (*(part.where for _, part in self._wanted), *_ANY)
        slices = Slices(self._member.open(), patterns, like=self._like)
        for piece in slices:
            part = self._part(piece) if type(piece) is Element else None
            if part is not None:
                assert type(piece) is Element
                yield from self._aside()
                self._rows += 1
                yield self._row(piece, part)
                self._from = self._to = piece.end
            elif getattr(piece, "what", None) in ("unread", "header"):
                yield from self._aside()
                yield Range(member, piece.start, piece.end, piece.what, piece.text)  # type: ignore[union-attr]
                if piece.what == "unread":  # type: ignore[union-attr]
                    yield Notice("unread_bytes", "bytes that are no JSON were kept, and not read", member)
                self._from = self._to = piece.end
            else:
                self._to = piece.end
        yield from self._aside()
        if not slices.whole:
            yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", member)
        if self._unzoned:
            yield Decided("zone", None, "open", (f"{self._unzoned} times give no offset",), member)
        if self._by_shape:
            reason = f"the labels of {self._by_shape} records are in a language that we don't know"
            yield Decided("language", None, "inferred", (reason,), member)
        if not self._rows:
            yield Notice("no_rows", "no record of an address stands here", member)

    def _aside(self) -> Iterator[Record]:
        if self._to > self._from:
            yield Range(self._member.index, self._from, self._to, "outside")
            self._from = self._to

    def _like(self, value: Mapping[str, Any]) -> bool:
        return bool(self._profile.like) and set(self._profile.like) <= value.keys()

    def _part(self, piece: Element) -> Part | None:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in piece.array.split("/")[1:]]
        for wanted, part in self._wanted:
            if len(wanted) == len(steps) + 1 and all(
                one in ("*", step) for one, step in zip(wanted[:-1], steps, strict=True)
            ):
                return part
        # Behind damage the path above an array is not known; its own name is.
        if any(step.startswith("?") for step in steps):
            return next(
                (part for wanted, part in self._wanted if wanted[-2] == steps[-1]), self._wanted[0][1]
            )
        return None

    def _row(self, piece: Element, part: Part) -> Row:
        at = Place(
            member=self._member.index, start=piece.start, end=piece.end, raw=piece.raw,
            words=f"{piece.array}/{piece.number}",
        )  # fmt: skip
        found = Found(flags={_FLAGS.get(flag, flag) for flag in piece.flags})
        if type(piece.value) is not dict:
            return Row(
                at.member, at.start, at.end, at.raw, "unknown", at.words,
                flags=tuple(sorted(found.flags | {"row_not_split"})),
            )  # fmt: skip
        value = self._mending.value(piece.value, found.flags) if self._profile.mojibake else piece.value
        self._fields(value, found)
        if self._profile.entries is not None:
            self._entries(value, found)
        profile = self._profile
        meaning = Meaning(
            clock=self._clock, event=part.event or profile.event, events=profile.events, ip_role=profile.ip_role
        )  # fmt: skip
        row = found_row.made(found, at, meaning)
        self._unzoned += row.when is not None and "no_offset" in row.when.flags
        self._by_shape += "labels_by_shape" in found.flags
        return row

    def _fields(self, value: Mapping[str, Any], found: Found) -> None:
        used = set() if self._profile.entries is None else {self._profile.entries}
        for column in self._profile.columns:
            if not column.path or column.role in found.roles:
                continue
            one: Any = value
            for key in column.path:
                one = one.get(key) if type(one) is dict else None
            text = _text(one)
            if text is not None:
                found.roles[column.role] = text
                used.add(column.path[0])
        for key, one in value.items():
            if key not in used:
                _beside(found, key, one)

    def _entries(self, value: Mapping[str, Any], found: Found) -> None:
        """Values with labels: by the labels that we know, else by their shape."""
        entries = _listed(value.get(self._profile.entries or ""))
        known = {name: column.role for column in self._profile.columns for name in column.names}
        rest = []
        for entry in entries:
            role = known.get(plain(entry.label))
            text = entry.value if role != "time" or not entry.counted else entry.counted
            if role is None or role in found.roles:
                rest.append(entry)
            elif text:
                found.roles[role] = text
        if "ip" not in found.roles or "time" not in found.roles:
            rest = self._by_looks(rest, found)
        for entry in rest:
            if text := entry.value or entry.counted:
                found.beside(entry.label, text)

    def _by_looks(self, entries: list[_Entry], found: Found) -> list[_Entry]:
        """What each value is by its looks, where exactly one looks so; the rest is given back."""
        tests = {
            "ip": [one for one in entries if one.value and seen_address(one.value).ip is not None],
            "time": [one for one in entries if one.counted],
            "port": [one for one in entries if _PORT.fullmatch(one.value)],
            "user_agent": [one for one in entries if _AGENT.match(one.value)],
            "cookie": [one for one in entries if _COOKIE.fullmatch(one.value)],
        }
        taken = []
        for role, fitting in tests.items():
            if len(fitting) == 1 and role not in found.roles:
                found.roles[role] = fitting[0].counted if role == "time" else fitting[0].value
                taken.append(fitting[0])
                found.flags.add("labels_by_shape")
        return [one for one in entries if one not in taken]


class _Entry(NamedTuple):
    """A labelled value. ``counted``: its time as a number, where it has one."""

    label: str
    value: str
    counted: str


def _listed(value: Any) -> list[_Entry]:
    if type(value) is dict:
        pairs = list(value.items())
    elif type(value) is list:  # newer exports: [{"label": …, "value": …}]
        pairs = [(str(one.get("label", "")), one) for one in value if type(one) is dict]
    else:
        return []
    found = []
    for label, one in pairs[:200]:
        inner = one if type(one) is dict else {"value": one}
        count = inner.get("timestamp") or inner.get("timestamp_value")
        text = str(count) if type(count) is int and count > 0 else ""
        found.append(_Entry(label, _text(inner.get("value")) or "", text))
    return found


def _text(value: Any) -> str | None:
    """A text, or a number as it is written; nothing of lists, objects, true and false."""
    if type(value) is str:
        return value
    return str(value) if type(value) is int else None


def _beside(found: Found, key: str, value: Any) -> None:
    text = _text(value)
    if text is not None:
        if text:
            found.beside(key, text)
    elif value not in (None, {}, []):
        found.beside(key, json.dumps(as_plain(value, depth=6), ensure_ascii=False))
