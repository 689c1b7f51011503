"""What a person says about reading items, and what is said back: options and lines of collect and derive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from custody.cli.output import count_text
from custody.cli.session import read_small
from custody.errors import UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.evidence.chat.normalise import Summary
    from custody.evidence.records.form import RecordsSummary
    from custody.procedure.derive import Derived, NotRead, Wish

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MAX_MAPPING = 64 << 10
_SHOWN = 6

QUESTIONS = {
    "date_order": ("whether day or month comes first", "--date-order DMY (or MDY, YMD)"),
    "zone": ("in which time zone the times are", "--time-zone Europe/Vienna (yours)"),
    "year": ("of which year the times are", "--year 2026 (that of the first line)"),
    "mapping": ("which column is what", "--mapping FILE"),
    "chain": ("which chain it is about", '--mapping FILE (with {"chain": "ethereum"} in it)'),
    "encoding": ("in which encoding the text is", "--mapping FILE"),
}


"""What a reader can leave open and a person can settle; other open things stand in the form and in show."""


def derive_options(function: _Function) -> _Function:
    """The options by which items are read as a person says."""
    for option in reversed(
        [
            click.option(
                "--format",
                "format_",
                metavar="NAME",
                help="The format by the name that custody formats gives; else the bytes decide.",
            ),
            click.option(
                "--time-zone",
                metavar="IANA",
                help="The time zone that the content's times are in, like Europe/Belgrade: your statement.",
            ),
            click.option(
                "--date-order",
                type=click.Choice(["DMY", "MDY", "YMD"]),
                help="Which of day, month and year comes first, where the file can't tell: your statement.",
            ),
            click.option(
                "--year",
                type=click.IntRange(1970, 9998),
                metavar="YYYY",
                help="The year of the first line of a log whose times have none: your statement.",
            ),
            click.option(
                "--mapping",
                metavar="FILE",
                type=click.Path(),
                help="JSON: which column of a table is what (derive asks, and writes a new file), or which chain.",
            ),
        ]
    ):
        function = option(function)
    return function


def wish_of(stated: dict[str, Any], *, off: bool = False) -> Wish:
    """The wish that the options say; they are taken out of ``stated``. UsageError for what can't be."""
    from custody.evidence.reading import Settings
    from custody.procedure.derive import Wish

    name, zone = stated.pop("format_"), stated.pop("time_zone")
    order, year, mapping = stated.pop("date_order"), stated.pop("year"), stated.pop("mapping")
    if zone is not None:
        _check_zone(zone)
    if name is not None and not off:
        from custody.evidence import registry  # half a second, for who names a reader

        registry.check_name(name)
    settings = Settings(
        time_zone=zone, date_order=order, year=year, mapping=None if mapping is None else _mapping(mapping)
    )
    return Wish(off=off, reader=name, settings=settings)


def _check_zone(name: str) -> None:
    from custody.errors import InputRefused
    from custody.evidence.chat import times

    try:
        times.zone(name)
    except InputRefused as error:
        raise UsageError(
            "not a time zone",
            where="--time-zone",
            found=show(name, 40),
            expected="a name like Europe/Belgrade",
        ) from error


def _mapping(path: str) -> dict[str, str]:
    import json

    try:
        value = json.loads(read_small(path, limit=_MAX_MAPPING))
    except (ValueError, RecursionError) as error:
        raise UsageError("not a JSON file", where=show(path)) from error
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise UsageError(
            "not a mapping", where=show(path), expected='a JSON object of texts, like {"time": "Date"}'
        )
    return value


def derived_lines(
    label: str, derived: Derived | NotRead | None, locker_words: str, *, labels: Sequence[str] = ()
) -> Iterator[str]:
    """What was made of an item, for people; nothing where nothing was. ``labels``: of what was made, form first."""
    from custody.procedure.derive import Derived

    if derived is None:
        return
    if not isinstance(derived, Derived):
        yield f"{label}: no readable form was made: {derived.reason}; the file itself is in"
        if derived.hint:
            yield f"  {derived.hint}"
        return
    labels = labels or [f"{label}.{at}" for at in range(1, len(derived.children) + 1)]
    if derived.chat is not None:
        yield f"{label} is a chat ({derived.chat.reader.title}); its readable form is {labels[0]}"
        yield f"  told by: {show('; '.join(derived.chat.detected.reasons), 300)}"
        yield from summary_lines(derived.chat.summary)
    if derived.records is not None:
        also = "also holds" if derived.chat is not None else "holds"
        title = derived.records.reader.title
        yield f"{label} {also} records ({title}); they are in {labels[len(derived.forms) - 1]}"
        yield f"  told by: {show('; '.join(derived.records.detected.reasons), 300)}"
        yield from rows_lines(derived.records.summary)
    for name, reader in derived.beside[:_SHOWN]:
        yield f"  NOT READ: {show(name, 120)} in it: {reader} would take it; one reader of records reads an item"
    if derived.beside:
        more = len(derived.beside) - _SHOWN
        yield f"  {f'NOT READ: {more} more, --json lists all. ' if more > 0 else ''}Collect them as files of their own"
    files = labels[len(derived.forms) :]
    if files:
        last = f" to {files[-1]}" if len(files) > 1 else ""
        yield f"  {count_text(len(files), 'file')} in it became items: {files[0]}{last}"
    for name, reason in derived.left_out[:_SHOWN]:
        yield f"  left inside: {show(name, 120)}: {reason}"
    if len(derived.left_out) > _SHOWN:
        yield f"  left inside: {len(derived.left_out) - _SHOWN} more; --json lists all"
    asked = dict.fromkeys(what for form in derived.forms for what in form.summary.open_questions)
    for what in filter(QUESTIONS.__contains__, asked):
        meaning, option = QUESTIONS[what]
        yield f"  open: the file does not say {meaning}. Who knows it says so:"
        yield f"    custody{locker_words} derive {label} {option}"


