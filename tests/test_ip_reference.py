from __future__ import annotations

import ipaddress
import json
import random
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError, InputRefused
from custody.evidence import typed
from custody.evidence.instants import TIME_FLAGS
from custody.evidence.network import ip

SCHEMA = json.loads(
    (Path(__file__).parent.parent / "schemas" / "ip-reference.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
WHEN = "2026-11-03T20:14:05Z"


def reference(address="203.0.113.7", **more):
    made = ip.ip_reference(address, **{"time": WHEN, **more})
    VALIDATOR.validate(made)
    return made


def test_the_schema_is_one_and_lists_what_the_code_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    properties = SCHEMA["properties"]
    assert properties["schema"]["const"] == ip.SCHEMA
    assert properties["flags"]["items"]["enum"] == list(ip.IP_FLAGS)
    assert properties["time_end_flags"]["items"]["enum"] == list(TIME_FLAGS)
    assert properties["ip_class"]["enum"] == [*ip.CLASSES, None]
    assert set(SCHEMA["required"]) == set(properties)


def test_the_page_lists_every_field_and_flag():
    page = (Path(__file__).parent.parent / "docs" / "reference" / "typed-items.md").read_text("utf-8")
    words = set(re.findall(r"`([^`]+)`", page))
    for flag in ip.IP_FLAGS:
        assert flag in words or (flag.startswith("ip_reserved:") and "ip_reserved:CLASS" in words), flag
    assert set(SCHEMA["properties"]) <= words
    assert ip.TABLE_DATE in page
    assert set(ip.CLASSES) <= words
    for name in (*ip.ROLES, *ip.TRANSPORTS, *ip.EVENTS):
        assert name in words, name


def test_a_whole_reference():
    made = reference(
        port="51234",
        transport="tcp",
        role="peer",
        dest_address="198.51.100.9:443",
        time="03.11.2026 21:14:05",
        offset="+01:00",
        time_end="03.11.2026 21:20:00",
        event="login",
        account="u-17",
        source_item="A-3/01",
        source_place="page 2, row 3",
        checked_by="second reader",
    )
    assert made["ip"] == "203.0.113.7"
    assert (made["ip_version"], made["ip_class"], made["ip_table_date"]) == (4, "documentation", "2024-10-22")
    assert (made["port"], made["dest_ip"], made["dest_port"]) == (51234, "198.51.100.9", 443)
    assert (made["instant"], made["instant_end"]) == ("2026-11-03T20:14:05Z", "2026-11-03T20:20:00Z")
    assert (made["offset"], made["offset_origin"]) == ("+01:00", "stated_by_user")
    assert made["recorder"] == "manual"
    assert made["flags"] == ["ip_reserved:documentation"]


def test_what_is_not_stated_is_null_and_flagged():
    made = reference("9.9.9.9", time="2026-11-03 20:14")
    assert made["port"] is None
    assert made["instant"] is None
    assert made["flags"] == ["no_offset", "no_source_port", "precision_day_or_minute"]
    for name in (
        "ip_role",
        "transport",
        "event",
        "account",
        "dest_ip",
        "time_end_raw",
        "checked_by",
        "clock",
    ):
        assert made[name] is None


def test_a_twelve_hour_time_without_am_or_pm_is_no_instant():
    made = reference(time="2026-11-03 08:14:05Z", clock="12")
    assert made["instant"] is None
    assert made["time_raw"] == "2026-11-03 08:14:05Z"
    assert "twelve_hour_ambiguous" in made["flags"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("9.9.9.9", "public_unicast"),
        ("0.1.2.3", "this_network"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public_unicast"),
        ("100.64.0.1", "cgnat_shared"),
        ("100.127.255.255", "cgnat_shared"),
        ("100.128.0.0", "public_unicast"),
        ("192.0.0.8", "ietf_protocol"),
        ("192.0.0.9", "public_unicast"),
        ("192.88.99.1", "deprecated_6to4"),
        ("198.19.0.1", "benchmark"),
        ("224.0.0.1", "multicast"),
        ("250.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "this_network"),
        ("::1", "loopback"),
        ("::2", "unallocated"),
        ("fe80::1", "link_local"),
        ("fd00::1", "private"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("2001:20::1", "public_unicast"),
        ("2001:2::1", "benchmark"),
        ("2001:100::1", "ietf_protocol"),
        ("2001::1", "teredo"),
        ("2001:200::1", "public_unicast"),
        ("2002::1", "6to4"),
        ("64:ff9b::a00:1", "nat64"),
        ("64:ff9b:1::1", "nat64_local"),
        ("5f00::1", "srv6"),
        ("100::1", "reserved"),
        ("2620:4f:8000::1", "as112_amt"),
        ("4000::1", "unallocated"),
        ("::ffff:1.2.3.4", "mapped"),
    ],
)
def test_the_longest_prefix_decides_the_class(address, kind):
    assert reference(address)["ip_class"] == kind


@pytest.mark.parametrize(
    ("address", "inner", "kind"),
    [
        ("::ffff:100.64.0.1", "100.64.0.1", "cgnat_shared"),
        ("64:ff9b::10.0.0.1", "10.0.0.1", "private"),
        ("2002:cb00:7107::1", "203.0.113.7", "documentation"),
        (
            "2001:0:4136:e378:8000:63bf:34ff:8ef8",
            "203.0.113.7",
            "documentation",
        ),
    ],
)
def test_an_embedded_address_is_shown_apart(address, inner, kind):
    made = reference(address)
    assert made["ip_embedded"] == {"ip": inner, "ip_class": kind}
    assert "ip_embedded" in made["flags"]


def test_shared_space_inside_another_address_is_flagged_too():
    assert "cgnat_likely" in reference("::ffff:100.64.0.1")["flags"]
    assert "cgnat_likely" in reference("100.64.0.1")["flags"]


@pytest.mark.parametrize(
    ("address", "text", "port"),
    [
        ("203.0.113.7:51234", "203.0.113.7", 51234),
        ("[2001:DB8::5]:443", "2001:db8::5", 443),
        ("[2001:db8::5]", "2001:db8::5", None),
        ("IPv6:2001:db8::5", "2001:db8::5", None),
        (" 203.0.113.7 ", "203.0.113.7", None),
        ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1", None),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", None),
        ("::ffff:cb00:7107", "::ffff:203.0.113.7", None),
        ("fe80::1%eth0", "fe80::1", None),
    ],
)
def test_addresses_as_people_write_them(address, text, port):
    made = reference(address)
    assert (made["ip_raw"], made["ip"], made["port"]) == (address, text, port)


@pytest.mark.parametrize(
    "address",
    [
        "010.0.0.1",
        "10.1",
        "0x7f.1",
        "1.2.3.4/24",
        "1.2.3.256",
        "٣.2.3.4",
        "host.example",
        "1.2.3.4:99999",
        "3232235777",
    ],
)
def test_what_does_not_parse_is_kept(address):
    made = reference(address)
    assert made["ip"] is None
    assert made["ip_raw"] == address
    assert "ip_unparsed" in made["flags"]


def test_a_name_is_told_from_an_address():
    assert "ip_hostname" in reference("gw-3.example.net")["flags"]
    assert "ip_hostname" not in reference("1.2.3.456")["flags"]


def test_a_port_without_brackets_is_not_guessed():
    assert "port_ambiguous" in reference("2001:db8::5:443")["flags"]
    assert reference("2001:db8::5:443")["port"] is None
    assert "port_ambiguous" in reference("2001:db8:0:0:0:0:0:1:443")["flags"]
    assert "port_ambiguous" not in reference("[2001:db8::5:443]:80")["flags"]


def test_an_address_made_from_hardware_is_flagged():
    assert "eui64_interface" in reference("2a00::211:22ff:fe33:4455")["flags"]


def test_an_end_before_its_beginning_is_flagged():
    assert "end_before_start" in reference(time_end="2026-11-03T20:14:04.9Z")["flags"]
    assert "end_before_start" not in reference(time_end="2026-11-03T20:14:05.1Z")["flags"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"address": ""}, "address"),
        ({"address": "  "}, "address"),
        ({"address": "1.2.3.4\n"}, "address"),
        ({"address": "\udcff"}, "address"),
        ({"time": ""}, "time"),
        ({"time_end": " "}, "end time"),
        ({"port": "0"}, "port"),
        ({"port": "65536"}, "port"),
        ({"port": "080"}, "port"),
        ({"port": "٨٠"}, "port"),
        ({"port": True}, "port"),
        ({"address": "203.0.113.7:80", "port": "81"}, "port"),
        ({"dest_address": "203.0.113.7:80", "dest_port": "81"}, "destination port"),
        ({"dest_address": ""}, "destination address"),
        ({"transport": "TCP/IP"}, "transport"),
        ({"role": "other:"}, "role"),
        ({"event": "hacking"}, "event"),
        ({"account": ""}, "account"),
        ({"note_source": "x" * 1001}, "note on the source"),
        ({"offset": "+1"}, "offset"),
    ],
)
def test_what_can_be_typed_again_is_refused(change, where):
    with pytest.raises(InputRefused) as caught:
        reference(**change)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "custody.ip-reference/2"},
        {"port": 0},
        {"port": 80.5},
        {"port": None},
        {"ip": None},
        {"ip": "2001:DB8::1"},
        {"ip_class": "public"},
        {"instant": "2026-11-03 20:14:05"},
        {"instant": None, "offset_origin": "guessed"},
        {"offset_origin": "none"},
        {"flags": ["looks_fine"]},
        {"recorder": "server_log"},
        {"transport": "other:"},
        {"more": 1},
    ],
)
def test_the_schema_refuses_what_the_code_never_makes(change):
    made = reference("9.9.9.9", port=80)
    assert not VALIDATOR.is_valid({**made, **change})
    for name in made:
        assert not VALIDATOR.is_valid({key: value for key, value in made.items() if key != name})


