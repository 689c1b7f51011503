"""custody backup: everything of this locker in one sealed file; or read one through."""

from __future__ import annotations

import click

from custody.cli.base import Command, always
from custody.cli.output import ProgressLine, count_text, size_text
from custody.cli.session import Session
from custody.format.text import show


@click.command(cls=Command, unlocks=always, short_help="everything of this locker in one sealed file")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Read a backup through that exists, with your key; write nothing. Needs no locker.",
)
def backup(session: Session, file: str, only_check: bool) -> None:
    """Write everything of this locker into one file, encrypted for every custodian and the recovery sheet.

    Keep it on another disk, in another place. It is brought back with custody restore. That it was made is
    logged.
    """
    if only_check:
        _check(session, file)
        return
    from pathlib import Path

    from custody.procedure import backup as backups

    desk = session.desk()
    with ProgressLine() as line:

        def show_progress(done: int, total: int) -> None:
            line.update(lambda: f"object {done} of {total}")

        written = backups.write(desk, Path(file), show_progress)
    sheet = [key for key in written.recipients if desk.rights.custodians[key].recovery]
    session.out.result(
        {
            "checked": False,
            "file": file,
            "backup": written.head.backup,
            "made": written.head.made,
            "entries": written.head.newest.size,
            "items": written.head.items,
            "bytes": written.bytes,
            "sha256": written.sha256,
            "recipients": list(written.recipients),
            "recovery_sheet": bool(sheet),
        }
    )
    people = len(written.recipients) - len(sheet)
    session.out.say(
        f"wrote {show(file)}, {size_text(written.bytes)}: {count_text(written.head.items, 'item')},"
        f" {count_text(written.head.newest.size, 'entry', 'entries')}",
        f"it opens with the key of {count_text(people, 'person', 'people')}"
        + (", or with the recovery sheet" if sheet else "; there is no recovery sheet"),
        "keep it on another disk and in another place than the locker",
    )
    session.out.data(f"backup       {written.head.backup}", f"sha256       {written.sha256}")
    session.out.next(f"custody backup --check {_quoted(file)}")


def _quoted(file: str) -> str:
    from custody.cli.words import quoted

    return quoted(file)


def _check(session: Session, file: str) -> None:
    from custody.cli.session import open_input
    from custody.procedure import backup as backups

    key_file = session.key_file()
    with open_input(file) as source, ProgressLine() as line:

        def show_progress(done: int, total: int) -> None:
            line.update(lambda: f"object {done} of {total}")

        opened = backups.open_head(source, key_file.keys, where=show(file))
        objects = backups.read_through(source, opened, show_progress)
    head = opened.head
    session.out.result(
        {
            "checked": True,
            "file": file,
            "backup": head.backup,
            "made": head.made,
            "entries": head.newest.size,
            "items": head.items,
            "objects": objects,
            "recipients": sorted(head.keys),
        }
    )
    session.out.say(
        f"the backup of {head.made[:10]} opens with your key and is whole: {count_text(head.items, 'item')},"
        f" {count_text(objects, 'object')}, {count_text(head.newest.size, 'entry', 'entries')}",
        "that its record holds is checked by: custody restore",
    )
