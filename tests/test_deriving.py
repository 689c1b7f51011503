"""Deriving at collect and later: the form, the files in an export, and what holds of them in the record."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.errors import InputRefused, MachineError, NoRight
from custody.evidence.chat import registry
from custody.evidence.chat.model import Conversation, Message, Participant, Record, Time, attachment
from custody.evidence.chat.normalise import MEDIA_TYPE
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.ledger.work import ItemRow
from custody.procedure import (
    access,
    cases,
    check,
    collect,
    custodians,
    derive,
    export,
    messages,
    readable,
    rederive,
)
from custody.procedure.derive import Derived, NotRead, Wish
from custody.procedure.export import Choice
from custody.procedure.locker import Desk
from custody.verify.package import verify
from tests import desks

WISH = Wish()
CHAT = b"TOY CHAT\nAnna: hello\nBen: see <a.jpg>\n\nAnna: <gone.png>\n"
JPEG = b"\xff\xd8\xff\xe0 made up, not a picture"
LINE = re.compile(rb"(?:(\w+): (.*))?\n")


def read_toy(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    (at,) = detected.members
    data = export.members[at].open()
    text = data.read(0, data.size)
    names = {member.base: member.index for member in export.members}
    yield Conversation("c1", "Toy", "export", "direct", "Toy")
    yield Decided("zone", settings.time_zone, "stated" if settings.time_zone else "open", ("no zone in it",))
    start = text.index(b"\n") + 1
    yield Range(at, 0, start, "header")
    for found in LINE.finditer(text, start):
        if found[1] is None:
            yield Range(at, *found.span(), "blank")
            continue
        name = found[1].decode()
        yield Participant(name, name)
        attachments = None
        if picture := re.search(rb"<(.*)>", found[2]):
            file = picture[1].decode()
            state = "present" if file in names else "missing" if export.zipped else "not_here"
            attachments = [attachment(name=file, state=state, member=names.get(file), basis="exact_name")]
        yield Message(
            at,
            *found.span(),
            found[0],
            "c1",
            text=found[2].decode(),
            sender=name,
            time=Time("1/2", local="2022-01-02T03:04:00", precision="minute"),
            attachments=attachments,
        )
    if b"trouble" in text:
        yield Notice("trouble", "as the text says")


def detect_toy(export: Export) -> Detected | None:
    for member in export.members:
        if member.head(9) == b"TOY CHAT\n":
            return Detected(score=95, reasons=("it begins with TOY CHAT",), members=(member.index,))
    return None


REAL = registry.READERS
TOY = Reader(name="toy", version=3, title="Toy messenger", zone="none", detect=detect_toy, read=read_toy)


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "READERS", (TOY,))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def zipped(*files: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files:
            file.writestr(zipfile.ZipInfo(name, (2022, 1, 2, 3, 4, 6)), data)
    return held.getvalue()


EXPORT = zipped(("chat.txt", CHAT), ("media/a.jpg", JPEG), ("other.bin", b"nobody names it"))


def take(desk: Desk, case: str, folder: Path, name: str, data: bytes, **options: object) -> collect.Collected:
    options.setdefault("derive", WISH)
    return desks.take_in(desk, case, desks.put(folder / name, {name: data}), **options)


def rows(desk: Desk) -> list[ItemRow]:
    return desks.sit_down(desk).locker.work.items()


def content(desk: Desk, row: ItemRow) -> bytes:
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.content is not None
    return b"".join(opened.content())


def records(desk: Desk, row: ItemRow) -> list[dict[str, object]]:
    return [record for _, record in messages.records(desk, row, desks.WHY)[1]]


def test_a_zip_becomes_the_item_its_form_and_the_files_in_it(desk: Desk, case: str, tmp_path: Path) -> None:
    done = take(desk, case, tmp_path, "chat.zip", EXPORT)
    parent, form, picture, other = rows(desk)
    assert [row.label for row in rows(desk)] == ["A-1/01", "A-1/01.1", "A-1/01.2", "A-1/01.3"]
    assert [row.parent for row in rows(desk)] == [None, parent.id, parent.id, parent.id]
    assert [row.part for row in rows(desk)] == [None, None, 1, 2]
    assert content(desk, parent) == EXPORT
    assert content(desk, picture) == JPEG
    assert content(desk, other) == b"nobody names it"
    found = records(desk, parent)
    said = [one for one in found if one["record"] == "message"]
    assert [one["text"] for one in said] == ["hello", "see <a.jpg>", "<gone.png>"]
    assert [one["id"] for one in said] == [f"{parent.id}:{at}" for at in (1, 2, 3)]
    assert said[1]["attachments"] == [
        {"name": "a.jpg", "state": "present", "member": 1, "basis": "exact_name", "item": picture.id}
    ]
    assert said[2]["attachments"][0]["state"] == "missing"  # type: ignore[index]
    (made,) = (item.derived for item in done.items)
    assert isinstance(made, Derived)
    assert made.chat is not None
    assert made.chat.summary.messages == 3
    assert made.chat.summary.whole
    assert made.chat.summary.open_questions == ("zone",)
    assert dict(made.chat.summary.attachments) == {"missing": 1, "present": 1}
    assert made.chat.summary.notices == {"unmatched_file": 1}
    assert done.items[0].label == "A-1/01"
    assert len(done.items) == 1
    assert form.object is not None


def test_the_next_file_has_the_next_label(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    done = take(desk, case, tmp_path, "second.txt", CHAT, exhibit="A-1")
    assert [item.label for item in done.items] == ["A-1/02"]
    assert rows(desk)[-1].label == "A-1/02.1"


def test_all_of_it_is_one_group_that_the_case_counts(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    with desk.locker.ledger.reading() as view:
        found = [stored.read() for stored in view.entries()]
    extended = next(entry for entry in found if entry.kind == "case.extended")
    assert extended.public["items"] == 1
    assert extended.public["derived"] == 3
    group = [entry.kind for entry in found if entry.group == extended.group]
    assert group == ["item.collected", "item.derived", "item.derived", "item.derived", "case.extended"]
    assert not [
        one for one in check.check(desk.locker, desk=desk, deep=True).findings if one.outcome == "failed"
    ]


def test_check_passes_and_a_package_of_it_verifies(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    fresh = desks.sit_down(desk)
    out = tmp_path / "p.zip"
    export.export(fresh, Choice(case=case), out, purpose="a test", plain=True)
    with out.open("rb") as file:
        report = verify(file, now=desks.START)
    assert report.intact
    assert [item.label for item in report.items] == ["A-1/01", "A-1/01.1", "A-1/01.2", "A-1/01.3"]
    parent = report.items[0].id
    assert [item.parent for item in report.items] == [None, parent, parent, parent]
    with zipfile.ZipFile(out) as package:
        names = package.namelist()
        assert package.read("bag/data/A-1/001.zip") == EXPORT
        assert package.read("bag/data/A-1/001.2.jpg") == JPEG
        assert b'"record":"message"' in package.read("bag/data/A-1/001.1.jsonl")
    assert "bag/data/A-1/001.3.txt" in names


def test_a_package_without_the_parent_says_so(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    fresh = desks.sit_down(desk)
    picture = fresh.locker.work.items()[2]
    out = tmp_path / "p.zip"
    export.export(fresh, Choice(case=case, items=(picture,)), out, purpose="a test", plain=True)
    with out.open("rb") as file:
        report = verify(file, now=desks.START)
    assert report.intact
    assert "derived from an item that is not in this package" in [one.text for one in report.findings]


def test_deriving_again_gives_the_same_bytes_and_both_stay(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    fresh = desks.sit_down(desk)
    parent, form, *_ = fresh.locker.work.items()
    made = rederive.derive_item(fresh, parent, WISH, desks.WHY, with_seal=False)
    assert made.labels == ("A-1/01.4",)  # the files in it are items already
    again = desks.sit_down(desk)
    newer = readable.forms(again, parent)[0]
    assert newer.label == "A-1/01.4"
    assert content(again, newer) == content(again, form)
    stated = Wish(settings=Settings(time_zone="Europe/Vienna"))
    rederive.derive_item(again, parent, stated, desks.WHY, with_seal=False)
    last = desks.sit_down(desk)
    newest = readable.forms(last, parent)[0]
    opened = access.open_item(last, newest, purpose=desks.WHY, what="parts")
    capture = opened.first("capture")
    assert capture is not None
    assert json.loads(capture["tool_settings"]) == {"time_zone": "Europe/Vienna"}
    assert capture["time_zone"] == "Europe/Vienna"
    assert not [one for one in check.check(last.locker, desk=last).findings if one.outcome == "failed"]


def test_the_root_is_in_the_record_of_the_form(desk: Desk, case: str, tmp_path: Path) -> None:
    done = take(desk, case, tmp_path, "chat.txt", CHAT)
    (made,) = (item.derived for item in done.items)
    assert isinstance(made, Derived)
    assert made.chat is not None
    opened = access.open_item(desk, rows(desk)[1], purpose=desks.WHY, what="parts")
    content_part = opened.first("content")
    assert content_part is not None
    tree = content_part["trees"]["messages"]
    assert (tree["root"], tree["count"], tree["reader"], tree["version"]) == (
        made.chat.summary.root.hex(), 3, "toy", 3,
    )  # fmt: skip
    assert content_part["media_type"] == MEDIA_TYPE


def test_without_deriving_the_file_is_in_and_can_be_read_later(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.txt", CHAT, derive=Wish(off=True))
    (parent,) = rows(desk)
    with pytest.raises(InputRefused, match="no readable form"):
        messages.records(desk, parent, desks.WHY)
    rederive.derive_item(desks.sit_down(desk), parent, WISH, desks.WHY, with_seal=False)
    assert len(rows(desk)) == 2


def test_what_no_reader_claims_is_a_file(desk: Desk, case: str, tmp_path: Path) -> None:
    done = take(desk, case, tmp_path, "letter.txt", b"Dear Anna,\n")
    assert done.items[0].derived is None
    (item,) = rows(desk)
    with pytest.raises(InputRefused, match="no reader"):
        rederive.derive_item(desks.sit_down(desk), item, WISH, desks.WHY)
    assert desk.locker.vault.strangers() == ([], [])


def test_a_named_reader_that_can_not_read_it_is_told_and_nothing_is_lost(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    done = take(desk, case, tmp_path, "letter.txt", b"Dear Anna,\n", derive=Wish(reader="toy"))
    assert isinstance(done.items[0].derived, NotRead)
    assert len(rows(desk)) == 1


@pytest.mark.parametrize(
    "data",
    [
        EXPORT[:-30],
        EXPORT[:40] + b"\0" * 8 + EXPORT[48:],
        b"PK\x03\x04" + bytes(50),
        b"PK\x05\x06" + bytes(18),
    ],
    ids=["cut", "damaged", "no end", "empty"],
)
def test_a_broken_zip_is_in_all_the_same(desk: Desk, case: str, tmp_path: Path, data: bytes) -> None:
    done = take(desk, case, tmp_path, "chat.zip", data)
    assert content(desk, rows(desk)[0]) == data
    assert len(done.items) == 1
    assert desk.locker.vault.strangers() == ([], [])
    assert not [one for one in check.check(desk.locker, desk=desk).findings if one.outcome == "failed"]


def test_the_same_bytes_from_elsewhere_are_not_derived_again(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    before = len(rows(desk))
    done = take(desk, case, tmp_path, "copy.zip", EXPORT)
    assert len(done.received) == 1
    assert len(rows(desk)) == before
    assert sorted(row.object for row in rows(desk) if row.object) == list(desk.locker.vault.objects())


def test_twins_in_one_run_are_derived_once(desk: Desk, case: str, tmp_path: Path) -> None:
    folder = desks.put(tmp_path / "two", {"a.zip": EXPORT, "b.zip": EXPORT})
    done = desks.take_in(desk, case, folder, derive=WISH)
    assert (len(done.items), len(done.received)) == (1, 1)
    assert len(rows(desk)) == 4
    assert sorted(row.object for row in rows(desk) if row.object) == list(desk.locker.vault.objects())
    assert desk.locker.vault.strangers() == ([], [])


def test_a_full_disk_while_deriving_loses_nothing(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise MachineError("the disk is full", hint="free some space")

    monkeypatch.setattr(derive, "Scratch", full)
    done = take(desk, case, tmp_path, "chat.zip", EXPORT)
    assert isinstance(done.items[0].derived, NotRead)
    assert content(desk, rows(desk)[0]) == EXPORT


def test_a_commit_that_fails_leaves_nothing_of_it(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from custody.procedure import batch

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("made up")

    monkeypatch.setattr(batch.Adding, "end", broken)
    with pytest.raises(RuntimeError):
        take(desk, case, tmp_path, "chat.zip", EXPORT)
    assert list(desk.locker.vault.objects()) == []
    assert desk.locker.vault.strangers() == ([], [])
    assert rows(desk) == []


def test_nothing_plain_is_on_the_disk(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from custody.vault import scratch

    monkeypatch.setattr(scratch, "IN_MEMORY", 16)
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    words = (b"hello", b"Anna", JPEG, b"a.jpg", b"nobody names it")
    for path in desk.locker.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [word for word in words if word in data], path


def test_a_collector_derives_and_can_read_nothing(desk: Desk, case: str, tmp_path: Path) -> None:
    own, _ = desks.add_person(
        desk, tmp_path / "keys" / "c", rights=("collect",), unattended=True, collector=True
    )
    other = desks.sit_down(desk, own)
    take(other, case, tmp_path, "chat.zip", EXPORT)
    form = rows(desk)[1]
    with pytest.raises(NoRight):
        list(messages.records(desks.sit_down(desk, own), form, desks.WHY)[1])
    assert len(records(desks.sit_down(desk), form)) > 3


def test_opening_is_logged_first(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.zip", EXPORT)
    form = rows(desk)[1]
    reading = messages.records(desk, form, desks.WHY)[1]
    next(reading)
    with desk.locker.ledger.reading() as view:
        assert view.head(form.id).n == 1  # type: ignore[union-attr]


def test_who_may_not_collect_may_not_derive(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "chat.txt", CHAT)
    own, person = desks.add_person(desk, tmp_path / "keys" / "r")
    custodians.grant(desk, person, case, rights=("read",), classes=("object", "record"))
    reader = desks.sit_down(desk, own)
    with pytest.raises(NoRight):
        rederive.derive_item(reader, rows(desk)[0], WISH, desks.WHY)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (messages.Filter(), [1, 2, 3]),
        (messages.Filter(sender="ben"), [2]),
        (messages.Filter(text="HELLO"), [1]),
        (messages.Filter(numbers=(3,)), [3]),
        (messages.Filter(since="2022-01-02"), [1, 2, 3]),
        (messages.Filter(until="2022-01-01"), []),
        (messages.Filter(until="2022-01-02"), [1, 2, 3]),
        (messages.Filter(since="2022-01-03"), []),
    ],
)
def test_filters(desk: Desk, case: str, tmp_path: Path, wanted: messages.Filter, numbers: list[int]) -> None:
    take(desk, case, tmp_path, "chat.txt", CHAT)
    found = records(desk, rows(desk)[0])
    names = {"Anna": "Anna", "Ben": "Ben"}
    said = [one for one in found if one["record"] == "message"]
    assert [one["sequence"] for one in said if wanted.takes(one, names)] == numbers


# With the real readers

MAIL = b"""From: Anna <anna@example.org>\r
To: Ben <ben@example.org>\r
Date: Wed, 02 Mar 2022 10:11:12 +0100\r
Message-ID: <1@example.org>\r
Subject: made up\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
See the picture.\r
--b\r
Content-Type: image/jpeg; name="a.jpg"\r
Content-Disposition: attachment; filename="a.jpg"\r
Content-Transfer-Encoding: base64\r
\r
/9j/4CBtYWRlIHVwLCBub3QgYSBwaWN0dXJl\r
--b--\r
"""


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "READERS", REAL)


@pytest.mark.usefixtures("real")
def test_a_mail_s_attachment_becomes_an_item_that_its_message_names(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    take(desk, case, tmp_path, "a.eml", MAIL)
    parent, _, picture = rows(desk)
    assert (picture.label, picture.parent) == ("A-1/01.2", parent.id)
    assert content(desk, picture) == JPEG
    (said,) = (one for one in records(desk, parent) if one["record"] == "message")
    (one,) = said["attachments"]  # type: ignore[misc]
    assert one["item"] == picture.id  # type: ignore[index]
    assert one["declared"]["size"] == len(JPEG)  # type: ignore[index]
    assert said["time"]["utc"] == "2022-03-02T09:11:12Z"  # type: ignore[index]
    fresh = desks.sit_down(desk)
    again = rederive.derive_item(fresh, parent, WISH, desks.WHY, with_seal=False)
    assert again.labels == ("A-1/01.3",)
    assert not [
        one for one in check.check(desk.locker, desk=desk, deep=True).findings if one.outcome == "failed"
    ]


WHATSAPP = (
    b"27/03/2022, 21:41 - Messages and calls are end-to-end encrypted.\n"
    b"27/03/2022, 21:42 - Anna Example: IMG-20220327-WA0001.jpg (file attached)\n"
    b"the ticket\n"
    b"28/03/2022, 07:00 - Ben Example: ok\n"
)


@pytest.mark.usefixtures("real")
def test_a_whatsapp_zip_is_one_item_with_its_media_linked(desk: Desk, case: str, tmp_path: Path) -> None:
    data = zipped(("WhatsApp Chat with Ben.txt", WHATSAPP), ("IMG-20220327-WA0001.jpg", JPEG))
    done = take(desk, case, tmp_path, "of Ben.zip", data)
    parent, form, picture = rows(desk)
    (made,) = (item.derived for item in done.items)
    assert isinstance(made, Derived)
    assert made.chat is not None
    assert (made.chat.reader.name, made.chat.summary.messages, made.chat.summary.events) == (
        "whatsapp-text",
        2,
        1,
    )
    assert made.chat.summary.whole
    found = [one for one in records(desk, parent) if one["record"] == "message"]
    assert found[1]["attachments"][0]["item"] == picture.id  # type: ignore[index]
    stated = rederive.derive_item(
        desks.sit_down(desk),
        parent,
        Wish(settings=Settings(time_zone="Europe/Vienna")),
        desks.WHY,
        with_seal=False,
    )
    assert stated.labels == ("A-1/01.3",)
    newest = desks.sit_down(desk).locker.work.items()[-1]
    last = [one for one in records(desk, newest) if one["record"] == "message"][-1]
    assert last["time"]["utc"] == "2022-03-28T05:00:00Z"  # type: ignore[index]
    assert b"of Ben" not in content(desk, form)


@pytest.mark.parametrize(
    ("media_type", "name", "looked_at"),
    [
        ("application/octet-stream", b"a.bin", False),
        ("image/jpeg", b"IMG.jpg", False),
        ("application/octet-stream", b"backup.mbox", True),
        ("text/plain", b"no ending", True),
        ("application/zip", b"x", True),
    ],
)
def test_what_is_worth_a_look(media_type: str, name: bytes, looked_at: bool) -> None:
    """Ten thousand files without a known type must not cost ten thousand looks."""
    assert derive.may_be_read(media_type, name) == looked_at
