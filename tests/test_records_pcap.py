"""Captures: link layers, which packets are one flow, full tables, damage; no byte of contents in a row."""

from __future__ import annotations

import json
import struct

import pytest

from custody.evidence.export import Export
from custody.evidence.network import pcap, pcap_frames
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.form import Recorded
from tests.records import captures, harness
from tests.records.captures import classic, enhanced, ether, interface, option, section, tcp, udp, v4, v6

A, B = "198.51.100.10", "203.0.113.10"
T = 1_709_287_200
SYN, ACK, RST = 2, 16, 4
FORCED = Detected(score=0, reasons=())


def read(data: bytes) -> harness.Read:
    return harness.run(pcap.READER, Export.of("a.pcap", data), detected=FORCED)


def hold(data: bytes) -> None:
    """The same rules without the schema, for many damaged files."""
    recorded = Recorded(Export.of("a.pcap", data), pcap.READER, FORCED, Settings(), item=harness.ITEM)
    for _ in recorded.lines():
        pass
    assert recorded.summary.whole
    assert "broken_off" not in recorded.summary.notices


INNER = v4(A, B, 17, udp(1000, 2000))
HEADERS = b"\x2b\0" + b"\0" * 6 + b"\x3c\x01" + b"\0" * 14 + b"\x11\0" + b"\0" * 6
INNER6 = v6("2001:db8::a", "2001:db8::b", 17, udp(1000, 2000))


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ether(0x0800, INNER)),
        (1, ether(0x0800, INNER, 5)),
        (1, ether(0x0800, INNER, 5, 6)),
        (1, ether(0x8864, b"\x11\0\0\x01\0\0\0\x21" + INNER)),
        (1, ether(0x8864, b"\x11\0\0\x01\0\0\0\x57" + INNER6)),
        (1, ether(0x86DD, INNER6)),
        (101, INNER),
        (101, INNER6),
        (12, INNER),
        (228, INNER),
        (229, INNER6),
        (0, struct.pack("<I", 2) + INNER),
        (0, struct.pack(">I", 2) + INNER),
        (0, struct.pack("<I", 30) + INNER6),
        (108, struct.pack(">I", 24) + INNER6),
        (113, b"\0" * 14 + b"\x08\0" + INNER),
        (276, b"\x86\xdd" + b"\0" * 18 + INNER6),
        (101, v4(A, B, 17, udp(1000, 2000), options=3)),
        (101, v6("2001:db8::a", "2001:db8::b", 0, HEADERS + udp(1000, 2000))),
        (101, v6("2001:db8::a", "2001:db8::b", 44, b"\x11\0\0\x01\0\0\0\1" + udp(1000, 2000))),
        (101, v6("2001:db8::a", "2001:db8::b", 51, b"\x11\x04" + b"\0" * 22 + udp(1000, 2000))),
    ],
)
def test_link_layers_and_extension_headers(link: int, frame: bytes) -> None:
    found = pcap_frames.ends(link, frame)
    assert isinstance(found, pcap_frames.Ends)
    assert (found.protocol, found.source_port, found.target_port) == (17, 1000, 2000)
    (row,) = read(classic((T, 0, frame), link=link)).rows
    assert row["ip"] in (A, "2001:db8::a")
    assert (row["port"], row["dest_port"]) == (1000, 2000)


@pytest.mark.parametrize(
    ("link", "frame", "reason"),
    [
        (105, INNER, "link_unknown"),
        (1, ether(0x0806, b"\0" * 28), "not_ip"),
        (1, ether(0x8864, b"\x11\0\0\x01\0\0\xc0\x21" + INNER), "not_ip"),
        (0, struct.pack("<I", 7) + INNER, "not_ip"),
        (101, b"\x50" + INNER, "not_ip"),
        (1, ether(0x0800, INNER6), "too_short"),
        (101, b"\x42" + INNER[1:], "too_short"),
        (101, INNER[:22], "too_short"),
        (101, b"", "too_short"),
        (1, b"\0" * 13, "too_short"),
    ],
)
def test_what_has_no_ends(link: int, frame: bytes, reason: str) -> None:
    assert pcap_frames.ends(link, frame) == reason
    found = read(classic((T, 0, frame), link=link))
    assert found.rows == []
    assert found.summary.notices == {f"packets_{reason}": 1}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_both_orders_and_resolutions(order: str, nano: bool) -> None:
    (row,) = read(classic((T, 5, INNER), link=101, order=order, nano=nano)).rows
    assert row["instant"] == ("2024-03-01T10:00:00.000000005Z" if nano else "2024-03-01T10:00:00.000005Z")


