"""custody restore: a locker out of a backup, or out of a copy of its folder."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from custody.cli.base import Command, always
from custody.cli.output import ProgressLine, count_text, table
from custody.cli.session import Session
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.restore import Person, Restored


@click.command(cls=Command, unlocks=always, short_help="a locker out of a backup, in a new folder")
@click.argument("source", metavar="FILE", type=click.Path())
@click.argument("directory", metavar="DIR", type=click.Path())
def restore(session: Session, source: str, directory: str) -> None:
    """Bring a locker back from a backup FILE, or from a copied locker folder, in DIR (absent or empty).

    It takes the key of an administrator, or the one that custody custodian recover makes from the recovery
    sheet. All of it is checked first. The record goes on in a new volume, with twelve words of its own.
    """
    from pathlib import Path

    from custody.procedure import restore as restoring

    key = session.key_file()
    with ProgressLine() as line:

        def show_progress(what: str, count: int, total: int) -> None:
            line.update(lambda: f"{what}: {count} of {total}")

        done = restoring.restore(Path(source), Path(directory), key, session.rim, show_progress)
    session.out.result(
        {
            "directory": directory,
            "origin": done.origin,
            "fingerprint": " ".join(done.fingerprint),
            "volume": done.volume,
            "entries": done.entries,
            "cases": done.cases,
            "items": done.items,
            "until": done.until,
            "backup": done.backup,
            "made": done.made,
            "missing": done.missing,
            "disposed": done.disposed,
            "restorer": done.restorer,
            "people": [{**dataclasses.asdict(one), "rights": list(one.rights)} for one in done.people],
        }
    )
    _tell(session, done, directory)


def _tell(session: Session, done: Restored, directory: str) -> None:
    from custody.cli.words import quoted

    out = session.out
    out.say(
        f"restored into {show(directory)}: {count_text(done.items, 'item')} in"
        f" {count_text(done.cases, 'case')}, {count_text(done.entries, 'entry', 'entries')}, all checked"
    )
    if done.disposed:
        out.say(
            f"{count_text(done.disposed, 'item')} that had been disposed of came back with the backup,"
            " and were deleted again"
        )
    out.say(f"The last thing that it knows of was written on {done.until}. What was done after that is lost:")
    out.say("items, readings, rights that were given or taken. Collect again what still exists.")
    # Whoever writes a backup logs after it that it was written: that one entry no backup has.
    if done.missing and not (done.missing == 1 and done.backup is not None):
        out.advise(
            f"your key remembers {count_text(done.missing, 'entry', 'entries')} more than this backup has:"
            " look for a newer one before you go on"
        )
    out.say(
        "", "The record goes on in a new volume. Its twelve words; tell them, by telephone or on paper, to"
    )
    out.say("those who check your packages. The old words do not confirm new packages:")
    out.data(" ".join(done.fingerprint))
    out.say("", "Who has rights here now:")
    out.say(*table([_row(one, done.restorer) for one in done.people], ("KEY", "NAME", "RIGHTS")))
    out.say(
        "",
        "Is somebody there who left since the backup, or whose key was lost or stolen? It was forgotten with it:"
        " take them out again.",
    )
    where = quoted(directory)
    steps = [f"custody --locker {where} custodian retire KEY", f"custody --locker {where} seal"]
    if _is_sheet(done):
        steps.insert(0, f"custody --locker {where} custodian add PUBFILE --all-cases --right admin …")
        out.say(
            "You came in with the recovery sheet. It has been opened: add a key of your own, then retire it."
        )
    out.next(*steps, f"custody --locker {where} backup FILE")


def _is_sheet(done: Restored) -> bool:
    return any(one.recovery for one in done.people if one.key_id == done.restorer)


def _row(one: Person, restorer: str) -> tuple[str, str, str]:
    name = one.name if one.name is not None else "(not for your key)"
    rights = ", ".join(one.rights) + (" in all cases" if one.all_cases else "")
    return one.key_id[:12], show(name, 40) + (" (you)" if one.key_id == restorer else ""), rights
