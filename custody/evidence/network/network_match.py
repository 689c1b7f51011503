"""Whether an address lies in a range that a registry described, and how far apart in time the two statements are.

Ranges change hands. An answer of today says who holds the range today; the dates of its events say whether that may
have been so when the record was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from custody.evidence.chat.times import local_time
from custody.evidence.network.network_values import number

Where = Literal["inside", "outside", "not_comparable"]


class Dates(NamedTuple):
    """Whole days from the record to each date, negative where the date lies before it; None where one is not known.

    ``registered``: the first registration; ``changed``: the last change; ``answered``: when the answer was saved.
    ``doubts``: ``registered_after_record``: somebody else may have held the range; ``changed_after_record``: what
    changed is not said.
    """

    registered: int | None
    changed: int | None
    answered: int | None
    doubts: tuple[str, ...]


def where(record: Mapping[str, Any], network: Mapping[str, Any]) -> Where:
    """Where a written row's address lies: in the range of a written row of kind "network", or not.

    ``not_comparable``: one of them has no address that is understood, or they are of different versions. Of an
    IPv4-mapped address the IPv4 address is compared, which is the same host; of other embedded ones it is not.
    """
    ip, bounds = record.get("ip"), network.get("range")
    if record.get("ip_class") == "mapped":
        ip = record["ip_embedded"]["ip"]
    if ip is None or not bounds or (":" in ip) != (":" in bounds[0]):
        return "not_comparable"
    return "inside" if number(bounds[0]) <= number(ip) <= number(bounds[1]) else "outside"


def dates(record: Mapping[str, Any], network: Mapping[str, Any], *, answered: str | None = None) -> Dates:
    """How the dates of a network lie to a record. ``answered``: the instant of the answer, as its item says."""
    instant = record.get("instant")
    if instant is None:
        return Dates(None, None, None, ())
    registered = _days(instant, network, "registration", min)
    changed = _days(instant, network, "last changed", max)
    doubts = []
    if registered is not None and registered > 0:
        doubts.append("registered_after_record")
    if changed is not None and changed > 0:
        doubts.append("changed_after_record")
    return Dates(registered, changed, None if answered is None else _apart(instant, answered), tuple(doubts))


def _days(instant: str, network: Mapping[str, Any], action: str, choose: Any) -> int | None:
    found = [
        _apart(instant, one.get("instant") or one["day"])
        for one in network.get("events", ())
        if one["action"] == action and ("instant" in one or "day" in one)
    ]
    return choose(found) if found else None


def _apart(record: str, date: str) -> int:
    """Days from the day of one to the day of the other, both as UTC days."""
    first, second = (local_time(int(one[:4]), int(one[5:7]), int(one[8:10])) for one in (record, date))
    return (second - first) // timedelta(days=1)
