"""Runs a row: the change is really made, and everything that could find it is really run."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.tamper.rows import LOCKER_COLUMNS, PACKAGE_COLUMNS, Row
from tests.tamper.world import Told, by_check, by_verify, by_work, world

Cells = dict[str, Told | None]


def locker(row: Row, folder: Path) -> Cells:
    """Exit code and words of each column, each on a tampered copy of its own."""
    tampered = world().copy(folder / "tampered")
    row.do(tampered)
    cells: Cells = {}
    cells["check"], _ = by_check(tampered.copy(folder / "check"), key=False)
    cells["key"], cells["deep"] = by_check(tampered.copy(folder / "key"), key=True)
    cells["next"], data = by_work(tampered.copy(folder / "next"))
    cells["package"] = None if data is None else by_verify(data, tampered.newer)
    for name in ("tampered", *LOCKER_COLUMNS):
        shutil.rmtree(folder / name, ignore_errors=True)
    return cells


def package(row: Row) -> Cells:
    """Exit code and words of `verify`, by who holds nothing, a trust file, and one that has seen an older package."""
    data, trust, older = row.do()
    held = dict(zip(PACKAGE_COLUMNS, (None, trust, older), strict=True))
    return {name: by_verify(data, trust) for name, trust in held.items()}


def words(cells: Cells) -> str:
    """All that was said, in the order of the columns."""
    return "\n".join(told.text for told in cells.values() if told is not None)


def differences(row: Row, cells: Cells) -> list[str]:
    """How what came differs from what the table has; empty when it does not."""
    found = []
    for name, expected in row.cells.items():
        told = cells[name]
        code = None if told is None else told.code
        if code != expected:
            found.append(f"{name}: expected {expected}, found {code}: {told.text if told else ''}")
    if row.says not in words(cells):
        found.append(f"nothing says “{row.says}”: {words(cells)}")
    return found
