"""What each flag of a row means, in plain words. Flags that only one reader gives stand with that reader."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "capture_inconsistent": "parts of what was captured contradict each other; both are shown",
        "cgnat_likely": "many subscribers shared this address at the same moment: without the port nobody can be told",
        "client_from_header": "the address was taken from a header that whoever sent the request could write",
        "clock_contradiction": "the hour does not fit the clock that was stated",
        "date_order_ambiguous": "whether day or month comes first is not known: no instant",
        "dst_ambiguous": "the hour came twice that night, when the clocks went back: two instants are possible",
        "dst_nonexistent": "the hour did not exist that night, when the clocks went forward: no instant",
        "duplicate_row": "the same bytes as a row shortly before",
        "encoding_replaced": "bytes that are no text in the file's encoding are shown as \\x…; the range has them",
        "epoch_not_stated": "a number that may count seconds since 1970, and nobody says so",
        "epoch_unit_inferred": "whether the number counts seconds, milliseconds or microseconds was told by its size",
        "eui64_interface": "made from a device's hardware address, or made to look so",
        "format_mixed": "this row has another form than those before it",
        "ip_embedded": "an IPv4 address stands inside this address; it is shown as such and not taken for the client",
        "ip_hostname": "a name stands where an address is expected; names were not looked up",
        "ip_unparsed": "this is no address as such are written; kept as it stands",
        "ip_zone": "a zone behind the address means something on one machine only",
        "leap_second": "second 60: no instant is made of it",
        "no_offset": "the time has no offset from UTC: no instant until somebody who knows states the zone",
        "no_source_port": "no source port is recorded: behind a shared address the subscriber can't be told",
        "no_time": "no time is recorded",
        "no_year": "the time has no year: no instant",
        "offset_minus_zero": "the offset is -00:00: the time is UTC, and the writer's own zone is not told",
        "port_ambiguous": "the end may be a port or a part of the address; it was not split",
        "port_from_address": "the port stood behind the address",
        "precision_day_or_minute": "the time is not given to the second, which is too coarse for shared addresses",
        "proxy_possible": "a proxy or load balancer may have written this: the address may not be the client's",
        "raw_cut": "the row is longer than is shown here; its range has all of it",
        "row_not_split": "the row does not divide into the fields of its format; what was sure was taken",
        "row_truncated": "the row ends early",
        "subsecond_truncated": "more decimals of the second than are kept; the raw text has them",
        "time_end_before_start": "the end of the span lies before its beginning",
        "time_goes_backwards": "earlier than the row before it: the clock was set, or rows were moved",
        "time_not_understood": "this is no time that we understand; kept as it stands",
        "tor_list_date_mismatch": "the list is not of this day: it says nothing about this row",
        "twelve_hour_ambiguous": "a 12-hour time without AM or PM: no instant",
        "year_stated": "the time has no year: the one that somebody stated was taken, and counted on",
        "zone_name": "the zone is a name that has several meanings, such as IST: no instant",
    }
)


def reserved(flag: str) -> str | None:
    """The meaning of ``ip_reserved:<class>``; None for another flag."""
    if not flag.startswith("ip_reserved:"):
        return None
    return f"an address of the class {flag.partition(':')[2]}: not one that can be seen in the open internet"
