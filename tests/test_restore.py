"""Backup to restored locker: on an empty machine, with the backup and the sheet's words alone, all reads back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.cli import session as sessions
from custody.keys import keyfile
from tests.test_cli_errors import Person, two_lines
from tests.test_cli_work import SMALL, done, run, value, words_of

FILES = {"one.txt": b"one, as it was found\n", "two.bin": bytes(range(256)) * 40, "empty.txt": b""}


@pytest.fixture(scope="module", autouse=True)
def _quick_keys():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
        yield


class Reader(Person):
    """Reads the words off the paper."""

    def __init__(self, sheet: Path) -> None:
        super().__init__()
        self.sheet = sheet

    def line(self, question: str) -> str:
        if not question.startswith("Word "):
            return ""
        return words_of(self.sheet)[int(question.removeprefix("Word ").removesuffix(": ")) - 1]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A locker with a sheet, a second custodian, a case, three items and a backup of it all."""
    folder = tmp_path_factory.mktemp("world")
    made = SimpleNamespace(
        folder=folder, key=folder / "key", passphrase=folder / "passphrase", locker=folder / "locker"
    )
    made.passphrase.write_text("a passphrase for tests only\n")
    made.passphrase.chmod(0o600)
    sheet = folder / "sheet.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "terminal", Reader(sheet))
        done(run(made, "init", "--name", "A. First", "--recovery-sheet", sheet))
    made.words = " ".join(words_of(sheet))
    evidence = folder / "evidence"
    evidence.mkdir()
    for name, data in FILES.items():
        (evidence / name).write_bytes(data)
    second = SimpleNamespace(**{**vars(made), "key": folder / "second"})
    done(run(second, "custodian", "new", "-o", second.key, "--public", folder / "second.pub"))
    rights = [word for right in ("admin", "seal", "collect", "read", "export") for word in ("--right", right)]
    done(run(made, "custodian", "add", folder / "second.pub", "--name", "B. Second", "--all-cases", *rights))
    made.second = second
    done(run(made, "case", "open", "REF-1"))
    made.collected = value(run(made, "collect", evidence, "--case", "REF-1", "--yes", "--json"))
    made.backup = folder / "backup"
    value(run(made, "backup", made.backup, "--json"))
    return made


@pytest.fixture
def machine(world, tmp_path):
    """An empty machine: the backup file, the words on paper, and nothing else."""
    here = SimpleNamespace(
        folder=tmp_path,
        key=tmp_path / "recovered",
        passphrase=tmp_path / "passphrase",
        locker=tmp_path / "L2",
        backup=tmp_path / "B",
        typed=tmp_path / "typed",
    )
    shutil.copyfile(world.backup, here.backup)
    shutil.copyfile(world.passphrase, here.passphrase)
    here.passphrase.chmod(0o600)
    here.typed.write_text(world.words)
    return here


def recovered(here):
    done(run(here, "custodian", "recover", "-o", here.key, "--words-file", here.typed))
    return here


def restored(here, *more):
    return value(run(here, "restore", here.backup, here.locker, "--json", *more))


def items_of(here):
    return {item["label"]: item["id"] for item in value(run(here, "list", "--json"))["items"]}


def check_all_read_back(here, labels=("A-1/01", "A-1/02", "A-1/03")):
    found = {
        hashlib.sha256(done(run(here, "read", label, "--purpose", "x")).stdout_bytes).hexdigest()
        for label in labels
    }
    assert found == {hashlib.sha256(data).hexdigest() for data in FILES.values()}


