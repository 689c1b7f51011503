"""Shapes of JSON values: the few words of JSON Schema 2020-12 that our own formats need.

A shape *is* the JSON Schema that is published; `check` reads the same words. So what `append`
accepts and what `schemas/` says can't drift apart, and no schema library is in the trusted base.
A shape is read once and made into functions: looking its words up for every field of a million entries
took a third of the time of checking them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from custody.errors import FormatError
from custody.format.text import TIME_FORM, show

Shape = Mapping[str, Any]

_Where = str | tuple[Any, str | int]
"""A place: text, or (the place around it, field or position in it). Put into words only for an error."""

_Check = Callable[[Any, _Where, list[str] | None], None]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_NEWER_WORD = re.compile(r"[a-z0-9][a-z0-9._/-]{0,59}")
_MOST_KNOWN = 1000
_known: dict[int, tuple[Shape, _Check]] = {}


def check(value: object, shape: Shape, *, where: str, newer: list[str] | None = None) -> None:
    """Raise FormatError, naming the place, unless ``value`` has ``shape``.

    A writer is strict. A reader gives ``newer``: fields and words of closed lists that this version does
    not know are then put into it instead, for a later version may have them; all else still raises.
    """
    known = _known.get(id(shape))
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[id(shape)] = (shape, _compile(shape))  # kept, so that its id stays its own
    known[1](value, where, newer)


def _words(where: _Where) -> str:
    if isinstance(where, str):
        return where
    around, piece = where
    return f"{_words(around)}[{piece}]" if isinstance(piece, int) else f"{_words(around)}.{show(piece, 40)}"


def _compile(shape: Shape) -> _Check:
    """The checks of a shape, those that it has words for."""
    checks: list[_Check] = []
    kind = shape.get("type")
    if "anyOf" in shape:
        checks.append(_any_of([(_TYPES.get(one.get("type", "")), _compile(one)) for one in shape["anyOf"]]))
    if "const" in shape:
        checks.append(_const(shape["const"]))
    if "enum" in shape:
        checks.append(_enum(shape["enum"]))
    if kind == "string":
        checks.append(_text(shape))
    elif kind == "object":
        checks.append(_object(shape))
    elif kind == "array":
        checks.append(_array(shape))
    elif kind == "integer":
        checks.append(_integer(shape))
    elif kind is not None:
        checks.append(_plain(kind))
    if len(checks) == 1:
        return checks[0]

    def all_of(value: Any, where: _Where, newer: list[str] | None) -> None:
        for one in checks:
            one(value, where, newer)

    return all_of


def _plain(kind: str) -> _Check:
    types = _TYPES[kind]

    def check_plain(value: Any, where: _Where, newer: list[str] | None) -> None:
        if type(value) not in types:
            raise _another_type(value, where, kind)

    return check_plain


def _another_type(value: Any, where: _Where, kind: str) -> FormatError:
    return FormatError(
        "a value of another type", where=_words(where), expected=kind, found=type(value).__name__
    )


def _const(expected: Any) -> _Check:
    def check_const(value: Any, where: _Where, newer: list[str] | None) -> None:
        # In Python True equals 1; in JSON they are two spellings of a field.
        if type(value) is not type(expected) or value != expected:
            raise FormatError(
                "another value", where=_words(where), expected=repr(expected), found=show(repr(value), 60)
            )

    return check_const


def _enum(words: list[object]) -> _Check:
    def check_enum(value: Any, where: _Where, newer: list[str] | None) -> None:
        if value in words:
            return
        if newer is not None and isinstance(value, str) and _NEWER_WORD.fullmatch(value):
            newer.append(f"{_words(where)}: {value}")
            return
        raise FormatError(
            "a value that is not in the list",
            where=_words(where),
            expected=", ".join(map(str, words)),
            found=show(repr(value), 60),
        )

    return check_enum


def _any_of(shapes: list[tuple[tuple[type, ...] | None, _Check]]) -> _Check:
    def check_any(value: Any, where: _Where, newer: list[str] | None) -> None:
        problem: FormatError | None = None
        # Nearly all are "null or something": what has another type need not be tried, and refused in words.
        likely = [one for types, one in shapes if types is None or type(value) in types]
        # First as this version knows it; only then as a later one may have it.
        for lenient in (False,) if newer is None else (False, True):
            for one in likely or [one for _, one in shapes]:
                found: list[str] | None = [] if lenient else None
                try:
                    one(value, where, found)
                except FormatError as error:
                    problem = error
                else:
                    if newer is not None and found:
                        newer += found
                    return
        if problem is not None:
            raise problem

    return check_any


def _text(shape: Shape) -> _Check:
    least, most = shape.get("minLength", 0), shape.get("maxLength")
    # JSON Schema patterns are searched; ours are all written with ^ and $, and matched whole.
    fits = re.compile(shape["pattern"]).fullmatch if "pattern" in shape else None

    def check_text(value: str, where: _Where, newer: list[str] | None) -> None:
        if type(value) is not str:
            raise _another_type(value, where, "string")
        if len(value) < least or (most is not None and len(value) > most):
            raise FormatError(
                "a text too short or too long", where=_words(where), found=f"{len(value)} characters"
            )
        if fits is not None and not fits(value):
            raise FormatError(
                "a text of another form",
                where=_words(where),
                expected=shape["pattern"],
                found=show(value, 60),
            )

    return check_text


def _integer(shape: Shape) -> _Check:
    least, most = shape.get("minimum"), shape.get("maximum")

    def check_integer(value: int, where: _Where, newer: list[str] | None) -> None:
        if type(value) is not int:
            raise _another_type(value, where, "integer")
        if (least is not None and value < least) or (most is not None and value > most):
            raise FormatError("a number out of range", where=_words(where), found=str(value)[:24])

    return check_integer


def _object(shape: Shape) -> _Check:
    required = tuple(shape.get("required", ()))
    fields = {name: _compile(one) for name, one in shape.get("properties", {}).items()}
    names = _compile(shape["propertyNames"]) if "propertyNames" in shape else None
    rest = shape.get("additionalProperties", True)
    others = _compile(rest) if isinstance(rest, Mapping) else None
    most = shape.get("maxProperties")

    def check_object(value: dict[str, Any], where: _Where, newer: list[str] | None) -> None:
        if type(value) is not dict:
            raise _another_type(value, where, "object")
        for name in required:
            if name not in value:
                raise FormatError("a field is missing", where=_words(where), expected=name)
        if most is not None and len(value) > most:
            raise FormatError("too many fields", where=_words(where), found=str(len(value)))
        for name, item in value.items():
            if names is not None:
                names(name, f"{_words(where)}, a field's name", newer)
            one = fields.get(name, others)
            if one is not None:
                one(item, (where, name), newer)
            elif rest is False:
                if newer is None:
                    raise FormatError(
                        "a field that this format does not have", where=_words(where), found=show(name, 40)
                    )
                newer.append(_words((where, name)))

    return check_object


def _array(shape: Shape) -> _Check:
    least, most = shape.get("minItems", 0), shape.get("maxItems")
    unique = shape.get("uniqueItems", False)
    each = _compile(shape["items"]) if "items" in shape else None

    def check_array(value: list[Any] | tuple[Any, ...], where: _Where, newer: list[str] | None) -> None:
        if type(value) not in (list, tuple):
            raise _another_type(value, where, "array")
        if len(value) < least or (most is not None and len(value) > most):
            raise FormatError("a list too short or too long", where=_words(where), found=str(len(value)))
        if unique and len({repr(item) for item in value}) != len(value):
            raise FormatError("a list with the same thing twice", where=_words(where))
        if each is not None:
            for position, item in enumerate(value):
                each(item, (where, position), newer)

    return check_array


def known_part(value: Any, shape: Shape) -> Any:
    """What of a checked value its shape names, for a reader that keeps it: no fields of a later version, and
    nothing of objects whose fields are free. What is left is at most a few times the size of its bytes.
    """
    if isinstance(value, list | tuple):
        return [known_part(item, shape.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    # Of several objects that it may be (a name as text, or as bytes), the one that it is.
    inside = next(
        (
            one
            for one in shape.get("anyOf", ())
            if one.get("type") == "object" and value.keys() >= set(one.get("required", ()))
        ),
        shape,
    )
    fields, names, rest = (
        inside.get(word, {}) for word in ("properties", "propertyNames", "additionalProperties")
    )
    return {
        name: known_part(item, fields.get(name, rest))
        for name, item in value.items()
        if name in fields or (rest and name in names.get("enum", (name,)))
    }


def text(max_length: int = 4096, *, description: str | None = None) -> dict[str, Any]:
    """A shape: text of at least one character."""
    shape: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": max_length}
    return shape if description is None else {**shape, "description": description}


def choice(*values: str) -> dict[str, Any]:
    """A shape: one word of a closed list."""
    return {"enum": list(values)}


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> dict[str, Any]:
    """A shape: an object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


def list_of(items: Shape, *, most: int, least: int = 0, unique: bool = True) -> dict[str, Any]:
    """A shape: a list."""
    shape: dict[str, Any] = {"type": "array", "items": items, "minItems": least, "maxItems": most}
    return {**shape, "uniqueItems": True} if unique else shape


def or_null(shape: Shape) -> dict[str, Any]:
    """A shape: that, or null."""
    return {"anyOf": [{"type": "null"}, shape]}


INTEGER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
BOOLEAN: dict[str, Any] = {"type": "boolean"}
DIGEST: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
BASE64: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$", "maxLength": 90_000}
ID: dict[str, Any] = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}
ORIGIN: dict[str, Any] = {"type": "string", "pattern": "^custody/[a-z2-7]{26}$"}
TIME: dict[str, Any] = {"type": "string", "pattern": f"^{TIME_FORM}$"}
EXHIBIT_LABEL: dict[str, Any] = {"type": "string", "pattern": r"^[A-Z0-9][A-Z0-9.-]{0,23}$"}
ITEM_LABEL: dict[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Z0-9][A-Z0-9.-]{0,23}/([0-9]{2}|[1-9][0-9]{2,5})(\.[1-9][0-9]{0,5})*$",
}
