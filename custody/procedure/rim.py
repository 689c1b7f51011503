"""What the outside world gives to every procedure: the time, randomness, the boot clock."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from custody import machine
from custody.format.names import IdMaker


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def wall(moment: dt.datetime) -> str:
    """A UTC time to the millisecond, as entries state it."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Rim:
    """Read once, at the rim; tests put their own in its place."""

    now: Callable[[], dt.datetime] = _now
    random: Callable[[int], bytes] = os.urandom
    boot_clock: Callable[[], tuple[bytes, int] | None] = machine.boot_clock
    new_id: IdMaker = field(init=False)

    def __post_init__(self) -> None:
        """Ids grow within one rim."""
        maker = IdMaker(lambda: int(self.now().timestamp() * 1000), self.random)
        object.__setattr__(self, "new_id", maker)

    def wall(self) -> str:
        """The time now, as entries state it."""
        return wall(self.now())
