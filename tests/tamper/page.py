"""The page of the matrix, made from the tables; whether the tables are true is for `tests/test_tamper.py`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.tamper import ledger_rows, package_rows, store_rows
from tests.tamper.rows import CHANGES, LOCKER, NOTHING_FOUND, PACKAGE, Row

PATH = Path(__file__).resolve().parents[2] / "docs" / "reference" / "tamper-matrix.md"
SWEEP = Path(__file__).resolve().parent / "sweep.json"
_ = (ledger_rows, store_rows, package_rows)  # importing them registers their rows

_HEAD = """# Tamper matrix

Every kind of change, at every place, and what really finds it. Each row is a test: the change is made, everything
that could find it is run, and what came must be what stands here (`tests/test_tamper.py`). The page is made from the
same tables by `python -m tests.tamper`.

Promises are those of the [threat model](../explanation/threat-model.md). A dash as promise: *not promised*, and the
row says why. By: *files*, who can write every file and holds no key; *package*, who has the package and no key of
the record; *keys*, who holds the locker's keys too. A number is the exit code of what found it: 1 does not match,
4 refused, 5 can't be used, 6 intact and not confirmed, 12 wrong passphrase or no right. "no" means that nothing was
noticed there.

A [page of its own](package-attacks.md) has a hundred more attacks on packages, most by somebody with every key, and
[another](peers-tamper.md) has the same changes under other people's tools.
"""

_LOCKER = """
## A locker

- *check*: `custody check --no-key`. *key*: `custody check` with the owner's key. *deep*: `custody check --deep`.
- *day*: what an ordinary day's commands run into: sit down, read an item, collect a file, seal, export.
- *package*: the package that this day ended with, verified by somebody whose trust file has seen the package before
  it. An empty cell: no package came of it.

| Place | Change | What | By | Promise | check | key | deep | day | package | Said |
|---|---|---|---|---|---|---|---|---|---|---|
"""

_PACKAGE = """
## A package

- *bare*: `custody verify` without anything; an untouched package is 6 there, since nobody says who is trusted.
- *trust*: with a trust file that names the record and the authority. *older*: with one that has also seen an older
  package of the same case (`custody trust add`).
- *witness*: later; witnesses are not made yet.

| Place | Change | What | By | Promise | bare | trust | older | witness | Said |
|---|---|---|---|---|---|---|---|---|---|
"""

_NOTES = "\n### Why, and what else\n\n"

_EMPTY = """
## Not in the table

A change is left out where it does not exist: bytes have no order to change, a table's key can't stand twice, a key
file holds one key. `witness` columns come with witnesses.
"""


def text() -> str:
    """The whole page."""
    return "".join((_HEAD, _counts(), _LOCKER, *_rows(LOCKER), _why(LOCKER), _PACKAGE, *_rows(PACKAGE), _why(PACKAGE),
                    _sweep(), _EMPTY))  # fmt: skip


def _counts() -> str:
    rows = [*LOCKER, *PACKAGE]
    promised = [row for row in rows if row.promise is not None]
    missed = [row for row in promised if not row.found]
    return (
        f"\n{len(rows)} changes at {len({row.place for row in rows})} places: {len(promised)} fall under a promise,"
        f" {len(missed)} of these were missed; {len(rows) - len(promised)} are not promised.\n"
    )


def _rows(rows: Sequence[Row]) -> list[str]:
    places = list(dict.fromkeys(row.place for row in rows))
    ordered = sorted(rows, key=lambda row: (places.index(row.place), CHANGES.index(row.change)))
    return [_row(row) for row in ordered]


def _row(row: Row) -> str:
    promise = "–" if row.promise is None else str(row.promise)
    cells = [_cell(name, code) for name, code in row.cells.items()]
    if "bare" in row.cells:
        cells.append("later")
    says = row.says.strip().removesuffix(":").replace("|", "\\|")
    fields = (row.place, row.change, row.what, row.who, promise, *cells, says or "–")
    return f"| {' | '.join(fields)} |\n"


def _cell(name: str, code: int | None) -> str:
    if code is None:
        return ""
    if name == "bare" and code == NOTHING_FOUND[name]:
        return "no (6)"
    return "no" if code == NOTHING_FOUND[name] else str(code)


def _why(rows: Sequence[Row]) -> str:
    lines = [
        f"- {row.place}, {row.change} ({row.what}): {'' if row.promise is not None else 'not promised: '}{row.why}.\n"
        for row in rows
        if row.why
    ]
    return _NOTES + "".join(lines)


def _sweep() -> str:
    """The figures of the last full sweep, as it wrote them."""
    if not SWEEP.exists():
        return ""
    value = json.loads(SWEEP.read_text("utf-8"))
    lines = [
        "\n## Flipped bits\n\n"
        "One bit is flipped at places evenly over a whole package and all files of a locker, at every byte where there"
        " are no more than flips (`python -m tests.tamper --sweep`; CI takes a sample). *Found*: `verify`, or `check`"
        " with the key, says that something is wrong, or refuses. *Same*: nothing was said, and what the files hold,"
        " read out row by row, is the same to the last byte. *Missed*: nothing was said, and it is not the same."
        " *Not promised*: nothing was said, and a look-up or the locker secret is another (rows above).\n\n"
        "| What | Bytes | Flips | Found | Same | Not promised | Missed |\n|---|---|---|---|---|---|---|\n"
    ]
    for name, row in value["what"].items():
        lines.append(
            f"| {name} | {row['bytes']} | {row['flips']} | {row['found']} | {row['same']} | {row['derived']} |"
            f" {row['missed']} |\n"
        )
    lines.append(f"\n{value['note']} Measured {value['date']}.\n")
    return "".join(lines)
