"""What a crash or a neighbour leaves in the way: swept, taken once, refused, told."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from custody.errors import InputRefused, NoRight
from custody.format import kinds
from custody.format.shape import record
from custody.keys.erasable import ItemKeys, Lookup, Part, Rows, Wrap
from custody.procedure import access, cases, check, custodians, export, known
from custody.procedure.export import Choice
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import wall
from custody.verify.package import verify
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


def test_what_a_crash_left_readable_is_gone_with_the_next_collect(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    """Keys, parts, look-ups and an object that no entry names, as a kill between the two commits leaves them."""
    old = desks.take_in(desk, case, desks.put(tmp_path / "old", {"a.txt": b"old"})).items[0]
    store, vault = desk.locker.erasable, desk.locker.vault
    orphan, batch = desk.rim.new_id(), desk.rim.new_id()
    keys = dict.fromkeys(("object", "record", "identity", "note"), bytes(60))
    message = Wrap(
        origin=desk.origin,
        subject=batch,
        recipient=desk.key_id,
        use="batch",
        classes=("record",),
        message=b"x" * 99,
    )
    store.add(
        Rows(
            parts=[
                Part(
                    origin=desk.origin,
                    subject=orphan,
                    n=0,
                    compartment="content",
                    sealed=b"left by the crash",
                )
            ],
            wraps=[message],
            items=[ItemKeys(origin=desk.origin, subject=orphan, batch=batch, wrapped=keys)],
            lookups=[Lookup(case=case, tag=bytes(32), subject=orphan)],
        )
    )
    (vault.directory / ("ab" * 32)).write_bytes(b"an object that nothing names")
    folder = vault.directory / "unfinished-1-00000000"
    folder.mkdir()
    (folder / "lock").touch()
    desks.take_in(desk, case, desks.put(tmp_path / "new", {"b.txt": b"new"}))
    assert orphan not in store.subjects_with_rows()
    assert store.item_keys(orphan) is None
    assert store.wraps(subject=batch) == []
    assert store.find(case, [bytes(32)]) == {}
    assert "ab" * 32 not in set(vault.objects())
    assert not folder.exists()
    for path, data in desks.all_bytes(desk.locker.path):
        assert b"left by the crash" not in data, path
    # And nothing else went with it.
    row = desk.locker.work.item(old.id)
    assert row is not None
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.content is not None
    assert b"".join(opened.content()) == b"old"


def _meanwhile(monkeypatch: pytest.MonkeyPatch, do: object) -> None:
    """Let a neighbour act between our reading of the files and our lock, once."""
    real = known.Known.judge
    left = [do]

    def then(asked: known.Known, batch: Sequence[known.Pair]) -> None:
        real(asked, batch)
        if left:
            left.pop()()  # type: ignore[operator]

    monkeypatch.setattr(known.Known, "judge", then)


def test_what_a_neighbour_took_in_meanwhile_is_not_taken_twice(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = desks.put(tmp_path / "in", {"a.txt": b"a", "b.txt": b"b"})
    other = desks.sit_down(desk)
    _meanwhile(monkeypatch, lambda: desks.take_in(other, case, folder))
    done = desks.take_in(desk, case, folder)
    assert (len(done.items), done.already) == (0, 2)
    items = desk.locker.work.items(case)
    assert len(items) == 2
    assert set(desk.locker.vault.objects()) == {item.object for item in items}


def test_nothing_comes_into_a_case_that_was_closed_meanwhile(
    desk: Desk, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = desks.put(tmp_path / "in", {"a.txt": b"a"})
    other = desks.sit_down(desk)
    _meanwhile(monkeypatch, lambda: cases.close_case(other, case))
    with pytest.raises(InputRefused, match="closed"):
        desks.take_in(desk, case, folder)
    assert desk.locker.work.items(case) == []
    assert list(desk.locker.vault.objects()) == []


def _kinds_of(desk: Desk, case: str) -> list[tuple[str, object]]:
    with desk.locker.ledger.reading() as view:
        return [(e.kind, e.public.get("result")) for e in (s.read() for s in view.history(case))]


def test_refused_tries_on_a_case_are_logged(desk: Desk, case: str, tmp_path: Path) -> None:
    desks.take_in(desk, case, desks.put(tmp_path / "in", {"a.txt": b"a"}))
    own, person = desks.add_person(desk, tmp_path / "keys" / "second", rights=("seal",))
    custodians.grant(desk, person, case, rights=["collect"], classes=[])
    other = desks.sit_down(desk, own)
    with pytest.raises(NoRight):
        access.consult(other, case, what="names", exhibits=None, purpose=desks.WHY)
    with pytest.raises(NoRight):
        export.export(other, Choice(case=case), tmp_path / "out.zip", purpose="a test", plain=True)
    assert _kinds_of(desk, case)[-2:] == [("case.consulted", "refused")] * 2
    assert not (tmp_path / "out.zip").exists()


def test_an_end_too_many_hides_no_acquisition_that_never_ended(desk: Desk, case: str, tmp_path: Path) -> None:
    """Two begun, two ended, but one of them twice and the other never."""
    desks.take_in(desk, case, desks.put(tmp_path / "in", {"a.txt": b"a"}))
    (exhibit,) = desk.locker.work.exhibits(case)
    keys = desk.ring.class_keys(exhibit.id)
    with desk.write() as writer:
        for kind, public in (
            ("exhibit.completed", {"acquisition": 0, "items": 1, "refused": 0, "interrupted": False}),
            ("exhibit.acquired", {"label": exhibit.label, "act": "files"}),
        ):
            writer.add(
                kind, "exhibit", exhibit.id, case=case, public=public, parts={"capture": {}}, keys=keys
            )
    assert [row.ended for row in desk.locker.work.acquisitions(exhibit.id)] == ["completed", None]
    export.export(desk, Choice(case=case), tmp_path / "out.zip", purpose="a test", plain=True)
    with (tmp_path / "out.zip").open("rb") as file:
        report = verify(file, fingerprint=desk.locker.genesis_leaf[:16], now=desks.START)
    assert report.exit_code == 6
    assert any(finding.check == "acquisitions" for finding in report.findings)


def test_another_record_over_the_same_exhibit_is_another_acquisition(
    desk: Desk, case: str, tmp_path: Path
) -> None:
    first = desks.put(tmp_path / "one", {"a.txt": b"a"})
    second = desks.put(tmp_path / "two", {"b.txt": b"b"})
    desks.take_in(desk, case, first, exhibit="B-1", record={"source": {"text": "phone of X"}})
    desks.take_in(desk, case, second, exhibit="B-1", record={"source": {"text": "laptop of Y"}})
    (exhibit,) = desk.locker.work.exhibits(case)
    rows = desk.locker.work.acquisitions(exhibit.id)
    assert [row.ended for row in rows] == ["completed", "completed"]
    assert [desk.locker.work.count_items(exhibit.id, row.ledger, row.n) for row in rows] == [1, 1]


def test_a_locker_that_a_newer_custody_wrote_is_left_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may have taken a right away, or ordered something kept."""
    newer = kinds.Kind(name="ledger.weighed", subject=("ledger",), public=record({}), right=("any",))
    with monkeypatch.context() as later:
        later.setitem(kinds.KINDS, newer.name, newer)
        with desk.write() as writer:
            writer.add(newer.name, "ledger", desk.locker.ledger_id)
    with pytest.raises(InputRefused, match="newer custody"):
        desks.sit_down(desk)
    assert os.listdir(desk.locker.path)  # noqa: PTH208 - the locker is left as it is
    Locker(desk.locker.path).close()


