"""A machine that only collects: its own signing key, other people's public keys, and nothing that it can read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from custody.crypto import sealing, wrapping
from custody.errors import CheckFailed, CustodyError, InputRefused, NoRight
from custody.format import contexts
from custody.keys.keyfile import KeyFile
from custody.procedure import (
    access,
    cases,
    check,
    collect,
    export,
    forms,
    items,
    lists,
    read,
    seal,
    sources,
    todo,
)
from custody.procedure.locker import Desk
from tests import desks, packages

SECRET = b"The safe house is behind the old mill; ask for Marija Exemplar."
NAME = b"Marija Exemplar.txt"
FILES: dict[str | bytes, bytes] = {NAME: SECRET, b"other.txt": b"another content " * 300}
RECORD = forms.merge({}, ["source.text=the box at the counter", "capture.method=watched folder"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


@pytest.fixture
def case(desk: Desk) -> str:
    return cases.open_case(desk, "REF-1")


@pytest.fixture
def collector(desk: Desk, case: str, tmp_path: Path) -> Desk:
    own, person = desks.add_person(
        desk, tmp_path / "counter" / "key", rights=("collect",), collector=True, unattended=True
    )
    assert person.wrap_key is None
    return desks.sit_down(desk, own)


def take_in(collector: Desk, case: str, folder: Path) -> collect.Collected:
    return desks.take_in(collector, case, desks.put(folder, FILES), record=RECORD, seal=True)


def test_what_a_collector_takes_in_its_readers_read_and_hand_on(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    done = take_in(collector, case, tmp_path / "in")
    assert len(done.items) == 2
    # What it can't do, it says: it can't tell what is in already, and it can't seal.
    assert done.no_lookup
    assert done.sealed is not None
    assert done.sealed.why_not is not None
    fresh = desks.sit_down(desk)
    assert todo.todo(fresh).unsealed
    names = {named.name for named in lists.list_names(fresh, case, desks.WHY)}
    assert names == set(FILES)
    row = next(row for row in fresh.locker.work.items(case) if row.id == done.items[0].id)
    stream = io.BytesIO()
    read.read_to_stream(fresh, row, stream, desks.WHY)
    assert hashlib.sha256(stream.getvalue()).hexdigest() == done.items[0].sha256
    (acquired, *_) = access.open_item(fresh, row, purpose=desks.WHY).exhibit
    assert acquired.entry.actor == collector.key_id
    assert acquired.values["source"]["text"] == "the box at the counter"
    export.export(fresh, export.Choice(case=case), tmp_path / "p.zip", purpose="test", plain=True)
    report = packages.look((tmp_path / "p.zip").read_bytes())
    assert report.intact, packages.summary(report)
    assert check.check(fresh.locker, fresh, deep=True).passed


def _secrets(own: KeyFile) -> list[bytes]:
    """What the unlocked key file holds: no wrapping key, and a signing key tried as if it were a key to open."""
    assert own.keys.wrap_seed is None
    return [own.keys.sign.seed, own.keys.sign.public, hashlib.sha256(own.keys.sign.seed).digest()]


def test_its_key_file_opens_nothing_of_what_it_collected(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    done = take_in(collector, case, tmp_path / "in")
    store, origin = collector.locker.erasable, collector.origin
    assert store.wraps(recipient=collector.key_id) == []
    after = desks.sit_down(collector)
    exhibits = [row.id for row in after.locker.work.exhibits(case)]
    for subject in (after.locker.ledger_id, case, *exhibits):
        assert after.ring.class_keys(subject) == {}
        assert after.ring.index_key(case) is None
    secrets = _secrets(collector.key_file)
    for item in done.items:
        assert after.ring.item_keys(item.id) == {}
        row = store.item_keys(item.id)
        assert row is not None
        for secret in secrets:
            for name, wrapped in row.wrapped.items():
                context = contexts.row(origin, row.batch, item.id, name)
                with pytest.raises(wrapping.WrapBroken):
                    wrapping.unwrap_row(secret, context, wrapped, where="row")
    for part in store.parts():
        if part.subject not in {item.id for item in done.items} | set(exhibits):
            continue
        for secret in secrets:
            key = sealing.compartment_key(secret, origin, part.subject, part.n, part.compartment)
            with pytest.raises(CheckFailed):
                sealing.open_compartment(
                    key, origin, part.subject, part.n, part.compartment, part.sealed, where="part"
                )
    for wrap in store.wraps():
        info = contexts.wrap(origin, wrap.subject, wrap.recipient, wrap.classes)
        for secret in secrets:
            with pytest.raises(CustodyError):
                wrapping.unwrap((secret * 3)[:96], info, wrap.message, where="wrap")


def test_no_byte_of_it_lies_readable_on_the_collectors_machine(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    """All that the machine holds when the originals are cleared away: the locker and its own key file."""
    done = take_in(collector, case, tmp_path / "in")
    lists.list_items(collector)
    todo.todo(collector)
    words = [SECRET, NAME, b"Marija", b"another content", b"the box at the counter", b"REF-1"]
    for item in done.items:
        words += [item.sha256.encode(), bytes.fromhex(item.sha256)]
    words += [hashlib.sha512(data).digest() for data in FILES.values()]
    found = [*desks.all_bytes(collector.locker.path), *desks.all_bytes(tmp_path / "counter")]
    assert len(found) > 6
    for path, data in found:
        for word in words:
            assert word not in data, (path, word)
    # The search can find: an object is there by its name.
    (row, *_) = collector.locker.work.items(case)
    assert any(path.name == row.object for path, _ in found)


def test_what_it_can_not_do_is_refused_in_words_and_its_tries_are_logged(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    take_in(collector, case, tmp_path / "in")
    row = items.find_item(collector, "A-1/01")
    for attempt in (
        lambda: read.read_to_stream(collector, row, io.BytesIO(), desks.WHY),
        lambda: lists.show_item(collector, row, desks.WHY),
        lambda: lists.list_names(collector, case, desks.WHY),
        lambda: export.export(collector, export.Choice(case=case), tmp_path / "p.zip", purpose="x"),
    ):
        with pytest.raises(NoRight, match="not allowed"):
            attempt()
    with pytest.raises(NoRight, match="right to seal"):
        collector.log_keys()
    assert seal.seal(collector).why_not is not None
    assert not (tmp_path / "p.zip").exists()
    with collector.locker.ledger.reading() as view:
        refused = [
            entry.kind
            for entry in (stored.read() for stored in view.entries())
            if entry.actor == collector.key_id and entry.public.get("result") == "refused"
        ]
    assert refused == ["item.accessed", "item.accessed", "case.consulted", "case.consulted"]


def test_it_names_a_case_by_its_public_id_and_opens_none(desk: Desk, case: str, collector: Desk) -> None:
    with pytest.raises(InputRefused, match="no such case"):
        cases.find(collector, "REF-1")
    assert cases.find(collector, case[-8:]).id == case
    before = len(collector.locker.work.cases())
    with pytest.raises(NoRight, match="nobody could read this case"):
        cases.open_case(collector, "REF-2")
    assert len(desks.sit_down(collector).locker.work.cases()) == before


def test_it_can_not_tell_what_is_in_already_and_each_run_is_an_exhibit(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    take_in(collector, case, tmp_path / "in")
    second = take_in(desks.sit_down(collector), case, tmp_path / "in")
    assert (second.exhibit, len(second.items), second.already, second.received) == ("A-2", 2, 0, ())
    with pytest.raises(NoRight, match="not given the keys"):
        desks.take_in(collector, case, desks.put(tmp_path / "more", {"x": b"x"}), exhibit="A-1")
    # Nor can anybody later: a collector has no key to leave a trace by which its items are found again.
    again = desks.take_in(desks.sit_down(desk), case, tmp_path / "in", record=RECORD)
    assert (len(again.items), again.already, again.received) == (2, 0, ())


def test_a_collector_registers_too(desk: Desk, case: str, collector: Desk, tmp_path: Path) -> None:
    found = sources.look([desks.put(tmp_path / "in", FILES)])
    request = collect.Request(case=case, seal=False, register=True)
    done = collect.collect(collector, found, request, workers=0)
    assert all(item.registered for item in done.items)
    assert list(collector.locker.vault.objects()) == []
    assert todo.todo(desks.sit_down(desk)).registered


def test_a_retired_collector_adds_nothing_more(
    desk: Desk, case: str, collector: Desk, tmp_path: Path
) -> None:
    from custody.procedure import custodians

    take_in(collector, case, tmp_path / "in")
    custodians.retire(desk, desk.rights.custodians[collector.key_id])
    with pytest.raises(CustodyError):
        desks.take_in(desks.sit_down(collector), case, desks.put(tmp_path / "more", {"x": b"x"}))
    assert len(desks.sit_down(desk).locker.work.items(case)) == 2
