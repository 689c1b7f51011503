"""The independent script judges as custody does: on every vector that applies, on whole packages, on faulted ones.

What it does not look at stands in docs/format/verify-by-hand.md, in a table that is read here: a fault that the page
does not name must be found by the script too, and one that it names must really pass.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tokenize
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from custody.format import package, words
from custody.procedure import export as exporting
from custody.verify.report import Outcome
from tests import desks
from tests.by_hand import verify_by_hand as hand
from tests.packages import forger, look, put_together, rebag, resign, take_apart, world
from tests.test_verify_attacks import ATTACKS, Attack

REPO = Path(__file__).resolve().parent.parent
SCRIPT = REPO / "tests" / "by_hand" / "verify_by_hand.py"
PAGE = REPO / "docs" / "format" / "verify-by-hand.md"
WORDS = REPO / "custody" / "format" / "words_english.txt"
VECTORS = sorted((REPO / "tests" / "vectors").glob("*/*.json"))

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")


@functools.cache
def root_file() -> Path:
    path = world().folder / "root-for-openssl.pem"
    path.write_bytes(x509.load_der_x509_certificate(world().root).public_bytes(Encoding.PEM))
    return path


def judge(data: bytes, folder: Path) -> int:
    """The number of faults that the script finds."""
    (folder / "package.zip").write_bytes(data)
    return hand.verify(folder / "package.zip", str(WORDS), str(root_file()))


# What it is


def test_it_is_short_and_takes_nothing_of_ours() -> None:
    tree = ast.parse(SCRIPT.read_bytes())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"cryptography"}
    beside = {line for node in imports for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    docstring = tree.body[0]
    beside |= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    with SCRIPT.open("rb") as file:
        code = {
            line
            for token in tokenize.tokenize(file.readline)
            if token.type not in _NO_CODE
            for line in range(token.start[0], token.end[0] + 1)
        }
    assert len(code - beside) <= 200


_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip


def test_an_item_that_was_only_registered_has_no_file(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "in", {"kept.txt": b"kept"})
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"not.jpg": b"not kept"}), register=True)
    output = tmp_path / "package"
    exporting.export(desk, exporting.Choice(case=case), output, purpose="a test", plain=True, stamped=False)
    assert look(output.read_bytes()).intact
    assert judge(output.read_bytes(), tmp_path) == 0
    files = take_apart(output.read_bytes())
    files["data/A-2/001.bin"] = b"not kept"
    assert judge(put_together(resign(files, desk.keys.sign)), tmp_path) == 1


@needs_openssl
def test_it_runs_alone(tmp_path: Path) -> None:
    """As an expert runs it: its own process, another folder, nothing of ours to import."""
    (tmp_path / "package.zip").write_bytes(world().honest)
    shutil.copy(SCRIPT, tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT.name, "package.zip", WORDS, root_file()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAULT" not in done.stdout
    assert " ".join(words.encode(world().desk.locker.genesis_leaf[:16])) in done.stdout
    assert re.search(r"^ok +custody/log/[0-9]+\.tsr", done.stdout, re.MULTILINE)
    (tmp_path / "package.zip").write_bytes(world().honest[:-1])
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT.name, "package.zip"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")


def test_without_a_root_or_with_another_one_a_token_is_not_said_to_be_fine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "package.zip").write_bytes(world().honest)
    assert hand.verify(tmp_path / "package.zip") == 0
    said = capsys.readouterr().out
    assert re.search(r"^\? +custody/log/[0-9]+\.tsr", said, re.MULTILINE)
    assert not re.search(r"^ok .*tsr", said, re.MULTILINE)


# Whole packages


@needs_openssl
@pytest.mark.parametrize(
    "options", [{}, {"issued": [1, 5, 10]}, {"show": ("content",)}, {"show": ("content", "handling", "note")}]
)
def test_honest_packages(options: dict[str, Any], tmp_path: Path) -> None:
    made = forger()
    data = put_together(made.pack(**options))
    assert look(data, made.trust()).exit_code == 0
    assert judge(data, tmp_path) == 0


@needs_openssl
def test_the_demo_s_packages(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "custody", "demo", tmp_path / "d"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert hand.verify(tmp_path / "d" / "package.zip", str(WORDS)) == 0
    assert hand.verify(tmp_path / "d" / "tampered.zip", str(WORDS)) > 0


def test_a_second_volume_is_a_fault_to_it_as_the_page_says(tmp_path: Path) -> None:
    """Never silently half of a record."""
    files = take_apart(world().honest)
    moved = {
        path.replace("custody/entries/", "custody/volumes/1/entries/"): data for path, data in files.items()
    }
    assert judge(put_together(rebag({**files, **moved})), tmp_path) > 0
    assert any("new volume" in what for what in not_covered())


# One-fault packages


def not_covered() -> dict[str, set[str]]:
    """By the page's table: what the script does not look at, and the attacks that pass for that."""
    text = PAGE.read_text("utf-8").partition("## What the script does not look at")[2]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)[1:]
    return {what: set(re.findall(r"`([a-z0-9-]+)`", attacks)) for what, _, attacks in rows}


