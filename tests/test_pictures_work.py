"""Pictures in a locker: those that look alike, what is never decoded, what is logged for it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import PIL.Image
import pytest

from custody.errors import NoRight, UsageError
from custody.procedure import access, cases, custodians, pictures, records
from custody.procedure.derive import Wish
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
    assert "grade_stated" not in row
    assert "grade_against" not in row
    assert len(row["perceptual"]["dhash"]) == 16


def test_what_was_stated_of_a_copy_stands_beside_what_the_file_hints_at(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    """Of this acquisition and of no other of the exhibit; of what was cut out of a zip, nothing."""
    stream = io.BytesIO()
    drawn(3).save(stream, "JPEG")
    name, data = "IMG-20261103-WA0001.jpg", stream.getvalue()
    for at, stated in enumerate(("on-the-device", "received-through-a-messenger", None)):
        record = {} if stated is None else {"capture": {"copy_grade": stated}}
        folder = tmp_path / str(at)
        take(desk, case, folder, {name: data + bytes([at])}, exhibit="A-7", record=record)
    found = []
    for item in desk.locker.work.items():
        (row,) = (one for _, one in records.of_item(desk, item, desks.WHY)[1] if one["record"] == "row")
        found.append((row.get("grade_stated"), len(row.get("grade_against", ())), len(row["grade_hints"])))
    assert found == [("on-the-device", 1, 1), ("received-through-a-messenger", 0, 1), (None, 0, 1)]


def test_of_a_picture_that_lay_in_a_chat_nobody_stated_a_grade(desk: Desk, case: str, tmp_path: Path) -> None:
    stream, packed = io.BytesIO(), io.BytesIO()
    drawn(3).save(stream, "JPEG")
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(
            "_chat.txt", "[01.02.22, 10:00:00] Made Up: hello\n[01.02.22, 10:01:00] Other One: good\n"
        )
        file.writestr("IMG-20261103-WA0001.jpg", stream.getvalue())
    record = {"capture": {"copy_grade": "exported-by-the-app"}}
    take(desk, case, tmp_path / "in", {"WhatsApp Chat.zip": packed.getvalue()}, record=record, derive=Wish())
    inner = next(one for one in desk.locker.work.items() if one.part is not None)
    (row,) = (one for _, one in records.of_item(desk, inner, desks.WHY)[1] if one["record"] == "row")
    assert "grade_stated" not in row
    assert row["grade_hints"]


# --- marks that came by another way than on the picture itself ------------------------------------------------


def chat_with(picture: bytes) -> bytes:
    """A chat's archive that holds a picture, which becomes an item of its own."""
    text = b"".join(
        b"27/03/2022, 21:4%d - %s: hello\n" % (at, name) for at, name in enumerate((b"Ann", b"Ben") * 2)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("WhatsApp Chat with Ann.txt", text)
        file.writestr("IMG-20220327-WA0001.png", picture)
    return packed.getvalue()


def refused(desk: Desk, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture of the case is decoded, by no command."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a marked picture was decoded")

    monkeypatch.setattr(PIL.Image, "open", opened)
    found = pictures.alike(desk, case, desks.WHY)
    assert {why.reason for _, why in found.near.not_compared} == {"handling_forbids"}
    assert not found.near.alone
    (part, *_) = [row for row in desk.locker.work.items() if row.part is not None]
    (row,) = (record for _, record in records.of_item(desk, part, desks.WHY)[1] if record["record"] == "row")
    assert row["perceptual"]["reason"] == "handling_forbids"


def test_a_mark_that_came_later_on_an_archive_is_on_the_pictures_in_it(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = chat_with(saved(drawn(1)))
    take(desk, case, tmp_path / "in", {"a.zip": data}, derive=Wish())
    take(desk, case, tmp_path / "again", {"b.zip": data}, derive=Wish(), handling=("suspected-csam",))
    assert [row.label for row in desk.locker.work.items()] == ["A-1/01", "A-1/01.1", "A-1/01.2"]
    refused(desk, case, monkeypatch)


def test_a_mark_on_a_picture_is_on_the_same_bytes_in_an_archive(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = saved(drawn(1))
    take(desk, case, tmp_path / "in", {"a.zip": chat_with(picture)}, derive=Wish())
    take(desk, case, tmp_path / "alone", {"b.png": picture}, handling=("intimate-image",))
    refused(desk, case, monkeypatch)


def test_what_lies_in_files_that_are_no_pictures_is_said_not_to_be_looked_at(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    take(desk, case, tmp_path / "in", {"a.zip": chat_with(saved(drawn(1))), "b.pdf": b"%PDF-1.4"})
    assert pictures.alike(desk, case, desks.WHY).others == 2
