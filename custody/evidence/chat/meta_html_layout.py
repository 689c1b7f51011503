"""Which element a message is in a page of Meta's download: found out from the page, not from class names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from custody.evidence.chat import markup
from custody.evidence.chat.markup import Element
from custody.evidence.chat.written_dates import MAX_TEXT, written
from custody.evidence.export import Member

_LAYOUT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Which element a message is in one file: its name and its whole `class`."""

    name: str
    classes: str

    def begins(self, attributes: bytes) -> bool:
        """Whether a start tag with these attributes begins a message."""
        if self.classes.encode() not in attributes:
            return False
        one = Element(self.name, attributes.decode("utf-8", "replace"))
        return one.attributes.get("class", "") == self.classes


def layout(member: Member) -> tuple[Layout, int] | None:
    """The element that most often holds a heading or body, and at its end a time; and how often."""
    root = markup.tree(member.open().read(0, _LAYOUT_BYTES))
    if root is None:
        return None
    order = list(root.walk())
    # From the inside out: the text of each element, as far as it can be a date's.
    short: dict[int, str | None] = {}
    dated: dict[int, bool] = {}
    for one in reversed(order):
        texts = [child.strip() if isinstance(child, str) else short[id(child)] for child in one.children]
        texts = [text for text in texts if text != ""]
        only = texts[0] if len(texts) == 1 else None if texts else ""
        short[id(one)] = only if only is not None and len(only) <= MAX_TEXT else None
        dated[id(one)] = bool(only) and written(only or "") is not None
    found: Counter[Layout] = Counter()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        parts = [child for child in one.elements if short[id(child)] != ""]
        if one.name and not dated[id(one)] and len(one.elements) > 1 and parts and dated[id(parts[-1])]:
            if "class" in one.attributes:
                found[Layout(one.name, one.attributes["class"])] += 1
            continue
        waiting.extend(one.elements)
    if not found:
        return None
    return max(found.items(), key=lambda item: (item[1], item[0].name, item[0].classes))
