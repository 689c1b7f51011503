"""Exports of messengers: one reader a format, started from its own made-up cases; and zips that others made.

What must hold: no error but ours, every byte of what is read has a name, and no fault of a reader hides behind
its notice `broken_off`.
"""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable, Sequence

from custody.evidence.archive import Archive
from custody.evidence.chat import registry
from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Reader as ChatReader
from custody.evidence.export import Export, Held
from custody.evidence.reading import Detected, Settings
from custody.format import canonical
from tests.chats import harness
from tests.fuzz.reader import NotTheSame, Reader, Way, same

LONGEST = 32 * 1024


def read_export(reader: ChatReader, export: Export, settings: Settings) -> Way:
    """Read an export as one of this reader, claimed or not, and hold what must hold."""
    found = reader.detect(export)
    detected = found or Detected(score=0, reasons=(), members=(0,))
    normalised = Normalised(export, reader, detected, settings, item=harness.ITEM, salts=harness.fixed_salts)
    for line in normalised.lines():
        value = json.loads(line)
        same(canonical.encode(value) + b"\n", line, "a line that is not canonical")
        if value["record"] == "notice" and value["code"] == "broken_off" and "fault" in value["text"]:
            raise NotTheSame(f"a fault in a reader: {value['text']}")
    summary = normalised.summary
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


def _read(reader: ChatReader, data: bytes) -> object:
    # The first byte chooses what a person stated.
    stated = _stated(reader.name)
    chosen = stated[data[0] % len(stated)] if data else stated[0]
    return read_export(reader, Export.of("export.txt", data[1:]), chosen)


def _seeds(reader: ChatReader) -> Sequence[bytes]:
    found = []
    for expected in sorted((harness.CASES / reader.name).glob("*/expected.json")):
        folder = expected.parent
        files = [path for path in folder.rglob("*") if path.is_file() and path != expected]
        found += [b"\0" + path.read_bytes() for path in files if path.stat().st_size < LONGEST]
    return sorted(found, key=len)[:40] or [b"\0"]


def _shape(reader: ChatReader) -> str:
    return "json" if reader.name.endswith(("-json", "-jsonl")) else "bytes"


def _archive(data: bytes) -> object:
    archive = Archive(Held(data), where="zip")
    size = 0
    for entry in archive.entries[:50]:
        if entry.problem is None and entry.size < 1 << 20:
            read = b"".join(archive.pieces(entry.index))
            same(len(read), entry.size, "a member of another size than it states")
            size += len(read)
    return Way(f"{len(archive.entries) > 0}, {size > 0}")


def _zips() -> Sequence[bytes]:
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", method) as file:
            file.writestr("_chat.txt", "made up\n" * 20)
            file.writestr("a/b.jpg", b"\xff\xd8\xff" + bytes(40))
        found.append(held.getvalue())
    return found


def _covers(reader: ChatReader) -> tuple[str, ...]:
    functions: tuple[Callable[..., object], ...] = (reader.read, reader.detect)
    return tuple(f"{one.__module__}:{one.__qualname__}" for one in functions)


READERS: list[Reader] = [
    Reader(
        name=f"chat-{reader.name}",
        about=f"an export: {reader.title}",
        covers=_covers(reader),
        read=functools.partial(_read, reader),
        seeds=functools.partial(_seeds, reader),
        shape=_shape(reader),
        limit=LONGEST,
        slow=True,
    )
    for reader in registry.READERS
]
READERS.append(
    Reader(
        name="outside-zip",
        about="a zip that somebody else made",
        covers=("custody.evidence.archive:Archive",),
        read=_archive,
        seeds=_zips,
        shape="zip",
        limit=LONGEST,
        slow=True,
    )
)
