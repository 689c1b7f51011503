"""The bag's text files: judged by the bagit package and by sha256sum."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError, InputRefused
from custody.export.bag import bag_info, bagit_txt, manifest, tag_manifest
from custody.export.container import ContainerWriter

DIGEST = "0f" * 32


def test_the_declaration():
    assert bagit_txt() == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def test_bag_info():
    text = bag_info({"Source-Organization": "Žen\u00e1 e.V.: legal aid", "Bag-Group-Identifier": "x"}, 12, 3)
    assert text.decode() == (
        "Source-Organization: Žen\u00e1 e.V.: legal aid\nBag-Group-Identifier: x\nPayload-Oxum: 12.3\n"
    )
    assert bag_info({}, 0, 0) == b"Payload-Oxum: 0.0\n"


@pytest.mark.parametrize("label", ["", "A:B", "A B", "A\nB", " A", "Ä", "-A", "Payload-Oxum", "payload-oxum"])
def test_bag_info_refuses_labels(label):
    with pytest.raises(FormatError, match="label"):
        bag_info({label: "x"}, 0, 0)


def test_bag_info_refuses_a_label_twice():
    with pytest.raises(FormatError, match="twice"):
        bag_info({"Contact-Name": "x", "contact-name": "y"}, 0, 0)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " x",
        "x ",
        "\u00a0x",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\x0bb",
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "a\0b",
        "\ud800",
    ],
)
def test_bag_info_refuses_values(value):
    with pytest.raises(FormatError, match="value"):
        bag_info({"Contact-Name": value}, 0, 0)


@pytest.mark.parametrize("counts", [(-1, 0), (0, -1)])
def test_bag_info_refuses_negative_counts(counts):
    with pytest.raises(FormatError, match="negative"):
        bag_info({}, *counts)


@given(st.dictionaries(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), st.text(max_size=20)))
def test_bag_info_is_one_line_a_field_or_refused(fields):
    try:
        text = bag_info(fields, 1, 1).decode()
    except FormatError:
        return
    lines = text.splitlines()
    assert len(lines) == len(fields) + 1
    assert dict(line.split(": ", 1) for line in lines) == {**fields, "Payload-Oxum": "1.1"}


def test_manifests_are_sorted_by_the_bytes_of_the_path():
    paths = ["data/b", "data/B", "data/a-1", "data/a/1", "data/a.1", "data/10", "data/9"]
    text = manifest((path, DIGEST) for path in paths).decode()
    assert text == "".join(f"{DIGEST}  {path}\n" for path in sorted(paths))
    assert manifest([]) == b""


@pytest.mark.parametrize(
    "path",
    [
        "data/a\nb", "data/a\rb", "data/a%0Ab", "data/a%b", "data/a b", "/data/a", "data/../a", "data//a", "data/",
        "data\\a", "*data/a", "data/\u00e9", "data/con", "", "data/a\ud800",
    ],
)  # fmt: skip
def test_manifests_refuse_paths(path):
    with pytest.raises(InputRefused):
        manifest([(path, DIGEST)])


@pytest.mark.parametrize(
    "digest", ["", "0F" * 32, "0f" * 31, "0f" * 20, "sha256:" + DIGEST, DIGEST + "\n", "é" * 64]
)
def test_manifests_refuse_digests(digest):
    with pytest.raises(FormatError, match="digest"):
        manifest([("data/a", digest)])


def test_manifests_refuse_what_belongs_elsewhere_or_twice():
    with pytest.raises(FormatError, match="under data/"):
        manifest([("bagit.txt", DIGEST)])
    with pytest.raises(FormatError, match="no payload"):
        tag_manifest([("data/a", DIGEST)])
    with pytest.raises(FormatError, match="list a tag manifest"):
        tag_manifest([("tagmanifest-sha256.txt", DIGEST)])
    with pytest.raises(FormatError, match="twice"):
        manifest([("data/a", DIGEST), ("data/a", "1e" * 32)])
    with pytest.raises(FormatError, match="two kinds"):
        manifest([("data/a", DIGEST), ("data/b", DIGEST * 2)])


@pytest.fixture
def bag(tmp_path) -> Path:
    """A bag made with our functions, put into our zip, and unpacked by the standard library."""
    files = {
        "data/A-1/001.txt": b"hello\n",
        "data/A-1/002.bin": b"",
        "data/A-2/001.jpg": bytes(range(256)) * 300,
    }
    tags = {
        "bagit.txt": bagit_txt(),
        "bag-info.txt": bag_info(
            {"Source-Organization": "Beratung für Ženy: east", "Bagging-Date": "2026-11-22"},
            sum(map(len, files.values())),
            len(files),
        ),
        "READ-ME-FIRST.txt": b"read me\n",
        "custody/package.dsse": b"{}",
    }
    for name in ("sha256", "sha512"):
        tags[f"manifest-{name}.txt"] = manifest(
            (path, hashlib.new(name, data).hexdigest()) for path, data in files.items()
        )
    last = {
        f"tagmanifest-{name}.txt": tag_manifest(
            (path, hashlib.new(name, data).hexdigest()) for path, data in tags.items()
        )
        for name in ("sha256", "sha512")
    }
    file = io.BytesIO()
    writer = ContainerWriter(file)
    writer.add_bytes("mimetype", b"application/x-test")
    for path, data in {**files, **tags, **last}.items():
        writer.add_bytes(f"bag/{path}", data)
    writer.close()
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "bag"


def test_bagit_takes_the_bag(bag):
    read = bagit.Bag(str(bag))
    assert read.validate()
    assert read.version_info == (1, 0)
    assert read.info["Source-Organization"] == "Beratung für Ženy: east"
    assert read.info["Payload-Oxum"] == "76806.3"


def test_bagit_finds_a_change(bag):
    (bag / "data" / "A-1" / "001.txt").write_bytes(b"hellp\n")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(bag)).validate()


def test_bagit_finds_a_changed_tag_file(bag):
    (bag / "custody" / "package.dsse").write_bytes(b"[]")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_coreutils_take_the_manifests(bag, name):
    tool = f"{name}sum"
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine")
    command = [tool, "-c", "--strict", "--quiet", f"manifest-{name}.txt", f"tagmanifest-{name}.txt"]
    assert subprocess.run(command, cwd=bag, capture_output=True).returncode == 0
    (bag / "data" / "A-1" / "001.txt").write_bytes(b"hellp\n")
    assert subprocess.run(command, cwd=bag, capture_output=True).returncode == 1
