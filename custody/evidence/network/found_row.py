"""From the texts that stand in a row, by their roles, to the row: the one place for tables, exports and records.

Nothing is guessed: a text that is not understood stays as it is, with a flag; what no role takes stays in `details`
under the source's own name. What the provider says of a place is `provider_geo`, never a look-up of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from custody.evidence.export import Cut
from custody.evidence.instants import Instant, offset_text
from custody.evidence.network import ip
from custody.evidence.network.written_times import Clock, minutes_of
from custody.evidence.records.model import Row

LONGEST = 4096
"""Characters of a value that are shown; the row's bytes have all."""
DETAILS = 200
"""Values of a row beside those that have a role."""
ROOM = 32 << 10
"""Characters of all of them together."""

FLAGS: Mapping[str, str] = {
    "no_address": "no address stands in the row where one should, or none that can be told from the others",
    "port_not_understood": "what stands where a port should be is none; it is kept in the details",
    "port_time_apart": "the port was seen at another time than the row's: it stands in the details, with its time",
}
_TEXTS = {
    "account": "account", "subscriber": "subscriber_ref", "device": "device", "user_agent": "user_agent",
    "session": "session_id", "cookie": "cookie_id", "host": "host", "request": "request", "status": "status",
    "program": "program", "message_id": "message_id",
}  # fmt: skip
_GEO = ("city", "region", "country", "place")
_TRANSPORTS = {"6": "tcp", "17": "udp", "132": "sctp", **{name: name for name in ip.TRANSPORTS}}
_WHOLE = re.compile(r"([0-9]{1,5})(?:[.,]0{1,6})?")
_SCIENCE = re.compile(r"[0-9](?:\.[0-9]{1,6})?[Ee]\+?0{0,2}[0-4]")
_RANGE = re.compile(r"([0-9]{1,5})(?:\.0)?\s?(?:-|–|—|:|\.\.|to|bis)\s?([0-9]{1,5})(?:\.0)?")
_NOTHING = frozenset({"", "-", "--", "n/a", "na", "null", "none", "unknown", "nil", "(null)"})
_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(slots=True)
class Found:
    """The texts of one row. ``roles``: by role, as they stand; ``serials``: roles whose text is a number that a
    workbook shows as a date; ``headers``: minutes east of UTC that the header of a role's column states."""

    roles: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    serials: frozenset[str] = frozenset()
    headers: Mapping[str, int] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def beside(self, name: str, value: str) -> None:
        """A text that has no role, under the source's own name."""
        name = name[:200] or "(no name)"
        if len(self.details) >= DETAILS:
            self.flags.add("raw_cut")
            return
        again, known = 2, name
        while known in self.details:
            known, again = f"{name} ({again})", again + 1
        self.details[known] = self.cut(value)

    def cut(self, value: str) -> str:
        """As much of a text as is shown."""
        if len(value) > LONGEST:
            self.flags.add("raw_cut")
            return value[:LONGEST]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a file's rows are, as far as the file or its profile says it for all of them."""

    clock: Clock
    event: str | None = None
    events: Mapping[str, str] = field(default_factory=dict)
    ip_role: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands."""

    member: int
    start: int
    end: int
    raw: bytes | Cut
    words: int | str


def said(text: str | None) -> str | None:
    """A cell's text, or None where the writer put a sign for nothing."""
    if text is None:
        return None
    text = text.strip()
    return None if text.lower() in _NOTHING else text


def port_of(text: str) -> int | None:
    """A port as tables write it (443, 443.0 as spreadsheets do); None for what can't be one."""
    match = _WHOLE.fullmatch(text)
    if match is not None:
        number = int(match[1])
    elif _SCIENCE.fullmatch(text):
        decimal = Decimal(text)
        if decimal != decimal.to_integral_value():
            return None
        number = int(decimal)
    else:
        return None
    return number if 1 <= number <= 65535 else None


def made(found: Found, at: Place, meaning: Meaning) -> Row:
    """The row. Without an address and without a time it is kept as it stands (kind "unknown")."""
    roles = {role: text for role, cell in found.roles.items() if (text := said(cell)) is not None}
    flags = found.flags
    values: dict[str, Any] = {}
    column = _offset(roles, found)
    when = _when(roles, found, meaning.clock, column, ("date", "clock", "time"))
    until = _when(roles, found, meaning.clock, column, ("date_end", "clock_end", "time_end"))
    for one in (when, until):
        if one is not None and _contradicts(one, column):
            flags.add("capture_inconsistent")
    address = ip.seen_address(roles["ip"][:LONGEST]) if "ip" in roles else None
    if address is None:
        if when is None:
            flags.add("no_address")
            return Row(at.member, at.start, at.end, at.raw, "unknown", at.words, flags=tuple(sorted(flags)))
        flags.add("no_address")
    _ports(roles, found, address, values)
    _port_time(roles, found, meaning.clock, column, (when, until), values)
    dest = ip.seen_address(roles["dest_ip"][:LONGEST]) if "dest_ip" in roles else None
    if dest is not None and dest.port is not None:
        values.setdefault("dest_port", dest.port)
    if "transport" in roles:
        known = _TRANSPORTS.get(roles["transport"].lower())
        values["transport"] = known or f"other:{_one_line(roles['transport'])}"
    _event(roles, meaning, values)
    for role, key in _TEXTS.items():
        if role in roles:
            values[key] = found.cut(roles[role])
    if meaning.account is not None:
        values.setdefault("account", meaning.account)
    geo = {role: found.cut(roles[role]) for role in _GEO if role in roles}
    if geo:
        values["provider_geo"] = geo
    if meaning.ip_role is not None and address is not None:
        values["ip_role"] = meaning.ip_role
    if found.details:
        values["details"] = _room(found.details, flags)
    return Row(
        at.member, at.start, at.end, at.raw, "ip", at.words, when, until, address, dest, values, tuple(sorted(flags))
    )  # fmt: skip


