"""Telling a WhatsApp export by its first bytes and its names; and the chat's title, which only names hold."""

from __future__ import annotations

from custody.evidence.chat.whatsapp_text import strings
from custody.evidence.chat.whatsapp_text.bodies import LRM, bare, event
from custody.evidence.chat.whatsapp_text.headers import Layout
from custody.evidence.chat.whatsapp_text.source import Source, source
from custody.evidence.chat.whatsapp_text.survey import find_layout
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Detected
from custody.format.text import show

_HEAD = 64 << 10
_IOS_NAME = "_chat.txt"
_MOST_TEXTS = 64
"""Text files of a zip that are looked into."""


def title_of(name: str) -> tuple[str, str] | None:
    """(chat's title, language) where a file's name is one that WhatsApp gives."""
    stem = bare(name)
    for ending in (".txt", ".zip"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    for before, after, language in strings.TITLES:
        if stem.startswith(before) and stem.endswith(after) and len(stem) > len(before) + len(after):
            return stem[len(before) : len(stem) - len(after)], language
    return None


def detect(export: Export) -> Detected | None:
    """See `reader.Reader`."""
    if not export.zipped:
        return _judge(export.members[0]) if export.members else None
    texts = [one for one in export.members if one.base.lower().endswith(".txt") and _at_top(export, one)]
    chosen = (
        [one for one in texts if one.base == _IOS_NAME]
        or [one for one in texts if title_of(one.base)]
        or texts
    )
    found = [(one, judged) for one in chosen[:_MOST_TEXTS] if (judged := _judge(one)) is not None]
    if not found:
        return None
    best = max((judged for _, judged in found), key=lambda judged: judged.score)
    reasons = (f"the text {_name_of(found, best)} in the zip is a chat", *best.reasons)
    if len(found) > 1:
        reasons = (*reasons, f"{len(found)} texts of the zip are chats: all are read")
    return Detected(score=best.score, reasons=reasons, members=tuple(one.index for one, _ in found))


def _name_of(found: list[tuple[Member, Detected]], best: Detected) -> str:
    """The name of the file that was judged so, safe to show."""
    return show(next(one.base for one, judged in found if judged is best), 100)


def _at_top(export: Export, member: Member) -> bool:
    """Whether a file lies at the zip's top, or in the one folder that all its files are in."""
    folder = _folder(member)
    return not folder or all(_folder(one).split("/")[0] == folder for one in export.members)


def _folder(member: Member) -> str:
    return member.name.replace("\\", "/").rstrip("/").rpartition("/")[0].strip("/")


def head_of(member: Member) -> Source:
    """The first bytes of a text file, as a source of their own."""
    held = Held(member.head(_HEAD))
    return source(Member(index=0, name="", size=held.size, open=lambda: held))


def _judge(member: Member) -> Detected | None:
    """Whether a text file's first bytes are a chat's."""
    inner = head_of(member)
    found = find_layout(inner.blocks)
    if found is None:
        return None
    layout = found[0]
    text = b"".join(block for block, _ in inner.blocks()).decode("utf-8", "replace")
    score, reasons = 60, [f"its lines begin {layout}"]
    if title_of(member.base) or member.base == _IOS_NAME:
        score += 20
        reasons.append("its name is one that WhatsApp gives")
    if _speaks(text):
        score += 20
        reasons.append("it holds sentences that WhatsApp writes")
    if score == 60 and _from_elsewhere(layout):
        score = 52
        reasons.append("other programs write such lines too")
    return Detected(score=min(score, 95), reasons=tuple(reasons))


def _speaks(text: str) -> bool:
    clean = bare(text)
    if event(clean[:4000]) == "encryption_notice":
        return True
    if LRM in text and any(f"<{words}" in clean for words in strings.IOS_ATTACHED_BEFORE):
        return True
    tables = (strings.MEDIA_OMITTED, strings.ATTACHED_AFTER, strings.DELETED_BY_OTHER, strings.DELETED_BY_ME)
    return any(words in clean for table in tables for words in table)


def _from_elsewhere(layout: Layout) -> bool:
    """Whether the layout is that of programs' logs as well: a whole year in front, in brackets."""
    return layout.bracket and layout.fields[0] == "y" and layout.signs[0] == "-"
