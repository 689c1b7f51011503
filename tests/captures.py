"""Made-up captures from the web: WARC records, files and WACZ packages, written here and by nobody's program."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable

DATE = "2026-11-03T09:15:00Z"
URL = "https://forum.example/thread/7"
IDENT = "<urn:uuid:00000000-0000-4000-8000-{:012d}>"


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def record(
    kind: str,
    block: bytes = b"",
    *fields: tuple[str, str],
    url: str | None = URL,
    date: str | None = DATE,
    number: int = 1,
    content_type: str | None = None,
    version: str = "1.1",
    length: int | str | None = -1,
    ending: bytes = b"\r\n\r\n",
) -> bytes:
    """One record; ``length`` -1 is the block's own, None leaves it out."""
    head = [("WARC-Type", kind), ("WARC-Record-ID", IDENT.format(number))]
    if date is not None:
        head.append(("WARC-Date", date))
    if url is not None:
        head.append(("WARC-Target-URI", url))
    if content_type is not None:
        head.append(("Content-Type", content_type))
    head += fields
    if length is not None:
        head.append(("Content-Length", str(len(block) if length == -1 else length)))
    lines = [f"WARC/{version}", *(f"{name}: {value}" for name, value in head)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + ending


def http(body: bytes, *fields: tuple[str, str], status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 7) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def response(
    body: bytes = b"<p>made up</p>",
    *fields: tuple[str, str],
    payload: str | None = None,
    block: str | None = None,
    stored: bytes | None = None,
    http_fields: tuple[tuple[str, str], ...] = (("Content-Type", "text/html"),),
    number: int = 2,
    url: str = URL,
    length: int | str | None = -1,
) -> bytes:
    """A response with both digests; ``stored``: the body as it was sent, ``payload``: another digest of it."""
    message = http(body if stored is None else stored, *http_fields)
    return record(
        "response",
        message,
        ("WARC-IP-Address", "203.0.113.80"),
        ("WARC-Block-Digest", sha1(message) if block is None else block),
        ("WARC-Payload-Digest", sha1(body) if payload is None else payload),
        *fields,
        content_type="application/http; msgtype=response",
        number=number,
        url=url,
        length=length,
    )


def packed(*records: bytes) -> bytes:
    """Each record a gzip member of its own, without the time of now."""
    return b"".join(gzip.compress(one, mtime=0) for one in records)


def wacz(files: Iterable[tuple[str, bytes]], **more: object) -> list[tuple[str, bytes]]:
    """A package's files with their description."""
    listed = list(files)
    described = json.dumps(
        {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "software": "made by hand",
            "resources": [
                {"name": name.rpartition("/")[2], "path": name, "hash": sha256(data), "bytes": len(data)}
                for name, data in listed
            ],
            **more,
        },
        indent=1,
    ).encode()
    digest = json.dumps({"path": "datapackage.json", "hash": sha256(described)}).encode()
    return [*listed, ("datapackage.json", described), ("datapackage-digest.json", digest)]
