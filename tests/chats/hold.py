"""What a reader must hold for every input: a message's bytes read alone, and bytes that somebody changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Detected, Settings
from tests.chats import harness

PLACED = ("id", "sequence", "source", "place")
"""What tells where a message stands: other when its bytes are read alone."""


def with_member(export: Export, at: int, data: bytes) -> Export:
    """The export with other bytes in one of its files."""
    held = Held(data)
    members = tuple(
        Member(index=one.index, name=one.name, size=len(data), open=lambda: held) if one.index == at else one
        for one in export.members
    )
    return Export(name=export.name, members=members, zipped=export.zipped)


def alone(reader: Reader, export: Export, record: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The message of the bytes of ``record``'s range, read by themselves."""
    source = record["source"]
    cut = export.members[source["member"]].open().read(source["start"], source["end"])
    part = with_member(export, source["member"], cut)
    detected = Detected(score=0, reasons=(), members=(source["member"],))
    found = harness.run(reader, part, settings, detected).messages
    assert len(found) == 1, (record, found)
    assert found[0]["source"]["start"] == 0
    assert found[0]["source"]["end"] == len(cut)
    return found[0]


def without_place(record: dict[str, Any], *more: str) -> dict[str, Any]:
    """What a message says, without where it stands."""
    return {name: value for name, value in record.items() if name not in (*PLACED, *more)}


def whole(reader: Reader, export: Export, settings: Settings, detected: Detected | None = None) -> Normalised:
    """Read whatever it is, claimed or not: nothing raises, every byte has one name, no fault hides."""
    detected = detected or reader.detect(export) or Detected(score=0, reasons=(), members=(0,))
    form = Normalised(export, reader, detected, settings, item=harness.ITEM, salts=harness.fixed_salts)
    lines = list(form.lines())
    for covered in form.summary.covered.values():
        assert covered.whole, covered
    assert "broken_off" not in form.summary.notices, [line for line in lines if b"broken_off" in line]
    return form


def cases(reader: Reader) -> list[tuple[str, Export, Settings]]:
    """The reader's cases."""
    found = []
    for path in sorted((harness.CASES / reader.name).glob("*/expected.json")):
        export, expected = harness.load(Path(path).parent)
        found.append((path.parent.name, export, Settings(**expected.get("settings", {}))))
    return found


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Bytes of a seed after a few changes: flipped, cut, put in, doubled, joined with another's."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 60)))
        match draw(st.sampled_from(["flip", "cut", "put", "double", "join", "end"])):
            case "flip" if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
            case "cut":
                data = data[:at] + data[to:]
            case "put":
                data = data[:at] + draw(st.binary(max_size=12)) + data[at:]
            case "double":
                data = data[:to] + data[at:to] * draw(st.integers(1, 4)) + data[to:]
            case "join":
                other = draw(st.sampled_from(seeds))
                data = data[:at] + other[draw(st.integers(0, len(other))) :]
            case "end":
                data = data[:at]
    return data
