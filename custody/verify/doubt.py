"""Keys in other hands: which entries still count.

An entry of a key compromised since t counts only where a trusted token whose note covers it is older
than t: a thief can sign any date, but can't get an old token. What rests on an entry that does not
count does not count either. Such entries are doubtful, never altered.
"""

from __future__ import annotations

from custody.errors import CustodyError
from custody.format.text import moment
from custody.verify.record import Placed, Record
from custody.verify.rights import Rights
from custody.verify.times import Times


def doubtful(record: Record, times: Times) -> dict[int, str]:
    """Entry numbers that don't count, each with its reason."""
    compromised = {
        key_id: custodian.compromised_since
        for key_id, custodian in record.rights.custodians.items()
        if custodian.compromised_since is not None
    }
    if not compromised:
        return {}
    found: dict[int, str] = {}
    rights = Rights()
    for seq in sorted(record.entries):
        placed = record.entries[seq]
        if seq in record.unsound:
            continue  # failed already; its fields may not have the shape of its kind
        reason = _compromised(placed, compromised, times) or _baseless(placed, rights)
        if reason is not None:
            found[seq] = reason
        elif placed.body is not None:
            try:
                rights.apply(placed.body)
            except CustodyError as error:
                found[seq] = error.what
    return found


def _compromised(placed: Placed, compromised: dict[str, str], times: Times) -> str | None:
    since = compromised.get(placed.key_id)
    if since is None:
        return None
    body = placed.body
    if body is not None and body.kind == "custodian.compromised" and body.public["key_id"] == body.actor:
        return None  # a key may always report itself
    token = times.not_after(placed.seq)
    if token is not None and token.latest < moment(since, where=placed.where):
        return None
    return f"signed by a key that is in other hands since {since}, and no token proves it older"


def _baseless(placed: Placed, rights: Rights) -> str | None:
    body = placed.body
    if body is None:
        return None
    try:
        body.check_kind(where=placed.where, newer=[])
    except CustodyError:
        return None
    reason = rights.why_not(body)
    return None if reason is None else f"rests on a doubtful entry: {reason}"
