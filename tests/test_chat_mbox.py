"""Mailboxes: where a mail begins, the sample, each mail read alone, changed bytes."""

from __future__ import annotations

import mailbox
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from custody.evidence.chat.mail import mbox
from custody.evidence.export import Export
from custody.evidence.reading import Settings
from tests.chats import harness, hold

SAMPLES = Path(os.environ.get("CUSTODY_SAMPLES", Path(__file__).parent.parent.parent / "shared" / "samples"))
MAIL = b"From a@example.org Tue Mar  5 10:00:00 2024\nFrom: a@example.org\nSubject: made up\n\nx\n\n"


def test_sample() -> None:
    path = SAMPLES / "chats" / "email" / "six_messages.mbox"
    if not path.exists():
        pytest.skip("the samples are not here (CUSTODY_SAMPLES)")
    export = Export.of(path.name, path.read_bytes())
    read = harness.run(mbox.READER, export)
    assert path.read_bytes().count(b"\nMessage-ID:") == len(read.messages) == 6
    assert [one["native_id"] for one in read.messages] == [f"<msg00{n}@example.com>" for n in range(1, 7)]
    assert [one["time"]["utc"] for one in read.messages] == [f"2025-03-29T{h}:00:00Z" for h in range(10, 16)]
    assert read.summary.attachments == {"present": 1}
    assert read.messages[4]["extra"]["subject"] == "Réservation confirmée — Zürich → Genève"
    assert read.messages[5]["flags"] == ["html_to_text"]
    for one in read.messages:
        assert hold.without_place(hold.alone(mbox.READER, export, one, Settings())) == hold.without_place(one)


@pytest.mark.parametrize(("name", "export", "stated"), hold.cases(mbox.READER), ids=lambda one: str(one)[:20])
def test_a_mail_read_alone_is_the_same_mail(name: str, export: Export, stated: Settings) -> None:
    for one in harness.run(mbox.READER, export, stated).messages:
        assert hold.without_place(hold.alone(mbox.READER, export, one, stated)) == hold.without_place(one)


def test_what_the_standard_library_splits_is_not_split(tmp_path: Path) -> None:
    data = MAIL.replace(b"x\n", b"x\nFrom the window I saw nothing.\n") * 2
    (tmp_path / "a").write_bytes(data)
    box = mailbox.mbox(tmp_path / "a")
    assert len(box) == 4
    box.close()
    read = harness.run(mbox.READER, Export.of("a.mbox", data))
    assert len(read.messages) == 2
    assert read.summary.notices == {"from_line_not_split": 2}


def test_no_from_line_is_missed_at_a_window_border(monkeypatch: pytest.MonkeyPatch) -> None:
    export = Export.of("a.mbox", MAIL * 20)
    before = harness.run(mbox.READER, export).lines
    for size in range(len(MAIL), len(MAIL) + 8):
        monkeypatch.setattr(mbox, "WINDOW", size)
        assert harness.run(mbox.READER, export).lines == before
    assert len([line for line in before if b'"record":"message"' in line]) == 20


def test_no_mail_begins_without_an_empty_line_before() -> None:
    data = MAIL + MAIL.rstrip(b"\n") + b"\n" + MAIL
    read = harness.run(mbox.READER, Export.of("a.mbox", data))
    assert [one.get("flags") for one in read.messages] == [["no_date"], ["from_line_not_split", "no_date"]]


def test_a_mail_too_long_to_hold_has_the_digest_of_its_own_bytes() -> None:
    long = MAIL.replace(b"x\n", b"a line of text\n" * 100_000)
    read = harness.run(
        mbox.READER, Export.of("a.mbox", MAIL + long + MAIL)
    )  # holds each range against its digest
    assert read.messages[1]["source"]["end"] - read.messages[1]["source"]["start"] > 1 << 20


def test_a_length_beyond_the_file_is_not_believed() -> None:
    data = MAIL.replace(b"\n\nx", b"\nContent-Length: 999999\n\nx") + MAIL
    assert len(harness.run(mbox.READER, Export.of("a.mbox", data)).messages) == 2


def test_attachments_are_numbered_over_all_mailboxes() -> None:
    one = MAIL.replace(b"\n\nx\n", b"\nContent-Type: image/png; name=a.png\n\nx\n")
    export = harness.members(("a.mbox", MAIL + one), ("b.mbox", one))
    detected = mbox.READER.detect(export)
    assert detected is not None
    assert mbox.READER.attached is not None
    found = list(mbox.READER.attached(export, detected, Settings()))
    assert [(file.message, file.index, b"".join(file.pieces())) for file in found] == [
        (2, 0, b"x\n"),
        (3, 0, b"x\n"),
    ]


@pytest.mark.parametrize(
    "data", [MAIL + b"From \n" * 300_000, MAIL + b"\n\nFrom 1:00 2024\n" * 50_000, MAIL * 3_000]
)
def test_hostile_mailboxes_are_read_in_bounded_time(data: bytes) -> None:
    start = time.thread_time()
    hold.whole(mbox.READER, Export.of("a.mbox", data), Settings())
    assert time.thread_time() - start < 30


SEEDS = [export.members[0].open().read(0, 1 << 20) for _, export, _ in hold.cases(mbox.READER)]


@given(hold.changed(SEEDS))
@settings(max_examples=100, deadline=None)
def test_changed_mailboxes_lose_nothing(data: bytes) -> None:
    export = Export.of("a.mbox", data)
    hold.whole(mbox.READER, export, Settings())
    for one in harness.run(mbox.READER, export, Settings(), hold.Detected(score=0, reasons=())).messages:
        assert hold.without_place(hold.alone(mbox.READER, export, one, Settings())) == hold.without_place(one)
