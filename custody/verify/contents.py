"""What a package shows: sealed parts and their keys, the payload, and what is withheld and counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.crypto import sealing
from custody.errors import CustodyError
from custody.format import compartments, kinds, names, package, padding, shape
from custody.format.compartments import COMPARTMENTS
from custody.format.entry import check_compartment
from custody.format.text import from_base64
from custody.verify import counts
from custody.verify.bundle import ROW_OF_KEYS, Bundle, FileDigest
from custody.verify.counts import Shown as Shown
from custody.verify.record import Placed, Record
from custody.verify.report import Findings

MAX_PART = 2 << 20
_REPORTED = ("content", "name")


@dataclass(slots=True)
class Contents:
    """What was opened and compared."""

    opened: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    """Every part that opened, by entry and compartment; the values of contents and names only."""
    keys: tuple[tuple[int, str, str], ...] = ()
    items: list[Shown] = field(default_factory=list)
    withheld: dict[str, int] = field(default_factory=dict)
    items_in_case: int | None = None
    newer: int = 0
    """Exported items that came in by an entry which only a newer custody knows: their files can't be told."""


def check(
    bundle: Bundle, digests: Mapping[str, FileDigest], record: Record, made: Placed, findings: Findings
) -> Contents:
    """Open every shown part, hold the payload to what was logged, count what is withheld."""
    contents = Contents()
    _open_parts(bundle, record, contents, findings)
    _count_withheld(record, made, contents, findings)
    _check_group(record, made, contents, findings)
    _check_payload(digests, made, contents, findings)
    contents.items_in_case = counts.check(record, made, contents.items, contents.opened, findings)
    return contents


def _open_parts(bundle: Bundle, record: Record, contents: Contents, findings: Findings) -> None:
    try:
        contents.keys = package.read_key_lines(
            bundle.read_list(package.KEYS, ROW_OF_KEYS), where=package.KEYS
        )
    except CustodyError as error:
        findings.error("parts", error)
        return
    files = {match[1] for match in map(package.PART_NAME.fullmatch, bundle.names) if match}
    used: set[str] = set()
    for seq, compartment, key in contents.keys:
        where = f"{record.name(seq)}, part {compartment}"
        placed = record.entries.get(seq)
        digest = (
            placed.body.sealed.get(compartment) if placed is not None and placed.body is not None else None
        )
        if placed is None or placed.body is None or digest is None:
            findings.failed("parts", "a key for something that is not here", where=where)
            continue
        if digest not in files:
            findings.failed("parts", "a sealed part is missing: there is a key for it", where=where)
            continue
        used.add(digest)
        try:
            newer: list[str] = []
            contents.opened[seq, compartment] = _open_part(
                bundle, placed, compartment, digest, key, where, newer
            )
            if newer:
                record.newer.append(seq)
        except CustodyError as error:
            findings.error("parts", error)
    for digest in sorted(files - used):
        findings.failed(
            "parts",
            "a sealed part that no key opens: it should not be here",
            where=f"custody/parts/{digest[:16]}…",
        )
    if not findings.has_failed("parts"):
        findings.passed(
            "parts", f"{len(contents.opened)} shown parts are what was logged, opened with their own keys"
        )


def _open_part(
    bundle: Bundle, placed: Placed, compartment: str, digest: str, key: str, where: str, newer: list[str]
) -> dict[str, Any]:
    body = placed.body
    assert body is not None
    sealed = bundle.read(f"{package.RECORD}parts/{digest}", MAX_PART)
    if hashlib.sha256(sealed).hexdigest() != digest:
        raise sealing.SealBroken("the sealed part is not what was logged", where=where)
    value = sealing.open_compartment(
        from_base64(key, where=where),
        body.ledger,
        body.subject.id,
        body.subject.n,
        compartment,
        sealed,
        where=where,
    )
    check_compartment(compartment, value, where=where, newer=newer)
    if compartment == "name":
        compartments.name_bytes(value["name"])  # its base64 has no shape of its own
    # A hostile part of 2 MiB takes twenty times that when it is parsed: only what is reported on is kept.
    return shape.known_part(value, COMPARTMENTS[compartment]) if compartment in _REPORTED else {}


def _count_withheld(record: Record, made: Placed, contents: Contents, findings: Findings) -> None:
    assert made.body is not None
    counts: dict[str, int] = {}
    for seq, placed in record.entries.items():
        for name in placed.body.sealed if placed.body is not None else ():
            if (seq, name) not in contents.opened:
                counts[name] = counts.get(name, 0) + 1
    contents.withheld = counts
    logged = made.body.public["withheld"]
    unread = sum(1 for placed in record.entries.values() if placed.body is None)
    if unread and all(count <= logged.get(name, 0) for name, count in counts.items()):
        findings.not_checked(
            "withheld", f"{unread} entries made by a newer custody may withhold parts: these were not counted"
        )
    elif counts != logged:
        findings.failed(
            "withheld",
            "what is withheld is not what was logged as withheld",
            expected=_words(logged),
            found=_words(counts),
        )
    else:
        findings.passed("withheld", f"withheld, as logged: {_words(counts)}")


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items())) or "nothing"


