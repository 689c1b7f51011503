"""HTML as messengers export it, with the place of every byte, in bounded memory.

A file is cut at its message elements (`pieces`); each of these is small and read as a tree here. A tag ends
at its first `>`, as all known writers escape that sign inside of values. Nothing here fails: what is no
markup is text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.entities import html5

MAX_NODES = 100_000
"""Elements and texts in one message; what has more is not read as a tree."""

_VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    }
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "blockquote", "div", "footer", "h1", "h2", "h3", "header", "li", "main", "p", "section", "table", "td", "th",
        "title", "tr", "ul",
    }
)  # fmt: skip
HIDDEN = frozenset({"script", "style"})

_MARK = re.compile(r"<!--|<(?:(/?)([A-Za-z][A-Za-z0-9:-]*+)([^<>]*+)|[!?][^<>]*+)>")
_ATTRIBUTE = re.compile(r"""([^\s"'/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++)))?+""")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7}+)|#[xX]([0-9A-Fa-f]{1,6}+)|([A-Za-z][A-Za-z0-9]{1,31}+));")
_TEXT_END = {name: re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE) for name in HIDDEN}


_SIMPLE_CLASS = re.compile(r' class="([A-Za-z0-9_ -]*+)"')


@functools.lru_cache(1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(slots=True)
class Element:
    """An element of a message: its name in small letters, its attributes as written, and what is in it."""

    name: str
    written: str = ""
    children: list[Element | str] = field(default_factory=list)

    _attributes: dict[str, str] | None = None
    _classes: frozenset[str] | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """Its attributes; of two with one name the first holds, as in a browser."""
        found = self._attributes
        if found is None:
            found = self._attributes = {}
            for match in _ATTRIBUTE.finditer(self.written):
                name, double, single, bare = match.groups()
                value = double if double is not None else single if single is not None else bare
                found.setdefault(name.lower(), unescape(value or ""))
        return found

    @property
    def classes(self) -> frozenset[str]:
        """The words of its `class`."""
        found = self._classes
        if found is None:
            simple = _SIMPLE_CLASS.fullmatch(self.written)
            words = simple[1] if simple is not None else self.attributes.get("class", "")
            found = self._classes = _words(words)
        return found

    @property
    def elements(self) -> list[Element]:
        """The elements directly in it."""
        return [child for child in self.children if isinstance(child, Element)]

    def walk(self) -> Iterator[Element]:
        """It and all elements in it, in the order of the file."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += [child for child in reversed(one.children) if type(child) is not str]  # type: ignore[misc]

    def first(self, wanted: Callable[[Element], bool]) -> Element | None:
        """The first element in it that is ``wanted``."""
        return next((one for one in self.walk() if one is not self and wanted(one)), None)

    def only_text(self) -> str | None:
        """Its text, when there is one piece of it and no more, however deep; None else."""
        found = ""
        waiting: list[Element | str] = [self]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Element):
                waiting.extend(reversed(one.children))
            elif one.strip():
                if found:
                    return None
                found = one.strip()
        return found or None

    def text(self, skip: Callable[[Element], bool] | None = None) -> str:
        """The text in it: `<br>` is a line end, each block stands on lines of its own, empty ones are left out.

        Spaces and line ends of the source next to a block's edge are its layout, and fall away; all others stay.
        ``skip``: elements that are left out.
        """
        lines: list[list[str]] = [[]]
        waiting: list[Element | str | None] = [self]
        while waiting:
            one = waiting.pop()
            if one is None:
                lines.append([])
            elif isinstance(one, str):
                lines[-1].append(one)
            elif one.name == "br":
                lines[-1].append(_BREAK)
            elif one.name not in HIDDEN and (skip is None or one is self or not skip(one)):
                edge = one.name in _BLOCKS
                waiting += [None] * edge
                waiting.extend(reversed(one.children))
                waiting += [None] * edge
        return "\n".join(filter(None, map(_trimmed, lines)))


class _Break(str):
    """A line end that is written as `<br>`."""

    __slots__ = ()


_BREAK = _Break("\n")


def _trimmed(line: list[str]) -> str:
    if line and line[0] is not _BREAK:
        line[0] = line[0].lstrip(_LAYOUT)
    if line and line[-1] is not _BREAK:
        line[-1] = line[-1].rstrip(_LAYOUT)
    return "".join(line)


_LAYOUT = " \t\r\n\f"


def unescape(text: str) -> str:
    """Character references replaced; what is none, or names no character, stays as it is written."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return html5.get(name + ";", match[0])
    number = int(decimal) if decimal is not None else int(hexadecimal, 16)
    usable = 0 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if usable else match[0]


def tree(raw: bytes) -> Element | None:
    """The elements of ``raw`` below one nameless root; None where there are more than MAX_NODES.

    What is not closed ends with what it stands in; a closing tag of something that is not open is nothing.
    """
    text = characters(raw)
    root = Element("")
    above = [root]
    inside = root.children
    count = at = 0
    for start, end, closing, name, written in marks(text):
        if start > at:
            inside.append(unescape(text[at:start]))
            count += 1
        at = end
        if not name:
            continue
        if closing:
            _close(above, name)
            inside = above[-1].children
            continue
        count += 1
        if count > MAX_NODES:
            return None
        one = Element(name, written)
        inside.append(one)
        if name not in _VOID:
            above.append(one)
            inside = one.children
    if at < len(text):
        inside.append(unescape(text[at:]))
    return root


def _close(above: list[Element], name: str) -> None:
    # Looked for only so far up: misnested tags without end must not take quadratic time.
    for up in range(1, min(len(above), 64)):
        if above[-up].name == name:
            del above[-up:]
            return


def characters(raw: bytes) -> str:
    """The characters of bytes, line ends as ``\\n``."""
    text = raw.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def marks(text: str) -> Iterator[tuple[int, int, bool, str, str]]:
    """(start, end, closing, name, attributes) of tags; comments and what is hidden have no name."""
    at = 0
    while True:
        for match in _MARK.finditer(text, at):
            closing, name, written = match.groups()
            if name is not None:
                if not name.islower():
                    name = name.lower()
                yield match.start(), match.end(), bool(closing), name, written
                if name in HIDDEN and not closing:
                    at = match.end()
                    ended = _TEXT_END[name].search(text, at)
                    over = len(text) if ended is None else ended.start()
                    break
            elif match[0] == "<!--":
                at = match.start()
                found = text.find("-->", match.end())
                over = len(text) if found < 0 else found + 3
                break
            else:
                yield match.start(), match.end(), False, "", ""
        else:
            return
        if over > at:
            yield at, over, False, "", ""
        at = over


def plain(raw: bytes) -> str:
    """The text between tags, when there is no tree: each text on its own line, without the spaces around it."""
    text = characters(raw)
    parts = []
    at = 0
    for start, end, *_ in marks(text):
        if start > at:
            parts.append(unescape(text[at:start]).strip())
        at = end
    parts.append(unescape(text[at:]).strip())
    return "\n".join(part for part in parts if part)
