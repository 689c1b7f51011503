"""custody custodian: people and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.cli.base import Group, always
from custody.cli.output import count_text, table
from custody.cli.passphrase import passphrase
from custody.cli.session import NOT_STATED, Session, read_small
from custody.errors import UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.crypto.keys import SignKey
    from custody.keys.recovery import RecoverySheet

_RIGHT_HELP = "A right, repeatable: "


@click.group(cls=Group, short_help="people and their keys: add, grant, retire, recover")
def custodian() -> None:
    """Custodians: people with a key of their own, and rights that were granted to it."""


@custodian.command("new", short_help="make a key file for yourself")
@click.option(
    "-o",
    "output",
    metavar="KEYFILE",
    type=click.Path(),
    help="The key file to make. Else --key, or its usual place.",
)
@click.option(
    "--public", metavar="FILE", type=click.Path(), help="Also write the public key file, to hand on."
)
@click.option(
    "--unattended",
    is_flag=True,
    help="A collector's key that runs without a person: no passphrase; it can add evidence and read none.",
)
@click.option(
    "--import",
    "imported",
    metavar="PRIVATE",
    type=click.Path(),
    help="Sign with this Ed25519 private key (OpenSSH or PKCS#8) in place of a new one.",
)
def new(
    session: Session, output: str | None, public: str | None, unattended: bool, imported: str | None
) -> None:
    """Make a key file, under a passphrase. Needs no locker.

    Hand the public key file to an administrator of the locker; it is no secret. Tell the key id by telephone.
    """
    from custody import machine
    from custody.cli.keys import new_keys
    from custody.cli.words import quoted
    from custody.keys import keyfile

    path = Path(output) if output is not None else session.key_path
    public_path = Path(public) if public is not None else path.with_name(path.name + ".public")
    keyfile_free(path)
    keyfile_free(public_path)
    sign = None if imported is None else _imported(session, imported)
    passphrase = None if unattended else session.new_passphrase(f"the key file {show(str(path))}")
    keys = new_keys(session.rim.random, reads=not unattended, sign=sign)
    now = session.rim.wall()
    made = keyfile.create(path, passphrase, keys, now=now, random=session.rim.random)
    try:
        machine.write_durably(public_path, made.public_file(now).to_bytes() + b"\n", mode=0o644)
    except BaseException:
        path.unlink(missing_ok=True)  # nobody knows this key yet; so the same command can be run again
        raise
    session.out.result(
        {
            "key_file": str(path),
            "public_file": str(public_path),
            "key_id": made.key_id,
            "unattended": made.unattended,
        }
    )
    session.out.say(
        f"made the key file {show(str(path))}", f"wrote the public key file {show(str(public_path))}"
    )
    if unattended:
        session.out.advise(
            "no passphrase guards this key: whoever reads the file can add evidence in its name"
        )
    session.out.data(made.key_id)
    session.out.next(f"(an administrator of the locker) custody custodian add {quoted(str(public_path))}")


def _imported(session: Session, path: str) -> SignKey:
    from custody.errors import WrongPassphrase
    from custody.keys import exchange
    from custody.keys.keyfile import passphrase_bytes

    data = read_small(path, limit=exchange.MAX_FILE)
    passphrase = None
    if exchange.needs_passphrase(data, where=show(path)):
        if not session.terminal.can_hide:
            raise WrongPassphrase(
                "the private key needs its passphrase, and there is no terminal to type it on",
                where=show(path),
                hint="run the command on a terminal",
            )
        passphrase = passphrase_bytes(session.terminal.hidden(f"Passphrase of {show(path)}: "))
    return exchange.import_key(data, passphrase, where=show(path))


def keyfile_free(path: Path) -> None:
    """Raise InputRefused when something lies at ``path`` already, before anybody has typed a passphrase."""
    import os

    from custody.errors import InputRefused

    if os.path.lexists(path):
        raise InputRefused(
            "there is a file already, and it is kept",
            where=show(str(path)),
            hint="name a file that is not there yet",
        )


@custodian.command("add", unlocks=always, short_help="add a person's key to this locker")
@click.argument("public_file", metavar="PUBFILE", type=click.Path())
@click.option("--name", metavar="NAME", help="The person's name; asked for when absent or “-”. Kept sealed.")
@click.option(
    "--right", "rights", metavar="RIGHT", multiple=True, help=_RIGHT_HELP + "admin, seal, collect, audit."
)
@click.option(
    "--all-cases", is_flag=True, help="The rights (also read, export, …) hold in all cases, old and new."
)
def add(session: Session, public_file: str, name: str | None, rights: Sequence[str], all_cases: bool) -> None:
    """Add a person by their public key file. Compare the key id with the person first, by telephone."""
    from custody.crypto import public_keys
    from custody.procedure import custodians

    pair = public_keys.read(read_small(public_file, limit=public_keys.MAX_FILE), show(public_file))
    _check(rights)
    desk = session.desk()
    stated = session.text(name, "The person's name; it is kept sealed")
    done = custodians.add(
        desk,
        pair[0],
        pair[1],
        name=stated or NOT_STATED,
        rights=tuple(dict.fromkeys(rights)),
        all_cases=all_cases,
    )
    session.out.result(
        {"key_id": done.key_id, "rights": sorted(set(rights)), "all_cases": all_cases, "messages": done.wraps}
    )
    session.out.say(
        f"added {done.key_id[:16]}… with {_rights_text(rights)}",
        "Is this the key id that the person told you?",
    )
    session.out.data(done.key_id)
    session.out.next(
        f"custody{session.locker_words} custodian grant {done.key_id[:12]} --case REF --right read",
        f"custody{session.locker_words} custodian list",
    )


@custodian.command("grant", unlocks=always, short_help="give a person rights in a case")
@click.argument("key", metavar="KEY")
@click.option("--case", "ref", metavar="REF", required=True, help="The case.")
@click.option(
    "--right",
    "rights",
    metavar="RIGHT",
    multiple=True,
    required=True,
    help=_RIGHT_HELP + "collect, read, export, transfer, dispose.",
)
@click.option(
    "--class",
    "classes",
    metavar="CLASS",
    multiple=True,
    help="What kind of parts, repeatable: object, record, identity, note. Absent: object and record.",
)
def grant(session: Session, key: str, ref: str, rights: Sequence[str], classes: Sequence[str]) -> None:
    """Give a person rights in a case, for what is in it and what will be. KEY: six digits or more of the key id.

    Names of persons (class identity) and notes (class note) are given only when they are named.
    """
    from custody.procedure import cases, custodians

    desk = session.desk()
    person = custodians.find(desk, key)
    case = cases.find(desk, ref)
    given = tuple(dict.fromkeys(classes)) or ("object", "record")
    done = custodians.grant(desk, person, case.id, rights=tuple(dict.fromkeys(rights)), classes=given)
    session.out.result(
        {
            "key_id": done.key_id,
            "case": case.id,
            "rights": list(dict.fromkeys(rights)),
            "classes": list(given),
            "messages": done.wraps,
        }
    )
    session.out.say(
        f"granted {done.key_id[:16]}… {_rights_text(rights)} in case {show(ref)} ({', '.join(given)})"
    )
    session.out.next(f"custody{session.locker_words} custodian list")


@custodian.command("revoke", unlocks=always, short_help="take rights in a case from a person")
@click.argument("key", metavar="KEY")
@click.option("--case", "ref", metavar="REF", required=True, help="The case.")
@click.option(
    "--right",
    "rights",
    metavar="RIGHT",
    multiple=True,
    required=True,
    help=_RIGHT_HELP + "collect, read, export, transfer, dispose.",
)
@click.option(
    "--class", "classes", metavar="CLASS", multiple=True, help="What kind of parts, repeatable; absent: all."
)
def revoke(session: Session, key: str, ref: str, rights: Sequence[str], classes: Sequence[str]) -> None:
    """Take rights in a case from now on. What the person could open until now, they may have kept."""
    from custody.format import kinds
    from custody.procedure import cases, custodians

    desk = session.desk()
    person = custodians.find(desk, key)
    case = cases.find(desk, ref)
    taken = tuple(dict.fromkeys(classes)) or kinds.CLASSES
    custodians.revoke(desk, person, case.id, rights=tuple(dict.fromkeys(rights)), classes=taken)
    session.out.result(
        {
            "key_id": person.key_id,
            "case": case.id,
            "rights": list(dict.fromkeys(rights)),
            "classes": list(taken),
        }
    )
    session.out.say(
        f"took {_rights_text(rights)} in case {show(ref)} from {person.key_id[:16]}…",
        "What this person could open until now, they may have kept.",
    )
    session.out.next(f"custody{session.locker_words} custodian list")


@custodian.command("retire", unlocks=always, short_help="a key is no longer used")
@click.argument("key", metavar="KEY")
def retire(session: Session, key: str) -> None:
    """A key signs nothing from now on, and nothing new is encrypted to it. KEY: six digits or more of the key id."""
    from custody.procedure import custodians

    desk = session.desk()
    person = custodians.find(desk, key)
    custodians.retire(desk, person)
    session.out.result({"key_id": person.key_id})
    session.out.say(f"retired {person.key_id[:16]}…: what it signed stays valid, and it signs nothing more")
    session.out.next(f"custody{session.locker_words} seal")


@custodian.command("compromised", unlocks=always, short_help="a key is in other hands")
@click.argument("key", metavar="KEY")
@click.option(
    "--since",
    metavar="TIME",
    required=True,
    help="Since when, with an offset: 2026-03-04T05:06:07+01:00, or …Z.",
)
@click.option("--note", metavar="T", help="What happened; asked for when absent or “-”. Kept sealed.")
def compromised(session: Session, key: str, since: str, note: str | None) -> None:
    """Record that a key is in other hands. What it signed after that time counts only where a time proof is older."""
    import datetime as dt

    from custody.procedure import custodians

    try:
        moment = dt.datetime.fromisoformat(since)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            "not a time with its offset",
            where="--since",
            expected="2026-03-04T05:06:07+01:00 or 2026-03-04T04:06:07Z",
            found=show(since, 40),
        )
    desk = session.desk()
    person = custodians.find(desk, key)
    custodians.compromised(desk, person, since=moment, note=session.text(note, "What happened"))
    session.out.result(
        {"key_id": person.key_id, "since": moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    )
    session.out.say(
        f"recorded: {person.key_id[:16]}… is in other hands since {show(since, 40)}; it signs nothing more"
    )
    session.out.advise("what this key could open may have been read: think of whom to warn")
    session.out.next(f"custody{session.locker_words} seal", f"custody{session.locker_words} custodian list")


@custodian.command("recover", short_help="make a key file from the recovery sheet, or try the sheet")
@click.option(
    "-o", "output", metavar="KEYFILE", type=click.Path(), help="The key file to make. Not with --try."
)
@click.option(
    "--try",
    "only_try",
    is_flag=True,
    help="Only try the words at this locker: they must open what they should. No key file; it is logged.",
)
@click.option(
    "--words-file", metavar="FILE", type=click.Path(), help="Read the 24 words from FILE, not the terminal."
)
def recover(session: Session, output: str | None, only_try: bool, words_file: str | None) -> None:
    """Make a key file of the 24 words of a recovery sheet, under a new passphrase. Needs no locker.

    With --try, at a locker: type the words in while nothing is wrong yet, and see that they open it.
    """
    from custody.cli.words import quoted
    from custody.keys import keyfile

    if only_try == (output is not None):
        raise UsageError("one of the two is to be named", expected="-o KEYFILE, or --try")
    if output is None:
        _try_sheet(session, words_file)
        return
    path = Path(output)
    keyfile_free(path)
    sheet = _sheet(session, words_file)
    passphrase = session.new_passphrase(f"the new key file {show(str(path))}")
    made = keyfile.create(
        path, passphrase, sheet.keys, now=session.rim.wall(), random=session.rim.random, recovery=True
    )
    none = {"messages": None, "items": None, "of_items": None}
    session.out.result(
        {"key_file": str(path), "key_id": made.key_id, "remembers_head": False, "tried": False, **none}
    )
    session.out.say(
        f"made the key file {show(str(path))} from the recovery sheet",
        "It remembers nothing of before: it can't tell whether a copy of the locker is the newest. If there are"
        " several copies, ask who has the latest.",
        "With it you can read everything and seal, and restore a backup: custody restore. It can not collect, export"
        " or add people in the locker as it is: an administrator's key can. An opened sheet has been seen: treat the"
        " words as known.",
    )
    session.out.data(made.key_id)
    session.out.next(
        f"custody{session.locker_words} --key {quoted(str(path))} custodian list",
        f"custody --key {quoted(str(path))} restore BACKUP DIR",
    )


def _sheet(session: Session, words_file: str | None) -> RecoverySheet:
    """The sheet of the words in a file, or typed."""
    from custody.keys import recovery

    if words_file is not None:
        data = read_small(words_file, limit=16 * 1024)
        return recovery.from_words(data.decode("utf-8", "replace"), where=show(words_file))
    if session.terminal.can_hide:
        return recovery.from_words(session.terminal.hidden("The 24 words, in the order of their numbers: "))
    raise UsageError(
        "no terminal to type the 24 words on",
        expected="a terminal, or --words-file FILE",
        hint="never give the words as arguments: the shell keeps them",
    )


def _try_sheet(session: Session, words_file: str | None) -> None:
    from custody.procedure import sheet as sheets

    locker = session.locker()
    session.warn_of_place(locker)
    done = sheets.try_sheet(locker, _sheet(session, words_file), session.rim)
    session.out.result(
        {
            "key_file": None,
            "key_id": done.key_id,
            "remembers_head": False,
            "tried": True,
            "messages": done.messages,
            "items": done.items,
            "of_items": done.of_items,
        }
    )
    session.out.say(
        f"the words are this locker's, and hold the keys of {done.items} of {count_text(done.of_items, 'item')};"
        " nothing was opened, and the try is logged",
        "Put the page back into its envelope, and sign and date it across the flap.",
    )
    session.out.data(done.key_id)


custodian.add_command(passphrase)


@custodian.command("list", unlocks=always, short_help="who may do what")
def list_(session: Session) -> None:
    """The custodians of this locker, their rights, and (for those who may see them) their names."""
    from custody.procedure import access

    desk = session.desk()
    names = access.roster_names(desk)
    people = list(desk.rights.custodians.values())
    session.out.result(
        {
            "custodians": [
                {
                    "key_id": person.key_id,
                    "name": names.get(person.key_id),
                    "rights": sorted(person.rights),
                    "all_cases": person.all_cases,
                    "unattended": person.unattended,
                    "recovery": person.recovery,
                    "reads": person.wrap_key is not None,
                    "state": _state(person.retired, person.compromised_since),
                    "you": person.key_id == desk.key_id,
                }
                for person in people
            ]
        }
    )
    session.out.data(
        *table(
            [
                (
                    person.key_id[:12],
                    show(names.get(person.key_id, "(not for your key)"), 40)
                    + (" (you)" if person.key_id == desk.key_id else ""),
                    _state(person.retired, person.compromised_since),
                    ", ".join(sorted(person.rights)) + (" in all cases" if person.all_cases else ""),
                )
                for person in people
            ],
            ("KEY", "NAME", "STATE", "RIGHTS"),
        )
    )
    session.out.say(count_text(len(people), "custodian"))


def _state(retired: int | None, compromised_since: str | None) -> str:
    if compromised_since is not None:
        return "compromised"
    return "in force" if retired is None else "retired"


def _rights_text(rights: Sequence[str]) -> str:
    return f"the rights {', '.join(dict.fromkeys(rights))}" if rights else "no right yet"


def _check(rights: Sequence[str]) -> None:
    from custody.format import kinds

    allowed = kinds.ALL_RIGHTS
    for right in rights:
        if right not in allowed:
            raise UsageError("not a right", found=show(right, 40), expected=", ".join(allowed))
