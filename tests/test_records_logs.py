"""Server logs as records: the quick way and the careful one agree, hostile lines, samples, another program as judge."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.export import Cut, Export, Member
from custody.evidence.network import (
    access_line,
    access_log,
    aws_elb_log,
    error_log,
    haproxy_log,
    iis_w3c,
    iis_xml,
    json_access_log,
    log_rows,
)
from custody.evidence.network.log_times import log_time
from custody.evidence.reading import Detected, Settings
from custody.evidence.records import lines as record_lines
from custody.evidence.records import registry
from custody.evidence.records.reader import RecordReader
from tests.records import harness

LOGS: tuple[RecordReader, ...] = (
    access_log.READER,
    error_log.APACHE,
    error_log.NGINX,
    json_access_log.READER,
    haproxy_log.READER,
    aws_elb_log.READER,
    iis_w3c.READER,
    iis_xml.READER,
)
CLAIMED = Detected(score=0, reasons=())
LINE = '198.51.100.7 - - [05/Mar/2026:10:15:30 +0000] "GET / HTTP/1.1" 200 1 "-" "made up"'


def read(
    text: str | bytes, reader: RecordReader = access_log.READER, zone: str | None = None
) -> harness.Read:
    data = text.encode() if isinstance(text, str) else text
    return harness.run(reader, Export.of("a.log", data), Settings(time_zone=zone), CLAIMED)


def one(text: str) -> dict[str, object]:
    (row,) = read(text).rows
    return row


# --- many lines at once give what one line at a time gives ------------------------------------------------

_HOSTS = st.sampled_from(
    [
        "198.51.100.7",
        "2001:db8::7",
        "198.51.100.7:50123",
        "-",
        "client.example.net",
        "www.example.org:80 198.51.100.7",
    ]
)
_USERS = st.sampled_from(
    ["-", "synthetic.anna", "synthetic boris", "[x]", 'a"b', "x [01/Jan/2020:00:00:00 +0000]", ""]
)
_TIMES = st.sampled_from(
    [
        "05/Mar/2026:10:15:30 +0000",
        "05/Mar/2026:10:15:60 +0000",
        "05/Mar/2026:10:15:59 -0930",
        "05/Mar/2026:10:15:30",
        "30/Feb/2026:10:15:30 +0000",
        "5/Mar/2026",
        "05/Mar/2026:10:15:30 +0000 ",
        "05/Mar/2026:10:15:3x +0000",
    ]
)
_FIELDS = st.one_of(
    st.sampled_from(
        [
            "-",
            "",
            "GET / HTTP/1.1",
            'a\\"b',
            "a\\\\",
            'a" 200 5 "b',
            "\\",
            "x\ry",
            "x\ny",
            "é",
            "https://www.example.org/",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
)
_LINES = st.builds(
    '{} - {} [{}] "{}" {} {} "{}" "{}"{}'.format,
    _HOSTS, _USERS, _TIMES, _FIELDS, st.sampled_from(["200", "404", "-"]), st.sampled_from(["-", "0", "5120", "1x"]),
    _FIELDS, _FIELDS, st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", ' "203.0.113.9"\n', ""]),
)  # fmt: skip
_ANY = st.lists(
    st.one_of(_LINES, _LINES, st.sampled_from(["\n", "made up\n", "\r\n", f"{LINE}\n"])), max_size=12
)


@given(_ANY, st.binary(max_size=3), st.sampled_from([None, "Europe/Vienna"]))
def test_many_lines_at_once_give_what_one_at_a_time_gives(
    lines: list[str], some: bytes, zone: str | None
) -> None:
    data = "".join(lines).encode() + some
    quick = read(data, zone=zone)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(access_log, "_usual", lambda block, count: None)
        slow = read(data, zone=zone)
    assert quick.lines == slow.lines


@pytest.mark.parametrize(
    "odd",
    [
        LINE.replace('/ HTTP/1.1" 200 1 "-" "made up"', '/\\" 200 1 "-" "made up"'),
        LINE.replace('"made up"', '"made up\\"'),
        f"www.example.org:80 {LINE}",
        f"x {LINE}",
        LINE.replace(":30 ", ":60 "),
        LINE.replace(":30 ", ":3x "),
        LINE.replace("30 +0000", "30 +0090"),
        LINE.replace("05/Mar", "30/Feb"),
        LINE.replace(" +0000", ""),
        LINE.replace("198.51.100.7", "client.example.net"),
        LINE.replace("198.51.100.7", "-"),
        LINE.replace("- -", "- x [01/Jan/2020:00:00:00 +0000"),
        LINE.replace("- -", "- [01/Jan/2020:00:00:00 +0000]"),
        LINE.replace("GET /", "GET /\r"),
        LINE.replace("GET /", "GET /\n"),
        LINE.replace("GET / HTTP/1.1", ""),
        LINE.replace("GET / HTTP/1.1", "-").replace(" 1 ", " - ").replace("made up", "-"),
        LINE.replace('"-" "made up"', '"" ""'),
        LINE + "\r",
        LINE + " ",
        LINE + ' "203.0.113.9"',
        "",
    ],
)
def test_one_odd_line_among_usual_ones(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "".join(
        f"{line}\n" for line in (LINE, LINE.replace(":30 ", ":31 "), odd, LINE.replace("/ ", "/2 "), LINE)
    )
    quick = read(data)
    monkeypatch.setattr(access_log, "_usual", lambda block, count: None)
    assert read(data).lines == quick.lines


def test_usual_lines_are_read_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_line, "read_line", lambda *_: pytest.fail("one at a time"))
    monkeypatch.setattr(access_log, "_shape", lambda member: access_line.PLAIN)
    assert len(read(f"{LINE}\n" * 3).rows) == 3
    common = LINE.removesuffix(' "-" "made up"')
    assert len(read(f"{common}\n" * 3).rows) == 3


@given(st.lists(st.integers(0, 60), max_size=40), st.booleans(), st.integers(1, 30))
def test_blocks_are_the_lines(lengths: list[int], ended: bool, size: int) -> None:
    data = b"\n".join(b"x" * length for length in lengths) + (b"\n" if ended else b"")
    member = Export.of("a", data).members[0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(record_lines, "BLOCK", size)
        patched.setattr(record_lines, "LONGEST", 40)
        patched.setattr("custody.evidence.export.WINDOW", 50)
        by_line = [
            (start, line.read(0, line.size) if isinstance(line, Cut) else line, isinstance(line, Cut))
            for start, line in record_lines.lines(member)
        ]
        by_block = []
        for start, block in record_lines.blocks(member):
            if isinstance(block, Cut):
                by_block.append((start, block.read(0, block.size), True))
                continue
            for line in log_rows.split(block):
                by_block.append((start, line, False))
                start += len(line)
    assert by_block == by_line


# --- what others may have written into a line ---------------------------------------------------------------


def test_an_escaped_quote_ends_no_field() -> None:
    row = one(LINE.replace("GET /", 'GET /\\" 404 5 \\"-\\" \\"-\\"'))
    assert row["status"] == "200"
    assert str(row["request"]).startswith('GET /\\" 404')


def test_a_time_in_a_user_name_is_not_the_time() -> None:
    row = one(LINE.replace("- -", "- x [01/Jan/2020:00:00:00 +0000]"))
    assert row["instant"] == "2026-03-05T10:15:30Z"
    assert "two_times" in row["flags"]  # type: ignore[operator]


def test_a_time_in_the_request_is_not_the_time() -> None:
    row = one(LINE.replace("GET /", "GET /[01/Jan/2020:00:00:00 +0000]"))
    assert row["instant"] == "2026-03-05T10:15:30Z"
    assert "flags" in row
    assert "two_times" not in row["flags"]  # type: ignore[operator]


def test_a_quote_in_a_user_name_leaves_address_and_time() -> None:
    row = one(LINE.replace("- -", '- a"b'))
    assert (row["ip"], row["instant"]) == ("198.51.100.7", "2026-03-05T10:15:30Z")
    assert "row_not_split" in row["flags"]  # type: ignore[operator]


def test_cookies_and_authorization_stay_out_of_values() -> None:
    for folder in ("iis-w3c/plain", "iis-xml/plain", "json-access-log/plain"):
        export, _ = harness.load(harness.CASES / folder)
        for row in harness.run(registry.named(folder.partition("/")[0]), export).rows:
            row.pop("raw")
            assert "secret" not in json.dumps(row)


def test_an_entity_is_not_expanded() -> None:
    event = (harness.CASES / "iis-xml" / "plain" / "iis.xml").read_text("utf-8").splitlines()[0]
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + event.replace(
        "/made/up", "/&b;&#65;&amp;#66;"
    )
    (row,) = read(bomb, iis_xml.READER).rows
    assert row["request"] == "GET /&b;A&#66;?a=1&b=2"


@pytest.mark.parametrize("reader", LOGS, ids=lambda reader: reader.name)
@pytest.mark.parametrize(
    "text",
    [
        '"', "[", "[" * 3 + "]", '\\"', " ", "{", '{"a":', " - - [05/Mar/2026:10:15:30 +0000]", ", client: 192.0.2.1",
        '<Event ><Data Name="a">', "#Fields: c-ip s-ip ", "192.0.2.1, ", "haproxy", "192.0.2.1:",
    ],
)  # fmt: skip
def test_long_lines_of_anything_take_little_time(reader: RecordReader, text: str) -> None:
    data = (text * (900_000 // len(text)) + "\n" + LINE + "\n").encode()
    start = time.thread_time()
    export = Export.of("a.log", data)
    reader.detect(export)
    for record in reader.read(export, CLAIMED, Settings()):
        del record
    assert time.thread_time() - start < 10


class _Endless:
    """A line of that many bytes, made when asked."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, start: int, end: int) -> bytes:
        return b"<Event x" + b"x" * (end - start - 8) if start == 0 else b"x" * (min(end, self.size) - start)


