"""Of an entry that a package ships only what later checks need is kept: its memory is not for a stranger to set."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import pytest

from custody.format import canonical
from custody.format import entry as entries
from custody.format.entry import Entry
from custody.format.envelope import ENTRY_TYPE, Envelope
from custody.format.kinds import KINDS
from custody.verify import reading
from tests import packages

HOSTILE = {"x": [[] for _ in range(20_000)]}


def kept(body: Entry, *, unsound: bool = False, newer: bool = False) -> Entry:
    record = SimpleNamespace(unsound={7} if unsound else set(), newer=[7] if newer else [])
    outer = Envelope(payload_type=ENTRY_TYPE, payload=body.to_bytes(), key_id=body.actor, signature=bytes(64))
    return reading._needed(record, 7, body, outer)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def body() -> Entry:
    for placed in packages.forger().placed:
        read, _ = entries.read(placed.stored, where="x")
        if read.kind == "item.collected":
            return read
    raise AssertionError("a record without an item")


def test_what_is_sound_and_small_is_kept_as_it_is(body):
    assert kept(body) is body


def test_of_what_failed_or_is_not_known_no_field_is_kept(body):
    for one in (
        kept(replace(body, public=HOSTILE), unsound=True),
        kept(replace(body, kind="x.y", public=HOSTILE)),
    ):
        assert one.public == {}
        assert one.approvals == ()
        assert (one.subject, one.sealed, one.actor) == (body.subject, body.sealed, body.actor)


def test_of_a_later_versions_entry_the_known_fields_are_kept(body):
    later = replace(body, public={**body.public, "later": HOSTILE})
    assert kept(later, newer=True).public == body.public
    assert kept(later).public == body.public  # too large to be one of today's
    # What is free by its shape is for nobody to read here.
    assert "settings" in KINDS["policy.set"].public["properties"]
    policy = replace(body, kind="policy.set", public={"authorities": [], "settings": HOSTILE})
    assert kept(policy).public == {"authorities": [], "settings": {}}


def test_what_is_kept_of_a_hostile_entry_is_smaller_than_its_bytes(body):
    data = canonical.encode(HOSTILE)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        parsed = canonical.decode(data, where="x")
        whole = tracemalloc.get_traced_memory()[0] - before
        one = kept(replace(body, kind="x.y", public=parsed))
        del parsed
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert whole > 15 * len(data)
    assert left < len(data)
    assert one.public == {}
