"""Random damage to a reader's cases: bytes are conserved, and nothing but our own errors is raised."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import strategies as st

from custody.evidence.chat import json_text
from custody.evidence.chat.model import Message
from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Reader
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Detected, Settings
from tests.chats import harness

Case = tuple[Export, Detected, Settings]


def cases(reader: Reader) -> list[Case]:
    """The reader's cases, what it detected in them, and their settings."""
    found = []
    for path in sorted((harness.CASES / reader.name).glob("*/expected.json")):
        export, expected = harness.load(path.parent)
        detected = reader.detect(export)
        assert detected is not None
        found.append((export, detected, Settings(**expected.get("settings", {}))))
    return found


@st.composite
def damaged(draw: st.DrawFn, reader: Reader) -> Case:
    """One case of the reader with some of its bytes changed, cut, doubled or mixed with those of others."""
    known = cases(reader)
    export, detected, settings = draw(st.sampled_from(known))
    others = [one.open().read(0, one.size) for other, found, _ in known for one in _read(other, found)]
    members = list(export.members)
    for at in detected.members:
        data = bytearray(members[at].open().read(0, members[at].size))
        for _ in range(draw(st.integers(0, 4))):
            _damage(draw, data, others)
        members[at] = _with(members[at], bytes(data))
    return Export(name=export.name, members=tuple(members), zipped=export.zipped), detected, settings


def _read(export: Export, detected: Detected) -> list[Member]:
    return [export.members[at] for at in detected.members]


def _with(member: Member, data: bytes) -> Member:
    held = Held(data)
    return Member(index=member.index, name=member.name, size=len(data), open=lambda: held)


def _damage(draw: st.DrawFn, data: bytearray, others: list[bytes]) -> None:
    start = draw(st.integers(0, len(data)))
    end = min(len(data), start + draw(st.integers(0, 400)))
    how = draw(st.sampled_from(("flip", "cut", "insert", "double", "splice", "truncate")))
    if how == "flip" and start < len(data):
        data[start] = draw(st.integers(0, 255))
    elif how == "cut":
        del data[start:end]
    elif how == "insert":
        data[start:start] = draw(
            st.binary(max_size=8)
            | st.sampled_from(
                (b"<", b">", b'"', b"\\", b"</div>", b"<!--", b"<style>", b"{", b"]", b"\xf0\x9f", b"\0")
            )
        )
    elif how == "double":
        data[start:start] = data[start:end]
    elif how == "splice":
        other = draw(st.sampled_from(others))
        place = draw(st.integers(0, len(other)))
        data[start:end] = other[place : place + 400]
    else:
        del data[start:]


def check(reader: Reader, case: Case) -> None:
    """Bytes are conserved, no fault ends the reading, every line is canonical, and detection raises nothing."""
    export, detected, settings = case
    reader.detect(export)
    normalised = Normalised(export, reader, detected, settings, item=harness.ITEM, salts=harness.fixed_salts)
    for line in normalised.lines():
        assert line.endswith(b"\n")
    summary = normalised.summary
    assert "broken_off" not in summary.notices
    assert "uncovered_bytes" not in summary.notices
    for covered in summary.covered.values():
        assert covered.whole


def check_alone(module: ModuleType, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message's range, cut out of the file and read again, gives the same message.

    ``module.message(raw, …, at)`` is the reader's: what it is given beside the bytes is what was decided above.
    """
    export, detected, settings = case
    given: dict[tuple[int, int], Any] = {}
    read = module.message

    def watched(raw: bytes, *rest: Any) -> Any:
        at = rest[-1]
        given[at.member, at.start] = at
        return read(raw, *rest)

    monkeypatch.setattr(module, "message", watched)
    reader: Reader = module.READER
    found = [one for one in reader.read(export, detected, settings) if type(one) is Message]
    monkeypatch.undo()
    assert found
    for one in found:
        raw = export.members[one.member].open().read(one.start, one.end)
        at = given[one.member, one.start]
        if hasattr(module, "PATTERNS"):
            value, flags = json_text.load_bytes(raw)
            _, again = read(raw, value, flags, at)
            one = one._replace(flags=tuple(flag for flag in one.flags if flag != "after_damage"))
        else:
            _, again = read(raw, at)
        assert again == one
