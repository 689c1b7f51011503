"""Canonical JSON: the one spelling of a value (RFC 8785, narrowed).

Narrower than the RFC: no floating point numbers, integers 0 … 2^53−1, no lone surrogates, a bounded
depth and size. A reader checks the stored bytes by encoding what it read again: whatever does not
come out the same is refused, so one value has exactly one spelling.
"""

from __future__ import annotations

import json
import re
from typing import Any

from custody.errors import FormatError
from custody.format.text import show

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_SORTING = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)


def encode(value: object, *, where: str = "value") -> bytes:
    """The RFC 8785 bytes of ``value``: dicts with string keys, lists, strings, integers, booleans, None.

    Raises FormatError for anything else, for integers outside 0 … 2^53−1 and for text that is not
    Unicode (a lone surrogate). Size and depth are the reader's limits, see `decode`.
    """
    try:
        text = _SORTING.encode(value) if _judge(value, where) else _ENCODER.encode(_ordered(value))
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FormatError("text with a lone surrogate", where=where) from error
    except RecursionError as error:
        raise FormatError("nested too deeply", where=where) from error


def _judge(value: object, where: str) -> bool:
    """Raise for a value that our JSON does not have; True when all keys are ASCII.

    Within ASCII the order of code points, by which the library's own encoder sorts, is that of UTF-16: a
    value like nearly all of ours is encoded as it is, in half of the time that putting it in order takes.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        if not 0 <= value <= MAX_INTEGER:  # type: ignore[operator]
            raise FormatError("an integer outside 0 … 2^53−1", where=where, found=show(str(value)[:40]))
        return True
    if kind is dict:
        plain = True
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                raise FormatError("a key that is not text", where=where, found=type(key).__name__)
            plain &= key.isascii()
            if type(item) is not str:
                plain &= _judge(item, where)
        return plain
    if kind is list or kind is tuple:
        plain = True
        for item in value:  # type: ignore[attr-defined]
            if type(item) is not str:
                plain &= _judge(item, where)
        return plain
    raise FormatError("a value that our JSON does not have", where=where, found=kind.__name__)


def _ordered(value: object) -> object:
    """A value that `_judge` let through, its keys in the order of their UTF-16 code units."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def decode(data: bytes, *, where: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """The value of canonical JSON ``data``.

    Raises FormatError when it is longer than ``max_bytes``, deeper than ``max_depth``, not JSON, has a
    number that is not an integer in range, a doubled key, or is not spelled canonically.
    """
    value = parse(data, where=where, max_bytes=max_bytes, max_depth=max_depth)
    if not spells(data.decode("utf-8"), value, where=where):
        raise FormatError("JSON that is not in its one canonical spelling (RFC 8785)", where=where)
    return value


def spells(text: str, value: object, *, where: str) -> bool:
    """True where ``text`` is the canonical spelling of ``value``; raises FormatError where the value has none."""
    # Within ASCII the order of code points, by which the library's own encoder sorts, is that of UTF-16: what it
    # gives back unchanged is canonical, in a quarter of the time.
    return (text.isascii() and text == _SORTING.encode(value)) or encode(value, where=where) == text.encode()


def parse(data: bytes, *, where: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """As `decode`, in whatever way it is spelled: for a caller who holds the spelling by himself, see `spells`.

    Depth is measured before parsing: the parser of the standard library would raise RecursionError.
    """
    if len(data) > max_bytes:
        raise FormatError(
            "too long", where=where, expected=f"at most {max_bytes} bytes", found=f"{len(data)}"
        )
    # So many brackets at least; nearly all of our bytes have fewer, and need no closer look.
    if data.count(b"[") + data.count(b"{") > max_depth and _depth(data, max_depth) > max_depth:
        raise FormatError("nested too deeply", where=where, expected=f"at most {max_depth} levels")
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8", where=where) from error
    except FormatError as error:
        raise FormatError(error.what, where=where, found=error.found) from error
    except (ValueError, RecursionError) as error:
        raise FormatError("not JSON", where=where) from error


def decode_object(
    data: bytes, *, where: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, Any]:
    """As `decode`, and the value is an object."""
    value = decode(data, where=where, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise FormatError("not a JSON object", where=where)
    return value


def check_fields(value: object, *, where: str, required: frozenset[str] | set[str]) -> dict[str, Any]:
    """``value`` is an object with exactly the fields ``required``, or FormatError naming the difference."""
    if not isinstance(value, dict):
        raise FormatError("not an object", where=where, found=type(value).__name__)
    missing = sorted(required - value.keys())
    extra = sorted(value.keys() - required)
    if missing:
        raise FormatError("a field is missing", where=where, expected=", ".join(missing))
    if extra:
        raise FormatError(
            "a field that this format does not have", where=where, found=show(", ".join(extra), 80)
        )
    return value


def _no_float(text: str) -> object:
    raise FormatError("a number that is not a plain integer", found=show(text, 40))


def _integer(text: str) -> int:
    # int() takes time quadratic in the digits, and above 4,300 raises: judge by length first.
    if len(text) > 16 or text.startswith("-") or int(text) > MAX_INTEGER:
        raise FormatError("an integer outside 0 … 2^53−1", found=show(text, 40))
    return int(text)


_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float, parse_int=_integer)

# Possessive, so that it takes one pass: whatever comes, no byte is looked at twice. An earlier scanner
# searched for the closing quote after each escape, and 1 MiB of escapes took it seconds.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _depth(data: bytes, limit: int) -> int:
    """How deep brackets nest, those in strings aside; looks no further once it is more than ``limit``."""
    depth = deepest = 0
    for byte in _TEXT.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > limit:
            break
    return deepest
