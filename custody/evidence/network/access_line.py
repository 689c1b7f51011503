"""One line of an access log, read tolerantly: whose address, when, then the rest as far as it is sure.

The address is looked for, not counted off: a line of `vhost_combined` fits the pattern of `combined`, with the server's
name for the client. Quotes that nobody escaped leave the rest unread, and the line says so.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from custody.evidence.network.ip import Address, seen_address
from custody.evidence.network.log_rows import Seen, claimed, port_of, told, with_port
from custody.evidence.network.log_times import epoch, log_time

_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_CLOCK = r"[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}[:T ][^\[\]]{1,60}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][^\[\]]{1,60}"
_TIME = re.compile(rf"\[({_CLOCK}|[0-9]{{9,11}}\.[0-9]{{1,9}})\]")
_EPOCH = re.compile(r"[0-9]++\.[0-9]++")
_LEADING = re.compile(_QUOTED + " ")
_REST = re.compile(rf" ?{_QUOTED} ([0-9]{{3}}|-)(?: ([0-9]++|-))?(?![^ ])")
_BROWSER = re.compile(rf" {_QUOTED} {_QUOTED}(?![^ ])")
_FIELD = re.compile(rf" ([^\" ]*+)(?:{_QUOTED})?+")
_MORE = re.compile(rf"(?: [^\" ]*+(?:{_QUOTED})?+)*+")
_TRAEFIK = re.compile(rf" [0-9]++ {_QUOTED} {_QUOTED} [0-9]++ms *")
_SERVER_PORTS = frozenset({80, 443, 8000, 8008, 8080, 8081, 8443, 8888})

PLAIN = "address first"
HOST_FIRST = "the server's name before the address"
PORT_BEHIND = "a number behind the address, taken for its source port"
HEADER_FIRST = "addresses of a forwarding header first"
UNCLEAR = "two addresses before the time"


class Lead(NamedTuple):
    """What stands before the time."""

    shape: str
    address: Address | None
    values: dict[str, Any]
    flags: tuple[str, ...] = ()


def read_line(text: str, zone: ZoneInfo | None, shape: str | None = None) -> Seen | None:
    """What a line says; None where no time in brackets stands in it. ``shape``: how the lines of the file begin."""
    quoted = _LEADING.match(text)
    begin = quoted.end() if quoted else 0
    quote = text.find('"', begin)
    flags: list[str] = []
    times = list(_TIME.finditer(text, begin, len(text) if quote < 0 else quote))
    if not times:
        # A quote before the time: one that nobody escaped. The time is sure only where there is but one.
        times = list(_TIME.finditer(text, begin))
        if len(times) != 1 or not text.startswith(' "', times[0].end()):
            return None
        flags.append("row_not_split")
    if len(times) > 1:
        flags.append("two_times")
    found = times[-1]
    when = epoch(found[1]) if _EPOCH.fullmatch(found[1]) else log_time(found[1], zone)
    lead = read_lead(text[begin : found.start()].strip(" "), "" if quoted is None else quoted[1])
    flags += lead.flags
    if shape is not None and lead.shape != shape:
        flags.append("format_mixed")
    values = dict(lead.values)
    details: dict[str, Any] = dict(values.pop("details", {}))
    rest = _REST.match(text, found.end())
    if rest is None:
        flags.append("row_not_split")
    else:
        values |= {"request": rest[1], "status": rest[2]}
        details["size"] = rest[3]
        _behind(text, rest.end(), values, details, flags)
    values["event"] = "request"
    values["details"] = told(details)
    return Seen(when, None, lead.address, None, told(values), tuple(dict.fromkeys(flags)))


def shape_of(text: str) -> str | None:
    """How a line begins; None where it has no time in brackets."""
    found = _TIME.search(text)
    return None if found is None else read_lead(text[: found.start()].strip(" ")).shape


def _behind(text: str, at: int, values: dict[str, Any], details: dict[str, Any], flags: list[str]) -> None:
    """Referrer and browser, and what a forwarding header claims; all else that servers add stays in the line."""
    browser = _BROWSER.match(text, at)
    end = at if browser is None else browser.end()
    more = _MORE.match(text, end)
    if more is None or more.end() != len(text):
        # Quotes that were not escaped: where a field ends is not known from here on.
        flags.append("row_not_split")
        return
    if browser is not None:
        details["referer"], values["user_agent"] = browser[1], browser[2]
    if end == len(text):
        return
    if _TRAEFIK.fullmatch(text, end):
        flags.append("client_may_be_header")
        values["ip_role"] = "unknown"
    for field in _FIELD.finditer(text, end):
        header = claimed(field[2]) if field[2] and not field[1] and "forwarded_for" not in values else None
        if header is not None:
            values["forwarded_for"] = header
            flags.append("proxy_possible")


@functools.lru_cache(1 << 14)
def read_lead(text: str, quoted: str = "") -> Lead:
    """Client and account in what stands before the time; ``quoted``: a quoted field before that."""
    words = text.split(" ")
    header: list[str] = [] if not quoted else claimed(quoted) or []
    from_header = False
    if not header:
        taken = 0
        while taken < len(words) and words[taken].endswith(","):
            taken += 1
        if taken and (listed := claimed(" ".join(words[: taken + 1]))) is not None:
            header, words, from_header = listed, words[taken + 1 :], True
    if from_header:
        return _header_first(header, words)
    lead = _plain(words)
    if header:
        values = lead.values | {"forwarded_for": header}
        return lead._replace(values=values, flags=(*lead.flags, "proxy_possible"))
    return lead


def _header_first(header: list[str], words: list[str]) -> Lead:
    if words and seen_address(words[0]).ip is not None:  # %{X-Forwarded-For}i %h …: the peer stands there too
        lead = _plain(words)
        values = lead.values | {"forwarded_for": header}
        return lead._replace(shape=HEADER_FIRST, values=values, flags=(*lead.flags, "proxy_possible"))
    values = {"ip_role": "reported_client", "forwarded_for": header, **_account(words)}
    return Lead(HEADER_FIRST, seen_address(header[0]), values, ("client_from_header",))


def _plain(words: list[str]) -> Lead:
    first = with_port(words[0])
    if len(words) > 3 and words[1] not in ("-", ""):
        second = with_port(words[1])
        if first.ip is not None and second.ip is not None:
            if first.port in _SERVER_PORTS and second.port is None:
                return _client(HOST_FIRST, second, words[2:], {"host": words[0]})
            details = {"before_time": " ".join(words)}
            return Lead(UNCLEAR, None, {"ip_role": "unknown", "details": details}, ("address_ambiguous",))
        if first.ip is not None and (port := port_of(words[1])) is not None and first.port is None:
            return _client(PORT_BEHIND, first, words[2:], {"port": port})
        if first.ip is None and (second.ip is not None or words[2] == "-"):
            return _client(HOST_FIRST, second, words[2:], {"host": words[0]})
    elif len(words) == 3 and first.ip is None and (second := with_port(words[1])).ip is not None:
        return _client(HOST_FIRST, second, words[2:], {"host": words[0]})
    return _client(PLAIN, first, words[1:], {})


def _client(shape: str, address: Address, words: list[str], values: dict[str, Any]) -> Lead:
    values |= _account(words)
    if address.ip is None and address.raw in ("-", "", "unix:"):
        return Lead(shape, None, {"ip_role": "unknown", **values}, ("no_address",))
    return Lead(shape, address, {"ip_role": "peer", **values})


def _account(words: list[str]) -> dict[str, Any]:
    """The account is what stands behind the (hardly ever used) name of RFC 1413; it may have blanks."""
    if len(words) < 2:
        return {}
    values: dict[str, Any] = {"account": " ".join(words[1:])}
    if words[0] != "-":
        values["details"] = {"ident": words[0]}
    return values
