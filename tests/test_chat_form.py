"""The written form of a chat: what a reader gives is counted, covered and committed, whatever the reader does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

import pytest

from custody.crypto import salts
from custody.evidence.chat import times
from custody.evidence.chat.model import Conversation, Message, Participant, Record, Time
from custody.evidence.chat.normalise import Normalised, Summary
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export
from custody.evidence.reading import Detected, Range, Settings
from custody.format import merkle, messages
from tests.chats import harness

EXPORT = Export.of("a.txt", b"one\ntwo\n\nthree\n")
CHAT = Conversation("c1", None, "none", "unknown", "test")


def line(start: int, end: int, **fields: object) -> Message:
    raw = EXPORT.members[0].open().read(start, end)
    return Message(0, start, end, raw, "c1", **{"text": raw.decode().strip(), **fields})  # type: ignore[arg-type]


def reader(*records: Record, error: Exception | None = None) -> Reader:
    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        yield from records
        if error is not None:
            raise error

    return Reader(name="test", version=1, title="Test", zone="none", detect=lambda _: None, read=read)


def form(
    one: Reader, salt: Callable[[int], bytes] = harness.fixed_salts
) -> tuple[list[dict[str, object]], Summary]:
    normalised = Normalised(
        EXPORT, one, Detected(score=100, reasons=()), Settings(), item=harness.ITEM, salts=salt
    )
    records = [json.loads(text) for text in normalised.lines()]
    return records, normalised.summary


WHOLE = (CHAT, line(0, 4), line(4, 8), Range(0, 8, 9, "blank"), line(9, 15))


def test_all_bytes_are_named() -> None:
    _, summary = form(reader(*WHOLE))
    assert summary.whole
    assert summary.messages == 3
    assert summary.covered[0].ranges == {"blank": 1, "message": 14}


def test_what_a_reader_passes_over_is_told() -> None:
    records, summary = form(reader(CHAT, line(0, 4), line(9, 15)))
    assert not summary.whole
    assert summary.covered[0].uncovered == 5
    assert {"record": "range", "what": "uncovered", "source": {"member": 0, "start": 4, "end": 9}} in records
    assert summary.notices == {"uncovered_bytes": 1}


def test_the_item_s_own_file_name_is_not_in_the_form() -> None:
    """It stands in the item's name part, which a package may withhold."""
    titled = Conversation("c1", "a", "file_name", "unknown", "test")
    records, _ = form(reader(titled, *WHOLE[1:]))
    assert "a.txt" not in json.dumps(records)
    assert next(one for one in records if one["record"] == "conversation").get("title") is None
    inside = harness.members(("a.txt", b"one\ntwo\n\nthree\n"), name="of Anna.zip")
    for title, kept in (("a", True), ("of Anna", False)):
        one = reader(Conversation("c1", title, "file_name", "unknown", "test"), *WHOLE[1:])
        made = Normalised(
            inside,
            one,
            Detected(score=100, reasons=()),
            Settings(),
            item=harness.ITEM,
            salts=harness.fixed_salts,
        )
        lines = b"".join(made.lines())
        assert b"Anna" not in lines
        assert (b'"title":"a"' in lines) == kept


def test_what_a_reader_leaves_at_the_end_is_told() -> None:
    _, summary = form(reader(CHAT, line(0, 4)))
    assert summary.covered[0].uncovered == 11


@pytest.mark.parametrize("twice", [line(2, 6), line(9, 99)])
def test_ranges_that_overlap_or_run_out_are_told(twice: Message) -> None:
    _, summary = form(reader(CHAT, line(0, 4), twice))
    assert not summary.whole
    assert summary.covered[0].overlaps == 1


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RecursionError()])
def test_a_fault_in_a_reader_keeps_what_was_read_and_is_told(error: Exception) -> None:
    records, summary = form(reader(CHAT, line(0, 4), error=error))
    assert summary.messages == 1
    assert summary.notices["broken_off"] == 1
    assert records[-1]["record"] == "account"
    assert not summary.whole


def test_half_a_character_is_replaced_and_flagged() -> None:
    records, _ = form(reader(CHAT, line(0, 4, text="a\ud83d"), *WHOLE[2:]))
    (first, *_) = [one for one in records if one["record"] == "message"]
    assert first["text"] == "a\ufffd"
    records, summary = form(reader(CHAT, line(0, 4, extra={"a": "b\udc00"}), *WHOLE[2:]))
    (first, *_) = [one for one in records if one["record"] == "message"]
    assert first["extra"] == {"a": "b\ufffd"}
    assert summary.whole
    assert first["flags"] == ["broken_characters"]


