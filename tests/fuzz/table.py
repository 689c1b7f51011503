"""The table of docs/reference/fuzzing.md out of the figures of runs: ``python -m tests.fuzz.table FIGURES.json…``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEAD = (
    "| Reader | Inputs | Seconds | Inputs a second | Slowest input, ms | Peak, MiB | Ways | Edges |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|\n"
)


def rows(runs: Sequence[dict[str, Any]]) -> str:
    """A row a reader: inputs and seconds of all its runs, rate and ways of the longest, the worst of the rest."""
    by_reader: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        by_reader.setdefault(run["reader"], []).append(run)
    out = []
    for name, own in sorted(by_reader.items()):
        longest = max(own, key=lambda run: run["executions"])
        found = [text for run in own for text in run["findings"].values()]
        cells = (
            f"`{name}`",
            f"{sum(run['executions'] for run in own):,}",
            f"{sum(run['seconds'] for run in own):.0f}",
            f"{longest['executions'] / max(longest['seconds'], 0.1):,.0f}",
            f"{max(run['slowest_ms'] for run in own):.1f}",
            f"{max(run['peak_mib'] for run in own)}",
            f"{longest['outcomes']}",
            f"{max(run.get('edges', 0) for run in own) or '–'}",
        )
        out.append(f"| {' | '.join(cells)} |" + (f" {len(found)} found" if found else "") + "\n")
    return "".join(out)


def main(files: Sequence[str]) -> None:
    """Print the table, and how many inputs it is of."""
    runs = [run for file in files for run in json.loads(Path(file).read_text("utf-8")) if run["executions"]]
    sys.stdout.write(HEAD + rows(runs))
    total = sum(run["executions"] for run in runs)
    million = len({run["reader"] for run in runs if run["executions"] >= 10**6})
    sys.stderr.write(
        f"{total:,} inputs, {len({run['reader'] for run in runs})} readers, {million} with a million\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
