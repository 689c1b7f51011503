"""What a reader of records gives: rows in the order of the file, each with its place and its raw text.

Values are ready for JSON; quantities that are no counts (coordinates, amounts of coins) are texts, never floats.
What a source does not say is absent: absent is "not recorded", never a default. What is doubtful is a flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from custody.evidence.export import Cut
from custody.evidence.instants import Instant
from custody.evidence.network.ip import Address
from custody.evidence.reading import Decided, Notice, Range

KINDS = ("ip", "coin", "picture", "page", "network", "listed", "unknown")
"""ip: an address that did something at a time; coin: an address, a transaction or a block of a chain; picture: the
facts of an image file; page: something captured from the web; network: who holds a range of addresses, as a
registry said; listed: a line of a public list (Tor exits); unknown: a row that was not understood, kept as it is."""

IP_VALUES = (
    "account", "capture", "clock_note", "cookie_id", "country", "dest_port", "details", "device", "event", "event_raw",
    "forwarded_for", "hops", "host", "ip_role", "message_id", "port", "port_range", "program", "provider_geo",
    "request", "session_id", "status", "subscriber_ref", "transport", "user_agent",
)  # fmt: skip
"""Keys that `Row.values` of kind "ip" may have. ``ip_role``, ``event`` and ``transport``: words of
`custody.evidence.network.ip`; ``event_raw``: the source's own word. ``port`` and ``dest_port``: 1 to 65535;
``port_range``: [first, last]. ``request``: the request line; ``forwarded_for``: what a header claims, as written;
``provider_geo``: what the provider wrote ({city, country …}), never a look-up of ours. ``details``: what the source
has beside these, by its own names, without secrets."""

_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class Row(NamedTuple):
    """One row. A NamedTuple, since logs have millions of them.

    ``raw``: exactly the bytes from ``start`` to before ``end`` of the member (`export.cut` gives them). ``place``:
    a line's number (from 1), or words ("sheet Logins, row 3"). ``when`` and ``until``: its time, and its end if it
    is a span. ``address`` and ``dest``: of kind "ip". ``values``: what else it says, by the keys of its kind.
    ``flags``: codes of doubt beside those of the times and addresses, which the form adds by itself (with
    ``no_source_port``, ``duplicate_row`` and ``time_goes_backwards``).
    """

    member: int
    start: int
    end: int
    raw: bytes | Cut
    kind: str
    place: int | str | None = None
    when: Instant | None = None
    until: Instant | None = None
    address: Address | None = None
    dest: Address | None = None
    values: Mapping[str, Any] = _NO_VALUES
    flags: tuple[str, ...] = ()


Record = Row | Range | Decided | Notice
