"""The rows: a change, at a place, by somebody, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = (
    "flip",
    "remove",
    "add",
    "rename",
    "reorder",
    "swap",
    "truncate",
    "duplicate",
    "older state",
    "re-sign",
)
"""Kinds of change, in the order of the page."""

LOCKER_COLUMNS = ("check", "key", "deep", "next", "package")
"""`check --no-key`, `check`, `check --deep`, a day's work, `verify` of that day's export by who saw an older one."""

PACKAGE_COLUMNS = ("bare", "trust", "older")
"""`verify` without trust, with a trust file, and with one that has seen an older package."""

NOTHING_FOUND = {"check": 0, "key": 0, "deep": 0, "next": 0, "package": 0, "bare": 6, "trust": 0, "older": 0}
"""Exit codes where nothing was touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One change. ``cells``: exit code by column; None where the column says nothing of it."""

    id: str
    place: str
    change: str
    what: str
    who: str
    promise: int | None
    cells: Mapping[str, int | None]
    says: str
    why: str
    """Why it is not promised, where it is not; or what else there is to know."""
    do: Callable[[Any], Any]

    @property
    def found(self) -> bool:
        """True when some column tells it from an untouched one."""
        return any(code not in (None, NOTHING_FOUND[name]) for name, code in self.cells.items())


LOCKER: list[Row] = []
PACKAGE: list[Row] = []


def locker(
    place: str, change: str, what: str, says: str, *, promise: int | None = 3, who: str = "files", why: str = "",
    check: int = 1, key: int = 1, deep: int | None = None, next: int = 1, package: int | None = None,  # noqa: A002
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:  # fmt: skip
    """Register a change of a locker; ``deep`` is as ``key`` where it is not said.

    ``package`` is None where the day's work is refused: nothing is exported then.
    """

    def register(do: Callable[[Any], None]) -> Callable[[Any], None]:
        cells: dict[str, int | None] = {
            "check": check,
            "key": key,
            "deep": key if deep is None else deep,
            "next": next,
        }
        cells["package"] = (0 if package is None else package) if next in (0, 3) else None
        LOCKER.append(
            Row(
                id=do.__name__.replace("_", "-"),
                place=place,
                change=change,
                what=what,
                who=who,
                promise=promise,
                cells=cells,
                says=says,
                why=why,
                do=do,
            )
        )
        return do

    return register


def package(
    place: str, change: str, what: str, says: str, *, promise: int | None = 3, who: str = "package", why: str = "",
    bare: int = 1, trust: int | None = None, older: int | None = None,
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:  # fmt: skip
    """Register a change of a package; ``trust`` and ``older`` are as the column before where they are not said."""

    def register(do: Callable[[], Any]) -> Callable[[], Any]:
        with_trust = bare if trust is None else trust
        cells = {"bare": bare, "trust": with_trust, "older": with_trust if older is None else older}
        PACKAGE.append(
            Row(
                id=do.__name__.replace("_", "-"),
                place=place,
                change=change,
                what=what,
                who=who,
                promise=promise,
                cells=cells,
                says=says,
                why=why,
                do=do,
            )
        )
        return do

    return register


def page_path() -> Path:
    """The page that is made of the rows."""
    return Path(__file__).resolve().parents[2] / "docs" / "reference" / "tamper-matrix.md"