@pytest.mark.parametrize(
    ("resolution", "ticks", "instant"),
    [
        (0, T, "2024-03-01T10:00:00Z"),
        (3, T * 10**3 + 7, "2024-03-01T10:00:00.007Z"),
        (9, T * 10**9 + 7, "2024-03-01T10:00:00.000000007Z"),
        (10, T * 10**9 + 7, "1975-06-02T08:12:00.000000000Z"),
        (0x80, T, "2024-03-01T10:00:00Z"),
        (0x81, 2 * T + 1, "2024-03-01T10:00:00.500000000Z"),
    ],
)
def test_resolutions_of_an_interface(resolution: int, ticks: int, instant: str) -> None:
    data = section() + interface(101, option(9, bytes([resolution]))) + enhanced(ticks, INNER)
    (row,) = read(data).rows
    assert row["instant"] == instant
    assert ("subsecond_truncated" in row.get("flags", [])) == (resolution == 10)


@pytest.mark.parametrize("resolution", [0x7F, 0xFF, 0xBF])
def test_odd_resolutions_cost_nothing(resolution: int) -> None:
    data = section() + interface(101, option(9, bytes([resolution]))) + enhanced(2**64 - 1, INNER)
    (row,) = read(data).rows
    assert row["time_raw"]


def connection(*packets: tuple[int, str, str, int, int, int, int]) -> harness.Read:
    return read(
        classic(*((T + at, 0, v4(s, t, 6, tcp(p, q, f, n))) for at, s, t, p, q, f, n in packets), link=101)
    )


def test_a_syn_again_is_the_same_connection_and_another_number_is_not() -> None:
    found = connection(
        (0, A, B, 5, 6, SYN, 100),
        (1, A, B, 5, 6, SYN, 100),
        (2, B, A, 6, 5, SYN | ACK, 7),
        (3, A, B, 5, 6, ACK, 101),
        (4, A, B, 5, 6, SYN, 200),
        (5, B, A, 6, 5, RST, 8),
    )
    assert [row["details"]["packets"] for row in found.rows] == [3, 1]
    assert [row["details"]["packets_back"] for row in found.rows] == [1, 1]
    assert all("start_not_seen" not in row["flags"] for row in found.rows)


def test_who_opened_it_is_not_known_where_the_beginning_is_missing() -> None:
    found = connection((0, B, A, 6, 5, SYN | ACK, 7), (1, A, B, 5, 6, ACK, 101))
    (row,) = found.rows
    assert row["ip"] == B
    assert "start_not_seen" in row["flags"]


def test_a_syn_after_an_unseen_beginning_is_a_connection_of_its_own() -> None:
    found = connection((0, A, B, 5, 6, ACK, 7), (9, A, B, 5, 6, SYN, 100))
    assert len(found.rows) == 2


def test_first_and_last_are_by_time_and_not_by_place() -> None:
    found = connection(
        (5, A, B, 5, 6, SYN, 1), (0, A, B, 5, 6, ACK, 2), (9, A, B, 5, 6, ACK, 3), (7, A, B, 5, 6, ACK, 4)
    )
    (row,) = found.rows
    assert (row["instant"], row["instant_end"]) == (
        "2024-03-01T10:00:00.000000Z",
        "2024-03-01T10:00:09.000000Z",
    )


def test_an_address_that_speaks_to_itself() -> None:
    found = connection((0, A, A, 5, 6, SYN, 1), (1, A, A, 6, 5, SYN | ACK, 2))
    (row,) = found.rows
    assert (row["details"]["packets"], row["details"]["packets_back"]) == (1, 1)


