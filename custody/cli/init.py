"""custody init: a locker, its first key, and a way back into it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.cli.base import Command
from custody.cli.session import NOT_STATED, Session, read_small
from custody.errors import CustodyError, InputRefused, MachineError, UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.keys.keyfile import KeyFile
    from custody.keys.recovery import RecoverySheet
    from custody.procedure.setup import Recovery

_THREE_WAYS = (
    "choose one: --recovery-sheet FILE writes a page with 24 words to print and lock away; --custodian PUBFILE"
    " lets a second person's key open everything too; --no-recovery means that if the passphrase is lost,"
    " everything is lost"
)


@click.command(cls=Command, short_help="make a locker, your key, and a way back into it")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path())
@click.option("--name", metavar="NAME", help="Your name, kept sealed. Asked for when absent or “-”.")
@click.option("--organisation", metavar="ORG", help="Your organisation, kept sealed; “-” asks.")
@click.option(
    "--tsa",
    metavar="URL",
    multiple=True,
    help="A time authority to ask for time proofs; none is asked that is not named.",
)
@click.option(
    "--tsa-root",
    metavar="PEM",
    multiple=True,
    type=click.Path(),
    help="The root certificate of the --tsa before it. Without one its time proofs are kept and confirm nothing.",
)
@click.option(
    "--custodian",
    metavar="PUBFILE",
    type=click.Path(),
    help="A second person's public key file: a way back in.",
)
@click.option(
    "--custodian-name", metavar="NAME", help="That person's name, kept sealed. Asked for when absent or “-”."
)
@click.option(
    "--recovery-sheet",
    metavar="FILE",
    type=click.Path(),
    help="Write a page with 24 words to FILE, to print and lock away: a way back in.",
)
@click.option(
    "--no-recovery", is_flag=True, help="No way back: if the passphrase is lost, everything is lost."
)
def init(
    session: Session,
    directory: str | None,
    name: str | None,
    organisation: str | None,
    tsa: Sequence[str],
    tsa_root: Sequence[str],
    custodian: str | None,
    custodian_name: str | None,
    recovery_sheet: str | None,
    no_recovery: bool,
) -> None:
    """Make a locker in DIR (else --locker, CUSTODY_LOCKER, the current folder), which must be empty or absent.

    Your key is made too when you have none. It lies outside the locker, under your passphrase.
    """
    from custody.cli.words import named_authorities
    from custody.procedure import setup

    place = _place(session, directory)
    if sum((custodian is not None, recovery_sheet is not None, no_recovery)) != 1:
        raise UsageError(
            "how can this locker be opened when your passphrase is lost?",
            expected="exactly one of --recovery-sheet, --custodian, --no-recovery",
            hint=_THREE_WAYS,
        )
    setup.check_place(place)
    for what, path in (("--key", session.key_path), ("--recovery-sheet", recovery_sheet)):
        if path is not None and Path(path).absolute().is_relative_to(place.absolute()):
            raise UsageError(
                "this must not lie in the locker itself: whoever takes the one would have the other",
                where=what,
                found=show(str(path)),
                hint="name a place outside the locker",
            )
    authorities = named_authorities(session.order, tsa, tsa_root)
    how = _recovery(session, custodian, custodian_name, recovery_sheet)
    stated = session.text(name, "Your name, as it should stand in the record; it is kept sealed")
    organisation = session.particular(organisation, "Your organisation; it is kept sealed")
    key, key_made = _own_key(session)
    if how.custodian is not None and how.custodian[0].key_id == key.key_id:
        raise UsageError(
            "this is your own public key: it is no way back when your key is lost",
            where="--custodian",
            hint="ask a second person for theirs: custody custodian new -o KEYFILE --public FILE",
        )
    with _reserved(recovery_sheet):
        made = setup.init(
            place,
            key,
            session.rim,
            name=stated or NOT_STATED,
            organisation=organisation,
            how=how,
            tsa=authorities,
        )
    if how.sheet is not None and recovery_sheet is not None:
        _write_sheet(session, Path(recovery_sheet), how.sheet, made.origin, made.fingerprint, place)
    out = session.out
    out.result(
        {
            "locker": str(place),
            "origin": made.origin,
            "fingerprint": " ".join(made.fingerprint),
            "custodian": made.custodian,
            "key_file": str(key.path),
            "key_made": key_made,
            "recovery": how.word,
            "recovery_sheet": recovery_sheet,
            "authorities": [{"url": one.url, "roots": len(one.roots)} for one in authorities],
        }
    )
    _say(session, place, key, key_made, how, recovery_sheet)
    out.say(
        "This locker's twelve words. Tell them by telephone, or on a signed sheet, to whoever will check your"
    )
    out.say("packages: by them they know that a package came from this locker. They are no secret.")
    out.data(" ".join(made.fingerprint))
    if how.sheet is not None:
        _ask_back(session, how.sheet)
    if session.terminal.present:
        out.advise(
            "your shell keeps what you type: leave names of persons out of commands, custody asks for them"
        )
    from custody.cli.words import quoted

    out.next(f"custody --locker {quoted(str(place))} case open REF")


def _place(session: Session, directory: str | None) -> Path:
    given = session.locker_option
    if directory is not None and given is not None and directory != given:
        raise UsageError(
            "DIR and --locker name two different places",
            expected="one of them",
            found=f"{show(directory)} and {show(given)}",
        )
    return Path(directory) if directory is not None else session.locker_path


def _recovery(
    session: Session, custodian: str | None, custodian_name: str | None, recovery_sheet: str | None
) -> Recovery:
    from custody.procedure.setup import Recovery

    if custodian is not None:
        from custody.crypto import public_keys

        pair = public_keys.read(read_small(custodian, limit=public_keys.MAX_FILE), show(custodian))
        if pair[0].wrap_key is None:
            raise InputRefused(
                "this key can only sign, so it is no way back: nothing can be encrypted to it",
                where=show(custodian),
                hint="ask for the public key of a person who may read: custody custodian new -o KEYFILE",
            )
        stated = session.text(custodian_name, "The second person's name; it is kept sealed")
        return Recovery(custodian=pair, custodian_name=stated or NOT_STATED)
    if recovery_sheet is not None:
        from custody.keys import recovery

        return Recovery(sheet=recovery.new_sheet(session.rim.random(32)))
    return Recovery()


def _own_key(session: Session) -> tuple[KeyFile, bool]:
    """The custodian's key file, made when there is none; and whether it was made."""
    from custody.cli.keys import new_keys
    from custody.keys import keyfile

    path = session.key_path
    if path.exists():
        return session.key_file(), False
    passphrase = session.new_passphrase(f"your key file {show(str(path))}")
    keys = new_keys(session.rim.random)
    return keyfile.create(path, passphrase, keys, now=session.rim.wall(), random=session.rim.random), True


