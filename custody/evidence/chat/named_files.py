"""Files of an export that name each other: those of one thread by number, media by their path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from custody.evidence.chat.model import Plain, attachment
from custody.evidence.export import Export, Member

_NUMBER = re.compile(r"(.*?)_?([0-9]{1,9})(\.[A-Za-z]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Thread:
    """Files of one conversation, in the order of their numbers (10 after 2)."""

    id: str
    members: tuple[Member, ...]
    path: str = ""
    """Of its first file; empty where there is only one: its name is not told."""


def threads(export: Export, members: Sequence[int]) -> list[Thread]:
    """Message files grouped by their folder, in the order of the folders' first files.

    Files whose name is the conversation's (`Alice_1.json`) are grouped by it. The name of a single file is
    not told: it may be withheld from readers of the form.
    """
    if not export.zipped:
        return [Thread("chat", tuple(export.members[at] for at in members))]
    grouped: dict[str, list[Member]] = {}
    for member in (export.members[at] for at in members):
        grouped.setdefault(thread_id(member), []).append(member)
    return [Thread(name, tuple(sorted(found, key=_key)), found[0].name) for name, found in grouped.items()]


def thread_id(member: Member) -> str:
    """The path of a thread below `messages/`, or what the file's name says."""
    folder, _, base = member.name.replace("\\", "/").rpartition("/")
    match = _NUMBER.fullmatch(base)
    stem = match[1] if match is not None else base
    if folder and stem == "message":
        return folder.rpartition("messages/")[2] or folder
    return f"{folder}/{stem}".lstrip("/")


def _key(member: Member) -> tuple[int, int]:
    match = _NUMBER.fullmatch(member.base)
    return (int(match[2]) if match is not None else 0, member.index)


def platform(path: str) -> str:
    """Messenger or Instagram, as far as the path tells; else meta."""
    path = path.lower()
    if "instagram" in path:
        return "instagram"
    return "messenger" if "facebook" in path or "messenger" in path else "meta"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of an export by name."""

    names: dict[str, int]
    zipped: bool

    @classmethod
    def of(cls, export: Export) -> Files:
        """Of an export; of two with one name the first is found."""
        names: dict[str, int] = {}
        for member in export.members:
            names.setdefault(member.name.replace("\\", "/"), member.index)
        return cls(names, export.zipped)

    def find(self, path: str, beside: str) -> int | None:
        """The file at ``path``, which is written from the export's root or from the folder of ``beside``."""
        found = self._climb(path, beside)
        if found is None and "%" in path:
            return self._climb(unquote(path), beside)
        return found

    def _climb(self, path: str, beside: str) -> int | None:
        while path.startswith(("./", "../")):
            path = path.partition("/")[2]
        folder = beside.replace("\\", "/").rpartition("/")[0]
        for _ in range(12):
            found = self.names.get(f"{folder}/{path}" if folder else path)
            if found is not None or not folder:
                return found
            folder = folder.rpartition("/")[0]
        return None

    def attachment(self, path: str, beside: str, **values: Any) -> Plain:
        """The attachment that a message names: there, missing, or not here since this is a single file."""
        found = self.find(path, beside)
        if found is not None:
            return attachment(name=path, state="present", member=found, basis="exact_name", **values)
        return attachment(name=path, state="missing" if self.zipped else "not_here", **values)
