"""The record over several volumes: it counts as one, and a closed file that is not the one named is refused."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from custody.errors import CheckFailed, CustodyError, MachineError
from custody.keys import keyfile
from custody.ledger import volumes
from custody.ledger.store import FILE_NAME, Draft, Ledger, Stored
from custody.ledger.volumes import Closed, Record, file_name
from custody.procedure import access, cases, restore
from custody.procedure.locker import Desk, Locker
from tests import desks
from tests.test_ledger import naive_root


@dataclass(frozen=True, slots=True)
class Story:
    """A locker that was restored three times; something was done in each of its four volumes."""

    folder: Path
    case: str
    item: str
    own_case: str


def read_something(desk: Desk) -> None:
    access.open_item(desk, desk.locker.work.items()[0], purpose=desks.WHY)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("volumes")
    desk = desks.new_locker(folder)
    case, _ = desks.case_with(desk, folder / "src", {"a.txt": b"a", "b.txt": b"b"})
    read_something(desk)
    place = folder / "L"
    for number in ("L2", "L3", "L4"):
        desk.locker.close()
        restore.restore(place, folder / number, desk.key_file, desk.rim)
        place = folder / number
        desk = Desk(Locker(place), desk.key_file, desk.rim)
        read_something(desk)
        read_something(desk)
        own_case = cases.open_case(desk, f"REF-{number}")
    item = desk.locker.work.items()[0].id
    desk.locker.close()
    return Story(folder=place, case=case, item=item, own_case=own_case)


@pytest.fixture
def place(story: Story, tmp_path: Path) -> Path:
    """A copy of the locker, to be changed."""
    return shutil.copytree(story.folder, tmp_path / "L")


def change(path: Path, *statements: str) -> None:
    """Change a database as somebody would who may write the file; its guards are put back."""
    connection = sqlite3.connect(path, isolation_level=None)
    guards = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert connection.execute(statement).rowcount, statement
    for _, text in guards:
        connection.execute(text)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def all_of(record: Record) -> list[Stored]:
    """Every entry, read volume by volume; positions are what they were counted to be."""
    found = [stored for view in record.views for stored in view.entries()]
    assert [stored.position for stored in found] == list(range(record.size))
    return found


# Counted as one


def test_entries_are_counted_over_all_volumes(story: Story) -> None:
    locker = Locker(story.folder)
    assert len(locker.volumes) == 4
    with locker.record() as record:
        stored = all_of(record)
        assert [v.base for v in locker.volumes] == [view.base for view in record.views]
        assert [v.size for v in locker.volumes] == [view.size for view in record.views]
        assert (record.base, record.size) == (locker.volumes[-1].base, len(stored))
        assert locker.closed.size == record.base
        ends = [None, *range(len(stored) + 1)]
        for start in range(len(stored) + 1):
            for stop in ends:
                assert list(record.entries(start, stop)) == stored[start:stop], (start, stop)
            leaves = [(one, one.leaf) for one in stored[start:]]
            assert list(record.entries_and_leaves(start)) == leaves
        assert list(record.entries()) == stored
        for position, one in enumerate(stored):
            assert record.entry(position) == one
        with pytest.raises(CheckFailed, match="an entry is missing"):
            record.entry(len(stored))
    locker.close()


def test_a_root_is_that_of_the_volume_in_which_the_entry_before_stands(story: Story) -> None:
    locker = Locker(story.folder)
    with locker.record() as record:
        stored = all_of(record)
        for size in range(1, len(stored) + 1):
            base = stored[size - 1].base
            leaves = [one.leaf for one in stored[:size] if one.base == base]
            assert record.root(size) == naive_root(leaves), size
        for volume, view in record.closed:
            assert volume.root == view.root() == record.root(volume.base + volume.size)
        assert record.again().root(len(stored)) == record.root(len(stored))
    locker.close()


def test_histories_go_over_all_volumes(story: Story) -> None:
    locker = Locker(story.folder)
    with locker.record() as record:
        stored = all_of(record)
        subjects = {one.read().subject.id for one in stored}
        assert {story.case, story.item, story.own_case} < subjects
        for subject in subjects:
            expected = [one for one in stored if one.read().subject.id == subject]
            assert record.history(subject) == expected
            assert record.whole_history(subject) == expected
            first = record.first(subject)
            assert first is not None
            assert (first[1], first[0].base) == (expected[0], expected[0].base)
            head, last = record.head(subject), expected[-1]
            assert head is not None
            assert (head.n, head.leaf) == (last.read().subject.n, last.leaf)
        ledgers = record.ledgers()
        assert ledgers == [volume.ledger for volume in locker.volumes]
        assert len(set(ledgers)) == 4
        nobody = desks.make_rim().new_id()
        assert (record.history(nobody), record.first(nobody), record.head(nobody)) == ([], None, None)
    locker.close()


def test_what_an_append_asks_of_the_closed_volumes(story: Story) -> None:
    """The last entry of the newest volume that has one; the first of the oldest."""
    locker = Locker(story.folder)
    with locker.record() as record:
        older = [one for one in all_of(record) if one.base < record.base]
        for subject in {one.read().subject.id for one in older}:
            about = [one for one in older if one.read().subject.id == subject]
            last, first = locker.closed.last(subject), locker.closed.first(subject)
            end = about[-1].read()
            assert last is not None
            assert (last.origin, last.n, last.leaf) == (end.ledger, end.subject.n, about[-1].leaf)
            assert first is not None
            assert first.envelope == about[0].envelope
            assert first.position == about[0].position
        assert locker.closed.last(story.own_case) is None
        assert locker.closed.first(story.own_case) is None
    locker.close()


def test_a_closed_volume_is_never_written(story: Story) -> None:
    locker = Locker(story.folder)
    rights = locker.rights()

    def append(ledger: Ledger) -> None:
        with ledger.append(rights=rights, clock=lambda: pytest.fail("asked for the time")):
            pass

    def insert(ledger: Ledger) -> None:
        with ledger.reading() as view:
            view.connection.exec_driver_sql("INSERT INTO issued VALUES (99)")

    assert len(locker.closed.files) == 3
    for ledger in locker.closed.files:
        with pytest.raises(CheckFailed, match="a closed volume is never written"):
            append(ledger)
        with pytest.raises(MachineError, match="readonly"):
            insert(ledger)
    locker.close()


def test_a_row_that_is_gone_is_counted_in_whichever_volume(place: Path) -> None:
    locker = Locker(place)
    with locker.record() as record:
        record.check_count()
    locker.close()
    change(place / FILE_NAME, "DELETE FROM entry WHERE seq = 2")
    locker = Locker(place)
    with locker.record() as record, pytest.raises(CheckFailed, match="entries are missing"):
        record.check_count()
    locker.close()
    change(place / file_name(2), "DELETE FROM entry WHERE seq = 2")
    locker = Locker(place)
    with locker.record() as record, pytest.raises(CheckFailed, match="entries are missing"):
        Record(record.closed, record.closed[0][1]).check_count()
    locker.close()


def test_nothing_is_written_beside_a_closed_volume(place: Path) -> None:
    """Not even the small files that SQLite makes for whoever reads: the folder may be on a read-only medium."""
    locker = Locker(place)
    with locker.record() as record:
        assert len(list(record.entries())) == record.size
        assert {path.name for path in place.glob("volume-*")} == {file_name(n) for n in (1, 2, 3)}
    locker.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list what is open")
def test_a_locker_that_was_let_go_of_holds_no_file(place: Path) -> None:
    """It can be moved or put on a stick: a folder that is in use can't, on some systems."""
    locker = Locker(place)
    with locker.record() as record:
        list(record.entries())
        assert {path.name for path in held(place)} >= {FILE_NAME, *(file_name(n) for n in (1, 2, 3))}
    locker.close()
    assert held(place) == []
    # Nor where it was refused half-way.
    last_entry_cut_off(place)
    with pytest.raises(CheckFailed), Ledger(place / FILE_NAME).reading() as view:
        Closed(place, view.entry(0).read())
    assert [path.name for path in held(place) if path.name.startswith("volume-")] == []


