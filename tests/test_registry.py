"""All readers together: which of two kinds takes an item that both could."""

from __future__ import annotations

import pytest

from custody.errors import InputRefused
from custody.evidence import registry
from custody.evidence.chat import registry as chats
from custody.evidence.export import Export
from custody.evidence.reading import Detected
from custody.evidence.records import registry as records
from tests.records import harness as cases

LOG = b'192.0.2.7 - - [03/Mar/2026:20:14:05 +0100] "GET / HTTP/1.1" 200 12 "-" "x"\n' * 5
NGINX = LOG + b"2026/03/03 20:14:05 [error] 31#31: *46 open() failed, client: 192.0.2.7, server: x\n"


def test_a_log_with_one_line_like_a_chat_is_no_chat() -> None:
    export = Export.of("access.log", NGINX)
    assert chats.choose(export) is not None, "the likeness that this test is about"
    chat, rows = registry.choose(export)
    assert chat is None
    assert rows is not None
    assert rows[0].name == "access-log"


@pytest.mark.parametrize(
    ("chat", "rows", "taken"),
    [(95, 90, "both"), (95, 76, "both"), (95, 75, "chat"), (60, 80, "rows"), (61, 80, "both")],
)
def test_who_is_much_less_sure_is_left_out(
    chat: int, rows: int, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, record_reader = chats.READERS[0], records.READERS[0]
    monkeypatch.setattr(chats, "choose", lambda _: (reader, Detected(score=chat, reasons=())))
    monkeypatch.setattr(records, "choose", lambda _: (record_reader, Detected(score=rows, reasons=())))
    found = registry.choose(Export.of("x", b""))
    assert [one is not None for one in found] == [taken in ("both", "chat"), taken in ("both", "rows")]


def test_readers_on_asking_are_not_asked() -> None:
    on_asking = [reader for reader in records.READERS if reader.on_asking]
    assert {reader.name for reader in on_asking} == {"picture", "mail-received"}
    for reader in on_asking:
        for expected in sorted((cases.CASES / reader.name).glob("*/expected.json")):
            assert registry.choose(cases.load(expected.parent)[0])[1] is None


def test_no_name_is_that_of_two_readers() -> None:
    assert len(set(registry.names())) == len(registry.names())


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(InputRefused, match="no reader of this name"):
        registry.by_name("nothing", Export.of("x", b""))


@pytest.mark.parametrize("name", ["picture", "mail-received"])
def test_no_form_is_stored_of_what_is_read_on_asking(name: str) -> None:
    """Decisions 0035 and 0036: a stored hash of a picture would be one more trace of it."""
    data = (
        (b"\xff\xd8\xff\xe0" + bytes(40))
        if name == "picture"
        else b"Received: from a by b; Mon, 2 Mar 2026\n\nx"
    )
    for refuse in (
        lambda: registry.check_name(name),
        lambda: registry.by_name(name, Export.of("x.eml", data)),
    ):
        with pytest.raises(InputRefused, match="stored nowhere") as caught:
            refuse()
        assert "custody records ITEM" in (caught.value.hint or "")
    assert name not in registry.kept()
    with pytest.raises(InputRefused) as caught:
        registry.check_name("nothing")
    assert name not in (caught.value.expected or "")


def test_a_claim_is_alone_at_its_top() -> None:
    """In the cases of all readers: two alike would mean that nobody reads the item."""
    for reader in records.READERS:
        for expected in sorted((cases.CASES / reader.name).glob("*/expected.json")):
            found = records.claims(cases.load(expected.parent)[0])
            assert len(found) < 2 or found[0][1].score > found[1][1].score, expected.parent
