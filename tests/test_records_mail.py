"""Received headers beyond the cases: which address is the one that was seen, order, limits, what is not claimed."""

from __future__ import annotations

import pytest

from custody.evidence.chat.mail import headers
from custody.evidence.export import Export
from custody.evidence.network import mail_hops, mail_received
from tests import costs
from tests.records import harness

HEAD = b"From: a@example.org\nTo: b@example.org\nDate: Fri, 1 Mar 2024 10:00:00 +0000\n"


@pytest.mark.parametrize(
    ("source", "ip", "helo", "port"),
    [
        ("mail.example (mail.example [198.51.100.1])", "198.51.100.1", "mail.example", None),
        ("[192.0.2.1] (unknown [198.51.100.1])", "198.51.100.1", "[192.0.2.1]", None),
        ("name.example ([198.51.100.1]:4567 helo=x.example)", "198.51.100.1", "x.example", 4567),
        ("[198.51.100.1] (port=4567 helo=[192.0.2.1])", "198.51.100.1", "[192.0.2.1]", 4567),
        ("[198.51.100.1]:4567 (helo=x.example)", "198.51.100.1", "x.example", 4567),
        ("unknown (HELO x.example) (198.51.100.1)", "198.51.100.1", "x.example", None),
        ("unknown (HELO 192.0.2.1) (user@198.51.100.1)", "198.51.100.1", "192.0.2.1", None),
        ("A.example (2001:db8::1) (x)", "2001:db8::1", "A.example", None),
        ("a.example (a.example [IPv6:2001:db8::1])", "2001:db8::1", "a.example", None),
        ("x (y [198.51.100.1] (may be forged))", "198.51.100.1", "x", None),
        ("localhost", None, "localhost", None),
        ("localhost (unknown)", None, "localhost", None),
    ],
)
def test_the_address_that_the_server_saw(source: str, ip: str | None, helo: str, port: int | None) -> None:
    found = mail_hops.hop(f"from {source} by b.example with SMTP; Fri, 1 Mar 2024 10:00:00 +0000", None)
    assert (None if found.address is None else found.address.ip) == ip
    assert found.details["helo"] == helo
    assert found.port == port
    assert "client_names_itself" not in found.flags


def test_words_in_parentheses_begin_no_clause() -> None:
    found = mail_hops.hop("from a (b by c with d [198.51.100.1]) by e.example (for f) with G; x", None)
    assert found.host == "e.example"
    assert found.details["with"] == "G"


def test_a_hop_that_is_later_than_the_one_above() -> None:
    data = HEAD + (
        b"Received: from a ([198.51.100.1]) by b; Fri, 1 Mar 2024 10:00:00 +0000\n"
        b"Received: from c ([198.51.100.2]) by a; Fri, 1 Mar 2024 11:00:01 +0100\n"
        b"Received: from c ([198.51.100.3]) by a; Fri, 1 Mar 2024 10:00:01 +0000\n\n"
    )
    read = harness.run(mail_received.READER, Export.of("a.eml", data))
    assert ["hop_after_next" in row["flags"] for row in read.rows] == [False, True, False]


@pytest.mark.parametrize(
    ("zone", "minutes"), [("-0000", "+00:00"), ("GMT", "+00:00"), ("UT", "+00:00"), ("+0530", "+05:30")]
)
def test_zones_that_give_an_instant(zone: str, minutes: str) -> None:
    found, flags = mail_hops.instant(f"Fri, 1 Mar 2024 10:00:00 {zone}", None)
    assert found.instant is not None
    assert found.offset == minutes
    assert ("offset_minus_zero" in flags) == (zone == "-0000")


@pytest.mark.parametrize("zone", ["EST", "IST", "CEST", "A", ""])
def test_zones_that_give_none(zone: str) -> None:
    found, _ = mail_hops.instant(f"Fri, 1 Mar 2024 10:00:00 {zone}", None)
    assert found.instant is None
    assert ("zone_name" in found.flags) == bool(zone)


def test_a_mail_without_hops_is_not_claimed() -> None:
    assert mail_received.detect(Export.of("a.eml", HEAD + b"\nReceived: in the text\n")) is None


def test_a_zip_of_both_forms() -> None:
    hop = b"Received: from a ([198.51.100.1]) by b; Fri, 1 Mar 2024 10:00:00 +0000\n"
    box = b"From a Fri Mar  1 10:00:00 2024\n" + HEAD + hop + b"\nx\n"
    read = harness.run(
        mail_received.READER,
        harness.members(("a.eml", HEAD + hop + b"\n"), ("note.txt", hop), ("b.mbox", box)),
    )
    assert [row["source"]["member"] for row in read.rows] == [0, 2]


def test_headers_without_an_end_are_told() -> None:
    hop = b"Received: from a ([198.51.100.1]) by b; Fri, 1 Mar 2024 10:00:00 +0000\n"
    data = HEAD + hop + b"X-Long: " + b" x" * headers.MAX_HEADER + b"\n" + hop + b"\n"
    read = harness.run(mail_received.READER, Export.of("a.eml", data))
    assert len(read.rows) == 1
    assert read.summary.notices == {"headers_too_long": 1}


@pytest.mark.parametrize(
    "text",
    [
        "from (" * 1300,
        "from a " + "([1.1.1.1" * 800,
        "from a " + "(helo=" * 1300,
        " from" * 1600,
        "from a (" + "::" * 4000,
        "from a by b; " + "(" * 8000,
        "from a by b; " + "Fri," * 2000,
    ],
)
def test_no_header_costs_much(text: str) -> None:
    assert costs.units(lambda: [mail_hops.hop(text[: mail_hops.LONGEST], None) for _ in range(3)]) < 17
