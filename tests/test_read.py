"""Reading back: the same bytes, nothing overwritten, nothing left after a failure, all of it logged."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest

from custody.errors import CheckFailed, InputRefused, MachineError, NoRight
from custody.ledger.work import ItemRow
from custody.procedure import items, lists, read
from custody.procedure.locker import Desk
from tests import desks

DATA = bytes(range(256)) * 20_000  # 5 MB: several pieces


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = desks.new_locker(tmp_path)
    desks.case_with(desk, tmp_path / "src", {"a.bin": DATA})
    return desk


@pytest.fixture
def item(desk: Desk) -> ItemRow:
    return items.find_item(desk, "A-1/01")


def accesses(desk: Desk) -> list[dict[str, Any]]:
    return [dict(line.public) for line in lists.log(desk) if line.kind == "item.accessed"]


def damage(desk: Desk, item: ItemRow, *, at: float) -> None:
    path = desk.locker.path / "vault" / str(item.object)
    data = bytearray(path.read_bytes())
    data[int(len(data) * at) - 1] ^= 1
    path.write_bytes(data)


def test_a_file_is_given_back_as_found(desk: Desk, item: ItemRow, tmp_path: Path) -> None:
    done = read.read_to_file(desk, item, tmp_path / "out", desks.WHY)
    assert (tmp_path / "out").read_bytes() == DATA
    assert (done.label, done.size, done.sha256) == ("A-1/01", len(DATA), hashlib.sha256(DATA).hexdigest())
    if os.name == "posix":
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert accesses(desk) == [{"what": "content", "result": "opened", "copy": True, "purpose": "other"}]
    assert [line.label for line in lists.todo(desk).open_copies] == ["A-1/01"]
    read.read_done(desk, items.find_item(desk, "A-1/01"), desks.WHY)
    assert lists.todo(desk).open_copies == ()
    assert accesses(desk)[-1]["result"] == "closed"
    with pytest.raises(InputRefused, match="no open copy"):
        read.read_done(desk, items.find_item(desk, "A-1/01"), desks.WHY)


def test_an_existing_file_is_kept_and_nothing_is_logged(desk: Desk, item: ItemRow, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("out", "link", "src"):
        with pytest.raises(InputRefused, match="there is a file already"):
            read.read_to_file(desk, item, tmp_path / name, desks.WHY)
    assert (tmp_path / "out").read_bytes() == b"mine"
    assert accesses(desk) == []


def test_a_file_that_appears_meanwhile_is_kept(
    desk: Desk, item: ItemRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rename_new", "name_file"):
        real = getattr(read.machine, name)

        def rename(source: Path | int, target: Path, real: Any = real) -> None:
            target.write_bytes(b"mine")
            real(source, target)

        monkeypatch.setattr(read.machine, name, rename)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputRefused, match="there is a file already"):
        read.read_to_file(desk, item, tmp_path / "out", desks.WHY)
    assert (tmp_path / "out").read_bytes() == b"mine"
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "out"])


def test_a_place_that_cant_be_written_is_said_before_anything_is_logged(
    desk: Desk, item: ItemRow, tmp_path: Path
) -> None:
    for place in (tmp_path / "missing" / "out", tmp_path / "src" / "a.bin" / "out", tmp_path / ("n" * 300)):
        with pytest.raises((MachineError, InputRefused)):
            read.read_to_file(desk, item, place, desks.WHY)
    assert accesses(desk) == [] or accesses(desk)[-1]["result"] == "closed"
    assert lists.todo(desk).open_copies == ()


@pytest.mark.parametrize("inside", [".", "vault", "vault/../../L"])
def test_no_copy_is_written_into_the_locker(desk: Desk, item: ItemRow, inside: str) -> None:
    with pytest.raises(InputRefused, match="inside the locker"):
        read.read_to_file(desk, item, desk.locker.path / inside / "out", desks.WHY)
    assert accesses(desk) == []


def test_nor_by_a_link(desk: Desk, item: ItemRow, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(desk.locker.path)
    with pytest.raises(InputRefused, match="inside the locker"):
        read.read_to_file(desk, item, tmp_path / "link" / "out", desks.WHY)


@pytest.mark.parametrize("at", [0.01, 0.5, 1.0])
def test_damaged_content_leaves_no_file_and_no_open_copy(
    desk: Desk, item: ItemRow, tmp_path: Path, at: float
) -> None:
    damage(desk, item, at=at)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CheckFailed):
        read.read_to_file(desk, item, tmp_path / "out", desks.WHY)
    assert sorted(tmp_path.iterdir()) == before
    assert [one["result"] for one in accesses(desk)] == ["opened", "closed"]
    assert lists.todo(desk).open_copies == ()


def test_a_failure_does_not_close_an_earlier_copy(desk: Desk, item: ItemRow, tmp_path: Path) -> None:
    read.read_to_file(desk, item, tmp_path / "out", desks.WHY)
    damage(desk, item, at=0.5)
    with pytest.raises(CheckFailed):
        read.read_to_file(desk, items.find_item(desk, "A-1/01"), tmp_path / "two", desks.WHY)
    assert [line.label for line in lists.todo(desk).open_copies] == ["A-1/01"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_and_ctrl_c_leave_nothing(
    desk: Desk, item: ItemRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        # The copy's temporary file has no name, or one beside its place.
        place = Path(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        if place.parent == tmp_path and not place.is_dir():
            raise error
        real(descriptor)

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises((MachineError, KeyboardInterrupt)):
        read.read_to_file(desk, item, tmp_path / "out", desks.WHY)
    assert sorted(tmp_path.iterdir()) == before
    assert lists.todo(desk).open_copies == ()


def test_a_stream_gets_the_bytes_and_no_copy_is_counted(desk: Desk, item: ItemRow) -> None:
    stream = io.BytesIO()
    done = read.read_to_stream(desk, item, stream, desks.WHY)
    assert stream.getvalue() == DATA
    assert done.path is None
    assert accesses(desk)[0]["copy"] is False
    assert lists.todo(desk).open_copies == ()


@pytest.mark.parametrize("at", [0.5, 1.0])
def test_of_damaged_content_a_stream_gets_nothing(desk: Desk, item: ItemRow, at: float) -> None:
    damage(desk, item, at=at)
    stream = io.BytesIO()
    with pytest.raises(CheckFailed):
        read.read_to_stream(desk, item, stream, desks.WHY)
    assert stream.getvalue() == b""


def test_larger_content_streams_and_says_at_the_end_that_it_is_a_part(
    desk: Desk, item: ItemRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "HOLD_BACK", 1000)
    damage(desk, item, at=1.0)
    stream = io.BytesIO()
    with pytest.raises(CheckFailed):
        read.read_to_stream(desk, item, stream, desks.WHY)
    written = stream.getvalue()
    assert written
    assert DATA.startswith(written)


def test_a_stream_that_is_gone_is_this_machines_fault(desk: Desk, item: ItemRow) -> None:
    class Gone(io.BytesIO):
        def write(self, _: Any) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(MachineError, match="can't be written"):
        read.read_to_stream(desk, item, Gone(), desks.WHY)


def test_who_may_not_read_gets_no_file(desk: Desk, item: ItemRow, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other")
    theirs = desks.sit_down(desk, other)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NoRight):
        read.read_to_file(theirs, item, tmp_path / "out", desks.WHY)
    assert sorted(tmp_path.iterdir()) == before
    assert [one["result"] for one in accesses(desk)] == ["refused"]
