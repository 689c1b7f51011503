"""Reading records: the rows of one item, or of a whole case in the order of time. Opened like any item, logged first.

Rows come from an item's readable form; from a reference that somebody typed, as the one row that it is; or, of
pictures, from the item itself at the moment of asking.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from custody.errors import CheckFailed, FormatError, InputRefused, MachineError, NoRight
from custody.evidence.reading import Settings
from custody.evidence.records.form import MEDIA_TYPE, Recorded
from custody.evidence.records.wanted import Filter
from custody.format import compartments
from custody.ledger.work import ItemRow
from custody.procedure import access, marks, readable
from custody.procedure.access import OpenedItem, Parts, Purpose
from custody.procedure.derive import OTHER_READER, Deriver, may_be_read
from custody.procedure.intake import Setting
from custody.procedure.locker import Desk
from custody.procedure.readable import Damaged, Lines
from custody.procedure.typed import IP_REFERENCE, PAYMENT_REFERENCE
from custody.vault.scratch import Scratch

TYPED = {IP_REFERENCE: "ip", PAYMENT_REFERENCE: "coin"}
_MAILS = frozenset({"message/rfc822", "application/mbox"})
_MAIL_ENDINGS = (b".eml", b".mbox", b".mbx")
_LAST = "~"
"""Sorts behind every instant."""


def of_item(desk: Desk, item: ItemRow, purpose: Purpose) -> tuple[ItemRow, Lines]:
    """The item or form that the rows come from, and (line, record) of each line of the form `custody.rows/1`.

    Without a form of rows the item itself is opened: some readers make theirs only when somebody asks.

    InputRefused where the item has no rows and no reader makes some.
    """
    for form in readable.each(desk, item, purpose):
        if form.media_type == MEDIA_TYPE:
            return form.row, form.lines
        readable.refuse_newer(form, MEDIA_TYPE)
        if readable.is_form(item):
            raise InputRefused("this is a readable form, and not of records", where=item.label)
    opened = access.open_item(desk, item, purpose=purpose)
    if opened.content is None:
        raise InputRefused("only registered: its content was kept nowhere", where=item.label)
    return item, _own(desk, opened, purpose)


def _no_rows(item: ItemRow) -> InputRefused:
    return InputRefused(
        "no records were made of this item",
        where=item.label,
        hint=f"custody derive {item.label} makes them where a reader takes it; custody formats lists the readers",
    )


def _own(desk: Desk, opened: OpenedItem, purpose: Purpose) -> Lines:
    content, name = opened.first("content"), opened.first("name")
    if content is None or name is None:
        raise NoRight("your key does not open what is known of this item", where=opened.item.label)
    if content["media_type"] in TYPED:
        return iter([typed_row(opened, TYPED[content["media_type"]])])
    told = compartments.name_bytes(name["name"]).decode("utf-8", "backslashreplace")
    return _asked(desk, opened, told, content["media_type"], marks.of_opened(desk, opened, purpose))


def stated_grade(opened: OpenedItem) -> str | None:
    """How near to the original somebody said that an item is: of the item itself, else of its acquisition.

    None where nobody said, or where the item was cut out of another: what was said is of that one.
    """
    first = opened.parts[0]
    if opened.item.parent is not None:
        return None
    of = [
        one
        for one in opened.exhibit
        if one.entry.kind == "exhibit.acquired"
        and one.entry.subject.n == first.entry.public.get("acquisition")
    ]
    said = (one.values.get("capture", {}).get("copy_grade") for one in (first, *of))
    return next((str(grade) for grade in said if grade is not None), None)


def typed_row(opened: OpenedItem, kind: str) -> tuple[bytes, dict[str, Any]]:
    """A reference that somebody typed, as a row: all its fields, and all its bytes for its place."""
    assert opened.content is not None
    data = b"".join(opened.content())
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise CheckFailed("a typed reference that is no JSON object", where=opened.item.label)
    fields = {
        name: value for name, value in said.items() if value is not None and value != [] and name != "schema"
    }
    # These two names mean something else in a row.
    renamed = {"kind": "coin_kind", "source": "source_text"}
    row = {
        **{renamed.get(name, name): value for name, value in fields.items()},
        "record": "row",
        "kind": kind,
        "number": 1,
        "source": {"member": 0, "start": 0, "end": len(data), "sha256": hashlib.sha256(data).hexdigest()},
    }
    return data, row


def _asked(desk: Desk, opened: OpenedItem, name: str, media_type: str, handling: tuple[str, ...]) -> Lines:
    from custody.evidence.records import registry

    assert opened.content is not None
    with desk.locker.vault.staging() as staging:
        setting = Setting(
            origin=desk.origin, staging=str(staging.directory), digests=("sha256",), handling=()
        )
        deriver = Deriver(desk.rim, setting)
        with deriver.export(opened.content(), name=name, media_type=media_type) as export:
            chosen = next((one for one in registry.claims(export) if one[0].on_asking), None)
            if chosen is None:
                raise _no_rows(opened.item)
            settings = Settings(handling=handling, copy_grade=stated_grade(opened))
            recorded = Recorded(export, chosen[0], chosen[1], settings, item=opened.item.id)
            for line in recorded.lines():
                yield line.rstrip(b"\n"), json.loads(line)


@dataclass(slots=True, kw_only=True)
class CaseRows:
    """What a look over a case found, beside its rows; filled on the way. ``items``: labels of items with rows.

    ``not_opened``: (label, why) of items that may have rows and were not read. ``without``: labels of items that a
    reader may take and of which no records were made; pictures are not among them. ``doubts``: (label, what) where
    the reading of an item was not whole or left something open. ``rows``: how many there are, wanted or not.
    ``skipped``: labels of those not opened that another key or a newer custody could open.
    """

    items: list[str] = field(default_factory=list)
    not_opened: list[tuple[str, str]] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    """Items with something that can't be read whole. No row of a damaged form is given: none is known to be as it was
    logged."""
    skipped: list[str] = field(default_factory=list)
    rows: int = 0
    pictures: int = 0
    """Pictures of the case: their rows are made one by one, when somebody asks."""

    def skip(self, label: str, why: str) -> None:
        """An item that could be looked at, and not by this key or this version."""
        self.not_opened.append((label, why))
        self.skipped.append(label)


class _Source(NamedTuple):
    """An item, the item or form that its rows are in, and which of these it is."""

    item: ItemRow
    row: ItemRow
    media_type: str


def of_case(
    desk: Desk, case: str, purpose: Purpose, wanted: Filter, about: CaseRows
) -> Iterator[dict[str, Any]]:
    """All rows of a case in the order of their instants, each with ``item`` (the label of its item).

    One `case.consulted`, then one `item.accessed` for each item with rows. Rows without an instant come last, in
    the order of the items: their place in time is not known. ``about`` is filled on the way. Of an item with
    several forms the newest is read. Pictures are not: `of_item` reads them one by one. What is damaged keeps nothing
    else from being read: it stands in ``about``.
    """
    open_parts = access.consult(desk, case, what="names", exhibits=None, purpose=purpose)
    sources = [
        source
        for item in desk.locker.work.items(case)
        if not readable.is_form(item) and (source := _source(desk, item, open_parts, about)) is not None
    ]
    keys: list[bytes] = []
    with (
        desk.locker.vault.staging() as staging,
        Scratch(
            _found(desk, purpose, sources, wanted, keys, about),
            folder=Path(staging.directory),
            key=desk.rim.random(32),
        ) as rows,
    ):
        keys.sort()
        for key in keys:
            start, size = int.from_bytes(key[-12:-4], "big"), int.from_bytes(key[-4:], "big")
            yield json.loads(rows.read(start, start + size))


def _source(
    desk: Desk,
    item: ItemRow,
    open_parts: Callable[[str, Iterable[str]], Iterator[Parts]],
    about: CaseRows,
) -> _Source | None:
    """Where an item's rows are; None where it has none or they can't be looked for, which ``about`` then says."""
    forms = readable.forms(desk, item)
    closed, asked, damaged = False, False, 0
    for row in [*forms, item]:
        try:
            first = next(iter(open_parts(row.id, ("content", "name", "capture"))), None)
        except (CheckFailed, FormatError) as error:
            about.damaged.append(readable.damaged(item, row, error))
            damaged += 1
            continue
        content = {} if first is None else first.values.get("content", {})
        media_type = content.get("media_type", "")
        closed = closed or not media_type
        if readable.is_newer(media_type, MEDIA_TYPE):
            about.skip(item.label, f"its rows in {row.label} were made by a newer custody")
            return None
        if media_type == MEDIA_TYPE:
            about.doubts += ((item.label, doubt) for doubt in _doubts(content))
        if media_type == MEDIA_TYPE or (row is item and media_type in TYPED):
            if closed:
                about.doubts.append(
                    (item.label, "a newer form of it is not for your key: an older one is read")
                )
            if damaged:
                about.doubts.append((item.label, "a newer form of it is damaged: an older one is read"))
            return _Source(item, row, media_type)
        asked = asked or (row is not item and first is not None and not _by_name(first))
    if damaged:
        return None
    if closed:
        about.skip(item.label, "your key does not open what is known of it")
    elif first is not None and item.object is not None and _is_picture(first):
        about.pictures += 1
    elif first is not None and _may_have_rows(first, asked=asked):
        if item.object is None:
            about.not_opened.append((item.label, "only registered: its content was kept nowhere"))
        else:
            about.without.append(item.label)
    return None


def _is_picture(first: Parts) -> bool:
    return str(first.values["content"]["media_type"]).startswith("image/")


def _by_name(form: Parts) -> bool:
    """Whether a person named the reader of a form: then no other was asked about the item."""
    return '"format":' in str(form.values.get("capture", {}).get("tool_settings", ""))


def _may_have_rows(first: Parts, *, asked: bool) -> bool:
    """Whether a reader may take an item. One that is a chat was asked about already, but for hops of its mails.

    ``asked``: whether every reader was, when a form of it was made.
    """
    media_type = first.values["content"]["media_type"]
    name = first.values.get("name")
    told = b"" if name is None else compartments.name_bytes(name["name"])
    if asked:
        return media_type in _MAILS or told.lower().endswith(_MAIL_ENDINGS)
    return may_be_read(media_type, told)


def _doubts(content: Mapping[str, Any]) -> Iterator[str]:
    counts = content.get("trees", {}).get("records", {})
    if "broken_off" in counts.get("notices", {}):
        yield "reading it ended early: there may be more rows in it"
    if not counts.get("whole", True):
        yield "bytes of it were passed over: this is a fault in custody, please report it"
    if count := counts.get("notices", {}).get(OTHER_READER):
        yield f"{count} of its files were not read, which other readers take: custody records ITEM names them"
    if counts.get("unread"):
        yield f"{counts['unread']} of its ranges could not be read"
    for what in counts.get("open", ()):
        yield f"open: {str(what).replace('_', ' ')}"


def _found(
    desk: Desk,
    purpose: Purpose,
    sources: Sequence[_Source],
    wanted: Filter,
    keys: list[bytes],
    about: CaseRows,
) -> Iterator[bytes]:
    """The wanted rows as JSON, while ``keys`` takes for each: its instant, and where it begins and how long it is."""
    at = 0
    for item, row, media_type in sources:
        try:
            opened = access.open_item(desk, row, purpose=purpose)
        except NoRight as error:
            about.skip(item.label, error.message)
            continue
        except (CheckFailed, FormatError) as error:
            about.damaged.append(readable.damaged(item, row, error))
            continue
        if opened.content is None:
            about.not_opened.append((item.label, "only registered: its content was kept nowhere"))
            continue
        rows, mark = 0, len(keys)
        lines = _rows(opened, row, media_type)
        while True:
            try:
                record = next(lines, None)
            except (CheckFailed, FormatError, MachineError) as error:
                # What came before was not shown to be as logged: it is taken back, and told.
                del keys[mark:]
                about.damaged.append(readable.damaged(item, row, error))
                break
            if record is None:
                about.items.append(item.label)
                about.rows += rows
                break
            rows += 1
            if not wanted.takes(record):
                continue
            data = json.dumps({**record, "item": item.label, "id": item.id}).encode()
            # without Z: a second with decimals comes behind the same second without
            moment = str(record.get("instant", _LAST)).rstrip("Z")
            keys.append(moment.encode() + b"\0" + at.to_bytes(8, "big") + len(data).to_bytes(4, "big"))
            at += len(data)
            yield data


def _rows(opened: OpenedItem, row: ItemRow, media_type: str) -> Iterator[dict[str, Any]]:
    """The rows alone, as they stand; its end proves that they are whole and as logged."""
    assert opened.content is not None
    if media_type in TYPED:
        yield typed_row(opened, TYPED[media_type])[1]
        return
    for _, record in readable.records_of(opened.content(), row.label):
        if record["record"] == "row":
            yield record
