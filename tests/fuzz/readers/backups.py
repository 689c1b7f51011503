"""Backups and the record's state on paper."""

from __future__ import annotations

import functools
import io

from custody.anchor import paper
from custody.crypto import envelopes, sealing, wrapping
from custody.crypto.keys import CustodianKeys
from custody.format import backup
from custody.format.note import Checkpoint
from custody.procedure.backup import open_head
from custody.vault import archive
from tests.fuzz.reader import NotTheSame, Reader, same

PERSON = CustodianKeys.from_recovery_seed(bytes(range(32)))
KEY = bytes(range(32))
ORIGIN = "custody/aebagbafaydqqcikbmga2dqpca"
BACKUP = "019cb6d0-0000-7000-8000-00000000000a"
CHECKPOINT = Checkpoint(origin=ORIGIN, size=412, root=bytes(range(32)))
OBJECT = "vault/" + "0f" * 32


@functools.cache
def _head() -> bytes:
    assert PERSON.wrap_seed is not None
    me = PERSON.sign.key_id
    message = wrapping.wrap(
        wrapping.wrap_key_of(PERSON.wrap_seed), backup.wrap_context(ORIGIN, BACKUP, me), KEY
    )
    head = backup.Head(
        backup=BACKUP,
        made="2026-03-04T05:06:07.890Z",
        volumes=(backup.Volume(origin=ORIGIN, size=412, root="0" * 64),),
        items=3,
        keys={me: message},
    )
    return envelopes.sign(backup.BACKUP_TYPE, head.to_bytes(), PERSON.sign).to_bytes()


def _backup_head(data: bytes) -> object:
    head, outer = backup.read_head(data, where="backup")
    same(outer.to_bytes(), data)
    same(head.to_bytes(), outer.payload)
    file = io.BytesIO(backup.MAGIC + len(data).to_bytes(4, "big") + data)
    same(open_head(file, PERSON, where="backup").key, KEY, "a key unwraps that nobody wrapped")
    return head


def _backup_file(data: bytes) -> object:
    return "opened" if open_head(io.BytesIO(data), PERSON, where="backup").key == KEY else "another key"


def _archive(data: bytes) -> object:
    """The input is the tar inside, sealed well whatever it is."""
    sealed = sealing.seal(KEY, b"context", data)
    names = []
    for name, size, file in archive.members(
        iter([sealed]), key=KEY, context=b"context", allowed=backup.MEMBER
    ):
        if not backup.MEMBER.fullmatch(name):
            raise NotTheSame(f"a member that no backup has: {name!r}")
        left = size
        while left > 0 and (piece := file.read(min(left, 1 << 16))):
            left -= len(piece)
        names.append(name)
    same(len(set(names)), len(names), "a member twice")
    return names


@functools.cache
def _tar() -> bytes:
    pieces: list[bytes] = []
    with archive.ArchiveWriter(
        lambda piece: pieces.append(bytes(piece)), key=KEY, context=b"context"
    ) as writer:
        for name, content in (
            ("ledger.sqlite", b"SQLite format 3\0" * 9),
            ("erasable.sqlite", b""),
            (OBJECT, b"x" * 700),
        ):
            writer.add(name, io.BytesIO(content), len(content))
    return b"".join(sealing.open_stream(KEY, b"context", iter(pieces), where="seed"))


def _tars() -> list[bytes]:
    import tarfile

    found = [_tar()]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            for name in ("ledger.sqlite", "n" * 300, "ë" * 90):
                info = tarfile.TarInfo(name)
                info.size = 3
                tar.addfile(info, io.BytesIO(b"abc"))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
            tar.addfile(link)
        found.append(out.getvalue())
    return found


def _paper(data: bytes) -> object:
    found = paper.read(data.decode("utf-8", "surrogateescape"), where="paper")
    same(paper.read("\n".join(paper.lines(found)), where="paper"), found)
    return found


READERS = (
    Reader(
        name="backup-head",
        about="a backup's head: the same bytes again, and the one key",
        covers=("custody.format.backup:read_head", "custody.procedure.backup:open_head"),
        read=_backup_head,
        seeds=lambda: [_head()],
        shape="json",
        limit=20_000,
    ),
    Reader(
        name="backup-file",
        about="a backup file up to its archive",
        covers=("custody.procedure.backup:open_head",),
        read=_backup_file,
        seeds=lambda: [backup.MAGIC + len(_head()).to_bytes(4, "big") + _head()],
        limit=20_000,
    ),
    Reader(
        name="backup-archive",
        about="the tar in a backup, sealed well whatever it is: plain files of names that a backup has",
        covers=("custody.vault.archive:members", "custody.procedure.backup:read_through"),
        read=_archive,
        seeds=_tars,
        limit=40_000,
    ),
    Reader(
        name="paper",
        about="the record's state typed off a letter: the same checkpoint again",
        covers=("custody.anchor.paper:read", "custody.procedure.paper:read"),
        read=_paper,
        shape="lines",
        seeds=lambda: [
            "\n".join(paper.lines(CHECKPOINT)).encode(),
            ("Dear\n" + "\n".join(paper.lines(CHECKPOINT)).upper()).encode(),
        ],
        limit=8_000,
    ),
)
