"""A power cut at every named point of a write: the locker opens, nothing is half, the step can be done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from custody.keys import keyfile
from custody.procedure import access, lists
from custody.procedure.check import check
from custody.procedure.locker import Desk
from tests import crash, desks
from tests.conftest import REPO

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

WRITE = ("before erasable commit", "after erasable commit", "after ledger commit", "after key file")
CASES = [
    *(("collect", point, times) for point in ("before objects", "after objects") for times in (1, 2)),
    *(("collect", point, times) for point in WRITE for times in (1, 2, 3)),
    *((step, point, 1) for step in ("open case", "read", "names", "seal") for point in WRITE),
    *(("grant", point, times) for point in WRITE for times in (1, 2)),
]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], Path]:
    """The folder of each case after its crash; all made by one process, which is started once."""
    base = tmp_path_factory.mktemp("crash")
    crash.make_base(base / "base")
    folders = {case: base / str(number) for number, case in enumerate(CASES)}
    todo = [[str(folder), *case] for case, folder in folders.items()]
    done = subprocess.run(
        [sys.executable, "-c", "from tests import crash; crash.run()", str(base / "base"), json.dumps(todo)],
        cwd=REPO,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    codes = dict(zip(CASES, json.loads(done.stdout), strict=True))
    wrong = {case: code for case, code in codes.items() if code != crash.GONE}
    assert not wrong, f"these did not end at their point: {wrong}\n{done.stderr}"
    return folders


def content(desk: Desk, item: str) -> bytes:
    row = desk.locker.work.item(item)
    assert row is not None
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.content is not None
    return b"".join(opened.content())


def whole(folder: Path) -> Desk:
    """The locker opens and everything in it is checked, contents too."""
    desk = crash.desk_of(folder)
    done = check(desk.locker, desk, deep=True)
    assert done.passed, done.first_failure
    return desk


@pytest.mark.parametrize(("step", "point", "times"), CASES, ids=lambda value: str(value).replace(" ", "-"))
def test_after_a_power_cut_nothing_is_half_and_all_can_be_done_again(
    crashed: dict[tuple[str, str, int], Path],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    point: str,
    times: int,
) -> None:
    monkeypatch.setattr(crash.collect, "BATCH_ITEMS", 2)
    folder = crashed[step, point, times]
    desk = whole(folder)
    case = crash.first_case(desk)
    before = {item.label for item in desk.locker.work.items(case)}
    committed = point in ("after ledger commit", "after key file")
    if step == "collect":
        batches = min(2, times - 1 + committed)
        assert len(before) == 1 + 2 * batches
        assert bool(lists.todo(desk).unfinished) == (batches > 0 and not (times == 3 and committed))
    if step == "read":
        assert not (folder / "out").exists()

    already = step == "open case" and committed
    if not already:
        crash.STEPS[step](folder)

    desk = whole(folder)
    found = {item.label: content(desk, item.id) for item in desk.locker.work.items(case)}
    match step:
        case "collect":
            assert sorted(found.values()) == sorted([*crash.FILES.values(), b"old"])
            assert sorted(found) == ["A-1/01", "A-1/02", "A-1/03", "A-1/04", "OLD-1/01"]
            assert before <= set(found)
            assert lists.todo(desk).unfinished == ()
            assert lists.todo(desk).leftovers == ()
        case "open case":
            titles = [row.ref for row in lists.case_titles(desk, desks.WHY)]
            assert titles == ["REF-1", "REF-2"]
        case "read":
            assert (folder / "out").read_bytes() == b"old"
            assert [line.label for line in lists.todo(desk).open_copies] == ["OLD-1/01"]
        case "seal":
            with desk.locker.ledger.reading() as view:
                assert view.newest_note() is not None
        case "grant":
            other = keyfile.open_(folder / "keys" / "other", desks.PASSPHRASE)
            theirs = desks.sit_down(desk, other)
            assert content(theirs, theirs.locker.work.items(case)[0].id) == b"old"
