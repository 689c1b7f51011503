"""Every vector: what is given, which check runs, and what it must say. And all files come out the same again.

A reader in another language needs the functions below, nothing else, to run the same files.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custody.crypto import envelopes, keys, notes, public_keys, salts, sealing, wrapping
from custody.errors import CheckFailed, CustodyError, NoRight
from custody.format import canonical, contexts, merkle, messages, names, note, package, padding, proof, trust
from custody.format import entry as entries
from custody.format.text import check_digest, check_time, from_base64, lines_of
from custody.verify.rights import Rights
from tests import make_vectors

REPO = Path(__file__).resolve().parent.parent
FOLDER = REPO / "tests" / "vectors"
VECTORS = sorted(path for path in FOLDER.glob("*/*.json"))
W = "vector"

RUNS: dict[str, Callable[..., Any]] = {}


def run(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        RUNS[name] = function
        return function

    return add


def raw(value: dict[str, str] | str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes.fromhex(value["hex"]) if "hex" in value else value["utf8"].encode()


# --- canonical JSON, names, contexts, padding -------------------------------------------------------------

RUNS["canonical-json"] = lambda data: canonical.decode(raw(data), where=W)
RUNS["origin"] = lambda text: names.check_origin(text, where=W)
RUNS["id"] = lambda text: names.check_id(text, where=W)
RUNS["exhibit-label"] = lambda text: names.check_exhibit_label(text, where=W)
RUNS["item-label"] = lambda text: names.check_item_label(text, where=W)
RUNS["time"] = lambda text: check_time(text, where=W)
RUNS["digest"] = lambda text: check_digest(text, where=W)
RUNS["base64"] = lambda text: from_base64(text, where=W).hex()
RUNS["context-compartment"] = lambda values: contexts.compartment(*values).hex()
RUNS["context-object"] = lambda values: contexts.object_(*values).hex()
RUNS["context-wrap"] = lambda values: contexts.wrap(*values).hex()
RUNS["context-row"] = lambda values: contexts.row(*values).hex()
RUNS["padme"] = lambda length: padding.padme(length)
RUNS["unpad"] = lambda data: padding.unpad_compartment(raw(data), where=W)


# --- a chat's messages ------------------------------------------------------------------------------------


@run("message-leaf")
def _message_leaf(index: int, member: int, start: int, end: int, salts: str, fields: dict[str, str]) -> str:
    encoded = {name: value.encode() for name, value in fields.items()}
    return messages.leaf(index, member, start, end, bytes.fromhex(salts), encoded).hex()


@run("message-is")
def _message_is(leaf: str, **given: Any) -> None:
    if _message_leaf(**given) != leaf:
        raise CheckFailed("not this message", where=W)


@run("message-root")
def _message_root(leaves: list[str]) -> str:
    tree = messages.Tree()
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
    return tree.root().hex() if leaves else hashlib.sha256().hexdigest()


@run("message-salts")
def _message_salts(key: str, origin: str, item: str, index: int) -> str:
    return salts.message_salts(bytes.fromhex(key), origin, item, 96)(index).hex()


# --- sealing and keys -------------------------------------------------------------------------------------


@run("compartment-key")
def _compartment_key(class_key: str, origin: str, subject: str, n: int, compartment: str) -> str:
    return sealing.compartment_key(bytes.fromhex(class_key), origin, subject, n, compartment).hex()


@run("open-compartment")
def _open_compartment(key: str, origin: str, subject: str, n: int, compartment: str, sealed: str) -> Any:
    secret, data = bytes.fromhex(key), bytes.fromhex(sealed)
    context = contexts.compartment(origin, subject, n, compartment)
    value = sealing.open_compartment(secret, origin, subject, n, compartment, data, where=W)
    assert sealing.commits(secret, context, data)
    return value


@run("open-object")
def _open_object(key: str, origin: str, item: str, sealed: str) -> str:
    import hashlib

    data, context = base64.b64decode(sealed), contexts.object_(origin, item)
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    streamed = b"".join(sealing.open_stream(bytes.fromhex(key), context, pieces, where=W))
    assert streamed == sealing.open_(bytes.fromhex(key), context, data, where=W)
    return hashlib.sha256(streamed).hexdigest()


@run("unwrap")
def _unwrap(seed: str, origin: str, subject: str, recipient: str, classes: list[str], message: str) -> str:
    info = contexts.wrap(origin, subject, recipient, classes)
    return wrapping.unwrap(bytes.fromhex(seed), info, bytes.fromhex(message), where=W).hex()


@run("unwrap-row")
def _unwrap_row(**given: str) -> str:
    context = contexts.row(given["origin"], given["batch"], given["subject"], given["class"])
    return wrapping.unwrap_row(
        bytes.fromhex(given["key"]), context, bytes.fromhex(given["row"]), where=W
    ).hex()


@run("sign-key")
def _sign_key(key: str) -> None:
    keys.check_sign_key(bytes.fromhex(key), where=W)


RUNS["public-key-file"] = lambda data: public_keys.read(raw(data), W)[0].key_id


# --- entries and rights -----------------------------------------------------------------------------------


@run("entry")
def _entry(data: dict[str, str], key: str) -> str:
    entry, envelope = entries.read(raw(data), where=W)
    envelopes.verify(envelope, bytes.fromhex(key), where=W)
    entry.check_kind(where=W)
    return entry.kind


@run("compartment")
def _compartment(compartment: str, value: Any) -> None:
    entries.check_compartment(compartment, value, where=W)


class AtError(Exception):
    """An error, and the place in the list at which it came."""

    def __init__(self, place: int, error: CustodyError) -> None:
        super().__init__(f"{place}: {error}")
        self.place, self.error = place, error


@run("rights")
def _rights(entries_: list[dict[str, str]]) -> int:
    rights = Rights()
    for place, data in enumerate(entries_):
        try:
            entry, _ = entries.read(raw(data), where=W)
            entry.check_kind(where=W)
            reason = rights.why_not(entry)
            if reason is not None:
                raise NoRight(reason)
            rights.apply(entry)
        except CustodyError as error:
            raise AtError(place, error) from error
    return len(entries_)


# --- tree and note ----------------------------------------------------------------------------------------


@run("root")
def _root(entries_: list[str]) -> str:
    nodes: dict[tuple[int, int], bytes] = {}
    for size, entry in enumerate(entries_):
        for level, index, digest in merkle.new_nodes(
            size, merkle.leaf_hash(entry.encode()), lambda level, index: nodes[level, index]
        ):
            nodes[level, index] = digest
    return merkle.root(len(entries_), lambda level, index: nodes[level, index]).hex()


def head(size: int, root: str) -> note.Checkpoint:
    return note.Checkpoint(origin=make_vectors.ORIGIN, size=size, root=base64.b64decode(root))


def hashes_of(values: list[str]) -> list[bytes]:
    return [base64.b64decode(value) for value in values]


@run("inclusion")
def _inclusion(entry: dict[str, str] | str, index: int, size: int, root: str, path: list[str]) -> str:
    _, before = proof.check_inclusion(raw(entry), index, hashes_of(path), head(size, root))
    return before.hex()


@run("entry-in-tree")
def _entry_in_tree(entry: dict[str, str], index: int, size: int, root: str, path: list[str]) -> None:
    _, before = proof.check_inclusion(raw(entry), index, hashes_of(path), head(size, root))
    body, _ = entries.read(raw(entry), where=W)
    if body.root != before.hex():
        raise CheckFailed("the entry quotes another root than the tree had before it", where=W)


@run("consistency")
def _consistency(first: int, first_root: str, second: int, second_root: str, hashes: list[str]) -> None:
    proof.check_consistency(head(first, first_root), head(second, second_root), hashes_of(hashes))


RUNS["inclusion-lines"] = lambda data: [
    i for i, _ in proof.read_inclusion_lines(lines_of(raw(data), where=W), where=W)
]
RUNS["consistency-file"] = lambda data: proof.read_consistency(raw(data), where=W)[0]


@run("note")
def _note(data: dict[str, str], keys: dict[str, str], origin: str) -> dict[str, Any]:
    read = note.LogNote.from_bytes(raw(data), where=W)
    assert read.to_bytes() == raw(data)
    public = {name: base64.b64decode(key) for name, key in keys.items()}
    checkpoint = notes.verify(read, public, origin=origin, where=W)
    return {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}


# --- package and trust file -------------------------------------------------------------------------------


@run("contents")
def _contents(files: list[list[str]], keys: list[list[Any]]) -> str:
    return package.contents_digest([(a, b) for a, b in files], [(a, b, c) for a, b, c in keys])


RUNS["payload-path"] = lambda label, media_type: package.payload_path(label, media_type)
RUNS["shown"] = lambda data: [list(row) for row in package.read_shown(raw(data), where=W)]
RUNS["keys"] = lambda data: [list(row[:2]) for row in package.read_key_lines(raw(data), where=W)]
RUNS["statement"] = lambda data: len(package.Statement.from_bytes(raw(data), where=W).files)
RUNS["manifest"] = lambda data: len(package.read_manifest(raw(data), digits=64, where=W))
RUNS["trust-file"] = lambda data: [x.origin for x in trust.Trust.from_bytes(raw(data), where=W).ledgers]


# --- the tests --------------------------------------------------------------------------------------------


def ancestors(error: BaseException) -> set[str]:
    return {cls.__name__ for cls in type(error).__mro__}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_vector_does_what_it_says(path):
    vector = json.loads(path.read_bytes())
    assert set(vector) == {"about", "run", "given", "expect"}
    given, expect = vector["given"], vector["expect"]
    if "entries" in given:
        given["entries_"] = given.pop("entries")
    if "ok" in expect:
        assert RUNS[vector["run"]](**given) == expect["ok"]
        return
    with pytest.raises((CustodyError, AtError)) as caught:
        RUNS[vector["run"]](**given)
    error: BaseException = caught.value
    if isinstance(error, AtError):
        assert error.place == expect["at"]
        error = error.error
    assert expect["error"] in ancestors(error)
    assert expect["says"] in str(error)


def test_the_vectors_are_made_again_byte_for_byte(capsys):
    assert make_vectors.run(["--check"]) == 0, capsys.readouterr().out


def test_a_changed_a_missing_and_a_strange_vector_are_seen(tmp_path, capsys):
    assert make_vectors.run([], tmp_path) == 0
    assert make_vectors.run(["--check"], tmp_path) == 0
    changed = tmp_path / "padding/good.json"
    changed.write_bytes(changed.read_bytes() + b" ")
    (tmp_path / "padding/not-zero.json").unlink()
    (tmp_path / "padding/strange.json").write_text("{}")
    assert make_vectors.run(["--check"], tmp_path) == 1
    said = capsys.readouterr().out
    assert [name in said for name in ("good", "not-zero", "strange")] == [True] * 3


def test_every_folder_of_vectors_has_a_page():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    pages = {path.stem for path in (REPO / "docs/format").glob("*.md")}
    assert folders <= pages
    assert folders == set(make_vectors.FORMATS)


def test_every_run_is_used_and_fails_at_least_once():
    seen = [json.loads(path.read_bytes()) for path in VECTORS]
    assert {vector["run"] for vector in seen} == set(RUNS)
    only_good = {"root", "padme", "contents", "payload-path", "compartment-key"}
    only_good |= {
        "message-leaf",
        "message-root",
        "message-salts",
    }  # computed; what differs is told by message-is
    only_good |= {name for name in RUNS if name.startswith("context-")} - {"context-object"}
    assert {vector["run"] for vector in seen if "error" in vector["expect"]} == set(RUNS) - only_good
