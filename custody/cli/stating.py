"""What a person states about an acquisition: options, a form in TOML, questions on the terminal."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from custody.cli.session import NOT_STATED, Session, read_small
from custody.errors import InputRefused, UsageError
from custody.format import compartments
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.collect import Request

Record = dict[str, dict[str, Any]]
_Function = TypeVar("_Function", bound=Callable[..., Any])

QUESTIONS = {
    ("capture", "description"): "What is it, in a line",
    (
        "capture",
        "method",
    ): "How was it made or copied (export from the app, screenshots, copied from a stick …)",
    ("capture", "collector_role"): "Your role (case worker, investigator …)",
    ("capture", "original_untouched"): "Is the original untouched, and where is it",
    ("capture", "completeness"): "Is it complete; what is missing",
    ("source", "kind"): f"Kind of source ({', '.join(compartments.SOURCE_KINDS)})",
    ("source", "text"): "Whose is it, and from which device or account",
    ("place", "text"): "Where was it collected",
    ("legal", "basis"): "Legal basis (law, order, consent)",
}
"""The questions of the first hour; everything else is a field of --set or of the form."""

_CHOICES = {
    ("source", "kind"): compartments.SOURCE_KINDS,
    ("capture", "copy_grade"): compartments.COPY_GRADES,
}


def request_options(function: _Function) -> _Function:
    """The options by which collect and add say what an acquisition is."""
    for option in reversed(
        [
            click.option("--case", "ref", metavar="REF", required=True, help="The case to take it into."),
            click.option(
                "--exhibit",
                metavar="E",
                help="The exhibit's label, like A-3: public, never a name. Absent: the next free one.",
            ),
            click.option(
                "--source",
                metavar="TEXT",
                help="Whose it is, from which device or account; asked for when absent or “-”. Kept sealed.",
            ),
            click.option(
                "--set",
                "fields",
                metavar="FIELD=VALUE",
                multiple=True,
                help="State a field of the record, like capture.method; VALUE “-” asks. Repeatable.",
            ),
            click.option(
                "--form", metavar="TOML", type=click.Path(), help="A form with the fields, by part."
            ),
            click.option(
                "--handling",
                metavar="FLAG",
                multiple=True,
                help=f"What to be careful of, repeatable: {', '.join(compartments.HANDLING_FLAGS)}.",
            ),
            click.option(
                "--no-seal",
                is_flag=True,
                help="Do not sign the record's state and ask for time proofs at the end.",
            ),
        ]
    ):
        function = option(function)
    return function


def request(
    session: Session,
    case: str,
    *,
    exhibit: str | None,
    source: str | None,
    fields: Sequence[str],
    form: str | None,
    handling: Sequence[str],
    no_seal: bool,
    stated: Record | None = None,
    questions: bool = True,
    **more: Any,
) -> Request:
    """The request as stated; with ``questions``, on a terminal, what must be known and is not is asked for."""
    from custody.procedure.collect import Request

    record: Record = {} if form is None else read_form(form)
    for part, values in (stated or {}).items():
        record.setdefault(part, {}).update(values)
    for text in fields:
        _set(session, record, text)
    if source is not None and source != "-":
        record.setdefault("source", {})["text"] = source
    if questions or source == "-":
        _ask(session, record, only_source=not questions)
    return Request(
        case=case,
        exhibit=exhibit,
        record={part: values for part, values in record.items() if values},
        handling=tuple(dict.fromkeys(handling)) or ("unassessed",),
        seal=not no_seal,
        **more,
    )


def read_form(path: str) -> Record:
    """The fields of a TOML form: one table a part, texts only; FIELD names are those of --set."""
    where = show(path)
    try:
        found = tomllib.loads(read_small(path, limit=256 * 1024).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputRefused("not a form in TOML", where=where, found=show(str(error), 120)) from error
    except RecursionError as error:
        raise InputRefused(
            "not a form in TOML", where=where, found="tables within tables without end"
        ) from error
    known = compartments.form_fields()
    record: Record = {}
    for part, values in found.items():
        if part not in known or not isinstance(values, dict):
            raise InputRefused(
                "a part that the record does not have",
                where=where,
                found=show(part, 40),
                expected=", ".join(known),
            )
        for name, value in values.items():
            if name not in known[part] or not isinstance(value, str):
                raise InputRefused(
                    "a field that the record does not have, or no text",
                    where=f"{where}, [{part}]",
                    found=show(name, 40),
                    expected=", ".join(known[part]),
                )
            if value.strip():
                record.setdefault(part, {})[name] = _checked(part, name, value.strip(), where)
    return record


def _set(session: Session, record: Record, text: str) -> None:
    name, equals, value = text.partition("=")
    known = [(part, field) for part, fields in compartments.form_fields().items() for field in fields]
    found = [pair for pair in known if name in (f"{pair[0]}.{pair[1]}", pair[1])]
    if not equals or not found:
        raise UsageError(
            "not a field of the record",
            where="--set",
            found=show(text, 60),
            expected="FIELD=VALUE, FIELD one of " + ", ".join(f"{part}.{field}" for part, field in known),
        )
    if len(found) > 1:
        raise UsageError(
            "more than one part has this field",
            where="--set",
            found=show(name, 60),
            expected=" or ".join(f"{part}.{field}" for part, field in found),
        )
    part, field = found[0]
    stated = session.text(value, f"{part}.{field}")
    if stated is not None:
        record.setdefault(part, {})[field] = _checked(part, field, stated, "--set")


def _ask(session: Session, record: Record, *, only_source: bool) -> None:
    if not session.terminal.present:
        return
    wanted = [pair for pair in QUESTIONS if not only_source or pair == ("source", "text")]
    missing = [pair for pair in wanted if pair[1] not in record.get(pair[0], {})]
    if missing and not only_source:
        session.out.say(
            f"About these files. Enter means {NOT_STATED}; custody todo lists what was left open."
        )
    for part, name in missing:
        answer = session.terminal.line(f"{QUESTIONS[part, name]}: ")
        if answer:
            record.setdefault(part, {})[name] = _checked(part, name, answer, f"{part}.{name}")


def _checked(part: str, name: str, value: str, where: str) -> str:
    allowed = _CHOICES.get((part, name))
    if allowed is not None and value not in allowed:
        raise UsageError(
            f"not a word for {part}.{name}", where=where, found=show(value, 60), expected=", ".join(allowed)
        )
    return value
