"""Zips that somebody else made: what they state is doubted, what they hold comes out exactly or not at all."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from custody.errors import InputRefused
from custody.evidence import archive
from custody.evidence.archive import Archive
from custody.evidence.export import Held
from custody.vault import scratch
from custody.vault.scratch import Scratch


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as file:
        for name, data in files:
            file.writestr(zipfile.ZipInfo(name, (2022, 3, 4, 5, 6, 8)), data, method)
    return bytearray(held.getvalue())


def opened(data: bytes) -> Archive:
    return Archive(Held(bytes(data)), where="x.zip")


def central(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def test_members_come_out_as_they_went_in() -> None:
    found = opened(zipped(("a/b.txt", b"one" * 999), ("c", b"")))
    assert [(one.name, one.size, one.modified) for one in found.entries] == [
        ("a/b.txt", 2997, "2022-03-04 05:06:08"),
        ("c", 0, "2022-03-04 05:06:08"),
    ]
    assert b"".join(found.pieces(0)) == b"one" * 999
    assert b"".join(found.pieces(1)) == b""


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs", "C:\\x", "a\\..\\b", "\u202egpj.exe", "x" * 5000, "con", ""]
)
def test_names_are_only_texts(name: str) -> None:
    found = opened(zipped((name, b"x"), method=zipfile.ZIP_STORED))
    assert len(found.entries) == 1
    assert b"".join(found.pieces(0)) == b"x"


def test_one_name_twice_is_two_members() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("a", b"1"), ("a", b"2"))
    assert [b"".join(opened(data).pieces(at)) for at in (0, 1)] == [b"1", b"2"]


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"not a zip at all" * 9, b"PK\x05\x06", b"PK\x03\x04" + bytes(99)]
)
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(InputRefused):
        opened(data)


def test_an_encrypted_member_is_told_and_not_asked_for() -> None:
    data = zipped(("a", b"secret"))
    data[central(data) + 8] |= 1
    found = opened(data)
    assert found.entries[0].problem == "encrypted"
    with pytest.raises(InputRefused, match="encrypted"):
        list(found.pieces(0))


def test_a_changed_byte_is_found_by_the_checksum() -> None:
    data = zipped(("a", b"some text that is stored"), method=zipfile.ZIP_STORED)
    data[40] ^= 1
    with pytest.raises(InputRefused, match="damaged"):
        list(opened(data).pieces(0))


def test_a_member_longer_than_it_states_gives_no_more() -> None:
    data = zipped(("a", b"x" * 4000))
    at = central(data) + 24
    data[at : at + 4] = struct.pack("<I", 100)
    with pytest.raises(InputRefused):
        list(opened(data).pieces(0))


def test_a_bomb_is_told_before_it_is_unpacked() -> None:
    data = zipped(("a", b"\0" * 4_000_000))
    at = central(data) + 24
    data[at : at + 4] = struct.pack("<I", 4_000_000_000)
    problem = opened(data).entries[0].problem
    assert problem is not None
    assert "bomb" in problem


def test_overlapping_members_are_told() -> None:
    data = zipped(("a", b"x" * 50), ("b", b"y" * 50), method=zipfile.ZIP_STORED)
    second = data.index(b"PK\x01\x02", central(data) + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    assert {one.problem for one in opened(data).entries} == {"overlaps another member"}


def test_too_many_members_are_refused_by_what_the_end_says(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped(*((str(at), b"") for at in range(30)))
    monkeypatch.setattr(archive, "MAX_MEMBERS", 29)
    with pytest.raises(InputRefused, match=r"too large a list|too many"):
        opened(data)


# Scratch


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 3 << 20])
def test_scratch_gives_every_range_back(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "IN_MEMORY", 100)
    data = bytes(at * 7 % 251 for at in range(min(size, 5000))) * (size // 5000 + 1)
    data = data[:size]
    pieces = [data[at : at + 777] for at in range(0, size, 777)]
    with Scratch(iter(pieces), folder=tmp_path, key=bytes(range(32))) as held:
        assert held.size == size
        for start, end in (
            (0, size),
            (1, 5),
            (15, 17),
            (16, 32),
            (size - 1, size + 99),
            (size, size),
            (99, 3333),
        ):
            assert held.read(max(0, start), end) == data[max(0, start) : end]
        assert list(tmp_path.iterdir()) == []


def test_scratch_on_a_disk_is_not_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(scratch, "IN_MEMORY", 10)
    words = b"words that nobody may find on this disk " * 40_000
    with Scratch(iter([words]), folder=tmp_path, key=bytes(32)) as held:
        assert held._descriptor is not None
        on_disk = os.pread(held._descriptor, len(words), 0)
        assert len(on_disk) == len(words)
        assert b"nobody" not in on_disk
        assert held.read(0, len(words)) == words


def test_what_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "IN_MEMORY", 10)

    def pieces():  # type: ignore[no-untyped-def]
        yield bytes(5 << 20)
        raise InputRefused("made up")

    with pytest.raises(InputRefused, match="made up"):
        Scratch(pieces(), folder=tmp_path, key=bytes(32))
    assert list(tmp_path.iterdir()) == []
