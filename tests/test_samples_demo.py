from __future__ import annotations

import io
import ipaddress
import re
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence import sniff
from tests import make_samples

SAMPLES = make_samples.samples()
TYPES = {
    "README.txt": "text/plain",
    "access.log": "text/plain",
    "chat-export.zip": "application/zip",
    "screenshot-1.png": "image/png",
    "screenshot-2.png": "image/png",
}


def test_the_folder_holds_what_the_program_makes_and_nothing_else():
    found = {path.name: path.read_bytes() for path in make_samples.FOLDER.iterdir() if path.is_file()}
    found.pop("__init__.py", None)
    assert sorted(found) == sorted(SAMPLES)
    for name, data in SAMPLES.items():
        assert found[name] == data, f"{name} differs: run tests/make_samples.py"


def test_together_they_are_small():
    assert sum(map(len, SAMPLES.values())) < 100_000


@pytest.mark.parametrize("name", TYPES)
def test_each_is_what_its_name_says(name):
    data = SAMPLES[name]
    head, tail = data[: sniff.HEAD_SIZE], data[-sniff.TAIL_SIZE :]
    found = sniff.sniff(head, len(data), tail=tail, use_libmagic=False)
    assert found.media_type == TYPES[name]
    assert sniff.flags(head, tail, len(data), found.media_type, name.rpartition(".")[2]) == ()


def test_each_says_that_it_is_made_up():
    for name, data in SAMPLES.items():
        assert b"synthetic" in data.lower(), name
    with zipfile.ZipFile(io.BytesIO(SAMPLES["chat-export.zip"])) as archive:
        for member in archive.namelist():
            assert b"synthetic" in archive.read(member).lower(), member


def test_addresses_belong_to_nobody():
    nobody = [ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    nobody.append(ipaddress.ip_network("2001:db8::/32"))
    lines = SAMPLES["access.log"].decode().splitlines()
    assert len(lines) > 10
    for line in lines:
        address = ipaddress.ip_address(line.split(" ")[0])
        assert any(address in network for network in nobody)
        assert re.search(r"\[25/Mar/2026:\d\d:\d\d:\d\d \+0100\]", line)


def test_the_chat_is_whole_and_its_picture_is_inside():
    with zipfile.ZipFile(io.BytesIO(SAMPLES["chat-export.zip"])) as archive:
        assert archive.testzip() is None
        text, picture = archive.namelist()
        chat = archive.read(text).decode()
        assert f"{picture} (file attached)" in chat
        check_png(archive.read(picture))
    senders = set(re.findall(r"^\d\d/\d\d/\d{4}, \d\d:\d\d - ([^:\n]+): ", chat, re.MULTILINE))
    assert senders == {make_samples.ONE, make_samples.TWO}


@pytest.mark.parametrize("name", ["screenshot-1.png", "screenshot-2.png"])
def test_screenshots_are_pictures(name):
    assert check_png(SAMPLES[name]) == (360, 640)


def check_png(data: bytes) -> tuple[int, int]:
    at, chunks = 8, {}
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        chunks[kind] = body
        at += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (2, 3)
    points = zlib.decompress(chunks[b"IDAT"])
    assert len(points) == height * (1 + width // 4)
    assert len(set(points)) > 8  # something is drawn
    return width, height


@given(
    st.binary(max_size=2000) | st.lists(st.sampled_from([b"\x00", b"ab", b"\xff" * 300])).map(b"".join),
    st.integers(2, 250),
)
def test_our_own_deflate_is_read_by_zlib(data, stride):
    assert zlib.decompress(make_samples.deflated(data, stride=stride)) == data
