"""Choose what is kept of a fuzzing run: ``python -m tests.fuzz.keep FOLDER…`` (the ``--work`` folders of runs).

For each reader the smallest input of every way through it, at most 24 inputs and 5 KiB; what is larger
(whole packages) is made anew by each run. Regressions (``regression-…``) stay as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path

from tests.fuzz.reader import attempt
from tests.fuzz.registry import READERS
from tests.fuzz.watch import prepare

CORPUS = Path(__file__).resolve().parent / "corpus"
MOST_FILES, MOST_BYTES, LONGEST = 24, 5 * 1024, 1536


def main(folders: list[Path]) -> None:
    """Write the corpus anew from what the runs found."""
    prepare()
    for name, reader in READERS.items():
        own = CORPUS / name
        old = [path for path in own.glob("way-*") if path.is_file()]
        found = [path for folder in folders for path in (folder / name / "new").glob("outcome-*")]
        smallest: dict[str, bytes] = {}
        for data in sorted({path.read_bytes() for path in (*old, *found)}, key=len):
            if len(data) <= LONGEST:
                with contextlib.suppress(BaseException):  # a finding is no way through; it is kept by hand
                    smallest.setdefault(attempt(reader, data), data)
        for path in old:
            path.unlink()
        room = MOST_BYTES
        for data in list(smallest.values())[:MOST_FILES]:
            room -= len(data)
            if room >= 0:
                own.mkdir(parents=True, exist_ok=True)
                (own / f"way-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
