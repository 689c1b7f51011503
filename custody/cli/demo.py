"""custody demo: the whole job on sample evidence."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from custody.cli.base import Command
from custody.cli.session import Session

DIRECTORY = "custody-demo"
SAMPLES = ("chat-export.zip", "screenshot-1.png", "screenshot-2.png", "access.log", "README.txt")


@click.command(cls=Command, short_help="the whole job on sample evidence, in a few seconds")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def demo(session: Session, directory: Path | None) -> None:
    """Do the whole job on bundled, synthetic evidence: offline, with a test timestamp authority, no questions.

    A locker is made, evidence is collected, encrypted, logged, timestamped and exported, and the package
    is verified. Then a tampered copy is caught, and a withheld name is looked for and not found. All of it
    is left in DIR (custody-demo) to look at.
    """
    from custody.procedure import demo as demos
    from custody.procedure.rim import Rim

    folder = resources.files("custody.cli").joinpath("samples")
    samples = {name: folder.joinpath(name).read_bytes() for name in SAMPLES}
    place = directory or Path(DIRECTORY)
    quiet = session.out.as_json
    shown = demos.run(place, samples, Rim(), (lambda _line: None) if quiet else session.out.data)
    session.out.result(
        {
            "directory": str(shown.directory),
            "items": shown.items,
            "package": str(shown.package),
            "verdict": shown.verdict,
            "tampered_verdict": shown.tampered_verdict,
            "fingerprint": list(shown.fingerprint),
        }
    )
    session.out.next(f"custody verify {place / 'package.zip'} --trust {place / 'trust.json'}")
