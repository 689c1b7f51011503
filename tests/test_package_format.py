"""What is written in a package in one spelling is read in that one alone; and where its files lie."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import backup, contexts, package
from custody.format.envelope import Envelope
from custody.format.text import to_base64
from custody.verify.zip_names import check_name, check_names

IDS = [f"019cb6d0-0000-7000-8000-0000000000a{n}" for n in range(5)]
D = [f"{n:02x}" * 32 for n in range(10, 16)]
ORIGIN = "custody/" + "a" * 26
KEY = to_base64(bytes(32))


def spoiled(data: bytes, change: Callable[[Any], object]) -> bytes:
    """A canonical value with a change, canonical again."""
    changed = change(json.loads(data))
    return json.dumps(
        changed, separators=(",", ":"), sort_keys=True
    ).encode()  # also what ours refuses to write


# Where files lie

AWKWARD = st.sampled_from(
    [f"{base}{end}/0{n}" for base in ("CON", "AUX", "NUL", "PRN", "COM0", "COM1", "LPT9", "LPT0", "COM10", "A")
     for end in ("", ".", ".A", "..", "-A", ".A.") for n in (1, 2)]
)  # fmt: skip


@given(st.lists(AWKWARD, unique=True, max_size=8))
def test_every_item_has_a_place_of_its_own_that_every_system_can_have(labels: list[str]) -> None:
    """What an export writes, the container's reader must take: an exhibit named COM1.A could not be exported."""
    paths = [f"{package.ROOT}{package.payload_path(label, 'text/plain')}" for label in labels]
    for path in paths:
        check_name(path)
    check_names(paths)


@pytest.mark.parametrize(
    ("label", "stem"),
    [
        ("A-3/01", "data/A-3/001"),
        ("A-3/7", None),
        ("A-3/1000", "data/A-3/1000"),
        ("A-3/01.1.12", "data/A-3/001.1.12"),
        ("CON/02", "data/CON_/002"),
        ("LPT9/02", "data/LPT9_/002"),
        ("COM0.X/02", "data/COM0_.X/002"),
        ("COM10/02", "data/COM10/002"),
        ("NUL./02", "data/NUL_._/002"),
        ("A.CON/02", "data/A.CON/002"),
        ("CON-A/02", "data/CON-A/002"),
        ("A./02", "data/A._/002"),
        ("A-3", None),
        ("a-3/01", None),
        ("../01", None),
        ("A-3/01/02", None),
    ],
)
def test_where_an_item_lies(label: str, stem: str | None) -> None:
    if stem is None:
        with pytest.raises(FormatError):
            package.payload_stem(label)
    else:
        assert package.payload_stem(label) == stem


@pytest.mark.parametrize(
    ("media_type", "ending"),
    [
        ("text/plain", "txt"),
        ("IMAGE/JPEG", "jpg"),
        ("application/vnd.custody.chat+jsonl;v=1", "jsonl"),
        ("made/up", "bin"),
        ("text/plain; charset=utf-8", "bin"),
        ("", "bin"),
    ],
)
def test_an_ending_is_of_the_media_type_alone(media_type: str, ending: str) -> None:
    path = package.payload_path("A-1/01", media_type)
    assert path == f"data/A-1/001.{ending}"
    assert package.PAYLOAD_ENDING.fullmatch(path.removeprefix("data/A-1/001"))


def test_every_ending_of_the_table_is_one() -> None:
    for media_type, ending in package._EXTENSIONS.items():
        assert media_type == media_type.lower()
        assert re.fullmatch(r"[a-z0-9]{1,8}", ending)


NAMES: dict[re.Pattern[str], tuple[str, list[str]]] = {
    package.NOTE_NAME: ("custody/log/12.note", ["custody/log/012.note", "custody/log/-1.note"]),
    package.TOKEN_NAME: ("custody/log/12.tsr", ["custody/log/12.1.tsr", "custody/log/12.100.tsr"]),
    package.CONSISTENCY_NAME: ("custody/consistency/12.txt", ["custody/consistency/0.txt"]),
    package.ENTRY_NAME: ("custody/entries/12.json", ["custody/entries/00.json", "custody/entries/1e3.json"]),
}