def rows_lines(summary: RecordsSummary) -> Iterator[str]:
    """The balance of the rows that were read, for people."""
    yield f"  {balance_text(summary.rows, summary.plain, summary.flagged, summary.kept_raw)}"
    if summary.first_time is not None:
        yield f"  {span_text(summary.first_time, summary.last_time)}"
    if summary.unread:
        yield f"  {count_text(summary.unread, 'range')} could not be read; their text is kept beside the rows"
    for code, count in summary.notices.items():
        yield f"  look: {code.replace('_', ' ')}{f' ({count} times)' if count > 1 else ''}"
    if not summary.whole:
        yield "  bytes were passed over: this is a fault in custody, please report it; the item itself is whole"


def balance_text(rows: int, plain: int, flagged: int, kept_raw: int) -> str:
    """Rows in = rows without flags + with flags + kept as they stand."""
    return (
        f"{count_text(rows, 'row')} = {plain:,} without flags + {flagged:,} with flags + "
        f"{kept_raw:,} not understood and kept as they stand"
    )


def summary_lines(summary: Summary) -> Iterator[str]:
    """The counts of a derivation, for people."""
    events = f", {count_text(summary.events, 'event')}" if summary.events else ""
    where = f" in {count_text(summary.conversations, 'conversation')}" if summary.conversations > 1 else ""
    yield f"  {count_text(summary.messages, 'message')}{events}{where}"
    if summary.declared is not None and summary.declared != summary.messages + summary.events:
        yield f"  the export says that it has {summary.declared}: look at what is missing"
    if summary.first_time is not None:
        yield f"  {span_text(summary.first_time, summary.last_time)}"
    yield from gap_lines(summary.attachments, summary.unread, summary.notices)
    if not summary.whole:
        yield "  bytes were passed over: this is a fault in custody, please report it; the export itself is whole"


def span_text(first: str, last: str | None) -> str:
    """From when to when, and whether that is instants or a clock's times."""
    known = first.endswith("Z") and (last or "Z").endswith("Z")
    return f"from {first} to {last}" + ("" if known else " (by the clock of the source; zone not known)")


def gap_lines(
    attachments: Mapping[str, int], unread: int, notices: Mapping[str, int], *, beside: str = "messages"
) -> Iterator[str]:
    """What is there, left out, or not understood, for people."""
    if attachments:
        states = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in attachments.items())
        yield f"  attachments: {states}"
    if unread:
        yield f"  {count_text(unread, 'range')} could not be read; their text is kept beside the {beside}"
    for code, count in notices.items():
        if code != "uncovered_bytes":
            yield f"  look: {code.replace('_', ' ')}{f' ({count} times)' if count > 1 else ''}"


def derived_value(
    label: str, derived: Derived | NotRead | None, *, labels: Sequence[str] = ()
) -> dict[str, Any] | None:
    """What was made of an item, for --json."""
    from custody.procedure.derive import Derived, rows_value, tree_value

    if derived is None:
        return None
    empty: dict[str, Any] = {
        "form": None,
        "reason": "",
        "files": 0,
        "left_out": [],
        "not_read": [],
        "counts": None,
        "records": None,
    }
    if not isinstance(derived, Derived):
        return {**empty, "reason": derived.reason}
    labels = labels or [f"{label}.{at}" for at in range(1, len(derived.children) + 1)]
    value = {
        **empty,
        "files": len(derived.parts),
        "left_out": [{"name": show(name, 400), "reason": reason} for name, reason in derived.left_out],
        "not_read": [{"name": show(name, 400), "reader": reader} for name, reader in derived.beside],
    }
    if derived.chat is not None:
        value["form"] = labels[0]
        value["reason"] = "; ".join(derived.chat.detected.reasons)
        value["counts"] = tree_value(derived.chat.reader, derived.chat.summary)
    if derived.records is not None:
        value["records"] = {
            "form": labels[len(derived.forms) - 1],
            "reason": "; ".join(derived.records.detected.reasons),
            "counts": rows_value(derived.records.reader, derived.records.summary),
        }
    return value
