"""Sweeping up after a crash: objects, keys and parts that no entry names are taken away.

They are no evidence, but they would stay readable for ever, also after the item that was collected in
their place is disposed of. Run under the locker's lock, and only when a crash left its traces: a
temporary folder in the vault, or a write in the erasable store that the ledger never got.
"""

from __future__ import annotations

from custody import machine
from custody.errors import LockerBusy
from custody.procedure import named
from custody.procedure.locker import Locker


def sweep(locker: Locker, *, always: bool = False) -> int:
    """Remove what crashed work left; the caller holds the locker's lock. Gives the number of things removed.

    ``always``: also where no trace of a crash is seen. What the record names is read from its entries; while
    one of them can't be read here, everything stays.
    """
    if not always and not cut_short(locker):
        return 0
    # A commit that failed in its last step may come back with the next recovery, as long as its frames stand
    # in the log: then its objects and keys must still be there. While somebody reads, all stays as it is.
    try:
        locker.ledger.settle()
    except LockerBusy:
        return 0
    with locker.record() as record:
        known = named.of(record)
    if not known.whole:
        return 0
    orphans = sorted(locker.erasable.subjects_with_rows() - known.subjects)
    objects = [name for name in locker.vault.objects() if name not in known.objects]
    locker.vault.remove(objects)
    gone = locker.erasable.forget(orphans)
    machine.at_point("leftovers swept")
    locker.vault.sweep()  # last: these folders are the traces
    return gone + len(objects)


def cut_short(locker: Locker) -> bool:
    """True when work broke off here and what it left was not swept yet. A neighbour's work does not count."""
    with locker.ledger.reading() as view:
        size = view.size
    return bool(locker.vault.strangers()[0]) or locker.erasable.cut_short(size)