@pytest.mark.parametrize("pattern", NAMES, ids=lambda p: p.pattern[-20:])
def test_a_volumes_files_have_one_name_each(pattern: re.Pattern[str]) -> None:
    good, bad = NAMES[pattern]
    found = pattern.fullmatch(good)
    assert found is not None
    assert (found[1], int(found[2])) == (package.volume_folder(None), 12)
    for number in (1, 9, 99):
        folder = package.volume_folder(number)
        inside = good.replace("custody/", folder, 1)
        found = pattern.fullmatch(inside)
        assert found is not None
        assert (found[1], int(found[2])) == (folder, 12)
    for other in (
        "custody/volumes/0/",
        "custody/volumes/01/",
        "custody/volumes/100/",
        "custody/volumes/",
        "x/",
    ):
        assert not pattern.fullmatch(good.replace("custody/", other, 1))
    for name in [*bad, good + "\n", good.replace("12", "12345678901234567"), good.replace("12", "\u0661")]:
        assert not pattern.fullmatch(name), name


def test_where_a_volume_lies() -> None:
    assert package.volume_folder(None) == "custody/"
    assert package.volume_folder(7) == "custody/volumes/7/"


def test_a_second_token_over_a_note_is_told_by_its_number() -> None:
    found = package.TOKEN_NAME.fullmatch("custody/log/12.99.tsr")
    assert found is not None
    assert found[3] == "99"


@pytest.mark.parametrize(
    ("path", "unsigned"),
    [
        (package.STATEMENT, True),
        ("tagmanifest-sha256.txt", True),
        ("tagmanifest-sha512.txt", True),
        ("custody/log/3.tsr", True),
        ("custody/log/3.2.tsr", True),
        ("custody/log/3.cosigned", True),
        ("custody/volumes/7/log/3.tsr", True),
        ("custody/log/3.note", False),
        ("custody/log/3.tsr.json", False),
        ("custody/entries/3.tsr", False),
        ("custody/volumes/100/log/3.tsr", False),
        ("manifest-sha256.txt", False),
        ("data/A-1/001.tsr", False),
        ("data/custody/log/3.tsr", False),
    ],
)
def test_what_the_statement_can_not_cover(path: str, unsigned: bool) -> None:
    """All else must stand in it: every file more is one that could be exchanged."""
    assert package.is_unsigned(path) is unsigned


def test_what_is_shown_and_what_is_not_has_no_part_twice() -> None:
    assert not set(package.DEFAULT_SHOWN) & set(package.WITHHELD_UNLESS_SHOWN)


# What is bound


def test_contents_are_bound_whatever_order_they_come_in() -> None:
    files = [("data/B/001.txt", D[0]), ("data/A/001.txt", D[1])]
    keys = [(10, "name", KEY), (2, "content", KEY), (2, "capture", KEY)]
    value = {"files": sorted(map(list, files)), "keys": sorted(map(list, keys))}
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert package.contents_digest(files, keys) == expected
    assert package.contents_digest(files[::-1], keys[::-1]) == expected
    others = {
        package.contents_digest(files[:1], keys),
        package.contents_digest(files, keys[:1]),
        package.contents_digest([(files[0][0], D[2]), files[1]], keys),
        package.contents_digest(files, [(11, "name", KEY), *keys[1:]]),
        expected,
    }
    assert len(others) == 5


# Lists in one spelling

ROWS: list[package.Row] = [
    ("person", IDS[2], 0, D[1]),
    ("ledger", IDS[0], 7, D[0]),
    ("case", IDS[3], 3, D[2]),
    ("exhibit", IDS[1], 2**53 - 1, D[3]),
]