@pytest.mark.parametrize("reader", LOGS, ids=lambda reader: reader.name)
def test_a_line_without_an_end_is_read_in_bounded_memory(reader: RecordReader) -> None:
    endless = _Endless(96 << 20)
    export = Export(
        name="a.log", members=(Member(index=0, name="a.log", size=endless.size, open=lambda: endless),)
    )
    tracemalloc.start()
    try:
        (row,) = (
            record for record in reader.read(export, CLAIMED, Settings()) if type(record).__name__ == "Row"
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(row.raw, Cut)
    assert (row.start, row.end, row.kind) == (0, endless.size, "unknown")
    assert peak < 40 << 20


# --- what is claimed ---------------------------------------------------------------------------------------


def test_chats_are_not_taken_for_logs() -> None:
    for path in (harness.CASES.parent / "chats").rglob("*"):
        if path.is_file() and path.name != "expected.json":
            export = Export.of(path.name, path.read_bytes())
            assert not [one.name for one in LOGS if one.detect(export) is not None], path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "a novel\nthat nobody wrote\n",
        '{"text": "198.51.100.7", "time": "2026-03-05"}\n',
        "a,b,c\n1,2,3\n",
        "05.03.26, 10:15 - Synthetic Anna: 198.51.100.7 - - [05/Mar/2026:10:15:30 +0000]\n",
        "#Fields: a b\n1 2\n",
        "198.51.100.7\n198.51.100.8\n",
        "[2026-03-05 10:15:30] 198.51.100.7 said hello\n",
        "<Event>x</Event>",
    ],
)
def test_what_is_no_log_is_not_claimed(text: str) -> None:
    assert not [one.name for one in LOGS if one.detect(Export.of("access.log", text.encode())) is not None]


