"""Profiles of provider returns and user exports: data files beside this module, read once and checked.

A profile says how a file is told, what its columns mean and where its zone is from. Providers change their files
more often than we change code: a new spelling is a line in a JSON file, and a higher version of the profile.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from custody.errors import InputRefused
from custody.evidence.network import ip
from custody.evidence.network.written_times import FORMS, minutes_of
from custody.evidence.records.reader import RECORDERS

SCHEMA = "custody.ip-profile/1"
ENGINES = ("table", "workbook", "html_table", "json", "meta_html")
ROLES = (
    "ip", "port", "port_range", "port_first", "port_last", "port_time", "time", "date", "clock", "time_end", "date_end",
    "clock_end", "offset", "dest_ip", "dest_port", "transport", "account", "subscriber", "event", "device",
    "user_agent", "session", "cookie", "host", "request", "status", "program", "message_id", "city", "region",
    "country", "place", "unused",
)  # fmt: skip
"""What a column can be. ``date``: the day in a column of its own, beside ``clock``; ``port_time``: when the port
was seen, where that is another time than the row's; ``city`` to ``place``: where the
provider says that it was; ``unused``: it says nothing of use and stays out of `details` (its bytes stay)."""
ZONES = ("in_value", "in_header", "provider_document", "unknown")
_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, by the names that it was seen under (``at``: by its place, from 0, where there is no header)."""

    role: str
    names: frozenset[str] = frozenset()
    at: int | None = None
    path: tuple[str, ...] = ()
    """Of a JSON element: the keys to its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An array of a JSON file, or a section of Meta's records: where it stands and what its rows are."""

    where: str
    event: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One format of one provider. ``zone``: where the offset of a time without one is from (ZONES).

    ``names``: patterns of file names; ``head``: texts of which one stands in the first bytes; ``required``: header
    cells that must be there, each as a set of spellings. ``like``: keys by which an element is known behind damage;
    ``entries``: the key of a map of labelled values; ``labels``: at which rows of Meta's records are cut; ``beyond``:
    sections of a large file whose list may stand beyond its first bytes.
    """

    name: str
    version: int
    title: str
    provider: str
    recorder: str
    engine: str
    score: int
    sources: tuple[str, ...]
    contains: tuple[str, ...]
    never: tuple[str, ...]
    forms: tuple[str, ...]
    zone: str
    zone_words: str
    columns: tuple[Column, ...]
    names: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    required: tuple[frozenset[str], ...] = ()
    document: str | None = None
    minutes: int | None = None
    event: str | None = None
    events: Mapping[str, str] = field(default_factory=dict)
    ip_role: str = "unknown"
    delimiter: str = ","
    header: str = "named"
    parts: tuple[Part, ...] = ()
    like: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    entries: str | None = None
    mojibake: bool = False
    ordered: bool = False

    def named(self, base: str) -> bool:
        """Whether a file of this name may be one. Names are outside text: compared, never opened."""
        return any(fnmatch.fnmatchcase(base.lower(), one.lower()) for one in self.names)


def plain(name: str) -> str:
    """A header's name without what providers vary: case, spaces, underscores, the mark of byte order."""
    return re.sub(r"[\s_\u00a0\ufeff-]++", " ", name[:300]).strip().casefold()


@functools.cache
def profiles() -> tuple[Profile, ...]:
    """All profiles of this version, by name."""
    folder = resources.files("custody.evidence.network").joinpath("profiles")
    found = [
        parse(json.loads(one.read_text("utf-8"))) for one in folder.iterdir() if one.name.endswith(".json")
    ]
    return tuple(sorted(found, key=lambda one: one.name))


def parse(values: Mapping[str, Any]) -> Profile:
    """The profile of a data file (``schemas/ip-profile.schema.json``); InputRefused where it says what can't be."""
    where = f"profile {str(values.get('name'))[:60]}"

    def refuse(what: str) -> InputRefused:
        return InputRefused(f"the profile is not in form: {what}", where=where)

    def texts(key: str) -> tuple[str, ...]:
        listed = values.get(key, [])
        if type(listed) is not list or any(type(one) is not str for one in listed):
            raise refuse(key)
        return tuple(listed)

    if values.get("profile") != SCHEMA:
        raise refuse("profile")
    if _NAME.fullmatch(str(values.get("name"))) is None:
        raise refuse("name")
    zone = values.get("zone", {})
    columns = tuple(_column(one, refuse) for one in values.get("columns", []))
    roles = {column.role for column in columns}
    made = Profile(
        name=values["name"],
        version=values["version"],
        title=values["title"],
        provider=values["provider"],
        recorder=values["recorder"],
        engine=values["engine"],
        score=values["score"],
        sources=texts("sources"),
        contains=texts("contains"),
        never=texts("never"),
        forms=texts("times"),
        zone=zone.get("from", ""),
        zone_words=zone.get("words", ""),
        document=zone.get("document"),
        minutes=minutes_of(zone["offset"]) if "offset" in zone else None,
        columns=columns,
        names=texts("names"),
        head=texts("head"),
        required=tuple(frozenset(map(plain, one)) for one in values.get("required", [])),
        event=values.get("event"),
        events={plain(raw): word for raw, word in values.get("events", {}).items()},
        ip_role=values.get("ip_role", "unknown"),
        delimiter=values.get("delimiter", ","),
        header=values.get("header", "named"),
        parts=tuple(Part(where=one["where"], event=one.get("event")) for one in values.get("parts", [])),
        like=texts("like"),
        labels=texts("labels"),
        beyond=texts("beyond"),
        entries=values.get("entries"),
        mojibake=values.get("mojibake", False),
        ordered=values.get("ordered", False),
    )
    for fault, what in (
        (made.engine not in ENGINES, "engine"),
        (made.recorder not in RECORDERS, "recorder"),
        (made.zone not in ZONES, "zone.from"),
        ((made.zone == "provider_document") != bool(made.document and made.minutes is not None), "zone.document"),
        (not made.forms or not set(made.forms) <= set(FORMS), "times"),
        (not made.sources, "sources"),
        ("ip" not in roles, "columns: none is the address"),
        (made.header not in ("named", "after_rule", "none"), "header"),
        (made.ip_role not in ip.ROLES, "ip_role"),
        (not {*made.events.values(), *filter(None, [made.event, *(one.event for one in made.parts)])}
         <= set(ip.EVENTS), "events"),
        (made.header == "none" and any(column.at is None for column in columns), "columns: no place"),
    ):  # fmt: skip
        if fault:
            raise refuse(what)
    return made


def _column(one: Mapping[str, Any], refuse: Any) -> Column:
    if one.get("role") not in ROLES:
        raise refuse("columns: role")
    at = one.get("at")
    return Column(
        role=one["role"],
        names=frozenset(plain(name) for name in one.get("names", [])),
        at=None if at is None else at - 1,
        path=tuple(one.get("path", [])),
    )
