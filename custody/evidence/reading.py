"""What all readers of outside files share: how a format is told, what people stated, and what is said about bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


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

    ``time_zone``: IANA name; ``date_order``: DMY, MDY or YMD; ``mapping``: a table's columns, or other answers that a
    reader's page asks for. ``year``: of the first time that has none, in the order of the file. ``not_after``: the UTC
    day (YYYY-MM-DD) on which the item came in: no message is younger. ``handling``: the item's flags, where rows are
    made on asking: some pictures are never decoded. ``copy_grade``: how near to the original somebody said
    that the item is; it is set beside what a picture hints at, and changes nothing else.
    """

    time_zone: str | None = None
    date_order: str | None = None
    mapping: Mapping[str, str] | None = None
    year: int | None = None
    not_after: str | None = None
    handling: tuple[str, ...] = ()
    copy_grade: str | None = None


class Range(NamedTuple):
    """Bytes that are no message. ``what`` is one of WHAT; ``text`` only for those that a person should read.

    Ranges of `syntax` and `blank` are counted and not written out one by one.
    """

    member: int
    start: int
    end: int
    what: str
    text: str | None = None
    place: str | None = None


WHAT = ("syntax", "blank", "header", "metadata", "secret", "unread", "outside")
"""syntax: what holds the messages together (brackets, commas, tags, boundaries); blank: empty lines, spaces;
header: what stands before or around all messages; metadata: facts about chats and accounts, not messages;
secret: keys and session tokens, not copied; unread: what should be a message and could not be read (with its
text); outside: what the export holds beside the chat."""


class Decided(NamedTuple):
    """What the reader decided about a member, or left open, and why: given before the member's messages.

    ``what``: date_order, zone, calendar, encoding, line_ending, layout, language, exporter, mojibake …;
    ``state``: decided (the bytes prove it), inferred (likely, flagged), stated (a named person said so) or open.
    """

    what: str
    value: str | None
    state: str
    reasons: tuple[str, ...] = ()
    member: int | None = None


class Notice(NamedTuple):
    """Something that the user should know; counted by ``code``, the first few with their place."""

    code: str
    text: str
    member: int | None = None
    place: str | None = None
