"""Restore when something goes wrong: power cuts, full disks, lies in what was backed up; and disposals."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.errors import CheckFailed, InputRefused, MachineError, NoLocker, NoRight
from custody.format import kinds
from custody.keys import keyfile, recovery
from custody.procedure import (
    access,
    acquisition,
    backup,
    cases,
    check,
    custodians,
    restore,
    seal,
    setup,
    todo,
)
from custody.procedure.locker import UNFINISHED, Desk, Locker
from tests import desks
from tests.restore_crash import GONE

REPO = Path(__file__).resolve().parent.parent

POINTS = (
    "restore begun",
    "restore unpacked",
    "restore volume closed",
    "restore erasable commit",
    "restore ledger commit",
    "restore built",
    "restore renamed",
    "restore remembered",
    "restore done",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A backup of a small sealed locker, and the sheet's key file."""
    folder = tmp_path_factory.mktemp("base")
    sheet = recovery.new_sheet(os.urandom(32))
    desk = desks.new_locker(folder, how=setup.Recovery(sheet=sheet))
    case, done = desks.case_with(desk, folder / "src", {"a.txt": b"a", "b.txt": b"b"})
    seal.seal(desk)
    backup.write(desk, folder / "B")
    desks.new_key_file(folder / "key", keys=sheet.keys)
    return SimpleNamespace(folder=folder, desk=desk, case=case, items=done.items, sheet=sheet)


def open_key(base, place: Path) -> keyfile.KeyFile:
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(base.folder / "key", place / "key")
    return keyfile.open_(place / "key", desks.PASSPHRASE)


def again(base, place: Path) -> Desk:
    own = open_key(base, place)
    restore.restore(base.folder / "B", place / "L", own, desks.make_rim())
    return Desk(Locker(place / "L"), own, desks.make_rim())


def is_locker(folder: Path) -> bool:
    try:
        Locker(folder).close()
    except NoLocker:
        return False
    return True


def test_a_power_cut_at_any_point_leaves_nothing_that_looks_like_a_locker(base, tmp_path):
    script = "import sys; sys.path.insert(0, sys.argv.pop(1)); from tests import restore_crash; restore_crash.run()"
    args = [sys.executable, "-c", script, str(REPO), str(base.folder), str(tmp_path), json.dumps(POINTS)]
    ended = subprocess.run(args, capture_output=True, text=True, timeout=240, check=False)
    assert json.loads(ended.stdout) == [GONE] * len(POINTS), ended.stderr
    for number, point in enumerate(POINTS):
        place = tmp_path / str(number)
        folders = [path for path in place.iterdir() if path.is_dir()]
        if point == "restore done":
            assert [is_locker(path) for path in folders] == [True]
            continue
        assert not any(is_locker(path) for path in folders), point
        if (place / "L").exists():  # cut between its new name and its last step
            assert (place / "L" / UNFINISHED).exists()
            shutil.rmtree(place / "L")
        # The next try sweeps what is left, and does the whole job.
        desk = again(base, place)
        assert sorted(path.name for path in place.iterdir()) == ["L", "key", "key.lock"]
        item = desk.locker.work.items()[0]
        opened = access.open_item(desk, item, purpose=desks.WHY)
        assert opened.content is not None
        assert b"".join(opened.content()) == b"a"


