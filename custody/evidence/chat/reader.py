"""What a reader is: how it tells its format, how it reads it, and what it can't know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from custody.evidence.chat.attached import Attached
from custody.evidence.chat.export import Export
from custody.evidence.chat.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """Why an export is of a reader's format. ``score``: 90 and more is unmistakable, below 50 is no claim.

    ``members``: indexes of the files that it will read; all others are attachments or lie beside the chat.
    """

    score: int
    reasons: tuple[str, ...]
    members: tuple[int, ...] = (0,)
    document: bool = False
    """The export's files are parts of one document (a workbook): none of them is a file of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What people stated, each None when nobody did. The same settings give the same bytes.

    ``time_zone``: IANA name; ``date_order``: DMY, MDY or YMD; ``mapping``: a table's columns (`table` only).
    ``not_after``: the UTC day (YYYY-MM-DD) on which the item came in: no message is younger.
    """

    time_zone: str | None = None
    date_order: str | None = None
    mapping: Mapping[str, str] | None = None
    not_after: str | None = None


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
