"""What is in the locker: lists that open nothing, and lists that open.

Labels, sizes and times of events are public in the record, so listing them needs no key. Whatever
names an item, a case or a person goes through `procedure.access` and is logged first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custody.errors import UsageError
from custody.format import compartments, names
from custody.format import entry as entries
from custody.ledger.store import Stored
from custody.ledger.work import CaseRow, ItemRow, ReceiptRow
from custody.procedure import access
from custody.procedure.access import OpenedItem, Purpose
from custody.procedure.locker import Desk, Locker

if TYPE_CHECKING:
    from custody.procedure.todo import Todo


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """The public side of an item. ``size``: the padded size of its object in bytes, None without one.

    ``registered``: only its digest is in, its content was kept nowhere; ``received``: labels under which the
    same bytes came in again; ``parent``: the id of the item that it was derived from.
    """

    id: str
    label: str
    case: str
    exhibit: str
    size: int | None
    wall: str
    open_copy: bool
    registered: bool
    received: tuple[str, ...]
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItem:
    """An item with what was opened of it; None where this custodian has no key, or nothing was said.

    ``name`` is the file name's bytes as found; ``size`` the exact size in bytes.
    """

    line: ItemLine
    name: bytes | None
    media_type: str | None
    size: int | None
    flags: tuple[str, ...]
    handling: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """The public side of a case. ``opened`` is the stated time."""

    id: str
    opened: str
    closed: bool
    items: int
    exhibits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCase:
    """A case with its opened reference, title and ground; ``readable`` is False where nothing was opened."""

    line: CaseLine
    readable: bool
    ref: str | None = None
    title: str | None = None
    legal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry. ``label``: how its subject is shown; ``parts``, ``closed``: as `access.Parts`, empty unless opened."""

    seq: int
    wall: str
    kind: str
    actor: str
    subject_type: str
    subject: str
    label: str
    case: str | None
    group: str | None
    public: Mapping[str, Any]
    parts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()


def _locker(place: Desk | Locker) -> Locker:
    return place.locker if isinstance(place, Desk) else place


def line_of(item: ItemRow, received: Iterable[ReceiptRow] = ()) -> ItemLine:
    """The public side of an item, with those of ``received`` that are of it."""
    return ItemLine(
        id=item.id,
        label=item.label,
        case=item.case,
        exhibit=item.exhibit,
        size=item.size,
        wall=item.wall,
        open_copy=item.copy_open,
        registered=item.object is None,
        received=tuple(one.label for one in received if one.item == item.id),
        parent=item.parent,
    )


def _lines(locker: Locker, case: str | None) -> Iterator[ItemLine]:
    receipts: dict[str, list[ReceiptRow]] = {}
    for one in locker.work.receipts():
        receipts.setdefault(one.item, []).append(one)
    for item in locker.work.items(case):
        yield line_of(item, receipts.get(item.id, ()))


def list_items(place: Desk | Locker, case: str | None = None) -> list[ItemLine]:
    """The items of a case (its id), or all, in the order they came in. Opens and logs nothing."""
    return list(_lines(_locker(place), case))


def list_names(desk: Desk, case: str, purpose: Purpose) -> list[NamedItem]:
    """The items of a case with names, types and handling flags: one `case.consulted`, then they are opened."""
    open_parts = access.consult(desk, case, what="names", exhibits=None, purpose=purpose)
    wanted = ("name", "content", "handling")
    return [_named(line, list(open_parts(line.id, wanted))) for line in _lines(desk.locker, case)]


def handling_flags(history: Sequence[access.Parts]) -> tuple[str, ...]:
    """An item's flags as they stand: those that its intake said, with those of the same bytes received again.

    "Unassessed" ends as soon as anything else was said; what corrects the flags replaces them.
    """
    flags: list[str] = []
    for parts in history:
        said = parts.values.get("handling", {}).get("flags", ())
        if said:
            flags = [*flags, *said] if parts.entry.kind == "item.received" else list(said)
    known = [flag for flag in dict.fromkeys(flags) if flag != "unassessed"]
    return tuple(known or dict.fromkeys(flags))


def _named(line: ItemLine, history: Sequence[access.Parts]) -> NamedItem:
    first = history[0] if history else None
    values = first.values if first is not None else {}
    content, name = values.get("content", {}), values.get("name")
    return NamedItem(
        line=line,
        name=None if name is None else compartments.name_bytes(name["name"]),
        media_type=content.get("media_type"),
        size=content.get("size"),
        flags=tuple(content.get("flags", ())),
        handling=handling_flags(history),
        closed=first.closed if first is not None else (),
    )


def case_lines(place: Desk | Locker) -> list[CaseLine]:
    """All cases, oldest first. Opens and logs nothing; references and titles are sealed."""
    locker = _locker(place)
    return [_case_line(locker, row) for row in locker.work.cases()]


def _case_line(locker: Locker, row: CaseRow) -> CaseLine:
    labels = tuple(exhibit.label for exhibit in locker.work.exhibits(row.id))
    return CaseLine(id=row.id, opened=row.opened, closed=row.closed, items=row.items, exhibits=labels)


