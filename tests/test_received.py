"""The same bytes once more: received again on the item that they are, with their own source, not stored twice."""

from __future__ import annotations

import copy
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from custody.errors import InputRefused
from custody.format import compartments
from custody.procedure import cases, collect, export, items, known, lists, read, sources, todo
from custody.procedure.collect import Collected, Request
from custody.procedure.locker import Desk
from custody.verify.report import Outcome, Report
from custody.verify.text import lines
from tests import desks, packages

PHONE = {"source": {"text": "the phone of the second witness"}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def entries(desk: Desk, subject: str) -> list[Any]:
    with desk.locker.ledger.reading() as view:
        return [stored.read() for stored in view.history(subject)]


def objects(desk: Desk) -> int:
    return len(list(desk.locker.vault.objects()))


def pack(desk: Desk, case: str, folder: Path, *chosen: str, **options: Any) -> bytes:
    rows = {row.id: row for one in chosen for row in items.find_items(desk, one, case)}
    choice = export.Choice(case=case, items=tuple(rows.values()), **options)
    output = folder / f"p{len(list(folder.iterdir()))}.zip"
    export.export(desk, choice, output, purpose="test", plain=True)
    return output.read_bytes()


def look(data: bytes) -> Report:
    report = packages.look(data)
    assert report.intact, packages.summary(report)
    return report


def twice(desk: Desk, case: str, folder: Path) -> tuple[Collected, Collected]:
    one = desks.take_in(desk, case, desks.put(folder / "one", {"film.mp4": b"same"}))
    two = desks.take_in(
        desk, case, desks.put(folder / "two", {"copy.mp4": b"same", "x": b"other"}), record=PHONE
    )
    return one, two


def test_the_same_bytes_from_another_source_are_received_on_the_item_that_they_are(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    one, two = twice(desk, case, tmp_path)
    (again,) = two.received
    assert (again.item, again.label, again.id) == ("A-1/01", "A-2/01", one.items[0].id)
    assert [item.label for item in two.items] == ["A-2/02"]
    assert (two.already, two.elsewhere) == (0, {})
    assert objects(desk) == 2
    first, receipt = entries(desk, again.id)
    assert (first.kind, receipt.kind) == ("item.collected", "item.received")
    assert receipt.public["label"] == "A-2/01"
    opened = lists.show_item(desk, desk.locker.work.item(again.id), desks.WHY)  # type: ignore[arg-type]
    values = opened.parts[1].values
    assert values["source"] == PHONE["source"]
    assert compartments.name_bytes(values["name"]["name"]) == b"copy.mp4"
    assert values["content"]["digests"]["sha256"] == hashlib.sha256(b"same").hexdigest()
    extended = [entry for entry in entries(desk, case) if entry.kind == "case.extended"]
    assert [(e.public["items"], e.public["received"]) for e in extended] == [(1, 0), (1, 1)]
    assert (
        two.digest
        == hashlib.sha256(
            "".join(f"{hashlib.sha256(data).hexdigest()}\n" for data in (b"same", b"other")).encode()
        ).hexdigest()
    )


def test_once_received_the_same_source_is_known(desk: Desk, case: str, tmp_path: Path) -> None:
    twice(desk, case, tmp_path)
    done = desks.take_in(desks.sit_down(desk), case, tmp_path / "two", record=PHONE)
    assert (done.items, done.received, done.already, done.exhibit) == ((), (), 2, None)


def test_with_again_even_the_same_source_is_received_once_more(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "one", {"a": b"1", "b": b"2"})
    desks.take_in(desk, case, folder)
    done = desks.take_in(desks.sit_down(desk), case, folder, again=True)
    assert [(one.label, one.item) for one in done.received] == [("A-2/01", "A-1/01"), ("A-2/02", "A-1/02")]
    assert (done.items, done.already) == ((), 0)
    assert objects(desk) == 2
    completed = [entries(desk, row.id)[-1] for row in desk.locker.work.exhibits(case)]
    assert [(e.kind, e.public["items"]) for e in completed] == [
        ("exhibit.completed", 2),
        ("exhibit.completed", 0),
    ]


def test_the_same_bytes_twice_in_one_run_are_one_item(desk: Desk, case: str, tmp_path: Path) -> None:
    done = desks.take_in(desk, case, desks.put(tmp_path / "in", {"a": b"same", "b": b"x", "c": b"same"}))
    assert [item.label for item in done.items] == ["A-1/01", "A-1/02"]
    assert [(one.label, one.item) for one in done.received] == [("A-1/03", "A-1/01")]
    more = desks.take_in(desk, case, desks.put(tmp_path / "more", {"d": b"y"}), exhibit="A-1")
    assert [item.label for item in more.items] == ["A-1/04"]


def test_empty_files_are_items_of_their_own(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "in", {"a": b"", "b": b"", "c": b"x"})
    done = desks.take_in(desk, case, folder)
    assert (len(done.items), done.received) == (3, ())
    assert desks.take_in(desk, case, folder).already == 3
    other = desks.take_in(desk, case, desks.put(tmp_path / "more", {"d": b""}))
    assert (len(other.items), other.received) == (1, ())
    again = desks.take_in(desk, case, folder, again=True)
    assert [one.item for one in again.received] == ["A-1/01", "A-1/02", "A-1/03"]


def test_another_case_knows_nothing_of_it(desk: Desk, case: str, tmp_path: Path) -> None:
    twice(desk, case, tmp_path)
    done = desks.take_in(desk, cases.open_case(desk, "REF-2"), tmp_path / "two")
    assert (len(done.items), done.received) == (2, ())


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_an_object_that_is_not_there_is_no_reason_to_drop_the_bytes(
    desk: Desk, case: str, tmp_path: Path, damage: str
) -> None:
    one = desks.take_in(desk, case, desks.put(tmp_path / "one", {"a": b"same"}))
    (name,) = desk.locker.vault.objects()
    path = desk.locker.vault.directory / name
    path.unlink() if damage == "gone" else path.write_bytes(path.read_bytes()[:-1])
    done = desks.take_in(desk, case, desks.put(tmp_path / "two", {"b": b"same"}))
    assert (len(done.items), done.received) == (1, ())
    assert done.elsewhere == {"A-2/01": ("A-1/01",)}
    assert one.items[0].id != done.items[0].id
    # The same source too: nothing is in already whose content is gone.
    third = desks.take_in(desk, case, tmp_path / "one")
    assert [(r.label, r.item) for r in third.received] == [("A-3/01", "A-2/01")] or third.items


def test_a_neighbour_who_took_the_same_bytes_meanwhile_is_seen_under_the_lock(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = desks.put(tmp_path / "mine", {"a": b"same"})
    theirs = desks.put(tmp_path / "theirs", {"b": b"same"})
    other, real = desks.sit_down(desk), known.Known.judge
    left = [True]

    def then(asked: known.Known, batch: Any) -> None:
        real(asked, batch)
        if left:
            left.clear()
            desks.take_in(other, case, theirs)

    monkeypatch.setattr(known.Known, "judge", then)
    done = desks.take_in(desk, case, mine)
    assert [(one.item, one.label) for one in done.received] == [("A-1/01", "A-2/01")]
    assert objects(desk) == 1


def test_flags_of_both_copies_stand(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "one", {"a": b"same"}), handling=("child",))
    desks.take_in(desk, case, desks.put(tmp_path / "two", {"b": b"same"}))
    desks.take_in(desk, case, desks.put(tmp_path / "three", {"c": b"same"}), handling=("distressing",))
    (named,) = lists.list_names(desk, case, desks.WHY)
    assert named.handling == ("child", "distressing")
    assert named.line.received == ("A-2/01", "A-3/01")


def test_both_labels_and_both_exhibits_name_the_item(desk: Desk, case: str, tmp_path: Path) -> None:
    one, _ = twice(desk, case, tmp_path)
    assert items.find_item(desk, "A-2/01", case).id == one.items[0].id
    assert [row.label for row in items.find_items(desk, "A-2", case)] == ["A-1/01", "A-2/02"]


def test_a_package_of_the_case_shows_both_acquisitions(desk: Desk, case: str, tmp_path: Path) -> None:
    twice(desk, case, tmp_path)
    (tmp_path / "out").mkdir()
    data = pack(desk, case, tmp_path / "out")
    report = look(data)
    assert [(item.label, item.received) for item in report.items] == [("A-1/01", ("A-2/01",)), ("A-2/02", ())]
    assert report.subject.items_in_case == 2
    assert b"the phone of the second witness" not in data  # sealed, with its key beside it


def test_a_package_of_one_exhibit_tells_nothing_of_the_other_source(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    twice(desk, case, tmp_path)
    (tmp_path / "out").mkdir()
    choice = export.Choice(case=case, items=tuple(items.find_items(desk, "A-1", case)))
    before = export.preview(desk, choice)
    assert before.exhibits == ("A-1",)
    report = look(pack(desk, case, tmp_path / "out", "A-1"))
    assert report.items[0].received == ("A-2/01",)
    assert report.subject.withheld == before.withheld
    assert {"source", "name", "content"} <= set(report.subject.withheld)


def test_a_package_of_the_second_exhibit_has_what_was_found_in_it(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    twice(desk, case, tmp_path)
    (tmp_path / "out").mkdir()
    report = look(pack(desk, case, tmp_path / "out", "A-2"))
    assert [item.label for item in report.items] == ["A-1/01", "A-2/02"]


# Registered


def test_what_is_registered_is_kept_nowhere(desk: Desk, case: str, tmp_path: Path) -> None:
    secret = b"must not be stored " * 1000
    big = secret * 100
    folder = desks.put(tmp_path / "in", {"a.jpg": secret, "b.bin": big})
    done = desks.take_in(desk, case, folder, register=True)
    assert [item.registered for item in done.items] == [True, True]
    assert done.items[1].sha256 == hashlib.sha256(big).hexdigest()
    assert objects(desk) == 0
    row = desk.locker.work.item(done.items[0].id)
    assert row is not None
    assert (row.object, row.size) == (None, None)
    (first,) = entries(desk, row.id)
    assert (first.kind, first.public["object"]) == ("item.registered", None)
    opened = lists.show_item(desk, row, desks.WHY)
    assert opened.first("content")["size"] == len(secret)  # type: ignore[index]
    (extended,) = [e for e in entries(desk, case) if e.kind == "case.extended"]
    assert (extended.public["items"], extended.public["registered"]) == (0, 2)
    with pytest.raises(InputRefused, match="only registered, content was never kept"):
        read.read_to_file(desk, row, tmp_path / "out", desks.WHY)
    for path, data in desks.all_bytes(desk.locker.path):
        assert secret[:64] not in data, path
    assert [line.registered for line in lists.list_items(desk, case)] == [True, True]
    assert [line.label for line in todo.todo(desk).registered] == ["A-1/01", "A-1/02"]


def test_standard_input_is_registered_without_being_kept(desk: Desk, case: str) -> None:
    done = collect.collect(
        desk,
        sources.Found(given=(), sources=(), refused=()),
        Request(case=case, seal=False, register=True),
        stream=io.BytesIO(b"x" * (3 << 20)),
    )
    assert (done.items[0].size, objects(desk)) == (3 << 20, 0)


def test_what_was_registered_is_taken_when_it_may_be_kept(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "in", {"a": b"1"})
    desks.take_in(desk, case, folder, register=True)
    assert desks.take_in(desk, case, folder, register=True).already == 1
    done = desks.take_in(desk, case, folder)
    assert (len(done.items), done.already, objects(desk)) == (1, 0, 1)
    assert done.elsewhere == {"A-2/01": ("A-1/01",)}
    # What is kept is not registered as new: it is the item that is in.
    again = desks.take_in(desk, case, desks.put(tmp_path / "more", {"b": b"1"}), register=True)
    assert (again.items, len(again.received)) == ((), 1)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_package_with_a_registered_item_says_so_and_never_missing(
    desk: Desk, case: str, tmp_path: Path, mixed: bool
) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "in", {"a.jpg": b"not kept"}), register=True)
    if mixed:
        desks.take_in(desk, case, desks.put(tmp_path / "kept", {"b.txt": b"kept"}))
    (tmp_path / "out").mkdir()
    data = pack(desk, case, tmp_path / "out")
    report = look(data)
    line = report.items[0]
    assert (line.registered, line.path, line.size) == (True, "", len(b"not kept"))
    said = [f.text for f in report.of(Outcome.NOT_CHECKED)]
    assert any("only registered" in text for text in said)
    assert not any("missing" in f.text for f in report.findings if f.check == "content")
    assert any("its content was never kept" in text for text in lines(report))
    assert report.subject.items_in_case == 1 + mixed
    payload = [name for name in packages.take_apart(data) if name.startswith("data/")]
    assert len(payload) == mixed


def test_a_file_in_the_place_of_a_registered_item_is_a_failure(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "in", {"a.jpg": b"not kept"}), register=True)
    (tmp_path / "out").mkdir()
    files = packages.take_apart(pack(desk, case, tmp_path / "out"))
    files["data/A-1/001.bin"] = b"not kept"
    report = packages.look(packages.resign(files, desk.keys.sign))
    assert packages.said(report, "content", "file added")


# Lies about receipts, by somebody with every key of the record


GROUP = "019cb6d0-0000-7000-8000-0000000000aa"


def receipt(
    *, label: str | None = None, content: dict[str, Any] | None = None, counts: dict[str, int] | None = None
) -> Report:
    """The report on a package whose first item is received once more, as stated."""

    def change(made: packages.Forger) -> None:
        first = made.lines[made.find("item.collected")]
        exhibit = first.public["exhibit"]
        public = {
            "exhibit": exhibit,
            "acquisition": first.public["acquisition"],
            "label": label or f"{first.public['label'].partition('/')[0]}/77",
            "wrapped_to": [],
        }
        made.lines.append(
            packages.Line("item.received", "item", first.subject, case=first.case, public=public)
        )
        made.lines[-1].plain = {
            "content": content or copy.deepcopy(first.plain["content"]),
            "name": {"name": {"text": "again.txt"}},
            "source": {"text": "the same source"},
        }
        made.lines[-1].actor, made.lines[-1].group = first.actor, GROUP
        if counts is None or counts:
            wanted = counts or {"received": 1}
            extended = {name: wanted.get(name, 0) for name in ("items", "derived", "received", "registered")}
            assert first.case is not None
            made.lines.append(
                packages.Line(
                    "case.extended",
                    "case",
                    first.case,
                    case=first.case,
                    public={"exhibit": exhibit, **extended},
                )
            )
            made.lines[-1].actor, made.lines[-1].group = first.actor, GROUP

    return packages.look(packages.forger(change).pack())


def test_an_honest_receipt_is_intact() -> None:
    report = receipt()
    assert report.intact, packages.summary(report)
    assert report.items[0].received[0].endswith("/77")


def test_a_receipt_that_the_case_did_not_count() -> None:
    assert packages.said(receipt(counts={}), "counts", "a receipt that the case's own count does not have")


def test_a_receipt_that_was_counted_as_an_item() -> None:
    assert packages.said(receipt(counts={"items": 1}), "counts", "more entries of a kind than")


def test_a_receipt_under_another_exhibits_label() -> None:
    assert packages.said(receipt(label="Z-9/01"), "exhibits", "not of its exhibit")


def test_a_receipt_of_other_bytes() -> None:
    content = {
        "digests": {"sha256": "0" * 64},
        "size": 4,
        "media_type": "text/plain",
        "media_type_from": "structure",
    }
    assert packages.said(receipt(content=content), "content", "its digest is another")
