"""Pictures of a case that look alike, as groups to look at. Nothing is dropped, hidden or stored by it.

What an item's handling forbids to decode is not even opened for this: it is listed with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import CheckFailed, FormatError, NoRight
from custody.evidence.export import Held
from custody.evidence.image import perceptual
from custody.evidence.image.facts import facts
from custody.evidence.image.near import DISTANCE, Near, near
from custody.evidence.image.perceptual import Hashed, NotHashed
from custody.ledger.work import ItemRow
from custody.procedure import access, lists, readable
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.readable import Damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """``near``: the case's pictures by label, each in a group, alone, or not compared with the reason.

    ``not_opened``: (label, why) of items that may be pictures and could not be looked at.
    """

    near: Near
    not_opened: tuple[tuple[str, str], ...]
    damaged: tuple[Damaged, ...] = ()
    """Items that can't be read whole; they keep no other from being compared."""


def alike(desk: Desk, case: str, purpose: Purpose, distance: int = DISTANCE) -> Alike:
    """Compare all pictures of a case (its id) by how they look.

    One `case.consulted`, then one `item.accessed` for each picture that is decoded. A picture of at most
    `perceptual.LONGEST` bytes is in memory at a time. UsageError for a distance that can't be asked for,
    NoRight for who may not read the case.
    """
    near([], distance)  # refused before anything is opened
    open_parts = access.consult(desk, case, what="names", exhibits=None, purpose=purpose)
    found: list[tuple[str, Hashed | NotHashed]] = []
    not_opened: list[tuple[str, str]] = []
    damaged: list[Damaged] = []
    for item in desk.locker.work.items(case):
        if readable.is_form(item):
            continue
        try:
            history = list(open_parts(item.id, ("content", "handling")))
        except (CheckFailed, FormatError) as error:
            damaged.append(readable.damaged(item, item, error))
            continue
        content = history[0].values.get("content") if history else None
        if content is None:
            not_opened.append((item.label, "your key does not open what is known of it"))
            continue
        if not content["media_type"].startswith("image/"):
            continue
        closed = any("handling" in parts.closed for parts in history)
        handling = () if closed else lists.handling_flags(history)
        refused = perceptual.refusal(handling)
        if refused is not None:
            found.append((item.label, refused))
            continue
        try:
            found.append((item.label, _hash(desk, item, purpose, handling)))
        except NoRight as error:
            not_opened.append((item.label, error.message))
        except (CheckFailed, FormatError) as error:
            damaged.append(readable.damaged(item, item, error))
        except LookupError:
            not_opened.append((item.label, "only registered: its content was kept nowhere"))
    return Alike(near=near(found, distance), not_opened=tuple(not_opened), damaged=tuple(damaged))


def _hash(desk: Desk, item: ItemRow, purpose: Purpose, handling: tuple[str, ...]) -> Hashed | NotHashed:
    """LookupError where the content was never kept."""
    if item.object is None:
        raise LookupError(item.label)
    if (item.size or 0) > 2 * perceptual.LONGEST:  # its padded size: nothing is opened to find out
        return NotHashed("too_large_to_render", f"more than {perceptual.LONGEST} bytes: kept, not rendered")
    opened = access.open_item(desk, item, purpose=purpose)
    if opened.content is None:
        raise LookupError(item.label)
    data = bytearray()
    for piece in opened.content():
        # read to its end, so that what was shown of it is what was logged
        if len(data) <= perceptual.LONGEST:
            data += piece
    picture = facts(Held(bytes(data)))
    return perceptual.perceptual_hash(
        bytes(data), format_name=picture.format, handling=handling, orientation=picture.orientation
    )