def test_a_neighbours_restore_is_not_swept(base, tmp_path):
    from custody import machine

    left = tmp_path / ".L.restoring-00000000"
    left.mkdir()
    with machine.locked(left / "lock"):
        again(base, tmp_path)
        assert left.exists()
    shutil.rmtree(tmp_path / "L")
    again(base, tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("point", POINTS[:-1])
def test_a_full_disk_leaves_nothing(base, tmp_path, monkeypatch, point):
    from custody import machine

    def full(name: str) -> None:
        if name == point:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(machine, "at_point", full)
    own = open_key(base, tmp_path)
    with pytest.raises(MachineError, match="no space"):
        restore.restore(base.folder / "B", tmp_path / "L", own, desks.make_rim())
    assert sorted(path.name for path in tmp_path.iterdir()) in (["key"], ["key", "key.lock"])
    monkeypatch.undo()
    again(base, tmp_path)


# What was backed up does not match itself


def lie(base, place: Path, sql: str) -> Path:
    """A copy of the locker's folder with one lie in a database."""
    copied = place / "copied"
    shutil.copytree(base.desk.locker.path, copied)
    connection = sqlite3.connect(
        copied / ("erasable.sqlite" if "part" in sql or "wrap" in sql else "ledger.sqlite")
    )
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    guards = [
        row[0]
        for row in sqlite3.connect(base.desk.locker.path / "ledger.sqlite").execute(
            "SELECT sql FROM sqlite_schema WHERE type = 'trigger'"
        )
    ]
    connection.execute(sql)
    if "ledger" in connection.execute("PRAGMA database_list").fetchone()[2]:
        for guard in guards:
            connection.execute(guard)
    connection.commit()
    connection.close()
    return copied


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM entry WHERE seq = 3",
        "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
        "UPDATE entry SET envelope = CAST(envelope || ' ' AS BLOB) WHERE seq = 4",
        "UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND position = 0",
        "UPDATE note SET note = CAST(note || 'x' AS BLOB)",
        "DELETE FROM part WHERE compartment = 'content'",
        "UPDATE part SET sealed = CAST(sealed || x'00' AS BLOB) WHERE compartment = 'content'",
        "DELETE FROM wrap WHERE use = 'batch'",
    ],
)
def test_a_copy_that_does_not_match_itself_is_not_restored(base, tmp_path, sql):
    copied = lie(base, tmp_path, sql)
    own = open_key(base, tmp_path)
    with pytest.raises(CheckFailed):
        restore.restore(copied, tmp_path / "L", own, desks.make_rim())
    assert not (tmp_path / "L").exists()
    assert not list(tmp_path.glob(".L*"))


