"""custody read: an item's bytes, exactly as found."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from custody.cli.base import Command, always
from custody.cli.output import size_text
from custody.cli.session import Session
from custody.errors import UsageError
from custody.format.text import show


@click.command(cls=Command, unlocks=always, short_help="give an item's bytes back; it is logged first")
@click.argument("item", metavar="ITEM")
@click.option(
    "-o", "output", metavar="FILE", type=click.Path(), help="Write to this new file. Else standard output."
)
@click.option(
    "--purpose", metavar="TEXT", help="Why you read it; asked for when absent or “-”. Logged, kept sealed."
)
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--done", is_flag=True, help="The readable copies of the item are deleted: log that.")
def read(
    session: Session, item: str, output: str | None, purpose: str | None, ref: str | None, done: bool
) -> None:
    """Give an item's bytes back, checked against what was logged. The access is logged before the first byte.

    A file written with -o counts as an open copy until it is deleted and “read --done ITEM” says so.
    """
    from custody.cli.words import quoted
    from custody.procedure import cases, items
    from custody.procedure import read as reading

    to_file = output if output != "-" else None
    if done and output is not None:
        raise UsageError("--done says that copies are gone, and -o makes one", expected="one of them")
    if not done and to_file is None:
        if session.out.as_json:
            raise UsageError(
                "--json and the content can't both go to standard output", hint="name a file with -o"
            )
        if sys.stdout.isatty():
            raise UsageError(
                "the content of evidence is not written to a terminal: it could hold what a terminal obeys",
                hint="name a file with -o FILE, or send it on with a pipe",
            )
    desk = session.desk()
    row = items.find_item(desk, item, None if ref is None else cases.find(desk, ref).id)
    why = session.purpose(purpose, "What became of the copies? It is logged" if done else None)
    if done:
        reading.read_done(desk, row, why)
        session.out.result(
            {
                "id": row.id,
                "label": row.label,
                "done": True,
                "file": None,
                "size": None,
                "sha256": None,
                "media_type": None,
            }
        )
        session.out.say(f"logged, as you say it: no readable copy of {row.label} is left")
        session.out.next(f"custody{session.locker_words} todo")
        return
    if to_file is None:
        reading.read_to_stream(desk, row, sys.stdout.buffer, why)
        return
    found = reading.read_to_file(desk, row, Path(to_file), why)
    session.out.result(
        {
            "id": row.id,
            "label": row.label,
            "done": False,
            "file": to_file,
            "size": found.size,
            "sha256": found.sha256,
            "media_type": found.media_type,
        }
    )
    session.out.say(
        f"wrote {row.label} to {show(to_file)}: {size_text(found.size)}, {found.media_type}, as it was logged"
    )
    session.out.data(f"sha256:{found.sha256}")
    session.out.say("This copy is readable by whoever gets it. Delete it when you are done, and say so:")
    session.out.next(f"custody{session.locker_words} read --done {quoted(item)}")
