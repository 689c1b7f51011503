"""What has to be done again and again: backups, and trying the recovery sheet. Opens nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass

from custody.format.entry import NewerVersion
from custody.procedure.locker import Locker
from custody.verify.rights import Rights

BACKUP_ITEMS = 100
"""So many items that no backup has are too many to lose."""
BACKUP_DAYS = 30
"""After so many days a backup is old, when anything was done since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupDue:
    """A backup should be made. ``last``: when the last one was written, as stated; None: never.

    ``items``: how many came in since; ``days``: how many days ago it was, None when never.
    """

    last: str | None
    items: int
    days: int | None


def backup_due(locker: Locker, now: dt.datetime) -> BackupDue | None:
    """That a backup is due, or None. A locker without items has nothing to lose yet."""
    last: tuple[int, str] | None = None
    for ledger in [volume.ledger for volume in locker.volumes]:
        for stored in locker.history(ledger):
            with contextlib.suppress(NewerVersion):
                body = stored.read()
                if body.kind == "ledger.backed_up" and body.public["result"] == "written":
                    last = (stored.position, body.time.wall)
    items = locker.work.items()
    if last is None:
        return BackupDue(last=None, items=len(items), days=None) if items else None
    since = sum(item.seq > last[0] for item in items)
    days = max((now - dt.datetime.fromisoformat(last[1])).days, 0)
    with locker.record() as record:
        moved = record.size > last[0] + 1
    if since >= BACKUP_ITEMS or (days >= BACKUP_DAYS and moved):
        return BackupDue(last=last[1], items=since, days=days)
    return None


def sheet_untried(locker: Locker, rights: Rights) -> bool:
    """True when there is a recovery sheet in force, and nobody ever tried its words here."""
    sheets = {one.key_id for one in rights.custodians.values() if one.recovery and one.in_force}
    for ledger in [volume.ledger for volume in locker.volumes]:
        for stored in locker.history(ledger):
            with contextlib.suppress(NewerVersion):
                body = stored.read()
                # Who restored with it has tried it too.
                if body.kind in ("recovery.tried", "ledger.continued"):
                    sheets.discard(body.actor)
    return bool(sheets) and bool(locker.work.items())
