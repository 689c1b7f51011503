"""The answer about several packages as text: the two lines for all, each two compared, then each report whole."""

from __future__ import annotations

from custody.format.text import show
from custody.verify.compare import Pair, Together
from custody.verify.report import Outcome
from custody.verify.text import MAX_ITEMS, lines


def together_lines(together: Together) -> list[str]:
    """The answer, line by line."""
    out = [together.record_line, together.origin_line, ""]
    for number, one in enumerate(together.packages, 1):
        said = " ".join(lines(one.report)[: 1 if one.report.unreadable is not None else 2])
        out.append(f"Package {number}  {show(one.name)}: {said}")
    for pair in together.pairs:
        out += ["", f"Packages {pair.older + 1} and {pair.newer + 1}: {pair.line}"]
        out += _pair(pair)
    for number, one in enumerate(together.packages, 1):
        out += ["", f"== Package {number}: {show(one.name)}", *lines(one.report)]
    return out


def _pair(pair: Pair) -> list[str]:
    marks = {Outcome.FAILED: "x", Outcome.PASSED: "+", Outcome.NOT_CHECKED: "?"}
    out = []
    for f in sorted(pair.findings, key=lambda f: list(marks).index(f.outcome)):
        out.append(f"  {marks[f.outcome]} {f.text}{f' ({show(f.where)})' if f.where else ''}")
        if f.expected is not None or f.found is not None:
            out.append(f"      one has    {show(f.expected or 'nothing')}")
            out.append(f"      other has  {show(f.found or 'nothing')}")
    added = pair.added
    for text, labels in (("shows also", added.items), ("no longer shows", added.items_gone)):
        if labels:
            more = f", and {len(labels) - MAX_ITEMS} more" if len(labels) > MAX_ITEMS else ""
            out.append(f"  Package {pair.newer + 1} {text} {', '.join(labels[:MAX_ITEMS])}{more}")
    for text, counts in (
        ("logged since, about what both show", added.entries),
        ("parts shown now and withheld before", added.shown),
        ("parts withheld now and shown before", added.withheld),
    ):
        if counts:
            out.append(f"  {text}: {', '.join(f'{count} × {show(name)}' for name, count in counts.items())}")
    return out
