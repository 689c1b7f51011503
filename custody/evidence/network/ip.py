"""A hand-entered IP address with its time and port: what was typed, and what follows from it.

What makes one usable is RFC 6302: the source port, the time to the second with its offset, the
transport, the destination. What is missing is null and a flag, never a default. An IP address
identifies a connection, not a person: behind one address there can be thousands of subscribers.

Addresses are classed by our own copy of the IANA special-purpose registries (RFC 6890), because the
answers of Python's ``ipaddress`` change between its versions. Canonical text is RFC 5952, our own too:
``str()`` of a mapped address differs between Python 3.12 and 3.13.
"""

from __future__ import annotations

import bisect
import functools
import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from custody.errors import InputRefused
from custody.evidence import typed
from custody.evidence.instants import TIME_FLAGS, Instant, read_instant

SCHEMA = "custody.ip-reference/1"
TABLE_DATE = "2024-10-22"
"""The state of the IANA registries that the classes are from; printed wherever a class is shown."""

ROLES = ("peer", "reported_client", "assigned", "nat_internal", "nat_external", "server", "unknown")
TRANSPORTS = ("tcp", "udp", "sctp")
EVENTS = (
    "login",
    "logout",
    "failed_login",
    "session_start",
    "session_stop",
    "request",
    "message_sent",
    "registration",
    "password_change",
    "assigned",
)

