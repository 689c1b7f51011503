"""Whoever takes the disk away finds no content, no name, no source and no digest of a content."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
from pathlib import Path

import pytest

from custody import machine
from custody.procedure import cases, collect, items, lists, read, seal, sources
from custody.procedure.collect import Request
from tests import desks

MARKER = "Zebra-Quartz-7351-marker"


def spellings(text: bytes, digest: bytes) -> list[bytes]:
    """The marker, and the digest: raw, hex, base64 in its alphabets and without padding."""
    hexadecimal = digest.hex().encode()
    # Base64 of the marker at each of the three offsets at which it could stand in a longer text.
    shifted = [base64.b64encode(b"\0" * shift + text)[4:-4] for shift in range(3)]
    return [
        text,
        text.decode().encode("utf-16-le"),
        *shifted,
        digest,
        hexadecimal,
        hexadecimal.upper(),
        base64.b64encode(digest).rstrip(b"="),
        base64.urlsafe_b64encode(digest).rstrip(b"="),
    ]


class Watch:
    """Looks through every file of a locker and a temporary folder; counts how often it did."""

    def __init__(self, folders: list[Path], forbidden: list[bytes]) -> None:
        self.folders = folders
        self.forbidden = forbidden
        self.seen: set[str] = set()
        self.looks = 0

    def __call__(self, _point: str = "") -> None:
        self.looks += 1
        for folder in self.folders:
            for path, data in desks.all_bytes(folder):
                self.seen.add(path.suffix or path.name[:6])
                assert MARKER.encode() not in path.name.encode(), path
                for secret in self.forbidden:
                    assert secret not in data, (path, secret)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("size", [100, (1 << 20) + 100])
def test_neither_marker_nor_digest_is_on_the_disk_while_it_runs_or_after(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    data = MARKER.encode() * 3 + b"\n" * size
    digest = hashlib.sha256(data).digest()
    watch = Watch([tmp_path / "L", temporary], spellings(MARKER.encode(), digest))
    monkeypatch.setattr(machine, "at_point", watch)
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(
            tmp_path, tsa=[named], clock=clock, name=f"{MARKER} officer", organisation=MARKER
        )
        case = cases.open_case(desk, f"{MARKER} case", title=MARKER, legal_basis=MARKER)
        folder = desks.put(tmp_path / "src", {f"{MARKER}.txt": data, f"{MARKER} folder/second": data + b"2"})
        folder = folder.rename(tmp_path / f"src {MARKER}")
        record = {part: {"text": MARKER} for part in ("source", "place", "identity", "legal", "note")} | {
            "capture": {"method": MARKER}
        }
        done = collect.collect(
            desk,
            sources.look([folder, tmp_path / f"{MARKER} missing"]),
            Request(case=case, record=record, digests=("md5", "sha512")),
            workers=0,
            progress=lambda _: watch(),
        )
        assert (len(done.items), len(done.refused)) == (2, 1)
        assert done.sealed is not None
        assert len(done.sealed.tokens) == 1
        more = hashlib.md5(data, usedforsecurity=False).digest()
        watch.forbidden += [more, more.hex().encode(), hashlib.sha512(data).hexdigest().encode()]
        collect.collect(
            desk,
            sources.Found(given=(), sources=(), refused=()),
            Request(case=case, act="standard-input"),
            stream=io.BytesIO(data),
        )
        purpose = desks.Purpose(text=MARKER)
        fresh = desks.sit_down(desk)
        lists.list_items(fresh)
        assert lists.list_names(fresh, case, purpose)[0].name is not None
        lists.case_titles(fresh, purpose)
        lists.log(fresh, case=case, purpose=purpose)
        lists.todo(fresh, purpose=purpose)
        item = items.find_item(fresh, done.items[0].id)
        lists.show_item(fresh, item, purpose)
        read.read_to_stream(fresh, item, io.BytesIO(), purpose)
        read.read_to_file(fresh, item, tmp_path / "outside", purpose)
        read.read_done(fresh, items.find_item(fresh, item.id), purpose)
        cases.close_case(fresh, case, note=MARKER)
        seal.seal(fresh)
    watch()
    # The look was at the write-ahead logs, the databases and the vault, not past them.
    assert {".sqlite", ".sqlite-wal"} <= watch.seen
    assert watch.looks > 30
    desk.locker.close()
    fresh.locker.close()
    watch()
    assert list(temporary.iterdir()) == []


def test_the_look_finds_each_spelling(tmp_path: Path) -> None:
    """The test above can fail: each spelling put into the locker is found."""
    digest = hashlib.sha256(b"x").digest()
    every = spellings(MARKER.encode(), digest)
    for secret in every:
        (tmp_path / "file").write_bytes(b"before" + secret + b"after")
        with pytest.raises(AssertionError):
            Watch([tmp_path], every)()
    (tmp_path / "file").write_bytes(b"nothing")
    Watch([tmp_path], every)()
    (tmp_path / "file").write_bytes(base64.b64encode(b"some text, then " + MARKER.encode() + b", and more"))
    with pytest.raises(AssertionError):
        Watch([tmp_path], every)()


def test_the_key_file_holds_nothing_of_a_case(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    desks.case_with(desk, tmp_path / "src", {f"{MARKER}.txt": MARKER.encode()}, MARKER)
    for path, data in desks.all_bytes(tmp_path / "keys"):
        assert MARKER.encode() not in data, path
        assert desk.origin.encode() not in data, path
