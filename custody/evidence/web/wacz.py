"""WACZ packages: captures from the web with a list of their pages and a description of their files.

The list of pages and every WARC file inside are read into rows; every file's hash is held against the description.
What the package says about itself is the word of the program that made it, and of whoever had it since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from custody.errors import CustodyError
from custody.evidence.chat import times
from custody.evidence.export import Cut, Export, Member, cut
from custody.evidence.instants import Instant
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.lines import lines
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader
from custody.evidence.web import package, values, warc
from custody.format.text import show

_PAGES = "pages/"
_ARCHIVE = "archive/"
MOST_ADDRESSES = 500_000
_CONTENT = frozenset({"response", "revisit", "resource", "conversion"})
_FILE_FLAGS = {"failed": {"file_digest_failed"}, "not_checked": {"file_digest_not_checked"}}


def detect(export: Export) -> Detected | None:
    """By datapackage.json beside a folder of WARC files."""
    if not export.zipped:
        return None
    named = {member.name: member for member in export.members}
    described = named.get(package.NAME)
    holds = any(_is_warc(name) for name in named)
    if described is None or not holds:
        return None
    try:
        head = described.head()
    except CustodyError:
        head = b""
    reasons = ["datapackage.json beside WARC files"]
    if b'"wacz_version"' in head:
        reasons.append("datapackage.json names the version of WACZ")
    files = tuple(member.index for member in export.members if not member.name.endswith("/"))
    return Detected(
        score=98 if len(reasons) == 2 else 85, reasons=tuple(reasons), members=files, document=True
    )


def _is_warc(name: str) -> bool:
    return name.startswith(_ARCHIVE) and name.lower().endswith((".warc", ".warc.gz"))


def _is_pages(name: str) -> bool:
    return name.startswith(_PAGES) and name.lower().endswith(".jsonl")


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """For each file whether its hash agrees; the lines of page lists and the records of WARC files as rows."""
    zone = None if settings.time_zone is None else times.zone(settings.time_zone)
    if settings.time_zone is not None:
        yield Decided("zone", settings.time_zone, "stated", ("for times without an offset",))
    files = [export.members[at] for at in detected.members]
    described = package.Described(problem="there is none")
    for member in files:
        if member.name == package.NAME:
            described = package.describe(member)
            break
    if described.problem is not None:
        yield Notice("no_description", f"datapackage.json could not be used: {described.problem}")
    for name, text in described.about.items():
        yield Decided(f"package_{name}", text, "decided", ("datapackage.json says so",))
    yield from _beside(files, described)
    captured = _Captured()
    # the lists of pages last: each page is looked for among what was captured
    for member in sorted(files, key=lambda one: (_is_pages(one.name), one.index)):
        flags = set()
        try:
            for record in _checked(member, files, described):
                yield record
                if isinstance(record, Decided) and record.what == "file_digest":
                    flags |= _FILE_FLAGS.get(record.value or "", set())
        except CustodyError as error:
            yield from _unpackable(member, error)
            continue
        if _is_warc(member.name):
            for record in warc.read_member(member, zone, f"{show(member.name, 200)}, ", frozenset(flags)):
                if isinstance(record, Row):
                    captured.take(record)
                yield record
        elif _is_pages(member.name):
            yield from _pages(member, zone, frozenset(flags), captured)
        else:
            yield Range(member.index, 0, member.size, "metadata", None, show(member.name, 200))


class _Captured:
    """Addresses of which a content was captured, as short digests; of so many that memory stays bounded."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._full = False

    def take(self, row: Row) -> None:
        """Remember what this row captured."""
        url = row.values.get("url")
        if row.kind == "page" and row.values.get("type") in _CONTENT and isinstance(url, str):
            self._seen.add(_short(url))
            self._full = self._full or len(self._seen) >= MOST_ADDRESSES

    def lacks(self, url: str) -> bool:
        """True where no record has this address, and all were looked at."""
        return not self._full and _short(url) not in self._seen


def _short(url: str) -> bytes:
    # what stands behind # is for the browser; servers never see it
    text = url.partition("#")[0]
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _beside(files: list[Member], described: package.Described) -> Iterator[Notice]:
    """Files that are described and missing, or here and not described."""
    names = {member.name for member in files}
    for path in described.resources:
        if path not in names:
            yield Notice(
                "file_missing",
                f"datapackage.json describes {show(path, 200)}, which is not here",
                None,
                show(path, 200),
            )
    seen: set[str] = set()
    for member in files:
        if member.name in seen:
            yield Notice(
                "name_twice",
                f"two files have the name {show(member.name, 200)}: programs disagree on which counts",
                member.index,
                show(member.name, 200),
            )
        seen.add(member.name)
        described_itself = member.name in (package.NAME, package.DIGEST_NAME)
        if described.problem is None and member.name not in described.resources and not described_itself:
            yield Notice(
                "file_not_described",
                f"datapackage.json does not describe {show(member.name, 200)}",
                member.index,
                show(member.name, 200),
            )


