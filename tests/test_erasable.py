"""The erasable store: rows by volume, and files of earlier versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from custody.errors import CheckFailed, InputRefused, MachineError
from custody.keys import erasable_tables
from custody.keys.erasable import ErasableStore, Part, Rows, Wrap
from custody.procedure.locker import Desk, Locker
from tests import desks

KEPT = Path(__file__).parent / "kept"
ONE, TWO = "custody/" + "a" * 26, "custody/" + "b" * 26
SUBJECT = "019ab000-0000-7c1e-a4f2-0a1b2c3d4e5f"


def version_1(path: Path) -> Path:
    """A file as custody wrote it with schema version 1."""
    with sqlite3.connect(path) as connection:
        connection.executescript((KEPT / "erasable-1.sql").read_text("utf-8"))
        connection.execute(f"PRAGMA application_id={erasable_tables.APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    return path


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_file_of_version_1_becomes_one_of_today_with_every_row(tmp_path):
    path = version_1(tmp_path / "erasable.sqlite")
    before = {
        table: rows_of(path, f"SELECT count(*) FROM {table}")[0][0]
        for table in ("part", "wrap", "item_keys", "lookup")
    }
    assert all(before.values())
    store = ErasableStore(path)
    parts = list(store.parts())
    assert len(parts) == before["part"]
    assert {part.origin for part in parts} == {store.origin}
    assert {wrap.origin for wrap in store.wraps()} == {store.origin}
    assert {row.origin for row in store.all_item_keys()} == {store.origin}
    one = parts[0]
    assert store.part(store.origin, one.subject, one.n, one.compartment) == one.sealed
    store.close()
    assert rows_of(path, "PRAGMA user_version") == [(2,)]
    ErasableStore(path).close()  # and again


def test_a_migrated_file_is_the_one_that_is_made_new(tmp_path):
    store = ErasableStore(version_1(tmp_path / "erasable.sqlite"))
    assert store.strangers() == []
    assert store.integrity() == []
    store.close()


def test_a_disk_that_fills_up_during_the_migration_leaves_the_old_file(tmp_path, monkeypatch):
    path = version_1(tmp_path / "erasable.sqlite")
    before = rows_of(path, "SELECT * FROM part")

    def fails(cursor):
        original(cursor)
        raise sqlite3.OperationalError("database or disk is full")

    original = erasable_tables._from_1
    monkeypatch.setattr(erasable_tables, "_from_1", fails)
    with pytest.raises(MachineError, match="full"):
        ErasableStore(path)
    assert rows_of(path, "PRAGMA user_version") == [(1,)]
    assert rows_of(path, "SELECT * FROM part") == before
    monkeypatch.undo()
    ErasableStore(path).close()


def test_a_file_of_a_newer_custody_is_left_alone(tmp_path):
    path = version_1(tmp_path / "erasable.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(InputRefused, match="newer custody"):
        ErasableStore(path)


def old(locker: Path) -> None:
    """Turn a locker's store back into one of version 1."""
    connection = sqlite3.connect(locker / "erasable.sqlite")
    connection.executescript(
        """
        CREATE TABLE part_1 (subject BLOB NOT NULL, n INTEGER NOT NULL, compartment TEXT NOT NULL, sealed BLOB NOT NULL,
          PRIMARY KEY (subject, n, compartment)) WITHOUT ROWID, STRICT;
        INSERT INTO part_1 SELECT subject, n, compartment, sealed FROM part;
        DROP TABLE part;
        ALTER TABLE part_1 RENAME TO part;
        PRAGMA user_version=1;
        """
    )
    connection.close()


def test_a_locker_with_an_old_store_reads_on(tmp_path):
    from custody.procedure import access

    desk = desks.new_locker(tmp_path)
    _, done = desks.case_with(desk, tmp_path / "files", {"a.txt": b"content"})
    desk.locker.close()
    old(desk.locker.path)
    desk = Desk(Locker(desk.locker.path), desk.key_file, desk.rim)
    item = desk.locker.work.item(done.items[0].id)
    assert item is not None
    opened = access.open_item(desk, item, purpose=desks.WHY)
    assert opened.content is not None
    assert b"".join(opened.content()) == b"content"


def test_rows_keep_the_volume_under_which_they_were_made(tmp_path):
    store = ErasableStore.create(tmp_path / "erasable.sqlite", origin=ONE, secret=b"s")

    def add(origin: str, sealed: bytes) -> None:
        part = Part(origin=origin, subject=SUBJECT, n=0, compartment="note", sealed=sealed)
        wrap = Wrap(
            origin=origin, subject=SUBJECT, recipient="00" * 32, use="keys", classes=("note",), message=b"m"
        )
        store.add(Rows(parts=[part], wraps=[wrap]))

    add(ONE, b"first")
    store.add_origin(TWO)
    assert (store.origins, store.origin) == ((ONE, TWO), TWO)
    add(TWO, b"second")
    assert store.part(ONE, SUBJECT, 0, "note") == b"first"
    assert store.part(TWO, SUBJECT, 0, "note") == b"second"
    assert store.part("custody/" + "c" * 26, SUBJECT, 0, "note") is None
    assert {part.origin for part in store.parts()} == {ONE, TWO}
    assert [wrap.origin for wrap in store.wraps(subject=SUBJECT)] == [TWO]  # one message replaces the other
    store.close()


def test_a_row_of_an_unknown_volume_is_told(tmp_path):
    path = version_1(tmp_path / "erasable.sqlite")
    store = ErasableStore(path)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE wrap SET origin = 7")
    connection.close()
    store = ErasableStore(path)
    with pytest.raises(CheckFailed, match="does not know"):
        store.wraps()
    store.close()