@contextlib.contextmanager
def _reserved(sheet: str | None) -> Iterator[None]:
    """Hold the sheet's place before the locker is made: what it says is known only after, and must then fit."""
    if sheet is None:
        yield
        return
    from custody.keys import keyfile

    path = Path(sheet)
    keyfile.write_new(path, b"This recovery sheet is not finished: its locker was not made.\n")
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write_sheet(
    session: Session, path: Path, sheet: RecoverySheet, origin: str, fingerprint: tuple[str, ...], place: Path
) -> None:
    from custody import machine
    from custody.keys import recovery

    page = recovery.render(sheet, origin, fingerprint, session.rim.wall())
    try:
        machine.write_durably(path, page.encode("utf-8"), replace=True)
    except (OSError, CustodyError) as error:
        raise MachineError(
            "the locker is made, and its recovery sheet can't be written",
            where=show(str(path)),
            found=str(getattr(error, "strerror", None) or error).lower(),
            hint=f"nothing is in the locker yet: delete {show(str(place))} and run custody init again",
        ) from error


def _say(
    session: Session, place: Path, key: KeyFile, key_made: bool, how: Recovery, recovery_sheet: str | None
) -> None:
    out = session.out
    out.say(f"made the locker {show(str(place))}")
    if key_made:
        out.say(f"made your key file {show(str(key.path))}")
    else:
        out.say(f"your key file is {show(str(key.path))}")
    if how.sheet is not None:
        out.say(
            f"wrote the recovery sheet {show(str(recovery_sheet))}: print it, lock the paper away, delete the file",
            "Your passphrase and that sheet are the only ways into this locker. Nobody can reset them.",
        )
    elif how.custodian is not None:
        out.say(
            "Your passphrase and the second person's key are the only ways into this locker. Nobody can reset them."
        )
    else:
        out.say(
            "Your passphrase is the only way into this locker. Nobody can reset it: lost with it, everything is lost."
        )


def _ask_back(session: Session, sheet: RecoverySheet) -> None:
    """Three words off the paper: a sheet that nobody can read back is worse than none."""
    if not session.terminal.present:
        return
    from custody.keys import recovery

    session.out.say("", "Print the sheet now. Then type three of its words, from the paper.")
    for place in recovery.questions(session.rim.random):
        for _ in range(3):
            if sheet.fits(place, session.terminal.line(f"Word {place}: ")):
                break
            session.out.say("That is not the word that stands there. Look at its number, and try again.")
        else:
            session.out.advise(
                "the sheet was not read back: print it again from the file, and compare every word before"
                " you delete the file"
            )
            return
    session.out.say("The sheet can be read. Lock the paper away, and delete the file.")
