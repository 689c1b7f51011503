"""The reader tiktok-json, beyond what its cases say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.chat import tiktok_json
from custody.evidence.export import Export
from custody.evidence.reading import Settings
from custody.evidence.records import registry
from tests.chats import harness, mutations
from tests.records import harness as rows

READER = tiktok_json.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(tiktok_json, case, monkeypatch)


@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
@pytest.mark.parametrize("mark", ["", " UTC"])
def test_logins_and_messages_of_one_file_are_in_one_zone(zone: str | None, mark: str) -> None:
    at = f"2024-07-01 12:00:00{mark}"
    chat = {"Chat History with bob.example:": [{"Date": at, "From": "bob.example", "Content": "made up"}]}
    data = {
        "Activity": {"Login History": {"LoginHistoryList": [{"Date": at, "IP": "203.0.113.5"}]}},
        "Direct Message": {"Direct Messages": {"ChatHistory": chat}},
    }
    export = Export.of("user_data.json", json.dumps(data).encode())
    logins = next(one for one in registry.READERS if one.name == "tiktok-logins")
    said = harness.run(READER, export, Settings(time_zone=zone))
    beside = rows.run(logins, export, Settings(time_zone=zone))
    assert READER.zone == logins.zone
    assert said.messages[0]["time"].get("utc") == beside.rows[0].get("instant")
    assert said.messages[0]["time"].get("local") == beside.rows[0].get("local") or mark
    assert [one for one in said.of("reading") if one["what"] == "zone"] == [
        one for one in beside.of("reading") if one["what"] == "zone"
    ]
    assert ("zone" in said.summary.open_questions) == (zone is None and not mark)
