"""Logs, returns, captures, pictures: one reader a format, started from its own made-up cases.

What must hold: no error but ours, every byte of what is read has a name, and no fault of a reader hides behind
its notice `broken_off`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from custody.evidence.export import Export
from custody.evidence.reading import Detected, Settings
from custody.evidence.records import registry
from custody.evidence.records.form import Recorded
from custody.evidence.records.reader import RecordReader
from custody.format import canonical
from tests.fuzz.reader import NotTheSame, Reader, Way, same
from tests.records import harness

LONGEST = 32 * 1024


def read_export(reader: RecordReader, export: Export, settings: Settings) -> Way:
    """Read an export as one of this reader, claimed or not, and hold what must hold."""
    found = reader.detect(export)
    detected = found or Detected(score=0, reasons=(), members=(0,))
    recorded = Recorded(export, reader, detected, settings, item=harness.ITEM)
    for line in recorded.lines():
        value = json.loads(line)
        same(canonical.encode(value) + b"\n", line, "a line that is not canonical")
        if value["record"] == "notice" and value["code"] == "broken_off" and "fault" in value["text"]:
            raise NotTheSame(f"a fault in a reader: {value['text']}")
    summary = recorded.summary
    for at, one in summary.covered.items():
        if one.overlaps or one.uncovered:
            raise NotTheSame(f"bytes without a name or with two in member {at}: {one}")
    return Way(f"{'claimed' if found else 'not claimed'}, {sorted(summary.notices)}")


@functools.cache
def _stated(name: str) -> tuple[Settings, ...]:
    """What people state in the cases of this reader; nothing first."""
    found = {json.dumps({}): Settings(), json.dumps(None): Settings(time_zone="Europe/Vienna")}
    for expected in sorted((harness.CASES / name).glob("*/expected.json")):
        values = json.loads(expected.read_text("utf-8")).get("settings", {})
        found.setdefault(json.dumps(values, sort_keys=True), Settings(**values))
    return tuple(found.values())


def _read(reader: RecordReader, data: bytes) -> object:
    # The first byte chooses what a person stated.
    stated = _stated(reader.name)
    chosen = stated[data[0] % len(stated)] if data else stated[0]
    return read_export(reader, Export.of("export.log", data[1:]), chosen)


def _seeds(reader: RecordReader) -> Sequence[bytes]:
    found = []
    for expected in sorted((harness.CASES / reader.name).glob("*/expected.json")):
        folder = expected.parent
        files = [path for path in folder.rglob("*") if path.is_file() and path != expected]
        found += [
            b"\0" + (harness.from_hex(path) if path.suffix == ".hex" else path.read_bytes())
            for path in files
            if path.stat().st_size < LONGEST
        ]
    return sorted(found, key=len)[:40] or [b"\0"]


def _shape(reader: RecordReader) -> str:
    return "json" if reader.name.endswith(("-json", "-jsonl")) else "bytes"


def _covers(reader: RecordReader) -> tuple[str, ...]:
    # readers of one engine are the same functions with other data
    given = [one.func if isinstance(one, functools.partial) else one for one in (reader.read, reader.detect)]
    named = [one for one in given if "<locals>" not in one.__qualname__]
    return tuple(f"{one.__module__}:{one.__qualname__}" for one in named)


READERS: list[Reader] = [
    Reader(
        name=f"records-{reader.name}",
        about=f"records: {reader.title}",
        covers=_covers(reader),
        read=functools.partial(_read, reader),
        seeds=functools.partial(_seeds, reader),
        shape=_shape(reader),
        limit=LONGEST,
        slow=True,
    )
    for reader in registry.READERS
]
