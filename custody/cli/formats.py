"""custody formats: what custody writes, and the evidence it takes."""

from __future__ import annotations

import click

from custody.cli.base import Command
from custody.cli.output import table
from custody.cli.session import Session


@click.command(cls=Command, short_help="the formats that custody writes, and the evidence it takes")
def formats(session: Session) -> None:
    """List our own formats with their versions, and the evidence that is taken. Needs no locker."""
    ours, taken = _ours(), _taken()
    session.out.result(
        {
            "formats": [{"name": name, "identifier": identifier} for name, identifier in ours],
            "evidence": [{"name": name, "how": how} for name, how in taken],
        }
    )
    session.out.data(*table(ours, ("OURS", "WRITTEN AS")), "", *table(taken, ("EVIDENCE", "HOW")))


def _ours() -> list[tuple[str, ...]]:
    from custody.evidence.blockchain import payment
    from custody.evidence.network import ip
    from custody.evidence.records import form
    from custody.format import envelope, messages
    from custody.keys import keyfile

    return [
        ("entry", envelope.ENTRY_TYPE),
        ("approval", envelope.APPROVAL_TYPE),
        ("public key file", envelope.KEY_TYPE),
        ("package statement", envelope.PACKAGE_TYPE),
        ("key file", f"{keyfile.FORMAT}, v 1"),
        ("chat's readable form", messages.SCHEMA),
        ("records' readable form", form.SCHEMA),
        ("IP reference", ip.SCHEMA),
        ("payment reference", payment.SCHEMA),
    ]


def _taken() -> list[tuple[str, ...]]:
    from custody.evidence.chat import registry as chats
    from custody.evidence.records import registry as records

    read = [("custody collect", one.name, one.title, one.zone) for one in chats.READERS]
    read += [
        ("custody records" if one.on_asking else "custody collect", one.name, one.title, one.zone)
        for one in records.READERS
    ]
    return [
        ("any file", "custody collect: kept byte for byte; its type told by structure, else by libmagic"),
        ("an IP address at a time", "custody add ip: typed by hand"),
        ("a payment on a public chain", "custody add payment: typed by hand"),
        *((name, f"{command}: {title}; times: {zone}") for command, name, title, zone in read),
    ]
