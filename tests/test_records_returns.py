"""Provider returns, user exports and providers' tables: their profiles, what they must not claim, and every trap."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.export import Export
from custody.evidence.network import (
    found_row,
    ip_table,
    profile,
    returns,
    table_layout,
    table_records,
    written_times,
)
from custody.evidence.network.written_times import Clock
from custody.evidence.reading import Settings
from custody.evidence.records import registry
from tests.records import harness

REPO = Path(__file__).resolve().parent.parent
FOLDER = REPO / "custody" / "evidence" / "network" / "profiles"
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((REPO / "schemas" / "ip-profile.schema.json").read_text("utf-8"))
)
FILES = sorted(FOLDER.glob("*.json"))
TIKTOK = {"Date": "2026-01-01 10:00:00 UTC", "IP": "203.0.113.5"}
ALL = Clock(forms=("iso", "ctime", "named", "numeric", "unix"))


def reader(name: str) -> Any:
    return registry.named(name)


def read(name: str, data: bytes, settings: Settings | None = None, file: str = "file") -> harness.Read:
    return harness.run(reader(name), Export.of(file, data), settings)


# --- profiles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_profile_is_as_its_schema_says(path: Path) -> None:
    values = json.loads(path.read_text("utf-8"))
    SCHEMA.validate(values)
    assert path.stem == values["name"]
    made = profile.parse(values)
    assert made.zone != "provider_document" or made.document


def test_every_profile_is_a_reader() -> None:
    assert {one.name for one in returns.READERS} == {path.stem for path in FILES}
    assert {one.name for one in returns.READERS} < {one.name for one in registry.READERS}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("profile", "custody.ip-profile/2"), ("name", "Not A Name"), ("recorder", "somebody"), ("engine", "magic"),
        ("sources", []), ("times", ["whenever"]), ("times", []), ("columns", [{"role": "time", "names": ["Time"]}]),
        ("columns", [{"role": "no such role"}]), ("zone", {"from": "provider_document", "words": "UTC"}),
        ("zone", {"from": "in_value", "words": "UTC", "document": "none", "offset": "+00:00"}),
        ("zone", {"from": "guessed", "words": "UTC"}), ("event", "burglary"), ("events", {"Login": "burglary"}),
        ("ip_role", "victim"), ("header", "somewhere"), ("header", "none"), ("names", "text"),
    ],
)  # fmt: skip
def test_a_profile_out_of_form_is_refused_by_schema_and_program(key: str, value: Any) -> None:
    values = json.loads((FOLDER / "google-access-log.json").read_text("utf-8"))
    values[key] = value
    with pytest.raises(InputRefused, match="profile"):
        profile.parse(values)
    if (key, value) != ("header", "none"):  # which columns have a place is the program's to know
        assert not SCHEMA.is_valid(values)


def test_a_documented_offset_is_one_with_its_document() -> None:
    values = json.loads((FOLDER / "netflix-ip.json").read_text("utf-8"))
    values["zone"] = {
        "from": "provider_document", "words": "UTC", "document": "a made-up guide, page 3", "offset": "+00:00",
    }  # fmt: skip
    SCHEMA.validate(values)
    made = returns.reader(profile.parse(values))
    data = b"Esn,Ip,Ts\nE,203.0.113.5,2026-01-01 10:00:00\nE,203.0.113.5,2026-01-01 10:00:00 +02:00\n"
    first, second = harness.run(made, Export.of("x.csv", data)).rows
    assert (first["instant"], first["offset_origin"]) == ("2026-01-01T10:00:00Z", "provider_document")
    assert (second["instant"], second["offset_origin"]) == ("2026-01-01T08:00:00Z", "in_value")


# --- what is not claimed ----------------------------------------------------------------------------------------

NOT_OURS = {
    "chat.csv": b"time,sender,text\n2026-01-01 10:00:00,A,my address is 203.0.113.5\n2026-01-01 10:01:00,B,ok\n"
    b"2026-01-01 10:02:00,A,203.0.113.5\n2026-01-01 10:03:00,A,bye\n",
    "novel.txt": b"It was a dark night, and the time was ten, and nobody had an IP address.\n" * 50,
    "access.log": b'203.0.113.5 - - [01/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla (X, like Y)"\n'
    * 5,
    "list.txt": b"203.0.113.5\n203.0.113.6\n203.0.113.7\n203.0.113.8\n",
    "versions.csv": b"name,version\na,1.2.3.4\nb,1.2.3.5\nc,1.2.3.6\nd,1.2.3.7\n",
    "prices.csv": b"date;price\n2026-01-01;1,5\n2026-01-02;2,5\n2026-01-03;2,5\n",
    "result.json": b'{"name": "chat", "messages": [{"date": "2026-01-01T10:00:00", "text": "hi"}]}',
    "words.json": b'{"text": "account_history_login_history LoginHistoryList account_activity_v2 Login History"}',
    "page.html": b"<html><body><table><tr><th>Timestamp</th><th>IP Address</th></tr></table></body></html>",
    "empty.csv": b"",
    "zeros.bin": b"\0" * 5000,
    "half.csv": b'"',
    "records.html": b'<html><title>Business Record</title><div class="x">of a shop</div></html>',
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_is_something_else_is_not_claimed(name: str) -> None:
    export = Export.of(name, NOT_OURS[name])
    ours = {one.name for one in (*returns.READERS, ip_table.READER)}
    assert [one.name for one, _ in registry.claims(export) if one.name in ours] == []


def test_only_our_files_of_a_zip_are_read() -> None:
    data = json.dumps({"account_history_login_history": []}).encode()
    export = harness.members(("a/other.json", data), ("a/messages/login_activity.json.txt", data))
    assert reader("instagram-logins").detect(export) is None


def test_two_forms_of_one_download_are_both_claimed_by_their_own() -> None:
    login = json.dumps(
        {"Login History": [{"IP": "203.0.113.5", "Created": "2026-01-01 10:00:00 UTC"}]}
    ).encode()
    chosen = registry.choose(Export.of("account.json", login))
    assert chosen is not None
    assert chosen[0].name == "snapchat-logins"
    tiktok = json.dumps(
        {"Activity": {"Login History": {"LoginHistoryList": [{"Date": "x", "IP": "y"}]}}}
    ).encode()
    chosen = registry.choose(Export.of("account.json", tiktok))
    assert chosen is not None
    assert chosen[0].name == "tiktok-logins"


def test_a_list_beyond_the_first_bytes_is_still_found() -> None:
    videos = [{"Date": "2026-01-01 10:00:00", "Link": f"video {at:08}"} for at in range(25_000)]
    data = json.dumps(
        {"Activity": {"A Video": {"VideoList": videos}, "Login History": {"LoginHistoryList": [TIKTOK]}}}
    ).encode()
    assert data.find(b"LoginHistoryList") > 1 << 20
    found = read("tiktok-logins", data, file="user_data.json")
    assert [row["ip"] for row in found.rows] == ["203.0.113.5"]
    assert len(found.of("range")) <= 3, "what is passed over must not fill the form"


def test_a_value_too_large_to_hold_does_not_hide_the_list() -> None:
    """A chat history of many megabytes beside the logins is stepped through, not given up."""
    chats = {"Chat History with made_up:": [{"Date": "x", "From": "y", "Content": "z" * 1000}] * 17_500}
    data = json.dumps(
        {
            "Direct Messages": {"Chat History": {"ChatHistory": chats}},
            "Activity": {"Login History": {"LoginHistoryList": [TIKTOK]}},
        }
    ).encode()
    assert len(data) > 16 << 20
    found = read("tiktok-logins", data, file="user_data.json")
    assert [row["ip"] for row in found.rows] == ["203.0.113.5"]
    assert found.summary.notices == {}


# --- times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant", "flags"),
    [
        ("2026-04-11 04:02:00 UTC", "2026-04-11T04:02:00Z", set()),
        ("2025-07-04 14:49:25 Z", "2025-07-04T14:49:25Z", set()),
        ("Wed Aug 19 12:00:00 UTC 2021", "2021-08-19T12:00:00Z", set()),
        ("2026-01-01T12:00:00+05:30", "2026-01-01T06:30:00Z", set()),
        ("2026-01-01 12:00:00 GMT+0200", "2026-01-01T10:00:00Z", set()),
        ("Jan 2, 2026 3:04:05 PM UTC", "2026-01-02T15:04:05Z", set()),
        ("1641793621", "2022-01-10T05:47:01Z", {"epoch_unit_inferred"}),
        ("1641793621000", "2022-01-10T05:47:01.000Z", {"epoch_unit_inferred"}),
        ("2026-01-01 12:00:00", None, {"no_offset"}),
        ("2026-01-01 12:00:00 IST", None, {"no_offset", "zone_name"}),
        ("2026-01-01 12:00:00-00:00", None, {"time_not_understood", "no_offset"}),
        ("20210929", None, {"epoch_not_stated"}),
        ("2021-W39-3", None, {"time_not_understood"}),
        ("2026-02-29 10:00:00Z", None, {"time_not_understood"}),
        ("2026-06-30T23:59:60Z", None, {"leap_second"}),
        ("2026-01-01", None, {"no_offset", "precision_day_or_minute"}),
        ("1/2/2026 10:00:00", None, {"date_order_ambiguous"}),
        ("3/3/2026 10:00:00 Z", "2026-03-03T10:00:00Z", set()),
        ("1.2.2026 3:04:05 Z", None, {"date_order_ambiguous", "twelve_hour_ambiguous"}),
        ("2026-01-01T00:00:00.1234567891Z", "2026-01-01T00:00:00.123456789Z", {"subsecond_truncated"}),
        ("١٢٣٤٥٦٧٨٩٠", None, {"time_not_understood"}),
        ("x" * 1000, None, {"time_not_understood"}),
        ("", None, {"time_not_understood"}),
    ],
)
def test_times_are_read_strictly(text: str, instant: str | None, flags: set[str]) -> None:
    found = ALL.read(text)
    assert found.instant == instant
    assert set(found.flags) == flags
    assert text.startswith(found.raw)


@given(st.text(max_size=60) | st.from_regex(r"[0-9:/. T+Z-]{1,40}"))
def test_no_text_breaks_a_clock(text: str) -> None:
    for clock in (ALL, Clock(forms=("serial", "unix_ms"), orders=("DMY",), hours="12", minutes=60)):
        for serial in (False, True):
            found = clock.read(text, column=60, header=0, serial=serial)
            assert found.instant is None or found.offset is not None


def test_a_documented_unit_that_does_not_fit_is_told_by_size() -> None:
    seconds = Clock(forms=("unix_s",))
    assert seconds.read("1641793621").flags == ()
    assert seconds.read("1641793621000").flags == ("epoch_unit_inferred",)
    assert seconds.read("0").instant is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("+01:00", 60), ("-0530", -330), ("Z", 0), ("UTC", 0), ("UTC+2", 120), ("GMT-5", -300), ("+14:00", 840),
     ("-00:00", None), ("CET", None), ("+15:00", None), ("-13:00", None), ("+01:75", None), ("Europe/Vienna", None)],
)  # fmt: skip
def test_offsets(text: str, minutes: int | None) -> None:
    assert written_times.minutes_of(text) == minutes


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("Date (UTC)", 0), ("first_recorded_utc", 0), ("Time UTC+02:00", 120), ("Time (GMT-5)", -300), ("Time", None),
     ("Time (GMT)", None), ("Local time, not UTC", None), ("Outcome", None), ("scrutc", None)],
)  # fmt: skip
def test_a_header_states_an_offset_or_it_does_not(name: str, minutes: int | None) -> None:
    assert table_layout.header_minutes(name) == minutes


@pytest.mark.parametrize(
    ("text", "port"),
    [("443", 443), ("443.0", 443), ("443,0", 443),
      ("5.1E4", 51000), ("51000.00", 51000), ("65535", 65535), ("0", None),
     ("65536", None), ("443.5", None), ("51.234", None), ("-1", None), ("0x1bb", None), ("4.43E5", None),
     ("1.5E0", None),
     ("٤٤٣", None), ("", None)],
)  # fmt: skip
def test_ports_as_spreadsheets_write_them(text: str, port: int | None) -> None:
    assert found_row.port_of(text) == port


def test_a_workbooks_number_is_a_day_without_a_float() -> None:
    clock = Clock(forms=("iso",), minutes=0)
    assert clock.read("46023.5242592592593", serial=True).instant == "2026-01-01T12:34:56Z"
    assert clock.read("46023.000011574", serial=True).instant == "2026-01-01T00:00:01Z"
    assert clock.read("60.5", serial=True).instant is None, "29 February 1900 never was"
    assert clock.read("46023", serial=True).precision == "day"
    assert clock.read("46023.0", serial=True).instant == "2026-01-01T00:00:00Z"
    since = Clock(forms=("iso",), minutes=0, since_1904=True)
    assert since.read("44561.5", serial=True).instant == "2026-01-01T12:00:00Z"
    assert clock.read("9" * 7 + ".5", serial=True).instant is None


# --- tables -----------------------------------------------------------------------------------------------------

MAPPING = {"ip": "ip", "time": "time", "port": "port"}


def table(*rows: str, header: str = "ip,port,time") -> bytes:
    return ("\n".join((header, *rows)) + "\n").encode()


def decided(found: harness.Read, what: str) -> dict[str, Any]:
    (one,) = [reading for reading in found.of("reading") if reading["what"] == what]
    return one


def test_one_row_settles_the_order_of_all_and_is_named() -> None:
    data = table(
        "203.0.113.5,1,1/2/2026 10:00:00",
        "203.0.113.5,2,2/1/2026 10:00:00",
        "203.0.113.5,3,13/1/2026 10:00:00",
    )
    found = read("ip-table", data, Settings(mapping=MAPPING, time_zone="UTC"), "x.csv")
    assert decided(found, "date_order")["value"] == "DMY"
    assert decided(found, "date_order")["reasons"][0] == "order_settled_by_row 4"
    assert [row["instant"][:10] for row in found.rows] == ["2026-02-01", "2026-01-02", "2026-01-13"]


def test_without_such_a_row_nothing_is_guessed() -> None:
    data = table("203.0.113.5,1,1/2/2026 10:00:00", "203.0.113.5,2,2/1/2026 10:00:00")
    found = read("ip-table", data, Settings(mapping=MAPPING, time_zone="UTC"), "x.csv")
    assert decided(found, "date_order")["state"] == "open"
    assert all("instant" not in row and "date_order_ambiguous" in row["flags"] for row in found.rows)
    assert "date_order" in found.summary.open_questions


def test_no_row_is_younger_than_the_day_on_which_it_came_in() -> None:
    data = table("203.0.113.5,1,1/2/2026 10:00:00")
    settings = Settings(mapping=MAPPING, time_zone="UTC", not_after="2026-01-10")
    found = read("ip-table", data, settings, "x.csv")
    assert decided(found, "date_order")["value"] == "MDY"
    assert found.rows[0]["instant"] == "2026-01-02T10:00:00Z"


def test_rows_of_two_orders_leave_the_question_open() -> None:
    data = table(
        "203.0.113.5,1,13/2/2026 10:00:00",
        "203.0.113.5,2,2/13/2026 10:00:00",
        "203.0.113.5,3,1/2/2026 10:00:00",
    )
    found = read("ip-table", data, Settings(mapping=MAPPING, time_zone="UTC"), "x.csv")
    assert decided(found, "date_order")["state"] == "open"
    assert "date_order_ambiguous" in found.rows[2]["flags"]


def test_hours_of_twelve_without_a_half_give_no_instant() -> None:
    data = table("203.0.113.5,1,13/1/2026 3:00:00", "203.0.113.5,2,14/1/2026 11:00:00")
    found = read("ip-table", data, Settings(mapping=MAPPING, time_zone="UTC"), "x.csv")
    assert "twelve_hour_ambiguous" in found.rows[0]["flags"]
    assert "clock" in found.summary.open_questions
    stated = read("ip-table", data, Settings(mapping={**MAPPING, "hours": "24"}, time_zone="UTC"), "x.csv")
    assert stated.rows[0]["instant"] == "2026-01-13T03:00:00Z"
    twelve = read("ip-table", data, Settings(mapping={**MAPPING, "hours": "12"}, time_zone="UTC"), "x.csv")
    assert all("twelve_hour_ambiguous" in row["flags"] for row in twelve.rows)


def test_a_row_above_the_header_is_no_row_of_data() -> None:
    data = b"Report for 203.0.113.99;;\nmade on;2026-01-01;\n" + table(
        "203.0.113.5;1;2026-01-01 10:00:00Z", header="ip;port;time"
    )
    found = read("ip-table", data, Settings(mapping=MAPPING), "x.csv")
    assert [row["ip"] for row in found.rows] == ["203.0.113.5"]
    assert [one["what"] for one in found.of("range")] == ["header", "header", "header"]


def test_a_column_that_stands_twice_is_not_chosen_from() -> None:
    data = table("203.0.113.5,198.51.100.1,2026-01-01 10:00:00Z", header="ip,ip,time")
    found = read("ip-table", data, Settings(mapping={"ip": "ip", "time": "time"}), "x.csv")
    assert {row["kind"] for row in found.rows} == {"unknown"}
    assert found.summary.notices == {"column_not_found": 1}
    assert ip_table.check(Export.of("x.csv", data), Settings(mapping={"ip": "ip"})) == ["ip"]


@pytest.mark.parametrize(
    "mapping",
    [{"time": "time"}, {"ip": "ip", "nonsense": "x"}, {"ip": "ip", "hours": "25"}, {"ip": "ip", "ip_role": "thief"},
     {"ip": "ip", "time_format": "%Q"}, {"ip": "ip", "zone": "Nowhere/Land"}, {"ip": "ip", "delimiter": "xx"},
     {"ip": "ip", "header": "no"}],
)  # fmt: skip
def test_a_mapping_that_means_nothing_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(InputRefused):
        list(ip_table.read(Export.of("x.csv", table("1,2,3")), ip_table.detect(Export.of("x.csv", table("1,2,3"))),
                           Settings(mapping=mapping)))  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "text", "instant"),
    [("unix", "1767225600", "2026-01-01T00:00:00Z"), ("unix_ms", "1767225600000", "2026-01-01T00:00:00.000Z"),
     ("excel", "46023.5", "2026-01-01T12:00:00Z"), ("%d.%m.%Y %H:%M:%S", "01.02.2026 10:00:00", "2026-02-01T10:00:00Z"),
     ("%m/%d/%Y %I:%M:%S %p", "01/02/2026 10:00:00 PM", "2026-01-02T22:00:00Z"),
     ("%d %b %Y %H:%M:%S %z", "01 Feb 2026 10:00:00 +0100", "2026-02-01T09:00:00Z"),
     ("%d.%m.%Y %H:%M:%S", "2026-02-01 10:00:00", None)],
)  # fmt: skip
def test_a_stated_format_alone_is_read(form: str, text: str, instant: str | None) -> None:
    found = read("ip-table", table(f"203.0.113.5,1,{text}"),
                 Settings(mapping={**MAPPING, "time_format": form}, time_zone="UTC"), "x.csv")  # fmt: skip
    assert found.rows[0].get("instant") == instant


def test_a_proposal_is_shown_and_nothing_is_read_by_it() -> None:
    data = b"Provider X;;\nSource IP;Source Port;Date;Time;Protocol\n203.0.113.5;443;1.2.2026;10:00:00;TCP\n"
    export = Export.of("x.csv", data)
    (one,) = ip_table.propose(export)
    assert dict(one.roles) == {
        "ip": "Source IP", "port": "Source Port", "date": "Date", "clock": "Time", "transport": "Protocol",
    }  # fmt: skip
    assert one.header[0] == "Source IP"
    assert one.rows[0][0] == "203.0.113.5"
    found = harness.run(reader("ip-table"), export)
    assert {row["kind"] for row in found.rows} == {"unknown"}
    assert "perhaps ip: Source IP" in decided(found, "mapping")["reasons"]


def test_a_formula_does_not_become_a_value_and_stays_text() -> None:
    data = table('=HYPERLINK("x"),1,2026-01-01 10:00:00Z', '="203.0.113.5",1,2026-01-01 10:00:00Z')
    first, second = read("ip-table", data, Settings(mapping=MAPPING), "x.csv").rows
    assert "ip_unparsed" in first["flags"]
    assert first["ip_raw"] == '=HYPERLINK("x")'
    assert second["ip"] == "203.0.113.5"


def test_the_port_behind_an_address_and_that_of_the_column_may_differ() -> None:
    (row,) = read(
        "ip-table", table("203.0.113.5:50000,50001,2026-01-01 10:00:00Z"), Settings(mapping=MAPPING), "x.csv"
    ).rows
    assert row["port"] == 50001
    assert row["details"] == {"port behind the address": 50000}
    assert {"capture_inconsistent", "port_from_address"} <= set(row["flags"])


def test_wide_and_foreign_encodings() -> None:
    text = table("203.0.113.5,1,2026-01-01 10:00:00Z").decode()
    wide = b"\xff\xfe" + text.encode("utf-16-le")
    assert read("ip-table", wide, Settings(mapping=MAPPING), "x.csv").rows[0]["ip"] == "203.0.113.5"
    odd = b"ip,port,time,name\n203.0.113.5,1,2026-01-01 10:00:00Z,M\xfcller\n"
    (row,) = read("ip-table", odd, Settings(mapping=MAPPING), "x.csv").rows
    assert row["details"]["name"] == "M\\xfcller"
    assert "encoding_replaced" in row["flags"]
    stated = read("ip-table", odd, Settings(mapping={**MAPPING, "encoding": "windows-1252"}), "x.csv")
    assert stated.rows[0]["details"]["name"] == "Müller"


def test_the_details_of_a_row_are_bounded() -> None:
    header = ",".join(["ip", "port", "time", *(f"c{at}" for at in range(2000))])
    data = table("203.0.113.5,1,2026-01-01 10:00:00Z," + ",".join(["x" * 100] * 2000), header=header)
    (row,) = read("ip-table", data, Settings(mapping=MAPPING), "x.csv").rows
    assert len(row["details"]) == found_row.DETAILS
    assert "raw_cut" in row["flags"]
    long = table("203.0.113.5,1,2026-01-01 10:00:00Z," + ",".join(["x" * 4000] * 100), header=header)
    (row,) = read("ip-table", long, Settings(mapping=MAPPING), "x.csv").rows
    assert sum(map(len, row["details"].values())) <= found_row.ROOM
    assert "raw_cut" in row["flags"]


# --- one format's own traps -------------------------------------------------------------------------------------


def test_a_port_of_another_time_is_not_the_ports_of_the_row() -> None:
    header = b"first_recorded_utc,last_recorded_utc,last_observed_port_utc,ip_address,last_observed_port\n"
    rows = (
        b"2026-01-01 10:00:00,2026-01-02 10:00:00,2026-01-02 10:00:00,203.0.113.5,50000\n"
        b"2026-01-01 10:00:00,2026-01-01 10:00:00,2026-01-01 10:00:00,203.0.113.5,50001\n"
    )
    first, second = read("roblox-return-ip", header + rows).rows
    assert "port" not in first
    assert "port_time_apart" in first["flags"]
    assert second["port"] == 50001


def test_rows_of_a_meta_record_are_cut_at_what_repeats() -> None:
    def field(label: str, value: str) -> str:
        inner = f'<div class="m"><div>{value}<div class="p"></div></div></div>'
        return f'<div class="t o"><div class="t i">{label}{inner}</div></div>'

    fields = [("IP Address", "203.0.113.1"), ("IP Address", "203.0.113.2"), ("Time", "2026-01-01 10:00:00 UTC"),
              ("Time", "2026-01-01 11:00:00 UTC"), ("IP Address", "203.0.113.3")]  # fmt: skip
    html = '<title>Business Record</title><div id="property-ip_addresses">' + "".join(
        field(*one) for one in fields
    )
    found = read("meta-return-ip", html.encode())
    assert [(row.get("ip"), row.get("instant")) for row in found.rows] == [
        ("203.0.113.1", None),
        ("203.0.113.2", "2026-01-01T10:00:00Z"),
        ("203.0.113.3", "2026-01-01T11:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [("2026-02-27", "12:07:28 UTC"), ("2026-02-27 12:0", "7:28 UTC"), ("2026-02-27 12:07:28 U", "TC")],
)
def test_a_value_that_a_page_breaks_is_put_together(first: str, second: str) -> None:
    def on_two_pages(label: str, one: str, two: str) -> str:
        value = f'<div class="m"><div>{one}</div></div></div></div>'
        rest = f'<div class="t o"><div class="t i"><div class="m"><div>{two}</div></div></div></div>'
        return f'<div class="t o"><div class="t i">{label}{value}<div class="pageBreak">Page 2</div>{rest}'

    html = '<title>Business Record</title><div id="property-ip_addresses">' + "".join(
        (on_two_pages("IP Address", "198.51.", "100.7:5005"), on_two_pages("Time", first, second))
    )
    (row,) = read("meta-return-ip", html.encode()).rows
    assert (row["ip"], row["port"], row["instant"]) == ("198.51.100.7", 5005, "2026-02-27T12:07:28Z")
    assert "page_break_within" in row["flags"]


def test_no_record_of_meta_is_lost_where_a_section_is_empty() -> None:
    html = (
        b'<title>Business Record</title><div id="property-ip_addresses">No responsive records located</div>'
    )
    found = read("meta-return-ip", html)
    assert found.rows == []
    assert found.summary.notices == {"no_rows": 1}


def test_a_table_without_a_row_says_so() -> None:
    found = read("netflix-ip", b"Esn,Ip,Ts\n", file="IpAddressesLogin.csv")
    assert found.summary.notices == {"no_rows": 1}


def test_known_labels_go_before_looks() -> None:
    """An address in a field that is not the address's must not be taken where the label is known."""
    entry = {"string_map_data": {"Email": {"value": "198.51.100.1"}, "IP Address": {"value": "203.0.113.5"},
                                 "Time": {"timestamp": 1641793621}}}  # fmt: skip
    data = json.dumps({"account_history_registration_info": [entry]}).encode()
    (row,) = read("instagram-logins", data).rows
    assert row["ip"] == "203.0.113.5"
    assert row["event"] == "registration"
    assert row["details"] == {"Email": "198.51.100.1"}