def test_a_copy_with_an_object_missing_or_changed_is_not_restored(base, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(base.desk.locker.path, copied)
    one = next(path for path in sorted((copied / "vault").iterdir()) if len(path.name) == 64)
    data = one.read_bytes()
    own = open_key(base, tmp_path)
    for change in (data[:-1] + bytes([data[-1] ^ 1]), None):
        if change is None:
            one.unlink()
        else:
            one.write_bytes(change)
        with pytest.raises(CheckFailed, match="object"):
            restore.restore(copied, tmp_path / "L", own, desks.make_rim())
    assert not (tmp_path / "L").exists()


def test_a_retired_sheet_restores_nothing(tmp_path):
    sheet = recovery.new_sheet(os.urandom(32))
    desk = desks.new_locker(tmp_path, how=setup.Recovery(sheet=sheet))
    custodians.retire(desk, desk.rights.custodians[sheet.keys.sign.key_id])
    desk.locker.close()
    own = desks.new_key_file(tmp_path / "sheet", keys=sheet.keys)
    with pytest.raises(NoRight, match="out of force"):
        restore.restore(tmp_path / "L", tmp_path / "L2", own, desks.make_rim())
    assert not (tmp_path / "L2").exists()


# What comes after


def test_what_was_open_in_the_old_volume_is_gone_on_with(tmp_path):
    """An acquisition that a theft cut short goes on in the same exhibit; its end is logged even if all is in."""
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    source = desks.put(tmp_path / "src", {"a.txt": b"a", "b.txt": b"b"})

    def cut(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acquisition.Acquisition, "complete", cut)
        with pytest.raises(KeyboardInterrupt):
            desks.take_in(desk, case, source)
    desk.locker.close()
    restore.restore(tmp_path / "L", tmp_path / "L2", desk.key_file, desk.rim)
    desk = Desk(Locker(tmp_path / "L2"), desk.key_file, desk.rim)
    (exhibit,) = desk.locker.work.exhibits(case)
    assert [one.label for one in todo.todo(desk).unfinished] == [exhibit.label]
    done = desks.take_in(desk, case, source)
    assert todo.todo(desk).unfinished == ()
    assert not any("not finished" in text for text in check.check(desk.locker, None).pending)
    assert (done.already, done.items) == (2, ())
    rows = desk.locker.work.acquisitions(exhibit.id)
    assert [row.ended for row in rows] == [None, "completed"]
    assert [row.n for row in rows] == [0, 0]
    assert rows[0].ledger != rows[1].ledger == desk.origin
    more = desks.take_in(desk, case, desks.put(tmp_path / "src", {"c.txt": b"c"}))
    assert more.already == 2
    assert check.check(desk.locker, desk).passed, check.check(desk.locker, desk).findings


def test_what_was_disposed_of_does_not_come_back(tmp_path, monkeypatch):
    """The kind is a draft; a record of a later custody may have it, and a backup may be older or careless."""
    desk = desks.new_locker(tmp_path)
    case, done = desks.case_with(desk, tmp_path / "src", {"a.txt": b"a", "b.txt": b"b"})
    known = dataclasses.replace(kinds.KINDS["item.disposed"], draft=False)
    monkeypatch.setitem(kinds.KINDS, "item.disposed", known)
    gone, kept = done.items
    public = {"ground": "court order", "provision": "x", "method": "keys destroyed"}
    with desk.write() as writer:
        writer.add("item.disposed", "item", gone.id, case=case, public=public)
    backup.write(desk, tmp_path / "B")
    row = desk.locker.work.item(gone.id)
    assert row is not None
    found = restore.restore(tmp_path / "B", tmp_path / "L2", desk.key_file, desk.rim)
    assert (found.disposed, found.items) == (1, 1)
    new = Locker(tmp_path / "L2")
    assert new.erasable.item_keys(gone.id) is None
    assert new.erasable.part(desk.origin, gone.id, 0, "content") is None
    assert new.vault.size_of(row.object) is None
    assert new.erasable.item_keys(kept.id) is not None
    data = (tmp_path / "L2" / "erasable.sqlite").read_bytes()
    assert desk.locker.erasable.part(desk.origin, gone.id, 0, "content") not in (None, b"")
    assert desk.locker.erasable.part(desk.origin, gone.id, 0, "content")[:64] not in data
    # What is gone is expected to be, here and in what is restored from a backup that never had it.
    here = Desk(new, desk.key_file, desk.rim)
    for key in (None, here):
        done = check.check(new, key, deep=key is not None, workers=0)
        assert done.passed, done.first_failure
        assert [f.text for f in done.findings if f.check == "disposals"] == [
            "of 1 items that were disposed of nothing is here"
        ]
        assert done.items == 1
    backup.write(here, tmp_path / "B2")
    again = restore.restore(tmp_path / "B2", tmp_path / "L3", desk.key_file, desk.rim)
    assert (again.disposed, again.items) == (1, 1)
    assert check.check(Locker(tmp_path / "L3"), None, workers=0).passed


@pytest.mark.parametrize("left", ["all", "object", "keys"])
def test_check_finds_what_is_left_of_an_item_that_was_disposed_of(tmp_path, monkeypatch, left):
    desk = desks.new_locker(tmp_path)
    case, done = desks.case_with(desk, tmp_path / "src", {"a.txt": b"a", "b.txt": b"b"})
    known = dataclasses.replace(kinds.KINDS["item.disposed"], draft=False)
    monkeypatch.setitem(kinds.KINDS, "item.disposed", known)
    gone, kept = done.items
    with desk.write() as writer:
        public = {"ground": "court order", "provision": "x", "method": "keys destroyed"}
        writer.add("item.disposed", "item", gone.id, case=case, public=public)
    row = desk.locker.work.item(gone.id)
    assert row is not None
    if left == "object":
        desk.locker.erasable.forget([gone.id])
    elif left == "keys":
        desk.locker.vault.remove([row.object])
    found = check.check(desk.locker, None, workers=0).first_failure
    assert found is not None
    assert (found.check, found.where) == ("disposals", gone.label)
    said = {
        "all": "sealed parts or keys and its object",
        "object": "its object",
        "keys": "sealed parts or keys",
    }
    assert found.found == said[left]
    desk.locker.erasable.forget([gone.id])
    desk.locker.vault.remove([row.object])
    assert check.check(desk.locker, desk, workers=0).passed
    # A part of anything else that is gone is missing as ever.
    desk.locker.erasable.forget([kept.id])
    missing = check.check(desk.locker, None, workers=0).first_failure
    assert missing is not None
    assert (missing.check, "is missing" in missing.text) == ("parts", True)


def test_the_authorities_and_the_organisation_go_along(tmp_path):
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        desks.case_with(desk, tmp_path / "src", {"a.txt": b"a"})
        seal.seal(desk)
        restore.restore(tmp_path / "L", tmp_path / "L2", desk.key_file, desk.rim)
        new = Desk(Locker(tmp_path / "L2"), desk.key_file, desk.rim)
        assert access.ledger_title(new) == {"organisation": "An organisation"}
        sealed = seal.seal(new)
        assert (sealed.authorities, len(sealed.tokens)) == (1, 1)
        assert check.check(new.locker, new).passed


# The links between volumes


@pytest.fixture
def restored(base, tmp_path):
    desk = again(base, tmp_path)
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)
    desk.locker.close()
    return tmp_path / "L"


