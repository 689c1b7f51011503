"""custody records --case REF --alike: pictures that may show the same, as groups; every picture is somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from custody.cli.damage import damaged_value, end_partly, say_damaged
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.format.text import show as safe

if TYPE_CHECKING:
    from custody.procedure.locker import Desk

_SHOWN = 20


def say_alike(session: Session, desk: Desk, case: str, purpose: str | None) -> None:
    """Compare the pictures of a case and tell the groups. With --json: one object for each group, then the rest."""
    from custody.procedure import pictures

    found = pictures.alike(desk, case, session.purpose(purpose))
    out, near = session.out, found.near
    if out.as_json:
        out.first_line({"case": case})
        for one in found.damaged:
            out.line(damaged_value(one))
        for group in near.groups:
            out.line({"record": "alike", "items": list(group.names), "widest": group.widest})
        out.line(
            {
                "record": "others",
                "distance": near.distance,
                "alone": list(near.alone),
                "not_compared": [
                    {"item": label, "reason": why.reason, "text": why.text}
                    for label, why in near.not_compared
                ],
                "not_opened": [{"item": label, "text": text} for label, text in found.not_opened],
                "damaged": list(dict.fromkeys(one.label for one in found.damaged)),
                "others": found.others,
            }
        )
        end_partly(found.damaged, found.skipped)
        return
    for group in near.groups:
        out.data(f"alike ({group.widest} of 64 bits differ at most): {', '.join(group.names)}")
    in_groups = sum(len(group.names) for group in near.groups)
    out.say(
        f"{count_text(in_groups, 'picture')} in {count_text(len(near.groups), 'group')}, "
        f"{len(near.alone)} like no other, {len(near.not_compared)} not compared"
    )
    _list(session, [f"not compared: {label}: {why.text}" for label, why in near.not_compared])
    _list(session, [f"not looked at: {label}: {text}" for label, text in found.not_opened])
    if found.others:
        out.say(
            f"{count_text(found.others, 'item is', 'items are')} no picture: what lies in archives, documents and films"
            " was not looked at"
        )
    if near.groups:
        out.say(
            "Alike is not the same: look at each. Screenshots of one chat are alike; a changed sum can leave no trace."
        )
    say_damaged(session, found.damaged)
    end_partly(found.damaged, found.skipped)


def _list(session: Session, lines: Sequence[str]) -> None:
    session.out.say(*(safe(line, 400) for line in lines[:_SHOWN]))
    if len(lines) > _SHOWN:
        session.out.say(f"{len(lines) - _SHOWN} more; --json lists all")