def test_shown_is_written_by_id_and_read_back() -> None:
    data = package.shown_bytes(ROWS)
    assert package.read_shown(data, where="shown") == tuple(sorted(ROWS, key=lambda row: row[1]))
    assert package.shown_bytes(ROWS[::-1]) == data
    assert package.read_shown(package.shown_bytes([]), where="shown") == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda v: {"rows": v},
        lambda v: v[::-1],
        lambda v: [v[0], *v],
        lambda v: [v[0][:3], *v[1:]],
        lambda v: [[*v[0], 1], *v[1:]],
        lambda v: [{"type": "ledger"}, *v[1:]],
        lambda v: [["item", *v[0][1:]], *v[1:]],
        lambda v: [[v[0][0], "x", *v[0][2:]], *v[1:]],
        lambda v: [[*v[0][:2], -1, v[0][3]], *v[1:]],
        lambda v: [[*v[0][:2], "7", v[0][3]], *v[1:]],
        lambda v: [[*v[0][:2], True, v[0][3]], *v[1:]],
        lambda v: [[*v[0][:3], v[0][3].upper()], *v[1:]],
        lambda v: [[*v[0][:3], None], *v[1:]],
    ],
)
def test_shown_in_another_form_is_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(FormatError) as caught:
        package.read_shown(spoiled(package.shown_bytes(ROWS), change), where="shown")
    assert (caught.value.where or "").startswith("shown")


KEYS = [(2, "capture", KEY), (2, "content", to_base64(b"\1" * 32)), (10, "name", KEY)]


def test_keys_are_written_in_order_and_read_back() -> None:
    data = package.key_lines(KEYS[::-1])
    assert data.count(b"\n") == 3
    assert package.read_key_lines(data, where="keys") == tuple(KEYS)
    assert package.read_key_lines(b"", where="keys") == ()


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        ([1, 0, 2], 2),
        ([0, 2, 1], 3),
        ([0, 0, 1], 2),
    ],
)
def test_keys_in_another_order_are_refused(lines: list[int], at: int) -> None:
    written = package.key_lines(KEYS).splitlines(keepends=True)
    with pytest.raises(FormatError, match="not in order, each once") as caught:
        package.read_key_lines(b"".join(written[n] for n in lines), where="keys")
    assert caught.value.where == f"keys, line {at}"


def test_two_keys_for_one_part_are_refused() -> None:
    lines = package.key_lines([KEYS[0]]) + package.key_lines([(2, "capture", to_base64(b"\2" * 32))])
    with pytest.raises(FormatError, match="not in order, each once"):
        package.read_key_lines(lines, where="keys")


@pytest.mark.parametrize(
    "change",
    [
        {"seq": -1},
        {"seq": "2"},
        {"compartment": ""},
        {"compartment": "x" * 41},
        {"compartment": None},
        {"key": KEY[:-1]},
        {"key": KEY.replace("=", "A")},
        {"key": to_base64(bytes(31))},
        {"more": 1},
    ],
)
def test_a_key_in_another_form_is_refused(change: dict[str, object]) -> None:
    line = spoiled(b"{}", lambda _: {"seq": 2, "compartment": "content", "key": KEY, **change}) + b"\n"
    with pytest.raises(FormatError) as caught:
        package.read_key_lines(line, where="keys")
    assert (caught.value.where or "").startswith("keys, line 1")


STATEMENT = package.Statement(
    package=IDS[0],
    origin=ORIGIN,
    size=9,
    root=D[0],
    leaf=D[1],
    files=(("bagit.txt", 0, D[2]), ("custody/keys.jsonl", 9, D[3]), ("data/A-1/001.txt", 5, D[4])),
)


