"""What a reader is: how it tells its format, how it reads it, and what it can't know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from custody.evidence.chat.attached import Attached
from custody.evidence.chat.model import Record
from custody.evidence.export import Export
from custody.evidence.reading import Detected, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One format's reader.

    ``detect`` looks at heads and names only. ``read`` gives records in file order, in bounded memory; whatever
    the bytes, it raises nothing but our own errors, and InputRefused only where nothing at all can be read.
    ``zone``: what the format's times are in, for the table of formats; ``never``: what it never contains, in
    words for a lawyer; ``version`` rises whenever the same bytes may give another form.
    """

    name: str
    version: int
    title: str
    zone: str
    detect: Callable[[Export], Detected | None]
    read: Callable[[Export, Detected, Settings], Iterator[Record]]
    contains: tuple[str, ...] = field(default=())
    never: tuple[str, ...] = field(default=())
    asks: tuple[str, ...] = field(default=())
    """Settings that its files can need: time_zone, date_order, mapping."""
    attached: Callable[[Export, Detected, Settings], Iterator[Attached]] | None = None
    """Gives the files that lie inside messages, for items of their own; None where the format has none."""
