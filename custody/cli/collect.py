"""custody collect: files become items."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command, always
from custody.cli.deriving import derive_options, derived_lines, derived_value, wish_of
from custody.cli.output import ProgressLine, count_text, size_text
from custody.cli.session import Session
from custody.cli.stating import Record, request, request_options
from custody.errors import Interrupted, PartlyDone, UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.collect import Collected, Progress
    from custody.procedure.derive import Wish
    from custody.procedure.sources import Found

_REFUSED_SHOWN = 20
_LABELS_SHOWN = 10
_OURS = "application/vnd.custody."  # what was typed by hand: it has been read back


def _print_blank_form(context: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from custody.procedure import forms

        sys.stdout.write(forms.template())
        context.exit()


@click.command(cls=Command, unlocks=always, short_help="take files in: encrypted, logged, time-stamped")
@click.argument("paths", metavar="PATH…", nargs=-1, type=click.Path())
@request_options
@derive_options
@click.option(
    "--no-derive",
    is_flag=True,
    help="Make no readable form of chats now; custody derive ITEM does it later.",
)
@click.option("--expect", metavar="sha256:HEX", help="The digest that the sender told you, of the one file.")
@click.option(
    "--digest", "digests", metavar="NAME", multiple=True, help="A further digest: sha512, sha3_256, …"
)
@click.option(
    "--blank-form",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_blank_form,
    help="Print an empty form for --form and exit.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Also log files that are in already from the same source: received once more, not stored twice.",
)
@click.option(
    "--register",
    is_flag=True,
    help="Log digest, size and name only; keep no content. For what may not be stored here.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: not about the record, not before many files.")
def collect(
    session: Session,
    paths: Sequence[str],
    ref: str,
    no_derive: bool,
    expect: str | None,
    digests: Sequence[str],
    again: bool,
    register: bool,
    yes: bool,
    **stated: Any,
) -> None:
    """Take files, folders or standard input (“-”) into a case.

    The bytes are kept as they are, encrypted; the originals are never touched. The same bytes from the
    same source are not taken twice; from another source they are logged as received again, with their own
    name and source, and not stored twice. An interrupted run is continued by the same command.
    """
    from custody.procedure import sources
    from custody.procedure.readers import Readers

    if not paths:
        raise UsageError("no file named", expected="PATH…, or “-” for standard input")
    from_input = "-" in paths
    if from_input and len(paths) > 1:
        raise UsageError("standard input is taken alone", expected="“-”, or files and folders", found="both")
    wish = wish_of(stated, off=no_derive)
    extra = _record(wish)
    digest = _expected(expect)
    session.locker()  # that there is none is told before a large folder is walked
    found = sources.Found(given=(), sources=(), refused=()) if from_input else sources.look(list(paths))
    with Readers(found.sources) as readers:
        from custody.procedure import cases  # loads the database's library, beside the workers
        from custody.procedure import collect as collecting

        desk = session.desk()
        case = cases.find(desk, ref)
        if len(found.sources) > collecting.MANY and not yes:
            _confirm_many(session, found)
        if register:
            session.out.say("registering only: digests are logged, no content is kept")
        wanted = request(
            session,
            case.id,
            stated=extra,
            questions=not yes,
            expect=digest,
            digests=tuple(dict.fromkeys(("sha256", *digests))),
            again=again,
            register=register,
            derive=wish,
            **stated,
        )
        with ProgressLine() as line:

            def show_progress(at: Progress) -> None:
                line.bytes_done(
                    at.bytes, at.of_bytes, before=f"{at.files} of {count_text(at.of_files, 'file')}, "
                )

            done = collecting.collect(
                desk,
                found,
                wanted,
                stream=sys.stdin.buffer if from_input else None,
                progress=show_progress,
                workers=readers,
            )
    say_collected(session, done, ref)
    if done.interrupted:
        raise Interrupted(
            f"interrupted; the {count_text(len(done.items) + len(done.received), 'item')} reported as in are in",
            hint="run the same command again: it goes on where it stopped",
        )
    if done.refused:
        raise PartlyDone(
            f"{count_text(len(done.refused), 'file was', 'files were')} not taken; the rest is in",
            hint="see the list above; mend what can be mended and run the same command again",
        )
    _check_marks(session, done, wanted.handling)


def _check_marks(session: Session, done: Collected, handling: Sequence[str]) -> None:
    """A mark on what is in already was not logged: whoever gave it must not believe that it protects."""
    marks = [flag for flag in handling if flag != "unassessed"]
    if not marks or not done.already:
        return
    what = (
        f"{count_text(done.already, 'file was', 'files were')} in already: {', '.join(marks)} was not logged for"
        f" {'it' if done.already == 1 else 'them'}"
    )
    hint = "run the same command with --again: the mark is logged, nothing is stored twice"
    if done.continued:
        session.out.advise(f"{what}; those of an interrupted run have the marks of that run. If not: {hint}")
        return
    raise PartlyDone(what, hint=hint)


def _record(wish: Wish) -> Record:
    """What was said about reading the files stands in the acquisition too: somebody stated it."""
    record: Record = {}
    if wish.reader is not None:
        record["capture"] = {"format": wish.reader}
    if wish.settings.time_zone is not None:
        record["source"] = {"time_zone": wish.settings.time_zone}
    return record


def _expected(text: str | None) -> str | None:
    if text is None:
        return None
    match = re.fullmatch(r"sha256:([0-9a-fA-F]{64})", text.strip())
    if match is None:
        raise UsageError(
            "not a digest", where="--expect", expected="sha256: and 64 hex digits", found=show(text, 80)
        )
    return match[1].lower()


def _confirm_many(session: Session, found: Found) -> None:
    summary = f"{count_text(len(found.sources), 'file')}, {size_text(found.size)}"
    session.out.say(f"about to take {summary}")
    if not session.terminal.present:
        raise UsageError(
            f"many files ({summary}), and nobody to ask whether they are meant",
            hint="look at the folder; if all of it is meant, add --yes",
        )
    if not session.confirm("Take them all?"):
        raise click.Abort


def say_collected(session: Session, done: Collected, ref: str) -> None:
    """What came in, what did not, and what is still to be done."""
    from custody.cli.words import quoted, say_sealed

    out = session.out
    out.result(_value(done))
    if done.items or done.received:
        _say_items(session, done)
    if done.already:
        out.say(
            f"{count_text(done.already, 'file was', 'files were')} in already, the same bytes from the same source"
        )
    for label, others in done.elsewhere.items():
        out.say(f"{label} has the same bytes as {', '.join(others)}; both are kept")
    for item in done.items:
        for flag in item.flags:
            out.say(f"look at {item.label}: {flag}")
    for item in done.items:
        if item.derived is not None:
            out.say(*derived_lines(item.label, item.derived, session.locker_words))
    _say_unread(session, done)
    for refused in done.refused[:_REFUSED_SHOWN]:
        out.say(f"not taken: {show(refused.path)}: {refused.reason}")
    if len(done.refused) > _REFUSED_SHOWN:
        out.say(f"not taken: {len(done.refused) - _REFUSED_SHOWN} more; --json lists all")
    if done.no_lookup:
        out.say("your key can't tell what is in already: the same files may be in twice")
    if done.not_stated:
        out.say(f"not stated: {', '.join(done.not_stated)}")
    if done.sealed is not None:
        say_sealed(out, done.sealed)
    if done.originals:
        out.say(
            "The files you took in still lie readable in:", *(f"  {show(path)}" for path in done.originals)
        )
        out.say("Custody never deletes originals.")
    out.next(
        f"custody{session.locker_words} list --case {quoted(ref)}", f"custody{session.locker_words} todo"
    )


def _say_unread(session: Session, done: Collected) -> None:
    """Which items are kept and were not read: silence would be taken for "nothing of interest in it"."""
    kept = [
        item
        for item in done.items
        if item.derived is None and not item.registered and not item.media_type.startswith(_OURS)
    ]
    pictures = [item.label for item in kept if item.media_type.startswith("image/")]
    others = [item.label for item in kept if not item.media_type.startswith("image/")]
    if others:
        session.out.say(
            f"kept, and not read as a chat or as records: {_labels_text(others)}; custody formats lists what is read"
        )
    if pictures:
        session.out.say(
            f"kept, pictures: {_labels_text(pictures)}; what else is in such a file (a place, a camera, a text):"
            f" custody{session.locker_words} records {pictures[0]}"
        )


def _labels_text(labels: list[str]) -> str:
    more = "" if len(labels) <= _LABELS_SHOWN else f" and {len(labels) - _LABELS_SHOWN} more"
    return f"{', '.join(labels[:_LABELS_SHOWN])}{more}"


def _say_items(session: Session, done: Collected) -> None:
    out = session.out
    labels = [one.label for one in done.items] + [one.label for one in done.received]
    labels.sort(key=lambda label: int(label.rpartition("/")[2]))
    if done.items:
        verb = "registered" if done.items[0].registered else "took"
        kept = " keeping no content," if done.items[0].registered else ""
        out.say(
            f"{verb} {count_text(len(done.items), 'item')}, {size_text(done.size)},{kept} into exhibit {done.exhibit}"
        )
    for one in done.received[:_REFUSED_SHOWN]:
        out.say(f"{one.label} is {one.item} received again: the same bytes, logged with their own source")
    if len(done.received) > _REFUSED_SHOWN:
        out.say(f"received again: {len(done.received) - _REFUSED_SHOWN} more; --json lists all")
    if done.continued:
        out.say("an acquisition that was not finished was continued")
    again = [f"again    {len(done.received)}"] if done.received else []
    out.data(
        f"exhibit  {done.exhibit}",
        f"items    {labels[0] if len(labels) == 1 else f'{labels[0]} to {labels[-1]}'}",
        f"count    {len(done.items)}",
        *again,
        f"bytes    {done.size}",
        f"digest   {done.digest}",
    )
    out.say(
        "The digest is over the SHA-256 of each, in order, and stands nowhere else: write it into your notes."
    )


def _value(done: Collected) -> dict[str, Any]:
    from custody.cli.words import sealed_value
    from custody.format.compartments import name_value

    return {
        "exhibit": done.exhibit,
        "count": len(done.items),
        "size": done.size,
        "digest": done.digest,
        "items": [
            {
                "id": item.id,
                "label": item.label,
                "sha256": item.sha256,
                "size": item.size,
                "media_type": item.media_type,
                "flags": list(item.flags),
                "path": None if item.path is None else name_value(item.path),
                "registered": item.registered,
                "derived": derived_value(item.label, item.derived),
            }
            for item in done.items
        ],
        "received": [
            {
                "id": one.id,
                "item": one.item,
                "label": one.label,
                "sha256": one.sha256,
                "size": one.size,
                "path": None if one.path is None else name_value(one.path),
            }
            for one in done.received
        ],
        "already": done.already,
        "elsewhere": {label: list(others) for label, others in done.elsewhere.items()},
        "refused": [
            {"path": name_value(refused.path), "code": refused.code, "reason": refused.reason}
            for refused in done.refused
        ],
        "originals": [name_value(path) for path in done.originals],
        "interrupted": done.interrupted,
        "continued": done.continued,
        "lookup": not done.no_lookup,
        "not_stated": list(done.not_stated),
        "sealed": sealed_value(done.sealed),
    }
