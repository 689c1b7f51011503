"""custody trust: what the verifier's own side believes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Group
from custody.cli.output import count_text
from custody.cli.session import Session, read_small
from custody.errors import UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.format.trust import Trust
    from custody.procedure.paper import Compared

_TRUST_HELP = "The trust file."


@click.group(cls=Group, short_help="senders and time authorities that you believe")
def trust() -> None:
    """The trust file: which records and time authorities your own side believes. It never comes in a package."""


@trust.command("init", short_help="make a trust file")
@click.option(
    "-o", "output", metavar="FILE", type=click.Path(), required=True, help="The trust file to make."
)
@click.option(
    "--from-locker", is_flag=True, help="Believe your own locker and its time authorities: for your own use."
)
@click.option(
    "--tsa-root",
    metavar="PEM",
    multiple=True,
    type=click.Path(),
    help="Believe this root of a time authority.",
)
@click.option(
    "--require",
    metavar="WORD",
    multiple=True,
    help="Demand more: every-entry-timed, no-test-authority, connected.",
)
def init(
    session: Session, output: str, from_locker: bool, tsa_root: Sequence[str], require: Sequence[str]
) -> None:
    """Make a trust file: empty, or with what your own locker knows. Needs no key."""
    import dataclasses

    from custody.format.trust import REQUIREMENTS, Trust
    from custody.procedure import trust as trusting

    for word in require:
        if word not in REQUIREMENTS:
            raise UsageError(
                "not a demand", where="--require", found=show(word, 40), expected=", ".join(REQUIREMENTS)
            )
    made = trusting.from_locker(session.locker()) if from_locker else Trust()
    made = _with_roots(dataclasses.replace(made, require=tuple(dict.fromkeys(require))), tsa_root)
    trusting.write(Path(output), made, replace=False)
    session.out.result({"file": output, **_value(made)})
    _say(session, output, made)
    if not from_locker:
        session.out.next(f"custody trust add PACKAGE --fingerprint WORDS --trust {_quoted(output)}")
    else:
        session.out.next(f"custody verify PACKAGE --trust {_quoted(output)}")


@trust.command("add", short_help="believe a sender, or a time authority")
@click.argument("package", metavar="[PACKAGE]", required=False, type=click.Path())
@click.option("--trust", "trust_file", metavar="FILE", type=click.Path(), required=True, help=_TRUST_HELP)
@click.option(
    "--fingerprint", metavar="WORDS", help="The sender's twelve words, heard by another way; “-” asks."
)
@click.option(
    "--tsa-root",
    metavar="PEM",
    multiple=True,
    type=click.Path(),
    help="Believe this root of a time authority.",
)
def add(
    session: Session, package: str | None, trust_file: str, fingerprint: str | None, tsa_root: Sequence[str]
) -> None:
    """Believe the sender of PACKAGE, whose twelve words somebody you know has read out; or a time authority."""
    from custody.procedure import trust as trusting

    if package is None and not tsa_root:
        raise UsageError("nothing to add", expected="PACKAGE with --fingerprint, or --tsa-root PEM")
    if package is not None and fingerprint is None:
        raise UsageError(
            "a package alone can't say whom it is from",
            expected="--fingerprint with the sender's twelve words",
            hint="call the sender on a number that you know, and have the words read out",
        )
    path = Path(trust_file)
    found = _with_roots(trusting.read(path), tsa_root)
    if package is not None:
        spoken = session.text(fingerprint, "The twelve words")
        if spoken is None:
            raise UsageError("no words were given", expected="twelve words")
        heard = trusting.fingerprint_of(spoken)
        with session.open_package(package) as file:
            found, origin, size = trusting.add_package(found, file, heard, where=show(package))
        session.out.say(f"believes the record {origin}, up to its entry {size}")
    trusting.write(path, found, replace=True)
    session.out.result({"file": trust_file, **_value(found)})
    _say(session, trust_file, found)
    session.out.next(f"custody verify PACKAGE --trust {_quoted(trust_file)}")


@trust.command("show", short_help="what a trust file says")
@click.option("--trust", "trust_file", metavar="FILE", type=click.Path(), required=True, help=_TRUST_HELP)
def show_(session: Session, trust_file: str) -> None:
    """What a trust file believes, with the digests to compare with what an authority publishes."""
    from custody.procedure import trust as trusting

    found = trusting.read(Path(trust_file))
    value = _value(found)
    session.out.result({"file": trust_file, **value})
    for ledger in value["ledgers"]:
        session.out.data(f"record     {ledger['origin']}", f"  words    {ledger['fingerprint']}")
        session.out.data(f"  seen up to {max(ledger['notes'], default=0)} entries")
    for authority in value["authorities"]:
        mark = " (test authority, not for court)" if authority["test"] else ""
        session.out.data(f"authority  {show(authority['source'])}{mark}")
        session.out.data(*(f"  root     sha256:{digest}" for digest in authority["roots"]))
    for word in value["require"]:
        session.out.data(f"demands    {word}")
    if not (value["ledgers"] or value["authorities"]):
        session.out.say("it believes nobody yet")


@trust.command("paper", short_help="compare a state of the record that was printed on paper")
@click.argument("typed", metavar="TYPED", type=click.Path())
@click.argument("package", metavar="[PACKAGE]", required=False, type=click.Path())
def paper(session: Session, typed: str, package: str | None) -> None:
    """Compare what custody seal --paper printed, typed off into the file TYPED, with PACKAGE or with the locker.

    Needs no key. “-” reads TYPED from standard input. Ends with 0 when the record is the paper's or
    continues it, 1 when it contradicts, 6 when the package is older than the paper or nothing connects them.
    """
    from custody.procedure import paper as papers

    checkpoint = papers.read(read_typed(typed), where=show(typed))
    if package is None:
        found = papers.compare_locker(session.locker(), checkpoint)
    else:
        with session.open_package(package) as file:
            found = papers.compare_package(file, checkpoint, now=session.rim.now(), where=show(package))
    session.out.result(
        {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "outcome": found.outcome,
            "holds": found.holds,
            "entries": found.size,
            "covered": list(found.covered),
            "later": list(found.later),
        }
    )
    _say_compared(session, found, "the package" if package is not None else "this locker")


def _say_compared(session: Session, found: Compared, what: str) -> None:
    from custody.errors import CheckFailed, NotConfirmed
    from custody.procedure import paper as papers

    paper_size = count_text(found.typed.size, "entry", "entries")
    if found.holds is None:
        if found.outcome == papers.OLDER and found.report is None:
            raise CheckFailed(
                "this locker is older than the paper: entries that were in the record are not here",
                expected=f"at least {paper_size}",
                found=f"{found.size}",
                hint="an old copy looks the same: find the newer one, and keep this as it is",
            )
        why = (
            f"the package is older than the paper: it has {found.size} entries, the paper {found.typed.size}"
            if found.outcome == papers.OLDER
            else "nothing in the package connects it with the paper's state"
        )
        raise NotConfirmed(why, hint="ask the sender for a package that is made now, and compare that")
    if not found.holds:
        raise CheckFailed(
            "the paper is about another record"
            if found.outcome == papers.ANOTHER
            else f"the record was changed: it is not the one whose first {paper_size} stand on the paper",
            hint="compare the line “record” with the letter; a record that was continued from a backup has a new name"
            if found.outcome == papers.ANOTHER
            else "keep the paper and this copy as they are, and ask an expert: both can't be true",
        )
    session.out.data(
        f"{what} is in the very state that stands on the paper"
        if found.outcome == papers.SAME
        else f"{what} continues the record on the paper: its first {paper_size} of {found.size} are those"
    )
    if found.covered:
        session.out.data(f"in the record before the paper's date: {', '.join(found.covered)}")
    if found.later:
        session.out.data(f"added after it was printed: {', '.join(found.later)}")
    session.out.say(
        "So nothing of that was changed, removed or put into another order since the date of the paper."
        " What the date is worth is for whoever keeps the paper to say."
    )


def read_typed(path: str) -> str:
    """What somebody typed off, from a file or standard input, as text."""
    import sys

    data = sys.stdin.buffer.read(64 * 1024) if path == "-" else read_small(path, limit=64 * 1024)
    # Typed by people on any machine: a byte that is no text fits no check character.
    return data.decode("utf-8", "replace")


def _with_roots(found: Trust, paths: Sequence[str]) -> Trust:
    from custody.procedure import trust as trusting
    from custody.verify.token import read_roots

    for path in paths:
        roots = read_roots(read_small(path, limit=1024 * 1024), show(path))
        found = trusting.add_authority(found, roots, Path(path).name)
    return found


def _value(found: Trust) -> dict[str, Any]:
    from custody.format import words
    from custody.procedure import trust as trusting

    return {
        "ledgers": [
            {
                "origin": ledger.origin,
                "genesis": ledger.genesis,
                "fingerprint": " ".join(words.encode(bytes.fromhex(ledger.genesis)[:16])),
                "notes": trusting.note_sizes(found, ledger.origin),
            }
            for ledger in found.ledgers
        ],
        "authorities": [
            {
                "source": authority.source,
                "roots": list(trusting.root_digests(authority)),
                "policies": list(authority.policies),
                "test": authority.test,
            }
            for authority in found.authorities
        ],
        "require": list(found.require),
    }


def _say(session: Session, path: str, found: Trust) -> None:
    session.out.say(
        f"wrote {show(path)}: it believes {count_text(len(found.ledgers), 'record')} and"
        f" {count_text(len(found.authorities), 'time authority', 'time authorities')}"
    )


def _quoted(text: str) -> str:
    from custody.cli.words import quoted

    return quoted(text)
