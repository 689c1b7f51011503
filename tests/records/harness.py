"""Runs readers over made-up exports and compares with expectations that were written by hand.

A case is a folder `tests/records/<reader>/<case>/` with `expected.json` and the export: one file beside it, one
file whose name ends in `.hex` and that spells the bytes in hex digits, or a folder `members/` whose files become the
members of a zip, in the order of their names. `expected.json`:
{"settings": {...}, "rows": [...], "decided": {what: [value, state]}, "account": {...}, "notices": {code: count},
"ranges": [...]}; whatever it names must be there exactly as it
says, and lists must have the same length; what it does not name is not compared. The general rules (bytes
conserved, ranges cut out are the rows, same input gives same bytes) are held for every case.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.form import Recorded, RecordsSummary
from custody.evidence.records.reader import RecordReader
from custody.format import canonical

CASES = Path(__file__).resolve().parent
RECORD = jsonschema.Draft202012Validator(
    json.loads((CASES.parent.parent / "schemas" / "record-line.schema.json").read_text("utf-8"))
)
ITEM = "01900000-0000-7000-8000-000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a reader made of an export."""

    lines: tuple[bytes, ...]
    records: tuple[dict[str, Any], ...]
    summary: RecordsSummary

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["record"] == kind]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.of("row")


def members(*files: tuple[str, bytes], name: str = "export.zip") -> Export:
    """A zip's members in memory, as a reader is given them."""

    def member(at: int, file: tuple[str, bytes]) -> Member:
        held = Held(file[1])
        return Member(index=at, name=file[0], size=len(file[1]), open=lambda: held)

    return Export(name=name, members=tuple(member(at, file) for at, file in enumerate(files)), zipped=True)


def run(
    reader: RecordReader, export: Export, settings: Settings | None = None, detected: Detected | None = None
) -> Read:
    """Detect (unless given), read, and hold the rules that every reader must keep."""
    found = detected or reader.detect(export)
    assert found is not None, f"{reader.name} does not claim {export.name}"
    recorded = Recorded(export, reader, found, settings or Settings(), item=ITEM)
    lines = tuple(recorded.lines())
    read = Read(lines=lines, records=tuple(json.loads(line) for line in lines), summary=recorded.summary)
    check_rules(export, read)
    return read


def check_rules(export: Export, read: Read) -> None:
    """Every byte has a name, ranges hold what they say, sequences have no gap, lines are as the schema says."""
    for record in read.records:
        RECORD.validate(record)
    for line in read.lines:
        assert line.endswith(b"\n")
        assert canonical.encode(json.loads(line)) == line[:-1]
    for at, covered in read.summary.covered.items():
        assert covered.whole, (at, covered)
        assert sum(covered.ranges.values()) == covered.size
    numbers = [record["number"] for record in read.rows]
    assert numbers == list(range(1, len(numbers) + 1))
    account = read.of("account")[0]
    assert account["rows"] == len(numbers) == account["plain"] + account["flagged"] + account["kept_raw"]
    for record in read.rows:
        source = record["source"]
        cut = export.members[source["member"]].open().read(source["start"], source["end"])
        assert hashlib.sha256(cut).hexdigest() == source["sha256"]
    assert "broken_off" not in read.summary.notices, read.of("notice")


def load(folder: Path) -> tuple[Export, dict[str, Any]]:
    """A case's export and its expectation."""
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    inner = folder / "members"
    if inner.is_dir():
        files = sorted(path for path in inner.rglob("*") if path.is_file())
        named = [(path.relative_to(inner).as_posix(), path.read_bytes()) for path in files]
        return members(*named, name=f"{folder.name}.zip"), expected
    (file,) = (path for path in folder.iterdir() if path.name != "expected.json")
    if file.suffix == ".hex":
        return Export.of(file.stem, from_hex(file)), expected
    return Export.of(file.name, file.read_bytes()), expected


def from_hex(file: Path) -> bytes:
    """The bytes that a file spells in hex digits, with what is behind a # for the reader."""
    lines = file.read_text("utf-8").splitlines()
    return bytes.fromhex("".join(line.partition("#")[0] for line in lines))


def check_case(reader: RecordReader, folder: Path) -> None:
    """Read a case and hold it against its expectation."""
    export, expected = load(folder)
    settings = Settings(**expected.get("settings", {}))
    read = run(reader, export, settings)
    assert run(reader, export, settings).lines == read.lines, "the same input gave other bytes"
    for kind in ("rows", "ranges"):
        if kind in expected:
            found = read.of(kind.removesuffix("s"))
            assert len(found) == len(expected[kind]), (kind, len(found), len(expected[kind]))
            for at, (one, wanted) in enumerate(zip(found, expected[kind], strict=True)):
                _compare(wanted, one, f"{kind}[{at}]")
    for what, value in expected.get("decided", {}).items():
        found = [[one.get("value"), one["state"]] for one in read.of("reading") if one["what"] == what]
        assert value in found, (what, value, found)
    if "account" in expected:
        _compare(expected["account"], read.of("account")[0], "account")
    if "notices" in expected:
        assert dict(read.summary.notices) == expected["notices"]


def _compare(wanted: Any, found: Any, where: str) -> None:
    if isinstance(wanted, Mapping):
        assert isinstance(found, Mapping), (where, found)
        for name, value in wanted.items():
            if value is None:
                assert name not in found, (f"{where}.{name}", found.get(name))
            else:
                assert name in found, (f"{where}.{name} is missing", found)
                _compare(value, found[name], f"{where}.{name}")
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        assert len(wanted) == len(found), (where, wanted, found)
        for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
            _compare(one, other, f"{where}[{at}]")
    else:
        assert wanted == found, (where, wanted, found)
