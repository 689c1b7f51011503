"""Sweeping up after a crash: leftovers go, evidence never, whatever the list of items says."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from custody.procedure import access, named, sweep
from custody.procedure.locker import Desk, Locker
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


def leave_a_trace(desk: Desk) -> None:
    """A staging folder that nobody holds: work was cut short here."""
    folder = desk.locker.path / "vault" / "unfinished-1-abcd"
    folder.mkdir()
    (folder / "half").write_bytes(b"half an object")


def swept(desk: Desk) -> int:
    locker = Locker(desk.locker.path)
    with locker.lock():
        return sweep.sweep(locker)


def read_all(desk: Desk) -> list[bytes]:
    fresh = desks.sit_down(desk)
    found = []
    for item in fresh.locker.work.items():
        opened = access.open_item(fresh, item, purpose=desks.WHY)
        assert opened.content is not None
        found.append(b"".join(opened.content()))
    return found


def test_an_item_that_the_list_lost_is_not_swept(desk: Desk, tmp_path: Path) -> None:
    """The list is not synced: a power cut can take a row of it, and anybody can write it."""
    desks.case_with(desk, tmp_path / "src", {"a": b"one", "b": b"two"})
    path = desk.locker.path / "work.sqlite"
    desk.locker.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM item WHERE label = 'A-1/01'")
    leave_a_trace(desk)
    swept(desk)
    fresh = desks.sit_down(desk)
    assert len(list(fresh.locker.vault.objects())) == 2
    assert not (desk.locker.path / "vault" / "unfinished-1-abcd").exists()


def test_objects_and_keys_that_no_entry_names_go(desk: Desk, tmp_path: Path) -> None:
    desks.case_with(desk, tmp_path / "src", {"a": b"one"})
    (desk.locker.path / "vault" / ("0" * 64)).write_bytes(b"an object without an entry")
    leave_a_trace(desk)
    assert swept(desk) == 1
    assert len(list(desk.locker.vault.objects())) == 1
    assert read_all(desk) == [b"one"]


def test_while_an_entry_can_not_be_read_everything_stays(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks.case_with(desk, tmp_path / "src", {"a": b"one"})
    (desk.locker.path / "vault" / ("0" * 64)).write_bytes(b"perhaps a newer custody's")
    leave_a_trace(desk)
    whole = named.of
    monkeypatch.setattr(named, "of", lambda record: dataclasses.replace(whole(record), whole=False))
    assert swept(desk) == 0
    assert len(list(desk.locker.vault.objects())) == 2


def test_without_a_trace_nothing_is_looked_at_unless_asked(desk: Desk, tmp_path: Path) -> None:
    desks.case_with(desk, tmp_path / "src", {"a": b"one"})
    (desk.locker.path / "vault" / ("0" * 64)).write_bytes(b"left")
    assert swept(desk) == 0
    locker = Locker(desk.locker.path)
    with locker.lock():
        assert sweep.sweep(locker, always=True) == 1
