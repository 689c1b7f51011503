"""Fields of Meta's records for investigators: label and value, three spellings of the same nesting.

Since 2026 `<div class="t o"><div class="t i">LABEL<div class="m"><div>VALUE<div class="p">`; before,
the same with long class names; older still, tables of `th` and `td`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from custody.evidence.chat import markup
from custody.evidence.chat.markup import Element
from custody.evidence.chat.model import Participant

_PERSON = re.compile(r"\s*(.*?)\s*\(([A-Za-z][A-Za-z ]{0,30}):\s*(\d{1,25})\)\s*", re.DOTALL)
_GROUPS = frozenset({"Share", "Attachments", "Call Record", "Subscription Event"})
_OWN = frozenset({"Author", "Sent", "Body", "Removed by Sender"})


class Field(NamedTuple):
    """A label and its value, lines of it apart."""

    label: str
    text: str


def fields(raw: bytes) -> list[Field]:
    """The fields in the order of the bytes, nested ones after what they stand in."""
    found: list[list[str]] = []
    mode = ""
    skipping = False
    at = 0
    whole = markup.characters(raw)
    for start, end, closing, name, written in markup.marks(whole):
        if start > at and not skipping:
            _say(found, mode, markup.unescape(whole[at:start]))
        at = end
        if closing:
            skipping = False
            continue
        if not name:
            continue
        classes = Element(name, written).classes
        if "pageBreak" in classes:
            skipping = True
        elif name == "th" or classes & {"i", "inner"}:
            mode = "label"
            found.append(["", ""])
        elif name == "td" or classes & {"m", "most_inner"}:
            mode = "value" if found else ""
        elif name == "br" or "p" in classes:
            _say(found, mode, "\n")
        elif classes & {"o", "outer"}:
            mode = ""
    if at < len(whole) and not skipping:
        _say(found, mode, markup.unescape(whole[at:]))
    return _joined(found)


def _say(found: list[list[str]], mode: str, text: str) -> None:
    if mode == "label":
        found[-1][0] += text
    elif mode == "value":
        found[-1][1] += text


def _joined(found: list[list[str]]) -> list[Field]:
    """Fields without a label are what a page break cut off: they go on with the one before."""
    joined: list[Field] = []
    for label, text in found:
        label = label.strip()
        lines = [line.strip(" \t\r") for line in text.split("\n")]
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        if label or not joined:
            joined.append(Field(label, text))
        elif text:
            before = joined[-1]
            joined[-1] = Field(before.label, f"{before.text}\n{text}" if before.text else text)
    return joined


def grouped(found: list[Field]) -> tuple[list[Field], dict[str, list[Field]]]:
    """The message's own fields, and those of its groups (a share, an attachment, a call)."""
    own: list[Field] = []
    groups: dict[str, list[Field]] = {}
    current: list[Field] | None = None
    for one in found:
        if one.label in _GROUPS:
            current = groups.setdefault(one.label, [])
            if one.text:
                current.append(Field("", one.text))
        elif one.label in _OWN or current is None:
            current = None if one.label in _OWN else current
            own.append(one)
        else:
            current.append(one)
    return own, groups


def person_of(text: str) -> Participant | None:
    """`name (Instagram: 123)`: the number is the account's, the name is what it was called."""
    match = _PERSON.fullmatch(text) if len(text) <= 500 else None
    if match is None:
        return None
    kind = match[2].strip().lower().replace(" ", "_")
    return Participant(f"{kind}:{match[3]}", match[1] or None, ({"type": f"{kind}_user", "value": match[3]},))