@given(st.integers(0, 2**128 - 1) | st.integers(0, 2**32 - 1) | st.integers(0, 2**16).map(lambda n: n << 64))
def test_canonical_text_reads_back_and_is_shortest(number):
    text = ip.canonical(6, number)
    assert int(ipaddress.IPv6Address(text)) == number
    if number >> 32 != 0xFFFF:
        assert text == str(ipaddress.IPv6Address(number))
    assert ip.canonical(4, number & 0xFFFFFFFF) == str(ipaddress.IPv4Address(number & 0xFFFFFFFF))


@given(
    st.text(max_size=60) | st.from_regex(r"[\[]?[0-9a-fA-F:.%]{1,50}[\]]?(:[0-9]{1,6})?", fullmatch=True),
    st.text(max_size=30),
)
def test_any_text_is_a_valid_record_or_refused(address, time):
    try:
        made = ip.ip_reference(address, time=time)
    except InputRefused:
        return
    VALIDATOR.validate(made)
    assert (made["ip_raw"], made["time_raw"]) == (address, time)
    json.dumps(made).encode()


@pytest.mark.parametrize(
    "value", [1.5, 2**53, -1, b"x", {"ä": 1}, {1: 1}, "\ud800", {"a": [{"b": 0.1}]}, object()]
)
def test_records_hold_only_what_has_a_canonical_form(value):
    with pytest.raises(FormatError):
        typed.record("custody.test/1", {"field": value})


