"""The acquisition form: what a person states about a collecting, in a TOML file or field by field.

Everything may be left out, and then reads as "not stated"; nothing is filled in for anybody.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from custody.errors import FormatError, InputRefused, UsageError
from custody.format import shape
from custody.format.compartments import COMPARTMENTS, COPY_GRADES, SERIES_ORDERS, SOURCE_KINDS, form_fields
from custody.format.text import show

MAX_BYTES = 256 * 1024
MAX_DOTS = 32
"""Dots in one line outside texts; a field has one at most, a number or a time another.

The standard library's parser keeps every beginning of a dotted name: 256 KiB of ``a.a.a…`` would take it
gigabytes and minutes.
"""

Record = dict[str, dict[str, Any]]

# Possessive, and in the order in which TOML reads: what stands in quotes or behind a # is text.
_TEXTS = re.compile(
    r'"""(?:[^"\\]++|\\.|""?(?!"))*+"{3,5}'
    r"|'''(?:[^']++|''?(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+",
    re.DOTALL,
)

_TABLES = {
    "capture": "How it was collected.",
    "source": "Where it comes from.",
    "place": "Where the collecting happened.",
    "legal": "On what ground.",
    "identity": "Who is concerned. Sealed under a key of its own, and left out of packages unless asked for.",
    "note": "Anything else. Sealed under a key of its own, and left out of packages unless asked for.",
}

_MEANINGS = {
    ("capture", "description"): "what this is, in a sentence that a stranger understands",
    ("capture", "method"): "how it was taken: exported from the app, photographed, copied from a disk",
    ("capture", "collector_role"): "in what role you collect: officer, case worker, the owner of the phone",
    ("capture", "collector_training"): "what training or experience you have for this",
    ("capture", "others_present"): "who else was there, by role",
    ("capture", "original_untouched"): "whether the original was changed by this, and how you know",
    ("capture", "changes"): "what was changed, switched off or altered, and why it had to be",
    ("capture", "completeness"): "whether this is all there was; what is missing, and why",
    ("capture", "clock"): "how far the collecting device's clock was off, and against what you compared it",
    ("capture", "time_zone"): "the time zone the collecting device was set to, such as Europe/Vienna",
    ("capture", "encryption"): "whether the original was locked or encrypted, and how it was opened",
    ("capture", "copy_grade"): f"how near to the original; one of: {', '.join(COPY_GRADES)}",
    (
        "capture",
        "taken_by_role",
    ): "who took the screenshot or photograph, by role; a name goes into identity.taken_by",
    ("capture", "taken_at"): "when it was taken, and by which clock; what the device's own clock showed",
    ("capture", "shown_in"): "which app or browser showed what the picture shows, and its version",
    (
        "capture",
        "series_order",
    ): f"how pictures of a series follow each other; one of: {', '.join(SERIES_ORDERS)}",
    ("capture", "series_order_by"): "who says that this is their order, and how they know",
    ("source", "kind"): f"one of: {', '.join(SOURCE_KINDS)}",
    ("source", "text"): "where it comes from, in your words",
    ("source", "device"): "maker, model, serial number or IMEI of the device",
    ("source", "account"): "the account or user name, and on which service",
    ("source", "number"): "the telephone number",
    ("source", "url"): "the full web address",
    ("source", "time_zone"): "the time zone that times in the content are in, such as Europe/Vienna",
    ("source", "clock"): "how far the source's own clock was off, and how you know",
    ("place", "text"): "address or kind of place; leave a shelter's address out",
    ("place", "egress"): "which network the collecting went out by, and its address, where that matters",
    ("legal", "basis"): "consent, warrant, request, or the law that allows it",
    ("legal", "authority"): "the court, office or person that decided",
    ("legal", "reference"): "the number of that decision or request",
    ("legal", "consent"): "who agreed, to what, when and in what form",
    ("legal", "data_category"): "subscriber, traffic or content data; special categories",
    ("identity", "text"): "the persons who are concerned, and how they relate to this",
    ("identity", "taken_by"): "the name of whoever took the screenshot or photograph",
    ("note", "text"): "anything else",
}