def test_a_zip_of_logs_is_read_log_by_log() -> None:
    export = harness.members(
        ("logs/access.log.1", f"{LINE}\n".encode()),
        ("logs/photo.jpg", b"\xff\xd8"),
        ("logs/access.log", f"{LINE}\n".encode()),
    )
    read = harness.run(access_log.READER, export)
    assert [row["source"]["member"] for row in read.rows] == [0, 2]
    assert [row["place"] for row in read.rows] == ["line 1", "line 1"]


def test_a_byte_order_mark_is_no_part_of_a_row() -> None:
    for text in (LINE, LINE.replace("- -", '- a"b')):
        found = read(b"\xef\xbb\xbf" + text.encode() + b"\n")
        assert found.rows[0]["ip"] == "198.51.100.7"
        assert found.summary.covered[0].ranges == {"syntax": 3, "row": len(text) + 1}


def test_a_byte_order_mark_before_other_logs() -> None:
    data = (harness.CASES / "iis-w3c" / "plain" / "u_ex260305.log").read_bytes()
    plain, marked = read(data, iis_w3c.READER), read(b"\xef\xbb\xbf" + data, iis_w3c.READER)
    assert [row.get("request") for row in marked.rows] == [row.get("request") for row in plain.rows]
    assert marked.summary.covered[0].ranges["syntax"] == 3
    error = b"2026/03/05 10:15:30 [error] 31#31: *46 made up, client: 198.51.100.7, server: b\n"
    assert read(b"\xef\xbb\xbf" + error, error_log.NGINX).rows[0]["ip"] == "198.51.100.7"