def test_protocols_and_fragments_do_not_mix() -> None:
    found = read(
        classic(
            (T, 0, v4(A, B, 17, udp(5, 6))),
            (T, 0, v4(A, B, 132, udp(5, 6))),
            (T, 0, v4(A, B, 17, b"\0\5\0\6\0\0\0\0", fragment=100)),
            link=101,
        )
    )
    assert [(row["transport"], row.get("port")) for row in found.rows] == [
        ("udp", 5),
        ("sctp", 5),
        ("udp", None),
    ]


def test_a_full_table_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [(T + at, 0, v4(A, B, 17, udp(1000 + at % 7, 53))) for at in range(100)]
    whole = read(classic(*sent, link=101))
    assert len(whole.rows) == 7
    assert whole.summary.notices == {}
    monkeypatch.setattr(pcap, "MOST_FLOWS", 4)
    parts = read(classic(*sent, link=101))
    assert parts.summary.notices == {"flow_table_full": 1}
    for port in range(1000, 1007):
        counted = [row["details"]["packets"] for row in parts.rows if row["port"] == port]
        assert sum(counted) == next(row["details"]["packets"] for row in whole.rows if row["port"] == port)
    first, *rest = (("flow_split" in row["flags"]) for row in parts.rows)
    assert not first
    assert rest[-1]


def test_blocks_without_packets_are_not_kept_one_by_one() -> None:
    found = read(section() + captures.block(77, b"") * 5000 + interface(101) + enhanced(T * 10**6, INNER))
    assert len(found.of("range")) == 3
    assert len(found.rows) == 1


def test_nothing_of_contents_or_secrets_is_written() -> None:
    data = section() + captures.block(0xA, b"TLSK\0\0\0\x10made-up-tls-key!") + interface(101)
    data += enhanced(T * 10**6, v4(A, B, 17, udp(1, 2, b"made-up-password")))
    written = b"".join(read(data).lines)
    assert b"made-up" not in written
    assert b"bWFkZS11c" not in written


SAMPLES = [
    (harness.CASES / "pcap" / "plain" / "capture.pcap").read_bytes(),
    (harness.CASES / "pcap" / "pcapng" / "capture.pcapng").read_bytes(),
]


@pytest.mark.parametrize("data", SAMPLES, ids=["classic", "pcapng"])
def test_cut_anywhere(data: bytes) -> None:
    for end in range(len(data)):
        hold(data[:end])


@pytest.mark.parametrize("data", SAMPLES, ids=["classic", "pcapng"])
@pytest.mark.parametrize("by", [0x01, 0x80, 0xFF])
def test_any_byte_changed(data: bytes, by: int) -> None:
    for at in range(len(data)):
        hold(data[:at] + bytes([data[at] ^ by]) + data[at + 1 :])


@pytest.mark.parametrize("length", [17 << 20, 0xFFFFFFFF])
def test_lengths_that_lie(length: int) -> None:
    found = read(classic((T, 0, INNER), link=101) + struct.pack("<IIII", T, 0, length, length) + b"x" * 50)
    assert len(found.rows) == 1
    assert found.summary.unread == 1
    assert found.summary.notices == {"capture_unread": 1}
    found = read(section() + struct.pack("<II", 6, length) + b"x" * 50)
    assert found.summary.unread == 1


def test_other_files_are_not_claimed() -> None:
    for data in (b"", b"\xd4\xc3", b"\x0a\x0d\x0d\x0a\x1c\0\0\0nope", b"PK\3\4", json.dumps({}).encode()):
        assert pcap.detect(Export.of("a.pcap", data)) is None


def test_a_packet_that_says_that_it_is_longer_than_its_block() -> None:
    head = struct.pack("<IIIII", 0, 0, 0, len(INNER) + 1, len(INNER) + 1)
    found = read(section() + interface(101) + captures.block(6, head + INNER))
    (row,) = found.rows
    assert (row["kind"], row["flags"]) == ("unknown", ["row_truncated"])
