"""What a reader of records is: how it tells its format, how it reads it, and what it can't know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from custody.evidence.export import Export
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record

RECORDERS = (
    "provider_return", "user_export", "server_log", "device", "isp_return", "mail_header", "capture", "public_list",
    "manual",
)  # fmt: skip
"""Who wrote the rows down: a provider for an authority; a user who asked for their data; a server; a device; an
access provider; mail servers on the way; somebody who saved a page; a public list; somebody by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReader:
    """One format's reader.

    ``detect`` looks at heads and names only. ``read`` gives rows and ranges in file order, in bounded memory, and
    every byte of its members is claimed once; whatever the bytes, it raises nothing but our own errors, and
    InputRefused only where nothing at all can be read. ``zone``: what the format's times are in, for the table of
    formats; ``never``: what it never contains, in words for a lawyer; ``version`` rises whenever the same bytes may
    give other rows. ``flags``: codes that only this reader gives, each with its meaning in plain words.
    """

    name: str
    version: int
    title: str
    recorder: str
    zone: str
    detect: Callable[[Export], Detected | None]
    read: Callable[[Export, Detected, Settings], Iterator[Record]]
    contains: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    """Settings that its files can need: time_zone, date_order, mapping."""
    flags: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = False
    """Rows are written in the order of time: an earlier instant after a later one is flagged."""
    shows_raw: bool = True
    """A row's bytes are text that belongs beside its values; False where they are a whole picture or page."""
    on_asking: bool = False
    """Rows are made when somebody asks for them and not stored: of single pictures and mails, of which cases have
    thousands."""
