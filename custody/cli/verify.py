"""custody verify: a package, offline, by the trusted base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.cli.base import Command
from custody.cli.session import Session
from custody.errors import CheckFailed, InputRefused
from custody.format.text import show

if TYPE_CHECKING:
    from custody.verify.report import Report


@click.command(cls=Command, short_help="check a package: is it what was collected, when, by whom")
@click.argument("package", metavar="PACKAGE", type=click.Path())
@click.option("--trust", metavar="FILE", type=click.Path(), help="Your own side's trust file.")
@click.option(
    "--fingerprint",
    metavar="WORDS",
    help="The twelve words, read out by somebody you know; “-” asks for them.",
)
def verify(session: Session, package: str, trust: str | None, fingerprint: str | None) -> int:
    """Check a package without trusting whoever made it. Needs no locker and no network, and leaves nothing behind.

    Ends with 0 when it is intact and origin and time are confirmed, 6 intact but not confirmed, 1 does not
    match, 4 unreadable. An encrypted package is opened with --passphrase-file, else it is asked for.
    """
    from custody.procedure import trust as trusting
    from custody.verify.package import verify as verify_package
    from custody.verify.text import lines

    believed = None if trust is None else trusting.read(Path(trust))
    spoken = session.text(fingerprint, "The twelve words") if fingerprint is not None else None
    words = None if spoken is None else trusting.fingerprint_of(spoken)
    with session.open_package(package) as file:
        report = verify_package(file, trust=believed, fingerprint=words, now=session.rim.now())
    session.out.result(report.to_value())
    session.out.data(*lines(report))
    return _end(report, package)


def _end(report: Report, package: str) -> int:
    if report.unreadable is not None:
        raise InputRefused(
            f"unreadable: {report.unreadable}",
            where=show(package),
            hint="is it the package itself, and whole? copy it again from where it came, and compare the sizes",
        )
    if not report.intact:
        raise CheckFailed(
            "the package does not match what was logged",
            where=show(package),
            hint="a bad copy looks the same: copy it again, or ask the sender for another copy",
        )
    return report.exit_code