def _offset(roles: Mapping[str, str], found: Found) -> int | None:
    """Minutes that an offset's column states; a name that is none stays beside, flagged."""
    text = roles.get("offset")
    if text is None:
        return None
    minutes = minutes_of(text)
    if minutes is None and re.fullmatch(r"[+-]?[0-9]{1,2}(?:\.0)?", text):
        number = text.removesuffix(".0")
        minutes = minutes_of(number if number[0] in "+-" else f"+{number}")
    if minutes is None:
        found.beside("offset", text)
        found.flags.add("zone_name")
    return minutes


def _contradicts(when: Instant, column: int | None) -> bool:
    """Whether a time says another offset than the column beside it; a count since 1970 says none."""
    if column is None or when.offset_origin != "in_value" or when.raw.strip().replace(".", "").isdigit():
        return False
    return when.offset != offset_text(column)


def _when(
    roles: Mapping[str, str], found: Found, clock: Clock, column: int | None, names: tuple[str, str, str]
) -> Instant | None:
    date, hours, whole = (roles.get(name) for name in names)
    if whole is None and hours is not None and date is None:
        found.beside(names[1], hours)  # an hour of no day
    day, of_day = names[0] in found.serials, names[1] in found.serials
    header = next(
        (found.headers[name] for name in (names[2], names[1], names[0]) if name in found.headers), None
    )
    if whole is not None:
        return clock.read(whole[:LONGEST], column=column, header=header, serial=names[2] in found.serials)
    if date is None:
        return None
    if hours is None:
        return clock.read(date[:LONGEST], column=column, header=header, serial=day)
    if day and of_day:
        return clock.read(_sum(date, hours), column=column, header=header, serial=True)
    if day != of_day:
        # Half a number: which day or hour a reader would see is not in the text.
        found.beside(names[0], date)
        found.beside(names[1], hours)
        found.flags.add("time_not_understood")
        return None
    return clock.read(f"{date} {hours}"[:LONGEST], column=column, header=header)


def _sum(day: str, of_day: str) -> str:
    """A day number and a fraction of a day, as one number."""
    try:
        total = Decimal(day) + Decimal(of_day)
    except ArithmeticError:
        return f"{day} {of_day}"
    return f"{total:f}"


def _ports(
    roles: Mapping[str, str], found: Found, address: ip.Address | None, values: dict[str, Any]
) -> None:
    first, last = roles.get("port_first"), roles.get("port_last")
    span = roles.get("port_range") or (f"{first}-{last}" if first and last else None)
    one = roles.get("port") or (first if span is None else None)
    if one is not None and port_of(one) is None and span is None and _RANGE.fullmatch(one):
        span, one = one, None
    if span is not None:
        match = _RANGE.fullmatch(span)
        ends = None if match is None else (port_of(match[1]), port_of(match[2]))
        if ends is None or ends[0] is None or ends[1] is None or ends[0] > ends[1]:
            _not_a_port(found, "port range", span)
        else:
            values["port_range"] = list(ends)
    for role, text in (("port", one), ("dest_port", roles.get("dest_port"))):
        if text is None:
            continue
        number = port_of(text)
        if number is None:
            _not_a_port(found, role, text)
        else:
            values[role] = number
    if address is not None and address.port is not None and values.get("port", address.port) != address.port:
        found.flags.add("capture_inconsistent")
        found.details["port behind the address"] = address.port


def _port_time(
    roles: Mapping[str, str],
    found: Found,
    clock: Clock,
    column: int | None,
    span: tuple[Instant | None, Instant | None],
    values: dict[str, Any],
) -> None:
    """A port with a time of its own is not the port of the row's time: a question with the wrong pair of them names
    somebody else."""
    text = roles.get("port_time")
    if text is None:
        return
    seen = clock.read(text[:LONGEST], column=column, header=found.headers.get("port_time")).instant
    start, end = (None if one is None else one.instant for one in span)
    if seen is not None and seen == start and end in (None, start):
        return
    if "port" in values:
        found.details["port"] = values.pop("port")
        found.flags.add("port_time_apart")
    found.details["port time"] = found.cut(text) if seen is None else seen


def _not_a_port(found: Found, name: str, text: str) -> None:
    found.beside(name, text)
    if text.strip("0.,- –") == "":
        return  # 0 is how some write that none was recorded
    found.flags.add("port_not_understood")


def _event(roles: Mapping[str, str], meaning: Meaning, values: dict[str, Any]) -> None:
    raw = roles.get("event")
    if raw is not None:
        values["event_raw"] = raw[:LONGEST]
        known = meaning.events.get(re.sub(r"[\s_-]+", " ", raw[:300]).strip().casefold())
        values["event"] = known or f"other:{_one_line(raw)}"
    elif meaning.event is not None:
        values["event"] = meaning.event


def _one_line(text: str) -> str:
    return _LINE.sub(" ", text).strip()[:120] or "?"


def _room(details: dict[str, Any], flags: set[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    room = ROOM
    for name, value in details.items():
        room -= len(name) + (len(value) if isinstance(value, str) else 8)
        if room < 0:
            flags.add("raw_cut")
            break
        kept[name] = value
    return kept
