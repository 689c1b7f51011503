"""custody todo: what is still to be done."""

from __future__ import annotations

import dataclasses

import click

from custody.cli.base import Command
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.format.text import show


@click.command(cls=Command, short_help="what is still to be done")
@click.option(
    "--fields", is_flag=True, help="Also what was left unstated: opens parts of each case, and is logged."
)
@click.option("--purpose", metavar="TEXT", help="Why you open them; asked for when absent or “-”.")
def todo(session: Session, fields: bool, purpose: str | None) -> None:
    """What is not sealed, which copies lie open, which acquisitions did not end. Needs no key without --fields."""
    from custody.procedure import lists

    place = session.desk() if fields else session.locker()
    found = lists.todo(place, purpose=session.purpose(purpose) if fields else None)
    session.out.result(
        {
            "unsealed": found.unsealed,
            "waiting": [dataclasses.asdict(one) for one in found.waiting],
            "open_copies": [
                {"id": one.id, "label": one.label, "case": one.case} for one in found.open_copies
            ],
            "unfinished": [dataclasses.asdict(one) for one in found.unfinished],
            "leftovers": list(found.leftovers),
            "no_recovery": found.no_recovery,
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
    lines = []
    if found.unsealed:
        lines.append(f"{count_text(found.unsealed, 'entry is', 'entries are')} not sealed: custody seal")
    for waiting in found.waiting:
        last = (
            "" if waiting.problem is None else f" (last tried {waiting.tried}: {show(waiting.problem, 300)})"
        )
        lines.append(f"no time proof yet from {show(waiting.url)}{last}: custody seal")
    for copy in found.open_copies:
        lines.append(
            f"a readable copy of {copy.label} lies about: delete it, then custody read --done {copy.label}"
        )
    for one in found.unfinished:
        how = "was interrupted" if one.interrupted else "did not end"
        lines.append(f"the acquisition of {one.label}, begun {one.wall}, {how}: run the same collect again")
    if found.leftovers:
        lines.append(
            f"{count_text(len(found.leftovers), 'temporary folder')} of work that broke off lie in the vault, sealed;"
            " the next collect removes them"
        )
    if found.no_recovery:
        lines.append(
            "there is no way back into this locker: add a second custodian, with --all-cases --right read"
        )
    for field in found.fields or ():
        if field.not_stated:
            lines.append(f"{field.label}: not stated: {', '.join(field.not_stated)}")
        if field.unassessed:
            lines.append(f"{field.label}: nobody has looked at {count_text(field.unassessed, 'item')} yet")
    session.out.data(*lines)
    if not lines:
        session.out.say("nothing is left to do")
    if found.fields is None:
        session.out.say("Open fields are sealed: custody todo --fields opens them, and it is logged.")
