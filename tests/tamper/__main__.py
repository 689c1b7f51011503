"""``python -m tests.tamper`` writes the page of the matrix from the tables; ``--check`` says whether it is out of date.

``--sweep`` flips a bit of every byte of whole packages and lockers and writes what came of it into
`tests/tamper/sweep.json`; ``--peers`` runs other people's tools over the same changes and writes their page.
"""

from __future__ import annotations

import sys

from tests.tamper import page


def main(arguments: list[str]) -> int:
    """Give the exit code."""
    if "--sweep" in arguments:
        from tests.tamper import sweep

        sweep.write_all([name for name in arguments if name in sweep.THINGS])
    if "--peers" in arguments:
        from tests.tamper import peers

        peers.write()
        return 0
    text = page.text()
    if "--check" in arguments:
        if not page.PATH.exists() or page.PATH.read_text("utf-8") != text:
            sys.stdout.write(f"{page.PATH.name} is out of date: run python -m tests.tamper\n")
            return 1
        return 0
    page.PATH.write_text(text, "utf-8")
    sys.stdout.write(f"wrote {page.PATH.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
