"""The log of a package as Go's own library for notes and transparency logs sees it: it must agree with custody.

tests/go/ is built on Debian's golang-golang-x-mod-dev, in GOPATH mode, without a network.
"""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.packages import Files, forger, put_together, take_apart, world
from tests.test_verify_attacks import ATTACKS, Attack

REPO = Path(__file__).resolve().parent.parent
VECTORS = REPO / "tests" / "vectors" / "tree-and-note"
GOPATH = Path("/usr/share/gocode")

pytestmark = pytest.mark.skipif(
    shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir(),
    reason="no Go with x/mod on this machine (Debian: golang-go, golang-golang-x-mod-dev)",
)


@functools.cache
def program() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="custody-go-"))
    # Nothing but what is installed: no modules, no network, no configuration of the person who runs the tests.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "GOPROXY": "off",
        "GOFLAGS": "",
        "GOENV": "off",
        "CGO_ENABLED": "0",
    }
    done = subprocess.run(
        ["go", "build", "-o", folder / "log", "."],
        cwd=REPO / "tests" / "go",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "log"


def judge(files: Files, folder: Path) -> tuple[int, str]:
    """Exit code and words of the program on a package's unzipped bag."""
    with zipfile.ZipFile(io.BytesIO(put_together(files))) as archive:
        archive.extractall(folder)
    done = subprocess.run(
        [program(), "bag", folder / "bag"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


NOT_ITS = {
    # Go's library knows nothing of the second line, of its order, or of how many lines there may be.
    "note-cosigned", "note-ed25519-line-twice", "note-keys-incomplete", "note-lines-swapped", "note-ml-dsa-bit",
    "note-ml-dsa-of-thief", "note-ml-dsa-other-key-id", "note-ml-dsa-time", "note-without-pq-line",
    # What an entry says of the record before it is no part of its proof.
    "entry-wrong-root",
    # RFC 6962 gives an empty tree a hash, Go 1.19's library none; no package has an empty record.
    "root-0",
}  # fmt: skip
RUNS = {"note", "inclusion", "entry-in-tree", "consistency", "consistency-file", "root"}


def test_every_vector_of_tree_and_note() -> None:
    vectors = {path.stem: json.loads(path.read_bytes()) for path in sorted(VECTORS.glob("*.json"))}
    mine = {name: vector for name, vector in vectors.items() if vector["run"] in RUNS}
    assert {vector["run"] for vector in vectors.values()} - RUNS == {"inclusion-lines"}
    done = subprocess.run(
        [program(), "vectors", *(VECTORS / f"{name}.json" for name in mine)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert len(said) == len(mine)
    for name, vector in mine.items():
        agrees = (said[f"{name}.json"] == "ok") == ("ok" in vector["expect"])
        assert agrees == (name not in NOT_ITS), f"{name}: {said[f'{name}.json']}"


@pytest.mark.parametrize("options", [{}, {"issued": [1, 2, 3, 8, 17, 24]}, {"stamped": None}])
def test_honest_packages(options: dict[str, object], tmp_path: Path) -> None:
    code, said = judge(forger().pack(**options), tmp_path)  # type: ignore[arg-type]
    assert code == 0, said
    assert "entries" in said


def test_the_export_of_a_locker(tmp_path: Path) -> None:
    code, said = judge(take_apart(world().honest), tmp_path)
    assert code == 0, said


FAULTS = [row for row in ATTACKS if row.check in ("note", "entries", "consistency") and row.exit_code == 1]
BEYOND = {
    # About the statement, the second line, or what an entry says: see docs/format/verify-by-hand.md for who looks.
    "statement-other-root", "note-without-ml-dsa", "entry-wrong-root", "entry-wrong-seq", "entry-of-other-ledger",
    "entry-impossible-day", "entry-month-13", "proofs-without-end", "proofs-out-of-order",
}  # fmt: skip


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.id)
def test_faults_of_the_log(row: Attack, tmp_path: Path) -> None:
    files, _ = row.make()
    assert isinstance(files, dict)
    code, said = judge(files, tmp_path)
    assert (code == 1) == (row.id not in BEYOND), said
    assert code in (0, 1)


def test_no_attack_is_forgotten() -> None:
    assert {row.id for row in FAULTS} >= BEYOND
    assert len(FAULTS) - len(BEYOND) >= 10
