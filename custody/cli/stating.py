"""What a person states about an acquisition: options, a form in TOML, questions on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from custody.cli.session import NOT_STATED, Session, free_text, read_small
from custody.errors import InputRefused
from custody.format import compartments
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.collect import Request

Record = dict[str, dict[str, Any]]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_KINDS = {"device": "a phone, a computer", "url": "a web page", "public-ledger": "a blockchain"}
_KINDS_TEXT = ", ".join(
    f"{kind} ({_KINDS[kind]})" if kind in _KINDS else kind for kind in compartments.SOURCE_KINDS
)

QUESTIONS = {
    ("capture", "description"): "What is it, in a line",
    (
        "capture",
        "method",
    ): "How was it made or copied (export from the app, screenshots, copied from a stick …)",
    ("capture", "collector_role"): "Your role (case worker, investigator …)",
    ("capture", "original_untouched"): "Is the original untouched, and where is it",
    ("capture", "completeness"): "Is it complete; what is missing",
    ("source", "kind"): f"Kind of source, one of: {_KINDS_TEXT}",
    ("source", "text"): "Whose is it, and from which device or account",
    ("place", "text"): "Where was it collected (never a shelter's address)",
    ("legal", "basis"): "Legal basis (law, order, consent)",
}
"""The questions of the first hour; everything else is a field of --set or of the form."""


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
    """The request as stated; on a terminal, what must be known and is not is asked for: the source alone without
    ``questions``."""
    from custody.procedure import forms
    from custody.procedure.collect import Request

    record: Record = {}
    if form is not None:
        record = forms.read_form(read_small(form, limit=forms.MAX_BYTES), show(form))
    for part, values in (stated or {}).items():
        record.setdefault(part, {}).update(values)
    record = forms.merge(record, _asked(session, fields))
    if source is not None and source.strip() not in ("", "-"):
        record.setdefault("source", {})["text"] = free_text(source, "--source")
    record = _ask(session, record, only_source=not questions)
    return Request(
        case=case,
        exhibit=exhibit,
        record={part: values for part, values in record.items() if values},
        handling=tuple(dict.fromkeys(handling)) or ("unassessed",),
        seal=not no_seal,
        **more,
    )


def _asked(session: Session, fields: Sequence[str]) -> list[str]:
    """FIELD=VALUE as given; where VALUE is “-” it is asked for, and left out when nothing is typed."""
    found = []
    for text in fields:
        name, equals, value = text.partition("=")
        if equals and value == "-":
            typed = session.text(value, name)
            if typed is None:
                continue
            text = f"{name}={typed}"
        found.append(text)
    return found


def _ask(session: Session, record: Record, *, only_source: bool) -> Record:
    from custody.procedure import forms

    if not session.terminal.present:
        return record
    wanted = [pair for pair in QUESTIONS if not only_source or pair == ("source", "text")]
    missing = [pair for pair in wanted if pair[1] not in record.get(pair[0], {})]
    if missing and not only_source:
        session.out.say(
            f"About these files. Enter means {NOT_STATED}; custody todo --fields lists what was left open."
        )
    for part, name in missing:
        while (answer := session.terminal.line(f"{QUESTIONS[part, name]}: ")).strip():
            try:
                record = forms.merge(record, [f"{part}.{name}={answer}"])
                break
            except InputRefused as error:
                # Asked once more: what was answered to the questions before it is not thrown away.
                what = error.what if error.expected is None else f"{error.what}: expected {error.expected}"
                session.out.say(f"{what} (Enter: {NOT_STATED})")
    return record
