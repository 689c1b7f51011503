"""The tamper matrix: each change of the table is really made, and what comes of it is what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tamper import ledger_rows, package_rows, page, peers, run, store_rows, sweep
from tests.tamper.rows import CHANGES, LOCKER, LOCKER_COLUMNS, PACKAGE, PACKAGE_COLUMNS, Row
from tests.tamper.world import by_check, by_verify, by_work, world

_ = (ledger_rows, store_rows, package_rows)
CI_FLIPS = 40
"""Flips of each thing in CI; all of them are `python -m tests.tamper --sweep`."""


def ids(row: Row) -> str:
    return row.id


def test_untouched_nothing_is_found(tmp_path: Path) -> None:
    assert by_check(world().copy(tmp_path / "a"), key=False)[0].code == 0
    assert [told.code for told in by_check(world().copy(tmp_path / "b"), key=True)] == [0, 0]
    day, data = by_work(world().copy(tmp_path / "c"))
    assert day.code == 0
    assert data is not None
    assert by_verify(data, world().newer).code == 0
    for package in (world().first, world().second):
        assert [by_verify(package, held).code for held in (None, world().trust, world().older)] == [6, 0, 0]


@pytest.mark.parametrize("row", LOCKER, ids=ids)
def test_a_change_of_a_locker(row: Row, tmp_path: Path) -> None:
    assert not run.differences(row, run.locker(row, tmp_path))


@pytest.mark.parametrize("row", PACKAGE, ids=ids)
def test_a_change_of_a_package(row: Row) -> None:
    assert not run.differences(row, run.package(row))


@pytest.mark.parametrize("row", [*LOCKER, *PACKAGE], ids=ids)
def test_what_is_promised_is_found_and_the_rest_says_why(row: Row) -> None:
    assert row.change in CHANGES
    assert set(row.cells) == set(LOCKER_COLUMNS if row in LOCKER else PACKAGE_COLUMNS)
    if row.promise is None:
        assert row.why
    else:
        assert row.found


def test_ids_are_told_apart() -> None:
    names = [row.id for row in (*LOCKER, *PACKAGE)]
    assert len(set(names)) == len(names)


def test_the_page_is_of_this_table() -> None:
    assert page.PATH.read_text("utf-8") == page.text(), "out of date: run python -m tests.tamper"


@pytest.mark.parametrize("name", sweep.THINGS)
def test_a_flipped_bit_is_found_or_changes_nothing(name: str, tmp_path: Path) -> None:
    done = sweep.sweep(name, tmp_path, flips=CI_FLIPS)
    assert done.flips >= CI_FLIPS // 2
    assert not done.missed, done.missed


@pytest.mark.parametrize("tool", peers.TOOLS)
def test_other_peoples_tools_answer_as_their_page_says(tool: str) -> None:
    if not peers.installed(tool):
        pytest.skip(f"{tool} is not installed here; its last results stand on the page")
    kept = json.loads(peers.RESULTS.read_text("utf-8"))[tool]
    if tool.startswith("custody") or peers.version(tool) == kept["version"]:
        assert peers.answers(tool) == kept["answers"]
    else:
        pytest.skip(
            f"{peers.version(tool)} is another version than the page's: run python -m tests.tamper --peers"
        )


def test_the_page_of_other_peoples_tools_is_of_their_results() -> None:
    assert peers.PATH.read_text("utf-8") == peers.text(), "out of date: run python -m tests.tamper --peers"