def test_with_the_backup_and_the_words_alone_everything_comes_back(world, machine):
    """The acceptance job: recover, restore, read, collect, seal, add somebody, who reads what is old."""
    recovered(machine)
    told = run(machine, "restore", machine.backup, machine.locker, "--json")
    found = value(told)
    assert (found["items"], found["cases"], found["volume"], found["missing"]) == (3, 1, 2, None)
    assert {one["name"] for one in found["people"]} == {"A. First", "B. Second", "recovery sheet"}
    sheet = next(one for one in found["people"] if one["recovery"])
    assert {"admin", "seal", "collect", "audit", "read"} == set(sheet["rights"])
    for text in (
        "What was done after that is lost",
        "old words do not confirm",
        "custodian retire",
        "backup FILE",
    ):
        assert text in told.stderr
    check_all_read_back(machine)

    # Work goes on: what is in already is known again, new things come in, and it is sealed.
    again = value(run(machine, "collect", world.folder / "evidence", "--case", "REF-1", "--yes", "--json"))
    assert (again["items"], again["already"]) == ([], 3)
    more = machine.folder / "more"
    more.mkdir()
    (more / "new.txt").write_bytes(b"after the theft")
    value(run(machine, "collect", more, "--case", "REF-1", "--yes", "--json"))
    value(run(machine, "seal", "--json"))
    labels = items_of(machine)
    assert sorted(labels) == ["A-1/01", "A-1/02", "A-1/03", "A-2/01"]
    assert done(run(machine, "read", "A-2/01", "--purpose", "x")).stdout_bytes == b"after the theft"

    # A new custodian gets the keys of what is old and of what is new.
    new = SimpleNamespace(**{**vars(machine), "key": machine.folder / "third"})
    done(run(new, "custodian", "new", "-o", new.key, "--public", machine.folder / "third.pub"))
    added = value(
        run(
            machine,
            "custodian",
            "add",
            machine.folder / "third.pub",
            "--name",
            "C. Third",
            "--right",
            "seal",
            "--json",
        )
    )
    args = ["--case", "REF-1", "--right", "read", "--right", "export"]
    value(run(machine, "custodian", "grant", added["key_id"], *args, "--json"))
    check_all_read_back(new)
    assert done(run(new, "read", "A-2/01", "--purpose", "x")).stdout_bytes == b"after the theft"
    value(run(machine, "custodian", "retire", sheet["key_id"][:12], "--json"), 0)
    two_lines(run(machine, "read", "A-1/01", "--purpose", "x"), 12)
    package, trust = machine.folder / "package.zip", machine.folder / "trust.json"
    value(run(new, "export", "--case", "REF-1", "-o", package, "--plain", "--purpose", "x", "--json"))
    value(run(new, "trust", "init", "--from-locker", "-o", trust, "--json"))
    report = run(new, "verify", package, "--trust", trust)
    assert report.exit_code == 6  # no time authority is named: no time is proven
    assert "INTACT" in report.stdout
    assert "ORIGIN CONFIRMED" in report.stdout
    assert "4 of 4 items" in report.stdout
    names = {one["name"] for one in value(run(new, "custodian", "list", "--json"))["custodians"]}
    assert {"A. First", "B. Second", "C. Third"} <= names


def test_every_list_goes_over_both_volumes(machine):
    recovered(machine)
    restored(machine)
    done(run(machine, "read", "A-1/01", "--purpose", "x"))
    lines = value(run(machine, "log", "--json"))["entries"]
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    kinds = [line["kind"] for line in lines]
    assert (kinds[0], kinds.count("ledger.continued")) == ("ledger.created", 1)
    of_item = value(run(machine, "log", "--item", "A-1/01", "--json"))["entries"]
    assert [line["kind"] for line in of_item] == ["item.collected", "item.accessed"]
    shown = value(run(machine, "show", "A-1/01", "--purpose", "x", "--json"))
    assert shown["label"] == "A-1/01"
    assert value(run(machine, "list", "--names", "--case", "REF-1", "--purpose", "x", "--json"))["items"][0][
        "name"
    ]


def test_another_administrators_key_restores_too(world, machine):
    shutil.copyfile(world.second.key, machine.key)
    found = restored(machine)
    assert found["missing"] == 0 or found["missing"] is None
    check_all_read_back(machine)


def test_the_key_of_who_wrote_the_backup_remembers_what_came_after(world, machine):
    shutil.copyfile(world.key, machine.key)
    result = run(machine, "restore", machine.backup, machine.locker, "--json")
    assert value(result)["missing"] == 1  # that the backup was written
    assert "more than this backup has" not in result.stderr
    own = SimpleNamespace(**{**vars(world), "key": machine.key, "locker": machine.folder / "old"})
    shutil.copytree(world.locker, own.locker)
    done(run(own, "case", "open", "REF-9"))
    again = run(machine, "restore", machine.backup, machine.folder / "L3", "--json")
    assert value(again)["missing"] == 2
    assert "your key remembers 2 entries more than this backup has" in again.stderr


