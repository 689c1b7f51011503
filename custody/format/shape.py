"""Shapes of JSON values: the few words of JSON Schema 2020-12 that our own formats need.

A shape *is* the JSON Schema that is published; `check` reads the same words. So what `append`
accepts and what `schemas/` says can't drift apart, and no schema library is in the trusted base.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from custody.errors import FormatError
from custody.format.text import show

Shape = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def check(value: object, shape: Shape, *, where: str, newer: list[str] | None = None) -> None:
    """Raise FormatError, naming the place, unless ``value`` has ``shape``.

    A writer is strict. A reader gives ``newer``: fields and words of closed lists that this version does
    not know are then put into it instead, for a later version may have them; all else still raises.
    """
    if "anyOf" in shape:
        _check_any(value, shape["anyOf"], where, newer)
    kind = shape.get("type")
    if kind is not None and (type(value) not in _TYPES[kind]):
        raise FormatError("a value of another type", where=where, expected=kind, found=type(value).__name__)
    # In Python True equals 1; in JSON they are two spellings of a field.
    if "const" in shape and (type(value) is not type(shape["const"]) or value != shape["const"]):
        raise FormatError(
            "another value", where=where, expected=repr(shape["const"]), found=show(repr(value), 60)
        )
    if "enum" in shape and value not in shape["enum"]:
        _check_word(value, shape["enum"], where, newer)
    if isinstance(value, str):
        _check_text(value, shape, where)
    elif isinstance(value, dict):
        _check_object(value, shape, where, newer)
    elif isinstance(value, list | tuple):
        _check_array(value, shape, where, newer)
    elif isinstance(value, int) and not shape.get("minimum", value) <= value <= shape.get("maximum", value):
        raise FormatError("a number out of range", where=where, found=str(value)[:24])


def known_part(value: Any, shape: Shape) -> Any:
    """What of a checked value its shape names, for a reader that keeps it: no fields of a later version, and
    nothing of objects whose fields are free. What is left is at most a few times the size of its bytes.
    """
    if isinstance(value, list | tuple):
        return [known_part(item, shape.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    inside = next((one for one in shape.get("anyOf", ()) if one.get("type") == "object"), shape)
    fields, names, rest = (
        inside.get(word, {}) for word in ("properties", "propertyNames", "additionalProperties")
    )
    return {
        name: known_part(item, fields.get(name, rest))
        for name, item in value.items()
        if name in fields or (rest and name in names.get("enum", (name,)))
    }


def _check_word(value: object, words: list[object], where: str, newer: list[str] | None) -> None:
    if newer is not None and isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9._/-]{0,59}", value):
        newer.append(f"{where}: {value}")
        return
    expected = ", ".join(map(str, words))
    raise FormatError(
        "a value that is not in the list", where=where, expected=expected, found=show(repr(value), 60)
    )


def _check_any(value: object, shapes: list[Shape], where: str, newer: list[str] | None) -> None:
    problem: FormatError | None = None
    # First as this version knows it; only then as a later one may have it.
    for lenient in (None,) if newer is None else (None, newer):
        for shape in shapes:
            found: list[str] | None = None if lenient is None else []
            try:
                check(value, shape, where=where, newer=found)
            except FormatError as error:
                problem = error
            else:
                if newer is not None and found:
                    newer += found
                return
    if problem is not None:
        raise problem


def _check_text(value: str, shape: Shape, where: str) -> None:
    if not shape.get("minLength", 0) <= len(value) <= shape.get("maxLength", len(value)):
        raise FormatError("a text too short or too long", where=where, found=f"{len(value)} characters")
    # JSON Schema patterns are searched; ours are all written with ^ and $, and matched whole.
    if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
        raise FormatError(
            "a text of another form", where=where, expected=shape["pattern"], found=show(value, 60)
        )


def _check_object(value: dict[str, Any], shape: Shape, where: str, newer: list[str] | None) -> None:
    properties = shape.get("properties", {})
    for name in shape.get("required", ()):
        if name not in value:
            raise FormatError("a field is missing", where=where, expected=name)
    rest = shape.get("additionalProperties", True)
    if len(value) > shape.get("maxProperties", len(value)):
        raise FormatError("too many fields", where=where, found=str(len(value)))
    for name, item in value.items():
        if "propertyNames" in shape:
            check(name, shape["propertyNames"], where=f"{where}, a field's name", newer=newer)
        if name in properties:
            check(item, properties[name], where=f"{where}.{show(name, 40)}", newer=newer)
        elif rest is False:
            if newer is None:
                raise FormatError("a field that this format does not have", where=where, found=show(name, 40))
            newer.append(f"{where}.{show(name, 40)}")
        elif isinstance(rest, Mapping):
            check(item, rest, where=f"{where}.{show(name, 40)}", newer=newer)


def _check_array(
    value: list[Any] | tuple[Any, ...], shape: Shape, where: str, newer: list[str] | None
) -> None:
    if not shape.get("minItems", 0) <= len(value) <= shape.get("maxItems", len(value)):
        raise FormatError("a list too short or too long", where=where, found=str(len(value)))
    if shape.get("uniqueItems") and len({repr(item) for item in value}) != len(value):
        raise FormatError("a list with the same thing twice", where=where)
    if "items" in shape:
        for position, item in enumerate(value):
            check(item, shape["items"], where=f"{where}[{position}]", newer=newer)


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
TIME: dict[str, Any] = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}
EXHIBIT_LABEL: dict[str, Any] = {"type": "string", "pattern": r"^[A-Z0-9][A-Z0-9.-]{0,23}$"}
ITEM_LABEL: dict[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Z0-9][A-Z0-9.-]{0,23}/([0-9]{2}|[1-9][0-9]{2,5})(\.[1-9][0-9]{0,5})*$",
}
