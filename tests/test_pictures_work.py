"""Pictures in a locker: those that look alike, what is never decoded, what is logged for it."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest

from custody.errors import NoRight, UsageError
from custody.procedure import access, cases, custodians, pictures, records
from custody.procedure.locker import Desk
from tests import desks
from tests.test_picture_hashes import drawn, saved


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def kinds(desk: Desk) -> list[str]:
    with desk.locker.ledger.reading() as view:
        return [stored.read().kind for stored in view.entries(0)]


def take(desk: Desk, case: str, folder: Path, files: dict[str | bytes, bytes], **options: object) -> None:
    desks.take_in(desk, case, desks.put(folder, files), **options)


def test_alike_pictures_are_groups_and_every_picture_is_somewhere(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    image = drawn(1)
    take(
        desk,
        case,
        tmp_path / "in",
        {
            "1.png": saved(image),
            "2.jpg": saved(image.resize((160, 120)), "JPEG"),
            "3.png": saved(drawn(2)),
            "4.png": saved(PIL.Image.new("RGB", (9, 9))),
            "5.txt": b"made up",
        },
    )
    found = pictures.alike(desk, case, desks.WHY)
    assert [group.names for group in found.near.groups] == [("A-1/01", "A-1/02")]
    assert found.near.alone == ("A-1/03",)
    assert [(label, why.reason) for label, why in found.near.not_compared] == [("A-1/04", "too_plain")]
    assert found.not_opened == ()


@pytest.mark.parametrize("flag", ["suspected-csam", "intimate-image"])
def test_what_is_marked_is_neither_decoded_nor_opened(
    desk: Desk, case: str, tmp_path: Path, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(desk, case, tmp_path / "in", {"1.png": saved(drawn(1))}, handling=("child", flag))

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a marked picture was opened")

    monkeypatch.setattr(PIL.Image, "open", opened)
    with monkeypatch.context() as guarded:
        guarded.setattr(access, "open_item", opened)
        found = pictures.alike(desk, case, desks.WHY)
    assert [(label, why.reason) for label, why in found.near.not_compared] == [("A-1/01", "handling_forbids")]
    # custody records: its facts, and no hash
    item = desk.locker.work.items()[0]
    (row,) = (record for _, record in records.of_item(desk, item, desks.WHY)[1] if record["record"] == "row")
    assert row["perceptual"]["reason"] == "handling_forbids"


def test_a_flag_on_the_same_bytes_received_again_forbids_it_too(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(drawn(1))
    take(desk, case, tmp_path / "in", {"1.png": data})
    take(desk, case, tmp_path / "again", {"other.png": data}, handling=("suspected-csam",))
    assert len(desk.locker.work.items()) == 1

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a marked picture was decoded")

    monkeypatch.setattr(PIL.Image, "open", opened)
    found = pictures.alike(desk, case, desks.WHY)
    assert [why.reason for _, why in found.near.not_compared] == ["handling_forbids"]
    item = desk.locker.work.items()[0]
    (row,) = (record for _, record in records.of_item(desk, item, desks.WHY)[1] if record["record"] == "row")
    assert row["perceptual"]["reason"] == "handling_forbids"


def test_what_was_only_registered_is_told(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path / "in", {"1.png": saved(drawn(1))}, register=True)
    found = pictures.alike(desk, case, desks.WHY)
    assert found.not_opened == (("A-1/01", "only registered: its content was kept nowhere"),)


def test_a_wrong_distance_opens_nothing(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path / "in", {"1.png": saved(drawn(1))})
    before = kinds(desk)
    with pytest.raises(UsageError):
        pictures.alike(desk, case, desks.WHY, 65)
    assert kinds(desk) == before


def test_what_is_looked_at_is_logged_and_who_may_not_is_refused(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    take(desk, case, tmp_path / "in", {"1.png": saved(drawn(1)), "2.png": saved(drawn(2))})
    before = len(kinds(desk))
    pictures.alike(desk, case, desks.WHY)
    assert kinds(desk)[before:] == ["case.consulted", "item.accessed", "item.accessed"]
    own, person = desks.add_person(desk, tmp_path / "keys" / "r")
    custodians.grant(desk, person, case, rights=("collect",), classes=("record",))
    with pytest.raises(NoRight):
        pictures.alike(desks.sit_down(desk, own), case, desks.WHY)


def test_a_row_of_a_picture_from_a_locker(desk: Desk, case: str, tmp_path: Path) -> None:
    stream = io.BytesIO()
    drawn(3).save(stream, "JPEG")
    take(desk, case, tmp_path / "in", {"IMG-20261103-WA0001.jpg": stream.getvalue()})
    item = desk.locker.work.items()[0]
    (row,) = (record for _, record in records.of_item(desk, item, desks.WHY)[1] if record["record"] == "row")
    assert (row["kind"], row["format"], row["width"], row["height"]) == ("picture", "jpeg", 320, 240)
    assert row["grade_hints"][0]["grade"] == "received-through-a-messenger"
    assert len(row["perceptual"]["dhash"]) == 16