def _check_group(record: Record, made: Placed, contents: Contents, findings: Findings) -> None:
    """The last entries are one `item.exported` for each shown item, then `package.made`, in one group."""
    assert made.body is not None
    size = record.size
    count = made.body.public["items"]
    first = size - 1 - count
    items = record.of_type("item")
    exported = {}
    if made.body.group is None or made.body.subject.type != "case":
        findings.failed("export", "the making of this package stands in no group", where=made.where)
    # Not by counting from first to size: an insider can state any number, and log any size.
    for seq in sorted(record.entries):
        placed = record.entries[seq]
        body = placed.body
        if not first <= seq < size - 1:
            continue
        if (
            body is None
            or body.kind != "item.exported"
            or body.group != made.body.group
            or body.actor != made.body.actor
        ):
            findings.failed(
                "export", "the package's own group is not the end of the record", where=placed.where
            )
            continue
        exported[body.subject.id] = placed
    if first < 0 or len(exported) != count:
        findings.failed(
            "export", "another number of exported items", expected=str(count), found=str(len(exported))
        )
    for placed in record.entries.values():
        if placed.body is not None and placed.body.case not in (None, made.body.case):
            findings.failed("export", "an entry of another case", where=placed.where)
    for identifier in sorted(items.keys() - exported.keys()):
        findings.failed(
            "export",
            "an item's history that this export did not log",
            where=f"item {names.short(identifier)}",
        )
    for identifier, last in exported.items():
        history = items.get(identifier, [])
        if not history or history[-1] is not last:
            findings.failed(
                "export",
                "an item's history does not end with this export",
                where=f"item {names.short(identifier)}",
            )
        elif _is_intake(record, history[0]):
            begin = history[0].body
            assert begin is not None
            parts = {
                name: contents.opened[history[0].seq, name]
                for name in begin.sealed
                if (history[0].seq, name) in contents.opened
            }
            contents.items.append(Shown(first=history[0], history=tuple(history), parts=parts))
        elif history[0].seq in record.newer:
            contents.newer += 1
            findings.not_checked(
                "export",
                "an item came in by an entry made by a newer custody",
                where=f"item {names.short(identifier)}",
            )
        else:
            findings.failed(
                "export",
                "an item's history does not begin with its intake",
                where=f"item {names.short(identifier)}",
            )
    contents.items.sort(key=lambda item: item.first.seq)
    if not findings.has_failed("export"):
        findings.passed(
            "export", f"this package is the last thing in the record: {count} items, then the package"
        )


def _is_intake(record: Record, first: Placed) -> bool:
    return any(body.subject.n == 0 for kind in kinds.INTAKES for _, body in record.sound(kind, (first,)))


def _check_payload(
    digests: Mapping[str, FileDigest], made: Placed, contents: Contents, findings: Findings
) -> None:
    assert made.body is not None
    files: list[tuple[str, str]] = []
    by_stem: dict[str, list[str]] = {}
    for path in sorted(digests):
        stem, dot, ending = path.rpartition(".")
        if package.PAYLOAD_NAME.fullmatch(path) and package.PAYLOAD_ENDING.fullmatch(dot + ending):
            by_stem.setdefault(stem, []).append(path)
    for item in contents.items:
        content = item.parts.get("content")
        if content is None:
            findings.failed("content", "an item without its shown content part", where=item.label)
            continue
        if item.registered:
            findings.not_checked(
                "content",
                "only registered: its digest was logged and its content kept nowhere, so there is nothing to compare",
                where=item.label,
            )
            continue
        stem = package.payload_stem(item.label)
        path = by_stem.get(stem, [f"{stem}.*"])[0]
        item.path = path
        files.append((path, content["digests"]["sha256"]))
        logged = item.first.body.public["object"] if item.first.body is not None else None
        if logged is not None and logged["size"] != padding.padme(content["size"]):
            findings.failed(
                "content",
                "the padded size that was logged is not of this content",
                where=item.label,
                expected=str(padding.padme(content["size"])),
                found=str(logged["size"]),
            )
        found = digests.get(path)
        if found is None:
            findings.failed("content", "file missing", where=path)
        elif (found.sha256, found.size) != (content["digests"]["sha256"], content["size"]):
            findings.failed(
                "content",
                f"content differs from what was logged at intake ({item.label})",
                where=path,
                expected=f"{content['size']} bytes, sha256 {content['digests']['sha256']}",
                found=f"{found.size} bytes, sha256 {found.sha256}",
            )
    known = {path for path, _ in files}
    if len(known) != len(files):
        findings.failed("content", "two items under one label: which file is which can't be told")
    strays = [path for path in sorted(digests) if package.PAYLOAD_NAME.fullmatch(path) and path not in known]
    # An item of a newer custody has at most one file here. Which one, and what was logged of it, is not known.
    unknown = len(strays) <= contents.newer
    for path in strays:
        if unknown:
            findings.not_checked("content", "no entry that this version knows is about it", where=path)
        else:
            findings.failed("content", "file added: no entry of the record is about it", where=path)
    if contents.newer:
        findings.not_checked(
            "content", "the contents as logged can't be compared: some are of items made by a newer custody"
        )
    elif package.contents_digest(files, contents.keys) != made.body.public["contents"]:
        findings.failed("content", "the contents are not those that were logged for this package")
    if not findings.has_failed("content"):
        findings.passed("content", f"all {len(files)} files are byte for byte what was logged of them")


def plain_name(item: Shown) -> bytes | None:
    """An item's original name, as found, when it is shown."""
    value = item.parts.get("name")
    return None if value is None else compartments.name_bytes(value["name"])
