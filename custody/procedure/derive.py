"""Deriving: from what was collected to its readable forms, and the files in a chat to items of their own.

The item stays byte for byte what it is. Beside it lie, each a derived item with keys of its own: the form
`custody.chat/1`, in which every message has its place in the export's bytes, with the files that the export
contains; and the form `custody.rows/1`, in which every row of a log, a return or a capture has its place.
One item can have both. Nothing plain touches a disk on the way.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from custody import __version__
from custody.crypto import salts
from custody.errors import CustodyError, InputRefused
from custody.evidence import archive, unpacking
from custody.evidence.chat.attached import Attached
from custody.evidence.chat.normalise import MEDIA_TYPE, Normalised, Summary
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Bytes, Export, Held, Member
from custody.evidence.reading import Detected, Notice, Settings
from custody.evidence.records.form import MEDIA_TYPE as RECORDS
from custody.evidence.records.form import SCHEMA as RECORDS_SCHEMA
from custody.evidence.records.form import Recorded, RecordsSummary
from custody.evidence.records.reader import RecordReader
from custody.format import canonical, messages
from custody.procedure.intake import Job, Setting, Taken, take_stream
from custody.procedure.rim import Rim
from custody.vault.scratch import Scratch

_LONGEST_NAME = 4096
_PEEKED = 1 << 20
MAX_PARTS = 20_000
"""So many files of one export become items; a larger export keeps them inside, and that is told."""

_MAYBE = frozenset({
    "application/json", "application/x-ndjson", "application/zip", "application/xml", "application/mbox",
    "application/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "message/rfc822",
    "application/gzip", "application/vnd.tcpdump.pcap", "application/warc",
})  # fmt: skip
_ENDINGS = frozenset({
    ".txt", ".zip", ".json", ".jsonl", ".html", ".htm", ".xml", ".eml", ".mbox", ".mbx", ".csv", ".tsv", ".xlsx",
    ".log", ".warc", ".wacz", ".pcap", ".pcapng", ".hex",
})  # fmt: skip
_ZIPS = frozenset({
    "application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person says about reading an export. ``off``: not now; ``reader``: by name, None lets the bytes say."""

    off: bool = False
    reader: str | None = None
    settings: Settings = field(default_factory=Settings)

    def on(self, wall: str) -> Wish:
        """The same, for an export that came in at this time (RFC 3339)."""
        return replace(self, settings=replace(self.settings, not_after=wall[:10]))

    def stated(self) -> dict[str, Any]:
        """The statements alone, for the record."""
        values = {
            "format": self.reader,
            "time_zone": self.settings.time_zone,
            "date_order": self.settings.date_order,
            "year": self.settings.year,
            "mapping": None if self.settings.mapping is None else dict(self.settings.mapping),
        }
        return {name: value for name, value in values.items() if value is not None}


