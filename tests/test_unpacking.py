"""Logs that are kept packed: what is in them is read, and nothing that they claim is believed."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence import unpacking
from custody.evidence.export import Held
from custody.procedure import cases, derive, records
from custody.procedure.derive import Derived, NotRead, Wish
from custody.procedure.locker import Desk
from tests import desks

LINE = b'192.0.2.7 - - [03/Mar/2026:20:14:05 +0100] "GET / HTTP/1.1" 200 12 "-" "x"\n'


def unpacked(data: bytes) -> bytes:
    return b"".join(unpacking.gunzip(Held(data), where="x"))


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_members_follow_each_other(parts: list[bytes]) -> None:
    assert unpacked(b"".join(map(gzip.compress, parts)) + bytes(7)) == b"".join(parts)


@given(st.binary(max_size=300), st.integers(0, 60), st.integers(0, 255))
def test_damage_is_our_own_error_or_the_same_bytes(content: bytes, at: int, byte: int) -> None:
    packed = bytearray(gzip.compress(content))
    packed[at % len(packed)] = byte
    try:
        found = unpacked(bytes(packed))
    except InputRefused:
        return
    assert found == content  # bytes of the head that say nothing of the content (time, system)


def test_what_is_cut_off_is_refused() -> None:
    with pytest.raises(InputRefused, match="in the middle"):
        unpacked(gzip.compress(LINE * 100)[:-3])


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputRefused, match="beyond all measure"):
        unpacked(gzip.compress(bytes(50 << 20)))
    monkeypatch.setattr(unpacking, "MOST", 10)
    with pytest.raises(InputRefused, match="beyond all measure") as refused:
        unpacked(gzip.compress(b"x" * 11))
    assert refused.value.expected == "at most 10 bytes"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


def take(desk: Desk, folder: Path, name: str, data: bytes):
    case = cases.open_case(desk, "REF-1")
    return desks.take_in(desk, case, desks.put(folder / "in", {name: data}), derive=Wish()).items[0]


def test_a_rotated_log_is_read(desk: Desk, tmp_path: Path) -> None:
    packed = gzip.compress(LINE * 3)
    item = take(desk, tmp_path, "access.log.2.gz", packed)
    assert isinstance(item.derived, Derived)
    assert item.derived.records is not None
    assert item.derived.records.reader.name == "access-log"
    assert item.size == len(packed)
    _, lines = records.of_item(desk, desk.locker.work.items()[0], desks.WHY)
    found = [one for _, one in lines]
    assert [one["source"]["start"] for one in found if one["record"] == "row"] == [
        0,
        len(LINE),
        2 * len(LINE),
    ]
    assert found[0]["unpacked"] == "gzip"


def test_what_no_reader_claims_stays_packed_and_is_not_worked_on(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on = []
    monkeypatch.setattr(derive.Deriver, "_scratch", lambda self, pieces: worked_on.append(pieces))
    item = take(desk, tmp_path, "backup.gz", gzip.compress(random.Random(1).randbytes(3 << 20)))
    assert item.derived is None
    assert not worked_on


def test_a_packed_archive_is_no_log(desk: Desk, tmp_path: Path) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", format=tarfile.USTAR_FORMAT) as file:
        info = tarfile.TarInfo("access.log")
        info.size = len(LINE) * 50
        file.addfile(info, io.BytesIO(LINE * 50))
    item = take(desk, tmp_path, "logs.tar.gz", held.getvalue())
    assert not isinstance(item.derived, Derived)


def test_a_broken_one_is_in_and_that_is_told(desk: Desk, tmp_path: Path) -> None:
    item = take(desk, tmp_path, "access.log.gz", gzip.compress(LINE * 100)[:-3])
    assert isinstance(item.derived, NotRead)
    assert "in the middle" in item.derived.reason
    assert [row.label for row in desk.locker.work.items()] == ["A-1/01"]


def test_a_web_capture_is_read_as_it_is(desk: Desk, tmp_path: Path) -> None:
    body = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:0>\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    item = take(desk, tmp_path, "a.warc.gz", gzip.compress(body))
    assert isinstance(item.derived, Derived)
    assert item.derived.records is not None
    assert item.derived.records.reader.name == "warc"