def case_titles(desk: Desk, purpose: Purpose, case: str | None = None) -> list[NamedCase]:
    """Cases with reference and title, one `case.consulted` for each that this custodian may read.

    With ``case`` (its id) that one alone, and NoRight when it may not be read; else those that may not
    be read are listed without a title, and nothing is logged for them.
    """
    found = []
    for row in desk.locker.work.cases():
        if case is not None and row.id != case:
            continue
        line = _case_line(desk.locker, row)
        if case is None and not may_open(desk, row.id):
            found.append(NamedCase(line=line, readable=False))
            continue
        open_parts = access.consult(desk, row.id, what="titles", exhibits=None, purpose=purpose)
        first = next(iter(open_parts(row.id, ("title", "legal"))))
        title = first.values.get("title", {})
        found.append(
            NamedCase(
                line=line,
                readable=True,
                ref=title.get("ref"),
                title=title.get("title"),
                legal=first.values.get("legal", {}),
            )
        )
    return found


def may_open(desk: Desk, case: str) -> bool:
    """True when this custodian may read the case and holds its keys. Opens nothing."""
    return desk.rights.holds(desk.key_id, "read", case) and "record" in desk.ring.class_keys(case)


def show_item(desk: Desk, item: ItemRow, purpose: Purpose) -> OpenedItem:
    """All parts of an item and of its exhibit that this custodian may open; one `item.accessed` first."""
    return access.open_item(desk, item, purpose=purpose, what="parts")


# The record


def log(
    place: Desk | Locker,
    *,
    case: str | None = None,
    item: ItemRow | None = None,
    purpose: Purpose | None = None,
) -> list[LogLine]:
    """The record of a case (its id), of an item, or all of it, in its order.

    Without ``purpose`` nothing is opened or logged: kinds, times, labels and key ids are public. With
    it the parts are opened too, after one `item.accessed` for an item, or one `case.consulted` for
    each case that this custodian may read; that needs a `Desk`.
    """
    locker = _locker(place)
    opened: dict[int, access.Parts] = {}
    if purpose is not None:
        if not isinstance(place, Desk):
            raise UsageError("opening parts of the record needs a key")
        opened = _opened(place, case, item, purpose)
    with locker.record() as record:
        if item is not None:
            stored: Iterable[Stored] = record.history(item.id)
        elif case is not None:
            histories = [record.history(subject) for subject in _subjects(locker, case)]
            stored = sorted((one for history in histories for one in history), key=lambda one: one.position)
        else:
            stored = record.entries()
        labels = _labels(locker)
        return [_log_line(one, labels, opened.get(one.position)) for one in stored]


def derived_from(place: Desk | Locker, item: ItemRow) -> list[str]:
    """Labels of what was made of an item: reading that opens them, and is logged with them, not with the item."""
    return [row.label for row in _locker(place).work.derived(item.id)]


def _subjects(locker: Locker, case: str) -> list[str]:
    work = locker.work
    return [case, *(row.id for row in work.exhibits(case)), *(row.id for row in work.items(case))]


def _labels(locker: Locker) -> dict[str, str]:
    work = locker.work
    labels = {volume.ledger: "ledger" for volume in locker.volumes}
    for case in work.cases():
        labels[case.id] = f"case {names.short(case.id)}"
        labels |= {row.id: row.label for row in work.exhibits(case.id)}
    return labels | {row.id: row.label for row in work.items()}


def _opened(desk: Desk, case: str | None, item: ItemRow | None, purpose: Purpose) -> dict[int, access.Parts]:
    if item is not None:
        shown = access.open_item(desk, item, purpose=purpose, what="parts")
        return {parts.seq: parts for parts in shown.parts}
    found: dict[int, access.Parts] = {}
    cases = [case] if case is not None else [row.id for row in desk.locker.work.cases()]
    for one in cases:
        if case is None and not may_open(desk, one):
            continue
        open_parts = access.consult(desk, one, what="log", exhibits=None, purpose=purpose)
        for subject in _subjects(desk.locker, one):
            found |= {parts.seq: parts for parts in open_parts(subject, compartments.COMPARTMENTS)}
    return found


def _log_line(stored: Stored, labels: Mapping[str, str], parts: access.Parts | None) -> LogLine:
    try:
        entry = stored.read()
    except entries.NewerVersion:
        # Its place in the record is known, what it says is not.
        return LogLine(
            seq=stored.position,
            wall="",
            kind="made by a newer custody",
            actor="",
            subject_type="",
            subject="",
            label="",
            case=None,
            group=None,
            public={},
        )
    return LogLine(
        seq=stored.position,
        wall=entry.time.wall,
        kind=entry.kind,
        actor=entry.actor,
        subject_type=entry.subject.type,
        subject=entry.subject.id,
        label=labels.get(entry.subject.id, names.short(entry.subject.id)),
        case=entry.case,
        group=entry.group,
        public=entry.public,
        parts={} if parts is None else parts.values,
        closed=() if parts is None else parts.closed,
    )


def todo(place: Desk | Locker, *, purpose: Purpose | None = None) -> Todo:
    """What is still to be done: `custody.procedure.todo`, which is built on these lists."""
    from custody.procedure import todo as doing

    return doing.todo(place, purpose=purpose)
