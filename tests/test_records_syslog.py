"""Syslog beyond its cases: the public samples, what must not be claimed, what a hostile line costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from custody.evidence.chat import times
from custody.evidence.export import Export
from custody.evidence.network import syslog, syslog_heads, syslog_sentences
from custody.evidence.reading import Settings
from tests import costs
from tests.records import harness

LOGS = Path(os.environ.get("CUSTODY_SAMPLES", "../shared/samples")) / "logs"


def sample(name: str) -> harness.Read:
    path = LOGS / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not here")
    return harness.run(syslog.READER, Export.of(path.name, path.read_bytes()))


def test_sshd_sample() -> None:
    read = sample("crowdsec_sshd-logs.log")
    assert [row["kind"] for row in read.rows] == ["ip"] * 24
    assert sum("instant" in row for row in read.rows) == 1
    assert sum("no_year" in row["flags"] for row in read.rows) == 23
    assert [row.get("ip", "") for row in read.rows].count("35.188.49.176") == 3
    assert sum(row["event"] == "failed_login" for row in read.rows) == 8
    assert all(row["ip"] for row in read.rows)


def test_dovecot_sample() -> None:
    read = sample("crowdsec_dovecot-logs.log")
    assert [row["kind"] for row in read.rows] == ["ip"] * 15
    assert [row["event"] for row in read.rows].count("login") == 1
    assert read.summary.flags["password_in_line"] == 2
    assert "Password123$" not in str([{**row, "raw": ""} for row in read.rows])


def test_mikrotik_sample() -> None:
    read = sample("crowdsec_mikrotik-logs.log")
    assert [row["kind"] for row in read.rows] == ["ip"] * 7
    assert read.rows[3]["ip"] == "2001:db8:1234::1"
    assert (read.rows[3]["port"], read.rows[3]["dest_port"]) == (40384, 20461)
    assert [row.get("port") for row in read.rows].count(None) == 1  # the login to the router


@pytest.mark.parametrize(
    "text",
    [
        "It was the best of times.\nIt was the worst of times.\n",
        "2024-02-12, 14:10 - Ada: hello\n2024-02-12, 14:11 - Bob: sshd from 192.0.2.1 port 22\n",
        '{"ts": 1, "msg": "Failed password for x from 192.0.2.1 port 22 ssh2"}\n',
        "name,ip\nada,192.0.2.1\n",
        '192.0.2.1 - - [12/Feb/2024:14:10:21 +0000] "GET / HTTP/1.1" 200 5\n',
        "Feb 12 14:10:21 lb haproxy[5]: 192.0.2.1:500 [12/Feb/2024:14:10:21.655] in out/srv 1/2/3 200 9\n",
        "",
        "\n\n",
    ],
)
def test_other_texts_are_not_claimed(text: str) -> None:
    found = syslog.detect(Export.of("messages", text.encode()))
    assert found is None or found.score < 50


def test_only_files_that_are_named_so_are_read_in_a_zip() -> None:
    line = b"Feb 12 14:10:21 box sshd[1]: Invalid user a from 198.51.100.1 port 5\n"
    export = harness.members(("var/log/auth.log.1", line), ("notes.txt", line), ("var/log/syslog", line))
    read = harness.run(syslog.READER, export)
    assert [row["source"]["member"] for row in read.rows] == [0, 2]


@pytest.mark.parametrize("zone", ["+14:00", "-12:00", "Z", "+0530"])
def test_offsets(zone: str) -> None:
    found, flags = syslog_heads.instant(f"2024-02-12T14:10:21{zone}", None)
    assert found.instant is not None
    assert not flags


@pytest.mark.parametrize("day", ["Feb 29", "Jan 31", "Feb  1", "Feb 1"])
def test_days_that_exist_in_some_year(day: str) -> None:
    found, _ = syslog_heads.instant(f"{day} 14:10:21", None)
    assert found.flags == ("no_offset", "no_year")


@pytest.mark.parametrize("day", ["Feb 30", "Apr 31", "Jan 0", "Jan 32"])
def test_days_that_do_not(day: str) -> None:
    found, _ = syslog_heads.instant(f"{day} 14:10:21", None)
    assert "time_not_understood" in found.flags


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("sshd", "Failed password for " + " from 1.1.1.1 port" * 200),
        ("sshd", "Bad protocol version identification '" + "' from 1.1.1.1 port " * 200),
        ("sshd", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty= ruser=" + " rhost=a" * 450),
        ("dovecot", "imap-login: " + "(auth failed, " * 250 + "): user=<"),
        ("dovecot", "sql(" * 1000),
        ("dovecot", "x: " * 1300),
        ("fw", "in: out:," + "proto TCP, 1.1.1.1:1->1.1.1.1:1, NAT (" * 100),
        ("fw", "in:" * 600 + " out:" * 300 + "," * 300),
        ("kernel", "SRC=1.1.1.1 DST=1.1.1.1 " * 170),
        ("postfix/smtpd", "connect from " + "a" * 250 + "[" * 3000),
        ("kernel", "wireguard: wg0: " + " peer 1" * 500),
    ],
)  # fmt: skip
def test_no_line_costs_much(program: str, message: str) -> None:
    def said() -> None:
        for _ in range(5):
            syslog_sentences.said(program, message[: syslog_sentences.LONGEST])
            syslog_sentences.holds_address(message)

    assert costs.units(said) < 17


@pytest.mark.parametrize("head", ["<13>1 - - - - - " + '[a b="' * 5000, "<13>1 - - - - - " + "[a]" * 20000])
def test_structured_data_costs_nothing(head: str) -> None:
    assert costs.units(lambda: syslog_heads.head(head)) < 17


def test_a_long_line_is_kept(tmp_path: Path) -> None:
    line = b"Feb 12 14:10:21 box sshd[1]: Invalid user a from 198.51.100.1 port 5\n"
    data = line + b"x" * (3 << 20) + b"\n" + line
    read = harness.run(syslog.READER, Export.of("auth.log", data))
    assert [row["kind"] for row in read.rows] == ["ip", "unknown", "ip"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "sshd",
            "Failed none for invalid user a from 192.0.2.9 port 1 ssh2: x from 198.51.100.1 port 2 ssh2",
        ),
        ("sshd", "Connection closed by invalid user by 192.0.2.9 port 1 198.51.100.1 port 2 [preauth]"),
        ("sshd", "Bad protocol version identification 'x' from 192.0.2.9 port 1' from 198.51.100.1 port 2"),
        ("sshd", "refused connect from (192.0.2.9) (198.51.100.1)"),
        (
            "sshd",
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=198.51.100.1  "
            "user=a rhost=192.0.2.9  user=b",
        ),
        ("dovecot", "auth: sql(a,192.0.2.9): unknown user,198.51.100.1): unknown user"),
        ("system,error", "login failure for user a from 192.0.2.9 via ssh from 198.51.100.1 via winbox"),
    ],
)
def test_the_address_is_the_programs_own_and_not_the_visitors(program: str, message: str) -> None:
    said = syslog_sentences.said(program, message)
    assert said is not None
    assert said.address.ip == "198.51.100.1"


def test_a_packet_that_stands_only_in_brackets_is_none() -> None:
    assert (
        syslog_sentences.said("kernel", "x [SRC=192.0.2.1 DST=192.0.2.2 LEN=1 PROTO=UDP SPT=1 DPT=2 ]")
        is None
    )


def test_sshd_that_could_not_ask_who_it_was_has_no_port() -> None:
    said = syslog_sentences.said("sshd", "Connection closed by UNKNOWN port 65535 [preauth]")
    assert said is not None
    assert said.address.ip is None
    assert said.values["port"] is None


@pytest.mark.parametrize(
    ("message", "ip", "port", "details"),
    [
        (
            "[NEW] ORIG: SRC=192.168.1.2 DST=203.0.113.5 PROTO=UDP SPT=40000 DPT=53 PKTS=0 BYTES=0 , "
            "REPLY: SRC=203.0.113.5 DST=198.51.100.7 PROTO=UDP SPT=53 DPT=61000 PKTS=0 BYTES=0",
            "198.51.100.7",
            61000,
            {"nat_internal": "192.168.1.2", "nat_internal_port": 40000},
        ),
        (
            "[DESTROY] ORIG: SRC=198.51.100.9 DST=203.0.113.5 PROTO=TCP SPT=40000 DPT=80 PKTS=4 BYTES=10 , "
            "REPLY: SRC=192.168.1.3 DST=198.51.100.9 PROTO=TCP SPT=8080 DPT=40000 PKTS=1 BYTES=6 ",
            "198.51.100.9",
            40000,
            {"nat_internal": "192.168.1.3", "nat_internal_port": 8080},
        ),
        (
            "[NEW] ORIG: SRC=198.51.100.9 DST=203.0.113.5 PROTO=ICMP TYPE=8 CODE=0 PKTS=0 BYTES=0 , "
            "REPLY: SRC=203.0.113.5 DST=198.51.100.9 PROTO=ICMP TYPE=0 CODE=0 PKTS=0 BYTES=0",
            "198.51.100.9",
            None,
            None,
        ),
    ],
)
def test_tracked_connections(
    message: str, ip: str, port: int | None, details: dict[str, object] | None
) -> None:
    said = syslog_sentences.said("ulogd", message)
    assert said is not None
    assert (said.address.ip, said.values["port"], said.values["details"]) == (ip, port, details)
    assert said.dest is not None
    assert said.dest.ip == "203.0.113.5"
    assert (said.values["ip_role"] == "nat_external") == (ip == "198.51.100.7")


@pytest.mark.parametrize(
    ("time", "local", "flags"),
    [
        ("2024-03-01 10:00:00", "2024-03-01T10:00:00", ("no_offset",)),
        ("mar/01/2024 10:00:00", "2024-03-01T10:00:00", ("no_offset",)),
        ("feb/29 10:00:00", None, ("no_offset", "no_year")),
        ("xxx/29 10:00:00", None, ("no_offset", "no_year", "time_not_understood")),
    ],
)  # fmt: skip
def test_a_routers_own_log(time: str, local: str | None, flags: tuple[str, ...]) -> None:
    line = f"{time} system,info,account user admin logged in from 198.51.100.1 via ssh"
    head = syslog_heads.head(line)
    assert head is not None
    assert head.time is not None
    found, _ = syslog_heads.instant(head.time, None)
    assert (found.instant, found.local, found.flags) == (None, local, flags)
    (row,) = harness.run(syslog.READER, Export.of("log.txt", line.encode())).rows
    assert (row["ip"], row["account"], row["program"]) == ("198.51.100.1", "admin", "system,info,account")


# A year that a person stated


def test_a_stated_year_and_zone_give_instants_and_say_so() -> None:
    data = b"Feb 12 14:10:21 host sshd[1]: Failed password for root from 192.0.2.7 port 4711 ssh2\n"
    stated = Settings(time_zone="Europe/Vienna", year=2026)
    (row,) = harness.run(syslog.READER, Export.of("auth.log", data), stated).rows
    assert row["instant"] == "2026-02-12T13:10:21Z"
    assert "year_stated" in row["flags"]
    assert row["time_raw"] == "Feb 12 14:10:21"
    (alone,) = harness.run(syslog.READER, Export.of("auth.log", data), Settings(year=2026)).rows
    assert "instant" not in alone
    assert alone["local"] == "2026-02-12T14:10:21"


def test_the_year_goes_on_with_the_months_and_a_late_line_is_of_the_year_before() -> None:
    months = ("Nov", "Dec", "Jan", "Dec", "Jan", "Jul", "Aug", "Dec", "Jan")
    years = syslog_heads.Years(2025)
    found = [years.of(f"{month}  1 00:00:00") for month in months]
    assert found == [2025, 2025, 2026, 2025, 2026, 2026, 2026, 2026, 2027]
    assert syslog_heads.Years(None).of("Jan  1 00:00:00") is None


def test_a_day_that_the_stated_year_does_not_have() -> None:
    when, flags = syslog_heads.instant("Feb 29 10:00:00", times.zone("Europe/Vienna"), 2025)
    assert (when.instant, "time_not_understood" in when.flags, flags) == (None, True, ("year_stated",))
    when, _ = syslog_heads.instant("Feb 29 10:00:00", times.zone("Europe/Vienna"), 2024)
    assert when.instant == "2024-02-29T09:00:00Z"
