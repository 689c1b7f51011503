"""Readable forms as custody does not make them: by somebody with a key and a changed program, or by a newer custody."""

from __future__ import annotations

import io
import os
from typing import Any

from custody.ledger.work import ItemRow
from custody.procedure import rederive
from custody.procedure.derive import Child, Derived
from custody.procedure.intake import Job, take_stream
from custody.procedure.locker import Desk


class _Made(Derived):
    """What `rederive` logs: one form and nothing else."""

    __slots__ = ("_child",)

    @property
    def children(self) -> tuple[Child, ...]:
        return (self._child,)


def forge(
    desk: Desk,
    item: ItemRow,
    data: bytes,
    media_type: str,
    *,
    trees: dict[str, Any] | None = None,
    part: int | None = None,
) -> ItemRow:
    """Log these bytes as a form of an item (or as a file in it), signed and sealed like any other."""
    about = {"content": {"trees": trees or {}}, "capture": {"method": "made up"}}
    job = Job(
        item=desk.rim.new_id(), path=None, told=None, secret=os.urandom(128), name=b"form",
        media_type=media_type, about=lambda: about,
    )  # fmt: skip
    with desk.locker.vault.staging() as staging:
        setting = rederive._setting(desk, str(staging.directory), ("unassessed",))
        child = Child(job=job, taken=take_stream(setting, job, io.BytesIO(data)), part=part)
        made = _Made(chat=None, records=None)
        object.__setattr__(made, "_child", child)
        acquisition = next(desk.locker.history(item.id).__iter__()).read().public["acquisition"]
        rederive._log(desk, item, acquisition, made)
    row = desk.locker.work.item(job.item)
    assert row is not None
    return row
