"""Registry answers: what is claimed, what damage costs, and what an answer says about a record."""

from __future__ import annotations

import json

import pytest

from custody.evidence.export import Export
from custody.evidence.network import network_match, rdap
from custody.evidence.network.network_values import NETWORK_VALUES
from custody.evidence.reading import Detected
from tests.records import harness

NETWORK = {
    "kind": "network",
    "range": ["198.51.100.0", "198.51.100.127"],
    "events": [
        {"action": "registration", "date": "x", "instant": "2020-01-01T00:00:00Z"},
        {"action": "last changed", "date": "2023-05-01", "day": "2023-05-01"},
    ],
}
SIX = {"kind": "network", "range": ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]}
FORCED = Detected(score=0, reasons=())


@pytest.mark.parametrize(
    ("ip", "network", "answer"),
    [
        ("198.51.100.0", NETWORK, "inside"),
        ("198.51.100.127", NETWORK, "inside"),
        ("198.51.100.128", NETWORK, "outside"),
        ("198.51.99.255", NETWORK, "outside"),
        ("2001:db8::1", NETWORK, "not_comparable"),
        ("2001:db8::1", SIX, "inside"),
        ("2001:db9::", SIX, "outside"),
        ("198.51.100.1", SIX, "not_comparable"),
        (None, NETWORK, "not_comparable"),
        ("198.51.100.1", {"kind": "network"}, "not_comparable"),
    ],
)
def test_where(ip: str | None, network: dict[str, object], answer: str) -> None:
    assert network_match.where({} if ip is None else {"ip": ip}, network) == answer


def test_a_mapped_address_is_compared_and_one_in_6to4_is_not() -> None:
    inner = {"ip": "198.51.100.1", "ip_class": "documentation"}
    mapped = {"ip": "::ffff:198.51.100.1", "ip_class": "mapped", "ip_embedded": inner}
    assert network_match.where(mapped, NETWORK) == "inside"
    tunnel = {"ip": "2002:c633:6401::1", "ip_class": "6to4", "ip_embedded": inner}
    assert network_match.where(tunnel, NETWORK) == "not_comparable"


@pytest.mark.parametrize(
    ("instant", "registered", "changed", "doubts"),
    [
        ("2024-01-01T00:00:00Z", -1461, -245, ()),
        ("2022-01-01T23:59:59Z", -731, 485, ("changed_after_record",)),
        ("2019-12-31T00:00:00Z", 1, 1217, ("registered_after_record", "changed_after_record")),
        (None, None, None, ()),
    ],
)
def test_dates(
    instant: str | None, registered: int | None, changed: int | None, doubts: tuple[str, ...]
) -> None:
    found = network_match.dates({} if instant is None else {"instant": instant}, NETWORK)
    assert found == (registered, changed, None, doubts)


def test_the_day_of_the_answer() -> None:
    found = network_match.dates({"instant": "2024-01-01T10:00:00Z"}, NETWORK, answered="2024-03-01T00:00:00Z")
    assert found.answered == 60
    assert network_match.dates({"instant": "2024-01-01T10:00:00Z"}, SIX).doubts == ()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b"{",
        b"{}",
        b'{"objectClassName": "domain"}',
        b"{" + b" " * (5 << 20),
        b'{"objectClassName": "ip network", "x": ' + b"9" * 100_000 + b"}",
        b'{"objectClassName": "ip network", "startAddress": ["x"], "events": {"a": 1}, "entities": [[[]]]}',
    ],
)
def test_damage_is_kept(data: bytes) -> None:
    read = harness.run(rdap.READER, Export.of("a.json", data), detected=FORCED)
    assert all(row["kind"] in ("unknown", "network") for row in read.rows)


def test_lists_without_an_end_are_cut_and_told() -> None:
    deep: dict[str, object] = {"handle": "H"}
    for _ in range(20):
        deep = {"handle": "H", "entities": [deep, deep]}
    answer = {
        "objectClassName": "ip network",
        "startAddress": "198.51.100.0",
        "endAddress": "198.51.100.255",
        "status": ["active"] * 1000,
        "entities": [{"handle": "E"}] * 1000,
    }
    read = harness.run(rdap.READER, Export.of("a.json", json.dumps(answer).encode()))
    assert (len(read.rows[0]["status"]), len(read.rows[0]["entities"])) == (64, 64)
    assert read.rows[0]["flags"] == ["list_cut"]


def test_only_what_is_told_stands_in_a_row() -> None:
    data = (harness.CASES / "rdap" / "plain" / "answer.json").read_bytes()
    (row,) = harness.run(rdap.READER, Export.of("a.json", data)).rows
    assert set(row) <= {"record", "number", "kind", "place", "source", "flags", *NETWORK_VALUES}
    assert "tel:" not in json.dumps(row)


@pytest.mark.parametrize(
    "data",
    [
        b"inetnum: 198.51.100.0 - 198.51.100.255\n",
        b"country: ZZ\nsource: X\ncreated: 2024-01-01\nstatus: x\n",
        b'{"ip": "198.51.100.1", "country": "ZZ"}',
        b"Dear Ada,\nNetRange: what is that?\n",
        b"",
    ],
)
def test_other_texts_are_not_claimed(data: bytes) -> None:
    assert rdap.detect(Export.of("a.txt", data)) is None


def test_an_object_with_too_many_lines_is_flagged() -> None:
    data = b"inetnum: 198.51.100.0/24\nnetname: A\ncountry: ZZ\n" + b"descr: x\n" * 1000
    (row,) = harness.run(rdap.READER, Export.of("a.txt", data)).rows
    assert row["flags"] == ["row_not_split"]
    assert row["source"]["end"] == len(data)
