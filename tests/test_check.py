"""Checking a locker against itself: whatever is tampered with, the first bad thing is named."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from custody.cli import main
from custody.crypto import wrapping
from custody.errors import CheckFailed, CustodyError
from custody.format import contexts
from custody.keys import keyfile
from custody.procedure import access, check, custodians, seal
from custody.procedure.check import Checked
from custody.procedure.locker import Desk, Locker
from custody.verify.report import Outcome
from tests import desks

LEDGER, ERASABLE, WORK = "ledger.sqlite", "erasable.sqlite", "work.sqlite"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a locker L and its key: three items, two notes, a token."""
    folder = tmp_path_factory.mktemp("made")
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(folder, tsa=[named], clock=clock)
        files: dict[str | bytes, bytes] = {
            "a.txt": b"first\n",
            "b.bin": os.urandom(5000),
            "c.txt": b"third\n",
        }
        case, _ = desks.case_with(desk, folder / "evidence", files)
        clock.forward(seconds=1)
        seal.seal(desk)
        desks.take_in(desk, case, desks.put(folder / "more", {"d.txt": b"fourth\n"}))
        clock.forward(seconds=1)
        seal.seal(desk)
    desk.locker.close()
    shutil.rmtree(folder / "evidence")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of all that, to tamper with."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def key_of(place: Path) -> keyfile.KeyFile:
    return keyfile.open_(place / "keys" / "first", desks.PASSPHRASE, random=os.urandom)


def a_desk(place: Path) -> Desk:
    return Desk(Locker(place / "L"), key_of(place), desks.make_rim())


def checked(place: Path, *, deep: bool = False) -> Checked:
    """The check with the key, as a command would run it."""
    desk = a_desk(place)
    try:
        return check.check(desk.locker, desk, deep=deep)
    finally:
        desk.locker.close()


def checked_without_key(place: Path) -> Checked:
    locker = Locker(place / "L")
    try:
        return check.check(locker)
    finally:
        locker.close()


@contextlib.contextmanager
def unguarded(file: Path) -> Any:
    """A plain connection to a database of the locker, its guards dropped, and put back at the end."""
    connection = sqlite3.connect(file)
    guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    yield connection
    for _, sql in guards:
        connection.execute(sql)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def run_sql(place: Path, file: str, *statements: tuple[str, Sequence[Any]]) -> None:
    with unguarded(place / "L" / file) as connection:
        for sql, values in statements:
            assert connection.execute(sql, values).rowcount > 0, sql


def value(place: Path, file: str, sql: str, *values: Any) -> Any:
    connection = sqlite3.connect(place / "L" / file)
    found = connection.execute(sql, values).fetchone()[0]
    connection.close()
    return found


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def the_failure(found: Checked) -> tuple[str, str, str]:
    """(check, text, where) of the first failure."""
    first = found.first_failure
    assert first is not None
    assert not found.passed
    return first.check, first.text, first.where or ""


def seq_of(place: Path, kind: str, which: int = 0) -> int:
    locker = Locker(place / "L")
    with locker.ledger.reading() as view:
        found = [stored.seq for stored in view.entries() if stored.read().kind == kind]
    locker.close()
    return found[which]


# --- nothing wrong --------------------------------------------------------------------------------------


def test_a_second_custodian_checks_what_is_his_and_nothing_is_missing(place: Path) -> None:
    desk = a_desk(place)
    case = desk.locker.work.cases()[0].id
    own, person = desks.add_person(desk, place / "keys" / "second")
    other = desks.sit_down(desk, own)
    assert check.check(other.locker, other).passed
    custodians.grant(desk, person, case, rights=["read"], classes=["object", "record"])
    other = desks.sit_down(desk, own)
    found = check.check(other.locker, other)
    assert found.passed
    assert any("4 items' keys fit" in f.text for f in found.findings)
    other.locker.close()
    # A wrap that the grant promised is gone: nothing says so but the rights.
    desk.locker.close()
    run_sql(
        place,
        ERASABLE,
        ("DELETE FROM wrap WHERE use = 'batch' AND recipient = ?", (bytes.fromhex(own.key_id),)),
    )
    other = desks.sit_down(desk, own)
    check_name, text, _ = the_failure(check.check(other.locker, other))
    assert check_name in ("keys", "wraps")
    assert "missing" in text or "can't" in text


