"""Records in a locker: both forms of one item, rows of an item and of a case, what is logged, what is refused."""

from __future__ import annotations

import dataclasses
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.errors import InputRefused, MachineError, NoRight, UsageError
from custody.evidence.chat import registry as chats
from custody.evidence.chat.model import Conversation, Message
from custody.evidence.chat.model import Record as ChatRecord
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.times import local_time
from custody.evidence.export import Export
from custody.evidence.network.ip import ip_reference, seen_address
from custody.evidence.reading import Decided, Detected, Range, Settings
from custody.evidence.records import registry
from custody.evidence.records.form import MEDIA_TYPE
from custody.evidence.records.lines import lines
from custody.evidence.records.model import Record, Row
from custody.evidence.records.moments import moment
from custody.evidence.records.reader import RecordReader
from custody.evidence.records.wanted import Filter
from custody.procedure import access, cases, collect, custodians, messages, records, rederive, typed
from custody.procedure.derive import Derived, NotRead, Wish
from custody.procedure.locker import Desk
from tests import desks

LOG = b"TOY LOG\n192.0.2.7:4711 20:14:05 anna\n10.0.0.1 20:14:04 ben\nnot a row\n198.51.100.9 --:--:-- anna\n"
LINE = re.compile(rb"(\S+) (\d\d):(\d\d):(\d\d) (\w+)\n")
UNDATED = re.compile(rb"(\S+) --:--:-- (\w+)\n")