def test_a_statement_is_read_back() -> None:
    data = STATEMENT.to_bytes()
    assert package.Statement.from_bytes(data, where="statement") == STATEMENT
    assert json.loads(data) == {
        "v": 1,
        "package": IDS[0],
        "origin": ORIGIN,
        "size": 9,
        "root": D[0],
        "leaf": D[1],
        "certificate": None,
        "files": [list(row) for row in STATEMENT.files],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"package": "x"},
        {"origin": "custody/x"},
        {"size": -1},
        {"root": D[0][:-1]},
        {"leaf": None},
        {"certificate": "x"},
        {"files": {}},
        {"files": [["a", 1]]},
        {"files": [["a", 1, D[0], 1]]},
        {"files": [[1, 1, D[0]]]},
        {"files": [{"a": 1}]},
        {"files": [{"a": 1, "b": 2, "c": 3}]},
        {"files": ["abc"]},
        {"files": [5]},
        {"files": [None]},
        {"files": [["a", -1, D[0]]]},
        {"files": [["a", 1, "x"]]},
        {"files": [["b", 1, D[0]], ["a", 1, D[0]]]},
        {"files": [["a", 1, D[0]], ["a", 2, D[0]]]},
        {"more": 1},
    ],
)
def test_a_statement_in_another_form_is_refused(change: dict[str, object]) -> None:
    data = spoiled(STATEMENT.to_bytes(), lambda v: {**v, **change})
    with pytest.raises(FormatError) as caught:
        package.Statement.from_bytes(data, where="statement")
    assert (caught.value.where or "").startswith("statement")


MANIFEST = package.manifest_lines([("data/B/001.txt", D[0]), ("data/A/001.txt", D[1])])


def test_a_manifest_is_read_back() -> None:
    assert MANIFEST.decode() == f"{D[1]}  data/A/001.txt\n{D[0]}  data/B/001.txt\n"
    found = package.read_manifest(MANIFEST, digits=64, where="m")
    assert found == {"data/A/001.txt": D[1], "data/B/001.txt": D[0]}
    long = package.manifest_lines([("data/x", D[0] * 2)])
    assert package.read_manifest(long, digits=128, where="m") == {"data/x": D[0] * 2}
    assert package.read_manifest(b"", digits=64, where="m") == {}


@pytest.mark.parametrize(
    ("data", "digits", "where"),
    [
        (MANIFEST, 128, "m, line 1"),
        (MANIFEST[:-1], 64, "m"),
        (MANIFEST + b"\n", 64, "m, line 3"),
        (b"".join(MANIFEST.splitlines(keepends=True)[::-1]), 64, "m"),
        (MANIFEST + MANIFEST, 64, "m, line 3"),
        (MANIFEST.replace(b"  ", b" *"), 64, "m, line 1"),
        (MANIFEST.replace(b"  ", b"   "), 64, "m, line 1"),
        (MANIFEST.replace(b"\n", b"\r\n"), 64, "m, line 1"),
        (MANIFEST.replace(b"0b", b"0B"), 64, "m, line 1"),
        (MANIFEST.replace(b"001", b"0 1"), 64, "m, line 1"),
        (MANIFEST.replace(b"B", b"\xc3\x84"), 64, "m"),
    ],
)
def test_a_manifest_in_another_spelling_is_refused(data: bytes, digits: int, where: str) -> None:
    with pytest.raises(FormatError) as caught:
        package.read_manifest(data, digits=digits, where="m")
    assert caught.value.where == where


# The head of a backup

HEAD = backup.Head(
    backup=IDS[0],
    made="2026-03-04T05:06:07.890Z",
    volumes=(
        backup.Volume(origin=ORIGIN, size=3, root=D[0]),
        backup.Volume(origin="custody/" + "b" * 26, size=4, root=D[1]),
    ),
    items=2,
    keys={D[3]: b"later", D[2]: b"first"},
)


def signed(payload: bytes, payload_type: str = backup.BACKUP_TYPE) -> bytes:
    """In an envelope whose signature nobody made: whose it is, is not for the format to say."""
    made = Envelope(payload_type=payload_type, payload=payload, key_id=D[0], signature=bytes(64))
    return made.to_bytes()