@pytest.mark.parametrize("way", ["item", "case", "export"])
def test_a_try_at_a_desk_whose_right_went_meanwhile_is_logged_as_refused(
    desk: Desk, case: str, tmp_path: Path, way: str
) -> None:
    """He sat down while he had the right; the write under the lock sees that it is gone."""
    desks.take_in(desk, case, desks.put(tmp_path / "in", {"a.txt": b"a"}))
    (item,) = desk.locker.work.items(case)
    own, person = desks.add_person(desk, tmp_path / "keys" / "second", rights=("seal",))
    every = ["object", "record", "identity", "note"]
    custodians.grant(desk, person, case, rights=["read", "export"], classes=every)
    other = desks.sit_down(desk, own)
    custodians.revoke(desk, person, case, rights=["read", "export"], classes=[])
    tries = {
        "item": lambda: access.open_item(other, item, purpose=desks.WHY, copy=True),
        "case": lambda: access.consult(other, case, what="names", exhibits=None, purpose=desks.WHY),
        "export": lambda: export.export(
            other, Choice(case=case), tmp_path / "out.zip", purpose="", plain=True
        ),
    }
    with pytest.raises(NoRight, match="the try is logged"):
        tries[way]()
    subject = item.id if way == "item" else case
    with desk.locker.ledger.reading() as view:
        last = view.history(subject)[-1].read()
    assert (last.actor, last.public["result"]) == (own.key_id, "refused")
    assert last.sealed == {}
    assert desk.locker.work.open_copies() == []
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("change", [dt.timedelta(days=-400), dt.timedelta(days=400)], ids=["back", "forward"])
def test_a_clock_that_was_set_stops_nobody(
    desk: Desk, case: str, tmp_path: Path, change: dt.timedelta
) -> None:
    """Device times are what a clock said: entries keep their order, and go on when it is set right again."""
    times = [dt.timedelta(0), change, dt.timedelta(minutes=1)]
    for number, offset in enumerate(times):
        set_ = desks.sit_down(desk, clock=desks.Clock(desks.START + offset))
        desks.take_in(set_, case, desks.put(tmp_path / f"{number}", {"a.txt": b"%d" % number}))
    found = check.check(desk.locker, desks.sit_down(desk), deep=True)
    assert found.passed, found.first_failure
    rows = desk.locker.work.items(case)
    assert [row.label for row in rows] == ["A-1/01", "A-2/01", "A-3/01"]
    assert [row.wall for row in rows] == [wall(desks.START + offset) for offset in times]
