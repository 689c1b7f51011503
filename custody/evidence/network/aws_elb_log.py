"""Access logs of Amazon's load balancers: classic, application (HTTP) and network (TLS).

Each form has its columns by position; columns that came later stand behind and may be missing. The network form
writes its times without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.export import Export
from custody.evidence.instants import Instant
from custody.evidence.network import log_rows
from custody.evidence.network.log_rows import Seen, told, with_port
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.reader import RecordReader

_WORD = r'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^ "]++)'
_ROW = re.compile(rf"{_WORD}(?: {_WORD})*+")
_WORDS = re.compile(_WORD)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[^ ]{0,20}")
_SPENT = re.compile(r"-|-?[0-9]{1,12}(?:\.[0-9]{1,12})?")
"""Seconds that a request took: lines of other logs may look like a row of the classic form up to here."""
_APPLICATION_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_CLASSIC = (
    "time", "elb", "client", "backend", "request_processing_time", "backend_processing_time",
    "response_processing_time", "elb_status_code", "backend_status_code", "received_bytes", "sent_bytes", "request",
    "user_agent", "ssl_cipher", "ssl_protocol",
)  # fmt: skip
_APPLICATION = (
    "type", "time", "elb", "client", "target", "request_processing_time", "target_processing_time",
    "response_processing_time", "elb_status_code", "target_status_code", "received_bytes", "sent_bytes", "request",
    "user_agent", "ssl_cipher", "ssl_protocol", "target_group_arn", "trace_id", "domain_name", "chosen_cert_arn",
    "matched_rule_priority", "request_creation_time", "actions_executed", "redirect_url", "error_reason",
    "target_list", "target_status_code_list", "classification", "classification_reason", "conn_trace_id",
)  # fmt: skip
_NETWORK = (
    "type", "version", "time", "elb", "listener", "client", "destination", "connection_time", "tls_handshake_time",
    "received_bytes", "sent_bytes", "incoming_tls_alert", "chosen_cert_arn", "chosen_cert_serial", "tls_cipher",
    "tls_protocol_version", "tls_named_group", "domain_name", "alpn_fe_protocol", "alpn_be_protocol",
    "alpn_client_preference_list", "tls_connection_creation_time",
)  # fmt: skip
_LEAST: dict[tuple[str, ...], int] = {_CLASSIC: 12, _APPLICATION: 16, _NETWORK: 12}
_DETAILS = (
    "type", "elb", "listener", "backend", "target", "backend_status_code", "target_status_code", "received_bytes",
    "sent_bytes", "connection_time", "ssl_protocol", "ssl_cipher", "tls_protocol_version", "tls_cipher", "trace_id",
    "error_reason", "conn_trace_id",
)  # fmt: skip
_ZONE = "the rows of network load balancers have times without a zone"


def _columns(text: str) -> tuple[dict[str, str], bool] | None:
    """The columns of a row and whether it has more than we know; None where it has none of the three forms."""
    if _ROW.fullmatch(text) is None:
        return None
    words = [word[1:-1] if word[0] == '"' else word for word in _WORDS.findall(text)]
    form: tuple[str, ...]
    if words[0] in _APPLICATION_TYPES:
        form = _APPLICATION
    elif words[0] == "tls" and len(words) > 1 and words[1] in ("1.0", "2.0"):
        form = _NETWORK
    elif _ISO.fullmatch(words[0]):
        form = _CLASSIC
    else:
        return None
    if len(words) < _LEAST[form]:
        return None
    found = dict(zip(form, words, strict=False))
    spent = found.get("request_processing_time", "-1")
    if not _ISO.fullmatch(found["time"]) or ":" not in found["client"] or not _SPENT.fullmatch(spent):
        return None
    return found, len(words) > len(form)


def _understand(text: str, zone: ZoneInfo | None) -> Seen | None:
    read = _columns(text)
    if read is None:
        return None
    found, more = read
    when, until = _span(found, zone)
    flags = ("more_columns",) if more else ()
    values: dict[str, Any] = {
        "ip_role": "peer",
        "event": "request" if "request" in found else "session_start",
        "request": found.get("request"),
        "status": found.get("elb_status_code"),
        "user_agent": found.get("user_agent"),
        "host": found.get("domain_name"),
        "transport": "tcp" if found.get("type") == "tls" else None,
        "details": told({name: found.get(name) for name in _DETAILS}),
    }
    dest = None
    if "destination" in found and found["destination"] != "-":
        dest = with_port(found["destination"])
        values["dest_port"] = dest.port
    return Seen(when, until, with_port(found["client"]), dest, told(values), flags)


def _span(found: dict[str, str], zone: ZoneInfo | None) -> tuple[Instant, Instant | None]:
    """From the begin of the request or connection, where that is written, to the row's own time."""
    time = log_time(found["time"], zone)
    begin = found.get("request_creation_time") or found.get("tls_connection_creation_time") or "-"
    return (time, None) if begin == "-" else (log_time(begin, zone), time)


def _detect(export: Export) -> Detected | None:
    return log_rows.detected(
        export,
        lambda text: _columns(text) is not None,
        "have the columns of a load balancer of Amazon",
        surest=96,
    )


def _read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    zone = log_rows.stated(settings)
    for at in detected.members:
        for line in log_rows.heads(export.members[at]):
            seen = _understand(line, zone)
            if seen is not None and log_rows.asks_zone(seen.when):
                yield log_rows.zone_decided(settings, at, _ZONE)
                break
        yield from log_rows.rows(export.members[at], lambda text: _understand(text, zone))


READER = RecordReader(
    name="aws-elb-log",
    version=1,
    title="access log of Amazon's load balancers (classic, application, network)",
    recorder="server_log",
    zone="UTC, written as Z; rows of network load balancers have no zone: open",
    detect=_detect,
    read=_read,
    contains=(
        "the client's address and source port",
        "when, to the microsecond, and from when to when where the begin is written too",
        "the request line, the status, the browser's own name",
        "which server answered; for network load balancers the address that the client connected to",
    ),
    never=(
        "who the person was: an address tells a connection",
        "every request: Amazon writes these logs as well as it can, and says that rows may be missing",
        "the client behind a proxy that stands before the load balancer",
    ),
    asks=("time_zone",),
    flags={"more_columns": "the row has more columns than we know; they stand in the raw line"},
)