def test_the_head_of_a_backup_is_read_back() -> None:
    head, outer = backup.read_head(signed(HEAD.to_bytes()), where="backup")
    assert head == HEAD
    assert outer.payload == HEAD.to_bytes()
    assert head.newest == HEAD.volumes[1]
    assert json.loads(HEAD.to_bytes()) == {
        "v": 1,
        "backup": IDS[0],
        "made": "2026-03-04T05:06:07.890Z",
        "volumes": [
            {"origin": ORIGIN, "size": 3, "root": D[0]},
            {"origin": "custody/" + "b" * 26, "size": 4, "root": D[1]},
        ],
        "items": 2,
        "keys": [
            {"key_id": D[2], "message": to_base64(b"first")},
            {"key_id": D[3], "message": to_base64(b"later")},
        ],
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"v": 2}, "newer custody"),
        ({"v": 0}, "newer custody"),
        ({"v": "1"}, "backup"),
        ({"v": None}, "backup"),
        ({"backup": "x"}, "backup"),
        ({"made": "today"}, "backup"),
        ({"items": -1}, "backup"),
        ({"volumes": []}, "backup"),
        ({"volumes": [{"origin": ORIGIN, "size": 3}]}, "backup"),
        ({"keys": []}, "backup"),
        (
            {"keys": [{"key_id": D[3], "message": ""}, {"key_id": D[2], "message": ""}]},
            "not sorted, each once",
        ),
        ({"keys": [{"key_id": D[2], "message": ""}] * 2}, "backup"),
        ({"more": 1}, "backup"),
    ],
)
def test_a_head_in_another_form_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        backup.read_head(signed(spoiled(HEAD.to_bytes(), lambda v: {**v, **change})), where="backup")
    assert (caught.value.where or "").startswith("backup")
    # Who reads "install the newer custody" must not do so in vain.
    assert ("newer" in caught.value.message) is isinstance(change.get("v"), int)


def test_a_head_may_have_as_many_recipients_as_a_locker_can() -> None:
    many = replace(HEAD, keys={f"{n:064x}": bytes(2300) for n in range(512)})
    data = signed(many.to_bytes())
    assert 2 << 20 < len(data) < backup.MAX_HEAD
    assert backup.read_head(data, where="backup")[0] == many


def test_a_head_of_another_type_or_too_long_is_refused() -> None:
    with pytest.raises(FormatError):
        backup.read_head(signed(HEAD.to_bytes(), payload_type="application/json"), where="backup")
    with pytest.raises(FormatError):
        backup.read_head(signed(HEAD.to_bytes()) + b" " * backup.MAX_HEAD, where="backup")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ledger.sqlite", True),
        ("erasable.sqlite", True),
        ("volume-1.sqlite", True),
        ("volume-999.sqlite", True),
        (f"vault/{D[0]}", True),
        ("work.sqlite", False),
        ("volume-0.sqlite", False),
        ("volume-1000.sqlite", False),
        ("vault/x", False),
        (f"vault/{D[0]}/x", False),
        ("../ledger.sqlite", False),
        ("ledger.sqlite\n", False),
    ],
)
def test_names_that_an_archive_may_have(name: str, good: bool) -> None:
    assert bool(backup.MEMBER.fullmatch(name)) is good


def test_keys_and_archives_of_two_backups_are_never_the_same() -> None:
    """Every part of a context counts: what is bound to one can't be taken for another."""
    found = {
        backup.wrap_context(ORIGIN, IDS[0], D[0]),
        backup.wrap_context(ORIGIN, IDS[0], D[1]),
        backup.wrap_context(ORIGIN, IDS[1], D[0]),
        backup.wrap_context("custody/" + "b" * 26, IDS[0], D[0]),
        backup.archive_context(bytes(32)),
        backup.archive_context(b"\1" * 32),
    }
    assert len(found) == 6
    assert backup.wrap_context(ORIGIN, IDS[0], D[0]) == b"custody/1 backup key\0" + contexts.framed(
        ORIGIN, IDS[0], D[0]
    )
    assert backup.archive_context(bytes(32)) == b"custody/1 backup\0\0\x20" + bytes(32)