def test_records_are_copies_and_not_endless():
    inner = ["a"]
    made = typed.record("custody.test/1", {"list": inner, "flag": True, "tuple": ("b",)})
    inner.append("later")
    assert made == {"schema": "custody.test/1", "list": ["a"], "flag": True, "tuple": ["b"]}
    deep: object = 1
    for _ in range(9):
        deep = [deep]
    with pytest.raises(FormatError):
        typed.record("custody.test/1", {"deep": deep})
    with pytest.raises(FormatError):
        typed.record("custody.test/1", {"schema": "x"})


def test_the_quick_way_and_the_library_agree():
    """Addresses written in the usual way are read without `ipaddress`: what it says of the same text must stand."""
    dice = random.Random(3)
    texts = {
        ":::",
        "::",
        ":",
        "1:2",
        "00001::",
        "1::2::3",
        "01.2.3.4",
        "1.2.3.256",
        "1.2.3",
        "1.2.3.4.5",
        "::1:2:3:4:5:6:7:8",
    }
    for _ in range(2000):
        texts.add(
            ".".join(
                str(dice.choice((0, 1, 10, 255, 256, 999, dice.randrange(256))))
                for _ in range(dice.choice((4, 4, 3, 5)))
            )
        )
        groups = [
            f"{dice.choice((0, 1, 0xFFFF, 0x2001, dice.randrange(70000))):x}"
            for _ in range(dice.choice((8, 8, 7, 3, 9)))
        ]
        at = dice.randrange(len(groups))
        texts |= {
            ":".join(groups),
            ":".join(groups[:at]) + "::" + ":".join(groups[at:]),
            ":".join(groups) + ":",
            ":" + ":".join(groups),
        }
    for text in texts:
        try:
            library = ipaddress.ip_address(text)
        except ValueError:
            assert ip.read_address(text).ip is None, text
        else:
            plain = ip._plain(text)
            assert plain == (library.version, int(library)), text
            assert ip.read_address(text).version == library.version


def test_the_spans_are_the_table():
    dice = random.Random(4)
    for version, bits in ((4, 32), (6, 128)):
        edges = {
            first + step
            for of, first, length, _ in ip._TABLE
            if of == version
            for step in (-1, 0, 1, (1 << bits - length) - 1, 1 << bits - length)
        }
        edges |= {dice.randrange(1 << bits) for _ in range(500)}
        for number in edges:
            if 0 <= number < 1 << bits:
                assert ip.classify(version, number) == ip._by_table(version, number)
