"""What is still to be done: asked of the record, the erasable store and the vault, opening nothing unless told to.

Each thing has a value of its own and one function that finds it; `Todo` gathers them, and
`custody.cli.todo` has one sentence and one command for each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from custody.errors import UsageError
from custody.procedure import access, again, authorities, reminders
from custody.procedure.access import Purpose
from custody.procedure.again import Prepared
from custody.procedure.lists import ItemLine, handling_flags, line_of, may_open
from custody.procedure.locker import Desk, Locker
from custody.procedure.reminders import BackupDue
from custody.procedure.seal import stamped_by, unsealed
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingNote:
    """A log note that an authority has not stamped yet; ``problem`` and ``tried`` are of the last try, if any."""

    size: int
    url: str
    tried: str | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedAcquisition:
    """An acquisition that did not end, or was interrupted and not continued since. ``wall``: when it began."""

    case: str
    exhibit: str
    label: str
    actor: str
    wall: str
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFields:
    """What an exhibit's record leaves open: fields not stated, and how many items are `unassessed`."""

    case: str
    label: str
    not_stated: tuple[str, ...]
    unassessed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What is still to be done. ``fields`` is None where nobody asked for what is sealed.

    ``no_recovery``: when this key is lost, nobody can open the locker. ``leftovers``: temporary
    folders in the vault, sealed, left by work that crashed. ``prepared``: exports without a file.
    """

    unsealed: int
    waiting: tuple[WaitingNote, ...]
    open_copies: tuple[ItemLine, ...]
    unfinished: tuple[UnfinishedAcquisition, ...]
    prepared: tuple[Prepared, ...]
    leftovers: tuple[str, ...]
    registered: tuple[ItemLine, ...]
    """Items whose content lies elsewhere: no work, but nobody else looks after it."""
    no_recovery: bool
    misplaced: str | None
    """What speaks against the folder that the locker lies in, and what to do; None where nothing does."""
    backup: BackupDue | None
    """That a backup should be made; None too where nobody said what time it is."""
    sheet_untried: bool
    """There is a recovery sheet, and nobody ever tried whether its words open anything."""
    fields: tuple[OpenFields, ...] | None

    @property
    def nothing(self) -> bool:
        """True when all is done, as far as it was asked."""
        return not (
            self.unsealed
            or self.waiting
            or self.open_copies
            or self.unfinished
            or self.prepared
            or self.leftovers
            or self.no_recovery
            or self.misplaced
            or self.backup
            or self.sheet_untried
            or self.fields
        )


def todo(place: Desk | Locker, *, purpose: Purpose | None = None, now: dt.datetime | None = None) -> Todo:
    """What is still to be done here. Opens nothing without ``purpose``.

    With it (and a `Desk`) open fields are listed too: one `case.consulted` for each case that this
    custodian may read.
    """
    locker = place.locker if isinstance(place, Desk) else place
    if purpose is not None and not isinstance(place, Desk):
        raise UsageError("listing open fields needs a key")
    with locker.ledger.reading() as view:
        open_work = unsealed(view)
        rights = locker.rights()
    return Todo(
        unsealed=open_work,
        waiting=tuple(_waiting(locker, rights)),
        open_copies=tuple(line_of(item) for item in locker.work.open_copies()),
        unfinished=tuple(_unfinished(locker)),
        prepared=tuple(again.prepared(locker)),
        leftovers=tuple(locker.vault.strangers()[0]),
        registered=tuple(line_of(item) for item in locker.work.items() if item.object is None),
        no_recovery=_no_recovery(rights),
        misplaced=None if locker.misplaced is None else locker.misplaced.advice,
        backup=None if now is None else reminders.backup_due(locker, now),
        sheet_untried=reminders.sheet_untried(locker, rights),
        fields=tuple(_open_fields(place, purpose))
        if purpose is not None and isinstance(place, Desk)
        else None,
    )


def _waiting(locker: Locker, rights: Rights) -> Iterator[WaitingNote]:
    """Authorities that have not stamped the newest note: it covers all older entries."""
    with locker.ledger.reading() as view:
        named = authorities.in_force(view, rights)
        newest = view.newest_note()
        tokens = view.tokens()
    if newest is None:
        return
    size, note = newest
    have = {tsr for covered, tsr in tokens if covered == size}
    tried = {
        url: (wall, problem)
        for tried_size, url, wall, problem in locker.work.attempts()
        if tried_size == size
    }
    for one in named:
        if not stamped_by(one, have, note):
            when, problem = tried.get(one.url, (None, None))
            yield WaitingNote(size=size, url=one.url, tried=when, problem=problem)


def _no_recovery(rights: Rights) -> bool:
    """True when no second key in force can open every case; a second custodian may have joined after `init`."""
    able = [
        custodian
        for custodian in rights.custodians.values()
        if custodian.in_force
        and custodian.wrap_key is not None
        and custodian.all_cases
        and custodian.rights & {"read", "export"}
    ]
    return rights.recovery == "none" and not able


def _unfinished(locker: Locker) -> Iterator[UnfinishedAcquisition]:
    for case in locker.work.cases():
        for exhibit in locker.work.exhibits(case.id):
            acquisitions = locker.work.acquisitions(exhibit.id)
            for place, row in enumerate(acquisitions, 1):
                # A later acquisition into the same exhibit continues an interrupted one.
                # So it does one that a closed volume left open: there it can't be ended any more.
                cut = row.ended == "interrupted" or row.ledger != locker.origin
                if (row.ended is None and not cut) or (
                    row.ended != "completed" and cut and place == len(acquisitions)
                ):
                    yield UnfinishedAcquisition(
                        case=case.id,
                        exhibit=exhibit.id,
                        label=exhibit.label,
                        actor=row.actor,
                        wall=row.wall,
                        interrupted=row.ended is not None,
                    )


def _open_fields(desk: Desk, purpose: Purpose) -> Iterator[OpenFields]:
    for case in desk.locker.work.cases():
        if not may_open(desk, case.id):
            continue
        open_parts = access.consult(desk, case.id, what="todo", exhibits=None, purpose=purpose)
        for exhibit in desk.locker.work.exhibits(case.id):
            captures = [parts.values.get("capture", {}) for parts in open_parts(exhibit.id, ("capture",))]
            missing = dict.fromkeys(name for capture in captures for name in capture.get("not_stated", ()))
            items = desk.locker.work.items_of_exhibit(exhibit.id)
            flags = [handling_flags(list(open_parts(item.id, ("handling",)))) for item in items]
            unassessed = sum("unassessed" in one for one in flags)
            if missing or unassessed:
                yield OpenFields(
                    case=case.id, label=exhibit.label, not_stated=tuple(missing), unassessed=unassessed
                )
