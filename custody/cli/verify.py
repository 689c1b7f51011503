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
    from custody.verify.compare import Package, Together
    from custody.verify.report import Report


@click.command(cls=Command, short_help="check a package: is it what was collected, when, by whom")
@click.argument("packages", metavar="PACKAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--trust", metavar="FILE", type=click.Path(), help="Your own side's trust file.")
@click.option(
    "--fingerprint",
    metavar="WORDS",
    help="The twelve words, read out by somebody you know; “-” asks for them.",
)
def verify(session: Session, packages: tuple[str, ...], trust: str | None, fingerprint: str | None) -> int:
    """Check a package without trusting whoever made it. Needs no locker and no network, and leaves nothing behind.

    Ends with 0 when it is intact and origin and time are confirmed, 6 intact but not confirmed, 1 does not
    match, 4 unreadable. An encrypted package is opened with --passphrase-file, else it is asked for.

    Several packages are each checked alone, and then every two together: whether one record stands behind both,
    and what the newer one adds. The worst answer decides how it ends: 1, then 4, then 6; packages of different
    records end with 6.
    """
    from custody.procedure import trust as trusting

    believed = None if trust is None else trusting.read(Path(trust))
    spoken = session.text(fingerprint, "The twelve words") if fingerprint is not None else None
    words = None if spoken is None else trusting.fingerprint_of(spoken)
    now = session.rim.now()
    if len(packages) == 1:
        from custody.verify import package
        from custody.verify.text import lines

        with session.open_package(packages[0]) as file:
            report = package.verify(file, trust=believed, fingerprint=words, now=now)
        session.out.result(report.to_value())
        session.out.data(*lines(report))
        return _end(report, packages[0])
    from custody.verify import compare
    from custody.verify.compare_text import together_lines

    examined = []
    for name in packages:
        with session.open_package(name) as file:
            examined.append(compare.examine(name, file, trust=believed, fingerprint=words, now=now))
    together = compare.together(examined)
    session.out.result(together.to_value())
    session.out.data(*together_lines(together))
    return _end_together(together)


def _end_together(together: Together) -> int:
    faulty: list[Package] = [
        one
        for one in together.packages
        if one.report.exit_code == together.exit_code and not one.report.intact
    ]
    if faulty:
        return _end(faulty[0].report, faulty[0].name)
    if together.exit_code == 1:
        raise CheckFailed(
            "each package matches by itself, and together they contradict each other",
            hint="keep them all, unchanged: together they prove that somebody who held the keys signed two stories",
        )
    return together.exit_code


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