def test_check_goes_over_both_volumes(base, restored, tmp_path):
    own = keyfile.open_(tmp_path / "key", desks.PASSPHRASE)
    desk = Desk(Locker(restored), own, desks.make_rim())
    done = check.check(desk.locker, desk, deep=True)
    assert done.passed, done.findings
    assert done.entries == desk.locker.volumes[0].size + desk.locker.volumes[1].size
    assert done.items == 2


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND position = 1", "tree"),
        ("UPDATE note SET note = CAST(note || 'x' AS BLOB)", "not"),
        ("DELETE FROM note", "before is not the one"),
    ],
)
def test_check_looks_into_the_closed_volume(base, restored, tmp_path, sql, says):
    closed = restored / "volume-1.sqlite"
    connection = sqlite3.connect(closed)
    guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    for _, text in guards:
        connection.execute(text)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    locker = Locker(restored)
    done = check.check(locker, None)
    assert not done.passed
    assert any(says in (f.text + f.check) for f in done.findings if f.outcome.value == "failed"), (
        done.findings
    )


def test_an_entry_that_says_from_where_it_does_not_go_on_is_found(base, tmp_path, monkeypatch):
    """An insider with a key and a changed program leaves `from` out, or names another entry."""
    from custody.ledger import store

    desk = again(base, tmp_path)
    monkeypatch.setattr(store.Append, "last_before", lambda self, subject: None)
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)
    monkeypatch.undo()
    done = check.check(desk.locker, None)
    failed = [f.text for f in done.findings if f.outcome.value == "failed"]
    assert any("does not go on from" in text for text in failed)
    lied = store.Last(desk.locker.volumes[0].origin, 7, b"\0" * 32)
    monkeypatch.setattr(store.Append, "last_before", lambda self, subject: lied)
    access.open_item(desk, desk.locker.work.items()[1], purpose=desks.WHY)
    monkeypatch.undo()
    failed = [f.text for f in check.check(desk.locker, None).findings if f.outcome.value == "failed"]
    assert sum("does not go on from" in text for text in failed) == 2


def test_sqlite_makes_no_file_beside_a_closed_volume_while_it_is_open(restored):
    locker = Locker(restored)
    with locker.record() as record:
        assert len(list(record.entries())) == record.size
        assert not list(restored.glob("volume-1.sqlite-*"))
        assert list(restored.glob("ledger.sqlite-*"))  # as the newest one has them
    locker.close()


def test_what_another_restore_left_is_not_restored(base, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(base.desk.locker.path, copied)
    (copied / UNFINISHED).touch()
    with pytest.raises(InputRefused, match="cut short"):
        restore.restore(copied, tmp_path / "L", open_key(base, tmp_path), desks.make_rim())
    with pytest.raises(InputRefused, match="inside"):
        restore.restore(
            base.desk.locker.path, base.desk.locker.path / "x", open_key(base, tmp_path), desks.make_rim()
        )
