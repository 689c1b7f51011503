"""Lists that open nothing, lists that open, names of items, and what is still to be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.errors import InputRefused, UsageError
from custody.procedure import cases, items, lists, read
from custody.procedure.locker import Desk, Locker
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


def size_of(desk: Desk) -> int:
    with desk.locker.ledger.reading() as view:
        return view.size


def test_public_lists_need_no_key_and_leave_no_trace(desk: Desk, tmp_path: Path) -> None:
    case, done = desks.case_with(desk, tmp_path / "src", {"a": b"1" * 1000, "b": b"2"})
    before = size_of(desk)
    locker = Locker(desk.locker.path)
    lines = lists.list_items(locker, case)
    assert [(line.label, line.id) for line in lines] == [(item.label, item.id) for item in done.items]
    assert lines[0].size is not None
    assert lines[0].size >= 1000
    assert lists.list_items(locker) == lines
    (row,) = lists.case_lines(locker)
    assert (row.items, row.exhibits, row.closed) == (2, ("A-1",), False)
    assert [line.label for line in lists.log(locker, case=case)][-2:] == [f"case {case[-8:]}", "A-1"]
    assert lists.todo(locker).unsealed == before
    assert lists.log(locker, item=items.find_item(locker, "A-1/02"))[0].kind == "item.collected"
    for ask in (
        lambda: lists.log(locker, case=case, purpose=desks.WHY),
        lambda: lists.todo(locker, purpose=desks.WHY),
    ):
        with pytest.raises(UsageError):
            ask()
    assert size_of(desk) == before


def test_names_are_opened_once_for_the_whole_case(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.png": b"\x89PNG\r\n", "b.txt": b"2"})
    before = size_of(desk)
    named = lists.list_names(desk, case, desks.WHY)
    assert [one.name for one in named] == [b"a.png", b"b.txt"]
    assert named[1].media_type == "text/plain"
    assert named[1].size == 1
    assert named[0].handling == ("unassessed",)
    assert size_of(desk) == before + 1


def test_the_log_is_in_the_records_order_with_its_parts(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a": b"1", "b": b"2"})
    cases.open_case(desk, "REF-2")
    lines = lists.log(desk, case=case, purpose=desks.WHY)
    assert [line.seq for line in lines] == sorted(line.seq for line in lines)
    assert lines[0].parts["title"] == {"ref": "REF-1"}
    assert lines[-1].kind == "case.consulted"
    assert lines[-1].public["what"] == "log"
    assert all(line.case == case for line in lines)
    # Everything: the other case is consulted too, and the ledger's own entries stay closed.
    before = size_of(desk)
    every = lists.log(desk, purpose=desks.WHY)
    assert [line.seq for line in every] == list(range(before + 2))
    assert every[0].parts == {}
    assert {line.parts["title"]["ref"] for line in every if line.kind == "case.opened"} == {"REF-1", "REF-2"}


def test_the_log_of_one_item_is_an_access_to_that_item(desk: Desk, tmp_path: Path) -> None:
    desks.case_with(desk, tmp_path / "src", {"a": b"1", "b": b"2"})
    item = items.find_item(desk, "A-1/02")
    lines = lists.log(desk, item=item, purpose=desks.WHY)
    assert [line.kind for line in lines] == ["item.collected", "item.accessed"]
    assert lines[0].parts["name"]["name"] == {"text": "b"}
    shown = lists.show_item(desk, item, desks.WHY)
    assert shown.first("name") == lines[0].parts["name"]
    assert shown.content is None


def test_todo_lists_what_is_open(desk: Desk, tmp_path: Path) -> None:
    desks.case_with(desk, tmp_path / "src", {"a": b"1"})
    read.read_to_file(desk, items.find_item(desk, "A-1/01"), tmp_path / "out", desks.WHY)
    with desk.locker.vault.staging() as staging:
        (staging.directory / "half").write_bytes(b"x")
        assert lists.todo(desk).leftovers == ()  # somebody is at work there
    left = desk.locker.vault.directory / "unfinished-1-dead"
    left.mkdir()
    before = size_of(desk)
    todo = lists.todo(desk)
    assert size_of(desk) == before
    assert todo.unsealed == before
    assert [line.label for line in todo.open_copies] == ["A-1/01"]
    assert todo.leftovers == ("unfinished-1-dead",)
    assert todo.no_recovery
    assert todo.fields is None
    assert not todo.nothing
    (fields,) = lists.todo(desk, purpose=desks.WHY).fields or ()
    assert (fields.label, fields.unassessed) == ("A-1", 1)
    assert "capture.method" in fields.not_stated
    assert size_of(desk) == before + 1


def test_nothing_to_do_is_said(desk: Desk, tmp_path: Path) -> None:
    from custody.procedure import seal

    desks.add_person(desk, tmp_path / "keys" / "other", rights=["read"], all_cases=True)
    seal.seal(desk)
    assert lists.todo(desk).nothing


# Naming items


@pytest.fixture
def two(desk: Desk, tmp_path: Path) -> tuple[str, str]:
    one, _ = desks.case_with(desk, tmp_path / "one", {"a": b"1", "b": b"2"}, "REF-1")
    other, _ = desks.case_with(desk, tmp_path / "two", {"c": b"3"}, "REF-2")
    desks.take_in(desk, other, desks.put(tmp_path / "three", {"d": b"4"}), exhibit="B-1")
    return one, other


def test_items_are_named_by_label_exhibit_and_ending(desk: Desk, two: tuple[str, str]) -> None:
    one, other = two
    assert [item.label for item in items.find_items(desk, "A-1", one)] == ["A-1/01", "A-1/02"]
    assert items.find_item(desk, "B-1/01").case == other
    assert [item.label for item in items.find_items(desk, "B-1")] == ["B-1/01"]
    for item in desk.locker.work.items():
        for words in (item.id, item.id[-8:], item.id[-6:].upper(), item.id[-13:]):
            assert items.find_item(desk.locker, words) == item


@pytest.mark.parametrize("wanted", ["A-1", "A-1/01"])
def test_a_label_of_two_cases_asks_for_the_case(desk: Desk, two: tuple[str, str], wanted: str) -> None:
    with pytest.raises(InputRefused, match="more than one case") as caught:
        items.find_items(desk, wanted)
    assert "--case" in str(caught.value.hint)
    assert two[0][-8:] in str(caught.value.found)
    assert items.find_items(desk, wanted, two[1])[0].case == two[1]


@pytest.mark.parametrize(
    "wanted", ["", "A-9", "A-1/99", "a-1", "12345", "x" * 1000, "\x1b[31m", "A-1/1", "%", "------"]
)
def test_what_names_no_item_is_refused(desk: Desk, two: tuple[str, str], wanted: str) -> None:
    with pytest.raises(InputRefused, match="no such item") as caught:
        items.find_items(desk, wanted)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 300


def test_an_item_of_another_case_is_not_found_by_its_ending(desk: Desk, two: tuple[str, str]) -> None:
    (item, _) = desk.locker.work.items(two[0])
    with pytest.raises(InputRefused, match="no such item"):
        items.find_items(desk, item.id[-8:], two[1])


def test_one_item_is_not_an_exhibit_of_two(desk: Desk, two: tuple[str, str]) -> None:
    with pytest.raises(InputRefused, match="more than one item"):
        items.find_item(desk, "A-1", two[0])


def test_an_ending_of_two_ids_is_refused(
    desk: Desk, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = desk.locker.work.items()
    monkeypatch.setattr(type(desk.locker.work), "items_by_ending", lambda *_: rows[:2])
    with pytest.raises(InputRefused, match="more than one item has an id"):
        items.find_items(desk, "abcdef")
