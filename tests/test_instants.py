from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.instants import TIME_FLAGS, offset_minutes, offset_text, read_instant

KNOWN = [
    ("2026-11-03T20:14:05Z", {}, "2026-11-03T20:14:05Z", "s", "+00:00", "in_value"),
    ("2026-11-03 20:14:05 UTC", {}, "2026-11-03T20:14:05Z", "s", "+00:00", "in_value"),
    ("2026-11-03 20:14:05+01:00", {}, "2026-11-03T19:14:05Z", "s", "+01:00", "in_value"),
    ("2026-11-03 20:14:05.10 -0530", {}, "2026-11-04T01:44:05.10Z", "ms", "-05:30", "in_value"),
    ("2026-11-03T20:14:05.123456Z", {}, "2026-11-03T20:14:05.123456Z", "us", "+00:00", "in_value"),
    ("2026-11-03T20:14:05.1234567Z", {}, "2026-11-03T20:14:05.1234567Z", "ns", "+00:00", "in_value"),
    ("2026-11-03 20:14:05", {"offset": "+01:00"}, "2026-11-03T19:14:05Z", "s", "+01:00", "stated_by_user"),
    ("2026-11-03 20:14:05+01:00", {"offset": "+01:00"}, "2026-11-03T19:14:05Z", "s", "+01:00", "in_value"),
    ("03.11.2026 00:14:05", {"offset": "+01:00"}, "2026-11-02T23:14:05Z", "s", "+01:00", "stated_by_user"),
    ("3.11.2026. 08:05:00", {"offset": "Z"}, "2026-11-03T08:05:00Z", "s", "+00:00", "stated_by_user"),
    ("25/11/2026 08:05:01Z", {}, "2026-11-25T08:05:01Z", "s", "+00:00", "in_value"),
    ("11/25/2026 08:05:01Z", {}, "2026-11-25T08:05:01Z", "s", "+00:00", "in_value"),
    ("05/05/2026 08:05:01Z", {}, "2026-05-05T08:05:01Z", "s", "+00:00", "in_value"),
    ("2026-11-03 12:00:00 AM Z", {}, "2026-11-03T00:00:00Z", "s", "+00:00", "in_value"),
    ("2026-11-03 12:00:00 p.m. Z", {"clock": "12"}, "2026-11-03T12:00:00Z", "s", "+00:00", "in_value"),
    ("2026-11-03 8:05:00\u202fPM", {"offset": "Z"}, "2026-11-03T20:05:00Z", "s", "+00:00", "stated_by_user"),
    (
        "2026-11-03 8:05:00",
        {"offset": "Z", "clock": "24"},
        "2026-11-03T08:05:00Z",
        "s",
        "+00:00",
        "stated_by_user",
    ),
    ("03/Nov/2026:20:14:05 +0100", {}, "2026-11-03T19:14:05Z", "s", "+01:00", "in_value"),
    ("2026/11/03 20:14:05", {"offset": "+14:00"}, "2026-11-03T06:14:05Z", "s", "+14:00", "stated_by_user"),
    ("1762200845", {"epoch": "s"}, "2025-11-03T20:14:05Z", "s", "+00:00", "in_value"),
    ("1762200845.25", {"epoch": "s"}, "2025-11-03T20:14:05.25Z", "ms", "+00:00", "in_value"),
    ("1762200845123", {"epoch": "ms"}, "2025-11-03T20:14:05.123Z", "ms", "+00:00", "in_value"),
    ("-1", {"epoch": "ms"}, "1969-12-31T23:59:59.999Z", "ms", "+00:00", "in_value"),
]


@pytest.mark.parametrize(("raw", "how", "instant", "precision", "offset", "origin"), KNOWN)
def test_an_instant_follows_where_nothing_is_open(raw, how, instant, precision, offset, origin):
    read = read_instant(raw, **how)
    assert (read.instant, read.precision, read.offset, read.offset_origin) == (
        instant,
        precision,
        offset,
        origin,
    )
    assert read.raw == raw
    assert read.flags == ()


