"""Hand-entered references: an IP address at a time, a payment. Each is an item of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from custody.errors import FormatError, UsageError
from custody.evidence.typed import Json
from custody.format import canonical
from custody.format.text import show
from custody.procedure.collect import Collected, Request, collect_bytes
from custody.procedure.locker import Desk

IP_REFERENCE = "application/vnd.custody.ip-reference+json;v=1"
PAYMENT_REFERENCE = "application/vnd.custody.payment-reference+json;v=1"


def add_ip(desk: Desk, request: Request, record: Mapping[str, Json]) -> Collected:
    """Take the record of an IP address (`evidence.network.ip.ip_reference`) in as an item.

    Its content is the record's one canonical spelling (RFC 8785). It becomes an exhibit of its own,
    unless the request names one.
    """
    return _add(desk, request, record, "ip-reference", IP_REFERENCE)


def add_payment(desk: Desk, request: Request, record: Mapping[str, Json]) -> Collected:
    """Take the record of a payment (`evidence.blockchain.payment.payment_reference`) in as an item, as `add_ip`."""
    return _add(desk, request, record, "payment-reference", PAYMENT_REFERENCE)


def _add(desk: Desk, request: Request, record: Mapping[str, Json], kind: str, media_type: str) -> Collected:
    if record.get("schema") != f"custody.{kind}/1":
        raise FormatError(
            "a record of another kind",
            where=kind,
            expected=f"custody.{kind}/1",
            found=show(str(record.get("schema")), 60),
        )
    if request.expect is not None:
        raise UsageError("--expect is about a file that somebody sent; this is typed here")
    data = canonical.encode(dict(record), where=kind)
    typed = dataclasses.replace(request, act="hand-entered")
    return collect_bytes(desk, typed, data, name=f"{kind}.json", media_type=media_type)
