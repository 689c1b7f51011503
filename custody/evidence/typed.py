"""What hand-entered items have in common: strict texts, and a record of plain values.

A typed item's content is the RFC 8785 form of the dict that is made here, so it holds only text,
integers, true, false, null, lists and dicts; quantities that are not counts are texts, never floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from custody.errors import FormatError, InputRefused

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]

LONGEST = 1000
"""The longest free text in a typed item, in characters."""
_LARGEST = 2**53 - 1
_DEPTH = 8
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def text(value: str | None, where: str, *, longest: int = LONGEST) -> str | None:
    """A text as it was typed, or None where none was given.

    InputRefused if it is empty, longer than ``longest`` characters, or holds line ends, other control
    characters or halves of characters (which no JSON text can carry).
    """
    if value is None:
        return None
    if not value.strip():
        raise InputRefused("this is empty", where=where, hint="leave it out where nothing is known")
    if len(value) > longest:
        raise InputRefused(
            "this is too long", where=where, expected=f"at most {longest} characters", found=str(len(value))
        )
    if _UNPRINTABLE.search(value):
        raise InputRefused("this holds control characters or broken characters", where=where)
    return value


def required(value: str, where: str, *, longest: int = LONGEST) -> str:
    """Like ``text``, for what must be there."""
    checked = text(value, where, longest=longest)
    if checked is None:
        raise InputRefused("this is missing", where=where)
    return checked


def whole_number(value: str | int | None, where: str, *, least: int, most: int) -> int | None:
    """A plain decimal number in range, or None where none was given; InputRefused otherwise.

    int() would also take "+80", "8_0" and other alphabets' digits.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not re.fullmatch("0|[1-9][0-9]{0,15}", str(value)):
        raise InputRefused("this is not a plain whole number", where=where)
    number = int(value)
    if not least <= number <= most:
        raise InputRefused(
            "this number is out of range", where=where, expected=f"{least} to {most}", found=str(number)
        )
    return number


def one_of(value: str | None, where: str, allowed: tuple[str, ...]) -> str | None:
    """A word of a closed list, or ``other:<text>``; None where none was given; InputRefused otherwise."""
    checked = text(value, where, longest=200)
    if checked is None or checked in allowed:
        return checked
    if checked.startswith("other:") and checked[6:].strip():
        return checked
    raise InputRefused(
        "this word is not on the list", where=where, expected=f"{', '.join(allowed)}, or other:<text>"
    )


def record(schema: str, fields: Mapping[str, object]) -> dict[str, Json]:
    """A dict of plain values, with ``schema`` (name and version) first; the input is copied.

    FormatError for floats, numbers beyond 2^53-1, bytes, keys that are not ASCII, or more than 8 levels:
    such a record would have no canonical form.
    """
    if "schema" in fields:
        raise FormatError("the schema is named twice", where=schema)
    out: dict[str, Json] = {"schema": schema}
    for name, value in fields.items():
        out[name] = _plain(value, f"{schema} {name}", 1)
        if not name.isascii():
            raise FormatError("a key is not ASCII", where=schema)
    return out


def _plain(value: object, where: str, depth: int) -> Json:
    if depth > _DEPTH:
        raise FormatError("a record is nested too deep", where=where, expected=f"at most {_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            raise FormatError("a text holds half a character", where=where)
        return str(value)
    if isinstance(value, int):
        if not 0 <= value <= _LARGEST:
            raise FormatError("a number is out of range", where=where, expected=f"0 to {_LARGEST}")
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(one, where, depth + 1) for one in value]
    if isinstance(value, Mapping):
        out: dict[str, Json] = {}
        for name, one in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise FormatError("a key is not ASCII text", where=where)
            out[name] = _plain(one, f"{where}.{name}", depth + 1)
        return out
    raise FormatError(
        "a record holds a value that has no canonical form", where=where, found=type(value).__name__
    )