@needs_openssl
@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.id)
def test_it_judges_attacks_as_custody_does(row: Attack, tmp_path: Path) -> None:
    files, _ = row.make()
    faults = judge(files if isinstance(files, bytes) else put_together(files), tmp_path)
    agrees = (faults == 0) == (row.exit_code in (0, 6))
    outside = set().union(*not_covered().values())
    assert agrees == (row.id not in outside), f"{faults} faults, custody verify ends with {row.exit_code}"


def test_the_page_names_only_attacks_that_exist() -> None:
    table = not_covered()
    assert len(table) >= 8
    assert set().union(*table.values()) <= {row.id for row in ATTACKS}


@needs_openssl
def test_a_flipped_bit_anywhere_is_seen_by_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In every file of the package, with the manifests made to fit: what needs no key.

    A token whose certificate was changed is one of nobody's to openssl, as one of a stranger: “?”, never “ok”.
    """
    files = take_apart(world().honest)
    for path in files:
        if path in ("manifest-sha256.txt", "manifest-sha512.txt") or path.startswith(("tagmanifest", "../")):
            continue
        data = files[path]
        place = len(data) // 2
        changed = {**files, path: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]}
        whole = put_together(rebag(changed))
        capsys.readouterr()
        faults = judge(whole, tmp_path)
        nobodys = path.endswith(".tsr") and f"?      {path} over" in capsys.readouterr().out
        assert faults > 0 or nobodys, path
        assert look(whole, world().trust()).exit_code == 1, path


@needs_openssl
def test_another_file_under_a_contents_digest_that_fits_it(tmp_path: Path) -> None:
    """The one lie that only the part `content` tells: everything else was logged and signed for the false file."""
    made = forger()
    before = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a1")
    keys = package.read_key_lines(before[package.KEYS], where="keys")
    item = str(world().items[0].id)
    made.world = replace(world(), contents={**world().contents, item: b"another chat"})
    path = next(
        path for path, data in before.items() if path.startswith("data/") and data == world().contents[item]
    )
    rows = [
        (name, hashlib.sha256(b"another chat" if name == path else data).hexdigest())
        for name, data in before.items()
        if name.startswith("data/")
    ]
    digest = package.contents_digest(rows, keys)
    data = put_together(made.pack(made=lambda public: public.update(contents=digest)))
    report = look(data, made.trust())
    assert {f.check for f in report.findings if f.outcome is Outcome.FAILED} == {"content"}
    assert judge(data, tmp_path) == 1


# Vectors


def raw(value: dict[str, str] | str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes.fromhex(value["hex"]) if "hex" in value else value["utf8"].encode()


def hashes_of(values: list[str]) -> list[bytes]:
    return [base64.b64decode(value) for value in values]


def _entry(data: dict[str, str], key: str) -> str:
    body, _, check = hand.entry(raw(data))
    check(bytes.fromhex(key))
    return str(body["kind"])


def _in_tree(entry: dict[str, str], index: int, size: int, root: str, path: list[str]) -> None:
    before = hand.included(raw(entry), index, size, base64.b64decode(root), hashes_of(path))
    hand.need(hand.entry(raw(entry))[0]["root"] == before, "quotes another root")


def _consistency(first: int, first_root: str, second: int, second_root: str, hashes: list[str]) -> None:
    roots = base64.b64decode(first_root), base64.b64decode(second_root)
    hand.consistent(first, roots[0], second, roots[1], hashes_of(hashes))


def _note(data: dict[str, str], keys: dict[str, str], origin: str) -> dict[str, Any]:
    size, root = hand.note(raw(data), {name: base64.b64decode(key) for name, key in keys.items()}, origin)
    return {"size": size, "root": base64.b64encode(root).decode()}


def _open(key: str, origin: str, subject: str, n: int, compartment: str, sealed: str) -> Any:
    return hand.unseal(bytes.fromhex(key), origin, subject, n, compartment, bytes.fromhex(sealed))


def _contents(files: list[Any], keys: list[Any]) -> str:
    return str(hand.sha(hand.jcs({"files": sorted(files), "keys": sorted(keys)}).encode()))


RUNS: dict[str, Any] = {
    "canonical-json": lambda data: hand.canonical(raw(data)),
    "base64": lambda text: hand.b64(text).hex(),
    "unpad": lambda data: hand.unpad(raw(data)),
    "open-compartment": _open,
    "entry": _entry,
    "inclusion": lambda entry, index, size, root, path: hand.included(
        raw(entry), index, size, base64.b64decode(root), hashes_of(path)
    ),
    "entry-in-tree": _in_tree,
    "consistency": _consistency,
    "inclusion-lines": lambda data: list(hand.proof_lines(raw(data))),
    "consistency-file": lambda data: hand.consistency_file(raw(data))[0],
    "note": _note,
    "contents": _contents,
}

OTHER = {
    # Spellings of names, and shapes of fields: judged by custody verify, by its schemas; not by the script.
    "origin", "id", "exhibit-label", "item-label", "time", "digest", "compartment", "shown", "keys", "statement",
    "manifest", "payload-path",
    # What no package has: wraps, objects in a vault, key files, trust files, contexts of other uses; rights.
    "context-compartment", "context-object", "context-wrap", "context-row", "padme", "compartment-key",
    "open-object", "unwrap", "unwrap-row", "sign-key", "public-key-file", "rights", "root", "trust-file",
    # A chat's message tree: no package shows single messages yet.
    "message-leaf", "message-is", "message-root", "message-salts",
}  # fmt: skip

SHAPES = {
    # Entries whose one fault is the shape of a field, or what their kind may hold: as in the page's table.
    "entry/approval-not-asked-for",
    "entry/compartment-inline",
    "entry/compartment-missing",
    "entry/compartment-not-allowed",
    "entry/compartment-unknown",
    "entry/draft-kind",
    "entry/ledger-not-an-origin",
    "entry/mono-leading-zero",
    "entry/public-extra-field",
    "entry/public-label-a-name",
    "entry/public-missing-field",
    "entry/public-size-float-as-text",
    "entry/public-wrapped-twice",
    "entry/root-upper-case",
    "entry/seq-negative-as-text",
    "entry/subject-id-version-4",
    "entry/subject-of-another-type",
    "entry/subject-type-unknown",
    "entry/time-of-boot",
    "entry/time-with-offset",
    "entry/unknown-kind",
}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_vectors(path: Path) -> None:
    vector = json.loads(path.read_bytes())
    if vector["run"] not in RUNS:
        assert vector["run"] in OTHER
        return
    try:
        found: Any = {"ok": RUNS[vector["run"]](**vector["given"])}
    except Exception:  # noqa: BLE001 — the script's own step takes every one
        found = {}
    expect = vector["expect"]
    if f"{path.parent.name}/{path.stem}" in SHAPES:
        assert found, "no longer beyond the script: take it out of SHAPES"
    elif "ok" in expect:
        assert found == {"ok": expect["ok"]}
    else:
        assert not found


def test_no_run_is_forgotten() -> None:
    seen = {json.loads(path.read_bytes())["run"] for path in VECTORS}
    assert seen == RUNS.keys() | OTHER
    assert not RUNS.keys() & OTHER
