"""`shown` of `package.made`, recomputed by `check`: over exhibits, receipts and volumes, and when it is false."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from custody.format import package
from custody.procedure import backup, export, restore
from custody.procedure.check import check
from custody.procedure.export import Choice
from custody.procedure.export_plan import Plan
from custody.procedure.locker import Desk, Locker
from custody.verify.report import Finding, Outcome
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


def an_export(desk: Desk, case: str, output: Path, *labels: str) -> None:
    items = tuple(item for item in desk.locker.work.items(case) if item.label in labels)
    export.export(desk, Choice(case=case, items=items), output, purpose="a test", plain=True, stamped=False)


def failed(desk: Desk) -> list[Finding]:
    done = check(desk.locker, None, workers=0)
    return [f for f in done.findings if f.outcome is not Outcome.PASSED and f.check == "packages"]


def test_what_honest_packages_state_is_what_stood_there(desk: Desk, tmp_path: Path):
    case, _ = desks.case_with(desk, tmp_path / "one", {"a.txt": b"a", "b.txt": b"b"})
    an_export(desk, case, tmp_path / "1.zip", "A-1/01")
    # The same bytes from another source, in an exhibit of their own; then one beside them.
    desks.take_in(desk, case, desks.put(tmp_path / "two", {"a.txt": b"a"}), again=True)
    an_export(desk, case, tmp_path / "2.zip", "A-1/01")
    an_export(desk, case, tmp_path / "3.zip")
    backup.write(desk, tmp_path / "B")
    restore.restore(tmp_path / "B", tmp_path / "L2", desk.key_file, desk.rim)
    later = Desk(Locker(tmp_path / "L2"), desk.key_file, desk.rim)
    an_export(later, case, tmp_path / "4.zip", "A-1/02")
    desks.take_in(later, case, desks.put(tmp_path / "three", {"c.txt": b"c"}))
    an_export(later, case, tmp_path / "5.zip")
    assert len(later.locker.work.exhibits(case)) == 3
    assert len(later.locker.work.receipts()) == 1
    assert failed(later) == []


@pytest.mark.parametrize("left_out", ["an entry", "an exhibit", "the ledger"])
def test_an_end_that_is_stated_falsely_is_found(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
):
    case, _ = desks.case_with(desk, tmp_path / "one", {"a.txt": b"a"})
    desks.take_in(desk, case, desks.put(tmp_path / "two", {"b.txt": b"b"}))
    honest = Plan.bound

    def false(self: Plan) -> dict[str, object]:
        rows = self.rows
        at = next(
            i for i, row in enumerate(rows) if row[0] == ("ledger" if left_out == "the ledger" else "exhibit")
        )
        if left_out == "an exhibit":
            del rows[at]
        else:
            rows[at] = (*rows[at][:2], rows[at][2] + 1, "00" * 32)
        return {**honest(self), "shown": hashlib.sha256(package.shown_bytes(rows)).hexdigest()}

    with monkeypatch.context() as changed:
        changed.setattr(Plan, "bound", false)
        an_export(desk, case, tmp_path / "p.zip")
    (found,) = failed(desk)
    assert found.outcome is Outcome.FAILED
    assert "other ends of the histories" in found.text
    assert found.where is not None
    assert "package.made" in found.where
