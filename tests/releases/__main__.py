"""``python -m tests.releases [--draft]``: a plain package, an encrypted one, and a locker, by this version."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import custody
from custody.procedure import cases, export, seal, trust
from custody.procedure.setup import Recovery
from tests import desks
from tests.tamper.world import read

HERE = Path(__file__).resolve().parent
FILES: dict[str | bytes, bytes] = {
    "chat.txt": b"[03/01/26, 10:00] Mariana: I am at the station\n" * 20,
    "scan.bin": bytes(range(256)) * 3,
    "ключ 字.txt": b"a name that is not ASCII\n",
}


def make(target: Path, *, draft: bool) -> None:
    """Write one release's folder."""
    with tempfile.TemporaryDirectory(prefix="custody-release-") as scratch:
        folder = Path(scratch)
        clock = desks.Clock()
        with desks.authority(clock) as (_, named):
            desk = desks.new_locker(folder, how=Recovery(), tsa=[named], clock=clock)
            case = cases.open_case(desk, "REF-1")
            taken = desks.take_in(desk, case, desks.put(folder / "in", FILES), exhibit="A-1")
            read(desk, case)
            clock.forward(hours=1)
            seal.seal(desk)
            choice = export.Choice(case=case)
            plain = export.export(desk, choice, folder / "plain.zip", purpose="disclosure", plain=True)
            wrapped = export.export(desk, choice, folder / "encrypted.zip", purpose="disclosure")
            clock.forward(hours=1)
            seal.seal(desk)
        trust_file = trust.from_locker(desk.locker)
        desk.locker.close()
        for name in ("ledger.sqlite", "erasable.sqlite"):
            with closing(sqlite3.connect(folder / "L" / name)) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        shutil.copy(folder / "plain.zip", target / "package.zip")
        shutil.copy(folder / "encrypted.zip", target / "package-encrypted.zip")
        (target / "trust.json").write_bytes(trust_file.to_bytes())
        with tarfile.open(target / "locker.tar.xz", "w:xz") as archive:
            for name in ("L/ledger.sqlite", "L/erasable.sqlite", "L/vault", "keys/first"):
                archive.add(folder / name, arcname=name, filter=_nobody)
        about = {
            "version": custody.__version__,
            "draft": draft,
            "passphrase": wrapped.passphrase,
            "key_passphrase": desks.PASSPHRASE.decode(),
            "fingerprint": " ".join(plain.fingerprint),
            "roots": [base64.b64encode(root).decode() for root in named.roots],
            "items": {item.label: item.sha256 for item in taken.items},
        }
        (target / "about.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _nobody(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """No name or time of the machine that made it."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


def main(arguments: list[str]) -> int:
    """Give the exit code."""
    target = HERE / custody.__version__
    if target.exists():
        about = json.loads((target / "about.json").read_text("utf-8"))
        if not about["draft"] or "--draft" not in arguments:
            sys.stdout.write(f"{target.name} is there: what a release wrote is never made anew\n")
            return 1
    make(target, draft="--draft" in arguments)
    sizes = {path.name: path.stat().st_size for path in sorted(target.iterdir())}
    sys.stdout.write(f"wrote {target.name}: {sizes}, {sum(sizes.values())} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
