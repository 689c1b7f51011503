"""Content of parts: transfer encodings piece by piece, characters as declared where the bytes agree."""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from custody.evidence.chat.content import base64
from custody.evidence.export import Bytes, pieces

_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_ODD_ENDING = re.compile(rb"=[0-9A-Fa-f]?\Z|[ \t]++\Z|\r\Z")
_UNSAFE_CODECS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)


def decoded(data: Bytes, start: int, end: int, encoding: str, faults: set[str]) -> Iterator[bytes]:
    """The content of a part, its transfer ``encoding`` undone; what is wrong with it goes into ``faults``.

    An encoding that is not known is left as it is, and told.
    """
    if encoding == "base64":
        return base64(pieces(data, start, end), faults)
    if encoding == "quoted-printable":
        return _quoted(pieces(data, start, end))
    if encoding not in _IDENTITY:
        faults.add("transfer_encoding_unknown")
    return pieces(data, start, end)


def _quoted(source: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in source:
        piece = rest + piece
        # Spaces before a line end do not count: a piece must not end among them, nor inside "=XX".
        cut = piece.rfind(b"\n") + 1
        if not cut:
            odd = _ODD_ENDING.search(piece[-1000:])
            cut = len(piece) - (0 if odd is None or odd.start() == 0 else len(odd[0]))
        rest = piece[cut:]
        if cut:
            yield binascii.a2b_qp(piece[:cut])
        if len(rest) > 2 << 20:
            yield binascii.a2b_qp(rest)
            rest = b""
    if rest:
        yield binascii.a2b_qp(rest)


class Text(NamedTuple):
    """Characters, what they were read as, and doubts about that."""

    text: str
    read_as: str
    flags: tuple[str, ...] = ()


def characters(data: bytes, declared: str | None) -> Text:
    """Bytes as text, line ends as ``\\n``: by the declared character set if the bytes fit it, else by UTF-8.

    Where neither fits, ASCII, with every other byte shown as ``\\x..``: no other set is tried.
    """
    flags: tuple[str, ...] = ()
    if declared:
        codec = _codec(declared)
        if codec is None:
            flags = ("charset_unknown",)
        else:
            try:
                text = data.decode(codec)
            except (UnicodeError, ValueError):
                flags = ("charset_lie",)
            else:
                doubt = ("charset_doubtful",) if codec == "iso8859-1" and _has_c1(text) else ()
                return Text(_lines(text), codec, doubt)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("ascii", "backslashreplace")
        return Text(_lines(text), "ascii", flags or ("charset_undeclared",))
    return Text(_lines(text), "utf-8", flags or (() if text.isascii() else ("charset_undeclared",)))


def _codec(name: str) -> str | None:
    try:
        info = codecs.lookup(name.strip().strip("\"'")[:64])
    except (LookupError, ValueError, UnicodeError):
        return None
    usable = info._is_text_encoding and info.name not in _UNSAFE_CODECS
    return info.name if usable else None


def _has_c1(text: str) -> bool:
    return re.search("[\x80-\x9f]", text) is not None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
