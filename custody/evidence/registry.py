"""All readers together: one item can be a chat, a list of records, or both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from custody.errors import InputRefused
from custody.evidence.chat import registry as chats
from custody.evidence.chat.reader import Reader
from custody.evidence.claims import ReaderFault, look
from custody.evidence.export import Export
from custody.evidence.reading import Detected
from custody.evidence.records import registry as records
from custody.evidence.records.reader import RecordReader

Chat = tuple[Reader, Detected]
Records = tuple[RecordReader, Detected]


def names() -> list[str]:
    """The names of all readers, chats first."""
    return [reader.name for reader in chats.READERS] + [reader.name for reader in records.READERS]


def kept() -> list[str]:
    """The names of those whose form is kept, chats first; the others read when somebody asks."""
    asked = {reader.name for reader in records.READERS if reader.on_asking}
    return [name for name in names() if name not in asked]


def check_name(name: str) -> None:
    """InputRefused where no reader has this name, or it is one whose rows are stored nowhere."""
    if name in names() and name not in kept():
        raise InputRefused(
            "rows of this kind are made when somebody asks for them, and stored nowhere",
            where="--format",
            expected=f"one of {', '.join(kept())}",
            found=name,
            hint="custody records ITEM shows them, without --format",
        )
    if name not in names():
        raise InputRefused(
            "there is no reader of this name",
            where="--format",
            expected=", ".join(kept()),
            found=name,
            hint="custody formats tells what each reads",
        )


MUCH_LESS_SURE = 20
"""A claim that is so much below that of the other kind is a likeness: lines of a log begin as those of a chat may."""


def choose(export: Export) -> tuple[Chat | None, Records | None]:
    """The reader of chats and the reader of records that claim an item, each surer than all others of its kind.

    Where one is much less sure than the other, it is left out. Readers that work on asking are not asked here.
    """
    chat, chat_fault = _asked(chats.choose, export)
    rows, rows_fault = _asked(records.choose, export)
    if rows is not None and rows[0].on_asking:
        rows = None
    fault = chat_fault or rows_fault
    if fault is not None:
        # Readers of one kind with a fault do not keep those of the other from their work; it is told with that.
        if chat is not None:
            return (chat[0], _told(chat[1], fault)), rows
        if rows is not None:
            return None, (rows[0], _told(rows[1], fault))
        raise fault
    if chat is None or rows is None:
        return chat, rows
    apart = chat[1].score - rows[1].score
    return (None if apart <= -MUCH_LESS_SURE else chat), (None if apart >= MUCH_LESS_SURE else rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Files of a zip that nobody reads now and this reader takes: one reader of records reads an item."""

    reader: str
    title: str
    members: tuple[int, ...]


def beside(export: Export, chosen: tuple[Chat | None, Records | None]) -> tuple[Beside, ...]:
    """The readers of records that claim files of a zip which no chosen reader reads, the surest first.

    Only where the item is no chat: files that lie beside a chat become items of their own, with forms of their own.
    Each file is told once, for the reader that is surest of it.
    """
    chat, rows = chosen
    if rows is None or not export.zipped or rows[1].document or (chat is not None and not chat[1].document):
        return ()
    read = {at for one in chosen if one is not None for at in one[1].members}
    if len(read) >= len(export.members):
        return ()
    found = []
    for reader, detected in records.claims(export):
        left = tuple(at for at in detected.members if at not in read)
        if left and not reader.on_asking and not detected.document and reader.name != rows[0].name:
            found.append(Beside(reader=reader.name, title=reader.title, members=left))
            read.update(left)
    return tuple(found)


_Chosen = TypeVar("_Chosen")


def _asked(
    choose_one: Callable[[Export], _Chosen | None], export: Export
) -> tuple[_Chosen | None, ReaderFault | None]:
    try:
        return choose_one(export), None
    except ReaderFault as error:
        return None, error


def _told(detected: Detected, fault: ReaderFault) -> Detected:
    return replace(detected, reasons=(*detected.reasons, fault.what))


def by_name(name: str, export: Export) -> tuple[Chat | None, Records | None]:
    """The one reader of that name; InputRefused where there is none, its rows are stored nowhere, or it does not take
    the item."""
    check_name(name)
    reason = "a person named this format"
    for reader in chats.READERS:
        if reader.name == name and (detected := look(reader, export)) is not None:
            return (reader, replace(detected, reasons=(*detected.reasons, reason))), None
    for one in records.READERS:
        if one.name == name and (detected := look(one, export)) is not None:
            return None, (one, replace(detected, reasons=(*detected.reasons, reason)))
    raise InputRefused(
        f"this does not look like what {name} reads",
        where=export.name,
        hint="custody formats tells what each reader takes; without --format the bytes decide",
    )