def read_form(data: bytes, where: str) -> Record:
    """The stated fields of a TOML form, by compartment; blank ones count as not stated.

    Raises InputRefused, naming table and field, for what is not TOML, not a field of the form, not
    text, or not of the field's shape.
    """
    if len(data) > MAX_BYTES:
        raise InputRefused("too long for a form", where=where, expected=f"at most {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
        if any(line.count(".") > MAX_DOTS for line in _TEXTS.sub("", text).split("\n")):
            raise InputRefused(
                "not a form: a name with too many dots", where=where, expected=f"at most {MAX_DOTS} in a line"
            )
        value = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise InputRefused(
            "not a form: it is not UTF-8 text", where=where, hint="save it as plain text in UTF-8"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputRefused(
            "not a form: its TOML can't be read",
            where=where,
            found=show(str(error) or "tables nested too deep", 200),
            hint="write each field as  name = \"text\"  on one line, or between ''' and ''' on several",
        ) from error
    record: Record = {}
    fields = form_fields()
    for table, content in value.items():
        if table not in fields:
            raise _unknown(f"{where}, {show(table, 40)}", "a table that the form does not have", fields)
        if not isinstance(content, dict):
            raise InputRefused(
                "not a table", where=f"{where}, {table}", expected=f"[{table}] on a line of its own"
            )
        for name, text in content.items():
            place = f"{where}, {table}.{show(name, 40)}"
            if name not in fields[table]:
                raise _unknown(place, "a field that the form does not have", fields[table])
            if not isinstance(text, str):
                raise InputRefused(
                    "not text", where=place, found=type(text).__name__, hint=f'put it in quotes: {name} = "…"'
                )
            if text.strip():
                record.setdefault(table, {})[name] = _checked(table, name, text, place)
    return record


def merge(form: Mapping[str, Mapping[str, Any]], sets: Sequence[str]) -> Record:
    """The form with single fields set over it: ``capture.method=text``, or ``method=text`` where it is one field.

    Raises UsageError for a field that does not exist, that is in several tables, or that is blank.
    """
    merged: Record = {table: dict(values) for table, values in form.items()}
    for one in sets:
        field, equals, text = one.partition("=")
        if not equals:
            raise UsageError(
                "--set needs a field and its text", found=show(one, 60), expected="--set FIELD=VALUE"
            )
        table, name = _field(field.strip())
        if not text.strip():
            raise UsageError(
                "this is empty", where=f"--set {table}.{name}", hint="leave it out where nothing is known"
            )
        merged.setdefault(table, {})[name] = _checked(table, name, text, f"--set {table}.{name}")
    return merged


def _field(field: str) -> tuple[str, str]:
    fields = form_fields()
    table, dot, name = field.partition(".")
    if dot:
        if name in fields.get(table, ()):
            return table, name
        raise _no_field(field)
    tables = [table for table, allowed in fields.items() if field in allowed]
    if not tables:
        raise _no_field(field)
    if len(tables) > 1:
        raise UsageError(
            "more than one table has this field",
            where=f"--set {show(field, 40)}",
            expected=" or ".join(f"{table}.{field}" for table in tables),
        )
    return tables[0], field


def _no_field(field: str) -> UsageError:
    every = (f"{table}.{name}" for table, allowed in form_fields().items() for name in allowed)
    return UsageError(
        "a field that the form does not have", where=f"--set {show(field, 60)}", expected=", ".join(every)
    )


def _unknown(where: str, what: str, allowed: Mapping[str, Any] | Sequence[str]) -> InputRefused:
    return InputRefused(what, where=where, expected=", ".join(allowed))


def _checked(table: str, name: str, text: str, where: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputRefused("this is not Unicode text", where=where) from error
    try:
        shape.check(text, COMPARTMENTS[table]["properties"][name], where=where)
    except FormatError as error:
        raise InputRefused(error.what, where=where, expected=error.expected, found=error.found) from error
    from custody.evidence.blockchain import (
        secrets,  # its words take time to load, and most collect without a form
    )

    secrets.refuse(text, where)
    return text


def template() -> str:
    """An empty form: every field with what it means, each commented out."""
    lines = [
        "# What you can say about this collecting. Fill in what you know and take the # away before the line;",
        "# what is left out reads as “not stated”. Nothing here is public: all of it is sealed.",
        "# Text over several lines stands between ''' and '''.",
    ]
    for table, allowed in form_fields().items():
        lines += ["", f"# {_TABLES[table]}", f"[{table}]"]
        for name in allowed:
            lines += [f"# {_MEANINGS[table, name]}", f'#{name} = ""']
    return "\n".join(lines) + "\n"
