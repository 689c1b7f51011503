"""The text of an HTML part, by one simple rule; the HTML itself stays in the message's bytes.

The rule: a tag runs from ``<`` and a letter, ``/``, ``!`` or ``?`` to the next ``>``; comments and what lies
in script, style and head are left out; character references are read; white space is one space, but for
``pre``; block elements begin and end a line; behind a link whose target is not its text stands the target in ``<>``;
pictures show as their ``alt``. Every step is linear in the length.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"<[A-Za-z/!?]")
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9]*+)")
_HREF = re.compile(r"\bhref\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++))", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++))", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\r\f]++")
_SILENT = frozenset({"script", "style", "head"})
_ENDS = {name: re.compile(rf"</{name}\b[^>]*+>?", re.IGNORECASE) for name in _SILENT}
_BLOCKS = frozenset(
    re.findall(
        r"\S+",
        "address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr html li main nav ol p pre section table tbody tfoot thead tr ul",
    )
)


def to_text(source: str) -> str:
    """The text of HTML ``source`` by the rule above."""
    out = _Out()
    at = 0
    link: tuple[str, int] | None = None
    endless: set[str] = (
        set()
    )  # what was begun and never ends is asked for once, and nothing is left out for it
    while (match := _TAG.search(source, at)) is not None:
        out.text(source[at : match.start()])
        start = match.start()
        if source.startswith("<!--", start) and "!--" not in endless:
            end = source.find("-->", start + 4)
            if end >= 0:
                at = end + 3
                continue
            endless.add("!--")
        end = source.find(">", start)
        if end < 0:
            at = start
            break
        tag = source[start : end + 1]
        at = end + 1
        named = _NAME.match(tag)
        if named is None:
            continue
        name, closing = named[1].lower(), tag[1] == "/"
        if name in _SILENT and not closing:
            at = _end_of(source, name, at, endless)
        elif name == "br":
            out.line()
        elif name in _BLOCKS:
            out.block()
            if name == "pre":
                out.pre = max(0, out.pre + (-1 if closing else 1))
        elif name in ("td", "th") and not closing:
            out.text(" ")
        elif name == "img" and not closing:
            out.text(_value(_ALT, tag))
        elif name == "a":
            if link is not None:
                out.target(link)
            link = None if closing else (html.unescape(_value(_HREF, tag)).strip(), out.mark())
    out.text(source[at:])
    if link is not None:
        out.target(link)
    return out.whole()


def _end_of(source: str, name: str, at: int, endless: set[str]) -> int:
    """Behind the closing tag of a silent element, or ``at`` where there is none."""
    if name in endless:
        return at
    match = _ENDS[name].search(source, at)
    if match is None:
        endless.add(name)
        return at
    return match.end()


def _value(pattern: re.Pattern[str], tag: str) -> str:
    match = pattern.search(tag)
    return "" if match is None else next((one for one in match.groups() if one is not None), "")


class _Out:
    def __init__(self) -> None:
        self.pre = 0
        self._parts: list[str] = []
        self._last = "\n"

    def _add(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._last = text[-1]

    def text(self, source: str) -> None:
        if not source:
            return
        text = html.unescape(source) if self.pre else html.unescape(_SPACES.sub(" ", source))
        if not self.pre and self._last in " \n":
            text = text.lstrip(" ")
        self._add(text)

    def line(self) -> None:
        self._add("\n")

    def block(self) -> None:
        if self._last != "\n":
            self._add("\n")

    def mark(self) -> int:
        return len(self._parts)

    def target(self, link: tuple[str, int]) -> None:
        target, mark = link
        if not target or target.startswith("#"):
            return
        shown = "".join(self._parts[mark:]).strip()
        if target not in (shown, f"mailto:{shown}", f"tel:{shown}"):
            self._add(f" <{target}>")

    def whole(self) -> str:
        text = "".join(self._parts)
        return "\n".join(line.rstrip(" ") for line in text.split("\n")).strip("\n")
