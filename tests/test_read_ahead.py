"""Reading with several processes: the same answers in the same order, and none where no process can be had."""

from __future__ import annotations

import concurrent.futures
import copy
import multiprocessing
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import pytest

from custody.errors import CheckFailed
from custody.format import canonical, merkle
from custody.format import entry as entries
from custody.procedure import cases, check
from custody.procedure import read_ahead as ahead
from custody.procedure.locker import Locker
from custody.verify import replay
from custody.verify.rights import Rights
from tests import desks
from tests.test_check import unguarded


@dataclass(frozen=True, slots=True)
class Line:
    """As `Stored`, without a database."""

    seq: int
    envelope: bytes


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> tuple[list[bytes], dict[str, bytes]]:
    """The entries of a small record, and the keys of who signed them."""
    desk = desks.new_locker(tmp_path_factory.mktemp("record"))
    for number in range(9):
        cases.open_case(desk, f"REF-{number}")
    with desk.locker.ledger.reading() as view:
        stored = [one.envelope for one in view.entries()]
    return stored, {desk.key_id: desk.rights.custodians[desk.key_id].sign_key}


def spoilt(number: int, data: bytes) -> bytes:
    if number % 7 == 2:
        return data[:-9]
    if number % 7 == 4:
        value = canonical.decode(data, where="x", max_bytes=1 << 20)
        value["signatures"][0]["sig"] = "A" * 86 + "=="
        return canonical.encode(value)
    return data


def stream(stored: list[bytes], count: int) -> Iterator[Line]:
    return (Line(number, spoilt(number, stored[number % len(stored)])) for number in range(count))


def test_workers_say_what_is_sound_and_only_that_in_order(monkeypatch, record):
    monkeypatch.setattr(ahead, "WORKERS_FROM", 1)
    stored, keys = record
    found = list(ahead.read_ahead(stream(stored, 1500), 1500, lambda: keys, 2))
    assert [line.seq for line, _ in found] == list(range(1500))
    assert all(sound is None for _, sound in found[:256])  # the keys may be named in these
    for line, sound in found[256:]:
        if line.seq % 7 in (2, 4):
            assert sound is None
        else:
            assert sound == (entries.read(line.envelope, where="x")[0], merkle.leaf_hash(line.envelope))
    assert multiprocessing.active_children() == []


def test_of_a_key_that_is_not_known_nothing_is_said(record):
    stored, keys = record
    assert ahead.read_chunk(stored, {}) == [None] * len(stored)
    other = dict.fromkeys(keys, bytes(31) + b"\x01")
    assert ahead.read_chunk(stored, other) == [None] * len(stored)
    assert None not in ahead.read_chunk(stored, keys)


def test_a_kind_or_field_of_a_later_version_is_not_said_to_be_sound(record, monkeypatch):
    stored, keys = record
    fewer = {name: kind for name, kind in entries.kinds.KINDS.items() if name != "case.opened"}
    monkeypatch.setattr(entries.kinds, "KINDS", fewer)
    assert None in ahead.read_chunk(stored, keys)


def test_few_entries_start_no_process(monkeypatch, record):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process for so few")

    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", refuse)
    stored, keys = record
    count = ahead.WORKERS_FROM - 1
    assert sum(1 for _ in ahead.read_ahead(stream(stored, count), count, lambda: keys, 2)) == count
    assert sum(1 for _ in ahead.read_ahead(stream(stored, 9999), 9999, lambda: keys, 0)) == 9999


