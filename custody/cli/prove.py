"""custody prove: what the bytes of a payment show, without a network."""

from __future__ import annotations

from collections.abc import Sequence

import click

from custody.cli.base import Command, always
from custody.cli.session import Session
from custody.errors import CheckFailed, InputRefused, UsageError
from custody.format.text import show as safe


@click.command(
    cls=Command, unlocks=always, short_help="what the bytes of a payment show, and what they do not"
)
@click.argument("item", metavar="ITEM")
@click.option(
    "--with",
    "others",
    metavar="ITEM",
    multiple=True,
    help="An item with raw bytes or a statement. Repeatable.",
)
@click.option(
    "--as",
    "roles",
    metavar="WHAT=ITEM",
    multiple=True,
    help="Say what an item is (transaction, merkleblock, headers, …) where its bytes do not. Repeatable.",
)
@click.option("--chain", metavar="C", help="The chain, where no item is a typed payment: never guessed.")
@click.option("--txid", metavar="T", help="The transaction that is meant, where no typed payment says so.")
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def prove(
    session: Session,
    item: str,
    others: Sequence[str],
    roles: Sequence[str],
    chain: str | None,
    txid: str | None,
    ref: str | None,
    purpose: str | None,
) -> None:
    """Take every step that the bytes allow, from “typed” to “in a block of the public chain”, offline.

    ITEM is a typed payment (custody add payment), or raw bytes that were collected; an exhibit means all of its
    items. Each step has passed, failed or was not checked, and what is not shown is said. Nothing is looked up.
    """
    from custody.procedure import cases, items
    from custody.procedure.prove import ROLES, prove_items

    said = [_role(one, ROLES) for one in roles]
    desk = session.desk()
    case = None if ref is None else cases.find(desk, ref).id
    rows = items.find_items(desk, item, case)
    rows += [row for one in others for row in items.find_items(desk, one, rows[0].case)]
    named: dict[str, str] = {}
    for role, label in said:
        row = items.find_item(desk, label, rows[0].case)
        if named.setdefault(row.id, role) != role:
            raise UsageError(
                "one item is said to be two things",
                where=f"--as {role}={safe(label, 60)}",
                expected=f"one of {named[row.id]} and {role}",
            )
        rows.append(row)
    # an exhibit's readable forms are no bytes of a payment
    wanted = list({row.id: row for row in rows if row.parent is None or row.part is not None}.values())
    if not wanted:
        raise InputRefused(
            "this is a readable form: it proves nothing of a payment",
            where=item,
            hint="name the item that it was made from",
        )
    ladder = prove_items(desk, wanted, session.purpose(purpose), roles=named, chain=chain, txid=txid)
    session.out.result({"proof": ladder.to_json()})
    session.out.data(*ladder.words())
    if ladder.failed:
        raise CheckFailed(
            "a step failed",
            where=item,
            found=", ".join(step.name for step in ladder.failed),
            hint="the steps above say what was expected and what was found",
        )


def _role(text: str, known: Sequence[str]) -> tuple[str, str]:
    role, _, label = text.partition("=")
    if role not in known or not label:
        raise UsageError(
            "not a statement of what an item is",
            where="--as",
            expected=f"WHAT=ITEM, with WHAT of {', '.join(known)}",
            found=safe(text, 80),
        )
    return role, label