def held(folder: Path) -> list[Path]:
    """Files of a folder that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(link.readlink())
    return [path for path in found if path.is_relative_to(folder)]


# Not the one that its successor names


def first_gone(place: Path) -> str:
    (place / file_name(1)).unlink()
    return "the volume before is missing"


def second_gone(place: Path) -> str:
    (place / file_name(2)).unlink()
    return "not the volume that its successor goes on from"


def in_each_others_place(place: Path) -> str:
    one, two = place / file_name(1), place / file_name(2)
    one.rename(place / "x")
    two.rename(one)
    (place / "x").rename(two)
    return "not the beginning of a volume"


def the_first_twice(place: Path) -> str:
    shutil.copy(place / file_name(1), place / file_name(2))
    return "not the beginning of a volume"


def one_too_many(place: Path) -> str:
    shutil.copy(place / file_name(2), place / file_name(4))
    return "not the volume that its successor goes on from"


def beside_a_record_that_began_anew(place: Path) -> str:
    (place / file_name(1)).rename(place / FILE_NAME)
    (place / file_name(2)).rename(place / file_name(1))
    return "a closed volume, and a record that does not go on from it"


def last_entry_cut_off(place: Path) -> str:
    change(place / file_name(1), "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")
    return "another number of entries than its successor names"


def an_entry_more(place: Path) -> str:
    change(
        place / file_name(2),
        "INSERT INTO entry SELECT max(seq) + 1, zeroblob(16), 0, envelope FROM entry",
    )
    return "another number of entries than its successor names"


def another_tree(place: Path) -> str:
    change(
        place / file_name(1),
        "UPDATE node SET hash = zeroblob(32) WHERE level = (SELECT max(level) FROM node)",
    )
    return "another record than its successor names"


def its_ledgers_end_by_another_number(place: Path) -> str:
    change(
        place / file_name(1),
        "UPDATE entry SET n = n + 5 WHERE subject = (SELECT subject FROM entry WHERE seq = 0)",
    )
    return "the history of its ledger does not end where its successor says"


def its_ledgers_end_is_another_entry(place: Path) -> str:
    """The number is right, but it stands at another entry."""
    change(
        place / file_name(1),
        "CREATE TEMP TABLE last AS SELECT * FROM entry WHERE seq ="
        " (SELECT max(seq) FROM entry WHERE subject = (SELECT subject FROM entry WHERE seq = 0))",
        "UPDATE entry SET subject = zeroblob(16) WHERE seq = (SELECT seq FROM last)",
        "UPDATE entry SET subject = (SELECT subject FROM last), n = (SELECT n FROM last)"
        " WHERE seq = (SELECT max(seq) FROM entry)",
    )
    return "the history of its ledger does not end where its successor says"


def its_ledger_has_no_entry(place: Path) -> str:
    change(
        place / file_name(1),
        "UPDATE entry SET subject = zeroblob(16) WHERE subject = (SELECT subject FROM entry WHERE seq = 0)",
    )
    return "the history of its ledger does not end where its successor says"


WRONG = [
    first_gone,
    second_gone,
    in_each_others_place,
    the_first_twice,
    one_too_many,
    beside_a_record_that_began_anew,
    last_entry_cut_off,
    an_entry_more,
    another_tree,
    its_ledgers_end_by_another_number,
    its_ledgers_end_is_another_entry,
    its_ledger_has_no_entry,
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda f: f.__name__)
def test_volumes_that_do_not_lead_to_the_newest_are_refused(
    place: Path, wrong: Callable[[Path], str]
) -> None:
    says = wrong(place)
    with Ledger(place / FILE_NAME).reading() as view:
        newest = view.entry(0).read()
    with pytest.raises(CheckFailed, match=says) as caught:
        Closed(place, newest)
    assert caught.value.hint == volumes.HINT
    with pytest.raises(CheckFailed):
        Locker(place)


@pytest.mark.parametrize("public", [{}, {"predecessor": None}, {"predecessor": {"origin": "x"}}])
def test_a_beginning_that_names_no_volume_before_it_is_our_own_error(
    story: Story, public: dict[str, object]
) -> None:
    """Whoever can write the file can put anything there."""
    with Ledger(story.folder / FILE_NAME).reading() as view:
        newest = view.entry(0).read()
    with pytest.raises(CustodyError) as caught:
        Closed(story.folder, replace(newest, public={**newest.public, **public} if public else {}))
    assert (caught.value.where or "").startswith("entry 0 of custody/")


# A history that is whole by itself, and does not go on from the one before


def test_an_entry_of_an_older_volume_that_is_left_out_shows_where_the_newer_one_goes_on(
    story: Story, place: Path
) -> None:
    """Of an item's two readings in the second volume, the last is hidden by its column."""
    locker = Locker(place)
    with locker.record() as record:
        last = [one for one in record.history(story.item) if one.base == record.closed[1][1].base][-1]
        gone_on = next(one for one in record.history(story.item) if one.base > last.base)
    locker.close()
    change(place / file_name(2), f"UPDATE entry SET subject = zeroblob(16) WHERE seq = {last.seq}")
    locker = Locker(place)
    with locker.record() as record:
        with pytest.raises(CheckFailed, match="does not go on from the last entry") as caught:
            record.whole_history(story.item)
        assert caught.value.where == f"entry {gone_on.position}"
    locker.close()


