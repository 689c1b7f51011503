"""Access logs with one JSON object a line: Caddy, Traefik, and nginx under the names of its variables.

Numbers with decimals stay texts, so a time keeps all its digits. Depth is bounded by the JSON reader; a name that comes
twice in an object leaves the line unread, since two programs would read two different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.chat import json_text
from custody.evidence.export import Export
from custody.evidence.instants import Instant
from custody.evidence.network import json_access_names as names
from custody.evidence.network import log_rows
from custody.evidence.network.ip import Address
from custody.evidence.network.log_rows import Seen, claimed, port_of, told, with_port
from custody.evidence.network.log_times import epoch, log_time
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.reader import RecordReader

_NUMBER = re.compile(r"[0-9]++(?:\.[0-9]++)?")
_ZONE = "times of this log have no offset from UTC"
_LONGEST = 16 << 10
"""Characters of a value that are shown beside the raw line."""


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    value, flags = json_text.load(text)
    return value if type(value) is dict and not {"doubled_key", "json_repaired"} & set(flags) else None


def _at(value: dict[str, Any], name: str) -> str | None:
    """The text under a name; None where there is none, or it is an object."""
    found: Any = value.get(name)
    if found is None and "." in name:
        found = value
        for part in name.split("."):
            found = found.get(part) if type(found) is dict else None
    if type(found) is list:
        found = found[0] if len(found) == 1 else None
    if type(found) is int:
        return str(found)
    return found if type(found) is str and len(found) <= _LONGEST else None


def _first(value: dict[str, Any], among: Iterable[str]) -> str | None:
    for name in among:
        found = _at(value, name)
        if found not in (None, "", "-"):
            return found
    return None


def _time(value: dict[str, Any], zone: ZoneInfo | None) -> Instant | None:
    for name in names.TEXT_TIMES:
        found = _at(value, name)
        if found in (None, "", "-"):
            continue
        assert found is not None
        if _NUMBER.fullmatch(found) is None:
            return log_time(found, zone)
        if name in names.SECONDS:
            return epoch(found)
    found = _at(value, "msec")
    return None if found is None else epoch(found)


def _understand(text: str, zone: ZoneInfo | None) -> Seen | None:
    value = _object(text)
    if value is None:
        return None
    peer, client = _first(value, names.PEER), _first(value, names.CLIENT)
    when = _time(value, zone)
    if (peer is None and client is None) or when is None:
        return None
    address, values, flags = _who(value, peer, client)
    port = _first(value, names.PORT)
    values |= {name: _first(value, among) for name, among in names.VALUES.items()}
    request = _request(value)
    values |= {
        "event": "request" if request is not None or values.get("status") is not None else None,
        "port": None if port is None or values["ip_role"] != "peer" else port_of(port),
        "request": request,
        "details": {**values.get("details", {}), **told({name: _at(value, name) for name in names.DETAILS})},
    }
    return Seen(when, None, address, None, told(values), flags)


def _who(
    value: dict[str, Any], peer: str | None, client: str | None
) -> tuple[Address, dict[str, Any], tuple[str, ...]]:
    """The peer where it is recorded; else what is called the client, which a header may have claimed."""
    values: dict[str, Any] = {}
    forwarded = _first(value, names.FORWARDED)
    header = None if forwarded is None else claimed(forwarded)
    claims = None if client is None else claimed(client)
    if peer is not None:
        address = with_port(peer)
        values["ip_role"] = "peer"
        if header is None and claims is not None and [with_port(one).ip for one in claims] != [address.ip]:
            header = claims
        if client is not None and header is not None:
            values["details"] = {"client": client}
        flags: tuple[str, ...] = () if header is None else ("proxy_possible",)
    else:
        assert client is not None
        listed = claims is not None and len(claims) > 1
        if listed and header is None:
            header = claims
        address = with_port(client.split(",")[0].strip())
        values["ip_role"] = "reported_client" if listed or header is not None else "unknown"
        flags = ("client_from_header",) if listed or header is not None else ("client_may_be_header",)
    if header is not None:
        values["forwarded_for"] = header
    return address, values, flags


def _request(value: dict[str, Any]) -> str | None:
    """The request line; method, path and protocol put together where they stand apart."""
    whole = _first(value, names.VALUES["request"])
    if whole is not None:
        return whole
    method, path, protocol = (_first(value, among) for among in (names.METHOD, names.PATH, names.PROTOCOL))
    if method is None or path is None:
        return None
    return " ".join(part for part in (method, path, protocol) if part is not None)


def _fits(text: str) -> bool:
    value = _object(text)
    if value is None:
        return False
    if any(all(_at(value, name) is not None for name in sign) for sign in names.SIGNS):
        return True
    peer = _first(value, (*names.PEER, *names.CLIENT))
    return (
        peer is not None
        and with_port(peer.split(",")[0].strip()).ip is not None
        and _time(value, None) is not None
        and _request(value) is not None
    )


def _detect(export: Export) -> Detected | None:
    return log_rows.detected(
        export, _fits, "are JSON with an address, a time and a request", least=0.25, surest=94
    )


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    zone = log_rows.stated(settings)
    for at in detected.members:
        for line in log_rows.heads(export.members[at]):
            seen = _understand(line, zone)
            if seen is not None and log_rows.asks_zone(seen.when):
                yield log_rows.zone_decided(settings, at, _ZONE)
                break
        yield from log_rows.rows(export.members[at], lambda text: _understand(text, zone), _beside)


def _beside(text: str) -> str | None:
    """What a server says of itself between requests: an object without any address."""
    value = _object(text)
    if value is None or _first(value, (*names.PEER, *names.CLIENT)) is not None:
        return None
    return "metadata" if any(_at(value, name) is not None for name in ("level", "msg", "logger")) else None


READER = RecordReader(
    name="json-access-log",
    version=1,
    title="access log in JSON, one object a line (Caddy, Traefik, nginx)",
    recorder="server_log",
    zone="UTC, counted since 1970, or the offset in each time; times without one: open",
    detect=_detect,
    read=_read,
    contains=(
        "the other end of the connection, with its source port where the server writes it",
        "when, with every decimal that was written",
        "the request, the status, the browser's own name, the account of HTTP authentication",
        "what a forwarding header claimed",
    ),
    never=(
        "who the person was: an address tells a connection",
        "what was sent or shown",
        "fields under names that are not in our table: they stand in the raw line",
    ),
    asks=("time_zone",),
    flags={
        "client_may_be_header": (
            "only a client is named, and not the other end of the connection: a header may have claimed it"
        ),
    },
)