def _checked(member: Member, files: list[Member], described: package.Described) -> Iterator[Record]:
    member.open()
    if member.name == package.NAME:
        by = [one for one in files if one.name == package.DIGEST_NAME]
        if not by:
            yield Decided(
                "file_digest", "not_checked", "decided", ("no datapackage-digest.json is here",), member.index
            )
            return
        stated, signed, why = package.stated_package(by[0])
        if why is not None:
            yield Decided(
                "file_digest", "not_checked", "decided", (f"datapackage-digest.json: {why}",), member.index
            )
            return
        yield from package.check(member, stated, None, "datapackage-digest.json")
        yield Decided(
            "package_signature",
            "not_checked" if signed else "none",
            "decided",
            (
                "there is a signature; custody does not check it"
                if signed
                else "nobody signed: whoever changes the package can write all hashes anew",
            ),
        )
    elif member.name != package.DIGEST_NAME:
        one = described.resources.get(member.name)
        if one is not None:
            yield from package.check(member, one.digest, one.size, "datapackage.json")
        elif described.problem is None:
            yield Decided(
                "file_digest",
                "not_checked",
                "decided",
                ("datapackage.json does not describe it",),
                member.index,
            )


def _unpackable(member: Member, error: CustodyError) -> Iterator[Record]:
    yield Notice(
        "file_not_unpacked",
        f"{show(member.name, 200)}: {show(error.what, 200)}",
        member.index,
        show(member.name, 200),
    )
    yield Decided("file_digest", "not_checked", "decided", ("the file can't be unpacked",), member.index)
    yield Range(member.index, 0, member.size, "unread", show(error.what, 200), show(member.name, 200))


def _pages(
    member: Member, zone: ZoneInfo | None, of_file: frozenset[str], captured: _Captured
) -> Iterator[Record]:
    """The lines of a list of pages: one row each; its first line says what the list is."""
    asked = False
    prefix = f"{show(member.name, 200)}, line "
    for number, (start, line) in enumerate(lines(member), 1):
        end = start + (line.size if isinstance(line, Cut) else len(line))
        if not isinstance(line, Cut) and not line.strip():
            yield Range(member.index, start, end, "blank")
            continue
        try:
            value = None if isinstance(line, Cut) else package.parse(line)
        except ValueError:
            value = None
        if number == 1 and isinstance(value, Mapping) and "format" in value and "url" not in value:
            yield Range(member.index, start, end, "header", None, f"{prefix}1")
            continue
        row = _page(member, start, end, value, f"{prefix}{number}", zone, of_file, captured)
        if row.when is not None and "no_offset" in row.when.flags and not asked:
            asked = True
            yield Decided("zone", None, "open", ("a page's time has no offset",), member.index)
        yield row


def _page(
    member: Member,
    start: int,
    end: int,
    value: Any,
    place: str,
    zone: ZoneInfo | None,
    of_file: frozenset[str],
    captured: _Captured,
) -> Row:
    raw = cut(member.open(), start, end)
    if not isinstance(value, Mapping) or not isinstance(value.get("url"), str):
        return Row(
            member.index, start, end, raw, "unknown", place, flags=tuple(sorted({"not_a_page", *of_file}))
        )
    flags = set(of_file)
    found: dict[str, Any] = {"type": "listed_page", "url": values.address(value["url"], flags)}
    if captured.lacks(found["url"]):
        flags.add("page_not_captured")
    for key, name in (("title", "title"), ("id", "page_id"), ("mime", "content_type")):
        if isinstance(value.get(key), str):
            found[name] = values.text(value[key], flags)
    status = value.get("status")
    if type(status) is int and 100 <= status <= 999:
        found["status"] = status
    return Row(
        member.index,
        start,
        end,
        raw,
        "page",
        place,
        _time(value, zone, flags),
        values=found,
        flags=tuple(sorted(flags)),
    )


def _time(value: Mapping[str, Any], zone: ZoneInfo | None, flags: set[str]) -> Instant | None:
    ts = value.get("ts")
    if ts is None:
        flags.add("no_time")
        return None
    # a number of milliseconds is what older programs wrote
    return values.when(ts if isinstance(ts, str) else str(ts)[:64] if type(ts) is int else "", zone)


READER = RecordReader(
    name="wacz",
    version=1,
    title="WACZ, a package of pages captured from the web",
    recorder="capture",
    zone="UTC, by the clock of the computer that captured",
    detect=detect,
    read=read,
    contains=(
        "the list of pages with address, title and time",
        "every record of the WARC files inside, with its digests checked",
        "for every file whether it is the one that the package's own description names",
    ),
    never=warc.READER.never,
    asks=("time_zone",),
    flags={
        **values.FLAGS,
        "file_digest_failed": "the file that this row is from is not the one that the package describes",
        "file_digest_not_checked": "nothing in the package says which bytes the file that this row is from should have",
        "page_not_captured": "the list names this page, and no record of the package has a content of its address",
        "not_a_page": "a line of a list of pages that names no address, or is no JSON",
    },
    shows_raw=False,
)
