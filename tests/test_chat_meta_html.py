"""The reader meta-html, beyond what its cases say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.chat import meta_html, registry
from custody.evidence.export import Export
from custody.evidence.reading import Settings
from tests.chats import harness, mutations

READER = meta_html.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(meta_html, case, monkeypatch)


def test_sample(samples: Path) -> None:
    # Counted by hand: three messages; no zone in the file.
    path = samples / "chats/messenger/html_simple/inbox/alice_ABC123/message_1.html"
    read = harness.run(READER, Export.of(path.name, path.read_bytes()))
    found = [(one["sender_text"], one["text"], one["time"]["local"]) for one in read.messages]
    assert found == [
        ("Test User", "Hello", "2020-09-13T12:26:00"),
        ("Alice Example", "café time?", "2020-09-13T12:27:00"),
        ("Test User", "See you soon", "2020-09-13T12:28:00"),
    ]
    assert all("utc" not in one["time"] and one["time"]["basis"] == "unknown" for one in read.messages)
    assert read.summary.open_questions == ("zone",)
    assert read.summary.unread == 0


def test_sample_with_a_stated_zone(samples: Path) -> None:
    path = samples / "chats/messenger/html_simple/inbox/alice_ABC123/message_1.html"
    read = harness.run(READER, Export.of(path.name, path.read_bytes()), Settings(time_zone="America/Chicago"))
    # The JSON of the same thread, also a sample, says 2020-09-13T12:26:40Z: this HTML was written in UTC.
    assert read.messages[0]["time"]["utc"] == "2020-09-13T17:26:00Z"


def test_json_of_the_same_thread_leads() -> None:
    page = (harness.CASES / "meta-html/numbers_open/message_1.html").read_bytes()
    data = (harness.CASES / "meta-json/latin_letters/message_1.json").read_bytes()
    both = harness.members(("inbox/a_1/message_1.html", page), ("inbox/a_1/message_1.json", data))
    chosen = registry.choose(both)
    assert chosen is not None
    assert chosen[0].name == "meta-json"


def test_a_page_that_is_no_export_is_not_claimed() -> None:
    page = b"<html><body><p>Sep 13, 2020, 12:26 PM</p></body></html>"
    assert READER.detect(Export.of("message_1.html", page)) is None


def test_the_own_name_of_a_single_file_is_not_told() -> None:
    page = (harness.CASES / "meta-html/numbers_open/message_1.html").read_bytes()
    read = harness.run(READER, Export.of("secret-name.html", page))
    assert not any(b"secret-name" in line for line in read.lines)
