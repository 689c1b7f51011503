"""custody check: this locker against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from custody.cli.base import Command
from custody.cli.output import ProgressLine, count_text, size_text
from custody.cli.session import Session
from custody.errors import CheckFailed, PartlyDone, UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.verify.report import Finding


@click.command(
    cls=Command,
    unlocks=lambda given: not given["no_key"],
    short_help="this locker against itself, everything recomputed",
)
@click.option(
    "--deep", is_flag=True, help="Also open every content and compare it with what was logged. It is logged."
)
@click.option("--no-key", is_flag=True, help="Check structure alone; no passphrase is asked for.")
def check(session: Session, deep: bool, no_key: bool) -> None:
    """Entries, tree, guards, time proofs, objects; with your key also every key that is wrapped to it.

    Work that is pending is listed, and is no failure. Exit code 1 when something does not match.
    """
    from custody.procedure import check as checking

    if deep and no_key:
        raise UsageError("--deep opens contents, which takes a key", expected="--deep or --no-key")
    locker = session.locker()
    desk, refused = None, None
    if not no_key and (deep or session.has_key()):
        try:
            desk = session.desk()
        except CheckFailed as error:
            # The desk can't be trusted with keys here; what is wrong can still be told.
            refused, deep = error, False
    with ProgressLine() as line:

        def show_progress(what: str, count: int, total: int) -> None:
            line.update(lambda: f"{what}: {count} of {total}")

        done = checking.check(locker, desk, deep=deep, progress=show_progress)
    session.out.result(
        {
            "passed": done.passed,
            "entries": done.entries,
            "items": done.items,
            "objects": done.objects,
            "bytes": done.bytes,
            "deep": done.deep,
            "with_key": done.with_key,
            "findings": [finding.to_value() for finding in done.findings],
            "pending": list(done.pending),
        }
    )
    session.out.data(*(_line(finding) for finding in done.findings))
    session.out.data(*(f"to do        {text}" for text in done.pending))
    session.out.say(
        f"looked at {count_text(done.entries, 'entry', 'entries')}, {count_text(done.items, 'item')},"
        f" {count_text(done.objects, 'object')} ({size_text(done.bytes)})"
    )
    failure = done.first_failure
    if failure is None and refused is not None:
        raise refused
    if not done.passed:
        raise CheckFailed(
            "this locker does not match itself"
            if failure is None
            else f"this locker does not match itself: {failure.text}",
            where=None if failure is None or failure.where is None else show(failure.where),
            expected=None if failure is None else failure.expected,
            found=None if failure is None else failure.found,
            hint="change nothing in it: make a copy of the whole folder, and compare with a backup or an older package",
        )
    session.out.say("everything that was checked fits")
    if done.skipped:
        raise PartlyDone(
            f"not everything could be checked: {done.skipped[0].text}",
            where=None if done.skipped[0].where is None else show(done.skipped[0].where),
            hint="the lines “not checked” say what: another custodian's key, or a newer custody, can look at it",
        )


def _line(finding: Finding) -> str:
    text = f"{finding.outcome.value:12} {finding.check}: {finding.text}"
    facts = [finding.where and f"at {show(finding.where)}"]
    facts += [finding.expected and f"expected {finding.expected}", finding.found and f"found {finding.found}"]
    told = ", ".join(fact for fact in facts if fact)
    return f"{text} ({told})" if told else text
