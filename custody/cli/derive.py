"""custody derive: the readable forms of an item, made or made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from custody.cli.base import Command, always
from custody.cli.deriving import derive_options, derived_lines, derived_value, wish_of
from custody.cli.session import Session


@click.command(
    cls=Command,
    unlocks=always,
    short_help="make an item's readable forms, or make them again with what you know",
)
@click.argument("item", metavar="ITEM")
@derive_options
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
@click.option("--no-seal", is_flag=True, help="Do not sign the record's state and ask for time proofs.")
def derive(
    session: Session, item: str, ref: str | None, purpose: str | None, no_seal: bool, **stated: Any
) -> None:
    """Read an item that is in as a chat or as records: every message or row gets a number and its place in the bytes.

    The item itself stays as it is. Earlier forms stay too: which settings each was made by is recorded. What
    you state here (a time zone, the order of the date, which column is what) is logged as your statement.

    For a table of messages say --format table, for one of IP addresses --format ip-table: its first rows are shown
    and its columns asked for, and the answers are kept in the new file that --mapping names, for the next of its kind.
    """
    from custody.cli.words import quoted, say_sealed, sealed_value
    from custody.procedure import cases, items, rederive

    keep = stated["mapping"]
    table = stated["format_"]
    ask = table in ("table", "ip-table") and (keep is None or not Path(keep).exists())
    if ask:
        stated["mapping"] = None
    wish = wish_of(stated)
    desk = session.desk()
    row = items.find_item(desk, item, None if ref is None else cases.find(desk, ref).id)
    why = session.purpose(purpose)
    if ask:
        from custody.cli.mapping import ask_mapping

        mapping = ask_mapping(session, rederive.propose(desk, row, why, table), keep)
        wish = replace(wish, settings=replace(wish.settings, mapping=mapping))
    made = rederive.derive_item(desk, row, wish, why, with_seal=not no_seal)
    session.out.result(
        {
            "id": row.id,
            "label": row.label,
            "labels": list(made.labels),
            "derived": derived_value(row.label, made.derived, labels=made.labels),
            "sealed": sealed_value(made.sealed),
        }
    )
    session.out.say(*derived_lines(row.label, made.derived, session.locker_words, labels=made.labels))
    if made.sealed is not None:
        say_sealed(session.out, made.sealed)
    read = ["messages"] * (made.derived.chat is not None) + ["records"] * (made.derived.records is not None)
    session.out.next(
        *(
            f"custody{session.locker_words} {verb} {quoted(label)}"
            for verb, label in zip(read, made.labels, strict=False)
        )
    )
