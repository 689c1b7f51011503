"""custody export: a package that a stranger can check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command, always
from custody.cli.output import ProgressLine, count_text, size_text
from custody.cli.session import NOT_STATED, Session
from custody.errors import UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.export import Exported, Preview


@click.command(cls=Command, unlocks=always, short_help="write a package that somebody else can check")
@click.argument("items", metavar="[ITEM…]", nargs=-1)
@click.option("--case", "ref", metavar="REF", help="The case.")
@click.option("-o", "output", metavar="FILE", type=click.Path(), help="The package to write, a new file.")
@click.option("--plain", is_flag=True, help="Do not encrypt: whoever gets the file reads everything in it.")
@click.option(
    "--withhold",
    metavar="PART,…",
    multiple=True,
    help="Leave these parts out, of name (the files' own names), source, capture, legal, title, which are shown else.",
)
@click.option(
    "--show",
    "show_",
    metavar="PART,…",
    multiple=True,
    help="Show these too, which are left out by default: place, identity, note, handling, purpose, custodians.",
)
@click.option("--recipient", metavar="TEXT", help="Who gets it; asked for when absent or “-”. Kept sealed.")
@click.option("--purpose", metavar="TEXT", help="What for; asked for when absent or “-”. Kept sealed.")
@click.option("--no-seal", is_flag=True, help="Do not ask the time authorities for a time proof.")
@click.option("--preview", is_flag=True, help="Say what would be shown and left out; write and log nothing.")
@click.option(
    "--again",
    metavar="ID",
    help="Write this package once more, as it was: one whose file failed, or a second copy.",
)
@click.option("--done", metavar="ID", help="Stop reminding of this package: its file is not wanted.")
def export(
    session: Session,
    items: Sequence[str],
    ref: str | None,
    output: str | None,
    plain: bool,
    withhold: Sequence[str],
    show_: Sequence[str],
    recipient: str | None,
    purpose: str | None,
    no_seal: bool,
    preview: bool,
    again: str | None,
    done: str | None,
) -> None:
    """Write items of a case (all of them, when none is named) with their history into one package.

    Encrypted unless --plain; its passphrase is printed once, and kept sealed in the locker.

    With --again the package is the one that was made, byte for byte but its encryption, under the same
    passphrase. ID: at least six digits of the end of the package's id; custody todo names those whose
    files were not written. Each time is logged.
    """
    from custody.procedure import cases
    from custody.procedure import export as exporting
    from custody.procedure.carried import carried
    from custody.procedure.items import find_items

    if again is not None or done is not None:
        chosen = {"ITEM": items, "--case": ref, "--plain": plain, "--withhold": withhold, "--show": show_}
        chosen |= {"--preview": preview}
        chosen |= {"--again": again} if done is not None else {}
        _refuse_beside("--again" if done is None else "--done", chosen)
        if done is not None:
            _not_wanted(session, done)
        elif again is not None:
            _write_again(session, again, output, purpose, recipient, no_seal)
        return
    if ref is None:
        raise UsageError("no case named", expected="--case REF", hint="custody case list shows the cases")
    if output is None and not preview:
        raise UsageError("no file named", expected="-o FILE, or --preview")
    desk = session.desk()
    case = cases.find(desk, ref)
    rows = {row.id: row for one in items for row in find_items(desk, one, case.id)}
    choice = exporting.Choice(
        case=case.id, items=tuple(rows.values()), show=_parts(show_), withhold=_parts(withhold)
    )
    exporting.check_choice(desk, choice)
    for text in carried(desk, choice):
        session.out.warn(text)
    if preview or output is None:
        _say_preview(session, exporting.preview(desk, choice))
        return
    exporting.check_output(desk, Path(output))
    why = session.text(purpose, "What is this package for") or NOT_STATED
    who = session.text(recipient, "Who gets it")
    with ProgressLine() as line:
        made = exporting.export(
            desk,
            choice,
            Path(output),
            purpose=why,
            recipient=who,
            plain=plain,
            stamped=not no_seal,
            progress=line.bytes_done,
        )
    session.out.result({"preview": False, **_value(made)})
    _say(session, made, output)


def _refuse_beside(option: str, others: dict[str, Any]) -> None:
    """A package that was made has its items and parts: nothing about them can be chosen again."""
    for name, value in others.items():
        if value:
            raise UsageError(
                f"{option} takes no {name}: the package was made, and stays as it is",
                hint="for another choice make a new package: custody export --case REF",
            )


def _write_again(
    session: Session,
    wanted: str,
    output: str | None,
    purpose: str | None,
    recipient: str | None,
    no_seal: bool,
) -> None:
    from custody.procedure import again
    from custody.procedure import export as exporting

    if output is None:
        raise UsageError("no file named", expected="-o FILE")
    desk = session.desk()
    row = again.find(desk, wanted)
    exporting.check_output(desk, Path(output))
    why = session.text(purpose, "What is this copy for") or NOT_STATED
    who = session.text(recipient, "Who gets it")
    with ProgressLine() as line:
        done = again.again(
            desk,
            row,
            Path(output),
            purpose=why,
            recipient=who,
            stamped=not no_seal,
            progress=line.bytes_done,
        )
    session.out.result({"preview": False, **_value(done)})
    session.out.say(_AGAIN[done.again or "same"])
    _say(session, done, output)


_AGAIN = {
    "same": "the same package as before, byte for byte but its encryption",
    "first": "this package's file had not been written before",
    "changed": "the same items, parts and history; the pages beside them are not those of the copy before",
}


def _not_wanted(session: Session, wanted: str) -> None:
    from custody.procedure import again

    desk = session.desk()
    row = again.find(desk, wanted)
    again.not_wanted(desk, row)
    session.out.result({"preview": False, "not_wanted": True, "package": row.id})
    session.out.say(f"no longer reminds of package {row.id[-8:]}; its entries stay in the record")
    session.out.next(f"custody{session.locker_words} todo")


def _parts(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip()))


def _say_preview(session: Session, found: Preview) -> None:
    session.out.result(
        {
            "preview": True,
            "items": found.items,
            "of_items": found.of_items,
            "exhibits": list(found.exhibits),
            "shown": list(found.shown),
            "withheld": dict(found.withheld),
            "not_searched": found.unsearched,
        }
    )
    session.out.data(
        f"items      {found.items} of {found.of_items} of this case",
        f"exhibits   {', '.join(found.exhibits)}",
        f"shown      {', '.join(found.shown)}",
        f"left out   {_withheld(found.withheld)}",
    )
    if "name" in found.shown:
        session.out.say(
            "The files' own names go out, and the folders that they lay in: a chat export is often called after a"
            " person. To leave them out: --withhold name"
        )
    session.out.say(
        f"{count_text(found.unsearched, 'content was', 'contents were')} not searched for names: faces, voices and"
        " names inside the files go out as they are",
        "nothing was written or logged",
    )


def _withheld(counts: Any) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items())) or "nothing"


def _value(done: Exported) -> dict[str, Any]:
    return {
        "package": done.package,
        "file": str(done.path),
        "size": done.size,
        "sha512": done.sha512,
        "items": done.items,
        "of_items": done.of_items,
        "withheld": dict(done.withheld),
        "encrypted": done.passphrase is not None,
        "passphrase": done.passphrase,
        "again": done.again,
        "fingerprint": " ".join(done.fingerprint),
        "tokens": [
            {
                "time": token.gen_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "signer": token.signer,
                "test_authority": token.test,
            }
            for token in done.tokens
        ],
        "waiting": [{"url": one.url, "problem": one.problem, "reached": one.reached} for one in done.waiting],
        "authorities": done.authorities,
    }


def _say(session: Session, done: Exported, output: str) -> None:
    from custody.cli.words import quoted, say_tokens

    out = session.out
    out.say(
        f"wrote {show(output)}, {size_text(done.size)}: {done.items} of {count_text(done.of_items, 'item')}"
        " of this case",
        f"left out: {_withheld(done.withheld)}",
    )
    say_tokens(out, done.tokens, done.waiting, done.authorities)
    out.data(f"package      {done.package}", f"sha512       {done.sha512}")
    if done.passphrase is None:
        out.advise("this package is not encrypted: whoever gets the file reads everything in it")
    else:
        out.data(f"passphrase   {done.passphrase}")
        if done.again is not None:
            out.say("The passphrase is the one that the package always had.")
        out.say("Tell the passphrase by another way than the file. It is kept sealed in the locker too.")
    out.data(f"fingerprint  {' '.join(done.fingerprint)}")
    out.say(
        "Whoever gets the package confirms by the twelve words of the fingerprint that it is yours: by telephone."
    )
    out.next(f"custody verify {quoted(output)}", f"custody verify {quoted(output)} --fingerprint WORDS")