# --- times --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("05/Mar/2026:10:15:30 +0530", "2026-03-05T04:45:30Z"),
        ("05/Mar/2026:10:15:30.5 -0330", "2026-03-05T13:45:30.5Z"),
        ("2026-03-05T10:15:30.123456789Z", "2026-03-05T10:15:30.123456789Z"),
        ("2026-03-05 10:15:30 +01:00", "2026-03-05T09:15:30Z"),
        ("05/Mar/2026:10:15:30", None),
        ("05/Mar/2026:10:15:30 -0000", None),
        ("05/Mar/2026:24:15:30 +0000", None),
        ("05/Mar/2026:10:15:30 +1500", None),
        ("05/Mar/2026:10:15:30 +0060", None),
        ("05/mar/2026:10:15:30 +0000", None),
        ("05/Mär/2026:10:15:30 +0000", None),
        ("٠٥/Mar/2026:10:15:30 +0000", None),
        ("01/Jan/0001:00:00:00 +0100", None),
        ("2026-W10-4T10:15:30Z", None),
        ("20260305", None),
        ("Mar  5 10:15:30", None),
    ],
)
def test_times(text: str, instant: str | None) -> None:
    found = log_time(text)
    assert found.instant == instant
    assert found.raw == text
    assert bool(found.flags) == (instant is None)


# --- samples and another program ----------------------------------------------------------------------------


def test_samples(samples: Path) -> None:
    for name, reader, rows, kept in (
        ("apachelogs_vhost_combined.log", "access-log", 7, 1),
        ("crowdsec_nginx_http-logs.log", "access-log", 9, 1),
        ("crowdsec_apache2-malformed.log", "access-log", 11, 0),
        ("crowdsec_caddy-logs.log", "json-access-log", 10, 0),
        ("crowdsec_haproxy-logs.log", "haproxy-log", 5, 0),
        ("crowdsec_iis-xml-logs.log", "iis-xml", 1, 0),
    ):
        export = Export.of(name, (samples / "logs" / name).read_bytes())
        chosen = registry.choose(export)
        assert chosen is not None
        assert chosen[0].name == reader
        summary = harness.run(chosen[0], export).summary
        assert (summary.rows, summary.kept_raw) == (rows, kept)


def test_samples_of_logs_say_what_they_say(samples: Path) -> None:
    folder = samples / "logs"
    vhost = read((folder / "apachelogs_vhost_combined.log").read_bytes()).rows
    assert {row.get("ip") for row in vhost} == {"203.62.1.80", None}
    assert {row.get("host") for row in vhost} == {"www.varonathe.org:80", None}
    caddy = read((folder / "crowdsec_caddy-logs.log").read_bytes(), json_access_log.READER).rows
    assert [(row["ip"], row["port"]) for row in caddy][:2] == [("172.17.0.1", 44790), ("172.17.0.1", 45750)]
    assert caddy[0]["instant"] == "2023-09-04T15:19:51.7564995Z"
    proxy = read((folder / "crowdsec_haproxy-logs.log").read_bytes(), haproxy_log.READER).rows
    assert [row["port"] for row in proxy] == [14853, 10285, 50033, 50034, 50035]


def test_another_program_reads_the_same(samples: Path) -> None:
    """apachelogs judges lines of combined; of a line of vhost_combined it takes the server's name for the client."""
    apachelogs = pytest.importorskip("apachelogs", reason="apachelogs is not installed")
    parser = apachelogs.LogParser(apachelogs.COMBINED)
    seen = 0
    texts = [path.read_text("utf-8", "replace") for path in sorted((samples / "logs").glob("*.log"))]
    texts += [
        (harness.CASES / "access-log" / case / "access.log").read_text("utf-8", "replace")
        for case in ("plain", "odd")
    ]
    for line in "\n".join(texts).splitlines():
        try:
            theirs = parser.parse(line)
        except (apachelogs.errors.InvalidEntryError, ValueError):  # a day that no month has: ValueError
            continue
        ours = access_line.read_line(line, None)
        assert ours is not None
        assert ours.address is not None
        assert ours.when is not None
        values = ours.values or {}
        if "host" in values:
            assert theirs.remote_host == values["host"]  # which is no address, and not the client's
            continue
        seen += 1
        assert ours.address.raw == theirs.remote_host
        if ours.when.instant is not None and "subsecond_truncated" not in ours.when.flags:
            utc = theirs.request_time.astimezone(dt.UTC)
            assert ours.when.instant[:19] == utc.isoformat()[:19]
        assert values.get("status") == (None if theirs.final_status is None else str(theirs.final_status))
        line_of = values.get("request")
        assert theirs.request_line is None or _unescaped(str(line_of)) == theirs.request_line
        assert values.get("account") == theirs.remote_user
    assert seen >= 10


def _unescaped(text: str) -> str:
    return re.sub(r"\\(?:x([0-9a-f]{2})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)


def test_the_reason_counts_the_lines_that_were_looked_at() -> None:
    line = b'192.0.2.7 - - [03/Mar/2026:20:14:05 +0100] "GET / HTTP/1.1" 200 12\n'
    found = access_log.READER.detect(Export.of("access.log", line * 2 + b"something else\n"))
    assert found is not None
    assert found.reasons == ("2 of the first 3 lines have an address, a time in brackets and a request",)