def read_log(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    yield Decided("zone", None, "open", ("no zone in it",))
    for number, (start, line) in enumerate(lines(export.members[0]), 1):
        assert isinstance(line, bytes)
        place = {"start": start, "end": start + len(line), "raw": line, "place": number}
        if number == 1:
            yield Range(0, start, start + len(line), "header")
        elif found := LINE.fullmatch(line):
            stamp = local_time(2026, 3, 3, *map(int, found.group(2, 3, 4)))
            yield Row(
                0, kind="ip", address=seen_address(found[1].decode()), when=moment("t", stamp, minutes=0),
                values={"account": found[5].decode(), "event": "login"}, **place,
            )  # type: ignore[arg-type]  # fmt: skip
        elif found := UNDATED.fullmatch(line):
            address = seen_address(found[1].decode())
            yield Row(0, kind="ip", address=address, values={"account": found[2].decode()}, **place)  # type: ignore[arg-type]
        else:
            yield Row(0, kind="unknown", **place)  # type: ignore[arg-type]


def detect_log(export: Export) -> Detected | None:
    if export.members[0].head(8) in (b"TOY LOG\n", b"TOY TWO\n"):
        return Detected(score=95, reasons=("it begins so",))
    return None


def read_chat(export: Export, detected: Detected, settings: Settings) -> Iterator[ChatRecord]:
    data = export.members[0].open()
    yield Conversation("c", "Toy", "export", "direct", "toy")
    yield Message(0, 0, data.size, data.read(0, data.size), "c", text="all of it")


def detect_two(export: Export) -> Detected | None:
    return Detected(score=95, reasons=("both",)) if export.members[0].head(8) == b"TOY TWO\n" else None


def detect_picture(export: Export) -> Detected | None:
    return (
        Detected(score=95, reasons=("a picture",)) if export.members[0].head(3) == b"\xff\xd8\xff" else None
    )


def read_picture(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    data = export.members[0].open()
    yield Row(
        0, 0, data.size, data.read(0, data.size), "picture", values={"handling": list(settings.handling)}
    )


TOY = RecordReader(
    name="toy-log", version=2, title="Toy log", recorder="server_log", zone="none", detect=detect_log, read=read_log,
    asks=("time_zone",),
)  # fmt: skip
PICTURE = RecordReader(
    name="toy-picture", version=1, title="Toy picture", recorder="device", zone="none", detect=detect_picture,
    read=read_picture, shows_raw=False, on_asking=True,
)  # fmt: skip
CHAT = Reader(name="toy-chat", version=1, title="Toy chat", zone="none", detect=detect_two, read=read_chat)
WISH = Wish()


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "READERS", (TOY, PICTURE))
    monkeypatch.setattr(chats, "READERS", (CHAT,))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def take(desk: Desk, case: str, folder: Path, name: str, data: bytes, **options: object) -> collect.Collected:
    options.setdefault("derive", WISH)
    return desks.take_in(desk, case, desks.put(folder / name, {name: data}), **options)


def rows(desk: Desk, at: int = 0) -> list[dict[str, Any]]:
    item = desk.locker.work.items()[at]
    _, found = records.of_item(desk, item, desks.WHY)
    return [record for _, record in found if record["record"] == "row"]


def labels(desk: Desk) -> list[str]:
    return [row.label for row in desk.locker.work.items()]


def test_a_log_becomes_the_item_and_its_rows(desk: Desk, case: str, tmp_path: Path) -> None:
    done = take(desk, case, tmp_path, "access.log", LOG)
    assert labels(desk) == ["A-1/01", "A-1/01.1"]
    made = done.items[0].derived
    assert isinstance(made, Derived)
    assert made.chat is None
    assert made.records is not None
    assert (made.records.summary.rows, made.records.summary.kept_raw) == (4, 1)
    assert made.records.summary.plain + made.records.summary.flagged == 3
    found = rows(desk)
    assert [one.get("ip") for one in found] == ["192.0.2.7", "10.0.0.1", None, "198.51.100.9"]
    assert [one["number"] for one in found] == [1, 2, 3, 4]
    assert found[2]["raw"] == "not a row"


def test_the_balance_is_in_the_record(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    opened = access.open_item(desk, desk.locker.work.items()[1], purpose=desks.WHY, what="parts")
    content = opened.first("content")
    assert content is not None
    assert content["media_type"] == MEDIA_TYPE
    tree = content["trees"]["records"]
    assert (tree["rows"], tree["plain"] + tree["flagged"] + tree["kept_raw"], tree["reader"]) == (
        4,
        4,
        "toy-log",
    )
    assert (tree["open"], tree["whole"], tree["last_time"]) == (["zone"], True, "2026-03-03T20:14:05Z")


def test_one_item_can_be_a_chat_and_a_log(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "both.log", LOG.replace(b"LOG", b"TWO"))
    assert labels(desk) == ["A-1/01", "A-1/01.1", "A-1/01.2"]
    item = desk.locker.work.items()[0]
    form, found = messages.records(desk, item, desks.WHY)
    assert form.label == "A-1/01.1"
    assert [one["text"] for _, one in found if one["record"] == "message"] == ["all of it"]
    assert records.of_item(desk, item, desks.WHY)[0].label == "A-1/01.2"
    about, counts = messages.about_forms(desk, item, desks.WHY)
    assert about is not None
    assert counts is not None
    assert counts["rows"] == 4


def test_a_form_of_the_other_kind_is_refused(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "both.log", LOG.replace(b"LOG", b"TWO"))
    _, chat, log = desk.locker.work.items()
    with pytest.raises(InputRefused, match="not of records"):
        records.of_item(desk, chat, desks.WHY)
    with pytest.raises(InputRefused, match="no readable form of a chat"):
        messages.records(desk, log, desks.WHY)
    assert records.of_item(desk, log, desks.WHY)[0].id == log.id


def test_a_reader_is_named_and_read_again(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG, derive=Wish(off=True))
    item = desk.locker.work.items()[0]
    with pytest.raises(InputRefused, match="no records were made"):
        list(records.of_item(desk, item, desks.WHY)[1])
    named = Wish(reader="toy-log", settings=Settings(time_zone="Europe/Vienna"))
    made = rederive.derive_item(desks.sit_down(desk), item, named, desks.WHY, with_seal=False)
    assert made.labels == ("A-1/01.1",)
    again = desks.sit_down(desk)
    opened = access.open_item(again, again.locker.work.items()[1], purpose=desks.WHY, what="parts")
    assert (opened.first("capture") or {})["time_zone"] == "Europe/Vienna"
    with pytest.raises(InputRefused, match="no reader of this name"):
        rederive.derive_item(again, item, Wish(reader="toy-nothing"), desks.WHY)
    with pytest.raises(InputRefused, match="does not look like"):
        rederive.derive_item(again, item, Wish(reader="toy-chat"), desks.WHY)


def test_a_picture_is_read_when_somebody_asks(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "a.jpg", b"\xff\xd8\xff made up", handling=("suspected-csam",))
    assert labels(desk) == ["A-1/01"]
    (row,) = rows(desk)
    assert (row["kind"], row["handling"]) == ("picture", ["suspected-csam"])
    assert "raw" not in row
    with desk.locker.ledger.reading() as view:
        assert view.head(desk.locker.work.items()[0].id).n == 1  # type: ignore[union-attr]


def test_what_somebody_typed_is_a_row(desk: Desk, case: str) -> None:
    told = ip_reference(
        "203.0.113.7", time="2026-03-03 20:14:05", offset="+01:00", port="51234", account="anna"
    )
    typed.add_ip(desk, collect.Request(case=case), told)
    (row,) = rows(desk)
    assert (row["ip"], row["port"], row["instant"], row["recorder"]) == (
        "203.0.113.7", 51234, "2026-03-03T19:14:05Z", "manual",
    )  # fmt: skip
    assert "checked_by" not in row


def of_case(desk: Desk, case: str, **wanted: object) -> tuple[list[dict[str, Any]], records.CaseRows]:
    about = records.CaseRows()
    wish = Filter(**wanted)  # type: ignore[arg-type]
    return list(records.of_case(desk, case, desks.WHY, wish, about)), about


def test_a_case_is_joined_by_time_and_what_has_none_comes_last(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    typed.add_ip(desk, collect.Request(case=case), ip_reference("1.1.1.1", time="2026-03-03T20:14:04.5Z"))
    take(desk, case, tmp_path, "a.jpg", b"\xff\xd8\xff made up")
    found, about = of_case(desk, case)
    told = [(one["item"], one["number"], one.get("instant")) for one in found]
    assert told == [
        ("A-1/01", 2, "2026-03-03T20:14:04Z"),
        ("A-2/01", 1, "2026-03-03T20:14:04.5Z"),
        ("A-1/01", 1, "2026-03-03T20:14:05Z"),
        ("A-1/01", 3, None),
        ("A-1/01", 4, None),
    ]
    doubts = [("A-1/01", "open: zone")]
    assert about == records.CaseRows(items=["A-1/01", "A-2/01"], doubts=doubts, rows=5, pictures=1)
    assert all(one["id"] for one in found)


def test_a_case_without_rows(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "a.txt", b"nothing that a reader takes")
    assert of_case(desk, case) == ([], records.CaseRows(without=["A-1/01"]))


def test_only_this_case(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    other = cases.open_case(desk, "REF-2")
    assert of_case(desk, other)[0] == []


def test_every_opening_is_logged(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    found = records.of_case(desk, case, desks.WHY, Filter(), records.CaseRows())
    next(found)
    with desk.locker.ledger.reading() as view:
        assert view.head(desk.locker.work.items()[1].id).n == 1  # type: ignore[union-attr]


def test_who_may_not_read_sees_no_row(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    own, person = desks.add_person(desk, tmp_path / "keys" / "r")
    custodians.grant(desk, person, case, rights=("collect",), classes=("record",))
    other = desks.sit_down(desk, own)
    with pytest.raises(NoRight):
        records.of_item(other, other.locker.work.items()[0], desks.WHY)
    with pytest.raises(NoRight):
        of_case(other, case)


ROW = {
    "number": 3, "kind": "ip", "ip": "192.0.2.7", "ip_raw": "192.0.2.7", "instant": "2026-03-03T20:14:05Z",
    "account": "Anna", "flags": ["no_source_port"], "ip_embedded": {"ip": "198.51.100.1", "ip_class": "documentation"},
}  # fmt: skip
EVM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
LOCAL = {"number": 4, "kind": "ip", "local": "2026-03-04T01:00:00"}
SPAN = {**ROW, "instant_end": "2026-03-05T00:00:00Z"}


@pytest.mark.parametrize(
    ("wanted", "row", "taken"),
    [
        ({}, ROW, True),
        ({"numbers": (3,)}, ROW, True),
        ({"numbers": (4,)}, ROW, False),
        ({"kind": "ip"}, ROW, True),
        ({"kind": "coin"}, ROW, False),
        ({"flag": "no_source_port"}, ROW, True),
        ({"flag": "no_offset"}, ROW, False),
        ({"account": "ann"}, ROW, True),
        ({"account": "ben"}, ROW, False),
        ({"address": "192.0.2.7"}, ROW, True),
        ({"address": "192.0.2.0/24"}, ROW, True),
        ({"address": "198.51.100.1"}, ROW, True),
        ({"address": "192.0.2"}, ROW, False),
        ({"address": "10.0.0.0/8"}, ROW, False),
        ({"address": "::/0"}, ROW, False),
        ({"address": "TXabc"}, {**ROW, "kind": "coin", "txid": "txABC"}, True),
        ({"address": EVM.lower()}, {**ROW, "kind": "coin", "transfers": [{"from": EVM, "to": "x"}]}, True),
        ({"address": EVM.lower()[:-1] + "8"}, {**ROW, "kind": "coin", "transfers": [{"from": EVM}]}, False),
        ({"address": "10.1.2.3"}, {**ROW, "details": {"nat_internal": "10.1.2.3"}}, True),
        (
            {"address": "192.0.2.7"},
            {"number": 1, "kind": "network", "range": ["192.0.2.0", "192.0.2.255"]},
            True,
        ),
        (
            {"address": "192.0.3.7"},
            {"number": 1, "kind": "network", "range": ["192.0.2.0", "192.0.2.255"]},
            False,
        ),
        ({"since": "2026-03-03"}, ROW, True),
        ({"since": "2026-03-04"}, ROW, False),
        ({"since": "2026-03-04"}, SPAN, True),
        ({"until": "2026-03-03"}, ROW, True),
        ({"until": "2026-03-02"}, ROW, False),
        ({"until": "2026-03-03T20:14"}, ROW, True),
        ({"since": "2026-03-04", "until": "2026-03-04"}, LOCAL, True),
        # 14 hours west of its clock that was the day before; 12 hours east of it, the same day
        ({"until": "2026-03-03"}, LOCAL, True),
        ({"until": "2026-03-03T10"}, LOCAL, False),
        ({"since": "2026-03-04T13"}, LOCAL, True),
        ({"since": "2026-03-04T14"}, LOCAL, False),
        ({"since": "2026-03-05T14"}, {**LOCAL, "local": "2026-03-04"}, False),
        ({"since": "2026-03-05T11"}, {**LOCAL, "local": "2026-03-04"}, True),
        ({"since": "2030"}, {**LOCAL, "flags": ["date_order_ambiguous"]}, True),
        ({"since": "2030"}, {**LOCAL, "flags": ["a_flag_of_one_reader"]}, True),
        ({"since": "2030"}, {**LOCAL, "flags": ["no_offset", "ip_reserved:private"]}, False),
        # the same moment in other precisions
        ({"since": "2026-03-03T20:14:05Z"}, {**ROW, "instant": "2026-03-03T20:14:05.5Z"}, True),
        ({"since": "2026-03-03T20:14:05.500"}, ROW, True),
        ({"until": "2026-03-03T20:14:05.500"}, ROW, True),
        ({"until": "2026-03-03T20:14:05.50"}, {**ROW, "instant": "2026-03-03T20:14:05.5Z"}, True),
        ({"until": "2026-03-03T20:14:05.4"}, {**ROW, "instant": "2026-03-03T20:14:05.5Z"}, False),
        (
            {"since": "2026-03-03T20:14:30"},
            {**ROW, "instant": "2026-03-03T20:14:00Z", "precision": "min"},
            True,
        ),
        (
            {"since": "2026-03-03T20:14:30"},
            {**ROW, "instant": "2026-03-03T20:14:00Z", "precision": "s"},
            False,
        ),
        # a span whose end is not known, or lies before its beginning
        ({"since": "2026-03-09"}, {**ROW, "time_end_raw": "some time later"}, True),
        ({"since": "2026-03-03"}, {**ROW, "instant_end": "2026-03-01T00:00:00Z"}, True),
        ({"until": "2026-03-02"}, {**ROW, "instant_end": "2026-03-01T00:00:00Z"}, True),
        # what was not understood is looked for in its text
        ({"address": "192.0.2.7"}, {"number": 1, "kind": "unknown", "raw": "from 192.0.2.7: what"}, True),
        ({"address": "192.0.2.0/24"}, {"number": 1, "kind": "unknown", "raw": "from 192.0.2.7: what"}, True),
        ({"address": "192.0.2.0/24"}, {"number": 1, "kind": "unknown", "raw": "from 192.0.3.7: what"}, False),
        ({"address": "2001:db8::/32"}, {"number": 1, "kind": "unknown", "raw": "[2001:db8::7]:80"}, True),
        ({"address": "192.0.2.7"}, {"number": 1, "kind": "unknown", "raw": "x", "flags": ["raw_cut"]}, True),
        ({"account": "anna"}, {"number": 1, "kind": "unknown", "raw": "who is ANNA"}, True),
        ({"account": "anna"}, {"number": 1, "kind": "unknown", "raw": "who is ben"}, False),
        # what a header claims, and who a mail came by
        (
            {"address": "198.51.100.0/24"},
            {**ROW, "forwarded_for": "for=198.51.100.9;proto=http, 10.0.0.1"},
            True,
        ),
        ({"address": "198.51.100.9"}, {**ROW, "hops": [{"ip": "198.51.100.9"}]}, True),
        # ranges that overlap
        (
            {"address": "192.0.2.0/25"},
            {"number": 1, "kind": "network", "range": ["192.0.2.64", "192.0.3.255"]},
            True,
        ),
        (
            {"address": "192.0.0.0/16"},
            {"number": 1, "kind": "network", "range": ["192.0.2.0", "192.0.2.255"]},
            True,
        ),
        (
            {"address": "192.0.4.0/24"},
            {"number": 1, "kind": "network", "range": ["192.0.2.0", "192.0.2.255"]},
            False,
        ),
        ({"since": "2030"}, {"number": 1, "kind": "unknown"}, True),
    ],
)
def test_filters(wanted: dict[str, Any], row: dict[str, Any], taken: bool) -> None:
    assert Filter(**wanted).takes(row) is taken


@pytest.mark.parametrize(
    "wanted",
    [
        {"since": "03.03.2026"},
        {"until": "yesterday"},
        {"since": "2026-03-03T20:14+01:00"},
        {"since": "2026-13"},
        {"since": ""},
        {"address": "192.0.2.7/24"},
        {"address": " "},
    ],
)
def test_what_can_not_be_meant_is_no_filter(wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Filter(**wanted)


class Odd(Exception):
    """As struct.error and zlib.error: with no base but Exception."""


def broken(error: Exception) -> RecordReader:
    """The toy reader, with a fault behind its first row."""

    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        for record in read_log(export, detected, settings):
            yield record
            if isinstance(record, Row):
                raise error

    return dataclasses.replace(TOY, read=read)


@pytest.mark.parametrize(
    "error", [Odd("x"), struct.error("x"), zlib.error("x"), EOFError(), RuntimeError("x")]
)
def test_a_reader_with_a_fault_keeps_what_it_read_and_the_case_says_so(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(registry, "READERS", (broken(error),))
    take(desk, case, tmp_path, "access.log", LOG)
    found, about = of_case(desk, case)
    assert [one["number"] for one in found] == [1]
    doubts = [what for _, what in about.doubts]
    assert "reading it ended early: there may be more rows in it" in doubts
    assert any("passed over" in what for what in doubts)


def test_what_a_machine_can_not_is_no_property_of_the_item(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "READERS", (broken(MachineError("the disk is full")),))
    done = take(desk, case, tmp_path, "access.log", LOG)
    assert labels(desk) == ["A-1/01"]
    assert isinstance(done.items[0].derived, NotRead)
    assert "the disk is full" in done.items[0].derived.reason


def test_the_name_of_an_item_is_not_in_its_form(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = InputRefused("a damaged table", where="Anna K phone.log", found="7 bytes")
    monkeypatch.setattr(registry, "READERS", (broken(error),))
    take(desk, case, tmp_path, "Anna K phone.log", LOG)
    _, found = records.of_item(desk, desk.locker.work.items()[0], desks.WHY)
    text = b"\n".join(line for line, _ in found)
    assert b"a damaged table: 7 bytes" in text
    assert b"Anna K" not in text


def bad_row(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    data = export.members[0].open()
    yield Row(0, 0, 8, data.read(0, 8), "ip", values={"account": object()})


def test_a_row_that_can_not_be_written_is_not_counted(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "READERS", (dataclasses.replace(TOY, read=bad_row),))
    made = take(desk, case, tmp_path, "access.log", LOG).items[0].derived
    assert isinstance(made, Derived)
    assert made.records is not None
    summary = made.records.summary
    assert (summary.rows, summary.plain, summary.flagged, summary.kept_raw, dict(summary.kinds)) == (
        0, 0, 0, 0, {},
    )  # fmt: skip
    assert rows(desk) == []


def faulty(export: Export) -> Detected | None:
    raise struct.error("made up")


def test_a_fault_while_looking_hides_no_other_reader_and_not_itself(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = dataclasses.replace(TOY, name="bad", detect=faulty)
    monkeypatch.setattr(registry, "READERS", (bad, TOY))
    made = take(desk, case, tmp_path, "access.log", LOG).items[0].derived
    assert isinstance(made, Derived)
    assert made.records is not None
    assert "the reader bad from looking (error)" in made.records.detected.reasons[-1]
    monkeypatch.setattr(registry, "READERS", (bad,))
    unread = take(desk, case, tmp_path / "2", "other.log", LOG + b"more").items[0].derived
    assert isinstance(unread, NotRead)
    assert "the reader bad from looking" in unread.reason
    both = take(desk, case, tmp_path / "3", "both.log", LOG.replace(b"LOG", b"TWO")).items[0].derived
    assert isinstance(both, Derived)
    assert both.chat is not None
    assert "the reader bad" in both.chat.detected.reasons[-1]
    assert labels(desk) == ["A-1/01", "A-1/01.1", "A-2/01", "A-3/01", "A-3/01.1"]


def test_a_case_says_what_it_did_not_look_at(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(desk, case, tmp_path, "access.log", LOG, derive=Wish(off=True))
    take(desk, case, tmp_path / "2", "kept.log", LOG + b"x", register=True)
    take(desk, case, tmp_path / "3", "read.log", LOG + b"y")
    take(desk, case, tmp_path / "4", "film.bin", b"\x00\x01\x02 no type")
    monkeypatch.setattr(
        chats, "READERS", (dataclasses.replace(CHAT, detect=lambda _: Detected(score=95, reasons=())),)
    )
    monkeypatch.setattr(registry, "READERS", ())
    take(
        desk,
        case,
        tmp_path / "5",
        "a.eml",
        b"From: a@example.org\r\nDate: Tue, 3 Mar 2026 20:14:05 +0000\r\n\r\nx\r\n",
    )
    found, about = of_case(desk, case, kind="unknown")
    assert {one["item"] for one in found} == {"A-3/01"}
    assert about.without == ["A-1/01", "A-5/01"]  # hops of mails are read when somebody asks
    assert about.not_opened == [("A-2/01", "only registered: its content was kept nowhere")]
    assert (about.items, about.rows, len(found)) == (["A-3/01"], 5, 2)


def test_of_two_forms_a_case_reads_the_newest_alone(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    item = desk.locker.work.items()[0]
    rederive.derive_item(
        desk, item, Wish(settings=Settings(time_zone="Europe/Vienna")), desks.WHY, with_seal=False
    )
    again = desks.sit_down(desk)
    found, about = of_case(again, case)
    assert (len(found), about.rows, about.items) == (4, 4, ["A-1/01"])
    with again.locker.ledger.reading() as view:
        heads = [view.head(row.id).n for row in again.locker.work.items()[1:]]  # type: ignore[union-attr]
    assert heads == [0, 1]


def test_who_has_no_key_for_one_item_reads_the_others_and_is_told(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    take(desk, case, tmp_path, "access.log", LOG)
    own, person = desks.add_person(desk, tmp_path / "keys" / "r")
    custodians.grant(desk, person, case, rights=("read",), classes=("record",))
    other = desks.sit_down(desk, own)
    found, about = of_case(other, case)
    assert found == []
    assert about.items == []
    assert [label for label, _ in about.not_opened] == ["A-1/01"]


def test_a_collector_makes_forms_and_reads_none(desk: Desk, case: str, tmp_path: Path) -> None:
    own, person = desks.add_person(desk, tmp_path / "keys" / "c", collector=True)
    custodians.grant(desk, person, case, rights=("collect",), classes=())
    at = desks.sit_down(desk, own)
    take(at, case, tmp_path, "access.log", LOG)
    assert labels(at) == ["A-1/01", "A-1/01.1"]
    with pytest.raises(NoRight):
        records.of_item(at, at.locker.work.items()[0], desks.WHY)
    with pytest.raises(NoRight):
        rederive.derive_item(at, at.locker.work.items()[0], WISH, desks.WHY, with_seal=False)
    assert len(rows(desks.sit_down(desk))) == 4


def test_a_log_in_a_zip_that_is_a_chat_is_in_the_case_once(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        chats, "READERS", (dataclasses.replace(CHAT, detect=lambda _: Detected(score=95, reasons=())),)
    )
    monkeypatch.setattr(registry, "READERS", (TOY,))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("chat.txt", "words")
        file.writestr("inner.log", LOG)
    take(desk, case, tmp_path, "chat.zip", packed.getvalue())
    assert labels(desk) == ["A-1/01", "A-1/01.1", "A-1/01.2"]
    _, about = of_case(desk, case)
    assert about.without == ["A-1/01.2"]
    inner = desk.locker.work.items()[2]
    monkeypatch.setattr(chats, "READERS", ())
    rederive.derive_item(desk, inner, WISH, desks.WHY, with_seal=False)
    found, about = of_case(desks.sit_down(desk), case)
    assert [one["item"] for one in found] == ["A-1/01.2"] * 4
    assert (about.items, about.without) == (["A-1/01.2"], [])


def test_a_mark_that_came_later_goes_on_to_what_is_derived(desk: Desk, case: str, tmp_path: Path) -> None:
    take(desk, case, tmp_path, "access.log", LOG, derive=Wish(off=True))
    source = {"source": {"text": "another telephone"}}
    files = desks.put(tmp_path / "again", {"access.log": LOG})
    desks.take_in(desk, case, files, derive=Wish(off=True), again=True, record=source, handling=("child",))
    made = rederive.derive_item(
        desks.sit_down(desk), desk.locker.work.items()[0], WISH, desks.WHY, with_seal=False
    )
    again = desks.sit_down(desk)
    form = next(row for row in again.locker.work.items() if row.label == made.labels[0])
    opened = access.open_item(again, form, purpose=desks.WHY, what="parts")
    assert opened.first("handling") == {"flags": ["child"]}