OPEN = [
    ("2026-11-03 20:14:05", {}, "no_offset"),
    ("2026-11-03T20:14:05-00:00", {}, "no_offset"),
    ("2026-11-03 20:14:05 CET", {}, "zone_name"),
    ("03/11/2026 20:14:05Z", {}, "date_order_ambiguous"),
    ("03-11-2026 20:14:05Z", {}, "date_order_ambiguous"),
    ("2026-11-03 08:05:00Z", {"clock": "12"}, "twelve_hour_ambiguous"),
    ("2026-11-03 8:05:00Z", {}, "twelve_hour_ambiguous"),
    ("2026-11-03 20:05:00Z", {"clock": "12"}, "clock_contradiction"),
    ("2026-11-03 08:05:00 PM Z", {"clock": "24"}, "clock_contradiction"),
    ("2026-11-03 13:05:00 PM Z", {}, "time_not_understood"),
    ("2016-12-31 23:59:60Z", {}, "leap_second"),
    ("2026-02-29 10:00:00Z", {}, "time_not_understood"),
    ("2026-11-31 10:00:00Z", {}, "time_not_understood"),
    ("0000-01-01 10:00:00Z", {}, "time_not_understood"),
    ("2026-11-03 24:00:00Z", {}, "time_not_understood"),
    ("2026-11-03 10:60:00Z", {}, "time_not_understood"),
    ("2026-11-03 10:00:61Z", {}, "time_not_understood"),
    ("2026-11-03 10:00:00+23:00", {}, "time_not_understood"),
    ("0001-01-01T00:00:00+01:00", {}, "time_not_understood"),
    ("9999-12-31T23:59:59-01:00", {}, "time_not_understood"),
    ("2026-11-03 10:00:00.1234567890Z", {}, "time_not_understood"),
    ("２０２６-11-03 10:00:00Z", {}, "time_not_understood"),
    ("20261103T100000Z", {}, "time_not_understood"),
    ("2026-W45-2", {}, "time_not_understood"),
    ("on Tuesday evening", {}, "time_not_understood"),
    ("1762200845", {}, "epoch_not_stated"),
    ("99999999999999", {"epoch": "s"}, "time_not_understood"),
    ("99999999999", {"epoch": "s", "offset": "Z"}, None),
    ("2026-11-03", {"offset": "Z"}, "precision_day_or_minute"),
]


@pytest.mark.parametrize(("raw", "how", "flag"), [row for row in OPEN if row[2]])
def test_an_open_question_leaves_no_instant_and_a_flag(raw, how, flag):
    read = read_instant(raw, **how)
    assert read.instant is None
    assert flag in read.flags
    assert read.raw == raw


def test_a_zone_name_with_a_stated_offset_gives_an_instant_and_keeps_its_flag():
    read = read_instant("2026-11-03 20:14:05 CET", offset="+01:00")
    assert read.instant == "2026-11-03T19:14:05Z"
    assert read.flags == ("zone_name",)


def test_minutes_are_an_instant_with_a_flag():
    read = read_instant("2026-11-03 20:14Z")
    assert (read.instant, read.precision) == ("2026-11-03T20:14:00Z", "min")
    assert read.flags == ("precision_day_or_minute",)


@pytest.mark.parametrize(
    ("raw", "how", "what"),
    [
        ("", {}, "the time is empty"),
        (" \t", {}, "the time is empty"),
        ("2026-11-03\x1b[2J", {}, "this can't be a time"),
        ("2026\ud800", {}, "this can't be a time"),
        ("1" * 129, {}, "this can't be a time"),
        (
            "2026-11-03 10:00:00+01:00",
            {"offset": "+02:00"},
            "the stated offset contradicts the one in the time",
        ),
        ("2026-11-03 10:00:00", {"offset": "CET"}, "this is not an offset from UTC"),
        ("2026-11-03 10:00:00", {"offset": "-00:00"}, "this is not an offset from UTC"),
        ("2026-11-03 10:00:00", {"offset": "+15:00"}, "this is not an offset from UTC"),
        ("2026-11-03 10:00:00", {"offset": "+01:60"}, "this is not an offset from UTC"),
        ("2026-11-03 10:00:00", {"offset": "-12:30"}, "this is not an offset from UTC"),
        (
            "1762200845",
            {"epoch": "s", "offset": "+01:00"},
            "a count since 1970 is in UTC and has no other offset",
        ),
    ],
)
def test_what_can_be_typed_again_is_refused(raw, how, what):
    with pytest.raises(InputRefused) as caught:
        read_instant(raw, **how)
    assert caught.value.what == what


@given(st.integers(-12 * 60, 14 * 60))
def test_offsets_come_back(minutes):
    assert offset_minutes(offset_text(minutes)) == minutes


@given(
    st.datetimes(datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")).map(
        lambda t: t.replace(microsecond=0)
    ),
    st.integers(-12 * 60, 14 * 60),
)
def test_instants_are_what_datetime_says(local, minutes):
    raw = local.isoformat(sep=" ") + offset_text(minutes)
    expected = datetime.fromisoformat(raw).astimezone(UTC)
    assert read_instant(raw).instant == expected.strftime("%Y").zfill(4) + expected.strftime(
        "-%m-%dT%H:%M:%SZ"
    )


@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}[ T,]{1,2}[0-9:.APMZ +-]*"),
    ),
    st.sampled_from([None, "+01:00", "Z"]),
    st.sampled_from([None, "12", "24"]),
    st.sampled_from([None, "s", "ms"]),
)
@example("31.12.9999 23:59:59", "Z", "24", None)
def test_any_text_is_kept_or_refused(raw, offset, clock, epoch):
    try:
        read = read_instant(raw, offset=offset, clock=clock, epoch=epoch)
    except InputRefused:
        return
    assert read.raw == raw
    assert set(read.flags) <= set(TIME_FLAGS)
    assert list(read.flags) == sorted(set(read.flags))
    if read.instant is None:
        assert read.flags
    else:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", read.instant, re.ASCII)
        assert read.offset is not None
        assert not set(read.flags) - {"precision_day_or_minute", "zone_name"}
