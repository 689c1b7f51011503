"""custody custodian passphrase: another passphrase for a key file."""

from __future__ import annotations

from pathlib import Path

import click

from custody.cli.base import Command
from custody.cli.session import Session
from custody.errors import InputRefused
from custody.format.text import show


@click.command(cls=Command, short_help="another passphrase for your key file")
@click.option(
    "--new-passphrase-file",
    "new_file",
    metavar="FILE",
    type=click.Path(),
    help="A file with the new passphrase. Else it is asked for on the terminal.",
)
def passphrase(session: Session, new_file: str | None) -> None:
    """Put your key file under another passphrase. The key stays the same, and no locker is needed.

    Copies of the key file that were made before still open with the old one: make new copies, and destroy those.
    """
    key = session.key_file()
    if key.unattended:
        raise InputRefused(
            "this key works without a person: a passphrase would stop it",
            where=show(str(key.path)),
            hint="a person's key has one: custody custodian new",
        )
    what = f"the key file {show(str(key.path))}"
    key.rekey(session.new_passphrase(what, rekey=True, new_file=None if new_file is None else Path(new_file)))
    session.out.result({"key_file": str(key.path), "key_id": key.key_id})
    session.out.say(
        f"the key file {show(str(key.path))} opens with the new passphrase alone",
        "Copies of it that were made before still open with the old one: make new copies, and destroy those.",
        "If somebody may have the key itself, another passphrase does not help: custody custodian compromised",
    )
    session.out.data(key.key_id)
