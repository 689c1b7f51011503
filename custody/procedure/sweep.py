"""Sweeping up after a crash: objects, keys and parts that no entry names are taken away.

They are no evidence, but they would stay readable for ever, also after the item that was collected in
their place is disposed of. Run under the locker's lock, and only when a crash left its traces.
"""

from __future__ import annotations

from custody import machine
from custody.procedure.locker import Locker


def sweep(locker: Locker) -> int:
    """Remove what crashed work left; the caller holds the locker's lock. Gives the number of things removed."""
    if not locker.vault.sweep():
        return 0
    with locker.ledger.reading() as view:
        orphans = [s for s in sorted(locker.erasable.subjects_with_rows()) if view.head(s) is None]
    gone = locker.erasable.forget(orphans)
    named = {item.object for item in locker.work.items()}
    objects = [name for name in locker.vault.objects() if name not in named]
    locker.vault.remove(objects)
    machine.at_point("leftovers swept")
    return gone + len(objects)
