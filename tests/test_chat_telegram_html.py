"""The reader telegram-html, beyond what its cases say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.chat import telegram_html
from tests.chats import harness, mutations

READER = telegram_html.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(telegram_html, case, monkeypatch)


def test_files_of_a_chat_are_read_by_number() -> None:
    page = (harness.CASES / "telegram-html/without_offset/messages.html").read_bytes()
    names = ("a/messages10.html", "a/messages2.html", "a/messages.html", "b/messages.html")
    read = harness.run(READER, harness.members(*((name, page) for name in names)))
    assert [one["source"]["member"] for one in read.messages] == [2, 1, 0, 3]
    assert [one["id"] for one in read.of("conversation")] == ["a", "b"]


def test_a_sender_is_inherited_across_files() -> None:
    page = (harness.CASES / "telegram-html/without_offset/messages.html").read_bytes()
    joined = page.replace(b'clearfix"', b'clearfix joined"').replace(
        b'<div class="from_name">Deleted Account</div>', b""
    )
    read = harness.run(READER, harness.members(("messages.html", page), ("messages2.html", joined)))
    assert [one["sender"] for one in read.messages] == ["name:Deleted Account"] * 2
