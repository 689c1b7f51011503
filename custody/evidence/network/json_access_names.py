"""The names under which web servers write what a request was, in JSON: a table, in the order in which they are asked.

A dot leads into an object; the first element of a list is taken where a header has one. A name that stands
here for nothing secret may be shown; all others stay in the raw line.
"""

from __future__ import annotations

PEER = (
    "request.remote_addr",  # Caddy before 2.5, address and port
    "request.remote_ip",  # Caddy
    "ClientAddr",  # Traefik, address and port
    "remote_addr",  # nginx, by its variable's name
    "remote_ip",
    "remoteAddr",
    "remoteIp",
    "remote_host",
    "remote_address",
    "source_ip",
)
"""The other end of the connection."""
CLIENT = (
    "request.client_ip",  # Caddy: from a header of a trusted proxy, else the peer
    "ClientHost",  # Traefik: what X-Forwarded-For claims, if it came, else the peer
    "client_ip",
    "clientip",
    "clientIp",
    "client",
    "ip",
)
"""Who is taken for the client: the peer, or what a header claims."""
PORT = ("request.remote_port", "ClientPort", "remote_port", "remotePort", "client_port", "source_port")
FORWARDED = (
    "request.headers.X-Forwarded-For",
    "request_X-Forwarded-For",  # Traefik, where the header is kept
    "http_x_forwarded_for",
    "x_forwarded_for",
    "xff",
    "forwarded_for",
)
TEXT_TIMES = (
    "StartUTC",  # Traefik: when the request began
    "time_iso8601",
    "time_local",
    "@timestamp",
    "timestamp",
    "StartLocal",
    "time",
    "date",
    "datetime",
    "ts",
)
"""Written times; a number among them counts seconds only under a name of SECONDS."""
SECONDS = ("ts", "msec")
"""Caddy's and nginx's names for seconds since 1970 with decimals."""
VALUES = {
    "account": ("user_id", "ClientUsername", "remote_user", "user", "username"),
    "host": ("request.host", "RequestHost", "http_host", "host", "server_name"),
    "request": ("request", "request_line"),
    "status": ("status", "DownstreamStatus", "OriginStatus", "response_status", "status_code"),
    "user_agent": (
        "request.headers.User-Agent", "request_User-Agent", "http_user_agent", "user_agent", "agent",
    ),
}  # fmt: skip
METHOD = ("request.method", "RequestMethod", "request_method", "method", "verb")
PATH = ("request.uri", "RequestPath", "request_uri", "uri", "url", "path")
PROTOCOL = ("request.proto", "RequestProtocol", "server_protocol", "protocol")
DETAILS = (
    "level", "logger", "msg", "duration", "Duration", "size", "bytes_read", "body_bytes_sent", "bytes_sent",
    "DownstreamContentSize", "http_referer", "referer", "RouterName", "ServiceName", "request_time", "request_id",
)  # fmt: skip
SIGNS = (
    frozenset({"request.remote_ip", "request.method"}),
    frozenset({"request.remote_addr", "request.method"}),
    frozenset({"ClientAddr", "RequestMethod"}),
    frozenset({"ClientHost", "RequestMethod"}),
)
"""Names that only one server writes together."""