_CLASSES: tuple[tuple[str, str], ...] = (
    ("this_network", "0.0.0.0/8 ::/128"),
    ("loopback", "127.0.0.0/8 ::1/128"),
    ("private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
    ("cgnat_shared", "100.64.0.0/10"),
    ("link_local", "169.254.0.0/16 fe80::/10"),
    ("ietf_protocol", "192.0.0.0/24 2001::/23"),
    # inside ietf_protocol, but reachable from everywhere
    (
        "public_unicast",
        "192.0.0.9/32 192.0.0.10/32 2001:1::1/128 2001:1::2/128 2001:1::3/128 "
        "2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28",
    ),
    ("documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
    ("benchmark", "198.18.0.0/15 2001:2::/48"),
    ("reserved", "240.0.0.0/4 100::/64 100:0:0:1::/64"),
    ("broadcast", "255.255.255.255/32"),
    ("multicast", "224.0.0.0/4 ff00::/8"),
    ("as112_amt", "192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 2620:4f:8000::/48"),
    ("deprecated_6to4", "192.88.99.0/24"),
    ("mapped", "::ffff:0:0/96"),
    ("nat64", "64:ff9b::/96"),
    ("nat64_local", "64:ff9b:1::/48"),
    ("6to4", "2002::/16"),
    ("teredo", "2001::/32"),
    ("srv6", "5f00::/16"),
    ("public_unicast", "0.0.0.0/0 2000::/3"),
    ("unallocated", "::/0"),
)
CLASSES = tuple(dict.fromkeys(name for name, _ in _CLASSES))


def _table() -> tuple[tuple[int, int, int, str], ...]:
    """(version, first address, prefix length, class), longest prefix first."""
    rows = []
    for name, prefixes in _CLASSES:
        for prefix in prefixes.split():
            network = ipaddress.ip_network(prefix)
            rows.append((network.version, int(network.network_address), network.prefixlen, name))
    return tuple(sorted(rows, key=lambda row: -row[2]))


_TABLE = _table()

# a public address, or one that stands for a public one inside; all others are worth a look
_ORDINARY = {"public_unicast", "mapped", "nat64", "nat64_local", "6to4", "teredo", "cgnat_shared"}

IP_FLAGS = tuple(
    sorted(
        {
            *TIME_FLAGS,
            *(f"ip_reserved:{name}" for name in CLASSES if name not in _ORDINARY),
            *(
                "cgnat_likely",
                "end_before_start",
                "eui64_interface",
                "ip_embedded",
                "ip_hostname",
                "ip_unparsed",
            ),
            *("ip_zone", "no_source_port", "port_ambiguous", "port_from_address"),
        }
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address as it was typed, and what it is.

    ``ip`` is canonical text or None where it does not parse; ``embedded`` is the IPv4 address inside a
    mapped, NAT64, 6to4 or Teredo address, with its own class. ``port`` is one that stood in the text.
    """

    raw: str
    ip: str | None
    version: int | None
    kind: str | None
    embedded: tuple[str, str] | None
    port: int | None
    flags: tuple[str, ...]


def _by_table(version: Literal[4, 6], number: int) -> str:
    """The class by the longest prefix of our table."""
    bits = 32 if version == 4 else 128
    for of_version, first, length, name in _TABLE:
        if of_version == version and number >> (bits - length) == first >> (bits - length):
            return name
    raise InputRefused("this is no address", where="address")  # not reached: the table ends in /0


def _spans(version: Literal[4, 6]) -> tuple[list[int], list[str]]:
    """The table as spans: their first addresses in order, and the class of each. Logs ask it for every address."""
    bits = 32 if version == 4 else 128
    edges = {0}
    for of_version, first, length, _ in _TABLE:
        if of_version == version:
            edges |= {first, first + (1 << (bits - length))}
    starts = sorted(edges - {1 << bits})
    return starts, [_by_table(version, start) for start in starts]


_SPANS = {4: _spans(4), 6: _spans(6)}


def classify(version: Literal[4, 6], number: int) -> str:
    """The class of an address, given as its number, by the longest prefix of our table."""
    starts, names = _SPANS[version]
    return names[bisect.bisect_right(starts, number) - 1]


def canonical(version: Literal[4, 6], number: int) -> str:
    """Canonical text (RFC 5952 4 and 5): lower case, the longest run of zeros cut out.

    IPv4-mapped addresses are written ``::ffff:192.0.2.1``; all other IPv6 addresses in hexadecimal.
    """
    if version == 4:
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    if number >> 32 == 0xFFFF:
        return "::ffff:" + canonical(4, number & 0xFFFFFFFF)
    groups = [number >> shift & 0xFFFF for shift in range(112, -1, -16)]
    best_at = best = at = 0
    while at < 8:
        end = at
        while end < 8 and groups[end] == 0:
            end += 1
        if end - at > best:  # the first of equal runs (4.2.3)
            best_at, best = at, end - at
        at = max(end, at + 1)
    words = [f"{group:x}" for group in groups]
    if best < 2:  # a single zero is not cut out (4.2.2)
        return ":".join(words)
    return ":".join(words[:best_at]) + "::" + ":".join(words[best_at + best :])


_V4 = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_V6 = re.compile("[0-9A-Fa-f:]{2,39}")
_PORT = re.compile("[1-9][0-9]{1,4}")
_ANY_ADDRESS = re.compile("[0-9A-Fa-f:.]+")
_WITH_PORT = re.compile(r"([0-9.]+|\[[^\]]*\]):([1-9][0-9]{0,4})")


def read_address(raw: str, where: str = "address") -> Address:
    """Read a typed address: ``a.b.c.d``, ``a.b.c.d:port``, IPv6, ``[IPv6]:port``, ``IPv6:…`` as in mail.

    What does not parse (leading zeros, short forms, names, other alphabets' digits) is kept with the flag
    ``ip_unparsed``. InputRefused only for empty text, control characters or more than 255 characters.
    """
    plain = _plain(raw)
    if plain is not None:
        version, number = plain
        return _found(raw, raw, version, number, None, [])
    typed.required(raw, where, longest=255)
    found: list[str] = []
    value = raw.strip()
    port: int | None = None
    split = _WITH_PORT.fullmatch(value)
    if split is not None and int(split[2]) <= 65535:
        value, port = split[1], int(split[2])
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if value[:5].lower() == "ipv6:":
        value = value[5:]
    if "%" in value and ":" in value:  # a zone means something on one machine only (RFC 4007 11)
        value = value.partition("%")[0]
        found.append("ip_zone")
    try:
        # ip_address() takes integers and bytes for addresses, and may take more one day
        parsed = ipaddress.ip_address(value) if _ANY_ADDRESS.fullmatch(value) else None
    except ValueError:
        parsed = None
    if parsed is None:
        found.append("ip_unparsed")
        if re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\.?(:[0-9]+)?", value):
            found.append("ip_hostname")
        if _may_end_in_port(value):
            found.append("port_ambiguous")
        return Address(
            raw=raw, ip=None, version=None, kind=None, embedded=None, port=None, flags=tuple(sorted(found))
        )
    version = 4 if isinstance(parsed, ipaddress.IPv4Address) else 6
    return _found(raw, value, version, int(parsed), port, found)


def _plain(text: str) -> tuple[Literal[4, 6], int] | None:
    """(version, number) of an address written in the usual way; None for what must be looked at closely.

    What `ipaddress` says of the same text, in a fraction of its time.
    """
    if _V4.fullmatch(text):
        first, second, third, fourth = map(int, text.split("."))
        if max(first, second, third, fourth) <= 255:
            return 4, first << 24 | second << 16 | third << 8 | fourth
    elif _V6.fullmatch(text):
        front, cut, back = text.partition("::")
        groups = front.split(":") if front else []
        if cut:
            rest = back.split(":") if back else []
            groups = (
                [*groups, *["0"] * (8 - len(groups) - len(rest)), *rest]
                if len(groups) + len(rest) < 8
                else []
            )
        if len(groups) == 8 and all(0 < len(group) <= 4 for group in groups):
            return 6, int("".join([group.zfill(4) for group in groups]), 16)
    return None


def _found(
    raw: str, value: str, version: Literal[4, 6], number: int, port: int | None, found: list[str]
) -> Address:
    """The address of that number, with the flags that follow from it; ``value``: its text alone."""
    if port is not None:
        found.append("port_from_address")
    elif version == 6 and "[" not in raw and _may_end_in_port(value):
        found.append("port_ambiguous")
    kind = classify(version, number)
    if kind not in _ORDINARY:
        found.append(f"ip_reserved:{kind}")
    inner = _embedded(kind, number)
    embedded = None
    if inner is not None:
        embedded = (canonical(4, inner), classify(4, inner))
        found.append("ip_embedded")
    if "cgnat_shared" in (kind, embedded[1] if embedded else None):
        found.append("cgnat_likely")
    if version == 6 and number >> 24 & 0xFFFF == 0xFFFE and kind not in ("teredo", "mapped", "nat64"):
        # made from a device's hardware address (RFC 4291 appendix A), or forged to look so
        found.append("eui64_interface")
    return Address(
        raw=raw,
        ip=value if version == 4 else canonical(version, number),  # IPv4 has one way to be written
        version=version,
        kind=kind,
        embedded=embedded,
        port=port,
        flags=tuple(sorted(found)),
    )


@functools.lru_cache(1 << 14)
def seen_address(raw: str) -> Address:
    """`read_address` for texts of files, which are never refused: what can't be an address is kept and flagged."""
    try:
        return read_address(raw)
    except InputRefused:
        return Address(
            raw=raw, ip=None, version=None, kind=None, embedded=None, port=None, flags=("ip_unparsed",)
        )


def _may_end_in_port(value: str) -> bool:
    """Whether "2001:db8::5:443" could as well be an address and a port written without brackets."""
    rest, _, last = value.rpartition(":")
    if not _PORT.fullmatch(last) or not _ANY_ADDRESS.fullmatch(rest):
        return False
    if "." not in rest:
        return _plain(rest) is not None
    try:
        ipaddress.IPv6Address(rest)
    except ValueError:
        return False
    return True


def _embedded(kind: str, number: int) -> int | None:
    if kind in ("mapped", "nat64"):
        return number & 0xFFFFFFFF
    if kind == "6to4":  # RFC 3056 2
        return number >> 80 & 0xFFFFFFFF
    if kind == "teredo":  # RFC 4380 4: the client's address, every bit turned over
        return number & 0xFFFFFFFF ^ 0xFFFFFFFF
    return None  # nat64_local: where the address lies depends on a prefix length that nobody wrote down


def ip_reference(
    address: str,
    *,
    time: str,
    offset: str | None = None,
    clock: Literal["24", "12"] | None = None,
    epoch: Literal["s", "ms"] | None = None,
    time_end: str | None = None,
    port: str | int | None = None,
    transport: str | None = None,
    role: str | None = None,
    dest_address: str | None = None,
    dest_port: str | int | None = None,
    event: str | None = None,
    account: str | None = None,
    source_item: str | None = None,
    source_place: str | None = None,
    note_source: str | None = None,
    checked_by: str | None = None,
) -> dict[str, typed.Json]:
    """The record of one address at one time, as ``schemas/ip-reference.schema.json`` describes it.

    ``time``, ``offset``, ``clock`` and ``epoch`` as in ``read_instant``; ``time_end`` ends a session.
    ``port`` is 1 to 65535, or None where none is recorded. ``role`` of ROLES, ``transport`` of TRANSPORTS,
    ``event`` of EVENTS, each also ``other:<text>``. ``source_item`` and ``source_place`` say what it was read
    from ("A-3/01", "page 2, row 3"), ``checked_by`` who read it back. None means not stated, for all.

    All keys are always there. Address and time that are not understood are kept as typed, with flags.
    InputRefused if either is empty, if a port, word or offset can't be one, if two of them contradict, or if a
    text holds a wallet's secret.
    """
    from custody.evidence.blockchain import secrets  # heavier than all of this, and for what is typed only

    for where, value in (
        ("account", account),
        ("note on the source", note_source),
        ("source place", source_place),
        ("checked by", checked_by),
    ):
        secrets.refuse(value, where)
    source = read_address(address)
    number = typed.whole_number(port, "port", least=1, most=65535)
    if number is not None and source.port is not None and number != source.port:
        raise InputRefused(
            "the address ends in another port", where="port", expected=str(source.port), found=str(number)
        )
    number = source.port if number is None else number
    destination = None if dest_address is None else read_address(dest_address, "destination address")
    dest_number = typed.whole_number(dest_port, "destination port", least=1, most=65535)
    if destination is not None and destination.port is not None:
        if dest_number is not None and dest_number != destination.port:
            raise InputRefused(
                "the destination address ends in another port",
                where="destination port",
                expected=str(destination.port),
                found=str(dest_number),
            )
        dest_number = destination.port
    start = read_instant(time, offset=offset, clock=clock, epoch=epoch)
    end = None
    if time_end is not None:
        end = read_instant(time_end, offset=offset, clock=clock, epoch=epoch, where="end time")
    found = set(source.flags) | set(start.flags)
    if number is None:
        found.add("no_source_port")
    if _before(end, start):
        found.add("end_before_start")
    return typed.record(
        SCHEMA,
        {
            "recorder": "manual",
            "ip_raw": source.raw,
            "ip": source.ip,
            "ip_version": source.version,
            "ip_class": source.kind,
            "ip_embedded": _embedded_record(source),
            "ip_table_date": TABLE_DATE,
            "ip_role": typed.one_of(role, "role", ROLES),
            "port": number,
            "transport": typed.one_of(transport, "transport", TRANSPORTS),
            "dest_ip_raw": None if destination is None else destination.raw,
            "dest_ip": None if destination is None else destination.ip,
            "dest_ip_class": None if destination is None else destination.kind,
            "dest_port": dest_number,
            "dest_flags": [] if destination is None else list(destination.flags),
            "time_raw": start.raw,
            "instant": start.instant,
            "precision": start.precision,
            "offset": start.offset,
            "offset_origin": start.offset_origin,
            "clock": clock,
            "epoch": epoch,
            "time_end_raw": None if end is None else end.raw,
            "instant_end": None if end is None else end.instant,
            "time_end_flags": [] if end is None else list(end.flags),
            "event": typed.one_of(event, "event", EVENTS),
            "account": typed.text(account, "account"),
            "source_item": typed.text(source_item, "source item", longest=64),
            "source_place": typed.text(source_place, "source place"),
            "note_source": typed.text(note_source, "note on the source"),
            "checked_by": typed.text(checked_by, "checked by"),
            "flags": sorted(found),
        },
    )


def _embedded_record(address: Address) -> dict[str, str] | None:
    if address.embedded is None:
        return None
    return {"ip": address.embedded[0], "ip_class": address.embedded[1]}


def _before(end: Instant | None, start: Instant) -> bool:
    """Only where both are known; whole seconds are compared, so that precisions may differ."""
    if end is None or end.instant is None or start.instant is None:
        return False
    return end.instant[:19] < start.instant[:19]
