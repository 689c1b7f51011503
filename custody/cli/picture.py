"""custody picture: logins by time and transfers of a case, as pictures with their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from custody.cli.base import Command, always
from custody.cli.damage import end_partly
from custody.cli.output import count_text
from custody.cli.records import ACCOUNT_HELP, ACCOUNT_QUESTION
from custody.cli.session import Session
from custody.format.text import show as safe


@click.command(cls=Command, unlocks=always, short_help="logins by time, or transfers, drawn with their table")
@click.argument("kind", metavar="logins|transfers", type=click.Choice(["logins", "transfers"]))
@click.option("--case", "ref", metavar="REF", required=True, help="The case.")
@click.option(
    "-o",
    "to_file",
    metavar="FILE.svg",
    required=True,
    type=click.Path(),
    help="A new file; its table comes beside.",
)
@click.option(
    "--from", "since", metavar="TIME", help="From this time on, like 2026-03-03 or 2026-03-03T20:14."
)
@click.option("--until", metavar="TIME", help="Up to this time, the whole of that day, hour or minute.")
@click.option("--address", metavar="A", help="Only rows with this address or network; “-” asks.")
@click.option("--account", metavar="TEXT", help=ACCOUNT_HELP)
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def picture(
    session: Session,
    kind: Literal["logins", "transfers"],
    ref: str,
    to_file: str,
    since: str | None,
    until: str | None,
    address: str | None,
    account: str | None,
    purpose: str | None,
) -> None:
    """Draw the rows of a case: a file that stands alone (SVG), and beside it the table of the same numbers.

    FILE.svg is the picture, FILE.html and FILE.csv the table. Rows without an instant are listed and never placed in
    time; what is left out for want of room is counted on the picture. The files are readable by whoever gets them.
    """
    from custody.cli.records import about_value, say_about
    from custody.evidence.records.wanted import Filter
    from custody.procedure import cases
    from custody.procedure import picture as drawing

    wanted = Filter(
        since=since,
        until=until,
        address=session.narrowing(address, "--address", "Address or network"),
        account=session.narrowing(account, "--account", ACCOUNT_QUESTION),
    )
    desk = session.desk()
    paths = drawing.new_files(desk, Path(to_file))
    case = cases.find(desk, ref).id
    made = drawing.draw(desk, case, kind, wanted, session.purpose(purpose))
    drawing.write(made, paths)
    session.out.result(
        {
            "files": [str(one) for one in paths],
            "rows": made.rows,
            "left_out": made.left_out,
            **about_value(made.about),
        }
    )
    session.out.say(f"drew {count_text(made.rows, 'row')} from {count_text(len(made.about.items), 'item')}")
    if made.left_out:
        session.out.say(
            f"left out: {made.left_out} rows more than a table takes; narrow it with --from and --until"
        )
    say_about(session, made.about)
    session.out.data(*(safe(str(one)) for one in paths))
    session.out.say("These files are readable by whoever gets them.")
    end_partly(made.about.damaged, made.about.skipped)
