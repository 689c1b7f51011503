"""Whether addresses of records stood in a list of Tor exits, around the time of the record.

Exits change by the day. A list says something about a record only where an entry of it lies within 24 hours of the
record. That an address does not stand in a list proves nothing: exits may use other addresses than are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from custody.evidence.chat.times import local_time

NEAR = 24 * 3600
"""Seconds by which an entry and a record may lie apart, at most."""

Verdict = Literal["tor_exit", "tor_list_date_mismatch", "tor_list_date_unknown"]


class Match(NamedTuple):
    """An address that stands in a list. ``apart``: seconds to the nearest entry, 0 within a span; None: not known.

    ``tor_exit``: listed within 24 hours; ``tor_list_date_mismatch``: listed, and not near that time, which says
    nothing about the record; ``tor_list_date_unknown``: the record or the entries have no instant.
    """

    verdict: Verdict
    ip: str
    nearest: str | None
    apart: int | None


class ExitList:
    """The entries of one or more lists, for asking record by record. ``entries``: rows of kind "listed" as written.

    ``saved``: the instant (RFC 3339 in UTC) that a person states for entries without a time.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]], *, saved: str | None = None) -> None:
        self._known: dict[str, list[str]] = {}
        for entry in entries:
            if entry.get("kind") != "listed" or "ip" not in entry:
                continue
            instants = self._known.setdefault(entry["ip"], [])
            instant = entry.get("instant") or saved
            if instant is not None:
                instants.append(instant)

    def match(self, record: Mapping[str, Any]) -> Match | None:
        """What the lists say about a row of kind "ip" as written; None where it is not listed, which proves nothing."""
        for ip in _addresses(record):
            instants = self._known.get(ip)
            if instants is None:
                continue
            start = record.get("instant")
            if start is None or not instants:
                return Match("tor_list_date_unknown", ip, None, None)
            end = max(start, record.get("instant_end") or start, key=_seconds)
            nearest = min(instants, key=lambda one: (_apart(one, start, end), one))
            apart = _apart(nearest, start, end)
            return Match("tor_exit" if apart <= NEAR else "tor_list_date_mismatch", ip, nearest, apart)
        return None


def _addresses(record: Mapping[str, Any]) -> Iterable[str]:
    """The record's address; of an IPv4-mapped one also the IPv4 address, which is the same host."""
    if "ip" in record:
        yield record["ip"]
    if record.get("ip_class") == "mapped":
        yield record["ip_embedded"]["ip"]


def _apart(entry: str, start: str, end: str) -> int:
    at = _seconds(entry)
    return max(_seconds(start) - at, at - _seconds(end), 0)


def _seconds(utc: str) -> int:
    """Whole seconds since 2000 of an instant as we write it."""
    parts = (utc[:4], utc[5:7], utc[8:10], utc[11:13], utc[14:16], utc[17:19])
    return (local_time(*map(int, parts)) - local_time(2000, 1, 1)) // timedelta(seconds=1)
