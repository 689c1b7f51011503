"""What a WACZ file says about its own files (datapackage.json), held against them.

Source: the WACZ specification 1.1.1 (a Frictionless data package): ``resources`` with path, hash and bytes;
``datapackage-digest.json`` with the hash of datapackage.json and, sometimes, a signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.errors import CustodyError
from custody.evidence.export import Member, pieces
from custody.evidence.reading import Decided, Notice
from custody.evidence.web.digests import Stated
from custody.format.text import show

NAME = "datapackage.json"
DIGEST_NAME = "datapackage-digest.json"
LONGEST = 16 << 20
"""Bytes of a description that is parsed; a longer one is kept and not read."""
MAX_RESOURCES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What the description says of one file."""

    path: str
    digest: str | None
    size: int | None


@dataclass(slots=True)
class Described:
    """The description of a package. ``problem``: why it could not be read."""

    resources: dict[str, Resource] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    problem: str | None = None


def parse(data: bytes) -> Any:
    """JSON of an outside file, numbers with a point as text; ValueError for all that is none, too deep too."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_float=str, parse_constant=str)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON that is read here") from error


def describe(member: Member) -> Described:
    """Read datapackage.json."""
    found = Described()
    if member.size > LONGEST:
        found.problem = "it is too long to be read"
        return found
    try:
        value = parse(member.open().read(0, member.size))
    except (ValueError, CustodyError):
        found.problem = "it is no JSON that can be read"
        return found
    listed = value.get("resources") if isinstance(value, Mapping) else None
    if not isinstance(listed, list):
        found.problem = "it lists no files"
        return found
    for one in listed[:MAX_RESOURCES]:
        path = one.get("path") if isinstance(one, Mapping) else None
        if isinstance(path, str):
            size = one.get("bytes")
            digest = one.get("hash")
            found.resources.setdefault(
                path,
                Resource(
                    path=path,
                    digest=digest if isinstance(digest, str) else None,
                    size=size if type(size) is int else None,
                ),
            )
    for name in ("wacz_version", "software", "created", "modified", "title", "mainPageUrl", "mainPageDate"):
        text = value.get(name)
        if isinstance(text, str):
            found.about[name] = text[:1024]
    return found


def stated_package(member: Member) -> tuple[str | None, bool, str | None]:
    """(hash of datapackage.json, whether there is a signature, why it could not be read)."""
    if member.size > LONGEST:
        return None, False, "it is too long to be read"
    try:
        value = parse(member.open().read(0, member.size))
    except (ValueError, CustodyError):
        return None, False, "it is no JSON that can be read"
    if not isinstance(value, Mapping) or not isinstance(value.get("hash"), str):
        return None, False, "it states no hash"
    return value["hash"], isinstance(value.get("signedData"), Mapping), None


def check(member: Member, digest: str | None, size: int | None, by: str) -> Iterator[Decided | Notice]:
    """Whether a file is the one that ``by`` describes: passed, failed, or not checked with the reason."""
    reasons: list[str] = []
    failed = size is not None and size != member.size
    if failed:
        reasons.append(f"{by} says {size} bytes, it has {member.size}")
    stated = None if digest is None else Stated(digest)
    if stated is None or stated.algorithm is None:
        why = "it states no hash of it" if stated is None else stated.reason
        reasons.append(f"{by}: {why}")
    else:
        hashed = hashlib.new(stated.algorithm, usedforsecurity=False)
        data = member.open()
        for piece in pieces(data, 0, member.size):
            hashed.update(piece)
        agrees = stated.agrees(hashed.digest())
        failed = failed or not agrees
        reasons.append(f"{by} states {show(stated.text, 160)}")
        if not agrees:
            reasons.append(f"found {show(stated.write(hashed.digest()), 160)}")
    checked = stated is not None and stated.algorithm is not None
    result = "failed" if failed else "passed" if checked else "not_checked"
    yield Decided("file_digest", result, "decided", tuple(reasons), member.index)
    if failed:
        yield Notice(
            "file_digest_failed",
            f"{show(member.name, 200)} is not the file that {by} describes: changed, or badly written",
            member.index,
            show(member.name, 200),
        )