def test_a_restored_locker_is_backed_up_and_restored_again(machine):
    recovered(machine)
    restored(machine)
    done(run(machine, "read", "A-1/01", "--purpose", "x"))
    value(run(machine, "backup", machine.folder / "B2", "--json"))
    third = SimpleNamespace(
        **{**vars(machine), "locker": machine.folder / "L3", "backup": machine.folder / "B2"}
    )
    found = restored(third)
    assert (found["volume"], found["items"]) == (3, 3)
    check_all_read_back(third)
    names = sorted(path.name for path in third.locker.iterdir() if path.suffix == ".sqlite")
    assert names == ["erasable.sqlite", "ledger.sqlite", "volume-1.sqlite", "volume-2.sqlite", "work.sqlite"]


def test_a_copied_folder_is_restored_like_a_backup(world, machine):
    copied = machine.folder / "copied"
    shutil.copytree(world.locker, copied)
    recovered(machine)
    machine.backup = copied
    before = {path: path.read_bytes() for path in sorted(copied.rglob("*")) if path.is_file()}
    found = restored(machine)
    assert (found["items"], found["backup"]) == (3, None)
    check_all_read_back(machine)
    after = {path: path.read_bytes() for path in sorted(copied.rglob("*")) if path.is_file()}
    assert before == after


def leftovers(here):
    return sorted(
        path.name for path in here.folder.iterdir() if path.name.startswith(".L2") or path.name == "L2"
    )


def test_a_collectors_or_a_strangers_key_restores_nothing(world, machine):
    stranger = SimpleNamespace(**{**vars(machine), "key": machine.folder / "stranger"})
    done(run(stranger, "custodian", "new", "-o", stranger.key))
    two_lines(run(stranger, "restore", machine.backup, machine.locker), 12)
    assert leftovers(machine) == []


def test_a_reader_without_admin_may_not_restore(world, machine):
    reader = SimpleNamespace(**{**vars(world), "key": machine.folder / "reader"})
    done(run(reader, "custodian", "new", "-o", reader.key, "--public", machine.folder / "reader.pub"))
    rights = ["--right", "read", "--right", "export", "--all-cases"]
    done(run(world.second, "custodian", "add", machine.folder / "reader.pub", "--name", "D.", *rights))
    done(run(world.second, "backup", machine.folder / "B3"))
    here = SimpleNamespace(**{**vars(machine), "key": reader.key})
    two_lines(run(here, "restore", machine.folder / "B3", machine.locker), 12)
    assert leftovers(machine) == []


@pytest.mark.parametrize("where", [30, 4_000, -40_000, -20])
def test_a_damaged_backup_is_refused_and_nothing_is_left(machine, where):
    recovered(machine)
    data = bytearray(machine.backup.read_bytes())
    data[where] ^= 1
    machine.backup.write_bytes(bytes(data))
    result = run(machine, "restore", machine.backup, machine.locker)
    assert result.exit_code in (1, 4, 12), result.stderr
    two_lines(result, result.exit_code)
    assert leftovers(machine) == []


@pytest.mark.parametrize("cut", [10, 500, 0.5, 0.999])
def test_a_backup_that_was_cut_short_is_refused(machine, cut):
    recovered(machine)
    data = machine.backup.read_bytes()
    machine.backup.write_bytes(data[: cut if isinstance(cut, int) else int(len(data) * cut)])
    result = run(machine, "restore", machine.backup, machine.locker)
    assert result.exit_code in (1, 4), result.stderr
    assert leftovers(machine) == []


def test_there_must_be_nothing_where_it_goes(machine):
    recovered(machine)
    machine.locker.mkdir()
    (machine.locker / "something").write_text("of mine")
    two_lines(run(machine, "restore", machine.backup, machine.locker), 4)
    assert (machine.locker / "something").read_text() == "of mine"
    (machine.locker / "something").unlink()
    restored(machine)  # an empty folder is as good as none
    two_lines(run(machine, "restore", machine.backup, machine.locker), 4)
    two_lines(run(machine, "restore", machine.folder / "no such", machine.folder / "L3"), 4)
    two_lines(run(machine, "restore", machine.folder, machine.folder / "L3"), 4)


