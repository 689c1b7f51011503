"""One WARC record, read from its source: what it says of itself, and whether its digests agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from custody.evidence.instants import Instant
from custody.evidence.network.ip import Address, seen_address
from custody.evidence.web import transfer, values
from custody.evidence.web.digests import Hash, Stated, checked, unchecked
from custody.evidence.web.header import Head
from custody.evidence.web.source import START, Source

_HTTP = re.compile(r"application/http\b", re.IGNORECASE)
_FIELDS = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})[ \t]*:[ \t]*([^\r\n]*)")
_INFO = frozenset({
    "software", "format", "conformsto", "operator", "publisher", "hostname", "ip", "ispartof", "description", "robots",
    "http-header-user-agent", "created",
})  # fmt: skip
_MAX_INFO = 64 << 10


@dataclass(slots=True)
class Content:
    """What was read of a block. ``missing``: bytes that it should have and has not."""

    block: dict[str, Any]
    payload: dict[str, Any] | None = None
    http: transfer.HttpHead | None = None
    payload_length: int | None = None
    info: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    record_within: bool = False
    flags: set[str] = field(default_factory=set)


class _Block:
    """A block while it is read: digests, and the HTTP message in it."""

    def __init__(self, head: Head, spend: Callable[[int], bool]) -> None:
        self._spend = spend
        self.kind = (head.get("warc-type") or "").lower()
        self.block, self.block_hash = _start(head.get("warc-block-digest"))
        self.payload, _ = _start(head.get("warc-payload-digest"))
        self.is_http = _HTTP.match(head.get("content-type") or "") is not None
        self.http: transfer.HttpHead | None = None
        self.body: transfer.Body | None = None
        self.is_info = self.kind == "warcinfo"
        self.begun = b""
        self.flags: set[str] = set()
        if not self.is_http:
            self.body = transfer.Body(transfer.HttpHead(), self.payload, spend)

    def feed(self, piece: bytes) -> None:
        if self.block_hash is not None:
            self.block_hash.update(piece)
        if self.is_info and len(self.begun) < _MAX_INFO:
            self.begun += piece[: _MAX_INFO - len(self.begun)]
        if self.body is not None:
            self.body.feed(piece)
        elif self.is_http and "http_not_understood" not in self.flags:
            self.begun += piece
            self._head(end=False)

    def _head(self, *, end: bool) -> None:
        match = transfer.HEAD_END.search(self.begun)
        stop = match.end() if match is not None else len(self.begun)
        if match is None and not end and stop <= transfer.LONGEST_HEAD:
            return
        self.http = transfer.parse_head(self.begun[:stop]) if match is not None or end else None
        if self.http is None:
            self.flags.add("http_not_understood")
        else:
            self.body = transfer.Body(self.http, self.payload, self._spend)
            self.body.feed(self.begun[stop:])
        self.begun = b""

    def finish(self) -> None:
        if self.is_http and self.body is None and "http_not_understood" not in self.flags:
            if self.begun:
                self._head(end=True)
            else:
                self.flags.add("http_not_understood")


def _start(text: str | None) -> tuple[Stated | None, Hash | None]:
    if text is None:
        return None, None
    stated = Stated(text)
    return stated, stated.start()


def read_content(source: Source, head: Head, length: int, spend: Callable[[int], bool]) -> Content:
    """Read ``length`` bytes of a block and hold its digests against them."""
    block = _Block(head, spend)
    left = length
    within = False
    last = b""
    while left and (piece := source.take(left)):
        block.feed(piece)
        left -= len(piece)
        if not within:
            within = START.search(last + piece) is not None
            last = piece[-100:]
    if not left:
        block.finish()
    why = _broken(source, left)
    content = Content(
        block=_result(block.block, block.block_hash, why, "block_digest_failed", block.flags),
        http=block.http,
        missing=left,
        record_within=within,
        flags=block.flags,
    )
    if block.http is not None and block.body is not None:
        content.payload_length = block.body.length or block.body.stored
        if block.body.damaged and not why:
            content.flags.add("transfer_damaged")
    if head.get("warc-payload-digest") is not None:
        content.payload = _payload(block, head, why)
    results = [content.block["result"], *([content.payload["result"]] if content.payload else [])]
    if length and set(results) == {"not_checked"}:
        content.flags.add("digest_not_checked")
    if block.is_info:
        content.info = _info(block.begun, content.flags)
    return content


def _broken(source: Source, left: int) -> str | None:
    if source.problem == "too_large":
        return "it unpacks to more than is unpacked here"
    if source.problem == "damaged":
        return "the compressed bytes are damaged"
    return "the record ends early" if left else None


def _result(
    stated: Stated | None, found: Hash | None, why: str | None, flag: str, flags: set[str]
) -> dict[str, Any]:
    if stated is None:
        return unchecked(None, "the record states none")
    if why is not None or found is None:
        return unchecked(stated.text, why or stated.reason or "")
    result = checked(stated, found.digest())
    if result["result"] == "failed":
        flags.add(flag)
    return result


def _payload(block: _Block, head: Head, why: str | None) -> dict[str, Any]:
    stated = block.payload
    assert stated is not None
    if why is None and stated.algorithm is None:
        why = stated.reason
    if why is None and block.kind == "revisit":
        why = "a revisit has no content of its own: the digest is that of the record it refers to"
    if why is None and (block.kind == "continuation" or "warc-segment-number" in head.fields):
        why = "the content lies in several records"
    if why is None and (block.body is None or block.body.other_coding):
        why = "the content can't be told from the message around it"
    if why is not None or block.body is None:
        return unchecked(stated.text, why or "")
    first: bytes | None = None
    for form, digest in block.body.digests():
        first = first or digest
        if stated.agrees(digest):
            if form != "entity":
                block.flags.add("payload_digest_other_form")
            return {**checked(stated, digest), "over": form}
    if first is None:
        return unchecked(stated.text, "the content can't be told from the message around it")
    result = checked(stated, first)
    block.flags.add("payload_digest_failed")
    if head.get("warc-truncated") is not None:
        result["reason"] = "the capture was cut short; the digest may be that of the whole"
    elif block.body.damaged:
        result["reason"] = "the parts in which the content was sent don't fit together"
    return result


def _info(data: bytes, flags: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _FIELDS.finditer(data.decode("utf-8", "backslashreplace")):
        name = match[1].lower()
        if name in _INFO and name not in found:
            found[name] = values.text(match[2].strip(), flags)
    return found


def row_values(head: Head, content: Content, flags: set[str]) -> dict[str, Any]:
    """The values of the record's row, by the keys of PAGE_VALUES."""
    http = content.http or transfer.HttpHead()
    kind = (head.get("warc-type") or "").lower()

    def said(name: str) -> str | None:
        found = head.get(name)
        return None if found is None else values.text(found, flags)

    def linked(found: str | None) -> str | None:
        # WARC 1.0's grammar put addresses in angle brackets, and some programs did
        if found is not None and found[:1] == "<" and found[-1:] == ">":
            found = found[1:-1]
        return None if found is None else values.address(found, flags)

    segment = said("warc-segment-number")
    block_type = head.get("content-type") or ""
    return values.without_none(
        {
            "type": values.text(kind, flags) if kind else "not_stated",
            "version": head.version,
            "url": linked(head.get("warc-target-uri")),
            "record_id": said("warc-record-id"),
            "concurrent_to": said("warc-concurrent-to"),
            "warcinfo_id": said("warc-warcinfo-id"),
            "refers_to": said("warc-refers-to"),
            "refers_to_url": linked(head.get("warc-refers-to-target-uri")),
            "refers_to_time": said("warc-refers-to-date"),
            "profile": said("warc-profile"),
            "truncated": said("warc-truncated"),
            "segment": segment,
            "length": head.length,
            "block_type": said("content-type"),
            "block_digest": content.block,
            "payload_digest": content.payload,
            "status": http.status,
            "method": http.method,
            "content_type": http.fields.get("content-type")
            if _HTTP.match(block_type)
            else said("content-type"),
            "location": linked(http.fields.get("location")),
            "server_date": http.fields.get("date"),
            "payload_length": content.payload_length,
            "page_id": said("warc-page-id"),
            "capture_software": content.info or None,
            "ip_role": "server" if head.get("warc-ip-address") else None,
        }
    )


def facts(head: Head, zone: ZoneInfo | None) -> tuple[Instant | None, Address | None]:
    """When it was captured, and the server's address."""
    date, ip = head.get("warc-date"), head.get("warc-ip-address")
    return (
        values.when(date, zone) if date else None,
        seen_address(ip[:256]) if ip else None,
    )
