"""What can't be read whole where many items are looked at: told one by one, and the command ends as partly done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from custody.cli.output import count_text
from custody.cli.session import Session
from custody.errors import PartlyDone
from custody.format.text import show as safe

if TYPE_CHECKING:
    from custody.procedure.readable import Damaged


def damaged_value(one: Damaged) -> dict[str, Any]:
    """One damage as a line of --json."""
    return {"record": "damaged", "item": one.label, "id": one.id, "what": one.what, "to_do": one.to_do}


def say_damaged(session: Session, damaged: Sequence[Damaged]) -> None:
    """Each damage for people: which item, what is wrong, what to do."""
    for one in damaged:
        session.out.say(f"DAMAGED, and nothing of it is shown: {one.label}: {safe(one.what, 600)}")
        session.out.say(f"  to do: {one.to_do}")


def end_partly(damaged: Sequence[Damaged], skipped: Sequence[str] = ()) -> None:
    """End as partly done (exit code 3) where something is damaged, or was passed over that another key or a newer
    custody could look at (``skipped``, labels); nothing else keeps a command from 0.
    """
    labels = list(dict.fromkeys([*(one.label for one in damaged), *skipped]))
    if labels:
        could = "could not be read whole" if not skipped else "could not be looked at, or not be read whole"
        more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
        raise PartlyDone(
            f"{count_text(len(labels), 'item')} {could}; all others were",
            where=f"{', '.join(labels[:5])}{more}",
            hint="what is wrong with each, and what to do, is listed above",
        )
