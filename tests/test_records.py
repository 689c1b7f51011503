"""Every registered reader: its cases, its page, its name; and the rules of the written form."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.evidence.reading import Settings
from custody.evidence.records import flags, registry
from custody.evidence.records.reader import RECORDERS, RecordReader
from tests.records import harness

REPO = Path(__file__).resolve().parent.parent


def cases() -> list[tuple[RecordReader, Path]]:
    found = []
    for reader in registry.READERS:
        found += [
            (reader, path.parent) for path in sorted((harness.CASES / reader.name).glob("*/expected.json"))
        ]
    return found


@pytest.mark.parametrize(
    ("reader", "folder"), cases(), ids=[f"{reader.name}/{folder.name}" for reader, folder in cases()]
)
def test_case(reader: RecordReader, folder: Path) -> None:
    harness.check_case(reader, folder)


@pytest.mark.parametrize(
    ("reader", "folder"), cases(), ids=[f"{reader.name}/{folder.name}" for reader, folder in cases()]
)
def test_the_right_reader_is_chosen(reader: RecordReader, folder: Path) -> None:
    export, expected = harness.load(folder)
    if expected.get("by_name_only"):
        return
    chosen = registry.choose(export)
    assert chosen is not None
    assert chosen[0].name == reader.name


@pytest.mark.parametrize("reader", registry.READERS, ids=lambda reader: reader.name)
def test_registered_means_tested_and_documented(reader: RecordReader) -> None:
    assert list((harness.CASES / reader.name).glob("*/expected.json")), "no case"
    page = REPO / "docs" / "reference" / "records" / f"{reader.name}.md"
    assert page.is_file(), "no page"
    assert reader.contains
    assert reader.never
    assert reader.recorder in RECORDERS
    assert not set(reader.flags) & set(flags.FLAGS), "explained twice"
    told = page.read_text("utf-8")
    for flag in reader.flags:
        assert f"`{flag}`" in told, flag


@pytest.mark.parametrize(
    ("reader", "folder"), cases(), ids=[f"{reader.name}/{folder.name}" for reader, folder in cases()]
)
def test_every_flag_is_explained(reader: RecordReader, folder: Path) -> None:
    export, expected = harness.load(folder)
    read = harness.run(reader, export, Settings(**expected.get("settings", {})))
    for flag in read.summary.flags:
        assert flag in flags.FLAGS or flag in reader.flags or flags.reserved(flag), flag


def test_names_are_unique() -> None:
    names = [reader.name for reader in registry.READERS]
    assert len(set(names)) == len(names)