def test_a_sound_locker_passes_and_says_what_was_not_looked_at(place: Path) -> None:
    found = checked(place)
    assert found.passed
    assert found.first_failure is None
    assert (found.items, found.objects, found.deep, found.with_key) == (4, 4, False, True)
    (left,) = [f for f in found.findings if f.outcome is Outcome.NOT_CHECKED]
    assert left.check == "contents"
    assert {f.check for f in found.findings if f.outcome is Outcome.PASSED} >= {
        "ledger file", "entries", "parts", "tree", "notes", "objects", "wraps", "keys",
    }  # fmt: skip
    (notes,) = [f.text for f in found.findings if f.check == "notes"]
    assert "not for court" in notes


def test_without_a_key_structure_alone_is_checked_and_that_is_said(place: Path) -> None:
    found = checked_without_key(place)
    assert found.passed
    assert not found.with_key
    left = {f.check: f.text for f in found.findings if f.outcome is Outcome.NOT_CHECKED}
    assert set(left) == {"keys", "contents"}
    assert "--key" in left["keys"]


def test_deep_opens_contents_and_is_logged_before(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = access.check_content

    def look(desk: Desk, item: Any) -> None:
        with desk.locker.ledger.reading() as view:
            last = view.entry(view.size - 1).read()
        assert (last.kind, last.public["result"]) == ("ledger.checked", "started")
        real(desk, item)

    monkeypatch.setattr(access, "check_content", look)
    found = checked(place, deep=True)
    assert found.passed
    (text,) = [f.text for f in found.findings if f.check == "contents"]
    assert text.startswith("4 contents")


def test_a_check_that_is_not_deep_opens_nothing_and_writes_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(access, "check_content", never)
    monkeypatch.setattr(access, "_open_part", never)
    before = value(place, LEDGER, "SELECT max(seq) FROM entry")
    assert checked(place).passed
    assert value(place, LEDGER, "SELECT max(seq) FROM entry") == before


# --- the ledger file ------------------------------------------------------------------------------------

ENTRY = "item.collected"


def edit_entry(place: Path) -> str:
    seq = seq_of(place, ENTRY, 1)
    old = value(place, LEDGER, "SELECT envelope FROM entry WHERE seq = ?", seq)
    run_sql(place, LEDGER, ("UPDATE entry SET envelope = ? WHERE seq = ?", (flipped(old, 200), seq)))
    return f"entry {seq}"


def edit_signature(place: Path) -> str:
    seq = seq_of(place, ENTRY, 2)
    old: bytes = value(place, LEDGER, "SELECT envelope FROM entry WHERE seq = ?", seq)
    at = old.index(b'"sig":"') + 12
    new = old[:at] + (b"A" if old[at : at + 1] != b"A" else b"B") + old[at + 1 :]
    run_sql(place, LEDGER, ("UPDATE entry SET envelope = ? WHERE seq = ?", (new, seq)))
    return f"entry {seq}"


def swap_entries(place: Path) -> str:
    first, second = seq_of(place, ENTRY, 0), seq_of(place, ENTRY, 1)
    a = value(place, LEDGER, "SELECT envelope FROM entry WHERE seq = ?", first)
    b = value(place, LEDGER, "SELECT envelope FROM entry WHERE seq = ?", second)
    sql = "UPDATE entry SET envelope = ? WHERE seq = ?"
    run_sql(place, LEDGER, (sql, (b, first)), (sql, (a, second)))
    return f"entry {first}"


def remove_entry(place: Path) -> str:
    seq = seq_of(place, ENTRY, 1)
    run_sql(place, LEDGER, ("DELETE FROM entry WHERE seq = ?", (seq,)))
    return f"entry {seq}"


def other_number(place: Path) -> str:
    seq = seq_of(place, ENTRY, 0)
    run_sql(place, LEDGER, ("UPDATE entry SET n = 7 WHERE seq = ?", (seq,)))
    return f"entry {seq}"


def other_subject(place: Path) -> str:
    seq = seq_of(place, ENTRY, 0)
    run_sql(place, LEDGER, ("UPDATE entry SET subject = ? WHERE seq = ?", (os.urandom(16), seq)))
    return f"entry {seq}"


def edit_node(place: Path) -> str:
    run_sql(place, LEDGER, ("UPDATE node SET hash = ? WHERE level = 1 AND position = 1", (bytes(32),)))
    return "node 1/1"


def remove_node(place: Path) -> str:
    run_sql(place, LEDGER, ("DELETE FROM node WHERE level = 1 AND position = 0", ()))
    return ""


def edit_note(place: Path) -> str:
    size = value(place, LEDGER, "SELECT min(size) FROM note")
    old: bytes = value(place, LEDGER, "SELECT note FROM note WHERE size = ?", size)
    at = old.index(b"\n\n") + 60
    new = old[:at] + (b"A" if old[at : at + 1] != b"A" else b"B") + old[at + 1 :]
    run_sql(place, LEDGER, ("UPDATE note SET note = ? WHERE size = ?", (new, size)))
    return f"note {size}"


def strip_second_signature(place: Path) -> str:
    size = value(place, LEDGER, "SELECT min(size) FROM note")
    old: bytes = value(place, LEDGER, "SELECT note FROM note WHERE size = ?", size)
    new = b"\n".join(old.split(b"\n")[:-2]) + b"\n"
    run_sql(place, LEDGER, ("UPDATE note SET note = ? WHERE size = ?", (new, size)))
    return f"note {size}"


def remove_token(place: Path) -> str:
    size = value(place, LEDGER, "SELECT min(size) FROM token")
    run_sql(place, LEDGER, ("DELETE FROM token WHERE size = ?", (size,)))
    return f"entry {seq_of(place, 'checkpoint.timestamped')}"


def remove_note(place: Path) -> str:
    size = value(place, LEDGER, "SELECT min(size) FROM token")
    run_sql(place, LEDGER, ("DELETE FROM note WHERE size = ?", (size,)))
    return f"entry {seq_of(place, 'checkpoint.timestamped')}"


def edit_token(place: Path) -> str:
    size = value(place, LEDGER, "SELECT min(size) FROM token")
    old = value(place, LEDGER, "SELECT tsr FROM token WHERE size = ?", size)
    run_sql(place, LEDGER, ("UPDATE token SET tsr = ? WHERE size = ?", (flipped(old, len(old) - 9), size)))
    return f"entry {seq_of(place, 'checkpoint.timestamped')}"


def drop_guard(place: Path) -> str:
    connection = sqlite3.connect(place / "L" / LEDGER)
    connection.execute("DROP TRIGGER entry_no_update")
    connection.commit()
    connection.close()
    return LEDGER


def weaken_guard(place: Path) -> str:
    connection = sqlite3.connect(place / "L" / LEDGER)
    connection.execute("DROP TRIGGER entry_no_delete")
    connection.execute("CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry WHEN 0 BEGIN SELECT 1; END")
    connection.commit()
    connection.close()
    return LEDGER


# --- the vault ------------------------------------------------------------------------------------------


def an_object(place: Path) -> Path:
    return max(
        (p for p in (place / "L" / "vault").iterdir() if len(p.name) == 64), key=lambda p: p.stat().st_size
    )


def flip_object(place: Path) -> str:
    path = an_object(place)
    path.write_bytes(flipped(path.read_bytes(), 3000))
    return "object of A-1/02"


def cut_object(place: Path) -> str:
    path = an_object(place)
    path.write_bytes(path.read_bytes()[:-1])
    return "object of A-1/02"


def remove_object(place: Path) -> str:
    an_object(place).unlink()
    return "object of A-1/02"


def extra_file(place: Path) -> str:
    (place / "L" / "vault" / "notes.txt").write_text("x")
    return "notes.txt"


# --- the erasable store ---------------------------------------------------------------------------------


def item_subject(place: Path) -> bytes:
    return bytes(value(place, ERASABLE, "SELECT subject FROM item_keys ORDER BY subject LIMIT 1"))


def flip_part(place: Path) -> str:
    subject = item_subject(place)
    where = "WHERE subject = ? AND compartment = 'content'"
    old = value(place, ERASABLE, f"SELECT sealed FROM part {where}", subject)
    run_sql(place, ERASABLE, (f"UPDATE part SET sealed = ? {where}", (flipped(old, 100), subject)))
    return f"entry {seq_of(place, ENTRY)}"


def remove_part(place: Path) -> str:
    where = "WHERE subject = ? AND compartment = 'name'"
    run_sql(place, ERASABLE, (f"DELETE FROM part {where}", (item_subject(place),)))
    return f"entry {seq_of(place, ENTRY)}"


def swap_parts(place: Path) -> str:
    rows = "SELECT subject FROM item_keys ORDER BY subject LIMIT 1 OFFSET ?"
    first, second = (bytes(value(place, ERASABLE, rows, n)) for n in (0, 1))
    where = "WHERE subject = ? AND compartment = 'name'"
    a = value(place, ERASABLE, f"SELECT sealed FROM part {where}", first)
    b = value(place, ERASABLE, f"SELECT sealed FROM part {where}", second)
    sql = f"UPDATE part SET sealed = ? {where}"
    run_sql(place, ERASABLE, (sql, (b, first)), (sql, (a, second)))
    return f"entry {seq_of(place, ENTRY)}"


def remove_item_keys(place: Path) -> str:
    run_sql(place, ERASABLE, ("DELETE FROM item_keys WHERE subject = ?", (item_subject(place),)))
    return "A-1/01"


def flip_item_keys(place: Path) -> str:
    subject = item_subject(place)
    old = value(place, ERASABLE, "SELECT object FROM item_keys WHERE subject = ?", subject)
    run_sql(
        place, ERASABLE, ("UPDATE item_keys SET object = ? WHERE subject = ?", (flipped(old, 30), subject))
    )
    return "keys of A-1/01"


def keys_of_another(place: Path) -> str:
    """An item's row holds keys that open well, but are not those that its parts were sealed under."""
    desk = a_desk(place)
    item = desk.locker.work.items()[0]
    row = desk.locker.erasable.item_keys(item.id)
    assert row is not None
    (wrap,) = desk.locker.erasable.wraps(recipient=desk.key_id, subject=row.batch)
    batch = desk.ring.open_wrap(wrap)
    sealed = wrapping.wrap_row(
        wrapping.RowKey(batch["record"]),
        contexts.row(desk.origin, row.batch, item.id, "record"),
        os.urandom(32),
        os.urandom(12),
    )
    desk.locker.close()
    run_sql(
        place, ERASABLE, ("UPDATE item_keys SET record = ? WHERE subject = ?", (sealed, item_subject(place)))
    )
    return "keys of A-1/01"


def wrap_of_a_wrong_key(place: Path) -> str:
    old = value(place, ERASABLE, "SELECT message FROM wrap WHERE use = 'batch' ORDER BY subject LIMIT 1")
    new = flipped(old, len(old) - 20)
    run_sql(place, ERASABLE, ("UPDATE wrap SET message = ? WHERE message = ?", (new, old)))
    return "batch of "


def remove_batch_wrap(place: Path) -> str:
    first = value(place, ERASABLE, "SELECT batch FROM item_keys ORDER BY subject LIMIT 1")
    run_sql(place, ERASABLE, ("DELETE FROM wrap WHERE use = 'batch' AND subject = ?", (first,)))
    return "batch of "


def remove_log_keys(place: Path) -> str:
    run_sql(place, ERASABLE, ("DELETE FROM wrap WHERE use = 'log'", ()))
    return "log of "


def remove_case_keys(place: Path) -> str:
    case = value(place, ERASABLE, 'SELECT "case" FROM lookup LIMIT 1')
    run_sql(place, ERASABLE, ("DELETE FROM wrap WHERE use = 'keys' AND subject = ?", (case,)))
    return "keys of "


WITHOUT_KEY = [
    (remove_batch_wrap, "wraps"),
    (remove_log_keys, "wraps"),
    (remove_case_keys, "wraps"),
    (remove_item_keys, "wraps"),
    (edit_entry, "entries"),
    (edit_signature, "entries"),
    (swap_entries, "entries"),
    (remove_entry, "entries"),
    (other_number, "entries"),
    (other_subject, "entries"),
    (edit_node, "tree"),
    (remove_node, "tree"),
    (edit_note, "notes"),
    (strip_second_signature, "notes"),
    (remove_token, "tokens"),
    (remove_note, "tokens"),
    (edit_token, "tokens"),
    (drop_guard, "ledger file"),
    (weaken_guard, "ledger file"),
    (flip_object, "objects"),
    (cut_object, "objects"),
    (remove_object, "objects"),
    (extra_file, "objects"),
    (flip_part, "parts"),
    (remove_part, "parts"),
    (swap_parts, "parts"),
]
WITH_KEY = [
    (flip_item_keys, "keys"),
    (keys_of_another, "keys"),
    (wrap_of_a_wrong_key, "keys"),
]
Tamper = Callable[[Path], str]


@pytest.mark.parametrize(("tamper", "name"), WITHOUT_KEY, ids=lambda v: getattr(v, "__name__", ""))
def test_tampering_is_found_without_a_key_and_the_first_bad_thing_is_named(
    place: Path, tamper: Tamper, name: str
) -> None:
    where = tamper(place)
    check_name, _, found = the_failure(checked_without_key(place))
    assert check_name == name
    assert where in found


def outcome(run: Callable[[], Checked]) -> tuple[CustodyError | None, Checked | None]:
    """Both ways of telling count: an error, or a finding."""
    try:
        return None, run()
    except CustodyError as error:
        return error, None


@pytest.mark.parametrize(("tamper", "name"), WITHOUT_KEY + WITH_KEY, ids=lambda v: getattr(v, "__name__", ""))
def test_tampering_is_found_with_the_key(place: Path, tamper: Tamper, name: str) -> None:
    where = tamper(place)
    # Already sitting down at the desk reads histories, and may refuse.
    refused, found = outcome(lambda: checked(place))
    if refused is not None:
        assert tamper in [t for t, _ in WITHOUT_KEY]
        assert (refused.where or "").startswith(where or "node"), refused
        return
    assert found is not None
    check_name, _, place_found = the_failure(found)
    assert check_name in (name, "keys") if name == "wraps" else check_name == name
    assert where in place_found


@pytest.mark.parametrize("tamper", [t for t, _ in WITHOUT_KEY + WITH_KEY], ids=lambda t: t.__name__)
def test_tampering_ends_the_command_with_1_and_two_lines(
    place: Path, tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(place)
    (place / "pw").write_bytes(desks.PASSPHRASE + b"\n")
    monkeypatch.setenv("CUSTODY_PASSPHRASE_FILE", str(place / "pw"))
    monkeypatch.setenv("CUSTODY_KEY", str(place / "keys" / "first"))
    result = CliRunner().invoke(main, ["--locker", str(place / "L"), "check"])
    assert result.exit_code == 1, result.output
    assert "custody: error: " in result.stderr
    assert "Traceback" not in result.output


# --- shortened, rolled back -----------------------------------------------------------------------------


def test_a_shortened_record_is_known_by_the_key_file(place: Path) -> None:
    size = value(place, LEDGER, "SELECT max(seq) + 1 FROM entry")
    note = value(place, LEDGER, "SELECT min(size) FROM note")
    run_sql(
        place,
        LEDGER,
        ("DELETE FROM entry WHERE seq >= ?", (note,)),
        ("DELETE FROM node WHERE (position + 1) << level > ?", (note,)),
        ("DELETE FROM note WHERE size > ?", (note,)),
        ("DELETE FROM token", ()),
        ("DELETE FROM issued WHERE size > ?", (note,)),
    )
    # By itself it is whole: only somebody who remembers more can tell.
    assert checked_without_key(place).passed
    with pytest.raises(CheckFailed, match="rolled back") as caught:
        checked(place)
    assert caught.value.expected == f"at least {size} entries"
    assert caught.value.found == str(note)


def test_an_older_copy_put_back_is_known_by_the_key_file(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "L", tmp_path / "old")
    desk = a_desk(place)
    seal.seal(desk)
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)
    desk.locker.close()
    shutil.rmtree(place / "L")
    (tmp_path / "old").rename(place / "L")
    with pytest.raises(CheckFailed, match="rolled back"):
        checked(place)


def test_another_history_of_the_same_length_is_known_by_the_key_file(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "fork")
    for where in (place, tmp_path / "fork"):
        desk = a_desk(where)
        access.open_item(desk, desk.locker.work.items()[0], purpose=access.Purpose(text=str(where)))
        desk.locker.close()
    shutil.rmtree(place / "L")
    shutil.copytree(tmp_path / "fork" / "L", place / "L")
    with pytest.raises(CheckFailed, match="changed since"):
        checked(place)


# --- what is derived ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, b"", b"garbage" * 1000], ids=["gone", "empty", "garbage"])
def test_the_work_file_can_go_at_any_time(place: Path, data: bytes | None) -> None:
    path = place / "L" / WORK
    for left in (place / "L").glob(WORK + "*"):
        left.unlink()
    if data is not None:
        path.write_bytes(data)
    found = checked(place)
    assert found.passed
    assert found.items == 4
    assert path.exists()


def test_a_work_file_that_lies_is_not_believed(place: Path) -> None:
    checked(place)
    connection = sqlite3.connect(place / "L" / WORK)
    connection.execute("DELETE FROM item")
    connection.commit()
    connection.close()
    assert checked(place).items == 4


def test_leftovers_of_a_crash_are_work_to_do_and_no_failure(place: Path) -> None:
    vault = place / "L" / "vault"
    (vault / "unfinished-1-00").mkdir()
    (vault / "unfinished-1-00" / "x").write_bytes(b"half")
    (vault / ("0" * 64)).write_bytes(b"an object without an entry")
    found = checked(place)
    assert found.passed
    assert any("2 leftovers" in text for text in found.pending)


def test_a_damaged_ledger_file_is_our_own_error(place: Path) -> None:
    path = place / "L" / LEDGER
    data = bytearray(path.read_bytes())
    for at in range(16384 * 2, len(data), 4096):
        data[at : at + 64] = os.urandom(64)
    path.write_bytes(data)
    refused, found = outcome(lambda: checked_without_key(place))
    assert isinstance(refused, CheckFailed) or (found is not None and not found.passed)
