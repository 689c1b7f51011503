"""The written form of records: balance, conservation, times, flags that the form gives by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.chat.times import local_time, zone
from custody.evidence.export import Cut, Export, Held, Member
from custody.evidence.instants import Instant
from custody.evidence.network.ip import seen_address
from custody.evidence.reading import Detected, Range, Settings
from custody.evidence.records import flags, form
from custody.evidence.records.lines import LONGEST, lines
from custody.evidence.records.model import Record, Row
from custody.evidence.records.moments import moment, since_1970
from custody.evidence.records.reader import RecordReader
from tests.records import harness

AT = local_time(2026, 3, 3, 20, 14, 5)
VIENNA = zone("Europe/Vienna")
NINE = "123456789"


def reader(*rows: dict[str, object], ordered: bool = True) -> RecordReader:
    """A reader that gives one row a line, with what is said about each."""

    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        for at, (start, line) in enumerate(lines(export.members[0])):
            assert isinstance(line, bytes)
            yield Row(0, start, start + len(line), line, **{"kind": "ip", "place": at + 1, **rows[at]})  # type: ignore[arg-type]

    return RecordReader(
        name="toy", version=1, title="Toy", recorder="server_log", zone="none",
        detect=lambda export: Detected(score=90, reasons=("made up",)), read=read, ordered=ordered,
    )  # fmt: skip


def rows_of(data: bytes, *rows: dict[str, object], ordered: bool = True) -> list[dict[str, object]]:
    return harness.run(reader(*rows, ordered=ordered), Export.of("made up", data)).rows


def test_rows_balance_and_every_byte_has_a_name() -> None:
    told = {"address": seen_address("1.1.1.1"), "values": {"port": 4711}, "when": moment("t", AT, minutes=60)}
    read = harness.run(reader(told, {**told, "values": {}}, {"kind": "unknown"}), Export.of("x", b"a\nb\nc"))
    account = read.of("account")[0]
    assert (account["rows"], account["plain"], account["flagged"], account["kept_raw"]) == (3, 1, 1, 1)
    assert account["flags"] == {"no_source_port": 1}
    assert account["members"] == [
        {"member": 0, "overlaps": 0, "ranges": {"row": 5}, "size": 5, "uncovered": 0}
    ]
    assert read.rows[0]["instant"] == "2026-03-03T19:14:05Z"
    assert (read.rows[0]["port"], read.rows[0]["raw"], read.rows[0]["place"]) == (4711, "a", "line 1")


def test_an_unknown_row_with_flags_is_counted_once() -> None:
    read = harness.run(reader({"kind": "unknown", "flags": ("row_not_split",)}), Export.of("x", b"a"))
    account = read.of("account")[0]
    assert (account["rows"], account["plain"], account["flagged"], account["kept_raw"]) == (1, 0, 0, 1)


def test_bytes_that_a_reader_passes_over_are_told() -> None:
    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        yield Range(0, 0, 2, "header")
        yield Row(0, 4, 6, b"ef", "unknown")

    toy = RecordReader(
        name="t", version=1, title="", recorder="device", zone="", detect=lambda _: None, read=read
    )
    recorded = form.Recorded(
        Export.of("x", b"abcdefgh"), toy, Detected(score=0, reasons=()), Settings(), item=harness.ITEM
    )
    told = [json.loads(line) for line in recorded.lines()]
    assert [one["source"]["start"] for one in told if one.get("what") == "uncovered"] == [2, 6]
    assert not recorded.summary.whole
    assert recorded.summary.notices == {"uncovered_bytes": 2}


def test_a_fault_in_a_reader_is_told_and_ends_nothing() -> None:
    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        yield Row(0, 0, 1, b"a", "unknown")
        raise KeyError("made up")

    toy = RecordReader(
        name="t", version=1, title="", recorder="device", zone="", detect=lambda _: None, read=read
    )
    recorded = form.Recorded(
        Export.of("x", b"ab"), toy, Detected(score=0, reasons=()), Settings(), item=harness.ITEM
    )
    assert json.loads(list(recorded.lines())[-1])["rows"] == 1
    assert recorded.summary.notices == {"broken_off": 1, "uncovered_bytes": 1}


def test_flags_of_order_and_of_the_same_bytes() -> None:
    later, same = moment("b", AT, minutes=0), moment("b2", AT, fraction="5", minutes=0)
    earlier = moment("a", local_time(2026, 3, 3, 20, 14, 4), minutes=0)
    shown = [{"when": later}, {"when": same}, {"when": earlier}, {"when": earlier}]
    found = rows_of(b"1\n2\n1\n4\n", *shown)
    assert "time_goes_backwards" not in found[1].get("flags", ())
    assert "time_goes_backwards" in found[2]["flags"]  # type: ignore[operator]
    assert "time_goes_backwards" not in found[3]["flags"]  # type: ignore[operator]
    assert "duplicate_row" in found[2]["flags"]  # type: ignore[operator]
    assert all(
        "time_goes_backwards" not in one["flags"] for one in rows_of(b"1\n2\n3\n4\n", *shown, ordered=False)
    )  # type: ignore[operator]


def test_an_end_before_its_beginning_is_flagged() -> None:
    end = moment("e", local_time(2026, 3, 3, 20, 14, 4), minutes=0)
    (row,) = rows_of(b"1", {"when": moment("b", AT, minutes=0), "until": end})
    assert "time_end_before_start" in row["flags"]  # type: ignore[operator]
    assert (row["instant_end"], row["time_end_raw"]) == ("2026-03-03T20:14:04Z", "e")


def test_a_long_row_shows_its_beginning_and_says_so() -> None:
    (row,) = rows_of(b"x" * 5000, {})
    assert row["raw"] == "x" * form.LONGEST_RAW
    assert "raw_cut" in row["flags"]  # type: ignore[operator]


def test_bytes_that_are_no_text_are_shown_and_flagged() -> None:
    (row,) = rows_of(b"caf\xe9", {"values": {"account": "half \ud800"}})
    assert row["raw"] == "caf\\xe9"
    assert "encoding_replaced" in row["flags"]  # type: ignore[operator]
    assert row["account"] == "half \ufffd"


def test_a_port_behind_the_address_is_its_port() -> None:
    (row,) = rows_of(b"x", {"address": seen_address("1.1.1.1:443")})
    assert row["port"] == 443
    assert "no_source_port" not in row["flags"]  # type: ignore[operator]


def test_a_destination_is_not_the_source() -> None:
    (row,) = rows_of(b"x", {"address": seen_address("1.1.1.1"), "dest": seen_address("10.0.0.1")})
    assert (row["dest_ip"], row["dest_ip_class"], row["dest_flags"]) == (
        "10.0.0.1",
        "private",
        ["ip_reserved:private"],
    )
    assert row["flags"] == ["no_source_port"]


# Instants


def instant(when: Instant) -> tuple[str | None, str | None, tuple[str, ...]]:
    return when.instant, when.local, when.flags


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (moment("t", AT, minutes=60), ("2026-03-03T19:14:05Z", "2026-03-03T20:14:05", ())),
        (moment("t", AT), (None, "2026-03-03T20:14:05", ("no_offset",))),
        (moment("t", None), (None, None, ("time_not_understood",))),
        (moment("t", AT, fraction=NINE + "1", minutes=0), (
            f"2026-03-03T20:14:05.{NINE}Z", None, ("subsecond_truncated",),
        )),
        (moment("t", AT, precision="day", minutes=0), (None, "2026-03-03", ("precision_day_or_minute",))),
        (moment("t", AT, precision="min", minutes=0), ("2026-03-03T20:14:05Z", None, ("precision_day_or_minute",))),
        (moment("t", AT, minutes=0, flags=("leap_second",)), (None, "2026-03-03T20:14:05", ("leap_second",))),
        (moment("t", local_time(2026, 3, 29, 2, 30), zone=VIENNA), (None, "2026-03-29T02:30:00", ("dst_nonexistent",))),
        (moment("t", local_time(2026, 7, 1), zone=VIENNA), ("2026-06-30T22:00:00Z", "2026-07-01T00:00:00", ())),
        (moment("t", local_time(1, 1, 1), minutes=60), (None, "0001-01-01T00:00:00", ("time_not_understood",))),
        (since_1970("1772565245", "s"), ("2026-03-03T19:14:05Z", None, ())),
        (since_1970("1772565245", None), ("2026-03-03T19:14:05Z", None, ("epoch_unit_inferred",))),
        (since_1970("1772565245.25", "s"), ("2026-03-03T19:14:05.25Z", None, ())),
        (since_1970("1772565245123", None), ("2026-03-03T19:14:05.123Z", None, ("epoch_unit_inferred",))),
        (since_1970("1772565245123456", None), ("2026-03-03T19:14:05.123456Z", None, ("epoch_unit_inferred",))),
        (since_1970("1772565245123456789", "ns"), ("2026-03-03T19:14:05.123456789Z", None, ())),
        (since_1970("-1", "s"), ("1969-12-31T23:59:59Z", None, ())),
        (since_1970("12", None), (None, None, ("epoch_not_stated",))),
        (since_1970("1e9", "s"), (None, None, ("time_not_understood",))),
        (since_1970("٣", "s"), (None, None, ("time_not_understood",))),
        (since_1970("9" * 20, "s"), (None, None, ("time_not_understood",))),
    ],
)  # fmt: skip
def test_moments(when: Instant, expected: object) -> None:
    assert instant(when) == expected


def test_an_hour_that_came_twice_has_two_readings_and_no_instant() -> None:
    when = moment("t", local_time(2026, 10, 25, 2, 30), fraction="5", zone=VIENNA)
    assert when.instant is None
    assert when.readings == ("2026-10-25T00:30:00.5Z", "2026-10-25T01:30:00.5Z")
    assert when.flags == ("dst_ambiguous",)
    assert when.offset_origin == "stated_by_user"


def test_a_stated_zone_is_a_statement() -> None:
    when = moment("t", AT, zone=zone("Asia/Manila"))
    assert (when.offset, when.offset_origin) == ("+08:00", "stated_by_user")
    assert moment("t", AT, minutes=0, origin="in_file_header").offset_origin == "in_file_header"


def test_all_flags_of_the_form_are_explained() -> None:
    given = {
        "no_source_port",
        "duplicate_row",
        "time_goes_backwards",
        "raw_cut",
        "encoding_replaced",
        "time_end_before_start",
    }
    assert given <= set(flags.FLAGS)
    assert flags.reserved("no_offset") is None
    assert "private" in (flags.reserved("ip_reserved:private") or "")


# Lines


class Pieces:
    """Bytes that are given in windows of a few."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, start: int, end: int) -> bytes:
        return self.data[start:end]


