"""custody case: open a case, list cases, show or close one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from custody.cli.base import Group, always
from custody.cli.output import count_text, table
from custody.cli.session import Session
from custody.format.names import short
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.lists import CaseLine, NamedCase


@click.group(cls=Group, short_help="open a case, list cases, show or close one")
def case() -> None:
    """Cases: matters with a reference of your own. Who may see what is decided by case."""


@case.command("open", unlocks=always, short_help="begin a case")
@click.argument("ref", metavar="REF")
@click.option(
    "--title", metavar="T", help="What the case is called; asked for when absent or “-”. Kept sealed."
)
@click.option(
    "--legal-basis",
    metavar="T",
    help="On what ground evidence is kept: a law, an order, a consent; asked for when absent or “-”.",
)
def open_(session: Session, ref: str, title: str | None, legal_basis: str | None) -> None:
    """Begin a case under REF, your own reference. It is kept sealed; still, better a number than a name.

    Prints the case's id, by which the record names it.
    """
    from custody.cli.words import quoted
    from custody.procedure import cases

    desk = session.desk()
    cases.check_reference(ref)
    title = session.text(title, "Title of the case; it is kept sealed")
    legal_basis = session.text(legal_basis, "Legal basis for keeping evidence in it")
    identifier = cases.open_case(desk, ref, title=title, legal_basis=legal_basis)
    session.out.result({"case": identifier, "reference": ref})
    session.out.say(f"opened case {show(ref)}")
    session.out.data(identifier)
    session.out.next(f"custody{session.locker_words} collect PATH… --case {quoted(ref)}")


@case.command("list", unlocks=lambda given: given["names"], short_help="the cases of this locker")
@click.option("--names", is_flag=True, help="Open references and titles; it is logged in each case.")
@click.option("--purpose", metavar="TEXT", help="Why you open them; asked for when absent or “-”.")
def list_(session: Session, names: bool, purpose: str | None) -> None:
    """Cases by id, with how many items each has. Without --names nothing is opened, and no key is needed."""
    from custody.procedure import lists

    if names:
        found = lists.case_titles(session.desk(), session.purpose(purpose))
    else:
        lines = lists.case_lines(session.locker())
        found = [lists.NamedCase(line=line, readable=False) for line in lines]
    session.out.result({"named": names, "cases": [_value(one) for one in found]})
    if not found:
        session.out.say("no cases yet")
        session.out.next(f"custody{session.locker_words} case open REF")
    elif names:
        session.out.data(
            *table(
                [
                    (short(one.line.id), *_columns(one.line), _reference(one), show(one.title or "", 60))
                    for one in found
                ],
                ("CASE", "OPENED (STATED)", "STATE", "ITEMS", "REFERENCE", "TITLE"),
            )
        )
    else:
        session.out.data(
            *table(
                [(short(one.line.id), *_columns(one.line)) for one in found],
                ("CASE", "OPENED (STATED)", "STATE", "ITEMS"),
            )
        )
        session.out.say("References and titles are sealed: --names opens them, and it is logged.")


@case.command("show", unlocks=always, short_help="one case: its title, ground and exhibits")
@click.argument("ref", metavar="REF")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”.")
def show_(session: Session, ref: str, purpose: str | None) -> None:
    """What is known of a case. Opening it is logged."""
    from custody.cli.words import quoted
    from custody.procedure import cases, lists

    desk = session.desk()
    found = cases.find(desk, ref)
    one = lists.case_titles(desk, session.purpose(purpose), found.id)[0]
    session.out.result({"case": _value(one)})
    rows = [
        ("reference", _reference(one)),
        ("title", show(one.title) if one.title else "not stated"),
        *((f"legal {name}", show(str(value))) for name, value in one.legal.items()),
        ("id", one.line.id),
        ("opened (stated)", one.line.opened),
        ("state", "closed" if one.line.closed else "open"),
        ("items", str(one.line.items)),
        ("exhibits", ", ".join(one.line.exhibits) or "none yet"),
    ]
    session.out.data(*(f"{name:16} {value}" for name, value in rows))
    session.out.next(f"custody{session.locker_words} list --case {quoted(ref)}")


def _columns(line: CaseLine) -> tuple[str, str, str]:
    return line.opened, "closed" if line.closed else "open", str(line.items)


def _reference(one: NamedCase) -> str:
    if not one.readable:
        return "(not for your key)"
    return show(one.ref) if one.ref else "not stated"


def _value(one: NamedCase) -> dict[str, object]:
    line = one.line
    return {
        "id": line.id,
        "opened": line.opened,
        "closed": line.closed,
        "items": line.items,
        "exhibits": list(line.exhibits),
        "readable": one.readable,
        "reference": one.ref,
        "title": one.title,
        "legal": dict(one.legal),
    }


@case.command("close", unlocks=always, short_help="nothing more is expected")
@click.argument("ref", metavar="REF")
@click.option("--note", metavar="T", help="Why; asked for when absent or “-”. Kept sealed.")
def close(session: Session, ref: str, note: str | None) -> None:
    """Log that nothing more is expected in a case. It stays readable and can be exported."""
    from custody.cli.words import quoted
    from custody.procedure import cases

    desk = session.desk()
    found = cases.find(desk, ref)
    cases.close_case(desk, found.id, note=session.text(note, "Why is it closed"))
    session.out.result({"case": found.id, "items": found.items})
    session.out.say(f"closed case {show(ref)} with {count_text(found.items, 'item')}")
    session.out.next(f"custody{session.locker_words} export --case {quoted(ref)} -o FILE")
