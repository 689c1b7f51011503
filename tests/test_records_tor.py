"""Tor lists: what is claimed, and what a list says about a record."""

from __future__ import annotations

import pytest

from custody.evidence.export import Export
from custody.evidence.network import tor_list
from custody.evidence.network.tor_match import ExitList
from tests.records import harness


def entry(ip: str, instant: str | None = "2024-03-02T00:00:00Z") -> dict[str, object]:
    return {"kind": "listed", "ip": ip, **({} if instant is None else {"instant": instant})}


def record(instant: str | None, ip: str = "198.51.100.1", **more: object) -> dict[str, object]:
    return {"kind": "ip", "ip": ip, **({} if instant is None else {"instant": instant}), **more}


@pytest.mark.parametrize(
    ("instant", "verdict", "apart"),
    [
        ("2024-03-02T00:00:00Z", "tor_exit", 0),
        ("2024-03-01T00:00:00.999Z", "tor_exit", 86400),
        ("2024-03-03T00:00:00Z", "tor_exit", 86400),
        ("2024-03-03T00:00:01Z", "tor_list_date_mismatch", 86401),
        ("2024-02-29T23:59:59Z", "tor_list_date_mismatch", 86401),
        ("2023-03-02T00:00:00Z", "tor_list_date_mismatch", 366 * 86400),
    ],
)
def test_within_a_day(instant: str, verdict: str, apart: int) -> None:
    found = ExitList([entry("198.51.100.1")]).match(record(instant))
    assert found is not None
    assert (found.verdict, found.apart) == (verdict, apart)


def test_without_a_time_nothing_is_said() -> None:
    found = ExitList([entry("198.51.100.1")]).match(record(None))
    assert found is not None
    assert found.verdict == "tor_list_date_unknown"
    bulk = [entry("198.51.100.1", None)]
    found = ExitList(bulk).match(record("2024-03-02T00:00:00Z"))
    assert found is not None
    assert found.verdict == "tor_list_date_unknown"
    found = ExitList(bulk, saved="2024-03-01T12:00:00Z").match(record("2024-03-02T00:00:00Z"))
    assert found is not None
    assert found.verdict == "tor_exit"


def test_the_nearest_entry_and_the_whole_span() -> None:
    listed = ExitList(
        [entry("198.51.100.1", f"2024-03-{day}T00:00:00Z") for day in ("01", "09", "05")]
        + [entry("192.0.2.1")]
    )
    found = listed.match(record("2024-03-08T12:00:00Z"))
    assert found is not None
    assert (found.nearest, found.apart) == ("2024-03-09T00:00:00Z", 43200)
    found = listed.match(record("2024-03-02T12:00:00Z", instant_end="2024-03-06T00:00:00Z"))
    assert found is not None
    assert (found.nearest, found.apart) == ("2024-03-05T00:00:00Z", 0)


def test_not_listed_is_no_answer() -> None:
    assert ExitList([entry("198.51.100.1")]).match(record("2024-03-02T00:00:00Z", "198.51.100.2")) is None
    assert ExitList([entry("198.51.100.1")]).match({"kind": "unknown"}) is None


def test_a_mapped_address_is_the_ipv4_address() -> None:
    mapped = record(
        "2024-03-02T00:00:00Z",
        "::ffff:198.51.100.1",
        ip_class="mapped",
        ip_embedded={"ip": "198.51.100.1", "ip_class": "documentation"},
    )
    found = ExitList([entry("198.51.100.1")]).match(mapped)
    assert found is not None
    assert found.verdict == "tor_exit"


def test_rows_as_they_are_written() -> None:
    data = b"ExitNode " + b"A" * 40 + b"\nExitAddress 198.51.100.1 2024-03-02 00:00:00\n"
    read = harness.run(tor_list.READER, Export.of("exit-addresses", data))
    found = ExitList(read.rows).match(record("2024-03-02T10:00:00Z"))
    assert found is not None
    assert found.verdict == "tor_exit"


@pytest.mark.parametrize(
    ("name", "data", "claimed"),
    [
        ("block.txt", b"198.51.100.1\n198.51.100.2\n", False),
        ("torbulkexitlist", b"198.51.100.1\n198.51.100.2\n", True),
        ("torbulkexitlist", b"198.51.100.1\nhello\n", False),
        ("tor-exits.txt", b"", False),
        ("tor-exits.txt", b"# only words\n", False),
    ],
)
def test_bare_addresses_are_claimed_by_name_only(name: str, data: bytes, claimed: bool) -> None:
    found = tor_list.detect(Export.of(name, data))
    assert (found is not None and found.score >= 50) == claimed


def test_a_block_without_an_end_is_bounded() -> None:
    data = b"ExitNode " + b"A" * 40 + b"\n" + b"Published 2024-03-02 00:00:00\n" * 5000
    data += b"ExitAddress 198.51.100.1 2024-03-02 00:00:00\n"
    read = harness.run(
        tor_list.READER, Export.of("x", data), detected=tor_list.Detected(score=95, reasons=())
    )
    assert read.rows[-1]["kind"] == "listed"
    assert max(row["source"]["end"] - row["source"]["start"] for row in read.rows) < 20_000
