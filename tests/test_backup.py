"""Backup files: whoever has the key reads every byte back, nobody else any, and what is changed is found."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile

import pytest

from custody.crypto import sealing
from custody.errors import CustodyError, FormatError, InputRefused, NoRight
from custody.format import backup as formats
from custody.procedure import backup as backups
from custody.vault import archive
from tests import desks

NAMES = re.compile(r"[a-z]+(?:/[a-z]+)?")
KEY, CONTEXT = bytes(range(32)), b"a context"


def sealed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive as somebody with the key might make it by hand."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    return sealing.seal(KEY, CONTEXT, buffer.getvalue())


def read_all(data: bytes) -> list[tuple[str, bytes]]:
    pieces = iter([data[:1000], data[1000:]])
    return [(n, f.read(s)) for n, s, f in archive.members(pieces, key=KEY, context=CONTEXT, allowed=NAMES)]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, archive.PIECE, archive.PIECE * 2 + 7])
def test_what_goes_in_comes_out(size):
    out = io.BytesIO()
    data = os.urandom(size)
    with archive.ArchiveWriter(out.write, key=KEY, context=CONTEXT) as writer:
        writer.add("a", io.BytesIO(data), size)
        writer.add("b/c", io.BytesIO(b"second"), 6)
    assert read_all(out.getvalue()) == [("a", data), ("b/c", b"second")]


def test_an_archive_that_is_not_finished_does_not_open():
    out = io.BytesIO()
    with (
        contextlib.suppress(KeyboardInterrupt),
        archive.ArchiveWriter(out.write, key=KEY, context=CONTEXT) as w,
    ):
        w.add("a", io.BytesIO(bytes(3_000_000)), 3_000_000)
        raise KeyboardInterrupt
    with pytest.raises(CustodyError):
        read_all(out.getvalue())


def test_a_source_that_shrank_is_refused():
    made = archive.ArchiveWriter(lambda piece: None, key=KEY, context=CONTEXT)
    with pytest.raises(InputRefused, match="changed"), made as writer:
        writer.add("a", io.BytesIO(b"short"), 6)


def _info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "info",
    [
        _info("../a"),
        _info("/a"),
        _info("a\nb"),
        _info("A"),
        _info("a", tarfile.SYMTYPE, "b"),
        _info("a", tarfile.LNKTYPE, "b"),
        _info("a", tarfile.DIRTYPE),
        _info("a", tarfile.FIFOTYPE),
        _info("a", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name!r}-{info.type.decode()}",
)
def test_members_that_no_backup_has(info):
    with pytest.raises(FormatError, match="member that no backup has"):
        read_all(sealed((info, b"data")))


def test_a_member_twice_and_what_is_no_tar():
    with pytest.raises(FormatError, match="twice"):
        read_all(sealed((_info("a"), b"1"), (_info("a"), b"2")))
    with pytest.raises(CustodyError):
        read_all(sealing.seal(KEY, CONTEXT, b"not a tar at all" * 100))


@pytest.fixture
def desk(tmp_path):
    own = desks.new_locker(tmp_path)
    desks.case_with(own, tmp_path / "in", {"a.txt": b"alpha" * 100, "b.bin": os.urandom(70_000)})
    return own


def opened(path, keys):
    with path.open("rb") as file:
        head = backups.open_head(file, keys, where=path.name)
        return head, backups.read_through(file, head)


def test_a_backup_opens_for_every_custodian_and_is_logged(desk, tmp_path):
    own, _ = desks.add_person(desk, tmp_path / "second", rights=("collect",))
    stranger = desks.new_keys()
    collector, _ = desks.add_person(desk, tmp_path / "collector", collector=True, rights=("collect",))
    written = backups.write(desk, tmp_path / "backup")
    data = (tmp_path / "backup").read_bytes()
    assert (written.bytes, written.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert set(written.recipients) == {desk.key_id, own.key_id}
    for keys in (desk.keys, own.keys):
        assert opened(tmp_path / "backup", keys)[1] == 2
    for keys in (stranger, collector.keys):
        with pytest.raises(NoRight, match="not made for your key"):
            opened(tmp_path / "backup", keys)
    with desk.locker.ledger.reading() as view:
        rows = [stored.read().public for stored in view.entries() if stored.read().kind == "ledger.backed_up"]
    assert [row["result"] for row in rows] == ["started", "written"]
    assert rows[1]["sha256"] == written.sha256
    assert rows[0]["sha256"] is None


def test_unpacked_it_is_the_locker_at_the_stated_state(desk, tmp_path):
    written = backups.write(desk, tmp_path / "backup")
    target = tmp_path / "out"
    target.mkdir()
    with (tmp_path / "backup").open("rb") as file:
        backups.unpack(file, backups.open_head(file, desk.keys, where="b"), target)
    from custody.ledger.store import Ledger

    with Ledger(target / "ledger.sqlite").reading() as view:
        assert (view.size, view.root().hex()) == (written.head.newest.size, written.head.newest.root)
    assert {p.name for p in (target / "vault").iterdir()} == set(desk.locker.vault.objects())


def test_every_changed_byte_is_found(desk, tmp_path):
    backups.write(desk, tmp_path / "backup")
    data = (tmp_path / "backup").read_bytes()
    changed = tmp_path / "changed"
    step = max(1, len(data) // 150)
    for place in [*range(60), *range(60, len(data), step), len(data) - 1]:
        changed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(CustodyError):
            opened(changed, desk.keys)
    for end in (0, 10, 21, 400, len(data) // 2, len(data) - 1):
        changed.write_bytes(data[:end])
        with pytest.raises(CustodyError):
            opened(changed, desk.keys)
    changed.write_bytes(data + b"\0")
    with pytest.raises(CustodyError):
        opened(changed, desk.keys)


def test_nothing_of_the_evidence_is_legible(desk, tmp_path):
    secret = b"a sentence that nobody may read " * 9
    desks.take_in(
        desk, desk.locker.work.cases()[0].id, desks.put(tmp_path / "more", {"name-of-a-person.txt": secret})
    )
    backups.write(desk, tmp_path / "backup")
    data = (tmp_path / "backup").read_bytes()
    for word in (b"name-of-a-person", secret[:31], b"A. Investigator", b"SQLite format 3", b"ledger.sqlite"):
        assert word not in data
    assert hashlib.sha256(secret).hexdigest().encode() not in data


def test_outputs_that_are_refused_leave_nothing(desk, tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    with desk.locker.ledger.reading() as view:
        size = view.size
    for target in (tmp_path / "there", tmp_path / "no" / "folder", desk.locker.path / "backup"):
        with pytest.raises(InputRefused):
            backups.write(desk, target)
    with desk.locker.ledger.reading() as view:
        assert view.size == size
    assert (tmp_path / "there").read_bytes() == b"old"


def test_an_object_that_is_missing_is_said_and_no_file_is_left(desk, tmp_path):
    name = next(desk.locker.vault.objects())
    (desk.locker.vault.directory / name).unlink()
    with pytest.raises(CustodyError, match="missing"):
        backups.write(desk, tmp_path / "backup")
    assert not [p for p in tmp_path.iterdir() if "backup" in p.name]


def test_heads_that_are_refused(desk, tmp_path):
    written = backups.write(desk, tmp_path / "backup")
    value = json.loads(written.head.to_bytes())
    for change in ({"v": 2}, {"items": -1}, {"volumes": []}, {"made": "today"}, {"keys": value["keys"] * 2}):
        with pytest.raises(FormatError):
            _read_head({**value, **change})
    with pytest.raises(FormatError):
        _read_head({**value, "more": 1})


def _read_head(value):
    from custody.crypto import envelopes
    from custody.format import canonical

    signed = envelopes.sign(formats.BACKUP_TYPE, canonical.encode(value), desks.new_keys().sign)
    return formats.read_head(signed.to_bytes(), where="backup")
