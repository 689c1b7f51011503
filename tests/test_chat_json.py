"""Telegram, Signal and Discord: published samples, messages cut out alone, secrets, and bytes that were changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.evidence.chat import discord_json, json_text, registry, signal_jsonl, telegram_json
from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export
from custody.evidence.reading import Detected, Settings
from tests.chats import harness

REPO = Path(__file__).resolve().parent.parent
SAMPLES = Path(os.environ.get("CUSTODY_SAMPLES", REPO.parent / "shared" / "samples")) / "chats"
READERS = (telegram_json.READER, signal_jsonl.READER, discord_json.READER)
WRAPS = {"telegram-json": b'{"messages":[%s]}', "discord-json": b'{"messages":[%s]}', "signal-jsonl": b"%s"}
OF_THE_PLACE = ("id", "sequence", "source", "place", "conversation")


def sample(*parts: str) -> Path:
    path = SAMPLES.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"the shared sample {'/'.join(parts)} is not on this machine (CUSTODY_SAMPLES)")
    return path


def read(path: Path, reader: Reader) -> harness.Read:
    export = Export.of(path.name, path.read_bytes())
    chosen = registry.choose(export)
    assert chosen is not None
    assert chosen[0].name == reader.name
    return harness.run(reader, export)


@pytest.mark.parametrize(
    ("name", "messages", "chats", "times"),
    [
        ("single_chat_minimal.json", 2, 1, ["2018-12-05T10:39:10Z", "2018-12-05T10:49:24Z"]),
        ("batch_minimal.json", 2, 1, ["2018-12-05T10:39:10Z", "2018-12-05T10:49:24Z"]),
    ],
)
def test_telegram_samples_with_utc(name: str, messages: int, chats: int, times: list[str]) -> None:
    found = read(sample("telegram", name), telegram_json.READER)
    assert (found.summary.messages, found.summary.conversations) == (messages, chats)
    assert [one["time"]["utc"] for one in found.messages] == times
    assert [one["text"] for one in found.messages] == ["Minimal Message", "Link:https://telegram.org/"]
    assert found.summary.open_questions == ()


@pytest.mark.parametrize(
    ("name", "messages", "chats"), [("single_chat_old_no_unixtime.json", 7, 1), ("batch_persian.json", 7, 2)]
)
def test_telegram_samples_without_a_zone(name: str, messages: int, chats: int) -> None:
    path = sample("telegram", name)
    found = read(path, telegram_json.READER)
    assert (found.summary.messages, found.summary.conversations) == (messages, chats)
    assert found.summary.open_questions == ("zone",)
    assert all("utc" not in one["time"] and "local" in one["time"] for one in found.messages)
    stated = harness.run(
        telegram_json.READER, Export.of(name, path.read_bytes()), Settings(time_zone="Asia/Tehran")
    )
    assert stated.messages[0]["time"]["utc"] == "2024-01-15T07:00:00Z"


def test_discord_sample() -> None:
    found = read(sample("discord", "channel.json"), discord_json.READER)
    assert (found.summary.messages, found.summary.declared) == (7, 7)
    assert found.messages[0]["time"]["utc"] == "2024-01-15T10:30:00Z"
    assert found.messages[4]["reply_to"] == {"native_id": "1004"}
    assert found.messages[6]["times"]["edited"]["utc"] == "2024-03-10T09:20:00Z"
    # Its numbers are made up: they are too small to hold a time.
    assert {tuple(one["flags"]) for one in found.messages} == {("id_without_time",)}


def _files() -> Iterator[tuple[Reader, Path]]:
    for reader in READERS:
        for expected in sorted((harness.CASES / reader.name).glob("*/expected.json")):
            for path in sorted(expected.parent.rglob("*.json*")):
                if (
                    path.is_file()
                    and path != expected
                    and path.name not in ("metadata.json", "channel.json", "index.json")
                ):
                    yield reader, path


FILES = list(_files())


@pytest.mark.parametrize(
    ("reader", "path"), FILES, ids=[f"{reader.name}/{path.parent.name}/{path.name}" for reader, path in FILES]
)
def test_a_message_cut_out_of_its_file_is_the_same_message(reader: Reader, path: Path) -> None:
    data = path.read_bytes()
    packed = path.name == "messages.json"
    whole = harness.run(reader, Export.of(path.name, data), detected=Detected(score=1, reasons=()))
    wrap = b"[%s]" if packed else WRAPS[reader.name]
    # What the whole file decided goes with the slice: who exported it, and the offset that its clock showed.
    lead = b""
    if b'"personal_information"' in data:
        lead = b'"personal_information":{"user_id":1},'
    for one in whole.messages:
        cut = data[one["source"]["start"] : one["source"]["end"]]
        alone = wrap % cut if not lead else b"{" + lead + (wrap % cut)[1:]
        found = harness.run(reader, Export.of(path.name, alone), detected=Detected(score=1, reasons=()))
        (again,) = found.messages
        for name in {*one, *again} - set(OF_THE_PLACE):
            left, right = one.get(name), again.get(name)
            if name == "time" and left is not None:
                left, right = ({**value, "readings": None} for value in (left, right))
            assert left == right, (name, left, right)


def test_signal_secrets_never_enter_the_form() -> None:
    for folder in ("export", "cut-off"):
        export, _ = harness.load(harness.CASES / "signal-jsonl" / folder)
        lines = b"".join(harness.run(signal_jsonl.READER, export).lines)
        assert b"U0VDUkVU" not in lines
        assert b"secretNote" not in lines


SECRET_FRAMES = st.recursive(
    st.just("U0VDUkVU"),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2),
        st.dictionaries(
            st.sampled_from(["key", "profileKey", "masterKey", "svrPin", "inviteLinkPassword"]),
            inner,
            min_size=1,
        ),
    ),
    max_leaves=4,
)


@given(
    SECRET_FRAMES.filter(lambda value: isinstance(value, dict)),
    st.sampled_from(["standardMessage", "poll", "x"]),
)
def test_no_depth_hides_a_secret(secret: dict[str, Any], item: str) -> None:
    frame = {
        "chatItem": {
            "chatId": "1",
            "authorId": "1",
            "dateSent": "1",
            item: {"a": [secret], **secret},
            **secret,
        }
    }
    data = b'{"backupTimeMs":"1"}\n' + json.dumps(frame).encode() + b"\n"
    found = harness.run(
        signal_jsonl.READER, Export.of("main.jsonl", data), detected=Detected(score=1, reasons=())
    )
    assert len(found.messages) == 1
    assert b"U0VDUkVU" not in b"".join(found.lines)


CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [b'"', b"{", b"}", b"[", b"]", b"\\", b"\\ud800", b"null", b"[[", b"-1", b"1e9", b"\n"]
            ),
            st.tuples(st.floats(0, 1), st.integers(1, 200)),
        ),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changed_bytes_are_never_lost_and_never_break_the_reader(reader: Reader, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([path for one, path in FILES if one is reader]))
    changed = file.read_bytes()
    original = changed
    for where, cut, new in data.draw(CHANGES):
        at = int(where * len(changed))
        if isinstance(new, tuple):
            begin = int(new[0] * len(original))
            new = original[begin : begin + new[1]]
        changed = changed[:at] + new + changed[at + cut :]
    export = Export.of(file.name, changed)
    form = Normalised(
        export,
        reader,
        Detected(score=1, reasons=()),
        Settings(),
        item=harness.ITEM,
        salts=harness.fixed_salts,
    )
    lines = list(form.lines())
    assert form.summary.whole
    assert "broken_off" not in form.summary.notices, lines


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ),
    data=st.data(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_in_any_field_is_read(reader: Reader, value: Any, data: st.DataObject) -> None:
    """Each field of each message of the cases, with something that does not belong there."""
    file = data.draw(st.sampled_from([path for one, path in FILES if one is reader]))
    chosen: list[tuple[dict[str, Any], str]] = []

    def collect(one: Any) -> None:
        if isinstance(one, dict):
            for key in one:
                chosen.append((one, key))
                collect(one[key])
        elif isinstance(one, list):
            for inner in one:
                collect(inner)

    rows = []
    for row in file.read_bytes().splitlines() if reader is signal_jsonl.READER else [file.read_bytes()]:
        found, flags = json_text.load_bytes(row)
        if found is not None and "not_json" not in flags:
            rows.append(found)
    for row in rows:
        collect(row)
    if not chosen:
        return
    holder, key = data.draw(st.sampled_from(chosen))
    holder[key] = value
    changed = b"\n".join(json.dumps(row).encode() for row in rows) + b"\n"
    form = Normalised(
        Export.of(file.name, changed),
        reader,
        Detected(score=1, reasons=()),
        Settings(),
        item=harness.ITEM,
        salts=harness.fixed_salts,
    )
    lines = list(form.lines())
    assert form.summary.whole
    assert "broken_off" not in form.summary.notices, lines[-5:]
    for line in lines:
        harness.RECORD.validate(json.loads(line))