def test_newer_labels_in_a_list_are_read_alike() -> None:
    values = copy.deepcopy(json.loads((FOLDER / "instagram-logins.json").read_text("utf-8")))
    values["entries"] = "label_values"
    values["like"] = ["label_values"]
    made = returns.reader(profile.parse(values))
    entry = {
        "label_values": [
            {"label": "IP Address", "value": "203.0.113.5"},
            {"label": "Time", "timestamp_value": 1641793621},
        ]
    }
    data = json.dumps({"account_history_login_history": [entry]}).encode()
    (row,) = harness.run(made, Export.of("x.json", data)).rows
    assert (row["ip"], row["instant"]) == ("203.0.113.5", "2022-01-10T05:47:01Z")


def test_depth_and_hostile_names() -> None:
    deep = b'{"account_history_login_history":[{"string_map_data":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    found = read("instagram-logins", deep)
    assert [row["kind"] for row in found.rows] == ["unknown"]
    export = harness.members(("../../../\\login_activity.json\x00", deep), ("/etc/login_activity.json", deep))
    harness.run(reader("instagram-logins"), export)


def test_a_zip_of_a_workbook_is_a_workbook() -> None:
    """What the program opens as members is what a spreadsheet writes."""
    held = io.BytesIO()
    folder = harness.CASES / "tiktok-return-ip" / "plain" / "members"
    with zipfile.ZipFile(held, "w") as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                made.write(path, path.relative_to(folder).as_posix())
    with zipfile.ZipFile(held) as opened:
        export = harness.members(*((name, opened.read(name)) for name in opened.namelist()))
    assert harness.run(reader("tiktok-return-ip"), export).rows[0]["ip"] == "203.0.113.5"


def test_a_text_that_can_be_no_such_table_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def apart(*_: object, **__: object) -> None:
        pytest.fail("a novel was taken apart as a table")

    monkeypatch.setattr(table_records, "TextTable", apart)
    monkeypatch.setattr(ip_table, "TextTable", apart)
    line = "It was 12:30, and a dark and stormy night, 3.5 miles off;" * 5 + "\n"
    novel = Export.of("novel.txt", line.encode() * 100)
    claims = [one.name for one in registry.READERS if (found := one.detect(novel)) and found.score >= 50]
    assert claims == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_header_is_found_in_its_bytes_whatever_their_encoding(encoding: str) -> None:
    data = "Esn,Ip,Ts\nX1,192.0.2.7,2026-03-03 20:14:05 UTC\n".encode(encoding)
    (netflix,) = [reader for reader in registry.READERS if reader.name == "netflix-ip"]
    assert netflix.detect(Export.of("IpAddressesLogin.csv", data)) is not None
