"""Trying the recovery sheet: the words are typed in, must be this locker's, and open what they should.

A sheet that nobody ever tried is a hope. Trying it opens no evidence: keys are unwrapped and compared with
what was sealed under them, and it is logged, by the sheet's own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from custody.crypto.keys import CustodianKeys
from custody.errors import CheckFailed, InputRefused
from custody.keys.keyfile import KeyFile
from custody.keys.recovery import RecoverySheet
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import Rim


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the sheet's key opened: wrapped messages, and items whose keys fit what is sealed."""

    key_id: str
    messages: int
    items: int
    of_items: int


class _Paper(KeyFile):
    """The sheet's key for one try: it has no file, and remembers nothing."""

    def __init__(self, keys: CustodianKeys) -> None:
        self.path = Path("recovery sheet")
        self._paper_keys = keys

    @property
    def keys(self) -> CustodianKeys:
        """The custodian that the sheet is."""
        return self._paper_keys

    def head(self, origin: str) -> tuple[int, str] | None:
        """Paper remembers no head."""
        return None

    def histories(self, origin: str) -> str | None:
        """Nor where histories end."""
        return None

    def remember(self, origin: str, size: int, root: str, histories: str | None = None) -> None:
        """Nor what comes."""


def try_sheet(locker: Locker, sheet: RecoverySheet, rim: Rim) -> Tried:
    """Unwrap everything that is wrapped to the sheet, then log `recovery.tried`.

    InputRefused for the words of another sheet, or of one that was retired; CheckFailed or WrapBroken when
    what they should open does not open.
    """
    key_id = sheet.keys.sign.key_id
    known = locker.rights().custodians.get(key_id)
    if known is None or not known.recovery:
        raise InputRefused(
            "these words are not this locker's recovery sheet",
            where=str(locker.path),
            hint="the page names its ledger: compare it with custody log; or it is a sheet of another locker",
        )
    if not known.in_force:
        raise InputRefused(
            "this sheet is no longer used: its key is out of force",
            hint="destroy the page; custody custodian list shows which keys are in force",
        )
    desk = Desk(locker, _Paper(sheet.keys), rim)
    wraps = locker.erasable.wraps(recipient=key_id)
    if not wraps:
        raise InputRefused(
            "nothing in this locker is encrypted to this sheet: it would open nothing",
            hint="run custody check, and compare with a backup",
        )
    for wrap in wraps:
        desk.ring.open_wrap(wrap)
    items = locker.work.items()
    fitting = sum("record" in desk.ring.item_keys(item.id) for item in items)
    if fitting < len(items):
        raise CheckFailed(
            "the sheet does not open everything: keys of items that are due to it are missing",
            where=str(locker.path),
            expected=f"the keys of {len(items)} items",
            found=str(fitting),
            hint="run custody check, and compare with a backup; this try does not count",
        )
    with desk.write() as writer:
        writer.add("recovery.tried", "ledger", locker.ledger_id)
    return Tried(key_id=key_id, messages=len(wraps), items=fitting, of_items=len(items))
