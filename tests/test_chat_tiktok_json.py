"""The reader tiktok-json, beyond what its cases say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.chat import tiktok_json
from tests.chats import mutations

READER = tiktok_json.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(tiktok_json, case, monkeypatch)