def test_an_entry_of_another_volumes_ledger_is_told(
    story: Story, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds a key and a changed program can write another origin into an entry."""
    own = keyfile.open_(story.folder.parent / "keys" / "first", desks.PASSPHRASE)
    desk = Desk(Locker(place), own, desks.make_rim())
    older = desk.locker.volumes[0].origin
    monkeypatch.setattr(type(desk), "origin", property(lambda _: older))
    with desk.locker.ledger.append(rights=desk.rights, clock=desk.time, earlier=desk.locker.closed) as append:
        stored = append.add(
            Draft(
                kind="case.closed",
                subject_type="case",
                subject=story.own_case,
                case=story.own_case,
                public={},
                sealed={},
                n=append.next_n(story.own_case),
            ),
            desk.keys.sign,
            older,
        )
    with desk.locker.record() as record:
        with pytest.raises(CheckFailed, match="an entry of another ledger") as caught:
            record.whole_history(story.own_case)
        assert caught.value.where == f"entry {record.size - 1}"
        assert stored == record.entry(record.size - 1)
        assert record.whole_history(story.case)
    desk.locker.close()


def test_a_subjects_case_is_that_of_its_first_entry_in_whichever_volume(story: Story, place: Path) -> None:
    own = keyfile.open_(story.folder.parent / "keys" / "first", desks.PASSPHRASE)
    desk = Desk(Locker(place), own, desks.make_rim())
    public = {"what": "content", "result": "refused", "copy": False, "purpose": "other"}
    size = desk.locker.volumes[-1].size
    with pytest.raises(CheckFailed, match="another type or case"), desk.write() as writer:
        writer.add("item.accessed", "item", unread(desk), case=story.own_case, public=public)
    assert desk.locker.volumes[-1].size == size
    with desk.write() as writer:
        writer.add("item.accessed", "item", unread(desk), case=story.case, public=public)
    assert desk.locker.volumes[-1].size == size + 1
    desk.locker.close()


def unread(desk: Desk) -> str:
    """The item of which the newest volume has no entry yet."""
    return desk.locker.work.items()[1].id
