"""custody todo: what is still to be done."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from custody.cli.base import Command
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.reminders import BackupDue
    from custody.procedure.todo import Todo


@click.command(cls=Command, unlocks=lambda given: given["fields"], short_help="what is still to be done")
@click.option(
    "--fields", is_flag=True, help="Also what was left unstated: opens parts of each case, and is logged."
)
@click.option("--purpose", metavar="TEXT", help="Why you open them; asked for when absent or “-”.")
def todo(session: Session, fields: bool, purpose: str | None) -> None:
    """What is not sealed, which copies lie open, what did not end or was not written. Needs no key without --fields."""
    from custody.procedure import todo as doing

    place = session.desk() if fields else session.locker()
    found = doing.todo(place, purpose=session.purpose(purpose) if fields else None, now=session.rim.now())
    session.out.result(
        {
            "unsealed": found.unsealed,
            "waiting": [dataclasses.asdict(one) for one in found.waiting],
            "open_copies": [
                {"id": one.id, "label": one.label, "case": one.case} for one in found.open_copies
            ],
            "unfinished": [dataclasses.asdict(one) for one in found.unfinished],
            "prepared": [dataclasses.asdict(one) for one in found.prepared],
            "leftovers": list(found.leftovers),
            "registered": [{"id": one.id, "label": one.label, "case": one.case} for one in found.registered],
            "no_recovery": found.no_recovery,
            "misplaced": found.misplaced,
            "backup": None if found.backup is None else dataclasses.asdict(found.backup),
            "sheet_untried": found.sheet_untried,
            "fields": None
            if found.fields is None
            else [
                {
                    "case": one.case,
                    "label": one.label,
                    "not_stated": list(one.not_stated),
                    "unassessed": one.unassessed,
                }
                for one in found.fields
            ],
        }
    )
    lines = list(_lines(found, session.locker_words))
    session.out.data(*lines)
    if not lines:
        session.out.say("nothing is left to do")
    if found.fields is None:
        session.out.say("Open fields are sealed: custody todo --fields opens them, and it is logged.")


def _lines(found: Todo, locker: str) -> Iterator[str]:
    """One line for each thing, with the command that does it. ``locker``: how a command has to name the locker."""
    if found.misplaced is not None:
        yield found.misplaced
    if found.unsealed:
        yield f"{count_text(found.unsealed, 'entry is', 'entries are')} not sealed: custody seal"
    for waiting in found.waiting:
        last = (
            "" if waiting.problem is None else f" (last tried {waiting.tried}: {show(waiting.problem, 300)})"
        )
        yield f"no time proof yet from {show(waiting.url)}{last}: custody seal"
    for copy in found.open_copies:
        yield f"a readable copy of {copy.label} lies about: delete it, then custody read --done {copy.label}"
    for one in found.unfinished:
        how = "was interrupted" if one.interrupted else "did not end"
        yield f"the acquisition of {one.label}, begun {one.wall}, {how}: run the same collect again"
    for package in found.prepared:
        yield (
            f"an export of {count_text(package.items, 'item')} of case {package.case[-8:]}, logged {package.wall},"
            f" has no file: custody{locker} export --again {package.package[-8:]} -o FILE"
            f" (or, if it is not wanted: custody{locker} export --done {package.package[-8:]})"
        )
    if found.leftovers:
        yield (
            f"{count_text(len(found.leftovers), 'temporary folder')} of work that broke off lie in the vault, sealed;"
            " the next collect removes them"
        )
    if found.registered:
        labels = ", ".join(one.label for one in found.registered[:10])
        more = "" if len(found.registered) <= 10 else f" and {len(found.registered) - 10} more"
        yield f"only registered, not kept here: {labels}{more}: see that the content stays where it was found"
    if found.no_recovery:
        yield "there is no way back into this locker: add a second custodian, with --all-cases --right read"
    if found.backup is not None:
        yield f"{_backup(found.backup)}: custody{locker} backup FILE, onto another disk that is kept elsewhere"
    if found.sheet_untried:
        yield (
            "nobody has tried yet whether the recovery sheet opens this locker:"
            f" custody{locker} custodian recover --try, with the page in hand"
        )
    for field in found.fields or ():
        if field.not_stated:
            yield f"{field.label}: not stated: {', '.join(field.not_stated)}"
        if field.unassessed:
            yield f"{field.label}: nobody has said what to be careful of with {count_text(field.unassessed, 'item')}"


def _backup(due: BackupDue) -> str:
    if due.last is None:
        return (
            f"no backup was ever written: {count_text(due.items, 'item is', 'items are')} on this disk alone"
        )
    since = count_text(due.items, "item has", "items have")
    return f"the last backup was written {count_text(due.days or 0, 'day')} ago, and {since} come in since"
