"""An item's own file name stands in its `name` part, which a package may withhold: no form repeats it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.evidence.chat import registry as chats
from custody.evidence.chat.normalise import Normalised
from custody.evidence.export import Export, Held
from custody.evidence.reading import Settings
from custody.evidence.records import registry as records
from custody.evidence.records.form import Recorded
from tests.chats import harness as chat_harness
from tests.records import harness as records_harness

NAME = "Zzkovacz"


def renamed(export: Export, *, half: bool = False) -> Iterator[Export]:
    """The same export under names that nobody may see; ``half``: and with its end cut off."""
    if export.zipped:
        yield dataclasses.replace(export, name=f"WhatsApp Chat - {NAME}.zip")
        return
    before, dot, ending = export.name.partition(".")
    names = [
        f"{NAME}.txt",
        f"WhatsApp Chat with {NAME}.txt",
        f"{NAME} {export.name}",
        f"{before} {NAME}{dot}{ending}",
    ]
    (only,) = export.members
    data = only.open().read(0, only.size * 2 // 3 if half else only.size)
    held = Held(data)
    for name in names:
        member = dataclasses.replace(only, name=name, size=len(data), open=lambda: held)
        yield dataclasses.replace(export, name=name, members=(member,))


CHATS = [
    (reader, path.parent)
    for reader in chats.READERS
    for path in sorted((chat_harness.CASES / reader.name).glob("*/expected.json"))
]
RECORDS = [
    (reader, path.parent)
    for reader in records.READERS
    for path in sorted((records_harness.CASES / reader.name).glob("*/expected.json"))
]


def ids(cases: list) -> list[str]:
    return [f"{reader.name}/{folder.name}" for reader, folder in cases]


@pytest.mark.parametrize(("reader", "folder"), CHATS, ids=ids(CHATS))
def test_no_form_of_a_chat_has_the_name_of_its_item(reader, folder: Path) -> None:
    export, expected = chat_harness.load(folder)
    settings = Settings(**expected.get("settings", {}))
    for half in (False, True):
        for one in renamed(export, half=half):
            detected = reader.detect(one) or reader.detect(export)
            form = Normalised(
                one, reader, detected, settings, item=chat_harness.ITEM, salts=chat_harness.fixed_salts
            )
            assert all(NAME.encode() not in line for line in form.lines()), one.name


@pytest.mark.parametrize(("reader", "folder"), RECORDS, ids=ids(RECORDS))
def test_no_form_of_records_has_the_name_of_its_item(reader, folder: Path) -> None:
    export, expected = records_harness.load(folder)
    settings = Settings(**expected.get("settings", {}))
    for half in (False, True):
        for one in renamed(export, half=half):
            detected = reader.detect(one) or reader.detect(export)
            form = Recorded(one, reader, detected, settings, item=chat_harness.ITEM)
            assert all(NAME.encode() not in line for line in form.lines()), one.name


def test_the_zip_s_own_name_is_no_title_because_a_file_in_it_has_the_same_letters() -> None:
    """A zip from a telephone is named after the other person, its text is not; “Jo” is in “Journal.pdf” too."""
    text = b"".join(
        b"[27.03.22, 21:4%d:11] %s: hello\n" % (at, name) for at, name in enumerate((b"Ann", b"Ben") * 3)
    )
    inside = chat_harness.members(
        ("_chat.txt", text), ("Journal.pdf", b"%PDF-1.4"), name="WhatsApp Chat - Jo.zip"
    )
    read = chat_harness.run(chats.named("whatsapp-text"), inside)
    (conversation,) = read.of("conversation")
    assert (conversation.get("title"), conversation["title_from"]) == (None, "none")
    named = chat_harness.members(("WhatsApp Chat with Jo.txt", text), name="WhatsApp Chat - Jo.zip")
    (conversation,) = chat_harness.run(chats.named("whatsapp-text"), named).of("conversation")
    assert (conversation["title"], conversation["title_from"]) == ("Jo", "file_name")
