"""The reader meta-return, beyond what its cases say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence import export
from custody.evidence.chat import meta_return
from custody.evidence.export import Export
from tests.chats import harness, mutations

READER = meta_return.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(meta_return, case, monkeypatch)


@pytest.mark.parametrize("window", [2_500, 4_096, 9_999])
def test_the_form_is_the_same_in_any_window(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for made, detected, stated in mutations.cases(READER):
        whole = [one for one in READER.read(made, detected, stated) if type(one).__name__ == "Message"]
        monkeypatch.setattr(export, "WINDOW", window)
        assert [
            one for one in READER.read(made, detected, stated) if type(one).__name__ == "Message"
        ] == whole
        monkeypatch.undo()


def test_a_message_that_is_too_long_is_kept_and_the_next_is_read() -> None:
    page = (harness.CASES / "meta-return/tables/index.html").read_bytes()
    data = page.replace(b"old form", b"x" * 20_000_000)
    start = time.thread_time()
    read = harness.run(READER, Export.of("index.html", data))
    assert time.thread_time() - start < 30
    assert [one["text"] for one in read.messages] == ["two"]
    assert read.summary.notices == {"message_too_long": 1}
