"""Showing text from outside safely, and the few spellings that several formats share."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import unicodedata

from custody.errors import FormatError

HEX_32 = re.compile(r"[0-9a-f]{64}")
TIME_FORM = (
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}Z"
)
_TIME = re.compile(TIME_FORM)

# Categories that a terminal may obey or that hide what follows: controls, format characters (bidi
# overrides, zero width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def show(value: str | bytes, limit: int = 200) -> str:
    """Text from outside as one line that a terminal or a report can hold without being led astray.

    Control characters and bidirectional marks come out as ``\\u…``, undecodable bytes as ``\\x…``; a
    backslash is doubled, so the spelling is unambiguous. Longer than ``limit`` is cut, with the
    number of characters left out.
    """
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    out = []
    for char in text[:limit]:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: one undecodable byte
            out.append(f"\\x{code - 0xDC00:02x}")
        elif char == "\\":
            out.append("\\\\")
        elif unicodedata.category(char) in _UNSAFE:
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
        else:
            out.append(char)
    if len(text) > limit:
        out.append(f"… ({len(text) - limit} more)")
    return "".join(out)


def to_base64(data: bytes) -> str:
    """Standard, padded base64 (RFC 4648, section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str, *, where: str) -> bytes:
    """The bytes of canonical standard base64; every other spelling of them is refused."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("not base64", where=where, found=show(text, 40)) from error
    # b64decode ignores the bits behind the last byte: one value would have several spellings.
    if to_base64(data) != text:
        raise FormatError("base64 that is not canonical", where=where, found=show(text, 40))
    return data


def check_digest(value: object, *, where: str) -> str:
    """A lower-case hexadecimal SHA-256, or FormatError."""
    if not isinstance(value, str) or not HEX_32.fullmatch(value):
        raise FormatError(
            "not a SHA-256", where=where, expected="64 lower-case hex digits", found=show(repr(value), 80)
        )
    return value


def check_time(value: object, *, where: str) -> str:
    """A UTC time to the millisecond, ``2026-11-22T10:00:00.000Z``, that a calendar has; or FormatError."""
    moment(value, where=where)
    return str(value)


def moment(value: object, *, where: str) -> dt.datetime:
    """The time that such a text states; FormatError for one that no clock can show, such as 30 February."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            pass
    raise FormatError(
        "not a UTC time", where=where, expected="YYYY-MM-DDThh:mm:ss.mmmZ", found=show(repr(value), 60)
    )


def lines_of(data: bytes, *, where: str) -> list[bytes]:
    """The lines of a file without their ends; FormatError when the last one has none."""
    if data and not data.endswith(b"\n"):
        raise FormatError("the last line has no end", where=where)
    return data.split(b"\n")[:-1]
