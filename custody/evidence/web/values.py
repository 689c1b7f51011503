"""What a row of kind "page" can say, and how its times and addresses are read."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.instants import Instant
from custody.evidence.records import moments

PAGE_VALUES = (
    "block_digest", "block_type", "capture_software", "concurrent_to", "content_type", "ip_role", "length", "location",
    "method", "page_id", "payload_digest", "payload_length", "profile", "record_id", "refers_to", "refers_to_time",
    "refers_to_url", "segment", "server_date", "status", "title", "truncated", "type", "url", "version", "warcinfo_id",
)  # fmt: skip
"""Keys that `Row.values` of kind "page" may have. ``type``: a WARC record's (request, response, revisit, resource,
metadata, warcinfo, conversion, continuation, or another as written), or ``listed_page`` for a line of a list of pages.
``url``: the address as written, secrets in it masked. ``block_digest`` and ``payload_digest``: {stated, result (passed,
failed, not_checked), found, reason, over}. ``length``: of the record's block, as stated; ``payload_length``: of an HTTP
body, as it is there. ``status``, ``method``, ``content_type``, ``location``, ``server_date``: of the HTTP message
inside; ``server_date`` is the server's clock. ``block_type``: what the record says that its block is."""

LONGEST = 8192
"""Characters of a value that are kept."""

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,40}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_COARSE = re.compile(r"[0-9]{4}(-[0-9]{2})?")
_NUMBER = re.compile(r"[0-9]{9,17}")

_USER = re.compile(r"(?<=://)([^/?#@\s:]{0,256}):([^/?#@\s]{1,256})@")
_SECRET = re.compile(
    r"(?<=[?&;#])((?:access|auth|id|refresh|session|csrf|api|x)?[_-]?(?:token|key)|client[_-]?secret|secret|passw(?:or)?d"
    r"|pwd|pass|sid|session(?:[_-]?id)?|jsessionid|phpsessid|signature|sig)=([^&#\s]{1,8192})",
    re.IGNORECASE,
)


@functools.lru_cache(1 << 12)
def when(raw: str, zone: ZoneInfo | None) -> Instant:
    """A time as captures write it (ISO 8601, RFC 3339): an instant only with an offset or a stated zone."""
    match = _TIME.fullmatch(raw)
    if match is None:
        return _other(raw, zone)
    offset: int | None = 0 if match[8] else None
    if match[9]:
        offset = (int(match[10]) * 60 + int(match[11])) * (-1 if match[9] == "-" else 1)
        if offset > 14 * 60 or offset < -12 * 60 or int(match[11]) > 59:
            return moments.moment(raw, None)
        if match[9] == "-" and not offset:  # RFC 3339 4.3: the offset is not known
            offset = None
    if match[6] == "60":
        return moments.moment(raw, None, flags=("leap_second",))
    parts = tuple(int(match[at] or 0) for at in range(1, 7))
    return moments.moment(
        raw,
        _clock(parts),
        fraction=match[7],
        precision=None if match[6] else "min",
        minutes=offset,
        zone=None if offset is not None else zone,
    )


def _other(raw: str, zone: ZoneInfo | None) -> Instant:
    if (day := _DAY.fullmatch(raw)) is not None:
        local = _clock(tuple(int(part) for part in day.groups()))
        return moments.moment(raw, local, precision="day", minutes=0)
    if _COARSE.fullmatch(raw):  # WARC 1.1 allows a year or a month alone
        return moments.moment(raw, None, flags=("precision_day_or_minute",))
    if _NUMBER.fullmatch(raw):
        return moments.since_1970(raw, None)
    return moments.moment(raw[:128], None)


def _clock(parts: tuple[int, ...]) -> datetime | None:
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 — what a clock showed
    except ValueError:
        return None


def address(url: str, flags: set[str]) -> str:
    """A web address with what opens an account masked: the password before the host, values of telling names."""
    masked = _SECRET.sub(r"\1=…", _USER.sub(r"\1:…@", url))
    if masked != url:
        flags.add("secret_in_url")
    return text(masked, flags)


def text(value: str, flags: set[str]) -> str:
    """A value that is not longer than others can bear."""
    if len(value) <= LONGEST:
        return value
    flags.add("value_cut")
    return value[:LONGEST]


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Only what is known."""
    return {name: value for name, value in values.items() if value is not None}


FLAGS = {
    "after_resync": "found by searching after bytes that could not be read: it may be part of another record",
    "block_digest_failed": "the record's bytes are not those of the digest that it states: changed, or badly written",
    "capture_truncated": "the capture says of itself that it was cut short",
    "digest_not_checked": "no digest of this record could be checked: nothing in it tells whether it was changed",
    "gzip_damaged": "the compressed bytes are damaged, or their checksum does not agree",
    "header_not_understood": "a line of the record's head is no named field",
    "header_repeated": "a field stands twice in the record's head; the first is shown",
    "http_not_understood": "what should be an HTTP message does not begin like one",
    "length_unusable": "the record states no size, or one that can't be: where it ends is not known",
    "length_wrong": "the record does not end where it says, and another begins before: where it ends is not known",
    "line_ends_lf": "the lines of the head end in another way than the standard's",
    "not_a_record": "these bytes are no record of this format",
    "not_record_wise": "several records lie in one compressed piece: the range can't be unpacked alone",
    "payload_digest_failed": "the content is not that of the digest that the record states: changed, or badly written",
    "payload_digest_other_form": "the digest of the content agrees, but it was made in another way than the standard's",
    "record_end_missing": "the two line ends behind the record are missing: its size may be wrong",
    "secret_in_url": "a password or key in the address is masked here; the file has it",
    "transfer_damaged": "the parts in which the content was sent don't fit together",
    "unpacks_too_large": "it unpacks to far more than such files hold; unpacking was given up, the bytes are kept",
    "value_cut": "a value is longer than is shown here; the file has it",
    "version_unknown": "a version of the format other than 1.0 and 1.1",
}
