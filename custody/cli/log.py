"""custody log: the record, entry by entry."""

from __future__ import annotations

import click

from custody.cli.base import Command
from custody.cli.session import Session
from custody.cli.show import value_lines

_SHOWN = 6
"""Labels of what was made of an item; the rest is counted."""


@click.command(
    "log",
    cls=Command,
    unlocks=lambda given: given["names"] or given["ref"] is not None,
    short_help="the record: who did what, when",
)
@click.option("--case", "ref", metavar="REF", help="The record of this case alone.")
@click.option("--item", metavar="ITEM", help="The record of this item alone.")
@click.option("--names", is_flag=True, help="Open what is sealed in each entry; it is logged.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”.")
def log(session: Session, ref: str | None, item: str | None, names: bool, purpose: str | None) -> None:
    """The record in its order. Without --names nothing is opened. Times are stated by the machine's clock."""
    from custody.procedure import cases, items, lists

    # Looking a reference up takes the key; a label alone does not.
    place = session.desk() if names or ref is not None else session.locker()
    case = None if ref is None else cases.find(session.desk(), ref).id
    row = None if item is None else items.find_item(place, item, case)
    lines = lists.log(
        place,
        case=None if row is not None else case,
        item=row,
        purpose=session.purpose(purpose) if names else None,
    )
    session.out.result(
        {
            "opened": names,
            "entries": [
                {
                    "seq": line.seq,
                    "time": line.wall,
                    "kind": line.kind,
                    "actor": line.actor,
                    "subject": {"type": line.subject_type, "id": line.subject, "label": line.label},
                    "case": line.case,
                    "group": line.group,
                    "public": dict(line.public),
                    "parts": {name: dict(value) for name, value in line.parts.items()},
                    "closed": list(line.closed),
                }
                for line in lines
            ],
        }
    )
    for line in lines:
        session.out.data(f"{line.seq:>6}  {line.wall}  {line.kind:22}  {line.actor[:12]}  {line.label}")
        session.out.data(*value_lines(line.parts, line.closed))
    made = [] if row is None else lists.derived_from(place, row)
    if row is not None and made:
        session.out.say(
            f"What was made of {row.label} is opened and logged under its own labels, not above; look there too:"
        )
        session.out.say(*(f"  custody{session.locker_words} log --item {label}" for label in made[:_SHOWN]))
        if len(made) > _SHOWN:
            session.out.say(f"  and {len(made) - _SHOWN} more: custody{session.locker_words} list")
