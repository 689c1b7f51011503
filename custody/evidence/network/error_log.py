"""Error logs of Apache and nginx: a local time without offset, and the client where there was one.

Lines that name no client (starts, reloads, limits) are metadata with their text. What clients choose (paths, request
lines) stands in these lines too, so a client is taken only where no second one can be read out of the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from custody.evidence.export import Export
from custody.evidence.network import log_rows
from custody.evidence.network.ip import Address
from custody.evidence.network.log_rows import Seen, told, with_port
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.reader import RecordReader

_APACHE = re.compile(
    r"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:.]{8,20} [0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,20})\] "
    r"((?:\[[^\[\]]{1,200}\] )++)(.*)"
)
_FIELDS = re.compile(r"\[([^\[\]]{1,200})\] ")
_APACHE_LEVEL = re.compile(r"(?:([a-z0-9_]*):)?(emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])")
_APACHE_CLIENT = re.compile(r"(?:client|remote) (.+)")
_NGINX = re.compile(
    r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"\[(emerg|alert|crit|error|warn|notice|info|debug)\] ([0-9]+)#([0-9]+): (?:\*([0-9]+) )?(.*)"
)
_NGINX_CLIENT = re.compile(r", client: ([^,\s\"]+)(?=,|$)")
_NGINX_TAIL = re.compile(
    r'(?:, server: ([^,"]*+))?(?:, request: "([^"]*+)")?(?:, subrequest: "[^"]*+")?(?:, upstream: "([^"]*+)")?'
    r'(?:, host: "([^"]*+)")?(?:, referrer: "([^"]*+)")?'
)
_ZONE = "error logs give the server's local time without its offset"


def _apache(text: str, zone: Any) -> Seen | None:
    match = _APACHE.fullmatch(text)
    if match is None:
        return None
    details: dict[str, Any] = {"message": match[3]}
    clients: list[str] = []
    for field in _FIELDS.findall(match[2]):
        level, client = _APACHE_LEVEL.fullmatch(field), _APACHE_CLIENT.fullmatch(field)
        if level is not None:
            details |= {"module": level[1], "level": level[2]}
        elif client is not None:
            clients.append(client[1])
        elif field.startswith("pid "):
            details["process"] = field
    address, flags = _one(clients)
    values = told({"ip_role": "peer" if address else "unknown", "details": told(details)})
    return Seen(log_time(match[1], zone), None, address, None, values, flags)


def _nginx(text: str, zone: Any) -> Seen | None:
    match = _NGINX.fullmatch(text)
    if match is None:
        return None
    level, process, thread, connection, message = match.group(2, 3, 4, 5, 6)
    details: dict[str, Any] = {"level": level, "process": f"{process}#{thread}", "connection": connection}
    found = list(_NGINX_CLIENT.finditer(message))
    address, flags = _one([one[1] for one in found])
    values: dict[str, Any] = {"ip_role": "peer" if address else "unknown"}
    tail = None if address is None else _NGINX_TAIL.fullmatch(message, found[0].end())
    if tail is None:
        details["message"] = message
        flags = flags or ("row_not_split",)
    else:
        details |= {
            "message": message[: found[0].start()],
            "server": tail[1],
            "upstream": tail[3],
            "referrer": tail[5],
        }
        values |= {"request": tail[2], "host": tail[4]}
    values["details"] = told(details)
    return Seen(log_time(match[1], zone), None, address, None, told(values), flags)


def _one(clients: list[str]) -> tuple[Address | None, tuple[str, ...]]:
    """The only client of a line; none where it has several, for a client may have written the others."""
    if len(set(clients)) > 1:
        return None, ("address_ambiguous",)
    if not clients or clients[0].startswith("unix:"):
        return None, ("no_address",)
    return with_port(clients[0]), ()


def _no_client(understand: Callable[[str, Any], Seen | None], text: str) -> str | None:
    seen = understand(text, None)
    return "metadata" if seen is not None and "no_address" in seen.flags else None


def _reader(
    name: str, title: str, form: re.Pattern[str], understand: Callable[[str, Any], Seen | None]
) -> RecordReader:
    def detect(export: Export) -> Detected | None:
        return log_rows.detected(
            export, lambda text: form.fullmatch(text) is not None, "begin as this log's do"
        )

    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        zone = log_rows.stated(settings)
        for at in detected.members:
            yield log_rows.zone_decided(settings, at, _ZONE)
            yield from log_rows.rows(
                export.members[at],
                lambda text: understand(text, zone),
                lambda text: _no_client(understand, text),
            )

    return RecordReader(
        name=name,
        version=1,
        title=title,
        recorder="server_log",
        zone="the server's local time, without offset: open",
        detect=detect,
        read=read,
        contains=("the client's address at an error", "when, in local time", "what the server said of it"),
        never=(
            "the offset from UTC: somebody who knows the server must state its zone",
            "who the person was: an address tells a connection",
            "requests that went well",
        ),
        asks=("time_zone",),
        flags={
            "address_ambiguous": "more than one client can be read out of the line: a request may hold the others",
            "no_address": "no address of a client is recorded in this line",
        },
    )


APACHE = _reader("apache-error-log", "error log of the Apache web server", _APACHE, _apache)
NGINX = _reader("nginx-error-log", "error log of nginx", _NGINX, _nginx)
