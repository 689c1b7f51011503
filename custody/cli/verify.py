"""custody verify: a package, offline, by the trusted base."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from custody.cli.base import Command
from custody.cli.session import Session
from custody.errors import CheckFailed, InputRefused, UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.told import Told
    from custody.verify.compare import Package, Together
    from custody.verify.package import Examined
    from custody.verify.report import Report


_DIGEST = re.compile("[0-9a-f]{64}")


@click.command(cls=Command, short_help="check a package: is it what was collected, when, by whom")
@click.argument("packages", metavar="PACKAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--trust", metavar="FILE", type=click.Path(), help="Your own side's trust file.")
@click.option(
    "--fingerprint",
    metavar="WORDS",
    help="The twelve words, read out by somebody you know; “-” asks for them.",
)
@click.option(
    "--history",
    is_flag=True,
    help="Also print what the record says: each event, who signed it, and the parts that are shown.",
)
def verify(
    session: Session, packages: tuple[str, ...], trust: str | None, fingerprint: str | None, history: bool
) -> int:
    """Check a package without trusting whoever made it. Needs no locker and no network, and leaves nothing behind.

    Ends with 0 when it is intact and origin and time are confirmed, 6 intact but not confirmed, 1 does not
    match, 4 unreadable. An encrypted package is opened with --passphrase-file, else it is asked for.

    --history tells of an intact package how things were collected, from where and on what ground, and who opened
    them since, as those who signed stated it. That it was logged so is proven; whether it is true is not.

    Several packages are each checked alone, and then every two together: whether one record stands behind both,
    and what the newer one adds. The worst answer decides how it ends: 1, then 4, then 6; packages of different
    records end with 6.
    """
    from custody.procedure import trust as trusting

    believed = None if trust is None else trusting.read(Path(trust))
    spoken = session.text(fingerprint, "The twelve words") if fingerprint is not None else None
    words = None if spoken is None else trusting.fingerprint_of(spoken)
    now = session.rim.now()
    if history and len(packages) > 1:
        raise UsageError("--history tells of one package", expected="one PACKAGE", found=f"{len(packages)}")
    if len(packages) == 1:
        from custody.verify import package
        from custody.verify.text import lines

        kept = package.Examined()
        with session.open_package(packages[0]) as file:
            report = package.verify(file, trust=believed, fingerprint=words, now=now, keep=kept)
            told = _history(file, kept) if history and report.intact else iter(())
            more = {"history": _told_values(told)} if history and session.out.as_json else {}
            session.out.result(report.to_value() | more)
            session.out.data(*lines(report))
            if history and not report.intact:
                session.out.say("what the record says is not printed: only that of an intact package is")
            elif history and not session.out.as_json:
                # One by one: a package can hold more than fits into memory.
                for line in _told_lines(told):
                    session.out.data(line)
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


def _history(file: BinaryIO, kept: Examined) -> Iterator[Told]:
    from custody.procedure import told

    return told.history(file, kept)


MOST_HISTORY = 64 << 20
"""Bytes of JSON; a hostile package could hold gigabytes."""


def _told_values(told: Iterator[Told]) -> list[dict[str, Any]]:
    values, size = [], 0
    for one in told:
        values.append(_told_value(one))
        size += len(json.dumps(values[-1]))
        if size > MOST_HISTORY:
            raise InputRefused(
                "the history is too long for one JSON object",
                expected=f"at most {MOST_HISTORY >> 20} MiB",
                hint="without --json it is printed event by event",
            )
    return values


def _told_value(one: Told) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "kind": one.kind,
        "time": one.wall,
        "actor": one.key_id,
        "subject": one.subject,
        "label": one.label,
        "public": dict(one.public),
        "parts": dict(one.shown),
        "withheld": list(one.withheld),
    }


def _told_lines(told: Iterator[Told]) -> Iterator[str]:
    """The events, for people. Everything that came from outside is escaped."""
    from custody.cli.show import value_lines

    yield ""
    yield "What the record says"
    yield "  Stated by those who signed, with the clock of their machines. That it was logged so is proven; whether it"
    yield "  is true is not. Each event: its number, the stated time, what happened, to what, the key that signed."
    for one in told:
        if one.kind is None:
            yield f"  {one.name}  made by a newer custody, not read  key {one.key_id[:12]}"
            continue
        what = one.label or one.subject
        yield f"  {one.name}  {one.wall}  {show(one.kind, 60)}  {show(str(what), 80)}  key {one.key_id[:12]}"
        yield from value_lines({"stated": _plain(one.public)}, ())
        yield from value_lines(one.shown, ())
        if one.withheld:
            yield f"    not shown: {', '.join(show(name, 40) for name in one.withheld)}"


def _plain(public: Mapping[str, Any]) -> dict[str, Any]:
    """Without digests, keys and tables, which say nothing to a person, and without what is null; --json has them."""
    return {
        name: value
        for name, value in public.items()
        if not isinstance(value, dict | list | None) and not name.endswith("_key") and not _is_digest(value)
    }


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


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
