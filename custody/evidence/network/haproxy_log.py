"""Logs of HAProxy: client and port, when accepted (without offset), what was asked; with or without syslog's head.

What HAProxy captured of headers and cookies is left in the line: it may hold secrets. A list of addresses among the
captured headers is what a forwarding header claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.export import Export
from custody.evidence.network import log_rows
from custody.evidence.network.log_rows import Seen, claimed, port_of, told, with_port
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.reader import RecordReader

_HEAD = (
    r"(?:(?:<[0-9]{1,3}>)?"
    r"(?:(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}[^ ]{0,8})"
    r" (?:(?P<server>[^ ]{1,255}) )?)?(?P<program>[^ \[]{0,100}haproxy[^ \[]{0,100})(?:\[[0-9]+\])?: )?"
)
_CONNECTION = re.compile(
    _HEAD + r"(?P<client>[^ ]{1,300}) \[(?P<time>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[^\]]{8,40})\] (?P<rest>.*)"
)
_CONNECT = re.compile(
    _HEAD
    + r"Connect from (?P<client>[^ ]{1,300}) to (?P<dest>[^ ]{1,300}) \((?P<frontend>[^ /()]+)/(?P<mode>[A-Z]+)\)"
)
_PROXIED = r"(?P<frontend>[^ ]+) (?P<backend>[^ /]+)/(?P<target>[^ ]+) "
_HTTP = re.compile(
    _PROXIED
    + r"(?P<timers>[-+0-9]+(?:/[-+0-9]+){4}) (?P<status>-1|[0-9]{3}) \+?(?P<size>[0-9]+) [^ ]+ [^ ]+ "
    r'(?P<state>[^ ]{4}) [0-9+/]+ [0-9]+/[0-9]+(?P<captured>(?: \{[^{}]*\}){0,2}) "(?P<request>.*)"?'
)
_TCP = re.compile(
    _PROXIED
    + r"(?P<timers>[-+0-9]+(?:/[-+0-9]+){2}) \+?(?P<size>[0-9]+) (?P<state>[^ ]{2}) [0-9+/]+ [0-9]+/[0-9]+"
)
_SAID = re.compile(r"(?P<frontend>[^ /]+)/(?P<target>[^ :]+): (?P<message>.+)")
_ZONE = "the accept time has no offset from UTC"


def _understand(text: str, zone: ZoneInfo | None) -> Seen | None:
    match = _CONNECTION.fullmatch(text)
    if match is None:
        return _connect(text, zone)
    address = with_port(match["client"])
    flags: list[str] = []
    values: dict[str, Any] = {"ip_role": "peer", "program": match["program"]}
    details: dict[str, Any] = {"syslog_time": match["stamp"], "syslog_host": match["server"]}
    rest = match["rest"]
    found = _HTTP.fullmatch(rest)
    if found is not None:
        request = found["request"]
        if request.endswith('"'):
            request = request[:-1]
        else:
            flags.append("row_truncated")
        values |= {"event": "request", "request": request, "status": found["status"]}
        for group in re.findall(r"\{([^{}]*)\}", found["captured"]):
            for one in group.split("|"):
                if "forwarded_for" not in values and (header := claimed(one)) is not None:
                    values["forwarded_for"] = header
                    flags.append("proxy_possible")
    else:
        found = _TCP.fullmatch(rest)
        if found is not None:
            values |= {"event": "session_start", "transport": "tcp"}
        else:
            found = _SAID.fullmatch(rest)
    if found is None:
        flags.append("row_not_split")
    else:
        kept = found.groupdict()
        details |= {
            name: kept[name]
            for name in ("frontend", "backend", "target", "timers", "size", "state", "message")
            if name in kept
        }
    values["details"] = told(details)
    return Seen(log_time(match["time"], zone), None, address, None, told(values), tuple(flags))


def _connect(text: str, zone: ZoneInfo | None) -> Seen | None:
    """The form without a time of its own: syslog's time is all there is."""
    match = _CONNECT.fullmatch(text)
    if match is None:
        return None
    dest = with_port(match["dest"])
    details = {"frontend": match["frontend"], "mode": match["mode"], "syslog_host": match["server"]}
    values = {
        "ip_role": "peer", "event": "session_start", "transport": "tcp", "program": match["program"],
        "dest_port": dest.port or port_of(match["dest"].rpartition(":")[2]), "details": told(details),
    }  # fmt: skip
    when = None if match["stamp"] is None else log_time(match["stamp"], zone)
    return Seen(when, None, with_port(match["client"]), dest, told(values))


def _fits(text: str) -> bool:
    match = _CONNECTION.fullmatch(text)
    if match is None:
        return _CONNECT.fullmatch(text) is not None
    rest = match["rest"]
    return any(form.fullmatch(rest) for form in (_HTTP, _TCP, _SAID))


def _detect(export: Export) -> Detected | None:
    return log_rows.detected(
        export, _fits, "have client and port, a time in brackets, frontend and server", surest=96
    )


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    zone = log_rows.stated(settings)
    for at in detected.members:
        yield log_rows.zone_decided(settings, at, _ZONE)
        yield from log_rows.rows(export.members[at], lambda text: _understand(text, zone))


READER = RecordReader(
    name="haproxy-log",
    version=1,
    title="log of the load balancer HAProxy: HTTP, TCP and default form",
    recorder="server_log",
    zone="the balancer's local time, without offset: open",
    detect=_detect,
    read=_read,
    contains=(
        "the client's address and source port",
        "when the connection was accepted, to the millisecond, in local time",
        "the request line and the status, which server answered",
        "what a forwarding header claimed, where it was captured",
    ),
    never=(
        "the offset from UTC: somebody who knows the balancer must state its zone",
        "who the person was: an address tells a connection",
        "the address that the client connected to (but for the default form)",
    ),
    asks=("time_zone",),
)
