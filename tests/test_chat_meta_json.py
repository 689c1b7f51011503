"""The reader meta-json, beyond what its cases say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence import export as export_module
from custody.evidence.chat import meta_json, mojibake, registry
from custody.evidence.export import Export, Held, Member
from tests.chats import harness, mutations

READER = meta_json.READER


@settings(max_examples=150)
@given(st.data())
def test_damage_loses_no_byte_and_raises_nothing(data: st.DataObject) -> None:
    mutations.check(READER, data.draw(mutations.damaged(READER)))


def test_a_message_cut_out_and_read_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in mutations.cases(READER):
        mutations.check_alone(meta_json, case, monkeypatch)


def test_samples(samples: Path) -> None:
    # Counted by hand in the files: 3, 3, 4 and 2 messages.
    folder = samples / "chats"
    wanted = {
        "messenger/json_simple/inbox/alice_ABC123/message_1.json": (3, "2020-09-13T12:26:40.000Z"),
        "messenger/json_group/inbox/crew_GRP123/message_1.json": (3, "2020-09-13T12:26:40.000Z"),
        "messenger/e2ee_secure_storage/alice_1.json": (4, "2020-09-13T12:26:40.000Z"),
        "instagram/minimal.json": (2, "2019-12-24T11:23:00.000Z"),
    }
    for name, (count, first) in wanted.items():
        path = folder / name
        read = harness.run(READER, Export.of(path.name, path.read_bytes()))
        assert len(read.messages) == count, name
        assert read.summary.first_time == first, name
        assert {one["time"]["basis"] for one in read.messages} == {"source_utc"}
        assert read.summary.open_questions == ()
        assert read.summary.notices == {}
        chosen = registry.choose(Export.of(path.name, path.read_bytes()))
        assert chosen is not None
        assert chosen[0] is READER


def test_sample_of_broken_text(samples: Path) -> None:
    path = samples / "chats/messenger/json_simple/inbox/alice_ABC123/message_1.json"
    read = harness.run(READER, Export.of(path.name, path.read_bytes()))
    assert [one["text"] for one in read.messages] == ["See you soon", "café time?", "Hello"]
    assert [one.get("repair") for one in read.messages] == [None, "latin1_utf8", None]
    assert [one["emoji"] for one in read.messages[1]["reactions"]] == ["❤", "👍"]


def test_sample_of_a_message_that_was_unsent(samples: Path) -> None:
    path = samples / "chats/messenger/e2ee_secure_storage/alice_1.json"
    read = harness.run(READER, Export.of(path.name, path.read_bytes()))
    assert [one["kind"] for one in read.messages] == ["text", "text", "text", "deleted"]
    assert read.messages[3]["text"] == "oops"


@given(st.text())
def test_what_meta_breaks_is_mended_and_can_be_broken_again(text: str) -> None:
    broken = text.encode("utf-8", "replace").decode("latin-1")
    flags: set[str] = set()
    mended = mojibake.Mending(True).text(broken, flags)
    assert mended.encode().decode("latin-1") == broken
    assert ("mended" in flags) == (not broken.isascii())
    assert mojibake.Mending(False).text(broken, flags) == broken


@given(
    st.lists(
        st.sampled_from(
            (
                r"\u00c3\u00a9",
                r"\u00f0\u009f",
                '"',
                r"\\",
                r"\u00c3",
                r"\n",
                "é",
                "ab",
                r"\\u1234",
                "u00c3",
                "Ж",
            )
        )
    )
)
def test_the_evidence_is_the_same_in_any_window(parts: list[str]) -> None:
    held = Held("".join(parts).encode())
    member = Member(index=0, name="a", size=held.size, open=lambda: held)
    whole = mojibake.evidence(member)
    window = export_module.WINDOW
    try:
        for size in (1, 5, 7):
            export_module.WINDOW = size
            assert mojibake.evidence(member) == whole
    finally:
        export_module.WINDOW = window


def test_a_deep_and_a_long_value_are_kept() -> None:
    deep = (
        b'{"messages":[{"sender_name":"a","timestamp_ms":1,"content":'
        + b"[" * 200_000
        + b"]" * 200_000
        + b"}]}"
    )
    long = (
        b'{"messages":[{"sender_name":"a","timestamp_ms":1,"content":"'
        + b"x" * 20_000_000
        + b'"},{"sender_name":"a","timestamp_ms":2,"content":"ok"}]}'
    )
    for data in (deep, long):
        found = harness.run(READER, Export.of("message_1.json", data))
        assert found.summary.whole
    assert [one.get("text") for one in found.messages][-1:] == ["ok"]
