"""What the columns of Microsoft's web servers mean, in the W3C form and as events in XML alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.instants import Instant
from custody.evidence.network.ip import seen_address
from custody.evidence.network.log_rows import Seen, claimed, port_of, told
from custody.evidence.network.log_times import log_time, utc_time

UTC_BY_DOCUMENTS = "the form's documents say UTC; whether this server wrote local time can't be seen"
_DETAILS = (
    "s-sitename", "s-computername", "s-port", "sc-substatus", "sc-win32-status", "sc-bytes", "cs-bytes", "time-taken",
    "cs-version", "cs(Referer)", "csReferer", "x-edge-location", "x-edge-result-type", "x-edge-request-id",
    "ssl-protocol", "cs-protocol", "sc-content-type",
)  # fmt: skip
_FORWARDED = (
    "x-forwarded-for",
    "cs(x-forwarded-for)",
    "c-x-forwarded-for",
    "originalip",
    "original-ip",
    "x-real-ip",
)


def instant(
    column: Mapping[str, str], day: str | None, zone: ZoneInfo | None, *, local: bool = False
) -> Instant | None:
    """The time of a row: its own date, or ``day`` where it has none. ``local``: the file says that it is no UTC."""
    date = column.get("date", "-")
    time = column.get("time", "-")
    if time in ("-", ""):
        return None
    written = f"{day if date == '-' else date} {time}" if date != "-" or day is not None else time
    return log_time(written, zone) if local else utc_time(written, zone, "provider_document")


def seen(column: Mapping[str, str], when: Instant | None, flags: tuple[str, ...] = ()) -> Seen:
    """A row of these columns. Cookies and headers of authentication are left in the raw text."""
    client, server = column.get("c-ip", "-"), column.get("s-ip", "-")
    address = None if client in ("-", "") else seen_address(client)
    dest = None if server in ("-", "") else seen_address(server)
    found = list(flags)
    if address is None:
        found.append("no_address")
    agent = column.get("cs(User-Agent)", column.get("csUser-Agent"))
    values: dict[str, Any] = {
        "ip_role": "peer" if address is not None else "unknown",
        "event": "request" if column.get("cs-method", "-") != "-" else None,
        "account": column.get("cs-username"),
        "host": column.get("cs-host", column.get("cs(Host)")),
        "port": port_of(column.get("c-port", "")),
        "dest_port": port_of(column.get("s-port", "")) if dest is not None else None,
        "request": _request(column),
        "status": column.get("sc-status"),
        "user_agent": agent,
        "details": told(
            {name: column.get(name) for name in _DETAILS if not (name == "s-port" and dest is not None)}
        ),
    }
    for name, value in column.items():
        if name.lower() in _FORWARDED and (header := claimed(value.replace("+", " "))) is not None:
            values["forwarded_for"] = header
            found.append("proxy_possible")
            break
    return Seen(when, None, address, dest, told(values), tuple(found))


def _request(column: Mapping[str, str]) -> str | None:
    """Method, path and query of their columns, put together as a request line has them."""
    method, path, query = (column.get(name, "-") for name in ("cs-method", "cs-uri-stem", "cs-uri-query"))
    if method == "-" or path == "-":
        return None
    return f"{method} {path}" if query in ("-", "") else f"{method} {path}?{query}"
