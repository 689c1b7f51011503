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
from custody.procedure import access, marks, readable
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.readable import Damaged
from custody.procedure.typed import IP_REFERENCE, PAYMENT_REFERENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """``near``: the case's pictures by label, each in a group, alone, or not compared with the reason.

    ``not_opened``: (label, why) of items that may be pictures and could not be looked at; ``skipped``: labels of
    those that another key could. ``others``: how many items are no pictures themselves: what lies in them was
    not looked at.
    """

    near: Near
    not_opened: tuple[tuple[str, str], ...]
    damaged: tuple[Damaged, ...] = ()
    """Items that can't be read whole; they keep no other from being compared."""
    skipped: tuple[str, ...] = ()
    others: int = 0


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
    skipped: list[str] = []
    others = 0
    rows = {item.id: item for item in desk.locker.work.items(case) if not readable.is_form(item)}
    contents: dict[str, tuple[str, str]] = {}
    own: dict[str, marks.Flags] = {}
    for item in rows.values():
        try:
            history = list(open_parts(item.id, ("content", "handling")))
        except (CheckFailed, FormatError) as error:
            damaged.append(readable.damaged(item, item, error))
            continue
        own[item.id] = marks.said(history)
        content = history[0].values.get("content") if history else None
        if content is not None:
            contents[item.id] = content["media_type"], content["digests"]["sha256"]
    # The same bytes under another label, a file in an archive perhaps: a mark is on all of them.
    marked: dict[str, marks.Flags] = {}
    for identifier, (_, digest) in contents.items():
        flags = tuple(set(marks.above(rows[identifier], rows, own)) & perceptual.NEVER_DECODED)
        marked[digest] = tuple(dict.fromkeys((*marked.get(digest, ()), *sorted(flags))))
    for item in rows.values():
        if item.id not in own:
            continue
        if item.id not in contents:
            not_opened.append((item.label, "your key does not open what is known of it"))
            skipped.append(item.label)
            continue
        media_type, digest = contents[item.id]
        if not media_type.startswith("image/"):
            others += media_type not in (IP_REFERENCE, PAYMENT_REFERENCE)
            continue
        handling = marks.above(item, rows, own)
        if handling:
            handling = (*handling, *marked[digest])
        refused = perceptual.refusal(handling)
        if refused is not None:
            found.append((item.label, refused))
            continue
        try:
            found.append((item.label, _hash(desk, item, purpose, handling)))
        except NoRight as error:
            not_opened.append((item.label, error.message))
            skipped.append(item.label)
        except (CheckFailed, FormatError) as error:
            damaged.append(readable.damaged(item, item, error))
        except LookupError:
            not_opened.append((item.label, "only registered: its content was kept nowhere"))
    return Alike(
        near=near(found, distance),
        not_opened=tuple(not_opened),
        damaged=tuple(damaged),
        skipped=tuple(skipped),
        others=others,
    )


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
