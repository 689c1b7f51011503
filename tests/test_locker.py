"""The locker and the desk: what is put back, mixed or changed is refused; lists can be rebuilt."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from custody import machine
from custody.errors import CheckFailed, CustodyError, LockerBusy, NoLocker, NoRight
from custody.ledger import store as ledgers
from custody.ledger import work as works
from custody.procedure import cases, lists
from custody.procedure.locker import Desk, Locker
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = desks.new_locker(tmp_path)
    desks.case_with(desk, tmp_path / "src", {"a": b"1", "b": b"2"})
    return desk


def copy_of(desk: Desk, target: Path) -> Path:
    desk.locker.close()
    shutil.copytree(desk.locker.path, target)
    return target


def put_back(saved: Path, desk: Desk, *names: str) -> None:
    """Put the files of a copy in the place of those of the locker."""
    desk.locker.close()
    for name in names or [path.name for path in saved.iterdir()]:
        for old in desk.locker.path.glob(f"{name}*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for new in saved.glob(f"{name}*"):
            target = desk.locker.path / new.name
            shutil.copytree(new, target) if new.is_dir() else shutil.copy(new, target)


def test_no_locker_says_what_to_do(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoLocker, match="no locker here") as caught:
            Locker(place)
        assert "custody init" in str(caught.value.hint)
        assert caught.value.exit_code == 10


@pytest.mark.parametrize("name", ["ledger.sqlite", "erasable.sqlite"])
@pytest.mark.parametrize("data", [b"", b"text", b"SQLite format 3\0" + b"\0" * 200])
def test_a_file_that_is_something_else_is_refused(desk: Desk, name: str, data: bytes) -> None:
    desk.locker.close()
    (desk.locker.path / name).write_bytes(data)
    with pytest.raises(CustodyError) as caught:
        Locker(desk.locker.path)
    assert "not a custody" in caught.value.message


@pytest.mark.parametrize("what", ["all", "ledger.sqlite"])
def test_an_older_locker_put_back_is_refused(desk: Desk, tmp_path: Path, what: str) -> None:
    saved = copy_of(desk, tmp_path / "saved")
    cases.open_case(desks.sit_down(desk), "REF-2")
    put_back(saved, desk, *([] if what == "all" else [what]))
    with pytest.raises(CheckFailed, match="rolled back") as caught:
        desks.sit_down(desk)
    assert "at least" in str(caught.value.expected)
    assert "newer copy" in str(caught.value.hint)
    # Nothing is opened or written there, not even by a list.
    assert lists.list_items(Locker(desk.locker.path))


def test_a_record_that_went_another_way_is_refused(desk: Desk, tmp_path: Path) -> None:
    """A copy that somebody continued: as long as ours or longer, and not ours."""
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    saved = copy_of(desk, tmp_path / "saved")
    cases.open_case(desks.sit_down(desk), "REF-2")
    elsewhere = Desk(Locker(saved), other, desk.rim)
    for reference in ("REF-3", "REF-4"):
        cases.open_case(elsewhere, reference)
    elsewhere.locker.close()
    put_back(saved, desk)
    with pytest.raises(CheckFailed, match="record was changed"):
        desks.sit_down(desk)


def test_a_changed_entry_is_refused_by_who_signed_after_it(desk: Desk) -> None:
    desk.locker.close()
    with sqlite3.connect(desk.locker.path / "ledger.sqlite") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND position = 6")
    connection.close()
    with pytest.raises(CheckFailed, match="record was changed"):
        desks.sit_down(desk)


def test_ledger_and_erasable_store_of_two_lockers_are_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    other = desks.new_locker(tmp_path / "two")
    other.locker.close()
    put_back(other.locker.path, desk, "erasable.sqlite")
    with pytest.raises(CheckFailed, match="two different lockers"):
        Locker(desk.locker.path)


def test_a_strangers_key_opens_no_desk(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(NoRight, match="not one of the locker's custodians"):
        desks.sit_down(desk, desks.new_key_file(tmp_path / "stranger"))


def test_a_copy_of_the_locker_is_not_continued_behind_ones_back(desk: Desk, tmp_path: Path) -> None:
    """Two copies, one key: what was signed in one makes the other old."""
    saved = copy_of(desk, tmp_path / "saved")
    cases.open_case(Desk(Locker(saved), desk.key_file, desk.rim), "REF-2")
    with pytest.raises(CheckFailed, match="rolled back"):
        desks.sit_down(desk)


# The projection


def everything(work: works.Work) -> list[object]:
    found: list[object] = [
        work.cases(),
        work.items(),
        work.acquisitions(),
        work.packages(),
        work.open_copies(),
    ]
    return found + [work.exhibits(case.id) for case in work.cases()]


def test_the_projection_is_rebuilt_equal(desk: Desk) -> None:
    (item, _) = desk.locker.work.items()
    from custody.procedure import access

    access.open_item(desk, item, purpose=desks.WHY, copy=True)
    cases.close_case(desk, item.case)
    before = everything(desk.locker.work)
    assert before[4]
    work = desk.locker.work
    with desk.locker.ledger.reading() as view:
        work.rebuild(view)
    assert everything(work) == before


@pytest.mark.parametrize("damage", ["gone", "noise", "another", "empty"])
def test_a_lost_or_damaged_projection_costs_nothing(desk: Desk, tmp_path: Path, damage: str) -> None:
    before = everything(desk.locker.work)
    desk.locker.close()
    path = desk.locker.path / works.FILE_NAME
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    match damage:
        case "gone":
            path.unlink()
        case "noise":
            path.write_bytes(b"\x01" * 5000)
        case "empty":
            path.write_bytes(b"")
        case _:
            (tmp_path / "two").mkdir()
            other = desks.new_locker(tmp_path / "two")
            desks.case_with(other, tmp_path / "s2", {str(n): str(n).encode() for n in range(9)})
            _ = other.locker.work
            other.locker.close()
            shutil.copy(other.locker.path / works.FILE_NAME, path)
    fresh = desks.sit_down(desk)
    assert everything(fresh.locker.work) == before


def test_the_projection_follows_what_another_process_adds(desk: Desk, tmp_path: Path) -> None:
    other = desks.sit_down(desk)
    assert len(other.locker.work.items()) == 2
    (case,) = (row.id for row in desk.locker.work.cases())
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"c": b"3"}))
    assert len(other.locker.work.items()) == 3


# Writing


def test_a_failed_write_leaves_nothing_and_the_desk_goes_on(desk: Desk) -> None:
    with desk.locker.ledger.reading() as view:
        before = (view.size, view.root())
    case = desk.rim.new_id()

    def write_and_fail() -> None:
        keys = {name: bytes(32) for name in ("record", "identity", "note")}
        with desk.write() as writer:
            writer.add("case.opened", "case", case, case=case, parts={"title": {"ref": "X"}}, keys=keys)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with desk.locker.ledger.reading() as view:
        assert (view.size, view.root()) == before
    # The rights that the lost entry would have given are gone with it.
    assert not desk.rights.holds(desk.key_id, "read", case)
    assert desk.locker.erasable.part(desk.origin, case, 0, "title") is None
    cases.open_case(desk, "REF-2")


def test_a_part_without_its_key_is_not_written(desk: Desk) -> None:
    (case,) = (row.id for row in desk.locker.work.cases())
    with pytest.raises(NoRight, match="no key to write"), desk.write() as writer:
        writer.add("case.closed", "case", case, case=case, parts={"note": {"text": "x"}}, keys={})


def test_who_waits_too_long_is_told_that_the_locker_is_busy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = desks.sit_down(desk)
    real = machine.locked
    monkeypatch.setattr(machine, "locked", lambda path, **_: real(path, timeout=0.05))
    with desk.locker.lock(), pytest.raises(LockerBusy) as caught:
        cases.open_case(other, "REF-2")
    assert caught.value.exit_code == 11
    cases.open_case(other, "REF-2")


def test_writers_in_a_row_do_not_lose_each_others_entries(desk: Desk) -> None:
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            own = desks.sit_down(desk)
            for step in range(4):
                cases.open_case(own, f"T-{number}-{step}")
            own.locker.close()
        except BaseException as error:  # noqa: BLE001 — handed to the test below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    fresh = desks.sit_down(desk)
    assert len(fresh.locker.work.cases()) == 13
    with fresh.locker.ledger.reading() as view:
        stored = list(view.entries())
        assert [one.seq for one in stored] == list(range(view.size))
        for one in stored:
            assert one.read().root == view.root(one.seq).hex()


def test_a_ledger_of_a_newer_custody_is_refused_with_its_reason(desk: Desk) -> None:
    desk.locker.close()
    with sqlite3.connect(desk.locker.path / ledgers.FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CustodyError, match="made by a newer custody"):
        Locker(desk.locker.path)
