"""custody seal: sign the record's state, and ask the time authorities that the locker names."""

from __future__ import annotations

from collections.abc import Sequence

import click

from custody.cli.base import Command, always
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.errors import MachineError


@click.command(cls=Command, unlocks=always, short_help="sign the record's state and get time proofs")
@click.option("--tsa", metavar="URL", multiple=True, help="Ask this time authority too, from now on.")
@click.option(
    "--tsa-root",
    metavar="PEM",
    multiple=True,
    type=click.Path(),
    help="The root certificate of the --tsa before it. Without one its time proofs are kept and confirm nothing.",
)
@click.option("--again", is_flag=True, help="Sign and ask anew even if nothing has changed since.")
@click.option("--paper", is_flag=True, help="Also print the record's state for a letter or a newspaper.")
def seal(session: Session, tsa: Sequence[str], tsa_root: Sequence[str], again: bool, paper: bool) -> None:
    """Sign the state of the record, and ask every named authority for a time proof over it.

    Only the newest state needs a time proof: it covers everything before. Without a network it waits.
    Ends with exit code 5 when an authority is named and none gave a time proof.

    --paper prints it in groups with check characters, and works without a network: put it into a dated
    letter or a newspaper. Typed back, custody trust paper compares it with a package or with this locker.
    """
    from custody.cli.words import named_authorities, say_sealed, sealed_value
    from custody.errors import NoRight
    from custody.procedure import seal as sealing

    named = named_authorities(session.order, tsa, tsa_root)
    desk = session.desk()
    if named:
        sealing.name_authorities(desk, named)
        session.out.say(*(f"named the time authority {one.url}" for one in named))
    if paper:
        _print(session, again=again)
        return
    done = sealing.seal(desk, renew=again)
    if done.why_not is not None:
        raise NoRight(
            "not sealed: your key has no right to seal",
            hint="ask a custodian who has it to run: custody seal; nothing is lost by waiting",
        )
    session.out.result({**(sealed_value(done) or {}), "paper": None})
    say_sealed(session.out, done)
    session.out.data(*([done.note.sha256] if done.note is not None else []))
    if done.waiting and not done.tokens:
        raise MachineError(
            "no time authority gave a time proof",
            hint="the record is signed and the request waits; run custody seal again when the network is there",
        )
    session.out.next(f"custody{session.locker_words} todo")


def _print(session: Session, *, again: bool) -> None:
    from custody.cli.words import say_sealed, sealed_value
    from custody.procedure import paper

    printed = paper.print_newest(session.desk(), renew=again)
    session.out.result(
        {
            **(sealed_value(printed.sealed) or {}),
            "paper": {
                "origin": printed.checkpoint.origin,
                "size": printed.checkpoint.size,
                "root": printed.checkpoint.root.hex(),
                "lines": list(printed.lines),
                "fingerprint": " ".join(printed.fingerprint),
                "newer": printed.newer,
            },
        }
    )
    say_sealed(session.out, printed.sealed)
    session.out.data(*printed.lines, f"words    {' '.join(printed.fingerprint)}")
    if printed.newer:
        session.out.say(f"{count_text(printed.newer, 'newer entry is', 'newer entries are')} not covered")
    session.out.say(
        "Print it with the date, sign the letter, and let it leave your hands: somebody else's archive is the witness."
    )
    session.out.next(f"custody{session.locker_words} trust paper LETTER.txt")