@pytest.mark.parametrize(
    "problem", [OSError("none left"), ImportError("no semaphores"), NotImplementedError()]
)
def test_where_no_process_can_be_started_all_are_read_here(monkeypatch, record, problem):
    def refuse(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(ahead, "WORKERS_FROM", 1)
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", refuse)
    stored, keys = record
    found = list(ahead.read_ahead(stream(stored, 900), 900, lambda: keys, 2))
    assert [(line.seq, sound) for line, sound in found] == [(number, None) for number in range(900)]


class Broken:
    """A pool whose processes are killed: at once, or when the second chunk is asked for."""

    def __init__(self, *_: object, **__: object) -> None:
        self.asked = 0

    def submit(self, *_: object) -> concurrent.futures.Future:
        self.asked += 1
        if self.asked > 1:
            raise BrokenProcessPool("ended")
        future: concurrent.futures.Future = concurrent.futures.Future()
        future.set_exception(BrokenProcessPool("ended"))
        return future

    def shutdown(self, **_: object) -> None:
        pass


def test_where_processes_are_killed_all_are_read_here(monkeypatch, record):
    monkeypatch.setattr(ahead, "WORKERS_FROM", 1)
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", Broken)
    stored, keys = record
    found = list(ahead.read_ahead(stream(stored, 900), 900, lambda: keys, 2))
    assert [(line.seq, sound) for line, sound in found] == [(number, None) for number in range(900)]


def test_only_a_few_chunks_are_under_way_and_an_early_end_leaves_no_process(monkeypatch, record):
    monkeypatch.setattr(ahead, "WORKERS_FROM", 1)
    stored, keys = record
    taken = 0

    def counted() -> Iterator[Line]:
        nonlocal taken
        for line in stream(stored, 20_000):
            taken += 1
            yield line

    reading = ahead.read_ahead(counted(), 20_000, lambda: keys, 1)
    for given, _ in enumerate(reading, 1):
        assert taken - given <= (ahead._WAITING + 2) * 256
        if given == 3000:
            break
    reading.close()
    assert multiprocessing.active_children() == []


def test_large_entries_go_in_small_chunks():
    lines = [Line(number, bytes(100_000)) for number in range(30)]
    assert [len(chunk) for chunk in ahead._chunks(lines)] == [11, 11, 8]


def test_without_its_envelope_an_entry_still_needs_a_key_and_a_right(record):
    stored, _ = record
    first, outer = entries.read(stored[0], where="x")
    with pytest.raises(CheckFailed, match="a key that the record does not name") as caught:
        replay.admit(Rights(), first, None, where="the first")
    assert caught.value.where == "the first"
    rights = Rights()
    replay.admit(rights, first, outer, where="x")
    second, _ = entries.read(stored[1], where="x")
    before = copy.deepcopy(rights)
    replay.hold(rights, second, None, where="x")
    assert rights == before  # what is only held changes nothing
    replay.admit(rights, second, None, where="x")
    assert rights != before
    with pytest.raises(CheckFailed, match="had no right to") as caught:
        replay.admit(rights, first, None, where="again")
    assert caught.value.where == "again"
    with pytest.raises(CheckFailed, match="a key that the record does not name"):
        replay.hold(Rights(), second, None, where="x")


def test_check_finds_the_same_with_workers_and_without(monkeypatch, tmp_path):
    """Entries are spoilt in the file itself; what is found of each must not depend on who read it."""
    monkeypatch.setattr(ahead, "WORKERS_FROM", 1)
    monkeypatch.setattr(ahead, "_CHUNK_ENTRIES", 4)
    desk = desks.new_locker(tmp_path)
    for number in range(20):
        cases.open_case(desk, f"REF-{number}")
    file = desk.locker.ledger.path
    desk.locker.close()
    assert checked(file.parent, 2).passed
    with unguarded(file) as connection:
        for seq, number in ((6, 4), (9, 4), (12, 2), (17, 2)):
            stored = connection.execute("SELECT envelope FROM entry WHERE seq = ?", (seq,)).fetchone()[0]
            connection.execute("UPDATE entry SET envelope = ? WHERE seq = ?", (spoilt(number, stored), seq))
    alone, beside = checked(file.parent, 0), checked(file.parent, 2)
    assert alone == beside
    assert any(finding.where == "entry 12" and finding.check == "entries" for finding in beside.findings)


def checked(place: Path, workers: int) -> check.Checked:
    locker = Locker(place)
    try:
        return check.check(locker, workers=workers)
    finally:
        locker.close()
