"""Which rows somebody asks for. A row is left out only where it is sure that it is none of those.

A time that is not to the second, an hour that came twice, a zone that nobody stated, a row that was not understood:
each may be the one that is looked for, and is given.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from custody.errors import UsageError
from custody.evidence.network import network_match
from custody.evidence.network.network_values import number
from custody.evidence.records.flags import FLAGS
from custody.format.text import show

_ADDRESSES = (
    "ip", "ip_raw", "dest_ip", "dest_ip_raw", "address_from", "address_from_raw", "address_to", "address_to_raw",
    "contract", "contract_raw", "txid", "txid_raw", "block_hash", "canonical", "host",
)  # fmt: skip
_NESTED = ("ip_embedded", "addresses", "transfers", "hops")
_ACCOUNTS = ("account", "subscriber_ref", "session_id", "device")
_LONGEST_ADDRESS = 300
_IP_LIKE = re.compile(r"[0-9A-Fa-f:.]{3,64}")
_TIME = re.compile(
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d(\.\d{1,9})?Z?)?)?)?)?)?",
    re.ASCII,
)
FIRST = "0000-01-01T00:00:00.000000000"
LAST = "9999-12-31T23:59:59.999999999"
_WEST, _EAST = timedelta(hours=12), timedelta(hours=14)
"""No clock on earth is further from UTC than this."""
_CLOCK_DOUBTS = frozenset({
    "clock_contradiction", "date_order_ambiguous", "epoch_not_stated", "format_mixed", "leap_second", "no_time",
    "no_year", "time_not_understood", "twelve_hour_ambiguous",
})  # fmt: skip
"""With one of these even the day that a clock showed is not sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are wanted; everything that is stated must hold. Texts are compared without case.

    ``since``, ``until``: UTC, RFC 3339 beginnings such as 2022-03-27 or 2022-03-27T21:41, each the whole of what it
    names. A row is given unless all of its time lies outside: one without an instant, where no zone on earth could
    bring it in; one without a time, always. ``address``: an IP address, a network (192.0.2.0/24), or a chain's
    address or id, compared whole. ``account``: a part of an account, subscriber, session or device. Of a row that
    was not understood, ``address`` and ``account`` are looked for in its text. ``numbers``: rows by their number.

    UsageError for a time or a network that can't be meant.
    """

    since: str | None = None
    until: str | None = None
    address: str | None = None
    account: str | None = None
    kind: str | None = None
    flag: str | None = None
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_times(self.since, self.until)
        if self.address is not None:
            _check_address(self.address)

    def takes(self, row: Mapping[str, Any]) -> bool:
        """True for a row that is wanted."""
        if self.numbers and row["number"] not in self.numbers:
            return False
        if self.kind is not None and row["kind"] != self.kind:
            return False
        if self.flag is not None and self.flag not in row.get("flags", ()):
            return False
        if self.address is not None and not _has_address(self.address.strip(), row):
            return False
        return (self.account is None or _has_account(self.account, row)) and self._in_time(row)

    def _in_time(self, row: Mapping[str, Any]) -> bool:
        if self.since is None and self.until is None:
            return True
        first, last = _span(row)
        if self.since is not None and last < padded(self.since, FIRST):
            return False
        return self.until is None or first <= padded(self.until, LAST)


def check_times(since: str | None, until: str | None) -> None:
    """UsageError for a --from or an --until that is no beginning of a time."""
    for name, value in (("--from", since), ("--until", until)):
        if value is not None and not _TIME.fullmatch(value):
            raise UsageError(
                "not a time that can be compared with",
                where=name,
                expected="the beginning of a UTC time, like 2026-03-03 or 2026-03-03T20:14",
                found=show(value, 60),
            )


def padded(text: str, like: str) -> str:
    """The beginning of a time as a whole one (``like`` FIRST or LAST), so that texts compare as times do."""
    text = text.rstrip("Z")
    return text + like[len(text) :]


def _span(row: Mapping[str, Any]) -> tuple[str, str]:
    """The earliest and the latest moment that a row can be of, in one spelling."""
    instant = row.get("instant")
    if instant is None:
        first, last = _by_its_clock(row)
    else:
        text = instant[:16] if row.get("precision") == "min" else instant
        first, last = padded(text, FIRST), padded(text, LAST)
    end = row.get("instant_end")
    if end is not None:
        # Which of the two is wrong where the end lies before the beginning is not known.
        first, last = min(first, padded(end, FIRST)), max(last, padded(end, LAST))
    elif row.get("time_end_raw") is not None or row.get("local_end") is not None:
        last = LAST
    return first, last


def _by_its_clock(row: Mapping[str, Any]) -> tuple[str, str]:
    """Of a row without an instant: as far as any zone could bring it; all of time, where its day is not sure."""
    flags = set(row.get("flags", ()))
    # A flag of one reader alone is not known here: it may be about the time.
    if (
        "local" not in row
        or flags & _CLOCK_DOUBTS
        or any(flag not in FLAGS and ":" not in flag for flag in flags)
    ):
        return FIRST, LAST
    try:
        shown = datetime.fromisoformat(row["local"][:19])
        length = timedelta(days=1) if len(row["local"]) <= 10 else timedelta(minutes=1)
        return (shown - _EAST).isoformat(), padded(
            (shown + _WEST + length).isoformat(timespec="seconds"), LAST
        )
    except (ValueError, OverflowError):
        return FIRST, LAST


def _has_account(wanted: str, row: Mapping[str, Any]) -> bool:
    shown = "\n".join(str(row[name]) for name in _ACCOUNTS if name in row)
    if row["kind"] == "unknown":
        if _is_cut(row):
            return True
        shown = str(row.get("raw", ""))
    return wanted.casefold() in shown.casefold()


def _has_address(wanted: str, row: Mapping[str, Any]) -> bool:
    network = _network(wanted)
    if row["kind"] == "unknown":
        return _is_cut(row) or _in_text(wanted, network, str(row.get("raw", "")))
    if row["kind"] == "network" and network is not None:
        return _overlaps(network, row)
    texts = list(_texts_of(row))
    if network is None:
        spellings = _spellings(wanted)
        return any(not spellings.isdisjoint(_spellings(text)) for text in texts)
    return any((found := _address(text)) is not None and found in network for text in texts)


def _texts_of(row: Mapping[str, Any]) -> Iterator[str]:
    """All addresses and ids of a row, those too that a header claims or that lie behind another."""
    yield from (str(row[name]) for name in _ADDRESSES if name in row)
    for name in _NESTED:
        yield from _texts(row.get(name))
    for text in _texts(row.get("forwarded_for")):
        yield from _IP_LIKE.findall(text)
    details = row.get("details")
    if isinstance(details, Mapping) and "nat_internal" in details:
        yield str(details["nat_internal"])


def _is_cut(row: Mapping[str, Any]) -> bool:
    return "raw_cut" in row.get("flags", ()) or "raw" not in row


def _in_text(wanted: str, network: _Network | None, text: str) -> bool:
    if wanted.casefold() in text.casefold():
        return True
    return network is not None and any(
        (found := _address(word.strip(".:"))) is not None and found in network
        for word in _IP_LIKE.findall(text)
    )


def _overlaps(network: _Network, row: Mapping[str, Any]) -> bool:
    """Whether any address of a network lies in the range that a registry described."""
    first, last = str(network.network_address), str(network.broadcast_address)
    ends = [network_match.where({"ip": one, "ip_class": ""}, row) for one in (first, last)]
    if "inside" in ends:
        return True
    return "not_comparable" not in ends and number(first) <= number(row["range"][0]) <= number(last)


@functools.lru_cache(1 << 14)
def _spellings(text: str) -> frozenset[str]:
    """What makes two spellings of one address or id equal; of other texts the text without case."""
    from custody.evidence.blockchain.recognise import recognise

    found = {text.strip().casefold()}
    for reading in recognise(text).readings if len(text) <= _LONGEST_ADDRESS else ():
        found.add(reading.canonical)
        if reading.payload_hex is not None and reading.kind in ("address", "contract"):
            # TRON and EVM write the same key bytes in ways that differ: they are told apart by their chains
            found.add(f"{reading.payload_hex} {','.join(reading.chains)}")
    return frozenset(found)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return []


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _check_address(text: str) -> None:
    if not text.strip():
        raise UsageError("nothing is named", where="--address", expected="an address, a network or an id")
    if "/" not in text or _network(text.strip()) is not None:
        return
    try:
        meant = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return
    raise UsageError(
        "not a network: it has bits of one address in it",
        where="--address",
        expected=f"{meant} for all of the network, or the address alone",
        found=show(text.strip(), 60),
    )


@functools.lru_cache(64)
def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


@functools.lru_cache(1 << 14)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
