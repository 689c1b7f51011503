"""custody demo: the whole job on sample evidence, offline."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from custody.cli.base import Command
from custody.cli.session import Session

DIRECTORY = "custody-demo"


@click.command(cls=Command, short_help="the whole job on sample evidence, offline, in seconds")
@click.argument("directory", metavar="[DIR]", required=False, default=DIRECTORY, type=click.Path())
def demo(session: Session, directory: str) -> None:
    """Collect, read, export, verify and catch a forgery, on synthetic evidence, in DIR (else custody-demo).

    Offline, with a test authority on this machine: nothing of it is for court. Leaves all to look at.
    """
    from custody.cli.words import quoted
    from custody.procedure import demo as showing

    folder = resources.files("custody.cli").joinpath("samples")
    samples = {
        part.name: part.read_bytes()
        for part in sorted(folder.iterdir(), key=lambda part: part.name)
        if part.is_file() and part.name != "README.txt"
    }
    done = showing.run(Path(directory), samples, session.rim, session.out.say)
    session.out.result(
        {
            "directory": directory,
            "items": done.items,
            "package": str(done.package),
            "verdict": done.verdict,
            "tampered_verdict": done.tampered_verdict,
            "fingerprint": " ".join(done.fingerprint),
            "test_authority": True,
        }
    )
    session.out.data(str(done.package))
    trust = Path(directory) / "trust.json"
    session.out.next(f"custody verify {quoted(str(done.package))} --trust {quoted(str(trust))}")