@given(st.lists(st.sampled_from([b"", b"a", b"\r", b"bb"]), max_size=12), st.integers(1, 5))
def test_lines_are_all_bytes_in_order(parts: list[bytes], window: int) -> None:
    data = b"\n".join(parts)

    class Small(Member):
        def windows(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
            for at in range(start, len(data), window):
                yield at, data[at : at + window]

    member = Small(index=0, name="x", size=len(data), open=lambda: Held(data))
    found = list(lines(member))
    assert b"".join(line for _, line in found if isinstance(line, bytes)) == data
    assert [start for start, _ in found] == [
        sum(len(one) for _, one in found[:at]) for at in range(len(found))
    ]  # type: ignore[arg-type]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for _, line in found[:-1])  # type: ignore[union-attr]


@pytest.mark.parametrize("before", [b"", b"first\n"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\nlast", b"\nlast\n"])
def test_a_line_that_is_too_long_is_a_cut(before: bytes, after: bytes) -> None:
    long = b"x" * (5 * LONGEST)
    held = Held(before + long + after)
    member = Member(index=0, name="x", size=held.size, open=lambda: held)
    found = list(lines(member))
    cuts = [(start, line.start, line.end) for start, line in found if isinstance(line, Cut)]
    assert cuts == [(len(before), len(before), len(before) + len(long) + after.startswith(b"\n"))]
    assert [line for _, line in found if isinstance(line, bytes)] == [
        one for one in (before, after[1:]) if one
    ]