NO_WISH = Wish(off=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A derived item that lies sealed in the staging folder. ``part``: which file in its parent; None: a form."""

    job: Job
    taken: Taken
    part: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatForm:
    """The messages that were read."""

    reader: Reader
    detected: Detected
    summary: Summary
    child: Child


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsForm:
    """The rows that were read."""

    reader: RecordReader
    detected: Detected
    summary: RecordsSummary
    child: Child


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What was made of one item: forms, at least one, and the files in it that became items.

    ``left_out``: files in it that did not become items, with the reason. ``beside``: (name, reader) of files of a zip
    that this reader of records takes and that nobody read: one reader of records reads an item.
    """

    chat: ChatForm | None
    records: RecordsForm | None
    parts: tuple[Child, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def forms(self) -> tuple[ChatForm | RecordsForm, ...]:
        """The forms, messages first."""
        return tuple(form for form in (self.chat, self.records) if form is not None)

    @property
    def children(self) -> tuple[Child, ...]:
        """All that was made, forms first: they get their labels in this order."""
        return (*(form.child for form in self.forms), *self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """Why a reader that claimed an export, or was named for it, gave nothing."""

    reason: str
    hint: str | None


def may_be_read(media_type: str, name: bytes) -> bool:
    """True for what is worth a look, which opens what was just sealed and costs milliseconds.

    Not for pictures, nor for what has no known type, unless its name says more.
    """
    ending = _ending(name.decode("ascii", "replace"))
    return media_type.startswith("text/") or media_type in _MAYBE or ending in _ENDINGS


def _ending(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


class Deriver:
    """Derives in one staging folder. The parent's plain bytes come in as pieces, checked by who gives them."""

    def __init__(self, rim: Rim, setting: Setting) -> None:
        self._rim = rim
        self._setting = replace(setting, expect=None, digests=("sha256",), keep=True, seek=None)
        self._folder = Path(setting.staging)

    def derive(
        self,
        pieces: Iterator[bytes],
        *,
        name: str,
        media_type: str,
        item: str,
        wish: Wish,
        known: Mapping[int, str] | None = None,
    ) -> Derived | NotRead | None:
        """Derive from an item; None when no reader claims it, or several alike.

        ``item``: the parent's id; ``known``: items that files in it became before, by part: they are linked
        and not made again. MachineError comes through; what is wrong with the export is a NotRead.
        """
        with contextlib.ExitStack() as stack:
            try:
                first, pieces = _peek(pieces)
                if first.startswith(unpacking.GZIP) and not self._worth_unpacking(name, first, wish):
                    return None
                content = stack.enter_context(self._scratch(pieces))
                export, packed = self._export(stack, content, name, media_type)
                if packed is None and content.read(0, 2) == unpacking.GZIP:
                    export = self._unpacked(stack, export, content, wish)
                chat, records = self._choose(export, wish)
                if chat is None and records is None:
                    return None
                return self._made(chat, records, export, packed, item, wish, known or {})
            except InputRefused as error:
                return NotRead(reason=error.message, hint=error.hint)

    @contextlib.contextmanager
    def export(self, pieces: Iterator[bytes], *, name: str, media_type: str) -> Iterator[Export]:
        """The export as a reader is given it, for a look; InputRefused where it can't be opened."""
        with contextlib.ExitStack() as stack:
            content = stack.enter_context(self._scratch(pieces))
            yield self._export(stack, content, name, media_type)[0]

    def _worth_unpacking(self, name: str, first: bytes, wish: Wish) -> bool:
        """Whether a reader claims a packed file by its beginning: a backup of many gigabytes is not worked on."""
        if self._claimed(Export.of(name, first), wish):
            return True
        head = unpacking.head(Held(first), where=name)
        return not unpacking.is_tar(head) and self._claimed(Export.of(name.removesuffix(".gz"), head), wish)

    def _unpacked(self, stack: contextlib.ExitStack, export: Export, content: Bytes, wish: Wish) -> Export:
        """What a gzip file holds, where nobody reads the file as it is: rotated logs are kept so."""
        if self._claimed(export, wish):
            return export
        name = export.name.removesuffix(".gz")
        inner = stack.enter_context(self._scratch(unpacking.gunzip(content, where=export.name)))
        only = Member(index=0, name=name, size=inner.size, open=lambda: inner)
        return Export(name=name, members=(only,), unpacked="gzip")

    def _claimed(self, export: Export, wish: Wish) -> bool:
        try:
            return any(one is not None for one in self._choose(export, wish))
        except InputRefused:
            return False

    def _scratch(self, pieces: Iterator[bytes]) -> Scratch:
        return Scratch(pieces, folder=self._folder, key=self._rim.random(32))

    def _export(
        self, stack: contextlib.ExitStack, content: Bytes, name: str, media_type: str
    ) -> tuple[Export, archive.Archive | None]:
        starts = content.read(0, 4) in (b"PK\x03\x04", b"PK\x05\x06")
        zipped = starts and (media_type in _ZIPS or _ending(name) in (".zip", ".xlsx"))
        if not zipped:
            only = Member(index=0, name=name, size=content.size, open=lambda: content)
            return Export(name=name, members=(only,)), None
        packed = archive.Archive(content, where=name)
        opened: dict[int, Bytes] = {}

        def opener(index: int) -> Callable[[], Bytes]:
            def open_() -> Bytes:
                if index not in opened:
                    opened[index] = stack.enter_context(self._scratch(packed.pieces(index)))
                return opened[index]

            return open_

        members = tuple(
            Member(
                index=index,
                name=entry.name,
                size=entry.size,
                open=opener(entry.index),
                modified=entry.modified,
            )
            for index, entry in enumerate(packed.entries)
        )
        return Export(name=name, members=members, zipped=True), packed

    def _choose(
        self, export: Export, wish: Wish
    ) -> tuple[tuple[Reader, Detected] | None, tuple[RecordReader, Detected] | None]:
        from custody.evidence import registry  # a few hundred milliseconds, for who has something to read

        if wish.reader is None:
            return registry.choose(export)
        return registry.by_name(wish.reader, export)

    def _made(
        self,
        chat: tuple[Reader, Detected] | None,
        records: tuple[RecordReader, Detected] | None,
        export: Export,
        packed: archive.Archive | None,
        item: str,
        wish: Wish,
        known: Mapping[int, str],
    ) -> Derived:
        made = Derived(chat=None, records=None)
        children: list[Child] = []
        try:
            if chat is not None:
                made = self._chat(chat, export, packed, item, wish, known, children)
            if records is not None:
                notices = _beside(export, chat, records)
                made = replace(
                    made,
                    records=self._records(records, export, item, wish, notices, children),
                    beside=tuple((one.place or "", reader) for reader, one in notices),
                )
        except BaseException:
            discard(children)
            raise
        return made

    def _chat(
        self,
        chosen: tuple[Reader, Detected],
        export: Export,
        packed: archive.Archive | None,
        item: str,
        wish: Wish,
        known: Mapping[int, str],
        children: list[Child],
    ) -> Derived:
        reader, detected = chosen
        parts, left_out = _parts(export, detected, packed)
        lying, more = _lying(export, reader, detected, wish.settings)
        left_out += more
        names = {index: export.members[index].name for index in parts}
        names |= {index: one.name or "" for index, one in lying.items()}
        jobs = {index: self._job(name) for index, name in names.items() if index not in known}
        form_job = self._form_job(b"messages.jsonl", MEDIA_TYPE)
        linked = {**known, **{index: job.item for index, job in jobs.items()}}
        normalised = Normalised(
            export,
            reader,
            detected,
            wish.settings,
            item=item,
            salts=salts.message_salts(
                form_job.keys["object"], self._setting.origin, form_job.item, messages.SALTS
            ),
            children=linked,
            attached={(one.message, one.index): linked[part] for part, one in lying.items()},
        )
        form_job = replace(
            form_job,
            about=lambda: _about_form(reader, wish, {"messages": tree_value(reader, normalised.summary)}),
        )
        form = Child(
            job=form_job, taken=take_stream(self._setting, form_job, _stream(normalised.lines())), part=None
        )
        children.append(form)
        found: list[Child] = []
        for index, job in jobs.items():
            try:
                if index in lying:
                    pieces = lying[index].pieces()
                else:
                    assert packed is not None
                    pieces = packed.pieces(index)
                taken = take_stream(self._setting, job, _stream(pieces))
            except InputRefused as error:
                left_out.append((names[index], error.what))
                continue
            found.append(Child(job=job, taken=taken, part=index))
            children.append(found[-1])
        return Derived(
            chat=ChatForm(reader=reader, detected=detected, summary=normalised.summary, child=form),
            records=None,
            parts=tuple(found),
            left_out=tuple(left_out),
        )

    def _records(
        self,
        chosen: tuple[RecordReader, Detected],
        export: Export,
        item: str,
        wish: Wish,
        beside: Sequence[tuple[str, Notice]],
        children: list[Child],
    ) -> RecordsForm:
        reader, detected = chosen
        notices = [notice for _, notice in beside]
        recorded = Recorded(export, reader, detected, wish.settings, item=item, beside=notices)
        job = replace(
            self._form_job(b"records.jsonl", RECORDS),
            about=lambda: _about_form(reader, wish, {"records": rows_value(reader, recorded.summary)}),
        )
        form = Child(job=job, taken=take_stream(self._setting, job, _stream(recorded.lines())), part=None)
        children.append(form)
        return RecordsForm(reader=reader, detected=detected, summary=recorded.summary, child=form)

    def _job(self, name: str) -> Job:
        base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
        return Job(
            item=self._rim.new_id(),
            path=None,
            told=name.encode("utf-8", "surrogatepass")[:_LONGEST_NAME],
            secret=self._rim.random(32 * 4),
            name=base.encode("utf-8", "surrogatepass")[:_LONGEST_NAME] or b"unnamed",
            about=lambda: {"capture": {"method": "cut out of the export that it lies in", **_tool(None)}},
        )

    def _form_job(self, name: bytes, media_type: str) -> Job:
        return Job(
            item=self._rim.new_id(),
            path=None,
            told=None,
            secret=self._rim.random(32 * 4),
            name=name,
            media_type=media_type,
        )


def _peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, as many as tell what a packed file holds, and all pieces as before."""
    taken: list[bytes] = []
    size = 0
    for piece in pieces:
        taken.append(piece)
        size += len(piece)
        if size >= _PEEKED:
            break
    return b"".join(taken), itertools.chain(taken, pieces)


def discard(children: Sequence[Child]) -> None:
    """Remove what lies in the staging folder."""
    for child in children:
        if child.taken.staged is not None:
            Path(child.taken.staged.path).unlink(missing_ok=True)


OTHER_READER = "other_reader"
"""The notice of a file that another reader takes and nobody read."""


def _beside(
    export: Export, chat: tuple[Reader, Detected] | None, rows: tuple[RecordReader, Detected]
) -> list[tuple[str, Notice]]:
    """(reader, notice) for each file of a zip that another reader of records takes, and nobody reads now."""
    from custody.evidence import registry

    found = []
    for one in registry.beside(export, (chat, rows)):
        for at in one.members:
            text = (
                f"a file of this zip is not among these rows, and {one.reader} ({one.title}) would take it: collect it "
                "as a file of its own"
            )
            found.append((one.reader, Notice(OTHER_READER, text, at, export.members[at].name)))
    return found


def _parts(
    export: Export, detected: Detected, packed: archive.Archive | None
) -> tuple[list[int], list[tuple[str, str]]]:
    """Files of the export that become items, and those that don't, with the reason."""
    if packed is None or detected.document:
        return [], []
    chosen: list[int] = []
    left_out: list[tuple[str, str]] = []
    for member, entry in zip(export.members, packed.entries, strict=True):
        if entry.folder or member.index in detected.members:
            continue
        if entry.problem is not None:
            left_out.append((member.name, entry.problem))
        elif len(chosen) >= MAX_PARTS:
            left_out.append((member.name, f"only the first {MAX_PARTS} files become items"))
        else:
            chosen.append(member.index)
    return chosen, left_out


def _lying(
    export: Export, reader: Reader, detected: Detected, settings: Settings
) -> tuple[dict[int, Attached], list[tuple[str, str]]]:
    """Files that lie in the bytes of messages, by part: they are counted on from the export's own files."""
    found: dict[int, Attached] = {}
    left = 0
    fault = None
    if reader.attached is not None:
        try:
            for one in reader.attached(export, detected, settings):
                if len(found) < MAX_PARTS:
                    found[len(export.members) + len(found)] = one
                else:
                    left += 1
        except CustodyError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not keep messages out
            fault = ("files in messages", f"a fault in custody ended the search: {type(error).__name__}")
    more = [(f"{left} files in messages", f"only the first {MAX_PARTS} become items")] if left else []
    return found, more if fault is None else [*more, fault]


def _tool(reader: Reader | RecordReader | None) -> dict[str, Any]:
    tool = f"custody {__version__}"
    return {"tool": tool if reader is None else f"{tool}, reader {reader.name} {reader.version}"}


def _about_form(
    reader: Reader | RecordReader, wish: Wish, trees: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """What the record keeps of a derivation: who read, by which settings, and the counts; no names, no texts."""
    capture: dict[str, Any] = {
        "method": "read by custody into a form in which every message or row has its place in the item",
        **_tool(reader),
        "format": reader.name,
    }
    stated = wish.stated()
    if stated:
        capture["tool_settings"] = canonical.encode(stated).decode()
    if wish.settings.time_zone is not None:
        capture["time_zone"] = wish.settings.time_zone
    return {"content": {"trees": trees}, "capture": capture}


def tree_value(reader: Reader, summary: Summary) -> dict[str, Any]:
    """The message tree's root and the counts, as they stand in the derived item's `content`."""
    values = {
        "schema": messages.SCHEMA,
        "reader": reader.name,
        "version": reader.version,
        "count": summary.messages + summary.events,
        "root": summary.root.hex(),
        "messages": summary.messages,
        "events": summary.events,
        "conversations": summary.conversations,
        "participants": summary.participants,
        "attachments": dict(summary.attachments),
        "declared": summary.declared,
        "unread": summary.unread,
        "whole": summary.whole,
        "notices": dict(summary.notices),
        "open": list(summary.open_questions),
        "first_time": summary.first_time,
        "last_time": summary.last_time,
    }
    return {name: value for name, value in values.items() if value is not None}


def rows_value(reader: RecordReader, summary: RecordsSummary) -> dict[str, Any]:
    """The counts of rows, as they stand in the derived item's `content`: rows = plain + flagged + kept_raw."""
    values = {
        "schema": RECORDS_SCHEMA,
        "reader": reader.name,
        "version": reader.version,
        "rows": summary.rows,
        "plain": summary.plain,
        "flagged": summary.flagged,
        "kept_raw": summary.kept_raw,
        "kinds": dict(summary.kinds),
        "flags": dict(summary.flags),
        "unread": summary.unread,
        "whole": summary.whole,
        "notices": dict(summary.notices),
        "open": list(summary.open_questions),
        "first_time": summary.first_time,
        "last_time": summary.last_time,
    }
    return {name: value for name, value in values.items() if value is not None}


class _Lines(io.RawIOBase):
    """Lines as a stream that is read once."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        gathered = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            line = next(self._lines, None)
            if line is None:
                break
            gathered.append(line)
            length += len(line)
        data = b"".join(gathered)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]


def _stream(lines: Iterator[bytes]) -> BinaryIO:
    return cast(BinaryIO, _Lines(lines))