def test_a_message_can_be_shown_alone() -> None:
    key, origin = bytes(32), "custody/aaaaaaaaaaaaaaaaaaaaaaaaaa"
    salt = salts.message_salts(key, origin, harness.ITEM, messages.SALTS)
    records, summary = form(
        reader(
            CHAT,
            Participant("p1", "A"),
            line(0, 4, sender="p1", time=Time("1", local="2020-01-01T00:00:00")),
            *WHOLE[2:],
        ),
        salt,
    )
    first = next(one for one in records if one["record"] == "message")
    fields = {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        for name, value in first.items()
        if name in messages.FIELDS or name in messages.DETAILS
    }
    leaves = [messages.leaf(0, 0, 0, 4, salt(0), {**fields, "source": b"one\n"})]
    for at, one in enumerate((WHOLE[2], WHOLE[4]), 1):
        assert isinstance(one, Message)
        own = {
            "conversation": b'"c1"',
            "kind": b'"text"',
            "text": json.dumps(one.text).encode(),
            "source": one.raw,
        }
        leaves.append(messages.leaf(at, 0, one.start, one.end, salt(at), own))
    root = merkle.node_hash(merkle.node_hash(leaves[0], leaves[1]), leaves[2])
    assert summary.root == root


def test_every_field_counts() -> None:
    names = [*(set(messages.FIELDS) - {"details"}), *messages.DETAILS]
    fields = {name: f'"{name}"'.encode() for name in names}
    salt = harness.fixed_salts(0)
    whole = messages.leaf(0, 0, 0, 4, salt, fields)
    seen = {whole}
    for name in names:
        seen.add(messages.leaf(0, 0, 0, 4, salt, {**fields, name: b"null"}))
    seen |= {
        messages.leaf(1, 0, 0, 4, salt, fields),
        messages.leaf(0, 1, 0, 4, salt, fields),
        messages.leaf(0, 0, 1, 4, salt, fields),
        messages.leaf(0, 0, 0, 5, salt, fields),
        messages.leaf(0, 0, 0, 4, bytes(messages.SALTS), fields),
    }
    assert len(seen) == 1 + len(names) + 5


def test_salts_differ_by_message_item_and_key() -> None:
    one = salts.message_salts(bytes(32), "custody/a", "i", 64)
    assert len(one(0)) == 64
    others = [
        one(1),
        salts.message_salts(bytes(32), "custody/a", "j", 64)(0),
        salts.message_salts(bytes(32), "custody/b", "i", 64)(0),
        salts.message_salts(bytes(31) + b"1", "custody/a", "i", 64)(0),
    ]
    assert len({one(0), *others}) == 5
    assert one(0) == one(0)
    assert hashlib.sha256(one(0)).digest() != bytes(32)


def test_zone_stated_gives_an_instant_and_doubled_hours_give_none() -> None:
    vienna = times.zone("Europe/Vienna")
    assert (
        times.in_zone("x", times.local_time(2022, 7, 1, 12, 0, 5), "second", vienna).utc
        == "2022-07-01T10:00:05Z"
    )
    doubled = times.in_zone("x", times.local_time(2022, 10, 30, 2, 30), "minute", vienna)
    assert doubled.utc is None
    assert [one.utc for one in doubled.readings] == ["2022-10-30T00:30:00Z", "2022-10-30T01:30:00Z"]
    gap = times.in_zone("x", times.local_time(2022, 3, 27, 2, 30), "minute", vienna)
    assert (gap.utc, gap.note, gap.readings) == (None, "gap", ())
    unknown = times.in_zone("x", times.local_time(2022, 7, 1, 12), "minute", None)
    assert (unknown.utc, unknown.local, unknown.basis) == (None, "2022-07-01T12:00:00", "unknown")


@pytest.mark.parametrize(
    ("count", "unit", "utc"),
    [
        (0, "s", "1970-01-01T00:00:00Z"),
        (1_600_000_000_123, "ms", "2020-09-13T12:26:40.123Z"),
        (-1, "us", "1969-12-31T23:59:59.999999Z"),
        (10**15, "s", None),
        (-(10**18), "ms", None),
    ],
)
def test_counts_since_1970(count: int, unit: str, utc: str | None) -> None:
    assert times.since_1970(count, unit, text=str(count)).utc == utc


def test_details_are_one_object_of_what_the_message_has() -> None:
    salt = harness.fixed_salts(0)
    at = messages.FIELDS.index("details") * messages.SALT
    shown = hashlib.sha256(salt[at : at + messages.SALT] + b'{"flags":["a"],"place":"line 1"}').digest()
    hashes = [
        shown if name == "details" else hashlib.sha256(salt[32 * n : 32 * n + 32] + b"null").digest()
        for n, name in enumerate(messages.FIELDS)
    ]
    head = (0).to_bytes(8, "big") + (0).to_bytes(4, "big") + (0).to_bytes(8, "big") + (4).to_bytes(8, "big")
    leaf = hashlib.sha256(b"\0custody/1 message\0" + head + b"".join(hashes)).digest()
    assert messages.leaf(0, 0, 0, 4, salt, {"place": b'"line 1"', "flags": b'["a"]'}) == leaf


def test_all_fields_of_a_message_stand_in_the_leaf() -> None:
    outer = {"member", "start", "end", "raw"}
    assert set(Message._fields) - outer | {"source", "details"} == {*messages.FIELDS, *messages.DETAILS}
