"""Deriving once more: an item that is in already, with other settings or a newer reader. Both forms stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custody import machine
from custody.errors import InputRefused, NoRight
from custody.format import compartments
from custody.ledger.work import ItemRow
from custody.procedure import access, lists, marks
from custody.procedure.access import Purpose
from custody.procedure.batch import Adding
from custody.procedure.derive import Derived, Deriver, NotRead, Wish
from custody.procedure.intake import Setting
from custody.procedure.locker import Desk
from custody.procedure.seal import Sealed, seal
from custody.procedure.sweep import sweep

if TYPE_CHECKING:
    from custody.evidence.chat.table.reader import Proposal
    from custody.evidence.network import ip_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederived:
    """What was made. ``labels``: of the readable form first, then of the files that became items now."""

    derived: Derived
    labels: tuple[str, ...]
    sealed: Sealed | None


def derive_item(
    desk: Desk, item: ItemRow, wish: Wish, purpose: Purpose, *, with_seal: bool = True
) -> Rederived:
    """Open an item (logged), read it, and log what comes of it as derived items.

    Files in it that became items before are linked, not made again. Raises InputRefused where no reader takes it,
    NoRight for who may not read and collect in its case.
    """
    _check(desk, item)
    opened = access.open_item(desk, item, purpose=purpose)
    assert opened.content is not None
    first = opened.parts[0].entry
    content, name = opened.first("content"), opened.first("name")
    if content is None or name is None:
        raise NoRight("your key does not open what is known of this item", where=item.label)
    # What is known by now: the same bytes may have come in again with a mark that the first time did not have.
    handling = marks.of_opened(desk, opened, purpose) or lists.handling_flags(opened.parts) or ("unassessed",)
    earlier = desk.locker.work.derived(item.id)
    wish = wish.on(first.time.wall)
    with desk.locker.lock():
        sweep(desk.locker)
        staging = desk.locker.vault.staging()
        staging.__enter__()
    try:
        setting = _setting(desk, str(staging.directory), handling)
        made = Deriver(desk.rim, setting).derive(
            opened.content(),
            name=_name(name),
            media_type=content["media_type"],
            item=item.id,
            wish=wish,
            known={row.part: row.id for row in earlier if row.part is not None},
        )
        if not isinstance(made, Derived):
            raise _not_read(item, made)
        labels = _log(desk, item, first.public["acquisition"], made)
    finally:
        staging.__exit__(None, None, None)
    return Rederived(derived=made, labels=labels, sealed=seal(desk) if with_seal else None)


def propose(
    desk: Desk, item: ItemRow, purpose: Purpose, reader: str
) -> list[Proposal] | list[ip_table.Proposal]:
    """Open an item (logged) and give the first rows of the tables in it, for asking which column is what.

    ``reader``: the one that will read them, table (messages) or ip-table.
    """
    _check(desk, item)
    opened = access.open_item(desk, item, purpose=purpose)
    assert opened.content is not None
    content, name = opened.first("content"), opened.first("name")
    if content is None or name is None:
        raise NoRight("your key does not open what is known of this item", where=item.label)
    with desk.locker.vault.staging() as staging:
        deriver = Deriver(desk.rim, _setting(desk, str(staging.directory), ()))
        with deriver.export(opened.content(), name=_name(name), media_type=content["media_type"]) as export:
            if reader == "ip-table":
                from custody.evidence.network import ip_table

                return ip_table.propose(export)
            from custody.evidence.chat.table import reader as table

            return table.propose(export)


def _setting(desk: Desk, staging: str, handling: tuple[str, ...]) -> Setting:
    return Setting(origin=desk.origin, staging=staging, digests=("sha256",), handling=handling)


def _name(part: dict[str, Any]) -> str:
    return compartments.name_bytes(part["name"]).decode("utf-8", "backslashreplace")


def _check(desk: Desk, item: ItemRow) -> None:
    desk.need("collect", item.case, what="derive")
    if item.parent is not None and item.part is None:
        raise InputRefused(
            "this is a readable form itself",
            where=item.label,
            hint=f"name the item that it was made from: {item.label.rpartition('.')[0]}",
        )
    if item.object is None:
        raise InputRefused("only registered: its content was kept nowhere", where=item.label)


def _not_read(item: ItemRow, made: NotRead | None) -> InputRefused:
    if made is not None:
        return InputRefused(made.reason, where=item.label, hint=made.hint)
    return InputRefused(
        "no reader takes this for a chat or for records, or several do alike",
        where=item.label,
        hint="name one with --format; custody formats lists them",
    )


def _log(desk: Desk, item: ItemRow, acquisition: int, made: Derived) -> tuple[str, ...]:
    group = desk.rim.new_id()
    staged = [child.taken.staged for child in made.children if child.taken.staged is not None]
    labels: list[str] = []
    writer = None
    try:
        with desk.write() as writer:
            desk.locker.vault.publish(staged)
            machine.at_point("after objects")
            adding = Adding(
                desk, writer, case=item.case, exhibit=item.exhibit, acquisition=acquisition, group=group
            )
            taken = len(desk.locker.work.derived(item.id))
            for at, child in enumerate(made.children, taken + 1):
                labels.append(f"{item.label}.{at}")
                adding.derived(child, item.id, labels[-1])
            adding.end(0, 0, len(made.children))
    except BaseException:
        if writer is None or not writer.unsure:
            desk.locker.vault.withdraw(staged)
        raise
    return tuple(labels)