def test_the_sheet_is_tried_and_todo_stops_asking(world, machine, monkeypatch):
    here = SimpleNamespace(**{**vars(world), "locker": machine.folder / "copy"})
    shutil.copytree(world.locker, here.locker)
    assert "nobody has tried yet" in done(run(here, "todo")).stdout
    assert value(run(here, "todo", "--json"))["sheet_untried"] is True
    found = value(run(here, "custodian", "recover", "--try", "--words-file", machine.typed, "--json"))
    assert (found["tried"], found["items"], found["of_items"]) == (True, 3, 3)
    assert value(run(here, "todo", "--json"))["sheet_untried"] is False
    last = value(run(here, "log", "--json"))["entries"][-1]
    assert (last["kind"], last["actor"]) == ("recovery.tried", found["key_id"])
    other = machine.folder / "other"
    from custody.keys import recovery

    other.write_text(" ".join(recovery.new_sheet(os.urandom(32)).words))
    two_lines(run(here, "custodian", "recover", "--try", "--words-file", other), 4)
    two_lines(run(here, "custodian", "recover", "--try", "-o", "x"), 2)
    two_lines(run(here, "custodian", "recover"), 2)


def test_a_sheet_that_misses_keys_is_told_and_does_not_count(world, machine):
    here = SimpleNamespace(**{**vars(world), "locker": machine.folder / "poor"})
    shutil.copytree(world.locker, here.locker)
    with sqlite3.connect(here.locker / "erasable.sqlite") as connection:
        connection.execute("DELETE FROM item_keys WHERE subject = (SELECT min(subject) FROM item_keys)")
    before = value(run(here, "log", "--json"))["entries"]
    failed = run(here, "custodian", "recover", "--try", "--words-file", machine.typed)
    two_lines(failed, 1)
    assert "does not open everything" in failed.stderr
    assert value(run(here, "log", "--json"))["entries"] == before
    assert value(run(here, "todo", "--json"))["sheet_untried"] is True


def test_todo_reminds_of_backups(world, machine):
    fresh = SimpleNamespace(**{**vars(world), "locker": machine.folder / "fresh"})
    done(run(fresh, "init", "--name", "x", "--no-recovery"))
    assert value(run(fresh, "todo", "--json"))["backup"] is None  # nothing to lose yet
    done(run(fresh, "case", "open", "REF-1"))
    done(run(fresh, "collect", world.folder / "evidence", "--case", "REF-1", "--yes"))
    assert value(run(fresh, "todo", "--json"))["backup"] == {"last": None, "items": 3, "days": None}
    assert "no backup was ever written: 3 items" in done(run(fresh, "todo")).stdout
    done(run(fresh, "backup", machine.folder / "fresh-backup"))
    assert value(run(fresh, "todo", "--json"))["backup"] is None


def test_the_closed_volume_is_never_touched(machine):
    recovered(machine)
    restored(machine)
    closed = machine.locker / "volume-1.sqlite"
    before, files = closed.read_bytes(), closed.stat().st_mtime_ns
    closed.chmod(0o400)
    done(run(machine, "read", "A-1/01", "--purpose", "x"))
    done(run(machine, "log"))
    done(run(machine, "check"))
    assert (closed.read_bytes(), closed.stat().st_mtime_ns) == (before, files)
    assert not list(machine.locker.glob("volume-1.sqlite-*"))


def test_a_closed_volume_that_is_gone_changed_or_another_is_told(world, machine):
    recovered(machine)
    restored(machine)
    closed = machine.locker / "volume-1.sqlite"
    kept = closed.read_bytes()
    closed.unlink()
    two_lines(run(machine, "list"), 1)
    shutil.copyfile(machine.locker / "ledger.sqlite", closed)
    two_lines(run(machine, "list"), 1)
    closed.write_bytes(kept)
    done(run(machine, "list"))
    import sqlite3

    connection = sqlite3.connect(closed)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")
    connection.commit()
    connection.close()
    assert run(machine, "list").exit_code == 1


def test_the_words_of_the_new_volume_are_not_the_old_ones(world, machine):
    recovered(machine)
    found = restored(machine)
    assert re.fullmatch(r"([a-z]+ ){11}[a-z]+", found["fingerprint"])
    old = json.loads(run(world, "check", "--no-key", "--json").stdout)
    assert old["passed"]
    assert found["origin"].startswith("custody/")
